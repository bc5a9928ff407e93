"""Knows how a text may be spelled: references, escapes and letter case, with offsets in both spellings."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

__all__ = [
    "DEPTH",
    "Expanded",
    "characters",
    "expand",
    "fold",
    "is_escaped",
    "json_text",
    "pieces",
    "resolved",
    "unescaped",
    "whole",
    "without_nuls",
]

DEPTH = 6
"""How often escapes of escapes are replaced: as deep as captures are read."""

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_REFERENCE = r"&(?:#(?:0*+[0-9]{1,7}|[xX]0*+[0-9a-fA-F]{1,6})|lt|gt|amp|quot|apos);"
_JSON = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r'|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])'
)
# RFC 3986 §2.1, with the bytes of a UTF-8 character together.
_PERCENT = r"%[0-7][0-9a-fA-F]|%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3}"

_REFERENCES = re.compile(_REFERENCE)
_JSON_ESCAPES = re.compile(_JSON)
_ESCAPES = re.compile(rf"{_REFERENCE}|{_JSON}|{_PERCENT}")
_NULS = re.compile("\0+")

# Bytes that are not UTF-8, as surrogateescape writes them -> the same bytes in ISO-8859-1.
_AS_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
# XML 1.0 §3.3.3: white space in an attribute value is a space.
_SPACES = {9: " ", 10: " ", 13: " "}
# Greek has two small letters for one capital; the following letter decides between them.
_FINAL_SIGMA, _SIGMA = "\u03c2", "\u03c3"
_FOLDED: dict[int, int | str] = {**_AS_LATIN_1, **_SPACES, ord(_FINAL_SIGMA): _SIGMA}


class Expanded:
    """A text with its escapes replaced by the characters that they mean, and the offsets before that."""

    __slots__ = ("_ends", "_places", "_sizes", "_start", "_starts", "text")

    def __init__(
        self, text: str, pattern: re.Pattern[str], start: int, end: int, most: int | None = None
    ) -> None:
        # The old offset of the text; for each escape its old start and end, and its new offset and length.
        self._start = start
        self._starts, self._ends = array("q"), array("q")
        self._places, self._sizes = array("q"), array("q")
        if pattern.search(text, start, end) is None:
            self.text = text[start:end]
            return
        parts, length, done = [], 0, start
        for match in pattern.finditer(text, start, end):
            character = _character(match[0])
            parts += [text[done : match.start()], character]
            length += match.start() - done
            self._places.append(length)
            self._sizes.append(len(character))
            self._starts.append(match.start())
            self._ends.append(match.end())
            length += len(character)
            done = match.end()
            if most is not None and length > most:
                break
        self.text = "".join([*parts, text[done:end]])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the old start and end of a range of the text."""
        first, _ = self._place(start)
        return (first, first) if start == end else (first, self._place(end - 1)[1])

    def _place(self, index: int) -> tuple[int, int]:
        """Return the old start and end of the character at an index."""
        escape = bisect_right(self._places, index) - 1
        if escape < 0:
            return self._start + index, self._start + index + 1
        distance = index - self._places[escape] - self._sizes[escape]
        if distance < 0:
            return self._starts[escape], self._ends[escape]
        place = self._ends[escape] + distance
        return place, place + 1


def _character(escape: str) -> str:
    """Return the characters that an escape means."""
    first = escape[0]
    if first == "&":
        name = escape[1:-1]
        if name[0] != "#":
            return _NAMED[name]
        digits, base = (name[2:], 16) if name[1] in "xX" else (name[1:], 10)
        code = int(digits, base)
        # This is no character, so the reference stays.
        return chr(code) if code < 0x110000 else escape
    if first == "\\":
        if len(escape) == 2:
            return _CONTROLS.get(escape[1], escape[1])
        units = [int(unit, 16) for unit in escape.split("\\u")[1:]]
        return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")
    if first == "%":
        return bytes.fromhex(escape.replace("%", "")).decode("utf-8", "surrogateescape")
    # A NUL.
    return ""


def expand(text: str, start: int = 0, end: int | None = None) -> Expanded:
    """Return a range of a text with its references and escapes replaced once."""
    return Expanded(text, _ESCAPES, start, len(text) if end is None else end)


def json_text(text: str, start: int, end: int, most: int | None = None) -> Expanded:
    """Return the value of a JSON string; the range excludes its quotes.

    Escapes after the first `most` characters of the value are not replaced.
    """
    return Expanded(text, _JSON_ESCAPES, start, end, most)


def unescaped(text: str) -> str:
    """Return the text of `expand`, without the offsets."""
    return _ESCAPES.sub(lambda match: _character(match[0]), text)


def is_escaped(text: str) -> bool:
    """Return whether a text contains a reference or another escape."""
    return _ESCAPES.search(text) is not None


def without_nuls(text: str) -> Expanded:
    """Return a text without NULs, which shows the ASCII in unrecognised UTF-16."""
    return Expanded(text, _NULS, 0, len(text))


def pieces(text: str) -> list[tuple[int, int]]:
    """Return the ranges between tags that contain escapes."""
    found: list[tuple[int, int]] = []
    done = 0
    while True:
        match = _ESCAPES.search(text, done)
        if match is None:
            return found
        start = text.rfind("<", done, match.start()) + 1 or done
        end = text.find("<", match.end())
        done = len(text) if end < 0 else end
        found.append((start, done))


def resolved(text: str) -> str:
    """Return an attribute value, or a text, with its references replaced (XML 1.0 §3.3.3)."""
    return characters(_REFERENCES.sub(lambda match: _character(match[0]), text.translate(_SPACES)))


def whole(text: str) -> str:
    """Return a text with its references and escapes replaced, up to `DEPTH` times."""
    for _ in range(DEPTH):
        expanded = expand(text).text
        if expanded == text:
            break
        text = expanded
    return characters(text)


def characters(text: str) -> str:
    """Return a text with its bytes that are not UTF-8 read as ISO-8859-1."""
    return text if text.isascii() else text.translate(_AS_LATIN_1)


def fold(text: str) -> str:
    """Return a text of the same length, equal for texts that differ in letter case alone."""
    if text.isascii():
        return text.lower().replace("\t", " ").replace("\n", " ").replace("\r", " ")
    text = text.translate(_FOLDED)
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(_lower(character) for character in text)
    return lower.replace(_FINAL_SIGMA, _SIGMA)


def _lower(character: str) -> str:
    """Return the small letter, if that is one character."""
    lower = character.lower()
    return lower if len(lower) == 1 else character
