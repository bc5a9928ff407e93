"""Raw elements with offsets, as the reader found them, and where their tags end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers._immutable import ReadOnly
from xmla_headers.findings import Code, DecodeError, value_finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol, TypeVar

    from .encoding import Source
    from .fatal import Fatal
    from .namespaces import Entered

    T = TypeVar("T")

    class Placed(Protocol):
        """An element with the parser's offsets at its start and at its end."""

        @property
        def start(self) -> int: ...
        @property
        def close(self) -> int | None: ...


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

NO_NAMESPACES: Mapping[str, str] = ReadOnly({})

# A start tag that the parser has accepted: "<" cannot occur in it, ">" only in quotes.
_START_TAG = re.compile(rb"""<[^"'>]*+(?:"[^"]*+"[^"'>]*+|'[^']*+'[^"'>]*+)*+>""")
GREATER = re.compile(b">")
SLASH = ord("/")


# Shared by most elements, which have none, and never changed.
_NO_CHILDREN: list[RawElement] = []
_NO_TEXTS: list[int] = []


class RawElement:
    """An element as written, with its names resolved."""

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
        # The name as written, including its prefix.
        self.name = name
        # The offset of the start tag.
        self.start = start
        # `declared` holds the namespace declarations, `attributes` all other attributes.
        self.namespace, self.local, self.attributes, self.declared = entered
        # The parser's offset at the end: of the end tag, or after a self-closing tag; None while open.
        self.close: int | None = None
        # Child elements; kept for the Envelope, and for all elements before the Body.
        self.children: list[RawElement] = _NO_CHILDREN
        # For each stretch of text the offset after the markup before it; kept for the Envelope, the
        # Header and the header blocks.
        self.texts: list[int] = _NO_TEXTS
        # Prefix -> namespace in scope inside; kept only for the Header and the Body.
        self.scope: Mapping[str, str] = NO_NAMESPACES

    @property
    def qname(self) -> str:
        """The name in Clark notation; only the local name if there is no namespace."""
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
    """Everything that was read from a message."""

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
        # The root is not a SOAP Envelope, so nothing inside it was inspected.
        self.opaque = False
        self.body: RawElement | None = None
        # Offsets of the Body's content in the text; known if there was no fatal finding.
        self.body_start = 0
        self.body_end = 0
        # With `deep`: the Faults in the Body with their children, and the first other element.
        self.faults: list[RawElement] = []
        self.beside_fault: RawElement | None = None
        self.fatal: Fatal | None = None
        self.fatal_path = "/"


def element_end(text: bytes | memoryview, element: Placed) -> int:
    """Return the offset after an element that was read to its end."""
    start_tag_end = end_of_start_tag(text, element.start)
    if text[start_tag_end - 2] == SLASH:
        return start_tag_end
    # An end tag has no quotes.
    return certain(GREATER.search(text, certain(element.close))).end()


def end_of_start_tag(text: bytes | memoryview, start: int) -> int:
    """Return the offset after the start tag that begins at `start`."""
    return certain(_START_TAG.match(text, start)).end()


def certain(value: T | None) -> T:
    """Return a value that can only be None if this code and the parser read the text differently.

    Raises DecodeError (`not-well-formed`) for None. An assert would vanish under `python -O`.
    """
    if value is None:
        message = "not well-formed: the parser read the text differently"
        raise DecodeError(value_finding(Code.NOT_WELL_FORMED, message))
    return value
