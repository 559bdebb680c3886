# The resume file in 0.052's form: written so that 0.052 would know it, read when 0.052 wrote it.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);
use Net::BitTorrent::Util qw(:all);

my $dir   = workdir();
my %files = ('a.bin' => content(100_000, 'a'), 'b.bin' => content(200_000, 'b'));
my $file  = make_torrent($dir, 'some', 32768, %files);
my $saved = "$dir/some.resume";

sub orphan { return Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir, @_}) }
sub mtime { return (stat $_[0])[9] }

# What we write.
{
    my $orphan = orphan();
    $orphan->files->[1]->set_priority(3);
    $orphan->hashcheck;
    ok($orphan->save_resume_data($saved), 'saved');
    my $data = bdecode(slurp($saved));
    is_deeply([sort keys %$data],
        ['.format', '.t', '.version', 'bitfield', 'files', 'libtern', 'peers', 'working'], 'keys');
    is($data->{'.format'}, 'Net::BitTorrent resume', '.format');
    is($data->{'.version'}, 2, '.version');
    cmp_ok(abs(time - $data->{'.t'}), '<', 600, '.t');
    is(unpack('b*', $data->{bitfield}), '1' x 10 . '0' x 6, 'bitfield');
    is_deeply($data->{files}, [map {
        {mtime => mtime("$dir/some/$_->[0]"), priority => $_->[1]}
    } ['a.bin', 2], ['b.bin', 3]], 'files');
    is_deeply($data->{working}, [], 'working');
    my $again = orphan(Resume => $saved);
    is($again->status, 72, 'and read');
    is($again->files->[1]->priority, 3, 'with the priorities');
    is($orphan->resume_data =~ /\Ad7:\.format22:Net::BitTorrent resume/, 1, 'the same as bytes');
}
# What 0.052 wrote.
sub old {
    my (%change) = @_;
    my %data = (
        '.format'  => 'Net::BitTorrent resume',
        '.t'       => time,
        '.version' => 2,
        bitfield   => pack('b*', '1' x 10),
        files      => [map { {mtime => mtime("$dir/some/$_"), priority => 2} } 'a.bin', 'b.bin'],
        peers      => compact('192.0.2.1:6881', '192.0.2.2:6882'),
        working    => [],
        %change,
    );
    return spew("$dir/old.resume", bencode(\%data));
}
is(orphan(Resume => old())->status, 72, 'its file is taken');
is(orphan(Resume => old())->is_complete, 1, 'with what it says');
is(unpack('b*', orphan(Resume => old(bitfield => pack 'b16', '1010011000'))->bitfield),
    '1010011000000000', 'also when it is not complete');
is(orphan(Resume => old('.version' => 1))->status, 72, 'older ones too');
is(orphan(Resume => old('.version' => 3))->status, 64, 'newer ones are as if they were not there');
is(orphan(Resume => old('.version' => 3))->error, undef, 'without an error');
is(orphan(Resume => old('.format' => 'Somebody resume'))->status, 64, 'and those of others');
{
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir, Resume => old(),
        Status => START_AFTER_CHECK});
    is($torrent->status, 201, 'in a client it starts when that was asked for');
    is($torrent->hashed_pieces, 0, 'nothing was hashed');
    is($torrent->_handle->status->{known_peers}, 2, 'the peers are known again');
    $client->remove_torrent($torrent);
    $torrent = $client->add_torrent({Path => $file, BaseDir => $dir, Resume => old()});
    is($torrent->status, 200, 'and else does not');
    $client->remove_torrent($torrent);
    $torrent = $client->add_torrent({Path => $file, BaseDir => $dir,
        Resume => old('.version' => 3)});
    is($torrent->status, 192, 'one of a newer version is ignored, not started');
}
# The documented rule.
my $other = {mtime => mtime("$dir/some/b.bin"), priority => 1};
for my $case (
    ['a time that differs', files => [{mtime => 1, priority => 0}, $other]],
    ['a file that was not there', files => [{mtime => 0, priority => 0}, $other]],
    ['a file less', files => [{mtime => mtime("$dir/some/a.bin"), priority => 2}]],
    ['a bitfield of another length', bitfield => "\xff"],
    ['no bitfield', bitfield => []],
) {
    my ($why, @change) = @$case;
    my $orphan = orphan(Resume => old(@change));
    is($orphan->status, 64 + ERROR + START_AFTER_CHECK, "$why: all is refused");
    is($orphan->error, 'Bad resume data. Please hashcheck.', 'error');
    is(unpack('%32b*', $orphan->bitfield), 0, 'nothing counts');
    is($orphan->files->[0]->priority, 0, 'priorities are restored all the same')
        if $why =~ /time|was not/;
    is($orphan->hashcheck, 1, 'a check finds it all');
    is($orphan->error, undef, 'and is fine');
}
{
    my $nowhere = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => "$dir/nowhere",
        Resume => old(bitfield => "\0\0", files => [map { {mtime => 0, priority => 2} } 1, 2])});
    is($nowhere->status, 72, 'no file and none saved: that fits');
}
# Blocks of pieces under way.
{
    my $half = "$dir/half";
    spew("$half/some/$_", $files{$_}) for keys %files;
    my @files = map { {mtime => mtime("$half/some/$_"), priority => 2} } 'a.bin', 'b.bin';
    my $path = old(
        bitfield => pack('b16', '1111000000'),
        files    => \@files,
        working  => [{
            Block_Count => 2, Block_Length => 16384, Block_Length_Last => 16384,
            Blocks_Received => pack('b*', '10'), Endgame => 0, Index => 5, Length => 32768,
            Priority => 2, Slow => 1,
        }]);
    my $seed  = client();
    my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
    $there->hashcheck;
    my $leech = client();
    my $here = $leech->add_torrent({Path => $file, BaseDir => $half, Resume => $path,
        Status => START_AFTER_CHECK});
    is($here->status, 201, 'taken');
    my $pieces = $here->_working_pieces;
    is_deeply([keys %$pieces], [5], 'the piece under way is known');
    is(unpack('b2', $pieces->{5}{Blocks_Received}), '10', 'with its block');
    is_deeply({map { ($_ => $pieces->{5}{$_}) }
            qw(Block_Count Block_Length Block_Length_Last Index Length Priority)},
        {Block_Count => 2, Block_Length => 16384, Block_Length_Last => 16384, Index => 5,
            Length => 32768, Priority => 2}, 'and its facts');
    like($here->as_string(1), qr/^\[\|{4} \* {4}\]\nWorking Pieces:\n +5 \[\| \]$/m, 'shown');
    $here->add_peer('127.0.0.1:' . $seed->_tcp_port);
    ok(loop_until(sub { $here->is_complete }, $leech), 'it goes on from there');
    is($here->downloaded, 300_000 - 4 * 32768 - 16384, 'fetching what was not there');
    unlike($here->as_string(1), qr/Working/, 'nothing is under way any more');
}
# A client's state in one file.
{
    my $state = "$dir/client.state";
    my $infohash;
    {
        my $client  = client(LocalPort => 0);
        my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
        $torrent->hashcheck;
        $infohash = $torrent->infohash;
        $client->_set_half_open(5);
        $client->_dht->_set_node_id('i' x 20);
        ok($client->save_state($state), 'a state is saved');
        is(ref bdecode($client->save_state), 'HASH', 'or given');
    }
    my $client = client();
    is($client->load_state($state), 1, 'loaded: a torrent');
    my $torrent = $client->torrents->{$infohash};
    is($torrent->status, 201, 'restored and started');
    is($torrent->hashed_pieces, 0, 'without hashing');
    is($client->_half_open, 5, 'settings');
    is($client->_dht->node_id, 'i' x 20, 'the DHT id');
    my $bytes = slurp($state);
    substr $bytes, -20, 1, 'X';
    my @warn;
    local $SIG{__WARN__} = sub { push @warn, @_ };
    is(client()->load_state($bytes), undef, 'a damaged one is not');
    is(@warn, 1, 'and said to be');
}
done_testing;
