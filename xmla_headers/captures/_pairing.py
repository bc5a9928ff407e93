"""File names -> which files are a request and its response."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["direction_of", "natural_key", "pair_names"]

#: The word, between other parts of a name, that tells which side it is: 17-request.xml, req_17.xml,
#: Discover.resp.xml, and raw/17_c.txt as Fiddler names the client's side.
_SIDE = re.compile(r"(?i)(?<![a-z])(?:(request|req)|(response|resp|reply|answer))(?![a-z])")
_FIDDLER = re.compile(r"(?i)(?<![0-9a-z])(\d+)_(?:(c)|(s))(?=\.txt$)")


_NUMBER = re.compile(r"[0-9]+")
#: Longer numbers are compared as text.
_DIGITS = 20


def _side(name: str) -> tuple[str, Direction] | None:
    """Return a name without the word for its side, and the side."""
    folder, slash, file = name.rpartition("/")
    for pattern, first in ((_SIDE, 1), (_FIDDLER, 2)):
        found = list(pattern.finditer(file))
        if found:
            match = found[-1]
            number = match[1] if pattern is _FIDDLER else ""
            rest = f"{file[: match.start()]}{number}\0{file[match.end() :]}"
            side = Direction.RESPONSE if match[first] is None else Direction.REQUEST
            return f"{folder}{slash}{rest}", side
    return None


def direction_of(name: str) -> Direction | None:
    """Return which way a message goes, as far as its file's name tells."""
    found = _side(name)
    return None if found is None else found[1]


def natural_key(name: str) -> str:
    """Return what to sort names by, so that 10.xml comes behind 9.xml."""
    return _NUMBER.sub(lambda number: number[0].zfill(_DIGITS), name)


def pair_names(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Return the names in the order in which their messages belong, each with its exchange.

    The exchange is what the names of a request and its response have in common; it is None where
    not exactly one of each is there.
    """
    # Of very many names as little as possible is kept.
    names = list(dict.fromkeys(names))
    sides = Counter(found for found in map(_side, names) if found is not None)

    def exchange_of(name: str) -> tuple[str, Direction] | None:
        found = _side(name)
        if found is None or any(sides[found[0], direction] != 1 for direction in Direction):
            return None
        return found

    def place(name: str) -> tuple[str, bool, str]:
        found = exchange_of(name)
        if found is None:
            return natural_key(name), False, name
        return natural_key(found[0]), found[1] is Direction.RESPONSE, name

    names.sort(key=place)
    return [(name, None if (found := exchange_of(name)) is None else found[0]) for name in names]
