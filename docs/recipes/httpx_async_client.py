"""The client with httpx, for asyncio.

The lock is held for the whole round trip: tasks that share a client send one request
at a time.

    async with httpx.AsyncClient(timeout=60) as http:
        client = XmlaClient(http, "http://127.0.0.1:8080/xmla")
        answer = await client.call("Discover", discover("DBSCHEMA_CATALOGS"))
        await client.end()
"""

import asyncio
import warnings

import httpx

from xmla_bodies import NOTHING, Method
from xmla_headers import (
    BeginSession,
    Conversation,
    Envelope,
    Fragment,
    Header,
    HeaderBlock,
    State,
    XmlaHeadersError,
    decode,
    encode,
)
from xmla_headers.http import charset_of, request_headers

BEGIN = BeginSession()
"""For Analysis Services. Mondrian ignores it; mondrian_client.py has one for it."""


class XmlaClient:
    def __init__(
        self, http: httpx.AsyncClient, url: str, begin: BeginSession = BEGIN
    ) -> None:
        self.http, self.url = http, url
        self.conversation, self.lock = Conversation(begin), asyncio.Lock()

    async def call(self, method: Method, body: Fragment) -> Envelope:
        async with self.lock:
            answer = await self._send(method, body, self.conversation.next_block())
            if self.conversation.state is State.LOST:
                answer = await self._send(method, body, self.conversation.next_block())
            return answer

    async def end(self) -> Envelope:
        async with self.lock:
            return await self._send("Execute", NOTHING, self.conversation.end_block())

    async def _send(
        self, method: Method, body: Fragment, block: HeaderBlock
    ) -> Envelope:
        request = Envelope(Header(block), body)
        content, fields = encode(request), request_headers(method)
        self.conversation.request(request.header)
        try:
            response = await self.http.post(self.url, content=content, headers=fields)
            try:
                charset = charset_of(response.headers.get("Content-Type"))
                answer = decode(response.content, encoding=charset)
            except XmlaHeadersError:
                response.raise_for_status()  # an error page has no fault
                raise
            findings = self.conversation.response(
                answer.header, answer.fault, errors=answer.errors
            )
        except BaseException:  # a time-out, an error page, a cancelled task
            self.conversation.unanswered()
            raise
        for finding in findings:  # no session granted, or another id
            warnings.warn(finding.message, stacklevel=3)
        return answer
