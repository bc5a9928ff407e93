"""Confusables: parts that a careless reader takes for a session header, although they are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ._case import Behaviour
from ._draft import Block, Draft, Edit, Place, block_of, clark, unknown_block
from ._ways import make_value
from ._writing import Pen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.model import HeaderBlock

    from ._ways import Given

__all__ = ["Confusable", "confusables"]


class Confusable(NamedTuple):
    """One part that is easily confused with a session header."""

    name: str
    note: str
    reference: str
    # Takes the draft and the class of the header block that the part looks like.
    change: Edit[type[HeaderBlock]]


def _decoy(draft: Draft, kind: type[HeaderBlock], behaviour: Behaviour) -> str:
    """Return a complete header block, and add a trap: its id shows this behaviour."""
    block = block_of(make_value(kind, draft))
    draft.trap_id(behaviour, block.session_id)
    return block.written(draft.pen, draft)


def _placed(
    insert: Callable[[Draft, str], object], form: str, behaviour: Behaviour
) -> Edit[type[HeaderBlock]]:
    """Return the edit that inserts a decoy in a form with a hole for it; `s:` stands for SOAP."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        written = form.replace("s:", draft.qualified(""))
        insert(draft, written.format(_decoy(draft, kind, behaviour)))

    return apply


def _in_body(form: str, behaviour: Behaviour) -> Edit[type[HeaderBlock]]:
    return _placed(lambda draft, text: setattr(draft, "body", text), form, behaviour)


def _comment(insert: Callable[[Draft, str], object]) -> Edit[type[HeaderBlock]]:
    return _placed(insert, "<!-- {} -->", Behaviour.COMMENTS)


def _in_block(form: str, behaviour: Behaviour, *, genuine: Place | None = None) -> Edit[type[HeaderBlock]]:
    """Return the edit that inserts a decoy in another header block, and a genuine block beside that."""

    def wrapped(draft: Draft, content: str) -> None:
        draft.insert(Place.LAST, Block("urn:example:w", "Wrapper", prefix="w", content=content))

    inserting = _placed(wrapped, form, behaviour)

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        inserting(draft, kind)
        if genuine is not None:
            draft.insert(genuine, block_of(make_value(kind, draft)))

    return apply


def _in_value(draft: Draft, kind: type[HeaderBlock]) -> None:
    text = _decoy(draft, kind, Behaviour.VALUES)
    # In single quotes, so that the double quotes inside need no reference.
    draft.pen = Pen(replace(draft.pen.style, quotes=("'",)), draft.pen.choices)
    draft.insert(Place.LAST, Block("urn:example:w", "a", [("", "Note", text)], prefix="w"))


def _rebound(given: Given, prefix: str) -> Edit[type[HeaderBlock]]:
    """Return the edit that binds a prefix on the Envelope, and to something else on the Header."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        if not kind.spec.namespace:
            # It cannot have a prefix.
            return
        genuine, between = block_of(make_value(kind, draft)), "urn:example:between"
        draft.declares[prefix] = kind.spec.namespace
        draft.header_attributes.append((f"xmlns:{prefix}" if prefix else "xmlns", between))
        local, attributes = kind.spec.local_name, genuine.attributes
        block = unknown_block(given.types, between, local, prefix=prefix, attributes=attributes)
        draft.insert(Place.LAST, block)
        draft.trap_id(Behaviour.ANY_NAMESPACE, genuine.session_id)

    return apply


def _longer(given: Given) -> Edit[type[HeaderBlock]]:
    """Return the edit that inserts elements whose name begins or ends with that of a header block."""

    def apply(draft: Draft, kind: type[HeaderBlock]) -> None:
        spec = kind.spec
        for local in (f"{spec.local_name}s", f"My{spec.local_name}"):
            if clark(spec.namespace, local) not in given.types:
                attributes = block_of(make_value(kind, draft)).attributes
                block = unknown_block(given.types, spec.namespace, local, attributes=attributes)
                draft.insert(Place.LAST, block)

    return apply


def confusables(given: Given) -> Iterator[Confusable]:
    """Yield the confusables; each is inserted into a message without a declared header block."""
    header, body, text = "SOAP 1.1 §4.2", "SOAP 1.1 §4.3", "XML 1.0 §2.5"
    name, cdata = "Namespaces in XML 1.0 §6", "XML 1.0 §2.7"
    in_body, depth = Behaviour.BODY, Behaviour.ANY_DEPTH
    inner = "<s:Envelope><s:Header>{}</s:Header><s:Body/></s:Envelope>"
    for way, note, reference, change in (
        ("in-the-body", "in the Body", body, _in_body("{}", in_body)),
        ("in-a-command", "inside a command in the Body", body, _in_body("<a><b>{}</b></a>", in_body)),
        (
            "header-in-the-body",
            "in a Header in the Body",
            header,
            _in_body("<s:Header>{}</s:Header>", in_body),
        ),
        ("envelope-in-the-body", "in an Envelope in the Body", "SOAP 1.1 §4", _in_body(inner, in_body)),
        (
            "comment-in-the-body",
            "in a comment in the Body",
            text,
            _in_body("<!-- {} -->", Behaviour.COMMENTS),
        ),
        (
            "cdata-in-the-body",
            "in CDATA in the Body",
            cdata,
            _in_body("<a><![CDATA[{}]]></a>", Behaviour.CDATA),
        ),
        (
            "comment-in-the-header",
            "in a comment in the Header",
            text,
            _comment(lambda draft, part: draft.insert(Place.LAST, part)),
        ),
        (
            "comment-in-front",
            "in a comment before the Envelope",
            text,
            _comment(lambda draft, part: setattr(draft, "prolog", part)),
        ),
        (
            "comment-at-the-end",
            "in a comment after the Envelope",
            text,
            _comment(lambda draft, part: setattr(draft, "epilog", part)),
        ),
        (
            "comment-in-front-of-the-header",
            "in a comment before the Header",
            text,
            _comment(lambda draft, part: draft.front.append(part)),
        ),
        (
            "comment-in-front-of-the-body",
            "in a comment before the Body",
            text,
            _comment(lambda draft, part: draft.between.append(part)),
        ),
        (
            "comment-behind-the-body",
            "in a comment after the Body",
            text,
            _comment(lambda draft, part: draft.behind.append(part)),
        ),
        ("in-a-block", "inside another header block", header, _in_block("{}", depth)),
        (
            "deep-in-a-block",
            "deep inside another header block",
            header,
            _in_block("<a><b>{}</b></a>", depth),
        ),
        (
            "in-a-block-before",
            "inside another header block, before the one that counts",
            header,
            _in_block("{}", depth, genuine=Place.LAST),
        ),
        (
            "in-a-block-behind",
            "inside another header block, after the one that counts",
            header,
            _in_block("{}", depth, genuine=Place.FIRST),
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
            cdata,
            _in_block("<![CDATA[{}]]>", Behaviour.CDATA),
        ),
        ("value-of-a-block", "in a value of another header block", "XML 1.0 §3.1", _in_value),
        (
            "prefix-rebound",
            "under a prefix that the Header binds to something else",
            name,
            _rebound(given, "XA"),
        ),
        ("default-rebound", "in a default namespace that the Header changes", name, _rebound(given, "")),
        ("longer-names", "names with the same beginning or end", name, _longer(given)),
    ):
        yield Confusable(way, note, reference, change)
