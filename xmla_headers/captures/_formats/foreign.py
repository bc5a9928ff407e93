"""Knows the formats that are recognised but not read, and how each is converted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.captures._message import CapturedMessage, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["read", "recognise", "redact"]

# Bytes at the start of a file that tell its format.
_FIRST = 4_096
_START = rb"(?:\xef\xbb\xbf)?\s*+"
_HTML = _START + rb"(?:<\?xml[^>]*+>\s*+)?+(?:<!--.{0,1000}?-->\s*+){0,9}+(?i:<!doctype\s++html|<html[\s>])"


class _Foreign(NamedTuple):
    """A format that is not read."""

    first: bytes
    """A pattern of the first bytes of a file of this format."""
    name: str
    """The format in plain words."""
    advice: str
    """How to convert the file; F is its name."""
    words: tuple[bytes, ...] = ()
    """Words of which one is near the beginning; empty if the first bytes are enough."""
    is_text: bool = False
    """Whether secrets can be searched for in its text."""


# To add a format, add a row.
_TABLE = (
    # A dictionary whose first key is a name, in the netstrings of mitmproxy.
    _Foreign(
        rb"\d{1,12}:\d{1,3}:[a-z_]{1,40}[;,]",
        "a file of mitmproxy flows",
        "convert it: mitmdump -nr F --set hardump=out.har",
    ),
    _Foreign(rb"\xfd7zXZ\0", "an xz file", "unpack it: xz -dk F"),
    _Foreign(rb"\x28\xb5\x2f\xfd", "a zstd file", "unpack it: zstd -d F"),
    _Foreign(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "a bzip2 file", "unpack it: bunzip2 -k F"),
    _Foreign(rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it: 7z x F"),
    _Foreign(rb"Rar!\x1a\x07", "a RAR archive", "unpack it: 7z x F"),
    _Foreign(rb".{257}ustar[\0 ]", "a tar archive", "unpack it, and check the folder: tar -xf F"),
    _Foreign(
        rb"ElfFile\0",
        "a Windows event log (evtx)",
        "convert it: wevtutil qe F /lf:true /f:RenderedXml > events.xml",
    ),
    _Foreign(
        rb"\xac\xed\0\x05",
        "a Java object stream, as Charles writes its sessions (.chls)",
        "convert it: charles convert F out.har",
    ),
    _Foreign(rb"snoop\0\0\0", "a snoop packet capture", "convert it: editcap -F pcap F out.pcap"),
    _Foreign(
        rb"(?:GMBU|RTSS)", "a packet capture of Network Monitor", "convert it: editcap -F pcap F out.pcap"
    ),
    _Foreign(
        _START + rb"\{",
        "a Postman collection",
        "it holds requests alone: send them through a proxy that writes HAR, and check that file",
        (b'"_postman_id"', b'"_postman_exported_at"', b".getpostman.com/"),
    ),
    _Foreign(
        _HTML,
        "an HTML page, not a message or a capture",
        "a server or proxy may have answered with a page: look at it in a browser",
        is_text=True,
    ),
)


# One of the formats, in a group of its number: matching them one by one takes ten times as long.
_ANY = re.compile(b"|".join(b"(%b)" % each.first for each in _TABLE), re.DOTALL)


def _found(data: bytes | memoryview) -> _Foreign | None:
    """Return the format of a file, or None if it is none of these."""
    found = _ANY.match(data, 0, _FIRST)
    if found is None or found.lastindex is None:
        return None
    each = _TABLE[found.lastindex - 1]
    first = bytes(data[:_FIRST]) if each.words else b""
    return each if not each.words or any(word in first for word in each.words) else None


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins like a file of a format that is not read."""
    return _found(data) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:  # noqa: ARG001
    """Yield one message, whose trouble names the format and says how to convert it."""
    found = _found(data)
    if found is not None:
        yield unsupported(name, f"{found.name}: this format is not read", found.advice)


def redact(data: bytes, editor: Editor) -> bytes:
    """Return a text without its secrets; nothing of any other format, whose secrets cannot be found."""
    found = _found(data)
    if found is None or found.is_text:
        return editor.message(data, "")
    return editor.emptied(data, "", f"{found.name}, which is not read")
