"""Case: a message, the verdict on it, and how known mistakes of parsers show in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from xmla_headers.envelope import Header
from xmla_headers.findings import Code
from xmla_headers.model import HeaderBlock
from xmla_headers.soap import Direction

__all__ = ["Behaviour", "Case", "Pair", "Trap", "Verdict", "identifier_of", "pairs_of"]

Pair: TypeAlias = tuple[str, str | None]
"""The local name and the session id of a header block; None if it has no id."""


class Verdict(StrEnum):
    """The right reaction of a parser to a message."""

    ACCEPT = "accept"
    """Read it."""
    REJECT = "reject"
    """Refuse it: a specification forbids it."""
    EITHER = "either"
    """Both are right: deployed software disagrees, or only this library sets the limit."""


class Behaviour(StrEnum):
    """The known mistakes of parsers, by name."""

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


@dataclass(frozen=True, slots=True)
class Trap:
    """How the ids that a parser returns for a message show a known behaviour."""

    behaviour: Behaviour
    """The behaviour that shows."""
    found: frozenset[str]
    """Session ids that are among those returned."""
    missed: frozenset[str] = frozenset()
    """Session ids that are not."""


@dataclass(frozen=True, slots=True)
class Case:
    """A message and its labels.

    `expected` and `header` are what `iter_findings(data)` and `decode(data, deep=True)` give, with the
    `types` of `iter_cases` and with `direction`.

    >>> from xmla_headers import fuzzing
    >>> case = next(fuzzing.iter_cases())
    >>> case.name, case.verdict.value, case.header.session.session_id
    ('valid/plain/Session', 'accept', '5E55-1001')
    >>> case.pairs
    (('Session', '5E55-1001'),)
    """

    name: str
    """Unique. It never changes, and never names another message."""
    data: bytes
    """The message."""
    expected: frozenset[Code]
    """Every code that iter_findings gives, warnings included."""
    header: Header | None
    """The Header that decode gives; None when decode refuses the message."""
    note: str
    """The special property of the message, for people."""
    reference: str
    """The clause that the message is about."""
    rule: str
    """The topic of the message in a word: a code, a way of writing, a confusable."""
    verdict: Verdict
    """The right reaction of a parser."""
    traps: tuple[Trap, ...] = ()
    """How known behaviours show."""
    direction: Direction | None = None
    """The direction in which the message is read."""

    @property
    def pairs(self) -> tuple[Pair, ...] | None:
        """The result that `compare` expects of a parser for the message.

        It is a pair (local name, session id or None) for each header block that a schema declares, in
        document order; None if `decode` refuses the message.
        """
        return None if self.header is None else pairs_of(self.header)


def pairs_of(header: Header) -> tuple[Pair, ...]:
    """Return what a parser should return for a Header."""
    return tuple(
        (block.spec.local_name, identifier_of(block)) for block in header if isinstance(block, HeaderBlock)
    )


def identifier_of(block: HeaderBlock) -> str | None:
    """Return the session id of a header block, None if its schema has none or it is absent."""
    for attribute in block.spec.attributes:
        if attribute.identifier:
            value: str | None = getattr(block, attribute.field)
            return value
    return None
