"""How much does decode cost, compared with bare pyexpat and with the peers?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import HeadCache, decode

from . import _messages, floors, peers
from ._measure import Table, interleave, scaled, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from ._measure import Cell, Times
    from .peers import Peer

    # Takes a random generator and a session id (None for a new one), and returns a message.
    Maker = Callable[[Random, bytes | None], bytes]

COLUMNS = (
    "message",
    "pyexpat µs",
    "MB/s",
    "with namespaces",
    "copy",
    "no cache",
    "new id",
    "same id",
)
NOTES = [
    "pyexpat: no namespaces, no handlers; the other columns: times that, on messages of the same size",
    "copy: a copy of the bytes",
    "no cache: cache=None; new id: a session id never seen before, in a head of a known shape",
]
# From this size in bytes, the peers run in their own rounds: a tree evicts other data from the caches.
APART = 1_000_000
# From this size in bytes, they read a message twice, and the second time counts.
TWICE = 10_000_000


class Round(NamedTuple):
    # Each message has another session id.
    new: list[bytes]
    # All messages have one session id.
    seen: list[bytes]


class Case(NamedTuple):
    name: str
    make: Maker
    # The number of messages in a round, and of rounds.
    messages: int
    rounds: int
    is_answer: bool = False
    # The charts show it for its size.
    drawn: bool = False


class Result(NamedTuple):
    case: Case
    size: int
    times: Times

    @property
    def name(self) -> str:
        shown = size_name(self.size)
        return self.case.name if shown in self.case.name else f"{self.case.name}, {shown}"

    def microseconds(self, candidate: str) -> float | None:
        return scaled(self.times.median(candidate), 1e6 / self.case.messages)


def run(*, quick: bool) -> Iterator[Table]:
    there, missing = peers.installed()
    results = [_measured(case, there) for case in _cases(quick=quick)]
    yield _ours(results)
    notes = [*missing, *(peer.no_answers for peer in there.values() if peer.no_answers)]
    for name, peer in there.items():
        passed = ", ".join(sorted(peer.accepts)) or "none"
        notes.append(
            f"{name} accepts these of the messages that decode refuses in tests/test_peers.py: {passed}"
        )
    if not quick:
        notes.append("from 1 MB in rounds of their own, because a tree leaves cold caches; 100 MB: once")
    yield from _theirs(results, notes)


def _cases(*, quick: bool) -> Iterator[Case]:
    count, rounds = (50, 7) if quick else (200, 25)

    def requests(size: int, *, prefixed: bool = True) -> Maker:
        return lambda chance, known: _messages.request(size, chance, known, prefixed=prefixed)

    def answers(size: int) -> Maker:
        return lambda chance, known: _messages.answer(size, chance, known)

    def beginnings(size: int) -> Maker:
        return lambda chance, _: _messages.discover(size, chance)

    yield Case("begin, 450 B", beginnings(450), count, rounds)
    yield Case("request, 450 B", requests(450), count, rounds, drawn=True)
    yield Case("no prefix, 450 B", requests(450, prefixed=False), count, rounds)
    yield Case("request, 2 KB", requests(2_000), count, rounds, drawn=True)
    yield Case("first request", lambda chance, _: _messages.first_request(chance), count, rounds)
    yield Case("answer, 9 KB", answers(9_000), max(1, count // 5), rounds, is_answer=True, drawn=True)
    rounds = 4 if quick else 13
    yield Case("answer, 1 MB", answers(1_000_000), 1, rounds, is_answer=True, drawn=True)
    if not quick:
        yield Case("answer, 100 MB", answers(100_000_000), 1, 9, is_answer=True, drawn=True)


def _measured(case: Case, there: dict[str, Peer]) -> Result:
    chance = _messages.seeded()
    known = _messages.new_id(chance)
    message = case.make(chance, known)
    reading = {
        name: _each(peer.read) for name, peer in there.items() if not (case.is_answer and peer.no_answers)
    }
    mine, size = _candidates(case, known), len(message)
    if size < APART:
        return Result(case, size, interleave({**mine, **reading}, _rounds(case, chance, known)))
    times = interleave(mine, _rounds(case, chance, known))
    rounds = 2 if size >= TWICE else case.rounds
    times.add(interleave(reading, [Round([message], [])] * rounds))
    return Result(case, size, times)


def _rounds(case: Case, chance: Random, known: bytes) -> Iterator[Round]:
    for _ in range(case.rounds):
        new = [case.make(chance, None) for _ in range(case.messages)]
        yield Round(new, [case.make(chance, known) for _ in new])


def _candidates(case: Case, known: bytes) -> dict[str, Callable[[Round], None]]:
    cache = HeadCache()
    decode(case.make(_messages.seeded(), known), cache=cache)

    def seen(material: Round) -> None:
        for message in material.seen:
            decode(message, cache=cache)

    return {
        "pyexpat": _each(floors.bare),
        "namespaces": _each(floors.bare_with_namespaces),
        "copy": _each(floors.copy),
        "general": _each(partial(decode, cache=None)),
        "new": _each(partial(decode, cache=cache)),
        "seen": seen,
    }


def _each(read: Callable[[bytes], object]) -> Callable[[Round], None]:
    def run_new(material: Round) -> None:
        for message in material.new:
            read(message)

    return run_new


def _ours(results: list[Result]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        microseconds = result.microseconds("pyexpat")
        assert microseconds is not None
        names = ("namespaces", "copy", "general", "new", "seen")
        ratios = (result.times.ratio(name, "pyexpat") for name in names)
        rows.append((result.name, microseconds, result.size / microseconds, *ratios))
    lines: dict[str, list[tuple[float, float]]] = {
        name: [
            (result.size, seconds / result.case.messages)
            for result in results
            if result.case.drawn and (seconds := result.times.median(name)) is not None
        ]
        for name in ("pyexpat", "copy", "new", "seen", *peers.NAMES)
    }
    return Table("decode", COLUMNS, rows, NOTES, {name: line for name, line in lines.items() if line})


def _theirs(results: list[Result], notes: list[str]) -> Iterator[Table]:
    columns = ("peer", *(result.name for result in results))
    rows: list[tuple[Cell, ...]]
    for title, base in (
        ("the peers, times bare pyexpat", "pyexpat"),
        ("the peers, times ours, a new session id", "new"),
    ):
        rows = [(name, *(result.times.ratio(name, base) for result in results)) for name in peers.NAMES]
        yield Table(title, columns, rows)
    rows = [(name, *(result.microseconds(name) for result in results)) for name in peers.NAMES]
    yield Table("the peers, µs", columns, rows, notes)
