"""Knows the life of one session: its states, and the messages that change them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn

from ._checks import wrong_type
from ._codec.options import Refusals
from ._immutable import shown_half_made
from .envelope import Header
from .fault import Fault, FaultEntry
from .findings import Code, ConversationError, Finding, value_finding
from .session_headers import BeginSession, EndSession, Session
from .soap import Direction

__all__ = ["TRANSITIONS", "Conversation", "Event", "State"]


class State(StrEnum):
    """The state of a session."""

    NONE = "none"
    """There is no session; requests run in implicit ones (MS-SSAS §3.1.3.1)."""
    BEGINNING = "beginning"
    """BeginSession has been sent and has not been answered."""
    ACTIVE = "active"
    """A session id has been granted."""
    ENDING = "ending"
    """EndSession has been sent and has not been answered."""
    ENDED = "ended"
    """The client has ended the session."""
    LOST = "lost"
    """The server no longer knows the session."""


class Event(StrEnum):
    """The meaning that a message, or the lack of one, has for a session."""

    BEGIN = "begin"
    """A request with BeginSession."""
    USE = "use"
    """A request with Session."""
    END = "end"
    """A request with EndSession."""
    PLAIN = "plain"
    """A request without a session header: it runs in an implicit session."""
    GRANT = "grant"
    """A response with Session."""
    ANSWER = "answer"
    """A response without Session."""
    OTHER = "other"
    """A response that may answer another of the open requests, so it settles nothing."""
    FAULT = "fault"
    """A fault that does not concern the session."""
    LOSS = "loss"
    """The session is gone: a fault says so, or the caller."""
    UNANSWERED = "unanswered"
    """A request that gets no usable answer."""


def _rows() -> dict[State, Mapping[Event, State]]:
    none, beginning, active, ending, ended, lost = State
    begin, use, end, plain, grant, answer, other, fault, loss, unanswered = Event
    # Without a session, no answer changes anything: each answer of olapy carries a Session.
    idle = (plain, grant, answer, fault, loss, unanswered)
    table: dict[State, dict[Event, State]] = {
        none: {begin: beginning, **dict.fromkeys(idle, none)},
        beginning: {
            plain: beginning,
            grant: active,
            # A stateless provider answers BeginSession without a Session.
            answer: none,
            fault: none,
            loss: none,
            unanswered: none,
            other: beginning,
        },
        active: {
            use: active,
            end: ending,
            # "implicitly begins a session for the duration of the call"; the explicit session goes on.
            plain: active,
            # Mondrian and olapy send Session in each answer, Analysis Services only in the first.
            grant: active,
            answer: active,
            fault: active,
            loss: lost,
            unanswered: active,
        },
        ending: {
            plain: ending,
            # Mondrian echoes the Session that has just ended.
            grant: ended,
            answer: ended,
            # It is unknown whether the session has ended. If it has, the next use gets a loss.
            fault: active,
            loss: lost,
            unanswered: active,
            other: ending,
        },
        ended: {begin: beginning, **dict.fromkeys(idle, ended)},
        # Excel keeps its id when the server restarts, and some servers accept any id.
        lost: {begin: beginning, use: lost, **dict.fromkeys(idle, lost), grant: active},
    }
    return {state: MappingProxyType(row) for state, row in table.items()}


TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(_rows())
"""State -> event -> next state. A step that is missing here is a ConversationError."""

# The states in which an answer decides about the session.
_PENDING = frozenset({State.BEGINNING, State.ENDING})

# The code and the message for each request that the table does not have.
_REFUSALS: Mapping[tuple[State, Event], tuple[Code, str]] = {
    (State.BEGINNING, Event.BEGIN): (
        Code.REQUEST_WITHOUT_RESPONSE,
        "a second BeginSession before the first one was answered",
    ),
    (State.ACTIVE, Event.BEGIN): (
        Code.SESSION_NEVER_ENDED,
        "BeginSession while a session is active: use one Conversation for each session",
    ),
    (State.ENDING, Event.BEGIN): (
        Code.REQUEST_WITHOUT_RESPONSE,
        "BeginSession before EndSession was answered",
    ),
    (State.ENDING, Event.USE): (Code.SESSION_USED_AFTER_END, "Session after EndSession"),
    (State.ENDING, Event.END): (Code.SESSION_USED_AFTER_END, "a second EndSession"),
    (State.ENDED, Event.USE): (Code.SESSION_USED_AFTER_END, "Session after the session has ended"),
    (State.ENDED, Event.END): (Code.SESSION_USED_AFTER_END, "EndSession after the session has ended"),
    (State.LOST, Event.END): (Code.UNKNOWN_SESSION, "EndSession for a session that is lost"),
}
_CHANGED_HINT = "the session keeps the id that was granted: a server without sessions names another each time"
_NOT_GRANTED = (Code.UNKNOWN_SESSION, "a session header with an id, but no session has been granted")


@shown_half_made
class Conversation:
    """Follows one session, from either side or as an observer.

    It is given the headers of requests and responses in the order in which they pass. It has no role and
    no clock, and makes no ids. A step that `TRANSITIONS` does not have raises ConversationError and
    changes nothing. An answer that merely earns a warning counts, and the warning is returned. Threads that
    share a Conversation need a lock.

    Several requests may be open at a time, and without `request` a Conversation does not know which of
    them a response answers. While others are open, only the id of a new session then settles a
    BeginSession, and only a loss settles an EndSession. A loss always counts for the present session: if
    it was late news about the one before, the client begins a session once more than it needs to.

    Args:
        begin: The BeginSession to send. Its `must_understand`, `must_understand_form` and `actor` also
            apply to the Session and EndSession of the session.
        strict: Whether every warning about an answer raises.
        refuse: Codes of the warnings that raise.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `refuse` has an unknown code.

    >>> conversation = Conversation()
    >>> conversation.request(Header(conversation.next_block()))
    ()
    >>> conversation.response(Header(Session("9F2C41D0")))
    ()
    >>> conversation.state, conversation.next_block()
    (<State.ACTIVE: 'active'>, Session(session_id='9F2C'… (8 characters)))
    """

    __slots__ = ("_begin", "_id", "_refusals", "_state", "_unanswered")

    def __init__(
        self,
        begin: BeginSession = BeginSession(),  # noqa: B008 - immutable
        *,
        strict: bool = False,
        refuse: Iterable[str] = (),
    ) -> None:
        self._refusals = Refusals(strict, refuse)
        if not isinstance(begin, BeginSession):
            raise wrong_type("begin", "BeginSession", begin)
        self._begin = begin
        self._state = State.NONE
        # The id that was granted last. It is kept when the session is lost.
        self._id: str | None = None
        self._unanswered = 0

    @property
    def state(self) -> State:
        """The state of the session."""
        return self._state

    @property
    def session_id(self) -> str | None:
        """The id of the session; None when there is no session."""
        return self._id if self._state in (State.ACTIVE, State.ENDING) else None

    @property
    def requests_unanswered(self) -> int:
        """The number of requests that have not been answered."""
        return self._unanswered

    def next_block(self) -> BeginSession | Session:
        """Return the session header for the next request.

        Returns:
            A Session, or the BeginSession of the constructor when there is no session.

        >>> Conversation().next_block()
        BeginSession()
        """
        session_id = self.session_id
        if session_id is None:
            return self._begin
        begin = self._begin
        return Session(
            session_id,
            must_understand=begin.must_understand,
            must_understand_form=begin.must_understand_form,
            actor=begin.actor,
        )

    def end_block(self) -> EndSession:
        """Return the session header for the request that ends the session.

        Returns:
            EndSession with the id of the session.

        Raises:
            ConversationError: There is no session (`unknown-session`).

        >>> conversation = Conversation()
        >>> _ = conversation.request(Header(BeginSession()))
        >>> _ = conversation.response(Header(Session("8f1c2b3a")))
        >>> conversation.end_block().session_id
        '8f1c2b3a'
        """
        session_id = self.session_id
        if session_id is None:
            _refuse(Code.UNKNOWN_SESSION, "there is no session to end")
        begin = self._begin
        return EndSession(
            session_id,
            must_understand=begin.must_understand,
            must_understand_form=begin.must_understand_form,
            actor=begin.actor,
        )

    def request(self, header: Header) -> tuple[Finding, ...]:
        """Note a request.

        Args:
            header: The header of the request.

        Returns:
            Nothing, so far: whatever does not fit raises, since a request can still be changed.

        Raises:
            ConversationError: The request does not fit the state of the session (`unknown-session`,
                `session-id-changed`, `session-used-after-end`, `session-never-ended`,
                `request-without-response`).
            ValidationError: The header has several session headers (`ambiguous-session-headers`).
            TypeError: `header` is not a Header.

        >>> conversation = Conversation()
        >>> conversation.request(Header(conversation.next_block()))
        ()
        >>> conversation.requests_unanswered
        1
        """
        if not isinstance(header, Header):
            raise wrong_type("header", "Header", header)
        block = header.session_header
        match block:
            case None:
                event = Event.PLAIN
            case BeginSession():
                event = Event.BEGIN
            case Session():
                event = Event.USE
            case EndSession():
                event = Event.END
        after = TRANSITIONS[self._state].get(event)
        if after is None:
            _refuse(*_REFUSALS.get((self._state, event), _NOT_GRANTED))
        if isinstance(block, Session | EndSession) and block.session_id != self._id:
            _refuse(Code.SESSION_ID_CHANGED, "a request with another session id than the one granted")
        self._state = after
        self._unanswered += 1
        return ()

    def response(
        self,
        header: Header,
        fault: Fault | None = None,
        *,
        errors: Iterable[FaultEntry] = (),
        request: Header | None = None,
    ) -> tuple[Finding, ...]:
        """Note a response.

        A fault that is `session_lost` loses the session, even if a Session comes with it; so does an Error
        inside a success answer. A Session with another id than the one granted changes nothing: olapy
        answers so. A response that raises does not count as an answer: its request stays open until
        `unanswered()` closes it.

        Args:
            header: The header of the response.
            fault: The fault in the Body of the response, if there is one.
            errors: The Errors inside a success answer, as `Envelope.errors` returns them.
            request: The header of the request that this response answers, if the caller knows it. Other
                open requests then make no difference.

        Returns:
            The warnings about the response: it has another id than the one granted (`session-id-changed`)
            or an empty one, or it answers a BeginSession without a Session (`session-not-granted`).

        Raises:
            ConversationError: The response does not fit: no request is open
                (`response-without-request`), or it has a header block that belongs in a request
                (`wrong-direction`). Or it earns a warning that `strict` or `refuse` refuses.
            ValidationError: `request` has several session headers (`ambiguous-session-headers`).
            TypeError: An argument has the wrong type.

        >>> conversation = Conversation()
        >>> _ = conversation.request(Header(BeginSession()))
        >>> conversation.response(Header(Session("8f1c2b3a")))
        ()
        >>> _ = conversation.request(Header(conversation.next_block()))
        >>> [str(finding.code) for finding in conversation.response(Header(Session("another")))]
        ['session-id-changed']
        >>> conversation.session_id
        '8f1c2b3a'
        """
        if not isinstance(header, Header):
            raise wrong_type("header", "Header", header)
        if fault is not None and not isinstance(fault, Fault):
            raise wrong_type("fault", "Fault or None", fault)
        _check_request(request)
        lost = fault is not None and fault.session_lost
        for entry in errors:
            if not isinstance(entry, FaultEntry):
                raise wrong_type("an error", "FaultEntry", entry)
            lost = lost or entry.session_lost
        for block in header:
            spec = getattr(block, "spec", None)
            if spec is not None and Direction.RESPONSE not in spec.directions:
                _refuse(Code.WRONG_DIRECTION, f"{spec.local_name} does not belong in a response")
        session = header.session
        if lost:
            return self._settle(Event.LOSS, request=request)
        if session is not None and (fault is None or self._state is not State.ENDING):
            return self._settle(Event.GRANT, session, request)
        # A fault in answer to EndSession does not end the session, even if it carries its Session.
        return self._settle(Event.ANSWER if fault is None else Event.FAULT, session, request)

    def unanswered(self, *, request: Header | None = None) -> None:
        """Note that a request gets no usable answer: a time-out, or an HTTP error page.

        A pending BeginSession falls back to no session, a pending EndSession to an active session.

        Args:
            request: The header of the request, if the caller knows it.

        Raises:
            ConversationError: No request is open (`response-without-request`).
            ValidationError: `request` has several session headers (`ambiguous-session-headers`).
            TypeError: `request` is neither a Header nor None.

        >>> conversation = Conversation()
        >>> _ = conversation.request(Header(BeginSession()))
        >>> conversation.unanswered()
        >>> conversation.requests_unanswered
        0
        """
        _check_request(request)
        self._settle(Event.UNANSWERED, request=request)

    def session_lost(self) -> None:
        """Note a loss that no message reported: the server is new, or another client closed the session.

        >>> conversation = Conversation()
        >>> _ = conversation.request(Header(BeginSession()))
        >>> _ = conversation.response(Header(Session("8f1c2b3a")))
        >>> conversation.session_lost()
        >>> conversation.next_block()
        BeginSession()
        """
        if self._state is not State.BEGINNING:
            self._state = TRANSITIONS[self._state][Event.LOSS]

    def _settle(
        self, event: Event, session: Session | None = None, request: Header | None = None
    ) -> tuple[Finding, ...]:
        """Apply the outcome of a request, and return the warnings about it."""
        if not self._unanswered:
            _refuse(Code.RESPONSE_WITHOUT_REQUEST, "no request is open that this response could answer")
        state = self._state
        finding = None if session is None else self._foreign(session)
        if finding is not None:
            # An id that is not granted grants nothing.
            event = Event.ANSWER if event is Event.GRANT else event
        if state in _PENDING and not self._decides(event, session, request):
            event = Event.OTHER
        if finding is None and state is State.BEGINNING and event is Event.ANSWER:
            text = "BeginSession is answered without a Session: no session has begun"
            finding = value_finding(Code.SESSION_NOT_GRANTED, text)
        if finding is not None and self._refusals.refuses(finding):
            raise ConversationError(finding)
        after = TRANSITIONS[state][event]
        if after is State.ACTIVE and event is Event.GRANT:
            self._id = None if session is None else session.session_id
        self._state = after
        self._unanswered -= 1
        return () if finding is None else (finding,)

    def _decides(self, event: Event, session: Session | None, request: Header | None) -> bool:
        """Return whether a response settles the pending BeginSession or EndSession."""
        if self._state is State.ENDING and event is Event.LOSS:
            return True
        if request is not None:
            pending = BeginSession if self._state is State.BEGINNING else EndSession
            return isinstance(request.session_header, pending)
        if self._unanswered == 1:
            return True
        # A new id can only answer the BeginSession. The id of the session before may come with a late answer
        # to a request of that session.
        named = None if session is None else session.session_id
        return self._state is State.BEGINNING and event is Event.GRANT and named != self._id

    def _foreign(self, session: Session) -> Finding | None:
        """Return the warning about an id that is empty, or not the one granted."""
        # The id is not kept in a variable: a traceback may show variables, and masks a Session.
        if self._state in (State.NONE, State.ENDED):
            return None
        if not session.session_id:
            return value_finding(Code.SESSION_NOT_GRANTED, "the Session of the response has an empty id")
        if self._state is not State.BEGINNING and session.session_id != self._id:
            text = "a response with another session id than the one granted"
            return value_finding(Code.SESSION_ID_CHANGED, text, _CHANGED_HINT)
        return None

    def __repr__(self) -> str:
        return f"Conversation(<{self._state}, {self._unanswered} unanswered>)"


def _check_request(request: object) -> None:
    if request is not None and not isinstance(request, Header):
        raise wrong_type("request", "Header or None", request)


def _refuse(code: Code, message: str) -> NoReturn:
    raise ConversationError(value_finding(code, message))
