"""Strategies for reading arguments, and results of calls in a form whose comparison ignores nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from xmla_headers import (
    SESSION_BLOCKS,
    AttributeSpec,
    BlockSpec,
    Code,
    Direction,
    Envelope,
    Header,
    HeaderBlock,
    Limits,
    UnknownHeaderBlock,
    XmlaHeadersError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["TYPES", "Version", "facts", "limits", "outcome", "readings", "said"]


@dataclass(frozen=True, slots=True, repr=False)
class Version(HeaderBlock):
    """A header block of a caller: unbounded, with a required and an optional attribute."""

    spec = BlockSpec(
        namespace="http://schemas.microsoft.com/analysisservices/2003/engine/2",
        local_name="Version",
        attributes=(AttributeSpec("Sequence", "sequence", required=True), AttributeSpec("Note", "note")),
        max_occurs=None,
    )

    sequence: str
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Nowhere(HeaderBlock):
    """A header block in the namespace "None", which must not match an unbound prefix."""

    spec = BlockSpec(namespace="None", local_name="Session", directions=frozenset({Direction.REQUEST}))


_SESSION_QNAME = "{urn:schemas-microsoft-com:xml-analysis}Session"
TYPES: list[Mapping[str, type[HeaderBlock]]] = [
    SESSION_BLOCKS,
    {},
    {_SESSION_QNAME: SESSION_BLOCKS[_SESSION_QNAME]},
    {**SESSION_BLOCKS, Version.spec.qname: Version, Nowhere.spec.qname: Nowhere},
]

small = st.one_of(st.none(), st.integers(0, 6), st.integers(0, 600))
limits = st.one_of(
    st.just(Limits()),
    st.builds(Limits, small, small, small, small, small, small),
    # One limit at a time, because the first one that is exceeded would hide the others.
    st.sampled_from([field for field in Limits.__dataclass_fields__ if field != "max_token_bytes"]).flatmap(
        lambda name: st.builds(lambda value: Limits(**{name: value}), small)
    ),
)
_ENCODINGS = [
    None,
    "utf-8",
    "UTF-8",
    "utf8",
    "utf-16",
    "utf-16le",
    "iso-8859-1",
    "latin1",
    "us-ascii",
    "nope",
    "",
]
readings: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({}),
    # One argument at a time too, because any other value than the default uses the general path.
    st.fixed_dictionaries({"strict": st.booleans()}),
    st.fixed_dictionaries({"types": st.sampled_from(TYPES)}),
    st.fixed_dictionaries({"direction": st.sampled_from([None, *Direction])}),
    st.fixed_dictionaries({"encoding": st.sampled_from(_ENCODINGS)}),
    st.fixed_dictionaries({"limits": limits}),
    st.fixed_dictionaries(
        {},
        optional={
            "types": st.sampled_from(TYPES),
            "direction": st.sampled_from([None, *Direction]),
            "strict": st.booleans(),
            "refuse": st.frozensets(st.sampled_from(list(Code)), max_size=4),
            "encoding": st.sampled_from(_ENCODINGS),
            "limits": limits,
        },
    ),
)


def outcome(function: Callable[..., object], *arguments: object, **reading: Any) -> tuple[object, ...]:
    """Return the result of a call with all its fields, or the finding that it raises."""
    try:
        value = function(*arguments, **reading)
    except XmlaHeadersError as error:
        return type(error), error.finding
    return said(value)


def said(value: object) -> tuple[object, ...]:
    if isinstance(value, Envelope):
        body, warnings = value.body, value.warnings
        return (*said(value.header), value.soap, body.xml, dict(body.namespaces), len(body), warnings)
    if isinstance(value, Header):
        # == ignores the form of mustUnderstand and the names of unknown blocks.
        return value, *(facts(block) for block in value)
    return (value,)


def facts(block: HeaderBlock | UnknownHeaderBlock) -> tuple[object, ...]:
    if isinstance(block, UnknownHeaderBlock):
        return block.xml, block.qname, block.must_understand, block.actor
    return type(block), repr(block), block.must_understand_form, block.other_attributes
