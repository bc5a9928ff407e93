"""Knows the sessions of a capture: one Conversation each, and findings for messages that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from xmla_headers._checks import wrong_type
from xmla_headers.captures import CheckedMessage
from xmla_headers.conversation import Conversation, State
from xmla_headers.envelope import Header
from xmla_headers.fault import FaultEntry
from xmla_headers.findings import Code, ConversationError, Finding, ValidationError, value_finding
from xmla_headers.model import mask
from xmla_headers.session_headers import BeginSession, Session
from xmla_headers.soap import Direction

__all__ = ["Placement", "SessionRecord", "Transcript"]

# HTTP statuses that say nothing about the session: the server asks for credentials (RFC 9110 §15.5.2,
# §15.5.8) or redirects the request.
_TRY_AGAIN = frozenset({*range(300, 400), 401, 407})

# A shorter idle time explains no loss.
_NOTABLE = timedelta(seconds=2)

# The sentence of Analysis Services about a lost session, with the id.
_QUOTED_ID = re.compile(r"'[^']{1,1000}' session", re.IGNORECASE)

# First elements of a Body that mean a response, by the WSDL of XMLA. They count where neither the capture nor
# the header shows the direction.
_ANSWERS = frozenset({"Fault", "DiscoverResponse", "ExecuteResponse", "AuthenticateResponse"})


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
    """The name of the response that says that the session is lost."""
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

    @property
    def label(self) -> str:
        """The id, masked: its first four characters and its length."""
        return "without an id" if self.session_id is None else mask(self.session_id)


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


@dataclass(slots=True)
class _Pending:
    """A request that has not been answered."""

    name: str
    session: SessionRecord | None
    # Whether the conversation has accepted it.
    counted: bool
    # A Header with its session header alone; None if the request is refused or ambiguous.
    header: Header | None
    # The time since the session was last used; None if unknown.
    idle: timedelta | None = None
    # Whether the capture leaves its body out, so that nothing is known about its session.
    omitted: bool = False


class Transcript:
    """Follows the interleaved sessions of one capture.

    It is given the messages of the capture in their order, as `captures.check_message` returns them, and
    reports those that do not fit: `session-not-granted`, `unexpected-session`, `session-id-changed`,
    `unknown-session`, `session-lost`, `session-used-after-end`, `session-never-ended`,
    `response-without-request`, `request-without-response`, `incomplete-answer`. A capture may begin while
    sessions are under way: an id that nobody granted counts as one from before the capture, until a server
    denies it. Where a message has no session header, the session id in its fields of HTTP counts. A response
    whose request is not in the capture, or lacks its body, still shows a session that it grants or denies.

    It keeps one record for each session and for each open request, and no message.

    >>> from xmla_headers import captures
    >>> transcript = Transcript()
    >>> data = b'''<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>
    ... <Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="9F2C41D0"/>
    ... </e:Header><e:Body><Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/></e:Body></e:Envelope>'''
    >>> for message in captures.iter_messages(data, "request.xml"):
    ...     placement = transcript.add(captures.check_message(message))
    >>> placement.session.label, placement.session.requests
    ("'9F2C'… (8 characters)", 1)
    """

    __slots__ = ("_answered", "_continued", "_ids", "_loose", "_paired", "_pending", "_requested", "sessions")

    sessions: list[SessionRecord]
    """All sessions, in the order of their first messages."""

    def __init__(self) -> None:
        self.sessions = []
        # The latest session with each id: a server may grant the same id again.
        self._ids: dict[str, SessionRecord] = {}
        # Open requests, by their exchange.
        self._pending: dict[str, _Pending] = {}
        # The last request that no exchange pairs with its response.
        self._loose: _Pending | None = None
        self._requested = self._answered = False
        # Whether the capture pairs requests with responses.
        self._paired = False
        # The last response that announces a continuation, by the number of its session.
        self._continued: dict[int | None, tuple[str, SessionRecord | None]] = {}

    @property
    def one_side(self) -> Direction | None:
        """The direction of all messages so far, if the capture should have both; otherwise None.

        Captures of HTTP have both directions; a folder of messages need not.

        >>> Transcript().one_side is None
        True
        """
        if not self._paired or self._requested == self._answered:
            return None
        return Direction.REQUEST if self._requested else Direction.RESPONSE

    def add(self, checked: CheckedMessage) -> Placement:
        """Note the next message of the capture.

        Args:
            checked: The message, as `captures.check_message` returns it.

        Returns:
            The session of the message, its direction, and the findings about its place.

        Raises:
            TypeError: `checked` is not a CheckedMessage.

        >>> from xmla_headers import captures
        >>> data = encode(Envelope(Header(Session("8f1c2b3a"))))
        >>> message = captures.CapturedMessage("", data, Direction.REQUEST)
        >>> Transcript().add(captures.check_message(message)).session.requests
        1
        """
        if not isinstance(checked, CheckedMessage):
            raise wrong_type("checked", "CheckedMessage", checked)
        self._paired = self._paired or checked.message.exchange is not None
        match _direction(checked):
            case Direction.REQUEST:
                placement = self._request(checked)
            case Direction.RESPONSE:
                placement = self._response(checked)
                self._note_continuation(checked, placement.session)
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
        """Return the findings that only the end of the capture shows.

        Returns:
            The name of a message and a finding about it, for each request without an answer and each
            session that is not ended.

        >>> Transcript().close()
        []
        """
        found = []
        # A capture without any response, such as a folder of requests, was not meant to have them.
        if self._answered:
            for waiting in self._pending.values():
                finding = value_finding(
                    Code.REQUEST_WITHOUT_RESPONSE, "the capture has no answer to this request"
                )
                found.append((waiting.name, finding))
                if waiting.session is not None:
                    waiting.session.findings += 1
        for name, record in self._continued.values():
            text = "the answer announces a continuation (0x01), and the capture has none"
            found.append((name, value_finding(Code.INCOMPLETE_ANSWER, text)))
            if record is not None:
                record.findings += 1
        for record in self.sessions:
            if record.begun is not None and record.state in (State.ACTIVE, State.ENDING):
                message = "the session that begins here does not end in this capture"
                found.append((record.begun, value_finding(Code.SESSION_NEVER_ENDED, message)))
                record.findings += 1
        return found

    # -- requests ------------------------------------------------------------------------------------

    def _request(self, checked: CheckedMessage) -> Placement:
        self._requested = True
        message, header = checked.message, _asked(checked)
        record, counted, findings, idle = None, False, [], None
        if header is not None and not header and checked.session_field is not None:
            header = Header(Session(checked.session_field))
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
        waiting = _Pending(message.name, record, counted, header, idle, message.omitted)
        if message.exchange is None:
            self._loose = waiting
        else:
            self._pending[message.exchange] = waiting
        return Placement(record, Direction.REQUEST, tuple(findings))

    def _session_of(self, block: object, name: str) -> SessionRecord:
        """Return the session that a request names; make a record if there is none."""
        session_id = getattr(block, "session_id", None)
        record = None if session_id is None else self._ids.get(session_id)
        if record is not None:
            return record
        record = self._new(session_id)
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
        if waiting is None or waiting.omitted:
            record, findings = self._alone(checked)
            # Before the first request of a capture, the request may simply be older than the capture.
            if waiting is None and message.exchange is not None and self._requested:
                text = "the capture has no request that this response could answer"
                findings.insert(0, value_finding(Code.RESPONSE_WITHOUT_REQUEST, text))
            return Placement(
                record, Direction.RESPONSE, tuple(findings), None if waiting is None else waiting.name
            )
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

    def _note_continuation(self, checked: CheckedMessage, record: SessionRecord | None) -> None:
        """Note whether a response announces a continuation. The next response of the session continues it."""
        if checked.message.continuation is not None:
            key = None if record is None else record.number
            self._continued.pop(key, None)
            if checked.message.continuation:
                self._continued[key] = checked.message.name, record

    def _alone(self, checked: CheckedMessage) -> tuple[SessionRecord | None, list[Finding]]:
        """Note a response whose request is unknown: it may grant a session, or say that one is lost."""
        if checked.header is None:
            return None, []
        if _says_lost(checked):
            record = self._denied(checked)
            if record is None:
                text = "the server does not know a session; the request that names it is not in the capture"
                return None, [value_finding(Code.SESSION_LOST, text)]
            if record.state is State.LOST:
                return record, []
            record.conversation.session_lost()
            record.responses += 1
            record.lost = checked.message.name
            return record, [_loss(record, None)]
        session = checked.header.session
        session_id = checked.session_field if session is None else session.session_id
        if not session_id:
            return None, []
        record = self._ids.get(session_id)
        if record is None or record.state in (State.ENDED, State.LOST):
            record = self._new(session_id)
            _adopt(record.conversation, session_id)
            self._ids[session_id] = record
        record.responses += 1
        record.accepted = True
        return record, []

    def _denied(self, checked: CheckedMessage) -> SessionRecord | None:
        """Return the session that a response denies: the one that it names, or the only one that there is."""
        texts = [] if checked.fault is None else [checked.fault.string, *_descriptions(checked.fault.entries)]
        texts += _descriptions(checked.errors)
        known = [record for record in self.sessions if record.session_id]
        named = [record for record in known if any(str(record.session_id) in text for text in texts)]
        found = named
        if not named and not any(_QUOTED_ID.search(text) for text in texts):
            found = [record for record in known if record.state is State.ACTIVE]
        return found[-1] if len(found) == 1 else None

    def _new(self, session_id: str | None) -> SessionRecord:
        """Return a new record."""
        record = SessionRecord(len(self.sessions) + 1, session_id)
        self.sessions.append(record)
        return record

    def _unusable(self, checked: CheckedMessage, waiting: _Pending) -> list[Finding]:
        """Note a response that is no answer: an HTTP error page, or a message that the rules refuse."""
        if waiting.counted and waiting.session is not None:
            waiting.session.conversation.unanswered(request=waiting.header)
        status = checked.message.status
        # A message that the rules refuse has a finding already.
        if checked.findings or status is None or status in _TRY_AGAIN:
            return []
        text = f"the request is answered by HTTP {status}, without a SOAP message"
        return [value_finding(Code.REQUEST_WITHOUT_RESPONSE, text)]

    def _outside(self, header: Header, waiting: _Pending) -> list[Finding]:
        """Note a response to a request that belongs to no session."""
        if waiting.header is None or header.session is None:
            return []
        # olapy always answers like this.
        text = "a Session in the answer to a request without a session header"
        return [value_finding(Code.UNEXPECTED_SESSION, text)]

    def _answer(
        self, checked: CheckedMessage, header: Header, waiting: _Pending, record: SessionRecord
    ) -> list[Finding]:
        """Note a response to a request that belongs to a session."""
        fault, conversation = checked.fault, record.conversation
        lost = _says_lost(checked)
        if checked.session_field is not None and header.session is None and fault is None and not lost:
            header = Header(Session(checked.session_field))
        before = conversation.state
        findings: list[Finding] = []
        if waiting.counted:
            try:
                findings += conversation.response(
                    header, fault, errors=checked.errors, request=waiting.header
                )
            except ConversationError as error:
                findings.append(error.finding)
                # The request is closed in any case.
                conversation.unanswered(request=waiting.header)
        after = conversation.state
        session_id = conversation.session_id
        if before is State.BEGINNING and after is State.ACTIVE and session_id is not None:
            record.session_id = session_id
            self._ids[session_id] = record
        if after is State.LOST and before is not State.LOST:
            record.lost = checked.message.name
            findings.append(_loss(record, waiting.idle))
        record.accepted = record.accepted or (not lost and fault is None and not findings)
        return findings


def _asked(checked: CheckedMessage) -> Header | None:
    """Return a Header with the session header of a request alone; None if it is refused or ambiguous."""
    if checked.header is None:
        return None
    try:
        block = checked.header.session_header
    except ValidationError:
        # ambiguous-session-headers: servers disagree about which one counts.
        return None
    return Header() if block is None else Header(block)


def _says_lost(checked: CheckedMessage) -> bool:
    """Return whether a response says that the server does not know the session."""
    lost = checked.fault is not None and checked.fault.session_lost
    return lost or any(entry.session_lost for entry in checked.errors)


def _descriptions(entries: Iterable[FaultEntry]) -> list[str]:
    return [entry.description for entry in entries if entry.description]


def _direction(checked: CheckedMessage) -> Direction | None:
    """Return the direction of a message: from the capture, otherwise from its header and Body."""
    message, header = checked.message, checked.header
    if message.direction is None and message.continuation is not None:
        return Direction.RESPONSE
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
    """Bring a new conversation into the state after a grant that is not in the capture."""
    conversation.request(Header(BeginSession()))
    conversation.response(Header(Session(session_id)))


def _loss(record: SessionRecord, idle: timedelta | None) -> Finding:
    """Return the finding for a session that the server denies."""
    if record.begun is None and not record.accepted:
        text = "the server does not know the session, which was not granted in this capture"
        hint = "the id may be from before a restart of the server, or from another server"
        return value_finding(Code.UNKNOWN_SESSION, text, hint)
    text = "the server does not know the session any more"
    if idle is not None and idle >= _NOTABLE:
        text = f"{text}, {_spoken(idle)} after its last use"
    hint = "a server ends sessions that are idle too long, and all sessions when it restarts"
    return value_finding(Code.SESSION_LOST, text, hint)


def _spoken(time: timedelta) -> str:
    """Return a length of time in whole units, at least two of them: `35 minutes`."""
    seconds = round(time.total_seconds())
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
