"""The charts of the documentation match the figures next to them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.draw import CHARTS, HEIGHT, WIDTH, Chart, draw

if TYPE_CHECKING:
    from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "charts"
SVG = "{http://www.w3.org/2000/svg}"

charts = pytest.mark.parametrize("chart", CHARTS, ids=[chart.name for chart in CHARTS])


@pytest.fixture(name="figures")
def _figures() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
    return figures


def _labels(root: ET.Element) -> list[ET.Element]:
    return [text for text in root.iter(f"{SVG}text") if "label" in text.get("class", "")]


@charts
def test_chart_matches_the_figures_next_to_it(chart: Chart, figures: dict[str, Any]) -> None:
    assert draw(chart, figures) == (FOLDER / f"{chart.name}.svg").read_text(encoding="utf-8")


@charts
def test_chart_draws_and_labels_each_line_with_figures(chart: Chart, figures: dict[str, Any]) -> None:
    def has_points(question: str, name: str) -> bool:
        return any(table["lines"].get(name) for table in figures["answers"][question]["tables"])

    root = ET.fromstring(draw(chart, figures))
    expected = [line.label for line in chart.lines if has_points(line.question, line.name)]
    assert len(expected) >= len(chart.lines) - 1
    assert sorted(text.text or "" for text in _labels(root)) == sorted(expected)
    paths = [path for path in root.iter(f"{SVG}path") if "line" in path.get("class", "").split()]
    assert len(paths) == len(expected)


@charts
def test_chart_labels_are_inside_and_do_not_overlap(chart: Chart, figures: dict[str, Any]) -> None:
    root = ET.fromstring(draw(chart, figures))
    for path in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"([\d.-]+) ([\d.-]+)", path.get("d", "")):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT
    places = [(float(text.get("x", "")), float(text.get("y", ""))) for text in _labels(root)]
    for text in _labels(root):
        # 8 pixels are more than the average width of a letter in this font.
        assert float(text.get("x", "")) + 8 * len(text.text or "") <= WIDTH
    for index, (x, y) in enumerate(places):
        assert all(x != other_x or abs(y - other_y) >= 16 for other_x, other_y in places[:index])


@charts
def test_chart_omits_lines_without_figures(chart: Chart, figures: dict[str, Any]) -> None:
    for name in ("spyne", "zeep"):
        for answer in figures["answers"].values():
            for table in answer["tables"]:
                table["lines"].pop(name, None)
    labels = {text.text for text in _labels(ET.fromstring(draw(chart, figures)))}
    assert labels
    assert not labels & {"spyne", "zeep"}
