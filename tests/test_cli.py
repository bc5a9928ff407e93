"""The command: its output and its exit status."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xmla_headers import cli

ROOT = Path(__file__).resolve().parent.parent
SECRET = "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E"
SOAP = 'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
XMLA = 'xmlns="urn:schemas-microsoft-com:xml-analysis"'

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs the pipes and terminals of POSIX")

CLEAN = (
    f'<soap:Envelope {SOAP}><soap:Header><Session {XMLA} SessionId="{SECRET}"/></soap:Header>'
    "<soap:Body/></soap:Envelope>"
)
WARNED = CLEAN.replace("/></soap:Header>", ' mustUnderstand="1"/></soap:Header>')
REFUSED = CLEAN.replace("SessionId", "SessionID")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: str | Path, stdin: bytes = b"", terminal: bool = False) -> tuple[int, str, str]:
    out, err = Terminal() if terminal else io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(stdin), out, err))
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name, text in (
        ("b.xml", WARNED),
        ("a.xml", CLEAN),
        ("sub/c.XML", REFUSED),
        ("sub/d.txt", "not looked at"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_check_finding_states_place_cause_and_hint(folder: Path) -> None:
    path = folder / "sub" / "c.XML"
    status, out, err = run("check", path)
    column = REFUSED.index("<Session") + 1
    line, source, caret, hint, *rest = out.splitlines()
    assert line == (
        f"{path}:1:{column}: error[missing-attribute]: Session has no SessionId"
        " - at /soap:Envelope/soap:Header/Session/@SessionId"
    )
    # The caret is under the character at the offset of the finding.
    assert source[caret.index("^") :].startswith("<Session")
    assert hint == "    hint: attribute names are case-sensitive; did you mean SessionId?"
    assert rest[0].startswith(f"{path}:1:{column}: warning[unexpected-attribute]: ")
    assert rest[-1] == "1 message checked: 1 refused, 1 warning"
    assert (status, err) == (1, "")


def test_check_folder_is_recursive_and_ordered(folder: Path) -> None:
    status, out, _ = run("check", "--all", folder)
    assert [line.split(":")[0] for line in out.splitlines() if line.startswith(str(folder))] == [
        str(folder / "b.xml"),
        str(folder / "sub" / "c.XML"),
        str(folder / "sub" / "c.XML"),
    ]
    assert out.splitlines()[-1] == "3 messages checked: 1 refused, 2 warnings, 1 other file not read"
    assert status == 1


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 0),
        (["--strict"], 1),
        (["--refuse", "unqualified-must-understand"], 1),
        (["--refuse", "empty-session-id"], 0),
        (["--strict", "--ignore", "unqualified-must-understand"], 0),
        (["--direction", "response"], 0),
        (["--quiet", "--strict"], 1),
    ],
)
def test_check_options_decide_refusal(options: list[str], status: int) -> None:
    assert run("check", *options, "-", stdin=WARNED.encode())[0] == status


def test_check_direction_refuses_blocks_of_the_other() -> None:
    begin = CLEAN.replace(f'Session {XMLA} SessionId="{SECRET}"', f"BeginSession {XMLA}").encode()
    assert run("check", "--direction", "request", "-", stdin=begin)[0] == 0
    status, out, _ = run("check", "--direction", "response", "-", stdin=begin)
    assert status == 1
    assert "error[wrong-direction]" in out


def test_check_quiet_prints_nothing() -> None:
    assert run("check", "--quiet", "-", stdin=REFUSED.encode()) == (1, "", "")


def test_check_json_is_one_document(folder: Path) -> None:
    status, out, _ = run("check", "--format", "json", "--refuse", "unqualified-must-understand", folder)
    document = json.loads(out)
    assert document["summary"] == {
        "messages": 3,
        "refused": 2,
        "warnings": 2,
        "unreadable": 0,
        "skipped": 0,
        "not_taken": 1,
        "parts": 0,
    }
    assert [Path(message["path"]).name for message in document["messages"]] == ["a.xml", "b.xml", "c.XML"]
    clean, warned, refused = (message["findings"] for message in document["messages"])
    assert clean == []
    assert [(finding["code"], finding["severity"], finding["refused"]) for finding in warned + refused] == [
        ("unqualified-must-understand", "warning", True),
        ("missing-attribute", "error", True),
        ("unexpected-attribute", "warning", False),
    ]
    assert status == 1


def test_check_github_annotations_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a,b%:c.xml"
    path.write_text(REFUSED, encoding="utf-8")
    _, out, _ = run("check", "--format", "github", path)
    error, warning, _ = out.splitlines()
    name = str(path).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    column = REFUSED.index("<Session") + 1
    assert error.startswith(
        f"::error file={name},line=1,col={column},title=missing-attribute::Session has no"
    )
    assert warning.startswith(f"::warning file={name},line=1,col={column},title=unexpected-attribute::")
    assert run("check", "--format", "github", "--strict", path)[1].count("::error ") == 2


@pytest.mark.parametrize("name", ["missing.xml", "nul\0byte", "unreadable"])
def test_check_unreadable_input_outranks_refusal(tmp_path: Path, folder: Path, name: str) -> None:
    if name == "unreadable":
        (tmp_path / name).mkdir()
    status, out, err = run("check", tmp_path / name, folder)
    assert status == 2
    assert err.startswith("xmla-headers: ")
    assert len(err.splitlines()) == 1
    assert (
        out.splitlines()[-1]
        == "3 messages checked: 1 refused, 2 warnings, 1 unreadable, 1 other file not read"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "--format", "html", "-"],
        ["check", "--refuse", "no-such-code", "-"],
        ["check", "--direction", "sideways", "-"],
        ["show"],
        ["frobnicate"],
    ],
)
def test_command_usage_error_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2
    assert "usage: xmla-headers" in capsys.readouterr().err


ENCODINGS = [
    ("utf-8", b""),
    ("utf-8", b"\xef\xbb\xbf"),
    ("utf-16-le", b"\xff\xfe"),
    ("utf-16-be", b"\xfe\xff"),
]


@pytest.mark.parametrize(("codec", "mark"), ENCODINGS)
@pytest.mark.parametrize("far", [0, 1_000_000], ids=["near", "far"])
def test_excerpt_caret_is_at_offset_and_id_is_masked(codec: str, mark: bytes, far: int) -> None:
    blank = f"<!--{'x' * far}-->" if far else ""
    text = (
        f'<soap:Envelope {SOAP}>\n<soap:Header><Session {XMLA} SessionId="{SECRET}"/></soap:Header>\r\n'
        f'<soap:Body>{blank}\n  <Cancel SessionID="{SECRET}"><SessionID>{SECRET}</SessionID></Cancel> '
        f"é漢🔑 <oops attr='{SECRET[:3]}'></soap:Body>\n</soap:Envelope>"
    )
    status, out, _ = run("check", "-", stdin=mark + text.encode(codec))
    _, source, caret, *_ = out.splitlines()
    at = caret.index("^")
    # Two characters before the caret take two columns each.
    assert source[at - 2 :].startswith("soap:Body>")
    assert SECRET not in out
    assert "****</SessionID>" in source
    assert status == 1


def test_check_control_characters_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\u202e.xml"
    path.write_bytes(f"<soap:Envelope {SOAP}>\x1b]0;x\x07 \u202e</soap:Envelope>".encode())
    for command_name, name in (("check", path), ("show", path), ("check", path.with_name("\x1b[m"))):
        _, out, err = run(command_name, name)
        assert not any(character in out + err for character in "\x1b\x07\u202e")


@pytest.mark.parametrize("width", [1, 5_000])
def test_excerpt_long_line_is_cut_around_caret(width: int) -> None:
    text = CLEAN.replace("<soap:Body/>", f"<soap:Body>{'<a/>' * width}</b></soap:Body>")
    _, out, _ = run("check", "-", stdin=text.encode())
    _, source, caret, *_ = out.splitlines()
    assert len(source) < 120
    assert source[caret.index("^") :].startswith("b>")


def test_show_ids_are_masked_unless_asked() -> None:
    block = (
        '<Version xmlns="urn:v" soap:mustUnderstand="1" soap:actor="urn:me" Sequence="922"/></soap:Header>'
    )
    data = WARNED.replace("</soap:Header>", block).encode()
    status, out, _ = run("show", "-", stdin=data)
    assert status == 0
    assert SECRET not in out
    first, session, version, warning = out.splitlines()
    assert first == "SOAP 1.1, 2 header blocks, a Body of 0 bytes"
    assert session == "  Session  SessionId='9F2C'… (36 characters)  mustUnderstand=1 (unqualified)"
    assert version.startswith("  {urn:v}Version  not declared by a schema, ")
    assert version.endswith(" bytes  mustUnderstand=1  actor='urn:me'")
    assert "warning[unqualified-must-understand]" in warning
    assert f"SessionId='{SECRET}'" in run("show", "--show-ids", "-", stdin=data)[1]


def test_show_refused_message_states_cause() -> None:
    status, out, _ = run("show", "-", stdin=REFUSED.encode())
    assert status == 1
    assert out.startswith("-:1:")
    assert run("show", "/no/such/file")[0] == 2


def test_generate_writes_the_committed_module(tmp_path: Path) -> None:
    xsd = ROOT / "schemas" / "xmla-session-headers.xsd"
    expected = (ROOT / "xmla_headers" / "session_headers.py").read_text(encoding="utf-8")
    assert run("generate", xsd) == (0, expected, "")
    target = tmp_path / "out.py"
    assert run("generate", xsd, "-o", target) == (0, "", "")
    assert target.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("text", ["no schema", "<a/>", "<a", "\xff"])
def test_generate_bad_schema_leaves_output_alone(tmp_path: Path, text: str) -> None:
    bad, target = tmp_path / "bad.xsd", tmp_path / "out.py"
    bad.write_bytes(text.encode("latin-1"))
    target.write_text("kept", encoding="utf-8")
    status, out, err = run("generate", bad, "-o", target)
    assert (status, out, target.read_text(encoding="utf-8")) == (2, "", "kept")
    assert len(err.splitlines()) == 1


def test_generate_unwritable_output_is_reported(tmp_path: Path) -> None:
    xsd = ROOT / "schemas" / "xmla-session-headers.xsd"
    status, _, err = run("generate", xsd, "-o", tmp_path / "none" / "out.py")
    assert (status, len(err.splitlines())) == (2, 1)
    assert run("generate", tmp_path / "none.xsd")[0] == 2


def test_check_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    data = REFUSED.encode()
    plain = run("check", "-", stdin=data)[1]
    coloured = run("check", "-", stdin=data, terminal=True)[1]
    assert "\x1b[" not in plain
    assert "\x1b[1;31merror[missing-attribute]" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in run("check", "-", stdin=data, terminal=True)[1]
    # Without the extra, the output is plain text.
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert run("check", "-", stdin=data, terminal=True)[1] == plain


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "xmla_headers", *arguments], cwd=ROOT, timeout=60, check=False, **options
    )


def test_command_runs_as_module() -> None:
    done = command("check", "-", input=REFUSED.encode(), capture_output=True)
    assert done.returncode == 1
    assert done.stdout.endswith(b"1 message checked: 1 refused, 1 warning" + os.linesep.encode())
    version = command("--version", capture_output=True)
    assert version.stdout.startswith(b"xmla-headers ")


def test_command_without_unicode_prints_escapes() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    text = CLEAN.replace("<soap:Body/>", f"<soap:Body>{'é' * 200}</b></soap:Body>")
    done = command("check", "-", input=text.encode(), capture_output=True, env=environment)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"\\u2026" in done.stdout


@POSIX
def test_command_closed_pipe_prints_no_traceback(tmp_path: Path) -> None:
    many = tmp_path / "many.xml"
    many.write_text(CLEAN.replace("</soap:Envelope>", "<a/>" * 20_000 + "</soap:Envelope>"), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "xmla_headers", "check", "--all", str(many)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    # The status is not 0: nobody has read the rest of the report.
    assert process.returncode == 128 + signal.SIGPIPE


@POSIX
def test_command_on_real_terminal_shows_colour() -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    done = command("check", "-", input=REFUSED.encode(), stdout=theirs, env=environment)
    os.close(theirs)
    shown = os.read(ours, 65_536)
    os.close(ours)
    assert done.returncode == 1
    assert b"\x1b[" in shown


@pytest.mark.parametrize(
    "block",
    [
        f"<Session {XMLA}>{SECRET}</Session>",
        f"<Session {XMLA}><![CDATA[{SECRET}]]></Session>",
        f"<Session {XMLA}><SessionId>{SECRET}</SessionId></Session>",
        f"<Session {XMLA} SessionId={SECRET}/>",
        f"<Session {XMLA} SessionId='{SECRET}' a='{SECRET}' a=''/>",
        f'<Session {XMLA} SessionId="<{SECRET}"/>',
        f'<Session {XMLA} SessionId="{SECRET}/>',
        f"<x>{SECRET}</x><x/>{SECRET}",
        f"<Session {XMLA} sessionID='{SECRET}' other='{SECRET}'>&#1;</Session>",
        f"<a b='c' mustUnderstand='1'\n d = '{SECRET}' d='' xmlns:p='urn:shown'/>",
        f'<Session xmlns="urn:schemas-microsoft-com:xml-analysis SessionId="{SECRET}"/>',
        f'<Session xmlns="urn:schemas-microsoft-com:xml-analysisSessionId="{SECRET}"/>',
        f'<Session xmlns="urn:a\nSessionId="{SECRET}"/>',
        f"<Session xmlns='urn:a SessionId='{SECRET}'/>",
        f'<Session {XMLA} SessionId=\x01"{SECRET}"/>',
        f'<Session {XMLA} SessionId<="{SECRET}"/>',
        f'<Session {XMLA} SessionId "{SECRET}"/>',
    ],
)
@pytest.mark.parametrize("front", ["", f"POST /x?SessionId={SECRET} HTTP/1.1\r\nCookie: {SECRET}\r\n\r\n"])
def test_check_broken_message_shows_no_id(block: str, front: str) -> None:
    text = f"{front}<soap:Envelope {SOAP}><soap:Header>{block}</soap:Header><soap:Body/></soap:Envelope>"
    for arguments in (["check", "--strict", "-"], ["check", "--format", "json", "-"], ["show", "-"]):
        status, out, err = run(*arguments, stdin=text.encode())
        assert status == 1
        assert SECRET not in out + err


def test_check_short_id_is_fully_masked() -> None:
    data = CLEAN.replace(SECRET, "4711").encode()
    assert "4711" not in run("show", "-", stdin=data)[1]
    assert "SessionId=… (4 characters)" in run("show", "-", stdin=data)[1]


def test_check_json_lists_unreadable_files(folder: Path) -> None:
    _, out, _ = run("check", "--format", "json", folder, folder / "none.xml")
    assert json.loads(out)["unreadable"] == [str(folder / "none.xml")]


@POSIX
def test_check_pipe_in_folder_is_ignored(folder: Path) -> None:
    os.mkfifo(folder / "pipe.xml")
    assert run("check", "--quiet", folder)[0] == 1


@pytest.mark.parametrize("path", ["x" * 5_000, "a.xml/b.xml"])
def test_check_impossible_path_is_unreadable(folder: Path, path: str) -> None:
    status, _, err = run("check", folder / path)
    assert (status, len(err.splitlines())) == (2, 1)


def test_generate_output_over_schema_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "schemas" / "xmla-session-headers.xsd").read_text(encoding="utf-8")
    xsd = tmp_path / "mine.xsd"
    xsd.write_text(text, encoding="utf-8")
    status, _, err = run("generate", xsd, "-o", xsd)
    assert (status, xsd.read_text(encoding="utf-8")) == (2, text)
    assert "the schema itself" in err


@POSIX
@pytest.mark.parametrize(("redirection", "status"), [("<&-", 1), (">&-", 1), ("2>&-", 1), (">/dev/full", 2)])
def test_command_closed_stream_prints_no_traceback(tmp_path: Path, redirection: str, status: int) -> None:
    path = tmp_path / "refused.xml"
    path.write_text(REFUSED, encoding="utf-8")
    line = f"{sys.executable} -m xmla_headers check {path} {redirection}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
