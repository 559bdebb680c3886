#!/usr/bin/perl
# A client for the terminal: console.pl [OPTIONS] FILE.torrent ...
#
#   --port N           listen on this port (default: any)
#   --directory DIR    where the content goes (default: here)
#   --resume DIR       where progress is kept (default: DIR of the content)
#   --peer HOST:PORT   connect to this peer too; may be repeated
#   --options NAME=N   a setting of the client or of every torrent, as _set_NAME; may be repeated
#   --seed             go on when everything is here
#   --quiet            no line for every piece
#
# Ctrl-C once shows how things are, twice within three seconds ends.
use strict;
use warnings;
use Getopt::Long;
use File::Basename qw(basename);
use Net::BitTorrent;
use Net::BitTorrent::Torrent qw(:status);

my %opt = (port => 0, directory => '.');
GetOptions(\%opt, qw(port=i directory=s resume=s peer=s@ options=s@ seed quiet)) && @ARGV
    or die "usage: console.pl [--port N] [--directory DIR] [--peer HOST:PORT] FILE.torrent ...\n";
$| = 1;

my $client = Net::BitTorrent->new({LocalPort => $opt{port}})
    or die "console.pl: cannot start: $^E\n";
my @torrents;
for my $file (@ARGV) {
    my $resume  = ($opt{resume} // $opt{directory}) . '/.' . basename($file) . '.resume';
    my $torrent = $client->add_torrent({
        Path    => $file,
        BaseDir => $opt{directory},
        Resume  => $resume,
        Status  => START_AFTER_CHECK,
    }) or do { warn "console.pl: cannot load $file: $^E\n"; next };
    push @torrents, $torrent;
}
die "console.pl: nothing to do\n" if !@torrents;

for my $option (@{$opt{options} || []}) {
    my ($name, $value) = split /=/, $option, 2;
    my $set  = "_set_$name";
    my @able = grep { $_->can($set) } $client, @torrents;
    warn "console.pl: there is no setting '$name'\n" if !@able;
    $_->$set($value) for @able;
}

# Saved at the end, and with every piece; the client does its last save by itself when it goes.
END { defined && $_->save_resume_data for @torrents }
$client->on_event(piece_hash_pass => sub {
    my ($self, $args) = @_;
    my $torrent = $args->{Torrent};
    $torrent->save_resume_data;
    printf "%s: piece %d, %.1f%%\n", $torrent->name, $args->{Index}, 100 * $torrent->progress
        if !$opt{quiet};
});
$client->on_event(tracker_failure => sub {
    my ($self, $args) = @_;
    printf "tracker %s: %s\n", $args->{Tracker}->url, $args->{Reason};
});
$client->on_event(file_error => sub {
    my ($self, $args) = @_;
    printf "%s: %s\n", $args->{File}->path, $args->{Message};
});

my $last = 0;
$SIG{INT} = sub {
    exit 130 if time - $last < 3;
    $last = time;
    print map { $_->as_string(1) . "\n\n" } $client, @torrents;
};
$SIG{TERM} = sub { exit 143 };

for my $torrent (@torrents) {
    $torrent->status & CHECKED or $torrent->hashcheck;
    $torrent->add_peer($_) for @{$opt{peer} || []};
}
while ($opt{seed} || grep { !$_->is_complete } @torrents) {
    $client->do_one_loop(0.25);
    my ($broken) = grep { defined $_->error } @torrents;
    die 'console.pl: ', $broken->name, ': ', $broken->error, "\n" if $broken;
}
print "complete\n";
