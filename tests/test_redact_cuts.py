"""Nothing of a secret stays in a capture, wherever a length, a chunk or a blank line cuts a message."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from tests.capturing import archive, chunked
from xmla_headers.captures import ChangeKind, Pseudonyms, iter_messages, redact

if TYPE_CHECKING:
    from collections.abc import Callable

#: An id and a password of which no six characters occur elsewhere.
_ID = "qX7-pk3Jd-Zv9wT-mm2Rb"
_PASSWORD = "hU8nter+Kf4Lq_yW6sA"

#: How the id, and the password, are written in a message.
_SPELLINGS = {
    "double quotes": f'<Session SessionId="{_ID}"/><Password>{_PASSWORD}</Password>',
    "single quotes": f"<Session SessionId='{_ID}'/><x>Data Source=a;Password={_PASSWORD};b=c</x>",
    "braces": f'<Session SessionId="{{{_ID}}}"/><x>Data Source=a;Pwd="{_PASSWORD}";b=c</x>',
    "an element": f"<SessionID>{_ID}</SessionID><w:Security><Password>{_PASSWORD}</Password></w:Security>",
    "references": '<Session SessionId="{}"/><x>&lt;Password&gt;{}&lt;/Password&gt;</x>'.format(
        "".join(f"&#{ord(character)};" for character in _ID), _PASSWORD
    ),
    "percent signs": "<u>http://h/?SessionId={}&amp;password={}</u>".format(
        "".join(f"%{ord(character):02X}" for character in _ID), quote(_PASSWORD)
    ),
    "a fault": f"<Session SessionId=\"{_ID}\"/><f>The '{_ID}' session, pwd={_PASSWORD};</f>",
}
_REQUEST, _RESPONSE = b"POST /xmla HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\n"
_STARTS = {"request": _REQUEST, "response": _RESPONSE}


def _body(spelling: str) -> bytes:
    return f"<s:Envelope><s:Header>{_SPELLINGS[spelling]}</s:Header></s:Envelope>".encode()


def _message(start: bytes, body: bytes, length: int | None = None) -> bytes:
    return b"%bContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (
        start,
        len(body) if length is None else length,
        body,
    )


def _har(*bodies: bytes) -> bytes:
    entries = [
        {"request": {"method": "POST", "bodySize": 9_999, "postData": {"mimeType": "text/xml", "text": text}}}
        for text in map(bytes.decode, bodies)
    ]
    return json.dumps({"log": {"entries": entries}}).encode()


def _secrets() -> set[str]:
    """Return each stretch of a secret that is long enough to be of use."""
    return {
        secret[place : place + 6].lower() for secret in (_ID, _PASSWORD) for place in range(len(secret) - 5)
    }


_PIECES = _secrets()


def _leaks(data: bytes) -> set[str]:
    layers = [data, *(message.body for message in iter_messages(data))]
    texts = [layer.decode("utf-8", "replace") for layer in layers]
    texts += [unescape(text) for text in texts] + [unquote(text) for text in texts]
    lower = "\n".join(texts).lower()
    return {piece for piece in _PIECES if piece in lower}


def _check(data: bytes, cut: object) -> None:
    redacted = redact(data)
    assert not _leaks(redacted.data), (cut, redacted.data)
    assert redact(redacted.data).changes == (), cut


#: How a message is cut: the start of a request or a response, the body and the place -> a capture.
_CUTS: dict[str, Callable[[bytes, bytes, int], bytes]] = {
    "short length": _message,
    "short length, a message follows": lambda start, body, cut: (
        _message(start, body, cut) + _message(_RESPONSE, b"<a/>")
    ),
    "short length, text follows": lambda start, body, cut: _message(start, body, cut) + b"\r\n* closed\r\n",
    "long length": lambda start, body, cut: (
        _message(start, b"<a/>", 4 + cut) + _message(start, body) + _message(_RESPONSE, b"<a/>")
    ),
    "long length, chunks follow": lambda start, body, cut: (
        _message(start, b"<a/>", 4 + cut)
        + b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (_RESPONSE, chunked(body, 5))
        + _message(_RESPONSE, b"<a/>")
    ),
    "cut off": lambda start, body, cut: _message(start, body)[: -1 - cut],
    "an early last chunk": lambda start, body, cut: (
        b"%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n%b" % (start, cut, body[:cut], body[cut:])
    ),
    "a chunk that is too long": lambda start, body, cut: (
        b"%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (start, cut, body)
    ),
    "a damaged start": lambda start, body, cut: b"x" + _message(start, body, cut),
    "a text of a HAR": lambda _, body, cut: _har(body[:cut], body),
    "a HAR that is cut off": lambda _, body, cut: _har(body)[: -1 - cut],
    "a message": lambda _, body, cut: body[:cut],
    "an archive": lambda start, body, cut: archive([("raw/1_s.txt", _message(start, body, cut))]),
}


@pytest.mark.parametrize("step", [50, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", _CUTS)
@pytest.mark.parametrize("spelling", _SPELLINGS)
@pytest.mark.parametrize("side", _STARTS)
def test_redact_leaves_no_secret_at_any_cut(side: str, spelling: str, kind: str, step: int) -> None:
    body = _body(spelling)
    first = 1 + len(kind) % step
    for cut in range(first, len(body), step):
        _check(_CUTS[kind](_STARTS[side], body, cut), cut)


@pytest.mark.parametrize("kind", ["short length", "short length, a message follows", "long length"])
@pytest.mark.parametrize("spelling", ["double quotes", "single quotes", "an element"])
def test_learn_finds_an_id_across_any_cut(kind: str, spelling: str) -> None:
    body = _body(spelling)
    quoting = f"<f>The '{_ID}' session</f>".encode()
    for cut in range(1, len(body)):
        pseudonyms = Pseudonyms()
        pseudonyms.learn(_CUTS[kind](_RESPONSE, body, cut))
        assert not _leaks(redact(quoting, pseudonyms=pseudonyms).data), cut


def test_redact_keeps_what_follows_a_short_length() -> None:
    body = _body("double quotes")
    data = _message(_RESPONSE, body, 60) + b"\r\n" + _message(_RESPONSE, b"<a/>")
    hidden = body.replace(_ID.encode(), b"session-1").replace(_PASSWORD.encode(), b"")
    # The cut was within the id, which is before it now.
    length = hidden.index(b"session-1") + len("session-1")
    assert redact(data).data == (_message(_RESPONSE, hidden, length) + b"\r\n" + _message(_RESPONSE, b"<a/>"))


@pytest.mark.parametrize("cut", [20, 40, 51, 80])
def test_redact_reads_the_encoding_of_a_body_and_of_what_follows(cut: int) -> None:
    # In UTF-16, with letters beyond ASCII; what follows is another text.
    body = "<Session SessionId='\u00e4\u00f6\u03b1-\u03b2\u03b3\u03b4'/>".encode("utf-16")
    rest = b"<Password>%b</Password>" % _PASSWORD.encode()
    redacted = redact(_message(_RESPONSE, body + rest, cut))
    assert "<Session SessionId='session-1'/>".encode("utf-16-le") in redacted.data
    assert redacted.data.endswith(b"<Password></Password>")


def test_redact_leaves_out_a_coded_message_within_another() -> None:
    inner = b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (_RESPONSE, chunked(_body("double quotes"), 5))
    redacted = redact(_message(_REQUEST, b"<a/>" + inner))
    assert redacted.data.endswith(b"<a/>%bTransfer-Encoding: chunked\r\n\r\n" % _RESPONSE)
    assert [change.kind for change in redacted.changes] == [ChangeKind.UNSEARCHABLE]


def test_redact_hides_all_of_the_attack() -> None:
    data = (Path(__file__).parent / "data" / "attack" / "redact-short-content-length.http").read_bytes()
    assert b"ZZTOP" in data
    for secret in (b"QSECRET", b"77aa", b"ZZTOP", b"HIDDEN", b"hunter2", b"PASSWORD-XYZ"):
        assert secret not in redact(data).data


#: Heads whose end no one can tell: what follows them up to a blank line is no header field.
_HEADS = {
    "no blank line": b"",
    "a line that is no field": b"what is this\r\n",
    "a length": b"Content-Length: 40\r\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("head", _HEADS)
@pytest.mark.parametrize("spelling", ["double quotes", "single quotes", "an element"])
@pytest.mark.parametrize("side", _STARTS)
def test_redact_leaves_no_secret_around_a_blank_line(head: str, spelling: str, side: str) -> None:
    body = _body(spelling).replace(b"Data Source=a;Password=", b"Data Source=a;Password=&quot;")
    for secret in (_ID.encode(), _PASSWORD.encode()):
        for cut in range(len(secret) + 1):
            parted = secret[:cut] + b"\r\n\r\n" + secret[cut:]
            data = _STARTS[side] + _HEADS[head] + body.replace(secret, parted)
            _check(data, cut)
            if cut % 4 == 0:
                _check(data + _message(_RESPONSE, b"<a/>"), cut)
