"""The first bytes of a capture -> its format."""

from __future__ import annotations

import re
from enum import Enum, auto

from .http import find_start

__all__ = ["Format", "format_of"]

_ARCHIVE = re.compile(rb"PK(?:\x03\x04|\x05\x06)")
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+\{")


class Format(Enum):
    """What a capture is."""

    #: A Fiddler archive.
    SAZ = auto()
    #: An HTTP Archive 1.2.
    HAR = auto()
    #: HTTP/1, a message or a stream of them.
    HTTP = auto()
    #: A message, or nothing that is known.
    BARE = auto()


def format_of(data: bytes | memoryview) -> Format:
    """Return what a capture is, as its first bytes tell."""
    if _ARCHIVE.match(data):
        return Format.SAZ
    if _OBJECT.match(data):
        return Format.HAR
    return Format.HTTP if find_start(data[:4096], 0) == 0 else Format.BARE
