"""Header blocks and children of the Body as ElementTree elements that know their place in the message."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from defusedxml import ElementTree

from xmla_headers._xml.prefixes import declarations
from xmla_headers._xml.raw import RawElement, certain, element_end
from xmla_headers._xml.walker import Walker
from xmla_headers.soap import XML_NS

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from typing import TypeAlias
    from xml.etree.ElementTree import Element

    from xmla_headers._xml.raw import RawMessage

    # Name as written, offset of the start tag, and the namespaces that it declares.
    Step: TypeAlias = tuple[str, int, dict[str, str] | None]

__all__ = ["PlacedElement", "placed_elements"]

# Depths: Envelope's children (Header and Body), and the children of those.
_CHILD, _BLOCK = 1, 2


class PlacedElement:
    """A header block or a child of the Body, and the offsets of all elements in it."""

    __slots__ = (
        "_element",
        "_end",
        "_indexes",
        "_parents",
        "_steps",
        "_text",
        "_tree",
        "name",
        "namespace",
        "path",
        "qname",
        "scope",
    )

    def __init__(
        self, text: bytes | memoryview, element: RawElement, path: str, scope: Mapping[str, str]
    ) -> None:
        self._text = text
        self.name = element.name
        self.namespace = element.namespace
        # Its name in Clark notation.
        self.qname = element.qname
        # Its path, with the prefixes of the message.
        self.path = path
        # Prefix -> namespace in scope around it.
        self.scope = scope
        # One step for each element, in document order.
        self._steps: list[Step] = []
        self._element = element
        self._end = 0
        self._tree: Element | None = None
        self._indexes: dict[Element, int] = {}
        self._parents: dict[Element, Element] = {}

    def note(self, element: RawElement) -> None:
        """Add the next element in document order."""
        self._steps.append((element.name, element.start, element.declared))

    def close(self) -> None:
        """Set its end, after its end tag has been parsed."""
        self._end = element_end(self._text, self._element)

    @property
    def offset(self) -> int:
        """The offset of its start tag in the text."""
        return self._steps[0][1]

    @property
    def tree(self) -> Element:
        """The element, built on first use.

        The message must have been read with `deep`, which limits it: a tree copies every namespace name.
        Raises SyntaxError or ValueError for documents that only ElementTree rejects.
        """
        if self._tree is None:
            self._tree = self._build()
        return self._tree

    def _build(self) -> Element:
        parser = ElementTree.DefusedXMLParser(forbid_dtd=True)
        # In pieces, so that a long Body is not copied.
        parser.feed(f"<_{declarations(self.scope.items())}>".encode())
        parser.feed(memoryview(self._text)[self.offset : self._end])
        parser.feed(b"</_>")
        (tree,) = parser.close()
        return tree

    def declarations(self) -> dict[Element, list[tuple[str, str]]]:
        """Return the namespaces that each element declares, which a tree does not keep."""
        return {
            element: list(declared.items())
            for element, (_, _, declared) in zip(self.tree.iter(), self._steps, strict=True)
            if declared
        }

    def __contains__(self, element: Element) -> bool:
        self._index()
        return element in self._indexes

    def name_of(self, element: Element) -> str:
        """Return the name of an element of the tree, as written in the message."""
        return self._step(element)[0]

    def offset_of(self, element: Element) -> int:
        """Return the offset of the start tag of an element of the tree."""
        return self._step(element)[1]

    @property
    def bindings(self) -> dict[str, str]:
        """Prefix -> namespace around it, with the prefix xml, which no message has to declare."""
        return {**self.scope, "xml": XML_NS}

    def attribute_name(self, element: Element, tag: str) -> str:
        """Return the name of an attribute, with a prefix that is bound to its namespace there."""
        namespace, brace, local = tag.rpartition("}")
        if not brace:
            return local
        around: Element | None = element
        hidden: set[str] = set()
        while around is not None:
            for prefix, bound in (self._step(around)[2] or {}).items():
                if prefix and bound == namespace[1:] and prefix not in hidden:
                    return f"{prefix}:{local}"
                hidden.add(prefix)
            around = self._parents.get(around)
        for prefix, bound in self.bindings.items():
            if prefix and bound == namespace[1:] and prefix not in hidden:
                return f"{prefix}:{local}"
        return local

    def path_of(self, element: Element) -> str:
        """Return the path of an element of the tree, numbered as in all other findings."""
        self._index()
        steps = []
        while element is not self.tree:
            parent = self._parents[element]
            name = self.name_of(element)
            number = 0
            for sibling in parent:
                number += self.name_of(sibling) == name
                if sibling is element:
                    break
            steps.append(_step(name, number))
            element = parent
        return self.path + "".join(reversed(steps))

    def _step(self, element: Element) -> Step:
        self._index()
        return self._steps[self._indexes[element]]

    def _index(self) -> None:
        # Built on first use, since few trees have errors.
        if not self._indexes:
            self._indexes = {each: index for index, each in enumerate(self.tree.iter())}
            self._parents = {child: parent for parent in self._indexes for child in parent}


def placed_elements(message: RawMessage, wanted: Container[str]) -> Iterator[PlacedElement]:
    """Yield the header blocks and the children of the Body whose names (in Clark notation) are wanted.

    They come from the first Header and the first Body, in document order. The message must have been
    read to its end, with `deep` and without a fatal finding.
    """
    places = _Places(message, wanted)
    places.run()
    found = places.found
    # No reference is kept: each element has its tree by the time the next one is asked for.
    while found:
        yield found.popleft()


class _Places(Walker):
    """Finds the wanted elements, and the offsets of all elements in them."""

    __slots__ = ("_counts", "_names", "_parent", "_parents", "_placed", "_wanted", "found")

    def __init__(self, message: RawMessage, wanted: Container[str]) -> None:
        super().__init__(message.source.text)
        self._wanted = wanted
        # Offset of the Header and of the Body -> the element.
        self._parents = {parent.start: parent for parent in _parents(message)}
        # The path of the open elements down to a child of Envelope, and the names counted in each of them.
        self._names: list[str] = []
        self._counts: list[Counter[str]] = []
        # The Header or the Body, while it is open.
        self._parent: RawElement | None = None
        # The wanted element, while it is open.
        self._placed: PlacedElement | None = None
        self.found: deque[PlacedElement] = deque()

    def start_element(self, element: RawElement) -> None:
        depth = len(self.open) - 1
        if depth <= _BLOCK:
            self._enter(element, depth)
        if self._placed is not None:
            self._placed.note(element)

    def _enter(self, element: RawElement, depth: int) -> None:
        number = 1
        if depth:
            counts = self._counts[-1]
            number = counts[element.name] = counts[element.name] + 1
        if depth < _BLOCK:
            self._names.append(_step(element.name, number))
            self._counts.append(Counter())
        if depth == _CHILD:
            self._parent = self._parents.get(element.start)
        elif depth == _BLOCK and self._parent is not None and element.qname in self._wanted:
            path = "".join((*self._names, _step(element.name, number)))
            self._placed = PlacedElement(self.text, element, path, self._parent.scope)
            self.found.append(self._placed)

    def end_element(self, _element: RawElement) -> None:
        depth = len(self.open)
        if depth < _BLOCK:
            self._names.pop()
            self._counts.pop()
        elif depth == _BLOCK and self._placed is not None:
            self._placed.close()
            self._placed = None


def _parents(message: RawMessage) -> Iterator[RawElement]:
    """Yield the first Header, if there is one, and the Body."""
    root, body = certain(message.root), message.body
    for child in root.children:
        if child is body:
            break
        if child.local == "Header" and child.namespace == root.namespace:
            yield child
            break
    if body is not None:
        yield body


def _step(name: str, number: int) -> str:
    return f"/{name}" if number == 1 else f"/{name}[{number}]"
