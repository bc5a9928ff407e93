"""Knows the XML that Burp saves: items with a request and a response of HTTP, often in base64."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from xmla_headers.captures._unpacking import Allowance
from xmla_headers.findings import Code, value_finding

from . import http
from .http_stream import HttpMessage, read_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CapturedMessage, CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["read", "recognise", "redact"]

_FIRST = re.compile(
    rb"(?s)(?:\xef\xbb\xbf)?\s*+(?:<\?xml.{0,200}?\?>\s*+)?(?:<!DOCTYPE items .{0,3000}?\]>\s*+)?"
    rb"<items\s[^>]*burpVersion="
)
_MOST = 4_096
# The parts of an item. The XML is not trusted to a parser, and Burp always writes it like this.
_PART = re.compile(
    rb"(?P<item><item>)|<time>(?P<time>[^<]{1,60})</time>"
    rb"|<(?P<side>request|response)(?: base64=\"(?P<base64>true|false)\")?>\s*+<!\[CDATA\["
)
_END = b"]]>"
_BROKEN = value_finding(Code.BROKEN_CAPTURE, "the content is not valid base64, although the item says so")


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins like a file of items."""
    return _FIRST.match(data, 0, _MOST) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of the items that may be XMLA."""
    allowance, prefix = Allowance(limits), f"{name}/" if name else ""
    item: dict[bytes, HttpMessage] = {}
    number, time = -1, None
    for part, content in _parts(bytes(data)):
        if part["item"] is not None:
            yield from _exchange(item, f"{prefix}item/{number}", allowance)
            item, number, time = {}, number + 1, None
        elif part["time"] is not None:
            time = _time(part["time"])
        else:
            side = part["side"]
            item[side] = _message(part, content, f"{prefix}item/{number}/{side.decode()}", limits)[0]
            # Burp says when the request was sent.
            item[side].time = time if side == b"request" else None
    yield from _exchange(item, f"{prefix}item/{number}", allowance)


def _exchange(
    item: dict[bytes, HttpMessage], exchange: str, allowance: Allowance
) -> Iterator[CapturedMessage]:
    return http.exchange_of(item.get(b"request"), item.get(b"response"), exchange, allowance)


def _parts(data: bytes) -> Iterator[tuple[re.Match[bytes], bytes]]:
    """Yield the parts of the items, each with its content."""
    place = 0
    while (part := _PART.search(data, place)) is not None:
        place = part.end()
        content = b""
        if part["side"] is not None:
            end = data.find(_END, place)
            content = data[place : len(data) if end < 0 else end]
            place += len(content)
        yield part, content


def _message(
    part: re.Match[bytes], content: bytes, name: str, limits: CaptureLimits
) -> tuple[HttpMessage, bytes, int]:
    """Return a message, its bytes, and where reading it ended in them."""
    try:
        if part["base64"] == b"true":
            content = b64decode(content, validate=True)
    except ValueError:
        method = "" if part["side"] == b"request" else None
        return HttpMessage(name, method, None, (), b"", trouble=_BROKEN), content, 0
    message, end = read_one(content, 0, name, limits)
    return message, content, end


def _time(text: bytes) -> datetime | None:
    """Return a time such as Fri Nov 20 10:23:42 UTC 2026. Other zones have no names that are unique."""
    try:
        return datetime.strptime(text.decode("latin-1"), "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
    except ValueError:
        return None


# -- redaction ---------------------------------------------------------------------------------------


def redact(data: bytes, editor: Editor) -> bytes:
    """Return the file without its secrets."""
    pieces: list[bytes] = []
    number, done = -1, 0
    for part, content in _parts(data):
        number += part["item"] is not None
        if part["side"] is None or not content:
            continue
        name = f"item/{number}/{part['side'].decode()}"
        message, plain, end = _message(part, content, name, editor.limits)
        if message.trouble is _BROKEN:
            new = editor.emptied(content, name, "declared as base64, but not valid base64")
        else:
            new = http.redact_one(plain, end, message, name, editor)
            same = new == plain
            new = content if same else b64encode(new) if part["base64"] == b"true" else new
        pieces += [editor.data(data[done : part.end()], ""), new]
        done = part.end() + len(content)
    return b"".join([*pieces, editor.data(data[done:], "")])
