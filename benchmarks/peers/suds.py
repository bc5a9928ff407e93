"""suds: its parser and its elements, as its Client uses them."""

from __future__ import annotations

import suds.metrics  # noqa: F401 - the parser needs it
from suds.sax.element import Element
from suds.sax.parser import Parser

from . import SOAP, XMLA, Block, Message

ACCEPTS = frozenset(
    {
        "unbound prefix",
        "DOCTYPE",
        "DOCTYPE with an entity",
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
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)

_SOAP, _XMLA = ("soap", SOAP), (None, XMLA)


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    envelope = Parser().parse(string=data).getChild("Envelope", _SOAP)
    body = envelope.getChild("Body", _SOAP)
    if body is None:
        raise ValueError("there is no Body")
    header = envelope.getChild("Header", _SOAP)
    blocks = header.getChildren() if header is not None else []
    return Message(
        [
            Block(
                f"{{{block.namespace()[1]}}}{block.name}",
                block.get("SessionId"),
                block.get("mustUnderstand", _SOAP) == "1",
            )
            for block in blocks
        ],
        body,
    )


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    envelope = Element("Envelope", ns=_SOAP)
    session = Element("Session", ns=_XMLA)
    session.set("SessionId", session_id)
    envelope.append(Element("Header", ns=_SOAP).append(session))
    envelope.append(Element("Body", ns=_SOAP).append(Parser().parse(string=body).root()))
    text: str = envelope.plain()
    return text.encode()
