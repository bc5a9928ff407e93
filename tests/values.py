"""Hypothesis strategies for values: header blocks, headers, fragments, envelopes."""

from __future__ import annotations

from hypothesis import strategies as st

from xmla_headers import (
    BeginSession,
    EndSession,
    Envelope,
    Fragment,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    SoapVersion,
    UnknownHeaderBlock,
    encode_block,
)

__all__ = ["blocks", "envelopes", "fragments", "header_blocks", "headers", "text", "unknown_blocks"]

SOAP_11 = SoapVersion.SOAP_1_1.namespace

#: Any text that XML 1.0 can carry, the awkward kinds more often than not.
text = st.one_of(
    st.sampled_from(
        ["", " ", "a<b>&\"c'", "\t\n\r\r\n", "]]>", "é漢🔑", "soap:x", "x" * 5_000, "\ufdd0\x85\u2028\ufeff"]
    ),
    st.text(
        st.characters(
            exclude_categories=["Cs"],
            exclude_characters=[chr(code) for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)],
        ),
        max_size=20,
    ),
)

_other = st.lists(
    st.tuples(
        st.sampled_from(
            ["{urn:w}Id", "{urn:w}b", "{urn:a&b}c", "{http://www.w3.org/XML/1998/namespace}lang", "{u}é"]
        ),
        text,
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
).map(tuple)

_common = {
    "must_understand": st.booleans(),
    "must_understand_form": st.none() | st.sampled_from(MustUnderstandForm),
    "actor": st.none() | text,
    "other_attributes": _other,
}

header_blocks: st.SearchStrategy[HeaderBlock] = st.one_of(
    st.builds(BeginSession, **_common),
    st.builds(Session, text, **_common),
    st.builds(EndSession, text, **_common),
)

_UNKNOWN = [
    b"<a/>",
    b"<a>soap:x</a>",
    b"<a xmlns=''/>",
    b'<v:Version xmlns:v="urn:v" Sequence="922"/>',
    b'<Version xmlns="http://schemas.microsoft.com/analysisservices/2003/engine/2" Sequence="400" />',
    b"<w:Security xmlns:w='urn:w' xmlns:soap='"
    + SOAP_11.encode()
    + b"' soap:mustUnderstand=' 1 '><w:t>x:y</w:t></w:Security>",
    b"<soap:b xmlns:soap='urn:other'><soap:c soap:d=''/></soap:b>",
    b"<soap1:b xmlns:soap1='urn:other'/>",
    b"<a><!-- soap: --><![CDATA[</soap:Header>]]>&#xe9;</a>",
    "<é ü='ö'>漢🔑</é>".encode(),
    b"<a b='>' c=\"/>\"\n></a\t>",
]
unknown_blocks = st.sampled_from(_UNKNOWN).map(UnknownHeaderBlock)

blocks = st.one_of(header_blocks, unknown_blocks)


def _kind(block: HeaderBlock | UnknownHeaderBlock) -> str:
    """Return what there may be one of in a Header; of unknown blocks any number."""
    return str(id(block)) if isinstance(block, UnknownHeaderBlock) else block.qname


headers = st.lists(
    blocks,
    max_size=5,
    unique_by=_kind,
).map(lambda drawn: Header(*drawn))

_FRAGMENTS: list[tuple[bytes, dict[str, str]]] = [
    (b"", {}),
    (b"hello", {}),
    (b"<a/><b/>", {}),
    (b"<a xmlns='urn:t'/>", {}),
    (b"<a/>", {"": "urn:default", "unused": "urn:u"}),
    (b"<p:a xsi:type='xsd:int'/>", {"p": "urn:p", "xsi": "urn:xsi", "xsd": "urn:xsd"}),
    (b"<soap:Fault/>", {"soap": SOAP_11}),
    (b"<soap:Fault/>", {"soap": SOAP_11, "": SOAP_11}),
    (b"<a>soap:Client</a>", {}),
    (b"<soap:a/>", {"soap": "urn:other"}),
    (b"<soap1:a/>", {"soap1": "urn:other", "soap": "urn:a&b"}),
    (b"<a><![CDATA[</soap:Body></soap:Envelope>]]><!--</soap:Body>--></a>", {}),
    (b"<!--</soap:Body></soap:Envelope>-->", {}),
    (b"<a v='&#10;&#13;&#9;'>&#13;</a>", {}),
    ("<é>漢🔑</é>".encode(), {"é": "urn:e"}),
    (b"<Header xmlns='" + SOAP_11.encode() + b"'/>", {}),
]
fragments = st.one_of(
    st.sampled_from(_FRAGMENTS).map(lambda pair: Fragment(*pair)),
    # What a block looks like can stand in a Body as well.
    header_blocks.map(lambda block: Fragment(encode_block(block))),
)

envelopes = st.builds(Envelope, headers, fragments, st.sampled_from(SoapVersion))
