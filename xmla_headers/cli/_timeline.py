"""Knows the command `timeline`: it draws captures as an HTML page, or as text."""

from __future__ import annotations

import argparse
from pathlib import Path

from xmla_headers._printable import plural
from xmla_headers.timeline import Timeline, _html, _text
from xmla_headers.transcript import Transcript

from ._console import CLEAN, TROUBLE, Printer, ProgressBar, Streams
from ._inputs import Inputs
from ._judging import Job
from ._outputs import write_file
from ._selection import Selection
from ._sharing import judged

__all__ = ["timeline"]

# Columns of the text if standard output is no terminal.
_WIDTH = 80


def timeline(options: argparse.Namespace, streams: Streams) -> int:
    """Draw captures, and return the exit status."""
    inputs = Inputs(options.paths, streams, exclude=options.exclude)
    if options.output is not None:
        inputs.check_output(options.output)
    printer = Printer(streams.stdout, options.color)
    bar = ProgressBar(printer, streams, inputs.size, options.color)
    picture, transcript = Timeline(), Transcript()
    job = Job(direction=None, ignore=frozenset(), width=None)
    try:
        for message in judged(inputs, job, processes=1):
            picture.add(message.checked, transcript.add(message.checked))
            bar.advance(message.checked.size)
    finally:
        bar.stop()
    selection = Selection.of(options)
    every = transcript.diagnosis()
    diagnosis = selection.chosen(every)
    picture.close(transcript.close(), diagnosis, transcript.faults)
    if not selection.is_all:
        counted = [record.number for record in transcript.sessions if selection.has_record(record)]
        lost = {each.session for each in diagnosis}
        wanted = [number for number in counted if number in lost] if selection.only_lost else counted
        picture.show(wanted, counted, every if selection.only_lost else None)
    if inputs.skipped:
        streams.stderr.write(f"xmla-headers: {plural(inputs.skipped, 'file')} without SOAP skipped\n")
    if inputs.unreadable and not picture.messages:
        return TROUBLE
    title = ", ".join(Path(path).name if path != "-" else "standard input" for path in options.paths)
    if options.output is None:
        width = printer.width(_WIDTH)
        for line in _text.text_lines(picture, title=title, width=width, show_ids=options.show_ids):
            printer.line(line)
    else:
        page = _html.html(picture, title=title, show_ids=options.show_ids)
        write_file(Path(options.output), page.encode())
    return TROUBLE if inputs.unreadable else CLEAN
