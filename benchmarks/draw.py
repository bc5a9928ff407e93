"""The command `python -m benchmarks.draw FIGURES`: it draws charts next to a file that `--json` wrote."""

from __future__ import annotations

import argparse
import json
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ._measure import size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

WIDTH, HEIGHT = 800, 460
LEFT, RIGHT, TOP, BOTTOM = 78, 210, 70, 52
# Pixels between two labels.
_LINE_HEIGHT = 17

# Subject of a line -> its colour on a light page and on a dark page.
COLOURS = {
    "ours": ("#0b5fd8", "#6cb0ff"),
    "floor": ("#6b7280", "#9aa3af"),
    "lxml": ("#c2410c", "#fb923c"),
    "elementtree": ("#15803d", "#4ade80"),
    "xmltodict": ("#a21caf", "#e879f9"),
    "xsdata": ("#b91c1c", "#f87171"),
    "zeep": ("#0f766e", "#2dd4bf"),
    "pygixml": ("#854d0e", "#eab308"),
}


class Line(NamedTuple):
    # Its points are in the answer to this question, under this name.
    question: str
    name: str
    label: str
    # A key of COLOURS.
    colour: str
    dashed: bool = False


class Chart(NamedTuple):
    name: str
    title: str
    # The labels of the axes.
    across: str
    up: str
    lines: tuple[Line, ...]
    # Converts the value of a point into the unit of the axis.
    scale: float
    tick: Callable[[float], str]
    # Smaller values are drawn as this one.
    least: float = 0
    # Each value is divided by the one of this line at the same size.
    base: Line | None = None


class Point(NamedTuple):
    x: float
    y: float


def _seconds(value: float) -> str:
    for factor, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if value >= 0.99 * factor:
            return f"{value / factor:g} {unit}"
    return f"{value:g} s"


def _bytes(value: float) -> str:
    return f"{value / 1e9:g} GB" if value >= 1e9 else size_name(round(value))


def _times(value: float) -> str:
    return f"{value:g}\N{MULTIPLICATION SIGN}"


def _peers(question: str) -> tuple[Line, ...]:
    """Return the lines of some peers; all twelve would hide each other."""
    return tuple(
        Line(question, name, label, name)
        for name, label in (
            ("lxml", "lxml"),
            ("elementtree", "ElementTree"),
            ("xmltodict", "xmltodict"),
            ("xsdata", "xsdata"),
            ("zeep", "zeep"),
            ("pygixml", "pygixml"),
        )
    )


_BARE = Line("decode", "pyexpat", "bare pyexpat", "floor", dashed=True)

CHARTS = (
    Chart(
        "decode",
        "Time to read a message",
        "size of the message",
        "times bare pyexpat on the same message; requests up to 2 KB, rowsets above",
        (
            Line("decode", "new", "decode", "ours"),
            Line("decode", "seen", "decode, id seen", "ours", dashed=True),
            _BARE,
            *_peers("decode"),
        ),
        1,
        _times,
        base=_BARE,
    ),
    Chart(
        "header",
        "Time until the header blocks are there",
        "size of the message",
        "CPU time; all but decode_header read the whole message",
        (
            Line("header", "seen", "decode_header", "ours"),
            Line("header", "new", "without a cache", "ours", dashed=True),
            _BARE,
            *_peers("decode"),
        ),
        1,
        _seconds,
    ),
    Chart(
        "memory",
        "Memory to read a message, in addition to the message",
        "size of the message",
        "the peak of a process",
        (
            Line("memory", "decode", "decode", "ours"),
            Line("memory", "decode_header", "decode_header", "ours", dashed=True),
            Line("memory", "pyexpat", "bare pyexpat", "floor", dashed=True),
            Line("memory", "copy", "a copy of the bytes", "floor"),
            *_peers("memory"),
        ),
        1e6,
        _bytes,
        least=1e5,
    ),
)


def draw(chart: Chart, figures: Mapping[str, Any]) -> str:
    """Return a chart as SVG."""
    found = {line: _points(chart, line, figures) for line in chart.lines}
    lines = {line: points for line, points in found.items() if points}
    everything = [point for points in lines.values() for point in points]
    left, right = _decades([point.x for point in everything])
    low, high = _decades([point.y for point in everything])

    def place(point: Point) -> Point:
        across = (log10(point.x) - left) / (right - left)
        up = (log10(point.y) - low) / (high - low)
        return Point(LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM))

    placed = {line: [place(point) for point in points] for line, points in lines.items()}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        _text("title", chart.title, 20, 30),
        _text("small", f"{chart.up}; both axes logarithmic", 20, 50),
        *_grid(chart, place, (left, right), (low, high)),
        # Our lines are first in the list and are drawn last, on top.
        *(part for line, points in reversed(placed.items()) for part in _drawn(line, points)),
        *_labels(placed),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _points(chart: Chart, line: Line, figures: Mapping[str, Any]) -> list[Point]:
    base = {} if chart.base is None else dict(_measured(chart.base, figures))
    return [
        Point(size, max(chart.scale * value / base.get(size, 1), chart.least))
        for size, value in _measured(line, figures)
    ]


def _measured(line: Line, figures: Mapping[str, Any]) -> list[tuple[float, float]]:
    tables = figures["answers"].get(line.question, {"tables": []})["tables"]
    return [(size, value) for table in tables for size, value in table["lines"].get(line.name, [])]


def _decades(values: list[float]) -> tuple[int, int]:
    """Return the powers of ten around some values."""
    return floor(log10(min(values))), ceil(log10(max(values)))


def _style() -> str:
    light, dark = (
        "".join(f".{name}{{--c:{pair[index]}}}" for name, pair in COLOURS.items()) for index in (0, 1)
    )
    return f"""
svg{{--page:#ffffff;--text:#1f2328;--faint:#59636e;--grid:#d9dee3}}{light}
@media(prefers-color-scheme:dark){{
svg{{--page:#151b23;--text:#f0f6fc;--faint:#a3adb8;--grid:#343c46}}{dark}
}}
text{{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:var(--text)}}
.title{{font-size:17px;font-weight:600}}
.small{{font-size:12px;fill:var(--faint)}}
.page{{fill:var(--page);stroke:var(--grid)}}
.grid{{stroke:var(--grid);fill:none}}
.line{{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}}
.ours.line{{stroke-width:3}}
.dashed{{stroke-dasharray:6 4}}
.dot{{fill:var(--c);stroke:var(--page)}}
.label{{fill:var(--c)}}
.ours.label{{font-weight:600}}
.lead{{stroke:var(--c);opacity:.5}}
"""


def _text(kind: str, text: str, x: float, y: float, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _grid(
    chart: Chart, place: Callable[[Point], Point], across: tuple[int, int], up: tuple[int, int]
) -> Iterator[str]:
    end, ground = WIDTH - RIGHT, HEIGHT - BOTTOM
    for power in range(across[0], across[1] + 1):
        x = place(Point(10.0**power, 10.0 ** up[0])).x
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{ground}"/>'
        yield _text("small", _bytes(10.0**power), x, ground + 18, "middle")
    for power in range(up[0], up[1] + 1):
        y = place(Point(10.0 ** across[0], 10.0**power)).y
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{end}"/>'
        label = chart.tick(10.0**power)
        if chart.least == 10.0**power:
            label = f"≤ {label}"
        yield _text("small", label, LEFT - 8, y + 4, "end")
    yield _text("small", chart.across, (LEFT + end) / 2, HEIGHT - 12, "middle")


def _drawn(line: Line, points: list[Point]) -> Iterator[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = " dashed" if line.dashed else ""
    yield f'<path class="{line.colour} line{dashed}" d="M{path}"/>'
    for x, y in points:
        yield f'<circle class="{line.colour} dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def _labels(placed: Mapping[Line, list[Point]]) -> Iterator[str]:
    """Label each line at its end, or above it if it ends before the others."""
    end = max(points[-1].x for points in placed.values())
    ending = sorted((points[-1].y, line) for line, points in placed.items() if points[-1].x == end)
    for line, points in placed.items():
        if points[-1].x < end:
            x, y = points[0]
            yield _text(f"{line.colour} label", line.label, x, y - 10)
    for (y, line), shown in zip(ending, _spread([y for y, _ in ending]), strict=True):
        x = WIDTH - RIGHT + 16
        yield f'<path class="{line.colour} lead" d="M{end + 4:.1f} {y:.1f}L{x - 3} {shown:.1f}"/>'
        yield _text(f"{line.colour} label", line.label, x, shown + 4)


def _spread(places: list[float]) -> list[float]:
    """Move labels apart that would overlap: first from top to bottom, then back."""
    ground = float(HEIGHT - BOTTOM)
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + _LINE_HEIGHT) if spread else max(place, TOP))
    for index in reversed(range(len(spread))):
        spread[index] = min(spread[index], ground)
        ground = spread[index] - _LINE_HEIGHT
    return spread


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.draw", description="Draw the charts.")
    parser.add_argument("figures", type=Path, help="a file that `python -m benchmarks --json` wrote")
    path = parser.parse_args().figures
    figures = json.loads(path.read_text(encoding="utf-8"))
    for chart in CHARTS:
        target = path.with_name(f"{chart.name}.svg")
        target.write_text(draw(chart, figures), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
