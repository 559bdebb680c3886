# Objects go in any order; programs end with anything alive; forks and threads.
use 5.016;
use strict;
use warnings;
use Config;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir = workdir();
my $file = make_torrent($dir, 'some', 16384, a => content(30_000), b => content(40_000));

# Children outlive parents.
{
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    $torrent->_add_tracker(['http://127.0.0.1:9/announce']);
    my ($f) = @{$torrent->files};
    my ($tier) = @{$torrent->trackers};
    my ($tracker) = @{$tier->urls};
    undef $client;
    is($torrent->_client, undef, 'the client is gone');
    is($torrent->size, 70_000, 'the torrent still knows');
    is($torrent->start, undef, 'but does nothing');
    is($torrent->hashcheck, 1, 'alone it can be checked');
    is($torrent->is_complete, 1, 'and is complete');
    undef $torrent;
    is($f->torrent, undef, 'the torrent is gone');
    is($f->size, 30_000, 'the file still knows');
    is($tracker->url, 'http://127.0.0.1:9/announce', 'the tracker too');
    is($tracker->_client, undef, 'it has no client');
}
# Programs that end with things alive end at once, silently, with the code they chose.
my $ends = 0;
for my $how (
    'our $c = $client; our $t = $torrent; exit 3',
    'our $t = $torrent; exit 3',
    'my $x = [$client]; push @$x, $x; exit 3',
    '$client->on_event(piece_hash_pass => sub { exit 3 }); $torrent->hashcheck; exit 4',
    'our $f = $torrent->files->[0]; undef $client; exit 3',
    'my $o = Net::BitTorrent::Torrent->new({Path => $ARGV[0], BaseDir => $ARGV[1]});'
        . ' $o->hashcheck; our $p = $o; exit 3',
) {
    my $program = 'my $client = Net::BitTorrent->new({LocalHost => "127.0.0.1"});'
        . ' my $torrent = $client->add_torrent({Path => $ARGV[0], BaseDir => $ARGV[1]});' . $how;
    my ($pid, $out) = program($^X, '-w', '-Iblib/lib', '-Iblib/arch', '-MNet::BitTorrent',
        '-e', $program, $file, $dir);
    my $said = join '', <$out>;
    close $out;
    is($? >> 8, 3, 'end ' . ++$ends) or diag $how;
    is($said, '', 'silently');
}
# Torrents that come and go while nobody loops leave nothing behind.
{
    my $client = client();
    for (1 .. 30) {
        my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
        $client->remove_torrent($torrent);
    }
    my $engine = $client->_engine;
    cmp_ok(scalar @{$engine->{events}}, '<', 20, 'events of torrents that are gone are forgotten');
    is_deeply([%{$engine->{leaving}}, grep { defined } values %{$engine->{torrents}}], [],
        'and they too');
}
# After a fork the child's objects are dead and harmless.
{
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    $torrent->hashcheck;
    my $pid = open my $out, '-|';
    if (!$pid) {
        alarm LIMIT;
        my $added = $client->add_torrent({Path => $file, BaseDir => "$dir/x"});
        my $r = join ' ', map { $_ // 'undef' } $client->do_one_loop(0), $torrent->is_complete,
            scalar $torrent->hashcheck, scalar $torrent->save_resume_data("$dir/fork.resume"),
            $added ? 'added' : 'not', scalar $client->fileno;
        undef $torrent;
        undef $client;
        print "$r\n";
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    my $said = <$out>;
    close $out;
    is($said, "1 1 undef undef not undef\n", 'the child');
    ok(!-e "$dir/fork.resume", 'it saved nothing');
    is($client->do_one_loop(0), 1, 'the parent lives');
    is($torrent->hashcheck, 1, 'and works');
}
SKIP: {
    skip 'this perl has no threads', 5 if !$Config{useithreads} || !eval { require threads; 1 };
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    my ($here, $there) = (0, 0);
    $torrent->on_event(piece_hash_fail => sub { $there++ });
    my $thread = threads->create(sub {
        $torrent->on_event(piece_hash_pass => sub { $here++ });
        my $r = $torrent->hashcheck;
        return "$r $here $there " . $torrent->infohash . ' ' . $client->do_one_loop(0);
    });
    loop_until(sub { !$thread->is_running }, $client);
    is($thread->join, '1 5 0 ' . $torrent->infohash . ' 1',
        'a check in a thread, told by this one, and to the handler that was set there');
    is($here, 0, 'which is not called here');
    is($torrent->is_complete, 1, 'seen here');
    is($torrent->status & CHECKED, CHECKED, 'status');
    is($torrent->hashcheck, 1, 'here too, after the thread is gone');
}
done_testing;
