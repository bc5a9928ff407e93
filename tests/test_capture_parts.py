"""A HAR that is read in parts has the messages that it has as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import har, recorded
from tests.capture_mutants import mutants
from tests.test_cli_captures import run
from xmla_headers.captures import CapturedMessage, CaptureLimits
from xmla_headers.captures._formats.har import NotAPartError, Part, parts, read, read_part
from xmla_headers.cli import _sharing

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = CaptureLimits()


def in_parts(data: bytes, size: int) -> tuple[list[CapturedMessage], int]:
    """Return the messages, as the command reads them in parts, and the number of parts."""
    messages: list[CapturedMessage] = []
    count = 0
    for part in parts(data, size):
        count += 1
        try:
            messages += list(read_part(data, part, "a.har", LIMITS))
        except NotAPartError:
            rest = Part(part.start, len(data), part.first, None)
            return messages + list(read_part(data, rest, "a.har", LIMITS)), count
    # A HAR without parts is read as a whole.
    return (messages if count else list(read(data, "a.har", LIMITS))), count


TEXTS = st.sampled_from(["", "<a/>", "é€😀", '{"a":', ',{"a":1},', '\\",{"a":1}', "\ud800"])
#: Objects with the same first name at every depth.
VALUES = st.recursive(
    TEXTS | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries({"a": inner}, optional={"request": inner, "startedDateTime": inner})
    ),
    max_leaves=12,
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "a": VALUES,
        "request": st.fixed_dictionaries({"method": st.just("POST")}, optional={"postData": VALUES})
        | st.fixed_dictionaries(
            {"method": st.just("POST"), "headers": st.just([{"name": "SOAPAction", "value": ""}])}
        ),
        "response": VALUES,
    },
)


@given(
    entries=st.lists(ENTRIES, max_size=6),
    size=st.integers(0, 200),
    indent=st.sampled_from([None, 0, 1]),
    ascii_only=st.booleans(),
)
def test_har_in_parts_has_the_messages_of_the_whole(
    entries: list[Any], size: int, indent: int | None, *, ascii_only: bool
) -> None:
    document = {"log": {"pages": [{"a": 1}], "entries": entries, "a": [{"a": 1}, {"a": 2}]}}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    assert in_parts(data, size)[0] == list(read(data, "a.har", LIMITS))


@pytest.mark.parametrize("piece", [1, 7, 300, 1_048_576])
def test_har_is_searched_for_parts_in_pieces(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = har(recorded())
    whole = list(parts(data, 0))
    assert len(whole) == len(recorded())
    monkeypatch.setattr("xmla_headers.captures._formats.har._PIECE", piece)
    assert list(parts(data, 0)) == whole
    assert in_parts(data, 0) == (list(read(data, "a.har", LIMITS)), len(whole))


@pytest.mark.parametrize("count", [20, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.no_cover])])
def test_damaged_har_in_parts_is_read_as_a_whole(count: int) -> None:
    for data in mutants("har", 7 + count, count):
        assert in_parts(data, 600)[0] == list(read(data, "a.har", LIMITS))


def _unchanged(data: bytes) -> bytes:
    return data


def _other_objects(data: bytes) -> bytes:
    """An entry with a list of objects that begin as the entries do."""
    document = json.loads(data)
    document["log"]["entries"][3]["a"] = [{"startedDateTime": ""}] * 2_000
    return json.dumps(document).encode()


def _broken_entry(data: bytes) -> bytes:
    place = data.index(b'"method"', len(data) // 2)
    return data[:place] + data[place + 1 :]


def _no_entries(_data: bytes) -> bytes:
    return b'{"log": {"entries": []}}' + b" " * 2_000


@pytest.mark.slow
@pytest.mark.parametrize("change", [_unchanged, _other_objects, _broken_entry, _no_entries])
def test_check_jobs_do_not_change_the_report_of_a_har(
    change: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sharing, "_BATCH_BYTES", 1_000)
    (tmp_path / "a.har").write_bytes(change(har(recorded() * 3)))
    (tmp_path / "b.xml").write_bytes(b"<xml-without-soap/>")
    (tmp_path / "c.har").mkdir()
    for options in ([], ["--format", "json"], ["--strict"]):
        alone = run("check", *options, tmp_path, tmp_path / "no-such.har")
        assert run("check", "--jobs", "2", *options, tmp_path, tmp_path / "no-such.har") == alone


def test_check_jobs_complain_about_a_folder_without_soap(tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_bytes(b"<xml-without-soap/>")
    status, _, err = run("check", "--jobs", "2", tmp_path)
    assert status == 2
    assert "there is no message in this folder" in err
