package Net::BitTorrent::Emitter;

# Handlers of events, as clients and torrents have them: one per type by on_event, any number by on.
# Private. Deliberately absent: which events there are, and when they come.

use 5.016;
use strict;
use warnings;
use Config;
use Net::BitTorrent::Error;
use Tern ();

our $VERSION = '0.100';

# One handler per type, the last one wins; undef removes it. Unknown types are kept, with a warning,
# as 0.052 did.
sub on_event {
    my ($object, $type, $code) = @_;
    my $s = $object->_self or return;
    if (!defined $type || !$object->_knows_event($type)) {
        Net::BitTorrent::Error::fail($s, 'argument',
            sprintf 'Unknown callback: %s', $type // '');
        return if !defined $type;
    }
    if (defined $code) {
        $s->{calls}{$type} = $code;
        $s->{set_in}{$type} = tid();
    }
    else {
        delete $s->{calls}{$type};
    }
    $object->_handlers_changed($type);
    return $code;
}

# Any number of handlers, called in order after that of on_event. Returns the handler, for off.
sub on {
    my ($object, $type, $code) = @_;
    my $s = $object->_self or return;
    if (!defined $type || !$object->_knows_event($type)) {
        return Net::BitTorrent::Error::fail($s, 'argument', "Unknown event: " . ($type // ''));
    }
    if (ref $code ne 'CODE') {
        return Net::BitTorrent::Error::fail($s, 'argument', 'on( ) requires a code reference');
    }
    push @{$s->{more}{$type}}, $code;
    $object->_handlers_changed($type);
    return $code;
}

# Removes one handler that on added, or all of a type. How many.
sub off {
    my ($object, $type, $code) = @_;
    my $s = $object->_self or return;
    my $list = defined $type ? $s->{more}{$type} : undef;
    return 0 if !$list;
    my @left = defined $code ? grep { $_ != $code } @$list : ();
    my $gone = @$list - @left;
    if (@left) {
        $s->{more}{$type} = \@left;
    }
    else {
        delete $s->{more}{$type};
    }
    $object->_handlers_changed($type);
    return $gone;
}

# The thread we are in.
sub tid { $Config{useithreads} && $INC{'threads.pm'} ? threads->tid : 0 }

# The handler of on_event that was set in this very thread; clones of others do not count.
sub set_here {
    my ($s, $type) = @_;
    return defined $s->{set_in}{$type} && $s->{set_in}{$type} == tid() ? $s->{calls}{$type} : undef;
}

# Whether somebody listens to one of these types.
sub listens {
    my ($s, @types) = @_;
    return scalar grep { $s->{calls}{$_} || $s->{more}{$_} } @types;
}

# Calls the handlers. What each returned.
sub call {
    my ($object, $s, $type, $args) = @_;
    my $first = $s->{calls}{$type};
    my $more  = $s->{more}{$type};
    return $first ? scalar $first->($object, $args) : () if !$more;
    # A handler may change the list.
    return map { scalar $_->($object, $args) } $first ? $first : (), @$more;
}

1;

__END__

=head1 NAME

Net::BitTorrent::Emitter - private: handlers of events

=head1 SYNOPSIS

    # Base class of Net::BitTorrent and Net::BitTorrent::Torrent.

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent/on_event>.

=cut
