"""What the renderings of a timeline say, page and terminal alike. Pure."""

from __future__ import annotations

from datetime import UTC, timezone
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers._printable import plural, printable
from xmla_headers.conversation import State
from xmla_headers.findings import Severity
from xmla_headers.soap import Direction

from ._model import LaneKind, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from xmla_headers.findings import Finding

    from ._model import Exchange, Lane, Mark, Timeline

__all__ = ["GLYPHS", "MEANINGS", "Fact", "Words", "duration_text", "groups"]

#: What tells an outcome where there is no room for more, and without colour.
GLYPHS = {
    Outcome.ANSWERED: "",
    Outcome.FAULT: "!",
    Outcome.LOST: "✕",
    Outcome.UNANSWERED: "?",
    Outcome.UNUSABLE: "∅",
}

MEANINGS = {
    Outcome.ANSWERED: "answered",
    Outcome.FAULT: "a fault",
    Outcome.LOST: "the session is lost",
    Outcome.UNANSWERED: "no answer",
    Outcome.UNUSABLE: "no usable message",
}

#: Characters shown of what a capture calls something: a file name in an archive may have 65,535.
_SHOWN = 160

#: Findings told about one exchange; the list of its lane has all of them.
_MOST_TOLD = 5


class Fact(NamedTuple):
    """A part of a sentence, and the exchange that it is about."""

    text: str
    exchange: Exchange | None = None
    #: "good", "warning" or "error": what it means for the session.
    style: str = ""


class Words:
    """Says what a timeline holds: all of it on one line, printable, and without session ids unless asked."""

    def __init__(self, timeline: Timeline, *, show_ids: bool) -> None:
        self._timeline, self._show_ids = timeline, show_ids
        marks = (mark for lane in timeline.lanes for each in lane.exchanges for mark in each.marks)
        known = [mark.time for mark in marks if mark.time is not None]
        self._first, self._last = min(known, default=None), max(known, default=None)
        offset = None if self._first is None else self._first.utcoffset()
        self._zone = UTC if offset is None else timezone(offset)

    def text(self, text: str) -> str:
        """Return what may be shown of a text from the capture."""
        if not self._show_ids:
            text = self._timeline.masked(text)
        if len(text) > _SHOWN:
            text = f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"
        return printable(text)

    # -- times, in the time zone that the capture begins in ------------------------------------------

    @property
    def zone(self) -> str:
        """The name of the time zone."""
        return str(self._zone)

    def date(self, time: datetime) -> str:
        """Return the day."""
        return self._local(time).date().isoformat()

    def time(self, time: datetime) -> str:
        """Return the time of the day, to the second."""
        return f"{self._local(time):%H:%M:%S}"

    def exact_time(self, time: datetime) -> str:
        """Return the time of the day, to the millisecond."""
        return self._local(time).time().isoformat("milliseconds")

    def _local(self, time: datetime) -> datetime:
        try:
            return time.astimezone(self._zone)
        except OverflowError:
            # On the first and last days of the calendar.
            return time

    def span(self) -> str:
        """Return from when to when the capture goes."""
        if self._first is None or self._last is None:
            return "the capture tells no times"
        first, last = self.date(self._first), self.date(self._last)
        until = self.time(self._last) if first == last else f"{last} {self.time(self._last)}"
        length = duration_text(self._last - self._first)
        return f"{first} {self.time(self._first)} to {until} {self.zone}, {length}"

    # -- sentences -----------------------------------------------------------------------------------

    def counts(self) -> list[Fact]:
        """Return the figures of the whole."""
        lanes = self._timeline.lanes
        sessions = [lane for lane in lanes if lane.record is not None]
        found = [finding.severity for lane in lanes for _, _, finding in lane.findings]
        lost, left = sum(lane.lost is not None for lane in sessions), sum(map(_is_left_open, sessions))
        facts = [Fact(plural(self._timeline.messages, "message")), Fact(plural(len(sessions), "session"))]
        facts += [Fact(f"{lost:,} lost", style="error")] * bool(lost)
        facts += [Fact(f"{left:,} left open", style="warning")] * bool(left)
        facts += [
            Fact(plural(found.count(severity), severity), style=str(severity))
            for severity in Severity
            if severity in found
        ]
        return facts

    def label(self, lane: Lane) -> str:
        """Return the name of a lane."""
        if lane.record is None:
            return "implicit sessions" if lane.kind is LaneKind.IMPLICIT else "not placed"
        session_id = lane.record.session_id
        shown = repr(session_id) if self._show_ids and session_id is not None else lane.record.label
        return printable(f"session {lane.record.number} ({shown})")

    def short_label(self, lane: Lane) -> tuple[str, str]:
        """Return the same in two parts, as short as it can be."""
        record = lane.record
        if record is None:
            return self.label(lane).partition(" sessions")[0], ""
        shown = record.label.partition(" (")[0]
        if self._show_ids and record.session_id is not None:
            shown = record.session_id
        return f"session {record.number}", printable(shown)

    def facts(self, lane: Lane) -> list[Fact]:
        """Return what there is to say about a lane, to be read with commas in between."""
        record, begun, lost, ended = lane.record, lane.begun, lane.lost, lane.ended
        requests = Fact(plural(sum(each.request is not None for each in lane.exchanges), "request"))
        if record is None:
            return [requests if lane.kind is LaneKind.IMPLICIT else _unplaced(lane)]
        facts = [
            Fact("older than the capture")
            if begun is None
            else Fact(f"begun at {self.text(begun.first.name)}", begun),
            requests,
        ]
        if lost is not None:
            facts.append(Fact(f"lost at {self.text(lost.last.name)}", lost, "error"))
            idle = lane.idle_before_loss
            if idle is not None:
                facts.append(Fact(f"{duration_text(idle)} idle before", lost, "error"))
        if ended is not None:
            facts.append(Fact(f"ended at {self.text(ended.first.name)}", ended, "good"))
        elif record.state in (State.ACTIVE, State.ENDING):
            facts.append(Fact("not ended in this capture", style="warning" if begun else ""))
        elif record.state in (State.NONE, State.BEGINNING) and begun is not None:
            facts.append(Fact("never granted", begun, "warning"))
        return facts

    def about(self, lane: Lane, exchange: Exchange) -> Iterator[str]:
        """Yield what there is to say about an exchange, a line each."""
        label = self.text(exchange.label) or "message"
        yield f"{label}, {self.label(lane)}: {MEANINGS[exchange.outcome]}"
        for mark in exchange.marks:
            yield self._message(exchange, mark)
        if exchange.response is not None and exchange.response.fault is not None:
            yield f"Fault {self.fault(exchange.response)}"
        if lane.is_loss(exchange) and lane.idle_before_loss is not None:
            yield f"the session had been idle for {duration_text(lane.idle_before_loss)}"
        for finding in exchange.findings[:_MOST_TOLD]:
            yield f"{finding.severity}[{finding.code}]: {self.text(finding.message)}"
            if finding.hint is not None:
                yield f"hint: {self.text(finding.hint)}"
        if len(exchange.findings) > _MOST_TOLD:
            yield f"and {plural(len(exchange.findings) - _MOST_TOLD, 'finding')} more"

    def _message(self, exchange: Exchange, mark: Mark) -> str:
        kind = (
            "" if mark.direction is None else "request " if mark.direction is Direction.REQUEST else "answer "
        )
        parts = [f"{kind}{self.text(mark.name)}".strip(), mark.block or ""]
        if mark.time is not None:
            parts.append(self.exact_time(mark.time))
        if mark.status is not None:
            parts.append(f"HTTP {mark.status}")
        parts.append(plural(mark.size, "byte"))
        if mark is exchange.response and exchange.duration is not None:
            parts.append(f"after {duration_text(exchange.duration)}")
        return ", ".join(filter(None, parts))

    def fault(self, mark: Mark) -> str:
        """Return what may be told of a fault: its words may hold any secret, so only where ids are shown."""
        code = self.text(mark.fault or "") or "without a code"
        return f"{code}: {self.text(mark.fault_text)}" if self._show_ids and mark.fault_text else code


def _is_left_open(lane: Lane) -> bool:
    return (
        lane.begun is not None
        and lane.ended is None
        and lane.record is not None
        and (lane.record.state in (State.ACTIVE, State.ENDING))
    )


def _unplaced(lane: Lane) -> Fact:
    marks = [mark for exchange in lane.exchanges for mark in exchange.marks]
    unread = sum(not mark.usable for mark in marks)
    return Fact(f"{plural(len(marks), 'message')}, {unread:,} of them refused or not readable")


def groups(lane: Lane) -> list[tuple[Finding, list[tuple[Mark, Exchange]]]]:
    """Return the findings of a lane, those that say the same once, with everything they are about."""
    found: dict[tuple[str, str, str | None], tuple[Finding, list[tuple[Mark, Exchange]]]] = {}
    for mark, exchange, finding in lane.findings:
        key = (finding.code, finding.message, finding.hint)
        places = found.setdefault(key, (finding, []))[1]
        if not places or places[-1][0] is not mark:
            places.append((mark, exchange))
    order = list(Severity)
    return sorted(found.values(), key=lambda group: order.index(group[0].severity))


def duration_text(duration: timedelta) -> str:
    """Return a length of time as people say it: `12 ms`, `3.2 s`, `35 min`, `2 h 5 min`, `3 d 4 h`."""
    seconds = duration.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, rest, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            count, left = divmod(whole, size)
            parts = left // rest
            # Of half an hour the seconds are nobody's concern.
            return f"{count:,} {unit}" if not parts or count >= 10 else f"{count} {unit} {parts} {small}"
    return f"{whole} s"
