"""ElementTree through defusedxml: a tree, and by hand the checks that decode makes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring

from defusedxml.ElementTree import DefusedXMLParser, fromstring

from . import SOAP, XMLA, Block, Message

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The tree has none, and drops them without a word.
LETS_PASS = frozenset({"processing instruction", "processing instruction behind"})

ENVELOPE, HEADER, BODY = (f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body"))
MUST_UNDERSTAND = f"{{{SOAP}}}mustUnderstand"
#: Session header -> the attribute that it requires.
REQUIRED = {
    f"{{{XMLA}}}BeginSession": None,
    f"{{{XMLA}}}Session": "SessionId",
    f"{{{XMLA}}}EndSession": "SessionId",
}


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    root = fromstring(data, forbid_dtd=True)
    if root.tag != ENVELOPE:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    children = _elements(root)
    header = children.pop(0) if children and children[0].tag == HEADER else None
    if [child.tag for child in children] != [BODY]:
        raise ValueError("Envelope must hold at most one Header, and one Body behind it")
    return Message([] if header is None else _blocks(header), children[0])


def stream(chunks: Iterable[bytes]) -> Element:
    """Return the root of a message that comes in pieces."""
    # As fromstring does; the default is the tree builder that is written in Python.
    parser = DefusedXMLParser(target=TreeBuilder(), forbid_dtd=True)
    for chunk in chunks:
        parser.feed(chunk)
    root: Element = parser.close()
    return root


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the body's one element."""
    envelope = Element(ENVELOPE)
    SubElement(SubElement(envelope, HEADER), f"{{{XMLA}}}Session", SessionId=session_id)
    SubElement(envelope, BODY).append(fromstring(body, forbid_dtd=True))
    data: bytes = tostring(envelope, encoding="utf-8")
    return data


def _elements(parent: Element) -> list[Element]:
    """Return the child elements, and refuse text between them."""
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and not text.isspace() for text in texts):
        raise ValueError(f"text in {parent.tag}")
    return list(parent)


def _blocks(header: Element) -> list[Block]:
    blocks: list[Block] = []
    seen: set[str] = set()
    for element in _elements(header):
        name = element.tag
        session_id = None
        marks = [element.get(MUST_UNDERSTAND)]
        if name in REQUIRED:
            if name in seen:
                raise ValueError(f"{name} is there twice")
            seen.add(name)
            if _elements(element):
                raise ValueError(f"{name} has a child element")
            required = REQUIRED[name]
            if required is not None:
                session_id = element.get(required)
                if session_id is None:
                    raise ValueError(f"{name} has no {required}")
            marks.append(element.get("mustUnderstand"))
        values = {mark.strip() for mark in marks if mark is not None}
        if len(values) > 1 or not values <= {"0", "1"}:
            raise ValueError(f"mustUnderstand of {name} is neither 0 nor 1, or both")
        blocks.append(Block(name, session_id, values == {"1"}))
    return blocks
