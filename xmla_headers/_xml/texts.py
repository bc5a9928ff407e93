"""The text in an element, and in each of its child elements."""

from __future__ import annotations

from .parser import Parser

__all__ = ["texts_of"]


def texts_of(xml: bytes) -> tuple[str, list[str]]:
    """Return the text directly in an element, and the text directly in each of its child elements.

    The element is part of a message that has been read; its prefixes may be declared around it.
    """
    reader = _Texts(xml)
    try:
        reader.parse(xml, final=True)
    finally:
        reader.close()
    return "".join(reader.own), ["".join(pieces) for pieces in reader.children]


class _Texts(Parser):
    """Collects text by depth, without looking at names: the reader has resolved them."""

    __slots__ = ("_depth", "children", "own")

    def __init__(self, xml: bytes) -> None:
        super().__init__(xml)
        self._depth = 0
        self.own: list[str] = []
        self.children: list[list[str]] = []
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self.expat.CharacterDataHandler = self._text

    def _start(self, _name: str, _flat: list[str]) -> None:
        self._depth += 1
        if self._depth == _CHILD:
            self.children.append([])

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _text(self, data: str) -> None:
        if self._depth < _CHILD:
            self.own.append(data)
        elif self._depth == _CHILD:
            self.children[-1].append(data)


# The depth of a child element; its parent has depth 1.
_CHILD = 2
