"""The harness: it gives cases to a parser and reports where the labels and the parser disagree."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ._case import Case, Pair, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from types import TracebackType
    from typing import Self

__all__ = ["Answer", "Disagreement", "DisagreementKind", "Outcome", "answer", "compare", "serve"]


Parse: TypeAlias = Callable[[bytes], Iterable[Pair]]


class DisagreementKind(StrEnum):
    """How a parser and the labels differ."""

    ACCEPTED_BROKEN = "accepted-broken"
    """The parser accepts a message that must be refused."""
    REFUSED_VALID = "refused-valid"
    """The parser refuses a message that must be accepted."""
    DIFFERENT_BLOCKS = "different-blocks"
    """The parser accepts a message and returns other header blocks than it has."""
    HANG = "hang"
    """The parser gave no answer within the time."""
    CRASH = "crash"
    """The parser raised a BaseException that is no Exception, or its process ended."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """All cases of one rule in which a parser goes wrong in the same way.

    >>> from xmla_headers import fuzzing
    >>> case = next(fuzzing.iter_cases())
    >>> str(Disagreement(DisagreementKind.REFUSED_VALID, case.rule, (case,)))
    'plain: refused-valid (1 message, such as valid/plain/Session: nothing special)'
    """

    kind: DisagreementKind
    """How the parser differs."""
    rule: str
    """The name of a known behaviour if one shows; otherwise a code, a way of writing or a confusable."""
    cases: tuple[Case, ...]
    """The messages, at least one, in the order in which they were compared."""

    def __str__(self) -> str:
        first, count = self.cases[0], len(self.cases)
        messages = "1 message" if count == 1 else f"{count} messages"
        return f"{self.rule}: {self.kind} ({messages}, such as {first.name}: {first.note})"


class Outcome(StrEnum):
    """The reaction of a parser to a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    HUNG = "hung"
    CRASHED = "crashed"
    MISUSED = "misused"


class Answer(NamedTuple):
    """The answer of a parser to one message."""

    outcome: Outcome
    pairs: tuple[Pair, ...] = ()


# Seconds.
_LONGEST = 86_400


def compare(parse: Parse, cases: Iterable[Case], *, timeout: float = 10.0) -> tuple[Disagreement, ...]:
    """Give each message to a parser and return the disagreements, grouped by rule.

    The parser runs in a child process, so the caller does not see state that it keeps. A parser that gives
    no answer in time is killed, even in a loop in C code. One that raises a BaseException that is no
    Exception, or whose process ends, has crashed. Both are disagreements, and the remaining cases are
    compared in a new process. A message with the verdict `either` may be refused; if it is accepted, the
    header blocks must be right.

    Args:
        parse: Takes the bytes of a message. Returns a pair (local name, session id or None) for each
            session header, in document order, or raises an Exception to refuse the message. Where the
            platform cannot fork, it must be picklable.
        cases: A finite number of cases: take some of `iter_cases` with `itertools.islice`.
        timeout: Seconds for one message, above 0 and at most a day.

    Returns:
        One Disagreement for each rule and kind, in the order of the first case; empty if there are none.

    Raises:
        TypeError: An argument is of another type, or `parse` returned something else.
        ValueError: `timeout` is out of range.

    >>> from itertools import islice
    >>> from xmla_headers import HeaderBlock, decode, fuzzing
    >>> def parse(data):
    ...     blocks = [block for block in decode(data, deep=True).header if isinstance(block, HeaderBlock)]
    ...     return [(block.spec.local_name, getattr(block, "session_id", None)) for block in blocks]
    >>> fuzzing.compare(parse, islice(fuzzing.iter_cases(), 10))
    ()
    """
    if not callable(parse):
        msg = f"parse must be callable, not {type(parse).__name__}"
        raise TypeError(msg)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        msg = f"timeout must be a number of seconds, not {type(timeout).__name__}"
        raise TypeError(msg)
    if not 0 < timeout < _LONGEST:
        msg = "timeout must be a number of seconds above 0, a day at most"
        raise ValueError(msg)
    groups: dict[tuple[DisagreementKind, str], list[Case]] = {}
    with _Worker(parse, timeout) as worker:
        for case in cases:
            given = worker.answer(case.data)
            if given.outcome is Outcome.MISUSED:
                msg = "parse must return pairs of str: local name, and session id or None"
                raise TypeError(msg)
            for group in _disagreements(case, given):
                groups.setdefault(group, []).append(case)
    return tuple(Disagreement(kind, rule, tuple(found)) for (kind, rule), found in groups.items())


def _disagreements(case: Case, given: Answer) -> Iterator[tuple[DisagreementKind, str]]:
    """Yield kind and rule of each disagreement about one case."""
    if given.outcome is Outcome.HUNG:
        yield DisagreementKind.HANG, case.rule
    elif given.outcome is Outcome.CRASHED:
        yield DisagreementKind.CRASH, case.rule
    elif given.outcome is Outcome.REFUSED:
        if case.verdict is Verdict.ACCEPT:
            yield DisagreementKind.REFUSED_VALID, case.rule
    elif case.header is None and case.verdict is Verdict.EITHER:
        # Only this library refuses the message; the blocks that others find are unknown.
        pass
    elif case.header is None or given.pairs != case.pairs:
        kind = DisagreementKind.ACCEPTED_BROKEN if case.header is None else DisagreementKind.DIFFERENT_BLOCKS
        ids = {identifier for _, identifier in given.pairs}
        known: list[str] = [
            trap.behaviour for trap in case.traps if trap.found <= ids and not trap.missed & ids
        ]
        for rule in known or [case.rule]:
            yield kind, rule


# -- the child process ---------------------------------------------------------------------------------


class _Worker:
    """A child process that parses one message at a time; it is replaced when it does not answer."""

    def __init__(self, parse: Parse, timeout: float) -> None:
        can_fork = "fork" in multiprocessing.get_all_start_methods()
        # A forked process needs no pickle: most parsers in tests are closures.
        self._context = multiprocessing.get_context("fork" if can_fork else "spawn")
        self._parse = parse
        self._timeout = timeout
        self._process: BaseProcess | None = None
        self._connection: Connection[bytes, Answer]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        # The two kinds of contexts have no common base class with a Process in typeshed.
        process: BaseProcess = self._context.Process(  # type: ignore[attr-defined]
            target=serve, args=(self._parse, theirs, self._connection), daemon=True
        )
        process.start()
        theirs.close()
        self._process = process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None

    def answer(self, data: bytes) -> Answer:
        """Return the answer of the parser to one message."""
        if self._process is None:
            self._start()
        try:
            self._connection.send_bytes(data)
            if self._connection.poll(self._timeout):
                return self._connection.recv()
            outcome = Outcome.HUNG
        except (EOFError, OSError):
            outcome = Outcome.CRASHED
        self._stop()
        return Answer(outcome)


def serve(parse: Parse, connection: Connection[Answer, bytes], other_end: Connection[bytes, Answer]) -> None:
    """Answer messages until there are no more; this runs in the child process."""
    # The parent handles Ctrl-C, and then kills this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # With this end open, the process would never see the end of the messages.
    other_end.close()
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        connection.send(answer(parse, data))


def answer(parse: Callable[[bytes], object], data: bytes) -> Answer:
    """Return the answer of a parser to one message."""
    try:
        returned = parse(data)
        # A generator parses while it is being read.
        found = list(returned) if isinstance(returned, Iterable) else [returned]
    except Exception:  # noqa: BLE001 - any of them refuses the message
        return Answer(Outcome.REFUSED)
    except BaseException:  # noqa: BLE001 - the process has to go on
        return Answer(Outcome.CRASHED)
    pairs: list[Pair] = []
    for entry in found:
        match entry:
            # Plain str instead of a subclass: they are pickled for the other process.
            case (str() as name, None):
                pairs.append((str.__str__(name), None))
            case (str() as name, str() as identifier):
                pairs.append((str.__str__(name), str.__str__(identifier)))
            case _:
                return Answer(Outcome.MISUSED)
    return Answer(Outcome.ACCEPTED, tuple(pairs))
