package Net::BitTorrent::Torrent::Events;

# What the engine's events do to a torrent, and which handlers they call. Private.
#
# A torrent's view changes when an event is dispatched, not when the engine queued it, and before
# its handlers run. Everything that has to be done after a handler is an event of its own, put at
# the head of the queue: a handler that dies loses nothing. Deliberately absent: the queue itself
# (Net::BitTorrent::Engine).

use 5.016;
use strict;
use warnings;
use Tern qw(:constants);
use Net::BitTorrent::Emitter;
use Net::BitTorrent::Peer;
use Net::BitTorrent::Torrent::Magnet;
use Net::BitTorrent::Torrent::Saved;
use Net::BitTorrent::Torrent::Status qw(:all);

our $VERSION = '0.100';

# Our own events: the end of a check, a peer's handshake, anything that is only to be told. Those of
# the engine are positive.
use constant {
    CHECK_END => -100,
    GREETED   => -101,
    TELL      => -102,
};

# The engine asks only when somebody is there to answer.
sub apply_hooks {
    my ($s) = @_;
    my $handle = $s->{handle} or return;
    my $verify = Net::BitTorrent::Emitter::listens($s, 'verify_piece') ? 1 : 0;
    if ($verify != ($s->{verifying} // 0)) {
        $handle->set_verify_hook($verify ? TERN_HOOK_QUEUED : TERN_HOOK_NONE);
        $s->{verifying} = $verify;
    }
    $handle->set_save_policy(
        Net::BitTorrent::Emitter::listens($s, 'resume_save')
        ? TERN_SAVE_ON_PIECE | TERN_SAVE_ON_STATE | TERN_SAVE_AT_CLOSE
        : 0);
}

my %DISPATCH = (
    TERN_EVENT_PIECE_PASSED()      => \&_on_passed,
    TERN_EVENT_PIECE_FAILED()      => \&_on_failed,
    TERN_EVENT_CHECKED()           => \&_on_checked,
    TERN_EVENT_STATE()             => \&_on_state,
    TERN_EVENT_METADATA()          => \&_on_metadata,
    TERN_EVENT_METADATA_FAILED()   => \&_on_defect,
    CHECK_END()                    => \&_on_check_end,
    GREETED()                      => \&_on_greeted,
    TELL()                         => \&_on_tell,
    TERN_EVENT_RECEIVED()          => \&_on_bytes,
    TERN_EVENT_SENT()              => \&_on_bytes,
    TERN_EVENT_FILE_READ()         => \&_on_file,
    TERN_EVENT_FILE_WRITTEN()      => \&_on_file,
    TERN_EVENT_TRACKER_TRAFFIC()   => \&_on_tracker_traffic,
    TERN_EVENT_PEER_CONNECTED()    => \&_on_peer,
    TERN_EVENT_PEER_DISCONNECTED() => \&_on_peer_gone,
    TERN_EVENT_TRACKER_ANNOUNCE()  => \&_on_tracker,
    TERN_EVENT_TRACKER_REPLY()     => \&_on_tracker,
    TERN_EVENT_TRACKER_FAILED()    => \&_on_tracker,
    TERN_EVENT_TRACKER_SCRAPED()   => \&_on_counts,
    TERN_EVENT_STORAGE_FAILED()    => \&_on_storage_failed,
    TERN_EVENT_VERIFIER_FAILED()   => \&_on_defect,
    TERN_EVENT_FATAL()             => \&_on_defect,
    TERN_EVENT_VERIFY_REQUEST()    => \&_on_verify,
    TERN_EVENT_SAVE_REQUEST()      => \&_on_save,
    TERN_EVENT_MESSAGE_IN()        => \&_on_message,
    TERN_EVENT_MESSAGE_OUT()       => \&_on_message,
);

sub dispatch {
    my ($object, $s, $event, $engine) = @_;
    if (!$s->{handle}) {
        # On its way out of the engine: only its peers are still told.
        $engine->session->request_complete($event->{token}, TERN_VERDICT_PASS)
            if Net::BitTorrent::Engine::is_request($event);
        return if $event->{kind} != TERN_EVENT_PEER_DISCONNECTED && $event->{kind} != TELL;
    }
    if ($s->{held} && !Net::BitTorrent::Engine::is_request($event)) {
        push @{$s->{held}}, $event;
        return;
    }
    my $code = $DISPATCH{$event->{kind}} or return;
    return $code->($object, $s, $event);
}

sub _on_passed {
    my ($object, $s, $event) = @_;
    my $piece = $event->{piece};
    return if $s->{view}->piece($piece) || _close_first($object, $s, $event);
    return if $s->{view}->set_piece($piece, 1);    # told before
    $object->_event('piece_hash_pass', {Torrent => $object, Index => $piece});
}

sub _on_failed {
    my ($object, $s, $event) = @_;
    my $piece = $event->{piece};
    return if _close_first($object, $s, $event);
    return if $s->{checking} && $s->{checking}{failed}{$piece}++;
    $s->{view}->set_piece($piece, 0);
    $object->_event('piece_hash_fail', {Torrent => $object, Index => $piece});
}

# A check is complete. Under hashcheck every piece is told: those the engine had no reason to
# mention become events at the head of the queue, and then the end.
sub _on_checked {
    my ($object, $s, $event) = @_;
    $s->{loaded} = 1;
    @$s{qw(restored hashed)} = @$event{qw(c b)};
    # Another thread has begun it.
    $s->{checking} = {failed => {}} if !$s->{checking} && $s->{view}->status & CHECKING;
    if (!$s->{checking}) {
        $s->{view}->change(CHECKED, 0) if $event->{b} || $event->{c};
        $s->{view}->checks(1);
        return;
    }
    my $have = Net::BitTorrent::Torrent::Saved::lsb($s->{handle}->bitfield, $s->{pieces});
    my $id   = $event->{torrent};
    my @rest;
    for my $piece (0 .. $s->{pieces} - 1) {
        if (vec $have, $piece, 1) {
            push @rest, {kind => TERN_EVENT_PIECE_PASSED, torrent => $id, piece => $piece}
                if !$s->{view}->piece($piece);
        }
        elsif (!$s->{checking}{failed}{$piece}) {
            push @rest, {kind => TERN_EVENT_PIECE_FAILED, torrent => $id, piece => $piece};
        }
    }
    unshift @{$s->{engine}{events}}, @rest, {kind => CHECK_END, torrent => $id};
}

sub _on_check_end {
    my ($object, $s) = @_;
    my $view = $s->{view};
    my $told = delete $s->{checking};
    my $start = $view->status & START_AFTER_CHECK || delete $s->{start_pending};
    $view->change(CHECKED, CHECKING | START_AFTER_CHECK);
    $view->checks(1);
    $object->start if $start && $view->status & QUEUED;
    $told->{code}->($object) if $told && $told->{code};
}

# A torrent without files and saved state has nothing to check: its first state says so.
sub _on_state {
    my ($object, $s, $event) = @_;
    my $state = $event->{b};
    return if $s->{loaded} || !$s->{metainfo} || $state == TERN_STATE_STARTING
        || $state == TERN_STATE_CHECKING || $state == TERN_STATE_FAILED;
    my $id = $event->{torrent};
    return if grep { $_->{torrent} == $id && $_->{kind} == TERN_EVENT_CHECKED }
        @{$s->{engine}{events}};
    $s->{loaded} = 1;
    _on_checked($object, $s, {%$event, b => 0, c => 0}) if $s->{checking};
}

# A torrent that was a link has files and pieces from now on.
sub _on_metadata {
    my ($object, $s) = @_;
    return if $s->{metainfo} || !Net::BitTorrent::Torrent::Magnet::learn($object, $s);
    $object->_event('metadata_received', {Torrent => $object});
}

# After dropped notices: pieces that came meanwhile are told now.
sub resync {
    my ($object, $s) = @_;
    return if !$s->{handle} || $s->{held};
    _on_metadata($object, $s);
    return if !$s->{handle} || !$s->{metainfo};
    my $have = Net::BitTorrent::Torrent::Saved::lsb($s->{handle}->bitfield, $s->{pieces});
    my $id   = $s->{handle}->id;
    my @missed = grep { vec($have, $_, 1) && !$s->{view}->piece($_) } 0 .. $s->{pieces} - 1;
    unshift @{$s->{engine}{events}},
        map { {kind => TERN_EVENT_PIECE_PASSED, torrent => $id, piece => $_} } @missed;
    my $status = $s->{handle}->status or return;
    return if $status->{state} == TERN_STATE_STARTING || $status->{state} == TERN_STATE_CHECKING;
    push @{$s->{engine}{events}}, {kind => TERN_EVENT_CHECKED, torrent => $id, b => 0, c => 0}
        if $s->{checking} || !$s->{loaded};
    my %alive = map { $_->{peer} => 1 } $s->{handle}->peers;
    delete @{$s->{$_}}{grep { !$alive{$_} } keys %{$s->{$_}}} for qw(peers early);
}

# ---- Peers ---------------------------------------------------------------------------------------

# A peer is known from its first byte on. Until its handshake is told it is in `early`, without a
# name.
sub _early {
    my ($object, $s, $event, $incoming) = @_;
    return $s->{early}{$event->{peer}} //= Net::BitTorrent::Peer->_make($object, $event, $incoming);
}

# Our own events go to the head of the queue, in order: a handler that dies loses nothing.
sub _next {
    my ($s, @events) = @_;
    my $id = $s->{handle} ? $s->{handle}->id : 0;
    unshift @{$s->{engine}{events}}, map { {torrent => $id, %$_} } @events;
}

sub _tell { my ($type, %args) = @_; return {kind => TELL, type => $type, args => \%args} }

sub _on_tell {
    my ($object, $s, $event) = @_;
    $event->{do}->() if $event->{do};
    $object->_event($event->{type}, $event->{args});
    $s->{engine}->later if $event->{later} && $s->{engine};
}

sub _handshake {
    my ($s, $peer_id, $reserved) = @_;
    return (Type => -1, Payload => {
        Reserved => $reserved,
        Infohash => $s->{info_hash},
        PeerID   => $peer_id,
    });
}

sub _our_handshake {
    my ($s, $peer) = @_;
    my $client = $s->{client};
    return () if !$client || $peer->_greeted;
    return _tell('outgoing_packet',
        Peer => $peer, _handshake($s, $client->peerid, $client->_build_reserved));
}

# Bytes of a peer's socket. They come before the events they led to.
sub _on_bytes {
    my ($object, $s, $event) = @_;
    my $in    = $event->{kind} == TERN_EVENT_RECEIVED;
    my $known = $s->{peers}{$event->{peer}};
    my $tell  = _tell($in ? 'peer_read' : 'peer_write', Length => $event->{a});
    if ($known) {
        $tell->{args}{Peer} = $known;
        return _on_tell($object, $s, $tell);
    }
    # The first to send is who connected.
    my $peer = _early($object, $s, $event, $in ? 1 : 0);
    $tell->{args}{Peer} = $peer;
    if ($in) {
        $tell->{later} = $peer->incoming;
        return _next($s, $peer->_connected ? () : _tell('peer_connect', Peer => $peer), $tell);
    }
    return _next($s, _our_handshake($s, $peer), $tell);
}

sub _on_peer {
    my ($object, $s, $event) = @_;
    my $peer   = _early($object, $s, $event, $event->{a} ? 1 : 0);
    my @before = $peer->incoming ? () : _our_handshake($s, $peer);
    if (!$peer->_connected) {
        push @before, _tell('peer_connect', Peer => $peer);
        $before[-1]{later} = $peer->incoming;
    }
    _next($s, @before, {%$event, kind => GREETED});
}

# Its handshake is told: from now on it has a name.
sub _on_greeted {
    my ($object, $s, $event) = @_;
    my $peer = delete $s->{early}{$event->{peer}} or return;
    $s->{peers}{$event->{peer}} = $peer;
    my $follows = ($s->{wire} // 0) & TERN_CLASS_WIRE;
    $peer->_named($object, $event->{data}, $follows && $s->{metainfo} ? $s->{pieces} : undef);
    _next($s,
        _tell('incoming_packet', Peer => $peer,
            _handshake($s, $peer->peerid, scalar $peer->reserved_bytes)),
        $peer->incoming ? _our_handshake($s, $peer) : ());
}

sub _on_peer_gone {
    my ($object, $s, $event) = @_;
    my $number = $event->{peer};
    my $peer = delete $s->{peers}{$number} // delete $s->{early}{$number}
        // Net::BitTorrent::Peer->_make($object, $event, 0);
    $peer->_gone;
    $object->_event('peer_disconnect', {Peer => $peer, $peer->_reason($event)});
}

sub _on_message {
    my ($object, $s, $event) = @_;
    my $peer = $s->{peers}{$event->{peer} // 0} or return;
    my $in   = $event->{kind} == TERN_EVENT_MESSAGE_IN;
    $peer->_saw($event, $in);
    $object->_event($in ? 'incoming_packet' : 'outgoing_packet',
        {Peer => $peer,
            Net::BitTorrent::Peer::_packet($event, $s->{metainfo} ? $s->{pieces} : undef)});
}

# ---- Files ---------------------------------------------------------------------------------------

# The engine keeps its own descriptors. What is told is what a program sees of a file: it is open
# for what it was last used for.
sub _on_file {
    my ($object, $s, $event) = @_;
    my $file  = $s->{files}[$event->{file} // -1] or return;
    my $wrote = $event->{kind} == TERN_EVENT_FILE_WRITTEN;
    my $mode  = $wrote ? 'w' : 'r';
    my $tell  = _tell($wrote ? 'file_write' : 'file_read', File => $file, Length => $event->{b});
    return _on_tell($object, $s, $tell) if ($file->mode // '') eq $mode;
    return _next($s, _closing($file), _opening($file, $mode), $tell);
}

sub _opening {
    my ($file, $mode) = @_;
    my $tell = _tell('file_open', File => $file, Mode => $mode);
    $tell->{do} = sub { $file->_set_mode($mode) };
    return $tell;
}

sub _closing {
    my ($file) = @_;
    return () if !defined $file->mode;
    my $tell = _tell('file_close', File => $file);
    $tell->{do} = sub { $file->_set_mode(undef) };
    return $tell;
}

# Files told to be open are told to be closed, those of one piece or all.
sub close_files {
    my ($object, $s, $piece) = @_;
    for my $layout (@{$s->{layout}}) {
        next if defined $piece
            && ($piece < $layout->{first_piece} || $piece >= $layout->{end_piece});
        my $file = $s->{files}[$layout->{index}];
        next if !defined $file->mode;
        $file->_set_mode(undef);
        $object->_event('file_close', {File => $file});
    }
}

# After a piece was hashed its files are closed, and then the piece is told.
sub _close_first {
    my ($object, $s, $event) = @_;
    return 0 if !(($s->{wire} // 0) & TERN_CLASS_IO);
    my $piece = $event->{piece};
    my @open  = map { _closing($s->{files}[$_->{index}]) }
        grep { $piece >= $_->{first_piece} && $piece < $_->{end_piece} } @{$s->{layout}};
    return 0 if !@open;
    _next($s, @open, $event);
    return 1;
}

# ---- Trackers ------------------------------------------------------------------------------------

sub _on_tracker_traffic {
    my ($object, $s, $event) = @_;
    my $tracker = _tracker_for($s, $event->{text}) or return;
    _next($s,
        _tell('tracker_write', Tracker => $tracker, Length => $event->{a}),
        _tell('tracker_read',  Tracker => $tracker, Length => $event->{b}),
        _tell('tracker_disconnect', Tracker => $tracker));
}

sub _tracker_for {
    my ($s, $url) = @_;
    for my $tier (@{$s->{tiers}}) {
        my ($found) = grep { $_->url eq $url } @{$tier->urls};
        return $found if $found;
    }
    return;
}

sub _on_tracker {
    my ($object, $s, $event) = @_;
    my $tracker = _tracker_for($s, $event->{text}) or return;
    my $kind = $event->{kind};
    if ($kind == TERN_EVENT_TRACKER_ANNOUNCE) {
        $object->_event('tracker_connect',
            {Tracker => $tracker, length $event->{text2} ? (Event => $event->{text2}) : ()});
    }
    elsif ($kind == TERN_EVENT_TRACKER_REPLY) {
        my %payload = (peers => $event->{data} // '');
        $tracker->_set_peers($payload{peers});
        $tracker->_set_counts(@$event{qw(a b)});
        my %numbers = (complete => 'a', incomplete => 'b', interval => 'c');
        for my $key (keys %numbers) {
            $payload{$key} = $event->{$numbers{$key}} if $event->{$numbers{$key}} >= 0;
        }
        $payload{'warning message'} = $event->{text2} if length $event->{text2};
        $object->_event('tracker_success', {Tracker => $tracker, Payload => \%payload});
    }
    else {
        $object->_event('tracker_failure', {Tracker => $tracker, Reason => $event->{text2}});
    }
}

# What a scrape said.
sub _on_counts {
    my ($object, $s, $event) = @_;
    my $tracker = _tracker_for($s, $event->{text}) or return;
    return $tracker->_set_counts(@$event{qw(a b)});
}

# It stops; a check under way is over.
sub _fail {
    my ($object, $s, $message) = @_;
    $object->_set_error($message);
    my $told = delete $s->{checking} or return;
    $s->{view}->change(0, CHECKING);
    $s->{view}->checks(1);
    $told->{code}->($object) if $told->{code};
}

sub _on_storage_failed {
    my ($object, $s, $event) = @_;
    my $message = $event->{text} . (length $event->{text2} ? " ($event->{text2})" : '');
    _fail($object, $s, $message);
    my $file = defined $event->{file} ? $s->{files}[$event->{file}] : undef;
    $! = $event->{errno} if $event->{errno};
    $object->_event('file_error', {File => $file, Message => $message}) if $file;
}

sub _on_defect {
    my ($object, $s, $event) = @_;
    _fail($object, $s, $event->{kind} == TERN_EVENT_FATAL ? $event->{text} : 'The verifier failed');
}

# A handler's answer: true, false, or undef for "as if I were not there". When it dies the engine is
# answered first, so that the request does not stay open.
sub _ask {
    my ($object, $s, $event, $type, $args) = @_;
    my $session = $s->{engine}->session;
    my $verdict = TERN_VERDICT_FAIL;
    my $detail  = 1;
    my $answer = sub { $session->request_complete($event->{token}, $verdict, $detail) };
    my $fine = eval {
        my @all  = grep { defined } Net::BitTorrent::Emitter::call($object, $s, $type, $args);
        my ($no) = grep { !$_ } @all;    # one no is no
        my $said = defined $no ? 0 : $all[0];
        $verdict = !defined $said ? TERN_VERDICT_PASS
            : $said ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT;
        $detail = 0;
        1;
    };
    my $error = $@;
    $answer->();
    die $error if !$fine;
}

sub _on_verify {
    my ($object, $s, $event) = @_;
    my $session = $s->{engine}->session;
    my $data = $session->request_data($event->{token});
    if (!defined $data) {
        $session->request_complete($event->{token}, TERN_VERDICT_PASS);
        return;
    }
    _ask($object, $s, $event, 'verify_piece', {
        Torrent => $object,
        Index   => $event->{piece},
        Data    => \$data,
        Attempt => $event->{b},
        HashOK  => $event->{code} ? 1 : 0,
        Peers   => [split /\n/, $event->{text}],
    });
}

sub _on_save {
    my ($object, $s, $event) = @_;
    my $blob = $s->{engine}->session->request_data($event->{token});
    return if !defined $blob;
    _ask($object, $s, $event, 'resume_save',
        {
            Torrent    => $object,
            Data       => Net::BitTorrent::Torrent::Saved::data($s, $blob),
            Generation => $event->{generation},
        });
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Events - private: what events do to a torrent

=head1 SYNOPSIS

    # Used by Net::BitTorrent::Torrent.

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent/EVENTS>.

=cut
