package Net::BitTorrent::Torrent::Status;
use 5.016;
use strict;
use warnings;

our $VERSION = '0.100';

use Exporter 'import';

use constant {
    STARTED           => 1,
    CHECKING          => 2,
    START_AFTER_CHECK => 4,
    CHECKED           => 8,
    ERROR             => 16,
    PAUSED            => 32,
    LOADED            => 64,
    QUEUED            => 128,
};

our (@EXPORT_OK, %EXPORT_TAGS);

BEGIN {
    @EXPORT_OK = qw(STARTED CHECKING START_AFTER_CHECK CHECKED ERROR PAUSED LOADED QUEUED);
    %EXPORT_TAGS = (all => [@EXPORT_OK]);
}

1;

__END__

=head1 NAME

Net::BitTorrent::Torrent::Status - private: the bits of a torrent's status

=head1 SYNOPSIS

    use Net::BitTorrent::Torrent qw(:status);

=head1 DESCRIPTION

Programs import them from L<Net::BitTorrent::Torrent>.

=cut
