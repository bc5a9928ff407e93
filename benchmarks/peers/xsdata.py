"""xsdata: dataclasses as its generator writes them, and one parser for all messages.

It uses XmlEventHandler, because the default handler, of lxml, accepts input that is not well-formed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.models.generics import AnyElement
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.parsers.handlers import XmlEventHandler
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig

from . import SOAP, XMLA, Block, Message

# It does not check the order of elements, nor the root when it is given the class.
ACCEPTS = frozenset(
    {
        "DOCTYPE",
        "DOCTYPE with an entity",
        "processing instruction",
        "processing instruction after it",
        "another root",
        "Header after the Body",
        "text in Envelope",
        "text of Session",
        "mustUnderstand of true",
        "two that contradict",
    }
)


def _attribute(name: str, namespace: str = "") -> dict[str, str]:
    return {"name": name, "type": "Attribute", "namespace": namespace}


def _element(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "type": "Element", "namespace": namespace}


_ANYTHING = {"type": "Wildcard", "namespace": "##any"}


@dataclass(kw_only=True)
class BeginSession:
    class Meta:
        namespace = XMLA

    must_understand: bool | None = field(default=None, metadata=_attribute("mustUnderstand", SOAP))


@dataclass(kw_only=True)
class Session:
    class Meta:
        namespace = XMLA

    session_id: str = field(metadata=_attribute("SessionId"))
    must_understand: bool | None = field(default=None, metadata=_attribute("mustUnderstand", SOAP))


@dataclass(kw_only=True)
class EndSession:
    class Meta:
        namespace = XMLA

    session_id: str = field(metadata=_attribute("SessionId"))
    must_understand: bool | None = field(default=None, metadata=_attribute("mustUnderstand", SOAP))


@dataclass(kw_only=True)
class Header:
    class Meta:
        namespace = SOAP

    begin_session: BeginSession | None = field(default=None, metadata=_element("BeginSession", XMLA))
    session: Session | None = field(default=None, metadata=_element("Session", XMLA))
    end_session: EndSession | None = field(default=None, metadata=_element("EndSession", XMLA))
    others: list[object] = field(default_factory=list, metadata=_ANYTHING)


@dataclass(kw_only=True)
class Anything:
    others: list[object] = field(default_factory=list, metadata=_ANYTHING)


@dataclass(kw_only=True)
class Command:
    statement: str = field(metadata=_element("Statement", XMLA))


@dataclass(kw_only=True)
class Execute:
    class Meta:
        namespace = XMLA

    command: Command = field(metadata=_element("Command", XMLA))
    properties: Anything = field(metadata=_element("Properties", XMLA))


@dataclass(kw_only=True)
class Discover:
    class Meta:
        namespace = XMLA

    request_type: str = field(metadata=_element("RequestType", XMLA))
    restrictions: Anything = field(metadata=_element("Restrictions", XMLA))
    properties: Anything = field(metadata=_element("Properties", XMLA))


@dataclass(kw_only=True)
class Body:
    class Meta:
        namespace = SOAP

    discover: Discover | None = field(default=None, metadata=_element("Discover", XMLA))
    execute: Execute | None = field(default=None, metadata=_element("Execute", XMLA))
    others: list[object] = field(default_factory=list, metadata=_ANYTHING)


@dataclass(kw_only=True)
class Envelope:
    class Meta:
        namespace = SOAP

    header: Header | None = field(default=None, metadata=_element("Header", SOAP))
    body: Body = field(metadata=_element("Body", SOAP))


CONTEXT = XmlContext()
CONFIG = ParserConfig(fail_on_converter_warnings=True)
PARSER = XmlParser(config=CONFIG, context=CONTEXT, handler=XmlEventHandler)
SERIALIZER = XmlSerializer(config=SerializerConfig(xml_declaration=False), context=CONTEXT)


def read(data: bytes) -> Message:
    """Return the header blocks, ordered by class, and the Body."""
    envelope = PARSER.from_bytes(data, Envelope)
    blocks: list[Block] = []
    if envelope.header is not None:
        for block in (envelope.header.begin_session, envelope.header.session, envelope.header.end_session):
            if block is not None:
                name = f"{{{XMLA}}}{type(block).__name__}"
                session_id = getattr(block, "session_id", None)
                blocks.append(Block(name, session_id, bool(block.must_understand)))
        for other in envelope.header.others:
            assert isinstance(other, AnyElement)
            mark = other.attributes.get(f"{{{SOAP}}}mustUnderstand")
            blocks.append(Block(other.qname or "", None, mark == "1"))
    return Message(blocks, envelope.body)


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    header = Header(session=Session(session_id=session_id))
    envelope = Envelope(header=header, body=Body(execute=PARSER.from_bytes(body, Execute)))
    text: str = SERIALIZER.render(envelope, ns_map={"soap": SOAP, None: XMLA})
    return text.encode()
