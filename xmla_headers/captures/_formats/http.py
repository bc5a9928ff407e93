"""Knows HTTP/1 messages, as they went over the wire or as another capture format describes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import h11

from xmla_headers.captures._message import CapturedMessage
from xmla_headers.captures._redaction.secrets import ChangeKind
from xmla_headers.captures._unpacking import BINARY, Allowance, unpacked_body
from xmla_headers.findings import Code, value_finding
from xmla_headers.http import charset_of
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor
    from xmla_headers.findings import Finding

__all__ = [
    "HEAD_END",
    "HttpMessage",
    "exchange_of",
    "read",
    "read_one",
    "recognise",
    "redact",
    "redact_one",
    "resembles",
]

# Bytes of a start line and header fields: a Kerberos token alone may take 64 KB.
_MOST_HEAD = 262_144
_PIECE = 65_536

# The first line of a message in HTTP/1, with the methods that XMLA servers and their neighbours use.
_FIRST_LINE = (
    rb"(?:(?:POST|GET|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|TRACE) \S+ HTTP/1\.[01]|HTTP/1\.[01] \d{3}\b)"
)
_START = re.compile(_FIRST_LINE)
_START_OF_LINE = re.compile(rb"(?m)^(" + _FIRST_LINE + rb")")
_START_HERE = re.compile(rb"[ \t\r\n]*+(" + _FIRST_LINE + rb")")
# The end of a head.
HEAD_END = re.compile(rb"\r?\n\r?\n")

# The end of a request line. A request of HTTP/1.0 has as many bytes and needs no Host field, which logs may
# lack.
_HTTP_1_1 = re.compile(rb"\A([^\r\n]*HTTP/1\.)1(?=\r?\n)")

_MOST_TYPE, _MOST_DATE = 1_024, 128
_TYPE = re.compile(r"[ \t]*+[!#$%&'*+.^_`|~0-9a-z-]++/[!#$%&'*+.^_`|~0-9a-z-]++")

# The exceptions of h11 for the bytes of a message. ValueError: a length with more digits than Python
# converts, before h11 0.15.
H11_ERRORS = (h11.RemoteProtocolError, h11.LocalProtocolError, ValueError)
# The exceptions of email for the value of a Date, and of Python for a time out of range.
DATE_ERRORS = (ValueError, OverflowError, TypeError, IndexError)

# RFC 9110 §15.5.2 and §15.5.8: the client sends the request again with credentials.
_CHALLENGES = frozenset({401, 407})

_HEAD_IN_HEAD = value_finding(
    Code.BROKEN_CAPTURE, "no whole HTTP message: another one begins in its header fields"
)


@dataclass(slots=True)
class HttpMessage:
    """An HTTP request or response."""

    name: str
    # None for a response.
    method: str | None
    # None for a request.
    status: int | None
    headers: tuple[tuple[str, str], ...]
    # The body without its transfer coding.
    body: bytes
    time: datetime | None = None
    # Whether the capturing program removed the content coding.
    decoded: bool = False
    # Why the message cannot be read.
    trouble: Finding | None = None
    # The charset of the body, if the header fields do not say it.
    charset: str | None = field(default=None)


def header_of(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    """Return the value of the first header field of a name (in lower case), or None."""
    for field_name, value in headers:
        if field_name.lower() == name:
            return value
    return None


@lru_cache(maxsize=64)
def _media_type(content_type: str) -> tuple[str, str | None]:
    """Return media type and charset, in lower case (RFC 9110 §8.3.1)."""
    # The MIME parser of Python takes quadratic time, or raises, for some values.
    content_type = content_type[:_MOST_TYPE].lower()
    kind = _TYPE.match(content_type)
    return "" if kind is None else kind[0].strip(), charset_of(content_type)


def exchange_of(
    request: HttpMessage | None, response: HttpMessage | None, exchange: str, allowance: Allowance
) -> Iterator[CapturedMessage]:
    """Yield the request and the response of an exchange if it may be XMLA."""
    if request is not None:
        if request.trouble is None and not _may_be_xmla(request):
            return
        challenged = response is not None and response.status in _CHALLENGES
        # NTLM and Negotiate begin with requests without their body.
        if challenged and not request.body:
            return
        yield _captured(request, exchange, allowance)
    if response is not None:
        yield _captured(response, exchange, allowance)


def _may_be_xmla(request: HttpMessage) -> bool:
    """Return whether a request may be XMLA."""
    if request.method != "POST":
        return False
    if header_of(request.headers, "soapaction") is not None:
        return True
    media_type, _ = _media_type(header_of(request.headers, "content-type") or "")
    if media_type in BINARY or media_type in ("text/xml", "application/xml", "application/soap+xml"):
        return True
    return b"Envelope" in request.body[:4096]


def _captured(message: HttpMessage, exchange: str | None, allowance: Allowance) -> CapturedMessage:
    """Return an HTTP message as a captured one, without its content coding."""
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
    """Return when a response was made by its Date (RFC 9110 §6.6.1), to the second."""
    value = None if message.status is None else header_of(message.headers, "date")
    try:
        date = None if value is None else parsedate_to_datetime(value[:_MOST_DATE])
    except DATE_ERRORS:
        return None
    return date if date is None or date.tzinfo is not None else date.replace(tzinfo=UTC)


# -- reading ----------------------------------------------------------------------------------------


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins with the first line of a message."""
    return _START.match(data, 0, 4096) is not None


def _find_start(data: bytes | memoryview, start: int) -> int | None:
    """Return the offset of the next first line, at `start` or at the beginning of a later line."""
    found = _START_HERE.match(data, start) or _START_OF_LINE.search(data, start)
    return None if found is None else found.start(1)


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of a stream of requests, of responses, or of both in the order of capture.

    The responses come in the order of their requests (RFC 9112 §9.3.2).
    """
    prefix = f"{name}/" if name else ""
    allowance = Allowance(limits)
    counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
    ignored: set[int] = set()
    for _, message, _, _ in _read_stream(data, limits):
        direction = Direction.RESPONSE if message.method is None else Direction.REQUEST
        number = counts[direction]
        counts[direction] += 1
        message.name = f"{prefix}{direction}/{number}"
        if direction is Direction.REQUEST and message.trouble is None and not _may_be_xmla(message):
            ignored.add(number)
        elif direction is Direction.REQUEST or number not in ignored:
            yield _captured(message, f"{prefix}{number}", allowance)
        else:
            ignored.remove(number)


def _read_stream(
    data: bytes | memoryview, limits: CaptureLimits
) -> Iterator[tuple[int, HttpMessage, int, int | None]]:
    """Yield each message with its start, the offset where reading it ended, and the start of the next one."""
    place, blank = _find_start(data, 0), -1
    while place is not None:
        if blank < place:
            found = HEAD_END.search(data, place)
            blank = len(data) if found is None else found.start()
        following = _last_start(data, place + 1, blank)
        if following is not None:
            # Another head begins in this one, which has no end. Giving it to h11 would take quadratic time.
            method = None if bytes(data[place : place + 5]) == b"HTTP/" else ""
            message, end = HttpMessage("", method, None, (), b"", trouble=_HEAD_IN_HEAD), following
        else:
            message, end = read_one(data, place, "", limits)
            following = _find_start(data, max(end, place + 1))
        yield place, message, end, following
        place = following


def _last_start(data: bytes | memoryview, start: int, end: int) -> int | None:
    """Return the offset of the last first line in a range."""
    last = None
    for found in _START_OF_LINE.finditer(data, start, end):
        last = found.start()
    return last


def read_one(
    data: bytes | memoryview, start: int, name: str, limits: CaptureLimits
) -> tuple[HttpMessage, int]:
    """Return the message that begins at `start`, and its end.

    A message that cannot be read has a `trouble`; then the end is where reading it ended.
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
                    piece = bytes(data[fed : fed + _PIECE])
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
                    # The end of the message, of the connection, or of HTTP on it.
                    break
    except H11_ERRORS as error:
        reason = "the end is missing" if ended and message.headers else _reason(error, ended=ended)
        message.trouble = value_finding(Code.BROKEN_CAPTURE, f"no whole HTTP message: {reason}")
    message.body = b"".join(body)
    end = fed - len(connection.trailing_data[0])
    if message.method and message.trouble is None and not _says_its_length(message):
        # A request without a length has no body (RFC 9112 §6.3), but a pasted request may lack the field.
        stop = _find_start(data, end)
        stop = len(data) if stop is None else stop
        if limits.max_entry_bytes is None or stop - end <= limits.max_entry_bytes:
            message.body, end = bytes(data[end:stop]).strip(), stop
    return message, end


def _says_its_length(message: HttpMessage) -> bool:
    """Return whether a header field gives the length of the body."""
    return any(header_of(message.headers, name) for name in ("content-length", "transfer-encoding"))


def _fields(event: h11.Request | h11.Response) -> tuple[tuple[str, str], ...]:
    pairs = event.headers.raw_items()
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def _reason(error: Exception, *, ended: bool) -> str:
    """Return what is wrong with a message, without a quotation."""
    # h11 may quote a header field that it rejects, which may be a secret.
    quotes = not isinstance(error, h11.ProtocolError) or "b'" in str(error)
    return "this is not how HTTP/1.1 (RFC 9112) writes one" if ended or quotes else str(error)


# -- redaction -----------------------------------------------------------------------------------------

# RFC 9110 §15.2: such a response precedes the final one.
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d\b")

_LENGTH = re.compile(rb"(?im)^(content-length[ \t]*:[ \t]*)(\d{1,18})([ \t]*\r?)$")
# The value includes trailing white space: searching for its end first would take quadratic time.
_CODINGS = re.compile(rb"(?im)^(transfer-encoding|content-encoding)[ \t]*+:([^\r\n]*+)(\r?\n|\Z)")
# Signs in a text with heads that the following text cannot be searched: a head with a coding, or a blank
# line before chunks or compressed data.
_CODED = re.compile(
    rb"(?im)^(?P<coding>(?:transfer|content)-encoding)[ \t]*+:[ \t]*+(?!identity[ \t]*+\r?$)\S"
    rb"|\r?\n\r?\n(?=[0-9a-f]{1,8}[ \t]*+(?:;[^\r\n]{0,200})?\r\n|\x1f\x8b|PK\x03\x04|\xdf\xff)"
)
# RFC 9112 §7.1: no message begins like a chunk.
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_FOLLOWS = "text after a coded body"
_DAMAGED = "coded, and cut off or damaged"
_FIELD = re.compile(rb"(?im)^(?:content-(?:length|type|encoding)|transfer-encoding)[ \t]*+:")
_MEDIA_TYPE = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*\"?([a-z0-9.+/_-]+)")


def resembles(data: bytes) -> bool:
    """Return whether data begins with header fields, after a first line that is missing or damaged."""
    markup = data.find(b"<", 1)
    return _FIELD.search(data, 0, len(data) if markup < 0 else markup) is not None


def redact(data: bytes, editor: Editor, prefix: str = "") -> bytes:
    """Return a stream of HTTP messages without their secrets. Places are the names that `read` gives."""
    counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
    pieces: list[bytes] = []
    for place, message, stop, following in _read_stream(data, editor.limits):
        if not pieces:
            pieces.append(_text(b"", data[:place], "", editor)[0])
        end = len(data) if following is None else following
        direction = Direction.RESPONSE if data.startswith(b"HTTP/", place) else Direction.REQUEST
        name = f"{prefix}{direction}/{counts[direction]}"
        counts[direction] += 1
        pieces.append(redact_one(data[place:end], stop - place, message, name, editor))
    return b"".join(pieces) if pieces else _text(b"", data, "", editor)[0]


def _body(data: bytes, name: str, editor: Editor) -> bytes:
    """Return a body without its secrets if its head names no coding."""
    # An id may be split over two chunks.
    chunked = _CHUNK.match(data) is not None
    return editor.emptied(data, name, _DAMAGED) if chunked else editor.message(data, name)


def redact_one(data: bytes, stop: int, message: HttpMessage, name: str, editor: Editor) -> bytes:
    """Return one message, and the bytes after it up to the next one, without their secrets.

    `stop` is the offset where reading the message ended. A coded body that has to be changed is written
    without its codings; one that cannot be searched is removed.
    """
    if message.trouble is not None:
        stop = len(data)
        is_read = message.status is not None or message.method
        if not is_read and not _codings(data, _head_of(data)) and editor.searchable(data):
            # The end of its head is unknown, so it is searched as one text first.
            data, stop = editor.data_in_two(data, stop, name, mixed=True)
    start = _head_of(data)
    cut = _end_of_head(data, start)
    head, body, rest = data[:cut], data[cut : max(cut, stop)], data[max(cut, stop) :]
    codings = _codings(head, start)
    new_head = editor.data(head, name, head=True)
    reason = _unsearchable(head, start, message, editor, coded=bool(codings))
    if reason is not None:
        return _emptied(new_head, body, name, reason, editor) + _after(rest, name, editor)
    if not codings:
        new, size = _uncoded_body(body, rest, name, editor)
        return _with_length(new_head, size - len(body)) + new
    rest = _after(rest, name, editor)
    content_coding = codings.get(b"content-encoding", b"identity")
    plain, failure = unpacked_body(message.body, content_coding.decode("latin-1"), editor.allowance)
    if failure is not None:
        return _emptied(new_head, body, name, "the content coding cannot be removed", editor) + rest
    new_plain = editor.message(plain, name)
    if new_plain == plain and not _has_secrets(body, codings, editor):
        return new_head + body + rest
    for coding, value in codings.items():
        editor.note(name, ChangeKind.CODING, _coding(coding, value))
    return _uncoded(new_head, len(new_plain)) + new_plain + rest


def _end_of_head(data: bytes, start: int) -> int:
    """Return the offset after the head that begins at `start`."""
    found = HEAD_END.search(data, start)
    return len(data) if found is None else found.end()


def _codings(data: bytes, start: int) -> dict[bytes, bytes]:
    """Return the codings of the body of the message that begins at `start`: header field -> value."""
    end = _end_of_head(data, start)
    fields = {match[1].lower(): match[2].strip().lower() for match in _CODINGS.finditer(data, start, end)}
    # Any transfer coding changes how the body is written, even an unknown one.
    coded = b"transfer-encoding" in fields or fields.get(b"content-encoding") not in _NONE
    return fields if coded else {}


_NONE = (None, b"", b"identity")


def _unsearchable(
    head: bytes, start: int, message: HttpMessage, editor: Editor, *, coded: bool
) -> str | None:
    """Return why the body of a message cannot be searched, by its head and its trouble, or None."""
    found = _MEDIA_TYPE.search(head, start)
    media_type = "" if found is None else found[1].lower().decode()
    if media_type in BINARY:
        return f"{media_type}, not text"
    if message.trouble is None:
        return None
    if message.trouble.code is Code.LIMIT_EXCEEDED:
        return f"more than {editor.limits.max_entry_bytes} bytes (max_entry_bytes)"
    return _DAMAGED if coded else None


def _after(rest: bytes, name: str, editor: Editor) -> bytes:
    """Return what is left of the bytes after a coded body, in which a secret may begin."""
    if not rest.strip():
        return rest
    return editor.emptied(rest, name, _FOLLOWS, lambda text: _text(b"", text, name, editor))


def _uncoded_body(body: bytes, rest: bytes, name: str, editor: Editor) -> tuple[bytes, int]:
    """Return a body and the bytes after it without their secrets, and the new size of the body.

    If the length of the message is wrong, they are really one text, or the body contains the next message,
    so a secret may be cut anywhere.
    """
    if not rest.strip() and _START.search(body) is None:
        new = _body(body, name, editor)
        return new + rest, len(new)
    return _text(body, rest, name, editor)


def _text(body: bytes, rest: bytes, name: str, editor: Editor) -> tuple[bytes, int]:
    """Return bytes that may be heads and bodies without their secrets, and the new size of the body."""
    text = body + rest
    if not text or _CHUNK.match(text) is not None or not editor.searchable(text):
        return _body(text, name, editor), 0
    coded = _CODED.search(text)
    end = len(text)
    if coded is not None:
        end = coded.end() if coded["coding"] is None else _end_of_head(text, coded.start())
    # A head in it may have another encoding.
    new, size = editor.data_in_two(text[:end], min(len(body), end), name, begins=True)
    new, size = editor.data_in_two(new, size, name, mixed=True)
    return new + editor.emptied(text[end:], name, _DAMAGED), size


def _head_of(data: bytes) -> int:
    """Return the offset of the head of the final response."""
    start = 0
    while _INFORMATIONAL.match(data, start):
        found = HEAD_END.search(data, start)
        if found is None or not data.startswith(b"HTTP/", found.end()):
            break
        start = found.end()
    return start


def _has_secrets(body: bytes, codings: dict[bytes, bytes], editor: Editor) -> bool:
    """Return whether chunk extensions or trailer fields contain secrets (RFC 9112 §7.1)."""
    return b"transfer-encoding" in codings and bool(editor.find(body.decode("latin-1"), head=True))


def _emptied(head: bytes, body: bytes, name: str, reason: str, editor: Editor) -> bytes:
    """Return a message whose body cannot be searched."""
    left = editor.emptied(body, name, reason)
    return head + body if left == body else _uncoded(head, 0)


def _with_length(head: bytes, delta: int) -> bytes:
    """Return a head with a number added to its Content-Length."""
    if not delta:
        return head
    return _LENGTH.sub(lambda match: b"%b%d%b" % (match[1], max(0, int(match[2]) + delta), match[3]), head)


def _uncoded(head: bytes, length: int) -> bytes:
    """Return a head for an uncoded body of a length in bytes."""
    start = _head_of(head)
    rest = head[start:]
    if _LENGTH.search(rest):
        rest = _LENGTH.sub(lambda match: b"%b%d%b" % (match[1], length, match[3]), rest)
        return head[:start] + _CODINGS.sub(b"", rest)
    rest = _CODINGS.sub(lambda match: b"Content-Length: %d%b" % (length, match[3]), rest, count=1)
    return head[:start] + _CODINGS.sub(b"", rest)


def _coding(field: bytes, value: bytes) -> str:
    """Return a coding for the list of changes; unknown names are not quoted."""
    known = [word for word in re.findall("[a-z]+", value.decode("latin-1")) if word in _KNOWN]
    return f"{field.decode().title()}: {', '.join(known) or 'another'}"


_KNOWN = frozenset({"chunked", "gzip", "deflate", "identity", "compress", "br"})
