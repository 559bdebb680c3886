# Bencoding, compact addresses, packets, versions.
use 5.016;
use strict;
use warnings;
use Test::More;
use Net::BitTorrent::Util qw(:all);
use Net::BitTorrent::Protocol qw(:all);
use Net::BitTorrent::Version;

is(bencode(4), 'i4e', 'integer');
is(bencode(-10), 'i-10e', 'negative');
is(bencode('spam'), '4:spam', 'string');
is(bencode(''), '0:', 'empty');
is(bencode(undef), '0:', 'undef');
is(bencode([1, 'two', [3]]), 'li1e3:twoli3eee', 'list');
is(bencode({b => 1, a => {}}), 'd1:ade1:bi1ee', 'dict, sorted');
is(bencode(\1), '', 'other references');
is(bencode("\x{263a}"), "3:\xe2\x98\xba", 'characters');
is_deeply(scalar bdecode('d3:foo3:bar1:ni-3ee'), {foo => 'bar', n => -3}, 'dict');
is(scalar bdecode('i03e'), 3, 'leading zero');
is(scalar bdecode('i-0e'), 0, 'minus zero');
is_deeply(scalar bdecode('li1ei2e'), [1, 2], 'list without end');
is_deeply(scalar bdecode('d1:ai1e'), {a => 1}, 'dict without end');
is(scalar bdecode('02:xy'), undef, 'length with leading zero');
is(scalar bdecode($_), undef, "garbage: $_") for '', 'x', '5:abc', 'ie', 'i--1e', 'di1e1:ae1:x',
    '99999999999999999999:a';
is_deeply([bdecode('3:fooleft')], ['foo', 'left'], 'leftover in list context');
is(scalar bdecode('i18446744073709551615e'), '18446744073709551615',
    'big numbers keep their digits');
is(scalar bdecode('l' x 100_000), undef, 'nested without end');
is_deeply(scalar bdecode(bencode({a => [1, {b => 'c'}]})), {a => [1, {b => 'c'}]}, 'round trip');

is(compact('127.0.0.1:80'), "\x7f\0\0\1\0\x50", 'compact');
is(length compact('1.2.3.4:5', '1.2.3.4:5', '1.2.3.4:6'), 12, 'without duplicates');
{
    my @warn;
    local $SIG{__WARN__} = sub { push @warn, @_ };
    is(compact('nonsense', '300.1.1.1:5', '1.2.3.4:70000'), undef, 'nothing left');
    is(@warn, 3, 'warnings');
}
is_deeply([sort(uncompact("\1\2\3\4\0\5\1\2\3\4\0\6"))], ['1.2.3.4:5', '1.2.3.4:6'], 'uncompact');

my $all = build_handshake("\0" x 8, 'h' x 20, 'p' x 20) . build_keepalive() . build_choke()
    . build_have(7) . build_bitfield("\x01\x80") . build_request(1, 2, 3)
    . build_piece(1, 0, \'data')
    . build_port(6881) . build_extended(0, {m => {}}) . build_have_all();
my @got;
while (my $packet = parse_packet(\$all)) { push @got, $packet }
is($all, '', 'all consumed');
is_deeply([map { $_->{Type} } @got], [HANDSHAKE, KEEPALIVE, CHOKE, HAVE, BITFIELD, REQUEST,
    PIECE, PORT, EXTPROTOCOL, HAVE_ALL], 'types');
is_deeply($got[0]{Payload}, ["\0" x 8, 'h' x 20, 'p' x 20], 'handshake');
is($got[3]{Payload}, 7, 'have');
is($got[4]{Payload}, "\x80\x01", 'bitfield: built in wire order, parsed LSB first');
is_deeply($got[5]{Payload}, [1, 2, 3], 'request');
is_deeply($got[6]{Payload}, [1, 0, 'data'], 'piece');
is_deeply($got[8]{Payload}, [0, {m => {}}], 'extended');
is(build_request(1, 2, 3), pack('NCN3', 13, 6, 1, 2, 3), 'wire form');
my $part = substr build_have(7), 0, 6;
is(parse_packet(\$part), undef, 'not all there');
is(length $part, 6, 'and not touched');
{
    my @warn;
    local $SIG{__WARN__} = sub { push @warn, @_ };
    is(build_have('x'), undef, 'a bad index');
    is(build_piece(1, 2, 'no reference'), undef, 'no reference');
    is(build_handshake('', '', ''), undef, 'a bad handshake');
    is(@warn, 3, 'warnings');
}
like(Net::BitTorrent::Version::gen_peerid(), qr/\ANB\d{3}[SU]-.{13}\z/, 'peer id');
is(length Net::BitTorrent::Version::gen_node_id(), 20, 'node id');
{
    # A child that was forked draws others, however rand was seeded.
    srand 1;
    my @drawn;
    for my $n (1, 2) {
        my $pid = open(my $out, '-|') // die "fork: $!";
        if (!$pid) {
            print Net::BitTorrent::Version::gen_peerid();
            exit;
        }
        push @drawn, scalar <$out>;
        close $out;
    }
    isnt($drawn[0], $drawn[1], 'other peer ids in other processes');
}
done_testing;
