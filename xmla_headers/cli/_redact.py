"""The command `redact`: captures -> the same without their secrets, and a list of what was changed."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers import captures
from xmla_headers._printable import plural, printable
from xmla_headers.captures._formats.detect import Format, format_of

from ._console import CLEAN, TROUBLE, Printer, check_different, check_empty, complain
from ._inputs import Inputs

if TYPE_CHECKING:
    import argparse

    from ._console import Streams

__all__ = ["redact"]


def redact(options: argparse.Namespace, streams: Streams) -> int:
    """Write a capture without its secrets, or a folder of them, and return the exit status."""
    source, target = options.path, Path(options.output)
    is_folder = source != "-" and Path(source).is_dir()
    inputs = Inputs([source], streams)
    pseudonyms = captures.Pseudonyms()
    printer = Printer(streams.stdout)
    changes = 0
    if options.output == "-":
        complain(streams, options.output, ValueError("a capture is written into a file"))
        return TROUBLE
    try:
        if is_folder and target.exists():
            check_empty(target)
        elif not is_folder:
            check_different(options.output, source, "this is the capture itself")
        # An id is hidden everywhere once it is known: first all files are asked for theirs.
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


_STAYS = (
    "Names of users, servers and cubes, queries and their results stay: look through them before you publish."
)


def _is_binary(data: bytes | memoryview) -> bool:
    """Whether a file is neither a capture of a known format nor text, in UTF-16 for example."""
    first = bytes(data[:4096])
    text = b"\0" not in first or first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not text and format_of(first) is Format.BARE
