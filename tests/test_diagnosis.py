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
