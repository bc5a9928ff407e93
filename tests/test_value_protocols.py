"""Every public value is a dataclass that `replace`, `fields`, `asdict`, JSON and pydantic take."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
import sys
import typing
from itertools import islice
from typing import Any

import pydantic
import pytest

import xmla_headers
from tests.test_half_made import CALLS
from xmla_headers import (
    RULES,
    XMLA_NS,
    BeginSession,
    ChildSpec,
    Code,
    EncodeError,
    EndSession,
    Envelope,
    Fault,
    FaultEntry,
    Fragment,
    Header,
    Limits,
    Session,
    SimpleType,
    UnknownHeaderBlock,
    captures,
    decode,
    encode,
    fuzzing,
)

BLOCK = UnknownHeaderBlock(b'<v:a xmlns:v="urn:v"/>')
HEADER = Header(Session("8f1c2b3a", must_understand=True, must_understand_form="both"), BLOCK)
BODY = Fragment(b"<p:a>\xc3\xa9</p:a>", {"p": "urn:p"})
FAULT = Fault("Client", "no", entries=(FaultEntry(1, "no", content=BODY),), detail=BODY)
# Cut from a message, which no copy may hold.
CUT = decode(encode(Envelope(HEADER, BODY, "1.2")))
CASE = next(fuzzing.iter_cases())

#: A value of each kind, and a change of it.
VALUES: list[tuple[Any, dict[str, object]]] = [
    (BeginSession(), {"actor": "urn:a"}),
    (HEADER[0], {"session_id": "0d4e"}),
    (EndSession("8f1c2b3a", other_attributes=(("{urn:o}a", "b"),)), {"must_understand": True}),
    (BLOCK, {"xml": b"<b/>"}),
    (HEADER, {"blocks": (BLOCK,)}),
    (BODY, {"xml": b"<b/>"}),
    (CUT.body, {"namespaces": {}, "xml": b"text"}),
    (CUT, {"header": Header()}),
    (CUT.warnings[0], {"line": 7}),
    (FAULT, {"string": "yes"}),
    (FAULT.entries[0], {"code": 2}),
    (Limits(), {"max_depth": 3}),
    (Session.spec, {"max_occurs": None}),
    (Session.spec.attributes[0], {"required": False}),
    (SimpleType("int", maximum=9), {"maximum": 8}),
    (SimpleType(patterns=("a+",)), {"patterns": ()}),
    (ChildSpec("a", "a"), {"min_occurs": 0}),
    (RULES[Code.NOT_XML], {"meaning": "another"}),
    (captures.CapturedMessage("a", b"<a/>"), {"name": "b"}),
    (captures.check_message(captures.CapturedMessage("a", encode(CUT))), {"size": 0}),
    (captures.CaptureLimits(), {"max_entries": 3}),
    (captures.Transport("olap.example/xmla"), {"page": ""}),
    (captures.Change("a", captures.ChangeKind.SESSION_ID, "session-1", 2), {"count": 3}),
    (captures.Redacted(b"", ()), {"data": b"a"}),
    (CASE, {"note": "another"}),
    (fuzzing.Trap(fuzzing.Behaviour.DTD, frozenset("a")), {"missed": frozenset("b")}),
    (fuzzing.Disagreement(fuzzing.DisagreementKind.HANG, "a", (CASE,)), {"rule": "b"}),
]
IDS = [f"{type(value).__name__}-{number}" for number, (value, _) in enumerate(VALUES)]


@pytest.mark.parametrize(("value", "change"), VALUES, ids=IDS)
def test_value_can_be_replaced(value: Any, change: dict[str, Any]) -> None:
    names = [field.name for field in dataclasses.fields(value) if field.init]
    assert dataclasses.replace(value) == value
    changed = dataclasses.replace(value, **change)
    assert type(changed) is type(value)
    assert changed != value
    for name in names:
        assert getattr(changed, name) == change.get(name, getattr(value, name))
    if sys.version_info >= (3, 13):
        assert copy.replace(value, **change) == changed


@pytest.mark.parametrize(("value", "change"), VALUES, ids=IDS)
def test_value_has_fields_and_a_dict_of_them(value: Any, change: dict[str, Any]) -> None:
    fields = {field.name: field for field in dataclasses.fields(value)}
    assert change.keys() <= fields.keys()
    assert not [name for name in fields if name.startswith("_")]
    hints = typing.get_type_hints(type(value))
    assert fields.keys() <= hints.keys()
    assert not [name for name in fields if hints[name] is Any]
    as_dict = dataclasses.asdict(value)
    assert as_dict.keys() == fields.keys()
    assert pickle.loads(pickle.dumps(as_dict)) == as_dict
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        setattr(value, next(iter(fields)), None)


def test_dict_of_an_envelope_has_the_dicts_of_its_parts() -> None:
    as_dict = dataclasses.asdict(CUT)
    assert as_dict["body"] == {"xml": BODY.xml, "namespaces": CUT.body.namespaces}
    session, block = as_dict["header"]["blocks"]
    assert session["session_id"] == "8f1c2b3a"
    assert block == {"xml": BLOCK.xml, "qname": "{urn:v}a", "must_understand": False, "actor": None}


def test_every_public_value_is_among_these() -> None:
    made = {type(value) for value, _ in VALUES}
    missing = []
    for module in (xmla_headers, captures, fuzzing):
        for name in module.__all__:
            kind = getattr(module, name)
            if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and kind not in made:
                missing.append(name)
    assert missing == ["HeaderBlock"]
    # Those that are no dataclass are no values: they change, or are classes of names or exceptions.
    rest = {kind for kind in CALLS if inspect.isclass(kind) and not dataclasses.is_dataclass(kind)}
    assert {kind.__name__ for kind in rest} <= {
        "Conversation",
        "HeadCache",
        "HeaderReader",
        "SchemaValidator",
    }


@pytest.mark.parametrize(
    ("value", "change"),
    [(BLOCK, {"xml": b"<a"}), (BODY, {"xml": b"<a"}), (HEADER, {"blocks": (Session("a"), Session("b"))})],
    ids=["block", "fragment", "header"],
)
def test_replaced_value_is_checked(value: Any, change: dict[str, Any]) -> None:
    with pytest.raises(EncodeError):
        dataclasses.replace(value, **change)


def test_header_takes_its_blocks_by_name() -> None:
    assert Header(*HEADER) == Header(blocks=HEADER) == Header(HEADER[0], blocks=[BLOCK]) == HEADER
    with pytest.raises(TypeError, match="a Header holds header blocks, not str"):
        Header(blocks="ab")  # type: ignore[arg-type]


def test_derived_fields_of_an_unknown_block_cannot_be_given() -> None:
    # CPython 3.13 raises the second.
    with pytest.raises((ValueError, TypeError), match="qname"):
        dataclasses.replace(BLOCK, qname="a")


# -- JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            HEADER[0],
            {
                "qname": f"{{{XMLA_NS}}}Session",
                "must_understand": True,
                "must_understand_form": "both",
                "actor": None,
                "other_attributes": {},
                "session_id": "8f1c2b3a",
            },
        ),
        (
            BeginSession(actor="urn:a", other_attributes=(("{urn:o}a", "b"),)),
            {
                "qname": f"{{{XMLA_NS}}}BeginSession",
                "must_understand": False,
                "must_understand_form": None,
                "actor": "urn:a",
                "other_attributes": {"{urn:o}a": "b"},
            },
        ),
        (
            BLOCK,
            {
                "xml": '<v:a xmlns:v="urn:v"/>',
                "qname": "{urn:v}a",
                "must_understand": False,
                "actor": None,
            },
        ),
        (BODY, {"xml": "<p:a>é</p:a>", "namespaces": {"p": "urn:p"}}),
        (Header(BLOCK), {"blocks": [BLOCK.to_dict()]}),
        (
            FAULT.entries[0],
            {
                "code": 1,
                "description": "no",
                "source": "",
                "help_file": "",
                "content": BODY.to_dict(),
                "kind": "error",
            },
        ),
        (
            FAULT,
            {
                "code": "Client",
                "string": "no",
                "actor": None,
                "entries": [FAULT.entries[0].to_dict()],
                "detail": BODY.to_dict(),
                "subcodes": [],
                "reasons": [],
                "node": None,
            },
        ),
        (
            CUT,
            {
                "soap": "1.2",
                "header": HEADER.to_dict(),
                "body": CUT.body.to_dict(),
                "warnings": [finding.to_dict() for finding in CUT.warnings],
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_to_dict_is_what_json_writes(value: Any, expected: dict[str, object]) -> None:
    assert value.to_dict() == expected
    assert json.loads(json.dumps(value.to_dict())) == expected


def test_to_dict_of_every_accepted_message_is_written() -> None:
    count = 0
    for case in islice(fuzzing.iter_cases(), 300):
        if case.header is not None:
            envelope = decode(case.data, deep=True)
            json.dumps(envelope.to_dict(), allow_nan=False).encode()
            count += 1
    assert count > 100


# -- pydantic ----------------------------------------------------------------------------------------------


class Model(pydantic.BaseModel):
    """A model with values of ours; it does not need `arbitrary_types_allowed`."""

    header: Header
    fragment: Fragment
    block: UnknownHeaderBlock
    fault: Fault
    session: Session
    envelope: Envelope


GIVEN: dict[str, Any] = {
    "header": HEADER,
    "fragment": BODY,
    "block": BLOCK,
    "fault": FAULT,
    "session": Session("8f1c2b3a"),
    "envelope": CUT,
}


def test_pydantic_model_takes_values_as_they_are() -> None:
    model = Model(**GIVEN)
    for name, value in GIVEN.items():
        assert getattr(model, name) is value
    written = json.loads(model.model_dump_json())
    for name in ("header", "fragment", "block", "fault"):
        assert written[name] == GIVEN[name].to_dict()
    for name in ("Header", "Fragment", "UnknownHeaderBlock", "Fault"):
        kind = getattr(xmla_headers, name)
        assert pydantic.TypeAdapter(kind).json_schema() == {"type": "object", "title": name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header", {"blocks": ()}),
        ("header", {"blocks": [1]}),
        ("fragment", {"xml": b"<a"}),
        ("block", {"xml": b"<a"}),
        ("fault", {"code": ":", "string": ""}),
        ("session", {"session_id": "\0"}),
        ("envelope", {"header": {"blocks": [1]}}),
    ],
)
def test_pydantic_makes_no_value_without_its_checks(name: str, value: object) -> None:
    with pytest.raises(pydantic.ValidationError):
        Model(**{**GIVEN, name: value})
