"""Heads remembered by shape: what was found for one head serves every head that differs in the id alone.

The head of a message is all bytes up to the end of the Body start tag. The head and the reading arguments
determine what the general path makes of it, and no rule distinguishes two identifiers that match
`rules.PLAIN_IDENTIFIER`. So the head without the identifier is the key of what the general path found.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from xmla_headers._checks import wrong_type
from xmla_headers._immutable import shown_half_made
from xmla_headers._xml.body_end import BODY_TRIES, BodyTags
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.raw import SLASH, certain
from xmla_headers.envelope import Envelope, Header
from xmla_headers.fragment import Fragment
from xmla_headers.model import HeaderBlock, has_generated_constructor

from .rules import PLAIN_IDENTIFIER, identifiers_of
from .splice import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from typing import TypeVar

    from xmla_headers._xml.raw import RawElement, RawMessage
    from xmla_headers.findings import Finding
    from xmla_headers.model import AttributeSpec
    from xmla_headers.typing import Block

    from .options import Reading
    from .rules import Judge

    K = TypeVar("K")
    V = TypeVar("V")
    # `Reading.key`.
    Arguments = tuple[Hashable, ...]
    # The head before the identifier, the head after it, the reading arguments.
    Key = tuple[bytes, bytes, Arguments]
    # The shape of a head, the offset where it ends, and its identifier.
    Found = tuple["Shape", int, str]
    Search = Callable[[bytes, int, int], "re.Match[bytes] | None"]

__all__ = ["SHARED_HEADS", "HeadCache", "Shape"]

# A longer head costs more to compare, and is rarely sent twice.
_LONGEST = 4_096
# The shared memory keeps no longer attribute value, in bytes: a token is longer, a namespace is declared.
_LONGEST_VALUE = 64

# How many heads of one skeleton are remembered before one of them returns this often. A message that is read
# twice is one return of its head at most.
_TRIES, _PROVEN = 8, 2
# How many heads may come of which none returns, before only some of them are remembered: a few in a row of
# as many, since those that return may take turns.
_VAIN, _SOME = 256, 32
# Bytes of values that change from head to head, such as times and keys. The others are the skeleton.
_CHANGING = bytes(byte for byte in range(128) if chr(byte).isalnum() or chr(byte) in "+-./:=_")

# A start tag from "<" up to the name of an attribute.
_BEFORE_ATTRIBUTE = rb"""(?x)
    <[^ \t\r\n/>]++
    (?: [ \t\r\n]++ [^ \t\r\n=]++ [ \t\r\n]*+=[ \t\r\n]*+ (?: "[^"]*+" | '[^']*+' ) )*+
    [ \t\r\n]++
"""
# A well-formed head without text in elements and comments, and without long values, except of declarations.
_WITHOUT_TEXT = rb"""(?x)
    (?: \xef\xbb\xbf )?+
    (?:
        [ \t\r\n]++
        | <!-- [ \t\r\n]*+ -->
        | <!\[CDATA\[ [ \t\r\n]*+ \]\]>
        | <[^ \t\r\n>!]++
        (?:
            [ \t\r\n]++
            (?:
                xmlns (?: :[^ \t\r\n=]++ )?+ [ \t\r\n]*+=[ \t\r\n]*+ (?: "[^"]*+" | '[^']*+' )
                | [^ \t\r\n=>]++ [ \t\r\n]*+=[ \t\r\n]*+ (?: "[^"]{0,%d}" | '[^']{0,%d}' )
            )
        )*+
        [ \t\r\n]*+ [/?]?+ >
    )*+
""" % (_LONGEST_VALUE, _LONGEST_VALUE)


@shown_half_made
class HeadCache:
    """Remembers what the heads of messages say, so that heads of one shape are judged once.

    The requests of a session, of a client and of a server mostly have the same head except for the session
    id. Such heads are one shape. A shape serves later messages with any id, if the id is printable ASCII
    without quotes and markup; every other head is read and judged anew. The results are the same with and
    without a cache.

    The functions share one cache by default, `SHARED_HEADS`, which holds no session id and no token. A
    cache of your own remembers every head that was accepted, and may therefore hold secrets, such as the
    session ids of a head with two of them: its maker owns it and drops it.

    Safe to share between threads, and usable after a fork.

    Args:
        maxsize: The most shapes to remember; the least recently used one leaves first.

    Raises:
        TypeError: `maxsize` is not an int.
        ValueError: `maxsize` is less than 1.

    >>> cache = HeadCache(maxsize=16)
    >>> len(cache)
    0
    """

    __slots__ = (
        "_ends",
        "_keeps_secrets",
        "_maxsize",
        "_newest",
        "_searches",
        "_second",
        "_shapes",
        "_tries",
        "_vain",
    )

    def __init__(self, maxsize: int = 128) -> None:
        if type(maxsize) is not int:
            raise wrong_type("maxsize", "int", maxsize)
        if maxsize < 1:
            msg = "maxsize must be at least 1"
            raise ValueError(msg)
        self._maxsize = maxsize
        self._keeps_secrets = True
        self._shapes: dict[Key, Shape] = {}
        # The last one of them, and the one before it.
        self._newest: Shape | None = None
        self._second: Shape | None = None
        self._searches: dict[Hashable, Search | None] = {}
        # Skeleton -> how many heads of it were learned, until one of them has proved to return.
        self._tries: dict[int, int] = {}
        # The most tags that looked like the Body start tag, in a head that was remembered.
        self._ends = 1
        # How many heads were read since one of them returned.
        self._vain = 0

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
        self._newest = self._second = None
        self._shapes.clear()
        self._searches.clear()
        self._tries.clear()
        self._vain = 0

    def _find(self, data: bytes | memoryview, reading: Reading) -> Found | None:
        """Return the shape of the head of a message, where the head ends, and its identifier."""
        newest, limits = self._newest, reading.limits
        maximum = limits.max_message_bytes
        if newest is None or (maximum is not None and len(data) > maximum):
            return None
        arguments = reading.key
        if arguments is None:
            return None
        if not isinstance(data, bytes):
            data = bytes(data[:_LONGEST])
        # Most heads have the shape of the one before, which is seen without a search.
        found = newest.found_in(data) if newest.key[2] == arguments else None
        if found is None:
            # The two heads of an edit take turns.
            second = self._second
            if second is not None and second.key[2] == arguments:
                found = second.found_in(data)
            if found is None:
                found = self._look_up(data, reading, arguments)
                if found is None:
                    return None
            self._return(found[0])
        maximum = limits.max_header_bytes
        # The identifier may be longer than the one that was learned.
        return found if maximum is None or found[1] <= maximum else None

    def _look_up(self, data: bytes, reading: Reading, arguments: Arguments) -> Found | None:
        """Search the head for an identifier, and look its shape up."""
        search, shapes = self._search(reading, arguments), self._shapes
        for end in islice(_head_ends(data), self._ends):
            match = None if search is None else search(data, 0, end)
            shape, first, last = None, end, end
            if match is not None:
                first, last = match.span(match.lastindex or 0)
                shape = shapes.get((data[:first], data[last:end], arguments))
            if shape is None and (match is None or self._keeps_secrets):
                first = last = end
                shape = shapes.get((data[:end], b"", arguments))
            if shape is not None:
                return shape, end, data[first:last].decode("ascii")
        return None

    def _renew(self, shape: Shape) -> None:
        """Make a shape the newest one."""
        # A cache of one shape holds no second one.
        self._newest, self._second = shape, self._newest if self._maxsize > 1 else None
        _put(self._shapes, shape.key, shape, self._maxsize)

    def _return(self, shape: Shape) -> None:
        """Note that a shape was found after another one."""
        self._renew(shape)
        self._vain = 0
        shape.uses += 1
        if shape.uses == _PROVEN:
            self._tries.pop(shape.skeleton, None)

    def _keep(
        self, message: RawMessage, judge: Judge, warnings: tuple[Finding, ...], reading: Reading
    ) -> None:
        """Remember a head that the general path has accepted, if it can be remembered."""
        text, end, arguments = message.source.text, message.body_start, reading.key
        if arguments is None or end > _LONGEST or text is not message.source.data or text[end - 2] == SLASH:
            return
        head = bytes(text[:end])
        self._vain += 1
        if self._vain > _VAIN and self._vain % _VAIN >= _SOME:
            return
        skeleton = hash(head.translate(None, _CHANGING))
        if self._is_given_up(skeleton):
            return
        ends = list(_head_ends(head))
        if end not in ends:
            # Too much in the head looks like the Body start tag.
            return
        search = self._search(reading, arguments)
        match = None if search is None else search(head, 0, end)
        identifiers = list(_identifiers(message, judge))
        slot, key, rest = None, (head, b"", arguments), head
        if match is not None and len(identifiers) == 1:
            element, index, attribute = identifiers[0]
            start, stop = match.span()
            if (
                attribute.is_plain_identifier
                and _slots_of(type(judge.blocks[index])) is not None
                and match[1] == attribute.name.encode()
                and _is_attribute(head, element, start)
            ):
                first, last = match.span(match.lastindex or 0)
                slot, key = (index, attribute.field, last - first), (head[:first], head[last:], arguments)
                rest = head[:start] + head[stop:]
        if not self._keeps_secrets and ((identifiers and slot is None) or _may_hold_secrets(rest)):
            return
        self._ends = max(self._ends, len(ends))
        self._renew(Shape(key, skeleton, message, judge, warnings, slot))

    def _is_given_up(self, skeleton: int) -> bool:
        """Count a head of a skeleton, and return whether heads of it are not remembered any more.

        Something other than an identifier changes in them, such as a time. Ever more rarely they are tried
        again.
        """
        tries = self._tries.get(skeleton, 0) + 1
        _put(self._tries, skeleton, tries, self._maxsize)
        return tries > _TRIES and tries & (tries - 1) != 0

    def _search(self, reading: Reading, arguments: Arguments) -> Search | None:
        """Return the search for the value of an identifier attribute that `reading.types` declares."""
        types = arguments[:1]
        try:
            return self._searches[types]
        except KeyError:
            pass
        names = b"|".join(re.escape(name.encode()) for name in sorted(identifiers_of(reading.types)))
        pattern = rb"""(%b)[ \t\r\n]*+=[ \t\r\n]*+(?:"(%b)"|'(%b)')"""
        search = re.compile(pattern % (names, PLAIN_IDENTIFIER, PLAIN_IDENTIFIER)).search if names else None
        _put(self._searches, types, search, self._maxsize)
        return search


def _put(entries: dict[K, V], key: K, value: V, maxsize: int) -> None:
    """Make an entry the newest one, and drop the oldest ones if there are too many.

    Without a lock, which a fork in another thread would leave locked for ever.
    """
    entries.pop(key, None)
    entries[key] = value
    while len(entries) > maxsize:
        try:
            entries.pop(next(iter(entries)), None)
        except (RuntimeError, StopIteration):
            continue  # another thread was faster


def _head_ends(data: bytes) -> Iterator[int]:
    """Yield the offsets after the first few tags that may be the Body start tag: trying all is quadratic."""
    end = 0
    for _ in range(BODY_TRIES):
        name = data.find(b"Body", end, _LONGEST)
        end = data.find(b">", name, _LONGEST) + 1
        if name < 0 or not end:
            return
        yield end


class Shape:
    """The result of the general path for a head, without the identifier."""

    __slots__ = (
        "_after",
        "_before",
        "_kind",
        "_late",
        "_layout",
        "_length",
        "_line",
        "_put",
        "_values",
        "_warnings",
        "key",
        "scope",
        "skeleton",
        "soap",
        "tags",
        "uses",
    )

    def __init__(
        self,
        key: Key,
        skeleton: int,
        message: RawMessage,
        judge: Judge,
        warnings: tuple[Finding, ...],
        slot: tuple[int, str, int] | None,
    ) -> None:
        root, body = certain(message.root), certain(message.body)
        self.key = key
        self.skeleton = skeleton
        # How often it was found after another one.
        self.uses = 0
        self.tags = BodyTags(root.name, body.name, body.scope)
        # Prefix -> namespace in scope inside the Body.
        self.scope: Mapping[str, str] = body.scope
        self.soap = judge.soap
        self._layout = Layout.of(message)
        # A warning about the Body is not one of the head.
        self._warnings = tuple([finding for finding in warnings if _offset(finding) < message.body_start])
        # The length of the identifier, and how many warnings come after it: another length moves those.
        index, field, self._length = slot or (len(judge.blocks), "", 0)
        first = len(key[0])
        self._late = sum([_offset(finding) >= first for finding in self._warnings])
        self._line = Locator(message.source).locate(first)[1] if self._late else 0
        self._before = tuple(judge.blocks[:index])
        self._after = tuple(judge.blocks[index + 1 :])
        self._kind: type[Block] | None = None
        if slot is not None:
            # The block that the identifier goes into, field by field: faster than its constructor, whose
            # checks the rules and PLAIN_IDENTIFIER have made.
            block = judge.blocks[index]
            self._kind = type(block)
            self._put = getattr(self._kind, field).__set__
            places = certain(_slots_of(self._kind))
            self._values = tuple(
                [(place.__set__, place.__get__(block)) for name, place in places if name != field]
            )

    def found_in(self, data: bytes) -> Found | None:
        """Return what `HeadCache._find` does if the head of a message has this shape."""
        before, after, _ = self.key
        if not data.startswith(before):
            return None
        last = len(before)
        if self._kind is None:
            return self, last, ""
        # No further than a head that is remembered: the identifier may be as long as the message.
        match = _match_identifier(data, last, last + _LONGEST)
        if match is None or not data.startswith(after, match.end()):
            return None
        return self, match.end() + len(after), match[0].decode("ascii")

    def warnings(self, identifier: str) -> tuple[Finding, ...]:
        """Return the warnings about the head with an identifier in its place."""
        shift = len(identifier) - self._length
        if not self._late or not shift:
            return self._warnings
        early = len(self._warnings) - self._late
        return (*self._warnings[:early], *(self._moved(each, shift) for each in self._warnings[early:]))

    def _moved(self, finding: Finding, shift: int) -> Finding:
        """Return a finding after the identifier, which is `shift` characters longer than the learned one."""
        column = certain(finding.column) + (shift if finding.line == self._line else 0)
        return replace(finding, offset=_offset(finding) + shift, column=column)

    def layout(self, identifier: str) -> Layout:
        """Return the layout of the head with an identifier in its place."""
        shift = len(identifier) - self._length
        return self._layout.moved(len(self.key[0]), shift) if shift else self._layout

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
        return Envelope._of(self.header(identifier), body, self.soap, self.warnings(identifier))


_match_identifier = re.compile(PLAIN_IDENTIFIER).match


def _offset(finding: Finding) -> int:
    return certain(finding.offset)


def _identifiers(message: RawMessage, judge: Judge) -> Iterator[tuple[RawElement, int, AttributeSpec]]:
    """Yield the identifiers in the header blocks: element, place in the Header, attribute."""
    root = certain(message.root)
    header = next((child for child in root.children if child.local == "Header"), None)
    for index, element in enumerate(header.children if header is not None else ()):
        block = judge.blocks[index]
        if isinstance(block, HeaderBlock):
            for attribute in block.spec.attributes:
                if attribute.identifier and getattr(block, attribute.field) is not None:
                    yield element, index, attribute


def _is_attribute(head: bytes, element: RawElement, place: int) -> bool:
    """Whether an attribute of an element begins at an offset, by the offset that the parser told."""
    return re.compile(_BEFORE_ATTRIBUTE).fullmatch(head, element.start, place) is not None


def _may_hold_secrets(rest: bytes) -> bool:
    """Whether a head, without the identifier that was cut out, may hold a session id or a token."""
    return b"sessionid" in rest.lower() or re.compile(_WITHOUT_TEXT).fullmatch(rest) is None


def _slots_of(kind: type[Block]) -> tuple[tuple[str, Any], ...] | None:
    """Return the fields of a class with their slots, or None if its constructor does more than fill them."""
    return _known_slots(kind)  # type: ignore[arg-type] # every class is hashable


@lru_cache
def _known_slots(kind: type[Block]) -> tuple[tuple[str, Any], ...] | None:
    if not issubclass(kind, HeaderBlock) or not has_generated_constructor(kind):
        return None
    return tuple((field.name, getattr(kind, field.name)) for field in fields(kind))


SHARED_HEADS = HeadCache()
"""The cache that the functions use by default. It holds no session id and no token."""
SHARED_HEADS._keeps_secrets = False
