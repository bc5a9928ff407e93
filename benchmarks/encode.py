"""How much does encode cost, compared with peers that build and serialize the same request?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import Envelope, Fragment, Header, Session, decode, encode, encode_block

from . import _messages, peers
from ._measure import Table, interleave, scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = ("job", "µs", "times lxml", "times ours")
NOTES = [
    "a request of 2 KB; a peer parses its Body from a string; times ours: with a Body of the caller",
    "a Body of the caller: the values are made and the Body is checked; of decode: the values exist",
]
# Candidate -> its title.
_OURS = {
    "checked": "encode, a Body of the caller",
    "decoded": "encode, a Body of decode",
    "block": "encode_block",
}


class Round(NamedTuple):
    """The same request with several session ids."""

    session_ids: list[str]
    envelopes: list[Envelope]


def run(*, quick: bool) -> Iterator[Table]:
    chance = _messages.seeded()
    count, rounds = (50, 7) if quick else (100, 31)
    there, notes = peers.installed()
    envelope = decode(_messages.request(2_000, chance))
    content = envelope.body.xml

    def work() -> Round:
        ids = [_messages.new_id(chance).decode() for _ in range(count)]
        return Round(ids, [Envelope(Header(Session(session_id)), envelope.body) for session_id in ids])

    def encode_all(work: Round) -> None:
        for prepared in work.envelopes:
            encode(prepared)

    candidates: dict[str, Callable[[Round], None]] = {
        "checked": _each(lambda session_id: encode(Envelope(Header(Session(session_id)), Fragment(content)))),
        "decoded": encode_all,
        "block": _each(lambda session_id: encode_block(Session(session_id))),
    }
    for name, peer in there.items():
        if isinstance(peer.write, str):
            notes.append(peer.write)
        else:
            candidates[name] = _writing(peer.write, content)
    times = interleave(candidates, [work() for _ in range(rounds)])

    def row(name: str, job: str) -> tuple[Cell, ...]:
        microseconds = scaled(times.median(name), 1e6 / count)
        return job, microseconds, times.ratio(name, "lxml"), times.ratio(name, "checked")

    rows = [row(name, job) for name, job in _OURS.items()]
    rows += [row(name, name) for name in peers.NAMES]
    yield Table("encode", COLUMNS, rows, NOTES + notes)


def _each(job: Callable[[str], object]) -> Callable[[Round], None]:
    def run_all(work: Round) -> None:
        for session_id in work.session_ids:
            job(session_id)

    return run_all


def _writing(write: Callable[[str, bytes], bytes], content: bytes) -> Callable[[Round], None]:
    return _each(lambda session_id: write(session_id, content))
