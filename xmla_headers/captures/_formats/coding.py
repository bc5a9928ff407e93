"""Content codings of HTTP, taken off a body within bounds."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from xmla_headers.findings import Code, value_finding

if TYPE_CHECKING:
    from xmla_headers.findings import Finding

    from .allowance import Allowance

__all__ = ["unpacked_body"]

#: Content codings of one message that are taken off: each may cost as much as the limits allow.
_MOST_CODINGS = 8
#: A coding that a finding may name.
_SHOWN = re.compile(r"[a-z0-9_-]{1,20}")
#: Bytes handed to the decompressor at a time: what it leaves, after each of many gzip members, is copied.
_CHUNK = 8_192


def unpacked_body(body: bytes, codings: str, allowance: Allowance) -> tuple[bytes, Finding | None]:
    """Take the content codings off a body, the last one first (RFC 9110 §8.4)."""
    names = [word.strip().lower() for word in codings.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_CODINGS:
        message = f"the body has more than {_MOST_CODINGS} content codings"
        return b"", value_finding(Code.LIMIT_EXCEEDED, message)
    for coding in reversed(names):
        if coding not in ("gzip", "x-gzip", "deflate"):
            name = repr(coding) if _SHOWN.fullmatch(coding) else "of another name"
            message = f"the body has the content coding {name}, which is not read"
            hint = "have the capturing program take the coding off, or ask for gzip"
            return b"", value_finding(Code.BROKEN_CAPTURE, message, hint)
        is_short = allowance.is_short
        try:
            body = _unpacked(body, coding, allowance)
        except (zlib.error, EOFError):
            return b"", value_finding(
                Code.BROKEN_CAPTURE, f"the body is no {coding}, though its header says so"
            )
        except OverflowError:
            return b"", allowance.exceeded("the body", is_short=is_short)
    return body, None


def _unpacked(body: bytes, coding: str, allowance: Allowance) -> bytes:
    """Unpack within bounds; raises zlib.error, EOFError where it is cut off and OverflowError.

    The allowance pays for what is unpacked, also where it is of no use: a bomb may be damaged.
    """
    if coding == "deflate":
        # RFC 9110 §8.4.1.2: some send it without the zlib wrapper around it.
        wrapped = len(body) > 1 and body[0] & 0x0F == 8 and not (body[0] << 8 | body[1]) % 31
        window = zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
    else:
        window = 16 + zlib.MAX_WBITS
    maximum = allowance.most
    pieces, size, place = [], 0, 0
    unpacker = zlib.decompressobj(window)
    try:
        while place < len(body):
            piece = body[place : place + _CHUNK]
            place += len(piece)
            while piece:
                if unpacker.eof:
                    # A gzip file may hold several members, and zeros after them.
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
    finally:
        allowance.pay(size)
    if not unpacker.eof:
        raise EOFError
    return b"".join(pieces)
