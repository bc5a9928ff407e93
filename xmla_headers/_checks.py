"""How values and arguments are refused: by type, by character, as a fragment."""

from __future__ import annotations

from ._xml.escape import unencodable
from .findings import Code, EncodeError, value_finding

__all__ = ["bad_fragment", "check_text", "wrong_type"]


def wrong_type(name: str, wanted: str, value: object) -> TypeError:
    """Return the exception for a value of the wrong Python type."""
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def check_text(name: str, value: object) -> None:
    """Raise TypeError for what is no str, EncodeError for what XML 1.0 cannot carry."""
    if type(value) is str and value.isascii() and value.isprintable():
        return
    if not isinstance(value, str):
        raise wrong_type(name, "str", value)
    index = unencodable(value)
    if index is not None:
        message = f"{name} holds U+{ord(value[index]):04X} at index {index}, which XML 1.0 cannot carry"
        raise EncodeError(value_finding(Code.UNENCODABLE_TEXT, message))


def bad_fragment(message: str) -> EncodeError:
    """Return the exception for XML that could not stand in a message."""
    return EncodeError(value_finding(Code.BAD_FRAGMENT, message))
