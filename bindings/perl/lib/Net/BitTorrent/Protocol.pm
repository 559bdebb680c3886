package Net::BitTorrent::Protocol;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use Net::BitTorrent::Util qw(bencode bdecode);

our $VERSION = '0.100';

use Exporter 'import';

use constant {
    HANDSHAKE      => -1,
    KEEPALIVE      => '',
    CHOKE          => 0,
    UNCHOKE        => 1,
    INTERESTED     => 2,
    NOT_INTERESTED => 3,
    HAVE           => 4,
    BITFIELD       => 5,
    REQUEST        => 6,
    PIECE          => 7,
    CANCEL         => 8,
    PORT           => 9,
    SUGGEST        => 13,
    HAVE_ALL       => 14,
    HAVE_NONE      => 15,
    REJECT         => 16,
    ALLOWED_FAST   => 17,
    EXTPROTOCOL    => 20,
};

our (@EXPORT_OK, %EXPORT_TAGS);
{
    my @types = qw(HANDSHAKE KEEPALIVE CHOKE UNCHOKE INTERESTED NOT_INTERESTED HAVE BITFIELD REQUEST
        PIECE CANCEL PORT SUGGEST HAVE_ALL HAVE_NONE REJECT ALLOWED_FAST EXTPROTOCOL);
    my @names = qw(handshake keepalive choke unchoke interested not_interested have bitfield request
        piece cancel port suggest have_all have_none reject allowed_fast extended);
    my @build = map { "build_$_" } @names;
    my @parse = ('parse_packet', map { "_parse_$_" } @names);
    my @dht = map { ("_build_dht_query_$_->[0]", "_build_dht_reply_$_->[1]") }
        [qw(ping ping)], [qw(find_node find_node)], [qw(get_peers get_peers)],
        [qw(announce values)];
    %EXPORT_TAGS = (
        types => \@types,
        build => \@build,
        parse => \@parse,
        dht   => \@dht,
        all   => [@types, @build, @parse, @dht],
    );
    @EXPORT_OK = @{$EXPORT_TAGS{all}};
}

my $PROTOCOL = 'BitTorrent protocol';

sub _number { my ($n) = @_; return defined $n && !ref $n && $n =~ /\A[0-9]+\z/ && $n <= 0xFFFFFFFF }

sub _wrong { my ($what) = @_; carp "Malformed packet: $what"; return }

# ---- Building ------------------------------------------------------------------------------------

sub build_handshake {
    my ($reserved, $infohash, $peerid) = @_;
    return _wrong('reserved bytes') if length($reserved // '') != 8;
    return _wrong('infohash')       if length($infohash // '') != 20;
    return _wrong('peer id')        if length($peerid // '') != 20;
    return pack 'C/a* a8 a20 a20', $PROTOCOL, $reserved, $infohash, $peerid;
}

sub build_keepalive      { return pack 'N', 0 }
sub build_choke          { return pack 'NC', 1, CHOKE }
sub build_unchoke        { return pack 'NC', 1, UNCHOKE }
sub build_interested     { return pack 'NC', 1, INTERESTED }
sub build_not_interested { return pack 'NC', 1, NOT_INTERESTED }
sub build_have_all       { return pack 'NC', 1, HAVE_ALL }
sub build_have_none      { return pack 'NC', 1, HAVE_NONE }

for my $name (qw(have suggest allowed_fast)) {
    no strict 'refs';
    my $type = __PACKAGE__->can(uc $name)->();
    *{"build_$name"} = sub {
        my ($index) = @_;
        return _wrong('index') if !_number($index);
        return pack 'NCN', 5, $type, $index;
    };
}

for my $name (qw(request cancel reject)) {
    no strict 'refs';
    my $type = __PACKAGE__->can(uc $name)->();
    *{"build_$name"} = sub {
        my ($index, $offset, $length) = @_;
        return _wrong('index')  if !_number($index);
        return _wrong('offset') if !_number($offset);
        return _wrong('length') if !_number($length);
        return pack 'NCN3', 13, $type, $index, $offset, $length;
    };
}

sub build_bitfield {
    my ($bits) = @_;
    return _wrong('bitfield') if !defined $bits || !length $bits;
    return pack 'NCa*', 1 + length $bits, BITFIELD, $bits;
}

sub build_piece {
    my ($index, $offset, $data) = @_;
    return _wrong('index')  if !_number($index);
    return _wrong('offset') if !_number($offset);
    return _wrong('data')   if ref $data ne 'SCALAR' || !length($$data // '');
    return pack 'NCNNa*', 9 + length $$data, PIECE, $index, $offset, $$data;
}

# Four bytes of port, as 0.052 wrote it; see DESCRIPTION.
sub build_port {
    my ($port) = @_;
    return _wrong('port') if !_number($port);
    return pack 'NCN', 5, PORT, $port;
}

sub build_extended {
    my ($id, $dict) = @_;
    return _wrong('message id') if !_number($id) || $id > 255;
    return _wrong('payload') if ref $dict ne 'HASH';
    my $payload = bencode($dict);
    return pack 'NCCa*', 2 + length $payload, EXTPROTOCOL, $id, $payload;
}

# ---- Parsing: each takes what follows the type ---------------------------------------------------

sub _parse_handshake {
    my ($packet) = @_;
    return if length($packet // '') < 68;
    my ($name, @fields) = unpack 'C/a a8 a20 a20', $packet;
    return $name eq $PROTOCOL ? \@fields : undef;
}

sub _parse_keepalive      { return }
sub _parse_choke          { return }
sub _parse_unchoke        { return }
sub _parse_interested     { return }
sub _parse_not_interested { return }
sub _parse_have_all       { return }
sub _parse_have_none      { return }

for my $name (qw(have suggest allowed_fast)) {
    no strict 'refs';
    *{"_parse_$name"} = sub {
        my ($packet) = @_;
        return if length($packet // '') != 4;
        return unpack 'N', $packet;
    };
}

for my $name (qw(request cancel reject)) {
    no strict 'refs';
    *{"_parse_$name"} = sub {
        my ($packet) = @_;
        return if length($packet // '') != 12;
        return [unpack 'N3', $packet];
    };
}

sub _parse_bitfield {
    my ($packet) = @_;
    return if !length($packet // '');
    return pack 'b*', unpack 'B*', $packet;
}

sub _parse_piece {
    my ($packet) = @_;
    return if length($packet // '') < 9;
    return [unpack 'NNa*', $packet];
}

sub _parse_port {
    my ($packet) = @_;
    my $length = length($packet // '');
    return $length == 2 ? unpack('n', $packet) : $length == 4 ? unpack('N', $packet) : undef;
}

sub _parse_extended {
    my ($packet) = @_;
    return if !length($packet // '');
    my ($id, $rest) = unpack 'Ca*', $packet;
    return [$id, scalar bdecode($rest)];
}

my %PARSE = (
    CHOKE()          => \&_parse_choke,
    UNCHOKE()        => \&_parse_unchoke,
    INTERESTED()     => \&_parse_interested,
    NOT_INTERESTED() => \&_parse_not_interested,
    HAVE_ALL()       => \&_parse_have_all,
    HAVE_NONE()      => \&_parse_have_none,
    HAVE()           => \&_parse_have,
    SUGGEST()        => \&_parse_suggest,
    ALLOWED_FAST()   => \&_parse_allowed_fast,
    BITFIELD()       => \&_parse_bitfield,
    REQUEST()        => \&_parse_request,
    CANCEL()         => \&_parse_cancel,
    REJECT()         => \&_parse_reject,
    PIECE()          => \&_parse_piece,
    PORT()           => \&_parse_port,
    EXTPROTOCOL()    => \&_parse_extended,
);

# Types that say all there is to say.
my %PLAIN = map { $_ => 1 } CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE_ALL, HAVE_NONE;

# Consumes one packet from the buffer. Packets that are not well formed are skipped, with a warning.
sub parse_packet {
    my ($buffer) = @_;
    if (ref $buffer ne 'SCALAR' || !defined $$buffer) {
        return _wrong('a reference to a string is needed');
    }
    if ($$buffer =~ /\A\x13/) {
        return if length $$buffer < 68;
        my $payload = _parse_handshake(substr $$buffer, 0, 68, '');
        return $payload ? {Type => HANDSHAKE, Payload => $payload} : _wrong('handshake');
    }
    return if length $$buffer < 4;
    my $length = unpack 'N', $$buffer;
    return if length $$buffer < 4 + $length;
    my $body = substr substr($$buffer, 0, 4 + $length, ''), 4;
    return {Type => KEEPALIVE} if !$length;
    my ($type, $payload) = unpack 'Ca*', $body;
    return {Type => $type} if $PLAIN{$type};
    my $parse = $PARSE{$type} or return _wrong("type $type");
    my $parsed = $parse->($payload);
    return _wrong("payload of type $type") if !defined $parsed;
    return {Type => $type, Payload => $parsed};
}

# ---- DHT messages (BEP 5) ------------------------------------------------------------------------

# All strings, whatever they look like; a number is given as a reference.
sub _string {
    my ($value) = @_;
    return 'i' . $$value . 'e' if ref $value eq 'SCALAR';
    return 'l' . join('', map { _string($_) } @$value) . 'e' if ref $value eq 'ARRAY';
    return 'd' . join('', map { _string($_) . _string($value->{$_}) } sort keys %$value) . 'e'
        if ref $value eq 'HASH';
    return length($value // '') . ':' . ($value // '');
}

sub _krpc { my (%message) = @_; return _string({%message, v => 'NB00'}) }

sub _query {
    my ($tid, $name, $arguments) = @_;
    return _wrong('transaction id') if !defined $tid;
    return _wrong('node id')        if !defined $arguments->{id};
    return _krpc(t => $tid, y => 'q', q => $name, a => $arguments);
}

sub _build_dht_query_ping { my ($tid, $id) = @_; return _query($tid, 'ping', {id => $id}) }

sub _build_dht_query_find_node {
    my ($tid, $id, $target) = @_;
    return _wrong('target') if length($target // '') != 20;
    return _query($tid, 'find_node', {id => $id, target => $target});
}

sub _build_dht_query_get_peers {
    my ($tid, $id, $infohash) = @_;
    return _wrong('infohash') if length($infohash // '') != 20;
    return _query($tid, 'get_peers', {id => $id, info_hash => $infohash});
}

sub _build_dht_query_announce {
    my ($tid, $id, $infohash, $token, $port) = @_;
    return _wrong('infohash') if length($infohash // '') != 20;
    return _wrong('token')    if !defined $token;
    return _wrong('port')     if !_number($port) || $port > 65535;
    return _query($tid, 'announce_peer',
        {id => $id, info_hash => $infohash, port => \(0 + $port), token => $token});
}

sub _build_dht_reply_ping {
    my ($tid, $id) = @_;
    return _krpc(t => $tid, y => 'r', r => {id => $id});
}

sub _build_dht_reply_find_node {
    my ($tid, $id, $nodes) = @_;
    return _krpc(t => $tid, y => 'r', r => {id => $id, nodes => $nodes});
}

sub _build_dht_reply_get_peers {
    my ($tid, $id, $nodes, $token) = @_;
    return _krpc(t => $tid, y => 'r', r => {id => $id, nodes => $nodes, token => $token});
}

sub _build_dht_reply_values {
    my ($tid, $id, $values, $token) = @_;
    return _krpc(t => $tid, y => 'r', r => {id => $id, token => $token, values => $values});
}

1;

__END__

=head1 NAME

Net::BitTorrent::Protocol - packets of the peer protocol

=head1 SYNOPSIS

    use Net::BitTorrent::Protocol qw(:all);

    my $buffer = build_unchoke() . build_request(0, 0, 16384);
    while (my $packet = parse_packet(\$buffer)) {
        print "type $packet->{Type}\n";
    }

=head1 DESCRIPTION

For programs that look at packets (see the events C<incoming_packet> and C<outgoing_packet> of
L<Net::BitTorrent>) or speak the protocol themselves. The engine does not use this.

Bytes are those of 0.052, with its fixed oddities: C<build_port> writes the port in four bytes
(0.052 declared a wrong length for ports that do not have four digits), where BEP 5 has two;
C<parse_packet> reads both.

=head2 Types (:types)

C<HANDSHAKE> -1, C<KEEPALIVE> the empty string, C<CHOKE> 0, C<UNCHOKE>, C<INTERESTED>,
C<NOT_INTERESTED>, C<HAVE>, C<BITFIELD>, C<REQUEST>, C<PIECE>, C<CANCEL> 8, C<PORT> 9, C<SUGGEST>
13, C<HAVE_ALL>, C<HAVE_NONE>, C<REJECT>, C<ALLOWED_FAST> 17, C<EXTPROTOCOL> 20.

=head2 Building (:build)

C<build_handshake($reserved, $infohash, $peerid)>, C<build_keepalive>, C<build_choke>,
C<build_unchoke>, C<build_interested>, C<build_not_interested>, C<build_have($index)>,
C<build_bitfield($bits)> (in the order of the wire: the first piece in the highest bit),
C<build_request($index, $offset, $length)>, C<build_piece($index, $offset, \$data)>, C<build_cancel>, C<build_reject> (as
C<build_request>), C<build_port($port)>, C<build_suggest($index)>, C<build_allowed_fast($index)>,
C<build_have_all>, C<build_have_none>, C<build_extended($id, \%dict)>. Wrong arguments: C<undef>
and a warning.

=head2 Parsing (:parse)

C<parse_packet(\$buffer)> takes one packet off the buffer and returns C<{Type, Payload}>; C<undef>
when it is not all there, or not well formed. Payloads: a number for C<HAVE>, C<SUGGEST>,
C<ALLOWED_FAST>, C<PORT>; C<[$index, $offset, $length]>, C<[$index, $offset, $data]>; C<[$id,
\%dict]> for C<EXTPROTOCOL>; for C<BITFIELD> the bits with the first piece in the B<lowest> bit,
as in L<Net::BitTorrent::Torrent/bitfield>; C<[$reserved, $infohash, $peerid]> for C<HANDSHAKE>.

C<_parse_handshake>, C<_parse_have> and so on take what follows the type and return such a payload.

=head2 DHT messages (:dht)

C<_build_dht_query_ping($tid, $id)>, C<_build_dht_query_find_node($tid, $id, $target)>,
C<_build_dht_query_get_peers($tid, $id, $infohash)>, C<_build_dht_query_announce($tid, $id,
$infohash, $token, $port)>, C<_build_dht_reply_ping($tid, $id)>, C<_build_dht_reply_find_node($tid,
$id, $nodes)>, C<_build_dht_reply_get_peers($tid, $id, $nodes, $token)>,
C<_build_dht_reply_values($tid, $id, \@values, $token)>: messages of BEP 5 with C<v> C<NB00>.
Strings stay strings, also those of digits, which 0.052 turned into numbers.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
