"""Ways to break a rule, and the registry of them: one function a code."""

# To add the ways to break a new code:
# 1. a function under @ways_to_break(Code.…) that yields five or more, in the module that its rule belongs to;
# 2. python -m tests.vectors, which adds some of them to the vectors that are kept.
# A code that no message breaks goes into NOT_ABOUT_BYTES.

from __future__ import annotations

from typing import NamedTuple

from xmla_headers.findings import Code

from ._draft import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import Direction

    from ._draft import Draft

    Change: TypeAlias = Callable[[Draft, Place], None]
    Breaker: TypeAlias = Callable[["Given"], Iterator["Way"]]

__all__ = ["ANYWHERE", "NOT_ABOUT_BYTES", "WAYS", "Given", "Way", "make_value", "ways_to_break"]

#: Codes that no message breaks: those about values, about more than one message, and of a schema given.
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

    types: Mapping[str, type[HeaderBlock]]
    direction: Direction | None

    @property
    def kinds(self) -> tuple[type[HeaderBlock], ...]:
        """The header blocks, those first that have more to get wrong."""
        return tuple(sorted(self.types.values(), key=lambda kind: -len(kind.spec.attributes)))


class Way(NamedTuple):
    """One way to break a rule."""

    name: str
    note: str
    change: Change
    #: Where it can be done; the Envelope has one root, and a message one beginning.
    places: tuple[Place, ...] = (Place.FIRST,)
    #: Refused by choice of this library: others may well read it.
    ours: bool = False
    #: It can be done to a message that breaks other rules as well, with nothing lost of either.
    mixes: bool = False


#: How each code is broken, in the order of definition. A code about bytes that is missing here, and in
#: NOT_ABOUT_BYTES, fails a test.
WAYS: dict[Code, Breaker] = {}


def ways_to_break(code: Code) -> Callable[[Breaker], Breaker]:
    """Register the function that yields the ways to break a code."""

    def register(breaker: Breaker) -> Breaker:
        WAYS[code] = breaker
        return breaker

    return register


def make_value(kind: type[HeaderBlock], draft: Draft, **fields: object) -> HeaderBlock:
    """Return a header block whose attributes all have a value, ids that are new in the message."""
    for attribute in kind.spec.attributes:
        if attribute.field not in fields:
            fields[attribute.field] = draft.sid()
    return kind(**fields)  # type: ignore[arg-type]
