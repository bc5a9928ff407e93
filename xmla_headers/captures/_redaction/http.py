"""HTTP messages, as they went over the wire -> the same without their secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers.captures._formats.coding import unpacked_body
from xmla_headers.captures._formats.http import BINARY, HEAD_END, START, HttpMessage, read_stream
from xmla_headers.findings import Code
from xmla_headers.soap import Direction

from .secrets import ChangeKind

if TYPE_CHECKING:
    from .editor import Editor

__all__ = ["like_http", "redact_http", "redact_one"]

#: RFC 9110 §15.2: such a response stands in front of the one that counts.
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d\b")

_LENGTH = re.compile(rb"(?im)^(content-length[ \t]*:[ \t]*)(\d{1,18})([ \t]*\r?)$")
#: The value with the white space after it: to look for its end first would cost the square of the space.
_CODINGS = re.compile(rb"(?im)^(transfer-encoding|content-encoding)[ \t]*+:([^\r\n]*+)(\r?\n|\Z)")
#: What says, in a text that may hold heads, that what follows cannot be searched: a head with a coding, or a
#: blank line before chunks or compressed data.
_CODED = re.compile(
    rb"(?im)^(?P<coding>(?:transfer|content)-encoding)[ \t]*+:[ \t]*+(?!identity[ \t]*+\r?$)\S"
    rb"|\r?\n\r?\n(?=[0-9a-f]{1,8}[ \t]*+(?:;[^\r\n]{0,200})?\r\n|\x1f\x8b|PK\x03\x04|\xdf\xff)"
)
#: The first line of another message, wherever it stands.
_START = re.compile(START)
#: RFC 9112 §7.1, as no message and no text of ours begins.
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r\n")
_FOLLOWS = "what follows a body that is coded"
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
    pieces: list[bytes] = []
    for place, message, stop, following in read_stream(data, editor.limits):
        if not pieces:
            pieces.append(_text(b"", data[:place], "", editor)[0])
        end = len(data) if following is None else following
        direction = Direction.RESPONSE if data.startswith(b"HTTP/", place) else Direction.REQUEST
        name = f"{direction}/{counts[direction]}"
        counts[direction] += 1
        pieces.append(redact_one(data[place:end], stop - place, message, name, editor))
    return b"".join(pieces) if pieces else _text(b"", data, "", editor)[0]


def _body(data: bytes, name: str, editor: Editor) -> bytes:
    """Return a body that is not coded, as far as its head tells."""
    # In chunks an id may be in two pieces.
    chunked = _CHUNK.match(data) is not None
    return editor.emptied(data, name, _DAMAGED) if chunked else editor.message(data, name)


def redact_one(data: bytes, stop: int, message: HttpMessage, name: str, editor: Editor) -> bytes:
    """Return one message, and all that follows it up to the next one, without their secrets.

    `stop` is where reading the message has ended. A body that is coded, and has to be changed, is written
    without its codings. One that cannot be searched is gone.
    """
    if message.trouble is not None:
        stop = len(data)
        is_read = message.status is not None or message.method
        if not is_read and not _codings(data, _head_of(data)) and editor.searchable(data):
            # No one can tell where its head ends: first it is searched as one text.
            data, stop = editor.data_in_two(data, stop, name, mixed=True)
    start = _head_of(data)
    cut = _end_of_head(data, start)
    head, body, rest = data[:cut], data[cut : max(cut, stop)], data[max(cut, stop) :]
    codings = _codings(head, start)
    new_head = editor.data(head, name, head=True)
    reason = _unsearchable(head, start, message, editor, coded=bool(codings))
    if reason is not None:
        return _emptied(new_head, body, name, reason, editor) + _after(rest, name, editor)
    if not codings:
        new, size = _uncoded_body(body, rest, name, editor)
        return _with_length(new_head, size - len(body)) + new
    rest = _after(rest, name, editor)
    content_coding = codings.get(b"content-encoding", b"identity")
    plain, failure = unpacked_body(message.body, content_coding.decode("latin-1"), editor.allowance)
    if failure is not None:
        return _emptied(new_head, body, name, "the content coding cannot be taken off", editor) + rest
    new_plain = editor.message(plain, name)
    if new_plain == plain and not _has_secrets(body, codings, editor):
        return new_head + body + rest
    for coding, value in codings.items():
        editor.note(name, ChangeKind.CODING, _coding(coding, value))
    return _uncoded(new_head, len(new_plain)) + new_plain + rest


def _end_of_head(data: bytes, start: int) -> int:
    found = HEAD_END.search(data, start)
    return len(data) if found is None else found.end()


def _codings(data: bytes, start: int) -> dict[bytes, bytes]:
    """Return the codings of the body of the message that begins at `start`: header field -> value."""
    end = _end_of_head(data, start)
    fields = {match[1].lower(): match[2].strip().lower() for match in _CODINGS.finditer(data, start, end)}
    # A transfer coding changes how the body is written, whatever its name.
    coded = b"transfer-encoding" in fields or fields.get(b"content-encoding") not in _NONE
    return fields if coded else {}


_NONE = (None, b"", b"identity")


def _unsearchable(
    head: bytes, start: int, message: HttpMessage, editor: Editor, *, coded: bool
) -> str | None:
    """Return why the body of a message cannot be searched, as far as its head and reading it tell."""
    found = _MEDIA_TYPE.search(head, start)
    media_type = "" if found is None else found[1].lower().decode()
    if media_type in BINARY:
        return f"{media_type}, not text"
    if message.trouble is None:
        return None
    if message.trouble.code is Code.LIMIT_EXCEEDED:
        return f"more than {editor.limits.max_entry_bytes} bytes (max_entry_bytes)"
    return _DAMAGED if coded else None


def _after(rest: bytes, name: str, editor: Editor) -> bytes:
    """Return what follows a body that is coded: nothing, because a secret may begin in the body."""
    if not rest.strip():
        return rest
    return _text(b"", rest, name, editor)[0] if editor.learns else editor.emptied(rest, name, _FOLLOWS)


def _uncoded_body(body: bytes, rest: bytes, name: str, editor: Editor) -> tuple[bytes, int]:
    """Return a body, and what follows it, without their secrets, and the size of the body.

    Where the length of a message is wrong, they are in truth one text, or the body holds the message that
    follows: a secret may lie across any place.
    """
    if not rest.strip() and _START.search(body) is None:
        new = _body(body, name, editor)
        return new + rest, len(new)
    return _text(body, rest, name, editor)


def _text(body: bytes, rest: bytes, name: str, editor: Editor) -> tuple[bytes, int]:
    """Return what may hold heads and bodies without its secrets, and the size of the body now."""
    text = body + rest
    if not text or _CHUNK.match(text) is not None or not editor.searchable(text):
        return _body(text, name, editor), 0
    coded = _CODED.search(text)
    end = len(text)
    if coded is not None:
        end = coded.end() if coded["coding"] is None else _end_of_head(text, coded.start())
    # It may be in one encoding, or the head in it in another one.
    new, size = editor.data_in_two(text[:end], min(len(body), end), name)
    new, size = editor.data_in_two(new, size, name, mixed=True)
    return new + editor.emptied(text[end:], name, _DAMAGED), size


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
