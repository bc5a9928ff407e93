"""Tracebacks that show local variables, for any exception and for values that are only partly made."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

import xmla_headers
from xmla_headers import (
    SOAP_11_NS,
    XMLA_NS,
    BeginSession,
    Code,
    Conversation,
    ConversationError,
    EndSession,
    Envelope,
    Fault,
    FaultEntry,
    Finding,
    Fragment,
    HeadCache,
    Header,
    HeaderReader,
    Limits,
    Session,
    Severity,
    UnknownHeaderBlock,
    XmlaHeadersError,
    elements,
    schema,
)
from xmla_headers.findings import Rule
from xmla_headers.model import AttributeSpec, BlockSpec, mask

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(xmla_headers.__file__).resolve().parent

SECRET = "q7Zp-3fK9x-Vw2Lm8Rt"
MESSAGE = (
    f'<s:Envelope xmlns:s="{SOAP_11_NS}"><s:Header><Session xmlns="{XMLA_NS}" SessionId="a"/></s:Header>'
    "<s:Body/></s:Envelope>"
).encode()
SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"/>'

#: Classes with a repr of their own or of a dataclass.
CLASSES = sorted(
    {
        value
        for name in xmla_headers.__all__
        if isinstance(value := getattr(xmla_headers, name), type)
        and not issubclass(value, (BaseException, str))
        and not hasattr(value, "__members__")
    }
    | {AttributeSpec, BlockSpec, Rule},
    key=lambda kind: kind.__name__,
)

#: Functions -> right arguments by name; `*` is for positional ones.
CALLS: dict[Callable[..., object], dict[str, Any]] = {
    Header: {"*": [Session("a")]},
    Fragment: {"xml": b"<a/>", "namespaces": {}},
    UnknownHeaderBlock: {"xml": b"<a/>"},
    Envelope: {},
    Fault: {"code": "Client", "string": "a"},
    FaultEntry: {"code": 1},
    Finding: {
        "code": Code.NOT_XML,
        "severity": Severity.ERROR,
        "message": "a",
        "path": None,
        "line": None,
        "column": None,
        "offset": None,
        "hint": None,
        "reference": "a",
    },
    Session: {"session_id": "a"},
    BeginSession: {},
    EndSession: {"session_id": "a"},
    Conversation: {},
    HeaderReader: {},
    HeadCache: {},
    Limits: {},
    AttributeSpec: {"name": "a", "field": "a"},
    BlockSpec: {"namespace": "urn:a", "local_name": "a"},
    xmla_headers.decode: {"data": MESSAGE},
    xmla_headers.decode_header: {"data": MESSAGE},
    xmla_headers.iter_findings: {"data": MESSAGE},
    xmla_headers.validate: {"data": MESSAGE},
    xmla_headers.encode: {"envelope": Envelope()},
    xmla_headers.encode_block: {"block": Session("a")},
    xmla_headers.with_blocks: {"data": MESSAGE, "*": [Session("b")]},
    xmla_headers.without_blocks: {"data": MESSAGE, "*": [Session]},
    xmla_headers.session_not_found: {"session_id": "a"},
    xmla_headers.fault_for: {"refused": [Session("a")]},
    HeaderReader().feed: {"chunk": MESSAGE},
    Conversation().request: {"header": Header()},
    Conversation().response: {"header": Header()},
    Conversation().unanswered: {},
    Header().get: {"block_type": Session},
    Header().not_understood: {},
    Fault("a", "b").to_body: {},
    elements.header_of: {"element": ET.fromstring(MESSAGE)},
    elements.fault_of: {"envelope": ET.fromstring(MESSAGE)},
    elements.set_blocks: {"envelope": ET.fromstring(MESSAGE), "*": [Session("b")]},
    schema.SchemaValidator: {"schemas": {"a.xsd": SCHEMA}},
    schema.specs_from_schema: {"schema": SCHEMA},
    schema.types_from_schema: {"schema": SCHEMA},
    schema.generate: {"schema": SCHEMA},
}

#: Values of all kinds, which are wrong for most arguments.
WRONG: list[Any] = [
    *(None, 0, -1, 10**30, 1.5, True, "", "a", "a:b", " a", "\0", "\ud800", "{", "x" * 10_000),
    *(b"", b"a", b"<a>", b"<a/><b/>", b"<a:b/>", bytearray(b"<a/>")),
    *(MESSAGE[:-9], MESSAGE.replace(b"a", b"\0"), MESSAGE.replace(b"urn", b"x"), MESSAGE.decode()),
    *((), (1,), [], [None], ["a"], [Session("a")], {}, {"a": 1}, {1: "a"}, {"a": "\0"}, {"a b": "c"}),
    *(object(), object, Session, Session("a"), Header(Session("a")), Fragment(b"<a/>"), Envelope(), len),
    *(Code.NOT_XML, Limits(1, 1, 1, 1, 1, 1, 1), ET.Element("a"), ET.Element("\0")),
    *((("a", "b"),), (("{a}b", "\0"),), (("{a}b", "c"), ("{a}b", "c")), ("ab",)),
    *(f"<a b='{SCHEMA}'/>", SCHEMA[:-2], SCHEMA.replace("/>", "><a/></xs:schema>"), SCHEMA * 2),
    *({"a.xsd": "<a"}, {"a.xsd": SCHEMA * 2}, {"a.xsd": SCHEMA.replace("/>", "><a/></xs:schema>")}),
]


def in_variables(error: BaseException | None) -> str:
    """Return the text of all local variables in our own frames, also for hidden causes of an error."""
    texts: list[str] = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
                texts += map(repr, frame.f_locals.values())
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def shown(error: BaseException) -> str:
    """Return the traceback with the local variables of each frame."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_repr_of_an_uninitialized_value_works(kind: type) -> None:
    assert repr(object.__new__(kind)).startswith(kind.__name__)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS, ids=lambda call: getattr(call, "__qualname__", str(call)))
def test_traceback_of_wrong_arguments_shows_variables(call: Callable[..., object]) -> None:
    right = dict(CALLS[call])
    given = right.pop("*", [])
    raised = 0
    for name in [*inspect.signature(call).parameters, "*"]:
        for wrong in WRONG:
            arguments, named = (given, {**right, name: wrong}) if name != "*" else ([*given, wrong], right)
            try:
                list(call(*arguments, **named) or ())  # type: ignore[call-overload]
            except Exception as error:  # noqa: BLE001 - any exception must be printable
                raised += 1
                assert shown(error)
    assert raised


def test_repr_of_a_partly_made_value_shows_no_id() -> None:
    for wrong in ([SECRET], (SECRET,), {SECRET: 1}, SECRET.encode(), SECRET + "\0"):
        with pytest.raises((TypeError, XmlaHeadersError)) as caught:
            Session(wrong)  # type: ignore[arg-type]
        selves = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        assert len([each for each in selves if isinstance(each, Session)]) >= 1
        assert not [each for each in selves if SECRET[4:10] in repr(each)]


def test_mask_of_another_type_raises_type_error() -> None:
    with pytest.raises(TypeError, match="a session id must be str, not list"):
        mask([SECRET])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Client", "'Client'"),
        ("MustUnderstand", "'MustUnderstand'"),
        ("Server.00HSBB01", "'Server.00HSBB01'"),
        ("XMLAnalysisError.0xc10c000a", "'XMLAnalysisError.0xc10c000a'"),
        ("0123456789", "'0123456789'"),
        (SECRET, f"'{SECRET[:4]}'… ({len(SECRET)} characters)"),
        (f"Client.{SECRET}", "'Clie'… (26 characters)"),
        (f"{SECRET}.Client", "'q7Zp'… (26 characters)"),
        ("Client.a.b.c.d.e.f", "'Clie'… (18 characters)"),
    ],
)
def test_repr_of_a_fault_masks_a_long_code(code: str, expected: str) -> None:
    assert repr(Fault(code, "a")) == f"Fault({expected}, <1 characters>)"
    assert repr(FaultEntry(code)) == f"FaultEntry({expected}, <0 characters>)"


# -- ids in local variables --------------------------------------------------------------------------


def _to(*steps: Callable[[Conversation], object]) -> Callable[[], None]:
    def run() -> None:
        conversation = Conversation(strict=True)
        for step in steps:
            step(conversation)

    return run


ID, OTHER = Header(Session(SECRET)), Header(Session(f"{SECRET}-2"))
BEGIN = Header(BeginSession())


@pytest.mark.parametrize(
    "run",
    [
        _to(lambda c: c.request(ID)),
        _to(lambda c: c.response(ID)),
        _to(lambda c: c.request(BEGIN), lambda c: c.response(ID), lambda c: c.request(OTHER)),
        _to(
            *(lambda c: c.request(BEGIN), lambda c: c.response(ID)),
            *(lambda c: c.request(ID), lambda c: c.response(OTHER)),
        ),
        _to(
            *(lambda c: c.request(BEGIN), lambda c: c.response(ID), lambda c: c.request(Header())),
            lambda c: c.response(Header(EndSession(SECRET))),
        ),
    ],
)
def test_conversation_refusal_leaves_no_id_in_variables(run: Callable[[], None]) -> None:
    with pytest.raises(ConversationError) as caught:
        run()
    assert SECRET[4:10] not in in_variables(caught.value)


@pytest.mark.parametrize("behind", ["<a/>", "text"])
def test_header_of_refusal_leaves_no_id_in_variables(behind: str) -> None:
    text = MESSAGE.decode().replace('"a"', f'"{SECRET}"').replace("</s:Header>", f"</s:Header>{behind}")
    with pytest.raises(XmlaHeadersError) as caught:
        elements.header_of(ET.fromstring(text))
    assert SECRET[4:10] not in in_variables(caught.value)
