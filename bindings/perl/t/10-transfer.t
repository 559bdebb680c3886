# A torrent goes from one client to another; events, views and getters on the way.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Protocol qw(:types);

my $dir = workdir();
my $torrent_file = make_torrent($dir, 'some', 32768,
    'a.bin' => content(100_000, 'a'), 'dir/b.bin' => content(65_537, 'b'), 'empty' => '');

my $seed = client();
my $leech = client();
ok($seed->_tcp_port, 'the seed listens');
my $there = $seed->add_torrent({Path => $torrent_file, BaseDir => $dir});
isa_ok($there, 'Net::BitTorrent::Torrent');
is($there->status, 193, 'loaded, queued, started');
my @checked;
$there->on_event(piece_hash_pass => sub { push @checked, $_[1]{Index} });
ok($there->hashcheck, 'hashcheck');
is_deeply([sort { $a <=> $b } @checked], [0 .. 5], 'every piece was told once');
is($there->status, 201, 'checked and started');
is($there->is_complete, 1, 'the seed is complete');
is(unpack('b*', $there->bitfield), '11111100', 'its bitfield');

my (@passed, @complete, @order, %seen);
my $here = $leech->add_torrent({Path => $torrent_file, BaseDir => "$dir/out"});
is($here->status, 193, 'started');
is($here->is_complete, 0, 'not complete');
$leech->on_event(piece_hash_pass => sub {
    my ($client, $args) = @_;
    is(ref $client, 'Net::BitTorrent', 'the client comes first') if !@order;
    is_deeply([sort keys %$args], ['Index', 'Torrent'], 'keys') if !@order;
    push @order, "client $args->{Index}";
});
$here->on_event(piece_hash_pass => sub {
    my ($torrent, $args) = @_;
    push @order, "torrent $args->{Index}";
    push @passed, $args->{Index};
    ok(vec($torrent->bitfield, $args->{Index}, 1), "piece $args->{Index} is in the bitfield");
    is(unpack('%32b*', $torrent->bitfield), @passed, 'and no piece that was not told');
    push @complete, $torrent->is_complete;
});
$leech->on_event($_ => do { my $n = $_; sub { $seen{$n}++; push @{$seen{"$n args"}}, $_[1] } })
    for qw(peer_connect peer_disconnect incoming_packet outgoing_packet);
ok($here->add_peer('127.0.0.1:' . $seed->_tcp_port), 'add_peer');
ok(loop_until(sub { $here->is_complete }, $leech), 'complete');
is_deeply([sort { $a <=> $b } @passed], [0 .. 5], 'each piece once');
is_deeply(\@complete, [(0) x 5, 1], 'complete in the last callback only');
is_deeply(\@order, [map { ("client $_", "torrent $_") } @passed], 'client first, then torrent');
is($here->downloaded, 165_537, 'downloaded');
is($seen{peer_connect}, 1, 'peer_connect');
my $peer = $seen{'peer_connect args'}[0]{Peer};
isa_ok($peer, 'Net::BitTorrent::Peer');
is($peer->host, '127.0.0.1', 'host');
is($peer->port, $seed->_tcp_port, 'port');
is($$peer, $peer->host . ':' . $peer->port, 'value');
is($peer->peerid, $seed->peerid, 'peer id');
is($peer->incoming, 0, 'outgoing');
is(0 + $peer->torrent, 0 + $here, 'torrent');
my %types = map { $_->{Type} => 1 } @{$seen{'incoming_packet args'}};
ok($types{$_+0}, "packet type $_ came") for PIECE, UNCHOKE, HANDSHAKE;
my ($piece) = grep { $_->{Type} == PIECE } @{$seen{'incoming_packet args'}};
is_deeply([sort keys %{$piece->{Payload}}], [qw(Index Length Offset)], 'payload of PIECE');
%types = map { $_->{Type} => 1 } @{$seen{'outgoing_packet args'}};
ok($types{$_+0}, "packet type $_ went") for REQUEST, INTERESTED;
is(slurp("$dir/out/some/a.bin"), content(100_000, 'a'), 'first file');
is(slurp("$dir/out/some/dir/b.bin"), content(65_537, 'b'), 'second file');
ok(-e "$dir/out/some/empty" && !-s _, 'empty file');

my $gone = $leech->remove_torrent($here);
is(0 + $gone, 0 + $here, 'remove_torrent returns it');
is_deeply([keys %{$leech->torrents}], [], 'and it is not in the client');
$leech->do_one_loop(0.1);
is($seen{peer_disconnect}, 1, 'peer_disconnect');
is($seen{'peer_disconnect args'}[0]{Reason}, -25, 'reason: both are complete');
my $again = $leech->add_torrent({Path => $torrent_file, BaseDir => "$dir/out"});
ok($again, 'it can be added again');
undef $_ for $leech, $seed;
pass('clients are gone');
done_testing;
