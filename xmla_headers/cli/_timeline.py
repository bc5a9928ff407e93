"""The command `timeline`: a capture -> a picture of its sessions, as a page or on the terminal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers.timeline import Timeline, _html, _text
from xmla_headers.transcript import Transcript

from ._console import CLEAN, TROUBLE, Printer, ProgressBar, complain
from ._inputs import Inputs
from ._judging import Job, judged

if TYPE_CHECKING:
    import argparse

    from ._console import Streams

__all__ = ["timeline"]


def timeline(options: argparse.Namespace, streams: Streams) -> int:
    """Draw a capture, and return the exit status."""
    inputs = Inputs(options.paths, streams)
    if options.output is not None:
        try:
            inputs.check_output(options.output)
        except OSError as error:
            complain(streams, options.output, error)
            return TROUBLE
    printer = Printer(streams.stdout)
    bar = ProgressBar(printer, streams, inputs.size)
    picture, transcript = Timeline(), Transcript()
    job = Job(direction=None, ignore=frozenset(), excerpts=False)
    try:
        for message in judged(inputs.messages(), job, processes=1):
            picture.add(message.checked, transcript.add(message.checked))
            bar.advance(message.checked.size)
    finally:
        bar.stop()
    picture.close(transcript.close())
    if inputs.unreadable and not picture.messages:
        return TROUBLE
    title = ", ".join(Path(path).name if path != "-" else "standard input" for path in options.paths)
    if options.output is None:
        width = shutil.get_terminal_size((_WIDTH, 0)).columns if streams.stdout.isatty() else _WIDTH
        lines = _text.text_lines(picture, title=title, width=width, show_ids=options.show_ids)
        for line in lines:
            printer.line(line)
    else:
        try:
            page = _html.html(picture, title=title, show_ids=options.show_ids)
            Path(options.output).write_text(page, encoding="utf-8", newline="\n")
        except OSError as error:
            complain(streams, options.output, error)
            return TROUBLE
    return TROUBLE if inputs.unreadable else CLEAN


#: Columns where there is no terminal to ask.
_WIDTH = 100
