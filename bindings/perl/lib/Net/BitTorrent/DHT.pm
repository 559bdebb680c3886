package Net::BitTorrent::DHT;
use 5.016;
use strict;
use warnings;
use Scalar::Util qw(blessed weaken);
use Net::BitTorrent::Error;
use Net::BitTorrent::Util qw(compact);
use Net::BitTorrent::Version;
use Tern ();

our $VERSION = '0.100';

# 0.052 took no more.
use constant MAX_NODES => 300;

# The engine's part: methods of Tern::Session and Tern::Torrent. Where the library has no DHT, or
# the method is not there, nodes are kept and nothing is asked.
use constant {
    SESSION_ADD   => 'dht_add_node',
    SESSION_ID    => 'dht_node_id',
    SESSION_NODES => 'dht_nodes',
};

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
    my $client = $args->{Client};
    if (!(blessed $client && $client->isa('Net::BitTorrent') && Tern::state($client))) {
        return Net::BitTorrent::Error::fail(undef, 'argument',
            __PACKAGE__ . '->new({ }) requires a blessed \'Client\'');
    }
    return $class->_make($client);
}

sub _make {
    my ($class, $client) = @_;
    my $id     = Net::BitTorrent::Version::gen_node_id();
    my $object = bless \$id, $class;
    my $self   = {client => $client, nodes => {}, order => []};
    weaken $self->{client};
    Tern::attach($object, $self);
    return $object;
}

# The engine's session, when it can do this.
sub _session {
    my ($s, $method) = @_;
    return if !Tern::Session->can($method);
    my $engine = $s->{client} ? $s->{client}->_engine : undef;
    return $engine && $engine->is_owner ? $engine->session : undef;
}

sub node_id {
    my ($object) = @_;
    my $s = _self($object) or return;
    if (my $session = _session($s, SESSION_ID)) {
        my $id = $session->${\SESSION_ID()};
        $$object = $id if defined $id && length $id == 20;
    }
    return $$object;
}

# To restore what a program saved.
sub _set_node_id {
    my ($object, $id) = @_;
    my $s = _self($object) or return;
    if (!defined $id || length $id != 20) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            __PACKAGE__ . '->_set_node_id( ) requires 20 bytes');
    }
    my $session = _session($s, 'set_dht_node_id');
    $session->set_dht_node_id($id) if $session;
    return $$object = $id;
}

sub nodes {
    my $s = _self(@_) or return;
    my %all = map { ("$_->{ip}:$_->{port}" => $_) } @{$s->{order}};
    if (my $session = _session($s, SESSION_NODES)) {
        my @told = $session->${\SESSION_NODES()};
        for my $node (map { ref $_ ? $_ : [/\A\[?(.*?)\]?:(\d+)\z/] } @told) {
            my ($ip, $port) = ref $node eq 'ARRAY' ? @$node : @$node{qw(ip port)};
            $all{"$ip:$port"} //= {ip => $ip, port => $port} if defined $ip && defined $port;
        }
    }
    return [map { {ip => $all{$_}{ip}, port => $all{$_}{port}} } sort keys %all];
}

sub add_node {
    my ($object, $node) = @_;
    my $s = _self($object) or return;
    my $client = $s->{client} or return;
    return if !$client->_use_dht;
    my ($ip, $port) = ref $node eq 'HASH' ? @$node{qw(ip port)} : ();
    if (!defined $ip || !length $ip || !defined $port || $port !~ /\A[0-9]{1,5}\z/
        || !$port || $port > 65535) {
        return Net::BitTorrent::Error::fail($s, 'argument',
            __PACKAGE__ . '->add_node({ }) requires \'ip\' and \'port\'');
    }
    my $key = "$ip:$port";
    return $s->{nodes}{$key} if $s->{nodes}{$key};
    return if @{$s->{order}} > MAX_NODES;
    return if !$client->_may_use("$ip:$port");
    if (my $session = _session($s, SESSION_ADD)) {
        $session->${\SESSION_ADD()}($key) or return;
    }
    my $kept = $s->{nodes}{$key} = {ip => $ip, port => 0 + $port};
    push @{$s->{order}}, $kept;
    return $kept;
}

# Compact addresses that the DHT gave for a torrent.
sub _peers {
    my ($object, $hash) = @_;
    my $s = _self($object) or return;
    my $client  = $s->{client} or return;
    my $torrent = $client->_locate_torrent($hash) or return;
    my $found   = Tern::state($torrent)->{dht_peers} or return '';
    return compact(sort keys %$found) // '';
}

# The engine announces and looks for peers by itself; a call makes it do so now.
sub _announce { return _hurry($_[0], 'dht_announce', $_[1]) }
sub _scrape   { return _hurry($_[0], 'dht_announce', $_[1]) }

sub _hurry {
    my ($object, $method, $torrent) = @_;
    my $s = _self($object) or return;
    my $client = $s->{client} or return;
    return if !$client->_use_dht || !Tern::Torrent->can($method);
    my $asked = 0;
    for my $one ($torrent // values %{$client->torrents}) {
        my $handle = blessed $one && $one->can('_handle') ? $one->_handle : undef;
        $asked++ if $handle && !$one->private && $handle->$method;
    }
    return $asked || undef;
}

sub as_string {
    my ($object, $verbose) = @_;
    my $s = _self($object) or return;
    my $id = $object->node_id;
    my $text = $id;
    if ($verbose) {
        my $nodes = $object->nodes;
        $text = join "\n", __PACKAGE__, '', 'Node ID: ' . unpack('H*', $id),
            'Routing nodes: ' . @$nodes, map { "  $_->{ip}:$_->{port}" } @$nodes;
    }
    return defined wantarray ? $text : print STDERR "$text\n";
}

1;

__END__

=encoding utf8

=head1 NAME

Net::BitTorrent::DHT - the client's node of the distributed hash table (BEP 5)

=head1 SYNOPSIS

    my $dht = $client->_dht;
    $dht->add_node({ip => '192.0.2.1', port => 6881});
    print "$_->{ip}:$_->{port}\n" for @{$dht->nodes};

=head1 DESCRIPTION

Each client has one, C<< $client->_dht >>. What runs the protocol is the engine; nodes of the
F<.torrent> files of torrents that are added are given to it.
C<< $client->_use_dht >> tells whether this build of the engine has one and it is on.

=head1 METHODS

=over

=item C<new ( { Client =E<gt> $client } )>

For old programs; the client makes its own.

=item C<node_id>

20 bytes; also the value of the object as a scalar reference.

=item C<nodes>

Reference to an array of C<{ip, port}>: those known.

=item C<add_node ( { ip =E<gt> ..., port =E<gt> ... } )>

Tells a node to begin with, and returns it. C<undef> when the DHT is off, when there are more than
300, or when a handler for C<ip_filter> says so.

=item C<as_string ( [ $verbose ] )>

The node id, or some lines about the nodes. In void context it is printed to STDERR.

=item C<_set_node_id ( $id )> C<_peers ( $infohash )> C<_announce> C<_scrape>

To restore an id that was saved; the peers found for a torrent, compact; announce and look for
peers now.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
