"""Knows the messages of a capture as lanes of exchanges, with the outcome and idle times of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from operator import itemgetter

from xmla_headers._checks import wrong_type
from xmla_headers.captures import CheckedMessage
from xmla_headers.conversation import State
from xmla_headers.envelope import Header
from xmla_headers.fault import Fault
from xmla_headers.findings import Finding, Severity, XmlaHeadersError
from xmla_headers.model import HeaderBlock
from xmla_headers.session_headers import EndSession
from xmla_headers.soap import Direction
from xmla_headers.transcript import Diagnosis, FaultCount, Placement, SessionRecord
from xmla_headers.transcript._history import aware
from xmla_headers.transcript._known_ids import KnownIds

__all__ = ["Exchange", "Lane", "LaneKind", "Mark", "Outcome", "Timeline", "is_wrong", "worst"]

# Characters kept of the text of a Fault or an Error, and Errors that are kept of one answer.
_KEPT, _MOST_ERRORS = 320, 3

# Exchanges beside one that went wrong that are kept in a shortened lane, and at its ends.
_NEAR = 5

# RFC 9110 §15.4 and §15.5.2.
_ASKED_AGAIN = frozenset({*range(300, 400), 401, 407})

# An id that is one word with digits, such as a GUID.
_CODE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{6,}")


class LaneKind(StrEnum):
    """The common property of the messages of a lane."""

    SESSION = "session"
    """A message of the lane names or begins the session."""
    IMPLICIT = "implicit"
    """Requests without a session header: each runs in a session of its own (MS-SSAS §3.1.3.1)."""
    UNPLACED = "unplaced"
    """Messages that cannot be read, or do not say where they belong."""


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


@dataclass(slots=True, eq=False)
class Lane:
    """The exchanges of one session, or those that belong to none."""

    kind: LaneKind
    """The common property of its messages."""
    record: SessionRecord | None = None
    """The session; None for messages without one."""
    exchanges: list[Exchange] = field(default_factory=list)
    """The exchanges, in the order of their first messages."""
    diagnosis: Diagnosis | None = None
    """Why the session was lost, refused or never granted."""
    left_out: int = 0
    """The number of exchanges that went well and are left out of `exchanges`."""
    _pauses: dict[int, timedelta] | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing went wrong: there is no diagnosis, no error, and no fault.

        >>> Lane(LaneKind.IMPLICIT).is_well
        True
        """
        return self.diagnosis is None and not any(map(is_wrong, self.exchanges))

    def shortened(self, most: int) -> Lane:
        """Return the lane without most of the exchanges that went well, if it has many.

        Args:
            most: The most exchanges of a lane that stays as it is.

        Returns:
            The lane itself; or a lane with the first and the last exchanges, those that went wrong, and
            their neighbours, at most `most` of them, and all of their idle times.

        >>> Lane(LaneKind.IMPLICIT).shortened(10).left_out
        0
        """
        count = len(self.exchanges)
        if count <= most:
            return self
        wrong = [at for at, exchange in enumerate(self.exchanges) if is_wrong(exchange)]
        near = [place for at in wrong for place in range(max(at - _NEAR, 0), min(at + _NEAR + 1, count))]
        ends = [*range(_NEAR), *range(count - _NEAR, count)]
        kept = sorted(islice(dict.fromkeys([*ends, *near]), most))
        exchanges = [self.exchanges[at] for at in kept]
        pauses = {exchange.number: pause for exchange, pause in self.idle()}
        return replace(self, exchanges=exchanges, left_out=count - len(exchanges), _pauses=pauses)

    @property
    def findings(self) -> Iterator[tuple[Mark, Exchange, Finding]]:
        """All findings in order, each with its message and exchange."""
        for exchange in self.exchanges:
            for mark in exchange.marks:
                for finding in mark.findings:
                    yield mark, exchange, finding

    @property
    def begun(self) -> Exchange | None:
        """The exchange with BeginSession, if it is in the capture."""
        return None if self.record is None else self._named(self.record.begun)

    @property
    def lost(self) -> Exchange | None:
        """The exchange in which the server denies the session first."""
        return None if self.record is None else self._named(self.record.lost)

    @property
    def revived(self) -> Exchange | None:
        """The exchange in which the server knows the session after it has denied it."""
        return None if self.record is None else self._named(self.record.revived)

    @property
    def ended(self) -> Exchange | None:
        """The exchange with the EndSession that ended the session."""
        if self.record is None or self.record.state is not State.ENDED:
            return None
        ends = EndSession.spec.local_name
        found = [exchange for exchange in self.exchanges if exchange.first.block == ends]
        return found[-1] if found else None

    def is_loss(self, exchange: Exchange) -> bool:
        """Return whether the server denies the session in this exchange.

        Args:
            exchange: An exchange of this lane.

        Returns:
            True for the exchange whose response says that the session is lost.

        >>> Lane(LaneKind.IMPLICIT).is_loss(Exchange(0, None))
        False
        """
        lost = None if self.record is None else self.record.lost
        return lost is not None and exchange.response is not None and exchange.response.name == lost

    def _named(self, name: str | None) -> Exchange | None:
        if name is None:
            return None
        found = (each for each in self.exchanges if any(mark.name == name for mark in each.marks))
        return next(found, None)

    def idle(self) -> Iterator[tuple[Exchange, timedelta]]:
        """Yield each exchange before which the session was idle, in order of time, and for how long.

        Yields:
            The exchange, and the time since the last message before it.

        >>> list(Lane(LaneKind.IMPLICIT).idle())
        []
        """
        if self._pauses is not None:
            yield from (
                (each, self._pauses[each.number]) for each in self.exchanges if each.number in self._pauses
            )
            return
        last: datetime | None = None
        timed = [(each.first.time, each) for each in self.exchanges if each.first.time is not None]
        for begun, exchange in sorted(timed, key=itemgetter(0)):
            if last is not None and begun > last:
                yield exchange, begun - last
            for mark in exchange.marks:
                if mark.time is not None:
                    last = mark.time if last is None else max(last, mark.time)

    @property
    def idle_before_loss(self) -> timedelta | None:
        """How long the session was idle before the request whose response says that it is lost."""
        lost = self.lost
        return next((time for exchange, time in self.idle() if exchange is lost), None)


class Timeline:
    """The lanes of one capture. It is given the messages in order, each with its placement.

    It keeps one `Mark` for each message, and no bodies. The command `timeline` draws it as text or as a
    page.

    >>> from xmla_headers import captures, transcript
    >>> timeline, sessions = Timeline(), transcript.Transcript()
    >>> for message in captures.iter_messages(b"<no-envelope/>", "a.xml"):
    ...     checked = captures.check_message(message)
    ...     timeline.add(checked, sessions.add(checked))
    >>> timeline.close(sessions.close())
    >>> [(lane.kind, len(lane.exchanges)) for lane in timeline.lanes]
    [(<LaneKind.UNPLACED: 'unplaced'>, 1)]
    """

    __slots__ = (
        "_by_name",
        "_exchanges",
        "_ids",
        "_implicit",
        "_open",
        "_sessions",
        "_shown",
        "_unplaced",
        "diagnosis",
        "faults",
        "messages",
    )

    messages: int
    """The number of messages."""
    diagnosis: list[Diagnosis]
    """Why sessions were lost, and why requests failed; the worst first."""
    faults: list[FaultCount]
    """The faults, by code."""

    def __init__(self) -> None:
        self.messages = 0
        self.diagnosis, self.faults = [], []
        self._shown: frozenset[int] | None = None
        self._exchanges = 0
        self._sessions: dict[int, Lane] = {}
        self._implicit = Lane(LaneKind.IMPLICIT)
        self._unplaced = Lane(LaneKind.UNPLACED)
        # The exchanges without a response, by the name of the request.
        self._open: dict[str, Exchange] = {}
        self._by_name: dict[str, Mark] = {}
        self._ids = KnownIds()

    @property
    def lanes(self) -> list[Lane]:
        """The sessions in the order of their first messages, then the messages without a session."""
        if self._shown is not None:
            return [lane for number, lane in self._sessions.items() if number in self._shown]
        others = [lane for lane in (self._implicit, self._unplaced) if lane.exchanges]
        return [*self._sessions.values(), *others]

    @property
    def ill(self) -> list[Lane]:
        """The lanes in which something went wrong, those with a diagnosis first, the worst before the others.

        >>> Timeline().ill
        []
        """
        ranks = {each.session: rank for rank, each in reversed([*enumerate(self.diagnosis)])}
        lanes = [lane for lane in self.lanes if not lane.is_well]
        return sorted(lanes, key=lambda lane: ranks.get(lane.record.number if lane.record else 0, len(ranks)))

    @property
    def worst_first(self) -> list[Lane]:
        """All lanes: those in which something went wrong, then the others.

        >>> Timeline().worst_first
        []
        """
        return [*self.ill, *(lane for lane in self.lanes if lane.is_well)]

    @property
    def records(self) -> list[SessionRecord]:
        """The records of the sessions that are shown.

        >>> Timeline().records
        []
        """
        return [lane.record for lane in self.lanes if lane.record is not None]

    def show(self, sessions: Iterable[int]) -> None:
        """Show some sessions and their diagnoses only.

        Args:
            sessions: The numbers of the sessions.

        >>> timeline = Timeline()
        >>> timeline.show([1])
        >>> timeline.lanes
        []
        """
        self._shown = frozenset(sessions)
        self.diagnosis = [each for each in self.diagnosis if each.session in self._shown]

    def add(self, checked: CheckedMessage, placement: Placement) -> None:
        """Add the next message of the capture.

        Args:
            checked: The message, as `captures.check_message` returns it.
            placement: The session of the message, as `Transcript.add` returns it.

        Raises:
            TypeError: An argument has the wrong type.

        >>> from xmla_headers import captures, transcript
        >>> checked = captures.check_message(captures.CapturedMessage("", encode(Envelope())))
        >>> timeline = Timeline()
        >>> timeline.add(checked, transcript.Transcript().add(checked))
        >>> timeline.messages
        1
        """
        if not isinstance(checked, CheckedMessage):
            raise wrong_type("checked", "CheckedMessage", checked)
        if not isinstance(placement, Placement):
            raise wrong_type("placement", "Placement", placement)
        self.messages += 1
        self._remember_ids(checked, placement.session)
        mark = _mark(checked, placement, self.messages)
        self._by_name[mark.name] = mark
        exchange = None if placement.request is None else self._open.pop(placement.request, None)
        if exchange is not None:
            exchange.response = mark
            return
        self._exchanges += 1
        if placement.direction is Direction.RESPONSE:
            exchange = Exchange(self._exchanges, None, mark)
        else:
            exchange = Exchange(self._exchanges, mark)
            self._open[mark.name] = exchange
        self._lane(checked, placement).exchanges.append(exchange)

    def close(
        self,
        left_behind: Iterable[tuple[str, Finding]],
        diagnosis: Iterable[Diagnosis] = (),
        faults: Iterable[FaultCount] = (),
    ) -> None:
        """Add what only the end of the capture shows.

        Args:
            left_behind: The names and findings that `Transcript.close` returns.
            diagnosis: The diagnoses that `Transcript.diagnosis` returns.
            faults: The faults that `Transcript.faults` has.

        >>> from xmla_headers import transcript
        >>> Timeline().close(transcript.Transcript().close())
        """
        for name, finding in left_behind:
            mark = self._by_name.get(name)
            if mark is not None:
                mark.findings = (*mark.findings, finding)
        self.diagnosis, self.faults = list(diagnosis), list(faults)
        for each in self.diagnosis:
            lane = self._sessions.get(each.session or 0)
            if lane is not None:
                lane.diagnosis = lane.diagnosis or each

    def _lane(self, checked: CheckedMessage, placement: Placement) -> Lane:
        record = placement.session
        if record is not None:
            return self._sessions.setdefault(record.number, Lane(LaneKind.SESSION, record))
        plain = placement.direction is Direction.REQUEST and checked.header is not None
        if plain and not _blocks(checked.header):
            return self._implicit
        return self._unplaced

    # -- secrets -------------------------------------------------------------------------------------

    def _remember_ids(self, checked: CheckedMessage, record: SessionRecord | None) -> None:
        ids = [] if record is None or record.session_id is None else [record.session_id]
        for block in _blocks(checked.header):
            ids += [
                getattr(block, attribute.field) or ""
                for attribute in block.spec.attributes
                if attribute.identifier
            ]
        for session_id in ids:
            self._ids.add(session_id)

    def masked(self, text: str) -> str:
        """Mask the session ids of the capture in a text.

        Args:
            text: Any text of the capture.

        Returns:
            The text, in which each id of five characters or more shows its first four and its length.

        >>> from xmla_headers import captures, transcript
        >>> message = captures.CapturedMessage("", encode(Envelope(Header(Session("8f1c2b3a")))))
        >>> checked, timeline = captures.check_message(message), Timeline()
        >>> timeline.add(checked, transcript.Transcript().add(checked))
        >>> timeline.masked("no session 8f1c2b3a")
        "no session '8f1c'… (8 characters)"
        """
        return self._ids.masked(text)

    def without_ids(self, text: str) -> str:
        """Return a text of the capture with an ellipsis in the place of session ids that look like words.

        Args:
            text: Any text of the capture.

        Returns:
            The text without the ids that `masked` masks, except those that are known by their digits.

        >>> Timeline().without_ids("no session")
        'no session'
        """
        return self._ids.replaced(
            text, lambda found: found if _CODE.fullmatch(found) else f"{found[:4]}\u2026"
        )


def _mark(checked: CheckedMessage, placement: Placement, number: int) -> Mark:
    message, fault, blocks = checked.message, checked.fault, _blocks(checked.header)
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
        return exchange.status not in _ASKED_AGAIN or bool(exchange.findings)
    return worst(exchange.findings) is Severity.ERROR


def _fault_code(fault: Fault) -> str:
    # A code is never cut: the rest of a session id at the cut would not be recognised.
    return fault.code if len(fault.code) <= _KEPT else f"a code of {len(fault.code):,} characters"


def _blocks(header: Header | None) -> list[HeaderBlock]:
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
