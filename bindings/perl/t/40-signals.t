# Signals interrupt the loop and run their handlers.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Time::HiRes ();

my $client = client();
$client->do_one_loop(0.1) for 1 .. 3;    # what there is to tell at first
sub after {
    my ($seconds, $signal) = @_;
    my $parent = $$;
    return child(sub {
        Time::HiRes::sleep($seconds);
        kill $signal => $parent;
    });
}
{
    my $got = 0;
    local $SIG{INT} = sub { $got++ };
    my $pid = after(0.2, 'INT');
    is($client->do_one_loop(60), 1, 'a signal ends the wait');
    is($got, 1, 'its handler ran');
    waitpid $pid, 0;
}
{
    local $SIG{INT} = sub { die "interrupted\n" };
    my $pid;
    # The signal may come before the wait begins.
    ok(!eval { $pid = after(0.2, 'INT'); $client->do_one_loop(-1); 1 }, 'a handler that dies');
    is($@, "interrupted\n", 'leaves the loop');
    waitpid $pid, 0;
    is($client->do_one_loop(0), 1, 'which works afterwards');
}
# Ctrl-C without a handler ends a program in the loop, and so does exit in a handler: END blocks
# run.
my $program = <<'END';
    my $client = Net::BitTorrent->new({LocalHost => '127.0.0.1'});
    $| = 1;
    END { print "END\n" }
    $SIG{INT} = sub { exit 7 } if @ARGV;
    print "ready\n";
    $client->do_one_loop(-1) while 1;
END
for my $handler (0, 1) {
    my ($pid, $out) = program($^X, '-Iblib/lib', '-Iblib/arch', '-MNet::BitTorrent',
        '-e', $program, $handler ? 'handler' : ());
    is(scalar <$out>, "ready\n", 'the program runs');
    Time::HiRes::sleep(0.2);
    kill INT => $pid;
    my @rest = <$out>;
    close $out;
    is($?, $handler ? 7 << 8 : 2, 'how it ends');
    is_deeply(\@rest, $handler ? ["END\n"] : [], 'END block');
}
done_testing;
