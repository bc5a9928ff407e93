"""Knows how many exchanges there were over time: the summary of a large timeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from ._exchange import is_wrong
from ._model import Timeline

__all__ = ["Bar", "traffic"]

# Stretches of time in a summary.
_BARS = 60


class Bar(NamedTuple):
    """The exchanges of a stretch of time."""

    begun: datetime
    """The start of the stretch."""
    exchanges: int
    """The number of exchanges that begin in it."""
    wrong: int
    """The number of those that went wrong."""


def traffic(timeline: Timeline) -> list[Bar]:
    """Return the exchanges of a timeline in stretches of equal length.

    Args:
        timeline: The timeline.

    Returns:
        A bar for each stretch; nothing if no message has a time.

    >>> traffic(Timeline())
    []
    """
    found = [
        (exchange.first.time, is_wrong(exchange))
        for lane in timeline.lanes
        for exchange in lane.exchanges
        if exchange.first.time is not None
    ]
    if not found:
        return []
    first, last = min(time for time, _ in found), max(time for time, _ in found)
    length = max((last - first) / _BARS, timedelta(microseconds=1))
    counts, wrongs = [0] * _BARS, [0] * _BARS
    for time, wrong in found:
        at = min(int((time - first) / length), _BARS - 1)
        counts[at] += 1
        wrongs[at] += wrong
    return [Bar(first + at * length, counts[at], wrongs[at]) for at in range(_BARS)]
