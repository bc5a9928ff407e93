"""One pass over the texts of a capture: to learn the ids in them, or to hide what is secret."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import TYPE_CHECKING

from xmla_headers.captures._formats.allowance import Allowance

from .secrets import ChangeKind, Edit, find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xmla_headers.captures._message import CaptureLimits

    from .pseudonyms import Needles, Table

__all__ = ["Characters", "Editor"]

_UTF_16_LE = (2, codecs.utf_16_le_decode, codecs.utf_16_le_encode)
_UTF_16_BE = (2, codecs.utf_16_be_decode, codecs.utf_16_be_encode)
_UTF_32_LE = (4, codecs.utf_32_le_decode, codecs.utf_32_le_encode)
_UTF_32_BE = (4, codecs.utf_32_be_decode, codecs.utf_32_be_encode)
#: Where the NULs are in the first four bytes of "<" and an ASCII character -> the encoding.
_NULS = {(1, 3): _UTF_16_LE, (0, 2): _UTF_16_BE, (1, 2, 3): _UTF_32_LE, (0, 1, 2): _UTF_32_BE}
_MARKS = (
    (codecs.BOM_UTF32_LE, _UTF_32_LE),
    (codecs.BOM_UTF32_BE, _UTF_32_BE),
    (codecs.BOM_UTF16_LE, _UTF_16_LE),
    (codecs.BOM_UTF16_BE, _UTF_16_BE),
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
        self.allowance = Allowance(limits)
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
            new = self.replacement(edit, text[edit.start : edit.end], place)
            if new is not None:
                parts += [text[done : edit.start], new]
                done = edit.end
        return "".join([*parts, text[done:]]) if parts else text

    def replacement(self, edit: Edit, old: str, place: str) -> str | None:
        """Return what takes the place of a secret, and list the change; None where it is there already."""
        if edit.folded:
            new = self._table.spelled(edit.identifier, edit.folded)
        else:
            new = self._table.pseudonym(edit.identifier) if edit.identifier else ""
        # What is the first piece of an id may look like the pseudonym of the whole. In a text of several
        # encodings a pseudonym in UTF-16 has NULs.
        if new == old.replace("\0", "") == edit.identifier or not old:
            return None
        # The rest of what is hidden in pieces has been listed.
        if edit.what or new:
            self.note(place, edit.kind, edit.what or new)
        return new

    def note(self, place: str, kind: ChangeKind, what: str) -> None:
        """List a change."""
        self.changes[place or self.name, kind, what] += 1

    def text(self, text: str, place: str, *, head: bool = False) -> str:
        """Return a text with its secrets hidden."""
        return self.apply(text, self.find(text, head=head), place)

    def data(self, data: bytes, place: str, *, head: bool = False, mixed: bool = False) -> bytes:
        """Return bytes with the secrets of their text hidden, and every other byte as it was.

        `mixed`: they may be in several encodings, whatever they begin with.
        """
        characters = Characters(data, mixed=mixed)
        new = self.text(characters.text, place, head=head)
        return data if new is characters.text else characters.encode(new)

    def data_in_two(self, data: bytes, cut: int, place: str, *, mixed: bool = False) -> tuple[bytes, int]:
        """Return bytes that hold heads as well with their secrets hidden, and where a cut in them is now.

        A secret that lies across the cut is before it.
        """
        characters = Characters(data, mixed=mixed)
        text = characters.text
        edits = self.find(text, head=True)
        middle = len(Characters(data[:cut], mixed=mixed).text)
        middle = max([middle, *(edit.end for edit in edits if edit.start < middle)])
        before = [edit for edit in edits if edit.start < middle]
        after = [
            edit._replace(start=edit.start - middle, end=edit.end - middle) for edit in edits[len(before) :]
        ]
        first = self.apply(text[:middle], before, place)
        rest = self.apply(text[middle:], after, place)
        new = characters.encode(first + rest)
        return new, len(new) - len(characters.encode(rest))

    def searchable(self, data: bytes) -> bool:
        """Whether a message is text, and within the limits."""
        return _unsearchable(data, self.limits) is None

    def message(self, data: bytes, place: str) -> bytes:
        """Return a message with its secrets hidden; nothing of one that cannot be searched."""
        reason = _unsearchable(data, self.limits)
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


def _unsearchable(data: bytes, limits: CaptureLimits) -> str | None:
    """Return why a message cannot be searched, or None."""
    most = limits.max_entry_bytes
    if most is not None and len(data) > most:
        return f"more than {most} bytes (max_entry_bytes)"
    return next((f"{name}, not text" for first, name in _PACKED if data.startswith(first)), None)


class Characters:
    """Bytes as a text that becomes the same bytes again, whatever they are."""

    def __init__(self, data: bytes, *, mixed: bool = False) -> None:
        first = b"" if mixed else data[:4]
        codec = next((codec for mark, codec in _MARKS if first.startswith(mark)), None)
        codec = codec or _NULS.get(tuple(place for place, byte in enumerate(first) if not byte))
        #: What encodes it, None for UTF-8, and what is left of a last character.
        self._encode, self._rest = None, b""
        if codec is not None:
            width, decode, encode = codec
            end = len(data) - len(data) % width
            try:
                # No codec is looked up by its name: that may import one.
                self.text, _ = decode(data[:end], "surrogatepass", True)
            except UnicodeDecodeError:
                pass
            else:
                self._encode, self._rest = encode, data[end:]
                return
        self.text = data.decode("utf-8", "surrogateescape")

    def encode(self, text: str) -> bytes:
        """Return a text that has been made of this one as bytes."""
        if self._encode is None:
            return text.encode("utf-8", "surrogateescape")
        return self._encode(text, "surrogatepass")[0] + self._rest
