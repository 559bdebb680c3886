#!/usr/bin/perl
# Downloads a torrent in a program whose event loop is Mojo::IOLoop:
# mojo.pl FILE.torrent DIRECTORY [HOST:PORT ..]
use strict;
use warnings;
use Mojo::IOLoop;
use Net::BitTorrent;

my ($file, $directory, @peers) = @ARGV;
die "usage: mojo.pl FILE.torrent DIRECTORY [HOST:PORT ...]\n" if !defined $directory;
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "mojo.pl: cannot load $file: $!\n";
$client->on_event(piece_hash_pass => sub { print "piece $_[1]{Index}\n" });

my $reactor = Mojo::IOLoop->singleton->reactor;
$reactor->io($client->fh => sub {
    $client->process_events;
    Mojo::IOLoop->stop if $torrent->is_complete || defined $torrent->error;
})->watch($client->fh, 1, 0);

$torrent->add_peer($_) for @peers;
Mojo::IOLoop->start if !$torrent->is_complete;
$reactor->remove($client->fh);
die "mojo.pl: ", $torrent->error, "\n" if defined $torrent->error;
print "complete\n";
