"""Ways to break what SOAP says about Envelope, Header and Body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, SoapVersion

from ._case import Behaviour
from ._draft import SOAP, Block, Draft, Edit, Place, block_of, edit
from ._ways import ANYWHERE, Table, Way, make_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.model import HeaderBlock

    from ._ways import Given

__all__ = ["SKELETON"]

SKELETON = Table()


def _standing_alone(draft: Draft, kind: type[HeaderBlock]) -> tuple[str, str | None]:
    """Return a header block that declares all its namespaces itself, and its id."""
    block = block_of(make_value(kind, draft))
    return block.written(draft.pen, draft), block.session_id


# -- the root ------------------------------------------------------------------------------------------


def _block_as_root(kind: type[HeaderBlock]) -> Edit[Place]:
    """Return the edit that replaces the message by one header block."""

    def apply(draft: Draft, _: Place) -> None:
        text, sid = _standing_alone(draft, kind)
        draft.changes.append(lambda _: text.encode())
        draft.trap_id(Behaviour.OUTSIDE_HEADER, sid)

    return apply


@SKELETON.breaks(Code.NOT_AN_ENVELOPE)
def _not_an_envelope(given: Given) -> Iterator[Way]:
    # Ways become names of files, so their names differ in more than case.
    for way, name in (
        ("lower-case", "envelope"),
        ("upper-case", "ENVELOPE"),
        ("cut-short", "Envelop"),
        ("body", "Body"),
        ("fault", "Fault"),
        ("html", "html"),
    ):
        yield Way(way, f"the root element is {name}", edit(root_name=name))
    for kind in given.kinds:
        name = kind.spec.local_name
        yield Way(f"root-{name}", f"{name} without an Envelope", _block_as_root(kind))


@SKELETON.breaks(Code.WRONG_SOAP_NAMESPACE)
def _wrong_soap_namespace(_given: Given) -> Iterator[Way]:
    note = "Envelope in another namespace"
    yield Way("none", f"{note}: no namespace", edit(namespace="", prefix=""))
    for name, about, namespace in (
        ("unknown", "a namespace that is not SOAP's", "urn:example:soap"),
        ("https", "https instead of http", SOAP_11_NS.replace("http:", "https:")),
        ("no-slash", "the slash at the end is missing", SOAP_11_NS[:-1]),
        ("soap-1.2-slash", "SOAP 1.2 with a slash at the end", f"{SOAP_12_NS}/"),
        ("upper-case", "upper case: namespaces are compared character by character", SOAP_11_NS.upper()),
        ("space", "a space at the end", f"{SOAP_11_NS} "),
        ("encoding", "the namespace of the SOAP encoding", "http://schemas.xmlsoap.org/soap/encoding/"),
    ):
        yield Way(name, f"{note}: {about}", edit(namespace=namespace))


# -- Header and Body -----------------------------------------------------------------------------------


def _variants(
    given: Given,
    written: Callable[[Draft], list[tuple[str, str, str]]],
    around: Callable[[Draft, str], str],
    notes: tuple[str, str],
    change: Callable[[Draft, Place, str], object],
    behaviour: Behaviour,
    places: tuple[Place, ...],
    *,
    mixes: bool = False,
) -> Iterator[Way]:
    """Yield a way for each variant (name, note, text), and for each header block inside `around`.

    The texts depend on the draft: it chooses prefix and namespace. The two notes are about the change, and
    about a header block in it.
    """

    def variants(draft: Draft) -> list[tuple[str, str, str, str | None]]:
        made: list[tuple[str, str, str, str | None]] = [(*variant, None) for variant in written(draft)]
        for kind in given.kinds:
            text, sid = _standing_alone(draft, kind)
            made.append((kind.spec.local_name, notes[1] + kind.spec.local_name, around(draft, text), sid))
        return made

    def with_variant(index: int) -> Edit[Place]:
        def apply(draft: Draft, place: Place) -> None:
            _, _, text, sid = variants(draft)[index]
            change(draft, place, text)
            draft.trap_id(behaviour, sid)

        return apply

    # Names and notes are the same for each draft.
    for index, (name, about, _, _) in enumerate(variants(Draft(given.types))):
        yield Way(name, f"{notes[0]}: {about}", with_variant(index), places, mixes=mixes)


def _in(local: str) -> Callable[[Draft, str], str]:
    """Return what wraps text in a Header or Body."""
    return lambda draft, text: f"<{draft.qualified(local)}>{text}</{draft.qualified(local)}>"


def _headers(draft: Draft) -> list[tuple[str, str, str]]:
    name, namespace = draft.qualified("Header"), draft.soap.namespace
    return [
        ("empty", "empty", f"<{name}/>"),
        ("white-space", "white space only", f"<{name}> \n</{name}>"),
        ("comment", "a comment only", f"<{name}><!-- --></{name}>"),
        ("prefix", "under another prefix", f'<other:Header xmlns:other="{namespace}"/>'),
        ("no-prefix", "without a prefix", f'<Header xmlns="{namespace}"><a xmlns=""/></Header>'),
    ]


def _append_behind(draft: Draft, place: Place, text: str) -> None:
    """Add text after the Body; for the last place, a comment comes before it."""
    if place is Place.LAST:
        draft.behind.append("<!-- last -->")
    draft.behind.append(text)


def _header_behind(draft: Draft, place: Place, text: str) -> None:
    draft.header = None
    _append_behind(draft, place, text)


@SKELETON.breaks(Code.MISPLACED_HEADER)
def _misplaced_header(given: Given) -> Iterator[Way]:
    notes, places = ("the Header comes after the Body", "with a "), (Place.FIRST, Place.LAST)
    yield from _variants(given, _headers, _in("Header"), notes, _header_behind, Behaviour.ANY_HEADER, places)


def _second_header(draft: Draft, place: Place, text: str) -> None:
    (draft.between if place is Place.MIDDLE else draft.behind).append(text)


def _empty_header_in_front(draft: Draft, _: Place) -> None:
    draft.front.append(f"<{draft.qualified('Header')}/>")
    # Only the first Header is judged.
    draft.unjudged = True


@SKELETON.breaks(Code.DUPLICATE_HEADER)
def _duplicate_header(given: Given) -> Iterator[Way]:
    notes, places = ("a second Header", "with a "), (Place.MIDDLE, Place.LAST)
    yield from _variants(given, _headers, _in("Header"), notes, _second_header, Behaviour.ANY_HEADER, places)
    yield Way("in-front", "an empty Header before the other", _empty_header_in_front)


def _bodies(draft: Draft) -> list[tuple[str, str, str]]:
    name = draft.qualified("Body")
    return [
        ("empty", "empty", f"<{name}/>"),
        ("not-self-closing", "empty, with an end tag", f"<{name}></{name}>"),
        ("content", "with content", f'<{name}><a xmlns="urn:example:a"/></{name}>'),
        ("prefix", "under another prefix", f'<other:Body xmlns:other="{draft.soap.namespace}"/>'),
        ("two", "and a third", f"<{name}/><{name}/>"),
    ]


def _second_body(draft: Draft, place: Place, text: str) -> None:
    if place is Place.FIRST:
        draft.between.append(text)
    else:
        _append_behind(draft, place, text)


@SKELETON.breaks(Code.DUPLICATE_BODY)
def _duplicate_body(given: Given) -> Iterator[Way]:
    notes = ("a second Body", "with a ")
    yield from _variants(
        given, _bodies, _in("Body"), notes, _second_body, Behaviour.BODY, ANYWHERE, mixes=True
    )


def _self_closing(draft: Draft) -> None:
    draft.header = None
    draft.changes.append(lambda data: data.replace(f"></{draft.qualified('Envelope')}>".encode(), b"/>"))


def _instead(local: str, namespace: str) -> Callable[[Draft], None]:
    """Return what writes an element in place of the Body; "" stands for the namespace of the Envelope."""

    def apply(draft: Draft) -> None:
        draft.between.append(f'<w:{local} xmlns:w="{namespace or draft.soap.namespace}"/>')
        draft.codes.add(Code.UNEXPECTED_ELEMENT)

    return apply


def _in_header(draft: Draft) -> None:
    # Only its name is special; it is a header block like others.
    draft.insert(Place.LAST, Block(draft.soap.namespace, "Body", prefix="w"))


def _without_body(change: Callable[[Draft], object]) -> Edit[Place]:
    def apply(draft: Draft, _: Place) -> None:
        draft.body = None
        change(draft)

    return apply


@SKELETON.breaks(Code.MISSING_BODY)
def _missing_body(_given: Given) -> Iterator[Way]:
    for name, note, change in (
        ("header-only", "only a Header", lambda _: None),
        ("empty", "an empty Envelope", lambda draft: setattr(draft, "header", None)),
        ("self-closing", "an Envelope of one tag", _self_closing),
        ("comment", "a Body in a comment", lambda draft: draft.between.append("<!--<s:Body/>-->")),
        ("lower-case", "body instead of Body", _instead("body", "")),
        ("other-namespace", "a Body in another namespace", _instead("Body", "urn:example:w")),
        ("soap-1.2", "a Body of another version of SOAP", _instead("Body", SOAP_12_NS)),
        ("in-the-header", "the Body inside the Header", _in_header),
    ):
        yield Way(name, note, _without_body(change), (Place.LAST,))


def _elements(draft: Draft) -> list[tuple[str, str, str]]:
    soap = draft.soap.namespace
    return [
        ("foreign", "one of another namespace", '<w:a xmlns:w="urn:example:w"/>'),
        ("no-namespace", "one of no namespace", '<a xmlns=""/>'),
        ("fault", "a Fault", f'<w:Fault xmlns:w="{soap}"/>'),
        ("lower-case", "header instead of Header", f'<w:header xmlns:w="{soap}"/>'),
        ("other-header", "a Header of another namespace", '<Header xmlns="urn:example:w"/>'),
    ]


def _element_in_front(draft: Draft, place: Place, text: str) -> None:
    # It comes first, since a Body may be among the other parts.
    (draft.front if place is Place.FIRST else draft.between).insert(0, text)


@SKELETON.breaks(Code.UNEXPECTED_ELEMENT)
def _unexpected_element(given: Given) -> Iterator[Way]:
    notes, places = ("another child of Envelope before the Body", ""), (Place.FIRST, Place.MIDDLE)
    yield from _variants(
        given,
        _elements,
        lambda _, text: text,
        notes,
        _element_in_front,
        Behaviour.OUTSIDE_HEADER,
        places,
        mixes=True,
    )


@SKELETON.breaks(Code.ELEMENT_AFTER_BODY)
def _element_after_body(given: Given) -> Iterator[Way]:
    notes, places = ("another child of Envelope after the Body", ""), (Place.FIRST, Place.LAST)
    yield from _variants(
        given,
        _elements,
        lambda _, text: text,
        notes,
        _append_behind,
        Behaviour.OUTSIDE_HEADER,
        places,
        mixes=True,
    )


def _loose_text(text: str) -> Edit[Place]:
    def apply(draft: Draft, place: Place) -> None:
        if place is Place.MIDDLE:
            draft.insert(place, text)
        else:
            (draft.front if place is Place.FIRST else draft.behind).append(text)

    return apply


@SKELETON.breaks(Code.UNEXPECTED_TEXT)
def _unexpected_text(_given: Given) -> Iterator[Way]:
    for name, note, text in (
        ("letters", "letters", "text"),
        ("reference", "a reference to a letter", "&#65;"),
        ("cdata", "a CDATA section", "<![CDATA[text]]>"),
        ("no-break-space", "U+00A0, which is not white space in XML", "\xa0"),
        ("zero-width-space", "U+200B, which is invisible", "\u200b"),
        ("next-line", "U+0085, which is no line end in XML 1.0", "\x85"),
        ("escaped-tag", "an escaped tag", "&lt;a/>"),
        ("semicolon", "a semicolon, left over from a template", ";"),
    ):
        yield Way(name, f"text between elements: {note}", _loose_text(text), ANYWHERE, mixes=True)


# -- warnings ------------------------------------------------------------------------------------------


def _envelope_attribute(name: str, value: str) -> Edit[Place]:
    def apply(draft: Draft, place: Place) -> None:
        attributes = [(f"{draft.prefix}:encodingStyle", ""), ("xml:lang", "en")]
        attributes.insert(ANYWHERE.index(place), (name, value))
        draft.envelope_attributes += attributes

    return apply


@SKELETON.breaks(Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE)
def _unqualified_envelope_attribute(_given: Given) -> Iterator[Way]:
    for name, value in (
        ("id", "a"),
        ("version", "1.1"),
        ("encodingStyle", ""),
        ("mustUnderstand", "1"),
        ("SessionId", "5E55-99"),
        ("XMLNS", "urn:example:w"),
    ):
        note = f"{name} on the Envelope, in no namespace"
        yield Way(name, note, _envelope_attribute(name, value), ANYWHERE)


def _marked(name: str, value: str) -> Edit[Place]:
    """Return the edit that adds a block with an attribute of SOAP 1.2."""

    def apply(draft: Draft, _: Place) -> None:
        draft.soap = SoapVersion.SOAP_1_2
        draft.insert(Place.LAST, Block("urn:example:w", "a", [(SOAP, name, value)], prefix="w"))

    return apply


@SKELETON.breaks(Code.SOAP_1_2)
def _soap_1_2(_given: Given) -> Iterator[Way]:
    version = SoapVersion.SOAP_1_2
    for name, note, change in (
        ("plain", "otherwise as in SOAP 1.1", edit(soap=version)),
        ("default-namespace", "without a prefix", edit(soap=version, prefix="")),
        ("no-header", "without a Header", edit(soap=version, header=None)),
        ("true", "mustUnderstand true, which SOAP 1.1 does not have", _marked("mustUnderstand", "true")),
        ("false", "mustUnderstand false", _marked("mustUnderstand", " false ")),
        ("role", "a role, which was actor in SOAP 1.1", _marked("actor", f"{SOAP_12_NS}/role/next")),
    ):
        yield Way(name, f"a SOAP 1.2 envelope, {note}", change)
