"""Knows the command `redact`: it writes captures without their secrets, and lists the changes."""

from __future__ import annotations

import argparse
import codecs
from contextlib import nullcontext
from pathlib import Path

from xmla_headers import captures
from xmla_headers._printable import plural, printable

from ._console import CLEAN, TROUBLE, Printer, Streams, complain
from ._inputs import Inputs
from ._outputs import check_different, check_empty, folder_output, write_file

__all__ = ["redact"]


def redact(options: argparse.Namespace, streams: Streams) -> int:
    """Redact a capture or a folder of captures, and return the exit status."""
    source, target = options.path, Path(options.output)
    if options.output == "-":
        complain(streams, options.output, ValueError("redact writes to a file, not to standard output"))
        return TROUBLE
    is_folder = source != "-" and Path(source).is_dir()
    if not is_folder:
        check_different(options.output, source, "this is the capture itself")
    elif target.is_dir():
        check_empty(target)
    inputs = Inputs([source], streams, exclude=options.exclude)
    pseudonyms = captures.Pseudonyms()
    # A known id is hidden in every file, so the ids of all files are learned first.
    for file, data in inputs.contents():
        if _is_binary(data):
            inputs.refuse(file, "binary data, which cannot be searched for secrets")
        pseudonyms.learn(data, file.path)
    if inputs.unreadable:
        return TROUBLE
    changes: list[tuple[str, captures.Change]] = []
    with folder_output(target) if is_folder else nullcontext():
        for file, data in inputs.contents():
            redacted = captures.redact(data, pseudonyms=pseudonyms)
            place = target / Path(file.path).relative_to(source) if is_folder else target
            place.parent.mkdir(parents=True, exist_ok=True)
            write_file(place, redacted.data)
            changes += [(file.path, change) for change in redacted.changes]
    if inputs.unreadable:
        return TROUBLE
    printer = Printer(streams.stdout, options.color)
    for path, change in changes:
        printer.line([(printable(f"{path}: {change}"), "")])
    count = plural(sum(change.count for _, change in changes), "change")
    printer.line([(f"{count}, {plural(len(pseudonyms), 'session id')}", "")])
    printer.line([(_STAYS, "warning")])
    return CLEAN


_STAYS = "Names, queries and results are not redacted: review them before you publish."


def _is_binary(data: bytes | memoryview) -> bool:
    """Return whether a file is neither a capture of a known format nor text."""
    first = bytes(data[:4096])
    text = b"\0" not in first or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not text and captures.format_of(first) is captures.Format.BARE
