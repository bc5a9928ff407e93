"""Knows how a timeline is drawn as text, at the width of a terminal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from xmla_headers._printable import Piece, columns_of, joined, plural, wrapped
from xmla_headers.findings import Severity
from xmla_headers.transcript._verdict import diagnosis_lines, fault_lines, verdict_line

from ._exchange import Exchange, Outcome, worst
from ._layout import Layout, Metrics, Place, Row, Segment, lay_out, life_line, row_of
from ._model import Lane, LaneKind, Timeline
from ._words import GLYPHS, MEANINGS, Fact, Words, duration_text, groups

__all__ = ["text_lines"]

# Columns: for the names of the lanes, for the words after the last exchange, of the narrowest terminal.
_NAMES, _TAIL, _NARROWEST = 18, 10, 48

# Lanes that are drawn together, healthy or not, and exchanges of a lane that is drawn as a whole.
_FEW, _MOST_EXCHANGES = 12, 2_000

# Lanes that went wrong and are drawn.
_MOST_DRAWN = 30

# Names of messages that are listed for one finding.
_MOST_PLACES = 6

_FLAGS = {Severity.ERROR: "*", Severity.WARNING: "^"}
_STYLES = {
    Outcome.ANSWERED: "",
    Outcome.FAULT: "warning",
    Outcome.LOST: "error",
    Outcome.UNANSWERED: "warning",
    Outcome.UNUSABLE: "error",
}


def text_lines(
    timeline: Timeline, *, title: str, width: int = 80, show_ids: bool = False
) -> Iterator[list[Piece]]:
    """Draw a timeline as text: the counts, a sentence for each lane, the picture, the findings.

    Args:
        timeline: The timeline.
        title: The name of the capture.
        width: The width of the terminal in columns, at least 48. No line is wider.
        show_ids: Show session ids, which are secrets, in full.

    Returns:
        The lines, each as pieces of text with the name of a style.
    """
    width = max(width, _NARROWEST)
    words = Words(timeline, show_ids=show_ids)
    yield from wrapped(_sentence(words.text(title), words.counts()), width, indent=4)
    yield from wrapped([(words.span(), "")], width, indent=4)
    if words.common:
        yield from wrapped([(f"names of messages begin with {words.common}", "")], width, indent=4)
    yield []
    records = timeline.records
    for line in (
        verdict_line(timeline.counted, records),
        *diagnosis_lines(timeline.diagnosis, records, named=words.name),
        *fault_lines(timeline.faults),
    ):
        yield from wrapped(line, width, indent=4)
    yield []
    lanes = timeline.lanes
    shown = timeline.worst_first if len(lanes) <= _FEW else timeline.ill
    for lane in shown:
        yield from wrapped(_sentence(words.label(lane), words.facts(lane)), width, indent=4)
    if len(shown) < len(lanes):
        yield from wrapped([(f"{plural(len(lanes) - len(shown), 'more lane')} without trouble", "")], width)
    drawn = [lane.shortened(_MOST_EXCHANGES) for lane in shown[:_MOST_DRAWN]]
    if drawn:
        yield []
        yield from _picture(drawn, words, width)
        left = sum(lane.left_out for lane in drawn)
        if left:
            said = f"{plural(left, 'exchange')} that went well left out, in the times after //"
            yield from wrapped([(said, "")], width)
        if len(drawn) < len(shown):
            said = f"{plural(len(shown) - len(drawn), 'more lane')} not drawn: choose with --session"
            yield from wrapped([(said, "")], width)
    for lane in drawn:
        yield from _findings(words, lane, width)


def _sentence(label: str, facts: list[Fact]) -> list[Piece]:
    return [(f"{label}: ", "place"), *joined(((fact.text, fact.style) for fact in facts), ", ")]


# -- the picture -------------------------------------------------------------------------------------


def _picture(lanes: list[Lane], words: Words, width: int) -> Iterator[list[Piece]]:
    track = width - _NAMES - _TAIL
    layout = lay_out(lanes, Metrics(width=track, pitch=2, bar=1, gap=min(16, track // 3)))
    lines = [life_line(lane, places) for lane, places in zip(lanes, layout.places, strict=True)]
    by_row: dict[tuple[int, int], list[Place]] = {}
    for index, places in enumerate(layout.places):
        for place in places:
            # A place that spans many rows is drawn in the first and the last of them.
            for x in dict.fromkeys((row_of(layout.rows, place.start), row_of(layout.rows, place.end))):
                by_row.setdefault((x, index), []).append(place)
    for number, row in enumerate(layout.rows):
        yield _axis(layout, row, words)
        for index, lane in enumerate(lanes):
            if (number, index) in by_row:
                yield from _lane(words, row, lane, lines[index], by_row[number, index])
        yield []
    yield from wrapped(_legend(lanes), width, whole=True)
    if not layout.by_time:
        yield from wrapped([("no times in this capture: messages are drawn in their order", "")], width)


def _legend(lanes: list[Lane]) -> list[Piece]:
    outcomes = {exchange.outcome for lane in lanes for exchange in lane.exchanges}
    severities = {finding.severity for lane in lanes for _, _, finding in lane.findings}
    parts = [("D = answered (the first letter of the method)", "")]
    parts += [
        (f"{GLYPHS[outcome]} {MEANINGS[outcome]}", _STYLES[outcome])
        for outcome in Outcome
        if outcome in outcomes and GLYPHS[outcome]
    ]
    parts += [
        (f"{_FLAGS[severity]} {severity}", str(severity)) for severity in Severity if severity in severities
    ]
    return joined(parts, "   ")


class _Canvas:
    """One line of the picture, with one cell for each column."""

    def __init__(self, width: int) -> None:
        self._cells: list[Piece] = [(" ", "")] * width

    def put(self, column: int, text: str, style: str = "") -> None:
        """Write a text; the part beyond the edges is dropped. Each character must be one column wide."""
        for index, character in enumerate(text, column):
            if 0 <= index < len(self._cells):
                self._cells[index] = (character, style)

    def is_free(self, start: int, end: int) -> bool:
        """Return whether the columns from start to end are inside and blank."""
        cells = self._cells[start:end]
        return len(cells) == end - start and all(text == " " for text, _ in cells)

    def pieces(self) -> list[Piece]:
        """Return the line without the blanks at its end."""
        cells = self._cells
        while cells and cells[-1][0] == " ":
            cells = cells[:-1]
        found: list[Piece] = []
        for text, style in cells:
            if found and found[-1][1] == style:
                found[-1] = (found[-1][0] + text, style)
            else:
                found.append((text, style))
        return found


def _axis(layout: Layout, row: Row, words: Words) -> list[Piece]:
    width = _columns(row.end) - _columns(row.start) + _TAIL
    canvas = _Canvas(width)
    for gap in layout.gaps:
        if row.start <= gap.start < row.end:
            said = f"// {duration_text(gap.length)} "
            start, end = _columns(gap.start - row.start) + 1, _columns(gap.end - row.start)
            canvas.put(start, said if len(said) <= end - start else "//"[: end - start], "hint")
    told = ""
    for x, time in layout.ticks:
        if row.start <= x < row.end:
            column, text = _columns(x - row.start), words.time(time)
            # A second has one label.
            if text != told and canvas.is_free(max(column - 1, 0), column + len(text) + 1):
                canvas.put(column, text, "hint")
                told = text
    name = words.zone if layout.by_time else "order"
    return [(name[: _NAMES - 1].ljust(_NAMES), "hint"), *canvas.pieces()]


def _lane(
    words: Words, row: Row, lane: Lane, line: list[Segment], places: list[Place]
) -> Iterator[list[Piece]]:
    width = _columns(row.end) - _columns(row.start) + _TAIL
    canvas, flags = _Canvas(width), _Canvas(width)
    end = line[-1].end
    if lane.kind is LaneKind.SESSION:
        _live(canvas, row, line)
    for place in places:
        exchange = place.exchange
        first = _columns(max(place.start, row.start) - row.start)
        last = _columns(min(place.end, row.end) - row.start)
        style = _STYLES[exchange.outcome]
        canvas.put(first + 1, "=" * (last - first - 1), style)
    for place in places:
        if place.start >= row.start:
            column, exchange = _columns(place.start - row.start), place.exchange
            severity = worst(exchange.findings)
            canvas.put(column, _letter(exchange), _STYLES[exchange.outcome] or str(severity or ""))
            if severity is not None:
                flags.put(column, _FLAGS[severity], str(severity))
    if lane.kind is LaneKind.SESSION and row.start < end <= row.end:
        text, style = (
            ("ended", "good")
            if lane.ended
            else ("lost", "error")
            if lane.lost and not lane.revived
            else ("not ended", "")
        )
        canvas.put(_columns(end - row.start) + 1, text, style)
    yield [(_name(words, lane).ljust(_NAMES), "place"), *canvas.pieces()]
    if flags.pieces():
        yield [(" " * _NAMES, ""), *flags.pieces()]


def _live(canvas: _Canvas, row: Row, line: list[Segment]) -> None:
    """Draw the life line of a session, with its idle times."""
    for segment in line[bisect_left(line, row.start, key=lambda segment: segment.end) :]:
        if segment.start >= row.end:
            break
        start = _columns(max(segment.start, row.start) - row.start)
        end = _columns(min(segment.end, row.end) - row.start)
        canvas.put(start, "-" * (end - start))
        said = "" if segment.idle is None else f" {duration_text(segment.idle)} idle "
        # The first column belongs to the end of an exchange.
        room = end - start - 1
        if said and len(said) <= room:
            style = "error" if segment.before_loss else "hint"
            canvas.put(start + 1 + (room - len(said)) // 2, said, style)


def _columns(x: float) -> int:
    return int(x + 1e-6)


def _letter(exchange: Exchange) -> str:
    letter = GLYPHS[exchange.outcome] or exchange.label[:1]
    return letter if letter.isprintable() and letter and columns_of(letter) == 1 else "o"


def _name(words: Words, lane: Lane) -> str:
    name, known = words.short_label(lane)
    number = name.removeprefix("session ")
    full = f"{number} {known}".rstrip()
    return full if columns_of(full) == len(full) < _NAMES else number


# -- the findings ------------------------------------------------------------------------------------


def _findings(words: Words, lane: Lane, width: int) -> Iterator[list[Piece]]:
    found = groups(lane)
    if not found:
        return
    yield []
    yield from wrapped([(words.label(lane), "place")], width)
    for finding, places in found:
        names = [words.name(mark.name) or "the message" for mark, _ in places]
        rest = f" and {plural(len(names) - _MOST_PLACES, 'other')}" if len(names) > _MOST_PLACES else ""
        line: list[Piece] = [
            (f"  {finding.severity}[{finding.code}]", str(finding.severity)),
            (f": {words.text(finding.message)}", ""),
            (f" - in {', '.join(names[:_MOST_PLACES])}{rest}", ""),
        ]
        yield from wrapped(line, width, indent=4)
        if finding.hint is not None:
            hint: list[Piece] = [("    hint: ", "hint"), (words.text(finding.hint), "")]
            yield from wrapped(hint, width, indent=4)
