"""Knows the commands other than `check`; each imports the modules that only it needs when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from xmla_headers._printable import printable
from xmla_headers.codec import decode
from xmla_headers.findings import XmlaHeadersError

from . import _lines
from ._console import CLEAN, REFUSED, TROUBLE, Printer, Streams, check_different, check_empty, complain
from ._inputs import read_file

__all__ = ["corpus", "generate", "redact", "show", "timeline"]


def show(options: argparse.Namespace, streams: Streams) -> int:
    """Show the header blocks of one message, and return the exit status."""
    data = read_file(options.path, streams)
    if data is None:
        return TROUBLE
    printer = Printer(streams.stdout)
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_empty(folder)
        for name, content in fuzzing.corpus(options.seed, options.count):
            (folder / name).write_bytes(content)
    except (OSError, ValueError) as error:
        complain(streams, options.folder, error)
        return TROUBLE
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
    try:
        check_different(options.output, options.schema, "this is the schema itself")
        Path(options.output).write_text(source, encoding="utf-8", newline="\n")
    except OSError as error:
        complain(streams, options.output, error)
        return TROUBLE
    return CLEAN
