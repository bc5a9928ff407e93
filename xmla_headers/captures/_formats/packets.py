"""Knows the files of packet captures: pcap and pcapng -> the TCP segments in them, with their times."""

from __future__ import annotations

import re
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from xmla_headers.captures._mapped import release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ACK", "FIN", "RST", "SYN", "PacketFile", "Segment", "can_read", "is_packets"]

# The flags of a segment (RFC 9293 §3.1).
FIN = 1
SYN = 2
RST = 4
ACK = 16

# The first four bytes of a pcap -> byte order, units of time in a second, size of the header of a packet.
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6, 16),
    b"\xa1\xb2\xc3\xd4": (">", 10**6, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9, 16),
    b"\xa1\xb2\x3c\x4d": (">", 10**9, 16),
    # Old Linux systems wrote more about each packet.
    b"\x34\xcd\xb2\xa1": ("<", 10**6, 24),
    b"\xa1\xb2\xcd\x34": (">", 10**6, 24),
}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_FIRST = re.compile(
    b"|".join(map(re.escape, _PCAP)) + rb"|\x0a\x0d\x0d\x0a.{4}(?:\x4d\x3c\x2b\x1a|\x1a\x2b\x3c\x4d)",
    re.DOTALL,
)
# The types of blocks in a pcapng, and of options of an interface.
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
# No network has larger packets: a larger number is damage.
_MOST = 1 << 26
# Bytes of a mapped file after which the memory of those read is released.
_RELEASED = 4_194_304
# Times, in nanoseconds, stay within 64 bits.
_LATEST = 1 << 62

# The link types of tcpdump.org/linktypes.html.
_NULL, _ETHERNET, _LOOP, _SLL, _SLL2 = 0, 1, 108, 113, 276
_RAW = (12, 14, 101, 228, 229)
# The number of TCP in a header of IP, and those of IP in a header of a link.
_TCP, _INTERNET = 6, (0x0800, 0x86DD)
# Layers within layers, such as tunnels.
_MOST_LAYERS = 16


class Segment(NamedTuple):
    """A TCP segment."""

    source: tuple[bytes, int]
    """The address and the port of the sender."""
    target: tuple[bytes, int]
    """The address and the port of the receiver."""
    sequence: int
    """The sequence number."""
    acknowledged: int
    """The acknowledgment number, if the flag ACK is set."""
    flags: int
    """The flags."""
    start: int
    """The offset of its payload in the file, in bytes."""
    size: int
    """The size of its payload in bytes."""
    time: int
    """When it was captured, in nanoseconds since 1970; -1 if the file does not say it."""


class _Frame(NamedTuple):
    """A packet with its headers, as it stands in the file."""

    link: int
    start: int
    size: int
    time: int


class _Interface(NamedTuple):
    """An interface of a pcapng."""

    link: int
    units: int
    offset: int


def can_read() -> bool:
    """Return whether the extra that reads the headers of packets is installed."""
    try:
        import dpkt  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


class PacketFile:
    """The packets of a file, and what of it is not read.

    Args:
        data: A pcap or a pcapng.
    """

    damaged: int
    """The number of packets whose headers cannot be read."""
    links: Counter[int]
    """The link types that are not supported, with the number of their packets."""
    end: int
    """The offset, in bytes, where the reading ended."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self.damaged = self.end = 0
        self.links = Counter()

    def segments(self) -> Iterator[Segment]:
        """Yield the TCP segments in the order of the file."""
        import dpkt  # noqa: PLC0415 - an extra

        layers = _layers(dpkt)
        released = 0
        for frame in self._pcapng() if self._data[:4] == _PCAPNG else self._pcap():
            if frame.start - released > _RELEASED:
                # The file is read once from its beginning to its end before any message.
                release(self._data)
                released = frame.start
            parse = layers.get(frame.link)
            if parse is None:
                self.links[frame.link] += 1
                continue
            data = bytes(self._data[frame.start : frame.start + frame.size])
            try:
                segment = _segment(dpkt, parse(data), data, frame)
            except Exception:  # noqa: BLE001 - the parsers of dpkt raise whatever they run into
                self.damaged += 1
            else:
                if segment is not None:
                    yield segment

    def _pcap(self) -> Iterator[_Frame]:
        order, units, header = _PCAP[bytes(self._data[:4])]
        self.end = 24
        if len(self._data) < self.end:
            return
        # The upper bits say how long the check sum of a frame is.
        (link,) = struct.unpack_from(f"{order}I", self._data, 20)
        packet = struct.Struct(f"{order}4I")
        while len(self._data) - self.end >= header:
            seconds, fraction, size, _ = packet.unpack_from(self._data, self.end)
            start = self.end + header
            if size > min(len(self._data) - start, _MOST):
                return
            self.end = start + size
            time = seconds * 10**9 + fraction * 10**9 // units
            yield _Frame(link & 0xFFFF, start, size, time or -1)

    def _pcapng(self) -> Iterator[_Frame]:
        order, interfaces, time = "<", list[_Interface](), -1
        while len(self._data) - self.end >= 12:
            if self._data[self.end : self.end + 4] == _PCAPNG:
                # Each section has its own byte order and interfaces.
                order = _ORDERS.get(bytes(self._data[self.end + 8 : self.end + 12]), "")
                interfaces = []
                if not order:
                    return
            kind, size = struct.unpack_from(f"{order}2I", self._data, self.end)
            if size < 12 or size > len(self._data) - self.end:
                return
            body = bytes(self._data[self.end + 8 : self.end + min(size, _MOST) - 4])
            start = self.end + 8
            self.end += size + -size % 4
            if kind == _INTERFACE and len(body) >= 8:
                interfaces.append(_interface(body, order))
            elif kind in (_PACKET, _OLD_PACKET) and len(body) >= 20:
                number, high, low, length, _ = struct.unpack_from(f"{order}5I", body)
                if kind == _OLD_PACKET:
                    (number,) = struct.unpack_from(f"{order}H", body)
                if number >= len(interfaces):
                    self.damaged += 1
                    continue
                link, units, offset = interfaces[number]
                time = ((high << 32 | low) * 10**9) // units + offset
                time = max(-1, min(time, _LATEST))
                yield _Frame(link, start + 20, min(length, len(body) - 20), time)
            elif kind == _SIMPLE_PACKET and len(body) >= 4 and interfaces:
                (length,) = struct.unpack_from(f"{order}I", body)
                yield _Frame(interfaces[0].link, start + 4, min(length, len(body) - 4), time)
        self.end = min(self.end, len(self._data))


def _interface(body: bytes, order: str) -> _Interface:
    """Return what a block says about an interface."""
    (link,) = struct.unpack_from(f"{order}H", body)
    units, offset, at = 10**6, 0, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}2H", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == _RESOLUTION and value:
            units = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == _OFFSET and len(value) == 8:
            offset = struct.unpack(f"{order}q", value)[0] * 10**9
        at += 4 + size + -size % 4
    return _Interface(link, units, offset)


def _layers(dpkt: Any) -> dict[int, Callable[[bytes], Any]]:
    """Return the functions that parse a packet, by link type."""

    def internet(data: bytes) -> Any:
        return (dpkt.ip6.IP6 if data[0] >> 4 == 6 else dpkt.ip.IP)(data)

    def loopback(data: bytes) -> Any:
        # The address family before it differs between systems.
        return internet(data[4:])

    return {
        _ETHERNET: dpkt.ethernet.Ethernet,
        _SLL: dpkt.sll.SLL,
        _SLL2: dpkt.sll2.SLL2,
        _NULL: loopback,
        _LOOP: loopback,
        **dict.fromkeys(_RAW, internet),
    }


def _segment(dpkt: Any, packet: Any, data: bytes, frame: _Frame) -> Segment | None:
    """Return the TCP segment in a packet, or None if it has none."""
    addresses, layer = (b"", b""), None
    for _ in range(_MOST_LAYERS):
        if isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6):
            addresses = packet.src, packet.dst
        elif isinstance(packet, dpkt.tcp.TCP):
            payload = bytes(packet.data)
            # Where equal bytes stand in the packet: they need not be copied.
            start = frame.start + data.rindex(payload)
            source, target = (addresses[0], packet.sport), (addresses[1], packet.dport)
            numbers = packet.seq, packet.ack, packet.flags
            return Segment(source, target, *numbers, start, len(payload), frame.time)
        elif not isinstance(packet, dpkt.Packet):
            break
        layer, packet = packet, packet.data
    # dpkt leaves what it cannot parse as bytes.
    if getattr(layer, "p", None) == _TCP or getattr(layer, "ethtype", getattr(layer, "type", 0)) in _INTERNET:
        raise ValueError
    return None


def is_packets(data: bytes | memoryview) -> bool:
    """Return whether data begins like a pcap or a pcapng."""
    return _FIRST.match(data) is not None
