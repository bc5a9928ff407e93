"""Knows the message that is a file of its own, and captures without a recognisable beginning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers.captures._message import bare_message
from xmla_headers.captures._pairing import direction_of
from xmla_headers.captures._redaction.json_strings import redact_json

from . import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CapturedMessage, CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["is_message", "read", "recognise", "redact"]

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+<[^\x00-\x20{\"'<>]")
_LIKE_JSON = re.compile(rb"\"[^\"<>]{1,100}\"\s*+:")


def recognise(data: bytes | memoryview) -> bool:  # noqa: ARG001 - any bytes may be a message
    """Return True: what no other format recognises is a message."""
    return True


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the message. The name of its file may tell its direction."""
    yield bare_message(name, data, direction_of(name), limits)


def is_message(data: bytes | memoryview) -> bool:
    """Return whether data begins as a message does: with markup, in any encoding of XML."""
    return _MARKUP.match(bytes(data[:_BEGINNING]).replace(b"\0", b"").lstrip(b"\xff\xfe")) is not None


_BEGINNING = 4_096


def redact(data: bytes, editor: Editor) -> bytes:
    """Return a message, or the rest of a capture that lacks its beginning, without its secrets."""
    if editor.searchable(data):
        if http.resembles(data):
            return http.redact(data, editor)
        if not _MARKUP.match(data) and _LIKE_JSON.search(data):
            return redact_json(data, editor, lambda _: "")
    return editor.message(data, "")
