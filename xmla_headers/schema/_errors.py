"""What xmlschema finds wrong with an element -> our words for it, which quote names and no value.

Its own words quote attribute values and text, among which a session id may be, and take several lines.
What is said here comes from the class of the error, from the schema, and of its words from those alone
that hold nothing but names. What is not known is said in general.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from xmlschema.validators import XMLSchemaChildrenValidationError, XsdSimpleType

from xmla_headers._printable import printable
from xmla_headers._xml.names import short
from xmla_headers.soap import XSI_NS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from xmlschema import XMLSchemaValidationError

    from ._located_trees import PlacedElement

__all__ = ["Violation", "violation_of"]

#: The most that is said about the schema: a pattern may be long.
_MOST_CHARACTERS = 120
#: The most elements or values that are said to be possible instead.
_MOST_CHOICES = 5


class Violation(NamedTuple):
    """One thing that a schema does not allow."""

    #: The element that it is about.
    element: Element
    message: str
    #: The name of the attribute that it is about, as it is written or should have been.
    attribute: str | None = None


def violation_of(error: XMLSchemaValidationError, placed: PlacedElement) -> Violation:
    """Return what an error of xmlschema is about."""
    element = error.elem if error.elem is not None and error.elem in placed else placed.tree
    if isinstance(error, XMLSchemaChildrenValidationError):
        return _children(error, element, placed)
    name = short(placed.name_of(element))
    reason = error.reason or ""
    for pattern, message in _REASONS:
        match = re.match(pattern, reason)
        if match is not None:
            tag = match.groupdict().get("tag", _OF_XSI.get(message))
            attribute = None if tag is None else placed.attribute_name(element, tag)
            shown = "" if attribute is None else short(attribute)
            return Violation(element, message.format(element=name, attribute=shown), attribute)
    # xmlschema says which attribute it is in front of its reason.
    match = re.match(_ATTRIBUTE, reason)
    attribute = None if match is None else _written(match[1], element, placed)
    subject = f"the content of {name}" if attribute is None else f"the attribute {short(attribute)} of {name}"
    rule = _rule_of(error.validator)
    if rule is None:
        return Violation(element, f"{name} is not valid by the schema", attribute)
    return Violation(element, f"{subject} {rule}", attribute)


def _children(error: XMLSchemaChildrenValidationError, element: Element, placed: PlacedElement) -> Violation:
    expected = _listed(filter(None, (particle.local_name for particle in error.expected or ())))
    child = error.invalid_child
    if child is None:
        lacks = f"{short(placed.name_of(element))} lacks a child element"
        return Violation(element, f"{lacks}: {expected}" if expected else lacks)
    refused = f"the schema does not allow {short(placed.name_of(child))} here"
    return Violation(child, f"{refused}, but {expected}" if expected else refused)


def _listed(choices: Iterable[object]) -> str:
    """Return what a schema holds as a list of bounded length."""
    texts = [_shown(choice) for choice in islice(choices, _MOST_CHOICES + 1)]
    if len(texts) > _MOST_CHOICES:
        return ", ".join((*texts[:_MOST_CHOICES], "…"))
    return " or ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))


def _quoted(value: object) -> str:
    # An empty one would not be seen.
    return f'"{value}"'


def _shown(said: object) -> str:
    """Return something that a schema says on one line, as a person reads it."""
    text = printable(" ".join(str(said).split()))
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


_ATTRIBUTE = r"attribute ([^\s='\"]+)="

_NAMED = r"'(?P<tag>[^']+)'"
_UNDECLARED = "the schema declares no attribute {attribute} for {element}"
_TEXT = "{element} has text in it"
_FIXED = "the content of {element} is not what the schema fixes"
_NIL = "{attribute} is not allowed for {element}, or not so"
_ABSTRACT = "the schema declares {element} as abstract"
_UNKNOWN = "the schema does not declare {element}, or not its type"
_TYPE = "{attribute} of {element} names no type that the schema allows there"
_KEY = "{element} breaks a key, a uniqueness or a reference to one"
#: How xmlschema begins to say what quotes no value, up to there -> how it is said here.
_REASONS = (
    (rf"missing required attribute {_NAMED}", "{element} has no {attribute}"),
    (rf"{_NAMED} (?:attribute not allowed|is not an attribute)", _UNDECLARED),
    (rf"(?:use of )?attribute {_NAMED} (?:not allowed|not found|is prohibited)", _UNDECLARED),
    (
        rf"attribute {_NAMED} has a fixed value",
        "the attribute {attribute} of {element} is not what the schema fixes",
    ),
    (r"character data ", _TEXT),
    (r"a simple content element can't have child elements", "{element} has child elements"),
    (r"must have the fixed value ", _FIXED),
    (r"(?:element is not nillable|xsi:nil)", _NIL),
    (r"can't use an abstract ", _ABSTRACT),
    (r"element '[^']*' (?:not found|is not allowed here)|unavailable namespace |unknown type ", _UNKNOWN),
    (r"""["']*global |Xsd\w+\(.* cannot substitute """, _TYPE),
    (
        r"(?:duplicated (?:xs:ID )?value|missing key field|no more than one attribute of type ID|IDREF) ",
        _KEY,
    ),
)
#: Those of the above that are about an attribute which is always the same.
_OF_XSI = {_TYPE: f"{{{XSI_NS}}}type", _NIL: f"{{{XSI_NS}}}nil"}


def _written(name: str, element: Element, placed: PlacedElement) -> str | None:
    """Return the name of an attribute of an element that xmlschema names with a prefix of its own choice."""
    if name in element.attrib:
        return placed.attribute_name(element, name)
    local = name.rpartition(":")[2]
    tags = [tag for tag in element.attrib if tag.rpartition("}")[2] == local]
    return placed.attribute_name(element, tags[0]) if tags else None


def _rule_of(validator: object) -> str | None:
    """Return which rule of its type a value breaks, if it is one of a type."""
    kind = type(validator).__name__
    if kind == "XsdPatternFacets":
        return f"does not match the pattern {_listed(getattr(validator, 'regexps', ()))}"
    if kind == "XsdEnumerationFacets":
        return f"is not {_listed(map(_quoted, getattr(validator, 'enumeration', None) or ()))}"
    facet = re.fullmatch(r"Xsd(\w+)Facet", kind)
    if facet is not None:
        rule = facet[1][0].lower() + facet[1][1:]
        return f"does not keep to {rule} {_shown(getattr(validator, 'value', ''))}".rstrip()
    # The built-in types are checked by functions: int_validator.
    function = getattr(validator, "__name__", "")
    if function.endswith("_validator"):
        return f"is no xs:{function.removesuffix('_validator')}"
    if not isinstance(validator, XsdSimpleType):
        return None
    name = validator.prefixed_name
    return f"is no {_shown(name)}" if name else "is not what its type allows"
