"""The report of check in text: the verdict first, the diagnoses, the findings by code, and what is chosen."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from xmla_headers._printable import columns_of

from .capture_files import message
from .scenes import SCENES, Page, Scene
from .test_cli import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene() -> Scene:
    """A session that times out after two that were well."""
    scene = Scene()
    scene.healthy(2)
    next(iter(SCENES["idle-timeout"].values()))(scene)
    return scene


def checked(scene: Scene, folder: Path, *options: str) -> list[str]:
    path = folder / "a.har"
    path.write_bytes(scene.har())
    status, out, err = run("check", *options, path)
    assert (status, err) == (0, "")
    return out.splitlines()


def test_report_begins_with_verdict_and_the_lost_session(scene: Scene, tmp_path: Path) -> None:
    lines = checked(scene, tmp_path)
    assert lines[0] == "1 of 4 sessions was lost"
    assert lines[1] == "session 3, '1000'… (36 characters): idle-timeout"
    (fault,) = (line for line in lines if line.startswith("fault "))
    assert fault.startswith(
        "fault XMLAnalysisError.0xc10c000a once, 2026-11-20 09:45:24: Session '1000'… (36 "
    )
    assert lines[-2] == "3 sessions without trouble: 3 ended"


def test_report_counts_each_kind_of_failure(tmp_path: Path) -> None:
    scene = Scene()
    scene.healthy(1)
    scene.client("a").begin(Page(401, b"no"))
    scene.client("b").begin(Page(500, message(body="<s:Fault><faultcode>s:Server</faultcode></s:Fault>")))
    client = scene.client("c").begin()
    client.use(2, instead=Page(502, b"<html><title>Bad Gateway</title></html>"))
    client.end()
    assert checked(scene, tmp_path)[0] == (
        "none of 4 sessions was lost; 1 session never granted; 1 session not authenticated;"
        " 2 requests met no SOAP server"
    )


def test_report_of_messages_without_sessions_has_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(message())
    assert run("check", path)[1] == "1 message checked: 0 refused, 0 warnings\n"


def test_report_tells_three_of_a_kind_and_all_if_asked(tmp_path: Path) -> None:
    scene = Scene()
    clients = [scene.client(f"client {number}").begin() for number in range(6)]
    scene.restart()
    for client in clients:
        client.use()
    short, full = checked(scene, tmp_path), checked(scene, tmp_path, "--all")
    assert sum("server-restart" in line and line.startswith("session") for line in short) == 3
    assert "    and 3 more of server-restart: sessions 4, 5, 6" in short
    assert sum("warning[session-lost]" in line for line in short) == 3
    assert "    and 3 more [session-lost] (--all prints each)" in short
    assert sum("server-restart" in line and line.startswith("session") for line in full) == 6
    assert sum("warning[session-lost]" in line for line in full) == 6
    assert not [line for line in full if line.startswith("    and ")]


def test_report_of_one_lost_among_fifty_fits_a_screen(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    scene.healthy(46)
    path = tmp_path / "a.har"
    path.write_bytes(scene.har())
    monkeypatch.chdir(tmp_path)
    lines = run("check", "a.har", terminal=True)[1].splitlines()
    assert lines[0] == "1 of 50 sessions was lost"
    assert len(lines) <= 24
    assert max(map(columns_of, lines)) <= 80


def test_only_lost_tells_lost_sessions_alone(scene: Scene, tmp_path: Path) -> None:
    scene.client("b").begin(Page(401, b"no"))
    lines = checked(scene, tmp_path, "--only", "lost")
    # The other failure is not told, but it is not denied.
    assert lines[0] == "1 of 5 sessions was lost; 1 session not authenticated"
    assert [line for line in lines if line.startswith("session ")] == [lines[1]]
    assert not [line for line in lines if "warning[" in line or "fault" in line[:5] or "trouble" in line]


def test_session_tells_that_session_alone(scene: Scene, tmp_path: Path) -> None:
    assert checked(scene, tmp_path, "--session", "1")[:2] == [
        "none of 1 session was lost",
        "1 session without trouble: 1 ended",
    ]
    for options in (["--session", "3", "--session", "1"], ["--session", "3, 1"]):
        assert checked(scene, tmp_path, *options)[0] == "1 of 2 sessions was lost"
    document = json.loads("\n".join(checked(scene, tmp_path, "--session", "3", "--format", "json")))
    assert {item["session"] for item in document["messages"]} == {3}
    assert [each["session"] for each in document["diagnosis"]] == [3]


@pytest.mark.parametrize(
    "options", [[], ["--only", "lost"], ["--session", "1"], ["--since", "00:00"], ["--until", "09:00:05"]]
)
def test_timeline_has_the_verdict_of_check(scene: Scene, tmp_path: Path, options: list[str]) -> None:
    for name in ("c", "d"):
        scene.client(name).begin().use(instead=Page(502, b"<html/>"))
    verdict = checked(scene, tmp_path, *options)[0]
    assert "of" in verdict
    shown = run("timeline", *options, tmp_path / "a.har")[1].splitlines()
    assert shown[shown.index("") + 1] == verdict
    page = tmp_path / "a.html"
    run("timeline", *options, "-o", page, tmp_path / "a.har")
    (said,) = re.findall(r'<p class="verdict">(.*?)</p>', page.read_text(encoding="utf-8"))
    assert re.sub("<[^>]*>", "", said) == verdict


@pytest.mark.parametrize(
    ("options", "sessions"),
    [
        (["--since", "09:40"], [3, 4]),
        (["--since", "9:40"], [3, 4]),
        (["--until", "09:00:05"], [1]),
        (["--since", "2026-11-20T09:40:00+00:00"], [3, 4]),
        (["--until", "2026-11-20T09:00:05Z"], [1]),
        (["--since", "2026-11-20 10:00", "--until", "2026-11-20 09:00"], []),
        (["--since", "2026-11-21"], []),
        (["--since", "09:00", "--until", "10:00"], [1, 2, 3, 4]),
    ],
)
def test_since_and_until_tell_that_time_alone(
    scene: Scene, tmp_path: Path, options: list[str], sessions: list[int]
) -> None:
    document = json.loads("\n".join(checked(scene, tmp_path, "--format", "json", *options)))
    assert [each["number"] for each in document["sessions"]] == sessions
    assert sorted({item["session"] for item in document["messages"]}) == sessions
    assert len(document["diagnosis"]) == (3 in sessions)


def test_times_are_told_apart_from_messages_without_time(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(scene.har(times=False))
    assert run("check", "--since", "00:00", path)[1].splitlines() == [
        "nothing chosen: no session is of that number or time",
        f"{2 * len(scene.entries)} messages checked: 0 refused, 1 warning",
    ]


def test_choice_changes_neither_exit_status_nor_counts(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(scene.har())
    for options in (["--only", "lost"], ["--session", "1"], ["--since", "23:00"]):
        status, out, _ = run("check", "--strict", *options, path)
        assert status == 1
        assert out.splitlines()[-1].endswith("1 refused, 1 warning")


@pytest.mark.parametrize(
    ("option", "value"), [("--session", "0"), ("--session", "x"), ("--since", "noon"), ("--only", "healthy")]
)
def test_wrong_choice_is_a_usage_error(tmp_path: Path, option: str, value: str) -> None:
    with pytest.raises(SystemExit) as raised:
        run("check", option, value, tmp_path)
    assert raised.value.code == 2


def test_report_shows_no_session_id(tmp_path: Path) -> None:
    for cause, plays in SCENES.items():
        for play in plays.values():
            scene = Scene()
            client = play(scene)
            for form in ("text", "json", "github"):
                (tmp_path / "a.har").write_bytes(scene.har())
                text = run("check", "--format", form, tmp_path / "a.har")[1]
                assert cause in text or form == "github"
                assert not client.session_id or client.session_id.strip("{}") not in text
