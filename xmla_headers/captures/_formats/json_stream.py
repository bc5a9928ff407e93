"""Knows how a large JSON text is read value by value, with only one value in memory."""

from __future__ import annotations

import codecs
import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrokenError", "JsonText", "TooLargeError"]

_WINDOW = 262_144
# Characters that the decoder gets first, and the factor by which it gets more. Its errors count the lines
# before them, so many broken values in a large text would take quadratic time.
_FIRST, _GROWTH = 1_024, 4

_SPACE = re.compile(r"[ \t\r\n]*+")
# Tokens outside strings that matter for skipping, and the rest of a string.
_STRUCTURE = {"{": re.compile('["{}]'), "[": re.compile(r'["\[\]]'), '"': re.compile('"')}
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(r"[^ \t\r\n,\]}]*+")

_DECODE = JSONDecoder(strict=False).raw_decode


class BrokenError(ValueError):
    """The text is not valid JSON from here on."""


class TooLargeError(ValueError):
    """A value is longer than the limit."""


class JsonText:
    """JSON (RFC 8259) in UTF-8, read from its beginning to its end.

    Bytes that are not UTF-8 become lone surrogates, which the user of a value notices.

    Args:
        data: The text; with `inside`, a part of it that begins with an item of an array.
        most: The most characters of a value; None for any number.
        inside: Whether the text begins inside an array.
    """

    def __init__(self, data: bytes | memoryview, most: int | None, *, inside: bool = False) -> None:
        self._data = memoryview(data)
        self._most = most
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._place = 0
        # The likely length of the next value, in characters.
        self._likely = _FIRST
        self._text = ""
        self._at = 0
        # Whether nothing has been read of the array or object that was entered last.
        self._fresh = False
        # Whether the next item is not after a bracket or comma.
        self._inside = inside
        self._more()
        # RFC 8259 §8.1: a byte order mark may be ignored.
        self._at = 1 if self._text.startswith("\ufeff") else 0

    @property
    def offset(self) -> int:
        """The offset in bytes of what is read next, white space included."""
        pending, _ = self._decoder.getstate()
        return self._place - len(pending) - len(self._text[self._at :].encode("utf-8", "surrogateescape"))

    def ends_after(self, character: str) -> bool:
        """Whether the text ends here, after this character, as the part of an array does after a comma."""
        self._take(character)
        return not self._peek()

    def _more(self) -> bool:
        """Decode more of the text; return False at its end."""
        if self._place >= len(self._data):
            return False
        # Twice as much each time, so that a long value does not take quadratic time.
        size = max(_WINDOW, len(self._text) - self._at)
        piece = bytes(self._data[self._place : self._place + size])
        self._place += len(piece)
        self._text = self._text[self._at :] + self._decoder.decode(piece, self._place >= len(self._data))
        self._at = 0
        return True

    def _peek(self) -> str:
        """Return the next character other than white space; "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> None:
        """Read one of the wanted characters."""
        found = self._peek()
        if not found or found not in wanted:
            raise BrokenError(f"{_named(found)} where {' or '.join(wanted)} is expected")
        self._at += 1

    def enter_member(self, name: str) -> bool:
        """Go to the value of a member of the object that comes next; False if there is none."""
        if self._peek() != "{":
            return False
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return False
        while True:
            try:
                key = self.value()
            except TooLargeError:
                raise BrokenError("a name without an end") from None
            self._take(":")
            if key == name:
                self._fresh = True
                return True
            self.skip()
            self._take(",}")
            if self._text[self._at - 1] == "}":
                return False

    def next_item(self) -> bool:
        """Go to the next item of the array that comes next, or that was entered; False at its end."""
        if self._inside:
            self._inside = False
            return True
        if self._fresh:
            self._fresh = False
            self._take("[")
            if self._peek() != "]":
                return True
            self._at += 1
            return False
        self._take(",]")
        return self._text[self._at - 1] == ","

    def value(self) -> Any:
        """Read the next value.

        After a BrokenError or a TooLargeError the position is before the value, so that `skip` can skip it.
        """
        if not self._peek():
            raise BrokenError("the file ends")
        size, self._likely = self._likely, _FIRST
        while True:
            text = self._text[self._at : self._at + size]
            # Whether the decoder sees all text in memory, and whether all of the text is in memory.
            whole, all_read = self._at + len(text) == len(self._text), self._place >= len(self._data)
            try:
                value, end = _DECODE(text)
            except RecursionError:
                raise BrokenError("too deep") from None
            except JSONDecodeError as error:
                # Errors near the end of the piece, and unterminated strings, may be due to that end.
                cut = error.pos > len(text) - 16 or error.msg.startswith("Unterminated")
                if not cut or (whole and all_read):
                    raise BrokenError("the file ends" if cut else error.msg) from None
                reason = error.msg
            except ValueError:
                # Python refuses a number of this many digits, unless a fraction follows.
                if whole:
                    raise BrokenError("a number without an end") from None
                reason = ""
            else:
                # A number may continue after the piece.
                if end < len(text) or (whole and all_read):
                    self._check_size(end)
                    self._at += end
                    self._likely = max(_FIRST, 2 * end)
                    return value
                reason = ""
            self._check_size(len(text))
            if not whole:
                size *= _GROWTH
            elif not self._more():
                raise BrokenError(reason)
            else:
                size = len(self._text)

    def _check_size(self, size: int) -> None:
        """Raise TooLargeError for a value of too many characters."""
        if self._most is not None and size > self._most:
            raise TooLargeError

    def skip(self) -> None:
        """Skip the next value, or text that looks like one, and keep nothing of it."""
        first = self._peek()
        if not first:
            raise BrokenError("the file ends")
        if first not in '"{[':
            self._skip_scalar()
            return
        # Only brackets of the kind that it begins with are counted: a value whose other brackets do not
        # balance is broken, and ends at the same place.
        structure, depth = _STRUCTURE[first], 0
        while True:
            found = structure.search(self._text, self._at)
            if found is None:
                self._at = len(self._text)
                if not self._more():
                    raise BrokenError("the file ends")
                continue
            self._at = found.end()
            match found[0]:
                case '"':
                    self._skip_string()
                case "{" | "[":
                    depth += 1
                case _:
                    depth -= 1
            if depth <= 0:
                return

    def leave(self, objects: int) -> None:
        """Skip the rest of the objects that were entered by name, to the end of the text."""
        for _ in range(objects):
            self._take(",}")
            while self._text[self._at - 1] == ",":
                self.skip()
                self._take(":")
                self.skip()
                self._take(",}")
        if self._peek():
            raise BrokenError("there is text after its end")

    def _skip_scalar(self) -> None:
        """Skip a number or a word."""
        while True:
            match = _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return

    def _skip_string(self) -> None:
        """Skip the rest of a string."""
        while True:
            match = _STRING.match(self._text, self._at)
            self._at = match.end() if match else self._at
            # The next character is a quote, or a backslash at the end of the window.
            if self._text.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():
                raise BrokenError("the file ends")


def _named(character: str) -> str:
    """Return a character in words."""
    return repr(character) if character else "the end of the file"
