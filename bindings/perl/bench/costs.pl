# What the Perl face costs, on loopback: bench/costs.pl [verify|events|memory|cycles] ...
#
#   verify  MiB/s and CPU of the host's thread with a verify_piece handler and without, pieces of
#           256 KiB (MIB=512)
#   events  piece events and packet events a second through the binding
#   memory  bytes of the process per torrent, in a client and as a Perl object alone (TORRENTS=2000)
#   cycles  resident memory before and after many torrents were added and removed (CYCLES=10000)
#
# Run it after `make`: perl -Mblib bench/costs.pl
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Time::HiRes ();
use TernTest;

alarm 0;
$| = 1;
my %run = (verify => \&verify, events => \&events, memory => \&memory, cycles => \&cycles);
# Each in a process of its own: what one leaves behind does not count for the next.
for my $what (@ARGV ? @ARGV : qw(verify events memory cycles)) {
    my $code = $run{$what} or die "costs.pl: there is no '$what'\n";
    my $pid  = fork // die "fork: $!";
    if (!$pid) {
        $code->();
        exit;
    }
    waitpid $pid, 0;
}

sub resident {
    open my $status, '<', '/proc/self/status' or return 0;
    my ($kib) = map { /\AVmRSS:\s+(\d+)/ ? $1 : () } <$status>;
    return 1024 * $kib;
}

# CPU seconds of this thread, which is the host's; the engine has its own.
sub thread_cpu {
    open my $stat, '<', "/proc/self/task/$$/stat" or return 0;
    my @fields = split ' ', (<$stat> =~ s/\A.*\) //sr);
    return ($fields[11] + $fields[12]) / 100;
}

sub verify {
    my $mib  = $ENV{MIB} // 512;
    my $dir  = workdir();
    my $block = content(1 << 20);
    my $bytes = $block x $mib;
    # Every piece is another.
    substr $bytes, $_ << 18, 4, pack 'N', $_ for 0 .. 4 * $mib - 1;
    my $file = make_torrent($dir, 'big', 1 << 18, big => $bytes);
    undef $bytes;
    # The seed is another process: its CPU is not ours.
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my $seed  = client();
        my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
        $there->hashcheck;
        syswrite $write, $seed->_tcp_port . "\n";
        $seed->do_one_loop(1) while getppid != 1;
        exit;
    }
    my $port = <$read> + 0;
    for my $round (1 .. $ENV{ROUNDS} // 3) {
        for my $hook (0, 1) {
            my $leech = client();
            my $here  = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
            my $asked = 0;
            $here->on_event(verify_piece => sub { $asked++; return length ${$_[1]{Data}} > 0 })
                if $hook;
            my ($start, $cpu) = (Time::HiRes::time(), thread_cpu());
            $here->add_peer("127.0.0.1:$port");
            $leech->do_one_loop(0.25) until $here->is_complete;
            my $took = Time::HiRes::time() - $start;
            printf "verify: %-12s %6.0f MiB/s, host thread %.2f s CPU (%.2f s/GiB), %d questions\n",
                $hook ? 'with handler' : 'without', $mib / $took, thread_cpu() - $cpu,
                (thread_cpu() - $cpu) * 1024 / $mib, $asked;
            $leech->remove_torrent($here);
            unlink "$dir/out/big";
        }
    }
    kill KILL => $pid;
    waitpid $pid, 0;
}

sub events {
    my $dir    = workdir();
    my $pieces = 20_000;
    my $file   = make_torrent($dir, 'many', 1024, many => content(1024 * $pieces));
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    $torrent->hashcheck;
    my $told = 0;
    $torrent->on_event(piece_hash_pass => sub { $told++ });
    my $start = Time::HiRes::time();
    $torrent->hashcheck;
    printf "events: %.0f piece_hash_pass a second, the check included\n",
        $told / (Time::HiRes::time() - $start);
    my $leech = client();
    my $here  = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
    my $n = 0;
    $leech->on_event($_ => sub { $n++ }) for qw(incoming_packet outgoing_packet piece_hash_pass);
    my $cpu = thread_cpu();
    $start = Time::HiRes::time();
    $here->add_peer('127.0.0.1:' . $client->_tcp_port);
    until ($here->is_complete) {
        $_->do_one_loop(0.01) for $leech, $client;
    }
    my $took = Time::HiRes::time() - $start;
    printf "events: %.0f packets and pieces a second in a transfer, %.1f us CPU of the host each\n",
        $n / $took, 1e6 * (thread_cpu() - $cpu) / $n;
}

sub small_torrents {
    my ($dir, $count) = @_;
    return map {
        my $name = "t$_";
        make_torrent($dir, $name, 16384, $name => content(100, $_))
    } 1 .. $count;
}

sub memory {
    my $count = $ENV{TORRENTS} // 2000;
    my $dir   = workdir();
    my @files = small_torrents($dir, $count);
    my $client = client();
    $client->do_one_loop(0);
    my $before = resident();
    $client->add_torrent({Path => $_, BaseDir => "$dir/out"}) for @files;
    $client->do_one_loop(0.1) for 1 .. 20;
    printf "memory: %.1f KiB per torrent in a client, engine included\n",
        (resident() - $before) / 1024 / $count;
    $before = resident();
    my @orphans = map { Net::BitTorrent::Torrent->new({Path => $_, BaseDir => $dir}) } @files;
    printf "memory: %.1f KiB per torrent object alone\n", (resident() - $before) / 1024 / $count;
    $before = resident();
    my @handles = map { $_->_handle->session; $_->_handle } values %{$client->torrents};
    printf "memory: %.0f bytes more per handle that is held\n", (resident() - $before) / $count;
}

sub cycles {
    my $cycles = $ENV{CYCLES} // 10_000;
    my $dir    = workdir();
    my ($file) = small_torrents($dir, 1);
    my $client = client();
    my $start = Time::HiRes::time();
    for my $cycle (1 .. $cycles) {
        my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
        $torrent->on_event(piece_hash_pass => sub { $torrent });
        $torrent->on_event(piece_hash_pass => undef);
        $client->remove_torrent($torrent);
        printf "cycles: %6d after %6.1f s, resident %.1f MiB\n", $cycle,
            Time::HiRes::time() - $start, resident() / (1 << 20)
            if $cycle == 100 || $cycle % ($cycles / 10) == 0;
    }
}
