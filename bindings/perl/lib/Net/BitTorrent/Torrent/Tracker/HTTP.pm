package Net::BitTorrent::Torrent::Tracker::HTTP;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use Scalar::Util qw(blessed weaken);
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
        carp __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref';
        return;
    }
    my ($url, $tier) = @$args{qw(URL Tier)};
    return if !defined $url || $url !~ m{\Ahttps?://.}i;
    if (!(blessed $tier && $tier->isa('Net::BitTorrent::Torrent::Tracker'))) {
        carp __PACKAGE__ . '->new({ }) requires a blessed \'Tier\'';
        return;
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

# Whether the engine talks to it.
sub _supported { 1 }

my %EVENT = map { $_ => 1 } qw(started stopped completed);

# Which event is due the engine knows; a call makes it announce as soon as the tracker allows.
sub _announce {
    my ($object, $event) = @_;
    _self($object) or return;
    if (defined $event && !$EVENT{$event}) {
        carp "Invalid event: $event";
        return;
    }
    my $torrent = $object->_torrent or return;
    my $handle  = $torrent->_handle or return;
    return $handle->announce;
}

sub as_string {
    my ($object, $verbose) = @_;
    _self($object) or return;
    my $text = $verbose ? __PACKAGE__ . "\n\nURL: $$object" : $$object;
    return defined wantarray ? $text : print STDERR "$text\n";
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Tracker::HTTP - an HTTP or HTTPS tracker

=head1 SYNOPSIS

    print $_->url, "\n" for map { @{$_->urls} } @{$torrent->trackers};

=head1 DESCRIPTION

A tracker asked by HTTP or HTTPS. The engine announces to it by itself.

=head1 METHODS

=over

=item C<url>

The URL; also the object's value as a scalar reference.

=item C<as_string ( [ $verbose ] )>

The URL, or some lines about the tracker. In void context it is printed to STDERR.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
