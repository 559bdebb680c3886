#!/usr/bin/perl
# Downloads a torrent in a program whose event loop is IO::Async:
# io_async.pl FILE.torrent DIRECTORY [HOST:PORT ..]
use strict;
use warnings;
use IO::Async::Loop;
use Net::BitTorrent;

my ($file, $directory, @peers) = @ARGV;
die "usage: io_async.pl FILE.torrent DIRECTORY [HOST:PORT ...]\n" if !defined $directory;
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "io_async.pl: cannot load $file: $!\n";
$client->on_event(piece_hash_pass => sub { print "piece $_[1]{Index}\n" });

my $loop = IO::Async::Loop->new;
$loop->watch_io(
    handle        => $client->fh,
    on_read_ready => sub {
        $client->process_events;
        $loop->stop if $torrent->is_complete || defined $torrent->error;
    }
);
$torrent->add_peer($_) for @peers;
$loop->run if !$torrent->is_complete;
$loop->unwatch_io(handle => $client->fh, on_read_ready => 1);
die "io_async.pl: ", $torrent->error, "\n" if defined $torrent->error;
print "complete\n";
