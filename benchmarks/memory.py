"""How much memory does reading a long message take, beside the message itself?"""

from __future__ import annotations

import pyexpat
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers import decode, decode_header, iter_findings

from . import _messages
from ._measure import Table, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = ("job", "extra MB", "at most")
ROOT = Path(__file__).resolve().parents[1]


def _lxml(data: bytes) -> object:
    from .lxml_peer import read

    return read(data)


JOBS: dict[str, tuple[Callable[[bytes], object], float | None]] = {
    "a copy of the bytes": (bytearray, None),
    "pyexpat": (lambda data: pyexpat.ParserCreate().Parse(data, True), None),
    "decode": (decode, 2),
    "decode, deep": (lambda data: decode(data, deep=True), None),
    "decode_header": (decode_header, None),
    "iter_findings, not deep": (lambda data: list(iter_findings(data, deep=False)), None),
    "iter_findings of a memoryview": (lambda data: list(iter_findings(memoryview(data), deep=False)), None),
    "lxml": (_lxml, None),
}


def run(*, quick: bool) -> Iterator[Table]:
    size = 10_000_000 if quick else 100_000_000
    notes = ["the peak of a process of its own, above its peak once it had made the message"]
    rows: list[tuple[Cell, ...]] = []
    for job, (_, at_most) in JOBS.items():
        if quick and "deep" in job:
            continue
        extra, reason = _measured(job, size)
        rows.append((job, extra, at_most))
        if reason:
            notes.append(reason)
    yield Table(f"memory beside a message of {size_name(size)}", COLUMNS, rows, notes)


def _measured(job: str, size: int) -> tuple[float | None, str | None]:
    command = (sys.executable, "-m", "benchmarks.memory", job, str(size))
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode:
        error = child.stderr.strip().rpartition("\n")[2]
        return None, f"{job}: {error}"
    return int(child.stdout) / 1e6, None


def _peak() -> int:
    """Return the highest memory use of this process so far, in bytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    # Linux lets ru_maxrss begin at the peak of the parent, which would hide all below that.
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _child(job: str, size: int) -> int:
    chance = _messages.seeded()
    read = JOBS[job][0]
    # Once with little, for what is made on first use.
    read(_messages.answer(9_000, chance))
    message = _messages.answer(size, chance)
    before = _peak()
    kept = read(message)
    after = _peak()
    del kept
    return after - before


if __name__ == "__main__":
    print(_child(sys.argv[1], int(sys.argv[2])))
