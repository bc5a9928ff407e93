"""Namespaces, SOAP versions, directions, must-understand forms and limits."""

from __future__ import annotations

from enum import Enum, StrEnum
from types import MappingProxyType

from ._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final, Self

__all__ = [
    "SOAP_11_NS",
    "SOAP_12_NS",
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
    """A version of SOAP, with what differs between them as far as a Header goes."""

    SOAP_1_1 = (
        SOAP_11_NS,
        "actor",
        # SOAP 1.1 §4.2.3: "The value of the SOAP mustUnderstand attribute is either "1" or "0"."
        {"0": False, "1": True},
        ("http://schemas.xmlsoap.org/soap/actor/next",),
        (),
    )
    SOAP_1_2 = (
        SOAP_12_NS,
        "role",
        # SOAP 1.2 Part 1 §5.2.3: xs:boolean.
        {"0": False, "1": True, "false": False, "true": True},
        (f"{SOAP_12_NS}/role/next",),
        (f"{SOAP_12_NS}/role/ultimateReceiver",),
    )

    #: The namespace of Envelope, Header and Body; the value of the member as well.
    namespace: str
    #: The local name of the attribute that says whom a header block is for.
    actor_name: str
    #: What mustUnderstand may hold after white-space collapse, and what it means.
    must_understand_forms: Mapping[str, bool]
    #: The actors that mean whoever receives the message next.
    next_actors: tuple[str, ...]
    #: The actors that mean the same as no actor at all.
    ultimate_actors: tuple[str, ...]

    def __new__(
        cls,
        namespace: str,
        actor_name: str,
        forms: Mapping[str, bool],
        next_actors: tuple[str, ...],
        ultimate_actors: tuple[str, ...],
    ) -> Self:
        member = object.__new__(cls)
        member._value_ = namespace
        member.namespace = namespace
        member.actor_name = actor_name
        member.must_understand_forms = MappingProxyType(dict(forms))
        member.next_actors = next_actors
        member.ultimate_actors = ultimate_actors
        return member


class Direction(StrEnum):
    """Which way a message goes."""

    REQUEST = "request"
    RESPONSE = "response"


class MustUnderstandForm(StrEnum):
    """How mustUnderstand is spelled on a session header."""

    #: `soap:mustUnderstand="1"`, the attribute that SOAP 1.1 §4.2.3 defines.
    QUALIFIED = "qualified"
    #: `mustUnderstand="1"`, which Microsoft's XSD declares and Mondrian requires.
    UNQUALIFIED = "unqualified"
    BOTH = "both"


class Limits(Record):
    """How much of a message is looked at before it is refused; None switches a limit off."""

    __match_args__ = (
        "max_message_bytes",
        "max_header_bytes",
        "max_header_blocks",
        "max_depth",
        "max_attributes",
        "max_name_length",
        "max_token_bytes",
    )
    __slots__ = FIELDS = __match_args__

    #: Bytes of the whole message. Off: a rowset has no natural size, and a Body costs no memory here.
    max_message_bytes: int | None
    #: Bytes, as UTF-8, in front of the Body's content. A Kerberos token in a Security header is
    #: 64,000 characters; four of them fit.
    max_header_bytes: int | None
    #: Header blocks. Real messages carry at most four.
    max_header_blocks: int | None
    #: Elements within each other, Envelope included: libxml2 stops at the same depth.
    max_depth: int | None
    #: Attributes of one element, namespace declarations included; real ones have below twenty.
    max_attributes: int | None
    #: Characters of an element, attribute or namespace name. A tree builder copies the namespace
    #: name into every expanded name, so this bounds what a tree can cost.
    max_name_length: int | None
    #: Bytes that a stream may bring since the parser last moved on.
    max_token_bytes: int | None

    def __init__(
        self,
        max_message_bytes: int | None = None,
        max_header_bytes: int | None = 262_144,
        max_header_blocks: int | None = 64,
        max_depth: int | None = 256,
        max_attributes: int | None = 256,
        max_name_length: int | None = 4_096,
        max_token_bytes: int | None = 16_777_216,
    ) -> None:
        self.put(
            max_message_bytes=max_message_bytes,
            max_header_bytes=max_header_bytes,
            max_header_blocks=max_header_blocks,
            max_depth=max_depth,
            max_attributes=max_attributes,
            max_name_length=max_name_length,
            max_token_bytes=max_token_bytes,
        )
        for name in self.FIELDS:
            value = getattr(self, name)
            if value is None:
                continue
            if type(value) is not int:
                msg = f"{name} must be an int or None, not {type(value).__name__}"
                raise TypeError(msg)
            if value < 0:
                msg = f"{name} must not be negative"
                raise ValueError(msg)


SOAP_VERSIONS = MappingProxyType({version.namespace: version for version in SoapVersion})


NO_LIMITS = Limits(None, None, None, None, None, None, None)
