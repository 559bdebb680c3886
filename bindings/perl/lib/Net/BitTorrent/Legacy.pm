package Net::BitTorrent::Legacy;

# The private methods of Net::BitTorrent 0.052 that programs call all the same: settings, jobs,
# sockets. Private. Deliberately absent: moving bytes of the protocol through Perl.

use 5.016;
use strict;
use warnings;
use Errno ();
use Scalar::Util qw(blessed looks_like_number);
use Socket ();
use Net::BitTorrent::Error;
use Tern qw(:constants);

our $VERSION = '0.100';

# Name, the engine's option (undef: none) and 0.052's default.
my %SETTINGS = (
    max_ul_rate          => ['upload_limit',            0],
    max_dl_rate          => ['download_limit',          0],
    peers_per_torrent    => ['torrent_max_connections', 100],
    half_open            => ['max_half_open',           8],
    connections_per_host => ['max_per_ip',              1],
    encryption_mode      => [undef,                     1],
);

sub defaults { return {map { $_ => $SETTINGS{$_}[1] } keys %SETTINGS} }

sub engine_options { return map { @{$_}[0, 1] } grep { defined $_->[0] } values %SETTINGS }

sub setting_names { return sort keys %SETTINGS }

# What may be given, besides whole numbers in general.
my %ALLOWED = (
    max_ul_rate          => sub { $_[0] > 0 },    # 0.052 takes no 0 here
    encryption_mode      => sub { $_[0] <= 2 },
    peers_per_torrent    => sub { $_[0] > 0 },
    half_open            => sub { $_[0] > 0 },
    connections_per_host => sub { $_[0] > 0 },
);

for my $name (keys %SETTINGS) {
    no strict 'refs';
    *{"_$name"} = sub { my $s = $_[0]->_self or return; return $s->{settings}{$name} };
    *{"_set_$name"} = sub {
        my ($object, $value) = @_;
        my $s = $object->_self or return;
        if (!defined $value || $value !~ /\A[0-9]+\z/
            || $ALLOWED{$name} && !$ALLOWED{$name}->($value)) {
            return Net::BitTorrent::Error::fail($s, 'argument',
                "Net::BitTorrent->_set_$name( ) requires a fitting integer");
        }
        my $option = $SETTINGS{$name}[0];
        if (defined $option) {
            my $session = $object->_session or return;
            $session->apply({$option => $value})
                or return Net::BitTorrent::Error::of_engine($s, "_set_$name");
        }
        $s->{settings}{$name} = 0 + $value;
        $s->{engine}->interest_changed if $name eq 'encryption_mode' && $s->{engine};
        return $value;
    };
}

# ---- DHT -----------------------------------------------------------------------------------------

sub _dht { my $s = $_[0]->_self or return; return $s->{dht} }

# Whether this build of the engine has one, and it is wanted.
sub _use_dht {
    my $s = $_[0]->_self or return;
    return $s->{use_dht} && Tern::has('dht') ? 1 : 0;
}

sub _set_use_dht {
    my ($object, $on) = @_;
    my $s = $object->_self or return;
    if (!defined $on || $on !~ /\A[01]\z/) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            'Net::BitTorrent->_set_use_dht( ) requires 0 or 1');
    }
    my ($option) = grep { Tern::_option_exists($_) } qw(dht_enabled dht);
    my $session  = $object->_session;
    $session->apply({$option => $on}) if defined $option && $session;
    $s->{use_dht} = 0 + $on;
    return 1;
}

# ---- Jobs ----------------------------------------------------------------------------------------

sub _schedule {
    my ($object, $args) = @_;
    my $s = $object->_self or return;
    if (ref $args ne 'HASH' || ref $args->{Code} ne 'CODE'
        || !looks_like_number($args->{Time} // '')) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            'Net::BitTorrent->_schedule({ }) requires \'Time\' and \'Code\'');
    }
    my $id = ++$s->{job};
    push @{$s->{jobs}}, {%$args, id => $id};
    return $id;
}

sub _cancel {
    my ($object, $id) = @_;
    my $s = $object->_self or return;
    return if !defined $id || !looks_like_number($id);
    my $before = @{$s->{jobs}};
    @{$s->{jobs}} = grep { $_->{id} != $id } @{$s->{jobs}};
    return $before > @{$s->{jobs}} ? 1 : undef;
}

# ---- Torrents ------------------------------------------------------------------------------------

sub _locate_torrent {
    my ($object, $hash) = @_;
    my $s = $object->_self or return;
    return if !defined $hash || $hash !~ /\A[0-9A-Fa-f]{40}\z/;
    return $s->{torrents}{lc $hash};
}

# The reserved bytes of the handshake: extension protocol (BEP 10) and fast extension (BEP 6).
sub _build_reserved {
    my $s = $_[0]->_self or return;
    my @bytes = (0) x 8;
    $bytes[5] |= 0x10;
    $bytes[7] |= 0x04;
    return pack 'C8', @bytes;
}

# ---- Sockets -------------------------------------------------------------------------------------

sub _tcp_port { my $s = $_[0]->_self or return; return $s->{port} }
sub _tcp_host { my $s = $_[0]->_self or return; return $s->{host} }

sub _tcp {
    my ($object) = @_;
    my $s = $object->_self or return;
    return defined $s->{port} ? $object->fh : undef;
}

# UDP trackers, DHT and the like use the number of the TCP port; undef where the engine has no such
# socket.
sub _udp_port {
    my ($object) = @_;
    my $s = $object->_self or return;
    my $session = $object->_session or return;
    return $session->udp_port || undef if $session->can('udp_port');
    return Tern::has('udp') || Tern::has('dht') ? $s->{port} : undef;
}

sub _udp_host {
    my ($object) = @_;
    my $s = $object->_self or return;
    return defined $object->_udp_port ? $s->{host} : undef;
}

sub _udp { my ($object) = @_; return defined $object->_udp_port ? $object->fh : undef }

# Listens somewhere else.
sub _socket_open_tcp {
    my ($object, $host, $port) = @_;
    my $s = $object->_self or return;
    my $session = $object->_session or return;
    my $packed = Socket::inet_aton($host // '0.0.0.0');
    if (!defined $packed || ($port // 0) !~ /\A[0-9]{1,5}\z/ || ($port // 0) > 65535) {
        $! = Errno::EADDRNOTAVAIL() if !defined $packed;
        return Net::BitTorrent::Error::quietly($s, 'argument', 'No such address');
    }
    my $address = Socket::inet_ntoa($packed);
    my $engine  = $s->{engine};
    my $old     = @{$engine->{events}};
    $session->apply({listen => $address . ':' . ($port // 0)})
        or return Net::BitTorrent::Error::of_engine($s, 'Cannot listen');
    my $told;
    $engine->pump_until(
        sub {
            ($told) = grep {
                $_->{kind} == TERN_EVENT_LISTENING || $_->{kind} == TERN_EVENT_LISTEN_FAILED
            } @{$engine->{events}}[$old .. $#{$engine->{events}}];
        },
        10);
    if (!$told || $told->{kind} == TERN_EVENT_LISTEN_FAILED) {
        @$s{qw(host port)} = (undef, undef);
        $! = $told->{errno} if $told && $told->{errno};
        return Net::BitTorrent::Error::quietly($s, 'system', 'Cannot listen');
    }
    @$s{qw(host port)} = ($address, $session->listen_port);
    return 1;
}

# The engine opens it together with that of TCP.
sub _socket_open_udp { my ($object) = @_; return defined $object->_udp_port ? 1 : undef }

# A hash by file number, of what waits for bytes. The engine's own sockets are not seen from here:
# peers have the number of their connection as key.
sub _connections {
    my ($object) = @_;
    my $s = $object->_self or return;
    my %all = %{$s->{sockets} || {}};
    my $fd = $object->fileno;
    $all{$fd} = {Object => $object, Mode => 'ro'} if defined $fd;
    for my $torrent (values %{$s->{torrents}}) {
        my $peers = Tern::state($torrent)->{peers};
        $all{$_} = {Object => $peers->{$_}, Mode => 'rw'} for keys %$peers;
    }
    return \%all;
}

# Objects with a `_socket` and a method `_rw($may_read, $may_write, $error)`, as 0.052 had them,
# are looked after in do_one_loop.
sub _add_connection {
    my ($object, $connection, $mode) = @_;
    my $s = $object->_self or return;
    my $socket = blessed $connection && $connection->can('_socket') ? $connection->_socket : undef;
    my $fd = defined $socket ? CORE::fileno($socket) : undef;
    if (!defined $fd || ($mode // '') !~ /\A(?:ro|rw|wo)\z/) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            '_add_connection( ) requires an object with a socket, and ro, rw or wo');
    }
    $s->{sockets}{$fd} = {Object => $connection, Mode => $mode};
    return 1;
}

sub _remove_connection {
    my ($object, $connection) = @_;
    my $s = $object->_self or return;
    return if !ref $connection;
    my ($fd) = grep { $s->{sockets}{$_}{Object} == $connection } keys %{$s->{sockets} || {}};
    return if !defined $fd;
    return delete $s->{sockets}{$fd};
}

# Waits for these and the engine; how long the engine may still be waited for.
sub wait_for_sockets {
    my ($s, $timeout) = @_;
    my ($read, $write) = ('', '');
    vec($read, $s->{engine}->session->event_fd, 1) = 1;
    for my $fd (keys %{$s->{sockets}}) {
        vec($read,  $fd, 1) = 1 if $s->{sockets}{$fd}{Mode} ne 'wo';
        vec($write, $fd, 1) = 1 if $s->{sockets}{$fd}{Mode} ne 'ro';
    }
    my $error = $read | $write;
    my $found = select $read, $write, $error, $timeout < 0 ? undef : $timeout;
    return 0 if !$found || $found < 0;
    for my $fd (sort { $a <=> $b } keys %{$s->{sockets}}) {
        my $one = $s->{sockets}{$fd} or next;
        my @ready = map { vec $_, $fd, 1 } $read, $write, $error;
        next if !grep { $_ } @ready;
        $one->{Object}->_rw(@ready) if $one->{Object}->can('_rw');
    }
    return 0;
}

1;

__END__

=head1 NAME

Net::BitTorrent::Legacy - private: what programs of 0.052 call although it was private

=head1 SYNOPSIS

    # Base class of Net::BitTorrent.

=head1 DESCRIPTION

See L<Net::BitTorrent/PRIVATE METHODS>.

=cut
