"""A text with references, escapes and letter case -> how else it might be spelled, and the places of both."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

__all__ = [
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

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_REFERENCE = r"&(?:#(?:0*+[0-9]{1,7}|[xX]0*+[0-9a-fA-F]{1,6})|lt|gt|amp|quot|apos);"
_JSON = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r'|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])'
)
#: RFC 3986 §2.1, with the bytes of a UTF-8 character together.
_PERCENT = r"%[0-7][0-9a-fA-F]|%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3}"

_REFERENCES = re.compile(_REFERENCE)
_JSON_ESCAPES = re.compile(_JSON)
_ESCAPES = re.compile(rf"{_REFERENCE}|{_JSON}|{_PERCENT}")
_NULS = re.compile("\0+")

#: What surrogateescape makes of bytes that are not UTF-8: the character they are in ISO-8859-1.
_AS_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
#: XML 1.0 §3.3.3: white space in an attribute value is a space.
_SPACES = {9: " ", 10: " ", 13: " "}
#: Greek has two small letters for one capital: which of them it becomes depends on what follows.
_FINAL_SIGMA, _SIGMA = "\u03c2", "\u03c3"
_FOLDED: dict[int, int | str] = {**_AS_LATIN_1, **_SPACES, ord(_FINAL_SIGMA): _SIGMA}


class Expanded:
    """A text with its escapes replaced by what they stand for, and where each place was before."""

    __slots__ = ("_ends", "_places", "_sizes", "_start", "_starts", "text")

    def __init__(self, text: str, pattern: re.Pattern[str], start: int, end: int) -> None:
        #: Where the text stood before, and escapes in it: where each was, and where and how long it is now.
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
        self.text = "".join([*parts, text[done:end]])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the text stood before."""
        first, _ = self._place(start)
        return (first, first) if start == end else (first, self._place(end - 1)[1])

    def _place(self, index: int) -> tuple[int, int]:
        """Return where the character at an index began and ended before."""
        escape = bisect_right(self._places, index) - 1
        if escape < 0:
            return self._start + index, self._start + index + 1
        behind = index - self._places[escape] - self._sizes[escape]
        if behind < 0:
            return self._starts[escape], self._ends[escape]
        place = self._ends[escape] + behind
        return place, place + 1


def _character(escape: str) -> str:
    first = escape[0]
    if first == "&":
        name = escape[1:-1]
        if name[0] != "#":
            return _NAMED[name]
        digits, base = (name[2:], 16) if name[1] in "xX" else (name[1:], 10)
        code = int(digits, base)
        # No character: it stays what it is.
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
    """Return a stretch of a text with its references and escapes of any kind replaced, once."""
    return Expanded(text, _ESCAPES, start, len(text) if end is None else end)


def json_text(text: str, start: int, end: int) -> Expanded:
    """Return what stands between the quotes of a string of JSON."""
    return Expanded(text, _JSON_ESCAPES, start, end)


def unescaped(text: str) -> str:
    """Return what `expand` does, without the places."""
    return _ESCAPES.sub(lambda match: _character(match[0]), text)


def is_escaped(text: str) -> bool:
    """Whether there is a reference, or another escape, in a text."""
    return _ESCAPES.search(text) is not None


def without_nuls(text: str) -> Expanded:
    """Return a text in which the ASCII can be read of a UTF-16 that was not recognized."""
    return Expanded(text, _NULS, 0, len(text))


def pieces(text: str) -> list[tuple[int, int]]:
    """Return the stretches between tags in which something is escaped."""
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
    """Return a text with its references and escapes replaced until none is left, or nearly so."""
    for _ in range(3):
        expanded = expand(text).text
        if expanded == text:
            break
        text = expanded
    return characters(text)


def characters(text: str) -> str:
    """Return a text whose bytes are not UTF-8 as what they are in ISO-8859-1."""
    return text if text.isascii() else text.translate(_AS_LATIN_1)


def fold(text: str) -> str:
    """Return a text as long as the given one, in which spellings that differ in letter case are the same."""
    if text.isascii():
        return text.lower().replace("\t", " ").replace("\n", " ").replace("\r", " ")
    text = text.translate(_FOLDED)
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(_lower(character) for character in text)
    return lower.replace(_FINAL_SIGMA, _SIGMA)


def _lower(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character
