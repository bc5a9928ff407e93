"""Knows which simple types and which content of a schema a header block may have, and refuses all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from xmlschema.validators import XsdElement, XsdGroup

from xmla_headers._patterns import PatternError
from xmla_headers._printable import printable
from xmla_headers._xml.names import short
from xmla_headers.model import ChildSpec
from xmla_headers.simple_types import BUILT_IN, SimpleType

from ._bounds import XSD
from ._sources import PATTERNS, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    from xmlschema.validators import XsdAttribute

    from xmla_headers.simple_types import SimpleValue

__all__ = ["absent_values", "children_of", "content_of", "refuse", "type_of"]

_ANY = frozenset({"anySimpleType", "anyAtomicType"})
# Facet -> the field of SimpleType that it sets to a number of characters or digits.
_COUNTS = {
    "length": ("min_length", "max_length"),
    "minLength": ("min_length",),
    "maxLength": ("max_length",),
    "totalDigits": ("total_digits",),
    "fractionDigits": ("fraction_digits",),
}
# Facet -> the field of SimpleType that it sets to a number.
_BOUNDS = {
    "minInclusive": "minimum",
    "maxInclusive": "maximum",
    "minExclusive": "above",
    "maxExclusive": "below",
}
# Children of xs:restriction that are no facets; attributes are those of a complex type.
_NO_FACETS = frozenset({"annotation", "simpleType", "attribute", "attributeGroup", "anyAttribute"})


def refuse(place: str, reason: str) -> NoReturn:
    """Raise SchemaError for a part of a schema that is not supported."""
    raise SchemaError(f"{short(place)}: {reason}")


# xmlschema's own types say less than it knows: a complex type has simple or complex content.
_Type: TypeAlias = "Any"


def type_of(declared: _Type, place: str) -> SimpleType | None:
    """Return a simple type of a schema; None for any text. Raises SchemaError."""
    steps: list[Element] = []
    while declared.name is None or not declared.name.startswith(f"{{{XSD}}}"):
        if declared.is_list() or declared.is_union():
            refuse(place, f"a {'list' if declared.is_list() else 'union'} of values is not supported")
        steps.append(declared.elem)
        declared = declared.base_type
        if declared.is_complex():
            declared = declared.content
    name = declared.local_name
    if name in _ANY:
        return None
    if name not in BUILT_IN:
        refuse(place, f"the type xs:{name} is not supported; those of simple_types are")
    kind = SimpleType(name)
    for step in reversed(steps):
        kind = _restricted(kind, step, place)
    return None if kind == SimpleType() else kind


# A prefix in a schema is bound by the schema, one in a message by the message.
_QNAME = "of xs:QName is not supported: qualified names depend on prefixes"


def _restricted(kind: SimpleType, step: Element, place: str) -> SimpleType:
    """Return a type with the facets of one xs:restriction."""
    fields: dict[str, Any] = {
        name: getattr(kind, name) for name in SimpleType.__slots__ if name != "matchers"
    }
    enumerated = []
    for child in step:
        # The tag of a comment is a function.
        facet = str(child.tag).rpartition("}")[2]
        text = child.get("value", "")
        if facet in _NO_FACETS or callable(child.tag):
            continue
        if kind.is_qname and facet != "whiteSpace":
            refuse(place, f"the facet {facet} {_QNAME}")
        if facet in _COUNTS:
            fields |= dict.fromkeys(_COUNTS[facet], int(text))
        elif facet == "enumeration":
            if kind.name == "dateTime":
                refuse(place, "an enumeration of xs:dateTime is not supported: its values are kept as text")
            enumerated.append(_read(SimpleType(kind.name, white_space=kind.white_space), text, place, facet))
        elif facet in _BOUNDS:
            if kind.python is str:
                refuse(place, f"the facet {facet} of xs:{kind.name} is not supported: its values are text")
            fields[_BOUNDS[facet]] = _read(SimpleType(kind.name), text, place, facet)
        elif facet == "whiteSpace":
            fields["white_space"] = "" if text == BUILT_IN[kind.name].white_space else text
        else:
            refuse(place, f"the facet {short(facet)} is not supported")
    if enumerated:
        fields["enumeration"] = tuple(enumerated)
    pattern = step.get(PATTERNS)
    if pattern is not None:
        if kind.is_qname:
            refuse(place, f"the facet pattern {_QNAME}")
        if kind.python is not str:
            refuse(place, f"a pattern for xs:{kind.name} is not supported: its values are no text")
        fields["patterns"] = (*kind.patterns, pattern)
    try:
        return SimpleType(**fields)
    except PatternError as error:
        refuse(place, f"the pattern {short(printable(pattern or ''))} is not supported: {error}")


def _read(kind: SimpleType | None, text: str, place: str, what: str) -> SimpleValue:
    """Return the value of a text in a schema. Raises SchemaError."""
    try:
        return text if kind is None else kind.read(text)
    except ValueError as error:
        refuse(place, f"the {what} is not {error}")


def absent_values(attribute: XsdAttribute, kind: SimpleType | None, place: str) -> dict[str, SimpleValue]:
    """Return the default and the fixed value of an attribute, those that it has. Raises SchemaError."""
    given = {"default": attribute.default, "fixed": attribute.fixed}
    found = {name: text for name, text in given.items() if text is not None}
    if found and kind is not None and kind.is_qname:
        refuse(place, f"a {next(iter(found))} value {_QNAME}")
    return {name: _read(kind, text, place, name) for name, text in found.items()}


def content_of(element: XsdElement, place: str) -> tuple[SimpleType | None, XsdGroup | None]:
    """Return the type of the text of an element, or the group of its child elements; neither for none."""
    _check_element(element, place)
    declared: _Type = element.type
    if declared.is_simple():
        return type_of(declared, place) or SimpleType(), None
    if declared.has_simple_content():
        return type_of(declared.content, place) or SimpleType(), None
    if declared.mixed:
        refuse(place, "mixed content is not supported: text, or child elements")
    group = declared.content
    if declared.is_empty() or not isinstance(group, XsdGroup) or not len(group):
        return None, None
    return None, group


def _check_element(element: XsdElement, place: str) -> None:
    """Refuse what a declaration of an element says and no class of header blocks has."""
    for given, words in (
        (element.nillable, "nillable is not supported: xsi:nil has no meaning in a header block"),
        (element.abstract, "an abstract element is not supported"),
        (element.substitution_group, "a substitution group is not supported"),
        (element.identities, "keys and uniqueness constraints are not supported"),
        (element.default is not None, "a default value of an element is not supported"),
        (element.fixed is not None, "a fixed value of an element is not supported"),
    ):
        if given:
            refuse(place, words)


def children_of(
    group: XsdGroup, place: str, namespace: str, field_of: Callable[[str], str]
) -> Iterator[ChildSpec]:
    """Yield the specs of child elements, in schema order; `field_of` names the field of an element.

    `namespace` replaces the namespace of the schema, which it may lack. Raises SchemaError.
    """
    if group.model != "sequence" or (group.min_occurs, group.max_occurs) != (1, 1):
        refuse(place, "the child elements are not one xs:sequence that occurs once")
    for particle in group:
        if not isinstance(particle, XsdElement):
            refuse(place, "a group or a wildcard in the xs:sequence is not supported")
        name = particle.local_name
        here = f"{place}/{name}"
        _check_element(particle, here)
        if not particle.type.is_simple():
            refuse(here, "a child element with attributes or child elements is not supported")
        if particle.max_occurs == 0:
            continue
        qualified = "}" in particle.name or (particle.qualified and not particle.target_namespace)
        yield ChildSpec(
            name,
            field_of(name),
            namespace=namespace if qualified else "",
            type=type_of(particle.type, here),
            min_occurs=particle.min_occurs,
            max_occurs=particle.max_occurs,
        )
