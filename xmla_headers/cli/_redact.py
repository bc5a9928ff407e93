"""Knows the command `redact`: it writes captures without their secrets, and lists the changes."""

from __future__ import annotations

import argparse
import codecs
from pathlib import Path

from xmla_headers import captures
from xmla_headers._printable import plural, printable

from ._console import CLEAN, TROUBLE, Printer, Streams, check_different, check_empty, complain
from ._inputs import Inputs

__all__ = ["redact"]


def redact(options: argparse.Namespace, streams: Streams) -> int:
    """Redact a capture or a folder of captures, and return the exit status."""
    source, target = options.path, Path(options.output)
    is_folder = source != "-" and Path(source).is_dir()
    inputs = Inputs([source], streams)
    pseudonyms = captures.Pseudonyms()
    printer = Printer(streams.stdout)
    changes = 0
    if options.output == "-":
        complain(streams, options.output, ValueError("redact writes to a file, not to standard output"))
        return TROUBLE
    try:
        if is_folder and target.exists():
            check_empty(target)
        elif not is_folder:
            check_different(options.output, source, "this is the capture itself")
        # A known id is hidden in every file, so the ids of all files are learned first.
        for file, data in inputs.contents():
            if _is_binary(data):
                inputs.refuse(file, "binary data, which cannot be searched for secrets")
            pseudonyms.learn(data, file.path)
        if inputs.unreadable:
            return TROUBLE
        for file, data in inputs.contents():
            redacted = captures.redact(data, pseudonyms=pseudonyms)
            place = target / Path(file.path).relative_to(source) if is_folder else target
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(redacted.data)
            for change in redacted.changes:
                printer.line([(printable(f"{file.path}: {change}"), "")])
            changes += sum(change.count for change in redacted.changes)
    except OSError as error:
        complain(streams, options.output, error)
        return TROUBLE
    if inputs.unreadable:
        return TROUBLE
    printer.line([(f"{plural(changes, 'change')}, {plural(len(pseudonyms), 'session id')}", "")])
    printer.line([(_STAYS, "warning")])
    return CLEAN


_STAYS = "Names, queries and results are not redacted: review them before you publish."


def _is_binary(data: bytes | memoryview) -> bool:
    """Return whether a file is neither a capture of a known format nor text."""
    first = bytes(data[:4096])
    text = b"\0" not in first or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not text and captures.format_of(first) is captures.Format.BARE
