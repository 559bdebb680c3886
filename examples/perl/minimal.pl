# Fetches a torrent and keeps what it has across runs: minimal.pl FILE.torrent DIR [HOST:PORT ..]
use strict;
use warnings;
use Net::BitTorrent;
use Net::BitTorrent::Torrent qw(:status);

my ($file, $dir, @peers) = @ARGV;
my %add     = (Path => $file, BaseDir => $dir, Resume => "$dir/.resume");
my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({%add, Status => START_AFTER_CHECK}) or die "$file: $!\n";
$torrent->hashcheck if $torrent->status & ERROR;    # files changed since the last run
$torrent->on_event(
    piece_hash_pass => sub { print "piece $_[1]{Index}\n"; $_[0]->save_resume_data });
$torrent->add_peer($_) for @peers;
$client->do_one_loop until $torrent->is_complete;
