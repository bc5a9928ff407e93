"""The picture of the table of conversations, for the documentation: states, and arrows with their events."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from xmla_headers import TRANSITIONS, State

WIDTH, HEIGHT = 800, 390
_BOX_WIDTH, _BOX_HEIGHT = 104, 40

_STYLE = """
svg{--page:#ffffff;--text:#1f2328;--faint:#59636e;--edge:#8c959f;--box:#f0f4f9}
@media(prefers-color-scheme:dark){svg{--page:#151b23;--text:#f0f6fc;--faint:#a3adb8;--edge:#6e7681;--box:#242c37}}
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:var(--faint);
  text-anchor:middle;paint-order:stroke;stroke:var(--page);stroke-width:5px}
.state{font-size:15px;font-weight:600;fill:var(--text);stroke:none}
.page{fill:var(--page);stroke:none}
.box{fill:var(--box);stroke:var(--edge)}
.arrow{fill:none;stroke:var(--edge);stroke-width:1.5}
.head{fill:var(--edge)}
"""


class Point(NamedTuple):
    x: float
    y: float


PLACES = {
    State.NONE: Point(80, 190),
    State.BEGINNING: Point(270, 190),
    State.ACTIVE: Point(460, 190),
    State.ENDING: Point(700, 190),
    State.ENDED: Point(700, 60),
    State.LOST: Point(460, 340),
}

#: From, to -> how far the middle of the arrow is from the line between them, to the left of the direction.
BENDS = {
    (State.BEGINNING, State.NONE): -90,
    (State.ENDING, State.ACTIVE): -60,
    (State.ACTIVE, State.LOST): 24,
    (State.LOST, State.ACTIVE): 24,
    (State.ENDING, State.LOST): -30,
    (State.LOST, State.BEGINNING): -40,
    (State.ENDED, State.BEGINNING): -60,
}


def edges() -> dict[tuple[State, State], list[str]]:
    """Return the arrows between states: from, to -> events."""
    found: dict[tuple[State, State], list[str]] = {}
    for state, row in TRANSITIONS.items():
        for event, after in row.items():
            if after is not state:
                found.setdefault((state, after), []).append(str(event))
    return found


def _curve(start: Point, middle: Point, end: Point, share: float) -> Point:
    """Return a point of the quadratic curve."""
    rest = 1 - share
    x, y = (
        rest * rest * first + 2 * rest * share * control + share * share * last
        for first, control, last in zip(start, middle, end, strict=True)
    )
    return Point(x, y)


def _arrow(start: Point, end: Point, bend: float, label: str) -> list[str]:
    across, down = end.x - start.x, end.y - start.y
    length = (across * across + down * down) ** 0.5
    control = Point(
        (start.x + end.x) / 2 + 2 * bend * down / length,
        (start.y + end.y) / 2 - 2 * bend * across / length,
    )
    # The tip is where the curve meets the box of its end.
    tip, before = end, start
    for step in range(100, 0, -1):
        before = tip
        tip = _curve(start, control, end, step / 100)
        if abs(tip.x - end.x) > _BOX_WIDTH / 2 + 2 or abs(tip.y - end.y) > _BOX_HEIGHT / 2 + 2:
            break
    ahead = Point(before.x - tip.x, before.y - tip.y)
    size = (ahead.x**2 + ahead.y**2) ** 0.5 or 1
    x, y = 9 * ahead.x / size, 9 * ahead.y / size
    text = _curve(start, control, end, 0.5)
    head = f"M{tip.x:.1f} {tip.y:.1f}l{-x - y / 2:.1f} {-y + x / 2:.1f} {y:.1f} {-x:.1f}z"
    return [
        f'<path class="arrow" d="M{start.x} {start.y}Q{control.x:.1f} {control.y:.1f} {end.x} {end.y}"/>',
        f'<path class="head" d="{head}"/>',
        f'<text x="{text.x:.1f}" y="{text.y + 4:.1f}">{escape(label)}</text>',
    ]


def draw() -> str:
    """Return the picture, as SVG with colours for light and dark pages."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>The states of a session</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
    ]
    for (start, end), events in edges().items():
        lines += _arrow(PLACES[start], PLACES[end], BENDS.get((start, end), 0), ", ".join(events))
    for state, place in PLACES.items():
        x, y = place.x - _BOX_WIDTH / 2, place.y - _BOX_HEIGHT / 2
        lines.append(
            f'<rect class="box" x="{x}" y="{y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="20"/>'
        )
        lines.append(f'<text class="state" x="{place.x}" y="{place.y + 5}">{state}</text>')
    return "\n".join([*lines, "</svg>", ""])
