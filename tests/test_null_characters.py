"""U+0000: all readers refuse it at its offset, in any encoding and in any pieces."""

from __future__ import annotations

import codecs
import pyexpat
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.each import each
from tests.invariants import hold, verdict
from tests.profiles import scaled
from xmla_headers import (
    SOAP_11_NS,
    XMLA_NS,
    Code,
    DecodeError,
    EncodeError,
    Finding,
    Fragment,
    HeaderReader,
    Session,
    UnknownHeaderBlock,
    decode,
    decode_header,
    iter_findings,
    validate,
    with_blocks,
    without_blocks,
)
from xmla_headers._xml import encoding, names
from xmla_headers.captures import CapturedMessage, check_message
from xmla_headers.elements import fault_of, header_of
from xmla_headers.schema import SchemaError, SchemaValidator, specs_from_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xmla_headers import Header

ATTACKS = Path(__file__).parent / "data" / "attack"
UTF_16 = [ATTACKS / "utf16-nuls-assertion.xml", ATTACKS / "utf16-mark-then-nuls.xml"]

TEXT = (
    f'<s:Envelope xmlns:s="{SOAP_11_NS}">\n <!-- a --><s:Header>'
    f'<Session xmlns="{XMLA_NS}" SessionId="a&amp;b"/><w xmlns="urn:w">c<![CDATA[d]]></w></s:Header>\r\n'
    "<s:Body><e a='1'> </e><s:Body/>f</s:Body><!--g--></s:Envelope> <!--h-->\n"
)


class Encoded(NamedTuple):
    """An encoding of a message, and its declaration."""

    codec: str
    mark: bytes = b""
    declared: str | None = None
    given: str | None = None

    def data(self, text: str) -> bytes:
        declaration = "" if self.declared is None else f'<?xml version="1.0" encoding="{self.declared}"?>'
        return self.mark + (declaration + text).encode(self.codec)


ENCODINGS = {
    "utf-8": Encoded("utf-8"),
    "utf-8, declared": Encoded("utf-8", declared="utf-8"),
    "utf-8, given": Encoded("utf-8", given="UTF-8"),
    "utf-8, marked": Encoded("utf-8", codecs.BOM_UTF8),
    "utf-16-le": Encoded("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-be": Encoded("utf-16-be", codecs.BOM_UTF16_BE),
    "utf-16-le, given": Encoded("utf-16-le", codecs.BOM_UTF16_LE, given="utf-16"),
    "utf-16-be, declared": Encoded("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
    "iso-8859-1, declared": Encoded("iso-8859-1", declared="ISO-8859-1"),
    "iso-8859-1, given": Encoded("iso-8859-1", given="latin1"),
    "us-ascii, declared": Encoded("us-ascii", declared="US-ASCII"),
    "us-ascii, given": Encoded("us-ascii", given="ascii"),
}
MARKED = [name for name, encoded in ENCODINGS.items() if encoded.mark]


def in_pieces(data: bytes, cuts: Iterable[int], **reading: Any) -> Header:
    reader = HeaderReader(**reading)
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        reader.feed(data[start:end])
    return reader.close()


def assert_refuses(data: bytes, **reading: Any) -> Finding:
    """Assert that all readers of whole messages refuse this one with the same finding, and return it."""
    (finding,) = (found for found in iter_findings(data, **reading) if found.severity == "error")
    refusal = ("DecodeError", finding)
    assert verdict(validate, data, **reading) == refusal
    for deep in (False, True):
        assert verdict(decode, data, deep=deep, **reading) == refusal
        assert list(iter_findings(data, deep=deep, **reading)) == [finding]
    for size in (1, 3, 4_097):
        assert verdict(in_pieces, data, range(size, len(data), size), **reading) == refusal
    return finding


# -- the attack --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UTF_16, ids=lambda path: path.stem)
def test_double_utf_16_is_refused_by_all_readers(path: Path) -> None:
    data = path.read_bytes()
    finding = assert_refuses(data)

    assert (finding.code, finding.offset, finding.line, finding.column) == (Code.NOT_WELL_FORMED, 4, 1, 2)
    assert "U+0000" in finding.message
    assert "second time" in (finding.hint or "")
    for call in (decode_header, lambda data: with_blocks(data, Session("a"))):
        assert verdict(call, data) == ("DecodeError", finding)
    assert verdict(without_blocks, data, Session) == ("DecodeError", finding)
    assert list(SchemaValidator().iter_findings(data)) == []
    checked = check_message(CapturedMessage("a", data))
    assert (checked.header, list(checked.findings)) == (None, [finding])


@pytest.mark.parametrize("path", UTF_16, ids=lambda path: path.stem)
def test_refusal_does_not_need_asserts(path: Path) -> None:
    code = (
        "import sys, xmla_headers\n"
        "try: xmla_headers.decode(open(sys.argv[1], 'rb').read())\n"
        "except xmla_headers.DecodeError: print('refused')"
    )
    command = [sys.executable, "-O", "-c", code, str(path)]

    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "refused\n"


@pytest.mark.parametrize("path", UTF_16, ids=lambda path: path.stem)
def test_null_character_after_transcoding_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # This simulates a way in which U+0000 could reach the parser.
    def transcoded(codec: str, data: bytes, _start: int, *, final: bool) -> tuple[bytes, int, None]:
        text, used = encoding._DECODERS[codec](data, "strict", final)
        return text.encode(), used, None

    monkeypatch.setattr(encoding, "_transcoded", transcoded)
    data = path.read_bytes()
    (finding,) = iter_findings(data)

    assert finding.code is Code.NOT_WELL_FORMED
    for call in (decode, decode_header, validate):
        assert verdict(call, data) == ("DecodeError", finding)
    with pytest.raises(DecodeError):
        in_pieces(data, range(1, len(data)))


# -- its offset --------------------------------------------------------------------------------------


@each("encoded", ENCODINGS.values(), ids=ENCODINGS)
@each("index", [2, *range(3, len(TEXT), 17), len(TEXT)])
def test_null_character_is_refused_at_its_offset(index: int, encoded: Encoded) -> None:
    data = encoded.data(f"{TEXT[:index]}\0{TEXT[index:]}")
    finding = assert_refuses(data, encoding=encoded.given)

    before = re.sub("\r\n?", "\n", TEXT[:index])
    column = len(before) - before.rfind("\n")
    if "\n" not in before:
        column += len(encoded.data("")[len(encoded.mark) :].decode(encoded.codec))
    assert finding.code is Code.NOT_WELL_FORMED
    assert finding.offset == len(encoded.data(TEXT[:index]))
    assert (finding.line, finding.column) == (before.count("\n") + 1, column)
    if TEXT[:index].endswith("s:Header>"):
        assert verdict(decode_header, data, encoding=encoded.given) == ("DecodeError", finding)


@each("encoded", ENCODINGS.values(), ids=ENCODINGS)
@each("end", ["<", "<!", "<!-", "<![", "<![CD", "</", "&", "&#", "]]", "<a", "<a b='"])
def test_null_character_in_an_unfinished_token_is_found(end: str, encoded: Encoded) -> None:
    text = TEXT.partition("f</")[0] + end
    finding = assert_refuses(encoded.data(f"{text}\0"), encoding=encoded.given)

    assert finding.offset == len(encoded.data(text))
    assert finding.message == "not well-formed: U+0000, which XML does not allow"


@pytest.mark.parametrize(
    ("index", "name"),
    # A little-endian mark followed by U+0000 is the mark of UTF-32.
    [(index, name) for name in MARKED for index in (0, 1) if index or "utf-16-le" not in name],
)
def test_null_character_after_a_mark_hints_at_utf_16(index: int, name: str) -> None:
    encoded = ENCODINGS[name]
    text = TEXT if encoded.declared is None else f'<?xml version="1.0" encoding="{encoded.declared}"?>{TEXT}'
    data = encoded.mark + f"{text[:index]}\0{text[index:]}".encode(encoded.codec)
    finding = assert_refuses(data, encoding=encoded.given)

    assert finding.offset == len(encoded.mark + text[:index].encode(encoded.codec))
    assert "second time" in (finding.hint or "")


@pytest.mark.parametrize("inner", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("inner_mark", ["", "\ufeff"])
@pytest.mark.parametrize("outer", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_16_encoded_twice_is_named(outer: str, inner_mark: str, inner: str) -> None:
    data = (inner_mark + TEXT).encode(inner).decode("latin-1").encode(outer)
    finding = assert_refuses(data)

    # Big-endian text encoded again as little-endian has the first bytes of UTF-32.
    assert re.search("UTF-16|UTF-32", f"{finding.message} {finding.hint}")


# -- values, trees and schemas -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["\0", "\0<a/>", "<\0a/>", "<a\0/>", "<a>\0</a>", "<a/>\0", "<a b='\0'/>"]
)
def test_values_with_a_null_character_are_refused(content: str) -> None:
    for make in (Fragment, UnknownHeaderBlock):
        for codec in ("utf-8", "utf-8-sig", "utf-16"):
            with pytest.raises(EncodeError) as caught:
                make(content.encode(codec))
            assert caught.value.code is Code.BAD_FRAGMENT
    for namespaces in ({content: "urn:a"}, {"a": content}):
        with pytest.raises(EncodeError):
            Fragment(b"", namespaces)


def test_trees_with_a_null_character_are_refused() -> None:
    for place in ("text", "tail"):
        envelope = ET.fromstring(TEXT)
        setattr(envelope[0][0], place, "\0")
        for call in (header_of, fault_of):
            with pytest.raises(DecodeError) as caught:
                call(envelope)
            assert caught.value.code is Code.NOT_WELL_FORMED


@pytest.mark.parametrize("index", [1, 2, 30])
def test_schema_with_a_null_character_is_refused(index: int) -> None:
    schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'
    twice = schema.encode("utf-16-le").decode("latin-1")
    for text in (schema[:index] + "\0" + schema[index:], twice, twice.rstrip("\0")):
        with pytest.raises(SchemaError):
            SchemaValidator({"a.xsd": text})
        with pytest.raises(SchemaError):
            specs_from_schema(text)


@pytest.mark.parametrize("name", ["\0", "\0a", "a\0", "\0a\0", "a\0b", "é\0"])
def test_name_with_a_null_character_reaches_no_parser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pyexpat, "ParserCreate")

    assert not names.is_ncname(name)


# -- any text ----------------------------------------------------------------------------------------

searching = settings(max_examples=scaled(150), deadline=None, suppress_health_check=list(HealthCheck))

#: Content that each encoding can represent.
contents = st.text(st.sampled_from("ab \n\r\tz]-=;0"), max_size=40)


@st.composite
def with_null_characters(draw: st.DrawFn) -> tuple[bytes, int, str | None]:
    """Draw a message with U+0000 in it, the offset of the first, and the transport's label."""
    encoded = draw(st.sampled_from([*ENCODINGS.values()]))
    text = TEXT.replace("c<!", draw(contents) + "<!").replace("f</", draw(contents) + "</")
    if encoded.declared is not None:
        text = f'<?xml version="1.0" encoding="{encoded.declared}"?>{text}'
    # Without a mark, such a message would be UTF-16 without its mark.
    index = draw(st.integers(1 if encoded.mark else 2, len(text)))
    rest = draw(st.one_of(st.just(text[index:]), st.text(st.sampled_from("\0<a>"), max_size=9)))
    if draw(st.booleans()):
        rest = "\0".join(rest)
    data = encoded.mark + f"{text[:index]}\0{rest}".encode(encoded.codec)
    return data, len(encoded.mark + text[:index].encode(encoded.codec)), encoded.given


@searching
@given(with_null_characters(), st.lists(st.integers(0, 900), max_size=12), st.booleans())
def test_first_null_character_ends_the_message(
    message: tuple[bytes, int, str | None],
    cuts: list[int],
    deep: bool,  # noqa: FBT001 - drawn
) -> None:
    data, offset, label = message
    *_, finding = iter_findings(data, encoding=label, deep=deep)

    assert finding.code is Code.NOT_WELL_FORMED
    # Text in a wrong place is refused first: `]]>`, or text after the root.
    assert finding.offset == offset
    whole = verdict(decode, data, encoding=label, deep=deep)
    assert whole[0] in ("DecodeError", "ValidationError")
    if not deep:
        cuts = [cut for cut in cuts if cut < len(data)]
        assert verdict(in_pieces, data, cuts, encoding=label) == whole
        assert verdict(in_pieces, data, range(1, len(data)), encoding=label) == whole


marks = st.sampled_from([b"", *(mark for encoded in ENCODINGS.values() if (mark := encoded.mark))])


@searching
@given(marks, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"]), st.data())
def test_promises_hold_for_texts_with_null_characters(mark: bytes, codec: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(TEXT)), max_size=4))
    text = TEXT
    for place in places:
        text = f"{text[:place]}\0{text[place:]}"
    hold(mark + text.encode(codec))


def test_utf_8_is_not_searched_for_null_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    # expat itself refuses them when the encoding is known.
    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(encoding, "_transcoded", fail)
    data = TEXT.encode()

    assert decode(data).body
    assert in_pieces(data, range(1, len(data))).session == Session("a&b")
    assert verdict(decode, data + b"\0")[1].offset == len(data)
