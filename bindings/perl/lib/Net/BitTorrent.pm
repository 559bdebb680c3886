package Net::BitTorrent;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use Errno ();
use Scalar::Util qw(blessed looks_like_number);
use Socket ();
use Time::HiRes ();
use Tern qw(:constants);
use Net::BitTorrent::Engine;
use Net::BitTorrent::Torrent;
use Net::BitTorrent::Version;

our $VERSION = '0.100';

# Seconds that closing may take, `stopped` announces included.
our $CLOSE_TIMEOUT = 10;

my %EVENTS = map { $_ => 1 } qw(
    ip_filter incoming_packet outgoing_packet peer_connect peer_disconnect peer_read peer_write
    tracker_connect tracker_disconnect tracker_read tracker_write tracker_success tracker_failure
    piece_hash_pass piece_hash_fail file_open file_close file_read file_write file_error
);

# 0.052's private settings that the engine has too, and their defaults.
my %SETTINGS = (
    max_ul_rate          => ['upload_limit',              0],
    max_dl_rate          => ['download_limit',            0],
    peers_per_torrent    => ['torrent_max_connections', 100],
    half_open            => ['max_half_open',             8],
    connections_per_host => ['max_per_ip',                1],
);

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub new {
    my ($class, @args) = @_;
    if (@args > 1 || @args && ref $args[0] ne 'HASH') {
        carp __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref';
        return;
    }
    my %args    = %{$args[0] // {}};
    my $peer_id = Net::BitTorrent::Version::gen_peerid();
    my $version = Net::BitTorrent::Version::_product_version();
    my $self    = {
        torrents => {},
        calls    => {},
        jobs     => [],
        job      => 0,
        settings => {map { $_ => $SETTINGS{$_}[1] } keys %SETTINGS},
    };
    my %options = (
        peer_id                  => $peer_id,
        user_agent               => join('/', __PACKAGE__, $version),
        stop_tracker_timeout_ms  => 3000,
        event_queue_len          => 1_000_000,
        map { @{$SETTINGS{$_}}[0, 1] } keys %SETTINGS,
    );
    # Options of the engine may be given by their names.
    for my $name (grep { /\A[a-z_]+\z/ && $_ ne 'listen' } keys %args) {
        $options{$name} = $args{$name} if defined $args{$name} && Tern::_option_exists($name);
    }
    @$self{qw(engine host port)} = _listen(\%args, \%options) or return;
    my $object = bless \$peer_id, $class;
    Tern::attach($object, $self);
    return $object;
}

# An engine that listens on the first port that can be had; on none if there is no such port.
sub _listen {
    my ($args, $options) = @_;
    my $host  = defined $args->{LocalHost} ? $args->{LocalHost} : '0.0.0.0';
    my $port  = $args->{LocalPort} // 0;
    my @ports = ref $port eq 'ARRAY' ? @$port : ($port);
    my $packed = Socket::inet_aton($host);
    my $errno  = defined $packed ? 0 : Errno::EADDRNOTAVAIL();
    @ports = () if !defined $packed;
    my $address = defined $packed ? Socket::inet_ntoa($packed) : undef;
    for my $port (grep { defined && /\A[0-9]+\z/ && $_ < 65536 } @ports) {
        my $engine = Net::BitTorrent::Engine->new(%$options, listen => "$address:$port");
        if (!$engine) {
            carp "Cannot start: $Tern::error";
            return;
        }
        my $bound = $engine->session->listen_port;
        return ($engine, $address, $bound) if $bound;
        $engine->collect(0);
        for my $event (@{$engine->{events}}) {
            $errno = $event->{errno}
                if $event->{kind} == TERN_EVENT_LISTEN_FAILED && $event->{errno};
        }
        $engine->close(1);
    }
    my $engine = Net::BitTorrent::Engine->new(%$options, listen => '');
    if (!$engine) {
        carp "Cannot start: $Tern::error";
        return;
    }
    $! = $errno if $errno;
    return ($engine, undef, undef);
}

sub peerid   { my ($o) = @_; return _self($o) ? $$o : undef }
sub torrents { my $s = _self(@_) or return; return $s->{torrents} }

sub _engine {
    my $s = _self(@_) or return;
    return $s->{engine};
}

sub _locate_torrent {
    my ($object, $hash) = @_;
    my $s = _self($object) or return;
    return if !defined $hash;
    return $s->{torrents}{lc $hash};
}

sub add_torrent {
    my ($object, $args) = @_;
    my $s = _self($object) or return;
    if (ref $args ne 'HASH') {
        carp 'Net::BitTorrent->add_torrent({ }) requires parameters to be passed as a hashref';
        return;
    }
    my $torrent = Net::BitTorrent::Torrent->new({%$args, Client => $object}) or return;
    return $s->{torrents}{$$torrent} = $torrent;
}

sub remove_torrent {
    my ($object, $torrent) = @_;
    my $s = _self($object) or return;
    my $state = blessed $torrent && $torrent->isa('Net::BitTorrent::Torrent')
        ? Tern::state($torrent) : undef;
    if (!$state) {
        carp 'Net::BitTorrent->remove_torrent( ) requires a Net::BitTorrent::Torrent object';
        return;
    }
    return if !$s->{torrents}{$$torrent} || 0 + $s->{torrents}{$$torrent} != 0 + $torrent;
    $torrent->stop;
    Net::BitTorrent::Torrent::Saved::leave($torrent, $state, 10);
    return delete $s->{torrents}{$$torrent};
}

# ---- The loop ------------------------------------------------------------------------------------

sub do_one_loop {
    my ($object, $timeout) = @_;
    my $s = _self($object) or return;
    $timeout = 1.0 if !defined $timeout || !looks_like_number($timeout) || $timeout != $timeout;
    my $engine = $s->{engine};
    if (!$engine->is_owner) {
        select undef, undef, undef, $timeout if $timeout > 0;
        return 1;
    }
    my $wait = _run_jobs($s, $timeout);
    $wait = 0 if @{$engine->{events}};
    $engine->collect($wait);
    $engine->dispatch;
    return 1;
}

sub process_events { return $_[0]->do_one_loop(0) }

# Runs what is due; how long may be waited then.
sub _run_jobs {
    my ($s, $timeout) = @_;
    my $now = Time::HiRes::time();
    for my $job (grep { $_->{Time} <= $now } @{$s->{jobs}}) {
        my $left = grep { $_->{id} == $job->{id} } @{$s->{jobs}};
        next if !$left;    # cancelled by one before it
        @{$s->{jobs}} = grep { $_->{id} != $job->{id} } @{$s->{jobs}};
        $job->{Code}->($job->{Object});
    }
    $now = Time::HiRes::time();
    for my $job (@{$s->{jobs}}) {
        my $left = $job->{Time} > $now ? $job->{Time} - $now : 0;
        $timeout = $left if $timeout < 0 || $left < $timeout;
    }
    return $timeout;
}

sub _schedule {
    my ($object, $args) = @_;
    my $s = _self($object) or return;
    if (ref $args ne 'HASH' || ref $args->{Code} ne 'CODE'
        || !looks_like_number($args->{Time} // '')) {
        carp 'Net::BitTorrent->_schedule({ }) requires \'Time\' and \'Code\'';
        return;
    }
    my $id = ++$s->{job};
    push @{$s->{jobs}}, {%$args, id => $id};
    return $id;
}

sub _cancel {
    my ($object, $id) = @_;
    my $s = _self($object) or return;
    return if !defined $id;
    my $before = @{$s->{jobs}};
    @{$s->{jobs}} = grep { $_->{id} != $id } @{$s->{jobs}};
    return $before > @{$s->{jobs}} ? 1 : undef;
}

sub fileno {
    my $s = _self(@_) or return;
    my $engine = $s->{engine};
    return if !$engine->is_owner;
    my $fd = $engine->session->event_fd;
    return $fd < 0 ? undef : $fd;
}

# A handle on a copy of the descriptor, for event loops that want one: closing it harms nobody.
sub fh {
    my ($object) = @_;
    my $s  = _self($object) or return;
    my $fd = $object->fileno;
    return if !defined $fd;
    return $s->{fh} //= do {
        open my $fh, '<&', $fd or return;
        $fh;
    };
}

# ---- Events --------------------------------------------------------------------------------------

sub on_event {
    my ($object, $type, $code) = @_;
    my $s = _self($object) or return;
    if (!defined $type || !$EVENTS{$type}) {
        carp sprintf 'Unknown callback: %s', $type // '';
        return if !defined $type;
    }
    $s->{calls}{$type} = $code;
    $s->{engine}->set_wire(
        defined $s->{calls}{incoming_packet} || defined $s->{calls}{outgoing_packet} ? 1 : 0);
    return $code;
}

sub _event {
    my ($object, $type, $args) = @_;
    my $s = _self($object) or return;
    my $code = $s->{calls}{$type} or return;
    return $code->($object, $args);
}

# ---- Settings ------------------------------------------------------------------------------------

for my $name (keys %SETTINGS) {
    no strict 'refs';
    *{"_$name"} = sub { my $s = _self(@_) or return; return $s->{settings}{$name} };
    *{"_set_$name"} = sub {
        my ($object, $value) = @_;
        my $s = _self($object) or return;
        if (!defined $value || $value !~ /\A[0-9]+\z/) {
            carp "Net::BitTorrent->_set_$name( ) requires an integer";
            return;
        }
        $s->{engine}->session->apply({$SETTINGS{$name}[0] => $value}) or return;
        return $s->{settings}{$name} = $value;
    };
}

sub _use_dht   { 0 }
sub _tcp_port  { my $s = _self(@_) or return; return $s->{port} }
sub _tcp_host  { my $s = _self(@_) or return; return $s->{host} }
sub _tcp       { my ($o) = @_; return $o->fh }

# ---- The end -------------------------------------------------------------------------------------

# Stops the engine: last saves, goodbye to trackers and peers.
sub _close {
    my ($object) = @_;
    my $s = _self($object) or return;
    my $engine = $s->{engine} or return;
    return 1 if $s->{closed};
    $s->{closed} = 1;
    return 1 if !$engine->is_owner;
    my %ours = map { ($_->_handle ? ($_->_handle->id => $_) : ()) } values %{$s->{torrents}};
    for my $torrent (grep { $_->_wants_last_save } values %ours) {
        $torrent->_handle->set_save_policy(TERN_SAVE_AT_CLOSE);
    }
    my $gone = $engine->close(
        $CLOSE_TIMEOUT,
        sub {
            my ($id, $blob) = @_;
            return $ours{$id} ? $ours{$id}->_last_save($blob) : 1;
        });
    delete $s->{fh};
    $_->_client_closed for values %{$s->{torrents}};
    return $gone;
}

sub DESTROY {
    my ($object) = @_;
    return if ${^GLOBAL_PHASE} eq 'DESTRUCT';
    local ($@, $!, $?, $^E);
    _close($object);
}

# Programs' END blocks run before this one.
END {
    local ($@, $!, $?, $^E);
    for my $engine (Net::BitTorrent::Engine::live()) {
        my ($torrent) = grep { defined } values %{$engine->{torrents}};
        my $client = $torrent ? $torrent->_client : undef;
        $client ? _close($client) : $engine->close(2);
    }
}

# ---- For people ----------------------------------------------------------------------------------

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $text = $verbose ? _dump($object, $s) : $$object;
    return defined wantarray ? $text : print STDERR "$text\n";
}

sub _dump {
    my ($object, $s) = @_;
    my $address = defined $s->{port} ? "$s->{host}:$s->{port}" : 'not listening';
    my @torrents = map { $s->{torrents}{$_} } sort keys %{$s->{torrents}};
    return join "\n",
        'Net::BitTorrent',
        '',
        'Peer ID: ' . $$object,
        'DHT is disabled',
        "TCP Address: $address",
        'Torrents in queue: ' . @torrents,
        map { sprintf '  %s (%d: %s)', $_->infohash, $_->status, $_->_status_as_string } @torrents;
}

1;

__END__

=encoding utf8

=head1 NAME

Net::BitTorrent - a BitTorrent client to build programs on

=head1 SYNOPSIS

    use Net::BitTorrent;

    my $client = Net::BitTorrent->new({LocalPort => [6881 .. 6889]});
    $client->on_event(
        piece_hash_pass => sub {
            my ($self, $args) = @_;
            printf "piece %d of %s is here\n", $args->{Index}, $args->{Torrent}->name;
        }
    );
    my $torrent = $client->add_torrent({Path => 'some.torrent', BaseDir => 'downloads'})
        or die "cannot load it: $^E";
    $client->do_one_loop until $torrent->is_complete;

=head1 DESCRIPTION

The interface of Net::BitTorrent 0.052 with the engine libtern inside. The engine works in threads
of its own: how fast it is does not depend on how often the loop is called. Handlers run only
inside C<do_one_loop> (and C<hashcheck>), in the thread that made the client, and nothing of the
engine is ever in the middle of something when they do: they may call everything, and may die.

Methods that fail return C<undef> (the empty list in list context), and say why with C<carp> when
the arguments were wrong; C<$!> and C<$^E> are set when the system refused something.

=head1 METHODS

=over

=item C<new ( [ { ... } ] )>

Options: C<LocalHost> (address or name to listen on, default 0.0.0.0), C<LocalPort> (a port, or a
reference to an array of ports of which the first free one is taken; default 0, any). When no port
can be had, the client works without listening. Every option of the engine can be given too, by
the name it has in F<docs/options.md>: C<< max_connections => 50 >>. Other keys are ignored.

=item C<peerid>

Our peer id, 20 bytes; also the value of the object as a scalar reference.

=item C<torrents>

Reference to the hash of torrents, by infohash.

=item C<add_torrent ( { ... } )>

Takes the arguments of L<Net::BitTorrent::Torrent/new> and starts the torrent (but see there for
C<Resume>). Returns it, or C<undef>; silently, when it is there already.

=item C<remove_torrent ( $torrent )>

Disconnects and stops it, closes its files, and returns it.

=item C<do_one_loop ( [ $timeout ] )>

Waits until something happened, at most C<$timeout> seconds (default 1; fractions are fine;
negative: no limit; 0: does not wait), and calls handlers for all that happened. Always returns 1.
A signal ends the wait, after its handler in C<%SIG> has run. When a handler dies, so does
C<do_one_loop>; what was not told yet is told next time.

=item C<fileno> C<fh> C<process_events>

For event loops: a descriptor (or a file handle for it) that is readable exactly while there is
something to be told, and the call to make then. With L<AnyEvent>:

    my $watcher = AnyEvent->io(
        fh => $client->fh, poll => 'r', cb => sub { $client->process_events });

Mojo: C<< Mojo::IOLoop->singleton->reactor->io($client->fh => sub { $client->process_events })
->watch($client->fh, 1, 0) >>. IO::Async: C<< $loop->watch_io(handle => $client->fh, on_read_ready
=> sub { $client->process_events }) >>.

=item C<on_event ( $type, $code )>

Sets the handler for a type of event; C<undef> removes it. Returns C<$code>.

=item C<as_string ( [ $verbose ] )>

The peer id, or a page about the client. In void context it is printed to STDERR.

=back

=head1 EVENTS

Handlers get the object they were set on and a reference to a hash. Events of torrents go to the
client's handler, then to the torrent's.

    peer_connect      Peer
    peer_disconnect   Peer, Reason (see Net::BitTorrent::Peer), sometimes Advanced
    incoming_packet   Peer, Type, Payload            (types: Net::BitTorrent::Protocol)
    outgoing_packet   Peer, Type, Payload
    tracker_connect   Tracker, sometimes Event
    tracker_success   Tracker, Payload (complete, incomplete, interval, peers, warning message)
    tracker_failure   Tracker, Reason
    piece_hash_pass   Torrent, Index
    piece_hash_fail   Torrent, Index
    file_error        File, Message

and for torrents only C<verify_piece> and C<resume_save>, see L<Net::BitTorrent::Torrent/on_event>.

Handlers for C<ip_filter>, C<peer_read>, C<peer_write>, C<tracker_disconnect>, C<tracker_read>,
C<tracker_write>, C<file_open>, C<file_close>, C<file_read> and C<file_write> can be set and are
never called: the engine does not tell these in this version.

=head1 SIGNALS, THREADS, FORKS, THE END

Ctrl-C and other signals work as in any Perl program; the engine's threads take none.

A client belongs to the thread that made it. Torrents are cloned into new threads and show the
same state there; handlers set in a thread are not called.

After C<fork> the child's copies of clients and torrents are dead: they know what they knew,
nothing happens, and letting go of them does nothing. Do not make a new client in such a child: fork
before the first client is made, or C<exec>.

A client that is destroyed, or that is there when the program ends, stops within seconds: it tells
trackers and peers and writes resume files for the last time (L<Net::BitTorrent::Torrent/RESUME
DATA>). Programs' C<END> blocks run before that. Nothing is printed.

=head1 DIFFERENCES FROM 0.052

Not in this version: DHT, UDP trackers, encryption, the private methods about sockets. What its
documentation promised and it did not do is done: resume data works; the last piece counts; names
made of digits are names; nothing is requested of a torrent that is being checked. C<pause>
disconnects peers. Files that are there when a torrent without C<Resume> is added are found
without C<hashcheck>.

=head1 SEE ALSO

L<Net::BitTorrent::Torrent>, L<Net::BitTorrent::Peer>, L<Net::BitTorrent::Util>,
L<Net::BitTorrent::Protocol>, L<Tern>

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
