"""A timeline as text: its content, and its width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import CAPTURES, IDS, Capture, many, some
from xmla_headers import Fault
from xmla_headers._printable import columns_of
from xmla_headers.cli._lines import STYLES
from xmla_headers.timeline._text import text_lines


def lines(capture: Capture, width: int = 80, title: str = "a.har", *, show_ids: bool = False) -> list[str]:
    found = text_lines(capture.timeline(), title=title, width=width, show_ids=show_ids)
    return ["".join(text for text, _ in line) for line in found]


def test_text_draws_the_sessions() -> None:
    shown = lines(some(), 100)
    assert shown[:2] == [
        "a.har: 33 messages, 3 sessions, 1 left open, 2 errors, 4 warnings",
        "2026-11-20 10:23:42 to 10:58:54 UTC, 35 min",
    ]
    start = next(index for index, line in enumerate(shown) if line.startswith("UTC"))
    assert shown[start : start + 9] == [
        "UTC               10:23:42 10:23:45   10:23:48    // 33 min        // 1 min 40 s  10:58:51",
        "1 '9F2C'…         E--D-----E=D=======-∅---------D---------- 35 min idle ----------✕ lost",
        "                                      ^                                           ^",
        "2 'B41D'…                       E--D------! not ended",
        "                                ^",
        "unassigned                              ∅                                               D",
        "                                        *                                               *",
        "3 'C0FF'…                                                        E- 1 min 41 s idle -D----",
        "implicit                D                    T",
    ]


def test_text_states_each_finding_once() -> None:
    shown = "\n".join(lines(some(), 200))
    assert (
        "  warning[session-lost]: the server does not know the session any more, 35 minutes after its last"
        " use - in the/loss/response\n"
        "    hint: begin a new session, and repeat the request\n"
    ) in shown
    capture = Capture()
    for _ in range(20):
        capture.page(IDS[0])
    assert "and 14 others" in "\n".join(lines(capture))
    assert len([line for line in lines(capture) if "request-without-response" in line]) == 1


def test_text_without_times_is_by_order() -> None:
    shown = lines(some().untimed())
    assert "no times in this capture: messages are drawn in their order" in shown
    assert not any("idle" in line and "--" in line for line in shown)


def test_text_of_empty_capture_says_so() -> None:
    assert lines(CAPTURES["none"]()) == ["a.har: 0 messages, 0 sessions", "this capture has no times", "", ""]


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("width", [10, 48, 80, 200])
def test_text_fits_the_terminal(name: str, width: int) -> None:
    for line in lines(CAPTURES[name](), width):
        assert columns_of(line) <= max(width, 48), line
        assert not line.endswith(" "), line


def test_text_names_messages_of_evidence_without_ids() -> None:
    capture = Capture()
    capture.begin(IDS[0], name=f"files/{IDS[0]}/0")
    capture.lose(IDS[0], name=f"files/{IDS[0]}/1")
    shown = lines(capture)
    assert any(line.strip().startswith("denied ") and line.endswith("in 1/response") for line in shown)
    assert IDS[0][5:] not in "".join(shown)


def test_text_of_many_lanes_draws_the_worst() -> None:
    capture = Capture()
    for number in range(35):
        capture.use(f"session-{number}")
        capture.lose(f"session-{number}")
    shown = lines(capture)
    assert sum("✕ lost" in line for line in shown) == 30
    assert sum(": older than the capture" in line for line in shown) == 35
    assert "5 more lanes not drawn: choose with --session" in shown


@pytest.mark.parametrize("width", [48, 80, 200])
def test_text_legend_keeps_signs_with_their_meanings(width: int) -> None:
    shown = lines(some(), width)
    start = next(index for index, line in enumerate(shown) if line.startswith("D = answered"))
    legend = [part for line in shown[start : shown.index("", start)] for part in line.strip().split("   ")]
    assert legend[0] == "D = answered (the first letter of the method)"
    assert all(
        sign in "?!✕∅*^" and meaning for sign, _, meaning in (part.partition(" ") for part in legend[1:])
    )
    assert legend[-2:] == ["* error", "^ warning"]


@given(st.integers(48, 120), st.text(), st.text("漢字a é\u0301\x1b\u202e ", min_size=1))
def test_text_with_any_names_fits_the_terminal(width: int, title: str, name: str) -> None:
    capture = Capture()
    capture.begin(name.replace("\x1b", "") * 9, name=name * 9)
    capture.lose(name.replace("\x1b", "") * 9, name=name * 8)
    timeline = capture.timeline()
    timeline.lanes[0].exchanges[0].marks[0].method = name
    for show_ids in (False, True):
        for line in text_lines(timeline, title=title, width=width, show_ids=show_ids):
            text = "".join(piece for piece, _ in line)
            assert columns_of(text) <= width
            assert text.isprintable()
            assert all(style in STYLES or not style for _, style in line)


def test_text_shows_ids_only_if_asked() -> None:
    capture = some()
    capture.fail(IDS[0], Fault(f"Client.{IDS[0]}", IDS[0]))
    capture.use(IDS[0], name=IDS[0])
    hidden, shown = "".join(lines(capture, title=IDS[0])), "".join(lines(capture, 300, show_ids=True))
    for session_id in IDS[:3]:
        assert session_id[5:] not in hidden
        assert session_id in shown


def test_text_draws_every_exchange_of_many() -> None:
    capture = many(300)
    timeline = capture.timeline()
    picture = [line for line in lines(capture) if line.startswith(("1 ", "2 ", "3 ", "4 ", "imp", "unass"))]
    marks = sum(character in "DE!?✕∅" for line in picture for character in line[18:])
    assert marks == sum(len(lane.exchanges) for lane in timeline.lanes)
