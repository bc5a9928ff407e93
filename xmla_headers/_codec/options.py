"""The arguments of the reading functions: checked once, then applied to a message."""

from __future__ import annotations

from collections.abc import Mapping
from mmap import mmap
from typing import TYPE_CHECKING

from xmla_headers._checks import member_of, wrong_type
from xmla_headers.findings import Code, Finding, Severity, error_for
from xmla_headers.model import BlockSpec, HeaderBlock
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import AnyDirection, Direction, Limits

from .rules import Judge

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from xmla_headers._xml.raw import RawMessage
    from xmla_headers.typing import BlockTypes, Data

__all__ = ["DEFAULT_LIMITS", "Reading", "buffer_of", "head_of", "reading_of"]

DEFAULT_LIMITS = Limits()


class Refusals:
    """Says which findings refuse a message: the one policy of severities."""

    __slots__ = ("refuse", "strict")

    def __init__(self, strict: bool, refuse: Iterable[str]) -> None:  # noqa: FBT001 - passed on by position
        if type(strict) is not bool:
            raise wrong_type("strict", "bool", strict)
        self.strict = strict
        self.refuse = frozenset() if refuse == () else _check_codes(refuse)

    def refuses(self, finding: Finding) -> bool:
        """Whether a finding refuses the message."""
        return self.strict or finding.severity is Severity.ERROR or finding.code in self.refuse


class Reading(Refusals):
    """The checked arguments of a reading function."""

    __slots__ = ("direction", "encoding", "limits", "types")

    def __init__(
        self,
        types: BlockTypes,
        direction: AnyDirection | None,
        strict: bool,  # noqa: FBT001 - passed on by position, for speed
        refuse: Iterable[str],
        encoding: str | None,
        limits: Limits,
    ) -> None:
        if types is not SESSION_BLOCKS:
            _check_types(types)
        if direction is not None:
            direction = member_of(Direction, "direction", direction)
        # By name: super() takes longer, and each message has a Reading.
        Refusals.__init__(self, strict, refuse)
        if encoding is not None and not isinstance(encoding, str):
            raise wrong_type("encoding", "str or None", encoding)
        if not isinstance(limits, Limits):
            raise wrong_type("limits", "Limits", limits)
        self.types = types
        self.direction = direction
        self.encoding = encoding
        self.limits = limits

    @property
    def key(self) -> tuple[Hashable, ...] | None:
        """Everything apart from its bytes that determines the result for a head; `types` comes first.

        Empty for the defaults, which are compared at once. None if the head may be in an encoding other than
        UTF-8.
        """
        if self is _DEFAULTS:
            return ()
        encoding = None if self.encoding is None else self.encoding.lower()
        if encoding not in (None, "utf-8"):
            return None
        # None stands for the defaults: to hash them for each message takes too much time.
        types = None if self.types is SESSION_BLOCKS else frozenset(self.types.items())
        limits = None if self.limits is DEFAULT_LIMITS else self.limits
        return types, self.direction, self.strict, self.refuse, encoding, limits

    def judge(self, message: RawMessage) -> Judge:
        """Check a message by the rules."""
        return Judge(message, self.types, self.direction)

    def settle(self, judge: Judge) -> tuple[Finding, ...]:
        """Return the warnings, or raise the first refused finding."""
        if judge.clean:
            return ()
        warnings = []
        for finding in judge.findings():
            if self.refuses(finding):
                raise error_for(finding)
            warnings.append(finding)
        return tuple(warnings)


# Every argument at its default: checked once, since most messages are read so.
_DEFAULTS = Reading(SESSION_BLOCKS, None, False, (), None, DEFAULT_LIMITS)


def reading_of(
    types: BlockTypes,
    direction: AnyDirection | None,
    strict: bool,  # noqa: FBT001 - passed on by position, for speed
    refuse: Iterable[str],
    encoding: str | None,
    limits: Limits,
) -> Reading:
    """Return the arguments of a reading function after a check."""
    if (
        types is SESSION_BLOCKS
        and direction is None
        and strict is False
        and refuse == ()
        and encoding is None
        and limits is DEFAULT_LIMITS
    ):
        return _DEFAULTS
    return Reading(types, direction, strict, refuse, encoding, limits)


def _check_types(types: object) -> None:
    if not isinstance(types, Mapping):
        raise wrong_type("types", "a mapping of qname to header block class", types)
    for qname, block_type in types.items():
        if not isinstance(qname, str):
            raise wrong_type("a key of types", "str", qname)
        made = isinstance(block_type, type) and issubclass(block_type, HeaderBlock)
        if not made or not isinstance(getattr(block_type, "spec", None), BlockSpec):
            msg = f"types must map to classes made from a schema, but {qname} maps to something else"
            raise TypeError(msg)
        if block_type.spec.qname != qname:
            msg = f"types maps {qname} to the class of {block_type.spec.qname}"
            raise ValueError(msg)


def _check_codes(codes: object) -> frozenset[str]:
    if isinstance(codes, str):
        raise wrong_type("refuse", "several codes", codes)
    # An unknown code is a ValueError: otherwise a typo would silently refuse nothing.
    return frozenset(Code(code) for code in codes)  # type: ignore[attr-defined]


def buffer_of(data: Data) -> bytes | memoryview:
    """Return the caller's data as a buffer that can be sliced without a copy.

    A map is copied: a view of it, kept by an exception or a value, would prevent its owner from closing it.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        msg = "data must be bytes, not str: encode it first, for example with data.encode()"
        raise TypeError(msg)
    if isinstance(data, mmap):
        return data[:]
    if not isinstance(data, bytearray | memoryview):
        raise wrong_type("data", "bytes, bytearray or memoryview, or mmap", data)
    view = memoryview(data)
    if not view.c_contiguous:
        msg = "a memoryview must be C-contiguous"
        raise TypeError(msg)
    return view.cast("B") if view.format != "B" or view.ndim != 1 else view


# Bytes that are read before the head is: white space, and what shows another format.
_FIRST = 1 << 18


def head_of(data: Data, limits: Limits) -> bytes | memoryview:
    """Return the caller's data, or of a map the beginning: more bytes than a reader of the head looks at."""
    if isinstance(data, mmap) and limits.max_header_bytes is not None:
        # A character that is one byte of UTF-8 is two of UTF-16.
        return data[: 2 * limits.max_header_bytes + _FIRST]
    return buffer_of(data)
