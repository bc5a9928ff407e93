"""Knows the requests without a response, and which of them a response answers where nothing pairs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from xmla_headers.captures import CheckedMessage
from xmla_headers.envelope import Header
from xmla_headers.session_headers import BeginSession, EndSession

from ._history import Moment
from ._records import SessionRecord

__all__ = ["Loose", "Pending"]

# Open requests that are remembered: as many threads may write one log at the same moment.
_MOST = 8


@dataclass(slots=True)
class Pending:
    """A request that has not been answered."""

    moment: Moment
    session: SessionRecord | None
    # Whether the conversation has accepted it.
    counted: bool
    # A Header with its session header alone; None if the request is refused or ambiguous.
    header: Header | None
    # The time since the session was last used; None if unknown.
    idle: timedelta | None
    # When the session was used before.
    used: datetime | None
    # Where it was sent, and by whom.
    address: str | None
    client: str | None
    # How its session id differs from the granted one.
    spelling: str = ""
    # Whether its body is missing in the capture, so that nothing is known about its session.
    omitted: bool = False
    # The sessions that it cancels, and whether it cancels one without naming its id.
    cancelled: tuple[SessionRecord, ...] = ()
    cancels_another: bool = False

    @property
    def name(self) -> str:
        """The name of the message."""
        return self.moment.name

    @property
    def begins(self) -> bool:
        """Whether it is a BeginSession."""
        return self.header is not None and isinstance(self.header.session_header, BeginSession)

    @property
    def ends(self) -> bool:
        """Whether it is an EndSession."""
        return self.header is not None and isinstance(self.header.session_header, EndSession)


class Loose:
    """The last requests without a response.

    A response belongs to the request whose session it names, in its header or in its fault. A Session with
    another id answers a BeginSession. Any other response answers the last request.
    """

    def __init__(self) -> None:
        self._open: list[Pending] = []

    def add(self, request: Pending) -> None:
        """Note a request."""
        self._open = [*self._open[1 - _MOST :], request]

    def answered(self, checked: CheckedMessage) -> Pending | None:
        """Return the request that a response answers, and forget it; None if there is none."""
        if not self._open:
            return None
        found = self._open[-1]
        if len(self._open) > 1:
            found = next(iter(self._named(checked)), found)
        self._open.remove(found)
        return found

    def _named(self, checked: CheckedMessage) -> list[Pending]:
        """Return the requests whose session a response names, and then those that begin one."""
        session = None if checked.header is None else checked.header.session
        granted = "" if session is None else session.session_id
        texts = () if checked.fault is None else (checked.fault.string, *_descriptions(checked))
        ids = [(request, _session_id(request)) for request in self._open]
        named = [
            request
            for request, each in ids
            if each and (granted == each or any(each in text for text in texts))
        ]
        return [*named, *(request for request in self._open if session is not None and request.begins)]


def _descriptions(checked: CheckedMessage) -> list[str]:
    entries = checked.errors if checked.fault is None else checked.fault.entries
    return [entry.description for entry in entries]


def _session_id(request: Pending) -> str:
    blocks = request.header or ()
    return next((str(found) for block in blocks if (found := getattr(block, "session_id", None))), "")
