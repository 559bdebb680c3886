#!/usr/bin/perl
# Downloads a torrent and survives kill -9: resume.pl FILE.torrent DIRECTORY RESUME-FILE
# [HOST:PORT ...]
#
# Progress is saved after every piece. Started again, it goes on with what it has: it says how
# much was restored and how much had to be hashed again. Addresses given are connected to besides
# those trackers tell.
use strict;
use warnings;
use Net::BitTorrent;
use Net::BitTorrent::Torrent qw(:status);

my ($file, $directory, $resume, @peers) = @ARGV;
die "usage: resume.pl FILE.torrent DIRECTORY RESUME-FILE [HOST:PORT ...]\n" if !defined $resume;
$| = 1;

# Ctrl-C: leave through exit, so that the client says goodbye and saves for the last time.
my $stop = sub { exit 130 };
@SIG{qw(INT TERM)} = ($stop, $stop);

my $client  = Net::BitTorrent->new;
my $torrent = $client->add_torrent({
    Path    => $file,
    BaseDir => $directory,
    Resume  => $resume,
    Status  => START_AFTER_CHECK,
}) or die "resume.pl: cannot load $file: $!\n";

# Files that changed since the last save: all is checked again.
if ($torrent->status & ERROR) {
    print STDERR 'resume.pl: ', $torrent->error, "\n";
    $torrent->hashcheck;
}
my $total = $torrent->piece_count;
printf "restored %d pieces, hashed %d, of %d\n",
    $torrent->restored_pieces, $torrent->hashed_pieces, $total;

$torrent->on_event(
    piece_hash_pass => sub {
        my ($self) = @_;
        $self->save_resume_data or warn "resume.pl: cannot save: $!\n";
        printf "have %d of %d\n", unpack('%32b*', $self->bitfield), $total;
    }
);
$torrent->add_peer($_) for @peers;

until ($torrent->is_complete) {
    $client->do_one_loop;
    die 'resume.pl: ', $torrent->error, "\n" if defined $torrent->error;
}
print "complete\n";
