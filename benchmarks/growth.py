"""Does the cost grow in proportion to the input?"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import HeaderReader, decode, decode_header

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
        times = interleave(candidates, range(6 if quick else 16))
        row: list[Cell] = ["ns for each"]
        for size in sizes:
            pairs = zip(times.rounds[str(size)], times.rounds["0"], strict=True)
            extra = median(mine / loops[size] - none / loops[0] for mine, none in pairs)
            row.append(1e9 * extra / size)
        columns = ("how many", *(f"{size:,}" for size in sizes))
        yield Table(case.name, columns, [tuple(row)], NOTES if case is CASES[-1] else [])


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
