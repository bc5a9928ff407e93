"""Knows zip archives (.zip) of captures, other than Fiddler's."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from xmla_headers._printable import plural
from xmla_headers.captures._message import CapturedMessage, unsupported
from xmla_headers.captures._pairing import pair_names
from xmla_headers.captures._unpacking import Allowance

from . import bare, har, saz

if TYPE_CHECKING:
    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["Row", "Table", "read", "recognise", "redact", "row_of"]

# A member of Fiddler's archives: its name stands before its content.
_OF_FIDDLER = re.compile(rb"(?i)raw[/\\]\d{1,18}_[csm]\.")
# Files that programs of archives add.
_HIDDEN = re.compile(r"(?:.*/)?(?:\.[^/]*|__MACOSX/.*)")


class Row(Protocol):
    """The functions of the format of a member."""

    @property
    def read(self) -> Callable[[bytes | memoryview, str, CaptureLimits], Iterator[CapturedMessage]]:
        """Yields the messages."""

    @property
    def redact(self) -> Callable[[bytes, Editor], bytes]:
        """Removes the secrets."""


# Returns the row of the format of a capture. The table of formats gives it, which names this module.
Table: TypeAlias = Callable[[bytes], Row]


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data is a zip archive without the members of a Fiddler archive."""
    return saz.recognise(data) and _OF_FIDDLER.search(data) is None


def read(
    data: bytes | memoryview, name: str, limits: CaptureLimits, table: Table
) -> Iterator[CapturedMessage]:
    """Yield the messages of the captures in the archive, each request before its response."""
    archive = saz._open_archive(data, limits)
    if not isinstance(archive, zipfile.ZipFile):
        yield CapturedMessage(name, b"", trouble=archive)
        return
    prefix = f"{name}/" if name else ""
    allowance = Allowance(limits)
    files = [info for info in archive.infolist() if _is_file(info)]
    infos = {info.filename: info for info in files}
    # If entries have one name, the last one counts.
    others = len(files) - len(infos)
    used: set[str] = set()

    def file_beside(har_name: str, file: str) -> bytes | None:
        """Return the content of a file that a HAR of Playwright refers to."""
        path = har_name[: har_name.rfind("/") + 1] + file
        if path not in infos:
            return None
        used.add(path)
        try:
            return saz._content_of(archive, infos[path], allowance)
        except (saz._BadMember, saz._Exhausted):
            return None

    # The files beside a HAR are known when it has been read.
    for member, exchange in sorted(pair_names(infos), key=lambda each: not _is_har(each[0])):
        if member in used:
            continue
        try:
            content = saz._content_of(archive, infos[member], allowance)
        except saz._BadMember as bad:
            yield CapturedMessage(prefix + member, b"", trouble=bad.finding)
            continue
        except saz._Exhausted:
            finding = allowance.exceeded("the archive", is_short=True)
            yield CapturedMessage(prefix + member, b"", trouble=finding)
            return
        row = row_of(content, table)
        if row is None:
            others += 1
            continue
        if row.read is har.read:
            yield from har.read(content, prefix + member, limits, partial(file_beside, member))
            continue
        for message in row.read(content, prefix + member, limits):
            key = None if exchange is None else prefix + exchange
            own = message.exchange or ""
            yield message if key is None else message.paired(key + own.removeprefix(prefix + member))
    if others or not infos:
        text = f"{plural(others, 'file')} of the archive without captures: not read"
        yield unsupported(name, text, "unpack it, and name the files")


def _is_har(name: str) -> bool:
    return name.lower().endswith(".har")


def _is_file(info: zipfile.ZipInfo) -> bool:
    return not info.filename.endswith("/") and _HIDDEN.fullmatch(info.filename) is None


def row_of(content: bytes, table: Table) -> Row | None:
    """Return the format of a member, or None if it is no capture."""
    row = table(content)
    # Text that no format recognises, such as a note, is no message here.
    is_note = row.read is bare.read and (b"Envelope" not in content or not content.lstrip().startswith(b"<"))
    return None if is_note or recognise(content) or content.startswith(b"\x1f\x8b") else row


def redact(data: bytes, editor: Editor, table: Table) -> bytes:
    """Return the archive with its captures redacted; what is no capture is searched as text."""

    def redacted(member: str, name: str, content: bytes, editor: Editor) -> bytes:
        del member
        row = row_of(content, table)
        return editor.message(content, name) if row is None else row.redact(content, editor)

    return saz.redact(data, editor, redacted)
