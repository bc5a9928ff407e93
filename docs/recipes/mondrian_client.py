"""A client of Mondrian, with the standard library alone.

Mondrian ignores a session header unless its mustUnderstand is 1 and has no prefix: a
client that sends another BeginSession gets no session, and no word about it. The
other clients take this BEGIN too.

It is for one thread. A request that met a lost session is for the caller to repeat.

    client = MondrianClient("http://127.0.0.1:8080/mondrian/xmla")
    body = execute("SELECT FROM [Sales]", {"Catalog": "FoodMart"})
    answer = client.call("Execute", body)
    client.end()
"""

import urllib.request
import warnings

from xmla_bodies import NOTHING, Method
from xmla_headers import (
    BeginSession,
    Code,
    Conversation,
    DecodeError,
    Envelope,
    Fragment,
    Header,
    HeaderBlock,
    decode,
    encode,
)
from xmla_headers.http import charset_of, request_headers

BEGIN = BeginSession(must_understand=True, must_understand_form="unqualified")


class MondrianClient:
    def __init__(
        self, url: str, begin: BeginSession = BEGIN, *, timeout: float = 60
    ) -> None:
        self.url, self.timeout, self.conversation = url, timeout, Conversation(begin)

    def call(self, method: Method, body: Fragment) -> Envelope:
        return self._send(method, body, self.conversation.next_block())

    def end(self) -> Envelope:
        return self._send("Execute", NOTHING, self.conversation.end_block())

    def _send(self, method: Method, body: Fragment, block: HeaderBlock) -> Envelope:
        message = Envelope(Header(block), body)
        fields = request_headers(method)
        request = urllib.request.Request(self.url, encode(message), fields)
        self.conversation.request(message.header)
        try:
            # Mondrian sends faults with status 200. An HTTPError is an error page.
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                charset = charset_of(response.headers["Content-Type"])
                answer = decoded(response.read(), charset)
            findings = self.conversation.response(
                answer.header, answer.fault, errors=answer.errors
            )
        except BaseException:  # a time-out, an error page, Ctrl-C
            self.conversation.unanswered()
            raise
        for finding in findings:  # no session granted, or another id
            warnings.warn(finding.message, stacklevel=3)
        return answer


def decoded(data: bytes, charset: str | None) -> Envelope:
    """Read an answer. Mondrian writes faults in ISO-8859-1, and may call them UTF-8."""
    try:
        return decode(data, encoding=charset)
    except DecodeError as error:
        if error.code is not Code.ENCODING_ERROR:
            raise
        return decode(data, encoding="iso-8859-1")
