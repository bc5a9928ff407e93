"""Knows what is told about one session, and about the place of one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from xmla_headers.conversation import Conversation, State
from xmla_headers.envelope import Header
from xmla_headers.findings import Finding
from xmla_headers.model import mask
from xmla_headers.session_headers import BeginSession, Session
from xmla_headers.soap import Direction

from ._history import History

__all__ = ["Placement", "SessionRecord"]


@dataclass(slots=True, eq=False)
class SessionRecord:
    """One session, as the capture shows it. `Transcript` updates it with each message."""

    number: int
    """1 for the first session of the capture."""
    session_id: str | None = field(default=None, repr=False)
    """The id, a secret; None until one has been granted."""
    begun: str | None = None
    """The name of the message with BeginSession; None if the session is older than the capture."""
    lost: str | None = None
    """The name of the first response that says that the session is lost."""
    state: State = State.NONE
    """The state after the last message."""
    requests: int = 0
    """The number of requests."""
    responses: int = 0
    """The number of responses that are SOAP and are not refused."""
    findings: int = 0
    """The number of findings of the transcript."""
    first: datetime | None = None
    """The time of the earliest message; None if unknown."""
    last: datetime | None = None
    """The time of the latest message; None if unknown."""
    accepted: bool = field(default=False, repr=False)
    """Whether the server has answered a request as if it knew the session."""
    conversation: Conversation = field(default_factory=Conversation, repr=False)
    """The life of the session."""
    history: History = field(default_factory=History, repr=False)
    """The facts of which the diagnosis is made. They may change from version to version."""

    @property
    def label(self) -> str:
        """The id, masked: its first four characters and its length."""
        return "without an id" if self.session_id is None else mask(self.session_id)

    @property
    def revived(self) -> str | None:
        """The name of the first response that shows that the server knows the session after all.

        >>> SessionRecord(1).revived is None
        True
        """
        return None if self.history.revived is None else self.history.revived.name

    def adopt(self, session_id: str) -> None:
        """Bring the session into the state after a grant, which need not be in the capture.

        Args:
            session_id: The id that was granted.

        >>> record = SessionRecord(1)
        >>> record.adopt("9F2C41D0")
        >>> record.conversation.state
        <State.ACTIVE: 'active'>
        """
        self.conversation = Conversation()
        self.conversation.request(Header(BeginSession()))
        self.conversation.response(Header(Session(session_id)))


@dataclass(frozen=True, slots=True)
class Placement:
    """The session of a message, and the findings of the transcript about the message."""

    session: SessionRecord | None
    """None for a message outside any session, and for one that does not say where it belongs."""
    direction: Direction | None
    """Request or response; None if unknown."""
    findings: tuple[Finding, ...] = ()
    """The findings of the transcript alone; those of the rules are in the CheckedMessage."""
    request: str | None = None
    """The name of the request that a response answers, if it is in the capture."""
