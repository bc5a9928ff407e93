"""Knows how the picture on the page is drawn: rows of time, with the lanes and their marks in each."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from xmla_headers.conversation import State
from xmla_headers.findings import Severity

from ._exchange import Exchange, Mark, Outcome, worst
from ._layout import Metrics, Place, Row, Segment, lay_out, life_line, row_of
from ._model import Lane, LaneKind
from ._words import GLYPHS, MEANINGS, Words, duration_text

__all__ = ["FLAGS", "Picture"]

# The measures in CSS pixels, if one row is enough and if several are needed.
_ROOMY = Metrics(width=960, pitch=26, bar=22, gap=112)
_DENSE = Metrics(width=960, pitch=14, bar=12, gap=84)

# Heights in CSS pixels: a lane without its exchanges, one level of exchanges.
_PADDING, _LEVEL = 18, 24

# The least width in CSS pixels of a bar with the name of its method, and of a life line with its idle time.
_NAMED, _TOLD = 54, 78

# The width in CSS pixels of a letter of a name, and of the space for marks and labels.
_LETTER, _TRACK = 7, 1_054

# Narrower bars get thinner edges, which leave room for one letter; still narrower ones have no letter.
_LETTERED, _EMPTY = 18, 11

FLAGS = {Severity.ERROR: ("e", "◆"), Severity.WARNING: ("w", "▲")}
"""The CSS class and the sign of each severity."""


class _Drawn(NamedTuple):
    """The part of an exchange that is drawn in one row."""

    place: Place
    start: float
    end: float
    first: bool
    """Whether the exchange starts in this row."""
    last: bool
    """Whether the exchange ends in this row."""


class Picture:
    """The picture of some lanes, as the section of a page.

    Args:
        lanes: The lanes, in the order in which they are drawn.
        messages: The number of messages of the capture.
        words: The words.
        numbers: `id` of a lane -> the number in its link.
    """

    def __init__(
        self, lanes: Sequence[Lane], messages: int, words: Words, numbers: Mapping[int, int]
    ) -> None:
        self._lanes, self._messages, self._words, self._numbers = lanes, messages, words, numbers
        layout = lay_out(lanes, _ROOMY)
        self.layout = layout if len(layout.rows) == 1 else lay_out(lanes, _DENSE)
        each = list(zip(self._lanes, self.layout.places, strict=True))
        self._life_lines = [life_line(lane, places) for lane, places in each]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the section."""
        layout = self.layout
        if layout.by_time:
            how = "Time runs from left to right; busy stretches are drawn wider, quiet ones shorter"
            shortened = any(lane.left_out for lane in self._lanes)
            how += ", as are exchanges left out" if shortened else ""
            how += " (hatched)" if layout.gaps else ""
        else:
            how = "No times in this capture: messages are drawn in their order"
        yield f'<section aria-label="The picture"><p class="how">{how}.</p>'
        yield self._legend()
        drawn = self._drawn()
        alive = self._alive()
        ticks = _by_row(layout.rows, [x for x, _ in layout.ticks])
        gaps = _by_row(layout.rows, [gap.start for gap in layout.gaps])
        # A lane without a mark in a row is drawn too, unless that makes the page large.
        everywhere = len(layout.rows) * len(self._lanes) <= 2 * self._messages + 50
        for number, row in enumerate(layout.rows):
            shown = [
                index
                for index in range(len(self._lanes))
                if (number, index) in drawn or (everywhere and alive[index][0] <= number <= alive[index][1])
            ]
            yield '<div class="row"><div class="sheet">'
            yield from self._gaps(row, gaps.get(number, []))
            yield from self._axis(row, ticks.get(number, []), cuts=number in gaps)
            for index in shown:
                yield from self._lane(row, index, drawn.get((number, index), []))
            yield "</div></div>"
        yield "</section>"

    def _legend(self) -> str:
        found = {exchange.outcome for lane in self._lanes for exchange in lane.exchanges}
        signs = [
            f'<li><span class="m {outcome}"><b>{GLYPHS[outcome] or "D"}</b></span>{MEANINGS[outcome]}</li>'
            for outcome in Outcome
            if outcome in found
        ]
        worst_found = {finding.severity for lane in self._lanes for _, _, finding in lane.findings}
        signs += [
            f'<li><i class="f {kind}">{sign}</i>{severity}</li>'
            for severity, (kind, sign) in FLAGS.items()
            if severity in worst_found
        ]
        marks = "<li>left edge: the request; right edge: the answer</li>"
        return f'<ul class="legend" aria-label="Legend">{"".join(signs)}{marks}</ul>'

    def _drawn(self) -> dict[tuple[int, int], list[_Drawn]]:
        """Return the parts of exchanges by row and lane."""
        rows = self.layout.rows
        found: dict[tuple[int, int], list[_Drawn]] = defaultdict(list)
        for index, places in enumerate(self.layout.places):
            for place in places:
                first, last = row_of(rows, place.start), row_of(rows, place.end)
                if last > first and rows[last].start == place.end:
                    last -= 1
                # A place that spans many rows is drawn in the first and the last of them.
                for number in dict.fromkeys((first, last)):
                    row = rows[number]
                    start, end = max(place.start, row.start), min(place.end, row.end)
                    part = _Drawn(place, start, end, number == first, number == last)
                    found[number, index].append(part)
        return found

    def _alive(self) -> list[tuple[int, int]]:
        """Return the first and the last row of each lane."""
        rows = self.layout.rows
        return [(row_of(rows, line[0].start), row_of(rows, line[-1].end)) for line in self._life_lines]

    def _gaps(self, row: Row, gaps: list[int]) -> Iterator[str]:
        for gap in (self.layout.gaps[index] for index in gaps):
            start, end = gap.start - row.start, gap.end - row.start
            said = duration_text(gap.length)
            text = f"// {said}" if end - start >= 44 else "//"
            yield (
                f'<div class="gap" style="--x:{start:.0f}px;width:{end - start:.0f}px" '
                f'title="{said} without a message here"><span>{text}</span></div>'
            )

    def _axis(self, row: Row, ticks: list[int], *, cuts: bool) -> Iterator[str]:
        layout = self.layout
        label = self._words.zone if layout.by_time else "order"
        kind = "lane axis cuts" if cuts else "lane axis"
        yield f'<div class="{kind}"><div class="who">{label}</div><div class="track">'
        if layout.by_time:
            yield from self._times(row, ticks)
        else:
            yield '<span class="tick" style="left:0">first to last</span>'
        yield "</div></div>"

    def _times(self, row: Row, ticks: list[int]) -> Iterator[str]:
        free, day, told = -1.0, None, ""
        for index in ticks:
            x, time = self.layout.ticks[index]
            left = x - row.start
            text, date = self._words.time(time), self._words.date(time)
            # A second has one label.
            if left < free or text == told:
                continue
            told = text
            if date != day and (day is not None or row.start == 0):
                text = f"{date} {text}"
            day = date
            # No label is wider than this in the font of the axis.
            free = left + 7.5 * len(text) + 14
            if free > _TRACK:
                break
            yield f'<span class="tick" style="left:{left:.0f}px">{text}</span>'

    def _lane(self, row: Row, index: int, parts: list[_Drawn]) -> Iterator[str]:
        lane = self._lanes[index]
        levels = max((part.place.level for part in parts), default=0) + 1
        height = _PADDING + _LEVEL * levels
        yield f'<div class="lane {lane.kind}"><div class="who">{self._who(lane)}</div>'
        yield f'<div class="track" style="height:{height}px">'
        if lane.kind is LaneKind.SESSION:
            yield from self._line(row, index, lane)
        for part in parts:
            yield self._mark(row, lane, part)
        yield "</div></div>"

    def _who(self, lane: Lane) -> str:
        name, known = self._words.short_label(lane)
        number = self._numbers[id(lane)]
        return f'<a href="#lane-{number}">{escape(name)}</a> <span>{escape(known)}</span>'

    def _line(self, row: Row, index: int, lane: Lane) -> Iterator[str]:
        """Yield the life line of a session: its idle times, and its end."""
        segments = self._life_lines[index]
        # The segments follow each other, so bisection finds those of a row.
        at = bisect_left(segments, row.start, key=lambda segment: segment.end)
        for segment in segments[at:]:
            if segment.start >= row.end:
                break
            yield from _segment(segment, row)
        x = segments[-1].end
        if row.start < x <= row.end:
            kind, text = "warning", "not ended"
            if lane.record is not None and lane.record.state in (State.NONE, State.BEGINNING):
                text = "not granted"
            if lane.ended is not None:
                kind, text = "good", "ended"
            elif lane.lost is not None and lane.revived is None:
                kind, text = "error", "✕ lost"
            elif lane.begun is None:
                kind = "plain"
            yield f'<span class="end {kind}" style="left:{x - row.start + 6:.0f}px">{text}</span>'

    def _mark(self, row: Row, lane: Lane, part: _Drawn) -> str:
        exchange = part.place.exchange
        left, width = part.start - row.start, max(part.end - part.start, 4)
        top = _PADDING - 6 + _LEVEL * part.place.level
        outcome = exchange.outcome
        told = "\n".join(self._words.about(lane, exchange))
        classes = ["m", str(outcome)]
        classes += ["n"] * (width < _LETTERED)
        classes += ["r"] * (left > _ROOMY.width / 2)
        classes += [
            name
            for name, missing in (
                ("from", not part.first or exchange.request is None),
                ("on", not part.last or exchange.response is None),
            )
            if missing
        ]
        identity = f' id="m{exchange.number}"' if part.first else ""
        flags = "".join(
            _flag(mark, side)
            for mark, side, here in ((exchange.request, "q", part.first), (exchange.response, "a", part.last))
            if mark is not None and here
        )
        name = escape(self._words.text(_bar_text(exchange, width)))
        return (
            f'<a class="{" ".join(classes)}"{identity} href="#x{exchange.number}" '
            f'style="left:{left:.0f}px;width:{width:.0f}px;top:{top}px" '
            f'aria-label="{_attribute(told)}"><b>{name}</b>{flags}</a>'
        )


def _by_row(rows: list[Row], xs: Iterable[float]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for index, x in enumerate(xs):
        found[row_of(rows, x)].append(index)
    return found


def _segment(segment: Segment, row: Row) -> Iterator[str]:
    start, end = max(segment.start, row.start), min(segment.end, row.end)
    if end <= start:
        return
    place = f"left:{start - row.start:.0f}px;width:{end - start:.0f}px"
    if segment.idle is None:
        yield f'<span class="line" style="{place}"></span>'
        return
    said = f"{duration_text(segment.idle)} idle"
    kind = "line idle before-loss" if segment.before_loss else "line idle"
    shown = said if end - start >= _TOLD else ""
    yield f'<span class="{kind}" style="{place}" title="{said}"><em>{shown}</em></span>'


def _flag(mark: Mark, side: str) -> str:
    severity = worst(mark.findings)
    if severity is None:
        return ""
    kind, sign = FLAGS[severity]
    return f'<i class="f {kind} {side}">{sign}</i>'


def _bar_text(exchange: Exchange, width: float) -> str:
    if width < _EMPTY:
        return ""
    glyph, label = GLYPHS[exchange.outcome], exchange.label
    if exchange.outcome is Outcome.UNUSABLE and exchange.status is not None:
        label = f"HTTP {exchange.status}"
    text = f"{glyph} {label}".strip()
    # A name that does not fit would be cut.
    return text if width >= max(_NAMED, _LETTER * len(text) + 12) else glyph or label[:1]


def _attribute(text: str) -> str:
    # XML reads a plain line break in an attribute as a space.
    return escape(text).replace("\n", "&#10;")
