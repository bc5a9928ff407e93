"""The public face of the reader, the rules and the writer: bytes -> values and findings."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Mapping
from dataclasses import replace

from . import _reader, _splice, _writer
from ._checks import wrong_type
from ._everyday import Head, everyday_head
from ._expat import passes
from ._rules import Judge
from .envelope import Envelope, Header
from .findings import Code, DecodeError, EncodeError, Finding, Severity, error_for, value_finding
from .fragment import Fragment
from .model import BlockSpec, HeaderBlock, UnknownHeaderBlock
from .session_headers import SESSION_BLOCKS
from .soap import Direction, Limits, MustUnderstandForm, SoapVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import TypeAlias

    Data: TypeAlias = bytes | bytearray | memoryview
    BlockTypes: TypeAlias = Mapping[str, type[HeaderBlock]]

__all__ = [
    "HeadCache",
    "decode",
    "decode_header",
    "encode",
    "encode_block",
    "iter_findings",
    "validate",
    "with_blocks",
    "without_blocks",
]

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
        if self.limits is not _DEFAULT_LIMITS:
            return None
        if self.encoding is not None and self.encoding.lower() != "utf-8":
            return None
        return everyday_head(data, self.types, self.direction)

    def judge(self, message: _reader.RawMessage) -> Judge:
        return Judge(message, self.types, self.direction)

    def read_head(self, data: bytes | memoryview) -> _reader.RawMessage:
        """Read a message as far as decode_header does, and raise what it raises."""
        message = _reader.read(data, encoding=self.encoding, limits=self.limits, deep=False, head_only=True)
        self.settle(self.judge(message))
        return message

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
            if end is not None and passes(whole):
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
        if head is not None and passes(buffer[: head.body_start], final=False):
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


def encode(
    envelope: Envelope,
    *,
    must_understand_form: MustUnderstandForm | None = None,
    xml_declaration: bool = False,
    limits: Limits = _DEFAULT_LIMITS,
) -> bytes:
    """Write a message, in UTF-8 without a byte order mark.

    Deterministic: blocks in their order, attributes in schema order; an empty Header is left out.
    `must_understand_form` overrides that of every block. Raises EncodeError (`limit-exceeded`) for what
    decode, under the same limits, would refuse.
    """
    if not isinstance(envelope, Envelope):
        raise wrong_type("envelope", "Envelope", envelope)
    if must_understand_form is not None:
        _check_form(must_understand_form)
    if type(xml_declaration) is not bool:
        raise wrong_type("xml_declaration", "bool", xml_declaration)
    head, tail = _writer.envelope_parts(envelope, must_understand_form, xml_declaration=xml_declaration)
    if limits is not _DEFAULT_LIMITS or len(head) > _SHORT_HEAD:
        _check_limits(head, tail, envelope, limits)
    return b"".join((head, envelope.body.view, tail))


#: A head too short to exceed a default limit: an element takes three bytes, an attribute or a block four.
_SHORT_HEAD = 256


def _check_limits(head: bytes, tail: bytes, envelope: Envelope, limits: Limits) -> None:
    """Raise EncodeError for a message that decode would refuse for its size."""
    if not isinstance(limits, Limits):
        raise wrong_type("limits", "Limits", limits)
    _check_size(len(head) + len(envelope.body) + len(tail), limits)
    # Bounds that are quickly counted come first.
    if not all(
        maximum is None or count <= maximum
        for count, maximum in (
            (len(head), limits.max_header_bytes),
            (len(head), limits.max_name_length),
            (len(envelope.header), limits.max_header_blocks),
            (head.count(b"="), limits.max_attributes),
            (head.count(b"<"), limits.max_depth),
        )
    ):
        limits = replace(limits, max_message_bytes=None)
        fatal = _reader.read(head + tail, limits=limits, head_only=True).fatal
        if fatal is not None:
            raise EncodeError(value_finding(fatal.code, fatal.message, fatal.hint))


def encode_block(
    block: HeaderBlock | UnknownHeaderBlock, *, must_understand_form: MustUnderstandForm | None = None
) -> bytes:
    """Write one header block, in SOAP 1.1 and UTF-8, that declares all its namespaces itself.

    For people with string templates. `must_understand_form` overrides that of the block.
    """
    if not isinstance(block, HeaderBlock | UnknownHeaderBlock):
        raise wrong_type("block", "a header block", block)
    _check_form(must_understand_form)
    return _writer.block_xml(block, SoapVersion.SOAP_1_1, None, must_understand_form).encode()


def with_blocks(
    data: Data,
    *blocks: HeaderBlock | UnknownHeaderBlock,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    must_understand_form: MustUnderstandForm | None = None,
) -> bytes:
    """Put header blocks into a message, and leave every other byte of it as it was.

    A block takes the place of those of its type (of its qname, if it is unknown), else it comes last; a
    Header is made if there is none. The session headers are alternatives: the ones given stand, in the
    order given, at the place of the first of them that is there. Written in the encoding that was read:
    a character that it lacks becomes a reference in values, and is EncodeError (`unencodable-text`)
    elsewhere. The other arguments are those of `decode_header`; raises what that raises, and EncodeError
    (`limit-exceeded`, `duplicate-header-block`).
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits)
    _check_form(must_understand_form)
    given = Header(*blocks).blocks
    buffer = _buffer(data)
    message = reading.read_head(buffer)
    edits = _splice.insertions(message, given, types, must_understand_form) if given else []
    return _spliced(buffer, message, edits, reading)


def without_blocks(
    data: Data,
    *types_or_qnames: type[HeaderBlock | UnknownHeaderBlock] | str,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> bytes:
    """Take header blocks out of a message, by type or qname, and leave every other byte as it was.

    The Header goes with them if that leaves white space only. UnknownHeaderBlock stands for all that
    `types` does not name. The other arguments are those of `decode_header`, and so is what it raises.
    """
    reading = _Reading(types, direction, strict, refuse, encoding, limits)
    names: set[str] = set()
    known: frozenset[str] = frozenset()
    for wanted in types_or_qnames:
        if isinstance(wanted, str):
            names.add(wanted)
        elif wanted is UnknownHeaderBlock:
            known = frozenset(types)
        else:
            names.add(_spec_of(wanted).qname)
    buffer = _buffer(data)
    message = reading.read_head(buffer)
    return _spliced(buffer, message, _splice.removals(message, names, unknown=known), reading)


def _spec_of(block_type: object) -> BlockSpec:
    spec = getattr(block_type, "spec", None)
    if not isinstance(block_type, type) or not isinstance(spec, BlockSpec):
        raise wrong_type("what to take out", "a type of header block or a qname", block_type)
    return spec


def _spliced(
    buffer: bytes | memoryview, message: _reader.RawMessage, edits: list[_splice.Edit], reading: _Reading
) -> bytes:
    if not edits:
        return bytes(buffer)
    result = _splice.apply(message.source, buffer, edits)
    _check_size(len(result), reading.limits)
    head = reading.everyday_head(result)
    if head is None or not passes(result[: head.body_start], final=False):
        try:
            reading.read_head(result)
        except DecodeError as error:
            raise EncodeError(error.finding) from None
    return result


def _check_form(form: object) -> None:
    if form is not None and not isinstance(form, MustUnderstandForm):
        raise wrong_type("must_understand_form", "MustUnderstandForm or None", form)


def _check_size(size: int, limits: Limits) -> None:
    maximum = limits.max_message_bytes
    if maximum is not None and size > maximum:
        message = f"the message would be {size} bytes long, and {maximum} is the most (max_message_bytes)"
        raise EncodeError(value_finding(Code.LIMIT_EXCEEDED, message))
