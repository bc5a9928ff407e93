"""SchemaValidator finds the violations of schemas and their positions, and never fetches anything."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.hostile.load import labelled
from tests.profiles import scaled
from xmla_headers import RULES, SOAP_11_NS, SOAP_12_NS, XMLA_NS, Code, Limits, Severity, decode, iter_findings
from xmla_headers.schema import SchemaError, SchemaValidator, read_schema
from xmla_headers.schema import _located_trees as _placed_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xmla_headers import Finding

SECRET = "SECRET-0123456789"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XS = "http://www.w3.org/2001/XMLSchema"


def message(header: str = "", body: str = "", namespaces: str = "") -> str:
    return (
        f'<soap:Envelope xmlns:soap="{SOAP_11_NS}" xmlns:x="{XMLA_NS}" xmlns:v="urn:vendor"'
        f' xmlns:xsi="{XSI}"{namespaces}><soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body>'
        "</soap:Envelope>"
    )


def xsd(content: str, namespace: str | None = "urn:vendor", *, attributes: str = "") -> str:
    target = "" if namespace is None else f' targetNamespace="{namespace}" xmlns:t="{namespace}"'
    return (
        f'<xs:schema xmlns:xs="{XS}" elementFormDefault="qualified"{target}{attributes}>{content}</xs:schema>'
    )


VENDOR = xsd("""
  <xs:element name="Query">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="Type" maxOccurs="2">
          <xs:simpleType>
            <xs:restriction base="xs:string">
              <xs:pattern value="[A-Z_]+"/><xs:maxLength value="9"/>
            </xs:restriction>
          </xs:simpleType>
        </xs:element>
        <xs:element name="Rows" type="xs:int" minOccurs="0"/>
        <xs:element name="Any" type="xs:anyType" minOccurs="0"/>
        <xs:element name="Mode" minOccurs="0" nillable="true">
          <xs:simpleType>
            <xs:restriction base="xs:string">
              <xs:enumeration value="a"/><xs:enumeration value="b"/>
            </xs:restriction>
          </xs:simpleType>
        </xs:element>
        <xs:element name="Id" type="xs:ID" minOccurs="0" maxOccurs="9"/>
        <xs:element name="Ref" type="xs:IDREF" minOccurs="0" maxOccurs="9"/>
        <xs:element name="Fixed" type="xs:string" fixed="f" minOccurs="0"/>
        <xs:element name="Name" type="xs:QName" minOccurs="0"/>
        <xs:element name="List" minOccurs="0">
          <xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType>
        </xs:element>
        <xs:element name="Either" minOccurs="0">
          <xs:simpleType><xs:union memberTypes="xs:int xs:date"/></xs:simpleType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="since" type="xs:date"/>
      <xs:attribute name="version" type="xs:string" fixed="1"/>
      <xs:attribute name="odd" form="qualified" type="xs:int"/>
    </xs:complexType>
  </xs:element>
  <xs:element name="Ticket">
    <xs:complexType>
      <xs:attribute name="key" use="required" type="xs:string"/>
      <xs:attribute name="old" use="prohibited"/>
    </xs:complexType>
  </xs:element>
  <xs:element name="Thing" abstract="true" type="xs:string"/>
  <xs:element name="Count" type="xs:int"/>
  <xs:element name="Keys">
    <xs:complexType>
      <xs:sequence><xs:element name="k" type="xs:string" maxOccurs="9"/></xs:sequence>
    </xs:complexType>
    <xs:unique name="u"><xs:selector xpath="t:k"/><xs:field xpath="."/></xs:unique>
  </xs:element>
""")
T = "<v:Type>A</v:Type>"
HEADER, BODY = "/soap:Envelope/soap:Header", "/soap:Envelope/soap:Body"


@pytest.fixture(scope="module")
def vendor() -> SchemaValidator:
    return SchemaValidator({"vendor.xsd": VENDOR})


@pytest.fixture(scope="module")
def own() -> SchemaValidator:
    return SchemaValidator()


# -- findings ------------------------------------------------------------------------------------------

# Header, Body, then path and message of each finding.
FOUND: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("", f"<v:Query>{T}</v:Query>", []),
    ("<v:Ticket key=''/>", "", []),
    ("<v:Ticket/>", "", [(f"{HEADER}/v:Ticket/@key", "v:Ticket has no key")]),
    (
        f"<v:Ticket key='{SECRET}' lock='{SECRET}'/>",
        "",
        [(f"{HEADER}/v:Ticket/@lock", "the schema declares no attribute lock for v:Ticket")],
    ),
    (
        f"<v:Ticket key='' q:odd='{SECRET}' xmlns:q='urn:q'/>",
        "",
        [(f"{HEADER}/v:Ticket/@q:odd", "the schema declares no attribute q:odd for v:Ticket")],
    ),
    (
        f"<v:Ticket key='' old='{SECRET}'/>",
        "",
        [(f"{HEADER}/v:Ticket/@old", "the schema declares no attribute old for v:Ticket")],
    ),
    (
        f"<v:Ticket key=''>{SECRET}</v:Ticket>",
        "",
        [(f"{HEADER}/v:Ticket", "v:Ticket contains text")],
    ),
    (
        "",
        f"<v:Query><v:Type>{SECRET}</v:Type></v:Query>",
        [
            (f"{BODY}/v:Query/v:Type", "the content of v:Type does not match the pattern [A-Z_]+"),
            (f"{BODY}/v:Query/v:Type", "the content of v:Type does not satisfy maxLength 9"),
        ],
    ),
    ("", "<v:Query/>", [(f"{BODY}/v:Query", "v:Query lacks a child element: Type")]),
    (
        "",
        f"<v:Query>{T}<v:Type>a</v:Type></v:Query>",
        [(f"{BODY}/v:Query/v:Type[2]", "the content of v:Type does not match the pattern [A-Z_]+")],
    ),
    (
        "",
        f"<v:Query>{T}{T}{T}</v:Query>",
        [(f"{BODY}/v:Query/v:Type[3]", "the schema does not allow v:Type here")],
    ),
    (
        "",
        "<v:Query><v:Other/></v:Query>",
        [(f"{BODY}/v:Query/v:Other", "the schema does not allow v:Other here; it allows Type")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Rows>{SECRET}</v:Rows></v:Query>",
        [(f"{BODY}/v:Query/v:Rows", "the content of v:Rows is not of type xs:int")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Rows>99999999999</v:Rows></v:Query>",
        [(f"{BODY}/v:Query/v:Rows", "the content of v:Rows is not of type xs:int")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Rows><v:Rows/></v:Rows></v:Query>",
        [
            (f"{BODY}/v:Query/v:Rows", "v:Rows contains child elements"),
            (f"{BODY}/v:Query/v:Rows", "the content of v:Rows is not of type xs:int"),
        ],
    ),
    (
        "",
        f"<v:Query>{T}{SECRET}</v:Query>",
        [(f"{BODY}/v:Query", "v:Query contains text")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Mode>{SECRET}</v:Mode></v:Query>",
        [(f"{BODY}/v:Query/v:Mode", 'the content of v:Mode is not "a" or "b"')],
    ),
    ("", f"<v:Query>{T}<v:Mode xsi:nil='true'/></v:Query>", []),
    (
        "",
        f"<v:Query>{T}<v:Rows xsi:nil='true'/></v:Query>",
        [
            (f"{BODY}/v:Query/v:Rows/@xsi:nil", "the schema does not allow xsi:nil for v:Rows"),
            (f"{BODY}/v:Query/v:Rows", "the content of v:Rows is not of type xs:int"),
        ],
    ),
    (
        "",
        f"<v:Query>{T}<v:Rows xsi:nil='true'><v:Rows/></v:Rows></v:Query>",
        [
            (f"{BODY}/v:Query/v:Rows/@xsi:nil", "the schema does not allow xsi:nil for v:Rows"),
            (f"{BODY}/v:Query/v:Rows", "v:Rows contains child elements"),
            (f"{BODY}/v:Query/v:Rows", "the content of v:Rows is not of type xs:int"),
        ],
    ),
    (
        "",
        f"<v:Query since='{SECRET}'>{T}</v:Query>",
        [(f"{BODY}/v:Query/@since", "the attribute since of v:Query is not of type xs:date")],
    ),
    (
        "",
        f"<v:Query w:odd='{SECRET}' xmlns:w='urn:vendor'>{T}</v:Query>",
        [(f"{BODY}/v:Query/@w:odd", "the attribute w:odd of v:Query is not of type xs:int")],
    ),
    (
        "",
        f"<v:Query version='{SECRET}'>{T}</v:Query>",
        [
            (
                f"{BODY}/v:Query/@version",
                "the attribute version of v:Query is not the fixed value of the schema",
            )
        ],
    ),
    (
        "",
        f"<v:Query>{T}<v:Fixed>{SECRET}</v:Fixed></v:Query>",
        [(f"{BODY}/v:Query/v:Fixed", "the content of v:Fixed is not the fixed value of the schema")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Id>{SECRET}</v:Id><v:Id>{SECRET}</v:Id></v:Query>",
        [(f"{BODY}/v:Query/v:Id[2]", "v:Id violates a key, a uniqueness constraint or a reference to a key")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Ref>{SECRET}</v:Ref></v:Query>",
        [(f"{BODY}/v:Query", "v:Query violates a key, a uniqueness constraint or a reference to a key")],
    ),
    (
        "",
        f"<v:Keys><v:k>{SECRET}</v:k><v:k>{SECRET}</v:k></v:Keys>",
        [(f"{BODY}/v:Keys/v:k[2]", "v:k violates a key, a uniqueness constraint or a reference to a key")],
    ),
    (
        "",
        f"<v:Query>{T}<v:List>1 {SECRET} 3</v:List></v:Query>",
        [(f"{BODY}/v:Query/v:List", "the content of v:List is not of type xs:int")],
    ),
    (
        "",
        f"<v:Query>{T}<v:Either>{SECRET}</v:Either></v:Query>",
        [(f"{BODY}/v:Query/v:Either", "the content of v:Either is not of its type")],
    ),
    ("", f"<v:Thing>{SECRET}</v:Thing>", [(f"{BODY}/v:Thing", "the schema declares v:Thing as abstract")]),
    (
        "",
        f"<v:Count xsi:type='{SECRET}'>1</v:Count>",
        [(f"{BODY}/v:Count/@xsi:type", "xsi:type of v:Count names no type that the schema allows there")],
    ),
    (
        "",
        f"<v:Count xsi:type='xs:date' xmlns:xs='{XS}'>1</v:Count>",
        [
            (f"{BODY}/v:Count/@xsi:type", "xsi:type of v:Count names no type that the schema allows there"),
        ],
    ),
    # Each of several elements has a finding; an undeclared element has none.
    (
        "<v:Ticket/><Other xmlns='urn:other'/><v:Ticket key=''/><v:Ticket/><v:unknown/>",
        f"<v:Query/><w:Query xmlns:w='urn:other'/><v:Query>{T}</v:Query><v:Query/><Query/>",
        [
            (f"{HEADER}/v:Ticket/@key", "v:Ticket has no key"),
            (f"{HEADER}/v:Ticket[3]/@key", "v:Ticket has no key"),
            (f"{BODY}/v:Query", "v:Query lacks a child element: Type"),
            (f"{BODY}/v:Query[3]", "v:Query lacks a child element: Type"),
        ],
    ),
    # A declared element inside of an undeclared one has none either.
    ("<o xmlns='urn:other'><v:Ticket/></o>", "<o xmlns='urn:other'><v:Query/></o>", []),
]


@pytest.mark.parametrize(("header", "body", "expected"), FOUND)
def test_violation_has_path_and_message(
    vendor: SchemaValidator, header: str, body: str, expected: list[tuple[str, str]]
) -> None:
    findings = list(vendor.iter_findings(message(header, body).encode()))
    assert [(finding.path, finding.message) for finding in findings] == expected
    rule = RULES[Code.SCHEMA_VIOLATION]
    for finding in findings:
        assert (finding.code, finding.severity) == (rule.code, Severity.ERROR)
        assert finding.reference == "vendor.xsd (urn:vendor)"


@pytest.mark.parametrize(("header", "body", "_expected"), FOUND)
def test_findings_quote_no_value(vendor: SchemaValidator, header: str, body: str, _expected: object) -> None:
    for finding in vendor.iter_findings(message(header, body).encode()):
        assert SECRET not in repr(finding)
        assert "\n" not in str(finding)
        assert finding.message.isprintable()
        assert len(finding.message) < 1_000


def test_messages_use_no_sentence_of_xmlschema(
    vendor: SchemaValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors_of = xmlschema.XMLSchema10.iter_errors

    def silenced(*args: Any, **options: Any) -> Iterator[xmlschema.XMLSchemaValidationError]:
        for error in errors_of(*args, **options):
            error.reason = error._message = ""
            yield error

    monkeypatch.setattr(xmlschema.XMLSchema10, "iter_errors", silenced)
    for header, body, expected in FOUND:
        findings = vendor.iter_findings(message(header, body).encode())
        assert [(finding.path, finding.message) for finding in findings] == expected


INT_WITH_A = (
    '<xs:simpleContent><xs:extension base="xs:int"><xs:attribute name="a" type="xs:int"/></xs:extension>'
    "</xs:simpleContent>"
)
IDS = (
    '<xs:sequence><xs:element name="I" maxOccurs="2"><xs:complexType><xs:attribute name="a" type="xs:ID"/>'
    "</xs:complexType></xs:element></xs:sequence>"
)
SIX = (
    '<xs:attribute name="a"><xs:simpleType><xs:restriction base="xs:string">'
    + "".join(f'<xs:enumeration value="{n}"/>' for n in range(1, 7))
    + "</xs:restriction></xs:simpleType></xs:attribute>"
)
NO_NAME = r"does not match the pattern [\i-[:]][\c-[:]]*"

# Content of a type, element, then path below the element and message of each finding.
WORDS: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        '<xs:attribute name="a" use="required"/><xs:attribute name="b" use="required"/>',
        f"<v:E c='{SECRET}' d='{SECRET}'/>",
        [
            ("/@a", "v:E has no a"),
            ("/@b", "v:E has no b"),
            ("/@c", "the schema declares no attribute c for v:E"),
            ("/@d", "the schema declares no attribute d for v:E"),
        ],
    ),
    (
        '<xs:attribute name="a" type="xs:int"/><xs:attribute name="b" type="xs:int"/>',
        f"<v:E a='1' b='{SECRET}'/>",
        [("/@b", "the attribute b of v:E is not of type xs:int")],
    ),
    *(
        (
            f'<xs:attribute name="a" type="xs:{name}"/>',
            f"<v:E a='{value}'/>",
            [("/@a", f"the attribute a of v:E is not of type xs:{name}")],
        )
        # A function of xmlschema checks each, whose name is not that of the type.
        for name, value in (
            ("unsignedInt", "-1"),
            ("nonNegativeInteger", "-1"),
            ("negativeInteger", "1"),
            ("base64Binary", "*"),
            ("QName", "a:b:c"),
        )
    ),
    (
        INT_WITH_A,
        f"<v:E a='{SECRET}'>{SECRET}</v:E>",
        [
            ("/@a", "the attribute a of v:E is not of type xs:int"),
            ("", "the content of v:E is not of type xs:int"),
        ],
    ),
    (
        INT_WITH_A,
        f"<v:E a='1'>{SECRET}</v:E>",
        [("", "the content of v:E is not of type xs:int")],
    ),
    (
        IDS,
        f"<v:E><v:I a='{SECRET}'/><v:I a='{SECRET}'/></v:E>",
        [("/v:I[2]", "v:I violates a key, a uniqueness constraint or a reference to a key")],
    ),
    (
        IDS,
        f"<v:E><v:I a='1' b='{SECRET}'/></v:E>",
        [
            ("/v:I/@a", f"the attribute a of v:I {NO_NAME}"),
            ("/v:I/@b", "the schema declares no attribute b for v:I"),
        ],
    ),
    (
        '<xs:anyAttribute namespace="##other" processContents="strict"/>',
        f"<v:E q:a='{SECRET}' xmlns:q='urn:q'/>",
        [("/@q:a", "the schema declares no attribute q:a for v:E")],
    ),
    (
        '<xs:anyAttribute namespace="##other" processContents="lax"/>',
        f"<v:E a='{SECRET}' q:a='' xmlns:q='urn:q'/>",
        [("/@a", "the schema declares no attribute a for v:E")],
    ),
    (
        '<xs:sequence><xs:any processContents="strict"/></xs:sequence>',
        "<v:E><v:F/></v:E>",
        [("/v:F", "the schema does not declare v:F, or does not allow it here")],
    ),
    (
        SIX,
        f"<v:E a='{SECRET}'/>",
        [("/@a", 'the attribute a of v:E is not "1", "2", "3", "4", "5", …')],
    ),
    ("", f"<v:E>{SECRET}</v:E>", [("", "v:E contains text")]),
    (
        '<xs:sequence><xs:any processContents="strict"/></xs:sequence>',
        "<v:E xsi:nil='0'/>",
        [
            ("/@xsi:nil", "the schema does not allow xsi:nil for v:E"),
            ("", "v:E lacks a child element"),
        ],
    ),
]


@pytest.mark.parametrize(("content", "element", "expected"), WORDS)
def test_message_names_the_part_of_the_element(
    content: str, element: str, expected: list[tuple[str, str]]
) -> None:
    declaration = f'<xs:element name="E"><xs:complexType>{content}</xs:complexType></xs:element>'
    validator = SchemaValidator({"a.xsd": xsd(declaration)})
    findings = list(validator.iter_findings(message("", element).encode()))
    assert [(finding.path, finding.message) for finding in findings] == [
        (f"{BODY}/v:E{path}", text) for path, text in expected
    ]


def test_message_names_both_causes_where_either_is_possible(vendor: SchemaValidator) -> None:
    body = f"<v:Keys xsi:type='xs:date' xmlns:xs='{XS}'><v:k>{SECRET}</v:k></v:Keys>"
    (finding,) = vendor.iter_findings(message("", body).encode())
    assert finding.message == (
        "xsi:type of v:Keys names no type that the schema allows there,"
        " or v:Keys violates a key, a uniqueness constraint or a reference to a key"
    )


def test_message_names_an_abstract_type() -> None:
    abstract = '<xs:element name="E" type="t:T"/><xs:complexType name="T" abstract="true"/>'
    validator = SchemaValidator({"a.xsd": xsd(abstract)})
    (finding,) = validator.iter_findings(message("", "<v:E/>").encode())
    assert finding.message == "the schema declares the type of v:E as abstract"


# Attributes and content of v:Mode, which may be nil, then path and message.
NIL = [
    ("xsi:nil='maybe'", "a", "/@xsi:nil", "xsi:nil of v:Mode is not a boolean value"),
    ("xsi:nil='1'", "a", "/@xsi:nil", "v:Mode has xsi:nil and is not empty"),
]


@pytest.mark.parametrize(("attributes", "content", "path", "text"), NIL)
def test_message_names_the_rule_of_xsi_nil(
    vendor: SchemaValidator, attributes: str, content: str, path: str, text: str
) -> None:
    body = f"<v:Query>{T}<v:Mode {attributes}>{content}</v:Mode></v:Query>"
    (finding,) = vendor.iter_findings(message("", body).encode())
    assert (finding.path, finding.message) == (f"{BODY}/v:Query/v:Mode{path}", text)


# Elements with a place for an invalid value.
WRONG = (
    "<v:Query><v:Type>q{}</v:Type></v:Query>",
    f'<v:Query since="{{}}">{T}</v:Query>',
    f'<v:Query v:odd="{{}}">{T}</v:Query>',
    f'<v:Query version="{{}}">{T}</v:Query>',
    f"<v:Query>{T}<v:Rows>{{}}</v:Rows></v:Query>",
    f"<v:Query>{T}<v:Mode>{{}}</v:Mode></v:Query>",
    f"<v:Query>{T}<v:Fixed>{{}}</v:Fixed></v:Query>",
    f"<v:Query>{T}<v:List>1 {{}}</v:List></v:Query>",
    f"<v:Query>{T}<v:Either>{{}}</v:Either></v:Query>",
    f"<v:Query>{T}<v:Name>1{{}}</v:Name></v:Query>",
    f'<v:Query>{T}<v:Any xsi:type="{{}}"/></v:Query>',
    f'<v:Query xsi:type="{{}}">{T}</v:Query>',
    f'<v:Query>{T}<v:Rows xsi:nil="{{}}"/></v:Query>',
    '<v:Ticket key="" lock="{}"/>',
    '<v:Ticket key="">{}</v:Ticket>',
    "<v:Keys><v:k>{0}</v:k><v:k>{0}</v:k></v:Keys>",
)


@pytest.mark.parametrize("body", WRONG)
@settings(max_examples=scaled(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.sampled_from("ab'\"=<{} \n:1"), max_size=12))
def test_findings_quote_no_drawn_value(vendor: SchemaValidator, body: str, value: str) -> None:
    escaped = value.translate({ord("<"): "&lt;", ord('"'): "&quot;", ord("\n"): "&#10;"})
    findings = list(vendor.iter_findings(message("", body.format(f"ZQ{escaped}QZ")).encode()))
    assert findings
    for finding in findings:
        assert "ZQ" not in repr(finding)
        assert "QZ" not in repr(finding)


def test_own_schemas_are_the_default(own: SchemaValidator) -> None:
    assert set(own.declared.values()) == {"xmla-session-headers.xsd", "soap-envelope-1.1.xsd"}
    (finding,) = own.iter_findings(message("<x:Session/>").encode())
    assert str(finding) == (
        "1:208: error[schema-violation]: x:Session has no SessionId"
        " - at /soap:Envelope/soap:Header/x:Session/@SessionId"
    )
    assert finding.reference == f"xmla-session-headers.xsd ({XMLA_NS})"


def test_declared_names_the_schema_of_each_element(vendor: SchemaValidator) -> None:
    assert vendor.declared["{urn:vendor}Query"] == "vendor.xsd"
    assert set(vendor.declared.values()) == {"vendor.xsd"}


@pytest.mark.parametrize("declared", [f' xmlns:xsd="{XS}"', ""])
@pytest.mark.parametrize("inner", ["xsd", "other"])
@pytest.mark.parametrize("value", ["12", "twelve"])
def test_prefix_in_a_value_has_the_namespace_in_scope(
    vendor: SchemaValidator, declared: str, inner: str, value: str
) -> None:
    here = "" if declared and inner == "xsd" else f' xmlns:{inner}="{XS}"'
    body = f'<v:Query>{T}<v:Any{here} xsi:type="{inner}:int">{value}</v:Any></v:Query>'
    findings = list(vendor.iter_findings(message("", body, declared).encode()))
    assert [finding.message for finding in findings] == (
        [] if value == "12" else ["the content of v:Any is not of type xs:int"]
    )


def test_prefix_rebound_has_the_innermost_namespace(vendor: SchemaValidator) -> None:
    body = (
        f'<v:Query>{T}<v:Any xmlns:p="{XS}"><a xmlns:p="urn:q"/><b xsi:type="p:int">x</b></v:Any></v:Query>'
    )
    (finding,) = vendor.iter_findings(message("", body, ' xmlns:p="urn:z"').encode())
    assert finding.path == f"{BODY}/v:Query/v:Any/b"


def test_accepted_messages_are_valid_by_the_own_schemas(own: SchemaValidator) -> None:
    for header in ("<x:BeginSession soap:mustUnderstand='1'/>", "<x:Session SessionId=''/>", "<v:Ticket/>"):
        assert not list(own.iter_findings(message(header).encode()))


# -- which elements are checked ------------------------------------------------------------------------

BROKEN = "<v:Ticket/>"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        message(BROKEN)[:-3].encode(),
        message(BROKEN, "<a>").encode(),
        message(BROKEN, "<u:a/>").encode(),
        message(BROKEN, "<?pi?>").encode(),
        b"<!DOCTYPE a>" + message(BROKEN).encode(),
        message(BROKEN).encode().replace(SOAP_11_NS.encode(), b"urn:other"),
        message(BROKEN).encode().replace(b"soap:Envelope", b"soap:Other"),
        b"<v:Ticket xmlns:v='urn:vendor'/>",
    ],
)
def test_unreadable_message_has_no_findings(vendor: SchemaValidator, data: bytes) -> None:
    assert any(finding.severity is Severity.ERROR for finding in iter_findings(data))
    assert not list(vendor.iter_findings(data))


@pytest.mark.parametrize(
    "limits",
    [Limits(max_message_bytes=99), Limits(max_header_bytes=9), Limits(max_depth=3), Limits(max_attributes=2)],
)
def test_message_beyond_the_limits_has_no_findings(vendor: SchemaValidator, limits: Limits) -> None:
    data = message("", f"<v:Query><v:Type>a</v:Type>{T}</v:Query>").encode()
    assert list(vendor.iter_findings(data))
    assert not list(vendor.iter_findings(data, limits=limits))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (message(f"{BROKEN}text"), Code.UNEXPECTED_TEXT),
        (message(BROKEN).replace("<soap:Body></soap:Body>", ""), Code.MISSING_BODY),
        (
            message(BROKEN).replace("<soap:Body>", f"<soap:Header>{BROKEN * 2}</soap:Header><soap:Body>"),
            Code.DUPLICATE_HEADER,
        ),
        (
            message(BROKEN).replace("</soap:Body>", f"</soap:Body><soap:Body>{BROKEN}</soap:Body>"),
            Code.DUPLICATE_BODY,
        ),
        (
            message(BROKEN).replace("</soap:Body>", f"</soap:Body><soap:Header>{BROKEN}</soap:Header>"),
            Code.DUPLICATE_HEADER,
        ),
        (message(f"{BROKEN}<x:Session/>"), Code.MISSING_ATTRIBUTE),
    ],
)
def test_message_refused_by_rules_is_checked(vendor: SchemaValidator, data: str, code: Code) -> None:
    assert code in {finding.code for finding in iter_findings(data.encode())}
    (finding,) = vendor.iter_findings(data.encode())
    assert finding.path == f"{HEADER}/v:Ticket/@key"


def test_soap_1_2_is_checked(vendor: SchemaValidator) -> None:
    (finding,) = vendor.iter_findings(message(BROKEN).replace(SOAP_11_NS, SOAP_12_NS).encode())
    assert finding.path == f"{HEADER}/v:Ticket/@key"


def test_misplaced_header_is_not_checked(vendor: SchemaValidator) -> None:
    data = (
        f'<s:Envelope xmlns:s="{SOAP_11_NS}" xmlns:v="urn:vendor"><s:Body/><s:Header>{BROKEN}</s:Header>'
        "</s:Envelope>"
    ).encode()
    assert [finding.code for finding in iter_findings(data)] == [Code.MISPLACED_HEADER]
    assert not list(vendor.iter_findings(data))


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_buffer_of_any_type_is_accepted(vendor: SchemaValidator, make: Callable[[bytes], Any]) -> None:
    assert len(list(vendor.iter_findings(make(message(BROKEN).encode())))) == 1


def test_buffer_may_change_after_the_call(vendor: SchemaValidator) -> None:
    data = bytearray(message(BROKEN, "<v:Query/>").encode())
    findings = vendor.iter_findings(data)
    data[:] = bytes(len(data))
    assert len(list(findings)) == 2


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("text",), TypeError),
        ((b"", {"encoding": 1}), TypeError),
        ((b"", {"limits": 1}), TypeError),
    ],
)
def test_wrong_arguments_are_refused_at_the_call(
    vendor: SchemaValidator, arguments: tuple[Any, ...], kind: type[Exception]
) -> None:
    data, *more = arguments
    with pytest.raises(kind):
        vendor.iter_findings(data, **(more[0] if more else {}))


# -- positions -----------------------------------------------------------------------------------------

ENCODINGS: list[tuple[str, bytes, str, str | None]] = [
    ("utf-8", b"", "", None),
    ("utf-8", b"\xef\xbb\xbf", "", None),
    ("utf-8", b"\xef\xbb\xbf", '<?xml version="1.0" encoding="utf-8"?>\n', None),
    ("utf-16-le", b"\xff\xfe", "", None),
    ("utf-16-be", b"\xfe\xff", '<?xml version="1.0" encoding="UTF-16"?>\r\n', None),
    ("iso-8859-1", b"", '<?xml version="1.0" encoding="ISO-8859-1"?>\n', None),
    ("iso-8859-1", b"", "", "latin1"),
    ("us-ascii", b"", '<?xml version="1.0" encoding="us-ascii"?>', None),
]


@pytest.mark.parametrize(("codec", "mark", "declaration", "charset"), ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_position_is_right_in_every_encoding(
    vendor: SchemaValidator, codec: str, mark: bytes, declaration: str, charset: str | None, end: str
) -> None:
    wide = {"us-ascii": "e", "iso-8859-1": "é"}.get(codec, "é漢🔑")
    text = declaration + message(
        f"{end}<!--{wide}-->{end}<v:Ticket key='{wide}' />{wide and ''}{end} <v:Ticket/>",
        f"{end}{wide}<v:Query>{end}<!--{wide}--><v:Type>{wide}</v:Type>"
        f"<v:Any a='{wide}'>{wide}{end}<v:Rows/></v:Any></v:Query>",
    )
    findings = list(vendor.iter_findings(mark + text.encode(codec), encoding=charset))
    assert [finding.path for finding in findings] == [
        f"{HEADER}/v:Ticket[2]/@key",
        f"{BODY}/v:Query/v:Type",
    ]
    for finding, tag in zip(findings, ("<v:Ticket/>", "<v:Type>"), strict=True):
        before = text[: text.index(tag)]
        lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert finding.offset == len(mark) + len(before.encode(codec))
        assert (finding.line, finding.column) == (len(lines), len(lines[-1]) + 1)


@pytest.mark.no_cover
@pytest.mark.slow
def test_position_in_a_large_body_is_right(vendor: SchemaValidator) -> None:
    rows = "".join(f"<v:Query>{T}<v:Rows>{n}</v:Rows></v:Query>\n" for n in range(20_000))
    body = rows.replace(">19998<", ">19998x<").replace(">7<", ">7x<")
    findings = list(vendor.iter_findings(message("", body).encode()))
    assert [(finding.line, finding.path) for finding in findings] == [
        (8, f"{BODY}/v:Query[8]/v:Rows"),
        (19_999, f"{BODY}/v:Query[19999]/v:Rows"),
    ]


def test_findings_are_sorted_by_offset(vendor: SchemaValidator) -> None:
    # xmlschema reports an IDREF without an ID last, at the root.
    body = f"<v:Query>{T}<v:Rows>x</v:Rows><v:Ref>a</v:Ref></v:Query><v:Query/>"
    findings = list(vendor.iter_findings(message(BROKEN, body).encode()))
    assert [finding.path for finding in findings] == [
        f"{HEADER}/v:Ticket/@key",
        f"{BODY}/v:Query",
        f"{BODY}/v:Query/v:Rows",
        f"{BODY}/v:Query[2]",
    ]
    offsets = [finding.offset or 0 for finding in findings]
    assert offsets == sorted(set(offsets))


def test_path_counts_names_as_they_are_written(vendor: SchemaValidator) -> None:
    body = f"<v:Query>{T}</v:Query><w:Query xmlns:w='urn:vendor'/><v:Query/>"
    findings = vendor.iter_findings(message("", body).encode())
    assert [finding.path for finding in findings] == [f"{BODY}/w:Query", f"{BODY}/v:Query[2]"]


# -- limits --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("count", [99, 100, 101, 5_000])
@pytest.mark.parametrize("many", ["elements", "violations of one"])
def test_findings_are_limited_and_say_so(vendor: SchemaValidator, count: int, many: str) -> None:
    body = "<v:Query/>" * count
    if many != "elements":
        body = f"<v:Query>{T}<v:Any>{'<v:Count>x</v:Count>' * count}</v:Any></v:Query>"
    findings = list(vendor.iter_findings(message("", body).encode()))
    assert len(findings) == min(count, 101)
    assert [finding for finding in findings if "is left out" in finding.message] == findings[100:]


def test_element_is_checked_when_its_finding_is_taken(
    vendor: SchemaValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    build = _placed_tree.PlacedElement._build

    def counted(self: _placed_tree.PlacedElement) -> Any:
        built.append(self.path)
        return build(self)

    monkeypatch.setattr(_placed_tree.PlacedElement, "_build", counted)
    findings = vendor.iter_findings(message(BROKEN, "<v:Query/>" * 5).encode())
    assert not built
    next(findings)
    assert built == [f"{HEADER}/v:Ticket"]
    next(findings)
    assert built == [f"{HEADER}/v:Ticket", f"{BODY}/v:Query"]


@pytest.mark.slow
def test_tree_of_a_checked_element_is_freed(vendor: SchemaValidator, monkeypatch: pytest.MonkeyPatch) -> None:
    trees: list[weakref.ref[Any]] = []
    build = _placed_tree.PlacedElement._build

    def noted(self: _placed_tree.PlacedElement) -> Any:
        tree = build(self)
        trees.append(weakref.ref(tree))
        return tree

    monkeypatch.setattr(_placed_tree.PlacedElement, "_build", noted)
    for _ in vendor.iter_findings(message("", "<v:Query/>" * 20).encode()):
        gc.collect()
        assert sum(tree() is not None for tree in trees) <= 2
    assert len(trees) == 20


def test_undeclared_elements_get_no_tree(vendor: SchemaValidator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_placed_tree.PlacedElement, "_build", None)
    assert not list(vendor.iter_findings(message("<a/>", "<b/>" * 1_000).encode()))


# -- exceptions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecursionError(SECRET), "it, or the schema, nests too deep"),
        (KeyError(SECRET), "an xsi:type in it names no type that the schema declares"),
        (ZeroDivisionError(SECRET), "ZeroDivisionError"),
    ],
)
def test_exception_of_xmlschema_becomes_a_finding(
    vendor: SchemaValidator, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(xmlschema.XMLSchema10, "iter_errors", stumble)
    findings = list(vendor.iter_findings(message("<v:Ticket key=''/>", "<v:Count>1</v:Count>").encode()))
    assert [finding.message for finding in findings] == [
        f"v:Ticket cannot be checked against the schema: {said}",
        f"v:Count cannot be checked against the schema: {said}",
    ]


def test_unknown_xsi_type_inside_becomes_a_finding(vendor: SchemaValidator) -> None:
    body = f"<v:Query>{T}<v:Any xsi:type='{SECRET}'/></v:Query><v:Query/>"
    first, second = vendor.iter_findings(message("", body).encode())
    assert "an xsi:type in it names no type that the schema declares" in first.message
    assert SECRET not in repr(first)
    assert second.path == f"{BODY}/v:Query[2]"


def test_depth_beyond_the_stack_becomes_a_finding(vendor: SchemaValidator) -> None:
    def findings(depth: int, limits: Limits) -> list[Finding]:
        body = f"<v:Query>{T}<v:Any>{'<a>' * depth}{'</a>' * depth}</v:Any></v:Query>"
        return list(vendor.iter_findings(message("", body).encode(), limits=limits))

    assert findings(252, Limits()) == []
    assert findings(253, Limits()) == []  # refused by the limit, and not checked
    (finding,) = findings(5_000, Limits(max_depth=None))
    assert "nests too deep" in finding.message


def test_name_refused_by_elementtree_becomes_a_finding(vendor: SchemaValidator) -> None:
    data = message("", "<v:Query><a xmlns='urn:}'/></v:Query>").encode()
    decode(data, deep=True)
    (finding,) = vendor.iter_findings(data)
    assert finding.message.startswith("v:Query cannot be checked against the schema")


# -- schemas that refer to each other ------------------------------------------------------------------

INCLUDING = '<xs:include schemaLocation="{}"/><xs:element name="A" type="t:Short"/>'
SHORT = (
    '<xs:simpleType name="Short"><xs:restriction base="xs:string"><xs:maxLength value="2"/></xs:restriction>'
    "</xs:simpleType>"
)
A = "<v:A>{}</v:A>"


def verdicts(schemas: Mapping[str, str], *bodies: str) -> list[int]:
    validator = SchemaValidator(schemas)
    return [len(list(validator.iter_findings(message("", body).encode()))) for body in bodies]


@pytest.mark.parametrize(
    ("name", "location", "other"),
    [
        ("a.xsd", "b.xsd", "b.xsd"),
        ("a.xsd", " b.xsd\n", "b.xsd"),
        ("a.xsd", "types/b.xsd", "types/b.xsd"),
        ("schemas/a.xsd", "types/b.xsd", "schemas/types/b.xsd"),
        ("schemas/a.xsd", "../b.xsd", "b.xsd"),
        ("/x/schemas/a.xsd", "./b.xsd", "/x/schemas/b.xsd"),
        ("a.xsd", "http://127.0.0.1/b.xsd", "b.xsd"),
        ("a.xsd", "file:///etc/b.xsd", "/home/me/b.xsd"),
        ("a.xsd", "http://127.0.0.1/b.xsd", "http://127.0.0.1/b.xsd"),
        ("a.xsd", "&#x62;.xsd", "b.xsd"),
    ],
)
@pytest.mark.parametrize("chameleon", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_include_finds_a_schema_by_name(
    name: str, location: str, other: str, *, chameleon: bool, first: bool
) -> None:
    schemas = {
        name: xsd(INCLUDING.format(location)),
        other: xsd(SHORT, None if chameleon else "urn:vendor"),
    }
    if first:
        schemas = dict(reversed(schemas.items()))
    assert verdicts(schemas, A.format("ab"), A.format("abc")) == [0, 1]


def test_include_in_a_circle_is_accepted() -> None:
    schemas = {
        "a.xsd": xsd('<xs:include schemaLocation="b.xsd"/><xs:element name="A" type="t:Short"/>'),
        "b.xsd": xsd(f'<xs:include schemaLocation="a.xsd"/><xs:include schemaLocation="b.xsd"/>{SHORT}'),
    }
    assert verdicts(schemas, A.format("abc")) == [1]


def test_include_gives_its_namespace() -> None:
    inner = '<xs:include schemaLocation="d.xsd"/><xs:element name="A" type="Short"/>'
    schemas = {
        "a.xsd": xsd('<xs:include schemaLocation="c.xsd"/>'),
        "b.xsd": xsd('<xs:include schemaLocation="c.xsd"/>', "urn:b"),
        "c.xsd": xsd(inner, None),
        "d.xsd": xsd(SHORT, None),
    }
    other = "<A xmlns='urn:b'>abc</A>"
    assert verdicts(schemas, A.format("abc"), other, "<A>abc</A>") == [1, 1, 0]
    assert set(SchemaValidator(schemas).declared) == {"{urn:vendor}A", "{urn:b}A"}
    assert verdicts({"c.xsd": schemas["c.xsd"], "d.xsd": schemas["d.xsd"]}, "<A>abc</A>") == [1]


@pytest.mark.parametrize(
    "reference",
    [
        '<xs:import namespace="urn:b" schemaLocation="b.xsd"/>',
        '<xs:import namespace="urn:b" schemaLocation="http://127.0.0.1/elsewhere.xsd"/>',
        '<xs:import namespace="urn:b"/>',
        '<y:import xmlns:y="http://www.w3.org/2001/XMLSchema" namespace="urn:b" schemaLocation="b.xsd"/>',
        '<xs:import namespace="urn:b" schemaLocation="b.xsd"><xs:annotation/></xs:import>',
        "<xs:import namespace='urn:b' schemaLocation='>'></xs:import >",
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_import_finds_a_schema_by_namespace(reference: str, *, first: bool) -> None:
    schemas = {
        "a.xsd": xsd(f'{reference}<xs:element name="A" type="b:Short"/>', attributes=' xmlns:b="urn:b"'),
        "b.xsd": xsd(SHORT, "urn:b"),
    }
    if first:
        schemas = dict(reversed(schemas.items()))
    assert verdicts(schemas, A.format("ab"), A.format("abc")) == [0, 1]


def test_import_in_a_circle_is_accepted() -> None:
    schemas = {
        "a.xsd": xsd(
            '<xs:import namespace="urn:b" schemaLocation="b.xsd"/><xs:import schemaLocation="c.xsd"/>'
            '<xs:element name="A" type="b:B"/><xs:element name="C" type="Short"/>',
            attributes=' xmlns:b="urn:b"',
        ),
        "b.xsd": xsd(
            '<xs:import namespace="urn:vendor" schemaLocation="a.xsd"/>'
            '<xs:complexType name="B"><xs:sequence><xs:element ref="a:C"/></xs:sequence></xs:complexType>',
            "urn:b",
            attributes=' xmlns:a="urn:vendor"',
        ),
        "c.xsd": xsd(SHORT, None),
    }
    bodies = (f"<v:A><v:C>{text}</v:C></v:A>" for text in ("ab", "abc"))
    assert verdicts(schemas, *bodies) == [0, 1]


def test_import_of_the_soap_schema_is_accepted() -> None:
    schemas = {
        "a.xsd": xsd(
            f'<xs:import namespace="{SOAP_11_NS}" schemaLocation="{SOAP_11_NS}"/>'
            '<xs:element name="A"><xs:complexType><xs:attribute ref="s:mustUnderstand"/></xs:complexType>'
            "</xs:element>",
            attributes=f' xmlns:s="{SOAP_11_NS}"',
        ),
        "soap.xsd": read_schema("soap-envelope-1.1.xsd"),
    }
    assert verdicts(schemas, "<v:A soap:mustUnderstand='1'/>", "<v:A soap:mustUnderstand='true'/>") == [0, 1]


def test_import_of_built_in_namespaces_needs_no_schema() -> None:
    text = (
        '<xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="http://127.0.0.1/xml.xsd"/>'
        '<xs:element name="A"><xs:complexType><xs:attribute ref="xml:lang"/></xs:complexType></xs:element>'
    )
    assert verdicts({"a.xsd": xsd(text)}, "<v:A xml:lang='en'/>", "<v:A xml:lang='-'/>") == [0, 1]


@pytest.mark.parametrize(
    "mark", ["", "\ufeff", '\ufeff<?xml version="1.0" encoding="UTF-16"?>', "<?style a?>"]
)
def test_schema_text_may_begin_as_in_files(mark: str) -> None:
    assert verdicts({"a.xsd": mark + xsd('<xs:element name="A" type="xs:int"/>')}, A.format("é")) == [1]


ELEMENT = '<xs:element name="A"/>'


@pytest.mark.parametrize(
    ("schemas", "reason"),
    [
        ({}, "no schema was given"),
        ({"a.xsd": ""}, "a.xsd: this is not an XML schema"),
        ({"a.xsd": "/etc/hosts"}, "not its path"),
        ({"a.xsd": "<a"}, "a.xsd: the schema cannot be read: not well-formed"),
        ({"a.xsd": "<\ud800/>"}, "a.xsd: a schema cannot contain half of a surrogate pair"),
        ({"a.xsd": "<a/>"}, "a.xsd: the schema cannot be read"),
        ({"a.xsd": f"<!DOCTYPE a>{xsd(ELEMENT)}"}, "a.xsd: the schema cannot be read: .* DOCTYPE"),
        (
            {"a.xsd": f'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>{xsd("&e;")}'},
            "a.xsd: the schema cannot be read: .* DOCTYPE",
        ),
        ({"a.xsd": xsd('<xs:element name="A" type="t:none"/>')}, "a.xsd: the schema cannot be read: .*none"),
        (
            {"b.xsd": xsd(ELEMENT, "urn:b"), "a.xsd": xsd('<xs:element name="A" type="t:none"/>')},
            "a.xsd: the schema cannot be read: .*none",
        ),
        (
            {"a.xsd": xsd(INCLUDING.format("http://127.0.0.1/b.xsd"))},
            "a.xsd includes 'http://127.0.0.1/b.xsd', which was not given; nothing is fetched",
        ),
        ({"a.xsd": xsd('<xs:include schemaLocation="/etc/hosts"/>')}, "includes '/etc/hosts', which was not"),
        (
            {"a.xsd": xsd('<xs:include schemaLocation="b.xsd"/>'), "x/b.xsd": xsd(""), "y/b.xsd": xsd("")},
            "includes 'b.xsd', which was not given",
        ),
        ({"a.xsd": xsd("<xs:include/>")}, "a.xsd: an xs:include has no schemaLocation"),
        (
            {"a.xsd": xsd('<xs:include schemaLocation="b.xsd"/>'), "b.xsd": xsd(ELEMENT, "urn:b")},
            "a.xsd: the included b.xsd has another targetNamespace",
        ),
        (
            {"a.xsd": xsd('<xs:import namespace="urn:b" schemaLocation="b.xsd"/>')},
            "a.xsd imports 'b.xsd', which was not given; nothing is fetched",
        ),
        (
            {
                "a.xsd": xsd('<xs:import namespace="urn:b" schemaLocation="b.xsd"/>'),
                "b.xsd": xsd(ELEMENT, "urn:c"),
            },
            "a.xsd: the imported b.xsd has another targetNamespace",
        ),
        (
            {"a.xsd": xsd('<xs:redefine schemaLocation="b.xsd"/>'), "b.xsd": xsd("")},
            "xs:redefine is not supp",
        ),
        (
            {"a.xsd": xsd('<xs:override schemaLocation="b.xsd"/>'), "b.xsd": xsd("")},
            "xs:override is not supp",
        ),
        ({"a.xsd": xsd(ELEMENT), "b.xsd": xsd(ELEMENT)}, "b.xsd: the schema cannot be read"),
        (
            {"a.xsd": xsd('<xs:element name="A" type="b:B"/>', attributes=' xmlns:b="urn:b"')},
            "a.xsd: the schema cannot be read",
        ),
        (
            {"a.xsd": xsd(f"{'<xs:annotation>' * 5_000}{'</xs:annotation>' * 5_000}")},
            "a.xsd: the schema cannot be read",
        ),
        (
            {
                "a.xsd": xsd(
                    '<xs:simpleType name="s"><xs:restriction base="xs:string"><xs:pattern value="(("/>'
                    "</xs:restriction></xs:simpleType>"
                )
            },
            "a.xsd: the schema cannot be read",
        ),
    ],
)
def test_unusable_schemas_are_refused_with_the_reason(schemas: Mapping[str, str], reason: str) -> None:
    with pytest.raises(SchemaError, match=reason) as error:
        SchemaValidator(schemas)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "schemas", ["<a/>", ["<a/>"], {"a.xsd": b"<a/>"}, {1: "<a/>"}, {"a.xsd": Path("a.xsd")}]
)
def test_schemas_of_wrong_type_are_refused(schemas: Any) -> None:
    with pytest.raises(TypeError):
        SchemaValidator(schemas)


# -- nothing is fetched --------------------------------------------------------------------------------

_WATCH = """
import sys
sys.path.insert(0, {root!r})
from itertools import islice
from tests.test_schema_validator import FOUND, hostile_schemas, hostile_messages, VENDOR
from xmla_headers.schema import SchemaError, SchemaValidator

events, watching = [], False
def hook(event, arguments):
    # These events stay inside of the process: identities, frames of the stack, compiled patterns.
    if watching and event not in ("builtins.id", "sys._getframe", "compile", "exec", "object.__getattr__"):
        events.append([event, str(arguments)[:200]])
sys.addaudithook(hook)

def run():
    loaded = 0
    for schemas in hostile_schemas():
        try:
            SchemaValidator(schemas)
            loaded += 1
        except SchemaError as error:
            str(error)
    validators = [SchemaValidator({{"vendor.xsd": VENDOR}}), *loose]
    found = 0
    for data in messages:
        for validator in validators:
            found += sum(1 for finding in validator.iter_findings(data))
    return loaded, found

import gc
import json
from tests.test_schema_validator import LOOSE
loose = [SchemaValidator(), SchemaValidator({{"loose.xsd": LOOSE}})]
messages = list(hostile_messages())
# The first run reads files of the package xmlschema.
{provoke}
first = None if provoked else run()
watching = True
second = run() if not provoked else open(sys.executable, "rb").close()
watching = False
print(json.dumps([first, second, events]))
"""

# Validates all content.
LOOSE = xsd(
    """
  <xs:element name="Query">
    <xs:complexType mixed="true">
      <xs:sequence>
        <xs:any namespace="##any" processContents="strict" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:anyAttribute namespace="##any" processContents="strict"/>
    </xs:complexType>
  </xs:element>
"""
)


def hostile_schemas() -> list[dict[str, str]]:
    """Return schemas that refer to unknown schemas in every possible way."""
    schemas: list[dict[str, str]] = []
    for place in ("http://127.0.0.1:9/b.xsd", "file:///etc/hosts", "b.xsd"):
        texts = (
            f'<xs:include schemaLocation="{place}"/>',
            f'<xs:redefine schemaLocation="{place}"/>',
            f'<xs:override schemaLocation="{place}"/>',
            f'<xs:import namespace="urn:b" schemaLocation="{place}"/>',
            f'<xs:import namespace="{XSI}" schemaLocation="{place}"/>',
            f'<xs:import namespace="http://www.w3.org/1999/xhtml" schemaLocation="{place}"/>',
            '<xs:import namespace="http://www.w3.org/1999/xhtml"/>',
            '<xs:import namespace="http://www.w3.org/1999/xlink"/><xs:element name="A" type="xs:int"/>',
            f'<xs:annotation><xs:include schemaLocation="{place}"/></xs:annotation>',
            f'<xs:group name="g"><xs:include schemaLocation="{place}"/></xs:group>',
            f'<xs:notation name="n" public="p" system="{place}"/>',
            f'<xs:annotation><xs:appinfo source="{place}"/></xs:annotation>',
        )
        schemas += [{"a.xsd": xsd(text)} for text in texts]
        hint = f' xmlns:i="{XSI}" i:schemaLocation="urn:b {place}" i:noNamespaceSchemaLocation="{place}"'
        schemas += [
            {"a.xsd": xsd(ELEMENT, attributes=hint)},
            {"a.xsd": f'<!DOCTYPE x SYSTEM "{place}">{xsd(ELEMENT)}'},
            {"a.xsd": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{place}">]>{xsd("&e;")}'},
            {"a.xsd": f'<!DOCTYPE x [<!ENTITY % e SYSTEM "{place}"> %e;]>{xsd(ELEMENT)}'},
            {"a.xsd": f'<?xml-stylesheet href="{place}"?>{xsd(ELEMENT)}'},
            {"a.xsd": place},
            {place: xsd(ELEMENT)},
        ]
    return schemas


def hostile_messages() -> list[bytes]:
    """Return messages with addresses, the hostile inputs, and messages with violations."""
    messages = [data for _, data, _ in labelled("decode") if len(data) < 100_000]
    for place in ("http://127.0.0.1:9/b.xsd", "file:///etc/hosts", "/etc/hosts", "b.xsd"):
        for hint in (
            f'xsi:schemaLocation="urn:b {place} urn:vendor {place} {XMLA_NS} {place}"',
            f'xsi:noNamespaceSchemaLocation="{place}"',
        ):
            block = f'<x:Session SessionId="a" {hint}/><v:Ticket {hint}/>'
            inner = f'<v:Query {hint}>{T}<v:Any {hint}><b xmlns="urn:b" {hint}/><c {hint}/></v:Any></v:Query>'
            foreign = (
                '<v:Query><html xmlns="http://www.w3.org/1999/xhtml"/><a xmlns:l="http://www.w3.org/1999/xlink"'
                f' l:href="{place}"/><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{place}"/>'
                "</v:Query>"
            )
            messages.append(message(block, inner + foreign, f" {hint}").encode())
    messages += [message(header, body).encode() for header, body, _ in FOUND]
    return messages


def watched(*, provoked: bool) -> Any:
    root = str(Path(__file__).resolve().parent.parent)
    code = _WATCH.format(root=root, provoke=f"provoked = {provoked}")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, text=True, timeout=300, cwd=root
    )
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_validation_opens_and_connects_nothing() -> None:
    first, second, events = watched(provoked=False)
    assert events == []
    assert first == second
    loaded, found = first
    assert loaded > 10
    assert found > len(FOUND)


@pytest.mark.slow
def test_audit_hook_sees_an_open_file() -> None:
    _, _, events = watched(provoked=True)
    assert [event for event, _ in events] == ["open"]


def test_schema_location_changes_nothing_for_later_messages(vendor: SchemaValidator) -> None:
    hint = f'xsi:schemaLocation="urn:b b.xsd" xmlns:xsi="{XSI}"'
    before = [list(vendor.iter_findings(message(h, b).encode())) for h, b, _ in FOUND]
    list(
        vendor.iter_findings(message(f"<v:Ticket key='' {hint}/>", f"<v:Query {hint}>{T}</v:Query>").encode())
    )
    assert [list(vendor.iter_findings(message(h, b).encode())) for h, b, _ in FOUND] == before


@pytest.mark.slow
def test_hostile_inputs_raise_nothing(own: SchemaValidator, vendor: SchemaValidator) -> None:
    assert len(list(labelled("decode"))) > 200
    for data in hostile_messages():
        for validator in (own, vendor):
            for finding in validator.iter_findings(data):
                assert finding.offset is not None
                assert 0 <= finding.offset < len(data)
