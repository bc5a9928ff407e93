"""The functions that read, check, write and change whole messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ._checks import member_of, wrong_type
from ._codec import splice, writer
from ._codec.options import DEFAULT_LIMITS, Reading, buffer_of, head_of, reading_of
from ._codec.reading import check_cache, judged, known, laid_out, settled
from ._xml import reader
from ._xml.names import is_ncname
from ._xml.raw import certain
from .envelope import Envelope, Header
from .findings import Code, DecodeError, EncodeError, Finding, XmlaHeadersError, value_finding
from .fragment import Fragment
from .head_cache import SHARED_HEADS, HeadCache
from .model import BlockSpec, HeaderBlock
from .session_headers import SESSION_BLOCKS
from .soap import AnyDirection, AnyMustUnderstandForm, Limits, MustUnderstandForm
from .typing import BlockTypes, Data
from .unknown_block import UnknownHeaderBlock

if TYPE_CHECKING:
    from ._xml.encoding import Source

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
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = False,
    cache: HeadCache | None = SHARED_HEADS,
) -> Envelope:
    """Read a message.

    The Body is checked for well-formedness and is not copied.

    Args:
        data: The message, in UTF-8, UTF-16, US-ASCII or ISO-8859-1.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        deep: Whether the content of the Body is also checked for Namespaces in XML, for the limits on names,
            attributes and depth, and for its Fault. Without it, the Body is checked for well-formedness.
        cache: The memory of heads; None for none. The result is the same.

    Returns:
        The message as a value, with the warnings about it.

    Raises:
        DecodeError: The bytes are not a readable document: a code that ends a message.
        ValidationError: The document breaks a rule of SOAP or XMLA.
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    The exception has the first finding that `iter_findings` would yield, with the same arguments, and that
    refuses the message.

    >>> message = encode(Envelope(Header(Session("8f1c2b3a"))))
    >>> decode(message).header.session.session_id
    '8f1c2b3a'
    """
    _check_deep(deep)
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    check_cache(cache)
    buffer = buffer_of(data)
    # A mutable buffer is copied once: the Body refers to the bytes.
    whole = buffer if isinstance(buffer, bytes) else bytes(buffer)
    found, body_end = known(whole, reading, cache, deep)
    if found is not None and body_end is not None:
        shape, body_start, identifier = found
        return shape.envelope(whole, body_start, body_end, identifier)
    message, judge = judged(whole, reading, deep=deep)
    warnings = settled(message, judge, reading, None if found else cache)
    # Bytes already, since `whole` is; nothing is copied.
    raw, text = certain(message.body), bytes(message.source.text)
    body = Fragment._cut(text, message.body_start, message.body_end, raw.scope)
    return Envelope._of(Header._of(tuple(judge.blocks)), body, judge.soap, warnings)


def decode_header(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cache: HeadCache | None = SHARED_HEADS,
) -> Header:
    """Read a message up to its Body start tag and no further.

    The cost does not depend on the size of the message. Nothing after the start tag is checked.

    Args:
        data: The message, or at least its beginning up to the Body start tag.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        cache: The memory of heads; None for none. The result is the same.

    Returns:
        The header blocks.

    Raises:
        DecodeError: The bytes are not a readable document: a code that ends a message.
        ValidationError: The document breaks a rule of SOAP or XMLA.
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    >>> decode_header(encode(Envelope(Header(BeginSession())))).begin_session
    BeginSession()
    """
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    check_cache(cache)
    buffer = head_of(data, limits)
    found = None if cache is None else cache._find(buffer, reading)
    if found is not None:
        shape, _, identifier = found
        return shape.header(identifier)
    message, judge = judged(buffer, reading, head_only=True)
    settled(message, judge, reading, cache)
    return Header._of(tuple(judge.blocks))


def iter_findings(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = True,
    cache: HeadCache | None = SHARED_HEADS,
) -> Iterator[Finding]:
    """Yield every finding of a message, errors and warnings.

    The order is by offset, then by catalogue; a finding that ends the message comes last. A finding keeps
    its severity whatever `strict` and `refuse` say.

    Args:
        data: The message.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        deep: Whether the content of the Body is also checked for Namespaces in XML, for the limits on names,
            attributes and depth, and for its Fault. Without it, the Body is checked for well-formedness.
        cache: The memory of heads; None for none. The result is the same.

    Yields:
        The findings; none for a message without a problem.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    >>> [str(finding.code) for finding in iter_findings(b"<Envelope/>")]
    ['wrong-soap-namespace']
    """
    _check_deep(deep)
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    check_cache(cache)
    buffer = buffer_of(data)
    found, body_end = known(buffer, reading, cache, deep)
    if found is not None and body_end is not None:
        shape, _, identifier = found
        return iter(shape.warnings(identifier))
    message, judge = judged(buffer, reading, deep=deep)
    # A head with many findings is rare, and they would all be in memory at once.
    if cache is not None and found is None and judge.has_few_findings:
        with suppress(XmlaHeadersError):
            return iter(settled(message, judge, reading, cache))
    return judge.findings()


def validate(
    data: Data,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    deep: bool = True,
    cache: HeadCache | None = SHARED_HEADS,
) -> None:
    """Raise the first finding that refuses a message.

    Args:
        data: The message.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        deep: Whether the content of the Body is also checked for Namespaces in XML, for the limits on names,
            attributes and depth, and for its Fault. Without it, the Body is checked for well-formedness.
        cache: The memory of heads; None for none. The result is the same.

    Raises:
        DecodeError: The bytes are not a readable document: a code that ends a message.
        ValidationError: The document breaks a rule of SOAP or XMLA.
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    >>> validate(encode(Envelope(Header(Session("8f1c2b3a")))))
    """
    _check_deep(deep)
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    check_cache(cache)
    buffer = buffer_of(data)
    found, body_end = known(buffer, reading, cache, deep)
    if body_end is None:
        message, judge = judged(buffer, reading, deep=deep)
        settled(message, judge, reading, None if found else cache)


def encode(
    envelope: Envelope,
    *,
    must_understand_form: AnyMustUnderstandForm | None = None,
    xml_declaration: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Write a message, in UTF-8 without a byte order mark.

    The result depends on the value alone: blocks in their order, attributes in schema order. An empty
    Header is left out.

    Args:
        envelope: The message.
        must_understand_form: The spelling of mustUnderstand for every block, a member or its value
            ("qualified", "unqualified", "both"); None for the form of each block.
        xml_declaration: Whether the message begins with an XML declaration.
        limits: The limits under which decode must accept the message.

    Returns:
        The message.

    Raises:
        EncodeError: `limit-exceeded`: decode would refuse the message under `limits`.
        TypeError: An argument has the wrong type.

    >>> encode(Envelope(body=Fragment(b"<a/>"))).endswith(b"<soap:Body><a/></soap:Body></soap:Envelope>")
    True
    """
    if not isinstance(envelope, Envelope):
        raise wrong_type("envelope", "Envelope", envelope)
    form = None if must_understand_form is None else _form_of(must_understand_form)
    if type(xml_declaration) is not bool:
        raise wrong_type("xml_declaration", "bool", xml_declaration)
    head, tail = writer.envelope_parts(envelope, form, xml_declaration=xml_declaration)
    if limits is not DEFAULT_LIMITS or len(head) > _SHORT_HEAD:
        _check_limits(head, tail, envelope, limits)
    return b"".join((head, envelope.body.view, tail))


# Bytes. A shorter head exceeds no default limit: an element takes three bytes, an attribute or block four.
_SHORT_HEAD = 256


def _check_limits(head: bytes, tail: bytes, envelope: Envelope, limits: Limits) -> None:
    """Raise EncodeError for a message that decode would refuse for its size."""
    if not isinstance(limits, Limits):
        raise wrong_type("limits", "Limits", limits)
    _check_size(len(head) + len(envelope.body) + len(tail), limits)
    # Cheap bounds first: mostly they decide.
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
    block: HeaderBlock | UnknownHeaderBlock, *, must_understand_form: AnyMustUnderstandForm | None = None
) -> bytes:
    """Write one header block, in SOAP 1.1 and UTF-8, that declares all its namespaces itself.

    It is for people who write messages with string templates.

    Args:
        block: The header block.
        must_understand_form: The spelling of mustUnderstand, a member or its value ("qualified",
            "unqualified", "both"); None for the form of the block.

    Returns:
        One element.

    Raises:
        TypeError: An argument has the wrong type.

    >>> encode_block(BeginSession())
    b'<BeginSession xmlns="urn:schemas-microsoft-com:xml-analysis"/>'
    """
    if not isinstance(block, HeaderBlock | UnknownHeaderBlock):
        raise wrong_type("block", "a header block", block)
    return writer.standalone_xml(block, _form_of(must_understand_form)).encode()


def with_blocks(
    data: Data,
    *blocks: HeaderBlock | UnknownHeaderBlock,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    must_understand_form: AnyMustUnderstandForm | None = None,
    cache: HeadCache | None = SHARED_HEADS,
) -> bytes:
    """Insert header blocks into a message, and leave every other byte of it unchanged.

    A block replaces those of its type; an unknown block replaces those of its qname. If there are none, it
    comes last; a Header is made if there is none. The session headers are alternatives: the ones given
    replace all three, in the order given, at the place of the first. The blocks are written in the encoding
    of the message. Only the head is read: a message that is cut off in its Body is accepted.

    Args:
        data: The message.
        *blocks: The header blocks.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        must_understand_form: The spelling of mustUnderstand for every block, a member or its value
            ("qualified", "unqualified", "both"); None for the form of each block.
        cache: The memory of heads; None for none. The result is the same.

    Returns:
        The changed message.

    Raises:
        DecodeError: The bytes are not a readable document: a code that ends a message.
        ValidationError: The document breaks a rule of SOAP or XMLA.
        EncodeError: `limit-exceeded`, `duplicate-header-block`, or `unencodable-text`: the encoding of the
            message lacks a character that is not in a value, where a reference could replace it.
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    >>> message = encode(Envelope(Header(Session("8f1c2b3a"))))
    >>> decode(with_blocks(message, Session("0d4e"))).header.session.session_id
    '0d4e'
    """
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    form = _form_of(must_understand_form)
    check_cache(cache)
    given = Header(*blocks).blocks
    buffer = buffer_of(data)
    layout, source = laid_out(buffer, reading, cache)
    text = buffer if source is None else source.text
    edits = splice.insertions(text, layout, given, types, form) if given else []
    return _spliced(buffer, source, edits, reading, cache)


def without_blocks(
    data: Data,
    *types_or_qnames: type[HeaderBlock | UnknownHeaderBlock] | str,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cache: HeadCache | None = SHARED_HEADS,
) -> bytes:
    """Remove header blocks from a message, and leave every other byte of it unchanged.

    The Header goes with them if only white space is left in it. Only the head is read: a message that is cut
    off in its Body is accepted.

    Args:
        data: The message.
        *types_or_qnames: Classes of header blocks, or names in Clark notation, where "{}name" and "name" are
            in no namespace. `UnknownHeaderBlock` stands for every block that `types` does not name.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        encoding: The charset of the transport, such as "utf-8", as `http.charset_of` returns it. It overrides
            the XML declaration, but not a byte order mark (RFC 7303 §3).
        limits: The most that is read.
        cache: The memory of heads; None for none. The result is the same.

    Returns:
        The changed message.

    Raises:
        DecodeError: The bytes are not a readable document: a code that ends a message.
        ValidationError: The document breaks a rule of SOAP or XMLA.
        EncodeError: `limit-exceeded`.
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, `types` maps a name to a class of another name,
            or a name without namespace is that of a declared header block, such as "Session".

    >>> message = encode(Envelope(Header(Session("8f1c2b3a"))))
    >>> without_blocks(message, Session) == encode(Envelope())
    True
    """
    reading = reading_of(types, direction, strict, refuse, encoding, limits)
    check_cache(cache)
    names: set[str] = set()
    declared: frozenset[str] | None = None
    for wanted in types_or_qnames:
        if isinstance(wanted, str):
            names.add(_check_qname(wanted, types))
        elif wanted is UnknownHeaderBlock:
            declared = frozenset(types)
        else:
            names.add(_spec_of(wanted).qname.removeprefix("{}"))
    buffer = buffer_of(data)
    layout, source = laid_out(buffer, reading, cache)
    text = buffer if source is None else source.text
    edits = splice.removals(text, layout, names, known=declared)
    return _spliced(buffer, source, edits, reading, cache)


def _check_qname(qname: str, types: BlockTypes) -> str:
    """Return the name as an element has it.

    Raise ValueError for a text that cannot name a header block, or that probably is meant for another one:
    nothing would be removed, in silence.
    """
    namespace, brace, local = qname.rpartition("}")
    if not is_ncname(local) or (brace and not namespace.startswith("{")):
        raise ValueError("a qname is written in Clark notation: {namespace}name")
    if not brace:
        for kind in (*SESSION_BLOCKS.values(), *types.values()):
            if local == kind.spec.local_name:
                msg = (
                    f"{local!r} has no namespace: for the header block pass the class {kind.__name__} or"
                    f' its qname "{kind.spec.qname}", for an element in no namespace "{{}}{local}"'
                )
                raise ValueError(msg)
    return qname.removeprefix("{}")


def _spec_of(block_type: object) -> BlockSpec:
    spec = getattr(block_type, "spec", None)
    if not isinstance(block_type, type) or not isinstance(spec, BlockSpec):
        raise wrong_type("what to remove", "a type of header block or a qname", block_type)
    return spec


def _spliced(
    buffer: bytes | memoryview,
    source: Source | None,
    edits: list[splice.Edit],
    reading: Reading,
    cache: HeadCache | None,
) -> bytes:
    result = splice.apply(buffer, edits, source) if edits else bytes(buffer)
    _check_size(len(result), reading.limits)
    if not edits:
        return result
    # Whole elements replaced whole elements, so the result is well-formed. It may break a rule now.
    if cache is None or cache._find(result, reading) is None:
        try:
            settled(*judged(result, reading, head_only=True), reading, cache)
        except DecodeError as error:
            found = error.finding
            raise EncodeError(value_finding(found.code, found.message, found.hint)) from None
    return result


def _check_deep(deep: object) -> None:
    if type(deep) is not bool:
        raise wrong_type("deep", "bool", deep)


def _form_of(form: object) -> MustUnderstandForm | None:
    return None if form is None else member_of(MustUnderstandForm, "must_understand_form", form)


def _check_size(size: int, limits: Limits) -> None:
    maximum = limits.max_message_bytes
    if maximum is not None and size > maximum:
        message = f"the message would be {size} bytes long, and {maximum} is the most (max_message_bytes)"
        raise EncodeError(value_finding(Code.LIMIT_EXCEEDED, message))
