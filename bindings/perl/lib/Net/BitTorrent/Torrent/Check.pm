package Net::BitTorrent::Torrent::Check;

# Checks of a torrent's files. Private.
#
# The engine hashes; this resets what is known, lets go of earlier checks' ends that were not told
# yet, and follows a check from a thread that may not drive the client. Deliberately absent: waiting
# for the end (Torrent) and telling it (Events).

use 5.016;
use strict;
use warnings;
use Tern qw(:constants);
use Net::BitTorrent::Emitter;
use Net::BitTorrent::Torrent::Events;
use Net::BitTorrent::Torrent::Status qw(CHECKED CHECKING ERROR);

our $VERSION = '0.100';

# Has the engine check all pieces.
sub begin {
    my ($s) = @_;
    my ($view, $engine) = @$s{qw(view engine)};
    my $id = $s->{handle}->id;
    my $check_end = Net::BitTorrent::Torrent::Events::CHECK_END();
    my $status = $s->{handle}->status or return;
    my $failed = $status->{state} == TERN_STATE_FAILED;
    if ($s->{loaded}) {
        # An earlier check's end, still waiting to be told, is not the end of this one.
        @{$engine->{events}} = grep {
            $_->{torrent} != $id
                || ($_->{kind} != TERN_EVENT_CHECKED && $_->{kind} != $check_end)
        } @{$engine->{events}};
        $s->{handle}->recheck or return;
    }
    # else: the engine looks at the files since the torrent was added, and that is this check.
    if ($failed) {
        # It tries again; started it is only when that is wanted.
        @{$engine->{events}} = grep {
            $_->{torrent} != $id || $_->{kind} != TERN_EVENT_STORAGE_FAILED
        } @{$engine->{events}};
        $s->{handle}->resume or return;
        $s->{handle}->pause  or return;
    }
    unshift @{$engine->{events}}, @{delete $s->{held} || []};
    delete $s->{refused};
    $view->set_error(undef);
    $view->change(CHECKING, CHECKED | ERROR);
    $view->set_bitfield("\0" x length $view->bitfield);
    $s->{checking} = {failed => {}};
    return 1;
}

# In a clone of the torrent in another thread: the thread that made the client is told what the
# engine finds, and says so in the view that both share. Handlers that were set here hear of it too.
sub elsewhere {
    my ($object, $s) = @_;
    my $view = $s->{view};
    my ($pass, $fail) = map { Net::BitTorrent::Emitter::set_here($s, $_) }
        qw(piece_hash_pass piece_hash_fail);
    my $checks = $view->checks;
    my $told   = "\0" x length $view->bitfield;
    $view->change(CHECKING, CHECKED | ERROR);
    $view->set_bitfield($told);
    if (!$s->{handle}->recheck) {
        $view->change(0, CHECKING);
        return;
    }
    my $over = 0;
    until ($over) {
        select undef, undef, undef, 0.02;
        $over = $view->checks != $checks;
        return if !$over && !$s->{handle}->status;    # the client is gone
        my $now = $view->bitfield;
        next if !$pass || $now eq $told;
        for my $piece (grep { vec($now, $_, 1) && !vec $told, $_, 1 } 0 .. $s->{pieces} - 1) {
            vec($told, $piece, 1) = 1;
            $pass->($object, {Torrent => $object, Index => $piece});
        }
    }
    my $have = $view->bitfield;
    for my $piece ($fail ? grep { !vec $have, $_, 1 } 0 .. $s->{pieces} - 1 : ()) {
        $fail->($object, {Torrent => $object, Index => $piece});
    }
    return $view->status & CHECKED ? 1 : undef;
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Check - private: checks of a torrent's files

=head1 SYNOPSIS

    my $ok = $torrent->hashcheck;

=head1 DESCRIPTION

Nothing in here is for programs. See L<Net::BitTorrent::Torrent/hashcheck>.

=cut
