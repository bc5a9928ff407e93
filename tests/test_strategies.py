"""The strategies: they draw correctly labelled values that shrink well, and Hypothesis knows them by type."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tests.profiles import scaled
from tests.test_fuzzing import ALL_TYPES, check
from xmla_headers import (
    RULES,
    BeginSession,
    Code,
    EndSession,
    Envelope,
    Fault,
    FaultEntry,
    Fragment,
    Header,
    HeaderBlock,
    Session,
    Severity,
    SoapVersion,
    UnknownHeaderBlock,
    decode,
    encode,
    strategies,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from xmla_headers.fuzzing import Case

# Enough examples to shrink, and the same ones in each run.
SEARCH = settings(max_examples=2_000, database=None, derandomize=True, deadline=None)


@settings(max_examples=scaled(300), deadline=None)
@given(strategies.messages())
def test_messages_are_accepted_and_correctly_labelled(case: Case) -> None:
    check([case])
    assert case.header is not None
    assert all(RULES[code].severity is Severity.WARNING for code in case.expected)


@settings(max_examples=scaled(300), deadline=None)
@given(strategies.broken_messages())
def test_broken_messages_are_refused_and_correctly_labelled(case: Case) -> None:
    check([case])
    assert case.header is None
    assert RULES[Code(case.rule)].severity is Severity.ERROR


@settings(max_examples=scaled(100), deadline=None)
@given(strategies.messages(ALL_TYPES), strategies.broken_messages(ALL_TYPES))
def test_messages_use_other_types(first: Case, second: Case) -> None:
    check([first, second], types=ALL_TYPES)


@settings(max_examples=scaled(100), deadline=None)
@given(strategies.envelopes())
def test_envelopes_survive_a_round_trip(envelope: Envelope) -> None:
    assert decode(encode(envelope)) == envelope


# -- shrinking -----------------------------------------------------------------------------------------

OPEN = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header'
CLOSE = b'<s:Body><Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/></s:Body></s:Envelope>'
SESSION = b'<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="%b"/>'
BEGIN = b'<BeginSession xmlns="urn:schemas-microsoft-com:xml-analysis"/>'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fails", "smallest"),
    [
        (lambda _: True, OPEN + b"/>" + CLOSE),
        (lambda case: case.header.session, OPEN + b">" + SESSION % b"" + b"</s:Header>" + CLOSE),
        (
            lambda case: case.header.session and len(case.header.session.session_id) > 3,
            OPEN + b">" + SESSION % b"0000" + b"</s:Header>" + CLOSE,
        ),
        (
            lambda case: len(case.header) > 1 and case.header.session and case.header.begin_session,
            OPEN + b">" + BEGIN + SESSION % b"" + b"</s:Header>" + CLOSE,
        ),
    ],
    ids=["anything", "a-session", "an-id", "two-blocks"],
)
def test_messages_shrink_to_the_smallest_that_fails(fails: Callable[[Case], Any], smallest: bytes) -> None:
    found = find(strategies.messages(), lambda case: bool(fails(case)), settings=SEARCH)
    # A short unusual id may remain.
    assert len(found.data) <= len(smallest) + 16
    assert found.data.startswith(smallest[: len(OPEN)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "shown",
    [
        lambda data: b"<!--" in data,
        lambda data: data[:2] == b"\xff\xfe",
    ],
    ids=["comments", "utf-16"],
)
def test_messages_shrink_to_one_unusual_way_of_writing(shown: Callable[[bytes], bool]) -> None:
    found = find(strategies.messages(), lambda case: shown(case.data), settings=SEARCH)
    # UTF-16 takes two bytes for each of about three hundred characters.
    assert len(found.data) < 750
    assert len(found.expected) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("code", [Code.DUPLICATE_BODY, Code.MISSING_ATTRIBUTE])
def test_broken_messages_shrink_to_one_broken_rule(code: Code) -> None:
    # Hypothesis also draws constants of loaded modules; in a new process they are always the same.
    done = run(
        "from hypothesis import find, settings\n"
        "from xmla_headers import strategies\n"
        "search = settings(max_examples=2_000, database=None, derandomize=True, deadline=None)\n"
        f"wanted = lambda case: {str(code)!r} in case.expected\n"
        "found = find(strategies.broken_messages(), wanted, settings=search)\n"
        "print(*found.expected, len(found.data) < 400)"
    )
    assert (done.stdout, done.stderr) == (f"{code} True\n", "")


# -- by type -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        BeginSession,
        Session,
        EndSession,
        UnknownHeaderBlock,
        Header,
        Fragment,
        Envelope,
        Fault,
        FaultEntry,
        SoapVersion,
    ],
)
def test_from_type_draws_each_value(kind: type[Any]) -> None:
    assert isinstance(find(st.from_type(kind), lambda _: True, settings=SEARCH), kind)


@pytest.mark.slow
def test_from_type_draws_the_base_of_header_blocks() -> None:
    found = find(st.from_type(HeaderBlock), lambda block: type(block) is EndSession, settings=SEARCH)
    assert found == EndSession("")


@pytest.mark.slow
def test_from_type_still_draws_abstract_base_classes() -> None:
    # Header is a Sequence, and all values are Hashable; the program imports no module of this library.
    done = run(
        "import collections.abc as abc, hypothesis.strategies as st, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "kinds = [abc.Iterable, abc.Sequence[int], abc.Collection, abc.Container, abc.Hashable]\n"
        "for kind in [*kinds, abc.Reversible, abc.Sized, abc.Iterable[int], object]:\n"
        "    for _ in range(5):\n"
        "        st.from_type(kind).example()\n"
    )
    assert not done.returncode, done.stderr[-2_000:]


@given(strategies.faults())
def test_faults_survive_a_round_trip(fault: Fault) -> None:
    assert decode(encode(Envelope(body=fault.to_body()))).fault == fault


def test_entry_point_is_installed() -> None:
    (entry,) = (
        entry for entry in importlib.metadata.entry_points(group="hypothesis") if entry.name == "xmla_headers"
    )
    assert entry.value == "xmla_headers._hypothesis:register"


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["hypothesis.strategies", "xmla_headers.strategies", "xmla_headers"])
def test_from_type_needs_no_import_of_the_strategies(first: str) -> None:
    done = run(
        f"import {first}\n"
        "from hypothesis import find, strategies as st\n"
        "from xmla_headers import Session\n"
        "print(type(find(st.from_type(Session), lambda block: True)).__name__)"
    )
    assert (done.stdout, done.stderr) == ("Session\n", "")


def test_import_without_hypothesis_says_what_to_install() -> None:
    with mock.patch.dict(sys.modules, {"hypothesis": None}):
        del sys.modules["xmla_headers.strategies"]
        with pytest.raises(ImportError) as caught:
            importlib.import_module("xmla_headers.strategies")
    assert str(caught.value) == ("xmla_headers.strategies needs Hypothesis: pip install 'xmla_headers[fuzz]'")
