r"""Captured traffic: the bytes of a .har, a .saz, of raw HTTP or of a message -> captured messages. Pure.

>>> from xmla_headers import captures
>>> log = b"POST /xmla HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"
>>> log += b"HTTP/1.1 502 Bad Gateway\r\n\r\n"
>>> for message in captures.iter_messages(log):
...     print(message.name, message.direction, message.status, message.body)
request/0 request None b'<a/>'
response/0 response 502 b''
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers.findings import Code, value_finding

from ._checked import CheckedMessage, check_message, is_soap
from ._formats.detect import Format, format_of
from ._formats.har import iter_har
from ._formats.http import iter_http
from ._formats.saz import iter_saz
from ._message import DEFAULT_LIMITS, CapturedMessage, CaptureLimits
from ._pairing import direction_of, pair_names
from ._redaction.redact import Change, Pseudonyms, Redacted, redact
from ._redaction.secrets import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CaptureLimits",
    "CapturedMessage",
    "Change",
    "ChangeKind",
    "CheckedMessage",
    "Pseudonyms",
    "Redacted",
    "check_message",
    "is_soap",
    "iter_messages",
    "pair_names",
    "redact",
]


def iter_messages(
    data: bytes | bytearray | memoryview, name: str = "", *, limits: CaptureLimits = DEFAULT_LIMITS
) -> Iterator[CapturedMessage]:
    """Yield the messages of a capture, in its order, whatever its format.

    What it is shows in its first bytes: a Fiddler archive (.saz), an HTTP Archive 1.2 (.har), an HTTP/1
    message or a stream of them, or else a message itself. The names and the exchanges of its messages
    begin with `name`, if there is one; that of a bare message's file may tell its direction. An entry
    that cannot be read is a message with its `trouble`, and the rest goes on; only wrong arguments raise.
    Of HAR and .saz what is not POSTed as XML or to a SOAPAction is passed over. The data must not change
    meanwhile; one entry at a time is copied.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
    if not isinstance(limits, CaptureLimits):
        raise TypeError(f"limits must be CaptureLimits, not {type(limits).__name__}")
    view = data if isinstance(data, bytes) else memoryview(data).cast("B")
    prefix = f"{name}/" if name else ""
    match format_of(view):
        case Format.SAZ:
            return iter_saz(view, prefix, limits)
        case Format.HAR:
            return iter_har(view, prefix, limits)
        case Format.HTTP:
            return iter_http(view, prefix, limits)
        case Format.BARE:
            return iter((_bare(view, name, limits),))


def _bare(data: bytes | memoryview, name: str, limits: CaptureLimits) -> CapturedMessage:
    direction, most = direction_of(name), limits.max_entry_bytes
    if most is not None and len(data) > most:
        finding = value_finding(
            Code.LIMIT_EXCEEDED, f"the message has more than {most} bytes (max_entry_bytes)"
        )
        return CapturedMessage(name, b"", direction, trouble=finding)
    return CapturedMessage(name, bytes(data), direction)
