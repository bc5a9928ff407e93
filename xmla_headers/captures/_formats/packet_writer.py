"""Knows how a packet capture is written: TCP connections -> a pcap of raw IP packets."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from .packets import ACK, SYN

if TYPE_CHECKING:
    from .tcp import Connection

__all__ = ["PacketWriter"]

# A pcap in little endian with times in nanoseconds, of the link type for raw IP.
_HEADER = struct.pack("<IHHiIII", 0xA1B2_3C4D, 2, 4, 0, 0, 262_144, 101)
# Bytes of a payload.
_MOST = 16_384
_MOST_SECONDS = 0xFFFF_FFFF
_WRAP = 1 << 32

# A place in the capture that is rewritten, which decides the order, and a time in nanoseconds.
Moment = tuple[int, int]


class PacketWriter:
    """Collects packets, and writes them in the order of the capture that they come from."""

    def __init__(self) -> None:
        self._packets: list[tuple[int, int, bytes]] = []
        # The number of the next connection.
        self._count = 0

    def begin(self, connection: Connection) -> None:
        """Add the first packets of both sides of a connection.

        Sequence numbers begin with the number of the connection, so that those of a later one with the same
        addresses and ports differ.
        """
        moment = connection.start, connection.time
        # Connections without data are counted, and nothing else is known of them.
        for number in range(self._count, connection.number):
            ends = (number.to_bytes(4, "big"), 0), (bytes(4), 0)
            self._write(moment, _packet(*ends, 0, 0, SYN, b""))
        self._count = connection.number + 1
        for source, side in connection.sides.items():
            if source == connection.source or side.has_data:
                self._add(connection, source, moment, connection.number, 0, SYN, b"")

    def data(
        self,
        connection: Connection,
        source: tuple[bytes, int],
        position: int,
        data: bytes,
        span: tuple[Moment, Moment],
    ) -> None:
        """Add bytes of one side. The last packet has the second of the moments, and the others the first."""
        first, last = span
        for at in range(0, len(data), _MOST):
            moment = first if at + _MOST < len(data) else last
            number = connection.number + 1 + position + at
            self._add(connection, source, moment, number, 0, ACK, data[at : at + _MOST])

    def acknowledge(
        self, connection: Connection, source: tuple[bytes, int], position: int, moment: Moment
    ) -> None:
        """Add a packet that acknowledges the bytes of the other side up to a position."""
        self._add(
            connection, source, moment, connection.number + 1, connection.number + 1 + position, ACK, b""
        )

    def _add(
        self,
        connection: Connection,
        source: tuple[bytes, int],
        moment: Moment,
        sequence: int,
        acknowledged: int,
        flags: int,
        payload: bytes,
    ) -> None:
        target = connection.target if source == connection.source else connection.source
        packet = _packet(source, target, sequence % _WRAP, acknowledged % _WRAP, flags, payload)
        self._write(moment, packet)

    def _write(self, moment: Moment, packet: bytes) -> None:
        seconds, fraction = divmod(max(0, moment[1]), 10**9)
        header = struct.pack("<4I", min(seconds, _MOST_SECONDS), fraction, len(packet), len(packet))
        self._packets.append((moment[0], len(self._packets), header + packet))

    def finished(self) -> bytes:
        """Return the capture."""
        return _HEADER + b"".join(packet for _, _, packet in sorted(self._packets))


def _packet(
    source: tuple[bytes, int],
    target: tuple[bytes, int],
    sequence: int,
    acknowledged: int,
    flags: int,
    payload: bytes,
) -> bytes:
    """Return a packet of IP with a TCP segment."""
    import dpkt  # noqa: PLC0415 - an extra

    segment: Any = dpkt.tcp.TCP(
        sport=source[1],
        dport=target[1],
        seq=sequence,
        ack=acknowledged,
        flags=flags,
        data=payload,
    )
    if len(source[0]) == 4:
        return bytes(dpkt.ip.IP(src=source[0], dst=target[0], p=6, data=segment))
    size = len(segment)
    return bytes(dpkt.ip6.IP6(src=source[0], dst=target[0], nxt=6, hlim=64, plen=size, data=segment))
