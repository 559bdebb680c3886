# Trackers: a small one in a child process brings two clients together.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use TernTest;
use Net::BitTorrent::Util qw(:all);

my $dir = workdir();
my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0)
    or die "listen: $@";
my $url = 'http://127.0.0.1:' . $listen->sockport . '/announce';

# One peer at a time: who announces gets those who did before.
child(sub {
    my %peers;
    while (my $socket = $listen->accept) {
        my $request = '';
        1 while $request !~ /\r\n\r\n/ && sysread $socket, $request, 4096, length $request;
        my %query = map { /(.*?)=(.*)/ } split /&/, $request =~ /\?(\S*)/ ? $1 : '';
        my $body = $query{port} && !defined $query{refuse}
            ? bencode({complete => 1, incomplete => 2, interval => 1800,
                peers => compact(grep { !/:$query{port}\z/ } keys %peers) // ''})
            : 'd14:failure reason2:noe';
        $peers{"127.0.0.1:$query{port}"} = 1 if $query{port};
        print {$socket} "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
        close $socket;
    }
});
close $listen;

my $file = make_torrent($dir, 'some', 32768, some => content(100_000));
my $bytes = slurp($file);
my $announce = $url;
$bytes =~ s/\Ad/'d8:announce' . length($announce) . ":$announce"/e;
spew($file, $bytes);

my $seed = client();
my (%seen, @order);
for my $type (qw(tracker_connect tracker_success tracker_failure)) {
    $seed->on_event($type => sub { push @{$seen{$type}}, $_[1]; push @order, "client $type" });
}
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->on_event(tracker_success => sub { push @order, 'torrent tracker_success' });
my ($http) = @{$there->trackers->[0]->urls};
isa_ok($http, 'Net::BitTorrent::Torrent::Tracker::HTTP');
is($http->url, $url, 'url');
ok(loop_until(sub { $seen{tracker_success} }, $seed), 'it announced');
is_deeply(\@order, ['client tracker_connect', 'client tracker_success', 'torrent tracker_success'],
    'events, the client first');
is(0 + $seen{tracker_connect}[0]{Tracker}, 0 + $http, 'with the tracker');
is($seen{tracker_connect}[0]{Event}, 'started', 'and the event');
is_deeply($seen{tracker_success}[0]{Payload},
    {complete => 1, incomplete => 2, interval => 1800, peers => ''}, 'payload');

my $leech = client();
my $here = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
ok(loop_until(sub { $here->is_complete }, $leech), 'the tracker brought them together');
ok(slurp("$dir/out/some") eq content(100_000), 'content');
my ($peers) = @{$here->trackers->[0]->urls};
is_deeply([uncompact($peers->_peers)], ['127.0.0.1:' . $seed->_tcp_port], 'peers told');

is($there->_add_tracker(["$url?refuse=1"]), 1, 'one that refuses');
my ($bad) = @{$there->trackers->[-1]->urls};
like($bad->as_string, qr/refuse/, 'as_string');
is(@{$there->trackers}, 2, 'two tiers');
{
    my @warn;
    local $SIG{__WARN__} = sub { push @warn, @_ };
    is($bad->_announce('nonsense'), undef, 'a bad event');
    is(@warn, 1, 'warns');
}
is($bad->announce, 1, 'one tracker is asked');
ok(loop_until(sub { grep { $_->{Tracker}->url eq $bad->url } @{$seen{tracker_failure} || []} },
    $seed), 'although those before it answer');
my $scraped = 0;
$seed->on_event(tracker_failure => sub { $scraped++ if $_[1]{Tracker}->url eq $bad->url });
is($bad->scrape, 1, 'and scraped');
ok(loop_until(sub { $scraped }, $seed), 'which it cannot be');
is_deeply([$seed->external_addresses], ['127.0.0.1:' . $seed->_tcp_port], 'who we are');
cmp_ok($seed->stats->{$_}, '==', 0, $_) for qw(udp_tracker_sent udp_tracker_failures);
done_testing;
