"""The declaration of a header block in a schema, and the base of the classes that are generated from it."""

# To add a header block:
# 1. an xs:element in schemas/xmla-session-headers.xsd;
# 2. xmla-headers generate schemas/xmla-session-headers.xsd -o xmla_headers/session_headers.py;
# 3. its name in xmla_headers/__init__.py, if it is to be imported from there.

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from dataclasses import field as declared
from decimal import Decimal
from importlib import import_module
from types import MappingProxyType, MemberDescriptorType
from typing import Any, ClassVar

from ._checks import bad_fragment, check_text, member_of, wrong_type
from ._immutable import ReadOnly, shown_half_made
from ._xml.escape import escape_attribute
from ._xml.names import clark, is_ncname
from .findings import Code, EncodeError, value_finding
from .simple_types import SimpleType, SimpleValue
from .soap import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    XMLNS_NS,
    XSI_NS,
    AnyMustUnderstandForm,
    Direction,
    MustUnderstandForm,
)

__all__ = [
    "TEXT",
    "AttributeSpec",
    "BlockClasses",
    "BlockSpec",
    "ChildSpec",
    "HeaderBlock",
    "has_generated_constructor",
    "mask",
    "qnames_of",
    "written",
]

TEXT = "text"
"""The field of a header block that holds its text content."""


@shown_half_made
@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """An attribute of a header block, as the schema declares it.

    >>> AttributeSpec("SessionId", "session_id", required=True, identifier=True).name
    'SessionId'
    """

    name: str
    """The name in the message. The attribute is in no namespace."""
    field: str
    """The name of the dataclass field."""
    required: bool = declared(default=False, kw_only=True)
    """Whether every block must have the attribute."""
    identifier: bool = declared(default=False, kw_only=True)
    """Whether the value is a session id: a bearer secret, which is masked wherever it is shown."""
    type: SimpleType | None = declared(default=None, kw_only=True)
    """The type of the value; None for any text (xs:string without facets)."""
    default: SimpleValue | None = declared(default=None, kw_only=True)
    """The value that an absent attribute stands for."""
    fixed: SimpleValue | None = declared(default=None, kw_only=True)
    """The only value, which an absent attribute stands for too."""

    @property
    def is_plain_identifier(self) -> bool:
        """Whether the value is a session id that may be any text, so that no rule tells two ids apart."""
        return self.identifier and self.type is None and self.fixed is None

    @property
    def absent(self) -> SimpleValue | None:
        """The value that an absent attribute stands for; None if it stands for nothing."""
        return self.default if self.fixed is None else self.fixed

    @property
    def allowed(self) -> str:
        """The values in words, which complete the sentence "The value is not ..."."""
        if self.fixed is not None:
            # A qualified name has no text without prefixes.
            text = self.fixed if isinstance(self.fixed, str) else written(self.type, self.fixed)
            return f"the fixed value {text!r}"
        return _ANY_TEXT.allowed if self.type is None else self.type.allowed


@shown_half_made
@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child element of a header block, as the schema declares it. It has text and nothing else.

    >>> ChildSpec("Capability", "capability", namespace="urn:example").qname
    '{urn:example}Capability'
    """

    name: str
    """The local name of the element."""
    field: str
    """The name of the dataclass field: a tuple of the values in document order."""
    namespace: str = declared(default="", kw_only=True)
    """The namespace of the element; empty for none."""
    type: SimpleType | None = declared(default=None, kw_only=True)
    """The type of the text; None for any text."""
    min_occurs: int = declared(default=1, kw_only=True)
    """The fewest elements of this name."""
    max_occurs: int | None = declared(default=1, kw_only=True)
    """The most elements of this name; None for any number."""

    @property
    def qname(self) -> str:
        """The expanded name in Clark notation."""
        return clark(self.namespace, self.name)


@shown_half_made
@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A header block, as the schema declares it. Every rule about one loops over this.

    >>> BlockSpec("urn:example", "Ticket").qname
    '{urn:example}Ticket'
    """

    namespace: str
    """The namespace of the element."""
    local_name: str
    """The local name of the element."""
    attributes: tuple[AttributeSpec, ...] = ()
    """The declared attributes, in schema order."""
    max_occurs: int | None = 1
    """The most blocks of this name in one message; None for any number."""
    directions: frozenset[Direction] = frozenset(Direction)
    """The directions in which a message may carry the block."""
    alternatives: str | None = None
    """Blocks with the same word here are alternatives to each other."""
    children: tuple[ChildSpec, ...] = ()
    """The child elements, in the order in which they stand in the block."""
    text: SimpleType | None = None
    """The type of the text content; None for a block that has none."""
    qname: str = declared(init=False, repr=False, compare=False)
    """The expanded name in Clark notation; only the local name if there is no namespace."""
    opening: str = declared(init=False, repr=False, compare=False)
    """The beginning of a start tag that declares the namespace as the default."""
    has_content: bool = declared(init=False, repr=False, compare=False)
    """Whether the block may have text or child elements."""
    has_qnames: bool = declared(init=False, repr=False, compare=False)
    """Whether a value in the block may be a qualified name, whose text depends on prefixes."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "qname", clark(self.namespace, self.local_name))
        put(self, "has_content", self.text is not None or bool(self.children))
        kinds = [self.text, *(attribute.type for attribute in self.attributes)]
        kinds += [child.type for child in self.children]
        put(self, "has_qnames", any(kind is not None and kind.is_qname for kind in kinds))
        put(self, "opening", f'<{self.local_name} xmlns="{escape_attribute(self.namespace)}"')

    @property
    def name(self) -> str:
        """The same as `local_name`, called as in `AttributeSpec`."""
        return self.local_name

    @property
    def by_name(self) -> Mapping[str, AttributeSpec]:
        """Name in the message -> attribute."""
        return MappingProxyType({attribute.name: attribute for attribute in self.attributes})


_ANY_TEXT = SimpleType()
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


def written(kind: SimpleType | None, value: SimpleValue, prefixes: Mapping[str, str] = _NO_NAMES) -> str:
    """Return the text of a value, as an attribute or element has it before it is escaped.

    Args:
        kind: The type of the value; None for any text.
        value: A value of the type.
        prefixes: Namespace -> prefix where the text will stand, for a qualified name.

    Returns:
        The text.

    >>> written(SimpleType("boolean"), True)
    'true'
    """
    return str(value) if kind is None else kind.write(value, prefixes)


def qnames_of(block: "HeaderBlock") -> Iterator[str]:
    """Yield the qualified names among the values of a header block.

    Args:
        block: A header block that a schema declares.

    Yields:
        Names in Clark notation.

    >>> list(qnames_of(Session("8f1c2b3a")))
    []
    """
    spec = block.spec
    if not spec.has_qnames:
        return
    for attribute in spec.attributes:
        value = getattr(block, attribute.field)
        if attribute.type is not None and attribute.type.is_qname and value is not None:
            yield value
    if spec.text is not None and spec.text.is_qname:
        yield getattr(block, TEXT)
    for child in spec.children:
        if child.type is not None and child.type.is_qname:
            yield from getattr(block, child.field)


def mask(identifier: str) -> str:
    """Return the part of a session id that may be shown: four characters, and the length.

    Args:
        identifier: A session id, or another secret. If it has four characters or fewer, only the
            length is shown.

    Returns:
        Text for people.

    Raises:
        TypeError: `identifier` is not a str.

    >>> mask("8f1c2b3a-0d4e")
    "'8f1c'… (13 characters)"
    """
    if not isinstance(identifier, str):
        raise wrong_type("a session id", "str", identifier)
    size = "1 character" if len(identifier) == 1 else f"{len(identifier)} characters"
    return f"{identifier[:4]!r}… ({size})" if len(identifier) > 4 else f"… ({size})"


# Without __eq__: every value is of a subclass, and those compare.
@shown_half_made
@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HeaderBlock:
    """A header block that a schema declares (SOAP 1.1 §4.2: header entry).

    The base of `BeginSession`, `Session`, `EndSession` and of every class that is generated from a schema.

    Raises:
        EncodeError: A value is `unencodable-text`, or `other_attributes` is a `bad-fragment`.
        TypeError: A value has the wrong type.
    """

    spec: ClassVar[BlockSpec]
    """The declaration in the schema."""

    must_understand: bool = False
    """Whether the receiver must understand the block or answer with a fault (SOAP 1.1 §4.2.3)."""
    must_understand_form: AnyMustUnderstandForm | None = declared(default=None, compare=False)
    """The spelling of mustUnderstand. `decode` records it and `encode` writes it; None means QUALIFIED.

    The constructor also accepts the value of a member; the attribute is the member.
    """
    actor: str | None = None
    """The receiver (SOAP 1.1 §4.2.2: actor; SOAP 1.2: role); None for the last receiver of the message."""
    other_attributes: tuple[tuple[str, str], ...] = ()
    """Name in Clark notation and value of each attribute in a namespace without a rule here."""

    def __post_init__(self) -> None:
        if type(self) is HeaderBlock:
            raise TypeError("HeaderBlock is the base of the classes that are made from a schema")
        if type(self.must_understand) is not bool:
            raise wrong_type("must_understand", "bool", self.must_understand)
        form = self.must_understand_form
        if form is not None and not isinstance(form, MustUnderstandForm):
            form = member_of(MustUnderstandForm, "must_understand_form", form)
            object.__setattr__(self, "must_understand_form", form)
        if self.actor is not None:
            check_text("actor", self.actor)
        spec = self.spec
        for attribute in spec.attributes:
            value = getattr(self, attribute.field)
            if value is None and not attribute.required and attribute.absent is None:
                continue
            if attribute.type is None:
                check_text(attribute.field, value)
            else:
                attribute.type.check(attribute.field, value)
            if attribute.fixed is not None and value != attribute.fixed:
                message = f"{attribute.field} is not {attribute.allowed}"
                raise EncodeError(value_finding(Code.INVALID_VALUE, message))
        if spec.text is not None:
            spec.text.check(TEXT, getattr(self, TEXT))
        for child in spec.children:
            _check_children(child, getattr(self, child.field))
        if self.other_attributes != ():
            _check_other_attributes(self.other_attributes, spec)

    @property
    def qname(self) -> str:
        """The expanded name in Clark notation."""
        return self.spec.qname

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write.

        It is data, not a message for people: a session id is not masked.

        Returns:
            "qname", and the name of each field -> text, number, bool or None, and a list of them for child
            elements; a decimal number is text, since JSON has no exact ones. "other_attributes" -> name ->
            value.

        >>> Session("8f1c2b3a").to_dict()["session_id"]
        '8f1c2b3a'
        """
        form = self.must_understand_form
        return {
            "qname": self.qname,
            **{field.name: _jsonable(getattr(self, field.name)) for field in fields(self)},
            "must_understand_form": None if form is None else str(form),
            "other_attributes": dict(self.other_attributes),
        }

    def __repr__(self) -> str:
        shown = []
        for attribute in self.spec.attributes:
            value = getattr(self, attribute.field)
            secret = attribute.identifier and value is not None
            shown.append(f"{attribute.field}={mask(value) if secret else repr(value)}")
        if self.spec.text is not None:
            # It may be a token.
            value = getattr(self, TEXT)
            shown.append(
                f"{TEXT}=<{len(value)} characters>" if isinstance(value, str) else f"{TEXT}={value!r}"
            )
        shown += [f"{child.field}={getattr(self, child.field)!r}" for child in self.spec.children]
        if self.must_understand:
            shown.append("must_understand=True")
        form = self.must_understand_form
        if form is not None:
            # Anything, in a value whose constructor has raised.
            name = form.name if isinstance(form, MustUnderstandForm) else type(form).__name__
            shown.append(f"must_understand_form={name}")
        if self.actor is not None:
            shown.append(f"actor={self.actor!r}")
        if self.other_attributes:
            shown.append(f"other_attributes=<{len(self.other_attributes)}>")
        return f"{type(self).__name__}({', '.join(shown)})"


class BlockClasses(ReadOnly[str, type[HeaderBlock]]):
    """Expanded name in Clark notation -> class of header blocks: read-only, with a short repr.

    >>> SESSION_BLOCKS
    <BeginSession, Session, EndSession>
    """

    __slots__ = ()

    def __repr__(self) -> str:
        # Short, since every signature shows it.
        names = [kind.__name__ for kind in self.values()]
        return f"<{', '.join(names) if len(names) <= _MOST_NAMES else f'{len(names)} header blocks'}>"


_MOST_NAMES = 4


def has_generated_constructor(kind: type[HeaderBlock]) -> bool:
    """Return whether `dataclass` generated the constructor, which then makes the checks of HeaderBlock alone.

    A value of such a class consists of its fields, each in a slot.
    """
    made = vars(kind)
    return (
        {"__init__", "__dataclass_fields__"} <= made.keys()
        and kind.__dataclass_params__.init  # type: ignore[attr-defined]
        and kind.__post_init__ is HeaderBlock.__post_init__
        and kind.__new__ is object.__new__
        and all(
            isinstance(vars(owner)[field.name], MemberDescriptorType)
            for field in fields(kind)
            for owner in kind.__mro__
            if field.name in vars(owner)
        )
    )


def _jsonable(value: object) -> object:
    """Return a value of a field as `json` can write it."""
    if isinstance(value, tuple):
        return [_jsonable(part) for part in value]
    return _DECIMAL.write(value) if isinstance(value, Decimal) else value


_DECIMAL = SimpleType("decimal")


def _check_children(child: ChildSpec, values: object) -> None:
    """Check the values of a child element: their number and their type."""
    if not isinstance(values, tuple):
        raise wrong_type(child.field, "a tuple", values)
    if len(values) < child.min_occurs or (child.max_occurs is not None and len(values) > child.max_occurs):
        message = f"{child.field} has {len(values)} values, which the schema does not allow"
        raise EncodeError(value_finding(Code.INVALID_VALUE, message))
    for value in values:
        (child.type or _ANY_TEXT).check(child.field, value)


def _check_other_attributes(attributes: object, spec: BlockSpec) -> None:
    if not isinstance(attributes, tuple):
        raise wrong_type("other_attributes", "a tuple of pairs of str", attributes)
    seen = set()
    for pair in attributes:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise wrong_type("an entry of other_attributes", "a pair of str", pair)
        qname, value = pair
        check_text("other_attributes", value)
        check_text("other_attributes", qname)
        namespace, brace, local = qname[1:].rpartition("}")
        if not (qname.startswith("{") and brace and namespace and is_ncname(local)):
            message = (
                "an entry of other_attributes is not a qualified name in Clark notation: {namespace}name"
            )
            raise bad_fragment(message)
        if namespace in (spec.namespace, XMLA_NS, SOAP_11_NS, SOAP_12_NS, XSI_NS, XMLNS_NS):
            raise bad_fragment(f"other_attributes cannot hold an attribute in {namespace}")
        if qname in seen:
            raise bad_fragment("other_attributes holds the same name twice")
        seen.add(qname)


# Names that stood here once, and the modules that they stand in now.
_MOVED = {"UnknownHeaderBlock": "unknown_block", "Fragment": "fragment", "SOAP_VERSIONS": "soap"}


def __getattr__(name: str) -> object:
    """Return a name that moved to another module, for those who import it from here."""
    module = _MOVED.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__package__}.{module}"), name)
