"""Heads remembered by shape: what was found for one head serves every head that differs in the id alone.

The head of a message is all bytes up to the end of the Body start tag. The head and the reading arguments
determine what the general path makes of it, and no rule distinguishes two identifiers that match
`rules.PLAIN_IDENTIFIER`. So the head without the identifier is the key of what the general path found.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from xmla_headers._checks import wrong_type
from xmla_headers._immutable import shown_half_made
from xmla_headers._xml.body_end import BODY_TRIES
from xmla_headers._xml.raw import SLASH, certain, end_of_start_tag
from xmla_headers.envelope import Envelope, Header
from xmla_headers.fragment import Fragment
from xmla_headers.model import HeaderBlock, has_generated_constructor

from .rules import PLAIN_IDENTIFIER, identifiers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from xmla_headers._xml.raw import RawElement, RawMessage
    from xmla_headers.findings import Finding

    from .options import Reading
    from .rules import Judge

    # The head before the identifier, the identifier's length, the head after it, the reading arguments.
    Key = tuple[bytes, int, bytes, Hashable]
    Search = Callable[[bytes, int, int], "re.Match[bytes] | None"]

__all__ = ["SHARED_HEADS", "HeadCache", "Shape"]

# A longer head costs more to compare, and is rarely sent twice.
_LONGEST = 4_096
# The shared memory keeps no longer attribute value, in bytes: a token is longer, a namespace is declared.
_LONGEST_VALUE = 64

# The parts of a well-formed head.
_TOKEN = rb"""(?xs)
    <!-- (?P<comment>.*?) -->
    | <!\[CDATA\[ (?P<section>.*?) \]\]>
    | (?P<tag> < [^>"']*+ (?: "[^"]*+" [^>"']*+ | '[^']*+' [^>"']*+ )*+ > )
    | (?P<text> [^<]++ )
"""
_ATTRIBUTE = rb"""([^ \t\r\n<=]++)[ \t\r\n]*+=[ \t\r\n]*+(?:"([^"]*+)"|'([^']*+)')"""


@shown_half_made
class HeadCache:
    """Remembers what the heads of messages say, so that heads of one shape are judged once.

    The requests of a session, of a client and of a server mostly have the same head except for the session
    id. Such heads are one shape. A shape serves later messages with any id of the same length, if the id
    is printable ASCII without quotes and markup; every other head is read and judged anew. The results are
    the same with and without a cache.

    The functions share one cache by default, `SHARED_HEADS`, which holds no session id and no token. A
    cache of your own remembers every head that was accepted, and may therefore hold secrets, such as the
    session ids of a head with two of them: its maker owns it and drops it.

    Safe to share between threads, and usable after a fork.

    Args:
        maxsize: The most shapes to remember; the oldest leaves first.

    Raises:
        TypeError: `maxsize` is not an int.
        ValueError: `maxsize` is less than 1.

    >>> cache = HeadCache(maxsize=16)
    >>> len(cache)
    0
    """

    __slots__ = ("_keeps_secrets", "_maxsize", "_searches", "_shapes")

    def __init__(self, maxsize: int = 128) -> None:
        if type(maxsize) is not int:
            raise wrong_type("maxsize", "int", maxsize)
        if maxsize < 1:
            msg = "maxsize must be at least 1"
            raise ValueError(msg)
        self._maxsize = maxsize
        self._keeps_secrets = True
        self._shapes: dict[Key, Shape] = {}
        self._searches: dict[Hashable, Search | None] = {}

    def __len__(self) -> int:
        """Return how many shapes are remembered."""
        return len(self._shapes)

    def __repr__(self) -> str:
        return f"HeadCache(<{len(self)} of {self._maxsize}>)"

    def clear(self) -> None:
        """Forget all shapes.

        >>> cache = HeadCache()
        >>> _ = decode(encode(Envelope(body=Fragment(b"<a/>"))), cache=cache)
        >>> cache.clear()
        >>> len(cache)
        0
        """
        self._shapes.clear()
        self._searches.clear()

    def _find(self, data: bytes | memoryview, reading: Reading) -> tuple[Shape, int, str] | None:
        """Return the shape of the head of a message, where the head ends, and its identifier."""
        shapes = self._shapes
        maximum = reading.limits.max_message_bytes
        if not shapes or (maximum is not None and len(data) > maximum):
            return None
        if not isinstance(data, bytes):
            data = bytes(data[:_LONGEST])
        arguments = reading.key
        if arguments is None:
            return None
        search = self._search(reading, arguments[0])
        end = 0
        # The first few tags that may be the Body start tag: trying all is quadratic.
        for _ in range(BODY_TRIES):
            name = data.find(b"Body", end, _LONGEST)
            end = data.find(b">", name, _LONGEST) + 1
            if name < 0 or not end:
                return None
            match = None if search is None else search(data, 0, end)
            if match is not None:
                first, last = match.span(match.lastindex or 0)
                shape = shapes.get((data[:first], last - first, data[last:end], arguments))
                if shape is not None:
                    return shape, end, data[first:last].decode("ascii")
            if match is None or self._keeps_secrets:
                shape = shapes.get((data[:end], 0, b"", arguments))
                if shape is not None:
                    return shape, end, ""
        return None

    def _keep(
        self, message: RawMessage, judge: Judge, warnings: tuple[Finding, ...], reading: Reading
    ) -> None:
        """Remember a head that the general path has accepted, if it can be remembered."""
        text, end, arguments = message.source.text, message.body_start, reading.key
        if arguments is None or end > _LONGEST or text is not message.source.data or text[end - 2] == SLASH:
            return
        head = bytes(text[:end])
        search = self._search(reading, arguments[0])
        match = None if search is None else search(head, 0, end)
        identifiers = list(_identifiers(message, judge))
        slot, key = None, (head, 0, b"", arguments)
        rest = head
        if match is not None and len(identifiers) == 1:
            first, last = match.span(match.lastindex or 0)
            element, index, name, field = identifiers[0]
            kind = type(judge.blocks[index])
            if (
                _value_span(head, element, name) == (first, last)
                and issubclass(kind, HeaderBlock)
                and has_generated_constructor(kind)
            ):
                slot, key = (index, field), (head[:first], last - first, head[last:], arguments)
                rest = head[: match.start()] + head[match.end() :]
        if not self._keeps_secrets and ((identifiers and slot is None) or _may_hold_secrets(rest)):
            return
        shapes = self._shapes
        shapes[key] = Shape(message, judge, warnings, slot)
        if self._find(head, reading) is None:
            # Too much in it looks like the Body start tag.
            shapes.pop(key, None)
        # Without a lock, which a fork in another thread would leave locked for ever.
        while len(shapes) > self._maxsize:
            try:
                shapes.pop(next(iter(shapes)), None)
            except (RuntimeError, StopIteration):
                continue  # another thread was faster

    def _search(self, reading: Reading, types: Hashable) -> Search | None:
        """Return the search for the value of an identifier attribute that `reading.types` declares."""
        try:
            return self._searches[types]
        except KeyError:
            pass
        names = b"|".join(re.escape(name.encode()) for name in sorted(identifiers_of(reading.types)))
        pattern = rb"""(?:%b)[ \t\r\n]*+=[ \t\r\n]*+(?:"(%b)"|'(%b)')"""
        search = re.compile(pattern % (names, PLAIN_IDENTIFIER, PLAIN_IDENTIFIER)).search if names else None
        if len(self._searches) >= self._maxsize:
            self._searches.clear()
        self._searches[types] = search
        return search


class Shape:
    """The result of the general path for a head, without the identifier."""

    __slots__ = ("_after", "_before", "_kind", "_put", "_values", "names", "scope", "soap", "warnings")

    def __init__(
        self,
        message: RawMessage,
        judge: Judge,
        warnings: tuple[Finding, ...],
        slot: tuple[int, str] | None,
    ) -> None:
        root, body = certain(message.root), certain(message.body)
        # The names of Envelope and Body as written, with their prefix.
        self.names = root.name.encode(), body.name.encode()
        # Prefix -> namespace in scope inside the Body.
        self.scope: Mapping[str, str] = body.scope
        self.soap = judge.soap
        self.warnings = warnings
        index, field = slot or (len(judge.blocks), "")
        self._before = tuple(judge.blocks[:index])
        self._after = tuple(judge.blocks[index + 1 :])
        self._kind: type[HeaderBlock] | None = None
        if slot is not None:
            # The block that the identifier goes into, field by field: faster than its constructor, whose
            # checks the rules and PLAIN_IDENTIFIER have made.
            block: Any = judge.blocks[index]
            kind = self._kind = type(block)
            self._put = getattr(kind, field).__set__
            self._values = tuple(
                (getattr(kind, other.name).__set__, getattr(block, other.name))
                for other in fields(kind)
                if other.name != field
            )

    def header(self, identifier: str) -> Header:
        """Return the Header with an identifier in its place."""
        kind = self._kind
        if kind is None:
            return Header._of(self._before)
        block = object.__new__(kind)
        self._put(block, identifier)
        for put, value in self._values:
            put(block, value)
        return Header._of((*self._before, block, *self._after))

    def envelope(self, data: bytes, body_start: int, body_end: int, identifier: str) -> Envelope:
        """Return the message whose head has this shape."""
        body = Fragment._cut(data, body_start, body_end, self.scope)
        return Envelope._of(self.header(identifier), body, self.soap, self.warnings)


def _identifiers(message: RawMessage, judge: Judge) -> Iterator[tuple[RawElement, int, str, str]]:
    """Yield the identifiers in the header blocks: element, place in the Header, attribute and field."""
    root = certain(message.root)
    header = next((child for child in root.children if child.local == "Header"), None)
    for index, element in enumerate(header.children if header is not None else ()):
        block = judge.blocks[index]
        if isinstance(block, HeaderBlock):
            for attribute in block.spec.attributes:
                if attribute.identifier and getattr(block, attribute.field) is not None:
                    yield element, index, attribute.name, attribute.field


def _value_span(head: bytes, element: RawElement, name: str) -> tuple[int, int] | None:
    """Return where the value of an attribute begins and ends, by the offset that the parser told."""
    end = end_of_start_tag(head, element.start)
    for match in re.compile(_ATTRIBUTE).finditer(head, element.start, end):
        if match[1] == name.encode():
            return match.span(match.lastindex or 0)
    return None


def _may_hold_secrets(rest: bytes) -> bool:
    """Whether a head, without the identifier that was cut out, may hold a session id or a token."""
    if b"sessionid" in rest.lower():
        return True
    attribute = re.compile(_ATTRIBUTE)
    for token in re.compile(_TOKEN).finditer(rest, 3 if rest.startswith(b"\xef\xbb\xbf") else 0):
        tag = token["tag"]
        if tag is None:
            if (token["comment"] or token["section"] or token["text"] or b"").strip():
                return True
            continue
        for match in attribute.finditer(tag):
            name, value = match[1], match[match.lastindex or 0]
            if len(value) > _LONGEST_VALUE and name != b"xmlns" and not name.startswith(b"xmlns:"):
                return True
    return False


SHARED_HEADS = HeadCache()
"""The cache that the functions use by default. It holds no session id and no token."""
SHARED_HEADS._keeps_secrets = False
