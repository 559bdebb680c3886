package Net::BitTorrent::Torrent::Magnet;

# Torrents that begin as a magnet link. Private.
#
# Until the metadata is here such a torrent has an infohash, trackers and peers, and no files and no
# pieces; then it becomes one like any other, which is `learn`. Data saved of it has the metadata in
# the engine's part. Deliberately absent: fetching it, which the engine does.

use 5.016;
use strict;
use warnings;
use Tern ();
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Saved;
use Net::BitTorrent::Torrent::Status qw(LOADED);
use Net::BitTorrent::Util qw(bdecode);

our $VERSION = '0.100';

# The link for what people have in hand, a link or an infohash; nothing if it is neither.
sub link_of {
    my ($thing) = @_;
    return $thing if $thing =~ /\Amagnet:/i;
    return "magnet:?xt=urn:btih:$thing" if $thing =~ /\A[0-9A-Fa-f]{40}\z/ && !-e $thing;
    return;
}

# Its infohash, 20 bytes.
sub info_hash {
    my ($raise, $link, $client) = @_;
    return Net::BitTorrent::Error::fail($raise, 'argument',
        q(A 'Magnet' requires a 'Client': its metadata comes from peers)) if !$client;
    my $hash = Tern::magnet_info_hash($link);
    return $hash if defined $hash;
    return Net::BitTorrent::Error::of_engine($raise, "Cannot use '$link'");
}

# Whether the engine's data has the metadata in it.
sub in_blob {
    my ($blob) = @_;
    my $state = defined $blob ? bdecode($blob) : undef;
    return ref $state eq 'HASH' && ref $state->{info} eq 'HASH';
}

# The engine has it: its trackers are those of the link.
sub entered {
    my ($object, $s) = @_;
    my @tiers;
    push @{$tiers[$_->{tier}]}, $_->{url} for $s->{handle}->trackers;
    $object->_set_tiers(grep { defined } @tiers);
}

# Takes the metadata from the engine, if it is there and was not known. Whether it is known now.
sub learn {
    my ($object, $s) = @_;
    return 1 if $s->{metainfo};
    $s->{metainfo} = $s->{handle} ? $s->{handle}->metainfo : undef;
    return 0 if !$s->{metainfo};
    $s->{pieces} = $s->{metainfo}->piece_count;
    $s->{view}->set_pieces($s->{pieces});
    $object->_make_files($s);
    Net::BitTorrent::Torrent::Saved::update_want($s);
    Net::BitTorrent::Torrent::Saved::read_priorities($s);    # a link may name files (BEP 53)
    $s->{view}->change(LOADED, 0);
    return 1;
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Magnet - private: torrents that begin as a magnet link

=head1 SYNOPSIS

    my $torrent = $client->add('magnet:?xt=urn:btih:...', 'downloads');

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent/add> and L<Net::BitTorrent::Torrent/new>.

=cut
