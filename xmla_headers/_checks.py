"""The checks of values and arguments: their type, their characters, and whether they are XML."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from ._xml.escape import unencodable
from .findings import Code, EncodeError, value_finding

__all__ = ["bad_fragment", "check_text", "member_of", "wrong_type"]

MemberT = TypeVar("MemberT", bound=Enum)


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


def member_of(kind: type[MemberT], name: str, value: object) -> MemberT:
    """Return the member of an enumeration that an argument is, or names.

    Raises TypeError for another type, ValueError for an unknown value.
    """
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        raise wrong_type(name, f"{kind.__name__} or str", value)
    # The value of a SoapVersion is a namespace, which nobody writes.
    members = {getattr(member, "version", member.value): member for member in kind}
    if value not in members:
        msg = f"{name} must be {' or '.join(map(repr, members))}, not {value[:40]!r}"
        raise ValueError(msg)
    return members[value]
