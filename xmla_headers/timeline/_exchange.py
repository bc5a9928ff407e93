"""Knows a request and its response as marks of a timeline, and the outcome of the two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from xmla_headers.captures import CheckedMessage
from xmla_headers.captures._transport import TRY_AGAIN
from xmla_headers.envelope import Header
from xmla_headers.fault import Fault
from xmla_headers.findings import Finding, Severity, XmlaHeadersError
from xmla_headers.model import HeaderBlock
from xmla_headers.soap import Direction
from xmla_headers.transcript import Placement
from xmla_headers.transcript._history import aware

__all__ = ["Exchange", "Mark", "Outcome", "is_wrong", "mark_of", "session_blocks", "worst"]

# Characters kept of the text of a Fault or an Error, and Errors that are kept of one answer.
_KEPT, _MOST_ERRORS = 320, 3


class Outcome(StrEnum):
    """The result of a request."""

    ANSWERED = "answered"
    """A response without a Fault."""
    FAULT = "fault"
    """A Fault that does not concern the session."""
    LOST = "lost"
    """A Fault that says that the server does not know the session."""
    UNANSWERED = "unanswered"
    """The capture has no response."""
    UNUSABLE = "unusable"
    """An HTTP error page or a refused message as response, or a request that cannot be read."""


@dataclass(slots=True, eq=False)
class Mark:
    """One message, without its bytes."""

    name: str
    """The name of the message in the capture."""
    number: int
    """1 for the first message of the capture."""
    direction: Direction | None
    """Request or response; None if unknown."""
    time: datetime | None
    """When the message was sent, if known."""
    method: str | None
    """The local name of the Body's first element."""
    block: str | None
    """The local name of the session header."""
    status: int | None
    """The HTTP status of a response."""
    size: int
    """The size in bytes."""
    fault: str | None
    """The code of the Fault in it."""
    fault_text: str | None = field(repr=False)
    """The text of the Fault, at most 320 characters. It may contain the session id."""
    lost: bool
    """Whether the Fault, or an Error inside an answer, says that the session is gone."""
    usable: bool
    """Whether the message could be read and is not refused."""
    findings: tuple[Finding, ...]
    """The findings of the rules, then those of the transcript."""
    errors: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The codes and the texts of the first Errors inside a success answer."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its response. The capture may lack one of them."""

    number: int
    """1 for the first exchange of the capture."""
    request: Mark | None
    """The request."""
    response: Mark | None = None
    """The response."""

    @property
    def marks(self) -> list[Mark]:
        """The request and the response, without one that is missing."""
        return [mark for mark in (self.request, self.response) if mark is not None]

    @property
    def first(self) -> Mark:
        """The request, or the response if there is no request."""
        return self.marks[0]

    @property
    def last(self) -> Mark:
        """The response, or the request if there is no response."""
        return self.marks[-1]

    @property
    def label(self) -> str:
        """The first element of the request's Body, otherwise of the response's; "" if there is none."""
        return next((mark.method for mark in self.marks if mark.method is not None), "")

    @property
    def duration(self) -> timedelta | None:
        """The time from request to response, never negative: two clocks may differ."""
        if self.request is None or self.response is None:
            return None
        if self.request.time is None or self.response.time is None:
            return None
        return max(self.response.time - self.request.time, timedelta())

    @property
    def status(self) -> int | None:
        """The HTTP status of the response."""
        return None if self.response is None else self.response.status

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the request, then those about the response."""
        return tuple(finding for mark in self.marks for finding in mark.findings)

    @property
    def outcome(self) -> Outcome:
        """The result of the request."""
        if self.response is None:
            return Outcome.UNANSWERED if self.first.usable else Outcome.UNUSABLE
        if self.response.lost:
            return Outcome.LOST
        if self.response.fault is not None:
            return Outcome.FAULT
        return Outcome.ANSWERED if self.response.usable else Outcome.UNUSABLE


def mark_of(checked: CheckedMessage, placement: Placement, number: int) -> Mark:
    """Return what a timeline keeps of a message.

    Args:
        checked: The message.
        placement: Its session.
        number: 1 for the first message of the capture.
    """
    message, fault, blocks = checked.message, checked.fault, session_blocks(checked.header)
    return Mark(
        message.name,
        number,
        placement.direction,
        aware(message.time),
        checked.method,
        blocks[0].spec.local_name if len(blocks) == 1 else None,
        message.status,
        checked.size,
        None if fault is None else _fault_code(fault),
        None if fault is None else fault.string[:_KEPT],
        (fault is not None and fault.session_lost) or any(entry.session_lost for entry in checked.errors),
        checked.header is not None,
        (*checked.findings, *placement.findings),
        tuple(
            (str(entry.code)[:_KEPT], entry.description[:_KEPT]) for entry in checked.errors[:_MOST_ERRORS]
        ),
    )


def is_wrong(exchange: Exchange) -> bool:
    """Return whether an exchange failed, or has an error.

    Args:
        exchange: The exchange.

    Returns:
        True for a fault, a loss, a page and an error. A round trip of a login is no failure.
    """
    if exchange.outcome in (Outcome.FAULT, Outcome.LOST, Outcome.UNUSABLE):
        return exchange.status not in TRY_AGAIN or bool(exchange.findings)
    return worst(exchange.findings) is Severity.ERROR


def _fault_code(fault: Fault) -> str:
    # A code is never cut: the rest of a session id at the cut would not be recognised.
    return fault.code if len(fault.code) <= _KEPT else f"a code of {len(fault.code):,} characters"


def session_blocks(header: Header | None) -> list[HeaderBlock]:
    """Return the session headers, all of them if there are several."""
    if header is None:
        return []
    try:
        block = header.session_header
    except XmlaHeadersError:
        return [block for block in (header.begin_session, header.session, header.end_session) if block]
    return [] if block is None else [block]


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the most serious severity.

    Args:
        findings: Any findings.

    Returns:
        The severity; None if there are no findings.

    >>> worst(iter_findings(b"no XML"))
    <Severity.ERROR: 'error'>
    """
    found = {finding.severity for finding in findings}
    return next((severity for severity in Severity if severity in found), None)
