"""ElementTree through defusedxml: a tree, and the checks of decode written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring

from defusedxml.ElementTree import DefusedXMLParser, fromstring

from . import XMLA
from ._by_hand import BODY, ENVELOPE, HEADER, message_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from . import Message

# The tree does not keep them.
ACCEPTS = frozenset({"processing instruction", "processing instruction after it"})


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    return message_of(fromstring(data, forbid_dtd=True), list)


def stream(chunks: Iterable[bytes]) -> Element:
    """Return the root of a message that arrives in pieces."""
    # This is what fromstring does; the default tree builder is written in Python.
    parser = DefusedXMLParser(target=TreeBuilder(), forbid_dtd=True)
    for chunk in chunks:
        parser.feed(chunk)
    root: Element = parser.close()
    return root


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the given element in its Body."""
    envelope = Element(ENVELOPE)
    SubElement(SubElement(envelope, HEADER), f"{{{XMLA}}}Session", SessionId=session_id)
    SubElement(envelope, BODY).append(fromstring(body, forbid_dtd=True))
    data: bytes = tostring(envelope, encoding="utf-8")
    return data
