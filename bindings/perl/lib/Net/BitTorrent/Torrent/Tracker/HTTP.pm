package Net::BitTorrent::Torrent::Tracker::HTTP;
use 5.016;
use strict;
use warnings;
use Net::BitTorrent::Torrent::Tracker::URL;
use Tern ();

our $VERSION = '0.100';
our @ISA = qw(Net::BitTorrent::Torrent::Tracker::URL);

sub _pattern { return qr{\Ahttps?://.}i }

sub as_string {
    my ($object, $verbose) = @_;
    my $text = $object->_text($verbose);
    return if !defined $text;
    return defined wantarray ? $text : print STDERR "$text\n";
}

# Whether the engine talks to it.
sub _supported { return 1 }

1;

__END__

=encoding utf8

=head1 NAME

Net::BitTorrent::Torrent::Tracker::HTTP - an HTTP or HTTPS tracker

=head1 SYNOPSIS

    print $_->url, "\n" for map { @{$_->urls} } @{$torrent->trackers};

=head1 DESCRIPTION

A tracker asked by HTTP or HTTPS. The engine announces to it by itself. Over plain HTTP it closes
its half of the connection after the request, as 0.052 did.

=head1 METHODS

=over

=item C<new ( { URL, Tier } )>

For old programs: the tier makes its trackers. C<undef> when the URL is of another kind.

=item C<url>

The URL; also the object's value as a scalar reference.

=item C<complete> C<incomplete>

Seeds and leechers as of its last answer, C<undef> before.

=item C<as_string ( [ $verbose ] )>

The URL, or some lines about the tracker. In void context it is printed to STDERR.

=item C<announce> C<scrape>

Announces to it, or asks it for its counts, as soon as it allows: also if it is one that is asked
only when those before it fail. True when the engine took it; C<tracker_success> or
C<tracker_failure> follow, and C<complete> and C<incomplete> are what it said.

=item C<_announce ( [ 'started' | 'stopped' | 'completed' ] )>

As C<announce>; which event is due, the engine knows. Another event is C<undef> and a warning.

=item C<_peers> C<_tier> C<_torrent> C<_client>

The addresses of its last answer in compact form, and what it belongs to.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
