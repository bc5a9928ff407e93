"""The commands that are no checks, each with what it needs imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers._printable import printable
from xmla_headers.codec import decode
from xmla_headers.findings import XmlaHeadersError

from . import _lines
from ._console import CLEAN, REFUSED, TROUBLE, Printer, check_different, check_empty, complain
from ._inputs import read_file

if TYPE_CHECKING:
    import argparse

    from ._console import Streams

__all__ = ["corpus", "generate", "redact", "show", "timeline"]


def show(options: argparse.Namespace, streams: Streams) -> int:
    data = read_file(options.path, streams)
    if data is None:
        return TROUBLE
    printer = Printer(streams.stdout)
    try:
        envelope = decode(data)
    except XmlaHeadersError as error:
        for line in _lines.text_lines(options.path, error.finding, _lines.Excerpts(data)):
            printer.line(line)
        return REFUSED
    for text in _lines.describe(envelope, show_ids=options.show_ids):
        printer.line([(text, "")])
    for finding in envelope.warnings:
        printer.line([(printable(f"  {finding}"), "warning")])
    return CLEAN


def timeline(options: argparse.Namespace, streams: Streams) -> int:
    from ._timeline import timeline  # noqa: PLC0415 - for this alone

    return timeline(options, streams)


def redact(options: argparse.Namespace, streams: Streams) -> int:
    from ._redact import redact  # noqa: PLC0415 - for this alone

    return redact(options, streams)


def corpus(options: argparse.Namespace, streams: Streams) -> int:
    from xmla_headers import fuzzing  # noqa: PLC0415 - for this alone

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
