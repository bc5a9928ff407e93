"""A large JSON text, walked from value to value, with no more of it in memory than one of them."""

from __future__ import annotations

import codecs
import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrokenError", "JsonText", "TooLargeError"]

_WINDOW = 262_144
#: Characters handed to the decoder first, and the factor by which it gets more. Its errors count the lines
#: before them, so that many broken values in a large text would cost the square of its length.
_FIRST, _GROWTH = 1_024, 4

_SPACE = re.compile(r"[ \t\r\n]*+")
#: What there is to find outside strings, and the rest of a string.
_STRUCTURE = {"{": re.compile('["{}]'), "[": re.compile(r'["\[\]]'), '"': re.compile('"')}
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(r"[^ \t\r\n,\]}]*+")

_DECODE = JSONDecoder(strict=False).raw_decode


class BrokenError(ValueError):
    """The text is no JSON from here on."""


class TooLargeError(ValueError):
    """One value is longer than it may be."""


class JsonText:
    """JSON (RFC 8259) in UTF-8, that is read from its beginning to its end.

    Bytes that are not UTF-8 become lone surrogates, which whoever uses the value will notice.
    """

    def __init__(self, data: bytes | memoryview, most: int | None) -> None:
        self._data = memoryview(data)
        self._most = most
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._place = 0
        #: Characters that the next value is likely to have.
        self._likely = _FIRST
        self._text = ""
        self._at = 0
        #: Whether an array, or an object, has been entered of which nothing has been read.
        self._fresh = False
        self._more()
        # RFC 8259 §8.1: it may be ignored.
        self._at = 1 if self._text.startswith("\ufeff") else 0

    def _more(self) -> bool:
        """Take up more of the text; False at its end."""
        if self._place >= len(self._data):
            return False
        # As much again as is there, so that a long value costs no square of its length.
        size = max(_WINDOW, len(self._text) - self._at)
        piece = bytes(self._data[self._place : self._place + size])
        self._place += len(piece)
        self._text = self._text[self._at :] + self._decode(piece, self._place >= len(self._data))
        self._at = 0
        return True

    def _peek(self) -> str:
        """Return the next character that is no white space; "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> None:
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
        """Read the value that comes next.

        Raises BrokenError and TooLargeError, and then stands where the value begins, for `skip` to pass
        over it.
        """
        if not self._peek():
            raise BrokenError("the file ends")
        size, self._likely = self._likely, _FIRST
        while True:
            text = self._text[self._at : self._at + size]
            # Whether the decoder sees all there is, and whether it sees what is in memory.
            whole, all_read = self._at + len(text) == len(self._text), self._place >= len(self._data)
            try:
                value, end = _DECODE(text)
            except RecursionError:
                raise BrokenError("too deep") from None
            except JSONDecodeError as error:
                # The end of the piece explains what is found there, and a string without an end.
                cut = error.pos > len(text) - 16 or error.msg.startswith("Unterminated")
                if not cut or (whole and all_read):
                    raise BrokenError("the file ends" if cut else error.msg) from None
                reason = error.msg
            except ValueError:
                # More digits than Python turns into a number, unless a fraction follows.
                if whole:
                    raise BrokenError("a number without an end") from None
                reason = ""
            else:
                # A number may go on after the piece.
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
        if self._most is not None and size > self._most:
            raise TooLargeError

    def skip(self) -> None:
        """Pass over the value that comes next, or what looks like one, and keep nothing of it."""
        first = self._peek()
        if not first:
            raise BrokenError("the file ends")
        if first not in '"{[':
            self._skip_scalar()
            return
        # Brackets of the kind that it begins with balance; where the other kind does not, the value is
        # broken, and ends here all the same.
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
        """Pass over what is left of the objects that were entered by name, to the end of the text."""
        for _ in range(objects):
            self._take(",}")
            while self._text[self._at - 1] == ",":
                self.skip()
                self._take(":")
                self.skip()
                self._take(",}")
        if self._peek():
            raise BrokenError("there is something behind its end")

    def _skip_scalar(self) -> None:
        while True:
            match = _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return

    def _skip_string(self) -> None:
        while True:
            match = _STRING.match(self._text, self._at)
            self._at = match.end() if match else self._at
            # What stopped it is a quote, or a backslash at the end of the window.
            if self._text.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():
                raise BrokenError("the file ends")


def _named(character: str) -> str:
    return repr(character) if character else "the end of the file"
