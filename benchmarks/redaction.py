"""How fast is `redact`, and how much memory does it take?"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from . import _messages
from ._measure import Table
from .captures import EXCHANGES, exchanges, har, spent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from ._measure import Cell

# Rows in an answer.
_ROWS = (5, 40, 100, 300)


def run(*, quick: bool) -> Iterator[Table]:
    size, rounds = (5_000_000, 1) if quick else (50_000_000, 3)
    chance = _messages.seeded()
    rows: list[tuple[Cell, ...]] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        single = har(folder / "one.har", list(exchanges(chance, 1)))
        kinds = {
            "messages of 2 KB": list(exchanges(chance, size // 4_600)),
            "rowsets": _rowsets(chance, size),
        }
        for kind, pairs in kinds.items():
            path = har(folder / "many.har", pairs)
            megabytes = path.stat().st_size / 1e6
            for verified in (False, True):
                option = () if verified else ("--no-verify",)
                command = ("redact", "--output", str(folder / "redacted.har"), *option)
                # The time to start is that of a HAR of one message.
                idle = median(spent(single, command=command).cpu for _ in range(rounds))
                taken = [spent(path, command=command) for _ in range(rounds)]
                speed = megabytes / (median(each.cpu for each in taken) - idle)
                verb = "yes" if verified else "no"
                rows.append((kind, megabytes, verb, speed, max(each.peak for each in taken)))
    columns = ("HAR with", "MB", "compared", "MB/s and core", "peak MB")
    notes = ["compared: the redacted capture is read again, and must tell the same as the original"]
    yield Table("redact", columns, rows, notes)


def _rowsets(chance: Random, size: int) -> list[tuple[bytes, bytes]]:
    pairs: list[tuple[bytes, bytes]] = []
    while size > 0:
        if len(pairs) % EXCHANGES == 0:
            session_id = _messages.new_id(chance)
        request = _messages.request(2_000, chance, session_id)
        answer = _messages.rowset(chance.choice(_ROWS), chance, session_id)
        pairs.append((request, answer))
        size -= len(request) + len(answer) + 1_000
    return pairs
