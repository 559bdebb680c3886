#!/usr/bin/perl
# Downloads a torrent: basic.pl FILE.torrent [DIRECTORY]
use strict;
use warnings;
use Net::BitTorrent;

my ($file, $directory) = @ARGV;
die "usage: basic.pl FILE.torrent [DIRECTORY]\n" if !defined $file;
my $client  = Net::BitTorrent->new({LocalPort => [6881 .. 6889, 0]});
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory // '.'})
    or die "basic.pl: cannot load $file: $!\n";
$client->on_event(piece_hash_pass => sub { print "piece $_[1]{Index}\n" });
until ($torrent->is_complete) {
    $client->do_one_loop;
    die 'basic.pl: ', $torrent->error, "\n" if defined $torrent->error;
}
print "complete\n";
