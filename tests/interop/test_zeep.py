"""zeep as a client and a reader, without the plugin of the recipes; its mistakes are asserted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from tests.loopback import served
from tests.provider import IDS, Page, Provider
from xmla_headers import (
    XMLA_NS,
    Code,
    FaultShape,
    Session,
    UnknownHeaderBlock,
    XmlaHeadersError,
    elements,
    encode_block,
    session_not_found,
)

pytest.importorskip("zeep", reason="zeep is not installed")

import zeep
import zeep.loader
from zeep.exceptions import Fault, TransportError

from .zeep_client import zeep_client

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_XML = "text/xml; charset=utf-8"


class Seen(zeep.Plugin):  # type: ignore[misc]
    """Keeps the trees of the answers."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def ingress(self, envelope: Any, http_headers: Any, operation: Any) -> tuple[Any, Any]:
        del operation
        self.answers.append(envelope)
        return envelope, http_headers


def execute(service: Any, *headers: Any) -> Any:
    return service.Execute({"Statement": ""}, {}, _soapheaders=list(headers))


@pytest.mark.parametrize("session_id", IDS.values(), ids=IDS)
def test_zeep_and_this_library_read_each_others_ids(session_id: str) -> None:
    provider = Provider(ids=iter([session_id]), every_reply=True)
    seen = Seen()
    with served(provider) as url, zeep_client(url, seen) as service:
        execute(service, etree.Element(f"{{{XMLA_NS}}}BeginSession"))
        for name in ("Session", "EndSession"):
            execute(service, etree.Element(f"{{{XMLA_NS}}}{name}", {"SessionId": session_id}))
    assert provider.asked == ["BeginSession", "Session", "EndSession"]
    for answer in seen.answers:
        (block,) = answer[0]
        assert (block.tag, block.get("SessionId")) == (f"{{{XMLA_NS}}}Session", session_id)
    assert (provider.sessions, provider.complaints) == ({}, [])


@pytest.mark.parametrize("shape", [FaultShape.SSAS, FaultShape.SOAP_1_1])
def test_zeep_reads_a_session_not_found_fault(shape: FaultShape) -> None:
    provider = Provider(shape=shape)
    with served(provider) as url, zeep_client(url) as service, pytest.raises(Fault) as caught:
        execute(service, etree.Element(f"{{{XMLA_NS}}}Session", {"SessionId": "a<b>"}))
    fault = session_not_found("a<b>")
    assert (caught.value.code, caught.value.message) == (fault.code, fault.string)


# Mistakes of the peer.


@pytest.fixture(name="answered")
def _answered() -> Iterator[Any]:
    """Yield a function that makes zeep read an answer; it returns the result and the tree for a plugin."""
    provider, seen = Provider(), Seen()
    with served(provider) as url, zeep_client(url, seen) as service:

        def answered(data: bytes) -> tuple[Any, Any]:
            provider.instead = [Page("200 OK", data, TEXT_XML)]
            try:
                result = execute(service)
            except (Fault, TransportError) as error:
                result = error
            return result, seen.answers[-1] if seen.answers else None

        yield answered


def response(header: bytes = b"", body: bytes = b"") -> bytes:
    body = body or b'<ExecuteResponse xmlns="%b"><return/></ExecuteResponse>' % XMLA_NS.encode()
    return (
        b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'
        b"<Header>%b</Header><Body>%b</Body></Envelope>" % (header, body)
    )


def test_zeep_misses_fault_parts_under_a_default_namespace(answered: Any) -> None:
    # A mistake: the parts are in no namespace, as SOAP 1.1 §4.4 says, and zeep finds none of them.
    data = response(
        body=b'<Fault><faultcode xmlns="">Client</faultcode><faultstring xmlns="">no</faultstring></Fault>'
    )
    result, tree = answered(data)
    assert (result.code, result.message) == (None, None)
    fault = elements.fault_of(tree)
    assert fault is not None
    assert (fault.code, fault.string) == ("Client", "no")


def test_zeep_ignores_must_understand_of_unknown_blocks(answered: Any) -> None:
    # A mistake: SOAP 1.1 §4.2.3.
    must = UnknownHeaderBlock(
        b'<t xmlns="urn:t" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
    )
    result, tree = answered(response(must.xml))
    assert not isinstance(result, Exception)
    assert elements.header_of(tree).not_understood() == (must,)


def test_zeep_ignores_a_duplicate_that_decode_refuses(answered: Any) -> None:
    # A mistake: the element may occur once.
    block = b'<Session xmlns="%b" SessionId="x"/>' % XMLA_NS.encode()
    result, tree = answered(response(block * 2))
    assert not isinstance(result, Exception)
    with pytest.raises(XmlaHeadersError) as caught:
        elements.header_of(tree)
    assert caught.value.code is Code.DUPLICATE_HEADER_BLOCK


def test_zeep_accepts_a_doctype_by_default() -> None:
    # A mistake: SOAP 1.1 §3 forbids a DOCTYPE, and the tree does not show it.
    data = b"<!DOCTYPE Envelope>" + response(encode_block(Session("9F2C")))
    tree = zeep.loader.parse_xml(data, None, settings=zeep.Settings())
    assert elements.header_of(tree).session == Session("9F2C")
    with pytest.raises(zeep.exceptions.DTDForbidden):
        zeep.loader.parse_xml(data, None, settings=zeep.Settings(forbid_dtd=True))
