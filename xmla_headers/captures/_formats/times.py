"""Knows the times that logs write: ISO 8601, log4j, Apache, and seconds or milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["first_time", "last_time"]

_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_TIME = re.compile(
    # 2026-11-20T10:23:42.250Z, or with a blank and a comma as log4j writes it.
    rb"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    rb"(?:[.,](?P<fraction>\d{1,9}))?(?P<zone>Z|[ ]?[+-]\d\d:?\d\d(?!\d))?"
    # [20/Nov/2026:10:23:42 +0000]
    rb"|(?P<aday>\d\d)/(?P<amonth>" + b"|".join(_MONTHS) + rb")/(?P<ayear>\d{4})"
    rb":(?P<ahour>\d\d):(?P<aminute>\d\d):(?P<asecond>\d\d)(?P<azone> [+-]\d{4})?"
    # Ten digits of seconds or thirteen of milliseconds, where a time stands.
    rb"|(?:^|(?i:time(?:stamp)?|ts|epoch|date)[\\\"']{0,8}\s?[:=]\s?[\\\"']{0,8})\[?"
    rb"(?P<epoch>[12]\d{9})(?:(?P<milliseconds>\d{3})|\.(?P<part>\d{1,9}))?(?![\d.])",
    re.MULTILINE,
)
_PARTS = ("year", "day", "hour", "minute", "second")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_time(text: bytes) -> datetime | None:
    """Return the last time in a text; UTC if it names no zone."""
    times = [time for match in _TIME.finditer(text) if (time := _time(match)) is not None]
    return times[-1] if times else None


def first_time(text: bytes) -> datetime | None:
    """Return the first time in a text."""
    found = _TIME.search(text)
    return None if found is None else _time(found)


def _time(match: re.Match[bytes]) -> datetime | None:
    """Return the time of a match, or None if there is no such time."""
    try:
        if match["epoch"] is not None:
            fraction = match["milliseconds"] or match["part"]
            return _EPOCH + timedelta(seconds=int(match["epoch"]), microseconds=_microseconds(fraction))
        prefix = "" if match["year"] is not None else "a"
        year, day, hour, minute, second = (int(match[prefix + name]) for name in _PARTS)
        month = _MONTHS.index(match["amonth"]) + 1 if prefix else int(match["month"])
        fraction = _microseconds(None if prefix else match["fraction"])
        return datetime(year, month, day, hour, minute, second, fraction, _zone(match[f"{prefix}zone"]))
    except (ValueError, OverflowError):
        return None


def _microseconds(fraction: bytes | None) -> int:
    return int((fraction or b"0").ljust(6, b"0")[:6])


def _zone(text: bytes | None) -> timezone:
    """Return a time zone such as Z, +0100 or -05:30."""
    if text is None or text == b"Z":
        return UTC
    digits = text.strip().replace(b":", b"")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-offset if digits.startswith(b"-") else offset)
