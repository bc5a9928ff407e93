"""Which tests run by default: the quick ones. The summary counts the others and names their command."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tests.profiles  # noqa: F401 - loads the profile before the modules with the tests are imported
from xmla_headers.head_cache import SHARED_HEADS

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

TESTS = Path(__file__).resolve().parent

#: Tests that are collected only on demand: folder and marker -> the line in the summary.
ON_DEMAND = {
    "interop": "the real peers of tests/interop (pip install '.[interop]', pytest tests/interop)",
    "browser": "the real browser of tests/browser (Chromium, pytest tests/browser)",
}
SLOW = "{} slow tests, and nine in ten examples (pytest -m 'slow or hypothesis' --hypothesis-profile=full)"
#: The lines of the summary. A dict keeps their order and drops the duplicates of the workers.
_LEFT_OUT = pytest.StashKey[dict[str, None]]()


def _asked_for(folder: str, config: pytest.Config) -> bool:
    if config.option.markexpr == folder:
        return True
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path == TESTS / folder or TESTS / folder in path.parents for path in named)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEFT_OUT] = {}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    folder = collection_path.name
    if collection_path != TESTS / folder or folder not in ON_DEMAND or _asked_for(folder, config):
        return None
    config.stash[_LEFT_OUT][ON_DEMAND[folder]] = None
    return True


def pytest_itemcollected(item: pytest.Item) -> None:
    folder = item.path.parent.name
    if folder in ON_DEMAND and item.path.parent.parent == TESTS:
        item.add_marker(folder)


def pytest_runtest_setup() -> None:
    # A test must not depend on the heads that the tests before it have left in the memory.
    SHARED_HEADS.clear()


@pytest.hookimpl(trylast=True)  # after -k has deselected its tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr:
        for item in items:
            is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
            # The quick run has measured the others, and to measure more examples takes half as long again.
            if is_drawn and not item.get_closest_marker("slow"):
                item.add_marker("no_cover")
        return
    if any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.stash[_LEFT_OUT][SLOW.format(len(slow))] = None
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    for what in config.stash[_LEFT_OUT]:
        terminalreporter.write_line(f"left out: {what}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = [*session.config.stash[_LEFT_OUT]]


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, whose workers collect
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_LEFT_OUT].update(dict.fromkeys(node.workeroutput["left_out"]))


def pytest_collection_finish() -> None:
    """Exclude the tests from garbage collection, because there are thousands and they live until the end."""
    gc.freeze()
