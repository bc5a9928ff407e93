"""Captures to draw: a test makes exchanges between clients and servers, with times, by method calls."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from xmla_headers import (
    XMLA_NS,
    BeginSession,
    Direction,
    EndSession,
    Envelope,
    Fault,
    Fragment,
    Header,
    Session,
    encode,
    session_not_found,
)
from xmla_headers.captures import CapturedMessage, check_message, iter_messages
from xmla_headers.timeline import Timeline
from xmla_headers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from xmla_headers import HeaderBlock

__all__ = ["CAPTURES", "IDS", "Capture", "many", "some"]

IDS = [f"{start}-3D54-4A2F-B8A4-7BD2AA5C5E5B" for start in ("9F2C1B7E", "B41D07AA", "C0FFEE00", "D00DFEED")]

PAGE = b"<html><body><p>Bad Gateway</p></body></html>"
MISSPELLED = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
    b'<Session xmlns="%s" SessionID="%s"/></soap:Header><soap:Body/></soap:Envelope>'
)


def message(*blocks: HeaderBlock, method: str = "Discover", fault: Fault | None = None) -> bytes:
    body = Fragment(f'<{method} xmlns="{XMLA_NS}"/>'.encode()) if fault is None else fault.to_body()
    return encode(Envelope(Header(*blocks), body))


@dataclass
class Capture:
    """The messages of a capture. Each call adds an exchange `after` so many seconds, 1 by default."""

    now: datetime = datetime(2026, 11, 20, 10, 23, 41, 123_000, tzinfo=UTC)
    messages: list[CapturedMessage] = field(default_factory=list)

    def exchange(
        self, request: bytes | None, answer: bytes | None, *, after: float = 1, took: float = 0.012,
        status: int = 200, name: str | None = None,
    ) -> None:  # fmt: skip
        number = str(len(self.messages))
        name = f"entries/{number}" if name is None else name
        self.now += timedelta(seconds=after)
        if request is not None:
            self.messages.append(
                CapturedMessage(f"{name}/request", request, Direction.REQUEST, time=self.now, exchange=number)
            )
        if answer is not None:
            time = self.now + timedelta(seconds=took)
            self.messages.append(
                CapturedMessage(
                    f"{name}/response", answer, Direction.RESPONSE, time=time, status=status, exchange=number
                )
            )

    def begin(self, session_id: str, *, after: float = 1, name: str | None = None) -> None:
        request = message(BeginSession(must_understand=True), method="Execute")
        answer = message(Session(session_id), method="ExecuteResponse")
        self.exchange(request, answer, after=after, name=name)

    def use(
        self, session_id: str, method: str = "Discover", *, after: float = 1, took: float = 0.012,
        name: str | None = None,
    ) -> None:  # fmt: skip
        request = message(Session(session_id), method=method)
        self.exchange(request, message(method=f"{method}Response"), after=after, took=took, name=name)

    def end(self, session_id: str, *, after: float = 1) -> None:
        self.exchange(message(EndSession(session_id)), message(method="ExecuteResponse"), after=after)

    def lose(self, session_id: str, *, after: float = 1, name: str | None = None) -> None:
        answer = message(fault=session_not_found(session_id))
        self.exchange(message(Session(session_id)), answer, after=after, status=500, name=name)

    def fail(self, session_id: str, fault: Fault, *, after: float = 1) -> None:
        self.exchange(message(Session(session_id)), message(fault=fault), after=after, status=500)

    def plain(self, method: str = "Discover", *, after: float = 1, name: str | None = None) -> None:
        self.exchange(message(method=method), message(method="DiscoverResponse"), after=after, name=name)

    def page(self, session_id: str, *, after: float = 1) -> None:
        self.exchange(message(Session(session_id)), PAGE, after=after, status=502)

    def unanswered(self, session_id: str, *, after: float = 1) -> None:
        self.exchange(message(Session(session_id)), None, after=after)

    def misspelled(self, session_id: str, *, after: float = 1) -> None:
        request = MISSPELLED % (XMLA_NS.encode(), session_id.encode())
        self.exchange(request, message(method="DiscoverResponse"), after=after)

    def broken(self) -> None:
        self.messages += iter_messages(b'{"log": {"entries": [0]}}')

    def untimed(self) -> Capture:
        return Capture(messages=[replace(each, time=None) for each in self.messages])

    def timeline(self, *, bodies: bool = False) -> Timeline:
        transcript, timeline = Transcript(), Timeline()
        for each in self.messages:
            checked = check_message(each)
            placement = transcript.add(checked)
            timeline.add(checked if bodies else checked.without_body(), placement)
        timeline.close(transcript.close(), transcript.diagnosis(), transcript.faults)
        return timeline


def none() -> Capture:
    return Capture()


def one() -> Capture:
    capture = Capture()
    capture.unanswered(IDS[0])
    return capture


def three() -> Capture:
    """A session begins and is used, and the capture ends."""
    capture = Capture()
    capture.begin(IDS[0])
    capture.unanswered(IDS[0])
    return capture


def some() -> Capture:
    """One of each kind: lost after 35 minutes, never ended, ended, implicit, a 502 page, a broken entry."""
    capture, (lost, left, ended, _) = Capture(), IDS
    capture.begin(lost)
    capture.use(lost)
    capture.plain()
    capture.use(lost, "Execute", took=3.4)
    capture.use(lost, after=0.5)
    capture.begin(left)
    capture.use(left)
    capture.page(lost)
    capture.broken()
    capture.fail(left, Fault("XMLAnalysisError.0xc10e0002", f"no <cube> in {left}"))
    capture.plain("ThisMethodHasANameThatNobodyWouldReadToItsEndForItGoesOnAndOnAndOn")
    capture.use(lost)
    capture.begin(ended, after=2_000)
    capture.lose(lost, after=100, name="the/loss")
    capture.use(ended)
    capture.misspelled(ended)
    capture.end(ended)
    return capture


def many(count: int = 1_000, sessions: int = 4) -> Capture:
    """Concurrent sessions with all kinds of events."""
    capture, chance = Capture(), random.Random(5)
    ids = [f"{number:08X}-0000-4A2F-B8A4-7BD2AA5C5E5B" for number in range(0x9F2C1B7E, 0x9F2C1B7E + sessions)]
    for session_id in ids:
        capture.begin(session_id, after=0.3)
    while len(capture.messages) < count:
        session_id, after = chance.choice(ids), chance.expovariate(1.2)
        match chance.randrange(40):
            case 0:
                capture.plain(after=after)
            case 1:
                capture.page(session_id, after=after)
            case 2:
                capture.fail(session_id, Fault("Server", "no"), after=after)
            case 3:
                capture.misspelled(session_id, after=after)
            case _:
                method = chance.choice(["Discover", "Execute"])
                capture.use(session_id, method, after=after, took=chance.choice([0.005, 0.05, 0.4, 2.5]))
    capture.lose(ids[0], after=2_400)
    return capture


CAPTURES: dict[str, Callable[[], Capture]] = {
    "none": none,
    "one": one,
    "three": three,
    "some": some,
    "many": many,
}
