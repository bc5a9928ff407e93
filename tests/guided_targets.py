"""The targets of `tests.guided`: invariants for any bytes, one function for each entry point.

A target makes a message or a capture from an input of the fuzzer, and raises if an invariant fails. To add
one, add a function and a row in TARGETS; its inputs are in `tests/data/corpus/<its name>/`.
"""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from defusedxml import ElementTree

from tests.capturing import archive, http
from tests.invariants import hold, verdict
from xmla_headers import (
    SESSION_BLOCKS,
    SOAP_11_NS,
    XMLA_NS,
    Direction,
    EncodeError,
    Fragment,
    Header,
    HeaderReader,
    Limits,
    Severity,
    UnknownHeaderBlock,
    captures,
    decode,
    decode_header,
    encode_block,
    iter_findings,
)
from xmla_headers.timeline import Timeline
from xmla_headers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Target: TypeAlias = Callable[[bytes], None]

__all__ = ["ALPHABET", "TARGETS"]

_OPENING = f'<s:Envelope xmlns:s="{SOAP_11_NS}" xmlns:x="{XMLA_NS}">'.encode()
_CLOSING = b"</s:Envelope>"

# -- encodings ---------------------------------------------------------------------------------------

_UTF_16 = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def _in_utf_16(codec: str, data: bytes) -> None:
    """Check a text in UTF-16. The input is UTF-8, so that a person and a mutation can change it.

    A byte that is not UTF-8 becomes half of a surrogate pair; a last byte FF becomes half of a character.
    """
    text, half = (data[:-1], True) if data.endswith(b"\xff") else (data, False)
    units = text.decode("utf-8", "surrogateescape").encode(codec, "surrogatepass")
    hold(_UTF_16[codec] + (units[:-1] if half else units))


def _in_latin_1(data: bytes) -> None:
    hold(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + data)
    _reads_alike(data, encoding="iso-8859-1")


#: The first encodings; with U+FEFF, the text begins with a mark.
_INNER = ("utf-8", "utf-16-le", "utf-16-be", "\ufeffutf-8", "\ufeffutf-16-le", "\ufeffutf-16-be")


def _decoded_twice(data: bytes) -> None:
    """Check text that was decoded as ISO-8859-1 and encoded again; the first byte selects how."""
    number = data[0] if data else 0
    way = _INNER[number % len(_INNER)]
    text = data[1:].decode("utf-8", "surrogateescape")
    mark = "\ufeff" if way.startswith("\ufeff") else ""
    once = (mark + text).encode(way.removeprefix("\ufeff"), "surrogatepass").decode("iso-8859-1")
    match number // len(_INNER) % 5:
        case 0:
            hold(once.encode())
        case 1:
            hold(_UTF_16["utf-16-le"] + once.encode("utf-16-le"))
        case 2:
            hold(_UTF_16["utf-16-be"] + once.encode("utf-16-be"))
        case 3:
            _reads_alike(once.encode("iso-8859-1"), encoding="iso-8859-1")
        case _:
            hold(b'<?xml version="1.0" encoding="latin1"?>' + once.encode("iso-8859-1"))


def _reads_alike(data: bytes, size: int = 0, **reading: Any) -> None:
    """Check that decode, decode_header, iter_findings and HeaderReader agree for some arguments."""
    whole = verdict(decode, data, **reading)
    findings = list(iter_findings(data, deep=False, **reading))
    refused = [each for each in findings if each.severity is Severity.ERROR or reading.get("strict")]
    assert whole[0] == "value" or whole[1] == (refused[0] if refused else None), (whole, findings)
    if whole[0] == "value":
        assert not refused, refused
        assert list(whole[1].warnings) == findings
        assert verdict(decode_header, data, **reading) == ("value", whole[1].header)
    expected = ("value", whole[1].header) if whole[0] == "value" else whole
    pieces = (data[start : start + (size or 1)] for start in range(0, len(data), size or 1))
    assert verdict(_in_pieces, pieces if size else [data], **reading) == expected


def _in_pieces(pieces: Iterator[bytes], **reading: Any) -> Header:
    reader = HeaderReader(**reading)
    for piece in pieces:
        reader.feed(piece)
    return reader.close()


# -- parts of a message ------------------------------------------------------------------------------

_SMALL = Limits(
    max_message_bytes=600,
    max_header_bytes=400,
    max_header_blocks=2,
    max_depth=4,
    max_attributes=4,
    max_name_length=40,
)
_READINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"direction": Direction.REQUEST},
    {"direction": Direction.RESPONSE, "strict": True},
    {"types": {}},
    {"types": dict(list(SESSION_BLOCKS.items())[:1]), "refuse": ()},
    {"limits": _SMALL},
    {"encoding": "utf-8"},
)


def _head(data: bytes) -> None:
    """Check the bytes between the start tags of Envelope and Body; the first byte selects arguments."""
    reading = _READINGS[(data[0] if data else 0) % len(_READINGS)]
    message = _OPENING + data[1:] + b"<s:Body/>" + _CLOSING
    _reads_alike(message, **reading)
    hold(message)
    found = verdict(decode_header, message)
    if found[0] != "value":
        return
    header: Header = found[1]
    for block in header.blocks:
        written = b"<s:Header>" + encode_block(block) + b"</s:Header><s:Body/>"
        (alone,) = decode_header(_OPENING + written + _CLOSING).blocks
        assert (alone.qname, alone.must_understand, alone.actor) == (
            block.qname,
            block.must_understand,
            block.actor,
        )
        # An unknown block in no namespace gets xmlns="", so its bytes may differ.
        assert alone == block or isinstance(block, UnknownHeaderBlock)


def _body(data: bytes) -> None:
    """Check the content of the Body."""
    message = _OPENING + b"<s:Body>" + data + b"</s:Body>" + _CLOSING
    hold(message)
    deep = verdict(decode, message, deep=True)
    if deep[0] != "value":
        return
    envelope = deep[1]
    ElementTree.fromstring(message)
    inside = envelope.body
    assert data.startswith(inside.xml)
    again = Fragment(inside.xml, inside.namespaces)
    assert again == inside
    try:
        alone = Fragment(inside.xml)
    except EncodeError:
        return
    assert alone.xml == inside.xml


def _chunks(data: bytes) -> None:
    """Check HeaderReader with pieces of two alternating sizes, which are the first two bytes."""
    if len(data) < 2:
        return
    sizes = data[0] % 61 + 1, data[1] % 200 + 1
    reading = _READINGS[data[1] % len(_READINGS)]
    message = data[2:]
    pieces, place, turn = [], 0, 0
    while place < len(message):
        pieces.append(message[place : place + sizes[turn % 2]])
        place, turn = place + sizes[turn % 2], turn + 1
    whole = verdict(decode, message, **reading)
    expected = ("value", whole[1].header) if whole[0] == "value" else whole
    assert verdict(_in_pieces, iter(pieces), **reading) == expected
    buffer = bytearray()

    def reused() -> Iterator[bytearray]:
        for piece in pieces:
            buffer[:] = piece
            yield buffer
            buffer[:] = b"#" * len(piece)

    assert verdict(_in_pieces, reused(), **reading) == expected


# -- captures ----------------------------------------------------------------------------------------

_BOUNDS = captures.CaptureLimits(max_entry_bytes=1_000_000, max_unpacked_bytes=4_000_000, max_entries=1_000)


def _capture(data: bytes) -> None:
    """Check that any bytes are read, followed and redacted as a capture."""
    transcript, timeline = Transcript(), Timeline()
    for message in captures.iter_messages(data, "it", limits=_BOUNDS):
        checked = captures.check_message(message)
        timeline.add(checked, transcript.add(checked))
    timeline.close(transcript.close())
    redacted = captures.redact(data, "it", limits=_BOUNDS, insist=True)
    assert (redacted.data == data) == (not redacted.changes), redacted.changes
    again = captures.redact(redacted.data, "it", limits=_BOUNDS, insist=True)
    assert not again.changes, again.changes


def _saz(data: bytes) -> None:
    """Check a Fiddler archive: its bytes, or a text with the content of each file after a line `== NAME`."""
    if data.startswith(b"PK"):
        _capture(data)
        return
    members = re.split(rb"(?m)^== ([ -~]{1,40})\n", data)
    named = {name.decode(): content for name, content in zip(members[1::2], members[2::2], strict=True)}
    _capture(archive(list(named.items()), zipfile.ZIP_STORED))


# -- redaction ---------------------------------------------------------------------------------------

#: Secrets that no other text here contains.
_ID, _PASSWORD = "Pz7Qk-41dXw9-Vj", "hG5!tuWq_3Rz"


def _in_references(text: str) -> str:
    return "".join(f"&#x{ord(each):x};" if place % 3 == 1 else each for place, each in enumerate(text))


#: The spellings of the second occurrence of the id.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    _in_references,
    lambda text: "".join(f"&#{ord(each)};" for each in text),
    lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    lambda text: "".join(f"%{ord(each):02X}" for each in text),
    lambda text: f"&lt;a b='{text}'/&gt;",
)
#: The places of the password.
_PLACES = (
    "<Password>{}</Password>",
    "<x:Password a='b'>{}</x:Password>",
    "Data Source=a;Password={};Cube=b",
    "\nAuthorization: Basic {}\n",
    "<a href='http://user:{}@host/b'/>",
    ' {{"password": "{}"}} ',
    "<o:Security xmlns:o='urn:a'><o:b>{}</o:b></o:Security>",
)


def _planted(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield captures that contain the id and the password, each with a description.

    The first three bytes of the input select the format, the place and the spelling. Three parts of text
    around the secrets follow.
    """
    form, cut, around = data[0], data[1], data[3:]
    spelled = _SPELLINGS[data[2] % len(_SPELLINGS)](_ID)
    place = _PLACES[data[2] // len(_SPELLINGS) % len(_PLACES)].format(_PASSWORD)
    before, between, after = [*around.split(b"|", 2), b"", b""][:3]
    shown = f" <x:Session SessionId='{_ID}'/> ".encode()
    text = b" ".join([before + shown, between, place.encode(), f" {spelled} ".encode(), after])
    fields = (("Content-Type", "text/xml"), ("Authorization", f"Basic {_PASSWORD}"), ("X-AS-SessionID", _ID))
    match form % 6:
        case 0:
            yield text, "bare"
        case 1:
            readable = text.decode("utf-8", "surrogateescape")
            yield _UTF_16["utf-16-le"] + readable.encode("utf-16-le", "surrogatepass"), "in UTF-16"
        case 2:
            posted = http("POST /xmla HTTP/1.1", fields, text)
            said = len(text) * cut // 255
            yield posted.replace(b"Content-Length: %d" % len(text), b"Content-Length: %d" % said), "HTTP"
        case 3:
            coding = ("gzip", "deflate", "chunked", "gzip, chunked")[cut % 4]
            yield http("POST /xmla HTTP/1.1", fields, text, coding), coding
        case 4:
            yield _planted_har(text, fields, base64=bool(cut % 2)), "HAR"
        case _:
            posted = http("POST /xmla HTTP/1.1", fields, text, ("identity", "gzip")[cut % 2])
            yield archive([("raw/1_c.txt", posted), ("raw/1_s.txt", b""), ("_index.htm", text)]), "SAZ"


def _planted_har(text: bytes, fields: tuple[tuple[str, str], ...], *, base64: bool) -> bytes:
    body = {"text": text.decode("iso-8859-1")}
    if base64:
        body = {"text": b64encode(text).decode(), "encoding": "base64"}
    headers = [{"name": name, "value": value} for name, value in fields]
    request = {"method": "POST", "url": f"http://a/?SessionId={_ID}", "headers": headers, "postData": body}
    response = {"status": 200, "headers": headers, "content": {**body, "mimeType": "text/xml"}}
    return json.dumps({"log": {"entries": [{"request": request, "response": response}]}}).encode()


def _redaction(data: bytes) -> None:
    """Check that redaction removes an id and a password in all spellings."""
    if len(data) < 3:
        return
    for capture, what in _planted(data):
        redacted = captures.redact(capture, "it", limits=_BOUNDS, insist=True)
        said = " ".join(map(str, redacted.changes))
        for text in (*_readable(redacted.data), *_spelled_out(said)):
            assert _ID.lower() not in text, f"the id is still there ({what}): {text!r}"
            assert _PASSWORD.lower() not in text, f"the password is still there ({what}): {text!r}"


def _readable(data: bytes) -> Iterator[str]:
    """Yield the texts of a capture with all codings and escapes decoded."""
    found = [data, *(message.body for message in captures.iter_messages(data, limits=_BOUNDS))]
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            found += [opened.read(name) for name in opened.namelist()]
    for each in found:
        yield from _spelled_out(each.replace(b"\0", b"").decode("iso-8859-1"))


def _spelled_out(text: str) -> Iterator[str]:
    for _ in range(4):
        yield text.lower()
        text = re.sub(r"\\u00([0-7][0-9a-fA-F])", lambda match: chr(int(match[1], 16)), text)
        text = unquote(html.unescape(text))


# -- the table ---------------------------------------------------------------------------------------

TARGETS: Mapping[str, Target] = {
    "utf8": hold,
    "utf16le": partial(_in_utf_16, "utf-16-le"),
    "utf16be": partial(_in_utf_16, "utf-16-be"),
    "latin1": _in_latin_1,
    "decoded-twice": _decoded_twice,
    "head": _head,
    "body": _body,
    "chunks": _chunks,
    "har": _capture,
    "saz": _saz,
    "http": _capture,
    "bare": _capture,
    "redaction": _redaction,
}

#: Words that a mutation inserts.
ALPHABET: tuple[bytes, ...] = (
    *rb"""<!-- --> <![CDATA[ ]]> <?xml <? ?> <!DOCTYPE &#0; &#x26; &amp; & xmlns= xmlns:x= : /> </ > < " '
    mustUnderstand="1" SessionId=" SessionId=' BeginSession Session EndSession s:Header s:Body Fault faultcode
    Content-Length: Content-Encoding: Transfer-Encoding: chunked gzip Cookie: Password= \u0000 %00 ://a:b@ {}
    [] | ,""".split(),
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xed\xa0\x80", b"\r\n\r\n", b" \t\r\n"),
)
