# A program that does not look for long: notices are dropped, pieces are told all the same.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Time::HiRes ();

my $dir = workdir();
my $file = make_torrent($dir, 'some', 16384, some => content(3_000_000));
my $pieces = int((3_000_000 + 16383) / 16384);
my $seed = client();
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->hashcheck;
my $leech = client(event_queue_len => 16);
my $here = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
my (%told, $complete);
$here->on_event(piece_hash_pass => sub {
    $told{$_[1]{Index}}++;
    $complete++ if $_[0]->is_complete;
});
$here->add_peer('127.0.0.1:' . $seed->_tcp_port);
my $end = time + LIMIT;
Time::HiRes::sleep(0.05) while $here->_handle->status->{pieces_have} < $pieces && time < $end;
is(keys %told, 0, 'nothing is told outside the loop');
is($here->is_complete, 0, 'and nothing is seen');
cmp_ok($leech->_engine->session->stats->{dropped_notices}, '>', 0, 'notices were dropped');
ok(loop_until(sub { $here->is_complete }, $leech), 'complete');
is(keys %told, $pieces, 'every piece was told');
is_deeply([grep { $_ != 1 } values %told], [], 'once');
is($complete, 1, 'complete in one handler');

# Making a torrent with the engine.
my $made = Tern::create(path => "$dir/some", piece_length => 16384, creation_date => 1234567890,
    created_by => '');
my $metainfo = Tern::Metainfo->parse($made);
ok($metainfo, 'a torrent made by the engine') or diag $Tern::error;
is(unpack('H*', $metainfo->info_hash), $here->infohash, 'has the same infohash');
is(Tern::create(path => "$dir/some", piece_length => 16384, creation_date => 1234567890,
    created_by => '', threads => 2, hash_path => 'portable'), $made, 'however it is hashed');
is(Tern::create(path => "$dir/some", hash_path => 'abacus'), undef, 'with no such instructions');
is(Tern::create(path => "$dir/nothing"), undef, 'of nothing');
ok($!{ENOENT}, '$!');
is($Tern::error->name, 'TERN_E_IO', 'name of the error');
like("$Tern::error", qr/nothing/, 'its text');
done_testing;
