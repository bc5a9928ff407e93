"""The diagnosis: for scripted traffic, the first cause is the truth; for healthy traffic there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xmla_headers.captures import check_message, iter_messages
from xmla_headers.transcript import Cause, Diagnosis, Transcript

from .scenes import NEAREST, SCENES, TELLINGS, Page, Scene

if TYPE_CHECKING:
    from .scenes import Play

PLAYS = [(cause, name, play) for cause, plays in SCENES.items() for name, play in plays.items()]
NAMES = [f"{cause}, {name}" for cause, name, _ in PLAYS]
#: The causes of which a denial by the server is a part, so that it can be told in several ways.
TOLD = ["idle-timeout", "server-restart", "killed", "other-server", "id-changed-by-client", "used-after-end"]
TOLD.append("before-capture")


def followed(data: bytes) -> Transcript:
    transcript = Transcript()
    for message in iter_messages(data, "a.har"):
        transcript.add(check_message(message))
    return transcript


def diagnosed(scene: Scene) -> list[Diagnosis]:
    return followed(scene.har()).diagnosis()


def test_scenes_have_each_cause() -> None:
    assert set(SCENES) == set(Cause)


@pytest.mark.parametrize(("cause", "name", "play"), PLAYS, ids=NAMES)
def test_diagnosis_of_scene_is_the_truth(cause: str, name: str, play: Play) -> None:
    del name
    scene = Scene()
    play(scene)
    first = diagnosed(scene)[0]
    assert first.cause == cause
    assert cause not in first.also


@pytest.mark.parametrize(("cause", "name", "play"), PLAYS, ids=NAMES)
def test_diagnosis_among_healthy_sessions_is_the_truth(cause: str, name: str, play: Play) -> None:
    del name
    scene = Scene()
    scene.healthy(3)
    play(scene)
    scene.healthy(3)
    found = diagnosed(scene)
    assert found[0].cause == cause
    assert {each.cause for each in found} <= {cause, Cause.NO_SOAP_ANSWER}


@pytest.mark.parametrize("telling", TELLINGS.values(), ids=TELLINGS)
@pytest.mark.parametrize("cause", TOLD)
def test_diagnosis_is_the_same_however_the_loss_is_told(cause: str, telling: object) -> None:
    scene = Scene(telling=telling)  # type: ignore[arg-type]
    next(iter(SCENES[cause].values()))(scene)
    assert diagnosed(scene)[0].cause == cause


@pytest.mark.parametrize("cause", sorted(set(SCENES) - {"idle-timeout"}))
def test_diagnosis_without_times_is_the_truth(cause: str) -> None:
    scene = Scene()
    next(iter(SCENES[cause].values()))(scene)
    (first, *_) = followed(scene.har(times=False)).diagnosis()
    assert cause in (first.cause, *first.also)
    assert all(each.time is None for each in first.evidence)


@pytest.mark.parametrize(("play", "truth"), NEAREST.values(), ids=NEAREST)
def test_diagnosis_is_not_the_nearest_other_cause(play: Play, truth: str) -> None:
    scene = Scene()
    play(scene)
    assert diagnosed(scene)[0].cause == truth


def test_diagnosis_of_a_log_finds_the_session_of_each_answer() -> None:
    """Two threads write one log, and nothing pairs their requests with the answers."""
    scene = Scene()
    clients = [scene.client(f"Excel {number}").begin() for number in range(2)]
    scene.restart()
    for client in clients:
        client.use()
    texts = [entry["request"]["postData"]["text"] for entry in scene.entries]
    answers = [entry["response"]["content"]["text"] for entry in scene.entries]
    order = [texts[0], texts[1], answers[0], answers[1], texts[2], texts[3], answers[2], answers[3]]
    log = "".join(f"2026-11-20 09:00:{second:02} {text}\n" for second, text in enumerate(order))
    transcript = Transcript()
    for message in iter_messages(log.encode(), "a.log"):
        transcript.add(check_message(message))
    assert [record.session_id for record in transcript.sessions] == [client.session_id for client in clients]
    assert [each.cause for each in transcript.diagnosis()] == [Cause.SERVER_RESTART] * 2


@pytest.mark.parametrize("order", ["newest first", "shuffled"])
def test_har_in_another_order_is_read_by_time(order: str) -> None:
    scene = Scene()
    scene.healthy(2)
    expected = [message.time for message in iter_messages(scene.har())]
    if order == "newest first":
        scene.entries.reverse()
    else:
        scene.entries = scene.entries[1::2] + scene.entries[::2][::-1]
    found = list(iter_messages(scene.har()))
    assert [message.time for message in found] == expected
    assert {message.name for message in found} == {
        f"entries/{number}/{side}" for number in range(len(scene.entries)) for side in ("request", "response")
    }
    assert followed(scene.har()).diagnosis() == []


def test_har_in_another_order_with_damage_is_read_as_it_stands() -> None:
    scene = Scene()
    scene.healthy(2)
    scene.entries.reverse()
    (whole, damaged) = scene.har(), scene.har()[:-200]
    names = [message.name for message in iter_messages(damaged)]
    assert names[:2] == ["entries/0/request", "entries/0/response"]
    assert [message.name for message in iter_messages(whole)][:1] != names[:1]


def test_diagnosis_of_healthy_traffic_is_empty() -> None:
    scene = Scene()
    scene.healthy(5)
    client = scene.client("NTLM")
    client.begin(Page(401, b"Unauthorized")).begin()
    client.use(instead=Page(401, b"Unauthorized"))
    client.use()
    client.end()
    transcript = followed(scene.har())
    assert transcript.diagnosis() == []
    assert transcript.close() == []
    assert [record.number for record in transcript.sessions] == [1, 2, 3, 4, 5, 6]
