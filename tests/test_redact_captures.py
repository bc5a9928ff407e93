"""A redacted capture reads like the original, in every format, and no secret is left in it."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from base64 import b64decode, b64encode
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capturing import (
    Exchange,
    captures_of,
    exchanges,
    har,
    saz,
    stream,
)
from xmla_headers.captures import (
    Pseudonyms,
    check_message,
    iter_messages,
    redact,
)
from xmla_headers.transcript import Transcript

GUID = "5DFD4D06-12AB-4C3D-9E8F-0011223344AA"
_EXCHANGES = exchanges()
_CAPTURES = captures_of(_EXCHANGES)
_ID = re.compile(rb"SessionId\s*=\s*\"([^\"]+)\"")
_IDS = {match for each in _EXCHANGES for match in _ID.findall(each.request + each.response)}


def _said(data: bytes) -> list[object]:
    """Return what the rules and the transcript say of a capture, without the ids."""
    transcript = Transcript()
    said: list[object] = []
    for message in iter_messages(data):
        checked = check_message(message)
        placement = transcript.add(checked)
        blocks = [type(block).__name__ for block in checked.header or ()]
        number = placement.session and placement.session.number
        said.append(
            (
                message.name,
                message.direction,
                message.time,
                message.status,
                message.exchange,
                [finding.code for finding in checked.findings],
                checked.method,
                blocks,
                (number, placement.direction, placement.request),
                [finding.code for finding in placement.findings],
            )
        )
    said += [(name, finding.code) for name, finding in transcript.close()]
    said += [(record.number, record.state, record.requests) for record in transcript.sessions]
    return said


@pytest.mark.parametrize("kind", _CAPTURES)
def test_reads_like_the_original(kind: str) -> None:
    data = _CAPTURES[kind]
    said = _said(data)
    assert len(said) > 2 * len(_EXCHANGES)
    redacted = redact(data)
    assert _said(redacted.data) == said
    assert redact(redacted.data).changes == ()


@pytest.mark.parametrize("kind", _CAPTURES)
def test_leaves_no_id_of_a_recording(kind: str) -> None:
    # Among them are "not-a-session", and one with markup in it.
    assert len(_IDS) > 5
    found = list(iter_messages(redact(_CAPTURES[kind]).data))
    assert found
    for message in found:
        assert not any(identifier in message.body for identifier in _IDS), message.name


def test_redacts_the_messages_themselves_as_in_a_capture_of_them() -> None:
    pseudonyms = Pseudonyms()
    for each in _EXCHANGES:
        for data in (each.request, each.response):
            pseudonyms.learn(data)
    bodies = [message.body for message in iter_messages(redact(_CAPTURES["stream identity"]).data)]
    expected = [
        redact(data, pseudonyms=pseudonyms).data
        for each in _EXCHANGES
        for data in (each.request, each.response)
    ]
    assert bodies == expected


@pytest.mark.parametrize("kind", _CAPTURES)
def test_keeps_every_byte_where_there_is_nothing_to_hide(kind: str) -> None:
    plain = [
        Exchange(each.name, _ID.sub(b'Session="x"', each.request), _ID.sub(b'Session="x"', each.response))
        for each in _EXCHANGES
    ]
    data = captures_of(plain)[kind]
    redacted = redact(data)
    assert redacted.data == data
    assert redacted.changes == ()


# -- planted secrets ---------------------------------------------------------------------------------

#: One for each place; short words would occur by chance.
_PLANTED = {
    "id": GUID,
    "awkward": "a<b>&\"'c-/secret\\id",
    "security": "planted-in-security",
    "sspi": "planted-in-sspi",
    "token": "planted-in-token",
    "password": "planted-in-password",
    "connection": "planted-in-connection",
    "authorization": "planted-in-authorization",
    "cookie": "planted-in-cookie",
    "set-cookie": "planted-in-set-cookie",
    "field": "planted-in-session-field",
    "address": "planted-in-address",
    "query": "planted-in-query",
}


def _planted(encoding: str = "utf-8") -> Exchange:
    secrets = {name.replace("-", "_"): escape(value, {'"': "&quot;"}) for name, value in _PLANTED.items()}
    request = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        '<w:Security xmlns:w="urn:w">{security}</w:Security>'
        '<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="{id}"/></s:Header><s:Body>'
        "<EndSession SessionId='{awkward}'/><!-- {id} {awkward} -->"
        "<Authenticate><SspiHandshake>{sspi}</SspiHandshake></Authenticate>"
        "<Property><Password>{password}</Password></Property><a>Password={connection};</a>"
        "</s:Body></s:Envelope>"
    ).format(**secrets)
    response = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        "<SessionToken>{token}</SessionToken><Session SessionId='{id}'/><SessionID>{awkward}</SessionID>"
        "</s:Header><s:Body><s:Fault><faultstring>The '{lower}' session, "
        "{awkward}</faultstring></s:Fault><![CDATA[{raw}]]>é</s:Body></s:Envelope>"
    ).format(**secrets, lower=GUID.lower(), raw=_PLANTED["awkward"])
    kind = f"text/xml; charset={encoding}"
    return Exchange(
        "planted",
        request.encode(encoding),
        response.encode(encoding),
        (
            ("Content-Type", kind),
            ("Host", "a"),
            ("Authorization", f"Basic {_PLANTED['authorization']}"),
            ("Cookie", f"a={_PLANTED['cookie']}"),
            ("X-AS-SessionID", _PLANTED["field"]),
            ("Referer", f"http://u:{_PLANTED['address']}@h/?sessionid={_PLANTED['query']}&b=c"),
        ),
        (("Content-Type", kind), ("Set-Cookie", f"a={_PLANTED['set-cookie']}")),
        500,
    )


def _spellings(secret: str) -> set[bytes]:
    texts = {
        secret,
        secret.lower(),
        escape(secret),
        escape(secret, {'"': "&quot;"}),
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        quote(secret),
    }
    found = {text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
    # Base64 has three spellings, by where in three bytes it begins: what of it is the secret's alone.
    for start in range(3):
        coded = b64encode(b"\0" * start + secret.encode())
        found.add(coded[4 if start else 0 : -4])
    return found


def _layers(data: bytes) -> list[bytes]:
    """Return data, and all that is packed in it, as far as one can see."""
    found = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            for name in opened.namelist():
                found += [name.encode(), *_layers(opened.read(name))]
    for match in re.finditer(rb"\x1f\x8b\x08", data):
        try:
            found.append(zlib.decompressobj(31).decompress(data[match.start() :]))
        except zlib.error:
            continue
    for match in re.finditer(rb"[A-Za-z0-9+/]{40,}={0,2}", data):
        text = match[0][: len(match[0]) - len(match[0]) % 4]
        found += _layers(b64decode(text)) if not data.startswith(b"PK") else []
    found.append(re.sub(rb"\r\n[0-9a-f]+\r\n", b"", data))
    found += [message.body for message in iter_messages(data)]
    return found


def _leaks(data: bytes) -> set[str]:
    layers = _layers(data)
    return {
        name
        for name, secret in _PLANTED.items()
        for spelling in _spellings(secret)
        for layer in layers
        if spelling in layer or spelling.lower() in layer.lower()
    }


def _planted_captures() -> dict[str, bytes]:
    utf_8, utf_16 = _planted(), _planted("utf-16")
    codings = ("identity", "chunked", "gzip", "deflate", "gzip, chunked")
    return {
        **captures_of([utf_8, utf_8]),
        **{f"stream {coding}, UTF-16": stream([utf_16], coding) for coding in codings},
        **{f"saz {coding}, UTF-16": saz([utf_16], coding) for coding in codings},
        **{f"har {coding}, UTF-16": har([utf_16], coding) for coding in ("base64", "gzip")},
        "har cut off": har([utf_8])[:-600],
        "har with a quote too many": har([utf_8]).replace(b'"headers"', b'"headers"", "', 1),
        "har with a quote too few": har([utf_8]).replace(b'"url"', b'"url', 1),
        "stream cut off": stream([utf_8])[:-20],
        "stream of HTTP/2": stream([utf_8]).replace(b"HTTP/1.1", b"HTTP/2"),
        "saz of HTTP/2": saz([utf_8]).replace(b"HTTP/1.1", b"HTTP/2"),
        "a log of curl": re.sub(rb"(?m)^", b"> ", stream([utf_8])),
        "only a body": utf_8.request,
    }


_PLANTED_CAPTURES = _planted_captures()


@pytest.mark.parametrize("kind", _PLANTED_CAPTURES)
def test_leaves_no_planted_secret_in_any_spelling(kind: str) -> None:
    data = _PLANTED_CAPTURES[kind]
    leaks = _leaks(data)
    # What is looked for is there, to begin with.
    assert leaks, kind
    if kind in captures_of([]):
        assert leaks == set(_PLANTED)
    redacted = redact(data)
    assert _leaks(redacted.data) == set()
    assert not any(secret in str(redacted.changes) for secret in _PLANTED.values())
    assert redact(redacted.data).changes == ()


@given(kind=st.sampled_from(sorted(_PLANTED_CAPTURES)), share=st.floats(0, 1))
def test_leaves_no_planted_secret_in_what_is_cut_off(kind: str, share: float) -> None:
    data = _PLANTED_CAPTURES[kind]
    redacted = redact(data[: int(share * len(data))])
    assert _leaks(redacted.data) == set()


@pytest.mark.parametrize("kind", sorted(kind for kind in _PLANTED_CAPTURES if not kind.startswith("saz")))
def test_leaves_no_planted_secret_behind_a_damaged_beginning(kind: str) -> None:
    data = _PLANTED_CAPTURES[kind]
    for damaged in (
        data[1:],
        *(noise + data for noise in (b"<", b"{", b"[", b'"', b"\r\n", b"x", b"\0", b"\xff")),
    ):
        assert _leaks(redact(damaged).data) == set(), damaged[:20]
