"""Does the cost grow in proportion to the input?"""

from __future__ import annotations

import gzip
import io
import zipfile
from functools import partial
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import HeaderReader, decode, decode_header
from xmla_headers.captures import check_message, iter_messages, redact
from xmla_headers.cli import Streams
from xmla_headers.cli import run as run_command

from . import floors
from ._measure import Table, interleave, scaled, size_name
from ._messages import SOAP, XMLA, answer, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

NOTES = ["decode without a cache, minus the cost with none of them; constant when linear"]
_UNKNOWN = b'<x:Block xmlns:x="urn:x">text</x:Block>'


class Case(NamedTuple):
    name: str
    make: Callable[[int], bytes]
    # Within the default Limits.
    sizes: tuple[int, ...]
    deep: bool = False


def run(*, quick: bool) -> Iterator[Table]:
    yield _bytes(quick=quick)
    yield _chunks(quick=quick)
    for case in CASES:
        sizes = case.sizes[:-1] if quick else case.sizes
        loops = {size: _loops(case, size, 0.002 if quick else 0.01) for size in (0, *sizes)}
        candidates = {str(size): _reading(case, size, count) for size, count in loops.items()}
        times = interleave(candidates, range(5 if quick else 16))
        row: list[Cell] = ["ns for each"]
        for size in sizes:
            pairs = zip(times.rounds[str(size)], times.rounds["0"], strict=True)
            extra = median(mine / loops[size] - none / loops[0] for mine, none in pairs)
            row.append(1e9 * extra / size)
        columns = ("how many", *(f"{size:,}" for size in sizes))
        yield Table(case.name, columns, [tuple(row)], NOTES if case is CASES[-1] else [])
    yield _captures(quick=quick)


def _bytes(*, quick: bool) -> Table:
    sizes = (10_000, 100_000, 1_000_000) if quick else (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
    rows: dict[str, list[Cell]] = {name: [] for name in ("pyexpat", "decode", "decode_header")}
    rounds = 5 if quick else 9
    for size in sizes:
        messages = [answer(size, seeded())] * rounds
        loops = max(1, 1_000_000 // size)
        times = interleave({"pyexpat": floors.bare, "decode": decode}, messages, loops=loops)
        for name in times.rounds:
            rows[name].append(scaled(times.median(name), 1e9 / loops / size))
        # The same number of loops for each size: a message that is read rarely is not in the CPU caches.
        times = interleave({"decode_header": decode_header}, messages, loops=300)
        rows["decode_header"].append(scaled(times.median("decode_header"), 1e9 / 300))
    units = {"pyexpat": "ns for each byte", "decode": "ns for each byte", "decode_header": "ns"}
    return Table(
        "bytes of the message",
        ("how many", *map(size_name, sizes)),
        [(f"{name}, {units[name]}", *row) for name, row in rows.items()],
        ["constant when linear; decode_header: constant when it does not depend on the size"],
    )


def _chunks(*, quick: bool) -> Table:
    sizes = (1_000, 10_000, 100_000) if quick else (100, 1_000, 10_000, 100_000, 1_000_000)
    message = answer(1_000_000, seeded())
    cut = {size: [message[start : start + size] for start in range(0, len(message), size)] for size in sizes}

    def reading(chunks: list[bytes]) -> Callable[[int], None]:
        def read(_: int) -> None:
            reader = HeaderReader()
            for chunk in chunks:
                reader.feed(chunk)
            reader.close()

        return read

    times = interleave({str(size): reading(cut[size]) for size in sizes}, range(5 if quick else 16))
    row = [times.ratio(str(size), str(sizes[-1])) for size in sizes]
    return Table(
        "HeaderReader, 1 MB in chunks",
        ("chunks of", *map(size_name, sizes)),
        [("times the largest", *row)],
        ["small chunks cost more calls"],
    )


def _loops(case: Case, size: int, seconds: float) -> int:
    """Return how often to read in a round, so that it takes long enough to be measured."""
    once = interleave({"": _reading(case, size, 1)}, range(4)).median("")
    return max(1, round(seconds / once)) if once else 1


def _reading(case: Case, size: int, loops: int) -> Callable[[int], None]:
    message, deep = case.make(size), case.deep

    def read(_: int) -> None:
        for _ in range(loops):
            decode(message, deep=deep, cache=None)

    return read


def _message(header: bytes = b"", body: bytes = b"", declared: bytes = b"") -> bytes:
    start = b'<s:Envelope xmlns:s="%b"%b>' % (SOAP, declared)
    return start + b"<s:Header>%b</s:Header><s:Body>%b</s:Body></s:Envelope>" % (header, body)


def _declarations(count: int) -> bytes:
    return b"".join(b' xmlns:p%d="urn:%d"' % (number, number) for number in range(count))


def _blocks(count: int) -> bytes:
    return _message(_UNKNOWN * count)


def _attributes(count: int) -> bytes:
    attributes = b"".join(b' x:a%d="%d"' % (number, number) for number in range(count))
    return _message(b'<Session xmlns="%b" xmlns:x="urn:x" SessionId="id"%b/>' % (XMLA, attributes))


def _prefixes(count: int) -> bytes:
    return _message(b'<Session xmlns="%b" SessionId="id"/>' % XMLA, declared=_declarations(count))


def _prefixes_and_blocks(count: int) -> bytes:
    return _message(_UNKNOWN * 60, declared=_declarations(count))


def _prefixes_and_bytes(count: int) -> bytes:
    return _message(b"<x>" + b"y" * 800 * count + b"</x>", declared=_declarations(count))


def _block_depth(count: int) -> bytes:
    return _message(b"<x>" * count + b"</x>" * count)


def _block_bytes(count: int) -> bytes:
    return _message(b"<x>" + b"y" * count + b"</x>")


def _depth(count: int) -> bytes:
    return _message(body=b"<x>" * count + b"</x>" * count)


def _elements(count: int) -> bytes:
    return _message(body=b"<x/>" * count)


def _comments(count: int) -> bytes:
    """Return a message with many Body start tags in a comment before its Body."""
    return _message(b"<!--" + b"<s:Body>" * count + b"-->")


CASES = (
    Case("header blocks", _blocks, (4, 15, 30, 60)),
    Case("attributes of Session", _attributes, (16, 64, 128, 250)),
    Case("prefixes in scope", _prefixes, (16, 64, 128, 250)),
    Case("prefixes in scope, with 60 unknown blocks", _prefixes_and_blocks, (16, 64, 128, 250)),
    Case("prefixes in scope, each with 800 bytes of header block", _prefixes_and_bytes, (16, 64, 128, 250)),
    Case("depth of a header block", _block_depth, (16, 64, 128, 250)),
    Case("bytes of a header block", _block_bytes, (10_000, 30_000, 100_000, 260_000)),
    Case("Body start tags in a comment", _comments, (1_000, 4_000, 16_000, 32_000)),
    Case("depth of the Body", _depth, (1_000, 10_000, 30_000, 100_000)),
    Case("depth of the Body, deep", _depth, (16, 64, 128, 250), deep=True),
    Case("elements of the Body", _elements, (1_000, 10_000, 30_000, 100_000)),
    Case("elements of the Body, deep", _elements, (1_000, 10_000, 30_000, 100_000), deep=True),
)


# -- captures --------------------------------------------------------------------------------------------

CAPTURE_NOTES = [
    "times the cost when the capture is twice as large, the largest of the medians; 2 when linear",
    "read: iter_messages and check_message; report: `check` with its text report",
]


def _captures(*, quick: bool) -> Table:
    """Return how the cost of reading, reporting and redacting grows when a capture doubles."""
    rows: list[tuple[Cell, ...]] = []
    for name, (make, count) in CAPTURES.items():
        counts = [count << doubling for doubling in range(2 if quick else 3)]
        made = {size: make(size) for size in counts}
        row: list[Cell] = [name, size_name(len(made[counts[-1]]))]
        for job in (_read, _reported, redact):
            candidates = {str(size): partial(_call, job, data) for size, data in made.items()}
            times = interleave(candidates, range(4 if quick else 8))
            ratios = [times.ratio(str(large), str(small)) for small, large in pairwise(counts)]
            row.append(max(ratio for ratio in ratios if ratio is not None))
        rows.append(tuple(row))
    columns = ("capture", "largest", "read", "report", "redact")
    return Table("captures that double", columns, rows, CAPTURE_NOTES)


def _call(job: Callable[[bytes], object], data: bytes, _: int) -> None:
    job(data)


def _read(data: bytes) -> None:
    for message in iter_messages(data):
        check_message(message)


def _reported(data: bytes) -> None:
    run_command(["check", "-"], Streams(io.BytesIO(data), io.StringIO(), io.StringIO()))


def _posted(body: bytes, fields: bytes = b"") -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n%bContent-Length: %d\r\n\r\n"
    return head % (fields, len(body)) + body


def _session(number: int) -> bytes:
    return _message(b'<Session xmlns="%b" SessionId="id-%d-abcdef"/>' % (XMLA, number))


def _findings(count: int, piece: bytes) -> bytes:
    return b'<s:Envelope xmlns:s="%b"><s:Body/>%b</s:Envelope>' % (SOAP, piece * count)


def _archive(count: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(count):
            made.writestr(f"raw/{number}_c.txt", _posted(_session(number)))
    return target.getvalue()


def _har(items: list[bytes]) -> bytes:
    return b'{"log":{"entries":[%b]}}' % b",".join(items)


def _entry(number: int) -> bytes:
    text = _session(number).decode().replace('"', '\\"').encode()
    return b'{"request":{"method":"POST","postData":{"mimeType":"text/xml","text":"%b"}}}' % text


# The kind of item -> a function that makes a capture with many of them, and how many take a millisecond.
CAPTURES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "findings on one line": (lambda count: _findings(count, b"<a/>x"), 1_000),
    "findings on lines": (lambda count: _findings(count, b"<a/>\nx"), 1_000),
    "entries of a HAR": (lambda count: _har([_entry(number) for number in range(count)]), 100),
    "broken entries of a HAR": (lambda count: _har([b"x"] * count), 2_000),
    "members of a HAR": (lambda count: _har([b"{%b}" % b",".join([b'"a":"b"'] * count)]), 5_000),
    "values next to a long name": (
        lambda count: _har([b'{"name":"%b",%b}' % (b"a" * count, b",".join([b'"value":"b"'] * count))]),
        1_000,
    ),
    "HTTP messages": (lambda count: b"".join(_posted(_session(number)) for number in range(count)), 100),
    "HTTP messages without a length": (lambda count: b"HTTP/1.1 200 OK\r\n\r\n<a/>" * count, 1_000),
    "field lines": (lambda count: _posted(b"<a/>", b"A: b\r\n" * count), 2_000),
    "a long field line": (lambda count: _posted(b"<a/>", b"A: %b\r\n" % (b"b " * count)), 5_000),
    "gzip members": (
        lambda count: _posted(gzip.compress(b"") * count, b"Content-Encoding: gzip\r\n"),
        1_000,
    ),
    "codings": (lambda count: _posted(b"", b"Content-Encoding: %b\r\n" % (b"gzip," * count)), 5_000),
    "entries of an archive": (_archive, 50),
    "ids in a text": (
        lambda count: b"<a>%b</a>" % b"".join(b"<b SessionId='id-%d-abc'/>" % each for each in range(count)),
        500,
    ),
    "connection strings": (lambda count: b"<a>%b</a>" % (b"Password=secret;&amp;" * count), 500),
}
