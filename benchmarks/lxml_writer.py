"""What a careful user of lxml writes instead of encode: a tree, and its serialization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from typing import Any

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = "urn:schemas-microsoft-com:xml-analysis"
#: The stubs of lxml know no default namespace.
DEFAULT: dict[Any, str] = {None: XMLA}


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the body's one element."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
    session = etree.SubElement(header, f"{{{XMLA}}}Session", nsmap=DEFAULT)
    session.set("SessionId", session_id)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(etree.fromstring(body, parser))
    return etree.tostring(envelope, encoding="utf-8")


def parse(data: bytes) -> etree._Element:
    """Return the root of a message."""
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
