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
            rounds = [cut(message, length)] * (9 if quick or size > 1_000_000 else 31)
            times = interleave({"ours": read_all, "bare": floors.bare_in_pieces}, rounds)
            seconds = times.median("bare")
            speed = None if not seconds else size / seconds / 1e6
            rows.append((size_name(size), name, scaled(seconds, 1e3), speed, times.ratio("ours", "bare")))
    columns = ("message", "chunks of", "pyexpat ms", "MB/s", "times pyexpat")
    notes = ["pyexpat: no namespaces, no handlers, the same chunks"]
    return Table("a message to its end", columns, rows, notes)


def _peers(*, quick: bool) -> Table:
    chunks = cut(_messages.answer(1_000_000, _messages.seeded()), 64 * _KIB)
    there, notes = peers.installed()
    candidates: dict[str, Callable[[list[bytes]], object]] = {"ours": read_all, "bare": floors.bare_in_pieces}
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
    message = with_attribute(size)
    candidates = {
        name: _ignoring(read_all, cut(message, length))
        for name, length in (("one", len(message)), ("small", 1_000), ("smaller", 100))
    }
    times = interleave(candidates, range(9))
    row = (
        size_name(size),
        scaled(times.median("one"), 1e3),
        times.ratio("small", "one"),
        times.ratio("smaller", "one"),
    )
    columns = ("attribute", "one piece ms", "pieces of 1 KB", "of 100 B")
    notes = ["times one piece; expat before 2.6 reads an unfinished token again with each piece"]
    return Table("one long attribute in pieces", columns, [row], notes)


def with_attribute(size: int) -> bytes:
    """Return an answer with an attribute of so many bytes in its Body."""
    before, row, after = _messages.answer(5_000, _messages.seeded()).partition(b"<row")
    return b"%b%b a='%b'%b" % (before, row, b"x" * size, after)


def _header(*, quick: bool) -> Table:
    message = _messages.answer(1_000_000, _messages.seeded())
    loops = 100 if quick else 300
    sizes = {"64 B": 64, "1 KiB": _KIB, "64 KiB": 64 * _KIB}
    candidates = {name: _ignoring(_wait, cut(message, size)) for name, size in sizes.items()}
    candidates["decode_header"] = _ignoring(decode_header, message)
    times = interleave(candidates, range(9 if quick else 31), loops=loops)
    rows: list[tuple[Cell, ...]] = [
        (name, scaled(times.median(name), 1e6 / loops), times.ratio(name, "decode_header"))
        for name in candidates
    ]
    columns = ("chunks of", "µs", "times decode_header")
    return Table("until the Header of a message of 1 MB is known", columns, rows)


def read_all(chunks: Iterable[bytes]) -> None:
    """Read a message to its end."""
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


def cut(message: bytes, size: int) -> list[bytes]:
    """Return the chunks of a message."""
    return [message[start : start + size] for start in range(0, len(message), size)]


def _ignoring(call: Callable[[T], object], material: T) -> Callable[[int], object]:
    """Ignore the argument of the round: the message is the same in all rounds."""
    return lambda _: call(material)
