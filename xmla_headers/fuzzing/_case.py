"""Case, and what is known of it: the verdict on it, and what a naive reader makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xmla_headers.envelope import Header
    from xmla_headers.findings import Code
    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import Direction

__all__ = ["Behaviour", "Case", "Trap", "Verdict", "identifier_of"]


class Verdict(StrEnum):
    """What a parser should do with a message."""

    ACCEPT = "accept"
    REJECT = "reject"
    #: Deployed software disagrees, or it is this library that sets the limit.
    EITHER = "either"


class Behaviour(StrEnum):
    """What parsers are known to do wrong, by name."""

    FIRST_DUPLICATE = "first duplicate wins"
    LAST_DUPLICATE = "last duplicate wins"
    EVERY_DUPLICATE = "takes every duplicate"
    FIRST_ALTERNATIVE = "first session header wins"
    LAST_ALTERNATIVE = "last session header wins"
    ANY_DEPTH = "any depth"
    ANY_NAMESPACE = "any namespace"
    ANY_CASE = "any case"
    ANY_ATTRIBUTE_NAMESPACE = "attribute in any namespace"
    ANY_HEADER = "any Header"
    OUTSIDE_HEADER = "outside the Header"
    COMMENTS = "hits in comments"
    CDATA = "hits in CDATA"
    BODY = "hits in the Body"
    VALUES = "hits in attribute values"
    DTD = "believes a DTD"
    PREFIX_LITERAL = "prefix literal"
    DEFAULT_NAMESPACE_MISSED = "misses what has no prefix"
    DOUBLE_QUOTES_ONLY = "double quotes only"
    RAW_REFERENCES = "references not resolved"
    TRIMMED = "trims the id"


class Trap(NamedTuple):
    """How to tell by the ids that a parser gives for a message that it behaves in a known way."""

    behaviour: Behaviour
    #: Ids that are among those given.
    found: frozenset[str]
    #: Ids that are not.
    missed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A message, and what is to be said about it.

    `expected` and `header` hold for `iter_findings(data)` and `decode(data, deep=True)` with the `types`
    of `iter_cases`, and with `direction`.
    """

    #: Unique; never changes, and never stands for another message.
    name: str
    data: bytes
    #: Every code that iter_findings gives, warnings included.
    expected: frozenset[Code]
    #: What decode gives; None when it refuses the message.
    header: Header | None
    #: What is special about it.
    note: str
    #: The clause that it is about.
    reference: str
    #: What it is about in a word: a code, a way of writing, something that is easily confused.
    rule: str
    verdict: Verdict
    #: How known misbehaviour shows.
    traps: tuple[Trap, ...] = ()
    #: The direction that the message is read in.
    direction: Direction | None = None


def identifier_of(block: HeaderBlock) -> str | None:
    """Return the session id of a header block, None if its schema has none or it is left out."""
    for attribute in block.spec.attributes:
        if attribute.identifier:
            value: str | None = getattr(block, attribute.field)
            return value
    return None
