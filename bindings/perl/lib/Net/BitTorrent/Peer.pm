package Net::BitTorrent::Peer;
use 5.016;
use strict;
use warnings;
use Scalar::Util qw(blessed weaken);
use Time::HiRes ();
use Tern qw(:constants);
use Net::BitTorrent::Error;
use Net::BitTorrent::Util qw(bdecode);

our $VERSION = '0.100';

use Exporter 'import';
our (@EXPORT_OK, %EXPORT_TAGS);

use constant {
    DISCONNECT_BY_REMOTE           => 0,
    DISCONNECT_LOOPBACK            => -10,
    DISCONNECT_NO_SUCH_TORRENT     => -11,
    DISCONNECT_HANDSHAKE_INFOHASH  => -12,
    DISCONNECT_MALFORMED_HANDSHAKE => -13,
    DISCONNECT_PREXISTING          => -16,
    DISCONNECT_TOO_MANY            => -17,
    DISCONNECT_HASHCHECKING        => -18,
    DISCONNECT_MALFORMED_PACKET    => -22,
    DISCONNECT_SEED                => -25,
    DISCONNECT_UNREQUESTED         => -26,
    DISCONNECT_TIMEOUT_HANDSHAKE   => -30,
    DISCONNECT_IDLE                => -40,
    DISCONNECT_USELESS_PEER        => -41,
    DISCONNECT_BANNED              => -50,
    DISCONNECT_HANDSHAKE_SYNC_DH5  => -102,
};

BEGIN {
    @EXPORT_OK = grep { /\ADISCONNECT_/ } keys %Net::BitTorrent::Peer::;
    %EXPORT_TAGS = (disconnect => [@EXPORT_OK], all => [@EXPORT_OK]);
}

# The engine's reasons in 0.052's numbers.
my %REASON = (
    TERN_CLOSE_LOOPBACK()             => DISCONNECT_LOOPBACK,
    TERN_CLOSE_DUPLICATE()            => DISCONNECT_PREXISTING,
    TERN_CLOSE_TOO_MANY()             => DISCONNECT_TOO_MANY,
    TERN_CLOSE_BOTH_SEEDS()           => DISCONNECT_SEED,
    TERN_CLOSE_USELESS()              => DISCONNECT_USELESS_PEER,
    TERN_CLOSE_BANNED()               => DISCONNECT_BANNED,
    TERN_CLOSE_FLOOD()                => DISCONNECT_UNREQUESTED,
    TERN_CLOSE_BAD_HANDSHAKE()        => DISCONNECT_MALFORMED_HANDSHAKE,
    TERN_CLOSE_WRONG_INFO_HASH()      => DISCONNECT_HANDSHAKE_INFOHASH,
    TERN_CLOSE_OVERSIZED_MESSAGE()    => DISCONNECT_MALFORMED_PACKET,
    TERN_CLOSE_BAD_MESSAGE()          => DISCONNECT_MALFORMED_PACKET,
    TERN_CLOSE_UNEXPECTED_BITFIELD()  => DISCONNECT_MALFORMED_PACKET,
    TERN_CLOSE_FAST_NOT_NEGOTIATED()  => DISCONNECT_MALFORMED_PACKET,
    TERN_CLOSE_BAD_EXTENSION()        => DISCONNECT_MALFORMED_PACKET,
    TERN_CLOSE_HANDSHAKE_TIMEOUT()    => DISCONNECT_TIMEOUT_HANDSHAKE,
    TERN_CLOSE_IDLE_TIMEOUT()         => DISCONNECT_IDLE,
);

# Seconds a peer's state is remembered before the engine is asked again.
use constant FRESH => 0.05;

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

# Connections are made by the engine: this asks for one.
sub new {
    my ($class, $args) = @_;
    if (ref $args ne 'HASH') {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref');
    }
    my ($address, $torrent) = @$args{qw(Address Torrent)};
    return if !defined $address || $address !~ /\A(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)\z/;
    return if grep({ $_ > 255 } $1, $2, $3, $4) || $5 == 0 || $5 > 65535;
    return if !(blessed $torrent && $torrent->isa('Net::BitTorrent::Torrent'));
    my $s = Tern::state($torrent) or return;
    my $client = $s->{client};
    return if !_has_room($s, $client, $address) || !$torrent->add_peer($address);
    return _object($class, $address, $torrent, {source => $args->{Source}, incoming => 0});
}

# As 0.052 did, one that would be too many is refused here; the engine would let it wait.
sub _has_room {
    my ($s, $client, $address) = @_;
    return if !$client || !$s->{handle};
    my $status = $s->{handle}->status or return;
    return if $status->{half_open} >= $client->_half_open
        || $status->{peers} + $status->{half_open} >= $client->_peers_per_torrent;
    my ($host) = $address =~ /\A(.*):/;
    return 1 if $host =~ /\A(?:127|10)\.|\A192\.168\./;
    my $same = grep { ($_->host // '') eq $host } values %{$s->{peers}};
    return $same < $client->_connections_per_host;
}

sub _make {
    my ($class, $torrent, $event, $incoming) = @_;
    return _object($class, $event->{addr} // '', $torrent, {
        number   => $event->{peer},
        incoming => $incoming ? 1 : 0,
        # Who connected to us has not said what for until its handshake was told.
        ($incoming ? (nameless => 1) : ()),
    });
}

sub _object {
    my ($class, $address, $torrent, $self) = @_;
    my $object = bless \$address, $class;
    $self->{torrent} = $torrent;
    weaken $self->{torrent};
    Tern::attach($object, $self);
    return $object;
}

# peer_connect is told once.
sub _connected { my $s = _self(@_) or return; return $s->{connected}++ }

# Our handshake is told once.
sub _greeted { my $s = _self(@_) or return; return $s->{greeted}++ }

# Its handshake is told. With $pieces its messages are too from now on, and its state is what they
# said; else it is what the engine knows.
sub _named {
    my ($object, $torrent, $peer_id, $pieces) = @_;
    my $s = _self($object) or return;
    delete $s->{nameless};
    $s->{peerid} = $peer_id;
    return if !defined $pieces;
    $s->{pieces} = $pieces;
    $s->{told} = {
        bitfield        => "\0" x int(($pieces + 7) / 8),
        am_choking      => 1,
        am_interested   => 0,
        peer_choking    => 1,
        peer_interested => 0,
    };
}

# A message is being told.
my %SAYS = (
    TERN_MESSAGE_CHOKE()          => ['choking',    1],
    TERN_MESSAGE_UNCHOKE()        => ['choking',    0],
    TERN_MESSAGE_INTERESTED()     => ['interested', 1],
    TERN_MESSAGE_NOT_INTERESTED() => ['interested', 0],
);

sub _saw {
    my ($object, $event, $in) = @_;
    my $s = _self($object) or return;
    my $told = $s->{told} or return;
    my $code = $event->{code};
    if (my $says = $SAYS{$code}) {
        $told->{($in ? 'peer_' : 'am_') . $says->[0]} = $says->[1];
    }
    elsif (!$in) {
        return;
    }
    elsif ($code == TERN_MESSAGE_HAVE) {
        vec($told->{bitfield}, $event->{piece}, 1) = 1 if $event->{piece} < $s->{pieces};
    }
    elsif ($code == TERN_MESSAGE_BITFIELD) {
        $told->{bitfield} = pack 'b*', substr unpack('B*', $event->{data}), 0, $s->{pieces};
    }
    elsif ($code == TERN_MESSAGE_HAVE_ALL) {
        $told->{bitfield} = pack 'b*', '1' x $s->{pieces};
    }
}

# What the engine knows of it now; of one that is gone, what was known last.
sub _info {
    my ($s) = @_;
    my $now = Time::HiRes::time();
    return $s->{info} if $s->{gone} || defined $s->{asked} && $now - $s->{asked} < FRESH;
    my $torrent = $s->{torrent} or return $s->{info};
    my $handle  = $torrent->_handle or return $s->{info};
    my $number  = $s->{number};
    return $s->{info} if !defined $number;
    my ($found) = grep { $_->{peer} == $number } $handle->peers;
    $s->{asked} = $now;
    $s->{info} = $found if $found;
    return $s->{info};
}

sub _gone {
    my $s = _self(@_) or return;
    return $s->{gone} = 1;
}

# The engine has it, never a program.
sub _socket { return }

sub host { my ($o) = @_; _self($o) or return; return $$o =~ /\A\[?(.*?)\]?:(\d+)\z/ ? $1 : undef }
sub port { my ($o) = @_; _self($o) or return; return $$o =~ /:(\d+)\z/ ? $1 : undef }

sub peerid   { my $s = _self(@_) or return; return $s->{peerid} }
sub torrent  { my $s = _self(@_) or return; return $s->{nameless} ? undef : $s->{torrent} }
sub incoming { my $s = _self(@_) or return; return $s->{incoming} // 0 }

sub bitfield {
    my $s = _self(@_) or return;
    return $s->{told}{bitfield} if $s->{told};
    return if !defined $s->{peerid};
    my $info = _info($s) or return;
    my $count = $s->{torrent} ? $s->{torrent}->piece_count : 8 * length $info->{bitfield};
    return pack 'b*', substr unpack('B*', $info->{bitfield}), 0, $count;
}

sub reserved_bytes {
    my $s = _self(@_) or return;
    return if !defined $s->{peerid};
    my $info = _info($s) or return;
    return $info->{handshake_bits};
}

my %SOURCE = (
    TERN_SOURCE_INCOMING() => 'Incoming',
    TERN_SOURCE_TRACKER()  => 'Tracker',
    TERN_SOURCE_MANUAL()   => 'User',
    TERN_SOURCE_RESUME()   => 'Resume',
    TERN_SOURCE_LSD()      => 'LSD',
);

sub source {
    my $s = _self(@_) or return;
    return $s->{source} if defined $s->{source};
    return 'Incoming' if $s->{incoming};
    my $info = _info($s) or return;
    return $SOURCE{$info->{source}};
}

my %FLAG = (
    am_choking      => [TERN_PEER_AM_CHOKING,    1],
    am_interested   => [TERN_PEER_AM_INTERESTED, 0],
    peer_choking    => [TERN_PEER_CHOKING,       1],
    peer_interested => [TERN_PEER_INTERESTED,    0],
);
for my $name (keys %FLAG) {
    no strict 'refs';
    my ($bit, $first) = @{$FLAG{$name}};
    *$name = sub {
        my $s = _self(@_) or return;
        return $s->{told}{$name} if $s->{told};
        return $first if !defined $s->{peerid};
        my $info = _info($s) or return $first;
        return $info->{flags} & $bit ? 1 : 0;
    };
}

# Reason and, where there is more to say, Advanced of a peer_disconnect event.
sub _reason {
    my ($object, $event) = @_;
    my $s = _self($object) or return;
    my $code = $event->{code};
    return (Reason => $event->{errno} || DISCONNECT_BY_REMOTE) if $code == TERN_CLOSE_REMOTE;
    my $reason = $REASON{$code} // DISCONNECT_BY_REMOTE;
    return (Reason => $reason, Advanced => {PeerID => $s->{peerid}})
        if $reason == DISCONNECT_PREXISTING;
    return (Reason => $reason);
}

# Type and Payload of a message event. $pieces: how many there are, if that is known.
sub _packet {
    my ($event, $pieces) = @_;
    my $code = $event->{code};
    my $data = $event->{data} // '';
    return (Type => '', Payload => {}) if $code == TERN_MESSAGE_KEEP_ALIVE;
    if ($code == TERN_MESSAGE_HAVE || $code == TERN_MESSAGE_ALLOWED_FAST
        || $code == TERN_MESSAGE_SUGGEST) {
        return (Type => $code, Payload => {Index => $event->{piece}});
    }
    if ($code == TERN_MESSAGE_BITFIELD) {
        return (Type => $code, Payload => $event->{kind} == TERN_EVENT_MESSAGE_OUT ? {}
            : {Bitfield => pack 'b*', substr unpack('B*', $data), 0, $pieces // 8 * length $data});
    }
    if ($code == TERN_MESSAGE_REQUEST || $code == TERN_MESSAGE_PIECE
        || $code == TERN_MESSAGE_CANCEL || $code == TERN_MESSAGE_REJECT) {
        return (Type => $code, Payload => {
            Index => $event->{piece}, Offset => $event->{a}, Length => $event->{b}});
    }
    # Those of extensions: the receiver's number, and the dictionary if the payload begins with one.
    if ($code == TERN_MESSAGE_EXTENDED || $code == TERN_MESSAGE_PEX
        || $code == TERN_MESSAGE_METADATA || $code == TERN_MESSAGE_DONT_HAVE) {
        my $dict    = bdecode($data);
        my %payload = ref $dict eq 'HASH' ? %$dict : ();
        my $out     = $event->{kind} == TERN_EVENT_MESSAGE_OUT;
        return (
            Type    => TERN_MESSAGE_EXTENDED,
            Payload => {%payload, $out ? () : (ID => $event->{a})},
            $out ? (ID => $event->{a}) : (),
        );
    }
    return (Type => $code, Payload => {});
}

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $text = $$object;
    if ($verbose) {
        my $info = _info($s) // {};
        $text = join "\n", __PACKAGE__, '',
            "Address:  $$object",
            'Peer ID:  ' . ($s->{peerid} // 'unknown'),
            'Client:   ' . ($info->{client} // ''),
            'Torrent:  ' . ($s->{torrent} ? $s->{torrent}->infohash : ''),
            sprintf('Status:   %s; we are %s, it is %s',
                $s->{gone} ? 'gone' : 'connected',
                join(' and ', $object->am_choking ? 'choking' : 'unchoking',
                    $object->am_interested ? 'interested' : 'not interested'),
                join(' and ', $object->peer_choking ? 'choking' : 'unchoking',
                    $object->peer_interested ? 'interested' : 'not interested'));
    }
    return defined wantarray ? $text : print STDERR "$text\n";
}

1;

__END__

=head1 NAME

Net::BitTorrent::Peer - a connection to another client

=head1 SYNOPSIS

    use Net::BitTorrent::Peer qw(:disconnect);

    $client->on_event(peer_connect => sub {
        my ($self, $args) = @_;
        printf "%s is there\n", $args->{Peer}->as_string;
    });
    $client->on_event(peer_disconnect => sub {
        my ($self, $args) = @_;
        print "it did not speak BitTorrent\n" if $args->{Reason} == DISCONNECT_MALFORMED_HANDSHAKE;
    });

=head1 METHODS

=over

=item C<new ( { Address =E<gt> 'a.b.c.d:port', Torrent =E<gt> $torrent, Source =E<gt> ... } )>

Asks the engine to connect. C<peer_connect> tells when it did, with an object of its own. C<undef>
when the address is not valid, a handler for C<ip_filter> refuses it, or there are too many
connections already. C<< { Socket, Client } >>, a connection that a program accepted by itself, is
not taken: the engine accepts.

=item C<host> C<port> C<incoming> C<source>

C<source> is C<Incoming>, C<Tracker>, C<User> or C<Resume>.

=item C<peerid> C<torrent> C<bitfield> C<reserved_bytes>

C<undef> until its handshake was told (C<incoming_packet> of type C<HANDSHAKE>); C<torrent> of a
peer that we connected to is known before. C<bitfield> is the pieces it has, in the form of
L<Net::BitTorrent::Torrent/bitfield>; C<reserved_bytes> the eight bytes of its handshake that tell
its abilities.

=item C<am_choking> C<am_interested> C<peer_choking> C<peer_interested>

1 or 0. While somebody listens to C<incoming_packet> or C<outgoing_packet>, these and C<bitfield>
are as of the event being handled, else as of now.

=item C<as_string ( [ $verbose ] )>

The address, or some lines about the peer. In void context it is printed to STDERR.

=back

=head1 REASONS

Exported with C<:disconnect>. Positive numbers are the system's (C<$!>).

    DISCONNECT_BY_REMOTE 0             DISCONNECT_LOOPBACK -10
    DISCONNECT_NO_SUCH_TORRENT -11     DISCONNECT_HANDSHAKE_INFOHASH -12
    DISCONNECT_MALFORMED_HANDSHAKE -13 DISCONNECT_PREXISTING -16
    DISCONNECT_TOO_MANY -17            DISCONNECT_HASHCHECKING -18
    DISCONNECT_MALFORMED_PACKET -22    DISCONNECT_SEED -25
    DISCONNECT_UNREQUESTED -26         DISCONNECT_TIMEOUT_HANDSHAKE -30
    DISCONNECT_IDLE -40                DISCONNECT_USELESS_PEER -41
    DISCONNECT_BANNED -50              DISCONNECT_HANDSHAKE_SYNC_DH5 -102

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
