"""The traces of curl and the items of Burp are read as the HTTP in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.capture_files import BEGIN, Exchange, message, session
from tests.tool_files import burp, curl_trace
from xmla_headers.captures import CapturedMessage, Format, format_of, iter_messages, redact
from xmla_headers.findings import Code

ID = "7F0A9B52-62A4-4EF0-B2E2-3C1D7C0B9A11"
STORY = [
    Exchange(message(BEGIN), message(session(ID))),
    Exchange(message(session(ID)), message(body="<a>\r\n" + "0123 " * 30 + "\r\n\r\n</a>")),
]
BODIES = [body for each in STORY for body in (each.request, each.response or b"")]
WRITTEN = {
    "trace": curl_trace(STORY),
    "trace with times": curl_trace(STORY, time="10:23:42.123456 "),
    "trace of Windows": curl_trace(STORY).replace(b"\n", b"\r\n"),
    "trace-ascii": curl_trace(STORY, is_ascii=True),
    "burp": burp(STORY),
    "burp in plain text": burp(STORY, is_base64=False),
}


def read(data: bytes, name: str = "") -> list[CapturedMessage]:
    return list(iter_messages(data, name))


@pytest.mark.parametrize("name", WRITTEN)
def test_capture_of_a_tool_is_read_as_http(name: str) -> None:
    found = read(WRITTEN[name], "a")
    assert format_of(WRITTEN[name]) is (Format.BURP if "burp" in name else Format.CURL)
    assert [each.body for each in found] == BODIES
    assert [each.trouble for each in found] == [None] * 4
    assert [each.status for each in found] == [None, 200] * 2
    assert found[2].exchange == found[3].exchange != found[0].exchange


@pytest.mark.parametrize("name", WRITTEN)
def test_capture_of_a_tool_redacted_tells_the_same_story(name: str) -> None:
    redacted = redact(WRITTEN[name]).data
    found = read(redacted)
    assert [each.body.replace(b"session-1", ID.encode()) for each in found] == BODIES
    assert ID.encode() not in b"".join(each.body for each in found) + redacted
    assert redact(redacted).changes == ()


def test_burp_item_has_its_time_and_name() -> None:
    found = read(WRITTEN["burp"], "a")
    assert [each.name for each in found[2:]] == ["a/item/1/request", "a/item/1/response"]
    assert found[2].time == datetime(2026, 11, 20, 10, 1, 42, tzinfo=UTC)


def test_burp_item_of_invalid_base64_is_a_finding() -> None:
    data = WRITTEN["burp"].replace(b"[CDATA[UE9T", b"[CDATA[UE9?", 1)
    found = read(data)
    assert found[0].trouble is not None
    assert found[0].trouble.code is Code.BROKEN_CAPTURE
    assert [each.body for each in found[1:]] == BODIES[1:]
    assert b"UE9?" not in redact(data).data


def test_curl_trace_that_lacks_lines_is_a_finding() -> None:
    data = WRITTEN["trace"]
    line = data.index(b"\n0010: ", data.index(b"=> Send data"))
    found = read(data[: line + 1] + data[data.index(b"\n", line + 1) + 1 :])
    assert found[-1].trouble is not None
    assert found[-1].trouble.message == "16 bytes of the trace cannot be read"


def test_burp_changes_have_the_names_of_messages() -> None:
    changes = redact(WRITTEN["burp"]).changes
    assert {change.place for change in changes} == {"item/0/response", "item/1/request"}
