"""Where the Body may begin and where it ends, found in the bytes without callbacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .parser import completes
from .prefixes import declarations
from .raw import SLASH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "BODY_TRIES",
    "cuts",
    "is_body_name",
    "last_end_tag",
]

# What the default Limits allow: bytes of a name, elements within the Body, attributes.
_PLAIN, _PLAIN_DEPTH, _PLAIN_ATTRIBUTES = 4_096, 254, 256


# What follows the name in the Body's end tag when nothing but the Envelope's end tag comes after it.
_TAIL = re.compile(rb"([ \t\r\n]*+>)[ \t\r\n]*+</([^ \t\r\n<>]++)[ \t\r\n]*+>[ \t\r\n]*+\Z")


# What stands in front of and behind the local name in what may be the start tag of the Body.
_NAME_STARTS = (b"<", b":")


_NAME_STOPS = (b">", b"/", b" ", b"\t", b"\r", b"\n")


# How many start tags that look like the Body's are tried. Trying every one is quadratic: 256 KB of
# `<s:Body>` in a comment cost seconds.
BODY_TRIES = 4


# How much of a buffer that is not bytes is searched for them.
_PROBE = 262_144


def cuts(text: bytes | memoryview, end: int | None) -> Iterator[int]:
    """Yield offsets up to which to feed the head: behind what looks like a Body start tag, then `end`."""
    end = len(text) if end is None else min(len(text), end)
    head = text if isinstance(text, bytes) else bytes(text[: min(end, _PROBE)])
    position, tries = 0, BODY_TRIES
    while tries:
        name = head.find(b"Body", position, end)
        close = head.find(b">", name, end)
        if name < 0 or close < 0:
            break
        position = close + 1
        if is_body_name(head, name):
            tries -= 1
            yield position
    yield end


def is_body_name(text: bytes | bytearray, place: int) -> bool:
    """Whether the `Body` at a place ends the name of what may be a start tag."""
    return text[place - 1 : place] in _NAME_STARTS and text[place + 4 : place + 5] in _NAME_STOPS


def last_end_tag(
    text: bytes, root: bytes, body: bytes, start: int, scope: Mapping[str, str] | None = None
) -> int | None:
    """Return the offset of the Body's end tag, if the end of the message is that of what is well-formed.

    `root` and `body` are the names as written, and what is in front of `start`, the offset behind the
    Body's start tag, has been read. With the `scope` in there what `deep` asks for is looked at as well: it
    is for small Bodies. None when there is more than white space around the Envelope's end tag, or something
    is wrong, or may be.
    """
    if text[start - 2] == SLASH:
        return None
    tail = b"</%b></%b>" % (body, root)
    if text.endswith(tail):
        end = len(text) - len(tail)
        stop = end + len(body) + 3
    else:
        end = text.rfind(b"</" + body, start)
        found = _TAIL.match(text, end + 2 + len(body)) if end >= 0 else None
        if found is None or found[2] != root:
            return None
        stop = found.end(1)
    # That this is the Body's end tag is for the parser to say: were it in a comment, or did another in
    # front of it close the Body, then this would not be one element.
    rest = memoryview(text)[start:stop]
    if scope is None:
        return end if completes(b"<%b>" % body, rest) else None
    if not _is_plain(text, start, end):
        return None
    start_tag = f"<{body.decode()}{declarations(scope.items())}>".encode()
    return end if completes(start_tag, rest, namespaces=True) else None


def _is_plain(text: bytes, start: int, end: int) -> bool:
    """Whether what is between two offsets is too short for any default limit, and holds no Fault to judge."""
    return (
        end - start <= _PLAIN
        # An element takes one of them, an attribute the other.
        and text.count(b"<", start, end) <= _PLAIN_DEPTH
        and text.count(b"=", start, end) <= _PLAIN_ATTRIBUTES
        and text.find(b"Fault", start, end) < 0
    )
