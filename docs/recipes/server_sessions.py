"""The sessions of a server. The recipes for ASGI and WSGI use them.

`check` is for the header alone and changes nothing: a server calls it before the Body
has arrived. After the Body, `enter` makes the id of a new session or ends one, and
`grant` inserts the new id into the answer. Each step is one operation on a dict, so
threads need no lock; several processes need a store that they share. Sessions that
clients do not end are yours to expire.

.NET takes a fault without entries for one about the header: give a fault about the
Body a FaultEntry.
"""

import secrets
from dataclasses import dataclass, field

import xmla_headers as xmla

FAULT_SHAPE = xmla.FaultShape.SSAS
"""soapbar and gSOAP read no fault of this shape: for them, choose SOAP_1_1."""
FAULT_STATUS = "500 Internal Server Error"
"""SOAP 1.1 §6.2. xmla4js reads no body that comes with it: choose 200 OK for it."""
REFUSED = ("soap-1.2",)
"""Warnings that refuse a request: the answers are in SOAP 1.1."""


def fault_body(fault: xmla.Fault) -> bytes:
    return xmla.encode(xmla.Envelope(body=fault.to_body(FAULT_SHAPE)))


@dataclass
class Sessions:
    understood: frozenset[str] = frozenset()
    """The names of other header blocks that the server understands: {namespace}name."""
    users: dict[str, str] = field(default_factory=dict, repr=False)
    """Session id -> user; "" where users are not authenticated."""

    def check(self, header: xmla.Header, user: str = "") -> xmla.Fault | None:
        """Return the fault that refuses a request, if there is one."""
        try:
            block = header.session_header
        except xmla.ValidationError as error:
            return xmla.fault_for(error)
        if unknown := header.not_understood(self.understood):
            return xmla.fault_for(unknown)
        if isinstance(block, xmla.Session | xmla.EndSession):
            session_id = block.session_id
            if self.users.get(session_id) != user:  # unknown, or another user's
                return xmla.session_not_found(session_id)
        return None

    def enter(self, header: xmla.Header, user: str = "") -> str | xmla.Fault | None:
        """Return the session id of a request, None outside a session; or the fault."""
        if fault := self.check(header, user):
            return fault
        match header.session_header:
            case xmla.BeginSession():
                return secrets.token_hex(16)
            case xmla.EndSession(session_id):
                ended = self.users.pop(session_id, None) is not None
                # Another thread may have ended it since the check.
                return session_id if ended else xmla.session_not_found(session_id)
            case xmla.Session(session_id):
                return session_id
            case None:
                return None

    def grant(
        self, session_id: str, answer: bytes, user: str = "", charset: str | None = None
    ) -> bytes:
        """Return an answer to BeginSession with the new id, unless it is a fault."""
        if xmla.decode(answer, encoding=charset).fault:
            return answer
        self.users[session_id] = user
        # A Session in an answer is never marked mustUnderstand.
        return xmla.with_blocks(answer, xmla.Session(session_id), encoding=charset)
