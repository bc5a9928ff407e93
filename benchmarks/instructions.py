"""How many instructions does a job take? They are the same in each run, where times are not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from xmla_headers import HeadCache, decode, decode_header, iter_findings, with_blocks
from xmla_headers.session_headers import Session

from . import _messages, floors, peers
from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("job", "thousand instructions", "times bare pyexpat")
# How often a job runs: its first run makes what later ones find.
TIMES = 100
_SUM = re.compile(r"Collected : (\d+)")


def _by_lxml(data: bytes) -> object:
    found = peers.peer("lxml")
    if isinstance(found, str):
        raise TypeError(found)
    return found.read(data)


# Job -> what it does, and the size of its messages; each message has an id of its own.
JOBS: dict[str, tuple[Callable[[bytes], object], Callable[..., bytes]]] = {
    "bare pyexpat, 450 B": (floors.bare, partial(_messages.request, 450)),
    "decode, 450 B": (partial(decode, cache=HeadCache()), partial(_messages.request, 450)),
    "decode, 450 B, no cache": (partial(decode, cache=None), partial(_messages.request, 450)),
    "lean lxml, 450 B": (_by_lxml, partial(_messages.request, 450)),
    "decode, 2 KB": (partial(decode, cache=HeadCache()), partial(_messages.request, 2_000)),
    "decode, a first request": (partial(decode, cache=HeadCache()), _messages.first_request),
    "decode_header, 450 B": (decode_header, partial(_messages.request, 450)),
    "iter_findings, 9 KB": (lambda data: list(iter_findings(data)), partial(_messages.answer, 9_000)),
    "with_blocks, 2 KB": (lambda data: with_blocks(data, Session("a")), partial(_messages.request, 2_000)),
}
_QUICK = ("bare pyexpat, 450 B", "decode, 450 B", "decode, 450 B, no cache", "lean lxml, 450 B")


def run(*, quick: bool) -> Iterator[Table]:
    rows: list[tuple[Cell, ...]] = []
    notes = [f"callgrind; {TIMES} messages, minus none"]
    if shutil.which("valgrind") is None:
        yield Table("instructions", COLUMNS, rows, ["valgrind is not installed: nothing was counted"])
        return
    nothing = _counted("", 0)
    base = None
    for name in _QUICK if quick else JOBS:
        count = _counted(name, TIMES)
        taken = None if count is None or nothing is None else (count - nothing) / TIMES / 1_000
        base = taken if base is None else base
        rows.append((name, taken, None if taken is None or base is None else taken / base))
    yield Table("instructions", COLUMNS, rows, notes)


def _counted(name: str, times: int) -> int | None:
    """Return the instructions of a process that does a job so many times."""
    with TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        command = ("valgrind", "--tool=callgrind", out, sys.executable, "-m", "benchmarks.instructions")
        done = subprocess.run(
            (*command, name, str(times)), cwd=ROOT, capture_output=True, text=True, check=False
        )
    found = _SUM.search(done.stderr)
    return None if done.returncode or found is None else int(found[1])


def _child(name: str, times: int) -> None:
    peers.peer("lxml")  # imported in every child, so that its instructions do not count
    chance = _messages.seeded()
    messages = (
        [_messages.request(450, chance)] if not name else [JOBS[name][1](chance=chance) for _ in range(TIMES)]
    )
    for message in messages[:times]:
        JOBS[name][0](message)


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
