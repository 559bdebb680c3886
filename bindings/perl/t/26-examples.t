# The example programs do what they say: what 0.052's examples did, and programs with an event loop
# of their own.
use 5.016;
use strict;
use warnings;
use Config;
use Cwd ();
use lib 't/lib';
use Test::More;
use TernTest;

my $examples = Cwd::abs_path('../../examples/perl') // '';
plan skip_all => 'not in the source tree' if !-f "$examples/basic.pl";
my $dir   = workdir();
my $bytes = content(700_000, 'e');
my $file  = make_torrent($dir, 'some', 32768, one => substr($bytes, 0, 300_000),
    two => substr($bytes, 300_000));
my $seed = client();
$seed->add_torrent({Path => $file, BaseDir => $dir})->hashcheck;
my $address = '127.0.0.1:' . $seed->_tcp_port;
my $blib    = Cwd::abs_path('blib');

sub run {
    my ($script, @args) = @_;
    my ($pid, $out) = program($^X, '-w', "-I$blib/lib", "-I$blib/arch", "$examples/$script", @args);
    my @lines = <$out>;
    close $out;
    return @lines;
}
sub arrived {
    my ($where, $what) = @_;
    ok((slurp("$where/some/one") // '') eq substr($bytes, 0, 300_000)
        && (slurp("$where/some/two") // '') eq substr($bytes, 300_000),
        "$what: the content is here");
}
{
    my @lines = run('info.pl', $file, $dir);
    is($?, 0, 'info') or diag @lines;
    my $text = join '', @lines;
    like($text, qr/^name +some$/m, 'name');
    like($text, qr/^pieces +22 of 32768 bytes$/m, 'pieces');
    like($text, qr/^here +22 of 22 pieces$/m, 'what is here');
    like($text, qr/^ +100\.0%  .*two$/m, 'of each file');
    @lines = run('info.pl', "$dir/nothing");
    isnt($?, 0, 'a file that is not there');
    like("@lines", qr/cannot load/, 'is said');
}
{
    my @lines = run('debug.pl', $file, "$dir/debug", $address);
    is($?, 0, 'debug') or diag @lines;
    my $text = join '', @lines;
    like($text, qr/^$_ /m, "it says $_") for qw(ip_filter peer_connect peer_read peer_write
        incoming_packet outgoing_packet file_open file_write file_read file_close piece_hash_pass);
    like($text, qr/^Progress: +100\.00% complete/m, 'and how it ended');
    arrived("$dir/debug", 'debug');
}
SKIP: {
    skip 'this perl has no threads', 2 if !$Config{useithreads} || !eval { require threads; 1 };
    my @lines = run('threads.pl', $file, $dir);
    is($?, 0, 'threads') or diag @lines;
    is($lines[-1], "passed 22 of 22 pieces: complete\n", 'a check in a thread');
}
{
    my @args = ('--directory', "$dir/console", '--peer', $address, '--options', 'half_open=4',
        $file);
    mkdir "$dir/console";
    my @lines = run('console.pl', @args);
    is($?, 0, 'console') or diag @lines;
    is($lines[-1], "complete\n", 'says so');
    arrived("$dir/console", 'console');
    ok(-s "$dir/console/.some.torrent.resume", 'it saved');
    @lines = run('console.pl', @args);
    is("@lines", "complete\n", 'and goes on from there');
}
my %loops = ('anyevent.pl' => 'AnyEvent', 'ev.pl' => 'EV', 'io_async.pl' => 'IO::Async::Loop',
    'mojo.pl' => 'Mojo::IOLoop');
for my $script (sort keys %loops) {
    SKIP: {
        skip "$loops{$script} is not installed", 3 if !eval "require $loops{$script}; 1";
        my @lines = run($script, $file, "$dir/$script.out", $address);
        is($?, 0, $script) or diag @lines;
        is(grep({ /^piece \d+$/ } @lines), 22, 'every piece is told');
        arrived("$dir/$script.out", $script);
    }
}
done_testing;
