"""HTTP messages, as they went over the wire -> the same without their secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers.findings import Code
from xmla_headers.soap import Direction

from ._coding import unpacked_body
from ._http import BINARY, HEAD_END, HttpMessage, read_stream
from ._secrets import ChangeKind

if TYPE_CHECKING:
    from ._editor import Editor

__all__ = ["like_http", "redact_http", "redact_one"]

#: RFC 9110 §15.2: such a response stands in front of the one that counts.
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d\b")

_LENGTH = re.compile(rb"(?im)^(content-length[ \t]*:[ \t]*)(\d{1,18})([ \t]*\r?)$")
_CODINGS = re.compile(rb"(?im)^(transfer-encoding|content-encoding)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(\r?\n|\Z)")
#: RFC 9112 §7.1, as no message and no text of ours begins.
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_DAMAGED = "coded, and cut off or damaged"
_FIELD = re.compile(rb"(?im)^(?:content-(?:length|type|encoding)|transfer-encoding)[ \t]*+:")
_MEDIA_TYPE = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*\"?([a-z0-9.+/_-]+)")


def like_http(data: bytes) -> bool:
    """Whether it begins with header fields, in front of which a first line may be missing, or damaged."""
    markup = data.find(b"<", 1)
    return _FIELD.search(data, 0, len(data) if markup < 0 else markup) is not None


def redact_http(data: bytes, editor: Editor) -> bytes:
    """Return a stream of HTTP messages without their secrets; a place is the name that iter_http gives."""
    counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
    pieces, done, name = [], 0, ""
    for place, message, stop, following in read_stream(data, editor.limits):
        # What is between messages belongs to none, or to the one before it.
        pieces.append(_between(data[done:place], name, editor))
        end = stop
        if message.trouble is not None:
            end = len(data) if following is None else following
        direction = Direction.RESPONSE if data.startswith(b"HTTP/", place) else Direction.REQUEST
        name = f"{direction}/{counts[direction]}"
        counts[direction] += 1
        pieces.append(redact_one(data[place:end], message, name, editor))
        done = end
    pieces.append(_between(data[done:], name, editor))
    return b"".join(pieces)


def _between(data: bytes, name: str, editor: Editor) -> bytes:
    """Return what is no HTTP message, perhaps because its first line is damaged, without its secrets."""
    if not data:
        return data
    field = _FIELD.search(data)
    found = None if field is None else HEAD_END.search(data, field.start())
    if found is None:
        return editor.data(_body(data, name, editor), name, mixed=True)
    head, rest = data[: found.end()], data[found.end() :]
    coded = _CODINGS.search(head) is not None
    rest = editor.emptied(rest, name, _DAMAGED) if coded else _body(rest, name, editor)
    # Behind a body in UTF-16 there may be another head.
    return editor.data(head, name, head=True) + editor.data(rest, name, mixed=True)


def _body(data: bytes, name: str, editor: Editor) -> bytes:
    """Return a body that is not coded, as far as its head tells."""
    # In chunks an id may be in two pieces.
    chunked = _CHUNK.match(data) is not None
    return editor.emptied(data, name, _DAMAGED) if chunked else editor.message(data, name)


def redact_one(data: bytes, message: HttpMessage, name: str, editor: Editor) -> bytes:
    """Return one message, and what has been read of it, without its secrets.

    A body that is coded, and has to be changed, is written without its codings. One that cannot be
    searched is gone.
    """
    start = _head_of(data)
    found = HEAD_END.search(data, start)
    cut = len(data) if found is None else found.end()
    head, body = data[:cut], data[cut:]
    codings = {match[1].lower(): match[2].lower() for match in _CODINGS.finditer(head, start)}
    content_coding = codings.get(b"content-encoding", b"identity")
    coded = b"transfer-encoding" in codings or content_coding not in (b"", b"identity")
    media_type = _MEDIA_TYPE.search(head, start)
    binary = media_type is not None and media_type[1].lower().decode() in BINARY
    new_head = editor.data(head, name, head=True)
    reason = f"{media_type[1].lower().decode()}, not text" if binary and media_type is not None else None
    if message.trouble is not None and reason is None:
        if message.trouble.code is Code.LIMIT_EXCEEDED:
            reason = f"more than {editor.limits.max_entry_bytes} bytes (max_entry_bytes)"
        elif coded:
            reason = _DAMAGED
    if reason is not None:
        return _emptied(new_head, body, name, reason, editor)
    if not coded:
        new_body = _body(body, name, editor)
        return _with_length(new_head, len(new_body) - len(body)) + new_body
    plain, failure = unpacked_body(message.body, content_coding.decode("latin-1"), editor.allowance)
    if failure is not None:
        return _emptied(new_head, body, name, "the content coding cannot be taken off", editor)
    new_plain = editor.message(plain, name)
    if new_plain == plain and not _has_secrets(body, codings, editor):
        return new_head + body
    for coding, value in codings.items():
        editor.note(name, ChangeKind.CODING, _coding(coding, value))
    return _uncoded(new_head, len(new_plain)) + new_plain


def _head_of(data: bytes) -> int:
    """Return where the head begins that counts."""
    start = 0
    while _INFORMATIONAL.match(data, start):
        found = HEAD_END.search(data, start)
        if found is None or not data.startswith(b"HTTP/", found.end()):
            break
        start = found.end()
    return start


def _has_secrets(body: bytes, codings: dict[bytes, bytes], editor: Editor) -> bool:
    """Whether there are some around the chunks, in extensions and trailer fields (RFC 9112 §7.1)."""
    if editor.learns or b"transfer-encoding" not in codings:
        return False
    return bool(editor.find(body.decode("latin-1"), head=True))


def _emptied(head: bytes, body: bytes, name: str, reason: str, editor: Editor) -> bytes:
    if not body or editor.learns:
        return head + body
    editor.emptied(body, name, reason)
    return _uncoded(head, 0)


def _with_length(head: bytes, delta: int) -> bytes:
    """Return a head whose Content-Length has grown by so much."""
    if not delta:
        return head
    return _LENGTH.sub(lambda match: b"%b%d%b" % (match[1], max(0, int(match[2]) + delta), match[3]), head)


def _uncoded(head: bytes, length: int) -> bytes:
    """Return a head for a body of a length, without codings."""
    start = _head_of(head)
    rest = head[start:]
    if _LENGTH.search(rest):
        rest = _LENGTH.sub(lambda match: b"%b%d%b" % (match[1], length, match[3]), rest)
        return head[:start] + _CODINGS.sub(b"", rest)
    rest = _CODINGS.sub(lambda match: b"Content-Length: %d%b" % (length, match[3]), rest, count=1)
    return head[:start] + _CODINGS.sub(b"", rest)


def _coding(field: bytes, value: bytes) -> str:
    """Return a coding for the list: the names that are known, and no other."""
    known = [word for word in re.findall("[a-z]+", value.decode("latin-1")) if word in _KNOWN]
    return f"{field.decode().title()}: {', '.join(known) or 'another'}"


_KNOWN = frozenset({"chunked", "gzip", "deflate", "identity", "compress", "br"})
