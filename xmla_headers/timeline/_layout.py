"""Where the exchanges of a timeline stand on paper: in time or in order, in rows of one width. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ._model import Exchange, Lane, Mark, Timeline

__all__ = ["Gap", "Layout", "Metrics", "Place", "Row", "Segment", "lay_out", "life_line", "row_of"]

#: A session that rests for this long is worth a word.
LONG_IDLE = timedelta(minutes=1)

#: A single row that is not full is drawn wider, up to this.
_MOST_STRETCH = 12.0

#: Requests of one lane that are under way at the same time and drawn beside each other; more are drawn over
#: each other.
_MOST_LEVELS = 8


class Metrics(NamedTuple):
    """The measures of a drawing, in its own unit."""

    #: Of a row.
    width: float
    #: The least from the beginning of one exchange to that of the next, in whatever lane.
    pitch: float
    #: The least from the beginning of an exchange to its end.
    bar: float
    #: The most that a stretch without a message takes.
    gap: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchange stands, on a line that the rows are cut from."""

    exchange: Exchange
    start: float
    end: float
    #: 0, or more beside others of the same lane that are under way.
    level: int


class Row(NamedTuple):
    """A piece of the line, as wide as the paper."""

    start: float
    end: float


class Segment(NamedTuple):
    """A piece of the life line of a session."""

    start: float
    end: float
    #: For how long it rests, where that is long.
    idle: timedelta | None = None
    #: The server does not know it any more behind that.
    before_loss: bool = False


class Gap(NamedTuple):
    """A stretch without a message that takes less room than is its due."""

    start: float
    end: float
    length: timedelta


@dataclass(frozen=True, slots=True)
class Layout:
    """A timeline on paper."""

    #: False where the capture does not tell the times: the exchanges stand in its order.
    by_time: bool
    rows: list[Row]
    #: By the index of the lane.
    places: list[list[Place]]
    gaps: list[Gap]
    #: Where exchanges begin, and when.
    ticks: list[tuple[float, datetime]]


class _Event(NamedTuple):
    value: float
    number: int
    exchange: Exchange
    begins: bool


def lay_out(timeline: Timeline, metrics: Metrics) -> Layout:
    """Return where everything stands.

    In time where most messages have one: what has none stands where the one before it does.
    """
    lanes = timeline.lanes
    marks = sorted(
        (mark for lane in lanes for exchange in lane.exchanges for mark in exchange.marks),
        key=lambda mark: mark.number,
    )
    times = _times(marks)
    values = {mark.number: float(mark.number) for mark in marks} if times is None else times
    exchanges = [exchange for lane in lanes for exchange in lane.exchanges]
    events = sorted(event for exchange in exchanges for event in _events(exchange, values))
    line = _Line(metrics, _scale(events, metrics, by_time=times is not None))
    for event in events:
        line.add(event)
    rows, stretch = line.rows()
    places = [_levels(lane, line, stretch, metrics.bar) for lane in lanes]
    ticks = [
        (line.starts[event.exchange.number] * stretch, event.exchange.first.time)
        for event in events
        if event.begins and event.exchange.first.time is not None
    ]
    gaps = [Gap(gap.start * stretch, gap.end * stretch, gap.length) for gap in line.gaps]
    return Layout(times is not None, rows, places, gaps if times is not None else [], ticks)


def _times(marks: Sequence[Mark]) -> dict[int, float] | None:
    """Return the seconds of each message, from the first one on; None where there is no telling."""
    known = [mark.time for mark in marks if mark.time is not None]
    if len(known) * 2 <= len(marks):
        return None
    first, last = min(known), max(known)
    if first == last:
        return None
    found, before = {}, known[0]
    for mark in marks:
        before = before if mark.time is None else mark.time
        found[mark.number] = (before - first).total_seconds()
    return found


def _events(exchange: Exchange, values: dict[int, float]) -> list[_Event]:
    first, last = exchange.first, exchange.last
    begun = values[first.number]
    events = [_Event(begun, first.number, exchange, begins=True)]
    if last is not first:
        events.append(_Event(max(begun, values[last.number]), last.number, exchange, begins=False))
    return events


def _scale(events: list[_Event], metrics: Metrics, *, by_time: bool) -> float:
    """Return how much room a unit of time takes: three of four gaps get a pitch or less."""
    if not by_time:
        return metrics.pitch / 2
    steps = sorted(b.value - a.value for a, b in pairwise(events) if b.value > a.value)
    # An answer that is older than its request, by a clock that goes wrong, leaves no step.
    return metrics.pitch / steps[(len(steps) - 1) * 3 // 4] if steps else 1.0


class _Line:
    """The line, as it grows from event to event."""

    def __init__(self, metrics: Metrics, scale: float) -> None:
        self._metrics, self._scale = metrics, scale
        self._x, self._value = 0.0, 0.0
        self._free = 0.0
        self._cuts = [0.0]
        self.starts: dict[int, float] = {}
        self.ends: dict[int, float] = {}
        self.gaps: list[Gap] = []

    def add(self, event: _Event) -> None:
        before, passed = self._x, event.value - self._value if self.starts else 0.0
        least = self._free if event.begins else self.starts[event.exchange.number] + self._metrics.bar
        x = self._after(before, passed, least)
        room = self._metrics.pitch if event.begins else 0.0
        if x + room > self._cuts[-1] + self._metrics.width:
            # Behind what stands there, so that no mark is cut in two by the edge.
            before = max(before, self._free)
            self._cuts.append(before)
            x = self._after(before, passed, least)
        if passed * self._scale > self._metrics.gap:
            self.gaps.append(Gap(before, x, timedelta(seconds=passed)))
        self._x, self._value = x, event.value
        if event.begins:
            self.starts[event.exchange.number] = x
            self._free = x + self._metrics.pitch
        else:
            self.ends[event.exchange.number] = x

    def _after(self, before: float, passed: float, least: float) -> float:
        return max(before + min(passed * self._scale, self._metrics.gap), least)

    def rows(self) -> tuple[list[Row], float]:
        """Return the rows, and by how much a single one is stretched."""
        width = self._metrics.width
        if len(self._cuts) == 1:
            used = max(self._x, self._free)
            stretch = min(width / used, _MOST_STRETCH) if used else 1.0
            return [Row(0.0, width)], max(stretch, 1.0) if used <= width else 1.0
        ends = [*self._cuts[1:], self._cuts[-1] + width]
        return [Row(start, end) for start, end in zip(self._cuts, ends, strict=True)], 1.0


def _levels(lane: Lane, line: _Line, stretch: float, bar: float) -> list[Place]:
    """Return the places of a lane; what is under way at the same time stands on levels of its own."""
    free: list[float] = []
    places = []
    for exchange in sorted(lane.exchanges, key=lambda each: line.starts[each.number]):
        start = line.starts[exchange.number]
        end = line.ends.get(exchange.number, start + bar)
        level = next((level for level, x in enumerate(free) if x <= start), len(free))
        level = min(level, _MOST_LEVELS - 1)
        free[level : level + 1] = [end]
        places.append(Place(exchange, start * stretch, end * stretch, level))
    return places


def life_line(lane: Lane, places: list[Place]) -> list[Segment]:
    """Return the pieces of a session's life line, in order; each begins where the one before it ends."""
    idle = {exchange.number: length for exchange, length in lane.idle()}
    found = []
    start = before = places[0].start
    for place in places:
        length, at_loss = idle.get(place.exchange.number), lane.is_loss(place.exchange)
        if length is not None and place.start > before and (length >= LONG_IDLE or at_loss):
            found.append(Segment(start, before))
            found.append(Segment(before, place.start, length, at_loss))
            start = place.start
        before = max(before, place.end)
    return [*found, Segment(start, before)]


def row_of(rows: Sequence[Row], x: float) -> int:
    """Return the row that a point of the line stands in."""
    return max(bisect_right(rows, x, key=lambda row: row.start) - 1, 0)
