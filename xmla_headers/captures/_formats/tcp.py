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

    def begin(self, sequence: int) -> None:
        """Note the sequence number of a SYN that this side sent."""
        self._begun = True
        self._known = sequence + 1, 0

    def add(self, segment: Segment) -> None:
        """Add a segment that this side sent."""
        sequence = segment.sequence
        if segment.flags & SYN:
            self.begin(sequence)
            sequence += 1
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


class _Opening(NamedTuple):
    """A connection without data so far. A port scan makes very many of them."""

    number: int
    start: int
    time: int
    source: tuple[bytes, int]
    # Who sent a SYN, with its sequence number.
    begun: tuple[tuple[tuple[bytes, int], int], ...] = ()

    def excludes(self, segment: Segment) -> bool:
        """Return whether a segment between the same addresses and ports belongs to a later connection."""
        if not segment.flags & SYN:
            return False
        return any(
            source == segment.source and sequence != segment.sequence for source, sequence in self.begun
        )


class Connection:
    """A TCP connection with data.

    Args:
        opening: Its segments before the first one with data.
        segment: The segment with its first data.
    """

    __slots__ = ("_ends", "number", "sides", "source", "start", "target", "time")

    def __init__(self, opening: _Opening, segment: Segment) -> None:
        self.number = opening.number
        """Its number in the file, from 0, as Wireshark counts them."""
        self.start, self.time = opening.start, opening.time
        """The offset in the file of the payload of its first segment, and when that was captured."""
        self.source = opening.source
        """The address and port that sent its first segment."""
        self.target = segment.target if segment.source == opening.source else segment.source
        """The address and port of the other side."""
        self.sides = {self.source: Side(), self.target: Side()}
        """The side of each address and port."""
        for source, sequence in opening.begun:
            self.sides[source].begin(sequence)
        self._ends = 0

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
    """Return the connections with data, in the order of their first segments.

    Connections without data are numbered too. If there are more than `most`, return those among that many,
    and True.
    """
    found: list[Connection] = []
    current: dict[bytes, _Opening | Connection] = {}
    count, is_cut = 0, False
    for segment in segments:
        key = _key(segment)
        known = current.get(key)
        if known is None or known.excludes(segment):
            if most is not None and count >= most:
                is_cut = True
                break
            known = current[key] = _Opening(count, segment.start, segment.time, segment.source)
            count += 1
        if isinstance(known, _Opening):
            if not segment.size:
                begun = (segment.source, segment.sequence)
                if segment.flags & SYN and begun not in known.begun:
                    current[key] = known._replace(begun=(*known.begun, begun))
                continue
            known = current[key] = Connection(known, segment)
            found.append(known)
        known.add(segment)
    found.sort(key=lambda connection: connection.number)
    return found, is_cut


def _key(segment: Segment) -> bytes:
    """Return the addresses and ports of a connection, equal for both directions."""
    ends = [address + port.to_bytes(2, "big") for address, port in (segment.source, segment.target)]
    return min(ends) + max(ends)
