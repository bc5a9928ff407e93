"""Knows plain words for the errors of xmlschema, which name elements and attributes and quote no value.

xmlschema's own sentences quote values, among which a session id may be. They are never read: the words
depend on the class of an error, on the component of the schema that raised it (its `validator`), and on the
element of the message.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from xmlschema import XMLSchemaBase
from xmlschema.validators import (
    XMLSchemaChildrenValidationError,
    XMLSchemaDecodeError,
    XsdAnyAttribute,
    XsdAnyElement,
    XsdAttribute,
    XsdAttributeGroup,
    XsdComplexType,
    XsdElement,
    XsdGroup,
    XsdSimpleType,
)

from xmla_headers._printable import printable
from xmla_headers._xml.names import short
from xmla_headers.soap import XSI_NS

from ._bounds import XSD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from xml.etree.ElementTree import Element

    from xmlschema import XMLSchemaValidationError
    from xmlschema.validators import XsdType

    from ._located_trees import PlacedElement

__all__ = ["Violation", "Violations"]

# A pattern of the schema may be long.
_MOST_CHARACTERS = 120
# The most elements, values or patterns in one message.
_MOST_CHOICES = 5

_NIL, _TYPE = f"{{{XSI_NS}}}nil", f"{{{XSI_NS}}}type"
_XSI = frozenset({_NIL, _TYPE, f"{{{XSI_NS}}}schemaLocation", f"{{{XSI_NS}}}noNamespaceSchemaLocation"})
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_KEY = "a key, a uniqueness constraint or a reference to a key"


class Violation(NamedTuple):
    """A part of an element that violates a schema."""

    element: Element
    """The element inside which it is."""
    message: str
    """The words for people."""
    attribute: str | None = None
    """The name of the attribute as it is written, or as it would be; None for the element itself."""


class Violations:
    """The words for all errors in one header block, or in one child of the Body."""

    __slots__ = ("_broken", "_has_keys", "_placed", "_types", "_values")

    def __init__(self, placed: PlacedElement) -> None:
        self._placed = placed
        # The declared type of each element with attributes. A declaration may be made for one element alone,
        # and would take memory for each of them.
        self._types: dict[Element, XsdType] = {}
        self._has_keys = False
        # The values of attributes that their types refuse: the validator that did, and the attribute.
        self._values: dict[Element, list[tuple[object, str]]] = {}
        # The violations of the declaration of an element that no error has brought up yet.
        self._broken: dict[Element, list[Violation]] = {}

    def note(self, element: Element, declaration: XsdElement) -> bool:
        """Note the declaration of an element. xmlschema calls this hook before it checks the element."""
        if element.attrib:
            self._types[element] = declaration.type
        if declaration.identities:
            self._has_keys = True
        # Any other value would change the validation.
        return False

    def of(self, error: XMLSchemaValidationError) -> Sequence[Violation]:
        """Return the violations that an error reports: at least one, perhaps the same for several errors."""
        placed, validator = self._placed, error.validator
        element = error.elem if error.elem is not None and error.elem in placed else placed.tree
        name = self._name(element)
        found: list[Violation] = []
        if isinstance(error, XMLSchemaChildrenValidationError):
            found = [self._of_children(error, element)]
        elif isinstance(validator, XsdAttributeGroup):
            found = list(self._of_attributes(validator, element))
        elif isinstance(validator, XsdAnyAttribute):
            found = list(self._of_wildcard(error.obj, validator, element))
        elif isinstance(validator, XsdAttribute) and validator.fixed is not None:
            message = f"the attribute {{}} of {name} is not the fixed value of the schema"
            found = [self._of_attribute(element, validator.name, message)]
        elif isinstance(validator, XsdElement):
            found = [self._of_declaration(validator, element)]
        elif isinstance(validator, XsdAnyElement):
            found = [Violation(element, f"the schema does not declare {name}, or does not allow it here")]
        elif isinstance(validator, XsdGroup) and _has_text(element):
            found = [Violation(element, f"{name} contains text")]
        elif isinstance(validator, XMLSchemaBase) or _is_duplicate_id(error):
            # The schema as a whole checks that each xs:IDREF has its xs:ID.
            found = [Violation(element, f"{name} violates {_KEY}")]
        else:
            found = [self._of_value(validator, element)]
        return found or [Violation(element, f"{name} is not valid")]

    def _name(self, element: Element) -> str:
        """Return the name of an element for a message."""
        return short(self._placed.name_of(element))

    def _of_attribute(self, element: Element, name: str, message: str) -> Violation:
        """Return a violation that is about an attribute; `{}` in the message stands for its name."""
        written = self._placed.attribute_name(element, name)
        return Violation(element, message.format(short(written)), written)

    def _of_children(self, error: XMLSchemaChildrenValidationError, element: Element) -> Violation:
        """Return the violation of a content model."""
        expected = _listed(filter(None, (particle.local_name for particle in error.expected or ())))
        child = error.invalid_child
        if child is None:
            lacks = f"{self._name(element)} lacks a child element"
            return Violation(element, f"{lacks}: {expected}" if expected else lacks)
        refused = f"the schema does not allow {self._name(child)} here"
        return Violation(child, f"{refused}; it allows {expected}" if expected else refused)

    def _of_attributes(self, group: XsdAttributeGroup, element: Element) -> Iterator[Violation]:
        """Yield the attributes that an element lacks, or that its type does not declare."""
        name = self._name(element)
        for required in group.iter_required():
            if required not in element.attrib:
                yield self._of_attribute(element, required, f"{name} has no {{}}")
        wildcard = group.get(None)
        for attribute in element.attrib:
            declaration = group.get(attribute)
            declared = isinstance(declaration, XsdAttribute) and declaration.use != "prohibited"
            allowed = attribute in _XSI or (wildcard is not None and wildcard.is_matching(attribute))
            if not declared and not allowed:
                yield self._undeclared(element, attribute)

    def _of_wildcard(self, obj: object, wildcard: XsdAnyAttribute, element: Element) -> Iterator[Violation]:
        """Yield the attributes that an xs:anyAttribute refuses."""
        if isinstance(obj, tuple):
            yield self._undeclared(element, obj[0])
            return
        # xmlschema does not say which attribute is in a namespace without a schema.
        for attribute in element.attrib:
            namespace, brace, _ = attribute[1:].partition("}")
            if brace and namespace not in wildcard.maps.namespaces:
                yield self._undeclared(element, attribute)

    def _undeclared(self, element: Element, attribute: str) -> Violation:
        """Return the violation of an attribute that the schema does not declare there."""
        message = f"the schema declares no attribute {{}} for {self._name(element)}"
        return self._of_attribute(element, attribute, message)

    def _of_declaration(self, declaration: XsdElement, element: Element) -> Violation:
        """Return a violation of the declaration of an element."""
        if element not in self._broken:
            self._broken[element] = list(self._broken_by(declaration, element))
        if self._broken[element]:
            return self._broken[element].pop(0)
        # The error is about a thing that the declaration does not show.
        name = self._name(element)
        if _TYPE not in element.attrib:
            return Violation(element, f"{name} violates {_KEY}" if self._has_keys else f"{name} is not valid")
        message = f"{{}} of {name} names no type that the schema allows there"
        return self._of_attribute(
            element, _TYPE, f"{message}, or {name} violates {_KEY}" if self._has_keys else message
        )

    def _broken_by(self, declaration: XsdElement, element: Element) -> Iterator[Violation]:
        """Yield the violations that the declaration of an element shows."""
        name, kind = self._name(element), declaration.type
        if declaration.abstract:
            yield Violation(element, f"the schema declares {name} as abstract")
        nil = element.get(_NIL)
        if nil is not None:
            if not declaration.nillable:
                yield self._of_attribute(element, _NIL, f"the schema does not allow {{}} for {name}")
            elif nil.strip() not in _BOOLEANS:
                yield self._of_attribute(element, _NIL, f"{{}} of {name} is not a boolean value")
            elif _BOOLEANS[nil.strip()] and (element.text or len(element)):
                yield self._of_attribute(element, _NIL, f"{name} has {{}} and is not empty")
        if declaration.fixed is not None and (len(element) or element.text not in (None, declaration.fixed)):
            yield Violation(element, f"the content of {name} is not the fixed value of the schema")
        # An xsi:type replaces the type.
        if _TYPE in element.attrib:
            return
        if kind.abstract:
            yield Violation(element, f"the schema declares the type of {name} as abstract")
        if len(element) and (kind.is_simple() or kind.has_simple_content()):
            yield Violation(element, f"{name} contains child elements")
        # White space is text too (XML Schema Part 1, cvc-complex-type 2.1).
        if kind.is_empty() and element.text:
            yield Violation(element, f"{name} contains text")

    def _of_value(self, validator: object, element: Element) -> Violation:
        """Return the violation of a type by the content of an element or the value of an attribute."""
        name, rule = self._name(element), _rule_of(validator)
        if element not in self._values:
            self._values[element] = list(self._refused_values(element))
        # xmlschema checks the attributes first, in their order.
        for index, (refusing, attribute) in enumerate(self._values[element]):
            if refusing is validator:
                del self._values[element][index]
                return self._of_attribute(element, attribute, f"the attribute {{}} of {name} {rule}")
        # An xsi:type may declare attributes that the schema does not show here.
        subject = (
            "a value in" if _TYPE in element.attrib and element.attrib.keys() - _XSI else "the content of"
        )
        return Violation(element, f"{subject} {name} {rule}")

    def _refused_values(self, element: Element) -> Iterator[tuple[object, str]]:
        """Yield each violation of the type of an attribute: the validator, and the name of the attribute."""
        kind = self._types.get(element)
        if kind is None:
            return
        declared = kind.attributes if isinstance(kind, XsdComplexType) else {}
        for name, value in element.attrib.items():
            attribute = declared.get(name, kind.maps.attributes.get(name))
            if isinstance(attribute, XsdAttribute):
                for error in attribute.iter_errors(value, namespaces=self._placed.bindings):
                    yield error.validator, name


def _is_duplicate_id(error: XMLSchemaValidationError) -> bool:
    """Whether an error is about the value of an xs:ID that another one has too."""
    name = getattr(error.validator, "name", None)
    return name == f"{{{XSD}}}ID" and not isinstance(error, XMLSchemaDecodeError)


def _has_text(element: Element) -> bool:
    """Whether there is text among the children of an element."""
    return any((text or "").strip() for text in (element.text, *(child.tail for child in element)))


def _listed(choices: Iterable[object]) -> str:
    """Return values of a schema as a list of bounded length."""
    texts = [_shown(choice) for choice in islice(choices, _MOST_CHOICES + 1)]
    if len(texts) > _MOST_CHOICES:
        return ", ".join((*texts[:_MOST_CHOICES], "…"))
    return " or ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))


def _quoted(value: object) -> str:
    """Return a value in quotes, so that an empty one is visible."""
    return f'"{value}"'


def _shown(value: object) -> str:
    """Return a value of a schema on one line, shortened."""
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def _rule_of(validator: object) -> str:
    """Return the words for the rule of a type that a value breaks."""
    kind = type(validator).__name__
    if kind == "XsdPatternFacets":
        return f"does not match the pattern {_listed(getattr(validator, 'regexps', ()))}"
    if kind == "XsdEnumerationFacets":
        return f"is not {_listed(map(_quoted, getattr(validator, 'enumeration', None) or ()))}"
    facet = re.fullmatch(r"Xsd(\w+)Facet", kind)
    if facet is not None:
        rule = facet[1][0].lower() + facet[1][1:]
        return f"does not satisfy {rule} {_shown(getattr(validator, 'value', ''))}".rstrip()
    # Functions check the built-in types, int_validator for example.
    function = getattr(validator, "__name__", "")
    if function.endswith("_validator"):
        return f"is not of type xs:{_checked_type(function.removesuffix('_validator'))}"
    name = validator.prefixed_name if isinstance(validator, XsdSimpleType) else None
    return f"is not of type {_shown(name)}" if name else "is not of its type"


def _checked_type(words: str) -> str:
    """Return the name of the type that a function such as `unsigned_int_validator` checks."""
    if words == "qname":
        return "QName"
    name = re.sub("_(.)", lambda match: match[1].upper(), words)
    return re.sub("(?i)(?<=tive)int$", "Integer", name)
