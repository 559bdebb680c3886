package Net::BitTorrent::Torrent::Legacy;

# The private methods of 0.052's torrents that programs call all the same. Private.

use 5.016;
use strict;
use warnings;
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Resume;
use Net::BitTorrent::Torrent::Status qw(:all);
use Net::BitTorrent::Torrent::Tracker;
use Net::BitTorrent::Util qw(bdecode);
use Tern ();

our $VERSION = '0.100';

sub _client       { my $s = $_[0]->_self or return; return $s->{client} }
sub _block_length { my $s = $_[0]->_self or return; return $s->{block} }
sub _is_loaded    { my $s = $_[0]->_self or return; return $s->{loaded} }
sub _basedir      { my $s = $_[0]->_self or return; return $s->{basedir} }
sub _handle       { my $s = $_[0]->_self or return; return $s->{handle} }
sub _wanted       { my $s = $_[0]->_self or return; return $s->{view}->missing }

sub _nodes {
    my $s = $_[0]->_self or return;
    return [$s->{metainfo} ? $s->{metainfo}->nodes : ()];
}

for my $way (qw(uploaded downloaded)) {
    no strict 'refs';
    my $key = $way eq 'uploaded' ? 'added_up' : 'added_down';
    *{"_add_$way"} = sub {
        my ($object, $n) = @_;
        my $s = $object->_self or return;
        if (!defined $n || $n !~ /\A[0-9]+\z/) {
            return Net::BitTorrent::Error::fail($s, 'argument', "_add_$way( ) requires an integer");
        }
        return $s->{$key} += $n;
    };
}

sub _set_bitfield {
    my ($object, $bits) = @_;
    my $s = $object->_self or return;
    return if $s->{view}->status & CHECKING || !defined $bits;
    return $s->{view}->set_bitfield($bits) ? $bits : undef;
}

sub _set_status {
    my ($object, $status) = @_;
    my $s = $object->_self or return;
    return if $s->{view}->status & CHECKING || !defined $status || $status !~ /\A[0-9]+\z/;
    return $s->{view}->change($status, ~$status & 0xFF);
}

# The engine connects to the peers it knows by itself; with an address, to this one.
sub _new_peer {
    my ($object, @address) = @_;
    my $s = $object->_self or return;
    return if !($s->{view}->status & STARTED);
    return $object->add_peer(@address) if @address;
    return 1;
}

# A tier more. Its trackers are told `started` at once.
sub _add_tracker {
    my ($object, $urls) = @_;
    my $s = $object->_self or return;
    if (ref $urls ne 'ARRAY' || !@$urls) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            'Please, pass new tier in an array ref...');
    }
    my $tier = Net::BitTorrent::Torrent::Tracker->_make($object, $urls) or return;
    if ($s->{handle}) {
        my $number = @{$s->{tiers}};
        $s->{handle}->add_tracker($number, $_->url) for grep { $_->_supported } @{$tier->urls};
    }
    push @{$s->{tiers}}, $tier;
    return 1;
}

# Facts of a piece that is being fetched, or not begun; undef for one that is here.
sub _piece_by_index {
    my ($object, $index) = @_;
    my $s = $object->_self or return;
    if (!defined $index || $index !~ /\A[0-9]+\z/) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            '_piece_by_index( ) requires an index');
    }
    return if $index >= $s->{pieces};
    my $working = $object->_working_pieces;
    return $working->{$index} // Net::BitTorrent::Torrent::Resume::piece($s, $index);
}

# Pieces under way, by index, with the blocks that came: as of the last data that was saved.
sub _working_pieces {
    my ($object) = @_;
    my $s = $object->_self or return;
    my $data  = $s->{handle} ? $object->resume_data : undef;
    my $state = defined $data ? bdecode($data) : undef;
    return {} if ref $state ne 'HASH';
    return {map { ($_->{Index} => $_) } @{$state->{working}}};
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Legacy - private: what programs of 0.052 call although it was private

=head1 SYNOPSIS

    # Base class of Net::BitTorrent::Torrent.

=head1 DESCRIPTION

See L<Net::BitTorrent::Torrent/PRIVATE METHODS>.

=cut
