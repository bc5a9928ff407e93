"""XML content without a root element, read inside a wrapper element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers.soap import NO_LIMITS, Limits

from .bounds import expands_little
from .encoding import Source
from .parser import completes
from .prefixes import declarations
from .raw import RawElement
from .reader import MessageReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fatal import Fatal

__all__ = [
    "check_fragment",
    "read_fragment",
]


class _FragmentReader(MessageReader):
    """Reads XML content inside a wrapper element and keeps the elements directly in it."""

    __slots__ = ("elements",)

    # A document has one root, so content that closes the wrapper is never well-formed.
    WRAPPER = (b"<_>", b"</_>")

    def __init__(self, xml: bytes, limits: Limits, namespaces: Mapping[str, str]) -> None:
        start, end = self.WRAPPER
        super().__init__(Source(start + xml + end), limits, deep=True, namespaces=namespaces)
        self.elements: list[RawElement] = []

    def _deep_start(self, name: str, flat: list[str]) -> None:
        if self._declares:
            super()._deep_start(name, flat)
            return
        offset = self.expat.CurrentByteIndex
        element = RawElement(name, offset - len(self.WRAPPER[0]), self._namespaces.enter(name, flat, offset))
        self.elements.append(element)
        self._declares.append(element.declared is not None)


def read_fragment(
    xml: bytes, namespaces: Mapping[str, str], limits: Limits = NO_LIMITS
) -> tuple[list[RawElement], Fatal | None]:
    """Check content by XML 1.0 and Namespaces in XML, and return its top-level elements.

    Their offsets, and that of the fatal finding if there is one, count from the start of the content.
    """
    reader = _FragmentReader(xml, limits, namespaces)
    reader.run()
    fatal = reader.message.fatal
    if fatal is not None:
        fatal.offset = max(0, min(fatal.offset - len(reader.WRAPPER[0]), len(xml)))
    return reader.elements, fatal


def check_fragment(xml: bytes, namespaces: Mapping[str, str]) -> Fatal | None:
    """Return the fatal finding about XML content, if there is one."""
    start, end = _FragmentReader.WRAPPER
    if namespaces:
        start = f"<_{declarations(namespaces.items())}>".encode()
    if (
        expands_little(start, 0, len(start))
        and expands_little(xml, 0, len(xml))
        and completes(start, xml + end, namespaces=True)
    ):
        return None
    return read_fragment(xml, namespaces)[1]
