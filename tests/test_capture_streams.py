"""Raw HTTP with wrong lengths, removed codings and any order of messages: what can be read is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import message, session
from xmla_headers.captures import CapturedMessage, CaptureLimits, iter_messages, redact
from xmla_headers.findings import Code

if TYPE_CHECKING:
    from collections.abc import Callable

FIELD = Path(__file__).parent / "data" / "field"
ASK, ANSWER, TEXT = message(session("a")), message(body="<DiscoverResponse/>"), message(body="<é/>")


def post(body: bytes = ASK, length: int | None = None, fields: bytes = b"") -> bytes:
    size = len(body) if length is None else length
    return b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n%bContent-Length: %d\r\n\r\n%b" % (
        fields,
        size,
        body,
    )


def answer(body: bytes = ANSWER, length: int | None = None, status: int = 200) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (status, size, body)


def read(data: bytes) -> list[CapturedMessage]:
    return list(iter_messages(data))


def read_field(name: str) -> list[CapturedMessage]:
    return read((FIELD / name).read_bytes())


def names(found: list[CapturedMessage]) -> list[str]:
    return [item.name for item in found]


def broken(found: list[CapturedMessage]) -> list[str]:
    troubles = [(item.name, item.trouble) for item in found if item.trouble is not None]
    assert {trouble.code for _, trouble in troubles} <= {Code.BROKEN_CAPTURE}
    return [name for name, _ in troubles]


# -- wrong lengths ---------------------------------------------------------------------------------------


def test_stream_with_a_length_in_characters_loses_one_message() -> None:
    found = read_field("48c-wrong-length-hides-the-rest.http")
    assert len(found) == 6
    assert broken(found) == ["request/0"]
    assert "2 bytes" in str(found[0].trouble)
    assert all(item.body.endswith(b"Envelope>") for item in found[1:])


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("delta", [-1_000, -40, -2, -1, 1, 5, 17, 80, 400, 9_999_999])
def test_stream_with_a_wrong_length_loses_one_message(delta: int, place: int) -> None:
    makers: list[Callable[[bytes, int], bytes]] = [post, answer, post, answer]
    size = len(TEXT)
    pieces = [make(TEXT, max(0, size + delta) if at == place else size) for at, make in enumerate(makers)]
    found = read(b"".join(pieces))
    assert names(found) == ["request/0", "response/0", "request/1", "response/1"]
    assert broken(found) == [found[place].name]
    assert [item.body for item in found] == [b"" if at == place else TEXT for at in range(4)]


@pytest.mark.parametrize("gap", [b"", b"\r\n"])
def test_stream_with_a_length_over_the_next_message_loses_one(gap: bytes) -> None:
    following = gap + answer(TEXT)
    found = read(answer(TEXT, len(TEXT) + len(following)) + following + post() + answer())
    assert [item.body for item in found] == [b"", TEXT, ASK, ANSWER]
    assert broken(found) == ["response/0"]


def test_stream_with_a_length_over_no_body_loses_one_message() -> None:
    found = read(post(b"", 60) + answer() + post() + answer())
    assert broken(found) == ["request/0"]
    assert [item.body for item in found] == [b"", ANSWER, ASK, ANSWER]
    assert names(found) == ["request/0", "response/0", "request/1", "response/1"]


@given(delta=st.integers(-60, 300).filter(bool), place=st.integers(0, 2), gap=st.sampled_from([b"", b"\r\n"]))
def test_stream_with_any_wrong_length_loses_one_message(delta: int, place: int, gap: bytes) -> None:
    pieces = [answer(TEXT, len(TEXT) + delta * (at == place)) for at in range(4)]
    found = read(gap.join(pieces))
    assert names(found) == [f"response/{number}" for number in range(4)]
    # White space between messages may belong to a body.
    lost = [] if 0 < delta <= len(gap) else [f"response/{place}"]
    assert broken(found) == lost


def test_stream_with_a_broken_chunk_loses_one_message() -> None:
    bad = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<a/>xx\r\n0\r\n\r\n"
    found = read(post() + bad + post() + answer())
    assert broken(found) == ["response/0"]
    assert "bytes after it are ignored" in str(found[1].trouble)
    assert [item.body for item in found] == [ASK, b"", ASK, ANSWER]


def test_stream_with_a_body_in_a_head_loses_one_message() -> None:
    joined = b"POST /x HTTP/1.1\r\nContent-Type: text/xml\r\nSOAPAction: " + ASK
    found = read(post() + answer() + joined + answer())
    assert broken(found) == ["request/1"]
    assert [item.body for item in found] == [ASK, ANSWER, b"", ANSWER]


def test_stream_goes_on_at_an_envelope_without_a_head() -> None:
    found = read(post(ASK, 20) + b"\r\n--\r\n" + ASK + b"\r\n" + answer(ANSWER, 9_999) + TEXT)
    assert broken(found) == ["request/0", "response/0"]
    assert [item.body for item in found if item.trouble is None] == [ASK, TEXT]
    assert names(found)[1:3] == ["response/0", "envelope/0"]


def test_stream_names_bytes_between_messages_once() -> None:
    found = read(post() + b"\n* one\n" + answer() + b"\n* two\n" + post() + answer() + b"\n")
    assert [item.body for item in found] == [ASK, ANSWER, ASK, ANSWER, b""]
    assert broken(found) == [""]
    assert "10 bytes" in str(found[-1].trouble)
    assert "request/0" in str(found[-1].trouble)


@pytest.mark.parametrize(
    "body", [b"<a/>", b"<a b='c/d' />", b"<?xml version='1.0'?>\n<!-- a -->\n<a>b</a >\n"]
)
def test_stream_keeps_a_whole_body_with_bytes_after_it(body: bytes) -> None:
    found = read(post(body) + b"\n* closed\n" + answer())
    assert [item.body for item in found] == [body, ANSWER, b""]


def test_body_that_quotes_a_head_is_one_message() -> None:
    quoted = message(body="<a>\nPOST /x HTTP/1.1\nHost: h\n\n</a><b>HTTP/1.1 200 OK\nA: b\n</b>")
    found = read(post(quoted) + answer(quoted) + post())
    assert [item.body for item in found] == [quoted, quoted, ASK]
    assert broken(found) == []
    # Nothing follows where the first one ends.
    found = read(post(quoted) + b"\n* closed\n" + answer())
    assert [item.body for item in found] == [quoted, ANSWER, b""]


@pytest.mark.parametrize("body", [TEXT, b"\xff\xfe" + TEXT.decode().encode("utf-16-le")])
def test_body_larger_than_the_limit_without_a_length_is_said(body: bytes) -> None:
    data = b"POST /x HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n" + body
    (found,) = iter_messages(data, limits=CaptureLimits(max_entry_bytes=20))
    assert found.trouble is not None
    assert found.trouble.code is Code.LIMIT_EXCEEDED


# -- removed codings, HTTP/2 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"Transfer-Encoding: chunked\r\n", ANSWER),
        (b"Content-Encoding: gzip\r\nContent-Length: 30\r\n", ANSWER),
        (b"Content-Encoding: gzip\r\nContent-Length: 999999\r\n", ANSWER),
        (b"Content-Encoding: deflate\r\n", ANSWER),
        (b"Content-Encoding: br\r\nContent-Length: 9\r\n", ANSWER),
        (b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", ANSWER),
        (b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", gzip.compress(ANSWER)),
        (b"Content-Encoding: gzip\r\n", b"\xef\xbb\xbf<?xml version='1.0'?>" + ANSWER),
        (b"Content-Encoding: gzip\r\n", ANSWER.decode().encode("utf-16")),
        (b"", ANSWER),
    ],
)
@pytest.mark.parametrize("version", [b"HTTP/1.1 200 OK", b"HTTP/2 200 ", b"HTTP/2.0 200", b"HTTP/3 200"])
def test_body_without_the_codings_of_its_head_is_read(version: bytes, fields: bytes, body: bytes) -> None:
    if body.startswith(b"\x1f\x8b"):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    one = b"%b\r\nContent-Type: text/xml\r\n%b\r\n%b" % (version, fields, body)
    found = read(one + post() + one)
    expected = ANSWER if b"\x1f\x8b" in body else body
    # The first answer may be to an older request.
    assert sorted(item.body for item in found) == sorted([expected, ASK, expected])
    assert broken(found) == []


@pytest.mark.parametrize("data", [b"\x78\x9c", zlib.compress(ANSWER)[:-2], b"no XML"])
def test_body_that_is_neither_coded_nor_markup_is_broken(data: bytes) -> None:
    found = read(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + data)
    assert broken(found) == ["response/0"]


@pytest.mark.parametrize("name", ["51-curl-include.http", "59-curl-i-dechunked.http"])
def test_output_of_curl_is_read(name: str) -> None:
    (found,) = read_field(name)
    assert (found.status, found.trouble, len(found.body)) == (200, None, 401)


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 Connection established", b"HTTP/1.1 100 Continue", b"HTTP/2 103"]
)
def test_heads_that_curl_prints_before_the_answer_are_ignored(first: bytes) -> None:
    found = read(first + b"\r\nVia: a\r\n\r\nHTTP/2 200 \r\n\r\n" + ANSWER)
    assert [(item.name, item.body) for item in found] == [("response/0", ANSWER)]


def test_request_of_http_2_is_read() -> None:
    data = b"POST /x HTTP/2\r\nhost: h\r\ncontent-type: text/xml\r\n\r\n" + ASK
    assert [item.body for item in read(data + answer())] == [ASK, ANSWER]


def test_redact_walks_bodies_without_the_codings_of_their_heads() -> None:
    secret = message(session("7F0A9B52-62A4"))
    for fields in (b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\nContent-Length: 3\r\n"):
        data = b"HTTP/2 200\r\n%b\r\n%b" % (fields, secret) + post(secret, 40) + post(secret)
        redacted = redact(data).data
        assert b"7F0A9B52" not in redacted
        assert redacted.count(b"session-1") == 3


# -- logins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("joined", [False, True])
def test_empty_request_of_a_login_is_nothing_to_report(status: int, *, joined: bool) -> None:
    messages = [post(b""), answer(b"<html/>", status=status), post(), answer()]
    if joined:
        messages = [messages[0], messages[2], messages[1], messages[3]]
    found = read(b"".join(messages))
    assert names(found) == ["request/1", "response/1"]


def test_login_of_ntlm_is_nothing_to_report() -> None:
    found = read_field("14b-ntlm.http")
    assert names(found) == ["request/0", "response/0", "request/2", "response/2"]
    assert broken(found) == []
