"""HAR and Fiddler archives as different programs write them."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode, urlsafe_b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture_files import BEGIN, Exchange, archive, har, har_entry, http_request, message, saz, session
from tests.test_capture_parts import in_parts
from tests.test_capture_streams import ANSWER, ASK, FIELD, broken, names, read, read_field
from xmla_headers.captures import CaptureLimits, check_message, is_soap, iter_messages, redact
from xmla_headers.captures._formats.har import read as har_read
from xmla_headers.findings import Code
from xmla_headers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

_ONE = Exchange(ASK, ANSWER)


def _har(change: Callable[[dict[str, Any]], object], *exchanges: Exchange) -> bytes:
    def changed(document: dict[str, Any]) -> None:
        for entry in document["log"]["entries"]:
            change(entry)

    return har(exchanges or [_ONE], changed)


# -- contents of a HAR -----------------------------------------------------------------------------------


def _lines(text: str) -> str:
    return "\r\n".join(text[place : place + 76] for place in range(0, len(text), 76))


_PACKED = gzip.compress(ANSWER, mtime=0)
_CONTENTS: dict[str, dict[str, object]] = {
    "base64": {"text": b64encode(ANSWER).decode(), "encoding": "base64"},
    "BASE64 in lines": {"text": _lines(b64encode(ANSWER).decode()), "encoding": "BASE64"},
    "base64 for URLs, without its end": {
        "text": urlsafe_b64encode(ANSWER).decode().rstrip("="),
        "encoding": "base64",
    },
    "base64 without a label": {"text": b64encode(ANSWER).decode()},
    "text called base64": {"text": ANSWER.decode(), "encoding": "base64"},
    "gzip in base64": {"text": b64encode(_PACKED).decode(), "encoding": "base64"},
    "gzip in base64 without a label": {"text": b64encode(_PACKED).decode()},
    "another label": {"text": ANSWER.decode(), "encoding": "utf-8"},
}


@pytest.mark.parametrize("coding", [None, "gzip", "br"])
@pytest.mark.parametrize("kind", _CONTENTS)
def test_har_content_of_any_exporter_is_read(kind: str, coding: str | None) -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["response"]["content"] = {"size": 9, "mimeType": "text/xml", **_CONTENTS[kind]}
        if coding is not None:
            entry["response"]["headers"].append({"name": "Content-Encoding", "value": coding})

    found = read(_har(change))
    assert [item.body for item in found] == [ASK, ANSWER]
    assert broken(found) == []


def test_har_base64_that_is_cut_off_is_read_to_its_end() -> None:
    text = b64encode(ANSWER + b" " * (-len(ANSWER) % 3)).decode() + "A"
    found = read(_har(lambda entry: entry["response"]["content"].update(text=text, encoding="base64")))
    assert [item.body.rstrip() for item in found] == [ASK, ANSWER]


def test_har_text_falsely_called_base64_is_read() -> None:
    found = read_field("11e-har-false-base64.har")
    assert [len(item.body) for item in found] == [359, 401]
    assert broken(found) == []


@pytest.mark.parametrize("text", ["no XML", "PHM6!", "{}"])
def test_har_content_that_is_neither_base64_nor_markup_is_broken(text: str) -> None:
    found = read(_har(lambda entry: entry["response"]["content"].update(text=text, encoding="base64")))
    assert broken(found) == ["entries/0/response"]


def test_redact_walks_har_contents_of_any_exporter() -> None:
    secret = message(session("7F0A9B52-62A4"))
    packed = gzip.compress(secret, mtime=0)
    for content in (
        {"text": secret.decode(), "encoding": "base64"},
        {"text": _lines(b64encode(secret).decode()), "encoding": "base64"},
        {"text": b64encode(packed).decode()},
        {"text": urlsafe_b64encode(secret).decode().rstrip("="), "encoding": "base64"},
    ):
        data = json.dumps({"log": {"entries": [{"request": {"method": "POST", "postData": content}}]}})
        redacted = redact(data.encode()).data
        (found,) = read(redacted)
        assert found.body == secret.replace(b"7F0A9B52-62A4", b"session-1")


# -- what a HAR leaves out -------------------------------------------------------------------------------


def _without_bodies(entry: dict[str, Any]) -> None:
    entry["request"] |= {"bodySize": -1, "postData": {"mimeType": "text/xml", "text": ""}}


@pytest.mark.parametrize(
    ("body_size", "length", "omitted"),
    [
        (-1, None, True),
        (None, None, True),
        (400, None, True),
        (0, "400", True),
        (400, "0", True),
        (-1, "400", True),
        (0, None, False),
        (-1, "0", False),
        (0, "x", False),
        (-1, "9" * 5_000, True),
    ],
)
@pytest.mark.parametrize("posted", [None, {}, {"mimeType": "text/xml", "text": ""}])
def test_har_request_without_a_body_is_omitted(
    posted: dict[str, str] | None, body_size: int | None, length: str | None, *, omitted: bool
) -> None:
    def change(entry: dict[str, Any]) -> None:
        request = entry["request"]
        request |= {"bodySize": body_size, "postData": posted}
        if length is not None:
            request["headers"].append({"name": "content-length", "value": length})

    request, response = read(_har(change, Exchange(ASK, message())))
    assert (request.omitted, request.trouble is not None, response.body) == (omitted, omitted, message())


@pytest.mark.parametrize(
    ("body", "status", "omitted"),
    [
        (message(body="<x:ExecuteResponse/>"), 200, True),
        (message(body="<DiscoverResponse></DiscoverResponse>"), 200, True),
        (message(body="<Fault/>"), 200, False),
        (message(body="<x:ExecuteResponse/>"), 500, False),
        (b"", 200, False),
    ],
)
def test_har_request_of_no_bytes_with_an_answer_is_omitted(
    body: bytes, status: int, *, omitted: bool
) -> None:
    request, _ = read(har([Exchange(b"", body, status)]))
    assert (request.omitted, request.body) == (omitted, b"")


def test_har_without_request_bodies_has_one_finding() -> None:
    granted = Exchange(message(BEGIN), message(session("a")))
    data = _har(_without_bodies, *[granted] * 3)
    found = read(data)
    assert broken(found) == ["entries/0/request"]
    assert [item.omitted for item in found] == [True, False] * 3
    assert [check_message(item).findings for item in found[1:]] == [()] * 5
    assert [is_soap(item) for item in found] == [False, True] * 3
    assert in_parts(data, 0) == (list(iter_messages(data, "a.har")), 3)


def test_har_that_lacks_some_request_bodies_names_each() -> None:
    document = json.loads(har([_ONE] * 4))
    for number in (1, 3):
        _without_bodies(document["log"]["entries"][number])
    data = json.dumps(document).encode()
    assert broken(read(data)) == ["entries/1/request", "entries/3/request"]
    assert in_parts(data, 0)[0] == list(iter_messages(data, "a.har"))


def test_har_without_request_bodies_has_its_session() -> None:
    transcript = Transcript()
    for item in read_field("11b-har-no-request-body.har"):
        transcript.add(check_message(item))
    assert len(transcript.sessions) == 1
    assert broken(read_field("11b-har-no-request-body.har")) == ["entries/0/request"]


def test_har_empty_request_of_a_login_is_nothing_to_report() -> None:
    login = har_entry(Exchange(b"", b"<html/>", 401))
    login["request"]["bodySize"] = -1
    found = read(json.dumps({"log": {"entries": [login, har_entry(_ONE)]}}).encode())
    assert names(found) == ["entries/1/request", "entries/1/response"]


def test_har_content_in_a_file_is_named() -> None:
    found = read(_har(lambda entry: entry["response"].update(content={"size": 9, "_file": "a.xml"})))
    assert broken(found) == ["entries/0/response"]
    assert "embed" in str(found[1].trouble and found[1].trouble.hint)


def test_har_content_in_a_file_is_read_where_it_is_given() -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["request"] |= {"bodySize": -1, "postData": {"mimeType": "text/xml", "_file": "q.xml"}}
        entry["response"]["content"] = {"size": -1, "mimeType": "text/xml", "_file": "a.xml"}

    for packed in (ANSWER, _PACKED):
        files = {"q.xml": ASK, "a.xml": packed}
        found = list(har_read(_har(change), "", CaptureLimits(), files.get))
        assert [(item.body, item.trouble) for item in found] == [(ASK, None), (ANSWER, None)]
    assert broken(read(_har(change))) == ["entries/0/request", "entries/0/response"]


@pytest.mark.parametrize("status", [0, -1])
def test_har_request_that_failed_has_no_response(status: int) -> None:
    found = read(_har(lambda entry: entry["response"].update(status=status, _failureText="net::ERR_FAILED")))
    assert names(found) == ["entries/0/request"]


def test_har_web_sockets_and_other_entries_are_ignored() -> None:
    socket = har_entry(Exchange(b"", b"", 101, method="GET"))
    socket["_webSocketMessages"] = [{"type": "send", "data": ASK.decode()}]
    found = read(b"\xef\xbb\xbf" + json.dumps({"log": {"entries": [socket, har_entry(_ONE)]}}).encode())
    assert names(found) == ["entries/1/request", "entries/1/response"]


def test_har_of_http_2_is_read() -> None:
    def change(entry: dict[str, Any]) -> None:
        fields = [{"name": ":method", "value": "POST"}, {"name": "content-type", "value": "text/xml"}]
        entry["request"] |= {"httpVersion": "h2", "headers": fields}

    # Only its type tells that the request may be XMLA.
    assert [item.body for item in read(_har(change, Exchange(b"<a/>", ANSWER)))] == [b"<a/>", ANSWER]


@pytest.mark.parametrize(
    ("timings", "time", "milliseconds"),
    [
        # A browser counts from the moment at which it has a request.
        ({"blocked": 1, "dns": -1, "connect": 30, "ssl": 20, "send": 1, "wait": 40, "receive": 9}, 81, 81),
        # mitmproxy counts the time to connect, too, which was before.
        ({"connect": 30, "ssl": 20, "send": 1, "wait": 40, "receive": 9}, 100, 50),
        ({"connect": -1, "ssl": -1, "send": 1, "wait": 40, "receive": 9}, 50, 50),
        ({"send": 1, "wait": -1, "receive": 9}, 100, 100),
        ({}, 100, 100),
        (None, -1, None),
    ],
)
def test_har_timings_tell_when_the_answer_came(
    timings: dict[str, int] | None, time: int, milliseconds: int | None
) -> None:
    request, response = read(_har(lambda entry: entry.update(timings=timings, time=time)))
    assert request.time is not None
    expected = None if milliseconds is None else request.time + timedelta(milliseconds=milliseconds)
    assert response.time == expected


# -- Fiddler archives --------------------------------------------------------------------------------------


def test_saz_with_backslashes_is_read_as_with_slashes() -> None:
    expected = list(iter_messages((FIELD / "22a-normal.saz").read_bytes(), "a.saz"))
    assert list(iter_messages((FIELD / "22b-backslash.saz").read_bytes(), "a.saz")) == expected
    assert len(expected) == 2


def test_saz_with_zeros_in_its_numbers_is_in_order() -> None:
    members = {f"raw/{number}_c.txt": http_request(_ONE) for number in ("0010", "9", "100")}
    assert names(read(archive(members))) == ["raw/9_c.txt", "raw/0010_c.txt", "raw/100_c.txt"]


@pytest.mark.parametrize("slash", ["/", "\\"])
def test_saz_folders_that_are_zipped_again_are_read(slash: str) -> None:
    members = {
        f"{folder}{slash}raw{slash}{number}_c.txt": http_request(_ONE) for folder in "ba" for number in (2, 1)
    }
    found = read(archive(members))
    assert names(found) == [f"{folder}/raw/{number}_c.txt" for folder in "ab" for number in (1, 2)]
    assert len({item.exchange for item in found}) == 4


def test_redact_walks_zipped_folders_of_fiddler() -> None:
    secret = "7F0A9B52-62A4"
    made = saz([Exchange(message(session(secret)), message(session(secret)))])
    assert redact(made).data != made
    members = {f"{secret}\\raw\\1_c.txt": http_request(Exchange(message(session(secret)), None))}
    redacted = redact(archive(members)).data
    (found,) = read(redacted)
    assert (found.name, secret.encode() in redacted + found.body) == ("session-1/raw/1_c.txt", False)


def test_saz_message_with_a_wrong_length_is_one_finding() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
    size = len(ASK)
    for length, count in ((size - 7, 1), (size + 7, 1), (size, 0)):
        found = read(archive({"raw/1_c.txt": head % length + ASK, "raw/2_c.txt": http_request(_ONE)}))
        assert len(broken(found)) == count
        assert all(item.trouble is None or item.trouble.code is Code.BROKEN_CAPTURE for item in found)
        assert found[1].body == ASK
