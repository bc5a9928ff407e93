"""Rare captures, schemas and values: escapes, files that end early, facets, memory of mapped files."""

from __future__ import annotations

import mmap
import struct
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.capture_files import message
from tests.packet_files import block
from xmla_headers import Direction, FaultError, SimpleType, schema
from xmla_headers.captures import iter_messages
from xmla_headers.captures._formats.unescaping import unescaped
from xmla_headers.captures._mapped import release
from xmla_headers.captures._multipart import parts_of
from xmla_headers.findings import Code
from xmla_headers.fuzzing._simple_values import examples, wrong_attributes, wrong_texts
from xmla_headers.model import AttributeSpec

if TYPE_CHECKING:
    from pathlib import Path


def test_release_of_a_map_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(message())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        release(view)
        assert bytes(view) == message()
        view.release()
    release(message())
    release(memoryview(message()))


@pytest.mark.parametrize(
    "kind",
    [
        SimpleType("decimal", minimum=Decimal("1.5"), maximum=Decimal(99), total_digits=4, fraction_digits=2),
        SimpleType("decimal", maximum=Decimal(3)),
        SimpleType("unsignedByte", total_digits=2),
        SimpleType("string", min_length=2, max_length=4),
        SimpleType("token", enumeration=("sx", "xpress")),
        SimpleType("token", enumeration=("", "sx")),
    ],
    ids=str,
)
def test_wrong_texts_are_no_values_of_their_type(kind: SimpleType) -> None:
    found = list(wrong_texts(kind))
    assert found
    for _, text in found:
        with pytest.raises(ValueError, match=r"^\S"):
            kind.read(text)


def test_wrong_attribute_is_another_value_than_the_fixed_one() -> None:
    spec = AttributeSpec("a", "a", type=SimpleType("boolean"), fixed=True)
    assert ("not-fixed", "false") in list(wrong_attributes(spec))


def test_examples_of_a_type_without_known_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no value of xs:integer is known"):
        examples(SimpleType("integer", above=4, below=5))


def test_length_without_a_maximum_is_named_as_at_least() -> None:
    assert "at least 2" in SimpleType("string", min_length=2).allowed


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (rb"\x3cs:Envelope a=\x22b\x22/\x3e", b'<s:Envelope a="b"/>'),
        (b"&amp;" + b"amp;" * 9 + b"lt;s:Envelope", b"&amp;amp;amp;amp;amp;lt;s:Envelope"),
    ],
)
def test_message_with_rare_escapes_is_unescaped(escaped: bytes, plain: bytes) -> None:
    assert unescaped(escaped) == plain


def test_text_tells_the_direction_by_a_session_header_alone() -> None:
    (found,) = iter_messages(b"10:23 at once " + message("<x:BeginSession/>", ""))
    assert found.direction is Direction.REQUEST


def test_text_with_an_end_tag_that_breaks_off_has_a_finding() -> None:
    whole = message()
    found = list(iter_messages(b"10:23 at once " + whole[:-1] + b" "))
    assert found[-1].trouble is not None


@pytest.mark.parametrize("size", [4, 8, 23])
def test_packet_capture_cut_off_in_its_head_has_no_message(size: int) -> None:
    pytest.importorskip("dpkt", reason="dpkt is not installed")
    head = b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(16)
    assert list(iter_messages(head[:size])) == []


def test_packet_capture_ends_at_a_section_of_unknown_byte_order() -> None:
    pytest.importorskip("dpkt", reason="dpkt is not installed")
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    # An interface of Ethernet, whose times count from another second (if_tsoffset).
    interface = block(1, struct.pack("<HHIHHq", 1, 0, 0, 14, 8, 60))
    assert list(iter_messages(section + interface)) == []
    strange = block(0x0A0D0D0A, struct.pack("<IHHq", 0, 1, 0, -1))
    (found,) = iter_messages(section + interface + strange)
    assert found.trouble is not None
    assert found.trouble.code is Code.BROKEN_CAPTURE


def test_part_of_a_multipart_may_lack_its_head() -> None:
    body = b"--b\r\nno head and no blank line\r\n--b--\r\n"
    (part,) = parts_of('multipart/related; boundary="b"', body)
    assert part.fields == {}


def test_fault_error_needs_a_fault() -> None:
    with pytest.raises(TypeError, match="fault must be Fault"):
        FaultError("gone")  # type: ignore[arg-type]


def test_facets_may_stand_beside_comments_and_notes() -> None:
    text = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
      <xs:element name="Block"><xs:complexType><xs:attribute name="a"><xs:simpleType>
        <xs:restriction base="xs:string">
          <xs:annotation/><!-- short --><xs:maxLength value="3"/>
        </xs:restriction>
      </xs:simpleType></xs:attribute></xs:complexType></xs:element></xs:schema>"""
    (spec,) = schema.specs_from_schema(text)
    assert spec.attributes[0].type == SimpleType("string", max_length=3)
