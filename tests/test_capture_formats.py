"""Every capture format can be recognised, read and redacted, and one table registers them."""

from __future__ import annotations

import dataclasses
import gzip
import pkgutil
from typing import Any

import pytest

from tests.capture_files import recorded
from tests.capturing import archive, exchanges, har, saz, stream
from tests.packet_files import pcap, talk
from tests.tool_files import burp, curl_trace
from xmla_headers import captures
from xmla_headers.captures import Format, format_of, iter_messages, redact
from xmla_headers.captures import _formats as formats
from xmla_headers.captures._formats import CaptureFormat

_EXCHANGES = exchanges()
_RECORDED = recorded()
_CAPTURES = {
    Format.FOREIGN: b"1234:7:version;2:21#4:type;4:http;",
    Format.PCAP: pcap(talk(_RECORDED)),
    Format.TEXT: b"2026-11-20 10:23:42 sent: " + _EXCHANGES[0].request,
    Format.GZIP: gzip.compress(_EXCHANGES[0].request),
    Format.ZIP: archive([("a.xml", _EXCHANGES[0].request)]),
    Format.CURL: curl_trace(_RECORDED),
    Format.BURP: burp(_RECORDED),
    Format.SAZ: saz(_EXCHANGES),
    Format.HAR: har(_EXCHANGES),
    Format.HTTP: stream(_EXCHANGES),
    Format.BARE: _EXCHANGES[0].request,
}
_FUNCTIONS = ("recognise", "read", "redact")


@pytest.mark.parametrize("missing", ["name", *_FUNCTIONS])
def test_capture_format_without_one_of_its_parts_raises(missing: str) -> None:
    row = Format.HAR.value
    parts: dict[str, Any] = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    assert CaptureFormat(**parts) == row
    del parts[missing]
    with pytest.raises(TypeError, match=missing):
        CaptureFormat(**parts)


def test_formats_with_the_functions_are_all_registered() -> None:
    modules = [getattr(formats, info.name, None) for info in pkgutil.iter_modules(formats.__path__)]
    found = [[getattr(module, name, None) for name in _FUNCTIONS] for module in modules]
    written = [functions for functions in found if any(functions)]
    # The formats of archives get the table as an argument.
    rows = [[getattr(each.value, name) for name in _FUNCTIONS] for each in Format]
    registered = [[getattr(function, "func", function) for function in row] for row in rows]
    assert sorted(map(str, written)) == sorted(map(str, registered))


def test_format_of_knows_each_format_by_its_first_bytes() -> None:
    assert set(_CAPTURES) == set(Format)
    for kind, data in _CAPTURES.items():
        assert format_of(data) is kind
        assert format_of(memoryview(data)[:4096]) is kind
        assert format_of(bytearray(data[:4096])) is kind


@pytest.mark.parametrize("kind", Format, ids=lambda kind: kind.name)
def test_captures_ask_only_the_format_that_recognises(kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noting(name: str, result: object) -> Any:
        def function(*_: object) -> object:
            asked.append(name)
            return result

        return function

    row = CaptureFormat("x", kind.value.recognise, noting("read", iter(())), noting("redact", b"new"))
    monkeypatch.setattr(kind, "_value_", row)
    assert list(iter_messages(_CAPTURES[kind])) == []
    assert redact(_CAPTURES[kind]).data == b"new"
    assert set(asked) == {"read", "redact"}
    assert captures.Format is Format
