"""Knows the commands other than `check`; each imports the modules that only it needs when it runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from xmla_headers._printable import Piece, printable
from xmla_headers.codec import decode
from xmla_headers.findings import RULES, Rule, Severity, XmlaHeadersError

from . import _lines
from ._console import CLEAN, REFUSED, TROUBLE, Printer, Streams, complain
from ._inputs import read_file
from ._outputs import check_different, folder_output, write_file

__all__ = ["codes", "completion", "corpus", "generate", "redact", "show", "timeline"]


def show(options: argparse.Namespace, streams: Streams) -> int:
    """Show the header blocks of one message, and return the exit status."""
    data = read_file(options.path, streams)
    if data is None:
        return TROUBLE
    printer = Printer(streams.stdout, options.color)
    try:
        envelope = decode(data)
    except XmlaHeadersError as error:
        excerpts = _lines.Excerpts(data, printer.width(_lines.EXCERPT_WIDTH))
        for line in _lines.text_lines(options.path, error.finding, excerpts):
            printer.line(line)
        return REFUSED
    for text in _lines.describe(envelope, show_ids=options.show_ids):
        printer.line([(text, "")])
    for finding in envelope.warnings:
        printer.line([(printable(f"  {finding}"), "warning")])
    return CLEAN


def timeline(options: argparse.Namespace, streams: Streams) -> int:
    """Draw captures, and return the exit status."""
    from ._timeline import timeline  # noqa: PLC0415 - only this command needs it

    return timeline(options, streams)


def redact(options: argparse.Namespace, streams: Streams) -> int:
    """Redact captures, and return the exit status."""
    from ._redact import redact  # noqa: PLC0415 - only this command needs it

    return redact(options, streams)


def corpus(options: argparse.Namespace, streams: Streams) -> int:
    """Write a corpus of messages, and return the exit status."""
    from xmla_headers import fuzzing  # noqa: PLC0415 - only this command needs it

    folder = Path(options.folder)
    with folder_output(folder):
        for name, content in fuzzing.corpus(options.seed, options.count):
            write_file(folder / name, content)
    streams.stdout.write(f"{options.count} messages, a manifest and its schema written\n")
    return CLEAN


def generate(options: argparse.Namespace, streams: Streams) -> int:
    """Write the dataclasses of a schema, and return the exit status."""
    from xmla_headers import schema  # noqa: PLC0415 - xmlschema takes long to import

    data = read_file(options.schema, streams)
    if data is None:
        return TROUBLE
    try:
        source = schema.generate(data.decode())
    except (schema.SchemaError, UnicodeDecodeError) as error:
        complain(streams, options.schema, error)
        return TROUBLE
    if options.output is None:
        streams.stdout.write(source)
        return CLEAN
    check_different(options.output, options.schema, "this is the schema itself")
    write_file(Path(options.output), source.encode())
    return CLEAN


def codes(options: argparse.Namespace, streams: Streams) -> int:
    """List the codes, or explain some of them, and return the exit status."""
    printer = Printer(streams.stdout, options.color)
    rules = [RULES[code] for code in dict.fromkeys(options.codes or RULES)]
    if options.format == "json":
        printer.verbatim(json.dumps([_as_dict(rule) for rule in rules], indent=2))
    elif options.codes:
        for number, rule in enumerate(rules):
            if number:
                printer.line([])
            for line in _explanation(rule):
                printer.line(line, indent=_EXPLAINED)
    else:
        widest, severities = max(map(len, RULES)), max(map(len, Severity))
        for rule in rules:
            line = [(f"{rule.code:<{widest}}  ", "place"), (rule.severity, rule.severity.value)]
            line.append((" " * (severities - len(rule.severity)) + f"  {rule.meaning}", ""))
            printer.line(line, indent=widest + severities + 4)
    return CLEAN


# Columns before the text of an explanation.
_EXPLAINED = 12


def _explanation(rule: Rule) -> Iterator[list[Piece]]:
    """Yield the lines about one code."""
    end = ", ends the message" if rule.fatal else ""
    yield [(rule.code, "place"), (": ", ""), (rule.severity, rule.severity.value), (end, "")]
    for label, text in (
        ("meaning", rule.meaning),
        ("what to do", rule.advice),
        ("clause", rule.reference),
        ("fault code", rule.fault_code),
    ):
        yield [(f"{label:<{_EXPLAINED}}", "hint"), (text, "")]


def _as_dict(rule: Rule) -> dict[str, object]:
    return {field.name: getattr(rule, field.name) for field in fields(rule)}


def completion(options: argparse.Namespace, streams: Streams) -> int:
    """Write the completion of the command for a shell, and return the exit status."""
    try:
        from ._completion import script  # noqa: PLC0415 - an extra

        text = script(options.parser, options.shell)
    except ImportError:
        complain(streams, "completion", ValueError("needs the extra: pip install 'xmla_headers[completion]'"))
        return TROUBLE
    streams.stdout.write(text)
    return CLEAN
