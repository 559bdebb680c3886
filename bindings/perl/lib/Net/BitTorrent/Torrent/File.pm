package Net::BitTorrent::Torrent::File;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use Scalar::Util qw(blessed weaken);
use Tern ();

our $VERSION = '0.100';

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
    my ($path, $torrent, $size, $index) = @$args{qw(Path Torrent Size Index)};
    my $wrong
        = !defined $path || !length $path ? 'Path'
        : !(blessed $torrent && $torrent->isa('Net::BitTorrent::Torrent')) ? 'Torrent'
        : !defined $size || $size !~ /\A[0-9]+\z/ ? 'Size'
        : !defined $index || $index !~ /\A[0-9]+\z/ ? 'Index'
        : undef;
    if (defined $wrong) {
        carp __PACKAGE__ . "->new({ }) requires a valid '$wrong'";
        return;
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
sub mode    { return undef }

sub priority {
    my $s = _self(@_) or return;
    return $s->{priority} // ($s->{torrent} ? $s->{torrent}->_priority($s->{index}) : undef) // 2;
}

sub set_priority {
    my ($object, $priority) = @_;
    my $s = _self($object) or return;
    if (!defined $priority || $priority !~ /\A[0-9]+\z/) {
        carp 'Net::BitTorrent::Torrent::File->set_priority( ) requires a positive integer';
        return;
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

sub _percent_complete {
    my $s = _self(@_) or return;
    my $handle = $s->{torrent} ? $s->{torrent}->_handle : undef;
    return 0 if !$handle;
    return 100 if !$s->{size};
    my @bytes = $handle->file_progress;
    return 100 * ($bytes[$s->{index}] // 0) / $s->{size};
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

Always C<undef>: the engine opens files by itself.

=item C<as_string ( [ $verbose ] )>

The path, or some lines about the file. In void context it is printed to STDERR.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
