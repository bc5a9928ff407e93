"""An XMLA provider made from this library's functions, which tests clients."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from email import message_from_string
from itertools import count
from typing import TYPE_CHECKING

from xmla_headers import (
    XMLA_NS,
    Conversation,
    EndSession,
    Envelope,
    Fault,
    FaultShape,
    Fragment,
    Header,
    MustUnderstandForm,
    Session,
    XmlaHeadersError,
    decode,
    encode,
    fault_for,
    session_not_found,
)
from xmla_headers.http import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from xmla_headers import BeginSession

__all__ = ["DISCOVER", "EXECUTE", "IDS", "Page", "Provider", "action_of"]

DISCOVER = Fragment(
    f'<Discover xmlns="{XMLA_NS}"><RequestType>DBSCHEMA_CATALOGS</RequestType>'
    "<Restrictions/><Properties/></Discover>".encode()
)
EXECUTE = Fragment(
    f'<Execute xmlns="{XMLA_NS}"><Command><Statement/></Command><Properties/></Execute>'.encode()
)

#: Method -> its children, which servers require.
PARTS = {"Discover": ["RequestType", "Restrictions", "Properties"], "Execute": ["Command", "Properties"]}

#: Session ids that some implementations get wrong.
IDS = {
    "a GUID": "6B4FBEEC-E855-4A2F-B8A4-7BD2AA5C5E5B",
    "markup": "a<b>&\"c'",
    "tab": "a\tb",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "CR LF": "a\r\nb",
    "spaces around it": "  a  b  ",
    "an entity, as text": "&lt;&#9;&amp;",
    "accents": "é\u0301ß漢",
    "emoji": "😀🔑",
    "10,000 characters": "x<é😀\t" * 2_000,
}


@dataclass
class Page:
    """An answer other than an XMLA response, such as an error page."""

    status: str
    content: bytes = b"<html><body><p>out of order<br></body></html>"
    content_type: str = "text/html; charset=utf-8"


def action_of(method: str) -> str:
    return f'"{XMLA_NS}:{method}"'


@dataclass
class Provider:
    """Begins, follows and ends sessions; records the mistakes of clients."""

    #: The ids that it grants.
    ids: Iterator[str] = field(default_factory=lambda: (f"session-{number}" for number in count(1)))
    #: Whether every answer in a session has a Session header, as Mondrian does, or only the first.
    every_reply: bool = False
    #: As Mondrian: ignores blocks without an unprefixed mustUnderstand, and sends faults with status 200.
    mondrian: bool = False
    shape: FaultShape = FaultShape.SSAS
    #: The value of Content-Type.
    content_type: str = "text/xml; charset=utf-8"
    #: The function that writes an answer.
    write: Callable[[Envelope], bytes] = encode
    #: The next answers, in this order, in place of the right ones.
    instead: list[Page] = field(default_factory=list)
    #: Called for each request, before the answer.
    on_request: Callable[[], object] = bool
    #: The Header of each request.
    seen: list[Header] = field(default_factory=list)
    #: The bytes of each request.
    received: list[bytes] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    sessions: dict[str, Conversation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        mime = message_from_string(f"Content-Type: {environ['CONTENT_TYPE']}")
        if mime.get_content_type() != "text/xml":
            self.complaints.append(f"Content-Type {environ['CONTENT_TYPE']}")
        with self._lock:
            self.received.append(data)
            try:
                envelope = decode(data, encoding=mime.get_content_charset(), deep=True)
                answer = self._answer(envelope, environ.get("HTTP_SOAPACTION", ""))
            except XmlaHeadersError as error:
                self.complaints.append(str(error))
                answer = self._fault(fault_for(error))
            page = self.instead.pop(0) if self.instead else None
        self.on_request()
        if page is not None:
            start_response(page.status, [("Content-Type", page.content_type)])
            return [page.content]
        failed = answer.fault is not None and not self.mondrian
        status = "500 Internal Server Error" if failed else "200 OK"
        start_response(status, [("Content-Type", self.content_type)])
        return [self.write(answer)]

    def forget(self) -> None:
        """Lose all sessions, as after a restart."""
        self.sessions.clear()

    @property
    def asked(self) -> list[str]:
        """The names of the session headers of the requests."""
        blocks = [header.session_header for header in self.seen]
        return [type(block).__name__ if block else "" for block in blocks]

    def _answer(self, envelope: Envelope, action: str) -> Envelope:
        header = envelope.header
        self.seen.append(header)
        strange = header.not_understood()
        if strange:
            return self._fault(fault_for(strange))
        element = envelope.body.elements()[0]
        method = element.tag.rpartition("}")[2]
        if action != action_of(method):
            self.complaints.append(f"SOAPAction {action} for {method}")
        parts = [part.tag.removeprefix(f"{{{XMLA_NS}}}") for part in element]
        if parts != PARTS.get(method):
            self.complaints.append(f"{method} of {parts}")
        if header.end_session is not None and "".join(element.itertext()).strip():
            self.complaints.append("EndSession with a statement")
        body = Fragment(
            f'<{method}Response xmlns="{XMLA_NS}"><return><root xmlns="{XMLA_NS}:empty"/></return>'
            f"</{method}Response>".encode()
        )
        block = header.session_header
        if self.mondrian and block is not None and not _marked_for_mondrian(block):
            block = None
        if block is None:
            return Envelope(body=body)
        if isinstance(block, Session | EndSession):
            session_id = block.session_id
            if session_id not in self.sessions:
                return self._fault(session_not_found(session_id))
        else:
            session_id = next(self.ids)
            self.sessions[session_id] = Conversation()
        conversation = self.sessions[session_id]
        conversation.request(header)
        granted = self.every_reply or not isinstance(block, Session | EndSession)
        answer = Envelope(Header(Session(session_id)) if granted else Header(), body)
        conversation.response(answer.header)
        if isinstance(block, EndSession):
            del self.sessions[session_id]
        return answer

    def _fault(self, fault: Fault) -> Envelope:
        return Envelope(body=fault.to_body(self.shape))


def _marked_for_mondrian(block: BeginSession | Session | EndSession) -> bool:
    # Its servlet looks for the attribute without a prefix, and does not mind the other one beside it.
    wanted = DIALECTS["mondrian"].must_understand_form
    return block.must_understand and block.must_understand_form in (wanted, MustUnderstandForm.BOTH)
