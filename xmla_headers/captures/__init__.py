r"""Knows captures: the bytes of an archive, of packets, of raw HTTP or of one message -> captured messages.

>>> from xmla_headers import captures
>>> log = b"POST /xmla HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"
>>> log += b"HTTP/1.1 502 Bad Gateway\r\n\r\n"
>>> for message in captures.iter_messages(log):
...     print(message.name, message.direction, message.status, message.body)
request/0 request None b'<a/>'
response/0 response 502 b''
"""

from collections.abc import Iterator

from xmla_headers.typing import Data

from ._checked import CheckedMessage, check_message, is_soap
from ._formats import Format, format_of
from ._message import DEFAULT_LIMITS, CapturedMessage, CaptureLimits
from ._pairing import pair_names
from ._redact import CaptureError, Change, Pseudonyms, Redacted, checked, redact
from ._redaction.edits import ChangeKind
from ._transport import Transport

__all__ = [
    "CaptureError",
    "CaptureLimits",
    "CapturedMessage",
    "Change",
    "ChangeKind",
    "CheckedMessage",
    "Format",
    "Pseudonyms",
    "Redacted",
    "Transport",
    "check_message",
    "format_of",
    "is_soap",
    "iter_messages",
    "pair_names",
    "redact",
]


def iter_messages(
    data: Data, name: str = "", *, limits: CaptureLimits = DEFAULT_LIMITS
) -> Iterator[CapturedMessage]:
    """Yield the messages of a capture in its order, whatever its format, each response after its request.

    The first bytes decide the format: a Fiddler archive (.saz), an HTTP Archive 1.2 (.har), a packet capture
    (.pcap, .pcapng), an HTTP/1 message or a stream of them, or a .gz or .zip of these. In any other text,
    each Envelope is a message; anything else is one message. An entry that cannot be read, and bytes between
    the messages of a stream, are a message with a `trouble`, and the reading goes on. Requests in HTTP that
    are not POSTed as XML or to a SOAPAction are ignored, with their responses.

    Args:
        data: The capture. It must not change while the messages are read. One entry at a time is copied. A
            map stays open until the iterator has ended or is dropped.
        name: A name for the capture: the names and exchanges of its messages begin with it. The file name
            of a bare message may tell its direction.
        limits: How much of the capture is read.

    Returns:
        An iterator over the messages.

    Raises:
        TypeError: An argument has the wrong type.

    >>> [message.direction for message in iter_messages(b"<a/>", "17-request.xml")]
    [<Direction.REQUEST: 'request'>]
    """
    view = checked(data, limits)
    return format_of(view).value.read(view, name, limits)
