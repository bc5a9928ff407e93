"""Knows multipart bodies (RFC 2387): which part is the message."""

from __future__ import annotations

import re
from typing import NamedTuple

from xmla_headers.findings import Code, Finding, value_finding
from xmla_headers.http import charset_of

__all__ = ["Part", "Root", "is_coded", "parts_of", "root_of"]

_PARAMETER = re.compile(
    r""";\s*+(boundary|start)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]++))""", re.IGNORECASE | re.DOTALL
)
_MOST_TYPE, _MOST_BOUNDARY = 1_024, 200
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# The end of the head of a part, which may be empty.
_HEAD_END = re.compile(rb"(?:\A|\r?\n)\r?\n")
_MOST_HEAD = 8_192
_FOLD = re.compile(rb"\r?\n[ \t]+")
_FIELD = re.compile(rb"(?im)^(content-(?:id|type|transfer-encoding))[ \t]*+:[ \t]*+([^\r\n]*+)")
_AS_IS = frozenset({"", "7bit", "8bit", "binary"})
_CODED = re.compile(rb"(?im)^content-transfer-encoding[ \t]*+:[ \t]*+\"?(?:base64|quoted-printable)")


class Part(NamedTuple):
    """The range of the content of a part, and the fields of its head, with names in lower case."""

    start: int
    end: int
    fields: dict[str, str]


class Root(NamedTuple):
    """The root part of a body."""

    body: bytes
    charset: str | None
    others: int
    """The number of the other parts."""
    trouble: Finding | None = None


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a body; none if the boundary is not there."""
    boundary = _parameters(content_type).get("boundary", "").encode("latin-1", "replace")
    if not boundary or len(boundary) > _MOST_BOUNDARY:
        return []
    delimiter = re.compile(rb"(?:\A|\r?\n)--%b(--)?[ \t]*(?=\r?\n|\Z)" % re.escape(boundary))
    parts: list[Part] = []
    begun: int | None = None
    for found in delimiter.finditer(body):
        if begun is not None:
            parts.append(_part(body, begun, found.start()))
        if found[1] is not None:
            return parts
        begun = found.end()
    if begun is not None:
        parts.append(_part(body, begun, len(body)))
    return parts


def _part(body: bytes, start: int, end: int) -> Part:
    """Return the part between two delimiters; the end of the line of the first one is not yet read."""
    line = body.find(b"\n", start, end) + 1 or end
    found = _HEAD_END.search(body[line : min(end, line + _MOST_HEAD)])
    if found is None:
        return Part(line, end, {})
    head = _FOLD.sub(b" ", body[line : line + found.start()])
    fields = {
        match[1].lower().decode(): match[2].decode("latin-1").strip() for match in _FIELD.finditer(head)
    }
    return Part(line + found.end(), end, fields)


def root_of(content_type: str, body: bytes) -> Root | None:
    """Return the root part of a body: the one that the parameter `start` names, otherwise the first."""
    parts = parts_of(content_type, body)
    start = _parameters(content_type).get("start", "").strip(" <>")
    named = (part for part in parts if not start or part.fields.get("content-id", "").strip(" <>") == start)
    root = next(named, None)
    if root is None:
        return None
    trouble = None
    if root.fields.get("content-transfer-encoding", "").strip('"').lower() not in _AS_IS:
        text = "the root part of the multipart body is in base64 or quoted-printable, which is not read"
        trouble = value_finding(Code.BROKEN_CAPTURE, text)
    content = b"" if trouble is not None else body[root.start : root.end]
    return Root(content, charset_of(root.fields.get("content-type")), len(parts) - 1, trouble)


def is_coded(body: bytes) -> bool:
    """Return whether a part may be in base64 or quoted-printable, in which secrets are not found."""
    return _CODED.search(body) is not None


def _parameters(content_type: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(content_type[:_MOST_TYPE]):
        value = match[3] if match[2] is None else _QUOTED_PAIR.sub(r"\1", match[2])
        found.setdefault(match[1].lower(), value)
    return found
