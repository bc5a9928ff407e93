"""Ways to break what SOAP says about Envelope, Header and Body."""

from __future__ import annotations

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, SoapVersion

from ._case import Behaviour, identifier_of
from ._draft import SOAP, Block, Draft, Place, block_of
from ._ways import ANYWHERE, Way, make_value, ways_to_break

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.model import HeaderBlock

    from ._ways import Change, Given

__all__ = ["SKELETON"]

#: What the ways of this module are about, in catalogue order.
SKELETON = (
    Code.NOT_AN_ENVELOPE,
    Code.WRONG_SOAP_NAMESPACE,
    Code.MISPLACED_HEADER,
    Code.DUPLICATE_HEADER,
    Code.DUPLICATE_BODY,
    Code.MISSING_BODY,
    Code.UNEXPECTED_ELEMENT,
    Code.ELEMENT_AFTER_BODY,
    Code.UNEXPECTED_TEXT,
    Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE,
    Code.SOAP_1_2,
)


def _standing_alone(draft: Draft, kind: type[HeaderBlock], prefix: str = "") -> tuple[str, str | None]:
    """Return a header block that declares all its namespaces itself, and its id."""
    value = make_value(kind, draft)
    return block_of(value, prefix=prefix).written(draft.pen, draft), identifier_of(value)


# -- the root ------------------------------------------------------------------------------------------


def _root(name: str) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.root_name = name
        draft.codes.add(Code.NOT_AN_ENVELOPE)

    return apply


def _block_as_root(kind: type[HeaderBlock]) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        text, sid = _standing_alone(draft, kind)
        draft.codes.add(Code.NOT_AN_ENVELOPE)
        draft.changes.append(lambda _: text.encode())
        if sid is not None:
            draft.trap(Behaviour.OUTSIDE_HEADER, {sid})

    return apply


@ways_to_break(Code.NOT_AN_ENVELOPE)
def _not_an_envelope(given: Given) -> Iterator[Way]:
    # Names of ways differ by more than case: they become names of files.
    for way, name in (
        ("lower-case", "envelope"),
        ("upper-case", "ENVELOPE"),
        ("cut-short", "Envelop"),
        ("body", "Body"),
        ("fault", "Fault"),
        ("html", "html"),
    ):
        yield Way(way, f"the root element is {name}", _root(name))
    for kind in given.kinds:
        name = kind.spec.local_name
        yield Way(f"root-{name}", f"{name} without an Envelope", _block_as_root(kind))


_WRONG_NAMESPACES = (
    ("none", "no namespace", ""),
    ("unknown", "a namespace that is not SOAP's", "urn:example:soap"),
    ("https", "https instead of http", SOAP_11_NS.replace("http:", "https:")),
    ("no-slash", "the slash at the end is missing", SOAP_11_NS[:-1]),
    ("soap-1.2-slash", "SOAP 1.2 with a slash at the end", f"{SOAP_12_NS}/"),
    ("upper-case", "upper case: namespaces are compared character by character", SOAP_11_NS.upper()),
    ("space", "a space at the end", f"{SOAP_11_NS} "),
    ("encoding", "the namespace of the SOAP encoding", "http://schemas.xmlsoap.org/soap/encoding/"),
)


def _in_namespace(namespace: str) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.namespace = namespace
        draft.codes.add(Code.WRONG_SOAP_NAMESPACE)
        if not namespace:
            draft.prefix = ""

    return apply


@ways_to_break(Code.WRONG_SOAP_NAMESPACE)
def _wrong_soap_namespace(_given: Given) -> Iterator[Way]:
    for name, note, namespace in _WRONG_NAMESPACES:
        yield Way(name, f"Envelope in another namespace: {note}", _in_namespace(namespace))


# -- Header and Body -----------------------------------------------------------------------------------


def _headers(draft: Draft, given: Given) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Yield name, note, text and ids of Headers in a namespace that the Envelope has declared."""
    name = draft.qualified("Header")
    yield "empty", "empty", f"<{name}/>", frozenset()
    yield "white-space", "white space only", f"<{name}> \n</{name}>", frozenset()
    yield "comment", "a comment only", f"<{name}><!-- --></{name}>", frozenset()
    other = f'<other:Header xmlns:other="{draft.soap.namespace}"/>'
    yield "prefix", "under another prefix", other, frozenset()
    default = f'<Header xmlns="{draft.soap.namespace}"><a xmlns=""/></Header>'
    yield "no-prefix", "without a prefix", default, frozenset()
    for kind in given.kinds:
        text, sid = _standing_alone(draft, kind)
        ids = frozenset(() if sid is None else (sid,))
        yield kind.spec.local_name, f"with a {kind.spec.local_name}", f"<{name}>{text}</{name}>", ids


def _named(
    given: Given,
    variants: Callable[[Draft, Given], Iterator[tuple[str, str, str, frozenset[str]]]],
    note: str,
    change: Callable[[Draft, Place, str, frozenset[str]], None],
    places: tuple[Place, ...],
    *,
    mixes: bool = False,
) -> Iterator[Way]:
    """Yield a way for each of the variants, which depend on the message that they are put into."""

    def made(wanted: str) -> Change:
        def apply(draft: Draft, place: Place) -> None:
            for name, _, text, ids in variants(draft, given):
                if name == wanted:
                    change(draft, place, text, ids)

        return apply

    # Names and notes are the same for each message.
    for name, about, _, _ in variants(Draft(given.types), given):
        yield Way(name, f"{note}: {about}", made(name), places, mixes=mixes)


def _header_behind(draft: Draft, place: Place, text: str, ids: frozenset[str]) -> None:
    draft.header = None
    draft.behind.insert(0 if place is Place.FIRST else len(draft.behind), text)
    if place is Place.LAST:
        draft.behind.insert(-1, "<!-- last -->")
    draft.codes.add(Code.MISPLACED_HEADER)
    if ids:
        draft.trap(Behaviour.ANY_HEADER, ids)


@ways_to_break(Code.MISPLACED_HEADER)
def _misplaced_header(given: Given) -> Iterator[Way]:
    note = "the Header comes behind the Body"
    yield from _named(given, _headers, note, _header_behind, (Place.FIRST, Place.LAST))


def _second_header(draft: Draft, place: Place, text: str, ids: frozenset[str]) -> None:
    {Place.FIRST: draft.front, Place.MIDDLE: draft.between, Place.LAST: draft.behind}[place].append(text)
    draft.codes.add(Code.DUPLICATE_HEADER)
    if place is Place.FIRST:
        # Only the first one is looked into.
        draft.unjudged = True
    if ids:
        draft.trap(Behaviour.ANY_HEADER, ids)


@ways_to_break(Code.DUPLICATE_HEADER)
def _duplicate_header(given: Given) -> Iterator[Way]:
    yield from _named(given, _headers, "a second Header", _second_header, (Place.MIDDLE, Place.LAST))
    yield Way("in-front", "an empty Header in front of the other", _empty_header_in_front)


def _empty_header_in_front(draft: Draft, place: Place) -> None:
    _second_header(draft, place, f"<{draft.qualified('Header')}/>", frozenset())


def _bodies(draft: Draft, given: Given) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    name = draft.qualified("Body")
    yield "empty", "empty", f"<{name}/>", frozenset()
    yield "not-self-closing", "empty, with an end tag", f"<{name}></{name}>", frozenset()
    yield "content", "with content", f'<{name}><a xmlns="urn:example:a"/></{name}>', frozenset()
    other = f'<other:Body xmlns:other="{draft.soap.namespace}"/>'
    yield "prefix", "under another prefix", other, frozenset()
    yield "two", "and a third", f"<{name}/><{name}/>", frozenset()
    for kind in given.kinds:
        text, sid = _standing_alone(draft, kind)
        ids = frozenset(() if sid is None else (sid,))
        yield kind.spec.local_name, f"with a {kind.spec.local_name}", f"<{name}>{text}</{name}>", ids


def _second_body(draft: Draft, place: Place, text: str, ids: frozenset[str]) -> None:
    (draft.between if place is Place.FIRST else draft.behind).append(text)
    if place is Place.LAST:
        draft.behind.insert(-1, "<!-- last -->")
    draft.codes.add(Code.DUPLICATE_BODY)
    if ids:
        draft.trap(Behaviour.BODY, ids)


@ways_to_break(Code.DUPLICATE_BODY)
def _duplicate_body(given: Given) -> Iterator[Way]:
    yield from _named(given, _bodies, "a second Body", _second_body, ANYWHERE, mixes=True)


def _without_body(change: Callable[[Draft], None]) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.body = None
        draft.codes.add(Code.MISSING_BODY)
        change(draft)

    return apply


def _no_header(draft: Draft) -> None:
    draft.header = None


def _self_closing(draft: Draft) -> None:
    draft.header = None
    draft.changes.append(lambda data: data.replace(f"></{draft.qualified('Envelope')}>".encode(), b"/>"))


def _instead(local: str, namespace: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.between.append(f'<w:{local} xmlns:w="{namespace or draft.soap.namespace}"/>')
        draft.codes.add(Code.UNEXPECTED_ELEMENT)

    return apply


def _in_header(draft: Draft) -> None:
    # A header block like any other, as far as its name goes.
    draft.insert(Place.LAST, Block(draft.soap.namespace, "Body", prefix="w"))


@ways_to_break(Code.MISSING_BODY)
def _missing_body(_given: Given) -> Iterator[Way]:
    for name, note, change in (
        ("header-only", "a Header and no more", lambda _: None),
        ("empty", "an Envelope with nothing in it", _no_header),
        ("self-closing", "an Envelope of one tag", _self_closing),
        ("comment", "a Body in a comment", lambda draft: draft.between.append("<!--<s:Body/>-->")),
        ("lower-case", "body instead of Body", _instead("body", "")),
        ("other-namespace", "a Body in another namespace", _instead("Body", "urn:example:w")),
        ("soap-1.2", "a Body of another version of SOAP", _instead("Body", SOAP_12_NS)),
        ("in-the-header", "the Body inside the Header", _in_header),
    ):
        yield Way(name, note, _without_body(change), (Place.LAST,))


def _elements(draft: Draft, given: Given) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    soap = draft.soap.namespace
    yield "foreign", "one of another namespace", '<w:a xmlns:w="urn:example:w"/>', frozenset()
    yield "no-namespace", "one of no namespace", '<a xmlns=""/>', frozenset()
    yield "fault", "a Fault", f'<w:Fault xmlns:w="{soap}"/>', frozenset()
    yield "lower-case", "header instead of Header", f'<w:header xmlns:w="{soap}"/>', frozenset()
    yield "other-header", "a Header of another namespace", '<Header xmlns="urn:example:w"/>', frozenset()
    for kind in given.kinds:
        text, sid = _standing_alone(draft, kind)
        ids = frozenset(() if sid is None else (sid,))
        yield kind.spec.local_name, kind.spec.local_name, text, ids


def _element_in_front(draft: Draft, place: Place, text: str, ids: frozenset[str]) -> None:
    # In front of what may be a Body among them.
    (draft.front if place is Place.FIRST else draft.between).insert(0, text)
    draft.codes.add(Code.UNEXPECTED_ELEMENT)
    if ids:
        draft.trap(Behaviour.OUTSIDE_HEADER, ids)


def _element_behind(draft: Draft, place: Place, text: str, ids: frozenset[str]) -> None:
    draft.behind.append(text)
    if place is Place.LAST:
        draft.behind.insert(-1, "<!-- last -->")
    draft.codes.add(Code.ELEMENT_AFTER_BODY)
    if ids:
        draft.trap(Behaviour.OUTSIDE_HEADER, ids)


@ways_to_break(Code.UNEXPECTED_ELEMENT)
def _unexpected_element(given: Given) -> Iterator[Way]:
    note = "another child of Envelope in front of the Body"
    yield from _named(given, _elements, note, _element_in_front, (Place.FIRST, Place.MIDDLE), mixes=True)


@ways_to_break(Code.ELEMENT_AFTER_BODY)
def _element_after_body(given: Given) -> Iterator[Way]:
    note = "another child of Envelope behind the Body"
    yield from _named(given, _elements, note, _element_behind, (Place.FIRST, Place.LAST), mixes=True)


_TEXTS = (
    ("letters", "letters", "text"),
    ("reference", "a reference to a letter", "&#65;"),
    ("cdata", "a CDATA section", "<![CDATA[text]]>"),
    ("no-break-space", "U+00A0, which is no white space", "\xa0"),
    ("zero-width-space", "U+200B, which is not seen", "\u200b"),
    ("next-line", "U+0085, which XML 1.0 does not take for a line end", "\x85"),
    ("escaped-tag", "a tag that is none", "&lt;a/>"),
    ("semicolon", "what a template leaves behind", ";"),
)


def _loose_text(text: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        if place is Place.MIDDLE:
            draft.insert(place, text)
        else:
            (draft.front if place is Place.FIRST else draft.behind).append(text)
        draft.codes.add(Code.UNEXPECTED_TEXT)

    return apply


@ways_to_break(Code.UNEXPECTED_TEXT)
def _unexpected_text(_given: Given) -> Iterator[Way]:
    for name, note, text in _TEXTS:
        yield Way(name, f"text between elements: {note}", _loose_text(text), ANYWHERE, mixes=True)


# -- what is let pass ----------------------------------------------------------------------------------


def _envelope_attribute(name: str, value: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        attributes = [(name, value), (f"{draft.prefix}:encodingStyle", ""), ("xml:lang", "en")]
        first = ANYWHERE.index(place)
        draft.envelope_attributes += [*attributes[1 : first + 1], attributes[0], *attributes[first + 1 :]]
        draft.codes.add(Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE)

    return apply


@ways_to_break(Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE)
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


def _version_1_2(change: Callable[[Draft], object]) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.soap = SoapVersion.SOAP_1_2
        change(draft)

    return apply


def _no_prefix(draft: Draft) -> None:
    draft.prefix = ""


def _marked(name: str, value: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        block = Block("urn:example:w", "a", [(SOAP, name, value)], prefix="w")
        draft.insert(Place.LAST, block)

    return apply


@ways_to_break(Code.SOAP_1_2)
def _soap_1_2(_given: Given) -> Iterator[Way]:
    for name, note, change in (
        ("plain", "and all else as in SOAP 1.1", lambda _: None),
        ("default-namespace", "without a prefix", _no_prefix),
        ("no-header", "without a Header", _no_header),
        ("true", "mustUnderstand true, which SOAP 1.1 does not have", _marked("mustUnderstand", "true")),
        ("false", "mustUnderstand false", _marked("mustUnderstand", " false ")),
        ("role", "a role, which was actor in SOAP 1.1", _marked("actor", f"{SOAP_12_NS}/role/next")),
    ):
        yield Way(name, f"a SOAP 1.2 envelope, {note}", _version_1_2(change))
