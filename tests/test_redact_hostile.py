"""Hostile captures are redacted within bounds of time and memory, in child processes.

Run as a script, this file is the child.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.capturing import archive, captures_of, exchanges
from tests.data.hostile.load import manifest, read
from tests.redacting import redact
from tests.test_hostile import _PATIENCE, _Guard
from xmla_headers.captures import CaptureLimits

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).resolve().parent.parent
_SIZE = 600_000
# Seconds for twice the size of an input, and MiB: a few hundred bytes for each byte of an input full of
# secrets. Quadratic work would take hours.
_BOUNDS = {"max_seconds": 2, "max_extra_mib": 768}
_VECTORS = {test["name"]: test for test in manifest("decode")}


def _bomb(members: int, size: int) -> bytes:
    """Return an archive whose entries share their packed bytes."""
    data = archive([("raw/1_c.txt", b" " * size)])
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        start = opened.start_dir
    entry = data[start : data.index(b"PK\x05\x06")]
    directory = entry * members
    counts = members.to_bytes(2, "little") * 2
    end = b"PK\x05\x06\0\0\0\0" + counts + len(directory).to_bytes(4, "little") + start.to_bytes(4, "little")
    return data[:start] + directory + end + b"\0\0"


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(b"\0" * 1_000_000) for _ in range(size // 1_000_000)), packer.flush()])


def _posted(headers: str, body: bytes) -> bytes:
    head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def _times(text: str, before: str = "") -> Callable[[], bytes]:
    return lambda: f"{before}{text * (_SIZE // len(text))}".encode()  # noqa: PLW0108 - not made at import


# Inputs for which careless code would take quadratic time, or too much memory.
_RECIPES: dict[str, Callable[[], bytes]] = {
    "names": _times("SessionId="),
    "names and a quote": lambda: b"SessionId=Pwd=" * (_SIZE // 14) + b"'",
    "names and quotes": _times('SessionId="'),
    "names and both quotes": _times("SessionId='\""),
    "names and colons": _times("SessionId:'\\"),
    "a name and space": lambda: b"SessionId" + b" " * _SIZE,
    "ids": lambda: b"".join(b"SessionId='%d'" % number for number in range(100_000)),
    "ids that begin alike": lambda: (
        b"".join(b"SessionId='aaaaaa%d'" % number for number in range(10_000)) + b"a" * _SIZE
    ),
    "ids of all lengths": lambda: (
        b"".join(b"SessionId='%bb'" % (b"a" * number) for number in range(400)) + b"a" * _SIZE
    ),
    "a long id": lambda: b"SessionId='%bb'" % (b"a" * (_SIZE // 4)) + b"a" * (_SIZE // 2),
    "short ids": _times("'12' session", "<a SessionId='12'/>"),
    "elements": _times("<Security>"),
    "elements in comments": _times("<!--<Security>"),
    "elements and quotes": _times("<Security a=\"<Security b='"),
    "comments": _times("<!--"),
    "sections in an element": _times("<![CDATA[", "<Security>"),
    "id elements": _times("<SessionID>"),
    "id elements and comments": _times("<SessionID><!--"),
    "id elements and sections": _times("<SessionID><![CDATA["),
    "an id in pieces": _times("a<!---->", "<SessionID>"),
    "a name without an end": lambda: b"<" + b"a" * _SIZE,
    "tags": _times("<"),
    "references": _times("&amp;"),
    "references within references": _times("amp;", "&"),
    "a reference of zeros": lambda: b"&#" + b"0" * _SIZE,
    "backslashes": _times("\\"),
    "percent signs": _times("%25"),
    "NULs": _times("a\0"),
    "fields": _times("Cookie:\n "),
    "names of fields": _times("a-" * 20 + "\n"),
    "addresses": _times("://"),
    "an address": lambda: b"@://" + b"a" * _SIZE,
    "deep JSON": _times('{"a":'),
    "deep arrays": lambda: b'{"a":' + b"[" * (_SIZE // 2),
    "quotes": lambda: b"{" + b'"' * (_SIZE // 8),
    "JSON escapes": _times('\\"', '{"a":"'),
    "members": lambda: b"{" + b'"name":"a","value":"b",' * (_SIZE // 80),
    "base64": _times("A", '{"text":"'),
    "heads": _times("POST / HTTP/1.1\r\n"),
    "informational responses": _times("HTTP/1.1 100 Continue\r\n\r\n"),
    "codings": _times("Content-Encoding: gzip\r\n", "POST / HTTP/1.1\r\nHost: a\r\n"),
    "chunks": _times("1\r\na\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a body that unpacks to 1 GB": lambda: _posted("Content-Encoding: gzip\r\n", _zeros(1_000_000_000)),
    "a content that unpacks to 1 GB": lambda: (
        b'{"log":{"entries":[{"request":{"postData":{"encoding":"base64","text":"'
        + b64encode(_zeros(1_000_000_000))
        + b'"}}}]}}'
    ),
    "entries that share their bytes": lambda: _bomb(10_000, 40_000_000),
    "an archive within an archive": lambda: archive([("a.zip", archive([("b.zip", b"PK\3\4")]))]),
}


# -- the child ---------------------------------------------------------------------------------------


def _judged(data: bytes, limits: CaptureLimits) -> dict[str, Any]:
    redacted = redact(data, limits=limits)
    again = redact(redacted.data, limits=limits)
    return {
        "same": redacted.data == data,
        "changes": len(redacted.changes),
        "again": len(again.changes),
    }


def _child(names: list[str]) -> None:
    # Imports and caches of the first use.
    for data in captures_of(exchanges()[:2]).values():
        redact(data)
    redact(archive([("a", b"<Session SessionId='abc'/>")], zipfile.ZIP_STORED))
    gzip.decompress(gzip.compress(b""))
    limits = CaptureLimits(max_entry_bytes=16_000_000, max_unpacked_bytes=64_000_000)
    guard = _Guard()
    for name in names:
        data = _RECIPES[name]() if name in _RECIPES else read(_VECTORS[name])
        seconds = _BOUNDS["max_seconds"] * max(1, len(data) / _SIZE)
        bounds = {**_BOUNDS, "max_seconds": seconds}
        _tell({"begin": name})
        _tell({"end": name, **guard.call(lambda data=data: _judged(data, limits), bounds)})  # type: ignore[misc]


def _tell(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


# -- the parent --------------------------------------------------------------------------------------


def _run(names: list[str]) -> dict[str, dict[str, Any]]:
    path = os.pathsep.join([str(_ROOT), str(Path(xmla_headers.__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, __file__, *names],
        capture_output=True,
        check=False,
        timeout=60 + len(names) * _PATIENCE * _BOUNDS["max_seconds"],
        env={**os.environ, "PYTHONPATH": path},
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        began = [message["begin"] for message in told if "begin" in message]
        pytest.fail(f"the child ended with {done.returncode} at {began[-1:]}: {done.stderr[-1000:]!r}")
    return {message["end"]: message for message in told if "end" in message}


def _check(name: str, said: dict[str, Any]) -> None:
    assert "escaped" not in said, f"{name} let out {said['escaped']}"
    assert "events" not in said, f"{name} asked for {said['events']}"
    assert said["same"] == (not said["changes"]), name
    assert said["again"] == 0, name


@pytest.mark.slow
@pytest.mark.parametrize("name", _RECIPES)
def test_redact_of_a_hostile_capture_is_bounded(name: str) -> None:
    said = _run([name])
    _check(name, said[name])


@pytest.mark.slow
def test_redact_of_every_hostile_message_is_bounded() -> None:
    # The recipes above cover the large ones.
    names = [name for name, labels in _VECTORS.items() if "recipe" not in labels]
    assert len(names) > 100
    for name, said in _run(names).items():
        _check(name, said)


if __name__ == "__main__":
    _child(sys.argv[1:])
