"""Knows where each message of a stream of HTTP/1 begins and ends, also where its length is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import h11

from xmla_headers.captures._unpacking import is_markup
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.findings import Finding

__all__ = [
    "HEAD_END",
    "START",
    "HttpMessage",
    "Step",
    "envelopes_in",
    "final_head",
    "find_start",
    "header_of",
    "paired",
    "read_one",
    "step",
    "steps",
]

# Bytes of a start line and header fields: a Kerberos token alone may take 64 KB.
_MOST_HEAD = 262_144

# The first line of a message, with the methods that XMLA servers and their neighbours use. Tools print
# messages of HTTP/2 and HTTP/3 with such a line, too (curl -i, Fiddler).
_VERSION = rb"HTTP/(?:1\.[01]|[23](?:\.0)?)"
_METHODS = rb"(?:POST|GET|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|TRACE)"
_FIRST_LINE = rb"(?:%b \S+ %b(?![\w.])|%b \d{3}\b)" % (_METHODS, _VERSION, _VERSION)
START = re.compile(rb"[ \t\r\n]*+(" + _FIRST_LINE + rb")")
# A first line, also directly after the end of a body: a body may quote one, but seldom with a head after it.
_GLUED = re.compile(
    rb"(?m)(?:^%b|(?<=[>}\x00\x01])%b(?=[^\r\n]{0,200}\r?\n(?:[!#-9;-~]{1,100}:|\r?\n)))"
    % (_FIRST_LINE, _FIRST_LINE)
)
# The end of a head.
HEAD_END = re.compile(rb"\r?\n\r?\n")
# RFC 9110 §15.2 and §9.3.6: such a response precedes the final one; curl prints that of a proxy, too.
_INTERIM = re.compile(_VERSION + rb" (?:1\d\d\b|200 connection established)", re.IGNORECASE)

# The version in a first line. h11 reads HTTP/1 only. A request of HTTP/1.0 needs no Host field, which logs
# may lack.
_REQUEST_VERSION = re.compile(rb"\A([^\r\n]*)HTTP/(?:1\.1|[23](?:\.0)?)(?=[ \t]*\r?\n)")
_STATUS_VERSION = re.compile(rb"\AHTTP/[23](?:\.0)?(?= \d)")

# RFC 9112 §7.1, as h11 reads it.
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,20})[ \t]*+(?:;[^\r\n]{0,1000})?\r\n")
_TRAILER = re.compile(rb"(?:[^\r\n]++\r\n)*+\r\n")
# RFC 9112 §6.3: responses without a body.
_BODILESS = frozenset({204, 304})

# The exceptions of h11 for the bytes of a message. ValueError: a length with more digits than Python
# converts, before h11 0.15.
_H11_ERRORS = (h11.RemoteProtocolError, h11.LocalProtocolError, ValueError)

_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?[^>]{0,300}\?>|<!--.{0,500}?-->){0,20}+<([^\s<>/\"'=!?]{1,200})", re.DOTALL
)
_LAST_TAG = re.compile(rb"(?:</([^\s<>]{1,200})\s*+>|<([^\s<>/]{1,200})[^<>]{0,800}?/>)\s*+[\x00\x01]?\s*+\Z")
# The bytes at the end of a body in which its last tag is searched for.
_MOST_TAIL = 1_024
_SPACE = re.compile(rb"[ \t\r\n]*+")
_BLANK = re.compile(rb"[ \t\r\n]*+\0*+\Z")
_ENVELOPE = re.compile(rb"<((?:[A-Za-z_][\w.-]{0,100}:)?Envelope)(?=[\s>])")

_NO_MESSAGE = "no whole HTTP message"
_HEAD_IN_HEAD = value_finding(Code.BROKEN_CAPTURE, f"{_NO_MESSAGE}: another one begins in its header fields")


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
    # Why the body is not that of the message: its length is wrong.
    cut: Finding | None = None
    # The charset of the body, if the header fields do not say it.
    charset: str | None = None
    # The content codings of the body, if the header fields do not say them.
    codings: str | None = None
    # Whether the capturing program left the body out.
    omitted: bool = False
    # The target of a request (RFC 9112 §3.2).
    target: str | None = None
    # The network address of the sender.
    sender: str | None = None


@dataclass(slots=True)
class Step:
    """A message of a stream, and where the next one begins."""

    start: int
    # Its number among the messages of its direction.
    number: int
    message: HttpMessage
    # The offset where reading the message ended.
    end: int
    # The start of the next message; None if there is none.
    following: int | None
    # The range of the bytes that belong to no message that has a head.
    rest: tuple[int, int] = (0, 0)


def header_of(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    """Return the value of the first header field of a name (in lower case), or None."""
    for field_name, value in headers:
        if field_name.lower() == name:
            return value
    return None


# -- a stream -----------------------------------------------------------------------------------------


def find_start(data: bytes | memoryview, start: int) -> int | None:
    """Return the offset of the next first line, at `start`, on a later line or after the end of a body."""
    here = START.match(data, start)
    if here is not None:
        return here.start(1)
    found = _GLUED.search(data, start)
    return None if found is None else found.start()


def steps(data: bytes | memoryview, limits: CaptureLimits) -> Iterator[Step]:
    """Yield the messages of a stream in the order of their bytes, numbered for each direction."""
    place, blank = find_start(data, 0), -1
    counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
    while place is not None:
        if blank < place:
            found = HEAD_END.search(data, place)
            blank = len(data) if found is None else found.start()
        direction = Direction.RESPONSE if bytes(data[place : place + 5]) == b"HTTP/" else Direction.REQUEST
        made = step(data, place, limits, counts[direction], blank)
        counts[direction] += 1
        yield made
        place = made.following


def step(
    data: bytes | memoryview, place: int, limits: CaptureLimits, number: int, blank: int | None = None
) -> Step:
    """Return the message that begins at `place`; `blank` is the offset of the next end of a head."""
    if blank is None:
        found = HEAD_END.search(data, place)
        blank = len(data) if found is None else found.start()
    reader = _Reader(data, place, limits)
    message = reader.message
    message.name = f"{Direction.RESPONSE if message.method is None else Direction.REQUEST}/{number}"
    inner = _last_start(data, place + 1, blank)
    if inner is not None:
        # Another head begins in this one, which has no end. Giving it to h11 would take quadratic time.
        message.trouble = _HEAD_IN_HEAD
        return Step(place, number, message, inner, inner)
    reader.read()
    # A length that is too long may end where a later message begins.
    if b"HTTP/" in message.body and reader.swallows_next():
        return Step(place, number, message, reader.end, reader.end)
    following = START.match(data, reader.end)
    if not reader.is_broken and (following is not None or _BLANK.match(data, reader.end)):
        start = None if following is None else following.start(1)
        return Step(place, number, message, reader.end, start)
    return _doubted(data, place, number, reader)


def _doubted(data: bytes | memoryview, place: int, number: int, reader: _Reader) -> Step:
    """Return the step of a message that is broken, or is not followed by another one."""
    message = reader.message
    if reader.swallows_next():
        return Step(place, number, message, reader.end, reader.end)
    end, head = reader.end, reader.head
    following = find_start(data, max(end, place + 1))
    stop = len(data) if following is None else following
    rest = end, stop
    if head is not None and (end in (head, stop)):
        # The Envelope of the message itself is not one of those after it.
        root = _ROOT.match(data, head, stop)
        rest = (head if root is None else root.end()), stop
    if end == stop:
        return Step(place, number, message, end, following, rest)
    if reader.is_broken:
        ignored = f"; {_bytes(stop - end)} after it are ignored" if end < stop else ""
        text = f"{message.trouble.message if message.trouble else ''}{ignored}"
        message.trouble = value_finding(Code.BROKEN_CAPTURE, text)
    elif head is not None and not _is_whole(data, head, end):
        said = f"it ends after {_bytes(end - head)} by its {reader.measure}"
        message.cut = value_finding(
            Code.BROKEN_CAPTURE,
            f"{_NO_MESSAGE}: {said}, and the {_bytes(stop - end)} after them are ignored",
            "some programs count characters where Content-Length counts bytes",
        )
    return Step(place, number, message, end, following, rest)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _last_start(data: bytes | memoryview, start: int, end: int) -> int | None:
    """Return the offset of the last first line in a range."""
    last = None
    for found in _GLUED.finditer(data, start, end):
        last = found.start()
    return last


def _is_whole(data: bytes | memoryview, start: int, end: int) -> bool:
    """Return whether the body in a range ends with the tag of its root element."""
    root = _ROOT.match(data, start, end)
    return root is not None and _closes(data, root, end)


def _closes(data: bytes | memoryview, root: re.Match[bytes], end: int) -> bool:
    """Return whether the tag that ends the root element stands before an offset."""
    last = _LAST_TAG.search(bytes(data[max(root.start(), end - _MOST_TAIL) : end]))
    return last is not None and root[1] == (last[1] or last[2])


def envelopes_in(data: bytes | memoryview, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the range of each Envelope in a range."""
    while True:
        begun = _ENVELOPE.search(data, start, end)
        ended = begun and re.compile(rb"</%b\s*+>" % re.escape(begun[1])).search(data, begun.end(), end)
        if not begun or not ended:
            return
        yield begun.start(), ended.end()
        start = ended.end()


def paired(kinds: bytes | bytearray, before: bytes = b"") -> Iterator[tuple[int | None, int | None]]:
    """Yield the positions of each request and its response, by the order of all in a stream.

    `kinds` has b"q" for each request, and b"a" for each response; `before` is the one before them. A response
    that directly follows a request answers it. In a stream where responses follow responses, they are in the
    order of their requests (RFC 9112 §9.3.2), all of which may be before or after them, unless some are
    missing.
    """
    is_joined = b"aa" in before + kinds
    is_whole = kinds.count(b"q") == kinds.count(b"a")
    if b"qa" not in kinds or (is_joined and (is_whole or b"qq" in kinds)):
        requests = (place for place, kind in enumerate(kinds) if kind == ord("q"))
        responses = (place for place, kind in enumerate(kinds) if kind == ord("a"))
        yield from zip_longest(requests, responses)
        return
    place = 0
    while place < len(kinds):
        if kinds[place] == ord("a"):
            yield None, place
        elif kinds[place + 1 : place + 2] == b"a":
            yield place, place + 1
            place += 1
        else:
            yield place, None
        place += 1


# -- one message --------------------------------------------------------------------------------------


def read_one(
    data: bytes | memoryview, start: int, name: str, limits: CaptureLimits
) -> tuple[HttpMessage, int]:
    """Return the message that begins at `start`, and its end, of data that contains no other message.

    A message that cannot be read has a `trouble`; then the end is where reading it ended.
    """
    reader = _Reader(data, start, limits, alone=True)
    reader.read()
    message, left = reader.message, len(data) - reader.end
    message.name = name
    if reader.head is None or reader.is_broken or message.trouble or _BLANK.match(data, reader.end):
        return message, reader.end
    text = f"its {reader.measure} ends it before the last {_bytes(left)}, which are ignored"
    message.cut = value_finding(Code.BROKEN_CAPTURE, f"{_NO_MESSAGE}: {text}")
    return message, reader.end


class _Reader:
    """Reads the message that begins at an offset."""

    def __init__(
        self, data: bytes | memoryview, start: int, limits: CaptureLimits, *, alone: bool = False
    ) -> None:
        is_response = bytes(data[start : start + 5]) == b"HTTP/"
        self.message = HttpMessage("", None if is_response else "", None, (), b"")
        # The offset after the head; None if it has no end.
        self.head: int | None = None
        # The offset where reading ended.
        self.end = len(data)
        # The part of the message that tells where the body ends.
        self.measure = "end"
        self._data, self._start, self._most, self._alone = data, start, limits.max_entry_bytes, alone

    def read(self) -> None:
        """Read the head and the body."""
        start = final_head(self._data, self._start)
        found = HEAD_END.search(self._data, start)
        if found is not None:
            self.head = self.end = found.end()
        try:
            _read_head(self.message, bytes(self._data[start : min(self.end, start + _MOST_HEAD)]))
            if self.head is not None:
                self._read_body(self.head)
        except _H11_ERRORS as error:
            self._fail(_reason(error, ended=self.head is None))

    @property
    def is_broken(self) -> bool:
        """Whether nothing tells where the message ends."""
        return self.message.trouble is not None and self.message.trouble.code is Code.BROKEN_CAPTURE

    def _fail(self, reason: str) -> None:
        self.message.trouble = value_finding(Code.BROKEN_CAPTURE, f"{_NO_MESSAGE}: {reason}")

    def _read_body(self, head: int) -> None:
        headers, data = self.message.headers, self._data
        if self.message.status in _BODILESS:
            return
        length = header_of(headers, "content-length")
        # The capturing program may have removed a coding and left its header field.
        if header_of(headers, "transfer-encoding") is not None:
            if _CHUNK.match(data, head) is None and is_markup(data, head):
                self._take_rest(head)
            else:
                self._read_chunks(head)
        elif length is not None and not (_content_coding(headers) and is_markup(data, head)):
            self.measure = "Content-Length"
            self._take(head, head + int(length))
        else:
            self._take_rest(head)

    def _take(self, start: int, end: int) -> None:
        """Set the body to a range."""
        self.end = end
        if self._most is not None and end - start > self._most:
            self.end = min(end, len(self._data))
            self.message.trouble = value_finding(
                Code.LIMIT_EXCEEDED, f"the body has more than {self._most} bytes (max_entry_bytes)"
            )
        elif end > len(self._data):
            self.end = len(self._data)
            self._fail("the end is missing")
        else:
            self.message.body = bytes(self._data[start:end])

    def _take_rest(self, start: int) -> None:
        """Set the body to everything up to the next message: nothing gives its length.

        A request without a length has no body (RFC 9112 §6.3), but a pasted request may lack the field.
        """
        stop = None if self._alone else find_start(self._data, start)
        self._take(start, len(self._data) if stop is None else stop)
        body = self.message.body
        if is_markup(body):
            self.message.body = body.strip()

    def _read_chunks(self, start: int) -> None:
        self.measure = "last chunk"
        pieces: list[bytes] = []
        data, size, at = self._data, 0, start
        while True:
            self.end = at
            line = _CHUNK.match(data, at)
            if line is None:
                ended = b"\n" not in bytes(data[at : at + 1_100])
                self._fail("the end is missing" if ended else _MALFORMED)
                return
            length = int(line[1], 16)
            if not length:
                trailer = _TRAILER.match(data, line.end())
                if trailer is None:
                    self._fail("the end is missing")
                    return
                self.end = trailer.end()
                self.message.body = b"".join(pieces)
                return
            stop = line.end() + length
            if self._most is not None and size + length > self._most:
                self._take(start, start + self._most + 1)
                self.end = min(stop, len(data))
                return
            if stop + 2 > len(data):
                self._fail("the end is missing")
                return
            if bytes(data[stop : stop + 2]) != b"\r\n":
                self._fail(_MALFORMED)
                return
            pieces.append(bytes(data[line.end() : stop]))
            size, at = size + length, stop + 2

    def swallows_next(self) -> bool:
        """Whether the length of the message reaches into the next one; then note it, and end before that."""
        head, data = self.head, self._data
        length = header_of(self.message.headers, "content-length")
        if head is None or length is None or self.measure != "Content-Length":
            return False
        # Both are found once: there may be very many first lines in a body.
        root, space = _ROOT.match(data, head, self.end), _SPACE.match(data, head)
        begun = head if space is None else space.end()
        # The length may end within a first line.
        for found in _GLUED.finditer(data, head, min(len(data), self.end + _MOST_HEAD)):
            place = found.start()
            if place >= self.end:
                break
            is_whole = root is not None and root.end() < place and _closes(data, root, place)
            if self.is_broken or place <= begun or is_whole:
                text = (
                    f"{_NO_MESSAGE}: Content-Length gives {_bytes(int(length))}, but the next message begins"
                    f" after {_bytes(place - head)}, which are ignored"
                )
                self.end, self.message.trouble = place, None
                self.message.body = bytes(data[head:place])
                self.message.cut = value_finding(Code.BROKEN_CAPTURE, text)
                return True
        return False


def final_head(data: bytes | memoryview, start: int) -> int:
    """Return the offset of the head of the final message, after those that only precede it."""
    while _INTERIM.match(data, start):
        found = HEAD_END.search(data, start)
        if found is None or bytes(data[found.end() : found.end() + 5]) != b"HTTP/":
            break
        start = found.end()
    return start


def _read_head(message: HttpMessage, head: bytes) -> None:
    """Read the first line and the header fields, or raise an error of h11."""
    is_response = message.method is None
    if is_response:
        head = _STATUS_VERSION.sub(b"HTTP/1.1", head)
    else:
        head = _REQUEST_VERSION.sub(rb"\g<1>HTTP/1.0", head, count=1)
    connection = h11.Connection(
        h11.CLIENT if is_response else h11.SERVER, max_incomplete_event_size=_MOST_HEAD
    )
    if is_response:
        connection.send(h11.Request(method="POST", target="/", headers=[("Host", "-")]))
    connection.receive_data(head)
    event = connection.next_event()
    if event is h11.NEED_DATA:
        connection.receive_data(b"")
        event = connection.next_event()
    match event:
        case h11.Request():
            message.method = event.method.decode("latin-1")
            message.target = event.target.decode("latin-1")
        case h11.Response():
            message.status = event.status_code
        case _:
            raise h11.RemoteProtocolError(_MALFORMED)
    pairs = event.headers.raw_items()
    message.headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


_MALFORMED = "this is not how HTTP/1.1 (RFC 9112) writes one"


def _reason(error: Exception, *, ended: bool) -> str:
    """Return what is wrong with a message, without a quotation."""
    # h11 may quote a header field that it rejects, which may be a secret.
    quotes = not isinstance(error, h11.ProtocolError) or "b'" in str(error)
    return _MALFORMED if ended or quotes else str(error)


def _content_coding(headers: tuple[tuple[str, str], ...]) -> bool:
    return (header_of(headers, "content-encoding") or "").strip().lower() not in ("", "identity")
