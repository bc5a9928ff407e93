"""Where the Body may begin and where it ends, found in the bytes without callbacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .bounds import MOST_ATTRIBUTES, TAG_BYTES, expands_little, nests_at_most
from .parser import completes
from .prefixes import declarations
from .raw import SLASH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xmla_headers.soap import Limits

__all__ = [
    "BODY_TRIES",
    "BodyTags",
    "cuts",
    "is_body_name",
    "last_end_tag",
]

# The Envelope and the Body, around the content of the Body.
_OUTER_DEPTH = 2
# The name of an element that may be a Fault, which only the exact path checks.
_FAULT = re.compile(rb"Fault(?<=[<:]Fault)[ \t\r\n/>]")

# The bytes after the name in the Body's end tag, if only the Envelope's end tag follows.
_TAIL = re.compile(rb"([ \t\r\n]*+>)[ \t\r\n]*+</([^ \t\r\n<>]++)[ \t\r\n]*+>[ \t\r\n]*+\Z")


# The characters directly before and after the local name in a start tag that may be the Body's.
_NAME_STARTS = (b"<", b":")


_NAME_STOPS = (b">", b"/", b" ", b"\t", b"\r", b"\n")


# How many start tags that look like the Body's are tried. To try every one is quadratic: 256 KB of
# `<s:Body>` in a comment took seconds.
BODY_TRIES = 4


# How many bytes of a buffer that is not bytes are searched for them.
_PROBE = 262_144


def cuts(text: bytes | memoryview, end: int | None) -> Iterator[int]:
    """Yield the offsets up to which to parse: after each possible Body start tag, then `end`."""
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
    """Whether the `Body` at an offset ends the name of a possible start tag."""
    return text[place - 1 : place] in _NAME_STARTS and text[place + 4 : place + 5] in _NAME_STOPS


class BodyTags:
    """The names of Envelope and Body as written, and the tags that follow from them; all bytes."""

    __slots__ = ("_deep", "_scope", "body", "root", "start", "tail")

    def __init__(self, root: str, body: str, scope: Mapping[str, str]) -> None:
        self.root, self.body = root.encode(), body.encode()
        self.start = b"<%b>" % self.body
        self.tail = b"</%b></%b>" % (self.body, self.root)
        # The prefixes in scope inside the Body.
        self._scope = scope
        self._deep: bytes | None = None

    @property
    def deep(self) -> bytes:
        """The start tag with the declarations in scope; empty if expat may copy much of them."""
        if self._deep is None:
            tag = f"<{self.body.decode()}{declarations(self._scope.items())}>".encode()
            self._deep = tag if expands_little(tag, 0, len(tag)) else b""
        return self._deep


def last_end_tag(text: bytes, tags: BodyTags, start: int, limits: Limits, *, deep: bool) -> int | None:
    """Return the offset of the Body's end tag if the rest of the message is well-formed, otherwise None.

    `start` is the offset after the Body's start tag, and everything before it has been parsed. With `deep`,
    its checks are made as well, by `limits`. None may also mean that this quick check cannot tell.
    """
    if text[start - 2] == SLASH:
        return None
    if text.endswith(tags.tail):
        end = len(text) - len(tags.tail)
        stop = end + len(tags.body) + 3
    else:
        end = text.rfind(b"</" + tags.body, start)
        found = _TAIL.match(text, end + 2 + len(tags.body)) if end >= 0 else None
        if found is None or found[2] != tags.root:
            return None
        stop = found.end(1)
    # The parser decides whether this is the Body's end tag: if it stood in a comment, or if an earlier
    # end tag closed the Body, the text would not be one element.
    rest = memoryview(text)[start:stop]
    if not deep:
        return end if completes(tags.start, rest) else None
    if not tags.deep or not _is_plain(text, start, end, limits):
        return None
    return end if completes(tags.deep, rest, namespaces=True) else None


def _is_plain(text: bytes, start: int, end: int, limits: Limits) -> bool:
    """Whether the bytes of a Body show that it exceeds no limit if it is well-formed, and has no Fault."""
    names, attributes, depth = limits.max_name_length, limits.max_attributes, limits.max_depth
    return (
        (names is None or names >= TAG_BYTES)
        and (attributes is None or attributes >= MOST_ATTRIBUTES)
        and _FAULT.search(text, start, end) is None
        and expands_little(text, start, end)
        and (depth is None or nests_at_most(depth - _OUTER_DEPTH, text, start, end))
    )
