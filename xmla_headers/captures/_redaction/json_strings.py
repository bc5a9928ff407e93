"""Knows how the secrets in JSON are hidden: nothing but its strings changes."""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, TypeAlias

from xmla_headers.captures._unpacking import BINARY, decoded_base64, is_markup, unpacked_body

from .editor import Characters
from .edits import ChangeKind, Edit
from .escapes import json_text
from .secrets import named_edits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .editor import Editor

__all__ = ["Container", "redact_json", "redact_part"]

_VALUE = r'"(?P<{}>(?:[^"\\]++|\\.)*+)'
# A member or an item up to its value, with the comma before it: a token for each mark would take long.
_TOKEN = re.compile(
    r"[ \t\r\n]*+(?P<comma>,)?[ \t\r\n]*+"
    rf'(?:{_VALUE.format("key")}"[ \t\r\n]*+:[ \t\r\n]*+)?'
    rf'(?:{_VALUE.format("string")}(?P<end>"?)|(?P<opened>[{{\[])|(?P<closed>[}}\]])'
    r"|(?P<scalar>-?\d[\d.eE+-]*+|true\b|false\b|null\b))",
    re.DOTALL,
)
# Numbers, words and white space: the other characters that JSON allows outside strings.
_STRAY = re.compile(r"(?:[^a-zA-Z\"\\<>=]|\b(?:true|false|null)\b|(?<=\d)[eE](?=[-+\d]))*+")

# The members of a cookie in HAR 1.2 that are not secret.
_OF_COOKIES = frozenset({"name", "path", "domain", "expires", "comment", "sameSite"})
# Members that are a name, and the value of that.
_VALUES, _NAMES = (
    frozenset({"value", "Value", "values", "raw"}),
    ("name", "key", "Name", "Key", "PropertyName", "header"),
)
_NAME = re.compile(r"[^\s:=&;,]{1,128}(?::[^\s:=&;,]{1,128})?(?: \w{1,30}){0,2}")
# Characters that are read of a member that describes another one.
_MOST_TOLD = 1_024
# A member with a name, and one with a value, in text that is not valid JSON.
_PAIR = re.compile(
    r'"name"\s*+:\s*+"(?P<name>[^"\\]{1,100})"\s*+,\s*+"value"\s*+:\s*+"(?P<value>(?:[^"\\]++|\\.)*+)',
    re.DOTALL,
)

# The HAR, its log and its entries.
_AROUND_ENTRIES = 3
# A pair of a name and a value, as some tools write header fields.
_PAIR_OF_ITEMS = 2
# Containers without a secret are remembered: by how many first characters, up to which length, with how many
# different beginnings, and how many of each.
_FIRST, _LONGEST_SEEN, _MOST_SEEN, _MOST_ALIKE = 64, 1_024, 2_000, 4
# Shorter strings are words.
_LEAST_BASE64 = 20
# Base64 that nothing delimits: no word is as long.
_LONG_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]|\\/){40,}+={0,2}")


# The start and the end of a string, without its quotes.
_String: TypeAlias = tuple[int, int]


@dataclass(slots=True)
class Container:
    """An object or an array that the walk is in."""

    # The name of the member, or the index of the item, whose value it is.
    name: str
    # The name that tells what its strings are, or nothing.
    told: str
    is_object: bool
    # The name of a member whose value has not come yet, in JSON that is not valid.
    key: str | None = None
    items: int = 0
    # Whether it is, or is within, an array of cookies.
    cookies: bool = False
    # The members of an object whose values are strings.
    members: dict[str, _String] = field(default_factory=dict)
    # The first string of an array, which may name the second one.
    first: _String | None = None
    # Where it begins in the text, and the number of secrets found before it; None in an earlier part.
    begun: tuple[int, int] | None = None


class _Walk:
    """A walk over the strings of a JSON text. A string is searched at the end of the object around it."""

    def __init__(
        self,
        text: str,
        editor: Editor,
        place_of: Callable[[list[str]], str],
        around: Sequence[Container] = (),
    ) -> None:
        self._text = text
        self._editor = editor
        self._place_of = place_of
        # Offsets in an earlier part mean nothing here.
        self.stack = [replace(each, members={}, first=None, begun=None) for each in around]
        # Start, end and new text, in the order of finding.
        self.edits: list[tuple[int, int, str]] = []
        # The same for the strings in base64 that were searched.
        self.unpacked: list[tuple[int, int, str]] = []
        # The names of members that have no secret and no escape.
        self._names: set[str] = set()
        # How many strings had a secret, or were decoded.
        self._found = 0
        # Whether the text is not valid JSON.
        self.broken = False

    def run(self) -> None:
        """Walk over the text."""
        text, done = self._text, 0
        while (match := _TOKEN.search(text, done)) is not None:
            if match.start() > done:
                self._between(done, match.start())
            done = match.end()
            kind = match.lastgroup
            key = match["key"]
            if key is not None and key not in self._names:
                key = self._name(match.span("key"))
            if kind == "end":
                self.broken = self.broken or not match["end"]
                self._string(key, match.span("string"), begun=match["comma"] is not None)
            elif kind == "opened":
                done = self._enter(key, done - 1)
            elif kind == "closed":
                self._leave(done)
            elif self.stack:
                self.stack[-1].items += 1
        if done < len(text):
            self._between(done, len(text))

    def end(self) -> None:
        """Search what is left of a text that does not close all that it opens."""
        self.broken = self.broken or bool(self.stack)
        while self.stack:
            self._leave(None)

    def part(self) -> None:
        """Search the strings of the open containers, at the end of a part."""
        for container in self.stack:
            for name, string in container.members.items():
                self._member(container, name, string)

    def _between(self, start: int, end: int) -> None:
        """Check the text between two tokens."""
        if not self.broken:
            match = _STRAY.match(self._text, start, end)
            self.broken = match is None or match.end() < end

    def _name(self, span: _String) -> str:
        """Return the name of a member, and search it: it may be an id."""
        name, found = self._text[slice(*span)], self._found
        self._generic(span, is_name=True)
        if "\\" in name:
            return json_text(self._text, *span).text
        if found == self._found:
            self._names.add(name)
        return name

    def _enter(self, key: str | None, start: int) -> int:
        """Enter the container that begins at an offset, and return where to go on.

        Most header fields of a HAR occur very often. A container without a secret is not walked again if its
        text and the name that tells what its strings are come again.
        """
        name, told, cookies = "", "", False
        if self.stack:
            parent = self.stack[-1]
            name = (key or parent.key or "") if parent.is_object else str(parent.items)
            told = self._told_of(parent, name) if parent.is_object else parent.told
            parent.key = None
            parent.items += 1
            cookies = parent.cookies or name.lower() == "cookies"
        known = self._editor.seen.get(self._key(start, told, cookies=cookies), ())
        for text in known:
            if self._text.startswith(text, start):
                return start + len(text)
        is_object = self._text[start] == "{"
        self.stack.append(Container(name, told, is_object, cookies=cookies, begun=(start, self._found)))
        return start + 1

    def _told_of(self, parent: Container, name: str) -> str:
        """Return the name that tells what the strings in the value of a member are, or nothing."""
        names = [name]
        if name in _VALUES:
            names += [
                self._told(parent.members, other, last=True) for other in _NAMES if other in parent.members
            ]
            names.append(parent.told)
        return next((each for each in names if each and not self._is_plain(each)), "")

    def _key(self, start: int, told: str, *, cookies: bool) -> tuple[str, str, bool]:
        return self._text[start : start + _FIRST], told, cookies

    def _leave(self, end: int | None) -> None:
        """Leave a container, which ends at an offset; None if the text lacks its end."""
        if not self.stack:
            self.broken = True
            return
        container = self.stack[-1]
        for name, string in container.members.items():
            self._member(container, name, string)
        self.stack.pop()
        if end is None or self.broken or container.begun is None:
            return
        start, found = container.begun
        if found == self._found and 0 < end - start <= _LONGEST_SEEN:
            seen = self._editor.seen
            if len(seen) >= _MOST_SEEN:
                seen.clear()
            texts = seen.setdefault(self._key(start, container.told, cookies=container.cookies), [])
            texts.insert(0, self._text[start:end])
            del texts[_MOST_ALIKE:]

    def _string(self, key: str | None, string: _String, *, begun: bool) -> None:
        """Search an item of an array, note a name, or store the value of a member."""
        container = self.stack[-1] if self.stack else None
        if container is None or not container.is_object:
            self._item(container, string)
            return
        if key is None:
            key, container.key = (None if begun else container.key), None
            if key is None:
                container.key = self._name(string)
                return
        if key in container.members:
            # Readers differ on which of two members counts, so both are searched.
            self._member(container, key, string)
        else:
            container.members[key] = string

    def _item(self, container: Container | None, string: _String) -> None:
        """Search an item of an array: its name, or the item before it, may tell a secret."""
        name = ""
        if container is not None:
            container.items += 1
            if container.cookies:
                self._cookie(string)
                return
            name = container.told
            if container.items == _PAIR_OF_ITEMS and container.first is not None:
                name = name or self._text[slice(*container.first)]
            container.first = string if container.items == 1 else None
        if not name or not self._named(name, string):
            self._generic(string)

    def _is_plain(self, name: str) -> bool:
        # A header field or a form with its value is no name.
        return self._editor.names.kind(name.strip()) is None or _NAME.fullmatch(name.strip()) is None

    def _place(self) -> str:
        return self._place_of([container.name for container in self.stack[1:5]])

    # -- one string ----------------------------------------------------------------------------------

    def _member(self, container: Container, name: str, string: _String) -> None:
        """Search the value of a member."""
        members = container.members
        if name in _VALUES:
            for other in _NAMES:
                # The end of a name is enough to recognise it; an object may have very many values.
                if other in members and self._named(
                    self._told(members, other, last=True), string, parameter=True
                ):
                    return
            if container.told and self._named(container.told, string):
                return
        if container.cookies and name not in _OF_COOKIES:
            self._cookie(string)
        elif name == "text":
            media_type = self._told(members, "mimeType").partition(";")[0].strip().lower()
            if media_type in BINARY:
                self._empty(string, f"{media_type}, not text")
            elif self._told(members, "encoding") == "base64":
                self._content(string)
            else:
                self._generic(string, begins=True)
        elif not self._named(name, string):
            self._generic(string)

    def _told(self, members: dict[str, _String], name: str, *, last: bool = False) -> str:
        """Return the first or the last characters of a member that describes another one."""
        start, end = members.get(name, (0, 0))
        start, end = (max(start, end - _MOST_TOLD), end) if last else (start, min(end, start + _MOST_TOLD))
        told = self._text[start:end]
        return json_text(self._text, start, end).text if "\\" in told else told

    def _named(self, name: str, string: _String, *, parameter: bool = False) -> bool:
        """Search a value whose name says what is secret in it; return False for any other name."""
        if self._is_plain(name):
            return False
        value = _decoded(self._text, *string)
        edits = named_edits(name, value, self._editor.names, parameter=parameter)
        if edits is None:
            return False
        # The rest of the value may quote an id, and so may a removed password.
        self._add(string, value, self._editor.chosen([*edits, *self._editor.find(value)], value))
        return True

    def _cookie(self, string: _String) -> None:
        value = _decoded(self._text, *string)
        if value:
            self._add(string, value, [Edit(0, len(value), ChangeKind.HEADER_FIELD, "Cookie")])

    def _generic(self, string: _String, *, begins: bool = False, is_name: bool = False) -> None:
        """Search any string, also what it means as base64."""
        start, end = string
        most = self._editor.limits.max_entry_bytes
        if most is not None and end - start > most:
            self._empty(string, f"more than {most} bytes (max_entry_bytes)")
            return
        raw = self._text[start:end]
        if self._editor.is_clean(raw, begins=begins):
            return
        plain = _decoded(self._text, start, end)
        data = None if len(plain) < _LEAST_BASE64 or is_name else decoded_base64(plain)
        if data is not None and self._unpack(data, string):
            return
        edits = self._editor.find(plain, begins=begins)
        if edits:
            self._add(string, plain, edits)
            # The rest of the text may be another secret.
            if self._editor.is_settled and self._editor.finds_more(plain, edits, begins=begins):
                self._editor.is_settled = False
        elif data is None and plain != raw:
            self._editor.note_clean(raw, begins=begins)

    def _content(self, string: _String) -> None:
        """Search a content that is declared to be base64."""
        text = json_text(self._text, *string).text
        data = decoded_base64(text)
        if data is not None:
            self._unpack(data, string)
        elif is_markup(text.encode("utf-8", "surrogatepass")):
            # Some exporters declare text as base64.
            self._generic(string, begins=True)
        else:
            self.unpacked.append((*string, ""))
            self._empty(string, "declared as base64, but not valid base64")

    def _unpack(self, data: bytes, string: _String) -> bool:
        """Search what a string in base64 contains; return whether it is changed."""
        self._found += 1
        self.unpacked.append((*string, ""))
        plain = data
        if data.startswith(b"\x1f\x8b"):
            # The new content has no content coding: readers detect gzip by its first bytes.
            plain, trouble = unpacked_body(data, "gzip", self._editor.allowance)
            if trouble is not None:
                return self._empty(string, "the content coding cannot be removed")
        new = self._editor.message(plain, self._place())
        if new != plain:
            self.edits.append((*string, b64encode(new).decode("ascii")))
        return new != plain

    def _empty(self, string: _String, reason: str) -> bool:
        self._found += 1
        old = self._text[slice(*string)]
        new = self._editor.emptied(old, self._place(), reason)
        if new != old:
            self.edits.append((*string, new))
        return new != old

    def _add(self, string: _String, value: str, edits: list[Edit]) -> None:
        """Note the edits of a string by its value."""
        place = self._place() if edits else ""
        self._found += len(edits)
        new = [(edit, self._editor.replacement(edit, value[edit.start : edit.end], place)) for edit in edits]
        changed = [(edit, text) for edit, text in new if text is not None]
        if changed:
            # Offsets in both spellings are needed for a change alone.
            spelled = json_text(self._text, *string, most=max(edit.end for edit, _ in changed))
            self.edits += [
                (*spelled.span(edit.start, edit.end), _ESCAPES.sub(_escaped, text)) for edit, text in changed
            ]


_ESCAPES = re.compile("[\r\n]")


def _escaped(match: re.Match[str]) -> str:
    """Return a line end as JSON writes it."""
    return "\\r" if match[0] == "\r" else "\\n"


def _decoded(text: str, start: int, end: int) -> str:
    """Return the value of a JSON string, without the offsets, which the module json does faster."""
    if text.find("\\", start, end) < 0:
        return text[start:end]
    try:
        value, after = scanstring(text, start, False)
    except ValueError:
        after = -1
    return value if after == end + 1 else json_text(text, start, end).text


def redact_json(
    data: bytes,
    editor: Editor,
    place_of: Callable[[list[str]], str],
    around: Sequence[Container] = (),
) -> bytes:
    """Return JSON without its secrets, whether it is whole or broken.

    `place_of` returns the place of a change by the names of the members and items around it, outermost
    first, at most four. `around` are the containers around the beginning of the text.
    """
    characters = Characters(data)
    text = characters.text
    walk = _Walk(text, editor, place_of, around)
    walk.run()
    walk.end()
    edits = sorted(walk.edits)
    if walk.broken:
        editor.is_settled = False
        edits = sorted([*edits, *_of_broken(text, editor, edits, sorted(walk.unpacked))])
    return characters.encode(_applied(text, edits)) if edits else data


def redact_part(
    data: bytes,
    editor: Editor,
    place_of: Callable[[list[str]], str],
    around: Sequence[Container],
    *,
    is_last: bool,
) -> tuple[bytes, list[Container]] | None:
    """Return a part of JSON without its secrets, and the containers around what follows it.

    None if the part is not valid, or ends within an entry. `around` are the containers around the beginning
    of the part.
    """
    characters = Characters(data)
    walk = _Walk(characters.text, editor, place_of, around)
    walk.run()
    walk.part()
    ends_well = not walk.stack if is_last else len(walk.stack) == _AROUND_ENTRIES
    if walk.broken or not characters.is_utf_8 or not ends_well:
        return None
    edits = sorted(walk.edits)
    new = characters.encode(_applied(characters.text, edits)) if edits else data
    return new, walk.stack


def _applied(text: str, edits: list[tuple[int, int, str]]) -> str:
    parts, done = [], 0
    for start, end, replacement in edits:
        parts += [text[done:start], replacement]
        done = end
    return "".join([*parts, text[done:]])


def _of_broken(
    text: str,
    editor: Editor,
    hidden: list[tuple[int, int, str]],
    unpacked: list[tuple[int, int, str]],
) -> list[tuple[int, int, str]]:
    """Return the other edits of a text that is not valid JSON: its quotes do not tell what is a string."""
    found = editor.find(text, begins=True)
    for match in _PAIR.finditer(text):
        start = match.start("value")
        found += [
            edit.moved(start)
            for edit in named_edits(match["name"], match["value"], editor.names, parameter=True) or ()
        ]
    for match in _LONG_BASE64.finditer(text):
        # Nothing tells where the base64 begins, so it cannot be decoded.
        edit = Edit(*match.span(), ChangeKind.UNSEARCHABLE, "base64 without a recognisable beginning")
        found += [edit._replace(start=start, end=end) for start, end in _outside(edit, unpacked)]
    others = []
    for edit in editor.chosen(found, text):
        for start, end in _outside(edit, hidden):
            # Where a part of a secret is hidden already, the rest of it is removed.
            part = edit if start == edit.start else Edit(start, end, edit.kind, "the rest of a secret")
            new = editor.replacement(part, text[start:end], "")
            if new is not None:
                others.append((start, end, new))
    return others


def _outside(edit: Edit, hidden: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Return the ranges of an edit that overlap nothing that is hidden already."""
    place = max(0, bisect_right(hidden, (edit.start, edit.start, "")) - 1)
    parts, start = [], edit.start
    while place < len(hidden) and hidden[place][0] < edit.end:
        first, last, _ = hidden[place]
        if last > start:
            if first > start:
                parts.append((start, first))
            start = last
        place += 1
    if start < edit.end:
        parts.append((start, edit.end))
    return parts
