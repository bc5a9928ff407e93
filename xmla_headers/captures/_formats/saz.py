"""Knows Fiddler archives (.saz): zip files with raw/N_c.txt, raw/N_s.txt and raw/N_m.xml."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Self

from xmla_headers.captures._message import CapturedMessage, broken
from xmla_headers.captures._unpacking import Allowance
from xmla_headers.findings import Code, value_finding

from .http import exchange_of, redact_one
from .http_stream import HttpMessage, read_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor
    from xmla_headers.findings import Finding

    # Takes the name of an entry, its place, its content and the editor.
    Redact = Callable[[str, str, bytes, Editor], bytes]

__all__ = ["BufferFile", "read", "recognise", "redact"]

_ARCHIVE = re.compile(rb"PK(?:\x03\x04|\x05\x06)")
# The bytes of the client, the bytes of the server, and Fiddler's data about the exchange. Members with other
# names are not read, and no file is written under a name from an archive.
# A folder that was zipped again has its name before them, and some programs write backslashes.
_MEMBER = re.compile(
    r"(?P<folder>(?:(?!\.\.?[/\\])[^/\\]{1,255}[/\\]){0,16}?)raw[/\\](?P<number>\d{1,18})_(?P<side>[csm])\.(?:txt|xml)",
    re.IGNORECASE,
)
# A timer in N_m.xml is an attribute of one element: it is found without parsing untrusted XML.
_TIMER = r'\b%s\s*=\s*"(\d{4}-[^"]{1,40})"'
_BEGUN = ("ClientBeginRequest", "ClientConnected")
_ANSWERED = ("ClientDoneResponse", "ServerDoneResponse")
_MOST_META = 65_536

# The exceptions of zipfile for the bytes of an archive. NotImplementedError: an unsupported version, method
# or encryption; RuntimeError: an entry with a password. AssertionError, AttributeError, TypeError and
# MemoryError would be defects of this module.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    OverflowError,
)
_STORED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DIRECTORY_ENTRY = re.compile(rb"PK\x01\x02")


class BufferFile(io.RawIOBase):
    """A buffer as a readable file. io.BytesIO would copy the buffer."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__()
        self._data = memoryview(data)
        self._at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise OSError("an offset before the file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        # `readinto` would allocate the size that is asked for, which an archive may give.
        end = len(self._data) if size is None or size < 0 else self._at + size
        piece = bytes(self._data[self._at : end])
        self._at += len(piece)
        return piece


class _BadMember(Exception):  # noqa: N818 - it becomes a finding
    """A member that cannot be read."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Exhausted(Exception):  # noqa: N818 - it becomes a finding
    """No more bytes may be unpacked from the archive."""


# -- reading ----------------------------------------------------------------------------------------


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins like a zip archive."""
    return _ARCHIVE.match(data) is not None


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of the exchanges that may be XMLA, in the order of their numbers."""
    prefix = f"{name}/" if name else ""
    archive = _open_archive(data, limits)
    if not isinstance(archive, zipfile.ZipFile):
        yield CapturedMessage(name, b"", trouble=archive)
        return
    allowance = Allowance(limits)
    members: dict[tuple[str, int], dict[str, list[zipfile.ZipInfo]]] = {}
    for info in archive.infolist():
        match = _MEMBER.fullmatch(info.filename)
        if match is not None:
            sides = members.setdefault((_name_of(match["folder"]), int(match["number"])), {})
            sides.setdefault(match["side"].lower(), []).append(info)
    if not members:
        hint = "a Fiddler archive (.saz) holds raw/1_c.txt, raw/1_s.txt and so on"
        yield broken(name, "a zip archive, but not a capture: it has no raw/N_c.txt", hint)
    for folder, number in sorted(members):
        sides = members[folder, number]
        try:
            begun, answered = _times(archive, sides.get("m", []), allowance)
            request = _message(archive, sides.get("c", []), prefix, limits, allowance)
            response = _message(archive, sides.get("s", []), prefix, limits, allowance)
        except _Exhausted:
            finding = allowance.exceeded("the archive", is_short=True)
            yield CapturedMessage(f"{prefix}{folder}raw/{number}", b"", trouble=finding)
            return
        if request is not None:
            request.time = begun
        if response is not None:
            response.time = answered
        yield from exchange_of(request, response, f"{prefix}{folder}{number}", allowance)


def _name_of(member: str) -> str:
    """Return the name of a member, with slashes."""
    return member.replace("\\", "/")


def _open_archive(data: bytes | memoryview, limits: CaptureLimits) -> zipfile.ZipFile | Finding:
    """Return the archive, or why it cannot be read."""
    most = limits.max_entries
    if most is not None:
        for entries, _ in enumerate(_DIRECTORY_ENTRY.finditer(data), 1):
            if entries > most:
                text = f"the archive has more than {most} entries (max_entries)"
                return value_finding(Code.LIMIT_EXCEEDED, text)
    try:
        return zipfile.ZipFile(BufferFile(data))
    except _ZIP_ERRORS:
        text = "a zip archive whose directory cannot be read"
        return value_finding(Code.BROKEN_CAPTURE, text, "the file is cut off, or damaged")


def _content_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> bytes:
    """Return the content of a member, which the allowance pays for; raise _BadMember or _Exhausted."""
    if info.flag_bits & 1:
        message, hint = "the entry is encrypted", "save the capture again without a password"
        raise _BadMember(value_finding(Code.BROKEN_CAPTURE, message, hint))
    # Other decompressors do not bound the size of their output.
    if info.compress_type not in _STORED:
        message = "the entry is compressed by a method other than deflate"
        raise _BadMember(value_finding(Code.BROKEN_CAPTURE, message))
    most, is_short = allowance.most, allowance.is_short
    try:
        with archive.open(info) as member:
            content = member.read() if most is None else member.read(most + 1)
    except _ZIP_ERRORS:
        # That many bytes may have been unpacked before the damage, and a bomb has many such entries.
        allowance.pay(info.file_size if most is None else min(info.file_size, most))
        message = "the entry is damaged: it cannot be unpacked"
        raise _BadMember(value_finding(Code.BROKEN_CAPTURE, message)) from None
    allowance.pay(len(content))
    if most is not None and len(content) > most:
        if is_short:
            raise _Exhausted
        raise _BadMember(allowance.exceeded("the entry", is_short=False))
    return content


def _message(
    archive: zipfile.ZipFile,
    infos: list[zipfile.ZipInfo],
    prefix: str,
    limits: CaptureLimits,
    allowance: Allowance,
) -> HttpMessage | None:
    """Return one side of an exchange, or None if the archive does not have it."""
    if not infos:
        return None
    side = _MEMBER.fullmatch(infos[0].filename)
    request = side is not None and side["side"].lower() == "c"
    name = prefix + _name_of(infos[0].filename)
    message = HttpMessage(name, "" if request else None, None, (), b"")
    if len(infos) > 1:
        # Readers differ on which entry counts.
        message.trouble = value_finding(Code.BROKEN_CAPTURE, "the archive has two entries of this name")
        return message
    try:
        content = _content_of(archive, infos[0], allowance)
    except _BadMember as bad:
        message.trouble = bad.finding
        return message
    # Fiddler writes an empty file for a missing response.
    if not content.strip():
        return None
    return read_one(content, 0, name, limits)[0]


def _times(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], allowance: Allowance
) -> tuple[datetime | None, datetime | None]:
    """Return when an exchange began and when it was answered, if Fiddler says so."""
    if len(infos) != 1 or infos[0].file_size > _MOST_META:
        return None, None
    try:
        text = _content_of(archive, infos[0], allowance).decode("utf-8", "replace")
    except _BadMember:
        return None, None
    return _timer(text, _BEGUN), _timer(text, _ANSWERED)


def _timer(text: str, names: tuple[str, ...]) -> datetime | None:
    """Return the first of the timers that is set."""
    for name in names:
        match = re.search(_TIMER % name, text)
        try:
            time = None if match is None else datetime.fromisoformat(match[1])
        except ValueError:
            continue
        # An unset timer is in the year 1.
        if time is not None and time.year > 1900:
            return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return None


# -- redaction ---------------------------------------------------------------------------------------


def redact(data: bytes, editor: Editor, redacted: Redact | None = None) -> bytes:
    """Return an archive without its secrets; the archive itself if it has none.

    Entries keep their order, names, dates and methods. An entry that cannot be read may contain secrets: it
    becomes empty. Bytes that belong to no entry are removed. `redacted` returns the content of another entry
    than Fiddler's without its secrets.
    """
    archive = _open_archive(data, editor.limits)
    if not isinstance(archive, zipfile.ZipFile):
        return editor.emptied(data, "", "an archive that cannot be read")
    unread = False
    with archive, _Copy(archive) as copy:
        for info in archive.infolist():
            match = _MEMBER.fullmatch(info.filename)
            # Fiddler's own names contain no secrets.
            is_plain = match is not None and not match["folder"]
            name = info.filename if is_plain else editor.text(info.filename, "")
            place = _name_of(name)
            content = _content(archive, info, editor.allowance)
            comment, extra = editor.data(info.comment, place), editor.data(info.extra, place)
            if content is None:
                # One byte represents the content.
                unread, content = True, b"?"
                new = editor.emptied(content, place, "an entry that cannot be read")
                extra = info.extra if new else b""
            else:
                new = (redacted or _redacted)(info.filename, place, content, editor)
            if (name, new, comment, extra) == (info.filename, content, info.comment, info.extra):
                copy.keep(info)
            else:
                copy.add(info, name, new, comment, extra)
        comment = editor.data(archive.comment, "")
        if copy.is_changed or comment != archive.comment:
            return copy.finished(comment)
        rest = b"" if unread or _is_all_read(data, archive, editor) else data
        left = editor.emptied(rest, "", "bytes of the archive that belong to no entry")
        return data if left == rest else copy.finished(comment)


class _Copy:
    """A changed copy of an archive. Nothing is written before the first change."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        # The entries before the first change.
        self._kept: list[zipfile.ZipInfo] = []
        self._target = io.BytesIO()
        self._zip = zipfile.ZipFile(self._target, "w")
        self.is_changed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # An archive that is dropped open is written by the garbage collector, into a target that may be gone.
        self._zip.close()

    def keep(self, info: zipfile.ZipInfo) -> None:
        """Add an entry without a change."""
        self._kept.append(info)
        if self.is_changed:
            self._write_kept()

    def add(self, info: zipfile.ZipInfo, name: str, content: bytes, comment: bytes, extra: bytes) -> None:
        """Add an entry with other content."""
        self.is_changed = True
        self._write_kept()
        entry = zipfile.ZipInfo(_fitting(name.encode("utf-8", "replace")).decode(), info.date_time)
        entry.create_system, entry.comment = info.create_system, _fitting(comment)
        entry.internal_attr, entry.external_attr = info.internal_attr, info.external_attr
        entry.extra = _without_sizes(extra) if extra == info.extra else b""
        if info.compress_type in _STORED:
            entry.compress_type = info.compress_type
        # A capture may have two entries of one name, of which zipfile would warn.
        self._zip.NameToInfo.clear()
        self._zip.writestr(entry, content)

    def finished(self, comment: bytes) -> bytes:
        """Return the bytes of the copy."""
        self._write_kept()
        self._zip.comment = _fitting(comment)
        self._zip.close()
        return self._target.getvalue()

    def _write_kept(self) -> None:
        kept, self._kept = self._kept, []
        for info in kept:
            self.add(info, info.filename, self._archive.read(info), info.comment, info.extra)


def _fitting(text: bytes) -> bytes:
    """Return a name or a comment, or b"" if its pseudonyms make it too long.

    A shortened one would end in a part of a pseudonym, which the next round would hide again.
    """
    return text if len(text) <= _MOST else b""


# Bytes of a name or a comment (APPNOTE.TXT 4.4.10 to 4.4.12).
_MOST = 65_535


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> bytes | None:
    """Return the content of an entry, or None if it cannot be read within the limits."""
    try:
        return _content_of(archive, info, allowance)
    except (_BadMember, _Exhausted):
        return None


def _redacted(member: str, name: str, content: bytes, editor: Editor) -> bytes:
    """Return the content of an entry without its secrets."""
    match = _MEMBER.fullmatch(member)
    if match is None or match["side"].lower() == "m" or not content.strip():
        return editor.message(content, name)
    message, end = read_one(content, 0, name, editor.limits)
    return redact_one(content, end, message, name, editor)


# An extra field with the sizes of the old entry (APPNOTE.TXT 4.5.3).
_ZIP64 = 1


def _without_sizes(extra: bytes) -> bytes:
    """Return extra fields without the sizes, which zipfile writes itself."""
    kept, place = [], 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind != _ZIP64:
            kept.append(extra[place : place + 4 + size])
        place += 4 + size
    return b"".join(kept)


# -- bytes that belong to no entry -----------------------------------------------------------------------


def _is_all_read(data: bytes, archive: zipfile.ZipFile, editor: Editor) -> bool:
    """Return whether every byte of an archive belongs to the content or the description of an entry.

    Other bytes may be of a deleted entry, or after the end that an entry gives.
    """
    place = 0
    for info in sorted(archive.infolist(), key=attrgetter("header_offset")):
        if info.header_offset != place:
            return False
        name, extra = struct.unpack_from("<HH", data, place + _LOCAL - 4)
        start = place + _LOCAL + name + extra
        described = data[start - extra : start]
        place = start + info.compress_size
        if editor.data(described, "") != described or not _is_whole(data[start:place], info):
            return False
        if info.flag_bits & _HAS_DESCRIPTOR:
            place += _descriptor_size(data, place, info)
    for _ in archive.infolist():
        if not data.startswith(b"PK\x01\x02", place) or place + _ENTRY > len(data):
            return False
        place += _ENTRY + sum(struct.unpack_from("<HHH", data, place + 28))
    return data.startswith(b"PK\x05\x06", place) and place + _END + len(archive.comment) == len(data)


# Bytes of the parts of fixed size: of the record before a content, of a record of the directory and of the
# record at the end; and the flag of an entry with a record after its content (APPNOTE.TXT 4.3, 4.4.4).
_LOCAL, _ENTRY, _END = 30, 46, 22
_HAS_DESCRIPTOR = 1 << 3


def _descriptor_size(data: bytes, place: int, info: zipfile.ZipInfo) -> int:
    """Return the size of the record after a content, 0 if there is none (APPNOTE.TXT 4.3.9)."""
    is_small = max(info.compress_size, info.file_size) < 1 << 32
    for form in ("<III", "<IQQ") if is_small else ("<IQQ",):
        record = struct.pack(form, info.CRC, info.compress_size, info.file_size)
        for signature in (b"PK\x07\x08", b""):
            if data.startswith(signature + record, place):
                return len(signature + record)
    return 0


def _is_whole(packed: bytes, info: zipfile.ZipInfo) -> bool:
    """Return whether the bytes of a readable entry contain its content alone."""
    if info.compress_type == zipfile.ZIP_STORED:
        return len(packed) == info.file_size
    unpacker, size, place = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    while place < len(packed) and not unpacker.eof and size <= info.file_size:
        size += len(unpacker.decompress(packed[place : place + _CHUNK]))
        place += _CHUNK
    return unpacker.eof and size == info.file_size and not unpacker.unused_data and place >= len(packed)


# Bytes unpacked at a time: they may unpack to a thousand times as many.
_CHUNK = 4_096
