# Everything public is documented.
use 5.016;
use strict;
use warnings;
use B ();
use File::Find;
use Test::More;

my @files;
find({no_chdir => 1, wanted => sub { push @files, $_ if /\.pm\z/ }}, 'lib');
ok(@files > 15, 'modules');
for my $file (sort @files) {
    open my $in, '<', $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    my ($code, $pod) = split /^__END__$/m, $text, 2;
    ok(defined $pod, "$file has POD") or next;
    my ($module) = $file =~ m{\Alib/(.*)\.pm\z};
    $module =~ s{/}{::}g;
    like($pod, qr/^=head1 NAME\n\n\Q$module\E - \S/m, "$module: NAME");
    like($pod, qr/^=head1 SYNOPSIS$/m, "$module: SYNOPSIS");
    next if $pod =~ /^=head1 NAME\n\n\S+ - private: /m;
    # Methods made in loops too: what the class really has.
    ok(eval "require $module; 1", "$module loads") or next;
    no strict 'refs';
    my %ours = map { ($_ => 1) } $code =~ /^sub ([a-z]\w*)/mg;
    my $made_in = sub { eval { B::svref_2object($_[0])->GV->STASH->NAME } // '' };
    my @public = grep {
        /\A[a-z]/ && defined &{"${module}::$_"}
            && ($ours{$_} || $made_in->(\&{"${module}::$_"}) eq $module)
    } sort keys %{"${module}::"};
    my %not = map { ($_ => 1) } qw(import bootstrap carp croak blessed weaken shuffle
        looks_like_number
        flock);
    my @missing = grep {
        !$not{$_} && $pod !~ /C<+ ?(?:[^>]*\W)?\Q$_\E\b/
            && $pod !~ /^=(?:item|head\d) .*\b\Q$_\E\b/m
    } @public;
    is("@missing", '', "$module: every method is in the POD");
}
SKIP: {
    skip 'Pod::Coverage is not here', 1 if !eval { require Pod::Coverage; 1 };
    my $coverage = Pod::Coverage->new(package => 'Net::BitTorrent::DHT',
        also_private => [qr/\A[A-Z_]+\z/]);
    is(join(' ', $coverage->naked), '', 'Pod::Coverage agrees');
}
done_testing;
