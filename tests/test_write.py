"""encode and encode_block: this library and other parsers read the written values back."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests import values
from tests.profiles import scaled
from xmla_headers import (
    SESSION_BLOCKS,
    BeginSession,
    Code,
    EncodeError,
    EndSession,
    Envelope,
    Fragment,
    Header,
    HeaderBlock,
    Limits,
    MustUnderstandForm,
    Session,
    SoapVersion,
    UnknownHeaderBlock,
    XmlaHeadersError,
    decode,
    encode,
    encode_block,
)

if TYPE_CHECKING:
    from typing import Any

HOSTILE = Path(__file__).resolve().parent / "data" / "hostile"
SOAP = 'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
XMLA = 'xmlns="urn:schemas-microsoft-com:xml-analysis"'

properties = settings(deadline=None, max_examples=scaled(300))

IDS = [
    "",
    " ",
    "a<b>&\"c'",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "]]>",
    "é",
    "漢",
    "🔑",
    "\x7f\x85\u2028",
    "x" * 10_000,
    "{}%s\\",
]


def test_encode_writes_the_plain_form() -> None:
    envelope = Envelope(Header(Session("A", must_understand=True), BeginSession()), Fragment(b"<a/>"))
    assert encode(envelope).decode() == (
        f'<soap:Envelope {SOAP}><soap:Header><Session {XMLA} SessionId="A" soap:mustUnderstand="1"/>'
        f"<BeginSession {XMLA}/></soap:Header><soap:Body><a/></soap:Body></soap:Envelope>"
    )


def test_encode_namespaces_of_any_text_survive_a_round_trip() -> None:
    # The property below draws no such names, because lxml refuses names other than ASCII URIs.
    block = BeginSession(other_attributes=(('{urn:é<&"\t}a', "v"),))
    envelope = Envelope(Header(block), Fragment(b"<p:a/>", {"p": "a<b>&\"'é\n"}))
    assert decode(encode(envelope)) == envelope
    assert ElementTree.fromstring(encode(envelope))[1][0].tag == "{a<b>&\"'é\n}a"


def test_encode_omits_an_empty_header() -> None:
    assert encode(Envelope()).decode() == f"<soap:Envelope {SOAP}><soap:Body></soap:Body></soap:Envelope>"


def test_encode_writes_an_xml_declaration_on_request() -> None:
    assert encode(Envelope(), xml_declaration=True).startswith(
        b'<?xml version="1.0" encoding="utf-8"?>\n<soap:'
    )


QUALIFIED, UNQUALIFIED, BOTH = (
    MustUnderstandForm.QUALIFIED,
    MustUnderstandForm.UNQUALIFIED,
    MustUnderstandForm.BOTH,
)
PLAIN, SOAPED = ' mustUnderstand="1"', ' soap:mustUnderstand="1"'


@pytest.mark.parametrize(
    ("own", "override", "written"),
    [
        (None, None, SOAPED),
        (QUALIFIED, None, SOAPED),
        (UNQUALIFIED, None, PLAIN),
        (BOTH, None, PLAIN + SOAPED),
        (None, UNQUALIFIED, PLAIN),
        (UNQUALIFIED, QUALIFIED, SOAPED),
        (QUALIFIED, BOTH, PLAIN + SOAPED),
    ],
)
def test_encode_writes_must_understand_in_the_given_form(
    own: MustUnderstandForm | None, override: MustUnderstandForm | None, written: str
) -> None:
    block = BeginSession(must_understand=True, must_understand_form=own)
    data = encode(Envelope(Header(block)), must_understand_form=override)
    assert f"<BeginSession {XMLA}{written}/>".encode() in data
    declared = f" {SOAP}" if "soap:" in written else ""
    expected = f"<BeginSession {XMLA}{written.replace(SOAPED, declared + SOAPED)}/>"
    assert encode_block(block, must_understand_form=override).decode() == expected
    # Without the flag, no attribute is written.
    off = replace(block, must_understand=False)
    assert encode_block(off, must_understand_form=override).decode() == f"<BeginSession {XMLA}/>"


def test_encode_of_soap_1_2_writes_role() -> None:
    header = Header(BeginSession(must_understand=True, actor="urn:me"))
    data = encode(Envelope(header, soap=SoapVersion.SOAP_1_2))
    assert b' soap:mustUnderstand="1" soap:role="urn:me"/>' in data
    assert b'xmlns:soap="http://www.w3.org/2003/05/soap-envelope"' in data


@pytest.mark.parametrize("session_id", IDS)
@pytest.mark.parametrize("kind", [Session, EndSession])
def test_encode_session_id_is_read_back_exactly(kind: type[Session | EndSession], session_id: str) -> None:
    data = encode(Envelope(Header(kind(session_id))))
    assert decode(data).header.blocks == (kind(session_id),)
    for parse in (ElementTree.fromstring, etree.fromstring):
        assert parse(data)[0][0].get("SessionId") == session_id


@pytest.mark.parametrize(
    ("body", "unknown", "prefix"),
    [
        (Fragment(), [], "soap"),
        (Fragment(b"<a>soap:x</a>"), [], "soap1"),
        (Fragment(b"<a>::::::::: soap:x</a>"), [], "soap1"),
        (Fragment(b"<soap:a/>", {"soap": "urn:x"}), [], "soap1"),
        (Fragment(b"<a/>", {"soap": "urn:x"}), [], "soap1"),
        (Fragment(b"<a>soap:x soap1:y</a>"), [], "soap2"),
        (Fragment(b"<soap:Fault/>", {"soap": SoapVersion.SOAP_1_1.namespace}), [], "soap"),
        (Fragment(b"<soap:Fault/>", {"soap": SoapVersion.SOAP_1_2.namespace}), [], "soap1"),
        (Fragment(), [b"<a>soap:x</a>"], "soap1"),
        (Fragment(), [b"<a xmlns:soap='urn:x'/>"], "soap1"),
        (Fragment(b"", {"soap": SoapVersion.SOAP_1_1.namespace}), [b"<a>soap:x</a>"], "soap1"),
        (Fragment(b"", {"soap": SoapVersion.SOAP_1_1.namespace}), [b"<soap:a xmlns:soap='u'/>"], "soap"),
    ],
)
def test_encode_soap_prefix_avoids_prefixes_in_use(body: Fragment, unknown: list[bytes], prefix: str) -> None:
    envelope = Envelope(Header(*map(UnknownHeaderBlock, unknown)), body)
    data = encode(envelope)
    assert data.startswith(f"<{prefix}:Envelope xmlns:{prefix}=".encode())
    assert decode(data) == envelope


@given(values.envelopes)
@properties
def test_encode_result_decodes_to_equal_values(envelope: Envelope) -> None:
    data = encode(envelope)
    again = decode(data)
    assert again == envelope
    for ours, theirs in zip(envelope.header, again.header, strict=True):
        if isinstance(ours, HeaderBlock) and isinstance(theirs, HeaderBlock) and ours.must_understand:
            assert theirs.must_understand_form is (ours.must_understand_form or QUALIFIED)
    # The result is stable after one pass, deterministic, and valid with `deep`.
    assert encode(again) == encode(decode(encode(again)))
    assert encode(envelope) == data
    assert decode(data, deep=True) == envelope


@pytest.mark.no_cover
@given(values.envelopes)
@properties
def test_encode_result_is_read_alike_by_other_parsers(envelope: Envelope) -> None:
    data = encode(envelope)
    soap = f"{{{envelope.soap.namespace}}}"
    roots: tuple[Any, ...] = (ElementTree.fromstring(data, forbid_dtd=True), etree.fromstring(data))
    for root in roots:
        assert [child.tag for child in root] == [f"{soap}Header"] * bool(envelope.header) + [f"{soap}Body"]
        for block, element in zip(envelope.header, root[0] if envelope.header else [], strict=True):
            assert element.tag == block.qname
            if isinstance(block, HeaderBlock):
                for attribute in block.spec.attributes:
                    assert element.get(attribute.name) == getattr(block, attribute.field)
                for name, value in block.other_attributes:
                    assert element.get(name) == value
                assert element.get(soap + envelope.soap.actor_name) == block.actor
        inside = root[-1]
        content = envelope.body.elements()
        assert [child.tag for child in inside if isinstance(child.tag, str)] == [
            child.tag for child in content
        ]


@given(
    values.envelopes,
    st.builds(
        Limits,
        *[st.none() | st.integers(0, top) for top in (900, 700, 3, 5, 6, 60)],
    ),
)
@properties
def test_encode_result_is_never_refused_by_decode(envelope: Envelope, limits: Limits) -> None:
    try:
        data = encode(envelope, limits=limits)
    except EncodeError as error:
        assert error.code is Code.LIMIT_EXCEEDED
        # decode refuses the same message.
        with pytest.raises(XmlaHeadersError) as refused:
            decode(encode(envelope, limits=Limits(*[None] * 7)), limits=limits)
        assert refused.value.code is Code.LIMIT_EXCEEDED
    else:
        assert decode(data, limits=limits) == envelope


@given(values.blocks)
@properties
def test_encode_block_works_in_any_envelope(block: HeaderBlock | UnknownHeaderBlock) -> None:
    xml = encode_block(block)
    ElementTree.fromstring(xml, forbid_dtd=True)
    for envelope in (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>%s</s:Header><s:Body/></s:Envelope>',
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header>%s</Header><Body/></Envelope>',
    ):
        template = envelope.encode()
        if isinstance(block, HeaderBlock):
            assert decode(template.replace(b"%s", xml)).header.blocks == (block,)


@given(values.fragments)
@properties
def test_encode_keeps_the_names_of_a_fragment(fragment: Fragment) -> None:
    def names(xml: bytes) -> list[str]:
        return [element.tag for element in ElementTree.fromstring(xml).iter()]

    body = decode(encode(Envelope(body=fragment))).body
    assert [element.tag for element in body.elements()] == [element.tag for element in fragment.elements()]
    if len(fragment.elements()) == 1:
        assert names(body.standalone()) == names(fragment.standalone())


def test_encode_writes_a_decoded_body_unchanged() -> None:
    # decode accepts the unbound prefix without `deep`, so encode accepts it too.
    content = "\r\n<q:x y = 'a:b'  />"
    data = f"<soap:Envelope {SOAP} xmlns:a='urn:a'><soap:Body>{content}</soap:Body></soap:Envelope>".encode()
    body = decode(data).body
    assert body.xml in encode(Envelope(Header(Session("A")), body))
    assert decode(encode(Envelope(body=body))).body == body


WRONG_TYPES: list[tuple[str, dict[str, Any]]] = [
    ("envelope", {"envelope": Header()}),
    ("envelope", {"envelope": b""}),
    ("must_understand_form", {"must_understand_form": 1}),
    ("xml_declaration", {"xml_declaration": 1}),
    ("limits", {"limits": None}),
]


@pytest.mark.parametrize(("name", "arguments"), WRONG_TYPES)
def test_encode_of_wrong_types_raises_type_error(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=name):
        encode(**{"envelope": Envelope(), **arguments})


def test_encode_block_of_wrong_types_raises_type_error() -> None:
    with pytest.raises(TypeError, match="header block"):
        encode_block("Session")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must_understand_form"):
        encode_block(BeginSession(), must_understand_form=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("xml", "at"),
    [
        (b"</soap:Body><soap:Body>", 2),
        (b"<a/></soap:Body></soap:Envelope><soap:Envelope><soap:Body>", 6),
        (b"</_><_>", None),
        (b"<!-- ", 0),
        (b"<?x ", 0),
        (b"<a/><![CDATA[", None),
        (b"<q:a/>", 0),
        (b"<a/><a b='", None),
        (b"<!DOCTYPE a><a/>", None),
        (b"<?x y?><a/>", 0),
        (b"<a>&nbsp;</a>", 3),
        (b"<a>\x01</a>", 3),
        (b"\xff", 0),
    ],
)
def test_fragment_that_would_close_its_parent_is_refused(xml: bytes, at: int | None) -> None:
    with pytest.raises(EncodeError) as error:
        Fragment(xml)
    assert error.value.code is Code.BAD_FRAGMENT
    if at is not None:
        assert f"at byte {at}" in error.value.finding.message


def vectors() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    manifest = json.loads((HOSTILE / "manifest.json").read_text(encoding="utf-8"))
    chosen = [test for test in manifest["tests"] if test["op"] == "encode"]
    return [
        (test["name"], test, json.loads((HOSTILE / test["file"]).read_text(encoding="utf-8")))
        for test in chosen
    ]


@pytest.mark.parametrize(("label", "value"), [pytest.param(*rest, id=name) for name, *rest in vectors()])
def test_encode_of_labelled_values_matches_the_labels(label: dict[str, Any], value: dict[str, Any]) -> None:
    kinds = {kind.spec.local_name: kind for kind in SESSION_BLOCKS.values()}
    fields: dict[str, Any] = {
        name: value[name] for name in ("session_id", "must_understand") if name in value
    }
    if label["verdict"] == "either":
        fields = {name: field for name, field in fields.items() if field is not None}

    def write() -> bytes:
        body = Fragment(value.get("body", "").encode("utf-8", "surrogatepass"))
        return encode(Envelope(Header(kinds[value["header"]](**fields)), body))

    if label["verdict"] == "reject":
        with pytest.raises((EncodeError, TypeError)) as refused:
            write()
        code = refused.value.code if isinstance(refused.value, EncodeError) else "TypeError"
        # A processing instruction in a fragment has the code bad-fragment.
        # Python itself refuses a missing argument of a constructor.
        assert code in label["codes"] or code == Code.BAD_FRAGMENT or label["codes"] == ["missing-attribute"]
    else:
        envelope = decode(write())
        assert envelope.header.blocks == (kinds[value["header"]](**fields),)
        assert envelope.body.xml == value.get("body", "").encode()


def test_write_vectors_are_complete() -> None:
    verdicts = itertools.groupby(sorted(label["verdict"] for _, label, _ in vectors()))
    assert {verdict: len(list(group)) for verdict, group in verdicts} == {
        "accept": 23,
        "either": 1,
        "reject": 24,
    }


def test_encode_finds_a_prefix_in_linear_time() -> None:
    import sys

    def lines(size: int) -> int:
        words = " ".join(f"soap{number or ''}:" for number in range(size)).encode()
        envelope = Envelope(Header(UnknownHeaderBlock(b"<a>%b</a>" % words)), Fragment(words))
        seen = 0

        def trace(_frame: object, event: str, _argument: object) -> None:
            nonlocal seen
            seen += event in ("call", "c_call")

        sys.setprofile(trace)
        try:
            data = encode(envelope)
        finally:
            sys.setprofile(None)
        assert data.startswith(f"<soap{size}:".encode())
        assert decode(data) == envelope
        return seen

    # The number of calls into C is constant for each candidate.
    assert lines(400) <= 2 * lines(200) + 50


@pytest.mark.parametrize("name", ["a\u06dd", "\u06dda"[::-1], "é", "a\u0301", "_", "a.-1"])
def test_fragment_names_are_checked_alike_in_both_ways(name: str) -> None:
    xml = f'<p:{name} xmlns:p="u" p:{name}=""/>'.encode()
    fragment = Fragment(xml)
    assert Fragment(xml, {"q": "u"}).standalone() == fragment.standalone() == xml
    assert decode(encode(Envelope(body=fragment)), deep=True).body == fragment


def test_encode_message_as_long_as_the_limit_is_written() -> None:
    envelope = Envelope(Header(Session("A")), Fragment(b"<a/>"))
    size = len(encode(envelope))
    assert len(encode(envelope, limits=Limits(max_message_bytes=size))) == size
    with pytest.raises(EncodeError):
        encode(envelope, limits=Limits(max_message_bytes=size - 1))


def test_encode_declares_nothing_twice_or_without_need() -> None:
    scope = {"soap": SoapVersion.SOAP_1_1.namespace, "x": "urn:x"}
    written = encode(Envelope(body=Fragment(b"<x:a/>", scope)))
    assert written.count(b"xmlns:soap=") == 1
    assert written.count(b"xmlns:x=") == 1
    # Without a name in no namespace, there is no default namespace to undo.
    assert encode_block(UnknownHeaderBlock(b"<p:a xmlns:p='urn:p'/>")) == b"<p:a xmlns:p='urn:p'/>"
    assert encode_block(UnknownHeaderBlock(b"<a/>")) == b'<a xmlns=""/>'
    assert encode_block(UnknownHeaderBlock(b"<a xmlns='urn:p'/>")) == b"<a xmlns='urn:p'/>"
