# Torrents that begin as a magnet link.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir  = workdir();
my %data = ('a.bin' => content(50_000), 'b.bin' => content(70_001, 'y'));
my $file = make_torrent($dir, 'x', 16384, %data);
my $seed = client();
my $here = $seed->add_torrent({Path => $file, BaseDir => $dir});
$here->hashcheck;
my $hash = $here->infohash;
my $link = "magnet:?xt=urn:btih:$hash&dn=shown&tr=http%3A%2F%2F127.0.0.1%3A1%2Fannounce";
is($here->is_metadata_complete, 1, 'a torrent of a file has its metadata');
like($here->magnet, qr/\Amagnet:\?xt=urn:btih:$hash\b/, 'and a link');

my @warned;
local $SIG{__WARN__} = sub { push @warned, @_ };
my $client = client();
is($client->add('magnet:?dn=x', $dir), undef, 'a link without a hash');
is($client->last_error->code, Tern::TERN_E_MAGNET(), 'and why');
is(Net::BitTorrent::Torrent->new({Magnet => $link}), undef, 'there is no orphan of a link');
like("@warned", qr/requires a 'Client'/, 'and why');

my $out     = workdir();
my $torrent = $client->add($link, $out);
is($torrent->infohash, $hash, 'the infohash');
is($client->add($hash, $out), undef, 'which is known by an infohash too');
is($client->torrents->{$hash}, $torrent, 'it is in the client');
is($torrent->name, 'shown', 'the name of the link');
is($torrent->magnet, $link, 'the link');
is_deeply([map { map { $_->url } @{$_->urls} } @{$torrent->trackers}],
    ['http://127.0.0.1:1/announce'], 'its tracker');
is($torrent->$_, undef, "no $_") for qw(path size comment created_by creation_date raw_data
    hashcheck hashcheck_start);
is($torrent->$_, 0, "$_ is 0") for qw(piece_count is_complete progress is_metadata_complete
    private);
is($torrent->bitfield, '', 'no pieces');
is_deeply($torrent->files, [], 'no files');
is($torrent->status, STARTED | QUEUED, 'status');
is($client->progress, 0, 'nothing is here');
like($torrent->as_string(1), qr/^Path:\s+magnet:/m, 'its page');
ok(defined $torrent->resume_data, 'what is known can be saved');
my $early = $client->save_state;

my (@order, %seen);
for my $type (qw(metadata_received piece_hash_pass)) {
    $torrent->on_event($type => sub {
        push @order, $type;
        $seen{$type} //= [map { $_[0]->$_ } qw(piece_count is_complete name)];
    });
}
my $told = 0;
$client->on_event(metadata_received => sub { $told++ if $_[1]{Torrent} == $torrent });
$torrent->add_peer('127.0.0.1:' . $seed->_tcp_port);
ok(loop_until(sub { $torrent->is_complete }, $client, $seed), 'it comes');
is($order[0], 'metadata_received', 'first its metadata');
is(grep({ $_ eq 'metadata_received' } @order), 1, 'once');
is($told, 1, 'the client is told too');
is_deeply($seen{metadata_received}, [8, 0, 'x'], 'by then it is known, and nothing is here');
is(grep({ $_ eq 'piece_hash_pass' } @order), 8, 'every piece is told');
ok($torrent->status & LOADED, 'loaded');
is($torrent->size, 120_001, 'size');
is(slurp("$out/x/$_"), $data{$_}, $_) for sort keys %data;
is_deeply([map { $_->path } @{$torrent->files}], [map { "$out/x/$_" } sort keys %data], 'files');
is($torrent->raw_data(1)->{info}{name}, 'x', 'raw data');
ok($torrent->save_resume_data("$out/.resume"), 'saved');
my $late = $client->save_state;
$client->shutdown;

# Again, from what was saved.
{
    my $again   = client();
    my $resumed = $again->add_torrent(
        {Magnet => $link, BaseDir => $out, Resume => "$out/.resume", Status => START_AFTER_CHECK});
    is($resumed->is_metadata_complete, 1, 'resume data has the metadata');
    ok($resumed->status & CHECKED, 'and what was here');
    is($resumed->is_complete, 1, 'all of it');
    is($resumed->hashed_pieces, 0, 'not a piece was hashed');
    is($again->remove_torrent($resumed), $resumed, 'removed');
    is($resumed->hashcheck, 1, 'it can be checked without a client');
    is($resumed->is_complete, 1, 'and is complete');
}
{
    my $again = client();
    is($again->load_state($late), 1, 'the state of a client');
    my ($restored) = values %{$again->torrents};
    is($restored->is_complete, 1, 'with a torrent that is complete');
    is($restored->path, undef, 'and still has no file');
}
{
    my $again = client();
    is($again->load_state($early), 1, 'the state of a client that had no metadata yet');
    my ($restored) = values %{$again->torrents};
    is($restored->is_metadata_complete, 0, 'nor has this one');
    $restored->add_peer('127.0.0.1:' . $seed->_tcp_port);
    ok(loop_until(sub { $restored->is_complete }, $again, $seed), 'it comes all the same');
}
done_testing;
