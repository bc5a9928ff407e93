"""Way and Table: the ways to break a rule, and tables with one function for each code."""

# To add a code about session ids, add a row to ID_RULES in _ids.py. For another code about bytes, write one
# function under @TABLE.breaks(Code.…) that yields five ways or more, in the module of the right table.
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

__all__ = ["ANYWHERE", "NOT_ABOUT_BYTES", "Given", "Table", "Way", "make_value"]

# Codes about values, about more than one message, or about a schema that the caller gives.
NOT_ABOUT_BYTES = frozenset(
    {
        Code.SCHEMA_VIOLATION,
        Code.UNENCODABLE_TEXT,
        Code.BAD_FRAGMENT,
        Code.SOAP_FAULT,
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
    """The types and the direction of the cases."""

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


class Table(dict[Code, Breaker]):
    """The function of each code that yields the ways to break its rule."""

    def breaks(self, code: Code) -> Callable[[Breaker], Breaker]:
        """Add the decorated function as that of a code."""

        def add(breaker: Breaker) -> Breaker:
            self[code] = breaker
            return breaker

        return add


def make_value(kind: type[HeaderBlock], draft: Draft, **fields: Any) -> HeaderBlock:
    """Return a header block with a value in every attribute; its ids are new in the message."""
    for attribute in kind.spec.attributes:
        if attribute.field not in fields:
            fields[attribute.field] = draft.sid()
    return kind(**fields)
