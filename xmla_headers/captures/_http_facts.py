"""Knows where the header fields of HTTP say something else than the message that they come with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers._xml.encoding import same_encoding
from xmla_headers.findings import Code, XmlaHeadersError, value_finding
from xmla_headers.http import SESSION_ID_FIELDS, charset_of, session_id_of
from xmla_headers.session_headers import Session
from xmla_headers.soap import XMLA_NS, Direction, SoapVersion

from ._transport import TRANSPORT_FIELDS

if TYPE_CHECKING:
    from xmla_headers.envelope import Envelope
    from xmla_headers.findings import Finding

    from ._message import CapturedMessage

__all__ = ["NO_FACTS", "Facts", "facts_of", "findings_of", "media_type_of"]

_FIELDS = frozenset({"content-type", "soapaction", *SESSION_ID_FIELDS, *TRANSPORT_FIELDS})

_MOST_TYPE = 1_024
_TYPE = re.compile(r"[ \t]*+[!#$%&'*+.^_`|~0-9a-z-]++/[!#$%&'*+.^_`|~0-9a-z-]++")
_SOAP_1_2 = "application/soap+xml"
# RFC 7303 §4.
_XML = re.compile(r"(?:text|application)/xml|[^/]+/[^/]+\+xml")

_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\b[^<>]{0,200}?\sencoding\s*=\s*[\"']([^\"'<>]{1,64})")
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MOST_DECLARATION = 512

# The methods whose action is known.
_METHODS = frozenset({"Discover", "Execute"})
_LOCAL = re.compile(r"[^:/#]*\Z")


class Facts(NamedTuple):
    """The header fields of a message that say something about its content."""

    content_type: str | None
    action: str | None
    session_id: str | None
    fields: dict[str, str]
    """The fields that are read: name in lower case -> value of the first one."""


NO_FACTS = Facts(None, None, None, {})


@lru_cache(maxsize=64)
def media_type_of(content_type: str) -> tuple[str, str | None]:
    """Return media type and charset, in lower case (RFC 9110 §8.3.1)."""
    # The MIME parser of Python takes quadratic time, or raises, for some values.
    content_type = content_type[:_MOST_TYPE].lower()
    kind = _TYPE.match(content_type)
    return "" if kind is None else kind[0].strip(), charset_of(content_type)


def facts_of(headers: tuple[tuple[str, str], ...]) -> Facts:
    """Return what the header fields say. The first field of a name counts."""
    if not headers:
        return NO_FACTS
    found: dict[str, str] = {}
    sessions = []
    for name, value in headers:
        lower = name.lower()
        if lower in _FIELDS:
            found.setdefault(lower, value)
            if lower in SESSION_ID_FIELDS:
                sessions.append((lower, value))
    session_id = _session_id(sessions) if sessions else None
    return Facts(found.get("content-type"), found.get("soapaction"), session_id, found)


def _session_id(fields: list[tuple[str, str]]) -> str | None:
    session_id = session_id_of(fields)
    try:
        return None if session_id is None else Session(session_id).session_id
    except XmlaHeadersError:
        # No message could carry it.
        return None


def findings_of(
    message: CapturedMessage, facts: Facts, envelope: Envelope | None, method: str | None
) -> list[Finding]:
    """Return the findings about a message and its header fields; `envelope` is None if it is refused."""
    found = []
    if facts.content_type is not None:
        reason = _wrong_type(facts.content_type, message, envelope)
        if reason is not None:
            found.append(value_finding(Code.CONTENT_TYPE_MISMATCH, reason))
    if facts.action is not None and method is not None and message.direction is Direction.REQUEST:
        reason = _wrong_action(facts.action, method)
        if reason is not None:
            found.append(value_finding(Code.SOAP_ACTION_MISMATCH, reason))
    if facts.content_type is not None:
        reason = _other_charset(facts.content_type, message)
        if reason is not None:
            found.append(value_finding(Code.CHARSET_CONFLICT, reason))
    if facts.session_id is not None and envelope is not None and _contradicts(facts.session_id, envelope):
        text = "the session id in the header fields of HTTP is not that of the session header"
        found.append(value_finding(Code.SESSION_FIELD_MISMATCH, text))
    return found


def _wrong_type(content_type: str, message: CapturedMessage, envelope: Envelope | None) -> str | None:
    media_type, _ = media_type_of(content_type)
    if media_type.startswith("multipart/"):
        if message.other_parts is None and message.body:
            return f"the Content-Type is {media_type}, and the body has no root part"
        return None
    if envelope is None:
        return None
    if media_type == _SOAP_1_2:
        if envelope.soap is SoapVersion.SOAP_1_2:
            return None
        return f"the Content-Type is {_SOAP_1_2}, that of SOAP 1.2, and the Envelope is of SOAP 1.1"
    if _XML.fullmatch(media_type) is not None:
        return None
    named = media_type if len(media_type) <= _MOST_SHOWN and media_type else "no media type"
    return f"the Content-Type is {named}, and the body is XML"


# The longest media type that a finding quotes.
_MOST_SHOWN = 60


@lru_cache(maxsize=64)
def _wrong_action(action: str, method: str) -> str | None:
    action = action.strip().strip("\"'").strip()
    local = _LOCAL.search(action)
    if not action or action == f"{XMLA_NS}:{method}":
        return None
    if method not in _METHODS and local is not None and local[0] == method:
        return None
    named = next((known for known in sorted(_METHODS) if action == f"{XMLA_NS}:{known}"), "another action")
    return f"SOAPAction names {named}, and the Body has {method if method in _METHODS else 'another method'}"


def _other_charset(content_type: str, message: CapturedMessage) -> str | None:
    media_type, charset = media_type_of(content_type)
    if media_type.startswith("multipart/"):
        charset = message.charset
    if charset is None:
        return None
    body = message.body[:_MOST_DECLARATION]
    if body[:2] in _MARKS:
        body = body[2:].replace(b"\0", b"")
    declared = _DECLARATION.match(body)
    if declared is None or same_encoding(charset, declared[1].decode("latin-1")):
        return None
    return "Content-Type gives another charset than the encoding of the XML declaration"


def _contradicts(session_id: str, envelope: Envelope) -> bool:
    blocks = (envelope.header.session, envelope.header.end_session)
    return any(block is not None and block.session_id.strip() != session_id for block in blocks)
