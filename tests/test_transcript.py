"""Transcripts: the findings about messages that do not fit, and the state of each session."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmla_headers import RULES, Code, Direction, Envelope, Finding, Severity, State, encode, session_not_found
from xmla_headers.captures import CapturedMessage, check_message
from xmla_headers.transcript import SessionRecord, Transcript

from .capture_files import BEGIN, end, lost, message, session

if TYPE_CHECKING:
    from typing import Any

GRANT = message(session("abcdefgh"))
USE = session("abcdefgh")
END = end("abcdefgh")
OK = message(body="<x:ExecuteResponse/>")
LOST = lost("abcdefgh")
_SENTENCE = (
    "The 'abcdefgh' session ID cannot be found. Either the session does not exist or it has already expired."
)
#: The same news, as a relay passes it on, as an Error inside a success answer, and in SOAP 1.2.
RELAYED = message(
    body=f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{_SENTENCE}</faultstring></s:Fault>"
)
INLINE = message(
    body="<x:ExecuteResponse><m:Messages xmlns:m='urn:schemas-microsoft-com:xml-analysis:exception'>"
    "<m:Error ErrorCode='3238789130'/></m:Messages></x:ExecuteResponse>"
)
LOST_1_2 = encode(Envelope(body=session_not_found("abcdefgh", soap="1.2").to_body("soap-1.2"), soap="1.2"))
FAULT_BODY = "<s:Fault><faultcode>s:Client</faultcode></s:Fault>"
FAULT = message(body=FAULT_BODY)
NO_ID = message(session(""))


class Step(NamedTuple):
    """One exchange: the session header of the request, the response, its HTTP status."""

    block: str
    response: bytes | None
    status: int = 200


def play(steps: list[Step], transcript: Transcript | None = None) -> list[str]:
    """Return the codes found, each with its message: 3 for the request of exchange 3, -3 for its answer."""
    transcript = Transcript() if transcript is None else transcript
    found = []
    for number, step in enumerate(steps, 1):
        request = CapturedMessage(str(number), message(step.block), Direction.REQUEST, exchange=str(number))
        placement = transcript.add(check_message(request))
        found += [f"{finding.code} {number}" for finding in placement.findings]
        if step.response is not None:
            response = CapturedMessage(
                str(-number), step.response, Direction.RESPONSE, status=step.status, exchange=str(number)
            )
            placement = transcript.add(check_message(response))
            assert placement.request == str(number)
            found += [f"{finding.code} {-number}" for finding in placement.findings]
    return found + [f"{finding.code} {name}" for name, finding in transcript.close()]


def test_second_response_that_nothing_pairs_belongs_by_its_id() -> None:
    transcript = Transcript()
    transcript.add(check_message(CapturedMessage("1", message(BEGIN), Direction.REQUEST)))
    for _ in range(2):
        placement = transcript.add(check_message(CapturedMessage("-1", GRANT, Direction.RESPONSE)))
        assert placement.findings == ()
    assert placement.session is transcript.sessions[0]
    assert len(transcript.sessions) == 1


def test_record_counts_only_soap_messages_as_responses() -> None:
    transcript = Transcript()
    play([Step(BEGIN, GRANT), Step(USE, b"Bad Gateway", 502), Step(END, OK)], transcript)
    assert [(record.requests, record.responses) for record in transcript.sessions] == [(3, 2)]


def test_record_of_unordered_messages_begins_with_the_earliest() -> None:
    transcript = Transcript()
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    times = [noon, noon + timedelta(hours=1), noon - timedelta(hours=1), noon]
    for number, time in enumerate(times):
        item = CapturedMessage("n", message(USE), Direction.REQUEST, time=time, exchange=str(number))
        transcript.add(check_message(item))
    assert [(record.first, record.last) for record in transcript.sessions] == [(times[2], times[1])]


def test_response_without_direction_rejects_begin_session() -> None:
    transcript = Transcript()
    transcript.add(check_message(CapturedMessage("1", message(BEGIN), Direction.REQUEST, exchange="1")))
    answer = message(BEGIN + session("abcdefgh"), "<x:ExecuteResponse/>")
    placement = transcript.add(check_message(CapturedMessage("-1", answer, exchange="1")))
    assert [finding.code for finding in placement.findings] == [Code.WRONG_DIRECTION]


def states(transcript: Transcript) -> list[State]:
    return [record.state for record in transcript.sessions]


CASES: dict[str, tuple[list[Step], list[str], list[State]]] = {
    "complete": ([Step(BEGIN, GRANT), Step(USE, OK), Step(END, OK)], [], [State.ENDED]),
    "echoes": ([Step(BEGIN, GRANT), Step(USE, GRANT), Step(END, GRANT)], [], [State.ENDED]),
    "not granted": ([Step(BEGIN, OK)], ["session-not-granted -1"], [State.NONE]),
    "granted without an id": ([Step(BEGIN, NO_ID)], ["session-not-granted -1"], [State.NONE]),
    "refused": ([Step(BEGIN, FAULT)], [], [State.NONE]),
    "unexpected": ([Step("", GRANT)], ["unexpected-session -1"], []),
    "implicit": ([Step("", OK), Step("", FAULT)], [], []),
    "another id": (
        [Step(BEGIN, GRANT), Step(USE, message(session("other"))), Step(END, OK)],
        ["session-id-changed -2"],
        [State.ENDED],
    ),
    "another id at the end": (
        [Step(BEGIN, GRANT), Step(END, message(session("other")))],
        ["session-id-changed -2"],
        [State.ENDED],
    ),
    "lost": ([Step(BEGIN, GRANT), Step(USE, OK), Step(USE, LOST)], ["session-lost -3"], [State.LOST]),
    "lost, as a relay says it": ([Step(BEGIN, GRANT), Step(USE, RELAYED)], ["session-lost -2"], [State.LOST]),
    "lost inside an answer": ([Step(BEGIN, GRANT), Step(USE, INLINE)], ["session-lost -2"], [State.LOST]),
    "lost in SOAP 1.2": ([Step(BEGIN, GRANT), Step(USE, LOST_1_2)], ["session-lost -2"], [State.LOST]),
    "lost once": (
        [Step(BEGIN, GRANT), Step(USE, LOST), Step(USE, LOST)],
        ["session-lost -2"],
        [State.LOST],
    ),
    "lost at the end": ([Step(BEGIN, GRANT), Step(END, LOST)], ["session-lost -2"], [State.LOST]),
    "lost, ended": (
        [Step(BEGIN, GRANT), Step(USE, LOST), Step(END, LOST)],
        ["session-lost -2", "unknown-session 3"],
        [State.LOST],
    ),
    "lost and found": (
        [Step(BEGIN, GRANT), Step(USE, LOST), Step(USE, GRANT), Step(END, OK)],
        ["session-lost -2"],
        [State.ENDED],
    ),
    "lost, begun again": (
        [
            Step(BEGIN, GRANT),
            Step(USE, LOST),
            Step(BEGIN, message(session("second"))),
            Step(end("second"), OK),
        ],
        ["session-lost -2"],
        [State.LOST, State.ENDED],
    ),
    "unknown": ([Step(USE, LOST)], ["unknown-session -1"], [State.LOST]),
    "from before": ([Step(USE, OK), Step(END, OK)], [], [State.ENDED]),
    "from before, left": ([Step(USE, OK)], [], [State.ACTIVE]),
    "from before, lost": ([Step(USE, OK), Step(USE, LOST)], ["session-lost -2"], [State.LOST]),
    "from before, refused, lost": ([Step(USE, FAULT), Step(USE, LOST)], ["unknown-session -2"], [State.LOST]),
    "from before, another id, lost": (
        [Step(USE, message(session("other"))), Step(USE, LOST)],
        ["session-id-changed -1", "unknown-session -2"],
        [State.LOST],
    ),
    "an empty id": ([Step(session(""), OK)], ["unknown-session 1"], [State.NONE]),
    "used after its end": (
        [Step(BEGIN, GRANT), Step(END, OK), Step(USE, LOST), Step(END, LOST)],
        ["session-used-after-end 3", "session-used-after-end 4"],
        [State.ENDED],
    ),
    "the same id again": (
        [Step(BEGIN, GRANT), Step(END, OK), Step(BEGIN, GRANT), Step(USE, OK), Step(END, OK)],
        [],
        [State.ENDED, State.ENDED],
    ),
    "never ended": ([Step(BEGIN, GRANT), Step(USE, OK)], ["session-never-ended 1"], [State.ACTIVE]),
    "no answer": (
        [Step(BEGIN, GRANT), Step(USE, None), Step(END, OK)],
        ["request-without-response 2"],
        [State.ENDED],
    ),
    "no answer to BeginSession": (
        [Step("", OK), Step(BEGIN, None)],
        ["request-without-response 2"],
        [State.BEGINNING],
    ),
    "an error page": (
        [Step(BEGIN, GRANT), Step(USE, b"Bad Gateway", 502), Step(END, OK)],
        ["request-without-response -2"],
        [State.ENDED],
    ),
    "an error page after its end": (
        [Step(BEGIN, GRANT), Step(END, OK), Step(USE, b"Bad Gateway", 502)],
        ["session-used-after-end 3", "request-without-response -3"],
        [State.ENDED],
    ),
    "granted with a fault, lost": (
        [
            Step(BEGIN, message(session("abcdefgh"), "<s:Fault><faultcode>s:Client</faultcode></s:Fault>")),
            Step(USE, LOST),
        ],
        ["session-lost -2"],
        [State.LOST],
    ),
    "no answer to EndSession": (
        [Step(BEGIN, GRANT), Step(END, None)],
        ["request-without-response 2", "session-never-ended 1"],
        [State.ENDING],
    ),
    "an error page to BeginSession": (
        [Step(BEGIN, b"Bad Gateway", 502), Step(BEGIN, GRANT), Step(END, OK)],
        ["request-without-response -1"],
        [State.NONE, State.ENDED],
    ),
    "asked for credentials": (
        [Step(BEGIN, b"", 401), Step(BEGIN, GRANT), Step(END, b"", 407), Step(END, OK)],
        [],
        [State.ENDED],
    ),
    # The rules report the message itself. For the transcript it is no answer.
    "an answer that is refused": (
        [Step(BEGIN, GRANT), Step(USE, message(USE + USE)), Step(END, OK)],
        [],
        [State.ENDED],
    ),
    "ambiguous": ([Step(BEGIN + USE, OK), Step(USE, OK)], [], [State.ACTIVE]),
    "a request that is refused": ([Step(USE + USE, OK)], [], []),
    "requests alone": (
        [Step(BEGIN, None), Step(USE, None), Step("", None)],
        [],
        [State.BEGINNING, State.ACTIVE],
    ),
    "BeginSession in a response": ([Step("", message(BEGIN))], [], []),
    "granted with a fault, then used and lost": (
        [Step(BEGIN, message(session("abcdefgh"), body=FAULT_BODY)), Step(USE, LOST)],
        ["session-lost -2"],
        [State.LOST],
    ),
    "from before, refused once, then lost": (
        [Step(USE, OK), Step(USE, FAULT), Step(USE, LOST)],
        ["session-lost -3"],
        [State.LOST],
    ),
    # Neither a fault nor an answer with another id shows that the server knows the session.
    "from before, refused, then lost": (
        [Step(USE, FAULT), Step(USE, LOST)],
        ["unknown-session -2"],
        [State.LOST],
    ),
    "from before, another id, then lost": (
        [Step(USE, message(session("other"))), Step(USE, LOST)],
        ["session-id-changed -1", "unknown-session -2"],
        [State.LOST],
    ),
    "an error page for a session used after its end": (
        [Step(BEGIN, GRANT), Step(END, OK), Step(USE, b"Bad Gateway", 502)],
        ["session-used-after-end 3", "request-without-response -3"],
        [State.ENDED],
    ),
    "ambiguous, answered with a Session": ([Step(BEGIN + USE, GRANT)], [], []),
    "no answer outside a session": (
        [Step("", None), Step("", OK)],
        ["request-without-response 1"],
        [],
    ),
}


@pytest.mark.parametrize(("steps", "expected", "after"), CASES.values(), ids=CASES)
def test_transcript_steps_yield_expected_findings(
    steps: list[Step], expected: list[str], after: list[State]
) -> None:
    transcript = Transcript()
    assert play(steps, transcript) == expected
    assert states(transcript) == after


def test_transcript_cases_cover_every_code() -> None:
    said = {line.split()[0] for _, lines, _ in CASES.values() for line in lines}
    missing = {Code.RESPONSE_WITHOUT_REQUEST}  # it has its own test
    assert said | missing == {
        *("session-not-granted", "unexpected-session", "session-id-changed", "unknown-session"),
        *("session-lost", "session-used-after-end", "session-never-ended", "request-without-response"),
        "response-without-request",
    }


@given(st.permutations(range(6)), st.sampled_from(sorted(CASES)), st.sampled_from(sorted(CASES)))
def test_transcript_interleaved_sessions_stay_apart(order: list[int], one: str, other: str) -> None:
    def renamed(case: str, name: str) -> list[Step]:
        return [
            Step(
                step.block.replace("abcdefgh", name),
                None if step.response is None else step.response.replace(b"abcdefgh", name.encode()),
                step.status,
            )
            for step in CASES[case][0]
        ]

    # Without the findings that depend on other exchanges, or on a session with the same id.
    quiet = {"requests alone", "lost, begun again", "another id", "another id at the end"}
    if one in quiet or other in quiet:
        return
    first, second = renamed(one, "first-id"), renamed(other, "second-id")
    merged: list[tuple[str, int, Step]] = []
    queues = [("a", first), ("b", second)]
    places = [0, 0]
    for chance in order * 2:
        name, steps = queues[chance % 2]
        if places[chance % 2] < len(steps):
            merged.append((name, places[chance % 2] + 1, steps[places[chance % 2]]))
            places[chance % 2] += 1
    for which, (name, steps) in enumerate(queues):
        merged += [(name, place + 1, steps[place]) for place in range(places[which], len(steps))]
    found = play([step for _, _, step in merged])
    expected = []
    for name, case in (("a", one), ("b", other)):
        position = {number: place for place, (whose, number, _) in enumerate(merged, 1) if whose == name}
        for line in CASES[case][1]:
            code, place = line.split()
            expected.append(f"{code} {position[abs(int(place))] * (1 if int(place) > 0 else -1)}")
    assert sorted(found) == sorted(expected)


def test_transcript_answers_in_any_order_find_requests() -> None:
    transcript = Transcript()

    def add(name: str, body: bytes, direction: Direction) -> Any:
        return transcript.add(check_message(CapturedMessage(name, body, direction, exchange=name[0])))

    add("1q", message(BEGIN), Direction.REQUEST)
    add("2q", message(BEGIN), Direction.REQUEST)
    second = add("2a", message(session("second")), Direction.RESPONSE)
    first = add("1a", message(session("first")), Direction.RESPONSE)
    assert (first.request, second.request) == ("1q", "2q")
    assert [record.session_id for record in transcript.sessions] == ["first", "second"]
    assert (first.session.number, second.session.number) == (1, 2)


def test_transcript_stray_response_after_request_is_found() -> None:
    def responses(transcript: Transcript) -> list[Code]:
        stray = CapturedMessage("stray", OK, Direction.RESPONSE, exchange="stray")
        return [finding.code for finding in transcript.add(check_message(stray)).findings]

    transcript = Transcript()
    assert responses(transcript) == []
    request = CapturedMessage("q", message(), Direction.REQUEST, exchange="1")
    transcript.add(check_message(request))
    assert responses(transcript) == [Code.RESPONSE_WITHOUT_REQUEST]


def test_transcript_unpaired_messages_pair_in_order() -> None:
    transcript = Transcript()
    bodies = [message(BEGIN), GRANT, message(USE), OK, message(END), OK]
    for number, body in enumerate(bodies):
        text = body.replace(b"<Execute/>", b"<x:ExecuteResponse/>") if number % 2 else body
        placement = transcript.add(check_message(CapturedMessage(str(number), text)))
        assert placement.direction is (Direction.RESPONSE if number % 2 else Direction.REQUEST)
        assert placement.findings == ()
    assert states(transcript) == [State.ENDED]
    assert transcript.close() == []


def test_lone_response_without_a_session_yields_nothing() -> None:
    transcript = Transcript()
    placement = transcript.add(check_message(CapturedMessage("", message(), Direction.RESPONSE)))
    assert (placement.session, placement.findings, placement.request) == (None, (), None)
    assert transcript.close() == []


def test_lone_response_that_denies_a_session_is_a_finding() -> None:
    transcript = Transcript()
    placement = transcript.add(check_message(CapturedMessage("", LOST)))
    assert (placement.session, [str(found.code) for found in placement.findings]) == (None, ["session-lost"])
    assert transcript.close() == []


def test_transcript_unreadable_entry_has_no_session() -> None:
    transcript = Transcript()
    assert transcript.add(check_message(CapturedMessage("", b"junk"))).direction is None
    assert transcript.sessions == []


def test_record_with_times_keeps_first_and_last() -> None:
    transcript = Transcript()
    start = datetime(2026, 11, 20, tzinfo=UTC)
    for number, (block, after) in enumerate([(BEGIN, 0), (USE, 90), (USE, 30)]):
        for direction, body in ((Direction.REQUEST, message(block)), (Direction.RESPONSE, GRANT)):
            item = CapturedMessage(
                f"{number}{direction}",
                body,
                direction,
                time=start + timedelta(minutes=after),
                exchange=str(number),
            )
            transcript.add(check_message(item))
    (record,) = transcript.sessions
    assert (record.first, record.last) == (start, start + timedelta(minutes=90))
    assert (record.requests, record.responses) == (3, 3)


@pytest.mark.parametrize(
    ("idle", "says"),
    [
        (timedelta(seconds=1), "any more"),
        (timedelta(seconds=1.9), "any more"),
        (timedelta(seconds=2), "any more, 2 seconds after its last use"),
        (timedelta(seconds=119), "any more, 119 seconds after its last use"),
        (timedelta(minutes=2), "any more, 2 minutes after its last use"),
        (timedelta(minutes=119), "any more, 119 minutes after its last use"),
        (timedelta(hours=47), "any more, 47 hours after its last use"),
        (timedelta(days=2), "any more, 2 days after its last use"),
        (timedelta(seconds=90), "any more, 90 seconds after its last use"),
        (timedelta(minutes=35, seconds=59), "any more, 35 minutes after its last use"),
        (timedelta(hours=2), "any more, 2 hours after its last use"),
        (timedelta(days=3), "any more, 3 days after its last use"),
        (timedelta(seconds=-5), "any more"),
        (None, "any more"),
    ],
)
def test_loss_after_idle_time_states_length(idle: timedelta | None, says: str) -> None:
    transcript = Transcript()
    time = datetime(2026, 11, 20, tzinfo=UTC)
    findings: tuple[Finding, ...] = ()
    for number, (block, answer, wait) in enumerate(
        [(BEGIN, GRANT, None), (USE, OK, timedelta(minutes=9)), (USE, LOST, idle)]
    ):
        time = time if wait is None else time + wait
        for direction, body in ((Direction.REQUEST, message(block)), (Direction.RESPONSE, answer)):
            when = None if idle is None else time
            item = CapturedMessage("n", body, direction, time=when, exchange=str(number))
            findings = transcript.add(check_message(item)).findings
    (finding,) = findings
    assert finding.message.endswith(says)


def test_record_repr_masks_id() -> None:
    transcript = Transcript()
    play([Step(BEGIN, GRANT)], transcript)
    (record,) = transcript.sessions
    assert record.session_id == "abcdefgh"
    assert "abcdefgh" not in repr(record)
    assert record.label == "'abcd'… (8 characters)"
    assert SessionRecord(1).label == "without an id"


def test_findings_of_transcript_are_listed_and_mask_id() -> None:
    transcript = Transcript()
    for name in ("lost", "used after its end", "another id", "unknown", "never ended", "an error page"):
        transcript = Transcript()
        for number, step in enumerate(CASES[name][0]):
            for direction, body in (
                (Direction.REQUEST, message(step.block)),
                (Direction.RESPONSE, step.response),
            ):
                assert body is not None
                item = CapturedMessage("n", body, direction, status=step.status, exchange=str(number))
                for finding in transcript.add(check_message(item)).findings:
                    assert finding.severity is RULES[finding.code].severity
                    assert finding.reference == RULES[finding.code].reference
                    assert (finding.line, finding.offset, finding.path) == (None, None, None)
                    assert "abcdefgh" not in repr(finding)
                    assert pickle.loads(pickle.dumps(finding)) == finding


def test_severity_of_lost_and_of_unknown_session() -> None:
    # "The server instance may choose to time out": a time-out breaks no rule.
    assert RULES[Code.SESSION_LOST].severity is Severity.WARNING
    assert RULES[Code.UNKNOWN_SESSION].severity is Severity.ERROR


def test_transcript_wrong_type_raises_type_error() -> None:
    wrong: Any = CapturedMessage("", b"")
    with pytest.raises(TypeError):
        Transcript().add(wrong)


@pytest.mark.parametrize(
    ("header", "body", "direction"),
    [
        *(("", f"<x:{name}/>", Direction.RESPONSE) for name in ("DiscoverResponse", "ExecuteResponse")),
        ("", "<x:AuthenticateResponse/>", Direction.RESPONSE),
        ("", FAULT_BODY, Direction.RESPONSE),
        ("", "<x:Discover/>", Direction.REQUEST),
        # The Body decides before the Header does.
        (BEGIN, "<x:DiscoverResponse/>", Direction.RESPONSE),
        (BEGIN, "", Direction.REQUEST),
        (END, "", Direction.REQUEST),
        ("<v:Other xmlns:v='urn:v'/>", "", None),
        (USE, "", None),
        ("", "", None),
    ],
)
def test_direction_follows_from_the_message(header: str, body: str, direction: Direction | None) -> None:
    item = CapturedMessage("", message(header, body=body))
    assert Transcript().add(check_message(item)).direction is direction


@pytest.mark.parametrize(
    ("status", "expected"),
    [(300, 0), (399, 0), (400, 1), (401, 0), (402, 1), (403, 1), (406, 1), (407, 0), (408, 1)],
)
def test_status_that_asks_for_another_try_is_silent(status: int, expected: int) -> None:
    found = play([Step(BEGIN, GRANT), Step(USE, b"", status), Step(END, OK)])
    assert found == ["request-without-response -2"] * expected


def test_response_after_an_unpaired_response_says_nothing() -> None:
    transcript = Transcript()
    for number, body in enumerate([message(BEGIN), GRANT, OK]):
        direction = Direction.RESPONSE if number else Direction.REQUEST
        placement = transcript.add(check_message(CapturedMessage(str(number), body, direction)))
        assert placement.findings == ()


def test_late_answer_leaves_the_id_to_the_new_session() -> None:
    transcript = Transcript()

    def add(exchange: str, body: bytes, direction: Direction) -> Any:
        return transcript.add(check_message(CapturedMessage("n", body, direction, exchange=exchange)))

    add("1", message(BEGIN), Direction.REQUEST)
    add("1", GRANT, Direction.RESPONSE)
    add("2", message(USE), Direction.REQUEST)
    add("3", message(BEGIN), Direction.REQUEST)
    add("3", GRANT, Direction.RESPONSE)
    assert add("2", OK, Direction.RESPONSE).session.number == 1
    assert add("4", message(USE), Direction.REQUEST).session.number == 2


def test_record_counts_its_findings_and_answers() -> None:
    transcript = Transcript()
    play(
        [
            Step(BEGIN, GRANT),
            Step(USE, b"Bad Gateway", 502),
            Step(USE, message(session("x"))),
            Step(USE, None),
        ],
        transcript,
    )
    (record,) = transcript.sessions
    # The error page, the other id, the request without an answer, the missing EndSession.
    assert (record.requests, record.responses, record.findings) == (4, 2, 4)
    assert SessionRecord(1).findings == 0
