"""Ways to break what the schema, SOAP and XMLA say about header blocks, by looping over the specs."""

from __future__ import annotations

from itertools import permutations

from xmla_headers.findings import Code
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, XSI_NS, MustUnderstandForm

from ._case import Behaviour, identifier_of
from ._draft import SOAP, Block, Place, block_of, unknown_block
from ._ways import ANYWHERE, Way, make_value, ways_to_break

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xmla_headers.model import AttributeSpec, HeaderBlock

    from ._draft import Draft
    from ._ways import Change, Given

__all__ = ["DSML_NS", "HEADER_BLOCKS"]

#: [MS-DSML] has elements of the same names in it.
DSML_NS = "urn:schema-microsoft-com:activedirectory:dsmlv2"
_W = "urn:example:w"

#: What the ways of this module are about, in catalogue order.
HEADER_BLOCKS = (
    Code.DUPLICATE_HEADER_BLOCK,
    Code.MISSING_ATTRIBUTE,
    Code.UNEXPECTED_CONTENT,
    Code.INVALID_MUST_UNDERSTAND,
    Code.CONFLICTING_MUST_UNDERSTAND,
    Code.WRONG_DIRECTION,
    Code.UNQUALIFIED_MUST_UNDERSTAND,
    Code.UNQUALIFIED_HEADER_BLOCK,
    Code.LOOKALIKE_HEADER_BLOCK,
    Code.UNEXPECTED_ATTRIBUTE,
    Code.EMPTY_SESSION_ID,
    Code.AMBIGUOUS_SESSION_HEADERS,
)


def _with_block(kind: type[HeaderBlock], change: Callable[[Draft, Block], object]) -> Change:
    """Return the change that puts in a block of a kind, once something has been done to it."""

    def apply(draft: Draft, place: Place) -> None:
        block = block_of(make_value(kind, draft))
        change(draft, block)
        draft.insert(place, block)

    return apply


def _name(kind: type[HeaderBlock], way: str) -> str:
    return f"{kind.spec.local_name}-{way}"


# -- how many ------------------------------------------------------------------------------------------


def _repeated(
    kind: type[HeaderBlock], change: Callable[[Draft, list[Block]], list[Block]], *, same: bool = False
) -> Change:
    """Return the change that puts in one block too many."""

    def apply(draft: Draft, place: Place) -> None:
        maximum = kind.spec.max_occurs
        assert maximum is not None
        values = [make_value(kind, draft) for _ in range(maximum + 1)]
        if same:
            values = values[:1] * len(values)
        parts = change(draft, [block_of(value) for value in values])
        draft.insert(place, *parts)
        ids = [identifier_of(value) for value in values]
        first, last = ids[0], ids[-1]
        if first is not None and last is not None and first != last:
            draft.trap(Behaviour.FIRST_DUPLICATE, {first}, {last})
            draft.trap(Behaviour.LAST_DUPLICATE, {last}, {first})
            draft.trap(Behaviour.EVERY_DUPLICATE, {first, last})

    return apply


def _second_prefixed(_draft: Draft, blocks: list[Block]) -> list[Block]:
    blocks[-1].prefix = "xa"
    return blocks


def _second_marked(_draft: Draft, blocks: list[Block]) -> list[Block]:
    blocks[-1].attributes.append((SOAP, "mustUnderstand", "1"))
    return blocks


def _one_between(_draft: Draft, blocks: list[Block]) -> list[Block]:
    return [blocks[0], Block(_W, "between", prefix="w"), *blocks[1:]]


def _one_more(draft: Draft, blocks: list[Block]) -> list[Block]:
    assert blocks[0].kind is not None
    return [*blocks, block_of(make_value(blocks[0].kind, draft))]


@ways_to_break(Code.DUPLICATE_HEADER_BLOCK)
def _duplicate_header_block(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        if kind.spec.max_occurs is None:
            continue
        name = kind.spec.local_name
        for way, note, change in (
            ("same", f"the same {name} again", _repeated(kind, lambda _, blocks: blocks, same=True)),
            ("other", f"another {name}", _repeated(kind, lambda _, blocks: blocks)),
            ("prefix", f"another {name} under a prefix", _repeated(kind, _second_prefixed)),
            ("marked", f"another {name}, marked mustUnderstand", _repeated(kind, _second_marked)),
            ("apart", f"another {name} behind some other block", _repeated(kind, _one_between)),
            ("three", f"two more {name}", _repeated(kind, _one_more)),
        ):
            yield Way(_name(kind, way), note, change, ANYWHERE, mixes=True)


def _several(kinds: tuple[type[HeaderBlock], ...], *, prefix: str = "", marked: bool = False) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        values = [make_value(kind, draft, must_understand=marked) for kind in kinds]
        blocks = [block_of(value, prefix=prefix) for value in values]
        draft.insert(place, *blocks)
        # Without an id there is no telling whether a block was passed over.
        ids = {sid for sid in map(identifier_of, values) if sid is not None}
        first, last = identifier_of(values[0]), identifier_of(values[-1])
        if first is not None and len(ids) > 1:
            draft.trap(Behaviour.FIRST_ALTERNATIVE, {first}, ids - {first})
        if last is not None and len(ids) > 1:
            draft.trap(Behaviour.LAST_ALTERNATIVE, {last}, ids - {last})

    return apply


@ways_to_break(Code.AMBIGUOUS_SESSION_HEADERS)
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


@ways_to_break(Code.WRONG_DIRECTION)
def _wrong_direction(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        if given.direction is None or given.direction in kind.spec.directions:
            continue
        name = _name(kind, f"in-a-{given.direction}")
        note = f"{kind.spec.local_name} in a {given.direction}"
        for way, about, change in (
            ("plain", "", lambda _draft, _block: None),
            ("prefix", ", under a prefix", lambda _, block: setattr(block, "prefix", "xa")),
            ("marked", ", marked mustUnderstand", _attribute(SOAP, "mustUnderstand", "1")),
            ("not-marked", ", with mustUnderstand 0", _attribute(SOAP, "mustUnderstand", "0")),
            ("actor", ", for somebody else", _attribute(SOAP, "actor", "urn:example:actor")),
            ("space", ", with white space in it", lambda _, block: setattr(block, "content", " \n")),
        ):
            yield Way(f"{name}-{way}", note + about, _with_block(kind, change), ANYWHERE, mixes=True)


# -- attributes ----------------------------------------------------------------------------------------


def _attribute(namespace: str, local: str, value: str, *codes: Code) -> Callable[[Draft, Block], None]:
    def apply(_draft: Draft, block: Block) -> None:
        block.attributes.append((namespace, local, value))
        block.codes.update(codes)

    return apply


def _renamed(
    attribute: AttributeSpec,
    namespace: str,
    local: str,
    *codes: Code,
    behaviour: Behaviour | None = None,
) -> Callable[[Draft, Block], None]:
    """Return what puts another attribute in the place of one, with the same value."""

    def apply(draft: Draft, block: Block) -> None:
        value = next(value for _, name, value in block.attributes if name == attribute.name)
        block.attributes = [entry for entry in block.attributes if entry[1] != attribute.name]
        block.attributes.append((namespace, local, value))
        block.codes |= {Code.MISSING_ATTRIBUTE, *codes}
        if behaviour is not None and attribute.identifier:
            draft.trap(behaviour, {value})

    return apply


def _left_out(attribute: AttributeSpec, content: str = "", *codes: Code) -> Callable[[Draft, Block], None]:
    def apply(_draft: Draft, block: Block) -> None:
        block.attributes = [entry for entry in block.attributes if entry[1] != attribute.name]
        block.content = content
        block.codes |= {Code.MISSING_ATTRIBUTE, *codes}

    return apply


def _nil(attribute: AttributeSpec) -> Callable[[Draft, Block], None]:
    def apply(draft: Draft, block: Block) -> None:
        _left_out(attribute, "", Code.UNEXPECTED_ATTRIBUTE)(draft, block)
        block.attributes.append((XSI_NS, "nil", "true"))

    return apply


@ways_to_break(Code.MISSING_ATTRIBUTE)
def _missing_attribute(given: Given) -> Iterator[Way]:
    unexpected = Code.UNEXPECTED_ATTRIBUTE
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            if not attribute.required:
                continue
            name = attribute.name
            others = set(kind.spec.by_name) | {"mustUnderstand"}
            for way, note, local in (
                ("lower-case", "in lower case", name.lower()),
                ("upper-case", "in upper case", name.upper()),
                ("capitals-at-the-end", "with two capitals at its end", name[:-2] + name[-2:].upper()),
                ("misspelt", "with a letter too many", f"{name}s"),
            ):
                if local not in others:
                    wrong = way != "misspelt"
                    change = _renamed(
                        attribute, "", local, unexpected, behaviour=Behaviour.ANY_CASE if wrong else None
                    )
                    note_ = f"{name} {note}: {local}"
                    way_ = _name(kind, f"{name}-{way}")
                    yield Way(way_, note_, _with_block(kind, change), ANYWHERE, mixes=True)
            anywhere = Behaviour.ANY_ATTRIBUTE_NAMESPACE
            as_element = f"<{name}>5E55-98</{name}>"
            for way, note, change in (
                ("absent", "is not there", _left_out(attribute)),
                (
                    "qualified",
                    "in the namespace of the element",
                    _renamed(attribute, kind.spec.namespace, name, unexpected, behaviour=anywhere),
                ),
                ("foreign", "in a foreign namespace", _renamed(attribute, _W, name, behaviour=anywhere)),
                (
                    "soap",
                    "in the namespace of the Envelope",
                    _renamed(attribute, SOAP, name, behaviour=anywhere),
                ),
                ("element", "as a child element", _left_out(attribute, as_element, Code.UNEXPECTED_CONTENT)),
                ("nil", "missing, and xsi:nil", _nil(attribute)),
            ):
                yield Way(
                    _name(kind, f"{name}-{way}"),
                    f"{name} {note}",
                    _with_block(kind, change),
                    ANYWHERE,
                    mixes=True,
                )


@ways_to_break(Code.UNEXPECTED_ATTRIBUTE)
def _unexpected_attribute(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        namespace = kind.spec.namespace
        for way, note, space, local, value in (
            ("plain", "one in no namespace", "", "timeout", "60"),
            ("case", "mustunderstand, in lower case", "", "mustunderstand", "1"),
            ("actor", "actor in no namespace", "", "actor", "urn:example:actor"),
            ("xml-like", "an attribute called lang", "", "lang", "en"),
            ("own-namespace", "one in the namespace of the element", namespace, "b", "1"),
            ("own-mark", "mustUnderstand in that of the element", namespace, "mustUnderstand", "1"),
            ("xmla", "one in the namespace of XMLA", XMLA_NS, "b", "1"),
            ("xsi-type", "xsi:type", XSI_NS, "type", "int"),
            ("xsi-nil", "xsi:nil", XSI_NS, "nil", "false"),
        ):
            if not space and local in kind.spec.by_name:
                continue
            change = _attribute(space, local, value, Code.UNEXPECTED_ATTRIBUTE)
            yield Way(
                _name(kind, way),
                f"an attribute too many: {note}",
                _with_block(kind, change),
                ANYWHERE,
                mixes=True,
            )


def _empty(kind: type[HeaderBlock], attribute: AttributeSpec, **fields: object) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        values = {attribute.field: "", **fields}
        draft.insert(place, block_of(make_value(kind, draft, **values)))

    return apply


@ways_to_break(Code.EMPTY_SESSION_ID)
def _empty_session_id(given: Given) -> Iterator[Way]:
    both = MustUnderstandForm.QUALIFIED
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            if not attribute.identifier:
                continue
            for way, note, change in (
                ("plain", "", _empty(kind, attribute)),
                ("marked", ", marked mustUnderstand", _empty(kind, attribute, must_understand=True)),
                ("not-marked", ", with mustUnderstand 0", _empty(kind, attribute, must_understand_form=both)),
                ("actor", ", for somebody else", _empty(kind, attribute, actor="urn:example:actor")),
                (
                    "foreign",
                    ", with the same attribute in a foreign namespace",
                    _empty(kind, attribute, other_attributes=((f"{{{_W}}}{attribute.name}", "5E55-97"),)),
                ),
            ):
                note_ = f"{attribute.name} is empty{note}"
                yield Way(_name(kind, f"{attribute.name}-{way}"), note_, change, ANYWHERE, mixes=True)


# -- mustUnderstand ------------------------------------------------------------------------------------

_NEITHER = (
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
)


@ways_to_break(Code.INVALID_MUST_UNDERSTAND)
def _invalid_must_understand(given: Given) -> Iterator[Way]:
    code = Code.INVALID_MUST_UNDERSTAND
    for way, text in (*_NEITHER, ("true", "true")):
        note = f"mustUnderstand {text!a} on a block that nobody knows"
        block = (SOAP, "mustUnderstand", text)
        yield Way(f"unknown-{way}", note, _foreign(code, block), ANYWHERE, mixes=True)
    for kind in given.kinds:
        for way, text in (*_NEITHER, ("true", "true")):
            change = _attribute(SOAP, "mustUnderstand", text, code)
            yield Way(
                _name(kind, way), f"mustUnderstand {text!a}", _with_block(kind, change), ANYWHERE, mixes=True
            )
            # Unqualified it is an xsd:int, of which the sign and the zeros are part.
            if text in ("01", "+1"):
                continue
            change = _attribute("", "mustUnderstand", text, code, Code.UNQUALIFIED_MUST_UNDERSTAND)
            note = f"mustUnderstand {text!a} in no namespace"
            yield Way(
                _name(kind, f"unqualified-{way}"), note, _with_block(kind, change), ANYWHERE, mixes=True
            )


def _foreign(code: Code, *attributes: tuple[str, str, str]) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        block = Block(_W, "a", list(attributes), prefix="w")
        block.codes.add(code)
        draft.insert(place, block)

    return apply


def _both(first: tuple[str, str], second: tuple[str, str]) -> Callable[[Draft, Block], None]:
    def apply(_draft: Draft, block: Block) -> None:
        for namespace, value in (first, second):
            block.attributes.append((namespace, "mustUnderstand", value))
            if not namespace:
                block.codes.add(Code.UNQUALIFIED_MUST_UNDERSTAND)
        block.codes.add(Code.CONFLICTING_MUST_UNDERSTAND)

    return apply


@ways_to_break(Code.CONFLICTING_MUST_UNDERSTAND)
def _conflicting_must_understand(given: Given) -> Iterator[Way]:
    code = Code.CONFLICTING_MUST_UNDERSTAND
    for way, first, second in (("versions", "1", "0"), ("versions-other", "0", "true")):
        marks = tuple(
            (namespace, "mustUnderstand", text)
            for namespace, text in ((SOAP_11_NS, first), (SOAP_12_NS, second))
        )
        note = f"mustUnderstand {first} in SOAP 1.1 and {second} in SOAP 1.2"
        yield Way(f"unknown-{way}", f"{note}, on a block that nobody knows", _foreign(code, *marks), ANYWHERE)
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
            note = f"mustUnderstand {one[1]!r} and {other[1]!r}"
            yield Way(_name(kind, way), note, _with_block(kind, _both(one, other)), ANYWHERE)


@ways_to_break(Code.UNQUALIFIED_MUST_UNDERSTAND)
def _unqualified_must_understand(given: Given) -> Iterator[Way]:
    # How it is written, and whether it says that the block must be understood (xsd:int, of value 0 or 1).
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
            note = f"mustUnderstand {text!r} in no namespace"
            yield Way(_name(kind, way), note, _unqualified(kind, text, value=value), ANYWHERE, mixes=True)
        for way, mark in (("both", True), ("both-zero", False)):
            note = "mustUnderstand in both forms, which agree"
            change = _valued(kind, must_understand=mark, must_understand_form=MustUnderstandForm.BOTH)
            yield Way(_name(kind, way), note, change, ANYWHERE, mixes=True)


def _unqualified(kind: type[HeaderBlock], text: str, *, value: bool) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        block = block_of(make_value(kind, draft, must_understand=value))
        block.attributes = [entry for entry in block.attributes if entry[1] != "mustUnderstand"]
        block.attributes.append(("", "mustUnderstand", text))
        block.codes.add(Code.UNQUALIFIED_MUST_UNDERSTAND)
        draft.insert(place, block)

    return apply


def _valued(kind: type[HeaderBlock], **fields: object) -> Change:
    return lambda draft, place: draft.insert(place, block_of(make_value(kind, draft, **fields)))


# -- content and names ---------------------------------------------------------------------------------

_CONTENTS = (
    ("text", "text", "text"),
    ("reference", "a reference to a letter", "&#65;"),
    ("cdata", "a CDATA section", "<![CDATA[text]]>"),
    ("element", "a child element", "<a/>"),
    ("foreign-element", "a child element of another namespace", '<w:a xmlns:w="urn:example:w"/>'),
    ("text-behind-a-comment", "text behind a comment", "<!-- -->text"),
    ("elements", "child elements and white space", " <a/> <b/> "),
    ("no-break-space", "U+00A0, which is no white space", "\xa0"),
)


@ways_to_break(Code.UNEXPECTED_CONTENT)
def _unexpected_content(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        for way, note, content in _CONTENTS:
            change = _filled(content)
            note_ = f"{kind.spec.local_name} with {note} in it"
            yield Way(_name(kind, way), note_, _with_block(kind, change), ANYWHERE, mixes=True)
        way, note = _name(kind, "itself"), f"{kind.spec.local_name} inside itself"
        yield Way(way, note, _with_block(kind, _nested), ANYWHERE, mixes=True)


def _filled(content: str) -> Callable[[Draft, Block], None]:
    def apply(_draft: Draft, block: Block) -> None:
        block.content = content
        block.codes.add(Code.UNEXPECTED_CONTENT)

    return apply


def _nested(draft: Draft, block: Block) -> None:
    assert block.kind is not None
    value = make_value(block.kind, draft)
    block.content = block_of(value).written(draft.pen, draft)
    block.codes.add(Code.UNEXPECTED_CONTENT)
    sid = identifier_of(value)
    if sid is not None:
        draft.trap(Behaviour.ANY_DEPTH, {sid})


def _no_namespace(given: Given, local: str, content: str = "", **attributes: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        pairs = [("", name, value) for name, value in attributes.items()]
        draft.insert(place, unknown_block(given.types, "", local, content=content, attributes=pairs))

    return apply


@ways_to_break(Code.UNQUALIFIED_HEADER_BLOCK)
def _unqualified_header_block(given: Given) -> Iterator[Way]:
    for way, change in (
        ("BeginGetSessionToken", _no_namespace(given, "BeginGetSessionToken", mustUnderstand="0")),
        ("SessionToken", _no_namespace(given, "SessionToken", "<Token>5E55</Token>")),
        ("Security", _no_namespace(given, "Security", mustUnderstand="1")),
        ("a", _no_namespace(given, "a", "text <b/>")),
        ("Header", _no_namespace(given, "Header")),
        ("Body", _no_namespace(given, "Body", "<Session/>")),
    ):
        yield Way(way, f"{way} in no namespace", change, ANYWHERE, mixes=True)


@ways_to_break(Code.LOOKALIKE_HEADER_BLOCK)
def _lookalike_header_block(given: Given) -> Iterator[Way]:
    for kind in given.kinds:
        local, namespace = kind.spec.local_name, kind.spec.namespace
        upper = Behaviour.ANY_CASE
        foreign = Behaviour.ANY_NAMESPACE
        for way, note, space, name, behaviour in (
            ("lower-case", "in lower case", namespace, local.lower(), upper),
            ("upper-case", "in upper case", namespace, local.upper(), upper),
            ("no-namespace", "in no namespace", "", local, foreign),
            ("dsml", "in the namespace of [MS-DSML]", DSML_NS, local, foreign),
            ("namespace-case", "in upper case of its namespace", namespace.upper(), local, foreign),
            ("namespace-longer", "in a namespace that begins alike", f"{namespace}:rowset", local, foreign),
            ("namespace-slash", "in its namespace and a slash", f"{namespace}/", local, foreign),
            ("namespace-space", "in its namespace and a space", f"{namespace} ", local, foreign),
            ("soap", "in the namespace of SOAP", SOAP_11_NS, local, foreign),
        ):
            if f"{{{space}}}{name}" in given.types:
                continue
            change = _lookalike(given, kind, space, name, behaviour)
            yield Way(_name(kind, way), f"{local} {note}", change, ANYWHERE, mixes=True)
        for attribute in kind.spec.attributes:
            if attribute.identifier and f"{{{DSML_NS}}}{local}" not in given.types:
                note = f"{local} as [MS-DSML] has it, with a qualified {attribute.name}"
                way = _name(kind, f"as-in-dsml-{attribute.name}")
                yield Way(way, note, _as_in_dsml(given, kind, attribute), ANYWHERE, mixes=True)


def _as_in_dsml(given: Given, kind: type[HeaderBlock], attribute: AttributeSpec) -> Change:
    """Return what puts in a block as [MS-DSML] has it: the attribute is qualified, and ends in capitals."""

    def apply(draft: Draft, place: Place) -> None:
        sid, name = draft.sid(), attribute.name[:-2] + attribute.name[-2:].upper()
        local, attributes = kind.spec.local_name, [(DSML_NS, name, sid)]
        draft.insert(place, unknown_block(given.types, DSML_NS, local, prefix="ad", attributes=attributes))
        draft.trap(Behaviour.ANY_NAMESPACE, {sid})

    return apply


def _lookalike(
    given: Given, kind: type[HeaderBlock], namespace: str, local: str, behaviour: Behaviour
) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        value = make_value(kind, draft)
        attributes = block_of(value).attributes
        prefix = "ad" if namespace == DSML_NS else ""
        draft.insert(
            place, unknown_block(given.types, namespace, local, prefix=prefix, attributes=attributes)
        )
        sid = identifier_of(value)
        if sid is not None:
            draft.trap(behaviour, {sid})

    return apply
