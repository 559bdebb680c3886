# Tests once more under valgrind, for whoever asks: TERN_VALGRIND=1. What counts is memory that is
# read or written where it should not be; what is left at the end is for 60-leaks.t, since Perl
# frees much of its own only when built for that.
use 5.016;
use strict;
use warnings;
use Test::More;

plan skip_all => 'TERN_VALGRIND=1 runs them' if !$ENV{TERN_VALGRIND};
plan skip_all => 'valgrind is not here' if system('valgrind --version >/dev/null 2>&1') != 0;

# The engine's own, where its sources are around us.
my @known = map { "--suppressions=$_" } grep { -e } 't/data/valgrind.supp',
    '../../tests/c/valgrind.supp';
my @valgrind = (qw(valgrind -q --error-exitcode=99 --leak-check=no --child-silent-after-fork=yes),
    @known, $^X, '-Iblib/lib', '-Iblib/arch');
for my $test (qw(10-transfer 18-magnet-torrents 30-callbacks 50-lifetime)) {
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @valgrind, "t/$test.t" or die "valgrind: $!";
    }
    my @lines = <$out>;
    close $out;
    is($? >> 8, 0, $test) or diag grep { !/^\s*ok / } @lines;
    is(grep({ /^==\d+==/ } @lines), 0, "$test: no errors");
}
done_testing;
