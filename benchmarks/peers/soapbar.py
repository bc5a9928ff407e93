"""soapbar: its SoapEnvelope, over lxml."""

from __future__ import annotations

from lxml import etree
from soapbar import SoapEnvelope, SoapVersion

from . import XMLA, Block, Message

ACCEPTS = frozenset(
    {
        "DOCTYPE",
        "DOCTYPE with an entity",
        "processing instruction",
        "processing instruction after it",
        "another root",
        "no Body",
        "text in Envelope",
        "text in Header",
        "two Sessions",
        "no SessionId",
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)


def read(data: bytes) -> Message:
    """Return the header blocks and the Body's elements."""
    envelope = SoapEnvelope.from_xml(data)
    if envelope.version is not SoapVersion.SOAP_11:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    return Message(
        [
            Block(each.element.tag, each.element.get("SessionId"), each.must_understand)
            for each in envelope.header_blocks
        ],
        envelope.body_elements,
    )


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    envelope = SoapEnvelope(SoapVersion.SOAP_11)
    envelope.add_header(etree.Element(f"{{{XMLA}}}Session", {"SessionId": session_id}))
    envelope.add_body_content(etree.fromstring(body))
    data: bytes = envelope.to_bytes()
    return data
