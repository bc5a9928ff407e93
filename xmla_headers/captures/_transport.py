"""Knows where a message went over HTTP, who sent it, and the page that came instead of SOAP."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from xmla_headers._printable import printable
from xmla_headers.fault._masking import mask_in
from xmla_headers.soap import Direction

if TYPE_CHECKING:
    from ._message import CapturedMessage

__all__ = [
    "CHALLENGES",
    "NO_TRANSPORT",
    "TRANSPORT_FIELDS",
    "TRY_AGAIN",
    "WITHOUT_BODY",
    "Transport",
    "transport_of",
]


@dataclass(frozen=True, slots=True)
class Transport:
    """Where a message went over HTTP, who sent it, and what came instead of SOAP.

    >>> Transport(address="olap.example/xmla").page is None
    True
    """

    address: str | None = field(default=None, repr=False)
    """Where a request went: host, port and path, without query, parameters and user."""
    node: str | None = field(default=None, repr=False)
    """The server that answered, by fields such as Via and X-Served-By, or by its network address."""
    client: str | None = field(default=None, repr=False)
    """Who sent a request: User-Agent, X-Forwarded-For and network address. Only good to be compared."""
    page: str | None = None
    """The title of a page that came instead of a SOAP message; "" for a page without a title."""
    is_login: bool = False
    """Whether a response asks for credentials: 401, 407, a redirect to a login, or a page with one."""


CHALLENGES = frozenset({401, 407})
"""The statuses that ask for credentials: RFC 9110 §15.5.2 and §15.5.8."""
TRY_AGAIN = CHALLENGES | frozenset(range(300, 400))
"""The statuses after which a client sends the request again: a challenge or a redirect (§15.4)."""
WITHOUT_BODY = frozenset({202, 204})
"""The statuses of a success that needs no body: RFC 9110 §15.3.3 and §15.3.5."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

NO_TRANSPORT = Transport()
"""For a message without HTTP."""

# The fields that name the server behind a gateway, and those that name the client.
_NODES = ("via", "x-served-by", "x-backend-server", "x-backend", "x-upstream", "x-node", "x-server")
_CLIENTS = ("user-agent", "x-forwarded-for", "x-real-ip", "forwarded")
_NODE_NAMES = frozenset(_NODES)
TRANSPORT_FIELDS = frozenset({*_NODES, *_CLIENTS, "host", "location"})
"""The header fields that `transport_of` reads, in lower case."""

_COMMENT = re.compile(r"\([^()]*\)")
_IN_PATH = re.compile(r";[^/]*|/\([A-Z]\([^()/]*\)\)")

_LOGIN = re.compile(
    r"(?i)log[-_]?[io]n|sign[-_ ]?[io]n|sso\b|saml|oauth|openid|adfs|/auth|authori[sz]e|/cas/"
)
_LOGIN_PAGE = re.compile(rb"(?i)<input\b[^<>]{0,300}\btype\s*=\s*[\"']?password")
_LOGIN_TITLE = re.compile(r"(?i)\b(?:log|sign)[- ]?(?:in|on)\b|anmeld|connexion|iniciar sesi|accedi\b")
_HTML = re.compile(
    rb"(?i)\s*(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)\b", re.DOTALL
)
_TITLE = re.compile(rb"(?i)<title[^<>]{0,100}>([^<]{0,300})")
# The bytes of a page that are searched, and the characters of its title that are kept.
_MOST_PAGE, _MOST_TITLE = 16_384, 80
# The longest value of a field that is compared.
_MOST_VALUE = 200


def transport_of(message: CapturedMessage, fields: dict[str, str], *, is_soap: bool) -> Transport:
    """Return what HTTP says about a message.

    Args:
        message: The message.
        fields: Its header fields among `TRANSPORT_FIELDS`, the first of each name: name in lower case ->
            value.
        is_soap: Whether its body is a SOAP message that could be read.
    """
    if message.direction is Direction.REQUEST:
        named = [fields[name][:_MOST_VALUE] for name in _CLIENTS if name in fields]
        if message.sender is not None:
            named.append(message.sender)
        return _request(_address(message.target, fields.get("host")), " ".join(named) or None)
    node = message.sender
    if not _NODE_NAMES.isdisjoint(fields):
        value = next(fields[name][:_MOST_VALUE] for name in _NODES if name in fields)
        # A comment of Via may be about one request (RFC 9110 §7.6.3).
        node = printable(_COMMENT.sub("", value).strip()) or None
    if is_soap or message.trouble is not None or message.omitted:
        return NO_TRANSPORT if node is None else _response(node)
    return _page(message, node, fields.get("location"))


# A capture has few clients, addresses and servers, and a value that is kept is pickled once.


@lru_cache(maxsize=256)
def _request(address: str | None, client: str | None) -> Transport:
    return NO_TRANSPORT if address is client is None else Transport(address, None, client)


@lru_cache(maxsize=256)
def _response(node: str) -> Transport:
    return Transport(None, node)


@lru_cache(maxsize=256)
def _address(target: str | None, host: str | None) -> str | None:
    """Return host, port and path of a request: the same text for the same place."""
    if target is None:
        return None
    try:
        parts = urlsplit(target if "://" in target else f"//{host or ''}{target}")
        place, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if port is not None and (parts.scheme, port) not in (("http", 80), ("https", 443)):
        place = f"{place}:{port}"
    # Servers without cookies write session ids into the path.
    path = _IN_PATH.sub("", unquote(parts.path).partition("?")[0]).rstrip("/")
    return printable(f"{place}{path}"[:_MOST_VALUE]) or None


def _page(message: CapturedMessage, node: str | None, location: str | None) -> Transport:
    """Return what is known about a response that is no SOAP message."""
    head, status = message.body[:_MOST_PAGE], message.status
    page, found = None, _TITLE.search(head)
    if found is not None:
        words = " ".join(html.unescape(found[1].decode("utf-8", "replace")).split())
        page = printable(mask_in(words[:_MOST_TITLE]))
    elif head.strip():
        # A text, or JSON, is a page without a title.
        is_html = _HTML.match(head) is not None
        page = "" if is_html or b"Envelope" not in head[:4096] else None
    is_login = status in CHALLENGES
    if status in _REDIRECTS and location is not None:
        is_login = _LOGIN.search(location) is not None
    elif not is_login and page is not None:
        is_login = _LOGIN_PAGE.search(head) is not None or _LOGIN_TITLE.search(page) is not None
    return Transport(None, node, None, page, is_login)
