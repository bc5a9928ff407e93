"""The decision of each comparison in the rules, shown by two messages that differ only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xmla_headers import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    Code,
    EncodeError,
    HeaderBlock,
    MustUnderstandForm,
    Session,
    decode,
    iter_findings,
    schema,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xmla_headers import Finding

XSI = "http://www.w3.org/2001/XMLSchema-instance"

BEGIN = "<x:BeginSession/>"
USE = '<x:Session SessionId="A"/>'
END = '<x:EndSession SessionId="A"/>'


def message(header: str) -> bytes:
    namespaces = f'xmlns:s="{SOAP_11_NS}" xmlns:x="{XMLA_NS}" xmlns:xsi="{XSI}" xmlns:v="urn:v"'
    return f"<s:Envelope {namespaces}><s:Header>{header}</s:Header><s:Body/></s:Envelope>".encode()


def types_of(declarations: str, namespace: str = "urn:v") -> Mapping[str, type[HeaderBlock]]:
    return schema.types_from_schema(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xh="{schema.APPINFO_NS}"'
        f' targetNamespace="{namespace}" xmlns:t="{namespace}">{declarations}</xs:schema>'
    )


def block(name: str, attributes: str = "", *, max_occurs: str = "") -> str:
    element = f'<xs:element name="{name}"><xs:complexType>{attributes}</xs:complexType></xs:element>'
    if not max_occurs:
        return element
    particle = f'<xs:element ref="t:{name}" minOccurs="0" maxOccurs="{max_occurs}"/>'
    return f'{element}<xs:group name="{name}s"><xs:sequence>{particle}</xs:sequence></xs:group>'


def found(data: bytes, **reading: Any) -> list[Finding]:
    return list(iter_findings(data, **reading))


def codes(data: bytes, **reading: Any) -> list[Code]:
    return [finding.code for finding in found(data, **reading)]


@pytest.mark.parametrize(
    ("header", "count"),
    [
        (BEGIN, 0),
        (BEGIN + USE, 1),
        (BEGIN + USE + END, 2),
        # A second Session is a duplicate; the first one has already been reported as ambiguous.
        (BEGIN + USE + USE, 1),
        (BEGIN + USE + USE + END + END, 2),
        (USE + USE, 0),
        (USE + BEGIN + BEGIN + USE, 1),
    ],
)
def test_alternatives_are_reported_once_for_each_type(header: str, count: int) -> None:
    assert codes(message(header)).count(Code.AMBIGUOUS_SESSION_HEADERS) == count


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('Other="1"', [Code.UNEXPECTED_ATTRIBUTE]),
        ('x:Other="1"', [Code.UNEXPECTED_ATTRIBUTE]),
        ('x:SessionId="1"', [Code.UNEXPECTED_ATTRIBUTE]),
        ('xsi:nil="1"', [Code.UNEXPECTED_ATTRIBUTE]),
        ('v:Other="1"', []),
        ('xml:lang="en"', []),
        ('s:encodingStyle=""', []),
    ],
)
def test_attribute_is_unexpected_by_its_namespace(attribute: str, expected: list[Code]) -> None:
    assert codes(message(f'<x:Session SessionId="A" {attribute}/>')) == expected


@pytest.mark.parametrize("prefix", ["v", "x", "xsi"])
def test_attribute_in_a_schema_namespace_is_unexpected(prefix: str) -> None:
    types = types_of(block("Audit"))
    assert codes(message(f'<v:Audit {prefix}:Other="1"/>'), types=types) == [Code.UNEXPECTED_ATTRIBUTE]
    (audit,) = decode(message('<v:Audit w:Other="1" xmlns:w="urn:w"/>'), types=types).header
    assert isinstance(audit, HeaderBlock)
    assert audit.other_attributes == (("{urn:w}Other", "1"),)


@pytest.mark.parametrize("order", [1, -1])
def test_lookalike_names_the_first_declared_of_two(order: int) -> None:
    types = dict(
        [*types_of(block("Audit"), "urn:one").items(), *types_of(block("AUDIT"), "urn:two").items()][::order]
    )
    first = next(iter(types.values())).spec
    (finding,) = found(message("<v:audit/>"), types=types)
    assert finding.code is Code.LOOKALIKE_HEADER_BLOCK
    assert f"not the {first.local_name} of {first.namespace}" in finding.message


@pytest.mark.parametrize("local", ["SESSION", "session", "sESSION", "Session"])
@pytest.mark.parametrize("namespace", ["urn:v", XMLA_NS, SOAP_11_NS])
def test_lookalike_is_compared_without_case(local: str, namespace: str) -> None:
    if (local, namespace) == ("Session", XMLA_NS):
        return
    (finding,) = found(message(f'<{local} xmlns="{namespace}"/>'))
    assert finding.code is Code.LOOKALIKE_HEADER_BLOCK
    assert (finding.hint == "names are case-sensitive; did you mean Session?") == (namespace == XMLA_NS)


@pytest.mark.parametrize("child", ["SessionId", "sessionid", "SESSIONID", "x:SessionID"])
def test_hint_says_that_a_child_element_should_be_an_attribute(child: str) -> None:
    findings = found(message(f"<x:Session><{child}>A</{child}></x:Session>"))
    (hint,) = (finding.hint for finding in findings if finding.code is Code.MISSING_ATTRIBUTE)
    assert hint == "SessionId is an attribute, not a child element"
    findings = found(message("<x:Session><x:Id>A</x:Id></x:Session>"))
    assert [finding.hint for finding in findings if finding.code is Code.MISSING_ATTRIBUTE] == [None]


@pytest.mark.parametrize(
    ("attribute", "hint"),
    [
        ("x:SessionId", "SessionId must be in no namespace: write it without a prefix"),
        ("sessionid", "attribute names are case-sensitive; did you mean SessionId?"),
        ("SESSIONID", "attribute names are case-sensitive; did you mean SessionId?"),
        ("v:SESSIONID", "attribute names are case-sensitive; did you mean SessionId?"),
        ("Id", None),
    ],
)
def test_hint_for_a_missing_attribute_names_the_near_miss(attribute: str, hint: str | None) -> None:
    findings = found(message(f'<x:Session {attribute}="A"/>'))
    assert [finding.hint for finding in findings if finding.code is Code.MISSING_ATTRIBUTE] == [hint]


@pytest.mark.parametrize(
    ("max_occurs", "refused_from"), [("", 2), ("1", 2), ("2", 3), ("3", 4), ("unbounded", None)]
)
def test_occurrence_is_counted_up_to_its_bound(max_occurs: str, refused_from: int | None) -> None:
    types = types_of(block("Audit", max_occurs=max_occurs))
    for count in range(1, 6):
        too_many = 0 if refused_from is None else max(0, count - refused_from + 1)
        assert codes(message("<v:Audit/>" * count), types=types) == [Code.DUPLICATE_HEADER_BLOCK] * too_many


def test_optional_attribute_may_be_missing_and_empty() -> None:
    types = types_of(block("Audit", '<xs:attribute name="a"/><xs:attribute name="b" use="required"/>'))
    assert codes(message('<v:Audit b=""/>'), types=types) == []
    assert codes(message('<v:Audit a="1"/>'), types=types) == [Code.MISSING_ATTRIBUTE]
    assert codes(message('<x:Session SessionId=""/>')) == [Code.EMPTY_SESSION_ID]


@pytest.mark.parametrize("attribute", ['s:actor="urn:a"', 's:encodingStyle="urn:e"', 'z:role="urn:r"'])
@pytest.mark.parametrize("first", [True, False])
def test_must_understand_next_to_any_attribute_is_read(attribute: str, *, first: bool) -> None:
    written = 's:mustUnderstand="1"', attribute
    both = " ".join(written if first else written[::-1])
    (session,) = decode(message(f'<x:Session SessionId="A" {both} xmlns:z="{SOAP_12_NS}"/>')).header
    assert isinstance(session, Session)
    assert session.must_understand
    assert session.must_understand_form is MustUnderstandForm.QUALIFIED


@pytest.mark.parametrize("local", ["Header", "Body"])
def test_header_and_body_of_another_namespace_are_unexpected(local: str) -> None:
    text = f'<s:Envelope xmlns:s="{SOAP_11_NS}"><{local} xmlns="urn:v"/><s:Body/></s:Envelope>'
    (finding,) = found(text.encode())
    assert finding.code is Code.UNEXPECTED_ELEMENT
    assert finding.hint == f"{local} must be in the namespace of Envelope, {SOAP_11_NS}"


@pytest.mark.parametrize(
    ("namespace", "hint"),
    [
        ("https://schemas.xmlsoap.org/soap/envelope/", "begins with http://"),
        ("HTTPS://schemas.xmlsoap.org/soap/ENVELOPE", "begins with http://"),
        ("http://schemas.xmlsoap.org/soap/envelope", "ends with a slash"),
        ("http://www.w3.org/2003/05/soap-envelope/", "without a slash at the end"),
        ("https://www.w3.org/2003/05/SOAP-envelope", "without a slash at the end"),
        ("http://schemas.xmlsoap.org/SOAP/envelope/", "character by character"),
        (" http://schemas.xmlsoap.org/soap/envelope/", "character by character"),
        ("http://schemas.xmlsoap.org/soap/envelope/ ", "character by character"),
        ("urn:v", "the SOAP 1.1 namespace is"),
    ],
)
def test_hint_for_a_wrong_namespace_names_the_difference(namespace: str, hint: str) -> None:
    (finding,) = found(f'<s:Envelope xmlns:s="{namespace}"><s:Body/></s:Envelope>'.encode())
    assert finding.code is Code.WRONG_SOAP_NAMESPACE
    assert finding.hint is not None
    assert hint in finding.hint


@pytest.mark.parametrize("cut", range(1, 12))
def test_truncated_session_header_has_no_value(cut: int) -> None:
    whole = message(USE)
    data = whole[: whole.index(b"/></s:Header>") + 2 - cut]
    assert codes(data) == [Code.NOT_WELL_FORMED]


def test_unknown_block_gets_only_missing_declarations() -> None:
    own = '<v:Other xmlns:v="urn:own"><x:b/></v:Other>'
    (unknown,) = decode(message(own)).header.unknown
    assert unknown.qname == "{urn:own}Other"
    assert [unknown.xml.count(b'xmlns:%c="' % prefix) for prefix in b"vx"] == [1, 1]


@pytest.mark.parametrize(
    ("header", "message_end"),
    [
        ("<x:BeginSession/><x:BeginSession/>", "BeginSession occurs more than once"),
        (
            '<x:Session SessionId="A" s:mustUnderstand="2"/>',
            "mustUnderstand on Session is neither 0 nor 1",
        ),
        (
            '<x:Session SessionId="A" s:mustUnderstand="1" mustUnderstand="0"/>',
            "two mustUnderstand attributes on Session contradict each other",
        ),
        ('<v:Other s:mustUnderstand="2"/>', "mustUnderstand on Other is neither 0 nor 1"),
    ],
)
def test_finding_message_names_its_case(header: str, message_end: str) -> None:
    assert message_end in [finding.message for finding in found(message(header))]


@pytest.mark.parametrize(("count", "times"), [(1, None), (2, None), (3, "Audit occurs more than 2 times")])
def test_finding_message_states_max_occurs(count: int, times: str | None) -> None:
    types = types_of(block("Audit", max_occurs="2"))
    messages = [finding.message for finding in found(message("<v:Audit/>" * count), types=types)]
    assert messages == [times] * (times is not None)


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ("<Envelope/>", "Envelope is in no namespace"),
        ("<Envelope xmlns='u'/>", "Envelope is in an unknown namespace"),
    ],
)
def test_message_distinguishes_no_namespace_from_another(envelope: str, words: str) -> None:
    (finding,) = found(envelope.encode())
    assert finding.message == words


@pytest.mark.parametrize(
    ("child", "hint"),
    [
        ("s:Fault", "a Fault belongs in the Body (SOAP 1.1 §4.4)"),
        ("Fault", "a Fault belongs in the Body (SOAP 1.1 §4.4)"),
        ("s:Other", None),
        ("Other", None),
    ],
)
def test_hint_for_a_misplaced_element_is_only_for_faults(child: str, hint: str | None) -> None:
    (finding,) = found(f'<s:Envelope xmlns:s="{SOAP_11_NS}"><{child}/><s:Body/></s:Envelope>'.encode())
    assert (finding.code, finding.hint) == (Code.UNEXPECTED_ELEMENT, hint)


@pytest.mark.parametrize(
    ("namespace", "hint"),
    [
        ("", f'declare it: xmlns="{XMLA_NS}"'),
        ("urn:v", "it is kept as an unknown header block"),
    ],
)
def test_hint_for_a_lookalike_follows_from_its_namespace(namespace: str, hint: str) -> None:
    findings = found(message(f'<Session SessionId="A" xmlns="{namespace}"/>'))
    assert [finding.hint for finding in findings if finding.code is Code.LOOKALIKE_HEADER_BLOCK] == [hint]


def test_block_with_an_actor_alone_has_no_must_understand_form() -> None:
    session = decode(message('<x:Session SessionId="A" s:actor="urn:a"/>')).header.session
    assert session is not None
    assert (session.actor, session.must_understand_form) == ("urn:a", None)


@pytest.mark.parametrize("namespace", ["urn:v", XMLA_NS, SOAP_11_NS, SOAP_12_NS, XSI])
def test_other_attributes_of_a_declared_namespace_are_refused(namespace: str) -> None:
    (kind,) = types_of(block("Audit")).values()
    with pytest.raises(EncodeError) as caught:
        kind(other_attributes=((f"{{{namespace}}}a", ""),))
    assert caught.value.code is Code.BAD_FRAGMENT
