"""The values: accepted and refused arguments, repr, pickle and copy."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import pprint
import sys
import tracemalloc
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.each import each
from xmla_headers import (
    RULES,
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    AttributeSpec,
    BeginSession,
    BlockSpec,
    Code,
    ConversationError,
    DecodeError,
    Direction,
    EncodeError,
    EndSession,
    Envelope,
    Fault,
    FaultEntry,
    Finding,
    Fragment,
    HeadCache,
    Header,
    HeaderBlock,
    Limits,
    MustUnderstandForm,
    Session,
    Severity,
    SoapVersion,
    UnknownHeaderBlock,
    ValidationError,
    XmlaHeadersError,
    decode,
    iter_findings,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "SECRET-ID-0123456789"
XML_NS = "http://www.w3.org/XML/1998/namespace"
XMLNS_NS = "http://www.w3.org/2000/xmlns/"
XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
WSU_ID = "{urn:wsu}Id"

#: Characters that XML 1.0 production [2] excludes, and neighbours that it includes.
UNENCODABLE = ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]
ENCODABLE = ["\t", "\n", "\r", " ", "\x7f", "\x85", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff"]


@dataclass(frozen=True, slots=True, repr=False)
class Optional(HeaderBlock):
    """A block of another schema: unbounded, with an optional attribute and without a session id."""

    spec = BlockSpec("urn:w", "Optional", (AttributeSpec("Name", "name"),), max_occurs=None)

    name: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Twice(HeaderBlock):
    """A block of another schema that may occur twice."""

    spec = BlockSpec("urn:w", "Twice", max_occurs=2)


def unknown(attributes: str = "", content: str = "") -> UnknownHeaderBlock:
    return UnknownHeaderBlock(f"<w:a xmlns:w='urn:w' {attributes}>{content}</w:a>".encode())


def message(body: str, blocks: str = "") -> bytes:
    return (
        f"<s:Envelope xmlns:s='{SOAP_11_NS}' xmlns:w='urn:w' xmlns:unused='urn:unused'>"
        f"<s:Header>{blocks}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def assert_refused(code: Code, call: Callable[..., object], *args: Any, **kwargs: Any) -> EncodeError:
    """Assert that a value is refused, with a finding that has no position, and return the exception."""
    with pytest.raises(EncodeError) as caught:
        call(*args, **kwargs)
    error = caught.value
    finding = error.finding
    assert error.code is finding.code is code
    assert (finding.path, finding.line, finding.column, finding.offset) == (None, None, None, None)
    assert finding.severity is Severity.ERROR
    assert SECRET not in f"{error} {error!r} {finding.hint}"
    return error


# -- header blocks ---------------------------------------------------------------------------------------

BLOCKS = {
    "begin-session": BeginSession(),
    "session": Session(SECRET),
    "end-session": EndSession(SECRET),
    "all-arguments": Session(
        SECRET,
        must_understand=True,
        must_understand_form=MustUnderstandForm.BOTH,
        actor="urn:actor",
        other_attributes=((WSU_ID, "a"), (f"{{{XML_NS}}}lang", "")),
    ),
    "empty": Session(""),
}


@pytest.mark.parametrize(
    ("block_type", "arguments"),
    [(BeginSession, ()), (Session, ("id",)), (EndSession, ("id",))],
    ids=["begin-session", "session", "end-session"],
)
def test_block_has_the_defaults_of_the_contract(block_type: Any, arguments: tuple[str, ...]) -> None:
    block = block_type(*arguments)

    assert block.must_understand is False
    assert block.must_understand_form is None
    assert block.actor is None
    assert block.other_attributes == ()
    assert block.qname == block.spec.qname == f"{{{XMLA_NS}}}{block_type.__name__}"


@pytest.mark.parametrize("block_type", [Session, EndSession])
def test_session_id_is_required(block_type: Any) -> None:
    with pytest.raises(TypeError):
        block_type()


@pytest.mark.parametrize("arguments", [("id", True), ("id", True, None), ("id", "actor")])
def test_block_options_are_keyword_only(arguments: tuple[object, ...]) -> None:
    block_type: Any = Session

    with pytest.raises(TypeError):
        block_type(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"session_id": None},
        {"session_id": b"SECRET-ID-0123456789"},
        {"session_id": 581},
        {"session_id": ["id"]},
        {"must_understand": 1},
        {"must_understand": 0},
        {"must_understand": None},
        {"must_understand": "1"},
        {"must_understand_form": 1},
        {"must_understand_form": True},
        {"must_understand_form": MustUnderstandForm},
        {"actor": b"urn:actor"},
        {"actor": 1},
        {"other_attributes": None},
        {"other_attributes": []},
        {"other_attributes": {}},
        {"other_attributes": {WSU_ID: "a"}},
        {"other_attributes": [(WSU_ID, "a")]},
        {"other_attributes": (WSU_ID, "a")},
        {"other_attributes": ((WSU_ID,),)},
        {"other_attributes": ((WSU_ID, "a", "b"),)},
        {"other_attributes": ([WSU_ID, "a"],)},
        {"other_attributes": ((WSU_ID, 1),)},
        {"other_attributes": ((WSU_ID, None),)},
        {"other_attributes": ((1, "a"),)},
        {"other_attributes": ((b"{urn:wsu}Id", "a"),)},
        {"other_attributes": ("ab",)},
        {"no_such_argument": ""},
    ],
    ids=repr,
)
@pytest.mark.parametrize("block_type", [Session, EndSession])
def test_block_rejects_the_wrong_type(block_type: Any, arguments: dict[str, object]) -> None:
    with pytest.raises(TypeError) as caught:
        block_type(**{"session_id": "id", **arguments})
    assert "SECRET" not in str(caught.value)


@each("character", UNENCODABLE, ids=ascii)
@each(
    "make",
    [
        Session,
        EndSession,
        lambda text: BeginSession(actor=text),
        lambda text: BeginSession(other_attributes=((WSU_ID, text),)),
        lambda text: BeginSession(other_attributes=((f"{{urn:{text}}}Id", ""),)),
        Optional,
        lambda text: Fragment(b"", {"a": f"urn:{text}"}),
    ],
    ids=["session-id", "end-session-id", "actor", "value", "namespace", "other-schema", "fragment"],
)
def test_block_text_outside_xml_is_refused(make: Callable[[str], object], character: str) -> None:
    assert_refused(Code.UNENCODABLE_TEXT, make, f"{SECRET}{character}")


@pytest.mark.parametrize("character", ENCODABLE, ids=ascii)
def test_block_keeps_any_xml_character(character: str) -> None:
    block = Session(character, actor=character, other_attributes=((WSU_ID, character),))

    assert (block.session_id, block.actor, block.other_attributes[0][1]) == (character,) * 3


@pytest.mark.parametrize(
    "session_id", ["", " ", " a ", "A", "a" * 100_000, "9F2C", "{9f2c}", "no_session", "<&>\"'"]
)
def test_session_id_is_opaque(session_id: str) -> None:
    assert Session(session_id).session_id == session_id
    assert Session(session_id) != Session(session_id + " ")


@pytest.mark.parametrize(
    "qname",
    [
        "",
        "Id",
        "wsu:Id",
        "{}Id",
        "{urn:wsu}",
        "{urn:wsuId",
        "urn:wsu}Id",
        "{urn:wsu}wsu:Id",
        "{urn:wsu}1",
        "{urn:wsu} Id",
        "{urn:wsu}I d",
        "{urn:wsu}Id='' x",
        "{urn:wsu}Id/>",
        "{urn:wsu}Id\n",
        f"{{{XMLA_NS}}}SessionId",
        f"{{{SOAP_11_NS}}}mustUnderstand",
        f"{{{SOAP_12_NS}}}role",
        f"{{{XSI_NS}}}type",
        f"{{{XMLNS_NS}}}w",
    ],
)
def test_other_attributes_with_a_wrong_name_are_refused(qname: str) -> None:
    assert_refused(Code.BAD_FRAGMENT, BeginSession, other_attributes=((qname, SECRET),))


def test_other_attributes_with_a_duplicate_are_refused() -> None:
    assert_refused(Code.BAD_FRAGMENT, BeginSession, other_attributes=((WSU_ID, "a"), (WSU_ID, "b")))


@pytest.mark.parametrize("qname", [WSU_ID, "{urn:wsu}é", "{a}b.c-d_e", "{a}b}c", f"{{{XML_NS}}}lang", "{ }a"])
def test_other_attributes_are_kept(qname: str) -> None:
    assert BeginSession(other_attributes=((qname, "a"),)).other_attributes == ((qname, "a"),)


@pytest.mark.parametrize("form", [None, *MustUnderstandForm])
def test_must_understand_form_is_not_compared(form: MustUnderstandForm | None) -> None:
    plain = Session("id", must_understand=True)
    block = Session("id", must_understand=True, must_understand_form=form)

    assert block == plain
    assert hash(block) == hash(plain)
    assert block.must_understand_form is form


@pytest.mark.parametrize(
    "other",
    [
        Session("ID"),
        Session("id", must_understand=True),
        Session("id", actor=""),
        Session("id", other_attributes=((WSU_ID, ""),)),
        EndSession("id"),
        BeginSession(),
        "id",
    ],
    ids=repr,
)
def test_blocks_differ_by_every_other_field(other: object) -> None:
    assert Session("id") != other


def test_blocks_can_be_matched_and_replaced() -> None:
    match replace(Session("id"), must_understand=True):
        case Session(session_id, must_understand=True):
            assert session_id == "id"
        case _:
            pytest.fail("a Session does not match")
    with pytest.raises(TypeError):
        replace(Session("id"), session_id=1)  # type: ignore[arg-type]


def test_optional_attribute_may_be_missing() -> None:
    assert Optional().name is None
    with pytest.raises(TypeError):
        Optional(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("block_type", [Session, EndSession])
@pytest.mark.parametrize("session_id", [SECRET, "abcde", "🗝" * 5])
def test_repr_shows_length_and_four_characters_of_an_id(block_type: Any, session_id: str) -> None:
    shown = repr(block_type(session_id))

    assert session_id[:4] in shown
    assert session_id[:5] not in shown
    assert str(len(session_id)) in shown
    assert shown.startswith(block_type.__name__)


@pytest.mark.parametrize("session_id", ["wxyz", "q", ""])
def test_repr_shows_nothing_of_a_short_session_id(session_id: str) -> None:
    shown = repr(Session(session_id))

    assert shown.partition("=")[2].startswith(f"… ({len(session_id)} character")


@pytest.mark.parametrize("name", BLOCKS)
def test_repr_of_containers_shows_no_session_id(name: str) -> None:
    header = Header(BLOCKS[name], unknown(f"SessionId='{SECRET}'", SECRET))
    body = Fragment(f"<a>{SECRET}</a>".encode())
    holders = [header, header.blocks, header.unknown, body, Envelope(header, body), {"a": header}]

    assert [holder for holder in holders if SECRET in f"{holder!r} {holder}"] == []


def test_repr_shows_fields_that_differ_from_the_defaults() -> None:
    shown = repr(BLOCKS["all-arguments"])

    assert "must_understand=True" in shown
    assert "BOTH" in shown
    assert "urn:actor" in shown
    assert repr(BeginSession()) == "BeginSession()"


CONTRADICTING = (
    f"<a xmlns:s='{SOAP_11_NS}' s:mustUnderstand='1' xmlns:t='{SOAP_12_NS}' t:mustUnderstand='0'/>".encode()
)


# -- UnknownHeaderBlock ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xml", "qname"),
    [
        ("<a/>", "a"),
        ("<é/>", "é"),
        ("<w:a xmlns:w='urn:w'/>", "{urn:w}a"),
        ("<a xmlns='urn:w'>text<b/><!-- c --><![CDATA[<]]></a>", "{urn:w}a"),
        ("<a xmlns='urn:w' >🗝</a\n>", "{urn:w}a"),
        ("<Session/>", "Session"),
        ("<Session xmlns='urn:w'/>", "{urn:w}Session"),
        (f"<session xmlns='{XMLA_NS}'/>", f"{{{XMLA_NS}}}session"),
        (f"<w:a xmlns:w='urn:w'><Session xmlns='{XMLA_NS}'/></w:a>", "{urn:w}a"),
    ],
)
def test_unknown_block_keeps_its_bytes(xml: str, qname: str) -> None:
    block = UnknownHeaderBlock(xml.encode())

    assert block.xml == xml.encode()
    assert (block.qname, block.must_understand, block.actor) == (qname, False, None)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b" ",
        b"text",
        b"<a/><a/>",
        b"<a/> ",
        b" <a/>",
        b"<a/>text",
        b"<!-- c --><a/>",
        b"<a/><!-- c -->",
        b"\xef\xbb\xbf<a/>",
        b"<?xml version='1.0'?><a/>",
        b"<!DOCTYPE a><a/>",
        b"<?a?><a/>",
        b"<a><?a?></a>",
        b"<a>",
        b"<a></b>",
        b"</a><a>",
        b"<a>&nope;</a>",
        b"<a b='' b=''/>",
        b"<w:a/>",
        b"<a w:b=''/>",
        b"<a><w:b/></a>",
        b"<a xmlns:w=''/>",
        b"<a xmlns:v='u' xmlns:w='u' v:b='' w:b=''/>",
        b"<a>\xff</a>",
        b"<a>\0</a>",
        "<a/>".encode("utf-16"),
        f"<Session xmlns='{XMLA_NS}' SessionId='{SECRET}'/>".encode(),
        f"<x:BeginSession xmlns:x='{XMLA_NS}'/>".encode(),
        f"<EndSession xmlns='{XMLA_NS}'/>".encode(),
        f"<a xmlns:s='{SOAP_11_NS}' s:mustUnderstand='2'/>".encode(),
        f"<a xmlns:s='{SOAP_11_NS}' s:mustUnderstand='true'/>".encode(),
        f"<a xmlns:s='{SOAP_11_NS}' s:mustUnderstand=''/>".encode(),
        f"<a xmlns:s='{SOAP_11_NS}' s:mustUnderstand='{SECRET}'/>".encode(),
        f"<a xmlns:s='{SOAP_12_NS}' s:mustUnderstand='True'/>".encode(),
        CONTRADICTING,
    ],
    ids=repr,
)
def test_unknown_block_of_other_xml_is_refused(xml: bytes) -> None:
    assert_refused(Code.BAD_FRAGMENT, UnknownHeaderBlock, xml)


@pytest.mark.parametrize(
    "xml", ["<a/>", bytearray(b"<a/>"), memoryview(b"<a/>"), None, 1], ids=lambda xml: type(xml).__name__
)
@pytest.mark.parametrize("make", [UnknownHeaderBlock, Fragment])
def test_xml_of_another_type_raises_type_error(make: Callable[[Any], object], xml: object) -> None:
    with pytest.raises(TypeError):
        make(xml)


@pytest.mark.parametrize(
    ("attributes", "must_understand", "actor"),
    [
        ("mustUnderstand='1' actor='urn:me'", False, None),
        (f"xmlns:s='{SOAP_11_NS}' s:mustUnderstand='1' s:actor='urn:me'", True, "urn:me"),
        (f"xmlns:s='{SOAP_11_NS}' s:mustUnderstand=' 1\n' s:role='urn:me'", True, None),
        (f"xmlns:s='{SOAP_11_NS}' s:mustUnderstand='0' s:actor=''", False, ""),
        (f"xmlns:s='{SOAP_12_NS}' s:mustUnderstand='1' s:role='urn:me'", True, "urn:me"),
        (f"xmlns:s='{SOAP_12_NS}' s:mustUnderstand='true' s:actor='urn:me'", True, None),
        (f"xmlns:s='{SOAP_12_NS}' s:mustUnderstand='false'", False, None),
        (
            f"xmlns:s='{SOAP_11_NS}' xmlns:t='{SOAP_12_NS}' s:mustUnderstand='1' t:mustUnderstand='true'",
            True,
            None,
        ),
    ],
)
def test_unknown_block_soap_attributes_are_read(
    attributes: str,
    must_understand: bool,  # noqa: FBT001 - a parameter
    actor: str | None,
) -> None:
    block = unknown(attributes)

    assert (block.must_understand, block.actor) == (must_understand, actor)


def test_unknown_blocks_compare_by_their_bytes() -> None:
    assert unknown() == unknown()
    assert hash(unknown()) == hash(unknown())
    assert UnknownHeaderBlock(b"<a/>") != UnknownHeaderBlock(b"<a></a>")
    assert UnknownHeaderBlock(b"<a/>") != b"<a/>"


@pytest.mark.parametrize(
    ("block", "added"),
    [
        ("<w:a/>", {"w": "urn:w"}),
        ("<w:a v='unused'/>", {"w": "urn:w"}),
        ("<a v='w:b'/>", {"w": "urn:w"}),
        ("<a>w:b</a>", {"w": "urn:w"}),
        ("<a/>", {}),
        ("<w:a s:mustUnderstand='1' s:actor='urn:me'/>", {"s": SOAP_11_NS, "w": "urn:w"}),
        ("<é v='w:b'>🗝</é>", {"w": "urn:w"}),
    ],
)
def test_decode_adds_declarations_to_an_unknown_block(block: str, added: dict[str, str]) -> None:
    (cut,) = decode(message("", block)).header.unknown

    assert UnknownHeaderBlock(cut.xml) == cut
    again = UnknownHeaderBlock(cut.xml)
    assert (again.qname, again.must_understand, again.actor) == (cut.qname, cut.must_understand, cut.actor)
    name_end = next(index for index, character in enumerate(block) if character in " />")
    declarations = sorted(f' xmlns:{prefix}="{namespace}"' for prefix, namespace in added.items())
    text = cut.xml.decode()
    assert text.startswith(block[:name_end])
    assert text.endswith(block[name_end:])
    assert (
        sorted(f" {part}" for part in text[name_end : len(text) - len(block) + name_end].split())
        == declarations
    )


@pytest.mark.parametrize(
    ("block", "qname"),
    [
        ("<a/>", "{urn:outer}a"),
        ("<a xmlns=''/>", "a"),
        ("<a xmlns='urn:in'/>", "{urn:in}a"),
        ("<w:a xmlns:w='urn:in'/>", "{urn:in}a"),
    ],
)
def test_decode_keeps_the_namespace_of_an_unknown_block(block: str, qname: str) -> None:
    data = message("", block).replace(b"<s:Header>", b"<s:Header xmlns='urn:outer'>")
    (cut,) = decode(data).header.unknown

    assert cut.qname == qname
    assert UnknownHeaderBlock(cut.xml).qname == qname


# -- Header ------------------------------------------------------------------------------------------------


def test_header_is_a_sequence_in_document_order() -> None:
    blocks = (unknown(), Session("id"), unknown("b=''"))
    header = Header(*blocks)

    assert header.blocks == blocks
    assert tuple(header) == blocks
    assert len(header) == 3
    assert (header[0], header[-1], header[1:]) == (blocks[0], blocks[2], blocks[1:])
    assert blocks[1] in header
    assert BeginSession() not in header
    assert list(reversed(header)) == list(reversed(blocks))
    assert header.index(blocks[2]) == 2
    assert header.unknown == (blocks[0], blocks[2])
    assert bool(header)
    assert not Header()
    with pytest.raises(IndexError):
        header[3]


def test_headers_compare_by_their_blocks() -> None:
    assert Header(Session("id")) == Header(Session("id"))
    assert hash(Header(Session("id"))) == hash(Header(Session("id")))
    assert Header(Session("id")) != Header(Session("ID"))
    assert Header(BeginSession(), unknown()) != Header(unknown(), BeginSession())
    assert Header() != ()


@pytest.mark.parametrize("block", [None, "a", b"<a/>", Session, [Session("id")], Header()], ids=repr)
def test_header_holds_header_blocks_only(block: Any) -> None:
    with pytest.raises(TypeError):
        Header(block)


@pytest.mark.parametrize(
    "blocks",
    [
        (Session("a"), Session("b")),
        (Session("a"), unknown(), Session("a")),
        (BeginSession(), BeginSession()),
        (EndSession("a"), Session("a"), EndSession("a")),
        (Twice(), Twice(), Twice()),
    ],
    ids=repr,
)
def test_header_over_max_occurs_is_refused(blocks: tuple[HeaderBlock, ...]) -> None:
    assert_refused(Code.DUPLICATE_HEADER_BLOCK, Header, *blocks)


@pytest.mark.parametrize(
    "blocks",
    [(Optional(),) * 100, (Twice(), Twice()), (unknown(), unknown()), (BeginSession(), Session("a"))],
)
def test_header_up_to_max_occurs_is_accepted(blocks: tuple[HeaderBlock, ...]) -> None:
    assert Header(*blocks).blocks == blocks


def test_header_finds_blocks_by_type() -> None:
    session, begin, end, other = Session("id"), BeginSession(), EndSession("id"), Optional("a")
    header = Header(unknown(), other, end, session, begin, Optional("b"))

    assert header.session is header.get(Session) is session
    assert header.begin_session is header.get(BeginSession) is begin
    assert header.end_session is header.get(EndSession) is end
    assert header.get(Optional) is other
    assert header.get(Twice) is None
    assert header.get(UnknownHeaderBlock) == unknown()
    assert (Header().session, Header().begin_session, Header().end_session) == (None, None, None)


@pytest.mark.parametrize("block", [Session("id"), BeginSession(), EndSession("id"), None], ids=repr)
def test_session_header_returns_the_only_session_block(block: HeaderBlock | None) -> None:
    blocks = () if block is None else (block,)

    assert Header(unknown(), *blocks, Optional()).session_header is block


@pytest.mark.parametrize(
    "blocks",
    [
        (Session(SECRET), BeginSession()),
        (EndSession(SECRET), unknown(), Session(SECRET)),
        (BeginSession(), EndSession(SECRET)),
        (BeginSession(), Session(SECRET), EndSession(SECRET)),
    ],
    ids=repr,
)
def test_session_header_of_two_blocks_is_refused(blocks: tuple[HeaderBlock, ...]) -> None:
    header = Header(*blocks)

    with pytest.raises(ValidationError) as caught:
        _ = header.session_header
    assert caught.value.code is Code.AMBIGUOUS_SESSION_HEADERS
    assert (caught.value.finding.path, caught.value.finding.offset) == (None, None)
    assert SECRET not in f"{caught.value} {caught.value!r}"


#: (SOAP namespace, name and value of the actor attribute) -> whether this receiver must understand the block.
ACTORS = [
    (SOAP_11_NS, "actor", None, True),
    (SOAP_11_NS, "actor", "http://schemas.xmlsoap.org/soap/actor/next", True),
    (SOAP_11_NS, "actor", "urn:me", True),
    (SOAP_11_NS, "actor", "urn:other", False),
    (SOAP_11_NS, "actor", "URN:ME", False),
    (SOAP_12_NS, "role", None, True),
    (SOAP_12_NS, "role", f"{SOAP_12_NS}/role/next", True),
    (SOAP_12_NS, "role", f"{SOAP_12_NS}/role/ultimateReceiver", True),
    (SOAP_12_NS, "role", f"{SOAP_12_NS}/role/none", False),
    (SOAP_12_NS, "role", "urn:me", True),
    (SOAP_12_NS, "role", "urn:other", False),
]


@pytest.mark.parametrize(("namespace", "name", "actor", "ours"), ACTORS)
def test_not_understood_are_the_blocks_for_this_receiver(
    namespace: str,
    name: str,
    actor: str | None,
    ours: bool,  # noqa: FBT001 - a parameter
) -> None:
    addressed = "" if actor is None else f"s:{name}='{actor}'"
    block = unknown(f"xmlns:s='{namespace}' s:mustUnderstand='1' {addressed}")
    optional = unknown(f"xmlns:s='{namespace}' s:mustUnderstand='0' {addressed}")
    header = Header(optional, Session("id", must_understand=True), block, Optional(must_understand=True))

    assert header.not_understood(actors=["urn:me"]) == ((block,) if ours else ())
    assert header.not_understood(["{urn:w}b"], ("urn:me", "urn:you")) == ((block,) if ours else ())
    assert header.not_understood({"{urn:w}a"}, ["urn:me"]) == ()
    assert header.not_understood() == ((block,) if ours and actor != "urn:me" else ())


def test_not_understood_keeps_document_order() -> None:
    blocks = [unknown(f"b='{index}' xmlns:s='{SOAP_11_NS}' s:mustUnderstand='1'") for index in range(4)]

    assert Header(*blocks).not_understood(iter(()), iter(())) == tuple(blocks)


# -- Fragment ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xml", "namespaces"),
    [
        ("", {}),
        (" \r\n", {}),
        ("text é 🗝 &amp; &#x1F5DD; ]] >", {}),
        ("<a/>", {}),
        ("<a/>text<a><b c='d'/></a>", {}),
        ("<!-- </s:Body> --><a/>", {}),
        ("<![CDATA[</s:Body><?a?>]]>", {}),
        ("<_/><__/>", {}),
        ("<xml:a xml:lang='en'/>", {}),
        ("<w:a w:b='w:c'/>", {"w": "urn:w"}),
        ("<w:a xmlns:w='urn:w'/>", {}),
        ("<a xmlns=''/>", {"": "urn:w"}),
        ("<_:a/>", {"_": "urn:w"}),
        ("<é:a/>", {"é": "urn:é"}),
        ("<a/>", {"": "", "xml": XML_NS}),
    ],
)
def test_fragment_keeps_bytes_and_namespaces(xml: str, namespaces: dict[str, str]) -> None:
    fragment = Fragment(xml.encode(), namespaces)

    assert fragment.xml == xml.encode()
    assert len(fragment) == len(xml.encode())
    assert bool(fragment) is bool(xml)
    declared = {prefix: name for prefix, name in namespaces.items() if name and prefix != "xml"}
    assert dict(fragment.namespaces) == declared
    assert Fragment(fragment.xml, fragment.namespaces) == fragment


@pytest.mark.parametrize(
    "xml",
    [
        "<a>",
        "</a>",
        "<a></b>",
        "<",
        "&",
        "a&nope;b",
        "]]>",
        "<a b='' b=''/>",
        "<a b/>",
        "<!-- a -- b -->",
        "\0",
        "\x01",
        "\ufffe",
        "&#0;",
        "&#xD800;",
        # Markup that would close the Body, or the element around the content in the check.
        "</s:Body><s:Body>",
        "</_><_>",
        "</_>",
        "<_>",
        "</_><!--",
        "</_ ><_ >",
        "</_><_/>",
        "</s:Body></s:Envelope>",
        "<!--",
        "<![CDATA[",
        "<a b='",
        "<?a",
        # SOAP 1.1 §3.
        "<?a?>",
        "<a><?a?></a>",
        "<?xml version='1.0'?><a/>",
        "<!DOCTYPE a><a/>",
        "<!ENTITY a 'b'>",
        # Namespaces in XML.
        "<w:a/>",
        "<a w:b=''/>",
        "<a:b:c xmlns:a='urn:a'/>",
        "<:a/>",
        "<:a xmlns='urn:a'/>",
        "<a xmlns:w=''/>",
        "<a xmlns:xmlns='urn:a'/>",
        f"<a xmlns:w='{XML_NS}'/>",
        f"<a xmlns='{XMLNS_NS}'/>",
        "<a xmlns:v='u' xmlns:w='u' v:b='' w:b=''/>",
    ],
)
def test_fragment_of_malformed_xml_is_refused(xml: str) -> None:
    assert_refused(Code.BAD_FRAGMENT, Fragment, xml.encode())


@pytest.mark.parametrize(
    "xml", [b"\xff", b"<a>\xc3</a>", "<a/>".encode("utf-16"), b"<a>\xed\xa0\x80</a>"], ids=repr
)
def test_fragment_of_invalid_utf_8_is_refused(xml: bytes) -> None:
    assert_refused(Code.BAD_FRAGMENT, Fragment, xml)


@pytest.mark.parametrize(
    "namespaces",
    [
        {"w": ""},
        {"1": "urn:w"},
        {"a:b": "urn:w"},
        {"a b": "urn:w"},
        {"a='' b": "urn:w"},
        {" ": "urn:w"},
        {"xmlns": "urn:w"},
        {"xmlns": XMLNS_NS},
        {"w": XMLNS_NS},
        {"": XMLNS_NS},
        {"xml": "urn:w"},
        {"w": XML_NS},
        {"": XML_NS},
    ],
    ids=repr,
)
def test_fragment_with_undeclarable_namespaces_is_refused(namespaces: dict[str, str]) -> None:
    assert_refused(Code.BAD_FRAGMENT, Fragment, b"", namespaces)


@pytest.mark.parametrize(
    "namespaces",
    [None, [("w", "urn:w")], "w", {"w": None}, {"w": b"urn:w"}, {b"w": "urn:w"}, {None: "urn:w"}],
    ids=repr,
)
def test_fragment_namespaces_of_other_types_raise_type_error(namespaces: Any) -> None:
    with pytest.raises(TypeError):
        Fragment(b"", namespaces)


def test_fragment_copies_its_namespaces() -> None:
    namespaces = {"w": "urn:w"}
    fragment = Fragment(b"<w:a/>", namespaces)
    namespaces["w"] = "urn:v"
    view: Any = fragment.namespaces

    assert dict(fragment.namespaces) == {"w": "urn:w"}
    with pytest.raises(TypeError):
        view["w"] = "urn:v"


@pytest.mark.parametrize(
    ("xml", "one", "other", "equal"),
    [
        ("<a/>", {}, {}, True),
        ("<a/>", {"w": "urn:w"}, {}, True),
        ("<a/>", {"w": "urn:w"}, {"w": "urn:v"}, True),
        ("<w:a/>", {"w": "urn:w"}, {"w": "urn:w", "v": "urn:v"}, True),
        ("<w:a/>", {"w": "urn:w"}, {"w": "urn:v"}, False),
        ("<a b='w:c'/>", {"w": "urn:w"}, {"w": "urn:v"}, False),
        ("<a>w:c</a>", {"w": "urn:w"}, {}, False),
        ("w : c", {"w": "urn:w"}, {}, True),
        ("<a/>", {"": "urn:w"}, {}, False),
        ("<a/>", {"": "urn:w"}, {"": "urn:v"}, False),
        ("", {"": "urn:w"}, {}, False),
    ],
)
def test_fragments_compare_by_content_and_used_bindings(
    xml: str,
    one: dict[str, str],
    other: dict[str, str],
    equal: bool,  # noqa: FBT001 - a parameter
) -> None:
    first, second = Fragment(xml.encode(), one), Fragment(xml.encode(), other)

    assert (first == second) is equal
    assert (second == first) is equal
    if equal:
        assert hash(first) == hash(second)


def test_fragments_differ_by_their_bytes() -> None:
    assert Fragment(b"<a/>") != Fragment(b"<a></a>")
    assert Fragment(b"<a/>") != b"<a/>"


@pytest.mark.parametrize("content", ["", "<w:a/>", "<a>é🗝</a>", "text", "<w:a b='w:c'/>\n<s:b/>"])
@pytest.mark.parametrize("deep", [False, True], ids=["shallow", "deep"])
def test_decoded_body_equals_a_fragment_of_the_caller(content: str, deep: bool) -> None:  # noqa: FBT001 - a parameter
    body = decode(message(content), deep=deep).body
    namespaces = {"s": SOAP_11_NS, "w": "urn:w"}

    assert body == Fragment(content.encode(), namespaces)
    assert hash(body) == hash(Fragment(content.encode(), namespaces))


@pytest.mark.parametrize(
    ("xml", "namespaces", "expected"),
    [
        ("<a/>", {}, "<a/>"),
        ("<a/>", {"w": "urn:w"}, "<a/>"),
        (" <!-- b --><a>é</a>\n", {}, " <!-- b --><a>é</a>\n"),
        ("<w:a/>", {"w": "urn:w"}, '<w:a xmlns:w="urn:w"/>'),
        ("<é:a/>", {"é": "urn:é"}, '<é:a xmlns:é="urn:é"/>'),
        ("<a b='w:c'/>", {"w": "urn:w"}, "<a xmlns:w=\"urn:w\" b='w:c'/>"),
        ("<a>w:c</a>", {"w": "urn:w"}, '<a xmlns:w="urn:w">w:c</a>'),
        ("<a/>", {"": "urn:w"}, '<a xmlns="urn:w"/>'),
        ("<a xmlns=''/>", {"": "urn:w"}, "<a xmlns=''/>"),
        ("<w:a xmlns:w='urn:v'/>", {"w": "urn:w"}, "<w:a xmlns:w='urn:v'/>"),
        ("<w:a/>", {"w": 'urn:"<&>\t'}, '<w:a xmlns:w="urn:&quot;&lt;&amp;&gt;&#9;"/>'),
    ],
)
def test_standalone_is_well_formed(xml: str, namespaces: dict[str, str], expected: str) -> None:
    fragment = Fragment(xml.encode(), namespaces)

    assert fragment.standalone() == expected.encode()
    (element,) = fragment.elements()
    assert ET.tostring(ET.fromstring(fragment.standalone())) == ET.tostring(element).strip()


@pytest.mark.parametrize(
    "xml", ["", " ", "text", "<!-- a -->", "<a/><a/>", "text<a/>", "<a/>text", "<![CDATA[]]><a/>"]
)
def test_standalone_without_one_element_is_refused(xml: str) -> None:
    assert_refused(Code.BAD_FRAGMENT, Fragment(xml.encode()).standalone)


@pytest.mark.parametrize(
    ("xml", "tags"),
    [
        ("", []),
        ("text", []),
        ("<!-- a -->", []),
        ("<a/>text<w:b><c/></w:b>", ["a", "{urn:w}b"]),
    ],
)
def test_elements_are_the_top_level_ones(xml: str, tags: list[str]) -> None:
    assert [element.tag for element in Fragment(xml.encode(), {"w": "urn:w"}).elements()] == tags


def test_body_without_deep_may_have_unbound_prefixes() -> None:
    body = decode(message("<nope:a/>")).body

    assert body.xml == b"<nope:a/>"
    for call in (body.elements, body.standalone):
        with pytest.raises(XmlaHeadersError) as caught:
            call()
        assert caught.value.code is Code.NOT_WELL_FORMED
    assert pickle.loads(pickle.dumps(body)) == body
    with pytest.raises(DecodeError):
        decode(message("<nope:a/>"), deep=True)


@pytest.mark.parametrize(
    "content",
    [
        "<a>" * 300 + "</a>" * 300,
        "<a " + " ".join(f"b{index}=''" for index in range(300)) + "/>",
        f"<{'a' * 5000}/>",
        f"<a xmlns='{'a' * 5000}'/>",
    ],
    ids=["depth", "attributes", "name", "namespace"],
)
def test_elements_over_a_limit_are_refused(content: str) -> None:
    for fragment in (decode(message(content)).body, Fragment(content.encode())):
        with pytest.raises(XmlaHeadersError) as caught:
            fragment.elements()
        assert caught.value.code is Code.LIMIT_EXCEEDED


#: From a megabyte on, the parser's own buffers have a constant size.
COUNTS = (1_200_000, 2_400_000)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["x", "<a/>", "é\n"])
def test_body_is_copied_on_first_access_to_xml(content: str) -> None:
    short, long = (message(content * count) for count in COUNTS)
    decode(long)

    peaks = []
    for data in (short, long):
        tracemalloc.start()
        try:
            envelope = decode(data)
            peaks.append(tracemalloc.get_traced_memory()[1])
            xml = envelope.body.xml
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held > len(xml) == len(content.encode()) * COUNTS[data is long]
        assert envelope.body.xml is xml
    assert peaks[1] - peaks[0] < 10_000


@pytest.mark.parametrize(
    "buffer", [bytearray, lambda data: memoryview(bytearray(data))], ids=["bytearray", "memoryview"]
)
def test_mutable_buffer_is_copied_once(buffer: Callable[[bytes], Any]) -> None:
    data = buffer(message("<a/>", "<w:a/>"))
    envelope = decode(data)
    data[:] = b" " * len(data)

    assert envelope.body.xml == b"<a/>"
    assert envelope.header.unknown[0].qname == "{urn:w}a"


def test_fragment_pickles_its_own_bytes_only() -> None:
    blocks = f"<w:a>{'x' * 100_000}</w:a>"
    body = decode(message(f"<w:a>{SECRET}</w:a>", blocks)).body

    pickled = pickle.dumps(body)
    assert len(pickled) < 1_000
    assert pickle.loads(pickled) == body
    assert pickle.loads(pickled).standalone() == body.standalone()


# -- Envelope ----------------------------------------------------------------------------------------------

WARNING = Finding(Code.SOAP_1_2, Severity.WARNING, "text", "/a", 2, 3, 4, "hint", "clause")


def test_envelope_has_the_defaults_of_the_contract() -> None:
    assert Envelope() == Envelope(Header(), Fragment(), SoapVersion.SOAP_1_1, warnings=())
    assert Envelope().warnings == ()


@pytest.mark.parametrize(
    "arguments",
    [
        {"header": None},
        {"header": ()},
        {"header": [Session("id")]},
        {"header": Session("id")},
        {"body": None},
        {"body": b"<a/>"},
        {"body": "<a/>"},
        {"soap": None},
        {"soap": 1.1},
        {"soap": b"1.1"},
        {"warnings": None},
        {"warnings": [WARNING]},
        {"warnings": WARNING},
        {"warnings": ("soap-1.2",)},
    ],
    ids=repr,
)
def test_envelope_rejects_the_wrong_type(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Envelope(**arguments)


def test_warnings_are_not_compared() -> None:
    assert Envelope(warnings=(WARNING,)) == Envelope()
    assert hash(Envelope(warnings=(WARNING,))) == hash(Envelope())


@pytest.mark.parametrize(
    "other",
    [
        Envelope(Header(Session("id"))),
        Envelope(body=Fragment(b"<a/>")),
        Envelope(soap=SoapVersion.SOAP_1_2),
        (Header(), Fragment(), SoapVersion.SOAP_1_1),
    ],
    ids=["header", "body", "soap", "tuple"],
)
def test_envelopes_differ_by_everything_else(other: object) -> None:
    assert Envelope() != other


# -- SoapVersion, Limits, Finding, exceptions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "namespace", "actor_name", "forms"),
    [
        (SoapVersion.SOAP_1_1, SOAP_11_NS, "actor", {"0": False, "1": True}),
        (SoapVersion.SOAP_1_2, SOAP_12_NS, "role", {"0": False, "1": True, "false": False, "true": True}),
    ],
    ids=["1.1", "1.2"],
)
def test_soap_versions_carry_what_differs(
    version: SoapVersion, namespace: str, actor_name: str, forms: dict[str, bool]
) -> None:
    mutable: Any = version.must_understand_forms

    assert (version.namespace, version.actor_name, dict(version.must_understand_forms)) == (
        namespace,
        actor_name,
        forms,
    )
    with pytest.raises(TypeError):
        mutable["yes"] = True
    assert pickle.loads(pickle.dumps(version)) is copy.deepcopy(version) is version


def test_limits_have_the_defaults_of_the_contract() -> None:
    assert {field.name: getattr(Limits(), field.name) for field in fields(Limits)} == {
        "max_message_bytes": None,
        "max_header_bytes": 262_144,
        "max_header_blocks": 64,
        "max_depth": 256,
        "max_attributes": 256,
        "max_name_length": 4_096,
        "max_token_bytes": 16_777_216,
    }


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_limits_are_numbers_or_none(name: str) -> None:
    make: Any = Limits
    for kept in (None, 0, 1, 1 << 80):
        assert getattr(make(**{name: kept}), name) == kept
    for wrong in ("1", 1.0, True, b"1", ()):
        with pytest.raises(TypeError):
            make(**{name: wrong})
    with pytest.raises(ValueError, match=name):
        make(**{name: -1})


RECORDS = [
    (Limits(), {"max_depth": 3}),
    (Finding(Code.NOT_XML, Severity.ERROR, "text", "/a", 1, 2, 3, "hint", "clause"), {"line": None}),
    (RULES[Code.NOT_XML], {"meaning": "another"}),
    (AttributeSpec("Name", "name", required=True), {"identifier": True}),
    (BlockSpec("urn:a", "Block"), {"max_occurs": None}),
    (Fault("Client", "text", entries=(FaultEntry(1, "text"),)), {"string": "another"}),
    (FaultEntry("00HSBB01", "text"), {"code": 7}),
]


@pytest.mark.parametrize(("value", "change"), RECORDS, ids=[type(value).__name__ for value, _ in RECORDS])
def test_values_behave_like_frozen_dataclasses(value: Any, change: dict[str, object]) -> None:
    kind = type(value)
    names = [field.name for field in fields(kind) if field.init]

    assert is_dataclass(type(value))
    assert names == list(inspect.signature(kind).parameters)
    assert asdict(value).keys() >= set(names)
    assert replace(value) == value
    changed = replace(value, **change)
    assert {name: getattr(changed, name) for name in names} == {
        **{name: getattr(value, name) for name in names},
        **change,
    }
    assert hash(changed) != hash(value)
    assert pickle.loads(pickle.dumps(changed)) == changed
    if sys.version_info >= (3, 13):
        assert copy.replace(value, **change) == changed
    assert pprint.pformat(value, width=1).startswith(type(value).__name__)
    assert kind.__dataclass_params__.frozen
    with pytest.raises(FrozenInstanceError):
        setattr(value, names[0], None)
    assert not hasattr(value, "__dict__")


def test_limits_and_findings_match_by_position() -> None:
    match Limits(1, 2):
        case Limits(message_bytes, header_bytes):
            assert (message_bytes, header_bytes) == (1, 2)
    match PLACELESS:
        case Finding(code, severity, message):
            assert (code, severity, message) == (Code.BAD_FRAGMENT, Severity.ERROR, "text")


PLACELESS = Finding(Code.BAD_FRAGMENT, Severity.ERROR, "text", None, None, None, None, None, "clause")


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        (WARNING, "2:3: warning[soap-1.2]: text - at /a"),
        (PLACELESS, "error[bad-fragment]: text"),
        (replace(WARNING, path=None), "2:3: warning[soap-1.2]: text"),
        (replace(PLACELESS, path="/a"), "error[bad-fragment]: text - at /a"),
    ],
    ids=["placed", "placeless", "pathless", "path-only"],
)
def test_finding_is_shown_in_one_line(finding: Finding, shown: str) -> None:
    assert str(finding) == shown


@pytest.mark.parametrize("finding", [WARNING, PLACELESS], ids=["placed", "placeless"])
def test_finding_becomes_json(finding: Finding) -> None:
    as_dict = finding.to_dict()

    assert json.loads(json.dumps(as_dict)) == as_dict
    assert list(as_dict) == [field.name for field in fields(Finding)]
    assert {type(value) for value in as_dict.values()} <= {str, int, type(None)}
    assert as_dict == {name: getattr(finding, name) for name in as_dict}


ERRORS = [DecodeError, ValidationError, EncodeError, ConversationError, XmlaHeadersError]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("finding", [WARNING, PLACELESS], ids=["hint", "no-hint"])
def test_exception_carries_its_finding(kind: type[XmlaHeadersError], finding: Finding) -> None:
    error = kind(finding)

    assert isinstance(error, XmlaHeadersError)
    assert isinstance(error, ValueError)
    assert error.finding is finding
    assert error.code is finding.code
    assert str(error) == str(finding)
    assert [finding.hint in note for note in getattr(error, "__notes__", ()) if finding.hint] == (
        [True] if finding.hint else []
    )


@pytest.mark.parametrize(
    "again", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("finding", [WARNING, PLACELESS], ids=["hint", "no-hint"])
def test_exceptions_pickle_and_copy(
    kind: type[XmlaHeadersError], finding: Finding, again: Callable[[object], Any]
) -> None:
    error = kind(finding)
    error.add_note("seen by a caller")
    twin = again(error)
    if isinstance(twin, bytes):
        twin = pickle.loads(twin)

    assert twin is not error
    assert type(twin) is kind
    assert twin.finding == finding
    assert (twin.code, str(twin), twin.__notes__) == (error.code, str(error), error.__notes__)


def test_exceptions_of_decode_pickle_and_copy() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(message("<?a?>"))
    error = caught.value

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert twin.finding == error.finding


# -- all of them -------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    **BLOCKS,
    "other-schema": Optional("a"),
    "unknown": unknown(f"xmlns:s='{SOAP_11_NS}' s:mustUnderstand='1' s:actor='urn:me'"),
    "header": Header(unknown(), Session(SECRET)),
    "empty-header": Header(),
    "fragment": Fragment(b"<w:a/>", {"w": "urn:w"}),
    "empty-fragment": Fragment(),
    "envelope": Envelope(
        Header(Session(SECRET)), Fragment(b"<a/>"), SoapVersion.SOAP_1_2, warnings=(WARNING,)
    ),
    "decoded": decode(message("<w:a/>", "<w:a/><b/>")),
    "decoded-fragment": decode(message("<w:a/>")).body,
    "decoded-header": decode(message("", "<w:a/><b/>")).header,
    "limits": Limits(max_depth=None),
    "finding": WARNING,
    "attribute-spec": AttributeSpec("SessionId", "session_id", required=True, identifier=True),
    "block-spec": Session.spec,
    "rule": RULES[Code.SOAP_1_2],
    "soap-version": SoapVersion.SOAP_1_2,
    "direction": Direction.REQUEST,
    "form": MustUnderstandForm.BOTH,
}
#: Their members are singletons.
ENUMS = {"soap-version", "direction", "form"}


#: A frozen dataclass with slots raises TypeError for names other than its fields.
REFUSALS = (FrozenInstanceError, AttributeError, TypeError)


def state(value: Any) -> dict[str, Any]:
    """Return all public attributes of a value, compared or not."""
    names = [name for name in dir(value) if not name.startswith("_")]
    seen = {name: getattr(value, name) for name in names if name not in ("session_header", "blocks")}
    return {name: seen[name] for name in seen if not callable(seen[name])}


@each("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@each("value", [VALUES[name] for name in VALUES if name != "rule"], ids=[n for n in VALUES if n != "rule"])
def test_values_pickle(value: Any, protocol: int) -> None:
    twin = pickle.loads(pickle.dumps(value, protocol))

    assert type(twin) is type(value)
    assert twin == value
    assert hash(twin) == hash(value)
    assert state(twin) == state(value)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
@pytest.mark.parametrize(
    "value", [VALUES[name] for name in VALUES if name != "rule"], ids=[n for n in VALUES if n != "rule"]
)
def test_values_copy(value: Any, again: Callable[[Any], Any]) -> None:
    twin = again(value)

    assert type(twin) is type(value)
    assert twin == value
    assert hash(twin) == hash(value)
    assert state(twin) == state(value)


@pytest.mark.parametrize("name", sorted(VALUES.keys() - ENUMS))
def test_values_are_immutable(name: str) -> None:
    value = VALUES[name]
    before = hash(value)
    for attribute in state(value):
        with pytest.raises(REFUSALS):
            setattr(value, attribute, None)
        with pytest.raises(REFUSALS):
            delattr(value, attribute)
    with pytest.raises(REFUSALS):
        value.no_such_attribute = None

    assert hash(value) == before
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("name", sorted(VALUES.keys() - ENUMS))
def test_nothing_inside_a_value_is_mutable(name: str) -> None:
    for attribute, inner in state(VALUES[name]).items():
        assert not isinstance(inner, list | dict | set | bytearray), attribute


@pytest.mark.parametrize("name", VALUES)
def test_values_serve_as_keys(name: str) -> None:
    assert {VALUES[name]: name}[VALUES[name]] == name


def test_elements_with_a_brace_in_a_namespace_is_refused() -> None:
    body = decode(
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        b'<s:Body><p:a xmlns:p="a}b"/></s:Body></s:Envelope>',
        deep=True,
    ).body
    with pytest.raises(EncodeError) as error:
        body.elements()
    assert error.value.code is Code.BAD_FRAGMENT
    assert error.value.__cause__ is not None


def test_full_head_cache_keeps_its_entries() -> None:
    cache = HeadCache(maxsize=1)
    message = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body></s:Body></s:Envelope>'
    )
    for _ in range(3):
        decode(message, cache=cache, deep=True)
        decode(message, cache=cache)
    assert len(cache) == 1
    cache.clear()
    assert len(cache) == 0


@pytest.mark.parametrize("call", [decode, iter_findings, validate])
def test_deep_of_another_type_raises_type_error(call: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="deep"):
        call(b"", deep=1)
