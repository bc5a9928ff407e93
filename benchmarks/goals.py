"""Are the goals reached? Each is a ratio within this run, and has its bound here."""

from __future__ import annotations

from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from xmla_headers import (
    Envelope,
    Fragment,
    HeadCache,
    Header,
    Session,
    decode,
    decode_header,
    encode,
    iter_findings,
    with_blocks,
)

from . import _messages, captures, floors, memory, peers, startup, stream
from ._measure import Table, interleave, size_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._measure import Cell

    Job = Callable[[Any], object]
    Row = tuple[Cell, ...]

COLUMNS = ("question", "times bare pyexpat", "at most", "times lean lxml", "at most")
NOTES = [
    "bare pyexpat: no namespaces, no handlers, the same messages",
    "never seen: the session id occurs in no other message; the shape of the head is known unless it is said",
    "lean lxml reads 450 B, and the message is copied once",
]


class Goal(NamedTuple):
    """How many times bare pyexpat and lean lxml a job may cost."""

    bare: float | None = None
    lxml: float | None = None


def run(*, quick: bool) -> Iterator[Table]:
    rounds = 7 if quick else 31
    yield Table("decode of small messages", COLUMNS, list(_decoding(rounds)), NOTES[:2])
    yield Table("decode of large messages", COLUMNS, list(_large(rounds, quick=quick)))
    yield Table("decode_header", COLUMNS, list(_headers(rounds)), ["both peers read 450 B"])
    yield Table("the Body checked as well", COLUMNS, list(_checked(rounds)))
    yield Table("encode", COLUMNS, list(_written(rounds)), ["bare pyexpat: parses the Body"])
    yield Table("with_blocks", COLUMNS, list(_replaced(rounds)), NOTES[2:])
    yield _check(quick=quick)
    yield _further(rounds, quick=quick)


def _row(name: str, goal: Goal, ours: Job, work: Iterable[list[Any]], **others: Job) -> Row:
    """Measure a job on the messages of each round, and return its ratios."""

    def each(job: Job) -> Callable[[list[Any]], None]:
        def run_all(materials: list[Any]) -> None:
            for material in materials:
                job(material)

        return run_all

    times = interleave({"ours": each(ours), **{key: each(job) for key, job in others.items()}}, work)
    return name, times.ratio("ours", "bare"), goal.bare, times.ratio("ours", "lxml"), goal.lxml


def _lean() -> dict[str, Job]:
    there, _ = peers.installed()
    return {"lxml": there["lxml"].read} if "lxml" in there else {}


def _decoding(rounds: int) -> Iterator[Row]:
    chance, count = _messages.seeded(), 100

    def messages(make: Callable[..., bytes], *, strange: bool = False) -> list[list[bytes]]:
        made = [[make(chance=chance) for _ in range(count)] for _ in range(rounds)]
        return [[_messages.strange(each, chance) for each in turn] for turn in made] if strange else made

    cache = HeadCache()
    known = partial(decode, cache=cache)
    with_known_id = partial(_messages.request, 450, session_id=_messages.new_id(chance))
    for name, make, goal in (
        ("decode 450 B, never seen", partial(_messages.request, 450), Goal(2.3, 0.9)),
        ("decode 450 B, seen", with_known_id, Goal(2.1)),
        ("decode 450 B with a warning", partial(_messages.unqualified, 450), Goal(2.3)),
        ("decode 450 B with a reference", partial(_messages.referring, 450), Goal(2.3)),
        ("the same, in the id", partial(_messages.referring, 450, in_id=True), Goal(2.3)),
        ("decode 2 KB, never seen", partial(_messages.request, 2_000), Goal(1.8, 0.8)),
        ("decode a first request, no id", _messages.first_request, Goal(1.5)),
        ("the same, an id never seen", partial(_messages.first_request, begins=False), Goal(1.5)),
    ):
        known(make(chance=chance))
        yield _row(
            name,
            goal,
            known,
            messages(make),
            bare=floors.bare,
            **_lean(),
        )
    for name, make in (
        ("450 B", partial(_messages.request, 450)),
        ("450 B with a warning", partial(_messages.unqualified, 450)),
        ("a first request", _messages.first_request),
    ):
        # Each head is new: the cache never has it.
        fresh = messages(make, strange=True)
        yield _row(f"decode {name}, shape never seen", Goal(12), known, fresh, bare=floors.bare, **_lean())


def _large(rounds: int, *, quick: bool) -> Iterator[Row]:
    chance = _messages.seeded()
    for size, at_most in ((9_000, 1.2), (1_000_000, 1.02), (100_000_000, 1.0)):
        if quick and size > 1_000_000:
            continue
        loops = max(1, 200_000 // size)
        turns = rounds if size < 10_000_000 else 9
        # Made when their turn comes: together, the largest ones would take a gigabyte.
        work = ([_messages.answer(size, chance) for _ in range(loops)] for _ in range(turns))
        yield _row(f"decode {size_name(size)}", Goal(at_most), decode, work, bare=floors.bare)


def _headers(rounds: int) -> Iterator[Row]:
    chance = _messages.seeded()
    small = _messages.request(450, chance)
    for size in (1_000, 1_000_000):
        session_id = _messages.new_id(chance)
        for name, given, goal in (("never seen", None, Goal(1.2)), ("seen", session_id, Goal(None, 0.5))):
            decode_header(_messages.answer(size, chance, given))
            work = ([_messages.answer(size, chance, given) for _ in range(20)] for _ in range(rounds))
            others: dict[str, Job] = {
                key: _ignoring(partial(job, small)) for key, job in {"bare": floors.bare, **_lean()}.items()
            }
            yield _row(f"decode_header, {name}, {size_name(size)}", goal, decode_header, work, **others)


def _checked(rounds: int) -> Iterator[Row]:
    chance = _messages.seeded()

    def findings(message: bytes) -> None:
        for _ in iter_findings(message):
            pass

    for size in (3_000, 9_000, 100_000, 1_000_000):
        loops = max(1, 100_000 // size)
        work = [[_messages.answer(size, chance) for _ in range(loops)] for _ in range(rounds)]
        for name, job in (("decode, deep", partial(decode, deep=True)), ("iter_findings", findings)):
            job(work[0][0])
            yield _row(f"{name}, {size_name(size)}", Goal(2.2), job, work, bare=floors.bare)


def _written(rounds: int) -> Iterator[Row]:
    chance = _messages.seeded()
    there, _ = peers.installed()
    for size in (2_000, 9_000, 100_000, 1_000_000):
        content = (
            decode(_messages.request(size, chance)).body.xml
            if size < 3_000
            else (decode(_messages.answer(size, chance)).body.xml)
        )
        loops = max(1, 200_000 // size)
        work = [[_messages.new_id(chance).decode() for _ in range(loops)] for _ in range(rounds)]

        def ours(session_id: str, content: bytes = content) -> None:
            encode(Envelope(Header(Session(session_id)), Fragment(content)))

        others: dict[str, Job] = {"bare": _ignoring(partial(floors.bare, content))}
        if "lxml" in there:
            write = there["lxml"].write
            assert not isinstance(write, str)
            others["lxml"] = partial(_swapped, write, content)
        yield _row(f"encode, a Body to be checked, {size_name(size)}", Goal(None, 0.6), ours, work, **others)


def _replaced(rounds: int) -> Iterator[Row]:
    chance = _messages.seeded()
    small = _messages.request(450, chance)
    for size, at_most in ((2_000, 1.5), (1_000_000, 1.2)):
        make = _messages.request if size < 3_000 else _messages.answer
        loops = max(1, 200_000 // size)
        work = [[make(size, chance) for _ in range(loops)] for _ in range(rounds)]
        block = Session(_messages.new_id(chance).decode())
        with_blocks(work[0][0], block)

        def both(message: bytes, read: Job) -> None:
            read(small)
            floors.copy(message)

        others: dict[str, Job] = {key: partial(both, read=read) for key, read in _lean().items()}
        name = f"with_blocks, {size_name(size)}"
        yield _row(
            name,
            Goal(None, at_most),
            partial(_swapped, with_blocks, block),
            work,
            **others,
        )


def _swapped(job: Callable[[Any, Any], object], second: object, first: object) -> None:
    job(first, second)


def _ignoring(job: Callable[[], object]) -> Job:
    return lambda _: job()


def _check(*, quick: bool) -> Table:
    """Measure the command: CPU for a message against bare pyexpat, and two processes against one."""
    count, rounds = (2_000, 2) if quick else (20_000, 5)
    chance = _messages.seeded()
    rows: list[Row] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        pairs = list(captures.exchanges(chance, count // 2))
        single = captures.har(folder / "one.har", pairs[:1])
        for kind, path, at_most in (
            ("HAR", captures.har(folder / "all.har", pairs), 7.0),
            ("folder", captures.folder_of(folder / "all", pairs), None),
        ):
            cpu, faster, both = [], [], []
            for _ in range(rounds):
                begun, alone, together = (
                    captures.spent(single),
                    captures.spent(path),
                    captures.spent(path, "--jobs", "2"),
                )
                cpu.append((alone.cpu - begun.cpu) / _bare(pairs))
                faster.append(alone.elapsed / together.elapsed)
                both.append(together.cpu / alone.cpu)
            rows.append((kind, median(cpu), at_most, median(faster), 1.7, median(both)))
    columns = (
        *("check, messages of 2 KB", "times bare pyexpat", "at most"),
        *("--jobs 2: times as fast", "at least", "its CPU, times one process"),
    )
    notes = [
        f"{count} messages; CPU of the command, minus that on one exchange",
        "times as fast: elapsed, with the start of the interpreters; other work on the machine hides it",
    ]
    return Table("check", columns, rows, notes)


def _bare(pairs: list[tuple[bytes, bytes]]) -> float:
    """Return the seconds that bare pyexpat takes for all messages."""

    def run_all(_: int) -> None:
        for request, answer in pairs:
            floors.bare(request)
            floors.bare(answer)

    return interleave({"bare": run_all}, range(2)).rounds["bare"][0]


def _further(rounds: int, *, quick: bool) -> Table:
    """Return the goals that are no cost of a message beside bare pyexpat or lxml."""
    size = 10_000_000 if quick else 100_000_000
    extra, _ = memory.measured("decode", size)
    spent, _ = startup.imported(("xmla_headers", startup.BASE), min(rounds, 22))
    imports = median(map(truediv, spent["xmla_headers"], spent[startup.BASE]))
    chunks = stream.cut(_messages.answer(1_000_000, _messages.seeded()), 1 << 16)
    reading = interleave({"ours": stream.read_all, "bare": floors.bare_in_pieces}, [chunks] * rounds)
    request = [
        [_messages.request(450, chance)] for chance in [_messages.seeded()] for _ in range(100 * rounds)
    ]
    short = interleave({"ours": stream.read_all, "bare": floors.bare_in_pieces}, request)
    long = stream.with_attribute(1_000_000)
    pieces = {name: stream.cut(long, length) for name, length in (("small", 1_000), ("one", len(long)))}
    cutting = interleave(
        {name: _ignoring(partial(stream.read_all, cut)) for name, cut in pieces.items()}, range(rounds)
    )
    rows: list[Row] = [
        (f"decode {size_name(size)}: memory in addition to it, MB", extra, 2.0),
        (f"import xmla_headers: times {startup.BASE}", imports, 2.8),
        ("HeaderReader, 1 MB in chunks of 64 KiB: times bare pyexpat", reading.ratio("ours", "bare"), 1.15),
        ("HeaderReader, 450 B, id never seen: times bare pyexpat", short.ratio("ours", "bare"), 3.5),
        ("an attribute of 1 MB in pieces of 1 KB: times one piece", cutting.ratio("small", "one"), 3.0),
    ]
    return Table("further goals", ("question", "figure", "at most"), rows)
