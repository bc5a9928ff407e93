"""Knows how texts escape the messages in them: as XML, JSON, strings of C or quotes that are doubled."""

from __future__ import annotations

import re

__all__ = ["doubled", "redoubled", "unescaped"]

_REFERENCE = re.compile(rb"&(?:(lt|gt|amp|quot|apos)|\x23(\d{1,7})|\x23[xX]([0-9a-fA-F]{1,6}));")
_NAMED = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
_BACKSLASH = re.compile(
    rb"\\(?:((?:u[0-9a-fA-F]{4})(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?)|x([0-9a-fA-F]{2})|(.))", re.DOTALL
)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b""}
# The first quote of a start tag, and whether it is doubled.
_QUOTE = re.compile(rb"[^>]{0,4000}?=\s*(?:(\\)|(\"\"(?=[^\s\"/>])|''(?=[^\s'/>]))|[\"'])")
# Escaped white space between tags, or an escaped slash in an end tag.
_BETWEEN = re.compile(rb">(?:\\[nrt])+\s*<|<\\/")
# A text may be escaped for one format within another one.
_MOST = 5


def unescaped(data: bytes, *, is_json: bool = False) -> bytes:
    """Return a message as its sender wrote it. Its start tag tells how the text escapes it.

    `is_json`: the message is a whole string of JSON.
    """
    if is_json:
        data = _BACKSLASH.sub(_escaped, data)
    for _ in range(_MOST):
        quote = _QUOTE.match(data)
        if data.startswith(b"&"):
            data = _REFERENCE.sub(_referred, data)
        elif data.startswith(b"\\") or (quote is not None and quote[1]):
            data = _BACKSLASH.sub(_escaped, data)
        elif quote is not None and quote[2]:
            mark = quote[2][:1]
            data = data.replace(mark * 2, mark)
        elif _BETWEEN.search(data):
            data = _BACKSLASH.sub(_escaped, data)
        else:
            break
    return data


def doubled(data: bytes) -> bytes | None:
    """Return the kind of the quotes of a message if they are doubled, or None."""
    quote = _QUOTE.match(data)
    return quote[2][:1] if data.startswith(b"<") and quote is not None and quote[2] else None


def redoubled(data: bytes, mark: bytes) -> bytes:
    """Return a message with quotes of a kind doubled."""
    return data.replace(mark, mark * 2)


def _referred(reference: re.Match[bytes]) -> bytes:
    name, decimal, hexadecimal = reference.groups()
    if name is not None:
        return _NAMED[name]
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else reference[0]


def _escaped(escape: re.Match[bytes]) -> bytes:
    units, byte, letter = escape.groups()
    if units is not None:
        codes = b"".join(int(unit, 16).to_bytes(2, "little") for unit in re.findall(rb"u(.{4})", units))
        return codes.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
    if byte is not None:
        return bytes.fromhex(byte.decode())
    return _CONTROLS.get(letter, letter)
