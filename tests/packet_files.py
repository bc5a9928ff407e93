"""Packet captures, written byte by byte: TCP over IP over any link, as pcap or as pcapng."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.capture_files import Exchange, http_request, http_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SYN, FIN, RST, ACK = 2, 1, 4, 16
CLIENT, SERVER = ("10.0.0.1", 50_000), ("10.0.0.2", 8_080)
START = 1_795_170_000


@dataclass(frozen=True)
class Packet:
    """A TCP segment, when it was captured, and how much of it."""

    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    data: bytes = b""
    flags: int = ACK
    acknowledged: int = 0
    # In microseconds since START.
    time: int = 0
    snap: int | None = None


def _address(text: str) -> bytes:
    if ":" in text:
        return bytes.fromhex(text.replace(":", "").rjust(32, "0"))
    return bytes(map(int, text.split(".")))


def ip(packet: Packet) -> bytes:
    """Return the packet from the header of IP on."""
    (source, sport), (target, dport) = packet.source, packet.target
    numbers = packet.sequence % 2**32, packet.acknowledged % 2**32
    options = b"\x01\x01\x08\x0a" + bytes(8)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, *numbers, 8 << 4, packet.flags, 65_535, 0, 0)
    tcp += options + packet.data
    first, second = _address(source), _address(target)
    if len(first) == 16:
        return struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + first + second + tcp
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + first + second + tcp


def _ethernet(packet: Packet, tags: bytes = b"") -> bytes:
    kind = b"\x86\xdd" if ":" in packet.source[0] else b"\x08\0"
    # Short frames are filled up.
    return (bytes(12) + tags + kind + ip(packet)).ljust(60, b"\0")


def _cooked(packet: Packet) -> bytes:
    return bytes(14) + (b"\x86\xdd" if ":" in packet.source[0] else b"\x08\0") + ip(packet)


def _cooked_2(packet: Packet) -> bytes:
    return (b"\x86\xdd" if ":" in packet.source[0] else b"\x08\0") + bytes(18) + ip(packet)


def _loopback(packet: Packet, order: str = "<", family: int = 30) -> bytes:
    return struct.pack(f"{order}I", family if ":" in packet.source[0] else 2) + ip(packet)


#: The name of a link -> its type, and the function that writes a packet.
LINKS: dict[str, tuple[int, Callable[[Packet], bytes]]] = {
    "ethernet": (1, _ethernet),
    "vlan": (1, lambda packet: _ethernet(packet, b"\x81\0\0\x05")),
    "two vlans": (1, lambda packet: _ethernet(packet, b"\x88\xa8\0\x05\x81\0\0\x06")),
    "cooked": (113, _cooked),
    "cooked 2": (276, _cooked_2),
    "null": (0, _loopback),
    "null of Windows": (0, lambda packet: _loopback(packet, "<", 23)),
    "loop": (108, lambda packet: _loopback(packet, ">", 24)),
    "raw": (101, ip),
    "raw of BSD": (12, ip),
}


def pcap(packets: Iterable[Packet], link: str = "ethernet", order: str = "<", units: int = 10**6) -> bytes:
    number, write = LINKS[link]
    magic = 0xA1B2_C3D4 if units == 10**6 else 0xA1B2_3C4D
    pieces = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, number)]
    for packet in packets:
        frame = write(packet)
        seconds, micro = divmod(packet.time, 10**6)
        kept = frame[: packet.snap]
        times = START + seconds, micro * (units // 10**6)
        pieces.append(struct.pack(f"{order}4I", *times, len(kept), len(frame)) + kept)
    return b"".join(pieces)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    size = 12 + len(body) + -len(body) % 4
    return (
        struct.pack(f"{order}2I", kind, size)
        + body
        + b"\0" * (-len(body) % 4)
        + struct.pack(f"{order}I", size)
    )


def pcapng(
    packets: Sequence[Packet], links: Sequence[str] = ("ethernet",), order: str = "<", kind: int = 6
) -> bytes:
    """Return a pcapng whose packets are from its interfaces in turn."""
    section = struct.pack(f"{order}IHHq", 0x1A2B_3C4D, 1, 0, -1)
    resolution = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0)
    pieces = [block(0x0A0D_0D0A, section, order)]
    pieces += [
        block(1, struct.pack(f"{order}HHI", LINKS[link][0], 0, 0) + (resolution if number else b""), order)
        for number, link in enumerate(links)
    ]
    pieces.append(block(5, bytes(12), order))
    for count, packet in enumerate(packets):
        number = count % len(links)
        frame = LINKS[links[number]][1](packet)
        time = (START * 10**6 + packet.time) * (1_000 if number else 1)
        high, low = divmod(time, 2**32)
        if kind == 3:
            head = struct.pack(f"{order}I", len(frame))
        elif kind == 2:
            head = struct.pack(f"{order}HHIIII", number, 0, high, low, len(frame), len(frame))
        else:
            head = struct.pack(f"{order}5I", number, high, low, len(frame), len(frame))
        pieces.append(block(kind, head + frame, order))
    return b"".join(pieces)


@dataclass
class Talk:
    """The packets of one connection, in the order of its exchanges."""

    client: tuple[str, int] = CLIENT
    server: tuple[str, int] = SERVER
    first: int = 1_000
    mtu: int = 500
    time: int = 0
    step: int = 1_000
    packets: list[Packet] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = {True: self.first, False: self.first + 77}

    def open(self) -> Talk:
        for is_client, flags in ((True, SYN), (False, SYN | ACK)):
            self._add(flags, b"", is_client=is_client)
            self._next[is_client] += 1
        return self

    def close(self) -> Talk:
        for is_client in (True, False):
            self._add(FIN | ACK, b"", is_client=is_client)
            self._next[is_client] += 1
        return self

    def send(self, data: bytes, *, is_client: bool) -> Talk:
        for at in range(0, len(data), self.mtu):
            piece = data[at : at + self.mtu]
            self._add(ACK, piece, is_client=is_client)
            self._next[is_client] += len(piece)
        # The other side says that it has got it.
        self._add(ACK, b"", is_client=not is_client)
        return self

    def exchange(self, exchange: Exchange, coding: str = "") -> Talk:
        self.send(http_request(exchange), is_client=True)
        if exchange.response is not None:
            self.send(http_response(exchange, coding), is_client=False)
        return self

    def _add(self, flags: int, data: bytes, *, is_client: bool) -> None:
        ends = (self.client, self.server) if is_client else (self.server, self.client)
        numbers = self._next[is_client], self._next[not is_client]
        self.packets.append(Packet(*ends, numbers[0], data, flags, numbers[1], self.time))
        self.time += self.step


def talk(exchanges: Iterable[Exchange], coding: str = "", **about: object) -> list[Packet]:
    """Return the packets of a whole connection."""
    made = Talk(**about).open()  # type: ignore[arg-type]
    for exchange in exchanges:
        made.exchange(exchange, coding)
    return made.close().packets


def moved(packets: Iterable[Packet], by: int) -> list[Packet]:
    """Return packets that were captured later, in microseconds."""
    return [replace(packet, time=packet.time + by) for packet in packets]
