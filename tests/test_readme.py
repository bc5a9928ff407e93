"""The README: its examples run, its tables match the code, and its commands work."""

from __future__ import annotations

import doctest
import io
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import xmla_headers
from xmla_headers import RULES, TRANSITIONS, State, cli

from .capture_files import BEGIN, Exchange, har, lost, message, session

if TYPE_CHECKING:
    from typing import Any

    import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    start, end = README.index(f"<!-- {name}"), README.index(f"<!-- /{name} -->")
    return README[README.index("\n", start) + 1 : end]


def code_table() -> str:
    rows = [
        f"| `{rule.code}` | {rule.severity} | {rule.meaning} | {rule.reference} | {rule.fault_code} |"
        for rule in RULES.values()
    ]
    return "\n".join(
        [
            "| code | severity | what it means | where it comes from | fault |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def state_diagram() -> str:
    """Return the table of conversations as a Mermaid diagram; steps without a change are in the states."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.NONE}"]
    for state, row in TRANSITIONS.items():
        events: dict[State, list[str]] = {}
        for event, after in row.items():
            events.setdefault(after, []).append(str(event))
        unmoved = events.pop(state, [])
        lines += [f"    {state} --> {after}: {', '.join(names)}" for after, names in events.items()]
        if unmoved:
            lines.append(f"    {state}: {state}<br/>({', '.join(unmoved)})")
    return "\n".join([*lines, "```", ""])


def test_readme_examples_run() -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    examples = doctest.DocTestParser().get_doctest(README.replace("```", ""), {}, "README.md", "README.md", 0)
    assert len(examples.examples) > 8
    assert runner.run(examples).failed == 0


def test_readme_table_of_codes_matches_the_rules() -> None:
    assert section("codes") == code_table(), f"replace it by:\n{code_table()}"


def test_readme_diagram_matches_the_table_of_states() -> None:
    assert section("states") == state_diagram(), f"replace it by:\n{state_diagram()}"


def test_readme_api_table_names_all_public_names() -> None:
    api = README[README.index("## The API") : README.index("The reading arguments")]
    named = set(re.findall(r"`(\w+)(?:\(|`)", api))
    assert set(xmla_headers.__all__) <= named
    assert named <= set(xmla_headers.__all__)


def test_readme_commands_have_lines_of_their_own() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    check, tests = commands
    assert shlex.split(check)[-3:] == [".venv/bin/xmla-headers", "check", "tests/data/captured"]
    assert shlex.split(tests)[-3:] == [".venv/bin/python", "-m", "pytest"]


def test_readme_console_example_matches_the_output() -> None:
    from xmla_headers.cli import _lines as _report

    shown = re.search(r"```console\n\$ ([^\n]+)\n(.+?)```", README, re.DOTALL)
    assert shown is not None
    path = shlex.split(shown[1])[-1]
    source = (
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">\n  <soap:Header>\n'
        b'    <Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionID="9F2C1B7E-3D54"/>\n'
        b"  </soap:Header>\n  <soap:Body/>\n</soap:Envelope>"
    )
    finding = next(xmla_headers.iter_findings(source))
    lines = [
        "".join(text for text, _ in line)
        for line in _report.text_lines(path, finding, _report.Excerpts(source))
    ]
    assert shown[2].splitlines()[:-1] == lines


def test_readme_capture_examples_match_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E"
    used = message(session(session_id))
    story = [(BEGIN, used), (session(session_id), message()), (session(session_id), lost(session_id))]

    def change(document: dict[str, Any]) -> None:
        document["log"]["entries"][2]["startedDateTime"] = "2026-11-20T10:36:30Z"

    exchanges = [Exchange(message(block), answer) for block, answer in story]
    (tmp_path / "capture.har").write_bytes(har(exchanges, change))
    monkeypatch.chdir(tmp_path)
    shown = re.findall(r"```console\n\$ xmla-headers (\w+ capture\.har)\n(.+?)```", README, re.DOTALL)
    assert [command.split()[0] for command, _ in shown] == ["check", "timeline"]
    for command, expected in shown:
        out = io.StringIO()
        assert cli.run(shlex.split(command), cli.Streams(io.BytesIO(), out, out)) == 0
        assert out.getvalue().startswith(expected)


def test_readme_links_have_targets() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
