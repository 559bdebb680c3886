# Resume data: restored without hashing, refused when a file changed, the scripts of 0.052.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir = workdir();
my %files = ('a.bin' => content(100_000, 'a'), 'b.bin' => content(200_000, 'b'));
my $file = make_torrent($dir, 'some', 32768, %files);
my $pieces = 10;

# An orphan: check, save, load.
{
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir});
    is($orphan->status, 64, 'orphan');
    is($orphan->save_resume_data, undef, 'no path to save to');
    is($orphan->resume_path, undef, 'no resume path');
    my @pass;
    $orphan->on_event(piece_hash_pass => sub { push @pass, $_[1]{Index} });
    is($orphan->hashcheck, 1, 'hashcheck');
    is(@pass, $pieces, 'all pieces passed');
    is($orphan->status, 72, 'checked');
    is($orphan->is_complete, 1, 'complete');
    ok($orphan->save_resume_data("$dir/orphan.resume"), 'saved');
    ok(-s "$dir/orphan.resume", 'a file');
    is_deeply([glob "$dir/*.tmp"], [], 'no temporary file is left');
    is($orphan->save_resume_data("$dir/nowhere/x"), undef, 'a directory that is not there');
    ok($!{ENOENT}, 'and $! says so') or diag $!;
}
{
    my $orphan = Net::BitTorrent::Torrent->new(
        {Path => $file, BaseDir => $dir, Resume => "$dir/orphan.resume"});
    is($orphan->status, 72, 'restored');
    is($orphan->is_complete, 1, 'complete');
    is($orphan->restored_pieces, $pieces, 'all pieces restored');
    is($orphan->hashed_pieces, 0, 'none hashed');
    is($orphan->resume_path, "$dir/orphan.resume", 'resume path');
}
# In a client: not started unless asked for.
{
    my $client = client();
    my $torrent = $client->add_torrent(
        {Path => $file, BaseDir => $dir, Resume => "$dir/orphan.resume"});
    is($torrent->status, 200, 'restored, not started');
    $torrent->hashcheck;
    is($torrent->status, 201, 'hashcheck starts it');
    $client->remove_torrent($torrent);
    is($torrent->status, 200, 'removed');
    $torrent = $client->add_torrent({Path => $file, BaseDir => $dir,
        Resume => "$dir/orphan.resume", Status => START_AFTER_CHECK});
    is($torrent->status, 201, 'restored and started');
    ok($torrent->save_resume_data, 'saved again');
}
# The documented rule: a file that changed invalidates everything.
{
    my $old = (stat "$dir/some/a.bin")[9];
    utime $old - 10, $old - 10, "$dir/some/a.bin";
    my $orphan = Net::BitTorrent::Torrent->new(
        {Path => $file, BaseDir => $dir, Resume => "$dir/orphan.resume"});
    is($orphan->status, 64 + ERROR + START_AFTER_CHECK, 'refused');
    is($orphan->error, 'Bad resume data. Please hashcheck.', 'error');
    is(unpack('%32b*', $orphan->bitfield), 0, 'nothing counts');

    my $client = client();
    my @pass;
    $client->on_event(piece_hash_pass => sub { push @pass, $_[1]{Index} });
    my $torrent = $client->add_torrent(
        {Path => $file, BaseDir => $dir, Resume => "$dir/orphan.resume"});
    is($torrent->status, 192 + ERROR + START_AFTER_CHECK, 'refused in a client');
    $client->do_one_loop(0.1) for 1 .. 5;
    is_deeply(\@pass, [], 'no piece is told before hashcheck');
    is($torrent->is_complete, 0, 'nor had');
    is($torrent->hashcheck, 1, 'hashcheck');
    is_deeply([sort { $a <=> $b } @pass], [0 .. $pieces - 1], 'every piece');
    is($torrent->error, undef, 'no error any more');
    is($torrent->status, 201, 'and started');
    ok($torrent->save_resume_data, 'saved');
}
{
    my $orphan = Net::BitTorrent::Torrent->new(
        {Path => $file, BaseDir => $dir, Resume => "$dir/orphan.resume"});
    is($orphan->status, 72, 'good again');
}
# Other files.
{
    my $client = client();
    my $torrent = $client->add_torrent(
        {Path => $file, BaseDir => "$dir/none", Resume => "$dir/absent.resume"});
    is($torrent->status, 193, 'no resume file: a fresh torrent');
    $client->remove_torrent($torrent);
    spew("$dir/empty.resume", '');
    $torrent = $client->add_torrent(
        {Path => $file, BaseDir => "$dir/none", Resume => "$dir/empty.resume"});
    is($torrent->status, 193, 'an empty one: the same');
    $client->remove_torrent($torrent);
    spew("$dir/other.resume", 'd7:.format20:Somebody else resumee');
    $torrent = $client->add_torrent(
        {Path => $file, BaseDir => $dir, Resume => "$dir/other.resume"});
    is($torrent->status, 192, 'another format: ignored, not started');
    is($torrent->error, undef, 'no error');
    $torrent->hashcheck;
    is($torrent->status, 201, 'hashcheck checks and starts');
    is($torrent->is_complete, 1, 'all is there');
}

# Content that cannot be read: an error, not a wait without end.
{
    my $client = client();
    mkdir "$dir/wrong" and mkdir "$dir/wrong/some" and mkdir "$dir/wrong/some/a.bin";
    my $torrent = $client->add_torrent({Path => $file, BaseDir => "$dir/wrong"});
    my @errors;
    $torrent->on_event(file_error => sub { push @errors, $_[1] });
    is($torrent->hashcheck, 1, 'a directory where a file should be: nothing is there');
    is(unpack('%32b*', $torrent->bitfield), 0, 'no piece');
    is($torrent->hashcheck, undef, 'but when every piece is read');
    ok(length($torrent->error // ''), 'is an error');
    ok($torrent->status & ERROR, 'in the status too');
    isa_ok($errors[0]{File}, 'Net::BitTorrent::Torrent::File');
    ok(length $errors[0]{Message}, 'with a message');
    is($torrent->hashcheck, undef, 'and so the next time');
    is($torrent->status & CHECKING, 0, 'and is over');
    rmdir "$dir/wrong/some/a.bin";
    spew("$dir/wrong/some/$_", $files{$_}) for keys %files;
    is($torrent->hashcheck, 1, 'once it is repaired it can be checked');
    is($torrent->is_complete, 1, 'and is complete');
}

# Killed with -9 in the middle.
my $seed = client(upload_limit => 600_000);
my $big = content(3_000_000, 'big');
my $big_file = make_torrent($dir, 'big', 65536, big => $big);
my $there = $seed->add_torrent({Path => $big_file, BaseDir => $dir});
$there->hashcheck;
is($there->is_complete, 1, 'the seed has it all');
my $address = '127.0.0.1:' . $seed->_tcp_port;
my $script = '../../examples/perl/resume.pl';
my @command = ($^X, '-Iblib/lib', '-Iblib/arch', $script, $big_file, "$dir/out",
    "$dir/big.resume", $address);

sub run_until {
    my ($share) = @_;
    my ($pid, $out) = program(@command);
    my %seen = (have => 0);
    while (my $line = <$out>) {
        @seen{qw(restored hashed total)} = ($1, $2, $3)
            if $line =~ /^restored (\d+) pieces, hashed (\d+), of (\d+)$/;
        $seen{have} = $1 if $line =~ /^have (\d+) of/;
        $seen{complete} = 1 if $line =~ /^complete$/;
        if (defined $share && $seen{have} >= $share) {
            kill KILL => $pid;
            last;
        }
    }
    close $out;
    $seen{status} = $?;
    return \%seen;
}
SKIP: {
    skip 'the script is not here', 10 if !-f $script;
    my $first = run_until(15);
    is($first->{restored}, 0, 'nothing to restore at first');
    is($first->{status}, 9, 'killed');
    ok(-s "$dir/big.resume", 'it saved');
    my $second = run_until(30);
    cmp_ok($second->{restored}, '>=', 15, 'pieces were restored');
    # Usually next to none. But what was written between the last save and the kill makes the file
    # newer, and without a journal any piece that is not saved may have become complete by then.
    cmp_ok($second->{hashed}, '<=', $second->{total} - $second->{restored},
        'nothing that is restored is hashed');
    cmp_ok($second->{hashed}, '<=', $second->{total} - 15, 'nor what was saved');
    my $third = run_until();
    cmp_ok($third->{restored}, '>=', 30, 'more were restored');
    is($third->{complete}, 1, 'complete');
    is($third->{status}, 0, 'exit code');
    ok(slurp("$dir/out/big") eq $big, 'the content is right');
}

# Saved once, then more was written, then killed: that is no change by somebody else.
{
    my $once = <<'END';
        my ($file, $dir, $resume, $address) = @ARGV;
        my $client = Net::BitTorrent->new({LocalHost => '127.0.0.1'});
        my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir, Resume => $resume});
        my $n = 0;
        $| = 1;
        $torrent->on_event(piece_hash_pass => sub {
            $_[0]->save_resume_data if ++$n == 10;
            print "$n\n";
        });
        $torrent->add_peer($address);
        $client->do_one_loop while 1;
END
    my ($pid, $out) = program($^X, '-Iblib/lib', '-Iblib/arch', '-MNet::BitTorrent',
        '-e', $once, $big_file, "$dir/out2", "$dir/big2.resume", $address);
    while (my $n = <$out>) {
        next if $n !~ /\A[0-9]+\Z/ || $n < 20;
        kill KILL => $pid;
        last;
    }
    close $out;
    my $client = client();
    my $torrent = $client->add_torrent({Path => $big_file, BaseDir => "$dir/out2",
        Resume => "$dir/big2.resume"});
    is($torrent->error, undef, 'our own writes after the last save are no reason to refuse it');
    cmp_ok($torrent->restored_pieces, '>=', 10, 'what was saved is restored');
    $client->remove_torrent($torrent);
    # After an orderly end they are.
    $torrent = $client->add_torrent({Path => $big_file, BaseDir => "$dir/out2",
        Resume => "$dir/big2.resume", Status => START_AFTER_CHECK});
    ok($torrent->save_resume_data, 'saved');
    undef $torrent;
    undef $client;
    my $again = Net::BitTorrent::Torrent->new({Path => $big_file, BaseDir => "$dir/out2",
        Resume => "$dir/big2.resume"});
    is($again->error, undef, 'nothing differs');
    cmp_ok($again->restored_pieces, '>=', 10, 'all is restored');
    is($again->hashed_pieces, 0, 'nothing is hashed');
    undef $again;
    open my $fh, '+<', "$dir/out2/big" or die $!;
    syswrite $fh, 'x';
    close $fh;
    my $orphan = Net::BitTorrent::Torrent->new({Path => $big_file, BaseDir => "$dir/out2",
        Resume => "$dir/big2.resume"});
    is($orphan->error, 'Bad resume data. Please hashcheck.', 'a later change is found');
}
done_testing;
