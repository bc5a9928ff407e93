"""The command xmla-headers: the only code that opens files or prints."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from xmla_headers._printable import printable
from xmla_headers.findings import RULES
from xmla_headers.soap import Direction

from . import _check, _commands
from ._console import TROUBLE, Streams, complain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Streams", "main", "run"]

_EPILOG = (
    "exit status: 0 nothing refused, 1 something refused, 2 usage error or unreadable input, 130 interrupted"
)
_PATH = (
    "a capture: .har, .saz, raw HTTP or a message; a folder of them (*.xml, *.har, *.saz, *.http, N_c.txt,"
    " N_s.txt); or -"
)
_SHOW_IDS = "show session ids in full: they are secrets"
_MOST_JOBS = 256


def main() -> None:
    """Run the command and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    # What is closed is None: nothing to read, nowhere to write.
    stdin = io.BytesIO() if sys.stdin is None else sys.stdin.buffer
    streams = Streams(stdin, sys.stdout or io.StringIO(), sys.stderr or io.StringIO())
    try:
        status = run(sys.argv[1:], streams)
        streams.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, and what was not said is not known to be clean. Python would
        # complain again at exit.
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
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    status: int = options.run(options, streams)
    return status


def _parser() -> argparse.ArgumentParser:
    about = "Check and show the session headers of XMLA messages."
    parser = argparse.ArgumentParser(prog="xmla-headers", description=about, epilog=_EPILOG)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="check captured messages", epilog=_EPILOG)
    check.set_defaults(run=_check.check)
    check.add_argument(
        "--direction",
        choices=list(Direction),
        help="refuse what does not belong in it, where the capture does not tell",
    )
    check.add_argument("--strict", action="store_true", help="refuse warnings as well")
    for option, what in (("--refuse", "a warning to refuse"), ("--ignore", "a code to pass over")):
        check.add_argument(option, action="append", default=[], metavar="CODE", type=_code, help=what)
    check.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="FILE",
        help="an XML schema for header blocks and what the Body holds; nothing else is fetched",
    )
    check.add_argument("--format", choices=["text", "json", "github"], default="text")
    check.add_argument("--quiet", action="store_true", help="print no findings: the exit status tells")
    check.add_argument(
        "-o", "--output", metavar="FILE", help="where the report goes; standard output if not given"
    )
    check.add_argument(
        "--jobs", type=_jobs, default=1, metavar="N", help="processes; 0 for one a core: %(default)s"
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help=_PATH)

    timeline = commands.add_parser("timeline", help="draw the sessions of captures")
    timeline.set_defaults(run=_commands.timeline)
    timeline.add_argument("-o", "--output", metavar="FILE", help="write an HTML page there; else text")
    timeline.add_argument("--show-ids", action="store_true", help=_SHOW_IDS)
    timeline.add_argument("paths", nargs="+", metavar="CAPTURE", help=_PATH)

    redact = commands.add_parser("redact", help="take the secrets out of a capture, to publish it")
    redact.set_defaults(run=_commands.redact)
    redact.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where to; a folder for a folder"
    )
    redact.add_argument("path", metavar="CAPTURE", help=_PATH)

    show = commands.add_parser("show", help="show the header blocks of one message", epilog=_EPILOG)
    show.set_defaults(run=_commands.show)
    show.add_argument("--show-ids", action="store_true", help=_SHOW_IDS)
    show.add_argument("path", metavar="FILE", help="a file, or - for standard input")

    corpus = commands.add_parser("corpus", help="write messages to test parsers with", epilog=_EPILOG)
    corpus.set_defaults(run=_commands.corpus)
    corpus.add_argument("--seed", type=int, default=0, metavar="N", help="which messages: %(default)s")
    corpus.add_argument("--count", type=_count, default=500, metavar="N", help="how many: %(default)s")
    corpus.add_argument("folder", metavar="DIR", help="where to: an empty folder, or a new one")

    generate = commands.add_parser("generate", help="write the dataclasses of a schema", epilog=_EPILOG)
    generate.set_defaults(run=_commands.generate)
    generate.add_argument("-o", "--output", metavar="FILE", help="where to; standard output if not given")
    generate.add_argument("schema", metavar="SCHEMA", help="an XML schema")
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and needed for this alone

        sys.stdout.write(f"xmla-headers {version('xmla_headers')}\n")
        parser.exit()


def _code(text: str) -> str:
    if text not in RULES:
        raise argparse.ArgumentTypeError(f"there is no code {text!r}; the README lists them")
    return text


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"there is no corpus of {printable(text)} messages")
    return count


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"there are no {printable(text)} processes to be had")
    return int(text)
