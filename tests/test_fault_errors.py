"""Faults as exceptions, Errors inside a success answer, and texts of servers without session ids."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmla_headers import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    Code,
    EncodeError,
    EntryKind,
    Envelope,
    Fault,
    FaultCode,
    FaultEntry,
    FaultError,
    FaultShape,
    Fragment,
    XmlaHeadersError,
    decode,
    fault_for,
    session_not_found,
)
from xmla_headers.fault._masking import mask_in

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "q7Zp-3fK9x-Vw2Lm8Rt"
GUID = "7B0E2C44-91D3-4A6F-8E55-0C1D2E3F4A5B"
EXCEPTION = f'xmlns="{XMLA_NS}:exception"'


def message(body: str, soap: str = SOAP_11_NS) -> bytes:
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


# -- raise_for_fault ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["", "<a/>", "text", "<a/><s:Fault/>", "<Fault/>"])
def test_raise_for_fault_without_a_fault_returns_the_message(body: str) -> None:
    envelope = decode(message(body))
    assert envelope.raise_for_fault() is envelope


@pytest.mark.parametrize("shape", [FaultShape.SSAS, FaultShape.SOAP_1_1])
def test_raise_for_fault_raises_the_fault(shape: FaultShape) -> None:
    fault = session_not_found(SECRET)
    with pytest.raises(FaultError) as caught:
        Envelope(body=fault.to_body(shape)).raise_for_fault()
    error = caught.value
    assert isinstance(error, XmlaHeadersError)
    assert (error.fault, error.code) == (fault, Code.SOAP_FAULT)
    assert (error.finding.line, error.finding.offset) == (None, None)
    assert error.finding.hint == "the session is lost: begin a new one"
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "XMLAnalysisError.0xc10c000a" in shown
    assert "'q7Zp'… (19 characters)" in shown
    assert SECRET not in shown + repr(error) + str(error.finding)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("Client", "no such cube"), "the answer is a fault, 'Client': no such cube"),
        (Fault("", ""), "the answer is a fault, without a code"),
        (Fault("Server", " ", entries=[FaultEntry(1, "late")]), "the answer is a fault, 'Server': late"),
        (Fault("Server", "a\n b"), "the answer is a fault, 'Server': a b"),
    ],
)
def test_fault_error_says_code_and_words(fault: Fault, text: str) -> None:
    error = FaultError(fault)
    assert error.finding.message == text
    assert str(error) == f"error[soap-fault]: {text}"
    assert error.finding.hint is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault>", "Sender"),
        ("<s:Fault/>", ""),
    ],
)
def test_raise_for_fault_raises_the_code_of_soap_1_2(body: str, code: str) -> None:
    with pytest.raises(FaultError) as caught:
        decode(message(body, SOAP_12_NS)).raise_for_fault()
    assert caught.value.fault == Fault(code, "")


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(6))],
)
def test_fault_error_pickles_and_copies(again: Callable[[FaultError], FaultError]) -> None:
    error = FaultError(session_not_found(SECRET))
    error.add_note("seen by the client")
    twin = again(error)
    assert type(twin) is FaultError
    assert (twin.fault, twin.finding, str(twin)) == (error.fault, error.finding, str(error))
    assert twin.__notes__ == error.__notes__


def test_fault_error_takes_a_fault_only() -> None:
    with pytest.raises(TypeError, match="fault must be Fault"):
        FaultError("Client")  # type: ignore[arg-type]


def test_fault_for_a_fault_error_blames_the_server() -> None:
    assert fault_for(FaultError(Fault("Client", "no"))).code == FaultCode.SERVER


# -- masked texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("no such cube", "no such cube"),
        ("The cube 'Sales' has no 2026 data", "The cube 'Sales' has no 2026 data"),
        ("code 3238789130, 0xc10c000a, 00HSBB01", "code 3238789130, 0xc10c000a, 00HSBB01"),
        (
            "The session ID cannot be found. Either it does not exist or it has expired.",
            "The session ID cannot be found. Either it does not exist or it has expired.",
        ),
        ("Session 'ab' is gone", "Session … (2 characters) is gone"),
        ("Session 'a'bcdef' is gone", 'Session "a\'bc"… (7 characters) is gone'),
        ('Session "a b c d" is gone', "Session 'a b '… (7 characters) is gone"),
        ("Invalid Session id (abcdef)", "Invalid Session id 'abcd'… (6 characters)"),
        ("session=abcdef9 x", "session='abcd'… (7 characters) x"),
        ("Session ABCDEFGH was lost", "Session 'ABCD'… (8 characters) was lost"),
        ("Session ID: ABCDEFGH", "Session ID: 'ABCD'… (8 characters)"),
        (f"Session ID: {{{GUID}}} expired", "Session ID: '7B0E'… (36 characters) expired"),
        ("Session 'not ended", "Session 'not '… (9 characters)"),
        (f"connection {GUID} unknown", "connection '7B0E'… (36 characters) unknown"),
        ("token abcdef0", "token 'abcd'… (7 characters)"),
        ("the session of user QRSTUVWX", "the session of user 'QRST'… (8 characters)"),
    ],
)
def test_text_is_shown_without_ids(text: str, shown: str) -> None:
    assert mask_in(text) == shown


def test_long_text_is_cut() -> None:
    assert len(mask_in("word " * 1_000_000)) < 1_000


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8).filter(
        lambda text: any(map(str.isdigit, text))
    ),
    st.sampled_from(
        [
            "Session '{}' cannot be found",
            'session "{}"',
            "Session id ({})",
            "The session {{{}}}",
            "session '{}' of '{}'",
        ]
    ),
)
def test_id_in_quotes_never_shows(session_id: str, template: str) -> None:
    assert session_id not in mask_in(template.format(session_id, session_id))


# -- Errors inside a success answer ------------------------------------------------------------------------

ERROR = '<Error ErrorCode="3239837705" Description="cancelled" Source="SSAS" HelpFile="h"/>'
ENTRY = FaultEntry(3239837705, "cancelled", "SSAS", "h")


def answer(inside: str) -> str:
    return f'<E xmlns="{XMLA_NS}"><return><root xmlns="{XMLA_NS}:mddataset">{inside}</root></return></E>'


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ("", ()),
        ("<a/>", ()),
        (answer(f"<Exception {EXCEPTION}/><Messages {EXCEPTION}>{ERROR}</Messages>"), (ENTRY,)),
        (answer(f"<Messages {EXCEPTION}>{ERROR}</Messages>"), (ENTRY,)),
        (answer(f"<Messages {EXCEPTION}>{ERROR}{ERROR}</Messages>" * 2), (ENTRY,) * 4),
        (
            answer(
                f'<x:Messages xmlns:x="{XMLA_NS}:exception"><x:Error ErrorCode="a" Description="&lt;"/>'
                "</x:Messages>"
            ),
            (FaultEntry("a", "<"),),
        ),
        (answer(f"<Messages {EXCEPTION}><Warning WarningCode='1'/>{ERROR}</Messages>"), (ENTRY,)),
        (answer(f"<Messages {EXCEPTION}><Warning>{ERROR}</Warning></Messages>"), ()),
        (answer(f"<Messages>{ERROR}</Messages>"), ()),
        (answer(f"<Exception {EXCEPTION}>{ERROR}</Exception><Messages {EXCEPTION}/>"), ()),
        (answer(f"<!--<Messages {EXCEPTION}>{ERROR}</Messages>-->"), ()),
        (answer(f"<![CDATA[<Messages {EXCEPTION}>{ERROR}</Messages>]]>"), ()),
        (f"<s:Fault><detail><Messages {EXCEPTION}>{ERROR}</Messages></detail></s:Fault>", ()),
        (f"<a/><Messages {EXCEPTION}>{ERROR}</Messages>", (ENTRY,)),
        (answer(f"<Messages {EXCEPTION}><Error/></Messages>"), (FaultEntry(""),)),
        # Namespaces in XML are not checked in a Body, nor is it read to its end by decode.
        (answer(f"<p:x q:y=''/><Messages {EXCEPTION}>{ERROR}</Messages>"), (ENTRY,)),
    ],
)
def test_errors_are_those_of_messages(body: str, errors: tuple[FaultEntry, ...]) -> None:
    envelope = decode(message(body))
    assert envelope.errors == errors
    assert envelope.fault is None or not errors
    if errors:
        assert envelope.raise_for_fault() is envelope


def test_messages_have_their_kind_and_order() -> None:
    warning = '<Warning WarningCode="1092550658" Description="slow" Source="SSAS" HelpFile=""/>'
    inside = f"<Messages {EXCEPTION}>{warning}{ERROR}<Note/>{warning}<Error WarningCode='7'/></Messages>"
    envelope = decode(message(answer(inside)))
    slow = FaultEntry(1092550658, "slow", "SSAS", kind=EntryKind.WARNING)
    assert envelope.messages == (slow, ENTRY, slow, FaultEntry(""))
    assert envelope.errors == (ENTRY, FaultEntry(""))
    assert (
        slow
        != FaultEntry(1092550658, "slow", "SSAS")
        == FaultEntry(1092550658, "slow", "SSAS", kind=EntryKind.ERROR)
    )


def test_warning_in_a_fault_is_refused() -> None:
    with pytest.raises(EncodeError, match="Errors, not Warnings"):
        Fault("Client", "no", entries=[FaultEntry(1, kind=EntryKind.WARNING)])
    with pytest.raises(ValueError, match="kind must be"):
        FaultEntry(1, kind="note")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "lost"),
    [
        (FaultEntry(3238789130, "The session ID cannot be found. It has expired."), True),
        (FaultEntry("0xC10C000A"), True),
        (FaultEntry("00HSHB01"), True),
        (FaultEntry("00HSHU01", "it does not exist"), True),
        (FaultEntry(3238789130, "it already exists"), False),
        (FaultEntry(3238789130, "the session has expired", kind=EntryKind.WARNING), False),
        (FaultEntry(3238789131, "The session ID cannot be found. It has expired."), False),
        (FaultEntry("", "The session ID cannot be found. It has expired."), False),
    ],
)
def test_session_lost_of_an_entry_is_its_number(entry: FaultEntry, lost: bool) -> None:  # noqa: FBT001
    assert entry.session_lost is lost


def test_error_inside_an_answer_keeps_its_content() -> None:
    inner = '<Location xsi:type="l:T"><a:b xmlns:a="urn:a"/></Location>'
    error = f'<Error ErrorCode="1" xmlns:l="urn:l">{inner}</Error>'
    declared = 'xmlns:xsi="urn:xsi" xmlns:unused="urn:u"'
    body = answer(f"<Messages {EXCEPTION} {declared}>{error}</Messages>")
    (entry,) = decode(message(body)).errors
    assert entry.content.xml == inner.encode()
    assert entry.content.namespaces == {"": f"{XMLA_NS}:exception", "xsi": "urn:xsi", "l": "urn:l"}
    assert len(entry.content.elements()) == 1


def test_errors_of_many_declarations_cost_no_square() -> None:
    # Copies of the prefixes for each Error would be 4,000,000 strings.
    declared = "".join(f" xmlns:p{number}='u'" for number in range(2_000))
    body = answer(f"<Messages {EXCEPTION}{declared}>{'<Error>x</Error>' * 2_000}</Messages>")
    errors = decode(message(body)).errors
    assert len(errors) == 2_000
    assert len(errors[0].content.namespaces) == 1


@given(st.binary() | st.text("<>/!-:ab&;='\"x ").map(str.encode), st.sampled_from([SOAP_11_NS, SOAP_12_NS]))
def test_errors_of_any_accepted_body_never_raise(noise: bytes, soap: str) -> None:
    data = message("<Messages>@</Messages>", soap).replace(b"@", noise)
    try:
        envelope = decode(data)
    except XmlaHeadersError:
        return
    assert envelope.errors == ()


def test_errors_of_a_body_without_messages_parse_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from xmla_headers.fault import _reader

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(_reader._MessagesReader, "__init__", never)
    assert Envelope(body=Fragment(b"<a>Messages</a>")).errors == ()
    assert Envelope(body=Fragment(b"<a>Messages</a>")).messages == ()
