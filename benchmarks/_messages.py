"""Messages to measure with; a seed generates them, each of an exact size."""

from __future__ import annotations

from functools import cache
from random import Random

SEED = 20_240_229

SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
XMLA = b"urn:schemas-microsoft-com:xml-analysis"
ENGINE = b"http://schemas.microsoft.com/analysisservices/2003/engine/2"
COMPATIBILITY = b"http://schemas.microsoft.com/analysisservices/2003/xmla"

# A request inside a session; the prefix of SOAP is `soap`, %b is the id.
_SESSION = b'<Session xmlns="' + XMLA + b'" soap:mustUnderstand="1" SessionId="%b"/>'

_REQUEST = (
    b'<soap:Envelope xmlns:soap="' + SOAP + b'"><soap:Header>' + _SESSION + b"</soap:Header><soap:Body>",
    b"</soap:Body></soap:Envelope>",
)
# Some serializers use the default namespace for SOAP.
_UNPREFIXED_REQUEST = (
    b'<Envelope xmlns="' + SOAP + b'"><Header><Session xmlns="' + XMLA + b'" SessionId="%b"/></Header><Body>',
    b"</Body></Envelope>",
)
_EXECUTE = (
    b'<Execute xmlns="' + XMLA + b'"><Command><Statement>',
    b"</Statement></Command><Properties/></Execute>",
)

# BeginSession has no id, so the head is always the same; the padding is the name of a cube.
_DISCOVER = (
    b'<soap:Envelope xmlns:soap="' + SOAP + b'"><soap:Header><BeginSession xmlns="' + XMLA + b'"'
    b' soap:mustUnderstand="1"/></soap:Header><soap:Body><Discover xmlns="' + XMLA + b'">'
    b"<RequestType>MDSCHEMA_CUBES</RequestType><Restrictions><CUBE_NAME>",
    b"</CUBE_NAME></Restrictions><Properties/></Discover></soap:Body></soap:Envelope>",
)

_FIRST_REQUEST = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n<Envelope xmlns="' + SOAP + b'">\r\n  <Header>\r\n'
    b'    <BeginSession soap:mustUnderstand="1" xmlns:soap="' + SOAP + b'" xmlns="' + XMLA + b'" />\r\n'
    b'    <Version Sequence="926" xmlns="' + ENGINE + b'" />\r\n'
    b'    <NamespaceCompatibility xmlns="' + COMPATIBILITY + b'" mustUnderstand="0" />\r\n'
    b'  </Header>\r\n  <Body>\r\n    <Execute xmlns="' + XMLA + b'">\r\n'
    b"      <Command>\r\n        <Statement />\r\n      </Command>\r\n"
    b"      <Properties>\r\n        <PropertyList>\r\n"
    b"          <Catalog>Sales</Catalog>\r\n          <Timeout>0</Timeout>\r\n"
    b"          <LocaleIdentifier>1033</LocaleIdentifier>\r\n"
    b"          <DbpropMsmdActivityID>%b</DbpropMsmdActivityID>\r\n"
    b"          <DbpropMsmdRequestID>%b</DbpropMsmdRequestID>\r\n"
    b"        </PropertyList>\r\n      </Properties>\r\n    </Execute>\r\n  </Body>\r\n</Envelope>"
)

_ANSWER = (
    b'<soap:Envelope xmlns:soap="' + SOAP + b'" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Header><Session xmlns="' + XMLA + b'"'
    b' SessionId="%b"/></soap:Header><soap:Body>',
    b"</soap:Body></soap:Envelope>",
)
_ROWSET = (
    b'<ExecuteResponse xmlns="' + XMLA + b'"><return><root xmlns="' + XMLA + b':rowset">',
    b"<row><Comment>",
    b"</Comment></row></root></return></ExecuteResponse>",
)
_ROW_END = b"</row>"


def seeded() -> Random:
    """Return a generator that gives the same numbers in every run."""
    return Random(SEED)


def new_id(chance: Random) -> bytes:
    digits = f"{chance.getrandbits(128):032X}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).encode()


def discover(size: int, chance: Random) -> bytes:
    """Return a request with BeginSession and Discover."""
    start, end = _DISCOVER
    return _padded(start, end, size, chance)


def request(size: int, chance: Random, session_id: bytes | None = None, *, prefixed: bool = True) -> bytes:
    """Return a request with Session and Execute; the id is new unless it is given."""
    head, tail = _REQUEST if prefixed else _UNPREFIXED_REQUEST
    start, end = _EXECUTE
    return _padded(head % (session_id or new_id(chance)) + start, end + tail, size, chance)


def unqualified(size: int, chance: Random) -> bytes:
    """Return a request that earns a warning: its mustUnderstand has no prefix, as Mondrian needs it."""
    head = _REQUEST[0].replace(b"soap:mustUnderstand", b"mustUnderstand")
    start, end = _EXECUTE
    return _padded(head % new_id(chance) + start, end + _REQUEST[1], size, chance)


def referring(size: int, chance: Random, *, in_id: bool = False) -> bytes:
    """Return a request with a reference in its head, in the id or in another attribute of its block."""
    head = _REQUEST[0]
    if not in_id:
        head = head.replace(b" SessionId", b' soap:actor="urn:a&amp;b" SessionId')
    start, end = _EXECUTE
    session_id = b"&#65;" + new_id(chance) if in_id else new_id(chance)
    return _padded(head % session_id + start, end + _REQUEST[1], size, chance)


def strange(message: bytes, chance: Random) -> bytes:
    """Return a message with a comment in its head that no other message has."""
    before, header, after = message.partition(b"Header>")
    return b"%b%b<!--%d-->%b" % (before, header, chance.getrandbits(64), after)


def first_request(chance: Random, *, begins: bool = True) -> bytes:
    """Return a request as SQL Server Management Studio writes it, with BeginSession or Session."""
    message = _FIRST_REQUEST % (new_id(chance), new_id(chance))
    if begins:
        return message
    session = b'Session SessionId="%b"' % new_id(chance)
    return message.replace(b"BeginSession", session)


def answer(size: int, chance: Random, session_id: bytes | None = None) -> bytes:
    """Return an answer with Session and a rowset; the id is new unless it is given."""
    head, tail = _ANSWER
    before, last_row, after = _ROWSET
    start, end = head % (session_id or new_id(chance)) + before, after + tail
    block = _rows()
    times, rest = divmod(size - len(start) - len(last_row) - len(end), len(block))
    cut = block.rfind(_ROW_END, 0, rest)
    cut = 0 if cut < 0 else cut + len(_ROW_END)
    # One allocation: otherwise the peak of making the message would hide the memory of reading it.
    return b"".join((start, *[block] * times, block[:cut], last_row, _noise()[: rest - cut], end))


def rowset(rows: int, chance: Random, session_id: bytes) -> bytes:
    """Return an answer with the rowset of a cube's measures, as servers write it."""
    head, tail = _ANSWER
    before, _, _ = _ROWSET
    return b"".join(
        (
            head % session_id,
            before,
            *(_measure(chance) for _ in range(rows)),
            b"</root></return></ExecuteResponse>",
            tail,
        )
    )


_NOUNS = (
    "Sales",
    "Unit",
    "Store",
    "Cost",
    "Profit",
    "Margin",
    "Gross",
    "Order",
    "Count",
    "Region",
    "Customer",
)


def _measure(chance: Random) -> bytes:
    """Return a row with columns whose names and values look like those of secrets."""
    name = " ".join(chance.choices(_NOUNS, k=3))
    key, price = chance.randrange(10**6), chance.random() * 1e6
    return (
        f"<row><CATALOG_NAME>FoodMart</CATALOG_NAME><CUBE_NAME>{chance.choice(_NOUNS)}</CUBE_NAME>"
        f"<MEASURE_NAME>{name}</MEASURE_NAME><MEASURE_UNIQUE_NAME>[Measures].[{name}]</MEASURE_UNIQUE_NAME>"
        f"<MEMBER_KEY>{key}</MEMBER_KEY><PRIMARY_KEY>{key % 99}</PRIMARY_KEY>"
        f"<MEASURE_GUID>{new_id(chance).decode()}</MEASURE_GUID><DESCRIPTION>{name} &amp; more</DESCRIPTION>"
        f"<DATA_TYPE>{key % 200}</DATA_TYPE><VALUE>{price}</VALUE></row>"
    ).encode()


def _padded(start: bytes, end: bytes, size: int, chance: Random) -> bytes:
    room = size - len(start) - len(end)
    noise = _noise()
    position = chance.randrange(len(noise) - room)
    message = start + noise[position : position + room] + end
    if len(message) != size:
        msg = f"this message cannot be as short as {size} bytes"
        raise ValueError(msg)
    return message


@cache
def _noise() -> bytes:
    """Return text without characters that need a reference."""
    return bytes(seeded().choices(b"abcdefghij klmnopqrst uvwxyz.,[]()0123456789", k=1 << 16))


@cache
def _rows() -> bytes:
    """Return about a megabyte of rows."""
    chance = seeded()
    noise = _noise()
    rows = bytearray()
    while len(rows) < 1_000_000:
        position = chance.randrange(1 << 15)
        name = noise[position : position + chance.randint(8, 24)]
        rows += (
            b"<row><Customer>%b</Customer><Country>DE</Country><Units>%d</Units><Sales>%d.%02d</Sales>"
            % (
                name,
                chance.randint(1, 999),
                chance.randint(1, 99_999),
                chance.randint(0, 99),
            )
        )
        rows += b"<Day>2024-02-29T00:00:00</Day>" + _ROW_END
    return bytes(rows)
