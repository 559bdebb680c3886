# What is ours and not 0.052's: exceptions, several handlers, waiting, limits, making torrents.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir  = workdir();
my $file = make_torrent($dir, 'some', 16384, a => content(100_000), b => content(50_000));
my @warn;
local $SIG{__WARN__} = sub { push @warn, @_ };
sub warned { return scalar(my @said = splice @warn) }

# Errors as objects.
{
    my $client = client(RaiseError => 1);
    my $line   = __LINE__ + 1;
    ok(!eval { $client->add_torrent({Path => "$dir/nothing"}); 1 }, 'a failure is thrown');
    my $error = $@;
    isa_ok($error, 'Net::BitTorrent::Error');
    is($error->class, 'system', 'class');
    is($error->errno, 2, 'errno');
    like($error->message, qr/nothing/, 'message');
    is($error->file, __FILE__, 'file');
    is($error->line, $line, 'line');
    like("$error", qr/\ACannot find .* at \Q@{[__FILE__]}\E line $line\.\z/, 'as a string');
    is($client->last_error, $error, 'last_error');
    ok(!eval { $client->add_torrent('x'); 1 } && $@->class eq 'argument', 'a wrong call');
    ok($client->add_torrent({Path => $file, BaseDir => $dir}), 'a torrent');
    ok(!eval { $client->add_torrent({Path => $file, BaseDir => $dir}); 1 }, 'twice');
    is($@->class, 'state', 'class');
    is(0 + $@, Tern::TERN_E_DUPLICATE(), 'as a number');
    my ($torrent) = values %{$client->torrents};
    ok(!eval { $torrent->save_resume_data("$dir/no/such"); 1 } && $@->errno == 2,
        'a torrent of it');
    ok(!eval { $torrent->on(nonsense => sub { }); 1 }, 'an event there is not');
    ok(!eval { $torrent->files->[0]->set_priority('x'); 1 }, 'a file of it');
    is(@warn, 0, 'no warnings');
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, RaiseError => 1});
    ok(!eval { $orphan->queue('x'); 1 } && $@->isa('Net::BitTorrent::Error'),
        'a torrent alone');
    ok(!eval { Net::BitTorrent::Torrent->new({RaiseError => 1}); 1 }, 'its constructor');
}
{
    my $client = client();
    is($client->add_torrent({Path => "$dir/nothing"}), undef, 'without RaiseError: undef');
    is(warned(), 1, 'and a warning');
    is($client->last_error->errno, 2, 'last_error all the same');
}
# Several handlers.
{
    my $client  = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    my @called;
    my $first = $torrent->on(piece_hash_pass => sub { push @called, 'first' });
    $torrent->on(piece_hash_pass => sub { push @called, 'second' });
    $torrent->on_event(piece_hash_pass => sub { push @called, 'event' });
    $client->on(piece_hash_pass => sub { push @called, 'client' });
    $torrent->hashcheck;
    is_deeply([@called[0 .. 3]], ['client', 'event', 'first', 'second'],
        'all are called, in order');
    is(@called, 40, 'for every piece');
    is($torrent->off(piece_hash_pass => $first), 1, 'off');
    is($torrent->off(piece_hash_pass => $first), 0, 'once');
    @called = ();
    $torrent->hashcheck;
    is_deeply([@called[0 .. 2]], ['client', 'event', 'second'], 'it is gone');
    is($torrent->off('piece_hash_pass'), 1, 'all of a type');
    $torrent->on_event(piece_hash_pass => undef);
    @called = ();
    # Without waiting.
    my $end;
    is($torrent->hashcheck_start(sub { $end = $_[0] }), 1, 'a check begins');
    is($torrent->hashcheck_start, undef, 'and only one');
    is($torrent->is_complete, undef, 'under way');
    cmp_ok($torrent->hashcheck_progress, '<', 1, 'progress');
    ok(loop_until(sub { $end }, $client), 'its end is told');
    is(0 + $end, 0 + $torrent, 'with the torrent');
    is($torrent->hashcheck_progress, undef, 'no progress any more');
    is(@called, 10, 'the pieces too');
    is($torrent->is_complete, 1, 'complete');
}
# A transfer.
{
    my $seed  = client();
    my $there = $seed->add($file, $dir);
    $there->hashcheck;
    is($there->progress, 1, 'progress of a seed');
    my $leech = client();
    my $here  = $leech->add($file, "$dir/out");
    is($here->progress, 0, 'of a leech');
    is($leech->progress, 0, 'of its client');
    is_deeply($leech->finished, [], 'finished');
    is_deeply($here->limits, {download => 0, upload => 0}, 'limits');
    is($here->limits(upload => 5000)->{upload}, 5000, 'of a torrent');
    is_deeply($leech->limits(download => 10_000_000), {download => 10_000_000, upload => 0},
        'of the client');
    is($leech->limits(sideways => 1), undef, 'no such limit');
    is(warned(), 1, 'warns');
    $here->add_peer('127.0.0.1:' . $seed->_tcp_port);
    is($leech->wait(sub { 0 }, 0.01), 0, 'wait, in vain');
    ok($leech->wait(undef, LIMIT), 'wait');
    is($here->progress, 1, 'complete');
    is_deeply([map { 0 + $_ } @{$leech->finished}], [0 + $here], 'finished');
    is($leech->stats->{downloaded}, 150_000, 'stats of the client');
    is($here->stats->{pieces_have}, 10, 'of the torrent');
    is($leech->next_timeout, undef, 'nothing is due');
    $leech->_schedule({Time => time + 100, Code => sub { }});
    cmp_ok($leech->next_timeout, '>', 50, 'a job is');
    ok($leech->shutdown, 'shutdown');
    is($leech->shutdown, 1, 'twice');
    is($leech->add($file, "$dir/late"), undef, 'and it takes no more');
}
# Making torrents.
{
    my $raw = Net::BitTorrent->create_torrent({Path => "$dir/some", PieceLength => 16384,
        CreationDate => 1234567890, Trackers => ['http://127.0.0.1/announce']});
    my $metainfo = Tern::Metainfo->parse($raw);
    is(unpack('H*', $metainfo->info_hash),
        Net::BitTorrent::Torrent->new({Path => $file})->infohash, 'a torrent is made');
    is(Net::BitTorrent->create_torrent({Path => "$dir/some", Output => "$dir/made.torrent"}), 1,
        'or a file');
    ok(Net::BitTorrent::Torrent->new({Path => "$dir/made.torrent"}), 'that loads');
    ok(!eval { Net::BitTorrent->create_torrent({Path => "$dir/none", RaiseError => 1}); 1 },
        'of nothing');
    is($@->errno, 2, 'errno');
    is(Net::BitTorrent->create_torrent({Path => "$dir/some", Colour => 1}), undef,
        'no such option');
}
done_testing;
