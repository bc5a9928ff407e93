"""Schemas give the generated module, the rules and the header blocks of other vendors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xmlschema

import xmla_headers
from xmla_headers import Code, Direction, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    # Any: the fields are unknown until the schema is read.
    Types: TypeAlias = Mapping[str, Any]

ROOT = Path(__file__).resolve().parent.parent
SESSION_HEADERS = (ROOT / "schemas" / "xmla-session-headers.xsd").read_text(encoding="utf-8")
ENVELOPE = (ROOT / "schemas" / "soap-envelope-1.1.xsd").read_text(encoding="utf-8")

INVENTED = """
  <xs:element name="KeepAlive">
    <xs:annotation><xs:appinfo><xh:block directions="request"/></xs:appinfo></xs:annotation>
    <xs:complexType>
      <xs:attribute name="IntervalSeconds" type="xs:int" use="required"/>
      <xs:attribute name="Note" type="xs:string"/>
    </xs:complexType>
  </xs:element>
</xs:schema>"""


def message(*blocks: str) -> bytes:
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:x="urn:schemas-microsoft-com:xml-analysis"><soap:Header>'
        f"{''.join(blocks)}</soap:Header><soap:Body/></soap:Envelope>"
    ).encode()


def simple(declarations: str, namespace: str | None = "urn:x") -> str:
    target = "" if namespace is None else f'targetNamespace="{namespace}" xmlns:t="{namespace}"'
    return (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="{schema.APPINFO_NS}" {target}>'
        f"{declarations}</xs:schema>"
    )


def element(attributes: str, name: str = "Block") -> str:
    return f'<xs:element name="{name}"><xs:complexType>{attributes}</xs:complexType></xs:element>'


def generated_types(text: str) -> Types:
    namespace: dict[str, Types] = {}
    # Without the __future__ import of this module, as if the source were imported.
    exec(compile(schema.generate(text), "generated", "exec", dont_inherit=True), namespace)
    return namespace["SESSION_BLOCKS"]


def test_generated_module_is_up_to_date() -> None:
    source = (ROOT / "xmla_headers" / "session_headers.py").read_text(encoding="utf-8")
    assert source == schema.generate(SESSION_HEADERS), (
        "run: xmla-headers generate schemas/xmla-session-headers.xsd -o xmla_headers/session_headers.py"
    )


def test_specs_equal_those_of_the_classes() -> None:
    specs = {spec.qname: spec for spec in schema.specs_from_schema(SESSION_HEADERS)}
    assert specs == {qname: kind.spec for qname, kind in xmla_headers.SESSION_BLOCKS.items()}


@pytest.mark.parametrize("text", [SESSION_HEADERS, ENVELOPE], ids=["session-headers", "envelope"])
def test_schema_loads_in_xmlschema(text: str) -> None:
    assert xmlschema.XMLSchema10(text, allow="none").validity == "valid"


@pytest.mark.parametrize("make", [generated_types, schema.types_from_schema], ids=["generated", "run-time"])
def test_new_header_block_needs_only_a_schema(make: Callable[[str], Types]) -> None:
    types = make(SESSION_HEADERS.replace("</xs:schema>", INVENTED))
    qname = f"{{{xmla_headers.XMLA_NS}}}KeepAlive"
    keep_alive = types[qname]

    full = '<x:KeepAlive IntervalSeconds="30" Note="a&amp;b" soap:mustUnderstand="1"/>'
    header = xmla_headers.decode(message('<x:Session SessionId="A"/>', full), types=types).header
    session = types[f"{{{xmla_headers.XMLA_NS}}}Session"]("A")
    assert header.blocks == (
        session,
        keep_alive(interval_seconds="30", note="a&b", must_understand=True),
    )
    assert xmla_headers.decode_header(message(full.replace("Note", "note2")), types=types).blocks

    def codes(*blocks: str, direction: Direction | None = None) -> list[Code]:
        return [
            f.code for f in xmla_headers.iter_findings(message(*blocks), types=types, direction=direction)
        ]

    assert codes("<x:KeepAlive IntervalSeconds='1'/>") == []
    assert codes("<x:KeepAlive/>") == [Code.MISSING_ATTRIBUTE]
    assert codes("<x:KeepAlive IntervalSeconds='1' Other=''/>") == [Code.UNEXPECTED_ATTRIBUTE]
    assert codes("<x:KeepAlive IntervalSeconds='1'>text</x:KeepAlive>") == [Code.UNEXPECTED_CONTENT]
    assert codes(*["<x:KeepAlive IntervalSeconds='1'/>"] * 2) == [Code.DUPLICATE_HEADER_BLOCK]
    assert codes("<x:keepalive/>") == [Code.LOOKALIKE_HEADER_BLOCK]
    assert codes("<x:KeepAlive IntervalSeconds='1'/>", direction=Direction.RESPONSE) == [Code.WRONG_DIRECTION]
    # The new block is not an alternative to the session headers.
    assert codes("<x:KeepAlive IntervalSeconds='1'/>", "<x:BeginSession/>") == []


def test_new_header_block_without_types_is_unknown() -> None:
    header = xmla_headers.decode(message("<x:KeepAlive/>")).header
    assert [block.qname for block in header.unknown] == [f"{{{xmla_headers.XMLA_NS}}}KeepAlive"]


def test_group_gives_the_occurrence() -> None:
    group = (
        '<xs:group name="g"><xs:sequence><xs:element ref="t:Many" minOccurs="0" maxOccurs="unbounded"/>'
        '<xs:element ref="t:Two" minOccurs="0" maxOccurs="2"/></xs:sequence></xs:group>'
    )
    text = simple("".join(element("", name) for name in ("Many", "Two", "One")) + group)
    assert {spec.local_name: spec.max_occurs for spec in schema.specs_from_schema(text)} == {
        "Many": None,
        "Two": 2,
        "One": 1,
    }
    types = schema.types_from_schema(text)
    two = "<Two xmlns='urn:x'/>"
    assert (
        len(xmla_headers.decode(message(two, two, *["<Many xmlns='urn:x'/>"] * 5), types=types).header) == 7
    )
    findings = list(xmla_headers.iter_findings(message(two, two, two), types=types))
    assert [(f.code, f.path) for f in findings] == [
        (Code.DUPLICATE_HEADER_BLOCK, "/soap:Envelope/soap:Header/Two[3]")
    ]


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ("SessionId", "session_id"),
        ("SessionID", "session_id"),
        ("x", "x"),
        ("XMLNode", "xml_node"),
        ("client-note", "client_note"),
        ("class", "class_"),
        ("actor", "actor_"),
        ("Spec", "spec_"),
        ("Qname", "qname_"),
        ("ToDict", "to_dict_"),
    ],
)
def test_attribute_name_becomes_a_field_name(attribute: str, field: str) -> None:
    text = simple(element(f'<xs:attribute name="{attribute}" type="xs:string" use="required"/>'))
    both: tuple[Types, ...] = (schema.types_from_schema(text), generated_types(text))
    for types in both:
        (kind,) = types.values()
        assert getattr(kind(**{field: "v"}), field) == "v"
        assert kind.spec.by_name[attribute].field == field


def test_required_fields_precede_optional_ones() -> None:
    attributes = (
        '<xs:attribute name="A" type="xs:string"/><xs:attribute name="B" type="xs:string" use="required"/>'
    )
    text = simple(element(attributes))
    both: tuple[Types, ...] = (schema.types_from_schema(text), generated_types(text))
    for types in both:
        (kind,) = types.values()
        assert repr(kind("b")) == "Block(a=None, b='b')"


G = '<xs:attributeGroup name="{}">{}</xs:attributeGroup>'.format
A = '<xs:attribute name="{}"/>'.format
REF = '<xs:attributeGroup ref="t:{}"/>'.format
DERIVED = '<xs:complexContent><xs:{0} base="t:base">{1}</xs:{0}></xs:complexContent>'.format


# With an xs:anyAttribute, xmlschema sorts the attributes by name.
ANY = '<xs:anyAttribute namespace="##other"/>'
BASE = f'<xs:complexType name="base">{A("Z")}{A("B")}{ANY}</xs:complexType>'


@pytest.mark.parametrize(
    ("groups", "content", "names"),
    [
        ("", A("Z") + A("B"), "Z B"),
        ("", A("Z") + A("B") + ANY, "Z B"),
        (G("g", A("Z") + A("B")), REF("g") + A("Y") + A("A") + ANY, "Z B Y A"),
        (G("g", A("Z") + A("B")), A("Y") + A("A") + REF("g") + ANY, "Y A Z B"),
        (G("g", A("Z") + A("B") + ANY), A("Y") + REF("g") + A("A"), "Y Z B A"),
        (G("g", A("Z") + REF("h") + A("B")) + G("h", A("X")), A("Y") + REF("g") + A("A") + ANY, "Y Z X B A"),
        (G("g", A("Z")) + G("h", REF("g")), REF("h") + A("Y") + REF("g") + ANY, "Z Y"),
        (BASE, DERIVED("extension", A("A")), "Z B A"),
        (BASE, DERIVED("restriction", A("B")), "Z B"),
    ],
)
def test_attributes_have_the_order_of_the_schema(groups: str, content: str, names: str) -> None:
    text = simple(groups + element(content))
    both: tuple[Types, ...] = (schema.types_from_schema(text), generated_types(text))
    for types in both:
        (kind,) = types.values()
        assert [attribute.name for attribute in kind.spec.attributes] == names.split()
        block = kind(**{attribute.field: "v" for attribute in kind.spec.attributes})
        written = " ".join(f'{name}="v"' for name in names.split())
        assert written.encode() in xmla_headers.encode_block(block)


def test_attribute_groups_are_expanded_once() -> None:
    # If each reference were followed, this would take 2**60 steps.
    groups = "".join(
        G(f"a{n}", REF(f"g{n}")) + G(f"b{n}", REF(f"g{n}")) + G(f"g{n + 1}", REF(f"a{n}") + REF(f"b{n}"))
        for n in range(60)
    )
    text = simple(G("g0", A("Z") + A("B")) + groups + element(REF("g60") + A("A")))
    (spec,) = schema.specs_from_schema(text)
    assert [attribute.name for attribute in spec.attributes] == ["Z", "B", "A"]


def test_prohibited_attribute_is_no_field() -> None:
    text = simple(element('<xs:attribute name="A"/><xs:attribute name="B" use="prohibited"/>'))
    (spec,) = schema.specs_from_schema(text)
    assert [attribute.name for attribute in spec.attributes] == ["A"]


def test_generated_source_documents_attributes() -> None:
    note = '<xs:annotation><xs:documentation>A "note" \\\n here.</xs:documentation></xs:annotation>'
    source = schema.generate(simple(element(f'<xs:attribute name="Note">{note}</xs:attribute>')))
    assert 'note: str | None = None\n    """A \'note\' \\\\ here."""\n' in source


# The reason depends on the release of xmlschema.
RESERVED = "cannot be read|no header block can be in"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not its path"),
        ("/etc/hosts", "not its path"),
        ("https://example.org/schema.xsd", "not its path"),
        ("<not-closed", "cannot be read"),
        ("<a/>", "cannot be read"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "cannot be read"),
        (simple(""), "no global element"),
        (
            simple(element(""), "http://www.w3.org/XML/1998/namespace"),
            "cannot be read|no header block can be in",
        ),
        (simple(element(""), "http://schemas.xmlsoap.org/soap/envelope/"), RESERVED),
        (simple(element(""), "urn:a}b"), RESERVED),
        (simple(element('<xs:attribute name="__class__"/>')), "cannot be named in Python"),
        (simple(element(""), namespace=None), "no targetNamespace"),
        (simple('<xs:element name="A" type="xs:string"/>'), "no content"),
        (simple(element("<xs:sequence><xs:any/></xs:sequence>")), "no content"),
        (simple(element("", name="Größe")), "Python class"),
        (simple(element("", name="None")), "Python class"),
        (simple(element('<xs:attribute name="größe"/>')), "cannot be named in Python"),
        (
            simple(element('<xs:attribute name="aB"/><xs:attribute name="a_b"/>')),
            "two attributes would both be the field a_b",
        ),
        (
            simple(
                '<xs:element name="A"><xs:annotation><xs:appinfo><xh:block directions="sideways"/>'
                "</xs:appinfo></xs:annotation><xs:complexType/></xs:element>"
            ),
            "directions are request and response",
        ),
        (
            simple(
                element("", "A")
                + '<xs:group name="g"><xs:sequence><xs:element ref="t:A"/></xs:sequence></xs:group>'
            ),
            "minOccurs must be 0",
        ),
    ],
)
def test_generate_unusable_schema_is_refused(text: str, reason: str) -> None:
    with pytest.raises(schema.SchemaError, match=reason):
        schema.generate(text)


def test_generate_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match="as str"):
        schema.generate(b"<a/>")  # type: ignore[arg-type]


def test_generate_fetches_no_reference(tmp_path: Path) -> None:
    other = tmp_path / "other.xsd"
    other.write_text(
        simple('<xs:simpleType name="s"><xs:restriction base="xs:string"/></xs:simpleType>', "urn:y")
    )
    text = simple(
        f'<xs:import namespace="urn:y" schemaLocation="{other.as_uri()}"/>'
        + element('<xs:attribute name="A" type="y:s" xmlns:y="urn:y"/>')
    )
    with pytest.raises(schema.SchemaError):
        schema.generate(text)


def test_foreign_attributes_are_no_fields() -> None:
    attributes = (
        '<xs:attribute name="A" use="required"/><xs:attribute name="mustUnderstand" type="xs:int"/>'
        '<xs:attribute ref="xml:lang"/><xs:attribute name="Q" form="qualified"/><xs:anyAttribute/>'
    )
    text = simple('<xs:import namespace="http://www.w3.org/XML/1998/namespace"/>' + element(attributes))
    (spec,) = schema.specs_from_schema(text)
    assert [attribute.name for attribute in spec.attributes] == ["A"]
