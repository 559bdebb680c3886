# The state directory, through the C interface call for call: what was in the last session comes
# back, and nobody shares it.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Tern qw(:constants);

my $dir = workdir();
my $state = "$dir/state";
my @metainfo;
for my $name ('a' .. 'c') {
    my $file = make_torrent($dir, $name, 32768, $name => content(100_000, $name));
    push @metainfo, Tern::Metainfo->load($file) || die $Tern::error;
}

sub session { return Tern::Session->new({listen => '127.0.0.1:0', state_dir => $state, @_}) }

sub seeds {
    my ($session, $torrent) = @_;
    return loop_until(sub {
        $session->wait(0.02);
        $session->take;
        my $status = $torrent->status or return;
        return $status->{state} == TERN_STATE_SEEDING;
    });
}

{
    my $session = session() or die $Tern::error;
    is_deeply([$session->restore], [0, 0], 'nothing yet');
    my @torrents = map { $session->add({metainfo => $_, save_path => $dir}) } @metainfo;
    ok(seeds($session, $_), 'complete') for @torrents;
    ok($torrents[2]->set_queue_position(0), 'moved');
    is_deeply([map { $_->queue_position } @torrents], [1, 2, 0], 'and it is so');
    ok(!session(), 'a second session gets nothing');
    is($Tern::error + 0, TERN_E_IN_USE, 'because it is in use');
    is($Tern::error->path, $state, 'and the error names it');
    ok($session->close(60_000), 'closed') or diag $Tern::error;
}
{
    my $session = session() or die $Tern::error;
    is_deeply([$session->restore], [3, 0], 'all are back');
    my @torrents = $session->queue;
    is_deeply([map { $_->info_hash } @torrents],
        [map { $_->info_hash } @metainfo[2, 0, 1]], 'in order');
    for my $torrent (@torrents) {
        ok(seeds($session, $torrent), 'complete');
        is($torrent->status->{pieces_hashed}, 0, 'without hashing');
    }
    $session->close(60_000);
}
{
    my $session = Tern::Session->new({listen => '127.0.0.1:0'});
    is_deeply([$session->restore], [], 'no state directory');
    is($Tern::error + 0, TERN_E_STATE, 'is said');
    $session->close(60_000);
}

done_testing();
