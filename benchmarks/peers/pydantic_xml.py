"""pydantic-xml: models of the session headers and of the two requests."""

from __future__ import annotations

from pydantic import ConfigDict
from pydantic_xml import BaseXmlModel, attr, element

from . import SOAP, XMLA, Block, Message

ACCEPTS = frozenset(
    {
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
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)
IGNORES_UNKNOWN_BLOCKS = True

_NAMESPACES = {"soap": SOAP, "x": XMLA}


class _Model(BaseXmlModel, nsmap=_NAMESPACES, ns="x", search_mode="unordered"):
    model_config = ConfigDict(extra="ignore")


class BeginSession(_Model, tag="BeginSession", ns="x"):
    must_understand: str | None = attr(name="mustUnderstand", ns="soap", default=None)


class Session(_Model, tag="Session", ns="x"):
    session_id: str = attr(name="SessionId")
    must_understand: str | None = attr(name="mustUnderstand", ns="soap", default=None)


class EndSession(_Model, tag="EndSession", ns="x"):
    session_id: str = attr(name="SessionId")
    must_understand: str | None = attr(name="mustUnderstand", ns="soap", default=None)


class Header(_Model, tag="Header", ns="soap"):
    begin_session: BeginSession | None = None
    session: Session | None = None
    end_session: EndSession | None = None


class Command(_Model, tag="Command", ns="x"):
    statement: str | None = element(tag="Statement", ns="x", default=None)


class Execute(_Model, tag="Execute", ns="x"):
    command: Command


class Body(_Model, tag="Body", ns="soap"):
    execute: Execute | None = None


class Envelope(_Model, tag="Envelope", ns="soap"):
    header: Header | None = None
    body: Body


def read(data: bytes) -> Message:
    """Return the session headers and the Body as a model."""
    envelope = Envelope.from_xml(data)
    header = envelope.header
    found = () if header is None else (header.begin_session, header.session, header.end_session)
    blocks = [
        Block(
            f"{{{XMLA}}}{type(each).__name__}",
            getattr(each, "session_id", None),
            each.must_understand == "1",
        )
        for each in found
        if each is not None
    ]
    return Message(blocks, envelope.body)


write = "pydantic_xml: keeps no element that has no model"
