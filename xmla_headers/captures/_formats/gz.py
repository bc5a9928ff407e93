"""Knows gzip files (.gz) of captures."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from xmla_headers.captures._message import CapturedMessage, broken, unsupported
from xmla_headers.captures._unpacking import Allowance, unpacked_body
from xmla_headers.findings import Code

from . import zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

    from .zipped import Table

__all__ = ["read", "recognise", "redact"]

_FIRST = b"\x1f\x8b\x08"


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins like a gzip file."""
    return data[:3] == _FIRST


def read(
    data: bytes | memoryview, name: str, limits: CaptureLimits, table: Table
) -> Iterator[CapturedMessage]:
    """Yield the messages of the capture in the file, whatever its format is."""
    plain, trouble = unpacked_body(bytes(data), "gzip", Allowance(limits))
    if trouble is not None:
        if trouble.code is Code.BROKEN_CAPTURE:
            yield broken(name, "the gzip file is cut off or damaged")
        else:
            yield CapturedMessage(name, b"", trouble=trouble)
        return
    row = zipped.row_of(plain, table)
    if row is None:
        yield unsupported(name, "a gzip file without a capture: not read", "unpack it: gunzip -k F")
    else:
        yield from row.read(plain, name, limits)


def redact(data: bytes, editor: Editor, table: Table) -> bytes:
    """Return the file with its capture redacted, or nothing if it cannot be read."""
    plain, trouble = unpacked_body(data, "gzip", editor.allowance)
    if trouble is not None:
        return editor.emptied(data, "", "a gzip file that cannot be read")
    row = zipped.row_of(plain, table)
    new = editor.message(plain, "") if row is None else row.redact(plain, editor)
    return data if new == plain else gzip.compress(new, mtime=0)
