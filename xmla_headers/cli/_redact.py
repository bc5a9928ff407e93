"""Knows the command `redact`: it writes captures without their secrets, and lists the changes."""

from __future__ import annotations

import argparse
import codecs
from contextlib import nullcontext
from pathlib import Path

from xmla_headers import captures
from xmla_headers._printable import plural, printable

from ._console import CLEAN, TROUBLE, Printer, Streams, complain
from ._folders import is_foreign
from ._inputs import Inputs, unsupported
from ._outputs import check_different, check_empty, check_outside, folder_output, write_file

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
    else:
        check_outside(options.output, source)
        if target.is_dir():
            check_empty(target)
    inputs = Inputs([source], streams, exclude=options.exclude)
    pseudonyms = captures.Pseudonyms()
    # A known id is hidden in every file, so the ids of all files are learned first.
    for file, data in inputs.contents():
        # Pages are kept in a folder: they are text, and the answers of proxies.
        why = None if not file.is_named and is_foreign(data) else _unsearchable(data)
        if why is not None:
            inputs.refuse(file, why)
            continue
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
    for path in sorted(inputs.not_taken):
        printer.line([(printable(f"{path}: left out, its name is not that of a capture"), "warning")])
    count = plural(sum(change.count for _, change in changes), "change")
    printer.line([(f"{count}, {plural(len(pseudonyms), 'session id')}", "")])
    printer.line([(_STAYS, "warning")])
    return CLEAN


_STAYS = "Names, queries and results are not redacted: review them before you publish."


def _unsearchable(data: bytes | memoryview) -> str | None:
    """Return why secrets cannot be searched for in a file, or None."""
    first = next(captures.iter_messages(data), None)
    why = None if first is None else unsupported(first)
    if why is None and _is_binary(data):
        return "binary data, which cannot be searched for secrets"
    return why


def _is_binary(data: bytes | memoryview) -> bool:
    """Return whether a file is neither a capture of a known format nor text."""
    first = bytes(data[:4096])
    text = b"\0" not in first or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not text and captures.format_of(first) is captures.Format.BARE
