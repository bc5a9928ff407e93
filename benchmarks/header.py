"""Does the cost of decode_header depend on the size of the message?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from xmla_headers import HeadCache, decode_header

from . import _messages, floors, peers
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = ("message", "µs", "times 1 KB", "seen µs", "times 1 KB")


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
        candidates[f"new {size}"] = _ignoring(partial(decode_header, message, cache=None))
        candidates[f"seen {size}"] = _ignoring(partial(decode_header, message, cache=cache))
    small = _messages.request(450, chance)
    candidates["pyexpat"] = _ignoring(partial(floors.bare, small))
    there, notes = peers.installed()
    for name, peer in there.items():
        candidates[name] = _ignoring(partial(peer.read, small))
    loops = 30 if quick else 100
    times = interleave(candidates, range(9 if quick else 31), loops=loops)
    rows: list[tuple[Cell, ...]] = [
        (
            size_name(size),
            scaled(times.median(f"new {size}"), 1e6 / loops),
            times.ratio(f"new {size}", f"new {sizes[0]}"),
            scaled(times.median(f"seen {size}"), 1e6 / loops),
            times.ratio(f"seen {size}", f"seen {sizes[0]}"),
        )
        for size in sizes
    ]
    lines = {
        name: [
            (float(size), seconds / loops)
            for size in sizes
            if (seconds := times.median(f"{name} {size}")) is not None
        ]
        for name in ("new", "seen")
    }
    title = "decode_header, one head in messages of all sizes"
    yield Table(
        title,
        COLUMNS,
        rows,
        ["seen: with a HeadCache that knows the head; the other: without a cache"],
        lines,
    )

    notes.append(f"{', '.join(there)}: none stops at the Body, so each reads a whole message of 450 bytes")
    yield Table(
        f"decode_header in {size_name(sizes[-1])}, times a peer that reads a whole message of 450 bytes",
        ("", "pyexpat", *peers.NAMES),
        [
            (job, *(times.ratio(f"{name} {sizes[-1]}", peer) for peer in ("pyexpat", *peers.NAMES)))
            for job, name in (("decode_header", "new"), ("with a HeadCache that knows the head", "seen"))
        ],
        notes,
    )


def _ignoring(call: Callable[[], object]) -> Callable[[int], object]:
    """Ignore the argument of the round: the message is the same in all rounds."""
    return lambda _: call()
