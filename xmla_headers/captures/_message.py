"""Knows what a captured message is, and how much of a capture is read."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime

from xmla_headers.findings import Code, Finding, value_finding
from xmla_headers.http import split_continuation
from xmla_headers.soap import Direction

__all__ = [
    "DEFAULT_LIMITS",
    "CaptureLimits",
    "CapturedMessage",
    "bare_message",
    "broken",
    "unsupported",
    "without_continuation",
]


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """How much of a capture is read. None switches a limit off.

    A message may have at most 8 content codings, whatever the limits are.

    Raises:
        TypeError: A limit is neither an int nor None.
        ValueError: A limit is negative.

    >>> CaptureLimits(max_entries=100).max_entries
    100
    """

    max_entry_bytes: int | None = 134_217_728
    """Largest size in bytes of one entry as it stands in the capture, and of one unpacked body. A few times
    as many bytes are in memory at a time."""
    max_unpacked_bytes: int | None = 2_147_483_648
    """Bytes that may be unpacked from one capture: from the entries of an archive, and by each content
    coding. The entries of a zip bomb share their compressed bytes, so `max_entry_bytes` is no protection."""
    max_entries: int | None = 1_000_000
    """Number of entries in an archive, whose directory is read as a whole."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and type(value) is not int:
                raise TypeError(f"{limit.name} must be an int or None, not {type(value).__name__}")
            if value is not None and value < 0:
                raise ValueError(f"{limit.name} must not be negative")


DEFAULT_LIMITS = CaptureLimits()
"""The limits that apply if none are given."""


@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """One message of a capture, and what the capture says about it.

    Values that the capture does not give are None or empty. `repr` shows neither the body nor the header
    fields, which may contain secrets.

    >>> CapturedMessage("request/0", b"<a/>", Direction.REQUEST).exchange is None
    True
    """

    name: str
    """The position of the message in the capture; "" if the capture is the message itself."""
    body: bytes = field(repr=False)
    """The message, without its transfer and content codings."""
    direction: Direction | None = None
    """Whether it is a request or a response."""
    charset: str | None = None
    """The charset that the transport gives: the argument `encoding` of `decode`."""
    time: datetime | None = None
    """When the request was begun, or when the response had arrived, with a time zone."""
    status: int | None = None
    """The HTTP status of a response."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The HTTP header fields: names as they were written, and values."""
    exchange: str | None = None
    """A text that a request shares with its response, and with no other message of the capture."""
    trouble: Finding | None = None
    """Why the message cannot be read: `broken-capture`, `limit-exceeded`, `not-xml` or
    `unsupported-format`."""
    omitted: bool = False
    """Whether the capture leaves the body out, as some exporters of HAR do. Such a message is not checked."""
    continuation: bool | None = None
    """Whether another answer continues this one, by the last byte of an answer of Power BI, which is taken
    off the body: False for 0x00, True for 0x01; None if there is no such byte."""
    other_parts: int | None = None
    """The number of the parts of a multipart body beside its root part, which is the message (RFC 2387). They
    are not read. None if the body is not multipart, or has no root part."""
    target: str | None = field(default=None, repr=False)
    """The target of a request: a URL, or its path if the Host field has the rest. It may contain secrets."""
    sender: str | None = None
    """The network address of the client that sent a request, or of the server that sent a response."""

    def paired(self, exchange: str | None) -> CapturedMessage:
        """Return a copy with another exchange.

        Args:
            exchange: The text that the message shares with its answer or request; None for no such text.

        Returns:
            The copy.

        >>> CapturedMessage("1-request.xml", b"<a/>").paired("1").exchange
        '1'
        """
        return self._copy(self.body, exchange)

    def _without_body(self) -> CapturedMessage:
        return self._copy(b"", self.exchange)

    def _copy(self, body: bytes, exchange: str | None) -> CapturedMessage:
        # `dataclasses.replace` takes four times as long, for each message of a capture.
        return CapturedMessage(
            self.name,
            body,
            self.direction,
            self.charset,
            self.time,
            self.status,
            self.headers,
            exchange,
            self.trouble,
            self.omitted,
            self.continuation,
            self.other_parts,
            self.target,
            self.sender,
        )


def broken(name: str, message: str, hint: str | None = None) -> CapturedMessage:
    """Return the captured message that reports an unreadable entry."""
    return CapturedMessage(name, b"", trouble=value_finding(Code.BROKEN_CAPTURE, message, hint))


def unsupported(name: str, message: str, hint: str) -> CapturedMessage:
    """Return the captured message that names a format that is not read, with the way to convert it."""
    return CapturedMessage(name, b"", trouble=value_finding(Code.UNSUPPORTED_FORMAT, message, hint))


def bare_message(
    name: str, data: bytes | memoryview, direction: Direction | None, limits: CaptureLimits
) -> CapturedMessage:
    """Return the captured message that has no head."""
    most = limits.max_entry_bytes
    if most is not None and len(data) > most:
        text = f"the message has more than {most} bytes (max_entry_bytes)"
        return CapturedMessage(name, b"", direction, trouble=value_finding(Code.LIMIT_EXCEEDED, text))
    body, continuation = without_continuation(bytes(data), direction)
    return CapturedMessage(name, body, direction, continuation=continuation)


def without_continuation(body: bytes, direction: Direction | None) -> tuple[bytes, bool | None]:
    """Return a body without the last byte of an answer of Power BI, and `CapturedMessage.continuation`."""
    if direction is Direction.REQUEST or body[-1:] not in _CONTINUATIONS:
        return body, None
    return split_continuation(body)


_CONTINUATIONS = (b"\0", b"\1")
