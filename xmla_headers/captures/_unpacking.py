"""Knows how a body is coded, and how much may be unpacked from one capture."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode

from xmla_headers.findings import Code, Finding, value_finding

from ._message import CaptureLimits

__all__ = ["BINARY", "Allowance", "decoded_base64", "is_markup", "unpacked_body"]

_FORMAT = "Protocol Format=XML"
_COMPRESSION = "Transport Compression=None"
# The media types that Analysis Services negotiates instead of text, with the name of the format and the
# connection property that turns it off.
BINARY = {
    "application/sx": ("MS-BINXML", _FORMAT),
    "application/xml+xpress": ("XPRESS compression", _COMPRESSION),
    "application/sx+xpress": ("MS-BINXML in XPRESS compression", f"{_FORMAT};{_COMPRESSION}"),
}

# Each coding that is removed may unpack as many bytes as the limits allow.
_MOST_CODINGS = 8
# A coding whose name a finding may quote.
_SHOWN = re.compile(r"[a-z0-9_-]{1,20}")
# Bytes per call of the decompressor: it copies its unused input after each of many gzip members.
_CHUNK = 8_192

# The first bytes of XML or HTML, which no coding writes.
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+<(?:\?xml[ \t\r\n]|![a-zA-Z-]|[a-zA-Z_][\w.-]{0,100}[: \t\r\n/>])"
    rb"|\xff\xfe<\0|\xfe\xff\0<"
)

# A string of base64 alone (RFC 4648 §4 and §5), which some writers break into lines.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]++(?:\r?\n)?+)*+={0,2}+(?:\r?\n)?+")
_STANDARD = str.maketrans("-_", "+/")


class Allowance:
    """The number of bytes that may still be unpacked from one capture."""

    def __init__(self, limits: CaptureLimits) -> None:
        self._limits = limits
        self._left = limits.max_unpacked_bytes

    @property
    def most(self) -> int | None:
        """The largest size, in bytes, of the next content; None without a limit."""
        limits = [limit for limit in (self._limits.max_entry_bytes, self._left) if limit is not None]
        return min(limits, default=None)

    @property
    def is_short(self) -> bool:
        """Whether less is left for the capture than one content may have."""
        return self.most != self._limits.max_entry_bytes

    def pay(self, size: int) -> None:
        """Subtract a number of bytes from what is left."""
        if self._left is not None:
            self._left = max(0, self._left - size)

    def exceeded(self, what: str, *, is_short: bool) -> Finding:
        """Return the finding about content larger than `most` was; `is_short` as it was then."""
        limits = self._limits
        if is_short:
            text = f"the capture unpacks to more than {limits.max_unpacked_bytes} bytes (max_unpacked_bytes)"
        else:
            text = f"{what} unpacks to more than {limits.max_entry_bytes} bytes (max_entry_bytes)"
        return value_finding(Code.LIMIT_EXCEEDED, text)


def is_markup(data: bytes | memoryview, start: int = 0) -> bool:
    """Return whether XML or HTML begins at an offset, so that nothing there is coded."""
    return _MARKUP.match(data, start) is not None


def decoded_base64(text: str) -> bytes | None:
    """Return what a text in base64 means, also if its end is missing; None for any other text."""
    if _BASE64.fullmatch(text) is None:
        return None
    letters = "".join(text.split()).rstrip("=").translate(_STANDARD)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return b64decode(letters + "=" * (-len(letters) % 4))


def unpacked_body(body: bytes, codings: str, allowance: Allowance) -> tuple[bytes, Finding | None]:
    """Remove the content codings from a body, the last one first (RFC 9110 §8.4).

    A body that the capturing program has decoded already is returned as it is.
    """
    names = [word.strip().lower() for word in codings.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_CODINGS:
        message = f"the body has more than {_MOST_CODINGS} content codings"
        return b"", value_finding(Code.LIMIT_EXCEEDED, message)
    for coding in reversed(names):
        if coding != "deflate" and is_markup(body):
            return body, None
        if coding not in ("gzip", "x-gzip", "deflate"):
            name = repr(coding) if _SHOWN.fullmatch(coding) else "with an unusual name"
            message = f"the body has the content coding {name}, which is not supported"
            hint = "let the capturing program remove the coding, or ask the server for gzip"
            return b"", value_finding(Code.BROKEN_CAPTURE, message, hint)
        is_short = allowance.is_short
        try:
            body = _unpacked(body, coding, allowance)
        except (zlib.error, EOFError):
            # The first bytes of deflated data may look like a tag.
            if is_markup(body):
                return body, None
            message = f"the body is not valid {coding}, although its header field says so"
            return b"", value_finding(Code.BROKEN_CAPTURE, message)
        except OverflowError:
            return b"", allowance.exceeded("the body", is_short=is_short)
    return body, None


def _unpacked(body: bytes, coding: str, allowance: Allowance) -> bytes:
    """Unpack within the limits; raise zlib.error, EOFError if the end is missing, or OverflowError.

    The allowance pays for damaged content too, because a decompression bomb may be damaged.
    """
    if coding == "deflate":
        # Some senders omit the zlib wrapper that RFC 9110 §8.4.1.2 asks for.
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
                    # A gzip file may have several members, and zeros after them.
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
