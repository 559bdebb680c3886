package Net::BitTorrent::Torrent::Tracker::URL;

# What trackers of all kinds have in common. Private.

use 5.016;
use strict;
use warnings;
use Scalar::Util qw(blessed weaken);
use Net::BitTorrent::Error;
use Tern ();

our $VERSION = '0.100';

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub new {
    my ($class, $args) = @_;
    if (ref $args ne 'HASH') {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            "$class->new({ }) requires parameters to be passed as a hashref");
    }
    my ($url, $tier) = @$args{qw(URL Tier)};
    return if !defined $url || $url !~ $class->_pattern;
    if (!(blessed $tier && $tier->isa('Net::BitTorrent::Torrent::Tracker')
        && Tern::state($tier))) {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            "$class->new({ }) requires a blessed 'Tier'");
    }
    my $object = bless \$url, $class;
    my $self = {tier => $tier, peers => ''};
    weaken $self->{tier};
    Tern::attach($object, $self);
    return $object;
}

sub url        { my ($o) = @_; return _self($o) ? $$o : undef }
sub _tier      { my $s = _self(@_) or return; return $s->{tier} }
sub _torrent   { my $s = _self(@_) or return; return $s->{tier} ? $s->{tier}->_torrent : undef }
sub _client    { my $s = _self(@_) or return; return $s->{tier} ? $s->{tier}->_client : undef }
sub _peers     { my $s = _self(@_) or return; return $s->{peers} }
sub _set_peers { my ($o, $peers) = @_; my $s = _self($o) or return; return $s->{peers} = $peers }

# What its last answer said; -1 when it did not.
sub _set_counts {
    my ($object, @counts) = @_;
    my $s = _self($object) or return;
    @$s{qw(complete incomplete)} = map { defined && $_ >= 0 ? $_ : undef } @counts;
    return 1;
}
sub complete   { my $s = _self(@_) or return; return $s->{complete} }
sub incomplete { my $s = _self(@_) or return; return $s->{incomplete} }

my %EVENT = map { $_ => 1 } qw(started stopped completed);

# Which event is due the engine knows; a call makes it announce as soon as the tracker allows.
sub _announce {
    my ($object, $event) = @_;
    _self($object) or return;
    my $torrent = $object->_torrent;
    if (defined $event && !$EVENT{$event}) {
        return Net::BitTorrent::Error::fail($torrent ? Tern::state($torrent) : undef, 'argument',
            "Invalid event: $event");
    }
    return _ask($object, 'announce_tracker');
}

sub announce { my ($o) = @_; _self($o) or return; return _ask($o, 'announce_tracker') }
sub scrape   { my ($o) = @_; _self($o) or return; return _ask($o, 'scrape_tracker') }

# This tracker alone, wherever it stands in the tiers.
sub _ask {
    my ($object, $what) = @_;
    my $torrent = $object->_torrent;
    my $handle = $torrent && $object->_supported ? $torrent->_handle : undef;
    return $handle ? $handle->$what($$object) : undef;
}

# For as_string of the classes, which print themselves: programs look at who calls a tied STDERR.
sub _text {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    return $$object if !$verbose;
    return join "\n", ref $object, '', "URL: $$object",
        'Seeds: ' . ($s->{complete} // 'unknown'),
        'Leechers: ' . ($s->{incomplete} // 'unknown'),
        ($object->_supported ? () : 'Not in this version.');
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Tracker::URL - private: what trackers have in common

=head1 SYNOPSIS

    # Base class of Net::BitTorrent::Torrent::Tracker::HTTP and UDP.

=head1 DESCRIPTION

See L<Net::BitTorrent::Torrent::Tracker::HTTP>.

=cut
