"""Knows HTTP Archive 1.2 (.har): JSON, of which one entry is in memory at a time."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, TypeAlias

from xmla_headers.captures._mapped import release
from xmla_headers.captures._message import CapturedMessage, broken, unsupported
from xmla_headers.captures._redaction.json_strings import Container, redact_json, redact_part
from xmla_headers.captures._unpacking import Allowance, decoded_base64, is_markup
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

from . import bare
from .http import exchange_of
from .http_stream import HttpMessage, header_of
from .json_stream import BrokenError, JsonText, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

__all__ = ["NotAPartError", "Part", "parts", "read", "read_part", "recognise", "redact", "redact_parts"]

_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+\{")
# The same, unless the brace is a stray character before something else.
_JSON = re.compile(_OBJECT.pattern + rb"[ \t\r\n]*+(?:[\"}]|\Z)")

# An entry whose first name, or the white space before it, is longer does not begin a part.
_MOST_NAME = 256
# Bytes that are searched at a time for the beginnings of entries.
_PIECE = 1_048_576
_FIRST_NAME = re.compile(rb"[ \t\r\n]*+\{[ \t\r\n]*+(\"[^\"\\]++\")[ \t\r\n]*+:")
_ITEM_BEGUN = re.compile(rb",[ \t\r\n]*+\{[ \t\r\n]*+\Z")


Files: TypeAlias = "Callable[[str], bytes | None]"


class NotAPartError(Exception):
    """A part does not begin or end with an entry."""


@dataclass(frozen=True, slots=True)
class Part:
    """Entries of a HAR that can be read by themselves."""

    start: int
    """The offset of the first entry, in bytes."""
    end: int
    """The offset after the last entry and its comma, in bytes."""
    first: int
    """The number of the first entry in the HAR."""
    stop: int | None
    """The number of the first entry after the part; None for the last part."""


_WHOLE = Part(0, 0, 0, None)


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins with a JSON object."""
    return _OBJECT.match(data) is not None


def redact(data: bytes, editor: Editor) -> bytes:
    """Return a HAR without its secrets, whole or broken."""
    return b"".join(redact_parts(data, editor))


def redact_parts(data: bytes | memoryview, editor: Editor) -> Iterator[bytes]:
    """Yield the parts of a HAR without their secrets. One that is broken is one part."""
    if not _JSON.match(data):
        editor.is_settled = False
        yield bare.redact(bytes(data), editor)
        return
    place, around = 0, list[Container]()
    for part in _parts(data, _SIZE):
        for end in (part.start, part.end):
            piece = bytes(data[place:end])
            redacted = redact_part(piece, editor, _place_of, around, is_last=end == len(data))
            if redacted is None:
                break
            place = end
            new, around = redacted
            yield new
        else:
            release(data)
            continue
        break
    if place < len(data):
        # The quotes of broken JSON tell nothing, so the rest is one part.
        yield redact_json(bytes(data[place:]), editor, _place_of, around)


# The size of a part, in bytes.
_SIZE = 262_144


def _place_of(names: list[str]) -> str:
    """Return the name that `read` gives to the message that the members and items belong to."""
    if names[:2] != ["log", "entries"] or len(names) < 3 or not names[2].isdecimal():
        return ""
    side = names[3] if names[3:] in (["request"], ["response"]) else ""
    return f"entries/{names[2]}/{side}" if side else f"entries/{names[2]}"


def _no_file(name: str) -> bytes | None:  # noqa: ARG001
    """Return None: a HAR alone has no files."""
    return None


def read(
    data: bytes | memoryview, name: str, limits: CaptureLimits, files: Files = _no_file
) -> Iterator[CapturedMessage]:
    """Yield the messages of the entries that may be XMLA: the body is POSTed as XML or to a SOAPAction.

    The entries come in the order of their times if the first ones show that they stand in another.

    A HAR gives the characters of a text, whatever its encoding was. They are encoded in UTF-8 again, and
    the charset of the message says so. `files` returns the content of a file beside the HAR, by its name in
    the HAR, or None; Playwright writes contents into such files.
    """
    return _told(_read(data, name, limits, files), data, name, limits)


def _read(
    data: bytes | memoryview, name: str, limits: CaptureLimits, files: Files = _no_file
) -> Iterator[CapturedMessage]:
    text = JsonText(data, limits.max_entry_bytes)
    try:
        if not text.enter_member("log") or not text.enter_member("entries"):
            yield unsupported(
                name,
                "a JSON file without log.entries, so no HTTP Archive (HAR), and without an Envelope",
                "export the traffic as HAR, with content",
            )
            return
    except BrokenError as error:
        yield broken(name, f"the HAR breaks off after {_entries(0)}: {error}")
        return
    order = _by_time(data, limits) if _is_disordered(data) else None
    if order is None:
        yield from _items(text, _WHOLE, name, limits, files)
        return
    prefix, allowance = f"{name}/" if name else "", Allowance(limits)
    for _, number, start, end in order:
        entry = JsonText(data[start:end], None).value()
        yield from _entry(entry, f"{prefix}entries/{number}", allowance, files)


# Some tools write the newest entry first. The first entries show it.
_BEGUN = re.compile(rb"\"startedDateTime\"[ \t\r\n]*:[ \t\r\n]*\"([^\"\\]{1,40})\"")
_MOST_START, _MOST_COMPARED = 1_048_576, 16


def _is_disordered(data: bytes | memoryview) -> bool:
    """Return whether every fourth of the first entries, or more, was begun before the one before it.

    One clock may be wrong.
    """
    found = islice(_BEGUN.finditer(bytes(data[:_MOST_START])), _MOST_COMPARED)
    times = [_time(match[1].decode("latin-1")) for match in found]
    known = [time for time in times if time is not None]
    falls = sum(after < before for before, after in pairwise(known))
    return falls * 4 >= len(known) - 1 > 0


def _by_time(data: bytes | memoryview, limits: CaptureLimits) -> list[tuple[datetime, int, int, int]] | None:
    """Return the time, number, start and end of each entry, in the order of their times.

    None if an entry cannot be read, or has no time: the entries are then read as they stand.
    """
    text = JsonText(data, limits.max_entry_bytes)
    found: list[tuple[datetime, int, int, int]] = []
    try:
        # They are there, since some of their times were found.
        text.enter_member("log")
        text.enter_member("entries")
        while text.next_item():
            start, entry = text.offset, text.value()
            time = _time(entry.get("startedDateTime")) if isinstance(entry, dict) else None
            if time is None:
                return None
            found.append((time, len(found), start, text.offset))
        text.leave(2)
    except (BrokenError, TooLargeError):
        return None
    return sorted(found)


def _told(
    messages: Iterator[CapturedMessage], data: bytes | memoryview, name: str, limits: CaptureLimits
) -> Iterator[CapturedMessage]:
    """Yield the messages, with the finding about requests whose bodies the HAR leaves out.

    If it leaves out the first one, it leaves out all of them: then only the first has the finding.
    """
    first: CapturedMessage | None = None
    for message in messages:
        if not message.omitted:
            yield message
            continue
        if first is None:
            # A part of a HAR may begin after it.
            requests = (each for each in _read(data, name, limits) if each.direction is Direction.REQUEST)
            first = next(requests, message)
        if not first.omitted:
            yield replace(message, trouble=_ONE_OMITTED)
        else:
            yield replace(message, trouble=_ALL_OMITTED) if message.name == first.name else message


_ONE_OMITTED = value_finding(
    Code.BROKEN_CAPTURE,
    "the capture holds no content for this message, only its size",
    "export it with content; a browser drops the content of large answers",
)
_ALL_OMITTED = value_finding(
    Code.BROKEN_CAPTURE,
    "the capture holds no bodies of requests; the answers are checked, and the sessions that they grant",
    "export it again with the bodies of requests, or record it with another program",
)


def parts(data: bytes | memoryview, size: int) -> Iterator[Part]:
    """Yield the parts of a HAR, each of about a size in bytes; nothing if it has no entry.

    A part begins where an object begins after a comma, and its first member has the name of the first
    member of the first entry. `read_part` notices if that is no entry.
    """
    return iter(()) if _is_disordered(data) else _parts(data, size)


def _parts(data: bytes | memoryview, size: int) -> Iterator[Part]:
    text = JsonText(data, None)
    try:
        if not (text.enter_member("log") and text.enter_member("entries") and text.next_item()):
            return
    except BrokenError:
        return
    start, first = text.offset, 0
    name = _FIRST_NAME.match(bytes(data[start : start + _MOST_NAME]))
    for number, place in enumerate(() if name is None else _places_of(name[1], data, start), 1):
        if place - start >= size:
            yield Part(start, place, first, number)
            start, first = place, number
    yield Part(start, len(data), first, None)


def _places_of(name: bytes, data: bytes | memoryview, start: int) -> Iterator[int]:
    """Yield the offset of each object after a comma whose first member has the name.

    Only the name is searched for, with its quotes: inside a string they would be escaped.
    """
    for at in range(start, len(data), _PIECE):
        before = min(_MOST_NAME, at)
        piece = bytes(data[at - before : at + _PIECE + _MOST_NAME])
        place = piece.find(name, before)
        while 0 <= place < before + _PIECE:
            begun = _ITEM_BEGUN.search(piece, max(0, place - _MOST_NAME), place)
            if begun is not None:
                yield at - before + begun.start() + 1
            place = piece.find(name, place + 1)


def read_part(
    data: bytes | memoryview, part: Part, name: str, limits: CaptureLimits
) -> Iterator[CapturedMessage]:
    """Yield the messages of a part as `read` would, or raise NotAPartError if `parts` was wrong about it."""
    text = JsonText(data[part.start : part.end], limits.max_entry_bytes, inside=True)
    return _told(_items(text, part, name, limits), data, name, limits)


def _items(
    text: JsonText, part: Part, name: str, limits: CaptureLimits, files: Files = _no_file
) -> Iterator[CapturedMessage]:
    """Yield the messages of the entries that come next."""
    prefix, allowance, number = f"{name}/" if name else "", Allowance(limits), part.first
    try:
        while number != part.stop and text.next_item():
            place = f"{prefix}entries/{number}"
            number += 1
            try:
                entry = text.value()
            except TooLargeError:
                message = f"the entry has more than {limits.max_entry_bytes} bytes (max_entry_bytes)"
                yield CapturedMessage(place, b"", trouble=value_finding(Code.LIMIT_EXCEEDED, message))
            except BrokenError as error:
                if part.stop is not None:
                    # Where the text ends decides what can be said of the error.
                    raise
                yield broken(place, f"the entry is not valid JSON: {error}")
            else:
                yield from _entry(entry, place, allowance, files)
                continue
            text.skip()
        if part.stop is None:
            text.leave(2)
        elif not text.ends_after(","):
            raise NotAPartError
    except BrokenError as error:
        if part.stop is not None:
            raise NotAPartError from None
        yield broken(name, f"the HAR breaks off after {_entries(number)}: {error}")


def _entries(count: int) -> str:
    """Return a number of entries in words."""
    return "1 entry" if count == 1 else f"{count} entries"


def _entry(entry: object, name: str, allowance: Allowance, files: Files) -> Iterator[CapturedMessage]:
    """Yield the messages of an entry."""
    request = _dict(entry, "request")
    if not isinstance(entry, dict) or not request:
        yield broken(name, "the entry has no request")
        return
    begun = _time(entry.get("startedDateTime"))
    asked, response = _request(request, name, begun, files), _response(entry, name, begun, files)
    # No server answers an empty request like this, whatever the sizes say.
    if not asked.body and asked.trouble is None and response is not None and response.status == 200:
        asked.omitted = asked.omitted or _ANSWER.search(response.body) is not None
    yield from exchange_of(asked, response, name, allowance)


# The start of an answer that is not a fault.
_ANSWER = re.compile(rb"<(?:[\w.-]{1,100}:)?(?:Execute|Discover)Response[\s>/]")


def _request(request: dict[str, object], name: str, begun: datetime | None, files: Files) -> HttpMessage:
    method, headers = request.get("method"), _headers(request)
    message = HttpMessage(f"{name}/request", method if isinstance(method, str) else "", None, headers, b"")
    message.time = begun
    url = request.get("url")
    message.target = url if isinstance(url, str) else None
    posted = _dict(request, "postData")
    if not any(field.lower() == "content-type" for field, _ in headers):
        message.headers = (*headers, *_mime_type(posted))
    if _text(posted) or isinstance(posted.get("_file"), str):
        _fill(message, posted, files)
    else:
        # Exporters write the size -1 if they do not know it.
        sizes = request.get("bodySize"), _length(headers)
        message.omitted = 0 not in sizes or any(isinstance(size, int) and size > 0 for size in sizes)
    return message


def _length(headers: tuple[tuple[str, str], ...]) -> int | None:
    """Return the Content-Length."""
    value = (header_of(headers, "content-length") or "").strip()
    return int(value) if value.isdecimal() and len(value) < _MOST_DIGITS else None


# A length with more digits is wrong, and Python refuses to read very many of them.
_MOST_DIGITS = 19


def _response(
    entry: dict[str, object], name: str, begun: datetime | None, files: Files
) -> HttpMessage | None:
    response = _dict(entry, "response")
    status = response.get("status")
    # A request without an answer has the status 0 or -1.
    if not isinstance(status, int) or status < 100:
        return None
    message = HttpMessage(f"{name}/response", None, status, _headers(response), b"")
    server = entry.get("serverIPAddress")
    message.sender = server if isinstance(server, str) and server else None
    taken = _taken(entry)
    if begun is not None and taken is not None and 0 <= taken < 1e12:
        with suppress(OverflowError):  # after the year 9999
            message.time = begun + timedelta(milliseconds=taken)
    content = _dict(response, "content")
    size = content.get("size")
    in_a_file = isinstance(content.get("_file"), str)
    if _text(content) or in_a_file or not (isinstance(size, int | float) and size > 0):
        _fill(message, content, files)
    else:
        message.trouble = _ONE_OMITTED
    if not any(field.lower() == "content-type" for field, _ in message.headers):
        message.headers = (*message.headers, *_mime_type(content))
    return message


def _taken(entry: dict[str, object]) -> float | None:
    """Return the milliseconds from the start of an exchange to the end of its answer, if the entry says so.

    mitmproxy begins with the request, but counts the time to connect, which is before that. Unlike browsers
    it writes neither `blocked` nor `dns`.
    """
    timings = _dict(entry, "timings")
    known = [timings.get(name) for name in ("send", "wait", "receive")]
    numbers = [number for number in known if isinstance(number, int | float)]
    if len(numbers) == len(known) and min(numbers) >= 0 and not timings.keys() & {"blocked", "dns"}:
        return sum(numbers)
    taken = entry.get("time")
    return taken if isinstance(taken, int | float) else None


_IN_A_FILE = value_finding(
    Code.BROKEN_CAPTURE,
    "the content of this message is in a file beside the HAR, which is not read",
    'record it with the option content: "embed" (Playwright)',
)


def _fill(message: HttpMessage, content: dict[str, object], files: Files) -> None:
    """Set the body of a message, its charset and whether it is decoded."""
    text, file = _text(content), content.get("_file")
    if not text and isinstance(file, str):
        data = files(file)
        if data is None:
            message.trouble = _IN_A_FILE
        else:
            _set_bytes(message, data)
        return
    try:
        body = text.encode()
    except UnicodeEncodeError:
        message.trouble = value_finding(
            Code.BROKEN_CAPTURE,
            "the content has an invalid character (a lone surrogate, or bytes that are not UTF-8)",
        )
        return
    encoding = content.get("encoding")
    declared = isinstance(encoding, str) and encoding.strip().lower() == "base64"
    # Text in base64 may lack the label, and other text may have it.
    data = None if is_markup(body) else decoded_base64(text)
    if data is not None and (declared or is_markup(data) or data.startswith(_GZIP)):
        _set_bytes(message, data)
    elif declared and text and not is_markup(body):
        message.trouble = value_finding(
            Code.BROKEN_CAPTURE, "the content is not valid base64, although the entry says so"
        )
    else:
        message.body, message.charset, message.decoded = body, "utf-8", True


def _set_bytes(message: HttpMessage, data: bytes) -> None:
    """Set a body that the HAR gives as bytes."""
    message.body = data
    # Most writers remove the content coding, and some do not.
    message.decoded = not data.startswith(_GZIP)
    if "gzip" not in (header_of(message.headers, "content-encoding") or "").lower():
        message.codings = "gzip"


_GZIP = b"\x1f\x8b"


def _text(content: dict[str, object]) -> str:
    text = content.get("text")
    return text if isinstance(text, str) else ""


def _headers(message: dict[str, object]) -> tuple[tuple[str, str], ...]:
    found = message.get("headers")
    pairs = [
        (item.get("name"), item.get("value"))
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict)
    ]
    return tuple((name, value) for name, value in pairs if isinstance(name, str) and isinstance(value, str))


def _mime_type(content: dict[str, object]) -> tuple[tuple[str, str], ...]:
    mime_type = content.get("mimeType")
    # Browsers write x-unknown where there is none.
    known = isinstance(mime_type, str) and mime_type not in ("", "x-unknown")
    return (("Content-Type", str(mime_type)),) if known else ()


def _dict(parent: object, name: str) -> dict[str, object]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)
