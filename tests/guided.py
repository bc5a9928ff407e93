"""Coverage-guided fuzzing of our own code, with atheris: `python -m tests.guided FOLDER [libFuzzer options]`.

Asserts for any bytes what `tests.invariants.hold` does: decode returns an Envelope or raises
XmlaHeadersError; with a cache and without, by the fast end of the Body and the exact one, whole and in
pieces it is the same; decode_header, iter_findings, with_blocks, without_blocks, encode and Fault agree.
FOLDER keeps what has been found to reach new code, beginning with the labelled cases. With `--hypothesis`
in front of it the bytes are choices of the strategies instead of messages. Crashes are written to the
working directory; each becomes a test.
"""

from __future__ import annotations

import re
import sys
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DATA = Path(__file__).resolve().parent / "data"
#: In front of a tag, and behind a tag or an attribute.
_JOINT = re.compile(rb"(?=<)|(?<=[> ])")
#: Longer messages are slow, and say nothing new.
LONGEST = 4_096


def seeds() -> list[bytes]:
    """Return what to begin with: the labelled cases, and what others have sent."""
    from xmla_headers.fuzzing import iter_cases

    found = [case.data for case in islice(iter_cases(), 2_000)]
    found += [path.read_bytes() for path in sorted((DATA / "captured").glob("*.xml"))]
    return [data for data in found if len(data) <= LONGEST]


class Mutator:
    """Changes messages where they have joints: at tags, and by pieces of other messages."""

    def __init__(self, others: Sequence[bytes], mutate: Callable[[bytes, int], bytes]) -> None:
        self._others = others
        self._mutate = mutate

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        kind = chance.randrange(6)
        if kind == 0 or not data:
            return self._mutate(data, most)[:most]
        pieces = _pieces(data)
        other = _pieces(chance.choice(self._others))
        place = chance.randrange(len(pieces) + 1)
        if kind == 1:
            pieces[place:place] = [chance.choice(other)]
        elif kind == 2:
            start = chance.randrange(len(other))
            pieces[place : place + 1] = other[start : start + chance.randrange(1, 5)]
        elif kind == 3:
            del pieces[place : place + chance.randrange(1, 4)]
        elif kind == 4:
            start = chance.randrange(len(pieces))
            pieces[place:place] = pieces[start : start + chance.randrange(1, 5)]
        else:
            index = min(place, len(pieces) - 1)
            pieces[index] = self._mutate(pieces[index], most)
        return b"".join(pieces)[:most]


def _pieces(data: bytes) -> list[bytes]:
    """Cut a message in front of each tag, and between its attributes."""
    return [piece for piece in _JOINT.split(data) if piece] or [b""]


def main(arguments: list[str]) -> None:
    import atheris

    by_choices = "--hypothesis" in arguments
    arguments = [argument for argument in arguments if argument != "--hypothesis"]
    with atheris.instrument_imports(include=["xmla_headers"]):
        from tests.invariants import hold
    folder = next((Path(argument) for argument in arguments[1:] if not argument.startswith("-")), None)
    options: dict[str, Any] = {}
    target: Callable[[bytes], object] = hold
    if by_choices:
        target = _property(hold)
    else:
        # Looked up late: atheris has another one once it runs.
        options["custom_mutator"] = Mutator(seeds(), lambda data, most: atheris.Mutate(data, most))  # noqa: PLW0108
        if folder is not None and not any(folder.iterdir()):
            for number, data in enumerate(seeds()):
                (folder / f"seed-{number:04}").write_bytes(data)
    atheris.Setup([*arguments, f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=2048"], target, **options)
    atheris.Fuzz()


def _property(hold: Callable[[bytes], None]) -> Callable[[bytes], object]:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    from tests.messages import everyday, messages, mutated

    @settings(database=None)
    @given(st.one_of(messages(), mutated(), everyday()))
    def test(data: bytes) -> None:
        hold(data)

    fuzz: Callable[[bytes], object] = test.hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    return fuzz


if __name__ == "__main__":
    main(sys.argv)
