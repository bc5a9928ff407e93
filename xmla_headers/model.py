"""BlockSpec, HeaderBlock, UnknownHeaderBlock: what a Header is made of."""

# To add a header block:
# 1. an xs:element in schemas/xmla-session-headers.xsd;
# 2. xmla-headers generate schemas/xmla-session-headers.xsd -o xmla_headers/session_headers.py;
# 3. its name in xmla_headers/__init__.py, if it is to be imported from there.

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType, MemberDescriptorType

from ._checks import bad_fragment, check_text, wrong_type
from ._record import Immutable, Record, shown_half_made
from ._xml.escape import escape_attribute
from ._xml.parser import is_ncname
from ._xml.prefixes import declarations
from ._xml.raw import RawElement, element_end
from ._xml.reader import read
from .findings import Code
from .fragment import Fragment as Fragment  # noqa: PLC0414 - it is one of the values as well
from .soap import (
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    XMLNS_NS,
    XSI_NS,
    Direction,
    MustUnderstandForm,
    SoapVersion,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar

    from ._xml.encoding import Fatal

__all__ = [
    "AttributeSpec",
    "BlockSpec",
    "HeaderBlock",
    "UnknownHeaderBlock",
    "actor_of",
    "mask",
    "must_understand_value",
]

SOAP_VERSIONS = MappingProxyType({version.namespace: version for version in SoapVersion})


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


def must_understand_value(element: RawElement) -> tuple[bool | None, tuple[Code, str] | None]:
    """Return what the qualified mustUnderstand attributes of a header block say, None if there is none.

    Or the code that refuses one of them, with its name as written.

    They count in either SOAP namespace, each with the forms of its version, as does everything that
    reads a header block.
    """
    found: bool | None = None
    for namespace, local, text, name in element.attributes:
        if local == "mustUnderstand" and namespace in SOAP_VERSIONS:
            value = SOAP_VERSIONS[namespace].must_understand_forms.get(text.strip(" \t\r\n"))
            if value is None:
                return None, (Code.INVALID_MUST_UNDERSTAND, name)
            if found not in (None, value):
                return None, (Code.CONFLICTING_MUST_UNDERSTAND, name)
            found = value
    return found, None


def actor_of(element: RawElement) -> str | None:
    """Return the actor (SOAP 1.1 §4.2.2) or role (SOAP 1.2 Part 1 §5.2.2) of a header block."""
    for namespace, local, text, _ in element.attributes:
        if namespace in SOAP_VERSIONS and local == SOAP_VERSIONS[namespace].actor_name:
            return text
    return None


@shown_half_made
class UnknownHeaderBlock(Immutable):
    """A header block that no schema here declares, kept as the XML that it is.

    One element, able to stand alone, in UTF-8. Raises EncodeError (`bad-fragment`) for anything else,
    for an invalid mustUnderstand and for the name of a session header.
    """

    __slots__ = ("actor", "must_understand", "qname", "xml")
    __match_args__ = ("xml",)

    xml: bytes
    #: The expanded name in Clark notation.
    qname: str
    must_understand: bool
    #: Whom the block is for: actor in SOAP 1.1, role in SOAP 1.2.
    actor: str | None

    def __init__(self, xml: bytes) -> None:
        if not isinstance(xml, bytes):
            raise wrong_type("xml", "bytes", xml)
        message = read(xml, encoding="utf-8")
        root = message.root
        if message.fatal is not None or root is None:
            raise bad_fragment(f"a header block must be one element: {_described(message.fatal)}")
        if root.start or element_end(xml, root) != len(xml):
            raise bad_fragment("a header block must be one element, with nothing around it")
        # Late, since the generated module imports this one.
        from .session_headers import SESSION_BLOCKS  # noqa: PLC0415

        if f"{{{root.namespace}}}{root.local}" in SESSION_BLOCKS:
            raise bad_fragment(f"{root.local} is a session header, not an unknown header block")
        must_understand, refused = must_understand_value(root)
        if refused is not None:
            raise bad_fragment(f"a header block with an attribute that is refused: {refused[0]}")
        _fill(self, xml, root.qname, bool(must_understand), actor_of(root))

    @classmethod
    def _cut(
        cls,
        xml: bytes,
        name: str,
        qname: str,
        missing: list[tuple[str, str]],
        must_understand: bool,  # noqa: FBT001 - passed on by position, for speed
        actor: str | None,
    ) -> UnknownHeaderBlock:
        """Let what was cut out of a message, named so there, stand alone. For decode, which has checked it.

        `missing` holds the declarations that it needs beside its own.
        """
        if missing:
            behind_name = 1 + len(name.encode())
            xml = xml[:behind_name] + declarations(missing).encode() + xml[behind_name:]
        block = object.__new__(cls)
        _fill(block, xml, qname, must_understand, actor)
        return block

    def declared(self) -> Mapping[str, str]:
        """Return the namespace declarations on its start tag: prefix -> namespace."""
        root = read(self.xml, encoding="utf-8").root
        return (root and root.declared) or {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UnknownHeaderBlock):
            return NotImplemented
        return self.xml == other.xml

    def __hash__(self) -> int:
        return hash(self.xml)

    def __repr__(self) -> str:
        return f"UnknownHeaderBlock(<{len(self.xml)} bytes of {self.qname}>)"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore_unknown, (self.xml, self.qname, self.must_understand, self.actor)


def _restore_unknown(
    xml: bytes,
    qname: str,
    must_understand: bool,  # noqa: FBT001 - as it was pickled
    actor: str | None,
) -> UnknownHeaderBlock:
    return UnknownHeaderBlock._cut(xml, "", qname, [], must_understand, actor)


def _fill(
    block: UnknownHeaderBlock,
    xml: bytes,
    qname: str,
    must_understand: bool,  # noqa: FBT001 - passed on by position, for speed
    actor: str | None,
) -> None:
    put = object.__setattr__
    put(block, "xml", xml)
    put(block, "qname", qname)
    put(block, "must_understand", must_understand)
    put(block, "actor", actor)


def _described(fatal: Fatal | None) -> str:
    return "nothing" if fatal is None else f"{fatal.message}, at byte {fatal.offset}"
