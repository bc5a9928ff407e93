"""Simple types of XML Schema: the texts that they allow, the Python value of each, and its text.

| types | value | text that is written |
|---|---|---|
| `string`, `normalizedString`, `token`, `language`, `Name`, `NCName`, `NMTOKEN`, `anyURI` | str | the value |
| `QName` | str in Clark notation: `{namespace}local`, or `local` in no namespace | with a prefix |
| `dateTime` | str, since Python's datetime lacks years beyond 9999 and exact fractions | the value |
| `boolean` | bool | `true`, `false` |
| `integer` and all types derived from it | int | the digits, without zeros before them |
| `decimal` | Decimal | without exponent, and without zeros before and after the digits |

White space is replaced or collapsed as the type says before a text is judged (XML Schema Part 2 §4.3.6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as declared
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from ._checks import check_text, wrong_type
from ._immutable import shown_half_made
from ._printable import printable
from ._xml.names import NAME_CHARACTERS, NAME_START, clark, short, split_clark
from .findings import Code, EncodeError, value_finding
from .soap import XML_NS, XMLNS_NS

__all__ = ["BUILT_IN", "SimpleType", "SimpleValue"]

SimpleValue: TypeAlias = str | bool | int | Decimal
"""A value of a simple type."""

# A number has no more digits than this. XML Schema Part 2 §3.2.3 asks for 18; Python needs quadratic time.
_MOST_DIGITS = 1_000
_MOST_INTEGER = 10**_MOST_DIGITS - 1
# The most values of an enumeration that a message names.
_MOST_NAMED = 8

_NO_NAMES: Mapping[str, str] = MappingProxyType({})

_NCNAME = f"[{NAME_START}][{NAME_CHARACTERS}]*+"
_NAME = f"[{NAME_START}:][{NAME_CHARACTERS}:]*+"
_DATE_TIME = (
    r"(-?(?:[1-9][0-9]{4,}|[0-9]{4}))-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]++)?"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
)


_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _BuiltIn(NamedTuple):
    """A built-in type."""

    python: type[SimpleValue]
    white_space: str
    # Completes the sentence "The value is not ...".
    words: str
    # A regular expression for its texts, compiled when it is used.
    form: str | None = None
    minimum: int | None = None
    maximum: int | None = None


def _whole(minimum: int | None, maximum: int | None) -> _BuiltIn:
    return _BuiltIn(int, "collapse", "a whole number", r"[+-]?[0-9]++", minimum, maximum)


def _bits(size: int) -> dict[str, tuple[int, int]]:
    return {"": (-(2 ** (size - 1)), 2 ** (size - 1) - 1), "unsigned": (0, 2**size - 1)}


BUILT_IN = {
    "string": _BuiltIn(str, "preserve", "text"),
    "normalizedString": _BuiltIn(str, "replace", "text on one line"),
    "token": _BuiltIn(str, "collapse", "text without needless white space"),
    "language": _BuiltIn(str, "collapse", "a language tag", "[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*+"),
    "Name": _BuiltIn(str, "collapse", "a name", _NAME),
    "NCName": _BuiltIn(str, "collapse", "a name without a colon", _NCNAME),
    # Only the text has this form; the value is in Clark notation.
    "QName": _BuiltIn(
        str, "collapse", "a qualified name with a declared prefix or none", f"(?:{_NCNAME}:)?+{_NCNAME}"
    ),
    "NMTOKEN": _BuiltIn(str, "collapse", "a name token", f"[{NAME_CHARACTERS}:]++"),
    # XML Schema Part 2 §3.2.17 allows what XLink can escape: nearly everything.
    "anyURI": _BuiltIn(
        str, "collapse", "a URI", "(?:[^%#]|%[0-9a-fA-F]{2})*+(?:#(?:[^%#]|%[0-9a-fA-F]{2})*+)?+"
    ),
    "dateTime": _BuiltIn(str, "collapse", "a date and time, such as 2026-11-28T22:50:00Z", _DATE_TIME),
    "boolean": _BuiltIn(bool, "collapse", "true, false, 1 or 0"),
    "decimal": _BuiltIn(
        Decimal, "collapse", "a decimal number", r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)"
    ),
    "integer": _whole(None, None),
    "nonPositiveInteger": _whole(None, 0),
    "negativeInteger": _whole(None, -1),
    "nonNegativeInteger": _whole(0, None),
    "positiveInteger": _whole(1, None),
    "long": _whole(*_bits(64)[""]),
    "int": _whole(*_bits(32)[""]),
    "short": _whole(*_bits(16)[""]),
    "byte": _whole(*_bits(8)[""]),
    "unsignedLong": _whole(*_bits(64)["unsigned"]),
    "unsignedInt": _whole(*_bits(32)["unsigned"]),
    "unsignedShort": _whole(*_bits(16)["unsigned"]),
    "unsignedByte": _whole(*_bits(8)["unsigned"]),
}

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@shown_half_made
@dataclass(frozen=True, slots=True)
class SimpleType:
    """A built-in type of XML Schema, and the facets that restrict it.

    Raises:
        ValueError: `name` is not supported, or a pattern is not.

    >>> SimpleType("unsignedByte").read(" 007 ")
    7
    >>> SimpleType("token", enumeration=("sx", "xpress")).allowed
    'one of sx, xpress'
    """

    name: str = "string"
    """The name of the built-in type, such as `unsignedInt`."""
    minimum: int | Decimal | None = declared(default=None, kw_only=True)
    """The least number; None for that of the built-in type."""
    maximum: int | Decimal | None = declared(default=None, kw_only=True)
    """The greatest number; None for that of the built-in type."""
    above: int | Decimal | None = declared(default=None, kw_only=True)
    """A number that every value exceeds."""
    below: int | Decimal | None = declared(default=None, kw_only=True)
    """A number that exceeds every value."""
    total_digits: int | None = declared(default=None, kw_only=True)
    """The most digits of a number."""
    fraction_digits: int | None = declared(default=None, kw_only=True)
    """The most digits after the decimal point."""
    min_length: int = declared(default=0, kw_only=True)
    """The least number of characters."""
    max_length: int | None = declared(default=None, kw_only=True)
    """The greatest number of characters; None for no limit."""
    patterns: tuple[str, ...] = declared(default=(), kw_only=True)
    """Regular expressions of XML Schema, each of which a text must match as a whole."""
    enumeration: tuple[SimpleValue, ...] = declared(default=(), kw_only=True)
    """The values, if they are enumerated."""
    white_space: str = declared(default="", kw_only=True)
    """`preserve`, `replace` or `collapse`; empty for that of the built-in type."""
    matchers: tuple[Any, ...] = declared(init=False, repr=False, compare=False)
    """The compiled patterns."""

    def __post_init__(self) -> None:
        if self.name not in BUILT_IN:
            raise ValueError(f"the type {self.name} is not supported")
        object.__setattr__(self, "matchers", _matchers(self.patterns))

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__slots__ if name != "matchers"}
        return _restore, (values,)

    @property
    def python(self) -> type[SimpleValue]:
        """The class of the values: str, bool, int or Decimal."""
        return BUILT_IN[self.name].python

    @property
    def is_qname(self) -> bool:
        """Whether the values are qualified names, whose text depends on the prefixes around it."""
        return self.name == "QName"

    @property
    def allowed(self) -> str:
        """The values of the type in words, which complete the sentence "The value is not ..."."""
        if self.enumeration:
            named = [_shown(value) for value in self.enumeration[:_MOST_NAMED]]
            more = len(self.enumeration) - len(named)
            return f"one of {', '.join(named)}" + (f" and {more} more" if more else "")
        built_in = BUILT_IN[self.name]
        low = built_in.minimum if self.minimum is None else self.minimum
        high = built_in.maximum if self.maximum is None else self.maximum
        words = [built_in.words]
        for bound, text in ((low, "from"), (self.above, "above"), (high, "to"), (self.below, "below")):
            if bound is not None:
                words.append(f"{text} {bound}")
        if self.min_length or self.max_length is not None:
            words.append(f"of {_between(self.min_length, self.max_length)} characters")
        if self.total_digits is not None:
            words.append(f"of at most {self.total_digits} digits")
        if self.fraction_digits is not None:
            words.append(f"with at most {self.fraction_digits} digits after the point")
        if self.patterns:
            words.append(f"that matches {short(printable(self.patterns[-1]))}")
        return " ".join(words)

    def read(self, text: str, namespaces: Mapping[str, str] = _NO_NAMES) -> SimpleValue:
        """Return the value of a text.

        Args:
            text: The text as XML has it, before white space is replaced or collapsed.
            namespaces: Prefix -> namespace where the text stands, for a qualified name; the default
                namespace has the prefix "".

        Returns:
            A str, bool, int or Decimal. A qualified name is a str in Clark notation.

        Raises:
            ValueError: The type does not allow the text; the message says what it allows.

        >>> SimpleType("boolean").read("1")
        True
        >>> SimpleType("QName").read("a:b", {"a": "urn:example:a"})
        '{urn:example:a}b'
        """
        text = self._without_space(text)
        built_in = BUILT_IN[self.name]
        if built_in.python is bool:
            value: SimpleValue | None = _BOOLEANS.get(text)
        elif built_in.form is not None and re.fullmatch(built_in.form, text) is None:
            value = None
        elif built_in.python is str:
            value = _expanded(text, namespaces) if self.is_qname else text
        else:
            # Any number of zeros may come first; int refuses more than 4,300 digits. A decimal number has at
            # most twice as many digits as count.
            digits = text.lstrip("+-").lstrip("0")
            sign = "-0" if text.startswith("-") else "0"
            value = None if len(digits) > 2 * _MOST_DIGITS else built_in.python(sign + digits)
        if value is None or not self._has(value):
            raise ValueError(self.allowed)
        return value

    def check(self, name: str, value: object) -> None:
        """Check that a Python value is one of the type.

        Args:
            name: The name of the field, for the message.
            value: The value.

        Raises:
            EncodeError: `invalid-value`: the type does not have the value. `unencodable-text`: XML 1.0
                does not allow a character of it.
            TypeError: The value has another Python type.

        >>> SimpleType("boolean").check("flag", True)
        """
        python = self.python
        if python is str:
            check_text(name, value)
        elif type(value) is not python:
            raise wrong_type(name, python.__name__, value)
        if not self._has(value):  # type: ignore[arg-type]
            allowed = "a qualified name in Clark notation" if self.is_qname else self.allowed
            message = f"{name} is not {allowed}"
            raise EncodeError(value_finding(Code.INVALID_VALUE, message))

    def write(self, value: SimpleValue, prefixes: Mapping[str, str] = _NO_NAMES) -> str:
        """Return the text of a value: always the same for equal values.

        Args:
            value: A value of the type.
            prefixes: Namespace -> prefix where the text will stand, for a qualified name. A name in no
                namespace is written without a prefix, so no default namespace may be in scope there.

        Returns:
            The text, not escaped.

        Raises:
            KeyError: The namespace of a qualified name has no prefix in `prefixes`.

        >>> SimpleType("decimal").write(Decimal("1.50"))
        '1.5'
        >>> SimpleType("QName").write("{urn:example:a}b", {"urn:example:a": "a"})
        'a:b'
        """
        if isinstance(value, str):
            if not self.is_qname:
                return value
            namespace, local = split_clark(value)
            return f"{prefixes[namespace]}:{local}" if namespace else local
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        text = format(value, "f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def _has(self, value: SimpleValue) -> bool:
        """Whether a value of the right Python type, in any form, is one of the type."""
        if isinstance(value, str):
            if not self._has_form(value):
                return False
        elif isinstance(value, Decimal):
            if not value.is_finite():
                return False
            _, digits, exponent = value.as_tuple()
            if len(digits) + abs(int(exponent)) > _MOST_DIGITS:
                return False
        elif abs(value) > _MOST_INTEGER:
            return False
        return self._allows(value)

    def _has_form(self, value: str) -> bool:
        """Whether a text value has the form of the values of the built-in type."""
        if self.is_qname:
            namespace, local = split_clark(value)
            # No prefix can be declared for the namespace of xmlns.
            return (
                clark(namespace, local) == value
                and namespace != XMLNS_NS
                and re.fullmatch(_NCNAME, local) is not None
            )
        form = BUILT_IN[self.name].form
        return self._without_space(value) == value and (form is None or re.fullmatch(form, value) is not None)

    def _allows(self, value: SimpleValue) -> bool:
        """Whether the facets allow a value."""
        if self.enumeration and value not in self.enumeration:
            return False
        if isinstance(value, str):
            return (
                self.min_length <= len(value)
                and (self.max_length is None or len(value) <= self.max_length)
                and (self.name != "dateTime" or _is_date_time(value))
                and all(matcher.matches(value) for matcher in self.matchers)
            )
        built_in = BUILT_IN[self.name]
        bounds = (built_in.minimum, self.minimum), (built_in.maximum, self.maximum)
        return (
            all(bound is None or value >= bound for bound in bounds[0])
            and all(bound is None or value <= bound for bound in bounds[1])
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and self._fits(value)
        )

    def _fits(self, value: bool | int | Decimal) -> bool:  # noqa: FBT001 - a value
        """Whether a number has few enough digits."""
        if self.total_digits is None and self.fraction_digits is None:
            return True
        whole, _, fraction = self.write(value).lstrip("-").partition(".")
        count = len(whole.lstrip("0")) + len(fraction)
        return (self.total_digits is None or count <= self.total_digits) and (
            self.fraction_digits is None or len(fraction) <= self.fraction_digits
        )

    def _without_space(self, text: str) -> str:
        """Return a text after its white space is replaced or collapsed."""
        white_space = self.white_space or BUILT_IN[self.name].white_space
        if white_space == "preserve":
            return text
        text = text.translate(_SPACES)
        return text if white_space == "replace" else " ".join(filter(None, text.split(" ")))


# Not all that Python takes for white space is white space in XML.
_SPACES = {ord(character): " " for character in "\t\n\r"}


def _matchers(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    if not patterns:
        return ()
    from ._patterns import Pattern  # noqa: PLC0415 - few types have patterns, and every import would take longer

    return tuple(Pattern(pattern) for pattern in patterns)


def _restore(values: dict[str, object]) -> SimpleType:
    """Return the type of some values; it compiles the patterns."""
    name = values.pop("name")
    return SimpleType(name, **values)  # type: ignore[arg-type]


def _expanded(text: str, namespaces: Mapping[str, str]) -> str | None:
    """Return a qualified name in Clark notation; None if nothing declares its prefix.

    A name without a prefix is in the default namespace (XML Schema Part 2 §3.2.18).
    """
    prefix, colon, local = text.rpartition(":")
    namespace = XML_NS if prefix == "xml" else namespaces.get(prefix, "")
    return None if colon and not namespace else clark(namespace, local)


def _is_date_time(text: str) -> bool:
    """Whether a text of the right form is a date and time that exist (XML Schema Part 2 §3.2.7)."""
    match = re.fullmatch(_DATE_TIME, text)
    if match is None:
        return False
    year = match[1].lstrip("-")
    month, day, hour, minute, second = (int(part) for part in match.groups()[1:6])
    if (not int(year[-4:]) and not year[:-4]) or not 1 <= month <= 12:
        return False
    # The calendar repeats after 400 years, which divide 10,000.
    leap = int(year[-4:]) % 4 == 0 and (int(year[-4:]) % 100 != 0 or int(year[-4:]) % 400 == 0)
    days = 29 if leap and month == 2 else _DAYS[month - 1]
    if not 1 <= day <= days:
        return False
    if hour == 24:
        return not minute and not second and not (match[7] or "").strip(".0")
    return hour <= 23 and minute <= 59 and second <= 59


def _between(least: int, most: int | None) -> str:
    """Return a number of characters in words."""
    if most is None:
        return f"at least {least}"
    if least == most:
        return f"exactly {most}"
    return f"{least} to {most}" if least else f"at most {most}"


def _shown(value: SimpleValue) -> str:
    """Return a value of an enumeration for a message."""
    return short(printable(value)) if isinstance(value, str) else str(value)
