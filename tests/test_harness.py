"""The harness: its reports about parsers that are correct, naive or broken."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.readers import READERS, broken_rules
from xmla_headers import SESSION_BLOCKS, SOAP_11_NS, Header, HeaderBlock, Session, decode, fuzzing
from xmla_headers.fuzzing import Behaviour, Case, Disagreement, DisagreementKind, Verdict, _harness
from xmla_headers.fuzzing._case import identifier_of
from xmla_headers.fuzzing._cases import first_pass
from xmla_headers.fuzzing._harness import Answer, Outcome
from xmla_headers.fuzzing._ways import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Pairs = list[tuple[str, str | None]]


def ours(data: bytes) -> Pairs:
    blocks = decode(data, deep=True).header
    return [
        (block.spec.local_name, identifier_of(block)) for block in blocks if isinstance(block, HeaderBlock)
    ]


def case_of(name: str, data: bytes, verdict: Verdict = Verdict.REJECT, header: Header | None = None) -> Case:
    return Case(name, data, frozenset(), header, f"note of {name}", "a clause", name, verdict)


# Cases for parsers that hang, crash or accept, between harmless ones.
MIXTURE = [
    case_of(name, name.encode())
    for name in ("a", "hang", "b", "crash", "c", "pass", "hang too", "d", "crash too")
]


def by_rule(found: tuple[Disagreement, ...]) -> dict[str, DisagreementKind]:
    return {difference.rule: difference.kind for difference in found}


@pytest.mark.slow
def test_compare_finds_nothing_about_our_decoder() -> None:
    assert fuzzing.compare(ours, islice(fuzzing.iter_cases(1), 3_000)) == ()


# -- hangs and crashes ---------------------------------------------------------------------------------


def _loop() -> Pairs:
    while True:
        pass


def _match_for_ever() -> Pairs:
    # It keeps the interpreter lock, so that no other thread runs.
    return [("never", str(re.match(r"(a|aa)+$", "a" * 200 + "b")))]


@pytest.mark.slow
@pytest.mark.parametrize("hang", [_loop, _match_for_ever, signal.pause])
def test_compare_continues_after_a_hang(hang: Callable[[], Any]) -> None:
    def parse(data: bytes) -> Pairs:
        if data.startswith(b"hang"):
            hang()
        if data != b"pass":
            raise ValueError
        return []

    found = by_rule(fuzzing.compare(parse, MIXTURE, timeout=1))
    kind = DisagreementKind
    assert found == {"hang": kind.HANG, "hang too": kind.HANG, "pass": kind.ACCEPTED_BROKEN}
    assert multiprocessing.active_children() == []


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "crash",
    [
        lambda: _raise(SystemExit(0)),
        lambda: _raise(KeyboardInterrupt()),
        lambda: _raise(GeneratorExit()),
        lambda: _raise(BaseException()),
        lambda: os._exit(0),
        lambda: os.kill(os.getpid(), signal.SIGKILL),
    ],
    ids=["exit", "interrupt", "generator", "base", "gone", "signal"],
)
def test_compare_continues_after_a_crash(crash: Callable[[], None]) -> None:
    def parse(data: bytes) -> Pairs:
        if data.startswith(b"crash"):
            crash()
        if data != b"pass":
            raise ValueError
        return []

    found = by_rule(fuzzing.compare(parse, MIXTURE, timeout=60))
    kind = DisagreementKind
    assert found == {"crash": kind.CRASH, "crash too": kind.CRASH, "pass": kind.ACCEPTED_BROKEN}
    assert multiprocessing.active_children() == []


def test_compare_ends_its_process_when_interrupted() -> None:
    def cases() -> Iterator[Case]:
        yield MIXTURE[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fuzzing.compare(ours, cases())
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_compare_works_without_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    cases = islice(fuzzing.iter_cases(), 20)
    assert fuzzing.compare(ours, cases, timeout=60) == ()


# -- reports -------------------------------------------------------------------------------------------


def test_compare_groups_by_rule_and_kind() -> None:
    header = Header(Session("a"))
    cases = [
        case_of("valid", b"1", Verdict.ACCEPT, header),
        case_of("valid", b"2", Verdict.ACCEPT, header),
        case_of("valid", b"3", Verdict.ACCEPT, header),
        case_of("broken", b"4"),
        case_of("warned", b"refused", Verdict.EITHER, header),
        case_of("limited", b"5", Verdict.EITHER),
        case_of("warned", b"6", Verdict.EITHER, header),
    ]

    def parse(data: bytes) -> Pairs:
        if data in (b"1", b"2", b"refused"):
            raise LookupError
        return [("Session", "b")]

    found = fuzzing.compare(parse, cases)
    kind = DisagreementKind
    assert found == (
        Disagreement(kind.REFUSED_VALID, "valid", (cases[0], cases[1])),
        Disagreement(kind.DIFFERENT_BLOCKS, "valid", (cases[2],)),
        Disagreement(kind.ACCEPTED_BROKEN, "broken", (cases[3],)),
        Disagreement(kind.DIFFERENT_BLOCKS, "warned", (cases[6],)),
    )
    assert str(found[0]) == "valid: refused-valid (2 messages, such as valid: note of valid)"
    assert str(found[1]) == "valid: different-blocks (1 message, such as valid: note of valid)"


def test_compare_accepts_a_parser_that_is_a_generator() -> None:
    def parse(data: bytes) -> Iterator[tuple[str, str | None]]:
        yield from ours(data)

    assert fuzzing.compare(parse, islice(fuzzing.iter_cases(), 300)) == ()


@pytest.mark.parametrize(
    "returned",
    [None, "Session", 1, [None], ["Session"], [("Session",)], [(1, "a")], [("Session", 1)], {"a": "b"}],
)
def test_compare_refuses_other_return_values(returned: Any) -> None:
    with pytest.raises(TypeError, match="pairs of str"):
        fuzzing.compare(lambda _: returned, MIXTURE[:1])


@pytest.mark.parametrize(
    ("parse", "timeout", "error"),
    [(None, 1, TypeError), (ours, 0, ValueError), (ours, -1.5, ValueError), (ours, float("nan"), ValueError)],
)
def test_compare_refuses_invalid_arguments(parse: Any, timeout: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        fuzzing.compare(parse, [], timeout=timeout)


class _Pipe:
    """A pipe of the child process with two messages in it."""

    def __init__(self) -> None:
        self.messages = [b"x", b"y"]
        self.answers: list[Answer] = []
        self.closed = False

    def recv_bytes(self) -> bytes:
        if not self.messages:
            raise EOFError
        return self.messages.pop()

    def send(self, answer: Answer) -> None:
        self.answers.append(answer)

    def close(self) -> None:
        self.closed = True


def test_child_process_answers_until_the_pipe_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    pipe: Any = _Pipe()
    other: Any = _Pipe()
    try:
        _harness.serve(ours, pipe, other)
        # The parent handles Ctrl-C.
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert pipe.answers == [Answer(Outcome.REFUSED)] * 2
    assert other.closed


def _interrupted(_data: bytes) -> Pairs:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("parse", "answer"),
    [
        (
            lambda _: [("Session", "a"), ["EndSession", None]],
            Answer(Outcome.ACCEPTED, (("Session", "a"), ("EndSession", None))),
        ),
        (ours, Answer(Outcome.REFUSED)),
        (_interrupted, Answer(Outcome.CRASHED)),
        (lambda _: None, Answer(Outcome.MISUSED)),
    ],
)
def test_answer_describes_the_reaction_of_the_parser(parse: Callable[[bytes], Any], answer: Answer) -> None:
    assert _harness.answer(parse, b"") == answer


# -- known misbehaviour --------------------------------------------------------------------------------


def _session_headers(data: bytes, *, keep: Callable[[list[Any]], list[Any]]) -> Pairs:
    names = set(SESSION_BLOCKS)
    header = ET.fromstring(data).find(f"{{{SOAP_11_NS}}}Header")
    found = [] if header is None else [block for block in header if block.tag in names]
    return [(block.tag.rpartition("}")[2], block.get("SessionId")) for block in keep(found)]


def _text(pattern: str) -> Callable[[bytes], Pairs]:
    def parse(data: bytes) -> Pairs:
        text = data.decode()
        return [("Session", sid) for sid in re.findall(pattern, text)]

    return parse


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parse", "behaviour"),
    [
        (lambda data: _session_headers(data, keep=lambda found: found[:1]), Behaviour.FIRST_ALTERNATIVE),
        (lambda data: _session_headers(data, keep=lambda found: found[-1:]), Behaviour.LAST_ALTERNATIVE),
        (_text(r'<Session [^>]*SessionId="([^"]*)"'), Behaviour.PREFIX_LITERAL),
        (_text(r'<Session [^>]*SessionId="([^"]*)"'), Behaviour.COMMENTS),
        (_text(r'<\w+:Session [^>]*SessionId="([^"]*)"'), Behaviour.DEFAULT_NAMESPACE_MISSED),
        (_text(r'<Session [^>]*SessionId="([^"]*)"'), Behaviour.DOUBLE_QUOTES_ONLY),
        (_text(r'SessionId="([^"]*)"'), Behaviour.RAW_REFERENCES),
        (_text(r'SessionId="([^"]*)"'), Behaviour.VALUES),
        (lambda data: [(name, sid and sid.strip()) for name, sid in ours(data)], Behaviour.TRIMMED),
        (_text(r'(?i)<session [^>]*sessionid="([^"]*)"'), Behaviour.ANY_CASE),
        (_text(r'[ :]SessionId="([^"]*)"'), Behaviour.ANY_ATTRIBUTE_NAMESPACE),
    ],
)
def test_compare_names_the_behaviour_of_naive_readers(
    parse: Callable[[bytes], Pairs], behaviour: Behaviour
) -> None:
    found = fuzzing.compare(parse, first_pass(Given(SESSION_BLOCKS, None)))
    assert behaviour in {difference.rule for difference in found}


def test_compare_names_no_behaviour_of_good_readers() -> None:
    def parse(data: bytes) -> Pairs:
        return _session_headers(data, keep=lambda found: found)

    found = fuzzing.compare(parse, first_pass(Given(SESSION_BLOCKS, None)))
    # It reads children of the first Header only, with a correct XML parser, and checks nothing else.
    named = {difference.rule for difference in found} & set(Behaviour)
    assert named == {Behaviour.EVERY_DUPLICATE, Behaviour.ANY_HEADER, Behaviour.DTD}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reader", "behaviours"),
    [
        ("lxml, by local name", {Behaviour.ANY_NAMESPACE, Behaviour.ANY_DEPTH, Behaviour.EVERY_DUPLICATE}),
        ("ElementTree `find`", {Behaviour.FIRST_DUPLICATE, Behaviour.ANY_DEPTH, Behaviour.BODY}),
        ("ElementTree into a dict", {Behaviour.LAST_DUPLICATE}),
        ("minidom `item(0)`", {Behaviour.FIRST_DUPLICATE, Behaviour.OUTSIDE_HEADER}),
        (
            '`/sessionid="([^"]+)"/i`',
            {Behaviour.COMMENTS, Behaviour.CDATA, Behaviour.BODY, Behaviour.ANY_CASE},
        ),
    ],
)
def test_compare_names_the_behaviour_of_real_readers(reader: str, behaviours: set[str]) -> None:
    assert behaviours <= broken_rules(READERS[reader])


@pytest.mark.parametrize("timeout", ["1", True, None])
def test_compare_timeout_of_wrong_type_raises_type_error(timeout: Any) -> None:
    with pytest.raises(TypeError, match=f"timeout must be a number of seconds, not {type(timeout).__name__}"):
        fuzzing.compare(ours, (), timeout=timeout)
