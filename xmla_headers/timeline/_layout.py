"""Knows where the exchanges of a timeline are drawn: by time or by order, in rows of one width."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from ._exchange import Exchange, Mark
from ._model import Lane

__all__ = ["Gap", "Layout", "Metrics", "Place", "Row", "Segment", "lay_out", "life_line", "row_of"]

# The shortest idle time of a session that is drawn as such.
_LONG_IDLE = timedelta(minutes=1)

# A single row that is not full is stretched by at most this factor.
_MOST_STRETCH = 12.0

# Overlapping requests of one lane that are drawn one below the other. Further ones are drawn over the last.
_MOST_LEVELS = 8


class Metrics(NamedTuple):
    """The measures of a drawing, in its own unit: CSS pixels or columns."""

    width: float
    """The width of a row."""
    pitch: float
    """The least distance from the start of one exchange to the start of the next, in any lane."""
    bar: float
    """The least width of an exchange."""
    gap: float
    """The greatest width of a stretch without a message."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an exchange on the line that is cut into rows."""

    exchange: Exchange
    start: float
    end: float
    level: int
    """0, or more if exchanges of the same lane overlap."""


class Row(NamedTuple):
    """A piece of the line, as wide as the drawing."""

    start: float
    end: float


class Segment(NamedTuple):
    """A piece of the life line of a session."""

    start: float
    end: float
    idle: timedelta | None = None
    """How long the session was idle, if that was long."""
    before_loss: bool = False
    """Whether the server denied the session after that."""


class Gap(NamedTuple):
    """A stretch without a message that is drawn shorter than its time."""

    start: float
    end: float
    length: timedelta


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all lanes of a timeline."""

    by_time: bool
    """False if the capture has no times: the exchanges are then drawn in its order."""
    rows: list[Row]
    places: list[list[Place]]
    """The places of each lane, by the index of the lane."""
    gaps: list[Gap]
    ticks: list[tuple[float, datetime]]
    """The start of each exchange, and its time."""


class _Event(NamedTuple):
    """The start or the end of an exchange. Events are compared by value, then by number of the message."""

    value: float
    number: int
    exchange: Exchange
    begins: bool


def lay_out(lanes: Sequence[Lane], metrics: Metrics) -> Layout:
    """Place the exchanges of lanes: by time if most messages have one, otherwise by order.

    Args:
        lanes: The lanes.
        metrics: The measures of the drawing.

    Returns:
        The places, rows, gaps and ticks, in the unit of `metrics`. A message without a time is placed
        where the message before it is.
    """
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
    """Return the seconds from the first message to each; None if too few messages have a time."""
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
    """Return the start of an exchange, and its end if it has a response."""
    first, last = exchange.first, exchange.last
    begun = values[first.number]
    events = [_Event(begun, first.number, exchange, begins=True)]
    if last is not first:
        events.append(_Event(max(begun, values[last.number]), last.number, exchange, begins=False))
    return events


def _scale(events: list[_Event], metrics: Metrics, *, by_time: bool) -> float:
    """Return the width of a unit of time: three of four steps then take a pitch or less."""
    if not by_time:
        return metrics.pitch / 2
    steps = sorted(b.value - a.value for a, b in pairwise(events) if b.value > a.value)
    # There is no step if the only response is older than its request, by a wrong clock.
    return metrics.pitch / steps[(len(steps) - 1) * 3 // 4] if steps else 1.0


class _Line:
    """The line while it grows, event by event."""

    def __init__(self, metrics: Metrics, scale: float) -> None:
        self._metrics, self._scale = metrics, scale
        self._x, self._value = 0.0, 0.0
        self._free = 0.0
        self._cuts = [0.0]
        self.starts: dict[int, float] = {}
        self.ends: dict[int, float] = {}
        self.gaps: list[Gap] = []

    def add(self, event: _Event) -> None:
        """Place the next event, in a new row if this one is full."""
        before, passed = self._x, event.value - self._value if self.starts else 0.0
        least = self._free if event.begins else self.starts[event.exchange.number] + self._metrics.bar
        x = self._after(before, passed, least)
        room = self._metrics.pitch if event.begins else 0.0
        if x + room > self._cuts[-1] + self._metrics.width:
            # After the last mark, so that the edge cuts no mark in two.
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
        """Return the rows, and the factor by which a single row is stretched."""
        width = self._metrics.width
        if len(self._cuts) == 1:
            used = max(self._x, self._free)
            stretch = min(width / used, _MOST_STRETCH) if used else 1.0
            return [Row(0.0, width)], max(stretch, 1.0) if used <= width else 1.0
        ends = [*self._cuts[1:], self._cuts[-1] + width]
        return [Row(start, end) for start, end in zip(self._cuts, ends, strict=True)], 1.0


def _levels(lane: Lane, line: _Line, stretch: float, bar: float) -> list[Place]:
    """Return the places of a lane; exchanges that overlap get different levels."""
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
    """Return the pieces of a session's life line.

    Args:
        lane: The lane of the session.
        places: Its places, from `lay_out`.

    Returns:
        The pieces in order; each begins where the one before it ends.
    """
    idle = {exchange.number: length for exchange, length in lane.idle()}
    found = []
    start = before = places[0].start
    for place in places:
        length, at_loss = idle.get(place.exchange.number), lane.is_loss(place.exchange)
        if length is not None and place.start > before and (length >= _LONG_IDLE or at_loss):
            found.append(Segment(start, before))
            found.append(Segment(before, place.start, length, at_loss))
            start = place.start
        before = max(before, place.end)
    return [*found, Segment(start, before)]


def row_of(rows: Sequence[Row], x: float) -> int:
    """Return the index of the row in `rows` that contains the point `x` of the line."""
    return max(bisect_right(rows, x, key=lambda row: row.start) - 1, 0)
