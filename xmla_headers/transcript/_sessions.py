"""Many sessions in one stream of captured messages: a Conversation each, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from xmla_headers._checks import wrong_type
from xmla_headers.captures import CheckedMessage
from xmla_headers.conversation import Conversation, State
from xmla_headers.envelope import Header
from xmla_headers.findings import Code, ConversationError, Finding, ValidationError, value_finding
from xmla_headers.model import mask
from xmla_headers.session_headers import BeginSession, Session
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Placement", "SessionRecord", "Transcript"]

#: HTTP statuses that say nothing about the session: credentials are wanted (RFC 9110 §15.5.2, §15.5.8),
#: or the request goes elsewhere.
_TRY_AGAIN = frozenset({*range(300, 400), 401, 407})

#: What is shorter explains no loss.
_NOTABLE = timedelta(seconds=2)

#: The first element of a Body, as the WSDL of XMLA names it, where nothing else tells the direction.
_ANSWERS = frozenset({"Fault", "DiscoverResponse", "ExecuteResponse", "AuthenticateResponse"})


@dataclass(slots=True, eq=False)
class SessionRecord:
    """What a capture shows of one session."""

    #: 1 for the first one in the capture.
    number: int
    #: None as long as none has been granted.
    session_id: str | None = field(default=None, repr=False)
    #: The name of the message with BeginSession; None for a session that is older than the capture.
    begun: str | None = None
    #: The name of the answer that said that the session is lost.
    lost: str | None = None
    state: State = State.NONE
    requests: int = 0
    #: Those that are SOAP, and not refused.
    responses: int = 0
    findings: int = 0
    first: datetime | None = None
    last: datetime | None = None
    #: A request in it was answered as if the session was known.
    accepted: bool = field(default=False, repr=False)
    conversation: Conversation = field(default_factory=Conversation, repr=False)

    @property
    def label(self) -> str:
        """What may be shown of the id."""
        return "without an id" if self.session_id is None else mask(self.session_id)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a message belongs, and what the transcript has to say about it."""

    #: None for a message outside any session, and for one that says nothing about it.
    session: SessionRecord | None
    direction: Direction | None
    findings: tuple[Finding, ...] = ()
    #: The name of the request that a response answers, where it is in the capture.
    request: str | None = None


@dataclass(slots=True)
class _Pending:
    """A request that has not been answered."""

    name: str
    session: SessionRecord | None
    #: The conversation has taken note of it.
    counted: bool
    #: Its session header alone, if it has one; None where nobody knows what it asks for.
    header: Header | None
    #: How long the session had not been used by then, where the capture tells.
    idle: timedelta | None = None


class Transcript:
    """Follows many interleaved sessions in a stream of captured messages.

    It is fed the messages of one capture in their order, as `captures.check_message` returns them, and
    says what does not fit: `session-not-granted`, `unexpected-session`, `session-id-changed`,
    `unknown-session`, `session-lost`, `session-used-after-end`, `session-never-ended`,
    `response-without-request`, `request-without-response`. A capture may begin when sessions are under
    way, so that an id nobody granted is one from before, until a server denies it. Keeps a record for
    each session and for each request that waits for its answer, and no message.
    """

    __slots__ = ("_answered", "_ids", "_loose", "_pending", "_requested", "sessions")

    def __init__(self) -> None:
        #: All sessions, in the order of their first messages.
        self.sessions: list[SessionRecord] = []
        #: The session that has an id now; the ones before it that had the same are over.
        self._ids: dict[str, SessionRecord] = {}
        self._pending: dict[str, _Pending] = {}
        #: The last request of those that nothing pairs with their responses.
        self._loose: _Pending | None = None
        self._requested = self._answered = False

    def add(self, checked: CheckedMessage) -> Placement:
        """Take note of the next message of the capture."""
        if not isinstance(checked, CheckedMessage):
            raise wrong_type("checked", "CheckedMessage", checked)
        match _direction(checked):
            case Direction.REQUEST:
                placement = self._request(checked)
            case Direction.RESPONSE:
                placement = self._response(checked)
            case _:
                return Placement(None, None)
        record, time = placement.session, checked.message.time
        if record is not None:
            record.state = record.conversation.state
            record.findings += len(placement.findings)
            if time is not None:
                record.first = time if record.first is None else min(record.first, time)
                record.last = time if record.last is None else max(record.last, time)
        return placement

    def close(self) -> list[tuple[str, Finding]]:
        """Return what is left behind at the end of the capture, each with the name of its message."""
        found = []
        # A folder of requests alone, or of one side of a stream, has nothing to say about the other side.
        if self._answered:
            for waiting in self._pending.values():
                finding = value_finding(
                    Code.REQUEST_WITHOUT_RESPONSE, "the capture has no answer to this request"
                )
                found.append((waiting.name, finding))
                if waiting.session is not None:
                    waiting.session.findings += 1
        for record in self.sessions:
            if record.begun is not None and record.state in (State.ACTIVE, State.ENDING):
                message = "the session that is begun here is not ended before the capture is"
                found.append((record.begun, value_finding(Code.SESSION_NEVER_ENDED, message)))
                record.findings += 1
        return found

    # -- requests ------------------------------------------------------------------------------------

    def _request(self, checked: CheckedMessage) -> Placement:
        self._requested = True
        message, header = checked.message, _asked(checked)
        record, counted, findings, idle = None, False, [], None
        if header:
            (block,) = header
            record = self._session_of(block, message.name)
            record.requests += 1
            if record.last is not None and message.time is not None:
                idle = message.time - record.last
            try:
                record.conversation.request(header)
                counted = True
            except ConversationError as error:
                findings.append(error.finding)
        waiting = _Pending(message.name, record, counted, header, idle)
        if message.exchange is None:
            self._loose = waiting
        else:
            self._pending[message.exchange] = waiting
        return Placement(record, Direction.REQUEST, tuple(findings))

    def _session_of(self, block: object, name: str) -> SessionRecord:
        """Return the session that a request names, a new one where it is not known."""
        session_id = getattr(block, "session_id", None)
        record = None if session_id is None else self._ids.get(session_id)
        if record is not None:
            return record
        record = SessionRecord(len(self.sessions) + 1, session_id)
        self.sessions.append(record)
        if isinstance(block, BeginSession):
            record.begun = name
            record.conversation = Conversation(block)
        elif session_id:
            _adopt(record.conversation, session_id)
            self._ids[session_id] = record
        return record

    # -- responses -----------------------------------------------------------------------------------

    def _response(self, checked: CheckedMessage) -> Placement:
        self._answered = True
        message = checked.message
        if message.exchange is None:
            waiting, self._loose = self._loose, None
        else:
            waiting = self._pending.pop(message.exchange, None)
        if waiting is None:
            findings = []
            # Before the first request of a capture nothing can be said about it.
            if message.exchange is not None and self._requested:
                text = "the capture has no request that this could be the answer to"
                findings.append(value_finding(Code.RESPONSE_WITHOUT_REQUEST, text))
            return Placement(None, Direction.RESPONSE, tuple(findings))
        record = waiting.session
        header = checked.header
        if header is None:
            findings = list(self._unusable(checked, waiting))
        elif record is None:
            findings = list(self._outside(header, waiting))
        else:
            findings = list(self._answer(checked, header, waiting, record))
        if record is not None and checked.header is not None:
            record.responses += 1
        return Placement(record, Direction.RESPONSE, tuple(findings), waiting.name)

    def _unusable(self, checked: CheckedMessage, waiting: _Pending) -> list[Finding]:
        """Take note of what is no answer: an error page of HTTP, or a message that the rules refuse."""
        if waiting.counted and waiting.session is not None:
            waiting.session.conversation.unanswered(request=waiting.header)
        status = checked.message.status
        # What the rules refuse has a finding already.
        if checked.findings or status is None or status in _TRY_AGAIN:
            return []
        text = f"the request is answered by HTTP {status}, without a SOAP message"
        return [value_finding(Code.REQUEST_WITHOUT_RESPONSE, text)]

    def _outside(self, header: Header, waiting: _Pending) -> list[Finding]:
        if waiting.header is None or header.session is None:
            return []
        # olapy answers so always.
        text = "a Session in the answer to a request without a session header"
        return [value_finding(Code.UNEXPECTED_SESSION, text)]

    def _answer(
        self, checked: CheckedMessage, header: Header, waiting: _Pending, record: SessionRecord
    ) -> list[Finding]:
        fault, conversation = checked.fault, record.conversation
        lost = fault is not None and fault.session_lost
        before = conversation.state
        findings = []
        if waiting.counted:
            try:
                conversation.response(header, fault, request=waiting.header)
            except ConversationError as error:
                # What is wrong-direction has been said by the rules; the request is closed all the same.
                findings += [error.finding] * (error.code is not Code.WRONG_DIRECTION)
                conversation.unanswered(request=waiting.header)
        after = conversation.state
        session_id = conversation.session_id
        if before is State.BEGINNING and after is State.ACTIVE and session_id is not None:
            record.session_id = session_id
            self._ids[session_id] = record
        elif before is State.BEGINNING and after is State.NONE and fault is None and not findings:
            text = "BeginSession is answered without a Session: there is none"
            findings.append(value_finding(Code.SESSION_NOT_GRANTED, text))
        if after is State.LOST and before is not State.LOST:
            record.lost = checked.message.name
            findings.append(_loss(record, waiting.idle))
        record.accepted = record.accepted or (not lost and fault is None and not findings)
        return findings


def _asked(checked: CheckedMessage) -> Header | None:
    """Return the session header of a request, alone; None where nobody knows what it asks for."""
    if checked.header is None:
        return None
    try:
        block = checked.header.session_header
    except ValidationError:
        # ambiguous-session-headers: servers disagree on which one wins.
        return None
    return Header() if block is None else Header(block)


def _direction(checked: CheckedMessage) -> Direction | None:
    """Return which way a message goes: as the capture says, or else as the message itself does."""
    message, header = checked.message, checked.header
    if message.direction is not None or header is None:
        return message.direction
    if checked.method in _ANSWERS:
        return Direction.RESPONSE
    for block in header:
        spec = getattr(block, "spec", None)
        if spec is not None and Direction.RESPONSE not in spec.directions:
            return Direction.REQUEST
    return None if checked.method is None else Direction.REQUEST


def _adopt(conversation: Conversation, session_id: str) -> None:
    """Bring a conversation to where it is after a grant that the capture does not show."""
    conversation.request(Header(BeginSession()))
    conversation.response(Header(Session(session_id)))


def _loss(record: SessionRecord, idle: timedelta | None) -> Finding:
    if record.begun is None and not record.accepted:
        text = "the server does not know the session, which nobody was granted in this capture"
        hint = "an id from before a restart of the server, or of another server"
        return value_finding(Code.UNKNOWN_SESSION, text, hint)
    text = "the server does not know the session any more"
    if idle is not None and idle >= _NOTABLE:
        text = f"{text}, {_spoken(idle)} after its last use"
    hint = "it ends a session that was idle too long, and all of them when it restarts"
    return value_finding(Code.SESSION_LOST, text, hint)


def _spoken(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
