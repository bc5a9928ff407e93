"""Mapped files: read like bytes, and closed by their owner at any time, after a result and after an error."""

from __future__ import annotations

import mmap
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import BEGIN, Exchange, har, message, session
from tests.test_arguments import MESSAGE
from xmla_headers import (
    Envelope,
    Fragment,
    Header,
    HeaderReader,
    Limits,
    Session,
    XmlaHeadersError,
    captures,
    decode,
    decode_header,
    encode,
    iter_findings,
    schema,
    validate,
    with_blocks,
    without_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = encode(Envelope(Header(Session("8f1c2b3a")), Fragment(b"<a>long</a>")))
UTF_16 = b"\xff\xfe" + SESSION.decode().encode("utf-16-le")


def stream(data: Any) -> Header:
    reader = HeaderReader()
    reader.feed(data)
    return reader.close()


CALLS: dict[str, Callable[[Any], object]] = {
    "decode": decode,
    "decode deep": lambda data: decode(data, deep=True, cache=None),
    "decode_header": decode_header,
    "decode_header with limits": lambda data: decode_header(
        data, limits=Limits(max_message_bytes=300, max_header_bytes=250), cache=None
    ),
    "decode_header without limits": lambda data: decode_header(data, limits=Limits(max_header_bytes=None)),
    "iter_findings": lambda data: list(iter_findings(data)),
    "validate": validate,
    "with_blocks": lambda data: with_blocks(data, Session("0d4e")),
    "with_blocks of none": with_blocks,
    "without_blocks": lambda data: without_blocks(data, Session),
    "HeaderReader": stream,
    "iter_messages": lambda data: list(captures.iter_messages(data)),
    "redact": lambda data: captures.redact(data, insist=True).data,
    "format_of": captures.format_of,
    "learn": lambda data: captures.Pseudonyms().learn(data),
    "SchemaValidator": lambda data: list(schema.SchemaValidator().iter_findings(data)),
}
MESSAGES = {
    "plain": MESSAGE,
    "session": SESSION,
    "utf-16": UTF_16,
    "page": b"<html><body>Bad Gateway</body></html>",
    "cut": SESSION[:-9],
    "cut in the head": SESSION[:90],
    "white space": b" " * 70_000,
    "binary": bytes(range(256)) * 4,
    "deep": SESSION.replace(b"<a>long</a>", b"<a>" * 300 + b"</a>" * 300),
    "log": b"POST /xmla HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>",
}


def mapped(data: bytes) -> mmap.mmap:
    found = mmap.mmap(-1, len(data))
    found[:] = data
    return found


def outcome(call: Callable[[Any], object], data: Any) -> tuple[object, BaseException | None]:
    """Return the result, or the finding and the exception: it keeps its frames, and so all they refer to."""
    try:
        return call(data), None
    except XmlaHeadersError as error:
        return error.finding, error


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("name", CALLS)
def test_map_gives_what_bytes_give_and_can_be_closed(name: str, message: str) -> None:
    call, data = CALLS[name], MESSAGES[message]
    expected, _ = outcome(call, data)
    given_map = mapped(data)
    found, error = outcome(call, given_map)
    # A view that is left would be a BufferError here.
    given_map.close()
    assert found == expected
    assert isinstance(error, XmlaHeadersError | None)


def test_values_of_a_map_are_read_after_it_is_closed() -> None:
    with mapped(SESSION) as data:
        envelope = decode(data)
    assert (envelope.body.xml, len(envelope.header)) == (b"<a>long</a>", 1)


def test_stream_copies_a_map_in_pieces() -> None:
    data = SESSION.replace(b"long", b"x" * 200_000)
    pieces = []

    class Map(mmap.mmap):
        def __getitem__(self, index: Any) -> Any:
            found = super().__getitem__(index)
            pieces.append(len(found))
            return found

    given_map = Map(-1, len(data))
    given_map[:] = data
    assert stream(given_map) == decode(data).header
    assert sum(pieces) == len(data)
    assert max(pieces) == 65_536


def test_head_of_a_map_is_read_without_the_rest() -> None:
    size = 1 << 24
    data = SESSION.replace(b"long", b"x" * size)
    with mapped(data) as given_map:
        tracemalloc.start()
        decode_header(given_map, cache=None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < size / 4


@given(st.sampled_from(sorted(MESSAGES)), st.integers(0, 400), st.integers(0, 400))
def test_head_of_a_map_has_the_verdict_of_bytes(message: str, header: int, size: int) -> None:
    limits = Limits(max_header_bytes=header, max_message_bytes=size)
    data = MESSAGES[message]

    def call(given: Any) -> object:
        return decode_header(given, limits=limits, cache=None)

    with mapped(data) as given_map:
        assert outcome(call, given_map)[0] == outcome(call, data)[0]


def test_messages_of_a_map_hold_it_until_they_end() -> None:
    given_map = mapped(MESSAGES["log"] * 3)
    messages = captures.iter_messages(given_map)
    first = next(messages)
    with pytest.raises(BufferError):
        given_map.close()
    del messages
    given_map.close()
    assert first.body == b"<a/>"


@pytest.mark.parametrize("call", [decode, decode_header, with_blocks])
def test_closed_map_is_value_error(call: Callable[[Any], object]) -> None:
    given_map = mapped(MESSAGE)
    given_map.close()
    with pytest.raises(ValueError, match="closed") as error:
        call(given_map)
    assert not isinstance(error.value, XmlaHeadersError)


_CHILD = """
import re, sys
from xmla_headers import cli
try:
    cli.main()
except SystemExit as done:
    assert not done.code, done.code
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is in /proc")
def test_check_of_a_large_har_takes_the_memory_of_a_small_one(tmp_path: Path) -> None:
    """A HAR is mapped, and its pages are released as they are read."""
    peaks = []
    exchange = Exchange(message(BEGIN), message(session("abcdefgh"), f"<a>{'x' * 100_000}</a>"))
    for count in (10, 800):
        path = tmp_path / f"{count}.har"
        path.write_bytes(har([exchange] * count))
        command = [sys.executable, "-c", _CHILD, "check", "--quiet", str(path)]
        done = subprocess.run(
            command, capture_output=True, check=True, text=True, cwd=Path(__file__).parents[1]
        )
        peaks.append(int(done.stdout) * 1_024)
    assert path.stat().st_size > 80_000_000
    assert peaks[1] < peaks[0] + 16_000_000
