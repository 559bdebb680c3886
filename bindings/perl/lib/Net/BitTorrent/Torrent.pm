package Net::BitTorrent::Torrent;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use Cwd ();
use Fcntl qw(:flock O_CREAT O_EXCL O_WRONLY);
use File::Basename ();
use File::Spec;
use IO::Handle;
use Scalar::Util qw(blessed looks_like_number weaken);
use Time::HiRes ();
use Tern qw(:constants);
use Net::BitTorrent::Engine;
use Net::BitTorrent::Peer;
use Net::BitTorrent::Torrent::File;
use Net::BitTorrent::Torrent::Tracker;
use Net::BitTorrent::Util qw(bdecode);

our $VERSION = '0.100';

use Exporter 'import';
our (@EXPORT_OK, %EXPORT_TAGS);

use constant {
    STARTED           => 1,
    CHECKING          => 2,
    START_AFTER_CHECK => 4,
    CHECKED           => 8,
    ERROR             => 16,
    PAUSED            => 32,
    LOADED            => 64,
    QUEUED            => 128,
};

BEGIN {
    @EXPORT_OK = qw(STARTED CHECKING START_AFTER_CHECK CHECKED ERROR PAUSED LOADED QUEUED);
    %EXPORT_TAGS = (status => [@EXPORT_OK], all => [@EXPORT_OK]);
}

# What a synthetic event at the end of a blocking check is called.
use constant CHECK_END => -100;

# Private numbers of synthetic events never meet those of the engine, which are positive.
my %EVENTS = map { $_ => 1 } qw(
    tracker_connect tracker_disconnect tracker_read tracker_write tracker_success tracker_failure
    piece_hash_pass piece_hash_fail file_open file_close file_read file_write file_error
    verify_piece resume_save
);

# 0.052 knows 0 (skip) to 3 (high); the engine 0 to 7 with 4 for normal.
my @PRIORITY = (0, 1, 4, 7);

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub new {
    my ($class, $args) = @_;
    if (ref $args ne 'HASH') {
        carp __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref';
        return;
    }
    if (!defined $args->{Path}) {
        carp __PACKAGE__ . '->new({ }) requires a \'Path\' parameter';
        return;
    }
    my $client = $args->{Client};
    if (defined $client && !(blessed $client && $client->isa('Net::BitTorrent'))) {
        carp __PACKAGE__ . '->new({ }) requires a blessed \'Client\'';
        return;
    }
    my $engine;
    if (defined $client) {
        $engine = $client->_engine or return;
    }
    my $path = File::Spec->rel2abs($args->{Path});
    my $raw  = _slurp_torrent($path);
    return if !defined $raw;
    my $metainfo = _parse($raw, $path) or return;
    my $hash = unpack 'H*', $metainfo->info_hash;
    return if defined $client && $client->_locate_torrent($hash);

    my $object = bless \$hash, $class;
    my $pieces = $metainfo->piece_count;
    my $base   = defined $args->{BaseDir} ? $args->{BaseDir} : Cwd::getcwd();
    my $self   = {
        metainfo => $metainfo,
        path     => $path,
        basedir  => File::Spec->rel2abs($base),
        resume   => $args->{Resume},
        view     => Tern::View->new($pieces),
        pieces   => $pieces,
        block    => _parse_block_length($args->{BlockLength}),
        peers    => {},
        calls    => {},
        written  => {},
        added_up => 0,
        added_down => 0,
    };
    Tern::attach($object, $self);
    _make_files($object, $self);
    _make_tiers($object, $self);
    _update_want($self);
    $self->{view}->change(_first_status($args->{Status}) | LOADED, 0);
    return if !_read_resume($object, $self, $client);
    return $object;
}

# The .torrent file's bytes, read under a shared lock.
sub _slurp_torrent {
    my ($path) = @_;
    if (!-f $path) {
        carp sprintf q(Cannot find the torrent file '%s'), $path;
        return;
    }
    open my $fh, '<:raw', $path or return;
    flock $fh, LOCK_SH or return;
    my $raw = do { local $/; <$fh> };
    close $fh;
    return $raw // '';
}

sub _parse {
    my ($raw, $path) = @_;
    my $metainfo = Tern::Metainfo->parse($raw);
    return $metainfo if $metainfo;
    my $dict = bdecode($raw);
    if (ref $dict ne 'HASH' || ref $dict->{info} ne 'HASH') {
        carp sprintf q(Malformed .torrent: '%s'), $path;
        return;
    }
    my $hashes = length($dict->{info}{pieces} // '');
    return if $hashes < 20 || $hashes % 20;    # silently, as always
    carp sprintf q(Cannot use '%s': %s), $path, $Tern::error;
    return;
}

sub _parse_block_length {
    my ($given) = @_;
    return 16384 if !defined $given;
    return 0 + $given if $given =~ /\A[0-9]+\z/ && $given > 0;
    carp q(Malformed 'BlockLength': using the default);
    return 16384;
}

sub _first_status {
    my ($given) = @_;
    return 0 if !defined $given;
    if ($given !~ /\A[0-9]+\z/) {
        carp q(Malformed 'Status': ignored);
        return 0;
    }
    return $given & (START_AFTER_CHECK | PAUSED);
}

sub _make_files {
    my ($object, $self) = @_;
    $self->{layout} = [$self->{metainfo}->files];
    $self->{files} = [
        map {
            Net::BitTorrent::Torrent::File->_make(
                $object, $_->{index}, $_->{size},
                File::Spec->catfile($self->{basedir}, split m{/}, $_->{path}))
        } @{$self->{layout}}
    ];
    $self->{priorities} = [(2) x @{$self->{files}}];
}

sub _make_tiers {
    my ($object, $self) = @_;
    my @tiers;
    push @{$tiers[$_->[0]]}, $_->[1] for $self->{metainfo}->trackers;
    $self->{tiers} = [
        grep { defined } map {
            Net::BitTorrent::Torrent::Tracker->_make($object, $_)
        } grep { defined } @tiers
    ];
}

# Which pieces count for is_complete: those of files that are not skipped.
sub _update_want {
    my ($self) = @_;
    my $bits = '0' x $self->{pieces};
    for my $file (@{$self->{layout}}) {
        next if !$self->{priorities}[$file->{index}];
        my ($first, $end) = @$file{qw(first_piece end_piece)};
        substr($bits, $first, $end - $first) = '1' x ($end - $first) if $end > $first;
    }
    $self->{view}->set_want(pack 'b*', $bits);
}

# ---- Getting into an engine, with what was saved -------------------------------------------------

# Reads the file given as Resume and enters the client's engine (or, for an orphan with resume data, an
# engine of its own).
sub _read_resume {
    my ($object, $self, $client) = @_;
    my $blob;
    if (defined $self->{resume} && -s $self->{resume}) {
        open my $fh, '<:raw', $self->{resume} or return 1;
        $blob = do { local $/; <$fh> };
    }
    if ($client) {
        return _enter($object, $self, $client, $client->_engine, $blob, defined $blob);
    }
    return 1 if !defined $blob;
    my $engine = _own_engine() or return 1;
    return _enter($object, $self, undef, $engine, $blob, 1);
}

# An engine for one torrent without a client: no network.
sub _own_engine {
    return Net::BitTorrent::Engine->new(
        listen           => '',
        trackers_enabled => 0,
        net_threads      => 1,
        disk_threads     => 2,
        event_queue_len  => 1_000_000,
    );
}

sub _enter {
    my ($object, $self, $client, $engine, $blob, $hold) = @_;
    my $view   = $self->{view};
    my $paused = $hold || !$client || $view->status & PAUSED;
    my %add = (
        metainfo    => $self->{metainfo},
        save_path   => $self->{basedir},
        paused      => $paused ? 1 : 0,
        save_policy => 0,
        save_hook   => TERN_HOOK_QUEUED,
        load_policy => TERN_LOAD_STRICT,
        (defined $blob ? (resume => $blob) : ()),
    );
    $add{file_priorities} = pack 'C*', map { _engine_priority($_) } @{$self->{priorities}}
        if grep { $_ != 2 } @{$self->{priorities}};
    my $handle = $engine->session->add(\%add);
    if (!$handle && defined $blob && $Tern::error->code == TERN_E_RESUME) {
        # Another program's file, or of another torrent: as if it were not there, but not started.
        delete $add{resume};
        undef $blob;
        $handle = $engine->session->add(\%add);
    }
    $handle = _after_goodbye($object, $engine, \%add)
        if !$handle && $Tern::error->code == TERN_E_DUPLICATE;
    if (!$handle) {
        carp sprintf q(Cannot load '%s': %s), $self->{path}, $Tern::error
            if $Tern::error->code != TERN_E_DUPLICATE;
        return;
    }
    @$self{qw(engine handle own)} = ($engine, $handle, !$client);
    delete @$self{qw(loaded refused held)};
    if ($client) {
        weaken($self->{client} = $client);
        $view->change(QUEUED, 0);
        $view->change(STARTED, 0) if !$paused;
    }
    $engine->register($object, $handle);
    _load_blob($object, $self) if defined $blob;
    _apply_hooks($self);
    $self->{start_pending} = 1 if $client && $hold && !($view->status & (STARTED | PAUSED));
    return 1;
}

# A torrent object that was dropped may still be leaving the engine: then there is room in a moment.
sub _after_goodbye {
    my ($object, $engine, $add) = @_;
    return if grep { defined && $$_ eq $$object } values %{$engine->{torrents}};
    my $handle;
    $engine->pump_until(sub { $handle = $engine->session->add($add) }, 5);
    return $handle;
}

# Waits until the engine has compared the files with what was saved. What it finds out becomes the
# torrent's first state; no event tells it.
sub _load_blob {
    my ($object, $self) = @_;
    my ($engine, $view) = @$self{qw(engine view)};
    my $id = $self->{handle}->id;
    my $verdict;
    my $look = sub {
        for my $event (grep { $_->{torrent} == $id } @{$engine->{events}}) {
            my $kind = $event->{kind};
            $verdict = $kind if $kind == TERN_EVENT_CHECKED
                || $kind == TERN_EVENT_RESUME_REJECTED || $kind == TERN_EVENT_STORAGE_FAILED;
            last if $verdict;
        }
        return $verdict;
    };
    $engine->pump_until($look, 24 * 3600) or return;
    if ($verdict == TERN_EVENT_RESUME_REJECTED) {
        # The engine goes on to look at the files by itself; nobody hears of it until hashcheck.
        $self->{refused} = 1;
        $self->{held}    = [];
        $object->_set_error('Bad resume data. Please hashcheck.');
        $view->change(START_AFTER_CHECK, 0);
        return;
    }
    return if $verdict != TERN_EVENT_CHECKED;
    @{$engine->{events}} = grep { $_->{torrent} != $id } @{$engine->{events}};
    my $start = $view->status & START_AFTER_CHECK;
    my $status = $self->{handle}->status;
    @$self{qw(restored hashed)} = @$status{qw(pieces_restored pieces_hashed)} if $status;
    $view->set_bitfield(_lsb($self->{handle}->bitfield, $self->{pieces}));
    _read_priorities($self);
    $view->change(CHECKED, START_AFTER_CHECK);
    $self->{loaded} = 1;
    $object->start if $start && $view->status & QUEUED && !($view->status & PAUSED);
}

# Priorities come back with resume data.
sub _read_priorities {
    my ($self) = @_;
    my $bytes = $self->{handle}->file_priorities;
    return if !defined $bytes || length $bytes != @{$self->{priorities}};
    my @engine = unpack 'C*', $bytes;
    for my $file (0 .. $#engine) {
        next if _engine_priority($self->{priorities}[$file]) == $engine[$file];
        $self->{priorities}[$file]
            = $engine[$file] == 0 ? 0 : $engine[$file] < 4 ? 1 : $engine[$file] == 4 ? 2 : 3;
    }
    _update_want($self);
}

sub _engine_priority { my ($p) = @_; return $PRIORITY[$p > 3 ? 3 : $p] }

sub _lsb { my ($bits, $count) = @_; return pack 'b*', substr(unpack('B*', $bits // ''), 0, $count) }

# An engine to work with: the client's, or one of the torrent's own, made when first needed.
sub _attached {
    my ($object, $self) = @_;
    if ($self->{engine} && $self->{handle}) {
        return $self->{engine} if !$self->{engine}{closed} && $self->{engine}{pid} == $$;
    }
    return if $self->{engine} && $self->{engine}{pid} != $$;
    my $engine = _own_engine() or return;
    _enter($object, $self, undef, $engine, delete $self->{blob}, 1) or return;
    return $engine;
}

# Leaves the engine, taking the state along. The files are closed when this returns.
sub _leave {
    my ($object, $self, $limit) = @_;
    my ($engine, $handle) = @$self{qw(engine handle)};
    return if !$engine || !$handle || !$engine->is_owner;
    $handle->pause;
    $engine->save(
        $handle,
        sub { $self->{blob} = $_[0]; $object->_refresh_written($_[0]); 1 },
        $limit) if $self->{loaded};
    _remember_counts($self);
    my $id = $handle->id;
    $engine->{leaving}{$id} = $object;
    $handle->remove(0);
    $engine->pump_until(
        sub { grep { $_->{torrent} == $id && $_->{kind} == TERN_EVENT_REMOVED }
                @{$engine->{events}} },
        $limit);
    delete $engine->{torrents}{$id};
    delete @$self{qw(engine handle loaded refused held start_pending checking)};
    return ($engine, $id);
}

sub _remember_counts {
    my ($self) = @_;
    my $status = $self->{handle} ? $self->{handle}->status : undef;
    return if !$status;
    $self->{added_down} += $status->{downloaded};
    $self->{added_up}   += $status->{uploaded};
}

# Dropped without remove_torrent, as one that was only queued may be.
sub DESTROY {
    my ($object) = @_;
    return if ${^GLOBAL_PHASE} eq 'DESTRUCT';
    my $s = _self($object) or return;
    my ($engine, $handle) = @$s{qw(engine handle)};
    return if !$engine || !$handle || $s->{own} || !$engine->is_owner;
    local ($@, $!, $?, $^E);
    delete $engine->{torrents}{$handle->id};
    $handle->remove(0);
}

# ---- Facts ---------------------------------------------------------------------------------------

sub infohash { my $s = _self(@_) or return; return unpack 'H*', $s->{metainfo}->info_hash }

sub name { my $s = _self(@_) or return; return $s->{metainfo}->name }

for my $field (qw(comment created_by)) {
    no strict 'refs';
    *$field = sub {
        my $s = _self(@_) or return;
        my $text = $s->{metainfo}->$field;
        return length $text ? $text : undef;
    };
}

sub creation_date {
    my $s = _self(@_) or return;
    return $s->{metainfo}->creation_date || undef;
}

sub size        { my $s = _self(@_) or return; return $s->{metainfo}->total_size }
sub path        { my $s = _self(@_) or return; return $s->{path} }
sub private     { my $s = _self(@_) or return; return $s->{metainfo}->is_private ? 1 : 0 }
sub piece_count { my $s = _self(@_) or return; return $s->{pieces} }
sub bitfield    { my $s = _self(@_) or return; return $s->{view}->bitfield }
sub files       { my $s = _self(@_) or return; return $s->{files} }
sub trackers    { my $s = _self(@_) or return; return $s->{tiers} }
sub status      { my $s = _self(@_) or return; return $s->{view}->status }
sub error       { my $s = _self(@_) or return; return $s->{view}->error }
sub resume_path { my $s = _self(@_) or return; return $s->{resume} }

sub _client       { my $s = _self(@_) or return; return $s->{client} }

sub _block_length { my $s = _self(@_) or return; return $s->{block} }
sub _basedir      { my $s = _self(@_) or return; return $s->{basedir} }
sub _handle       { my $s = _self(@_) or return; return $s->{handle} }
sub _wanted       { my $s = _self(@_) or return; return $s->{view}->missing }
sub _nodes        { my $s = _self(@_) or return; return [$s->{metainfo}->nodes] }
sub _restored     { my $s = _self(@_) or return; return $s->{restored} // 0 }
sub _hashed       { my $s = _self(@_) or return; return $s->{hashed} // 0 }

sub raw_data {
    my ($object, $decoded) = @_;
    my $s   = _self($object) or return;
    my $raw = $s->{metainfo}->bytes;
    return $decoded ? scalar bdecode($raw) : $raw;
}

sub peers {
    my $s = _self(@_) or return;
    my $status = $s->{view}->status;
    return if $status & CHECKING || !($status & QUEUED);
    return map { $s->{peers}{$_} } sort { $a <=> $b } keys %{$s->{peers}};
}

sub is_complete {
    my $s = _self(@_) or return;
    return if $s->{view}->status & CHECKING;
    return $s->{view}->complete ? 1 : 0;
}

sub downloaded { return _count('downloaded', 'added_down', @_) }
sub uploaded   { return _count('uploaded',   'added_up',   @_) }

sub _count {
    my ($field, $added, $object) = @_;
    my $s = _self($object) or return;
    my $status = $s->{handle} ? $s->{handle}->status : undef;
    return $s->{$added} + ($status ? $status->{$field} : 0);
}

sub _add_downloaded { my ($o, $n) = @_; my $s = _self($o) or return; return $s->{added_down} += $n }
sub _add_uploaded   { my ($o, $n) = @_; my $s = _self($o) or return; return $s->{added_up} += $n }

sub _set_bitfield {
    my ($object, $bits) = @_;
    my $s = _self($object) or return;
    return if $s->{view}->status & CHECKING || !defined $bits;
    return $s->{view}->set_bitfield($bits) ? $bits : undef;
}

sub _set_status {
    my ($object, $status) = @_;
    my $s = _self($object) or return;
    return if $s->{view}->status & CHECKING || !defined $status || $status !~ /\A[0-9]+\z/;
    return $s->{view}->change($status, ~$status & 0xFF);
}

sub _status_as_string {
    my $s = _self(@_) or return;
    my $status = $s->{view}->status;
    my @words = ([STARTED, 'Started'], [CHECKING, 'Checking'],
        [START_AFTER_CHECK, 'Start after Check'], [CHECKED, 'Checked'], [ERROR, 'Error'],
        [PAUSED, 'Paused'], [LOADED, 'Loaded'], [QUEUED, 'Queued']);
    return join ', ', map { $_->[1] } grep { $status & $_->[0] } @words;
}

sub _set_error {
    my ($object, $message) = @_;
    my $s = _self($object) or return;
    $s->{view}->set_error($message);
    $s->{view}->change(ERROR, STARTED);
    return 1;
}

# ---- Doing things --------------------------------------------------------------------------------

sub start {
    my $object = shift;
    my $s = _self($object) or return;
    my $view = $s->{view};
    return if !($view->status & QUEUED) || !$s->{handle};
    delete @$s{qw(start_pending refused)};
    if (my $held = delete $s->{held}) {
        unshift @{$s->{engine}{events}}, @$held;
    }
    $view->set_error(undef);
    $s->{handle}->resume;
    return $view->change(STARTED, ERROR | PAUSED);
}

sub stop {
    my $object = shift;
    my $s = _self($object) or return;
    return if !($s->{view}->status & QUEUED);
    delete $s->{start_pending};
    $s->{handle}->pause if $s->{handle};
    return $s->{view}->change(0, STARTED);
}

sub pause {
    my $object = shift;
    my $s = _self($object) or return;
    return if !($s->{view}->status & QUEUED) || !$s->{handle};
    $s->{handle}->pause;
    return $s->{view}->change(PAUSED, 0);
}

sub queue {
    my ($object, $client) = @_;
    my $s = _self($object) or return;
    my $engine = blessed $client && $client->isa('Net::BitTorrent') ? $client->_engine : undef;
    if (!$engine) {
        carp 'Net::BitTorrent::Torrent->queue( ) requires a Net::BitTorrent object';
        return;
    }
    if ($s->{view}->status & QUEUED && $s->{client}) {
        carp 'Cannot queue a torrent twice';
        return;
    }
    if ($s->{own}) {
        my ($own) = _leave($object, $s, 10);
        $own->close(5) if $own;
    }
    _enter($object, $s, $client, $engine, delete $s->{blob}, 1) or return;
    return $client;
}

sub hashcheck {
    my $object = shift;
    my $s = _self($object) or return;
    my $view = $s->{view};
    return if $view->status & (PAUSED | CHECKING);
    my $engine = _attached($object, $s) or return;
    return _check_elsewhere($s) if !$engine->is_owner;
    my $id = $s->{handle}->id;
    if ($s->{loaded}) {
        # An earlier check's end, still waiting to be told, is not the end of this one.
        @{$engine->{events}} = grep {
            $_->{torrent} != $id
                || ($_->{kind} != TERN_EVENT_CHECKED && $_->{kind} != CHECK_END)
        } @{$engine->{events}};
        $s->{handle}->recheck or return;
    }
    # else: the engine looks at the files since the torrent was added, and that is this check.
    unshift @{$engine->{events}}, @{delete $s->{held} || []};
    delete $s->{refused};
    $view->set_error(undef);
    $view->change(CHECKING, CHECKED | ERROR);
    $view->set_bitfield("\0" x length $view->bitfield);
    my $checks = $view->checks;
    $s->{checking} = {failed => {}};
    $engine->pump_until(sub { $view->checks != $checks }, 7 * 24 * 3600, $id) or return;
    return 1;
}

# In a clone of the torrent in another thread: the thread that made the client tells the end.
sub _check_elsewhere {
    my ($s) = @_;
    my $view   = $s->{view};
    my $checks = $view->checks;
    $s->{handle}->recheck or return;
    select undef, undef, undef, 0.02 while $view->checks == $checks;
    return 1;
}

sub add_peer {
    my ($object, $address) = @_;
    my $s = _self($object) or return;
    return if !defined $address || !$s->{handle};
    return $s->{handle}->add_peer($address) ? 1 : undef;
}

sub _new_peer {
    my ($object, @address) = @_;
    my $s = _self($object) or return;
    return if !($s->{view}->status & STARTED);
    return $object->add_peer(@address) if @address;
    return 1;    # the engine connects to the peers it knows by itself
}

sub _add_tracker {
    my ($object, $urls) = @_;
    my $s = _self($object) or return;
    if (ref $urls ne 'ARRAY' || !@$urls) {
        carp 'Please, pass new tier in an array ref...';
        return;
    }
    my $tier = Net::BitTorrent::Torrent::Tracker->_make($object, $urls) or return;
    if ($s->{handle}) {
        my $number = @{$s->{tiers}};
        $s->{handle}->add_tracker($number, $_->url) for grep { $_->_supported } @{$tier->urls};
    }
    push @{$s->{tiers}}, $tier;
    return 1;
}

sub _set_priority {
    my ($object, $file, $priority) = @_;
    my $s = _self($object) or return;
    $s->{priorities}[$file] = $priority;
    $s->{handle}->set_file_priority($file, _engine_priority($priority)) if $s->{handle};
    _update_want($s);
    return 1;
}

sub _priority { my ($object, $file) = @_; my $s = _self($object) or return; $s->{priorities}[$file] }

# ---- Resume data ---------------------------------------------------------------------------------

sub save_resume_data {
    my ($object, $path) = @_;
    my $s = _self($object) or return;
    $path = $s->{resume} if !defined $path;
    return if !defined $path || !length $path;
    $path = File::Spec->rel2abs($path);
    my $engine = _attached($object, $s) or return;
    return if !$engine->is_owner;
    return $engine->save($s->{handle}, sub { _write_file($s, $path, $_[0]) }) ? 1 : undef;
}

# Replaces a file so that a crash leaves the old or the new content; true once it is on disk.
sub _write_file {
    my ($s, $path, $bytes) = @_;
    my $temp = sprintf '%s.%d.tmp', $path, $$;
    unlink $temp;
    my $ok = 0;
    if (sysopen my $fh, $temp, O_WRONLY | O_CREAT | O_EXCL) {
        binmode $fh;
        $ok = _write_all($fh, $bytes) && $fh->sync && close($fh) && rename $temp, $path;
        if (!$ok) {
            my $errno = 0 + $!;
            unlink $temp;
            $! = $errno;
        }
    }
    return 0 if !$ok;
    if (open my $dir, '<', File::Basename::dirname($path)) {
        $dir->sync;
    }
    my @stat = stat $path;
    $s->{written}{$path} = "$stat[0]:$stat[1]" if @stat;
    return 1;
}

sub _write_all {
    my ($fh, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $n = syswrite $fh, $bytes, length($bytes) - $at, $at;
        if (!defined $n) {
            next if $!{EINTR};
            return;
        }
        $at += $n;
    }
    return 1;
}

# The last state goes to every file written in this run, if it is still there and still ours: nothing is
# written to the content afterwards, so its times match and the next run trusts it.
sub _refresh_written {
    my ($object, $blob) = @_;
    my $s = _self($object) or return;
    for my $path (sort keys %{$s->{written}}) {
        my @stat = stat $path or next;
        next if "$stat[0]:$stat[1]" ne $s->{written}{$path};
        _write_file($s, $path, $blob);
    }
    return 1;
}

# Whether a last save is wanted when the client closes.
sub _wants_last_save {
    my ($object) = @_;
    my $s = _self($object) or return;
    return $s->{loaded} && (%{$s->{written}} || $object->_handler('resume_save')) ? 1 : 0;
}

# The last save of a client that closes.
sub _last_save {
    my ($object, $blob) = @_;
    my $s = _self($object) or return;
    my $kept = 1;
    if (my $code = $object->_handler('resume_save')) {
        $kept = eval { $code->($object, {Torrent => $object, Data => $blob}) };
        warn $@ if $@;
    }
    $object->_refresh_written($blob);
    return $kept;
}

# The client is gone: what can still be told is kept.
sub _client_closed {
    my ($object) = @_;
    my $s = _self($object) or return;
    delete @$s{qw(engine handle loaded refused held start_pending checking)};
    $s->{peers} = {};
    $s->{view}->change(0, STARTED | CHECKING | QUEUED);
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
    _apply_hooks($s) if $type eq 'verify_piece' || $type eq 'resume_save';
    return $code;
}

sub _handler { my ($object, $type) = @_; my $s = _self($object) or return; return $s->{calls}{$type} }

# The engine asks only when somebody is there to answer.
sub _apply_hooks {
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

# First the client's handler, then our own.
sub _event {
    my ($object, $type, $args) = @_;
    my $s = _self($object) or return;
    my $client = $s->{client};
    $client->_event($type, $args) if $client && $s->{view}->status & QUEUED;
    if (my $code = $s->{calls}{$type}) {
        $code->($object, $args);
    }
    return;
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

sub _dispatch {
    my ($object, $event, $engine) = @_;
    my $s = _self($object) or return;
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

# A check is complete. Under hashcheck every piece is told: those the engine had no reason to mention
# become events at the head of the queue, and then the end.
sub _on_checked {
    my ($object, $s, $event) = @_;
    $s->{loaded} = 1;
    if (!$s->{checking}) {
        $s->{view}->change(CHECKED, 0) if $event->{b} || $event->{c};
        return;
    }
    my $have = _lsb($s->{handle}->bitfield, $s->{pieces});
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
    return if $s->{loaded} || $state == TERN_STATE_STARTING || $state == TERN_STATE_CHECKING;
    my $id = $event->{torrent};
    return if grep { $_->{torrent} == $id && $_->{kind} == TERN_EVENT_CHECKED }
        @{$s->{engine}{events}};
    $s->{loaded} = 1;
    _on_checked($object, $s, $event) if $s->{checking};
}

# After dropped notices: pieces that came meanwhile are told now.
sub _resync {
    my ($object) = @_;
    my $s = _self($object) or return;
    return if !$s->{handle} || $s->{held};
    my $have = _lsb($s->{handle}->bitfield, $s->{pieces});
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
            Reserved => $peer->reserved_bytes,
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

sub _on_storage_failed {
    my ($object, $s, $event) = @_;
    my $message = $event->{text} . (length $event->{text2} ? " ($event->{text2})" : '');
    $object->_set_error($message);
    my $file = defined $event->{file} ? $s->{files}[$event->{file}] : undef;
    $! = $event->{errno} if $event->{errno};
    $object->_event('file_error', {File => $file, Message => $message}) if $file;
}

sub _on_defect {
    my ($object, $s, $event) = @_;
    $object->_set_error($event->{kind} == TERN_EVENT_FATAL
        ? $event->{text} : 'The verifier failed');
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

# ---- For people ----------------------------------------------------------------------------------

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $text = $verbose ? _dump($object, $s) : $object->infohash;
    return defined wantarray ? $text : print STDERR "$text\n";
}

sub _dump {
    my ($object, $s) = @_;
    my $view = $s->{view};
    my ($have, $missing) = (unpack('b*', $view->bitfield), unpack('b*', $view->missing));
    my $map = join '', map {
        substr($have, $_, 1) ? '|' : substr($missing, $_, 1) ? ' ' : 'x'
    } 0 .. $s->{pieces} - 1;
    my $count = $view->count;
    return join "\n",
        'Net::BitTorrent::Torrent',
        '',
        'Path:            ' . $s->{path},
        'Name:            ' . _printable($object->name),
        'Infohash:        ' . $object->infohash,
        'Base Directory:  ' . $s->{basedir},
        'Size:            ' . $object->size . ' bytes',
        sprintf('Status:          %d (%s.)', $view->status, $object->_status_as_string),
        (defined $view->error ? 'Error:           ' . _printable($view->error) : ()),
        'DHT Status:      Disabled',
        sprintf('Progress:        %.2f%% complete (%d bytes up / %d bytes down)',
            $s->{pieces} ? 100 * $count / $s->{pieces} : 100,
            $object->uploaded, $object->downloaded),
        "[$map]",
        '----------',
        'Files:',
        (map { '  ' . $_->path } @{$s->{files}}),
        '----------',
        'Trackers:',
        (map { '  ' . $_->as_string } @{$s->{tiers}});
}

# Bytes for an output handle without an encoding layer.
sub _printable { my ($text) = @_; utf8::encode($text) if utf8::is_utf8($text); return $text }

1;

__END__

=encoding utf8

=head1 NAME

Net::BitTorrent::Torrent - a single torrent

=head1 SYNOPSIS

    use Net::BitTorrent::Torrent qw(:status);

    # Alone: look at it, check it
    my $torrent = Net::BitTorrent::Torrent->new({Path => 'some.torrent', BaseDir => 'downloads'})
        or die 'not a torrent';
    print $torrent->name, "\n";
    print $_->path, ' ', $_->size, "\n" for @{$torrent->files};
    $torrent->hashcheck;
    print $torrent->is_complete ? "complete\n" : "incomplete\n";

    # In a client, resuming
    my $running = $client->add_torrent({
        Path   => 'some.torrent',
        Resume => 'some.resume',
        Status => START_AFTER_CHECK,
    });
    $running->status & CHECKED or $running->hashcheck;
    $running->on_event(piece_hash_pass => sub { my ($self, $args) = @_; $self->save_resume_data });

=head1 CONSTRUCTOR

=head2 new ( { ... } )

Returns an object, whose scalar value is the infohash, or C<undef>.

=over

=item Path

The F<.torrent> file. Required.

=item BaseDir

Where the content is or goes: files lie at C<BaseDir/name> or C<BaseDir/name/path>. Default: the
current directory. Names that no file system could store, C<..> and the like are changed.

=item Client

A L<Net::BitTorrent>. C<< $client->add_torrent >> fills it in. A torrent without one is an I<orphan>: it
can be inspected, checked and saved, and given to a client later with L</queue>.

=item Resume

A file written by L</save_resume_data>. See L</RESUME DATA>. Absent or empty: as if not given.

=item Status

Bits. C<START_AFTER_CHECK> and C<PAUSED> are taken, others ignored.

=item BlockLength

Accepted for old programs. Blocks are 16 KiB.

=back

=head1 METHODS

=over

=item C<infohash>

40 lower-case hexadecimal digits, computed over the bytes as they stand in the file.

=item C<name> C<comment> C<created_by> C<creation_date> C<size> C<path> C<private> C<piece_count>

From the metainfo; C<path> is the F<.torrent> file's. Text is decoded from UTF-8.

=item C<bitfield>

A packed string with the first piece in the lowest bit: C<vec($torrent-E<gt>bitfield, $index, 1)>.

=item C<files> C<trackers>

References to arrays of L<Net::BitTorrent::Torrent::File> and L<Net::BitTorrent::Torrent::Tracker>.

=item C<peers>

List of the connected L<Net::BitTorrent::Peer>s.

=item C<raw_data ( [ $decoded ] )>

The F<.torrent> file's bytes; with a true argument, decoded.

=item C<status>

Bits, see L</STATUS>.

=item C<error>

What went wrong, or C<undef>.

=item C<downloaded> C<uploaded>

Bytes of content in this session.

=item C<is_complete>

1 when all pieces of all files with a priority above 0 are here, else 0; C<undef> during a check.

=item C<hashcheck>

Reads and checks everything and returns 1 when done; C<piece_hash_pass> or C<piece_hash_fail> is called
for every piece. C<undef> while paused or being checked. May be called in handlers. Other torrents'
events wait until the next C<do_one_loop>.

=item C<start> C<stop> C<pause>

Return the new status; C<undef> when the torrent is in no client. C<start> also retries after an error.

=item C<queue ( $client )>

Gives an orphan to a client. It does not start.

=item C<resume_path>

The C<Resume> argument.

=item C<save_resume_data ( [ $path ] )>

Writes resume data to C<$path>, default L</resume_path>, and returns true when it is safely on disk:
what was downloaded is synced first, then the file is written beside the old one, synced, and renamed.
C<undef> and C<$!> on failure; then the old file is untouched. May be called in handlers.

=item C<add_peer ( 'host:port' )>

Connects to this address. IP addresses only.

=item C<on_event ( $type, $code )>

One handler per type; C<undef> removes it; returns C<$code>. See L<Net::BitTorrent/EVENTS>. Events of
torrents are told to the client's handler first. Two are for torrents only:

=over

=item C<verify_piece>

Called for each piece before it counts: C<{Torrent, Index, Data (reference to the bytes), Attempt,
HashOK, Peers}>. Return true to accept, 0 to have it fetched again (its senders are blamed), C<undef> to
leave it to the hash. A handler that dies stops the torrent.

=item C<resume_save>

Called whenever there is something to save: C<{Torrent, Data, Generation}>. Store C<Data> wherever you
like, and return true once it is durable. Return 0 to be asked again later. C<add_torrent> reads it back
from the file given as C<Resume>.

=back

=item C<as_string ( [ $verbose ] )>

The infohash, or a page about the torrent. In void context it is printed to STDERR.

=back

=head1 STATUS

Exported with C<:status>: C<STARTED> 1, C<CHECKING> 2, C<START_AFTER_CHECK> 4, C<CHECKED> 8, C<ERROR> 16,
C<PAUSED> 32, C<LOADED> 64, C<QUEUED> 128. For example 201 is a checked torrent that runs in a client.

Getters show the torrent as of the event being handled: in the handler of C<piece_hash_pass> of the last
piece but one, C<is_complete> is 0, however far the engine is.

=head1 RESUME DATA

When a torrent is created with C<Resume>, the files' sizes and times are compared with those saved. If
they match, all progress is restored without reading the content: C<status> has C<CHECKED>; the torrent
runs if C<START_AFTER_CHECK> was given, else when you call C<start> or C<hashcheck>. If B<any> file
differs, B<all> of it is refused: nothing counts as had, C<error> is C<Bad resume data. Please
hashcheck.>, C<status> has C<ERROR> and C<START_AFTER_CHECK>, and the torrent does not run until
C<hashcheck> was called. So this restores or checks, whatever is needed:

    my $torrent = $client->add_torrent({Path => ..., Resume => $file, Status => START_AFTER_CHECK});
    $torrent->status & CHECKED or $torrent->hashcheck;

A file of another format or torrent is ignored; the torrent then waits for C<start> or C<hashcheck>.

What this process itself wrote after the last save (it was killed) is not a difference: files under way
may have grown, the pieces saved stay trusted, and pieces begun at that moment are hashed. So that times
match after a normal end too, the client when it is destroyed, and at the end of the program, writes the
final state once more into every resume file that C<save_resume_data> wrote in this run and that is still
there. C<remove_torrent> does so for its torrent.

The file holds bencoded resume data as libtorrent 2 reads it. Its content may change; do not parse it.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
