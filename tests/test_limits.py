"""Captures and schemas at their limits, and captures that end where a reader skips over something."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.capture_files import Exchange, archive, har, http_request, http_response, message, stream
from xmla_headers.captures import CaptureLimits, ChangeKind, iter_messages, redact
from xmla_headers.schema import SchemaError, specs_from_schema

EXCHANGE = Exchange(message(), message())
XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def codes(data: bytes, **limits: Any) -> list[str | None]:
    found = iter_messages(data, limits=CaptureLimits(**limits))
    return [None if item.trouble is None else str(item.trouble.code) for item in found]


# -- captures ------------------------------------------------------------------------------------------


def test_http_body_over_the_limit_is_a_finding() -> None:
    large = Exchange(message(body="<a/>" * 1_000), message())
    data = stream([large, EXCHANGE])
    assert codes(data, max_entry_bytes=2_000) == ["limit-exceeded", None, None, None]
    assert codes(data, max_entry_bytes=None) == [None] * 4


def test_redact_http_body_over_the_limit_says_so() -> None:
    data = stream([Exchange(message(body="<a/>" * 1_000), message()), EXCHANGE])
    changes = redact(data, limits=CaptureLimits(max_entry_bytes=2_000)).changes
    assert [(change.kind, change.what) for change in changes] == [
        (ChangeKind.UNSEARCHABLE, "more than 2000 bytes (max_entry_bytes)")
    ]


@pytest.mark.parametrize("most", [100, 1_000, None])
def test_pasted_request_over_the_limit_has_no_body(most: int | None) -> None:
    body = message()
    assert 100 < len(body) < 1_000
    data = b"POST /xmla HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n\r\n" + body
    found = list(iter_messages(data, limits=CaptureLimits(max_entry_bytes=most)))
    assert [item.body for item in found if item.body] == ([] if most == 100 else [body])


def test_saz_without_a_limit_on_entries_is_read() -> None:
    data = archive({"raw/1_c.txt": http_request(EXCHANGE), "raw/1_s.txt": http_response(EXCHANGE)})
    assert codes(data, max_entries=None) == [None, None]
    assert codes(data, max_entries=1) == ["limit-exceeded"]


def test_zip_bomb_without_a_total_limit_is_read() -> None:
    large = archive({f"raw/{number}_c.txt": http_request(EXCHANGE) for number in (1, 2)})
    assert codes(large, max_unpacked_bytes=None) == [None, None]
    assert codes(large, max_unpacked_bytes=200)[-1] == "limit-exceeded"


@pytest.mark.parametrize(
    ("timers", "expected"),
    [
        ('ClientBeginRequest="2026-11-20T10:00:00Z"', datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ('ClientBeginRequest="2026-99-20T10:00:00Z"', None),
        (
            'ClientBeginRequest="2026-99-20" ClientConnected="2026-11-20T10:00:00Z"',
            datetime(2026, 11, 20, 10, tzinfo=UTC),
        ),
    ],
)
def test_saz_timer_that_is_no_date_is_ignored(timers: str, expected: datetime | None) -> None:
    times = f"<Session SID='1'><SessionTimers {timers}/></Session>".encode()
    (found,) = iter_messages(archive({"raw/1_c.txt": http_request(EXCHANGE), "raw/1_m.xml": times}))
    assert found.time == expected


#: More than one piece that the reader decodes at once.
LONG = 300_000


@pytest.mark.parametrize(
    "value",
    [
        '"' + "x" * LONG + '"',
        '"' + "\\\\" * LONG + '"',
        "[" + "[]," * LONG + "1]",
        '{"a":"' + "}" * LONG + '"}',
        "1" * LONG,
        "[" + " " * LONG + "1]",
    ],
    ids=["string", "backslashes", "arrays", "object", "number", "spaces"],
)
def test_har_value_before_the_entries_is_skipped(value: str) -> None:
    data = har([EXCHANGE]).decode()
    data = data.replace("{", f'{{"_a":{value},', 1)
    assert codes(data.encode()) == [None, None]


@pytest.mark.parametrize("start", ["", " ", '"', '"a', "[", '["a', "{", '{"a', "1", "tr", '"' + "x" * LONG])
def test_har_that_ends_in_a_skipped_value_is_broken(start: str) -> None:
    assert codes(f'{{"_a":{start}'.encode()) == ["broken-capture"]


def test_har_name_over_the_limit_is_broken() -> None:
    data = har([EXCHANGE]).replace(b"{", b'{"' + b"x" * LONG + b'":1,', 1)
    assert codes(data, max_entry_bytes=100_000) == ["broken-capture"]
    assert codes(data, max_entry_bytes=None) == [None, None]


# -- schemas -------------------------------------------------------------------------------------------


def pattern(value: str) -> str:
    return (
        f'<xs:schema {XS}><xs:element name="a"><xs:simpleType><xs:restriction base="xs:string">'
        f'<xs:pattern value="{value}"/></xs:restriction></xs:simpleType></xs:element></xs:schema>'
    )


def groups(particles: int) -> str:
    elements = "".join(f'<xs:element name="e{number}"/>' for number in range(particles))
    return (
        f'<xs:schema {XS}><xs:group name="g"><xs:sequence>{elements}</xs:sequence></xs:group>'
        '<xs:complexType name="t"><xs:sequence>'
        '<xs:group ref="g"/><xs:group ref="g"/></xs:sequence></xs:complexType></xs:schema>'
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (pattern("a" * 70_000), "patterns have more than 65536 characters"),
        (pattern("\\d" * 257), "more than 256 escapes for a class"),
        (pattern("a{1,99999999999}"), "number of repetitions"),
        (groups(600), "more than 1000 particles"),
        (pattern("a") + " " * 4_200_000, "more than 4194304 characters"),
    ],
    ids=["pattern", "classes", "repetitions", "particles", "characters"],
)
def test_schema_over_a_limit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        specs_from_schema(text)
