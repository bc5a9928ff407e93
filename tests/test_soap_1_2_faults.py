"""Faults of SOAP 1.2: read, written, translated, and the header blocks beside them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_fault import faults
from tests.values import text
from xmla_headers import (
    SOAP_11_NS,
    SOAP_12_NS,
    BeginSession,
    Code,
    EncodeError,
    Envelope,
    Fault,
    FaultEntry,
    FaultShape,
    Fragment,
    Header,
    HeaderBlock,
    SoapVersion,
    UnknownHeaderBlock,
    XmlaHeadersError,
    decode,
    encode,
    fault_blocks,
    fault_for,
    iter_findings,
    session_not_found,
)
from xmla_headers.findings import error_for, value_finding

SHAPE = FaultShape.SOAP_1_2
SECRET = "9F2C1B7E-3D54-4A0B"


def message(body: str, soap: str = SOAP_12_NS) -> bytes:
    around = f'<e:Envelope xmlns:e="{soap}" xmlns:s="{SOAP_12_NS}"><e:Body>{body}</e:Body></e:Envelope>'
    return around.encode()


def fault_in(parts: str, soap: str = SOAP_12_NS) -> Fault:
    fault = decode(message(f"<s:Fault>{parts}</s:Fault>", soap)).fault
    assert fault is not None
    return fault


def written_and_read(fault: Fault, shape: FaultShape = SHAPE) -> Fault:
    soap = SoapVersion.SOAP_1_2 if shape is SHAPE else SoapVersion.SOAP_1_1
    read = decode(encode(Envelope(body=fault.to_body(shape), soap=soap))).fault
    assert read is not None
    return read


# -- reading -----------------------------------------------------------------------------------------------

_CODE = "<s:Code><s:Value>s:Sender</s:Value></s:Code>"
_READ = {
    "nothing": ("", Fault("", "")),
    "a code": (_CODE, Fault("Sender", "")),
    "subcodes": (
        (
            "<s:Code><s:Value> s:Sender\n</s:Value><s:Subcode><s:Value>a:One</s:Value><s:Subcode>"
            "<s:Value>Two</s:Value></s:Subcode></s:Subcode></s:Code>"
        ),
        Fault("Sender", "", subcodes=["One", "Two"]),
    ),
    "a subcode without a value": (
        "<s:Code><s:Value>s:Sender</s:Value><s:Subcode/></s:Code>",
        Fault("Sender", "", subcodes=[""]),
    ),
    "languages": (
        "<s:Reason><s:Text xml:lang='de'>weg</s:Text><s:Text xml:lang='en'>g<!---->one</s:Text></s:Reason>",
        Fault("", "weg", reasons=[("de", "weg"), ("en", "gone")]),
    ),
    "a text without a language": (
        "<s:Reason><s:Text lang='de'>weg</s:Text></s:Reason>",
        Fault("", "weg", reasons=[("", "weg")]),
    ),
    "node and role": (
        "<s:Node>urn:node</s:Node><s:Role>urn:role</s:Role>",
        Fault("", "", "urn:role", node="urn:node"),
    ),
    "a detail": (
        "<s:Detail><Error ErrorCode='1' Description='x'/><a/></s:Detail>",
        Fault("", "", entries=[FaultEntry(1, "x")], detail=Fragment(b"<a/>")),
    ),
    "an Error in the namespace of SOAP": (
        "<s:Detail><s:Error ErrorCode='1'/></s:Detail>",
        Fault("", "", entries=[FaultEntry(1)]),
    ),
    "twice": (
        (
            f"{_CODE}<s:Code><s:Value>s:Receiver</s:Value></s:Code>"
            "<s:Reason><s:Text xml:lang='en'>a</s:Text></s:Reason>"
            "<s:Reason><s:Text xml:lang='en'>b</s:Text></s:Reason><s:Node>a</s:Node><s:Node>b</s:Node>"
            "<s:Detail>a</s:Detail><s:Detail>b</s:Detail>"
        ),
        Fault("Sender", "a", reasons=[("en", "a")], node="a", detail=Fragment(b"a")),
    ),
    "other namespaces": (
        (
            "<Code><Value>Sender</Value></Code><Reason><Text>a</Text></Reason><faultcode>s:a</faultcode>"
            f"<Node>a</Node><detail>a</detail><x:faultstring xmlns:x='{SOAP_11_NS}'>a</x:faultstring>"
        ),
        Fault("", ""),
    ),
    "inner other namespaces": (
        (
            "<s:Code><Value>a</Value><Subcode><s:Value>b</s:Value></Subcode><s:Value>s:Sender</s:Value></s:Code>"
            "<s:Reason><Text>a</Text><s:text>b</s:text></s:Reason>"
        ),
        Fault("Sender", ""),
    ),
    "parts in the wrong place": (
        "<s:Value>a</s:Value><s:Subcode/><s:Text>b</s:Text><a><s:Code/></a>",
        Fault("", ""),
    ),
}


@pytest.mark.parametrize("soap", [SOAP_11_NS, SOAP_12_NS])
@pytest.mark.parametrize("name", _READ)
def test_soap_1_2_fault_is_read_with_all_parts(name: str, soap: str) -> None:
    parts, fault = _READ[name]
    assert fault_in(parts, soap) == fault


@pytest.mark.parametrize("body", ["<a/><s:Fault/>", "<Fault/>", "<a><s:Fault/></a>"])
def test_soap_1_2_fault_elsewhere_is_none(body: str) -> None:
    assert decode(message(body)).fault is None


@pytest.mark.slow
def test_many_nested_subcodes_are_read_and_written() -> None:
    count = 20_000
    nested = "<s:Subcode><s:Value>x</s:Value>" * count + "</s:Subcode>" * count
    fault = fault_in(f"<s:Code><s:Value>s:Sender</s:Value>{nested}</s:Code>")
    assert fault.subcodes == ("x",) * count
    assert written_and_read(fault).subcodes == fault.subcodes


# -- writing -----------------------------------------------------------------------------------------------


def test_to_body_writes_every_part_of_soap_1_2() -> None:
    fault = Fault(
        "Sender",
        "a < b",
        "urn:role",
        [FaultEntry(1, "d")],
        Fragment(b"<p:a/>", {"p": "urn:p"}),
        subcodes=["One", "Two"],
        reasons=[("en", "a < b"), ("de-AT", "klein")],
        node="urn:node",
    )
    body = fault.to_body(SHAPE)
    assert body.xml.decode() == (
        "<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value>"
        "<soap:Subcode><soap:Value>One</soap:Value><soap:Subcode><soap:Value>Two</soap:Value>"
        "</soap:Subcode></soap:Subcode></soap:Code><soap:Reason>"
        '<soap:Text xml:lang="en">a &lt; b</soap:Text><soap:Text xml:lang="de-AT">klein</soap:Text>'
        "</soap:Reason><soap:Node>urn:node</soap:Node><soap:Role>urn:role</soap:Role>"
        '<soap:Detail xmlns:p="urn:p"><Error ErrorCode="1" Description="d" Source="" HelpFile=""/>'
        "<p:a/></soap:Detail></soap:Fault>"
    )
    assert body.namespaces == {"soap": SOAP_12_NS}
    assert body == fault.to_body("soap-1.2")
    assert written_and_read(fault) == fault
    # No second declaration of the prefix.
    assert encode(Envelope(body=body, soap=SoapVersion.SOAP_1_2)).count(b"xmlns:soap=") == 1


@pytest.mark.parametrize(
    ("code", "first", "subcodes", "back"),
    [
        ("Client", "Sender", (), "Client"),
        ("Server", "Receiver", (), "Server"),
        ("Sender", "Sender", (), "Client"),
        ("Receiver", "Receiver", (), "Server"),
        ("VersionMismatch", "VersionMismatch", (), "VersionMismatch"),
        ("MustUnderstand", "MustUnderstand", (), "MustUnderstand"),
        ("DataEncodingUnknown", "DataEncodingUnknown", (), "DataEncodingUnknown"),
        ("Client.a.b", "Sender", ("Client.a.b",), "Client.a.b"),
        ("Server.00HSBB01", "Receiver", ("Server.00HSBB01",), "Server.00HSBB01"),
        (
            "MustUnderstand.00HSHA01",
            "MustUnderstand",
            ("MustUnderstand.00HSHA01",),
            "MustUnderstand.00HSHA01",
        ),
        ("Sender.x", "Sender", ("Sender.x",), "Sender.x"),
        (
            "XMLAnalysisError.0xc10f0014",
            "Receiver",
            ("XMLAnalysisError.0xc10f0014",),
            "XMLAnalysisError.0xc10f0014",
        ),
        (
            "XMLAnalysisError.0xc10c000a",
            "Sender",
            ("XMLAnalysisError.0xc10c000a",),
            "XMLAnalysisError.0xc10c000a",
        ),
        ("", "Receiver", (), "Server"),
    ],
)
def test_codes_are_translated_between_versions(
    code: str, first: str, subcodes: tuple[str, ...], back: str
) -> None:
    read = written_and_read(Fault(code, "text"))
    assert (read.code, read.subcodes) == (first, subcodes)
    for shape in (FaultShape.SSAS, FaultShape.SOAP_1_1):
        assert written_and_read(read, shape).code == back


def test_innermost_subcode_is_the_code_of_soap_1_1() -> None:
    fault = Fault("Sender", "no", subcodes=["InvalidSecurity", "FailedAuthentication"], node="urn:n")
    assert written_and_read(fault, FaultShape.SOAP_1_1) == Fault("FailedAuthentication", "no")


@given(faults, st.lists(text, max_size=2), st.none() | text)
def test_soap_1_2_fault_keeps_its_values(fault: Fault, subcodes: list[str], node: str | None) -> None:
    subcodes = [subcode.replace(":", "").strip(" \t\r\n") for subcode in subcodes]
    fault = Fault(
        fault.code, fault.string, fault.actor, fault.entries, fault.detail, subcodes=subcodes, node=node
    )
    body = fault.to_body(SHAPE)
    assert Fragment(body.xml, body.namespaces) == body
    data = encode(Envelope(body=body, soap=SoapVersion.SOAP_1_2))
    assert [str(finding.code) for finding in iter_findings(data)] == ["soap-1.2"]
    read = decode(data).fault
    assert read is not None
    assert (read.string, read.actor, read.node) == (fault.string, fault.actor, node)
    assert read.reasons == (("en", fault.string),)
    assert read.subcodes[-len(subcodes) :] == tuple(subcodes) or not subcodes
    said = [(entry.code, entry.description, entry.source, entry.help_file) for entry in read.entries]
    assert said == [(e.code, e.description, e.source, e.help_file) for e in fault.entries]
    assert read.session_lost == fault.session_lost
    # The second time nothing is translated.
    again = written_and_read(read)
    assert (again.code, again.subcodes, again.reasons) == (read.code, read.subcodes, read.reasons)
    assert pickle.loads(pickle.dumps(read)) == read


_PIECES = [
    *(
        "<s:Fault>",
        "</s:Fault>",
        "<s:Code>",
        "</s:Code>",
        "<s:Value>s:a</s:Value>",
        "<s:Value>",
        "</s:Value>",
    ),
    *(
        "<s:Subcode>",
        "</s:Subcode>",
        "<s:Reason>",
        "</s:Reason>",
        "<s:Text xml:lang='a'>x</s:Text>",
        "<s:Text>",
    ),
    *("</s:Text>", "<s:Detail>", "</s:Detail>", "<Error ErrorCode='1'/>", "<s:Node/>", "<s:Role> </s:Role>"),
    *("<a/>", "text", "]]", "&gt;", "<!-- -->", "<a b:c=''/>", "<u:a/>"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_any_accepted_soap_1_2_fault_is_read_and_written(pieces: list[str]) -> None:
    try:
        envelope = decode(message(f"<s:Fault>{''.join(pieces)}</s:Fault>"))
    except XmlaHeadersError:
        return
    fault = envelope.fault
    assert fault is not None
    assert "\n" not in repr(fault)
    for shape in FaultShape:
        assert written_and_read(fault, shape).entries == fault.entries


# -- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"subcodes": "One"}, TypeError),
        ({"subcodes": [1]}, TypeError),
        ({"subcodes": ["a:b"]}, EncodeError),
        ({"subcodes": [" a"]}, EncodeError),
        ({"reasons": "en"}, TypeError),
        ({"reasons": [["en", "text"]]}, TypeError),
        ({"reasons": [("en",)]}, TypeError),
        ({"reasons": [("en", 1)]}, TypeError),
        ({"reasons": [(None, "text")]}, TypeError),
        ({"reasons": [("en", "other")]}, EncodeError),
        ({"reasons": [("\0", "text")]}, EncodeError),
        ({"node": 1}, TypeError),
        ({"node": "\0"}, EncodeError),
    ],
)
def test_fault_with_wrong_parts_of_soap_1_2_is_refused(arguments: Any, wanted: type[Exception]) -> None:
    with pytest.raises(wanted):
        Fault("Sender", "text", **arguments)


def test_fault_repr_hides_the_parts_of_soap_1_2() -> None:
    fault = Fault("Sender", SECRET, subcodes=["One"], reasons=[("en", SECRET)], node=SECRET)
    assert repr(fault) == "Fault('Sender', <18 characters>, subcodes=<1>, reasons=<1>, node=<18 characters>)"
    assert fault != Fault("Sender", SECRET, subcodes=["One"], reasons=[("en", SECRET)])


# -- faults of a server ------------------------------------------------------------------------------------


def test_session_not_found_speaks_soap_1_2() -> None:
    fault = session_not_found(SECRET, soap="1.2")
    assert (fault.code, fault.subcodes) == ("Sender", ("XMLAnalysisError.0xc10c000a",))
    assert fault.reasons == (("en", session_not_found(SECRET).string),)
    assert fault.session_lost
    assert written_and_read(fault) == fault
    assert written_and_read(fault, FaultShape.SSAS) == session_not_found(SECRET)
    with pytest.raises(ValueError, match="soap must be"):
        session_not_found(SECRET, soap="1.3")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (Code.NOT_WELL_FORMED, "Sender"),
        (Code.WRONG_SOAP_NAMESPACE, "VersionMismatch"),
        (Code.BAD_FRAGMENT, "Receiver"),
    ],
)
def test_fault_for_speaks_soap_1_2(code: Code, wanted: str) -> None:
    error = error_for(value_finding(code, "what is wrong"))
    fault = fault_for(error, soap=SoapVersion.SOAP_1_2)
    assert (fault.code, fault.subcodes, fault.string) == (wanted, (), fault_for(error).string)
    assert written_and_read(fault) == fault


_VERSION = UnknownHeaderBlock(b"<Version xmlns='urn:a&amp;b'/>")
_PLAIN = UnknownHeaderBlock(b"<plain/>")


def test_not_understood_blocks_name_each_block() -> None:
    blocks: list[HeaderBlock | UnknownHeaderBlock] = [
        _VERSION,
        UnknownHeaderBlock(b"<plain/>"),
        BeginSession(),
    ]
    assert fault_for(blocks, soap="1.2").code == "MustUnderstand"
    found = fault_blocks(iter(blocks))
    assert {block.qname for block in found} == {f"{{{SOAP_12_NS}}}NotUnderstood"}
    assert [block.xml.decode().partition("envelope")[2] for block in found] == [
        '" qname="b:Version" xmlns:b="urn:a&amp;b"/>',
        '" qname="plain"/>',
        '" qname="b:BeginSession" xmlns:b="urn:schemas-microsoft-com:xml-analysis"/>',
    ]
    answer = Envelope(Header(*found), fault_for(blocks, soap="1.2").to_body(SHAPE), "1.2")
    assert decode(encode(answer)) == answer


def test_upgrade_block_names_the_supported_envelopes() -> None:
    error = error_for(value_finding(Code.WRONG_SOAP_NAMESPACE, "no"))
    (block,) = fault_blocks(error, supported=["1.2", SoapVersion.SOAP_1_1])
    assert block.xml.decode() == (
        f'<soap:Upgrade xmlns:soap="{SOAP_12_NS}">'
        f'<soap:SupportedEnvelope qname="b:Envelope" xmlns:b="{SOAP_12_NS}"/>'
        f'<soap:SupportedEnvelope qname="b:Envelope" xmlns:b="{SOAP_11_NS}"/></soap:Upgrade>'
    )
    (default,) = fault_blocks(error)
    assert default.xml.count(b"SupportedEnvelope") == 1
    assert fault_blocks(error_for(value_finding(Code.NOT_XML, "no"))) == ()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((1,), TypeError),
        (([1],), TypeError),
    ],
)
def test_fault_blocks_of_wrong_types_raises(arguments: Any, wanted: type[Exception]) -> None:
    with pytest.raises(wanted):
        fault_blocks(*arguments)


# -- the warnings of a deep reading --------------------------------------------------------------------------

_NO_CODE = "<s:Fault><s:Reason/></s:Fault>"
_GOOD = f"<s:Fault>{_CODE}</s:Fault>"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (_GOOD, []),
        (_NO_CODE, ["fault-without-code"]),
        ("<s:Fault><Code/><faultcode>s:a</faultcode></s:Fault>", ["fault-without-code"]),
        ("<s:Fault><a><s:Code/></a></s:Fault>", ["fault-without-code"]),
        (_GOOD * 2, ["duplicate-fault"]),
        (f"{_GOOD}<a/>", ["fault-beside-content"]),
        (f"<a/>{_GOOD}", ["fault-beside-content"]),
    ],
)
def test_soap_1_2_fault_earns_the_same_warnings(body: str, codes: list[str]) -> None:
    found = [str(finding.code) for finding in iter_findings(message(body))]
    assert found == ["soap-1.2", *codes]
    # A fault of SOAP 1.1 needs a faultcode, not a Code.
    old = body.replace("s:", "e:")
    found = [str(finding.code) for finding in iter_findings(message(old, SOAP_11_NS))]
    if body in (_GOOD, _NO_CODE):
        assert found == ["fault-without-code"]
