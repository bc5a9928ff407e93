"""HeaderReader reads a message in pieces as decode reads the whole, in bounded memory and linear time."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from array import array
from contextlib import contextmanager, suppress
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import xmla_headers
from tests.data.hostile.load import manifest, read
from tests.each import each
from tests.messages import everyday, messages, mutated
from tests.outcomes import facts, readings
from tests.profiles import scaled
from tests.test_properties import anything, likely, properties
from xmla_headers import (
    Code,
    DecodeError,
    Direction,
    Finding,
    HeadCache,
    Header,
    HeaderReader,
    Limits,
    Session,
    ValidationError,
    XmlaHeadersError,
    decode,
    stream,
)
from xmla_headers._xml import parser as _expat
from xmla_headers._xml import stream_reader as _stream_reader
from xmla_headers._xml.body_end import BODY_TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_HERE = Path(__file__).resolve().parent
_SHARED = _HERE.parent.parent / "shared"

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_XMLA = "urn:schemas-microsoft-com:xml-analysis"
_SESSION = f'<Session xmlns="{_XMLA}" SessionId="secret-id" s:mustUnderstand="1"/>'
_ENVELOPE = f'<s:Envelope xmlns:s="{_SOAP}">'
_START = f"{_ENVELOPE}<s:Header>{_SESSION}</s:Header><s:Body>"
_END = "</s:Body></s:Envelope>"


# -- helpers -----------------------------------------------------------------------------------------


def whole(data: bytes, **reading: Any) -> tuple[object, ...]:
    """Return the result of decode in a form whose comparison ignores nothing."""
    try:
        envelope = xmla_headers.decode(data, **reading)
    except XmlaHeadersError as error:
        return type(error), error.finding
    return _said(envelope.header, envelope.warnings)


def in_pieces(pieces: Iterable[bytes], **reading: Any) -> tuple[object, ...]:
    """Return the result of HeaderReader in the same form, and assert its invariants after each piece."""
    reader = HeaderReader(**reading)
    header: Header | None = None
    try:
        for piece in pieces:
            reader.feed(piece)
            if header is None:
                header = reader.header
            assert reader.header is header
        header = reader.close()
    except XmlaHeadersError as error:
        if header is not None:
            assert reader.header is header
        for call in (reader.close, lambda: reader.feed(b""), lambda: reader.feed(b"<")):
            with pytest.raises(XmlaHeadersError) as again:
                call()
            assert again.value is error
        return type(error), error.finding
    assert reader.header is header
    assert reader.close() is header
    return _said(header, reader.warnings)


def _said(header: Header, warnings: tuple[Finding, ...]) -> tuple[object, ...]:
    return header, tuple(map(facts, header)), warnings


def feed_all(reader: HeaderReader, pieces: Iterable[bytes], *, close: bool = True) -> None:
    for piece in pieces:
        reader.feed(piece)
    if close:
        reader.close()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(places), len(data)])]


@contextmanager
def steps(step: int, piece: int = 65_536) -> Iterator[None]:
    """Replace the two sizes of 64 KiB: how many bytes are collected, and how many are fed at a time."""
    with mock.patch.object(_stream_reader, "_STEP", step), mock.patch.object(stream, "_PIECE", piece):
        yield


#: The shipped sizes, and small ones, with which a short message also moves the window.
STEPS = [(65_536, 65_536), (1, 65_536), (1, 1), (7, 3), (40, 100)]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "iso-8859-1", "us-ascii"]


def encoded(text: str, encoding: str) -> bytes:
    """Return a message in an encoding that its first bytes show."""
    if encoding.startswith("utf-16"):
        return ("\ufeff" + text).encode(encoding)
    if encoding in {"iso-8859-1", "us-ascii"}:
        text = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        return text.encode(encoding, "xmlcharrefreplace")
    return text.encode(encoding)


def message(body: str = "", behind: str = "", after: str = "", *, head: str = _START) -> str:
    """Return a message with text in the Body, after it, and after the Envelope."""
    return f"{head}{body}</s:Body>{behind}</s:Envelope>{after}"


# -- P4: the result does not depend on the pieces ----------------------------------------------------

_HEADS = {
    "plain": _START,
    "empty": "",
    "no Header": f"{_ENVELOPE}<s:Body>",
    "white space before": f" \r\n{_START}",
    "two comments and lines": f"<!-- é -->\r\n<!--<s:Body>-->\r\n{_START}",
    "many lookalikes": f"<!--{'<s:Body>' * 6}<s:Body a='-->{_START}",
    "greater-than in the Body start tag": f"{_ENVELOPE}<s:Body a='>' b=\">'>\" >",
    "a quote in a lookalike": f"<!-- <s:Body it's > -->{_START}",
    "Body with a default namespace": f'<Envelope xmlns="{_SOAP}"><Body>',
    "a warning": f'<s:Envelope xmlns:s="{_SOAP_12}"><s:Header>{_SESSION}</s:Header><s:Body>',
    "text in Envelope": f"{_ENVELOPE}text<s:Body>",
    "text in Header": f"{_ENVELOPE}<s:Header>\r\n &#65;</s:Header><s:Body>",
    "two Headers": f"{_ENVELOPE}<s:Header/>\r\n<s:Header/><s:Body>",
    "an element before the Body": f"{_ENVELOPE}\r\n<s:Other/><s:Body>",
    "a bad session header": _START.replace("SessionId", "SessionID"),
    "two session headers": _START.replace(_SESSION, _SESSION + _SESSION),
    "an unbound prefix": f"{_ENVELOPE}<s:Header><u:a/></s:Header><s:Body>",
    "not well-formed": f"{_ENVELOPE}<s:Header><a b=c/></s:Header><s:Body>",
    "not an Envelope": "<s:Envelop xmlns:s='urn:a'>\r\n<s:Body>",
    "wrong namespace": "<s:Envelope xmlns:s='urn:a'>\r\n<s:Body>",
    "a DOCTYPE": f"<!DOCTYPE a>{_START}",
    "a processing instruction": f"{_ENVELOPE}<?pi?><s:Body>",
    "not XML": "HTTP/1.1 200 OK\r\n\r\n",
    "JSON": "{}",
}
_BEHIND_HEADS = [("<a>é</a>\r\n", "\r\n", "\r\n"), ("", "\r\n<late/>", "")]
_BODIES = {
    "text": "a\r\nb\rc\né漢🔑 ]]&gt;",
    "elements": "<a b='>'/>\r\n<c>é<d/></c>",
    "the name in text": "s:Body &lt;/s:Body>",
    "the name in a comment": "<!--</s:Body></s:Envelope>-->",
    "the name in CDATA": "<![CDATA[</s:Body></s:Envelope>]]>",
    "the name in a value": "<a b='/s:Body>'/>",
    "elements with the name": "<s:Body><s:Body/></s:Body><s:Body></s:Body >",
    "the name after its first letter": "B" * 40 + "<s:Body>Bo</s:Body>" + "B" * 31 + "<s:Body>B</s:Body>",
    "names with the same beginning": "<s:Bodyx></s:Bodyx><s:Body-x/>",
    "square brackets": "]<a/>]] ]",
    "references": "&#13;&#10;&amp;&#xe9;",
    "an unfinished tag": "<a",
    "an unclosed element": "\r\n<a>",
    "an unfinished comment": "\r\n<!-- <s:Body>",
    "an unfinished CDATA section": "<![CDATA[ ]] >",
    "a mismatched tag": "<a>\r\n</b>",
    "a duplicate attribute": "\r\n<a\r\n b='é' b=''/>",
    "an unknown entity": "é&unknown;",
    "a forbidden character": "é\r\n\x01",
    "a processing instruction": "é\r\n<?pi é?>",
    "a DOCTYPE": "<!DOCTYPE a>",
    "the end of CDATA": "é]]>",
    "two dashes": "<!-- -- -->",
}
_BEHIND = {
    "lines": "\r\n\r \n",
    "a comment": "<!-- </s:Body> é -->\r\n",
    "an element": "\r\n<late/>",
    "elements": "<late><a/>text</late><s:late/>",
    "a second Body": "\r\n  <s:Body><a/></s:Body>",
    "a second Header": " <s:Header/>",
    "text": "\r\n é\r\n",
    "text after a comment": " <!-- é -->\r\ntext",
    "a reference": "\r\n&#32;\r\n",
    "an empty CDATA section": "\r\n<![CDATA[]]>",
    "CDATA": "\r\n<![CDATA[ x]]>",
    "text and an element": "\r\nx<late/>",
    "an unbound prefix": "\r\n<u:late/>",
    "nested elements": "<a>" * 300,
    "a processing instruction": "\r\n<?pi?>",
    "a mismatched tag": "\r\n</s:Body>",
    "an unfinished comment": "\r\n<!-- ",
    "an unfinished reference": "\r\n&#3",
}
_AFTER = {
    "lines": "\r\n\r \n",
    "a comment": "\r\n<!-- é -->\r\n",
    "text": "\r\n é",
    "text without white space": "x",
    "text after a comment": " <!-- é -->\r\n text",
    "an element": "\r\n<a/>",
    "an end tag": " </a>",
    "a second Envelope": f"\r\n{_START}{_END}",
    "a processing instruction": "\r\n\r\n<?pi é?>",
    "a CDATA section": "\r\n<![CDATA[ ]]>",
    "a DOCTYPE": "\r\n<!DOCTYPE a>",
    "a reference": "\r\n&#32;",
    "an unfinished comment": "\r\n<!-- é",
    "two dashes": "\r\n<!-- -- -->",
    "less-than": "\r\n<",
    "half a comment": "\r\n<!-",
    "a forbidden character": "\r\n\x01",
    "NUL": "\0",
    "a no-break space": "\u00a0",
    "a name": "text/",
    "a character in the start of a comment": "<!-é-->",
    "a forbidden character in a comment": "<!-- --><!--\0<?a?> -->",
    "a comment with dashes": "<!-- -- -->text",
}

_SMALL = {
    **{
        f"head {name}, {index}": message(*rest, head=head)
        for name, head in _HEADS.items()
        for index, rest in enumerate(_BEHIND_HEADS)
    },
    **{f"Body {name}": message(body, "\r\n<!-- -->") for name, body in _BODIES.items()},
    **{
        f"Body {name}, and an element after it": message(body, "\r\n<late/>")
        for name, body in _BODIES.items()
    },
    **{f"after the Body, {name}": message("<a>é</a>", behind) for name, behind in _BEHIND.items()},
    **{f"after the Envelope, {name}": message("\r\n", " ", after) for name, after in _AFTER.items()},
    "empty Body": f"{_START[:-1]}/></s:Envelope>",
    "empty Body, and an element after it": f"{_START[:-1]} />\r\n<late/></s:Envelope>",
    "cut off": _START,
    "unclosed Envelope": f"{_START}</s:Body>\r\n",
    "two end tags of the Body": f"{_START}{_END}{_END}",
}


def _agrees(data: bytes, cuts: Sequence[Iterable[int]], **reading: Any) -> None:
    expected = whole(data, **reading)
    for places in cuts:
        pieces = cut_at(data, places)
        assert in_pieces(pieces, **reading) == expected, [len(piece) for piece in pieces]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", _SMALL)
def test_header_reader_in_single_bytes_equals_decode(name: str, encoding: str) -> None:
    data = encoded(_SMALL[name], encoding)
    expected = whole(data)
    for step, piece in STEPS:
        with steps(step, piece):
            assert in_pieces(cut(data, 7)) == expected
            assert in_pieces([data]) == expected
            if piece > 1:
                assert in_pieces(cut(data, 1)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", _SMALL)
def test_header_reader_in_two_pieces_equals_decode(name: str) -> None:
    data = _SMALL[name].encode()
    # Most of these messages have the same head.
    first = 0 if name.startswith("head") else len(_START) - 9
    for step in (65_536, 1):
        with steps(step):
            _agrees(data, [[place] for place in range(first, len(data) + 1)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "bad",
    [
        *(b"\xff", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xf0\x9f\x94", b"\xed\xa0\x80", b"\xc0\xaf"),
        *(b"\x00\xd8", b"\x00\xd8A\x00", b"\x00\xdc", b"\xd8\x00\x00A", b"a"),
        *(b"<!\xd4\xd4\xd4\xd4", b"<!-\xef\xbb\xbf", b"<\xd4", b"&\xe2\x82\xac"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_header_reader_of_undecodable_bytes_equals_decode(encoding: str, bad: bytes) -> None:
    for text in (f"{_START}é\r\n", f"{_ENVELOPE}<s:Header>", message("é"), f"{_START}</s:Body>\r\n", ""):
        start, end = encoded(text, encoding), encoded(_END, encoding)
        for data in (start + bad, start + bad + end):
            for step, piece in STEPS[:2]:
                with steps(step, piece):
                    _agrees(
                        data, [range(1, len(data)), range(1, len(data), 2), [len(start)], [len(start) + 1]]
                    )


def _files() -> dict[str, bytes]:
    folders = [_HERE / "data" / "captured", _SHARED / "messages"]
    return {path.name: path.read_bytes() for folder in folders for path in sorted(folder.glob("*.xml"))}


_FILES = _files()


@pytest.mark.slow
@pytest.mark.parametrize("name", _FILES)
def test_header_reader_of_recordings_equals_decode(name: str) -> None:
    data = _FILES[name]
    for reading in ({"direction": Direction.RESPONSE}, {"strict": True}):
        for step, piece in STEPS[:3]:
            with steps(step, piece):
                sizes = [17, 1_000, 65_536] if len(data) > 5_000 else [1, 17, 1_000]
                _agrees(data, [range(size, len(data), size) for size in sizes], **reading)


_HOSTILE = {test["name"]: test for test in manifest("decode")}


@pytest.mark.slow
@pytest.mark.parametrize("name", _HOSTILE)
def test_header_reader_of_hostile_input_equals_decode(name: str) -> None:
    data = read(_HOSTILE[name])
    if len(data) > 10_000:
        _agrees(data, [range(10_007, len(data), 10_007)])
        return
    for step, piece in STEPS[:3]:
        with steps(step, piece):
            _agrees(data, [range(len(data)), range(7, len(data), 7)])


@st.composite
def _cuts(draw: st.DrawFn, size: int) -> list[int]:
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return list(range(size))
    if kind == 1:
        return [draw(st.integers(0, size))]
    if kind == 2:
        return draw(st.lists(st.integers(0, size), max_size=12))
    # Some pieces are empty.
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=30))
    return [place for place in accumulate(sizes * (1 + size // (sum(sizes) or 1))) if place < size]


_small_steps = st.sampled_from([*STEPS, (2, 1_000), (3, 2), (200, 50)])


@pytest.mark.no_cover
@settings(properties, max_examples=scaled(500))
@given(st.data(), st.one_of(anything, mutated(messages()), likely), readings, _small_steps)
def test_header_reader_in_any_pieces_equals_decode(
    data: st.DataObject, text: bytes, reading: dict[str, Any], step: tuple[int, int]
) -> None:
    with steps(*step):
        _agrees(text, [data.draw(_cuts(len(text))) for _ in range(2)], **reading)


_soup = st.lists(
    st.sampled_from(
        [
            *(" ", "\r", "\n", "\r\n", "\t", "x", "é", "漢", "🔑", "]", "]]>", "&#13;", "&#65;", "&amp;"),
            *("<a>", "</a>", "<a/>", "<a b='", "'/>", "<!--", "-->", "<![CDATA[", "<?pi?>", "&no;", "<u:a/>"),
            *("<s:Body>", "</s:Body>", "</s:Body >", "<s:Body/>", "<s:Bodyx/>", "s:Body", "<s:Header/>"),
            *("</s:Envelope>", "</s:Envelope>", "<!---->", "<![CDATA[</s:Body>]]>", " " * 50, "\n" * 50),
        ]
    ),
    max_size=14,
).map("".join)


TEXTS = [
    *(
        "  漢]]>",
        "a]]>",
        "]]>",
        "]]]>",
        "a]]]>",
        " ]]>",
        "&#32;]]>",
        "&#32;漢]]>",
        "a;]]>",
        "&amp;]]>",
        "é\x01]]>",
    ),
    *("é]] >]]>", "a-->b]]>", "<x/>漢]]>", '<a b=">"/>漢]]>', "<!-- <a> < -->漢]]>", "<!--a--> -->漢]]>"),
    *(
        "<![CDATA[ ]]>漢]]>",
        "<![CDATA[]]> ]]]>",
        "<s:Header>é]]>",
        "<s:Header><q>é]]>",
        "<s:Header><q><r>é]]>",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("front", ["", "</s:Body>"])
def test_header_reader_finds_text_before_a_fatal_error(text: str, front: str) -> None:
    data = f"{_START}{front}{text}".encode()
    for step, piece in STEPS:
        with steps(step, piece):
            for size in (1, 2, 3, 5, 7, 1_000):
                pieces = (data[place : place + size] for place in range(0, len(data), size))
                assert in_pieces(pieces) == whole(data)


@settings(properties, max_examples=scaled(500))
@given(
    st.data(),
    _soup,
    _soup,
    st.sampled_from(["", "</s:Body>", _END]),
    st.sampled_from(ENCODINGS),
    _small_steps,
)
def test_header_reader_with_any_bytes_after_head_equals_decode(
    data: st.DataObject, body: str, behind: str, end: str, encoding: str, step: tuple[int, int]
) -> None:
    text = encoded(f"{_START}{body}{end}{behind}", encoding)
    with steps(*step):
        _agrees(text, [data.draw(_cuts(len(text))) for _ in range(3)])


def test_header_reader_after_much_white_space_equals_decode() -> None:
    # The first bytes are checked after at most 64 Ki characters of white space.
    head = _START.replace(_SOAP, _SOAP_12)
    for spaces in (65_535, 65_536, 70_000):
        data = encoded(" " * spaces + head, "utf-16-le") + b"\x00\xd8A\x00"
        for reading in ({}, {"strict": True}):
            _agrees(
                data,
                [range(1_000, len(data), 1_000), [len(data) - 2], [len(data) - 5, len(data) - 3]],
                **reading,
            )
        for text in (" " * spaces, " " * spaces + "x", f"{' ' * spaces}\x01"):
            _agrees(text.encode(), [range(1_000, len(text), 1_000), []])


@pytest.mark.parametrize("size", [100, 5_000, 65_543, 65_544, 70_000, 200_000])
def test_header_reader_of_other_formats_equals_decode(size: int) -> None:
    # One of the hints depends on the length of the message.
    xpress = (65_000).to_bytes(4, "little") + (64_000).to_bytes(4, "little")
    for start in (
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"HTTP/1.1 200 OK",
        xpress,
        b"\xdf\xff",
        b"\0\0\0<",
        b"<\0\0\0",
    ):
        data = start.ljust(size, b"\7")
        _agrees(data, [range(1_000, size, 1_000), [1, 2, 3], [size - 1]])


# -- long messages, with the shipped windows ---------------------------------------------------------

_WINDOW = 65_536
_ACROSS = {
    "the end tag in a comment": "<!--</s:Body>-->",
    "the end tag in CDATA": "<![CDATA[</s:Body>]]>",
    "the name in text": "s:Body &lt;/s:Body>",
    "an element with the name": "<s:Body>x</s:Body>",
    "an empty element with the name": "<s:Body />",
    "a name with the same beginning": "<s:Body-x></s:Body-x>",
    "lines": "\r\n\r\n\r\r\n",
    "characters": "é漢🔑é",
    "brackets": "]]&gt;]] >",
    "a reference": "&#128273;&amp;",
    "a tag": "<abc def='ghi'/>",
    "the end": f"</s:Body>\r\n<!-- é -->\r\n</s:Envelope>\r\n{' ' * _WINDOW}\r\n é",
    "the end, and white space after the Body": f"</s:Body>{chr(10) * (2 * _WINDOW + 9)} é",
    "a mismatched tag": "\r\n</abc>",
    "a duplicate attribute": "\r\n<abc é='' é=''/>",
}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
@pytest.mark.parametrize("name", _ACROSS)
def test_header_reader_at_a_window_border_equals_decode(name: str, encoding: str) -> None:
    across = _ACROSS[name]
    place = 2 * _WINDOW
    line = "<row>é</row>\r\n"
    for before in range(0, min(len(across), 20) + 2, 2 if encoding == "utf-8" else 7):
        filler = line * ((place - before) // len(line.encode()))
        filler += "x" * (place - before - len(filler.encode()))
        head = encoded(_START, encoding)
        text = encoded(f"{_START}{filler}{across}{line * 9}{_END}\r\n<late", encoding)
        # The first piece is the head, so that the windows begin with the content.
        cuts = range(len(head), len(text), _WINDOW)
        expected = whole(text)
        assert in_pieces(cut_at(text, cuts)) == expected
        assert in_pieces([text]) == expected


_FAR = 400_000
_LATE: list[tuple[str, str, str, Code, str]] = [
    # The text before the gap in the Body or after it, the text after the gap, the code, and the place of the
    # finding.
    ("", "", "<s:Body/>", Code.DUPLICATE_BODY, "<s:Body/>"),
    ("", "", "<s:Header/>", Code.DUPLICATE_HEADER, "<s:Header/>"),
    ("", "", "<late/>", Code.ELEMENT_AFTER_BODY, "<late/>"),
    ("", "", "<u:late/>", Code.NOT_WELL_FORMED, "<u:late/>"),
    ("", "", "<?pi?>", Code.PROCESSING_INSTRUCTION, "<?pi?>"),
    ("", "", "<late", Code.NOT_WELL_FORMED, "<late"),
    ("", "</s:Envelope>", "<late/>", Code.NOT_WELL_FORMED, "<late/>"),
    ("", "</s:Envelope>", "text", Code.NOT_WELL_FORMED, "text"),
    ("", "</s:Envelope>", "<?pi?>", Code.PROCESSING_INSTRUCTION, "<?pi?>"),
    ("", "</s:Envelope>", "<!-- ", Code.NOT_WELL_FORMED, "<!-- "),
    ("<a>", "", "</late>", Code.NOT_WELL_FORMED, "late>"),
    ("<a>", "", "<?pi?>", Code.PROCESSING_INSTRUCTION, "<?pi?>"),
    ("<a>", "", "<late b='' b=''/>", Code.NOT_WELL_FORMED, "<late b"),
]
_GAPS = [" ", "\n", "\r\n", "\r", "é漢🔑\r\n", "<!-- é -->\r\n"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
@pytest.mark.parametrize(("opened", "closed", "late", "code", "sought"), _LATE)
def test_header_reader_far_after_the_head_has_the_position(
    opened: str, closed: str, late: str, code: Code, sought: str, encoding: str
) -> None:
    for gap in _GAPS:
        if "é漢" in gap and not opened:
            continue
        between = gap * (_FAR // len(gap.encode()))
        text = f"{_START}{opened}{between}" if opened else f"{_START}</s:Body>\r\n{closed}{between}"
        mark = encoded(text, encoding)
        data = mark + late.encode(encoding)
        ahead = late[: late.index(sought)]
        reader = HeaderReader()
        with pytest.raises(XmlaHeadersError) as caught:
            feed_all(reader, cut(data, 50_000))
        finding = caught.value.finding
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert (finding.code, finding.offset, finding.line, finding.column) == (
            code,
            len(mark + ahead.encode(encoding)),
            len(lines),
            len(lines[-1] + ahead) + 1,
        )


@pytest.mark.slow
def test_header_reader_text_after_megabytes_has_its_offset() -> None:
    for gap in (" ", "\n", "\r\n"):
        for start in ("", "\r\n<!-- é\r\n -->"):
            text = f"{_START}</s:Body>{start}{gap * (_FAR // len(gap))}text{_END}"
            reader = HeaderReader()
            with pytest.raises(ValidationError) as caught:
                feed_all(reader, cut(text.encode(), 50_000))
            finding = caught.value.finding
            assert finding.code is Code.UNEXPECTED_TEXT
            # The offset is after the markup before the text: the end tag, or the comment.
            assert finding.offset == len(f"{_START}</s:Body>{start}".encode())
            assert (type(caught.value), finding) == whole(text.encode())


# -- the Header is set as soon as the Body start tag has arrived -------------------------------------

_BODY_TAGS = [
    "<s:Body>",
    "<s:Body >",
    "<s:Body\r\n>",
    "<s:Body/>",
    "<s:Body a='>\"' b=\">'/>\"\t>",
    "<s:Body a='&lt;s:Body>'>",
]
_IN_FRONT = [
    "",
    "<!--<s:Body>-->",
    "<!-- s:Body> <s:Body it's ><s:Bodyx>-->\r\n",
    f"<!-- {'x' * 5_000} Body -->",
    "<!-- é<s:Body 'é>漢🔑㸀∀✀ -->",
]


@pytest.mark.slow
@each("encoding", ENCODINGS)
@each("in_front", _IN_FRONT)
@each("tag", _BODY_TAGS)
def test_header_is_set_with_the_body_start_tag(tag: str, in_front: str, encoding: str) -> None:
    head = f"{in_front}{_START.removesuffix('<s:Body>')}{tag}"
    data = encoded(head, encoding)
    expected = xmla_headers.decode_header(data)
    one = HeaderReader()
    for index in range(len(data)):
        assert one.header is None
        one.feed(data[index : index + 1])
    assert one.header == expected
    for size in (len(data), 1_000):
        reader = HeaderReader()
        for piece in cut(data[:-1], size):
            reader.feed(piece)
        assert reader.header is None
        reader.feed(data[-1:])
        assert reader.header == expected
        # Another character changes nothing.
        reader.feed(encoded("<a>", "utf-16-le")[2:] if encoding == "utf-16-le" else b"")
        assert reader.header == expected


@properties
@given(st.one_of(everyday(misses=False), messages(odd=False)))
def test_header_is_set_as_soon_as_decode_header_returns(data: bytes) -> None:
    def there(size: int) -> bool:
        try:
            xmla_headers.decode_header(data[:size])
        except XmlaHeadersError:
            return False
        return True

    first = 1
    last = len(data)
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if there(middle) else (middle + 1, last)
    # Only the first few lookalikes of the Body start tag are tried as soon as they arrive.
    assume(data[:first].count(b"Body") <= BODY_TRIES)
    reader = HeaderReader()
    for index in range(first):
        assert reader.header is None
        reader.feed(data[index : index + 1])
    header = reader.header
    assert header is not None
    assert header == xmla_headers.decode_header(data)
    assert tuple(map(facts, header)) == tuple(map(facts, xmla_headers.decode_header(data)))


def test_header_is_set_before_a_later_error() -> None:
    for tag in ("<s:Body>", "<s:Body a='>'>"):
        for count in (0, 9):
            for behind in ("</s:Body><late/>", "</s:Body>text", "<a></s:Body>", "<?pi?>"):
                head = f"<!--{'<s:Body>' * count}-->{_START.replace('<s:Body>', tag)}"
                reader = HeaderReader()
                with pytest.raises(XmlaHeadersError):
                    feed_all(reader, [f"{head}{behind}".encode()])
                assert reader.header == xmla_headers.decode_header(head.encode())


def test_header_after_many_lookalikes_is_set_within_twice_that() -> None:
    head = f"<!--{'<s:Body>' * 1_000}-->{_START}".encode()
    reader = HeaderReader()
    for index in range(len(head)):
        reader.feed(head[index : index + 1])
    fed = len(head)
    while reader.header is None:
        reader.feed(b" ")
        fed += 1
    assert fed <= 2 * len(head)
    short = HeaderReader()
    short.feed(f"<!--{'<s:Body>' * 4}-->{_START}".encode()[:-1])
    short.feed(b">")
    assert short.header is None
    short.feed(_END.encode())
    assert short.close().session == Session("secret-id", must_understand=True)


# -- the interface -----------------------------------------------------------------------------------

_GOOD = message("<a>é</a>").encode()


def test_header_reader_reads_a_message() -> None:
    reader = HeaderReader()
    assert (reader.header, reader.warnings) == (None, ())
    for piece in cut(_GOOD, 50):
        reader.feed(piece)
    assert reader.header == Header(Session("secret-id", must_understand=True))
    assert reader.close() is reader.header


def test_feed_accepts_empty_chunks_anywhere() -> None:
    for place in range(len(_GOOD)):
        reader = HeaderReader()
        for piece in (b"", _GOOD[:place], b"", bytearray(), memoryview(b""), _GOOD[place:], b""):
            reader.feed(piece)
        assert reader.close() == xmla_headers.decode_header(_GOOD)


def test_header_reader_without_bytes_raises_not_xml() -> None:
    for feeds in ([], [b""], [b"", b""]):
        assert in_pieces(feeds) == whole(b"")


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda data: memoryview(bytearray(data))])
def test_feed_accepts_any_bytes_object(kind: Callable[[bytes], bytearray | memoryview]) -> None:
    for size in (1, 7, 300, len(_GOOD)):
        reader = HeaderReader()
        for piece in cut(_GOOD, size):
            reader.feed(kind(piece))
        assert reader.close() == xmla_headers.decode_header(_GOOD)


def test_feed_reads_a_view_of_wider_items_as_bytes() -> None:
    padded = _GOOD + b" " * (-len(_GOOD) % 8)
    wide = memoryview(array("Q", padded))
    square = memoryview(padded).cast("B", (len(padded) // 8, 8))
    for view in (wide, square):
        with steps(1, 7):
            reader = HeaderReader()
            reader.feed(view)
            assert reader.close() == xmla_headers.decode_header(_GOOD)
    assert len(wide.tobytes()) == len(padded)


@pytest.mark.parametrize(("step", "piece"), STEPS)
@pytest.mark.parametrize("late", ["", "<late/>", "<s:Body>text", "\r\n</b>"])
def test_feed_allows_reuse_of_a_buffer(late: str, step: int, piece: int) -> None:
    data = message("<a>é</a>" * 40, late).encode()
    expected = whole(data)
    with steps(step, piece):
        for size in (1, 16, 200):

            def reused(size: int = size) -> Iterator[memoryview]:
                buffer = bytearray(size)
                for part in cut(data, size):
                    buffer[: len(part)] = part
                    with memoryview(buffer)[: len(part)] as view:
                        yield view
                    buffer[:] = b"<" * size

            assert in_pieces(reused()) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        _GOOD,
        b"\x1f\x8b<s:Body>",
        b"<a/>",
        _GOOD + b"<late/>",
        _START.encode() + b"</a>",
        _GOOD.decode().encode("utf-16-le"),
    ],
)
def test_feed_releases_the_buffer(data: bytes) -> None:
    kept: list[XmlaHeadersError] = []
    gc.disable()
    try:
        with steps(1):
            reader = HeaderReader()
            for piece in cut(data, 70) + [b" "] * 9:
                buffer = bytearray(piece)
                try:
                    reader.feed(buffer)
                except XmlaHeadersError as error:
                    kept.append(error)
                # It raises a BufferError if a view of the buffer still exists.
                buffer.clear()
            with suppress(XmlaHeadersError):
                reader.close()
    finally:
        gc.enable()
    # close raises the errors that are certain only at the end.
    assert bool(kept) == (data.startswith(b"<s:") and data is not _GOOD)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_GOOD.decode(), "encode it"),
        ("", "encode it"),
        (None, "bytes, bytearray or memoryview"),
        ([60], "bytes, bytearray or memoryview"),
        (60, "bytes, bytearray or memoryview"),
        (memoryview(_GOOD)[::2], "C-contiguous"),
    ],
)
def test_feed_of_another_type_raises_type_error_and_continues(data: Any, says: str) -> None:
    reader = HeaderReader()
    for piece in cut(_GOOD, 90):
        with pytest.raises(TypeError, match=says):
            reader.feed(data)
        reader.feed(piece)
    assert reader.close() == xmla_headers.decode_header(_GOOD)


_WRONG: list[tuple[type[Exception], dict[str, Any]]] = [
    (TypeError, {"types": [Session]}),
    (TypeError, {"direction": 1}),
    (ValueError, {"direction": "requests"}),
    (TypeError, {"strict": 1}),
    (TypeError, {"refuse": "soap-1.2"}),
    (ValueError, {"refuse": ["no-such-code"]}),
    (TypeError, {"encoding": b"utf-8"}),
    (TypeError, {"limits": 100}),
    (TypeError, {"deep": True}),
]


@pytest.mark.parametrize(("error", "arguments"), _WRONG)
def test_header_reader_wrong_argument_raises_at_once(
    error: type[Exception], arguments: dict[str, Any]
) -> None:
    with pytest.raises(error) as caught:
        HeaderReader(**arguments)
    assert not isinstance(caught.value, XmlaHeadersError)


def test_header_reader_positional_argument_raises_type_error() -> None:
    with pytest.raises(TypeError):
        HeaderReader({})  # type: ignore[call-arg]


def test_feed_after_close_raises_value_error() -> None:
    reader = HeaderReader()
    reader.feed(_GOOD)
    header = reader.close()
    for chunk in (b"", b" ", b"<"):
        with pytest.raises(ValueError, match="closed") as caught:
            reader.feed(chunk)
        assert not isinstance(caught.value, XmlaHeadersError)
    assert reader.close() is header
    assert reader.header is header


_REFUSED = {
    "in the head": (f"{_ENVELOPE}<s:Header><a b=c/>", None),
    "by a rule in the head": (f"{_ENVELOPE}<s:Header/><s:Header/><s:Body>", None),
    "in the Body": (f"{_START}<a></b>", "header"),
    "after the Body": (f"{_START}</s:Body><late/>", "header"),
    "after the Envelope": (f"{_START}{_END}text", "header"),
    "at the end": (_START, "header"),
    "at the end of the head": (_ENVELOPE, None),
    "first bytes": ("{}", None),
}


@pytest.mark.parametrize("name", _REFUSED)
@pytest.mark.parametrize("step", [1, 65_536])
def test_feed_after_an_error_raises_it_again(name: str, step: int) -> None:
    text, header = _REFUSED[name]
    errors = []
    with steps(step):
        reader = HeaderReader()
        for piece in [*cut(text.encode(), 60), None, b"", b"x", None, _GOOD, None]:
            try:
                reader.feed(piece) if piece is not None else reader.close()
            except XmlaHeadersError as error:
                errors.append(error)
            else:
                assert not errors
        assert errors
        assert all(error is errors[0] for error in errors)
        expected = Header(Session("secret-id", must_understand=True)) if header else None
        assert reader.header == expected


def test_feed_raises_as_soon_as_the_error_is_certain() -> None:
    # The error is raised when the parser is fed, at the latest after 64 KiB.
    for late in ("</a>", "</s:Body><late/>", "<?pi?>", "</s:Body></s:Envelope>x"):
        reader = HeaderReader()
        reader.feed(_START.encode())
        with pytest.raises(XmlaHeadersError):
            feed_all(reader, cut(late.encode() + b" " * 70_000, 1_000), close=False)
    for head in (b"{}", b"<a>", b"<!DOCTYPE a>", b"<?pi?>", b"<a b=c>", b"x" * 70_000):
        reader = HeaderReader()
        with pytest.raises(XmlaHeadersError):
            feed_all(reader, cut(head + b" " * 140_000, 1_000), close=False)


def test_feed_of_undecodable_bytes_raises_at_once() -> None:
    reader = HeaderReader()
    reader.feed(encoded(_START, "utf-16-le"))
    with pytest.raises(DecodeError) as caught:
        reader.feed(b"\x00\xd8A\x00")
    assert caught.value.code is Code.ENCODING_ERROR
    # An error before the undecodable bytes is raised first.
    reader = HeaderReader()
    reader.feed(encoded(_START, "utf-16-le"))
    with pytest.raises(DecodeError) as caught:
        reader.feed("</a>".encode("utf-16-le") + b"\x00\xd8A\x00")
    assert caught.value.code is Code.NOT_WELL_FORMED


def test_warnings_are_set_with_the_header() -> None:
    data = _GOOD.replace(_SOAP.encode(), _SOAP_12.encode()).replace(b"secret-id", b"")
    reader = HeaderReader()
    end = data.index(b"<s:Body>") + 8
    reader.feed(data[: end - 1])
    assert reader.warnings == ()
    reader.feed(data[end - 1 : end])
    warnings: tuple[Finding, ...] = reader.warnings
    assert [warning.code for warning in warnings] == [Code.SOAP_1_2, Code.EMPTY_SESSION_ID]
    reader.feed(data[end:])
    reader.close()
    assert reader.warnings == xmla_headers.decode(data).warnings
    for refusing, code in (
        (HeaderReader(strict=True), Code.SOAP_1_2),
        (HeaderReader(refuse=[Code.EMPTY_SESSION_ID]), Code.EMPTY_SESSION_ID),
    ):
        with pytest.raises(ValidationError) as caught:
            refusing.feed(data[:end])
        assert caught.value.code is code
        assert (refusing.header, refusing.warnings) == (None, ())


def test_header_reader_repr_shows_progress_and_no_session_id() -> None:
    reader = HeaderReader()
    shown = [repr(reader)]
    for piece in cut(_GOOD, 50):
        reader.feed(piece)
        shown.append(repr(reader))
    reader.close()
    shown.append(repr(reader))
    refused = HeaderReader()
    with pytest.raises(XmlaHeadersError):
        feed_all(refused, [f"{_START}{_SESSION}</s:Body>{_SESSION}".encode()])
    shown.append(repr(refused))
    assert shown[0] == "HeaderReader(<open, 0 bytes>)"
    assert shown[2] == "HeaderReader(<open, 100 bytes>)"
    assert shown[-2] == f"HeaderReader(<closed, {len(_GOOD)} bytes>)"
    assert shown[-1].startswith("HeaderReader(<refused, ")
    assert not any("secret" in text for text in shown)


# -- known heads ---------------------------------------------------------------------------------------

_AFTER_A_HEAD = {
    "nothing": "",
    "an end": _END,
    "content": f"<a b='é'>x</a>\r\n{_END}\r\n",
    "content longer than a step": "<a>é</a>" * 10_000 + _END,
    "a cut": "<a>é",
    "a cut after a step": "<a>é</a>" * 10_000,
    "a wrong end": f"<a>{_END}",
    "a wrong end after a step": f"{'<a/>' * 20_000}<b>{_END}",
    "a processing instruction": f"<?pi?>{_END}",
    "text after the Body": "</s:Body>x</s:Envelope>",
    "an element after the Body": f"</s:Body><s:Body/>{_END}",
    "a byte after the Envelope": f"{_END}\0",
    "a long token": f"<a b='{'x' * 5_000}'/>{_END}",
    "bytes that are not UTF-8": f"<a>\udcff</a>{_END}",
}


@pytest.mark.parametrize("limits", [Limits(), Limits(max_message_bytes=5_000), Limits(max_token_bytes=3_000)])
@pytest.mark.parametrize("name", _AFTER_A_HEAD)
def test_header_reader_of_a_known_head_equals_one_without_memory(name: str, limits: Limits) -> None:
    data = f"{_START}{_AFTER_A_HEAD[name]}".encode("utf-8", "surrogateescape")
    cache = HeadCache()
    for identifier in ("0", "11"):
        head = _START.replace("secret-id", identifier)
        decode(f"{head}{_END}".encode(), limits=limits, cache=cache)
    for pieces in ([data], cut(data, 40), cut(data, 3_000)):
        expected = in_pieces(pieces, limits=limits, cache=None)
        assert in_pieces(pieces, limits=limits, cache=cache) == expected


def test_header_reader_goes_on_if_a_head_is_forgotten() -> None:
    cache = HeadCache()
    decode(_GOOD, cache=cache)
    for forgotten in (True, False):
        reader = HeaderReader(cache=cache)
        reader.feed(_GOOD)
        header = reader.header
        assert header is not None
        if forgotten:
            cache.clear()
        assert reader.close() is header
        decode(_GOOD, cache=cache)


def test_feed_raises_what_is_found_with_the_head() -> None:
    # Tags with the prefix Body are tried as Body start tags.
    tags = f'<Body:Envelope xmlns:Body="{_SOAP}"><Body:Header/><Body:Body><a>'
    reader = HeaderReader(cache=None)
    with pytest.raises(DecodeError) as caught:
        reader.feed(f"{tags}</b></Body:Body></Body:Envelope>".encode())
    assert caught.value.code is Code.NOT_WELL_FORMED
    assert reader.header == Header()


def test_known_head_is_not_parsed_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    decode(_GOOD)
    monkeypatch.setattr(_stream_reader.StreamReader, "begin", None)
    assert in_pieces(cut(_GOOD, 100)) == in_pieces([_GOOD]) == whole(_GOOD)


# -- limits ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("field", ["max_message_bytes", "max_header_bytes"])
def test_header_reader_with_any_byte_limit_equals_decode(field: str, encoding: str) -> None:
    data = encoded(message("é\r\n" * 9, "\r\n"), encoding)
    for maximum in range(0, len(data) + 2, 1 if encoding == "utf-8" else 3):
        limits = Limits(**{field: maximum})
        with steps(1):
            _agrees(data, [range(0, len(data), 11), []], limits=limits)
        _agrees(data, [range(len(data))], limits=limits)


@pytest.mark.parametrize("size", [1, 10, 1_000])
def test_feed_over_max_message_bytes_raises_at_the_limit(size: int) -> None:
    for maximum in (0, 3, len(_START) - 1, len(_START), len(_GOOD) - 1):
        reader = HeaderReader(limits=Limits(max_message_bytes=maximum))
        for piece in cut(_GOOD[:maximum], size):
            reader.feed(piece)
        kept = reader.header
        assert (kept is not None) == (maximum >= len(_START))
        reader.feed(b"")
        with pytest.raises(DecodeError) as caught:
            reader.feed(_GOOD[maximum:])
        assert caught.value.code is Code.LIMIT_EXCEEDED
        assert caught.value.finding.offset == maximum
        assert reader.header is kept
    assert in_pieces(cut(_GOOD, size), limits=Limits(max_message_bytes=len(_GOOD)))


def test_feed_over_max_header_bytes_raises_before_twice_as_much() -> None:
    maximum = 20_000
    reader = HeaderReader(limits=Limits(max_header_bytes=maximum))
    reader.feed(_ENVELOPE.encode())
    with pytest.raises(DecodeError) as caught:
        feed_all(reader, [b" " * 100] * (maximum // 50), close=False)
    assert caught.value.finding.offset == maximum


def test_header_reader_without_limit_reads_a_long_head() -> None:
    block = f"<b xmlns='urn:b'>{'x' * 3_000_000}</b>"
    data = message("<a/>", head=_START.replace("<Session", f"{block}<Session")).encode()
    limits = Limits(max_header_bytes=None)
    expected = whole(data, limits=limits)
    assert isinstance(expected[0], Header)
    assert in_pieces(cut(data, 1_000), limits=limits) == expected
    assert in_pieces([data], limits=limits) == expected
    assert in_pieces([data]) == whole(data)


_LONG = "x" * 1_000
_TOKENS = [
    # The name, the text after the head, and the length of its longest token; None if it is never refused.
    ("a start tag", "<a b='{long}'/>", 1_007),
    ("a name", "<a{long}/>", 1_004),
    ("an end tag", "<a></a{long:9}>", None),
    ("a comment", "<!--{long}-->", 1_007),
    ("a processing instruction", "<?pi {long}?>", 1_006),
    ("an entity", "&{long};", 1_002),
    ("a comment after the Body", "</s:Body><!--{long}-->", 1_007),
    ("a comment after the Envelope", "</s:Body></s:Envelope>\n\n\n<!--{long}-->", 1_007),
    ("text", "{long}", None),
    ("CDATA", "<![CDATA[{long}]]>", None),
    ("white space after the Body", "</s:Body>{spaces}", None),
    ("white space after the Envelope", "</s:Body></s:Envelope>{spaces}", None),
    ("lines after the Envelope", "</s:Body></s:Envelope>{lines}", None),
]


@pytest.mark.parametrize(("_", "text", "length"), _TOKENS, ids=[name for name, *_ in _TOKENS])
def test_feed_over_max_token_bytes_raises_at_the_limit(_: str, text: str, length: int | None) -> None:
    body = text.replace("{long:9}", _LONG[:9]).replace("{long}", _LONG)
    body = body.replace("{spaces}", " " * 1_000).replace("{lines}", "\r\n" * 500)
    data = f"{_START}{body}".encode()
    begins = max(data.rfind(b"<"), data.rfind(b"&")) if length is not None else 0
    for maximum in (1, 10, 500, 900):
        reader = HeaderReader(limits=Limits(max_token_bytes=maximum))
        found: Finding | None = None
        try:
            for index in range(len(data)):
                reader.feed(data[index : index + 1])
        except XmlaHeadersError as error:
            found = error.finding
        short = max(map(len, ("</s:Envelope>", "<![CDATA["))) if length is None else 0
        if length is None and maximum < short:
            # The markup of these cases is itself longer than the limit.
            continue
        if length is None:
            assert found is None
            continue
        assert found is not None
        if maximum > 20:
            assert found.code is Code.LIMIT_EXCEEDED
            assert "max_token_bytes" in found.message
            assert found.offset == begins + maximum
    longest = HeaderReader(limits=Limits(max_token_bytes=1_100))
    for index in range(len(data) - 1):
        longest.feed(data[index : index + 1])


def test_max_token_bytes_does_not_apply_to_the_head() -> None:
    for maximum in (0, 1, 5):
        limits = Limits(max_token_bytes=maximum)
        reader = HeaderReader(limits=limits)
        reader.feed(_START.encode())
        assert reader.header is not None
        assert xmla_headers.decode(_GOOD, limits=limits).header == reader.header


def test_max_token_bytes_applies_to_header_reader_only() -> None:
    data = f"{_START}<a b='{_LONG}'/>{_END}".encode()
    limits = Limits(max_token_bytes=500)
    assert whole(data, limits=limits) == whole(data)
    assert in_pieces(cut(data, 10), limits=limits)[0] is DecodeError
    assert in_pieces(cut(data, 10), limits=Limits(max_token_bytes=None)) == whole(data)
    assert in_pieces(cut(data, 10), limits=Limits(max_token_bytes=1_007)) == whole(data)


# -- memory ------------------------------------------------------------------------------------------


def _peak(chunks: Iterable[bytes], **reading: Any) -> int:
    """Return the peak memory in bytes of feeding these chunks, made one at a time, and of closing."""
    reader = HeaderReader(**reading)
    gc.collect()
    tracemalloc.start()
    try:
        for chunk in chunks:
            reader.feed(chunk)
        reader.close()
        return tracemalloc.get_traced_memory()[1]
    except XmlaHeadersError:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _repeated(
    start: str, piece: str, size: int, end: str, encoding: str = "utf-8", chunk: int = 10_000
) -> Iterator[bytes]:
    yield encoded(start, encoding)
    part = piece.encode(encoding) * (chunk // len(piece))
    for _ in range(size // len(part)):
        yield part
    yield end.encode(encoding)


_SAME: dict[str, tuple[str, str, str]] = {
    "elements": (_START, "<a>é</a>\r\n", _END),
    "text": (_START, "x", _END),
    "lines": (_START, "\r\n", _END),
    "comments": (_START, "<!-- </s:Body> -->", _END),
    "elements with the name of the Body": (_START, "<s:Body></s:Body>", _END),
    "a CDATA section": (f"{_START}<![CDATA[", "</s:Body>", f"]]>{_END}"),
    "white space after the Body": (f"{_START}</s:Body>", " ", "</s:Envelope>"),
    "lines after the Body": (f"{_START}</s:Body>", "\n", "</s:Envelope>"),
    "comments after the Body": (f"{_START}</s:Body>", "<!-- -->", "</s:Envelope>"),
    "white space after the Envelope": (f"{_START}{_END}", " ", ""),
    "comments after the Envelope": (f"{_START}{_END}", "<!-- -->\n", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("name", _SAME)
def test_memory_is_independent_of_the_message_size(name: str, encoding: str) -> None:
    start, piece, end = _SAME[name]
    small, large = (_peak(_repeated(start, piece, size, end, encoding)) for size in (300_000, 1_500_000))
    assert large <= small + 100_000
    assert large < 1_500_000


@pytest.mark.slow
def test_memory_is_independent_of_the_chunk_size() -> None:
    for kind in (bytes, bytearray):
        chunks = [kind(f"{_START}{'<a>text</a>' * count}{_END}".encode()) for count in (50_000, 500_000)]
        small, large = (_peak([chunk]) for chunk in chunks)  # type: ignore[list-item]
        assert large <= small + 100_000


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 100, 1_000, 100_000])
def test_memory_of_a_long_token_is_a_few_times_its_length(size: int) -> None:
    # Kept as bytes objects, pieces of two bytes would take twenty times their length.
    length = 1_000_000 if size > 2 else 70_000
    for start, end in (
        (f"{_START}<a b='", f"'/>{_END}"),
        (f"{_START}<!--", f"-->{_END}"),
        (f"{_START}{_END}<!--", "-->"),
    ):
        peak = _peak(_repeated(start, "xy" if size > 1 else "x", length, end, chunk=size))
        assert peak <= 8 * length + 500_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", [f"{_START}<a b='", f"{_START}<!--", f"{_START}</s:Body><!--", f"{_START}{_END}<!--"]
)
def test_memory_of_an_endless_token_is_bounded(start: str) -> None:
    limits = Limits(max_token_bytes=200_000)
    assert _peak(_repeated(start, "x", 5_000_000, ""), limits=limits) <= 8 * 200_000 + 500_000


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", " ", "<a>", _ENVELOPE, f"{_ENVELOPE}<!--", f"{_ENVELOPE}<s:Header a='"])
def test_memory_of_an_endless_head_is_bounded(text: str) -> None:
    for piece in ("x", " ", "<s:Body", "é", "<!--<s:Body>-->"):
        assert _peak(_repeated(text, piece, 5_000_000, "")) <= 5_000_000


@pytest.mark.slow
def test_header_reader_when_finished_releases_its_memory() -> None:
    data = f"{_START}<a b='{'x' * 1_000_000}'/>".encode()
    for end in (_END.encode(), b"</late>", b"</s:Body><late/>"):
        reader = HeaderReader()
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            reader.feed(data)
            try:
                reader.feed(end)
                reader.close()
            except XmlaHeadersError:
                # Raising the error again frees the frames in its first traceback.
                with pytest.raises(XmlaHeadersError):
                    reader.close()
            assert tracemalloc.get_traced_memory()[0] < 150_000
        finally:
            tracemalloc.stop()
            gc.enable()


# -- linear, counted and not timed -------------------------------------------------------------------


class _Work:
    """Counts the calls of the parser, and the bytes that it reads."""

    def __init__(self) -> None:
        self.calls = 0
        #: Bytes read; each call counts an unfinished token again, as expat before 2.6 reads it.
        self.read = 0
        self.parsers: dict[int, int] = {}


@contextmanager
def _watched() -> Iterator[_Work]:
    work = _Work()
    original = _expat.Parser.parse
    fed: dict[int, int] = {}

    def parse(self: _expat.Parser, piece: bytes | memoryview, *, final: bool) -> None:
        # A new parser may get the id() of a freed one.
        index = self.expat.CurrentByteIndex
        before = fed.get(id(self.expat), 0) if index >= 0 else 0
        work.calls += 1
        work.read += before - max(index, 0) + len(piece)
        fed[id(self.expat)] = before + len(piece)
        original(self, piece, final=final)

    with mock.patch.object(_expat.Parser, "parse", parse):
        yield work


def _work(chunks: Iterable[bytes], **reading: Any) -> _Work:
    with _watched() as work:
        reader = HeaderReader(**reading)
        for chunk in chunks:
            reader.feed(chunk)
        reader.close()
    return work


_LINEAR: dict[str, tuple[str, str, str]] = {
    **_SAME,
    "one attribute": (f"{_START}<a b='", "x", f"'/>{_END}"),
    "one comment": (f"{_START}<!--", "<s:Body>", f"-->{_END}"),
    "one name": (f"{_START}<", "a", f"/>{_END}"),
    "one comment after the Envelope": (f"{_START}{_END}<!--", "x", "-->"),
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [100, 1_000, 200_000])
@pytest.mark.parametrize("name", _LINEAR)
def test_parser_reads_each_byte_a_few_times(name: str, size: int) -> None:
    start, piece, end = _LINEAR[name]
    length = 400_000 if size < 1_000 else 4_000_000
    work = _work(_repeated(start, piece, length, end, chunk=size))
    assert work.read <= 3 * length + 10_000
    # A window with the name of the Body in it is fed in two calls.
    assert work.calls <= 10 + length // 30_000


def test_tokens_of_mixed_length_are_read_a_few_times() -> None:
    # After a long token, much is fed at once, which ends with most of the next token.
    token = "<a b='%s'/>"
    for lengths in ([2_000_000, 2_000_000, 2_000_000], [1_000_000, 10, 3_000_000], [10, 100_000] * 20):
        body = "".join(token % ("x" * length) for length in lengths)
        data = message(body).encode()
        work = _work(cut(data, 1_000))
        assert work.read <= 3 * len(data)


@pytest.mark.slow
def test_long_attribute_in_small_pieces_costs_a_few_times_more() -> None:
    data = f"{_START}<a b='{'x' * 10_000_000}'/>{_END}".encode()
    assert _work(cut(data, 1_000)).read <= 3 * _work([data]).read


@pytest.mark.slow
def test_comment_of_body_tags_is_read_a_few_times() -> None:
    head = f"<!--{'<s:Body>' * 30_000}-->{_START}"
    data = f"{head}{_END}".encode()
    for size in (1, 100, 65_536):
        work = _work(cut(data, size))
        # The attempts; each one waits for twice as much as the last one.
        assert work.calls <= 60
        assert work.read <= 5 * len(data)


def test_long_head_in_small_pieces_is_read_a_few_times() -> None:
    block = f"<b xmlns='urn:b'>{'x' * 5_000_000}</b>"
    data = message(head=_START.replace("<Session", f"{block}<Session")).encode()
    limits = Limits(max_header_bytes=None, max_header_blocks=None)
    one, many = _work([data], limits=limits), _work(cut(data, 1_000), limits=limits)
    assert many.calls <= 40
    assert many.read <= 4 * one.read


def _calls(chunks: Iterable[bytes]) -> int:
    """Return the number of calls of Python functions."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    reader = HeaderReader()
    sys.setprofile(profile)
    try:
        for chunk in chunks:
            reader.feed(chunk)
        reader.close()
    finally:
        sys.setprofile(None)
    return count


def test_body_without_its_own_name_causes_no_calls() -> None:
    body = "<a>text</a>\r\n" * 100_000
    data = message(body).encode()
    assert _calls([data]) <= 40 * (1 + len(data) // _WINDOW)


def test_name_of_body_causes_calls_in_its_window_only() -> None:
    body = "<a>text</a>\r\n" * 10_000
    few = message(body + "<!--</s:Body>-->" + body * 20).encode()
    # The window with the comment, and the last one.
    assert _calls([few]) <= 2 * 2 * 5_100 + 40 * (1 + len(few) // _WINDOW)


def test_body_full_of_its_own_name_costs_one_call_per_tag() -> None:
    for piece, tags in (("<s:Body></s:Body>", 2), ("<s:Body><a/></s:Body>", 4)):
        data = message(piece * 20_000).encode()
        assert _calls(cut(data, 10_000)) <= 20_000 * tags + 2_000


def test_stream_messages_are_named_by_the_manifests() -> None:
    assert any(len(read(test)) > 1_000_000 for test in _HOSTILE.values())
    assert len(_FILES) >= 42
    if (_SHARED / "messages" / "manifest.json").exists():
        named = json.loads((_SHARED / "messages" / "manifest.json").read_text(encoding="utf-8"))["messages"]
        assert {entry["file"] for entry in named} & set(_FILES)


# -- after the root ----------------------------------------------------------------------------------

# Bytes after the root, and the offset in them of what is reported, with its code.
_JUNK, _UNDECODABLE = Code.NOT_WELL_FORMED, Code.ENCODING_ERROR
_AFTER_THE_ROOT = {
    b"urn": (0, _JUNK),
    b" \n urn": (3, _JUNK),
    b"urn\xff": (0, _JUNK),
    b"urn&": (0, _JUNK),
    b"urn\0": (0, _JUNK),
    b"<!-- a -->urn\xff": (10, _JUNK),
    b"\xff": (0, _UNDECODABLE),
    b" \xff": (1, _UNDECODABLE),
    b"<!-- a -->\xff": (10, _UNDECODABLE),
    b"<\xff": (1, _UNDECODABLE),
    b"<!-\xff": (3, _UNDECODABLE),
    b"<!-- \xff -->": (5, _UNDECODABLE),
    b"<a\xff": (0, _JUNK),
    b"]]\xff": (0, _JUNK),
    b"\xc3": (0, _UNDECODABLE),
    b"u\xc3": (0, _JUNK),
}


@each(("junk", "reported"), _AFTER_THE_ROOT.items())
def test_reader_reports_bytes_after_the_root_alike(junk: bytes, reported: tuple[int, Code]) -> None:
    root = f"{_START}{_END}".encode()
    data = root + junk
    with pytest.raises(DecodeError) as caught:
        xmla_headers.decode(data)
    whole = caught.value.finding
    assert (whole.offset, whole.code) == (len(root) + reported[0], reported[1])

    def read(size: int) -> None:
        reader = HeaderReader()
        reader.feed(data[:-size])
        for place in range(len(data) - size, len(data)):
            reader.feed(data[place : place + 1])
        reader.close()

    for size in range(1, len(junk) + 3):
        with mock.patch.object(_stream_reader, "_STEP", 1), pytest.raises(DecodeError) as caught:
            read(size)
        assert caught.value.finding == whole, size


# -- the head of an answer, without parsing twice ------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("cached", [False, True], ids=["no cache", "cache"])
@pytest.mark.parametrize(
    "head",
    [
        "plain",
        "no Header",
        "white space before",
        "two comments and lines",
        "many lookalikes",
        "greater-than in the Body start tag",
        "a warning",
        "Body with a default namespace",
    ],
)
def test_stream_has_soap_warnings_and_offset_with_the_header(
    head: str, size: int, encoding: str, *, cached: bool
) -> None:
    if encoding not in {"utf-8", "utf-8-sig"} and head == "white space before":
        return
    ends = "</Body></Envelope>" if head == "Body with a default namespace" else "</s:Body></s:Envelope>"
    data = encoded(f"{_HEADS[head]}<e/>é{ends}", encoding)
    cache = HeadCache() if cached else None
    if cache is not None:
        decode(data, cache=cache)
    envelope = decode(data, cache=None)
    reader = HeaderReader(cache=cache)
    assert (reader.soap, reader.warnings, reader.body_offset) == (None, (), None)
    for piece in cut(data, size):
        known = reader.header is not None
        assert (reader.soap is not None, reader.body_offset is not None) == (known, known)
        reader.feed(piece)
    reader.close()
    assert (reader.soap, reader.warnings) == (envelope.soap, envelope.warnings)
    content = encoded("<e/>é", encoding).removeprefix(encoded("", encoding))
    assert reader.body_offset is not None
    assert data[reader.body_offset :].startswith(content)
    assert content not in data[: reader.body_offset]


@pytest.mark.parametrize("tag", ["<s:Body/>", "<s:Body></s:Body>"])
def test_offset_of_an_empty_body_is_after_its_tag(tag: str) -> None:
    reader = HeaderReader()
    data = f"{_ENVELOPE}{tag}</s:Envelope>".encode()
    feed_all(reader, [data])
    assert reader.body_offset == data.index(b">", data.index(b"Body")) + 1


def test_refused_head_has_neither_soap_nor_offset() -> None:
    reader = HeaderReader(strict=True)
    with pytest.raises(XmlaHeadersError):
        reader.feed(encoded(_HEADS["a warning"], "utf-8"))
    assert (reader.header, reader.soap, reader.body_offset) == (None, None, None)
