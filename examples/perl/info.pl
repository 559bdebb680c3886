#!/usr/bin/perl
# Says what is in a .torrent file, and with a directory how much of it is there:
# info.pl FILE.torrent [DIRECTORY]
use strict;
use warnings;
use Net::BitTorrent::Torrent;

my ($file, $directory) = @ARGV;
die "usage: info.pl FILE.torrent [DIRECTORY]\n" if !defined $file;
my $torrent = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $directory // '.'})
    or die "info.pl: cannot load $file: $!\n";
binmode STDOUT, ':encoding(UTF-8)';

my $info = $torrent->raw_data(1)->{info};
printf "%-14s %s\n", @$_ for (
    ['name',         $torrent->name],
    ['infohash',     $torrent->infohash],
    ['size',         $torrent->size . ' bytes'],
    ['pieces',       $torrent->piece_count . " of $info->{'piece length'} bytes"],
    ['private',      $torrent->private ? 'yes' : 'no'],
    ['comment',      $torrent->comment // ''],
    ['created by',   $torrent->created_by // ''],
    ['creation date', $torrent->creation_date ? scalar gmtime $torrent->creation_date : ''],
);
print "trackers\n";
for my $tier (@{$torrent->trackers}) {
    print '  ', join(' | ', map { $_->url } @{$tier->urls}), "\n";
}
print "files\n";
printf "  %12d  %s\n", $_->size, $_->path for @{$torrent->files};
exit if !defined $directory;

$torrent->hashcheck or die 'info.pl: ', $torrent->error // 'not checked', "\n";
printf "here           %d of %d pieces\n", unpack('%32b*', $torrent->bitfield),
    $torrent->piece_count;
printf "  %5.1f%%  %s\n", $_->_percent_complete, $_->path for @{$torrent->files};
