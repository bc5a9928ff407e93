"""The public face of the reader, the rules and the writer: bytes -> values and findings."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Mapping

from . import _reader
from ._checks import wrong_type
from ._everyday import Head, everyday_head
from ._rules import Judge
from .envelope import Envelope, Header
from .findings import Code, Finding, Severity, error_for
from .fragment import Fragment
from .model import HeaderBlock
from .session_headers import SESSION_BLOCKS
from .soap import Direction, Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import TypeAlias

    Data: TypeAlias = bytes | bytearray | memoryview
    BlockTypes: TypeAlias = Mapping[str, type[HeaderBlock]]

__all__ = ["HeadCache", "decode", "decode_header", "iter_findings", "validate"]

_DEFAULT_LIMITS = Limits()


class _Reading:
    """The reading arguments, checked."""

    __slots__ = ("direction", "encoding", "limits", "refuse", "strict", "types")

    def __init__(
        self,
        types: BlockTypes,
        direction: Direction | None,
        strict: bool,  # noqa: FBT001 - passed on by position, for speed
        refuse: Iterable[str],
        encoding: str | None,
        limits: Limits,
        cache: HeadCache | None = None,
    ) -> None:
        if types is not SESSION_BLOCKS:
            _check_types(types)
        if direction is not None and not isinstance(direction, Direction):
            raise wrong_type("direction", "Direction or None", direction)
        if type(strict) is not bool:
            raise wrong_type("strict", "bool", strict)
        if encoding is not None and not isinstance(encoding, str):
            raise wrong_type("encoding", "str or None", encoding)
        if not isinstance(limits, Limits):
            raise wrong_type("limits", "Limits", limits)
        if cache is not None and not isinstance(cache, HeadCache):
            raise wrong_type("cache", "HeadCache or None", cache)
        self.types = types
        self.direction = direction
        self.strict = strict
        self.refuse = frozenset() if refuse == () else _check_codes(refuse)
        self.encoding = encoding
        self.limits = limits

    @property
    def key(self) -> Hashable:
        """What, beside the bytes, determines the Header."""
        # The defaults stand for themselves: hashing them for each message is dear.
        types = None if self.types is SESSION_BLOCKS else frozenset(self.types.items())
        limits = None if self.limits is _DEFAULT_LIMITS else self.limits
        return types, self.direction, self.strict, self.refuse, self.encoding, limits

    def everyday_head(self, data: bytes) -> Head | None:
        # Only the default Limits are known to hold for what has the everyday shape.
        if self.limits is not _DEFAULT_LIMITS or (self.encoding or "utf-8").lower() != "utf-8":
            return None
        return everyday_head(data, self.types, self.direction)

    def judge(self, message: _reader.RawMessage) -> Judge:
        return Judge(message, self.types, self.direction)

    def settle(self, judge: Judge) -> tuple[Finding, ...]:
        """Return what is let pass, or raise the first refused finding."""
        if judge.clean:
            return ()
        warnings = []
        for finding in judge.findings():
            if self.strict or finding.severity is Severity.ERROR or finding.code in self.refuse:
                raise error_for(finding)
            warnings.append(finding)
        return tuple(warnings)


def _check_types(types: object) -> None:
    if not isinstance(types, Mapping):
        raise wrong_type("types", "a mapping of qname to header block class", types)
    for qname, block_type in types.items():
        if not isinstance(qname, str):
            raise wrong_type("a key of types", "str", qname)
        if not (isinstance(block_type, type) and issubclass(block_type, HeaderBlock)):
            msg = f"types maps to classes made from a schema, and {qname} to something else"
            raise TypeError(msg)
        if block_type.spec.qname != qname:
            msg = f"types maps {qname} to the class of {block_type.spec.qname}"
            raise ValueError(msg)


def _check_codes(codes: object) -> frozenset[str]:
    if isinstance(codes, str):
        raise wrong_type("refuse", "several codes", codes)
    # An unknown code is a ValueError: it would else refuse nothing, in silence.
    return frozenset(Code(code) for code in codes)  # type: ignore[attr-defined]


def _buffer(data: Data) -> bytes | memoryview:
    """Return the caller's data as something to slice without a copy."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        msg = "data must be bytes, not str: encode it first, for example with data.encode()"
        raise TypeError(msg)
    if not isinstance(data, bytearray | memoryview):
        raise wrong_type("data", "bytes, bytearray or memoryview", data)
    view = memoryview(data)
    if not view.c_contiguous:
        msg = "a memoryview must be C-contiguous"
        raise TypeError(msg)
    return view.cast("B") if view.format != "B" or view.ndim != 1 else view


class HeadCache:
    """Remembers what the heads of messages say, so that the same head is judged once.

    The head, all bytes up to the end of the Body start tag, and the reading arguments fully determine
    the Header, and within one session every request has the same head. Holds up to `maxsize` heads,
    the oldest leaving first, and with them session ids: whoever makes one owns it and drops it. Safe
    to share between threads.
    """

    __slots__ = ("_heads", "_lock", "_maxsize")

    def __init__(self, maxsize: int = 128) -> None:
        if type(maxsize) is not int:
            raise wrong_type("maxsize", "int", maxsize)
        if maxsize < 1:
            msg = "maxsize must be at least 1"
            raise ValueError(msg)
        self._maxsize = maxsize
        self._heads: dict[tuple[bytes, Hashable], Head] = {}
        self._lock = allocate_lock()

    def __len__(self) -> int:
        """Return how many heads are remembered."""
        return len(self._heads)

    def __repr__(self) -> str:
        return f"HeadCache(<{len(self)} of {self._maxsize}>)"

    def clear(self) -> None:
        """Forget all heads."""
        with self._lock:
            self._heads.clear()

    def find(self, data: bytes, reading: _Reading) -> Head | None:
        """Return the head that `data` begins with, if it has been seen. For decode."""
        if not self._heads:
            return None
        key = reading.key
        maximum = reading.limits.max_message_bytes
        if maximum is not None and len(data) > maximum:
            return None
        for cut in _reader.cuts(data, reading.limits.max_header_bytes):
            head = self._heads.get((data[:cut], key))
            if head is not None:
                return head
        return None

    def keep(self, data: bytes, reading: _Reading, head: Head) -> None:
        """Remember a head that was read and let pass. For decode."""
        with self._lock:
            while len(self._heads) >= self._maxsize:
                del self._heads[next(iter(self._heads))]
            self._heads[data[: head.body_start], reading.key] = head


def decode(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    deep: bool = False,
    cache: HeadCache | None = None,
) -> Envelope:
    """Read a message.

    The Body is held to XML 1.0 and not copied; with `deep` also to Namespaces in XML and to the limits
    on names, attributes and depth. `types` maps qnames to header block classes, `encoding` is what the
    transport's charset says, `refuse` holds codes of warnings to refuse as well, and `strict` refuses
    all. Raises DecodeError and ValidationError: the first refused finding that `iter_findings` would
    yield with the same arguments.
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits, cache)
    buffer = _buffer(data)
    # One copy of a mutable buffer: the Body refers to the bytes from here on.
    whole = buffer if isinstance(buffer, bytes) else bytes(buffer)
    if not deep:
        known = None if cache is None else cache.find(whole, reading)
        head = known or reading.everyday_head(whole)
        if head is not None:
            end = _reader.last_end_tag(whole, head.body_name, head.body_start)
            if end is not None and _reader.passes(whole):
                if cache is not None and known is None:
                    cache.keep(whole, reading, head)
                body = Fragment.cut(whole, head.body_start, end, head.scope)
                return Envelope(head.header, body, head.soap, warnings=head.warnings)
    message = _reader.read(whole, encoding=encoding, limits=limits, deep=deep)
    judge = reading.judge(message)
    warnings = reading.settle(judge)
    header = Header.of(tuple(judge.blocks))
    raw, text = message.body, message.source.text
    assert raw is not None
    assert isinstance(text, bytes)
    if cache is not None and text is whole:
        cache.keep(
            whole, reading, Head(header, warnings, judge.soap, raw.name, message.body_start, raw.scope)
        )
    body = Fragment.cut(text, message.body_start, message.body_end, raw.scope)
    return Envelope(header, body, judge.soap, warnings=warnings)


def decode_header(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    cache: HeadCache | None = None,
) -> Header:
    """Read a message up to its Body start tag and no further, whatever its size.

    Vouches for nothing behind it. The arguments are those of `decode`. Raises DecodeError and
    ValidationError.
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits, cache)
    buffer = _buffer(data)
    if isinstance(buffer, bytes):
        head = None if cache is None else cache.find(buffer, reading)
        if head is not None:
            return head.header
        head = reading.everyday_head(buffer)
        if head is not None and _reader.passes(buffer, head.body_start):
            if cache is not None:
                cache.keep(buffer, reading, head)
            return head.header
    message = _reader.read(buffer, encoding=encoding, limits=limits, deep=False, head_only=True)
    judge = reading.judge(message)
    warnings = reading.settle(judge)
    header = Header.of(tuple(judge.blocks))
    raw = message.body
    assert raw is not None
    if cache is not None and message.source.text is buffer and isinstance(buffer, bytes):
        cache.keep(
            buffer, reading, Head(header, warnings, judge.soap, raw.name, message.body_start, raw.scope)
        )
    return header


def iter_findings(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    deep: bool = True,
) -> Iterator[Finding]:
    """Yield all that there is to say about a message, refused or not.

    By offset, then in catalogue order, what ends the message last. The arguments are those of `decode`,
    `deep` being on: a finding keeps its severity whatever `strict` and `refuse` say.
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits)
    message = _reader.read(_buffer(data), encoding=encoding, limits=limits, deep=deep)
    return reading.judge(message).findings()


def validate(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    deep: bool = True,
) -> None:
    """Raise the first refused finding of a message.

    The arguments are those of `decode`, `deep` being on. Raises DecodeError and ValidationError.
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits)
    message = _reader.read(_buffer(data), encoding=encoding, limits=limits, deep=deep)
    reading.settle(reading.judge(message))
