"""The recipes for servers: the sessions, the ASGI endpoint and the WSGI middleware."""

from __future__ import annotations

import asyncio
import io
from email import message_from_string
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest

from asgi_endpoint import XmlaEndpoint
from mondrian_client import MondrianClient
from server_sessions import Sessions
from wsgi_middleware import XmlaSessions
from xmla_bodies import NOTHING, discover, execute
from xmla_headers import (
    SOAP_12_NS,
    BeginSession,
    EndSession,
    Envelope,
    Fault,
    Fragment,
    Header,
    HeaderBlock,
    Session,
    UnknownHeaderBlock,
    decode,
    encode,
)

from .loopback import SECONDS, answer_to_the_beginning, served, served_asgi
from .provider import IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping
    from wsgiref.types import StartResponse, WSGIEnvironment

DISCOVER, EXECUTE = discover("DBSCHEMA_CATALOGS"), execute("SELECT FROM [Sales]", {"Catalog": "FoodMart"})
MUST_BE_UNDERSTOOD = UnknownHeaderBlock(
    b'<t:Tenant xmlns:t="urn:t" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
)


# The two servers with one interface: bytes and a Content-Type -> status, headers, bytes.

Answer = tuple[int, dict[str, str], bytes]
TEXT_XML = "text/xml; charset=utf-8"


class Asgi:
    """The ASGI endpoint."""

    def __init__(self, max_bytes: int = 1_000_000, understood: Iterable[str] = ()) -> None:
        self.sessions = Sessions(frozenset(understood))
        self.ran: list[tuple[str | None, bytes]] = []
        self.result: Fragment | Fault = Fragment(b"<Answer/>")
        self.endpoint = XmlaEndpoint(self.run, self.sessions, max_bytes)
        #: The size of each chunk of a request, in bytes.
        self.chunk = 1_000_000
        self.received = 0

    async def run(self, session_id: str | None, body: Fragment) -> Fragment | Fault:
        self.ran.append((session_id, body.xml))
        await asyncio.sleep(0)
        return self.result

    def __call__(self, data: bytes, content_type: str | None = TEXT_XML, user: str = "") -> Answer:
        starts = range(0, max(len(data), 1), self.chunk)
        events = [
            {
                "type": "http.request",
                "body": data[start : start + self.chunk],
                "more_body": start != starts[-1],
            }
            for start in starts
        ]
        sent: list[MutableMapping[str, Any]] = []
        self.received = 0

        async def receive() -> dict[str, Any]:
            self.received += 1
            return events.pop(0)

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event)

        headers = [] if content_type is None else [(b"content-type", content_type.encode())]
        scope = {"type": "http", "method": "POST", "headers": headers, "user": user}
        asyncio.run(self.endpoint(scope, receive, send))
        start, body = sent
        assert [start["type"], body["type"]] == ["http.response.start", "http.response.body"]
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        assert int(answered["content-length"]) == len(body["body"])
        return start["status"], answered, body["body"]


class Wsgi:
    """The WSGI middleware, around an application with a given answer."""

    def __init__(self, max_bytes: int = 1_000_000, understood: Iterable[str] = ()) -> None:
        self.sessions = Sessions(frozenset(understood))
        self.ran: list[tuple[str | None, bytes]] = []
        self.result: Fragment | Fault = Fragment(b"<Answer/>")
        self.status = "200 OK"
        self.charset = "utf-8"
        self.closed = 0
        # The validator checks both sides of the middleware by PEP 3333.
        self.middleware = validator(XmlaSessions(validator(self.application), self.sessions, max_bytes))

    def application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if environ["REQUEST_METHOD"] == "POST":
            charset = message_from_string(
                f"Content-Type: {environ.get('CONTENT_TYPE', '')}"
            ).get_content_charset()
            self.ran.append((environ["xmla.session_id"], decode(data, encoding=charset).body.xml))
        result = self.result
        answer = encode(Envelope(body=result if isinstance(result, Fragment) else result.to_body()))
        answer = answer.decode().encode(self.charset)
        content_type = f"text/xml; charset={self.charset}"
        start_response(self.status, [("Content-Type", content_type), ("Content-Length", str(len(answer)))])
        try:
            yield answer[:20]
            yield answer[20:]
        finally:
            self.closed += 1

    def __call__(
        self, data: bytes, content_type: str | None = TEXT_XML, user: str = "", method: str = "POST"
    ) -> Answer:
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
            "REMOTE_USER": user,
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
    status, _, answer = server(request(EndSession(session_id), body=NOTHING))
    assert (status, decode(answer)) == (200, Envelope(body=Fragment(b"<Answer/>")))
    assert server.ran == [(session_id, EXECUTE.xml), (session_id, DISCOVER.xml), (session_id, NOTHING.xml)]
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
    assert not server.sessions.users


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
    assert not server.sessions.users


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
    assert not server.sessions.users


@pytest.mark.parametrize("status", ["500 Internal Server Error", "200 OK"])
def test_wsgi_begins_no_session_with_a_fault(status: str) -> None:
    server = Wsgi()
    server.status = status
    server.result = Fault("Server", "the statement went wrong")
    answered, _, answer = server(request(BeginSession()))
    envelope = decode(answer)
    assert (answered, envelope.header, envelope.fault) == (int(status[:3]), Header(), server.result)
    assert not server.sessions.users


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
def test_server_session_id_is_in_the_charset(make: type[Server]) -> None:
    server = make()
    server.sessions.users["é"] = ""
    data = request(Session("é")).decode().encode("iso-8859-1")
    assert server(data, "text/xml; charset=iso-8859-1")[0] == 200
    assert server.ran == [("é", EXECUTE.xml)]


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
    assert begin(server) in server.sessions.users


def test_asgi_scope_other_than_http_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="lifespan"):
        asyncio.run(Asgi().endpoint({"type": "lifespan"}, None, None))  # type: ignore[arg-type]


def test_wsgi_forwards_other_methods() -> None:
    server = Wsgi()
    assert server(b"", method="GET")[0] == 200
    assert not server.ran


def test_wsgi_forwards_an_error_page_unchanged() -> None:
    server = Wsgi()
    server.status = "502 Bad Gateway"
    status, _, answer = server(request(BeginSession()))
    assert (status, answer) == (502, encode(Envelope(body=Fragment(b"<Answer/>"))))
    assert not server.sessions.users


def test_wsgi_grants_in_the_charset_of_the_answer() -> None:
    server = Wsgi()
    server.charset, server.result = "iso-8859-1", Fragment("<Answer>é</Answer>".encode())
    _, headers, answer = server(request(BeginSession()))
    assert headers["content-type"] == "text/xml; charset=iso-8859-1"
    envelope = decode(answer, encoding="iso-8859-1")
    assert (envelope.body, len(server.sessions.users)) == (server.result, 1)
    assert envelope.header.session is not None


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

    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length, "wsgi.input": Body(request())}
    middleware = XmlaSessions(Wsgi().application, Sessions())
    (answer,) = middleware(environ, lambda *_: lambda _: None)
    assert decode(answer).fault is not None


def test_sessions_end_a_session_once_for_two_threads() -> None:
    class Shared(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            """Let another thread end the session after the check."""
            user = super().get(key, default)
            self.pop(key)
            return user

    ended = Sessions(users=Shared({"9F2C": ""})).enter(Header(EndSession("9F2C")))
    assert isinstance(ended, Fault)
    assert ended.session_lost


@servers
def test_server_session_of_another_user_is_not_found(make: type[Server]) -> None:
    server = make()
    _, _, answer = server(request(BeginSession()), user="anna")
    session = decode(answer).header.session
    assert session is not None
    assert server.sessions.users == {session.session_id: "anna"}
    for user in ("", "boris"):
        for block in (session, EndSession(session.session_id)):
            status, _, answer = server(request(block), user=user)
            fault = decode(answer).fault
            assert status == 500
            assert fault is not None
            assert fault.session_lost
    assert server(request(session), user="anna")[0] == 200
    assert server(request(EndSession(session.session_id)), user="anna")[0] == 200
    assert not server.sessions.users


def test_server_session_in_an_answer_is_never_marked() -> None:
    server = Asgi()
    _, _, answer = server(request(BeginSession(must_understand=True)))
    assert b"mustUnderstand" not in answer


def test_sessions_do_not_show_their_ids() -> None:
    sessions = Sessions()
    sessions.users["9F2C1B7E-3D54"] = "anna"
    assert "9F2C" not in repr(sessions)


@servers
def test_server_malformed_body_ends_no_session(make: type[Server]) -> None:
    server = make()
    session_id = begin(server)
    assert server(request(EndSession(session_id)).replace(b"</Execute>", b"</Discover>"))[0] == 500
    assert server(request(Session(session_id)))[0] == 200


# On a real socket.


def beginning_of(data: bytes) -> bytes:
    """Return a message up to the Body start tag."""
    return data[: data.index(b"Body>") + len(b"Body>")]


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ((Session("9F2C"),), "XMLAnalysisError.0xc10c000a"),
        ((EndSession("9F2C"),), "XMLAnalysisError.0xc10c000a"),
        ((BeginSession(), MUST_BE_UNDERSTOOD), "MustUnderstand"),
    ],
)
def test_asgi_refuses_a_session_before_the_body_arrives(blocks: tuple[HeaderBlock, ...], code: str) -> None:
    server = Asgi()
    with served_asgi(server.endpoint) as url:
        status, answer = answer_to_the_beginning(url, beginning_of(request(*blocks)), 900_000)
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.code, server.ran) == (500, code, [])


@pytest.mark.parametrize("name", ["a Session without an id", "SOAP 1.2"])
def test_asgi_refuses_a_bad_head_before_the_body(name: str) -> None:
    server = Asgi()
    data, code = BAD[name]
    with served_asgi(server.endpoint) as url:
        status, answer = answer_to_the_beginning(url, beginning_of(data), 900_000)
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.code) == (500, code)


def test_mondrian_client_meets_both_servers() -> None:
    asgi, wsgi = Asgi(), Wsgi()
    with served_asgi(asgi.endpoint) as asgi_url, served(wsgi.middleware) as wsgi_url:
        for url, server in ((asgi_url, asgi), (wsgi_url, wsgi)):
            client = MondrianClient(url, timeout=SECONDS)
            session = client.call("Execute", EXECUTE).header.session
            assert session is not None
            assert client.call("Discover", DISCOVER).fault is None
            assert client.end().fault is None
            methods = [EXECUTE.xml, DISCOVER.xml, NOTHING.xml]
            assert server.ran == [(session.session_id, method) for method in methods]
            assert not server.sessions.users
