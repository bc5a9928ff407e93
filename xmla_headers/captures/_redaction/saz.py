"""A Fiddler archive -> the same without its secrets."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from operator import attrgetter
from typing import TYPE_CHECKING

from xmla_headers.captures._formats.http import read_http
from xmla_headers.captures._formats.saz import (
    MEMBER,
    BadMember,
    Exhausted,
    as_http_1,
    content_of,
    open_archive,
)

from .http import redact_one
from .secrets import ChangeKind

if TYPE_CHECKING:
    from xmla_headers.captures._formats.allowance import Allowance

    from .editor import Editor

__all__ = ["redact_saz"]

#: An extra field with the sizes of the entry as it was (APPNOTE.TXT 4.5.3).
_ZIP64 = 1


def redact_saz(data: bytes, editor: Editor) -> bytes:
    """Return an archive without its secrets; the archive itself where it has none.

    Entries keep their order, names, dates and methods. What cannot be read may hold secrets: such an entry
    is left empty, and bytes that belong to no entry are left out.
    """
    archive = open_archive(data, editor.limits)
    if not isinstance(archive, zipfile.ZipFile):
        return editor.emptied(data, "", "an archive that cannot be read")
    target = io.BytesIO()
    changed = False
    with archive, zipfile.ZipFile(target, "w") as copy:
        for info in archive.infolist():
            # Fiddler's own names say nothing; others may.
            name = info.filename if MEMBER.fullmatch(info.filename) else editor.text(info.filename, "")
            content = _content(archive, info, editor.allowance)
            if content is None:
                editor.note(name, ChangeKind.UNSEARCHABLE, "an entry that cannot be read")
                new = b""
            else:
                new = _redacted(info.filename, name, content, editor)
            comment, extra = editor.data(info.comment, name), editor.data(info.extra, name)
            changed = changed or (name, new, comment, extra) != (
                info.filename,
                content,
                info.comment,
                info.extra,
            )
            if not editor.learns:
                entry = zipfile.ZipInfo(_fitting(name.encode("utf-8", "replace")).decode(), info.date_time)
                entry.create_system, entry.comment = info.create_system, _fitting(comment)
                entry.internal_attr, entry.external_attr = info.internal_attr, info.external_attr
                if content is not None:
                    entry.compress_type = info.compress_type
                    entry.extra = _without_sizes(extra) if extra == info.extra else b""
                # Two entries of one name are what a capture may have, and zipfile would warn of.
                copy.NameToInfo.clear()
                copy.writestr(entry, new)
        comment = editor.data(archive.comment, "")
        changed = changed or comment != archive.comment
        copy.comment = _fitting(comment)
    if editor.learns or changed:
        return data if editor.learns else target.getvalue()
    if _is_all_read(data, archive, editor):
        return data
    editor.note("", ChangeKind.UNSEARCHABLE, "bytes of the archive that belong to no entry")
    return target.getvalue()


def _fitting(text: bytes) -> bytes:
    """Return a name or a comment, or nothing: a pseudonym may be longer than the id was.

    A piece of it would end in a piece of a pseudonym, which would be hidden again, and so on.
    """
    return text if len(text) <= _MOST else b""


#: Bytes of a name, or of a comment (APPNOTE.TXT 4.4.10 to 4.4.12).
_MOST = 65_535


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> bytes | None:
    """Return the content of an entry; None where it cannot be had, or may not."""
    try:
        return content_of(archive, info, allowance)
    except (BadMember, Exhausted):
        return None


def _redacted(member: str, name: str, content: bytes, editor: Editor) -> bytes:
    match = MEMBER.fullmatch(member)
    if match is None or match["side"].lower() == "m" or not content.strip():
        return editor.message(content, name)
    converted = as_http_1(content)
    message, end = read_http(converted, 0, name, editor.limits)
    # What has been read ends as far from the end as in the original.
    return redact_one(content, len(content) - (len(converted) - end), message, name, editor)


def _without_sizes(extra: bytes) -> bytes:
    """Return extra fields without what zipfile writes itself, where it has to."""
    kept, place = [], 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind != _ZIP64:
            kept.append(extra[place : place + 4 + size])
        place += 4 + size
    return b"".join(kept)


# -- bytes that belong to no entry -----------------------------------------------------------------------


def _is_all_read(data: bytes, archive: zipfile.ZipFile, editor: Editor) -> bool:
    """Whether every byte of an archive is part of the content of an entry as it was read, or describes one.

    Others may be those of an entry that has been deleted, or lie after the end of what an entry says it has.
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


#: Bytes of the record before a content, of one of the directory and of the one at the end, each without
#: what has no fixed size; and the flag that says that a record follows the content (APPNOTE.TXT 4.3, 4.4.4).
_LOCAL, _ENTRY, _END = 30, 46, 22
_HAS_DESCRIPTOR = 1 << 3


def _descriptor_size(data: bytes, place: int, info: zipfile.ZipInfo) -> int:
    """Return the size of the record that follows a content; 0 where there is none (APPNOTE.TXT 4.3.9)."""
    is_small = max(info.compress_size, info.file_size) < 1 << 32
    for form in ("<III", "<IQQ") if is_small else ("<IQQ",):
        record = struct.pack(form, info.CRC, info.compress_size, info.file_size)
        for signature in (b"PK\x07\x08", b""):
            if data.startswith(signature + record, place):
                return len(signature + record)
    return 0


def _is_whole(packed: bytes, info: zipfile.ZipInfo) -> bool:
    """Whether the content of an entry, which has been read, is all that its bytes hold."""
    if info.compress_type == zipfile.ZIP_STORED:
        return len(packed) == info.file_size
    unpacker, size, place = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    while place < len(packed) and not unpacker.eof and size <= info.file_size:
        size += len(unpacker.decompress(packed[place : place + _CHUNK]))
        place += _CHUNK
    return unpacker.eof and size == info.file_size and not unpacker.unused_data and place >= len(packed)


#: Bytes unpacked at a time: a thousand times as many may come of them.
_CHUNK = 4_096
