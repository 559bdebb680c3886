package Net::BitTorrent::Torrent::Saved;

# How a torrent gets into an engine and out again, with what was saved. Private.
#
# Functions get the torrent and its state. Saved state is compared with the files by the engine,
# under the strict rule: any change refuses all of it. Deliberately absent: what happens while the
# torrent is in an engine (Net::BitTorrent::Torrent::Events).

use 5.016;
use strict;
use warnings;
use Fcntl qw(O_CREAT O_EXCL O_WRONLY);
use File::Basename ();
use IO::Handle;
use Scalar::Util qw(weaken);
use Tern qw(:constants);
use Net::BitTorrent::Engine;
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Magnet;
use Net::BitTorrent::Torrent::Resume;
use Net::BitTorrent::Torrent::Status qw(:all);
use Net::BitTorrent::Util qw(uncompact);

our $VERSION = '0.100';

# 0.052 knows 0 (skip) to 3 (high); the engine 0 to 7 with 4 for normal.
my @PRIORITY = (0, 1, 4, 7);

# Reads the file given as Resume and enters the client's engine (or, for an orphan with resume
# data, an engine of its own).
sub read_resume {
    my ($object, $self, $client) = @_;
    my $bytes = delete $self->{given};
    if (!defined $bytes && defined $self->{resume} && -s $self->{resume}) {
        open my $fh, '<:raw', $self->{resume} or return 1;
        $bytes = do { local $/; <$fh> };
    }
    my $saved = defined $bytes ? _understand($self, $bytes) : undef;
    return 1 if !$client && !defined $bytes;
    my $engine = $client ? $client->_engine : _own_engine() or return 1;
    return enter($object, $self, $client, $engine, $saved, !$client || defined $bytes);
}

# What saved bytes say: see Net::BitTorrent::Torrent::Resume::decode. Those of the engine itself (a
# program may have kept them, or another client) are all of it.
sub _understand {
    my ($self, $bytes) = @_;
    my $saved = Net::BitTorrent::Torrent::Resume::decode($self, $bytes);
    if (!$saved) {
        return {blob => $bytes} if $bytes !~ /\Ad7:\.format/;
        return {};
    }
    if ($saved->{priorities}) {
        $self->{priorities} = delete $saved->{priorities};
        update_want($self);
    }
    $saved->{blob} //= Net::BitTorrent::Torrent::Resume::translate($self, $saved)
        if !$saved->{invalid};
    return $saved;
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

sub enter {
    my ($object, $self, $client, $engine, $saved, $hold) = @_;
    my $view = $self->{view};
    my $blob = $saved ? $saved->{blob} : undef;
    # Without metadata there is nothing that could be refused or waited for.
    my $known = $self->{metainfo} || Net::BitTorrent::Torrent::Magnet::in_blob($blob);
    $hold = 0 if $client && !$known;
    my $paused = $hold || !$client || $view->status & PAUSED;
    my %add = (
        ($self->{metainfo} ? (metainfo => $self->{metainfo}) : (magnet => $self->{magnet})),
        save_path   => $self->{basedir},
        paused      => $paused ? 1 : 0,
        save_policy => 0,
        save_hook   => TERN_HOOK_QUEUED,
        load_policy => TERN_LOAD_STRICT,
        (defined $blob ? (resume => $blob) : ()),
        ($saved && length($saved->{peers} // '') ? (peers => [uncompact($saved->{peers})]) : ()),
    );
    $add{file_priorities} = pack 'C*', map { engine_priority($_) } @{$self->{priorities}}
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
        return Net::BitTorrent::Error::of_engine({%$self, client => $client},
            "Cannot load '@{[ $self->{path} // $self->{magnet} ]}'",
            quiet => $Tern::error->code == TERN_E_DUPLICATE);
    }
    @$self{qw(engine handle own)} = ($engine, $handle, !$client);
    delete @$self{qw(loaded refused held early)};
    if ($client) {
        weaken($self->{client} = $client);
        $view->change(QUEUED, 0);
        $view->change(STARTED, 0) if !$paused;
    }
    $engine->register($object, $handle);
    Net::BitTorrent::Torrent::Magnet::entered($object, $self) if !$self->{metainfo};
    _load_blob($object, $self) if defined $blob && $known;
    _refuse($object, $self) if $saved && $saved->{invalid};
    Net::BitTorrent::Torrent::Events::apply_hooks($self);
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
    my ($verdict, $checked);
    my $look = sub {
        for my $event (grep { $_->{torrent} == $id } @{$engine->{events}}) {
            my $kind = $event->{kind};
            $checked = $event if $kind == TERN_EVENT_CHECKED;
            $verdict = $kind if $checked || $kind == TERN_EVENT_RESUME_REJECTED
                || $kind == TERN_EVENT_STORAGE_FAILED || $kind == TERN_EVENT_FATAL;
            last if $verdict;
        }
        return $verdict;
    };
    $engine->pump_until($look, 24 * 3600) or return;
    Net::BitTorrent::Torrent::Magnet::learn($object, $self);
    if ($verdict == TERN_EVENT_RESUME_REJECTED) {
        return _refuse($object, $self);
    }
    return if $verdict != TERN_EVENT_CHECKED;
    @{$engine->{events}} = grep { $_->{torrent} != $id } @{$engine->{events}};
    my $start = $view->status & START_AFTER_CHECK;
    @$self{qw(restored hashed)} = @$checked{qw(c b)};
    $view->set_bitfield(lsb($self->{handle}->bitfield, $self->{pieces}));
    read_priorities($self);
    $view->change(CHECKED, START_AFTER_CHECK);
    $self->{loaded} = 1;
    $object->start if $start && $view->status & QUEUED && !($view->status & PAUSED);
}

# The engine goes on to look at the files by itself; nobody hears of it until hashcheck.
sub _refuse {
    my ($object, $self) = @_;
    $self->{refused} = 1;
    $self->{held}    = [];
    $object->_set_error('Bad resume data. Please hashcheck.');
    $self->{view}->change(START_AFTER_CHECK, 0);
    return;
}

# Priorities come back with resume data.
sub read_priorities {
    my ($self) = @_;
    my $bytes = $self->{handle}->file_priorities;
    return if !defined $bytes || length $bytes != @{$self->{priorities}};
    my @engine = unpack 'C*', $bytes;
    for my $file (0 .. $#engine) {
        next if engine_priority($self->{priorities}[$file]) == $engine[$file];
        $self->{priorities}[$file]
            = $engine[$file] == 0 ? 0 : $engine[$file] < 4 ? 1 : $engine[$file] == 4 ? 2 : 3;
    }
    update_want($self);
}

sub engine_priority { my ($p) = @_; return $PRIORITY[$p > 3 ? 3 : $p] }

sub lsb { my ($bits, $count) = @_; return pack 'b*', substr(unpack('B*', $bits // ''), 0, $count) }

# An engine to work with: the client's, or one of the torrent's own, made when first needed.
sub attached {
    my ($object, $self) = @_;
    if ($self->{engine} && $self->{handle}) {
        return $self->{engine} if !$self->{engine}{closed} && $self->{engine}{pid} == $$;
    }
    return if $self->{engine} && $self->{engine}{pid} != $$;
    my $engine = _own_engine() or return;
    enter($object, $self, undef, $engine, left($self), 1) or return;
    return $engine;
}

# What an engine that was left before gave along.
sub left {
    my ($self) = @_;
    my $blob = delete $self->{blob};
    return defined $blob ? {blob => $blob} : undef;
}

# Leaves the engine, taking the state along. The files are closed when this returns.
sub leave {
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
    # Of what still waits only the peers' goodbyes are told. A program may be long in looping, and
    # add and remove many torrents until then.
    my %told = map { $_ => 1 } TERN_EVENT_PEER_DISCONNECTED, TERN_EVENT_REMOVED,
        Net::BitTorrent::Torrent::Events::TELL();
    my @ours = grep { $_->{torrent} == $id && $told{$_->{kind}} } @{$engine->{events}};
    my $gone = @ours == 1 && $ours[0]{kind} == TERN_EVENT_REMOVED;
    @{$engine->{events}} = grep { $_->{torrent} != $id || !$gone && $told{$_->{kind}} }
        @{$engine->{events}};
    delete $engine->{leaving}{$id} if $gone;
    delete @$self{qw(engine handle loaded refused held early wire start_pending checking)};
    return ($engine, $id);
}

sub _remember_counts {
    my ($self) = @_;
    my $status = $self->{handle} ? $self->{handle}->status : undef;
    return if !$status;
    $self->{added_down} += $status->{downloaded};
    $self->{added_up}   += $status->{uploaded};
}

# Which pieces count for is_complete: those of files that are not skipped.
sub update_want {
    my ($self) = @_;
    my $bits = '0' x $self->{pieces};
    for my $file (@{$self->{layout}}) {
        next if !$self->{priorities}[$file->{index}];
        my ($first, $end) = @$file{qw(first_piece end_piece)};
        substr($bits, $first, $end - $first) = '1' x ($end - $first) if $end > $first;
    }
    $self->{view}->set_want(pack 'b*', $bits);
}

# The engine's data as it is kept: see Net::BitTorrent::Torrent::Resume.
sub data { my ($s, $blob) = @_; return Net::BitTorrent::Torrent::Resume::encode($s, $blob) }

# Replaces a resume file with the engine's data, and remembers it for the end.
sub write_file {
    my ($s, $path, $blob) = @_;
    replace_file($path, data($s, $blob)) or return 0;
    my @stat = stat $path;
    $s->{written}{$path} = "$stat[0]:$stat[1]" if @stat;
    return 1;
}

# Replaces a file so that a crash leaves the old or the new content; true once it is on disk.
sub replace_file {
    my ($path, $bytes) = @_;
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

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Saved - private: a torrent's way into an engine and out again

=head1 SYNOPSIS

    # Used by Net::BitTorrent::Torrent.

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent::Torrent>.

=cut
