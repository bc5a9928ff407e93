"""Knows which files are a request and its response, by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from xmla_headers.soap import Direction

__all__ = ["direction_of", "natural_key", "pair_names", "sender_of"]

# The word in a name that tells the side: 17-request.xml, req_17.xml, Discover.resp.xml. Fiddler calls the
# two sides raw/17_c.txt and raw/17_s.txt.
_SIDE = re.compile(r"(?i)(?<![a-z])(?:(request|req)|(response|resp|reply|answer))(?![a-z])")
_FIDDLER = re.compile(r"(?i)(?<![0-9a-z])(\d+)_(?:(c)|(s))(?=\.txt$)")

# The names of tcpflow say who sends to whom: 010.000.000.001.50000-010.000.000.002.08080.
_FLOW = re.compile(r"(?i)(.*?)([0-9a-f.:]{7,45})\.(\d{1,5})-([0-9a-f.:]{7,45})\.(\d{1,5})(?![0-9.:])(.*)")

_NUMBER = re.compile(r"[0-9]+")
# Numbers with more digits are compared as text.
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
    flow = _FLOW.fullmatch(file) if "-" in file and "." in file else None
    if flow is None:
        return None
    before, source, source_port, target, target_port, after = flow.groups()
    ends = f"{source}.{source_port}", f"{target}.{target_port}"
    # A client has a port of the upper range; a server rarely has.
    is_request = (int(source_port), source) > (int(target_port), target)
    client, server = ends if is_request else ends[::-1]
    rest = f"{folder}{slash}{before}{client}-{server}\0{after}"
    return rest, Direction.REQUEST if is_request else Direction.RESPONSE


def direction_of(name: str) -> Direction | None:
    """Return the direction of a message if the name of its file tells it."""
    found = _side(name)
    return None if found is None else found[1]


def sender_of(name: str) -> tuple[str, str] | None:
    """Return the address and the port of the sender if the name of a file of tcpflow tells it."""
    file = name.rpartition("/")[2]
    flow = _FLOW.fullmatch(file) if "-" in file and "." in file else None
    return None if flow is None else (flow[2], flow[3])


def natural_key(name: str) -> str:
    """Return a sort key for names that sorts 10.xml after 9.xml."""
    return _NUMBER.sub(lambda number: number[0].zfill(_DIGITS), name)


def pair_names(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Sort the names of files by exchange, requests before their responses.

    For a folder with one message in each file. Read the files in this order, and give the exchange to the
    messages: `transcript` pairs by it.

    Args:
        names: Names of files, with "/" between folders. Repeated names count once.

    Returns:
        The names in the order of their messages, each with its exchange: the part that a request and its
        response share. It is None unless there is exactly one name for each side.

    >>> [name for name, _ in pair_names(["10-response.xml", "10-request.xml", "9-request.xml"])]
    ['9-request.xml', '10-request.xml', '10-response.xml']

    >>> from dataclasses import replace
    >>> from xmla_headers import captures
    >>> folder = {"1-response.xml": b"<b/>", "1-request.xml": b"<a/>"}
    >>> for name, exchange in pair_names(folder):
    ...     for message in captures.iter_messages(folder[name], name):
    ...         message = replace(message, exchange=exchange or message.exchange)
    ...         print(message.name, message.direction, message.body)
    1-request.xml request b'<a/>'
    1-response.xml response b'<b/>'
    """
    # There may be very many names: only the sides are kept beside them.
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
