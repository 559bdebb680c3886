# Torrents added by magnet link, through Tern.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Tern qw(:constants);
use TernTest;

my $dir = workdir();
make_torrent($dir, 'x', 16384, 'a.bin' => content(50000), 'b.bin' => content(70001, 'y'));

my %options = (listen => '127.0.0.1:0', trackers_enabled => 0);
my $seeder  = Tern::Session->new({%options}) or die $Tern::error;
my $leecher = Tern::Session->new({%options}) or die $Tern::error;

# Pumps until an event of this kind came.
sub pump {
    my ($session, $kind) = @_;
    my $end = time + LIMIT;
    while (time < $end) {
        $session->wait(0.5);
        for my $event ($session->take) {
            return $event if $event->{kind} == $kind;
        }
    }
    die 'it does not come';
}

my $seed = $seeder->add({metainfo_file => "$dir/x.torrent", save_path => $dir}) or die $Tern::error;
pump($seeder, TERN_EVENT_CHECKED);
is($seed->status->{state}, TERN_STATE_SEEDING, 'the seed has it');

my $hash = $seed->info_hash;
my $link = 'magnet:?xt=urn:btih:' . unpack('H*', $hash) . '&dn=shown';
is(Tern::magnet_info_hash($link), $hash, 'the hash of a link');
is(Tern::magnet_info_hash('magnet:?dn=x'), undef, 'no link');
is(0 + $Tern::error, TERN_E_MAGNET, 'and why');

my $target = workdir();
my $leech = $leecher->add({magnet => $link, save_path => $target}) or die $Tern::error;
is($leech->name, 'shown', 'the name of the link');
is($leech->metainfo, undef, 'no metainfo yet');
is(0 + $Tern::error, TERN_E_NO_METADATA, 'and why');
is($leech->status->{has_metadata}, 0, 'status says so');
is($leecher->add({info_hash => $hash, save_path => $target}), undef, 'a second one');
is(0 + $Tern::error, TERN_E_DUPLICATE, 'is refused');
my $peer = '127.0.0.1:' . $seeder->listen_port;
my $same = $leecher->add({magnet => "$link&x.pe=$peer", save_path => $target, merge => 1});
is($same && $same->id, $leech->id, 'or merged');

my $event = pump($leecher, TERN_EVENT_METADATA);
is($event->{text}, 'x', 'the event has the name');
is($leech->metainfo->info_bytes, $seed->metainfo->info_bytes, 'the metadata');
like($leech->magnet, qr/\Amagnet:\?xt=urn:btih:[0-9a-f]{40}&dn=x&/, 'its link');
is($leech->magnet, $leech->metainfo->magnet, 'in both places');
pump($leecher, TERN_EVENT_FINISHED);
is($leech->status->{known_by_source}{TERN_SOURCE_MAGNET()}, 1, 'where the peer comes from');
is(slurp("$target/x/$_"), slurp("$dir/x/$_"), "content of $_") for qw(a.bin b.bin);

done_testing;
