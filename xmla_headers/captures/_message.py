"""What a capture holds: messages, and how much of it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from xmla_headers.findings import Code, Finding, value_finding

if TYPE_CHECKING:
    from datetime import datetime

    from xmla_headers.soap import Direction

__all__ = ["DEFAULT_LIMITS", "CaptureLimits", "CapturedMessage", "broken"]


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """How much of a capture is looked at; None switches a limit off.

    A message may have at most 8 content codings, whatever the limits are.
    """

    #: Bytes of one entry as it stands in the capture, and of one body once it is unpacked: the most that
    #: is in memory at a time, some times over.
    max_entry_bytes: int | None = 134_217_728
    #: Bytes unpacked from one capture, from the entries of an archive and by each content coding of a
    #: body: the entries of a zip bomb share their compressed bytes.
    max_unpacked_bytes: int | None = 2_147_483_648
    #: Entries of an archive, whose directory is read as a whole.
    max_entries: int | None = 1_000_000

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and type(value) is not int:
                raise TypeError(f"{limit.name} must be an int or None, not {type(value).__name__}")
            if value is not None and value < 0:
                raise ValueError(f"{limit.name} must not be negative")


DEFAULT_LIMITS = CaptureLimits()


@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """One message of a capture, and what the capture says about it.

    What is None, or empty, the capture does not tell.
    """

    #: Where it stands in the capture, "" where the capture is the message.
    name: str
    #: The message, with the transfer and content codings taken off.
    body: bytes = field(repr=False)
    direction: Direction | None = None
    #: What the transport's charset says: the `encoding` of decode.
    charset: str | None = None
    #: When a request was begun, when a response was there; with a time zone.
    time: datetime | None = None
    #: The HTTP status of a response.
    status: int | None = None
    #: Names as they were written, and values: secrets among them, which no repr shows.
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: What a request has in common with its response, and with nothing else in the capture.
    exchange: str | None = None
    #: Why there is no message to be had here: `broken-capture`, `limit-exceeded` or `not-xml`.
    trouble: Finding | None = None


def broken(name: str, message: str, hint: str | None = None) -> CapturedMessage:
    """Return what stands for an entry that cannot be read."""
    return CapturedMessage(name, b"", trouble=value_finding(Code.BROKEN_CAPTURE, message, hint))
