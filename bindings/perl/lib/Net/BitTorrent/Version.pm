package Net::BitTorrent::Version;
use 5.016;
use strict;
use warnings;
use Digest::SHA ();
use Time::HiRes ();

our $VERSION = '0.100';

# The interface this is; other programs know it by this name and number.
our $PRODUCT_TOKEN    = 'Net::BitTorrent 0.052';
our $UNSTABLE_RELEASE = 0;

use Exporter 'import';
our @EXPORT_OK   = qw(gen_peerid gen_node_id $PRODUCT_TOKEN);
our %EXPORT_TAGS = (all => [@EXPORT_OK]);

my @LETTERS = ('A' .. 'Z', 'a' .. 'z', '0' .. '9', '-', '.', '_', '~');

sub _product_version { return $PRODUCT_TOKEN =~ /([0-9.]+)\z/ ? $1 : '' }

# Random bytes. Not rand's: a process and its forked children would draw the same.
sub _random {
    my ($count) = @_;
    if (open my $source, '<:raw', '/dev/urandom') {
        my $bytes = "";
        my $got = sysread $source, $bytes, $count;
        return $bytes if defined $got && $got == $count;
    }
    return substr Digest::SHA::sha1(join ' ', $$, Time::HiRes::time(), rand, {} . ''), 0, $count;
}

sub gen_peerid {
    my $number = int(_product_version() * 1000 + 0.5);
    return sprintf 'NB%03d%s-%s%s', $number, $UNSTABLE_RELEASE ? 'U' : 'S',
        join('', map { $LETTERS[$_ % @LETTERS] } unpack 'C*', _random(8)), 'Riana';
}

sub gen_node_id { return _random(20) }

1;

__END__

=head1 NAME

Net::BitTorrent::Version - names and numbers a client gives itself

=head1 SYNOPSIS

    use Net::BitTorrent::Version qw(:all);
    my $id = gen_peerid();    # NB052S-........Riana

=head1 FUNCTIONS

=over

=item C<gen_peerid>

A new peer id of 20 bytes.

=item C<gen_node_id>

A new DHT node id of 20 bytes.

=back

C<$Net::BitTorrent::Version::PRODUCT_TOKEN> is the name told to trackers.

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
