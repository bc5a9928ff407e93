"""Does decode_header cost the same whatever the size of the message?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from xmla_headers import HeadCache, decode_header

from . import _messages
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = (
    "message",
    "µs",
    "times 1 KB",
    "at most",
    "seen µs",
    "times 1 KB",
    "of lxml",
    "seen, of lxml",
)
AT_MOST = 1.3


def run(*, quick: bool) -> Iterator[Table]:
    sizes = [1_000, 10_000, 100_000, 1_000_000]
    if not quick:
        sizes += [10_000_000, 100_000_000]
    chance = _messages.seeded()
    session_id = _messages.new_id(chance)
    cache = HeadCache()
    candidates: dict[str, Callable[[int], object]] = {}
    for size in sizes:
        message = _messages.answer(size, chance, session_id)
        candidates[f"new {size}"] = _ignoring(partial(decode_header, message))
        candidates[f"seen {size}"] = _ignoring(partial(decode_header, message, cache=cache))
    notes = ["seen: with a HeadCache that knows the head"]
    try:
        from .lxml_peer import read
    except ImportError:
        notes.append("lxml is not installed")
    else:
        candidates["lxml"] = _ignoring(partial(read, _messages.request(450, chance)))
        notes.append("of lxml: times lxml_peer.py, which reads the whole of a 450-byte request")
    loops = 100 if quick else 300
    times = interleave(candidates, range(9 if quick else 31), loops=loops)
    rows: list[tuple[Cell, ...]] = [
        (
            size_name(size),
            scaled(times.median(f"new {size}"), 1e6 / loops),
            times.ratio(f"new {size}", f"new {sizes[0]}"),
            AT_MOST,
            scaled(times.median(f"seen {size}"), 1e6 / loops),
            times.ratio(f"seen {size}", f"seen {sizes[0]}"),
            times.ratio(f"new {size}", "lxml"),
            times.ratio(f"seen {size}", "lxml"),
        )
        for size in sizes
    ]
    yield Table("decode_header, one head in messages of all sizes", COLUMNS, rows, notes)


def _ignoring(call: Callable[[], object]) -> Callable[[int], object]:
    """Leave out what a round hands over: it is the same message in all of them."""
    return lambda _: call()
