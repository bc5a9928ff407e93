"""Text for people: safe for a terminal, as wide as it is shown, counts in English."""

from __future__ import annotations

import unicodedata
from typing import TypeAlias

__all__ = ["Piece", "columns_of", "plural", "printable"]

#: A piece of a line, and its style: "" or a name of `STYLES`.
Piece: TypeAlias = tuple[str, str]


def printable(text: str) -> str:
    """Return a text with everything escaped that could move, colour or reorder a terminal's output."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def plural(count: int, noun: str) -> str:
    """Return a count and what is counted, in English."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def columns_of(character: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
