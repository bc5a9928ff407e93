"""A proxy that sends each session to the server that granted it.

It keeps no list of sessions: the id of a client is the name of the server, a dot and
the id of that server. The ids of header blocks are rewritten in both directions while
the messages stream through, 64 KiB at a time. `with_blocks` needs the head of a message
alone, so a Body is neither kept nor checked here, with one exception: a fault is read
whole. One that says that the session is lost quotes the server's id, so the client gets
a fault about its own id in its place. Credentials and other HTTP fields are yours to
forward.

    servers = {"a": "10.0.0.1:8080", "b": "10.0.0.2:8080"}
    application = SessionProxy(servers)
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import chain, cycle
from wsgiref.types import InputStream, StartResponse, WSGIEnvironment

import xmla_headers as xmla
from message_head import Head, is_lost
from server_sessions import FAULT_STATUS, fault_body
from xmla_headers.http import charset_of

PIECE = 65_536
FORWARDED = {"CONTENT_TYPE": "Content-Type", "HTTP_SOAPACTION": "SOAPAction"}
Fields = list[tuple[str, str]]


class SessionProxy:
    def __init__(self, servers: Mapping[str, str], timeout: float = 60) -> None:
        self.servers, self.timeout, self.turns = servers, timeout, cycle(servers)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            status, fields, content = self._answer(environ)
        except xmla.XmlaHeadersError as error:
            status, fields, content = refusal(xmla.fault_for(error))
        except (OSError, HTTPException):
            fault = xmla.Fault("Server", "the server gave no answer")
            status, fields, content = refusal(fault)
        start_response(status, fields)
        return content

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, Fields, Iterable[bytes]]:
        length, asked = int(environ.get("CONTENT_LENGTH") or 0), ""
        chunks = pieces(environ["wsgi.input"], length)
        head = Head(chunks, charset_of(environ.get("CONTENT_TYPE")))
        if isinstance(head.block, xmla.Session | xmla.EndSession):
            asked = head.block.session_id
            name, _, session_id = asked.partition(".")
            if name not in self.servers:
                return refusal(xmla.session_not_found(asked))
            length += head.rename(head.block, session_id)
        else:
            name = next(self.turns)
        fields = {to: environ[key] for key, to in FORWARDED.items() if key in environ}
        fields["Content-Length"] = str(length)
        path = environ.get("PATH_INFO") or "/"
        open_ = ExitStack()
        connection = HTTPConnection(self.servers[name], timeout=self.timeout)
        open_.enter_context(closing(connection))
        try:
            connection.request("POST", path, chain([head.data], chunks), fields)
            response = open_.enter_context(connection.getresponse())
            status, answered, content = renamed(response, name, asked)
        except BaseException:
            open_.close()
            raise
        return status, answered, until_end(content, open_)


def until_end(
    chunks: Iterable[bytes], open_: ExitStack
) -> Generator[bytes, None, None]:
    with open_:
        yield from chunks


def renamed(
    response: HTTPResponse, name: str, asked: str
) -> tuple[str, Fields, Iterable[bytes]]:
    """Return the answer of a server, with the client's id in its Session."""
    content_type = response.getheader("Content-Type", "")
    length = response.getheader("Content-Length")
    chunks, more = iter(lambda: response.read1(PIECE), b""), 0
    if "xml" in content_type:  # an error page is forwarded as it is
        head = Head(chunks, charset_of(content_type))
        if asked and head.is_fault(chunks):
            head.data += b"".join(chunks)
            if is_lost(head.data, head.charset):
                return refusal(xmla.session_not_found(asked))
        if isinstance(head.block, xmla.Session):
            more = head.rename(head.block, f"{name}.{head.block.session_id}")
        chunks = chain([head.data], chunks)
    fields = [("Content-Type", content_type)]
    if length is not None:
        fields.append(("Content-Length", str(int(length) + more)))
    return f"{response.status} {response.reason}", fields, chunks


def pieces(stream: InputStream, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = stream.read(min(length, PIECE))
        if not piece:
            raise ConnectionError("the request was cut off")
        length -= len(piece)
        yield piece


def refusal(fault: xmla.Fault) -> tuple[str, Fields, Iterable[bytes]]:
    fields = [("Content-Type", "text/xml; charset=utf-8")]
    return FAULT_STATUS, fields, [fault_body(fault)]
