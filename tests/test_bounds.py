"""The checks of `deep` and of Fragment that read no element in Python agree with those that do."""

from __future__ import annotations

import string
from itertools import product
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import xmla_headers
from tests.outcomes import outcome
from tests.profiles import scaled
from xmla_headers import Fragment, HeadCache, Limits
from xmla_headers._xml.bounds import MOST_ATTRIBUTES, TAG_BYTES
from xmla_headers._xml.namespaces import Namespaces

searching = settings(deadline=None, max_examples=scaled(600))

_SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
_HEADS = [
    b'<s:Envelope xmlns:s="%b"><s:Body>' % _SOAP,
    b'<s:Envelope xmlns:s="%b" xmlns:p="urn:p" xmlns="urn:d"><s:Header/><s:Body a="">' % _SOAP,
    b'<s:Envelope xmlns:s="%b" xmlns:p="urn:%b"><s:Body>' % (_SOAP, b"u" * 1_300),
]
_TAIL = b"</s:Body></s:Envelope>"

_DEPTH = 254  # what the default max_depth leaves to the content of the Body
_NAMES = [*string.ascii_letters, *map("".join, product(string.ascii_letters, repeat=2))]


def nested(depth: int, inner: bytes = b"") -> bytes:
    return b"<a>" * depth + inner + b"</a>" * depth


def attributes(number: int, prefix: str = "") -> bytes:
    return "".join(f' {prefix}{name}=""' for name in _NAMES[:number]).encode()


def with_fakes(start: bytes, end: bytes) -> bytes:
    """Return elements that seem to nest less deep: end tags stand in a section, and start tags in another."""
    ends, starts = (start + tag * 100 + end for tag in (b"</a>", b"<a>"))
    return b"<a>" * 200 + ends + b"<a>" * 100 + b"</a>" * 250 + starts + b"</a>" * 50


around_depth = st.integers(_DEPTH - 3, _DEPTH + 3)
around_tag = st.integers(TAG_BYTES - 12, TAG_BYTES + 4)
around_namespace = st.integers(500, 520)
leaves = st.one_of(
    st.sampled_from(
        [
            *(
                b"",
                b"text",
                b"/>",
                b"/>" * 2,
                b">",
                b"]]&gt;",
                b"!",
                b"--",
                b"xmlns",
                b"&lt;/a&gt;",
                b"Fault",
            ),
            *(b"<b/>", b"<b />", b"<b></b>", b"<b c='/>'/>", b"<b c='/>'></b>", b"<b c='>' d=\">'/>\"></b>"),
            *(b"<!-- </a><b/> <a> /> -->", b"<!----><!--->-->", b"<![CDATA[</a></a>]]>", b"<![CDATA[]]>/>"),
            *(b"<![CDATA[<a><a>/>]]>", b"<!--<![CDATA[-->", b"<![CDATA[<!--]]>", b"<!-- <a> ", b"<![CDATA["),
            *(b"<p:b/>", b"<q:b/>", b"<b p:c=''/>", b"<b xmlns:q='urn:p' p:c='' q:c=''/>", b"<s:Fault/>"),
            *(b"<b", b"<b c='", b"<", b"</a>", b"<a>", b"\x00", b"\x01", b"\x02", b"\xff", b"<?b?>", b"<!A>"),
        ]
    ),
    st.sampled_from([5, 90, 254, 255, 300, 2_000]).map(lambda number: b"<b/>" * number),
    st.sampled_from([5, 90, 300]).map(lambda number: b"<b>1</b>" * number),
    st.sampled_from([500, 520, 1_270, 1_290, 5_000]).map(lambda size: b"x" * size),
    around_tag.map(lambda size: b"<b c='%b'/>" % (b"/>" * (size // 2 - 4))),
    around_tag.map(lambda size: b"<%b/>" % (b"n" * (size - 3))),
    around_namespace.map(lambda size: b"<b xmlns:p='%b'%b/>" % (b"u" * size, attributes(9, "p:"))),
    st.sampled_from([MOST_ATTRIBUTES - 1, MOST_ATTRIBUTES, 257]).map(
        lambda number: b"<b%b/>" % attributes(number)
    ),
)
contents = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(b"".join),
        st.builds(nested, around_depth, inner),
        st.builds(nested, st.integers(1, 90), inner),
    ),
    max_leaves=6,
)
_MOST = [Limits(), Limits(max_message_bytes=10**9)]
limits = st.one_of(
    st.sampled_from(_MOST),
    st.builds(
        Limits,
        max_depth=st.sampled_from([None, 0, 2, 3, 5, _DEPTH, 256, 300]),
        max_attributes=st.sampled_from([None, 3, MOST_ATTRIBUTES - 1, MOST_ATTRIBUTES, 256]),
        max_name_length=st.sampled_from([None, 50, TAG_BYTES - 1, TAG_BYTES, 4_096]),
    ),
)
_SLOW = mock.patch("xmla_headers._xml.reader.last_end_tag", return_value=None)


def findings(data: bytes, **reading: Any) -> object:
    return list(xmla_headers.iter_findings(data, **reading))


# The two checks give the same result for content around each bound, also for a known head.
@searching
@given(st.sampled_from(_HEADS), contents, limits)
@example(_HEADS[0], nested(_DEPTH, b"<b/>"), Limits())
@example(_HEADS[0], b"x" * 20_000 + nested(_DEPTH + 1), Limits())
@example(_HEADS[0], nested(_DEPTH) + b"<b/>" * 300, Limits())
@example(_HEADS[0], nested(_DEPTH, b"<b/>") + b"<b/>" * 300, Limits())
@example(_HEADS[0], b"<b/>" * 300 + nested(_DEPTH + 1), Limits())
@example(_HEADS[0], nested(_DEPTH + 1, b"/>" * 300), Limits())
@example(_HEADS[0], b"<a>/>" * 300 + b"</a>" * 300, Limits())
@example(_HEADS[0], b"<a b='/>'>" * 300 + b"</a>" * 300, Limits())
@example(_HEADS[0], b"<a><!--</a>-->" * 300 + b"</a>" * 300, Limits())
@example(_HEADS[0], with_fakes(b"<!--", b"-->"), Limits())
@example(_HEADS[0], with_fakes(b"<!-->", b"-->"), Limits())
@example(_HEADS[0], with_fakes(b"<![CDATA[", b"]]>"), Limits())
@example(_HEADS[0], b"<b" + attributes(257) + b"/>", Limits())
@example(_HEADS[0], b"<b" + attributes(216) + b"/>", Limits(max_attributes=215))
@example(_HEADS[0], b"<b" + attributes(MOST_ATTRIBUTES) + b"/>", Limits(max_attributes=MOST_ATTRIBUTES - 1))
@example(_HEADS[0], b"<" + b"n" * 4_097 + b"/>", Limits())
@example(_HEADS[0], b"<b/>" * 300 + b"<s:Fault/>", Limits())
@example(_HEADS[0], b"<a><b/></a>" * 200, Limits(max_depth=3))
def test_deep_by_bytes_equals_deep_by_element(head: bytes, body: bytes, most: Limits) -> None:
    data = head + body + _TAIL
    cache = HeadCache()
    outcome(xmla_headers.decode, head + _TAIL, cache=cache, limits=most)
    known = outcome(xmla_headers.decode, data, deep=True, cache=cache, limits=most)
    found = outcome(findings, data, limits=most)
    assert outcome(xmla_headers.decode, data, deep=True, cache=None, limits=most) == known
    with _SLOW:
        assert outcome(xmla_headers.decode, data, deep=True, cache=None, limits=most) == known
        assert outcome(findings, data, limits=most) == found


@searching
@given(contents, st.sampled_from([{}, {"p": "urn:p"}, {"p": "urn:\n"}, {"p": "u" * 1_300, "": "urn:d"}]))
@example(b"</_><_>", {})
@example(b"<p:b/>", {"p": "urn:p"})
@example(b"<p:b/>", {"q": "urn:p"})
@example(b"<b p:c='' q:c=''/>", {"p": "urn:p", "q": "urn:p"})
def test_fragment_by_bytes_equals_fragment_by_element(xml: bytes, scope: dict[str, str]) -> None:
    quick = outcome(Fragment, xml, scope)
    with mock.patch("xmla_headers._xml.fragments.completes", return_value=False):
        assert outcome(Fragment, xml, scope) == quick


_DECLARED = b"".join(
    b' xmlns:ddl%d="http://schemas.microsoft.com/analysisservices/%d/engine/%d"' % (each, each, each)
    for each in range(200, 216)
)
_LARGE = {
    "rows": b"<row><A>1</A><B>a/b</B><C/></row>" * 3_000,
    "short tags": b"<b></b>" * 3_000,
    "slashes in values": b"<a b='1/2'>1</a><a b=\"1/2\">1</a>" * 300,
    "attributes": b"<row a='1/2' b=\"a>b\"/>" * 3_000,
    "long text": b"<a>%b</a>" % (b"x" * 100_000),
    "long texts": b"<a>%b</a>" % (b"x" * 1_000) * 300,
    "long values": b"<a b='%b'/><a b=\"%b\"/>" % ((b"x" * 1_000, b">'" * 500)) * 150,
    "long comment": b"<a><!--%b--></a>" % (b"'" * 5_001) * 150,
    "declarations": b"<a%b/>" % _DECLARED + b"<b/>" * 300,
    "comments": b"<a><b/><!-- </a> --></a>" + b"<row><A>1</A></row>" * 300,
    "CDATA": b"<a><![CDATA[<a><a>]]></a>" + b"<row><A>1</A></row>" * 300,
    "nested": nested(_DEPTH, b"<!-- -->" + b"x" * 9_000) + b"<row><A>1</A></row>" * 300,
}


# There is no size from which a Body costs several times as much.
@pytest.mark.parametrize("kind", _LARGE)
def test_deep_of_a_large_body_reads_no_element_in_python(kind: str) -> None:
    assert len(_DECLARED) > 1_000
    enter = Namespaces.enter
    with mock.patch.object(Namespaces, "enter", autospec=True, side_effect=enter) as entered:
        assert list(xmla_headers.iter_findings(_HEADS[0] + _LARGE[kind] + _TAIL, cache=None)) == []
        assert entered.call_count == 2
        Fragment(_LARGE[kind])
        assert entered.call_count == 2


# To skip so many of them would cost more than to read the elements.
def test_deep_of_many_comments_reads_elements_in_python() -> None:
    body = b"<b/>" * 300 + b"<!---->" * 1_000
    enter = Namespaces.enter
    with mock.patch.object(Namespaces, "enter", autospec=True, side_effect=enter) as entered:
        assert list(xmla_headers.iter_findings(_HEADS[0] + body + _TAIL, cache=None)) == []
    assert entered.call_count == 302


# The parser would copy the namespace name into each of these names.
@pytest.mark.parametrize(
    ("head", "element"),
    [
        (_HEADS[0], b"<b xmlns:p='%b'%b/>" % (b"u" * 600, attributes(60, "p:"))),
        (_HEADS[0], b'<b xmlns:p = "%b"%b/>' % (b"u" * 600, attributes(60, "p:"))),
        (_HEADS[0], b"<b xmlns:p='urn:p'%b/>" % attributes(180, "p:")),
        (_HEADS[0], b"<b a='>' xmlns:p='urn:p'%b/>" % (attributes(180, "p:"))),
        (_HEADS[2], b"<b%b/>" % attributes(60, "p:")),
    ],
)
def test_elements_with_long_names_are_read_in_python(head: bytes, element: bytes) -> None:
    scope = dict(xmla_headers.decode(head + _TAIL).body.namespaces)
    enter = Namespaces.enter
    with mock.patch.object(Namespaces, "enter", autospec=True, side_effect=enter) as entered:
        assert list(xmla_headers.iter_findings(head + element + _TAIL)) == []
        assert entered.call_count == 3
        Fragment(element, scope)
        assert entered.call_count == 5
