"""A redacted capture reads like the original, in every format, and no secret is left in it."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.capturing import (
    Exchange,
    archive,
    captures_of,
    chunked,
    deflated,
    exchanges,
    har,
    http,
    request_of,
    response_of,
    saz,
    stream,
)
from tests.redacting import redact
from xmla_headers.captures import (
    CaptureLimits,
    Change,
    ChangeKind,
    Pseudonyms,
    Redacted,
    check_message,
    iter_messages,
)
from xmla_headers.captures._formats.saz import _descriptor_size
from xmla_headers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

GUID = "5DFD4D06-12AB-4C3D-9E8F-0011223344AA"
_EXCHANGES = exchanges()
_CAPTURES = captures_of(_EXCHANGES)
_ID = re.compile(rb"SessionId\s*=\s*\"([^\"]+)\"")
_IDS = {match for each in _EXCHANGES for match in _ID.findall(each.request + each.response)}


def _said(data: bytes) -> list[object]:
    """Return what the rules and the transcript say about a capture, without the ids."""
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", _CAPTURES)
def test_redacted_capture_reads_like_the_original(kind: str) -> None:
    data = _CAPTURES[kind]
    said = _said(data)
    assert len(said) > 2 * len(_EXCHANGES)
    redacted = redact(data)
    assert _said(redacted.data) == said
    assert redact(redacted.data).changes == ()


@pytest.mark.slow
@pytest.mark.parametrize("kind", _CAPTURES)
def test_redact_leaves_no_id_of_a_recording(kind: str) -> None:
    # Among them are "not-a-session", and one with markup in it.
    assert len(_IDS) > 5
    found = list(iter_messages(redact(_CAPTURES[kind]).data))
    assert found
    for message in found:
        assert not any(identifier in message.body for identifier in _IDS), message.name


def test_redact_of_a_message_and_of_its_capture_agree() -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", _CAPTURES)
def test_redact_without_secrets_keeps_every_byte(kind: str) -> None:
    plain = [
        Exchange(each.name, _ID.sub(b'Session="x"', each.request), _ID.sub(b'Session="x"', each.response))
        for each in _EXCHANGES
    ]
    data = captures_of(plain)[kind]
    redacted = redact(data)
    assert redacted.data == data
    assert redacted.changes == ()


# -- planted secrets ---------------------------------------------------------------------------------

# One secret for each place; short words would occur by chance.
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
    # Base64 has three spellings, by the offset modulo three. Only letters of the secret alone count.
    for start in range(3):
        coded = b64encode(b"\0" * start + secret.encode())
        found.add(coded[4 if start else 0 : -4])
    return found


def _layers(data: bytes) -> list[bytes]:
    """Return data, and everything that can be unpacked from it."""
    found = [data]
    if data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
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
def test_redact_leaves_no_planted_secret_in_any_spelling(kind: str) -> None:
    data = _PLANTED_CAPTURES[kind]
    leaks = _leaks(data)
    # The original contains the secrets.
    assert leaks, kind
    if kind in captures_of([]):
        assert leaks == set(_PLANTED)
    redacted = redact(data)
    assert _leaks(redacted.data) == set()
    assert not any(secret in str(redacted.changes) for secret in _PLANTED.values())
    assert redact(redacted.data).changes == ()


@given(kind=st.sampled_from(sorted(_PLANTED_CAPTURES)), share=st.floats(0, 1))
def test_redact_leaves_no_planted_secret_in_cut_off_captures(kind: str, share: float) -> None:
    data = _PLANTED_CAPTURES[kind]
    cut = data[: int(share * len(data))]
    # Before its "@" an address looks like a host and a port.
    assume(not cut.endswith(_PLANTED["address"].encode()))
    assert _leaks(redact(cut).data) == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(kind for kind in _PLANTED_CAPTURES if not kind.startswith("saz")))
def test_redact_leaves_no_secret_after_a_damaged_beginning(kind: str) -> None:
    data = _PLANTED_CAPTURES[kind]
    for damaged in (
        data[1:],
        *(noise + data for noise in (b"<", b"{", b"[", b'"', b"\r\n", b"x", b"\0", b"\xff")),
    ):
        assert _leaks(redact(damaged).data) == set(), damaged[:20]


# -- HAR ---------------------------------------------------------------------------------------------


def _har_of(text: str) -> bytes:
    return b'{"log":{"entries":[{"request":{"method":"POST",%b}}]}}' % text.encode()


# Members of the request of an entry, before and after redaction; {} is an id.
_MEMBERS = {
    "escapes around it": (
        r'"postData":{"text":"\u003cSession SessionId=\"{}\"\/\u003e\t\u00e9 \ud83d\ude00"}',
        r'"postData":{"text":"\u003cSession SessionId=\"session-1\"\/\u003e\t\u00e9 \ud83d\ude00"}',
    ),
    "escapes in it": (
        r'"postData":{"text":"<Session SessionId=\"{escaped}\"/>"}',
        r'"postData":{"text":"<Session SessionId=\"session-1\"/>"}',
    ),
    "name before value": (
        '"headers":[{"name":"X-AS-SessionID","value":"{}"}]',
        '"headers":[{"name":"X-AS-SessionID","value":"session-1"}]',
    ),
    "value before name": (
        '"headers":[{"value":"{}","name":"X-AS-SessionID"}]',
        '"headers":[{"value":"session-1","name":"X-AS-SessionID"}]',
    ),
    "authorization": (
        '"headers" : [ {"name":"authorization" , "value" : "Basic secret", "comment":""} ]',
        '"headers" : [ {"name":"authorization" , "value" : "", "comment":""} ]',
    ),
    "header fields as an object": (
        '"headers":{"Authorization":"Basic secret","Host":"a"}',
        '"headers":{"Authorization":"","Host":"a"}',
    ),
    "cookies": (
        '"cookies":[{"name":"a","value":"secret","path":"/","httpOnly":true}]',
        '"cookies":[{"name":"a","value":"","path":"/","httpOnly":true}]',
    ),
    "parameters": (
        '"postData":{"params":[{"name":"password","value":"secret"},{"name":"SessionId","value":"{}"}]}',
        '"postData":{"params":[{"name":"password","value":""},{"name":"SessionId","value":"session-1"}]}',
    ),
    "query": (
        '"url":"http://me:secret@h/?SessionId={}","queryString":[{"name":"SessionId","value":"%7B{}%7D"}]',
        '"url":"http://@h/?SessionId=session-1","queryString":[{"name":"SessionId","value":"session-1"}]',
    ),
    "a name twice": (
        '"postData":{"text":"<a SessionId=\'{}\'/>","text":"<Security>secret"}',
        '"postData":{"text":"<a SessionId=\'session-1\'/>","text":"<Security>"}',
    ),
    "numbers and words": ('"a":[1e5,-0.5,true,false,null,[],{}0]', '"a":[1e5,-0.5,true,false,null,[],{}0]'),
}


@pytest.mark.parametrize(("text", "expected"), _MEMBERS.values(), ids=_MEMBERS.keys())
def test_redact_of_a_har_changes_only_secrets_in_strings(text: str, expected: str) -> None:
    escaped = "".join(f"\\u{ord(character):04X}" for character in GUID)
    text = text.replace("{}0", "{ }").replace("{}", GUID).replace("{escaped}", escaped)
    redacted = redact(_har_of(text))
    assert redacted.data == _har_of(expected.replace("{}0", "{ }"))
    assert {change.place for change in redacted.changes} <= {"entries/0/request"}
    assert "secret" not in str(redacted.changes)


def test_redact_of_base64_content_writes_base64() -> None:
    body = f"<Session SessionId='{GUID}'/>".encode()
    member = '"postData":{"text":"%s","encoding":"base64"}'
    expected = member % b64encode(b"<Session SessionId='session-1'/>").decode()
    for packed in (body, gzip.compress(body)):
        assert redact(_har_of(member % b64encode(packed).decode())).data == _har_of(expected)
    data = _har_of(member % b64encode(gzip.compress(b"<a/>")).decode())
    assert redact(data).data == data


_WRITTEN_AS_BASE64: dict[str, Callable[[bytes], str]] = {
    "standard": lambda body: b64encode(body).decode(),
    "of gzip": lambda body: b64encode(gzip.compress(body, mtime=0)).decode(),
    "for URLs": lambda body: urlsafe_b64encode(body).decode(),
    "without padding": lambda body: b64encode(body).decode().rstrip("="),
    "in lines": lambda body: re.sub("(.{76})", r"\1\r\n", b64encode(body).decode()),
    "cut off": lambda body: b64encode(body + b"...").decode()[:-1],
}


@pytest.mark.parametrize("write", _WRITTEN_AS_BASE64.values(), ids=_WRITTEN_AS_BASE64.keys())
@given(
    path=st.lists(st.sampled_from(["data", "_webSocketMessages", "text", "value", "x", 0, 1]), max_size=8),
    note=st.text("<>ab \u00e9\u20ac", max_size=9),
)
def test_redact_searches_base64_anywhere_in_json(
    write: Callable[[bytes], str], path: list[str | int], note: str
) -> None:
    value: object = write(f"<Session SessionId='{GUID}'/>{note}<Password>hunter2!</Password>".encode())
    for part in path:
        value = {part: value} if isinstance(part, str) else ["a", value][part - 1 :]
    data = json.dumps({"log": {"entries": [value]}, "quoted": GUID.lower()}).encode()
    redacted = redact(data)
    (text,) = _base64_in(json.loads(redacted.data))
    assert b64decode(text).startswith(f"<Session SessionId='session-1'/>{note}<Password></P".encode())
    assert redacted.data.endswith(b'"quoted": "session-1"}')
    assert redact(redacted.data).changes == ()


def _base64_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if len(value) > 40 else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for item in items for found in _base64_in(item)]


@pytest.mark.parametrize(
    "text", ["a" * 41, "Mozilla/5/0/Gecko/20100101", b64encode(b"<a/>" * 9).decode(), GUID.replace("-", "")]
)
def test_redact_keeps_strings_that_only_look_like_base64(text: str) -> None:
    data = json.dumps({"a": [text], "text": text, text: 1}).encode()
    assert redact(data) == Redacted(data, ())


def test_redact_hides_an_id_in_the_name_of_a_json_member() -> None:
    data = json.dumps({GUID: {GUID.lower(): 1}, "SessionId": GUID, "x": [{GUID: 2}] * 20}).encode()
    expected = {"session-1": {"session-1": 1}, "SessionId": "session-1", "x": [{"session-1": 2}] * 20}
    assert redact(data).data == json.dumps(expected).encode()


@pytest.mark.parametrize(
    ("text", "mime_type"),
    [
        (b64encode(b"<a/>").decode() + "!", "text/xml"),
        (b64encode(gzip.compress(b"<a/>" * 99)[:-9]).decode(), "text/xml"),
        (b64encode(b"anything").decode(), "application/sx; x=y"),
        (b64encode(b"\xdf\xff anything").decode(), "text/xml"),
    ],
    ids=["no base64", "cut off", "by its type", "by its first bytes"],
)
def test_redact_empties_unsearchable_har_content(text: str, mime_type: str) -> None:
    member = '"postData":{"mimeType":"%s","encoding":"base64","text":"%s"}'
    redacted = redact(_har_of(member % (mime_type, text)))
    assert redacted.data == _har_of(member % (mime_type, ""))
    assert [(change.place, change.kind) for change in redacted.changes] == [
        ("entries/0/request", ChangeKind.UNSEARCHABLE)
    ]


def test_redact_empties_a_har_string_beyond_the_limit() -> None:
    limits = CaptureLimits(max_entry_bytes=50)
    text = '"postData":{"text":"%s"}'
    assert redact(_har_of(text % ("<a>" * 17)), limits=limits).data == _har_of(text % "")
    assert redact(_har_of(text % ("<a>" * 16)), limits=limits).changes == ()


def test_redact_keeps_whole_entries_of_a_har_that_is_cut_off() -> None:
    data = har(_EXCHANGES, "base64")
    redacted = redact(data[: len(data) * 2 // 3])
    whole = list(iter_messages(redact(data).data))
    found = list(iter_messages(redacted.data))
    assert found[-1].trouble is not None
    assert len(found) > len(whole) // 3
    read = [message.body for message in found if message.trouble is None]
    assert len(read) >= len(found) - 2
    assert read == [message.body for message in whole][: len(read)]


# -- HTTP --------------------------------------------------------------------------------------------

_BODY = f"<Session SessionId='{GUID}'/>".encode()
_HIDDEN = b"<Session SessionId='session-1'/>"
_HEAD = (("Host", "a"), ("Content-Type", "text/xml"))


def test_redact_corrects_content_length() -> None:
    data = http("POST / HTTP/1.1", _HEAD, _BODY) + http("HTTP/1.1 200 OK", _HEAD, b"<a/>")
    expected = http("POST / HTTP/1.1", _HEAD, _HIDDEN) + http("HTTP/1.1 200 OK", _HEAD, b"<a/>")
    redacted = redact(data)
    assert redacted.data == expected
    assert redacted.changes == (Change("request/0", ChangeKind.SESSION_ID, "session-1", 1),)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "chunked", "gzip, chunked"])
def test_redact_removes_a_coding_only_to_hide_a_secret(coding: str) -> None:
    redacted = redact(http("POST / HTTP/1.1", _HEAD, _BODY, coding))
    assert redacted.data == http("POST / HTTP/1.1", _HEAD, _HIDDEN)
    kinds = [change.kind for change in redacted.changes]
    assert kinds == [ChangeKind.SESSION_ID, *[ChangeKind.CODING] * (1 + ("," in coding))]
    (message,) = iter_messages(redacted.data)
    assert message.body == _HIDDEN


def test_redact_hides_a_secret_in_a_trailer() -> None:
    body = chunked(b"<a/>")[:-2] + b"Authorization: secret\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n%b\r\n\r\n"
    data = head % b"Transfer-Encoding: chunked" + body
    assert redact(data).data == head % b"Content-Length: 4" + b"<a/>"


def test_redact_keeps_informational_responses() -> None:
    continued = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
    data = continued + http("HTTP/1.1 200 OK", _HEAD, _BODY, "chunked")
    assert redact(data).data == continued + http("HTTP/1.1 200 OK", _HEAD, _HIDDEN)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((("Content-Type", "application/sx"),), b"anything"),
        ((("Content-Type", "text/xml"), ("Content-Encoding", "br")), b"anything"),
        ((("Content-Type", "text/xml"), ("Content-Encoding", "gzip")), b"anything"),
        ((("Content-Type", "text/xml"),), b"\x1f\x8banything"),
    ],
    ids=["binary", "another coding", "no gzip", "unsaid gzip"],
)
def test_redact_empties_an_unsearchable_body(fields: tuple[tuple[str, str], ...], body: bytes) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    data = f"POST / HTTP/1.1\r\nHost: a\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    behind = http("GET /next HTTP/1.1", _HEAD, b"")
    redacted = redact(data + behind)
    expected = re.sub(rb"Content-Encoding: .*\r\n", b"", data.removesuffix(body))
    assert redacted.data == re.sub(rb"Length: \d+", b"Length: 0", expected) + behind
    assert [change.kind for change in redacted.changes] == [ChangeKind.UNSEARCHABLE]


def test_redact_empties_chunks_without_a_header_field() -> None:
    data = http("POST / HTTP/1.1", _HEAD, _BODY, "chunked").replace(b"Transfer-Encoding", b"Trnsfer-Encoding")
    redacted = redact(data)
    assert redacted.data == data.removesuffix(chunked(_BODY))
    assert [change.kind for change in redacted.changes] == [ChangeKind.UNSEARCHABLE]


def test_redacted_binary_body_is_still_reported() -> None:
    data = http("POST / HTTP/1.1", (("Host", "a"), ("Content-Type", "application/sx")), b"anything")
    (message,) = iter_messages(redact(data).data)
    assert message.trouble is not None
    assert message.trouble.code == "not-xml"


# -- Fiddler archives --------------------------------------------------------------------------------


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return [(info.filename, opened.read(info)) for info in opened.infolist()]


_KEPT = ("filename", "date_time", "compress_type", "external_attr", "create_system", "extra", "comment")


def test_redact_keeps_the_entries_of_an_archive() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for number, (name, content) in enumerate(
            [
                ("a/", b""),
                ("raw/1_c.txt", request_of(_EXCHANGES[1])),
                ("b.bin", bytes(range(256))),
                ("é.txt", b""),
            ]
        ):
            info = zipfile.ZipInfo(name, (2020 + number, 1, 2, 3, 4, 6))
            info.compress_type = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            info.external_attr, info.create_system, info.comment = 0o644 << 16, 3, b"comment"
            info.extra = b"UT\x05\x00\x01abcd"
            made.writestr(info, content)
        made.comment = b"archive"
    data = target.getvalue()
    redacted = redact(data)
    assert {change.place for change in redacted.changes} == {"raw/1_c.txt"}
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(io.BytesIO(redacted.data)) as new:
        assert new.testzip() is None
        assert new.comment == old.comment
        for before, after in zip(old.infolist(), new.infolist(), strict=True):
            for name in (
                "filename",
                "date_time",
                "compress_type",
                "external_attr",
                "create_system",
                "extra",
                "comment",
            ):
                assert getattr(before, name) == getattr(after, name), name
            if before.filename != "raw/1_c.txt":
                assert old.read(before) == new.read(after)


def test_redact_hides_secrets_in_other_entries_and_names() -> None:
    data = archive(
        [
            ("raw/1_c.txt", request_of(_EXCHANGES[0])),
            ("raw/1_m.xml", f"<Flag N='x' V='{GUID}'/>".encode()),
            ("raw/1_w.txt", _BODY),
            (f"notes of {GUID}.txt", b"Authorization: Basic secret"),
        ]
    )
    redacted = redact(data)
    assert _members(redacted.data)[1:] == [
        ("raw/1_m.xml", b"<Flag N='x' V='session-1'/>"),
        ("raw/1_w.txt", _HIDDEN),
        ("notes of session-1.txt", b"Authorization: "),
    ]
    assert GUID not in str(redacted.changes)


_SPOILT: dict[str, Callable[[bytes], bytes]] = {
    # The flag of APPNOTE.TXT 4.4.4, in the directory.
    "encrypted": lambda data: re.sub(rb"(?s)(PK\x01\x02.{4})\0", b"\\1\x01", data, count=1),
    "damaged": lambda data: data.replace(b"POST", b"GOST", 1),
}


@pytest.mark.parametrize("spoil", _SPOILT.values(), ids=_SPOILT.keys())
def test_redact_empties_an_unreadable_entry(spoil: Callable[[bytes], bytes]) -> None:
    first = _EXCHANGES[0]
    members = [("raw/1_c.txt", request_of(first)), ("raw/1_s.txt", response_of(first))]
    data = archive(members, zipfile.ZIP_STORED)
    assert spoil(data) != data
    redacted = redact(spoil(data))
    assert [bool(content) for _, content in _members(redacted.data)] == [False, True]
    assert redacted.changes[0] == Change(
        "raw/1_c.txt", ChangeKind.UNSEARCHABLE, "an entry that cannot be read", 1
    )


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2", "HTTP/2.0"])
def test_redact_keeps_bytes_after_a_message_out_of_its_length(version: str) -> None:
    rest = b"\r\n<Session SessionId='abc'/>"
    member = http(f"POST / {version}", _HEAD, _BODY) + rest
    expected = http(f"POST / {version}", _HEAD, _HIDDEN) + rest.replace(b"abc", b"session-2")
    data = archive([("raw/1_c.txt", member)])
    assert _members(redact(data).data) == [("raw/1_c.txt", expected)]


def test_redact_drops_the_sizes_in_extra_fields() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        info = zipfile.ZipInfo("raw/1_w.txt")
        info.extra = b"\1\0\x08\0" + b"x" * 8 + b"UT\5\0\1abcd"
        made.writestr(info, _BODY)
    with zipfile.ZipFile(io.BytesIO(redact(target.getvalue()).data)) as opened:
        assert opened.infolist()[0].extra == b"UT\5\0\1abcd"


def test_redact_empties_an_entry_of_another_method() -> None:
    data = archive([("raw/1_c.txt", request_of(_EXCHANGES[0]))], zipfile.ZIP_LZMA)
    assert _members(redact(data).data) == [("raw/1_c.txt", b"")]
    data = archive([("inner.zip", archive([("a.xml", _BODY)]))])
    assert _members(redact(data).data) == [("inner.zip", b"")]


def test_redact_empties_entries_beyond_the_limits() -> None:
    data = archive([(f"raw/{number}_c.txt", b"<a>" * 100) for number in range(1, 6)])
    each = redact(data, limits=CaptureLimits(max_entry_bytes=299))
    assert [content for _, content in _members(each.data)] == [b""] * 5
    together = redact(data, limits=CaptureLimits(max_unpacked_bytes=700))
    assert [bool(content) for _, content in _members(together.data)] == [True, True, False, False, False]
    assert redact(data, limits=CaptureLimits(max_entries=4)).data == b""
    assert redact(data, limits=CaptureLimits(max_entries=5)).data == data


def test_redact_keeps_two_entries_of_one_name() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for each in _EXCHANGES[1:3]:
            # Otherwise zipfile warns.
            made.NameToInfo.clear()
            made.writestr("raw/1_c.txt", request_of(each))
    redacted = redact(target.getvalue())
    assert [name for name, _ in _members(redacted.data)] == ["raw/1_c.txt"] * 2
    assert _said(redacted.data) == _said(target.getvalue())


def test_redact_empties_an_unreadable_archive() -> None:
    redacted = redact(saz(_EXCHANGES)[:-30], "a.saz")
    assert redacted.data == b""
    assert redacted.changes == (
        Change("a.saz", ChangeKind.UNSEARCHABLE, "an archive that cannot be read", 1),
    )


# -- what else is in an archive --------------------------------------------------------------------------

_HIDDEN_ID = b"<Session SessionId='qX7-pk3Jd-Zv9wT'/>"


def _zip(data: bytes = b"<a/>", *, comment: bytes = b"", extra: bytes = b"", streamed: bool = False) -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    target = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        info = zipfile.ZipInfo("a.txt")
        info.comment, info.extra, info.compress_type = comment, extra, zipfile.ZIP_DEFLATED
        made.writestr(info, data)
    return target.getvalue()


def _unlisted(data: bytes) -> bytes:
    """Remove the second of two entries from the directory, as deleting it does."""
    start, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    last = bytearray(data[end:])
    struct.pack_into("<HHI", last, 8, 1, 1, start - data.index(b"PK\x01\x02"))
    return data[:start] + last


def _shorter(stored: bytes, content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of one entry that has more bytes than its headers say."""
    data = bytearray(archive([("a", stored)], zipfile.ZIP_STORED))
    start, check = data.index(b"PK\x01\x02"), zlib.crc32(content)
    struct.pack_into("<H", data, 8, method)
    struct.pack_into("<H", data, start + 10, method)
    struct.pack_into("<I", data, 14, check)
    struct.pack_into("<I", data, start + 16, check)
    struct.pack_into("<I", data, start + 24, len(content))
    return bytes(data)


_BESIDE = {
    "the comment of an entry": _zip(comment=_HIDDEN_ID),
    "the comment of the archive": _zip()[:-2] + struct.pack("<H", len(_HIDDEN_ID)) + _HIDDEN_ID,
    "an extra field": _zip(extra=b"\x34\x12%b%b" % (struct.pack("<H", len(_HIDDEN_ID)), _HIDDEN_ID)),
    "after the archive": _zip() + _HIDDEN_ID,
    "before the archive": b"PK\x03\x04" + _HIDDEN_ID + _zip(),
    "an entry that is not listed": _unlisted(archive([("a", b"a"), ("b", _HIDDEN_ID)], zipfile.ZIP_STORED)),
    "after the end of an entry": _shorter(b"<a/>" + _HIDDEN_ID, b"<a/>"),
    "after the end of a deflated entry": _shorter(
        deflated(b"<a/>") + _HIDDEN_ID, b"<a/>", zipfile.ZIP_DEFLATED
    ),
    "more than an entry says": _shorter(deflated(b"<a/>" + _HIDDEN_ID), b"<a/>", zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize("kind", _BESIDE)
def test_redact_leaves_no_secret_beside_the_entries(kind: str) -> None:
    redacted = redact(_BESIDE[kind])
    assert redacted.changes
    with zipfile.ZipFile(io.BytesIO(redacted.data)) as opened:
        told = [(each.comment, each.extra, opened.read(each)) for each in opened.infolist()]
    assert b"pk3J" not in redacted.data + repr(told).encode() + b"".join(_layers(redacted.data))
    assert redact(redacted.data) == Redacted(redacted.data, ())


@pytest.mark.parametrize("streamed", [False, True])
def test_redact_keeps_an_archive_without_other_bytes(*, streamed: bool) -> None:
    data = _zip(comment=b"said", extra=b"UT\5\0\1abcd", streamed=streamed)
    assert (b"PK\x07\x08" in data) == streamed
    assert redact(data) == Redacted(data, ())


def test_redact_drops_a_name_that_becomes_too_long() -> None:
    data = archive([("SessionId=abcdef " * 3_800, b"x")])
    ((name, content),) = _members(redact(data).data)
    assert (name, content) == ("", b"x")


@pytest.mark.parametrize(
    ("record", "size"),
    [
        (struct.pack("<III", 7, 40, 90), 12),
        (b"PK\x07\x08" + struct.pack("<III", 7, 40, 90), 16),
        (struct.pack("<IQQ", 7, 40, 90), 20),
        (b"PK\x07\x08" + struct.pack("<IQQ", 7, 40, 90), 24),
        (struct.pack("<III", 7, 40, 91), 0),
        (b"PK\x03\x04" + struct.pack("<III", 7, 40, 90), 0),
        (b"", 0),
    ],
)
def test_descriptor_size_is_that_of_a_record_that_fits(record: bytes, size: int) -> None:
    info = zipfile.ZipInfo("raw/1_s.txt")
    info.CRC, info.compress_size, info.file_size = 7, 40, 90
    assert _descriptor_size(b"content" + record, 7, info) == size


def test_descriptor_size_of_a_large_entry_has_eight_byte_fields() -> None:
    info = zipfile.ZipInfo("raw/1_s.txt")
    info.CRC, info.compress_size, info.file_size = 7, 40, 1 << 32
    assert _descriptor_size(struct.pack("<IQQ", 7, 40, 1 << 32), 0, info) == 20
    assert _descriptor_size(struct.pack("<III", 7, 40, 0), 0, info) == 0


@pytest.mark.parametrize("text", [b"HTTP/1.1 100 Continue\r\nA: b", b"HTTP/1.1 100 Continue\r\n\r\nnothing"])
def test_redact_of_an_informational_response_alone_keeps_it(text: bytes) -> None:
    assert redact(text).data == text


@pytest.mark.parametrize("size", [1, 1_000, 262_144])
def test_members_before_the_entries_of_a_har_are_searched(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmla_headers.captures._formats.har._SIZE", size)
    identifier = "4f1c77aa-90ab-4cde-8f01-23456789abcd"
    ask = f"<Session SessionId='{identifier}'/>"
    entry = {"startedDateTime": "2026-11-02T08:00:00Z", "request": {"postData": {"text": ask}}}
    for rest in ("", "]"):
        log = {"version": "1.2", "comment": f"password=lantern {'x ' * 1_000}", "entries": [entry, entry]}
        data = json.dumps({"log": {**log, "note": f"token=lantern of {identifier}"}}) + rest
        found = redact(data.encode()).data.decode()
        expected = data.replace(identifier, "session-1").replace("lantern", "")
        assert found == expected
