"""The diagnosis: the causes that the evidence does not exclude, what speaks against them, and the words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from xmla_headers import (
    Conversation,
    Direction,
    Envelope,
    Fault,
    Fragment,
    Header,
    Session,
    State,
    encode,
)
from xmla_headers.captures import CapturedMessage, check_message, iter_messages
from xmla_headers.transcript import Cause, SessionRecord, Transcript

from .scenes import Page, Scene
from .test_diagnosis import diagnosed, followed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scenes import Client

XML = (("Content-Type", "text/xml"),)


def fault(text: str, code: str = "Server") -> Page:
    return Page(500, encode(Envelope(body=Fault(code, text).to_body())), XML)


def lose(scene: Scene, client: Client) -> None:
    """The server forgets one session, and the client uses it."""
    scene.kill(client)
    client.use()


def alone(scene: Scene, seconds: float = 0) -> Client:
    """One client loses its session, and there is no other."""
    client = scene.client().begin()
    client.use()
    scene.wait(seconds)
    lose(scene, client)
    return client


def accompanied(scene: Scene, seconds: float = 0) -> None:
    """One client loses its session, and another one's goes on."""
    other, client = scene.client("Report").begin(), scene.client().begin()
    client.use()
    for _ in range(9):
        scene.wait(seconds / 9)
        other.use()
    scene.now = scene.now - timedelta(seconds=9)
    lose(scene, client)
    other.use()
    other.end()


def flapping(scene: Scene) -> None:
    for _ in range(3):
        alone(scene)


def cancelled_by_number(scene: Scene) -> None:
    other, client = scene.client("Studio").begin(), scene.client().begin()
    client.use()
    other.cancel(None)
    lose(scene, client)
    other.use()


def shorter_than_accepted(scene: Scene) -> None:
    """Ten minutes of pause, while another session was accepted after twenty."""
    other, client = scene.client("Report").begin(), scene.client().begin()
    scene.wait(minutes=10)
    client.use()
    scene.wait(minutes=10)
    other.use()
    lose(scene, client)
    other.use()


def from_before_in_a_restart(scene: Scene) -> None:
    old, new = scene.client("Excel 1"), scene.client("Excel 2")
    scene.recording = False
    old.begin()
    scene.recording = True
    new.begin().use()
    scene.restart()
    new.use()
    old.use()


def from_before(scene: Scene) -> None:
    old = scene.client()
    scene.recording = False
    old.begin()
    scene.recording = True
    lose(scene, old)


def from_before_and_cancelled(scene: Scene) -> None:
    old, admin = scene.client(), scene.client("Studio")
    scene.recording = False
    old.begin()
    scene.recording = True
    admin.begin().cancel(old)
    old.use()


def elsewhere_after_a_pause(scene: Scene) -> None:
    client = scene.client().begin()
    scene.wait(minutes=45)
    client.path = "/Finance"
    lose(scene, client)


def ended_and_respelled(scene: Scene) -> None:
    client = scene.client().begin()
    client.end()
    client.session_id = client.session_id.lower()
    client.use()


def by_words(text: str) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        other, client = scene.client("Report").begin(), scene.client().begin()
        client.use()
        client.use(instead=fault(text, "XMLAnalysisError.0xc10c000a"))
        other.use()

    return play


def only_pages(scene: Scene) -> None:
    client = scene.client().begin(Page(502, b"<html>"))
    scene.ask(client, None, instead=Page(502, b"<html>"))


def begun_with_nothing(scene: Scene) -> None:
    scene.healthy(1)
    scene.client().begin(Page(200, b"", XML))


def begun_with_a_page(scene: Scene) -> None:
    scene.healthy(1)
    scene.client().begin(Page(502, b"<html>"))


def redirected(scene: Scene) -> None:
    scene.ask(scene.client(), None, instead=Page(302, b"", (("Location", "http://olap.example/new"),)))


def refused_outside(scene: Scene) -> None:
    scene.ask(scene.client(), None, instead=Page(401, b"Unauthorized"))


def shared_and_denied(scene: Scene) -> None:
    scene.one_id = True
    clients = [scene.client(f"Excel {number}").begin() for number in range(2)]
    scene.wait(minutes=45)
    lose(scene, clients[0])


def after_a_page(scene: Scene) -> None:
    client = scene.client().begin()
    client.use()
    client.use(instead=Page(503, b"<html>"))
    lose(scene, client)


def after_pages(scene: Scene) -> None:
    for _ in range(3):
        after_a_page(scene)


IDLE, RESTART, OTHER, KILLED = "idle-timeout", "server-restart", "other-server", "killed"
BEFORE, NEVER, NO_SOAP = "before-capture", "never-granted", "no-soap-answer"

WEIGHED: dict[str, tuple[Callable[[Scene], object], list[str]]] = {
    "alone, at once": (alone, [RESTART, OTHER, KILLED]),
    "alone, after 90 seconds": (lambda scene: alone(scene, 90), [RESTART, IDLE, OTHER, KILLED]),
    "alone, after 45 minutes": (lambda scene: alone(scene, 2_700), [IDLE, RESTART]),
    "while another goes on": (accompanied, [OTHER, KILLED]),
    "while another goes on, after 90 seconds": (
        lambda scene: accompanied(scene, 90),
        [OTHER, KILLED, IDLE],
    ),
    "while another goes on, after 45 minutes": (lambda scene: accompanied(scene, 2_700), [IDLE]),
    "again and again": (flapping, [OTHER, RESTART, KILLED]),
    "a Cancel by an SPID": (cancelled_by_number, [KILLED, OTHER]),
    "shorter than what was accepted": (shorter_than_accepted, [OTHER, KILLED, IDLE]),
    "after a page": (after_a_page, [RESTART, OTHER, KILLED]),
    "after a page, again and again": (after_pages, [RESTART, OTHER, KILLED]),
    "from before": (from_before, [BEFORE, RESTART, IDLE, OTHER]),
    "from before, cancelled": (from_before_and_cancelled, [KILLED, BEFORE]),
    "elsewhere after a pause": (elsewhere_after_a_pause, [OTHER, IDLE]),
    "ended and in another spelling": (ended_and_respelled, ["used-after-end", "id-changed-by-client"]),
    "words of a time-out": (by_words("The session timed out: it was idle."), [IDLE, OTHER]),
    "words of a restart": (by_words("The server was restarted; the session is gone."), [RESTART, OTHER]),
    "only pages": (only_pages, [NO_SOAP, NEVER]),
    "begun with nothing": (begun_with_nothing, [NO_SOAP, NEVER]),
    "begun with a page": (begun_with_a_page, [NEVER, NO_SOAP]),
    "a redirect": (redirected, [NO_SOAP]),
    "refused outside sessions": (refused_outside, ["not-authenticated", NO_SOAP]),
    "shared and denied": (shared_and_denied, ["granted-twice", IDLE]),
}


@pytest.mark.parametrize(("play", "causes"), WEIGHED.values(), ids=WEIGHED)
def test_diagnosis_names_what_is_not_excluded(play: Callable[[Scene], object], causes: list[str]) -> None:
    scene = Scene()
    play(scene)
    first = diagnosed(scene)[0]
    assert [first.cause, *first.also] == causes


def test_old_session_in_a_restart_is_lost_by_it() -> None:
    scene = Scene()
    from_before_in_a_restart(scene)
    found = diagnosed(scene)
    assert [(each.cause, each.also[:1]) for each in found] == [
        (Cause.SERVER_RESTART, ()),
        (Cause.SERVER_RESTART, (Cause.BEFORE_CAPTURE,)),
    ]


@pytest.mark.parametrize(
    ("seconds", "causes"), [(0, [IDLE, RESTART, OTHER, KILLED]), (2_700, [IDLE, RESTART, OTHER, KILLED])]
)
def test_diagnosis_without_times_knows_no_pause(seconds: int, causes: list[str]) -> None:
    scene = Scene()
    alone(scene, seconds)
    (first,) = followed(scene.har(times=False)).diagnosis()
    assert [first.cause, *first.also] == causes
    assert first.sentence == "session 1 was denied, and nothing says how long it had not been used"


def test_restart_of_one_has_two_facts_against_it() -> None:
    scene = Scene()
    alone(scene)
    assert diagnosed(scene)[0].against == (
        "no other session was lost at the same time",
        "no new session was granted afterwards",
    )
    scene.client().begin()
    assert diagnosed(scene)[0].against == ("no other session was lost at the same time",)


def test_facts_against_other_causes() -> None:
    scene = Scene()
    cancelled_by_number(scene)
    assert diagnosed(scene)[0].against == ("no message names the session that was cancelled",)
    scene = Scene(names_servers=True)
    accompanied(scene)
    assert diagnosed(scene)[0].against == ("the same server had known the session before",)
    scene = Scene(names_servers=True)
    client = scene.client().begin()
    client.server = 1
    client.use()
    assert diagnosed(scene)[0].against == ()


def test_denial_under_unknown_code_counts_until_withdrawn() -> None:
    scene = Scene()
    client = scene.client().begin()
    client.use(instead=fault("Invalid session", "XMLAnalysisError.0x1"))
    assert [each.cause for each in diagnosed(scene)] == [Cause.SERVER_RESTART]
    client.use()
    assert diagnosed(scene) == []


def test_fault_about_something_else_is_no_denial() -> None:
    scene = Scene()
    client = scene.client().begin()
    client.use(instead=fault("The cube was not found in the session catalog"))
    client.use(instead=fault("the session already exists and is not found"))
    scene.entries.pop(1)
    assert diagnosed(scene) == []


def test_page_that_several_sessions_meet_belongs_to_none() -> None:
    scene = Scene()
    one, two = scene.client("a").begin(), scene.client("b").begin()
    page = Page(502, b"<html><title>Bad Gateway</title></html>")
    one.use(2, instead=page)
    (first,) = diagnosed(scene)
    assert (first.session, first.requests) == (1, 2)
    assert first.sentence == "2 requests met no SOAP server, but a page (HTTP 502: Bad Gateway)"
    two.use(instead=page)
    (first,) = diagnosed(scene)
    assert (first.session, first.requests) == (None, 3)
    assert [each.fact for each in first.evidence] == ["first", "last"]


def test_revival_ends_the_loss_and_a_later_loss_counts() -> None:
    scene = Scene()
    client = scene.client().begin()
    client.server = 1
    client.use()
    client.server = 0
    client.use()
    transcript = followed(scene.har())
    (record,) = transcript.sessions
    assert (record.state, record.lost, record.revived) == (
        "active",
        "a.har/entries/1/response",
        "a.har/entries/2/response",
    )
    assert [finding.code for _, finding in transcript.close()] == ["session-never-ended"]
    lose(scene, client)
    (again,) = diagnosed(scene)
    assert again.evidence[-1].message == "a.har/entries/3/response"


def test_cancel_that_a_fault_answers_cancels_nothing() -> None:
    scene = Scene()
    admin, client = scene.client("Studio").begin(), scene.client().begin()
    client.use()
    admin.cancel(client)
    body = encode(Envelope(body=Fault("Server", "no permission").to_body())).decode()
    scene.entries[-1]["response"]["content"]["text"] = body
    client.use()
    admin.use()
    assert diagnosed(scene)[0].cause == Cause.OTHER_SERVER


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (120, "2 minutes"),
        (150, "2 minutes"),
        (7_300, "2 hours"),
        (180_000, "2 days"),
    ],
)
def test_diagnosis_says_the_pause_in_words(seconds: int, said: str) -> None:
    scene = Scene(idle_limit=timedelta(days=30))
    accompanied(scene, seconds - 1)
    assert f"{said} after its last use" in diagnosed(scene)[0].sentence


def test_limit_of_idle_time_is_between_one_and_three_minutes() -> None:
    causes = []
    for seconds in (58, 60, 179, 181):
        scene = Scene()
        accompanied(scene, seconds)
        first = diagnosed(scene)[0]
        causes.append((first.cause == Cause.IDLE_TIMEOUT, Cause.IDLE_TIMEOUT in first.also))
    assert causes == [(False, False), (False, True), (False, True), (True, False)]


def test_begin_session_is_one_try_for_five_minutes() -> None:
    for pause, sessions in ((4, 1), (6, 2)):
        scene = Scene()
        client = scene.client().begin(Page(401, b"Unauthorized"))
        scene.wait(minutes=pause)
        client.begin()
        assert len(followed(scene.har()).sessions) == sessions


def test_tries_of_two_clients_are_told_apart() -> None:
    scene = Scene()
    scene.client("a").begin(Page(401, b"Unauthorized"))
    scene.client("b").begin().end()
    found = diagnosed(scene)
    assert [(each.cause, each.session) for each in found] == [(Cause.NOT_AUTHENTICATED, 1)]


def test_time_that_a_server_accepted_comes_from_any_session() -> None:
    scene = Scene(idle_limit=timedelta(minutes=30))
    client = scene.client().begin()
    scene.wait(minutes=20)
    client.use()
    scene.wait(minutes=20)
    client.use()
    scene.wait(minutes=45)
    client.use()
    (first,) = diagnosed(scene)
    assert first.cause == Cause.IDLE_TIMEOUT
    assert first.against == ()


def test_faults_are_counted_by_code_with_times() -> None:
    scene = Scene()
    client = scene.client().begin()
    for _ in range(2):
        client.use(instead=fault("no cube '8F1C2B3A-4C1D-4E7A-9B60-51A2C7D8E9F0'", "XMLAnalysisError.0xc1"))
    inline = '<r><m:Error xmlns:m="urn:schemas-microsoft-com:xml-analysis:exception" ErrorCode="7"/></r>'
    client.use(instead=Page(200, encode(Envelope(body=Fragment(inline.encode()))), XML))
    first, *_ = followed(scene.har()).faults
    assert (first.code, first.count, first.is_inline) == ("XMLAnalysisError.0xc1", 2, False)
    assert first.text == "no cube '8F1C'… (36 characters)"
    assert first.first is not None
    assert first.last is not None
    assert first.last - first.first == timedelta(seconds=1)


def test_shared_id_has_one_diagnosis() -> None:
    scene = Scene()
    scene.one_id = True
    for number in range(2):
        scene.client(f"Excel {number}").begin().use()
    (first,) = diagnosed(scene)
    assert first.sentence == "sessions 1 and 2 have the same id: the server granted it twice"
    assert [each.fact for each in first.evidence] == ["granted", "granted again"]
    assert not first.is_loss


def test_order_of_a_capture_is_that_of_its_times() -> None:
    """A session that goes on is in a file of its own, after the one that is lost."""
    scene = Scene()
    other = scene.client("Report").begin()
    client = scene.client().begin()
    client.use()
    lose(scene, client)
    other.use()
    messages = list(iter_messages(scene.har()))
    transcript = Transcript()
    for message in (*messages[2:8], *messages[:2], *messages[8:]):
        transcript.add(check_message(message))
    assert transcript.diagnosis()[0].cause == Cause.OTHER_SERVER


def test_words_of_a_time_out_may_be_contradicted() -> None:
    scene = Scene()
    client = scene.client().begin()
    scene.wait(minutes=20)
    client.use()
    client.use(instead=fault("the session timed out", "XMLAnalysisError.0xc10c000a"))
    (first,) = diagnosed(scene)
    assert first.cause == Cause.IDLE_TIMEOUT
    assert first.against == ("another use after 20 minutes was accepted",)


def test_revived_session_has_nothing_against_it() -> None:
    scene = Scene(names_servers=True)
    client = scene.client().begin()
    scene.kill(client)
    client.use()
    scene.servers[0].sessions[client.session_id] = Conversation()
    scene.entries[-1]["response"]["status"] = 500
    client.use(instead=Page(200, encode(Envelope()), XML))
    (first,) = diagnosed(scene)
    assert (first.cause, first.against) == (Cause.OTHER_SERVER, ())


WORDY = "QWERTZUIOPASDFGHJKL"


def test_id_of_another_session_is_masked_in_every_word() -> None:
    """The id is letters alone, and stands in a page and in a fault for somebody else."""
    scene = Scene()
    scene.servers[0].ids = iter([WORDY])
    client = scene.client().begin()
    client.use()
    title = f"<html><title>down {WORDY} token=lettersonly user:secretword@host</title></html>"
    scene.ask(client, None, instead=Page(502, title.encode()))
    said = encode(Envelope(body=Fault(WORDY, f"no {WORDY} with pw=hunterhunter").to_body()))
    scene.ask(client, None, instead=Page(500, said, XML))
    transcript = followed(scene.har())
    told = f"{transcript.diagnosis()} {transcript.faults}"
    for secret in (WORDY, "lettersonly", "secretword", "hunterhunter"):
        assert secret not in told
    assert "'QWER'… (19 characters)" in told


def test_address_and_server_are_compared_without_what_changes() -> None:
    scene = Scene()
    client = scene.client().begin()
    for number in range(3):
        client.path = f"/xmla;jsessionid=PATH{number}?token={number}"
        client.use()
        scene.entries[-1]["response"]["headers"] += [{"name": "Via", "value": f"1.1 gate (request {number})"}]
    lose(scene, client)
    assert diagnosed(scene)[0].cause == Cause.SERVER_RESTART


@pytest.mark.parametrize(
    "words", ["not found; restart your client", "not found; contact your administrator", "has expired"]
)
def test_advice_of_a_server_is_no_cause(words: str) -> None:
    scene = Scene()
    client = scene.client().begin()
    client.use()
    scene.wait(minutes=45)
    client.use(instead=fault(f"the session ID was {words}", "XMLAnalysisError.0xc10c000a"))
    assert diagnosed(scene)[0].cause == Cause.IDLE_TIMEOUT


def test_one_capture_twice_grants_no_id_twice() -> None:
    scene = Scene()
    client = scene.client().begin()
    client.use()
    transcript = Transcript()
    for name in ("a.har", "b.har"):
        for message in iter_messages(scene.har(), name):
            transcript.add(check_message(message))
    assert transcript.diagnosis() == []


def test_answer_without_content_is_no_failure() -> None:
    scene = Scene()
    client = scene.client().begin()
    for status in (202, 204):
        client.use(instead=Page(status, b"", XML))
    transcript = followed(scene.har())
    assert transcript.diagnosis() == []


def test_times_without_a_zone_are_utc() -> None:
    scene = Scene()
    alone(scene, 2_700)
    transcript = Transcript()
    for number, message in enumerate(iter_messages(scene.har())):
        time = message.time
        assert time is not None
        naive = replace(message, time=time.replace(tzinfo=None) if number % 2 else time)
        transcript.add(check_message(naive))
    assert transcript.diagnosis()[0].cause == Cause.IDLE_TIMEOUT
    assert [record.first for record in transcript.sessions] == [datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC)]


def test_many_answers_alone_search_few_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    class Counting(SessionRecord):
        @property
        def state(self) -> State:
            nonlocal seen
            seen += 1
            return State.ENDED

        @state.setter
        def state(self, _: State) -> None:
            pass

    monkeypatch.setattr("xmla_headers.transcript._sessions.SessionRecord", Counting)
    transcript = Transcript()
    for number in range(3_000):
        body = encode(Envelope(Header(Session(f"{number:08}"))))
        transcript.add(check_message(CapturedMessage("", body, Direction.RESPONSE, exchange=f"{number}")))
    seen = 0
    lost = encode(Envelope(body=Fault("XMLAnalysisError.0xc10c000a", "gone").to_body()))
    transcript.add(check_message(CapturedMessage("", lost, Direction.RESPONSE, exchange="x")))
    assert 0 < seen <= 1_000
