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
    my @build = map { "build_$_" } qw(handshake keepalive choke unchoke interested not_interested
        have bitfield request piece cancel port suggest have_all have_none reject allowed_fast
        extended);
    %EXPORT_TAGS = (
        types => \@types,
        build => \@build,
        parse => ['parse_packet'],
        all   => [@types, @build, 'parse_packet'],
    );
    @EXPORT_OK = @{$EXPORT_TAGS{all}};
}

my $PROTOCOL = 'BitTorrent protocol';

sub _number { my ($n) = @_; return defined $n && !ref $n && $n =~ /\A[0-9]+\z/ && $n <= 0xFFFFFFFF }

sub _wrong { my ($what) = @_; carp "Malformed packet: $what"; return }

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
    return pack 'NCa*', 1 + length $bits, BITFIELD, pack 'B*', unpack 'b*', $bits;
}

sub build_piece {
    my ($index, $offset, $data) = @_;
    return _wrong('index')  if !_number($index);
    return _wrong('offset') if !_number($offset);
    return _wrong('data')   if ref $data ne 'SCALAR' || !length($$data // '');
    return pack 'NCNNa*', 9 + length $$data, PIECE, $index, $offset, $$data;
}

sub build_port {
    my ($port) = @_;
    return _wrong('port') if !_number($port) || $port > 65535;
    return pack 'NCn', 3, PORT, $port;
}

sub build_extended {
    my ($id, $dict) = @_;
    return _wrong('message id') if !_number($id) || $id > 255;
    return _wrong('payload') if ref $dict ne 'HASH';
    my $payload = bencode($dict);
    return pack 'NCCa*', 2 + length $payload, EXTPROTOCOL, $id, $payload;
}

my %PARSE = (
    HAVE()         => sub { length $_[0] == 4 ? unpack 'N', $_[0] : undef },
    SUGGEST()      => sub { length $_[0] == 4 ? unpack 'N', $_[0] : undef },
    ALLOWED_FAST() => sub { length $_[0] == 4 ? unpack 'N', $_[0] : undef },
    BITFIELD()     => sub { pack 'b*', unpack 'B*', $_[0] },
    REQUEST()      => sub { length $_[0] == 12 ? [unpack 'N3', $_[0]] : undef },
    CANCEL()       => sub { length $_[0] == 12 ? [unpack 'N3', $_[0]] : undef },
    REJECT()       => sub { length $_[0] == 12 ? [unpack 'N3', $_[0]] : undef },
    PIECE()        => sub { length $_[0] >= 8 ? [unpack 'NNa*', $_[0]] : undef },
    PORT()         => sub { length $_[0] == 2 ? unpack 'n', $_[0] : undef },
    EXTPROTOCOL()  => sub {
        return undef if !length $_[0];
        my ($id, $rest) = unpack 'Ca*', $_[0];
        return [$id, scalar bdecode($rest)];
    },
);

# Consumes one packet from the buffer. Packets that are not well formed are skipped, with a warning.
sub parse_packet {
    my ($buffer) = @_;
    if (ref $buffer ne 'SCALAR' || !defined $$buffer) {
        return _wrong('a reference to a string is needed');
    }
    if ($$buffer =~ /\A\x13\Q$PROTOCOL\E/) {
        return if length $$buffer < 68;
        my (undef, @payload) = unpack 'x20 a0 a8 a20 a20', substr $$buffer, 0, 68, '';
        return {Type => HANDSHAKE, Payload => \@payload};
    }
    return if length $$buffer < 4;
    my $length = unpack 'N', $$buffer;
    return if length $$buffer < 4 + $length;
    my $body = substr substr($$buffer, 0, 4 + $length, ''), 4;
    return {Type => KEEPALIVE} if !$length;
    my ($type, $payload) = unpack 'Ca*', $body;
    return {Type => $type} if $type <= NOT_INTERESTED || $type == HAVE_ALL || $type == HAVE_NONE;
    my $parse = $PARSE{$type} or return _wrong("type $type");
    my $parsed = $parse->($payload);
    return _wrong("payload of type $type") if !defined $parsed;
    return {Type => $type, Payload => $parsed};
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

=head2 Types (:types)

C<HANDSHAKE> -1, C<KEEPALIVE> the empty string, C<CHOKE> 0, C<UNCHOKE>, C<INTERESTED>,
C<NOT_INTERESTED>, C<HAVE>, C<BITFIELD>, C<REQUEST>, C<PIECE>, C<CANCEL> 8, C<PORT> 9, C<SUGGEST>
13, C<HAVE_ALL>, C<HAVE_NONE>, C<REJECT>, C<ALLOWED_FAST> 17, C<EXTPROTOCOL> 20.

=head2 Building (:build)

C<build_handshake($reserved, $infohash, $peerid)>, C<build_keepalive>, C<build_choke>,
C<build_unchoke>, C<build_interested>, C<build_not_interested>, C<build_have($index)>,
C<build_bitfield($bits)> (first piece in the lowest bit), C<build_request($index, $offset,
$length)>, C<build_piece($index, $offset, \$data)>, C<build_cancel>, C<build_reject> (as
C<build_request>), C<build_port($port)>, C<build_suggest($index)>, C<build_allowed_fast($index)>,
C<build_have_all>, C<build_have_none>, C<build_extended($id, \%dict)>. Wrong arguments: C<undef>
and a warning.

=head2 Parsing (:parse)

C<parse_packet(\$buffer)> takes one packet off the buffer and returns C<{Type, Payload}>; C<undef>
when it is not all there, or not well formed. Payloads: a number for C<HAVE>, C<SUGGEST>,
C<ALLOWED_FAST>, C<PORT>; C<[$index, $offset, $length]>, C<[$index, $offset, $data]>; C<[$id,
\%dict]> for C<EXTPROTOCOL>; bits for C<BITFIELD>; C<[$reserved, $infohash, $peerid]> for
C<HANDSHAKE>.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
