"""Way and Table: the ways to break a rule, and tables with one function for each code."""

# To add a code about session ids, add a row to ID_RULES in _ids.py. For another code about bytes, write one
# function under @TABLE.breaks(Code.…) that yields five ways or more, in the module of the right table.
# Then run `python -m tests.vectors`, which adds some of the messages to the vectors that are kept.
# A code that no message can break is one row of NOT_ABOUT_BYTES.

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xmla_headers.findings import Code
from xmla_headers.model import TEXT, HeaderBlock
from xmla_headers.simple_types import SimpleType
from xmla_headers.soap import Direction
from xmla_headers.typing import BlockTypes

from ._draft import Draft, Edit, Place
from ._simple_values import examples

if TYPE_CHECKING:
    from typing import Any

    from xmla_headers.model import AttributeSpec
    from xmla_headers.simple_types import SimpleValue

__all__ = [
    "ANYWHERE",
    "NEEDS_TYPES",
    "NOT_ABOUT_BYTES",
    "Given",
    "Table",
    "Way",
    "attribute_values",
    "content_values",
    "make_value",
]

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
        Code.CONTENT_TYPE_MISMATCH,
        Code.SOAP_ACTION_MISMATCH,
        Code.CHARSET_CONFLICT,
        Code.SESSION_FIELD_MISMATCH,
        Code.NOT_AUTHENTICATED,
        Code.INCOMPLETE_ANSWER,
        Code.BROKEN_CAPTURE,
        Code.UNSUPPORTED_FORMAT,
    }
)

# Codes that a message can have only if `types` declares values other than text.
NEEDS_TYPES = frozenset({Code.INVALID_VALUE})

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
            fields[attribute.field] = attribute_values(attribute, [draft.sid()])[0]
    fields = content_values(kind, lambda values: values[0]) | fields
    return kind(**fields)


def attribute_values(attribute: AttributeSpec, texts: Sequence[str]) -> Sequence[SimpleValue]:
    """Return values for an attribute, the plainest first; `texts` are those of an untyped one."""
    if attribute.fixed is not None:
        return (attribute.fixed,)
    return texts if attribute.type is None else examples(attribute.type)


def content_values(
    kind: type[HeaderBlock], pick: Callable[[Sequence[SimpleValue]], SimpleValue]
) -> dict[str, Any]:
    """Return values for the text and the child elements of a header block, as chosen by `pick`."""
    spec = kind.spec
    fields: dict[str, Any] = {}
    if spec.text is not None:
        fields[TEXT] = pick(examples(spec.text))
    for child in spec.children:
        count = max(child.min_occurs, min(2, child.max_occurs or 2))
        fields[child.field] = tuple(pick(examples(child.type or SimpleType())) for _ in range(count))
    return fields
