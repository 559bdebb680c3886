package Net::BitTorrent::Torrent::File;
use 5.016;
use strict;
use warnings;
use Cwd ();
use Errno ();
use Fcntl qw(:flock :seek O_CREAT O_RDONLY O_RDWR);
use File::Path ();
use File::Spec;
use Scalar::Util qw(blessed weaken);
use Tern ();
use Net::BitTorrent::Error;

our $VERSION = '0.100';

sub _self {
    my ($object) = @_;
    return if !(blessed $object && $object->isa(__PACKAGE__));
    return Tern::state($object);
}

sub new {
    my ($class, $args) = @_;
    if (ref $args ne 'HASH') {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires parameters to be passed as a hashref');
    }
    my ($path, $torrent, $size, $index) = @$args{qw(Path Torrent Size Index)};
    my $wrong
        = !defined $path || !length $path ? 'Path'
        : !(blessed $torrent && $torrent->isa('Net::BitTorrent::Torrent')
            && Tern::state($torrent)) ? 'Torrent'
        : !defined $size || $size !~ /\A[0-9]+\z/ ? 'Size'
        : !defined $index || $index !~ /\A[0-9]+\z/ ? 'Index'
        : undef;
    if (defined $wrong) {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . "->new({ }) requires a valid '$wrong'");
    }
    return $class->_make($torrent, $index, $size, $path);
}

sub _make {
    my ($class, $torrent, $index, $size, $path) = @_;
    my $object = bless \$path, $class;
    my $self   = {torrent => $torrent, index => $index, size => $size};
    weaken $self->{torrent};
    Tern::attach($object, $self);
    return $object;
}

sub path    { my ($o) = @_; return _self($o) ? $$o : undef }
sub size    { my $s = _self(@_) or return; return $s->{size} }
sub index   { my $s = _self(@_) or return; return $s->{index} }
sub torrent { my $s = _self(@_) or return; return $s->{torrent} }
sub mode    { my $s = _self(@_) or return; return $s->{mode} }

sub _set_mode { my ($o, $mode) = @_; my $s = _self($o) or return; return $s->{mode} = $mode }

sub priority {
    my $s = _self(@_) or return;
    return $s->{priority} // ($s->{torrent} ? $s->{torrent}->_priority($s->{index}) : undef) // 2;
}

sub set_priority {
    my ($object, $priority) = @_;
    my $s = _self($object) or return;
    if (!defined $priority || $priority !~ /\A[0-9]+\z/) {
        return Net::BitTorrent::Error::fail(_owner($s), 'argument',
            'Net::BitTorrent::Torrent::File->set_priority( ) requires a positive integer');
    }
    my $torrent = $s->{torrent};
    my $files   = $torrent ? $torrent->files : undef;
    my $ours    = $files ? $files->[$s->{index}] : undef;
    if ($ours && 0 + $ours == 0 + $object) {
        return $torrent->_set_priority($s->{index}, 0 + $priority);
    }
    $s->{priority} = 0 + $priority;
    return 1;
}

sub _owner { my ($s) = @_; return $s->{torrent} ? Tern::state($s->{torrent}) : undef }

# Share of its bytes in pieces that are here, as told so far, in percent.
sub _percent_complete {
    my $s = _self(@_) or return;
    my $owner = _owner($s);
    return 0 if !$owner;
    return 100 if !$s->{size};
    my $layout = $owner->{layout}[$s->{index}] or return 0;
    my $length = $owner->{metainfo}->piece_length;
    my ($first, $end) = @$layout{qw(first_piece end_piece)};
    my $start = 0;
    $start += $_->{size} for @{$owner->{layout}}[0 .. $s->{index} - 1];
    my $have = 0;
    for my $piece (grep { $owner->{view}->piece($_) } $first .. $end - 1) {
        my $from = $piece * $length;
        my $to   = $from + $length;
        $from = $start if $from < $start;
        $to = $start + $s->{size} if $to > $start + $s->{size};
        $have += $to - $from;
    }
    return 100 * $have / $s->{size};
}

# ---- Bytes: what programs of 0.052 did with files by themselves ----------------------------------

sub _tell {
    my ($object, $s, $type, %more) = @_;
    $s->{torrent}->_event($type, {File => $object, %more}) if $s->{torrent};
    return;
}

# Something that is an error of the torrent too.
sub _wrong {
    my ($object, $s, $message) = @_;
    my $errno = 0 + $!;
    $s->{torrent}->_set_error($message) if $s->{torrent};
    _tell($object, $s, 'file_error', Message => $message);
    $! = $errno;
    return;
}

sub _mkpath {
    my ($object) = @_;
    my $s = _self($object) or return;
    my ($volume, $directories) = File::Spec->splitpath($$object);
    my $dir = File::Spec->catpath($volume, $directories, '');
    return 1 if !length $dir || -d $dir;
    File::Path::make_path($dir, {error => \my $errors});
    return 1 if -d $dir;
    my ($message) = map { values %$_ } @{$errors || []};
    return _wrong($object, $s, "Cannot create '$dir': " . ($message // $!));
}

# Opens for r or w under a lock, shared or exclusive. Reading needs a file that is there.
sub _open {
    my ($object, $mode) = @_;
    my $s = _self($object) or return;
    return if !defined $mode || $mode !~ /\A[rw]\z/;
    return 1 if $s->{fh} && $s->{mode} eq $mode;
    $object->_close if $s->{fh};
    return if $mode eq 'r' && !-f $$object;
    if ($mode eq 'w') {
        $object->_mkpath or return;
    }
    my $fh;
    if (!sysopen $fh, $$object, $mode eq 'r' ? O_RDONLY : O_RDWR | O_CREAT) {
        return _wrong($object, $s, "Cannot open '$$object': $!");
    }
    binmode $fh;
    if (!flock $fh, ($mode eq 'r' ? LOCK_SH : LOCK_EX) | LOCK_NB) {
        return _wrong($object, $s, "Cannot lock '$$object': $!");
    }
    @$s{qw(fh mode)} = ($fh, $mode);
    _tell($object, $s, 'file_open', Mode => $mode);
    return 1;
}

sub _close {
    my ($object) = @_;
    my $s = _self($object) or return;
    my $fh = delete $s->{fh} or return;
    delete $s->{mode};
    close $fh or return _wrong($object, $s, "Cannot close '$$object': $!");
    _tell($object, $s, 'file_close');
    return 1;
}

sub _systell {
    my $s = _self(@_) or return;
    return if !$s->{fh};
    my $at = sysseek $s->{fh}, 0, SEEK_CUR;
    return defined $at ? 0 + $at : undef;
}

sub _sysseek {
    my ($object, $position, $whence) = @_;
    my $s = _self($object) or return;
    $whence = SEEK_SET if !defined $whence;
    return if !$s->{fh} || !defined $position || $position !~ /\A-?[0-9]+\z/
        || $whence !~ /\A[012]\z/;
    my $from = $whence == SEEK_SET ? 0 : $whence == SEEK_CUR ? $object->_systell : $s->{size};
    if ($from + $position < 0 || $from + $position > $s->{size}) {
        $! = Errno::EINVAL();
        return _wrong($object, $s, "Cannot seek to " . ($from + $position) . " in '$$object'");
    }
    return sysseek($s->{fh}, $from + $position, SEEK_SET) ? 1 : undef;
}

sub _read {
    my ($object, $length) = @_;
    my $s = _self($object) or return;
    return if !$s->{fh} || $s->{mode} ne 'r' || !defined $length || $length !~ /\A[0-9]+\z/;
    if ($object->_systell + $length > $s->{size}) {
        $! = Errno::EINVAL();
        return _wrong($object, $s, "Cannot read $length bytes past the end of '$$object'");
    }
    my ($data, $got) = ('', 0);
    while ($got < $length) {
        my $n = sysread $s->{fh}, $data, $length - $got, $got;
        next if !defined $n && $!{EINTR};
        return _wrong($object, $s, "Cannot read '$$object': $!") if !defined $n;
        last if !$n;
        $got += $n;
    }
    return _wrong($object, $s, "'$$object' is too short") if $got < $length;
    _tell($object, $s, 'file_read', Length => $length);
    return $data;
}

sub _write {
    my ($object, $data) = @_;
    my $s = _self($object) or return;
    return if !$s->{fh} || $s->{mode} ne 'w' || !defined $data || !length $data;
    if ($object->_systell + length $data > $s->{size}) {
        $! = Errno::EINVAL();
        return _wrong($object, $s, 'Cannot write ' . length($data)
            . " bytes past the end of '$$object'");
    }
    if (-s $s->{fh} < $s->{size} && !truncate $s->{fh}, $s->{size}) {
        return _wrong($object, $s, "Cannot resize '$$object': $!");
    }
    my $at = 0;
    while ($at < length $data) {
        my $n = syswrite $s->{fh}, $data, length($data) - $at, $at;
        next if !defined $n && $!{EINTR};
        return _wrong($object, $s, "Cannot write '$$object': $!") if !defined $n;
        $at += $n;
    }
    _tell($object, $s, 'file_write', Length => $at);
    return $at;
}

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $text = $verbose
        ? sprintf("Net::BitTorrent::Torrent::File\n\nPath: %s\nSize: %d bytes\nPriority: %d",
            $$object, $s->{size}, $object->priority)
        : $$object;
    return defined wantarray ? $text : print STDERR "$text\n";
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::File - a file of a torrent

=head1 SYNOPSIS

    for my $file (@{$torrent->files}) {
        $file->set_priority(0) if $file->path =~ /\.nfo\z/;    # not wanted
        printf "%s: %d bytes\n", $file->path, $file->size;
    }

=head1 METHODS

=over

=item C<path>

Where it is or will be; bytes. Also the object's value as a scalar reference.

=item C<size> C<index> C<torrent>

Bytes, number in the torrent, and the L<Net::BitTorrent::Torrent>.

=item C<priority> C<set_priority ( $n )>

0: do not fetch; 1: low; 2: normal, the default; 3: high. A file with priority 0 is not created.

=item C<mode>

C<r>, C<w> or C<undef>: for what the file is open, as told by C<file_open> and C<file_close>. The
engine has descriptors of its own; while nobody listens to these events this is C<undef>.

=item C<new ( { Path, Torrent, Size, Index } )>

All are required. For old programs: the torrent makes its files.

=item C<_open ( 'r' | 'w' )> C<_close> C<_read ( $n )> C<_write ( $bytes )> C<_sysseek ( $position [, $whence ] )> C<_systell> C<_mkpath>

Bytes of the file, for programs of 0.052 that used these. Under C<flock>; the engine does not wait
for it. Reading needs a file that is there; the first write gives it its full size; what would
lie past the end is C<undef>, a C<file_error> and an error of the torrent.

=item C<_percent_complete>

Share of its bytes that is here, as told so far.

=item C<as_string ( [ $verbose ] )>

The path, or some lines about the file. In void context it is printed to STDERR.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
