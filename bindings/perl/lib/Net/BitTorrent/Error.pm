package Net::BitTorrent::Error;

# What went wrong, as an object, and the one place where failures are told: by a warning
# and undef as always, or by throwing such an object where RaiseError was asked for.

use 5.016;
use strict;
use warnings;
use Scalar::Util qw(blessed);
use Tern ();

our $VERSION = '0.100';

use overload
    '""'     => sub { $_[0]->as_string },
    '0+'     => sub { $_[0]{code} },
    'bool'   => sub { 1 },
    fallback => 1;

for my $field (qw(code class message file line errno)) {
    no strict 'refs';
    *$field = sub { $_[0]{$field} };
}

sub as_string {
    my ($self) = @_;
    return sprintf '%s at %s line %s.', @$self{qw(message file line)};
}

# Who asked for exceptions: the client, the torrent, or the torrent's client.
sub _asked {
    my ($s) = @_;
    return 0 if !$s;
    return $s->{raise} if defined $s->{raise};
    my $client = $s->{client} ? Tern::state($s->{client}) : undef;
    return $client ? $client->{raise} // 0 : 0;
}

# $s: the state of the object concerned (a hash), or undef. $class: argument, state, system or
# engine. Returns nothing, so that callers can `return fail(...)`.
sub fail {
    my ($s, $class, $message, %more) = @_;
    my ($package, $file, $line, $depth) = ('', '', 0, 0);
    while (($package, $file, $line) = caller $depth++) {
        last if $package !~ /\ANet::BitTorrent\b/;
    }
    my $self = bless {
        class   => $class,
        message => $message,
        code    => $more{code} // 0,
        errno   => $more{errno} // ($class eq 'system' ? 0 + $! : 0),
        file    => $file // '?',
        line    => $line // 0,
    }, __PACKAGE__;
    my $owner = $s && $s->{client} ? Tern::state($s->{client}) : $s;
    $owner->{last_error} = $self if $owner;
    die $self if $more{raise} // _asked($s);
    # As carp does: at the line of the program that called us, however deep we are.
    warn $self->as_string . "\n" if !$more{quiet};
    return;
}

# As fail, where 0.052 said nothing.
sub quietly {
    my ($s, $class, $message, %more) = @_;
    return fail($s, $class, $message, quiet => 1, %more);
}

# What the engine said last.
sub of_engine {
    my ($s, $what, %more) = @_;
    my $error = $Tern::error;
    return fail($s, $error && $error->errno ? 'system' : 'engine', "$what: " . ($error // 'failed'),
        code => $error ? $error->code : 0, errno => $error ? $error->errno : 0, %more);
}

1;

__END__

=encoding utf8

=head1 NAME

Net::BitTorrent::Error - what went wrong, as an object

=head1 SYNOPSIS

    my $client = Net::BitTorrent->new({RaiseError => 1});
    my $torrent = eval { $client->add_torrent({Path => 'no.torrent'}) };
    if (my $error = $@) {
        die $error if !ref $error || !$error->isa('Net::BitTorrent::Error');
        printf "%s: %s\n", $error->class, $error->message;
    }

=head1 DESCRIPTION

Thrown by the methods of a client that was made with C<RaiseError>, and of its torrents, where they
would return C<undef> otherwise. C<< $client->last_error >> gives the last one either way. As a
string it is the message with file and line, as a number its code.

=head1 METHODS

=over

=item C<class>

C<argument> (the call was wrong), C<state> (not now: no client, removed, forked), C<system> (the
operating system refused, see C<errno>), C<engine> (the engine refused, see C<code>).

=item C<message> C<file> C<line>

What, and where it was called.

=item C<code>

A C<TERN_E_*> number (L<Tern>), 0 if the engine was not asked.

=item C<errno>

The system's number, 0 if it was not asked.

=item C<as_string>

The message with file and line.

=item C<fail> C<quietly> C<of_engine>

For the modules of this distribution.

=back

=head1 LICENSE

MIT or Apache-2.0, at your choice.

=cut
