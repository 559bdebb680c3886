# The events of a transfer come in 0.052's order, and handlers see things as of their event.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Protocol qw(:types);

my $dir  = workdir();
my $file = make_torrent($dir, 'some', 32768, some => content(100_000));
my %name = map { (__PACKAGE__->can($_)->() => $_) } qw(HANDSHAKE CHOKE UNCHOKE INTERESTED
    NOT_INTERESTED HAVE BITFIELD REQUEST PIECE HAVE_ALL HAVE_NONE EXTPROTOCOL);
my @types = qw(ip_filter incoming_packet outgoing_packet peer_connect peer_disconnect peer_read
    peer_write piece_hash_pass file_open file_close file_read file_write);
my ($seed, $leech) = (client(), client());
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->hashcheck;
my $here = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
my (%log, %loop, %state, @open, @extended, $loops);
for my $pair (['S', $seed], ['L', $leech]) {
    my ($who, $client) = @$pair;
    for my $type (@types) {
        $client->on_event($type => sub {
            my ($self, $args) = @_;
            my $say = $type eq 'file_open' ? "file_open $args->{Mode}" : $type;
            $say = "$1 " . ($name{$args->{Type}} // 'other')
                if $type =~ /\A(in|out)(?:com|go)ing_packet\z/;
            push @{$log{$who}}, $say;
            $loop{$who}{$say} //= $loops;
            push @extended, [$type, @$args{qw(Payload ID)}]
                if $who eq 'L' && ($args->{Type} // '') eq EXTPROTOCOL;
            push @open, grep { defined $_->mode } @{$args->{Torrent}->files}
                if $type eq 'piece_hash_pass';
            my $peer = $args->{Peer} or return;
            $state{$who}{$say} //= [map { defined $peer->$_ ? 1 : 0 } qw(peerid torrent bitfield)];
            return;
        });
    }
}
$here->add_peer('127.0.0.1:' . $seed->_tcp_port);
$loops = 0;
ok(loop_until(sub { $loops++; $here->is_complete && grep { $_ eq 'in PIECE' } @{$log{L}} },
    $leech, $seed), 'complete');

# The first of each, in order.
sub in_order {
    my ($who, @wanted) = @_;
    my $at = 0;
    for my $step (@wanted) {
        my ($found) = grep { $log{$who}[$_] eq $step } $at .. $#{$log{$who}};
        if (!defined $found) {
            fail("$who: $step comes after what was before it");
            diag "at $at: @{$log{$who}}[0 .. ($#{$log{$who}} < 60 ? $#{$log{$who}} : 60)]";
            return;
        }
        $at = $found + 1;
    }
    pass("$who: @wanted");
}
in_order('L', 'ip_filter', 'out HANDSHAKE', 'peer_write', 'peer_connect', 'peer_read',
    'in HANDSHAKE', 'out HAVE_NONE', 'out EXTPROTOCOL', 'in HAVE_ALL', 'out INTERESTED',
    'in UNCHOKE', 'out REQUEST',
    'in PIECE', 'file_open w', 'file_write', 'file_close', 'file_open r', 'file_read', 'file_close',
    'piece_hash_pass');
in_order('S', 'ip_filter', 'peer_connect', 'peer_read', 'in HANDSHAKE', 'out HANDSHAKE',
    'out HAVE_ALL', 'out EXTPROTOCOL', 'peer_write');
in_order($_, 'in HANDSHAKE', 'in EXTPROTOCOL') for qw(S L);
in_order('S', 'out HAVE_ALL', 'in HAVE_NONE', 'in INTERESTED', 'out UNCHOKE', 'in REQUEST',
    'file_read', 'out PIECE');
{
    my ($out) = grep { $_->[0] eq 'outgoing_packet' } @extended;
    my ($in)  = grep { $_->[0] eq 'incoming_packet' } @extended;
    is($out->[2], 0, 'our extension handshake');
    ok($out->[1]{reqq} && ref $out->[1]{m} && !exists $out->[1]{ID}, 'says what we offer');
    is($in->[1]{ID}, 0, 'that of the peer');
    is($in->[2], undef, 'has its number in the payload');
    ok($in->[1]{reqq} && length $in->[1]{yourip} && length $in->[1]{v}, 'with what it says');
}
is($log{S}[0], 'ip_filter', 'S: the address is asked about first');
is(grep({ $_ eq 'peer_connect' } @{$log{$_}}), 1, "$_: one connection") for qw(S L);
is(grep({ $_ eq 'piece_hash_pass' } @{$log{L}}), 4, 'L: four pieces');
# Within what belongs to one piece.
{
    my $files = join ' ', grep { /\A(?:file|piece)/ } @{$log{L}};
    like($files, qr/file_open r (?:file_read )+file_close (?:piece_hash_pass ?)+\z/,
        'a piece is read, its file closed, then it passes') or diag $files;
    is_deeply(\@open, [], 'no file is open when a piece passes');
}
is_deeply($state{S}{peer_connect}, [0, 0, 0], 'S: at first nobody knows who it is');
is_deeply($state{S}{peer_read},    [0, 0, 0], 'S: nor when its first bytes are read');
is_deeply($state{S}{'in HANDSHAKE'}, [1, 1, 1], 'S: its handshake says it');
is_deeply($state{L}{peer_read},    [0, 1, 0], 'L: we know the torrent, not yet who it is');
is_deeply($state{L}{'in HANDSHAKE'}, [1, 1, 1], 'L: its handshake says it');
cmp_ok($loop{S}{'in HANDSHAKE'}, '>', $loop{S}{peer_read},
    'the packets of who connects are told one loop later');

# A filter that refuses.
{
    my ($door, $knock) = (client(), client());
    my $inside = $door->add_torrent({Path => $file, BaseDir => $dir});
    $inside->hashcheck;
    my (@asked, $connected, @gone);
    $door->on_event(ip_filter => sub { push @asked, $_[1]{Address}; 0 });
    $door->on_event(peer_connect => sub { $connected++ });
    my $outside = $knock->add_torrent({Path => $file, BaseDir => "$dir/filtered"});
    $outside->add_peer('127.0.0.1:' . $door->_tcp_port);
    ok(loop_until(sub { @asked }, $door, $knock), 'who connects is asked about');
    $_->do_one_loop(0.1) for ($door, $knock) x 3;
    is($connected, undef, 'and is not let in');
    is($outside->downloaded, 0, 'nothing was sent');
    $knock->on_event(ip_filter => sub { 0 });
    is($outside->add_peer('127.0.0.1:1'), undef, 'nor is who was refused connected to');
    is(Net::BitTorrent::Peer->new({Address => '127.0.0.1:1', Torrent => $outside}), undef,
        'in no way');
    my $n = @asked;
    $door->on_event(ip_filter => undef);
    $knock->on_event(ip_filter => undef);
    ok(loop_until(
        sub {
            $outside->is_complete || !$outside->add_peer('127.0.0.1:' . $door->_tcp_port);
        }, $knock, $door), 'without a filter it may');
    is(@asked, $n, 'and nobody is asked');
}
# Forced encryption, which there is not.
{
    my $client  = client();
    is($client->_encryption_mode, 1, 'the default mode');
    is($client->_set_encryption_mode(2), 2, 'forced');
    is($client->_encryption_mode, 2, 'is kept');
    my $torrent = $client->add_torrent({Path => $file, BaseDir => "$dir/forced"});
    my @warn;
    local $SIG{__WARN__} = sub { push @warn, @_ };
    is($torrent->add_peer('127.0.0.1:' . $seed->_tcp_port), undef, 'no peer is connected to');
    like("@warn", qr/ncryption/, 'and it says why');
    ok($!{EPROTONOSUPPORT}, '$!');
    is($client->_set_encryption_mode(3), undef, 'no such mode');
}
done_testing;
