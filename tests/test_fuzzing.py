"""The cases: each label is right, each rule has cases, and no label comes from the decoder."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.reading import agreed
from xmla_headers import (
    MICROSOFT_BLOCKS,
    RULES,
    SESSION_BLOCKS,
    Code,
    Direction,
    HeaderBlock,
    Severity,
    fuzzing,
    schema,
)
from xmla_headers.fuzzing import Behaviour, Case, Verdict, iter_cases
from xmla_headers.fuzzing._case import identifier_of
from xmla_headers.fuzzing._cases import WAYS, first_pass
from xmla_headers.fuzzing._draft import Place
from xmla_headers.fuzzing._ways import NEEDS_TYPES, NOT_ABOUT_BYTES, Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    BlockTypes = Mapping[str, type[HeaderBlock]]

PACKAGE = Path(fuzzing.__file__).parent

# Codes about the root, the first bytes or an absence have only one possible place.
WITHOUT_A_PLACE = {
    Code.NOT_XML,
    Code.NOT_AN_ENVELOPE,
    Code.WRONG_SOAP_NAMESPACE,
    Code.MISSING_BODY,
    Code.SOAP_1_2,
}

# One required attribute, one optional attribute, and an element without attributes.
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:audit">
  <xs:element name="Audit">
    <xs:complexType>
      <xs:attribute name="UserName" type="xs:string" use="required"/>
      <xs:attribute name="Reason" type="xs:string"/>
    </xs:complexType>
  </xs:element>
  <xs:element name="Trace"><xs:complexType/></xs:element>
</xs:schema>"""
AUDIT = schema.types_from_schema(SCHEMA)
ALL_TYPES: BlockTypes = {**SESSION_BLOCKS, **AUDIT}


def check(cases: Iterable[Case], **reading: Any) -> int:
    """Compare the labels with the decoder, and return the number of cases."""
    count = 0
    for count, case in enumerate(cases, 1):  # noqa: B007 - the number of cases
        header, findings = agreed(case.data, direction=case.direction, deep=True, **reading)
        found = frozenset(finding.code for finding in findings)
        assert (found, header) == (case.expected, case.header), case
    return count


def all_of(types: BlockTypes = SESSION_BLOCKS, direction: Direction | None = None) -> list[Case]:
    return list(first_pass(Given(types, direction)))


@cache
def plain() -> tuple[Case, ...]:
    return tuple(all_of())


@cache
def everything() -> list[Case]:
    """Return the first pass, and the cases that need a direction."""
    against = [
        case for direction in Direction for case in all_of(SESSION_BLOCKS, direction) if "in-a-" in case.name
    ]
    typed = [case for case in all_of(MICROSOFT_BLOCKS) if case.rule in NEEDS_TYPES]
    return [*plain(), *(case for case in against if case.rule == Code.WRONG_DIRECTION), *typed]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("types", "direction"),
    [
        (SESSION_BLOCKS, None),
        (SESSION_BLOCKS, Direction.REQUEST),
        (ALL_TYPES, Direction.RESPONSE),
        (AUDIT, None),
        ({}, None),
    ],
    ids=["three", "request", "response", "others", "none"],
)
def test_first_pass_labels_agree_with_the_decoder(types: BlockTypes, direction: Direction | None) -> None:
    cases = all_of(types, direction)
    assert check(cases, types=types) == len(cases) > 300


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, -1, 2**70])
def test_combination_labels_agree_with_the_decoder(seed: int) -> None:
    size = len(plain())
    cases = fuzzing.iter_cases(seed)
    assert check(islice(cases, size, size + 1_500)) == 1_500


@pytest.mark.slow
def test_labels_follow_the_given_types_and_direction() -> None:
    cases = fuzzing.iter_cases(3, types=ALL_TYPES, direction=Direction.RESPONSE)
    size = len(all_of(ALL_TYPES, Direction.RESPONSE))
    found = list(islice(cases, size, size + 500))
    check(found, types=ALL_TYPES)
    assert any(Code.WRONG_DIRECTION in case.expected for case in found)
    kinds = {type(block) for case in found for block in case.header or ()}
    assert kinds >= {*AUDIT.values(), xmla_headers.Session}


@pytest.mark.slow
def test_seed_determines_only_the_combinations() -> None:
    size = len(plain())
    first, again, other = (list(islice(fuzzing.iter_cases(seed), size + 50)) for seed in (7, 7, 8))
    assert first == again
    assert first[:size] == other[:size] == all_of()
    assert not {case.data for case in first[size:]} & {case.data for case in other[size:]}


@pytest.mark.slow
def test_case_names_are_unique_and_valid_file_names() -> None:
    size = len(plain())
    cases = {*everything(), *islice(fuzzing.iter_cases(), size, size + 2_000)}
    names = [case.name for case in cases]
    # Some file systems ignore case.
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+", name), name


# -- coverage ------------------------------------------------------------------------------------------


def test_each_code_about_bytes_has_ways_to_break_it() -> None:
    assert set(WAYS) | NOT_ABOUT_BYTES == set(RULES)
    assert not set(WAYS) & NOT_ABOUT_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for code in RULES if code not in NOT_ABOUT_BYTES])
def test_each_code_is_broken_in_five_ways_at_several_places(code: Code) -> None:
    cases = [case for case in everything() if case.rule == code]
    assert all(code in case.expected for case in cases)
    alone = {case.name.split("/")[1] for case in cases if case.expected == {code}}
    assert len(alone) >= 5
    places = {case.name.split("/")[2] for case in cases if case.name.count("/") == 2}
    if code in WITHOUT_A_PLACE:
        assert places == set()
    else:
        assert len(places) >= 2
        assert places <= set(Place)
    if code.endswith(("-block", "-attribute", "-understand", "-content", "-id", "-headers")):
        assert places == set(Place)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*SESSION_BLOCKS.values(), *AUDIT.values()])
def test_new_header_element_has_cases_of_its_own(kind: type[HeaderBlock]) -> None:
    cases = all_of({**SESSION_BLOCKS, kind.spec.qname: kind}, Direction.RESPONSE)
    rules = {case.rule for case in cases if f"/{kind.spec.local_name}-" in case.name}
    wanted = {Code.DUPLICATE_HEADER_BLOCK, Code.UNEXPECTED_CONTENT, Code.INVALID_MUST_UNDERSTAND}
    wanted |= {Code.LOOKALIKE_HEADER_BLOCK, Code.UNEXPECTED_ATTRIBUTE, Code.UNQUALIFIED_MUST_UNDERSTAND}
    if any(attribute.required for attribute in kind.spec.attributes):
        wanted.add(Code.MISSING_ATTRIBUTE)
    if Direction.RESPONSE not in kind.spec.directions:
        wanted.add(Code.WRONG_DIRECTION)
    assert wanted <= rules
    valid = {case.name for case in cases if case.verdict is Verdict.ACCEPT}
    spellings = sum(name.endswith(f"/{kind.spec.local_name}") for name in valid)
    # A block without an id, or in the wrong direction, has fewer cases.
    assert spellings > (80 if Direction.RESPONSE in kind.spec.directions else 10)


@pytest.mark.slow
def test_unbounded_block_is_never_a_duplicate() -> None:
    (audit,) = (kind for kind in AUDIT.values() if kind.spec.local_name == "Audit")
    spec = audit.spec
    values = {name: getattr(spec, name) for name in spec.__match_args__}
    unbounded = type(
        "Audit", (audit,), {"spec": type(spec)(**{**values, "max_occurs": None}), "__slots__": ()}
    )
    types = {spec.qname: unbounded}
    assert check(all_of(types), types=types) > 300
    assert Code.DUPLICATE_HEADER_BLOCK not in {code for case in all_of(types) for code in case.expected}


@pytest.mark.slow
def test_declared_name_is_never_used_as_a_wrong_one() -> None:
    types = schema.types_from_schema(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:alike">'
        '<xs:element name="Item"><xs:complexType>'
        '<xs:attribute name="KeyName" type="xs:string" use="required"/>'
        '<xs:attribute name="keyname" type="xs:string"/><xs:attribute name="lang" type="xs:string"/>'
        '</xs:complexType></xs:element><xs:element name="item"><xs:complexType/></xs:element>'
        '<xs:element name="Items"><xs:complexType/></xs:element></xs:schema>'
    )
    cases = all_of(types)
    assert check(cases, types=types) == len(cases)
    assert {"missing-attribute/Item-KeyName-upper-case/first", "unexpected-attribute/Item-plain/first"} <= {
        case.name for case in cases
    }
    assert not [
        case for case in cases if "Item-KeyName-lower-case" in case.name or "Item-xml-like" in case.name
    ]


@pytest.mark.parametrize("behaviour", Behaviour)
def test_each_known_behaviour_has_a_trap(behaviour: Behaviour) -> None:
    assert any(trap.behaviour is behaviour for case in plain() for trap in case.traps)


def test_trap_for_two_blocks_names_the_first() -> None:
    orders = [
        case.data.index(found.encode()) < case.data.index(missed.encode())
        for case in plain()
        for trap in case.traps
        if trap.behaviour in (Behaviour.FIRST_DUPLICATE, Behaviour.FIRST_ALTERNATIVE)
        for (found, missed) in zip(trap.found, trap.missed, strict=False)
    ]
    assert len(orders) > 30
    assert all(orders)


@pytest.mark.slow
def test_trap_never_catches_a_correct_reader() -> None:
    for case in everything():
        if case.header is not None:
            ids = {identifier_of(block) for block in case.header if isinstance(block, HeaderBlock)}
            assert not [trap for trap in case.traps if trap.found <= ids and not trap.missed & ids], case.name


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("single quotes", lambda data: b"SessionId='" in data),
        ("no prefix for SOAP", lambda data: b"<Envelope xmlns=" in data),
        ("a prefix that is redeclared", lambda data: data.count(b"xmlns:x=") == 2),
        ("a decimal reference", lambda data: b"SessionId='&#" in data or b'SessionId="&#' in data),
        ("a comment", lambda data: b"<!--" in data),
        ("CDATA", lambda data: b"<![CDATA[" in data),
        ("UTF-16", lambda data: data[:2] in (b"\xff\xfe", b"\xfe\xff")),
        ("a byte order mark", lambda data: data.startswith(b"\xef\xbb\xbf")),
        ("an end tag of an empty element", lambda data: b"></Session>" in data),
        ("a self-closing Body", lambda data: b"<s:Body/>" in data),
        ("no Header", lambda data: b"Header" not in data),
        ("a large Body", lambda data: len(data) > 100_000),
        ("a deep Body", lambda data: b"<a>" * 254 in data),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_valid_messages_are_written_in_many_ways(what: str, shown: Callable[[bytes], bool]) -> None:
    found = [case for case in plain() if case.verdict is Verdict.ACCEPT and shown(case.data)]
    assert found, what


# -- verdicts ------------------------------------------------------------------------------------------


def test_verdict_follows_from_the_codes() -> None:
    for case in everything():
        errors = {code for code in case.expected if RULES[code].severity is Severity.ERROR}
        if not case.expected:
            other = case.rule == "encoding-utf-8-other-label"
            assert case.verdict is (Verdict.EITHER if other else Verdict.ACCEPT), case.name
        elif not errors or errors == {Code.LIMIT_EXCEEDED}:
            assert case.verdict is Verdict.EITHER, case.name
        else:
            ours = case.name.startswith(("encoding-error/label-", "not-well-formed/version-1.1"))
            foreign = case.name.rpartition("-")[2] in {"nothing", "transformation", "16"}
            wanted = Verdict.EITHER if ours and not foreign else Verdict.REJECT
            assert case.verdict is wanted, case.name


# -- how it is made ------------------------------------------------------------------------------------


def test_labels_never_come_from_the_decoder() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                room = "" if node.level else (node.module or "").removeprefix("xmla_headers.")
                assert not room.startswith(("_xml", "_codec", "codec", "stream", "elements")) or (
                    # It checks the arguments.
                    room == "_codec.options"
                ), path.name
                assert not {alias.name for alias in node.names} & {"decode", "iter_findings", "validate"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"seed": "1"}, TypeError),
        ({"seed": None}, TypeError),
        ({"seed": True}, TypeError),
        ({"types": [1]}, TypeError),
        ({"types": {"Session": xmla_headers.Session}}, ValueError),
        ({"direction": 1}, TypeError),
        ({"direction": "requests"}, ValueError),
    ],
)
def test_iter_cases_checks_arguments_at_once(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        fuzzing.iter_cases(**arguments)


def test_ways_of_a_code_have_different_names() -> None:
    notes = defaultdict(list)
    for code, breaker in WAYS.items():
        for way in breaker(Given(SESSION_BLOCKS, Direction.RESPONSE)):
            notes[code].append(way.name)
            assert way.note
            assert way.places
    for names in notes.values():
        assert len(set(names)) == len(names)


@pytest.mark.slow
def test_pairs_of_a_case_are_those_of_a_right_parser() -> None:
    def parse(data: bytes) -> list[tuple[str, str | None]]:
        blocks = [
            block for block in xmla_headers.decode(data, deep=True).header if isinstance(block, HeaderBlock)
        ]
        return [(block.spec.name, getattr(block, "session_id", None)) for block in blocks]

    seen = set()
    for case in islice(iter_cases(), 400):
        if case.pairs is None:
            with pytest.raises(xmla_headers.XmlaHeadersError):
                parse(case.data)
        else:
            assert list(case.pairs) == parse(case.data), case.name
            seen |= {(name, identifier is None) for name, identifier in case.pairs}
    assert seen == {("Session", False), ("EndSession", False), ("BeginSession", True)}
