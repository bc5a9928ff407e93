"""How much do iter_findings and validate cost, with `deep` and without it?"""

from __future__ import annotations

import pyexpat
from functools import partial
from typing import TYPE_CHECKING

from xmla_headers import iter_findings, validate

from . import _messages, peers
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = (
    "message",
    "µs with handler",
    "no handler",
    "iter_findings",
    "validate",
    "iter_findings, deep",
    "validate, deep",
)
NOTES = [
    "times bare pyexpat with one empty Python handler, for start tags",
    f"{', '.join(peers.NAMES)}: each reports only the first error",
]


def run(*, quick: bool) -> Iterator[Table]:
    chance = _messages.seeded()
    rounds = range(7 if quick else 25)
    rows: list[tuple[Cell, ...]] = []
    for message, loops in (
        (_messages.request(2_000, chance), 50 if quick else 200),
        (_messages.answer(1_000_000, chance), 1),
    ):
        times = interleave(_candidates(message), rounds, loops=loops)
        ratios = (times.ratio(name, "handler") for name in times.rounds if name != "handler")
        rows.append((size_name(len(message)), scaled(times.median("handler"), 1e6 / loops), *ratios))
    yield Table("iter_findings and validate", COLUMNS, rows, NOTES)


def _candidates(message: bytes) -> dict[str, Callable[[int], object]]:
    def all_findings(_: int, *, deep: bool) -> None:
        for _finding in iter_findings(message, deep=deep):
            pass

    def verdict(_: int, *, deep: bool) -> None:
        validate(message, deep=deep)

    def no_handler(_: int) -> None:
        pyexpat.ParserCreate().Parse(message, True)

    def handler(_: int) -> None:
        parser = pyexpat.ParserCreate()
        parser.StartElementHandler = lambda _name, _attributes: None
        parser.Parse(message, True)

    return {
        "handler": handler,
        "no handler": no_handler,
        "iter_findings": partial(all_findings, deep=False),
        "validate": partial(verdict, deep=False),
        "iter_findings, deep": partial(all_findings, deep=True),
        "validate, deep": partial(verdict, deep=True),
    }
