"""Lower bounds for any reader: a parser without handlers, and a copy of the bytes."""

from __future__ import annotations

import pyexpat

__all__ = ["bare", "bare_in_pieces", "bare_with_namespaces", "copy"]


def bare(data: bytes) -> None:
    """Parse without namespaces and without handlers."""
    pyexpat.ParserCreate().Parse(data, True)


def bare_with_namespaces(data: bytes) -> None:
    """Parse without handlers; expat resolves the prefixes."""
    pyexpat.ParserCreate(None, " ").Parse(data, True)


def bare_in_pieces(chunks: list[bytes]) -> None:
    """Parse a message in pieces, without namespaces and without handlers."""
    parser = pyexpat.ParserCreate()
    for chunk in chunks:
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def copy(data: bytes) -> bytearray:
    """Copy the bytes."""
    return bytearray(data)
