"""Values of type xs:QName: read with the prefixes in scope, and written with prefixes of their own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree import ElementTree as ET

import lxml.etree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reading import agreed, check_labels, check_written
from xmla_headers import (
    SESSION_BLOCKS,
    SOAP_11_NS,
    BlockSpec,
    ChildSpec,
    Code,
    EncodeError,
    Envelope,
    HeadCache,
    Header,
    HeaderBlock,
    HeaderReader,
    Session,
    SimpleType,
    SoapVersion,
    decode,
    decode_header,
    encode,
    encode_block,
    fuzzing,
    schema,
    strategies,
    with_blocks,
)
from xmla_headers.elements import header_of, set_blocks
from xmla_headers.fuzzing._cases import first_pass
from xmla_headers.fuzzing._draft import Draft, block_of
from xmla_headers.fuzzing._spellings import _prefixes
from xmla_headers.fuzzing._ways import Given

if TYPE_CHECKING:
    from collections.abc import Iterator

XSD_NS = "http://www.w3.org/2001/XMLSchema"
XML_NS = "http://www.w3.org/XML/1998/namespace"
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="urn:xmla-headers:schema"
    targetNamespace="urn:names" elementFormDefault="qualified">
  <xs:element name="Column"><xs:complexType>
    <xs:sequence>
      <xs:element name="Kind" type="xs:QName" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="Local" type="xs:QName" minOccurs="0" form="unqualified"/>
    </xs:sequence>
    <xs:attribute name="Type" type="xs:QName"/>
    <xs:attribute name="Title" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="Fault">
    <xs:annotation><xs:appinfo>
      <xh:block/><xh:block class="PlainFault" namespace="##local"/>
    </xs:appinfo></xs:annotation>
    <xs:simpleType>
      <xs:restriction base="xs:QName"><xs:whiteSpace value="collapse"/></xs:restriction>
    </xs:simpleType>
  </xs:element>
</xs:schema>"""
NAMES = schema.types_from_schema(SCHEMA)
# Any: the fields are unknown until the schema is read.
COLUMN: Any = NAMES["{urn:names}Column"]
FAULT: Any = NAMES["{urn:names}Fault"]
PLAIN: Any = NAMES["Fault"]
TYPES = {**SESSION_BLOCKS, **NAMES}
HEADER = "/s:Envelope/s:Header"


def message(block: str = "", declared: str = "", inside: str = "", s: str = "s") -> bytes:
    """Return a message; prefixes are declared on the Envelope, and on the Header."""
    return (
        f'<{s}:Envelope xmlns:{s}="{SOAP_11_NS}"{declared}>\n'
        f"<{s}:Header{inside}>{block}</{s}:Header><{s}:Body></{s}:Body></{s}:Envelope>"
    ).encode()


#: Header block, declarations on the Envelope, those on the Header, the value.
READ = [
    ('<Column xmlns="urn:names" Type="s:Client"/>', "", "", COLUMN(type_=f"{{{SOAP_11_NS}}}Client")),
    ('<Column xmlns="urn:names" Type="a:b"/>', ' xmlns:a="urn:a"', "", COLUMN(type_="{urn:a}b")),
    ('<Column xmlns="urn:names" Type="a:b"/>', ' xmlns:a="u"', ' xmlns:a="urn:a"', COLUMN(type_="{urn:a}b")),
    (
        '<Column xmlns="urn:names" Type="a:b" xmlns:a="urn:a"/>',
        ' xmlns:a="u"',
        ' xmlns:a="v"',
        COLUMN(type_="{urn:a}b"),
    ),
    # XML Schema Part 2 §3.2.18: a name without a prefix is in the default namespace.
    ('<Column xmlns="urn:names" Type="b"/>', "", "", COLUMN(type_="{urn:names}b")),
    ('<n:Column xmlns:n="urn:names" Type="b"/>', "", "", COLUMN(type_="b")),
    ('<n:Column xmlns:n="urn:names" Type="b"/>', ' xmlns="urn:d"', "", COLUMN(type_="{urn:d}b")),
    ('<n:Column xmlns:n="urn:names" Type="b"/>', ' xmlns="urn:d"', ' xmlns=""', COLUMN(type_="b")),
    ('<n:Column xmlns:n="urn:names" xmlns="" Type="b"/>', ' xmlns="urn:d"', "", COLUMN(type_="b")),
    ('<Column xmlns="urn:names" Type=" xml:lang&#10;"/>', "", "", COLUMN(type_=f"{{{XML_NS}}}lang")),
    (
        '<Column xmlns="urn:names"><Kind xmlns:a="urn:a">a:b</Kind><Kind> a:é </Kind></Column>',
        "",
        ' xmlns:a="urn:c"',
        COLUMN(kind=("{urn:a}b", "{urn:c}é")),
    ),
    (
        '<Column xmlns="urn:names"><Kind>b</Kind><Local xmlns="">b</Local></Column>',
        "",
        "",
        COLUMN(kind=("{urn:names}b",), local=("b",)),
    ),
    ('<Fault xmlns="urn:names">a:<!-- -->b</Fault>', ' xmlns:a="a}b"', "", FAULT("{a}b}b")),
    ("<Fault>b</Fault>", "", "", PLAIN("b")),
]


@pytest.mark.parametrize(("block", "declared", "inside", "value"), READ)
def test_qname_is_read_with_the_prefixes_in_scope(block: str, declared: str, inside: str, value: Any) -> None:
    data = message(block, declared, inside)
    header, findings = agreed(data, types=TYPES)
    assert header == Header(value)
    assert not [found for found in findings if found.code != Code.UNQUALIFIED_HEADER_BLOCK]
    reader = HeaderReader(types=TYPES)
    for byte in data:
        reader.feed(bytes([byte]))
    assert reader.close().blocks == (value,)
    # It accepts any namespace name then.
    tree = lxml.etree.fromstring(data, lxml.etree.XMLParser(recover=True))
    assert header_of(tree, types=TYPES).blocks == (value,)
    assert pickle.loads(pickle.dumps(value.spec)) == value.spec


ALLOWED = "a qualified name with a declared prefix or none"

#: Header block, path, column of the second line, message.
WRONG = [
    *(
        (
            f'<Column xmlns="urn:names" Type="{text}"/>',
            "/Column/@Type",
            11,
            f"Type of Column is not {ALLOWED}",
        )
        for text in ("z:b", "", ":b", "s:", "s:b:c", "1", "s:1", "s:b s:c", "xmlns:b", "{urn:names}b")
    ),
    (
        '<Column xmlns="urn:names"><Kind xmlns:z="u">z:b</Kind><Kind>z:b</Kind></Column>',
        "/Column/Kind[2]",
        65,
        f"Kind is not {ALLOWED}",
    ),
    ('<Fault xmlns="urn:names">z:b</Fault>', "/Fault", 36, f"the text of Fault is not {ALLOWED}"),
]


@pytest.mark.parametrize(("block", "path", "column", "words"), WRONG)
def test_qname_without_a_declared_prefix_is_found(block: str, path: str, column: int, words: str) -> None:
    _, findings = agreed(message(block), types=TYPES)
    assert [(found.code, found.path, found.line, found.column, found.message) for found in findings] == [
        (Code.INVALID_VALUE, HEADER + path, 2, column, words)
    ]


#: Value, the block that is written.
WRITTEN = [
    (COLUMN(type_="{urn:a}b"), '<Column xmlns="urn:names" Type="n1:b" xmlns:n1="urn:a"/>'),
    (COLUMN(type_="{urn:names}b"), '<Column xmlns="urn:names" Type="n1:b" xmlns:n1="urn:names"/>'),
    (COLUMN(type_=f"{{{XML_NS}}}lang"), '<Column xmlns="urn:names" Type="xml:lang"/>'),
    (COLUMN(type_="b"), '<n1:Column xmlns="" Type="b" xmlns:n1="urn:names"/>'),
    (
        COLUMN(kind=("{u}b", "c"), local=("{u}d",), type_="{v}b"),
        (
            '<n1:Column xmlns="" Type="n2:b" xmlns:n1="urn:names" xmlns:n2="v" xmlns:n3="u">'
            "<n1:Kind>n3:b</n1:Kind><n1:Kind>c</n1:Kind><Local>n3:d</Local></n1:Column>"
        ),
    ),
    (
        COLUMN(kind=("{u}b",), local=("{u}d",), other_attributes=(("{w}Id", "1"), ("{u}Id", "2"))),
        (
            '<Column xmlns="urn:names" xmlns:n1="u" xmlns:n2="w" n2:Id="1" n1:Id="2">'
            '<Kind>n1:b</Kind><Local xmlns="">n1:d</Local></Column>'
        ),
    ),
    (FAULT("b"), '<n1:Fault xmlns="" xmlns:n1="urn:names">b</n1:Fault>'),
    (PLAIN("b"), '<Fault xmlns="">b</Fault>'),
    (PLAIN("{u}b"), '<Fault xmlns="" xmlns:n1="u">n1:b</Fault>'),
    (COLUMN(), '<Column xmlns="urn:names"/>'),
]


@pytest.mark.parametrize(("value", "written"), WRITTEN)
def test_qname_is_written_with_a_declared_prefix(value: Any, written: str) -> None:
    assert encode_block(value).decode() == written
    for soap in SoapVersion:
        data = encode(Envelope(Header(Session("A"), value), soap=soap))
        assert decode_header(data, types=TYPES).blocks == (Session("A"), value)


#: Declarations on the Envelope: some take the prefixes that the writer would make.
AROUND = [
    "",
    ' xmlns="urn:d"',
    f' xmlns="{SOAP_11_NS}"',
    ' xmlns:n1="u" xmlns:n2="urn:names" xmlns:n3="urn:z"',
    f' xmlns:n1="{XSD_NS}" xmlns:p="u" xmlns="urn:names"',
]
MARKED = COLUMN(kind=(f"{{{SOAP_11_NS}}}Client",), type_="{u}b", must_understand=True, actor="a")


@pytest.mark.parametrize("value", [*(value for value, _ in WRITTEN), MARKED])
def test_qname_keeps_its_meaning_in_every_message(value: Any) -> None:
    session = '<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="A"/>'
    for declared in AROUND:
        # The prefix of SOAP may be one that the writer would make.
        for s in ("s", "soap", "n1") if "n1" not in declared else "s":
            edited = with_blocks(message(session, declared, s=s), value, types=TYPES)
            assert decode_header(edited, types=TYPES).blocks == (Session("A"), value)


def test_qname_in_the_namespace_of_soap_uses_its_prefix() -> None:
    data = encode(Envelope(Header(FAULT(f"{{{SOAP_11_NS}}}Client"))))
    assert b'<Fault xmlns="urn:names">soap:Client</Fault>' in data


@pytest.mark.parametrize(
    "name",
    ["", "{}a", "a:b", "{u}", "{u}a:b", "{u}1", "u}a", " a", "{http://www.w3.org/2000/xmlns/}a", "{\0}a"],
)
def test_text_that_is_no_qname_is_refused(name: str) -> None:
    with pytest.raises(EncodeError) as caught:
        FAULT(name)
    assert caught.value.code in (Code.INVALID_VALUE, Code.UNENCODABLE_TEXT)


def test_qname_without_prefixes_has_no_text() -> None:
    kind = SimpleType("QName")
    with pytest.raises(KeyError):
        kind.write("{u}a")
    assert kind.write("{u}a", {"u": "p"}) == "p:a"
    assert kind.write("a") == "a"


def test_child_of_another_namespace_keeps_a_qname_in_none() -> None:
    # No schema declares such a child element, but a spec may.
    child = ChildSpec("C", "c", namespace="urn:y", type=SimpleType("QName"))

    @dataclass(frozen=True, slots=True, repr=False)
    class Block(HeaderBlock):
        spec: ClassVar[BlockSpec] = BlockSpec("urn:x", "Block", children=(child,))
        c: tuple[str, ...] = ("a",)

    written = b'<n1:Block xmlns="" xmlns:n1="urn:x" xmlns:n2="urn:y"><n2:C>a</n2:C></n1:Block>'
    assert encode_block(Block()) == written
    types = {Block.spec.qname: Block}
    drafted = Draft(types, header=[block_of(Block())]).finish("a", "b", "c", "d").data
    for data in (message(written.decode()), drafted):
        assert decode_header(data, types=types).blocks == (Block(),)


# -- trees ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [*(value for value, _ in WRITTEN), MARKED])
def test_lxml_keeps_a_qname_or_refuses_it(value: Any) -> None:
    for declared, inside in product(AROUND, ("", ' xmlns:n9="u"')):
        tree = lxml.etree.fromstring(message("", declared, inside))
        before = lxml.etree.tostring(tree)
        try:
            set_blocks(tree, value, types=TYPES)
        except EncodeError as error:
            assert error.code == Code.BAD_FRAGMENT
            # Only a default namespace makes it impossible; around Local it is that of the block.
            assert ' xmlns="' in declared or value.local
            assert lxml.etree.tostring(tree) == before
        else:
            assert header_of(tree, types=TYPES).blocks == (value,)
            assert decode_header(lxml.etree.tostring(tree), types=TYPES).blocks == (value,)


#: Declarations on the Envelope, the value, a part of the message.
NOT_IN_LXML = [
    (' xmlns="urn:d"', COLUMN(type_="b"), "in no namespace inside a default namespace"),
    (' xmlns="urn:d"', COLUMN(type_="{urn:d}b"), "does not keep the prefix of the namespace urn:d"),
]


@pytest.mark.parametrize("namespace", ["}", " ", "\u00e9", "%"])
def test_namespace_that_lxml_does_not_accept_is_refused(namespace: str) -> None:
    tree = lxml.etree.fromstring(message())
    name = f"{{{namespace}}}a"
    for value in (COLUMN(type_=name), COLUMN(other_attributes=((name, ""),))):
        with pytest.raises(
            EncodeError, match="lxml does not accept a name or a namespace on Column"
        ) as caught:
            set_blocks(tree, value, types=TYPES)
        assert caught.value.code == Code.BAD_FRAGMENT


@pytest.mark.parametrize(("declared", "value", "words"), NOT_IN_LXML)
def test_qname_that_lxml_would_change_is_refused(declared: str, value: Any, words: str) -> None:
    tree = lxml.etree.fromstring(message("", declared))
    with pytest.raises(EncodeError, match=words) as caught:
        set_blocks(tree, value, types=TYPES)
    assert caught.value.code == Code.BAD_FRAGMENT


def test_lxml_gives_no_name_the_prefix_of_soap() -> None:
    data = (
        message("", ' xmlns:soap="u"')
        .replace(b"xmlns:s=", b"xmlns=")
        .replace(b"<s:", b"<")
        .replace(b"</s:", b"</")
    )
    tree = lxml.etree.fromstring(data)
    # SOAP has no prefix there, so the block may have to declare soap for it.
    with pytest.raises(EncodeError, match="does not keep the prefix of the namespace u"):
        set_blocks(tree, COLUMN(type_="{u}b", must_understand=True), types=TYPES)
    value = COLUMN(type_="{urn:v}b", must_understand=True)
    set_blocks(tree, value, types=TYPES)
    assert header_of(tree, types=TYPES).blocks == (value,)


def test_lxml_uses_the_prefix_that_the_message_has() -> None:
    tree = lxml.etree.fromstring(message("", f' xmlns:xsd="{XSD_NS}"'))
    set_blocks(tree, COLUMN(type_=f"{{{XSD_NS}}}string"), types=TYPES)
    assert b'Type="xsd:string"' in lxml.etree.tostring(tree)


def test_elementtree_does_not_take_a_qname() -> None:
    tree = ET.fromstring(message('<Column xmlns="urn:names" Type="s:b"/>'))
    before = ET.tostring(tree)
    with pytest.raises(EncodeError, match="does not keep the prefix") as caught:
        set_blocks(tree, COLUMN(type_="{u}b"))
    assert caught.value.code == Code.BAD_FRAGMENT
    for read in (header_of, set_blocks):
        with pytest.raises(ValueError, match="types has Column, with qualified names"):
            read(tree, types=TYPES)
    assert ET.tostring(tree) == before
    # A block without a name in it needs no prefix.
    set_blocks(tree, COLUMN(title="a"))
    assert decode_header(ET.tostring(tree), types=TYPES).blocks == (COLUMN(title="a"),)


# -- the memory of heads -------------------------------------------------------------------------------


def test_heads_with_qnames_keep_their_scope() -> None:
    cache = HeadCache()
    for namespace in ("urn:a", "urn:b", "urn:a"):
        for session_id in ("AAAA", "BBBB"):
            session = f'<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="{session_id}"/>'
            block = f'{session}<Column xmlns="urn:names" Type="a:b"/>'
            header = decode(message(block, f' xmlns:a="{namespace}"'), types=TYPES, cache=cache).header
            assert header.blocks == (Session(session_id), COLUMN(type_=f"{{{namespace}}}b"))
    # One shape for each declaration.
    assert len(cache) == 2


# -- drawn messages ------------------------------------------------------------------------------------


@given(strategies.envelopes(TYPES))
def test_drawn_envelope_with_qnames_is_read_back(envelope: Envelope) -> None:
    check_written(envelope, TYPES)


@given(strategies.messages(NAMES) | strategies.broken_messages(NAMES), st.booleans())
def test_drawn_message_with_qnames_has_its_labels(case: fuzzing.Case, remembered: bool) -> None:  # noqa: FBT001
    check_labels(case, NAMES, remembered=remembered)


@pytest.mark.parametrize("value", [*(value for value, _ in WRITTEN), MARKED])
def test_fuzzing_writes_each_qname_as_it_is_read(value: Any) -> None:
    spellings = [found for found in _prefixes(Given(NAMES, None)) if not found.alone]
    assert {found.name for found in spellings} >= {"names-from-envelope", "names-redeclared"}
    for spelling in spellings:
        block = block_of(value)
        draft = Draft(NAMES, header=[block])
        spelling.change(draft, block)
        case = draft.finish("a", "b", "c", "d")
        assert decode(case.data, types=NAMES).header == case.header == Header(value), spelling.name


def cases() -> Iterator[fuzzing.Case]:
    return (case for case in first_pass(Given(NAMES, None)) if len(case.data) < 5_000)


@pytest.mark.slow
def test_fuzzing_labels_qnames_as_the_decoder_does() -> None:
    seen = set()
    for case in cases():
        header, findings = agreed(case.data, types=NAMES, deep=True)
        found = frozenset(finding.code for finding in findings)
        assert (found, header) == (case.expected, case.header), case
        seen.add(case.name.rpartition("--")[0])
    assert Code.INVALID_VALUE in {case.rule for case in cases()}
    assert seen
