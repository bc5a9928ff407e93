# SOAP::Lite as client and server. Frames on standard input and output: see tests/interop/peer_processes.py.
use strict;
use warnings;
use Encode qw(decode_utf8 encode_utf8 is_utf8);
use SOAP::Lite;
use SOAP::Transport::HTTP;

my $XMLA = 'urn:schemas-microsoft-com:xml-analysis';
our ($GRANTED, $KNOWN, @SEEN);

binmode(STDIN);
binmode(STDOUT);
$| = 1;

sub take {
    my ($size) = @_;
    my $data = '';
    while (length($data) < $size) {
        read(STDIN, $data, $size - length($data), length($data)) or exit 0;
    }
    return $data;
}

sub fields {
    my $count = unpack('N', take(4));
    return map { take(unpack('N', take(4))) } 1 .. $count;
}

sub reply {
    my @fields = map { defined($_) ? (is_utf8($_) ? encode_utf8($_) : $_) : '' } @_;
    print STDOUT pack('N', scalar(@fields)), map { pack('N', length($_)) . $_ } @fields;
}

# The session headers of a message: names and ids.
sub sessions {
    my ($som) = @_;
    my @found;
    for my $block ($som->dataof('//Header/[>0]')) {
        my $name = $block->name;
        next unless $name =~ /^(BeginSession|Session|EndSession)$/ and ($block->uri // '') eq $XMLA;
        my $id = $block->attr->{SessionId};
        push @found, $name, defined($id) ? "=$id" : '';
    }
    return @found;
}

package Service;
our @ISA = ('SOAP::Server::Parameters');

sub Discover { return run(@_) }
sub Execute  { return run(@_) }

sub run {
    my $som = pop;
    @main::SEEN = main::sessions($som);
    my ($name, $id) = @main::SEEN;
    my @header;
    if (defined($name) and $name eq 'BeginSession') {
        my $block = SOAP::Header->name('x:Session')->attr({ 'xmlns:x' => $XMLA, SessionId => $main::GRANTED });
        push @header, $block;
    } elsif (defined($name)) {
        $id = substr($id, 1);
        unless (grep { $_ eq $id } @$main::KNOWN) {
            die SOAP::Fault->faultcode('XMLAnalysisError.0xc10c000a')->faultstring("Session '$id' cannot be found")
                ->faultdetail(SOAP::Data->name('Error')->attr({ ErrorCode => '3238789130' })->value(''));
        }
    }
    return (@header, SOAP::Data->name('return')->value(''));
}

package main;

sub serve {
    my ($data, $granted, @known) = @_;
    local $GRANTED = decode_utf8($granted);
    local $KNOWN = [map { decode_utf8($_) } @known];
    @SEEN = ();
    my $server = SOAP::Server->new->dispatch_with({ $XMLA => 'Service' });
    $server->serializer->soapversion('1.1');
    my $answer = $server->handle($data);
    reply($answer =~ /:Fault>/ ? '500' : '200', $answer, @SEEN);
}

sub call {
    my ($url, $name, $id, $must) = @_;
    my $soap = SOAP::Lite->new(proxy => $url)->uri($XMLA)->on_action(sub { "\"$XMLA:Execute\"" });
    $soap->on_fault(sub { return $_[1] });
    my @header;
    if ($name ne '') {
        my %attributes = ('xmlns:x' => $XMLA);
        $attributes{SessionId} = decode_utf8(substr($id, 1)) if $name ne 'BeginSession';
        my $block = SOAP::Header->name("x:$name")->attr(\%attributes);
        $block->mustUnderstand(1) if $must ne '';
        push @header, $block;
    }
    $soap->autotype(0);
    my $command = SOAP::Data->name('Command')->value(\SOAP::Data->name('Statement')->value(''));
    my $method = SOAP::Data->name('Execute')->attr({ xmlns => $XMLA });
    my $som = $soap->call($method, $command, SOAP::Data->name('Properties')->value(''), @header);
    die "no answer\n" unless ref $som;
    if ($som->fault) {
        my $error = $som->dataof('//Fault/detail/Error') // $som->dataof('//Fault/detail/[1]');
        return ('fault', $som->faultcode, $som->faultstring, $error ? $error->attr->{ErrorCode} : '');
    }
    my ($found, $granted) = sessions($som);
    return ('answer', $granted // '');
}

while (1) {
    my ($command, @fields) = fields();
    eval {
        if ($command eq 'read') {
            my @found = sessions(SOAP::Deserializer->new->deserialize($fields[0]));
            reply('200', '', @found);
        } elsif ($command eq 'serve') {
            serve(@fields);
        } else {
            reply(call(@fields));
        }
        1;
    } or reply('error', "$@");
}
