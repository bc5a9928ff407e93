"""Knows which request a response answers where nothing in the capture pairs them, as in a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from xmla_headers.captures import CheckedMessage
from xmla_headers.envelope import Header
from xmla_headers.session_headers import BeginSession

__all__ = ["Loose"]

# Open requests that are remembered: as many threads may write one log at the same moment.
_MOST = 8


class _Asked(Protocol):
    @property
    def header(self) -> Header | None: ...


_RequestT = TypeVar("_RequestT", bound=_Asked)


class Loose(Generic[_RequestT]):
    """The last requests without a response.

    A response belongs to the request whose session it names, in its header or in its fault. A Session with
    another id answers a BeginSession. Any other response answers the last request.
    """

    def __init__(self) -> None:
        self._open: list[_RequestT] = []

    def add(self, request: _RequestT) -> None:
        """Note a request."""
        self._open = [*self._open[1 - _MOST :], request]

    def answered(self, checked: CheckedMessage) -> _RequestT | None:
        """Return the request that a response answers, and forget it; None if there is none."""
        if not self._open:
            return None
        found = self._open[-1]
        if len(self._open) > 1:
            found = next(self._named(checked), found)
        self._open.remove(found)
        return found

    def _named(self, checked: CheckedMessage) -> Iterator[_RequestT]:
        """Yield the requests whose session a response names."""
        session = None if checked.header is None else checked.header.session
        texts = () if checked.fault is None else (checked.fault.string, *_descriptions(checked))
        for request in self._open:
            session_id = _session_id(request)
            granted = "" if session is None else session.session_id
            if session_id and (granted == session_id or any(session_id in text for text in texts)):
                yield request
        if session is not None:
            yield from (request for request in self._open if _begins(request))


def _descriptions(checked: CheckedMessage) -> list[str]:
    entries = checked.errors if checked.fault is None else checked.fault.entries
    return [entry.description for entry in entries]


def _session_id(request: _Asked) -> str:
    blocks = request.header or ()
    return next((str(found) for block in blocks if (found := getattr(block, "session_id", None))), "")


def _begins(request: _Asked) -> bool:
    return any(isinstance(block, BeginSession) for block in request.header or ())
