"""Which messages of the fuzz kit do the peers read wrongly?"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
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
    # After the first pass, the names begin with mixed/.
    cases = list(takewhile(lambda case: not case.name.startswith("mixed/"), fuzzing.iter_cases()))
    there, missing = peers.installed()
    readers: dict[str, Read] = {"decode": _decoded}
    readers |= {name: partial(_read, peer.read) for name, peer in there.items()}
    found = {name: fuzzing.compare(read, cases, timeout=60) for name, read in readers.items()}
    broken = [case for case in cases if case.verdict is Verdict.REJECT]
    rows: list[tuple[Cell, ...]] = [
        (name, *_counts(disagreements, broken)) for name, disagreements in found.items()
    ]
    notes = [f"{len(cases)} {NOTES[0]}, {len(broken)} of them broken", *NOTES[1:], *missing]
    yield Table("what the peers accept", COUNTS, rows, notes)

    kinds: dict[str, set[str]] = defaultdict(set)
    for case in broken:
        kinds[_kind(case)].add(case.name)
    del kinds[""]
    rows = [(name, *_accepted(disagreements, kinds)) for name, disagreements in found.items()]
    totals = [f"{kind} ({len(names)})" for kind, names in kinds.items()]
    yield Table("broken messages that they accept, of how many", ("reader", *totals), rows)

    shown = {name: {each.rule for each in disagreements} for name, disagreements in found.items()}
    rows = [
        (str(behaviour), *("yes" if behaviour in rules else None for rules in shown.values()))
        for behaviour in Behaviour
        if any(behaviour in rules for rules in shown.values())
    ]
    yield Table("known misreadings that show", ("behaviour", *found), rows)


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
