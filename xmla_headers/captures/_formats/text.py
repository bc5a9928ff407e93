"""Knows text with envelopes in it: logs, traces, JSON lines, XML of other programs.

A message is what stands between the start tag of an Envelope and its end tag, in whatever way the text
escapes them.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.captures._message import CapturedMessage, broken
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

from . import bare
from .times import first_time, last_time
from .unescaping import doubled, redoubled, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["read", "recognise", "redact"]

_WORD = re.compile(rb"Envelope(?=[\s>\\&/])")
# The part of a tag before that word: "<", in any spelling, maybe "/", and a prefix.
_OPENED = re.compile(
    rb"(<|&(?:amp;){0,3}(?:lt|\x2360|\x23[xX]3[cC]);|\\{1,7}u003[cC])(\\{0,7}/)?([^\s<>&;:/\"'\\=]{1,100}:)?\Z"
)
_MOST_OPENED = 160
# The end of an end tag.
_CLOSED = re.compile(rb"\s*(?:>|&(?:amp;){0,3}(?:gt|\x2362|\x23[xX]3[eE]);|\\{1,7}u003[eE])")

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*+<[^\s{\"'<>]")
# A message, maybe a misspelled one, after its prolog.
_MESSAGE = re.compile(
    rb"(?is)(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*+)?>)*+"
    rb"<(?:[^\s<>/:]++:)?+envelop"
)
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{")
_ENTRIES = re.compile(rb"\"entries\"\s*+:")
# The text before a message that is a string of JSON.
_IN_JSON = re.compile(rb"[:,\[]\s*\"\Z")
_CDATA = b"<![CDATA["
# A line of text before a message, rather than a few stray bytes.
_LINE = re.compile(rb"[\w\"'].{4,}?[\w\"']", re.DOTALL)

# Bytes at the beginning of a text, which has no U+0000.
_BEGINNING = 4_096
# Bytes around a message in which its time and direction are searched.
_MOST_AROUND = 2_000
_MOST_WORDS = 200
_PIECE = 1_048_576

_FIRST = re.compile(
    rb"<(?:[^\s<>/:]{1,100}:)?Body(?:\s[^<>]*)?>(?>\s++|<!--.*?-->)*+"
    rb"<(?:[^\s<>/:\"'=!?]{1,100}:)?([^\s<>/:\"'=!?]{1,100})",
    re.DOTALL,
)
_ASKED = re.compile(rb"<(?:[^\s<>/:]{1,100}:)?(?:BeginSession|EndSession)[\s/>]")
# Words beside a message. A log calls both what it sends and what it gets a request.
_REQUEST = rb"request|req|sent|sends?|sending|outgoing|-->|=>|>>"
_RESPONSE = rb"response|resp|reply|answer|received|receives?|receiving|recv|incoming|<--|<=|<<"
_SIDE = re.compile(rb"(?i)(?<![a-z])(?:(" + _REQUEST + rb")|(" + _RESPONSE + rb"))(?![a-rt-z])")


class _Range(NamedTuple):
    """Where an Envelope stands in a text."""

    start: int
    end: int
    is_whole: bool
    """Whether its end tag is there."""


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data is text in which an Envelope stands, and not itself a message or a HAR."""
    data = _as_utf_8(data)
    if b"\0" in bytes(data[:_BEGINNING]):
        # Not text: a search of all its bytes would take long.
        return False
    # A message is told by its beginning, without a search.
    if _MESSAGE.match(data):
        return False
    first = next(_tags(data), None)
    if first is None:
        return False
    if _OBJECT.match(data):
        # A browser's HAR may have megabytes of other traffic before the first message.
        return _ENTRIES.search(data, 0, first.start) is None
    before = bytes(data[max(0, first.start - _PIECE) : first.start])
    if _MARKUP.match(data):
        # A message in a wrapper of XML is a broken message, unless it stands there as text.
        return data[first.start : first.start + 1] != b"<" or before.rstrip().endswith(_CDATA)
    return _LINE.search(before) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages in the text. Their names have the number of the line, from 1."""
    request: tuple[int, CapturedMessage] | None = None
    for line, message in _messages(_as_utf_8(data), f"{name}/" if name else "", limits):
        exchange = None
        if request is not None:
            # A request and the response that follows it on one line belong together.
            if request[0] == line and message.direction is Direction.RESPONSE:
                exchange = request[1].name
            yield request[1].paired(exchange)
            request = None
        if message.direction is Direction.REQUEST:
            request = line, message
        else:
            yield message.paired(exchange)
    if request is not None:
        yield request[1]


def _messages(
    data: bytes | memoryview, prefix: str, limits: CaptureLimits
) -> Iterator[tuple[int, CapturedMessage]]:
    """Yield the messages, each with the number of its line."""
    line, counted, done, on_line, last = 1, 0, 0, 0, 0
    time: datetime | None = None
    for found in _ranges(data):
        while counted < found.start:
            piece = bytes(data[counted : min(found.start, counted + _PIECE)])
            line += piece.count(b"\n")
            counted += len(piece)
        on_line = on_line + 1 if line == last else 1
        last = line
        name = f"{prefix}line/{line}" if on_line == 1 else f"{prefix}line/{line}/{on_line}"
        most = limits.max_entry_bytes
        if not found.is_whole:
            yield line, broken(name, "the Envelope that begins here has no end tag")
        elif most is not None and found.end - found.start > most:
            text = f"the message has more than {most} bytes (max_entry_bytes)"
            yield line, CapturedMessage(name, b"", trouble=value_finding(Code.LIMIT_EXCEEDED, text))
        else:
            before = bytes(data[max(done, found.start - _MOST_AROUND) : found.start])
            is_json = _IN_JSON.search(before) is not None
            body = unescaped(bytes(data[found.start : found.end]), is_json=is_json)
            after = bytes(data[found.end : found.end + _MOST_AROUND]).partition(b"\n")[0]
            # One time may stand before all messages of a line.
            time = last_time(before) or (time if on_line > 1 else None) or first_time(after)
            yield line, CapturedMessage(name, body, _direction(body, before), time=time)
        done = found.end


def _tags(data: bytes | memoryview) -> Iterator[_Tag]:
    """Yield the start tags and end tags of Envelopes."""
    for word in _WORD.finditer(data):
        offset = max(0, word.start() - _MOST_OPENED)
        opened = _OPENED.search(bytes(data[offset : word.start()]))
        if opened is not None:
            # A tag that is escaped more often is the content of another message.
            spelling = opened[1].lower(), opened[3] or b""
            yield _Tag(offset + opened.start(), word.end(), spelling, opened[2] is None)


class _Tag(NamedTuple):
    """A tag, up to the name Envelope."""

    start: int
    end: int
    spelling: tuple[bytes, bytes]
    is_start: bool


def _ranges(data: bytes | memoryview) -> Iterator[_Range]:
    """Yield where the Envelopes stand, in their order."""
    begun: _Tag | None = None
    for tag in _tags(data):
        if tag.is_start:
            if begun is None:
                begun = tag
            elif tag.spelling[0] == begun.spelling[0]:
                yield _Range(begun.start, tag.start, is_whole=False)
                begun = tag
        elif begun is not None and tag.spelling == begun.spelling:
            closed = _CLOSED.match(data, tag.end)
            if closed is not None:
                yield _Range(begun.start, closed.end(), is_whole=True)
                begun = None
    if begun is not None:
        yield _Range(begun.start, len(data), is_whole=False)


def _direction(body: bytes, before: bytes) -> Direction | None:
    """Return the direction of a message: by its content, or by the last word before it that tells."""
    found = _FIRST.search(body[: 2 * _PIECE])
    if found is not None:
        is_response = found[1] == b"Fault" or found[1].endswith(b"Response")
        return Direction.RESPONSE if is_response else Direction.REQUEST
    if _ASKED.search(body[:_PIECE]):
        return Direction.REQUEST
    sides = list(_SIDE.finditer(before[-_MOST_WORDS:]))
    if not sides:
        return None
    return Direction.REQUEST if sides[-1][1] is not None else Direction.RESPONSE


def _as_utf_8(data: bytes | memoryview) -> bytes | memoryview:
    """Return a text in UTF-8, which Windows may have written in UTF-16."""
    codec = {BOM_UTF16_LE: "utf-16-le", BOM_UTF16_BE: "utf-16-be"}.get(bytes(data[:2]))
    return data if codec is None else bytes(data[2:]).decode(codec, "replace").encode("utf-8", "replace")


# -- redaction ---------------------------------------------------------------------------------------


def redact(data: bytes, editor: Editor) -> bytes:
    """Return a text without its secrets. Nothing but the secrets changes."""
    pieces, done = [], 0
    for found in _ranges(data):
        message = data[found.start : found.end]
        mark = doubled(message) if found.is_whole else None
        plain = b"" if mark is None else unescaped(message)
        # In a damaged text, not every quote may be doubled: it is searched as it is.
        if mark is not None and redoubled(plain, mark) == message:
            # No search for quotes understands doubled ones.
            pieces += [data[done : found.start], redoubled(editor.message(plain, ""), mark)]
            done = found.end
    return bare.redact(b"".join([*pieces, data[done:]]), editor)
