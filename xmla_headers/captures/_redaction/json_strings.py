"""Knows how the secrets in JSON are hidden: nothing but its strings changes."""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.captures._unpacking import BINARY, decoded_base64, is_markup, unpacked_body

from .editor import Characters
from .escapes import json_text
from .secrets import ChangeKind, Edit, named_edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from .editor import Editor
    from .escapes import Expanded

__all__ = ["redact_json"]

_TOKEN = re.compile(r'"(?P<string>(?:[^"\\]++|\\.)*+)(?P<end>"?)|[{}\[\],:]', re.DOTALL)
# Numbers, words and white space: the other characters that JSON allows outside strings.
_STRAY = re.compile(r"(?:[^a-zA-Z\"\\<>=]|\b(?:true|false|null)\b|(?<=\d)[eE](?=[-+\d]))*+")

# The members of a cookie in HAR 1.2 that are not secret.
_OF_COOKIES = frozenset({"name", "path", "domain", "expires", "comment", "sameSite"})
# Characters that are read of a member that describes another one.
_MOST_TOLD = 1_024
# A member with a name, and one with a value, in text that is not valid JSON.
_PAIR = re.compile(
    r'"name"\s*+:\s*+"(?P<name>[^"\\]{1,100})"\s*+,\s*+"value"\s*+:\s*+"(?P<value>(?:[^"\\]++|\\.)*+)',
    re.DOTALL,
)

# Shorter strings are words.
_LEAST_BASE64 = 20
# Base64 that nothing delimits: no word is as long.
_LONG_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]|\\/){40,}+={0,2}")


class _String(NamedTuple):
    """A string, without its quotes."""

    start: int
    end: int


@dataclass(slots=True)
class _Container:
    """An object or an array that the walk is in."""

    # The name of the member, or the index of the item, whose value it is.
    name: str
    is_object: bool
    # The name of the member whose value comes next.
    key: str | None = None
    items: int = 0
    # Whether it is, or is within, an array of cookies.
    cookies: bool = False
    # The members of an object whose values are strings.
    members: dict[str, _String] = field(default_factory=dict)


class _Walk:
    """A walk over the strings of a JSON text. A string is searched at the end of the object around it."""

    def __init__(self, text: str, editor: Editor, place_of: Callable[[list[str]], str]) -> None:
        self._text = text
        self._editor = editor
        self._place_of = place_of
        self._stack: list[_Container] = []
        # Names of members that have been searched; most names occur very often.
        self._keys: set[str] = set()
        # Start, end and new text, in the order of finding.
        self.edits: list[tuple[int, int, str]] = []
        # The same for the strings in base64 that were searched.
        self.unpacked: list[tuple[int, int, str]] = []
        # Whether the text is not valid JSON.
        self.broken = False

    def run(self) -> None:
        """Walk over the text."""
        done = 0
        for match in _TOKEN.finditer(self._text):
            self._between(done, match.start())
            done = match.end()
            first = self._text[match.start()]
            if first == '"':
                self.broken = self.broken or not match["end"]
                self._string(_String(*match.span("string")))
            elif first in "{[":
                self._enter(first == "{")
            elif first in "}]":
                self._leave()
            elif first == ",":
                self._next()
        self._between(done, len(self._text))
        self.broken = self.broken or bool(self._stack)
        while self._stack:
            self._leave()

    def _between(self, start: int, end: int) -> None:
        """Check the text between two tokens."""
        if start < end and not self.broken:
            match = _STRAY.match(self._text, start, end)
            self.broken = match is None or match.end() < end

    def _enter(self, is_object: bool) -> None:  # noqa: FBT001 - the kind of the bracket
        name, cookies = "", False
        if self._stack:
            parent = self._stack[-1]
            name = (parent.key or "") if parent.is_object else str(parent.items)
            cookies = parent.cookies or name.lower() == "cookies"
        self._stack.append(_Container(name, is_object, cookies=cookies))

    def _next(self) -> None:
        if self._stack:
            self._stack[-1].key = None
            self._stack[-1].items += 1

    def _leave(self) -> None:
        if not self._stack:
            self.broken = True
            return
        container = self._stack[-1]
        place = self._place()
        for name, string in container.members.items():
            self._member(container, name, string, place)
        self._stack.pop()

    def _string(self, string: _String) -> None:
        """Search an item of an array, note a name, or store the value of a member."""
        container = self._stack[-1] if self._stack else None
        if container is None or not container.is_object:
            if container is not None and container.cookies:
                self._cookie(string, self._place())
            else:
                self._generic(string, self._place())
        elif container.key is None:
            container.key = json_text(self._text, *string).text
            if container.key not in self._keys:
                self._keys.add(container.key)
                count = len(self.edits)
                self._generic(string, self._place())
                if len(self.edits) > count:
                    self._keys.discard(container.key)
        elif container.key in container.members:
            # Readers differ on which of two members counts, so both are searched.
            self._member(container, container.key, string, self._place())
        else:
            container.members[container.key] = string

    def _place(self) -> str:
        return self._place_of([container.name for container in self._stack[1:5]])

    # -- one string ----------------------------------------------------------------------------------

    def _member(self, container: _Container, name: str, string: _String, place: str) -> None:
        """Search the value of a member."""
        members = container.members
        # The end of a name is enough to recognise it; an object may have very many values.
        if name == "value" and self._named(
            self._told(members, "name", last=True), string, place, parameter=True
        ):
            return
        if container.cookies and name not in _OF_COOKIES:
            self._cookie(string, place)
        elif name == "text":
            media_type = self._told(members, "mimeType").partition(";")[0].strip().lower()
            if media_type in BINARY:
                self._empty(string, place, f"{media_type}, not text")
            elif self._told(members, "encoding") == "base64":
                self._content(string, place)
            else:
                self._generic(string, place, begins=True)
        elif not self._named(name, string, place):
            self._generic(string, place)

    def _told(self, members: dict[str, _String], name: str, *, last: bool = False) -> str:
        """Return the first or the last characters of a member that describes another one."""
        start, end = members.get(name, (0, 0))
        if last:
            return json_text(self._text, max(start, end - _MOST_TOLD), end).text
        return json_text(self._text, start, min(end, start + _MOST_TOLD)).text

    def _named(self, name: str, string: _String, place: str, *, parameter: bool = False) -> bool:
        """Search a value whose name says what is secret in it; return False for any other name."""
        if self._editor.names.kind(name.strip()) is None:
            return False
        value = json_text(self._text, *string)
        edits = named_edits(name, value.text, self._editor.names, parameter=parameter)
        if edits is None:
            return False
        # The rest of the value may quote an id, and so may a removed password.
        self._add(value, self._editor.chosen([*edits, *self._editor.find(value.text)], value.text), place)
        return True

    def _cookie(self, string: _String, place: str) -> None:
        value = json_text(self._text, *string)
        if value.text:
            self._add(value, [Edit(0, len(value.text), ChangeKind.HEADER_FIELD, "Cookie")], place)

    def _generic(self, string: _String, place: str, *, begins: bool = False) -> None:
        """Search any string, also what it means as base64."""
        most = self._editor.limits.max_entry_bytes
        if most is not None and string.end - string.start > most:
            self._empty(string, place, f"more than {most} bytes (max_entry_bytes)")
            return
        value = json_text(self._text, *string)
        data = None if len(value.text) < _LEAST_BASE64 else decoded_base64(value.text)
        if data is None or not self._unpack(data, string, place):
            self._add(value, self._editor.find(value.text, begins=begins), place)

    def _content(self, string: _String, place: str) -> None:
        """Search a content that is declared to be base64."""
        text = json_text(self._text, *string).text
        data = decoded_base64(text)
        if data is not None:
            self._unpack(data, string, place)
        elif is_markup(text.encode("utf-8", "surrogatepass")):
            # Some exporters declare text as base64.
            self._generic(string, place, begins=True)
        else:
            self.unpacked.append((*string, ""))
            self._empty(string, place, "declared as base64, but not valid base64")

    def _unpack(self, data: bytes, string: _String, place: str) -> bool:
        """Search what a string in base64 contains; return whether it is changed."""
        self.unpacked.append((*string, ""))
        plain = data
        if data.startswith(b"\x1f\x8b"):
            # The new content has no content coding: readers detect gzip by its first bytes.
            plain, trouble = unpacked_body(data, "gzip", self._editor.allowance)
            if trouble is not None:
                return self._empty(string, place, "the content coding cannot be removed")
        new = self._editor.message(plain, place)
        if new != plain:
            self.edits.append((*string, b64encode(new).decode("ascii")))
        return new != plain

    def _empty(self, string: _String, place: str, reason: str) -> bool:
        old = self._text[slice(*string)]
        new = self._editor.emptied(old, place, reason)
        if new != old:
            self.edits.append((*string, new))
        return new != old

    def _add(self, value: Expanded, edits: list[Edit], place: str) -> None:
        for edit in edits:
            new = self._editor.replacement(edit, value.text[edit.start : edit.end], place)
            if new is not None:
                self.edits.append((*value.span(edit.start, edit.end), new))


def redact_json(data: bytes, editor: Editor, place_of: Callable[[list[str]], str]) -> bytes:
    """Return JSON without its secrets, whether it is whole or broken.

    `place_of` returns the place of a change by the names of the members and items around it, outermost
    first, at most four.
    """
    characters = Characters(data)
    text = characters.text
    walk = _Walk(text, editor, place_of)
    walk.run()
    edits = sorted(walk.edits)
    if walk.broken:
        edits = sorted([*edits, *_of_broken(text, editor, edits, sorted(walk.unpacked))])
    if not edits:
        return data
    parts, done = [], 0
    for start, end, replacement in edits:
        parts += [text[done:start], replacement]
        done = end
    parts.append(text[done:])
    return characters.encode("".join(parts))


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
