"""Faults: every shape of SOAP 1.1 is read, two are written, and written faults are read back unchanged."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
import xml.etree.ElementTree as ET
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import xmla_headers
from tests.messages import everyday, messages, mutated
from tests.profiles import scaled
from tests.values import text
from xmla_headers import (
    RULES,
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    BeginSession,
    Code,
    EncodeError,
    Envelope,
    Fault,
    FaultCode,
    FaultEntry,
    FaultShape,
    Fragment,
    HeaderBlock,
    Session,
    SoapVersion,
    UnknownHeaderBlock,
    XmlaHeadersError,
    decode,
    encode,
    fault_for,
    session_not_found,
)
from xmla_headers._xml import parser as _expat
from xmla_headers.findings import error_for, value_finding

if TYPE_CHECKING:
    from collections.abc import Callable

properties = settings(deadline=None, max_examples=scaled(300))

SECRET = "9F2C1B7E-3D54-4A0B"
ENGINE = "http://schemas.microsoft.com/analysisservices/2003/engine"
MONDRIAN = "http://mondrian.sourceforge.net"


def message(body: str, attributes: str = "") -> bytes:
    return (f'<s:Envelope xmlns:s="{SOAP_11_NS}"{attributes}><s:Body>{body}</s:Body></s:Envelope>').encode()


def fault_in(body: str, attributes: str = "") -> Fault | None:
    return decode(message(body, attributes)).fault


def ssas(inner: str) -> str:
    """Return a fault as Analysis Services writes it: all in the SOAP namespace, which is the default one."""
    return f'<s:Fault xmlns="{SOAP_11_NS}">{inner}</s:Fault>'


def plain(inner: str) -> str:
    """Return a fault as in SOAP 1.1 §4.4: its parts are in no namespace."""
    return f"<s:Fault>{inner}</s:Fault>"


def cut(xml: str, **namespaces: str) -> Fragment:
    """Return content as decode returns it: unchecked, with the prefixes in scope."""
    data = xml.encode()
    return Fragment._cut(data, 0, len(data), {"s": SOAP_11_NS, **namespaces})


# -- reading -------------------------------------------------------------------------------------------

_LOCATION = f'<Location xmlns="{ENGINE}"><Start><Line>1</Line></Start><End><Line>1</Line></End></Location>'

#: Bodies of real servers, and difficult Bodies: name -> Body and Fault.
_READ: dict[str, tuple[str, Fault]] = {
    "Analysis Services": (
        ssas(
            "<faultcode>XMLAnalysisError.0xc1180016</faultcode><faultstring>No permission.</faultstring>"
            '<detail><Error ErrorCode="3239575574" Description="No permission." Source="AS" HelpFile="h"/>'
            "</detail>"
        ),
        Fault(
            "XMLAnalysisError.0xc1180016",
            "No permission.",
            entries=[FaultEntry(3239575574, "No permission.", "AS", "h")],
        ),
    ),
    "Analysis Services, two entries": (
        ssas(
            "<faultcode>XMLAnalysisError.0xc10f0014</faultcode><faultstring>b</faultstring>"
            '<detail><Error ErrorCode="3238789153" Description="a" Source="AS" HelpFile=""/>'
            '<Error ErrorCode="3238985748" Description="b" Source="AS" HelpFile=""/></detail>'
        ),
        Fault(
            "XMLAnalysisError.0xc10f0014",
            "b",
            entries=[FaultEntry(3238789153, "a", "AS"), FaultEntry(3238985748, "b", "AS")],
        ),
    ),
    "Analysis Services, a Location": (
        ssas(f'<faultcode>a</faultcode><detail><Error ErrorCode="1">{_LOCATION}</Error></detail>'),
        Fault("a", "", entries=[FaultEntry(1, content=Fragment(_LOCATION.encode(), {"": SOAP_11_NS}))]),
    ),
    "Mondrian": (
        plain(
            "<faultcode>s:Server.00HSBB01</faultcode><faultstring>bad</faultstring>"
            f'<faultactor>Mondrian</faultactor><detail><XA:error xmlns:XA="{MONDRIAN}">'
            "<code>00HSBB01</code><desc>a &lt; b</desc></XA:error></detail>"
        ),
        Fault("Server.00HSBB01", "bad", "Mondrian", [FaultEntry("00HSBB01", "a < b")]),
    ),
    "Mondrian, indented": (
        plain(
            f'<detail>\n <e:error xmlns:e="{MONDRIAN}">\n  <code>\n00HSBB01 </code>\n <desc> x </desc>\n'
            "</e:error>\n</detail>"
        ),
        Fault("", "", entries=[FaultEntry("00HSBB01", " x ")]),
    ),
    "Mondrian, duplicate parts and another": (
        plain(f'<detail><error xmlns="{MONDRIAN}"><code>1</code><code>2</code><more/></error></detail>'),
        Fault(
            "",
            "",
            entries=[FaultEntry(1, content=Fragment(b"<code>1</code><code>2</code><more/>", {"": MONDRIAN}))],
        ),
    ),
    "Mondrian, no detail in the header phase": (
        plain(
            "<faultcode>s:MustUnderstand.00HSHA01</faultcode><faultstring>x</faultstring>"
            "<faultactor>Mondrian</faultactor>"
        ),
        Fault("MustUnderstand.00HSHA01", "x", "Mondrian"),
    ),
    "eMondrian": (
        plain(
            "<faultcode>s:Server.00HSHU01</faultcode><faultstring>x</faultstring><faultactor>Mondrian"
            '</faultactor><detail><Error ErrorCode="3238789130" Description="y"/></detail>'
        ),
        Fault("Server.00HSHU01", "x", "Mondrian", [FaultEntry(3238789130, "y")]),
    ),
    "Kylin": (
        ssas(
            '<faultcode>XMLAnalysisError.0xc10e0004</faultcode><detail><Error ErrorCode="3238658052"'
            ' Description="x" Source="Microsoft SQL Server 2012 Analysis Services" HelpFile=""/></detail>'
        ),
        Fault(
            "XMLAnalysisError.0xc10e0004",
            "",
            entries=[FaultEntry(3238658052, "x", "Microsoft SQL Server 2012 Analysis Services")],
        ),
    ),
    "Virtuoso": (
        plain(
            "<faultcode>XMLAnalysisError.0x80000005</faultcode><faultstring>x</faultstring>"
            "<faultactor>XML for Analysis Provider</faultactor>\n<detail>\n<Error\nErrorCode='2147483653'\n"
            "Description='y'\nSource='XML for Analysis Provider'\nHelpFile='' />\n</detail>\n"
        ),
        Fault(
            "XMLAnalysisError.0x80000005",
            "x",
            "XML for Analysis Provider",
            [FaultEntry(2147483653, "y", "XML for Analysis Provider")],
        ),
    ),
    "DSML, a detail with text": (
        plain(
            "<faultcode>s:Client</faultcode><faultstring>SOAP Invalid Request</faultstring>"
            "<detail>Bad Session Request</detail>"
        ),
        Fault("Client", "SOAP Invalid Request", detail=cut("Bad Session Request")),
    ),
    "spyne, an empty actor": (
        plain("<faultcode>s:Client</faultcode><faultstring>x</faultstring><faultactor></faultactor>"),
        Fault("Client", "x", ""),
    ),
    "entries in the XMLA namespaces": (
        plain(
            f'<detail><Error xmlns="{XMLA_NS}" ErrorCode="1"/>'
            f'<Error xmlns="{XMLA_NS}:exception" ErrorCode="2"/></detail>'
        ),
        Fault("", "", entries=[FaultEntry(1), FaultEntry(2)]),
    ),
    "parts in both namespaces": (
        plain("<s:faultcode>a</s:faultcode><faultstring>b</faultstring><s:faultactor>c</s:faultactor>"),
        Fault("a", "b", "c"),
    ),
    "parts in another namespace": (
        plain('<x:faultcode xmlns:x="urn:x">a</x:faultcode><faultstring xmlns="urn:x">b</faultstring>'),
        Fault("", ""),
    ),
    "nothing": (plain(""), Fault("", "")),
    "self-closing": ("<s:Fault/>", Fault("", "")),
    "empty parts": (
        plain("<faultcode/><faultstring/><faultactor/><detail/>"),
        Fault("", "", ""),
    ),
    "parts in another order": (
        plain(
            "<detail>d</detail><faultactor>c</faultactor><faultstring>b</faultstring><faultcode>a</faultcode>"
        ),
        Fault("a", "b", "c", detail=cut("d")),
    ),
    "duplicate parts": (
        plain(
            "<faultcode>a</faultcode><faultcode>A</faultcode><faultstring>b</faultstring><faultstring>B"
            "</faultstring><faultactor>c</faultactor><faultactor/><detail>d</detail><detail>D</detail>"
        ),
        Fault("a", "b", "c", detail=cut("d")),
    ),
    "parts below": (
        plain("<detail><faultcode>a</faultcode></detail><x><faultcode>b</faultcode></x>"),
        Fault("", "", detail=cut("<faultcode>a</faultcode>")),
    ),
    "an Error outside the detail": (plain('<Error ErrorCode="1"/><x><Error/></x>'), Fault("", "")),
    "an Error below": (
        plain('<detail><x><Error ErrorCode="1"/></x></detail>'),
        Fault("", "", detail=cut('<x><Error ErrorCode="1"/></x>')),
    ),
    "an Error in an Error": (
        plain('<detail><Error ErrorCode="1"><Error ErrorCode="2"/></Error></detail>'),
        Fault("", "", entries=[FaultEntry(1, content=cut('<Error ErrorCode="2"/>'))]),
    ),
    "an Error in another namespace": (
        plain(f'<detail><Error xmlns="{ENGINE}" ErrorCode="1"/><error ErrorCode="2"/></detail>'),
        Fault("", "", detail=cut(f'<Error xmlns="{ENGINE}" ErrorCode="1"/><error ErrorCode="2"/>')),
    ),
    "an Error without attributes": (
        plain("<detail><Error/></detail>"),
        Fault("", "", entries=[FaultEntry("")]),
    ),
    "unknown attributes of an Error": (
        plain('<detail><Error s:ErrorCode="1" errorcode="2" Description="d"/></detail>'),
        Fault("", "", entries=[FaultEntry("", "d")]),
    ),
    "other content between entries": (
        plain('<detail>a<!-- b --><Error ErrorCode="1"/><c/><Error ErrorCode="2"/> <![CDATA[<]]></detail>'),
        Fault("", "", entries=[FaultEntry(1), FaultEntry(2)], detail=cut("a<!-- b --><c/> <![CDATA[<]]>")),
    ),
    "brackets between entries": (
        plain("<detail>]]<Error/>><Error/>]<Error/>]<Error/>></detail>"),
        Fault(
            "",
            "",
            entries=[FaultEntry("")] * 4,
            detail=cut("]]<!---->>]<!---->]<!---->>"),
        ),
    ),
    "white space between entries": (
        plain('<detail>\r\n\t<Error ErrorCode="1">\n</Error>\n</detail>'),
        Fault("", "", entries=[FaultEntry(1)]),
    ),
    "prefixes in scope": (
        (
            '<s:Fault xmlns:a="urn:a"><detail xmlns:b="urn:b"><Error xmlns:c="urn:c">'
            '<a:x y="b:c"/><c:x/></Error>'
            "<b:y/></detail></s:Fault>"
        ),
        Fault(
            "",
            "",
            entries=[
                FaultEntry(
                    "",
                    content=Fragment(b'<a:x y="b:c"/><c:x/>', {"a": "urn:a", "b": "urn:b", "c": "urn:c"}),
                )
            ],
            detail=Fragment(b"<b:y/>", {"a": "urn:a", "b": "urn:b"}),
        ),
    ),
    "the default namespace undeclared": (
        ssas('<detail><s:Error ErrorCode="1" xmlns=""><a/></s:Error></detail>'),
        Fault("", "", entries=[FaultEntry(1, content=Fragment(b"<a/>"))]),
    ),
    "the prefix xml declared": (
        plain(
            '<detail><Error xmlns:xml="http://www.w3.org/XML/1998/namespace"><a xml:lang=""/></Error>'
            "</detail>"
        ),
        Fault("", "", entries=[FaultEntry("", content=Fragment(b'<a xml:lang=""/>'))]),
    ),
    "an Error in no detail or in a second one": (
        plain("<x><Error/></x><detail>d</detail><detail><Error/></detail>"),
        Fault("", "", detail=cut("d")),
    ),
    "quotes and angle brackets in start tags": (
        plain("""<detail a=">" b='/>'><Error Description="&lt;/Error>'" Source='"/>'>x</Error></detail>"""),
        Fault("", "", entries=[FaultEntry("", "</Error>'", '"/>', content=cut("x"))]),
    ),
    "references, CDATA and comments": (
        plain(
            "<faultcode>s:<!-- -->Cli&#101;nt<![CDATA[.1]]></faultcode><faultstring>&lt;&#13;\r\n"
            "<![CDATA[]]]]><![CDATA[>&amp;]]>&#x1F511;</faultstring>"
        ),
        Fault("Client.1", "<\r\n]]>&amp;🔑"),
    ),
    "elements in text": (
        plain("<faultcode>a<b>b<c><d/>c</c></b>d</faultcode><faultstring><x/>e</faultstring>"),
        Fault("abcd", "e"),
    ),
    "a code on a line of its own": (
        plain(
            "<faultcode>\n  s:Client\n </faultcode><faultstring>\n x </faultstring>"
            "<faultactor> y </faultactor>"
        ),
        Fault("Client", "\n x ", " y "),
    ),
    "a code with an unbound prefix": (plain("<faultcode>SOAP:Client</faultcode>"), Fault("Client", "")),
    "a code with two colons": (plain("<faultcode>urn:a:b c</faultcode>"), Fault("b c", "")),
    "a fault after text and comments": (
        f"\r\n<!-- <a/> -->&#32;<![CDATA[<a/>]]>text{plain('<faultcode>a</faultcode>')}",
        Fault("a", ""),
    ),
    "a fault after much white space": (" " * 20_000 + plain("<faultcode>a</faultcode>"), Fault("a", "")),
    "a fault before others": (
        plain("<faultcode>a</faultcode>") + "<b/>" + plain("<faultcode>c</faultcode>"),
        Fault("a", ""),
    ),
    "a fault across two pieces": (
        plain(f"<faultcode>a</faultcode><faultstring>{'é' * 5_000}</faultstring>"),
        Fault("a", "é" * 5_000),
    ),
    "parts of SOAP 1.2": (
        plain("<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason/>"),
        Fault("", ""),
    ),
}


@pytest.mark.parametrize("name", _READ)
def test_fault_of_a_known_shape_is_read(name: str) -> None:
    body, expected = _READ[name]
    fault = fault_in(body)
    assert fault == expected
    assert decode(message(body), deep=True).fault == expected
    assert type(fault.code) is str


@pytest.mark.parametrize("name", _READ)
def test_fault_in_utf_16_equals_fault_in_utf_8(name: str) -> None:
    body, expected = _READ[name]
    assert decode(message(body).decode().encode("utf-16")).fault == expected


@pytest.mark.parametrize("name", _READ)
def test_fault_that_was_read_survives_a_round_trip(name: str) -> None:
    _, fault = _READ[name]
    assert decode(encode(Envelope(body=fault.to_body()))).fault == fault


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "text",
        "<!-- <s:Fault/> -->",
        "<![CDATA[<s:Fault/>]]>",
        "<a/>",
        "<a/><s:Fault/>",
        "<a><s:Fault/></a>",
        "<Fault/>",
        "<s:fault/>",
        "<s:Faults/>",
        '<Fault xmlns="urn:a"/>',
        f'<Fault xmlns="{SOAP_12_NS}/"><Code/></Fault>',
        '<s:Fault xmlns:s="urn:a"/>',
        f'<Fault xmlns="{SOAP_11_NS} "/>',
        "<u:Fault/><s:Fault/>",
        "<s:Fault:x/>",
        "<s:a:Fault/>",
    ],
)
def test_fault_other_than_first_soap_element_is_none(body: str) -> None:
    assert fault_in(body) is None


def test_fault_of_an_empty_body_is_none() -> None:
    assert Envelope().fault is None


def test_fault_of_a_fragment_of_the_caller_is_read() -> None:
    body = Fragment(b"<p:Fault><p:faultcode>q:a</p:faultcode></p:Fault>", {"p": SOAP_11_NS})
    assert Envelope(body=body).fault == Fault("a", "")


#: Malformed by Namespaces in XML, which decode checks in a Body only with `deep`: name -> Body and Fault.
_UNSOUND: dict[str, tuple[str, Fault | None]] = {
    "an attribute of the Fault": ('<s:Fault u:a=""><faultcode>a</faultcode></s:Fault>', Fault("a", "")),
    "a type of a part": (
        plain(
            '<faultcode xsi:type="xsd:QName">s:Client</faultcode><faultstring xsi:type="a">b</faultstring>'
        ),
        Fault("Client", "b"),
    ),
    "an attribute of an entry": (
        plain('<detail xsi:nil="0"><Error u:a="" ErrorCode="1" xmlns:p="urn:p"><p:x/></Error></detail>'),
        Fault("", "", entries=[FaultEntry(1, content=Fragment(b"<p:x/>", {"p": "urn:p"}))]),
    ),
    "the name of a part": (plain("<u:faultcode>a</u:faultcode><faultstring>b</faultstring>"), Fault("", "b")),
    "the name of an entry": (
        plain('<detail><u:Error ErrorCode="1"/></detail>'),
        Fault("", "", detail=cut('<u:Error ErrorCode="1"/>')),
    ),
    "content": (
        plain("<detail><Error><u:a/></Error><u:b xmlns:s='urn:s'/><s:c/></detail>"),
        Fault(
            "",
            "",
            entries=[FaultEntry("", content=cut("<u:a/>"))],
            detail=cut("<u:b xmlns:s='urn:s'/><s:c/>"),
        ),
    ),
    "a prefix undeclared": (plain('<x xmlns:p=""/><faultcode xmlns:p="">a</faultcode>'), Fault("", "")),
    "a prefix that is reserved": (plain('<faultcode xmlns:xmlns="a">a</faultcode>'), Fault("", "")),
    "two colons": (plain("<s:x:y/><s::faultcode/><faultstring>b</faultstring>"), Fault("", "b")),
    "a duplicate attribute": (
        '<s:Fault xmlns:p="urn:p" xmlns:q="urn:p" p:a="" q:a=""><faultcode>a</faultcode></s:Fault>',
        Fault("a", ""),
    ),
    "declarations next to malformed names": (
        plain('<x u:a="" xmlns:s="urn:s"><u:b xmlns:s="urn:t"/></x><s:faultcode>a</s:faultcode>'),
        Fault("a", ""),
    ),
}


@pytest.mark.parametrize("name", _UNSOUND)
def test_fault_with_unbound_prefixes_is_read_without_them(name: str) -> None:
    body, expected = _UNSOUND[name]
    assert fault_in(body) == expected
    with pytest.raises(XmlaHeadersError):
        decode(message(body), deep=True)
    if expected is not None:
        assert decode(encode(Envelope(body=expected.to_body()))).fault == expected


# -- cost of reading -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", ["<a>", "<!-- --><a>", '<s:Fault xmlns:s="urn:a">', f'<Fault xmlns="{SOAP_12_NS}/">']
)
def test_fault_of_another_body_parses_4_kb_at_most(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = start.rpartition("<")[2].partition(" ")[0].rstrip(">")
    envelope = decode(message(f"{start}{'<b/>' * 2_500_000}</{name}>"))
    fed = []
    parse = _expat.Parser.parse

    def counted(self: _expat.Parser, piece: bytes | memoryview, *, final: bool) -> None:
        fed.append(len(piece))
        parse(self, piece, final=final)

    monkeypatch.setattr(_expat.Parser, "parse", counted)
    tracemalloc.start()
    try:
        assert envelope.fault is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(fed) <= 4_096 + 16
    assert peak < 100_000


@pytest.mark.slow
def test_fault_with_a_long_detail_builds_no_tree() -> None:
    # The memory is the copy of the detail and a small record of each open element.
    def peak(size: int) -> int:
        envelope = decode(message(plain(f"<detail>{'<a><b/>text</a>' * size}</detail>")))
        tracemalloc.start()
        try:
            assert envelope.fault is not None
            return tracemalloc.get_traced_memory()[1] - len(envelope.body)
        finally:
            tracemalloc.stop()

    assert peak(100_000) < 1.2 * len("<a><b/>text</a>") * 100_000


def test_fault_string_in_many_pieces_takes_little_memory() -> None:
    lines = "é\n" * 300_000
    envelope = decode(message(plain(f"<faultstring>{lines}</faultstring>")))
    tracemalloc.start()
    try:
        fault = envelope.fault
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fault == Fault("", lines)
    assert peak < 4 * len(lines.encode())


#: The shapes of SOAP 1.1; tests/test_soap_1_2_faults.py has the other one.
SHAPES = (FaultShape.SSAS, FaultShape.SOAP_1_1)

# -- a lost session ------------------------------------------------------------------------------------

_NUMBER = 3238789130
_LOST = [
    Fault("XMLAnalysisError.0xc10c000a", ""),
    Fault("XMLAnalysisError.0XC10C000A", ""),
    Fault("XMLForAnalysis.0xC10c000A", ""),
    Fault("0xc10c000a", ""),
    Fault("XMLAnalysisError.0x00000000c10c000a", ""),
    Fault("Server.3238789130", ""),
    Fault("Server.-1056178166", ""),
    Fault("Server", "", entries=[FaultEntry(_NUMBER)]),
    Fault("Server", "", entries=[FaultEntry("3238789130")]),
    Fault("Server", "", entries=[FaultEntry(" 3238789130\n")]),
    Fault("Server", "", entries=[FaultEntry(_NUMBER - 2**32)]),
    Fault("Server", "", entries=[FaultEntry("0xC10C000A")]),
    Fault("Server", "", entries=[FaultEntry(1), FaultEntry(_NUMBER)]),
    Fault("XMLAnalysisError.0xc10f0014", "", entries=[FaultEntry(_NUMBER), FaultEntry(3238985748)]),
    Fault("Server.00HSHB01", "Bad Session Id"),
    Fault("Server.00hshb01", ""),
    Fault("Server", "", entries=[FaultEntry("00HSHB01")]),
    Fault("Server.00HSHU01", f'Session with id "{SECRET}" does not exist'),
    Fault("Server.00HSHU01", "", entries=[FaultEntry("", "it Does Not Exist")]),
    Fault("Server.00HSBE02", "does not exist"),
    Fault("Server", "does not exist", entries=[FaultEntry("00HSBE02")]),
    Fault("XMLAnalysisError.0xc10c000a", "The session does not exist or it has already expired."),
    session_not_found(SECRET),
    session_not_found(""),
]
_NOT_LOST = [
    Fault("", ""),
    Fault("Server", "the session does not exist"),
    Fault("XMLAnalysisError.0xc10f000a", "does not exist"),
    Fault("XMLAnalysisError.c10c000a", ""),
    Fault("XMLAnalysisError.0xc10c000a0", ""),
    Fault("0xc10c000a.Server", ""),
    Fault("XMLAnalysisError.0xc10c000a", f"Session {SECRET} already exists"),
    Fault("XMLAnalysisError.0xc10c000a", "", entries=[FaultEntry(_NUMBER, "ALREADY EXISTS")]),
    Fault("Server.00HSHB01", "already exists"),
    Fault("Server.00HSHU01", ""),
    Fault("Server.00HSHU01", "Unknown error handle soap header"),
    Fault("Server.00HSHU01", "it already exists, and another does not exist"),
    Fault("Server.00HSBE02", "exists"),
    Fault("MustUnderstand.00HSHA01", "does not exist"),
    Fault("Server", "", entries=[FaultEntry(_NUMBER + 1), FaultEntry(-_NUMBER), FaultEntry(_NUMBER + 2**32)]),
    Fault("Server", "", entries=[FaultEntry("0x"), FaultEntry("-"), FaultEntry("0xg")]),
    Fault("Server", "", actor="0xc10c000a", detail=Fragment(b"<Error ErrorCode='3238789130'/>")),
    # A number in digits other than ASCII is text.
    Fault("Server", "", entries=[FaultEntry("٣٢٣٨٧٨٩١٣٠")]),
]


@pytest.mark.parametrize("fault", _LOST, ids=str)
def test_session_lost_of_known_faults_is_true(fault: Fault) -> None:
    assert fault.session_lost
    for shape in FaultShape:
        read = decode(encode(Envelope(body=fault.to_body(shape)))).fault
        assert read is not None
        assert read.session_lost


@pytest.mark.parametrize("fault", _NOT_LOST, ids=str)
def test_session_lost_of_similar_faults_is_false(fault: Fault) -> None:
    assert not fault.session_lost


def _says(code: str, words: str, *entries: FaultEntry) -> Fault:
    return Fault(code, words, entries=entries)


_SENTENCE = (
    "The '%s' session ID cannot be found. Either the session does not exist or it has already expired."
)
#: The sentence of Analysis Services as relays pass it on, under codes that say nothing.
_PASSED_ON = [
    *(_says(code, _SENTENCE % SECRET) for code in ("Server", "Client", "", "Sender", "Receiver")),
    *(_says(code, _SENTENCE % SECRET) for code in ("Server.userException", "XMLAnalysisError")),
    _says("Server", (_SENTENCE % SECRET).upper()),
    _says("Server", f"Error: {_SENTENCE % SECRET} (relay 7)"),
    _says("Server", (_SENTENCE % SECRET).replace(" ", "\r\n\t ")),
    _says(
        "Server",
        "The session ID cannot be found. Either the session does not exist or it has already expired.",
    ),
    _says("Server", "The specified session cannot be found: it has expired."),
    _says("Server", f"Session '{SECRET}' cannot be found: it does not exist, or it has expired."),
    _says("Server", f"The session with ID \u201c{SECRET}\u201d cannot be found; perhaps it expired."),
    _says("Server", "session 9f2c41d0-5a6b-4c7d-8e9f-001122334455 could not be found, it has expired"),
    _says("Server", "session ID can't be found or has expired"),
    _says("Server", "failed", FaultEntry("", _SENTENCE % SECRET), FaultEntry(0, "")),
    Fault("Sender", "weg", reasons=[("de", "weg"), ("en", _SENTENCE % SECRET)]),
    Fault("Receiver", _SENTENCE % SECRET, subcodes=["Server"]),
    Fault("Sender", "", subcodes=["XMLAnalysisError.0xC10C000A"]),
    Fault("Sender", "", subcodes=["a", "Server.00HSHB01", "b"]),
    Fault("Receiver", "it does not exist", subcodes=["Server.00HSHU01"]),
]
#: Words that are near the sentence and say something else, and the sentence under a code that says another.
_NEAR_MISSES = [
    *(
        _says("Server", words)
        for words in (
            "The 'Session' cube cannot be found. Either it does not exist or it has not been processed.",
            "The 'Sales' cube cannot be found. The session is fine; the cached password has expired.",
            "In this session cube Sales cannot be found; its cache expired.",
            "The session's cube cannot be found, since its data expired.",
            "The session database cannot be found: the lease has expired.",
            "The 'obsession' ID cannot be found, it has expired.",
            "The session ID cannot be found.",
            "The session has already expired.",
            "The session id of the transaction cannot be found. It has expired.",
            f"The session ID cannot be found {'x' * 300} expired",
            f"Session '{SECRET}' already exists; another session ID cannot be found, or has expired.",
            "session does not exist",
            "the session ID can be found. It has not expired",
        )
    ),
    *(
        _says(code, _SENTENCE % SECRET)
        for code in (
            "Server.00HSBB01",
            "XMLAnalysisError.0xc10e0002",
            "MustUnderstand",
            "VersionMismatch",
            "x",
        )
    ),
    _says("Server", _SENTENCE % SECRET, FaultEntry(3238985748)),
    _says("Server", _SENTENCE % SECRET, FaultEntry("00HSBB01")),
    Fault("Sender", _SENTENCE % SECRET, subcodes=["FailedAuthentication1"]),
    Fault("Sender", "", reasons=[("en", ""), ("en", f"{SECRET} already exists")], subcodes=["x.0xc10c000a"]),
]


@pytest.mark.parametrize("fault", _PASSED_ON, ids=str)
def test_session_lost_of_the_sentence_alone_is_true(fault: Fault) -> None:
    assert fault.session_lost


@pytest.mark.parametrize("fault", _NEAR_MISSES, ids=str)
def test_session_lost_of_near_misses_is_false(fault: Fault) -> None:
    assert not fault.session_lost


def test_session_lost_of_a_relayed_fault_is_read_from_any_shape() -> None:
    for shape in FaultShape:
        read = decode(encode(Envelope(body=_says("Client", _SENTENCE % SECRET).to_body(shape)))).fault
        assert read is not None
        assert read.session_lost


_spellings = st.one_of(
    st.sampled_from([str(_NUMBER), str(_NUMBER - 2**32), "00HSHB01", "00hshb01"]),
    st.builds(
        lambda zeros, digits: f"0x{'0' * zeros}{digits}",
        st.integers(0, 8),
        st.sampled_from(["c10c000a", "C10C000A", "c10C000a"]),
    ),
)


@properties
@given(_spellings, st.lists(text), text, st.booleans())
def test_session_lost_accepts_any_spelling_unless_it_exists(
    spelling: str,
    others: list[str],
    words: str,
    in_code: bool,  # noqa: FBT001 - drawn
) -> None:
    assume(not any("already exists" in said.lower() for said in [*others, words]))
    entries = [FaultEntry("", other) for other in others]
    if not in_code:
        entries.append(FaultEntry(spelling))
    code = f"Server.{spelling}" if in_code else "Server"
    assert Fault(code, words, entries=entries).session_lost
    assert not Fault(code, f"{words} already EXISTS {words}", entries=entries).session_lost
    assert not Fault(code, words, entries=[*entries, FaultEntry("", "it Already exists")]).session_lost


@properties
@given(st.one_of(text, st.integers(-(10**19) + 1, 10**19 - 1)), text)
def test_session_lost_of_any_other_code_is_false(code: int | str, words: str) -> None:
    entry = FaultEntry(code, words)
    codes = {_NUMBER, _NUMBER - 2**32, "00HSHB01", "00HSHU01", "00HSBE02"}
    assume(entry.code not in codes)
    assume(not str(entry.code).lower().endswith("c10c000a"))
    assert not Fault("Server", words, entries=[entry]).session_lost


# -- writing -------------------------------------------------------------------------------------------

_EVERYDAY = Fault(
    "Server.00HSBB01", "a < b", "me", [FaultEntry(1, 'd"', "s", "h"), FaultEntry("x", content=cut("<y/>"))]
)
_WRITTEN = [
    (
        _EVERYDAY,
        FaultShape.SOAP_1_1,
        (
            "<soap:Fault><faultcode>soap:Server.00HSBB01</faultcode><faultstring>a &lt; b</faultstring>"
            "<faultactor>me</faultactor><detail>"
            '<Error ErrorCode="1" Description="d&quot;" Source="s" HelpFile="h"/>'
            '<Error ErrorCode="x" Description="" Source="" HelpFile=""><y/></Error></detail></soap:Fault>'
        ),
    ),
    (
        _EVERYDAY,
        FaultShape.SSAS,
        (
            f'<soap:Fault xmlns="{SOAP_11_NS}"><faultcode>Server.00HSBB01</faultcode><faultstring>a &lt; b'
            "</faultstring><faultactor>me</faultactor><detail>"
            '<Error ErrorCode="1" Description="d&quot;" Source="s" HelpFile="h"/>'
            '<soap:Error xmlns="" ErrorCode="x" Description="" Source="" HelpFile=""><y/></soap:Error>'
            "</detail></soap:Fault>"
        ),
    ),
    (
        Fault("", ""),
        FaultShape.SSAS,
        f'<soap:Fault xmlns="{SOAP_11_NS}"><faultstring></faultstring></soap:Fault>',
    ),
    (
        Fault("XMLAnalysisError.0x1", "\r]]>", ""),
        FaultShape.SOAP_1_1,
        (
            "<soap:Fault><faultcode>XMLAnalysisError.0x1</faultcode><faultstring>&#13;]]&gt;</faultstring>"
            "<faultactor></faultactor></soap:Fault>"
        ),
    ),
    (
        Fault("Clients", "x", detail=Fragment(b"soap:x")),
        FaultShape.SOAP_1_1,
        (
            "<soap1:Fault><faultcode>Clients</faultcode><faultstring>x</faultstring><detail>soap:x</detail>"
            "</soap1:Fault>"
        ),
    ),
    (
        Fault("Client", "x", detail=Fragment(b"<a/>b<c xmlns='urn:c'/>", {"": "urn:d"})),
        FaultShape.SOAP_1_1,
        (
            "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>x</faultstring><detail>"
            "<a xmlns=\"urn:d\"/>b<c xmlns='urn:c'/></detail></soap:Fault>"
        ),
    ),
    (
        Fault("Client", "x", detail=Fragment(b"<soap:a/>", {"soap": SOAP_11_NS})),
        FaultShape.SOAP_1_1,
        (
            "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>x</faultstring><detail><soap:a/>"
            "</detail></soap:Fault>"
        ),
    ),
    (
        Fault(
            "",
            "",
            entries=[
                FaultEntry(1, content=Fragment(b"<p:a/>", {"p": "urn:p", "": "urn:d"})),
                FaultEntry(2, content=Fragment(b"<p:a/>", {"p": "urn:q"})),
                FaultEntry(3, content=Fragment(b"<p:a q:b=''/>", {"p": "urn:p", "": "urn:d", "q": "urn:q"})),
                FaultEntry(4, content=Fragment(b"q:", {"": SOAP_11_NS})),
                FaultEntry(5, content=Fragment(b"<q:a/>", {"q": "urn:q"})),
                FaultEntry(6),
            ],
        ),
        FaultShape.SSAS,
        (
            f'<soap:Fault xmlns="{SOAP_11_NS}"><faultstring></faultstring>'
            '<soap:detail xmlns="urn:d" xmlns:p="urn:p">'
            '<soap:Error ErrorCode="1" Description="" Source="" HelpFile=""><p:a/></soap:Error>'
            '<soap:Error xmlns="" xmlns:p="urn:q" ErrorCode="2" Description="" Source="" HelpFile=""><p:a/>'
            '</soap:Error><soap:Error xmlns:q="urn:q" ErrorCode="3" Description="" Source="" HelpFile="">'
            "<p:a q:b=''/></soap:Error>"
            f'<soap:Error xmlns="{SOAP_11_NS}" ErrorCode="4" Description="" Source="" HelpFile="">q:'
            '</soap:Error><soap:Error xmlns="" xmlns:q="urn:q" ErrorCode="5" Description="" Source="" '
            'HelpFile=""><q:a/></soap:Error><soap:Error ErrorCode="6" Description="" Source="" HelpFile=""/>'
            "</soap:detail></soap:Fault>"
        ),
    ),
    (
        Fault("", "", entries=[FaultEntry(1, content=Fragment(b"<p:a/>", {"p": "urn:p"}))]),
        FaultShape.SOAP_1_1,
        (
            '<soap:Fault><faultstring></faultstring><detail><Error xmlns:p="urn:p" ErrorCode="1" '
            'Description="" Source="" HelpFile=""><p:a/></Error></detail></soap:Fault>'
        ),
    ),
    (
        Fault("", "", entries=[FaultEntry(1, content=Fragment(b"<soap:a/>", {"soap": SOAP_11_NS}))] * 2),
        FaultShape.SOAP_1_1,
        (
            "<soap:Fault><faultstring></faultstring><detail>"
            + '<Error ErrorCode="1" Description="" Source="" HelpFile=""><soap:a/></Error>' * 2
            + "</detail></soap:Fault>"
        ),
    ),
    (
        Fault("Client", "x", entries=[FaultEntry(1)], detail=Fragment(b"<p:a/>", {"p": "urn:p"})),
        FaultShape.SSAS,
        (
            f'<soap:Fault xmlns="{SOAP_11_NS}"><faultcode>Client</faultcode><faultstring>x</faultstring>'
            '<soap:detail xmlns="" xmlns:p="urn:p">'
            '<soap:Error ErrorCode="1" Description="" Source="" HelpFile=""/>'
            "<p:a/></soap:detail></soap:Fault>"
        ),
    ),
]


@pytest.mark.parametrize(("fault", "shape", "written"), _WRITTEN)
def test_to_body_writes_the_expected_xml(fault: Fault, shape: FaultShape, written: str) -> None:
    body = fault.to_body(shape)
    assert body.xml.decode() == written
    assert list(body.namespaces.values()) == [SOAP_11_NS]


_LONG = f"urn:{'x' * 4_000}"


@pytest.mark.parametrize(
    "body",
    [
        f"<s:Fault xmlns:p='{_LONG}'><detail>{'<Error><p:a/></Error>' * 400}</detail></s:Fault>",
        f"<s:Fault xmlns:p='{_LONG}'><detail><p:b/>{'<Error><p:a/></Error>' * 400}</detail></s:Fault>",
        f"<s:Fault xmlns='{_LONG}'><s:detail>{'<s:Error><a/></s:Error>' * 400}</s:detail></s:Fault>",
        f"<s:Fault xmlns='{_LONG}'><s:detail><b/>{'<s:Error><a/></s:Error>' * 400}</s:detail></s:Fault>",
        f"<s:Fault xmlns='{_LONG}'><s:detail>{'<a/>' * 400}</s:detail></s:Fault>",
    ],
)
def test_to_body_writes_a_long_namespace_name_once(body: str) -> None:
    fault = fault_in(body)
    assert fault is not None
    written = fault.to_body()
    assert written.xml.count(_LONG.encode()) == 1
    assert decode(encode(Envelope(body=written))).fault == fault


def test_to_body_declares_common_prefixes_on_the_detail() -> None:
    few, many = (Fragment(b"<p:a/>", {"p": name}) for name in ("urn:few", "urn:many"))
    fault = Fault(
        "", "", entries=[FaultEntry(1, content=content) for content in (few, few, many, many, many)]
    )
    for shape in FaultShape:
        written = fault.to_body(shape).xml
        assert (written.count(b"urn:few"), written.count(b"urn:many")) == (2, 1)


def test_to_body_default_shape_is_analysis_services() -> None:
    assert _EVERYDAY.to_body() == _EVERYDAY.to_body(FaultShape.SSAS) != _EVERYDAY.to_body(FaultShape.SOAP_1_1)


@pytest.mark.parametrize("code", FaultCode)
def test_to_body_qualifies_only_codes_of_soap(code: FaultCode) -> None:
    for written, inside in (
        (f"{code}", f"soap:{code}"),
        (f"{code}.a.b", f"soap:{code}.a.b"),
        (f"{code}x",) * 2,
    ):
        assert (
            f"<faultcode>{inside}</faultcode>".encode() in Fault(written, "").to_body(FaultShape.SOAP_1_1).xml
        )
        assert f"<faultcode>{written}</faultcode>".encode() in Fault(written, "").to_body(FaultShape.SSAS).xml


@pytest.mark.parametrize("shape", SHAPES)
def test_to_body_uses_the_prefix_of_the_envelope(shape: FaultShape) -> None:
    data = encode(Envelope(body=_EVERYDAY.to_body(shape)))
    assert data.startswith(b'<soap:Envelope xmlns:soap="%b"><soap:Body><soap:Fault' % SOAP_11_NS.encode())
    assert b"xmlns:soap=" not in data[40:]


#: Content and its scope; without an Error at its top level, which would be read as an entry.
_CONTENTS: list[tuple[bytes, dict[str, str]]] = [
    (b"", {}),
    (b"text", {}),
    (b"]]", {}),
    (b"<a/>", {}),
    (b"<a/>text<b xmlns='urn:b'/>&#13;<!-- c --><![CDATA[ ]]>", {}),
    (b"<a/><c xmlns=''/>", {"": "urn:default"}),
    (b"text", {"": "urn:default"}),
    (b"<s>x</s>", {"": SOAP_11_NS}),
    (b"<a><Error/></a>", {"": XMLA_NS, "unused": "urn:u"}),
    (b"<p:a q:b='r:c' p:c=''/>", {"p": "urn:p", "q": "urn:q", "r": "urn:r"}),
    (b"<p:a/>", {"p": "urn:other", "": "urn:p"}),
    (b"<p:a/>", {"p": SOAP_11_NS}),
    (b"<soap:a/>", {"soap": SOAP_11_NS}),
    (b"<soap:a/>", {"soap": "urn:other"}),
    (b"<soap1:a/><soap:b/>", {"soap1": SOAP_11_NS, "soap": 'urn:a&"b<'}),
    (b"<a>soap:Client soap2:x</a>", {}),
    (b"<a b='soap1:x'/>", {"soap": "urn:unused"}),
    (_LOCATION.encode(), {"": SOAP_11_NS}),
    ("<é:a ü=''>漢🔑</é:a>".encode(), {"é": "urn:é"}),
]
#: A prefix `used` in a detail is in scope in its entries, so their text must not seem to use it.
_contents = st.sampled_from(_CONTENTS).map(lambda pair: Fragment(*pair))
_codes = st.one_of(
    st.sampled_from(["Client", "Server.00HSBB01", "XMLAnalysisError.0xc10c000a", "MustUnderstand", ""]),
    text.map(lambda code: code.replace(":", "").strip(" \t\r\n")),
)
entries = st.builds(
    FaultEntry,
    st.one_of(st.integers(-(10**19) + 1, 10**19 - 1), st.integers(0, 2**32), text),
    text,
    text,
    text,
    _contents,
)
faults = st.builds(Fault, _codes, text, st.none() | text, st.lists(entries, max_size=4), _contents)


def _clashes(fault: Fault) -> bool:
    """Return whether an entry mentions a prefix that only the detail binds.

    Such a prefix is bound when the entry is read back, because a prefix cannot be undeclared.
    """
    around = {prefix for prefix in fault.detail.used_namespaces() if prefix}
    return any(
        prefix not in entry.content.namespaces and f"{prefix}:".encode() in entry.content.xml
        for entry in fault.entries
        for prefix in around
    )


def _expanded(fragment: Fragment) -> list[object]:
    """Return the meaning of content, independent of its prefixes."""
    declared = "".join(
        f' xmlns{":" if prefix else ""}{prefix}="{escape(name, {chr(34): "&quot;"})}"'
        for prefix, name in fragment.namespaces.items()
    )
    root = ET.fromstring(f"<_{declared}>{fragment.xml.decode()}</_>".encode())

    def shape(element: ET.Element) -> list[object]:
        children = [shape(child) for child in element]
        return [element.tag, element.attrib, element.text or "", children, element.tail or ""]

    return shape(root)[2:4]


def _parts(fault: Fault) -> tuple[object, ...]:
    said = [(entry.code, entry.description, entry.source, entry.help_file) for entry in fault.entries]
    return fault.code, fault.string, fault.actor, said


@properties
@given(faults, st.sampled_from(SHAPES))
@example(Fault("a", " \t\r\n]]>\ufdd0🔑", "\r", [FaultEntry("\r", "\t\r\n", "]]>", '"')]), FaultShape.SSAS)
def test_to_body_is_read_back_with_equal_values(fault: Fault, shape: FaultShape) -> None:
    assume(not _clashes(fault))
    data = encode(Envelope(body=fault.to_body(shape)))
    read = decode(data).fault
    assert read is not None
    assert _parts(read) == _parts(fault)
    contents = [fault.detail, *(entry.content for entry in fault.entries)]
    if shape is FaultShape.SSAS or not any("" in content.namespaces for content in contents):
        assert read == fault
        assert hash(read) == hash(fault)
    for back, content in zip(
        [read.detail, *(entry.content for entry in read.entries)], contents, strict=True
    ):
        assert _expanded(back) == _expanded(content)


@properties
@given(faults, st.sampled_from(SHAPES), st.sampled_from(SoapVersion))
def test_to_body_result_has_no_other_findings(fault: Fault, shape: FaultShape, version: SoapVersion) -> None:
    body = fault.to_body(shape)
    codes = [] if fault.code else [Code.FAULT_WITHOUT_CODE]
    findings = xmla_headers.iter_findings(encode(Envelope(body=body)))
    assert [finding.code for finding in findings] == codes
    # A caller may do this with any Fragment.
    assert Fragment(body.xml, body.namespaces) == body
    assert len(body.elements()) == 1
    assert decode(encode(Envelope(body=body, soap=version))).body.xml == body.xml


@given(faults, st.sampled_from(FaultShape))
def test_to_body_is_deterministic(fault: Fault, shape: FaultShape) -> None:
    body = fault.to_body(shape)
    assert body.xml == fault.to_body(shape).xml == pickle.loads(pickle.dumps(fault)).to_body(shape).xml


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("space", [b" ", b"\r\n\t"])
def test_fault_content_of_white_space_is_empty(shape: FaultShape, space: bytes) -> None:
    fault = Fault("a", "b", entries=[FaultEntry(1, content=Fragment(space))], detail=Fragment(space))
    read = decode(encode(Envelope(body=fault.to_body(shape)))).fault
    assert read == Fault("a", "b", entries=[FaultEntry(1)])


def test_detail_prefix_is_in_scope_in_an_entry() -> None:
    detail = Fragment(b"<p:a/>", {"p": "urn:p"})
    fault = Fault("a", "b", entries=[FaultEntry(1, content=Fragment(b"p:b"))], detail=detail)
    assert _clashes(fault)
    read = decode(encode(Envelope(body=fault.to_body()))).fault
    assert read is not None
    assert read.detail == detail
    assert read.entries[0].content == Fragment(b"p:b", {"p": "urn:p"})


def test_error_in_the_detail_is_read_as_an_entry() -> None:
    fault = Fault("a", "b", detail=Fragment(b"<Error ErrorCode='1'/>"))
    assert decode(encode(Envelope(body=fault.to_body()))).fault == Fault("a", "b", entries=[FaultEntry(1)])


# -- any message that decode accepts -------------------------------------------------------------------

_FAULT_PARTS = [
    *(
        "<s:Fault>",
        "</s:Fault>",
        ssas("<faultcode>a</faultcode>"),
        "<s:Fault/>",
        "<faultcode>s:a</faultcode>",
    ),
    *("<faultcode>", "</faultcode>", "<faultstring/>", "<detail>", "</detail>", "<detail/>", "<s:detail>"),
    *("</s:detail>", '<Error ErrorCode="1"/>', "<Error>", "</Error>", f'<XA:error xmlns:XA="{MONDRIAN}">'),
    *(
        "</XA:error>",
        "<code>",
        "</code>",
        "<desc>x</desc>",
        "<code/>",
        "<u:a>",
        "</u:a>",
        '<a u:b="">',
        "</a>",
    ),
    *("text", "]]", "&gt;", ">", "<![CDATA[>]]>", "<!-- -->", '<b xmlns:s="urn:b">', "</b>", "<s:a:b/>"),
    *(' xmlns=""', ' xmlns:u="urn:u"', ' u:type="a"', "\r\n", "é", "&#13;", "<", "/>"),
]


@st.composite
def _faulty(draw: st.DrawFn) -> bytes:
    """Return a message with a Body of pieces of faults, which may not fit together."""
    start = draw(st.sampled_from(["", "", "<s:Fault>", "<s:Fault><detail>", "<s:Fault><detail><Error>"]))
    pieces = "".join(draw(st.lists(st.sampled_from(_FAULT_PARTS), max_size=8)))
    end = "".join(
        f"</{name}>" for name in reversed([piece.strip("<>") for piece in start.split("><") if piece])
    )
    return message(f"{start}{pieces}{end}", draw(st.sampled_from(["", ' xmlns:u="urn:u"', ' xmlns="urn:d"'])))


@st.composite
def _with_fault(draw: st.DrawFn) -> bytes:
    """Return a message of any kind whose Body has a fault, perhaps after other content."""
    data = draw(messages())
    place = data.find(b"<", data.find(b"Body>"))
    fault = draw(faults).to_body(draw(st.sampled_from(SHAPES))).xml
    fault = fault.replace(b"<soap:Fault", b'<soap:Fault xmlns:soap="%b"' % SOAP_11_NS.encode(), 1)
    return data[:place] + fault + data[place:] if place > 0 else data


@settings(properties, max_examples=scaled(1000))
@given(
    st.one_of(
        _faulty(),
        mutated(_faulty()),
        _with_fault(),
        mutated(_with_fault()),
        messages(),
        mutated(),
        everyday(),
    )
)
def test_fault_of_an_accepted_message_never_raises(data: bytes) -> None:
    try:
        envelope = decode(data)
    except XmlaHeadersError:
        return
    fault = envelope.fault
    if fault is None:
        return
    assert not any(character in repr(fault) for character in "\n\r")
    assert isinstance(fault.session_lost, bool)
    assert pickle.loads(pickle.dumps(fault)) == fault
    for shape in SHAPES:
        again = decode(encode(Envelope(body=fault.to_body(shape)))).fault
        assert again is not None
        assert _parts(again) == _parts(fault)


@pytest.mark.slow
def test_faulty_messages_include_faults_of_all_kinds() -> None:
    # Otherwise the property above would check little.
    seen = set()

    @settings(properties, database=None, derandomize=True, max_examples=400)
    @given(_faulty())
    def look(data: bytes) -> None:
        try:
            fault = decode(data).fault
        except XmlaHeadersError:
            seen.add("refused")
            return
        seen.add("fault" if fault else "none")
        if fault:
            seen.update(["entries"] * bool(fault.entries), ["detail"] * bool(fault.detail))
            seen.update("content" for entry in fault.entries if entry.content)

    look()
    assert seen == {"refused", "fault", "none", "entries", "detail", "content"}


# -- values --------------------------------------------------------------------------------------------

_WRONG: list[tuple[Callable[..., object], tuple[object, ...], dict[str, object]]] = [
    (Fault, (1, ""), {}),
    (Fault, (b"a", ""), {}),
    (Fault, ("a", None), {}),
    (Fault, ("a", "", 1), {}),
    (Fault, ("a", "", None, 1), {}),
    (Fault, ("a", "", None, [1]), {}),
    (Fault, ("a", "", None, "ab"), {}),
    (Fault, ("a", "", None, FaultEntry(1)), {}),
    (Fault, ("a", ""), {"detail": b"<a/>"}),
    (Fault, ("a", ""), {"detail": None}),
    (FaultEntry, (None,), {}),
    (FaultEntry, (True,), {}),
    (FaultEntry, (1.0,), {}),
    (FaultEntry, (b"1",), {}),
    (FaultEntry, (1, None), {}),
    (FaultEntry, (1, "", 2), {}),
    (FaultEntry, (1, "", "", b""), {}),
    (FaultEntry, (1,), {"content": "<a/>"}),
    (Fault("a", "").to_body, (b"ssas",), {}),
    (Fault("a", "").to_body, (None,), {}),
    (session_not_found, (1,), {}),
    (session_not_found, (None,), {}),
    (fault_for, (None,), {}),
    (fault_for, (1,), {}),
    (fault_for, (ValueError("a"),), {}),
    (fault_for, (["a"],), {}),
    (fault_for, ([Session("a"), None],), {}),
    (fault_for, (Session("a"),), {}),
]


@pytest.mark.parametrize(("function", "arguments", "named"), _WRONG)
def test_fault_of_wrong_types_raises_type_error(
    function: Callable[..., object], arguments: tuple[object, ...], named: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        function(*arguments, **named)


@pytest.mark.parametrize("character", ["\0", "\x1f", "\ud800", "\ufffe", "\uffff"])
@pytest.mark.parametrize(
    "make",
    [
        lambda bad: Fault(bad, ""),
        lambda bad: Fault("", bad),
        lambda bad: Fault("", "", bad),
        FaultEntry,
        lambda bad: FaultEntry(1, bad),
        lambda bad: FaultEntry(1, "", bad),
        lambda bad: FaultEntry(1, "", "", bad),
        session_not_found,
    ],
)
def test_fault_text_outside_xml_is_refused(make: Callable[[str], object], character: str) -> None:
    with pytest.raises(EncodeError) as caught:
        make(f"a{character}")
    assert caught.value.code is Code.UNENCODABLE_TEXT


@pytest.mark.parametrize("code", ["s:Client", ":", " a", "a\n", "\t", "\r"])
def test_fault_code_that_is_no_local_part_is_refused(code: str) -> None:
    with pytest.raises(EncodeError) as caught:
        Fault(code, "")
    assert caught.value.code is Code.BAD_FRAGMENT


@pytest.mark.parametrize("code", [10**19, -(10**19), 10**5000], ids=["plus", "minus", "huge"])
def test_fault_entry_code_out_of_range_is_refused(code: int) -> None:
    with pytest.raises(EncodeError) as caught:
        FaultEntry(code)
    assert caught.value.code is Code.BAD_FRAGMENT


@pytest.mark.parametrize(
    ("given_code", "code"),
    [
        (0, 0),
        ("0", 0),
        ("-1", -1),
        (" 12\n", 12),
        ("9" * 19, 10**19 - 1),
        (10**19 - 1, 10**19 - 1),
        ("1" * 20, "1" * 20),
        ("007", "007"),
        ("-0", "-0"),
        ("+1", "+1"),
        ("0x1", "0x1"),
        (" 00HSBB01 ", "00HSBB01"),
        ("", ""),
        ("\xa01", "\xa01"),
    ],
)
def test_fault_entry_code_is_one_value_in_any_spelling(given_code: int | str, code: int | str) -> None:
    entry = FaultEntry(given_code)
    assert entry.code == code
    assert type(entry.code) is type(code)
    assert entry == FaultEntry(code)


def test_fault_accepts_entries_from_any_iterable() -> None:
    entry = FaultEntry(1)
    assert Fault("a", "", entries=iter([entry, entry])).entries == (entry, entry)
    assert Fault("a", "").entries == ()


_DIFFERENT = [
    Fault("a", "b"),
    Fault("A", "b"),
    Fault("a", ""),
    Fault("a", "b", ""),
    Fault("a", "b", "c"),
    Fault("a", "b", entries=[FaultEntry(1)]),
    Fault("a", "b", entries=[FaultEntry("x")]),
    Fault("a", "b", entries=[FaultEntry(1)] * 2),
    Fault("a", "b", entries=[FaultEntry(1, "d")]),
    Fault("a", "b", entries=[FaultEntry(1, source="d")]),
    Fault("a", "b", entries=[FaultEntry(1, help_file="d")]),
    Fault("a", "b", entries=[FaultEntry(1, content=Fragment(b"d"))]),
    Fault("a", "b", detail=Fragment(b"d")),
]


def test_fault_equals_only_its_copies() -> None:
    for fault in _DIFFERENT:
        for again in (
            pickle.loads(pickle.dumps(fault)),
            copy.copy(fault),
            copy.deepcopy(fault),
            Fault(fault.code, fault.string, fault.actor, fault.entries, fault.detail),
        ):
            assert again == fault
            assert hash(again) == hash(fault)
        assert [other for other in _DIFFERENT if other == fault] == [fault]
        other: object = (fault.code, fault.string)
        assert fault != other
    assert len(set(_DIFFERENT)) == len(_DIFFERENT)


@pytest.mark.parametrize("value", [Fault("a", "b"), FaultEntry(1)])
def test_fault_values_are_immutable(value: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        value.code = "x"
    with pytest.raises(FrozenInstanceError):
        del value.code
    with pytest.raises((AttributeError, TypeError)):
        setattr(value, "other", "x")  # noqa: B010 - mypy rejects the assignment


def test_fault_values_match_by_position() -> None:
    match Fault("a", "b", "c", [FaultEntry(1, "d", "e", "f")]):
        case Fault(code, string, actor, (FaultEntry(number, description, source, help_file),), detail):
            assert (code, string, actor, detail) == ("a", "b", "c", Fragment())
            assert (number, description, source, help_file) == (1, "d", "e", "f")
        case _:
            pytest.fail("the pattern has not matched")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fault("a", SECRET), "Fault('a', <18 characters>)"),
        (Fault(FaultCode.CLIENT, ""), "Fault('Client', <0 characters>)"),
        (
            Fault("a", SECRET, "me", [FaultEntry(1, SECRET)], Fragment(SECRET.encode())),
            "Fault('a', <18 characters>, actor=<2 characters>, entries=<1>, detail=Fragment(<18 bytes>))",
        ),
        (
            FaultEntry("x", SECRET, SECRET, SECRET, Fragment(SECRET.encode())),
            "FaultEntry('x', <18 characters>)",
        ),
        (FaultEntry("9F2C1B7E-3D54"), "FaultEntry('9F2C'… (13 characters), <0 characters>)"),
    ],
)
def test_fault_repr_hides_text_that_may_have_a_session_id(value: Fault | FaultEntry, shown: str) -> None:
    assert repr(value) == str(value) == shown


# -- faults of a server --------------------------------------------------------------------------------


@given(text)
def test_session_not_found_matches_the_documentation(session_id: str) -> None:
    fault = session_not_found(session_id)
    assert fault.code == "XMLAnalysisError.0xc10c000a"
    assert [entry.code for entry in fault.entries] == [0xC10C000A]
    assert session_id in fault.string
    assert fault.entries[0].description == fault.string
    assert "cannot be found" in fault.string
    assert fault.session_lost == ("already exists" not in session_id.lower())
    if len(session_id) > 10:
        assert session_id not in repr(fault)
        assert session_id not in repr(fault.entries)


@pytest.mark.parametrize("code", RULES)
def test_fault_for_uses_the_fault_code_of_the_rule(code: Code) -> None:
    fault = fault_for(error_for(value_finding(code, "what is wrong")))
    assert fault.code == RULES[code].fault_code
    assert f"[{code}]: what is wrong" in fault.string
    assert (fault.entries, fault.detail, fault.actor) == ((), Fragment(), None)
    assert not fault.session_lost
    hinted = fault_for(error_for(value_finding(code, "what is wrong", "do it right")))
    assert hinted.string == f"{fault.string} (do it right)"


_VERSION = UnknownHeaderBlock(
    f'<Version xmlns="{ENGINE}" xmlns:s="{SOAP_11_NS}" s:mustUnderstand="1"/>'.encode()
)


def test_fault_for_names_blocks_not_understood() -> None:
    blocks: list[HeaderBlock | UnknownHeaderBlock] = [_VERSION, Session(SECRET), BeginSession()]
    fault = fault_for(iter(blocks))
    assert fault.code == FaultCode.MUST_UNDERSTAND
    for qname in (f"{{{ENGINE}}}Version", f"{{{XMLA_NS}}}Session", f"{{{XMLA_NS}}}BeginSession"):
        assert qname in fault.string
    assert SECRET not in fault.string
    assert (fault.entries, fault.detail) == ((), Fragment())


@pytest.mark.parametrize("nothing", [[], (), iter([])])
def test_fault_for_without_blocks_raises_value_error(nothing: list[Session]) -> None:
    with pytest.raises(ValueError, match="no block"):
        fault_for(nothing)


def _answer(request: bytes) -> bytes:
    """Answer a request as a server with one session can."""
    try:
        envelope = decode(request, deep=True)
        header = envelope.header.session_header
    except XmlaHeadersError as error:
        return encode(Envelope(body=fault_for(error).to_body()))
    blocks = envelope.header.not_understood()
    if blocks:
        return encode(Envelope(body=fault_for(blocks).to_body(FaultShape.SOAP_1_1)))
    if isinstance(header, Session) and header.session_id != "known":
        return encode(Envelope(body=session_not_found(header.session_id).to_body()))
    return encode(Envelope())


def _request(*blocks: Session | BeginSession | UnknownHeaderBlock) -> bytes:
    return encode(Envelope(xmla_headers.Header(*blocks), Fragment(b"<a/>")))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (_request(Session("known")), None),
        (_request(Session(SECRET)), "XMLAnalysisError.0xc10c000a"),
        (_request(_VERSION, Session("known")), "MustUnderstand"),
        (_request(BeginSession(), Session("known")), "Client"),
        (_request().replace(SOAP_11_NS.encode(), b"urn:soap"), "VersionMismatch"),
        (b"GET / HTTP/1.1", "Client"),
        (_request()[:-9], "Client"),
        (_request().replace(b"<a/>", b"<u:a/>"), "Client"),
    ],
)
def test_server_answer_names_the_cause_to_the_client(request_: bytes, code: str | None) -> None:
    answer = decode(_answer(request_), direction=xmla_headers.Direction.RESPONSE, deep=True, strict=True)
    assert (None if answer.fault is None else answer.fault.code) == code
    assert (answer.fault is not None and answer.fault.session_lost) == (code == "XMLAnalysisError.0xc10c000a")


@settings(deadline=None)
@given(st.one_of(messages(), mutated(), mutated(everyday()), st.binary()))
def test_fault_for_any_refusal_survives_a_round_trip(data: bytes) -> None:
    try:
        decode(data, deep=True, strict=True)
    except XmlaHeadersError as error:
        fault = fault_for(error)
        answer = decode(encode(Envelope(body=fault.to_body())), deep=True, strict=True)
        assert answer.fault == fault


@pytest.mark.parametrize("xml", [b"<a/>", b"<a xmlns:p='urn:p'/>"])
def test_content_in_a_default_namespace_declares_it_in_soap_1_1(xml: bytes) -> None:
    content = Fragment(xml, {"": "urn:d"})
    fault = Fault("Client", "text", entries=(FaultEntry(1, "text", content=content),), detail=content)
    body = fault.to_body(FaultShape.SOAP_1_1)
    assert body.xml.count(b'<a xmlns="urn:d"') == 2
    assert b"<Error " in body.xml
