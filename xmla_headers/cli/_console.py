"""Knows the standard streams: colour and a progress bar on a terminal, and complaints in one line."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from xmla_headers._printable import Piece, printable

from . import _lines

if TYPE_CHECKING:
    # rich is an extra.
    from rich.console import Console
    from rich.progress import Progress

__all__ = [
    "CLEAN",
    "REFUSED",
    "TROUBLE",
    "Printer",
    "ProgressBar",
    "Streams",
    "check_different",
    "check_empty",
    "complain",
]

CLEAN = 0
"""Exit status: no message is refused."""
REFUSED = 1
"""Exit status: a message is refused."""
TROUBLE = 2
"""Exit status: an input or output cannot be used."""

# Seconds before a progress bar appears.
_LONG = 1.0


class Streams(NamedTuple):
    """The streams that the command reads and writes, so that tests can pass their own."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO


def complain(streams: Streams, path: object, error: OSError | ValueError) -> None:
    """Write one line to standard error about a file that cannot be read or written."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0]
    # The error of a schema begins with its path.
    reason = reason.removeprefix(f"{path}: ")
    streams.stderr.write(f"xmla-headers: {printable(str(path))}: {printable(reason)}\n")


def check_empty(folder: Path) -> None:
    """Raise OSError for a folder that is not empty: its files would mix with those to be written."""
    if any(folder.iterdir()):
        raise OSError(0, "this folder is not empty")


def check_different(output: str, source: str, message: str) -> None:
    """Raise OSError for an output that is the input file."""
    if source != "-" and Path(output).exists() and Path(output).samefile(source):
        raise OSError(0, message)


def _console(stream: TextIO) -> Console | None:
    """Return a console if the stream is a terminal and rich is installed."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    # rich uses no colours if NO_COLOR is set, or if the terminal has none.
    return Console(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)


class Printer:
    """Writes lines, in colour on a terminal if rich is installed and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.console = _console(stream)

    def width(self, otherwise: int) -> int:
        """Return the columns of the terminal, or another width if the stream is none."""
        return shutil.get_terminal_size((otherwise, 0)).columns if self._stream.isatty() else otherwise

    def line(self, pieces: Sequence[Piece]) -> None:
        """Write one line."""
        if self.console is None:
            self._stream.write("".join(text for text, _ in pieces) + "\n")
            return
        from rich.text import Text  # noqa: PLC0415 - an extra

        self.console.print(Text.assemble(*((text, _lines.STYLES.get(style, "")) for text, style in pieces)))


class ProgressBar:
    """Progress bar for long work; does nothing without a terminal."""

    def __init__(self, printer: Printer, streams: Streams, total: int) -> None:
        # If the report and the bar share a terminal, one console keeps them apart.
        self._console = printer.console or _console(streams.stderr)
        self._total = total
        self._done = 0
        self._messages = 0
        self._begun = time.monotonic()
        self._progress: Progress | None = None

    def stop(self) -> None:
        """Remove the bar for good. Further calls do nothing."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._console = None

    def advance(self, size: int) -> None:
        """Count one more message, and its size in bytes."""
        self._done = min(self._done + size, self._total)
        self._messages += 1
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, completed=self._done, messages=self._messages)
        elif self._console is not None and time.monotonic() - self._begun > _LONG:
            self._start(self._console)

    def _start(self, console: Console) -> None:
        from rich.progress import (  # noqa: PLC0415 - an extra
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[messages]:,} messages"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._progress.add_task("", total=self._total, completed=self._done, messages=self._messages)
        self._progress.start()
