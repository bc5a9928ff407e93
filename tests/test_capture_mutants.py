"""Damaged captures of every format raise nothing: `tests.capture_mutants` says what must be true."""

from __future__ import annotations

import struct
import zipfile
import zlib
from json import JSONDecodeError
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import h11
import pytest

from tests.capture_mutants import FORMATS, SEEDS, check_invariants, mutants, mutated
from tests.redacting import redact
from xmla_headers.captures import Format, Pseudonyms, format_of, iter_messages
from xmla_headers.captures._formats import http as _http
from xmla_headers.captures._formats import json_stream as _json
from xmla_headers.findings import Code

if TYPE_CHECKING:
    from collections.abc import Callable

_ATTACK = Path(__file__).parent / "data" / "attack"


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_invariants_hold_for_undamaged_captures(kind: str) -> None:
    for data in SEEDS[kind]:
        check_invariants(kind, data)
    assert {found.trouble for found in iter_messages(SEEDS[kind][0])} == {None}


@pytest.mark.parametrize("count", [10, pytest.param(750, marks=[pytest.mark.slow, pytest.mark.no_cover])])
@pytest.mark.parametrize("kind", FORMATS)
def test_invariants_hold_for_damaged_captures(kind: str, count: int) -> None:
    for number, data in enumerate(mutants(kind, 20_261_128 + 2 * count, count)):
        try:
            check_invariants(kind, data)
        except Exception as error:
            error.add_note(f"{kind} {number}: {data[:2_000]!r}")
            raise


@pytest.mark.parametrize("count", [40, pytest.param(3_000, marks=[pytest.mark.slow, pytest.mark.no_cover])])
def test_damaged_stream_without_a_finding_is_read_whole(count: int) -> None:
    whole, chance = SEEDS["http"][0], Random(f"whole {count}")
    for _ in range(count):
        data = mutated(whole, chance, [whole])
        found = list(iter_messages(data))
        # With a damaged first line it is a text, in which an end tag alone is no message.
        if format_of(data) is Format.HTTP and all(item.trouble is None for item in found):
            assert sum(item.body.count(b"Envelope") for item in found) == data.count(b"Envelope"), data


def _directory_entry() -> tuple[bytes, int]:
    (data,) = [data for data in SEEDS["saz"] if len(data) < 150]
    return data, data.index(b"PK\x01\x02")


@pytest.mark.parametrize("value", [0, 1, 0x40, 0x7F, 0x80, 0xFE, 0xFF])
def test_zip_directory_with_any_byte_raises_nothing(value: int) -> None:
    data, start = _directory_entry()
    for place in range(start, len(data)):
        changed = data[:place] + bytes([value]) + data[place + 1 :]
        list(iter_messages(changed))
        redact(changed)
        Pseudonyms().learn(changed)


def test_zip_of_a_later_version_is_a_broken_capture() -> None:
    data = (_ATTACK / "zip-version-6.4.saz").read_bytes()
    (found,) = iter_messages(data, "a.saz")
    assert found.trouble is not None
    assert (found.name, found.trouble.code) == ("a.saz", Code.BROKEN_CAPTURE)
    assert redact(data).data == b""
    Pseudonyms().learn(data)
    check_invariants("saz", data)


# -- what libraries raise --------------------------------------------------------------------------------

# Exceptions that bytes can make a library raise.
_ZIP = (
    zipfile.BadZipFile(),
    zipfile.LargeZipFile(),
    NotImplementedError(),
    RuntimeError(),
    zlib.error(),
    struct.error(),
    EOFError(),
    OSError(),
    KeyError(),
    UnicodeDecodeError("utf-8", b"", 0, 1, ""),
    ValueError(),
    OverflowError(),
    RecursionError(),
)


def _raiser(error: Exception) -> Callable[..., object]:
    def function(*_: object, **__: object) -> object:
        raise error

    return function


@pytest.mark.parametrize("error", _ZIP, ids=repr)
@pytest.mark.parametrize("method", ["_RealGetContents", "open"])
def test_errors_of_zipfile_are_broken_captures(
    method: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile.ZipFile, method, _raiser(error))
    data = SEEDS["saz"][0]
    found = list(iter_messages(data))
    assert {str(each.trouble and each.trouble.code) for each in found} == {"broken-capture"}
    Pseudonyms().learn(data)


@pytest.mark.parametrize(
    "error",
    [h11.RemoteProtocolError("b'secret'"), h11.LocalProtocolError("x"), ValueError("secret")],
    ids=repr,
)
def test_errors_of_h11_are_broken_captures(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h11.Connection, "next_event", _raiser(error))
    data = SEEDS["http"][0]
    found = list(iter_messages(data))
    assert {str(each.trouble and each.trouble.code) for each in found} == {"broken-capture"}
    assert "secret" not in str(found)
    redact(data)


@pytest.mark.parametrize("error", [ValueError(), OverflowError(), TypeError(), IndexError()], ids=repr)
def test_errors_of_a_date_leave_the_time_out(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "parsedate_to_datetime", _raiser(error))
    (found,) = iter_messages(b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n<a/>")
    assert (found.time, found.body, found.trouble) == (None, b"<a/>", None)


@pytest.mark.parametrize(
    "error", [RecursionError(), JSONDecodeError("", "", 0), ValueError("more digits than")], ids=repr
)
def test_errors_of_json_are_broken_captures(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'{"log":{"entries":[{"request":{}}]}}'
    decode = _json._DECODE

    def failing(text: str) -> tuple[object, int]:
        if text.startswith("{"):
            raise error
        return decode(text)

    monkeypatch.setattr(_json, "_DECODE", failing)
    (found,) = iter_messages(data)
    assert found.trouble is not None
    assert found.trouble.code is Code.BROKEN_CAPTURE
