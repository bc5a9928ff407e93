"""The public face of the reader, the rules and the writer: bytes -> values and findings."""

from __future__ import annotations

from dataclasses import replace

from ._checks import wrong_type
from ._codec import splice, writer
from ._codec.options import DEFAULT_LIMITS, Reading, buffer_of
from ._xml import reader
from ._xml.body_end import last_end_tag
from ._xml.names import is_ncname
from ._xml.raw import certain
from .envelope import Envelope, Header
from .findings import Code, DecodeError, EncodeError, Finding, value_finding
from .fragment import Fragment
from .head_cache import SHARED_HEADS, HeadCache
from .model import BlockSpec, HeaderBlock
from .session_headers import SESSION_BLOCKS
from .soap import Direction, Limits, MustUnderstandForm
from .unknown_block import UnknownHeaderBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._codec.options import BlockTypes, Data
    from ._xml.raw import RawMessage

__all__ = [
    "decode",
    "decode_header",
    "encode",
    "encode_block",
    "iter_findings",
    "validate",
    "with_blocks",
    "without_blocks",
]


def decode(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = False,
    cache: HeadCache | None = SHARED_HEADS,
) -> Envelope:
    """Read a message.

    The Body is held to XML 1.0 and not copied; with `deep` also to Namespaces in XML and to the limits
    on names, attributes and depth. `types` maps qnames to header block classes, `encoding` is what the
    transport's charset says, `refuse` holds codes of warnings to refuse as well, and `strict` refuses
    all. Raises DecodeError and ValidationError: the first refused finding that `iter_findings` would
    yield with the same arguments.
    """
    _check_deep(deep)
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    _check_cache(cache)
    buffer = buffer_of(data)
    # One copy of a mutable buffer: the Body refers to the bytes from here on.
    whole = buffer if isinstance(buffer, bytes) else bytes(buffer)
    if cache is not None and (not deep or limits is DEFAULT_LIMITS):
        found = cache._find(whole, reading)
        if found is not None:
            shape, body_start, identifier = found
            scope = shape.scope if deep else None
            body_end = last_end_tag(whole, *shape.names, body_start, scope)
            if body_end is not None:
                return shape.envelope(whole, body_start, body_end, identifier)
    message = reader.read(whole, encoding=encoding, limits=limits, deep=deep)
    judge = reading.judge(message)
    warnings = reading.settle(judge)
    # With `deep` there may be warnings about this Body among those of the head.
    if cache is not None and not deep:
        cache._keep(message, judge, warnings, reading)
    # Bytes already, since `whole` is; nothing is copied.
    raw, text = certain(message.body), bytes(message.source.text)
    body = Fragment._cut(text, message.body_start, message.body_end, raw.scope)
    return Envelope._of(Header._of(tuple(judge.blocks)), body, judge.soap, warnings)


def decode_header(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cache: HeadCache | None = SHARED_HEADS,
) -> Header:
    """Read a message up to its Body start tag and no further, whatever its size.

    Vouches for nothing behind it. The arguments are those of `decode`. Raises DecodeError and
    ValidationError.
    """
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    _check_cache(cache)
    buffer = buffer_of(data)
    found = None if cache is None else cache._find(buffer, reading)
    if found is not None:
        shape, _, identifier = found
        return shape.header(identifier)
    _, judge = reading.read_head(buffer, cache)
    return Header._of(tuple(judge.blocks))


def iter_findings(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = True,
) -> Iterator[Finding]:
    """Yield all that there is to say about a message, refused or not.

    By offset, then in catalogue order, what ends the message last. The arguments are those of `decode`,
    `deep` being on: a finding keeps its severity whatever `strict` and `refuse` say.
    """
    _check_deep(deep)
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    message = reader.read(buffer_of(data), encoding=encoding, limits=limits, deep=deep)
    return reading.judge(message).findings()


def validate(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = True,
) -> None:
    """Raise the first refused finding of a message.

    The arguments are those of `decode`, `deep` being on. Raises DecodeError and ValidationError.
    """
    _check_deep(deep)
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    message = reader.read(buffer_of(data), encoding=encoding, limits=limits, deep=deep)
    reading.settle(reading.judge(message))


def encode(
    envelope: Envelope,
    *,
    must_understand_form: MustUnderstandForm | None = None,
    xml_declaration: bool = False,
    limits: Limits = DEFAULT_LIMITS,
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
    head, tail = writer.envelope_parts(envelope, must_understand_form, xml_declaration=xml_declaration)
    if limits is not DEFAULT_LIMITS or len(head) > _SHORT_HEAD:
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
        fatal = reader.read(head + tail, limits=limits, head_only=True).fatal
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
    return writer.standalone_xml(block, must_understand_form).encode()


def with_blocks(
    data: Data,
    *blocks: HeaderBlock | UnknownHeaderBlock,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    must_understand_form: MustUnderstandForm | None = None,
    cache: HeadCache | None = SHARED_HEADS,
) -> bytes:
    """Put header blocks into a message, and leave every other byte of it as it was.

    A block takes the place of those of its type (of its qname, if it is unknown), else it comes last; a
    Header is made if there is none. The session headers are alternatives: the ones given stand, in the
    order given, at the place of the first of them that is there. Written in the encoding that was read:
    a character that it lacks becomes a reference in values, and is EncodeError (`unencodable-text`)
    elsewhere. The other arguments are those of `decode_header`; raises what that raises, and EncodeError
    (`limit-exceeded`, `duplicate-header-block`).
    """
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    _check_form(must_understand_form)
    _check_cache(cache)
    given = Header(*blocks).blocks
    buffer = buffer_of(data)
    message, _ = reading.read_head(buffer, cache)
    edits = splice.insertions(message, given, types, must_understand_form) if given else []
    return _spliced(buffer, message, edits, reading, cache)


def without_blocks(
    data: Data,
    *types_or_qnames: type[HeaderBlock | UnknownHeaderBlock] | str,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cache: HeadCache | None = SHARED_HEADS,
) -> bytes:
    """Take header blocks out of a message, by type or qname, and leave every other byte as it was.

    The Header goes with them if that leaves white space only. UnknownHeaderBlock stands for all that
    `types` does not name. The other arguments are those of `decode_header`, and so is what it raises.
    """
    reading = Reading(types, direction, strict, refuse, encoding, limits)
    _check_cache(cache)
    names: set[str] = set()
    known: frozenset[str] | None = None
    for wanted in types_or_qnames:
        if isinstance(wanted, str):
            names.add(_check_qname(wanted))
        elif wanted is UnknownHeaderBlock:
            known = frozenset(types)
        else:
            names.add(_spec_of(wanted).qname)
    buffer = buffer_of(data)
    message, _ = reading.read_head(buffer, cache)
    edits = splice.removals(message, names, known=known)
    return _spliced(buffer, message, edits, reading, cache)


def _check_qname(qname: str) -> str:
    """Raise ValueError for what names no header block, and would be left in without a word."""
    namespace, _, local = qname.rpartition("}")
    if not is_ncname(local) or (namespace and not namespace.startswith("{")):
        raise ValueError("a qname is written in Clark notation: {namespace}name")
    return qname


def _spec_of(block_type: object) -> BlockSpec:
    spec = getattr(block_type, "spec", None)
    if not isinstance(block_type, type) or not isinstance(spec, BlockSpec):
        raise wrong_type("what to take out", "a type of header block or a qname", block_type)
    return spec


def _spliced(
    buffer: bytes | memoryview,
    message: RawMessage,
    edits: list[splice.Edit],
    reading: Reading,
    cache: HeadCache | None,
) -> bytes:
    result = splice.apply(message.source, buffer, edits) if edits else bytes(buffer)
    _check_size(len(result), reading.limits)
    if not edits:
        return result
    # Whole elements in the place of whole elements: it is as well-formed as it was. Whether a rule is
    # broken now is another question.
    if cache is None or cache._find(result, reading) is None:
        try:
            reading.read_head(result, cache)
        except DecodeError as error:
            found = error.finding
            raise EncodeError(value_finding(found.code, found.message, found.hint)) from None
    return result


def _check_cache(cache: object) -> None:
    if cache is not None and not isinstance(cache, HeadCache):
        raise wrong_type("cache", "HeadCache or None", cache)


def _check_deep(deep: object) -> None:
    if type(deep) is not bool:
        raise wrong_type("deep", "bool", deep)


def _check_form(form: object) -> None:
    if form is not None and not isinstance(form, MustUnderstandForm):
        raise wrong_type("must_understand_form", "MustUnderstandForm or None", form)


def _check_size(size: int, limits: Limits) -> None:
    maximum = limits.max_message_bytes
    if maximum is not None and size > maximum:
        message = f"the message would be {size} bytes long, and {maximum} is the most (max_message_bytes)"
        raise EncodeError(value_finding(Code.LIMIT_EXCEEDED, message))
