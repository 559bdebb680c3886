#!/usr/bin/perl
# Downloads a torrent and says everything that happens:
# debug.pl FILE.torrent DIRECTORY [HOST:PORT ..]
use strict;
use warnings;
use Data::Dumper;
use Net::BitTorrent;

my ($file, $directory, @peers) = @ARGV;
die "usage: debug.pl FILE.torrent DIRECTORY [HOST:PORT ...]\n" if !defined $directory;
$| = 1;
$Data::Dumper::Indent = $Data::Dumper::Terse = $Data::Dumper::Sortkeys = $Data::Dumper::Useqq = 1;
$Data::Dumper::Indent = 0;

my $client = Net::BitTorrent->new;
for my $type (qw(
    ip_filter incoming_packet outgoing_packet peer_connect peer_disconnect peer_read peer_write
    tracker_connect tracker_disconnect tracker_read tracker_write tracker_success tracker_failure
    piece_hash_pass piece_hash_fail file_open file_close file_read file_write file_error))
{
    $client->on_event($type => sub {
        my ($self, $args) = @_;
        # Objects say who they are; the rest is shown as it is.
        my %shown = map {
            my $value = $args->{$_};
            ($_ => ref $value && $value->can('as_string') ? $value->as_string : $value)
        } grep { ref $args->{$_} ne 'HASH' } keys %$args;
        $shown{$_} = $args->{$_} for grep { ref $args->{$_} eq 'HASH' } keys %$args;
        printf "%-16s %s\n", $type, Dumper(\%shown);
        return undef;    # for ip_filter: no opinion
    });
}
my $torrent = $client->add_torrent({Path => $file, BaseDir => $directory})
    or die "debug.pl: cannot load $file: $!\n";
print $client->as_string(1), "\n\n", $torrent->as_string(1), "\n\n";
$torrent->hashcheck;
$torrent->start;
$torrent->add_peer($_) for @peers;

until ($torrent->is_complete) {
    $client->do_one_loop(0.25);
    die 'debug.pl: ', $torrent->error, "\n" if defined $torrent->error;
}
for my $connection (grep { $_->{Object}->isa('Net::BitTorrent::Peer') }
    values %{$client->_connections}) {
    print $connection->{Object}->as_string(1), "\n\n";
}
print $torrent->as_string(1), "\n";
