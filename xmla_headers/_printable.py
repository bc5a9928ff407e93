"""Knows how text is shown to people: safe for a terminal, its width in columns, counts in English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

__all__ = ["Piece", "columns_of", "first_columns", "joined", "last_columns", "plural", "printable", "wrapped"]

Piece: TypeAlias = tuple[str, str]
"""A part of a line, and its style: a name of `STYLES` of the command, or "" for none."""


def printable(text: str) -> str:
    """Escape each character that could move, colour or reorder the output of a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def plural(count: int, noun: str) -> str:
    """Return a count and its noun: `1 message`, `2,000 messages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    import unicodedata  # noqa: PLC0415 - its tables take long to load, and a codec needs no widths

    # A mark without a width of its own may have the combining class 0, as variation selectors do.
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def first_columns(text: str, most: int) -> str:
    """Return the beginning of a text that takes at most a number of columns."""
    if text.isascii():
        return text[:most]
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > most:
            return text[:index]
    return text


def last_columns(text: str, most: int) -> str:
    """Return the end of a text that takes at most a number of columns."""
    return first_columns(text[::-1], most)[::-1]


def joined(parts: Iterable[Piece], separator: str) -> list[Piece]:
    """Return the parts of a line with a separator between them."""
    return [piece for part in parts for piece in ((separator, ""), part)][1:]


def wrapped(
    pieces: Iterable[Piece], width: int, indent: int = 0, *, whole: bool = False
) -> Iterator[list[Piece]]:
    """Wrap a line at spaces, or inside a word that is wider than a line.

    Args:
        pieces: The line.
        width: The most columns of a line.
        indent: The columns before each line after the first.
        whole: Break between pieces only, if they fit.
    """
    line: list[Piece] = []
    used = 0
    for word, style in _words_of(pieces, width - indent, whole=whole):
        shown = word
        if used + columns_of(word) > width and used > indent:
            yield _without_end(line)
            line, used = [(" " * indent, "")] * bool(indent), indent
            shown = word.lstrip(" ")
        line.append((shown, style))
        used += columns_of(shown)
    # Spaces alone make no line of their own.
    if line and (used > indent or any(text.strip(" ") for text, _ in line)):
        yield _without_end(line)


def _without_end(line: list[Piece]) -> list[Piece]:
    """Return a line without the spaces at its end."""
    while line and not line[-1][0].rstrip(" "):
        line = line[:-1]
    return [*line[:-1], (line[-1][0].rstrip(" "), line[-1][1])] if line else line


def _words_of(pieces: Iterable[Piece], width: int, *, whole: bool) -> Iterator[Piece]:
    """Yield each word with the spaces before it; a word that is wider than a line comes in parts."""
    for text, style in pieces:
        if whole and columns_of(text) <= width:
            yield text, style
            continue
        word, size = "", 0
        for index, character in enumerate(text):
            taken = columns_of(character)
            begins = character == " " and index and text[index - 1] != " "
            if word and (begins or size + taken > width):
                yield word, style
                word, size = "", 0
            word += character
            size += taken
        if word:
            yield word, style
