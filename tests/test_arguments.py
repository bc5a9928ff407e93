"""Arguments: a wrong type raises a TypeError that names it, a wrong value a ValueError; never a finding."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from xmla_headers import (
    RULES,
    SESSION_BLOCKS,
    BeginSession,
    Code,
    HeadCache,
    HeaderBlock,
    Session,
    XmlaHeadersError,
    decode,
    decode_header,
    iter_findings,
    validate,
    with_blocks,
    without_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'

READING = [decode, decode_header, iter_findings, validate, with_blocks, without_blocks]

WRONG: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (TypeError, "types", {"types": [BeginSession]}),
    (TypeError, "key of types", {"types": {1: BeginSession}}),
    (TypeError, "made from a schema", {"types": {"{u}a": str}}),
    (TypeError, "made from a schema", {"types": {"{u}a": Session("A")}}),
    (TypeError, "made from a schema", {"types": {"{u}a": HeaderBlock}}),
    (TypeError, "made from a schema", {"types": {"{u}a": type("Bare", (HeaderBlock,), {})}}),
    (ValueError, "to the class of", {"types": {"{u}a": Session}}),
    (TypeError, "direction must be Direction or str", {"direction": 1}),
    (TypeError, "direction", {"direction": b"request"}),
    (ValueError, "direction must be 'request' or 'response', not 'Request'", {"direction": "Request"}),
    (ValueError, "'request' or 'response'", {"direction": ""}),
    (TypeError, "strict", {"strict": 1}),
    (TypeError, "refuse", {"refuse": "soap-1.2"}),
    (ValueError, "no-such-code", {"refuse": ["no-such-code"]}),
    (TypeError, "encoding", {"encoding": b"utf-8"}),
    (TypeError, "limits", {"limits": 100}),
]


@pytest.mark.parametrize("call", READING)
@pytest.mark.parametrize(("error", "name", "arguments"), WRONG)
def test_call_with_a_wrong_argument_raises_type_or_value_error(
    call: Callable[..., object], error: type[Exception], name: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(error, match=name) as raised:
        call(MESSAGE, **arguments)
    assert not isinstance(raised.value, XmlaHeadersError)


@pytest.mark.parametrize("call", READING)
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (MESSAGE.decode(), "encode it"),
        (None, "bytes, bytearray or memoryview"),
        ([60], "bytes, bytearray or memoryview"),
        (memoryview(MESSAGE)[::2], "C-contiguous"),
    ],
)
def test_call_without_bytes_raises_type_error(call: Callable[..., object], data: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        call(data)


@pytest.mark.parametrize("call", READING)
def test_call_accepts_any_memoryview(call: Callable[..., object]) -> None:
    padded = MESSAGE + b" " * (-len(MESSAGE) % 4)
    for view in (
        memoryview(MESSAGE),
        memoryview(array("I", padded)),
        memoryview(padded).cast("B", [4, len(padded) // 4]),
    ):
        call(view)


@pytest.mark.parametrize("call", [decode, decode_header])
def test_decode_with_another_cache_type_raises_type_error(call: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="cache"):
        call(MESSAGE, cache={})


@pytest.mark.parametrize(
    ("maxsize", "error"), [("8", TypeError), (True, TypeError), (0, ValueError), (-1, ValueError)]
)
def test_head_cache_without_room_is_refused(maxsize: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="maxsize"):
        HeadCache(maxsize)


def test_head_cache_repr_shows_sizes_only() -> None:
    cache = HeadCache(8)
    decode(MESSAGE.replace(b"<s:Body/>", b"<s:Body></s:Body>"), cache=cache)
    assert repr(cache) == "HeadCache(<1 of 8>)"


def test_refuse_accepts_codes_as_text_or_members() -> None:
    doubled = MESSAGE.replace(b"<s:Body/>", b"<s:Header><a/></s:Header><s:Body/>")
    for code in ("unqualified-header-block", Code.UNQUALIFIED_HEADER_BLOCK):
        with pytest.raises(XmlaHeadersError):
            decode(doubled, refuse=iter([code]))


@pytest.mark.parametrize("value", [Session.spec, Session.spec.attributes[0], RULES[Code.NOT_XML]])
def test_specs_are_immutable_values(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value
    assert hash(copy.deepcopy(value)) == hash(value)
    assert value != "something else"
    assert repr(value).startswith(f"{type(value).__name__}(")
    with pytest.raises(AttributeError):
        setattr(value, dataclasses.fields(value)[0].name, "x")


def test_header_block_base_class_raises_type_error() -> None:
    with pytest.raises(TypeError, match="base"):
        HeaderBlock()


@pytest.mark.parametrize("name", ["a:b:c", ":a", "a:", "a:1b", "a:-b", "a:\u0301b"])
@pytest.mark.parametrize("shape", ["<{0} xmlns:a='u'/>", "<x xmlns:a='u' {0}=''/>"])
def test_name_with_a_misplaced_colon_is_not_well_formed(name: str, shape: str) -> None:
    block = shape.format(name)
    data = MESSAGE.replace(b"<s:Body/>", f"<s:Header>{block}</s:Header><s:Body/>".encode())
    assert [finding.code for finding in iter_findings(data)] == [Code.NOT_WELL_FORMED]


@pytest.mark.parametrize("gap", [1, 70_000, 200_000])
def test_duplicate_attribute_offset_is_of_its_start_tag(gap: int) -> None:
    data = MESSAGE.replace(b"<s:Body/>", b"<s:Body><a b='%b' b=''/></s:Body>" % (b"x" * gap))
    (finding,) = iter_findings(data)
    assert (finding.code, finding.offset) == (Code.NOT_WELL_FORMED, data.index(b"<a "))


def test_session_blocks_are_keyed_by_qname() -> None:
    assert all(kind.spec.qname == qname for qname, kind in SESSION_BLOCKS.items())
