"""How much does with_blocks cost, compared with lxml on a small message plus a copy of the bytes?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from xmla_headers import Session, with_blocks

from . import _messages, floors, peers
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = ("message", "µs", "times lxml and a copy", "times a copy")
NOTES = ["lxml and a copy: lxml parses a message of 450 bytes, and this message is copied once"]


def run(*, quick: bool) -> Iterator[Table]:
    chance = _messages.seeded()
    small = _messages.request(450, chance)
    sizes = (2_000, 1_000_000) if quick else (2_000, 1_000_000, 100_000_000)
    there, notes = peers.installed()
    unable = ", ".join(there)
    notes.append(f"{unable}: none changes a Header and keeps all other bytes")
    rows: list[tuple[Cell, ...]] = []
    for size in sizes:
        make = _messages.answer if size > 2_000 else _messages.request
        message = make(size, chance)
        loops = max(1, min(200, 20_000_000 // size))
        candidates: dict[str, Callable[[Session], object]] = {
            "ours": partial(with_blocks, message),
            "copy": partial(_copy, message),
        }
        if "lxml" in there:
            candidates["lxml"] = partial(_parse_and_copy, there["lxml"].read, small, message)
        blocks = [Session(_messages.new_id(chance).decode()) for _ in range(7 if quick or loops == 1 else 31)]
        times = interleave(candidates, blocks, loops=loops)
        microseconds = scaled(times.median("ours"), 1e6 / loops)
        ratios = (times.ratio("ours", "lxml"), times.ratio("ours", "copy"))
        rows.append((size_name(size), microseconds, *ratios))
    yield Table("with_blocks", COLUMNS, rows, NOTES + notes)


def _copy(message: bytes, _: Session) -> None:
    floors.copy(message)


def _parse_and_copy(read: Callable[[bytes], object], small: bytes, message: bytes, _: Session) -> None:
    read(small)
    floors.copy(message)
