"""The HTTP binding: charsets, header fields, statuses and continuation bytes, as software has them."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_arguments import MESSAGE
from xmla_headers import (
    Code,
    Envelope,
    Fault,
    FaultShape,
    Fragment,
    HeaderReader,
    SoapVersion,
    XmlaHeadersError,
    decode,
    decode_header,
    http,
    iter_findings,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOAP_12 = {"s": SoapVersion.SOAP_1_2.namespace}


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, None),
        ("", None),
        ("text/xml", None),
        ("text/xml; charset=utf-8", "utf-8"),
        (b"text/xml; charset=utf-8", "utf-8"),
        (b"text/xml; charset=\xff", "ÿ"),
        ("TEXT/XML;CharSet=UTF-8", "utf-8"),
        ('text/xml; charset="utf-8"', "utf-8"),
        ("text/xml; charset='utf-8'", "utf-8"),
        ('text/xml; charset="utf\\-8"', "utf-8"),
        ('text/xml; charset="utf-8', "utf-8"),
        ('text/xml; charset=" utf-8 "', "utf-8"),
        ("text/xml; charset = utf-8 ; x=y", "utf-8"),
        ("text/xml;\r\n\tcharset=utf-8", "utf-8"),
        ("text/xml charset=utf-8", "utf-8"),
        ("charset=utf-8", "utf-8"),
        ("text/xml; charset=utf-8; charset=latin1", "utf-8"),
        ("text/xml; charset=; charset=latin1", "latin1"),
        ("text/xml; charset=utf-8, text/xml; charset=utf-8", "utf-8"),
        ("text/xml; charset=", None),
        ('text/xml; charset=""', None),
        ('text/xml; charset="  "', None),
        ("text/xml; charset", None),
        ("text/xml; x-charset=a", None),
        ('application/soap+xml; action="a; charset=b"; charset=utf-16', "utf-16"),
        ('application/soap+xml; action="a\\"; charset=b"; charset=utf-16', "utf-16"),
        ("multipart/related; type=text/xml; start=a; charset=utf-8", "utf-8"),
    ],
)
def test_charset_is_read_as_software_writes_it(content_type: Any, charset: str | None) -> None:
    assert http.charset_of(content_type) == charset


@given(st.one_of(st.text(), st.binary(), st.text("charset=;, \"'\\")))
def test_charset_of_any_text_is_one_word_or_none(content_type: str | bytes) -> None:
    charset = http.charset_of(content_type)
    assert charset is None or charset == charset.strip().lower() != ""


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        (
            {"method": "Discover"},
            {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": '"urn:schemas-microsoft-com:xml-analysis:Discover"',
            },
        ),
        (
            {"method": "Execute", "soap": "1.1"},
            {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": '"urn:schemas-microsoft-com:xml-analysis:Execute"',
            },
        ),
        (
            {"method": "Execute", "soap": SoapVersion.SOAP_1_2},
            {
                "Content-Type": "application/soap+xml; charset=utf-8;"
                ' action="urn:schemas-microsoft-com:xml-analysis:Execute"'
            },
        ),
    ],
)
def test_request_headers_follow_the_soap_version(arguments: Any, headers: dict[str, str]) -> None:
    assert http.request_headers(**arguments) == headers
    assert http.charset_of(headers["Content-Type"]) == "utf-8"


@pytest.mark.parametrize(
    ("body", "soap", "status"),
    [
        (Fragment(), "1.1", 200),
        (Fragment(b"<a/>"), "1.1", 200),
        (Fault("Client", "no").to_body(), "1.1", 500),
        (Fault("Server", "no").to_body(FaultShape.SOAP_1_1), "1.1", 500),
        (Fragment(b"<a/>"), "1.2", 200),
        (Fragment(b"<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault>", SOAP_12), "1.2", 400),
        (
            Fragment(b"<s:Fault><s:Code><s:Value> s:Sender\n</s:Value></s:Code></s:Fault>", SOAP_12),
            "1.2",
            400,
        ),
        (Fragment(b"<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code></s:Fault>", SOAP_12), "1.2", 500),
        (
            Fragment(
                b"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>s:Sender</s:Value>"
                b"</s:Subcode></s:Code></s:Fault>",
                SOAP_12,
            ),
            "1.2",
            500,
        ),
        (Fragment(b"<s:Fault><Code><Value>s:Sender</Value></Code></s:Fault>", SOAP_12), "1.2", 500),
        (Fragment(b"<s:Fault/>", SOAP_12), "1.2", 500),
        (Fragment(b"<a><s:Fault><s:Code/></s:Fault></a>", SOAP_12), "1.2", 200),
    ],
)
def test_status_is_that_of_the_soap_binding(body: Fragment, soap: Any, status: int) -> None:
    assert http.status_of(Envelope(body=body, soap=soap)) == status


@pytest.mark.parametrize(
    ("headers", "session_id"),
    [
        ({}, None),
        ({"Content-Type": "text/xml"}, None),
        ({"X-AS-SessionID": "A"}, "A"),
        ({"x-as-sessionid": " A "}, "A"),
        ({"X-MS-XMLASESSION-ID": "A"}, "A"),
        ({"x-ms-xmlasession-id": "B", "X-AS-SessionID": "A"}, "A"),
        ({"x-ms-xmlasession-id": "B", "X-AS-SessionID": ""}, "B"),
        ([("X-AS-SessionID", "A"), ("X-AS-SessionID", "B")], "A"),
        ([(b"x-as-sessionid", b"A")], "A"),
        (iter([["X-AS-SessionID", "A"]]), "A"),
    ],
)
def test_session_id_is_found_in_any_case(headers: Any, session_id: str | None) -> None:
    assert http.session_id_of(headers) == session_id


def _utf_16(codec: str, mark: bytes, end: bytes = b"") -> bytes:
    return mark + "<a/>\n".encode(codec) + end


@pytest.mark.parametrize(
    ("data", "rest", "continuation"),
    [
        (b"", b"", None),
        (b"\0", b"\0", None),
        (b"<a/>", b"<a/>", None),
        (b"<a/>\0", b"<a/>", False),
        (b"<a/>\1", b"<a/>", True),
        (b"<a/>\2", b"<a/>\2", None),
        (b"<a/> \r\n\0", b"<a/> \r\n", False),
        (b"<a/>\0\0", b"<a/>\0\0", None),
        (b"<a/>\1\n", b"<a/>\1\n", None),
        (b"text\1", b"text\1", None),
        *(
            (_utf_16(codec, mark, end), _utf_16(codec, mark), continuation)
            for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-16-le", b""))
            for end, continuation in ((b"", None), (b"\0", False), (b"\1", True))
        ),
    ],
)
def test_split_continuation_takes_the_byte_off(
    data: bytes, rest: bytes, *, continuation: bool | None
) -> None:
    assert http.split_continuation(data) == (rest, continuation)
    assert http.split_continuation(bytearray(data)) == (bytearray(rest), continuation)
    view, found = http.split_continuation(memoryview(data))
    assert (bytes(view), found) == (rest, continuation)


def test_split_continuation_of_any_view_counts_bytes() -> None:
    data = MESSAGE + b" " * (-len(MESSAGE) % 4 + 3) + b"\0"
    view, found = http.split_continuation(memoryview(data).cast("I"))
    assert (bytes(view), found) == (data[:-1], False)


def test_split_continuation_of_a_map_leaves_it_closable(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_bytes(MESSAGE + b"\1")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data, found = http.split_continuation(mapped)
        assert (bytes(data), found) == (MESSAGE, True)


@pytest.mark.parametrize("byte", [b"\0", b"\1"])
@pytest.mark.parametrize("space", [b"", b"\n", b"<!-- end -->"])
@pytest.mark.parametrize("marked", [b"", b"\xef\xbb\xbf"])
def test_continuation_byte_has_a_hint_that_names_it(byte: bytes, space: bytes, marked: bytes) -> None:
    data = marked + MESSAGE + space + byte
    reader = HeaderReader()

    def in_pieces() -> None:
        for index in range(len(data)):
            reader.feed(data[index : index + 1])
        reader.close()

    found = []
    for call in (lambda: decode(data), lambda: decode(data, deep=True), in_pieces):
        with pytest.raises(XmlaHeadersError) as raised:
            call()
        found.append(raised.value.finding)
    (finding,) = {*found, *iter_findings(data)}
    assert (finding.code, finding.offset) == (Code.NOT_WELL_FORMED, len(data) - 1)
    assert f"0x0{byte[0]}" in (finding.hint or "")
    assert "http.split_continuation" in (finding.hint or "")
    assert len(decode_header(data)) == 0


def test_other_byte_after_the_envelope_has_no_such_hint() -> None:
    (finding,) = iter_findings(MESSAGE + b"\2")
    assert finding.hint is None


@pytest.mark.parametrize(
    ("error", "says", "call"),
    [
        (TypeError, "content_type", lambda: http.charset_of(1)),  # type: ignore[arg-type]
        (TypeError, "method", lambda: http.request_headers(1)),  # type: ignore[arg-type]
        (ValueError, "'Discover', 'Execute'", lambda: http.request_headers("discover")),  # type: ignore[arg-type]
        (ValueError, "'1.1' or '1.2'", lambda: http.request_headers("Discover", soap="1.3")),  # type: ignore[arg-type]
        (TypeError, "SoapVersion or str", lambda: http.request_headers("Discover", soap=1)),  # type: ignore[arg-type]
        (TypeError, "envelope", lambda: http.status_of(MESSAGE)),  # type: ignore[arg-type]
        (TypeError, "headers", lambda: http.session_id_of("X-AS-SessionID: A")),  # type: ignore[arg-type]
        (TypeError, "headers", lambda: http.session_id_of(None)),  # type: ignore[arg-type]
        (TypeError, "pair", lambda: http.session_id_of(["ab"])),  # type: ignore[list-item]
        (TypeError, "name", lambda: http.session_id_of([(1, "A")])),  # type: ignore[list-item]
        (TypeError, "value", lambda: http.session_id_of([("X-AS-SessionID", 1)])),  # type: ignore[list-item]
        (TypeError, "encode it", lambda: http.split_continuation("<a/>")),  # type: ignore[call-overload]
    ],
)
def test_http_with_a_wrong_argument_raises(
    error: type[Exception], says: str, call: Callable[[], object]
) -> None:
    with pytest.raises(error, match=says) as raised:
        call()
    assert not isinstance(raised.value, XmlaHeadersError)
