package Tern;
use 5.016;
use strict;
use warnings;

our $VERSION = '0.100';
our $error;    # the last failure, a Tern::Error

use Exporter 'import';
our (@EXPORT_OK, %EXPORT_TAGS);

require XSLoader;
XSLoader::load('Tern', $VERSION);

{
    no strict 'refs';
    @EXPORT_OK = sort grep { /^TERN_/ && defined &{"Tern::$_"} } keys %Tern::;
    %EXPORT_TAGS = (constants => [@EXPORT_OK], all => [@EXPORT_OK]);
}

sub create {
    my %args = @_;
    return _create(\%args);
}

# Nodes as the library writes them: one a line, id, a space, address.
sub nodes_of {
    my ($text) = @_;
    return map {
        my ($id, $addr) = split / /, $_, 2;
        my ($ip, $port) = $addr =~ /\A\[?(.*?)\]?:([0-9]+)\z/;
        {id => pack('H*', $id), ip => $ip, port => 0 + $port};
    } split /\n/, $text;
}

sub Tern::Session::dht_nodes {
    my ($session) = @_;
    my $text = $session->_dht_nodes;
    return defined $text ? nodes_of($text) : ();
}

package Tern::Error;
use overload
    '""'     => sub { my $e = shift; $e->{message} . (defined $e->{path} ? " ($e->{path})" : '') },
    '0+'     => sub { $_[0]{code} },
    'bool'   => sub { 1 },
    fallback => 1;

sub code    { $_[0]{code} }
sub name    { $_[0]{name} }
sub detail  { $_[0]{detail} }
sub errno   { $_[0]{errno} }
sub message { $_[0]{message} }
sub path    { $_[0]{path} }

1;

__END__

=head1 NAME

Tern - the C interface of libtern, call for call

=head1 SYNOPSIS

    use Tern qw(:constants);

    my $metainfo = Tern::Metainfo->load('some.torrent') or die $Tern::error;
    my $session  = Tern::Session->new({listen => '0.0.0.0:6881'}) or die $Tern::error;
    my $torrent  = $session->add({metainfo => $metainfo, save_path => '/tmp'})
        or die $Tern::error;
    while (1) {
        $session->wait(1.0);
        for my $event ($session->take) {
            print Tern::event_name($event->{kind}), "\n";
            exit if $event->{kind} == TERN_EVENT_FINISHED;
        }
    }

=head1 DESCRIPTION

This is the foundation of L<Net::BitTorrent>, which is what programs normally use. Here every
function of F<tern.h> is one method, and the header is the reference: what a function does, and what
the members of an event mean, is said there. This page tells only how it looks from Perl.

=over

=item * Methods that fail return C<undef> (or the empty list) and set C<$Tern::error> to a
C<Tern::Error>, an object with C<code>, C<name>, C<detail>, C<errno>, C<message> and C<path> that
stringifies to its message and numifies to its code. When the system refused something C<$!> is set
too. Methods called on something that is not an object of the class croak.

=item * Options are a hash with the names of F<docs/options.md>. C<Tern::options()> lists them.

=item * Structures come as hashes with the members' names. Events leave out members that are not
set.

=item * C<add> takes the torrent as C<metainfo>, C<metainfo_bytes>, C<metainfo_file>, C<magnet> (a
link) or C<info_hash> (20 bytes). The metadata of the last two comes from peers, and
C<TERN_EVENT_METADATA> tells. With C<merge> a torrent that is there already gets the trackers, peers
and metadata given, and is returned.

=item * C<Tern::magnet_info_hash($link)> is the info-hash that a magnet link names.

=item * C<known_by_source> and C<peers_by_source> in a torrent's status are hashes by
C<TERN_SOURCE_*>; sources without a peer are left out.

=item * Paths and binary data are bytes. Names and messages are decoded from UTF-8.

=item * Hooks are QUEUED only: C<set_verify_hook(TERN_HOOK_QUEUED)> makes requests appear among
the events; answer them with C<request_complete($token, $verdict, $detail)>. The library never
calls into Perl, so a C<die> never crosses one of its frames.

=item * C<wait($seconds)> waits in poll(2) and returns when a signal arrives, after running its
handler. Negative means no limit.

=item * C<Tern::create(path =E<gt> ..., piece_length =E<gt> ..., trackers =E<gt> [...])> hashes a
file or directory and returns the bytes of a F<.torrent> file. Further keys: C<name>, C<comment>,
C<created_by>, C<creation_date>, C<source>, C<private>, C<flags>, C<web_seeds>, C<threads>,
C<hash_path>.

=item * What begins something in the DHT (C<dht_get_peers>, C<dht_get>, C<dht_put>, ...) returns a
token; what comes of it are events with that token. C<dht_nodes> returns a list of
C<{id, ip, port}>; C<Tern::nodes_of($event-E<gt>{text})> reads those of an event.
C<Tern::dht_keypair($seed)> returns a secret and a public key, C<Tern::dht_sign($secret, $seq,
$value, $salt)> a signature, C<Tern::dht_target($value)> and C<Tern::dht_target(undef, $key,
$salt)> where an item is stored. C<save_state> and C<load_state> are for programs without a state
directory.

=item * C<Tern::version()>, C<version_string>, C<has($feature)>, C<result_name($code)>,
C<result_text($code)>, C<event_name($kind)> and C<state_name($state)> are the header's functions of
these names.

=back

=head2 Threads and forks

Objects are cloned into new ithreads: both sides hold a reference to the same session, torrent or
metainfo. No session survives C<fork>: in the child every call fails with C<TERN_E_FORKED>, and
letting go of objects does nothing.

=head2 Tern::View, Tern::attach, Tern::state

For L<Net::BitTorrent>'s own use: a torrent's state as delivered to Perl so far, shared by all
threads, and private state attached to an object.

=head1 CONSTANTS

All C<TERN_*> numbers of the header; export them by name or all with C<:constants>.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
