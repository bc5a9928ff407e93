"""An ASGI endpoint that refuses an unknown session before the Body arrives.

`await run(session_id, body)` returns the Body of the answer, or a Fault. The id is
None outside a session.

    app = XmlaEndpoint(run, Sessions())
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import xmla_headers as xmla
from server_sessions import FAULT_STATUS, REFUSED, Sessions, fault_body
from xmla_headers.http import charset_of

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Run = Callable[[str | None, xmla.Fragment], Awaitable[xmla.Fragment | xmla.Fault]]


class XmlaEndpoint:
    def __init__(
        self, run: Run, sessions: Sessions, max_bytes: int = 1_000_000
    ) -> None:
        self.run, self.sessions, self.max_bytes = run, sessions, max_bytes
        self.limits = xmla.Limits(max_message_bytes=max_bytes)

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        charset = charset_of(dict(scope["headers"]).get(b"content-type"))
        # A middleware that authenticates the user has set it.
        user: str = scope.get("user", "")
        try:
            answer = await self._answer(receive, charset, user)
        except xmla.XmlaHeadersError as error:
            answer = xmla.fault_for(error)
        status = 200
        if isinstance(answer, xmla.Fault):
            status, answer = int(FAULT_STATUS[:3]), fault_body(answer)
        size, content_type = b"%d" % len(answer), b"text/xml; charset=utf-8"
        fields = [(b"content-type", content_type), (b"content-length", size)]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(
        self, receive: Receive, charset: str | None, user: str
    ) -> bytes | xmla.Fault:
        reader = xmla.HeaderReader(encoding=charset, limits=self.limits, refuse=REFUSED)
        data, more = bytearray(), True
        # With one byte more than the limit, decode refuses the message.
        while more and len(data) <= self.max_bytes:
            event = await receive()
            data += (chunk := event.get("body", b""))
            more = event.get("more_body", False)
            if reader.header is None:
                reader.feed(chunk)
                header = reader.header
                if header is not None and (fault := self.sessions.check(header, user)):
                    return fault
        request = xmla.decode(
            data, encoding=charset, limits=self.limits, refuse=REFUSED
        )
        session_id = self.sessions.enter(request.header, user)
        if isinstance(session_id, xmla.Fault):
            return session_id
        result = await self.run(session_id, request.body)
        if isinstance(result, xmla.Fault):
            return result
        answer = xmla.encode(xmla.Envelope(body=result))
        if session_id is None or request.header.begin_session is None:
            return answer
        return self.sessions.grant(session_id, answer, user)
