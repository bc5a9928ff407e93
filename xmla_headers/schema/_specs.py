"""Knows how a schema declares header blocks, and makes specs, source code and classes of them."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import fields, make_dataclass
from typing import TYPE_CHECKING, TypeAlias

from xmlschema.validators import XsdAttribute

from xmla_headers.model import AttributeSpec, BlockClasses, BlockSpec, HeaderBlock
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS, Direction

from ._bounds import XSD
from ._generate import Documented, source_of
from ._loading import load, schema_errors
from ._sources import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    import xmlschema
    from xmlschema.validators import XsdAttributeGroup, XsdElement

__all__ = ["APPINFO_NS", "generate", "specs_from_schema", "types_from_schema"]

APPINFO_NS = "urn:xmla-headers:schema"
"""The namespace of the elements in xs:appinfo that describe header blocks: `block` and `attribute`."""

_TAKEN = frozenset({SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS})
# Names that a generated module imports or defines itself.
_GENERATED = frozenset(
    {
        *("AttributeSpec", "BlockSpec", "Direction", "HeaderBlock", "BlockClasses", "SESSION_BLOCKS"),
        "dataclass",
    }
)
_RESERVED = frozenset(field.name for field in fields(HeaderBlock)) | {"spec", "qname", "str", "to_dict"}

# The element of an attribute group or type -> the names of its attributes.
_Names: TypeAlias = "dict[Element, tuple[str, ...]]"


def specs_from_schema(text: str) -> tuple[BlockSpec, ...]:
    """Return the header blocks that an XML schema declares: one for each global element.

    The schema says in its xs:group definitions how often a block may occur (default: at most once). It says
    in xs:appinfo in which directions it may go (default: both), and which blocks are alternatives to each
    other (default: none).

    Args:
        text: The text of the schema, never a path or an address. Nothing that it refers to is fetched.
            It has at most 4,194,304 characters, 100 levels and 1,000 particles in each content model; its
            patterns have at most 65,536 characters and 256 escapes for a class. Patterns are checked and
            never executed.

    Returns:
        A spec for each global element, in schema order. The attributes are in schema order too, each
        attribute group expanded in its place.

    Raises:
        SchemaError: `text` is not a schema of header blocks, or it exceeds a bound.
        TypeError: `text` is not a str.

    >>> from xmla_headers.schema import read_schema, specs_from_schema
    >>> [spec.local_name for spec in specs_from_schema(read_schema("xmla-session-headers.xsd"))]
    ['BeginSession', 'Session', 'EndSession']
    """
    schema = load(text)
    with schema_errors():
        return _specs(schema)


def _specs(schema: xmlschema.XMLSchema10) -> tuple[BlockSpec, ...]:
    """Return the header blocks of a schema."""
    namespace = schema.target_namespace
    if namespace in _TAKEN or "}" in namespace:
        raise SchemaError(f"no header block can be in the namespace {namespace!r}")
    occurrence = dict(_occurrence(schema))
    names: _Names = {}
    specs = tuple(
        _block(element, namespace, occurrence.get(element.local_name, 1), names)
        for element in schema.elements.values()
    )
    if not specs:
        raise SchemaError("the schema declares no global element, and so no header block")
    return specs


def generate(text: str) -> str:
    """Return the source of a module with a dataclass for each header block of an XML schema.

    `xmla-headers generate` reads the schema from a file and writes the source to another one.

    Args:
        text: The text of the schema, within the bounds of `specs_from_schema`.

    Returns:
        The source of a Python module. Its `SESSION_BLOCKS` is a value for the arguments `types` of
        `decode` and others.

    Raises:
        SchemaError: `text` is not a schema of header blocks, or it exceeds a bound.
        TypeError: `text` is not a str.

    >>> from xmla_headers.schema import generate, read_schema
    >>> "class Session(HeaderBlock):" in generate(read_schema("xmla-session-headers.xsd"))
    True
    """
    schema = load(text)
    with schema_errors():
        return source_of(
            [
                Documented(spec, _documentation(element), _documented_attributes(element))
                for spec, element in zip(_specs(schema), schema.elements.values(), strict=True)
            ]
        )


def types_from_schema(text: str) -> Mapping[str, type[HeaderBlock]]:
    """Return header block classes that are made at run time from an XML schema.

    Their values cannot be pickled, since no module contains the classes. Those of a generated module can.

    Args:
        text: The text of the schema, within the bounds of `specs_from_schema`.

    Returns:
        Expanded name in Clark notation -> class, a value for the arguments `types` of `decode` and others.

    Raises:
        SchemaError: `text` is not a schema of header blocks, or it exceeds a bound.
        TypeError: `text` is not a str.

    >>> from xmla_headers.schema import read_schema, types_from_schema
    >>> types = types_from_schema(read_schema("xmla-session-headers.xsd"))
    >>> types["{urn:schemas-microsoft-com:xml-analysis}BeginSession"]()
    BeginSession()
    """
    schema = load(text)
    with schema_errors():
        return BlockClasses(
            {
                spec.qname: _block_type(spec, _documentation(element))
                for spec, element in zip(_specs(schema), schema.elements.values(), strict=True)
            }
        )


def _block_type(spec: BlockSpec, documentation: str) -> type[HeaderBlock]:
    """Return the class of a header block."""
    ordered = sorted(spec.attributes, key=lambda attribute: not attribute.required)
    return make_dataclass(
        spec.local_name,
        [
            (attribute.field, str) if attribute.required else (attribute.field, str | None, None)
            for attribute in ordered
        ],
        bases=(HeaderBlock,),
        namespace={"spec": spec, "__doc__": documentation or None},
        frozen=True,
        slots=True,
        repr=False,
    )


def _occurrence(schema: xmlschema.XMLSchema10) -> Iterator[tuple[str | None, int | None]]:
    """Yield the name of each element in an xs:group, and its maxOccurs."""
    for group in schema.groups.values():
        for particle in group.iter_elements():
            name = particle.local_name
            if particle.min_occurs or particle.max_occurs == 0:
                raise SchemaError(
                    f"{name}: minOccurs must be 0, since a message without this header block is accepted,"
                    " and maxOccurs must be 1 or more"
                )
            yield name, particle.max_occurs


def _block(element: XsdElement, namespace: str, max_occurs: int | None, names: _Names) -> BlockSpec:
    """Return the spec of the header block that a global element declares."""
    name = element.local_name
    if not namespace:
        raise SchemaError("the schema has no targetNamespace; SOAP 1.1 §4.2 requires qualified header blocks")
    usable = name.isascii() and name.isidentifier() and not name.startswith("_")
    if not usable or keyword.iskeyword(name) or name in _GENERATED or hasattr(builtins, name):
        raise SchemaError(f"{name}: the name of a header block must be usable for a Python class")
    if element.type.is_simple() or not element.type.is_empty():
        raise SchemaError(f"{name}: a header block has attributes and no content")
    said = _appinfo(element, "block")
    return BlockSpec(
        namespace=namespace,
        local_name=name,
        attributes=tuple(_attributes(element, names)),
        max_occurs=max_occurs,
        directions=_directions(name, said.get("directions", "request response")),
        alternatives=said.get("alternatives"),
    )


def _attributes(element: XsdElement, names: _Names) -> Iterator[AttributeSpec]:
    """Yield the specs of the attributes of an element that are fields, in schema order."""
    taken: set[str] = set()
    for name in _attribute_names(element.attributes, names):
        attribute = element.attributes[name]
        if name == "mustUnderstand" or not isinstance(attribute, XsdAttribute):
            continue
        if attribute.use == "prohibited":
            continue
        field = _field_name(name)
        if field in taken:
            raise SchemaError(f"{element.local_name}: two attributes would both be the field {field}")
        taken.add(field)
        identifier = _appinfo(attribute, "attribute").get("identifier") == "true"
        yield AttributeSpec(name, field, required=attribute.use == "required", identifier=identifier)


def _attribute_names(group: XsdAttributeGroup, names: _Names) -> tuple[str, ...]:
    """Return the names of the attributes in no namespace of a group or type, in schema order.

    xmlschema sorts the attributes by name where there is an xs:anyAttribute.
    """
    # Each group is read once: groups that refer to each other twice would take exponential time.
    known = names.get(group.elem)
    if known is not None:
        return known
    found: dict[str, None] = {}
    if group.base_attributes is not None:
        found.update(dict.fromkeys(_attribute_names(group.base_attributes, names)))
    for child in group.elem:
        if child.tag == f"{{{XSD}}}attributeGroup":
            other = group.maps.attribute_groups[group.schema.resolve_qname(child.attrib["ref"])]
            found.update(dict.fromkeys(_attribute_names(other, names)))
        elif child.tag == f"{{{XSD}}}attribute":
            name = child.get("name")
            # The others are qualified or prohibited.
            if name is not None and name in group:
                found[name] = None
    names[group.elem] = tuple(found)
    return names[group.elem]


def _field_name(attribute: str) -> str:
    """Return SessionId as session_id."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[-.]", "_", attribute)
    name = words.lower()
    if not (name.isascii() and name.isidentifier()) or name.startswith("_"):
        raise SchemaError(f"the attribute {attribute} cannot be named in Python")
    return f"{name}_" if keyword.iskeyword(name) or name in _RESERVED else name


def _directions(name: str, words: str) -> frozenset[Direction]:
    """Return the directions that xh:block names."""
    try:
        return frozenset(Direction(word) for word in words.split())
    except ValueError:
        raise SchemaError(f"{name}: directions are request and response, not {words!r}") from None


def _appinfo(component: XsdElement | XsdAttribute, kind: str) -> Mapping[str, str]:
    """Return the attributes of the element of this kind in the xs:appinfo of a component."""
    annotation = component.annotation
    if annotation is not None:
        for appinfo in annotation.appinfo:
            found: Element | None = appinfo.find(f"{{{APPINFO_NS}}}{kind}")
            if found is not None:
                return found.attrib
    return {}


def _documentation(component: XsdElement | XsdAttribute) -> str:
    """Return the xs:documentation of a component."""
    annotation = component.annotation
    parts = () if annotation is None else annotation.documentation
    return " ".join("".join(part.itertext()) for part in parts)


def _documented_attributes(element: XsdElement) -> dict[str, str]:
    """Return the xs:documentation of the attributes of an element, by name."""
    return {
        attribute.name: _documentation(attribute)
        for attribute in element.attributes.values()
        if isinstance(attribute, XsdAttribute)
    }
