"""Messages of real software get the results that their manifest lists.

They belong to others and are not part of the project. They are in the folder "shared" next to the repository;
without it, these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xmla_headers
from xmla_headers import HeaderBlock, Severity, XmlaHeadersError

if TYPE_CHECKING:
    from typing import Any

_HERE = Path(__file__).resolve().parent
_SHARED = _HERE.parent.parent / "shared"


def _manifest() -> list[dict[str, Any]]:
    path = _SHARED / "messages" / "manifest.json"
    if not path.exists():
        return []
    messages: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["messages"]
    return messages


_MESSAGES = {message["file"]: message for message in _manifest()}
_WHOLE = [name for name, labels in _MESSAGES.items() if "decode" in labels]

shared = pytest.mark.skipif(not _MESSAGES, reason="there is no folder shared/messages next to the repository")


@shared
def test_shared_messages_all_have_labels_except_fragments() -> None:
    assert _WHOLE
    assert all(name.endswith(".frag.xml") for name in set(_MESSAGES) - set(_WHOLE))


@shared
@pytest.mark.parametrize("name", _WHOLE or ["none"])
def test_shared_message_matches_its_labels(name: str) -> None:
    labels = _MESSAGES[name]
    data = (_SHARED / "messages" / name).read_bytes()
    errors = [
        finding.code for finding in xmla_headers.iter_findings(data) if finding.severity is Severity.ERROR
    ]
    if labels["decode"] == "reject":
        allowed = set(labels["decode_errors"])
        if "not-well-formed" in allowed:
            allowed |= {"not-xml", "encoding-error"}
        assert errors[0] in allowed
        with pytest.raises(XmlaHeadersError) as caught:
            xmla_headers.decode(data, deep=True)
        assert caught.value.code == errors[0]
        return
    assert errors == []
    envelope = xmla_headers.decode(data, deep=True)
    assert sorted({finding.code for finding in envelope.warnings}) == sorted(labels["decode_warnings"])
    assert [_labels(block) for block in envelope.header if isinstance(block, HeaderBlock)] == labels[
        "session_blocks"
    ]
    assert xmla_headers.decode(data) == envelope
    assert xmla_headers.decode_header(data) == envelope.header


def _labels(block: HeaderBlock) -> dict[str, Any]:
    return {
        "kind": type(block).__name__,
        "session_id": getattr(block, "session_id", None),
        "must_understand": block.must_understand,
    }


@pytest.mark.skipif(
    not (_SHARED / "captures").exists(), reason="there is no folder shared/captures next to the repository"
)
def test_recordings_equal_the_shared_ones() -> None:
    copies = {
        path.name: path.read_bytes() for path in (_HERE / "data" / "captured").iterdir() if path.is_file()
    }
    shared = [path for path in (_SHARED / "captures").iterdir() if path.is_file()]
    assert copies == {path.name: path.read_bytes() for path in shared}


@pytest.mark.skipif(
    not (_SHARED / "hostile").exists(), reason="there is no folder shared/hostile next to the repository"
)
@pytest.mark.parametrize("folder", ["decode", "encode"])
def test_hostile_inputs_equal_the_shared_ones(folder: str) -> None:
    ours, theirs = _HERE / "data" / "hostile", _SHARED / "hostile"
    assert (ours / "manifest.json").read_bytes() == (theirs / "manifest.json").read_bytes()
    copies = {path.name: path.read_bytes() for path in (ours / folder).iterdir()}
    assert copies == {path.name: path.read_bytes() for path in (theirs / folder).iterdir()}
