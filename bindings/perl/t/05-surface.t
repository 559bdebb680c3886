# Every class, method, function, constant, tag and event of data/surface.tsv is there, and every
# event happens with exactly its keys.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use TernTest;
use Net::BitTorrent::Protocol qw(:types);
use Net::BitTorrent::Util qw(bencode);

my (@rows, %seen);
open my $table, '<', 't/data/surface.tsv' or die "surface.tsv: $!";
while (my $line = <$table>) {
    chomp $line;
    next if $line =~ /\A#/;
    my ($class, $kind, $name, $detail) = split /\t/, $line, -1;
    push @rows, {class => $class, kind => $kind, name => $name, detail => $detail};
    ok(!$seen{"$class $kind $name"}++, "$class $name is listed once") or last;
}
close $table;
for my $row (@rows) {
    my ($class, $kind, $name, $detail) = @$row{qw(class kind name detail)};
    next if $kind eq 'event';
    eval "require $class; 1" or die $@;
    if ($kind eq 'constant' && $name =~ /\A\$(.*)/) {
        no strict 'refs';
        is(${"${class}::$1"}, $detail, "$class $name");
    }
    elsif ($kind eq 'constant') {
        my $code = $class->can($name);
        is($code ? $code->() : undef, $detail, "$class $name");
    }
    elsif ($kind eq 'tag') {
        my $package = "Import" . ++$seen{import};
        ok(eval "package $package; $class->import(':$name'); 1", "$class :$name") or diag $@;
        my @missing = grep { !$package->can($_) } split ' ', $detail;
        is("@missing", '', 'brings what it should');
    }
    else {
        ok($class->can($name), "$class $name");
    }
}

# What a class has and the table does not know.
my %known = map { ("$_->{class} $_->{name}" => 1) } @rows;
my %helpers = map { ($_ => 1) } qw(import carp croak blessed weaken looks_like_number shuffle
    bdecode bencode compact uncompact flock);
for my $class (sort keys %{{map { ($_->{class} => 1) } @rows}}) {
    no strict 'refs';
    my @more = grep {
        /\A[a-z]/ && defined &{"${class}::$_"} && !$known{"$class $_"} && !$helpers{$_}
    } sort keys %{"${class}::"};
    is("@more", '', "$class has no public method that is not in the table");
}

# ---- Events: all of them, in one transfer with a tracker -----------------------------------------

my $dir = workdir();
my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0)
    or die "listen: $@";
my $url = 'http://127.0.0.1:' . $listen->sockport . '/announce';
child(sub {
    while (my $socket = $listen->accept) {
        my $request = '';
        1 while $request !~ /\r\n\r\n/ && sysread $socket, $request, 4096, length $request;
        my $body = $request =~ /refuse/ ? 'd14:failure reason2:noe'
            : bencode({complete => 1, incomplete => 0, interval => 1800, peers => ''});
        print {$socket} "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
        close $socket;
    }
});
my %files = (a => content(50_000, 'a'), b => content(60_000, 'b'));
my $file  = make_torrent($dir, 'some', 16384, %files);
my %events = map { ($_->{name} => $_->{detail}) } grep { $_->{kind} eq 'event' } @rows;
my (%told, %args);

sub listen_to {
    my ($object, $who) = @_;
    for my $type (grep { $events{$_} =~ /\A(?:\Q$who\E|both):/ } sort keys %events) {
        next if $type eq 'verify_piece' || $type eq 'resume_save';
        $object->on_event($type => sub {
            my ($self, $args) = @_;
            $told{$who}{$type}++;
            push @{$args{$type}}, {%$args};
            is(0 + $self, 0 + $object, "$type gets its object") if $told{$who}{$type} == 1;
            return undef;
        });
    }
}
my $seed  = client();
my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
$there->hashcheck;
listen_to($seed, 'client');
my $leech = client();
listen_to($leech, 'client');
# One piece is damaged on this side, so that a check finds it.
spew("$dir/out/some/a", substr($files{a}, 0, 16384) . "\0" x (50_000 - 16384));
my $here = $leech->add_torrent({Path => $file, BaseDir => "$dir/out"});
listen_to($here, 'torrent');
for my $type ('verify_piece', 'resume_save') {
    $here->on_event($type => sub { $told{torrent}{$type}++; push @{$args{$type}}, $_[1]; 1 });
}
$here->hashcheck;
$here->_add_tracker([$url]);
$here->_add_tracker(["$url?refuse"]);
ok(loop_until(sub { $told{client}{tracker_success} && $told{client}{tracker_read} }, $leech),
    'the tracker answered');
ok($here->add_peer('127.0.0.1:' . $seed->_tcp_port), 'a peer');
ok(loop_until(sub { $here->is_complete }, $leech, $seed), 'complete');
$leech->_engine->session->apply({announce_all_tiers => 1});
ok(loop_until(sub { $told{client}{tracker_failure} }, $leech, $seed), 'the other tracker refused');
$leech->remove_torrent($here);
ok(loop_until(sub { $told{client}{peer_disconnect} }, $leech, $seed), 'the peers parted');
{
    # Content that cannot be read.
    mkdir "$dir/wrong";
    mkdir "$dir/wrong/some";
    mkdir "$dir/wrong/some/a";
    my $broken = client();
    listen_to($broken, 'client');
    my $torrent = $broken->add_torrent({Path => $file, BaseDir => "$dir/wrong"});
    listen_to($torrent, 'torrent');
    $torrent->hashcheck for 1 .. 2;
    $broken->do_one_loop(0.1);
}
{
    my $linked  = client();
    listen_to($linked, 'client');
    my $torrent = $linked->add($there->magnet, "$dir/linked");
    listen_to($torrent, 'torrent');
    $torrent->add_peer('127.0.0.1:' . $seed->_tcp_port);
    ok(loop_until(sub { $torrent->is_complete }, $linked, $seed), 'a magnet link');
}
for my $type (sort keys %events) {
    my ($who, $keys) = $events{$type} =~ /\A(\w+): (.*)\z/;
    my @must = grep { !/\A\[/ } split ' ', $keys;
    my %may  = map { (s/[\[\]]//gr => 1) } split ' ', $keys;
    ok($told{client}{$type},  "$type came to the client")  if $who ne 'torrent';
    ok($told{torrent}{$type}, "$type came to the torrent") if $who ne 'client';
    for my $args (@{$args{$type}}) {
        my @missing = grep { !exists $args->{$_} } @must;
        my @strange = grep { !$may{$_} } sort keys %$args;
        next if !@missing && !@strange;
        is("@missing; @strange", '; ', "the keys of $type");
        last;
    }
    my %class = (Peer => 'Net::BitTorrent::Peer', Torrent => 'Net::BitTorrent::Torrent',
        File => 'Net::BitTorrent::Torrent::File');
    for my $key (grep { $class{$_} } @must) {
        my @other = grep { ref $_->{$key} ne $class{$key} } @{$args{$type}};
        is(@other, 0, "$key of $type is a $class{$key}");
    }
}
like($_->{Length}, qr/\A[0-9]+\z/, 'a length') for map { $args{$_}[0] }
    qw(peer_read peer_write tracker_read tracker_write file_read file_write);
is_deeply([sort { $a cmp $b } keys %{{map { ($_->{Mode} => 1) } @{$args{file_open}}}}], ['r', 'w'],
    'files were opened to read and to write');
is(grep({ $_->{Address} eq '127.0.0.1:' . $seed->_tcp_port } @{$args{ip_filter}}), 2,
    'both who connected were asked about the address once');
my %payload;
for my $packet (@{$args{incoming_packet}}) {
    push @{$payload{$packet->{Type}}}, join ' ', sort keys %{$packet->{Payload}};
}
is($payload{+HANDSHAKE}[0], 'Infohash PeerID Reserved', 'HANDSHAKE');
is($payload{+REQUEST}[0], 'Index Length Offset', 'REQUEST');
is($payload{+PIECE}[0],   'Index Length Offset', 'PIECE');
is($payload{+HAVE_ALL}[0], '', 'HAVE_ALL');
like($payload{+EXTPROTOCOL}[0], qr/\AID m .*\breqq\b.*\bv\b/, 'EXTPROTOCOL');
done_testing;
