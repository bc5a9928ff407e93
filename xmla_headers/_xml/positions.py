"""Offsets in the UTF-8 text -> offset, line and column in the caller's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .encoding import Source

# Offset (bytes of the caller's input, from 0), line and column (both from 1).
Place: TypeAlias = tuple[int, int, int]
# How many bytes are counted at a time, so that a long message is not copied.
_PIECE = 1 << 20

__all__ = [
    "Locator",
    "Place",
    "Window",
    "encoded_size",
]


class Window:
    """The last part of a stream, after the parts before it were dropped, and its place."""

    __slots__ = ("place", "position", "text")

    def __init__(self, position: int, text: bytes, place: Place) -> None:
        # The offset of `text` in the whole UTF-8 text.
        self.position = position
        self.text = text
        self.place = place


class Locator:
    """Locates offsets in the UTF-8 text in the caller's input; the offsets must not decrease."""

    __slots__ = ("_after_cr", "_base", "_column", "_line", "_offset", "_position", "_source", "_text")

    def __init__(self, source: Source) -> None:
        self._source = source
        untouched = source.text is source.data
        self._text: bytes | memoryview = source.text
        # The offset of `_text` in the whole UTF-8 text.
        self._base = 0
        self._position = source.mark if untouched else 0
        self._offset = source.mark
        self._line = 1
        self._column = 1
        self._after_cr = False

    def locate(self, position: int) -> Place:
        """Return offset (bytes of the caller's input, from 0), line and column (both from 1)."""
        known = self._source.places.get(position)
        if known is not None:
            return known
        window = self._source.window
        if window is not None and self._position < window.position <= position:
            self._text, self._base = window.text, window.position
            self._position, self._after_cr = window.position, False
            self._offset, self._line, self._column = window.place
        while self._position < position:
            stop = min(self._position + _PIECE, position)
            self._advance(bytes(self._text[self._position - self._base : stop - self._base]))
            self._position = stop
        return self._offset, self._line, self._column

    def _advance(self, piece: bytes) -> None:
        # XML 1.0 §2.11: CR LF is one line end, and so is a single CR.
        ends = piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
        if self._after_cr and piece.startswith(b"\n"):
            ends -= 1
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        if last:
            self._line += ends
            self._column = 1
        # A piece may begin or end inside a character, so only first bytes of characters count.
        self._column += _characters(piece[last:])
        self._after_cr = piece.endswith(b"\r")
        untouched = self._source.text is self._source.data
        self._offset += len(piece) if untouched else encoded_size(piece, self._source.codec)


def encoded_size(text: bytes, codec: str) -> int:
    """Return the size of UTF-8 text in another encoding, in bytes."""
    units = _characters(text)
    if not codec.startswith("utf-16"):
        return units
    # A character of four bytes in UTF-8 is two units in UTF-16, every other character is one.
    return 2 * (units + sum(text.count(bytes((lead,))) for lead in range(0xF0, 0xF5)))


def _characters(text: bytes) -> int:
    return len(text) - len(text.translate(None, _NOT_CONTINUATION)) if text else 0


# Every byte except the continuation bytes of UTF-8.
_NOT_CONTINUATION = bytes(byte for byte in range(256) if byte & 0xC0 != 0x80)
