"""Labels, byte order marks, declarations and transport: the encoding that they select, and contradictions."""

from __future__ import annotations

import codecs
import encodings
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from defusedxml import ElementTree
from lxml import etree

from tests.each import each
from xmla_headers import (
    SOAP_11_NS,
    XMLA_NS,
    Code,
    DecodeError,
    Envelope,
    Finding,
    Session,
    XmlaHeadersError,
    decode,
    decode_header,
    iter_findings,
    validate,
)
from xmla_headers._xml import positions
from xmla_headers._xml.encoding import whole_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Every supported label -> Python's name of its encoding. The first label of each is the official one.
LABELS = {
    "UTF-8": "utf-8",
    "utf8": "utf-8",
    "UTF-16": "utf-16",
    "utf16": "utf-16",
    "UTF-16LE": "utf-16-le",
    "UTF-16BE": "utf-16-be",
    "US-ASCII": "us-ascii",
    "ascii": "us-ascii",
    "ISO-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "iso8859-1": "iso-8859-1",
    "iso_8859-1": "iso-8859-1",
}
CASES = [str.upper, str.lower, str.swapcase, str.title]
SPELLINGS = sorted({(case(label), meaning) for label, meaning in LABELS.items() for case in CASES})

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}

#: Labels of Python codecs that a message must not reach, and unknown labels.
UNREAD = [
    "windows-1252",
    "cp1252",
    "ISO-8859-15",
    "UTF-7",
    "UTF-32",
    "UTF-32LE",
    "UCS-2",
    "utf_8",
    "utf-8-sig",
    "utf_16_le",
    "iso-10646-ucs-2",
    "shift_jis",
    "gb18030",
    "EBCDIC-CP-US",
    "idna",
    "punycode",
    "hex",
    "rot13",
    "zlib",
    "base64",
    "unicode_escape",
    "raw_unicode_escape",
    "undefined",
    "mbcs",
    "x-no-such-encoding",
    "UTF-8-",
    "latin",
    "A",
]

#: Text for each encoding.
TEXT = {"us-ascii": "abc", "iso-8859-1": "\xa0é\x85ÿ", "utf-8": "é€🗝", "utf-16-le": "é€🗝", "utf-16-be": "é€🗝"}


def message(content: str, declared: str | None = None) -> str:
    declaration = "" if declared is None else f'<?xml version="1.0" encoding="{declared}"?>'
    return (
        f'{declaration}<s:Envelope xmlns:s="{SOAP_11_NS}"><s:Header>'
        f'<Session xmlns="{XMLA_NS}" SessionId="{content}"/></s:Header>'
        f"<s:Body><a>{content}</a></s:Body></s:Envelope>"
    )


def assert_reads(data: bytes, content: str, **reading: Any) -> Envelope:
    """Assert that Header and Body have the content, the Body as UTF-8."""
    assert list(iter_findings(data, **reading)) == []
    envelope = decode(data, strict=True, **reading)
    assert envelope.header.session == Session(content)
    assert envelope.body.xml == f"<a>{content}</a>".encode()
    assert decode_header(data, strict=True, **reading) == envelope.header
    return envelope


def assert_refuses(data: bytes, code: Code = Code.ENCODING_ERROR, **reading: Any) -> Finding:
    """Assert that all functions refuse the message with the same finding, and return it."""
    (finding,) = iter_findings(data, **reading)
    assert finding.code is code
    for call in (decode, validate):
        with pytest.raises(DecodeError) as caught:
            call(data, **reading)
        assert caught.value.finding == finding
    return finding


# -- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "meaning"), [entry for entry in SPELLINGS if "16" not in entry[0]])
def test_decode_declared_label_without_mark_is_read(label: str, meaning: str) -> None:
    assert_reads(message(TEXT[meaning], label).encode(meaning), TEXT[meaning])


@pytest.mark.parametrize(("label", "meaning"), [entry for entry in SPELLINGS if "16" not in entry[0]])
def test_decode_transport_label_without_mark_is_read(label: str, meaning: str) -> None:
    assert_reads(message(TEXT[meaning]).encode(meaning), TEXT[meaning], encoding=label)


@each("where", ["declared", "transport", "both"])
@each("marked", MARKS)
@each(("label", "meaning"), SPELLINGS)
def test_label_that_contradicts_the_mark_is_refused(
    label: str, meaning: str, marked: str, where: str
) -> None:
    declared = None if where == "transport" else label
    given = None if where == "declared" else label
    data = MARKS[marked] + message("é€🗝", declared).encode(marked)

    if marked.startswith(meaning):
        assert_reads(data, "é€🗝", encoding=given)
    else:
        finding = assert_refuses(data, encoding=given)
        # A byte order mark does not count as a column.
        assert (finding.line, finding.column, finding.offset) == (1, 1, len(MARKS[marked]))


@pytest.mark.parametrize(("label", "meaning"), [entry for entry in SPELLINGS if "16" in entry[0]])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be", "utf-8"])
def test_decode_utf_16_without_mark_is_refused(label: str, meaning: str, order: str) -> None:
    assert meaning.startswith("utf-16")
    data = message("é€🗝", label).encode(order)

    assert_refuses(data)
    assert_refuses(data, encoding=label)
    assert_refuses(message("é€🗝").encode(order), encoding=label)


@pytest.mark.parametrize("label", UNREAD)
def test_decode_unsupported_label_is_refused(label: str) -> None:
    plain = message("abc").encode()

    assert "UTF-8" in (assert_refuses(message("abc", label).encode()).hint or "")
    assert "UTF-8" in (assert_refuses(plain, encoding=label).hint or "")
    for marked, mark in MARKS.items():
        assert_refuses(mark + message("abc", label).encode(marked))
        assert_refuses(mark + message("abc").encode(marked), encoding=label)


@pytest.mark.parametrize(
    "label", ["", " ", "utf-8 ", "utf-8\0", '"utf-8"', "utf‑8", "x" * 100_000, "ﬁ", "\ud800"]
)
def test_decode_malformed_transport_label_is_refused(label: str) -> None:
    assert_refuses(message("abc").encode(), encoding=label)


@pytest.mark.parametrize(
    "label", [b"utf-8", 8, ["utf-8"], codecs.lookup("utf-8")], ids=["bytes", "int", "list", "tuple"]
)
@pytest.mark.parametrize("call", [decode, decode_header, iter_findings, validate])
def test_decode_transport_label_of_other_type_is_type_error(
    call: Callable[..., object], label: object
) -> None:
    with pytest.raises(TypeError, match="encoding must be str or None"):
        call(message("abc").encode(), encoding=label)


# -- transport and declaration -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "declared", ["UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "windows-1252", "x-no-such"]
)
@pytest.mark.parametrize(
    ("given", "codec"),
    [("utf-8", "utf-8"), ("iso-8859-1", "iso-8859-1"), ("us-ascii", "us-ascii")],
    ids=["utf-8", "iso-8859-1", "us-ascii"],
)
def test_transport_label_overrides_the_declaration(given: str, codec: str, declared: str) -> None:
    assert_reads(message(TEXT[codec], declared).encode(codec), TEXT[codec], encoding=given)


@pytest.mark.parametrize("given", [None, "utf-8", "UTF-16", "ISO-8859-1"])
@pytest.mark.parametrize("declared", [None, "UTF-8", "UTF-16", "ISO-8859-1"])
@pytest.mark.parametrize("marked", MARKS)
def test_mark_overrides_transport_and_declaration(
    marked: str, declared: str | None, given: str | None
) -> None:
    data = MARKS[marked] + message("é€🗝", declared).encode(marked)
    agree = {None, "utf-8", "UTF-8"} if marked == "utf-8" else {None, "UTF-16"}

    if {given, declared} <= agree:
        assert_reads(data, "é€🗝", encoding=given)
    else:
        assert_refuses(data, encoding=given)


def test_decode_reads_bytes_by_their_label() -> None:
    data = message("Ã©").encode("iso-8859-1")

    assert_reads(data, "é")
    assert_reads(data, "Ã©", encoding="latin1")


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("standalone", ["", " standalone='yes'", " standalone='no' "])
def test_decode_reads_every_form_of_declaration(quote: str, standalone: str) -> None:
    declaration = (
        f"<?xml \r\n version = {quote}1.0{quote}\tencoding= {quote}ISO-8859-1{quote}{standalone}?>\n"
    )

    assert_reads((declaration + message("é")).encode("iso-8859-1"), "é")


def test_decode_ignores_text_that_resembles_a_declaration() -> None:
    comment = "<!--<?xml version='1.0' encoding='ISO-8859-1'?>-->"

    assert_reads((comment + message("é")).encode(), "é")


# -- results -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\x85", "\x9f", "\xa0", "\xad", "é", "ÿ"], ids=ascii)
def test_decode_reads_every_character_of_iso_8859_1(character: str) -> None:
    assert_reads(message(character, "ISO-8859-1").encode("iso-8859-1"), character)


@pytest.mark.parametrize("marked", MARKS)
def test_body_of_any_encoding_is_utf_8(marked: str) -> None:
    envelope = assert_reads(MARKS[marked] + message("é€🗝").encode(marked), "é€🗝")

    assert envelope == decode(message("é€🗝").encode())
    assert envelope.body.standalone() == "<a>é€🗝</a>".encode()
    (element,) = envelope.body.elements()
    assert element.text == "é€🗝"


@pytest.mark.parametrize("marked", MARKS)
def test_unknown_blocks_of_any_encoding_are_utf_8(marked: str) -> None:
    text = message("é").replace("</s:Header>", "<w xmlns='urn:é'>🗝</w></s:Header>")
    header = decode(MARKS[marked] + text.encode(marked)).header

    assert [block.xml for block in header.unknown] == ["<w xmlns='urn:é'>🗝</w>".encode()]


# -- undecodable bytes -------------------------------------------------------------------------------

UTF_8_START = message("é€🗝").partition("</a>")[0].encode()
LATIN_1_START = message("abc", "US-ASCII").partition("</a>")[0].encode()


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc3<",
        b"\xe0\x80\x80",
        b"\xe2\x82<",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf0\x9f\x97<",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xfe",
        b"\xff",
    ],
    ids=bytes.hex,
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "marked"])
def test_decode_invalid_utf_8_is_refused(wrong: bytes, mark: bytes) -> None:
    finding = assert_refuses(mark + UTF_8_START + wrong + b"</a></s:Body></s:Envelope>")

    assert finding.offset == len(mark + UTF_8_START)
    assert (finding.line, finding.column) == (1, len(UTF_8_START.decode()) + 1)


@pytest.mark.parametrize("given", [None, "us-ascii"], ids=["declared", "transport"])
@pytest.mark.parametrize("wrong", [b"\x80", b"\xc3\xa9", b"\xff"], ids=bytes.hex)
def test_decode_invalid_ascii_is_refused(wrong: bytes, given: str | None) -> None:
    finding = assert_refuses(LATIN_1_START + wrong + b"</a></s:Body></s:Envelope>", encoding=given)

    assert finding.offset == len(LATIN_1_START)
    assert (finding.line, finding.column) == (1, len(LATIN_1_START) + 1)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "units",
    [(0xD800, 0x41), (0xD800, 0xD800, 0xDC00), (0xDC00,), (0xDBFF,), (0xDFFF, 0xD800)],
    ids=["high-alone", "high-twice", "low-alone", "high-before-a-tag", "reversed"],
)
def test_decode_lone_surrogate_in_utf_16_is_refused(units: tuple[int, ...], order: str) -> None:
    start = MARKS[order] + message("é€🗝").partition("</a>")[0].encode(order)
    wrong = b"".join(unit.to_bytes(2, "little" if order == "utf-16-le" else "big") for unit in units)
    finding = assert_refuses(start + wrong + "</a></s:Body></s:Envelope>".encode(order))

    assert finding.offset == len(start)
    assert (finding.line, finding.column) == (1, len(UTF_8_START.decode()) + 1)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("kept", [1, 3], ids=["half-a-unit", "half-a-pair-and-a-byte"])
def test_decode_utf_16_cut_in_a_character_is_refused(kept: int, order: str) -> None:
    start = MARKS[order] + message("é€🗝").partition("</a>")[0].encode(order)
    finding = assert_refuses(start + "🗝".encode(order)[:kept])

    assert finding.offset == len(start)


# -- long messages -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("shift", range(4))
def test_finding_after_megabytes_has_its_position(order: str, shift: int) -> None:
    # The shift moves surrogate pairs, long characters and line ends across the borders between pieces of any
    # size.
    line = "é€🗝🗝ü\r\n"
    filling = "x" * shift + line * 250_000 + "\r" * 3
    front = message("é").replace("</a>", f"{filling}</a>").replace("</s:Envelope>", "<!--🗝-->")
    text = f"{front}<a/></s:Envelope>"
    data = MARKS[order] + text.encode(order)
    assert len(data) > 3_000_000

    (finding,) = iter_findings(data)
    assert finding.code is Code.ELEMENT_AFTER_BODY
    assert finding.offset == len(MARKS[order] + front.encode(order))
    assert finding.line == 250_000 + 3 + 1
    assert finding.column == len("</a></s:Body><!--🗝-->") + 1


@pytest.mark.slow
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("shift", range(2))
def test_undecodable_byte_after_megabytes_has_its_position(order: str, shift: int) -> None:
    front = message("é").partition("</a>")[0] + "x" * shift + "🗝" * 800_000
    data = MARKS[order] + front.encode(order)
    finding = assert_refuses(data + "🗝".encode(order)[2:] + "</a></s:Body></s:Envelope>".encode(order))

    assert finding.offset == len(data)
    assert finding.column == len(front) + 1


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "iso-8859-1"])
def test_decode_reads_a_long_body(codec: str) -> None:
    content = "é" * 1_600_001 if codec == "iso-8859-1" else "é🗝" * 800_001
    mark = MARKS.get(codec, b"")
    data = mark + message("").replace("</a>", f"{content}</a>").encode(codec)

    assert decode(data, encoding=None if mark else codec).body.xml == f"<a>{content}</a>".encode()


# -- Python's codec registry -------------------------------------------------------------------------


@contextmanager
def looked_up() -> Iterator[list[str]]:
    """Record each name that reaches Python's codec registry."""
    names: list[str] = []

    def record(name: str) -> None:
        names.append(name)

    # Register this function before Python's own search function, which knows too many names. Unregistering
    # that one also clears the cache of the registry.
    codecs.unregister(encodings.search_function)
    codecs.register(record)
    codecs.register(encodings.search_function)
    try:
        yield names
    finally:
        codecs.unregister(record)


def test_recorder_sees_look_ups() -> None:
    with looked_up() as names:
        codecs.lookup("iso-8859-15")
        with pytest.raises(LookupError):
            codecs.lookup("x-no-such-encoding")

    assert [name.replace("-", "_") for name in names] == ["iso_8859_15", "x_no_such_encoding"]


@pytest.mark.parametrize("label", [*UNREAD, *LABELS])
def test_labels_never_reach_the_codec_registry(label: str) -> None:
    texts = {codec: message("abc", declared).encode(codec) for codec in MARKS for declared in (None, label)}
    messages = [message("abc", label).encode(), message("é", label).encode("iso-8859-1")]
    messages += [mark + texts[codec] for codec, mark in MARKS.items()]
    modules = set(sys.modules)
    with looked_up() as names:
        for data in messages:
            for given in (None, label):
                for call in (decode, decode_header, validate):
                    try:
                        call(data, encoding=given)
                    except XmlaHeadersError as error:
                        str(error)
                list(iter_findings(data, encoding=given))

    assert names == []
    assert {name for name in set(sys.modules) - modules if name.startswith("encodings.")} == set()


# -- labels in other parsers: the exceptions to promise 7 --------------------------------------------

TEXTS = ["abc", "\xa0é\x85ÿ", "é€🗝"]


def refused_by(label: str, text: str) -> set[str]:
    """Return the parsers that refuse a message only for its label, although decode reads it."""
    folded = label.lower()
    refused = {"ElementTree"} if folded == "utf16" or (folded == "utf8" and not text.isascii()) else set()
    return refused | ({"lxml"} if folded == "latin-1" else set())


def labelled() -> Iterator[tuple[str, str, str]]:
    """Yield label, text and encoding of accepted messages; the encoding is of the mark, if any."""
    for label, meaning in SPELLINGS:
        for codec in (codec for codec in (*MARKS, "us-ascii", "iso-8859-1") if codec.startswith(meaning)):
            for text in TEXTS:
                if codec in MARKS or (text.isascii() or (codec == "iso-8859-1" and "€" not in text)):
                    yield label, text, codec


@each("marked", [True, False])
@each(("label", "text", "codec"), list(labelled()))
def test_trees_agree_on_labels_except_for_three(label: str, text: str, codec: str, marked: bool) -> None:  # noqa: FBT001 - a table
    # UTF-16 always has a mark; the last two encodings have none.
    marked = codec.startswith("utf-16") or (marked and codec in MARKS)
    data = (MARKS[codec] if marked else b"") + message(text, label).encode(codec)
    body = decode(data, deep=True).body
    parsers: dict[str, Callable[[], Any]] = {
        "ElementTree": lambda: ElementTree.fromstring(data, forbid_dtd=True),
        "lxml": lambda: etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True)),
    }
    refused = set()
    for name, parse in parsers.items():
        try:
            assert f"<a>{parse()[1][0].text}</a>".encode() == body.xml
        except (SyntaxError, ValueError):
            refused.add(name)

    assert refused == refused_by(label, text)


def test_label_that_elementtree_refuses_is_read() -> None:
    data = (Path(__file__).parent / "data" / "attack" / "label-utf8.xml").read_bytes()

    assert decode(data, deep=True, strict=True).body.xml == "é".encode()
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(data, forbid_dtd=True)


@pytest.mark.parametrize("order", ["little", "big"])
def test_undecodable_unit_after_long_characters_has_its_position(order: str) -> None:
    mark, codec = ("\ufeff", "utf-16-le" if order == "little" else "utf-16-be")
    start = f"{mark}<s:Envelope xmlns:s='{SOAP_11_NS}'><s:Body>"
    text = (start + "\u6f22" * 500 + "\ud800").encode(codec, "surrogatepass")
    with pytest.raises(DecodeError) as caught:
        decode(text + "</s:Body></s:Envelope>".encode(codec))
    assert (caught.value.code, caught.value.finding.offset) == (Code.ENCODING_ERROR, len(text) - 2)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"\x0c\x10" + bytes(10), "DIME"),
        (b"\x0c\x11" + bytes(10), "binary data"),
        (b"\x04\0\0\0\x04\0\0\0abcd", "XPRESS"),
        (b"\x04\0\0\0\x04\0\0\0abc", "binary data"),
    ],
)
def test_hint_names_the_first_bytes(first: bytes, words: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(first)
    assert words in (caught.value.finding.hint or "")


@pytest.mark.parametrize("character", ["a", "\xe9", "\u6f22", "\U0001f511"])
def test_whole_characters_cuts_only_an_incomplete_one(character: str) -> None:
    encoded = character.encode()
    assert whole_characters(b"ab" + encoded) == 2 + len(encoded)
    for size in range(len(encoded)):
        assert whole_characters(b"ab" + encoded[:size]) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_positions_do_not_depend_on_the_pieces_counted(end: str, size: int) -> None:
    lines = [
        "<s:Envelope xmlns:s='{SOAP}'>",
        "\xe9",
        "<s:Header>",
        "a",
        "</s:Header>",
        "",
        "<s:Body/>",
        "b",
        "<",
    ]
    data = end.join(lines).replace("{SOAP}", SOAP_11_NS).encode()
    expected = list(iter_findings(data))
    with mock.patch.object(positions, "_PIECE", size):
        assert list(iter_findings(data)) == expected
    assert [finding.line for finding in expected] == [1, 3, 7, 9]
