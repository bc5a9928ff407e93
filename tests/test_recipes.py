"""The recipes of the README that need only this library; the others are in tests/interop."""

from __future__ import annotations

import asyncio
import io
import threading
import urllib.error
from email import message_from_string
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest

import xmla_headers
from xmla_headers import (
    SOAP_12_NS,
    BeginSession,
    Code,
    ConversationError,
    DecodeError,
    EndSession,
    Envelope,
    Fault,
    Fragment,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    UnknownHeaderBlock,
    XmlaHeadersError,
    decode,
    encode,
)

from .loopback import SECONDS, served
from .provider import DISCOVER, EXECUTE, IDS, Page, Provider
from .recipes import RECIPES, recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from wsgiref.types import StartResponse, WSGIEnvironment

MUST_BE_UNDERSTOOD = UnknownHeaderBlock(
    b'<t:Tenant xmlns:t="urn:t" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
)


@pytest.mark.parametrize("heading", RECIPES)
def test_recipe_has_at_most_30_lines(heading: str) -> None:
    assert len([line for line in RECIPES[heading].splitlines() if line]) <= 30


def test_recipes_include_all_python_of_their_section() -> None:
    assert len(RECIPES) == 9


# The two servers with one interface: bytes and a Content-Type -> status, headers, bytes.

Answer = tuple[int, dict[str, str], bytes]
TEXT_XML = "text/xml; charset=utf-8"


class Asgi:
    """The ASGI endpoint."""

    def __init__(self, **arguments: Any) -> None:
        self.sessions = recipe("The sessions of a server").Sessions(**arguments)
        self.ran: list[tuple[str | None, bytes]] = []
        self.result: Fragment | Fault = Fragment(b"<Answer/>")
        self.endpoint = recipe("An ASGI endpoint").XmlaEndpoint(self.run, self.sessions)
        #: The size of each chunk of a request, in bytes.
        self.chunk = 1_000_000
        self.received = 0

    async def run(self, session_id: str | None, body: Fragment) -> Fragment | Fault:
        self.ran.append((session_id, body.xml))
        await asyncio.sleep(0)
        return self.result

    def __call__(self, data: bytes, content_type: str | None = TEXT_XML) -> Answer:
        starts = range(0, max(len(data), 1), self.chunk)
        events = [
            {
                "type": "http.request",
                "body": data[start : start + self.chunk],
                "more_body": start != starts[-1],
            }
            for start in starts
        ]
        sent: list[dict[str, Any]] = []
        self.received = 0

        async def receive() -> dict[str, object]:
            self.received += 1
            return events.pop(0)

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)

        headers = [] if content_type is None else [(b"content-type", content_type.encode())]
        scope = {"type": "http", "method": "POST", "headers": headers}
        asyncio.run(self.endpoint(scope, receive, send))
        start, body = sent
        assert [start["type"], body["type"]] == ["http.response.start", "http.response.body"]
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        assert int(answered["content-length"]) == len(body["body"])
        return start["status"], answered, body["body"]


class Wsgi:
    """The WSGI middleware, around an application with a given answer."""

    def __init__(self, **arguments: Any) -> None:
        self.sessions = recipe("The sessions of a server").Sessions(**arguments)
        self.ran: list[tuple[str | None, bytes]] = []
        self.result: Fragment | Fault = Fragment(b"<Answer/>")
        self.status = "200 OK"
        self.closed = 0
        # The validator checks both sides of the middleware by PEP 3333.
        with_sessions = recipe("A WSGI middleware").with_sessions
        self.middleware = validator(partial(with_sessions, validator(self.application), self.sessions))

    def application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if environ["REQUEST_METHOD"] == "POST":
            charset = message_from_string(
                f"Content-Type: {environ.get('CONTENT_TYPE', '')}"
            ).get_content_charset()
            self.ran.append((environ["xmla.session_id"], decode(data, encoding=charset).body.xml))
        result = self.result
        answer = encode(Envelope(body=result if isinstance(result, Fragment) else result.to_body()))
        start_response(self.status, [("Content-Type", TEXT_XML), ("Content-Length", str(len(answer)))])
        try:
            yield answer[:20]
            yield answer[20:]
        finally:
            self.closed += 1

    def __call__(self, data: bytes, content_type: str | None = TEXT_XML, method: str = "POST") -> Answer:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/xmla",
            "PATH_INFO": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "QUERY_STRING": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(data)),
        }
        if content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        started: list[Any] = []

        def start_response(*arguments: Any) -> Callable[[bytes], object]:
            started[:] = arguments
            return started.append

        chunks = self.middleware(environ, start_response)
        answer = b"".join(chunks)
        chunks.close()  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in started[1]}
        assert int(headers.get("content-length", len(answer))) == len(answer)
        return int(started[0].split()[0]), headers, answer


Server = Asgi | Wsgi
servers = pytest.mark.parametrize("make", [Asgi, Wsgi])


def request(*blocks: HeaderBlock | UnknownHeaderBlock, body: Fragment = EXECUTE) -> bytes:
    return encode(Envelope(Header(*blocks), body))


def begin(server: Server) -> str:
    status, headers, answer = server(request(BeginSession()))
    assert (status, headers["content-type"]) == (200, TEXT_XML)
    session = decode(answer).header.session
    assert session is not None
    return session.session_id


@servers
def test_server_session_begins_is_used_and_ends(make: type[Server]) -> None:
    server = make()
    session_id = begin(server)
    status, _, answer = server(request(Session(session_id), body=DISCOVER))
    assert (status, decode(answer)) == (200, Envelope(body=Fragment(b"<Answer/>")))
    status, _, answer = server(request(EndSession(session_id)))
    assert (status, decode(answer)) == (200, Envelope(body=Fragment(b"<Answer/>")))
    assert server.ran == [(session_id, EXECUTE.xml), (session_id, DISCOVER.xml), (session_id, EXECUTE.xml)]
    for block in (Session(session_id), EndSession(session_id)):
        status, headers, answer = server(request(block))
        assert (status, headers["content-type"]) == (500, TEXT_XML)
        fault = decode(answer).fault
        assert fault is not None
        assert fault.session_lost
    assert len(server.ran) == 3


@servers
def test_server_request_without_header_runs_outside_a_session(make: type[Server]) -> None:
    server = make()
    status, _, answer = server(request())
    assert (status, decode(answer).header) == (200, Header())
    assert server.ran == [(None, EXECUTE.xml)]
    assert not server.sessions.known


@servers
def test_server_ids_are_unique_and_long(make: type[Server]) -> None:
    server = make()
    granted = {begin(server) for _ in range(20)}
    assert len(granted) == 20
    assert all(len(session_id) == 32 for session_id in granted)


@servers
@pytest.mark.parametrize("session_id", ["", *IDS.values()])
def test_server_unknown_id_gets_session_not_found(make: type[Server], session_id: str) -> None:
    server = make()
    begin(server)
    for block in (Session(session_id), EndSession(session_id)):
        status, _, answer = server(request(block))
        fault = decode(answer).fault
        assert status == 500
        assert fault is not None
        assert fault.session_lost
    assert len(server.ran) == 1


BAD = {
    "nothing": (b"", "Client"),
    "no XML": (b"hello", "Client"),
    "cut off": (request()[:-1], "Client"),
    "a DOCTYPE": (b"<!DOCTYPE x>" + request(), "Client"),
    "a Session without an id": (request(Session("x")).replace(b'SessionId="x"', b""), "Client"),
    "two session headers": (request(BeginSession(), Session("x")), "Client"),
    "a foreign envelope": (request().replace(b"schemas.xmlsoap.org", b"example.org"), "VersionMismatch"),
    "SOAP 1.2": (
        request().replace(b"http://schemas.xmlsoap.org/soap/envelope/", SOAP_12_NS.encode()),
        "VersionMismatch",
    ),
    "an unknown block that must be understood": (request(MUST_BE_UNDERSTOOD), "MustUnderstand"),
}


@servers
@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD)
def test_server_bad_request_gets_a_fault_with_status_500(make: type[Server], data: bytes, code: str) -> None:
    server = make()
    status, headers, answer = server(data)
    fault = decode(answer, strict=True, deep=True).fault
    assert (status, headers["content-type"]) == (500, TEXT_XML)
    assert fault is not None
    assert fault.code == code
    assert not server.ran
    assert not server.sessions.known


@servers
def test_server_accepts_a_block_that_it_understands(make: type[Server]) -> None:
    server = make(understood=["{urn:t}Tenant"])
    assert server(request(MUST_BE_UNDERSTOOD))[0] == 200


@servers
def test_server_refused_request_changes_no_session(make: type[Server]) -> None:
    server = make()
    assert server(request(BeginSession(), MUST_BE_UNDERSTOOD))[0] == 500
    session_id = begin(server)
    assert server(request(EndSession(session_id), MUST_BE_UNDERSTOOD))[0] == 500
    assert server(request(Session(session_id)))[0] == 200


def test_asgi_begins_no_session_with_a_fault() -> None:
    server = Asgi()
    server.result = Fault("Server", "the statement went wrong")
    status, _, answer = server(request(BeginSession()))
    envelope = decode(answer)
    assert (status, envelope.header, envelope.fault) == (500, Header(), server.result)
    assert not server.sessions.known


@pytest.mark.parametrize("status", ["500 Internal Server Error", "200 OK"])
def test_wsgi_begins_no_session_with_a_fault(status: str) -> None:
    server = Wsgi()
    server.status = status
    server.result = Fault("Server", "the statement went wrong")
    answered, _, answer = server(request(BeginSession()))
    envelope = decode(answer)
    assert (answered, envelope.header, envelope.fault) == (int(status[:3]), Header(), server.result)
    assert not server.sessions.known


@servers
@pytest.mark.parametrize(
    ("codec", "content_type", "status"),
    [
        ("utf-8", TEXT_XML, 200),
        ("utf-8", "text/xml", 200),
        ("utf-8", None, 200),
        ("utf-16", "text/xml", 200),
        ("latin-1", 'text/xml; Charset="ISO-8859-1"', 200),
        ("latin-1", "text/xml; charset=utf-8", 500),
        ("utf-8", "text/xml; charset=windows-1252", 500),
    ],
)
def test_server_charset_is_of_content_type(
    make: type[Server], codec: str, content_type: str | None, status: int
) -> None:
    server = make()
    body = Fragment('<Execute xmlns="urn:x">é</Execute>'.encode())
    data = request(body=body).decode().encode(codec)
    assert server(data, content_type)[0] == status
    assert [ran for _, ran in server.ran] == [body.xml] * (status == 200)


@servers
def test_server_request_over_the_limit_is_refused(make: type[Server]) -> None:
    data = request()
    assert make(max_bytes=len(data))(data)[0] == 200
    server = make(max_bytes=len(data) - 1)
    status, _, answer = server(data)
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.code) == (500, "Client")
    assert "max_message_bytes" in fault.string


def test_asgi_stops_receiving_at_the_limit() -> None:
    server = Asgi(max_bytes=1_000)
    server.chunk = 100
    assert server(request(body=Fragment(b"<x>" + b"y" * 100_000 + b"</x>")))[0] == 500
    assert server.received == 11


def test_asgi_reads_a_request_in_pieces() -> None:
    server = Asgi()
    server.chunk = 7
    assert begin(server) in server.sessions.known


def test_asgi_scope_other_than_http_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="lifespan"):
        asyncio.run(Asgi().endpoint({"type": "lifespan"}, None, None))


def test_wsgi_forwards_other_methods() -> None:
    server = Wsgi()
    assert server(b"", method="GET")[0] == 200
    assert not server.ran


def test_wsgi_forwards_an_error_page_unchanged() -> None:
    server = Wsgi()
    server.status = "502 Bad Gateway"
    status, _, answer = server(request(BeginSession()))
    assert (status, answer) == (502, encode(Envelope(body=Fragment(b"<Answer/>"))))
    assert not server.sessions.known


def test_wsgi_closes_the_iterable_of_the_application() -> None:
    server = Wsgi()
    session_id = begin(server)
    server(request(Session(session_id)))
    assert server.closed == 2


@pytest.mark.parametrize("length", ["-1", "5", ""])
def test_wsgi_reads_content_length_bytes_only(length: str) -> None:
    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 <= size <= 5
            return super().read(size)

    sessions = recipe("The sessions of a server").Sessions()
    with_sessions = recipe("A WSGI middleware").with_sessions
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length, "wsgi.input": Body(request())}
    (answer,) = with_sessions(Wsgi().application, sessions, environ, lambda *_: None)
    assert decode(answer).fault is not None


@servers
def test_server_session_ended_by_many_threads_ends_once(make: type[Server]) -> None:
    server = make()
    session_id = begin(server)
    statuses: list[int] = []
    start = threading.Barrier(8)

    def end() -> None:
        start.wait(SECONDS)
        statuses.append(server.sessions.check(request(EndSession(session_id)), None)[2] is None)

    threads = [threading.Thread(target=end) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(statuses) == [False] * 7 + [True]


# The client for Mondrian.


@pytest.fixture(name="client")
def _client() -> ModuleType:
    return recipe("A client of Mondrian, without a package")


def test_mondrian_client_sends_each_session_header(client: ModuleType) -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        call = client.mondrian_client(url, SECONDS)
        assert call("Execute", EXECUTE).header.session == Session("session-1")
        for _ in range(3):
            assert call("Discover", DISCOVER).fault is None
        assert call("Execute", EXECUTE, end=True).fault is None
    assert provider.asked == ["BeginSession", "Session", "Session", "Session", "EndSession"]
    forms = {block.must_understand_form for header in provider.seen for block in header}  # type: ignore[union-attr]
    assert forms == {MustUnderstandForm.UNQUALIFIED}
    assert (provider.sessions, provider.complaints) == ({}, [])


def test_mondrian_ignores_session_headers_of_another_form(client: ModuleType) -> None:
    provider = Provider(mondrian=True)
    vars(client)["BEGIN"] = BeginSession(must_understand=True)
    with served(provider) as url:
        call = client.mondrian_client(url, SECONDS)
        assert call("Execute", EXECUTE).header.session is None
        call("Execute", EXECUTE)
    assert provider.asked == ["BeginSession", "BeginSession"]


def test_mondrian_client_after_a_loss_begins_again(client: ModuleType) -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        call = client.mondrian_client(url, SECONDS)
        call("Execute", EXECUTE)
        provider.forget()
        fault = call("Execute", EXECUTE).fault
        assert fault is not None
        assert fault.session_lost
        assert call("Execute", EXECUTE).header.session == Session("session-2")
    assert provider.asked == ["BeginSession", "Session", "BeginSession"]


def test_mondrian_client_after_an_error_page_continues(client: ModuleType) -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        call = client.mondrian_client(url, SECONDS)
        provider.instead = [Page("502 Bad Gateway"), Page("200 OK")]
        with pytest.raises(urllib.error.HTTPError) as caught:
            call("Execute", EXECUTE)
        caught.value.close()
        with pytest.raises(XmlaHeadersError):
            call("Execute", EXECUTE)
        for _ in range(2):
            assert call("Execute", EXECUTE).header.session == Session("session-3")
    assert provider.asked == [*["BeginSession"] * 3, "Session"]


def test_mondrian_client_refuses_another_id(client: ModuleType) -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        call = client.mondrian_client(url, SECONDS)
        call("Execute", EXECUTE)
        other = encode(Envelope(Header(Session("another")), EXECUTE))
        provider.instead = [Page("200 OK", other, TEXT_XML)]
        with pytest.raises(ConversationError) as caught:
            call("Execute", EXECUTE)
        assert caught.value.code is Code.SESSION_ID_CHANGED
        assert call("Execute", EXECUTE).header.session == Session("session-1")


# The header of a stream.


def chunks_of(data: bytes, size: int, taken: list[int]) -> Iterator[bytes]:
    for start, end in pairwise([*range(0, len(data), size), len(data)]):
        taken.append(end)
        yield data[start:end]


@pytest.mark.parametrize("size", [1, 7, 100, 10_000_000])
@pytest.mark.parametrize("blocks", [(), (Session("9F2C"),)])
def test_stream_recipe_yields_header_and_whole_message(size: int, blocks: tuple[Session, ...]) -> None:
    data = request(*blocks, body=Fragment(b"<x>" + b"y" * 5_000 + b"</x>"))
    taken: list[int] = []
    header, message = recipe("The header of a streamed message").header_first(chunks_of(data, size, taken))
    assert header == Header(*blocks)
    assert taken[-1] - size <= data.index(b"<x>") or size > len(data)
    assert b"".join(message) == data


def test_stream_recipe_refuses_a_truncated_message() -> None:
    data = request(Session("9F2C"))
    header, message = recipe("The header of a streamed message").header_first([data[:-30], data[-30:-1]])
    assert header.session == Session("9F2C")
    with pytest.raises(DecodeError):
        list(message)


@pytest.mark.parametrize("data", [b"", b"<html>", request()[:40]])
def test_stream_recipe_refuses_other_bytes_at_once(data: bytes) -> None:
    with pytest.raises(XmlaHeadersError):
        recipe("The header of a streamed message").header_first([data])


def test_stream_recipe_charset_is_of_the_transport() -> None:
    data = request(Session("é")).decode().encode("latin-1")
    header, message = recipe("The header of a streamed message").header_first([data], "iso-8859-1")
    assert header.session == Session("é")
    assert b"".join(message) == data
    assert xmla_headers.decode(data, encoding="latin-1").header == header
