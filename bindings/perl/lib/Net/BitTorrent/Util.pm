package Net::BitTorrent::Util;
use 5.016;
use strict;
use warnings;
use Carp qw(carp);
use List::Util qw(shuffle);

our $VERSION = '0.100';

use Exporter 'import';
our @EXPORT_OK   = qw(bencode bdecode compact uncompact);
our %EXPORT_TAGS = (
    all     => [@EXPORT_OK],
    bencode => [qw(bencode bdecode)],
    compact => [qw(compact uncompact)],
);

# Nested deeper than this is nobody's torrent.
use constant MAX_DEPTH => 500;

sub bencode {
    my ($value) = @_;
    return '0:' if !defined $value;
    if (!ref $value) {
        return sprintf 'i%se', $value =~ s/\A\+//r if $value =~ /\A[-+]?[0-9]+\z/;
        my $bytes = $value;
        utf8::encode($bytes) if utf8::is_utf8($bytes) && !utf8::downgrade($bytes, 1);
        return length($bytes) . ':' . $bytes;
    }
    return 'l' . join('', map { bencode($_) } @$value) . 'e' if ref $value eq 'ARRAY';
    return '' if ref $value ne 'HASH';
    my @pairs = map { length($_) . ":$_" . bencode($value->{$_}) } sort keys %$value;
    return join '', 'd', @pairs, 'e';
}

sub bdecode {
    my ($text) = @_;
    return if !defined $text || ref $text;
    pos($text) = 0;
    my $value = _decode(\$text, 0);
    return if !defined $value;
    return wantarray ? ($value, substr $text, pos($text) // 0) : $value;
}

sub _decode {
    my ($text, $depth) = @_;
    no warnings 'recursion';
    return if $depth > MAX_DEPTH;
    if ($$text =~ /\G(0|[1-9][0-9]*):/gc) {
        my ($length, $at) = ($1, pos $$text);
        return if length $length > 15 || $length > length($$text) - $at;
        pos($$text) = $at + $length;
        return substr $$text, $at, $length;
    }
    if ($$text =~ /\Gi([-+]?[0-9]+)e/gc) {
        my $digits = $1;
        return length $digits > 18 ? $digits : 0 + $digits;
    }
    if ($$text =~ /\Gl/gc) {
        my @list;
        # An end that is missing at the end of the text is forgiven.
        until ($$text =~ /\Ge/gc || pos($$text) >= length $$text) {
            my $item = _decode($text, $depth + 1);
            return if !defined $item;
            push @list, $item;
        }
        return \@list;
    }
    if ($$text =~ /\Gd/gc) {
        my %dict;
        until ($$text =~ /\Ge/gc || pos($$text) >= length $$text) {
            return if $$text !~ /\G(?=[0-9])/gc;    # keys are strings
            my $key = _decode($text, $depth + 1);
            return if !defined $key;
            my $value = _decode($text, $depth + 1);
            return if !defined $value;
            $dict{$key} = $value;
        }
        return \%dict;
    }
    return;
}

sub compact {
    my @peers = @_;
    my ($out, %seen) = ('');
    for my $peer (@peers) {
        next if !defined $peer || !length $peer;
        my ($ip, $port) = $peer =~ /\A([0-9.]+):([0-9]+)\z/;
        my @octets = defined $ip ? $ip =~ /\A(\d+)\.(\d+)\.(\d+)\.(\d+)\z/ : ();
        if (!@octets || grep({ $_ > 255 } @octets) || $port > 65535) {
            carp "Not an address: $peer";
            next;
        }
        my $packed = pack 'C4n', @octets, $port;
        $out .= $packed if !$seen{$packed}++;
    }
    return length $out ? $out : undef;
}

sub uncompact {
    my ($text) = @_;
    return if !defined $text;
    my @peers;
    for my $at (0 .. int(length($text) / 6) - 1) {
        my @fields = unpack 'C4n', substr $text, 6 * $at, 6;
        push @peers, sprintf '%d.%d.%d.%d:%d', @fields;
    }
    return shuffle @peers;
}

1;

__END__

=head1 NAME

Net::BitTorrent::Util - bencoding and compact addresses

=head1 SYNOPSIS

    use Net::BitTorrent::Util qw(:all);

    my $text  = bencode({list => [1, 'two'], n => 3});
    my $value = bdecode($text);
    my ($first, $rest) = bdecode($text . 'leftover');
    my $packed = compact('192.0.2.1:6881', '192.0.2.2:6882');
    my @peers  = uncompact($packed);

=head1 FUNCTIONS

=over

=item C<bencode ( $value )>

Hashes, arrays, strings; what looks like an integer becomes one, C<undef> the empty string.

=item C<bdecode ( $bytes )>

The value; in list context the value and what follows it. Tolerant: leading zeros of integers and
ends missing at the end are forgiven. C<undef> for what is not bencoded. Integers of more than 18
digits stay strings.

=item C<compact ( @peers )>

C<a.b.c.d:port> in six bytes each, without duplicates. Others are skipped, with a warning.
C<undef> when nothing is left.

=item C<uncompact ( $bytes )>

The list of addresses, shuffled.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
