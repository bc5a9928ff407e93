"""How many instructions does a job take? A busy machine changes the times, and hardly changes these."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import HeadCache, Session, decode, decode_header, iter_findings, with_blocks

from . import _messages, floors, peers
from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("job", "thousand instructions", "bare pyexpat", "times bare pyexpat")
# How many messages are counted, and how many are read before, which learn what later ones find.
COUNTED, FIRST = 40, 5
# The child calls this function of libc, which nothing else calls, between two jobs: callgrind then writes
# the instructions since the last call into another file.
_MARK = "getpgrp"
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class Job(NamedTuple):
    name: str
    run: Callable[[bytes], object]
    # Takes a random generator; each message has another id where the id is new.
    make: Callable[..., bytes]


def run(*, quick: bool) -> Iterator[Table]:  # noqa: ARG001 - a count does not get better with time
    if shutil.which("valgrind") is None:
        yield Table("instructions: not counted, because valgrind is not installed", COLUMNS, [])
        return
    jobs, notes = _jobs()
    counts = _counted()
    if len(counts) != 2 * len(jobs) + 1:
        yield Table(
            "instructions: not counted, because callgrind wrote nothing between two jobs", COLUMNS, []
        )
        return
    nothing, *others = counts
    taken = [(count - nothing) / COUNTED / 1_000 for count in others]
    rows: list[tuple[Cell, ...]] = [
        (job.name, mine, bare, mine / bare)
        for job, bare, mine in zip(jobs, taken[::2], taken[1::2], strict=True)
    ]
    about = f"callgrind; for each of {COUNTED} messages, {FIRST} were read before; pyexpat: the same messages"
    yield Table("instructions", COLUMNS, rows, [about, *notes])


def _jobs() -> tuple[list[Job], list[str]]:
    """Return the jobs, and the reasons why others are missing."""
    request, answer = partial(_messages.request, 450), partial(_messages.answer, 9_000)
    known = partial(request, session_id=_messages.new_id(_messages.seeded()))
    longer = partial(_messages.request, 2_000)
    cached = partial(decode, cache=HeadCache())
    lean = peers.peer("lxml")
    jobs = [
        Job("decode 450 B, never seen", cached, request),
        Job("decode 450 B, seen", cached, known),
        Job("decode 450 B with a warning", cached, partial(_messages.unqualified, 450)),
        Job("decode 450 B with a reference", cached, partial(_messages.referring, 450)),
        Job("the same, in the id", cached, partial(_messages.referring, 450, in_id=True)),
        Job("decode 2 KB, never seen", cached, longer),
        Job("decode a first request", cached, _messages.first_request),
        Job("decode 450 B, no cache", partial(decode, cache=None), request),
        Job("decode_header 450 B, never seen", partial(decode_header, cache=HeadCache()), request),
        Job("with_blocks 2 KB", lambda data: with_blocks(data, Session("a")), longer),
        Job("iter_findings 9 KB", lambda data: list(iter_findings(data)), answer),
    ]
    if isinstance(lean, str):
        return jobs, [lean]
    jobs += [Job("lean lxml 450 B", lean.read, request), Job("lean lxml 2 KB", lean.read, longer)]
    return jobs, []


def _counted() -> list[int]:
    """Return the instructions of nothing, and of bare pyexpat and each job in turn."""
    with TemporaryDirectory() as name:
        out = Path(name) / "out"
        command = (
            *("valgrind", "--tool=callgrind", f"--dump-before={_MARK}", f"--callgrind-out-file={out}"),
            *(sys.executable, "-m", "benchmarks.instructions"),
        )
        # The order of sets depends on this number.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
        # The first file has what precedes the first job.
        files = sorted(Path(name).glob("out.*"), key=lambda file: int(file.suffix[1:]))[1:]
        found = (_TOTAL.search(file.read_text(encoding="utf-8")) for file in files)
        return [int(total[1]) for total in found if total is not None]


def _child() -> None:
    jobs, _ = _jobs()
    chance = _messages.seeded()
    work: list[tuple[Callable[[bytes], object], list[bytes]]] = [(id, [b""] * COUNTED)]
    for job in jobs:
        messages = [job.make(chance=chance) for _ in range(FIRST + COUNTED)]
        for run_one in (floors.bare, job.run):
            for message in messages[:FIRST]:
                run_one(message)
            work.append((run_one, messages[FIRST:]))
    # A collection of all this would count for the job in which it falls.
    gc.collect()
    gc.freeze()
    for run_one, messages in work:
        os.getpgrp()
        for message in messages:
            run_one(message)
    os.getpgrp()


if __name__ == "__main__":
    _child()
