"""The benchmarks measure what their names say, and say what they cannot measure."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from benchmarks import _messages, instructions
from benchmarks._measure import differences
from xmla_headers import Code, decode, iter_findings

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS: dict[str, tuple[Callable[..., bytes], set[Code]]] = {
    "request": (partial(_messages.request, 450), set()),
    "warning": (partial(_messages.unqualified, 450), {Code.UNQUALIFIED_MUST_UNDERSTAND}),
    "reference": (partial(_messages.referring, 450), set()),
    "reference in the id": (partial(_messages.referring, 450, in_id=True), set()),
    "three blocks": (partial(_messages.first_request, begins=False), set()),
    "answer": (partial(_messages.answer, 1_000), set()),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_measured_messages_have_ids_of_their_own(name: str) -> None:
    make, codes = REQUESTS[name]
    chance = _messages.seeded()
    messages = [make(chance=chance) for _ in range(20)]
    sessions = [decode(message).header.session for message in messages]
    assert len({session.session_id for session in sessions if session is not None}) == len(messages)
    assert {finding.code for finding in iter_findings(messages[0])} == codes


@pytest.mark.parametrize("in_id", [False, True])
def test_measured_reference_is_where_it_is_said(in_id: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    session_id, actor = b'SessionId="&#65;', b'actor="urn:a&amp;b"'
    message = _messages.referring(450, _messages.seeded(), in_id=in_id)
    assert (session_id in message, actor in message) == (in_id, not in_id)


def test_instructions_without_valgrind_say_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(subprocess, "run", None)
    (table,) = instructions.run(quick=True)
    assert str(table) == "instructions: not counted, because valgrind is not installed"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"expat": "2.6.4"}, ["another machine or interpreter: expat 2.5.0, here 2.6.4"]),
        ({"machine": "b"}, ["another machine or interpreter: machine a, here b"]),
        ({"lxml": "7"}, ["other versions of the peers: lxml 6, here 7"]),
        ({"suds": "1"}, ["other versions of the peers: suds not measured, here 1"]),
        (
            {"python": "3.12", "lxml": "7"},
            [
                "another machine or interpreter: python 3.11, here 3.12",
                "other versions of the peers: lxml 6, here 7",
            ],
        ),
    ],
)
def test_run_in_another_environment_says_what_differs(changed: dict[str, str], expected: list[str]) -> None:
    committed = {"python": "3.11", "expat": "2.5.0", "machine": "a", "lxml": "6"}
    found = list(differences(committed, {**committed, **changed}))
    assert found == [f"the committed figures come from {each}" for each in expected]
