"""The messages of a capture as a picture has them: a lane for each session, exchanges in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING

from xmla_headers._checks import wrong_type
from xmla_headers.captures import CheckedMessage
from xmla_headers.conversation import State
from xmla_headers.findings import Severity, XmlaHeadersError
from xmla_headers.model import mask
from xmla_headers.session_headers import EndSession
from xmla_headers.soap import Direction
from xmla_headers.transcript import Placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from xmla_headers.envelope import Header
    from xmla_headers.fault import Fault
    from xmla_headers.findings import Finding
    from xmla_headers.model import HeaderBlock
    from xmla_headers.transcript import SessionRecord

__all__ = ["Exchange", "Lane", "LaneKind", "Mark", "Outcome", "Timeline", "worst"]

#: Characters kept of the words of a Fault.
_KEPT = 320

#: Characters of a session id by which it is looked for in other texts; shorter ones are words of any text,
#: and `mask` shows what comes before the last of them.
_KEY = 5


class LaneKind(StrEnum):
    """What the messages of a lane have in common."""

    #: A session that a message names, or begins.
    SESSION = "session"
    #: Requests without a session header: each runs in a session of its own (MS-SSAS §3.1.3.1).
    IMPLICIT = "implicit"
    #: What cannot be read, and what does not say where it belongs.
    UNPLACED = "unplaced"


class Outcome(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"
    #: By a Fault that leaves the session alone.
    FAULT = "fault"
    #: By a Fault that says that the server does not know the session.
    LOST = "lost"
    #: The capture holds no answer.
    UNANSWERED = "unanswered"
    #: By a page of HTTP, or by what the rules refuse; or the message itself cannot be read.
    UNUSABLE = "unusable"


@dataclass(slots=True, eq=False)
class Mark:
    """What is kept of one message."""

    name: str
    #: 1 for the first message of the capture.
    number: int
    direction: Direction | None
    time: datetime | None
    #: The local name of the Body's first element.
    method: str | None
    #: The local name of its session header.
    block: str | None
    status: int | None
    size: int
    #: The code of the Fault in it.
    fault: str | None
    #: The words of that Fault, which may hold the session id.
    fault_text: str | None = field(repr=False)
    #: The Fault says that the session is gone.
    lost: bool
    #: It could be read, and the rules do not refuse it.
    usable: bool
    findings: tuple[Finding, ...]


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its answer, one of which the capture may lack."""

    #: 1 for the first one of the capture.
    number: int
    request: Mark | None
    response: Mark | None = None

    @property
    def marks(self) -> list[Mark]:
        """The request and the response, as far as they are there."""
        return [mark for mark in (self.request, self.response) if mark is not None]

    @property
    def first(self) -> Mark:
        """What it begins with."""
        return self.marks[0]

    @property
    def last(self) -> Mark:
        """What it ends with."""
        return self.marks[-1]

    @property
    def label(self) -> str:
        """The method, where a Body tells."""
        return next((mark.method for mark in self.marks if mark.method is not None), "")

    @property
    def duration(self) -> timedelta | None:
        """From the request to the answer; never less than nothing, though clocks differ."""
        if self.request is None or self.response is None:
            return None
        if self.request.time is None or self.response.time is None:
            return None
        return max(self.response.time - self.request.time, timedelta())

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer."""
        return None if self.response is None else self.response.status

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said about the request, and then about the answer."""
        return tuple(finding for mark in self.marks for finding in mark.findings)

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.response is None:
            return Outcome.UNANSWERED if self.first.usable else Outcome.UNUSABLE
        if self.response.lost:
            return Outcome.LOST
        if self.response.fault is not None:
            return Outcome.FAULT
        return Outcome.ANSWERED if self.response.usable else Outcome.UNUSABLE


@dataclass(slots=True, eq=False)
class Lane:
    """One session, or what is in none."""

    kind: LaneKind
    #: None for the lanes of messages in no session.
    record: SessionRecord | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def findings(self) -> Iterator[tuple[Mark, Exchange, Finding]]:
        """All findings, in order, with what they are about."""
        for exchange in self.exchanges:
            for mark in exchange.marks:
                for finding in mark.findings:
                    yield mark, exchange, finding

    @property
    def begun(self) -> Exchange | None:
        """The exchange that begins the session, if it is in the capture."""
        return None if self.record is None else self._named(self.record.begun)

    @property
    def lost(self) -> Exchange | None:
        """The exchange in which the server says that it does not know the session."""
        return None if self.record is None else self._named(self.record.lost)

    @property
    def ended(self) -> Exchange | None:
        """The exchange that ends the session in good order."""
        if self.record is None or self.record.state is not State.ENDED:
            return None
        ends = EndSession.spec.local_name
        found = [exchange for exchange in self.exchanges if exchange.first.block == ends]
        return found[-1] if found else None

    def is_loss(self, exchange: Exchange) -> bool:
        """Whether this is the exchange that `lost` returns."""
        lost = None if self.record is None else self.record.lost
        return lost is not None and exchange.response is not None and exchange.response.name == lost

    def _named(self, name: str | None) -> Exchange | None:
        if name is None:
            return None
        found = (each for each in self.exchanges if any(mark.name == name for mark in each.marks))
        return next(found, None)

    def idle(self) -> Iterator[tuple[Exchange, timedelta]]:
        """Yield the exchanges in front of which the session rested, in order of time, and for how long."""
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
        """How long the session had rested when the request was made whose answer says that it is lost."""
        lost = self.lost
        return next((time for exchange, time in self.idle() if exchange is lost), None)


class Timeline:
    """What a picture shows of a capture; fed its messages in order, with the place of each.

    Keeps no body, and of a message what its mark says.
    """

    __slots__ = ("_by_name", "_exchanges", "_ids", "_implicit", "_open", "_sessions", "_unplaced", "messages")

    def __init__(self) -> None:
        #: How many there are.
        self.messages = 0
        self._exchanges = 0
        self._sessions: dict[int, Lane] = {}
        self._implicit = Lane(LaneKind.IMPLICIT)
        self._unplaced = Lane(LaneKind.UNPLACED)
        #: The requests that wait for their answers, and all messages, by name.
        self._open: dict[str, Exchange] = {}
        self._by_name: dict[str, Mark] = {}
        #: The session ids, by their first characters.
        self._ids: dict[str, set[str]] = {}

    @property
    def lanes(self) -> list[Lane]:
        """The sessions in the order of their first messages, then what is in none."""
        others = [lane for lane in (self._implicit, self._unplaced) if lane.exchanges]
        return [*self._sessions.values(), *others]

    def add(self, checked: CheckedMessage, placement: Placement) -> None:
        """Take note of the next message of the capture, and of where the transcript has put it."""
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

    def close(self, left_behind: Iterable[tuple[str, Finding]]) -> None:
        """Take note of what `Transcript.close` returns."""
        for name, finding in left_behind:
            mark = self._by_name.get(name)
            if mark is not None:
                mark.findings = (*mark.findings, finding)

    def _lane(self, checked: CheckedMessage, placement: Placement) -> Lane:
        record = placement.session
        if record is not None:
            return self._sessions.setdefault(record.number, Lane(LaneKind.SESSION, record))
        plain = placement.direction is Direction.REQUEST and checked.header is not None
        if plain and not _blocks(checked.header):
            return self._implicit
        return self._unplaced

    # -- what may be shown ---------------------------------------------------------------------------

    def _remember_ids(self, checked: CheckedMessage, record: SessionRecord | None) -> None:
        ids = [] if record is None or record.session_id is None else [record.session_id]
        for block in _blocks(checked.header):
            ids += [
                getattr(block, attribute.field) or ""
                for attribute in block.spec.attributes
                if attribute.identifier
            ]
        for session_id in ids:
            if len(session_id) >= _KEY:
                self._ids.setdefault(session_id[:_KEY], set()).add(session_id)

    def masked(self, text: str) -> str:
        """Return a text with the session ids in it masked: of the capture, and longer than what is shown."""
        # Most texts hold none, and a search for a few words costs less than a look at every character.
        if len(self._ids) < len(text) and not any(key in text for key in self._ids):
            return text
        parts, start, index = [], 0, 0
        while index <= len(text) - _KEY:
            known = self._ids.get(text[index : index + _KEY], ())
            found = max((each for each in known if text.startswith(each, index)), key=len, default="")
            if found:
                parts += [text[start:index], mask(found)]
                start = index + len(found)
            index = max(index + 1, start)
        return "".join([*parts, text[start:]])


def _mark(checked: CheckedMessage, placement: Placement, number: int) -> Mark:
    message, fault, blocks = checked.message, checked.fault, _blocks(checked.header)
    return Mark(
        message.name,
        number,
        placement.direction,
        message.time,
        checked.method,
        blocks[0].spec.local_name if len(blocks) == 1 else None,
        message.status,
        checked.size,
        None if fault is None else _fault_code(fault),
        None if fault is None else fault.string[:_KEPT],
        fault is not None and fault.session_lost,
        checked.header is not None,
        (*checked.findings, *placement.findings),
    )


def _fault_code(fault: Fault) -> str:
    # Never a part of one: it may be cut where a session id stands, which nobody would know again.
    return fault.code if len(fault.code) <= _KEPT else f"a code of {len(fault.code):,} characters"


def _blocks(header: Header | None) -> list[HeaderBlock]:
    """Return the session headers, all of them where there are several."""
    if header is None:
        return []
    try:
        block = header.session_header
    except XmlaHeadersError:
        return [block for block in (header.begin_session, header.session, header.end_session) if block]
    return [] if block is None else [block]


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the severity that counts."""
    found = {finding.severity for finding in findings}
    return next((severity for severity in Severity if severity in found), None)
