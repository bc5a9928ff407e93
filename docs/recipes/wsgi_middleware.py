"""A WSGI middleware that gives an application its sessions.

The application finds the id in `environ["xmla.session_id"]`, None outside a session.
Its answers are forwarded as they are, except the answer to BeginSession, which gets a
Session.

    application = XmlaSessions(application, Sessions())
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import xmla_headers as xmla
from server_sessions import FAULT_STATUS, REFUSED, Sessions, fault_body
from xmla_headers.http import charset_of

Fields = list[tuple[str, str]]


@dataclass
class XmlaSessions:
    app: WSGIApplication
    sessions: Sessions
    max_bytes: int = 1_000_000

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return self.app(environ, start_response)
        size = min(int(environ.get("CONTENT_LENGTH") or 0), self.max_bytes + 1)
        data = environ["wsgi.input"].read(max(size, 0))
        user = environ.get("REMOTE_USER", "")
        charset = charset_of(environ.get("CONTENT_TYPE"))
        limits = xmla.Limits(max_message_bytes=self.max_bytes)
        try:
            request = xmla.decode(data, encoding=charset, limits=limits, refuse=REFUSED)
        except xmla.XmlaHeadersError as error:
            return refused(xmla.fault_for(error), start_response)
        session_id = self.sessions.enter(request.header, user)
        if isinstance(session_id, xmla.Fault):
            return refused(session_id, start_response)
        environ |= {"wsgi.input": io.BytesIO(data), "xmla.session_id": session_id}
        if session_id is None or request.header.begin_session is None:
            return self.app(environ, start_response)
        started, written = list[tuple[str, Fields]](), io.BytesIO()

        def start(status: str, fields: Fields, *_: Any) -> Callable[[bytes], object]:
            started.append((status, fields))
            return written.write

        chunks = self.app(environ, start)
        try:
            written.writelines(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        answer, (status, fields) = written.getvalue(), started[-1]
        if status.startswith("200"):
            content_type = next(
                (value for name, value in fields if name.lower() == "content-type"),
                None,
            )
            answer = self.sessions.grant(
                session_id, answer, user, charset_of(content_type)
            )
        start_response(
            status, [field for field in fields if field[0].lower() != "content-length"]
        )
        return [answer]


def refused(fault: xmla.Fault, start_response: StartResponse) -> list[bytes]:
    start_response(FAULT_STATUS, [("Content-Type", "text/xml; charset=utf-8")])
    return [fault_body(fault)]
