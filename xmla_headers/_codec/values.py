"""The values in one header block: checked by the simple types of the schema, and read."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING, Protocol

from xmla_headers._xml.names import short
from xmla_headers._xml.raw import element_end
from xmla_headers._xml.texts import texts_of
from xmla_headers.findings import Code
from xmla_headers.model import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xmla_headers._xml.raw import RawElement
    from xmla_headers.model import AttributeSpec, BlockSpec
    from xmla_headers.simple_types import SimpleType, SimpleValue

__all__ = ["Marking", "ValueReader", "times"]


class Marking(Protocol):
    """Marks a place in a message where a rule is broken."""

    def __call__(
        self, code: Code, offset: int, text: str, elements: tuple[RawElement, ...], attribute: str = "", /
    ) -> None: ...


class ValueReader:
    """Reads the values in one header block, and marks those that the schema does not allow."""

    __slots__ = ("_element", "_here", "_mark", "_spec")

    def __init__(self, mark: Marking, spec: BlockSpec, here: tuple[RawElement, ...]) -> None:
        self._mark = mark
        self._spec = spec
        # The Envelope, the Header and the block.
        self._here = here
        self._element = here[-1]

    def attribute(self, attribute: AttributeSpec, text: str) -> SimpleValue | None:
        """Return the value of an attribute; mark one that its type, or the fixed value, does not allow."""
        value: SimpleValue | None = text
        if attribute.type is not None:
            try:
                value = self._read(attribute.type, text)
            except ValueError:
                value = None
        if value is None or attribute.fixed not in (None, value):
            message = f"{attribute.name} of {self._spec.local_name} is not {attribute.allowed}"
            self._mark(Code.INVALID_VALUE, self._element.start, message, self._here, f"/@{attribute.name}")
        return value

    def content(self, source: bytes | memoryview) -> dict[str, Any]:
        """Return the values of the text or of the child elements; mark content that is not declared."""
        spec, element = self._spec, self._element
        if not spec.has_content:
            self._mark_children()
            self._mark_text()
            return {}
        if element.close is None:
            return {}
        text, texts = texts_of(bytes(source[element.start : element_end(source, element)]))
        if spec.text is None:
            self._mark_text()
            return self._children(texts)
        self._mark_children()
        if not element.children:
            try:
                return {TEXT: self._read(spec.text, text)}
            except ValueError as error:
                offset = element.texts[0] if element.texts else element.start
                message = f"the text of {spec.local_name} is not {error}"
                self._mark(Code.INVALID_VALUE, offset, message, self._here)
        return {}

    def _read(self, kind: SimpleType, text: str, *inside: RawElement) -> SimpleValue:
        """Return the value of a text in the block, or in an element inside it. Raises ValueError."""
        if not kind.is_qname:
            return kind.read(text)
        # A chain, since a copy for each value would take prefixes times values, and the sender chooses both.
        declared = [element.declared or {} for element in (*inside, self._element)]
        scope = ChainMap(*declared, self._here[-2].scope)  # type: ignore[arg-type]  # nobody writes to it
        return kind.read(text, scope)

    def _mark_text(self) -> None:
        for offset in self._element.texts:
            message = f"{self._spec.local_name} has text in it"
            self._mark(Code.UNEXPECTED_CONTENT, offset, message, self._here)

    def _mark_children(self) -> None:
        for child in self._element.children:
            message = f"{self._spec.local_name} has a child element {short(child.name)}"
            self._mark(Code.UNEXPECTED_CONTENT, child.start, message, (*self._here, child))

    def _children(self, texts: Sequence[str]) -> dict[str, Any]:
        """Check child elements by the specs of them, and return their values."""
        spec, element, mark = self._spec, self._element, self._mark
        places = {child.qname: place for place, child in enumerate(spec.children)}
        found: list[list[SimpleValue]] = [[] for _ in spec.children]
        counts = [0] * len(spec.children)
        last = 0
        for child, text in zip(element.children, texts, strict=True):
            there = (*self._here, child)
            place = places.get(child.qname)
            if place is None:
                names = ", ".join(other.name for other in spec.children)
                message = f"{spec.local_name} has a child element {short(child.name)}; the schema has {names}"
                mark(Code.UNEXPECTED_CONTENT, child.start, message, there)
                continue
            declared = spec.children[place]
            counts[place] += 1
            if place < last:
                message = (
                    f"{declared.name} comes after {spec.children[last].name}, which the schema has after it"
                )
                mark(Code.UNEXPECTED_CONTENT, child.start, message, there)
            if declared.max_occurs is not None and counts[place] > declared.max_occurs:
                message = (
                    f"{declared.name} occurs more than {times(declared.max_occurs)} in {spec.local_name}"
                )
                mark(Code.UNEXPECTED_CONTENT, child.start, message, there)
            last = max(last, place)
            for attribute in child.attributes:
                message = f"the schema declares no attribute {short(attribute[3])} for {declared.name}"
                mark(Code.UNEXPECTED_ATTRIBUTE, child.start, message, there, f"/@{attribute[3]}")
            for inner in child.children:
                message = f"{declared.name} has a child element {short(inner.name)}"
                mark(Code.UNEXPECTED_CONTENT, inner.start, message, (*there, inner))
            try:
                found[place].append(text if declared.type is None else self._read(declared.type, text, child))
            except ValueError as error:
                mark(Code.INVALID_VALUE, child.start, f"{declared.name} is not {error}", there)
        for declared, count in zip(spec.children, counts, strict=True):
            if count < declared.min_occurs:
                message = (
                    f"{spec.local_name} has {declared.name} {count} times; it needs {declared.min_occurs}"
                )
                mark(Code.UNEXPECTED_CONTENT, element.start, message, self._here)
        return {
            declared.field: tuple(several) for declared, several in zip(spec.children, found, strict=True)
        }


def times(count: int) -> str:
    """Return a number of occurrences in words."""
    return "once" if count == 1 else f"{count} times"
