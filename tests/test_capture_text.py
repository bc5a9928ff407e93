"""Text with envelopes in it: each message is found, unescaped, numbered and dated."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture_files import BEGIN, Exchange, end, har, har_entry, lost, message, recorded, session
from tests.capturing import calls_of
from tests.test_capture_foreign import run
from xmla_headers.captures import CapturedMessage, CaptureLimits, Format, format_of, iter_messages, redact
from xmla_headers.findings import Code
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ID = "7F0A9B52-62A4-4EF0-B2E2-3C1D7C0B9A11"
STORY = [
    Exchange(message(BEGIN), message(session(ID), "<ExecuteResponse/>")),
    Exchange(
        message(session(ID), '<Execute a="1 &lt; 2">\n&quot;é\\n"</Execute>'),
        message(body="<DiscoverResponse/>"),
    ),
    Exchange(message(end(ID)), lost(ID), 500),
]
BODIES = [body for each in STORY for body in (each.request, each.response or b"")]


def read(data: bytes, name: str = "") -> list[CapturedMessage]:
    return list(iter_messages(data, name))


def bodies(data: bytes) -> list[bytes]:
    assert format_of(data) is Format.TEXT
    return [each.body for each in read(data)]


def lines(write: Callable[[str], str]) -> bytes:
    """Return a log with a line for each message, which is written in some way."""
    return "".join(f"2026-11-20 10:23:42,250 DEBUG {write(body.decode())}\n" for body in BODIES).encode()


def _c(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


ESCAPES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "xml": html.escape,
    "xml without quotes": lambda text: html.escape(text, quote=False),
    "xml numbers": lambda text: html.escape(text).replace("&lt;", "&#60;").replace("&gt;", "&#x3E;"),
    "xml twice": lambda text: html.escape(html.escape(text)),
    "json": json.dumps,
    "json slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "json hidden": lambda text: json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003E"),
    "json twice": lambda text: json.dumps(json.dumps(text)),
    "json of xml": lambda text: json.dumps({"a": html.escape(text)}),
    "xml of json": lambda text: html.escape(json.dumps(text)),
    "c": _c,
    "cdata": lambda text: f"<a><![CDATA[{text}]]></a>",
    "doubled": lambda text: '"' + text.replace('"', '""') + '",7',
    "doubled apostrophes": lambda text: "N'" + text.replace('"', "'").replace("'", "''") + "'",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_text_escaping_is_undone(name: str) -> None:
    data = lines(ESCAPES[name])
    wanted = [body.replace(b'"', b"'") for body in BODIES] if name == "doubled apostrophes" else BODIES
    assert bodies(data) == wanted
    assert [each.direction for each in read(data)] == [Direction.REQUEST, Direction.RESPONSE] * 3


def test_text_escaped_by_repr_is_unescaped() -> None:
    text = BODIES[0].decode().replace("><", ">\n  <")
    assert bodies(f"INFO sending {text!r}\n".encode()) == [text.encode()]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_in_the_encodings_of_logs_is_read(codec: str) -> None:
    assert bodies(lines(str).decode().encode(codec)) == BODIES


def _profiler(body: str) -> str:
    column = f'<Column id="1" name="TextData">{html.escape(body)}</Column>'
    return (
        f'<Event id="10"><Column id="14" name="StartTime">2026-11-20T10:23:42.25Z</Column>{column}</Event>\n'
    )


def _extended(body: str) -> str:
    return f'<event timestamp="2026-11-20T10:23:42.250Z"><value><![CDATA[{body}]]></value></event>\n'


def _charles(exchange: Exchange) -> dict[str, Any]:
    return {
        "times": {"start": "2026-11-20T10:23:42.250+00:00"},
        "request": {"body": {"text": exchange.request.decode()}},
        "response": {"status": 200, "body": {"text": (exchange.response or b"").decode()}},
    }


FILES = {
    "profiler": '<?xml version="1.0"?>\n<TraceData><Events>\n'
    + "".join(_profiler(b.decode()) for b in BODIES),
    "extended events": "<!-- a -->\n<events>\n"
    + "".join(_extended(b.decode()) for b in BODIES)
    + "</events>",
    "charles": json.dumps([_charles(each) for each in STORY]),
    "json lines": "".join(
        json.dumps(
            {"ts": 1795170222.25, "request": e.request.decode(), "response": (e.response or b"").decode()}
        )
        + "\n"
        for e in STORY
    ),
    "curl": "".join(
        f"* Connected\n> POST /xmla HTTP/1.1\n>\n< HTTP/1.1 200 OK\n<\n{b.decode()}\n" for b in BODIES
    ),
    "indented": "2026-11-20 10:23:42,250\n" + "\n".join(b.decode().replace("><", ">\r\n  <") for b in BODIES),
}


@pytest.mark.parametrize("name", FILES)
def test_text_of_other_programs_is_read(name: str) -> None:
    data = FILES[name].encode()
    found = bodies(data)
    assert [body.replace(b"\r\n  ", b"") for body in found] == BODIES
    if name.startswith("json"):
        assert {each.time for each in read(data)} == {datetime(2026, 11, 20, 10, 23, 42, 250_000, UTC)}
    if name != "curl":
        times = {each.time for each in read(data)}
        assert datetime(2026, 11, 20, 10, 23, 42, 250_000, UTC) in times


def test_text_messages_have_the_numbers_of_their_lines() -> None:
    assert [each.name for each in read(lines(str), "a.log")] == [
        f"a.log/line/{number}" for number in (1, 2, 3, 5, 6, 7)
    ]
    names = [(each.name, each.exchange) for each in read(FILES["charles"].encode())]
    assert names == [
        ("line/1", "line/1"),
        ("line/1/2", "line/1"),
        ("line/1/3", "line/1/3"),
        ("line/1/4", "line/1/3"),
        ("line/1/5", "line/1/5"),
        ("line/1/6", "line/1/5"),
    ]
    assert {each.exchange for each in read(lines(str))} == {None}


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2026-11-20T10:23:42.250Z sent ", (42, 250_000, 0)),
        ("2026-11-20T11:23:42.25+01:00 sent ", (42, 250_000, 0)),
        ("2026-11-20 10:23:42,250 [main] DEBUG x - ", (42, 250_000, 0)),
        ("2026-11-20 10:23:42 ", (42, 0, 0)),
        ("10.0.0.1 - - [20/Nov/2026:09:23:42 -0100] ", (42, 0, 0)),
        ("1795170222 sent ", (42, 0, 0)),
        ('{"ts":1795170222250,"x":"sent ', (42, 250_000, 0)),
        ("time=1795170222.250 sent ", (42, 250_000, 0)),
        ("2026-11-20 10:00:00 begin\n2026-11-20 10:23:42 request body:\n", (42, 0, 0)),
        ("sent first: ", (42, 0, 0)),
        ("2026-13-20 10:23:42 sent ", None),
        ("id 1795170222 sent ", None),
        ("9999-12-31T23:59:59-23:59 sent ", None),
    ],
)
def test_text_line_gives_the_time(line: str, time: tuple[int, int, int] | None) -> None:
    after = b" at 2026-11-20T10:23:42Z" if line.startswith("sent first") else b""
    (found,) = read(line.encode() + BODIES[0] + after + b"\n2001-01-01 00:00:00 later\n")
    if line.startswith("9999"):
        assert found.time == datetime(9999, 12, 31, 23, 59, 59, 0, timezone(-timedelta(hours=23, minutes=59)))
        return
    wanted = None if time is None else datetime(2026, 11, 20, 10, 23, time[0], time[1], UTC)
    assert found.time == wanted


@pytest.mark.parametrize(
    ("words", "direction"),
    [
        ("sent: ", Direction.REQUEST),
        ("Request body\n", Direction.REQUEST),
        ("--> ", Direction.REQUEST),
        ("the response to this request was <-- ", Direction.RESPONSE),
        ("received ", Direction.RESPONSE),
        ("a requestor, unsent: ", None),
    ],
)
def test_text_words_beside_a_message_give_its_direction(words: str, direction: Direction | None) -> None:
    unclear = message(session(ID), "text")
    (found,) = read(b"2026 DEBUG " + words.encode() + unclear)
    assert found.direction is direction
    # The message itself knows better.
    (found,) = read(b"2026 DEBUG " + words.encode() + BODIES[1])
    assert found.direction is Direction.RESPONSE


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (BODIES[0], Format.BARE),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><?b c?>\n" + BODIES[0], Format.BARE),
        (b"<!DOCTYPE a [\n<!ENTITY b ']'>] >" + BODIES[0], Format.BARE),
        (BODIES[0].replace(b"Envelope", b"Envelop", 1), Format.BARE),
        (
            message(body=html.escape(BODIES[0].decode())).replace(b"s:Envelope", b"s:Envelop", 1),
            Format.BARE,
        ),
        (BODIES[0].decode().encode("utf-16"), Format.BARE),
        (b"<a>" + BODIES[0] + b"</a>", Format.BARE),
        (BODIES[0] + b"\n" + BODIES[1], Format.BARE),
        (b"x " + BODIES[0], Format.BARE),
        (b"\0\0\0\0\0\0\0" + BODIES[0], Format.BARE),
        (b"no Envelope in this text", Format.BARE),
        (b'{"log": {"creator": {}, "entries": ["<Envelope>"]}}', Format.HAR),
        (har(recorded()), Format.HAR),
        (b"HTTP/1.1 200 OK\r\n\r\n" + BODIES[0], Format.HTTP),
    ],
)
def test_text_does_not_take_other_formats(data: bytes, kind: Format) -> None:
    assert format_of(data) is kind


def test_text_message_without_its_end_is_a_finding() -> None:
    data = lines(str)
    cut = data.index(b"</s:Envelope>", 1_500)
    found = read(data[:cut], "a")
    assert [each.trouble and each.trouble.code for each in found][-1] is Code.BROKEN_CAPTURE
    assert [each.body for each in found[:-1]] == BODIES[: len(found) - 1]
    # The next one is found.
    found = read(data.replace(b"</s:Envelope>", b"", 1))
    assert [each.trouble is not None for each in found] == [True, *[False] * 5]
    assert [each.body for each in found[1:]] == BODIES[1:]


def test_text_envelope_within_a_message_is_its_content() -> None:
    inner = html.escape(BODIES[0].decode())
    outer = message(body=f"<Log>{inner}</Log>")
    assert bodies(b"2026 DEBUG sent: " + outer) == [outer]


def test_text_message_over_the_limit_is_a_finding() -> None:
    (first, *_, last) = iter_messages(lines(str), limits=CaptureLimits(max_entry_bytes=len(BODIES[0]) + 30))
    assert first.trouble is None
    assert last.trouble is not None
    assert last.trouble.code is Code.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    "text", [b"<Envelope ", b"</Envelope>", b"&lt;Envelope&gt;", b"Envelope ", b"\\u003cEnvelope>"]
)
def test_text_of_many_tags_takes_linear_work(text: bytes) -> None:
    def work(count: int) -> int:
        data = b"2026 DEBUG sent: <a:Envelope b=''>" + text * count
        return calls_of(lambda: read(data))

    assert work(4_000) < 5 * work(1_000)


# -- redaction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESCAPES)
def test_text_redacted_tells_the_same_story(name: str) -> None:
    data = lines(ESCAPES[name])
    redacted = redact(data).data
    assert ID.encode() not in redacted
    assert [each.body for each in read(redacted)] == [
        each.body.replace(ID.encode(), b"session-1") for each in read(data)
    ]
    assert redacted.count(b"\n") == data.count(b"\n")
    assert redact(redacted).changes == ()


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("--header 'Authorization: Basic YW5u' \\", "--header 'Authorization: ' \\"),
        ('-H "Cookie: A=1; B=2" -d', '-H "Cookie: " -d'),
        ("2026 DEBUG http >> Authorization: Basic YW5u", "2026 DEBUG http >> Authorization: "),
        ("headers {Authorization=Basic YW5u, Host=a}", "headers {Authorization=, Host=a}"),
        ("a Reauthorization: is no field", "a Reauthorization: is no field"),
    ],
)
def test_text_redacted_empties_fields_within_lines(line: str, left: str) -> None:
    data = f"first line\n{line}\n".encode() + BODIES[0]
    assert redact(data).data == f"first line\n{left}\n".encode() + BODIES[0]


def test_check_folder_skips_logs_without_messages(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(lines(str))
    (tmp_path / "b.log").write_bytes(b"2026-11-20 nothing")
    (tmp_path / "c.jsonl").write_bytes(b'{"a": 1}\n{"b": 1}\n')
    status, out, err = run("check", tmp_path)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("6 messages checked: 0 refused, ")
    assert out.splitlines()[-1].endswith(", 2 without SOAP skipped")
    assert run("check", tmp_path / "b.log")[0] == 1
    assert run("check", tmp_path / "c.jsonl")[0] == 2


def test_text_of_many_comments_takes_linear_work() -> None:
    unclear = message(body="<!---->" * 5_000 + "text")
    (found,) = read(b"2026 DEBUG received: " + unclear)
    assert found.direction is Direction.RESPONSE


@pytest.mark.parametrize("size", [10, 1_200_000])
def test_har_with_much_before_its_first_message_is_no_text(size: int) -> None:
    page = har_entry(Exchange(b"", b"x" * size, method="GET"))
    story = [har_entry(each) for each in STORY]
    data = json.dumps({"log": {"entries": [page, *story]}}).encode()
    assert format_of(data) is Format.HAR
    assert next(each.exchange for each in read(data)) == "entries/1"
