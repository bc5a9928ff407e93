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
from xmla_headers.transcript import Transcript

from . import _lines
from ._console import CLEAN, REFUSED, TROUBLE, Printer, ProgressBar, Streams, complain
from ._inputs import Inputs
from ._judging import Job, Judged, judged, load_schemas
from ._reports import FORMATS, Ending, Report

__all__ = ["check"]


def check(options: argparse.Namespace, streams: Streams) -> int:
    """Check captures, report on them, and return the exit status."""
    with ExitStack() as stack:
        try:
            schemas = load_schemas(options.schema)
        except (OSError, ValueError) as error:
            complain(streams, getattr(error, "filename", None) or ", ".join(options.schema), error)
            return TROUBLE
        inputs = Inputs(options.paths, streams)
        output = streams.stdout
        if options.output is not None:
            try:
                inputs.check_output(options.output)
                output = stack.enter_context(Path(options.output).open("w", encoding="utf-8"))
            except OSError as error:
                complain(streams, options.output, error)
                return TROUBLE
        printer = Printer(output)
        report = (Report if options.quiet else FORMATS[options.format])(printer)
        bar = ProgressBar(printer, streams, inputs.size)
        stack.callback(bar.stop)
        run = _Run(options, report)
        job = Job(
            Direction(options.direction) if options.direction else None,
            frozenset(options.ignore),
            printer.width(_lines.EXCERPT_WIDTH) if options.format == "text" and not options.quiet else None,
            schemas=schemas,
        )
        processes = options.jobs or os.cpu_count() or 1
        try:
            for message in judged(inputs.messages(), job, processes):
                run.add(message)
                bar.advance(message.checked.size)
        except KeyboardInterrupt:
            bar.stop()
            run.close(inputs.unreadable, interrupted=True)
            return 128 + signal.SIGINT
        except BrokenExecutor:
            # Most likely the system has killed the process for its use of memory.
            bar.stop()
            complain(streams, "--jobs", OSError(0, "a process has died, and its messages were not checked"))
            run.close(inputs.unreadable, interrupted=True)
            return TROUBLE
        bar.stop()
        return run.close(inputs.unreadable, interrupted=False)


class _Run:
    """The counts of one run, and its report."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self._report = report
        self._strict, self._refuse = options.strict, frozenset(options.refuse)
        self._ignore = frozenset(options.ignore)
        self._transcript = Transcript()
        self._refused: set[str] = set()
        self._messages = self._warnings = 0

    def add(self, message: Judged) -> None:
        """Count the next message, and report on it."""
        placement = self._transcript.add(message.checked)
        said = [
            (finding, self._note(message.checked.message.name, finding))
            for finding in (*message.checked.findings, *self._wanted(placement.findings))
        ]
        self._messages += 1
        self._report.message(message, placement, said)

    def _wanted(self, findings: Iterable[Finding]) -> list[Finding]:
        return [finding for finding in findings if finding.code not in self._ignore]

    def _note(self, name: str, finding: Finding) -> bool:
        """Count a finding, and return whether it refuses its message."""
        self._warnings += finding.severity is Severity.WARNING
        refused = _lines.is_refused(finding, strict=self._strict, refuse=self._refuse)
        if refused:
            self._refused.add(name)
        return refused

    def close(self, unreadable: list[str], *, interrupted: bool) -> int:
        """Report on the end of the captures, and return the exit status."""
        left = [
            (name, finding, self._note(name, finding))
            for name, finding in ([] if interrupted else self._transcript.close())
            if finding.code not in self._ignore
        ]
        counts = {
            "messages": self._messages,
            "refused": len(self._refused),
            "warnings": self._warnings,
            "unreadable": len(unreadable),
        }
        self._report.end(Ending(left, self._transcript.sessions, unreadable, counts, interrupted))
        if unreadable:
            return TROUBLE
        return REFUSED if self._refused else CLEAN
