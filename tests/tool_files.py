"""Captures as curl and Burp write them."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from tests.capture_files import Exchange, http_request, http_response

if TYPE_CHECKING:
    from collections.abc import Iterable


def _shown(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def _dump(title: str, data: bytes, *, is_ascii: bool) -> str:
    lines = [f"{title}, {len(data)} bytes (0x{len(data):x})"]
    at = 0
    while at < len(data):
        piece = data[at : at + (64 if is_ascii else 16)]
        if is_ascii:
            # A line ends with a line of the data.
            piece = piece.partition(b"\r\n")[0]
            lines.append(f"{at:04x}: {_shown(piece)}")
            at += len(piece)
            at += 2 * (data[at : at + 2] == b"\r\n" and len(piece) < 64)
        else:
            lines.append(f"{at:04x}: " + "".join(f"{byte:02x} " for byte in piece).ljust(48) + _shown(piece))
            at += len(piece)
    return "\n".join(lines) + "\n"


def curl_trace(exchanges: Iterable[Exchange], *, is_ascii: bool = False, time: str = "") -> bytes:
    """Return what `curl --trace` writes, with the time of `--trace-time` before each block."""
    pieces = ["== Info:   Trying 127.0.0.1:8080...\n"]
    for each in exchanges:
        for way, message in (("=> Send", http_request(each)), ("<= Recv", http_response(each))):
            head, blank, body = message.partition(b"\r\n\r\n")
            pieces.append(_dump(f"{time}{way} SSL data", b"\x16\x03\x01\0\1", is_ascii=is_ascii))
            pieces.append(_dump(f"{time}{way} header", head + blank, is_ascii=is_ascii))
            pieces.append(_dump(f"{time}{way} data", body, is_ascii=is_ascii))
    return "".join(pieces).encode()


def burp(exchanges: Iterable[Exchange], *, is_base64: bool = True) -> bytes:
    """Return what Burp saves as XML."""
    pieces = [
        '<?xml version="1.0"?>\n<!DOCTYPE items [\n<!ELEMENT items (item*)>\n]>\n',
        '<items burpVersion="2026.1">\n',
    ]
    for number, each in enumerate(exchanges):
        sides = {"request": http_request(each), "response": http_response(each)}
        pieces.append(f"  <item>\n    <time>Fri Nov 20 10:{number:02}:42 UTC 2026</time>\n")
        for side, message in sides.items():
            text = b64encode(message).decode() if is_base64 else message.decode()
            flag = str(is_base64).lower()
            pieces.append(f'    <{side} base64="{flag}"><![CDATA[{text}]]></{side}>\n')
        pieces.append("  </item>\n")
    return "".join([*pieces, "</items>\n"]).encode()
