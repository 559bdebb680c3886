# Files as 0.052 let programs use them: bytes, locks, the events of it.
use 5.016;
use strict;
use warnings;
use Fcntl qw(:seek);
use lib 't/lib';
use Test::More;
use TernTest;
use Net::BitTorrent::Torrent qw(:status);

my $dir  = workdir();
my $file = make_torrent($dir, "w\xc3\xafde", 16384, "\xe2\x98\xba" => content(20_000),
    b => content(5));
my $torrent = Net::BitTorrent::Torrent->new({Path => $file, BaseDir => "$dir/out"});
my @told;
for my $type (qw(file_open file_close file_read file_write file_error)) {
    $torrent->on_event($type => sub { push @told, [$type, $_[1]] });
}
sub told { return [map { $_->[0] } splice @told] }
my ($one) = grep { $_->size == 20_000 } @{$torrent->files};

is($one->mode, undef, 'closed');
is($one->_open('r'), undef, 'nothing to read yet');
is_deeply(told(), [], 'which is no error');
is($one->_open('x'), undef, 'no such mode');
is($one->_write('x'), undef, 'closed files take nothing');
is($one->_open('w'), 1, 'open to write');
is($one->mode, 'w', 'mode');
ok(-e "$dir/out/w\xc3\xafde/\xe2\x98\xba", 'it is there, whatever it is called');
is($told[0][1]{Mode}, 'w', 'and said to be');
is_deeply(told(), ['file_open'], 'file_open');
is($one->_read(1), undef, 'not to be read');
is($one->_write('hello'), 5, 'write');
is($told[0][1]{Length}, 5, 'Length');
is_deeply(told(), ['file_write'], 'file_write');
is(-s $one->path, 20_000, 'it has its full size at once');
is($one->_systell, 5, 'where we are');
is($one->_sysseek(19_999), 1, 'seek');
is($one->_write('xy'), undef, 'past the end');
ok($!{EINVAL}, '$!');
like($torrent->error, qr/past the end/, 'is an error of the torrent');
ok($torrent->status & ERROR, 'in its status');
is_deeply(told(), ['file_error'], 'file_error');
is($one->_sysseek(20_001), undef, 'past the end');
is_deeply(told(), ['file_error'], 'file_error');
is($one->_sysseek(-1, SEEK_CUR), 1, 'relative');
is($one->_systell, 19_998, 'where we are');
is($one->_open('r'), 1, 'now to read');
is_deeply(told(), ['file_close', 'file_open'], 'closed and opened');
is($one->_read(5), 'hello', 'read');
is($told[0][1]{Length}, 5, 'Length');
is_deeply(told(), ['file_read'], 'file_read');
is($one->_write('x'), undef, 'not to be written');
is($one->_sysseek(-3, SEEK_END), 1, 'from the end');
is($one->_read(4), undef, 'past the end');
is_deeply(told(), ['file_error'], 'file_error');
{
    open my $other, '+<', $one->path or die;
    use Fcntl qw(:flock);
    ok(!flock($other, LOCK_EX | LOCK_NB), 'it is locked');
}
is($one->_close, 1, 'close');
is($one->mode, undef, 'closed');
is($one->_close, undef, 'twice');
is($one->_percent_complete, 0, 'nothing is known to be right');
spew($one->path, content(20_000));
spew("$dir/out/w\xc3\xafde/b", content(5));
$torrent->hashcheck;
is($one->_percent_complete, 100, 'all is');
done_testing;
