package Net::BitTorrent::State;

# A client's state in one file: settings, DHT nodes, torrents with their resume data. Private:
# programs call save_state and load_state of the client.

use 5.016;
use strict;
use warnings;
use Digest::SHA qw(sha1);
use Net::BitTorrent::Error;
use Net::BitTorrent::Torrent::Resume;
use Net::BitTorrent::Torrent::Saved;
use Net::BitTorrent::Torrent::Status qw(:all);
use Net::BitTorrent::Util qw(bdecode);
use Tern ();

our $VERSION = '0.100';

use constant FORMAT => 'Net::BitTorrent state';

sub _encode { goto &Net::BitTorrent::Torrent::Resume::encode_value }

sub save {
    my ($object, $path) = @_;
    my $s = $object->_self or return;
    my $session = $object->_session
        or return Net::BitTorrent::Error::quietly($s, 'state', 'The client is closed');
    my @torrents;
    for my $torrent (map { $s->{torrents}{$_} } sort keys %{$s->{torrents}}) {
        my $data = $torrent->resume_data;
        push @torrents, {
            (defined $torrent->path ? (path => $torrent->path) : (magnet => $torrent->magnet)),
            basedir  => $torrent->_basedir,
            infohash => pack('H*', $torrent->infohash),
            started  => \($torrent->status & STARTED ? 1 : 0),
            paused   => \($torrent->status & PAUSED ? 1 : 0),
            (defined $torrent->resume_path ? (resume => $torrent->resume_path) : ()),
            (defined $data ? (data => $data) : ()),
        };
    }
    my %state = (
        '.format'  => FORMAT,
        '.t'       => \time,
        '.version' => \1,
        dht        => {
            id    => $object->_dht->node_id,
            nodes => [map { {ip => $_->{ip}, port => \$_->{port}} } @{$object->_dht->nodes}],
        },
        settings => {map { $_ => \$s->{settings}{$_} } keys %{$s->{settings}}},
        torrents => \@torrents,
    );
    my $bytes = _encode({%state, '.hash' => sha1(_encode(\%state))});
    return $bytes if !defined $path;
    return 1 if Net::BitTorrent::Torrent::Saved::replace_file($path, $bytes);
    return Net::BitTorrent::Error::fail($s, 'system', "Cannot write '$path': $!");
}

# From a file or from the bytes themselves. How many torrents were added; undef when it is no such
# state.
sub load {
    my ($object, $from) = @_;
    my $s = $object->_self or return;
    if (!defined $from || !length $from) {
        return Net::BitTorrent::Error::fail($s, 'argument', 'load_state( ) requires a state');
    }
    my $bytes = $from;
    if ($from !~ /\Ad7:\.format/) {
        open my $fh, '<:raw', $from
            or return Net::BitTorrent::Error::quietly($s, 'system', "Cannot read '$from': $!");
        $bytes = do { local $/; <$fh> };
    }
    # The hash is that of everything else.
    my $head = 'd' . _encode('.format') . _encode(FORMAT);
    my $mark = _encode('.hash') . '20:';
    my $hash;
    if (substr($bytes, 0, length "$head$mark") eq "$head$mark") {
        $hash = substr substr($bytes, length $head, length($mark) + 20, ''), length $mark;
    }
    my $state = defined $hash ? bdecode($bytes) : undef;
    if (ref $state ne 'HASH' || ($state->{'.format'} // '') ne FORMAT || $hash ne sha1($bytes)) {
        return Net::BitTorrent::Error::fail($s, 'engine',
            'This is no state of a client, or damaged');
    }
    return if $state->{'.version'} !~ /\A[0-9]+\z/ || $state->{'.version'} > 1;
    _settings($object, $s, $state);
    return _torrents($object, $state->{torrents});
}

sub _settings {
    my ($object, $s, $state) = @_;
    my $settings = ref $state->{settings} eq 'HASH' ? $state->{settings} : {};
    for my $name (Net::BitTorrent::Legacy::setting_names()) {
        my $value = $settings->{$name};
        next if !defined $value || ref $value || $value !~ /\A[0-9]+\z/;
        next if $value == $s->{settings}{$name};
        my $set = "_set_$name";
        $object->$set($value);
    }
    my $dht = ref $state->{dht} eq 'HASH' ? $state->{dht} : {};
    $object->_dht->_set_node_id($dht->{id}) if length($dht->{id} // '') == 20;
    for my $node (grep { ref eq 'HASH' } ref $dht->{nodes} eq 'ARRAY' ? @{$dht->{nodes}} : ()) {
        $object->_dht->add_node({ip => $node->{ip}, port => $node->{port}});
    }
}

sub _torrents {
    my ($object, $list) = @_;
    my $added = 0;
    for my $saved (grep { ref eq 'HASH' } ref $list eq 'ARRAY' ? @$list : ()) {
        next if $object->_locate_torrent(unpack 'H*', $saved->{infohash} // '');
        my $torrent = $object->add_torrent({
            (defined $saved->{magnet} ? (Magnet => $saved->{magnet}) : (Path => $saved->{path})),
            BaseDir    => $saved->{basedir},
            Resume     => $saved->{resume},
            ResumeData => $saved->{data},
            Status     => $saved->{paused} ? PAUSED : $saved->{started} ? START_AFTER_CHECK : 0,
        }) or next;
        # Without data that can be used it checks and starts, as a new one does.
        $torrent->start if $saved->{started} && !($torrent->status & (STARTED | PAUSED | ERROR));
        $added++;
    }
    return $added;
}

1;

__END__

=head1 NAME

Net::BitTorrent::State - private: a client's state in one file

=head1 SYNOPSIS

    $client->save_state('client.state');

=head1 DESCRIPTION

See L<Net::BitTorrent/save_state>.

=cut
