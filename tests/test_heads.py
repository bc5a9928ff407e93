"""Heads remembered by shape: equal results with and without a cache, and no secret in the shared cache."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.messages import everyday, messages, mutated
from tests.outcomes import TYPES, outcome, readings
from tests.profiles import scaled
from tests.test_properties import properties, searching
from xmla_headers import (
    SESSION_BLOCKS,
    AttributeSpec,
    BlockSpec,
    Direction,
    Finding,
    HeadCache,
    HeaderBlock,
    HeaderReader,
    Limits,
    Session,
    SimpleType,
    UnknownHeaderBlock,
    decode,
    decode_header,
    iter_findings,
    validate,
    with_blocks,
    without_blocks,
)
from xmla_headers._xml.parser import Parser
from xmla_headers.head_cache import SHARED_HEADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = "urn:schemas-microsoft-com:xml-analysis"
ID = "8f1c2b3a-ID"


def message(
    session_id: str = ID, *, block: str = "", header: str = "", start: str = "", body: str = ""
) -> bytes:
    block = block or f'<Session xmlns="{XMLA}" SessionId="{session_id}"/>'
    return (
        f'{start}<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}{block}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def shared() -> HeadCache:
    """Return an empty cache that follows the rules of the shared one."""
    cache = HeadCache()
    cache._keeps_secrets = False
    return cache


def reader_header(data: bytes, **reading: Any) -> tuple[object, ...]:
    return _in_pieces(data, len(data), reading)


def reader_in_pieces(data: bytes, **reading: Any) -> tuple[object, ...]:
    return _in_pieces(data, 1 + len(data) // 3, reading)


def _in_pieces(data: bytes, size: int, reading: Mapping[str, Any]) -> tuple[object, ...]:
    reader = HeaderReader(**reading)
    for start in range(0, len(data), size or 1):
        reader.feed(data[start : start + size])
    return reader.close(), reader.header, reader.soap, reader.body_offset, reader.warnings


def new_session(data: bytes, **reading: Any) -> bytes:
    return with_blocks(data, Session("new"), **reading)


def no_session(data: bytes, **reading: Any) -> bytes:
    return without_blocks(data, Session, **reading)


def new_blocks(data: bytes, **reading: Any) -> bytes:
    return with_blocks(data, Session("new", must_understand=True), UNKNOWN, **reading)


UNKNOWN = UnknownHeaderBlock(b'<v xmlns="urn:v"/>')


def no_blocks(data: bytes, **reading: Any) -> bytes:
    return without_blocks(data, *SESSION_BLOCKS, UnknownHeaderBlock, **reading)


def findings(data: bytes, **reading: Any) -> list[Finding]:
    return list(iter_findings(data, **reading))


FUNCTIONS: tuple[Callable[..., object], ...] = (
    *(partial(function, deep=deep) for function in (decode, findings, validate) for deep in (False, True)),
    decode_header,
    reader_header,
    reader_in_pieces,
    new_session,
    new_blocks,
    no_session,
    no_blocks,
)


def named(value: Any) -> str:
    if isinstance(value, partial):
        return f"{value.func.__name__}-{'deep' if value.keywords['deep'] else 'flat'}"
    return str(value.__name__)


def assert_no_difference(data: bytes, reading: Mapping[str, Any], *caches: HeadCache) -> None:
    for function in FUNCTIONS:
        general = outcome(function, data, cache=None, **reading)
        for cache in caches:
            assert outcome(function, data, cache=cache, **reading) == general, function


# -- equal results with and without a cache -------------------------------------------------------------

values = st.one_of(
    st.sampled_from([ID, "ID-8f1c2b3a", "a", "a b", " a", "a ", "", "&#65;", "&amp;", "é", "a\tb", ">"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"&<'), max_size=12),
)


@st.composite
def alike(draw: st.DrawFn) -> list[bytes]:
    """Messages that differ in the values of attributes named SessionId."""
    data = draw(st.one_of(everyday(), messages(odd=False), mutated(everyday())))
    made = [data]
    for value in draw(st.lists(values, min_size=1, max_size=3)):
        place = draw(st.integers(0, 3))
        quoted = list(re.finditer(rb"""SessionId\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""", data))
        if quoted:
            first, last = quoted[min(place, len(quoted) - 1)].span(quoted[-1].lastindex or 1)
            if first >= 0:
                made.append(data[:first] + value.encode() + data[last:])
    return made


# Each example compares all functions.
@pytest.mark.no_cover
@settings(searching, max_examples=scaled(300))
@given(
    st.lists(alike(), min_size=1, max_size=2).map(lambda lists: [data for made in lists for data in made]),
    st.lists(readings, min_size=1, max_size=2),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_heads_in_any_order_change_no_result(
    datas: list[bytes], argument_sets: list[dict[str, Any]], maxsize: int, random: Any
) -> None:
    small, large, secretless = HeadCache(maxsize), HeadCache(), shared()
    calls = [(data, reading) for data in datas for reading in argument_sets] * 2
    random.shuffle(calls)
    for data, reading in calls:
        assert_no_difference(data, reading, small, large, secretless, SHARED_HEADS)
        assert len(small) <= maxsize


NEAR = [
    message(),
    message(block=f"<x:Session SessionId='{ID}' xmlns:x='{XMLA}' mustUnderstand=\"1\"></x:Session>"),
    message(header="<v xmlns='urn:v' n='SessionId=\"1\"'/><!-- -->", start='<?xml version="1.0"?>'),
    message(block=f'<EndSession xmlns="{XMLA}" SessionId="{ID}" s:mustUnderstand="1"/>', body="<a/>"),
]


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("original", NEAR, ids=range(len(NEAR)))
@pytest.mark.parametrize("edit", ["replace", "insert", "delete"])
def test_heads_one_byte_apart_change_no_result(original: bytes, edit: str) -> None:
    """Each edit of one byte, before and after the original was remembered."""
    learned = HeadCache()
    decode(original, cache=learned)
    pieces = [b""] if edit == "delete" else [bytes([byte]) for byte in b"\"'<>&= \n/:;aB\xc3\0"]
    for place in range(original.index(b"<s:Body>") + 9):
        rest = original[place + (edit != "insert") :]
        for piece in pieces:
            data = original[:place] + piece + rest
            general = outcome(decode, data, cache=None)
            assert outcome(decode, data, cache=learned) == general, data
            fresh = HeadCache()
            outcome(decode, data, cache=fresh)
            assert outcome(decode, original, cache=fresh) == outcome(decode, original, cache=None), data


def test_heads_of_other_arguments_are_other_heads() -> None:
    cache = HeadCache()
    data = message(block=f'<BeginSession xmlns="{XMLA}" mustUnderstand="1"/>')
    sets: list[dict[str, Any]] = [
        {},
        {"strict": True},
        {"refuse": ("unqualified-must-understand",)},
        {"direction": Direction.RESPONSE},
        {"direction": Direction.REQUEST},
        {"types": {}},
        {"types": TYPES[-1]},
        {"limits": Limits(max_attributes=0)},
        {"limits": Limits(max_message_bytes=9)},
        {"encoding": "utf-16"},
        {"encoding": "us-ascii"},
    ]
    for _ in range(2):
        for reading in sets:
            assert_no_difference(data, reading, cache)


def test_heads_find_the_warnings_of_iter_findings() -> None:
    cache = HeadCache()
    for session_id in ("ID-1", "ID-2"):
        data = message(block=f'<Session xmlns="{XMLA}" SessionId="{session_id}" mustUnderstand="1"/>')
        expected = tuple(iter_findings(data))
        assert len(expected) == 1
        assert decode(data, cache=cache).warnings == expected
    assert len(cache) == 1


# -- shapes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session_id", "shapes"),
    [
        ("ID-8f1c2b3a", 1),
        ("a=b/c:d;e{}", 1),
        ("a b  c  d e", 1),
        ("Body>Body>B".replace(">", ":"), 1),
        ("longer-than-it", 1),
        ("short", 1),
        ("", 2),
        (" 8f1c2b3aID", 2),
        ("8f1c2b3aID ", 2),
        ("8f1c2b&#65;", 2),
        ("8f1c2b3a'ID", 2),
        ("8f1c2b3aéI", 2),
        ("8f1c2b3a\tID", 2),
    ],
)
def test_heads_share_a_shape_when_ids_are_plain(session_id: str, shapes: int) -> None:
    cache, secretless = HeadCache(), shared()
    for data in (message(), message(session_id)):
        assert_no_difference(data, {}, HeadCache())
        for memory in (cache, secretless):
            decode(data, cache=memory)
    assert len(cache) == shapes
    # The shared cache must not keep an id that is not cut out.
    assert len(secretless) == 1


@pytest.mark.parametrize("learn", FUNCTIONS, ids=named)
def test_heads_of_one_shape_are_parsed_once(
    learn: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = shared()
    learn(message("ID-1", body="<a/>"), cache=cache)
    monkeypatch.setattr(Parser, "parse", None)
    assert decode(message("ID-2"), cache=cache).header.session == Session("ID-2")
    assert decode(message("longer-ID"), cache=cache).header.session == Session("longer-ID")
    assert decode_header(message("ID-3"), cache=cache).session == Session("ID-3")
    assert decode_header(bytearray(message("ID-4")), cache=cache).session == Session("ID-4")
    for deep in (False, True):
        assert findings(message("ID-5", body="<a/>"), cache=cache, deep=deep) == []
        validate(message("ID-6", body="<a/>"), cache=cache, deep=deep)
    # The result of an edit has a head that is remembered as well.
    if learn is new_session:
        assert new_session(message("ID-7"), cache=cache) == message("new")
    with pytest.raises(TypeError):
        decode(message("ID&#45;2"), cache=cache)


@pytest.mark.parametrize("learn", FUNCTIONS[:6], ids=named)
def test_heads_keep_no_warning_about_a_body(learn: Callable[..., object]) -> None:
    cache, fault = HeadCache(), message(body="<s:Fault/><a/>")
    learn(fault, cache=cache)
    assert len(cache) == 1
    assert decode(message(), cache=cache).warnings == ()
    assert len(findings(fault, cache=cache)) == 2


def test_heads_known_are_not_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, fault = HeadCache(), message(body="<s:Fault/>")
    decode(fault, cache=cache)
    monkeypatch.setattr(HeadCache, "_keep", None)
    for function in FUNCTIONS[:6]:
        function(fault, cache=cache)
        function(memoryview(fault), cache=cache)


@pytest.mark.parametrize(
    ("data", "own"),
    [
        (message(header="<a xmlns='urn:a'>%s</a>" % ("x" * 4_096)), 0),
        (message(start="\ufeff"), 1),
        (message(start='<?xml version="1.0" encoding="iso-8859-1"?>'), 0),
        (message().replace(b"<s:Body></s:Body>", b"<s:Body/>"), 0),
        (message(header="<a xmlns='urn:a'><Body/><Body/><Body/><Body/></a>"), 0),
        (message(header="<a xmlns='urn:a'><Body/><Body/><Body/></a>"), 1),
        (message(header="<a xmlns='urn:a'><Body/></a>"), 1),
        (message().replace(b"<s:Body>", b"<s:Body \n>"), 1),
    ],
    ids=["long", "mark", "transcoded", "self-closing", "four bodies", "three bodies", "two bodies", "space"],
)
def test_heads_of_accepted_messages_are_remembered(
    data: bytes, own: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = HeadCache()
    for _ in range(2):
        assert_no_difference(data, {}, cache)
    fresh = HeadCache()
    decode(data, cache=fresh)
    assert len(fresh) == own
    if own:
        # Found among others, too.
        for other in EVERYDAY[:2]:
            decode(other, cache=fresh)
        monkeypatch.setattr(Parser, "parse", None)
        decode(data, cache=fresh)


@pytest.mark.parametrize(
    ("used", "kept"),
    [("abc", "bc"), ("aba", "ba"), ("abac", "ac"), ("abaac", "ac"), ("abcb", "cb"), ("abaabac", "ac")],
)
def test_heads_forget_the_least_recently_used_shape(used: str, kept: str) -> None:
    cache = HeadCache(2)
    for name in used:
        decode(message(header=f'<v xmlns="urn:{name}"/>'), cache=cache)
    assert [before.split(b"urn:")[1][:1].decode() for before, _, _ in cache._shapes] == list(kept)
    cache.clear()
    assert len(cache) == 0


SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-%s-1.0.xsd"
EVERYDAY = [
    message(block="<!-- -->"),
    message(block=f'<BeginSession xmlns="{XMLA}"/>'),
    message(),
    message(block=f'<EndSession xmlns="{XMLA}" SessionId="{ID}"/>'),
]


@pytest.mark.parametrize(
    "changing",
    [
        '<o:Security u:Id="SecurityToken-%s"/>',
        "<o:Security><u:Created>2026-11-29T01:02:%s.12Z</u:Created></o:Security>",
        "<o:Security><o:Nonce>bm9/+%s==</o:Nonce></o:Security>",
        '<o:Security u:Id="uuid-%s-1"><u:Created>20%s-11-29</u:Created></o:Security>',
    ],
    ids=["Id", "Created", "Nonce", "both"],
)
def test_heads_with_changing_values_do_not_fill_the_cache(
    changing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = HeadCache(24)
    names = f'xmlns:o="{SECURITY % "secext"}" xmlns:u="{SECURITY % "utility"}"'
    changing = changing.replace("Security", f"Security {names}", 1)
    for data in EVERYDAY:
        decode(data, cache=cache)
    last = EVERYDAY[0]
    for number in range(500):
        data = message(header=changing.replace("%s", f"{number:x}"))
        # A message that is read twice, with another one between, is not a head that returns.
        decode_header(data, cache=cache)
        decode(last, cache=cache)
        decode(EVERYDAY[number % 2], cache=cache)
        last = data
    assert len(cache) <= 20
    monkeypatch.setattr(Parser, "parse", None)
    for data in EVERYDAY:
        decode(data, cache=cache)


def test_heads_of_which_none_returns_are_seldom_remembered() -> None:
    cache = HeadCache(2_000)
    spaces = [format(number, "b").translate({48: " ", 49: "\n"}) for number in range(1_024)]
    for space in spaces[:512]:
        decode(message(header=space), cache=cache)
    assert len(cache) == 256 + 32
    # Some that take turns are remembered, and so are then all again.
    for space in (*spaces[500:503] * 96, *spaces[512:]):
        decode(message(header=space), cache=cache)
    assert len(cache) == 256 + 32 + 3 + 256 + 32


def test_heads_after_clear_are_remembered_at_once() -> None:
    cache = HeadCache(2_000)
    for number in range(300):
        decode(message(header=format(number, "b").translate({48: " ", 49: "\n"})), cache=cache)
    cache.clear()
    decode(message(header="\t"), cache=cache)
    assert len(cache) == 1


def test_heads_count_no_more_skeletons_than_shapes() -> None:
    cache = HeadCache(3)
    for number in range(9):
        decode(message(header=" " * number), cache=cache)
    assert len(cache._tries) == 3


def test_heads_that_return_are_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = HeadCache()
    heads = [message(header=f'<v xmlns="urn:{number}"/>') for number in range(40)]
    for data in heads * 6:
        decode(data, cache=cache)
    monkeypatch.setattr(Parser, "parse", None)
    for data in heads:
        decode(data, cache=cache)


@pytest.mark.parametrize("line", ["", "\n", "\r", "\r\n"], ids=["", "LF", "CR", "CR LF"])
def test_heads_move_warnings_after_an_id_of_another_length(line: str) -> None:
    cache = HeadCache()
    block = f'<Session xmlns="{XMLA}" mustUnderstand="1" SessionId="%s"/>{line}<!--é-->'
    block += '<session xmlns="urn:a"/><Session xmlns="urn:b"/>'
    for session_id in ("ID", "a longer ID", "I", "a longer ID"):
        assert_no_difference(message(block=block % session_id), {}, cache)
    decode(message(block=block % "ID"), cache=cache)
    assert len(decode(message(block=block % "another"), cache=cache).warnings) == 3


@pytest.mark.parametrize("space", ["", "\n  "], ids=["", "indented"])
@pytest.mark.parametrize("around", [("", ""), ("<v xmlns='urn:v'/>", ""), ("", "<w xmlns='urn:w'></w>")])
def test_heads_edit_blocks_after_an_id_of_another_length(around: tuple[str, str], space: str) -> None:
    before, after = (space + each for each in around)
    block = f'{before}{space}<Session xmlns="{XMLA}" SessionId="%s"></Session>{after}{space}'
    cache = HeadCache()
    for session_id in ("ID", "a longer ID", "I"):
        assert_no_difference(message(block=block % session_id), {}, cache)


def test_head_cache_of_one_shape_holds_one() -> None:
    cache = HeadCache(1)
    for name in "abab":
        decode(message(header=f"<{name} xmlns='urn:a'>{name * 9}</{name}>"), cache=cache)
    everything = [getattr(cache, name) for name in HeadCache.__slots__]
    assert not [text for text in held(everything, {}) if "aaa" in text]


def test_heads_that_take_turns_are_found_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = HeadCache()
    for name in "aba":
        decode(message(header=f"<{name} xmlns='urn:a'/>"), cache=cache)
    monkeypatch.setattr(HeadCache, "_look_up", None)
    for name in "abba":
        decode(message(header=f"<{name} xmlns='urn:a'/>"), cache=cache)
    assert [before.count(b"<a ") for before, _, _ in cache._shapes] == [0, 1]


@pytest.mark.parametrize(
    ("block", "secret"),
    [
        (f'<Session xmlns="{XMLA}" SessionId="ID"/>', False),
        (f'<BeginSession xmlns="{XMLA}"/>', False),
        ('<v xmlns="urn:v" SessionId="x"/>', True),
        (f'<Session xmlns="{XMLA}" SessionId="&#65;"/>', True),
    ],
    ids=["id", "no id", "another id", "reference"],
)
def test_heads_of_many_shapes_are_found(block: str, secret: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - from the table
    heads = [message(block=block, header=f"<{name} xmlns='urn:a'/>") for name in "abcd"]
    caches = [HeadCache()] if secret else [HeadCache(), shared()]
    for data in heads:
        for cache in caches:
            decode(data, cache=cache)
    monkeypatch.setattr(Parser, "parse", None)
    for data in heads:
        for cache in caches:
            decode(data, cache=cache)


def test_heads_known_do_not_bypass_max_header_bytes() -> None:
    limits = Limits(max_header_bytes=message("ID").index(b"</s:Body>"))
    for cache in (HeadCache(), shared()):
        decode(message("ID"), cache=cache, limits=limits)
        for session_id in ("I", "IDs"):
            assert_no_difference(message(session_id), {"limits": limits}, cache)


# -- classes of a caller --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Ticket(HeaderBlock):
    """A header block with an identifier of another name."""

    spec = BlockSpec(
        namespace="urn:ticket",
        local_name="Ticket",
        attributes=(AttributeSpec("No", "number", identifier=True), AttributeSpec("Note", "note")),
    )

    number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Checked(Ticket):
    """A header block whose class has a check of its own."""

    def __post_init__(self) -> None:
        if self.number == "bad":
            raise ValueError("a check of the caller's class")


@dataclass(frozen=True, repr=False)
class Unslotted(Ticket):
    """A header block whose fields are not all in slots."""

    late: str | None = None

    spec = BlockSpec(
        namespace="urn:ticket",
        local_name="Ticket",
        attributes=(*Ticket.spec.attributes, AttributeSpec("Late", "late")),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Many(HeaderBlock):
    """An unbounded header block with an identifier."""

    spec = BlockSpec(
        namespace="urn:ticket",
        local_name="Many",
        attributes=(AttributeSpec("No", "number", identifier=True),),
        max_occurs=None,
    )

    number: str | None = None


class Undecorated(Ticket):
    """A header block whose constructor is not generated."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        made.append(self)


made: list[Undecorated] = []


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [(Ticket, 1), (Checked, 2), (Unslotted, 2), (Undecorated, 2)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_heads_cut_out_ids_of_generated_classes_only(kind: type[Ticket], shapes: int) -> None:
    cache, secretless = HeadCache(), shared()
    types = {kind.spec.qname: kind}
    for number in ("uno", "dos"):
        data = message(block=f'<Ticket xmlns="urn:ticket" Note="n" No="{number}"/>')
        for memory in (cache, secretless):
            assert decode(data, types=types, cache=memory).header.blocks == (kind(number=number, note="n"),)
        assert_no_difference(data, {"types": types}, HeadCache())
    assert len(cache) == shapes
    # The shared cache must not keep an id that it cannot cut out, for any name of the attribute.
    assert not [text for text in held(secretless._shapes, {}) if "uno" in text]
    if kind is Checked:
        bad = message(block='<Ticket xmlns="urn:ticket" Note="n" No="bad"/>')
        with pytest.raises(ValueError, match="caller's class"):
            decode(bad, types=types, cache=cache)


@dataclass(frozen=True, slots=True, repr=False)
class Numbered(HeaderBlock):
    """A header block whose identifier is a number, and has the name of another class's identifier."""

    spec = BlockSpec(
        namespace="urn:ticket",
        local_name="Numbered",
        attributes=(AttributeSpec("No", "number", identifier=True, type=SimpleType("int")),),
    )

    number: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Longer(HeaderBlock):
    """A header block whose identifier has a name that begins with that of another class's identifier."""

    spec = BlockSpec(
        namespace="urn:ticket",
        local_name="Longer",
        attributes=(AttributeSpec("No2", "number", identifier=True),),
    )

    number: str | None = None


@pytest.mark.parametrize(
    "block",
    [
        '<t:Numbered xmlns:t="urn:ticket" No="%s"/>',
        '<t:Longer xmlns:t="urn:ticket" No2="&#65;" No="%s"/>',
        '<t:Ticket xmlns:t="urn:ticket" No2="%s" No="&#65;"/>',
    ],
)
def test_heads_cut_out_no_attribute_of_another_class(block: str) -> None:
    cache = HeadCache()
    types = {kind.spec.qname: kind for kind in (Ticket, Numbered, Longer)}
    for text in ("1", "2", "no number"):
        assert_no_difference(message(block=block % text), {"types": types}, cache)


def test_shared_heads_skip_identifiers_with_references() -> None:
    secretless = shared()
    data = message(block='<Ticket xmlns="urn:ticket" No="uno&amp;"/>')
    decode(data, types={"{urn:ticket}Ticket": Ticket}, cache=secretless)
    assert len(secretless) == 0


def test_shared_heads_hold_no_second_identifier() -> None:
    secretless = shared()
    types = {"{urn:ticket}Many": Many}
    decode(message(block='<m:Many xmlns:m="urn:ticket" No="uno"/>'), types=types, cache=secretless)
    assert len(secretless) == 1
    block = '<m:Many xmlns:m="urn:ticket" No="uno"/><m:Many xmlns:m="urn:ticket" No="dos"/>'
    decode(message(block=block), types=types, cache=secretless)
    assert len(secretless) == 1


@pytest.mark.parametrize(
    "block",
    [
        f"""<Session xmlns="{XMLA}" xmlns:n="urn:n" n:n='SessionId="%s"' SessionId="&#65;"/>""",
        f"""<Session xmlns="{XMLA}" xmlns:n="urn:n" n:SessionId="%s" SessionId="&#65;"/>""",
        f"""<Session xmlns="{XMLA}" SessionId="&#65;"/><v xmlns="urn:v" SessionId="%s"/>""",
        f"""<v xmlns="urn:v" SessionId="%s"/><Session xmlns="{XMLA}" SessionId="&#65;"/>""",
        f"""<!-- SessionId="%s" --><Session xmlns="{XMLA}" SessionId="&#65;"/>""",
    ],
    ids=["in a value", "prefixed", "after", "before", "in a comment"],
)
def test_heads_cut_out_nothing_that_only_looks_like_an_id(block: str) -> None:
    cache = HeadCache()
    for text in ("uno", "dos"):
        assert_no_difference(message(block=block % text), {}, cache)
        session = decode(message(block=block % text), cache=cache).header.session
        assert session is not None
        assert session.session_id == "A"


def test_heads_known_do_not_bypass_max_message_bytes() -> None:
    cache, limits = HeadCache(), Limits(max_message_bytes=len(message()) + 1)
    decode(message(), cache=cache, limits=limits)
    assert len(cache) == 1
    assert_no_difference(message(body="long"), {"limits": limits}, cache)


# -- no secrets in the shared cache ---------------------------------------------------------------------

_SECRET = "Zq7-SECRET-0f9a"


def held(value: object, seen: dict[int, object]) -> Iterator[str]:
    """Yield all text in a value, including containers, slots and mappings."""
    if id(value) in seen:
        return
    # Keep the value too, so that no other value gets its id().
    seen[id(value)] = value
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from held(item, seen)
    elif hasattr(value, "items"):
        yield from held(list(value.items()), seen)
    elif type(value).__module__.startswith(("xmla_headers", "tests")) and not isinstance(value, type):
        for kind in type(value).__mro__:
            for name in getattr(kind, "__slots__", ()):
                yield from held(getattr(value, name, None), seen)


@searching
@given(st.one_of(messages(st.just(_SECRET)), everyday(st.just(_SECRET))), readings)
@example(message(_SECRET), {})
@example(message(_SECRET, header=f"<a xmlns='urn:a'>{_SECRET}</a>"), {})
@example(message(_SECRET, header=f"<a xmlns='urn:a' SESSIONID='{_SECRET}'/>"), {})
@example(message(_SECRET, header=f"<a xmlns='urn:a' b='{_SECRET * 5}'/>"), {})
@example(message(_SECRET, start=f"<!-- {_SECRET} -->"), {})
@example(message(_SECRET, header=f"<a xmlns='urn:a'><![CDATA[{_SECRET}]]></a>"), {})
@example(message(_SECRET).replace(b"Body>", f"Body s:a='{_SECRET * 5}'>".encode(), 1), {})
@example(
    message(
        block=f'<Session xmlns="{XMLA}" SessionId="{_SECRET}"/><EndSession xmlns="{XMLA}" SessionId="x"/>'
    ),
    {},
)
@example(message(block=f'<Session xmlns="{XMLA}" SessionId="{_SECRET}&amp;"/>'), {})
@example(message(block=f'<sessionid xmlns="{XMLA}" a="{_SECRET}"/>'), {})
def test_shared_heads_hold_no_session_id_and_no_token(data: bytes, reading: dict[str, Any]) -> None:
    cache = shared()
    for function in FUNCTIONS:
        outcome(function, data, **reading)
        outcome(function, data, cache=cache, **reading)
    for memory in (cache, SHARED_HEADS):
        everything = [getattr(memory, name) for name in HeadCache.__slots__]
        assert not [text for text in held(everything, {}) if _SECRET in text]


def test_own_head_cache_may_hold_secrets() -> None:
    cache = HeadCache()
    decode(message(header=f"<a xmlns='urn:a'>{_SECRET}</a>"), cache=cache)
    assert [text for text in held(cache._shapes, {}) if _SECRET in text]


@pytest.mark.parametrize("size", [64, 65])
def test_shared_heads_hold_attributes_of_64_bytes(size: int) -> None:
    cache = shared()
    decode(message(header=f"<a xmlns='urn:{'n' * 99}' b='{'v' * size}'/>"), cache=cache)
    assert len(cache) == (size == 64)


# -- threads and forks ----------------------------------------------------------------------------------


def test_heads_can_be_shared_between_threads() -> None:
    cache = HeadCache(3)
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for size in range(1, 60):
                text = str(number) * (1 + size % 7)
                # Four shapes that take turns in a cache of three.
                data = message(text, header=" " * ((size + number) % 4))
                expected = message("new", header=" " * ((size + number) % 4))
                found = decode(data, cache=cache).header.session
                if found != Session(text):
                    wrong.append(found)
                if new_session(data, cache=cache) != expected or findings(data, cache=cache):
                    wrong.append(data)
                if size % 20 == 0:
                    cache.clear()
        except BaseException as error:  # noqa: BLE001 - reported by the assertion
            wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert len(cache) <= 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_shared_heads_survive_a_fork() -> None:
    decode(message("ID-1"))
    child = os.fork()
    if not child:
        signal.alarm(20)
        good = decode(message("ID-2")).header.session == Session("ID-2")
        good = good and decode(message("longer")).header.session == Session("longer")
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@properties
@given(st.sampled_from(list(FUNCTIONS)), st.one_of(st.integers(), st.text(), st.just(dict)))
def test_cache_of_another_type_raises_type_error(function: Any, cache: object) -> None:
    with pytest.raises(TypeError, match="cache"):
        function(message(), cache=cache)


def test_heads_are_found_for_every_session_block() -> None:
    for kind in SESSION_BLOCKS.values():
        cache = shared()
        attributes = "".join(f' {attribute.name}="abc"' for attribute in kind.spec.attributes)
        data = message(block=f'<{kind.spec.local_name} xmlns="{XMLA}"{attributes}/>')
        assert_no_difference(data, {}, cache)
        assert len(cache) >= 1
