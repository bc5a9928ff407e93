"""The command on terminals: widths, colours, and the marks of refused lines."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xmla_headers import _printable, cli
from xmla_headers.cli import _console

from .capture_files import BEGIN, Exchange, har, lost, message, session
from .each import each
from .test_cli import REFUSED, SOAP, WARNED, Terminal, run

if TYPE_CHECKING:
    from pathlib import Path

COLOUR_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM", "COLUMNS")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Remove the variables about terminals."""
    for name in COLOUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def columns_of(text: str) -> int:
    """Return the columns of a text, counted for the characters of these tests alone."""
    return sum({"漢": 2, "🔑": 2, "\u0301": 0, "\ufe0f": 0}.get(character, 1) for character in text)


# -- columns --------------------------------------------------------------------------------------------

TEXTS = st.text("ab 漢🔑\u0301\ufe0f")


@each(
    ("text", "expected"),
    [
        ("", 0),
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("\u2764\ufe0f", 1),
        ("a\u20dd", 1),
        ("🔑", 2),
        ("é", 1),
    ],
)
def test_columns_of_counts_wide_and_combining(text: str, expected: int) -> None:
    assert _printable.columns_of(text) == expected


@given(TEXTS, st.integers(0, 12))
def test_first_and_last_columns_are_the_longest_that_fit(text: str, most: int) -> None:
    first, last = _printable.first_columns(text, most), _printable.last_columns(text, most)
    assert text.startswith(first)
    assert text.endswith(last)
    for kept, longer in (
        (first, text[: len(first) + 1]),
        (last, text[-len(last) - 1 :]),
    ):
        assert columns_of(kept) <= most
        assert kept == text or columns_of(longer) > most


@example(pieces=[("漢漢漢", "")] * 2, width=8, whole=True)
@given(pieces=st.lists(st.tuples(TEXTS, st.just(""))), width=st.integers(6, 20), whole=st.booleans())
def test_wrapped_keeps_the_text_and_the_width(
    pieces: list[tuple[str, str]], width: int, *, whole: bool
) -> None:
    lines = ["".join(text for text, _ in line) for line in _printable.wrapped(pieces, width, 4, whole=whole)]
    assert all(columns_of(line) <= width for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])
    assert "".join(lines).replace(" ", "") == "".join(text for text, _ in pieces).replace(" ", "")


# -- excerpts -------------------------------------------------------------------------------------------

BESIDE = {
    "nothing": "",
    "ascii": "<a/>" * 60,
    "wide": "漢漢漢 " * 60,
    "emoji": "<a/>🔑 " * 40,
    "combining": "e\u0301 \u2764\ufe0f " * 60,
    "tabs": "\t" * 120,
    "escaped": "\u202e " * 60,
    "lines": "<a/>\n\n<b/>",
}


@pytest.mark.slow
@each("name", ["check", "show"])
@each("columns", [24, 60, 80, 120])
@each("after", BESIDE)
@each("before", BESIDE)
def test_excerpt_fits_terminal_with_caret_in_place(
    environment: pytest.MonkeyPatch, before: str, after: str, columns: int, name: str
) -> None:
    environment.setenv("NO_COLOR", "1")
    environment.setenv("COLUMNS", str(columns))
    text = f"<soap:Envelope {SOAP}><soap:Body>{BESIDE[before]}</b>{BESIDE[after]}</soap:Body></soap:Envelope>"
    lines = run(name, "-", stdin=text.encode(), terminal=True)[1].splitlines()
    (below,) = (number for number, line in enumerate(lines) if line.strip() == "^")
    source, caret = lines[below - 1 : below + 1]
    assert columns_of(source) <= columns
    (at,) = (at for at in range(len(source)) if source[at:].startswith("b>"))
    assert columns_of(source[:at]) == caret.index("^")
    # A line that is cut says so, and fills the terminal.
    for side, text in (("…" in source[:at], before), ("…" in source[at:], after)):
        assert side or text in ("nothing", "lines")
    if before == after == "ascii":
        assert columns_of(source) == min(columns, 105)


@each("columns", [48, 80, 120])
def test_check_lines_are_wrapped_on_terminal_only(
    tmp_path: Path, environment: pytest.MonkeyPatch, columns: int
) -> None:
    environment.setenv("NO_COLOR", "1")
    environment.setenv("COLUMNS", str(columns))
    path = tmp_path / f"a{columns}.har"
    path.write_bytes(har([Exchange(message(session("ID-123456")), lost("ID-123456"), 500)]))
    shown = run("check", path, terminal=True)[1].splitlines()
    plain = run("check", path)[1].splitlines()
    assert max(map(len, shown)) <= columns < max(map(len, plain))
    # A continued line is indented, and no word is lost.
    assert "".join(shown).replace(" ", "") == "".join(plain).replace(" ", "")
    for line in shown:
        assert line.startswith(
            (str(path)[: columns - 4], "session 1", "1 of 1", "fault", "2 messages", "    ")
        )


def test_check_documents_are_not_wrapped(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("COLUMNS", "48")
    for form in ("json", "github"):
        arguments = ("check", "--format", form, "-")
        shown = run(*arguments, stdin=REFUSED.encode(), terminal=True)[1].splitlines()
        assert shown[:-1] == run(*arguments, stdin=REFUSED.encode())[1].splitlines()[:-1]


# -- refused lines --------------------------------------------------------------------------------------

GRANTED = Exchange(message(BEGIN), message(session("ID-123456")))
USED = message(session("ID-123456"))
CAPTURES = {
    "warned": WARNED.encode(),
    "refused": REFUSED.encode(),
    "lost": har([GRANTED, Exchange(USED, lost("ID-123456"), 500)]),
    "unanswered": har([GRANTED, Exchange(USED, None)]),
}


@each(
    ("options", "capture", "expected"),
    [
        ([], "warned", "warning[unqualified-must-understand]"),
        (["--strict"], "warned", "warning[unqualified-must-understand] (refused)"),
        (
            ["--refuse", "unqualified-must-understand"],
            "warned",
            "warning[unqualified-must-understand] (refused)",
        ),
        (["--refuse", "session-lost"], "warned", "warning[unqualified-must-understand]"),
        (["--strict"], "refused", "error[missing-attribute]"),
        # Findings about a session, and at the end of the captures.
        ([], "lost", "warning[session-lost]"),
        (["--strict"], "lost", "warning[session-lost] (refused)"),
        (["--refuse", "session-lost"], "lost", "warning[session-lost] (refused)"),
        ([], "unanswered", "warning[request-without-response]"),
        (["--strict"], "unanswered", "warning[request-without-response] (refused)"),
    ],
)
def test_check_refused_warning_is_marked(options: list[str], capture: str, expected: str) -> None:
    status, out, _ = run("check", *options, "-", stdin=CAPTURES[capture])
    line = next(line for line in out.splitlines() if "[" in line)
    assert line.startswith("-")
    assert f": {expected}: " in line
    assert status == ("(refused)" in expected or "error" in expected)


def test_check_refused_warning_has_colour_of_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("COLUMNS", "200")
    for options, style in (([], "1;33"), (["--strict"], "1;31")):
        out = run("check", "--color", "always", *options, "-", stdin=WARNED.encode())[1]
        assert f"\x1b[{style}mwarning[unqualified-must-understand]" in out


def test_check_ignored_session_finding_repeats_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    answer = lost("ID-123456").replace(b"<s:Envelope ", b"<s:Envelope a='' ", 1)
    path.write_bytes(har([GRANTED, Exchange(USED, answer, 500)]))
    out = run("check", "--ignore", "session-lost", path)[1]
    assert out.count("warning[unqualified-envelope-attribute]") == 1


# -- colours --------------------------------------------------------------------------------------------


@each(
    ("choice", "variables", "terminal", "coloured"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("always", {"TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
@each("arguments", [("check", "-"), ("show", "-"), ("codes",)])
def test_command_colours_by_option_then_environment(
    environment: pytest.MonkeyPatch,
    choice: str,
    variables: dict[str, str],
    arguments: tuple[str, ...],
    *,
    terminal: bool,
    coloured: bool,
) -> None:
    with environment.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        out = run(*arguments, "--color", choice, stdin=REFUSED.encode(), terminal=terminal)[1]
    assert ("\x1b[1;31merror" in out) == ("\x1b" in out) == coloured


def test_command_without_rich_prints_no_colour(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setitem(sys.modules, "rich.console", None)
    environment.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in run("check", "-", stdin=REFUSED.encode(), terminal=True)[1]
    with pytest.raises(SystemExit) as stop:
        run("check", "--color", "always", "-")
    assert stop.value.code == 2
    assert "pip install 'xmla_headers[cli]'" in capsys.readouterr().err


def test_progress_bar_needs_a_terminal_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(_console, "_LONG", -1.0)
    streams = cli.Streams(io.BytesIO(), io.StringIO(), io.StringIO())
    printer = _console.Printer(streams.stdout, "always")
    bar = _console.ProgressBar(printer, streams, 10, "always")
    bar.advance(5)
    bar.stop()
    assert streams.stdout.getvalue() == streams.stderr.getvalue() == ""  # type: ignore[attr-defined]
    error = Terminal()
    bar = _console.ProgressBar(printer, streams._replace(stderr=error), 10, "always")
    bar.advance(5)
    bar.stop()
    assert "messages" in error.getvalue()
