#!/usr/bin/perl
# Checks a torrent in a thread while the main thread goes on: threads.pl FILE.torrent DIRECTORY
#
# Torrents are the same in all threads; handlers run in the thread that made the client. (To check
# without a thread there is hashcheck_start.)
use strict;
use warnings;
use Config;
BEGIN { die "threads.pl: this perl has no threads\n" if !$Config{useithreads} }
use threads;
use Net::BitTorrent;

my ($file, $directory) = @ARGV;
die "usage: threads.pl FILE.torrent DIRECTORY\n" if !defined $directory;
$| = 1;
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "threads.pl: cannot load $file: $!\n";
# By number: a started torrent tells of what it finds at its first look, and a check of each piece.
my %passed;
$torrent->on_event(piece_hash_pass => sub { $passed{$_[1]{Index}} = 1 });

my $thread = threads->create(sub { return $torrent->hashcheck });
my $loops = 0;
while ($thread->is_running) {
    $client->do_one_loop(0.05);
    $loops++;
}
$thread->join or die "threads.pl: not checked\n";
print "the main thread went on while the other one checked\n" if $loops;
printf "passed %d of %d pieces: %s\n", scalar keys %passed, $torrent->piece_count,
    $torrent->is_complete ? 'complete' : 'not complete';
