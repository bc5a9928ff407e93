"""The life of one session: a table of states, and what moves it."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from ._checks import wrong_type
from ._record import shown_half_made
from .envelope import Header
from .fault import Fault
from .findings import Code, ConversationError, value_finding
from .session_headers import BeginSession, EndSession, Session
from .soap import Direction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

__all__ = ["TRANSITIONS", "Conversation", "Event", "State"]


class State(StrEnum):
    """Where a session is in its life."""

    #: There is no session; requests run in implicit ones (MS-SSAS §3.1.3.1).
    NONE = "none"
    #: BeginSession has been sent and not been answered.
    BEGINNING = "beginning"
    #: A session id has been granted.
    ACTIVE = "active"
    #: EndSession has been sent and not been answered.
    ENDING = "ending"
    #: The session is over, in good order.
    ENDED = "ended"
    #: The server does not know the session any more.
    LOST = "lost"


class Event(StrEnum):
    """What a message, or the lack of one, means for a session."""

    #: A request with BeginSession.
    BEGIN = "begin"
    #: A request with Session.
    USE = "use"
    #: A request with EndSession.
    END = "end"
    #: A request without a session header: it runs in an implicit session.
    PLAIN = "plain"
    #: A response with Session.
    GRANT = "grant"
    #: A response without.
    ANSWER = "answer"
    #: A response that may belong to another of the unanswered requests, so that it settles nothing.
    OTHER = "other"
    #: A fault.
    FAULT = "fault"
    #: A fault, or the caller, that says that the session is gone.
    LOSS = "loss"
    #: No usable answer.
    UNANSWERED = "unanswered"


def _rows() -> dict[State, Mapping[Event, State]]:
    none, beginning, active, ending, ended, lost = State
    begin, use, end, plain, grant, answer, other, fault, loss, unanswered = Event
    # Without a session an answer changes nothing, whatever it is: olapy's carries a Session always.
    idle = (plain, grant, answer, fault, loss, unanswered)
    table: dict[State, dict[Event, State]] = {
        none: {begin: beginning, **dict.fromkeys(idle, none)},
        beginning: {
            plain: beginning,
            grant: active,
            # A stateless provider answers and grants nothing.
            answer: none,
            fault: none,
            loss: none,
            unanswered: none,
            other: beginning,
        },
        active: {
            use: active,
            end: ending,
            # "implicitly begins a session for the duration of the call": beside the explicit one.
            plain: active,
            # Mondrian and olapy answer Session every time, Analysis Services only the first.
            grant: active,
            answer: active,
            fault: active,
            loss: lost,
            unanswered: active,
        },
        ending: {
            plain: ending,
            # Mondrian echoes the Session that has been ended.
            grant: ended,
            answer: ended,
            # Whether it has ended nobody knows: if so, its next use says that it is lost.
            fault: active,
            loss: lost,
            unanswered: active,
            other: ending,
        },
        ended: {begin: beginning, **dict.fromkeys(idle, ended)},
        # Excel keeps its id over a restart of the server, and some servers take any id.
        lost: {begin: beginning, use: lost, **dict.fromkeys(idle, lost), grant: active},
    }
    return {state: MappingProxyType(row) for state, row in table.items()}


#: State -> event -> next state; a step that is not here is a ConversationError.
TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(_rows())

#: Where an answer decides what becomes of the session.
_PENDING = frozenset({State.BEGINNING, State.ENDING})

#: Why a request is not in the table.
_REFUSALS: Mapping[tuple[State, Event], tuple[Code, str]] = {
    (State.BEGINNING, Event.BEGIN): (
        Code.REQUEST_WITHOUT_RESPONSE,
        "BeginSession again, before the first one was answered",
    ),
    (State.ACTIVE, Event.BEGIN): (
        Code.SESSION_NEVER_ENDED,
        "BeginSession while a session is active: a second session is a Conversation of its own",
    ),
    (State.ENDING, Event.BEGIN): (
        Code.REQUEST_WITHOUT_RESPONSE,
        "BeginSession before EndSession was answered",
    ),
    (State.ENDING, Event.USE): (Code.SESSION_USED_AFTER_END, "Session after EndSession"),
    (State.ENDING, Event.END): (Code.SESSION_USED_AFTER_END, "EndSession again"),
    (State.ENDED, Event.USE): (Code.SESSION_USED_AFTER_END, "Session after the session has ended"),
    (State.ENDED, Event.END): (Code.SESSION_USED_AFTER_END, "EndSession after the session has ended"),
    (State.LOST, Event.END): (Code.UNKNOWN_SESSION, "EndSession for a session that is lost"),
}
_NOT_GRANTED = (Code.UNKNOWN_SESSION, "a session header with an id, and no session has been granted")


@shown_half_made
class Conversation:
    """Follows one session, seen from either side or from outside.

    It is fed the headers of requests and responses in the order in which they pass, has no role, no
    clock and makes no ids. Several requests may be unanswered at a time; which of them a response
    answers it is not told, so that while others are open only the id of a new session settles a
    BeginSession, and only a lost session an EndSession. A loss is taken for one of the present
    session: if it was late news of the one before, a session is begun once more than need be. A step that
    `TRANSITIONS` does not have raises ConversationError and changes nothing. Not safe to
    share between threads without a lock.
    """

    __slots__ = ("_begin", "_id", "_state", "_unanswered")

    def __init__(self, begin: BeginSession = BeginSession()) -> None:  # noqa: B008 - immutable
        if not isinstance(begin, BeginSession):
            raise wrong_type("begin", "BeginSession", begin)
        self._begin = begin
        self._state = State.NONE
        #: The id that was granted last; kept when it is lost.
        self._id: str | None = None
        self._unanswered = 0

    @property
    def state(self) -> State:
        """Where the session is in its life."""
        return self._state

    @property
    def session_id(self) -> str | None:
        """The id of the session, None when there is none."""
        return self._id if self._state in (State.ACTIVE, State.ENDING) else None

    @property
    def requests_unanswered(self) -> int:
        """How many requests have not been answered."""
        return self._unanswered

    def next_block(self) -> BeginSession | Session:
        """Return the session header for the next request: Session, or `begin` when there is no session."""
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
        """Return the session header that ends the session.

        Raises ConversationError (`unknown-session`) when there is none.
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

    def request(self, header: Header) -> None:
        """Take note of a request.

        Raises ConversationError (`unknown-session`, `session-id-changed`, `session-used-after-end`,
        `session-never-ended`, `request-without-response`), and ValidationError
        (`ambiguous-session-headers`) as `Header.session_header` does.
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

    def response(self, header: Header, fault: Fault | None = None, *, request: Header | None = None) -> None:
        """Take note of a response, with the fault in it if there is one.

        `request` is the header of the request that it answers, where the caller knows: then what else is
        unanswered makes no difference. A fault that is `session_lost` moves the session there, whatever
        Session comes with it. What is refused has not been taken for an answer: its request stays open
        until `unanswered()` closes it.
        Raises ConversationError (`response-without-request`, `session-id-changed`, `session-not-granted`
        for an empty id, `wrong-direction`).
        """
        if not isinstance(header, Header):
            raise wrong_type("header", "Header", header)
        if fault is not None and not isinstance(fault, Fault):
            raise wrong_type("fault", "Fault or None", fault)
        _check_request(request)
        for block in header:
            spec = getattr(block, "spec", None)
            if spec is not None and Direction.RESPONSE not in spec.directions:
                _refuse(Code.WRONG_DIRECTION, f"{spec.local_name} does not belong in a response")
        session = header.session
        if fault is not None and fault.session_lost:
            self._settle(Event.LOSS, request=request)
        elif session is not None and (fault is None or self._state is not State.ENDING):
            self._settle(Event.GRANT, session, request)
        else:
            # A fault to EndSession does not end the session, least of all if it names it.
            self._settle(Event.ANSWER if fault is None else Event.FAULT, session, request)

    def unanswered(self, *, request: Header | None = None) -> None:
        """Take note that a request gets no usable answer: a time-out, an HTTP error page.

        A BeginSession that was pending falls back to no session, an EndSession to an active one. `request`
        is its header, where the caller knows. Raises ConversationError (`response-without-request`).
        """
        _check_request(request)
        self._settle(Event.UNANSWERED, request=request)

    def session_lost(self) -> None:
        """Take note of a loss that no message told: a new server, a session closed from elsewhere."""
        if self._state is not State.BEGINNING:
            self._state = TRANSITIONS[self._state][Event.LOSS]

    def _settle(self, event: Event, session: Session | None = None, request: Header | None = None) -> None:
        """Move by what became of a request."""
        if not self._unanswered:
            _refuse(Code.RESPONSE_WITHOUT_REQUEST, "there is no request that this could be the answer to")
        state = self._state
        if session is not None:
            self._check_granted(session)
        if state in _PENDING and not self._decides(event, session, request):
            event = Event.OTHER
        after = TRANSITIONS[state][event]
        if after is State.ACTIVE and event is Event.GRANT:
            self._id = None if session is None else session.session_id
        self._state = after
        self._unanswered -= 1

    def _decides(self, event: Event, session: Session | None, request: Header | None) -> bool:
        """Whether a response settles what is pending."""
        if self._state is State.ENDING and event is Event.LOSS:
            return True
        if request is not None:
            pending = BeginSession if self._state is State.BEGINNING else EndSession
            return isinstance(request.session_header, pending)
        if self._unanswered == 1:
            return True
        # Whichever of the open requests it answers. The id of the session before may come with a late answer
        # to a request of that time.
        named = None if session is None else session.session_id
        return self._state is State.BEGINNING and event is Event.GRANT and named != self._id

    def _check_granted(self, session: Session) -> None:
        # Not its id in a variable: a traceback may show that, and masks a Session.
        if self._state in (State.NONE, State.ENDED):
            return
        if not session.session_id:
            _refuse(Code.SESSION_NOT_GRANTED, "the Session of the response has an empty id")
        if self._state is not State.BEGINNING and session.session_id != self._id:
            _refuse(Code.SESSION_ID_CHANGED, "a response with another session id than the one granted")

    def __repr__(self) -> str:
        return f"Conversation(<{self._state}, {self._unanswered} unanswered>)"


def _check_request(request: object) -> None:
    if request is not None and not isinstance(request, Header):
        raise wrong_type("request", "Header or None", request)


def _refuse(code: Code, message: str) -> NoReturn:
    raise ConversationError(value_finding(code, message))
