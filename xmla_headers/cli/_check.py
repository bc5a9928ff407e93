"""Knows the command `check`: it reports on each message and session, and decides the exit status."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from pathlib import Path

from xmla_headers.findings import Finding, Severity
from xmla_headers.soap import Direction
from xmla_headers.transcript import Transcript, _verdict

from . import _lines
from ._console import CLEAN, REFUSED, TROUBLE, Printer, ProgressBar, Streams, complain
from ._inputs import Inputs
from ._judging import Job, Judged, load_schemas
from ._outputs import text_output
from ._reports import FORMATS, Ending, Report
from ._selection import Selection
from ._sharing import judged

__all__ = ["check"]


def check(options: argparse.Namespace, streams: Streams) -> int:
    """Check captures, report on them, and return the exit status."""
    try:
        schemas = load_schemas(options.schema)
    except (OSError, ValueError) as error:
        complain(streams, getattr(error, "filename", None) or ", ".join(options.schema), error)
        return TROUBLE
    inputs = Inputs(options.paths, streams, exclude=options.exclude, skip_foreign=options.skip_foreign)
    with ExitStack() as stack:
        output = streams.stdout
        if options.output is not None:
            inputs.check_output(options.output)
            output = stack.enter_context(text_output(Path(options.output)))
        printer = Printer(output, options.color)
        report = (Report if options.quiet else FORMATS[options.format])(
            printer, inputs.file_of, full=options.all
        )
        bar = ProgressBar(printer, streams, inputs.size, options.color)
        stack.callback(bar.stop)
        job = Job(
            Direction(options.direction) if options.direction else None,
            frozenset(options.ignore),
            printer.width(_lines.EXCERPT_WIDTH) if options.format == "text" and not options.quiet else None,
            schemas=schemas,
            strict=options.strict,
            refuse=frozenset(options.refuse),
        )
        run = _Run(job, inputs, report, Selection.of(options))
        processes = options.jobs or os.cpu_count() or 1
        try:
            for message in judged(inputs, job, processes):
                run.add(message)
                bar.advance(message.checked.size)
        except KeyboardInterrupt:
            bar.stop()
            run.close(interrupted=True)
            return 128 + signal.SIGINT
        except BrokenExecutor:
            # Most likely the system has killed the process for its use of memory.
            bar.stop()
            complain(streams, "--jobs", OSError(0, "a process has died, and its messages were not checked"))
            run.close(interrupted=True)
            return TROUBLE
        bar.stop()
        return run.close(interrupted=False)


class _Run:
    """The counts of one run, and its report."""

    def __init__(self, job: Job, inputs: Inputs, report: Report, selection: Selection) -> None:
        self._job, self._inputs, self._report = job, inputs, report
        self._selection = selection
        self._transcript = Transcript()
        self._refused: set[str] = set()
        self._messages = self._warnings = self._parts = 0

    def add(self, message: Judged) -> None:
        """Count the next message, and report on it."""
        placement = self._transcript.add(message.checked)
        self._messages += 1
        said = [
            (finding, self._note(message.checked.message.name, finding))
            for finding in (*message.checked.findings, *self._wanted(placement.findings))
        ]
        self._parts += message.checked.message.other_parts or 0
        # The status and the counts are those of all messages.
        if self._selection.has_message(placement.session, message.checked.message.time):
            self._report.message(message, placement, said)

    def _wanted(self, findings: Iterable[Finding]) -> list[Finding]:
        return [finding for finding in findings if finding.code not in self._job.ignore]

    def _note(self, name: str, finding: Finding) -> bool:
        """Count a finding, and return whether it refuses its message."""
        self._warnings += finding.severity is Severity.WARNING
        refused = self._job.refuses(finding)
        if refused:
            self._refused.add(name)
        return refused

    def close(self, *, interrupted: bool) -> int:
        """Report on the end of the captures, and return the exit status."""
        unreadable = self._inputs.unreadable
        left = [
            (name, finding, self._note(name, finding))
            for name, finding in ([] if interrupted else self._transcript.close())
            if finding.code not in self._job.ignore
        ]
        counts = {
            "messages": self._messages,
            "refused": len(self._refused),
            "warnings": self._warnings,
            "unreadable": len(unreadable),
            "skipped": self._inputs.skipped,
            "not_taken": len(self._inputs.not_taken),
            "parts": self._parts,
        }
        transcript, selection = self._transcript, self._selection
        diagnosis = transcript.diagnosis()
        chosen = selection.chosen(diagnosis)
        told = [record for record in transcript.sessions if selection.has_record(record)]
        # Other failures are not told with --only lost, but they are not denied.
        verdict = _verdict.verdict_line(diagnosis if selection.only_lost else chosen, told)
        if not selection.is_all and not told and not chosen:
            verdict = [("nothing chosen: no session is of that number or time", "warning")]
        ending = Ending(
            # Neither their sessions nor their times are known.
            left if selection.is_all else [],
            told,
            unreadable,
            counts,
            interrupted,
            transcript.one_side,
            chosen,
            transcript.faults if selection.is_all else [],
            not selection.only_lost,
            verdict,
        )
        self._report.end(ending)
        if unreadable:
            return TROUBLE
        return REFUSED if self._refused else CLEAN
