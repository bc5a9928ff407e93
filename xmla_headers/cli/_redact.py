"""Knows the command `redact`: it writes captures without their secrets, and sums up the changes."""

from __future__ import annotations

import argparse
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from xmla_headers import captures
from xmla_headers._printable import plural, printable
from xmla_headers.captures._message import DEFAULT_LIMITS
from xmla_headers.captures._redact import Redaction, why_not
from xmla_headers.captures._redaction.names import Names

from ._console import CLEAN, TROUBLE, Printer, ProgressBar, Streams, complain
from ._folders import is_foreign
from ._inputs import InputFile, Inputs, load
from ._outputs import check_different, check_empty, check_outside, file_output, folder_output
from ._verified import difference

__all__ = ["redact"]

_Result = TypeVar("_Result")


def redact(options: argparse.Namespace, streams: Streams) -> int:
    """Redact a capture or a folder of captures, and return the exit status."""
    source, target = options.path, Path(options.output)
    if options.output == "-":
        complain(streams, options.output, ValueError("redact writes to a file, not to standard output"))
        return TROUBLE
    is_folder = source != "-" and Path(source).is_dir()
    if not is_folder:
        check_different(options.output, source, "this is the capture itself")
    else:
        check_outside(options.output, source)
        if target.is_dir():
            check_empty(target)
    inputs = Inputs([source], streams, exclude=options.exclude)
    with ExitStack() as stack:
        printer = Printer(streams.stdout, options.color)
        bar = ProgressBar(printer, streams, 2 * inputs.size, options.color)
        stack.callback(bar.stop)
        job = _Job(
            Names(options.also, options.keep, users=options.users),
            insist=options.as_text is not None,
            verified=not options.no_verify,
            is_listed=options.list,
            target=target,
            folder=source if is_folder else None,
        )
        processes = min(options.jobs or os.cpu_count() or 1, len(inputs.files))
        run = _Run(inputs, job, bar, stack.enter_context(_Pool(processes)))
        # A known id is hidden in every file, so the ids of all files are learned first.
        run.learn()
        if inputs.unreadable:
            return TROUBLE
        try:
            with folder_output(target) if is_folder else nullcontext():
                run.write()
        except _DifferentError as error:
            bar.stop()
            complain(streams, error.path, error)
            return TROUBLE
        bar.stop()
        if inputs.unreadable:
            return TROUBLE
        _report(printer, run, is_listed=options.list)
    return CLEAN


class _DifferentError(ValueError):
    """The redacted capture would not tell the same as the original."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"not written: {what}; write it with --no-verify, and look at it")
        self.path = path


@dataclass(frozen=True, slots=True)
class _Job:
    """How each file is redacted."""

    names: Names
    insist: bool
    verified: bool
    is_listed: bool
    target: Path
    # The folder of the captures; None for one file.
    folder: str | None

    def redaction(self, file: InputFile, data: bytes | memoryview, known: captures.Pseudonyms) -> Redaction:
        """Return the redaction of a file. In a folder, pages are kept: they are text."""
        insist = self.insist or (not file.is_named and is_foreign(data))
        return Redaction(known, self.names, DEFAULT_LIMITS, insist=insist, places=self.is_listed)

    def why_not(self, file: InputFile, data: bytes | memoryview) -> str | None:
        """Return why a file is not redacted, or None."""
        if self.insist or (not file.is_named and is_foreign(data)):
            return None
        why = why_not(data, DEFAULT_LIMITS)
        return None if why is None else "; ".join(filter(None, why))

    def place(self, file: InputFile) -> Path:
        """Return where the redacted file is written."""
        return self.target if self.folder is None else self.target / Path(file.path).relative_to(self.folder)


# -- one file, in this process or in another one -----------------------------------------------------------


def _learned(job: _Job, file: InputFile, data: bytes | memoryview) -> captures.Pseudonyms | str:
    """Return the ids of a file, or why it is not redacted."""
    why = job.why_not(file, data)
    if why is not None:
        return why
    known = captures.Pseudonyms()
    job.redaction(file, data, known).learn(data, file.path)
    return known


def _written(
    job: _Job, known: captures.Pseudonyms, file: InputFile, data: bytes | memoryview
) -> tuple[captures.Change, ...]:
    """Write a file without its secrets, and return the changes."""
    redaction = job.redaction(file, data, known)
    place = job.place(file)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not place.is_file():
        # A device cannot be read again.
        redacted = redaction.whole(data, "")
        with file_output(place) as output:
            output.write(redacted.data)
        return redacted.changes
    with file_output(place) as output:
        for piece in redaction.first(data, ""):
            output.write(piece)
        output.flush()
        # The name that the file has until it is whole.
        written = InputFile(str(output.raw.name), None, output.tell(), None, is_named=True)
        if not redaction.is_settled:
            rest = redaction.rest(bytes(load(written)), "")
            output.seek(0)
            output.write(rest)
            output.truncate()
            output.flush()
            written = written._replace(size=len(rest))
        what = difference(data, load(written), redaction.changes) if job.verified else None
        if what is not None:
            raise _DifferentError(file.path, what)
    return redaction.changes


def _learned_file(job: _Job, file: InputFile) -> captures.Pseudonyms | str:
    return _learned(job, file, load(file))


def _written_file(job: _Job, known: captures.Pseudonyms, file: InputFile) -> tuple[captures.Change, ...]:
    return _written(job, known, file, load(file))


class _Pool:
    """Processes that redact files; none if there is one process only."""

    def __init__(self, processes: int) -> None:
        self._pool = ProcessPoolExecutor(processes) if processes > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def results(
        self, here: Callable[[InputFile], _Result], there: Callable[[InputFile], _Result], inputs: Inputs
    ) -> Iterator[tuple[InputFile, _Result]]:
        """Yield the result for each file, in their order; note the files that cannot be read or written."""
        pool = self._pool
        waiting = (
            None
            if pool is None
            else deque(None if each.path == "-" else pool.submit(there, each) for each in inputs.files)
        )
        for file in inputs.files:
            future = waiting.popleft() if waiting else None
            try:
                yield file, here(file) if future is None else future.result()
            except _DifferentError:
                raise
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and error.filename not in (None, file.path):
                    # The output cannot be written.
                    raise
                inputs.note(file, error)


class _Run:
    """The redaction of all files of one command."""

    def __init__(self, inputs: Inputs, job: _Job, bar: ProgressBar, pool: _Pool) -> None:
        self.inputs, self._job, self._bar, self._pool = inputs, job, bar, pool
        self.known = captures.Pseudonyms()
        self.changes: list[tuple[str, captures.Change]] = []

    def learn(self) -> None:
        """Learn the ids of all files, and note those that are not redacted."""
        job, inputs = self._job, self.inputs
        found = self._pool.results(
            lambda file: _learned(job, file, inputs.load(file)), partial(_learned_file, job), inputs
        )
        for file, known in found:
            if isinstance(known, str):
                inputs.refuse(file, known)
            else:
                self.known.update(known)
            self._bar.advance(file.size)

    def write(self) -> None:
        """Write all files."""
        job, inputs = self._job, self.inputs
        found = self._pool.results(
            lambda file: _written(job, self.known, file, inputs.load(file)),
            partial(_written_file, job, self.known),
            inputs,
        )
        for file, changes in found:
            self.changes += [(file.path, change) for change in changes]
            self._bar.advance(file.size)


# -- the report ------------------------------------------------------------------------------------------


def _report(printer: Printer, run: _Run, *, is_listed: bool) -> None:
    """Print each change or a summary of them, and what was not looked at."""
    inputs = run.inputs
    if is_listed:
        for path, change in run.changes:
            printer.line([(printable(f"{path}: {change}"), "")])
    else:
        counts: Counter[tuple[str, str]] = Counter()
        for _, change in run.changes:
            counts[_KINDS[change.kind], change.what] += change.count
        for (kind, what), times in sorted(counts.items()):
            printer.line([(printable(f"{kind}: {what} ({plural(times, 'time')})"), "")])
    for path in sorted(inputs.not_taken):
        printer.line([(printable(f"{path}: left out, its name is not that of a capture"), "warning")])
    count = plural(sum(change.count for _, change in run.changes), "change")
    printer.line([(f"{count}, {plural(len(run.known), 'session id')}", "")])
    left = inputs.not_taken
    out = f"{plural(len(left), 'file')} left out, not looked at. " if left else ""
    printer.line([(f"{out}{_STAYS}", "warning")])


_KINDS = {
    captures.ChangeKind.SESSION_ID: "session id",
    captures.ChangeKind.ELEMENT: "element emptied",
    captures.ChangeKind.HEADER_FIELD: "header field emptied",
    captures.ChangeKind.CREDENTIAL: "credential removed",
    captures.ChangeKind.USER: "user",
    captures.ChangeKind.CODING: "coding removed",
    captures.ChangeKind.UNSEARCHABLE: "removed unsearched",
}
_STAYS = "Names, queries and results are not redacted: review them before you publish."
