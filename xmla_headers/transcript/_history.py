"""Knows the facts about one session that tell why it was lost: grants, uses, denials."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Denial", "Failure", "FailureKind", "History", "Moment", "Place", "aware"]


class Moment(NamedTuple):
    """A message of a capture."""

    name: str
    """The name of the message."""
    time: datetime | None
    """When it passed, if known."""
    order: int
    """1 for the first message of the capture."""


def aware(time: datetime | None) -> datetime | None:
    """Return a time with a zone: UTC if it has none. Times with and without a zone cannot be compared."""
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)


class Place(NamedTuple):
    """A server, by its address and its name."""

    address: str | None = None
    """Where a request was sent."""
    node: str | None = None
    """The server that answered there."""


@dataclass(frozen=True, slots=True)
class Denial:
    """An answer that says that the server does not know the session."""

    answer: Moment
    """The answer."""
    request: Moment | None
    """The request; None if it is not in the capture."""
    idle: timedelta | None
    """How long the session had not been used before the request; None if unknown."""
    place: Place
    """The server that denies the session."""
    words: str
    """The code and the words of the server, with everything masked that may be a session id."""
    text: str = field(repr=False)
    """The words in lower case, with the session id; for rules about words."""
    spelling: str = ""
    """How the id in the request differs from the granted one; "" if it does not."""


class FailureKind(StrEnum):
    """Why a request is answered without the message that it asks for."""

    FAULT = "fault"
    """A fault of the server."""
    NO_SESSION = "no session"
    """An answer to BeginSession without a Session."""
    PAGE = "page"
    """A page of HTTP."""
    EMPTY = "empty answer"
    """An answer without a body."""
    REFUSED = "refused message"
    """A message that the rules refuse."""
    LOGIN = "login"
    """A demand for credentials."""


@dataclass(slots=True)
class Failure:
    """One kind of failure, and how often it was met."""

    kind: FailureKind
    words: str
    """The status and title of a page, or the code and words of a fault, masked."""
    first: Moment
    last: Moment
    count: int = 1
    sessions: set[int] = field(default_factory=set)
    """The numbers of the sessions that met it, at most two."""

    def again(self, moment: Moment, session: int | None) -> None:
        """Count the failure once more."""
        self.last = moment
        self.count += 1
        self.met_by(session)

    def met_by(self, session: int | None) -> None:
        """Note the session that has met it. More than one are as good as many."""
        if len(self.sessions) < 2:
            self.sessions.add(0 if session is None else session)


# Places and spellings that are kept for one session.
_MOST_PLACES = 8


@dataclass(slots=True)
class History:
    """The facts about one session. `Transcript` updates it with each message."""

    granted: Moment | None = None
    """The answer that granted the session."""
    known: Moment | None = None
    """The first answer that shows that the server knew the session."""
    accepted: Moment | None = None
    """The last such answer."""
    places: tuple[Place, ...] = ()
    """Where the server knew the session."""
    longest_idle: timedelta = timedelta()
    """The longest time without a use that the server accepted."""
    denial: Denial | None = None
    """The first denial after the last answer that shows that the server knew the session."""
    revived: Moment | None = None
    """The first answer that shows that the server knew the session after it had denied it."""
    ended: Moment | None = None
    """The request with EndSession that was answered."""
    ending: Moment | None = None
    """The last request with EndSession, until another use is accepted."""
    cancelled: tuple[Moment, int | None] | None = None
    """The last Cancel that names the session, and the number of the session that sent it."""
    shared: tuple[Moment, int] | None = None
    """The answer that granted the same id once more, and the number of the other session."""
    begun: Failure | None = None
    """How BeginSession failed."""
    login: Failure | None = None
    """The demands for credentials, or redirects, that no success followed."""
    used: datetime | None = None
    """When it was last used; a request that only met a demand for credentials is no use."""
    spellings: tuple[str, ...] = ()
    """How ids that the server accepted differ from the granted one."""
    _is_sure: bool = False
    _cancelled_before: tuple[Moment, int | None] | None = None

    def accept(self, moment: Moment, request: Moment | None, place: Place, idle: timedelta | None) -> None:
        """Note an answer that shows that the server knows the session."""
        order = moment.order if request is None else request.order
        if self.denial is not None and order > self.denial.answer.order:
            if not self._is_sure:
                self.denial = None
            elif self.revived is None:
                self.revived = moment
        if self.cancelled is not None and order > self.cancelled[0].order:
            self.cancelled = None
        if self.ending is not None and order > self.ending.order:
            self.ending = None
        self.known = self.known or moment
        self.accepted = moment
        self.login = None
        if idle is not None:
            self.longest_idle = max(self.longest_idle, idle)
        if place not in self.places and len(self.places) < _MOST_PLACES:
            self.places += (place,)

    def idle_until(self, time: datetime | None) -> timedelta | None:
        """Return how long the session had not been used at a time; None if unknown."""
        return None if self.used is None or time is None else max(time - self.used, timedelta())

    def deny(self, denial: Denial, *, is_sure: bool = True) -> None:
        """Note an answer that says that the server does not know the session.

        Args:
            denial: The denial.
            is_sure: Whether the code says so, or the known sentence. Other words are withdrawn if the server
                accepts the session afterwards.
        """
        self._is_sure = self._is_sure or is_sure
        last = self.accepted
        # The first denial, or the first one after the server has accepted the session again.
        if self.denial is None or (last is not None and last.order > self.denial.answer.order):
            self.denial = denial

    def refuse(self, kind: FailureKind, words: str, moment: Moment) -> None:
        """Note a demand for credentials, or a redirect."""
        if self.login is None:
            self.login = Failure(kind, words, moment, moment)
        else:
            self.login.again(moment, None)

    def cancel(self, moment: Moment, by: int | None) -> None:
        """Note a Cancel that names the session, and the number of the session that sent it."""
        self._cancelled_before, self.cancelled = self.cancelled, (moment, by)

    def uncancel(self, moment: Moment) -> None:
        """Note that a Cancel was answered by a fault."""
        if self.cancelled is not None and self.cancelled[0] == moment:
            self.cancelled = self._cancelled_before
