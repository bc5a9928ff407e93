"""Ways to break what the schema, SOAP and XMLA say about header blocks, by looping over the specs."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, XSI_NS, MustUnderstandForm

from ._case import Behaviour
from ._draft import SOAP, Block, Draft, Edit, Place, block_of, clark, unknown_block
from ._ids import ID_RULES, IdRule
from ._simple_values import wrong_attributes, wrong_texts
from ._ways import ANYWHERE, Table, Way, make_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from xmla_headers.model import AttributeSpec, ChildSpec, HeaderBlock

    from ._ways import Given

__all__ = ["DSML_NS", "HEADER_BLOCKS"]

HEADER_BLOCKS = Table()

# [MS-DSML] declares elements of the same names in it.
DSML_NS = "urn:schema-microsoft-com:activedirectory:dsmlv2"
_W = "urn:example:w"


def _block(
    *attributes: tuple[str, str, str], without: str = "", codes: Collection[Code] = (), **parts: object
) -> Edit[Block]:
    """Return the edit of a header block: removes an attribute, adds others, sets parts, adds codes."""

    def apply(_draft: Draft, block: Block) -> None:
        block.attributes = [entry for entry in block.attributes if entry[1] != without]
        block.attributes += attributes
        block.codes |= {*codes}
        for name, value in parts.items():
            setattr(block, name, value)

    return apply


_PLAIN = _block()


def _inserted(kind: type[HeaderBlock], change: Edit[Block] = _PLAIN, **fields: Any) -> Edit[Place]:
    """Return the edit that inserts an edited header block."""

    def apply(draft: Draft, place: Place) -> None:
        block = block_of(make_value(kind, draft, **fields))
        change(draft, block)
        draft.insert(place, block)

    return apply


def _way(kind: type[HeaderBlock], name: str, note: str, change: Edit[Place], *, mixes: bool = True) -> Way:
    """Return a way that begins with the name of the header block and can be used anywhere."""
    return Way(f"{kind.spec.local_name}-{name}", note, change, ANYWHERE, mixes=mixes)


# -- how many ------------------------------------------------------------------------------------------


def _repeated(
    kind: type[HeaderBlock], change: Callable[[Draft, list[Block]], list[Block]], *, same: bool = False
) -> Edit[Place]:
    """Return the edit that inserts one block more than the schema allows."""

    def apply(draft: Draft, place: Place) -> None:
        maximum = kind.spec.max_occurs
        assert maximum is not None
        values = [make_value(kind, draft) for _ in range(maximum + 1)]
        if same:
            values = values[:1] * len(values)
        blocks = [block_of(value) for value in values]
        first, last = blocks[0].session_id, blocks[-1].session_id
        draft.insert(place, *change(draft, blocks))
        if first is not None and last is not None and first != last:
            draft.trap(Behaviour.FIRST_DUPLICATE, {first}, {last})
            draft.trap(Behaviour.LAST_DUPLICATE, {last}, {first})
            draft.trap(Behaviour.EVERY_DUPLICATE, {first, last})

    return apply


def _second(change: Edit[Block]) -> Callable[[Draft, list[Block]], list[Block]]:
    """Return what edits the second block."""

    def apply(draft: Draft, blocks: list[Block]) -> list[Block]:
        change(draft, blocks[-1])
        return blocks

    return apply


def _one_between(_draft: Draft, blocks: list[Block]) -> list[Block]:
    return [blocks[0], Block(_W, "between", prefix="w"), *blocks[1:]]


def _one_more(draft: Draft, blocks: list[Block]) -> list[Block]:
    assert blocks[0].kind is not None
    return [*blocks, block_of(make_value(blocks[0].kind, draft))]


@HEADER_BLOCKS.breaks(Code.DUPLICATE_HEADER_BLOCK)
def _duplicate_header_block(given: Given) -> Iterator[Way]:
    marked = _block((SOAP, "mustUnderstand", "1"))
    for kind in given.kinds:
        if kind.spec.max_occurs is None:
            continue
        name = kind.spec.local_name
        for way, note, change in (
            ("same", f"the same {name} again", _repeated(kind, _second(_PLAIN), same=True)),
            ("other", f"another {name}", _repeated(kind, _second(_PLAIN))),
            ("prefix", f"another {name} under a prefix", _repeated(kind, _second(_block(prefix="xa")))),
            ("marked", f"another {name}, marked mustUnderstand", _repeated(kind, _second(marked))),
            ("apart", f"another {name} after some other block", _repeated(kind, _one_between)),
            ("three", f"two more {name}", _repeated(kind, _one_more)),
        ):
            yield _way(kind, way, note, change)


def _several(kinds: tuple[type[HeaderBlock], ...], *, prefix: str = "", marked: bool = False) -> Edit[Place]:
    """Return the edit that inserts one block of each kind."""

    def apply(draft: Draft, place: Place) -> None:
        values = [make_value(kind, draft, must_understand=marked) for kind in kinds]
        blocks = [block_of(value, prefix=prefix) for value in values]
        draft.insert(place, *blocks)
        # Only an id shows whether a parser has returned a block.
        ids = {block.session_id for block in blocks if block.session_id is not None}
        for behaviour, sid in (
            (Behaviour.FIRST_ALTERNATIVE, blocks[0].session_id),
            (Behaviour.LAST_ALTERNATIVE, blocks[-1].session_id),
        ):
            if sid is not None and len(ids) > 1:
                draft.trap(behaviour, {sid}, ids - {sid})

    return apply


@HEADER_BLOCKS.breaks(Code.AMBIGUOUS_SESSION_HEADERS)
def _ambiguous_session_headers(given: Given) -> Iterator[Way]:
    groups: dict[str, list[type[HeaderBlock]]] = {}
    for kind in given.kinds:
        if kind.spec.alternatives is not None:
            groups.setdefault(kind.spec.alternatives, []).append(kind)
    for group in groups.values():
        for size in range(2, min(len(group), 3) + 1):
            for kinds in permutations(group, size):
                names = [kind.spec.local_name for kind in kinds]
                way, note = "-".join(names), " and ".join(names)
                yield Way(way, note, _several(kinds), ANYWHERE, mixes=True)
                if size == 2:
                    prefixed = _several(kinds, prefix="xa")
                    yield Way(f"{way}-prefix", f"{note} under a prefix", prefixed, mixes=True)
                    marked = _several(kinds, marked=True)
                    yield Way(f"{way}-marked", f"{note}, marked mustUnderstand", marked, mixes=True)


@HEADER_BLOCKS.breaks(Code.WRONG_DIRECTION)
def _wrong_direction(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        if given.direction is None or given.direction in kind.spec.directions:
            continue
        note = f"{kind.spec.local_name} in a {given.direction}"
        for way, about, change in (
            ("plain", "", _PLAIN),
            ("prefix", ", under a prefix", _block(prefix="xa")),
            ("marked", ", marked mustUnderstand", _block((SOAP, "mustUnderstand", "1"))),
            ("not-marked", ", with mustUnderstand 0", _block((SOAP, "mustUnderstand", "0"))),
            ("actor", ", for another actor", _block((SOAP, "actor", "urn:example:actor"))),
            ("space", ", with white space in it", _block(content=" \n")),
        ):
            yield _way(kind, f"in-a-{given.direction}-{way}", note + about, _inserted(kind, change))


# -- attributes ----------------------------------------------------------------------------------------


def _renamed(
    attribute: AttributeSpec,
    namespace: str,
    local: str,
    *codes: Code,
    behaviour: Behaviour | None = None,
) -> Edit[Block]:
    """Return the edit that gives an attribute another name and keeps its value."""

    def apply(draft: Draft, block: Block) -> None:
        value = next(value for _, name, value in block.attributes if name == attribute.name)
        missing = {Code.MISSING_ATTRIBUTE, *codes}
        _block((namespace, local, value), without=attribute.name, codes=missing)(draft, block)
        if behaviour is not None and attribute.identifier:
            draft.trap_id(behaviour, value)

    return apply


@HEADER_BLOCKS.breaks(Code.MISSING_ATTRIBUTE)
def _missing_attribute(given: Given) -> Iterator[Way]:
    missing, unexpected = Code.MISSING_ATTRIBUTE, Code.UNEXPECTED_ATTRIBUTE
    content = Code.UNEXPECTED_CONTENT
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            if not attribute.required:
                continue
            name = attribute.name
            others = set(kind.spec.by_name) | {"mustUnderstand"}
            for way, note, local, behaviour in (
                ("lower-case", "in lower case", name.lower(), Behaviour.ANY_CASE),
                ("upper-case", "in upper case", name.upper(), Behaviour.ANY_CASE),
                (
                    "capitals-at-the-end",
                    "with two capitals at its end",
                    name[:-2] + name[-2:].upper(),
                    Behaviour.ANY_CASE,
                ),
                ("misspelt", "with one letter too many", f"{name}s", None),
            ):
                if local not in others:
                    change = _renamed(attribute, "", local, unexpected, behaviour=behaviour)
                    yield _way(kind, f"{name}-{way}", f"{name} {note}: {local}", _inserted(kind, change))
            anywhere = Behaviour.ANY_ATTRIBUTE_NAMESPACE
            own = kind.spec.namespace
            as_element = f"<{name}>5E55-98</{name}>"
            nil = (XSI_NS, "nil", "true")
            for way, note, change in (
                ("absent", "is absent", _block(without=name, codes={missing})),
                (
                    "qualified",
                    "in the namespace of the element",
                    _renamed(attribute, own, name, unexpected, behaviour=anywhere),
                ),
                ("foreign", "in a foreign namespace", _renamed(attribute, _W, name, behaviour=anywhere)),
                (
                    "soap",
                    "in the namespace of the Envelope",
                    _renamed(attribute, SOAP, name, behaviour=anywhere),
                ),
                (
                    "element",
                    "as a child element",
                    _block(without=name, content=as_element, codes={missing, content}),
                ),
                ("nil", "missing, with xsi:nil", _block(nil, without=name, codes={missing, unexpected})),
            ):
                yield _way(kind, f"{name}-{way}", f"{name} {note}", _inserted(kind, change))


@HEADER_BLOCKS.breaks(Code.UNEXPECTED_ATTRIBUTE)
def _unexpected_attribute(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        namespace = kind.spec.namespace
        for way, note, space, local, value in (
            ("plain", "one in no namespace", "", "timeout", "60"),
            ("case", "mustunderstand, in lower case", "", "mustunderstand", "1"),
            ("actor", "actor in no namespace", "", "actor", "urn:example:actor"),
            ("xml-like", "an attribute called lang", "", "lang", "en"),
            ("own-namespace", "one in the namespace of the element", namespace, "b", "1"),
            ("own-mark", "mustUnderstand in that namespace", namespace, "mustUnderstand", "1"),
            ("xmla", "one in the namespace of XMLA", XMLA_NS, "b", "1"),
            ("xsi-type", "xsi:type", XSI_NS, "type", "int"),
            ("xsi-nil", "xsi:nil", XSI_NS, "nil", "false"),
        ):
            # In no namespace it would be the mark itself.
            if space or (local not in kind.spec.by_name and local != "mustUnderstand"):
                change = _block((space, local, value))
                yield _way(kind, way, f"an undeclared attribute: {note}", _inserted(kind, change))


def _with_id(kind: type[HeaderBlock], attribute: AttributeSpec, sid: str, **fields: Any) -> Edit[Place]:
    """Return the edit that inserts a header block with this session id."""
    fields[attribute.field] = sid
    inserting = _inserted(kind, _PLAIN, **fields)

    def apply(draft: Draft, place: Place) -> None:
        inserting(draft, place)
        draft.trap_trimming(sid)

    return apply


def _ways_of_ids(rule: IdRule, given: Given) -> Iterator[Way]:
    """Yield each example, then the plainest in other header blocks."""
    form = MustUnderstandForm.QUALIFIED
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            if not attribute.is_plain_identifier:
                continue
            name = attribute.name
            foreign = ((f"{{{_W}}}{name}", "5E55-97"),)
            plainest = partial(_with_id, kind, attribute, rule.examples[0][2])
            for way, note, change in (
                *((way, note, _with_id(kind, attribute, sid)) for way, note, sid in rule.examples),
                ("marked", ", marked mustUnderstand", plainest(must_understand=True)),
                ("not-marked", ", with mustUnderstand 0", plainest(must_understand_form=form)),
                ("actor", ", for another actor", plainest(actor="urn:example:actor")),
                (
                    "foreign",
                    ", with the same attribute in a foreign namespace",
                    plainest(other_attributes=foreign),
                ),
            ):
                yield _way(kind, f"{name}-{way}", f"{name} {rule.note}{note}", change)


for _rule in ID_RULES:
    HEADER_BLOCKS.breaks(_rule.code)(partial(_ways_of_ids, _rule))


# -- mustUnderstand ------------------------------------------------------------------------------------

_INVALID_MARKS = (
    ("empty", ""),
    ("two", "2"),
    ("minus-one", "-1"),
    ("zero-one", "01"),
    ("plus-one", "+1"),
    ("yes", "yes"),
    ("capitals", "TRUE"),
    ("decimal", "1.0"),
    ("twice", "1 0"),
    ("other-digit", "\u0661"),
    ("true", "true"),
)


def _foreign(code: Code, *attributes: tuple[str, str, str]) -> Edit[Place]:
    """Return the edit that inserts an unknown header block with these attributes."""

    def apply(draft: Draft, place: Place) -> None:
        draft.insert(place, Block(_W, "a", list(attributes), prefix="w", codes={code}))

    return apply


@HEADER_BLOCKS.breaks(Code.INVALID_MUST_UNDERSTAND)
def _invalid_must_understand(given: Given) -> Iterator[Way]:
    code, unqualified = Code.INVALID_MUST_UNDERSTAND, Code.UNQUALIFIED_MUST_UNDERSTAND
    for way, text in _INVALID_MARKS:
        note = f"mustUnderstand {text!a} on an unknown block"
        change = _foreign(code, (SOAP, "mustUnderstand", text))
        yield Way(f"unknown-{way}", note, change, ANYWHERE, mixes=True)
    for kind in given.kinds:
        for way, text in _INVALID_MARKS:
            note, mark = f"mustUnderstand {text!a}", _block((SOAP, "mustUnderstand", text), codes={code})
            yield _way(kind, way, note, _inserted(kind, mark))
            # The unqualified one is an xsd:int, which may have a sign and leading zeros.
            if text not in ("01", "+1"):
                mark = _block(("", "mustUnderstand", text), codes={code, unqualified})
                yield _way(kind, f"unqualified-{way}", f"{note} in no namespace", _inserted(kind, mark))


@HEADER_BLOCKS.breaks(Code.CONFLICTING_MUST_UNDERSTAND)
def _conflicting_must_understand(given: Given) -> Iterator[Way]:
    code, unqualified = Code.CONFLICTING_MUST_UNDERSTAND, Code.UNQUALIFIED_MUST_UNDERSTAND
    for way, first, second in (("versions", "1", "0"), ("versions-other", "0", "true")):
        change = _foreign(code, (SOAP_11_NS, "mustUnderstand", first), (SOAP_12_NS, "mustUnderstand", second))
        note = f"mustUnderstand {first} in SOAP 1.1 and {second} in SOAP 1.2, on an unknown block"
        yield Way(f"unknown-{way}", note, change, ANYWHERE)
    for kind in given.kinds:
        for way, one, other in (
            ("qualified", (SOAP, "1"), ("", "0")),
            ("unqualified", (SOAP, "0"), ("", "1")),
            ("turned", ("", "1"), (SOAP, "0")),
            ("white-space", (SOAP, " 1 "), ("", " 0 ")),
            ("zeros", (SOAP, "0"), ("", "001")),
            ("minus-zero", (SOAP, "1"), ("", "-0")),
            ("versions", (SOAP_11_NS, "1"), (SOAP_12_NS, "false")),
        ):
            marks = [(namespace, "mustUnderstand", value) for namespace, value in (one, other)]
            codes = {code} if way == "versions" else {code, unqualified}
            note = f"mustUnderstand {one[1]!r} and {other[1]!r}"
            yield _way(kind, way, note, _inserted(kind, _block(*marks, codes=codes)), mixes=False)


@HEADER_BLOCKS.breaks(Code.UNQUALIFIED_MUST_UNDERSTAND)
def _unqualified_must_understand(given: Given) -> Iterator[Way]:
    # How it is written, and the value: it is an xsd:int that is 0 or 1.
    forms: Mapping[str, tuple[str, bool]] = {
        "one": ("1", True),
        "zero": ("0", False),
        "spaces": (" 1 ", True),
        "zeros": ("001", True),
        "plus": ("+1", True),
        "minus-zero": ("-0", False),
    }
    for kind in given.kinds:
        for way, (text, value) in forms.items():
            note, mark = f"mustUnderstand {text!r} in no namespace", ("", "mustUnderstand", text)
            change = _block(mark, without="mustUnderstand")
            yield _way(kind, way, note, _inserted(kind, change, must_understand=value))
        for way, value in (("both", True), ("both-zero", False)):
            both = _inserted(kind, must_understand=value, must_understand_form=MustUnderstandForm.BOTH)
            yield _way(kind, way, "mustUnderstand in both forms, which agree", both)


# -- content and names ---------------------------------------------------------------------------------


def _nested(draft: Draft, block: Block) -> None:
    """Write a block of the same kind into a block."""
    assert block.kind is not None
    inner = block_of(make_value(block.kind, draft))
    block.content = inner.written(draft.pen, draft)
    draft.trap_id(Behaviour.ANY_DEPTH, inner.session_id)


@HEADER_BLOCKS.breaks(Code.UNEXPECTED_CONTENT)
def _unexpected_content(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        local, has_text = kind.spec.local_name, kind.spec.text is not None
        for way, note, content in (
            ("text", "text", "text"),
            ("reference", "a reference to a letter", "&#65;"),
            ("cdata", "a CDATA section", "<![CDATA[text]]>"),
            ("element", "a child element", "<a/>"),
            (
                "foreign-element",
                "a child element of another namespace",
                '<w:a xmlns:w="urn:example:w"/>',
            ),
            ("text-behind-a-comment", "text after a comment", "<!-- -->text"),
            ("elements", "child elements and white space", " <a/> <b/> "),
            ("no-break-space", "U+00A0, which is not white space in XML", "\xa0"),
        ):
            if not has_text or "element" in way:
                yield _way(kind, way, f"{local} with {note} in it", _inserted(kind, _block(content=content)))
        yield _way(kind, "itself", f"{local} inside itself", _inserted(kind, _nested))
        for child in kind.spec.children:
            name = child.name
            if child.min_occurs:
                yield _way(
                    kind, f"{name}-absent", f"{local} without {name}", _inserted(kind, _children(child, 0))
                )
            if child.max_occurs is not None:
                change = _children(child, child.max_occurs + 1)
                yield _way(kind, f"{name}-again", f"{local} with a {name} too many", _inserted(kind, change))


def _children(child: ChildSpec, count: int) -> Edit[Block]:
    """Return the edit that repeats a child element so often."""

    def apply(_draft: Draft, block: Block) -> None:
        own = (child.namespace, child.name)
        place = next(place for place, other in enumerate(block.children) if other[:2] == own)
        one = block.children[place]
        others = [other for other in block.children if other[:2] != own]
        block.children = [*others[:place], *[one] * count, *others[place:]]

    return apply


def _with_text(text: str) -> Edit[Block]:
    """Return the edit that replaces the text of a header block."""
    return _block(text=text, codes={Code.INVALID_VALUE})


def _with_child(child: ChildSpec, text: str) -> Edit[Block]:
    """Return the edit that replaces the text of the first child element of a name."""

    def apply(_draft: Draft, block: Block) -> None:
        own = (child.namespace, child.name)
        place = next(place for place, other in enumerate(block.children) if other[:2] == own)
        block.children[place] = (*own, text)
        block.codes.add(Code.INVALID_VALUE)

    return apply


@HEADER_BLOCKS.breaks(Code.INVALID_VALUE)
def _invalid_value(given: Given) -> Iterator[Way]:
    invalid = Code.INVALID_VALUE
    for kind in given.kinds:
        spec = kind.spec
        changes: list[tuple[str, str, str, Edit[Block]]] = []
        for attribute in spec.attributes:
            # Other codes are about the text of an identifier.
            if not attribute.identifier:
                name = attribute.name
                for way, text in wrong_attributes(attribute):
                    change = _block(("", name, text), without=name, codes={invalid})
                    changes.append((name, way, text, change))
        if spec.text is not None:
            changes += [("text", way, text, _with_text(text)) for way, text in wrong_texts(spec.text)]
        for child in spec.children:
            if child.type is not None:
                for way, text in wrong_texts(child.type):
                    changes.append((child.name, way, text, _with_child(child, text)))
        for name, way, text, change in changes:
            note = f"{name} of {spec.local_name} is {text[:40]!a}: {way}"
            yield _way(kind, f"{name}-{way}", note, _inserted(kind, change))


def _unknown(
    given: Given,
    namespace: str,
    local: str,
    *attributes: tuple[str, str, str],
    content: str = "",
) -> Edit[Place]:
    """Return the edit that inserts a block that no schema declares."""
    prefix = "ad" if namespace == DSML_NS else ""

    def apply(draft: Draft, place: Place) -> None:
        block = unknown_block(
            given.types, namespace, local, prefix=prefix, content=content, attributes=attributes
        )
        draft.insert(place, block)

    return apply


@HEADER_BLOCKS.breaks(Code.UNQUALIFIED_HEADER_BLOCK)
def _unqualified_header_block(given: Given) -> Iterator[Way]:
    for local, mark, content in (
        ("BeginGetSessionToken", "0", ""),
        ("SessionToken", "", "<Token>5E55</Token>"),
        ("Security", "1", ""),
        ("a", "", "text <b/>"),
        ("Header", "", ""),
        ("Body", "", "<Session/>"),
    ):
        if local in given.types:
            continue
        attributes = [("", "mustUnderstand", mark)] if mark else []
        change = _unknown(given, "", local, *attributes, content=content)
        yield Way(local, f"{local} in no namespace", change, ANYWHERE, mixes=True)


def _lookalike(
    given: Given, kind: type[HeaderBlock], namespace: str, local: str, behaviour: Behaviour
) -> Edit[Place]:
    """Return the edit that inserts a header block under another name."""

    def apply(draft: Draft, place: Place) -> None:
        genuine = block_of(make_value(kind, draft))
        _unknown(given, namespace, local, *genuine.attributes)(draft, place)
        draft.trap_id(behaviour, genuine.session_id)

    return apply


def _as_in_dsml(given: Given, kind: type[HeaderBlock], attribute: AttributeSpec) -> Edit[Place]:
    """Return the edit that inserts a block of [MS-DSML], with a qualified attribute."""

    def apply(draft: Draft, place: Place) -> None:
        sid, name = draft.sid(), attribute.name[:-2] + attribute.name[-2:].upper()
        _unknown(given, DSML_NS, kind.spec.local_name, (DSML_NS, name, sid))(draft, place)
        draft.trap_id(Behaviour.ANY_NAMESPACE, sid)

    return apply


@HEADER_BLOCKS.breaks(Code.LOOKALIKE_HEADER_BLOCK)
def _lookalike_header_block(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        local, namespace = kind.spec.local_name, kind.spec.namespace
        upper, foreign = Behaviour.ANY_CASE, Behaviour.ANY_NAMESPACE
        for way, note, space, name, behaviour in (
            ("lower-case", "in lower case", namespace, local.lower(), upper),
            ("upper-case", "in upper case", namespace, local.upper(), upper),
            ("no-namespace", "in no namespace", "", local, foreign),
            ("dsml", "in the namespace of [MS-DSML]", DSML_NS, local, foreign),
            ("namespace-case", "in its namespace in upper case", namespace.upper(), local, foreign),
            ("namespace-longer", "in a namespace that begins alike", f"{namespace}:rowset", local, foreign),
            ("namespace-slash", "in its namespace and a slash", f"{namespace}/", local, foreign),
            ("namespace-space", "in its namespace and a space", f"{namespace} ", local, foreign),
            ("soap", "in the namespace of SOAP", SOAP_11_NS, local, foreign),
        ):
            if clark(space, name) not in given.types:
                change = _lookalike(given, kind, space, name, behaviour)
                yield _way(kind, way, f"{local} {note}", change)
        for attribute in kind.spec.attributes:
            if attribute.identifier and clark(DSML_NS, local) not in given.types:
                note = f"{local} as in [MS-DSML], with a qualified {attribute.name}"
                change = _as_in_dsml(given, kind, attribute)
                yield _way(kind, f"as-in-dsml-{attribute.name}", note, change)
