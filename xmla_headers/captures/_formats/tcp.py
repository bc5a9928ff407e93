"""Knows TCP: segments in any order -> connections, and the bytes of each side with what is missing."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from .packets import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .packets import Segment

__all__ = ["Connection", "Run", "Side", "connections"]

# Sequence numbers wrap around.
_WRAP = 1 << 32
# A segment so far from the last one of a closed connection belongs to another one.
_FAR = 1 << 24


class Run(NamedTuple):
    """Bytes of one side without a gap."""

    data: bytes
    """The bytes."""
    missing: int
    """The number of bytes that are missing before it."""
    offsets: list[int]
    """The offset in the data at which each segment begins."""
    starts: list[int]
    """The offset in the file of each segment."""
    times: list[int]
    """When each segment was captured, in nanoseconds since 1970; -1 if that is unknown."""

    def first(self, offset: int) -> tuple[int, int]:
        """Return where in the file, and when, the byte at an offset was captured."""
        at = bisect_right(self.offsets, offset) - 1
        return self.starts[at], self.times[at]

    def last(self, offset: int, end: int) -> tuple[int, int]:
        """Return where in the file, and when, the last of the bytes in a range was captured."""
        segments = slice(
            bisect_right(self.offsets, offset) - 1, bisect_right(self.offsets, max(offset, end - 1))
        )
        return max(self.starts[segments]), max(self.times[segments])


class Side:
    """One direction of a connection."""

    __slots__ = ("_acknowledged", "_begun", "_ended", "_known", "_segments")

    def __init__(self) -> None:
        # Position, offset in the file, size and time of each segment, in the order of capture.
        self._segments = array("q")
        # A sequence number and its position, to which others are related.
        self._known: tuple[int, int] | None = None
        self._begun = self._ended = False
        self._acknowledged = 0

    @property
    def has_data(self) -> bool:
        """Whether any byte of this side was captured."""
        return bool(self._segments)

    def position(self, sequence: int) -> int:
        """Return the position of a sequence number in the stream, which may be negative."""
        if self._known is None:
            return 0
        known, position = self._known
        return position + (sequence - known + _WRAP // 2) % _WRAP - _WRAP // 2

    def is_far(self, sequence: int) -> bool:
        """Return whether a sequence number is far from the last one."""
        return self._known is not None and abs(self.position(sequence) - self._known[1]) > _FAR

    def begins_again(self, sequence: int) -> bool:
        """Return whether a SYN of this number begins another connection."""
        if self._begun:
            return self.position(sequence + 1) != 0
        return self.has_data

    def add(self, segment: Segment) -> None:
        """Add a segment that this side sent."""
        sequence = segment.sequence
        if segment.flags & SYN:
            sequence += 1
            self._begun = True
            self._known = sequence, 0
        if segment.flags & FIN:
            self._ended = True
        if segment.size:
            position = self.position(sequence)
            self._known = sequence, position
            self._segments.extend((position, segment.start, segment.size, segment.time))

    def acknowledge(self, number: int) -> None:
        """Note the number of the next byte that the other side expects."""
        if self._known is not None:
            self._acknowledged = max(self._acknowledged, self.position(number))

    def runs(self, data: bytes | memoryview) -> tuple[list[Run], int]:
        """Return the bytes of this side, and how many are missing after them.

        If bytes were sent twice, those in the segment with the lower sequence number count.
        """
        columns = [self._segments[column::4] for column in range(4)]
        rows = sorted(zip(*columns, strict=True))
        runs: list[Run] = []
        expected = rows[0][0] if rows and not self._begun else 0
        pieces: list[bytes] = []
        for position, start, size, time in rows:
            skipped = max(0, expected - position)
            if skipped >= size:
                continue
            missing = max(0, position - expected)
            if missing or not runs:
                _close(runs, pieces)
                runs.append(Run(b"", missing, [], [], []))
                pieces, length = [], 0
            pieces.append(bytes(data[start + skipped : start + size]))
            run = runs[-1]
            run.offsets.append(length)
            run.starts.append(start)
            run.times.append(time)
            length += size - skipped
            expected = position + size
        _close(runs, pieces)
        return runs, max(0, self._acknowledged - self._ended - expected) if rows else 0


def _close(runs: list[Run], pieces: list[bytes]) -> None:
    if runs:
        runs[-1] = runs[-1]._replace(data=b"".join(pieces))


class Connection:
    """A TCP connection.

    Args:
        number: Its number in the file, from 0, as Wireshark counts them.
        segment: Its first segment.
    """

    __slots__ = ("_ends", "first", "number", "sides", "start")

    def __init__(self, number: int, segment: Segment) -> None:
        self.number = number
        self.start = segment.start
        """The offset of its first payload in the file."""
        self.first = segment
        """Its first segment."""
        self.sides = {segment.source: Side(), segment.target: Side()}
        """The side of each address and port."""
        self._ends = 0

    @property
    def has_data(self) -> bool:
        """Whether any byte that was sent on it was captured."""
        return any(side.has_data for side in self.sides.values())

    def excludes(self, segment: Segment) -> bool:
        """Return whether a segment between the same addresses and ports belongs to a later connection."""
        side = self.sides[segment.source]
        if segment.flags & SYN:
            return side.begins_again(segment.sequence)
        return self._ends >= 2 and bool(segment.size) and side.is_far(segment.sequence)

    def add(self, segment: Segment) -> None:
        """Add a segment."""
        self.sides[segment.source].add(segment)
        if segment.flags & ACK and segment.target != segment.source:
            self.sides[segment.target].acknowledge(segment.acknowledged)
        # A reset ends both sides.
        self._ends += 2 if segment.flags & RST else segment.flags & FIN


def connections(segments: Iterable[Segment], most: int | None = None) -> tuple[list[Connection], bool]:
    """Return the connections in the order of their first segments, also those without data.

    If there are more than `most`, return that many, and True.
    """
    found: list[Connection] = []
    current: dict[frozenset[tuple[bytes, int]], Connection] = {}
    for segment in segments:
        key = frozenset((segment.source, segment.target))
        connection = current.get(key)
        if connection is None or connection.excludes(segment):
            if most is not None and len(found) >= most:
                return found, True
            connection = current[key] = Connection(len(found), segment)
            found.append(connection)
        connection.add(segment)
    return found, False
