# Programs in the way people wrote them for 0.052, unchanged but for the network: basic and resume.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;

my $dir = workdir();
my $bytes = content(700_000, 's');
my $file = make_torrent($dir, 'a.legal', 32768, 'one' => substr($bytes, 0, 300_000),
    'two' => substr($bytes, 300_000));
my $seed = client(upload_limit => 400_000);
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->hashcheck;
my $address = '127.0.0.1:' . $seed->_tcp_port;

# Trackers are not to be had here: the peer is handed in through the one thing all programs do.
my $inject = <<'END';
package Inject;
use Net::BitTorrent;
my $add = \&Net::BitTorrent::add_torrent;
no warnings 'redefine';
*Net::BitTorrent::add_torrent = sub {
    my $torrent = $add->(@_);
    $torrent->add_peer($ENV{TERN_TEST_PEER}) if $torrent && $ENV{TERN_TEST_PEER};
    return $torrent;
};
1;
END
spew("$dir/Inject.pm", $inject);

spew("$dir/basic.pl", <<'END');
use strict;
use warnings;
use Net::BitTorrent;
my $client = Net::BitTorrent->new();
my $torrent = $client->add_torrent({Path => 'a.legal.torrent', BaseDir => './basic'}) or exit 2;
$torrent->on_event(q[piece_hash_pass], sub { print pop->{q[Index]}, qq[\n] });
$client->do_one_loop(0.25) && select(undef, undef, undef, 0.05) while !$torrent->is_complete;
END
spew("$dir/resume.pl", <<'END');
use strict;
use warnings;
use Time::HiRes qw[sleep];
use Net::BitTorrent;
$|++;
my $client = Net::BitTorrent->new();
my $torrent = $client->add_torrent(
    {Path => q[a.legal.torrent], Resume => q[a.legal.resume], BaseDir => q[./resume]})
    or exit 2;
printf qq[status %d\n], $torrent->status;
$torrent->on_event(q[piece_hash_pass], sub { save(shift) });
END {
    return if !defined $client;
    for my $t (values %{$client->torrents || {}}) { save($t); }
}
$torrent->hashcheck;
sleep(0.05) and $client->do_one_loop(0.05) while !$torrent->is_complete;

sub save {
    my ($t) = @_;
    my $path = $t->resume_path;
    rename $path, $path . q[.bak] if -f $path && !-f $path . q[.bak];
    $t->save_resume_data or print qq[cannot save: $!\n];
    my $length = $t->raw_data(1)->{q[info]}{q[piece length]};
    my $start  = 0;
    for my $f (@{$t->files}) {
        my ($first, $last) = (int($start / $length), int(($start + $f->size - 1) / $length));
        my $have = grep { vec $t->bitfield, $_, 1 } $first .. $last;
        printf qq[%d:%.0f%% ], $f->index, 100 * $have / ($last - $first + 1);
        $start += $f->size;
    }
    printf qq[have %d\n], unpack q[%%32b*], $t->bitfield;
}
END

use Cwd ();
my $blib = Cwd::abs_path('blib');
sub run {
    my ($script, $stop, @args) = @_;
    local $ENV{TERN_TEST_PEER} = $address;
    my ($pid, $out) = program(sub { chdir $dir },
        $^X, '-w', "-I$blib/lib", "-I$blib/arch", '-I.', '-MInject', $script, @args);
    my @lines;
    while (my $line = <$out>) {
        push @lines, $line;
        if ($stop && $line =~ /have (\d+)/ && $1 >= $stop->[0]) {
            kill $stop->[1] => $pid;
            last if $stop->[1] eq 'KILL';
        }
    }
    close $out;
    return @lines;
}
{
    my @lines = run('basic.pl');
    is($?, 0, 'basic ends well');
    is_deeply([sort { $a <=> $b } @lines], [map { "$_\n" } 0 .. 21], 'it said every piece');
    ok(slurp("$dir/basic/a.legal/two") eq substr($bytes, 300_000), 'content');
}
{
    my @lines = run('resume.pl', [9, 'KILL']);
    is($?, 9, 'resume, killed');
    is($lines[0], "status 193\n", 'a fresh torrent');
    like($lines[-1], qr/\A0:\d+% 1:\d+% have/, 'percent of each file');
    @lines = run('resume.pl', [22, 'INT']);
    is($lines[0], "status 200\n", 'restored');
    my ($had) = $lines[1] =~ /have (\d+)/;
    ok(-f "$dir/a.legal.resume.bak", 'the backup');
    ok(slurp("$dir/resume/a.legal/one") eq substr($bytes, 0, 300_000), 'content');
    ok(slurp("$dir/resume/a.legal/two") eq substr($bytes, 300_000), 'content');
    @lines = run('resume.pl');
    is($?, 0, 'once more');
    is($lines[0], "status 200\n", 'restored');
    is($lines[-1], "0:100% 1:100% have 22\n", 'complete');
    utime 1, 1, "$dir/resume/a.legal/one";
    @lines = run('resume.pl');
    is($lines[0], 'status ' . (192 + 16 + 4) . "\n", 'refused after a change');
    is($?, 0, 'checked again');
    is($lines[-1], "0:100% 1:100% have 22\n", 'complete');
}
SKIP: {
    my $examples = Cwd::abs_path('../../examples/perl') // '';
    skip 'not in the source tree', 4 if !-f "$examples/basic.pl";
    my @lines = run("$examples/basic.pl", undef, $file, "$dir/own");
    is($?, 0, 'the basic example') or diag @lines;
    is($lines[-1], "complete\n", 'says so');
    mkdir "$dir/minimal";
    @lines = run("$examples/minimal.pl", undef, $file, "$dir/minimal", $address);
    is($?, 0, 'the minimal example') or diag @lines;
    ok(slurp("$dir/minimal/a.legal/two") eq substr($bytes, 300_000), 'content');
}
done_testing;
