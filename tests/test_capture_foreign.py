"""Formats that are recognised but not read are named, with the way to convert them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.capture_files import har, recorded
from tests.redacting import redact
from xmla_headers import captures, cli
from xmla_headers.captures import CaptureError, Format, format_of, iter_messages
from xmla_headers.findings import Code

if TYPE_CHECKING:
    from pathlib import Path

_POSTMAN = {"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}

#: The first bytes of a format -> words of the sentence about it.
FOREIGN = {
    b"1234:7:version;2:21#4:type;4:http;7:request;": ("mitmproxy", "mitmdump -nr F --set hardump=out.har"),
    b"\xfd7zXZ\0\0\x04": ("xz", "xz -dk F"),
    b"\x28\xb5\x2f\xfd\0": ("zstd", "zstd -d F"),
    b"BZh91AY&SY": ("bzip2", "bunzip2 -k F"),
    b"7z\xbc\xaf\x27\x1c\0": ("7-Zip", "7z x F"),
    b"Rar!\x1a\x07\x01\0": ("RAR", "7z x F"),
    b"a.har".ljust(257, b"\0") + b"ustar\x0000": ("tar", "tar -xf F"),
    b"ElfFile\0": ("evtx", "wevtutil"),
    b"\xac\xed\0\x05sr": ("Charles", "charles convert F out.har"),
    b"snoop\0\0\0\0\0\0\2": ("snoop", "editcap -F pcap F out.pcap"),
    b"GMBU\0\2": ("Network Monitor", "editcap"),
    json.dumps(_POSTMAN).encode(): ("Postman", "HAR"),
    b'{"info": {"_postman_id": "1"}}': ("Postman", "HAR"),
    b"<!DOCTYPE html><html/>": ("HTML page", "browser"),
    b'<?xml version="1.0"?>\n<!-- a --><HTML>': ("HTML page", "browser"),
    b'{"a": [1]}': ("JSON", "HAR"),
}


def run(*arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("data", FOREIGN, ids=lambda data: FOREIGN[data][0])
def test_foreign_format_is_named_and_unreadable(data: bytes, tmp_path: Path) -> None:
    (found,) = iter_messages(data, "F")
    assert found.trouble is not None
    assert (found.trouble.code, found.body) == (Code.UNSUPPORTED_FORMAT, b"")
    path = tmp_path / "a"
    path.write_bytes(data)
    commands: tuple[list[str | Path], ...] = (
        ["check", path],
        ["redact", path, "-o", tmp_path / "b"],
        ["timeline", path],
    )
    for arguments in commands:
        status, out, err = run(*arguments)
        assert (status, " refused, " in out.replace(" 0 refused, ", "")) == (2, False)
        assert len(err.splitlines()) == 1
        assert all(word in err for word in FOREIGN[data])
    assert not (tmp_path / "b").exists()
    assert json.loads(run("check", "--format", "json", path)[1])["summary"]["unreadable"] == 1


@pytest.mark.parametrize("data", FOREIGN, ids=lambda data: FOREIGN[data][0])
def test_foreign_format_in_its_first_bytes_decides(data: bytes) -> None:
    kind = format_of(data)
    assert kind in (Format.FOREIGN, Format.HAR)
    assert format_of(memoryview(data + b" " * 9_000)[:4096]) is kind
    assert format_of(b"x" + data) is Format.BARE


@pytest.mark.parametrize("data", [b"1234:7:version;SessionId='4f1c-77aa'", b"<html>SessionId='4f1c-77aa'"])
def test_foreign_format_redacted_keeps_no_secret(data: bytes) -> None:
    redacted = redact(data)
    assert b"4f1c" not in redacted.data
    assert redacted.changes
    assert redact(redacted.data).changes == ()
    assert b"session-1" in redacted.data
    with pytest.raises(CaptureError) as caught:
        captures.redact(data)
    assert caught.value.code is Code.BROKEN_CAPTURE


# -- what of a folder is read, and where output may go ---------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.har").write_bytes(har(recorded()[:2]))
    for name in ("b.flow", "sub/c.txt", ".hidden"):
        (folder / name).write_bytes(b"1")
    return folder


def test_check_folder_counts_files_not_taken(folder: Path) -> None:
    status, out, _ = run("check", folder)
    assert (status, out.splitlines()[-1].endswith(", 2 other files not read")) == (0, True)
    assert json.loads(run("check", "--format", "json", folder)[1])["summary"]["not_taken"] == 2
    assert run("check", "--exclude", "*.txt", folder)[1].endswith(", 1 other file not read\n")
    assert "other file" not in run("check", folder / "a.har")[1]


def test_redact_folder_names_files_not_taken(folder: Path) -> None:
    status, out, _ = run("redact", folder, "-o", folder.parent / "out")
    left = [line.partition(":")[0] for line in out.splitlines() if ": left out, " in line]
    assert (status, left) == (0, [str(folder / "b.flow"), str(folder / "sub" / "c.txt")])


def test_check_same_input_twice_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "a.har"
    (folder / "link.har").symlink_to(path)
    (folder / "sub" / "hard.har").hardlink_to(path)
    monkeypatch.chdir(folder)
    once = run("check", path)[1].splitlines()[-1]
    for twice in (["a.har", "./a.har"], [path, "link.har"], ["sub/hard.har", path], [".", "a.har"], ["."]):
        assert run("check", *twice)[1].splitlines()[-1].startswith(once)


def test_check_named_file_of_a_folder_stays_named(folder: Path) -> None:
    path = folder / "a.xml"
    path.write_bytes(b"<project/>")
    assert run("check", folder)[0] == 0
    assert run("check", folder, path)[0] == run("check", path, folder)[0] == 1


@pytest.mark.parametrize("place", ["in/out", "in", "link/out", "in/sub/new/out"])
def test_redact_output_inside_the_folder_is_refused(folder: Path, place: str) -> None:
    (folder.parent / "link").symlink_to(folder)
    before = sorted(folder.rglob("*"))
    status, _, err = run("redact", folder, "-o", folder.parent / place)
    assert (status, "inside the folder" in err) == (2, True)
    assert sorted(folder.rglob("*")) == before
    assert run("redact", folder, "-o", folder.parent / "inside")[0] == 0


def test_check_report_that_is_read_next_time_is_refused(folder: Path) -> None:
    status, _, err = run("check", folder, "-o", folder / "sub" / "report.xml")
    assert (status, "inside the folder" in err) == (2, True)
    assert run("check", folder, "-o", folder / "report.txt")[0] == 0
    assert run("check", folder / "a.har", "-o", folder / "report.xml")[0] == 0
