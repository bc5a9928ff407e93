"""HTTP Archive 1.2: JSON -> captured messages, one entry in memory at a time."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from xmla_headers.captures._message import CapturedMessage, broken
from xmla_headers.findings import Code, value_finding

from .allowance import Allowance
from .http import HttpMessage, exchange_of
from .json_stream import BrokenError, JsonText, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers.captures._message import CaptureLimits

__all__ = ["iter_har"]


def iter_har(data: bytes | memoryview, prefix: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of the entries that may be XMLA: the body is POSTed as XML, or to a SOAPAction.

    The texts of a HAR are characters, whatever the encoding was: they become UTF-8, and so does the charset.
    """
    text, allowance = JsonText(data, limits.max_entry_bytes), Allowance(limits)
    number = 0
    try:
        if not text.enter_member("log") or not text.enter_member("entries"):
            yield broken(prefix[:-1], "a JSON file without log.entries, so no HTTP Archive (HAR)")
            return
        while text.next_item():
            name = f"{prefix}entries/{number}"
            number += 1
            try:
                entry = text.value()
            except TooLargeError:
                message = f"the entry has more than {limits.max_entry_bytes} bytes (max_entry_bytes)"
                yield CapturedMessage(name, b"", trouble=value_finding(Code.LIMIT_EXCEEDED, message))
            except BrokenError as error:
                yield broken(name, f"the entry is no JSON: {error}")
            else:
                yield from _entry(entry, name, allowance)
                continue
            text.skip()
        text.leave(2)
    except BrokenError as error:
        yield broken(prefix[:-1], f"the HAR breaks off behind {_entries(number)}: {error}")


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _entry(entry: object, name: str, allowance: Allowance) -> Iterator[CapturedMessage]:
    request = _dict(entry, "request")
    if not isinstance(entry, dict) or not request:
        yield broken(name, "the entry has no request")
        return
    begun = _time(entry.get("startedDateTime"))
    response = _response(entry, name, begun)
    yield from exchange_of(_request(request, name, begun), response, name, allowance)


def _request(request: dict[str, object], name: str, begun: datetime | None) -> HttpMessage:
    method, headers = request.get("method"), _headers(request)
    message = HttpMessage(f"{name}/request", method if isinstance(method, str) else "", None, headers, b"")
    message.time = begun
    posted = _dict(request, "postData")
    size = request.get("bodySize")
    _fill(message, posted, size if isinstance(size, int | float) else 0)
    if not any(field.lower() == "content-type" for field, _ in headers):
        message.headers = (*headers, *_mime_type(posted))
    return message


def _response(entry: dict[str, object], name: str, begun: datetime | None) -> HttpMessage | None:
    response = _dict(entry, "response")
    status = response.get("status")
    # A request that was not answered has the status 0, or one below it.
    if not isinstance(status, int) or status < 100:
        return None
    message = HttpMessage(f"{name}/response", None, status, _headers(response), b"")
    taken = entry.get("time")
    if begun is not None and isinstance(taken, int | float) and 0 <= taken < 1e12:
        with suppress(OverflowError):  # behind the year 9999
            message.time = begun + timedelta(milliseconds=taken)
    content = _dict(response, "content")
    size = content.get("size")
    _fill(message, content, size if isinstance(size, int | float) else 0)
    if not any(field.lower() == "content-type" for field, _ in message.headers):
        message.headers = (*message.headers, *_mime_type(content))
    return message


def _fill(message: HttpMessage, content: dict[str, object], size: float) -> None:
    """Set the body and what is known of it."""
    text = content.get("text")
    if not isinstance(text, str):
        if size > 0:
            message.trouble = value_finding(
                Code.BROKEN_CAPTURE,
                "the capture holds no content for this message, only its size",
                "export it with content; a browser drops the content of large answers",
            )
        return
    try:
        if content.get("encoding") == "base64":
            message.body = b64decode(text, validate=True)
            # Most have taken the content coding off by then, some have not.
            message.decoded = not message.body.startswith(b"\x1f\x8b")
        else:
            message.body = text.encode()
            message.charset, message.decoded = "utf-8", True
    except UnicodeEncodeError:
        message.trouble = value_finding(
            Code.BROKEN_CAPTURE,
            "the content has what is no character (a lone surrogate, or bytes that are not UTF-8)",
        )
    except ValueError:
        message.trouble = value_finding(
            Code.BROKEN_CAPTURE, "the content is no base64, though the entry says so"
        )


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
    return (("Content-Type", mime_type),) if isinstance(mime_type, str) and mime_type else ()


def _dict(parent: object, name: str) -> dict[str, object]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)
