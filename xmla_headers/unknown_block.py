"""UnknownHeaderBlock: a header block that no schema declares, kept as the XML that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._checks import bad_fragment, wrong_type
from ._immutable import MadeByConstructor, shown_half_made
from ._xml.prefixes import declarations
from ._xml.raw import RawElement, element_end
from ._xml.reader import read
from .findings import Code
from .session_headers import SESSION_BLOCKS
from .soap import SOAP_VERSIONS

if TYPE_CHECKING:
    from ._xml.fatal import Fatal

__all__ = [
    "UnknownHeaderBlock",
    "actor_of",
    "must_understand_value",
]


def must_understand_value(element: RawElement) -> tuple[bool | None, tuple[Code, str] | None]:
    """Return the value of the qualified mustUnderstand of a header block, None if it has none.

    With it comes the code that refuses the attribute, and its name as written; None if it is valid. The
    attribute counts in both SOAP namespaces, with the values of each version.
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
@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class UnknownHeaderBlock(MadeByConstructor):
    """A header block that no schema declares, kept as its XML.

    It is one element that can stand alone, in UTF-8. Two of them are equal if their XML is. It is a
    dataclass, whose other fields follow from `xml`, and fits a field of a pydantic model.

    Args:
        xml: The element, in UTF-8, with the declarations of all prefixes that it uses.

    Raises:
        EncodeError: `bad-fragment`: not one well-formed element, an invalid mustUnderstand, or the name of a
            session header.
        TypeError: `xml` is not bytes.

    >>> UnknownHeaderBlock(b'<v:Version xmlns:v="urn:v" Sequence="400"/>').qname
    '{urn:v}Version'
    """

    xml: bytes
    """The element, in UTF-8."""
    qname: str = field(init=False)
    """The expanded name in Clark notation; the local name alone for an element in no namespace."""
    must_understand: bool = field(init=False)
    """Whether the receiver must understand the block or answer with a fault (SOAP 1.1 §4.2.3)."""
    actor: str | None = field(init=False)
    """The receiver (SOAP 1.1: actor, SOAP 1.2: role); None for the last receiver of the message."""

    def __init__(self, xml: bytes) -> None:
        if not isinstance(xml, bytes):
            raise wrong_type("xml", "bytes", xml)
        message = read(xml, encoding="utf-8")
        root = message.root
        if message.fatal is not None or root is None:
            raise bad_fragment(f"a header block must be one element: {_described(message.fatal)}")
        if root.start or element_end(xml, root) != len(xml):
            raise bad_fragment("a header block must be one element, with nothing around it")
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
        """Return the block of an element that decode has checked.

        `name` is its name as written, `missing` holds the declarations around it that it needs.
        """
        if missing:
            after_name = 1 + len(name.encode())
            xml = xml[:after_name] + declarations(missing).encode() + xml[after_name:]
        block = object.__new__(cls)
        _fill(block, xml, qname, must_understand, actor)
        return block

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write, the XML as text.

        It is data, not a message for people: a session id or token in the XML is not masked.

        Returns:
            Field name -> text, bool or None.

        >>> UnknownHeaderBlock(b'<v xmlns="urn:v"/>').to_dict()["qname"]
        '{urn:v}v'
        """
        return {
            "xml": self.xml.decode(),
            "qname": self.qname,
            "must_understand": self.must_understand,
            "actor": self.actor,
        }

    def declared(self) -> Mapping[str, str]:
        """Return the namespace declarations on the start tag.

        Returns:
            Prefix -> namespace; the default namespace has the prefix "".

        >>> dict(UnknownHeaderBlock(b'<v xmlns="urn:v"/>').declared())
        {'': 'urn:v'}
        """
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
