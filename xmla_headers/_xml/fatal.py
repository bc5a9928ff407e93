"""The problem that makes a document unreadable and ends the reading."""

from __future__ import annotations

from xmla_headers.findings import Code

__all__ = [
    "Fatal",
    "limit_exceeded",
    "too_long",
]


class Fatal(Exception):  # noqa: N818 - it never leaves the package: it becomes a finding
    """A problem that makes a document unreadable; `offset` counts bytes of the UTF-8 text."""

    def __init__(
        self, code: Code, message: str, offset: int, hint: str | None = None, element: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint
        # The name of the element whose start tag is wrong, if that element was not opened.
        self.element = element


def limit_exceeded(name: str, message: str, offset: int) -> Fatal:
    """Return the fatal finding about the limit `name` of Limits."""
    hint = f"Limits({name}=...) changes the limit"
    return Fatal(Code.LIMIT_EXCEEDED, f"{message} ({name})", offset, hint)


def too_long(size: int, offset: int) -> Fatal:
    """Return the fatal finding about a message of more than `size` bytes."""
    return limit_exceeded("max_message_bytes", f"the message is longer than {size} bytes", offset)
