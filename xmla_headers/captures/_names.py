"""File names -> which files are a request and its response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["direction_of", "natural_key", "pair_names"]

#: The word, between other parts of a name, that tells which side it is: 17-request.xml, req_17.xml,
#: Discover.resp.xml, and raw/17_c.txt as Fiddler names the client's side.
_SIDE = re.compile(r"(?i)(?<![a-z])(?:(request|req)|(response|resp|reply|answer))(?![a-z])")
_FIDDLER = re.compile(r"(?i)(?<![0-9a-z])(\d+)_(?:(c)|(s))(?=\.txt$)")


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


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return what to sort names by, so that 10.xml comes behind 9.xml."""
    return [
        (int(part), "") if part.isdecimal() and part.isascii() else (-1, part)
        for part in re.split(r"([0-9]{1,18})", name)
    ]


def pair_names(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Return the names in the order in which their messages belong, each with its exchange.

    The exchange is what the names of a request and its response have in common; it is None where
    only one of them is there.
    """
    sides: dict[str, dict[Direction, str]] = {}
    keys: dict[str, str] = {}
    for name in names:
        found = _side(name)
        keys[name] = name if found is None else found[0]
        if found is not None:
            sides.setdefault(found[0], {}).setdefault(found[1], name)
    paired = {
        name: key for key, pair in sides.items() if len(pair) == len(Direction) for name in pair.values()
    }

    def place(name: str) -> tuple[list[tuple[int, str]], bool, str]:
        answer = paired.get(name) is not None and direction_of(name) is Direction.RESPONSE
        return natural_key(keys[name] if name in paired else name), answer, name

    return [(name, paired.get(name)) for name in sorted(keys, key=place)]
