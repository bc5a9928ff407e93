"""Standard streams: what is printed, in colour where there is a terminal, and what is complained about."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from xmla_headers._printable import printable

from . import _lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress

    from xmla_headers._printable import Piece

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
REFUSED = 1
TROUBLE = 2

#: Seconds after which work is long enough for a progress bar.
_LONG = 1.0


class Streams(NamedTuple):
    """What the command reads and writes, so that a test can look at it."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO


def complain(streams: Streams, path: object, error: OSError | ValueError) -> None:
    """Say in one line on standard error what cannot be read or written."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0]
    # A schema's error names it.
    reason = reason.removeprefix(f"{path}: ")
    streams.stderr.write(f"xmla-headers: {printable(str(path))}: {printable(reason)}\n")


def check_empty(folder: Path) -> None:
    """Raise OSError for a folder with something in it, which is not to be mixed with what is written."""
    if any(folder.iterdir()):
        raise OSError(0, "this folder is not empty")


def check_different(output: str, source: str, message: str) -> None:
    """Raise OSError for an output that is the file to be read."""
    if source != "-" and Path(output).exists() and Path(output).samefile(source):
        raise OSError(0, message)


def _console(stream: TextIO) -> Console | None:
    """Return a console for a terminal, where rich is installed."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    # rich itself leaves the colours out for NO_COLOR and for terminals that have none.
    return Console(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)


class Printer:
    """Writes lines; in colour on a terminal, where rich is installed and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.console = _console(stream)

    def line(self, pieces: Sequence[Piece]) -> None:
        if self.console is None:
            self._stream.write("".join(text for text, _ in pieces) + "\n")
            return
        from rich.text import Text  # noqa: PLC0415 - an extra

        self.console.print(Text.assemble(*((text, _lines.STYLES.get(style, "")) for text, style in pieces)))


class ProgressBar:
    """Shows on a terminal how far long work has come; nothing else is lost where there is none."""

    def __init__(self, printer: Printer, streams: Streams, total: int) -> None:
        # The report and the bar share a terminal: one console keeps them apart.
        self._console = printer.console or _console(streams.stderr)
        self._total = total
        self._done = 0
        self._messages = 0
        self._begun = time.monotonic()
        self._progress: Progress | None = None

    def stop(self) -> None:
        """Take the bar off the terminal; again, and nothing happens."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._console = None

    def advance(self, size: int) -> None:
        """Take note of one more message, and of how many of all bytes it was."""
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
