"""The header blocks beside the session headers, and others with typed values, text and child elements."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import lxml.etree
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from tests.reading import agreed, check_labels, check_written
from xmla_headers import (
    MICROSOFT_BLOCKS,
    SESSION_BLOCKS,
    XMLA_NS,
    BeginSession,
    Code,
    Direction,
    EncodeError,
    Envelope,
    HeadCache,
    Header,
    HeaderReader,
    Session,
    UnknownHeaderBlock,
    ValidationError,
    XmlaHeadersError,
    decode,
    decode_header,
    encode,
    encode_block,
    fuzzing,
    iter_findings,
    schema,
    strategies,
    with_blocks,
    without_blocks,
)
from xmla_headers.elements import header_of, set_blocks
from xmla_headers.fuzzing._cases import first_pass
from xmla_headers.fuzzing._ways import Given
from xmla_headers.microsoft_headers import (
    BeginGetSessionToken,
    NamespaceCompatibility,
    ProtocolCapabilities,
    SessionToken,
    UnqualifiedBeginGetSessionToken,
    UnqualifiedSessionToken,
    Version,
    Version2008,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xmla_headers import HeaderBlock

BOTH = SESSION_BLOCKS | MICROSOFT_BLOCKS
HEADER = "/s:Envelope/s:Header"
ENGINE = "http://schemas.microsoft.com/analysisservices/2003/engine"
NEW = "http://schemas.microsoft.com/analysisservices/2008/engine/100"
OLD = "http://schemas.microsoft.com/analysisservices/2003/xmla"

RICH = schema.types_from_schema("""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="urn:xmla-headers:schema" xmlns:t="urn:rich"
    targetNamespace="urn:rich" elementFormDefault="qualified">
  <xs:simpleType name="mode"><xs:restriction base="xs:token">
    <xs:enumeration value="fast"/><xs:enumeration value="very slow"/>
  </xs:restriction></xs:simpleType>
  <xs:simpleType name="code"><xs:restriction base="xs:string">
    <xs:pattern value="[A-Z]{2}-\\d+"/><xs:maxLength value="12"/>
  </xs:restriction></xs:simpleType>
  <xs:simpleType name="share"><xs:restriction base="xs:decimal">
    <xs:minInclusive value="0"/><xs:maxExclusive value="1.5"/><xs:fractionDigits value="3"/>
  </xs:restriction></xs:simpleType>
  <xs:element name="Job"><xs:complexType>
    <xs:sequence>
      <xs:element name="Step" type="t:code" maxOccurs="3"/>
      <xs:element name="Note" type="xs:string" minOccurs="0"/>
      <xs:element name="Count" type="xs:int" minOccurs="0" maxOccurs="unbounded" form="unqualified"/>
    </xs:sequence>
    <xs:attribute name="Mode" type="t:mode" default="fast"/>
    <xs:attribute name="Level" type="xs:unsignedByte" use="required"/>
    <xs:attribute name="Share" type="t:share"/>
    <xs:attribute name="On" type="xs:boolean"/>
    <xs:attribute name="At" type="xs:dateTime"/>
    <xs:attribute name="Kind" type="xs:string" fixed="job"/>
    <xs:attribute name="Key" type="xs:token">
      <xs:annotation><xs:appinfo><xh:attribute identifier="true"/></xs:appinfo></xs:annotation>
    </xs:attribute>
  </xs:complexType></xs:element>
  <xs:element name="Limit"><xs:complexType><xs:simpleContent><xs:extension base="xs:positiveInteger">
    <xs:attribute name="Unit" type="xs:NMTOKEN"/>
  </xs:extension></xs:simpleContent></xs:complexType></xs:element>
  <xs:element name="Flag" type="xs:boolean"/>
  <xs:element name="Ticket"><xs:complexType><xs:attribute name="Key" type="xs:string">
    <xs:annotation><xs:appinfo><xh:attribute identifier="true"/></xs:appinfo></xs:annotation>
  </xs:attribute></xs:complexType></xs:element>
</xs:schema>""")
# Any: the fields are unknown until the schema is read.
JOB: Any = RICH["{urn:rich}Job"]
LIMIT: Any = RICH["{urn:rich}Limit"]
FLAG: Any = RICH["{urn:rich}Flag"]
ALL = {**BOTH, **RICH}


def message(*blocks: str) -> bytes:
    header = "".join(blocks)
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">\n'
        f"<s:Header>{header}</s:Header><s:Body></s:Body></s:Envelope>"
    ).encode()


CAPABILITIES = (
    f'<p:ProtocolCapabilities xmlns:p="{ENGINE}">\n<p:Capability>sx</p:Capability><!-- a -->'
    "<p:Capability>x&amp;<![CDATA[press]]></p:Capability> </p:ProtocolCapabilities>"
)

#: As it is written, and its value.
NEIGHBOURS: list[tuple[str, HeaderBlock]] = [
    (f'<Version Sequence="400" xmlns="{ENGINE}/2" />', Version(400)),
    (f'<v:Version xmlns:v="{NEW}" Sequence=" 0922 "/>', Version2008(922)),
    (
        f'<NamespaceCompatibility xmlns="{OLD}" s:mustUnderstand="1"/>',
        NamespaceCompatibility(must_understand=True),
    ),
    (f'<ProtocolCapabilities xmlns="{ENGINE}"/>', ProtocolCapabilities()),
    (
        CAPABILITIES,
        ProtocolCapabilities(("sx", "x&press")),
    ),
    (f'<BeginGetSessionToken xmlns="{XMLA_NS}"/>', BeginGetSessionToken()),
    ("<BeginGetSessionToken/>", UnqualifiedBeginGetSessionToken()),
    (f'<SessionToken xmlns="{XMLA_NS}" s:actor="a"> T1 </SessionToken>', SessionToken(" T1 ", actor="a")),
    ("<SessionToken>a<!-- b -->&amp;c</SessionToken>", UnqualifiedSessionToken("a&c")),
    ("<SessionToken/>", UnqualifiedSessionToken("")),
]


@pytest.mark.parametrize(("text", "value"), NEIGHBOURS)
def test_neighbour_is_read_and_written(text: str, value: HeaderBlock) -> None:
    data = message(f'<Session xmlns="{XMLA_NS}" SessionId="A"/>', text)
    envelope = decode(data, types=BOTH)
    assert envelope.header.blocks == (Session("A"), value)
    # It is in no namespace, whatever its type.
    unqualified = [Code.UNQUALIFIED_HEADER_BLOCK] * (not value.spec.namespace)
    assert [finding.code for finding in envelope.warnings] == unqualified
    assert decode(encode(envelope), types=BOTH) == envelope
    assert decode(encode(envelope), types=BOTH, deep=True, cache=None) == envelope
    assert decode(message(encode_block(value).decode()), types=BOTH).header.blocks == (value,)
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize(("text", "value"), NEIGHBOURS)
def test_neighbour_is_unknown_by_default(text: str, value: HeaderBlock) -> None:
    (block,) = decode(message(text)).header
    assert isinstance(block, UnknownHeaderBlock)
    assert block.qname == value.qname == value.spec.qname


@pytest.mark.parametrize(("text", "value"), NEIGHBOURS)
def test_neighbour_is_replaced_and_removed(text: str, value: HeaderBlock) -> None:
    data = message(text, f'<BeginSession xmlns="{XMLA_NS}"/>')
    replaced = with_blocks(data, value, types=BOTH)
    assert decode_header(replaced, types=BOTH).blocks == (value, BeginSession())
    assert replaced.endswith(data[data.index(b"<BeginSession") :])
    removed = without_blocks(data, type(value), types=BOTH)
    assert decode_header(removed, types=BOTH).blocks == (BeginSession(),)
    # A default namespace around a block in none does not take it in.
    inside = message().replace(b"<s:Header>", f'<s:Header xmlns="{XMLA_NS}">'.encode())
    assert decode_header(with_blocks(inside, value, types=BOTH), types=BOTH).blocks == (value,)


@pytest.mark.parametrize("library", [ET, lxml.etree], ids=["ElementTree", "lxml"])
@pytest.mark.parametrize(("text", "value"), NEIGHBOURS)
def test_neighbour_in_a_tree_is_the_same(text: str, value: HeaderBlock, library: Any) -> None:
    tree = library.fromstring(message(text))
    assert header_of(tree, types=BOTH).blocks == (value,)
    empty = library.fromstring(message())
    set_blocks(empty, value, types=BOTH)
    assert header_of(empty, types=BOTH).blocks == (value,)
    assert decode_header(library.tostring(empty), types=BOTH).blocks == (value,)


@pytest.mark.parametrize(("text", "value"), NEIGHBOURS)
def test_neighbour_in_a_stream_is_the_same(text: str, value: HeaderBlock) -> None:
    reader = HeaderReader(types=BOTH)
    for byte in message(text):
        reader.feed(bytes([byte]))
    assert reader.close().blocks == (value,)


@pytest.mark.parametrize(
    ("data", "block"),
    [
        (
            message().replace(b"xmlns:s=", b"xmlns=").replace(b"<s:", b"<").replace(b"</s:", b"</"),
            UnqualifiedBeginGetSessionToken(),
        ),
        (message(), JOB(level=1, step=("AB-1",), count=(1,))),
    ],
)
def test_block_that_lxml_would_write_wrongly_is_refused(data: bytes, block: HeaderBlock) -> None:
    # lxml never writes xmlns="", which takes the element out of the default namespace.
    tree = lxml.etree.fromstring(data)
    before = lxml.etree.tostring(tree)
    with pytest.raises(EncodeError, match="in no namespace, inside a default namespace"):
        set_blocks(tree, block, types=ALL)
    assert lxml.etree.tostring(tree) == before
    other = ET.fromstring(data)
    set_blocks(other, block, types=ALL)
    assert decode_header(ET.tostring(other), types=ALL).blocks == (block,)


def test_token_is_not_shown() -> None:
    block = SessionToken("SECRET-TOKEN")
    assert repr(block) == "SessionToken(text=<12 characters>)"
    assert "SECRET" not in repr(Envelope(Header(block)))


JOB_START = '<Job xmlns="urn:rich" Level="1"'
STEP = "<Step>AB-1</Step>"

#: Header block, code, path in the Header, column of the second line, a part of the message.
WRONG = [
    (
        f'<Version xmlns="{NEW}" Sequence="-1"/>',
        "invalid-value",
        "/Version/@Sequence",
        11,
        "from 0 to",
    ),
    (f'<Version xmlns="{NEW}" Sequence=""/>', "invalid-value", "/Version/@Sequence", 11, "a whole number"),
    (f'<Version xmlns="{NEW}"/>', "missing-attribute", "/Version/@Sequence", 11, "no Sequence"),
    (f'{JOB_START} Mode="FAST">{STEP}</Job>', "invalid-value", "/Job/@Mode", 11, "one of fast, very slow"),
    (f'{JOB_START} Share="1.5">{STEP}</Job>', "invalid-value", "/Job/@Share", 11, "below 1.5"),
    (f'{JOB_START} Share="0.0001">{STEP}</Job>', "invalid-value", "/Job/@Share", 11, "3 digits after"),
    (f'{JOB_START} On="yes">{STEP}</Job>', "invalid-value", "/Job/@On", 11, "true, false, 1 or 0"),
    (f'{JOB_START} At="today">{STEP}</Job>', "invalid-value", "/Job/@At", 11, "a date and time"),
    (f'{JOB_START} Kind="other">{STEP}</Job>', "invalid-value", "/Job/@Kind", 11, "the fixed value 'job'"),
    (f"{JOB_START}>{STEP}<Step>ab</Step></Job>", "invalid-value", "/Job/Step[2]", 60, "that matches [A-Z]"),
    (f"{JOB_START}/>", "unexpected-content", "/Job", 11, "Step 0 times; it needs 1"),
    (f"{JOB_START}>{STEP * 4}</Job>", "unexpected-content", "/Job/Step[4]", 94, "more than 3 times"),
    (f"{JOB_START}><Note/>{STEP}</Job>", "unexpected-content", "/Job/Step", 50, "Step comes after Note"),
    (
        f"{JOB_START}>{STEP}<Count>1</Count></Job>",
        "unexpected-content",
        "/Job/Count",
        60,
        "Step, Note, Count",
    ),
    (f"{JOB_START}>{STEP}text</Job>", "unexpected-content", "/Job", 60, "text in it"),
    (
        f"{JOB_START}><Step>AB-1<a/></Step></Job>",
        "unexpected-content",
        "/Job/Step/a",
        53,
        "a child element a",
    ),
    (f'{JOB_START}><Step a="">AB-1</Step></Job>', "unexpected-attribute", "/Job/Step/@a", 43, "for Step"),
    ('<Limit xmlns="urn:rich">0</Limit>', "invalid-value", "/Limit", 35, "from 1"),
    ('<Limit xmlns="urn:rich"> </Limit>', "invalid-value", "/Limit", 11, "a whole number"),
    ('<Limit xmlns="urn:rich">1<a/></Limit>', "unexpected-content", "/Limit/a", 36, "a child element a"),
    ('<Flag xmlns="urn:rich">2</Flag>', "invalid-value", "/Flag", 34, "true, false"),
]


@pytest.mark.parametrize(("block", "code", "path", "column", "words"), WRONG)
def test_typed_block_outside_its_schema_is_found(
    block: str, code: str, path: str, column: int, words: str
) -> None:
    data = message(block)
    _, findings = agreed(data, types=ALL)
    assert [(found.code, found.path, found.line, found.column) for found in findings] == [
        (code, HEADER + path, 2, column)
    ]
    assert words in findings[0].message


def test_typed_block_gets_python_values() -> None:
    block = (
        f'{JOB_START} Share=" 0.50" On="1" At="2026-11-28T22:50:00Z" Key=" k&#9;1 "><Step>AB-1</Step>'
        '<Step>XY-22</Step><Note> n </Note><Count xmlns="">+7</Count><Count xmlns="">-0</Count></Job>'
    )
    data = message(block, '<Limit xmlns="urn:rich" Unit="s"> 30 </Limit>', '<Flag xmlns="urn:rich">0</Flag>')
    header = decode_header(data, types=RICH)
    job = JOB(
        level=1,
        step=("AB-1", "XY-22"),
        note=(" n ",),
        count=(7, 0),
        share=Decimal("0.5"),
        on=True,
        at="2026-11-28T22:50:00Z",
        key="k 1",
    )
    assert header.blocks == (job, LIMIT(30, unit="s"), FLAG(text=False))
    assert (job.mode, job.kind) == ("fast", "job")
    assert decode_header(encode(Envelope(header)), types=RICH) == header
    assert b'Share="0.5" On="true"' in encode_block(job)
    assert b'<Count xmlns="">7</Count>' in encode_block(job)
    assert "'k 1'" not in repr(job)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"level": 256}, EncodeError),
        ({"level": "1"}, TypeError),
        ({"level": None}, TypeError),
        ({"mode": "slow"}, EncodeError),
        ({"mode": None}, TypeError),
        ({"kind": "other"}, EncodeError),
        ({"step": ()}, EncodeError),
        ({"step": ("AB-1",) * 4}, EncodeError),
        ({"step": ["AB-1"]}, TypeError),
        ({"step": (1,)}, TypeError),
        ({"step": ("x",)}, EncodeError),
        ({"note": ("\0",)}, EncodeError),
    ],
)
def test_typed_block_checks_its_values(values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        JOB(**{"level": 1, "step": ("AB-1",), **values})


def test_direction_of_neighbours_is_checked() -> None:
    data = message(f'<Version xmlns="{NEW}" Sequence="1"/>')
    with pytest.raises(ValidationError) as caught:
        decode(data, types=BOTH, direction=Direction.RESPONSE)
    assert caught.value.code == Code.WRONG_DIRECTION


@pytest.mark.slow
def test_drawn_header_has_no_unknown_block_of_a_declared_name() -> None:
    types = {Version.spec.qname: Version}
    with pytest.raises(NoSuchExample):
        find(
            strategies.headers(types),
            lambda header: any(block.qname in types for block in header.unknown),
            settings=settings(max_examples=200, database=None),
        )


@given(strategies.envelopes(ALL))
def test_drawn_envelope_is_written_and_read(envelope: Envelope) -> None:
    check_written(envelope, ALL)


@given(strategies.messages(ALL) | strategies.broken_messages(ALL), st.booleans())
def test_drawn_message_has_its_labels(case: fuzzing.Case, remembered: bool) -> None:  # noqa: FBT001
    check_labels(case, ALL, remembered=remembered)


@pytest.mark.slow
@pytest.mark.parametrize("types", [BOTH, ALL], ids=["microsoft", "rich"])
def test_fuzzing_labels_agree_with_the_decoder(types: Mapping[str, type[HeaderBlock]]) -> None:
    cases = [case for case in first_pass(Given(types, None)) if len(case.data) < 5_000]
    assert {case.rule for case in cases} >= {Code.INVALID_VALUE, Code.UNEXPECTED_CONTENT}
    # Each code and way of writing some times; the slow suite takes the rest.
    for case in cases[::12]:
        header, findings = agreed(case.data, types=types, deep=True)
        found = frozenset(finding.code for finding in findings)
        assert (found, header) == (case.expected, case.header), case


@given(st.data())
def test_heads_with_neighbours_change_no_result(data: st.DataObject) -> None:
    cache = HeadCache()
    identifiers = st.text("ab 1&<", min_size=1, max_size=3)
    header = data.draw(strategies.headers(ALL))
    kinds = [block for block in header if not isinstance(block, Session)]
    for _ in range(3):
        try:
            blocks = Header(Session(data.draw(identifiers)), *kinds)
            written = encode(Envelope(blocks))
        except EncodeError:
            return
        assert decode(written, types=ALL, cache=cache) == decode(written, types=ALL, cache=None)


def test_heads_cut_out_no_typed_identifier() -> None:
    cache = HeadCache()
    # All have one length, and Ticket has an attribute of the same name that may be any text.
    for key in ("abcd", "a  b", "b  c"):
        data = message(f'{JOB_START} Key="{key}">{STEP}</Job>')
        (job,) = decode(data, types=RICH, cache=cache).header
        assert job == JOB(level=1, step=("AB-1",), key=" ".join(key.split()))
        decode(message(f'<Ticket xmlns="urn:rich" Key="{key}"/>'), types=RICH, cache=cache)
    # One shape for the tickets.
    assert len(cache) == 4


_MESSAGES = Path(__file__).resolve().parent.parent.parent / "shared" / "messages"


@pytest.mark.skipif(
    not _MESSAGES.exists(), reason="there is no folder shared/messages next to the repository"
)
def test_shared_messages_with_neighbours_are_read_and_written() -> None:
    count = 0
    for path in sorted(_MESSAGES.glob("*.xml")):
        data = path.read_bytes()
        try:
            plain = decode(data)
        except XmlaHeadersError:
            continue
        envelope = decode(data, types=BOTH)
        assert [block.qname for block in envelope.header] == [block.qname for block in plain.header]
        assert decode(encode(envelope), types=BOTH) == envelope
        blocks = [block for block in envelope.header if block.qname in MICROSOFT_BLOCKS]
        assert not [block for block in blocks if isinstance(block, UnknownHeaderBlock)]
        count += bool(blocks)
    assert count >= 10


def test_manifest_of_the_corpus_has_text_and_children() -> None:
    *_, manifest, _schema = fuzzing.corpus(count=600, types=RICH)
    blocks = [block for case in json.loads(manifest[1])["vectors"] for block in case["blocks"] or ()]
    assert any("text" in block for block in blocks)
    assert any(child["text"] for block in blocks for child in block.get("children", ()))


def test_unfinished_block_with_content_is_not_judged() -> None:
    data = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        b'<Job xmlns="urn:rich" Level="x"><Step>AB-1</Step>'
    )
    found = [finding.code for finding in iter_findings(data, types=RICH)]
    assert found[-1] == Code.NOT_WELL_FORMED


def test_block_of_no_namespace_in_another_one_is_a_lookalike() -> None:
    local = UnqualifiedBeginGetSessionToken.spec.local_name
    data = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><{local} xmlns="urn:y"/>'
        "</s:Header><s:Body/></s:Envelope>"
    ).encode()
    types = {UnqualifiedBeginGetSessionToken.spec.qname: UnqualifiedBeginGetSessionToken}
    (finding,) = decode(data, types=types).warnings
    assert (finding.code, finding.hint) == (
        Code.LOOKALIKE_HEADER_BLOCK,
        f"the schema has {local} in no namespace",
    )
