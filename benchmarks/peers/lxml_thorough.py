"""lxml, thorough: a tree, and the checks of decode written by hand.

It has no positions of findings, no limits and no Body as bytes, because lxml does not offer them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from . import SOAP, XMLA
from ._by_hand import BODY, ENVELOPE, HEADER, message_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from . import Message

ACCEPTS: frozenset[str] = frozenset()

# The stubs of lxml do not know the default namespace.
DEFAULT: dict[Any, str] = {None: XMLA}
NAMESPACES = {"soap": SOAP}
SESSION = f"{{{XMLA}}}Session"


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    root = parse(data)
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a message must not have a DOCTYPE")
    around = (root.itersiblings(etree.PI, preceding=True), root.itersiblings(etree.PI))
    if any(next(found, None) is not None for found in (*around, root.iter(etree.PI))):
        raise ValueError("a message must not have a processing instruction")
    return message_of(root, lambda element: list(element.iterchildren("*")))


def parse(data: bytes) -> etree._Element:
    """Return the root of a message."""
    # A new parser for each message, because threads cannot share one.
    return etree.fromstring(data, _parser())


def stream(chunks: Iterable[bytes]) -> etree._Element:
    """Return the root of a message that arrives in pieces."""
    parser = _parser()
    for chunk in chunks:
        parser.feed(chunk)
    return parser.close()


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    envelope = etree.Element(ENVELOPE, nsmap=NAMESPACES)
    header = etree.SubElement(envelope, HEADER)
    session = etree.SubElement(header, SESSION, nsmap=DEFAULT)
    session.set("SessionId", session_id)
    etree.SubElement(envelope, BODY).append(parse(body))
    return etree.tostring(envelope, encoding="utf-8")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)
