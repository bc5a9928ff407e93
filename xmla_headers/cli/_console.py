"""Knows the standard streams: colour and a progress bar on a terminal, and complaints in one line."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from xmla_headers._printable import Piece, printable, wrapped

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
    "complain",
    "is_coloured",
]

CLEAN = 0
"""Exit status: no message is refused."""
REFUSED = 1
"""Exit status: a message is refused."""
TROUBLE = 2
"""Exit status: an input or output cannot be used."""

# Seconds before a progress bar appears.
_LONG = 1.0

# Columns before the continuation of a wrapped line, of a terminal that does not know its width, and for text
# beside a wider indent.
_INDENT, _COLUMNS, _LEAST = 4, 80, 32


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


def is_coloured(choice: str, stream: TextIO) -> bool:
    """Return whether output is coloured.

    Args:
        choice: The value of `--color`: auto, always or never. It outranks the environment.
        stream: The stream to write to.
    """
    if choice != "auto":
        return choice == "always"
    # An empty variable counts as not set, and NO_COLOR outranks FORCE_COLOR, as in Python itself.
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def _console(stream: TextIO, *, coloured: bool) -> Console | None:
    """Return a console, or None if rich is not installed."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return Console(
        file=stream,
        # The styles are of these eight colours and bold.
        color_system="standard" if coloured else None,
        force_terminal=True,
        no_color=False,
        highlight=False,
        soft_wrap=True,
        emoji=False,
        markup=False,
    )


class Printer:
    """Writes lines, in colour if that is wanted and rich is installed.

    Args:
        stream: The stream to write to.
        color: The value of `--color`.
    """

    def __init__(self, stream: TextIO, color: str = "auto") -> None:
        self._stream = stream
        self.is_terminal = stream.isatty()
        coloured = is_coloured(color, stream)
        # On a terminal without colour too, where a progress bar may stand below the lines.
        self.console = _console(stream, coloured=coloured) if coloured or self.is_terminal else None

    def width(self, otherwise: int) -> int:
        """Return the columns of the terminal, or another width if the stream is none."""
        return shutil.get_terminal_size((otherwise, 0)).columns if self.is_terminal else otherwise

    def line(self, pieces: Sequence[Piece], indent: int = _INDENT) -> None:
        """Write one line; a terminal gets it wrapped at spaces, with the rest indented."""
        if not self.is_terminal:
            self._write(pieces)
            return
        width = self.width(_COLUMNS)
        indent = indent if indent <= width - _LEAST else _INDENT
        for part in list(wrapped(pieces, width, indent)) or [[]]:
            self._write(part)

    def verbatim(self, text: str) -> None:
        """Write the text of a document and the end of a line, not wrapped and not coloured."""
        self._write([(text, "")])

    def _write(self, pieces: Sequence[Piece]) -> None:
        if self.console is None:
            self._stream.write("".join(text for text, _ in pieces) + "\n")
            return
        from rich.text import Text  # noqa: PLC0415 - an extra

        self.console.print(Text.assemble(*((text, _lines.STYLES.get(style, "")) for text, style in pieces)))


class ProgressBar:
    """Progress bar for long work; does nothing without a terminal, or without rich."""

    def __init__(self, printer: Printer, streams: Streams, total: int, color: str = "auto") -> None:
        # If the report and the bar share a terminal, one console keeps them apart.
        self._console = printer.console if printer.is_terminal else None
        if self._console is None and streams.stderr.isatty():
            self._console = _console(streams.stderr, coloured=is_coloured(color, streams.stderr))
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
