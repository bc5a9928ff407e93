<?php
// PHP's SoapClient and SoapServer. Frames on standard input and output: see tests/interop/peer_processes.py.

const XMLA = 'urn:schemas-microsoft-com:xml-analysis';
$wsdl = $argv[1];

function take(int $size): string
{
    $data = '';
    while (strlen($data) < $size) {
        $more = fread(STDIN, $size - strlen($data));
        if ($more === false || $more === '') {
            exit(0);
        }
        $data .= $more;
    }
    return $data;
}

function number(): int
{
    return unpack('N', take(4))[1];
}

function fields(): array
{
    $fields = [];
    for ($count = number(); $count > 0; $count--) {
        $size = number();
        $fields[] = $size ? take($size) : '';
    }
    return $fields;
}

function reply(array $fields): void
{
    $frame = pack('N', count($fields));
    foreach ($fields as $field) {
        $frame .= pack('N', strlen($field)) . $field;
    }
    fwrite(STDOUT, $frame);
    fflush(STDOUT);
}

class Service
{
    public array $seen = [];
    private ?string $granted = null;

    public function __construct(private object $server, private string $id, private ?array $known)
    {
    }

    public function BeginSession($block): void
    {
        array_push($this->seen, 'BeginSession', '');
        $this->granted = $this->id;
    }

    public function Session($block): void
    {
        $this->find('Session', $block);
    }

    public function EndSession($block): void
    {
        $this->find('EndSession', $block);
    }

    public function Discover($parameters)
    {
        return $this->run();
    }

    public function Execute($parameters)
    {
        return $this->run();
    }

    private function find(string $name, $block): void
    {
        $id = $block->SessionId ?? null;
        array_push($this->seen, $name, $id === null ? '' : "=$id");
        if ($this->known !== null && !in_array($id, $this->known, true)) {
            $error = htmlspecialchars("Session '$id' cannot be found", ENT_XML1 | ENT_QUOTES);
            $detail = new SoapVar("<Error ErrorCode=\"3238789130\" Description=\"$error\"/>", XSD_ANYXML);
            throw new SoapFault('XMLAnalysisError.0xc10c000a', "Session '$id' cannot be found", null, (object) ['Error' => $detail]);
        }
    }

    private function run()
    {
        if ($this->granted !== null) {
            $this->server->addSoapHeader(new SoapHeader(XMLA, 'Session', ['SessionId' => $this->granted]));
        }
        return ['return' => ['any' => '']];
    }
}

// A message that SoapServer refuses ends the process, so that each one gets a child.
function serve(string $wsdl, string $data, string $id, ?array $known): void
{
    $child = pcntl_fork();
    if ($child) {
        pcntl_waitpid($child, $status);
        return;
    }
    $service = null;
    register_shutdown_function(function () use (&$service) {
        $answer = ob_get_clean() ?: '';
        $status = str_contains($answer, ':Fault>') ? '500' : '200';
        reply([$status, $answer, ...($service->seen ?? [])]);
    });
    ob_start();
    $server = new SoapServer($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE]);
    $service = new Service($server, $id, $known);
    $server->setObject($service);
    $server->handle($data);
    exit(0);
}

function call(string $wsdl, string $url, string $name, string $id, string $must): array
{
    $client = new SoapClient($wsdl, ['location' => $url, 'cache_wsdl' => WSDL_CACHE_NONE, 'keep_alive' => false]);
    $headers = [];
    if ($name !== '') {
        $block = $name === 'BeginSession' ? [] : ['SessionId' => substr($id, 1)];
        $headers[] = new SoapHeader(XMLA, $name, $block, $must !== '');
    }
    try {
        $parameters = ['Command' => ['Statement' => ''], 'Properties' => []];
        $client->__soapCall('Execute', [$parameters], null, $headers, $found);
    } catch (SoapFault $fault) {
        return ['fault', $fault->faultcode, $fault->faultstring, $fault->detail->Error->ErrorCode ?? ''];
    }
    $session = $found['Session'] ?? null;
    return ['answer', $session === null ? '' : '=' . $session->SessionId];
}

while (true) {
    $fields = fields();
    switch ($fields[0]) {
        case 'read':
            serve($wsdl, $fields[1], '', null);
            break;
        case 'serve':
            serve($wsdl, $fields[1], $fields[2], array_slice($fields, 3));
            break;
        case 'call':
            reply(call($wsdl, ...array_slice($fields, 1)));
            break;
    }
}
