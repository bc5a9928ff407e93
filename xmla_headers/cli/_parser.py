"""Knows the arguments of the command, and the words of its help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from xmla_headers._printable import printable
from xmla_headers.findings import RULES
from xmla_headers.soap import Direction

from . import _check, _commands
from ._console import Streams
from ._selection import moment

__all__ = ["SHELLS", "make_parser"]

SHELLS = ("bash", "zsh", "fish", "tcsh")
"""The shells for which there is a completion."""

_MOST_JOBS = 256
_PATH = (
    "a capture (.har, .saz, raw HTTP, or one message), a folder of captures"
    " (*.xml, *.har, *.saz, *.http, N_c.txt, N_s.txt), or - for standard input"
)
_ABOUT = "Check, draw and redact captures of XMLA messages."
_MORE = """\
environment:
  NO_COLOR, FORCE_COLOR  if not empty, output is never or always coloured;
                         the option --color outranks them

`xmla-headers COMMAND --help` describes a command. Completion in a shell needs
the extra `completion`, and a line such as this one in ~/.bashrc:
  eval "$(xmla-headers completion bash)"
"""
_VERDICTS = ("no message is refused", "a message is refused")

_Run: TypeAlias = Callable[[argparse.Namespace, Streams], int]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command. `run` in its result is the function of the command, or None."""
    parser = argparse.ArgumentParser(
        prog="xmla-headers",
        description=_ABOUT,
        epilog=f"{_statuses('success; no message is refused', _VERDICTS[1])}\n{_MORE}",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: _Run, about: str, clean: str, refused: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog=_statuses(clean, refused),
            formatter_class=_Formatter,
        )
        added.set_defaults(run=run)
        return added

    check = command("check", _check.check, "check the messages and sessions of captures", *_VERDICTS)
    check.add_argument(
        "--direction",
        choices=list(Direction),
        help="the direction of messages whose capture does not contain it; header blocks of the other"
        " direction are refused (default: unknown)",
    )
    check.add_argument(
        "--strict", action="store_true", help="refuse every warning (default: accept warnings)"
    )
    for option, about in (
        ("--refuse", "refuse warnings with these codes"),
        ("--ignore", "ignore findings with these codes"),
    ):
        check.add_argument(
            option,
            action="extend",
            default=[],
            metavar="CODE[,CODE]",
            type=_codes,
            help=f"{about}; may be repeated (default: none)",
        )
    check.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="FILE",
        help="check header blocks and Bodies against this XML schema, too; may be repeated. Imported"
        " schemas are not fetched (default: none)",
    )
    _add_exclude(check)
    check.add_argument(
        "--skip-foreign",
        action="store_true",
        help="skip XML without an Envelope and without a SOAP namespace, even if it is named itself"
        " (default: skip it in folders only)",
    )
    check.add_argument(
        "--format",
        choices=["text", "json", "github"],
        default="text",
        help="the format of the report; github is for annotations (default: %(default)s)",
    )
    _add_selection(check)
    check.add_argument(
        "--all",
        action="store_true",
        help="print each finding as it is found, and each diagnosis (default: the first three of a kind)",
    )
    check.add_argument(
        "--quiet", action="store_true", help="only set the exit status (default: print the report)"
    )
    _add_output(check, "the report")
    _add_jobs(check)
    _add_color(check)
    check.add_argument("paths", nargs="+", metavar="CAPTURE", help=_PATH)

    timeline = command(
        "timeline", _commands.timeline, "draw the sessions of captures", "the captures are drawn"
    )
    timeline.add_argument(
        "-o", "--output", metavar="FILE", help="write an HTML page to FILE (default: text to standard output)"
    )
    _add_selection(timeline)
    _add_show_ids(timeline)
    _add_exclude(timeline)
    _add_color(timeline)
    timeline.add_argument("paths", nargs="+", metavar="CAPTURE", help=_PATH)

    redact = command(
        "redact",
        _commands.redact,
        "remove session ids and credentials from a capture",
        "the redacted capture is written",
    )
    redact.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="the redacted file; for a folder, a new or empty folder (required)",
    )
    for option, about in (
        ("--also", "remove the values of fields, elements, attributes and parameters of this name, too"),
        ("--keep", "keep the values of this name, which looks like that of a credential; ids never stay"),
    ):
        redact.add_argument(
            option,
            action="append",
            default=[],
            metavar="NAME",
            help=f"{about}; may be repeated (default: none)",
        )
    redact.add_argument(
        "--users",
        action="store_true",
        help="replace the names of users and roles by user-1, user-2 and so on (default: they stay)",
    )
    redact.add_argument(
        "--as",
        dest="as_text",
        choices=["text"],
        help="search what is no known capture as text; secrets may stay in it (default: refuse it)",
    )
    redact.add_argument(
        "--list", action="store_true", help="list each change (default: sum them up by kind and name)"
    )
    redact.add_argument(
        "--no-verify",
        action="store_true",
        help="write the result even if check says something else of it (default: refuse to)",
    )
    _add_exclude(redact)
    _add_jobs(redact)
    _add_color(redact)
    redact.add_argument("path", metavar="CAPTURE", help=_PATH)

    show = command("show", _commands.show, "show the header blocks of one message", *_VERDICTS)
    _add_show_ids(show)
    _add_color(show)
    show.add_argument("path", metavar="FILE", help="a message, or - for standard input")

    codes = command("codes", _commands.codes, "list or explain the codes of findings", "the codes are listed")
    codes.add_argument(
        "--format", choices=["text", "json"], default="text", help="the format (default: %(default)s)"
    )
    _add_color(codes)
    codes.add_argument(
        "codes", nargs="*", metavar="CODE", type=_code, help="a code to explain (default: list all)"
    )

    corpus = command(
        "corpus",
        _commands.corpus,
        "write valid and broken messages, to test parsers with",
        "the messages are written",
    )
    corpus.add_argument(
        "--seed", type=int, default=0, metavar="N", help="choose the messages (default: %(default)s)"
    )
    corpus.add_argument(
        "--count", type=_count, default=500, metavar="N", help="number of messages (default: %(default)s)"
    )
    corpus.add_argument("folder", metavar="DIR", help="an empty or new folder")

    generate = command(
        "generate",
        _commands.generate,
        "write dataclasses for the header blocks of a schema",
        "the dataclasses are written",
    )
    _add_output(generate, "the module")
    generate.add_argument("schema", metavar="SCHEMA", help="an XML schema, or - for standard input")

    completion = command(
        "completion",
        _commands.completion,
        "write the completion of this command for a shell",
        "the completion is written",
    )
    completion.set_defaults(parser=parser)
    completion.add_argument("shell", choices=SHELLS, help="the shell that loads the output at its start")
    return parser


def _statuses(clean: str, refused: str) -> str:
    """Return the part of a help text about the exit statuses."""
    return f"exit status:\n  0    {clean}\n" + "".join(
        f"  {status:<3}  {meaning}\n"
        for status, meaning in (
            (1, refused),
            (2, f"usage error, or an input or output that cannot be used{'; outranks 1' * bool(refused)}"),
            (130, "interrupted"),
            (141, "the reader of standard output has closed it"),
        )
        if meaning
    )


def _add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        type=_color,
        choices=["auto", "always", "never"],
        default="auto",
        help="whether output is coloured; auto is for terminals (default: %(default)s)",
    )


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="the number of processes; 0 for one per core (default: %(default)s)",
    )


def _add_exclude(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="skip what has this name in a folder, or this path below it if GLOB contains a slash; may be"
        " repeated (default: none). Hidden folders are always skipped",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only",
        choices=["lost"],
        help="tell only the sessions that were lost, and why; the exit status and the counts are always those"
        " of all messages (default: all)",
    )
    parser.add_argument(
        "--session",
        action="extend",
        default=[],
        type=_numbers,
        metavar="N[,N]",
        help="tell only the sessions of these numbers; may be repeated (default: all)",
    )
    for option, what in (("--since", "from this time on"), ("--until", "up to this time")):
        parser.add_argument(
            option,
            type=moment,
            metavar="TIME",
            help=f"tell only what passed {what}: 08:30 by the clock of the capture, or 2026-11-20T08:30:00Z;"
            " messages without a time are left out (default: all)",
        )


def _add_output(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"write {what} to FILE (default: standard output)"
    )


def _add_show_ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--show-ids",
        action="store_true",
        help="show session ids, which are secrets, in full (default: masked)",
    )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            # argparse forgets that the commands are indented, and so breaks the line of the longest.
            self._action_max_length += self._indent_increment


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and used only here

        sys.stdout.write(f"xmla-headers {version('xmla_headers')}\n")
        parser.exit()


def _codes(text: str) -> list[str]:
    return [_code(code.strip()) for code in text.split(",")]


def _code(text: str) -> str:
    if text in RULES:
        return text
    from difflib import get_close_matches  # noqa: PLC0415 - slow, and used only here

    wanted = text.lower().replace("_", "-")
    near = get_close_matches(wanted, RULES, 1) or [code for code in RULES if wanted and wanted in code]
    suggestion = f"did you mean {near[0]}? " if near else ""
    raise argparse.ArgumentTypeError(
        f"unknown code {text!r}; {suggestion}`xmla-headers codes` lists all codes"
    )


def _color(text: str) -> str:
    if text == "always":
        try:
            import rich.console  # noqa: F401, PLC0415 - an extra
        except ImportError:
            raise argparse.ArgumentTypeError(
                "colour needs the extra cli: pip install 'xmla_headers[cli]'"
            ) from None
    return text


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a number of messages, 1 or more")
    return count


def _numbers(text: str) -> list[int]:
    return [_number(number.strip()) for number in text.split(",")]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text[:10]) < 1:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not the number of a session, 1 or more")
    return int(text[:10])


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a number of processes, 0 to {_MOST_JOBS}")
    return int(text)
