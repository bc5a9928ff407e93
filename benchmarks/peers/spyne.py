"""spyne: the code that a server runs on a request, without a transport."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

with warnings.catch_warnings():
    # spyne imports deprecated modules, through a deprecated importer.
    warnings.simplefilter("ignore")
    from spyne import Application, ComplexModel, MethodContext, ServiceBase, Unicode, XmlAttribute, rpc
    from spyne.model import AnyXml
    from spyne.protocol.soap import Soap11
    from spyne.server import ServerBase

from . import XMLA, Block, Message

if TYPE_CHECKING:
    from typing import Any

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
        "no SessionId",
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)
IGNORES_UNKNOWN_BLOCKS = True
IGNORES_MUST_UNDERSTAND = True
NO_ANSWERS = "spyne: a server reads only requests"

# It writes to standard error when it cannot read a message.
logging.getLogger("spyne").setLevel(logging.CRITICAL)


class BeginSession(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA


class Session(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA
    SessionId = XmlAttribute(Unicode, use="required")


class EndSession(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA
    SessionId = XmlAttribute(Unicode, use="required")


class Command(ComplexModel):  # type: ignore[misc]
    __namespace__ = XMLA
    Statement = Unicode


class Service(ServiceBase):  # type: ignore[misc]
    __in_header__ = (BeginSession, Session, EndSession)

    @rpc(Unicode, AnyXml, AnyXml)  # type: ignore[untyped-decorator]
    def Discover(ctx: Any, RequestType: Any, Restrictions: Any, Properties: Any) -> None:  # noqa: N802, N803, N805
        """Do nothing."""

    @rpc(Command, AnyXml)  # type: ignore[untyped-decorator]
    def Execute(ctx: Any, Command: Any, Properties: Any) -> None:  # noqa: N802, N803, N805
        """Do nothing."""


# Its validators check only the Body: with any of them it accepts the same headers.
APPLICATION = Application([Service], XMLA, in_protocol=Soap11(huge_tree=True), out_protocol=Soap11())
SERVER = ServerBase(APPLICATION)


def read(data: bytes) -> Message:
    """Return the session headers and the arguments of the call."""
    first = MethodContext(SERVER, MethodContext.SERVER)
    first.in_string = [data]
    (context,) = SERVER.generate_contexts(first)
    if context.in_error is None:
        SERVER.get_in_object(context)
    if context.in_error is not None:
        raise context.in_error
    blocks = [
        Block(f"{{{XMLA}}}{block.get_type_name()}", getattr(block, "SessionId", None))
        for block in context.in_header or ()
        if block is not None
    ]
    return Message(blocks, context.in_object)


write = "spyne: a server writes only answers"
