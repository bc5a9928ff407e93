"""Knows the capture formats: each is one module beside this one, and one row of the table here.

To add a format, write a module with three functions, and a row that names them:

* `recognise(data)` returns whether the first bytes are those of the format;
* `read(data, name, limits)` yields the messages of a capture;
* `redact(data, editor)` gives each text of a capture to the editor, and returns the capture with the texts
  that the editor returned. `captures/_redaction/__init__.py` says how editors are used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeAlias

from xmla_headers.captures._message import CapturedMessage, CaptureLimits
from xmla_headers.captures._redaction.editor import Editor
from xmla_headers.typing import Data

from . import bare, burp, curl, foreign, gz, har, http, pcap, saz, text, zipped
from .har import Part

__all__ = ["CaptureFormat", "Format", "format_of"]


ReadPart: TypeAlias = Callable[[bytes | memoryview, Part, str, CaptureLimits], Iterator[CapturedMessage]]


@dataclass(frozen=True, slots=True)
class CaptureFormat:
    """A capture format: a format that cannot be redacted cannot be registered."""

    name: str
    """The name of the format in plain words."""
    recognise: Callable[[bytes | memoryview], bool]
    """Return whether data begins like a capture of this format."""
    read: Callable[[bytes | memoryview, str, CaptureLimits], Iterator[CapturedMessage]]
    """Yield the messages of a capture. The names of the messages begin with the given name."""
    redact: Callable[[bytes, Editor], bytes]
    """Return a capture without its secrets, whether it is whole or damaged."""
    redact_parts: Callable[[bytes | memoryview, Editor], Iterator[bytes]] | None = None
    """Yield the pieces of a capture without its secrets, with one of them in memory at a time."""
    parts: Callable[[bytes | memoryview, int], Iterator[Part]] | None = None
    """Return the parts, each of about a size in bytes, that can be read by themselves; None for no parts."""
    read_part: Callable[[bytes | memoryview, Part, str, CaptureLimits], Iterator[CapturedMessage]] | None = (
        None
    )
    """Yield the messages of one of these parts."""


def _inner(data: bytes) -> CaptureFormat:
    """Return the format of a capture in an archive."""
    return format_of(data).value


class Format(Enum):
    """The formats of captures. A capture has the first one that recognises it; the last accepts any bytes.

    >>> format_of(b"HTTP/1.1 200 OK")
    <Format.HTTP>
    """

    FOREIGN = CaptureFormat("not read", foreign.recognise, foreign.read, foreign.redact)
    """A format that is recognised but not read."""
    PCAP = CaptureFormat("packet capture", pcap.recognise, pcap.read, pcap.redact)
    """A packet capture (.pcap, .pcapng), which is read with the extra `pcap`."""
    GZIP = CaptureFormat(
        "gzip file", gz.recognise, partial(gz.read, table=_inner), partial(gz.redact, table=_inner)
    )
    """A gzip file of a capture."""
    ZIP = CaptureFormat(
        "zip archive",
        zipped.recognise,
        partial(zipped.read, table=_inner),
        partial(zipped.redact, table=_inner),
    )
    """A zip archive of captures."""
    SAZ = CaptureFormat("Fiddler archive", saz.recognise, saz.read, saz.redact)
    """A Fiddler archive (.saz)."""
    HTTP = CaptureFormat("HTTP/1", http.recognise, http.read, http.redact)
    """An HTTP/1 message, or a stream of them."""
    CURL = CaptureFormat("trace of curl", curl.recognise, curl.read, curl.redact)
    """A file of `curl --trace` or `--trace-ascii`."""
    BURP = CaptureFormat("items of Burp", burp.recognise, burp.read, burp.redact)
    """XML that Burp saved."""
    TEXT = CaptureFormat("text with envelopes", text.recognise, text.read, text.redact)
    """A text with envelopes in it: a log, a trace, JSON lines, XML of another program."""
    HAR = CaptureFormat(
        "HTTP Archive", har.recognise, har.read, har.redact, har.redact_parts, har.parts, har.read_part
    )
    """An HTTP Archive 1.2 (.har)."""
    BARE = CaptureFormat("message", bare.recognise, bare.read, bare.redact)
    """A message, or anything that is not recognised."""

    def __repr__(self) -> str:
        return f"<Format.{self.name}>"


def format_of(data: Data) -> Format:
    """Return the format of a capture. The first bytes decide, and a file name does not.

    Args:
        data: The capture. Its first 4,096 bytes tell every format but text with envelopes in it, which has
            to be there up to the first of them.

    Returns:
        The format; `Format.BARE` if no format is recognised.

    >>> format_of(b'{"log": {}}')
    <Format.HAR>
    """
    view = data if isinstance(data, bytes) else memoryview(data)
    return next(each for each in Format if each.value.recognise(view))
