"""Properties of all messages, for any bytes."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
import xml.etree.ElementTree as ET
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from defusedxml import ElementTree as SafeET
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from lxml import etree

import xmla_headers
from tests.invariants import hold
from tests.messages import everyday, messages, mutated, shared_heads
from tests.outcomes import TYPES, outcome, readings, said
from tests.profiles import scaled
from xmla_headers import (
    RULES,
    SESSION_BLOCKS,
    DecodeError,
    Envelope,
    Finding,
    HeadCache,
    Header,
    HeaderBlock,
    Limits,
    Severity,
    UnknownHeaderBlock,
    ValidationError,
    XmlaHeadersError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Arguments = Mapping[str, Any]

settings.register_profile(
    "properties",
    deadline=None,
    max_examples=scaled(300),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
)
properties = settings(settings.get_profile("properties"))
searching = settings(properties, max_examples=scaled(600))


anything = st.one_of(messages(), messages(odd=False), everyday(), mutated(), mutated(everyday()), st.binary())
likely = st.one_of(messages(), messages(odd=False), everyday(), mutated(everyday()))


#: An Envelope around the bytes after the Header.
_BARE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">%b</s:Envelope>'


def is_refused(finding: Finding, reading: Arguments) -> bool:
    return (
        bool(reading.get("strict"))
        or finding.severity is Severity.ERROR
        or finding.code in reading.get("refuse", ())
    )


def refused(data: bytes, reading: Arguments, *, deep: bool) -> tuple[type[XmlaHeadersError], Finding] | None:
    """Return the finding that decode must raise according to iter_findings."""
    for finding in xmla_headers.iter_findings(data, deep=deep, **reading):
        if is_refused(finding, reading):
            return DecodeError if RULES[finding.code].fatal else ValidationError, finding
    return None


# P1. For any bytes, each reading function returns a value or raises XmlaHeadersError. Values and exceptions
# can be shown, pickled and copied.
@searching
@given(anything, readings, st.booleans())
def test_calls_with_any_bytes_raise_own_errors_only(data: bytes, reading: Arguments, deep: bool) -> None:  # noqa: FBT001 - drawn
    readers: list[tuple[Callable[..., object], Arguments]] = [
        (xmla_headers.decode, {"deep": deep}),
        (xmla_headers.decode_header, {}),
        (xmla_headers.validate, {"deep": deep}),
    ]
    for function, arguments in readers:
        try:
            value = function(data, **reading, **arguments)
        except XmlaHeadersError as error:
            value = error
        assert repr(value)
        if isinstance(value, Envelope):
            assert said(pickle.loads(pickle.dumps(value))) == said(value)
        if isinstance(value, XmlaHeadersError):
            for again in (pickle.loads(pickle.dumps(value)), copy.copy(value)):
                assert (type(again), again.finding, again.code) == (
                    type(value),
                    value.finding,
                    value.finding.code,
                )
                assert str(again) == str(value) == str(value.finding)
    for finding in xmla_headers.iter_findings(data, deep=deep, **reading):
        assert str(finding)
        assert finding.to_dict()["code"] == finding.code


# There is one set of rules: with equal arguments, decode and validate raise if and only if iter_findings
# yields a refused finding, and they raise the first one.
@searching
@given(anything, readings, st.booleans())
def test_decode_raises_the_first_refused_finding(data: bytes, reading: Arguments, deep: bool) -> None:  # noqa: FBT001 - drawn
    expected = refused(data, reading, deep=deep)
    decoded = outcome(xmla_headers.decode, data, deep=deep, **reading)
    validated = outcome(xmla_headers.validate, data, deep=deep, **reading)
    if expected is None:
        assert not isinstance(decoded[0], type)
        assert validated == (None,)
        assert decoded[-1] == tuple(xmla_headers.iter_findings(data, deep=deep, **reading))
    else:
        assert decoded == expected
        assert validated == expected


# Findings are ordered by offset, then as in the catalogue. At most one is fatal, and it is the last.
@properties
@given(anything, readings, st.booleans())
def test_iter_findings_order_is_by_offset(data: bytes, reading: Arguments, deep: bool) -> None:  # noqa: FBT001 - drawn
    findings = list(xmla_headers.iter_findings(data, deep=deep, **reading))
    ranks = list(RULES)
    places = [
        (finding.offset, ranks.index(finding.code)) for finding in findings if not RULES[finding.code].fatal
    ]
    assert places == sorted(places)
    assert not any(RULES[finding.code].fatal for finding in findings[:-1])
    for finding in findings:
        assert finding.severity is RULES[finding.code].severity
        assert finding.reference == RULES[finding.code].reference
        assert finding.offset is not None
        assert 0 <= finding.offset <= len(data)


# Line and column match the offset: lines end as in XML, columns count characters, and a byte order mark is
# not counted.
@properties
@given(anything, st.booleans())
def test_finding_line_and_column_match_its_offset(data: bytes, deep: bool) -> None:  # noqa: FBT001 - drawn
    codec, mark = "utf-8", 0
    for bom, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(bom):
            codec, mark = name, len(bom)
    # Otherwise this test would have to detect the encoding.
    assume(mark or data.isascii())
    for finding in xmla_headers.iter_findings(data, deep=deep):
        assert finding.offset is not None
        before = data[mark : finding.offset].decode(codec, "replace")
        # A CR ends the line; a LF after it does not end another one.
        lines = re.split("\r\n|\r|\n", before)
        if before.endswith("\r") and data[finding.offset :][:2].strip(b"\0") == b"\n":
            assume(False)
        assert (finding.line, finding.column) == (len(lines), len(lines[-1]) + 1)


@searching
@given(likely)
def test_invariants_hold_for_any_bytes(data: bytes) -> None:
    hold(data)


# decode_header returns the Header of each message that decode accepts.
@searching
@given(likely, readings)
def test_decode_header_agrees_with_decode(data: bytes, reading: Arguments) -> None:
    decoded = outcome(xmla_headers.decode, data, **reading)
    if isinstance(decoded[0], Header):
        header = outcome(xmla_headers.decode_header, data, **reading)
        assert header == decoded[: len(header)]


# If decode_header refuses a message, decode refuses it for the same reason. If only decode refuses it, the
# finding is after the Body start tag.
@searching
@given(likely, readings, st.booleans())
def test_decode_header_refuses_as_decode_does(data: bytes, reading: Arguments, deep: bool) -> None:  # noqa: FBT001 - drawn
    header = outcome(xmla_headers.decode_header, data, **reading)
    decoded = outcome(xmla_headers.decode, data, deep=deep, **reading)
    if isinstance(header[0], type):
        assert decoded == header
    elif isinstance(decoded[0], type):
        finding = decoded[1]
        assert isinstance(finding, Finding)
        assert finding.offset is not None
        # The message up to that offset still has a complete head.
        cut = outcome(xmla_headers.decode_header, data[: finding.offset], **reading)
        longest = reading.get("limits", Limits()).max_message_bytes
        assert cut == header or finding.offset == longest


# Bytes after the Body start tag never change the result of decode_header.
@properties
@given(shared_heads(), st.binary(max_size=30))
def test_decode_header_ignores_bytes_after_the_body_start_tag(pair: tuple[bytes, bytes], junk: bytes) -> None:
    first, second = pair
    said_of_first = outcome(xmla_headers.decode_header, first)
    assume(isinstance(said_of_first[0], Header))
    assume(b"CDATA" not in first)
    start = first.find(b"Body>") + 5
    assume(start >= 5 and b"<!--" not in first[:start])
    assert outcome(xmla_headers.decode_header, second) == said_of_first
    assert outcome(xmla_headers.decode_header, first[:start] + junk) == said_of_first


# A HeadCache of any size and with any entries changes no result, neither of the first call nor of the second.
@pytest.mark.no_cover
@searching
@given(
    st.lists(st.one_of(shared_heads(), st.tuples(likely, likely)), min_size=1, max_size=3),
    st.lists(readings, min_size=1, max_size=2),
    st.integers(1, 3),
    st.booleans(),
)
def test_head_cache_changes_no_result(
    pairs: list[tuple[bytes, bytes]],
    argument_sets: list[dict[str, Any]],
    maxsize: int,
    deep: bool,  # noqa: FBT001 - drawn
) -> None:
    cache = HeadCache(maxsize)
    for data in [message for pair in pairs for message in pair] * 2:
        for reading in argument_sets:
            for function, more in ((xmla_headers.decode, {"deep": deep}), (xmla_headers.decode_header, {})):
                expected = outcome(function, data, cache=None, **reading, **more)
                assert outcome(function, data, cache=cache, **reading, **more) == expected
                assert len(cache) <= maxsize


# The end of the Body found without callbacks is the end found by counting elements.
@searching
@given(likely, readings)
@example(_BARE % b"<s:Body></s:Body><s:Body></s:Body>", {})
@example(_BARE % b"<s:Body></s:Body><s:Body/>", {})
@example(_BARE % b"<s:Body><s:Body></s:Body></s:Body>", {})
@example(_BARE % b"<s:Body><![CDATA[</s:Body></s:Envelope>]]></s:Body>", {})
@example(_BARE % b"<s:Body></s:Body><!--</s:Body></s:Envelope>-->", {})
@example(_BARE % b"<s:Body></s:Body></s:Mismatch><!-- -->", {})
def test_fast_body_end_equals_the_exact_one(data: bytes, reading: Arguments) -> None:
    fast = outcome(xmla_headers.decode, data, **reading)
    with mock.patch("xmla_headers._xml.reader.last_end_tag", return_value=None):
        assert outcome(xmla_headers.decode, data, **reading) == fast


_PIECES = [
    b"<s:Body>",
    b"</s:Body>",
    b"</s:Body >",
    b"<s:Body/>",
    b"<s:Bodyx>",
    b"</s:Bodyx>",
    b"</s:Envelope>",
    b"</s:Envelope>",
    b"<s:Envelope>",
    b"</t:Envelope>",
    b"<a>",
    b"</a>",
    b"<a/>",
    b"<a b='</s:Body>'/>",
    b"<a b='/s:Body>'/>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?pi?>",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE a>",
    b"&lt;",
    b"&unknown;",
    b"text",
    b" ",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\x00",
]
_OPEN = _BARE.removesuffix(b"</s:Envelope>")
_HEADS = [
    _OPEN % b"<s:Body>",
    _OPEN
    % b"<s:Header><Session xmlns='urn:schemas-microsoft-com:xml-analysis' SessionId='a'/></s:Header><s:Body>",
    b"<!-- &#32; -->" + _OPEN % b"<!-- <s:Body> --><s:Header><x><y/></x></s:Header><s:Body a='&gt;'>",
]


# A known head is not parsed again, and any bytes after it get the same findings as after a parsed head.
@searching
@given(st.sampled_from(_HEADS), st.lists(st.sampled_from(_PIECES), max_size=8).map(b"".join), st.booleans())
@example(_HEADS[0], b"</s:Body><s:Body>", True)
@example(_HEADS[0], b"</s:Body><a></s:Body>", True)
@example(_HEADS[0], b"<s:Body>", True)
@example(_HEADS[0], b"</s:Body></t:Envelope>", False)
def test_known_head_does_not_change_the_check_of_the_body(head: bytes, rest: bytes, closed: bool) -> None:  # noqa: FBT001 - drawn
    data = head + rest + b"</s:Body></s:Envelope>" * closed
    cache = HeadCache()
    xmla_headers.decode(head + b"</s:Body></s:Envelope>", cache=cache)
    assert len(cache) == 1
    known = outcome(xmla_headers.decode, data, cache=cache)
    assert outcome(xmla_headers.decode, data, cache=None) == known
    with mock.patch("xmla_headers._xml.reader.last_end_tag", return_value=None):
        assert outcome(xmla_headers.decode, data, cache=None) == known


def test_head_cache_filled_with_deep_keeps_no_body_findings() -> None:
    cache = HeadCache()
    faulty, plain = (_BARE % (b"<s:Body>%b</s:Body>" % body) for body in (b"<s:Fault/><b/>", b"<a/>"))
    assert len(xmla_headers.decode(faulty, deep=True, cache=cache).warnings) == 2
    assert xmla_headers.decode(plain, cache=cache).warnings == ()
    assert xmla_headers.decode(plain, deep=True, cache=cache).warnings == ()


_NAMESPACED = [
    *(b"<p:a>", b"</p:a>", b"<p:a/>", b"<s:a/>", b"<a:b:c/>", b"<:a/>", b"<a:/>", b"<xml:a/>", b"<xmlns:a/>"),
    *(b"<a xmlns:p='urn:p'>", b"</a>", b"<a xmlns='urn:p'>", b"<a xmlns=''/>", b"<a xmlns:p=''/>"),
    *(
        b"<a xmlns:p='urn:p' xmlns:q='urn:p' p:b='' q:b=''/>",
        b"<a xmlns:p='&#10;'/>",
        b"<a xmlns:p='urn:}'/>",
    ),
    *(b"<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang=''/>", b"<a xmlns:xml='urn:a'/>"),
    *(b"<a xmlns:xmlns='urn:a'/>", b"<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", b"<a p:b=''/>"),
    *(b"<a xmlns='http://www.w3.org/XML/1998/namespace'/>", b"<a s:b='' s:b=''/>", b"<a b:c:d=''/>"),
    *(b"<s:Fault/>", b"<s:Fault>", b"</s:Fault>", b"<faultcode>a</faultcode>", b"<Fault/>", b"<x/>", b"text"),
    *(b"<a>" * 253 + b"</a>" * 253, b"<a>" * 255 + b"</a>" * 255, b"<" + b"n" * 4_090 + b"/>"),
    *(b"<" + b"n" * 4_097 + b"/>", b"<a " + b" ".join(b"a%d=''" % n for n in range(257)) + b"/>"),
    *(b"<a xmlns:p='" + b"u" * 4_097 + b"'/>", b"<!-- -->", b"<![CDATA[<p:a>]]>", b"&#60;", b"<?pi?>"),
]


# With `deep`, a Body is checked by expat and by counting, or element by element.
@searching
@given(st.sampled_from(_HEADS), st.lists(st.sampled_from(_NAMESPACED), max_size=6).map(b"".join))
@example(_HEADS[0], b"<a xmlns:p='urn:p' xmlns:q='urn:p' p:b='' q:b=''/>")
@example(_HEADS[0], b"<a:b:c/>")
@example(_HEADS[0], b"<a>" * 253 + b"</a>" * 253)
@example(_HEADS[0], b"<a>" * 254 + b"<b/>" + b"</a>" * 254)
@example(_HEADS[0], b"<s:Fault/><s:Fault/>")
@example(_HEADS[0], b"<a " + b" ".join(b"a%d=''" % number for number in range(257)) + b"/>")
def test_body_check_by_counting_equals_the_check_per_element(head: bytes, body: bytes) -> None:
    data = head + body + b"</s:Body></s:Envelope>"
    cache = HeadCache()
    xmla_headers.decode(head + b"</s:Body></s:Envelope>", cache=cache)
    known = outcome(xmla_headers.decode, data, deep=True, cache=cache)
    with mock.patch("xmla_headers._xml.reader.last_end_tag", return_value=None):
        assert outcome(xmla_headers.decode, data, deep=True, cache=None) == known


# The shared cache of heads, with any entries, changes no result.
@searching
@given(st.one_of(everyday(), mutated(everyday()), likely), readings)
@example(_BARE % b"<s:Header><Session/></s:Header><s:Body></s:Body>", {"types": TYPES[-1]})
@example(_BARE % b"<s:Header><undeclared:Session/></s:Header><s:Body></s:Body>", {"types": TYPES[-1]})
@example(_BARE % b"<s:Body xmlns:s='urn:other'></s:Body>", {})
@example(
    _BARE % b"<s:Header/><s:Body s:a='' xmlns:t='http://schemas.xmlsoap.org/soap/envelope/' t:a=''></s:Body>",
    {},
)
@example(_BARE % b"<s:Header><q:a xmlns:q='urn:q'/><!--<q:b/>--></s:Header><s:Body></s:Body>", {})
def test_decode_with_shared_heads_equals_decode_without(data: bytes, reading: Arguments) -> None:
    for function in (xmla_headers.decode, xmla_headers.decode_header):
        general = outcome(function, data, cache=None, **reading)
        assert outcome(function, data, **reading) == general
        assert outcome(function, data, **reading) == general


# With `deep`, the values of accepted messages are equal.
@properties
@given(likely, readings)
def test_decode_deep_returns_equal_values(data: bytes, reading: Arguments) -> None:
    deep = outcome(xmla_headers.decode, data, deep=True, **reading)
    if isinstance(deep[0], Header):
        assert outcome(xmla_headers.decode, data, **reading) == deep


# The type of the buffer changes no result.
@properties
@given(anything, readings, st.booleans())
def test_decode_of_any_buffer_is_equal(data: bytes, reading: Arguments, deep: bool) -> None:  # noqa: FBT001 - drawn
    buffers: list[object] = [
        bytearray(data),
        memoryview(data),
        memoryview(bytearray(data)),
        memoryview(b"<" + data + b">")[1:-1],
        memoryview(data).cast("c"),
    ]
    if data and not len(data) % 4:
        buffers += [memoryview(data).cast("I"), memoryview(data).cast("B", (len(data) // 4, 2, 2))]
    for function, more in (
        (xmla_headers.decode, {"deep": deep}),
        (xmla_headers.decode_header, {}),
        (lambda buffer, **arguments: list(xmla_headers.iter_findings(buffer, **arguments)), {"deep": deep}),
        (xmla_headers.validate, {"deep": deep}),
    ):
        expected = outcome(function, data, **reading, **more)
        for buffer in buffers:
            assert outcome(function, buffer, **reading, **more) == expected


# Values do not change when the caller reuses the buffer.
@properties
@given(messages(odd=False))
def test_decode_values_survive_a_reused_buffer(data: bytes) -> None:
    buffer = bytearray(data)
    expected = outcome(xmla_headers.decode, data)
    assume(isinstance(expected[0], Header))
    envelope = xmla_headers.decode(buffer)
    header = xmla_headers.decode_header(buffer)
    buffer[:] = b"\0" * len(buffer)
    assert said(envelope) == expected
    assert said(header) == expected[: len(said(header))]


# P5. If strict accepts a message, the default accepts it with equal values.
@properties
@given(likely, readings, st.booleans())
def test_decode_strict_implies_default(data: bytes, reading: dict[str, Any], deep: bool) -> None:  # noqa: FBT001 - drawn
    lenient = {name: value for name, value in reading.items() if name not in {"strict", "refuse"}}
    strict = outcome(xmla_headers.decode, data, deep=deep, **lenient, strict=True)
    if isinstance(strict[0], Header):
        assert strict[-1] == ()
        assert outcome(xmla_headers.decode, data, deep=deep, **lenient) == strict
        assert list(xmla_headers.iter_findings(data, deep=deep, **lenient)) == []


# P7. lxml and ElementTree accept all messages that decode accepts with `deep`. A reader of the namespaces in
# their trees, of direct children of Header only, finds the same header blocks.
@searching
@given(
    st.one_of(messages(odd=False), messages(), everyday(), mutated(everyday()), mutated(messages(odd=False)))
)
def test_trees_have_the_header_blocks_of_decode(data: bytes) -> None:
    try:
        envelope = xmla_headers.decode(data, deep=True)
    except XmlaHeadersError:
        return
    expected = [_tree_facts(block) for block in envelope.header]
    namespace = envelope.soap.namespace
    names = _namespace_names(data)
    if not any("}" in name for name in names):
        tree = SafeET.fromstring(data, forbid_dtd=True)
        assert _walked(tree, namespace) == expected
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        # libxml2 accepts only a URI as a namespace name.
        if all(_PLAIN_URI.fullmatch(name) for name in names):
            raise
        return
    assert _walked(root, namespace) == expected


# The exceptions to P7: messages that decode accepts with `deep` and a tree builder refuses.
@pytest.mark.parametrize(
    ("data", "by_elementtree", "by_lxml"),
    [
        pytest.param(
            _BARE % b"<s:Body><p:a xmlns:p='urn:a}b'/></s:Body>", False, False, id="brace in a namespace"
        ),
        pytest.param(
            _BARE % b"<s:Body><p:a xmlns:p='a b'/></s:Body>", True, False, id="namespace other than a URI"
        ),
        pytest.param(
            _BARE % "<s:Body><p:a xmlns:p='urn:é'/></s:Body>".encode(),
            True,
            False,
            id="namespace beyond ASCII",
        ),
        pytest.param(_BARE % b"<s:Body><a xml:id='1'/></s:Body>", True, False, id="xml:id other than a name"),
        pytest.param(
            _BARE % b"<s:Body><a xml:id='a'/><b xml:id='a'/></s:Body>",
            True,
            False,
            id="duplicate xml:id",
        ),
        pytest.param(
            b"<?xml version='1.0' encoding='latin-1'?>" + _BARE % b"<s:Body/>",
            True,
            False,
            id="label of Python's",
        ),
    ],
)
def test_trees_refuse_known_messages(data: bytes, by_elementtree: bool, by_lxml: bool) -> None:  # noqa: FBT001 - a table
    assert xmla_headers.decode(data, deep=True).body is not None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    for accepts, build, refusal in (
        (by_elementtree, lambda: SafeET.fromstring(data, forbid_dtd=True), ET.ParseError),
        (by_lxml, lambda: etree.fromstring(data, parser), etree.XMLSyntaxError),
    ):
        with nullcontext() if accepts else pytest.raises(refusal):
            build()


_PLAIN_URI = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9./_?=&-]*)?|urn:[A-Za-z0-9:./_-]+)?")


def _namespace_names(data: bytes) -> set[str]:
    """Return all namespace names of a message, as ElementTree reads them."""
    parser: Any = ET.XMLPullParser(["start-ns"])
    try:
        parser.feed(data)
        parser.close()
        return {pair[1] or "" for _, pair in parser.read_events()}
    except ET.ParseError:
        # expat refuses "}" in a namespace name when "}" is its separator; this is another known exception.
        return {"}"}


def _tree_facts(block: HeaderBlock | UnknownHeaderBlock) -> tuple[object, ...]:
    if isinstance(block, UnknownHeaderBlock):
        return block.qname, None, None, block.actor
    # ElementTree cannot distinguish two spellings of mustUnderstand, so the form is not compared.
    return block.qname, getattr(block, "session_id", None), block.must_understand, block.actor


def _walked(root: Any, namespace: str) -> list[tuple[object, ...]]:
    assert root.tag == f"{{{namespace}}}Envelope"
    headers = root.findall(f"{{{namespace}}}Header")
    assert len(headers) <= 1
    assert len(root.findall(f"{{{namespace}}}Body")) == 1
    return [
        _walked_block(element)
        for header in headers
        for element in header
        # In lxml, comments are children.
        if isinstance(element.tag, str)
    ]


def _walked_block(element: Any) -> tuple[object, ...]:
    soap = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
    actors = [
        value
        for name, value in element.attrib.items()
        if name in {f"{{{soap[0]}}}actor", f"{{{soap[1]}}}role"}
    ]
    actor = actors[0] if actors else None
    if element.tag not in SESSION_BLOCKS:
        return element.tag, None, None, actor
    marks = {
        value.strip()
        for name, value in element.attrib.items()
        if name in {"mustUnderstand", *(f"{{{name}}}mustUnderstand" for name in soap)}
    }
    must_understand = any(value == "true" or value.endswith("1") for value in marks)
    declares_id = "SessionId" in SESSION_BLOCKS[element.tag].spec.by_name
    return element.tag, element.get("SessionId") if declares_id else None, must_understand, actor


_SECRET = "q7Zp-3fK9x-Vw2Lm8Rt"
# Messages may show the first four characters of an id, to distinguish ids.
_TELLTALE = _SECRET[4:10]


# No finding, exception, traceback or repr contains a session id, from any place in the message.
@searching
@given(
    st.one_of(
        messages(st.just(_SECRET)), everyday(st.just(_SECRET)), messages(st.just(f"a<b>&\"c'{_SECRET}"))
    ),
    readings,
    st.one_of(st.none(), st.integers(0, 2000)),
)
def test_errors_and_reprs_show_no_session_id(data: bytes, reading: Arguments, cut: int | None) -> None:
    data = data[:cut]
    shown: list[str] = []
    cache = HeadCache()
    for function, more in (
        (xmla_headers.decode, {"deep": True}),
        (xmla_headers.decode, {"cache": cache}),
        (xmla_headers.decode_header, {"cache": cache}),
        (xmla_headers.validate, {}),
    ):
        try:
            value = function(data, **reading, **more)
        except XmlaHeadersError as error:
            # An exception hidden by `from None` must not contain the message either.
            chain = [error, error.__context__, error.__cause__]
            shown += [*map(repr, chain), *traceback.format_exception(error), repr(pickle.dumps(error))]
            continue
        shown.append(repr(value))
        if isinstance(value, Envelope):
            shown += [repr(value.body), *map(repr, value.header)]
    for finding in xmla_headers.iter_findings(data, **reading):
        shown += [str(finding), repr(finding), repr(finding.to_dict())]
    shown.append(repr(cache))
    assert not [text for text in shown if _TELLTALE in text]
