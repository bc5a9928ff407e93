"""lxml: a tree, and by hand the checks that decode makes.

It leaves out what lxml does not offer: positions of findings, the caps, a Body as bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from . import SOAP, XMLA, Block, Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LETS_PASS: frozenset[str] = frozenset()

ENVELOPE, HEADER, BODY = (f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body"))
MUST_UNDERSTAND = f"{{{SOAP}}}mustUnderstand"
#: Session header -> the attribute that it requires.
REQUIRED = {
    f"{{{XMLA}}}BeginSession": None,
    f"{{{XMLA}}}Session": "SessionId",
    f"{{{XMLA}}}EndSession": "SessionId",
}
#: The stubs of lxml know no default namespace.
DEFAULT: dict[Any, str] = {None: XMLA}


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    root = parse(data)
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a message must not hold a DOCTYPE")
    around = (root.itersiblings(etree.PI, preceding=True), root.itersiblings(etree.PI))
    if any(next(found, None) is not None for found in (*around, root.iter(etree.PI))):
        raise ValueError("a message must not hold a processing instruction")
    if root.tag != ENVELOPE:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    children = _elements(root)
    header = children.pop(0) if children and children[0].tag == HEADER else None
    if [child.tag for child in children] != [BODY]:
        raise ValueError("Envelope must hold at most one Header, and one Body behind it")
    return Message([] if header is None else _blocks(header), children[0])


def parse(data: bytes) -> etree._Element:
    """Return the root of a message."""
    # A parser of its own for every message: one that is kept cannot be shared between threads.
    return etree.fromstring(data, _parser())


def stream(chunks: Iterable[bytes]) -> etree._Element:
    """Return the root of a message that comes in pieces."""
    parser = _parser()
    for chunk in chunks:
        parser.feed(chunk)
    return parser.close()


def write(session_id: str, body: bytes) -> bytes:
    """Return a request with a Session header and the body's one element."""
    envelope = etree.Element(ENVELOPE, nsmap={"soap": SOAP})
    header = etree.SubElement(envelope, HEADER)
    session = etree.SubElement(header, f"{{{XMLA}}}Session", nsmap=DEFAULT)
    session.set("SessionId", session_id)
    etree.SubElement(envelope, BODY).append(parse(body))
    return etree.tostring(envelope, encoding="utf-8")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _elements(parent: etree._Element) -> list[etree._Element]:
    """Return the child elements, comments aside, and refuse text between them."""
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and not text.isspace() for text in texts):
        raise ValueError(f"text in {parent.tag}")
    return list(parent.iterchildren("*"))


def _blocks(header: etree._Element) -> list[Block]:
    blocks: list[Block] = []
    seen: set[str] = set()
    for element in _elements(header):
        name = str(element.tag)
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
