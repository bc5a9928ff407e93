"""The checks of values and arguments: their type, their characters, and whether they are XML."""

from __future__ import annotations

from ._xml.escape import unencodable
from .findings import Code, EncodeError, value_finding

__all__ = ["bad_fragment", "check_text", "wrong_type"]


def wrong_type(name: str, wanted: str, value: object) -> TypeError:
    """Return the exception for a value of the wrong Python type."""
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def check_text(name: str, value: object) -> None:
    """Check that a value is text. Raises TypeError; EncodeError for characters that XML does not allow."""
    if type(value) is str and value.isascii() and value.isprintable():
        return
    if not isinstance(value, str):
        raise wrong_type(name, "str", value)
    index = unencodable(value)
    if index is not None:
        message = f"{name} holds U+{ord(value[index]):04X} at index {index}, which XML 1.0 does not allow"
        raise EncodeError(value_finding(Code.UNENCODABLE_TEXT, message))


def bad_fragment(message: str) -> EncodeError:
    """Return the exception for XML that cannot be part of a message."""
    return EncodeError(value_finding(Code.BAD_FRAGMENT, message))
