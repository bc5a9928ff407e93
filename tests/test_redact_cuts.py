"""No part of a secret stays in a capture, wherever a length, a chunk or a blank line cuts a message."""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from tests.capturing import archive, chunked
from tests.each import each
from tests.redacting import redact
from xmla_headers.captures import ChangeKind, Pseudonyms, iter_messages

if TYPE_CHECKING:
    from collections.abc import Callable

# An id and a password; no six characters of them occur elsewhere.
_ID = "qX7-pk3Jd-Zv9wT-mm2Rb"
_PASSWORD = "hU8nter+Kf4Lq_yW6sA"

# Spellings of the id and the password in a message.
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
# Spellings that only matter for the rest of a secret.
_CONTENTS = {
    "sections": f"<SessionID><![CDATA[{_ID}]]></SessionID><x><!--Password={_PASSWORD};--></x>",
    "children": f"<w:Security><w:A>a</w:A><w:B>{_PASSWORD}</w:B><w:C/></w:Security>",
    "nothing but escapes": f"<Session SessionId='{_ID}'/><Password>{_PASSWORD}</Password>",
}
_REQUEST, _RESPONSE = b"POST /xmla HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.1 200 OK\r\n"
_STARTS = {"request": _REQUEST, "response": _RESPONSE}


def _body(spelling: str) -> bytes:
    content = _SPELLINGS.get(spelling) or _CONTENTS[spelling]
    text = f"<s:Envelope><s:Header>{content}</s:Header></s:Envelope>"
    return (escape(text) if spelling == "nothing but escapes" else text).encode()


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
    """Return each part of a secret that is long enough to be useful."""
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


def _check(data: bytes, cut: object, pseudonyms: Pseudonyms | None = None) -> None:
    redacted = redact(data, pseudonyms=pseudonyms)
    assert not _leaks(redacted.data), (cut, redacted.data)
    assert redact(redacted.data).changes == (), cut


# The start of a request or a response, the body and the offset of the cut -> a capture.
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


# A body and the offset at which a message begins in its middle -> a capture.
_TAILS: dict[str, Callable[[bytes, int], bytes]] = {
    "a message": lambda body, cut: body[cut:],
    "a response": lambda body, cut: _message(_RESPONSE, body[cut:]),
    "a chunked response": lambda body, cut: (
        b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (_RESPONSE, chunked(body[cut:], 5))
    ),
    "one body in two responses": lambda body, cut: (
        _message(_RESPONSE, body[:cut]) + _message(_RESPONSE, body[cut:])
    ),
    "two texts of a HAR": lambda body, cut: _har(body[:cut], body[cut:]),
    "base64 in JSON": lambda body, cut: json.dumps({"a": [b64encode(body[cut:]).decode()]}).encode(),
    "UTF-16": lambda body, cut: body[cut:].decode().encode("utf-16-le"),
    "an archive": lambda body, cut: archive([("raw/1_s.txt", _message(_RESPONSE, body[cut:]))]),
}


@pytest.mark.parametrize("step", [50, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", _TAILS)
@pytest.mark.parametrize("spelling", [*_SPELLINGS, *_CONTENTS])
def test_redact_leaves_no_rest_of_a_secret_at_any_cut(spelling: str, kind: str, step: int) -> None:
    body, pseudonyms = _body(spelling), Pseudonyms()
    if spelling == "a fault":
        # A fault shows nothing that tells an id from other text.
        pseudonyms.learn(body)
    first = 1 + len(kind) % step
    for cut in range(first, len(body), step):
        _check(_TAILS[kind](body, cut), cut, pseudonyms)


@pytest.mark.parametrize("cut", range(len(_ID) - 5))
def test_redact_hides_the_rest_of_a_known_id_in_text(cut: int) -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.learn(f"<Session SessionId='{_ID}'/>".encode())
    for text in (f"{_ID[cut:]}: no such session", f"{_ID[cut:].upper()}", f"{_ID[cut:]}<a/>"):
        redacted = redact(text.encode(), pseudonyms=pseudonyms)
        assert redacted.data.startswith(b"session-1")
        assert len(redacted.data) == len(text) + len("session-1") - len(_ID[cut:])


@pytest.mark.parametrize(
    "text",
    [
        "<s:Envelope><s:Header/></Security></s:Envelope>",
        "<?xml version='1.0'?><a></Password>",
        "INFO sent <s:Envelope><s:Header/></s:Envelope>",
        "The size is 5 > 3 and 2 < 3",
        'a "quoted" word > another',
        "no markup at all",
    ],
)
def test_redact_keeps_text_that_has_its_beginning(text: str) -> None:
    assert redact(text.encode()).changes == ()


@pytest.mark.slow
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
    # The cut was within the id, and is after the pseudonym.
    length = hidden.index(b"session-1") + len("session-1")
    assert redact(data).data == (_message(_RESPONSE, hidden, length) + b"\r\n" + _message(_RESPONSE, b"<a/>"))


@pytest.mark.parametrize("cut", [20, 40, 51, 80])
def test_redact_reads_the_encodings_of_body_and_rest(cut: int) -> None:
    # In UTF-16, with letters beyond ASCII; what follows is another text.
    body = "<Session SessionId='\u00e4\u00f6\u03b1-\u03b2\u03b3\u03b4'/>".encode("utf-16")
    rest = b"<Password>%b</Password>" % _PASSWORD.encode()
    redacted = redact(_message(_RESPONSE, body + rest, cut))
    assert "<Session SessionId='session-1'/>".encode("utf-16-le") in redacted.data
    assert redacted.data.endswith(b"<Password></Password>")


def test_redact_empties_a_coded_message_within_another() -> None:
    inner = b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (_RESPONSE, chunked(_body("double quotes"), 5))
    redacted = redact(_message(_REQUEST, b"<a>" + inner))
    assert redacted.data.endswith(b"<a>%bTransfer-Encoding: chunked\r\n\r\n" % _RESPONSE)
    assert [change.kind for change in redacted.changes] == [ChangeKind.UNSEARCHABLE]


def test_redact_hides_all_of_the_attack() -> None:
    data = (Path(__file__).parent / "data" / "attack" / "redact-short-content-length.http").read_bytes()
    assert b"ZZTOP" in data
    for secret in (b"QSECRET", b"77aa", b"ZZTOP", b"HIDDEN", b"hunter2", b"PASSWORD-XYZ"):
        assert secret not in redact(data).data


# Heads without a recognisable end: the lines before the blank line are not all header fields.
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


# The beginning of a message that begins within an element, and what is left of it.
_BEGINNINGS = {
    f"{_ID}</SessionID><a/>": "</SessionID><a/>",
    f"ssionID>{_ID}</SessionID>": "ssionID></SessionID>",
    f"ssionID>{_ID[:9]}<!-- a -->{_ID[9:]}</SessionID>": "ssionID><!-- a --></SessionID>",
    f"ssionID><![CDATA[{_ID}]]></SessionID>": "ssionID><![CDATA[]]></SessionID>",
    f"ssionID> <![CDATA[{_ID}]]>\n</SessionID>": "ssionID> <![CDATA[]]>\n</SessionID>",
    f"{_ID}]]></SessionID>": "]]></SessionID>",
    f"{_ID}--><a/>": "--><a/>",
    f"{_ID}\" a='b'/><c/>": "\" a='b'/><c/>",
}


@each(("text", "left"), _BEGINNINGS.items())
def test_redact_removes_the_rest_of_an_element(text: str, left: str) -> None:
    redacted = redact(text.encode())
    assert redacted.data.decode() == left
    assert redact(redacted.data).changes == ()


def test_redact_pseudonym_does_not_keep_the_rest_of_a_tag() -> None:
    # An id of which a part is found first, and which begins the text after one round.
    redacted = redact(b'{}"si\xf3n-o"">SessionId=\0"si\xf3n-o""SessionId=\'"""si\xf3n-o')
    assert redact(redacted.data).changes == ()
