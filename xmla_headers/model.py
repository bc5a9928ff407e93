"""BlockSpec, HeaderBlock, UnknownHeaderBlock: what a Header is made of."""

# To add a header block:
# 1. an xs:element in schemas/xmla-session-headers.xsd;
# 2. xmla-headers generate schemas/xmla-session-headers.xsd -o xmla_headers/session_headers.py;
# 3. its name in xmla_headers/__init__.py, if it is to be imported from there.

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType, MemberDescriptorType

from ._checks import bad_fragment, check_text, wrong_type
from ._record import Record, shown_half_made
from ._xml.escape import escape_attribute
from ._xml.names import is_ncname
from .soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, XMLNS_NS, XSI_NS, Direction, MustUnderstandForm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar


__all__ = [
    "AttributeSpec",
    "BlockSpec",
    "HeaderBlock",
    "mask",
]


class AttributeSpec(Record):
    """An attribute of a header block, as the schema declares it."""

    __slots__ = ("field", "identifier", "name", "required")
    FIELDS = ("name", "field", "required", "identifier")

    #: The name in the message; it is in no namespace.
    name: str
    #: The name of the dataclass field.
    field: str
    required: bool
    #: It holds a session id: a bearer secret, masked wherever it is shown, remarkable when empty.
    identifier: bool

    def __init__(self, name: str, field: str, *, required: bool = False, identifier: bool = False) -> None:
        self.put(name=name, field=field, required=required, identifier=identifier)


class BlockSpec(Record):
    """A header block, as the schema declares it; every rule about one loops over this."""

    __slots__ = (
        "alternatives",
        "attributes",
        "by_name",
        "directions",
        "local_name",
        "max_occurs",
        "namespace",
        "opening",
        "qname",
    )
    FIELDS = ("namespace", "local_name", "attributes", "max_occurs", "directions", "alternatives")

    namespace: str
    local_name: str
    attributes: tuple[AttributeSpec, ...]
    #: The most there may be in one message; None for any number.
    max_occurs: int | None
    directions: frozenset[Direction]
    #: Blocks with the same word here are alternatives to each other.
    alternatives: str | None
    #: The expanded name in Clark notation.
    qname: str
    #: How a start tag of it begins that declares its namespace.
    opening: str
    #: Name in the message -> attribute.
    by_name: Mapping[str, AttributeSpec]

    def __init__(
        self,
        namespace: str,
        local_name: str,
        attributes: tuple[AttributeSpec, ...] = (),
        max_occurs: int | None = 1,
        directions: frozenset[Direction] = frozenset(Direction),
        alternatives: str | None = None,
    ) -> None:
        self.put(
            namespace=namespace,
            local_name=local_name,
            attributes=attributes,
            max_occurs=max_occurs,
            directions=directions,
            alternatives=alternatives,
            qname=f"{{{namespace}}}{local_name}",
            opening=f'<{local_name} xmlns="{escape_attribute(namespace)}"',
            by_name=MappingProxyType({attribute.name: attribute for attribute in attributes}),
        )


def mask(identifier: str) -> str:
    """Return what may be shown of a session id: four characters, if there are more, and the length.

    TypeError for what is no str: a list of one would show all of it.
    """
    if not isinstance(identifier, str):
        raise wrong_type("a session id", "str", identifier)
    size = "1 character" if len(identifier) == 1 else f"{len(identifier)} characters"
    return f"{identifier[:4]!r}… ({size})" if len(identifier) > 4 else f"… ({size})"


# Nothing is a HeaderBlock and nothing more: its subclasses compare.
@shown_half_made
@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HeaderBlock:
    """A header block (SOAP 1.1 §4.2: header entry) that a schema declares.

    Raises EncodeError (`unencodable-text`, `bad-fragment`) for what no message could carry.
    """

    if TYPE_CHECKING:
        spec: ClassVar[BlockSpec]

    must_understand: bool = False
    #: The spelling that decode read and encode writes back; None means the default, QUALIFIED.
    must_understand_form: MustUnderstandForm | None = field(default=None, compare=False)
    #: Whom the block is for (SOAP 1.1 §4.2.2; role in SOAP 1.2); None for whoever receives the message last.
    actor: str | None = None
    #: Name in Clark notation and value of each attribute in a namespace that no rule here is about.
    other_attributes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if type(self) is HeaderBlock:
            raise TypeError("HeaderBlock is the base of the classes that are made from a schema")
        if type(self.must_understand) is not bool:
            raise wrong_type("must_understand", "bool", self.must_understand)
        form = self.must_understand_form
        if form is not None and not isinstance(form, MustUnderstandForm):
            raise wrong_type("must_understand_form", "MustUnderstandForm or None", form)
        if self.actor is not None:
            check_text("actor", self.actor)
        for attribute in self.spec.attributes:
            if attribute.required or getattr(self, attribute.field) is not None:
                check_text(attribute.field, getattr(self, attribute.field))
        if self.other_attributes != ():
            _check_other_attributes(self.other_attributes, self.spec)

    @property
    def qname(self) -> str:
        """The expanded name in Clark notation."""
        return self.spec.qname

    def __repr__(self) -> str:
        shown = []
        for attribute in self.spec.attributes:
            value = getattr(self, attribute.field)
            secret = attribute.identifier and value is not None
            shown.append(f"{attribute.field}={mask(value) if secret else repr(value)}")
        if self.must_understand:
            shown.append("must_understand=True")
        if self.must_understand_form is not None:
            shown.append(f"must_understand_form={self.must_understand_form.name}")
        if self.actor is not None:
            shown.append(f"actor={self.actor!r}")
        if self.other_attributes:
            shown.append(f"other_attributes=<{len(self.other_attributes)}>")
        return f"{type(self).__name__}({', '.join(shown)})"


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
            isinstance(vars(owner).get(name), MemberDescriptorType)
            for name in kind.__dataclass_fields__
            for owner in kind.__mro__
            if name in vars(owner)
        )
    )


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
