"""zeep: the code that a Client runs on an answer; for requests, with the message of the input."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import zeep
from lxml import etree
from zeep.loader import parse_xml

from . import SOAP, XMLA, Block, Message

if TYPE_CHECKING:
    from zeep.wsdl.messages.soap import DocumentMessage

ACCEPTS = frozenset(
    {
        "processing instruction",
        "processing instruction after it",
        "Header after the Body",
        "two Headers",
        "two Bodies",
        "element after the Body",
        "text in Envelope",
        "text in Header",
        "two Sessions",
        "no SessionId",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)
# It returns declared blocks and ignores others.
IGNORES_UNKNOWN_BLOCKS = True

_HEADERS = "".join(
    f'<soap:header message="x:Header" part="{name}" use="literal"/>'
    for name in ("BeginSession", "Session", "EndSession")
)
# Discover, Execute and the session headers, as a service would describe them.
WSDL = f"""
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:x="{XMLA}" targetNamespace="{XMLA}">
  <wsdl:types>
    <xs:schema targetNamespace="{XMLA}" elementFormDefault="qualified">
      <xs:complexType name="Anything"><xs:sequence>
        <xs:any minOccurs="0" maxOccurs="unbounded" namespace="##any" processContents="skip"/>
      </xs:sequence></xs:complexType>
      <xs:complexType name="Block">
        <xs:anyAttribute namespace="##other" processContents="lax"/>
      </xs:complexType>
      <xs:complexType name="BlockOfSession">
        <xs:attribute name="SessionId" type="xs:string" use="required"/>
        <xs:anyAttribute namespace="##other" processContents="lax"/>
      </xs:complexType>
      <xs:element name="BeginSession" type="x:Block"/>
      <xs:element name="Session" type="x:BlockOfSession"/>
      <xs:element name="EndSession" type="x:BlockOfSession"/>
      <xs:element name="Discover"><xs:complexType><xs:sequence>
        <xs:element name="RequestType" type="xs:string"/>
        <xs:element name="Restrictions" type="x:Anything"/>
        <xs:element name="Properties" type="x:Anything"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="Execute"><xs:complexType><xs:sequence>
        <xs:element name="Command"><xs:complexType><xs:sequence>
          <xs:element name="Statement" type="xs:string"/>
        </xs:sequence></xs:complexType></xs:element>
        <xs:element name="Properties" type="x:Anything"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="DiscoverResponse"><xs:complexType><xs:sequence>
        <xs:element name="return" type="x:Anything"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="ExecuteResponse"><xs:complexType><xs:sequence>
        <xs:element name="return" type="x:Anything"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:schema>
  </wsdl:types>
  <wsdl:message name="Header">
    <wsdl:part name="BeginSession" element="x:BeginSession"/>
    <wsdl:part name="Session" element="x:Session"/>
    <wsdl:part name="EndSession" element="x:EndSession"/>
  </wsdl:message>
  <wsdl:message name="DiscoverIn"><wsdl:part name="parameters" element="x:Discover"/></wsdl:message>
  <wsdl:message name="DiscoverOut"><wsdl:part name="parameters" element="x:DiscoverResponse"/></wsdl:message>
  <wsdl:message name="ExecuteIn"><wsdl:part name="parameters" element="x:Execute"/></wsdl:message>
  <wsdl:message name="ExecuteOut"><wsdl:part name="parameters" element="x:ExecuteResponse"/></wsdl:message>
  <wsdl:portType name="Port">
    <wsdl:operation name="Discover">
      <wsdl:input message="x:DiscoverIn"/><wsdl:output message="x:DiscoverOut"/>
    </wsdl:operation>
    <wsdl:operation name="Execute">
      <wsdl:input message="x:ExecuteIn"/><wsdl:output message="x:ExecuteOut"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="Binding" type="x:Port">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="Discover">
      <soap:operation soapAction="{XMLA}:Discover"/>
      <wsdl:input>{_HEADERS}<soap:body use="literal"/></wsdl:input>
      <wsdl:output>{_HEADERS}<soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
    <wsdl:operation name="Execute">
      <soap:operation soapAction="{XMLA}:Execute"/>
      <wsdl:input>{_HEADERS}<soap:body use="literal"/></wsdl:input>
      <wsdl:output>{_HEADERS}<soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Xmla"><wsdl:port name="Port" binding="x:Binding">
    <soap:address location="http://127.0.0.1/"/>
  </wsdl:port></wsdl:service>
</wsdl:definitions>
"""

SETTINGS = zeep.Settings(forbid_dtd=True, xml_huge_tree=True)
CLIENT: Any = zeep.Client(BytesIO(WSDL.encode()), settings=SETTINGS)
BINDING: Any = CLIENT.service._binding  # noqa: SLF001 - as its own create_message does
# The element in the Body -> the message that reads it.
MESSAGES: dict[str, DocumentMessage] = {
    f"{{{XMLA}}}{name}{suffix}": message
    for name in ("Discover", "Execute")
    for suffix, message in (("", BINDING.get(name).input), ("Response", BINDING.get(name).output))
}


def read(data: bytes) -> Message:
    """Return the session headers and the Body's element as an object."""
    envelope = parse_xml(data, None, settings=SETTINGS)
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    body = envelope.find(f"{{{SOAP}}}Body")
    if body is None or not len(body):
        raise ValueError("the Body is empty")
    result = MESSAGES[body[0].tag].deserialize(envelope)
    blocks: list[Block] = []
    # It is None where the Envelope has no Header.
    for name in ("BeginSession", "Session", "EndSession") if result.header is not None else ():
        block = result.header[name]
        if block is not None:
            mark = (block._attr_1 or {}).get(f"{{{SOAP}}}mustUnderstand")  # noqa: SLF001 - its name for the rest
            blocks.append(Block(f"{{{XMLA}}}{name}", getattr(block, "SessionId", None), mark == "1"))
    return Message(blocks, result.body)


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    execute = etree.fromstring(body)
    statement = execute.findtext(f"{{{XMLA}}}Command/{{{XMLA}}}Statement")
    header = {"Session": {"SessionId": session_id}}
    envelope = CLIENT.create_message(
        CLIENT.service, "Execute", {"Statement": statement}, {}, _soapheaders=header
    )
    return etree.tostring(envelope, encoding="utf-8")
