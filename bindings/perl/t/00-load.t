# Everything loads, fits the library, and binds its whole interface.
use 5.016;
use strict;
use warnings;
use Test::More;

my @modules = qw(Tern Net::BitTorrent Net::BitTorrent::Engine Net::BitTorrent::Torrent
    Net::BitTorrent::Torrent::File Net::BitTorrent::Torrent::Tracker
    Net::BitTorrent::Torrent::Tracker::HTTP Net::BitTorrent::Torrent::Tracker::UDP
    Net::BitTorrent::Peer Net::BitTorrent::Util Net::BitTorrent::Protocol Net::BitTorrent::Version);
use_ok($_) for @modules;
diag 'libtern ' . Tern::version_string();
like(Tern::version_string(), qr/\A[0-9]+\.[0-9]+\.[0-9]+/, 'version');
is(Tern::TERN_E_GONE(), -4, 'a constant');
ok(Tern::has('v1'), 'has v1');
ok(!Tern::has('nonsense'), 'has no nonsense');
is(Tern::result_name(Tern::TERN_E_GONE()), 'TERN_E_GONE', 'name of a result');
is(Tern::event_name(Tern::TERN_EVENT_CHECKED()), 'checked', 'name of an event');
cmp_ok(scalar(my @o = Tern::options()), '>', 30, 'options');
is(ref $o[0], 'HASH', 'as hashes');

SKIP: {
    # In the source tree: every function of the header is used, or deliberately not.
    my $header = '../../include/tern.h';
    skip 'not in the source tree', 1 if !-f $header;
    my $slurp = sub { open my $fh, '<', $_[0] or die "$_[0]: $!"; local $/; scalar <$fh> };
    (my $text = $slurp->($header)) =~ s{/\*.*?\*/}{}gs;
    my %functions = map { s/_sized\z//r => 1 } $text =~ /\b(tern_[a-z0-9_]+)\s*\(/g;
    delete $functions{$_} for qw(tern_progress_fn tern_hook_fn tern_destroy_fn);
    # Options are set by name; errors and buffers are turned into Perl's; callbacks are never used.
    delete $functions{$_} for qw(tern_config_set_int tern_config_set_bool tern_config_set_str
        tern_config_set_bytes tern_config_set_double tern_session_wait tern_create_run
        tern_error_code tern_error_torrent tern_add_set_file_priority);
    my $xs = join '', map { $slurp->($_) } 'Tern.xs', 'tern_xs.h', glob 'xs/*.xs';
    my @missing = grep { $xs !~ /\b$_(?:_sized)?\b/ && $xs !~ /\b$_\(/ } sort keys %functions;
    is_deeply(\@missing, [], 'the whole C interface is bound');
}
SKIP: {
    skip 'Pod::Checker is not here', 1 if !eval { require Pod::Checker; 1 };
    for my $file (map { "lib/$_.pm" } map { s{::}{/}gr } @modules) {
        my $checker = Pod::Checker->new(-quiet => 1, -warnings => 0);
        open my $null, '>', \my $messages;
        $checker->parse_from_file($file, $null);
        is($checker->num_errors, 0, "POD of $file") or diag $messages;
    }
}
done_testing;
