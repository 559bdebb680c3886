#!/usr/bin/perl
# Downloads a torrent in a program whose event loop is AnyEvent:
# anyevent.pl FILE.torrent DIRECTORY [HOST:PORT ..]
use strict;
use warnings;
use AnyEvent;
use Net::BitTorrent;

my ($file, $directory, @peers) = @ARGV;
die "usage: anyevent.pl FILE.torrent DIRECTORY [HOST:PORT ...]\n" if !defined $directory;
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "anyevent.pl: cannot load $file: $!\n";
$client->on_event(piece_hash_pass => sub { print "piece $_[1]{Index}\n" });

my $done    = AnyEvent->condvar;
my $watcher = AnyEvent->io(
    fh   => $client->fh,
    poll => 'r',
    cb   => sub {
        $client->process_events;
        $done->croak($torrent->error) if defined $torrent->error;
        $done->send if $torrent->is_complete;
    }
);
# What else the program does goes on meanwhile.
my $ticks = 0;
my $timer = AnyEvent->timer(interval => 0.05, cb => sub { $ticks++ });

$torrent->add_peer($_) for @peers;
$done->recv;
print "complete\n";
