"""HTTP Archive 1.2 -> the same without its secrets: nothing but strings changes."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.captures._formats.coding import unpacked_body
from xmla_headers.captures._formats.http import BINARY

from .editor import Characters
from .escapes import Expanded, json_text
from .secrets import ChangeKind, Edit, merged, named_edits

if TYPE_CHECKING:
    from .editor import Editor

__all__ = ["redact_har"]

_TOKEN = re.compile(r'"(?P<string>(?:[^"\\]++|\\.)*+)(?P<end>"?)|[{}\[\],:]', re.DOTALL)
#: Anything outside strings that is no number, and no word of JSON.
_STRAY = re.compile(r"(?:[^a-zA-Z\"\\<>=]|\b(?:true|false|null)\b|(?<=\d)[eE](?=[-+\d]))*+")

#: What a cookie of HAR 1.2 says beside its value.
_OF_COOKIES = frozenset({"name", "path", "domain", "expires", "comment", "sameSite"})
#: Characters of a member that are looked at, where it says what another one is.
_MOST_TOLD = 1_024
#: A member with a name, and one with a value, in text that is no JSON.
_PAIR = re.compile(
    r'"name"\s*+:\s*+"(?P<name>[^"\\]{1,100})"\s*+,\s*+"value"\s*+:\s*+"(?P<value>(?:[^"\\]++|\\.)*+)',
    re.DOTALL,
)


#: Base64, with nothing around it that says so: letters go on for as long as in no word.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]|\\/){40,}+={0,2}")


class _String(NamedTuple):
    """A string, without its quotes."""

    start: int
    end: int


@dataclass(slots=True)
class _Container:
    """An object or an array that has been entered."""

    #: How it is called: by the member that it is the value of, or by its number.
    name: str
    is_object: bool
    #: The name of the member whose value comes next.
    key: str | None = None
    items: int = 0
    #: It is, or is within, an array of cookies.
    cookies: bool = False
    #: Of an object: its members that are strings.
    members: dict[str, _String] = field(default_factory=dict)


class _Walk:
    """The strings of a JSON text, each looked at when the object around it is known."""

    def __init__(self, text: str, editor: Editor) -> None:
        self._text = text
        self._editor = editor
        self._stack: list[_Container] = []
        #: What to replace, by what, in order of finding.
        self.edits: list[tuple[int, int, str]] = []
        #: The contents that are said to be base64: they have been looked into.
        self.unpacked: list[tuple[int, int, str]] = []
        #: Something is no JSON.
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
        if start < end and not self.broken:
            match = _STRAY.match(self._text, start, end)
            self.broken = match is None or match.end() < end

    def _enter(self, is_object: bool) -> None:  # noqa: FBT001 - which bracket it was
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
        if not self._stack:
            self._generic(string, "")
            return
        container = self._stack[-1]
        if not container.is_object:
            self._generic(string, self._place(), cookie=container.cookies)
        elif container.key is None:
            container.key = json_text(self._text, *string).text
        elif container.key in container.members:
            # Readers differ on which of them counts: both do.
            self._member(container, container.key, string, self._place())
        else:
            container.members[container.key] = string

    def _place(self) -> str:
        """Return the name that iter_har gives to the message in which the walk is."""
        names = [container.name for container in self._stack[1:5]]
        if names[:2] != ["log", "entries"] or len(names) < 3 or not names[2].isdecimal():
            return ""
        side = names[3] if names[3:] in (["request"], ["response"]) else ""
        return f"entries/{names[2]}/{side}" if side else f"entries/{names[2]}"

    # -- one string ----------------------------------------------------------------------------------

    def _member(self, container: _Container, name: str, string: _String, place: str) -> None:
        members = container.members
        if name == "value" and "name" in members:
            # The end of a name tells; an object may have very many values.
            start, end = members["name"]
            told = json_text(self._text, max(start, end - _MOST_TOLD), end).text
            if self._named(told, string, place):
                return
        if container.cookies and name not in _OF_COOKIES:
            self._cookie(string, place)
        elif name == "text" and self._is_base64(members, string):
            self._content(members, string, place)
        elif not self._named(name, string, place):
            self._generic(string, place)

    def _named(self, name: str, string: _String, place: str) -> bool:
        """Whether the name of a value says what is secret in it, which is hidden then."""
        value = json_text(self._text, *string)
        edits = named_edits(name, value.text)
        if edits is None:
            return False
        self._add(value, edits, place)
        # The rest of it may quote an id, and so may what is hidden.
        hidden = [] if self._editor.learns else [(edit.start, edit.end) for edit in edits]
        others = [
            edit
            for edit in self._editor.find(value.text)
            if all(edit.end <= start or edit.start >= end for start, end in hidden)
        ]
        self._add(value, others, place)
        return True

    def _cookie(self, string: _String, place: str) -> None:
        value = json_text(self._text, *string)
        if value.text:
            self._add(value, [Edit(0, len(value.text), ChangeKind.HEADER_FIELD, "Cookie")], place)

    def _generic(self, string: _String, place: str, *, cookie: bool = False) -> None:
        if cookie:
            self._cookie(string, place)
            return
        most = self._editor.limits.max_entry_bytes
        if most is not None and string.end - string.start > most:
            self._empty(string, place, f"more than {most} bytes (max_entry_bytes)")
            return
        value = json_text(self._text, *string)
        self._add(value, self._editor.find(value.text), place)

    def _is_base64(self, members: dict[str, _String], string: _String) -> bool:
        if "encoding" in members:
            start, end = members["encoding"]
            return json_text(self._text, start, min(end, start + _MOST_TOLD)).text == "base64"
        return _BASE64.fullmatch(self._text, *string) is not None

    def _content(self, members: dict[str, _String], string: _String, place: str) -> None:
        """Hide what is secret in a content that is written in base64."""
        text = json_text(self._text, *string).text
        self.unpacked.append((*string, ""))
        start, end = members.get("mimeType", (0, 0))
        told = json_text(self._text, start, min(end, start + _MOST_TOLD)).text
        media_type = told.partition(";")[0].strip().lower()
        if media_type in BINARY:
            self._empty(string, place, f"{media_type}, not text")
            return
        try:
            data = b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self._empty(string, place, "no base64, though it says so")
            return
        if data.startswith(b"\x1f\x8b"):
            # What is written instead has no content coding, which readers notice by its first bytes.
            plain, trouble = unpacked_body(data, "gzip", self._editor.allowance)
            if trouble is not None:
                self._empty(string, place, "the content coding cannot be taken off")
                return
        else:
            plain = data
        new = self._editor.message(plain, place)
        if new != plain:
            self.edits.append((*string, b64encode(new).decode("ascii")))

    def _empty(self, string: _String, place: str, reason: str) -> None:
        if string.start < string.end and not self._editor.learns:
            self._editor.note(place, ChangeKind.UNSEARCHABLE, reason)
            self.edits.append((*string, ""))

    def _add(self, value: Expanded, edits: list[Edit], place: str) -> None:
        if self._editor.learns:
            self._editor.apply(value.text, edits, place)
            return
        for edit in edits:
            new = self._editor.replacement(edit, value.text[edit.start : edit.end], place)
            if new is not None:
                self.edits.append((*value.span(edit.start, edit.end), new))


def redact_har(data: bytes, editor: Editor) -> bytes:
    """Return a HAR without its secrets, whole or broken."""
    characters = Characters(data)
    text = characters.text
    walk = _Walk(text, editor)
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
    """Return what else is to be hidden in what is no JSON: quotes do not tell there what is a string."""
    found = editor.find(text)
    for match in _PAIR.finditer(text):
        start = match.start("value")
        found += [
            edit._replace(start=start + edit.start, end=start + edit.end)
            for edit in named_edits(match["name"], match["value"]) or ()
        ]
    for match in _BASE64.finditer(text):
        # A piece of it can be anything.
        edit = Edit(*match.span(), ChangeKind.UNSEARCHABLE, "base64, and nothing that tells of what")
        found += [edit._replace(start=start, end=end) for start, end in _outside(edit, unpacked)]
    if editor.learns:
        editor.apply(text, found, "")
        return []
    others = []
    for edit in merged(found):
        for start, end in _outside(edit, hidden):
            # What is left of one that was hidden in part is gone.
            part = edit if start == edit.start else Edit(start, end, edit.kind, "another part of it")
            new = editor.replacement(part, text[start:end], "")
            if new is not None:
                others.append((start, end, new))
    return others


def _outside(edit: Edit, hidden: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Return the parts of an edit that are not within, or across, what is hidden already."""
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
