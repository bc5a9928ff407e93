"""Which tests run by default: the quick ones. The summary counts the others and says how to run them."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tests.profiles  # noqa: F401 - loads the profile before the modules with the tests are imported

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

TESTS = Path(__file__).resolve().parent

#: What is collected on demand: folder and marker, and what is said where nobody asks.
ON_DEMAND = {
    "interop": "the real peers of tests/interop (pip install '.[interop]', pytest tests/interop)",
    "browser": "the real browser of tests/browser (Chromium, pytest tests/browser)",
}
_LEFT_OUT = pytest.StashKey[set[str]]()
_SLOW = pytest.StashKey[int]()


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


def pytest_itemcollected(item: pytest.Item) -> None:
    folder = item.path.parent.name
    if folder in ON_DEMAND and item.path.parent.parent == TESTS:
        item.add_marker(folder)


@pytest.hookimpl(trylast=True)  # after -k, which takes its part first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.stash[_SLOW] = len(slow)
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    if slow := config.stash.get(_SLOW, 0):
        terminalreporter.write_line(f"left out: {slow} slow tests (pytest -m slow)")
    for folder, what in ON_DEMAND.items():
        if folder in config.stash.get(_LEFT_OUT, set()):
            terminalreporter.write_line(f"left out: {what}")


def pytest_collection_finish() -> None:
    """Spare the garbage collector the thousands of tests, which live until the end."""
    gc.freeze()
