"""Knows how the work on captures is shared between processes, in their order."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from xmla_headers.captures import CapturedMessage, CheckedMessage, format_of
from xmla_headers.captures._formats.har import NotAPartError, Part
from xmla_headers.captures._mapped import release
from xmla_headers.captures._message import DEFAULT_LIMITS

from ._inputs import (
    InputFile,
    Inputs,
    check_relevant,
    groups,
    has_files,
    load,
    messages_of,
    no_message,
    of_file,
    side_by_side,
)
from ._judging import Job, Judged, judge

__all__ = ["judged"]

# The most files, or messages, and bytes that one process gets at once.
_BATCH, _BATCH_BYTES = 128, 1_048_576
# Batches in flight for each process: enough that no process waits, few enough for the memory.
_AHEAD = 3

# A checked message as a process sends it back: a tuple is pickled ten times as fast as the values in it.
_Row: TypeAlias = tuple[Any, ...]
# Yields the results of a batch, in the parent.
_Batch: TypeAlias = Callable[[], Iterator[Judged]]


def judged(inputs: Inputs, job: Job, processes: int) -> Iterator[Judged]:
    """Check all messages in this process, or in several, and yield the results in their order.

    A process reads what it checks: small files, and the parts of a large capture. Only the messages of a
    large capture without parts are read in this process and sent.
    """
    if processes == 1:
        for message in inputs.messages():
            yield judge(message, job)
        return
    pool = ProcessPoolExecutor(processes, initializer=_ignore_interrupts)
    try:
        waiting: deque[_Batch] = deque()
        for batch in _Sharing(inputs, job, pool).batches():
            waiting.append(batch)
            if len(waiting) > processes * _AHEAD:
                yield from waiting.popleft()()
        while waiting:
            yield from waiting.popleft()()
        inputs.end()
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    # A terminal interrupts all its processes. The parent stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(slots=True)
class _Large:
    """A capture that is read in parts."""

    file: InputFile
    data: bytes | memoryview
    found: int = 0
    """The number of its messages so far."""
    is_whole: bool = False
    """Whether a part was none, and the rest of the capture has been read in one piece."""


class _Sharing:
    """Gives the work to the processes of a pool."""

    def __init__(self, inputs: Inputs, job: Job, pool: ProcessPoolExecutor) -> None:
        self._inputs, self._job, self._pool = inputs, job, pool

    def batches(self) -> Iterator[_Batch]:
        """Submit batch after batch, and yield for each a function that yields its results."""
        small: list[InputFile] = []
        size = 0
        for group in groups(self._inputs.files):
            more = sum(file.size for file in group)
            is_small = more <= _BATCH_BYTES and all(file.path != "-" for file in group)
            if small and (not is_small or len(small) >= _BATCH or size + more > _BATCH_BYTES):
                yield self._files(small)
                small, size = [], 0
            if is_small:
                small += group
                size += more
            elif len(group) == 1:
                yield from self._large(*group)
            else:
                yield from self._here(side_by_side([self._inputs.messages_of(file) for file in group]))
        if small:
            yield self._files(small)

    def _files(self, files: Sequence[InputFile]) -> _Batch:
        future = self._pool.submit(_judge_files, files, self._job, skip_foreign=self._inputs.skip_foreign)

        def results() -> Iterator[Judged]:
            for file, (rows, error) in zip(files, future.result(), strict=True):
                yield from map(_unpacked, rows)
                if error is not None:
                    self._inputs.note(file, error)

        return results

    def _large(self, file: InputFile) -> Iterator[_Batch]:
        inputs = self._inputs
        try:
            data = inputs.load(file)
            check_relevant(file, data, skip_foreign=inputs.skip_foreign)
            large = _Large(file, data)
            for part in _parts_of(file, data):
                release(data)
                yield self._part(large, part)
                if part.stop is None:
                    return
            yield from self._here(messages_of(file, data, skip_foreign=inputs.skip_foreign))
        except (OSError, ValueError) as error:
            inputs.note(file, error)

    def _here(self, messages: Iterable[CapturedMessage]) -> Iterator[_Batch]:
        """Read messages in this process, and let others check them."""
        for batch in _batches(messages):
            yield _received(self._pool.submit(_judge_messages, batch, self._job))

    def _part(self, large: _Large, part: Part) -> _Batch:
        future = self._pool.submit(_judge_part, large.file, part, self._job)

        def results() -> Iterator[Judged]:
            if large.is_whole:
                return
            rows = future.result()
            if rows is None:
                large.is_whole = True
                rest = Part(part.start, len(large.data), part.first, None)
                messages = of_file(large.file, large.data, _part_of(large.file, large.data, rest))
                found: Iterable[Judged] = (judge(message, self._job) for message in messages)
            else:
                found = map(_unpacked, rows)
            for message in found:
                large.found += 1
                yield message
            if not large.found and (part.stop is None or large.is_whole):
                self._inputs.note(large.file, no_message())

        return results


def _received(future: Future[list[_Row]]) -> _Batch:
    return lambda: map(_unpacked, future.result())


def _parts_of(file: InputFile, data: bytes | memoryview) -> Iterator[Part]:
    parts = format_of(data).value.parts
    # Another process cannot read standard input, and `read_part` does not read files beside a HAR.
    whole = parts is None or file.path == "-" or has_files(data)
    return iter(()) if parts is None or whole else parts(data, _BATCH_BYTES)


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


# -- in the other processes -------------------------------------------------------------------------


def _judge_files(
    files: Sequence[InputFile], job: Job, *, skip_foreign: bool
) -> list[tuple[list[_Row], OSError | ValueError | None]]:
    """Return the messages of each file, and the reason if it was not read to its end."""
    results: list[tuple[list[_Row], OSError | ValueError | None]] = []
    for group in groups(files):
        errors: dict[str, OSError | ValueError] = {}
        sources = [_messages_of(file, errors, skip_foreign=skip_foreign) for file in group]
        found = _packed(judge(message, job) for message in side_by_side(sources))
        # The messages of two files stand in turns.
        results += [(found if file is group[0] else [], errors.get(file.path)) for file in group]
    return results


def _messages_of(
    file: InputFile, errors: dict[str, OSError | ValueError], *, skip_foreign: bool
) -> Iterator[CapturedMessage]:
    try:
        yield from messages_of(file, load(file), skip_foreign=skip_foreign)
    except (OSError, ValueError) as error:
        errors[file.path] = error


def _judge_part(file: InputFile, part: Part, job: Job) -> list[_Row] | None:
    """Return the messages of a part of a capture; None if it is none."""
    data = load(file)
    try:
        return _packed(judge(message, job) for message in of_file(file, data, _part_of(file, data, part)))
    except NotAPartError:
        return None


def _part_of(file: InputFile, data: bytes | memoryview, part: Part) -> Iterator[CapturedMessage]:
    read_part = format_of(data).value.read_part
    return iter(()) if read_part is None else read_part(data, part, file.path, DEFAULT_LIMITS)


def _judge_messages(messages: Iterable[CapturedMessage], job: Job) -> list[_Row]:
    return _packed(judge(message, job) for message in messages)


def _packed(messages: Iterable[Judged]) -> list[_Row]:
    """Return what a report and a transcript need of the messages, without the fields of HTTP."""
    # The same Header is pickled once.
    headers: dict[object, object] = {}
    rows: list[_Row] = []
    for each in messages:
        checked, message = each.checked, each.checked.message
        header = headers.setdefault(checked.header, checked.header)
        captured = (message.name, message.direction, message.charset, message.time, message.status)
        about = (
            message.exchange,
            message.trouble,
            message.omitted,
            message.continuation,
            message.other_parts,
        )
        rest = (
            checked.fault,
            checked.method,
            checked.size,
            checked.errors,
            checked.session_field,
            checked.transport,
            checked.cancels,
        )
        rows.append((*captured, *about, checked.findings, header, *rest, list(each.lines)))
    return rows


def _unpacked(row: _Row) -> Judged:
    name, direction, charset, time, status, *about = row[:_OF_MESSAGE]
    message = CapturedMessage(name, b"", direction, charset, time, status, (), *about)
    *checked, lines = row[_OF_MESSAGE:]
    return Judged(CheckedMessage(message, *checked), lines)


# The number of the values in a row that are those of the captured message.
_OF_MESSAGE = 10
