"""A Fiddler archive -> the same without its secrets."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

from ._http import read_http
from ._redact_http import redact_one
from ._saz import MEMBER, BadMember, Exhausted, as_http_1, content_of, open_archive
from ._secrets import ChangeKind

if TYPE_CHECKING:
    from ._allowance import Allowance
    from ._editor import Editor

__all__ = ["redact_saz"]

#: An extra field with the sizes of the entry as it was (APPNOTE.TXT 4.5.3).
_ZIP64 = 1


def redact_saz(data: bytes, editor: Editor) -> bytes:
    """Return an archive without its secrets; the archive itself where it has none.

    Entries keep their order, names, dates and methods. What cannot be read may hold secrets: such an entry
    is left empty.
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
            changed = changed or new != content or name != info.filename
            if not editor.learns:
                _write(copy, info, name, new, whole=content is not None)
        comment = editor.data(archive.comment, "")
        changed = changed or comment != archive.comment
        copy.comment = comment[:65_535]
    return target.getvalue() if changed and not editor.learns else data


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


def _write(copy: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, content: bytes, *, whole: bool) -> None:
    """Write an entry as it was described, with its content."""
    entry = zipfile.ZipInfo(name, info.date_time)
    entry.create_system, entry.comment = info.create_system, info.comment
    entry.internal_attr, entry.external_attr = info.internal_attr, info.external_attr
    if whole:
        entry.compress_type, entry.extra = info.compress_type, _without_sizes(info.extra)
    # Two entries of one name are what a capture may have, and zipfile would warn of.
    copy.NameToInfo.clear()
    copy.writestr(entry, content)


def _without_sizes(extra: bytes) -> bytes:
    """Return extra fields without what zipfile writes itself, where it has to."""
    kept, place = [], 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind != _ZIP64:
            kept.append(extra[place : place + 4 + size])
        place += 4 + size
    return b"".join(kept)
