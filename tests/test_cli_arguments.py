"""The arguments of the command: every help text, the codes, and usage errors."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from xmla_headers import RULES, Code, Rule
from xmla_headers.cli import _completion
from xmla_headers.cli._parser import SHELLS, make_parser

from .each import each
from .test_cli import WARNED, run

if TYPE_CHECKING:
    from collections.abc import Iterator


def parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser and those of its commands, each with its name."""
    yield parser.prog, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


PARSERS = dict(parsers(make_parser()))
COMMANDS = [name for name in PARSERS if " " in name]
ACTIONS = {
    f"{name} {'/'.join(action.option_strings) or action.metavar or action.dest}": (parser, action)
    for name, parser in PARSERS.items()
    for action in parser._actions
}
#: Commands that refuse messages.
REFUSING = {"xmla-headers", "xmla-headers check", "xmla-headers show"}


@each("name", ACTIONS)
def test_argument_has_help_with_its_default(name: str) -> None:
    parser, action = ACTIONS[name]
    if isinstance(action, argparse._SubParsersAction):
        assert all(command.help for command in action._choices_actions)
        return
    assert action.help
    if "--help" in action.option_strings or "--version" in action.option_strings:
        return
    text = parser._get_formatter()._expand_help(action)
    if action.required:
        assert not action.option_strings or "(required)" in text
    elif action.default in (None, False, []):
        assert re.search(r"\(default: \w[^)]*\)", text)
    else:
        assert f"(default: {action.default})" in text


@each("name", PARSERS)
def test_help_lists_exit_statuses(name: str) -> None:
    statuses = PARSERS[name].format_help().partition("\nexit status:\n")[2].split("\n\n")[0]
    numbers = [int(line.split()[0]) for line in statuses.splitlines()]
    assert numbers == [0, 1, 2, 130, 141] if name in REFUSING else [0, 2, 130, 141]


@each("columns", [80, 120])
@each("name", PARSERS)
def test_help_fits_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, name: str) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = PARSERS[name].format_help().splitlines()
    assert max(map(len, lines)) <= columns
    # Each command is on one line with its description.
    for command in COMMANDS if name == "xmla-headers" else ():
        assert any(re.match(rf" +{command.split()[1]} +[a-z]", line) for line in lines)


def test_command_alone_lists_commands_and_exits_2() -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err.startswith("usage: xmla-headers ")
    for name in COMMANDS:
        assert re.search(rf"^ +{name.split()[1]}\b", err, re.MULTILINE)


# -- codes ----------------------------------------------------------------------------------------------

CODES = "unqualified-must-understand,session-lost"


@each(
    ("options", "status"),
    [
        (["--refuse", "soap-1.2"], 0),
        (["--refuse", CODES], 1),
        (["--refuse", "soap-1.2, unqualified-must-understand"], 1),
        (["--refuse", "unqualified-must-understand", "--refuse", "soap-1.2"], 1),
        (["--refuse", "soap-1.2", "--refuse", CODES], 1),
        (["--strict", "--ignore", CODES], 0),
        (["--strict", "--ignore", "soap-1.2", "--ignore", CODES], 0),
        (["--strict", "--ignore", "soap-1.2,session-lost"], 1),
    ],
)
def test_check_takes_several_codes(options: list[str], status: int) -> None:
    assert run("check", *options, "-", stdin=WARNED.encode())[0] == status


@each(
    "arguments",
    [("check", "--refuse", "{}", "-"), ("check", "--ignore", "soap-1.2,{}", "-"), ("codes", "{}")],
)
@each(
    ("wrong", "near"),
    [
        ("sesion-lost", "session-lost"),
        ("SESSION_LOST", "session-lost"),
        ("soap-12", "soap-1.2"),
        ("lookalike", "lookalike-header-block"),
        ("xyzzy", None),
        ("", None),
        ("\x1b[31m", None),
    ],
)
def test_unknown_code_gets_the_nearest(
    capsys: pytest.CaptureFixture[str], wrong: str, near: str | None, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(*(argument.format(wrong) for argument in arguments))
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert f"unknown code {wrong!r}; " in message
    assert re.findall(r"did you mean (\S+)\?", message) == ([near] if near else [])
    assert "`xmla-headers codes` lists all codes" in message


def test_codes_lists_the_catalogue() -> None:
    status, out, err = run("codes")
    assert (status, err) == (0, "")
    assert [re.split("  +", line) for line in out.splitlines()] == [
        [rule.code, rule.severity, rule.meaning] for rule in RULES.values()
    ]


@each("columns", [60, 80, 120])
def test_codes_fit_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    for codes in ((), tuple(Code)):
        lines = run("codes", *codes, terminal=True)[1].splitlines()
        assert max(map(len, lines)) <= columns
        words = " ".join(" ".join(lines).split())
        for rule in RULES.values():
            assert rule.meaning in words
        # The names of the codes stand out: a continued line begins with blanks.
        beginnings = {re.split("[ :]", line)[0] for line in lines}
        assert beginnings - {"", "meaning", "what", "clause", "fault"} == set(RULES)


@each("code", Code)
def test_codes_explain_one(code: Code) -> None:
    rule = RULES[code]
    status, out, _ = run("codes", code)
    first, *rest = out.splitlines()
    assert first == f"{code}: {rule.severity}{', ends the message' if rule.fatal else ''}"
    assert rest == [
        f"meaning     {rule.meaning}",
        f"what to do  {rule.advice}",
        f"clause      {rule.reference}",
        f"fault code  {rule.fault_code}",
    ]
    assert status == 0


def test_codes_explain_several_in_their_order() -> None:
    out = run("codes", "soap-1.2", "not-xml", "soap-1.2")[1]
    assert [part.split(":")[0] for part in out.split("\n\n")] == ["soap-1.2", "not-xml"]


def test_codes_json_has_every_field() -> None:
    rules = json.loads(run("codes", "--format", "json")[1])
    assert [rule["code"] for rule in rules] == list(RULES)
    for rule in rules:
        catalogued = RULES[Code(rule["code"])]
        assert rule == {field.name: getattr(catalogued, field.name) for field in fields(Rule)}
    assert [rule["code"] for rule in json.loads(run("codes", "--format", "json", "soap-1.2")[1])] == [
        "soap-1.2"
    ]


# -- completion -----------------------------------------------------------------------------------------


@each("shell", SHELLS)
def test_completion_knows_commands_options_and_codes(shell: str) -> None:
    status, out, err = run("completion", shell)
    assert (status, err) == (0, "")
    for name in (*(command.split()[1] for command in COMMANDS), "skip-foreign", *Code):
        assert name in out


def test_completion_completes_paths() -> None:
    parser = make_parser()
    _completion.script(parser, "zsh")
    completed = {
        action.metavar: action.complete["zsh"]
        for action in _completion._actions(parser)
        if hasattr(action, "complete")
    }
    assert completed == {"CAPTURE": "_files", "FILE": "_files", "SCHEMA": "_files", "DIR": "_files -/"}


def test_completion_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "xmla_headers.cli._completion")
    monkeypatch.setitem(sys.modules, "shtab", None)
    status, out, err = run("completion", "bash")
    assert (status, out) == (2, "")
    assert err == "xmla-headers: completion: needs the extra: pip install 'xmla_headers[completion]'\n"
