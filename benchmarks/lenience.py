"""Which messages of the fuzz kit do the peers read wrongly?"""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from xmla_headers import RULES, SESSION_BLOCKS, HeaderBlock, decode, fuzzing
from xmla_headers.fuzzing import DisagreementKind

from . import peers
from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.fuzzing import Case

    from ._measure import Cell

COLUMNS = ("reader", "accepted, but broken", "refused, but right", "other blocks", "codes it never sees")
NOTES = [
    "messages of the first pass of fuzzing.iter_cases; decode with `deep`",
    "xsdata, zeep and spyne refuse a Body whose operation they do not know, which most of them have",
    "codes it never sees: of the codes that refuse a message, those whose messages it accepts",
]


def run(*, quick: bool) -> Iterator[Table]:  # noqa: ARG001 - the messages are always the same
    # After the first pass, the names begin with mixed/.
    cases = list(takewhile(lambda case: not case.name.startswith("mixed/"), fuzzing.iter_cases()))
    there, missing = peers.installed()
    readers: dict[str, Callable[[bytes], list[tuple[str, str | None]]]] = {"decode": _decoded}
    readers |= {name: partial(_read, peer.read) for name, peer in there.items()}
    rows = [_row(name, read, cases) for name, read in readers.items()]
    yield Table("what the peers accept", COLUMNS, rows, [f"{len(cases)} {NOTES[0]}", *NOTES[1:], *missing])


def _decoded(data: bytes) -> list[tuple[str, str | None]]:
    blocks = (block for block in decode(data, deep=True).header if isinstance(block, HeaderBlock))
    return [(block.spec.local_name, getattr(block, "session_id", None)) for block in blocks]


def _read(read: Callable[[bytes], peers.Message], data: bytes) -> list[tuple[str, str | None]]:
    blocks = read(data).blocks
    return [
        (SESSION_BLOCKS[block.name].spec.local_name, block.session_id)
        for block in blocks
        if block.name in SESSION_BLOCKS
    ]


def _row(
    name: str, read: Callable[[bytes], list[tuple[str, str | None]]], cases: list[Case]
) -> tuple[Cell, ...]:
    counts = dict.fromkeys(DisagreementKind, 0)
    unseen = []
    for found in fuzzing.compare(read, cases, timeout=60):
        counts[found.kind] += len(found.cases)
        if found.kind is DisagreementKind.ACCEPTED_BROKEN and found.rule in RULES:
            unseen.append(found.rule)
    broken, right, blocks = (
        float(counts[kind])
        for kind in (
            DisagreementKind.ACCEPTED_BROKEN,
            DisagreementKind.REFUSED_VALID,
            DisagreementKind.DIFFERENT_BLOCKS,
        )
    )
    return name, broken, right, blocks, float(len(unseen))
