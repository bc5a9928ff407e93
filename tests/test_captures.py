"""Captures: bytes of a HAR, a Fiddler archive, raw HTTP or a message -> captured messages."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmla_headers import Code, Direction, captures, iter_findings
from xmla_headers.captures import CapturedMessage, CaptureLimits, check_message, iter_messages

from .capture_files import (
    BEGIN,
    Exchange,
    archive,
    har,
    har_entry,
    http_request,
    http_response,
    message,
    recorded,
    saz,
    session,
    stream,
)
from .capturing import calls_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

RECORDED = recorded()
WIRE = [
    (direction, body)
    for exchange in RECORDED
    for direction, body in ((Direction.REQUEST, exchange.request), (Direction.RESPONSE, exchange.response))
]
FORMATS: dict[str, Callable[[list[Exchange]], bytes]] = {
    "har": har,
    "saz": saz,
    "saz, plain": lambda exchanges: saz(exchanges, ""),
    "stream": stream,
    "stream, chunked": lambda exchanges: stream(exchanges, "chunked"),
    "stream, gzip": lambda exchanges: stream(exchanges, "chunked gzip"),
    "stream, deflate": lambda exchanges: stream(exchanges, "deflate"),
}


def read(data: bytes, **options: Any) -> list[CapturedMessage]:
    return list(iter_messages(data, **options))


def troubles(messages: Iterable[CapturedMessage]) -> list[tuple[str, str]]:
    return [(found.name, str(found.trouble.code)) for found in messages if found.trouble is not None]


# -- every format says the same -----------------------------------------------------------------------


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_iter_messages_of_every_format_yields_recorded_bodies(
    make: Callable[[list[Exchange]], bytes],
) -> None:
    found = read(make(RECORDED))
    assert [(item.direction, item.body) for item in found] == WIRE
    assert [item.status for item in found] == [None, 200] * len(RECORDED)
    assert {item.charset for item in found} == {"utf-8"}
    assert not troubles(found)
    exchanges = [item.exchange for item in found]
    assert exchanges[::2] == exchanges[1::2]
    assert len(set(exchanges)) == len(RECORDED)
    assert len({item.name for item in found}) == len(found)


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_iter_messages_of_any_buffer_yields_copies(make: Callable[[list[Exchange]], bytes]) -> None:
    data = make(RECORDED)
    for buffer in (bytearray(data), memoryview(data), memoryview(bytearray(data))):
        assert list(iter_messages(buffer)) == read(data)


@pytest.mark.parametrize("make", [har, saz])
def test_iter_messages_yields_times_of_request_and_response(make: Callable[[list[Exchange]], bytes]) -> None:
    request, response, *_ = read(make(RECORDED[:1]))
    minute = 0 if make is har else 1
    assert request.time == datetime(2026, 11, 20, 10, minute, 0, 250_000, UTC)
    assert response.time is not None
    assert response.time - request.time == timedelta(milliseconds=125)


def test_raw_response_with_a_date_has_its_time() -> None:
    _, response = read(stream([RECORDED[0]]))
    assert response.time == datetime(2026, 11, 20, 10, 23, 44, tzinfo=UTC)


def test_bare_message_has_the_direction_of_its_name() -> None:
    assert read(message(), name="logs/17-request.xml")[0].direction is Direction.REQUEST
    assert read(message(), name="logs/17.resp.xml")[0].direction is Direction.RESPONSE
    assert read(message(), name="logs/request/17.xml")[0].direction is None
    (found,) = iter_messages(message())
    assert (found.name, found.body, found.exchange) == ("", message(), None)


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_message_names_begin_with_the_name_of_the_capture(
    make: Callable[[list[Exchange]], bytes],
) -> None:
    data = make(RECORDED)
    for bare, named in zip(read(data), read(data, name="a/b"), strict=True):
        assert named == replace(bare, name=f"a/b/{bare.name}", exchange=f"a/b/{bare.exchange}")
    broken = [item.name for item in read(data[:-40], name="a/b") if item.trouble is not None]
    assert broken
    assert all(name.startswith("a/b") for name in broken)


def test_har_in_any_json_spelling_has_the_same_messages() -> None:
    document = json.loads(har(RECORDED[:2]))
    for text in (
        json.dumps(document, indent=1),
        json.dumps(document, ensure_ascii=False).replace("/", "\\/"),
        "\ufeff \n" + json.dumps(document),
        json.dumps(
            {"comment": "{[", "log": {"entries": document["log"]["entries"], "pages": [[{}]]}, "z": 1}
        ),
    ):
        assert read(text.encode()) == read(har(RECORDED[:2]))


def test_har_base64_content_keeps_bytes_and_charset() -> None:
    body = message(session("é")).decode().encode("utf-16")

    def change(document: dict[str, Any]) -> None:
        for part, name in (("request", "postData"), ("response", "content")):
            document["log"]["entries"][0][part][name].update(
                text=base64.b64encode(body).decode(), encoding="base64"
            )
            document["log"]["entries"][0][part]["headers"] = [
                {"name": "content-type", "value": "text/xml;charset=UTF-16"}
            ]

    request, response = read(har(RECORDED[:1], change))
    assert request.body == response.body == body
    assert request.charset == response.charset == "utf-16"
    assert check_message(request).header is not None


def test_har_text_is_utf_8_whatever_it_declares() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + message(session("é")).decode()
    (request, _) = read(har([Exchange(text.encode(), message(), response_fields=())]))
    checked = check_message(request)
    assert checked.header is not None
    assert checked.header.session is not None
    assert checked.header.session.session_id == "é"


# -- what is ignored ---------------------------------------------------------------------------------

PLAIN = (("Host", "a"),)


@pytest.mark.parametrize(
    ("exchange", "taken"),
    [
        (Exchange(b"", b"<html/>", method="GET"), False),
        (Exchange(b'{"a": 1}', b"{}", request_fields=(*PLAIN, ("Content-Type", "application/json"))), False),
        (Exchange(b"a=b", b"", request_fields=PLAIN), False),
        (Exchange(message(), message(), request_fields=PLAIN), True),
        (Exchange(b"?", message(), request_fields=(*PLAIN, ("SOAPACTION", ""))), True),
        (Exchange(b"?", message(), request_fields=(*PLAIN, ("content-type", "TEXT/XML"))), True),
        (Exchange(b"", b"", 401), False),
        (Exchange(message(), b"", 401), True),
        (Exchange(b"", message()), True),
    ],
)
@pytest.mark.parametrize("make", [har, saz, stream])
def test_request_not_posted_as_xml_is_ignored(
    make: Callable[[list[Exchange]], bytes], exchange: Exchange, *, taken: bool
) -> None:
    found = read(make([RECORDED[0], exchange, RECORDED[1]]))
    assert len(found) == 6 if taken else 4
    assert [item.body for item in found[:2]] == [body for _, body in WIRE[:2]]
    assert [item.body for item in found[-2:]] == [body for _, body in WIRE[2:4]]


def test_request_without_response_is_yielded_alone() -> None:
    for make in (har, saz):
        found = read(make([Exchange(message(), None), *RECORDED]))
        assert found[0].direction is found[1].direction is Direction.REQUEST


# -- names that pair ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ["a-1-request.xml", "a-1-response.xml", "a-2-request.xml", "a-2-response.xml"],
        ["request-9.xml", "response-9.xml", "request-10.xml", "response-10.xml"],
        ["Discover.req.xml", "Discover.resp.xml", "Execute.REQ.xml", "Execute.RESP.xml"],
        ["raw/9_c.txt", "raw/9_s.txt", "raw/10_c.txt", "raw/10_s.txt"],
        ["x/req_1.xml", "x/reply_1.xml", "y/req_1.xml", "y/answer_1.xml"],
    ],
)
def test_pair_names_pairs_requests_with_responses(names: list[str]) -> None:
    for order in (names, sorted(names), names[::-1]):
        paired = captures.pair_names(order)
        assert [name for name, _ in paired] == names
        (first, second, third, fourth) = [exchange for _, exchange in paired]
        assert first == second != third == fourth
        assert None not in (first, third)


def test_pair_names_of_one_side_gives_no_exchange() -> None:
    names = ["1-request.xml", "2-response.xml", "3.xml", "requests.xml", "Reqs_c.xml"]
    assert captures.pair_names(names) == [(name, None) for name in sorted(names)]


# -- what cannot be read --------------------------------------------------------------------------------


def _without(document: dict[str, Any], *path: str) -> None:
    place = document["log"]["entries"][1]
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]


def _set(value: object, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document["log"]["entries"][1]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_set(None, "request"), ["entries/1"]),
        (_set("text", "request"), ["entries/1"]),
        (lambda document: document["log"]["entries"].__setitem__(1, [1]), ["entries/1"]),
        (lambda document: document["log"]["entries"].__setitem__(1, None), ["entries/1"]),
        (lambda document: _without(document, "request", "postData"), ["entries/1/request"]),
        (lambda document: _without(document, "response", "content", "text"), ["entries/1/response"]),
        (_set(3, "response", "content", "text"), ["entries/1/response"]),
        (_set("base64", "response", "content", "encoding"), []),
        (_set("\ud800", "request", "postData", "text"), ["entries/1/request"]),
        (_set(None, "response"), []),
        (_set("200", "response", "status"), []),
        (_set([{"name": 1}, 2, {}], "request", "headers"), []),
        (_set("no time", "startedDateTime"), []),
        (_set(1e308, "time"), []),
        (_set(-1, "time"), []),
        (_set("9999-12-31T23:59:59Z", "startedDateTime"), []),
        (_set(10**309, "time"), []),
        (_set({"text": "é", "encoding": "base64"}, "response", "content"), ["entries/1/response"]),
        (_set([{"name": "Content-Type", "value": "text/xml\ud800"}], "request", "headers"), []),
    ],
)
def test_har_broken_entry_is_a_finding_and_reading_goes_on(
    change: Callable[[dict[str, Any]], None], expected: list[str]
) -> None:
    found = read(har(RECORDED, change))
    assert troubles(found) == [(name, "broken-capture") for name in expected]
    assert [(item.direction, item.body) for item in found[:2]] == WIRE[:2]
    assert [(item.direction, item.body) for item in found[-10:]] == WIRE[-10:]


@pytest.mark.parametrize(
    "entry",
    [
        b'{"a": 1,}',
        b'{"request" {}}',
        b'{"a": tru}',
        b'{"a": "\\x"}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"nonsense",
        b'"text"',
        b"[]",
        b'{"a": "}]", "b": [}',
        b"{}",
    ],
)
@pytest.mark.parametrize("padding", [0, 300_000])
def test_har_entries_of_invalid_json_are_skipped(entry: bytes, padding: int) -> None:
    whole = [json.dumps(har_entry(exchange)).encode() for exchange in RECORDED[:2]]
    space = b" " * padding
    data = b'{"log": {"entries": [%b,%b%b%b,%b]}}' % (whole[0], space, entry, space, whole[1])
    found = read(data)
    assert [name for name, _ in troubles(found)] == ["entries/1"]
    assert [item.body for item in found if item.trouble is None] == [body for _, body in WIRE[:4]]


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8, 0.99999])
def test_har_cut_off_yields_whole_entries_and_a_finding(fraction: float) -> None:
    data = har(RECORDED)
    found = read(data[: int(len(data) * fraction)])
    whole = [item for item in found if item.trouble is None]
    assert [(item.direction, item.body) for item in whole] == WIRE[: len(whole)]
    ends = [
        data.index(json.dumps(har_entry(exchange, number)).encode())
        for number, exchange in enumerate(RECORDED)
    ]
    assert len(whole) >= 2 * sum(end < fraction * len(data) for end in ends) - 2
    assert troubles(found)[-1] == ("", "broken-capture")
    assert "breaks off" in str(found[-1].trouble)


@pytest.mark.parametrize(
    "data",
    [b"{}", b'{"log": []}', b'{"log": {"entries": {}}}', b'{"log": {}}', b'{"log": 1', b"{", b'{"a'],
)
def test_json_without_entries_is_a_finding(data: bytes) -> None:
    # The others break off, or have entries that are no array.
    ends = data.endswith((b"{}", b"[]}", b"{}}", b"1")) and b"entries" not in data
    assert troubles(read(data)) == [("", "unsupported-format" if ends else "broken-capture")]


@pytest.mark.parametrize("size", [1_000, 262_144, 600_000])
def test_har_entry_over_the_limit_is_skipped(size: int) -> None:
    large = Exchange(message(body=f"<a>{'x' * size}</a>"), message())
    limits = CaptureLimits(max_entry_bytes=size)
    found = read(
        har([RECORDED[1], large, RECORDED[1]]), limits=replace(limits, max_entry_bytes=max(size, 2_000))
    )
    if size > 2_000:
        assert troubles(found) == [("entries/1", "limit-exceeded")]
        assert [item.body for item in found if item.trouble is None] == [body for _, body in WIRE[2:4]] * 2


@given(st.data())
def test_damaged_har_raises_nothing(data: st.DataObject) -> None:
    whole = bytearray(har(RECORDED[1:3]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    for found in iter_messages(bytes(whole)):
        assert isinstance(check_message(found).findings, tuple)


@given(st.data(), st.sampled_from(["", "chunked", "deflate"]))
def test_damaged_stream_raises_nothing(data: st.DataObject, coding: str) -> None:
    whole = bytearray(stream(RECORDED[1:3], coding))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    for found in iter_messages(bytes(whole)):
        check_message(found)


@given(st.data())
def test_damaged_archive_raises_nothing(data: st.DataObject) -> None:
    whole = bytearray(saz(RECORDED[1:3]))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    for found in iter_messages(bytes(whole)):
        check_message(found)


@given(st.binary(max_size=200))
def test_iter_messages_of_any_bytes_raises_nothing(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06", b"{", b"POST / HTTP/1.1\r\n", b"HTTP/1.1 200\r\n"):
        for found in iter_messages(start + data):
            check_message(found)


# -- archives -----------------------------------------------------------------------------------------


def test_saz_members_with_other_names_are_ignored() -> None:
    members = {
        "../../raw/1_c.txt": b"POST / HTTP/1.1\r\n\r\n",
        "raw/../raw/1_c.txt": b"POST / HTTP/1.1\r\n\r\n",
        "/raw/1_c.txt": b"POST / HTTP/1.1\r\n\r\n",
        "raw/1_c.txt/x": b"",
        "raw/7_c.txt": http_request(RECORDED[0]),
        "raw/7_s.txt": http_response(RECORDED[0]),
        "RAW/12_C.TXT": http_request(RECORDED[1]),
    }
    found = read(archive(members))
    assert [item.name for item in found] == ["raw/7_c.txt", "raw/7_s.txt", "RAW/12_C.TXT"]


def _patched(data: bytes, name: bytes, place: int, value: bytes) -> bytes:
    """Change a member's entry in the directory of an archive."""
    entry = data.rindex(name) - 46
    return data[: entry + place] + value + data[entry + place + len(value) :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: _patched(data, b"raw/1_s.txt", 8, b"\x01\x00"), "encrypted"),
        (lambda data: _patched(data, b"raw/1_s.txt", 10, b"\x0c\x00"), "a method other than"),
        (lambda data: _patched(data, b"raw/1_s.txt", 10, b"\x63\x00"), "a method other than"),
        (lambda data: _patched(data, b"raw/1_s.txt", 16, b"\x00\x00\x00\x00"), "damaged"),
        (lambda data: _patched(data, b"raw/1_s.txt", 20, b"\x05\x00\x00\x00"), "damaged"),
        (lambda data: _patched(data, b"raw/1_s.txt", 42, b"\xff\xff\xff\x00"), "damaged"),
        (lambda data: data.replace(b"raw/2_s.txt", b"raw/1_s.txt"), "two entries"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_saz_broken_member_is_a_finding_and_reading_goes_on(
    change: Callable[[bytes], bytes], says: str
) -> None:
    found = read(change(saz(RECORDED[:3])))
    assert troubles(found) == [("raw/1_s.txt", "broken-capture")]
    assert says in str(found[1].trouble)
    assert [item.body for item in found[-2:]] == [body for _, body in WIRE[4:6]]


@pytest.mark.parametrize("cut", [30, 200, -1, -10, -23])
def test_saz_cut_off_is_a_finding(cut: int) -> None:
    assert troubles(read(saz(RECORDED)[:cut])) == [("", "broken-capture")]


def test_zip_without_messages_is_a_finding() -> None:
    for members in ({}, {"a.txt": b"no message"}):
        (found,) = iter_messages(archive(members))
        assert found.trouble is not None
        assert "without captures: not read" in found.trouble.message


def test_zip_bomb_unpacks_within_the_limits() -> None:
    zeros = http_request(RECORDED[0]) + bytes(3_000_000)
    data = archive({f"raw/{number}_c.txt": zeros for number in range(1, 6)})
    limits = CaptureLimits(max_entry_bytes=1_000_000)
    assert troubles(read(data, limits=limits)) == [
        (f"raw/{number}_c.txt", "limit-exceeded") for number in range(1, 6)
    ]
    limits = CaptureLimits(max_unpacked_bytes=7_000_000)
    found = read(data, limits=limits)
    assert [name for name, _ in troubles(found)] == ["raw/3"]
    assert "max_unpacked_bytes" in str(found[-1].trouble)
    assert troubles(read(data, limits=CaptureLimits(max_entries=4))) == [("", "limit-exceeded")]


def test_body_that_unpacks_to_too_much_is_a_finding() -> None:
    exchange = Exchange(message(), bytes(5_000_000))
    limits = CaptureLimits(max_entry_bytes=1_000_000)
    for coding in ("gzip", "deflate"):
        found = read(stream([exchange, RECORDED[0]], coding), limits=limits)
        assert troubles(found) == [("response/0", "limit-exceeded")]
        assert len(found) == 4


# -- bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "settings"),
    [
        ("application/sx", ["Protocol Format=XML"]),
        ("application/xml+xpress", ["Transport Compression=None"]),
        ("Application/SX+XPRESS; charset=utf-8", ["Protocol Format=XML", "Transport Compression=None"]),
    ],
)
@pytest.mark.parametrize("make", [har, saz, stream])
def test_binary_body_hint_names_the_connection_property(
    make: Callable[[list[Exchange]], bytes], content_type: str, settings: list[str]
) -> None:
    exchange = Exchange(
        b"\xdf\xff\x01".decode("latin-1").encode(),
        message(),
        request_fields=(("Host", "a"), ("Content-Type", content_type)),
    )
    request, response = read(make([exchange]))
    assert request.trouble is not None
    assert request.trouble.code is Code.NOT_XML
    assert content_type.partition(";")[0].lower() in request.trouble.message
    for setting in settings:
        assert setting in (request.trouble.hint or "")
    assert response.trouble is None


def _response(fields: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n%b\r\n%b" % (fields, body)


RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"", message()),
        (b"Content-Encoding: identity\r\n", message()),
        (b"Content-Encoding: x-gzip\r\n", gzip.compress(message())),
        (
            b"Content-Encoding: GZIP\r\n",
            gzip.compress(message()[:9]) + gzip.compress(message()[9:]) + bytes(4),
        ),
        (b"Content-Encoding: deflate\r\n", zlib.compress(message())),
        (b"Content-Encoding: deflate\r\n", RAW.compress(message()) + RAW.flush()),
        (b"Content-Encoding: deflate, gzip\r\n", gzip.compress(zlib.compress(message()))),
    ],
)
def test_http_content_codings_are_removed(fields: bytes, body: bytes) -> None:
    (found,) = iter_messages(_response(fields, body))
    assert (found.trouble, found.body) == (None, message())


@pytest.mark.parametrize(
    ("fields", "body", "says"),
    [
        (b"Content-Encoding: br\r\n", b"?", "'br'"),
        (b"Content-Encoding: zstd\r\n", b"?", "'zstd'"),
        (b"Content-Encoding: gzip\r\n", b"no XML", "not valid gzip"),
        (b"Content-Encoding: gzip\r\n", gzip.compress(message())[:-9], "not valid gzip"),
        (b"Content-Encoding: deflate\r\n", b"\x78\x9cjunk", "not valid deflate"),
        (b"Content-Length: 9999\r\n", message(), "the end is missing"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\n<a", "the end is missing"),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n<a/>\r\n", "RFC 9112"),
        (b"Content-Length: 4\r\nContent-Length: 5\r\n", b"<a/>", "no whole HTTP message"),
        (b"Secret: \x00\r\n", b"<a/>", "RFC 9112"),
    ],
)
def test_http_malformed_message_is_a_finding(fields: bytes, body: bytes, says: str) -> None:
    (found,) = iter_messages(_response(fields, body))
    assert found.trouble is not None
    assert found.trouble.code is Code.BROKEN_CAPTURE
    assert says in found.trouble.message
    assert found.body == b""


def test_http_reading_goes_on_after_a_malformed_message() -> None:
    bad = _response(b"Transfer-Encoding: chunked\r\n", b"zz\r\n<a/>\r\n\r\n")
    found = read(http_request(RECORDED[0]) + bad + stream(RECORDED[1:2]))
    assert troubles(found) == [("response/0", "broken-capture")]
    assert [item.body for item in found[2:]] == [body for _, body in WIRE[2:4]]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("end_of_line", [b"\r\n", b"\n"])
def test_http_request_without_host_is_read(version: bytes, end_of_line: bytes) -> None:
    head = b"POST /xmla HTTP/%b\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
    data = (head % (version, len(message()))).replace(b"\r\n", end_of_line) + message()
    found = read(data * 2)
    assert [item.body for item in found] == [message()] * 2


def test_http_request_without_length_has_the_rest_as_body() -> None:
    head = b"POST /xmla HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n"
    found = read((head + message() + b"\r\n") * 2 + http_response(RECORDED[0]) + head)
    assert [item.body for item in found] == [message(), message(), WIRE[1][1], b""]


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/xml;charset=UTF-8", "utf-8"),
        ('Text/XML ; a=b; Charset = "ISO-8859-1" ; c', "iso-8859-1"),
        ("text/xml; charset*0*=a; charset*=b", None),
        ("text/xml; x-charset=a", None),
        ("text/xml; charset=", None),
        ('text/xml;a="' + ";" * 100_000, None),
        ("text/xml" + "; " * 100_000 + "charset=utf-8", None),
    ],
)
def test_http_content_type_gives_the_charset(content_type: str, charset: str | None) -> None:
    # A HAR gives characters, which are encoded in UTF-8, even if the field says otherwise.
    fields = (("Content-Type", content_type),)
    exchange = Exchange(message(), message(), request_fields=fields, response_fields=fields)
    assert {item.charset for item in read(har([exchange]))} == {"utf-8"}
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n\r\n" % content_type.encode()
    (found,) = iter_messages(head + message())
    assert found.charset == charset


@pytest.mark.parametrize(
    "make",
    [
        lambda count: b"POST a HTTP/1.1\r\n" * count,
        lambda count: b"POST a HTTP/1.1\r\n" * count + b"\r\n",
        lambda count: b"HTTP/1.1 200 OK\r\n" * count + b"a: b\r\n\r\n",
        lambda count: _response(b"Content-Encoding: gzip\r\n", gzip.compress(b"") * count),
    ],
)
def test_http_hostile_streams_take_linear_time(make: Callable[[int], bytes]) -> None:
    few, many = (calls_of(partial(read, make(count))) for count in (200, 2_000))
    assert many < 15 * few


def test_http_heads_without_an_end_are_one_malformed_message() -> None:
    found = read(b"POST a HTTP/1.1\r\n" * 1_000 + stream(RECORDED[:1]))
    assert [name for name, _ in troubles(found)] == ["request/0"]
    assert [item.body for item in found[1:]] == [body for _, body in WIRE[:2]]


def test_saz_text_that_resembles_http_2_is_not_converted() -> None:
    line = b"POST / " + b"HTTP/2" * 4_000 + b"\r\n"
    for content in (line + b"a: b\r\n" * 40_000, line, b"HTTP/2", b"POST / HTTP/2\r\n"):
        found = read(archive({"raw/1_c.txt": content}))
        assert [code for _, code in troubles(found)] == ["broken-capture"]


def test_http_interim_responses_are_ignored() -> None:
    data = http_request(RECORDED[0]) + b"HTTP/1.1 100 Continue\r\n\r\n" + http_response(RECORDED[0])
    assert [item.body for item in read(data)] == [body for _, body in WIRE[:2]]


def test_http_one_side_of_a_connection_is_read() -> None:
    for make, direction in ((http_request, Direction.REQUEST), (http_response, Direction.RESPONSE)):
        found = read(b"".join(map(make, RECORDED)))
        assert {item.direction for item in found} == {direction}
        assert len(found) == len(RECORDED)


def test_saz_exchanges_of_http_2_are_read() -> None:
    request = b"POST https://a/xmla HTTP/2\r\nContent-Type: text/xml\r\n\r\n" + message()
    response = b"HTTP/2 200\r\ncontent-type: text/xml\r\n\r\n" + message(session("a"))
    found = read(archive({"raw/1_c.txt": request, "raw/1_s.txt": response}))
    assert [item.body for item in found] == [message(), message(session("a"))]
    assert found[1].status == 200


# -- what the rules make of it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [message(BEGIN), message(BEGIN * 2), b"<a/>", b"", b"\x1f\x8b", message()[:-3]]
)
@pytest.mark.parametrize("direction", [*Direction, None])
def test_check_message_finds_what_iter_findings_finds(body: bytes, direction: Direction | None) -> None:
    checked = check_message(CapturedMessage("a", body, direction))
    assert list(checked.findings) == list(iter_findings(body, direction=direction))
    assert (checked.header is None) == any(finding.severity == "error" for finding in checked.findings)


def test_check_message_uses_direction_and_charset_of_the_capture() -> None:
    latin = message(session("é")).decode().encode("latin-1")
    assert check_message(CapturedMessage("a", latin, charset="iso-8859-1")).findings == ()
    assert check_message(CapturedMessage("a", latin)).findings[0].code is Code.ENCODING_ERROR
    response = CapturedMessage("a", message(BEGIN), Direction.RESPONSE)
    assert [finding.code for finding in check_message(response).findings] == [Code.WRONG_DIRECTION]
    named = check_message(response, direction=Direction.REQUEST)
    assert [finding.code for finding in named.findings] == [Code.WRONG_DIRECTION]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 407, 502, 504])
def test_check_message_of_an_http_error_page_finds_nothing(status: int) -> None:
    page = CapturedMessage("a", b"<!DOCTYPE html><html>", Direction.RESPONSE, status=status)
    assert check_message(page).findings == ()
    assert check_message(page).header is None
    soap = replace(page, body=message(BEGIN))
    assert check_message(soap).findings


@pytest.mark.parametrize("status", [200, 202, 500, None])
def test_check_message_of_a_soap_status_checks_the_rules(status: int | None) -> None:
    page = CapturedMessage("a", b"<!DOCTYPE html><html>", Direction.RESPONSE, status=status)
    assert [finding.code for finding in check_message(page).findings] == [Code.DTD_FORBIDDEN]


@pytest.mark.parametrize(
    ("body", "method"),
    [
        ("<Discover/>", "Discover"),
        ("<x:Execute xmlns:x='urn:x'><a/></x:Execute>", "Execute"),
        (" <!-- a --> <!-- b -->\n<Discover a='b'/>", "Discover"),
        ("", None),
        ("text", None),
    ],
)
def test_check_message_gives_the_method(body: str, method: str | None) -> None:
    assert check_message(CapturedMessage("a", message(body=body))).method == method


def test_repr_shows_no_body_and_no_header_field() -> None:
    found = chain(read(har(RECORDED)), read(stream(RECORDED)))
    for item in found:
        for shown in (repr(item), repr(check_message(item))):
            assert "7357" not in shown.replace("'7357'…", "")
            assert "Zeep" not in shown


def test_check_message_results_pickle() -> None:
    for item in read(har([*RECORDED, *recorded("spyne-zeep")])):
        checked = check_message(item).without_body()
        assert pickle.loads(pickle.dumps(checked)) == checked
        assert checked.message.body == b""
        assert checked.size == len(item.body)


# -- purity -------------------------------------------------------------------------------------------

_WATCHED = """
import sys
from tests.capture_files import har, recorded, saz, stream
from xmla_headers import captures
from xmla_headers.timeline import _html
from xmla_headers.timeline import Timeline
from xmla_headers.transcript import Transcript

def look(data):
    picture, transcript = Timeline(), Transcript()
    for message in captures.iter_messages(data):
        checked = captures.check_message(message)
        picture.add(checked, transcript.add(checked))
    picture.close(transcript.close())
    _html.html(picture, title="a")
    captures.redact(data)

made = [make(recorded()) for make in (har, saz, stream)]
made += [data[: len(data) // 2] for data in made]
for data in made:
    look(data)  # what is imported late is there now
asked = []
watching = False
kinds = ("open", "socket.", "subprocess.", "os.", "import")
def watch(event, arguments):
    if watching and event.startswith(kinds):
        asked.append((event, str(arguments)[:100]))
sys.addaudithook(watch)
watching = True
for data in made:
    look(data)
if provoked:
    open(__file__).close()
watching = False
print(len(asked), *asked[:3])
"""


@pytest.mark.slow
@pytest.mark.parametrize("provoked", [False, True])
def test_captures_use_no_network_and_no_files(tmp_path: Path, *, provoked: bool) -> None:
    script = tmp_path / "watched.py"
    script.write_text(f"provoked = {provoked}\n{_WATCHED}", encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("1 ('open'" if provoked else "0\n")


# -- cost -----------------------------------------------------------------------------------------------


def _peak(data: bytes) -> int:
    tracemalloc.start()
    for _ in iter_messages(data):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("make", [har, stream])
def test_iter_messages_memory_is_bounded_for_many_messages(make: Callable[[list[Exchange]], bytes]) -> None:
    few, many = make(RECORDED * 40), make(RECORDED * 400)
    assert _peak(many) < 1.5 * _peak(few) + 100_000


def test_captures_with_wrong_arguments_raise_type_error() -> None:
    wrong: Any
    for wrong in ("text", None, 1):
        with pytest.raises(TypeError):
            iter_messages(wrong)
        with pytest.raises(TypeError):
            iter_messages(b"", limits=wrong)
        with pytest.raises(TypeError):
            check_message(wrong)
    with pytest.raises(TypeError):
        CaptureLimits(max_entry_bytes=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_entries"):
        CaptureLimits(max_entries=-1)


def test_saz_members_of_one_name_are_a_finding() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("raw/1_c.txt", http_request(RECORDED[0]))
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("raw/1_c.txt", http_request(RECORDED[1]))
    assert troubles(read(file.getvalue())) == [("raw/1_c.txt", "broken-capture")]
