# Arguments, return values and failures, as 0.052 had them.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Peer qw(:disconnect);
use Net::BitTorrent::Torrent qw(:status);

my @warn;
local $SIG{__WARN__} = sub { push @warn, @_ };
sub warned { my @w = splice @warn; return scalar @w }

# The client.
is(Net::BitTorrent->new(LocalPort => 1), undef, 'a list'); ok(warned(), 'warns');
is(Net::BitTorrent->new([]), undef, 'an array'); ok(warned(), 'warns');
is(Net::BitTorrent->new('host:1'), undef, 'a string'); ok(warned(), 'warns');
my $client = Net::BitTorrent->new({LocalAddr => '127.0.0.1', Unknown => 1});
is($client->_tcp_host, '0.0.0.0', 'unknown options are ignored');
undef $client;
$client = client();
isa_ok($client, 'Net::BitTorrent');
like($$client, qr/\ANB052S-[A-Za-z0-9._~-]{8}Riana\z/, 'value');
is($client->peerid, $$client, 'peerid');
is_deeply($client->torrents, {}, 'torrents');
is($client->do_one_loop(0), 1, 'do_one_loop');
is($client->do_one_loop('0.01'), 1, 'a string');
my $code = sub { };
is($client->on_event(peer_connect => $code), $code, 'on_event');
is($client->on_event(peer_connect => undef), undef, 'and off');
ok(!warned(), 'no warning');
$client->on_event(nonsense => sub { }); ok(warned(), 'an unknown event warns');
my $port = $client->_tcp_port;
my $second = client(LocalPort => [$port, 0]);
ok($second->_tcp_port && $second->_tcp_port != $port, 'the next port, when one is taken');
my $third = client(LocalPort => $port);
ok($third, 'no port: a client');
is($third->_tcp_port, undef, 'that does not listen');
undef $_ for $second, $third;
is($client->add_torrent('x'), undef, 'add_torrent'); ok(warned(), 'warns');
is($client->add_torrent({Path => '/nonexistent'}), undef, 'a file that is not there'); warned();
is($client->remove_torrent('x'), undef, 'remove_torrent'); ok(warned(), 'warns');
is($client->_set_max_dl_rate(1000), 1000, 'a setting'); is($client->_max_dl_rate, 1000, 'is kept');
is($client->_set_max_dl_rate('x'), undef, 'a bad one'); ok(warned(), 'warns');
like($client->as_string(1), qr/\Q$$client\E/, 'as_string');
like(fileno($client->fh), qr/\A[0-9]+\z/, 'fh');
like($client->fileno, qr/\A[0-9]+\z/, 'fileno');
{
    my @ran;
    $client->_schedule({Time => time - 1, Code => sub { push @ran, shift }, Object => $client});
    my $id = $client->_schedule(
        {Time => time - 1, Code => sub { push @ran, 'no' }, Object => $client});
    ok($client->_cancel($id), 'cancel');
    $client->do_one_loop(0);
    is_deeply([map { 0 + $_ } @ran], [0 + $client], 'a job ran once, with its object');
    $client->do_one_loop(0);
    is(@ran, 1, 'only once');
}
{
    open my $save, '>&', \*STDERR or die;
    close STDERR;
    open STDERR, '>', \my $text or die;
    $client->as_string;
    close STDERR;
    open STDERR, '>&', $save or die;
    is($text, "$$client\n", 'as_string in void context prints to STDERR');
}

# Torrents.
my $dir = workdir();
my $file = make_torrent($dir, "caf\xc3\xa9", 16384, 'a' => content(20_000), 'sub/b' => content(5));
my $T = 'Net::BitTorrent::Torrent';
is($T->new, undef, 'no arguments'); ok(warned(), 'warns');
is($T->new({}), undef, 'no path'); ok(warned(), 'warns');
is($T->new({Path => $file, Client => 'x'}), undef, 'a bad client'); ok(warned(), 'warns');
is($T->new({Path => spew("$dir/x", 'garbage')}), undef, 'garbage');
like("@warn", qr/Malformed/, 'is said');
warned();
my $bad = 'd4:infod6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces3:abcee';
is($T->new({Path => spew("$dir/y", $bad)}), undef, 'bad hashes'); ok(!warned(), 'silently');
my $torrent = $T->new({Path => $file, BaseDir => $dir, Status => 4 + 8 + 16});
is($torrent->status, 68, 'status bits that may be given');
like($$torrent, qr/\A[0-9a-f]{40}\z/, 'value');
is($torrent->infohash, $$torrent, 'infohash');
is($torrent->name, "caf\x{e9}", 'name, decoded');
is($torrent->comment, undef, 'no comment');
is($torrent->creation_date, 1234567890, 'creation date');
is($torrent->size, 20_005, 'size');
is($torrent->piece_count, 2, 'pieces');
is($torrent->private, 0, 'not private');
is($torrent->path, $file, 'path');
is(length $torrent->raw_data, -s $file, 'raw data');
is($torrent->raw_data(1)->{info}{'piece length'}, 16384, 'decoded');
is($torrent->bitfield, "\0", 'bitfield');
is(unpack('b*', $torrent->_wanted), '11000000', 'wanted');
is($torrent->error, undef, 'no error');
is($torrent->start, undef, 'an orphan does not start');
is($torrent->stop, undef, 'nor stop');
is($torrent->pause, undef, 'nor pause');
is_deeply([$torrent->peers], [], 'no peers');
is($torrent->_client, undef, 'no client');
is($torrent->hashcheck, 1, 'hashcheck');
is($torrent->status, 72, 'START_AFTER_CHECK is gone');
is($torrent->queue('x'), undef, 'queue'); ok(warned(), 'warns');
is($torrent->queue($client), $client, 'queue');
is($torrent->status, 200, 'queued');
is($torrent->is_complete, 1, 'and still complete');
is($torrent->queue($client), undef, 'twice'); ok(warned(), 'warns');
is($torrent->start, 201, 'start');
is($torrent->pause, 233, 'pause');
is($torrent->hashcheck, undef, 'no check while paused');
is($torrent->start, 201, 'start again');
is($torrent->stop, 200, 'stop');
undef $torrent;

$torrent = $client->add_torrent({Path => $file, BaseDir => "$dir/out"});
is($client->add_torrent({Path => $file}), undef, 'twice'); ok(!warned(), 'silently');
is(0 + $client->torrents->{$torrent->infohash}, 0 + $torrent, 'torrents');
is(0 + $torrent->_client, 0 + $client, 'client');
my ($a, $b) = @{$torrent->files};
is($$a, "$dir/out/caf\xc3\xa9/a", 'path of a file');
is($b->path, "$dir/out/caf\xc3\xa9/sub/b", 'path in a directory');
is_deeply([map { $_->index, $_->size, $_->priority } $a, $b], [0, 20_000, 2, 1, 5, 2], 'facts');
is($a->set_priority(0), 1, 'set_priority');
is($a->priority, 0, 'is kept');
is(unpack('b*', $torrent->_wanted), '01000000', 'only the other piece is wanted');
is($a->set_priority($_ // undef), undef, 'a bad priority') for undef, -1, 'x';
is(warned(), 3, 'warns');
is(0 + $a->torrent, 0 + $torrent, 'torrent of a file');
is(Net::BitTorrent::Torrent::File->new({Path => 'x'}), undef, 'a file needs more');
ok(warned(), 'warns');
is($torrent->_add_tracker(['http://127.0.0.1:9/a', 'udp://127.0.0.1:9']), 1, 'a tier');
my ($tier) = @{$torrent->trackers};
isa_ok($tier, 'Net::BitTorrent::Torrent::Tracker');
is_deeply([sort map { $_->url } @{$tier->urls}],
    ['http://127.0.0.1:9/a', 'udp://127.0.0.1:9'], 'urls');
is_deeply([sort map { ref =~ s/.*:://r } @{$tier->urls}], ['HTTP', 'UDP'], 'classes');
is(DISCONNECT_SEED, -25, 'a reason');
is(QUEUED | STARTED, 129, 'status constants');

# Directories with other letters, as characters or bytes.
for my $base ("$dir/\x{263a}", "$dir/\xe2\x98\xba") {
    my $orphan = $T->new({Path => $file, BaseDir => $base});
    is($orphan->files->[0]->path, "$dir/\xe2\x98\xba/caf\xc3\xa9/a", 'paths are bytes');
}

# Fakes: undef, never a crash.
for my $class (qw(Net::BitTorrent Net::BitTorrent::Torrent Net::BitTorrent::Torrent::File
    Net::BitTorrent::Torrent::Tracker Net::BitTorrent::Torrent::Tracker::HTTP
    Net::BitTorrent::Torrent::Tracker::UDP Net::BitTorrent::DHT Net::BitTorrent::Peer)) {
    my $fake = bless \{}, $class;
    no strict 'refs';
    my @methods = grep { /\A[a-z]/ && defined &{"${class}::$_"}
            && !/\A(?:import|carp|blessed|weaken|shuffle|looks_like_number|bdecode|new)\z/ }
        sort keys %{"${class}::"};
    for my $method (@methods) {
        my $got = eval { $fake->$method('x'); };
        is($@, '', "$class->$method of a fake does not die");
        is($got, undef, 'it returns undef');
    }
    warned();
}
is($T->new({Path => $file, Client => bless \{}, 'Net::BitTorrent'}), undef, 'a fake client');
is(Net::BitTorrent::Peer->new({Address => '127.0.0.1:1', Torrent => bless \{}, $T}), undef,
    'a fake torrent');
is($client->remove_torrent(bless \{}, $T), undef, 'a fake to be removed');
is(Net::BitTorrent::Torrent::File->new({Path => 'x', Torrent => bless(\{}, $T), Size => 1,
    Index => 0}), undef, 'a file of a fake');
is(Net::BitTorrent::Torrent::Tracker->new({Torrent => bless(\{}, $T), URLs => ['http://x/']}),
    undef, 'a tier of a fake');
for my $kind (qw(HTTP UDP)) {
    is("Net::BitTorrent::Torrent::Tracker::$kind"->new({URL => lc "$kind://x/",
        Tier => bless \{}, 'Net::BitTorrent::Torrent::Tracker'}), undef, "a $kind tracker of one");
}
is(Net::BitTorrent::DHT->new({Client => bless \{}, 'Net::BitTorrent'}), undef, 'a DHT of one');
is(Net::BitTorrent::Peer->new({Client => $client, Socket => \*STDIN}), undef, 'a socket');
warned();

# What prints says who it is.
{
    package Heard;
    sub TIEHANDLE { return bless [], shift }
    sub PRINT { push @{$_[0]}, scalar caller; return 1 }
}
{
    my $heard = tie *STDERR, 'Heard';
    my @who = ($client, $torrent, $torrent->files->[0], $tier, @{$tier->urls}, $client->_dht);
    $_->as_string for @who;
    untie *STDERR;
    is_deeply([@$heard], [map { ref } @who], 'each prints by itself');
}
done_testing;
