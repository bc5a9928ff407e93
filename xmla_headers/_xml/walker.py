"""A walk over all elements of a text, with their names resolved."""

from __future__ import annotations

from xmla_headers.soap import NO_LIMITS

from .namespaces import Namespaces
from .parser import Parser
from .raw import RawElement

__all__ = ["Walker"]


class Walker(Parser):
    """Calls `start_element` and `end_element` for each element; subclasses define them.

    Not for the head of a message: there a call per tag would make decode 4 % slower.
    """

    __slots__ = ("namespaces", "open")

    def __init__(
        self, text: bytes | memoryview, namespaces: Namespaces | None = None, *, wrapper: bytes = b""
    ) -> None:
        """Prepare to parse a text; `wrapper` is a start tag around it, which is not reported."""
        super().__init__(text)
        self.namespaces = Namespaces(NO_LIMITS, {}) if namespaces is None else namespaces
        # The open elements, from the outermost to the innermost.
        self.open: list[RawElement] = []
        if wrapper:
            self.parse(wrapper, final=False)
            self.base = len(wrapper)
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end

    def run(self) -> None:
        """Parse the whole text. Raises Fatal."""
        try:
            self.parse(self.text, final=True)
        finally:
            self.close()

    def start_element(self, element: RawElement) -> None:
        """Handle a start tag; `element` is the last of the open elements."""

    def end_element(self, element: RawElement) -> None:
        """Handle an end tag; `element` is no longer open."""

    def _start(self, name: str, flat: list[str]) -> None:
        offset = self.expat.CurrentByteIndex - self.base
        element = RawElement(name, offset, self.namespaces.enter(name, flat, offset))
        self.open.append(element)
        self.start_element(element)

    def _end(self, _name: str) -> None:
        element = self.open.pop()
        element.close = self.expat.CurrentByteIndex - self.base
        if element.declared is not None:
            self.namespaces.leave()
        self.end_element(element)
