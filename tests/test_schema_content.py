"""Schemas with typed attributes, text and child elements: what is generated, and what is refused."""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from xmla_headers import MICROSOFT_BLOCKS, AttributeSpec, ChildSpec, SimpleType, schema
from xmla_headers.simple_types import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="urn:xmla-headers:schema"'
    ' xmlns:t="urn:x" targetNamespace="urn:x" elementFormDefault="qualified">'
)


def text_of(*declarations: str) -> str:
    return f"{HEAD}{''.join(declarations)}</xs:schema>"


def block(content: str, more: str = "") -> str:
    return f'<xs:element name="Block" {more}><xs:complexType>{content}</xs:complexType></xs:element>'


def attribute(kind: str, more: str = "") -> str:
    """Return a block with an attribute of a type: a name, or a declaration."""
    if kind.startswith("<"):
        return block(f'<xs:attribute name="A" {more}>{kind}</xs:attribute>')
    return block(f'<xs:attribute name="A" type="{kind}" {more}/>')


def restricted(base: str, *facets: str) -> str:
    made = "".join(f'<xs:{facet.split("=")[0]} value="{facet.partition("=")[2]}"/>' for facet in facets)
    return f'<xs:simpleType><xs:restriction base="{base}">{made}</xs:restriction></xs:simpleType>'


def sequence(*elements: str) -> str:
    return block(f"<xs:sequence>{''.join(elements)}</xs:sequence>")


def types(text: str) -> dict[str, Any]:
    """Return the classes that are made at run time; the generated module must have the same."""
    made = schema.types_from_schema(text)
    namespace: dict[str, Any] = {}
    exec(compile(schema.generate(text), "generated", "exec", dont_inherit=True), namespace)
    generated: dict[str, Any] = namespace["SESSION_BLOCKS"]
    assert _described(generated) == _described(made)
    return generated


def _described(types: Mapping[str, Any]) -> dict[str, object]:
    """Return the spec and the fields of each class."""
    return {
        qname: (kind.spec, [(field.name, field.default) for field in fields(kind)])
        for qname, kind in types.items()
    }


def said(*parts: str) -> str:
    """Return an annotation with some xs:appinfo."""
    return f"<xs:annotation><xs:appinfo>{''.join(parts)}</xs:appinfo></xs:annotation>"


#: Declaration of an attribute, its spec.
ATTRIBUTES = [
    ("xs:string", SimpleType(), {}),
    ("xs:anySimpleType", None, {}),
    *((f"xs:{name}", SimpleType(name), {}) for name in BUILT_IN if name != "string"),
    (
        restricted("xs:token", "enumeration=a", "enumeration= b "),
        SimpleType("token", enumeration=("a", "b")),
        {},
    ),
    (restricted("xs:string", "length=3"), SimpleType(min_length=3, max_length=3), {}),
    (restricted("xs:string", "minLength=1", "maxLength=5"), SimpleType(min_length=1, max_length=5), {}),
    (restricted("xs:string", "pattern=a+", "pattern=b"), SimpleType(patterns=("a+|b",)), {}),
    (restricted("xs:string", "whiteSpace=collapse"), SimpleType(white_space="collapse"), {}),
    (
        restricted("xs:decimal", "minInclusive=0.50", "maxExclusive=2", "totalDigits=4", "fractionDigits=2"),
        SimpleType("decimal", minimum=Decimal("0.5"), below=Decimal(2), total_digits=4, fraction_digits=2),
        {},
    ),
    (restricted("xs:int", "minExclusive=0", "maxInclusive=9"), SimpleType("int", above=0, maximum=9), {}),
    ("xs:int", SimpleType("int"), {"default": 7}),
    ("xs:boolean", SimpleType("boolean"), {"fixed": False}),
    ("xs:decimal", SimpleType("decimal"), {"default": Decimal("1.5")}),
    ("xs:string", SimpleType(), {"default": 'a"b'}),
]


@pytest.mark.parametrize(("declared", "kind", "absent"), ATTRIBUTES)
def test_typed_attribute_becomes_a_spec(
    declared: str, kind: SimpleType | None, absent: dict[str, Any]
) -> None:
    more = "".join(
        f"""{name}='{str(value).lower() if isinstance(value, bool) else value}'"""
        for name, value in absent.items()
    )
    (made,) = types(text_of(attribute(declared, more))).values()
    # A text without facets has no type.
    kind = None if kind == SimpleType() else kind
    assert made.spec.attributes == (AttributeSpec("A", "a", type=kind, **absent),)
    assert made().a == next(iter(absent.values()), None)


def test_derived_types_keep_the_facets_of_their_base() -> None:
    one = restricted("xs:token", "minLength=2", "pattern=[a-z]+").replace(
        "<xs:simpleType", '<xs:simpleType name="one"'
    )
    two = restricted("t:one", "maxLength=4", "pattern=.*x").replace(
        "<xs:simpleType", '<xs:simpleType name="two"'
    )
    (made,) = types(text_of(one, two, attribute("t:two"))).values()
    wanted = SimpleType("token", min_length=2, max_length=4, patterns=("[a-z]+", ".*x"))
    assert made.spec.attributes[0].type == wanted


def test_child_elements_become_tuples() -> None:
    text = text_of(
        sequence(
            '<xs:element name="Step" type="xs:int" maxOccurs="3"/>',
            '<xs:element name="Note" type="xs:string" minOccurs="0" maxOccurs="unbounded"'
            ' form="unqualified"/>',
        )
    )
    (made,) = types(text).values()
    assert made.spec.children == (
        ChildSpec("Step", "step", namespace="urn:x", type=SimpleType("int"), max_occurs=3),
        ChildSpec("Note", "note", min_occurs=0, max_occurs=None),
    )
    assert made((1, 2)).note == ()


BASE = block('<xs:simpleContent><xs:extension base="xs:string"/></xs:simpleContent>')
BASE = BASE[BASE.index("<xs:complexType") : BASE.index("</xs:element>")].replace(
    "Type>", 'Type name="base">', 1
)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ('<xs:element name="Block" type="xs:int"/>', SimpleType("int")),
        ('<xs:element name="Block" type="xs:string"/>', SimpleType()),
        (block('<xs:simpleContent><xs:extension base="xs:token"/></xs:simpleContent>'), SimpleType("token")),
        (
            BASE
            + block(
                '<xs:simpleContent><xs:restriction base="t:base"><xs:maxLength value="3"/></xs:restriction>'
                "</xs:simpleContent>"
            ),
            SimpleType(max_length=3),
        ),
    ],
)
def test_text_content_becomes_a_field(declared: str, kind: SimpleType) -> None:
    (made,) = types(text_of(declared)).values()
    assert (made.spec.text, made.spec.attributes) == (kind, ())
    assert list(fields(made))[-1].name == "text"


IDENTIFIER = said('<xh:attribute identifier="true"/>')
BAD_CLASS = said('<xh:block class="A b"/>')
GLOBAL = '<xs:element name="{}" type="xs:token"{}/>'
LIST = '<xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType>'
UNION = '<xs:simpleType><xs:union memberTypes="xs:int xs:token"/></xs:simpleType>'
CHILD = '<xs:element name="C" type="xs:string"/>'

#: Declarations, the place in the schema, the reason.
REFUSED = [
    *(
        (attribute(f"xs:{name}"), "Block/@A", f"the type xs:{name} is not supported")
        for name in ("float", "double", "duration", "date", "hexBinary", "base64Binary", "NOTATION", "ID")
    ),
    (attribute("xs:NMTOKENS"), "Block/@A", "NMTOKENS is not supported|a list of values"),
    (attribute(LIST), "Block/@A", "a list of values is not supported"),
    (attribute(UNION), "Block/@A", "a union of values is not supported"),
    (attribute(restricted("xs:int", "pattern=1")), "Block/@A", "a pattern for xs:int is not supported"),
    (
        attribute(restricted("xs:dateTime", "minInclusive=2026-01-01T00:00:00")),
        "Block/@A",
        "its values are text",
    ),
    (
        attribute(restricted("xs:dateTime", "enumeration=2026-01-01T00:00:00")),
        "Block/@A",
        "an enumeration of",
    ),
    (attribute(restricted("xs:string", r"pattern=\p{IsGreek}")), "Block/@A", "not of a block"),
    (attribute(restricted("xs:string", "pattern=a{300}")), "Block/@A", "more than 256 times"),
    (
        block(f'<xs:attribute name="A" type="xs:int">{IDENTIFIER}</xs:attribute>'),
        "Block/@A",
        "an identifier must be text",
    ),
    *(
        (
            attribute(restricted("xs:QName", facet)),
            "Block/@A",
            f"the facet {name} of xs:QName is not supported",
        )
        for facet in ("enumeration=t:a", "pattern=t:.*", "length=3", "minLength=1", "maxLength=9")
        for name in [facet.partition("=")[0]]
    ),
    (attribute("xs:QName", 'default="t:a"'), "Block/@A", "a default value of xs:QName is not supported"),
    (attribute("xs:QName", 'fixed="t:a"'), "Block/@A", "a fixed value of xs:QName is not supported"),
    (
        block(f'<xs:attribute name="A" type="xs:QName">{IDENTIFIER}</xs:attribute>'),
        "Block/@A",
        "an identifier must be text, and no qualified name",
    ),
    (
        sequence(CHILD.replace('type="xs:string"/>', f">{restricted('xs:QName', 'pattern=a')}</xs:element>")),
        "Block/C",
        "the facet pattern of xs:QName is not supported",
    ),
    (block(f"<xs:choice>{CHILD}</xs:choice>"), "Block", "not one xs:sequence"),
    (block(f"<xs:all>{CHILD}</xs:all>"), "Block", "not one xs:sequence"),
    (block(f'<xs:sequence minOccurs="0">{CHILD}</xs:sequence>'), "Block", "not one xs:sequence"),
    (sequence("<xs:any/>"), "Block", "a group or a wildcard"),
    (
        sequence(f"<xs:sequence>{CHILD}{CHILD.replace('C', 'D')}</xs:sequence>"),
        "Block",
        "a group or a wildcard",
    ),
    (
        sequence('<xs:element name="C"><xs:complexType/></xs:element>'),
        "Block/C",
        "a child element with attributes",
    ),
    (sequence(CHILD.replace("/>", ' default="a"/>')), "Block/C", "a default value of an element"),
    (sequence(CHILD.replace("/>", ' fixed="a"/>')), "Block/C", "a fixed value of an element"),
    (sequence(CHILD.replace("/>", ' nillable="true"/>')), "Block/C", "nillable"),
    (sequence('<xs:element name="C" type="xs:float"/>'), "Block/C", "the type xs:float"),
    (sequence(CHILD, CHILD), "Block", "two attributes or child elements would both be the field c"),
    (
        sequence(CHILD).replace("complexType>", 'complexType mixed="true">', 1),
        "Block",
        "mixed content",
    ),
    ('<xs:element name="Block"/>', "Block", "mixed content"),
    (block("", 'nillable="true"'), "Block", "nillable"),
    (block("", 'abstract="true"'), "Block", "abstract"),
    (
        GLOBAL.format("Block", "") + GLOBAL.format("Other", ' substitutionGroup="t:Block"'),
        "Other",
        "substitution",
    ),
    (
        f'<xs:element name="Block" type="xs:int">{BAD_CLASS}</xs:element>',
        "A b",
        "usable for a Python class",
    ),
    (
        f'<xs:element name="Block" type="xs:int">{said("<xh:block/>" * 2)}</xs:element>',
        "Block",
        "a second header block",
    ),
]


@pytest.mark.parametrize(("declared", "place", "reason"), REFUSED)
def test_unsupported_part_is_refused_with_its_place(declared: str, place: str, reason: str) -> None:
    with pytest.raises(schema.SchemaError, match=rf"^{re.escape(place)}: .*({reason})"):
        schema.generate(text_of(declared))


def test_every_built_in_type_that_is_not_supported_is_refused() -> None:
    names = [
        *(
            "float",
            "double",
            "duration",
            "time",
            "date",
            "gYearMonth",
            "gYear",
            "gMonthDay",
            "gDay",
            "gMonth",
        ),
        *("hexBinary", "base64Binary", "NOTATION", "ID", "IDREF", "ENTITY"),
    ]
    for name in names:
        with pytest.raises(schema.SchemaError, match=f"Block/@A: the type xs:{name} is not supported"):
            schema.specs_from_schema(text_of(attribute(f"xs:{name}")))


def test_pattern_of_a_schema_is_matched_in_linear_time() -> None:
    # It would take Python's `re` longer than anybody waits.
    (kind,) = schema.specs_from_schema(text_of(attribute(restricted("xs:string", "pattern=(a*)*b"))))
    found = kind.attributes[0].type
    assert found is not None
    with pytest.raises(ValueError, match="that matches"):
        found.read("a" * 10_000 + "c")


def test_xh_blocks_make_a_class_for_each_namespace() -> None:
    text = text_of(
        '<xs:element name="Block">',
        said('<xh:block directions="request"/>', '<xh:block class="Plain" namespace="##local"/>'),
        "<xs:complexType/></xs:element>",
    )
    made = types(text)
    assert list(made) == ["{urn:x}Block", "Block"]
    assert [kind.__name__ for kind in made.values()] == ["Block", "Plain"]


def test_microsoft_blocks_are_those_of_the_schema() -> None:
    specs = schema.specs_from_schema(schema.read_schema("microsoft-headers.xsd"))
    assert {spec.qname: spec for spec in specs} == {
        qname: kind.spec for qname, kind in MICROSOFT_BLOCKS.items()
    }


def test_child_element_that_may_not_occur_is_no_field() -> None:
    never = CHILD.replace("/>", ' minOccurs="0" maxOccurs="0"/>')
    assert _described(types(text_of(sequence(never)))) == _described(types(text_of(sequence())))


def test_comment_in_a_restriction_is_ignored() -> None:
    facets = restricted("xs:int", "minInclusive=1").replace("<xs:minI", "<!-- at least one --><xs:minI")
    (kind,) = types(text_of(attribute(facets))).values()
    assert kind.spec.attributes[0].type == SimpleType("int", minimum=1)


@pytest.mark.parametrize("name", ["blocks", "A-B", "É", "1A"])
def test_name_of_the_mapping_must_be_in_capital_letters(name: str) -> None:
    text = text_of(said(f'<xh:module blocks="{name}"/>'), block(""))
    with pytest.raises(schema.SchemaError, match="must be one in capital letters"):
        schema.generate(text)
