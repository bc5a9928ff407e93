"""What looks like a session header to a reader that does not look closely, and is none."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ._case import Behaviour, identifier_of
from ._draft import Block, Place, block_of, unknown_block
from ._ways import make_value
from ._writing import Pen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from xmla_headers.model import HeaderBlock

    from ._draft import Draft
    from ._ways import Given

    Confuse: TypeAlias = Callable[[Draft, type[HeaderBlock]], None]

__all__ = ["Confusable", "confusables"]


class Confusable(NamedTuple):
    """One thing that is easily confused with a session header."""

    name: str
    note: str
    reference: str
    change: Confuse


def _decoy(draft: Draft, kind: type[HeaderBlock], behaviour: Behaviour) -> str:
    """Return a header block that is whole by itself, and say what it means if its id is found."""
    value = make_value(kind, draft)
    sid = identifier_of(value)
    if sid is not None:
        draft.trap(behaviour, {sid})
    return block_of(value).written(draft.pen, draft)


def _in_body(form: str, behaviour: Behaviour) -> Confuse:
    """Return what puts it into the Body, in a form with a hole for it; `s:` stands for SOAP."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        draft.body = form.replace("s:", draft.qualified("")).format(_decoy(draft, kind, behaviour))

    return apply


def _in_header(form: str, behaviour: Behaviour) -> Confuse:
    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        draft.insert(Place.LAST, form.format(_decoy(draft, kind, behaviour)))

    return apply


def _in_block(form: str, behaviour: Behaviour, *, genuine: Place | None = None) -> Confuse:
    """Return what puts it into another header block, with a genuine one in front of it or behind it."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        content = form.format(_decoy(draft, kind, behaviour))
        draft.insert(Place.LAST, Block("urn:example:w", "Wrapper", prefix="w", content=content))
        if genuine is not None:
            draft.insert(genuine, block_of(make_value(kind, draft)))

    return apply


def _in_value(draft: Draft, kind: type[HeaderBlock]) -> None:
    text = _decoy(draft, kind, Behaviour.VALUES)
    # In single quotes, so that the double ones in it stand as they are.
    draft.pen = Pen(replace(draft.pen.style, quotes=("'",)), draft.pen.choices)
    draft.insert(Place.LAST, Block("urn:example:w", "a", [("", "Note", text)], prefix="w"))


def _around(part: str) -> Confuse:
    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        text = f"<!-- {_decoy(draft, kind, Behaviour.COMMENTS)} -->"
        setattr(draft, part, text)

    return apply


def _between(part: str) -> Confuse:
    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        getattr(draft, part).append(f"<!-- {_decoy(draft, kind, Behaviour.COMMENTS)} -->")

    return apply


def _rebound(given: Given) -> Confuse:
    """Return what binds the prefix of a block to something else, between the Envelope and the block."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        value = make_value(kind, draft)
        draft.declares["XA"] = kind.spec.namespace
        draft.header_attributes.append(("xmlns:XA", "urn:example:between"))
        attributes = block_of(value).attributes
        block = unknown_block(
            given.types, "urn:example:between", kind.spec.local_name, prefix="XA", attributes=attributes
        )
        draft.insert(Place.LAST, block)
        _notice(draft, value)

    return apply


def _default_rebound(given: Given) -> Confuse:
    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        value = make_value(kind, draft)
        draft.declares[""] = kind.spec.namespace
        draft.header_attributes.append(("xmlns", "urn:example:between"))
        attributes = block_of(value).attributes
        block = unknown_block(given.types, "urn:example:between", kind.spec.local_name, attributes=attributes)
        draft.insert(Place.LAST, block)
        _notice(draft, value)

    return apply


def _notice(draft: Draft, value: HeaderBlock) -> None:
    sid = identifier_of(value)
    if sid is not None:
        draft.trap(Behaviour.ANY_NAMESPACE, {sid})


def _longer(given: Given) -> Confuse:
    """Return what puts in an element whose name begins, or ends, with the one that is looked for."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        spec = kind.spec
        for local in (f"{spec.local_name}s", f"My{spec.local_name}"):
            if f"{{{spec.namespace}}}{local}" not in given.types:
                attributes = block_of(make_value(kind, draft)).attributes
                draft.insert(
                    Place.LAST, unknown_block(given.types, spec.namespace, local, attributes=attributes)
                )

    return apply


def confusables(given: Given) -> Iterator[Confusable]:
    """Yield what is put into a message that has no header block which a schema declares."""
    name, text = "Namespaces in XML 1.0 §6", "XML 1.0 §2.5"
    for way, note, reference, change in (
        ("in-the-body", "in the Body", "SOAP 1.1 §4.3", _in_body("{}", Behaviour.BODY)),
        (
            "in-a-command",
            "inside a command in the Body",
            "SOAP 1.1 §4.3",
            _in_body("<a><b>{}</b></a>", Behaviour.BODY),
        ),
        (
            "header-in-the-body",
            "in a Header in the Body",
            "SOAP 1.1 §4.2",
            _in_body("<s:Header>{}</s:Header>", Behaviour.BODY),
        ),
        (
            "envelope-in-the-body",
            "in an Envelope in the Body",
            "SOAP 1.1 §4",
            _in_body("<s:Envelope><s:Header>{}</s:Header><s:Body/></s:Envelope>", Behaviour.BODY),
        ),
        (
            "comment-in-the-body",
            "in a comment in the Body",
            text,
            _in_body("<!-- {} -->", Behaviour.COMMENTS),
        ),
        (
            "cdata-in-the-body",
            "in CDATA in the Body",
            "XML 1.0 §2.7",
            _in_body("<a><![CDATA[{}]]></a>", Behaviour.CDATA),
        ),
        (
            "comment-in-the-header",
            "in a comment in the Header",
            text,
            _in_header("<!-- {} -->", Behaviour.COMMENTS),
        ),
        ("comment-in-front", "in a comment in front of the Envelope", text, _around("prolog")),
        ("comment-at-the-end", "in a comment behind the Envelope", text, _around("epilog")),
        ("comment-in-front-of-the-header", "in a comment in front of the Header", text, _between("front")),
        ("comment-in-front-of-the-body", "in a comment in front of the Body", text, _between("between")),
        ("comment-behind-the-body", "in a comment behind the Body", text, _between("behind")),
        ("in-a-block", "inside another header block", "SOAP 1.1 §4.2", _in_block("{}", Behaviour.ANY_DEPTH)),
        (
            "deep-in-a-block",
            "deep inside another header block",
            "SOAP 1.1 §4.2",
            _in_block("<a><b>{}</b></a>", Behaviour.ANY_DEPTH),
        ),
        (
            "in-a-block-before",
            "inside another header block, in front of the one that counts",
            "SOAP 1.1 §4.2",
            _in_block("{}", Behaviour.ANY_DEPTH, genuine=Place.LAST),
        ),
        (
            "in-a-block-behind",
            "inside another header block, behind the one that counts",
            "SOAP 1.1 §4.2",
            _in_block("{}", Behaviour.ANY_DEPTH, genuine=Place.FIRST),
        ),
        (
            "comment-in-a-block",
            "in a comment inside another header block",
            text,
            _in_block("<!-- {} -->", Behaviour.COMMENTS),
        ),
        (
            "cdata-in-a-block",
            "in CDATA inside another header block",
            "XML 1.0 §2.7",
            _in_block("<![CDATA[{}]]>", Behaviour.CDATA),
        ),
        ("value-of-a-block", "in a value of another header block", "XML 1.0 §3.1", _in_value),
        ("prefix-rebound", "under a prefix that the Header binds to something else", name, _rebound(given)),
        ("default-rebound", "in a default namespace that the Header changes", name, _default_rebound(given)),
        ("longer-names", "names that begin or end alike", name, _longer(given)),
    ):
        yield Confusable(way, note, reference, change)
