"""How real peers read a Session: their own code, without a transport and, except for PHP, with any Body."""

from __future__ import annotations

import logging
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lxml import etree

from xmla_headers import XMLA_NS

from .peer_processes import PROCESSES, Absent, process
from .suds_peer import Suds
from .wsdl import with_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.readers import Reader

__all__ = ["PEERS", "peer_reader"]


def _spyne(data: bytes) -> list[tuple[str, str | None]]:
    protocol, descriptor, context = _spyne_service()
    message = SimpleNamespace(**vars(context), in_string=[data], descriptor=descriptor)
    protocol.create_in_document(message)
    protocol.decompose_incoming_envelope(message)
    message.in_body_doc = etree.Element(f"{{{XMLA_NS}}}Execute")
    protocol.deserialize(message, protocol.REQUEST)
    return [("Session", header.SessionId) for header in [message.in_header] if header is not None]


@cache
def _spyne_service() -> tuple[Any, Any, Any]:
    with warnings.catch_warnings():
        # spyne imports deprecated modules, through a deprecated importer.
        warnings.simplefilter("ignore")
        from spyne import Application, ComplexModel, ServiceBase, Unicode, XmlAttribute, rpc
        from spyne.protocol.soap import Soap11

        class SessionHeader(ComplexModel):  # type: ignore[misc]
            __namespace__ = XMLA_NS
            __type_name__ = "Session"
            SessionId = XmlAttribute(Unicode)

        class Service(ServiceBase):  # type: ignore[misc]
            __in_header__ = SessionHeader

            @rpc()  # type: ignore[untyped-decorator]
            def Execute(ctx: Any) -> None:  # noqa: N802, N805
                """Do nothing."""

        # It writes to standard error when it cannot read a message.
        logging.getLogger("spyne").setLevel(logging.CRITICAL)
        protocol = Soap11()
        application = Application([Service], XMLA_NS, in_protocol=protocol, out_protocol=Soap11())
    (descriptor,) = application.interface.service_method_map[f"{{{XMLA_NS}}}Execute"]
    context = SimpleNamespace(transport=None, in_header_doc=None, in_header=None, in_error=None)
    return protocol, descriptor, context


def _zeep(data: bytes) -> list[tuple[str, str | None]]:
    from zeep import loader

    message, settings = _zeep_message()
    envelope = loader.parse_xml(data, None, settings=settings)
    header = envelope.find(f"{{{etree.QName(envelope).namespace}}}Header")
    found = message._deserialize_headers(header).get("header")
    sessions = [] if found is None or found.Session is None else [found.Session]
    return [("Session", session.SessionId) for session in sessions]


@cache
def _zeep_message() -> tuple[Any, Any]:
    import zeep

    with TemporaryDirectory() as folder:
        client = zeep.Client(str(with_headers(Path(folder) / "xmla-with-headers.wsdl")))
    (binding,) = client.wsdl.bindings.values()
    return binding.get("Execute").output, client.settings


_PACKAGES: Mapping[str, Reader] = {"spyne": _spyne, "zeep": _zeep}

PEERS = (*_PACKAGES, *PROCESSES, "suds")


def peer_reader(name: str) -> Reader:
    """Return the reader of a peer; raise Absent if it is not installed."""
    if name in PROCESSES:
        return process(name).read
    if find_spec(name) is None:
        raise Absent(f"{name} is not installed")
    return Suds().read if name == "suds" else _PACKAGES[name]
