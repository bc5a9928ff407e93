"""Knows packet captures (.pcap, .pcapng): the HTTP messages of their TCP connections."""

from __future__ import annotations

import heapq
import re
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers._printable import plural
from xmla_headers.captures._message import CapturedMessage, broken, unsupported
from xmla_headers.captures._redaction.edits import ChangeKind
from xmla_headers.captures._unpacking import Allowance
from xmla_headers.findings import Code, value_finding
from xmla_headers.soap import Direction

from . import http
from .http_stream import find_start, steps
from .packet_writer import PacketWriter
from .packets import PacketFile, can_read, is_packets
from .tcp import connections

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.captures._redaction.editor import Editor

    from .http_stream import HttpMessage
    from .tcp import Connection, Run

__all__ = ["read", "recognise", "redact"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The first bytes of a record of TLS, and of a connection of HTTP/2.
_TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_HTTP_2 = re.compile(rb"PRI \* HTTP/2")
_KINDS = {
    "TLS": "decrypt it first, or capture where it is not encrypted: a proxy that writes HAR, or the server",
    "HTTP/2": "capture with a proxy that writes HAR",
    "another protocol than HTTP/1": "XMLA over TCP without HTTP is not read: connect through HTTP (msmdpump)",
}
# Bytes of a first line that are looked at.
_MOST_LINE = 4_096
# The header fields that say where a body ends.
_FRAMED = frozenset({"content-length", "transfer-encoding"})
_LOST = "packets were not captured, or only their first bytes"


def recognise(data: bytes | memoryview) -> bool:
    """Return whether data begins like a pcap or a pcapng."""
    return is_packets(data)


def read(data: bytes | memoryview, name: str, limits: CaptureLimits) -> Iterator[CapturedMessage]:
    """Yield the messages of all connections in the order of capture.

    A request has the time of its first byte, and a response the time of its last byte.
    """
    if not can_read():
        hint = "install it: pip install 'xmla_headers[pcap]'"
        yield unsupported(name, "a packet capture (pcap), which is read with the extra pcap", hint)
        return
    packets = PacketFile(data)
    found, is_cut = connections(packets.segments(), limits.max_entries)
    kinds: Counter[str] = Counter()
    yield from _merged(_Reader(data, connection, name, limits, kinds) for connection in found)
    if is_cut:
        text = f"the capture has more than {limits.max_entries} TCP connections (max_entries)"
        yield CapturedMessage(name, b"", trouble=value_finding(Code.LIMIT_EXCEEDED, text))
    else:
        yield from _unread(packets, len(data), name)
    rest = data[packets.end :]
    if not found and find_start(rest, 0) is not None:
        # The frame of the file is destroyed, but HTTP can be read without it.
        yield from http.read(rest, name, limits)
    for kind, count in kinds.items():
        yield unsupported(name, f"{plural(count, 'TCP connection')} with {kind}: not read", _KINDS[kind])


def _unread(packets: PacketFile, size: int, name: str) -> Iterator[CapturedMessage]:
    """Yield the findings about the bytes of a file that are not read as packets."""
    if packets.end < size:
        left = plural(size - packets.end, "byte")
        yield broken(name, f"the packet capture breaks off at byte {packets.end}: {left} cannot be read")
    if packets.damaged:
        count = plural(packets.damaged, "packet")
        yield broken(name, f"{count} of the capture with damaged headers cannot be read")
    for link, found in packets.links.items():
        text = f"{plural(found, 'packet')} of the link type {link}: not read"
        yield unsupported(name, text, "capture on an Ethernet, loopback or raw IP interface")


def _merged(readers: Iterator[_Reader]) -> Iterator[CapturedMessage]:
    """Yield the messages of connections in the order of capture. A connection is read when it begins."""
    waiting: list[tuple[int, int, Iterator[_Placed], CapturedMessage | None]] = [
        (reader.start, number, reader.messages(), None) for number, reader in enumerate(readers)
    ]
    heapq.heapify(waiting)
    while waiting:
        _, number, messages, message = waiting[0]
        if message is not None:
            yield message
        following = next(messages, None)
        if following is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, (following.place, number, messages, following.message))


class _Placed(NamedTuple):
    """A captured message, and the offset in the file at which it was there."""

    place: int
    order: int
    message: CapturedMessage


class _Found(NamedTuple):
    """A message of a connection, or a finding about missing bytes."""

    place: int
    message: HttpMessage | None
    finding: CapturedMessage | None = None


class _Reader:
    """Reads one connection."""

    def __init__(
        self,
        data: bytes | memoryview,
        connection: Connection,
        name: str,
        limits: CaptureLimits,
        kinds: Counter[str],
    ) -> None:
        self._data, self._connection, self._limits, self._kinds = data, connection, limits, kinds
        self._name = _name(connection, name)
        self._allowance = Allowance(limits)
        self._count = self._ignored = 0
        self.start = connection.start

    def messages(self) -> Iterator[_Placed]:
        """Yield the messages of both sides, as soon as it is known which request each response answers."""
        sides = [side.runs(self._data) for side in self._connection.sides.values()]
        kind = _kind([runs for runs, _ in sides])
        if kind is not None:
            self._kinds[kind] += 1
            return
        ready: list[_Placed] = []
        # The requests without a response so far, and where each was.
        pending: deque[tuple[int, int, HttpMessage]] = deque()
        counts = {Direction.REQUEST: 0, Direction.RESPONSE: 0}
        senders = list(self._connection.sides)
        merged = (self._side(sender, *side) for sender, side in zip(senders, sides, strict=True))
        for found in heapq.merge(*merged, key=lambda each: each.place):
            message = found.message
            if message is None:
                self._push(ready, found.place, [found.finding] if found.finding else [])
                continue
            direction = Direction.RESPONSE if message.method is None else Direction.REQUEST
            number = counts[direction]
            counts[direction] += 1
            message.name = f"{self._name}/{direction}/{number}"
            if direction is Direction.REQUEST:
                pending.append((found.place, number, message))
            else:
                self._answer(ready, found.place, message, pending)
            while ready and (not pending or ready[0].place <= pending[0][0]):
                yield heapq.heappop(ready)
        if self._ignored:
            text = f"{plural(self._ignored, 'byte')} between messages are not HTTP, and are ignored"
            self._push(ready, 0, [broken(self._name, text)])
        for place, number, request in pending:
            exchange = http.exchange_of(request, None, f"{self._name}/{number}", self._allowance)
            self._push(ready, place, exchange)
        while ready:
            yield heapq.heappop(ready)

    def _answer(
        self,
        ready: list[_Placed],
        place: int,
        response: HttpMessage,
        pending: deque[tuple[int, int, HttpMessage]],
    ) -> None:
        """Add a response, after the request that it answers."""
        begun, number, request = pending.popleft() if pending else (place, None, None)
        exchange = response.name if number is None else f"{self._name}/{number}"
        for message in http.exchange_of(request, response, exchange, self._allowance):
            is_request = message.direction is Direction.REQUEST
            self._push(ready, begun if is_request else place, [message])

    def _push(self, ready: list[_Placed], place: int, messages: Iterable[CapturedMessage]) -> None:
        for message in messages:
            self._count += 1
            heapq.heappush(ready, _Placed(place, self._count, message))

    def _side(self, sender: tuple[bytes, int], runs: list[Run], missing: int) -> Iterator[_Found]:
        """Yield the messages of one side, and a finding for each gap."""
        if not runs:
            return
        gaps = [*(run.missing for run in runs[1:]), missing]
        if runs[0].missing or _leading(runs[0]):
            yield self._gap(runs[0], runs[0].missing, _leading(runs[0]))
        for number, (run, gap) in enumerate(zip(runs, gaps, strict=True)):
            following = runs[number + 1] if number + 1 < len(runs) else None
            leading = 0 if following is None else _leading(following)
            is_said = False
            for start, end, following_start, message in _messages(run, self._limits):
                is_last = following_start is None
                place, time = run.first(start) if message.method is not None else run.last(start, end)
                message.time = _datetime(time)
                message.sender = _sender(sender, is_server=message.method is None)
                if gap and is_last and _is_cut(message, end, len(run.data)):
                    message.trouble = value_finding(Code.BROKEN_CAPTURE, _missing(gap, leading), _LOST)
                    is_said = True
                yield _Found(place, message)
                if message.trouble is None and message.cut is None:
                    tunnelled = message.body if message.method == "CONNECT" else b""
                    self._between(tunnelled + run.data[end:following_start])
            if gap and not is_said:
                yield self._gap(following or run, gap, leading)

    def _between(self, rest: bytes) -> None:
        """Count the bytes after a message that are not HTTP."""
        rest = rest.strip()
        if rest and not self._ignored and _TLS.match(rest):
            self._kinds["TLS"] += 1
        elif rest:
            self._ignored += len(rest)

    def _gap(self, run: Run, gap: int, leading: int) -> _Found:
        return _Found(run.starts[0], None, broken(self._name, _missing(gap, leading), _LOST))


def _missing(gap: int, leading: int) -> str:
    """Return the sentence about bytes that are missing, and about those after them that are not read."""
    parts = [f"{plural(gap, 'byte')} of the TCP connection missing in the capture"] if gap else []
    parts += [f"{plural(leading, 'byte')} before the next whole message not read"] if leading else []
    return ", and ".join(parts)


def _messages(run: Run, limits: CaptureLimits) -> Iterator[tuple[int, int, int | None, HttpMessage]]:
    """Yield the start of each message, its end, the start of the next one, and the message."""
    first = _first(run)
    if first is None:
        return
    for each in steps(run.data[first:] if first else run.data, limits):
        following = None if each.following is None else each.following + first
        yield each.start + first, each.end + first, following, each.message


def _first(run: Run) -> int | None:
    """Return where the first message of a run begins."""
    # Senders begin a message in a new segment. A body before it need not end with its line.
    places = (offset for offset in run.offsets if http.recognise(run.data[offset : offset + _MOST_LINE]))
    found = [place for place in (next(places, None), find_start(run.data, 0)) if place is not None]
    return min(found, default=None)


def _leading(run: Run) -> int:
    """Return how many bytes of a run are before its first message."""
    return len(run.data[: _first(run)].strip()) if _first(run) != 0 else 0


def _is_cut(message: HttpMessage, end: int, size: int) -> bool:
    """Return whether the last message before a gap lacks its end."""
    if message.trouble is not None:
        return True
    # A response without a length ends with the connection (RFC 9112 §6.3).
    return end >= size and not _FRAMED.intersection(name.lower() for name, _ in message.headers)


def _kind(sides: list[list[Run]]) -> str | None:
    """Return the protocol of a connection, or None for HTTP/1."""
    first = [runs[0].data for runs in sides if runs]
    if any(_TLS.match(data) for data in first):
        return "TLS"
    if any(_first(run) is not None for runs in sides for run in runs):
        return None
    return "HTTP/2" if any(_HTTP_2.match(data) for data in first) else "another protocol than HTTP/1"


def _name(connection: Connection, name: str) -> str:
    """Return the name of a connection. Wireshark finds it by this number, as tcp.stream."""
    return f"{name}/stream/{connection.number}" if name else f"stream/{connection.number}"


def _sender(end: tuple[bytes, int], *, is_server: bool) -> str:
    """Return the address of a client, or the address and port of a server."""
    address, port = end
    shown = str(ip_address(address)) if len(address) in (4, 16) else address.hex()
    # A client has another port for each connection.
    return f"{shown} port {port}" if is_server else shown


def _datetime(time: int) -> datetime | None:
    try:
        return None if time < 0 else _EPOCH + timedelta(microseconds=time // 1_000)
    except OverflowError:
        return None


# -- redaction ---------------------------------------------------------------------------------------


def redact(data: bytes, editor: Editor) -> bytes:
    """Return a capture of the same connections, written anew, without the secrets in their HTTP messages.

    Only what HTTP sends is searched, so that nothing else stays: no other packets, no headers of frames, no
    comments. Each message keeps its connection, its time and what is missing around it.
    """
    if not can_read():
        return editor.emptied(data, "", "a packet capture, which is not read without the extra pcap")
    writer = PacketWriter()
    for connection in connections(PacketFile(data).segments(), editor.limits.max_entries)[0]:
        writer.begin(connection)
        sides = {source: side.runs(data) for source, side in connection.sides.items()}
        kind = _kind([runs for runs, _ in sides.values()])
        for source, (runs, missing) in sides.items():
            if kind is not None:
                for run in runs:
                    editor.emptied(run.data, _name(connection, ""), kind)
            elif runs:
                _redact_side(connection, source, runs, missing, editor, writer)
    new = writer.finished()
    if new != data:
        editor.note("", ChangeKind.UNSEARCHABLE, "what the packets hold beside HTTP messages")
    return new


def _redact_side(
    connection: Connection,
    source: tuple[bytes, int],
    runs: list[Run],
    missing: int,
    editor: Editor,
    writer: PacketWriter,
) -> None:
    """Write the bytes of one side without their secrets."""
    position = 0
    for run in runs:
        position += run.missing
        for part, new in _parts(run, editor, _name(connection, "")):
            span = run.first(part[0]), run.last(*part)
            writer.data(connection, source, position, new, span)
            position += len(new)
    if missing:
        other = connection.target if source == connection.source else connection.source
        moment = runs[-1].last(0, len(runs[-1].data))
        writer.acknowledge(connection, other, position + missing, moment)


def _parts(run: Run, editor: Editor, name: str) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield the range of each message of a run, and of what is before them, with its new bytes."""
    first = _first(run)
    leading, data = run.data[:first], b"" if first is None else run.data[first:]
    if leading:
        yield (0, len(leading)), http.redact(leading, editor, f"{name}/")
    if first is None:
        return
    new = http.redact(data, editor, f"{name}/")
    old_starts, new_starts = _starts(data, editor.limits), _starts(new, editor.limits)
    if len(old_starts) != len(new_starts):
        old_starts, new_starts = [0], [0]
    ends, stops = [*old_starts[1:], len(data)], [*new_starts[1:], len(new)]
    for start, end, at, stop in zip(old_starts, ends, new_starts, stops, strict=True):
        yield (first + start, first + end), new[at:stop]


def _starts(data: bytes, limits: CaptureLimits) -> list[int]:
    """Return where the messages begin in bytes that begin with one."""
    return [0, *(each.start for each in steps(data, limits) if each.start)]
