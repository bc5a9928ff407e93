"""Values of simple types, and texts outside them: tables, which do not ask the rules."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain, repeat
from typing import TYPE_CHECKING

from xmla_headers.simple_types import BUILT_IN, SimpleType, SimpleValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xmla_headers.model import AttributeSpec

__all__ = ["examples", "is_value", "text_of", "wrong_attributes", "wrong_texts"]

_TEXTS = {
    "string": ("5E55", " a  b\t", ""),
    "normalizedString": ("5E55", " a  b "),
    "token": ("5E55", "a b"),
    "language": ("en", "zh-Hant-TW"),
    "Name": ("a", "a:b.c-d"),
    "NCName": ("a", "_b"),
    "NMTOKEN": ("5E55", "-a:b"),
    "QName": ("{urn:example:a}b", "b", "{http://www.w3.org/XML/1998/namespace}lang", "{urn:a&b}_c.d"),
    "anyURI": ("urn:example:a", "http://example.org/a b?c#d", ""),
    "dateTime": (
        *("2026-11-28T22:50:00Z", "2024-02-29T24:00:00.000", "-0044-03-15T12:00:00+14:00"),
        "12345-01-01T00:00:00.123456789012-05:30",
    ),
}
_NUMBERS = (1, 0, -1, 7, 42, 99, 1000, 10**17)
_FRACTIONS = ("0.5", "-0.25", "1.125", "0.01")

# Name of the way -> a text that is no value of the type.
_NO_NUMBER = {
    "empty": "",
    "letter": "x",
    "exponent": "1e3",
    "two": "1 2",
    "hexadecimal": "0x1",
    "other-digit": "\u0661",
    "separator": "1_000",
    "two-signs": "+-1",
    "infinite": "INF",
}
_NO_TEXT = {
    "boolean": {
        "empty": "",
        "capitals": "TRUE",
        "yes": "yes",
        "two": "2",
        "zeros": "01",
        "both": "true false",
        "other-digit": "\u0661",
    },
    "decimal": {**_NO_NUMBER, "comma": "1,5", "point": ".", "not-a-number": "NaN"},
    "integer": {**_NO_NUMBER, "point": "1.0"},
    "language": {"empty": "", "long": "a" * 9, "underline": "en_US", "digit": "1a"},
    "Name": {"empty": "", "digit": "1a", "space": "a b", "hyphen": "-a"},
    "NCName": {"empty": "", "digit": "1a", "space": "a b", "colon": "a:b"},
    "NMTOKEN": {"empty": "", "space": "a b", "at": "a@b"},
    "QName": {
        "empty": "",
        "digit": "1a",
        "space": "xml:a b",
        "two-colons": "xml:a:b",
        "no-prefix": ":a",
        "no-name": "xml:",
        "undeclared": "undeclared:a",
        "xmlns": "xmlns:a",
        "clark": "{urn:example:a}b",
    },
    "anyURI": {"percent": "%", "percent-letter": "%4x", "two-fragments": "a#b#c"},
    "dateTime": {
        "empty": "",
        "date": "2026-11-28",
        "space": "2026-11-28 22:50:00",
        "month": "2026-13-01T00:00:00",
        "leap-day": "2025-02-29T00:00:00",
        "day": "2026-11-31T00:00:00",
        "hour": "2026-11-28T25:00:00",
        "midnight": "2026-11-28T24:00:01",
        "zone": "2026-11-28T00:00:00+15:00",
        "sign": "+2026-11-28T00:00",
        "year": "0000-11-28T00:00:00",
        "year-zeros": "02026-11-28T00:00:00",
        "no-year": "26-11-28T00:00:00",
    },
}


def text_of(kind: SimpleType | None, value: SimpleValue | None) -> str | None:
    """Return the text of a value; None for None."""
    if value is None or isinstance(value, str):
        return value
    return "" if kind is None else kind.write(value)


@lru_cache(maxsize=256)
def examples(kind: SimpleType) -> tuple[SimpleValue, ...]:
    """Return values of a type, the plainest first. Raises ValueError if none is known."""
    found = [value for value in _candidates(kind) if is_value(kind, value)]
    if not found:
        raise ValueError(f"no value of xs:{kind.name} is known that all of its facets allow")
    return tuple(dict.fromkeys(found))


def _candidates(kind: SimpleType) -> Iterator[SimpleValue]:
    if kind.enumeration:
        yield from kind.enumeration
    elif kind.python is bool:
        yield from (True, False)
    elif kind.python is str:
        for matcher in kind.matchers:
            # The shortest text, and one that goes on where it could end, for as many characters.
            choices = chain([-1] * 5, repeat(0))
            short = matcher.walk(lambda ways: ways[0], kind.min_length)
            long = matcher.walk(partial(_chosen, choices), kind.min_length)
            yield from (text for text in (short, long) if text is not None)
        yield from _TEXTS[kind.name]
        most = kind.min_length + 3 if kind.max_length is None else kind.max_length
        yield from ("a" * length for length in (kind.min_length, most) if length <= _LONGEST)
    else:
        low, high = _bounds(kind)
        numbers = [*_NUMBERS, *(bound for bound in (low, high) if bound is not None)]
        steps = (0, 1, -1, Decimal("0.5"), Decimal("0.01"), Decimal("-0.01"))
        for number in numbers:
            for step in steps if kind.python is Decimal else steps[:3]:
                yield kind.python(number + step)
        if kind.python is Decimal:
            yield from map(Decimal, _FRACTIONS)


def _chosen(choices: Iterator[int], ways: Sequence[int]) -> int:
    """Return one of the ways, by the next choice."""
    return ways[next(choices)]


# The longest text that is made to fill a length.
_LONGEST = 1_000


def _bounds(kind: SimpleType) -> tuple[int | Decimal | None, int | Decimal | None]:
    """Return the least and the greatest number, or a number beside them."""
    built_in = BUILT_IN[kind.name]
    lows = [bound for bound in (built_in.minimum, kind.minimum, kind.above) if bound is not None]
    highs = [bound for bound in (built_in.maximum, kind.maximum, kind.below) if bound is not None]
    return max(lows, default=None), min(highs, default=None)


def is_value(kind: SimpleType, value: object) -> bool:
    """Whether a Python value is one of a type."""
    try:
        kind.check("value", value)
    except (TypeError, ValueError):
        return False
    return True


def wrong_texts(kind: SimpleType) -> Iterator[tuple[str, str]]:
    """Yield texts that are no values of a type, each with the name of the way."""
    family = "integer" if kind.python is int else kind.name
    yield from _NO_TEXT.get(family, {}).items()
    if kind.python in (int, Decimal):
        low, high = _bounds(kind)
        if low is not None:
            yield "too-low", format(low - 1, "f" if isinstance(low, Decimal) else "d")
        if high is not None:
            yield "too-high", format(high + 1, "f" if isinstance(high, Decimal) else "d")
        if kind.total_digits is not None:
            yield "too-many-digits", "9" * (kind.total_digits + 1)
        if kind.fraction_digits is not None and kind.python is Decimal:
            yield "too-exact", f"0.{'9' * (kind.fraction_digits + 1)}"
    if kind.python is str:
        if kind.max_length is not None and kind.max_length < _LONGEST:
            yield "too-long", "a" * (kind.max_length + 1)
        if kind.min_length:
            yield "too-short", "a" * (kind.min_length - 1)
        if kind.enumeration:
            yield "not-listed", max(map(str, kind.enumeration), key=len) + "x"
            yield (
                "empty-and-not-listed",
                "" if "" not in kind.enumeration else "xx".join(map(str, kind.enumeration)) + "x",
            )


def wrong_attributes(attribute: AttributeSpec) -> Iterator[tuple[str, str]]:
    """Yield texts that an attribute cannot have, each with the name of the way."""
    if attribute.type is not None:
        yield from wrong_texts(attribute.type)
    if isinstance(attribute.fixed, str):
        yield "not-fixed", f"{attribute.fixed}x"
    elif attribute.fixed is not None and attribute.type is not None:
        others = (value for value in examples(attribute.type) if value != attribute.fixed)
        yield from (("not-fixed", attribute.type.write(value)) for value in list(others)[:1])
