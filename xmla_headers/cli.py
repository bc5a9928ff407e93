"""The command xmla-headers: the only code that opens files or prints."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, NoReturn, TextIO

from . import _report
from .codec import decode, iter_findings
from .findings import RULES, Severity, XmlaHeadersError
from .soap import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._report import Piece
    from .findings import Finding

__all__ = ["main", "run"]

CLEAN, REFUSED, TROUBLE = 0, 1, 2

_EPILOG = "exit status: 0 nothing refused, 1 something refused, 2 usage error or unreadable input"


class Streams(NamedTuple):
    """What the command reads and writes, so that a test can look at it."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO


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
        _complain(streams, "standard output", error)
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
    check.set_defaults(run=_check)
    check.add_argument("--direction", choices=list(Direction), help="refuse what does not belong in it")
    check.add_argument("--strict", action="store_true", help="refuse warnings as well")
    for option, what in (("--refuse", "a warning to refuse"), ("--ignore", "a code to pass over")):
        check.add_argument(option, action="append", default=[], metavar="CODE", type=_code, help=what)
    check.add_argument("--format", choices=["text", "json", "github"], default="text")
    check.add_argument("--quiet", action="store_true", help="print no findings: the exit status tells")
    check.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder (all its *.xml), or -")

    show = commands.add_parser("show", help="show the header blocks of one message", epilog=_EPILOG)
    show.set_defaults(run=_show)
    show.add_argument("--show-ids", action="store_true", help="show session ids in full: they are secrets")
    show.add_argument("path", metavar="FILE", help="a file, or - for standard input")

    corpus = commands.add_parser("corpus", help="write messages to test parsers with", epilog=_EPILOG)
    corpus.set_defaults(run=_corpus)
    corpus.add_argument("--seed", type=int, default=0, metavar="N", help="which messages: %(default)s")
    corpus.add_argument("--count", type=_count, default=500, metavar="N", help="how many: %(default)s")
    corpus.add_argument("folder", metavar="DIR", help="where to: an empty folder, or a new one")

    generate = commands.add_parser("generate", help="write the dataclasses of a schema", epilog=_EPILOG)
    generate.set_defaults(run=_generate)
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
        raise argparse.ArgumentTypeError(f"there is no corpus of {_report.printable(text)} messages")
    return count


# -- check -------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace, streams: Streams) -> int:
    refuse, ignore = frozenset(options.refuse), frozenset(options.ignore)
    direction = Direction(options.direction) if options.direction else None
    counts = dict.fromkeys(("messages", "refused", "warnings", "unreadable"), 0)
    printer = _Printer(streams.stdout)
    messages: list[tuple[str, list[tuple[Finding, bool]]]] = []
    unreadable: list[str] = []
    for path, data in _inputs(options.paths, streams, unreadable):
        findings = [
            (finding, _report.is_refused(finding, strict=options.strict, refuse=refuse))
            for finding in iter_findings(data, direction=direction)
            if finding.code not in ignore
        ]
        counts["messages"] += 1
        counts["refused"] += any(refused for _, refused in findings)
        counts["warnings"] += sum(finding.severity is Severity.WARNING for finding, _ in findings)
        if options.quiet:
            continue
        if options.format == "json":
            messages.append((path, findings))
        elif options.format == "github":
            for finding, refused in findings:
                printer.line([(_report.github_line(path, finding, refused=refused), "")])
        elif findings:
            excerpts = _report.Excerpts(data)
            for finding, _ in findings:
                for line in _report.text_lines(path, finding, excerpts):
                    printer.line(line)
    counts["unreadable"] = len(unreadable)
    if not options.quiet:
        if options.format == "json":
            printer.line([(_report.json_text(messages, unreadable, counts), "")])
        else:
            printer.line(_report.summary(counts))
    if counts["unreadable"]:
        return TROUBLE
    return REFUSED if counts["refused"] else CLEAN


def _inputs(paths: Sequence[str], streams: Streams, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each message; what cannot be read is said on standard error, and noted."""
    for path in paths:
        for name in _files(path, streams, unreadable):
            data = _read(name, streams)
            if data is None:
                unreadable.append(name)
            else:
                yield name, data


def _files(path: str, streams: Streams, unreadable: list[str]) -> Iterator[str]:
    # Path.is_dir raises for a name that is too long, or behind a closed door; the reading says it better.
    if path == "-" or not os.path.isdir(path):  # noqa: PTH112
        yield path
        return
    found = False

    def complain(error: OSError) -> None:
        unreadable.append(str(error.filename))
        _complain(streams, error.filename, error)

    for folder, folders, names in os.walk(path, onerror=complain):
        # In place, as os.walk reads it: the order of a file system is nobody's.
        folders.sort()
        for name in sorted(names):
            file = Path(folder) / name
            # A pipe of that name would be waited for.
            if name.lower().endswith(".xml") and (file.is_file() or file.is_symlink()):
                found = True
                yield str(file)
    if not found and path not in unreadable:
        unreadable.append(path)
        _complain(streams, path, ValueError("there is no *.xml in this folder"))


def _read(path: str, streams: Streams) -> bytes | None:
    try:
        return streams.stdin.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        _complain(streams, path, error)
        return None


def _complain(streams: Streams, path: object, error: OSError | ValueError) -> None:
    reason = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0]
    streams.stderr.write(f"xmla-headers: {_report.printable(str(path))}: {_report.printable(reason)}\n")


# -- show, corpus and generate ------------------------------------------------------------------------


def _show(options: argparse.Namespace, streams: Streams) -> int:
    data = _read(options.path, streams)
    if data is None:
        return TROUBLE
    printer = _Printer(streams.stdout)
    try:
        envelope = decode(data)
    except XmlaHeadersError as error:
        for line in _report.text_lines(options.path, error.finding, _report.Excerpts(data)):
            printer.line(line)
        return REFUSED
    for text in _report.describe(envelope, show_ids=options.show_ids):
        printer.line([(text, "")])
    for finding in envelope.warnings:
        printer.line([(_report.printable(f"  {finding}"), "warning")])
    return CLEAN


def _corpus(options: argparse.Namespace, streams: Streams) -> int:
    from .fuzzing import corpus  # noqa: PLC0415 - for this alone

    folder = Path(options.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_empty(folder)
        for name, content in corpus(options.seed, options.count):
            (folder / name).write_bytes(content)
    except (OSError, ValueError) as error:
        _complain(streams, options.folder, error)
        return TROUBLE
    streams.stdout.write(f"{options.count} messages, a manifest and its schema written\n")
    return CLEAN


def _check_empty(folder: Path) -> None:
    if any(folder.iterdir()):
        raise OSError(0, "this folder is not empty")


def _generate(options: argparse.Namespace, streams: Streams) -> int:
    from .schema import SchemaError, generate  # noqa: PLC0415 - xmlschema takes long to import

    data = _read(options.schema, streams)
    if data is None:
        return TROUBLE
    try:
        source = generate(data.decode())
    except (SchemaError, UnicodeDecodeError) as error:
        _complain(streams, options.schema, error)
        return TROUBLE
    if options.output is None:
        streams.stdout.write(source)
        return CLEAN
    try:
        _check_different(options.output, options.schema)
        Path(options.output).write_text(source, encoding="utf-8", newline="\n")
    except OSError as error:
        _complain(streams, options.output, error)
        return TROUBLE
    return CLEAN


def _check_different(output: str, schema: str) -> None:
    if schema != "-" and Path(output).exists() and Path(output).samefile(schema):
        raise OSError(0, "this is the schema itself")


class _Printer:
    """Writes lines; in colour on a terminal, where rich is installed and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = None
        if stream.isatty():
            try:
                from rich.console import Console  # noqa: PLC0415 - an extra
            except ImportError:
                return
            # rich itself leaves the colours out for NO_COLOR and for terminals that have none.
            self._console = Console(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)

    def line(self, pieces: Sequence[Piece]) -> None:
        if self._console is None:
            self._stream.write("".join(text for text, _ in pieces) + "\n")
            return
        from rich.text import Text  # noqa: PLC0415 - an extra

        self._console.print(Text.assemble(*((text, _report.STYLES.get(style, "")) for text, style in pieces)))
