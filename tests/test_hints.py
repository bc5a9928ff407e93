"""Hints: the usual cause of a refusal, the same however the message is cut."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_stream import STEPS, cut_at, in_pieces, steps, whole
from xmla_headers import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    Code,
    Finding,
    XmlaHeadersError,
    decode,
    iter_findings,
)

START = f'<s:Envelope xmlns:s="{SOAP_11_NS}" xmlns:x="{XMLA_NS}">'
PLAIN = f"{START}<s:Body/></s:Envelope>"
LONG = f"{START}<s:Body>{'<row>é</row>' * 30}</s:Body></s:Envelope>"


def with_block(block: str, start: str = START) -> str:
    return f"{start}<s:Header>{block}</s:Header><s:Body/></s:Envelope>"


DECLARED = "<?xml version='1.0' encoding='%s'?>"
QUOTE, SECOND, PHP, HTML = (
    "typographic quote",
    "a second document follows",
    "warning of PHP",
    "looks like HTML",
)
MISLABELLED = 'Mondrian, which are ISO-8859-1 and labelled UTF-8, pass encoding="iso-8859-1"'

#: Message, code of the first refused finding, a part of its hint; None for no hint.
CASES: dict[str, tuple[str | bytes, Code, str | None]] = {
    "Latin-1 under UTF-8": (
        f"{DECLARED % 'utf-8'}{LONG}".encode("latin-1"),
        Code.ENCODING_ERROR,
        MISLABELLED,
    ),
    "Latin-1 without a label": (LONG.encode("latin-1"), Code.ENCODING_ERROR, MISLABELLED),
    "Latin-1 in the Header": (
        with_block("<x:Session SessionId='é'/>").encode("latin-1"),
        Code.ENCODING_ERROR,
        MISLABELLED,
    ),
    "Latin-1 under the mark of UTF-8": (
        b"\xef\xbb\xbf" + LONG.encode("latin-1"),
        Code.ENCODING_ERROR,
        "byte order mark of UTF-8, which decides",
    ),
    "UTF-8 under US-ASCII": (f"{DECLARED % 'us-ascii'}{LONG}", Code.ENCODING_ERROR, "the label is wrong"),
    "UTF-8 under UTF-16": (f"{DECLARED % 'utf-16'}{LONG}", Code.ENCODING_ERROR, 'pass encoding="utf-8"'),
    "typographic quotes": (with_block("<x:Session SessionId=\u201cab\u201d/>"), Code.NOT_WELL_FORMED, QUOTE),
    "typographic, reversed": (
        with_block("<x:Session SessionId=\u201dab\u201d/>"),
        Code.NOT_WELL_FORMED,
        QUOTE,
    ),
    "typographic, single": (
        with_block("<x:Session SessionId= \u2018ab\u2019/>"),
        Code.NOT_WELL_FORMED,
        QUOTE,
    ),
    "guillemets": (with_block("<x:Session SessionId=\u00abab\u00bb/>"), Code.NOT_WELL_FORMED, QUOTE),
    "typographic in the root": (PLAIN.replace('"', "\u201e", 1), Code.NOT_WELL_FORMED, QUOTE),
    "typographic in the Body": (
        LONG.replace("</s:Body>", "<a b=\u2033c\u2033/></s:Body>"),
        Code.NOT_WELL_FORMED,
        QUOTE,
    ),
    "another letter for a quote": (with_block("<x:Session SessionId=éabé/>"), Code.NOT_WELL_FORMED, None),
    "a typographic quote after the root": (f"{PLAIN}\u201c", Code.NOT_WELL_FORMED, None),
    "two documents": (PLAIN * 2, Code.NOT_WELL_FORMED, SECOND),
    "two documents, the first one long": (f"{LONG}\r\n <!-- a -->{PLAIN}", Code.NOT_WELL_FORMED, SECOND),
    "two documents with a declaration": (
        f"{LONG}\n{DECLARED % 'utf-8'}{PLAIN}",
        Code.NOT_WELL_FORMED,
        SECOND,
    ),
    "a second document that has begun": (f"{LONG}<s", Code.NOT_WELL_FORMED, SECOND),
    "a stray end tag": (f"{LONG}</s:Envelope>", Code.NOT_WELL_FORMED, None),
    "text after the root": (f"{LONG}text", Code.NOT_WELL_FORMED, None),
    "the end of a continuation": (f"{LONG}\1", Code.NOT_WELL_FORMED, "the byte 0x01"),
    "PHP in HTML": (f"<br />\n<b>Warning</b>: x in <b>/a.php</b><br />\n{PLAIN}", Code.NOT_AN_ENVELOPE, PHP),
    "HTML": (f"<P>no</P>{PLAIN}", Code.NOT_AN_ENVELOPE, HTML),
    "HTML that does not end": (f"<p>no{PLAIN}", Code.NOT_AN_ENVELOPE, HTML),
    "a page": ("<html><p>no</p></html>", Code.NOT_AN_ENVELOPE, "an HTML page"),
    "another root": ("<a/>", Code.NOT_AN_ENVELOPE, None),
    "PHP in text": (f"\nWarning: x in /a.php on line 3\n{PLAIN}", Code.NOT_XML, PHP),
    "PHP, its log": (f"PHP Notice:  x in /a.php\n{PLAIN}", Code.NOT_XML, PHP),
    "PHP, fatal": ("\ufeff\n\nFatal error: x", Code.NOT_XML, PHP),
    "a Warning field of HTTP": (f"Warning: 199 - x\r\n\r\n{PLAIN}", Code.NOT_XML, "HTTP headers"),
    "other text": (f"Careful! {PLAIN}", Code.NOT_XML, None),
    "an array of PHP": (
        with_block("<x:Session><item><key>SessionId</key><value>ab</value></item></x:Session>"),
        Code.MISSING_ATTRIBUTE,
        "PHP writes an array as elements",
    ),
    "other children": (with_block("<x:Session><key>a</key></x:Session>"), Code.MISSING_ATTRIBUTE, None),
    **{
        f"mustUnderstand {name} is {value}": (
            with_block(f"<x:Session SessionId='ab' {name}='{value}'/>"),
            Code.INVALID_MUST_UNDERSTAND,
            hint,
        )
        for name in ("s:mustUnderstand", "mustUnderstand")
        for value, hint in (
            ("true", "write 1 for true"),
            (" false ", "write 1 for true"),
            ("yes", None),
            ("2", None),
        )
    },
    "mustUnderstand true on an unknown block": (
        with_block("<v:a xmlns:v='urn:v' s:mustUnderstand='true'/>"),
        Code.INVALID_MUST_UNDERSTAND,
        "write 1 for true",
    ),
}


def bytes_of(name: str) -> bytes:
    data = CASES[name][0]
    return data.encode() if isinstance(data, str) else data


def refused(data: bytes) -> Finding:
    with pytest.raises(XmlaHeadersError) as caught:
        decode(data)
    return caught.value.finding


@pytest.mark.parametrize("name", CASES)
def test_hint_names_the_usual_cause(name: str) -> None:
    _, code, hint = CASES[name]
    finding = refused(bytes_of(name))
    assert finding.code is code
    assert (finding.hint is None) == (hint is None), finding.hint
    assert (hint or "") in (finding.hint or "")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_hint_is_the_same_however_the_message_is_cut(name: str) -> None:
    data = bytes_of(name)
    expected = whole(data)
    # Cuts in and around everything that a hint depends on.
    places = {*range(min(60, len(data))), *range(max(0, len(data) - 250), len(data))}
    for step, piece in STEPS:
        with steps(step, piece):
            assert in_pieces(data[place : place + 1] for place in range(len(data))) == expected
            if piece > 1:
                for place in sorted(places)[:: 1 if step == 1 else 5]:
                    assert in_pieces(cut_at(data, [place])) == expected, place


@pytest.mark.parametrize("encoding", ["iso-8859-1", "ISO-8859-1"])
def test_hint_about_a_label_is_good_advice(encoding: str) -> None:
    data = bytes_of("Latin-1 under UTF-8")
    assert "é" in decode(data, encoding=encoding).body.xml.decode()
    assert "é" in decode(bytes_of("UTF-8 under UTF-16"), encoding="utf-8").body.xml.decode()


def test_words_are_legal_in_soap_1_2() -> None:
    start = START.replace(SOAP_11_NS, SOAP_12_NS)
    header = decode(with_block("<x:Session SessionId='ab' s:mustUnderstand='true'/>", start).encode()).header
    assert header.session is not None
    assert header.session.must_understand


@pytest.mark.parametrize(
    ("namespace", "shown"),
    [
        ("urn:schemas-microsoft-com: xml-analysis", '"urn:schemas-microsoft-com: xml-analysis"'),
        (f"{XMLA_NS} ", f'"{XMLA_NS} "'),
        ("urn:\u202eevil\x85", r'"urn:\u202eevil\x85"'),
        ("urn:" + "x" * 4_000, f'"urn:{"x" * 56}…"'),
    ],
)
def test_lookalike_shows_its_namespace(namespace: str, shown: str) -> None:
    findings: Any = iter_findings(with_block(f"<Session xmlns='{namespace}' SessionId='a'/>").encode())
    (message,) = [found.message for found in findings if found.code is Code.LOOKALIKE_HEADER_BLOCK]
    assert message == f"Session of {shown} is not the Session of {XMLA_NS}"
    assert message.isprintable()
