"""The recipe for a streaming proxy, between a client and two servers on this machine."""

from __future__ import annotations

import http.client
import threading
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING
from unittest import mock
from urllib.parse import urlsplit

import pytest

from message_head import Head
from mondrian_client import MondrianClient
from streaming_proxy import PIECE, SessionProxy, until_end
from xmla_bodies import discover
from xmla_headers import (
    BeginSession,
    Envelope,
    Fault,
    Fragment,
    Header,
    HeaderBlock,
    Session,
    decode,
    decode_header,
    encode,
    session_not_found,
)

from .loopback import SECONDS, served
from .provider import Page, Provider, action_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DISCOVER = discover("DBSCHEMA_CATALOGS")


@contextmanager
def proxied(**servers: WSGIApplication) -> Iterator[str]:
    """Serve the servers, and the proxy of them; yield its address."""
    with ExitStack() as stack:
        addresses = {
            name: urlsplit(stack.enter_context(served(server))).netloc for name, server in servers.items()
        }
        yield stack.enter_context(served(SessionProxy(addresses, SECONDS)))


def request(*blocks: HeaderBlock, body: Fragment = DISCOVER) -> bytes:
    return encode(Envelope(Header(*blocks), body))


def post(url: str, body: Iterable[bytes], length: int, content_type: str = "text/xml") -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    fields = {
        "Content-Type": content_type,
        "SOAPAction": action_of("Discover"),
        "Content-Length": str(length),
    }
    connection.request("POST", parts.path, body, fields)
    with connection.getresponse() as response:
        answer = response.status, response.read()
    connection.close()
    return answer


def test_proxy_keeps_each_session_at_its_server() -> None:
    first = Provider(ids=iter(["a<b", "x"]), every_reply=True, mondrian=True)
    second = Provider(ids=iter(["a<b", "x"]), every_reply=True, mondrian=True)
    with proxied(one=first, two=second) as url:
        clients = [MondrianClient(url, timeout=SECONDS) for _ in range(3)]
        for _ in range(2):
            for client in clients:
                assert client.call("Discover", DISCOVER).fault is None
        assert [client.conversation.session_id for client in clients] == ["one.a<b", "two.a<b", "one.x"]
        for client in clients:
            assert client.end().fault is None
    assert first.asked == ["BeginSession"] * 2 + ["Session"] * 2 + ["EndSession"] * 2
    assert second.asked == ["BeginSession", "Session", "EndSession"]
    assert (first.sessions, second.sessions) == ({}, {})
    assert first.complaints + second.complaints == []


@pytest.mark.parametrize("session_id", ["9F2C", "three.9F2C", ""])
def test_proxy_refuses_the_session_of_no_server(session_id: str) -> None:
    server = Provider()
    with proxied(one=server) as url:
        data = request(Session(session_id))
        status, answer = post(url, [data], len(data))
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.session_lost, server.seen) == (500, True, [])


def test_proxy_refuses_a_malformed_head() -> None:
    server = Provider()
    with proxied(one=server) as url:
        status, answer = post(url, [b"<html/>"], 7)
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.code, server.received) == (500, "Client", [])


def test_proxy_without_its_server_answers_with_a_fault() -> None:
    with served(Provider()) as gone:
        address = urlsplit(gone).netloc
    with served(SessionProxy({"one": address}, SECONDS)) as url:
        data = request(BeginSession())
        status, answer = post(url, [data], len(data))
    fault = decode(answer).fault
    assert fault is not None
    assert (status, fault.code) == (500, "Server")


@pytest.mark.parametrize(
    "page",
    [
        Page("502 Bad Gateway"),
        Page("500 Internal Server Error", encode(Envelope(body=DISCOVER)), "text/xml"),
        # Power BI ends an answer with this byte.
        Page("200 OK", encode(Envelope(body=DISCOVER)) + b"\0", "text/xml"),
    ],
)
def test_proxy_forwards_an_answer_without_session_unchanged(page: Page) -> None:
    server = Provider(instead=[page])
    with proxied(one=server) as url:
        data = request()
        assert post(url, [data], len(data)) == (int(page.status[:3]), page.content)
    assert server.received == [data]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("shape", ["ssas", "soap-1.1"])
@pytest.mark.parametrize("status", ["500 Internal Server Error", "200 OK"])
def test_proxy_loss_is_told_about_the_id_of_the_client(status: str, shape: str, codec: str) -> None:
    fault = session_not_found("9F2C-secret-of-the-server").to_body(shape)  # type: ignore[arg-type]
    content_type = "text/xml" if codec == "utf-16" else f"text/xml; charset={codec}"
    answer = encode(Envelope(body=fault)).decode().encode(codec)
    with proxied(one=Provider(instead=[Page(status, answer, content_type)])) as url:
        data = request(Session("one.9F2C-secret-of-the-server"))
        _, answer = post(url, [data], len(data))
    found = decode(answer).fault
    assert found is not None
    assert found.session_lost
    assert b"one.9F2C-secret" in answer
    assert b"'9F2C" not in answer
    assert b'"9F2C' not in answer


def test_proxy_forwards_any_other_fault_unchanged() -> None:
    answer = encode(Envelope(body=Fault("Server", "the cube is being processed").to_body()))
    with proxied(one=Provider(instead=[Page("500 Internal Server Error", answer, "text/xml")])) as url:
        data = request(Session("one.9F2C"))
        assert post(url, [data], len(data)) == (500, answer)


@pytest.mark.parametrize("content", [b"<html/>", b"<s:Envelope", encode(Envelope(body=DISCOVER))])
def test_proxy_closes_the_connection_to_the_server(content: bytes) -> None:
    closed: list[http.client.HTTPConnection] = []
    close = http.client.HTTPConnection.close

    def noted(connection: http.client.HTTPConnection) -> None:
        closed.append(connection)
        close(connection)

    server = Provider(instead=[Page("200 OK", content, "text/xml")])
    with mock.patch.object(http.client.HTTPConnection, "close", noted):
        with proxied(one=server) as url:
            data = request()
            post(url, [data], len(data))
        # The proxy may close it after the client has read the answer.
        assert {connection.port for connection in closed} > {urlsplit(url).port}


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_proxy_closes_the_answer_at_its_end_or_if_it_is_dropped(taken: int) -> None:
    closed: list[bool] = []
    with ExitStack() as stack:
        stack.callback(closed.append, True)
        chunks = until_end([b"a", b"b"], stack.pop_all())
    assert len(list(islice(chunks, taken))) == min(taken, 2)
    chunks.close()  # as a WSGI server does
    assert closed == [True]


@pytest.mark.parametrize(
    ("body", "is_fault"),
    [
        (b"<s:Fault/>", True),
        (b"\n <Fault xmlns='urn:f'>", True),
        (b"<Faults/>", False),
        (b"<a><Fault/></a>", False),
        (b"Fault", False),
        (b"", False),
    ],
)
def test_head_knows_a_fault_wherever_it_is_cut(body: bytes, is_fault: bool) -> None:  # noqa: FBT001 - a row of the table
    head = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    for cut in range(len(body) + 1):
        chunks = iter([head + body[:cut], *([body[cut:]] if body[cut:] else [])])
        assert Head(chunks, None).is_fault(chunks) is is_fault


@pytest.mark.parametrize("codec", ["utf-16", "iso-8859-1"])
def test_proxy_keeps_the_encoding_of_both_sides(codec: str) -> None:
    content_type = "text/xml" if codec == "utf-16" else f"text/xml; charset={codec}"
    server = Provider(ids=iter(["é"]), every_reply=True, content_type=content_type)
    server.write = lambda envelope: encode(envelope).decode().encode(codec)
    with proxied(one=server) as url:
        for block in (BeginSession(), Session("one.é")):
            data = request(block).decode().encode(codec)
            _, answer = post(url, [data], len(data), content_type)
            charset = None if codec == "utf-16" else codec
            assert decode(answer, encoding=charset).header.session == Session("one.é")
    assert server.seen == [Header(BeginSession()), Header(Session("é"))]


def test_proxy_streams_both_ways_without_buffering() -> None:
    # Each side sends its second half only after the other side has received the first.
    half = b"y" * (4 * PIECE)
    whole = b"<x>" + half + half + b"</x>"
    arrived, read = threading.Event(), threading.Event()
    received: list[bytes] = []

    def server(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        stream, length = environ["wsgi.input"], int(environ["CONTENT_LENGTH"])
        received.append(stream.read(2 * PIECE))
        arrived.set()
        received.append(stream.read(length - 2 * PIECE))
        answer = request(Session("9F2C"), body=Fragment(whole))
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(answer)))])
        yield answer[: 2 * PIECE]
        assert read.wait(SECONDS)
        yield answer[2 * PIECE :]

    data = request(Session("one.1"), body=Fragment(whole))
    cut = data.index(half) + len(half)

    def body() -> Iterator[bytes]:
        yield data[:cut]
        assert arrived.wait(SECONDS), "the server got nothing before the end"
        yield data[cut:]

    with proxied(one=server) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
        fields = {"Content-Type": "text/xml", "Content-Length": str(len(data))}
        connection.request("POST", parts.path, body(), fields)
        with connection.getresponse() as response:
            answer = response.read(PIECE)
            read.set()
            answer += response.read()
        connection.close()
    assert b"".join(received) == request(Session("1"), body=Fragment(whole))
    assert answer == request(Session("one.9F2C"), body=Fragment(whole))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1"])
def test_head_cut_off_anywhere_in_its_body_is_rewritten(codec: str) -> None:
    # A chunk may end within a character.
    text = request(Session("9F2C"), body=Fragment("<x a='é'>é😀</x>".encode()))
    text = text.replace("😀".encode(), b"") if codec == "iso-8859-1" else text
    data = text.decode().encode(codec)
    charset = codec if codec == "iso-8859-1" else None
    start = data.index("<soap:Body>".encode(codec).removeprefix(b"\xff\xfe")) + len("<soap:Body>") * (
        2 if codec == "utf-16" else 1
    )
    for end in range(start, len(data) + 1):
        head = Head(iter([data[:end], data[end:]]), charset)
        assert (head.block, head.data) == (Session("9F2C"), data[:end])
        assert head.rename(Session("9F2C"), "1") == len(head.data) - end
        assert head.data.endswith(data[start:end])
        assert decode_header(head.data, encoding=charset).session == Session("1")
