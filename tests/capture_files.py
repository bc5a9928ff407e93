"""Captures made of the recordings in tests/data/captured, and of messages made here."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

CAPTURED = Path(__file__).parent / "data" / "captured"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = "urn:schemas-microsoft-com:xml-analysis"

Fields = list[tuple[str, str]]


class Exchange(NamedTuple):
    """A request and its response, as they went over the wire."""

    request: bytes
    response: bytes | None
    status: int = 200
    request_fields: tuple[tuple[str, str], ...] = (
        ("Host", "127.0.0.1"),
        ("Content-Type", "text/xml; charset=utf-8"),
        ("SOAPAction", f'"{XMLA}:Execute"'),
    )
    response_fields: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml; charset=utf-8"),)
    method: str = "POST"


def recorded(prefix: str = "olapy-zeep") -> list[Exchange]:
    """Return the recordings of one client and server."""
    found = []
    for request in sorted(CAPTURED.glob(f"{prefix}-??-request.xml")):
        about = json.loads(request.with_name(request.name.replace("-request.xml", "-http.json")).read_text())
        response = request.with_name(request.name.replace("-request", "-response")).read_bytes()
        found.append(
            Exchange(
                request.read_bytes(),
                response,
                about["status"],
                tuple(map(tuple, about["request_headers"])),
                tuple(map(tuple, about["response_headers"])),
            )
        )
    return found


def message(block: str = "", body: str = "<Execute/>") -> bytes:
    header = f"<s:Header>{block}</s:Header>" if block else ""
    text = f'<s:Envelope xmlns:s="{SOAP}" xmlns:x="{XMLA}">{header}<s:Body>{body}</s:Body></s:Envelope>'
    return text.encode()


BEGIN = "<x:BeginSession/>"


def session(session_id: str) -> str:
    return f'<x:Session SessionId="{session_id}"/>'


def end(session_id: str) -> str:
    return f'<x:EndSession SessionId="{session_id}"/>'


def lost(session_id: str) -> bytes:
    text = f"The '{session_id}' session ID cannot be found."
    code = "XMLAnalysisError.0xc10c000a"
    return message(body=f"<s:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></s:Fault>")


def har_entry(exchange: Exchange, number: int = 0) -> dict[str, Any]:
    def fields(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in pairs]

    response = exchange.response or b""
    return {
        "startedDateTime": f"2026-11-20T10:{number % 60:02}:00.250Z",
        "time": 125.0,
        "request": {
            "method": exchange.method,
            "url": "http://127.0.0.1/xmla",
            "httpVersion": "HTTP/1.1",
            "headers": fields(exchange.request_fields),
            "bodySize": len(exchange.request),
            "postData": {"mimeType": "text/xml", "text": exchange.request.decode()},
        },
        "response": {
            "status": exchange.status if exchange.response is not None else 0,
            "headers": fields(exchange.response_fields),
            "content": {"size": len(response), "mimeType": "text/xml", "text": response.decode()},
        },
    }


def har(exchanges: Sequence[Exchange], change: Callable[[dict[str, Any]], None] | None = None) -> bytes:
    document: dict[str, Any] = {
        "log": {
            "version": "1.2",
            "creator": {"name": "tests", "version": "1"},
            "pages": [],
            "entries": [har_entry(exchange, number) for number, exchange in enumerate(exchanges)],
        }
    }
    if change is not None:
        change(document)
    return json.dumps(document).encode()


def http_request(exchange: Exchange) -> bytes:
    return _http(f"{exchange.method} /xmla HTTP/1.1", exchange.request_fields, exchange.request)


def http_response(exchange: Exchange, coding: str = "") -> bytes:
    assert exchange.response is not None
    start = f"HTTP/1.1 {exchange.status} As it was"
    return _http(start, exchange.response_fields, exchange.response, coding)


def _http(start: str, fields: Iterable[tuple[str, str]], body: bytes, coding: str = "") -> bytes:
    kept = [pair for pair in fields if pair[0].lower() not in ("content-length", "content-encoding")]
    if "gzip" in coding:
        body = gzip.compress(body)
        kept.append(("Content-Encoding", "gzip"))
    if "deflate" in coding:
        body = zlib.compress(body)
        kept.append(("Content-Encoding", "deflate"))
    if "chunked" in coding:
        kept.append(("Transfer-Encoding", "chunked"))
        pieces = [body[place : place + 100] for place in range(0, len(body), 100)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    else:
        kept.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in kept)
    return f"{start}\r\n{head}\r\n".encode("latin-1") + body


def stream(exchanges: Iterable[Exchange], coding: str = "") -> bytes:
    """Return the bytes of one connection, in both directions and in order."""
    return b"".join(
        http_request(exchange) + (b"" if exchange.response is None else http_response(exchange, coding))
        for exchange in exchanges
    )


def saz(exchanges: Iterable[Exchange], coding: str = "chunked gzip") -> bytes:
    members: dict[str, bytes] = {"_index.htm": b"<html/>", "[Content_Types].xml": b"<Types/>"}
    for number, exchange in enumerate(exchanges, 1):
        members[f"raw/{number}_c.txt"] = http_request(exchange)
        members[f"raw/{number}_s.txt"] = b"" if exchange.response is None else http_response(exchange, coding)
        members[f"raw/{number}_m.xml"] = (
            f'<Session SID="{number}"><SessionTimers ClientConnected="0001-01-01T00:00:00"'
            f' ClientBeginRequest="2026-11-20T11:{number % 60:02}:00.2500000+01:00"'
            f' ClientDoneResponse="2026-11-20T11:{number % 60:02}:00.3750000+01:00"/></Session>'
        ).encode()
    return archive(members)


def archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()
