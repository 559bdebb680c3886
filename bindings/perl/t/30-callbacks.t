# Handlers may do anything: die, call back, drop the last reference, answer hooks.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir = workdir();
my $bytes = content(500_000, 'c');
my $file = make_torrent($dir, 'some', 32768, some => $bytes);
my $pieces = 16;
my $seed = client();
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->hashcheck;
my $address = '127.0.0.1:' . $seed->_tcp_port;

# A handler that dies: the caller of do_one_loop gets it, nothing is lost.
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/die"});
    my (@client, @torrent, @died);
    $leech->on_event(piece_hash_pass => sub {
        push @client, $_[1]{Index};
        die {index => $_[1]{Index}} if $_[1]{Index} % 3 == 0;
    });
    $torrent->on_event(piece_hash_pass => sub {
        push @torrent, $_[1]{Index};
        die "no\n" if $_[1]{Index} % 3 == 1;
    });
    $torrent->add_peer($address);
    ok(loop_until(sub {
        local $@ = 'kept';
        eval { $leech->do_one_loop(0.1); 1 } or push @died, $@;
        $torrent->is_complete;
    }), 'complete in spite of it');
    is_deeply([sort { $a <=> $b } @client], [0 .. $pieces - 1], 'every piece was told once');
    is_deeply([sort { $a <=> $b } @torrent], [grep { $_ % 3 } 0 .. $pieces - 1],
        'to the torrent too, unless the client died before');
    is(@died, 11, 'every die arrived');
    is_deeply([sort map { $_->{index} } grep { ref } @died], [sort grep { $_ % 3 == 0 } 0 .. 15],
        'with its object');
    is_deeply([grep { !ref && $_ ne "no\n" } @died], [], 'and its text');
}
# Dying in a check: it goes on.
{
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    my $n = 0;
    $torrent->on_event(piece_hash_pass => sub { die "stop\n" if ++$n == 5 });
    ok(!eval { $torrent->hashcheck; 1 }, 'hashcheck dies');
    is($@, "stop\n", 'with the message');
    ok($torrent->status & CHECKING, 'the check goes on');
    is($torrent->is_complete, undef, 'so it is not known whether it is complete');
    ok(loop_until(sub { !($torrent->status & CHECKING) }, $client), 'and ends in do_one_loop');
    is($n, $pieces, 'every piece was told');
    is($torrent->status, 201, 'checked');
}
# Calling back: saving, looking, adding, looping and checking inside handlers.
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/back",
        Resume => "$dir/back.resume"});
    my ($depth, $deepest, $n, $saved, $checked) = (0, 0, 0, 0, 0);
    $torrent->on_event(piece_hash_pass => sub {
        my ($self) = @_;
        $n++;
        $depth++;
        $deepest = $depth if $depth > $deepest;
        $saved++ if $self->save_resume_data;
        my @said = ($self->as_string(1), $leech->as_string(1));
        $self->peers;
        $self->_wanted;
        $self->add_peer($address);
        $leech->do_one_loop(0) if $n % 4 == 0;
        if ($n == 6) {
            $checked = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir})->hashcheck;
        }
        $depth--;
    });
    $torrent->add_peer($address);
    ok(loop_until(sub { $torrent->is_complete }, $leech), 'complete');
    is($n, $pieces, 'every piece');
    is($saved, $pieces, 'saved in every handler');
    is($checked, 1, 'an orphan was checked in one');
    is($depth, 0, 'all returned');
    ok(-s "$dir/back.resume", 'the file');
    ok(slurp("$dir/back/some") eq $bytes, 'the content');
    # hashcheck inside a handler of the same torrent
    $n = 0;
    my $inner;
    $torrent->on_event(piece_hash_pass => sub { $n++ });
    $leech->_schedule({Time => 0, Code => sub { $inner = $torrent->hashcheck }});
    $leech->do_one_loop(0);
    is($inner, 1, 'hashcheck inside do_one_loop');
    is($n, $pieces, 'told every piece');
}
# The last reference goes away in a handler.
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/last"});
    my $n = 0;
    $torrent->on_event(piece_hash_pass => sub {
        my ($self) = @_;
        return if $n++;
        $leech->remove_torrent($self);
        undef $torrent;
        undef $leech;
    });
    $torrent->add_peer($address);
    my $end = time + LIMIT;
    $leech->do_one_loop(0.1) while $leech && time < $end;
    is($n, 1, 'one call, then nothing is left');
    ok(!defined $leech, 'the client is gone');
}
# The verifier: asked about each piece, believed.
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/verify"});
    my (%asked, @bad, @failed);
    $torrent->on_event(verify_piece => sub {
        my ($self, $args) = @_;
        my $index = $args->{Index};
        $asked{$index}++;
        push @bad, $index if ${$args->{Data}} ne substr $bytes, $index * 32768, 32768;
        return 0 if $index == 3 && $asked{$index} == 1;
        return undef if $index == 4;
        return 1;
    });
    $torrent->on_event(piece_hash_fail => sub { push @failed, $_[1]{Index} });
    $torrent->add_peer($address);
    ok(loop_until(sub { $torrent->is_complete || @failed }, $leech), 'something was refused');
    is_deeply(\@failed, [3], 'the piece refused failed');
    is_deeply(\@bad, [], 'the bytes given were the piece');
    # Its sender is banned by now, as who sends bad pieces is: what was refused once is all that
    # lacks.
    ok(loop_until(sub { keys %asked == $pieces }, $leech), 'every piece was asked about')
        if $torrent->is_complete;
}
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/verify2"});
    my %asked;
    $torrent->on_event(verify_piece => sub { $asked{$_[1]{Index}}++; die "broken\n" });
    $torrent->add_peer($address);
    my $died;
    ok(loop_until(sub { eval { $leech->do_one_loop(0.1); 1 } or $died = $@; $torrent->error }),
        'a verifier that dies stops the torrent');
    is($died, "broken\n", 'and the caller hears of it');
    ok($torrent->status & ERROR, 'status');
    ok(!($torrent->status & STARTED), 'not started');
    is(unpack('%32b*', $torrent->bitfield), 0, 'no piece counts');
}
# The saver: asked by the engine, whenever there is something new.
{
    my $leech = client();
    my $torrent = $leech->add_torrent({Path => $file, BaseDir => "$dir/saver"});
    my ($blob, $n, $refused) = (undef, 0, 0);
    $torrent->on_event(resume_save => sub {
        my ($self, $args) = @_;
        return 0 if !$refused++;
        $n++;
        $blob = $args->{Data};
        return 1;
    });
    $torrent->add_peer($address);
    ok(loop_until(sub { $torrent->is_complete }, $leech), 'complete');
    ok(loop_until(sub { $n }, $leech), 'the saver was asked again after it refused');
    my $before = $n;
    undef $torrent;
    undef $leech;
    cmp_ok($n, '>', $before, 'and at the end');
    spew("$dir/saver.resume", $blob);
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => "$dir/saver",
        Resume => "$dir/saver.resume"});
    is($orphan->is_complete, 1, 'what it got is resume data');
    is($orphan->hashed_pieces, 0, 'that spares hashing');
}
done_testing;
