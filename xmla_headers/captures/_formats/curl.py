"""Knows the files of curl --trace and --trace-ascii: a dump of what HTTP sent and received."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers._printable import plural
from xmla_headers.captures._message import broken
from xmla_headers.captures._redaction.edits import ChangeKind

from . import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CapturedMessage, CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["read", "recognise", "redact"]

# The first line of a block, with the time of --trace-time before it.
_BLOCK = re.compile(
    rb"(?m)^(?:\d\d:\d\d:\d\d\.\d{6} )?(?:\[[^\]\r\n]{1,40}\] )?"
    rb"(?:(?:=> Send|<= Recv) (?P<kind>header|data|SSL data), (?P<size>\d{1,18}) bytes \(0x[0-9a-f]+\)"
    rb"|== Info:[^\n]*)"
    rb"\r?(?:\n|\Z)"
)
_LINE = re.compile(rb"(?m)^([0-9a-f]{4,12}): ?([^\r\n]*)\r?$")
# Sixteen bytes, or fewer and blanks, before the same bytes as text.
_DUMPED = re.compile(rb"((?:[0-9a-f]{2} ){1,16}) *.{1,16}\Z")
_MOST = 4_096


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins with the first line of a block."""
    return _BLOCK.match(data, 0, _MOST) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of HTTP that the file dumps."""
    dumped, missing = _dumped(data)
    yield from http.read(dumped, name, limits)
    if missing:
        yield broken(name, f"{plural(missing, 'byte')} of the trace cannot be read")


def redact(data: bytes, editor: Editor) -> bytes:
    """Return the HTTP without its secrets, as a dump of it cannot be searched; the file if it has none."""
    dumped, _ = _dumped(data)
    new = http.redact(dumped, editor)
    if new == dumped:
        return editor.message(data, "")
    editor.note("", ChangeKind.CODING, "the dump around HTTP")
    return new


def _dumped(data: bytes | memoryview) -> tuple[bytes, int]:
    """Return the bytes of HTTP that a file dumps, in their order, and how many are missing."""
    pieces: list[bytes] = []
    missing = 0
    blocks = [(found.end(), found["kind"], found["size"], found.start()) for found in _BLOCK.finditer(data)]
    ends = [start for *_, start in blocks[1:]] + [len(data)]
    for (start, kind, size, _), end in zip(blocks, ends, strict=True):
        # TLS is dumped beside what it carries.
        if kind in (b"header", b"data"):
            pieces.append(b"".join(_block(bytes(data[start:end]), int(size))))
            missing += max(0, int(size) - len(pieces[-1]))
    return b"".join(pieces), missing


def _block(text: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes of a block. --trace-ascii ends a line where the bytes do, and does not show that."""
    done = 0
    for line in _LINE.finditer(text):
        offset, shown = int(line[1], 16), line[2]
        dumped = _DUMPED.fullmatch(shown)
        if dumped is not None:
            piece = bytes.fromhex(dumped[1].decode())
        else:
            piece = shown
            if offset == done + 2:
                yield b"\r\n"
        yield piece
        done = offset + len(piece)
    if done + 2 == size:
        yield b"\r\n"
