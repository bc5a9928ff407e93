"""Rare captures: limits of what is remembered, odd Cancels, users, and secrets in rare places."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from xmla_headers import XMLA_NS, Envelope, Fault, Fragment, Session, decode, encode
from xmla_headers.captures import check_message, iter_messages, redact
from xmla_headers.captures._cancels import cancelled_by
from xmla_headers.transcript import Cause, Transcript
from xmla_headers.transcript._spellings import difference

from .scenes import Page, Scene
from .test_diagnosis import diagnosed, followed
from .test_diagnosis_weights import XML, fault

if TYPE_CHECKING:
    from collections.abc import Callable


def test_kinds_of_failures_and_faults_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmla_headers.transcript._log._MOST", 1)
    scene = Scene()
    client, other = scene.client("a").begin(), scene.client("b")
    for number in range(2):
        for _ in range(2):
            client.use(instead=Page(502, f"<html><title>{'ab'[number]}</title>".encode()))
            client.use(instead=fault("no", f"Server.{'ab'[number]}"))
        for asked in (client, other):
            scene.ask(asked, None, instead=Page(401, b"no"))
            scene.ask(asked, None, instead=Page(401, b"no"))
        scene.client(f"c{number}").begin(Page(401, b"no"))
    client.end()
    lost = encode(Envelope(body=Fault("XMLAnalysisError.0xc10c000a", "gone").to_body()))
    transcript = followed(scene.har())
    for name in ("x", "y"):
        for message in iter_messages(lost, f"{name}-response.xml"):
            transcript.add(check_message(message))
    assert len(transcript.faults) == 1
    causes = [each.cause for each in transcript.diagnosis()]
    assert causes.count(Cause.NO_SOAP_ANSWER) == 1
    assert causes.count(Cause.BEFORE_CAPTURE) <= 1


def test_cancels_of_unknown_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for most, cause in ((1_000, Cause.KILLED), (0, Cause.BEFORE_CAPTURE)):
        monkeypatch.setattr("xmla_headers.transcript._sessions._MOST_UNKNOWN", most)
        scene = Scene()
        old, admin = scene.client(), scene.client("Studio")
        scene.recording = False
        old.begin()
        scene.recording = True
        admin.begin().cancel(old)
        old.use()
        assert diagnosed(scene)[0].cause == cause


def test_id_that_the_server_never_knew_has_no_spellings() -> None:
    scene = Scene()
    client = scene.client()
    for client.session_id in ("8F1C2B3A-0D4E", "8f1c2b3a-0d4e"):
        client.use()
    assert len(followed(scene.har()).sessions) == 2


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("9F2C", "9f2c", "letter case"),
        ("{9F2C}", "9F2C", "braces"),
        ("(9F2C)", "{9F2C}", ""),
        (" 9F2C", "9F2C", "white space"),
        ("{9f2c} ", "9F2C", "letter case and braces and white space"),
    ],
)
def test_difference_of_spellings_is_named(one: str, other: str, found: str) -> None:
    assert difference(one, other) == found


def _redirected(scene: Scene) -> None:
    scene.client().begin(Page(302, b"", (("Location", "http://olap.example/new"),)))


def _expired_login(scene: Scene) -> None:
    client = scene.client().begin()
    client.use()
    for _ in range(2):
        client.use(instead=Page(401, b"Unauthorized"))


def _ended_and_refused(scene: Scene) -> None:
    client = scene.client().begin()
    client.end()
    client.use(instead=fault("no"))


@pytest.mark.parametrize(
    ("play", "cause", "words"),
    [
        (_redirected, "no-soap-answer", "1 request met no SOAP server, but a redirect (HTTP 302)"),
        (
            _expired_login,
            "not-authenticated",
            "session 1 was accepted first, and then refused 2 times for want of credentials",
        ),
        (_ended_and_refused, "used-after-end", "session 1 was used after the client had ended it"),
    ],
)
def test_rare_failure_is_told(play: Callable[[Scene], None], cause: str, words: str) -> None:
    scene = Scene()
    play(scene)
    first = diagnosed(scene)[0]
    assert (first.cause, first.sentence) == (cause, words)


def test_end_without_an_answer_is_forgotten_by_the_next_use() -> None:
    scene = Scene()
    client = scene.client().begin()
    kept = dict(scene.servers[0].sessions)
    client.end()
    scene.entries[-1]["response"] = {"status": 0, "headers": [], "content": {"size": 0}}
    scene.servers[0].sessions.update(kept)
    client.use()
    scene.kill(client)
    client.use()
    assert diagnosed(scene)[0].cause == Cause.SERVER_RESTART


def test_refused_cancel_leaves_the_one_before_it() -> None:
    scene = Scene()
    admin, client = scene.client("Studio").begin(), scene.client().begin()
    admin.cancel(client)
    scene.ask(admin, Session(admin.session_id), body=_cancel(client.session_id), instead=fault("no"))
    client.use()
    (first,) = (each for each in diagnosed(scene) if each.cause == Cause.KILLED)
    assert first.sentence.startswith("session 2 was cancelled by session 1")


def _cancel(session_id: str, more: str = "") -> Fragment:
    xml = f"<Execute><Command><Cancel><SessionID>{session_id}</SessionID></Cancel></Command>{more}</Execute>"
    return Fragment(xml.encode())


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (_cancel("8f1c"), ("8f1c",)),
        (Fragment(b"<Execute><Command><Cancel/></Command></Execute>"), ()),
        (Fragment(b"<Execute><Cancelled/></Execute>"), ()),
        (_cancel("8f1c", "x" * 70_000), ()),
        (Fragment(b"<Execute><Cancel><SPID>7</SPID></Cancel></Execute>"), ("",)),
    ],
)
def test_cancel_names_its_session(body: Fragment, found: tuple[str, ...]) -> None:
    assert cancelled_by(body) == found


def test_cancel_in_a_body_that_no_tree_can_hold_names_nothing() -> None:
    deep = b"<a>" * 3_000 + b"</a>" * 3_000
    data = encode(Envelope(body=Fragment(b"<Execute><Cancel/></Execute>")))
    envelope = decode(data.replace(b"<Cancel/>", b"<Cancel/>" + deep))
    assert cancelled_by(envelope.body) == ()


def test_disordered_har_without_a_time_is_read_as_it_stands() -> None:
    scene = Scene()
    scene.healthy(1)
    scene.entries.reverse()
    del scene.entries[-1]["startedDateTime"]
    names = [message.name for message in iter_messages(scene.har())]
    assert names[0] == "entries/0/request"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            b"<UserName>bob</UserName><UserName></UserName><UserName><a/></UserName>",
            b"<UserName>user-1</UserName><UserName></UserName><UserName><a/></UserName>",
        ),
        (b"curl -u bob:hunter2 http://h/", b"curl -u  http://h/"),
        (b"client_secret_token=hunter2abc", b"client_secret_token="),
        (b'name="Password" value="hunter2"', b'name="Password" value="hunter2"'),
    ],
)
def test_rare_secret_in_a_text_is_redacted(text: bytes, redacted: bytes) -> None:
    assert redact(text, insist=True, users=True).data == redacted


def test_user_in_a_parameter_of_a_har_is_redacted() -> None:
    scene = Scene()
    scene.healthy(1, uses=1)
    scene.entries[0]["request"]["queryString"] = [{"name": "UserName", "value": "bob"}]
    found = json.loads(redact(scene.har(), "a.har", users=True).data)
    assert found["log"]["entries"][0]["request"]["queryString"] == [{"name": "UserName", "value": "user-1"}]


def test_transcript_of_nothing_says_nothing() -> None:
    transcript = Transcript()
    assert (transcript.diagnosis(), transcript.faults, transcript.close()) == ([], [], [])
    assert XML


def test_cancel_that_a_use_outlived_is_not_refused_again() -> None:
    """The answer to the Cancel comes after the use that shows that it did nothing."""
    scene = Scene()
    admin, client = scene.client("Studio").begin(), scene.client().begin()
    kept = dict(scene.servers[0].sessions)
    scene.ask(admin, Session(admin.session_id), body=_cancel(client.session_id), instead=fault("no"))
    scene.servers[0].sessions.update(kept)
    client.use()
    messages = list(iter_messages(scene.har()))
    transcript = Transcript()
    for message in (*messages[:5], *messages[6:], messages[5]):
        transcript.add(check_message(message))
    assert transcript.diagnosis() == []


@pytest.mark.parametrize(
    "text",
    [
        b'Password=\r\n"abcdefg1"',
        b"token=password=hunter2",
        b"session_token_secret: hunter2",
        b"-u\r\npassword",
    ],
)
def test_rare_spelling_keeps_the_lines(text: bytes) -> None:
    found = redact(text, insist=True).data
    assert found.count(b"\n") == text.count(b"\n")
    assert b"hunter2" not in found


def test_pseudonym_of_a_spelling_avoids_words_of_the_capture() -> None:
    ids = ("ABCDEF12-3456", "abcdef12-3456", "Session-1", "session-1")
    text = "".join(f'<x:Session xmlns:x="{XMLA_NS}" SessionId="{each}"/>' for each in ids)
    data = f"<a>{text}<b>Session-1 session-1 SESSION-1</b></a>".encode()
    found = redact(data, insist=True).data
    assert not [each for each in ids[:2] if each.encode() in found]
    assert len(set(re.findall(rb'SessionId="([^"]*)"', found))) == len(ids)
