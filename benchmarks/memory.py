"""How much memory does it take to read a long message, in addition to the message?"""

from __future__ import annotations

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers import HeaderReader, decode, decode_header, iter_findings

from . import _messages, floors, peers
from ._measure import Table, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

ROOT = Path(__file__).resolve().parents[1]


def _in_pieces(data: bytes) -> object:
    reader = HeaderReader()
    view = memoryview(data)
    for start in range(0, len(data), 1 << 16):
        reader.feed(bytes(view[start : start + (1 << 16)]))
    return reader.close()


def _read(name: str, data: bytes) -> object:
    peer = peers.peer(name)
    if isinstance(peer, str):
        raise TypeError(peer)
    if peer.no_answers:
        raise TypeError(peer.no_answers)
    return peer.read(data)


JOBS: dict[str, Callable[[bytes], object]] = {
    "pyexpat": floors.bare,
    "pyexpat with namespaces": floors.bare_with_namespaces,
    "copy": floors.copy,
    "decode": decode,
    "decode, deep": lambda data: decode(data, deep=True),
    "decode_header": decode_header,
    "HeaderReader, chunks of 64 KiB": _in_pieces,
    "iter_findings, not deep": lambda data: list(iter_findings(data, deep=False)),
    "iter_findings of a memoryview": lambda data: list(iter_findings(memoryview(data), deep=False)),
    **{name: partial(_read, name) for name in peers.NAMES},
}
# Slow jobs that the charts do not show.
_LARGEST_ONLY = {"decode, deep"}


def run(*, quick: bool) -> Iterator[Table]:
    sizes = (1_000_000,) if quick else (100_000, 1_000_000, 10_000_000, 100_000_000)
    notes = ["MB; the peak of a process of its own, minus its peak after it had made the message"]
    rows: list[tuple[Cell, ...]] = []
    lines: dict[str, list[tuple[float, float]]] = {}
    for job in JOBS:
        if quick and job in _LARGEST_ONLY:
            continue
        taken: list[float | None] = []
        for size in sizes:
            if job in _LARGEST_ONLY and size != sizes[-1]:
                taken.append(None)
                continue
            extra, reason = measured(job, size)
            taken.append(extra)
            if reason is not None:
                taken += [None] * (len(sizes) - len(taken))
                notes.append(reason)
                break
        rows.append((job, *taken))
        if job not in _LARGEST_ONLY:
            points = zip(sizes, taken, strict=True)
            lines[job] = [(size, extra) for size, extra in points if extra is not None]
    columns = ("job", *map(size_name, sizes))
    yield Table(
        "memory in addition to a message",
        columns,
        rows,
        notes,
        {job: line for job, line in lines.items() if line},
    )


def measured(job: str, size: int) -> tuple[float | None, str | None]:
    """Return the MB that a job takes in addition to the message, or the reason why it cannot run."""
    command = (sys.executable, "-W", "ignore", "-m", "benchmarks.memory", job, str(size))
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode:
        error = child.stderr.strip().rpartition("\n")[2].removeprefix("TypeError: ")
        return None, error if error.startswith(f"{job}") else f"{job}: {error}"
    return int(child.stdout) / 1e6, None


def _peak() -> int:
    """Return the highest memory use of this process so far, in bytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    # On Linux, ru_maxrss begins at the peak of the parent, which would hide smaller peaks.
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _child(job: str, size: int) -> int:
    chance = _messages.seeded()
    read = JOBS[job]
    # Read a small message first, because some objects are made on first use.
    read(_messages.answer(9_000, chance))
    message = _messages.answer(size, chance)
    before = _peak()
    kept = read(message)
    after = _peak()
    del kept
    return after - before


if __name__ == "__main__":
    print(_child(sys.argv[1], int(sys.argv[2])))
