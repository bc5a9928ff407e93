"""Heads at each bound and next to it: all ways to read a message have equal results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.messages import everyday, messages, mutated
from tests.reading import agreed
from xmla_headers import (
    SESSION_BLOCKS,
    SOAP_11_NS,
    XMLA_NS,
    BlockSpec,
    Code,
    Direction,
    HeaderBlock,
    Limits,
    Session,
)

if TYPE_CHECKING:
    from typing import Any

ID, OTHER = "9F2C1B7E-3D54", "00000000-0000"
USE = f'<x:Session SessionId="{ID}"/>'


def head(blocks: str, *, envelope: str = "", body: str = "") -> bytes:
    names = f'xmlns:s="{SOAP_11_NS}" xmlns:x="{XMLA_NS}" xmlns:v="urn:v"{envelope}'
    return f"<s:Envelope {names}><s:Header>{blocks}</s:Header><s:Body{body}>".encode()


def codes(begin: bytes, **reading: Any) -> list[Code]:
    """Return the codes of the findings in a message with this head, read in all ways."""
    data = begin + b"<a/></s:Body></s:Envelope>"
    _, findings = agreed(data, alike=data.replace(ID.encode(), OTHER.encode()), **reading)
    assert agreed(data, **reading)[1] == findings
    return [finding.code for finding in findings]


def many(count: int, form: str) -> str:
    return "".join(form.format(number) for number in range(count))


@pytest.mark.parametrize("size", range(4_090, 4_103))
@pytest.mark.parametrize(
    "filler",
    [
        "<!--{}-->",
        "<v:t a='{}'/>",
        "<v:t>{}</v:t>",
        "<v:t{}/>",
        "<v:BEGINSESSION a='{}'/>",
        "<x:session a='{}'/>",
    ],
)
def test_head_of_about_4096_bytes_is_read_alike(filler: str, size: int) -> None:
    bare = head(filler.format("") + USE)
    begin = head(filler.format("b" * (size - len(bare))) + USE)
    assert len(begin) == size
    expected = [] if "session" not in filler.lower() else [Code.LOOKALIKE_HEADER_BLOCK]
    assert codes(begin) == expected


@pytest.mark.parametrize("length", [4_095, 4_096, 4_097])
@pytest.mark.parametrize(
    ("form", "extra"),
    [
        ("<{}/>", 0),
        ("<v:{}/>", 2),
        ("<v:t {}=''/>", 0),
        ("<v:t v:{}=''/>", 2),
        ("<v:t xmlns:w='{}'/>", 0),
        ("<x:Session SessionId='A' v:{}=''/>", 2),
    ],
)
def test_names_are_bounded_in_every_way(form: str, extra: int, length: int) -> None:
    found = codes(head(form.format("n" * (length - extra))))
    assert (Code.LIMIT_EXCEEDED in found) == (length > 4_096)


@pytest.mark.parametrize("count", [254, 255, 256, 257, 258])
@pytest.mark.parametrize("form", [" a{}=''", " v:a{}=''", " xmlns:a{}='u'"])
def test_attributes_are_bounded_in_every_way(form: str, count: int) -> None:
    attributes = many(count, form)
    expected = [Code.LIMIT_EXCEEDED] if count > 256 else []
    assert codes(head(f"<v:t{attributes}/>")) == expected
    assert codes(head("", body=many(count, form.replace("v:", "")))) == expected
    found = codes(head(f"<x:Session SessionId='A'{many(count - 1, form)}/>"))
    assert (Code.LIMIT_EXCEEDED in found) == (count > 256)


@pytest.mark.parametrize("count", [254, 255, 256, 257, 258])
def test_declarations_of_the_envelope_are_bounded_in_every_way(count: int) -> None:
    # The Envelope itself has three declarations.
    begin = head(USE, envelope=many(count - 3, " xmlns:a{}='u'"))
    assert codes(begin) == ([Code.LIMIT_EXCEEDED] if count > 256 else [])


@pytest.mark.parametrize("count", [62, 63, 64, 65, 66])
@pytest.mark.parametrize("form", ["<v:a/>", "<v:a></v:a>", "<v:b{} c=''/>", "<v:a>t</v:a><!-- -->"])
def test_header_blocks_are_bounded_in_every_way(form: str, count: int) -> None:
    expected = [Code.LIMIT_EXCEEDED] if count > 64 else []
    assert codes(head(many(count, form))) == expected
    assert codes(head(USE + many(count - 1, form))) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_bounds_of_the_caller_hold_in_every_way(count: int) -> None:
    blocks = head(many(count, "<v:a/>"))
    assert codes(blocks, limits=Limits(max_header_blocks=3)) == [Code.LIMIT_EXCEEDED] * (count > 3)
    attributes = head("<v:t" + many(count, " a{}=''") + "/>")
    assert codes(attributes, limits=Limits(max_attributes=3)) == [Code.LIMIT_EXCEEDED] * (count > 3)
    for limit in range(len(attributes) - 2, len(attributes) + 3):
        found = codes(attributes, limits=Limits(max_header_bytes=limit))
        assert (found == [Code.LIMIT_EXCEEDED]) == (limit < len(attributes))


@dataclass(frozen=True, slots=True, repr=False)
class Never(HeaderBlock):
    """A header block that may never occur."""

    spec = BlockSpec(namespace="urn:v", local_name="Never", attributes=(), max_occurs=0)


@dataclass(frozen=True, slots=True, repr=False)
class Twice(HeaderBlock):
    """A header block that may occur twice in a request."""

    spec = BlockSpec(
        namespace="urn:v",
        local_name="Twice",
        attributes=(),
        max_occurs=2,
        directions=frozenset({Direction.REQUEST}),
    )


TYPES = {**SESSION_BLOCKS, Never.spec.qname: Never, Twice.spec.qname: Twice}


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("<v:Never/>", [Code.DUPLICATE_HEADER_BLOCK]),
        ("<v:Never/><v:Never/>", [Code.DUPLICATE_HEADER_BLOCK] * 2),
        (f"{USE}<v:Never></v:Never>", [Code.DUPLICATE_HEADER_BLOCK]),
        ("<v:Twice/>", []),
        ("<v:Twice/><v:Twice/>", []),
        ("<v:Twice/><v:Twice/><v:Twice/>", [Code.DUPLICATE_HEADER_BLOCK]),
        ("<v:twice/>", [Code.LOOKALIKE_HEADER_BLOCK]),
        ("<v:NEVER/>", [Code.LOOKALIKE_HEADER_BLOCK]),
    ],
)
def test_occurrence_is_checked_in_every_way(blocks: str, expected: list[Code]) -> None:
    assert codes(head(blocks), types=TYPES) == expected
    wrong = codes(head(blocks), types=TYPES, direction=Direction.RESPONSE)
    assert (Code.WRONG_DIRECTION in wrong) == ("<v:Twice" in blocks)


@pytest.mark.parametrize("name", [block.spec.local_name for block in SESSION_BLOCKS.values()])
@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, str.capitalize, str])
@pytest.mark.parametrize("prefix", ["x", "v", "s"])
def test_names_that_differ_in_case_warn_in_every_way(prefix: str, change: Any, name: str) -> None:
    changed = change(name)
    if (prefix, changed) == ("x", name):
        return
    assert codes(head(f"<{prefix}:{changed}/>{USE}")) == [Code.LOOKALIKE_HEADER_BLOCK]
    assert codes(head(f"{USE}<{prefix}:{changed} a='b'></{prefix}:{changed}>")) == [
        Code.LOOKALIKE_HEADER_BLOCK
    ]


def test_session_id_is_read_in_every_way() -> None:
    header, findings = agreed(head(USE) + b"</s:Body></s:Envelope>")
    assert header is not None
    assert (header.blocks, findings) == ((Session(ID),), ())


@pytest.mark.slow
@given(
    st.one_of(everyday(), mutated(everyday()), messages(), mutated(messages())),
    st.booleans(),
    st.sampled_from([{}, {"types": TYPES}, {"direction": "request"}, {"limits": Limits(max_attributes=2)}]),
)
@settings(deadline=None, max_examples=300)
def test_drawn_messages_are_read_alike(data: bytes, deep: bool, reading: dict[str, Any]) -> None:  # noqa: FBT001 - drawn
    if "direction" in reading:
        reading = {"direction": Direction.REQUEST}
    agreed(data, deep=deep, **reading)
