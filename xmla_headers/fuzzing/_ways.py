"""The registry: one function for each code, which yields the ways to break its rule."""

# To add a code about bytes, write one function under @ways_to_break(Code.…) that yields five ways or more,
# in the module that its rule belongs to. A code about session ids is one row of ID_RULES in _ids.py instead.
# Then run `python -m tests.vectors`, which adds some of the messages to the vectors that are kept.
# A code that no message can break is one row of NOT_ABOUT_BYTES.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xmla_headers.findings import Code
from xmla_headers.model import HeaderBlock
from xmla_headers.soap import Direction
from xmla_headers.typing import BlockTypes

from ._draft import Draft, Edit, Place

if TYPE_CHECKING:
    from typing import Any

__all__ = ["ANYWHERE", "NOT_ABOUT_BYTES", "WAYS", "Given", "Way", "make_value", "ways_to_break"]

# Codes about values, about more than one message, or about a schema that the caller gives.
NOT_ABOUT_BYTES = frozenset(
    {
        Code.SCHEMA_VIOLATION,
        Code.UNENCODABLE_TEXT,
        Code.BAD_FRAGMENT,
        Code.SESSION_NOT_GRANTED,
        Code.SESSION_ID_CHANGED,
        Code.UNKNOWN_SESSION,
        Code.SESSION_USED_AFTER_END,
        Code.SESSION_NEVER_ENDED,
        Code.RESPONSE_WITHOUT_REQUEST,
        Code.REQUEST_WITHOUT_RESPONSE,
        Code.UNEXPECTED_SESSION,
        Code.SESSION_LOST,
        Code.BROKEN_CAPTURE,
    }
)

ANYWHERE = (Place.FIRST, Place.MIDDLE, Place.LAST)


class Given(NamedTuple):
    """What the cases are made for."""

    types: BlockTypes
    direction: Direction | None

    @property
    def kinds(self) -> tuple[type[HeaderBlock], ...]:
        """The classes of header blocks; those with more attributes come first."""
        return tuple(sorted(self.types.values(), key=lambda kind: -len(kind.spec.attributes)))


class Way(NamedTuple):
    """One way to break a rule."""

    name: str
    note: str
    change: Edit[Place]
    # The places where it can be done. The Envelope has one root, and a message has one beginning.
    places: tuple[Place, ...] = (Place.FIRST,)
    # Only this library refuses the message; others may read it.
    ours: bool = False
    # It can be combined with other broken rules, and all of them are still found.
    mixes: bool = False


Breaker: TypeAlias = Callable[[Given], Iterator[Way]]

# The ways of each code, in the order of definition. A test fails for a code that is missing both here and
# in NOT_ABOUT_BYTES.
WAYS: dict[Code, Breaker] = {}


def ways_to_break(code: Code) -> Callable[[Breaker], Breaker]:
    """Register the function that yields the ways to break the rule of a code."""

    def register(breaker: Breaker) -> Breaker:
        WAYS[code] = breaker
        return breaker

    return register


def make_value(kind: type[HeaderBlock], draft: Draft, **fields: Any) -> HeaderBlock:
    """Return a header block with a value in every attribute; its ids are new in the message."""
    for attribute in kind.spec.attributes:
        if attribute.field not in fields:
            fields[attribute.field] = draft.sid()
    return kind(**fields)
