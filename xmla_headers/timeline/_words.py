"""Knows the words for a timeline, for the page and the terminal: names, sentences, times, lengths of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from xmla_headers._printable import plural, printable
from xmla_headers.conversation import State
from xmla_headers.fault._masking import mask_code, mask_in
from xmla_headers.findings import Finding, Severity
from xmla_headers.soap import Direction

from ._exchange import Exchange, Mark, Outcome, is_wrong
from ._model import Lane, LaneKind, Timeline

__all__ = ["GLYPHS", "MEANINGS", "Fact", "Words", "duration_text", "groups"]

GLYPHS = {
    Outcome.ANSWERED: "",
    Outcome.FAULT: "!",
    Outcome.LOST: "✕",
    Outcome.UNANSWERED: "?",
    Outcome.UNUSABLE: "∅",
}
"""The sign of each outcome, for narrow marks and for readers who see no colour."""

MEANINGS = {
    Outcome.ANSWERED: "answered",
    Outcome.FAULT: "a fault",
    Outcome.LOST: "the session is lost",
    Outcome.UNANSWERED: "no answer",
    Outcome.UNUSABLE: "no usable message",
}
"""The words for each outcome."""

# Characters shown of a text from the capture: a file name in an archive may have 65,535.
_SHOWN = 160

_KINDS = {Direction.REQUEST: "request ", Direction.RESPONSE: "answer "}

# How a sentence counts the exchanges that failed; a loss has its own words.
_FAILURES = {
    Outcome.FAULT: "fault",
    Outcome.UNUSABLE: "unusable message",
    Outcome.UNANSWERED: "unanswered request",
}

# Findings told about one exchange; the list of its lane has all of them.
_MOST_TOLD = 5


class Fact(NamedTuple):
    """A part of a sentence."""

    text: str
    exchange: Exchange | None = None
    """The exchange that it is about, to link to."""
    style: str = ""
    """The meaning for the session: "good", "warning", "error", or "" for nothing."""


class Words:
    """The words for one timeline: each text is one printable line, without session ids unless asked."""

    def __init__(self, timeline: Timeline, *, show_ids: bool) -> None:
        self._timeline, self._show_ids = timeline, show_ids
        marks = (mark for lane in timeline.lanes for each in lane.exchanges for mark in each.marks)
        known = [mark.time for mark in marks if mark.time is not None]
        self._first, self._last = min(known, default=None), max(known, default=None)
        offset = None if self._first is None else self._first.utcoffset()
        self._zone = UTC if offset is None else timezone(offset)
        self._common = _common(
            mark.name for lane in timeline.lanes for each in lane.exchanges for mark in each.marks
        )

    def text(self, text: str) -> str:
        """Return a text of the capture, masked, shortened and printable."""
        if not self._show_ids:
            text = self._timeline.masked(text)
        if len(text) > _SHOWN:
            text = f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"
        return printable(text)

    def name(self, name: str) -> str:
        """Return the name of a message, without what the names of all messages begin with."""
        return self.text(name[self._common :])

    @property
    def common(self) -> str:
        """The beginning that the names of all messages share; `name` leaves it out."""
        names = (mark.name for lane in self._timeline.lanes for each in lane.exchanges for mark in each.marks)
        return self.text(next(names, "")[: self._common])

    # -- times, in the time zone of the first one in the capture -------------------------------------

    @property
    def zone(self) -> str:
        """The name of the time zone."""
        return str(self._zone)

    def date(self, time: datetime) -> str:
        """Return the date of a time."""
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
            # On the first or last day of the calendar.
            return time

    def span(self) -> str:
        """Return the first and the last time of the capture, and the length of time between them."""
        if self._first is None or self._last is None:
            return "this capture has no times"
        first, last = self.date(self._first), self.date(self._last)
        until = self.time(self._last) if first == last else f"{last} {self.time(self._last)}"
        length = duration_text(self._last - self._first)
        return f"{first} {self.time(self._first)} to {until} {self.zone}, {length}"

    # -- sentences -----------------------------------------------------------------------------------

    def counts(self) -> list[Fact]:
        """Return the counts for the whole capture."""
        lanes = self._timeline.lanes
        sessions = [lane for lane in lanes if lane.record is not None]
        found = [finding.severity for lane in lanes for _, _, finding in lane.findings]
        left = sum(map(_is_left_open, sessions))
        facts = [Fact(plural(self._timeline.messages, "message"))]
        counted = len(self._timeline.records)
        facts.append(Fact(plural(counted, "session")))
        facts += [Fact(f"{len(sessions):,} shown")] * (len(sessions) < counted)
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
            return "implicit sessions" if lane.kind is LaneKind.IMPLICIT else "unassigned"
        session_id = lane.record.session_id
        shown = repr(session_id) if self._show_ids and session_id is not None else lane.record.label
        return printable(f"session {lane.record.number}, {shown}")

    def short_label(self, lane: Lane) -> tuple[str, str]:
        """Return a shorter name of a lane, and the masked id of its session."""
        record = lane.record
        if record is None:
            return self.label(lane).partition(" sessions")[0], ""
        shown = record.label.partition(" (")[0]
        if self._show_ids and record.session_id is not None:
            shown = record.session_id
        return f"session {record.number}", printable(shown)

    def facts(self, lane: Lane) -> list[Fact]:
        """Return the facts about a lane, to be joined by commas into a sentence."""
        record, begun, lost, ended = lane.record, lane.begun, lane.lost, lane.ended
        revived = lane.revived
        requests = Fact(plural(sum(each.request is not None for each in lane.exchanges), "request"))
        if record is None:
            return [requests, *_failures(lane)] if lane.kind is LaneKind.IMPLICIT else [_unplaced(lane)]
        facts = [
            Fact("older than the capture")
            if begun is None
            else Fact(f"begun in {self._at(begun.first)}", begun),
            requests,
            *_failures(lane),
        ]
        if lost is not None:
            verb = "lost" if revived is None else "denied"
            facts.append(Fact(f"{verb} in {self._at(lost.last)}", lost, "error"))
            idle = lane.idle_before_loss
            if idle is not None:
                facts.append(Fact(f"after {duration_text(idle)} idle", lost, "error"))
        if revived is not None:
            facts.append(Fact(f"accepted again in {self._at(revived.last)}", revived, "warning"))
        if ended is not None:
            facts.append(Fact(f"ended in {self._at(ended.first)}", ended, "good"))
        elif record.state in (State.ACTIVE, State.ENDING):
            facts.append(Fact("not ended in this capture", style="warning" if begun else ""))
        elif record.state in (State.NONE, State.BEGINNING) and begun is not None:
            facts.append(Fact("never granted", begun, "warning"))
        return facts

    def _at(self, mark: Mark) -> str:
        """Return the name of a message, and its time."""
        return f"{self.name(mark.name)}{'' if mark.time is None else f' at {self.time(mark.time)}'}"

    def about(self, lane: Lane, exchange: Exchange) -> Iterator[str]:
        """Yield the lines about an exchange: its result, its messages, the fault, the first findings."""
        label = self.text(exchange.label) or "message"
        yield f"{label}, {self.label(lane)}: {MEANINGS[exchange.outcome]}"
        for mark in exchange.marks:
            yield self._message(exchange, mark)
        if exchange.response is not None and exchange.response.fault is not None:
            yield f"Fault {self.fault(exchange.response)}"
        if exchange.response is not None:
            yield from (f"Error {self.error(*error)}" for error in exchange.response.errors)
        if lane.is_loss(exchange) and lane.idle_before_loss is not None:
            yield f"the session had been idle for {duration_text(lane.idle_before_loss)}"
        for finding in exchange.findings[:_MOST_TOLD]:
            yield f"{finding.severity}[{finding.code}]: {self.text(finding.message)}"
            if finding.hint is not None:
                yield f"hint: {self.text(finding.hint)}"
        if len(exchange.findings) > _MOST_TOLD:
            yield f"and {plural(len(exchange.findings) - _MOST_TOLD, 'finding')} more"

    def _message(self, exchange: Exchange, mark: Mark) -> str:
        kind = "" if mark.direction is None else _KINDS[mark.direction]
        parts = [f"{kind}{self.name(mark.name)}".strip(), mark.block or ""]
        if mark.time is not None:
            parts.append(self.exact_time(mark.time))
        if mark.status is not None:
            parts.append(f"HTTP {mark.status}")
        parts.append(plural(mark.size, "byte"))
        if mark is exchange.response and exchange.duration is not None:
            parts.append(f"after {duration_text(exchange.duration)}")
        return ", ".join(filter(None, parts))

    def fault(self, mark: Mark) -> str:
        """Return the code and the words of a fault. Session ids are masked unless ids are shown."""
        return self.error(mark.fault or "", mark.fault_text or "")

    def error(self, code: str, text: str) -> str:
        """Return the code and the words of a fault or of an Error."""
        code = self.text(code if self._show_ids else mask_code(code)) or "without a code"
        # The ids of the capture first: `mask_in` changes what it masks.
        text = text if self._show_ids else mask_in(self._timeline.without_ids(text))
        return f"{code}: {self.text(text)}" if text.strip() else code


def _common(names: Iterable[str]) -> int:
    """Return the length of what all names begin with, up to a slash. Names that are alone stay whole."""
    found = set(names)
    if len(found) < 2:
        return 0
    first, last = min(found), max(found)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    return first[:same].rfind("/") + 1


def _is_left_open(lane: Lane) -> bool:
    return (
        lane.begun is not None
        and lane.ended is None
        and lane.record is not None
        and lane.record.state in (State.ACTIVE, State.ENDING)
    )


def _failures(lane: Lane) -> Iterator[Fact]:
    """Yield how many exchanges of each kind failed, each with the first of them."""
    for outcome, name in _FAILURES.items():
        found = [
            each
            for each in lane.exchanges
            if each.outcome is outcome and (outcome is Outcome.UNANSWERED or is_wrong(each))
        ]
        if found:
            yield Fact(plural(len(found), name), found[0], "warning")
    found = [each for each in lane.exchanges if each.response is not None and each.response.errors]
    if found:
        yield Fact(f"{plural(len(found), 'answer')} with an Error", found[0], "warning")


def _unplaced(lane: Lane) -> Fact:
    marks = [mark for exchange in lane.exchanges for mark in exchange.marks]
    unread = sum(not mark.usable for mark in marks)
    return Fact(f"{plural(len(marks), 'message')}, {unread:,} of them refused or unreadable")


def groups(lane: Lane) -> list[tuple[Finding, list[tuple[Mark, Exchange]]]]:
    """Group the equal findings of a lane, each with its messages; errors come first."""
    found: dict[tuple[str, str, str | None], tuple[Finding, list[tuple[Mark, Exchange]]]] = {}
    for mark, exchange, finding in lane.findings:
        key = (finding.code, finding.message, finding.hint)
        places = found.setdefault(key, (finding, []))[1]
        if not places or places[-1][0] is not mark:
            places.append((mark, exchange))
    order = list(Severity)
    return sorted(found.values(), key=lambda group: order.index(group[0].severity))


def duration_text(duration: timedelta) -> str:
    """Return a length of time in at most two units: `12 ms`, `3.2 s`, `35 min`, `2 h 5 min`, `3 d 4 h`."""
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
            # From ten units on, the smaller unit does not matter.
            return f"{count:,} {unit}" if not parts or count >= 10 else f"{count} {unit} {parts} {small}"
    return f"{whole} s"
