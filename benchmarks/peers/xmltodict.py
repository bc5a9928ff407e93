"""xmltodict: a dict, and those checks of decode, written by hand, that a dict allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xmltodict

from . import SOAP, XMLA, Block, Message
from ._by_hand import marked

if TYPE_CHECKING:
    from typing import Any

# The dict does not keep them; only a DOCTYPE with entities is refused.
ACCEPTS = frozenset({"DOCTYPE", "processing instruction", "processing instruction after it"})

# Namespace -> prefix of the keys; names in another namespace begin with the whole namespace.
NAMESPACES = {SOAP: "soap", XMLA: "xmla"}
ENVELOPE, HEADER, BODY = ("soap:Envelope", "soap:Header", "soap:Body")
# Session header -> the key of the attribute that it requires.
REQUIRED = {"xmla:BeginSession": None, "xmla:Session": "@SessionId", "xmla:EndSession": "@SessionId"}
CLARK = {f"xmla:{name}": f"{{{XMLA}}}{name}" for name in ("BeginSession", "Session", "EndSession")}


def read(data: bytes) -> Message:
    """Return the header blocks, kind by kind, and the Body."""
    document = xmltodict.parse(data, process_namespaces=True, namespaces=NAMESPACES)
    if ENVELOPE not in document:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    # An empty element is None.
    envelope = document[ENVELOPE] or {}
    children = _elements(envelope)
    if children not in ([BODY], [HEADER, BODY]) or isinstance(envelope[BODY], list):
        raise ValueError("Envelope must have at most one Header, and one Body after it")
    header = envelope.get(HEADER) or {}
    if isinstance(header, list):
        raise TypeError("Envelope must have at most one Header")
    return Message(_blocks(header), envelope[BODY])


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    envelope = {
        "@xmlns:soap": SOAP,
        HEADER: {"Session": {"@xmlns": XMLA, "@SessionId": session_id}},
        BODY: xmltodict.parse(body),
    }
    text: str = xmltodict.unparse({ENVELOPE: envelope})
    return text.encode()


def _elements(parent: Any) -> list[str]:
    """Return the names of the child elements, and refuse text between them."""
    if isinstance(parent, str) or "#text" in parent:
        raise ValueError("text where only elements may be")
    return [key for key in parent if not key.startswith("@")]


def _blocks(header: Any) -> list[Block]:
    blocks: list[Block] = []
    for name in _elements(header):
        several = header[name] if isinstance(header[name], list) else [header[name]]
        if name in REQUIRED and len(several) > 1:
            raise ValueError(f"{name} occurs twice")
        blocks += [_block(name, element or {}) for element in several]
    return blocks


def _block(name: str, element: Any) -> Block:
    if isinstance(element, str):
        element = {"#text": element}
    session_id = None
    marks = [element.get("@soap:mustUnderstand")]
    if name in REQUIRED:
        if _elements(element):
            raise ValueError(f"{name} has a child element")
        required = REQUIRED[name]
        if required is not None:
            session_id = element.get(required)
            if session_id is None:
                raise ValueError(f"{name} has no {required}")
        marks.append(element.get("@mustUnderstand"))
    namespace, _, local = name.rpartition(":")
    return Block(CLARK.get(name, f"{{{namespace}}}{local}"), session_id, marked(name, marks))
