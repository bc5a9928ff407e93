"""Damaged captures: seeds of every format, changes to them, and the invariants for any bytes.

The tests of damaged captures and guided fuzzing call `check_invariants`.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.capture_files import Exchange, archive, har, lost, message, recorded, saz, session, stream
from tests.packet_files import pcap, pcapng, talk
from tests.redacting import redact
from tests.tool_files import burp, curl_trace
from xmla_headers.captures import (
    CapturedMessage,
    CaptureLimits,
    Pseudonyms,
    check_message,
    iter_messages,
)
from xmla_headers.cli import Streams, run
from xmla_headers.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FORMATS", "SEEDS", "check_invariants", "mutants", "mutated"]

_ID = "7F0A9B52-62A4-4EF0-B2E2-3C1D7C0B9A11"
_FIELD = Path(__file__).parent / "data" / "field"
#: Large enough for the seeds, too small for a decompression bomb.
_LIMITS = CaptureLimits(max_entry_bytes=1 << 20, max_unpacked_bytes=1 << 22, max_entries=1_000)


def _exchanges() -> list[Exchange]:
    secret = "<w:Security xmlns:w='urn:w'><w:Password>hunter2</w:Password></w:Security>"
    made = Exchange(message(session(_ID) + secret), message(session(_ID)))
    return [*recorded()[:1], made, Exchange(message(session(_ID)), lost(_ID), status=500)]


def _seeds() -> dict[str, list[bytes]]:
    exchanges = _exchanges()
    field = {path.name: path.read_bytes() for path in sorted(_FIELD.iterdir())}
    written = {
        kind: [data for name, data in field.items() if name.endswith(f".{kind}")]
        for kind in ("har", "saz", "http")
    }
    return {
        "har": [har(exchanges), har(exchanges[1:2]), *written["har"]],
        "saz": [
            saz(exchanges[1:], "gzip"),
            saz(exchanges[1:2], ""),
            archive({"raw/1_c.txt": b""}),
            *written["saz"],
        ],
        "http": [
            *(stream(exchanges, coding) for coding in ("", "chunked", "gzip", "chunked deflate")),
            *written["http"],
        ],
        "pcap": [pcap(talk(exchanges[1:])), pcapng(talk(exchanges, "chunked gzip"), ["cooked", "raw"])],
        "text": [
            b"".join(b"2026-11-20 10:23:42,250 sent: %b\n" % each.request for each in exchanges),
            "".join(
                json.dumps({"ts": 1795170222, "a": each.request.decode()}) + "\n" for each in exchanges
            ).encode(),
            html.escape("x: " + exchanges[1].request.decode() * 2).encode("utf-16"),
            b"sent, at once: " + exchanges[1].request.replace(b'"', b'""'),
        ],
        "tools": [
            curl_trace(exchanges[1:2]),
            curl_trace(exchanges[1:2], is_ascii=True),
            burp(exchanges),
            burp(exchanges[1:], is_base64=False),
        ],
        "archive": [
            archive({"a.har": har(exchanges[1:2]), "b.log": b"2026 DEBUG " + exchanges[1].request}),
            gzip.compress(stream(exchanges[1:2]), mtime=0),
            gzip.compress(b"2026 DEBUG " + exchanges[1].request, mtime=0),
        ],
        "bare": [
            *(each.request for each in exchanges),
            exchanges[1].request.decode().encode("utf-16"),
            field["01b-powerbi-continuation-byte.resp.xml"],
        ],
    }


#: Format -> the captures that are damaged.
SEEDS: dict[str, list[bytes]] = _seeds()
FORMATS = tuple(SEEDS)

#: Values that are wrong or extreme as a length, count, version or offset.
_ODD = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF)
#: Pieces that have a meaning in one of the formats.
_PIECES = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\r\n\r\n",
    b"9" * 5_000,
    b"1e999",
    b"[" * 2_000,
    b'{"a":' * 2_000,
    b"\\ud800",
    b'"',
    b"null",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Content-Length: %b\r\n" % (b"9" * 5_000),
    b"Content-Encoding: gzip, gzip, deflate\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b'Content-Type: text/xml; charset="a\0b"\r\n',
    b"charset=" + b"x" * 300,
    b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n",
    b"FFFFFFFFFFFFFFFF\r\n",
    b"HTTP/1.1 999 \r\n",
    b"HTTP/2 200 \r\n\r\n",
    b"Content-Type: multipart/related; boundary=b; start=a\r\n",
    b"\r\n--b\r\nContent-ID: a\r\n\r\n",
    b'"encoding":"base64",',
    b"POST / HTTP/1.1\r\n",
    b"0001-01-01T00:00:00+23:59",
    b"9999-12-31T23:59:59.999999-23:59",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
)
_RECORDS = re.compile(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)")
_NUMBER = re.compile(rb"\d+")


def _byte(data: bytearray, chance: Random, _: list[bytes]) -> None:
    place = chance.randrange(len(data))
    data[place] = chance.choice((data[place] ^ 1 << chance.randrange(8), chance.randrange(256)))


def _cut(data: bytearray, chance: Random, _: list[bytes]) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: Random, _: list[bytes]) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 2, 8, 100))]


def _insert(data: bytearray, chance: Random, _: list[bytes]) -> None:
    place = chance.randrange(len(data))
    data[place:place] = chance.choice(_PIECES)


def _duplicate(data: bytearray, chance: Random, others: list[bytes]) -> None:
    other = chance.choice([bytes(data), *others])
    start = chance.randrange(len(other) or 1)
    place = chance.randrange(len(data))
    data[place:place] = other[start : start + chance.choice((4, 50, 1_000))]


def _record(data: bytearray, chance: Random, others: list[bytes]) -> None:
    """Change a number in a zip directory, or a number in decimal digits."""
    records = [match.start() for match in _RECORDS.finditer(data)]
    if records:
        place = chance.choice(records) + 4 + chance.randrange(42)
        width = chance.choice((1, 2, 4))
        data[place : place + width] = (chance.choice(_ODD) & (1 << 8 * width) - 1).to_bytes(width, "little")
        return
    numbers = [match.span() for match in islice(_NUMBER.finditer(data), 200)]
    if not numbers:
        _byte(data, chance, others)
        return
    start, end = chance.choice(numbers)
    data[start:end] = b"%d" % (chance.choice(_ODD) - chance.randrange(2))


_CHANGES: tuple[Callable[[bytearray, Random, list[bytes]], None], ...] = (
    _byte,
    _byte,
    _cut,
    _remove,
    _insert,
    _duplicate,
    _record,
    _record,
)


def mutated(data: bytes, chance: Random, others: list[bytes]) -> bytes:
    """Return data with one to four changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        chance.choice(_CHANGES)(changed, chance, others)
    return bytes(changed)


def mutants(kind: str, seed: int, count: int) -> Iterator[bytes]:
    """Yield damaged captures of a format, the same ones for the same seed."""
    chance = Random(f"{kind} {seed}")
    seeds = SEEDS[kind]
    for _ in range(count):
        yield mutated(chance.choice(seeds), chance, seeds)


def check_invariants(kind: str, data: bytes) -> None:
    """Assert that reading, checking, redacting and drawing any bytes as a capture raises nothing.

    `kind` is the format of the seed; the damaged data may have another format.
    """
    assert kind in SEEDS
    for found in iter_messages(data, limits=_LIMITS):
        assert isinstance(found, CapturedMessage)
        assert found.trouble is None or not found.body
        checked = check_message(found)
        assert all(isinstance(finding, Finding) for finding in checked.findings)
    pseudonyms = Pseudonyms()
    pseudonyms.learn(data, limits=_LIMITS)
    redacted = redact(data, pseudonyms=pseudonyms, limits=_LIMITS)
    assert (redacted.data == data) == (not redacted.changes)
    assert redact(redacted.data, limits=_LIMITS).changes == ()
    for arguments in (["check"], ["check", "--format", "json"], ["timeline"]):
        errors = io.StringIO()
        assert run([*arguments, "-"], Streams(io.BytesIO(data), io.StringIO(), errors)) in (0, 1, 2)
        assert "Traceback" not in errors.getvalue()
