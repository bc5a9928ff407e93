"""The options of redaction, what it refuses, and that it destroys nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capturing import captures_of, exchanges
from xmla_headers import cli
from xmla_headers.captures import CaptureError, ChangeKind, iter_messages, redact
from xmla_headers.cli import _redact
from xmla_headers.cli._verified import difference
from xmla_headers.findings import Code

HTTP = (
    b"POST /x?%b HTTP/1.1\r\nHost: h\r\n%b\r\nX-A: b\r\nContent-Type: text/xml\r\n"
    b"Content-Length: 4\r\n\r\n<a/>"
)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


# -- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Tenant-Id", "tenantid", "TENANT_ID"])
@pytest.mark.parametrize("text", ["<a {}='x-17'/>", "<{0}>x-17</{0}>", "<a>https://h/?{}=x-17&amp;b=c</a>"])
def test_redact_also_removes_a_name_in_any_spelling(name: str, text: str) -> None:
    data = text.format("TenantId").encode()
    assert redact(data).data == data
    assert redact(data, also=[name]).data == data.replace(b"x-17", b"")


@pytest.mark.parametrize("name", ["Password", "PASSWORD", "pass-word"])
def test_redact_keep_leaves_a_name(name: str) -> None:
    data = b"<a Password='x-17' Token='y-18'/><Password>x-17</Password>"
    assert redact(data, keep=[name]).data == data.replace(b"y-18", b"")


USERS = ("EffectiveUserName", "UserName", "User ID", "Roles", "CustomData", "upn", "loginName", "UID")


@pytest.mark.parametrize("name", USERS)
def test_redact_users_become_pseudonyms(name: str) -> None:
    data = f"<a>Data Source=x;{name}=ann.example;Catalog=y</a><b>no rights for ann.example</b>".encode()
    redacted = redact(data, users=True)
    assert redacted.data == data.replace(b"ann.example", b"user-1")
    assert {change.kind for change in redacted.changes} == {ChangeKind.USER}
    assert redact(redacted.data, users=True).changes == ()
    if name != "CustomData":
        assert redact(data).data == data


@pytest.mark.parametrize("arguments", [{"also": "Password"}, {"keep": [1]}])
def test_redact_names_of_a_wrong_type_raise_type_error(arguments: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="must be names"):
        redact(b"<a/>", **arguments)  # type: ignore[arg-type]


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"just text", b'{"a": 1}', bytes(range(256)), b"", b"# Notes\n<a>b</a>"])
def test_redact_unknown_format_raises_capture_error(data: bytes) -> None:
    with pytest.raises(CaptureError) as caught:
        redact(data)
    assert caught.value.code is Code.BROKEN_CAPTURE


def test_redact_command_insists_as_text(tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_bytes(b"Password=x-17\n")
    status, out, err = run("redact", source, "-o", target)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert not target.exists()
    assert run("redact", source, "-o", target, "--as", "text")[0] == 0
    assert target.read_bytes() == b"Password=\n"


def test_redact_folder_counts_files_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xml").write_bytes(b"<Envelope Password='x-17'/>")
    (folder / "notes.txt").write_bytes(b"Password=x-17")
    status, out, _ = run("redact", folder, "-o", tmp_path / "out")
    assert status == 0
    assert out.splitlines()[-1].startswith("1 file left out, not looked at. Names, queries and results")
    assert f"{folder / 'notes.txt'}: left out" in out


# -- the command -------------------------------------------------------------------------------------


def test_redact_report_sums_up_or_lists(tmp_path: Path) -> None:
    source = tmp_path / "a.http"
    source.write_bytes(HTTP % (b"access_token=x-17", b"Authorization: Bearer y-18"))
    out = run("redact", source, "-o", tmp_path / "b")[1]
    assert out.splitlines()[:3] == [
        "credential removed: access_token (1 time)",
        "header field emptied: Authorization (1 time)",
        "2 changes, 0 session ids",
    ]
    out = run("redact", "--list", source, "-o", tmp_path / "c")[1]
    assert out.splitlines()[0] == f"{source}: request/0: access_token is emptied"


def test_redact_that_tells_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.xml", tmp_path / "b.xml"
    source.write_bytes(b"<Envelope Password='x-17'/>")
    monkeypatch.setattr(_redact, "difference", lambda *_: "the findings of message 1 would change")
    status, out, err = run("redact", source, "-o", target)
    assert (status, out) == (2, "")
    assert "not written: the findings of message 1 would change" in err
    assert not target.exists()
    assert run("redact", "--no-verify", source, "-o", target)[0] == 0
    assert target.read_bytes() == b"<Envelope Password=''/>"


def test_difference_names_what_would_change() -> None:
    before = HTTP % (b"a=b", b"X-B: c")
    (change,) = redact(HTTP % (b"token=x-17", b"X-B: c")).changes
    assert difference(before, before, [change]) is None
    assert (
        difference(before, before.replace(b"X-A: b\r\n", b""), [change])
        == "the HTTP head of message 1 would change"
    )
    assert (
        difference(before, before.replace(b"<a/>", b"<a>>"), [change])
        == "the findings of message 1 would change"
    )
    assert difference(before, before * 2, [change]) == "the number of messages would change, at message 2"


@pytest.mark.slow
def test_redact_in_processes_writes_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.xml").write_bytes(
            b"<Session SessionId='id-%d-abc' Password='x'/>" % (number % 3)
        )
    for jobs in (1, 2):
        assert run("redact", folder, "-o", tmp_path / f"out{jobs}", "--jobs", str(jobs))[0] == 0
    for file in folder.iterdir():
        assert (tmp_path / "out1" / file.name).read_bytes() == (tmp_path / "out2" / file.name).read_bytes()


# -- nothing is destroyed ----------------------------------------------------------------------------

_CAPTURES = {name: data for name, data in captures_of(exchanges()[:2]).items() if data[:1] not in b"P\x1f"}
_SECRETS = st.sampled_from(
    [
        *("Password=", "x;Password=", "access_token=", "Password=x-17", "token: x-17", "pwd='x-17", "token"),
        *("SessionId=", "SessionId=abc-123456", "Authorization: Basic eHg6eXk=", "<Password>x-17", "sig=x"),
        *("--password x", "secret='x-17'", "eyJabc.def.ghi", "http://u:p@h/", "Cookie: a=b", "code=x&code=y"),
    ]
)


@pytest.mark.parametrize("capture", _CAPTURES)
@given(secret=_SECRETS, share=st.floats(0, 1))
def test_redact_removes_nothing_but_its_values(capture: str, secret: str, share: float) -> None:
    # At the end of a line, which a value must not cross; in a HAR, lines end within its strings.
    data = _CAPTURES[capture]
    end = b"\\n" if capture.startswith("har") else b"\r\n"
    ends = [place for place in range(len(data)) if data.startswith(end, place)]
    if not ends:
        return
    place = ends[int(share * (len(ends) - 1))]
    planted = data[:place] + secret.encode() + data[place:]
    redacted = redact(planted)
    if any(change.kind in (ChangeKind.UNSEARCHABLE, ChangeKind.CODING) for change in redacted.changes):
        return
    before, after = planted.splitlines(keepends=True), redacted.data.splitlines(keepends=True)
    assert [line[-2:] == b"\r\n" for line in before] == [line[-2:] == b"\r\n" for line in after]
    assert len(list(iter_messages(planted))) == len(list(iter_messages(redacted.data)))


def test_redact_of_lines_changes_single_lines_only() -> None:
    lines = [b"X-Token: Password=", b"Persistent-Auth: true", b"Location: /x?code=1#access_token=", b"A: b"]
    data = b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(lines) + b"\r\nContent-Length: 4\r\n\r\n<a/>"
    redacted = redact(data).data
    pairs = zip(data.split(b"\r\n"), redacted.split(b"\r\n"), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [(b"X-Token: Password=", b"X-Token: ")]
