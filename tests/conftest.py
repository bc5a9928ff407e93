"""Real peers are met when somebody asks for it: `pytest tests/interop` or `pytest -m interop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

INTEROP = Path(__file__).resolve().parent / "interop"
_LEFT_OUT = pytest.StashKey[bool]()


def _asked_for(config: pytest.Config) -> bool:
    if config.option.markexpr == "interop":
        return True
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path == INTEROP or INTEROP in path.parents for path in named)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path != INTEROP or _asked_for(config):
        return None
    config.stash[_LEFT_OUT] = True
    return True


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(_LEFT_OUT, False):
        terminalreporter.write_line(
            "not asked for: the real peers of tests/interop (pip install '.[interop]', pytest tests/interop)"
        )
