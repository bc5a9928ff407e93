"""Knows HTTP/1 messages, as they went over the wire or as another capture format describes them."""

from __future__ import annotations

import re
from array import array
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING

from xmla_headers.captures._http_facts import media_type_of
from xmla_headers.captures._message import CapturedMessage, bare_message, broken, without_continuation
from xmla_headers.captures._multipart import is_coded, parts_of, root_of
from xmla_headers.captures._pairing import sender_of
from xmla_headers.captures._redaction.edits import ChangeKind
from xmla_headers.captures._transport import CHALLENGES
from xmla_headers.captures._unpacking import BINARY, Allowance, unpacked_body
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

from .http_stream import (
    HEAD_END,
    START,
    HttpMessage,
    envelopes_in,
    final_head,
    find_start,
    header_of,
    paired,
    step,
    steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

    from .http_stream import Step

__all__ = [
    "exchange_of",
    "read",
    "recognise",
    "redact",
    "redact_one",
    "resembles",
]

_MOST_DATE = 128

# The exceptions of email for the value of a Date, and of Python for a time out of range.
DATE_ERRORS = (ValueError, OverflowError, TypeError, IndexError)

# The media types of requests that may be XMLA.
_XML_TYPES = frozenset({"text/xml", "application/xml", "application/soap+xml", "multipart/related"})


def exchange_of(
    request: HttpMessage | None, response: HttpMessage | None, exchange: str, allowance: Allowance
) -> Iterator[CapturedMessage]:
    """Yield the request and the response of an exchange if it may be XMLA."""
    if request is not None:
        if request.trouble is None and not _may_be_xmla(request):
            return
        challenged = response is not None and response.status in CHALLENGES
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
    media_type, _ = media_type_of(header_of(request.headers, "content-type") or "")
    if media_type in BINARY or media_type in _XML_TYPES:
        return True
    return b"Envelope" in request.body[:4096]


def _captured(message: HttpMessage, exchange: str | None, allowance: Allowance) -> CapturedMessage:
    """Return an HTTP message as a captured one, without its content coding."""
    content_type, others = header_of(message.headers, "content-type") or "", None
    media_type, charset = media_type_of(content_type)
    body, found = message.body, message.trouble or message.cut
    if found is None and media_type in BINARY:
        what, setting = BINARY[media_type]
        found = value_finding(
            Code.NOT_XML,
            f"the body is {media_type}, {what}",
            f"capture again with the connection property {setting}",
        )
    if found is None and body and not message.decoded:
        codings = message.codings or header_of(message.headers, "content-encoding") or ""
        body, found = unpacked_body(body, codings, allowance)
    if found is None and body and media_type.startswith("multipart/"):
        root = root_of(content_type, body)
        if root is not None:
            body, charset, others, found = root
    direction = Direction.RESPONSE if message.method is None else Direction.REQUEST
    body, continuation = (b"", None) if found is not None else without_continuation(body, direction)
    return CapturedMessage(
        message.name,
        body,
        direction,
        message.charset or charset,
        message.time or _date(message),
        message.status,
        message.headers,
        exchange,
        found,
        message.omitted,
        continuation,
        others,
        message.target,
        message.sender,
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
    return START.match(data, 0, 4096) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of a stream of requests, of responses, or of both in any order.

    Each response comes after its request, wherever it is in the stream.
    """
    stream = _Stream(data, name, limits)
    waiting: Step | None = None
    kept = iter(steps(data, limits))
    for each in kept:
        if each.message.method is not None and waiting is None:
            waiting = each
        elif each.message.method is None and waiting is not None:
            yield from stream.exchange(waiting, each)
            waiting = None
        else:
            first = [each] if waiting is None else [waiting, each]
            yield from _reordered(stream, chain(first, kept))
            waiting = None
    if waiting is not None:
        yield from stream.exchange(waiting, None)
    yield from stream.end()


def _reordered(stream: _Stream, found: Iterable[Step]) -> Iterator[CapturedMessage]:
    """Yield the messages of the rest of a stream, whose order is only known at its end."""
    kinds, places, numbers = bytearray(), array("q"), array("q")
    for each in found:
        kinds += b"a" if each.message.method is None else b"q"
        places.append(each.start)
        numbers.append(each.number)

    def again(at: int | None) -> Step | None:
        return None if at is None else step(stream.data, places[at], stream.limits, numbers[at])

    stream.is_one_side = b"q" not in kinds and not stream.has_requests
    for request, response in paired(kinds, b"a" if stream.has_requests else b""):
        yield from stream.exchange(again(request), again(response))


class _Stream:
    """Makes captured messages of the messages of a stream."""

    def __init__(self, data: bytes | memoryview, name: str, limits: CaptureLimits) -> None:
        self.data, self.limits = data, limits
        self._name, self._prefix = name, f"{name}/" if name else ""
        self._allowance, self._sender = Allowance(limits), sender_of(name)
        self._envelopes = self._ignored = 0
        self.has_requests = self.is_one_side = False
        # The name of the first message after which bytes are ignored.
        self._first = ""

    def exchange(self, request: Step | None, response: Step | None) -> Iterator[CapturedMessage]:
        """Yield a request and its response, and the messages without heads after them."""
        given = [each for each in (request, response) if each is not None]
        for each in given:
            each.message.name = self._prefix + each.message.name
            if self._sender is not None:
                is_server = each.message.status is not None
                each.message.sender = " port ".join(self._sender) if is_server else self._sender[0]
        self.has_requests = self.has_requests or request is not None
        # Another capture may have the other side of a connection, with equal numbers.
        numbered = request or (response if self.is_one_side else None)
        exchange = given[0].message.name if numbered is None else f"{self._prefix}{numbered.number}"
        yield from exchange_of(
            None if request is None else request.message,
            None if response is None else response.message,
            exchange,
            self._allowance,
        )
        for each in given:
            if each.rest[0] < each.rest[1]:
                yield from self._rest(each)

    def _rest(self, given: Step) -> Iterator[CapturedMessage]:
        """Yield the Envelopes after a message that have no head, and count the other bytes there."""
        done, end = given.rest
        ignored = 0
        for start, stop in envelopes_in(self.data, done, end):
            name = f"{self._prefix}envelope/{self._envelopes}"
            yield bare_message(name, self.data[start:stop], None, self.limits)
            ignored += _size(self.data[done:start])
            self._envelopes, done = self._envelopes + 1, stop
        # The finding of a broken message says how many bytes are ignored.
        if given.message.trouble is None and given.message.cut is None:
            ignored += _size(self.data[done:end])
            self._first = self._first or (given.message.name if ignored else "")
            self._ignored += ignored

    def end(self) -> Iterator[CapturedMessage]:
        """Yield the finding about bytes that belong to no message."""
        if self._ignored:
            count = "1 byte" if self._ignored == 1 else f"{self._ignored} bytes"
            text = f"{count} between messages are not HTTP, and are ignored; the first after {self._first}"
            yield broken(self._name, text)


def _size(text: bytes | memoryview) -> int:
    """Return the number of bytes of a text, without white space and NULs around it."""
    return len(text) if len(text) > _MOST_STRIPPED else len(bytes(text).strip(b" \t\r\n\0"))


# A longer text is not copied.
_MOST_STRIPPED = 1_048_576


# -- redaction -----------------------------------------------------------------------------------------

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
    pieces: list[bytes] = []
    for each in steps(data, editor.limits):
        if not pieces:
            pieces.append(_text(b"", data[: each.start], "", editor)[0])
        end = len(data) if each.following is None else each.following
        piece, message = data[each.start : end], each.message
        pieces.append(redact_one(piece, each.end - each.start, message, prefix + message.name, editor))
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
        if not is_read and not _codings(data, final_head(data, 0)) and editor.searchable(data):
            # The end of its head is unknown, so it is searched as one text first.
            data, stop = editor.data_in_two(data, stop, name, mixed=True)
    start = final_head(data, 0)
    cut = _end_of_head(data, start)
    head, body, rest = data[:cut], data[cut : max(cut, stop)], data[max(cut, stop) :]
    codings = _codings(head, start)
    new_head = editor.data(head, name, head=True)
    reason = _unsearchable(head, start, message, editor, coded=bool(codings))
    if reason is not None:
        return _emptied(new_head, body, name, reason, editor) + _after(rest, name, editor)
    if not codings:
        new, size = _uncoded_body(body, rest, name, editor)
        new_body = _in_parts(message, new[:size], name, editor)
        return _with_length(new_head, len(new_body) - len(body)) + new_body + new[size:]
    rest = _after(rest, name, editor)
    content_coding = codings.get(b"content-encoding", b"identity")
    plain, failure = unpacked_body(message.body, content_coding.decode("latin-1"), editor.allowance)
    if failure is not None:
        return _emptied(new_head, body, name, "the content coding cannot be removed", editor) + rest
    new_plain = _in_parts(message, editor.message(plain, name), name, editor)
    if new_plain == plain and not _has_secrets(body, codings, editor):
        return new_head + body + rest
    for coding, value in codings.items():
        editor.note(name, ChangeKind.CODING, _coding(coding, value))
    return _uncoded(new_head, len(new_plain)) + new_plain + rest


def _in_parts(message: HttpMessage, body: bytes, name: str, editor: Editor) -> bytes:
    """Return a body that has been searched as one text, with each part of it searched, too.

    A part may have another encoding than the body around it.
    """
    content_type = header_of(message.headers, "content-type") or ""
    if message.trouble is not None or not media_type_of(content_type)[0].startswith("multipart/"):
        return body
    pieces, done = [], 0
    for part in parts_of(content_type, body):
        pieces += [body[done : part.start], editor.message(body[part.start : part.end], name)]
        done = part.end
    return b"".join([*pieces, body[done:]])


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
    if media_type.startswith("multipart/") and is_coded(message.body):
        return "a multipart body with parts in base64 or quoted-printable"
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
    if not rest.strip() and find_start(body, 0) is None:
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
    start = final_head(head, 0)
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
