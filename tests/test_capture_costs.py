"""The cost of captures: bytes unpacked, characters read and calls made grow no faster than the input.

Run as a script, this file is the child whose memory is limited.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.capturing import archive, calls_of
from tests.test_hostile import _Guard
from xmla_headers.captures import CaptureLimits, Pseudonyms, iter_messages, redact
from xmla_headers.captures import _unpacking as _coding
from xmla_headers.captures._formats import json_stream as _json
from xmla_headers.captures._formats.saz import BufferFile
from xmla_headers.captures._redaction import json_strings
from xmla_headers.captures._redaction.escapes import json_text
from xmla_headers.cli import Streams, _lines, run
from xmla_headers.findings import Code

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).resolve().parent.parent
_ATTACK = _ROOT / "tests" / "data" / "attack"


def _posted(body: bytes, fields: str = "") -> bytes:
    head = (
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    )
    return head.encode() + body


# -- limits ------------------------------------------------------------------------------------------------


def _unpacked(data: bytes, monkeypatch: pytest.MonkeyPatch, **limits: int) -> tuple[int, list[str]]:
    """Return how many bytes were unpacked from content codings, and the troubles of the messages."""
    given = 0
    unpack = _coding._unpacked

    def counting(*arguments: Any) -> bytes:
        nonlocal given
        found = unpack(*arguments)
        given += len(found)
        return found

    monkeypatch.setattr(_coding, "_unpacked", counting)
    found = list(iter_messages(data, limits=CaptureLimits(**limits)))
    return given, [str(message.trouble) for message in found if message.trouble is not None]


_BODY = b"<a>" + bytes(100_000)
_PACKED = gzip.compress(_BODY, mtime=0)
_GZIP = "Content-Encoding: gzip\r\n"
_MANY = {
    "http": _posted(_PACKED, _GZIP) * 20,
    "saz": archive([(f"raw/{number}_c.txt", _posted(_PACKED, _GZIP)) for number in range(1, 21)]),
    "damaged": _posted(_PACKED[:-9], _GZIP) * 20,
}


@pytest.mark.parametrize("kind", _MANY)
def test_max_unpacked_bytes_counts_content_codings(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, troubles = _unpacked(_MANY[kind], monkeypatch, max_unpacked_bytes=450_000)
    assert given <= 450_000
    assert any("max_unpacked_bytes" in trouble for trouble in troubles)
    if kind == "http":
        # The messages after it are checked one by one.
        assert (given, len(troubles)) == (4 * len(_BODY), 16)


def test_max_unpacked_bytes_counts_each_of_several_codings(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = _posted(gzip.compress(gzip.compress(_BODY, 0)), "Content-Encoding: gzip, gzip\r\n")
    for most, refused in ((2 * len(_BODY) + 100, False), (2 * len(_BODY) - 100, True)):
        _, troubles = _unpacked(twice, monkeypatch, max_unpacked_bytes=most)
        assert bool(troubles) == refused


@pytest.mark.parametrize(("codings", "code"), [(8, None), (9, Code.LIMIT_EXCEEDED)])
def test_body_with_more_than_8_codings_is_a_finding(codings: int, code: Code | None) -> None:
    body = b"<a/>"
    for _ in range(codings):
        body = gzip.compress(body)
    names = ", identity, ".join(["gzip"] * codings)
    (found,) = iter_messages(_posted(body, f"Content-Encoding: {names}\r\n"))
    assert (found.trouble and found.trouble.code) is code
    assert found.body == (b"" if code else b"<a/>")


def test_max_unpacked_bytes_counts_damaged_entries() -> None:
    data = archive([(f"raw/{number}_c.txt", _posted(bytes(99_000))) for number in range(1, 21)])
    # Each is unpacked to its end, which has a wrong checksum.
    check = zlib.crc32(_posted(bytes(99_000))).to_bytes(4, "little")
    assert data.count(check) == 40
    found = list(
        iter_messages(data.replace(check, bytes(4)), limits=CaptureLimits(max_unpacked_bytes=450_000))
    )
    assert "max_unpacked_bytes" in str(found[-1].trouble)
    assert len(found) == 5


def test_coding_with_an_odd_name_is_not_quoted() -> None:
    (found,) = iter_messages(_posted(b"x", "Content-Encoding: a" + "secret" * 20 + "\r\n"))
    assert found.trouble is not None
    assert "secret" not in str(found.trouble)


def test_buffer_file_allocates_no_more_than_it_has() -> None:
    file = BufferFile(b"abc")
    assert (file.read(1 << 62), file.read(), file.seek(1), file.read(1), file.read()) == (
        b"abc",
        b"",
        1,
        b"b",
        b"c",
    )


def _child() -> None:
    data = (_ATTACK / "gzip-in-overlapping-zip.saz").read_bytes()
    # Imports on first use.
    redact(archive([("raw/1_c.txt", _posted(_PACKED, _GZIP))]))
    limits = CaptureLimits(max_unpacked_bytes=1 << 20)

    def judged() -> dict[str, Any]:
        found = list(iter_messages(data, limits=limits))
        Pseudonyms().learn(data, limits=limits)
        return {
            "bodies": sum(len(message.body) for message in found),
            "troubles": [str(message.trouble) for message in found],
            "redacted": len(redact(data, limits=limits).data),
        }

    said = _Guard().call(judged, {"max_seconds": 10, "max_extra_mib": 64})
    os.write(1, json.dumps(said).encode())


@pytest.mark.slow
def test_gzip_bomb_in_an_archive_stays_within_the_limits() -> None:
    done = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        check=True,
        timeout=200,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_ROOT), str(Path(xmla_headers.__file__).parent.parent)]),
        },
    )
    said = json.loads(done.stdout)
    assert "escaped" not in said, said
    assert said["bodies"] <= 1 << 20
    assert any("max_unpacked_bytes" in trouble for trouble in said["troubles"])
    assert said["redacted"] < 1 << 20


# -- growth ------------------------------------------------------------------------------------------------


def _grows_linearly(cost: Callable[[int], int], small_count: int = 400) -> None:
    """Assert that four times the input costs not much more than four times as much."""
    small, large = cost(small_count), cost(4 * small_count)
    assert small > 0
    assert large < 6 * small, (small, large)


def _checked(data: bytes, form: str = "text") -> str:
    streams = Streams(io.BytesIO(data), io.StringIO(), io.StringIO())
    run(["check", "--all", "--format", form, "-"], streams)
    assert isinstance(streams.stdout, io.StringIO)
    return streams.stdout.getvalue()


_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_LINES = {
    "one line": ("utf-8", "<a/>x"),
    "lines": ("utf-8", "<a/>x\n"),
    "letters beyond ASCII": ("utf-8", "<a/>é"),
    "UTF-16": ("utf-16", "<a/>é"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", _LINES)
def test_text_report_of_many_findings_reads_characters_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding, piece = _LINES[kind]
    looked_at = 0
    split, decode = re.split, _lines.Excerpts._decode

    def counting_split(pattern: str, text: str, maxsplit: int = 0) -> Any:
        nonlocal looked_at
        looked_at += len(text)
        return split(pattern, text, maxsplit=maxsplit)

    def counting_decode(self: _lines.Excerpts, start: int, end: int) -> str:
        nonlocal looked_at
        found = decode(self, start, end)
        looked_at += len(found)
        return found

    monkeypatch.setattr(re, "split", counting_split)
    monkeypatch.setattr(_lines.Excerpts, "_decode", counting_decode)

    def cost(count: int) -> int:
        nonlocal looked_at
        looked_at = 0
        text = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body/>{piece * count}</s:Envelope>'
        assert _checked(text.encode(encoding)).count("^") >= count
        return looked_at

    _grows_linearly(cost)


_ITEMS = {
    "words": b"x",
    "objects": b"{x}",
    "arrays": b"[1,]",
    "strings": b'"\\x"',
    "numbers": b"-",
    "valid ones": b"{}",
    "valid and not": b'{"a":"%b"},x' % (b"a" * 40),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", _ITEMS)
def test_har_items_are_decoded_in_pieces(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, decode = 0, _json._DECODE

    def counting(text: str) -> tuple[object, int]:
        nonlocal looked_at
        looked_at += len(text)
        # Characters in which its error counts lines.
        try:
            return decode(text)
        except json.JSONDecodeError as error:
            looked_at += error.pos
            raise

    monkeypatch.setattr(_json, "_DECODE", counting)

    def cost(count: int) -> int:
        nonlocal looked_at
        looked_at = 0
        items = b",".join([_ITEMS[kind]] * count)
        assert len(list(iter_messages(b'{"log":{"entries":[%b]}}' % items))) >= count
        return looked_at

    # Much more text than the decoder gets at a time.
    _grows_linearly(cost, 4_000)


def test_har_large_item_does_not_slow_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, decode = 0, _json._DECODE

    def counting(text: str) -> tuple[object, int]:
        nonlocal looked_at
        looked_at += len(text)
        return decode(text)

    monkeypatch.setattr(_json, "_DECODE", counting)
    items = [b'{"a":"%b"}' % (b"a" * 20_000), *[b"x"] * 2_000]
    list(iter_messages(b'{"log":{"entries":[%b]}}' % b",".join(items)))
    # Pieces of growing size for the large one, at most twice its size for the next, 1,024 for the others.
    assert looked_at < 200_000 + 2_000 * 1_024


_MEMBERS = {
    "name": (b'"name":"%b"', b'"value":"b"'),
    "encoding": (b'"encoding":"%b"', b'"text":"b"'),
    "mimeType": (b'"encoding":"base64","mimeType":"%b"', b'"text":"aaaa"'),
}


@pytest.mark.parametrize("name", _MEMBERS)
def test_har_members_that_describe_others_are_read_in_part(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def counting(text: str, start: int, end: int) -> Any:
        nonlocal looked_at
        looked_at += end - start
        return json_text(text, start, end)

    monkeypatch.setattr(json_strings, "json_text", counting)
    first, other = _MEMBERS[name]

    def cost(count: int) -> int:
        nonlocal looked_at
        looked_at = 0
        members = b",".join([first % (rb"\/" * (5 * count)), *[other] * count])
        redact(b'{"log":{"entries":[{"request":{%b}}]}}' % members)
        return looked_at

    _grows_linearly(cost)


_NOTHING = gzip.compress(b"", mtime=0)
_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"

# A number of repetitions -> a capture.
_CAPTURES: dict[str, Callable[[int], bytes]] = {
    "findings on one line": lambda count: (
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body/>{"<a/>x" * count}</s:Envelope>'.encode()
    ),
    "broken items": lambda count: b'{"log":{"entries":[%b]}}' % b",".join([b"x"] * count),
    "members": lambda count: (
        b'{"log":{"entries":[{%b}]}}' % b",".join(b'"k%d":1' % number for number in range(count))
    ),
    "messages": lambda count: _posted(b"<a/>") * count,
    "messages of a wrong length": lambda count: (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n" * count
    ),
    "messages of a wrong length with bodies": lambda count: (
        b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n<a></a>" * count
    ),
    "messages without a length": lambda count: b"HTTP/2 200\r\n\r\n<a></a>" * count,
    "responses, then requests": lambda count: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * count + _posted(b"<a/>") * count
    ),
    "messages without heads": lambda count: _posted(b"<a/>") + b" <s:Envelope></s:Envelope>" * count,
    "Envelopes without an end": lambda count: (
        _posted(b"<a/>") + b"".join(b" <s%d:Envelope>" % number for number in range(count))
    ),
    "quoted heads": lambda count: _posted(b"<a>" + b"\nPOST / HTTP/1.1\nA: b\n" * count + b"</a>") + b"text",
    "parts": lambda count: _posted(
        b"--b\r\n\r\n<a/>\r\n" * count + b"--b--", "Content-Type: multipart/related; boundary=b\r\n"
    ),
    "requests without bodies": lambda count: (
        b'{"log":{"entries":[%b]}}'
        % b",".join([b'{"request":{"method":"POST","headers":[{"name":"SOAPAction","value":""}]}}'] * count)
    ),
    "texts after messages": lambda count: b"HTTP/1.1 204 OK\r\n\r\ntext\n" * count,
    "ids": lambda count: b"".join(
        _posted(b"<Session SessionId='id-%d-abcdef'/>" % number) for number in range(count)
    ),
    "ids in a text": lambda count: (
        _posted(b"<a/>")
        + b"".join(b"<Session SessionId='id-%d-abcdef'/>" % number for number in range(count))
    ),
    "entries": lambda count: archive([(f"raw/{number}_c.txt", _posted(b"<a/>")) for number in range(count)]),
    "codings": lambda count: _posted(_NOTHING, f"Content-Encoding: {'gzip,' * count}\r\n"),
    "gzip members": lambda count: _posted(_NOTHING * count, _GZIP),
    "field lines": lambda count: _posted(b"<a/>", "A: b\r\n" * count),
    "folded lines": lambda count: _posted(b"<a/>", "A: b\r\n" + " c\r\n" * count),
    "a long line": lambda count: _posted(b"<a/>", f"A: {'b' * 10 * count}\r\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", _CAPTURES)
@pytest.mark.parametrize("form", ["text", "json", "github", "redact"])
def test_captures_take_linear_numbers_of_calls(name: str, form: str) -> None:
    job = redact if form == "redact" else partial(_checked, form=form)
    job(_CAPTURES[name](1))

    def cost(count: int) -> int:
        data = _CAPTURES[name](count)
        return calls_of(lambda: job(data))

    _grows_linearly(cost, 60)


def test_body_that_quotes_many_heads_is_searched_once() -> None:
    quoted = b" " * 1_000_000 + b"<a>" + b"\nPOST / HTTP/1.1\nA: b\n" * 20_000
    # Quadratic work would take minutes.
    assert len(list(iter_messages(_posted(quoted) + b"text"))) == 1


@pytest.mark.parametrize(
    "field", ["Content-Encoding: a{}b", "Transfer-Encoding: a{}b", "Content-Length: 1{}b"]
)
def test_redact_searches_a_field_with_spaces_once(field: str) -> None:
    # Quadratic work would take hours.
    redact(f"POST / HTTP/1.1\r\n{field.format(' ' * 1_000_000)}\r\n\r\n<a/>".encode())


if __name__ == "__main__":
    _child()
