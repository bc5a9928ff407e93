"""Namespaces, SOAP versions, directions, must-understand forms and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Literal, Self, TypeAlias

from ._immutable import shown_half_made

__all__ = [
    "NO_LIMITS",
    "SOAP_11_NS",
    "SOAP_12_NS",
    "SOAP_VERSIONS",
    "XMLA_NS",
    "XMLNS_NS",
    "XML_NS",
    "XSI_NS",
    "Direction",
    "Limits",
    "MustUnderstandForm",
    "SoapVersion",
]

SOAP_11_NS: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12_NS: Final = "http://www.w3.org/2003/05/soap-envelope"
XMLA_NS: Final = "urn:schemas-microsoft-com:xml-analysis"
XSI_NS: Final = "http://www.w3.org/2001/XMLSchema-instance"
XML_NS: Final = "http://www.w3.org/XML/1998/namespace"
XMLNS_NS: Final = "http://www.w3.org/2000/xmlns/"


class SoapVersion(Enum):
    """A version of SOAP, and the names and values of a Header that differ between versions."""

    SOAP_1_1 = (
        SOAP_11_NS,
        "1.1",
        "actor",
        # SOAP 1.1 §4.2.3: "The value of the SOAP mustUnderstand attribute is either "1" or "0"."
        {"0": False, "1": True},
        ("http://schemas.xmlsoap.org/soap/actor/next",),
        (),
    )
    SOAP_1_2 = (
        SOAP_12_NS,
        "1.2",
        "role",
        # SOAP 1.2 Part 1 §5.2.3: xs:boolean.
        {"0": False, "1": True, "false": False, "true": True},
        (f"{SOAP_12_NS}/role/next",),
        (f"{SOAP_12_NS}/role/ultimateReceiver",),
    )

    namespace: str
    """The namespace of Envelope, Header and Body. It is the value of the member, too."""
    version: str
    """The number of the version, "1.1" or "1.2": every argument `soap` takes it in place of the member."""
    actor_name: str
    """The local name of the attribute that says whom a header block is for."""
    must_understand_forms: Mapping[str, bool]
    """The values of mustUnderstand after white-space collapse, and their meaning."""
    next_actors: tuple[str, ...]
    """The actors that mean the next receiver of the message."""
    ultimate_actors: tuple[str, ...]
    """The actors that mean the same as no actor."""

    def __new__(
        cls,
        namespace: str,
        version: str,
        actor_name: str,
        forms: Mapping[str, bool],
        next_actors: tuple[str, ...],
        ultimate_actors: tuple[str, ...],
    ) -> Self:
        member = object.__new__(cls)
        member._value_ = namespace
        member.namespace = namespace
        member.version = version
        member.actor_name = actor_name
        member.must_understand_forms = MappingProxyType(dict(forms))
        member.next_actors = next_actors
        member.ultimate_actors = ultimate_actors
        return member


class Direction(StrEnum):
    """Whether a message is a request or a response."""

    REQUEST = "request"
    """From the client to the server."""
    RESPONSE = "response"
    """From the server to the client."""


class MustUnderstandForm(StrEnum):
    """How mustUnderstand is spelled on a session header."""

    QUALIFIED = "qualified"
    """`soap:mustUnderstand="1"`, the attribute that SOAP 1.1 §4.2.3 defines."""
    UNQUALIFIED = "unqualified"
    """`mustUnderstand="1"`, which Microsoft's XSD declares and Mondrian requires."""
    BOTH = "both"
    """Both attributes."""


AnyDirection: TypeAlias = Direction | Literal["request", "response"]
"""A direction, or its value."""
AnyMustUnderstandForm: TypeAlias = MustUnderstandForm | Literal["qualified", "unqualified", "both"]
"""A form of mustUnderstand, or its value."""
AnySoapVersion: TypeAlias = SoapVersion | Literal["1.1", "1.2"]
"""A version of SOAP, or its number."""


@shown_half_made
@dataclass(frozen=True, slots=True, repr=False)
class Limits:
    """How much of a message is read before it is refused with `limit-exceeded`.

    None switches a limit off.

    Args:
        max_message_bytes: Bytes of the whole message. Off by default: a rowset has no natural size, and a
            Body costs no memory here.
        max_header_bytes: Bytes, as UTF-8, before the content of the Body. A Kerberos token in a Security
            header has 64,000 characters; four of them fit.
        max_header_blocks: Header blocks. Real messages carry four at most.
        max_depth: Elements within each other, Envelope included. libxml2 stops at the same depth.
        max_attributes: Attributes of one element, namespace declarations included. Real ones have fewer
            than twenty.
        max_name_length: Characters of the name of an element, attribute or namespace. A tree builder copies
            the namespace name into every expanded name, so this bounds what a tree can cost.
        max_token_bytes: Bytes that `HeaderReader` takes before the parser moves on; only it uses this limit.

    Raises:
        TypeError: A limit is neither an int nor None.
        ValueError: A limit is negative.

    >>> Limits(max_message_bytes=1_000_000).max_depth
    256
    """

    max_message_bytes: int | None = None
    """Bytes of the whole message."""
    max_header_bytes: int | None = 262_144
    """Bytes, as UTF-8, before the content of the Body."""
    max_header_blocks: int | None = 64
    """Header blocks of one message."""
    max_depth: int | None = 256
    """Elements within each other, Envelope included."""
    max_attributes: int | None = 256
    """Attributes of one element, namespace declarations included."""
    max_name_length: int | None = 4_096
    """Characters of the name of an element, attribute or namespace."""
    max_token_bytes: int | None = 16_777_216
    """Bytes that a stream may bring before the parser moves on."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is None:
                continue
            if type(value) is not int:
                msg = f"{name} must be an int or None, not {type(value).__name__}"
                raise TypeError(msg)
            if value < 0:
                msg = f"{name} must not be negative"
                raise ValueError(msg)

    def __repr__(self) -> str:
        # Short, since every signature shows it: only the limits that differ from the defaults.
        changed = (item for item in fields(self) if getattr(self, item.name) != item.default)
        return f"Limits({', '.join(f'{item.name}={getattr(self, item.name)!r}' for item in changed)})"


SOAP_VERSIONS: Mapping[str, SoapVersion] = MappingProxyType(
    {version.namespace: version for version in SoapVersion}
)
"""Namespace -> version of SOAP."""

NO_LIMITS = Limits(None, None, None, None, None, None, None)
"""Limits that refuse nothing."""
