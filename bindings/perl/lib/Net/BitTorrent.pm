package Net::BitTorrent;
use 5.016;
use strict;
use warnings;
use Digest::SHA ();
use Errno ();
use Scalar::Util qw(blessed looks_like_number);
use Socket ();
use Time::HiRes ();
use Tern qw(:constants);
use Net::BitTorrent::DHT;
use Net::BitTorrent::Emitter;
use Net::BitTorrent::Engine;
use Net::BitTorrent::Error;
use Net::BitTorrent::Legacy;
use Net::BitTorrent::State;
use Net::BitTorrent::Torrent;
use Net::BitTorrent::Version;

our $VERSION = '0.100';
our @ISA = qw(Net::BitTorrent::Emitter Net::BitTorrent::Legacy);

# Seconds that closing may take, `stopped` announces included.
our $CLOSE_TIMEOUT = 10;

my %EVENTS = map { $_ => 1 } qw(
    ip_filter incoming_packet outgoing_packet peer_connect peer_disconnect peer_read peer_write
    tracker_connect tracker_disconnect tracker_read tracker_write tracker_success tracker_failure
    piece_hash_pass piece_hash_fail file_open file_close file_read file_write file_error
    metadata_received
);

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub _fail { goto &Net::BitTorrent::Error::fail }

sub new {
    my ($class, @args) = @_;
    if (@args > 1 || @args && ref $args[0] ne 'HASH') {
        return _fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref');
    }
    my %args    = %{$args[0] // {}};
    my $peer_id = Net::BitTorrent::Version::gen_peerid();
    my $version = Net::BitTorrent::Version::_product_version();
    my $self    = {
        torrents => {},
        calls    => {},
        jobs     => [],
        job      => 0,
        settings => Net::BitTorrent::Legacy::defaults(),
        use_dht  => 1,
        raise    => $args{RaiseError} ? 1 : 0,
    };
    my %options = (
        peer_id                 => $peer_id,
        user_agent              => join('/', __PACKAGE__, $version),
        stop_tracker_timeout_ms => 3000,
        event_queue_len         => 1_000_000,
        Net::BitTorrent::Legacy::engine_options(),
    );
    # Options of the engine may be given by their names.
    for my $name (grep { /\A[a-z_0-9]+\z/ && $_ ne 'listen' } keys %args) {
        $options{$name} = $args{$name} if defined $args{$name} && Tern::_option_exists($name);
    }
    @$self{qw(engine host port)} = _listen($self, \%args, \%options) or return;
    my $object = bless \$peer_id, $class;
    Tern::attach($object, $self);
    $self->{engine}->belongs_to($object);
    $self->{dht} = Net::BitTorrent::DHT->_make($object);
    return $object;
}

# An engine that listens on the first port that can be had; on none if there is no such port.
sub _listen {
    my ($self, $args, $options) = @_;
    my $host  = defined $args->{LocalHost} ? $args->{LocalHost} : '0.0.0.0';
    my $port  = $args->{LocalPort} // 0;
    my @ports = ref $port eq 'ARRAY' ? @$port : ($port);
    my $packed = Socket::inet_aton($host);
    my $errno  = defined $packed ? 0 : Errno::EADDRNOTAVAIL();
    @ports = () if !defined $packed;
    my $address = defined $packed ? Socket::inet_ntoa($packed) : undef;
    for my $port (grep { defined && /\A[0-9]+\z/ && $_ < 65536 } @ports) {
        my $engine = Net::BitTorrent::Engine->new(%$options, listen => "$address:$port")
            or return Net::BitTorrent::Error::of_engine($self, 'Cannot start');
        my $bound = $engine->session->listen_port;
        return ($engine, $address, $bound) if $bound;
        $engine->collect(0);
        for my $event (@{$engine->{events}}) {
            $errno = $event->{errno}
                if $event->{kind} == TERN_EVENT_LISTEN_FAILED && $event->{errno};
        }
        $engine->close(1);
    }
    my $engine = Net::BitTorrent::Engine->new(%$options, listen => '')
        or return Net::BitTorrent::Error::of_engine($self, 'Cannot start');
    $! = $errno if $errno;
    return ($engine, undef, undef);
}

sub peerid     { my ($o) = @_; return _self($o) ? $$o : undef }
sub torrents   { my $s = _self(@_) or return; return $s->{torrents} }
sub last_error { my $s = _self(@_) or return; return $s->{last_error} }

sub _engine {
    my $s = _self(@_) or return;
    return $s->{engine};
}

# The engine's session, if it is open and ours.
sub _session {
    my $s = _self(@_) or return;
    my $engine = $s->{engine};
    return $engine && $engine->is_owner ? $engine->session : undef;
}

sub add_torrent {
    my ($object, $args) = @_;
    my $s = _self($object) or return;
    if (ref $args ne 'HASH') {
        return _fail($s, 'argument',
            'Net::BitTorrent->add_torrent({ }) requires parameters to be passed as a hashref');
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
        return _fail($s, 'argument',
            'Net::BitTorrent->remove_torrent( ) requires a Net::BitTorrent::Torrent object');
    }
    if (!$s->{torrents}{$$torrent} || 0 + $s->{torrents}{$$torrent} != 0 + $torrent) {
        return Net::BitTorrent::Error::quietly($s, 'state', 'This client has no such torrent');
    }
    $torrent->stop;
    Net::BitTorrent::Torrent::Saved::leave($torrent, $state, 10);
    return delete $s->{torrents}{$$torrent};
}

# What people have in hand: the path of a .torrent file, a magnet link or an infohash, and where to
# put the content.
sub add {
    my ($object, $thing, $dir, %more) = @_;
    my $s = _self($object) or return;
    if (!defined $thing || !length $thing) {
        return _fail($s, 'argument',
            'add( ) requires the path of a .torrent file or a magnet link');
    }
    my $link = Net::BitTorrent::Torrent::Magnet::link_of($thing);
    return $object->add_torrent({
        (defined $link ? (Magnet => $link) : (Path => $thing)),
        (defined $dir ? (BaseDir => $dir) : ()), %more});
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
    return 1 if !$engine->is_owner;    # a job closed it
    $wait = 0 if @{$engine->{events}};
    $wait = Net::BitTorrent::Legacy::wait_for_sockets($s, $wait) if %{$s->{sockets} || {}};
    $engine->collect($wait);
    $engine->dispatch;
    return 1;
}

# For event loops: everything there is to tell, without waiting.
sub process_events {
    my ($object) = @_;
    my $s = _self($object) or return;
    my $engine = $s->{engine};
    return 1 if !$engine->is_owner;
    _run_jobs($s, 0);
    return 1 if !$engine->is_owner;
    $engine->collect(0);
    $engine->dispatch while @{$engine->{events}} && $engine->is_owner;
    return 1;
}

# Seconds until process_events has something to do although the descriptor is not readable; undef:
# not before.
sub next_timeout {
    my $s = _self(@_) or return;
    return 0 if @{$s->{engine}{events}};
    my $wait = @{$s->{jobs}} ? _until_next_job($s) : undef;
    return $wait;
}

# Runs what is due; how long may be waited then.
sub _run_jobs {
    my ($s, $timeout) = @_;
    return $timeout if !@{$s->{jobs}};
    my $now = Time::HiRes::time();
    for my $job (grep { $_->{Time} <= $now } @{$s->{jobs}}) {
        my $left = grep { $_->{id} == $job->{id} } @{$s->{jobs}};
        next if !$left;    # cancelled by one before it
        @{$s->{jobs}} = grep { $_->{id} != $job->{id} } @{$s->{jobs}};
        $job->{Code}->($job->{Object});
    }
    return $timeout if !@{$s->{jobs}};
    my $left = _until_next_job($s);
    return $timeout < 0 || $left < $timeout ? $left : $timeout;
}

sub _until_next_job {
    my ($s) = @_;
    my ($next) = sort { $a <=> $b } map { $_->{Time} } @{$s->{jobs}};
    my $left = $next - Time::HiRes::time();
    return $left > 0 ? $left : 0;
}

# Loops until $condition->() is true (default: every torrent is complete), at most $seconds. Whether
# it was.
sub wait {
    my ($object, $condition, $seconds) = @_;
    my $s = _self($object) or return;
    $condition //= sub { !grep { !$_->is_complete } values %{$s->{torrents}} };
    if (ref $condition ne 'CODE') {
        return _fail($s, 'argument', 'wait( ) requires a code reference');
    }
    my $end = defined $seconds ? Time::HiRes::time() + $seconds : undef;
    until ($condition->()) {
        my $left = defined $end ? $end - Time::HiRes::time() : 1;
        return 0 if $left <= 0 || !$s->{engine}->is_owner;
        $object->do_one_loop($left < 0.25 ? $left : 0.25);
    }
    return 1;
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

sub _knows_event { return $EVENTS{$_[1]} }

sub _handlers_changed {
    my ($object) = @_;
    my $s = _self($object) or return;
    $s->{engine}->interest_changed if $s->{engine};
}

sub _event {
    my ($object, $type, $args) = @_;
    my $s = _self($object) or return;
    return Net::BitTorrent::Emitter::call($object, $s, $type, $args);
}

# Whether an address may be connected to or let in.
sub _may_use {
    my ($object, $address) = @_;
    my $s = _self($object) or return;
    return 0 if $s->{settings}{encryption_mode} == 2;
    return 1 if !Net::BitTorrent::Emitter::listens($s, 'ip_filter');
    my @said = Net::BitTorrent::Emitter::call($object, $s, 'ip_filter', {Address => $address});
    return !grep { defined && length && looks_like_number($_) && $_ == 0 } @said;
}

# ---- How it goes ---------------------------------------------------------------------------------

sub stats {
    my ($object) = @_;
    my $session = $object->_session or return;
    return $session->stats;
}

# As the world sees us.
sub external_addresses {
    my ($object) = @_;
    my $session = $object->_session or return;
    return split /\n/, $session->external // '';
}

# Share of the wanted bytes of all torrents that is here, 0 to 1.
sub progress {
    my $s = _self(@_) or return;
    my ($have, $wanted) = (0, 0);
    for my $torrent (values %{$s->{torrents}}) {
        my ($h, $w) = $torrent->_wanted_bytes;
        $have   += $h;
        $wanted += $w;
    }
    return $have / $wanted if $wanted;
    return (grep { !$_->is_metadata_complete } values %{$s->{torrents}}) ? 0 : 1;
}

sub finished {
    my $s = _self(@_) or return;
    return [grep { $_->is_complete } map { $s->{torrents}{$_} } sort keys %{$s->{torrents}}];
}

# Bytes per second of all torrents, 0 unlimited. Returns both; sets those given.
sub limits {
    my ($object, %new) = @_;
    my $s = _self($object) or return;
    my %name = (download => 'download_limit', upload => 'upload_limit');
    for my $key (keys %new) {
        if (!$name{$key} || !defined $new{$key} || $new{$key} !~ /\A[0-9]+\z/) {
            return _fail($s, 'argument',
                'limits( ) requires download and upload in bytes per second');
        }
    }
    my $session = $object->_session
        or return Net::BitTorrent::Error::quietly($s, 'state', 'The client is closed');
    if (%new) {
        $session->apply({map { $name{$_} => $new{$_} } keys %new})
            or return Net::BitTorrent::Error::of_engine($s, 'limits');
        $s->{settings}{max_dl_rate} = $new{download} if defined $new{download};
        $s->{settings}{max_ul_rate} = $new{upload}   if defined $new{upload};
    }
    return {map { $_ => $session->option($name{$_}) } keys %name};
}

# Makes a .torrent file of a file or directory; its bytes, or true when Output was given.
sub create_torrent {
    my ($class, $args) = @_;
    my $s = ref $class ? _self($class) : undef;
    my %raise = ref $args eq 'HASH' && defined $args->{RaiseError}
        ? (raise => $args->{RaiseError}) : ();
    if (ref $args ne 'HASH' || !defined $args->{Path}) {
        return _fail($s, 'argument', 'create_torrent({ }) requires a \'Path\'', %raise);
    }
    my %known = (Path => 'path', Name => 'name', Comment => 'comment', CreatedBy => 'created_by',
        CreationDate => 'creation_date', PieceLength => 'piece_length', Private => 'private',
        Source => 'source', Trackers => 'trackers', WebSeeds => 'web_seeds', Threads => 'threads');
    my @wrong = sort grep { !$known{$_} && $_ !~ /\A(?:Output|RaiseError)\z/ } keys %$args;
    return _fail($s, 'argument', "create_torrent({ }) knows no '$wrong[0]'", %raise) if @wrong;
    my $bytes = Tern::create(map { ($known{$_} => $args->{$_}) }
        grep { $known{$_} && defined $args->{$_} } keys %$args);
    if (!defined $bytes) {
        return Net::BitTorrent::Error::of_engine($s, "Cannot make a torrent of '$args->{Path}'",
            %raise);
    }
    return $bytes if !defined $args->{Output};
    return 1 if Net::BitTorrent::Torrent::Saved::replace_file($args->{Output}, $bytes);
    return _fail($s, 'system', "Cannot write '$args->{Output}': $!", %raise);
}

sub save_state { goto &Net::BitTorrent::State::save }
sub load_state { goto &Net::BitTorrent::State::load }

# ---- The end -------------------------------------------------------------------------------------

# Stops everything in bounded time, in order; the client is of no use then.
sub shutdown { my ($object) = @_; return $object->_close }

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
        my $client = $engine->{client};
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
    my $udp = $object->_udp_port;
    my @torrents = map { $s->{torrents}{$_} } sort keys %{$s->{torrents}};
    return join "\n",
        'Net::BitTorrent',
        '',
        'Peer ID: ' . $$object,
        'DHT is ' . ($object->_use_dht ? 'enabled' : 'disabled'),
        'DHT Node ID: ' . unpack('H*', $s->{dht}->node_id),
        "TCP Address: $address",
        'UDP Address: ' . (defined $udp ? $object->_udp_host . ":$udp" : 'not listening'),
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
can be had, the client works without listening. C<RaiseError>: failures are thrown as
L<Net::BitTorrent::Error>, here and in the client's torrents. Every option of the engine can be
given too, by the name it has in F<docs/options.md>: C<< max_connections => 50 >>. Other keys are
ignored.

=item C<peerid>

Our peer id, 20 bytes; also the value of the object as a scalar reference.

=item C<torrents>

Reference to the hash of torrents, by infohash.

=item C<add_torrent ( { ... } )>

Takes the arguments of L<Net::BitTorrent::Torrent/new> and starts the torrent (but see there for
C<Resume>). Returns it, or C<undef>; silently, when it is there already.

=item C<add ( $thing, [ $directory, %more ] )>

The same for people in a hurry: the path of a F<.torrent> file, a magnet link or an infohash of 40
digits, C<BaseDir>, and other arguments of C<add_torrent>.

=item C<remove_torrent ( $torrent )>

Disconnects and stops it, closes its files, and returns it.

=item C<do_one_loop ( [ $timeout ] )>

Waits until something happened, at most C<$timeout> seconds (default 1; fractions are fine;
negative: no limit; 0: does not wait), and calls handlers for all that happened. Always returns 1.
A signal ends the wait, after its handler in C<%SIG> has run. When a handler dies, so does
C<do_one_loop>; what was not told yet is told next time.

=item C<wait ( [ $condition, $seconds ] )>

Loops until C<< $condition->() >> is true (default: every torrent is complete), at most so long.
Returns whether it was.

=item C<fileno> C<fh> C<process_events> C<next_timeout>

For event loops: a descriptor (or a file handle for it) that is readable exactly while there is
something to be told, and the call to make then. C<next_timeout> is how many seconds from now it has
to be called all the same, for jobs (C<_schedule>); C<undef> when there are none. With L<AnyEvent>:

    my $watcher = AnyEvent->io(
        fh => $client->fh, poll => 'r', cb => sub { $client->process_events });

L<EV>: C<< EV::io($client->fileno, EV::READ, sub { $client->process_events }) >>. Mojo: C<<
Mojo::IOLoop->singleton->reactor->io($client->fh => sub { $client->process_events })
->watch($client->fh, 1, 0) >>. IO::Async: C<< $loop->watch_io(handle => $client->fh, on_read_ready
=> sub { $client->process_events }) >>. F<examples/perl> has a program for each.

=item C<on_event ( $type, $code )>

Sets the handler for a type of event; C<undef> removes it. Returns C<$code>.

=item C<on ( $type, $code )> C<off ( $type, [ $code ] )>

Adds a handler besides that of C<on_event>; removes it, or all of a type. C<on> returns C<$code>,
C<off> how many went.

=item C<external_addresses>

Our addresses as the world sees them, as far as peers, trackers and the DHT told: a list of
C<ip:port>, IPv4 before IPv6, with the port the client listens on.

=item C<progress> C<finished> C<stats> C<limits ( [ download =E<gt> $n, upload =E<gt> $n ] )>

Share of the wanted bytes of all torrents that is here, 0 to 1. Reference to an array of the
torrents that are complete. Reference to a hash of numbers (C<tern_stats> in F<tern.h>). Bytes per
second for all torrents, 0 unlimited: sets those given, returns both in a hash.

=item C<save_state ( [ $file ] )> C<load_state ( $file_or_bytes )>

The whole client: settings, DHT nodes, torrents with their resume data; written to a file (replaced
so that a crash leaves the old or the new one), or returned as bytes. C<load_state> takes it into a
client and returns how many torrents were added; C<undef> when it is none, or damaged.

=item C<create_torrent ( { ... } )>

Makes a F<.torrent> file and returns its bytes, or writes them to C<Output> and returns true. C<Path>
(file or directory, required), C<Name>, C<PieceLength>, C<Trackers> (array of URLs), C<WebSeeds>,
C<Comment>, C<CreatedBy>, C<CreationDate>, C<Private>, C<Source>, C<Threads>. A class method too.

=item C<last_error>

The last failure as L<Net::BitTorrent::Error>.

=item C<shutdown>

Stops everything, as L</SIGNALS, THREADS, FORKS, THE END> says, and waits for it.

=item C<as_string ( [ $verbose ] )>

The peer id, or a page about the client. In void context it is printed to STDERR.

=back

=head1 EVENTS

Handlers get the object they were set on and a reference to a hash. Events of torrents go to the
client's handler, then to the torrent's.

    ip_filter           Address              (return 0 to refuse it)
    peer_connect        Peer
    peer_disconnect     Peer, Reason (see Net::BitTorrent::Peer), sometimes Advanced
    peer_read           Peer, Length
    peer_write          Peer, Length
    incoming_packet     Peer, Type, Payload            (types: Net::BitTorrent::Protocol)
    outgoing_packet     Peer, Type, Payload, ID of EXTPROTOCOL
    tracker_connect     Tracker, sometimes Event
    tracker_write       Tracker, Length
    tracker_read        Tracker, Length
    tracker_disconnect  Tracker
    tracker_success     Tracker, Payload (complete, incomplete, interval, peers, warning message)
    tracker_failure     Tracker, Reason
    metadata_received   Torrent                        (of those that were magnet links)
    piece_hash_pass     Torrent, Index
    piece_hash_fail     Torrent, Index
    file_open           File, Mode (r or w)
    file_read           File, Length
    file_write          File, Length
    file_close          File
    file_error          File, Message

and for torrents only C<verify_piece> and C<resume_save>, see L<Net::BitTorrent::Torrent/on_event>.
All from C<tracker_connect> on can be set on torrents too.

C<ip_filter> is asked before a connection is made, and before one is let in; the engine waits for the
answer, at most 30 seconds, and without one does not connect. So a program that sets it has to loop.

C<EXTPROTOCOL> are the extension handshake (C<ID> 0) and the messages of extensions: C<ID> is the
number that the receiver gave the extension, of what came it is a key of C<Payload>, which otherwise
is the dictionary that the message begins with.

C<peer_connect> comes with the first bytes of a peer, before it is known who that is; C<HANDSHAKE>
is the packet that says it, for those who connect to us in the next loop. Bytes of peers and files
and packets are told only while somebody listens: there are many.

C<file_write> says that bytes were handed to the storage, C<file_read> that they were read for a peer
or to be hashed (also out of memory). C<file_open> and C<file_close> say what for, not which
descriptors the engine has. Bytes of trackers are told once a request is through, in one piece each.

=head1 PRIVATE METHODS

Programs call some of what was private in 0.052, so it is here.

C<_set_max_ul_rate>, C<_set_max_dl_rate> (bytes per second, 0 unlimited; of the first 0 is not
taken), C<_set_peers_per_torrent> (100), C<_set_half_open> (8), C<_set_connections_per_host> (1),
C<_set_encryption_mode> (0 off, 1 on, the default, 2 forced), and without C<_set> what they are.
This version has no encryption: 0 and 1 do the same, 2 connects to nobody and says so.

C<_dht> (the L<Net::BitTorrent::DHT>), C<_use_dht>, C<_set_use_dht>. C<_tcp_host>, C<_tcp_port>,
C<_udp_host>, C<_udp_port>: where the client listens, C<undef> if it does not. C<_tcp>, C<_udp>: file
handles to wait for, never to read from. C<_socket_open_tcp ( $host, $port )> listens somewhere
else; C<_socket_open_udp> tells whether there is such a socket. C<_schedule ( { Time, Code, Object }
)> has C<do_one_loop> call C<Code> with C<Object> at that time, C<_cancel ( $id )> not.
C<_locate_torrent ( $infohash )>. C<_build_reserved>: bytes of our handshake.

C<_connections>: reference to a hash of C<{Object, Mode}>; peers have the number of their connection
as key, since their sockets are the engine's. C<_add_connection ( $object, $mode )> has
C<do_one_loop> wait for C<< $object->_socket >> too and call C<< $object->_rw($read, $write, $error)
>>; C<_remove_connection ( $object )>.

=head1 SIGNALS, THREADS, FORKS, THE END

Ctrl-C and other signals work as in any Perl program; the engine's threads take none.

A client belongs to the thread that made it, and handlers run there. Torrents are cloned into new
threads and show the same state there. C<hashcheck> works in them while the client's thread loops; it
calls the handlers for C<piece_hash_pass> and C<piece_hash_fail> that were set in the thread. Others
set there are not called, and none is that was cloned.

After C<fork> the child's copies of clients and torrents are dead: they know what they knew,
nothing happens, and letting go of them does nothing. Do not make a new client in such a child: fork
before the first client is made, or C<exec>.

A client that is destroyed, or that is there when the program ends, stops within seconds: it tells
trackers and peers and writes resume files for the last time (L<Net::BitTorrent::Torrent/RESUME
DATA>). Programs' C<END> blocks run before that. Nothing is printed.

=head1 DIFFERENCES FROM 0.052

What its documentation promised and it did not do is done: resume data works; the last piece counts,
also of torrents whose size is a multiple of the piece length; C<is_complete> and C<_wanted> know
every piece; names made of digits are names, so that infohashes are right; C<complete> and
C<incomplete> of tiers are there; nothing is requested of a torrent that is being checked; C<pause>
needs a client, and disconnects peers. Files that are there when a torrent without C<Resume> is added
are found without C<hashcheck>.

Not in this version: encryption, and connections that a program accepted by itself
(C<< Net::BitTorrent::Peer->new({Socket => ...}) >>). Who connects and is no BitTorrent peer, or asks
for a torrent that is not here, is turned away without an event. Whether there is a DHT, UDP trackers
and so on tells C<Tern::has('dht')>, C<Tern::has('udp')>.

=head1 SEE ALSO

L<Net::BitTorrent::Torrent>, L<Net::BitTorrent::Peer>, L<Net::BitTorrent::Util>,
L<Net::BitTorrent::Protocol>, L<Tern>

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
