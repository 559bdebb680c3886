package Net::BitTorrent::Torrent::Resume;

# Resume data in 0.052's form: `.format`, `.version` 2, bitfield, times and priorities of the files,
# peers, blocks of pieces under way. Private.
#
# What we write is that and one key more, `libtern`: the engine's own data, of the same moment,
# which knows more (sizes, nanoseconds, a checksum). When we read, it is used if it is there; else
# the documented rule is applied to 0.052's keys: a file whose time differs makes all of it invalid.
# Deliberately absent: files (Net::BitTorrent::Torrent::Saved).

use 5.016;
use strict;
use warnings;
use Net::BitTorrent::Util qw(bdecode);

our $VERSION = '0.100';

use constant {
    FORMAT  => 'Net::BitTorrent resume',
    NEWEST  => 2,
    BLOCK   => 16384,
};

# Bencodes without guessing: strings stay strings, a number is a reference to one. 0.052 wrote
# bitfields and addresses that look like numbers as numbers.
sub encode_value {
    my ($value) = @_;
    return 'i' . int($$value) . 'e' if ref $value eq 'SCALAR';
    return 'l' . join('', map { encode_value($_) } @$value) . 'e' if ref $value eq 'ARRAY';
    if (ref $value eq 'HASH') {
        return 'd' . join('', map { encode_value($_) . encode_value($value->{$_}) }
            sort keys %$value) . 'e';
    }
    my $bytes = $value // '';
    utf8::encode($bytes) if utf8::is_utf8($bytes);
    return length($bytes) . ':' . $bytes;
}

sub _bits { my ($bits) = @_; return pack 'b*', $bits }

# 0.052's form of the engine's data. $s: the torrent's state.
sub encode {
    my ($s, $blob) = @_;
    my $state  = bdecode($blob);
    my $pieces = $s->{pieces};
    $state = {} if ref $state ne 'HASH';
    my $have  = $state->{pieces} // '';
    my $tern  = ref $state->{tern} eq 'HASH' ? $state->{tern} : {};
    my $files = $tern->{files} // '';
    my @files;
    for my $file (0 .. $#{$s->{files}}) {
        my $record = substr $files, 16 * $file, 16;
        my ($size_high, $size_low) = length $record == 16 ? unpack 'N2', $record : (~0, ~0);
        my $mtime = length $record == 16 && ($size_high != 0xFFFFFFFF || $size_low != 0xFFFFFFFF)
            ? _seconds(substr $record, 8) : 0;
        push @files, {mtime => \$mtime, priority => \($s->{priorities}[$file] // 2)};
    }
    # The pieces being written when this was saved are not durable.
    my @dirty = unpack 'N*', $tern->{dirty} // '';
    (my $bitfield = $have) =~ tr/\0-\3/0101/;
    $bitfield = substr $bitfield . '0' x $pieces, 0, $pieces;
    substr $bitfield, $_, 1, '0' for grep { $_ < $pieces } @dirty;
    return encode_value({
        '.format'  => FORMAT,
        '.t'       => \time,
        '.version' => \NEWEST,
        bitfield   => _bits($bitfield),
        files      => \@files,
        libtern    => $blob,
        peers      => $state->{peers} // '',
        working    => [map { _working($s, $_) }
            ref $state->{unfinished} eq 'ARRAY' ? @{$state->{unfinished}} : ()],
    });
}

# Nanoseconds since 1970, 64 bits, as whole seconds.
sub _seconds {
    my ($ns) = @_;
    my ($high, $low) = unpack 'l>N', $ns;
    my $seconds = int(($high * 4294967296 + $low) / 1e9);
    return $seconds > 0 ? $seconds : 0;
}

# A piece under way.
sub _working {
    my ($s, $unfinished) = @_;
    return if ref $unfinished ne 'HASH';
    my ($index, $mask) = @$unfinished{qw(piece bitmask)};
    return if !defined $index || $index !~ /\A[0-9]+\z/ || $index >= $s->{pieces};
    my $piece = piece($s, $index);
    my $bits  = substr unpack('B*', $mask // ''), 0, $piece->{Block_Count};
    return {
        (map { $_ => \$piece->{$_} } qw(Block_Count Block_Length Block_Length_Last Endgame Index
            Length Priority Slow)),
        Blocks_Received => _bits($bits . '0' x ($piece->{Block_Count} - length $bits)),
    };
}

# A piece's facts under the names 0.052 had for them.
sub piece {
    my ($s, $index) = @_;
    my $length = $s->{metainfo}->piece_size($index);
    my $count  = int(($length + BLOCK - 1) / BLOCK) || 1;
    my ($priority) = sort { $b <=> $a } map { $s->{priorities}[$_->{index}] }
        grep { $index >= $_->{first_piece} && $index < $_->{end_piece} } @{$s->{layout}};
    return {
        Index             => $index,
        Length            => $length,
        Block_Count       => $count,
        Block_Length      => $length < BLOCK ? $length : BLOCK,
        Block_Length_Last => $length - BLOCK * ($count - 1),
        Priority          => $priority // 2,
        Endgame           => 0,
        Slow              => 1,
    };
}

# What a file held says: {blob} the engine's data to use, {bitfield, working} where only 0.052's
# keys are there, {priorities, peers} to restore in any case, {invalid} when a file changed.
# Nothing, when this is no such file or a newer one.
sub decode {
    my ($s, $bytes) = @_;
    my $state = bdecode($bytes);
    return if ref $state ne 'HASH' || ($state->{'.format'} // '') ne FORMAT;
    my $version = $state->{'.version'};
    return if !defined $version || ref $version || $version !~ /\A[0-9]+\z/ || $version > NEWEST;
    my @files = ref $state->{files} eq 'ARRAY' ? @{$state->{files}} : ();
    my %out;
    $out{priorities} = [map {
        ref eq 'HASH' && defined $_->{priority} && $_->{priority} =~ /\A[0-9]+\z/
            ? $_->{priority} : 2
    } @files] if @files == @{$s->{files}};
    my $peers = $state->{peers} // '';
    $out{peers} = $peers if !ref $peers && length($peers) % 6 == 0;
    my $blob = $state->{libtern};
    if (defined $blob && !ref $blob && length $blob) {
        $out{blob} = $blob;
        return \%out;
    }
    my $bits = $state->{bitfield};
    if (!defined $bits || ref $bits || length $bits != int(($s->{pieces} + 7) / 8)
        || @files != @{$s->{files}} || grep { !_unchanged($s, $_, $files[$_]) } 0 .. $#files) {
        $out{invalid} = 1;
        return \%out;
    }
    $out{bitfield} = $bits;
    $out{working}  = ref $state->{working} eq 'ARRAY' ? $state->{working} : [];
    return \%out;
}

# The documented rule.
sub _unchanged {
    my ($s, $index, $saved) = @_;
    my $mtime = ref $saved eq 'HASH' ? $saved->{mtime} : undef;
    return 0 if !defined $mtime || ref $mtime || $mtime !~ /\A-?[0-9]+\z/;
    my @stat = stat ${$s->{files}[$index]};
    return (@stat ? $stat[9] : 0) == $mtime;
}

# The engine's data (libtorrent's format) for what 0.052 knew.
sub translate {
    my ($s, $saved) = @_;
    my @unfinished;
    for my $working (grep { ref eq 'HASH' } @{$saved->{working}}) {
        my ($index, $got) = @$working{qw(Index Blocks_Received)};
        next if !defined $index || $index !~ /\A[0-9]+\z/ || $index >= $s->{pieces}
            || !defined $got || ref $got || vec $saved->{bitfield}, $index, 1;
        my $piece = piece($s, $index);
        # Blocks of another length are not ours.
        next if ($working->{Block_Length} // 0) != $piece->{Block_Length};
        my $bits = substr unpack('b*', $got), 0, $piece->{Block_Count};
        push @unfinished, {piece => \$index, bitmask => pack 'B*', $bits};
    }
    my $bits = substr unpack('b*', $saved->{bitfield}), 0, $s->{pieces};
    return encode_value({
        'file-format'        => 'libtorrent resume file',
        'file-version'       => \1,
        'libtorrent-version' => '1.2.0.0',
        'info-hash'          => $s->{info_hash},
        pieces               => join('', map { chr } split //, $bits),
        (@unfinished ? (unfinished => \@unfinished) : ()),
        (length $saved->{peers} ? (peers => $saved->{peers}) : ()),
    });
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Resume - private: resume data in 0.052's form

=head1 SYNOPSIS

    # Used by Net::BitTorrent::Torrent.

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent::Torrent/RESUME DATA>.

=cut
