"""Knows what a diagnosis says: the causes, the sentence for each, and who should do what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["ADVICE", "Cause", "Diagnosis", "Evidence", "FaultCount"]


class Cause(StrEnum):
    """Why a session was lost, refused or never came to be, or why a request failed."""

    GRANTED_TWICE = "granted-twice"
    """The server gave one id to two BeginSessions: both share one session."""
    OTHER_SERVER = "other-server"
    """Another server was asked than the one that knows the session."""
    SERVER_RESTART = "server-restart"
    """The server was restarted, and all sessions are gone."""
    KILLED = "killed"
    """Somebody cancelled the session: a Cancel of another request, or an administrator."""
    IDLE_TIMEOUT = "idle-timeout"
    """The session was not used for too long."""
    ID_CHANGED_BY_CLIENT = "id-changed-by-client"
    """The client writes the id in another way than it was granted."""
    USED_AFTER_END = "used-after-end"
    """The client used the session after it had ended it."""
    BEFORE_CAPTURE = "before-capture"
    """The id is from before the capture: nobody granted it here."""
    NOT_AUTHENTICATED = "not-authenticated"
    """Every try ended in a demand for credentials."""
    NEVER_GRANTED = "never-granted"
    """BeginSession was answered without a Session."""
    NO_SOAP_ANSWER = "no-soap-answer"
    """The answer is a page of a proxy or server, or empty."""


ADVICE: dict[Cause, str] = {
    Cause.GRANTED_TWICE: (
        "server: grant a new id to each BeginSession; until then, one client's EndSession ends the session "
        "of the others"
    ),
    Cause.OTHER_SERVER: (
        "operator: send all requests of a session to the server that granted it (affinity by cookie, or by "
        "the client's address), and let the client keep its address"
    ),
    Cause.SERVER_RESTART: (
        "client: begin a new session when a fault says that the session is lost; operator: look into the "
        "server's log at this time"
    ),
    Cause.KILLED: "ask who cancelled it; client: begin a new session",
    Cause.IDLE_TIMEOUT: (
        "client: send a request before the time runs out, or begin a new session when the fault comes; "
        "operator: the server's idle timeout can be raised"
    ),
    Cause.ID_CHANGED_BY_CLIENT: "client: send the id back exactly as it was granted; it is an opaque text",
    Cause.USED_AFTER_END: "client: forget the id with EndSession, and wait for open requests before it",
    Cause.BEFORE_CAPTURE: (
        "begin the capture before the client starts; a client that keeps ids must begin a new session when "
        "one is denied"
    ),
    Cause.NOT_AUTHENTICATED: (
        "client: send credentials that the server accepts, in the scheme that it asks for; a proxy may "
        "remove them"
    ),
    Cause.NEVER_GRANTED: (
        "read the server's answer: its fault or page says why; a server without sessions answers without a "
        "Session, and the client goes on without one"
    ),
    Cause.NO_SOAP_ANSWER: (
        "check the address, and the proxy or gateway before the server: the answer was not written by an "
        "XMLA server"
    ),
}
"""Who should do what about each cause."""


_ASKED = "asked"
_LOSSES = frozenset(
    {
        Cause.OTHER_SERVER,
        Cause.SERVER_RESTART,
        Cause.KILLED,
        Cause.IDLE_TIMEOUT,
        Cause.ID_CHANGED_BY_CLIENT,
        Cause.USED_AFTER_END,
        Cause.BEFORE_CAPTURE,
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A message that a diagnosis refers to."""

    message: str
    """The name of the message."""
    time: datetime | None
    """When it passed, if known."""
    fact: str
    """The event that it shows: "granted", "denied"."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write.

        Returns:
            "message", "time" (ISO 8601 or None) and "fact".

        >>> Evidence("request/0", None, "granted").to_dict()["time"] is None
        True
        """
        return {"message": self.message, "time": _iso(self.time), "fact": self.fact}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why one session was lost, refused or never came to be; or a kind of failure outside any session.

    >>> Diagnosis(Cause.KILLED, session=2, sentence="session 2 was cancelled").to_dict()["cause"]
    'killed'
    """

    cause: Cause
    """The most likely cause."""
    also: tuple[Cause, ...] = ()
    """Other causes that the capture does not exclude, the likelier one first."""
    session: int | None = None
    """`SessionRecord.number`; None for a failure that no session, or more than one, explains."""
    sentence: str = ""
    """One sentence: what happened, and the cause. It has no session id."""
    evidence: tuple[Evidence, ...] = ()
    """The messages that show it, in their order."""
    against: tuple[str, ...] = ()
    """Facts that speak against the cause, each a sentence."""
    fault: str = ""
    """The code and the words of the server, with ids masked; "" if there are none."""
    requests: int = 1
    """How many requests met the failure; 1 for a session that was lost."""

    @property
    def shown_evidence(self) -> tuple[Evidence, ...]:
        """The evidence without the denied request, which is told by its answer.

        >>> Diagnosis(Cause.KILLED).shown_evidence
        ()
        """
        return tuple(each for each in self.evidence if each.fact != _ASKED)

    @property
    def is_loss(self) -> bool:
        """Whether the server denied a session.

        >>> Diagnosis(Cause.NEVER_GRANTED).is_loss
        False
        """
        return self.cause in _LOSSES or (self.cause is Cause.GRANTED_TWICE and bool(self.fault))

    @property
    def advice(self) -> str:
        """Who should do what.

        >>> Diagnosis(Cause.KILLED).advice
        'ask who cancelled it; client: begin a new session'
        """
        return ADVICE[self.cause]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write, as in the report of `check --format json`.

        Returns:
            The fields, and "advice".

        >>> Diagnosis(Cause.KILLED, (Cause.OTHER_SERVER,)).to_dict()["also"]
        ['other-server']
        """
        return {
            "cause": str(self.cause),
            "also": [str(cause) for cause in self.also],
            "session": self.session,
            "sentence": self.sentence,
            "evidence": [each.to_dict() for each in self.evidence],
            "against": list(self.against),
            "fault": self.fault,
            "requests": self.requests,
            "advice": self.advice,
        }


@dataclass(slots=True)
class FaultCount:
    """A fault, or an Error inside a success answer, and how often it was met.

    >>> FaultCount("Client", "no such cube", is_inline=False).to_dict()["count"]
    1
    """

    code: str
    """The code: that of a fault, or the ErrorCode of an inline Error as it is written."""
    text: str
    """The words of the first one, with everything masked that may be a session id."""
    is_inline: bool
    """Whether it is an Error inside a success answer."""
    count: int = 1
    """How often it was met."""
    first: datetime | None = None
    """When it was met first, if known."""
    last: datetime | None = None
    """When it was met last, if known."""

    def again(self, time: datetime | None) -> None:
        """Count the fault once more.

        Args:
            time: When the answer passed; None if unknown.

        >>> fault = FaultCount("Client", "", is_inline=False)
        >>> fault.again(None)
        >>> fault.count
        2
        """
        self.count += 1
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write, as in the report of `check --format json`.

        Returns:
            "code", "text", "inline", "count", "first" and "last"; times are ISO 8601 or None.

        >>> FaultCount("1", "", is_inline=True).to_dict()["inline"]
        True
        """
        return {
            "code": self.code,
            "text": self.text,
            "inline": self.is_inline,
            "count": self.count,
            "first": _iso(self.first),
            "last": _iso(self.last),
        }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def others(causes: Iterable[Cause], cause: Cause) -> tuple[Cause, ...]:
    """Return causes without one of them, each once."""
    return tuple(each for each in dict.fromkeys(causes) if each is not cause)
