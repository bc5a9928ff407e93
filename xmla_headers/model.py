"""BlockSpec, HeaderBlock, UnknownHeaderBlock, Fragment: the values that a message is made of."""

# To add a header block:
# 1. an xs:element in schemas/xmla-session-headers.xsd;
# 2. xmla-headers generate schemas/xmla-session-headers.xsd -o xmla_headers/session_headers.py;
# 3. its name in xmla_headers/__init__.py, if it is to be imported from there.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from types import MappingProxyType

from . import _escape
from ._expat import is_ncname
from ._namespaces import NamespaceError, check_declaration
from ._reader import (
    NO_LIMITS,
    NO_NAMESPACES,
    RawElement,
    element_end,
    read,
    read_fragment,
)
from .findings import Code, EncodeError, error_for, value_finding
from .soap import SOAP_11_NS, SOAP_12_NS, XMLNS_NS, XSI_NS, Direction, Limits, MustUnderstandForm, SoapVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar
    from xml.etree.ElementTree import Element

    from ._encoding import Fatal

__all__ = [
    "AttributeSpec",
    "BlockSpec",
    "Fragment",
    "HeaderBlock",
    "Immutable",
    "UnknownHeaderBlock",
    "actor_of",
    "mask",
    "must_understand_value",
]

SOAP_VERSIONS = MappingProxyType({version.namespace: version for version in SoapVersion})


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """An attribute of a header block, as the schema declares it."""

    #: The name in the message; it is in no namespace.
    name: str
    #: The name of the dataclass field.
    field: str
    required: bool = False
    #: It holds a session id: a bearer secret, masked wherever it is shown, remarkable when empty.
    identifier: bool = False


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A header block, as the schema declares it; every rule about one loops over this."""

    namespace: str
    local_name: str
    attributes: tuple[AttributeSpec, ...] = ()
    #: The most there may be in one message; None for any number.
    max_occurs: int | None = 1
    directions: frozenset[Direction] = frozenset(Direction)
    #: Blocks with the same word here are alternatives to each other.
    alternatives: str | None = None
    #: What the schema says about it, for people.
    documentation: str = field(default="", compare=False)
    #: The expanded name in Clark notation.
    qname: str = field(init=False, compare=False)
    #: Name in the message -> attribute.
    by_name: Mapping[str, AttributeSpec] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "qname", f"{{{self.namespace}}}{self.local_name}")
        put(self, "by_name", {attribute.name: attribute for attribute in self.attributes})


def mask(identifier: str) -> str:
    """Return what may be shown of a session id: four characters and the length."""
    return f"{identifier[:4]!r}… ({len(identifier)} characters)" if len(identifier) > 4 else repr(identifier)


# Nothing is a HeaderBlock and nothing more: its subclasses compare.
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
        if type(self.must_understand) is not bool:
            raise _wrong_type("must_understand", "bool", self.must_understand)
        form = self.must_understand_form
        if form is not None and not isinstance(form, MustUnderstandForm):
            raise _wrong_type("must_understand_form", "MustUnderstandForm or None", form)
        if self.actor is not None:
            _check_text("actor", self.actor)
        for attribute in self.spec.attributes:
            value = getattr(self, attribute.field)
            if value is not None or attribute.required:
                _check_text(attribute.field, value)
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


def _wrong_type(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise _wrong_type(name, "str", value)
    index = _escape.unencodable(value)
    if index is not None:
        message = f"{name} holds U+{ord(value[index]):04X} at index {index}, which XML 1.0 cannot carry"
        raise EncodeError(value_finding(Code.UNENCODABLE_TEXT, message))


def _bad_fragment(message: str) -> EncodeError:
    return EncodeError(value_finding(Code.BAD_FRAGMENT, message))


def _check_other_attributes(attributes: object, spec: BlockSpec) -> None:
    if not isinstance(attributes, tuple):
        raise _wrong_type("other_attributes", "a tuple of pairs of str", attributes)
    seen = set()
    for pair in attributes:
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise _wrong_type("an entry of other_attributes", "a pair of str", pair)
        qname, value = pair
        _check_text("other_attributes", value)
        _check_text("other_attributes", qname)
        namespace, brace, local = qname[1:].rpartition("}")
        if not (qname.startswith("{") and brace and namespace and is_ncname(local)):
            message = (
                "an entry of other_attributes is not a qualified name in Clark notation: {namespace}name"
            )
            raise _bad_fragment(message)
        if namespace in (spec.namespace, SOAP_11_NS, SOAP_12_NS, XSI_NS, XMLNS_NS):
            raise _bad_fragment(f"other_attributes cannot hold an attribute in {namespace}")
        if qname in seen:
            raise _bad_fragment("other_attributes holds the same name twice")
        seen.add(qname)


def must_understand_value(element: RawElement) -> tuple[bool | None, Code | None]:
    """Return what the qualified mustUnderstand attributes of a header block say, None if there is none.

    They count in either SOAP namespace, each with the forms of its version, as does everything that
    reads a header block.
    """
    found: bool | None = None
    for namespace, local, text in element.attributes:
        if local == "mustUnderstand" and namespace in SOAP_VERSIONS:
            value = SOAP_VERSIONS[namespace].must_understand_forms.get(text.strip(" \t\r\n"))
            if value is None:
                return None, Code.INVALID_MUST_UNDERSTAND
            if found not in (None, value):
                return None, Code.CONFLICTING_MUST_UNDERSTAND
            found = value
    return found, None


def actor_of(element: RawElement) -> str | None:
    """Return the actor (SOAP 1.1 §4.2.2) or role (SOAP 1.2 Part 1 §5.2.2) of a header block."""
    for namespace, local, text in element.attributes:
        if namespace in SOAP_VERSIONS and local == SOAP_VERSIONS[namespace].actor_name:
            return text
    return None


class Immutable:
    """A value whose attributes are set once, by whoever makes it."""

    __slots__ = ()

    def __setattr__(self, name: str, _value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


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
            raise _wrong_type("xml", "bytes", xml)
        message = read(xml, encoding="utf-8")
        root = message.root
        if message.fatal is not None or root is None:
            raise _bad_fragment(f"a header block must be one element: {_described(message.fatal)}")
        if root.start or element_end(xml, root) != len(xml):
            raise _bad_fragment("a header block must be one element, with nothing around it")
        # Late, since the generated module imports this one.
        from .session_headers import SESSION_BLOCKS  # noqa: PLC0415

        if f"{{{root.namespace}}}{root.local}" in SESSION_BLOCKS:
            raise _bad_fragment(f"{root.local} is a session header, not an unknown header block")
        must_understand, code = must_understand_value(root)
        if code is not None:
            raise _bad_fragment(f"a header block with an attribute that is refused: {code}")
        _fill(self, xml, root, must_understand=bool(must_understand))

    @classmethod
    def cut(
        cls, text: bytes | memoryview, element: RawElement, scope: Mapping[str, str], *, must_understand: bool
    ) -> UnknownHeaderBlock:
        """Copy a header block out of a message, and let it stand alone. For decode, which has checked it."""
        xml = bytes(text[element.start : element_end(text, element)])
        missing = _escape.missing_declarations(xml, scope, element.declared)
        if missing:
            behind_name = 1 + len(element.name.encode())
            xml = xml[:behind_name] + _escape.declarations(missing).encode() + xml[behind_name:]
        block = object.__new__(cls)
        _fill(block, xml, element, must_understand=must_understand)
        return block

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


def _restore_unknown(*values: object) -> UnknownHeaderBlock:
    block = object.__new__(UnknownHeaderBlock)
    for name, value in zip(("xml", "qname", "must_understand", "actor"), values, strict=True):
        object.__setattr__(block, name, value)
    return block


def _fill(block: UnknownHeaderBlock, xml: bytes, element: RawElement, *, must_understand: bool) -> None:
    put = object.__setattr__
    put(block, "xml", xml)
    put(block, "qname", f"{{{element.namespace}}}{element.local}" if element.namespace else element.local)
    put(block, "must_understand", must_understand)
    put(block, "actor", actor_of(element))


def _described(fatal: Fatal | None) -> str:
    return "nothing" if fatal is None else f"{fatal.message}, at byte {fatal.offset}"


class Fragment(Immutable):
    """XML content: any number of elements and text, with the prefixes in scope around it.

    `xml` is UTF-8; `namespaces` maps prefix to namespace, the default namespace having the prefix "".
    Raises EncodeError (`bad-fragment`) for content that is not well-formed by XML 1.0 and Namespaces
    in XML, or that holds a DOCTYPE or a processing instruction. One that decode cuts out of a message
    refers to the caller's bytes and copies nothing until `xml` is asked for.
    """

    __slots__ = ("_end", "_namespaces", "_source", "_start", "_xml")

    _source: bytes
    _start: int
    _end: int
    _xml: bytes | None
    _namespaces: Mapping[str, str]

    def __init__(self, xml: bytes = b"", namespaces: Mapping[str, str] = NO_NAMESPACES) -> None:
        if not isinstance(xml, bytes):
            raise _wrong_type("xml", "bytes", xml)
        scope = _checked_namespaces(namespaces)
        if xml:
            _, fatal = read_fragment(xml, scope)
            if fatal is not None:
                raise _bad_fragment(f"{fatal.message}, at byte {fatal.offset}")
        _fill_fragment(self, xml, 0, len(xml), scope)

    @classmethod
    def cut(cls, source: bytes, start: int, end: int, namespaces: Mapping[str, str]) -> Fragment:
        """Refer to a part of a message that decode has checked."""
        fragment = object.__new__(cls)
        _fill_fragment(fragment, source, start, end, namespaces)
        return fragment

    @property
    def xml(self) -> bytes:
        """The content, in UTF-8."""
        xml = self._xml
        if xml is None:
            xml = self._source[self._start : self._end]
            object.__setattr__(self, "_xml", xml)
        return xml

    @property
    def namespaces(self) -> Mapping[str, str]:
        """Prefix -> namespace in scope around the content; read-only."""
        return MappingProxyType(self._namespaces)

    def __len__(self) -> int:
        """Return the length of `xml` in bytes."""
        return self._end - self._start

    def __bool__(self) -> bool:
        """Return whether there is any content."""
        return self._end > self._start

    def used_namespaces(self) -> dict[str, str]:
        """Return the bindings of the prefixes that occur in the content.

        The bytes `prefix:` standing anywhere count, the default namespace always does.
        """
        return dict(_escape.missing_declarations(self.xml, self._namespaces, None))

    def standalone(self) -> bytes:
        """Return the content with the declarations that let it parse on its own.

        Raises EncodeError (`bad-fragment`) unless there is exactly one element, and no text beside it.
        """
        elements = self._read(NO_LIMITS)
        if len(elements) != 1:
            raise _bad_fragment(f"one element can stand alone, and here are {len(elements)}")
        xml, (element,) = self.xml, elements
        behind_name = element.start + 1 + len(element.name.encode())
        missing = _escape.missing_declarations(xml, self._namespaces, element.declared)
        xml = xml[:behind_name] + _escape.declarations(missing).encode() + xml[behind_name:]
        fatal = read(xml, encoding="utf-8").fatal
        if fatal is not None:
            raise _bad_fragment(f"there is more than one element: {fatal.message}")
        return xml

    def elements(self) -> list[Element]:
        """Return the elements of the content as ElementTree elements.

        A tree copies every namespace name, so that Namespaces in XML and the default Limits are checked
        first; raises XmlaHeadersError (`not-well-formed`, `limit-exceeded`).
        """
        from defusedxml import ElementTree  # noqa: PLC0415 - an import that decode does not need

        self._read(_TREE_LIMITS)
        scope = _escape.declarations(self._namespaces.items()).encode()
        root = ElementTree.fromstring(b"<_%b>%b</_>" % (scope, self.xml), forbid_dtd=True)
        return list(root)

    def _read(self, limits: Limits) -> list[RawElement]:
        elements, fatal = read_fragment(self.xml, self._namespaces, limits)
        if fatal is not None:
            message = f"{fatal.message}, at byte {fatal.offset} of the fragment"
            raise error_for(value_finding(fatal.code, message, fatal.hint))
        return elements

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fragment):
            return NotImplemented
        return self.xml == other.xml and self.used_namespaces() == other.used_namespaces()

    def __hash__(self) -> int:
        return hash(self.xml)

    def __repr__(self) -> str:
        return f"Fragment(<{len(self)} bytes>)"

    def __reduce__(self) -> tuple[object, ...]:
        # Its own bytes only, not the message that it was cut from.
        return _restore_fragment, (self.xml, dict(self._namespaces))


#: A message's limits, but for what a fragment has none of: a head.
_TREE_LIMITS = Limits(max_header_bytes=None, max_header_blocks=None)


def _fill_fragment(
    fragment: Fragment, source: bytes, start: int, end: int, namespaces: Mapping[str, str]
) -> None:
    put = object.__setattr__
    put(fragment, "_source", source)
    put(fragment, "_start", start)
    put(fragment, "_end", end)
    put(fragment, "_xml", None)
    put(fragment, "_namespaces", namespaces)


def _restore_fragment(xml: bytes, namespaces: dict[str, str]) -> Fragment:
    return Fragment.cut(xml, 0, len(xml), namespaces)


def _checked_namespaces(namespaces: object) -> dict[str, str]:
    if not isinstance(namespaces, Mapping):
        raise _wrong_type("namespaces", "a mapping of prefix to namespace", namespaces)
    for prefix, namespace in namespaces.items():
        _check_text("a prefix", prefix)
        _check_text("a namespace", namespace)
        if prefix and not is_ncname(prefix):
            raise _bad_fragment("a prefix of the fragment is not a name")
        try:
            check_declaration(prefix, namespace)
        except NamespaceError as error:
            raise _bad_fragment(str(error)) from None
    # The default namespace undeclared, and `xml`, are what every document begins with.
    return {prefix: name for prefix, name in namespaces.items() if name and prefix != "xml"}
