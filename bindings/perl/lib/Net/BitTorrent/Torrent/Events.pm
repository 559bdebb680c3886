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
use Net::BitTorrent::Peer;
use Net::BitTorrent::Torrent::Saved;
use Net::BitTorrent::Torrent::Status qw(:all);

our $VERSION = '0.100';

# Our own event at the end of a blocking check. Those of the engine are positive.
use constant CHECK_END => -100;

# The engine asks only when somebody is there to answer.
sub apply_hooks {
    my ($s) = @_;
    my $handle = $s->{handle} or return;
    my $verify = ref $s->{calls}{verify_piece} eq 'CODE';
    if ($verify != ($s->{verifying} // 0)) {
        $handle->set_verify_hook($verify ? TERN_HOOK_QUEUED : TERN_HOOK_NONE);
        $s->{verifying} = $verify;
    }
    $handle->set_save_policy(
        ref $s->{calls}{resume_save} eq 'CODE'
        ? TERN_SAVE_ON_PIECE | TERN_SAVE_ON_STATE | TERN_SAVE_AT_CLOSE
        : 0);
}

my %DISPATCH = (
    TERN_EVENT_PIECE_PASSED()      => \&_on_passed,
    TERN_EVENT_PIECE_FAILED()      => \&_on_failed,
    TERN_EVENT_CHECKED()           => \&_on_checked,
    TERN_EVENT_STATE()             => \&_on_state,
    CHECK_END()                    => \&_on_check_end,
    TERN_EVENT_PEER_CONNECTED()    => \&_on_peer,
    TERN_EVENT_PEER_DISCONNECTED() => \&_on_peer_gone,
    TERN_EVENT_TRACKER_ANNOUNCE()  => \&_on_tracker,
    TERN_EVENT_TRACKER_REPLY()     => \&_on_tracker,
    TERN_EVENT_TRACKER_FAILED()    => \&_on_tracker,
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
        $engine->session->request_complete($event->{token}, TERN_VERDICT_PASS) if $event->{token};
        return if $event->{kind} != TERN_EVENT_PEER_DISCONNECTED;
    }
    if ($s->{held} && !$event->{token}) {
        push @{$s->{held}}, $event;
        return;
    }
    my $code = $DISPATCH{$event->{kind}} or return;
    return $code->($object, $s, $event);
}

sub _on_passed {
    my ($object, $s, $event) = @_;
    my $piece = $event->{piece};
    return if $s->{view}->set_piece($piece, 1);    # told before
    $object->_event('piece_hash_pass', {Torrent => $object, Index => $piece});
}

sub _on_failed {
    my ($object, $s, $event) = @_;
    my $piece = $event->{piece};
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
    delete $s->{checking};
    my $start = $view->status & START_AFTER_CHECK || delete $s->{start_pending};
    $view->change(CHECKED, CHECKING | START_AFTER_CHECK);
    $view->checks(1);
    $object->start if $start && $view->status & QUEUED;
}

# A torrent without files and saved state has nothing to check: its first state says so.
sub _on_state {
    my ($object, $s, $event) = @_;
    my $state = $event->{b};
    return if $s->{loaded} || $state == TERN_STATE_STARTING || $state == TERN_STATE_CHECKING
        || $state == TERN_STATE_FAILED;
    my $id = $event->{torrent};
    return if grep { $_->{torrent} == $id && $_->{kind} == TERN_EVENT_CHECKED }
        @{$s->{engine}{events}};
    $s->{loaded} = 1;
    _on_checked($object, $s, {%$event, b => 0, c => 0}) if $s->{checking};
}

# After dropped notices: pieces that came meanwhile are told now.
sub resync {
    my ($object, $s) = @_;
    return if !$s->{handle} || $s->{held};
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
    delete @{$s->{peers}}{grep { !$alive{$_} } keys %{$s->{peers}}};
}

sub _on_peer {
    my ($object, $s, $event) = @_;
    my $peer = Net::BitTorrent::Peer->_make($object, $event);
    $s->{peers}{$event->{peer}} = $peer;
    $object->_event('peer_connect', {Peer => $peer});
    return if !$s->{engine} || !$s->{engine}{wire};
    $object->_event('incoming_packet',
        {Peer => $peer, Type => -1, Payload => {
            Reserved => scalar $peer->reserved_bytes,
            Infohash => $s->{metainfo}->info_hash,
            PeerID   => $peer->peerid,
        }});
}

sub _on_peer_gone {
    my ($object, $s, $event) = @_;
    my $peer = $s->{peers}{$event->{peer}} // Net::BitTorrent::Peer->_make($object, $event);
    $peer->_gone;
    delete $s->{peers}{$event->{peer}};
    $object->_event('peer_disconnect', {Peer => $peer, $peer->_reason($event)});
}

sub _on_message {
    my ($object, $s, $event) = @_;
    my $peer = $s->{peers}{$event->{peer} // 0} or return;
    my $in   = $event->{kind} == TERN_EVENT_MESSAGE_IN;
    $object->_event($in ? 'incoming_packet' : 'outgoing_packet',
        {Peer => $peer, Net::BitTorrent::Peer::_packet($event, $s->{pieces})});
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

# It stops; a check under way is over.
sub _fail {
    my ($object, $s, $message) = @_;
    $object->_set_error($message);
    return if !delete $s->{checking};
    $s->{view}->change(0, CHECKING);
    $s->{view}->checks(1);
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
    my $code = $s->{calls}{$type};
    my $verdict = TERN_VERDICT_FAIL;
    my $detail  = 1;
    my $answer = sub { $session->request_complete($event->{token}, $verdict, $detail) };
    my $fine = eval {
        my $said = ref $code eq 'CODE' ? $code->($object, $args) : undef;
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
        {Torrent => $object, Data => $blob, Generation => $event->{generation}});
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
