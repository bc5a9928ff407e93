"""Knows how the texts of a capture are edited: a learner notes the ids in them, a hider replaces secrets."""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, AnyStr

from xmla_headers.captures._unpacking import Allowance

from .edits import ChangeKind, Edit
from .secrets import find, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from xmla_headers.captures._message import CaptureLimits

    from .names import Names
    from .pseudonyms import Needles, Table

__all__ = ["Characters", "Editor", "Hider", "Learner", "Work"]

_UTF_16_LE = (2, codecs.utf_16_le_decode, codecs.utf_16_le_encode)
_UTF_16_BE = (2, codecs.utf_16_be_decode, codecs.utf_16_be_encode)
_UTF_32_LE = (4, codecs.utf_32_le_decode, codecs.utf_32_le_encode)
_UTF_32_BE = (4, codecs.utf_32_be_decode, codecs.utf_32_be_encode)
# The indexes of the NULs in the first four bytes of "<" and an ASCII character -> the encoding.
_NULS = {(1, 3): _UTF_16_LE, (0, 2): _UTF_16_BE, (1, 2, 3): _UTF_32_LE, (0, 1, 2): _UTF_32_BE}
_MARKS = (
    (codecs.BOM_UTF32_LE, _UTF_32_LE),
    (codecs.BOM_UTF32_BE, _UTF_32_BE),
    (codecs.BOM_UTF16_LE, _UTF_16_LE),
    (codecs.BOM_UTF16_BE, _UTF_16_BE),
)
# The first bytes of content in which text cannot be found.
_PACKED = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"\xdf\xff", "MS-BINXML"))

_LINE_ENDS = re.compile("[\r\n]")
# An attribute without its closing quote goes on after the id: this part is certainly the id's.
_BEFORE_MARKUP = re.compile(r"[^\s<>/]+")


# Characters around the edits of a text that are searched again, where text was removed and where it was not.
_FAR, _NEAR = 1_024, 100
# Texts that are known to have no secret, which a pass does not search again.
_MOST_CLEAN = 100_000


@dataclass(slots=True)
class Work:
    """The ids and the names of all passes, for captures that belong together."""

    tables: Mapping[ChangeKind, Table]
    """The ids and the users."""
    names: Names
    """The names that tell secrets, with their memory."""
    keeps_places: bool = True
    """Whether the place of each change is wanted; otherwise only that of a removal."""


class Editor(ABC):
    """One pass over a capture. The formats give it their texts, and write the texts that it returns."""

    _needles: tuple[Needles, ...] | None = None

    def __init__(self, work: Work, limits: CaptureLimits, name: str) -> None:
        # Texts without a secret, by their hashes: most strings of a HAR occur very often.
        self._clean: set[int] = set()
        # Objects and arrays of JSON without a secret, by what they begin with (`json_strings.py`).
        self.seen: dict[tuple[str, str, bool], list[str]] = {}
        # Whether another round cannot find more than this one did.
        self.is_settled = True
        # The place of texts that have no name in the capture.
        self.name = name
        self.limits = limits
        self.allowance = Allowance(limits)
        self.names, self._tables = work.names, work.tables

    @abstractmethod
    def chosen(self, edits: Iterable[Edit], text: str) -> list[Edit]:
        """Return the edits that `replacement` is asked about, of all that were found in one text."""

    @abstractmethod
    def replacement(self, edit: Edit, old: str, place: str) -> str | None:
        """Return the new text for an edit, or None to keep the old one."""

    @abstractmethod
    def note(self, place: str, kind: ChangeKind, what: str) -> None:
        """List a change of the capture."""

    @abstractmethod
    def emptied(
        self, data: AnyStr, place: str, reason: str, learn: Callable[[AnyStr], object] | None = None
    ) -> AnyStr:
        """Return what is left of content that cannot be searched; a learner calls `learn` with it."""

    def find(self, text: str, *, head: bool = False, begins: bool = False) -> list[Edit]:
        """Return the secrets in a text. `head`: of an HTTP message; `begins`: a message begins with it."""
        key = _key(text, head=head, begins=begins)
        if key in self._clean:
            return []
        found = self.names.told.get(key)
        if found is None:
            found = tuple(find(text, self.names, (), head=head, begins=begins))
            self.names.remember(key, found)
        if self._needles:
            found = (*found, *find(text, None, self._needles, head=head, begins=begins))
        edits = self.chosen(found, text)
        if not edits:
            self._note(key)
        return edits

    def _note(self, key: int) -> None:
        if len(self._clean) < _MOST_CLEAN:
            self._clean.add(key)

    def finds_more(self, text: str, edits: list[Edit], *, begins: bool = False) -> bool:
        """Return whether a text has secrets after its edits have been made."""
        del text, edits, begins
        return False

    def is_clean(self, text: str, *, begins: bool = False) -> bool:
        """Return whether a text is known to contain no secret."""
        return _key(text, head=False, begins=begins) in self._clean

    def note_clean(self, text: str, *, begins: bool = False) -> None:
        """Note that a text contains no secret, in this spelling either."""
        self._note(_key(text, head=False, begins=begins))

    def apply(self, text: str, edits: Iterable[Edit], place: str) -> str:
        """Return a text with its edits made."""
        parts, done = [], 0
        for edit in edits:
            new = self.replacement(edit, text[edit.start : edit.end], place)
            if new is not None:
                parts += [text[done : edit.start], new]
                done = edit.end
        return "".join([*parts, text[done:]]) if parts else text

    def text(self, text: str, place: str, *, head: bool = False, begins: bool = False) -> str:
        """Return a text without its secrets."""
        return self.apply(text, self.find(text, head=head, begins=begins), place)

    def data(self, data: bytes, place: str, *, head: bool = False, begins: bool = False) -> bytes:
        """Return bytes without the secrets in their text; every other byte stays."""
        for mixed in (False, True):
            characters = Characters(data, mixed=mixed)
            new = self.text(characters.text, place, head=head, begins=begins)
            data = data if new is characters.text else characters.encode(new)
            if characters.is_utf_8:
                break
            # A mark may be false, and hide other text: the bytes are searched as well.
        return data

    def data_in_two(
        self, data: bytes, cut: int, place: str, *, mixed: bool = False, begins: bool = False
    ) -> tuple[bytes, int]:
        """Return bytes that may contain heads without their secrets, and the new offset of a cut.

        A secret across the cut is before it afterwards. `mixed`: there may be several encodings, whatever
        the first bytes are.
        """
        characters = Characters(data, mixed=mixed)
        text = characters.text
        edits = self.find(text, head=True, begins=begins)
        middle = len(Characters(data[:cut], mixed=mixed).text)
        middle = max([middle, *(edit.end for edit in edits if edit.start < middle)])
        before = [edit for edit in edits if edit.start < middle]
        after = [edit.moved(-middle) for edit in edits if edit.start >= middle]
        first = self.apply(text[:middle], before, place)
        rest = self.apply(text[middle:], after, place)
        new = characters.encode(first + rest)
        return new, len(new) - len(characters.encode(rest))

    def searchable(self, data: bytes) -> bool:
        """Return whether a message is text, and within the limits."""
        return _unsearchable(data, self.limits) is None

    def message(self, data: bytes, place: str) -> bytes:
        """Return a message without its secrets, or emptied if it cannot be searched."""
        reason = _unsearchable(data, self.limits)
        return self.data(data, place, begins=True) if reason is None else self.emptied(data, place, reason)


def _key(text: str, *, head: bool, begins: bool) -> int:
    """Return the hash by which a text is remembered."""
    return hash((text, head, begins))


class Learner(Editor):
    """Notes the ids in the texts of a capture, and changes nothing."""

    def chosen(self, edits: Iterable[Edit], text: str) -> list[Edit]:  # noqa: ARG002
        """Return all edits: an id within a password is an id too."""
        return [*edits]

    def replacement(self, edit: Edit, old: str, place: str) -> None:  # noqa: ARG002
        """Note the id of an edit."""
        if edit.identifier:
            self._tables[edit.kind].add(edit.identifier)
            begun = _BEFORE_MARKUP.match(edit.identifier) if "<" in edit.identifier else None
            if begun is not None:
                self._tables[edit.kind].add(begun[0])

    def note(self, place: str, kind: ChangeKind, what: str) -> None:
        """Do nothing: what a learner returns is not written."""

    def emptied(
        self,
        data: AnyStr,
        place: str,  # noqa: ARG002
        reason: str,  # noqa: ARG002
        learn: Callable[[AnyStr], object] | None = None,
    ) -> AnyStr:
        """Return the content itself, searched by `learn`."""
        if learn is not None:
            learn(data)
        return data


class Hider(Editor):
    """Replaces the secrets in the texts of a capture, and counts its changes."""

    def __init__(self, work: Work, limits: CaptureLimits, name: str) -> None:
        super().__init__(work, limits, name)
        self._needles = tuple(table.needles() for table in work.tables.values())
        self._keeps_places = work.keeps_places
        # (place, kind, what) -> how often.
        self.changes: Counter[tuple[str, ChangeKind, str]] = Counter()

    def chosen(self, edits: Iterable[Edit], text: str) -> list[Edit]:
        """Return the edits in order, without overlaps.

        A pseudonym that is there already keeps no other edit away, as it would not in a new redaction.
        """
        return [part for edit in self._merged(edits, text) for part in _in_lines(edit, text)]

    def _merged(self, edits: Iterable[Edit], text: str) -> list[Edit]:
        return merged(edit for edit in edits if self._new(edit, text[edit.start : edit.end]) is not None)

    def replacement(self, edit: Edit, old: str, place: str) -> str | None:
        """Return a pseudonym, or "" for a credential; None if the text has it already."""
        new = self._new(edit, old)
        # A secret in several parts is listed once.
        if new is not None and (edit.what or edit.identifier):
            self.note(place, edit.kind, edit.what or new)
        return new

    def finds_more(self, text: str, edits: list[Edit], *, begins: bool = False) -> bool:
        """Return whether a text has secrets after its edits have been made."""
        news = [self._new(edit, text[edit.start : edit.end]) or "" for edit in edits]
        parts, done = [], 0
        for edit, new in zip(edits, news, strict=True):
            parts += [text[done : edit.start], new]
            done = edit.end
        new = "".join([*parts, text[done:]])
        # Far from the edits, nothing is different. A pseudonym joins no two texts.
        far = _NEAR if all(news) else _FAR
        start, end = max(0, edits[0].start - far), len(new) - len(text) + edits[-1].end + far
        around, begins = new[start:end], begins and not start
        if self.is_clean(around, begins=begins):
            return False
        if self.chosen(find(around, self.names, self._needles or (), begins=begins), around):
            return True
        self.note_clean(around, begins=begins)
        return False

    def _new(self, edit: Edit, old: str) -> str | None:
        """Return the text that replaces the old one, or None if they are equal."""
        if edit.folded:
            new = self._tables[edit.kind].spelled(edit.identifier, edit.folded)
        elif edit.identifier:
            new = self._tables[edit.kind].pseudonym(edit.identifier)
        else:
            # The lines of a text stay. A folded header field is one line.
            lines = edit.kind not in (ChangeKind.HEADER_FIELD, ChangeKind.SESSION_ID)
            new = "".join(_LINE_ENDS.findall(old)) if lines else ""
            if new == old:
                return None
        # The first part of an id may look like the pseudonym of the whole id. In a text with several
        # encodings, a pseudonym in UTF-16 has NULs.
        is_there = edit.identifier and new == old.replace("\0", "") == edit.identifier
        return None if is_there or not old else new

    def note(self, place: str, kind: ChangeKind, what: str) -> None:
        """Count a change."""
        wanted = self._keeps_places or kind is ChangeKind.UNSEARCHABLE
        self.changes[(place or self.name) if wanted else "", kind, what] += 1

    def emptied(
        self,
        data: AnyStr,
        place: str,
        reason: str,
        learn: Callable[[AnyStr], object] | None = None,  # noqa: ARG002
    ) -> AnyStr:
        """Return nothing, and list that."""
        if data:
            self.note(place, ChangeKind.UNSEARCHABLE, reason)
        return data[:0]


def _in_lines(edit: Edit, text: str) -> Iterator[Edit]:
    """Yield the parts of a credential in several lines: the ends of the lines stay."""
    is_one = edit.identifier or edit.kind is ChangeKind.UNSEARCHABLE
    if is_one or _LINE_END.search(text, edit.start, edit.end) is None:
        yield edit
        return
    what = edit.what
    for part in _LINE.finditer(text, edit.start, edit.end):
        yield edit._replace(start=part.start(), end=part.end(), what=what)
        what = ""


# The blanks that continue a header field on another line (RFC 9112 section 5.2) stay, too.
_LINE_END = re.compile(r"[\r\n]")
_LINE = re.compile(r"\S[^\r\n]*+")


def _unsearchable(data: bytes, limits: CaptureLimits) -> str | None:
    """Return why a message cannot be searched, or None."""
    most = limits.max_entry_bytes
    if most is not None and len(data) > most:
        return f"more than {most} bytes (max_entry_bytes)"
    return next((f"{name}, not text" for first, name in _PACKED if data.startswith(first)), None)


class Characters:
    """Any bytes as a text that can be encoded to the same bytes again."""

    def __init__(self, data: bytes, *, mixed: bool = False) -> None:
        first = b"" if mixed else data[:4]
        codec = next((codec for mark, codec in _MARKS if first.startswith(mark)), None)
        codec = codec or _NULS.get(tuple(index for index, byte in enumerate(first) if not byte))
        # The encoder, None for UTF-8, and the bytes of an incomplete last character.
        self._encode, self._rest = None, b""
        if codec is not None:
            width, decode, encode = codec
            end = len(data) - len(data) % width
            try:
                # The codec is not looked up by its name, because that may import a module.
                self.text, _ = decode(data[:end], "surrogatepass", True)
            except UnicodeDecodeError:
                pass
            else:
                self._encode, self._rest = encode, data[end:]
                return
        self.text = data.decode("utf-8", "surrogateescape")

    @property
    def is_utf_8(self) -> bool:
        """Whether the bytes are read as UTF-8, and not as UTF-16 or UTF-32."""
        return self._encode is None

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text that was made from this one."""
        if self._encode is None:
            return text.encode("utf-8", "surrogateescape")
        return self._encode(text, "surrogatepass")[0] + self._rest
