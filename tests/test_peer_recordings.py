"""Messages that peers wrote are read as their manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.each import each
from xmla_headers import (
    Direction,
    Envelope,
    HeaderBlock,
    Severity,
    XmlaHeadersError,
    decode,
    decode_header,
    encode,
    iter_findings,
)

_HERE = Path(__file__).resolve().parent
_PEERS = _HERE / "data" / "peers"
_SHARED = _HERE.parent.parent / "shared" / "captures" / "peers"

_MESSAGES: list[dict[str, Any]] = json.loads((_PEERS / "manifest.json").read_text(encoding="utf-8"))[
    "messages"
]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("*/*.xml")}


_FILES = _files(_PEERS)


def labels_of(envelope: Envelope) -> dict[str, Any]:
    """Return what the manifest says about a message that can be read."""
    header = [
        [type(block).__name__, getattr(block, "session_id", None), _spelling(block)]
        if isinstance(block, HeaderBlock)
        else [block.qname]
        for block in envelope.header
    ]
    labels: dict[str, Any] = {
        "header": header,
        "warnings": [str(finding.code) for finding in envelope.warnings],
    }
    if fault := envelope.fault:
        entries = [[entry.code, entry.description] for entry in fault.entries]
        labels["fault"] = [fault.code, fault.string, fault.session_lost, entries]
    return labels


def _spelling(block: HeaderBlock) -> str | None:
    return str(block.must_understand_form) if block.must_understand else None


def test_peer_recordings_all_have_labels() -> None:
    assert sorted(_FILES) == sorted(message["file"] for message in _MESSAGES)


@each("message", _MESSAGES, ids=lambda message: str(message["file"]))
def test_peer_recording_is_read_as_labelled(message: dict[str, Any]) -> None:
    data, direction = _FILES[message["file"]], Direction(message["direction"])
    errors = [
        str(finding.code)
        for finding in iter_findings(data, direction=direction)
        if finding.severity is Severity.ERROR
    ]
    if code := message.get("error"):
        assert errors[0] == code
        with pytest.raises(XmlaHeadersError) as caught:
            decode(data, direction=direction)
        assert caught.value.code == code
        if "encoding" not in message:
            return
    else:
        assert errors == []
    encoding = message.get("encoding")
    envelope = decode(data, direction=direction, encoding=encoding, deep=True)
    said = {key: value for key, value in message.items() if key in {"header", "warnings", "fault"}}
    assert labels_of(envelope) == said
    assert decode(data, direction=direction, encoding=encoding) == envelope
    assert decode_header(data, direction=direction, encoding=encoding) == envelope.header
    assert decode(encode(envelope), direction=direction).header == envelope.header


@pytest.mark.skipif(
    not _SHARED.exists(), reason="there is no folder shared/captures/peers next to the repository"
)
def test_peer_recordings_equal_the_shared_ones() -> None:
    assert _files(_SHARED) == _FILES
