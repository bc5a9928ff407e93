"""A plugin for zeep that keeps a session.

Operations go through `call`, which has the lock, and knows when no answer came. zeep
accepts a DOCTYPE, which SOAP forbids, unless its settings say otherwise.

    plugin = SessionPlugin()
    settings = zeep.Settings(forbid_dtd=True)
    client = zeep.Client(wsdl, plugins=[plugin], settings=settings)
    command = {"Statement": "SELECT FROM [Sales]"}
    plugin.call(client.service.Execute, command, {})
    plugin.end(client.service.Execute)
"""

import threading
import warnings
from collections.abc import Callable
from typing import Any

import zeep.exceptions

import xmla_headers as xmla
from xmla_headers import elements

BEGIN = xmla.BeginSession()
"""For Analysis Services. Mondrian ignores it; mondrian_client.py has one for it."""


class SessionPlugin:
    def __init__(self, begin: xmla.BeginSession = BEGIN) -> None:
        self.conversation, self.lock = xmla.Conversation(begin), threading.Lock()
        self.block: xmla.BeginSession | xmla.Session | xmla.EndSession = begin
        self.findings: tuple[xmla.Finding, ...] = ()

    def egress(self, envelope: Any, http_headers: Any, *_: Any) -> tuple[Any, Any]:
        elements.set_blocks(envelope, self.block)
        self.conversation.request(elements.header_of(envelope))
        return envelope, http_headers

    def ingress(self, envelope: Any, http_headers: Any, *_: Any) -> tuple[Any, Any]:
        self.findings = self.conversation.response(
            elements.header_of(envelope), elements.fault_of(envelope)
        )
        return envelope, http_headers

    def call(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        with self.lock:
            try:
                return self._call(self.conversation.next_block(), operation, *arguments)
            except zeep.exceptions.Fault:
                if self.conversation.state is not xmla.State.LOST:
                    raise
            # It did not run the first time.
            return self._call(self.conversation.next_block(), operation, *arguments)

    def end(self, execute: Callable[..., Any]) -> Any:
        with self.lock:
            return self._call(
                self.conversation.end_block(), execute, {"Statement": ""}, {}
            )

    def _call(self, block: Any, operation: Callable[..., Any], *arguments: Any) -> Any:
        self.block = block
        try:
            result = operation(*arguments)
        finally:
            if self.conversation.requests_unanswered:
                self.conversation.unanswered()
        for finding in self.findings:  # no session granted, or another id
            warnings.warn(finding.message, stacklevel=3)
        return result
