"""One pass over the texts of a capture: to learn the ids in them, or to hide what is secret."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ._secrets import ChangeKind, Edit, find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._message import CaptureLimits
    from ._pseudonyms import Needles, Table

__all__ = ["Editor", "unsearchable"]

#: Where the NULs are in the first four bytes of "<" and an ASCII character -> the encoding.
_NULS = {
    (1, 3): "utf-16-le",
    (0, 2): "utf-16-be",
    (1, 2, 3): "utf-32-le",
    (0, 1, 2): "utf-32-be",
}
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: What text cannot be found in: gzip, zip, MS-BINXML.
_PACKED = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"\xdf\xff", "MS-BINXML"))

#: What of an id that has markup in it is one for certain: an attribute that lacks its quote goes on.
_BEFORE_MARKUP = re.compile(r"[^\s<>/]+")


class Editor:
    """A pass over a capture: `learns` says whether it takes note of the ids, or hides what is secret.

    The readers of the formats hand it texts, and put what it returns in their places. When it learns it
    returns what it got.
    """

    def __init__(self, table: Table, limits: CaptureLimits, name: str, *, learns: bool) -> None:
        #: The place of what has no name in the capture.
        self.name = name
        self.limits = limits
        self.learns = learns
        #: Place, kind and what -> how often.
        self.changes: Counter[tuple[str, ChangeKind, str]] = Counter()
        self._table = table
        self._needles: Needles | None = None if learns else table.needles()

    def find(self, text: str, *, head: bool = False) -> list[Edit]:
        """Return what is to be hidden in a text."""
        return find(text, self._needles, head=head)

    def apply(self, text: str, edits: Iterable[Edit], place: str) -> str:
        """Return the text with what was found in it hidden; or take note of the ids."""
        if self.learns:
            self._learn(edits)
            return text
        parts, done = [], 0
        for edit in edits:
            replacement, old = self.replacement(edit), text[edit.start : edit.end]
            if replacement == old:
                continue
            parts += [text[done : edit.start], replacement]
            done = edit.end
            self.count(edit, replacement, place)
        return "".join([*parts, text[done:]]) if parts else text

    def replacement(self, edit: Edit) -> str:
        """Return what takes the place of a secret."""
        if edit.folded:
            return self._table.spelled(edit.identifier, edit.folded)
        return self._table.pseudonym(edit.identifier) if edit.identifier else ""

    def count(self, edit: Edit, replacement: str, place: str) -> None:
        """List a change, unless it is a part of one that is listed."""
        if edit.what or replacement:
            self.note(place, edit.kind, edit.what or replacement)

    def note(self, place: str, kind: ChangeKind, what: str) -> None:
        """List a change."""
        self.changes[place or self.name, kind, what] += 1

    def text(self, text: str, place: str, *, head: bool = False) -> str:
        """Return a text with its secrets hidden."""
        return self.apply(text, self.find(text, head=head), place)

    def data(self, data: bytes, place: str, *, head: bool = False) -> bytes:
        """Return bytes with the secrets of their text hidden, and every other byte as it was."""
        text, codec, errors = _text(data)
        new = self.text(text, place, head=head)
        if new is text:
            return data
        encoded = new.encode(codec, errors)
        width = _WIDTHS.get(codec, 1)
        return encoded + data[len(data) - len(data) % width :]

    def message(self, data: bytes, place: str) -> bytes:
        """Return a message with its secrets hidden; nothing of one that cannot be searched."""
        reason = unsearchable(data, self.limits)
        if reason is None:
            return self.data(data, place)
        return self.emptied(data, place, reason)

    def emptied(self, data: bytes, place: str, reason: str) -> bytes:
        """Return nothing in place of what cannot be searched, and list that."""
        if self.learns or not data:
            return data
        self.note(place, ChangeKind.UNSEARCHABLE, reason)
        return b""

    def _learn(self, edits: Iterable[Edit]) -> None:
        for edit in edits:
            if not edit.identifier:
                continue
            self._table.add(edit.identifier)
            if "<" in edit.identifier:
                begun = _BEFORE_MARKUP.match(edit.identifier)
                if begun is not None:
                    self._table.add(begun[0])


_WIDTHS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}


def unsearchable(data: bytes, limits: CaptureLimits) -> str | None:
    """Return why a message cannot be searched, or None."""
    most = limits.max_entry_bytes
    if most is not None and len(data) > most:
        return f"more than {most} bytes (max_entry_bytes)"
    return next((f"{name}, not text" for first, name in _PACKED if data.startswith(first)), None)


def _text(data: bytes) -> tuple[str, str, str]:
    """Return bytes as a text that becomes the same bytes again, whatever they are, and by which codec."""
    first = data[:4]
    codec = next((codec for mark, codec in _MARKS if first.startswith(mark)), None)
    codec = codec or _NULS.get(tuple(place for place, byte in enumerate(first) if not byte))
    if codec is not None:
        end = len(data) - len(data) % _WIDTHS[codec]
        try:
            return data[:end].decode(codec, "surrogatepass"), codec, "surrogatepass"
        except UnicodeDecodeError:
            pass
    return data.decode("utf-8", "surrogateescape"), "utf-8", "surrogateescape"
