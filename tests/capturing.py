"""The recorded exchanges as captures of every format, with the codings and spellings of real captures."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
import zlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURED = Path(__file__).parent / "data" / "captured"


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange."""

    name: str
    request: bytes
    response: bytes
    request_headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml"), ("Host", "a"))
    response_headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml"),)
    status: int = 200


def exchanges() -> list[Exchange]:
    found = []
    for path in sorted(CAPTURED.glob("*-http.json")):
        name = path.name.removesuffix("-http.json")
        http = json.loads(path.read_text(encoding="utf-8"))
        found.append(
            Exchange(
                name,
                (CAPTURED / f"{name}-request.xml").read_bytes(),
                (CAPTURED / f"{name}-response.xml").read_bytes(),
                tuple(map(tuple, http["request_headers"])),
                tuple(map(tuple, http["response_headers"])),
                http["status"],
            )
        )
    return found


_FRAMING = ("content-length", "transfer-encoding", "content-encoding")


def chunked(body: bytes, size: int = 7) -> bytes:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def http(start: str, headers: tuple[tuple[str, str], ...], body: bytes, coding: str = "identity") -> bytes:
    fields = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
    if "gzip" in coding:
        body = gzip.compress(body, mtime=0)
        fields.append(("Content-Encoding", "gzip"))
    elif "deflate" in coding:
        body = deflated(body)
        fields.append(("Content-Encoding", "deflate"))
    if "chunked" in coding:
        body = chunked(body)
        fields.append(("Transfer-Encoding", "chunked"))
    else:
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{start}\r\n{head}\r\n".encode("latin-1") + body


def request_of(exchange: Exchange, coding: str = "identity") -> bytes:
    return http("POST /xmla HTTP/1.1", exchange.request_headers, exchange.request, coding)


def response_of(exchange: Exchange, coding: str = "identity") -> bytes:
    return http(f"HTTP/1.1 {exchange.status} OK", exchange.response_headers, exchange.response, coding)


def stream(found: list[Exchange], coding: str = "identity") -> bytes:
    return b"".join(request_of(each, coding) + response_of(each, coding) for each in found)


def har(found: list[Exchange], coding: str = "text") -> bytes:
    """Return a HAR; coding is text, base64, gzip (in base64) or slashes (escaped, as some writers do)."""

    def content(body: bytes, mime_type: str) -> dict[str, object]:
        if coding in ("text", "slashes"):
            return {"mimeType": mime_type, "size": len(body), "text": body.decode()}
        packed = gzip.compress(body, mtime=0) if coding == "gzip" else body
        text = b64encode(packed).decode()
        return {"mimeType": mime_type, "size": len(body), "text": text, "encoding": "base64"}

    def fields(headers: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
        coded = (("Content-Encoding", "gzip"),) if coding == "gzip" else ()
        kept = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
        return [{"name": name, "value": value} for name, value in (*kept, *coded)]

    entries = [
        {
            "startedDateTime": f"2026-11-20T10:24:{number % 60:02}.000Z",
            "time": 12.5,
            "request": {
                "method": "POST",
                "url": "http://127.0.0.1/xmla",
                "httpVersion": "HTTP/1.1",
                "headers": fields(each.request_headers),
                "cookies": [],
                "postData": content(each.request, "text/xml"),
            },
            "response": {
                "status": each.status,
                "headers": fields(each.response_headers),
                "cookies": [],
                "content": content(each.response, "text/xml"),
            },
        }
        for number, each in enumerate(found)
    ]
    text = json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=1)
    if coding == "slashes":
        text = text.replace("/", "\\/").replace("<", "\\u003C")
    return text.encode()


def archive(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in members:
            info = zipfile.ZipInfo(name, (2026, 11, 20, 10, 24, 34))
            info.compress_type = method
            made.writestr(info, content)
    return target.getvalue()


def saz(found: list[Exchange], coding: str = "identity") -> bytes:
    members = [("_index.htm", b"<html></html>")]
    for number, each in enumerate(found, 1):
        timers = b'<SessionTimers ClientBeginRequest="2026-11-20T10:24:%02d.0+00:00" />' % (number % 60)
        members += [
            (f"raw/{number:02}_c.txt", request_of(each, coding)),
            (f"raw/{number:02}_m.xml", b"<Session SID='%d'>%b</Session>" % (number, timers)),
            (f"raw/{number:02}_s.txt", response_of(each, coding)),
        ]
    return archive(members)


def captures_of(found: list[Exchange]) -> dict[str, bytes]:
    """Return the exchanges in every format and coding, by name."""
    codings = ("identity", "chunked", "gzip", "deflate", "gzip, chunked")
    return {
        **{f"stream {coding}": stream(found, coding) for coding in codings},
        **{f"har {coding}": har(found, coding) for coding in ("text", "slashes", "base64", "gzip")},
        **{f"saz {coding}": saz(found, coding) for coding in codings},
    }


def calls_of(job: Callable[[], object]) -> int:
    """Return how many calls a job makes: quadratic work makes too many."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        job()
    finally:
        sys.setprofile(None)
    return count
