# The distribution holds what it should, and nothing else.
use 5.016;
use strict;
use warnings;
use ExtUtils::Manifest ();
use Test::More;

$ExtUtils::Manifest::Quiet = 1;
is_deeply([ExtUtils::Manifest::manicheck()], [], 'all files of MANIFEST are there');
is_deeply([ExtUtils::Manifest::filecheck()], [], 'all files are in MANIFEST');
done_testing;
