#!/usr/bin/perl
# Downloads a torrent in a program whose event loop is EV:
# ev.pl FILE.torrent DIRECTORY [HOST:PORT ..]
use strict;
use warnings;
use EV;
use Net::BitTorrent;

my ($file, $directory, @peers) = @ARGV;
die "usage: ev.pl FILE.torrent DIRECTORY [HOST:PORT ...]\n" if !defined $directory;
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "ev.pl: cannot load $file: $!\n";
$client->on_event(piece_hash_pass => sub { print "piece $_[1]{Index}\n" });

my $watcher = EV::io($client->fileno, EV::READ, sub {
    $client->process_events;
    EV::break if $torrent->is_complete || defined $torrent->error;
});
# What else the program does goes on meanwhile.
my $ticks = 0;
my $timer = EV::timer(0.05, 0.05, sub { $ticks++ });

$torrent->add_peer($_) for @peers;
EV::run if !$torrent->is_complete;
die "ev.pl: ", $torrent->error, "\n" if defined $torrent->error;
print "complete\n";
