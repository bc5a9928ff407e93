"""Knows how text is shown to people: safe for a terminal, its width in columns, counts in English."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Piece", "columns_of", "joined", "plural", "printable"]

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
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def joined(parts: Iterable[Piece], separator: str) -> list[Piece]:
    """Return the parts of a line with a separator between them."""
    return [piece for part in parts for piece in ((separator, ""), part)][1:]
