"""Fiddler's session archives: a zip with raw/N_c.txt, N_s.txt and N_m.xml -> captured messages."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from xmla_headers.captures._message import CapturedMessage, broken
from xmla_headers.findings import Code, value_finding

from .allowance import Allowance
from .http import HEAD_END, HttpMessage, exchange_of, read_http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.findings import Finding

__all__ = [
    "MEMBER",
    "ZIP_ERRORS",
    "BadMember",
    "BufferFile",
    "Exhausted",
    "as_http_1",
    "content_of",
    "iter_saz",
    "open_archive",
]

#: What the client sent, what the server sent, and what Fiddler says about it. Any other name is passed
#: over: nothing here is written under a name that an archive brings.
MEMBER = re.compile(r"raw/(?P<number>\d{1,18})_(?P<side>[csm])\.(?:txt|xml)", re.IGNORECASE)
#: A timer in N_m.xml: attributes of one element, which need no tree of what strangers wrote.
_TIMER = r'\b%s\s*=\s*"(\d{4}-[^"]{1,40})"'
_BEGUN = ("ClientBeginRequest", "ClientConnected")
_ANSWERED = ("ClientDoneResponse", "ServerDoneResponse")
_MOST_META = 65_536

#: Whatever zipfile raises for the bytes of an archive. NotImplementedError: a version, a method or an
#: encryption that it does not know; RuntimeError: an entry that needs a password; AssertionError,
#: AttributeError, TypeError and MemoryError are none: they would be mistakes of ours.
ZIP_ERRORS = (
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
    """A buffer as a file to read: io.BytesIO would copy it."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__()
        self._data = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise OSError("a place in front of the file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        # Not by `readinto`: that takes as much memory as is asked for, which an archive may say.
        end = len(self._data) if size is None or size < 0 else self._at + size
        piece = bytes(self._data[self._at : end])
        self._at += len(piece)
        return piece


class BadMember(Exception):  # noqa: N818 - it becomes a finding
    """A member that cannot be had."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def iter_saz(data: bytes | memoryview, prefix: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of the exchanges that may be XMLA, by their numbers."""
    archive = open_archive(data, limits)
    if not isinstance(archive, zipfile.ZipFile):
        yield CapturedMessage(prefix[:-1], b"", trouble=archive)
        return
    allowance = Allowance(limits)
    members: dict[int, dict[str, list[zipfile.ZipInfo]]] = {}
    for info in archive.infolist():
        match = MEMBER.fullmatch(info.filename)
        if match is not None:
            sides = members.setdefault(int(match["number"]), {})
            sides.setdefault(match["side"].lower(), []).append(info)
    if not members:
        hint = "a Fiddler archive (.saz) holds raw/1_c.txt, raw/1_s.txt and so on"
        yield broken(prefix[:-1], "a zip archive, but no capture: it has no raw/N_c.txt", hint)
    for number in sorted(members):
        sides = members[number]
        try:
            begun, answered = _times(archive, sides.get("m", []), allowance)
            request = _message(archive, sides.get("c", []), prefix, limits, allowance)
            response = _message(archive, sides.get("s", []), prefix, limits, allowance)
        except Exhausted:
            finding = allowance.exceeded("the archive", is_short=True)
            yield CapturedMessage(f"{prefix}raw/{number}", b"", trouble=finding)
            return
        if request is not None:
            request.time = begun
        if response is not None:
            response.time = answered
        yield from exchange_of(request, response, f"{prefix}{number}", allowance)


def open_archive(data: bytes | memoryview, limits: CaptureLimits) -> zipfile.ZipFile | Finding:
    """Return the archive, or why it cannot be read."""
    most = limits.max_entries
    if most is not None:
        for entries, _ in enumerate(_DIRECTORY_ENTRY.finditer(data), 1):
            if entries > most:
                text = f"the archive has more than {most} entries (max_entries)"
                return value_finding(Code.LIMIT_EXCEEDED, text)
    try:
        return zipfile.ZipFile(BufferFile(data))
    except ZIP_ERRORS:
        text = "a zip archive whose directory cannot be read"
        return value_finding(Code.BROKEN_CAPTURE, text, "the file is cut off, or damaged")


class Exhausted(Exception):  # noqa: N818 - it becomes a finding
    """No more may be unpacked."""


def content_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> bytes:
    """Return the content of a member, which the allowance pays for; raises BadMember and Exhausted."""
    if info.flag_bits & 1:
        message, hint = "the entry is encrypted", "save the capture again without a password"
        raise BadMember(value_finding(Code.BROKEN_CAPTURE, message, hint))
    # Their decompressors cannot be told how much to unpack at a time.
    if info.compress_type not in _STORED:
        message = "the entry is compressed by another method than deflate"
        raise BadMember(value_finding(Code.BROKEN_CAPTURE, message))
    most, is_short = allowance.most, allowance.is_short
    try:
        with archive.open(info) as member:
            content = member.read() if most is None else member.read(most + 1)
    except ZIP_ERRORS:
        # As much may have been unpacked before the damage was met, and a bomb has many such entries.
        allowance.pay(info.file_size if most is None else min(info.file_size, most))
        message = "the entry is damaged: it cannot be unpacked"
        raise BadMember(value_finding(Code.BROKEN_CAPTURE, message)) from None
    allowance.pay(len(content))
    if most is not None and len(content) > most:
        if is_short:
            raise Exhausted
        raise BadMember(allowance.exceeded("the entry", is_short=False))
    return content


def _message(
    archive: zipfile.ZipFile,
    infos: list[zipfile.ZipInfo],
    prefix: str,
    limits: CaptureLimits,
    allowance: Allowance,
) -> HttpMessage | None:
    if not infos:
        return None
    side = MEMBER.fullmatch(infos[0].filename)
    request = side is not None and side["side"].lower() == "c"
    name = f"{prefix}{infos[0].filename}"
    message = HttpMessage(name, "" if request else None, None, (), b"")
    if len(infos) > 1:
        # Readers differ on which of them counts.
        message.trouble = value_finding(Code.BROKEN_CAPTURE, "the archive has two entries of this name")
        return message
    try:
        content = content_of(archive, infos[0], allowance)
    except BadMember as bad:
        message.trouble = bad.finding
        return message
    # A response that never came leaves an empty file.
    if not content.strip():
        return None
    return read_http(as_http_1(content), 0, name, limits)[0]


_HTTP_2 = re.compile(rb"([^\r\n]*?)HTTP/2(?:\.0)?([^\r\n]*+)\r?\n")
_LENGTH = re.compile(rb"(?im)^(?:content-length|transfer-encoding):")
_MOST_LINE = 8_192


def as_http_1(content: bytes) -> bytes:
    """Return an exchange of HTTP/2, which Fiddler writes down like one of HTTP/1, as one of HTTP/1.1."""
    line = _HTTP_2.match(content, 0, _MOST_LINE)
    found = None if line is None else HEAD_END.search(content, line.end() - 2)
    if line is None or found is None:
        return content
    head = b"%bHTTP/1.1%b\r\n%b" % (line[1], line[2], content[line.end() : found.start()])
    body = content[found.end() :]
    # RFC 9113 §8.1.1: the end of a message is not in its header fields.
    if _LENGTH.search(head) is None:
        head += b"\r\nContent-Length: %d" % len(body)
    return b"%b\r\n\r\n%b" % (head, body)


def _times(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], allowance: Allowance
) -> tuple[datetime | None, datetime | None]:
    """Return when an exchange was begun and when it was answered, as far as Fiddler says so."""
    if len(infos) != 1 or infos[0].file_size > _MOST_META:
        return None, None
    try:
        text = content_of(archive, infos[0], allowance).decode("utf-8", "replace")
    except BadMember:
        return None, None
    return _timer(text, _BEGUN), _timer(text, _ANSWERED)


def _timer(text: str, names: tuple[str, ...]) -> datetime | None:
    for name in names:
        match = re.search(_TIMER % name, text)
        try:
            time = None if match is None else datetime.fromisoformat(match[1])
        except ValueError:
            continue
        # A timer that was not set is in the year 1.
        if time is not None and time.year > 1900:
            return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return None
