"""Messages recorded between real clients and servers: they have no errors, and the right session headers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import xmla_headers
from xmla_headers import (
    BeginSession,
    Code,
    Direction,
    EndSession,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    Severity,
)

_CAPTURED = Path(__file__).resolve().parent / "data" / "captured"
_RECORDINGS = sorted(path.name for path in _CAPTURED.glob("*.xml"))

_OLAPY = "73573c22-e4cc-11f1-a02b-02fc00000001"
_SPYNE = "6B4FBEEC-E855-4A2F-B8A4-7BD2AA5C5E5B"
_SPYNE_ZEEP = "2767BD44-F960-460D-B9DA-ED94AB725E94"
_SPYNE_ZEEP_2 = "870DD370-0731-49E0-A971-6E65EDE30A24"
_AWKWARD = "a<b>&\"c' é😀"

#: Pair and number -> the session headers of the request and the response.
_EXCHANGES: dict[str, tuple[HeaderBlock | None, HeaderBlock | None]] = {
    "olapy-nodesoap-01": (BeginSession(must_understand=True), Session(_OLAPY)),
    "olapy-nodesoap-02": (Session(_OLAPY, must_understand=True), Session(_OLAPY)),
    "olapy-nodesoap-03": (EndSession(_OLAPY, must_understand=True), Session(_OLAPY)),
    "olapy-nodesoap-04": (Session(_AWKWARD, must_understand=True), Session(_OLAPY)),
    "olapy-xmla4js-01": (None, Session(_OLAPY)),
    "olapy-zeep-01": (None, Session(_OLAPY)),
    "olapy-zeep-02": (BeginSession(must_understand=True), Session(_OLAPY)),
    "olapy-zeep-03": (Session(_OLAPY, must_understand=True), Session(_OLAPY)),
    "olapy-zeep-04": (Session(_OLAPY, must_understand=True), Session(_OLAPY)),
    "olapy-zeep-05": (EndSession(_OLAPY, must_understand=True), Session(_OLAPY)),
    "olapy-zeep-06": (BeginSession(must_understand=True), Session(_OLAPY)),
    "olapy-zeep-07": (EndSession("not-a-session", must_understand=True), Session(_OLAPY)),
    "spyne-nodesoap-01": (BeginSession(must_understand=True), Session(_SPYNE)),
    "spyne-nodesoap-02": (Session(_SPYNE, must_understand=True), Session(_SPYNE)),
    "spyne-nodesoap-03": (EndSession(_SPYNE, must_understand=True), None),
    "spyne-nodesoap-04": (Session(_AWKWARD, must_understand=True), None),
    "spyne-zeep-01": (BeginSession(must_understand=True), Session(_SPYNE_ZEEP)),
    "spyne-zeep-02": (Session(_SPYNE_ZEEP, must_understand=True), Session(_SPYNE_ZEEP)),
    "spyne-zeep-03": (EndSession(_SPYNE_ZEEP, must_understand=True), None),
    "spyne-zeep-04": (BeginSession(must_understand=True), Session(_SPYNE_ZEEP_2)),
    "spyne-zeep-05": (EndSession("no-such-session", must_understand=True), None),
}


def _direction(name: str) -> Direction:
    return Direction.REQUEST if name.endswith("-request.xml") else Direction.RESPONSE


def test_recordings_are_complete() -> None:
    assert sorted(_EXCHANGES) == sorted({re.sub("-(request|response).xml", "", name) for name in _RECORDINGS})
    assert len(_RECORDINGS) == 2 * len(_EXCHANGES)
    for exchange in _EXCHANGES:
        assert json.loads((_CAPTURED / f"{exchange}-http.json").read_text(encoding="utf-8"))["status"]


@pytest.mark.parametrize("name", _RECORDINGS)
def test_recordings_have_no_errors(name: str) -> None:
    data = (_CAPTURED / name).read_bytes()
    findings = list(xmla_headers.iter_findings(data, direction=_direction(name)))
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    # With Microsoft's WSDL, zeep writes mustUnderstand without a prefix.
    unqualified = "zeep" in name and name.endswith("-request.xml") and b"mustUnderstand" in data
    assert [finding.code for finding in findings] == [Code.UNQUALIFIED_MUST_UNDERSTAND] * unqualified


@pytest.mark.parametrize("name", _RECORDINGS)
def test_recordings_have_the_expected_session_headers(name: str) -> None:
    data = (_CAPTURED / name).read_bytes()
    exchange, _, kind = name.removesuffix(".xml").rpartition("-")
    expected = _EXCHANGES[exchange][kind == "response"]
    for deep in (False, True):
        envelope = xmla_headers.decode(data, direction=_direction(name), deep=deep)
        assert envelope.header.session_header == expected
        assert envelope.header.unknown == ()
        assert len(envelope.header) == (expected is not None)
        assert len(envelope.body)
    assert xmla_headers.decode_header(data) == envelope.header
    if expected is not None and expected.must_understand:
        form = MustUnderstandForm.UNQUALIFIED if "zeep" in name else MustUnderstandForm.QUALIFIED
        assert envelope.header[0].must_understand_form is form  # type: ignore[union-attr]
