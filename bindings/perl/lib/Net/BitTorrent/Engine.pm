package Net::BitTorrent::Engine;

# One session of the engine and the queue of its events, on the Perl side. Private.
#
# Events are taken out of the engine as they come and wait in an array; they are dispatched one by
# one, each being removed before its handlers run. So a handler may call anything, also things
# that wait for the engine (they take events too, append them here, and dispatch at most those of
# their own torrent), and a handler that dies leaves the rest of the queue in order for the next
# time. Requests to save are answered as soon as they are seen, because whoever asked for them
# waits. Deliberately absent: what events mean (Net::BitTorrent::Torrent::_dispatch) and threads:
# only the interpreter and process that made an engine take its events.

use 5.016;
use strict;
use warnings;
use Scalar::Util qw(weaken);
use Time::HiRes ();
use Tern qw(:constants);
use Net::BitTorrent::Emitter;

our $VERSION = '0.100';

# Events that may wait for the next loop.
use constant BACKLOG => 100;

# Every engine of this interpreter, for END.
my %live;

sub new {
    my ($class, %options) = @_;
    my $session = Tern::Session->new(\%options) or return;
    my $self = bless {
        session  => $session,
        pid      => $$,
        tid      => Net::BitTorrent::Emitter::tid(),
        events   => [],
        torrents => {},     # number => Torrent (weak)
        leaving  => {},     # number => Torrent until its last event
        saves    => {},     # number => what waits for a save request
        failed   => {},     # number => the storage's last failure
        client   => undef,
        classes  => 0,
        asks     => 0,
    }, $class;
    $self->interest_changed;
    weaken($live{0 + $self} = $self);
    return $self;
}

# Whether this interpreter of this process takes the events.
sub is_owner { $_[0]{pid} == $$ && $_[0]{tid} == Net::BitTorrent::Emitter::tid() && !$_[0]{closed} }

sub session { $_[0]{session} }

sub register {
    my ($self, $torrent, $handle) = @_;
    weaken($self->{torrents}{$handle->id} = $torrent);
    delete Tern::state($torrent)->{wire};
    $self->interest_changed;
}

sub belongs_to {
    my ($self, $client) = @_;
    weaken($self->{client} = $client);
}

sub torrent { $_[0]{torrents}{$_[1]} // $_[0]{leaving}{$_[1]} }

my @WIRE = qw(incoming_packet outgoing_packet);
my @IO   = qw(peer_read peer_write file_open file_close file_read file_write tracker_read
    tracker_write tracker_disconnect);

sub _interest {
    my ($s) = @_;
    return 0 if !$s;
    return (Net::BitTorrent::Emitter::listens($s, @WIRE) ? TERN_CLASS_WIRE : 0)
        | (Net::BitTorrent::Emitter::listens($s, @IO) ? TERN_CLASS_IO : 0);
}

# Has the engine tell what somebody listens to, and no more: messages and bytes are many.
sub interest_changed {
    my ($self) = @_;
    return if !$self->is_owner;
    my $client = $self->{client} ? Tern::state($self->{client}) : undef;
    my $base   = _interest($client);
    my $all    = $base;
    for my $torrent (grep { defined } values %{$self->{torrents}}) {
        my $s      = Tern::state($torrent);
        my $handle = $s->{handle} or next;
        my $own    = $base | _interest($s);
        $all |= $own;
        $handle->set_wire_notices($own ? 1 : 0) if !$own != !$s->{wire};
        $s->{wire} = $own;
        # What they say is not told any more: the engine is asked instead.
        if (!($own & TERN_CLASS_WIRE)) {
            delete Tern::state($_)->{told} for values %{$s->{peers}};
        }
    }
    my $classes = TERN_CLASS_DEFAULT & ~TERN_CLASS_LOG | $all;
    $self->{session}->subscribe($classes) if $classes != $self->{classes};
    $self->{classes} = $classes;
    my $asks = $client && (Net::BitTorrent::Emitter::listens($client, 'ip_filter')
            || $client->{settings}{encryption_mode} == 2) ? 1 : 0;
    $self->{session}->apply({peer_requests => $asks}) if $asks != $self->{asks};
    $self->{asks} = $asks;
}

# Takes what waits in the engine; waits up to $seconds for something. Runs no handler.
sub collect {
    my ($self, $seconds) = @_;
    return 0 if !$self->is_owner;
    my $session = $self->{session};
    my $ready = $session->wait($seconds);
    if ($ready < 0) {    # closed for good
        select undef, undef, undef, $seconds if $seconds > 0;
        return 0;
    }
    my @new = $session->take or return 0;
    for my $event (@new) {
        if ($event->{kind} == TERN_EVENT_SAVE_REQUEST) {
            $self->_save_request($event);
        }
        else {
            push @{$self->{events}}, $event;
            $self->{failed}{$event->{torrent}} = $event
                if $event->{kind} == TERN_EVENT_STORAGE_FAILED;
        }
    }
    return scalar @new;
}

# Whether an event wants an answer. Tokens of other kinds are no requests.
sub is_request { my ($event) = @_; return $event->{token} && $event->{kind} < TERN_EVENT_LISTENING }

# Dispatches what is in the queue now; with a torrent number only its events.
sub dispatch {
    my ($self, $only) = @_;
    my $events = $self->{events};
    if (defined $only) {
        # Handlers may add events at both ends: look until none is left.
        my ($at, $found) = (0, 1);
        while ($found) {
            for ($at = $found = 0; $at < @$events;) {
                if ($events->[$at]{torrent} != $only) {
                    $at++;
                    next;
                }
                $found = 1;
                $self->_dispatch_one(splice @$events, $at, 1);
                $at = 0 if @$events && $events->[0]{torrent} == $only;
            }
        }
        return;
    }
    my $count = @$events;
    while ($count > 0 && @$events) {
        my $event = shift @$events;
        $count-- if $event->{kind} > 0;    # ours follow from one that was counted
        $self->_dispatch_one($event);
        # What follows from a peer's first bytes is told in the next loop, as 0.052 did; not when
        # so much waits that a program that seldom loops would never catch up.
        last if delete $self->{later} && @$events < BACKLOG;
    }
    return;
}

# Has the dispatch under way stop after this event.
sub later { $_[0]{later} = 1 }

sub _dispatch_one {
    my ($self, $event) = @_;
    my $kind = $event->{kind};
    my $id   = $event->{torrent};
    if (!$id) {
        $self->{gone} = 1 if $kind == TERN_EVENT_CLOSED;
        $self->_resync if $kind == TERN_EVENT_DROPPED;
        return;
    }
    return $self->_may_use($event) if $kind == TERN_EVENT_PEER_REQUEST;
    my $torrent = $self->torrent($id);
    if (!$torrent) {
        # Nobody is there to be asked.
        $self->{session}->request_complete($event->{token}, TERN_VERDICT_PASS)
            if is_request($event);
        return;
    }
    delete $self->{leaving}{$id} if $kind == TERN_EVENT_REMOVED;
    $torrent->_dispatch($event, $self);
}

# An address is to be connected to or let in: the client's handlers say.
sub _may_use {
    my ($self, $event) = @_;
    my $client = $self->{client};
    my $yes    = 0;
    my $fine   = eval {
        my $state = $client ? Tern::state($client) : undef;
        $yes = !$client || ($state && delete $state->{approved}{$event->{addr}})
            || $client->_may_use($event->{addr}) ? 1 : 0;
        1;
    };
    my $error = $@;
    $self->{session}->request_complete($event->{token},
        $yes ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT);
    die $error if !$fine;
}

# Notices were dropped because nobody took them for long: pieces must not be missed.
sub _resync {
    my ($self) = @_;
    for my $torrent (grep { defined } values %{$self->{torrents}}) {
        $torrent->_resync;
    }
}

# Waits until $done->() is true: takes events, dispatches those of one torrent (when $only is
# given). False when time is up.
sub pump_until {
    my ($self, $done, $limit, $only) = @_;
    my $end = Time::HiRes::time() + $limit;
    while (1) {
        $self->dispatch($only) if defined $only;
        return 1 if $done->();
        my $left = $end - Time::HiRes::time();
        return 0 if $left <= 0 || !$self->is_owner;
        $self->collect($left < 0.25 ? $left : 0.25);
    }
}

# Asks the engine for the resume data of a torrent, and waits. $keep->($blob) makes it durable and
# says whether it did; that answers the engine. Returns what $keep returned, undef when there was
# no blob.
sub save {
    my ($self, $handle, $keep, $limit) = @_;
    my $id   = $handle->id;
    my $wait = {keep => $keep, done => 0, result => undef};
    # Two saves of one torrent cannot be nested: a handler that runs in between finds none waiting.
    local $self->{saves}{$id} = $wait;
    # No blob comes when the storage fails, now or before.
    my $status  = $handle->status or return;
    my $torrent = $self->torrent($id);
    return if $status->{state} == TERN_STATE_FAILED && !($torrent && $torrent->_is_loaded);
    delete $self->{failed}{$id};
    $handle->save or return;
    $self->pump_until(sub { $wait->{done} || $self->{failed}{$id} }, $limit // 60);
    if (!$wait->{done} && $self->{failed}{$id}) {
        $! = $self->{failed}{$id}{errno};
    }
    return $wait->{result};
}

# $! survives for the caller who looks at it after a failed save.
sub _save_request {
    my ($self, $event) = @_;
    my $session = $self->{session};
    my $wait    = $self->{saves}{$event->{torrent}};
    my $verdict = TERN_VERDICT_PASS;    # nobody asked: nothing is kept
    my $detail  = 0;
    if ($wait && !$wait->{done}) {
        my $blob = $session->request_data($event->{token});
        if (defined $blob) {
            $wait->{result} = $wait->{keep}->($blob);
            $wait->{errno}  = 0 + $!;
            $verdict = TERN_VERDICT_ACCEPT if $wait->{result};
        }
        $wait->{done} = 1;
    }
    elsif (my $torrent = $self->torrent($event->{torrent})) {
        # The torrent's own saver: it is user code, so it runs when events are dispatched.
        if ($torrent->_handler('resume_save')) {
            push @{$self->{events}}, $event;
            return;
        }
    }
    $session->request_complete($event->{token}, $verdict, $detail);
    $! = $wait->{errno} if $wait && $wait->{errno};
}

# Stops everything in bounded time. $keep->($torrent_number, $blob) is asked for every last save.
sub close {
    my ($self, $limit, $keep) = @_;
    return 1 if $self->{closed};
    my $owner = $self->is_owner;
    delete $live{0 + $self};
    if (!$owner) {
        $self->{closed} = 1;
        return;
    }
    my $session = $self->{session};
    my $end     = Time::HiRes::time() + $limit;
    $session->close_begin;
    my $gone = 0;
    while (!$gone) {
        my $left = $end - Time::HiRes::time();
        last if $left <= 0;
        last if $session->wait($left < 0.25 ? $left : 0.25) < 0;
        for my $event ($session->take) {
            $gone = 1 if $event->{kind} == TERN_EVENT_CLOSED;
            next if !is_request($event);
            my $verdict = TERN_VERDICT_PASS;
            if ($event->{kind} == TERN_EVENT_SAVE_REQUEST && $keep) {
                my $blob = $session->request_data($event->{token});
                $verdict = TERN_VERDICT_ACCEPT
                    if defined $blob && $keep->($event->{torrent}, $blob);
            }
            elsif ($event->{kind} == TERN_EVENT_VERIFY_REQUEST) {
                next;    # it is asked again on the next start
            }
            $session->request_complete($event->{token}, $verdict);
        }
    }
    $session->close(0) if $gone;
    $self->{closed} = 1;
    @{$self->{events}} = ();
    return $gone;
}

sub live { grep { defined } values %live }

sub CLONE {
    # The engines belong to the thread that made them; clones of the objects only refer to them.
    %live = ();
}

sub DESTROY {
    my ($self) = @_;
    return if ${^GLOBAL_PHASE} eq 'DESTRUCT' || $self->{closed};
    local ($@, $!, $?, $^E);
    $self->close(5);
}

1;

__END__

=head1 NAME

Net::BitTorrent::Engine - private: one session and the queue of its events

=head1 SYNOPSIS

    # Used by Net::BitTorrent and by torrents without a client.

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent>, or L<Tern> for the interface of the engine.

=cut
