"""Which messages of the fuzz kit do the peers read wrongly?"""

from __future__ import annotations

import re
from functools import partial
from importlib.metadata import version
from itertools import takewhile
from typing import TYPE_CHECKING

from xmla_headers import SESSION_BLOCKS, HeaderBlock, decode, fuzzing
from xmla_headers.fuzzing import Behaviour, DisagreementKind, Verdict

from . import peers
from ._measure import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.fuzzing import Case, Disagreement

    from ._measure import Cell

    Read = Callable[[bytes], list[tuple[str, str | None]]]

COUNTS = (
    *("reader", "refused rightly", "accepted, but broken"),
    *("refused, but right", "other blocks or ids", "no answer"),
)
NOTES = [
    "messages of the first pass of fuzzing.iter_cases, the same for all; decode with `deep`",
    "no answer: the process ended, or took a minute",
    "xsdata, zeep and spyne refuse a Body whose operation they do not know, which most of them have",
]
# Messages of `not-well-formed` that are about namespaces have these words in their names.
_PREFIXES = re.compile("prefix|colon|expanded-name")
# The kind of a broken message -> the rules that it breaks.
_KINDS: dict[str, frozenset[str]] = {
    "DOCTYPE": frozenset({"dtd-forbidden"}),
    "instruction": frozenset({"processing-instruction"}),
    "not well-formed": frozenset({"not-well-formed", "not-xml"}),
    "encoding": frozenset({"encoding-error"}),
    "namespaces": frozenset({"wrong-soap-namespace", "not-an-envelope"}),
    "duplicate block": frozenset({"duplicate-header-block"}),
    "no SessionId": frozenset({"missing-attribute"}),
    "mustUnderstand": frozenset({"invalid-must-understand", "conflicting-must-understand"}),
}


def run(*, quick: bool) -> Iterator[Table]:  # noqa: ARG001 - the messages are always the same
    there, missing = peers.installed()
    cases = _cases()
    broken = _broken(cases)
    found = {name: _compared(read, cases) for name, read in _readers(there).items()}
    rows: list[tuple[Cell, ...]] = [(name, *_counts(each, broken)) for name, each in found.items()]
    notes = [f"{len(cases)} {NOTES[0]}, {len(broken)} of them broken", *NOTES[1:], *missing]
    yield Table("what the peers accept", COUNTS, rows, notes)

    kinds = _kinds(broken)
    rows = [(name, *_accepted(each, kinds)) for name, each in found.items()]
    totals = (f"{kind} ({len(names)})" for kind, names in kinds.items())
    yield Table("broken messages that they accept, of how many", ("reader", *totals), rows)

    shown = {name: {each.rule for each in disagreements} for name, disagreements in found.items()}
    rows = [
        (str(behaviour), *("yes" if behaviour in rules else None for rules in shown.values()))
        for behaviour in Behaviour
        if any(behaviour in rules for rules in shown.values())
    ]
    yield Table("known misreadings that show", ("behaviour", *found), rows)


def markdown() -> dict[str, str]:
    """Return the rows of the table in docs/figures.md, by reader; its head has an empty name."""
    there, _ = peers.installed()
    cases = _cases()
    broken = _broken(cases)
    kinds = _kinds(broken)
    totals = (f"{kind}, of {len(names)}" for kind, names in kinds.items())
    lines = {"": _line(("reader", f"broken, of {len(broken)}", *totals, *COUNTS[3:5]))}
    for name, read in _readers(there).items():
        found = _compared(read, cases)
        _, accepted, refused, other, _ = _counts(found, broken)
        shown = f"{name} {installed}" if (installed := _version(name)) else name
        counts = (accepted, *_accepted(found, kinds), refused, other)
        lines[name] = _line((shown, *(f"{count:.0f}" for count in counts)))
    return lines


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _version(name: str) -> str | None:
    """Return the version of the package that a reader needs; None for one that needs none."""
    distribution = peers.distribution(name) if name in peers.NAMES else None
    return None if distribution is None else version(distribution)


def _cases() -> list[Case]:
    # After the first pass, the names begin with mixed/.
    return list(takewhile(lambda case: not case.name.startswith("mixed/"), fuzzing.iter_cases()))


def _broken(cases: list[Case]) -> list[Case]:
    return [case for case in cases if case.verdict is Verdict.REJECT]


def _kinds(broken: list[Case]) -> dict[str, set[str]]:
    """Return the names of the broken messages of each kind that the table shows."""
    kinds: dict[str, set[str]] = {kind: set() for kind in _KINDS}
    for case in broken:
        if kind := _kind(case):
            kinds[kind].add(case.name)
    return kinds


def _readers(there: dict[str, peers.Peer]) -> dict[str, Read]:
    """Return decode and the peers as functions for fuzzing.compare."""
    return {"decode": _decoded, **{name: partial(_read, peer.read) for name, peer in there.items()}}


def _compared(read: Read, cases: list[Case]) -> tuple[Disagreement, ...]:
    """Return where a reader and the labels disagree."""
    return fuzzing.compare(read, cases, timeout=60)


def _decoded(data: bytes) -> list[tuple[str, str | None]]:
    blocks = (block for block in decode(data, deep=True).header if isinstance(block, HeaderBlock))
    return [(block.spec.local_name, getattr(block, "session_id", None)) for block in blocks]


def _read(read: Callable[[bytes], peers.Message], data: bytes) -> list[tuple[str, str | None]]:
    blocks = read(data).blocks
    return [
        (SESSION_BLOCKS[block.name].spec.local_name, block.session_id)
        for block in blocks
        if block.name in SESSION_BLOCKS
    ]


def _names(disagreements: tuple[Disagreement, ...], *kinds: DisagreementKind) -> set[str]:
    """Return the names of the messages about which a reader goes wrong in one of these ways."""
    # A message that shows two behaviours is in both groups.
    return {case.name for found in disagreements if found.kind in kinds for case in found.cases}


def _counts(disagreements: tuple[Disagreement, ...], broken: list[Case]) -> Iterator[float]:
    accepted = _names(disagreements, DisagreementKind.ACCEPTED_BROKEN)
    unanswered = _names(disagreements, DisagreementKind.CRASH, DisagreementKind.HANG)
    yield float(len({case.name for case in broken} - accepted - unanswered))
    yield float(len(accepted))
    yield float(len(_names(disagreements, DisagreementKind.REFUSED_VALID)))
    yield float(len(_names(disagreements, DisagreementKind.DIFFERENT_BLOCKS)))
    yield float(len(unanswered))


def _kind(case: Case) -> str:
    """Return the kind of a broken message, or an empty string if the table does not show it."""
    if case.rule == "not-well-formed" and _PREFIXES.search(case.name):
        return "namespaces"
    return next((kind for kind, rules in _KINDS.items() if case.rule in rules), "")


def _accepted(disagreements: tuple[Disagreement, ...], kinds: dict[str, set[str]]) -> Iterator[float]:
    accepted = _names(disagreements, DisagreementKind.ACCEPTED_BROKEN)
    return (float(len(accepted & names)) for names in kinds.values())


if __name__ == "__main__":
    head, *lines = markdown().values()
    print(head, "|---" * (head.count("|") - 1) + "|", *lines, sep="\n")
