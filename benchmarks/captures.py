"""How many messages a second does `check` take, from each format, and how much memory?"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from tests.capture_files import Exchange, http_request, http_response, saz
from tests.packet_files import Packet, pcap, talk

from . import _messages
from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from ._measure import Cell

ROOT = Path(__file__).resolve().parents[1]
# The length of each request and answer, in bytes.
SIZE = 2_000
# The number of exchanges in a session.
EXCHANGES = 20

COLUMNS = (
    "capture",
    "messages",
    "µs a message",
    "messages/s and core",
    "peak MB",
    "elapsed, --jobs 2",
)
NOTES = [
    f"CPU of `check --quiet` on messages of {SIZE} bytes, minus that on one message; medians",
    f"a session has {EXCHANGES} exchanges; only the data kept for each session grows",
    "peak MB: the whole process, with the interpreter and all imports",
    "elapsed, --jobs 2: times one process; the machine has other work too",
]


def run(*, quick: bool) -> Iterator[Table]:
    few, many, rounds = (200, 1_000, 1) if quick else (2_000, 20_000, 3)
    chance = _messages.seeded()
    rows: list[tuple[Cell, ...]] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        single = folder / "one.xml"
        single.write_bytes(_messages.request(SIZE, chance, None))
        captures = []
        for count in (few, many):
            pairs = list(exchanges(chance, count // 2))
            captures += [("HAR", count, har(folder / f"{count}.har", pairs))]
            captures += [("folder", count, folder_of(folder / f"{count}", pairs))]
            captures += [("log", count, log(folder / f"{count}.log", pairs))]
            captures += [("raw HTTP", count, raw(folder / f"{count}.http", pairs))]
            captures += [("log, .gz", count, packed(folder / f"{count}.log"))]
            captures += [("Fiddler", count, archive(folder / f"{count}.saz", pairs))]
            if find_spec("dpkt") is not None:
                captures += [("pcap", count, packets(folder / f"{count}.pcap", pairs))]
        for kind, count, path in sorted(captures, key=lambda capture: capture[0]):
            cpu = median(spent(path).cpu - spent(single).cpu for _ in range(rounds)) / count
            alone, shared = spent(path), spent(path, "--jobs", "2")
            row = (kind, float(count), cpu * 1e6, 1 / cpu, alone.peak)
            rows.append((*row, shared.elapsed / alone.elapsed))
    yield Table("check", COLUMNS, rows, NOTES)


class Spent(NamedTuple):
    # In seconds, of all processes.
    cpu: float
    # In MB, of the first process.
    peak: float
    # In seconds.
    elapsed: float


def spent(path: Path, *options: str, command: tuple[str, ...] = ("check", "--quiet")) -> Spent:
    """Return what a command takes."""
    command = (sys.executable, "-c", _CHILD, *command, *options, str(path))
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    elapsed = time.perf_counter() - begun
    cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return Spent(cpu, peak / 1_000, elapsed)


# VmHWM is the peak of the process itself; ru_maxrss would begin at the peak of its parent.
_CHILD = """
import re, resource, sys
from xmla_headers import cli
try:
    cli.main()
except SystemExit as done:
    assert not done.code, done.code
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu = sum(each.ru_utime + each.ru_stime for each in usage)
print([cpu, int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])])
"""


def exchanges(chance: Random, count: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        if number % EXCHANGES == 0:
            session_id = _messages.new_id(chance)
        yield _messages.request(SIZE, chance, session_id), _messages.answer(SIZE, chance, session_id)


def har(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    fields = [
        {"name": "Content-Type", "value": "text/xml; charset=utf-8"},
        {"name": "SOAPAction", "value": "-"},
    ]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"log": {"version": "1.2", "creator": {}, "pages": [], "entries": [')
        for number, (request, answer) in enumerate(pairs):
            entry = {
                "startedDateTime": "2026-11-20T10:23:42.250Z",
                "time": 12.5,
                "request": {
                    "method": "POST",
                    "url": "http://127.0.0.1/xmla",
                    "httpVersion": "HTTP/1.1",
                    "headers": fields,
                    "bodySize": len(request),
                    "postData": {"mimeType": "text/xml", "text": request.decode()},
                },
                "response": {
                    "status": 200,
                    "headers": fields,
                    "content": {"size": len(answer), "mimeType": "text/xml", "text": answer.decode()},
                },
            }
            file.write(f"{',' if number else ''}\n{json.dumps(entry)}")
        file.write("]}}")
    return path


def log(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    with path.open("wb") as file:
        for request, answer in pairs:
            file.write(b"2026-11-20 10:23:42,250 DEBUG sent: %b\n" % request)
            file.write(b"2026-11-20 10:23:42,260 DEBUG received: %b\n" % answer)
    return path


def raw(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    """Write requests and responses one after the other, as tcpflow and other tools do."""
    with path.open("wb") as file:
        for pair in pairs:
            exchange = Exchange(*pair)
            file.write(http_request(exchange) + http_response(exchange))
    return path


def packed(path: Path) -> Path:
    """Compress a file."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def archive(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    """Write an archive as Fiddler does, with bodies in chunks and gzip."""
    path.write_bytes(saz(Exchange(*pair) for pair in pairs))
    return path


def packets(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    """Write a packet capture with a connection for each session."""
    made: list[Packet] = []
    for at in range(0, len(pairs), EXCHANGES):
        each = [Exchange(*pair) for pair in pairs[at : at + EXCHANGES]]
        made += talk(each, client=("10.0.0.1", 10_000 + at), mtu=1_400)
    path.write_bytes(pcap(made))
    return path


def folder_of(path: Path, pairs: list[tuple[bytes, bytes]]) -> Path:
    path.mkdir()
    for number, (request, answer) in enumerate(pairs):
        (path / f"{number}-request.xml").write_bytes(request)
        (path / f"{number}-response.xml").write_bytes(answer)
    return path
