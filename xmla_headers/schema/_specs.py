"""XML Schema -> BlockSpecs, generated source, run-time types, and a second opinion on messages."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import fields, make_dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from xmlschema.validators import XsdAttribute

from xmla_headers.model import AttributeSpec, BlockSpec, HeaderBlock
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS, Direction

from ._generate import source_of
from ._loading import load, schema_errors
from ._sources import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

    import xmlschema
    from xmlschema.validators import XsdElement

__all__ = ["APPINFO_NS", "generate", "specs_from_schema", "types_from_schema"]

#: The namespace of what a schema says in xs:appinfo about a header block.
APPINFO_NS = "urn:xmla-headers:schema"

_TAKEN = frozenset({SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS})
#: What a generated module imports and defines itself.
_GENERATED = frozenset(
    {
        *("AttributeSpec", "BlockSpec", "Direction", "HeaderBlock", "MappingProxyType", "SESSION_BLOCKS"),
        "dataclass",
    }
)
_RESERVED = frozenset(field.name for field in fields(HeaderBlock)) | {"spec", "qname", "str"}


def specs_from_schema(text: str) -> tuple[BlockSpec, ...]:
    """Return the header blocks that an XML schema declares: one for each global element.

    `text` is the schema itself, never a path or an address; nothing that it refers to is fetched.
    Occurrence stands in its xs:group definitions (at most one where none says so); direction, and
    which blocks are alternatives to each other, in xs:appinfo (both directions, none).

    Raises SchemaError for whatever else the text is, and TypeError if it is not a str. Refused as too large
    are schemas of more than 4,194,304 characters, 100 levels, 1,000 particles in a content model, 65,536
    characters or 256 escapes for a class in patterns. Patterns are checked and never executed.
    """
    schema = load(text)
    with schema_errors():
        return _specs(schema)


def _specs(schema: xmlschema.XMLSchema10) -> tuple[BlockSpec, ...]:
    namespace = schema.target_namespace
    if namespace in _TAKEN or "}" in namespace:
        raise SchemaError(f"no header block can be in the namespace {namespace!r}")
    occurrence = dict(_occurrence(schema))
    specs = tuple(
        _block(element, schema.target_namespace, occurrence.get(element.local_name, 1))
        for element in schema.elements.values()
    )
    if not specs:
        msg = "the schema declares no global element, so no header block"
        raise SchemaError(msg)
    return specs


def generate(text: str) -> str:
    """Return the source of a module with a dataclass for each header block of an XML schema.

    The pure half of `xmla-headers generate`. Its SESSION_BLOCKS is what `types=` takes. Raises
    SchemaError and TypeError, under the same bounds as `specs_from_schema`.
    """
    schema = load(text)
    with schema_errors():
        return source_of(_specs(schema), _documentation(schema))


def types_from_schema(text: str) -> Mapping[str, type[HeaderBlock]]:
    """Return header block classes made at run time, by qname, as `types=` takes them.

    Their values do not pickle, as no module holds the classes; those of a generated module do.
    Raises SchemaError and TypeError, under the same bounds as `specs_from_schema`.
    """
    schema = load(text)
    with schema_errors():
        documentation = _documentation(schema)
        return MappingProxyType(
            {spec.qname: _block_type(spec, documentation.get(spec.local_name)) for spec in _specs(schema)}
        )


def _block_type(spec: BlockSpec, documentation: str | None) -> type[HeaderBlock]:
    ordered = sorted(spec.attributes, key=lambda attribute: not attribute.required)
    return make_dataclass(
        spec.local_name,
        [
            (attribute.field, str) if attribute.required else (attribute.field, str | None, None)
            for attribute in ordered
        ],
        bases=(HeaderBlock,),
        namespace={"spec": spec, "__doc__": documentation},
        frozen=True,
        slots=True,
        repr=False,
    )


def _occurrence(schema: xmlschema.XMLSchema10) -> Iterator[tuple[str | None, int | None]]:
    for group in schema.groups.values():
        for particle in group.iter_elements():
            name = particle.local_name
            if particle.min_occurs or particle.max_occurs == 0:
                raise SchemaError(
                    f"{name}: minOccurs must be 0, since no message is refused for a header block it lacks,"
                    " and maxOccurs 1 or more"
                )
            yield name, particle.max_occurs


def _block(element: XsdElement, namespace: str, max_occurs: int | None) -> BlockSpec:
    name = element.local_name
    if not namespace:
        msg = "the schema has no targetNamespace, and SOAP 1.1 §4.2 wants header blocks to be qualified"
        raise SchemaError(msg)
    usable = name.isascii() and name.isidentifier() and not name.startswith("_")
    if not usable or keyword.iskeyword(name) or name in _GENERATED or hasattr(builtins, name):
        msg = f"{name}: the name of a header block must be that of a Python class"
        raise SchemaError(msg)
    if element.type.is_simple() or not element.type.is_empty():
        msg = f"{name}: only attributes can be declared, a header block here has no content"
        raise SchemaError(msg)
    said = _appinfo(element, "block")
    return BlockSpec(
        namespace=namespace,
        local_name=name,
        attributes=tuple(_attributes(element)),
        max_occurs=max_occurs,
        directions=_directions(name, said.get("directions", "request response")),
        alternatives=said.get("alternatives"),
    )


def _attributes(element: XsdElement) -> Iterator[AttributeSpec]:
    taken: set[str] = set()
    for name, attribute in element.attributes.items():
        # The others are xs:anyAttribute; what is qualified belongs to SOAP or to somebody else.
        if not isinstance(attribute, XsdAttribute) or attribute.name != name or "}" in name:
            continue
        if name == "mustUnderstand" or attribute.use == "prohibited":
            continue
        field = _field_name(name)
        if field in taken:
            msg = f"{element.local_name}: two attributes would both be the field {field}"
            raise SchemaError(msg)
        taken.add(field)
        identifier = _appinfo(attribute, "attribute").get("identifier") == "true"
        yield AttributeSpec(name, field, required=attribute.use == "required", identifier=identifier)


def _field_name(attribute: str) -> str:
    """Return SessionId as session_id."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[-.]", "_", attribute)
    name = words.lower()
    if not (name.isascii() and name.isidentifier()) or name.startswith("_"):
        msg = f"the attribute {attribute} cannot be named in Python"
        raise SchemaError(msg)
    return f"{name}_" if keyword.iskeyword(name) or name in _RESERVED else name


def _directions(name: str, words: str) -> frozenset[Direction]:
    try:
        return frozenset(Direction(word) for word in words.split())
    except ValueError:
        msg = f"{name}: directions are request and response, not {words!r}"
        raise SchemaError(msg) from None


def _appinfo(component: XsdElement | XsdAttribute, kind: str) -> Mapping[str, str]:
    """Return what xs:appinfo says about a component, in the element of this kind."""
    annotation = component.annotation
    if annotation is not None:
        for appinfo in annotation.appinfo:
            said: Element | None = appinfo.find(f"{{{APPINFO_NS}}}{kind}")
            if said is not None:
                return said.attrib
    return {}


def _documentation(schema: xmlschema.XMLSchema10) -> dict[str, str]:
    """Return what xs:documentation says about each global element, by local name."""
    return {
        element.local_name: " ".join("".join(part.itertext()) for part in element.annotation.documentation)
        for element in schema.elements.values()
        if element.annotation is not None and element.local_name is not None
    }
