"""Arguments as people write them: members or their values, a charset, and signatures that fit a screen."""

from __future__ import annotations

import io
import pickle
import pydoc
import textwrap
import typing
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.test_arguments import MESSAGE
from xmla_headers import (
    SESSION_BLOCKS,
    XMLA_NS,
    BeginSession,
    BlockSpec,
    Code,
    DecodeError,
    Direction,
    EndSession,
    Envelope,
    Fault,
    FaultShape,
    Header,
    HeaderReader,
    Limits,
    MustUnderstandForm,
    Session,
    SoapVersion,
    ValidationError,
    XmlaHeadersError,
    captures,
    decode,
    decode_header,
    elements,
    encode,
    encode_block,
    fuzzing,
    http,
    iter_findings,
    schema,
    validate,
    with_blocks,
    without_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = encode(Envelope(Header(BeginSession(must_understand=True))))


def _stream(data: bytes, **arguments: Any) -> Header:
    reader = HeaderReader(**arguments)
    reader.feed(data)
    return reader.close()


def _tree(data: bytes, **arguments: Any) -> object:
    from xml.etree import ElementTree as ET

    return elements.header_of(ET.fromstring(data), **arguments)


READING: dict[str, Callable[..., object]] = {
    "decode": decode,
    "decode_header": decode_header,
    "validate": validate,
    "with_blocks": with_blocks,
    "without_blocks": without_blocks,
    "HeaderReader": _stream,
    "header_of": _tree,
}


@pytest.mark.parametrize("call", READING.values(), ids=READING)
@pytest.mark.parametrize("direction", Direction)
def test_direction_may_be_its_value(call: Callable[..., object], direction: Direction) -> None:
    def outcome(given: object) -> object:
        try:
            return call(BEGIN, direction=given)
        except ValidationError as error:
            return error.code

    assert outcome(direction) == outcome(str(direction))
    assert (outcome(str(direction)) is Code.WRONG_DIRECTION) == (direction is Direction.RESPONSE)


@pytest.mark.slow
def test_direction_of_other_functions_may_be_its_value() -> None:
    assert [finding.code for finding in iter_findings(BEGIN, direction="response")] == [Code.WRONG_DIRECTION]
    message = captures.CapturedMessage("", BEGIN)
    (finding,) = captures.check_message(message, direction="response").findings
    assert finding.code is Code.WRONG_DIRECTION
    cases = [
        [case.name for case in islice(fuzzing.iter_cases(direction=direction), 50)]
        for direction in ("response", Direction.RESPONSE)
    ]
    assert cases[0] == cases[1]
    with pytest.raises(ValueError, match="'request' or 'response'"):
        captures.check_message(message, direction="x")  # type: ignore[arg-type]


def _set_blocks(form: Any) -> bytes:
    from xml.etree import ElementTree as ET

    tree = ET.fromstring(BEGIN)
    elements.set_blocks(tree, BeginSession(must_understand=True), must_understand_form=form)
    return bytes(ET.tostring(tree))


WRITING: dict[str, Callable[[Any], bytes]] = {
    "encode": lambda form: encode(decode(BEGIN), must_understand_form=form),
    "encode_block": lambda form: encode_block(BeginSession(must_understand=True), must_understand_form=form),
    "with_blocks": lambda form: with_blocks(
        BEGIN, BeginSession(must_understand=True), must_understand_form=form
    ),
    "value": lambda form: encode_block(BeginSession(must_understand=True, must_understand_form=form)),
    "set_blocks": _set_blocks,
}


@pytest.mark.parametrize("call", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("form", MustUnderstandForm)
def test_must_understand_form_may_be_its_value(
    call: Callable[[Any], bytes], form: MustUnderstandForm
) -> None:
    assert call(str(form)) == call(form)
    assert (b":mustUnderstand" in call(str(form))) == (form is not MustUnderstandForm.UNQUALIFIED)


@pytest.mark.parametrize("call", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize(
    ("form", "error", "says"),
    [
        ("Both", ValueError, "'qualified' or 'unqualified' or 'both', not 'Both'"),
        (1, TypeError, "must_understand_form must be MustUnderstandForm or str, not int"),
    ],
)
def test_unknown_must_understand_form_is_refused(
    call: Callable[[Any], bytes], form: object, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as raised:
        call(form)
    assert not isinstance(raised.value, XmlaHeadersError)


def test_attributes_are_members_whatever_was_given() -> None:
    block = Session("A", must_understand_form="unqualified")
    assert block.must_understand_form is MustUnderstandForm.UNQUALIFIED
    assert repr(block) == repr(Session("A", must_understand_form=MustUnderstandForm.UNQUALIFIED))
    assert Envelope(soap="1.2").soap is SoapVersion.SOAP_1_2
    assert Envelope(soap="1.2") == Envelope(soap=SoapVersion.SOAP_1_2) != Envelope(soap="1.1")
    for version in SoapVersion:
        assert Envelope(soap=version.version).soap is version  # type: ignore[arg-type]


@pytest.mark.parametrize("soap", ["1", "SOAP_1_1", SoapVersion.SOAP_1_1.namespace])
def test_unknown_soap_version_is_value_error(soap: Any) -> None:
    with pytest.raises(ValueError, match=r"soap must be '1\.1' or '1\.2', not "):
        Envelope(soap=soap)


def test_shape_of_a_fault_may_be_its_value() -> None:
    fault = Fault("Client", "no")
    for shape in FaultShape:
        assert fault.to_body(shape.value) == fault.to_body(shape)
    with pytest.raises(ValueError, match=r"'ssas' or 'soap-1\.1'"):
        fault.to_body("mondrian")  # type: ignore[arg-type]


# -- encoding= ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["", " ", "text/xml; charset=utf-8", '"utf-8"', "'utf-8'", "charset=utf-8", "utf-8;", "utf-8, utf-8"],
)
@pytest.mark.parametrize("call", READING.values(), ids=READING)
def test_encoding_that_is_no_charset_says_what_is_wanted(call: Callable[..., object], encoding: str) -> None:
    if call is _tree:
        return
    with pytest.raises(DecodeError) as error:
        call(MESSAGE, encoding=encoding)
    finding = error.value.finding
    assert (finding.code, finding.offset) == (Code.ENCODING_ERROR, 0)
    assert finding.hint is not None
    assert "http.charset_of" in finding.hint
    charset = http.charset_of(encoding)
    if charset is not None:
        call(MESSAGE, encoding=charset)


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-32", "x-user-defined", "ISO_8859-15:1998"])
def test_encoding_that_is_unknown_says_which_are_read(encoding: str) -> None:
    (finding,) = iter_findings(MESSAGE, encoding=encoding)
    assert finding.hint == "UTF-8, UTF-16, US-ASCII and ISO-8859-1 are read"


# -- signatures --------------------------------------------------------------------------------------------


def help_of(value: object) -> list[str]:
    """Return the lines of `help(value)` on a terminal of 80 columns."""
    output = io.StringIO()
    pydoc.Helper(output=output).help(value)
    return [part for line in output.getvalue().splitlines() for part in textwrap.wrap(line, 80) or [""]]


@pytest.mark.parametrize("name", ["decode", "decode_header", "iter_findings", "encode", "encode_block"])
def test_help_of_a_function_fits_a_screen(name: str) -> None:
    lines = help_of(getattr(xmla_headers, name))
    assert len(lines) <= 60
    assert "MappingProxyType" not in "".join(lines)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Limits(), "Limits()"),
        (Limits(max_depth=3), "Limits(max_depth=3)"),
        (
            Limits(1, None, max_token_bytes=2),
            "Limits(max_message_bytes=1, max_header_bytes=None, max_token_bytes=2)",
        ),
        (SESSION_BLOCKS, "<BeginSession, Session, EndSession>"),
    ],
)
def test_repr_of_a_default_is_short(value: object, shown: str) -> None:
    assert repr(value) == shown


def test_session_blocks_are_a_read_only_mapping() -> None:
    qname = f"{{{XMLA_NS}}}Session"
    assert SESSION_BLOCKS[qname] is SESSION_BLOCKS.get(qname) is Session
    assert SESSION_BLOCKS.get("x") is None
    assert qname in SESSION_BLOCKS
    assert "x" not in SESSION_BLOCKS
    with pytest.raises(KeyError):
        SESSION_BLOCKS["x"]
    with pytest.raises(TypeError):
        SESSION_BLOCKS["x"] = Session  # type: ignore[index]
    as_dict = dict(SESSION_BLOCKS)
    assert list(as_dict.values()) == [BeginSession, Session, EndSession]
    assert as_dict == SESSION_BLOCKS
    assert SESSION_BLOCKS | {"x": Session} == {**as_dict, "x": Session} == {"x": Session} | SESSION_BLOCKS
    assert pickle.loads(pickle.dumps(SESSION_BLOCKS)) == SESSION_BLOCKS


def test_many_block_classes_are_counted_in_their_repr() -> None:
    text = schema.read_schema("xmla-session-headers.xsd")
    types = schema.types_from_schema(text)
    assert repr(types) == repr(SESSION_BLOCKS)
    kind = type(SESSION_BLOCKS)
    assert repr(kind({str(number): Session for number in range(5)})) == "<5 header blocks>"


def test_block_spec_has_the_name_of_attribute_spec() -> None:
    assert (
        BlockSpec("urn:a", "Ticket").name == Session.spec.local_name.replace("Session", "Ticket") == "Ticket"
    )


def test_hints_of_arguments_list_their_values() -> None:
    hints = typing.get_type_hints(decode)
    assert set(typing.get_args(hints["direction"])) == {
        Direction,
        typing.Literal["request", "response"],
        type(None),
    }
