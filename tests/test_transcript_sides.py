"""Sessions of captures that have one side only, in any order, or whose ids are in fields of HTTP."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture_files import BEGIN, Exchange, end, har, lost, message, session
from tests.test_capture_streams import FIELD, answer, post
from tests.test_cli_captures import run
from xmla_headers.captures import CapturedMessage, check_message, iter_messages
from xmla_headers.conversation import State
from xmla_headers.soap import Direction
from xmla_headers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ID = "5DFD4D06-0000-4000-8000-000000000001"
FIELDS = (("X-AS-SessionID", ID),)
DISCOVER = message(body="<x:Discover/>")
#: BeginSession, three uses, and the loss.
ASKED = [message(BEGIN), *[message(session(ID))] * 3]
SAID = [message(session(ID)), message(), message(), lost(ID)]


def follow(messages: Iterable[CapturedMessage]) -> tuple[Transcript, list[str]]:
    """Return the transcript, and the names and codes of its findings."""
    transcript, found = Transcript(), []
    for item in messages:
        checked = check_message(item)
        found += [
            f"{item.name} {each.code}" for each in (*checked.findings, *transcript.add(checked).findings)
        ]
    return transcript, [*found, *(f"{name} {each.code}" for name, each in transcript.close())]


def states(transcript: Transcript) -> list[tuple[str, int, int]]:
    return [(record.state, record.requests, record.responses) for record in transcript.sessions]


# -- any order -------------------------------------------------------------------------------------------


def _orders() -> list[str]:
    """Return orders of four requests (q) and four answers (a), each side in its own order."""
    return sorted({"".join(order) for order in permutations("qqqqaaaa")} - {"aqaqaqaq"})


@pytest.mark.parametrize(
    "order", ["qaqaqaqa", "qqqqaaaa", "aaaaqqqq", "qqaaqaqa", "qaqqaaqa", "qqaqaqaa", "qaaqqaqa"]
)
def test_stream_in_any_order_is_one_session(order: str) -> None:
    _check_order(order)


@pytest.mark.slow
def test_stream_in_every_order_is_one_session() -> None:
    for order in _orders():
        # Answers that directly follow a request answer it: such an order says another story.
        if "aa" in order:
            _check_order(order)


def _check_order(order: str) -> None:
    sides = {"q": map(post, ASKED), "a": map(answer, SAID)}
    data = b"".join(next(sides[side]) for side in order)
    transcript, found = follow(iter_messages(data))
    assert states(transcript) == [(State.LOST, 4, 4)], order
    assert found == ["response/3 session-lost"], order


@pytest.mark.parametrize(
    ("order", "pairs"),
    [
        ("qqaqa", {"request/0": None, "request/1": "response/0", "request/2": "response/1"}),
        ("aqaqa", {"request/0": "response/1", "request/1": "response/2"}),
        ("qaqqa", {"request/0": "response/0", "request/1": None, "request/2": "response/1"}),
        ("qqqaa", {"request/0": "response/0", "request/1": "response/1", "request/2": None}),
        ("aq", {"request/0": "response/0"}),
        ("qaaqaqa", {"request/0": "response/0", "request/1": "response/2", "request/2": "response/3"}),
        ("aaaqq", {"request/0": "response/0", "request/1": "response/1"}),
    ],
)
def test_stream_that_lacks_messages_pairs_the_others(order: str, pairs: dict[str, str | None]) -> None:
    data = b"".join(post() if side == "q" else answer() for side in order)
    found = list(iter_messages(data))
    answers = {item.exchange: item.name for item in found if item.direction is Direction.RESPONSE}
    assert {item.name: answers.get(item.exchange) for item in found if item.name in pairs} == pairs
    assert len({(item.exchange, item.direction) for item in found}) == len(order)


def test_joined_capture_of_the_field_is_one_session() -> None:
    transcript, found = follow(iter_messages((FIELD / "capt-joined.http").read_bytes()))
    assert states(transcript) == [(State.LOST, 3, 3)]
    assert found == ["response/2 session-lost"]


# -- one side ----------------------------------------------------------------------------------------------


def test_answers_alone_show_grant_and_loss() -> None:
    transcript, found = follow(iter_messages((FIELD / "capt-resp_only.http").read_bytes()))
    assert found == ["response/2 session-lost"]
    assert states(transcript) == [(State.LOST, 0, 2)]
    assert transcript.one_side is Direction.RESPONSE


@pytest.mark.parametrize("make", [post, answer])
def test_one_side_is_said_once_in_each_report(make: Any, tmp_path: Path) -> None:
    bodies = ASKED if make is post else SAID[:3]
    path = tmp_path / "a.http"
    path.write_bytes(b"".join(map(make, bodies)))
    has, lacks = ("request", "response") if make is post else ("response", "request")
    _, out, _ = run("check", path)
    assert out.count(f"one side: the capture has {has}s, and no {lacks}") == 1
    _, out, _ = run("check", "--format", "github", path)
    assert out.count("one side: ") == 1
    _, out, _ = run("check", "--format", "json", path)
    assert json.loads(out)["one_side"] == has


@pytest.mark.parametrize("name", ["1-request.xml", "1-response.xml", "1.xml"])
def test_bare_message_is_not_called_one_side(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(message())
    _, out, _ = run("check", tmp_path)
    assert "one side" not in out
    _, out, _ = run("check", "--format", "json", tmp_path)
    assert json.loads(out)["one_side"] is None


def test_capture_with_both_sides_is_not_called_one_side() -> None:
    for data in (post() + answer(), answer() + post()):
        assert follow(iter_messages(data))[0].one_side is None


def _answers(*bodies: bytes) -> list[CapturedMessage]:
    return [CapturedMessage(f"{number}", body, Direction.RESPONSE) for number, body in enumerate(bodies)]


def test_loss_alone_belongs_to_the_session_that_it_names() -> None:
    grants = [message(session("aaaa-1")), message(session("bbbb-2"))]
    transcript, found = follow(
        _answers(*grants, lost("aaaa-1"), lost("other"), lost("bbbb-2"), lost("bbbb-2"))
    )
    assert [record.lost for record in transcript.sessions] == ["2", "4"]
    # The fourth answer denies an id that nobody has.
    assert found == ["2 session-lost", "3 session-lost", "4 session-lost"]


def test_loss_alone_of_two_sessions_has_no_session() -> None:
    fault = lost("").replace(b"The '' session", b"The session")
    transcript, found = follow(_answers(message(session("aaaa-1")), message(session("bbbb-2")), fault))
    assert found == ["2 session-lost"]
    assert [record.state for record in transcript.sessions] == [State.ACTIVE] * 2


def test_grant_alone_after_a_loss_is_another_session() -> None:
    transcript, _ = follow(_answers(message(session("a")), lost("a"), message(session("a"))))
    assert [record.state for record in transcript.sessions] == [State.LOST, State.ACTIVE]


def test_answer_without_its_request_is_a_finding_and_counts() -> None:
    transcript, found = follow(iter_messages(post(ASKED[0]) + answer(SAID[0]) + answer(SAID[3])))
    assert found == ["response/1 response-without-request", "response/1 session-lost"]
    assert states(transcript) == [(State.LOST, 1, 2)]


def test_har_without_request_bodies_has_grant_and_loss() -> None:
    def change(document: dict[str, Any]) -> None:
        for entry in document["log"]["entries"]:
            entry["request"] |= {"bodySize": -1, "postData": None}

    data = har(
        [Exchange(message(BEGIN), message(session(ID))), Exchange(message(session(ID)), lost(ID), 500)],
        change,
    )
    transcript, found = follow(iter_messages(data))
    assert states(transcript) == [(State.LOST, 0, 2)]
    assert found == ["entries/0/request broken-capture", "entries/1/response session-lost"]


# -- continuations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "incomplete"),
    [
        ([b"\0"], []),
        ([b"\1"], [0]),
        ([b"\1", b"\0"], []),
        ([b"\1", b"\1"], [1]),
        ([b"\1", b"\1", b"\0"], []),
        ([b"\1", b""], [0]),
        ([b"\0", b"\1"], [1]),
    ],
)
@pytest.mark.parametrize("in_session", [False, True])
def test_continuation_that_never_comes_is_a_finding(
    ends: list[bytes], incomplete: list[int], *, in_session: bool
) -> None:
    request = message(session(ID)) if in_session else message()
    transcript, found = follow(
        iter_messages(b"".join(post(request) + answer(message() + byte) for byte in ends))
    )
    assert found == [f"response/{number} incomplete-answer" for number in incomplete]
    assert sum(record.findings for record in transcript.sessions) == len(incomplete) * in_session


def test_continuation_of_another_session_does_not_count() -> None:
    data = post(message(session("a"))) + answer(message() + b"\1")
    data += post(message(session("b"))) + answer(message() + b"\0")
    assert follow(iter_messages(data))[1] == ["response/0 incomplete-answer"]


@pytest.mark.parametrize("name", ["a.resp.xml", "a.xml"])
@pytest.mark.parametrize("body", [message(body="<x:ExecuteResponse/>"), b"<a/>"])
def test_continuation_byte_means_an_answer(name: str, body: bytes) -> None:
    transcript, found = follow(iter_messages(body + b"\1", name))
    assert found[-1] == f"{name} incomplete-answer"
    assert transcript.sessions == []


def test_check_of_an_incomplete_answer_warns() -> None:
    path = FIELD / "01b-powerbi-continuation-byte.resp.xml"
    status, out, _ = run("check", path)
    assert (status, out.count("warning[incomplete-answer]")) == (0, 1)
    assert run("check", "--refuse", "incomplete-answer", path)[0] == 1


# -- session ids in fields of HTTP -------------------------------------------------------------------------


def _exchange(number: int, request: CapturedMessage, response: CapturedMessage) -> list[CapturedMessage]:
    return [request.paired(str(number)), response.paired(str(number))]


def _asked(body: bytes, *fields: tuple[str, str]) -> CapturedMessage:
    return CapturedMessage("q", body, Direction.REQUEST, headers=fields)


def _said(body: bytes, *fields: tuple[str, str]) -> CapturedMessage:
    return CapturedMessage("a", body, Direction.RESPONSE, headers=fields)


@pytest.mark.parametrize("name", ["X-AS-SessionID", "x-ms-xmlasession-id"])
def test_session_in_fields_of_http_is_followed(name: str) -> None:
    field = (name, ID)
    messages = [
        *_exchange(0, _asked(message(BEGIN)), _said(message(), field)),
        *_exchange(1, _asked(DISCOVER, field), _said(message(), field)),
        *_exchange(2, _asked(message(session(ID)), field), _said(message(), field)),
        *_exchange(3, _asked(message(end(ID)), field), _said(message(), field)),
    ]
    transcript, found = follow(messages)
    assert (states(transcript), found) == ([(State.ENDED, 4, 4)], [])
    assert transcript.sessions[0].session_id == ID


def test_session_in_fields_of_http_is_lost() -> None:
    messages = [
        *_exchange(0, _asked(DISCOVER, *FIELDS), _said(message(), *FIELDS)),
        *_exchange(1, _asked(DISCOVER, *FIELDS), _said(lost(ID), *FIELDS)),
    ]
    transcript, found = follow(messages)
    assert (states(transcript), found) == ([(State.LOST, 2, 2)], ["a session-lost"])


def test_session_header_is_stronger_than_the_field() -> None:
    other = ("X-AS-SessionID", "other")
    transcript, found = follow(
        _exchange(0, _asked(message(session(ID)), other), _said(message(session(ID)), other))
    )
    assert found == ["q session-field-mismatch", "a session-field-mismatch"]
    assert [record.session_id for record in transcript.sessions] == [ID]


def test_answer_with_another_session_in_its_field_is_a_finding() -> None:
    _, found = follow(
        _exchange(0, _asked(message(session(ID))), _said(message(), ("X-AS-SessionID", "other")))
    )
    assert found == ["a session-id-changed"]


def test_answer_with_a_field_outside_any_session_says_nothing() -> None:
    transcript, found = follow(_exchange(0, _asked(DISCOVER), _said(message(), *FIELDS)))
    assert (transcript.sessions, found) == ([], [])


def test_session_in_a_field_of_an_answer_alone_is_followed() -> None:
    transcript, _ = follow([_said(message(), *FIELDS)])
    assert states(transcript) == [(State.ACTIVE, 0, 1)]


def test_check_in_processes_follows_sessions_in_fields(tmp_path: Path) -> None:
    fields = f"X-AS-SessionID: {ID}\r\n".encode()
    for number in range(3):
        (tmp_path / f"{number}.http").write_bytes(post(DISCOVER, fields=fields) + answer(message() + b"\1"))
    _, alone, _ = run("check", "--format", "json", tmp_path)
    _, shared, _ = run("check", "--format", "json", "--jobs", "2", tmp_path)
    assert alone == shared
    document = json.loads(alone)
    assert [record["requests"] for record in document["sessions"]] == [3]
    assert [found["code"] for found in document["left"]] == ["incomplete-answer"]
