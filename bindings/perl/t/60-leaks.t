# Nothing leaks.
use 5.016;
use strict;
use warnings;
use lib 't/lib';
use Test::More;
BEGIN {
    plan skip_all => 'Test::LeakTrace is not here' if !eval { require Test::LeakTrace; 1 };
    Test::LeakTrace->import;
}
use TernTest;

my $dir = workdir();
my $file = make_torrent($dir, 'some', 16384, a => content(30_000), b => content(40_000));
my $raw = slurp($file);

no_leaks_ok { my $m = Tern::Metainfo->parse($raw); my @f = $m->files; $m->name } 'metainfo';
no_leaks_ok {
    local $Tern::error;
    my $m = Tern::Metainfo->parse('x');
    my $e = "$Tern::error";
} 'an error';
no_leaks_ok { my @o = Tern::options() } 'options';
no_leaks_ok { my $v = Tern::View->new(9); $v->set_error('x'); $v->error; $v->missing } 'view';
no_leaks_ok {
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir});
    my $text = $orphan->as_string(1);
} 'an orphan';
no_leaks_ok {
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir});
    $orphan->on_event(piece_hash_pass => sub { my ($self) = @_; $self->bitfield });
    $orphan->hashcheck;
    $orphan->save_resume_data("$dir/leak.resume");
} 'a check and a save';
no_leaks_ok { my $client = client(); $client->do_one_loop(0) } 'a client';
no_leaks_ok {
    my $client = client(RaiseError => 1);
    eval { $client->add_torrent({Path => "$dir/nothing"}) };
    my $text = "$@";
    undef $@;
    $client->_dht->add_node({ip => '127.0.0.1', port => 1}) if $client->_use_dht;
    my @seen = ($client->_dht->nodes, $client->as_string(1), $client->_connections);
    my $code = $client->on(piece_hash_pass => sub { });
    $client->off(piece_hash_pass => $code);
    my $id = $client->_schedule({Time => 0, Code => sub { }, Object => $client});
    $client->_cancel($id);
    $client->shutdown;
} 'errors, jobs, handlers';
no_leaks_ok {
    my $orphan = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => $dir,
        Resume => "$dir/leak.resume"});
    my @seen = ($orphan->resume_data, $orphan->_working_pieces, $orphan->_piece_by_index(0));
    $orphan->_add_tracker(['http://127.0.0.1:9/a', 'udp://127.0.0.1:9']);
    my @told = map { $_->as_string(1) } $orphan, @{$orphan->files}, @{$orphan->trackers},
        map { @{$_->urls} } @{$orphan->trackers};
    $orphan->hashcheck_start(sub { my ($self) = @_; $self->bitfield });
} 'resume data, trackers, a check that is left';
no_leaks_ok {
    my $client = client();
    my $torrent = $client->add($file, $dir);
    $torrent->hashcheck;
    my $state = $client->save_state;
    $client->remove_torrent($torrent);
    undef $torrent;
    $client->load_state($state);
} 'the state of a client';
no_leaks_ok {
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    $torrent->hashcheck;
    $torrent->status;
    $torrent->peers;
    $torrent->_handle->status;
    $client->remove_torrent($torrent);
} 'a torrent in a client';
no_leaks_ok {
    my $client = client();
    my $torrent = $client->add_torrent({Path => $file, BaseDir => $dir});
    $torrent->on_event(piece_hash_pass => sub { die 'x' });
    eval { $torrent->hashcheck };
} 'a die in a handler';
{
    my $seed = client();
    my $there = $seed->add_torrent({Path => $file, BaseDir => $dir});
    $there->hashcheck;
    my $n = 0;
    no_leaks_ok {
        my $leech = client();
        my $torrent = $leech->add_torrent({Path => $file, BaseDir => $dir . '/leak' . $n++});
        $leech->on_event(peer_connect => sub {
            my $p = $_[1]{Peer};
            my @x = ($p->bitfield, $p->as_string(1));
        });
        $leech->on_event($_ => sub { })
            for qw(incoming_packet outgoing_packet peer_read peer_write ip_filter file_open
            file_close file_read file_write tracker_read peer_disconnect piece_hash_pass);
        $torrent->on(verify_piece => sub { 1 });
        $torrent->on(resume_save => sub { 1 });
        $torrent->add_peer('127.0.0.1:' . $seed->_tcp_port);
        loop_until(sub { $torrent->is_complete }, $leech);
    } 'a transfer';
}
done_testing;
