"""Packet captures: TCP put together again, HTTP of several connections, and what is missing is said."""

from __future__ import annotations

import io
import struct
import sys
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import BEGIN, Exchange, http_request, http_response, message, session
from tests.packet_files import (
    CLIENT,
    FIN,
    LINKS,
    RST,
    SERVER,
    START,
    SYN,
    Packet,
    Talk,
    block,
    moved,
    pcap,
    pcapng,
    talk,
)
from tests.redacting import redact
from xmla_headers import cli
from xmla_headers.captures import CapturedMessage, CaptureLimits, iter_messages
from xmla_headers.captures._formats import packets as _packets
from xmla_headers.findings import Code
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("dpkt", reason="needs the extra pcap: pip install 'xmla_headers[pcap]'")

ID = "7F0A9B52-62A4-4EF0-B2E2-3C1D7C0B9A11"
STORY = [
    Exchange(message(BEGIN), message(session(ID))),
    Exchange(message(session(ID)), message(body="<a>" + "x" * 3_000 + "</a>")),
    Exchange(message(session(ID)), message()),
]
BODIES = [body for each in STORY for body in (each.request, each.response or b"")]


def read(data: bytes, name: str = "") -> list[CapturedMessage]:
    return list(iter_messages(data, name))


def bodies(data: bytes) -> list[bytes]:
    found = read(data)
    assert [each.trouble for each in found if each.trouble] == []
    return [each.body for each in found]


def said(data: bytes) -> list[str]:
    return [each.trouble.message for each in read(data) if each.trouble is not None]


def run(*arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


# -- files and links -------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [CLIENT, ("fe80::1", 50_000)], ids=["4", "6"])
@pytest.mark.parametrize("link", LINKS)
def test_pcap_of_each_link_is_read(link: str, client: tuple[str, int]) -> None:
    server = ("::2", 80) if ":" in client[0] else SERVER
    assert bodies(pcap(talk(STORY, client=client, server=server), link)) == BODIES


@pytest.mark.parametrize("units", [10**6, 10**9])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_messages_have_names_and_times(order: str, units: int) -> None:
    found = read(pcap(talk(STORY[:2]), "ethernet", order, units), "a.pcap")
    assert [(each.name, each.exchange, each.direction) for each in found] == [
        ("a.pcap/stream/0/request/0", "a.pcap/stream/0/0", Direction.REQUEST),
        ("a.pcap/stream/0/response/0", "a.pcap/stream/0/0", Direction.RESPONSE),
        ("a.pcap/stream/0/request/1", "a.pcap/stream/0/1", Direction.REQUEST),
        ("a.pcap/stream/0/response/1", "a.pcap/stream/0/1", Direction.RESPONSE),
    ]
    # The time of the first byte of a request, and of the last byte of a response.
    packets = [packet for packet in talk(STORY[:2]) if packet.data]
    begun = [packet.time for packet in packets if packet.data.startswith(b"POST")]
    ended = [packet.time for packet in packets if packet.source == SERVER]
    times = [round(((each.time.timestamp() if each.time else 0) - START) * 10**6) for each in found]
    assert (times[0], times[2], times[3]) == (*begun, max(ended))


@pytest.mark.parametrize("kind", [6, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_several_interfaces_is_read(order: str, kind: int) -> None:
    packets = talk(STORY)
    data = pcapng(packets, ["ethernet", "cooked 2", "raw"], order, kind)
    assert bodies(data) == BODIES
    assert [each.time for each in read(data)] == [each.time for each in read(pcap(packets))]
    # A second section may have the other byte order.
    other = pcapng(talk(STORY, client=("10.0.0.9", 1)), ["raw"], "<" if order == ">" else ">", kind)
    assert bodies(data + other) == BODIES * 2


def test_pcapng_of_simple_packets_has_no_times() -> None:
    data = pcapng(talk(STORY), kind=3)
    assert bodies(data) == BODIES
    assert {each.time for each in read(data)} == {None}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pcap(talk(STORY))[:-7], "the packet capture breaks off at byte "),
        (pcap(talk(STORY)) + b"12345678901234567890", "20 bytes cannot be read"),
        (pcapng(talk(STORY)) + block(6, bytes(40))[:-8], "the packet capture breaks off at byte "),
        (pcapng(talk(STORY)) + struct.pack("<III", 6, 8, 8), "12 bytes cannot be read"),
        (pcapng(talk(STORY)) + block(6, struct.pack("<I", 9) + bytes(36)), "1 packet of the capture with"),
        (pcap([*talk(STORY), replace(Packet(CLIENT, SERVER, 1), snap=30)]), "1 packet of the capture with"),
        (pcap([*talk(STORY), replace(Packet(CLIENT, SERVER, 1), snap=40)]), "1 packet of the capture with"),
        (pcap(talk(STORY))[:20] + b"\x69\0\0\0", "no packet"),
    ],
    ids=["cut", "rest", "cut block", "short block", "interface", "headers", "TCP header", "link"],
)
def test_pcap_part_that_is_not_read_is_said(data: bytes, words: str) -> None:
    if words == "no packet":
        data += pcap(talk(STORY))[24:]
        assert said(data)[0].endswith(" of the link type 105: not read")
        return
    assert words in "\n".join(said(data))
    assert len(read(data)) >= len(BODIES)


def test_pcap_whose_packets_are_destroyed_is_searched_for_http() -> None:
    data = pcap([])
    found = read(data + bytes(16) + b"".join(map(http_request, STORY)))
    assert [each.body for each in found if each.trouble is None] == BODIES[::2]
    assert "cannot be read" in "\n".join(str(each.trouble) for each in found)


def test_pcap_that_is_mapped_releases_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pcap(talk(STORY))
    released: list[object] = []
    monkeypatch.setattr(_packets, "_RELEASED", 1_000)
    monkeypatch.setattr(_packets, "release", released.append)
    assert bodies(data) == BODIES
    assert len(data) // 2_000 < len(released) <= len(data) // 1_000


# -- TCP -------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32))
def test_pcap_packets_in_any_order_are_put_together(seed: int) -> None:
    chance = Random(seed)
    packets = talk(STORY, mtu=chance.choice([7, 100, 1_400]), first=chance.choice([0, 2**32 - 300, 2**31]))
    # A packet may be sent again, also with bytes of its neighbours, and be up to nine places late.
    again = [packet for packet in packets if packet.data and not chance.randrange(4)]
    overlapping = [
        replace(first, data=first.data + second.data)
        for first, second in pairwise(packets)
        if first.data and second.data and first.source == second.source and not chance.randrange(4)
    ]
    handshake, rest = packets[:2], [*packets[2:], *again, *overlapping]
    rest.sort(key=lambda packet: packet.time + chance.randrange(9_000))
    found = [each.body for each in read(pcap([*handshake, *rest]))]
    assert sorted(found) == sorted(BODIES)


def test_pcap_without_its_beginning_says_what_is_not_read() -> None:
    packets = talk(STORY)
    first = next(number for number, packet in enumerate(packets) if packet.source == SERVER and packet.data)
    data = pcap(packets[first + 1 :])
    found = read(data)
    assert [each.body for each in found if each.trouble is None] == BODIES[2:]
    assert not said(data) or "before the next whole message not read" in said(data)[0]
    (text,) = said(pcap(packets[:2] + packets[first + 1 :]))[:1]
    assert "missing in the capture" in text


def _lossy(drop: int) -> tuple[list[Packet], int]:
    """Return the packets without one in the middle of the long response, and its size."""
    packets = talk(STORY)
    long = [packet for packet in packets if b"xxxx" in packet.data]
    packets.remove(long[drop])
    return packets, len(long[drop].data)


def test_pcap_with_a_gap_says_how_many_bytes_are_missing() -> None:
    packets, size = _lossy(2)
    found = read(pcap(packets), "a")
    troubles = {each.name: each.trouble.message for each in found if each.trouble is not None}
    assert list(troubles) == ["a/stream/0/response/1"]
    assert troubles["a/stream/0/response/1"].startswith(f"{size} bytes of the TCP connection missing")
    assert troubles["a/stream/0/response/1"].endswith(" bytes before the next whole message not read")
    assert [each.body for each in found if each.trouble is None] == [*BODIES[:3], *BODIES[4:]]
    assert found[-1].exchange == "a/stream/0/2"


def test_pcap_with_a_gap_between_messages_says_so_once() -> None:
    packets = [packet for packet in talk(STORY) if packet.source == CLIENT]
    lost = next(packet for packet in packets if packet.data == http_request(STORY[1])[:500])
    rest = [packet for packet in packets if packet is not lost]
    (text,) = said(pcap(rest))
    assert text.startswith(f"{len(lost.data)} bytes of the TCP connection missing in the capture")
    # The other side acknowledges more bytes than there are.
    ended = [packet for packet in talk(STORY) if not packet.flags & FIN]
    tail = next(packet for packet in reversed(ended) if packet.data)
    (text,) = said(pcap([packet for packet in ended if packet is not tail]))
    assert text.startswith(f"{len(tail.data)} bytes of the TCP connection missing")


def test_pcap_with_a_snap_length_says_what_is_missing() -> None:
    packets = [replace(packet, snap=200) for packet in talk(STORY)]
    assert "bytes of the TCP connection missing in the capture" in said(pcap(packets))[0]


def test_pcap_response_without_length_is_cut_by_a_gap() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"
    made = Talk(mtu=400).open().send(http_request(STORY[0]), is_client=True)
    made.send(head + BODIES[3], is_client=False)
    whole = made.close().packets
    assert bodies(pcap(whole)) == [BODIES[0], BODIES[3]]
    middle = [packet for packet in whole if b"xxxx" in packet.data][1]
    found = read(pcap([packet for packet in whole if packet is not middle]))
    assert [each.trouble is None for each in found] == [True, False]


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_pcap_of_one_side_is_read(side: tuple[str, int]) -> None:
    packets = [packet for packet in talk(STORY) if packet.source == side]
    assert bodies(pcap(packets)) == BODIES[side == SERVER :: 2]


def test_pcap_pipelined_requests_are_paired() -> None:
    made = Talk().open()
    for each in STORY:
        made.send(http_request(each), is_client=True)
    for each in STORY:
        made.send(http_response(each, "chunked gzip"), is_client=False)
    found = read(pcap(made.packets))
    assert [each.body for each in found] == BODIES[::2] + BODIES[1::2]
    assert [each.exchange for each in found] == [f"stream/0/{number}" for number in (0, 1, 2)] * 2


@pytest.mark.parametrize("ends", ["syn", "fin", "rst", "nothing"])
def test_pcap_port_pair_that_is_used_again_is_another_connection(ends: str) -> None:
    first = Talk().open().exchange(STORY[0])
    if ends == "fin":
        first.close()
    if ends == "rst":
        first._add(RST, b"", is_client=False)
    second = moved(talk(STORY[1:], first=3_000_000_000), 10**6)
    if ends in ("fin", "rst"):
        # The capture lacks the beginning of the second one.
        second = [packet for packet in second if not packet.flags & SYN]
    data = pcap([*first.packets, *second])
    if ends == "nothing":
        # A SYN that is sent twice begins one connection.
        data = pcap([*first.packets[:1], *first.packets, *second[:1], *second])
    assert bodies(data) == BODIES
    assert [each.name.split("/")[1] for each in read(data)] == ["0"] * 2 + ["1"] * 4


def test_pcap_connections_are_interleaved_by_time() -> None:
    ends = [("10.0.0.1", port) for port in (1, 2, 3)]
    talks = [moved(talk(STORY, client=end), 100 * number) for number, end in enumerate(ends)]
    packets = sorted((packet for each in talks for packet in each), key=lambda packet: packet.time)
    found = read(pcap(packets))
    assert [each.body for each in found if each.name.startswith("stream/1/")] == BODIES
    times = [each.time for each in found if each.time]
    assert len(times) == 18
    assert times == sorted(times)
    assert len({each.exchange for each in found}) == 9


def test_pcap_of_too_many_connections_is_a_finding() -> None:
    packets = [packet for port in range(1, 4) for packet in talk(STORY, client=("10.0.0.1", port))]
    found = list(iter_messages(pcap(packets), limits=CaptureLimits(max_entries=2)))
    assert [each.body for each in found[:-1]] == BODIES * 2
    assert found[-1].trouble is not None
    assert found[-1].trouble.code is Code.LIMIT_EXCEEDED


# -- what is not HTTP ------------------------------------------------------------------------------------

_OTHERS = {
    "TLS": b"\x16\x03\x01\0\x05hello",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol than HTTP/1": b"\0\0\x01binary",
}


@pytest.mark.parametrize("kind", _OTHERS)
def test_pcap_connection_without_http_is_named(kind: str, tmp_path: Path) -> None:
    other = Talk(client=("10.0.0.7", 7)).open().send(_OTHERS[kind], is_client=True).packets
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(other))
    status, out, err = run("check", path)
    assert (status, f"1 TCP connection with {kind}: not read" in err) == (2, True)
    assert ", 1 unreadable" in out
    assert run("redact", path, "-o", tmp_path / "b.pcap")[0] == 2
    path.write_bytes(pcap([*other, *talk(STORY)]))
    status, out, err = run("check", path)
    assert (status, f"[{Code.UNSUPPORTED_FORMAT}]: 1 TCP connection with {kind}: not read" in out) == (
        0,
        True,
    )
    assert err == ""


def test_pcap_tunnel_through_a_proxy_is_named() -> None:
    made = Talk().open().send(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", is_client=True)
    made.send(b"HTTP/1.1 200 Connected\r\n\r\n", is_client=False).send(_OTHERS["TLS"], is_client=True)
    assert said(pcap(made.packets)) == ["1 TCP connection with TLS: not read"]


def test_pcap_without_the_extra_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dpkt", None)
    path = tmp_path / "a.pcap"
    for data in (pcap(talk(STORY)), pcapng(talk(STORY))):
        path.write_bytes(data)
        for arguments in (("check", path), ("redact", path, "-o", tmp_path / "b")):
            status, _, err = run(*arguments)
            assert (status, "pip install 'xmla_headers[pcap]'" in err) == (2, True)
        assert redact(data).data == b""


# -- redaction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["", "chunked gzip"])
def test_pcap_redacted_tells_the_same_story(coding: str) -> None:
    six = talk(STORY, coding, client=("fe80::1", 5), server=("::2", 80))
    tls = Talk(client=("10.0.0.8", 8)).open().send(_OTHERS["TLS"], is_client=True).packets
    packets = [*talk(STORY, coding, first=2**32 - 5), *tls, *moved(talk(STORY, first=77), 10**6), *six]
    data = pcap(packets)
    redacted = redact(data)
    assert ID.encode() not in redacted.data
    assert all(ID[at : at + 8].encode() not in redacted.data for at in range(len(ID) - 8))
    assert {str(change) for change in redacted.changes if change.place.startswith("stream/1")} == {
        "stream/1: content that cannot be searched is removed: TLS"
    }
    before = [each for each in read(data) if each.trouble is None]
    after = read(redacted.data)
    assert [(each.name, each.time, each.exchange) for each in after] == [
        (each.name, each.time, each.exchange) for each in before
    ]
    assert [each.body for each in after] == [each.body.replace(ID.encode(), b"session-1") for each in before]
    assert redact(redacted.data).data == redacted.data
    assert redact(redacted.data).changes == ()


def test_pcap_redacted_keeps_its_gaps() -> None:
    packets, size = _lossy(2)
    # The last packet with data is missing too, although the other side got it.
    packets = [packet for packet in packets if not packet.flags & FIN]
    packets.remove(next(packet for packet in reversed(packets) if packet.data))
    data = pcap(packets)
    redacted = redact(data).data
    # The rest of a tag after a gap is removed.
    assert [text.split(",")[0] for text in said(redacted)] == [text.split(",")[0] for text in said(data)]
    assert f"{size} bytes of the TCP connection missing" in said(redacted)[0]


def test_pcap_connections_without_data_are_counted() -> None:
    scan = [Packet(("10.0.0.66", port), SERVER, 5, b"", SYN) for port in range(1, 5)]
    # The last of them is tried again, with another number.
    scan += [Packet(("10.0.0.66", 4), SERVER, 5, b"", SYN), Packet(("10.0.0.66", 4), SERVER, 9, b"", SYN)]
    data = pcap([*scan[:2], *talk(STORY[:1]), *scan[2:], *talk(STORY[1:], client=("10.0.0.9", 9)), scan[0]])
    found = read(data)
    assert [each.name.split("/")[1] for each in found] == ["2"] * 2 + ["6"] * 4
    redacted = redact(data).data
    assert [(each.name, each.time) for each in read(redacted)] == [(each.name, each.time) for each in found]
    assert redact(redacted).changes == ()
