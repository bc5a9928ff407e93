"""Knows the completion of the command's arguments in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab  # the extra `completion`

from xmla_headers.findings import RULES

__all__ = ["script"]

# A metavar -> the completion of its values.
_PATHS = {
    "CAPTURE": shtab.FILE,
    "FILE": shtab.FILE,
    "SCHEMA": shtab.FILE,
    "DIR": shtab.DIRECTORY,
}


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the completion script of a command for a shell."""
    # argparse knows neither the paths nor the codes.
    for action in _actions(parser):
        if action.metavar in _PATHS:
            action.complete = _PATHS[action.metavar]  # type: ignore[attr-defined]
        elif isinstance(action.metavar, str) and action.metavar.startswith("CODE"):
            action.choices = list(RULES)
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
