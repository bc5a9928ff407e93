"""HTTP messages, as they went over the wire or as a capture describes them -> captured messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import h11

from xmla_headers.captures._message import CapturedMessage
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

from .allowance import Allowance
from .coding import unpacked_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.findings import Finding

__all__ = [
    "BINARY",
    "HEAD_END",
    "START",
    "HttpMessage",
    "captured",
    "exchange_of",
    "find_start",
    "header_of",
    "iter_http",
    "read_http",
    "read_stream",
]

#: Bytes of a start line and header fields: a Kerberos token alone may take 64 KB.
_MOST_HEAD = 262_144
_CHUNK = 65_536

#: The first line of a message in HTTP/1. The methods are those that XMLA and its surroundings know.
START = rb"(?:(?:POST|GET|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|TRACE) \S+ HTTP/1\.[01]|HTTP/1\.[01] \d{3}\b)"

#: The end of a request line. HTTP/1.0 is the same in as many bytes, but for the Host field, which whoever
#: wrote a log may have left out.
_HTTP_1_1 = re.compile(rb"\A([^\r\n]*HTTP/1\.)1(?=\r?\n)")

#: What Analysis Services negotiates beside text -> what it is, and the connection property that turns it off.
_FORMAT = "Protocol Format=XML"
_COMPRESSION = "Transport Compression=None"
BINARY = {
    "application/sx": ("MS-BINXML", _FORMAT),
    "application/xml+xpress": ("XPRESS compression", _COMPRESSION),
    "application/sx+xpress": ("MS-BINXML in XPRESS compression", f"{_FORMAT};{_COMPRESSION}"),
}

_MOST_TYPE, _MOST_DATE = 1_024, 128
_TYPE = re.compile(r"[ \t]*+[!#$%&'*+.^_`|~0-9a-z-]++/[!#$%&'*+.^_`|~0-9a-z-]++")
_CHARSET = re.compile(r""";[ \t]*+charset[ \t]*+=[ \t]*+(?:"([^"]*+)"|([^\s;"]++))""")

#: Whatever h11 raises for the bytes of a message. ValueError: a length of more digits than Python turns into
#: a number, before h11 0.15.
H11_ERRORS = (h11.RemoteProtocolError, h11.LocalProtocolError, ValueError)
#: Whatever email raises for the value of a Date, and Python for a time that it cannot hold.
DATE_ERRORS = (ValueError, OverflowError, TypeError, IndexError)

#: RFC 9110 §15.5.2 and §15.5.8: the request is sent again, with credentials; nothing has come of it yet.
_CHALLENGES = frozenset({401, 407})


@dataclass(slots=True)
class HttpMessage:
    """A request or a response of HTTP."""

    name: str
    #: None for a response.
    method: str | None
    #: None for a request.
    status: int | None
    headers: tuple[tuple[str, str], ...]
    #: As it was sent, its transfer coding taken off.
    body: bytes
    time: datetime | None = None
    #: The content coding has been taken off by whoever captured it.
    decoded: bool = False
    #: What is wrong with it.
    trouble: Finding | None = None
    #: What the charset is, where the header fields do not say what the bytes are now.
    charset: str | None = field(default=None)


#: The end of a head.
HEAD_END = re.compile(rb"\r?\n\r?\n")

_HEAD_IN_HEAD = value_finding(
    Code.BROKEN_CAPTURE, "no whole HTTP message: another one begins in its header fields"
)


def header_of(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    """Return the value of the first header field of a name (in lower case), or None."""
    for field_name, value in headers:
        if field_name.lower() == name:
            return value
    return None


def _media_type(content_type: str) -> tuple[str, str | None]:
    """Return media type and charset, in lower case (RFC 9110 §8.3.1)."""
    # A well-kept parser of MIME takes the square of what strangers write, or raises.
    content_type = content_type[:_MOST_TYPE].lower()
    kind, charset = _TYPE.match(content_type), _CHARSET.search(content_type)
    found = None if charset is None else charset[1] or charset[2]
    return "" if kind is None else kind[0].strip(), found


def exchange_of(
    request: HttpMessage | None, response: HttpMessage | None, exchange: str, allowance: Allowance
) -> Iterator[CapturedMessage]:
    """Yield what an exchange holds of XMLA: its request and its response, or nothing."""
    if request is not None:
        if request.trouble is None and not _may_be_xmla(request):
            return
        challenged = response is not None and response.status in _CHALLENGES
        # NTLM and Negotiate begin with requests whose body has been left out.
        if challenged and not request.body:
            return
        yield captured(request, exchange, allowance)
    if response is not None:
        yield captured(response, exchange, allowance)


def _may_be_xmla(request: HttpMessage) -> bool:
    if request.method != "POST":
        return False
    if header_of(request.headers, "soapaction") is not None:
        return True
    media_type, _ = _media_type(header_of(request.headers, "content-type") or "")
    if media_type in BINARY or media_type in ("text/xml", "application/xml", "application/soap+xml"):
        return True
    return b"Envelope" in request.body[:4096]


def captured(message: HttpMessage, exchange: str | None, allowance: Allowance) -> CapturedMessage:
    """Return an HTTP message as a captured one, its content coding taken off."""
    media_type, charset = _media_type(header_of(message.headers, "content-type") or "")
    body, found = message.body, message.trouble
    if found is None and media_type in BINARY:
        what, setting = BINARY[media_type]
        found = value_finding(
            Code.NOT_XML,
            f"the body is {media_type}, {what}",
            f"capture again with the connection property {setting}",
        )
    if found is None and body and not message.decoded:
        body, found = unpacked_body(body, header_of(message.headers, "content-encoding") or "", allowance)
    return CapturedMessage(
        message.name,
        b"" if found is not None else body,
        Direction.RESPONSE if message.method is None else Direction.REQUEST,
        message.charset or charset,
        message.time or _date(message),
        message.status,
        message.headers,
        exchange,
        found,
    )


def _date(message: HttpMessage) -> datetime | None:
    """Return when a response was made, as its Date says (RFC 9110 §6.6.1): to the second."""
    value = None if message.status is None else header_of(message.headers, "date")
    try:
        date = None if value is None else parsedate_to_datetime(value[:_MOST_DATE])
    except DATE_ERRORS:
        return None
    return date if date is None or date.tzinfo is not None else date.replace(tzinfo=UTC)


# -- the wire ----------------------------------------------------------------------------------------


def find_start(data: bytes | memoryview, start: int, end: int | None = None) -> int | None:
    """Return where the next HTTP message begins, at `start` or at the beginning of a line behind it."""
    end = len(data) if end is None else end
    here = re.compile(rb"[ \t\r\n]*+(" + START + rb")").match(data, start, end)
    found = here or re.compile(rb"(?m)^(" + START + rb")").search(data, start, end)
    return None if found is None else found.start(1)


def iter_http(data: bytes | memoryview, prefix: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of a stream: of requests, of responses, or of both as they came.

    The answers come in the order of the requests (RFC 9112 §9.3.2).
    """
    allowance = Allowance(limits)
    counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
    passed_over: set[int] = set()
    for _, message, _, _ in read_stream(data, limits):
        direction = Direction.RESPONSE if message.method is None else Direction.REQUEST
        number = counts[direction]
        counts[direction] += 1
        message.name = f"{prefix}{direction}/{number}"
        if direction is Direction.REQUEST and message.trouble is None and not _may_be_xmla(message):
            passed_over.add(number)
        elif direction is Direction.REQUEST or number not in passed_over:
            yield captured(message, f"{prefix}{number}", allowance)
        else:
            passed_over.remove(number)


def read_stream(
    data: bytes | memoryview, limits: CaptureLimits
) -> Iterator[tuple[int, HttpMessage, int, int | None]]:
    """Yield where each message begins, the message, where reading it has ended, and where the next begins."""
    place, blank = find_start(data, 0), -1
    while place is not None:
        if blank < place:
            found = HEAD_END.search(data, place)
            blank = len(data) if found is None else found.start()
        following = _last_start(data, place + 1, blank)
        if following is not None:
            # Another head begins in this one: it has no end, and what h11 says of it would cost its square.
            method = None if bytes(data[place : place + 5]) == b"HTTP/" else ""
            message, end = HttpMessage("", method, None, (), b"", trouble=_HEAD_IN_HEAD), following
        else:
            message, end = read_http(data, place, "", limits)
            following = find_start(data, max(end, place + 1))
        yield place, message, end, following
        place = following


def _last_start(data: bytes | memoryview, start: int, end: int) -> int | None:
    last = None
    for found in re.compile(rb"(?m)^" + START).finditer(data, start, end):
        last = found.start()
    return last


def read_http(
    data: bytes | memoryview, start: int, name: str, limits: CaptureLimits
) -> tuple[HttpMessage, int]:
    """Read one message of HTTP/1, and return where it ends as well.

    What is wrong with it is its `trouble`; then where it ends is where reading it has ended.
    """
    is_response = bytes(data[start : start + 5]) == b"HTTP/"
    message = HttpMessage(name, None if is_response else "", None, (), b"")
    connection = h11.Connection(
        h11.CLIENT if is_response else h11.SERVER, max_incomplete_event_size=_MOST_HEAD
    )
    if is_response:
        connection.send(h11.Request(method="POST", target="/", headers=[("Host", "-")]))
    body, size, fed, ended = [], 0, start, False
    try:
        while True:
            event = connection.next_event()
            match event:
                case h11.NEED_DATA:
                    piece = bytes(data[fed : fed + _CHUNK])
                    if fed == start and not is_response:
                        piece = _HTTP_1_1.sub(rb"\g<1>0", piece, count=1)
                    fed += len(piece)
                    ended = not piece
                    connection.receive_data(piece)
                case h11.Request():
                    message.method = event.method.decode("latin-1")
                    message.headers = _fields(event)
                case h11.Response():
                    message.status = event.status_code
                    message.headers = _fields(event)
                case h11.Data():
                    size += len(event.data)
                    if limits.max_entry_bytes is not None and size > limits.max_entry_bytes:
                        message.trouble = value_finding(
                            Code.LIMIT_EXCEEDED,
                            f"the body has more than {limits.max_entry_bytes} bytes (max_entry_bytes)",
                        )
                        break
                    body.append(bytes(event.data))
                case h11.InformationalResponse():
                    pass
                case _:
                    # The end of the message, of the connection, or of what is HTTP on it.
                    break
    except H11_ERRORS as error:
        reason = "the end is missing" if ended and message.headers else _reason(error, ended=ended)
        message.trouble = value_finding(Code.BROKEN_CAPTURE, f"no whole HTTP message: {reason}")
    message.body = b"".join(body)
    end = fed - len(connection.trailing_data[0])
    if message.method and message.trouble is None and not _says_its_length(message):
        # A request without a length has no body (RFC 9112 §6.3); who pastes one may have left the field out.
        stop = find_start(data, end)
        stop = len(data) if stop is None else stop
        if limits.max_entry_bytes is None or stop - end <= limits.max_entry_bytes:
            message.body, end = bytes(data[end:stop]).strip(), stop
    return message, end


def _says_its_length(message: HttpMessage) -> bool:
    return any(header_of(message.headers, name) for name in ("content-length", "transfer-encoding"))


def _fields(event: h11.Request | h11.Response) -> tuple[tuple[str, str], ...]:
    pairs = event.headers.raw_items()
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def _reason(error: Exception, *, ended: bool) -> str:
    # h11 may quote what it does not like, a header field with a secret for example.
    quotes = not isinstance(error, h11.ProtocolError) or "b'" in str(error)
    return "this is not how HTTP/1.1 (RFC 9112) writes one" if ended or quotes else str(error)
