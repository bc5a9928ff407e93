"""A message and the reading arguments -> what the rules say, or what is known of its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers._checks import wrong_type
from xmla_headers._xml.body_end import last_end_tag
from xmla_headers._xml.reader import read

from .heads import HeadCache
from .splice import Layout

if TYPE_CHECKING:
    from xmla_headers._xml.encoding import Source
    from xmla_headers._xml.raw import RawMessage
    from xmla_headers.findings import Finding

    from .heads import Found
    from .options import Reading
    from .rules import Judge

__all__ = ["check_cache", "judged", "known", "laid_out", "settled"]


def check_cache(cache: object) -> None:
    """Raise TypeError for an argument that is no cache."""
    if cache is not None and not isinstance(cache, HeadCache):
        raise wrong_type("cache", "HeadCache or None", cache)


def laid_out(
    data: bytes | memoryview, reading: Reading, cache: HeadCache | None
) -> tuple[Layout, Source | None]:
    """Return the layout of an accepted head; and its source, None for UTF-8 as it is."""
    found = None if cache is None else cache._find(data, reading)
    if found is not None:
        shape, _, identifier = found
        return shape.layout(identifier), None
    message, judge = judged(data, reading, head_only=True)
    settled(message, judge, reading, cache)
    return Layout.of(message), message.source


def known(
    data: bytes | memoryview,
    reading: Reading,
    cache: HeadCache | None,
    deep: bool,  # noqa: FBT001 - passed on by position, for speed
) -> tuple[Found | None, int | None]:
    """Return the known shape of a head; and where the Body ends, if nothing after the head has a finding.

    A None may also mean that only the general path can tell.
    """
    found = None if cache is None else cache._find(data, reading)
    if found is None or not isinstance(data, bytes):
        return found, None
    shape, body_start, _ = found
    return found, last_end_tag(data, shape.tags, body_start, reading.limits, deep=deep)


def judged(
    data: bytes | memoryview, reading: Reading, *, deep: bool = False, head_only: bool = False
) -> tuple[RawMessage, Judge]:
    """Read a message and check it by the rules."""
    message = read(data, encoding=reading.encoding, limits=reading.limits, deep=deep, head_only=head_only)
    return message, reading.judge(message)


def settled(
    message: RawMessage, judge: Judge, reading: Reading, cache: HeadCache | None
) -> tuple[Finding, ...]:
    """Return the warnings and remember the head, or raise the first refused finding."""
    warnings = reading.settle(judge)
    if cache is not None:
        cache._keep(message, judge, warnings, reading)
    return warnings
