"""A client with requests, which does the same as the one with httpx.

`response.encoding` of requests is not used. It is a guess where Content-Type names no
charset, and would override the encoding that the message declares.

    with requests.Session() as http:
        client = XmlaClient(http, "http://127.0.0.1:8080/xmla")
        answer = client.call("Discover", discover("DBSCHEMA_CATALOGS"))
        client.end()
"""

import threading
import warnings

import requests

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
        self,
        http: requests.Session,
        url: str,
        begin: BeginSession = BEGIN,
        *,
        timeout: float = 60,
    ) -> None:
        self.http, self.url, self.timeout = http, url, timeout
        self.conversation, self.lock = Conversation(begin), threading.Lock()

    def call(self, method: Method, body: Fragment) -> Envelope:
        with self.lock:
            answer = self._send(method, body, self.conversation.next_block())
            if self.conversation.state is State.LOST:
                answer = self._send(method, body, self.conversation.next_block())
            return answer

    def end(self) -> Envelope:
        with self.lock:
            return self._send("Execute", NOTHING, self.conversation.end_block())

    def _send(self, method: Method, body: Fragment, block: HeaderBlock) -> Envelope:
        request = Envelope(Header(block), body)
        content, fields = encode(request), request_headers(method)
        self.conversation.request(request.header)
        try:
            response = self.http.post(
                self.url,
                content,
                headers=fields,
                timeout=self.timeout,
                allow_redirects=False,
            )
            try:
                charset = charset_of(response.headers.get("Content-Type"))
                answer = decode(response.content, encoding=charset)
            except XmlaHeadersError:
                response.raise_for_status()  # an error page has no fault
                raise
            findings = self.conversation.response(
                answer.header, answer.fault, errors=answer.errors
            )
        except BaseException:  # a time-out, an error page, Ctrl-C
            self.conversation.unanswered()
            raise
        for finding in findings:  # no session granted, or another id
            warnings.warn(finding.message, stacklevel=3)
        return answer
