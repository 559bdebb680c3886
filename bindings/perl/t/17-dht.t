#!/usr/bin/perl
# The DHT through the functions of Tern: two sessions on the loopback that know each other.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Tern qw(:constants);

my $patience = 60;

sub make {
    my ($bootstrap, %more) = @_;
    return Tern::Session->new({listen => '127.0.0.1:0', dht_bootstrap => $bootstrap, %more})
        || BAIL_OUT("no session: $Tern::error");
}

# The event of this kind with this token.
sub result {
    my ($session, $token, $kind) = @_;
    my $end = time + $patience;
    while (time < $end) {
        $session->wait(0.1);
        for my $event ($session->take) {
            next if ($event->{token} // 0) != $token;
            return $event if $event->{kind} == $kind;
            die "failed: $event->{text}" if $event->{kind} == TERN_EVENT_DHT_FAILED();
        }
    }
    die "no event of kind $kind";
}

my $one = make('');
my $two = make('127.0.0.1:' . $one->listen_port);
my $hash = join '', map {chr} 0 .. 19;

my $done = result($two, $two->dht_get_peers($hash, TERN_DHT_ANNOUNCE(), 4242),
    TERN_EVENT_DHT_PEERS_DONE());
cmp_ok $done->{b}, '>=', 1, 'announced';
my $peers = result($one, $one->dht_get_peers($hash, TERN_DHT_SCRAPE()), TERN_EVENT_DHT_PEERS());
is $peers->{text}, '127.0.0.1:4242', 'and found';
is result($two, $two->dht_sample($hash), TERN_EVENT_DHT_SAMPLES())->{data}, $hash, 'and sampled';

my $put = result($two, $two->dht_put('5:hello'), TERN_EVENT_DHT_PUT_DONE());
my $target = Tern::dht_target('5:hello');
is $put->{text}, unpack('H*', $target), 'where a value is stored';
is result($one, $one->dht_get($target), TERN_EVENT_DHT_ITEM_DONE())->{data}, '5:hello', 'a value';

my ($secret, $public) = Tern::dht_keypair("\0" x 32);
is length $secret, 64, 'a secret key';
result($two, $two->dht_put_mutable($secret, 'i1e', 's'), TERN_EVENT_DHT_PUT_DONE());
my $item = result($one, $one->dht_get_mutable($public, 's'), TERN_EVENT_DHT_ITEM_DONE());
is $item->{data}, 'i1e', 'a mutable value';
is $item->{text2}, unpack('H*', Tern::dht_sign($secret, 1, 'i1e', 's')), 'its signature';
my $again = $one->dht_put_signed($public, 1, pack('H*', $item->{text2}), 'i1e', 's');
cmp_ok result($one, $again, TERN_EVENT_DHT_PUT_DONE())->{b}, '>=', 1, 'kept alive';
is Tern::dht_target(undef, $public, 's'),
    pack('H*', result($two, $two->dht_put_mutable($secret, 'i2e', 's', 1),
        TERN_EVENT_DHT_PUT_DONE())->{text}), 'where it is stored';
ok !defined $one->dht_put_signed($public, 9, "\0" x 64, 'i1e', 's'), 'a bad signature';
is 0 + $Tern::error, TERN_E_INVALID(), 'is an error';

my $published = $two->dht_publish($secret, $hash, 'p');
cmp_ok result($two, $published, TERN_EVENT_DHT_PUBLISHED())->{b}, '>=', 1, 'a pointer';
is result($one, $one->dht_follow($public, 'p'), TERN_EVENT_DHT_UPDATE())->{a}, 1, 'is followed';
ok $two->dht_cancel($published), 'cancelled';

my $pong = result($two, $two->dht_ping('127.0.0.1:' . $one->listen_port), TERN_EVENT_DHT_PONG());
is $pong->{text}, unpack('H*', $one->dht_node_id), 'a ping tells the id';
my @nodes = Tern::nodes_of(result($two, $two->dht_find_node($hash),
    TERN_EVENT_DHT_NODES())->{text});
is_deeply \@nodes, [$two->dht_nodes], 'the only node there is';
is_deeply \@nodes, [{id => $one->dht_node_id, ip => '127.0.0.1', port => $one->listen_port}],
    'in full';
ok $two->set_dht_node_id('x' x 20), 'an id is set';
is $two->dht_node_id, 'x' x 20, 'and taken';
is $two->dht_stats->{nodes}, 1, 'statistics';

my $state = $two->save_state;
my $three = make('');
ok $three->load_state($state), 'a state is loaded';
ok result($three, $three->dht_find_node($hash), TERN_EVENT_DHT_NODES())->{a}, 'and knows nodes';
ok !defined $three->load_state('nonsense'), 'nonsense is not';
ok $three->dht_add_node('127.0.0.1:' . $one->listen_port), 'a node is told';

ok $one->set_dht_hook(TERN_HOOK_QUEUED()), 'a hook';
my $ping = $three->dht_ping('127.0.0.1:' . $one->listen_port);
# Others ask too, and each waits for its own answer.
my ($asked, $answered, $got) = (0, 0);
for (my $end = time + $patience; !$got && time < $end;) {
    $one->wait(0.1);
    for my $query (grep { $_->{kind} == TERN_EVENT_DHT_QUERY() } $one->take) {
        $asked++;
        $answered++ if $one->request_complete($query->{token}, TERN_VERDICT_ACCEPT());
    }
    $three->wait(0.1);
    ($got) = grep { ($_->{token} // 0) == $ping } $three->take;
}
ok $asked, 'is asked';
ok $answered, 'and answers';
is $got && $got->{kind}, TERN_EVENT_DHT_PONG(), 'so that the node does';
ok $one->set_dht_hook(TERN_HOOK_NONE()), 'no hook';

my $off = make('', dht => 0);
ok !defined $off->dht_ping('127.0.0.1:9'), 'switched off';
is 0 + $Tern::error, TERN_E_STATE(), 'says so';
$_->close(10_000) for $one, $two, $three, $off;
done_testing;
