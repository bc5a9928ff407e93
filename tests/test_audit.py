"""Regression tests for the mistakes that an audit found."""

from __future__ import annotations

import pytest

from xmla_headers import (
    BeginSession,
    Code,
    EncodeError,
    Session,
    UnknownHeaderBlock,
    XmlaHeadersError,
    decode,
    decode_header,
    encode_block,
    iter_findings,
    schema,
    with_blocks,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def message(header: str, declarations: str = "") -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"{declarations}>{header}<s:Body/></s:Envelope>'.encode()


@pytest.mark.parametrize("many", [254, 255, 256, 300])
def test_common_head_with_256_declarations_exceeds_the_limit(many: int) -> None:
    declarations = "".join(f' xmlns:{chr(97 + n % 26)}{chr(97 + n // 26)}="u"' for n in range(many))
    data = message("", declarations).replace(b"<s:Body/>", b"<s:Body></s:Body>")
    assert len(data) < 4096
    refused = [finding.code for finding in iter_findings(data)]
    assert refused == ([] if many <= 255 else [Code.LIMIT_EXCEEDED])
    for call in (decode, decode_header):
        if refused:
            with pytest.raises(XmlaHeadersError):
                call(data)
        else:
            call(data)


@pytest.mark.parametrize(("end", "at"), [("></s:Envelope>", 1), (" ></s:Envelope>", 2), ("/>", None)])
def test_missing_body_of_empty_envelope_is_at_its_end_tag(end: str, at: int | None) -> None:
    start = f'<s:Envelope xmlns:s="{SOAP}"'
    (finding,) = iter_findings((start + end).encode())
    assert (finding.code, finding.offset) == (Code.MISSING_BODY, 0 if at is None else len(start) + at)


@pytest.mark.parametrize("xml", [b"<x/>", b"<p:x xmlns:p='u'><y/></p:x>", b"<x>\n<y/></x>"])
def test_encode_block_in_no_namespace_undeclares_the_default(xml: bytes) -> None:
    block = encode_block(UnknownHeaderBlock(xml))
    template = b'<Envelope xmlns="%b"><Header>%b</Header><Body/></Envelope>' % (SOAP.encode(), block)
    (element,) = decode_header(template)
    (plain,) = decode_header(
        b'<s:Envelope xmlns:s="%b"><s:Header>%b</s:Header><s:Body/></s:Envelope>' % (SOAP.encode(), xml)
    )
    assert element.qname == plain.qname
    assert b'xmlns=""' in block


def test_encode_block_with_prefixed_names_is_unchanged() -> None:
    xml = b"<p:x xmlns:p='u'><p:y/></p:x>"
    assert encode_block(UnknownHeaderBlock(xml)) == xml


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", "nothing was received"),
        (b"<!doctype html><html></html>", "HTML"),
        (b"<html><br></html>", "HTML"),
        (b"GET /xmla HTTP/1.1\r\n\r\n", "HTTP headers"),
        (b"HTTP/1.1 200 OK\r\n\r\n<a/>", "HTTP headers"),
        (b"Content-Type: text/xml\r\n\r\n<a/>", "HTTP headers"),
    ],
)
def test_hint_names_what_the_bytes_may_be(data: bytes, hint: str) -> None:
    finding = next(iter_findings(data))
    assert finding.hint is not None
    assert hint in finding.hint


def test_with_blocks_over_a_limit_has_no_position() -> None:
    blocks = [UnknownHeaderBlock(f"<x{n}/>".encode()) for n in range(70)]
    with pytest.raises(EncodeError) as error:
        with_blocks(message(""), *blocks)
    finding = error.value.finding
    assert (finding.code, finding.path, finding.line, finding.offset) == (
        Code.LIMIT_EXCEEDED,
        None,
        None,
        None,
    )


def test_with_blocks_without_types_replaces_an_alternative() -> None:
    data = with_blocks(message("", ""), BeginSession())
    assert decode_header(with_blocks(data, Session("q"), types={})).blocks == (Session("q"),)


def test_other_attributes_in_the_xmla_namespace_are_refused() -> None:
    with pytest.raises(EncodeError):
        BeginSession(other_attributes=(("{urn:schemas-microsoft-com:xml-analysis}q", "1"),))


@pytest.mark.parametrize("namespace", ['urn:a"""+str(1/0)+"""', "urn:a\\Nb", "urn:a-b"])
def test_generate_keeps_any_namespace_as_text(namespace: str) -> None:
    escaped = namespace.replace('"', "&quot;")
    source = schema.generate(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{escaped}">'
        '<xs:element name="Block"><xs:complexType><xs:attribute name="str"/><xs:attribute name="b"/>'
        "</xs:complexType></xs:element></xs:schema>"
    )
    made: dict[str, type] = {}
    exec(compile(source, "generated", "exec", dont_inherit=True), made)
    assert made["Block"](str_="a", b="b").qname == f"{{{namespace}}}Block"


@pytest.mark.parametrize(
    "name", ["HeaderBlock", "Direction", "SESSION_BLOCKS", "dataclass", "type", "str", "_x"]
)
def test_generate_block_with_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(schema.SchemaError):
        schema.generate(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">'
            f'<xs:element name="{name}"><xs:complexType/></xs:element></xs:schema>'
        )
