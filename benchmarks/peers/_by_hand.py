"""The checks that decode makes, written by hand for a tree of ElementTree or lxml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import SOAP, XMLA, Block, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENVELOPE, HEADER, BODY = (f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body"))
MUST_UNDERSTAND = f"{{{SOAP}}}mustUnderstand"
# Session header -> the attribute that it requires.
REQUIRED = {
    f"{{{XMLA}}}BeginSession": None,
    f"{{{XMLA}}}Session": "SessionId",
    f"{{{XMLA}}}EndSession": "SessionId",
}


def message_of(root: Any, children_of: Callable[[Any], Sequence[Any]]) -> Message:
    """Return the header blocks and the Body of an Envelope element.

    `children_of` returns the child elements of an element, without comments.
    """
    if root.tag != ENVELOPE:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    children = list(_elements(root, children_of))
    header = children.pop(0) if children and children[0].tag == HEADER else None
    if [child.tag for child in children] != [BODY]:
        raise ValueError("Envelope must have at most one Header, and one Body after it")
    return Message([] if header is None else _blocks(header, children_of), children[0])


def _elements(parent: Any, children_of: Callable[[Any], Sequence[Any]]) -> Sequence[Any]:
    """Return the child elements, and refuse text between them."""
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and not text.isspace() for text in texts):
        raise ValueError(f"text in {parent.tag}")
    return children_of(parent)


def _blocks(header: Any, children_of: Callable[[Any], Sequence[Any]]) -> list[Block]:
    """Return the header blocks, and refuse what decode refuses."""
    blocks: list[Block] = []
    seen: set[str] = set()
    for element in _elements(header, children_of):
        name = str(element.tag)
        session_id = None
        marks = [element.get(MUST_UNDERSTAND)]
        if name in REQUIRED:
            if name in seen:
                raise ValueError(f"{name} occurs twice")
            seen.add(name)
            if _elements(element, children_of):
                raise ValueError(f"{name} has a child element")
            required = REQUIRED[name]
            if required is not None:
                session_id = element.get(required)
                if session_id is None:
                    raise ValueError(f"{name} has no {required}")
            marks.append(element.get("mustUnderstand"))
        blocks.append(Block(name, session_id, marked(name, marks)))
    return blocks


def marked(name: str, marks: Sequence[str | None]) -> bool:
    """Return whether a block must be understood, from the values of its mustUnderstand attributes."""
    values = {mark.strip() for mark in marks if mark is not None}
    if len(values) > 1 or not values <= {"0", "1"}:
        raise ValueError(f"mustUnderstand of {name} is neither 0 nor 1, or contradicts itself")
    return values == {"1"}
