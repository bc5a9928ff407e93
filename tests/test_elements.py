"""Element trees: the same rules, values and paths as for bytes, in ElementTree and in lxml."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, objectify

from tests import messages
from tests.each import each
from tests.profiles import scaled
from xmla_headers import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    BeginSession,
    Code,
    DecodeError,
    Direction,
    EncodeError,
    EndSession,
    Fault,
    FaultEntry,
    Fragment,
    Header,
    HeaderBlock,
    Limits,
    MustUnderstandForm,
    Session,
    SoapVersion,
    UnknownHeaderBlock,
    ValidationError,
    XmlaHeadersError,
    decode,
    encode,
    with_blocks,
)
from xmla_headers.elements import fault_of, header_of, set_blocks
from xmla_headers.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SECRET = "secret-session"


def lxml_tree(data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(data, parser)


LIBRARIES: dict[str, Any] = {"ElementTree": ET.fromstring, "lxml": lxml_tree}
LIBRARY = pytest.mark.parametrize("parse", LIBRARIES.values(), ids=LIBRARIES)

X = f'xmlns="{XMLA_NS}"'
SESSION = f'<Session {X} SessionId="{SECRET}"/>'


def message(blocks: str = "", body: str = "<s:Body/>", *, soap: str = SOAP_11_NS, header: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:q="urn:q">{header or f"<s:Header>{blocks}</s:Header>"}'
        f"{body}</s:Envelope>"
    ).encode()


def canonical(xml: bytes) -> str:
    """Return XML without the details that a tree loses: quotes, comments and, in ElementTree, prefixes."""
    return ET.canonicalize(xml.decode(), rewrite_prefixes=True)


def meaning(header: Header) -> list[object]:
    return [
        (block.qname, block.must_understand, block.actor, canonical(block.xml))
        if isinstance(block, UnknownHeaderBlock)
        else (block, block.must_understand_form)
        for block in header
    ]


def verdict(call: Callable[[], object]) -> object:
    """Return the value of a call, or the code and path of its finding, without the position in the bytes."""
    try:
        return call()
    except XmlaHeadersError as error:
        finding = error.finding
        # If a namespace has two prefixes, lxml does not know which one an attribute had.
        path = re.sub("[^/@]+:", "", finding.path or "")
        return type(error), finding.code, path, finding.hint


def of_bytes(data: bytes, **reading: Any) -> object:
    return verdict(lambda: meaning(decode(data, **reading).header))


#: Codes about details that a tree loses, or that its own parser refuses.
ABOUT_BYTES = {
    Code.NOT_XML,
    Code.ENCODING_ERROR,
    Code.DTD_FORBIDDEN,
    Code.NOT_WELL_FORMED,
    # A processing instruction may be outside the root, or in the Body.
    Code.PROCESSING_INSTRUCTION,
}


# -- reading -----------------------------------------------------------------------------------------


@settings(max_examples=scaled(300))
@given(messages.messages(), st.sampled_from([{}, {"strict": True}, {"direction": Direction.RESPONSE}]))
def test_header_of_an_lxml_tree_equals_decode_of_its_bytes(data: bytes, reading: dict[str, Any]) -> None:
    try:
        tree = lxml_tree(data)
    except etree.XMLSyntaxError:
        return
    said = of_bytes(data, **reading)
    if isinstance(said, tuple) and said[1] in ABOUT_BYTES:
        return

    assert verdict(lambda: meaning(header_of(tree, **reading))) == said


@given(messages.messages(odd=False))
def test_header_of_an_element_tree_equals_decode_of_its_bytes(data: bytes) -> None:
    try:
        tree = ET.fromstring(data)
    except (ET.ParseError, ValueError):
        # expat does not know the label utf8.
        assert b"utf8" in data or b"}" in data
        return
    assert meaning(header_of(tree)) == of_bytes(data)


REFUSED = {
    "missing-attribute": message(f"<Session {X}/>"),
    "duplicate-header-block": message(SESSION + SESSION),
    "unexpected-content": message(f"<BeginSession {X}><q:a/></BeginSession>"),
    "invalid-must-understand": message(f'<BeginSession {X} s:mustUnderstand="yes"/>'),
    "conflicting-must-understand": message(f'<BeginSession {X} s:mustUnderstand="1" mustUnderstand="0"/>'),
    "not-an-envelope": b"<a/>",
    "wrong-soap-namespace": message(soap="urn:a"),
    "misplaced-header": message(header="<s:Body/><s:Header/>", body=""),
    "duplicate-header": message(header="<s:Header/><s:Header/>"),
    "duplicate-body": message(body="<s:Body/><s:Body/>"),
    "missing-body": message(body=""),
    "unexpected-element": message(header="<q:a/>"),
    "element-after-body": message(body="<s:Body/><q:a/>"),
    "unexpected-text": message("text"),
    "limit-exceeded": message("<q:a/>" * 65),
}


@LIBRARY
@pytest.mark.parametrize("code", REFUSED)
def test_header_of_refuses_with_the_code_of_decode(code: str, parse: Any) -> None:
    with pytest.raises(XmlaHeadersError) as from_bytes:
        decode(REFUSED[code])
    with pytest.raises(XmlaHeadersError) as caught:
        header_of(parse(REFUSED[code]))

    error = caught.value
    assert type(error) is type(from_bytes.value)
    assert error.code == from_bytes.value.code == code
    finding = error.finding
    assert (finding.line, finding.column, finding.offset) == (None, None, None)
    assert finding.path is not None
    assert error.__cause__ is None
    assert SECRET not in str(error)


@LIBRARY
def test_header_of_refusal_has_a_path_with_prefixes(parse: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        header_of(parse(message(f'<XA:Session xmlns:XA="{XMLA_NS}"/>')))

    prefixes = {"ElementTree": ("soap", "xa"), "lxml": ("s", "XA")}
    soap, xmla = prefixes["lxml" if parse is lxml_tree else "ElementTree"]
    assert caught.value.finding.path == f"/{soap}:Envelope/{soap}:Header/{xmla}:Session/@SessionId"


@LIBRARY
@pytest.mark.parametrize(
    "blocks",
    [
        "",
        SESSION,
        f'\n <!-- a --> {SESSION}<!-- b -->\n <q:a s:mustUnderstand="1">a<q:b c="d"/>e<!-- --></q:a>',
        f'<p:Session xmlns:p="{XMLA_NS}" SessionId="&#9;&#10;&lt;é&#128477;" s:actor="urn:a" xml:lang="de"/>',
        '<a xmlns=""/><b xmlns="urn:b"><c xmlns=""/></b>',
    ],
)
def test_header_of_a_header_element_is_read(blocks: str, parse: Any) -> None:
    data = message(blocks)

    assert meaning(header_of(parse(data)[0])) == meaning(decode(data).header)


@LIBRARY
def test_header_of_header_in_no_namespace_is_refused(parse: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        header_of(parse(b"<Header/>"))
    assert caught.value.code is Code.WRONG_SOAP_NAMESPACE


def test_header_of_an_lxml_tree_keeps_prefixes() -> None:
    block = '<q:a xmlns:xsi="urn:xsi" xsi:type="q:b">q:c</q:a>'

    assert header_of(lxml_tree(message(block))).unknown == decode(message(block)).header.unknown


@LIBRARY
def test_header_of_undeclared_default_namespace_equals_decode(parse: Any) -> None:
    block = '<q:a xmlns:q="q"><b xmlns=""/><c/></q:a>'
    data = f'<Envelope xmlns="{SOAP_11_NS}"><Header>{block}</Header><Body/></Envelope>'

    assert meaning(header_of(parse(data.encode()))) == meaning(decode(data.encode()).header)


def test_header_of_inserted_element_stays_in_no_namespace() -> None:
    tree = lxml_tree(f'<Envelope xmlns="{SOAP_11_NS}"><Header/><Body/></Envelope>'.encode())
    tree[0].append(etree.Element("Session", SessionId="a"))

    assert [block.qname for block in header_of(tree)] == ["Session"]


def test_header_of_lxml_tree_refuses_instructions_and_entities() -> None:
    with pytest.raises(DecodeError) as caught:
        header_of(lxml_tree(message("<?pi some thing?>")))
    assert caught.value.code is Code.PROCESSING_INSTRUCTION

    data = b"<!DOCTYPE a [<!ENTITY e 'text'>]>" + message("<q:a>&e;</q:a>")
    with pytest.raises(DecodeError) as caught:
        header_of(lxml_tree(data))
    assert caught.value.code is Code.NOT_WELL_FORMED


def test_header_of_element_tree_refuses_inserted_instruction() -> None:
    tree = ET.fromstring(message())
    tree[0].append(ET.ProcessingInstruction("pi", "text"))
    tree[0].append(ET.Comment("comment"))

    with pytest.raises(DecodeError) as caught:
        header_of(tree)
    assert caught.value.code is Code.PROCESSING_INSTRUCTION


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "\ufffe"])
def test_header_of_text_outside_xml_is_refused(value: str) -> None:
    tree = ET.fromstring(message(SESSION))
    tree[0][0].set("SessionId", value)

    with pytest.raises(DecodeError):
        header_of(tree)


@pytest.mark.parametrize("tag", ["a b", "a/><Session", "", "1", "a:b", "{urn:a}", "{urn:a}b c"])
def test_header_of_a_malformed_tag_is_refused(tag: str) -> None:
    tree = ET.fromstring(message())
    tree[0].append(ET.Element(tag))

    with pytest.raises(EncodeError) as caught:
        header_of(tree)
    assert caught.value.code is Code.BAD_FRAGMENT


@pytest.mark.parametrize("value", [None, "a", b"<a/>", ET.ElementTree(), ET.Comment("a")])
def test_elements_calls_without_an_element_raise_type_error(value: object) -> None:
    calls: tuple[Callable[[object], object], ...] = (header_of, fault_of, set_blocks)
    for call in calls:
        with pytest.raises(TypeError, match="an element"):
            call(value)


def test_header_of_an_objectify_tree_raises_type_error() -> None:
    with pytest.raises(TypeError, match="objectify"):
        header_of(objectify.fromstring(message(SESSION)))


SPOILS: list[Callable[[Any], object]] = [
    lambda header: header.append(ET.Element(ET.QName("urn:q", "a"))),  # type: ignore[type-var]
    lambda header: header[0].set(ET.QName("urn:q", "a"), "b"),
    lambda header: header[0].set("SessionId", 581),
    lambda header: setattr(header[0], "text", 5),
    lambda header: setattr(header[0], "tail", 5),
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_header_of_a_tree_with_other_types_raises_type_error(spoil: Callable[[Any], object]) -> None:
    tree = ET.fromstring(message(SESSION))
    spoil(tree[0])

    with pytest.raises(TypeError, match="in a tree must be str, not"):
        header_of(tree)


def test_header_of_too_many_prefixes_exceeds_a_limit() -> None:
    prefixes = "".join(f' xmlns:p{number}="urn:{number}"' for number in range(200))
    data = message(f"<q:a{prefixes}>{'<b/>' * 2_000}</q:a>")

    with pytest.raises(DecodeError) as caught:
        header_of(lxml_tree(data))
    assert caught.value.code is Code.LIMIT_EXCEEDED
    assert caught.value.finding.line is None


@LIBRARY
def test_header_of_ignores_the_body(parse: Any) -> None:
    tree = parse(message(SESSION))
    tree[1].append(parse(b'<q:a xmlns:q="urn:q"/>'))
    for _ in range(5_000):
        tree[1].append(copy.copy(tree[1][0]))

    assert header_of(tree, limits=Limits(max_header_bytes=500)).session == Session(SECRET)


@LIBRARY
def test_header_of_ignores_max_message_bytes(parse: Any) -> None:
    limits = Limits(max_message_bytes=1)

    assert header_of(parse(message(SESSION)), limits=limits).session == Session(SECRET)
    assert fault_of(parse(message(SESSION)), limits=limits) is None


# -- faults ------------------------------------------------------------------------------------------

ERROR = '<Error ErrorCode="3238789130" Description="d" Source="s" HelpFile=""/>'
FAULTS = [
    f"""<s:Body><s:Fault xmlns="{SOAP_11_NS}"><faultcode>XMLAnalysisError.0xc10c000a</faultcode>
    <faultstring>gone</faultstring><detail>{ERROR}</detail></s:Fault></s:Body>""",
    """<s:Body>\n<!-- a --><s:Fault><faultcode>s:Client</faultcode><faultstring>a&lt;b</faultstring>
    <faultactor>a</faultactor><detail><q:more>x</q:more></detail></s:Fault><q:other/></s:Body>""",
    f"""<s:Body><f:Fault xmlns:f="{SOAP_12_NS}"><f:Code><f:Value>f:Sender</f:Value></f:Code>
    <f:Reason><f:Text xml:lang="en">no</f:Text></f:Reason><f:Role>r</f:Role></f:Fault></s:Body>""",
    "<s:Body><q:a/><s:Fault/></s:Body>",
    "<s:Body><Fault/></s:Body>",
    "<s:Body/>",
]


@LIBRARY
@pytest.mark.parametrize("body", FAULTS)
def test_fault_of_equals_the_fault_of_decode(body: str, parse: Any) -> None:
    data = message(SESSION, body)
    found, expected = fault_of(parse(data)), decode(data).fault

    if expected is None:
        assert found is None
    else:
        assert found is not None
        nothing = Fragment()
        assert replace_detail(found, nothing) == replace_detail(expected, nothing)
        around = (f"<_>{canonical(f.detail.standalone())}</_>" if f.detail else "" for f in (found, expected))
        assert len(set(around)) == 1


def replace_detail(fault: Fault, detail: Fragment) -> Fault:
    return Fault(fault.code, fault.string, fault.actor, fault.entries, detail)


@LIBRARY
def test_fault_of_a_fault_of_encode_is_read(parse: Any) -> None:
    fault = Fault("Server.1", "text", entries=(FaultEntry(7, "d", content=Fragment(b"<a/>")),))
    found = fault_of(parse(encode(Envelope(body=fault.to_body()))))

    assert found is not None
    assert (found.code, found.string, found.entries[0].code) == ("Server.1", "text", 7)


@LIBRARY
def test_fault_of_a_bare_fault_is_refused(parse: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        fault_of(parse(f'<s:Fault xmlns:s="{SOAP_11_NS}"/>'.encode()))
    assert caught.value.code is Code.NOT_AN_ENVELOPE


# -- writing -----------------------------------------------------------------------------------------

UNKNOWN = UnknownHeaderBlock(b'<z:New xmlns:z="urn:z" a="1">text<z:k/>tail<b xmlns="urn:b"/>end</z:New>')
OTHER = UnknownHeaderBlock(b'<q:Other xmlns:q="urn:q"/>')
GIVEN: dict[str, tuple[HeaderBlock | UnknownHeaderBlock, ...]] = {
    "one": (Session("new"),),
    "awkward": (Session("a<b>&\"c'\t\n\r é🗝" + "x" * 10_000, must_understand=True, actor="urn:a\n"),),
    "another kind": (EndSession("new"),),
    "unknown": (UNKNOWN,),
    "both": (UNKNOWN, BeginSession(other_attributes=(("{urn:w}id", "i"), ("{urn:v}id", "j")))),
    "two of the same name": (OTHER, Session("new"), OTHER),
    "alternatives": (BeginSession(), EndSession("e")),
    "none": (),
}
HEADS = {
    "empty": "<s:Header/>",
    "none": "\n  ",
    "session": f"<s:Header>{SESSION}</s:Header>",
    "indented": f"<s:Header>\n  <q:Other/>\n  {SESSION}\n  <q:Other/>\n  <q:Last/>\n</s:Header>",
    "comments": f"<!-- a --><s:Header><!-- b -->{SESSION}<!-- c --><BeginSession {X}/><!-- d --></s:Header>",
}


@pytest.mark.slow
@LIBRARY
@each("soap", list(SoapVersion))
@each("form", [None, *MustUnderstandForm])
@each("head", HEADS)
@each("given", GIVEN)
def test_set_blocks_inserts_where_with_blocks_does(
    given: str, head: str, form: MustUnderstandForm | None, soap: SoapVersion, parse: Any
) -> None:
    data = message(header=HEADS[head], soap=soap.namespace, body="<s:Body>body<q:a/></s:Body>")
    tree = parse(data)
    set_blocks(tree, *GIVEN[given], must_understand_form=form)

    expected = decode(with_blocks(data, *GIVEN[given], must_understand_form=form))
    written = etree.tostring(tree) if parse is lxml_tree else ET.tostring(tree)
    assert meaning(header_of(tree)) == meaning(expected.header)
    assert meaning(decode(written).header) == meaning(expected.header)
    assert [child.tag for child in tree if isinstance(child.tag, str)][-1] == f"{{{soap.namespace}}}Body"
    assert (tree[-1].text, len(tree[-1])) == ("body", 1)


@LIBRARY
def test_set_blocks_keeps_other_elements_and_white_space(parse: Any) -> None:
    tree = parse(message(header=HEADS["indented"]))
    header = tree[0]
    kept = [header[0], header[2], header[3]]
    set_blocks(tree, Session("new"), UNKNOWN)

    assert [header[0], header[2], header[3]] == kept
    assert [child.tail for child in header] == ["\n  ", "\n  ", "\n  ", "\n  ", "\n"]
    set_blocks(tree, OTHER)
    assert [child.tag for child in header] == [
        "{urn:q}Other",
        f"{{{XMLA_NS}}}Session",
        "{urn:q}Last",
        "{urn:z}New",
    ]
    assert "".join(header.itertext()).count("\n") == 6


@LIBRARY
@pytest.mark.parametrize(
    ("data", "blocks", "error"),
    [
        (REFUSED["missing-attribute"], (Session("a"),), ValidationError),
        (REFUSED["not-an-envelope"], (), ValidationError),
        (message(SESSION), (Session("a"), Session("b")), EncodeError),
        (message(SESSION), (UnknownHeaderBlock(b"<a>" + b"x" * 300_000 + b"</a>"),), EncodeError),
        (message("<q:a/>" * 64), (Session("a"),), EncodeError),
    ],
)
def test_set_blocks_refusal_leaves_the_tree_unchanged(
    data: bytes, blocks: tuple[Any, ...], error: type[XmlaHeadersError], parse: Any
) -> None:
    tree = parse(data)
    before = ET.tostring(tree) if parse is not lxml_tree else etree.tostring(tree)

    with pytest.raises(error) as caught:
        set_blocks(tree, *blocks)
    assert caught.value.finding.line is None
    assert before == (ET.tostring(tree) if parse is not lxml_tree else etree.tostring(tree))


@LIBRARY
def test_set_blocks_of_another_element_raises_value_error(parse: Any) -> None:
    with pytest.raises(ValueError, match="Envelope"):
        set_blocks(parse(message(SESSION))[0], Session("a"))


@LIBRARY
@pytest.mark.parametrize(
    "argument", ["types", "direction", "strict", "refuse", "limits", "must_understand_form"]
)
def test_elements_wrong_arguments_raise_type_error(argument: str, parse: Any) -> None:
    tree = parse(message(SESSION))
    wrong: dict[str, Any] = {argument: 1}
    with pytest.raises(TypeError):
        set_blocks(tree, **wrong)
    if argument != "must_understand_form":
        with pytest.raises(TypeError):
            header_of(tree, **wrong)


@LIBRARY
def test_elements_calls_accept_the_reading_arguments(parse: Any) -> None:
    tree = parse(message(f"<BeginSession {X}/>"))
    reading: dict[str, Any]
    for reading, code in (
        ({"direction": Direction.RESPONSE}, Code.WRONG_DIRECTION),
        ({"limits": Limits(max_header_blocks=0)}, Code.LIMIT_EXCEEDED),
    ):
        for call in (header_of, set_blocks):
            with pytest.raises(XmlaHeadersError) as caught:
                call(tree, **reading)
            assert caught.value.code is code
    loose = parse(message(f'<BeginSession {X} mustUnderstand="1"/>'))
    for reading in ({"strict": True}, {"refuse": ("unqualified-must-understand",)}):
        for call in (header_of, set_blocks):
            with pytest.raises(ValidationError):
                call(loose, **reading)
    assert header_of(loose).begin_session == BeginSession(must_understand=True)
    assert header_of(parse(message(SESSION)), types={}).session is None
