"""Conversations: the table of states and events, and the other rules."""

from __future__ import annotations

import copy
import json
import pickle
import re
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.profiles import scaled
from tests.values import unknown_blocks
from xmla_headers import (
    RULES,
    TRANSITIONS,
    BeginSession,
    Code,
    Conversation,
    ConversationError,
    Direction,
    EndSession,
    Envelope,
    Event,
    Fault,
    FaultEntry,
    FaultShape,
    Finding,
    Fragment,
    Header,
    MustUnderstandForm,
    Session,
    Severity,
    State,
    ValidationError,
    XmlaHeadersError,
    decode,
    encode,
    session_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECRET = "9F2C1B7E-3D54-4A0B"
OTHER = "581-another-secret"

NOTHING = Header()
BEGIN = Header(BeginSession())
USE = Header(Session(SECRET))
END = Header(EndSession(SECRET))
BROKEN = Fault("Server", "the query is wrong")
LOST = session_not_found(SECRET)

# Events of requests, and events of responses or missing responses.
REQUESTS = {Event.BEGIN: BEGIN, Event.USE: USE, Event.END: END, Event.PLAIN: NOTHING}
_ANSWERS: dict[Event, Callable[[Conversation], object]] = {
    Event.GRANT: lambda conversation: conversation.response(USE),
    Event.ANSWER: lambda conversation: conversation.response(NOTHING),
    Event.FAULT: lambda conversation: conversation.response(NOTHING, BROKEN),
    Event.LOSS: lambda conversation: conversation.response(NOTHING, LOST),
    Event.UNANSWERED: lambda conversation: conversation.unanswered(),
}

# State -> the steps that lead there. No request stays open except the pending one.
_WAYS: dict[State, list[Event]] = {
    State.NONE: [],
    State.BEGINNING: [Event.BEGIN],
    State.ACTIVE: [Event.BEGIN, Event.GRANT],
    State.ENDING: [Event.BEGIN, Event.GRANT, Event.END],
    State.ENDED: [Event.BEGIN, Event.GRANT, Event.END, Event.ANSWER],
    State.LOST: [Event.BEGIN, Event.GRANT, Event.USE, Event.LOSS],
}


def happen(conversation: Conversation, event: Event) -> None:
    if event in REQUESTS:
        conversation.request(REQUESTS[event])
    else:
        _ANSWERS[event](conversation)


def conversation_in(state: State, **policy: Any) -> Conversation:
    conversation = Conversation(**policy)
    for event in _WAYS[state]:
        happen(conversation, event)
    assert conversation.state is state
    return conversation


def told(conversation: Conversation) -> tuple[object, ...]:
    """Return all public attributes of a conversation."""
    return (
        conversation.state,
        conversation.session_id,
        conversation.requests_unanswered,
        conversation.next_block(),
        pickle.dumps(conversation),
    )


def refused(conversation: Conversation, step: Callable[[], object], code: Code) -> None:
    """Check that a step is refused with the code, changes nothing and shows no session id."""
    before = told(conversation)
    with pytest.raises(XmlaHeadersError) as caught:
        step()
    error = caught.value
    kind = ValidationError if code is Code.AMBIGUOUS_SESSION_HEADERS else ConversationError
    assert type(error) is kind
    assert error.code is code
    assert error.finding.severity is RULES[code].severity
    assert (error.finding.offset, error.finding.line, error.finding.path) == (None, None, None)
    assert told(conversation) == before
    for shown in (str(error), repr(error), json.dumps(error.finding.to_dict()), repr(conversation)):
        assert SECRET[:8] not in shown
        assert OTHER[:8] not in shown


# -- the table -----------------------------------------------------------------------------------------


def test_table_has_every_state() -> None:
    assert list(TRANSITIONS) == list(State)
    for row in TRANSITIONS.values():
        assert set(row) <= set(Event)
        assert set(row.values()) <= set(State)


def test_table_every_state_is_reachable_from_every_other() -> None:
    def reached(start: State) -> set[State]:
        found, todo = set(), [start]
        while todo:
            for after in TRANSITIONS[todo.pop()].values():
                if after not in found:
                    found.add(after)
                    todo.append(after)
        return found

    for state in State:
        assert reached(state) >= set(State) - {State.NONE}
    # No state is a dead end: a BeginSession that fails leads back to NONE.
    assert State.NONE in reached(State.LOST)


def test_table_every_event_changes_a_state() -> None:
    used = {event for row in TRANSITIONS.values() for event in row}
    assert used == set(Event)
    moved = {
        event for state, row in TRANSITIONS.items() for event, after in row.items() if after is not state
    }
    # A request without a session header and a response that settles nothing never change the state.
    assert moved == set(Event) - {Event.USE, Event.PLAIN, Event.OTHER}


def test_table_every_answer_is_in_every_row() -> None:
    for state, row in TRANSITIONS.items():
        assert set(_ANSWERS) | {Event.PLAIN} <= set(row)
        assert (Event.OTHER in row) == (state in (State.BEGINNING, State.ENDING))


@pytest.mark.parametrize("state", State)
def test_table_is_immutable(state: State) -> None:
    tables: list[Any] = [TRANSITIONS, TRANSITIONS[state]]
    for table in tables:
        with pytest.raises(TypeError):
            table[state] = {}
        with pytest.raises(TypeError):
            del table[state]


# Steps that the table does not have: state, event -> code.
_REFUSED = {
    (State.NONE, Event.USE): Code.UNKNOWN_SESSION,
    (State.NONE, Event.END): Code.UNKNOWN_SESSION,
    (State.BEGINNING, Event.BEGIN): Code.REQUEST_WITHOUT_RESPONSE,
    (State.BEGINNING, Event.USE): Code.UNKNOWN_SESSION,
    (State.BEGINNING, Event.END): Code.UNKNOWN_SESSION,
    (State.ACTIVE, Event.BEGIN): Code.SESSION_NEVER_ENDED,
    (State.ENDING, Event.BEGIN): Code.REQUEST_WITHOUT_RESPONSE,
    (State.ENDING, Event.USE): Code.SESSION_USED_AFTER_END,
    (State.ENDING, Event.END): Code.SESSION_USED_AFTER_END,
    (State.ENDED, Event.USE): Code.SESSION_USED_AFTER_END,
    (State.ENDED, Event.END): Code.SESSION_USED_AFTER_END,
    (State.LOST, Event.END): Code.UNKNOWN_SESSION,
}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_conversation_follows_the_table(state: State, event: Event) -> None:
    conversation = conversation_in(state)
    if event is Event.OTHER:
        if event not in TRANSITIONS[state]:
            return
        # With a second open request, it is unknown which one is answered.
        conversation.request(NOTHING)
        event = Event.ANSWER
        expected: State | None = TRANSITIONS[state][Event.OTHER]
    else:
        expected = TRANSITIONS[state].get(event)
    assert (expected is None) == ((state, event) in _REFUSED)
    if expected is None:
        refused(conversation, lambda: happen(conversation, event), _REFUSED[state, event])
        return
    if event in _ANSWERS and not conversation.requests_unanswered:
        refused(conversation, lambda: happen(conversation, event), Code.RESPONSE_WITHOUT_REQUEST)
        conversation.request(NOTHING)
    before = conversation.requests_unanswered
    happen(conversation, event)
    assert conversation.state is expected
    assert conversation.requests_unanswered == before + (1 if event in REQUESTS else -1)


@pytest.mark.parametrize("state", State)
def test_next_block_follows_state(state: State) -> None:
    conversation = conversation_in(state)
    if state in (State.ACTIVE, State.ENDING):
        assert conversation.session_id == SECRET
        assert conversation.next_block() == Session(SECRET)
        assert conversation.end_block() == EndSession(SECRET)
    else:
        assert conversation.session_id is None
        assert conversation.next_block() == BeginSession()
        refused(conversation, conversation.end_block, Code.UNKNOWN_SESSION)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.BEGINNING, State.ENDING)])
def test_next_block_is_accepted(state: State) -> None:
    conversation = conversation_in(state)
    conversation.request(Header(conversation.next_block()))


@pytest.mark.parametrize("form", MustUnderstandForm)
def test_blocks_copy_marks_of_begin(form: MustUnderstandForm) -> None:
    # Mondrian ignores each of the three header blocks without its own mustUnderstand.
    begin = BeginSession(must_understand=True, must_understand_form=form, actor="urn:me")
    conversation = Conversation(begin)
    assert conversation.next_block() is begin
    conversation.request(Header(begin))
    conversation.response(USE)
    for block in (conversation.next_block(), conversation.end_block()):
        assert isinstance(block, Session | EndSession)
        assert block == type(block)(SECRET, must_understand=True, actor="urn:me")
        assert block.must_understand_form is form


@pytest.mark.parametrize("state", State)
def test_session_lost_moves_to_lost(state: State) -> None:
    conversation = conversation_in(state)
    before = conversation.requests_unanswered
    conversation.session_lost()
    # A session that is beginning cannot be lost yet.
    expected = State.BEGINNING if state is State.BEGINNING else TRANSITIONS[state][Event.LOSS]
    assert conversation.state is expected
    assert conversation.requests_unanswered == before
    assert conversation.session_id is None


# -- refusals in every state ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("block", [Session, EndSession])
def test_request_with_another_id_is_refused(block: type[Session | EndSession], state: State) -> None:
    conversation = conversation_in(state)
    event = Event.USE if block is Session else Event.END
    code = _REFUSED.get((state, event), Code.SESSION_ID_CHANGED)
    for other in (OTHER, "", f"{SECRET} ", SECRET.lower()):
        refused(conversation, lambda other=other: conversation.request(Header(block(other))), code)  # type: ignore[misc]


_STRANGE_IDS = [
    (OTHER, Code.SESSION_ID_CHANGED),
    (SECRET.lower(), Code.SESSION_ID_CHANGED),
    ("", Code.SESSION_NOT_GRANTED),
]


@pytest.mark.parametrize("state", [State.ACTIVE, State.ENDING, State.LOST])
@pytest.mark.parametrize("fault", [None, BROKEN])
@pytest.mark.parametrize(("other", "code"), _STRANGE_IDS)
def test_response_with_another_id_counts_with_a_warning(
    other: str, code: Code, fault: Fault | None, state: State
) -> None:
    conversation, plain = conversation_in(state), conversation_in(state)
    for known in (conversation, plain):
        if state is not State.ENDING:
            known.request(NOTHING)
    (finding,) = conversation.response(Header(Session(other)), fault)
    assert plain.response(NOTHING, fault) == ()
    assert (finding.code, finding.severity, finding.offset) == (code, Severity.WARNING, None)
    assert other[:8] not in str(finding) or not other
    # As if the answer had no Session: the id stays the granted one.
    assert told(conversation)[:4] == told(plain)[:4]
    assert conversation.session_id in (SECRET, None)


def test_response_with_empty_id_grants_nothing() -> None:
    conversation = conversation_in(State.BEGINNING)
    (finding,) = conversation.response(Header(Session("")))
    assert finding.code is Code.SESSION_NOT_GRANTED
    assert "empty id" in finding.message
    assert (conversation.state, conversation.requests_unanswered) == (State.NONE, 0)


@pytest.mark.parametrize("state", [State.NONE, State.ENDED])
@pytest.mark.parametrize("other", [OTHER, ""])
def test_response_with_an_id_earns_nothing_without_a_session(other: str, state: State) -> None:
    conversation = conversation_in(state, strict=True)
    conversation.request(NOTHING)
    assert conversation.response(Header(Session(other))) == ()
    assert conversation.state is state


def test_begin_answered_without_a_session_earns_a_warning() -> None:
    conversation = conversation_in(State.BEGINNING)
    conversation.request(NOTHING)
    # It may answer the other request.
    assert conversation.response(NOTHING) == ()
    (finding,) = conversation.response(NOTHING)
    assert (finding.code, conversation.state) == (Code.SESSION_NOT_GRANTED, State.NONE)
    conversation.request(BEGIN)
    assert conversation.response(NOTHING, BROKEN) == ()


def test_client_of_olapy_keeps_its_answers() -> None:
    # olapy names another session in each answer, whatever the request says.
    conversation = Conversation()
    codes = []
    for number in range(4):
        block = conversation.end_block() if number == 3 else conversation.next_block()
        conversation.request(Header(block))
        codes.append([str(found.code) for found in conversation.response(Header(Session(f"id-{number}")))])
        assert conversation.session_id == (None if number == 3 else "id-0")
    assert codes == [[], *[["session-id-changed"]] * 3]
    assert conversation.state is State.ENDED


_POLICIES: list[dict[str, Any]] = [
    {"strict": True},
    {"refuse": [Code.SESSION_ID_CHANGED, "session-not-granted"]},
]


@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("state", [State.ACTIVE, State.ENDING, State.LOST])
@pytest.mark.parametrize(("other", "code"), _STRANGE_IDS)
def test_refused_warning_raises_and_changes_nothing(
    other: str, code: Code, state: State, policy: dict[str, Any]
) -> None:
    conversation = conversation_in(state, **policy)
    conversation.request(NOTHING)
    refused(conversation, lambda: conversation.response(Header(Session(other))), code)


@pytest.mark.parametrize("policy", _POLICIES)
def test_refused_warning_about_a_begin_changes_nothing(policy: dict[str, Any]) -> None:
    conversation = conversation_in(State.BEGINNING, **policy)
    for header in (NOTHING, Header(Session(""))):
        refused(conversation, lambda header=header: conversation.response(header), Code.SESSION_NOT_GRANTED)  # type: ignore[misc]


def test_refuse_names_the_warnings_that_raise() -> None:
    conversation = conversation_in(State.ACTIVE, refuse=["session-not-granted"])
    conversation.request(NOTHING)
    assert conversation.response(Header(Session(OTHER)))
    with pytest.raises(ValueError, match="no-such-code"):
        Conversation(refuse=["no-such-code"])
    with pytest.raises(TypeError, match="strict"):
        Conversation(strict=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.ACTIVE, State.ENDING])
def test_error_inside_an_answer_loses_the_session(state: State) -> None:
    conversation = conversation_in(state)
    if state is State.ACTIVE:
        conversation.request(USE)
    with pytest.raises(TypeError, match="FaultEntry"):
        conversation.response(NOTHING, errors=[LOST])  # type: ignore[list-item]
    errors = [FaultEntry(1), FaultEntry(3238789130), FaultEntry(2)]
    assert conversation.response(NOTHING, errors=errors) == ()
    assert conversation.state is State.LOST


def test_other_error_inside_an_answer_changes_nothing() -> None:
    conversation = conversation_in(State.ENDING)
    assert conversation.response(NOTHING, errors=iter([FaultEntry(1, "cancelled")])) == ()
    assert conversation.state is State.ENDED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("answer", _ANSWERS)
def test_response_without_request_is_refused(answer: Event, state: State) -> None:
    conversation = conversation_in(state)
    while conversation.requests_unanswered:
        conversation.session_lost()
        conversation.unanswered()
    refused(conversation, lambda: happen(conversation, answer), Code.RESPONSE_WITHOUT_REQUEST)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "blocks", [[BeginSession()], [EndSession(SECRET)], [Session(SECRET), BeginSession()]]
)
@pytest.mark.parametrize("fault", [None, BROKEN, LOST])
def test_response_with_request_block_is_refused(
    fault: Fault | None, blocks: Sequence[Session | BeginSession | EndSession], state: State
) -> None:
    conversation = conversation_in(state)
    conversation.request(NOTHING)
    refused(conversation, lambda: conversation.response(Header(*blocks), fault), Code.WRONG_DIRECTION)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "blocks",
    [
        [Session(SECRET), BeginSession()],
        [Session(SECRET), EndSession(SECRET)],
        [EndSession(SECRET), BeginSession()],
        [EndSession(SECRET), BeginSession(), Session(OTHER)],
    ],
)
def test_request_with_two_session_headers_is_refused(
    blocks: Sequence[Session | BeginSession | EndSession], state: State
) -> None:
    conversation = conversation_in(state)
    refused(conversation, lambda: conversation.request(Header(*blocks)), Code.AMBIGUOUS_SESSION_HEADERS)


@pytest.mark.parametrize(
    "step",
    [
        lambda conversation: conversation.request(None),
        lambda conversation: conversation.request(BeginSession()),
        lambda conversation: conversation.request(Envelope()),
        lambda conversation: conversation.response(None),
        lambda conversation: conversation.response(Session(SECRET)),
        lambda conversation: conversation.response(NOTHING, "fault"),
        lambda conversation: conversation.response(NOTHING, Fragment()),
        lambda _: Conversation(Session(SECRET)),  # type: ignore[arg-type]
        lambda _: Conversation(None),  # type: ignore[arg-type]
        lambda _: Conversation(BeginSession),  # type: ignore[arg-type]
    ],
)
def test_conversation_wrong_type_raises_type_error(step: Callable[[Any], object]) -> None:
    conversation = conversation_in(State.ACTIVE)
    conversation.request(NOTHING)
    before = told(conversation)
    with pytest.raises(TypeError):
        step(conversation)
    assert told(conversation) == before


@given(st.lists(unknown_blocks, max_size=3), st.sampled_from(State), st.sampled_from(Event))
def test_conversation_ignores_other_header_blocks(blocks: list[Any], state: State, event: Event) -> None:
    def after(*more: Any) -> object:
        conversation = conversation_in(state)
        conversation.request(Header(*more))
        try:
            if event in REQUESTS:
                conversation.request(Header(*more, *REQUESTS[event]))
            elif event is Event.GRANT:
                conversation.response(Header(*more, *USE))
            else:
                conversation.response(Header(*more), LOST if event is Event.LOSS else None)
        except ConversationError as error:
            return error.finding
        return told(conversation)

    assert after(*blocks) == after()


# -- behaviour of known peers --------------------------------------------------------------------------


def play(*steps: Header | tuple[Header, Fault] | None) -> Conversation:
    """Play requests and responses in turn: a Header, or a Header and a fault; None for no response."""
    conversation = Conversation()
    for number, step in enumerate(steps):
        if step is None:
            conversation.unanswered()
        elif number % 2 == 0:
            assert isinstance(step, Header)
            conversation.request(step)
        elif isinstance(step, Header):
            conversation.response(step)
        else:
            conversation.response(*step)
    return conversation


_ACTIVE = (BEGIN, USE)
_SCENARIOS: dict[str, tuple[tuple[Header | tuple[Header, Fault] | None, ...], State, str | None]] = {
    "Analysis Services: only the first answer names the session": (
        (*_ACTIVE, USE, NOTHING, USE, NOTHING, END, NOTHING),
        State.ENDED,
        None,
    ),
    "Mondrian: every answer names the session, also to EndSession": (
        (*_ACTIVE, USE, USE, NOTHING, NOTHING, END, USE),
        State.ENDED,
        None,
    ),
    "olapy: an answer names a session without a request for one": (
        (NOTHING, USE, NOTHING, USE),
        State.NONE,
        None,
    ),
    "olapy: another one each time": ((NOTHING, USE, NOTHING, Header(Session(OTHER))), State.NONE, None),
    "olapy: the same session again after its end": (
        (*_ACTIVE, END, USE, NOTHING, USE, BEGIN, USE),
        State.ACTIVE,
        SECRET,
    ),
    "olapy: another session after the end": (
        (*_ACTIVE, END, NOTHING, NOTHING, Header(Session(OTHER)), NOTHING, Header(Session(""))),
        State.ENDED,
        None,
    ),
    "a provider without state": ((BEGIN, NOTHING), State.NONE, None),
    "a provider without state, asked again": (
        (BEGIN, NOTHING, BEGIN, NOTHING, NOTHING, NOTHING),
        State.NONE,
        None,
    ),
    "a fault to BeginSession": ((BEGIN, (NOTHING, BROKEN)), State.NONE, None),
    "a fault to BeginSession, and again": ((BEGIN, (NOTHING, BROKEN), *_ACTIVE), State.ACTIVE, SECRET),
    "a fault to the query of BeginSession, in a granted session": (
        (BEGIN, (USE, BROKEN)),
        State.ACTIVE,
        SECRET,
    ),
    "BeginSession is answered by a lost session": ((BEGIN, (NOTHING, LOST)), State.NONE, None),
    "a fault in the session": ((*_ACTIVE, USE, (NOTHING, BROKEN)), State.ACTIVE, SECRET),
    "a fault that names the session": ((*_ACTIVE, USE, (USE, BROKEN)), State.ACTIVE, SECRET),
    "a fault to EndSession": ((*_ACTIVE, END, (NOTHING, BROKEN)), State.ACTIVE, SECRET),
    "a fault to EndSession that names the session": ((*_ACTIVE, END, (USE, BROKEN)), State.ACTIVE, SECRET),
    "a fault to EndSession, and again": ((*_ACTIVE, END, (NOTHING, BROKEN), END, NOTHING), State.ENDED, None),
    "EndSession for a lost session": ((*_ACTIVE, END, (NOTHING, LOST)), State.LOST, None),
    "a lost session": ((*_ACTIVE, USE, (NOTHING, LOST)), State.LOST, None),
    "a lost session with its id": ((*_ACTIVE, USE, (USE, LOST)), State.LOST, None),
    "a lost session, and begin again": (
        (*_ACTIVE, USE, (NOTHING, LOST), BEGIN, Header(Session(OTHER)), Header(Session(OTHER)), NOTHING),
        State.ACTIVE,
        OTHER,
    ),
    "a session that already exists is not lost": (
        (*_ACTIVE, USE, (NOTHING, Fault("0xc10c000a", f"{SECRET} already exists"))),
        State.ACTIVE,
        SECRET,
    ),
    "Excel keeps its id after a restart of the server": (
        (*_ACTIVE, USE, (NOTHING, LOST), USE, (NOTHING, LOST), USE, (NOTHING, LOST)),
        State.LOST,
        None,
    ),
    "Excel keeps its id, and the server accepts any": (
        (*_ACTIVE, USE, (NOTHING, LOST), USE, USE),
        State.ACTIVE,
        SECRET,
    ),
    "Excel gives up at last": (
        (*_ACTIVE, USE, (NOTHING, LOST), USE, (NOTHING, LOST), *_ACTIVE),
        State.ACTIVE,
        SECRET,
    ),
    "implicit sessions and an explicit one": (
        (NOTHING, NOTHING, *_ACTIVE, NOTHING, NOTHING, NOTHING, (NOTHING, BROKEN)),
        State.ACTIVE,
        SECRET,
    ),
    "no answer to a request without a session": ((NOTHING, None), State.NONE, None),
    "no answer to BeginSession": ((BEGIN, None), State.NONE, None),
    "no answer to BeginSession, and again": ((BEGIN, None, *_ACTIVE), State.ACTIVE, SECRET),
    "no answer in the session": ((*_ACTIVE, USE, None), State.ACTIVE, SECRET),
    "no answer to EndSession": ((*_ACTIVE, END, None), State.ACTIVE, SECRET),
    "no answer to EndSession, which has ended it": (
        (*_ACTIVE, END, None, USE, (NOTHING, LOST)),
        State.LOST,
        None,
    ),
    "no answer after the end": ((*_ACTIVE, END, NOTHING, NOTHING, None), State.ENDED, None),
    "no answer after the loss": ((*_ACTIVE, USE, (NOTHING, LOST), USE, None), State.LOST, None),
    "another session after the end": (
        (*_ACTIVE, END, NOTHING, BEGIN, Header(Session(OTHER))),
        State.ACTIVE,
        OTHER,
    ),
}


@pytest.mark.parametrize("name", _SCENARIOS)
def test_conversation_follows_known_peers(name: str) -> None:
    steps, state, session_id = _SCENARIOS[name]
    conversation = play(*steps)
    assert (conversation.state, conversation.session_id) == (state, session_id)
    assert conversation.requests_unanswered == 0


def test_request_with_id_of_old_session_is_refused() -> None:
    conversation = play(*_ACTIVE, END, NOTHING, BEGIN, Header(Session(OTHER)))
    refused(conversation, lambda: conversation.request(USE), Code.SESSION_ID_CHANGED)
    conversation.request(NOTHING)
    (finding,) = conversation.response(USE)
    assert (finding.code, conversation.session_id) == (Code.SESSION_ID_CHANGED, OTHER)


# -- several requests at a time ------------------------------------------------------------------------

_Answer = tuple[Header, Fault | None]
_NOTHING: _Answer = (NOTHING, None)
_NAMED: _Answer = (USE, None)
_FAULT: _Answer = (NOTHING, BROKEN)
_GONE: _Answer = (NOTHING, LOST)

# Start state, requests, their responses in any order -> end state.
_AT_ONCE: dict[str, tuple[State, list[Header], list[_Answer], State]] = {
    "a Cancel while a query runs": (State.ACTIVE, [USE, USE], [_FAULT, _NOTHING], State.ACTIVE),
    "a Cancel while two queries run, of Mondrian": (
        State.ACTIVE,
        [USE, USE, USE],
        [_FAULT, _NAMED, _NAMED],
        State.ACTIVE,
    ),
    "one answer says that the session is lost": (State.ACTIVE, [USE, USE], [_FAULT, _GONE], State.LOST),
    "all answers say that the session is lost": (State.ACTIVE, [USE, USE, USE], [_GONE] * 3, State.LOST),
    "BeginSession while another request is open": (
        State.NONE,
        [NOTHING, BEGIN],
        [_NOTHING, _NAMED],
        State.ACTIVE,
    ),
    "BeginSession before another request": (State.NONE, [BEGIN, NOTHING], [_FAULT, _NAMED], State.ACTIVE),
    "BeginSession, with no session": (State.NONE, [BEGIN, NOTHING], [_NOTHING, _NOTHING], State.NONE),
    "BeginSession, and faults": (
        State.NONE,
        [BEGIN, NOTHING, NOTHING],
        [_FAULT, _NOTHING, _FAULT],
        State.NONE,
    ),
    "EndSession while a query runs": (State.ACTIVE, [USE, END], [_NOTHING, _NOTHING], State.ENDED),
    "EndSession, of Mondrian": (State.ACTIVE, [USE, END], [_NAMED, _NAMED], State.ENDED),
    "EndSession of a lost session, both pending": (State.ACTIVE, [USE, END], [_GONE, _GONE], State.LOST),
    "EndSession, and both fail": (State.ACTIVE, [USE, END], [_FAULT, _FAULT], State.ACTIVE),
}


@pytest.mark.parametrize("name", _AT_ONCE)
def test_responses_in_any_order_reach_the_same_state(name: str) -> None:
    start, requests, answers, end = _AT_ONCE[name]
    for order in set(permutations(range(len(answers)))):
        conversation = conversation_in(start)
        for request in requests:
            conversation.request(request)
        assert conversation.requests_unanswered == len(requests)
        for number in order:
            conversation.response(*answers[number])
        assert conversation.state is end, order
        assert conversation.requests_unanswered == 0


def test_pending_begin_is_settled_by_last_response() -> None:
    conversation = conversation_in(State.ACTIVE)
    conversation.request(USE)
    conversation.request(END)
    for answer in (_FAULT, _NAMED):
        conversation.request(NOTHING)
        conversation.response(*answer)
        assert conversation.state is State.ENDING
    conversation.unanswered()
    assert conversation.state == "ending"
    conversation.response(NOTHING)
    assert conversation.state == "ended"


def test_late_response_of_old_session_grants_nothing() -> None:
    conversation = conversation_in(State.ACTIVE)
    conversation.request(USE)
    conversation.request(USE)
    conversation.response(NOTHING, LOST)
    conversation.request(BEGIN)
    conversation.response(USE)  # to the other request, sent before the server restarted
    assert conversation.state is State.BEGINNING
    conversation.response(Header(Session(OTHER)))
    assert (conversation.state, conversation.session_id) == (State.ACTIVE, OTHER)


def test_late_loss_of_old_session_loses_the_new_one() -> None:
    # The fault does not say which session is lost. The cost is one more BeginSession.
    conversation = conversation_in(State.ACTIVE)
    conversation.request(USE)
    conversation.request(USE)
    conversation.response(NOTHING, LOST)
    conversation.request(BEGIN)
    conversation.response(Header(Session(OTHER)))
    assert conversation.state == "active"
    conversation.response(NOTHING, LOST)
    assert conversation.state == "lost"


def test_response_may_grant_the_old_id_again() -> None:
    conversation = conversation_in(State.LOST)
    conversation.request(NOTHING)
    conversation.request(BEGIN)
    conversation.response(USE)
    # The response may answer the other request.
    assert conversation.state is State.BEGINNING
    conversation.response(USE)
    assert (conversation.state, conversation.session_id) == (State.ACTIVE, SECRET)


# -- two conversations ---------------------------------------------------------------------------------

_IDS = ["9F2C-one", "9F2C-two", "", " 9F2C-one", "a<b>&\"c'\t\n\ré🔑"]
_ids = st.sampled_from(_IDS)
_begins = st.builds(
    BeginSession,
    must_understand=st.booleans(),
    must_understand_form=st.none() | st.sampled_from(MustUnderstandForm),
)
_request_blocks: st.SearchStrategy[list[Any]] = st.one_of(
    st.just([]),
    _begins.map(lambda block: [block]),
    _ids.map(lambda given_id: [Session(given_id)]),
    _ids.map(lambda given_id: [EndSession(given_id)]),
    st.just([Session("9F2C-one"), EndSession("9F2C-one")]),
)
_response_blocks: st.SearchStrategy[list[Any]] = st.one_of(
    st.just([]), st.just([]), _ids.map(lambda given_id: [Session(given_id)]), st.just([BeginSession()])
)
_response_faults = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(
        [
            BROKEN,
            Fault("Server", "x", detail=Fragment(b"<a/>")),
            Fault("Server.00HSHU01", "it does not exist", "Mondrian"),
            Fault("XMLAnalysisError.0xC10C000A", "it already exists"),
            Fault("Server", "", entries=[FaultEntry(0xC10C000A - 2**32)]),
        ]
    ),
    _ids.map(session_not_found),
)


class _Model:
    """A second implementation without a table: the known id, the phase, the open requests."""

    def __init__(self) -> None:
        self.known: str | None = None
        self.phase = "none"
        self.open = 0
        # The code of the warning about the last response.
        self.warned: str | None = None

    def request(self, blocks: list[Any]) -> str | None:
        """Return the code of the refusal; None if the step is accepted."""
        if len(blocks) > 1:
            return "ambiguous-session-headers"
        block = blocks[0] if blocks else None
        code = None
        if isinstance(block, BeginSession):
            code = {
                "beginning": "request-without-response",
                "ending": "request-without-response",
                "active": "session-never-ended",
            }.get(self.phase)
        elif block is not None:
            if self.phase in ("none", "beginning") or (
                self.phase == "lost" and isinstance(block, EndSession)
            ):
                code = "unknown-session"
            elif self.phase in ("ending", "ended"):
                code = "session-used-after-end"
            elif block.session_id != self.known:
                code = "session-id-changed"
        if code is None:
            self.open += 1
            if isinstance(block, BeginSession):
                self.phase = "beginning"
            elif isinstance(block, EndSession):
                self.phase = "ending"
        return code

    def response(self, blocks: list[Any], fault: Fault | None) -> str | None:
        named = blocks[0].session_id if blocks and isinstance(blocks[0], Session) else None
        if blocks and named is None:
            return "wrong-direction"
        if not self.open:
            return "response-without-request"
        lost = fault is not None and fault.session_lost
        self.warned = None
        if named is not None and not lost and self.phase not in ("none", "ended"):
            if not named:
                self.warned = "session-not-granted"
            elif self.phase != "beginning" and named != self.known:
                self.warned = "session-id-changed"
            if self.warned:
                named = None
        self.open -= 1
        alone = not self.open
        if self.phase == "beginning" and alone and fault is None and not named:
            self.warned = "session-not-granted"
        if self.phase == "beginning":
            if named and not lost and (alone or named != self.known):
                self.phase, self.known = "active", named
            elif alone:
                self.phase = "none"
        elif self.phase == "active":
            if lost:
                self.phase = "lost"
        elif self.phase == "ending":
            if lost:
                self.phase = "lost"
            elif alone:
                self.phase = "ended" if fault is None else "active"
        elif self.phase == "lost" and named and not lost:
            self.phase = "active"
        return None

    def unanswered(self) -> str | None:
        if not self.open:
            return "response-without-request"
        self.open -= 1
        if not self.open:
            self.phase = {"beginning": "none", "ending": "active"}.get(self.phase, self.phase)
        return None

    def session_lost(self) -> None:
        if self.phase in ("active", "ending"):
            self.phase = "lost"


class Agreement(RuleBasedStateMachine):
    """Two conversations, one given values and one given encoded and decoded values, and the model."""

    def __init__(self) -> None:
        super().__init__()
        self.values = self.messages = Conversation()
        self.model = _Model()

    @initialize(begin=_begins)
    def start(self, begin: BeginSession) -> None:
        self.values, self.messages = Conversation(begin), Conversation(begin)

    def step(
        self,
        by_value: Callable[[], tuple[Finding, ...] | None],
        by_message: Callable[[], tuple[Finding, ...] | None],
        expected: str | None,
        warned: str | None = None,
    ) -> None:
        before = told(self.values)
        codes: list[str | None] = []
        for call in (by_value, by_message):
            try:
                findings = call() or ()
                assert [finding.code for finding in findings] == ([warned] if warned else [])
                assert not any(known in str(finding) for finding in findings for known in _IDS if known)
            except XmlaHeadersError as error:
                codes.append(error.code)
                assert not any(known in str(error) for known in _IDS if known)
            else:
                codes.append(None)
        assert codes == [expected, expected]
        if expected is not None:
            assert told(self.values) == before

    def ask(self, header: Header) -> None:
        received = decode(encode(Envelope(header, Fragment(b"<a/>"))), direction=Direction.REQUEST)
        self.step(
            lambda: self.values.request(header),
            lambda: self.messages.request(received.header),
            self.model.request(list(header)),
        )

    @rule(blocks=_request_blocks)
    def request(self, blocks: list[Any]) -> None:
        self.ask(Header(*blocks))

    @rule()
    def request_what_is_next(self) -> None:
        self.ask(Header(self.values.next_block()))

    @precondition(lambda self: self.values.session_id is not None)
    @rule()
    def request_the_end(self) -> None:
        self.ask(Header(self.values.end_block()))

    def hear(self, blocks: list[Any], fault: Fault | None, shape: FaultShape) -> None:
        header = Header(*blocks)
        body = Fragment(b"<a/>") if fault is None else fault.to_body(shape)
        received = decode(encode(Envelope(header, body)))
        expected = self.model.response(blocks, fault)
        self.step(
            lambda: self.values.response(header, fault),
            lambda: self.messages.response(received.header, received.fault),
            expected,
            None if expected else self.model.warned,
        )

    @rule(
        blocks=_response_blocks,
        fault=_response_faults,
        shape=st.sampled_from([FaultShape.SSAS, FaultShape.SOAP_1_1]),
    )
    def response(self, blocks: list[Any], fault: Fault | None, shape: FaultShape) -> None:
        self.hear(blocks, fault, shape)

    @precondition(lambda self: self.model.known is not None)
    @rule(fault=_response_faults, shape=st.sampled_from([FaultShape.SSAS, FaultShape.SOAP_1_1]))
    def response_with_the_known_id(self, fault: Fault | None, shape: FaultShape) -> None:
        self.hear([Session(self.model.known or "")], fault, shape)

    @rule()
    def no_answer(self) -> None:
        self.step(self.values.unanswered, self.messages.unanswered, self.model.unanswered())

    @rule()
    def loss_untold(self) -> None:
        self.model.session_lost()
        self.values.session_lost()
        self.messages.session_lost()

    @invariant()
    def agrees(self) -> None:
        assert told(self.values)[:-1] == told(self.messages)[:-1]
        assert self.values.state == self.model.phase
        assert self.values.requests_unanswered == self.model.open
        held = self.model.phase in ("active", "ending")
        assert self.values.session_id == (self.model.known if held else None)

    @invariant()
    def what_is_pending_is_awaited(self) -> None:
        if self.values.state in (State.BEGINNING, State.ENDING):
            assert self.values.requests_unanswered

    @invariant()
    def shows_no_id(self) -> None:
        shown = repr(self.values)
        assert re.fullmatch(r"Conversation\(<\w+, \d+ unanswered>\)", shown)


@pytest.mark.slow
def test_two_conversations_with_same_messages_agree() -> None:
    run_state_machine_as_test(
        Agreement, settings=settings(deadline=None, max_examples=scaled(200), stateful_step_count=30)
    )


# -- as a value ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_conversation_copy_is_independent(state: State) -> None:
    conversation = conversation_in(state)
    before = told(conversation)
    for again in (
        copy.copy(conversation),
        copy.deepcopy(conversation),
        pickle.loads(pickle.dumps(conversation)),
    ):
        assert told(again) == before
        again.request(NOTHING)
        assert told(conversation) == before


@pytest.mark.parametrize("state", State)
def test_conversation_repr_shows_no_id(state: State) -> None:
    conversation = conversation_in(state)
    unanswered = conversation.requests_unanswered
    assert repr(conversation) == str(conversation) == f"Conversation(<{state}, {unanswered} unanswered>)"


@pytest.mark.parametrize("name", ["state", "session_id", "requests_unanswered", "other"])
def test_conversation_attributes_are_read_only(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Conversation(), name, State.ACTIVE)


# -- recordings ----------------------------------------------------------------------------------------

_CAPTURED = Path(__file__).resolve().parent / "data" / "captured"

# Prefix of the recordings -> the state after each exchange, or the code of its refusal.
_REPLAYED: dict[str, list[str]] = {
    "olapy-zeep": ["none", "active", "active", "active", "ended", "active", "session-id-changed"],
    "olapy-xmla4js": ["none"],
    # The last exchange is about a session that was never begun.
    "olapy-nodesoap": ["active", "active", "ended", "session-used-after-end"],
    "spyne-zeep": ["active", "active", "ended", "active", "session-id-changed"],
    "spyne-nodesoap": ["active", "active", "ended", "session-used-after-end"],
}


@pytest.mark.parametrize("prefix", _REPLAYED)
def test_conversation_follows_recordings(prefix: str) -> None:
    conversation = Conversation()
    names = sorted(path.name.removesuffix("-http.json") for path in _CAPTURED.glob(f"{prefix}-*-http.json"))
    assert len(names) == len(_REPLAYED[prefix])
    for name, expected in zip(names, _REPLAYED[prefix], strict=True):
        request = decode((_CAPTURED / f"{name}-request.xml").read_bytes(), direction=Direction.REQUEST)
        answer = decode((_CAPTURED / f"{name}-response.xml").read_bytes(), direction=Direction.RESPONSE)
        status = json.loads((_CAPTURED / f"{name}-http.json").read_text(encoding="utf-8"))["status"]
        assert (answer.fault is not None) == (status == 500)
        if answer.fault is not None:
            # The fault of this provider: neither Analysis Services nor Mondrian sends such a fault.
            assert answer.fault == Fault("Client", "the session cannot be found", "")
            assert not answer.fault.session_lost
        if expected in {str(state) for state in State}:
            conversation.request(request.header)
            conversation.response(answer.header, answer.fault)
            assert conversation.state == expected, name
            granted = answer.header.session if expected == State.ACTIVE else None
            assert conversation.session_id == (granted and granted.session_id)
        else:
            before = told(conversation)
            with pytest.raises(ConversationError) as caught:
                conversation.request(request.header)
            assert caught.value.code == expected
            assert told(conversation) == before
        assert conversation.requests_unanswered == 0


def test_recordings_are_all_followed() -> None:
    recorded = {re.sub("-[0-9]+-http.json", "", path.name) for path in _CAPTURED.glob("*-http.json")}
    assert set(_REPLAYED) == recorded


# -- responses with a known request ----------------------------------------------------------------------


def _open(*blocks: BeginSession | Session | EndSession | None, begun: bool = True) -> Conversation:
    conversation = Conversation()
    if begun:
        conversation.request(Header(BeginSession()))
        conversation.response(Header(Session("id")))
    for block in blocks:
        conversation.request(Header() if block is None else Header(block))
    return conversation


@pytest.mark.parametrize(
    ("conversation", "request_block", "answer", "after"),
    [
        (_open(Session("id"), EndSession("id")), EndSession("id"), Header(), State.ENDED),
        (_open(Session("id"), EndSession("id")), Session("id"), Header(), State.ENDING),
        (_open(Session("id"), EndSession("id")), Session("id"), Header(Session("id")), State.ENDING),
        (_open(None, EndSession("id")), None, Header(), State.ENDING),
        (_open(None, BeginSession(), begun=False), BeginSession(), Header(), State.NONE),
        (_open(None, BeginSession(), begun=False), BeginSession(), Header(Session("id")), State.ACTIVE),
        (_open(None, BeginSession(), begun=False), None, Header(), State.BEGINNING),
        # olapy answers every request with a Session.
        (_open(None, BeginSession(), begun=False), None, Header(Session("id")), State.BEGINNING),
    ],
)
def test_response_with_known_request_settles_it(
    conversation: Conversation,
    request_block: BeginSession | Session | EndSession | None,
    answer: Header,
    after: State,
) -> None:
    request = Header() if request_block is None else Header(request_block)
    conversation.response(answer, request=request)
    assert (conversation.state, conversation.requests_unanswered) == (after, 1)


def test_unanswered_with_known_request_falls_back() -> None:
    conversation = _open(Session("id"), EndSession("id"))
    conversation.unanswered(request=Header(Session("id")))
    assert conversation.state is State.ENDING
    conversation = _open(Session("id"), EndSession("id"))
    conversation.unanswered(request=Header(EndSession("id")))
    assert conversation.state is State.ACTIVE


def test_response_request_must_be_a_header() -> None:
    wrong: Any = Session("id")
    with pytest.raises(TypeError):
        _open(None).response(Header(), request=wrong)
    with pytest.raises(TypeError):
        _open(None).unanswered(request=wrong)


# -- what one comparison decides -----------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.NONE, State.ENDED])
def test_response_id_without_session_is_not_the_last_id(state: State) -> None:
    # olapy answers every request with a Session. That id may be granted later, while others are unanswered.
    conversation = conversation_in(state)
    conversation.request(NOTHING)
    conversation.response(Header(Session(OTHER)))
    assert (conversation.state, conversation.session_id) == (state, None)
    conversation.request(BEGIN)
    conversation.request(NOTHING)
    conversation.response(Header(Session(OTHER)))
    assert (conversation.state, conversation.session_id) == (State.ACTIVE, OTHER)


@pytest.mark.parametrize("answer", [Event.ANSWER, Event.FAULT, Event.UNANSWERED])
def test_response_without_an_id_does_not_settle_a_later_begin(answer: Event) -> None:
    conversation = conversation_in(State.ENDED)
    conversation.request(BEGIN)
    conversation.request(NOTHING)
    happen(conversation, answer)
    assert conversation.state is State.BEGINNING


@pytest.mark.parametrize("request_header", [None, USE, END, NOTHING], ids=["unknown", "use", "end", "plain"])
@pytest.mark.parametrize("others", [0, 1, 2])
def test_loss_while_ending_settles_any_request(request_header: Header | None, others: int) -> None:
    conversation = conversation_in(State.ENDING)
    for _ in range(others):
        conversation.request(NOTHING)
    conversation.response(NOTHING, LOST, request=request_header)
    assert conversation.state is State.LOST


@pytest.mark.parametrize(
    ("state", "event", "words"),
    [
        (State.NONE, Event.USE, "no session has been granted"),
        (State.NONE, Event.END, "no session has been granted"),
        (State.BEGINNING, Event.BEGIN, "before the first one was answered"),
        (State.BEGINNING, Event.USE, "no session has been granted"),
        (State.ACTIVE, Event.BEGIN, "while a session is active"),
        (State.ENDING, Event.BEGIN, "before EndSession was answered"),
        (State.ENDING, Event.USE, "Session after EndSession"),
        (State.ENDING, Event.END, "a second EndSession"),
        (State.ENDED, Event.USE, "Session after the session has ended"),
        (State.ENDED, Event.END, "EndSession after the session has ended"),
        (State.LOST, Event.END, "EndSession for a session that is lost"),
    ],
)
def test_refusal_message_names_the_earlier_request(state: State, event: Event, words: str) -> None:
    with pytest.raises(ConversationError, match=words):
        happen(conversation_in(state), event)


@pytest.mark.parametrize("wrong", [None, Session("id"), "id", b""])
def test_conversation_without_a_header_raises_type_error(wrong: Any) -> None:
    conversation = conversation_in(State.ACTIVE)
    for step in (conversation.request, conversation.response):
        with pytest.raises(TypeError, match="Header"):
            step(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match="Fault"):
            conversation.response(NOTHING, wrong)


def test_loss_while_beginning_settles_nothing_beside_others() -> None:
    conversation = Conversation()
    conversation.request(Header(BeginSession()))
    conversation.request(NOTHING)
    conversation.response(NOTHING, LOST)
    assert (conversation.state, conversation.requests_unanswered) == (State.BEGINNING, 1)
