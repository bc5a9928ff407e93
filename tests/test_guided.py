"""Each target of `tests.guided` reads its corpus, so that repaired mistakes do not return."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests import guided
from tests.guided import CORPUS, LONGEST, Mutator, grown, inputs, shortened
from tests.guided_targets import ALPHABET, TARGETS

if TYPE_CHECKING:
    from pathlib import Path

#: The size of all inputs together, in bytes: the corpus is part of every clone.
_MOST = 500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_target_with_its_corpus_finds_nothing(name: str) -> None:
    found = inputs(CORPUS / name)
    assert found
    for data in found:
        TARGETS[name](data)


def test_corpus_has_a_folder_for_each_target() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == set(TARGETS)


def test_corpus_stays_small() -> None:
    sizes = [len(data) for name in TARGETS for data in inputs(CORPUS / name)]
    assert max(sizes) <= LONGEST
    assert sum(sizes) <= _MOST


def test_shortened_input_still_fails() -> None:
    def target(data: bytes) -> None:
        if b"NO" in data:
            raise ValueError

    assert shortened(target, b"so much that is of no use NO and more of it") == b"NO"


def test_shortened_with_another_failure_keeps_the_first() -> None:
    def target(data: bytes) -> None:
        if b"first" in data:
            raise ValueError
        raise TypeError

    assert shortened(target, b"the first and the second") == b"first"


def test_grown_keeps_only_inputs_that_reach_new_branches(tmp_path: Path) -> None:
    message = b"<Envelope/>"
    assert grown("utf8", tmp_path, [message, message + b"\n" * 100]) >= 1
    kept = inputs(tmp_path)
    assert message in kept
    assert grown("utf8", tmp_path, kept) == 0


@pytest.mark.parametrize("data", [b"", b"<a><b c='d'/></a>", b"no markup"])
def test_mutator_with_one_seed_gives_one_result(data: bytes) -> None:
    mutator = Mutator([b"<e/>"], ALPHABET, lambda data, _: data[::-1])
    for seed in range(200):
        mutated = mutator(data, 30, seed)
        assert mutated == mutator(data, 30, seed)
        assert len(mutated) <= 30


def test_branches_of_an_input_leave_the_trace_function() -> None:
    def trace(*_: object) -> None: ...

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        guided._branches(lambda _: None, b"")
        assert sys.gettrace() is trace
    finally:
        sys.settrace(outer)
