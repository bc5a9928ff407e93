"""What do encode and with_blocks cost, measured against lxml building, serializing and parsing?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import Envelope, Fragment, Header, Session, decode, encode, encode_block, with_blocks

from . import _messages
from ._measure import Table, interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._measure import Cell

COLUMNS = ("job", "peer µs", "times the peer", "at most")
NOTES = [
    "encode: times lxml building and serializing the same 2 KB request, its Body from a string",
    "a Body of the caller's: the values are made and the Body checked; of decode's: the values are there",
    "with_blocks: times lxml parsing a 450-byte message plus one copy of the 1 MB message",
]


class Round(NamedTuple):
    """The same work under as many session ids."""

    session_ids: list[str]
    envelopes: list[Envelope]


def run(*, quick: bool) -> Iterator[Table]:
    chance = _messages.seeded()
    count, rounds = (100, 9) if quick else (200, 31)
    try:
        from . import lxml_writer as peer
    except ImportError:
        yield Table(
            "writing", COLUMNS, [("encode, with_blocks", None, None, None)], ["lxml is not installed"]
        )
        return

    small = _messages.request(450, chance)
    source = _messages.request(2_000, chance)
    envelope = decode(source)
    content = envelope.body.xml
    large = _messages.answer(1_000_000, chance)

    def work() -> Round:
        ids = [_messages.new_id(chance).decode() for _ in range(count)]
        return Round(ids, [Envelope(Header(Session(session_id)), envelope.body) for session_id in ids])

    def encode_all(work: Round) -> None:
        for prepared in work.envelopes:
            encode(prepared)

    material = [work() for _ in range(rounds)]

    def each(job: Callable[[str], object]) -> Callable[[Round], None]:
        def run_all(work: Round) -> None:
            for session_id in work.session_ids:
                job(session_id)

        return run_all

    times = interleave(
        {
            "lxml": each(lambda session_id: peer.write(session_id, content)),
            "checked": each(
                lambda session_id: encode(Envelope(Header(Session(session_id)), Fragment(content)))
            ),
            "decoded": encode_all,
            "block": each(lambda session_id: encode_block(Session(session_id))),
        },
        material,
    )
    rows: list[tuple[Cell, ...]] = [
        _row(
            "encode 2 KB, a Body of the caller's",
            times.median("lxml"),
            times.ratio("checked", "lxml"),
            count,
            0.9,
        ),
        _row(
            "encode 2 KB, a Body of decode's",
            times.median("lxml"),
            times.ratio("decoded", "lxml"),
            count,
            0.15,
        ),
        _row("encode_block", times.median("lxml"), times.ratio("block", "lxml"), count, None),
    ]

    def parse_and_copy(_: str) -> None:
        peer.parse(small)
        bytearray(large)

    few = [Round(all_of.session_ids[:20], []) for all_of in material]
    times = interleave(
        {
            "lxml": each(parse_and_copy),
            "splice": each(lambda session_id: with_blocks(large, Session(session_id))),
        },
        few,
    )
    rows.append(_row("with_blocks, 1 MB", times.median("lxml"), times.ratio("splice", "lxml"), 20, 3))
    yield Table("writing", COLUMNS, rows, NOTES)


def _row(
    job: str, seconds: float | None, ratio: float | None, count: int, at_most: float | None
) -> tuple[Cell, ...]:
    return job, None if seconds is None else seconds / count * 1e6, ratio, at_most
