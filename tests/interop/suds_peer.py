"""suds as a client and a reader, with the interface of a peer in a process of its own."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xmla_headers import XMLA_NS

from .peer_processes import Absent, Called, Found
from .wsdl import with_headers

__all__ = ["Suds"]

_BLOCKS = ("BeginSession", "Session", "EndSession")


class Suds:
    """A client made from the WSDL, and a plugin that sees the tree of each answer."""

    @cached_property
    def _client(self) -> Any:
        try:
            from suds.client import Client
            from suds.plugin import MessagePlugin
        except ImportError:
            raise Absent("suds is not installed (PyPI: suds)") from None

        # It writes to standard error about faults.
        logging.getLogger("suds").setLevel(logging.CRITICAL)
        peer = self

        class Seen(MessagePlugin):  # type: ignore[misc]
            def parsed(self, context: Any) -> None:
                peer.found = _sessions(context.reply)

        with TemporaryDirectory() as folder:
            path = with_headers(Path(folder) / "xmla-with-headers.wsdl")
            return Client(path.as_uri(), cache=None, plugins=[Seen()])

    def read(self, data: bytes) -> Found:
        self.found: Found | None = None
        try:
            self._client.service.Execute({}, {}, __inject={"reply": data})
        except Exception:  # the Body is not asked about
            if self.found is None:
                raise
        assert self.found is not None
        return self.found

    def call(self, url: str, name: str, session_id: str | None, *, must_understand: bool) -> Called:
        from suds import WebFault
        from suds.sax.element import Element

        client = self._client
        headers = []
        if name:
            block = Element(name, ns=("x", XMLA_NS))
            if session_id is not None:
                block.set("SessionId", session_id)
            if must_understand:
                block.set("SOAP-ENV:mustUnderstand", "1")
            headers.append(block)
        client.set_options(location=url, soapheaders=headers)
        self.found = None
        try:
            client.service.Execute({"Statement": ""}, {})
        except WebFault as error:
            fault = error.fault
            entry = getattr(getattr(fault, "detail", None), "Error", None)
            return Called(fault=(fault.faultcode, fault.faultstring, str(getattr(entry, "_ErrorCode", ""))))
        assert self.found is not None
        return Called(granted=next((found[1] for found in self.found if found[0] == "Session"), None))


def _sessions(document: Any) -> Found:
    header = document.getChild("Envelope").getChild("Header")
    blocks = header.getChildren() if header is not None else []
    return [
        (block.name, block.get("SessionId"))
        for block in blocks
        if block.name in _BLOCKS and block.namespace()[1] == XMLA_NS
    ]
