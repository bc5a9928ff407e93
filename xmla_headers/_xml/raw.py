"""Raw elements with offsets: what the reader hands to the rules, and where in the text it ends."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from xmla_headers.findings import Code, DecodeError, value_finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    from .encoding import Source
    from .fatal import Fatal
    from .namespaces import Entered

    T = TypeVar("T")

__all__ = [
    "GREATER",
    "NO_NAMESPACES",
    "SLASH",
    "RawElement",
    "RawMessage",
    "certain",
    "element_end",
    "end_of_start_tag",
]

NO_NAMESPACES: Mapping[str, str] = MappingProxyType({})

# A start tag, once the parser has vouched for it: "<" cannot stand in it, ">" only in quotes.
_START_TAG = re.compile(rb"""<[^"'>]*+(?:"[^"]*+"[^"'>]*+|'[^']*+'[^"'>]*+)*+>""")
GREATER = re.compile(b">")
SLASH = ord("/")


# Shared by all elements that have none, most of them, and never added to.
_NO_CHILDREN: list[RawElement] = []
_NO_TEXTS: list[int] = []


class RawElement:
    """An element as it was written, with its names resolved."""

    __slots__ = (
        "attributes",
        "children",
        "close",
        "declared",
        "local",
        "name",
        "namespace",
        "scope",
        "start",
        "texts",
    )

    def __init__(self, name: str, start: int, entered: Entered) -> None:
        # The name as written, with its prefix.
        self.name = name
        # The offset of the start tag.
        self.start = start
        # `attributes`: those that are no namespace declarations; `declared`: those that are.
        self.namespace, self.local, self.attributes, self.declared = entered
        # Where the parser stood at the end: at the end tag, or behind a self-closing one; None while open.
        self.close: int | None = None
        # Child elements, kept in front of the Body, and for the Envelope.
        self.children: list[RawElement] = _NO_CHILDREN
        # Offsets behind the markup in front of each stretch of text, kept for the Envelope, the Header
        # and the header blocks.
        self.texts: list[int] = _NO_TEXTS
        # Prefix -> namespace in scope inside, kept for the Header and the Body only.
        self.scope: Mapping[str, str] = NO_NAMESPACES

    @property
    def qname(self) -> str:
        """The expanded name in Clark notation; the local name alone in no namespace."""
        return f"{{{self.namespace}}}{self.local}" if self.namespace else self.local

    def add_child(self, child: RawElement) -> None:
        if self.children:
            self.children.append(child)
        else:
            self.children = [child]

    def add_text(self, offset: int) -> None:
        if self.texts:
            self.texts.append(offset)
        else:
            self.texts = [offset]


class RawMessage:
    """What was read of a message."""

    __slots__ = (
        "beside_fault",
        "body",
        "body_end",
        "body_start",
        "fatal",
        "fatal_path",
        "faults",
        "opaque",
        "root",
        "source",
    )

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: RawElement | None = None
        # The root is no SOAP Envelope, so that nothing in it was looked at.
        self.opaque = False
        self.body: RawElement | None = None
        # Offsets of the Body's content in the text, known when nothing fatal was found.
        self.body_start = 0
        self.body_end = 0
        # With `deep`: the Faults in the Body, with their children, and the first of its other elements.
        self.faults: list[RawElement] = []
        self.beside_fault: RawElement | None = None
        self.fatal: Fatal | None = None
        self.fatal_path = "/"


def element_end(text: bytes | memoryview, element: RawElement) -> int:
    """Return the offset behind an element that was read to its end."""
    start_tag_end = end_of_start_tag(text, element.start)
    if text[start_tag_end - 2] == SLASH:
        return start_tag_end
    # An end tag holds no quotes.
    return certain(GREATER.search(text, certain(element.close))).end()


def end_of_start_tag(text: bytes | memoryview, start: int) -> int:
    """Return the offset behind the start tag that begins at `start`."""
    return certain(_START_TAG.match(text, start)).end()


def certain(value: T | None) -> T:
    """Return what is there if the parser has read the text as this code reads it.

    Raises DecodeError (`not-well-formed`) for None. An assert would be gone under `python -O`.
    """
    if value is None:
        message = "not well-formed: the parser has read something else than what is written"
        raise DecodeError(value_finding(Code.NOT_WELL_FORMED, message))
    return value
