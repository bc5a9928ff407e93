"""The harness: aims cases at a parser, and says where the two disagree."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from xmla_headers.model import HeaderBlock

from ._case import Case, Verdict, identifier_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from types import TracebackType
    from typing import Self, TypeAlias

    from xmla_headers.envelope import Header

    #: Local name and session id of a header block, None where it has no id.
    Pair: TypeAlias = tuple[str, str | None]
    Parse: TypeAlias = Callable[[bytes], Iterable[Pair]]

__all__ = ["Answer", "Disagreement", "DisagreementKind", "Outcome", "answer", "compare", "pairs_of", "serve"]


class DisagreementKind(StrEnum):
    """How a parser and the cases differ."""

    #: It takes what must be refused.
    ACCEPTED_BROKEN = "accepted-broken"
    #: It refuses what must be taken.
    REFUSED_VALID = "refused-valid"
    #: It takes a message, and gives other header blocks than there are in it.
    DIFFERENT_BLOCKS = "different-blocks"
    #: It gave no answer within the time.
    HANG = "hang"
    #: It raised what is no Exception, or its process ended.
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """All cases of one rule in which a parser goes wrong in the same way."""

    kind: DisagreementKind
    #: A known behaviour where it can be told, else a code, a way of writing or a confusable.
    rule: str
    cases: tuple[Case, ...]

    def __str__(self) -> str:
        first, count = self.cases[0], len(self.cases)
        messages = "1 message" if count == 1 else f"{count} messages"
        return f"{self.rule}: {self.kind} ({messages}, such as {first.name}: {first.note})"


class Outcome(StrEnum):
    """What a parser does with a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    HUNG = "hung"
    CRASHED = "crashed"
    MISUSED = "misused"


class Answer(NamedTuple):
    """What a parser says to a message."""

    outcome: Outcome
    pairs: tuple[Pair, ...] = ()


#: Seconds.
_LONGEST = 86_400


def compare(parse: Parse, cases: Iterable[Case], *, timeout: float = 10.0) -> tuple[Disagreement, ...]:
    """Give each message to a parser, and return where it disagrees, grouped by rule.

    `parse` takes bytes and returns a pair (local name, session id or None) for each session header, in
    document order, or raises an Exception to refuse the message. `cases` must end: take some of
    `iter_cases` with `itertools.islice`. What deployed software disagrees about may be refused, but not
    be read otherwise.

    The parser runs in a child process, forked where the platform can fork; elsewhere `parse` must be
    picklable. One that gives no answer within `timeout` seconds is killed, which ends any loop, in C as
    well; one that raises what is no Exception, or whose process ends, has crashed. Both are disagreements
    of their own kind, and the rest of the cases goes on, in a new process if the old one is gone. State
    that the parser keeps is therefore not seen by the caller. Raises TypeError when `parse` returns
    anything else.
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
    if given.outcome is Outcome.HUNG:
        yield DisagreementKind.HANG, case.rule
    elif given.outcome is Outcome.CRASHED:
        yield DisagreementKind.CRASH, case.rule
    elif given.outcome is Outcome.REFUSED:
        if case.verdict is Verdict.ACCEPT:
            yield DisagreementKind.REFUSED_VALID, case.rule
    elif case.header is None and case.verdict is Verdict.EITHER:
        # What others make of a message that only this library refuses is not known.
        pass
    elif case.header is None or given.pairs != pairs_of(case.header):
        kind = DisagreementKind.ACCEPTED_BROKEN if case.header is None else DisagreementKind.DIFFERENT_BLOCKS
        ids = {identifier for _, identifier in given.pairs}
        known: list[str] = [
            trap.behaviour for trap in case.traps if trap.found <= ids and not trap.missed & ids
        ]
        for rule in known or [case.rule]:
            yield kind, rule


def pairs_of(header: Header) -> tuple[Pair, ...]:
    """Return what a parser should give for a Header."""
    return tuple(
        (block.spec.local_name, identifier_of(block)) for block in header if isinstance(block, HeaderBlock)
    )


# -- the child process ---------------------------------------------------------------------------------


class _Worker:
    """A child process that parses one message at a time, and is replaced when it does not answer."""

    def __init__(self, parse: Parse, timeout: float) -> None:
        can_fork = "fork" in multiprocessing.get_all_start_methods()
        # Forked, it needs no pickle: most parsers in tests are closures.
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
        # Both forks and spawns: typeshed gives the two contexts no common base with a Process.
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
    """Answer messages until there are no more; for the child process."""
    # Ctrl-C is for the parent, which then kills this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Else this process would never see the end of the messages.
    other_end.close()
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        connection.send(answer(parse, data))


def answer(parse: Callable[[bytes], object], data: bytes) -> Answer:
    """Return what a parser says to a message."""
    try:
        returned = parse(data)
        # A generator parses while it is read.
        found = list(returned) if isinstance(returned, Iterable) else [returned]
    except Exception:  # noqa: BLE001 - however it refuses
        return Answer(Outcome.REFUSED)
    except BaseException:  # noqa: BLE001 - what it is called for
        return Answer(Outcome.CRASHED)
    pairs: list[Pair] = []
    for entry in found:
        match entry:
            # Plain strings, not what a library made of them: they are pickled for the other process.
            case (str() as name, None):
                pairs.append((str.__str__(name), None))
            case (str() as name, str() as identifier):
                pairs.append((str.__str__(name), str.__str__(identifier)))
            case _:
                return Answer(Outcome.MISUSED)
    return Answer(Outcome.ACCEPTED, tuple(pairs))
