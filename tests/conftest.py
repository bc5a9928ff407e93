"""Real peers and a real browser are met when somebody asks: `pytest tests/interop`, `pytest -m browser`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

#: For a second look at the same tests, on another interpreter.
settings.register_profile("short", max_examples=25)

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

TESTS = Path(__file__).resolve().parent

#: What is collected on demand: folder and marker, and what is said where nobody asks.
ON_DEMAND = {
    "interop": "the real peers of tests/interop (pip install '.[interop]', pytest tests/interop)",
    "browser": "the real browser of tests/browser (Chromium, pytest tests/browser)",
}
_LEFT_OUT = pytest.StashKey[set[str]]()


def _asked_for(folder: str, config: pytest.Config) -> bool:
    if config.option.markexpr == folder:
        return True
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path == TESTS / folder or TESTS / folder in path.parents for path in named)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    folder = collection_path.name
    if collection_path != TESTS / folder or folder not in ON_DEMAND or _asked_for(folder, config):
        return None
    config.stash.setdefault(_LEFT_OUT, set()).add(folder)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder in ON_DEMAND:
            if TESTS / folder in item.path.parents:
                item.add_marker(folder)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    for folder, what in ON_DEMAND.items():
        if folder in config.stash.get(_LEFT_OUT, set()):
            terminalreporter.write_line(f"not asked for: {what}")
