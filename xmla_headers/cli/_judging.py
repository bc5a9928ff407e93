"""Captured messages -> what the rules say about them, in this process or in several."""

from __future__ import annotations

import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers.captures import CheckedMessage, check_message, is_soap

from . import _lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from xmla_headers._printable import Piece
    from xmla_headers.captures import CapturedMessage
    from xmla_headers.findings import Finding
    from xmla_headers.schema import SchemaValidator
    from xmla_headers.soap import Direction

__all__ = ["Job", "Judged", "judged", "load_schemas"]

#: A batch is as many messages as are worth a trip to another process, or as many bytes.
_BATCH, _BATCH_BYTES = 128, 1_048_576
#: Batches on their way, for each process: enough that none waits, few enough to be in memory.
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with each message."""

    direction: Direction | None
    ignore: frozenset[str]
    #: Show the source line of each finding.
    excerpts: bool
    #: Name and text of each schema that messages are held to as well.
    schemas: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A message without its bytes, and a report's lines about its findings."""

    checked: CheckedMessage
    #: Written when they are asked for, which is not always.
    lines: Iterable[list[Piece]] = ()


def load_schemas(paths: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return name and text of each schema; raises OSError, and ValueError for what is none."""
    schemas = tuple((path, Path(path).read_text(encoding="utf-8-sig")) for path in paths)
    if schemas:
        _validator(schemas)
    return schemas


def judged(messages: Iterable[CapturedMessage], job: Job, processes: int) -> Iterator[Judged]:
    """Yield what there is to say about each message, in their order."""
    if processes == 1:
        for message in messages:
            yield _judge(message, job)
        return
    pool = ProcessPoolExecutor(processes, initializer=_ignore_interrupts)
    try:
        waiting: deque[Future[list[Judged]]] = deque()
        for batch in _batches(messages):
            waiting.append(pool.submit(_judge_all, batch, job))
            if len(waiting) > processes * _AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    # A terminal interrupts all its processes; this one is told by the one that asked it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _batches(messages: Iterable[CapturedMessage]) -> Iterator[list[CapturedMessage]]:
    batch: list[CapturedMessage] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message.body)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@cache
def _validator(schemas: tuple[tuple[str, str], ...]) -> SchemaValidator:
    """Return the one validator of this process."""
    from xmla_headers.schema import SchemaValidator  # noqa: PLC0415 - xmlschema takes long to import

    return SchemaValidator(dict(schemas))


def _judge_all(messages: Sequence[CapturedMessage], job: Job) -> list[Judged]:
    # A generator does not travel.
    return [
        replace(judged, lines=list(judged.lines)) for judged in (_judge(message, job) for message in messages)
    ]


def _judge(message: CapturedMessage, job: Job) -> Judged:
    checked = check_message(message, direction=job.direction)
    findings = list(checked.findings)
    if job.schemas and message.trouble is None and is_soap(message):
        findings += _validator(job.schemas).iter_findings(message.body, encoding=message.charset)
    findings = [finding for finding in findings if finding.code not in job.ignore]
    lines = _text_lines(message, findings) if job.excerpts and findings else ()
    return Judged(checked.without_body(findings), lines)


def _text_lines(message: CapturedMessage, findings: Sequence[Finding]) -> Iterator[list[Piece]]:
    excerpts = _lines.Excerpts(message.body)
    for finding in findings:
        yield from _lines.text_lines(message.name, finding, excerpts)
