"""What does decode cost, measured against bare pyexpat and against a strict reader written with lxml?"""

from __future__ import annotations

import pyexpat
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import HeadCache, decode

from . import _messages
from ._measure import Table, Times, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from ._measure import Cell

    #: A source of chance and a session id (None for a new one) -> a message.
    Maker = Callable[[Random, bytes | None], bytes]

COLUMNS = (
    "message",
    "pyexpat µs",
    "MB/s",
    "new head",
    "at most",
    "new, cache",
    "seen, cache",
    "lxml",
    "new / lxml",
    "seen / lxml",
)
NOTES = [
    "new head, seen, lxml: times bare pyexpat, no namespaces, no handlers, on messages of the same size",
    "new head: a session id never seen before, without a HeadCache; new, cache: with one that misses",
    "new / lxml, seen / lxml: times the reader in lxml_peer.py",
]


class Round(NamedTuple):
    #: Every message with another session id.
    new: list[bytes]
    #: All with one session id.
    seen: list[bytes]


class Case(NamedTuple):
    name: str
    make: Maker
    #: Messages in a round, and rounds.
    messages: int
    rounds: int
    #: How many times bare pyexpat a new head may cost.
    at_most: float | None = None
    #: It names no session, so that its head is the same every time.
    same_head: bool = False


def run(*, quick: bool) -> Iterator[Table]:
    rows: list[tuple[Cell, ...]] = []
    candidates, missing = _candidates()
    for case in _cases(quick=quick):
        chance = _messages.seeded()
        known = _messages.new_id(chance)
        size = len(case.make(chance, known))
        times = interleave(candidates(case, known), _rounds(case, chance, known))
        rows.append(_row(case, size, times))
    yield Table("decode", COLUMNS, rows, NOTES + missing)


def _cases(*, quick: bool) -> Iterator[Case]:
    count, rounds = (200, 9) if quick else (400, 31)

    def requests(size: int, *, prefixed: bool = True) -> Maker:
        return lambda chance, known: _messages.request(size, chance, known, prefixed=prefixed)

    def answers(size: int) -> Maker:
        return lambda chance, known: _messages.answer(size, chance, known)

    yield Case("request, 450 B", requests(450), count, rounds, at_most=6)
    yield Case("the same, SOAP not prefixed", requests(450, prefixed=False), count, rounds)
    yield Case("request, 2 KB", requests(2_000), count // 2, rounds)
    yield Case(
        "first request", lambda chance, _: _messages.first_request(chance), count, rounds, same_head=True
    )
    yield Case("answer, 9 KB", answers(9_000), count // 8, rounds)
    yield Case("answer, 1 MB", answers(1_000_000), 1, rounds, at_most=1.12)
    if not quick:
        yield Case("answer, 100 MB", answers(100_000_000), 1, 9, at_most=1.12)


def _rounds(case: Case, chance: Random, known: bytes) -> Iterator[Round]:
    for _ in range(case.rounds):
        new = [case.make(chance, None) for _ in range(case.messages)]
        yield Round(new, [case.make(chance, known) for _ in new])


def _candidates() -> tuple[Callable[[Case, bytes], dict[str, Callable[[Round], None]]], list[str]]:
    try:
        from .lxml_peer import read
    except ImportError:
        lxml, missing = None, ["lxml is not installed"]
    else:
        lxml, missing = _each(read), []

    def candidates(case: Case, known: bytes) -> dict[str, Callable[[Round], None]]:
        missed, hit = HeadCache(), HeadCache()
        decode(case.make(_messages.seeded(), known), cache=hit)

        def seen(material: Round) -> None:
            for message in material.seen:
                decode(message, cache=hit)

        found = {
            "pyexpat": _each(lambda message: pyexpat.ParserCreate().Parse(message, True)),
            "new": _each(decode),
            "seen": seen,
        }
        if not case.same_head:
            found["missed"] = _each(lambda message: decode(message, cache=missed))
        if lxml is not None:
            found["lxml"] = lxml
        return found

    return candidates, missing


def _each(read: Callable[[bytes], object]) -> Callable[[Round], None]:
    def run_new(material: Round) -> None:
        for message in material.new:
            read(message)

    return run_new


def _row(case: Case, size: int, times: Times) -> tuple[Cell, ...]:
    seconds = times.median("pyexpat")
    assert seconds is not None
    seconds /= case.messages
    return (
        case.name if size_name(size) in case.name else f"{case.name}, {size} B",
        scaled(seconds, 1e6),
        size / 1e6 / seconds,
        times.ratio("new", "pyexpat"),
        case.at_most,
        times.ratio("missed", "pyexpat"),
        times.ratio("seen", "pyexpat"),
        times.ratio("lxml", "pyexpat"),
        times.ratio("new", "lxml"),
        times.ratio("seen", "lxml"),
    )
