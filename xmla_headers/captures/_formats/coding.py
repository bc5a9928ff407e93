"""Content codings of HTTP, taken off a body within bounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from xmla_headers.findings import Code, value_finding

if TYPE_CHECKING:
    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.findings import Finding

__all__ = ["unpacked_body"]

#: Bytes handed to the decompressor at a time: what it leaves is copied.
_CHUNK = 65_536


def unpacked_body(body: bytes, codings: str, limits: CaptureLimits) -> tuple[bytes, Finding | None]:
    """Take the content codings off a body, the last one first (RFC 9110 §8.4)."""
    for coding in reversed([word.strip().lower() for word in codings.split(",")]):
        if coding in ("", "identity"):
            continue
        if coding not in ("gzip", "x-gzip", "deflate"):
            message = f"the body has the content coding {coding!r}, which is not read"
            hint = "have the capturing program take the coding off, or ask for gzip"
            return b"", value_finding(Code.BROKEN_CAPTURE, message, hint)
        try:
            body = _unpacked(body, coding, limits.max_entry_bytes)
        except (zlib.error, EOFError):
            return b"", value_finding(
                Code.BROKEN_CAPTURE, f"the body is no {coding}, though its header says so"
            )
        except OverflowError:
            message = f"the body unpacks to more than {limits.max_entry_bytes} bytes (max_entry_bytes)"
            return b"", value_finding(Code.LIMIT_EXCEEDED, message)
    return body, None


def _unpacked(body: bytes, coding: str, maximum: int | None) -> bytes:
    """Unpack within bounds; raises zlib.error, EOFError where it is cut off and OverflowError."""
    if coding == "deflate":
        # RFC 9110 §8.4.1.2: some send it without the zlib wrapper around it.
        wrapped = len(body) > 1 and body[0] & 0x0F == 8 and not (body[0] << 8 | body[1]) % 31
        window = zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
    else:
        window = 16 + zlib.MAX_WBITS
    pieces, size, place = [], 0, 0
    unpacker = zlib.decompressobj(window)
    while place < len(body):
        piece = body[place : place + _CHUNK]
        place += len(piece)
        while piece:
            if unpacker.eof:
                # A gzip file may hold several members, and zeros behind them.
                piece = piece.lstrip(b"\0") if window > zlib.MAX_WBITS else b""
                if not piece:
                    break
                unpacker = zlib.decompressobj(window)
            unpacked = unpacker.decompress(piece, 0 if maximum is None else maximum - size + 1)
            size += len(unpacked)
            if maximum is not None and size > maximum:
                raise OverflowError
            pieces.append(unpacked)
            piece = unpacker.unused_data
    if not unpacker.eof:
        raise EOFError
    return b"".join(pieces)
