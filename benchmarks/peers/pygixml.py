"""pygixml, a binding of pugixml: a tree without namespaces, which are resolved here by hand.

pugixml does not check that a document is well-formed in all respects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pygixml

from . import SOAP, Block, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCEPTS = frozenset(
    {
        "unbound prefix",
        "DOCTYPE",
        "DOCTYPE with an entity",
        "processing instruction",
        "processing instruction after it",
        "two Headers",
        "two Bodies",
        "text in Envelope",
        "text in Header",
        "two Sessions",
        "no SessionId",
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)


def read(data: bytes) -> Message:
    """Return the header blocks and the Body."""
    # Its nodes do not keep their document alive.
    document = pygixml.parse_string(data.decode())
    root = document.root
    scope = _scope(root, {})
    children = list(root.children())
    if _name(root, scope) != f"{{{SOAP}}}Envelope" or not children:
        raise ValueError("the root is not a SOAP 1.1 Envelope")
    body = children[-1]
    if _name(body, _scope(body, scope)) != f"{{{SOAP}}}Body":
        raise ValueError("an Envelope must end with its Body")
    blocks: list[Block] = []
    if len(children) > 1:
        inside = _scope(children[0], scope)
        blocks = [_block(each, _scope(each, inside)) for each in children[0].children()]
    return Message(blocks, (document, body))


def _attributes(node: Any) -> Iterator[tuple[str, str]]:
    attribute = node.first_attribute()
    # After the last one comes one without a name.
    while attribute is not None and attribute.name:
        yield attribute.name, attribute.value or ""
        attribute = attribute.next_attribute


def _scope(node: Any, outer: dict[str, str]) -> dict[str, str]:
    """Return the prefixes in scope inside an element."""
    declared = {
        name[6:]: value for name, value in _attributes(node) if name == "xmlns" or name.startswith("xmlns:")
    }
    return {**outer, **declared} if declared else outer


def _name(node: Any, scope: dict[str, str]) -> str:
    """Return the expanded name of an element."""
    prefix, _, local = node.name.rpartition(":")
    return f"{{{scope.get(prefix, '')}}}{local}"


def _block(node: Any, scope: dict[str, str]) -> Block:
    session_id, marked = None, False
    for name, value in _attributes(node):
        prefix, _, local = name.rpartition(":")
        if name == "SessionId":
            session_id = value
        elif local == "mustUnderstand" and scope.get(prefix) == SOAP and prefix:
            marked = value == "1"
    return Block(_name(node, scope), session_id, marked)


write = "pygixml: cannot put one document into another"
