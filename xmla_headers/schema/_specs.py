"""Knows how a schema declares header blocks, and makes specs, source code and classes of them."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import field as declared
from dataclasses import fields, make_dataclass
from typing import TYPE_CHECKING, TypeAlias

from xmlschema.validators import XsdAttribute

from xmla_headers._xml.names import short
from xmla_headers.model import TEXT, AttributeSpec, BlockClasses, BlockSpec, HeaderBlock
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS, Direction

from ._bounds import XSD
from ._content import absent_values, children_of, content_of, refuse, type_of
from ._generate import Documented, fields_of, source_of
from ._loading import load, schema_errors
from ._sources import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    import xmlschema
    from xmlschema.validators import XsdAnnotation, XsdAttributeGroup, XsdElement

__all__ = ["APPINFO_NS", "generate", "specs_from_schema", "types_from_schema"]

APPINFO_NS = "urn:xmla-headers:schema"
"""The namespace of the elements in xs:appinfo that describe header blocks: `block` and `attribute`."""

# The namespace of xh:block that stands for none, as in an xs:any.
LOCAL = "##local"
_TAKEN = frozenset({SOAP_11_NS, SOAP_12_NS, XML_NS, XMLNS_NS})
# Names that a generated module imports or defines itself.
_GENERATED = frozenset(
    {
        *("AttributeSpec", "BlockSpec", "ChildSpec", "ClassVar", "Decimal", "Direction", "HeaderBlock"),
        *("BlockClasses", "SESSION_BLOCKS", "SimpleType", "dataclass"),
    }
)
_RESERVED = frozenset(field.name for field in fields(HeaderBlock)) | {
    *("spec", "qname", "str", "to_dict", "bool", "int", "tuple", "type"),
}

# The element of an attribute group or type -> the names of its attributes.
_Names: TypeAlias = "dict[Element, tuple[str, ...]]"


def specs_from_schema(text: str) -> tuple[BlockSpec, ...]:
    """Return the header blocks that an XML schema declares: one for each global element.

    The schema says in its xs:group definitions how often a block may occur (default: at most once). It says
    in xs:appinfo in which directions it may go (default: both), and which blocks are alternatives to each
    other (default: none). Attributes, text and child elements have simple types; what no class can have
    (a list, a union, a choice, mixed content, a type that is not in `simple_types`) is refused.

    Args:
        text: The text of the schema, never a path or an address. Nothing that it refers to is fetched.
            It has at most 4,194,304 characters, 100 levels and 1,000 particles in each content model; its
            patterns have at most 65,536 characters and 256 escapes for a class. Patterns are matched in a
            time linear in the text, and have at most 256 positions with repetitions written out.

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
        return tuple(block.spec for block in _declared(schema))


def _declared(schema: xmlschema.XMLSchema10) -> list[Documented]:
    """Return the header blocks of a schema: one for each element, or for each `xh:block` in it."""
    target, occurrence = schema.target_namespace, dict(_occurrence(schema))
    names: _Names = {}
    blocks: list[Documented] = []
    for element in schema.elements.values():
        for said in _appinfo(element, "block") or ({},):
            spec = _block(element, said, target, occurrence.get(element.local_name, 1), names)
            name = said.get("class", spec.local_name)
            _check_class_name(name)
            if name in {block.name for block in blocks} or spec in {block.spec for block in blocks}:
                refuse(element.local_name, f"a second header block {name}, or a second one of this namespace")
            documented = _documented_fields(element)
            blocks.append(Documented(name, spec, _documentation(element), documented))
    if not blocks:
        raise SchemaError("the schema declares no global element, and so no header block")
    return blocks


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
        said = next((said for part in schema.annotations for said in _said(part, "module")), {})
        mapping = said.get("blocks", "SESSION_BLOCKS")
        if not (mapping.isascii() and mapping.isidentifier() and mapping.isupper()):
            raise SchemaError(f"{short(mapping)}: the name of the mapping must be one in capital letters")
        title = next((text for part in schema.annotations if (text := _text_of(part))), "")
        return source_of(_declared(schema), mapping, title)


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
        return BlockClasses({block.spec.qname: _block_type(block) for block in _declared(schema)})


def _block_type(block: Documented) -> type[HeaderBlock]:
    """Return the class of a header block."""
    return make_dataclass(
        block.name,
        [
            (field.name, field.annotation, declared() if field.required else declared(default=field.default))
            for field in fields_of(block.spec)
        ],
        bases=(HeaderBlock,),
        namespace={"spec": block.spec, "__doc__": block.documentation or None},
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


def _check_class_name(name: str) -> None:
    """Refuse a name that no class in a generated module can have."""
    usable = name.isascii() and name.isidentifier() and not name.startswith("_")
    if not usable or keyword.iskeyword(name) or name in _GENERATED or hasattr(builtins, name):
        refuse(name, "the name of a header block must be usable for a Python class")


def _block(
    element: XsdElement, said: Mapping[str, str], target: str, max_occurs: int | None, names: _Names
) -> BlockSpec:
    """Return the spec of a header block that a global element declares, by one `xh:block` in it."""
    name = element.local_name
    namespace = said.get("namespace", target)
    if not namespace:
        raise SchemaError(
            "the schema has no targetNamespace; SOAP 1.1 §4.2 requires qualified header blocks"
            f' (xh:block namespace="{LOCAL}" declares one that is not)'
        )
    if namespace in _TAKEN or "}" in namespace:
        raise SchemaError(f"no header block can be in the namespace {namespace!r}")
    namespace = "" if namespace == LOCAL else namespace
    taken: set[str] = set()

    def field_of(declared: str) -> str:
        field = _field_name(declared)
        if field in taken:
            refuse(name, f"two attributes or child elements would both be the field {field}")
        taken.add(field)
        return field

    text, group = content_of(element, name)
    if text is not None:
        taken.add(TEXT)
    # A simple type has no attributes.
    attributes = () if element.type.is_simple() else tuple(_attributes(element, names, field_of))
    return BlockSpec(
        namespace=namespace,
        local_name=name,
        attributes=attributes,
        max_occurs=max_occurs,
        directions=_directions(name, said.get("directions", "request response")),
        alternatives=said.get("alternatives"),
        children=() if group is None else tuple(children_of(group, name, namespace, field_of)),
        text=text,
    )


def _attributes(
    element: XsdElement, names: _Names, field_of: Callable[[str], str]
) -> Iterator[AttributeSpec]:
    """Yield the specs of the attributes of an element that are fields, in schema order."""
    for name in _attribute_names(element.attributes, names):
        attribute = element.attributes[name]
        if name == "mustUnderstand" or not isinstance(attribute, XsdAttribute):
            continue
        if attribute.use == "prohibited":
            continue
        field, place = field_of(name), f"{element.local_name}/@{name}"
        kind = type_of(attribute.type, place)
        identifier = any(said.get("identifier") == "true" for said in _appinfo(attribute, "attribute"))
        if identifier and kind is not None and (kind.python is not str or kind.is_qname):
            refuse(place, "an identifier must be text, and no qualified name")
        yield AttributeSpec(
            name,
            field,
            required=attribute.use == "required",
            identifier=identifier,
            type=kind,
            **absent_values(attribute, kind, place),
        )


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


def _appinfo(component: XsdElement | XsdAttribute, kind: str) -> list[Mapping[str, str]]:
    """Return the attributes of each element of this kind in the xs:appinfo of a component."""
    return [] if component.annotation is None else _said(component.annotation, kind)


def _said(annotation: XsdAnnotation, kind: str) -> list[Mapping[str, str]]:
    """Return the attributes of each element of this kind in the xs:appinfo of an annotation."""
    return [
        found.attrib for appinfo in annotation.appinfo for found in appinfo.findall(f"{{{APPINFO_NS}}}{kind}")
    ]


def _documentation(component: XsdElement | XsdAttribute) -> str:
    """Return the xs:documentation of a component."""
    return "" if component.annotation is None else _text_of(component.annotation)


def _text_of(annotation: XsdAnnotation) -> str:
    """Return the xs:documentation in an annotation."""
    return " ".join("".join(part.itertext()) for part in annotation.documentation)


def _documented_fields(element: XsdElement) -> dict[str, str]:
    """Return the xs:documentation of the attributes and child elements of an element, by name."""
    parts = [part for part in element.attributes.values() if isinstance(part, XsdAttribute)]
    _, group = content_of(element, element.local_name)
    found = {part.local_name: _documentation(part) for part in (*parts, *(group or ()))}
    return {**found, "": "The text in the element."}
