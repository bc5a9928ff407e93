"""A message as a value: the Header with its blocks, and the Envelope around Header and Body."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from ._checks import member_of, wrong_type
from ._immutable import MadeByConstructor, shown_half_made
from .fault import EntryKind, Fault, FaultEntry, FaultError
from .fault._reader import read_fault, read_messages
from .findings import Code, EncodeError, Finding, ValidationError, value_finding
from .fragment import Fragment
from .model import HeaderBlock
from .session_headers import BeginSession, EndSession, Session
from .soap import AnySoapVersion, SoapVersion
from .typing import Block
from .unknown_block import UnknownHeaderBlock

__all__ = ["Envelope", "Header"]

BlockT = TypeVar("BlockT", bound=HeaderBlock | UnknownHeaderBlock)

# The three that are alternatives to each other, by the schema.
_SESSION_HEADERS = (BeginSession, Session, EndSession)

_NEXT = frozenset(actor for version in SoapVersion for actor in version.next_actors)
# An empty actor means no actor, and SOAP 1.2 has a role that means the same.
_ULTIMATE = frozenset({"", *(actor for version in SoapVersion for actor in version.ultimate_actors)})


@shown_half_made
@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class Header(MadeByConstructor, Sequence[Block]):
    """The header blocks of a message: an immutable sequence, in document order.

    A slice is a tuple of blocks. A Header without blocks is false. It is a dataclass with the field
    `blocks`, and fits a field of a pydantic model.

    Args:
        *given: The header blocks, in document order.
        blocks: More of them after those, by name: so that `dataclasses.replace(header, blocks=...)` works.

    Raises:
        EncodeError: `duplicate-header-block`: more blocks of a type than its schema allows.
        TypeError: An argument is not a header block.

    >>> Header(Session("8f1c2b3a")).session.session_id
    '8f1c2b3a'
    """

    blocks: tuple[Block, ...] = ()
    """The header blocks, in document order."""

    def __init__(self, *given: Block, blocks: Iterable[Block] = ()) -> None:
        blocks = (*given, *blocks)
        counts: dict[str, int] = {}
        for block in blocks:
            if isinstance(block, UnknownHeaderBlock):
                continue
            if not isinstance(block, HeaderBlock):
                msg = f"a Header holds header blocks, not {type(block).__name__}"
                raise TypeError(msg)
            spec = block.spec
            counts[spec.qname] = counts.get(spec.qname, 0) + 1
            maximum = spec.max_occurs
            if maximum is not None and counts[spec.qname] > maximum:
                message = f"more than {maximum} {spec.local_name} in one Header"
                raise EncodeError(value_finding(Code.DUPLICATE_HEADER_BLOCK, message))
        _set_blocks(self, blocks)

    @classmethod
    def _of(cls, blocks: tuple[Block, ...]) -> "Header":
        """Return the Header of blocks that decode has checked."""
        header = object.__new__(cls)
        _set_blocks(header, blocks)
        return header

    @property
    def session(self) -> Session | None:
        """The Session block, None if there is none; its id is `header.session.session_id`."""
        return self.get(Session)

    @property
    def begin_session(self) -> BeginSession | None:
        """The BeginSession block, None if there is none."""
        return self.get(BeginSession)

    @property
    def end_session(self) -> EndSession | None:
        """The EndSession block, None if there is none."""
        return self.get(EndSession)

    @property
    def session_header(self) -> BeginSession | Session | EndSession | None:
        """The one session header of the message, for `match`; None if there is none.

        Raises:
            ValidationError: `ambiguous-session-headers`: there are several. Servers disagree on which one
                wins, and the order of an if/elif should not decide it by accident.
        """
        found = [block for block in self.blocks if isinstance(block, _SESSION_HEADERS)]
        if len(found) > 1:
            names = ", ".join(block.spec.local_name for block in found)
            message = f"more than one session header: {names}"
            raise ValidationError(value_finding(Code.AMBIGUOUS_SESSION_HEADERS, message))
        return found[0] if found else None

    @property
    def unknown(self) -> tuple[UnknownHeaderBlock, ...]:
        """The blocks that no schema declares."""
        return tuple([block for block in self.blocks if isinstance(block, UnknownHeaderBlock)])

    def get(self, block_type: type[BlockT]) -> BlockT | None:
        """Return the first block of a type.

        Args:
            block_type: A class of header blocks.

        Returns:
            The block, or None.

        >>> Header(Session("8f1c2b3a")).get(BeginSession) is None
        True
        """
        for block in self.blocks:
            if isinstance(block, block_type):
                return block
        return None

    def not_understood(
        self, understood: Iterable[str] = (), actors: Iterable[str] = ()
    ) -> tuple[UnknownHeaderBlock, ...]:
        """Return the blocks that the receiver must understand and does not (SOAP 1.1 §4.2.3).

        Such a block has must_understand, its actor is missing, is `next` or is one of `actors`, no schema
        declares it, and the caller does not know it.

        Args:
            understood: The qnames, in Clark notation, of the blocks that the caller understands.
            actors: The actors that the caller acts as, beside `next`.

        Returns:
            The blocks, for `fault_for`.

        Raises:
            TypeError: An argument is one str, not several.

        >>> block = UnknownHeaderBlock(
        ...     b'<v xmlns="urn:v" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:mustUnderstand="1"/>'
        ... )
        >>> Header(block).not_understood() == (block,)
        True
        >>> Header(block).not_understood(understood=["{urn:v}v"])
        ()
        """
        if isinstance(understood, str) or isinstance(actors, str):
            raise TypeError("understood and actors hold several names, not one str")
        known, mine = frozenset(understood), frozenset(actors)
        return tuple(
            block
            for block in self.unknown
            if block.must_understand
            and block.qname not in known
            and (
                block.actor is None or block.actor in _ULTIMATE or block.actor in _NEXT or block.actor in mine
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the blocks as a dict that `json` can write.

        It is data, not a message for people: session ids are not masked.

        Returns:
            "blocks" -> a list of what `to_dict` of each block returns.

        >>> Header(Session("8f1c2b3a")).to_dict()["blocks"][0]["session_id"]
        '8f1c2b3a'
        """
        return {"blocks": [block.to_dict() for block in self.blocks]}

    @overload
    def __getitem__(self, index: int) -> Block: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Block, ...]: ...

    def __getitem__(self, index: int | slice) -> Block | tuple[Block, ...]:
        return self.blocks[index]

    def __len__(self) -> int:
        return len(self.blocks)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Header):
            return NotImplemented
        return self.blocks == other.blocks

    def __hash__(self) -> int:
        return hash(self.blocks)

    def __repr__(self) -> str:
        return f"Header({', '.join(map(repr, self.blocks))})"

    def __reduce__(self) -> tuple[object, ...]:
        return Header._of, (self.blocks,)


# Faster than object.__setattr__: decode makes a Header for each message.
_set_blocks = vars(Header)["blocks"].__set__

_NO_HEADER = Header()
_NO_BODY = Fragment()


@shown_half_made
@dataclass(frozen=True, slots=True)
class Envelope:
    """A SOAP message: its header blocks, and its Body as opaque XML.

    Raises:
        TypeError: A value has the wrong type.

    >>> Envelope(Header(BeginSession()), Fragment(b"<a/>")).header.begin_session
    BeginSession()
    """

    header: Header = _NO_HEADER
    """The header blocks."""
    body: Fragment = _NO_BODY
    """The content of the Body."""
    soap: SoapVersion = SoapVersion.SOAP_1_1
    """The version of SOAP. The constructor also accepts "1.1" and "1.2"; the attribute is the member."""
    warnings: tuple[Finding, ...] = field(default=(), compare=False, kw_only=True)
    """The warnings that decode found. Ignored in comparisons."""

    if TYPE_CHECKING:
        # The constructor accepts more than the field holds.
        def __init__(
            self,
            header: Header = ...,
            body: Fragment = ...,
            soap: AnySoapVersion = ...,
            *,
            warnings: tuple[Finding, ...] = ...,
        ) -> None: ...

    @classmethod
    def _of(
        cls, header: Header, body: Fragment, soap: SoapVersion, warnings: tuple[Finding, ...]
    ) -> "Envelope":
        """Return the Envelope of values that decode has checked."""
        envelope = object.__new__(cls)
        _set_header(envelope, header)
        _set_body(envelope, body)
        _set_soap(envelope, soap)
        _set_warnings(envelope, warnings)
        return envelope

    @property
    def fault(self) -> Fault | None:
        """The SOAP fault in the Body; None if the first element of the Body is something else.

        A fault of SOAP 1.2 is read in an Envelope of SOAP 1.1, too, and the other way round. Each access
        reads the Body again, without a tree. It never raises for a Body that decode accepted.
        """
        return read_fault(self.body)

    @property
    def messages(self) -> tuple[FaultEntry, ...]:
        """The Errors and Warnings inside a success answer, in document order; their `kind` tells them apart.

        They stand in `Messages` after the result. Empty for an answer without, and for a fault. Each access
        reads the Body again, without a tree. It never raises for a Body that decode accepted.
        """
        return read_messages(self.body)

    @property
    def errors(self) -> tuple[FaultEntry, ...]:
        """The Errors inside a success answer; empty for a message without, and for a fault.

        Analysis Services answers so if a command fails when a part of its result has been sent: an
        `Exception` where the result breaks off, and the Errors in `Messages` after it. A client that ignores
        them takes partial data for all. They are the Errors among the `messages`.
        """
        return tuple([entry for entry in self.messages if entry.kind is EntryKind.ERROR])

    def to_dict(self) -> dict[str, Any]:
        """Return the message as a dict that `json` can write.

        It is data, not a message for people: session ids are not masked.

        Returns:
            "soap" -> "1.1" or "1.2"; "header", "body" -> what their `to_dict` returns; "warnings" -> a list
            of what `Finding.to_dict` returns.

        >>> Envelope(body=Fragment(b"<a/>")).to_dict()["body"]["xml"]
        '<a/>'
        """
        return {
            "soap": self.soap.version,
            "header": self.header.to_dict(),
            "body": self.body.to_dict(),
            "warnings": [finding.to_dict() for finding in self.warnings],
        }

    def raise_for_fault(self) -> Self:
        """Raise the fault of an answer, if it is one. `errors` inside a success answer are not raised.

        Returns:
            The message itself, without a fault.

        Raises:
            FaultError: `soap-fault`: the Body begins with a fault.

        >>> Envelope(body=Fragment(b"<a/>")).raise_for_fault().body.xml
        b'<a/>'
        """
        fault = self.fault
        if fault is not None:
            raise FaultError(fault)
        return self

    def __post_init__(self) -> None:
        if not isinstance(self.header, Header):
            raise wrong_type("header", "Header", self.header)
        if not isinstance(self.body, Fragment):
            raise wrong_type("body", "Fragment", self.body)
        if not isinstance(self.soap, SoapVersion):
            _set_soap(self, member_of(SoapVersion, "soap", self.soap))
        if not isinstance(self.warnings, tuple):
            raise wrong_type("warnings", "tuple", self.warnings)
        for finding in self.warnings:
            if not isinstance(finding, Finding):
                raise wrong_type("a warning", "Finding", finding)


# As for the Header.
_set_header, _set_body, _set_soap, _set_warnings = (
    vars(Envelope)[name].__set__ for name in ("header", "body", "soap", "warnings")
)
