"""Archives of captures, and folders of tcpflow: what is in them is read as if it stood alone."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.capture_files import (
    BEGIN,
    Exchange,
    archive,
    har,
    http_request,
    http_response,
    message,
    saz,
    session,
    stream,
)
from tests.test_capture_foreign import run
from xmla_headers.captures import (
    CapturedMessage,
    CaptureLimits,
    Format,
    format_of,
    iter_messages,
    pair_names,
    redact,
)
from xmla_headers.cli import _sharing
from xmla_headers.findings import Code

ID = "7F0A9B52-62A4-4EF0-B2E2-3C1D7C0B9A11"
STORY = [Exchange(message(BEGIN), message(session(ID))), Exchange(message(session(ID)), message())]
BODIES = [body for each in STORY for body in (each.request, each.response or b"")]
CAPTURES = {
    "a.har": har(STORY),
    "b.saz": saz(STORY),
    "c.http": stream(STORY),
    "d.log": b"".join(b"2026-11-20 10:23:42 sent: %b\n" % body for body in BODIES),
    "e-request.xml": BODIES[0],
    "e-response.xml": BODIES[1],
}


def read(data: bytes, name: str = "", limits: CaptureLimits | None = None) -> list[CapturedMessage]:
    return list(iter_messages(data, name, limits=limits or CaptureLimits()))


def _about(found: list[CapturedMessage]) -> list[tuple[object, ...]]:
    return [(each.body, each.direction, each.time, each.status, each.trouble) for each in found]


@pytest.mark.parametrize("name", [name for name in CAPTURES if name != "b.saz"])
def test_gzip_of_a_capture_is_read(name: str) -> None:
    data = gzip.compress(CAPTURES[name])
    assert format_of(data) is Format.GZIP
    assert read(data, name) == read(CAPTURES[name], name)


def test_zip_of_captures_is_read() -> None:
    data = archive({"readme.txt": b"a note", "x/.hidden": b"1", "__MACOSX/a.har": b"1", **CAPTURES})
    assert format_of(data) is Format.ZIP
    found = read(data, "z.zip")
    wanted = [each for name, capture in CAPTURES.items() for each in read(capture, f"z.zip/{name}")]
    assert _about(found[:-1]) == _about(wanted)
    assert [each.name for each in found[:-1]] == [each.name for each in wanted]
    assert len({each.exchange for each in found[-3:-1]} - {None}) == 1
    assert found[-1].trouble is not None
    assert found[-1].trouble.code is Code.UNSUPPORTED_FORMAT
    assert found[-1].trouble.message == "1 file of the archive without captures: not read"


def _in_files(document: dict[str, Any]) -> None:
    """Let a HAR keep the contents of responses in files beside it, as Playwright does."""
    for number, entry in enumerate(document["log"]["entries"]):
        del entry["response"]["content"]["text"]
        entry["response"]["content"]["_file"] = f"{number:040x}.xml"


@pytest.mark.parametrize("folder", ["", "x/"])
def test_zip_of_playwright_has_contents_beside_the_har(folder: str) -> None:
    contents = {f"{folder}{number:040x}.xml": each.response or b"" for number, each in enumerate(STORY)}
    # The files are not read a second time, wherever they stand in the archive.
    data = archive({**contents, f"{folder}trace.har": har(STORY, _in_files)})
    found = read(data, "z")
    assert [(each.body, each.trouble) for each in found] == [(body, None) for body in BODIES]
    assert found[0].exchange == found[1].exchange == f"z/{folder}trace.har/entries/0"
    lacking = read(archive({f"{folder}trace.har": har(STORY, _in_files)}))
    assert [each.trouble is None for each in lacking] == [True, False] * 2


def test_check_har_of_playwright_reads_contents_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    path = place / "trace.har"
    path.write_bytes(har(STORY, _in_files))
    assert "in a file beside the HAR" in run("check", path)[1]
    for number, each in enumerate(STORY):
        (place / f"{number:040x}.xml").write_bytes(each.response or b"")
    for jobs in ("1", "2"):
        status, out, _ = run("check", "--jobs", jobs, path)
        assert (status, out.splitlines()[-1]) == (0, "4 messages checked: 0 refused, 1 warning")
    # In a folder, the files are not read a second time.
    assert run("check", place)[1].splitlines()[-1] == "4 messages checked: 0 refused, 1 warning"
    (place / ("e" * 40 + ".xml")).write_bytes(STORY[0].request)
    assert run("check", place)[1].splitlines()[-1].startswith("5 messages checked")
    (place / ("e" * 40 + ".xml")).unlink()
    # No file is read that is somewhere else.
    name = f"{0:040x}.xml"
    (place / name).rename(tmp_path / name)
    path.write_bytes(path.read_bytes().replace(b'"0', b'"../0'))
    assert run("check", path)[0] == 1


def test_zip_member_without_a_name_is_no_capture() -> None:
    # A name ends at a null character.
    (found,) = read(archive({"qq": b"a note", "x/": b""}).replace(b"qq", b"\0q"))
    assert found.trouble is not None
    assert "without captures" in found.trouble.message


def test_archive_within_an_archive_is_not_read() -> None:
    for data in (
        gzip.compress(archive({"a.har": CAPTURES["a.har"]})),
        gzip.compress(gzip.compress(b"")),
        archive({"a.zip": archive({"a.har": CAPTURES["a.har"]})}),
        archive({"a.har.gz": gzip.compress(CAPTURES["a.har"])}),
    ):
        (found,) = read(data)
        assert found.trouble is not None
        assert found.trouble.code is Code.UNSUPPORTED_FORMAT


def test_archive_that_unpacks_to_too_much_is_a_finding() -> None:
    limits = CaptureLimits(max_entry_bytes=1_000_000, max_unpacked_bytes=2_500_000)
    note = b"2026 DEBUG " + BODIES[0]
    bomb = note + bytes(2_000_000)
    (found,) = read(gzip.compress(bomb), limits=limits)
    assert found.trouble is not None
    assert found.trouble.code is Code.LIMIT_EXCEEDED
    found_in_zip = read(archive({f"{number}.log": bomb for number in range(9)}), limits=limits)
    assert {each.trouble.code for each in found_in_zip if each.trouble} == {Code.LIMIT_EXCEEDED}
    assert len(found_in_zip) <= 4


def test_damaged_gzip_file_is_named_as_a_file() -> None:
    for data in (b"\x1f\x8b\x08zz", gzip.compress(CAPTURES["a.har"])[:-5]):
        (found,) = read(data, "a.gz")
        assert found.trouble is not None
        assert found.trouble.message == "the gzip file is cut off or damaged"


@pytest.mark.parametrize("data", [gzip.compress(CAPTURES["a.har"])[:-5], archive(CAPTURES)[:-30]])
def test_archive_that_is_damaged_is_a_finding(data: bytes) -> None:
    (found,) = read(data)
    assert found.trouble is not None
    assert found.trouble.code is Code.BROKEN_CAPTURE
    assert redact(data).data == b""


def test_archive_redacted_tells_the_same_story() -> None:
    for data in (archive({"note.txt": ID.encode(), **CAPTURES}), gzip.compress(CAPTURES["d.log"])):
        redacted = redact(data).data
        assert [each.body.replace(b"session-1", ID.encode()) for each in read(redacted)] == [
            each.body for each in read(data)
        ]
        assert redact(redacted).changes == ()
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(redacted)) as made:
                assert made.read("note.txt") == b"session-1"
                assert all(ID.encode() not in made.read(name) for name in made.namelist())
    plain = gzip.compress(BODIES[3])
    assert redact(plain).data == plain


def test_check_folder_reads_archives_and_skips_others(tmp_path: Path) -> None:
    (tmp_path / "a.har.gz").write_bytes(gzip.compress(CAPTURES["a.har"]))
    (tmp_path / "b.zip").write_bytes(archive({"c.http": CAPTURES["c.http"]}))
    (tmp_path / "c.zip").write_bytes(archive({"a.txt": b"a note"}))
    (tmp_path / "d.gz").write_bytes(gzip.compress(b"a note"))
    status, out, err = run("check", tmp_path)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].startswith("8 messages checked: 0 refused")
    assert out.splitlines()[-1].endswith("2 without SOAP skipped")
    assert run("check", tmp_path / "c.zip")[0] == 2


# -- tcpflow ---------------------------------------------------------------------------------------------

_FLOWS = {
    "4": ("010.000.000.001.50000-010.000.000.002.08080", "010.000.000.002.08080-010.000.000.001.50000"),
    "6": ("fe80::1.50000-fe80::2.00080", "fe80::2.00080-fe80::1.50000"),
    "again": (
        "010.000.000.001.50000-010.000.000.002.00080c1",
        "010.000.000.002.00080-010.000.000.001.50000c1",
    ),
    "vlan": (
        "010.000.000.001.50000-010.000.000.002.00080--7",
        "010.000.000.002.00080-010.000.000.001.50000--7",
    ),
}


@pytest.mark.parametrize("kind", _FLOWS)
def test_pair_names_of_tcpflow_pairs_by_the_addresses(kind: str) -> None:
    request, response = _FLOWS[kind]
    (first, key), (second, other) = pair_names([f"a/{response}", f"a/{request}"])
    assert (first, second) == (f"a/{request}", f"a/{response}")
    assert key is not None
    assert key == other
    assert {key for _, key in pair_names([request, "b/" + response])} == {None}


def test_pair_names_of_tcpflow_tells_connections_apart() -> None:
    names = [name for names in _FLOWS.values() for name in names]
    keys = [key for _, key in pair_names(names)]
    assert None not in keys
    assert len(set(keys)) == len(_FLOWS)


def test_check_folder_of_tcpflow_pairs_its_sides(tmp_path: Path) -> None:
    for kind in ("4", "6"):
        request, response = _FLOWS[kind]
        (tmp_path / request).write_bytes(b"".join(map(http_request, STORY)))
        (tmp_path / response).write_bytes(b"".join(map(http_response, STORY)))
    (tmp_path / "report.xml").write_bytes(b"<dfxml/>")
    status, out, _ = run("check", tmp_path)
    assert status == 0
    assert "request-without-response" not in out
    assert out.splitlines()[-1].startswith("8 messages checked: 0 refused")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("most", [1_048_576, 100])
def test_check_folder_of_tcpflow_follows_its_sessions(
    jobs: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The response that grants the session stands in another file than the requests that use it.
    monkeypatch.setattr(_sharing, "_BATCH_BYTES", most)
    request, response = _FLOWS["4"]
    story = [*STORY, STORY[1]]
    (tmp_path / request).write_bytes(b"".join(map(http_request, story)))
    (tmp_path / response).write_bytes(b"".join(map(http_response, story)))
    status, out, _ = run("check", "--jobs", jobs, "--format", "json", tmp_path)
    report = json.loads(out)
    assert status == 0
    assert [(each["requests"], each["state"]) for each in report["sessions"]] == [(3, "active")]
    sides = [Path(each["path"]).parts[-2] for each in report["messages"]]
    assert sides == ["request", "response"] * 3


def test_check_folder_notes_each_file_of_a_pair(tmp_path: Path) -> None:
    request, response = _FLOWS["4"]
    (tmp_path / request).write_bytes(b"".join(map(http_request, STORY)))
    (tmp_path / response).write_bytes(b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n")
    expected = run("check", tmp_path)
    assert expected[0] == 2
    assert f"{response}: there is no XMLA message in this capture" in expected[2]
    assert expected[1].splitlines()[-1].startswith("2 messages checked: 0 refused")
    assert run("check", "--jobs", "2", tmp_path) == expected
