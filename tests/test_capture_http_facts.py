"""Messages and the HTTP around them: continuation bytes, multipart bodies, and fields that contradict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.capture_files import BEGIN, SOAP, XMLA, message, session
from tests.test_capture_streams import ANSWER, ASK, FIELD, broken, read, read_field
from xmla_headers import encode_block
from xmla_headers.captures import CapturedMessage, check_message, iter_messages, redact
from xmla_headers.findings import RULES, Code, Finding
from xmla_headers.session_headers import EndSession, Session
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ACTION = f"{XMLA}:Execute"


def said(
    body: bytes,
    *headers: tuple[str, str],
    direction: Direction | None = Direction.REQUEST,
    charset: str | None = None,
) -> list[Finding]:
    found = CapturedMessage("a", body, direction, charset, headers=headers)
    return list(check_message(found).findings)


def codes(findings: Iterable[Finding]) -> list[str]:
    return [str(finding.code) for finding in findings]


# -- a success without a body ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [(200, b"", ["not-xml"]), (202, b"", []), (204, b"", []), (202, b"accepted", ["not-xml"])],
)
def test_accepted_and_no_content_need_no_body(status: int, body: bytes, wanted: list[str]) -> None:
    response = CapturedMessage("response/0", body, Direction.RESPONSE, status=status)
    assert codes(check_message(response).findings) == wanted


# -- the continuation byte ------------------------------------------------------------------------------


def _har(body: bytes) -> bytes:
    content = {"size": 1, "text": body.decode("utf-8"), "mimeType": "text/xml"}
    entry = {"request": {"method": "POST", "postData": {"mimeType": "text/xml", "text": ASK.decode()}}}
    return json.dumps(
        {"log": {"entries": [entry | {"response": {"status": 200, "content": content}}]}}
    ).encode()


def _raw(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize("make", [_har, _raw, lambda body: b"HTTP/2 200\r\n\r\n" + body, bytes])
@pytest.mark.parametrize(("end", "continuation"), [(b"\0", False), (b"\1", True), (b"", None)])
@pytest.mark.parametrize("follows", [b"", b"\r\n"])
def test_continuation_byte_is_taken_off_an_answer(
    make: Callable[[bytes], bytes], end: bytes, follows: bytes, *, continuation: bool | None
) -> None:
    found = read(make(ANSWER + follows + end))[-1]
    assert found.continuation is continuation
    assert found.body.rstrip() == ANSWER
    assert check_message(found).findings == ()
    assert check_message(found).without_body().message.continuation is continuation
    assert found.paired("1").continuation is continuation


@pytest.mark.parametrize("end", [b"\0", b"\1"])
def test_continuation_byte_of_a_request_stays(end: bytes) -> None:
    (found,) = iter_messages(ASK + end, "1-request.xml")
    assert (found.continuation, found.body) == (None, ASK + end)


def test_continuation_byte_stays_in_a_redacted_answer() -> None:
    for make in (_har, _raw, bytes):
        (*_, found) = read(redact(make(message(session("7F0A9B52-62A4")) + b"\1")).data)
        assert found.continuation is True
        assert found.body in (message(session("session-1")), message(session("session-2")))


# -- multipart bodies -----------------------------------------------------------------------------------


def _multipart(
    *parts: tuple[str, bytes],
    content_type: str = "multipart/related; boundary=b",
    before: bytes = b"",
    end: bytes = b"\r\n--b--\r\n",
) -> bytes:
    pieces = [b"--b\r\n%b\r\n%b" % (head.encode(), body) for head, body in parts]
    body = before + b"\r\n".join(pieces) + end
    head = f"POST / HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_XML = "Content-Type: text/xml; charset=utf-8\r\n"
_ROOT, _IMAGE = (
    (_XML, ASK),
    ("Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n", b"\x89PNG\0"),
)


@pytest.mark.parametrize(
    ("data", "others"),
    [
        (_multipart(_ROOT), 0),
        (_multipart(_ROOT, _IMAGE, _IMAGE), 2),
        (_multipart(_ROOT, _IMAGE, content_type='multipart/related; boundary="b"; type="text/xml"'), 1),
        (_multipart(_ROOT, _IMAGE, content_type="Multipart/Related ;BOUNDARY = b"), 1),
        (_multipart(_ROOT, before=b"This is MIME.\r\n"), 0),
        (_multipart(_ROOT, end=b""), 0),
        (_multipart(_ROOT, end=b"\r\n--b--"), 0),
        (_multipart(("", ASK)), 0),
        (_multipart(_IMAGE, (f"Content-ID: <r@x>\r\n{_XML}", ASK),
                    content_type='multipart/related; boundary=b; start="<r@x>"'), 1),
        (_multipart(_IMAGE, (f"content-id: r@x\r\nX:\r\n y\r\n{_XML}", ASK),
                    content_type="multipart/related; start=r@x; boundary=b"), 1),
        (_multipart(("Content-Type:\r\n text/xml;\r\n charset=utf-8\r\n", ASK)), 0),
        (_multipart(_IMAGE, ("Content-ID:\r\n\t<r>\r\n", ASK),
                    content_type="multipart/related; boundary=b; start=r"), 1),
    ],
)  # fmt: skip
def test_multipart_body_has_its_root_part_as_message(data: bytes, others: int) -> None:
    (found,) = read(data)
    assert (found.body, found.other_parts, found.trouble) == (ASK, others, None)
    assert check_message(found).findings == ()


def test_multipart_root_part_has_its_own_charset() -> None:
    text = message(body="<é/>").decode()
    for charset in ("iso-8859-1", "utf-8"):
        data = _multipart((f"Content-Type: application/xop+xml; charset={charset}\r\n", text.encode(charset)))
        (found,) = read(data)
        assert (found.charset, check_message(found).findings) == (charset, ())


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        'multipart/related; boundary=""',
        "multipart/related; boundary=c",
        "multipart/related; boundary=" + "b" * 300,
        'multipart/related; boundary=b; start="<other>"',
    ],
)
def test_multipart_body_without_a_root_part_is_a_finding(content_type: str) -> None:
    (found,) = read(_multipart(_ROOT, content_type=content_type))
    assert found.other_parts is None
    assert codes(check_message(found).findings) == ["content-type-mismatch", "not-xml"]


def test_multipart_type_over_an_envelope_alone_is_a_warning() -> None:
    assert codes(said(ASK, ("Content-Type", "multipart/related; boundary=b"))) == ["content-type-mismatch"]


@pytest.mark.parametrize("coding", ["base64", "Quoted-Printable", '"base64"'])
def test_multipart_root_part_with_a_coding_is_broken(coding: str) -> None:
    data = _multipart((f"Content-Transfer-Encoding: {coding}\r\n", b"PGEvPg=="))
    assert broken(read(data)) == ["request/0"]
    assert b"PGEv" not in redact(data).data


def test_redact_walks_the_parts_of_a_multipart_body() -> None:
    secret = message(session("7F0A9B52-62A4"))
    utf_16 = secret.decode().encode("utf-16")
    for body in (secret, utf_16):
        data = _multipart(
            _IMAGE, ("Content-ID: r\r\n", body), content_type="multipart/related; boundary=b; start=r"
        )
        redacted = redact(data).data
        (found,) = read(redacted)
        assert b"7F0A9B52" not in redacted.replace(b"\0", b"")
        assert 'SessionId="session-' in found.body.decode("utf-16" if body is utf_16 else "utf-8")


def test_multipart_answer_of_the_field_is_read() -> None:
    found = read_field("08-multipart.http")
    assert [len(item.body) for item in found] == [359, 439]
    assert [item.other_parts for item in found] == [None, 0]


# -- the type -------------------------------------------------------------------------------------------

_12 = ASK.replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (ASK, "text/xml", []),
        (ASK, "Text/XML; charset=utf-8", []),
        (ASK, "application/xml", []),
        (ASK, "application/xop+xml", []),
        (ASK, 'application/soap+xml; action="a"', ["content-type-mismatch"]),
        (ASK, "text/html", ["content-type-mismatch"]),
        (ASK, "text/plain; charset=utf-8", ["content-type-mismatch"]),
        (ASK, "application/octet-stream", ["content-type-mismatch"]),
        (ASK, "", ["content-type-mismatch"]),
        (ASK, "xml", ["content-type-mismatch"]),
        (_12, "application/soap+xml", ["soap-1.2"]),
        (_12, "text/html", ["content-type-mismatch", "soap-1.2"]),
        (b"<html/>", "text/html", ["not-an-envelope"]),
        (b"", "text/html", ["not-xml"]),
    ],
)
def test_content_type_is_compared_with_the_message(
    body: bytes, content_type: str, expected: list[str]
) -> None:
    assert codes(said(body, ("content-TYPE", content_type))) == expected


def test_content_type_of_another_length_is_not_quoted() -> None:
    (finding,) = said(ASK, ("Content-Type", "a/" + "secret" * 50))
    assert "secret" not in str(finding)


def test_content_type_of_soap_1_2_in_the_field_is_a_warning() -> None:
    request, _ = read_field("20-soap12-contenttype.http")
    assert codes(check_message(request).findings) == ["content-type-mismatch"]


# -- the action -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        (ACTION, "<x:Execute/>", False),
        (f'"{ACTION}"', "<x:Execute/>", False),
        (f" '{ACTION}' ", "<x:Execute/>", False),
        ("", "<x:Execute/>", False),
        ('""', "<x:Execute/>", False),
        (f'"{XMLA}:Discover"', "<x:Execute/>", True),
        (f'"{XMLA}:execute"', "<x:Execute/>", True),
        ("urn:other:Execute", "<x:Execute/>", True),
        (ACTION, "<x:Discover/>", True),
        (ACTION, "<!-- a --><x:Discover/>", True),
        (ACTION, "", False),
        (ACTION, "<e:Authenticate xmlns:e='urn:e'/>", True),
        ("urn:e:Authenticate", "<e:Authenticate xmlns:e='urn:e'/>", False),
        ("http://e/Authenticate", "<e:Authenticate xmlns:e='urn:e'/>", False),
    ],
)
def test_soap_action_is_compared_with_the_body(action: str, body: str, *, expected: bool) -> None:
    found = said(message(body=body), ("SOAPAction", action))
    assert codes(found) == ["soap-action-mismatch"] * expected
    assert not any("urn:other" in str(finding) for finding in found)


def test_soap_action_of_a_response_says_nothing() -> None:
    body = message(body="<x:Discover/>")
    for direction in (Direction.RESPONSE, None):
        assert said(body, ("SOAPAction", ACTION), direction=direction) == []


# -- the charset ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "declared", "expected"),
    [
        ("utf-8", "UTF-8", False),
        ("UTF8", "utf-8", False),
        ("latin1", "ISO-8859-1", False),
        ("utf-8", None, False),
        (None, "iso-8859-1", False),
        ("utf-8", "utf-16", True),
        ("iso-8859-1", "utf-8", True),
        ("us-ascii", "utf-8", True),
        ("utf-8", "windows-1252", True),
    ],
)
def test_charset_is_compared_with_the_declaration(
    charset: str | None, declared: str | None, *, expected: bool
) -> None:
    encoding = "" if declared is None else f" encoding='{declared}'"
    body = f"<?xml version='1.0'{encoding}?>".encode() + ASK
    for mark in (b"", b"\xef\xbb\xbf") if charset == "utf-8" else (b"",):
        header = "text/xml" if charset is None else f"text/xml; charset={charset}"
        found = said(mark + body, ("Content-Type", header), charset=charset)
        # A byte order mark is stronger than both.
        assert codes(found)[: 1 + (not mark)] == ["charset-conflict"] * expected


@pytest.mark.parametrize(("charset", "declared"), [("utf-16", "utf-16"), ("utf-16", "UTF-16LE")])
def test_charset_of_utf_16_fits_either_byte_order(charset: str, declared: str) -> None:
    body = f"<?xml version='1.0' encoding='{declared}'?>{ASK.decode()}".encode("utf-16-le")
    header = ("Content-Type", f"text/xml; charset={charset}")
    assert said(b"\xff\xfe" + body, header, charset=charset) == []
    header = ("Content-Type", "text/xml; charset=utf-8")
    assert codes(said(b"\xff\xfe" + body, header, charset=None)) == ["charset-conflict"]


def test_charset_conflict_changes_no_verdict_of_decode() -> None:
    (found,) = read_field("12d-utf16-label.http")
    assert codes(check_message(found).findings) == ["charset-conflict"]
    assert check_message(found).header is not None


def test_charset_conflict_explains_a_refused_message() -> None:
    body = b"<?xml version='1.0' encoding='iso-8859-1'?>" + message(body="<é/>").decode().encode("latin-1")
    found = said(body, ("Content-Type", "text/xml; charset=utf-8"), charset="utf-8")
    assert codes(found) == ["charset-conflict", "encoding-error"]


# -- the session id -------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["X-AS-SessionID", "x-ms-xmlasession-id", "x-as-sessionid"])
@pytest.mark.parametrize(
    ("block", "value", "expected"),
    [
        (Session("a"), "a", False),
        (Session("a"), " a ", False),
        (Session("a"), "b", True),
        (Session("a"), "A", True),
        (EndSession("a"), "b", True),
        (EndSession("a"), "a", False),
        (None, "b", False),
        (Session("a"), "", False),
        (Session("a"), "\x01", False),
        (Session("a"), "\ud800", False),
    ],
)
def test_session_field_is_compared_with_the_session_header(
    field: str, block: Session | EndSession | None, value: str, *, expected: bool
) -> None:
    body = message("" if block is None else encode_block(block).decode(), "<x:Execute/>")
    assert codes(said(body, (field, value))) == ["session-field-mismatch"] * expected


def test_session_field_ignores_the_padding_of_the_header() -> None:
    assert codes(said(message(session(" a"), ""), ("X-AS-SessionID", "a"))) == ["padded-session-id"]


def test_session_field_is_kept_and_not_shown() -> None:
    checked = check_message(CapturedMessage("a", ASK, headers=(("X-AS-SessionID", "7F0A9B52"),)))
    assert checked.session_field == checked.without_body().session_field == "7F0A9B52"
    assert "7F0A" not in repr(checked) + str(checked.findings)
    assert check_message(CapturedMessage("a", ASK)).session_field is None


def test_session_field_beside_begin_session_says_nothing() -> None:
    assert said(message(BEGIN), ("X-AS-SessionID", "b")) == []


# -- all of them ----------------------------------------------------------------------------------------


def test_findings_about_http_come_first_in_catalogue_order() -> None:
    body = b"<?xml version='1.0' encoding='utf-16'?>" + message(session(" a"), "<x:Execute/>")
    headers = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("SOAPAction", f"{XMLA}:Discover"),
        ("X-AS-SessionID", "b"),
    )
    found = said(body, *headers, charset="utf-8")
    expected = ["content-type-mismatch", "soap-action-mismatch", "charset-conflict", "session-field-mismatch"]
    assert codes(found) == [*expected, "padded-session-id"]
    order = list(RULES)
    assert [order.index(Code(code)) for code in expected] == sorted(
        order.index(Code(code)) for code in expected
    )


def test_page_of_http_has_no_findings_about_its_fields() -> None:
    page = CapturedMessage("a", b"<html/>", Direction.RESPONSE, status=502, headers=(("Content-Type", "a"),))
    assert check_message(page).findings == ()


@pytest.mark.parametrize("name", ["01-powerbi-trailing-nul.har", "01b-powerbi-continuation-byte.resp.xml"])
def test_answers_of_power_bi_are_not_refused(name: str) -> None:
    for item in iter_messages((FIELD / name).read_bytes(), name):
        assert check_message(item).findings == ()
        assert (item.continuation is None) == (item.direction is Direction.REQUEST)
