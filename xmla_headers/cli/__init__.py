"""Knows the command xmla-headers. This is the only package that opens files or prints."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from xmla_headers._printable import printable
from xmla_headers.findings import RULES
from xmla_headers.soap import Direction

from . import _check, _commands
from ._console import TROUBLE, Streams, complain

__all__ = ["Streams", "main", "run"]

_ABOUT = "Check, draw and redact captures of XMLA messages."
_EPILOG = """\
exit status:
  0    no message is refused
  1    a message is refused
  2    usage error, or an input or output that cannot be used
  130  interrupted
"""
_PATH = (
    "a capture (.har, .saz, raw HTTP, or one message), a folder of captures"
    " (*.xml, *.har, *.saz, *.http, N_c.txt, N_s.txt), or - for standard input"
)
_SHOW_IDS = "show session ids, which are secrets, in full"
_MOST_JOBS = 256


def main() -> None:
    """Run the command and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    # A standard stream that is closed is None.
    stdin = io.BytesIO() if sys.stdin is None else sys.stdin.buffer
    streams = Streams(stdin, sys.stdout or io.StringIO(), sys.stderr or io.StringIO())
    try:
        status = run(sys.argv[1:], streams)
        streams.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. The status is not CLEAN: the rest of the report is unknown. Without
        # dup2, Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    except OSError as error:
        complain(streams, "standard output", error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = TROUBLE
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.exit(status)


def run(arguments: Sequence[str], streams: Streams) -> int:
    """Run the command with other streams than the standard ones.

    Args:
        arguments: The arguments, without the name of the command.
        streams: The streams to read and write.

    Returns:
        The exit status: 0 if no message is refused, 1 if one is, 2 if an input or output cannot be used,
        130 if interrupted.

    Raises:
        SystemExit: The arguments are wrong (2), or ask for help or the version (0).

    >>> streams = Streams(io.BytesIO(b"<no-envelope/>"), io.StringIO(), io.StringIO())
    >>> run(["check", "--quiet", "-"], streams)
    1
    """
    options = _parser().parse_args(arguments)
    status: int = options.run(options, streams)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xmla-headers",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace, Streams], int], about: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    check = command("check", _check.check, "check the messages and sessions of captures")
    check.add_argument(
        "--direction",
        choices=list(Direction),
        help="the direction of messages whose capture does not contain it; header blocks of the other"
        " direction are refused",
    )
    check.add_argument("--strict", action="store_true", help="refuse messages with a warning, too")
    for option, about in (
        ("--refuse", "refuse messages with this warning, too; may be repeated"),
        ("--ignore", "ignore findings with this code; may be repeated"),
    ):
        check.add_argument(option, action="append", default=[], metavar="CODE", type=_code, help=about)
    check.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="FILE",
        help="check header blocks and Bodies against this XML schema, too; may be repeated. Imported"
        " schemas are not fetched",
    )
    check.add_argument(
        "--format",
        choices=["text", "json", "github"],
        default="text",
        help="the format of the report; github is for annotations (default: %(default)s)",
    )
    check.add_argument("--quiet", action="store_true", help="print no report, only set the exit status")
    check.add_argument(
        "-o", "--output", metavar="FILE", help="write the report to FILE (default: standard output)"
    )
    check.add_argument(
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="the number of processes; 0 for one per core (default: %(default)s)",
    )
    check.add_argument("paths", nargs="+", metavar="CAPTURE", help=_PATH)

    timeline = command("timeline", _commands.timeline, "draw the sessions of captures")
    timeline.add_argument(
        "-o", "--output", metavar="FILE", help="write an HTML page to FILE (default: text to standard output)"
    )
    timeline.add_argument("--show-ids", action="store_true", help=_SHOW_IDS)
    timeline.add_argument("paths", nargs="+", metavar="CAPTURE", help=_PATH)

    redact = command("redact", _commands.redact, "remove session ids and credentials from a capture")
    redact.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="the redacted file; a new folder for a folder"
    )
    redact.add_argument("path", metavar="CAPTURE", help=_PATH)

    show = command("show", _commands.show, "show the header blocks of one message")
    show.add_argument("--show-ids", action="store_true", help=_SHOW_IDS)
    show.add_argument("path", metavar="FILE", help="a message, or - for standard input")

    corpus = command("corpus", _commands.corpus, "write valid and broken messages, to test parsers with")
    corpus.add_argument(
        "--seed", type=int, default=0, metavar="N", help="choose the messages (default: %(default)s)"
    )
    corpus.add_argument(
        "--count", type=_count, default=500, metavar="N", help="number of messages (default: %(default)s)"
    )
    corpus.add_argument("folder", metavar="DIR", help="an empty or new folder")

    generate = command("generate", _commands.generate, "write dataclasses for the header blocks of a schema")
    generate.add_argument(
        "-o", "--output", metavar="FILE", help="write the module to FILE (default: standard output)"
    )
    generate.add_argument("schema", metavar="SCHEMA", help="an XML schema, or - for standard input")
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and used only here

        sys.stdout.write(f"xmla-headers {version('xmla_headers')}\n")
        parser.exit()


def _code(text: str) -> str:
    if text not in RULES:
        raise argparse.ArgumentTypeError(f"unknown code {text!r}; the README lists all codes")
    return text


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a number of messages, 1 or more")
    return count


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a number of processes, 0 to {_MOST_JOBS}")
    return int(text)
