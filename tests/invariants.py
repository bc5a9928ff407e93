"""The invariants for any bytes, as one function for the property tests and the guided fuzzer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from xmla_headers import (
    Code,
    Envelope,
    HeadCache,
    Header,
    HeaderReader,
    Session,
    Severity,
    XmlaHeadersError,
    decode,
    decode_header,
    encode,
    iter_findings,
    stream,
    with_blocks,
    without_blocks,
)
from xmla_headers._xml import reader as _reader
from xmla_headers._xml import stream_reader as _stream_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["hold"]

Verdict = tuple[str, Any]


def verdict(call: Callable[..., object], *arguments: object, **reading: Any) -> Verdict:
    """Return the value or the finding of a call; any other exception is a bug."""
    try:
        return "value", call(*arguments, **reading)
    except XmlaHeadersError as error:
        return type(error).__name__, error.finding


def hold(data: bytes) -> None:
    """Assert all invariants for any bytes."""
    whole = verdict(decode, data)
    _agrees_with_the_findings(data, whole, deep=False)
    _agrees_with_the_findings(data, verdict(decode, data, deep=True), deep=True)
    _does_not_depend_on_the_way(data, whole)
    _does_not_depend_on_the_pieces(data, whole)
    head = verdict(decode_header, data)
    if whole[0] == "value":
        envelope: Envelope = whole[1]
        assert head == ("value", envelope.header)
        _can_be_written(envelope)
    _blocks_can_be_exchanged(data, head)


def _agrees_with_the_findings(data: bytes, found: Verdict, *, deep: bool) -> None:
    findings = list(iter_findings(data, deep=deep))
    refused = [finding for finding in findings if finding.severity is Severity.ERROR]
    if refused:
        assert found[1] == refused[0]
        assert (found[0] == "DecodeError") == (refused[0].code in _FATAL)
    else:
        assert found[0] == "value", found
        assert list(found[1].warnings) == findings
    offsets = [finding.offset or 0 for finding in findings if finding.code not in _FATAL]
    assert offsets == sorted(offsets)
    assert all(0 <= (finding.offset or 0) <= len(data) for finding in findings)


_FATAL = {
    Code.NOT_XML,
    Code.NOT_WELL_FORMED,
    Code.ENCODING_ERROR,
    Code.DTD_FORBIDDEN,
    Code.PROCESSING_INSTRUCTION,
    Code.LIMIT_EXCEEDED,
}


def _does_not_depend_on_the_way(data: bytes, whole: Verdict) -> None:
    cache = HeadCache(2)
    for _ in range(2):
        assert verdict(decode, data, cache=cache) == whole
    assert verdict(decode, memoryview(data)) == whole
    assert verdict(decode, data, cache=None) == whole
    with mock.patch.object(_reader, "last_end_tag", return_value=None):
        assert verdict(decode, data, cache=None) == whole


@contextmanager
def _steps(step: int, piece: int) -> Iterator[None]:
    with mock.patch.object(_stream_reader, "_STEP", step), mock.patch.object(stream, "_PIECE", piece):
        yield


def in_pieces(data: bytes, size: int) -> Header:
    reader = HeaderReader()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reader.close()


def _does_not_depend_on_the_pieces(data: bytes, whole: Verdict) -> None:
    expected = ("value", whole[1].header) if whole[0] == "value" else whole
    for size, step, piece in ((len(data) // 2 + 1, 65_536, 65_536), (17, 1, 65_536), (64, 9, 5)):
        with _steps(step, piece):
            assert verdict(in_pieces, data, size) == expected


def _can_be_written(envelope: Envelope) -> None:
    written = verdict(encode, envelope)
    if written[0] == "value":
        again = decode(written[1])
        assert again == envelope
    else:
        assert written[0] == "EncodeError"
        assert written[1].code is Code.LIMIT_EXCEEDED
    fault = envelope.fault
    if fault is not None:
        message = encode(Envelope(body=fault.to_body()))
        assert decode(message).fault == fault


_BLOCK = Session("a<b>&\"c'\t\n")


def _blocks_can_be_exchanged(data: bytes, head: Verdict) -> None:
    put = verdict(with_blocks, data, _BLOCK)
    if head[0] == "value":
        if put[0] == "value":
            header = decode_header(put[1])
            assert header.session == _BLOCK
            assert header.unknown == head[1].unknown
            assert verdict(decode, put[1])[0] == verdict(decode, data)[0]
        else:
            assert put[0] == "EncodeError"
        bare = verdict(without_blocks, data, Session)
        assert bare[0] == "value"
        assert decode_header(bare[1]).session is None
    else:
        assert put == head
