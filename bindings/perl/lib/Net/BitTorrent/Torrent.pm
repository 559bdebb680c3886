package Net::BitTorrent::Torrent;
use 5.016;
use strict;
use warnings;
use Cwd ();
use Errno ();
use Fcntl qw(:flock);
use File::Spec;
use Scalar::Util qw(blessed);
use Tern qw(:constants);
use Net::BitTorrent::Emitter;
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Check;
use Net::BitTorrent::Torrent::Events;
use Net::BitTorrent::Torrent::File;
use Net::BitTorrent::Torrent::Legacy;
use Net::BitTorrent::Torrent::Magnet;
use Net::BitTorrent::Torrent::Saved;
use Net::BitTorrent::Torrent::Status qw(:all);
use Net::BitTorrent::Torrent::Tracker;
use Net::BitTorrent::Util qw(bdecode);

our $VERSION = '0.100';

use Exporter 'import';
our (@EXPORT_OK, %EXPORT_TAGS);
our @ISA = qw(Net::BitTorrent::Emitter Net::BitTorrent::Torrent::Legacy);

BEGIN {
    @EXPORT_OK = @Net::BitTorrent::Torrent::Status::EXPORT_OK;
    %EXPORT_TAGS = (status => [@EXPORT_OK], all => [@EXPORT_OK]);
}

my %EVENTS = map { $_ => 1 } qw(
    tracker_connect tracker_disconnect tracker_read tracker_write tracker_success tracker_failure
    piece_hash_pass piece_hash_fail file_open file_close file_read file_write file_error
    metadata_received verify_piece resume_save
);

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub new {
    my ($class, $args) = @_;
    return _fail(undef, 'argument',
        __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref')
        if ref $args ne 'HASH';
    # Where failures are told until the object is there.
    my $raise  = {raise => $args->{RaiseError}};
    my $client = $args->{Client};
    if (defined $client) {
        return _fail($raise, 'argument', __PACKAGE__ . '->new({ }) requires a blessed \'Client\'')
            if !(blessed $client && $client->isa('Net::BitTorrent'));
        my $engine = $client->_engine or return;
        $raise->{client} = $client;
        return Net::BitTorrent::Error::quietly($raise, 'state', 'The client is closed')
            if !$engine->is_owner;
    }
    my $link = $args->{Magnet};
    return _fail($raise, 'argument', __PACKAGE__ . '->new({ }) requires a \'Path\' parameter')
        if !defined $args->{Path} && !defined $link;
    my ($path, $metainfo, $info_hash);
    if (defined $link) {
        $info_hash = Net::BitTorrent::Torrent::Magnet::info_hash($raise, $link, $client);
        return if !defined $info_hash;
    }
    else {
        $path = File::Spec->rel2abs($args->{Path});
        my $raw = _slurp_torrent($raise, $path);
        return if !defined $raw;
        $metainfo = _parse($raise, $raw, $path) or return;
        $info_hash = $metainfo->info_hash;
    }
    my $hash = unpack 'H*', $info_hash;
    return Net::BitTorrent::Error::quietly($raise, 'state',
        "The client has '@{[ $path // $link ]}' already", code => TERN_E_DUPLICATE)
        if defined $client && $client->_locate_torrent($hash);

    my $object = bless \$hash, $class;
    my $pieces = $metainfo ? $metainfo->piece_count : 0;
    my $base   = defined $args->{BaseDir} ? $args->{BaseDir} : Cwd::getcwd();
    utf8::encode($base) if utf8::is_utf8($base);    # paths are bytes
    my $self   = {
        metainfo => $metainfo,      # undef: as the link `magnet` until the metadata is here
        info_hash => $info_hash,
        magnet   => $link,
        path     => $path,
        basedir  => File::Spec->rel2abs($base),
        resume   => $args->{Resume},
        given    => $args->{ResumeData},
        raise    => $args->{RaiseError},
        view     => Tern::View->new($pieces),
        pieces   => $pieces,
        block    => _parse_block_length($raise, $args->{BlockLength}),
        peers    => {},
        calls    => {},
        written  => {},
        added_up => 0,
        added_down => 0,
    };
    Tern::attach($object, $self);
    _make_files($object, $self);
    _make_tiers($object, $self);
    Net::BitTorrent::Torrent::Saved::update_want($self);
    $self->{view}->change(
        _first_status($raise, $args->{Status}) | ($metainfo ? LOADED : 0), 0);
    return if !Net::BitTorrent::Torrent::Saved::read_resume($object, $self, $client);
    $client->_dht->add_node($_)
        for $client && $metainfo ? map { _node($_) } $metainfo->nodes : ();
    return $object;
}

sub _fail { goto &Net::BitTorrent::Error::fail }

sub _node {
    my ($node) = @_;
    my ($ip, $port) = ref $node eq 'ARRAY' ? @$node : ref $node eq 'HASH' ? @$node{qw(ip port)}
        : ($node // '') =~ /\A\[?(.+?)\]?:([0-9]+)\z/;
    return defined $ip && $port ? {ip => $ip, port => $port} : ();
}

# The .torrent file's bytes, read under a shared lock.
sub _slurp_torrent {
    my ($raise, $path) = @_;
    if (!-f $path) {
        return _fail($raise, 'system', sprintf(q(Cannot find the torrent file '%s'), $path));
    }
    if (open my $fh, '<:raw', $path) {
        if (flock $fh, LOCK_SH) {
            my $raw = do { local $/; <$fh> };
            close $fh;
            return $raw // '';
        }
    }
    return Net::BitTorrent::Error::quietly($raise, 'system', "Cannot read '$path': $!");
}

sub _parse {
    my ($raise, $raw, $path) = @_;
    my $metainfo = Tern::Metainfo->parse($raw);
    return $metainfo if $metainfo;
    my $dict = bdecode($raw);
    if (ref $dict ne 'HASH' || ref $dict->{info} ne 'HASH') {
        return _fail($raise, 'engine', sprintf(q(Malformed .torrent: '%s'), $path),
            code => TERN_E_METAINFO);
    }
    my $hashes = length($dict->{info}{pieces} // '');
    # Silently, as always, for bad hashes.
    return Net::BitTorrent::Error::of_engine($raise, "Cannot use '$path'",
        quiet => $hashes < 20 || $hashes % 20);
}

sub _parse_block_length {
    my ($raise, $given) = @_;
    return 16384 if !defined $given;
    return 0 + $given if $given =~ /\A[0-9]+\z/ && $given > 0;
    _fail($raise, 'argument', q(Malformed 'BlockLength': using the default));
    return 16384;
}

sub _first_status {
    my ($raise, $given) = @_;
    return 0 if !defined $given;
    if ($given !~ /\A[0-9]+\z/) {
        _fail($raise, 'argument', q(Malformed 'Status': ignored));
        return 0;
    }
    return $given & (START_AFTER_CHECK | PAUSED);
}

sub _make_files {
    my ($object, $self) = @_;
    $self->{layout} = [$self->{metainfo} ? $self->{metainfo}->files : ()];
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
    push @{$tiers[$_->[0]]}, $_->[1] for $self->{metainfo} ? $self->{metainfo}->trackers : ();
    $object->_set_tiers(grep { defined } @tiers);
}

sub _set_tiers {
    my ($object, @tiers) = @_;
    my $s = _self($object) or return;
    $s->{tiers} = [
        grep { defined } map { Net::BitTorrent::Torrent::Tracker->_make($object, $_) } @tiers
    ];
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

sub infohash { my $s = _self(@_) or return; return unpack 'H*', $s->{info_hash} }

# Of a torrent without metadata: as its link has it.
sub name {
    my $s = _self(@_) or return;
    my $of = $s->{metainfo} // $s->{handle} or return;
    return $of->name;
}

sub is_metadata_complete { my $s = _self(@_) or return; return $s->{metainfo} ? 1 : 0 }

sub magnet {
    my $s = _self(@_) or return;
    return $s->{metainfo} ? $s->{metainfo}->magnet : $s->{magnet};
}

for my $field (qw(comment created_by)) {
    no strict 'refs';
    *$field = sub {
        my $s = _self(@_) or return;
        my $text = $s->{metainfo} ? $s->{metainfo}->$field : undef;
        return length($text // '') ? $text : undef;
    };
}

sub creation_date {
    my $s = _self(@_) or return;
    return $s->{metainfo} && $s->{metainfo}->creation_date || undef;
}

sub size {
    my $s = _self(@_) or return;
    return $s->{metainfo} ? $s->{metainfo}->total_size : undef;
}

sub path        { my $s = _self(@_) or return; return $s->{path} }

sub private {
    my $s = _self(@_) or return;
    return $s->{metainfo} && $s->{metainfo}->is_private ? 1 : 0;
}

sub piece_count { my $s = _self(@_) or return; return $s->{pieces} }
sub bitfield    { my $s = _self(@_) or return; return $s->{view}->bitfield }
sub files       { my $s = _self(@_) or return; return $s->{files} }
sub trackers    { my $s = _self(@_) or return; return $s->{tiers} }
sub status      { my $s = _self(@_) or return; return $s->{view}->status }
sub error       { my $s = _self(@_) or return; return $s->{view}->error }
sub resume_path { my $s = _self(@_) or return; return $s->{resume} }

sub restored_pieces { my $s = _self(@_) or return; return $s->{restored} // 0 }
sub hashed_pieces   { my $s = _self(@_) or return; return $s->{hashed} // 0 }

sub raw_data {
    my ($object, $decoded) = @_;
    my $s = _self($object) or return;
    return if !$s->{metainfo};
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
    return $s->{metainfo} && $s->{view}->complete ? 1 : 0;
}

sub downloaded { return _count('downloaded', 'added_down', @_) }
sub uploaded   { return _count('uploaded',   'added_up',   @_) }

sub _count {
    my ($field, $added, $object) = @_;
    my $s = _self($object) or return;
    my $status = $s->{handle} ? $s->{handle}->status : undef;
    return $s->{$added} + ($status ? $status->{$field} : 0);
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
    $s->{view}->change(0, STARTED);
    Net::BitTorrent::Torrent::Events::close_files($object, $s);
    return $s->{view}->status;
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
        return _fail($s, 'argument',
            'Net::BitTorrent::Torrent->queue( ) requires a Net::BitTorrent object');
    }
    if ($s->{view}->status & QUEUED && $s->{client}) {
        return _fail($s, 'state', 'Cannot queue a torrent twice');
    }
    if ($s->{own}) {
        my ($own) = Net::BitTorrent::Torrent::Saved::leave($object, $s, 10);
        $own->close(5) if $own;
    }
    my $saved = Net::BitTorrent::Torrent::Saved::left($s);
    Net::BitTorrent::Torrent::Saved::enter($object, $s, $client, $engine, $saved, 1) or return;
    return $client;
}

sub hashcheck {
    my $object = shift;
    my $s = _self($object) or return;
    my $view = $s->{view};
    return if !$s->{metainfo} || $view->status & (PAUSED | CHECKING);
    my $engine = Net::BitTorrent::Torrent::Saved::attached($object, $s) or return;
    return Net::BitTorrent::Torrent::Check::elsewhere($object, $s) if !$engine->is_owner;
    my $checks = $view->checks;
    Net::BitTorrent::Torrent::Check::begin($s) or return;
    $engine->pump_until(sub { $view->checks != $checks }, 7 * 24 * 3600, $s->{handle}->id)
        or return;
    return $view->status & CHECKED ? 1 : undef;
}

# As hashcheck, without waiting: do_one_loop tells the pieces, and the end to $code.
sub hashcheck_start {
    my ($object, $code) = @_;
    my $s = _self($object) or return;
    if (defined $code && ref $code ne 'CODE') {
        return _fail($s, 'argument', 'hashcheck_start( ) requires a code reference');
    }
    return if !$s->{metainfo} || $s->{view}->status & (PAUSED | CHECKING);
    my $engine = Net::BitTorrent::Torrent::Saved::attached($object, $s) or return;
    return if !$engine->is_owner;
    Net::BitTorrent::Torrent::Check::begin($s) or return;
    $s->{checking}{code} = $code;
    return 1;
}

# Share of the pieces told in the check under way, 0 to 1; undef when there is none.
sub hashcheck_progress {
    my $s = _self(@_) or return;
    return if !($s->{view}->status & CHECKING);
    my $failed = $s->{checking} ? keys %{$s->{checking}{failed}} : 0;
    return $s->{pieces} ? ($s->{view}->count + $failed) / $s->{pieces} : 1;
}

sub add_peer {
    my ($object, $address) = @_;
    my $s = _self($object) or return;
    if (!defined $address || !length $address) {
        return _fail($s, 'argument', 'add_peer( ) requires an address');
    }
    return Net::BitTorrent::Error::quietly($s, 'state', 'The torrent is in no client')
        if !$s->{handle};
    my $client = $s->{client};
    if ($client && $client->_encryption_mode == 2) {
        $! = Errno::EPROTONOSUPPORT();
        return _fail($s, 'engine', 'Encryption is required (mode 2) and this version has none: '
            . 'no peer is connected to', code => TERN_E_UNSUPPORTED);
    }
    if ($client) {
        if (!$client->_may_use($address)) {
            return Net::BitTorrent::Error::quietly($s, 'state', "$address is refused by ip_filter");
        }
        # The engine is going to ask: this is the answer. It does not ask when it knows the peer.
        my $approved = Tern::state($client)->{approved} //= {};
        %$approved = () if keys %$approved > 1000;
        $approved->{$address} = 1 if $s->{engine}{asks};
    }
    return 1 if $s->{handle}->add_peer($address);
    return Net::BitTorrent::Error::of_engine($s, "Cannot add the peer '$address'", quiet => 1);
}

# Bytes per second of this torrent, 0 unlimited. Returns both; sets those given.
sub limits {
    my ($object, %new) = @_;
    my $s = _self($object) or return;
    if (grep { !/\A(?:down|up)load\z/ || ($new{$_} // '') !~ /\A[0-9]+\z/ } keys %new) {
        return _fail($s, 'argument',
            'limits( ) requires download and upload in bytes per second');
    }
    my $status = $s->{handle} ? $s->{handle}->status : undef;
    return Net::BitTorrent::Error::quietly($s, 'state', 'The torrent is in no client') if !$status;
    my %all = (download => $status->{download_limit}, upload => $status->{upload_limit}, %new);
    $s->{handle}->set_limits(@all{qw(download upload)}) if %new;
    return \%all;
}

# What the engine knows, or undef; see tern_status in tern.h.
sub stats {
    my $s = _self(@_) or return;
    return $s->{handle} ? $s->{handle}->status : undef;
}

sub _wanted_bytes {
    my $s = _self(@_) or return;
    my $status = $s->{handle} ? $s->{handle}->status : undef;
    return @$status{qw(wanted_have wanted_size)} if $status;
    return (0, 0) if !$s->{metainfo};
    my $share = $s->{pieces} ? $s->{view}->count / $s->{pieces} : 1;
    my $size  = $s->{metainfo}->total_size;
    return ($share * $size, $size);
}

# Share of the wanted pieces that is here, 0 to 1, as told so far.
sub progress {
    my $s = _self(@_) or return;
    my $view   = $s->{view};
    my $wanted = unpack '%32b*', $view->want;
    return $wanted ? 1 - unpack('%32b*', $view->missing) / $wanted : $s->{metainfo} ? 1 : 0;
}

sub _set_priority {
    my ($object, $file, $priority) = @_;
    my $s = _self($object) or return;
    $s->{priorities}[$file] = $priority;
    my $engine_priority = Net::BitTorrent::Torrent::Saved::engine_priority($priority);
    $s->{handle}->set_file_priority($file, $engine_priority) if $s->{handle};
    Net::BitTorrent::Torrent::Saved::update_want($s);
    return 1;
}

sub _priority {
    my ($object, $file) = @_;
    my $s = _self($object) or return;
    return $s->{priorities}[$file];
}

# ---- Resume data ---------------------------------------------------------------------------------

sub save_resume_data {
    my ($object, $path) = @_;
    my $s = _self($object) or return;
    $path = $s->{resume} if !defined $path;
    if (!defined $path || !length $path) {
        return Net::BitTorrent::Error::quietly($s, 'argument',
            'save_resume_data( ) requires a path where there is no Resume');
    }
    $path = File::Spec->rel2abs($path);
    my $saved = _save($object, $s,
        sub { Net::BitTorrent::Torrent::Saved::write_file($s, $path, $_[0]) });
    return 1 if $saved;
    return Net::BitTorrent::Error::quietly($s, 'system', "Cannot save '$path': $!");
}

# The same, as bytes for a program to keep; they are durable when it says so by keeping them.
sub resume_data {
    my ($object) = @_;
    my $s = _self($object) or return;
    my $data;
    _save($object, $s, sub { $data = Net::BitTorrent::Torrent::Saved::data($s, $_[0]); 1 });
    return $data;
}

sub _save {
    my ($object, $s, $keep) = @_;
    my $engine = Net::BitTorrent::Torrent::Saved::attached($object, $s) or return;
    return if !$engine->is_owner;
    Net::BitTorrent::Torrent::Events::close_files($object, $s);
    return if !$s->{handle};    # a handler took it away
    return $engine->save($s->{handle}, $keep) ? 1 : undef;
}

# The last state goes to every file written in this run, if it is still there and still ours:
# nothing is written to the content afterwards, so its times match and the next run trusts it.
sub _refresh_written {
    my ($object, $blob) = @_;
    my $s = _self($object) or return;
    for my $path (sort keys %{$s->{written}}) {
        my @stat = stat $path or next;
        next if "$stat[0]:$stat[1]" ne $s->{written}{$path};
        Net::BitTorrent::Torrent::Saved::write_file($s, $path, $blob);
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
    if ($object->_handler('resume_save')) {
        my $data = Net::BitTorrent::Torrent::Saved::data($s, $blob);
        $kept = eval {
            !grep { !$_ } Net::BitTorrent::Emitter::call($object, $s, 'resume_save',
                {Torrent => $object, Data => $data});
        };
        warn $@ if $@;
    }
    $object->_refresh_written($blob);
    return $kept;
}

# The client is gone: what can still be told is kept.
sub _client_closed {
    my ($object) = @_;
    my $s = _self($object) or return;
    delete @$s{qw(engine handle loaded refused held early wire start_pending checking)};
    $s->{peers} = {};
    $s->{view}->change(0, STARTED | CHECKING | QUEUED);
}

# ---- Events --------------------------------------------------------------------------------------

sub _knows_event { return $EVENTS{$_[1]} }

sub _handlers_changed {
    my ($object, $type) = @_;
    my $s = _self($object) or return;
    if ($type eq 'verify_piece' || $type eq 'resume_save') {
        Net::BitTorrent::Torrent::Events::apply_hooks($s);
    }
    elsif ($s->{engine}) {
        $s->{engine}->interest_changed;
    }
}

sub _handler {
    my ($object, $type) = @_;
    my $s = _self($object) or return;
    return Net::BitTorrent::Emitter::listens($s, $type);
}

# First the client's handler, then our own.
sub _event {
    my ($object, $type, $args) = @_;
    my $s = _self($object) or return;
    my $client = $s->{client};
    $client->_event($type, $args) if $client && $s->{view}->status & QUEUED;
    Net::BitTorrent::Emitter::call($object, $s, $type, $args);
    return;
}

sub _dispatch {
    my ($object, @event) = @_;
    my $s = _self($object) or return;
    return Net::BitTorrent::Torrent::Events::dispatch($object, $s, @event);
}

sub _resync {
    my ($object) = @_;
    my $s = _self($object) or return;
    return Net::BitTorrent::Torrent::Events::resync($object, $s);
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
    my %blocks = map { ($_->[0] => $_->[1]) } _blocks($s);
    my $map = join '', map {
        substr($have, $_, 1) ? '|' : $blocks{$_} ? '*' : substr($missing, $_, 1) ? ' ' : 'x'
    } 0 .. $s->{pieces} - 1;
    my $count = $view->count;
    my $dht   = $s->{client} && $s->{client}->_use_dht && !$object->private;
    return join "\n",
        'Net::BitTorrent::Torrent',
        '',
        'Path:            ' . ($s->{path} // $s->{magnet}),
        'Name:            ' . _printable($object->name // ''),
        'Infohash:        ' . $object->infohash,
        'Base Directory:  ' . $s->{basedir},
        'Size:            ' . ($object->size // 'unknown') . ' bytes',
        sprintf('Status:          %d (%s.)', $view->status, $object->_status_as_string),
        (defined $view->error ? 'Error:           ' . _printable($view->error) : ()),
        'DHT Status:      ' . ($dht ? 'Enabled' : 'Disabled'),
        sprintf('Progress:        %.2f%% complete (%d bytes up / %d bytes down)',
            $s->{pieces} ? 100 * $count / $s->{pieces} : $s->{metainfo} ? 100 : 0,
            $object->uploaded, $object->downloaded),
        "[$map]",
        (%blocks ? 'Working Pieces:' : ()),
        (map { sprintf '%6d [%s]', $_, $blocks{$_} } sort { $a <=> $b } keys %blocks),
        '----------',
        'Files:',
        (map { '  ' . $_->path } @{$s->{files}}),
        '----------',
        'Trackers:',
        (map { '  ' . $_->as_string } @{$s->{tiers}});
}

# The pieces under way as the engine has them now, each with its blocks: '|' here, '*' asked for.
sub _blocks {
    my ($s) = @_;
    my $handle = $s->{handle} or return;
    my @working;
    for my $piece ($handle->partial_pieces) {
        my $states = $handle->block_states($piece) // next;
        $states =~ tr/\0\1\2\3/ *||/;
        push @working, [$piece, $states];
    }
    return @working;
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

The F<.torrent> file. Required, unless there is C<Magnet>.

=item Magnet

A magnet link. The torrent begins without metadata, see L</MAGNET LINKS>. Requires a C<Client>.

=item BaseDir

Where the content is or goes: files lie at C<BaseDir/name> or C<BaseDir/name/path>. Default: the
current directory. Names that no file system could store, C<..> and the like are changed.

=item Client

A L<Net::BitTorrent>. C<< $client->add_torrent >> fills it in. A torrent without one is an
I<orphan>: it can be inspected, checked and saved, and given to a client later with L</queue>.

=item Resume

A file written by L</save_resume_data>. See L</RESUME DATA>. Absent or empty: as if not given.

=item ResumeData

What L</resume_data> or C<resume_save> gave, in place of the file's content.

=item RaiseError

Failures are thrown as L<Net::BitTorrent::Error>. Torrents in a client do as their client does.

=item Status

Bits. C<START_AFTER_CHECK> and C<PAUSED> are taken, others ignored.

=item BlockLength

Accepted for old programs. Blocks are 16 KiB.

=back

=head1 METHODS

=over

=item C<infohash>

40 lower-case hexadecimal digits, computed over the bytes as they stand in the file.

=item C<is_metadata_complete> C<magnet>

Whether the metadata is here: always, unless the torrent was added by C<Magnet>. A magnet link for
it.

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

Reads and checks everything and returns 1 when done; C<piece_hash_pass> or C<piece_hash_fail> is
called for every piece. C<undef> while paused or being checked. May be called in handlers. Other
torrents' events wait until the next C<do_one_loop>.

=item C<hashcheck_start ( [ $code ] )> C<hashcheck_progress>

As C<hashcheck>, without waiting: pieces are told by C<do_one_loop>, and when it is over C<$code> is
called with the torrent. Returns 1. Meanwhile C<status> has C<CHECKING>, C<is_complete> is C<undef>,
and C<hashcheck_progress> is the share of the pieces that was told, 0 to 1.

=item C<progress>

Share of the wanted pieces that is here, 0 to 1, as told so far.

=item C<stats> C<limits ( [ download =E<gt> $n, upload =E<gt> $n ] )>

Reference to a hash of what the engine knows now (C<tern_status> in F<tern.h>), C<undef> outside of
one. Bytes per second, 0 unlimited: sets those given, returns both in a hash.

=item C<start> C<stop> C<pause>

Return the new status; C<undef> when the torrent is in no client. C<start> also retries after an
error.

=item C<queue ( $client )>

Gives an orphan to a client. It does not start.

=item C<resume_path>

The C<Resume> argument.

=item C<save_resume_data ( [ $path ] )>

Writes resume data to C<$path>, default L</resume_path>, and returns true when it is safely on
disk: what was downloaded is synced first, then the file is written beside the old one, synced,
and renamed. C<undef> and C<$!> on failure; then the old file is untouched. May be called in
handlers.

=item C<resume_data>

The same as bytes, for programs that keep them elsewhere. C<undef> on failure.

=item C<restored_pieces> C<hashed_pieces>

How many pieces the last check, or the comparison with resume data, took over without reading
them, and how many it had to hash.

=item C<add_peer ( 'host:port' )>

Connects to this address. IP addresses only.

=item C<on ( $type, $code )> C<off ( $type, [ $code ] )>

As L<Net::BitTorrent/on>.

=item C<on_event ( $type, $code )>

One handler per type; C<undef> removes it; returns C<$code>. See L<Net::BitTorrent/EVENTS>. Events
of torrents are told to the client's handler first. Two are for torrents only:

=over

=item C<verify_piece>

Called for each piece before it counts: C<{Torrent, Index, Data (reference to the bytes), Attempt,
HashOK, Peers}>. Return true to accept, 0 to have it fetched again (its senders are blamed),
C<undef> to leave it to the hash. A handler that dies stops the torrent.

=item C<resume_save>

Called whenever there is something to save: C<{Torrent, Data, Generation}>. Store C<Data> wherever
you like, and return true once it is durable. Return 0 to be asked again later. C<add_torrent>
reads it back from the file given as C<Resume>.

=back

=item C<as_string ( [ $verbose ] )>

The infohash, or a page about the torrent: names, sizes, status, a map of its pieces (C<|> here,
C<*> under way, C<x> not wanted), the blocks of those under way (C<|> here, C<*> asked for), files
and trackers. In void context it is printed to STDERR.

=back

=head1 STATUS

Exported with C<:status>: C<STARTED> 1, C<CHECKING> 2, C<START_AFTER_CHECK> 4, C<CHECKED> 8,
C<ERROR> 16, C<PAUSED> 32, C<LOADED> 64, C<QUEUED> 128. For example 201 is a checked torrent that
runs in a client.

Getters show the torrent as of the event being handled: in the handler of C<piece_hash_pass> of
the last piece but one, C<is_complete> is 0, however far the engine is.

=head1 MAGNET LINKS

    my $torrent = $client->add('magnet:?xt=urn:btih:...', 'downloads');
    $torrent->on_event(metadata_received => sub { print $_[0]->name, "\n" });

Until its metadata came from peers (or from where the link says), a torrent has C<infohash>,
C<magnet>, C<trackers>, C<peers>, the link's C<name>, and otherwise nothing: C<size>, C<raw_data>
and C<hashcheck> are C<undef>, C<files> is empty, C<piece_count>, C<is_complete> and C<progress> are
0, C<status> lacks C<LOADED>. Then C<metadata_received> is told, and it is a torrent like any other,
without a C<path>. Resume data has the metadata in it: added again with C<Magnet> and C<Resume>, the
torrent begins with it. A clone in another thread knows what it knew when the thread was made.

=head1 RESUME DATA

When a torrent is created with C<Resume>, the files' sizes and times are compared with those
saved. If they match, all progress is restored without reading the content: C<status> has
C<CHECKED>; the torrent runs if C<START_AFTER_CHECK> was given, else when you call C<start> or
C<hashcheck>. If B<any> file differs, B<all> of it is refused: nothing counts as had, C<error> is
C<Bad resume data. Please hashcheck.>, C<status> has C<ERROR> and C<START_AFTER_CHECK>, and the
torrent does not run until C<hashcheck> was called. So this restores or checks, whatever is
needed:

    my $torrent = $client->add_torrent({Path => ..., Resume => $file, Status => START_AFTER_CHECK});
    $torrent->status & CHECKED or $torrent->hashcheck;

A file of another format or torrent is ignored; the torrent then waits for C<start> or C<hashcheck>.

What this process itself wrote after the last save (it was killed) is not a difference: files
under way may have grown, the pieces saved stay trusted, and pieces begun at that moment are
hashed. So that times match after a normal end too, the client when it is destroyed, and at the
end of the program, writes the final state once more into every resume file that
C<save_resume_data> wrote in this run and that is still there. C<remove_torrent> does so for its
torrent.

The file is that of 0.052: a bencoded dictionary with C<.format>, C<.t>, C<.version> 2, C<bitfield>,
C<files> (C<mtime>, C<priority>), C<peers> and C<working> (the blocks of pieces under way), and one
key more, C<libtern>, with what the engine keeps of the same moment; where that is there it is what
counts. Files that 0.052 wrote are read, and so are data of libtorrent 2 and qBittorrent. Files of a
newer C<.version> are ignored.

C<save_resume_data> and C<resume_data> close the files first, as far as programs see: C<file_close>
is told.

=head1 PRIVATE METHODS

Programs call some of what was private in 0.052, so it is here: C<_client>, C<_basedir>,
C<_block_length>, C<_nodes>, C<_wanted> (bits of the pieces that are wanted and not here),
C<_status_as_string>, C<_add_tracker ( [ $url, ... ] )> (one tier more, announced to at once),
C<_new_peer> (the engine connects by itself), C<_piece_by_index ( $index )> and C<_working_pieces>
(facts of pieces as in the resume file, as of now), C<_set_bitfield ( $bits )> and C<_set_status (
$status )> (what is shown, not what the engine does; C<undef> during a check), C<_add_uploaded ( $n
)>, C<_add_downloaded ( $n )>.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
