package TernTest;

# What the tests share: content, torrents made of it, clients that listen on loopback only, and
# waiting for a condition. The time limit is only there so that a failing test ends.

use 5.016;
use strict;
use warnings;
use Digest::SHA qw(sha1);
use Exporter 'import';
use File::Path qw(make_path);
use File::Spec;
use File::Temp qw(tempdir);
use POSIX ();
use Time::HiRes ();
use Net::BitTorrent;
use Net::BitTorrent::Util qw(bencode);

our @EXPORT = qw(content make_torrent client loop_until slurp spew workdir program child LIMIT);

use constant LIMIT => 120;

# A test that hangs ends, and so does every process it started: one that stays keeps the pipes of
# the test's own output open, and whoever reads them waits for it.
alarm 5 * LIMIT;
my ($test, @started) = $$;
END {
    local ($?, $!);
    kill KILL => splice @started if $$ == $test;
}

# Started in the background of a script, everything begins with these ignored.
$SIG{$_} = 'DEFAULT' for qw(INT QUIT HUP);

# A forked child that runs $code and ends; its number.
sub child {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        alarm 2 * LIMIT;
        eval { $code->(); 1 } or print {*STDERR} $@;
        POSIX::_exit(0);
    }
    push @started, $pid;
    return $pid;
}

# A program that is run for its output and errors; its number and a handle to read from.
sub program {
    my (@command) = @_;
    my $before = ref $command[0] eq 'CODE' ? shift @command : sub { };
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        alarm 2 * LIMIT;    # it lives on in what is executed
        open STDERR, '>&', \*STDOUT;
        $before->();
        { no warnings 'exec'; exec {$command[0]} @command }
        POSIX::_exit(127);
    }
    push @started, $pid;
    return ($pid, $out);
}

sub workdir { return tempdir('tern-perl-XXXXXX', TMPDIR => 1, CLEANUP => 1) }

sub spew {
    my ($path, $bytes) = @_;
    my (undef, $dir) = File::Spec->splitpath($path);
    make_path($dir) if length $dir && !-d $dir;
    open my $fh, '>:raw', $path or die "$path: $!";
    print {$fh} $bytes;
    close $fh or die "$path: $!";
    return $path;
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<:raw', $path or return;
    local $/;
    return scalar <$fh>;
}

# The same bytes every time, different everywhere.
sub content {
    my ($length, $seed) = @_;
    my $out = '';
    my $n = 0;
    $out .= sha1(($seed // 'x') . $n++) while length $out < $length;
    return substr $out, 0, $length;
}

# make_torrent($dir, $name, $piece_length, file => bytes, ...) writes $dir/$name(/file) and
# $dir/$name.torrent.
sub make_torrent {
    my ($dir, $name, $piece_length, %files) = @_;
    my @names = sort keys %files;
    my $single = @names == 1 && $names[0] eq $name;
    my $all = join '', @files{@names};
    my $pieces = join '', map { sha1(substr $all, $_ * $piece_length, $piece_length) }
        0 .. int((length($all) + $piece_length - 1) / $piece_length) - 1;
    my $info = 'd'
        . ($single
            ? '6:lengthi' . length($all) . 'e'
            : '5:filesl' . join('', map {
                'd6:lengthi' . length($files{$_}) . 'e4:pathl'
                    . join('', map { length($_) . ":$_" } split m{/}) . 'ee'
            } @names) . 'e')
        . '4:name' . length($name) . ":$name"
        . "12:piece lengthi${piece_length}e"
        . '6:pieces' . length($pieces) . ":$pieces" . 'e';
    for (@names) {
        spew($single ? "$dir/$name" : "$dir/$name/$_", $files{$_});
    }
    return spew("$dir/$name.torrent", 'd13:creation datei1234567890e4:info' . $info . 'e');
}

sub client {
    my (%more) = @_;
    return Net::BitTorrent->new({LocalHost => '127.0.0.1', %more});
}

# Loops all clients until the condition holds; false when it never does.
sub loop_until {
    my ($done, @clients) = @_;
    my $end = Time::HiRes::time() + LIMIT;
    until ($done->()) {
        return 0 if Time::HiRes::time() > $end;
        $_->do_one_loop(0.05) for @clients;
    }
    return 1;
}

1;
