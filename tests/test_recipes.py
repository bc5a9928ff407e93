"""The recipes that need only this library: bodies, the client of Mondrian, streams; and the pages of all."""

from __future__ import annotations

import ast
import asyncio
import doctest
import re
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xmla_bodies
import xmla_headers
from mondrian_client import MondrianClient, decoded
from stream_header import header_first, header_first_async
from xmla_bodies import NOTHING, discover, execute
from xmla_headers import (
    XMLA_NS,
    BeginSession,
    Code,
    DecodeError,
    Envelope,
    Fault,
    FaultShape,
    Fragment,
    Header,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    State,
    XmlaHeadersError,
    decode,
    encode,
)
from xmla_headers.http import request_headers

from .loopback import SECONDS, served
from .provider import Page, Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "recipes"
FILES = sorted(FOLDER.glob("*.py"))
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
TEXT_XML = "text/xml; charset=utf-8"
DISCOVER, EXECUTE = discover("DBSCHEMA_CATALOGS"), execute("SELECT FROM [Sales]", {"Catalog": "FoodMart"})


def request(*blocks: HeaderBlock, body: Fragment = EXECUTE) -> bytes:
    return encode(Envelope(Header(*blocks), body))


# The pages.


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_recipe_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    summary = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    assert summary.endswith(".")
    assert len([line for line in text.splitlines() if line]) <= 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_recipe_is_included_once_and_in_the_table(path: Path) -> None:
    included = [name for text in PAGES.values() for name in re.findall(r"{literalinclude} (\S+)", text)]
    assert included.count(path.name) == 1
    assert f"`{path.name}`" in PAGES["index.md"]


def test_recipe_pages_include_only_files_that_exist() -> None:
    included = [name for text in PAGES.values() for name in re.findall(r"{literalinclude} (\S+)", text)]
    assert {path.name for path in FILES} == set(included)


# The bodies.


def test_bodies_are_whole_methods_in_the_namespace() -> None:
    body = discover("MDSCHEMA_CUBES", {"CUBE_NAME": "a<b&c"}, {"Format": "Tabular"})
    (method,) = body.elements()
    names = [element.tag.removeprefix(f"{{{XMLA_NS}}}") for element in method.iter()]
    assert names == [
        *("Discover", "RequestType", "Restrictions", "RestrictionList", "CUBE_NAME"),
        *("Properties", "PropertyList", "Format"),
    ]
    assert [text for text in method.itertext() if text.strip()] == ["MDSCHEMA_CUBES", "a<b&c", "Tabular"]


def test_body_of_an_end_has_an_empty_statement() -> None:
    (method,) = NOTHING.elements()
    assert [element.tag.removeprefix(f"{{{XMLA_NS}}}") for element in method.iter()] == [
        *("Execute", "Command", "Statement", "Properties", "PropertyList"),
    ]
    assert not "".join(method.itertext())


def test_bodies_examples_run() -> None:
    assert doctest.testmod(xmla_bodies) == doctest.TestResults(failed=0, attempted=4)


# The client for Mondrian.


def test_mondrian_client_sends_each_session_header() -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        client = MondrianClient(url, timeout=SECONDS)
        assert client.call("Execute", EXECUTE).header.session == Session("session-1")
        for _ in range(3):
            assert client.call("Discover", DISCOVER).fault is None
        assert client.end().fault is None
    assert provider.asked == ["BeginSession", "Session", "Session", "Session", "EndSession"]
    forms = {block.must_understand_form for header in provider.seen for block in header}  # type: ignore[union-attr]
    assert forms == {MustUnderstandForm.UNQUALIFIED}
    assert (provider.sessions, provider.complaints) == ({}, [])


def test_mondrian_ignores_session_headers_of_another_form() -> None:
    provider = Provider(mondrian=True)
    with served(provider) as url:
        client = MondrianClient(url, BeginSession(must_understand=True), timeout=SECONDS)
        for _ in range(2):
            with pytest.warns(UserWarning, match="without a Session") as caught:
                assert client.call("Execute", EXECUTE).header.session is None
            # It points to the caller.
            assert [warning.filename for warning in caught] == [__file__]
    assert provider.asked == ["BeginSession", "BeginSession"]


def test_mondrian_client_after_a_loss_begins_again() -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        client = MondrianClient(url, timeout=SECONDS)
        client.call("Execute", EXECUTE)
        provider.forget()
        fault = client.call("Execute", EXECUTE).fault
        assert fault is not None
        assert fault.session_lost
        assert client.call("Execute", EXECUTE).header.session == Session("session-2")
    assert provider.asked == ["BeginSession", "Session", "BeginSession"]


def test_mondrian_client_after_an_error_page_continues() -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        client = MondrianClient(url, timeout=SECONDS)
        provider.instead = [Page("502 Bad Gateway"), Page("200 OK")]
        with pytest.raises(urllib.error.HTTPError) as caught:
            client.call("Execute", EXECUTE)
        caught.value.close()
        with pytest.raises(XmlaHeadersError):
            client.call("Execute", EXECUTE)
        for _ in range(2):
            assert client.call("Execute", EXECUTE).header.session == Session("session-3")
    assert provider.asked == [*["BeginSession"] * 3, "Session"]


def test_mondrian_client_keeps_the_answer_with_another_id() -> None:
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        client = MondrianClient(url, timeout=SECONDS)
        client.call("Execute", EXECUTE)
        other = encode(Envelope(Header(Session("another")), EXECUTE))
        provider.instead = [Page("200 OK", other, TEXT_XML)]
        with pytest.warns(UserWarning, match="another session id"):
            assert client.call("Execute", EXECUTE).header.session == Session("another")
        assert client.conversation.session_id == "session-1"
        assert client.call("Execute", EXECUTE).header.session == Session("session-1")


LOST = Fault("Server.00HSHU01", "Die Sitzung gibt es nicht: für Müller, does not exist", actor="Mondrian")


@pytest.mark.parametrize("content_type", [TEXT_XML, "text/xml"])
def test_mondrian_client_reads_a_mislabelled_fault(content_type: str) -> None:
    # Its faults are in ISO-8859-1, and Content-Type and declaration may say UTF-8.
    answer = encode(Envelope(body=LOST.to_body(FaultShape.SOAP_1_1)), xml_declaration=True)
    provider = Provider(mondrian=True, every_reply=True)
    with served(provider) as url:
        client = MondrianClient(url, timeout=SECONDS)
        client.call("Execute", EXECUTE)
        provider.instead = [Page("200 OK", answer.decode().encode("iso-8859-1"), content_type)]
        assert client.call("Execute", EXECUTE).fault == LOST
        assert client.conversation.state is State.LOST
        assert client.call("Execute", EXECUTE).header.session == Session("session-2")


def test_mondrian_client_decodes_other_bytes_only_once() -> None:
    # U+FFFE is not allowed in XML; in ISO-8859-1, the same bytes are three characters that are.
    data = request().replace(b"SELECT", b"\xef\xbf\xbe")
    assert decode(data, encoding="iso-8859-1").fault is None
    with pytest.raises(DecodeError) as caught:
        decoded(data, "utf-8")
    assert caught.value.code is Code.NOT_WELL_FORMED


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
    header, message = header_first(chunks_of(data, size, taken))
    assert header == Header(*blocks)
    assert taken[-1] - size <= data.index(b"<x>") or size > len(data)
    assert b"".join(message) == data


def test_stream_recipe_refuses_a_truncated_message() -> None:
    data = request(Session("9F2C"))
    header, message = header_first([data[:-30], data[-30:-1]])
    assert header.session == Session("9F2C")
    with pytest.raises(DecodeError):
        list(message)


@pytest.mark.parametrize("data", [b"", b"<html>", request()[:40]])
def test_stream_recipe_refuses_other_bytes_at_once(data: bytes) -> None:
    with pytest.raises(XmlaHeadersError):
        header_first([data])


def test_stream_recipe_charset_is_of_the_transport() -> None:
    data = request(Session("é")).decode().encode("latin-1")
    header, message = header_first([data], "iso-8859-1")
    assert header.session == Session("é")
    assert b"".join(message) == data
    assert xmla_headers.decode(data, encoding="latin-1").header == header


class Chunks:
    """An asynchronous iterable, without an event loop of its own."""

    def __init__(self, data: bytes, size: int, taken: list[int]) -> None:
        self.chunks = chunks_of(data, size, taken)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        try:
            return next(self.chunks)
        except StopIteration:
            raise StopAsyncIteration from None


@pytest.mark.parametrize("size", [1, 7, 100, 10_000_000])
@pytest.mark.parametrize("blocks", [(), (Session("9F2C"),)])
def test_async_stream_yields_header_and_whole_message(size: int, blocks: tuple[Session, ...]) -> None:
    data = request(*blocks, body=Fragment(b"<x>" + b"y" * 500 + b"</x>"))
    taken: list[int] = []

    async def read() -> bytes:
        header, message = await header_first_async(Chunks(data, size, taken))
        assert header == Header(*blocks)
        assert taken[-1] - size <= data.index(b"<x>") or size > len(data)
        return b"".join([chunk async for chunk in message])

    assert asyncio.run(read()) == data


def test_async_stream_refuses_a_truncated_message() -> None:
    async def read(data: bytes) -> None:
        _, message = await header_first_async(Chunks(data, 7, []))
        with pytest.raises(DecodeError):
            [chunk async for chunk in message]

    asyncio.run(read(request(Session("9F2C"))[:-1]))


@pytest.mark.parametrize("data", [b"", b"<html>", request()[:40]])
def test_async_stream_refuses_other_bytes_at_once(data: bytes) -> None:
    with pytest.raises(XmlaHeadersError):
        asyncio.run(header_first_async(Chunks(data, 7, [])))


def test_stream_recipe_reads_a_response_on_loopback() -> None:
    provider = Provider(every_reply=True)
    with served(provider) as url:
        data = request(BeginSession())
        with urllib.request.urlopen(
            urllib.request.Request(url, data, request_headers("Execute"))
        ) as response:
            header, message = header_first(iter(lambda: response.read(50), b""))
            assert header.session == Session("session-1")
            assert decode(b"".join(message)).header == header
