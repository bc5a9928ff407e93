"""Knows the command xmla-headers. This is the only package that opens files or prints."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

from ._console import TROUBLE, Streams, complain
from ._parser import make_parser

__all__ = ["Streams", "main", "run"]

# The exit status of a process that SIGPIPE has ended. Windows has no such signal.
_PIPE_CLOSED = 128 + 13


def main() -> None:
    """Run the command and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    # A standard stream that is closed is None.
    stdin = io.BytesIO() if sys.stdin is None else sys.stdin.buffer
    streams = Streams(stdin, sys.stdout or io.StringIO(), sys.stderr or io.StringIO())
    for name in ("SIGTERM", "SIGHUP"):
        # As for an interrupt, an output that is not whole is removed. Windows has no SIGHUP.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    try:
        status = run(sys.argv[1:], streams)
        streams.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. The status is not CLEAN: the rest of the report is unknown. Without
        # dup2, Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _PIPE_CLOSED
    except OSError as error:
        complain(streams, "standard output", error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = TROUBLE
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.exit(status)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def run(arguments: Sequence[str], streams: Streams) -> int:
    """Run the command with other streams than the standard ones.

    Args:
        arguments: The arguments, without the name of the command.
        streams: The streams to read and write.

    Returns:
        The exit status: 0 if no message is refused, 1 if one is, 2 if an input or output cannot be used, or
        if the arguments name no command, 130 if interrupted.

    Raises:
        SystemExit: The arguments are wrong (2), or ask for help or the version (0).

    >>> streams = Streams(io.BytesIO(b"<no-envelope/>"), io.StringIO(), io.StringIO())
    >>> run(["check", "--quiet", "-"], streams)
    1
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        # A script that forgets the command must not succeed.
        parser.print_help(streams.stderr)
        return TROUBLE
    try:
        status: int = options.run(options, streams)
    except OSError as error:
        # An error of standard output names no file.
        if error.filename is None or isinstance(error, BrokenPipeError):
            raise
        complain(streams, error.filename, error)
        return TROUBLE
    return status
