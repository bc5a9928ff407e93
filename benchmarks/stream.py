"""How much does HeaderReader cost, compared with bare pyexpat on the same chunks?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from xmla_headers import HeaderReader, decode_header

from . import _messages, floors, peers
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._measure import Cell

T = TypeVar("T")

_KIB = 1 << 10
_CHUNKS = {"1 KiB": _KIB, "64 KiB": 64 * _KIB, "1 MiB": _KIB * _KIB}
# Size of the chunks -> how many times bare pyexpat it may cost.
_AT_MOST = {"64 KiB": 1.15}
# How many times the cost in one piece a long attribute in small pieces may cost.
_ATTRIBUTE_AT_MOST = 3


def run(*, quick: bool) -> Iterator[Table]:
    yield _whole(quick=quick)
    yield _peers(quick=quick)
    yield _attribute(quick=quick)
    yield _header(quick=quick)


def _whole(*, quick: bool) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for size in (1_000_000, 10_000_000 if quick else 100_000_000):
        message = _messages.answer(size, _messages.seeded())
        for name, length in _CHUNKS.items():
            rounds = [_cut(message, length)] * (9 if quick or size > 1_000_000 else 31)
            times = interleave({"ours": _read, "bare": floors.bare_in_pieces}, rounds)
            seconds = times.median("bare")
            speed = None if not seconds else size / seconds / 1e6
            row = (size_name(size), name, scaled(seconds, 1e3), speed, times.ratio("ours", "bare"))
            rows.append((*row, _AT_MOST.get(name)))
    columns = ("message", "chunks of", "pyexpat ms", "MB/s", "times pyexpat", "at most")
    notes = ["pyexpat: no namespaces, no handlers, the same chunks"]
    return Table("a message to its end", columns, rows, notes)


def _peers(*, quick: bool) -> Table:
    chunks = _cut(_messages.answer(1_000_000, _messages.seeded()), 64 * _KIB)
    there, notes = peers.installed()
    candidates: dict[str, Callable[[list[bytes]], object]] = {"ours": _read, "bare": floors.bare_in_pieces}
    for name, peer in there.items():
        if isinstance(peer.stream, str):
            notes.append(peer.stream)
        else:
            candidates[name] = peer.stream
    times = interleave(candidates, [chunks] * (5 if quick else 15))
    names = ("ours", *peers.NAMES)
    rows: list[tuple[Cell, ...]] = [
        ("ms", *(scaled(times.median(name), 1e3) for name in names)),
        ("times pyexpat", *(times.ratio(name, "bare") for name in names)),
        ("times ours", *(times.ratio(name, "ours") for name in names)),
    ]
    notes.append("the peers only build the tree, without the checks")
    return Table("1 MB in chunks of 64 KiB, and the peers", ("", *names), rows, notes)


def _attribute(*, quick: bool) -> Table:
    size = 1_000_000 if quick else 10_000_000
    message = _messages.answer(5_000, _messages.seeded())
    place = message.index(b"<row>") + 4
    message = message[:place] + b" a='" + b"x" * size + b"'" + message[place:]
    candidates = {
        name: _ignoring(_read, _cut(message, length))
        for name, length in (("one", len(message)), ("small", 1_000), ("smaller", 100))
    }
    times = interleave(candidates, range(9))
    row = (
        size_name(size),
        scaled(times.median("one"), 1e3),
        times.ratio("small", "one"),
        _ATTRIBUTE_AT_MOST,
        times.ratio("smaller", "one"),
    )
    columns = ("attribute", "one piece ms", "pieces of 1 KB", "at most", "of 100 B")
    notes = ["times one piece; expat before 2.6 reads an unfinished token again with each piece"]
    return Table("one long attribute in pieces", columns, [row], notes)


def _header(*, quick: bool) -> Table:
    message = _messages.answer(1_000_000, _messages.seeded())
    loops = 100 if quick else 300
    sizes = {"64 B": 64, "1 KiB": _KIB, "64 KiB": 64 * _KIB}
    candidates = {name: _ignoring(_wait, _cut(message, size)) for name, size in sizes.items()}
    candidates["decode_header"] = _ignoring(decode_header, message)
    times = interleave(candidates, range(9 if quick else 31), loops=loops)
    rows: list[tuple[Cell, ...]] = [
        (name, scaled(times.median(name), 1e6 / loops), times.ratio(name, "decode_header"))
        for name in candidates
    ]
    columns = ("chunks of", "µs", "times decode_header")
    return Table("until the Header of a message of 1 MB is known", columns, rows)


def _read(chunks: Iterable[bytes]) -> None:
    reader = HeaderReader()
    for chunk in chunks:
        reader.feed(chunk)
    reader.close()


def _wait(chunks: Iterable[bytes]) -> None:
    reader = HeaderReader()
    for chunk in chunks:
        reader.feed(chunk)
        if reader.header is not None:
            return


def _cut(message: bytes, size: int) -> list[bytes]:
    return [message[start : start + size] for start in range(0, len(message), size)]


def _ignoring(call: Callable[[T], object], material: T) -> Callable[[int], object]:
    """Ignore the argument of the round: the message is the same in all rounds."""
    return lambda _: call(material)
