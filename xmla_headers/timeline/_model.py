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
from xmla_headers.findings import Finding
from xmla_headers.session_headers import EndSession
from xmla_headers.soap import Direction
from xmla_headers.transcript import Diagnosis, FaultCount, Placement, SessionRecord
from xmla_headers.transcript._known_ids import KnownIds

from ._exchange import Exchange, Mark, is_wrong, mark_of, session_blocks

__all__ = ["Lane", "LaneKind", "Timeline"]

# Exchanges beside one that went wrong that are kept in a shortened lane, and at its ends.
_NEAR = 5


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
            The lane itself; or a lane with the first and the last exchanges, those that begin, deny, revive
            and end the session, those that went wrong, and their neighbours, at most `most` of them, and all
            of their idle times.

        >>> Lane(LaneKind.IMPLICIT).shortened(10).left_out
        0
        """
        count = len(self.exchanges)
        if count <= most:
            return self
        wrong = [at for at, exchange in enumerate(self.exchanges) if is_wrong(exchange)]
        near = [place for at in wrong for place in range(max(at - _NEAR, 0), min(at + _NEAR + 1, count))]
        named = {id(exchange) for exchange in (self.begun, self.lost, self.revived, self.ended)}
        turns = [at for at, exchange in enumerate(self.exchanges) if id(exchange) in named]
        ends = [*range(_NEAR), *range(count - _NEAR, count)]
        kept = sorted(islice(dict.fromkeys([*ends, *turns, *near]), most))
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
        "_counted",
        "_exchanges",
        "_ids",
        "_implicit",
        "_open",
        "_sessions",
        "_shown",
        "_unplaced",
        "counted",
        "diagnosis",
        "faults",
        "messages",
    )

    messages: int
    """The number of messages."""
    diagnosis: list[Diagnosis]
    """Why sessions were lost, and why requests failed; the worst first."""
    counted: list[Diagnosis]
    """The diagnoses that the verdict counts."""
    faults: list[FaultCount]
    """The faults, by code."""

    def __init__(self) -> None:
        self.messages = 0
        self.diagnosis, self.faults = [], []
        self.counted = self.diagnosis
        self._shown: frozenset[int] | None = None
        self._counted: frozenset[int] | None = None
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
        """The records of the sessions that the verdict counts: all, or those that `show` is given.

        >>> Timeline().records
        []
        """
        counted = self._counted
        return [
            lane.record
            for number, lane in self._sessions.items()
            if lane.record is not None and (counted is None or number in counted)
        ]

    def show(
        self,
        sessions: Iterable[int],
        among: Iterable[int] | None = None,
        counted: Iterable[Diagnosis] | None = None,
    ) -> None:
        """Show some sessions and their diagnoses only, without the faults of the whole capture.

        Args:
            sessions: The numbers of the sessions.
            among: The numbers of the sessions that the verdict counts; None for those that are shown.
            counted: The diagnoses that the verdict counts; None for those that are shown.

        >>> timeline = Timeline()
        >>> timeline.show([1])
        >>> timeline.lanes
        []
        """
        self._shown = frozenset(sessions)
        self._counted = self._shown if among is None else frozenset(among)
        self.diagnosis = [
            each for each in self.diagnosis if each.session is None or each.session in self._shown
        ]
        self.counted = self.diagnosis if counted is None else list(counted)
        self.faults = []

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
        mark = mark_of(checked, placement, self.messages)
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
        self.counted = self.diagnosis
        for each in self.diagnosis:
            lane = self._sessions.get(each.session or 0)
            if lane is not None:
                lane.diagnosis = lane.diagnosis or each

    def _lane(self, checked: CheckedMessage, placement: Placement) -> Lane:
        record = placement.session
        if record is not None:
            return self._sessions.setdefault(record.number, Lane(LaneKind.SESSION, record))
        plain = placement.direction is Direction.REQUEST and checked.header is not None
        if plain and not session_blocks(checked.header):
            return self._implicit
        return self._unplaced

    # -- secrets -------------------------------------------------------------------------------------

    def _remember_ids(self, checked: CheckedMessage, record: SessionRecord | None) -> None:
        ids = [] if record is None or record.session_id is None else [record.session_id]
        for block in session_blocks(checked.header):
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
