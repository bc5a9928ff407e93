"""The rooms of the package: a module imports from its own floor and lower ones, and never in a circle."""

from __future__ import annotations

import ast
import graphlib
from typing import TYPE_CHECKING

import pytest

from tests.test_promises import _SOURCES as SOURCES
from tests.test_promises import _running as running
from tests.test_promises import _tree as tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The floors, lowest first. A name is a folder or a module at the top of the package.
FLOORS = (
    ("_immutable", "_printable", "findings", "soap"),
    ("_xml",),
    (
        # The values.
        *("_checks", "_patterns", "simple_types", "typing", "model", "session_headers", "microsoft_headers"),
        *("unknown_block", "fragment", "fault", "envelope"),
    ),
    ("_codec",),
    ("head_cache", "codec", "stream", "http", "conversation"),
    # The public names.
    ("__init__",),
    ("captures", "elements", "schema", "fuzzing", "strategies", "_hypothesis"),
    ("transcript",),
    ("timeline",),
    ("cli", "__main__"),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: Edges that import no other edge, except that the strategies use fuzzing.
APART = {"elements": set[str](), "schema": set[str](), "fuzzing": set[str](), "strategies": {"fuzzing"}}
EDGES = {room for rooms in FLOORS[FLOOR_OF["__init__"] + 1 : -1] for room in rooms}


def imported(name: str, node: ast.AST) -> set[str]:
    """Return the modules of the package that a statement imports, in the form of SOURCES."""
    if isinstance(node, ast.Import):
        return {_module(alias.name) for alias in node.names if alias.name.partition(".")[0] == "xmla_headers"}
    if not isinstance(node, ast.ImportFrom):
        return set()
    parts = (node.module or "").split(".") if node.module else []
    if node.level:
        parts = ["xmla_headers", *name.split(".")[: -node.level], *parts]
    if not parts or parts[0] != "xmla_headers":
        return set()
    base = ".".join(parts)
    found = {alias.name: _module(f"{base}.{alias.name}") for alias in node.names}
    return {module if module in SOURCES else _module(base) for module in found.values()}


def _module(dotted: str) -> str:
    name = dotted.removeprefix("xmla_headers").lstrip(".")
    return name if name in SOURCES else f"{name}.__init__".lstrip(".")


def graph(sources: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return the imports of each module at run time, in functions too, without those for type checkers."""
    return {
        name: {found for node in running(module) for found in imported(name, node)} - {name}
        for name, module in sources.items()
    }


def upward(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the imports from a higher floor, and those between independent edges."""
    found = []
    for name, names in arrows.items():
        room = name.partition(".")[0]
        for other in sorted(names):
            there = other.partition(".")[0]
            apart = room != there and there in EDGES and there not in APART.get(room, EDGES)
            if FLOOR_OF[there] > FLOOR_OF[room] or apart:
                found.append(f"{name} imports {other}")
    return found


GRAPH = graph({name: tree(path) for name, path in SOURCES.items()})


def test_rooms_all_have_a_floor() -> None:
    unknown = {name.partition(".")[0] for name in SOURCES} - set(FLOOR_OF)
    assert not unknown, "add them to FLOORS"


def test_imports_never_run_up() -> None:
    assert upward(GRAPH) == []


def test_imports_have_no_circle() -> None:
    # Raises CycleError, which names the modules.
    order = list(graphlib.TopologicalSorter(GRAPH).static_order())
    assert set(order) == set(SOURCES)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("codec", "from . import findings", {"findings"}),
        ("codec", "from ._xml.reader import read", {"_xml.reader"}),
        ("codec", "def call():\n    from .captures import redact", {"captures.__init__"}),
        ("_codec.rules", "from ..findings import Code", {"findings"}),
        ("fault.__init__", "from ._reader import read", {"fault._reader"}),
        ("cli.__init__", "import xmla_headers.schema", {"schema.__init__"}),
        ("cli.__init__", "from xmla_headers import decode", {"__init__"}),
        ("codec", "import typing\nfrom typing import Any", set()),
        ("codec", "from .typing import Data", {"typing"}),
        ("codec", "if TYPE_CHECKING:\n    from .schema import SchemaValidator", set()),
    ],
)
def test_graph_of_one_import_has_its_edge(name: str, text: str, expected: set[str]) -> None:
    assert graph({name: ast.parse(text)}) == {name: expected}


@pytest.mark.parametrize(
    ("name", "other", "allowed"),
    [
        ("_xml.reader", "findings", True),
        ("_xml.reader", "_xml.raw", True),
        ("_xml.reader", "model", False),
        ("model", "_xml.parser", True),
        ("envelope", "_codec.rules", False),
        ("codec", "captures.__init__", False),
        ("codec", "__init__", False),
        ("transcript.__init__", "captures.__init__", True),
        ("captures._checked", "transcript.__init__", False),
        ("timeline._model", "transcript.__init__", True),
        ("schema._specs", "captures.__init__", False),
        ("elements.__init__", "schema.__init__", False),
        ("strategies", "fuzzing.__init__", True),
        ("cli._check", "timeline.__init__", True),
        ("timeline.__init__", "cli._lines", False),
    ],
)
def test_upward_edge_is_found(name: str, other: str, *, allowed: bool) -> None:
    assert (not upward({name: {other}})) == allowed
