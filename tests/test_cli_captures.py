"""The commands on captures: every format, one process and several, complete and interrupted."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pytest

from xmla_headers import cli
from xmla_headers.cli import _console, _inputs, _judging, _sharing

from .capture_files import (
    BEGIN,
    Exchange,
    har,
    http_request,
    http_response,
    lost,
    message,
    recorded,
    saz,
    session,
    stream,
)
from .test_cli import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ID = "9F2C1B7E-3D54-4A0B"
STORY = [
    Exchange(message(BEGIN), message(session(ID))),
    Exchange(message(session(ID)), message()),
    Exchange(message(session(ID)), lost(ID), 500),
    Exchange(message(), message()),
]
FORMATS: dict[str, Callable[[list[Exchange]], bytes]] = {"har": har, "saz": saz, "http": stream}


def run(*arguments: str | Path, terminal: bool = False) -> tuple[int, str, str]:
    out, err = Terminal() if terminal else io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Captures in all formats, and the recordings as a folder of messages."""
    for name, make in FORMATS.items():
        (tmp_path / f"story.{name}").write_bytes(make(STORY))
    messages = tmp_path / "messages"
    messages.mkdir()
    for number, exchange in enumerate(recorded(), 1):
        assert exchange.response is not None
        (messages / f"request-{number}.xml").write_bytes(exchange.request)
        (messages / f"response-{number}.xml").write_bytes(exchange.response)
    raw = tmp_path / "raw"
    raw.mkdir()
    for number, exchange in enumerate(STORY, 9):
        (raw / f"{number}_c.txt").write_bytes(http_request(exchange))
        (raw / f"{number}_s.txt").write_bytes(http_response(exchange, "chunked gzip"))
    return tmp_path


@pytest.mark.parametrize("name", ["story.har", "story.saz", "story.http", "raw"])
def test_check_every_format_states_lost_session(folder: Path, name: str) -> None:
    status, out, err = run("check", folder / name)
    lines = out.splitlines()
    idle = ", 60 seconds after its last use" if name in ("story.har", "story.saz") else ""
    assert [re.sub(r".*: (?=warning)", "", line) for line in lines if "warning[" in line] == [
        f"warning[session-lost]: the server does not know the session any more{idle}",
    ]
    assert "hint: begin a new session, and repeat the request" in out
    assert lines[0] == "1 of 1 session was lost"
    assert lines[1].startswith("session 1, '9F2C'… (18 characters): ")
    assert lines[-1] == "8 messages checked: 0 refused, 1 warning"
    assert (status, err) == (0, "")
    assert ID not in out
    assert run("check", "--refuse", "session-lost", folder / name)[0] == 1
    assert run("check", "--ignore", "session-lost", folder / name)[1].splitlines()[-1].endswith("0 warnings")


def test_check_folder_pairs_messages_by_name(folder: Path) -> None:
    _, out, _ = run("check", folder / "messages")
    assert out.startswith("none of 3 sessions was lost\n")
    assert "\n3 sessions without trouble: 1 not ended in this capture, 2 ended\n" in out
    assert "request-6.xml: warning[session-never-ended]" in out


def test_check_direction_comes_from_capture(tmp_path: Path) -> None:
    exchange = Exchange(message(BEGIN), message(BEGIN))
    for name, make in FORMATS.items():
        path = tmp_path / f"a.{name}"
        path.write_bytes(make([exchange]))
        assert "error[wrong-direction]" in run("check", path)[1]
    path = tmp_path / "a-response.xml"
    path.write_bytes(message(BEGIN))
    assert run("check", path)[0] == 1
    assert run("check", "--direction", "request", path)[0] == 1


def test_check_folder_is_one_capture(folder: Path) -> None:
    status, out, err = run("check", folder)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("46 messages checked: 0 refused")


@pytest.mark.slow
def test_check_jobs_do_not_change_the_report(folder: Path) -> None:
    for options in ([], ["--format", "json"], ["--format", "github"], ["--strict"], ["--quiet"]):
        assert run("check", "--jobs", "2", *options, folder) == run("check", *options, folder)
    assert run("check", "--jobs", "0", folder) == run("check", folder)


def test_check_json_has_sessions_and_directions(folder: Path) -> None:
    _, out, _ = run("check", "--format", "json", folder / "story.har")
    document = json.loads(out)
    assert list(document) == [
        "messages",
        "left",
        "sessions",
        "diagnosis",
        "faults",
        "unreadable",
        "interrupted",
        "one_side",
        "summary",
    ]
    assert [item["direction"] for item in document["messages"]] == ["request", "response"] * 4
    assert [item["session"] for item in document["messages"]] == [1] * 6 + [None] * 2
    assert [item["status"] for item in document["messages"]] == [None, 200, None, 200, None, 500, None, 200]
    (told,) = document["sessions"]
    assert told == {
        "number": 1,
        "id": "'9F2C'… (18 characters)",
        "begun": document["messages"][0]["path"],
        "state": "lost",
        "lost": document["messages"][5]["path"],
        "revived": None,
        "requests": 3,
        "responses": 3,
        "findings": 1,
    }
    (diagnosis,) = document["diagnosis"]
    assert list(diagnosis) == [
        "cause",
        "also",
        "session",
        "sentence",
        "evidence",
        "against",
        "fault",
        "requests",
        "advice",
    ]
    assert (diagnosis["session"], diagnosis["evidence"][-1]["message"]) == (1, told["lost"])
    (fault,) = document["faults"]
    assert list(fault) == ["code", "text", "inline", "count", "first", "last"]
    assert ID not in out
    assert document["messages"][5]["findings"][0]["code"] == "session-lost"
    assert ID not in out


def test_check_json_of_empty_capture_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(har([]))
    status, out, err = run("check", "--format", "json", path)
    assert json.loads(out)["messages"] == []
    assert status == 2
    assert "there is no XMLA message in this capture" in err


def test_check_open_session_is_reported_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(har([STORY[0], Exchange(message(session(ID)), None)]))
    _, out, _ = run("check", path)
    assert f"{path}/entries/1/request: warning[request-without-response]" in out
    assert f"{path}/entries/0/request: warning[session-never-ended]" in out
    left = json.loads(run("check", "--format", "json", path)[1])["left"]
    assert [item["path"] for item in left] == [f"{path}/entries/{number}/request" for number in (1, 0)]
    assert [(item["code"], item["refused"]) for item in left] == [
        ("request-without-response", False),
        ("session-never-ended", False),
    ]
    assert run("check", "--strict", path)[0] == 1
    assert "::warning file=" in run("check", "--format", "github", path)[1]


def test_check_broken_capture_is_one_line_and_goes_on(tmp_path: Path, folder: Path) -> None:
    whole = har(STORY)
    (tmp_path / "story.har").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "story.saz").write_bytes(saz(STORY)[:-30])
    (tmp_path / "b\x1b[31m.xml").write_bytes(message())
    status, out, err = run("check", tmp_path)
    assert err == ""
    assert out.count("error[broken-capture]") == 3
    assert "\x1b" not in out
    assert status == 1
    assert "Traceback" not in out
    assert " messages checked: 3 refused, " in out.splitlines()[-1]
    assert folder == tmp_path


def test_check_forbidden_file_is_reported_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = _inputs._content

    def refusing(path: str) -> bytes:
        if path.endswith(".har"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return content(path)

    monkeypatch.setattr(_inputs, "_content", refusing)
    status, out, err = run("check", folder)
    assert (status, err) == (2, f"xmla-headers: {folder / 'story.har'}: Permission denied\n")
    assert out.splitlines()[-1].startswith("38 messages checked: 0 refused")


def test_check_dangling_link_is_reported_and_goes_on(folder: Path) -> None:
    (folder / "a.har").symlink_to(folder / "nowhere")
    status, out, err = run("check", folder)
    assert status == 2
    assert err == f"xmla-headers: {folder / 'a.har'}: No such file or directory\n"
    assert out.splitlines()[-1].startswith("46 messages checked: 0 refused")


def test_check_huge_file_is_a_finding(tmp_path: Path) -> None:
    with (tmp_path / "huge.xml").open("wb") as file:
        file.truncate(3_000_000_000)
    (tmp_path / "small.xml").write_bytes(message())
    status, out, _ = run("check", tmp_path)
    assert "huge.xml: error[limit-exceeded]" in out
    assert (status, out.splitlines()[-1]) == (1, "2 messages checked: 1 refused, 0 warnings")


def test_check_output_receives_the_report(folder: Path) -> None:
    target = folder / "report.txt"
    expected = run("check", folder / "story.har")
    assert run("check", "--output", target, folder / "story.har") == (0, "", "")
    assert target.read_text(encoding="utf-8") == expected[1]
    status, out, err = run("check", "--output", folder / "no" / "where", folder / "story.har")
    assert (status, out) == (2, "")
    assert err == f"xmla-headers: {folder / 'no' / 'where'}: No such file or directory\n"


@pytest.mark.parametrize("jobs", ["-1", "x", "1000", "1.5"])
def test_check_wrong_jobs_is_usage_error(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        run("check", "--jobs", jobs, "a.xml")
    assert error.value.code == 2
    assert "is not a number of processes" in capsys.readouterr().err


# -- interrupted ----------------------------------------------------------------------------------------


def test_check_interrupted_prints_summary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = _judging.judge
    seen: list[int] = []

    def interrupted(*arguments: object) -> object:
        seen.append(1)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return judge(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_sharing, "judge", interrupted)
    status, out, _ = run("check", folder / "story.har")
    assert status == 128 + signal.SIGINT
    assert out.splitlines()[-2:] == [
        "interrupted: the summary counts the messages checked so far",
        "3 messages checked: 0 refused, 0 warnings",
    ]
    seen.clear()
    status, out, _ = run("check", "--format", "json", folder / "story.har")
    document = json.loads(out)
    assert (status, document["interrupted"], len(document["messages"])) == (130, True, 3)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_command_interrupted_exits_130(tmp_path: Path, jobs: str) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(har(recorded() * 2_000))
    # In a background job, SIGINT may be ignored, and child processes inherit that.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heeding}\nfrom xmla_headers.cli import main\nmain()"
    command = [sys.executable, "-c", code, "check", "--all", "--jobs", jobs, str(path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: " in out
    assert re.fullmatch(r"[\d,]+ messages checked: .*", out.splitlines()[-1])
    assert err == ""


def test_check_dead_process_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> Iterator[object]:
        yield from ()
        raise BrokenProcessPool

    monkeypatch.setattr("xmla_headers.cli._check.judged", dies)
    status, out, err = run("check", "--jobs", "2", folder / "story.har")
    assert status == 2
    assert "a process has died" in err
    assert out.splitlines()[-1].startswith("0 messages checked")


# -- progress -------------------------------------------------------------------------------------------


def test_progress_bar_only_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_console, "_LONG", -1.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = run("check", folder / "story.har", terminal=True)[1]
    assert "messages" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).partition("session-lost")[0]
    assert "\x1b[?25h" in shown  # the cursor is shown again
    quiet = run("check", folder / "story.har")[1]
    assert "\x1b" not in quiet
    monkeypatch.setattr(_console, "_LONG", 1e9)
    assert "\x1b[?25" not in run("check", folder / "story.har", terminal=True)[1]


def test_progress_bar_never_exceeds_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_console, "_LONG", -1.0)
    streams = cli.Streams(io.BytesIO(), Terminal(), io.StringIO())
    bar = _console.ProgressBar(_console.Printer(streams.stdout), streams, 10)
    for _ in range(5):
        bar.advance(7)
        time.sleep(0)
    bar.stop()
    bar.stop()
    assert bar._done == 10


# -- schemas --------------------------------------------------------------------------------------------

SCHEMA = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:v" elementFormDefault="qualified">
  {more}
  <xs:element name="Version">
    <xs:complexType><xs:attribute name="Sequence" type="xs:int" use="required"/></xs:complexType>
  </xs:element>
  <xs:element name="Discover"><xs:complexType><xs:sequence>
    <xs:element name="RequestType" type="xs:string"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
VENDOR = message(
    '<v:Version xmlns:v="urn:v" Sequence="x400"/>', '\n<Discover xmlns="urn:v">\n  <Request/>\n</Discover>'
)


@pytest.mark.parametrize("name", ["a.xml", "a.har", "a.saz"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_check_schema_option_checks_messages(tmp_path: Path, name: str, jobs: str) -> None:
    schema, path = tmp_path / "v.xsd", tmp_path / name
    schema.write_text(SCHEMA.format(more=""), encoding="utf-8")
    exchange = [Exchange(VENDOR, message())]
    path.write_bytes(VENDOR if name == "a.xml" else FORMATS[name[2:]](exchange))
    assert run("check", path)[0] == 0
    status, out, err = run("check", "--jobs", jobs, "--schema", schema, path)
    assert (status, err) == (1, "")
    found = re.findall(r":(\d+):\d+: error\[schema-violation\]: .* - at (\S+)", out)
    assert found == [
        ("1", "/s:Envelope/s:Header/v:Version/@Sequence"),
        ("3", "/s:Envelope/s:Body/Discover/Request"),
    ]
    assert run("check", "--schema", schema, "--ignore", "schema-violation", path)[0] == 0


def test_check_schema_imports_only_named_schemas(tmp_path: Path) -> None:
    schema, other, path = tmp_path / "v.xsd", tmp_path / "w.xsd", tmp_path / "a.xml"
    include = '<xs:include schemaLocation="w.xsd"/>'
    schema.write_text(SCHEMA.format(more=include), encoding="utf-8")
    other.write_text('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>', encoding="utf-8")
    path.write_bytes(message())
    assert run("check", "--schema", schema, "--schema", other, path)[0] == 0
    # It is in the same folder as the other one, but it is not looked up there.
    status, out, err = run("check", "--schema", schema, path)
    assert (status, out) == (2, "")
    assert "w.xsd" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", [None, "", "<a/>", "\x00", "<xs:schema"])
def test_check_broken_schema_exits_2(tmp_path: Path, text: str | None) -> None:
    schema, path = tmp_path / "v.xsd", tmp_path / "a.xml"
    path.write_bytes(message())
    if text is not None:
        schema.write_text(text, encoding="utf-8")
    status, out, err = run("check", "--schema", schema, path)
    assert (status, out) == (2, "")
    assert err.startswith(f"xmla-headers: {schema}: ")
    assert err.count("\n") == 1


# -- timeline -------------------------------------------------------------------------------------------


def test_timeline_without_output_draws_text(folder: Path) -> None:
    status, out, err = run("timeline", folder / "story.har")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "story.har: 8 messages, 1 session, 1 warning"
    assert "lost in" in out
    assert "warning[session-lost]" in out
    assert ID not in out
    assert max(map(len, out.splitlines())) <= 100
    assert ID in run("timeline", "--show-ids", folder / "story.har")[1]


def test_timeline_output_is_a_page(folder: Path) -> None:
    page = folder / "report.html"
    for options, shown in ([], False), (["--show-ids"], True):
        assert run("timeline", *options, "-o", page, folder / "story.saz", folder / "raw") == (0, "", "")
        text = page.read_text(encoding="utf-8")
        assert (ID in text) == shown
        assert text.startswith("<!DOCTYPE html>")
        assert "story.saz, raw" in text


def test_timeline_unreadable_file_is_reported(folder: Path) -> None:
    status, out, err = run("timeline", folder / "story.har", folder / "nowhere")
    assert (status, out.splitlines()[0]) == (
        2,
        "story.har, nowhere: 8 messages, 1 session, 1 warning",
    )
    assert err == f"xmla-headers: {folder / 'nowhere'}: No such file or directory\n"
    status, out, err = run("timeline", "-o", folder / "no" / "where.html", folder / "story.har")
    assert (status, out) == (2, "")
    assert err == f"xmla-headers: {folder / 'no' / 'where.html'}: No such file or directory\n"


# -- redact ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["story.har", "story.saz", "story.http"])
def test_redact_capture_has_no_secrets(folder: Path, name: str) -> None:
    target = folder / f"out-{name}"
    status, out, err = run("redact", "--list", folder / name, "-o", target)
    assert (status, err) == (0, "")
    assert ID not in out
    assert ID.encode() not in target.read_bytes()
    assert out.splitlines()[-2].endswith(" changes, 1 session id")
    assert out.splitlines()[-1].startswith("Names, queries and results are not redacted")
    assert all(line.startswith(f"{folder / name}: ") for line in out.splitlines()[:-2])
    before, after = (run("check", "--format", "json", path)[1] for path in (folder / name, target))
    codes = [
        [[finding["code"] for finding in item["findings"]] for item in json.loads(text)["messages"]]
        for text in (before, after)
    ]
    assert codes[0] == codes[1]


def test_redact_folder_uses_one_name_per_id(folder: Path) -> None:
    # The id is quoted in a file that comes before the file that declares it.
    (folder / "a.xml").write_bytes(message(body=f"<a>the session {ID}</a>"))
    target = folder.with_name(f"{folder.name}-published")
    status, out, err = run("redact", folder, "-o", target)
    assert (status, err) == (0, "")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == files
    assert not any(ID.encode() in path.read_bytes() for path in target.rglob("*") if path.is_file())
    pseudonym = re.search(r"the session (session-\d+)<", (target / "a.xml").read_text(encoding="utf-8"))
    assert pseudonym is not None
    assert pseudonym[1].encode() in (target / "story.har").read_bytes()
    assert ID not in out
    # The folder now exists and is not empty.
    status, out, err = run("redact", folder, "-o", target)
    assert (status, out, err) == (2, "", f"xmla-headers: {target}: this folder is not empty\n")


def test_redact_standard_input_is_read(tmp_path: Path) -> None:
    out = io.StringIO()
    streams = cli.Streams(io.BytesIO(message(session(ID))), out, out)
    assert cli.run(["redact", "-", "-o", str(tmp_path / "a.xml")], streams) == 0
    assert (tmp_path / "a.xml").read_bytes() == message(session("session-1"))


def test_redact_output_over_capture_is_refused(folder: Path) -> None:
    before = (folder / "story.har").read_bytes()
    status, out, err = run("redact", folder / "story.har", "-o", folder / "raw" / ".." / "story.har")
    assert (status, out) == (2, "")
    assert err.endswith("story.har: this is the capture itself\n")
    assert (folder / "story.har").read_bytes() == before


def test_redact_unreadable_input_writes_nothing(folder: Path) -> None:
    (folder / "a.har").symlink_to(folder / "nowhere")
    target = folder.with_name(f"{folder.name}-published")
    status, out, err = run("redact", folder, "-o", target)
    assert (status, out) == (2, "")
    assert err == f"xmla-headers: {folder / 'a.har'}: No such file or directory\n"
    assert not target.exists()


def test_redact_binary_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_bytes(bytes(range(256)) * 20)
    status, out, err = run("redact", tmp_path / "a.har", "-o", tmp_path / "b.har")
    assert (status, out) == (2, "")
    assert err.endswith("a.har: binary data, which cannot be searched for secrets\n")
    assert not (tmp_path / "b.har").exists()
    assert (
        run("redact", tmp_path / "a.har", "-o", "-")[2]
        == "xmla-headers: -: redact writes to a file, not to standard output\n"
    )


# -- outputs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "timeline"])
def test_command_output_over_capture_is_refused(folder: Path, command: str) -> None:
    before = (folder / "story.har").read_bytes()
    for paths in ([folder], [folder / "story.har"], [folder / "raw", folder / "raw" / ".." / "story.har"]):
        status, out, err = run(command, *paths, "-o", folder / "story.har")
        assert (status, out) == (2, "")
        assert err == f"xmla-headers: {folder / 'story.har'}: this is one of the captures\n"
    assert (folder / "story.har").read_bytes() == before


def test_timeline_empty_folder_exits_2(folder: Path) -> None:
    status, out, _ = run("timeline", folder / "nowhere", "-o", folder / "a.html")
    assert (status, out) == (2, "")
    assert not (folder / "a.html").exists()


def test_check_any_file_name_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a\nb.xml").write_bytes(message())
    assert run("check", tmp_path)[1].splitlines()[-1].startswith("1 message checked")
