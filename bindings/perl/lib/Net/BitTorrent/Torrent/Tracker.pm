package Net::BitTorrent::Torrent::Tracker;
use 5.016;
use strict;
use warnings;
use List::Util qw(shuffle);
use Scalar::Util qw(blessed weaken);
use Tern ();
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Tracker::HTTP;
use Net::BitTorrent::Torrent::Tracker::UDP;

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
            __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref');
    }
    my ($torrent, $urls) = @$args{qw(Torrent URLs)};
    if (!(blessed $torrent && $torrent->isa('Net::BitTorrent::Torrent') && Tern::state($torrent))) {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires a blessed \'Torrent\'');
    }
    if (ref $urls ne 'ARRAY' || !@$urls) {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires a list of \'URLs\'');
    }
    return $class->_make($torrent, $urls);
}

sub _make {
    my ($class, $torrent, $urls) = @_;
    my $first = $urls->[0];
    my $object = bless \$first, $class;
    my $self = {torrent => $torrent};
    weaken $self->{torrent};
    Tern::attach($object, $self);
    my @found = grep { defined } map {
        my $kind = /\Ahttps?:/i ? 'HTTP' : 'UDP';
        "Net::BitTorrent::Torrent::Tracker::$kind"->new({URL => $_, Tier => $object});
    } grep { defined && !ref } @$urls;
    return if !@found;
    $self->{urls} = [shuffle @found];
    return $object;
}

sub urls     { my $s = _self(@_) or return; return $s->{urls} }
# As its trackers said last: that of them which said most.
for my $name (qw(complete incomplete)) {
    no strict 'refs';
    *$name = sub {
        my $s = _self(@_) or return;
        my ($most) = sort { $b <=> $a } grep { defined } map { $_->$name } @{$s->{urls}};
        return $most;
    };
}

sub _torrent { my $s = _self(@_) or return; return $s->{torrent} }
sub _client  { my $s = _self(@_) or return; return $s->{torrent} ? $s->{torrent}->_client : undef }

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $text = join "\n", $verbose ? (__PACKAGE__, '') : (), map { $_->url } @{$s->{urls}};
    return defined wantarray ? $text : print STDERR "$text\n";
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Tracker - a tier of trackers

=head1 SYNOPSIS

    for my $tier (@{$torrent->trackers}) {
        print $_->url, "\n" for @{$tier->urls};
    }

=head1 METHODS

=over

=item C<urls>

Reference to an array of L<Net::BitTorrent::Torrent::Tracker::HTTP> and
L<Net::BitTorrent::Torrent::Tracker::UDP> objects, in random order (BEP 12).

=item C<new ( { Torrent, URLs =E<gt> [ ... ] } )>

For old programs: the torrent makes its tiers.

=item C<complete> C<incomplete>

Seeds and leechers as of the last answers of its trackers, C<undef> before. 0.052 documented these
and did not have them.

=item C<as_string ( [ $verbose ] )>

The URLs, one a line. In void context they are printed to STDERR.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
