"""Header blocks and faults of messages that ElementTree or lxml has parsed.

For code that works beside a SOAP stack. Elements are used as they are, and new ones are made with the tree's
own `makeelement`; lxml is not imported. The rules and findings are those of `decode`, without what a tree
does not have: line, column and offset, content outside the root, and for ElementTree the prefixes. Generated
prefixes replace those, one for each namespace, all declared on the root; they count for `Limits`. Only a
Fault that comes first is read from the Body.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading
from xmla_headers._codec.splice import arrange
from xmla_headers._codec.writer import block_xml
from xmla_headers._xml.names import split_clark
from xmla_headers._xml.prefixes import DEFAULT_PREFIX
from xmla_headers._xml.raw import certain
from xmla_headers._xml.reader import read
from xmla_headers.codec import with_blocks
from xmla_headers.envelope import Envelope, Header
from xmla_headers.fault import Fault
from xmla_headers.findings import EncodeError, XmlaHeadersError, error_for
from xmla_headers.fragment import Fragment
from xmla_headers.model import qnames_of
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import (
    SOAP_VERSIONS,
    AnyDirection,
    AnyMustUnderstandForm,
    Limits,
    MustUnderstandForm,
    SoapVersion,
)
from xmla_headers.typing import Block, BlockTypes
from xmla_headers.unknown_block import UnknownHeaderBlock

from . import _trees
from ._trees import Tree

__all__ = ["fault_of", "header_of", "set_blocks"]


def header_of(
    element: Tree,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Header:
    """Return the Header of a message that is an element tree.

    Args:
        element: The Envelope element, or the Header element, of ElementTree or lxml.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        limits: The most that is read. `max_message_bytes` is ignored, and `max_header_bytes` counts the bytes
            of the head as written by this module.

    Returns:
        The header blocks.

    Raises:
        DecodeError: `limit-exceeded`, or another code that ends a message.
        ValidationError: The head breaks a rule of SOAP or XMLA.
        EncodeError: `bad-fragment`: a tag or an attribute of the tree has an invalid name.
        TypeError: An argument has the wrong type, or the tree holds something other than text and elements.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name, or to one with qualified names (xs:QName) and the tree is of ElementTree, which does not
            keep the prefixes that they need.

    >>> from xml.etree import ElementTree
    >>> header_of(ElementTree.fromstring(encode(Envelope(Header(BeginSession()))))).begin_session
    BeginSession()
    """
    return _read(element, Reading(types, direction, strict, refuse, None, limits)).header


def fault_of(envelope: Tree, *, limits: Limits = DEFAULT_LIMITS) -> Fault | None:
    """Return the SOAP 1.1 Fault that is the first element of the Body.

    Args:
        envelope: The Envelope element of ElementTree or lxml.
        limits: The most that is read. `max_message_bytes` is ignored, and `max_header_bytes` counts the bytes
            of the head as written by this module.

    Returns:
        The fault, or None if the Body begins with something else.

    Raises:
        DecodeError: `limit-exceeded`, or another code that ends a message.
        ValidationError: The head breaks a rule of SOAP or XMLA.
        EncodeError: `bad-fragment`: a tag or an attribute of the tree has an invalid name.
        TypeError: An argument has the wrong type, or the tree holds something other than text and elements.

    >>> from xml.etree import ElementTree
    >>> fault_of(ElementTree.fromstring(encode(Envelope()))) is None
    True
    """
    return _read(envelope, Reading(SESSION_BLOCKS, None, False, (), None, limits)).fault


def set_blocks(
    envelope: Tree,
    *blocks: Block,
    types: BlockTypes = SESSION_BLOCKS,
    direction: AnyDirection | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    must_understand_form: AnyMustUnderstandForm | None = None,
) -> None:
    """Insert header blocks into an Envelope element, as `with_blocks` does in bytes.

    All other elements of the tree stay the same objects. If it raises, nothing has been changed.

    Args:
        envelope: The Envelope element of ElementTree or lxml.
        *blocks: The header blocks.
        types: Expanded name (Clark notation) -> class of the header blocks that are read as values. Other
            blocks become `UnknownHeaderBlock`.
        direction: The direction of the message, a member or "request" or "response"; None if it is
            unknown. A block that does not belong in it is an error.
        strict: Whether every warning refuses the message.
        refuse: Codes of the warnings that refuse the message.
        limits: The most that is read. `max_message_bytes` is ignored, and `max_header_bytes` counts the bytes
            of the head as written by this module.
        must_understand_form: The spelling of mustUnderstand for every block, a member or its value
            ("qualified", "unqualified", "both"); None for the form of each block.

    Raises:
        DecodeError: `limit-exceeded`, or another code that ends a message.
        ValidationError: The head breaks a rule of SOAP or XMLA.
        EncodeError: `limit-exceeded`, `duplicate-header-block`, or `bad-fragment`: a tag or an attribute of
            the tree has an invalid name, or lxml would write an element in no namespace, inside a default
            namespace, as one of that namespace, or the tree cannot keep the prefix of a qualified name, or
            lxml does not accept a namespace.
        TypeError: An argument has the wrong type, or the tree holds something other than text and elements.
        ValueError: `refuse` has an unknown code, `types` maps a name to a class of another name, or to one
            with qualified names (xs:QName) and the tree is of ElementTree, or the element is a Header.

    >>> from xml.etree import ElementTree
    >>> envelope = ElementTree.fromstring(encode(Envelope()))
    >>> set_blocks(envelope, Session("8f1c"))
    >>> header_of(envelope).session.session_id
    '8f1c'
    """
    reading = Reading(types, direction, strict, refuse, None, limits)
    # Most errors are raised here, by an edit of the same message in bytes.
    data = _trees.serialize(envelope)
    _check_prefixes(envelope, reading)
    if split_clark(envelope.tag)[1] == "Header":
        raise ValueError("set_blocks takes the Envelope element, since it may have to add a Header")
    try:
        with_blocks(
            data,
            *blocks,
            types=types,
            direction=direction,
            strict=strict,
            refuse=reading.refuse,
            encoding="utf-8",
            limits=_for_a_tree(limits),
            must_understand_form=must_understand_form,
        )
    except XmlaHeadersError as error:
        raise _without_position(error) from None

    # with_blocks has checked it.
    form = None if must_understand_form is None else MustUnderstandForm(must_understand_form)
    soap = SOAP_VERSIONS[split_clark(envelope.tag)[0]]
    header = _trees.child_named(envelope, "Header")
    around = envelope if header is None else header

    def made(given: Sequence[Block]) -> list[Tree]:
        return [_made(block, soap, form, around) for block in given]

    children = [] if header is None else list(_trees.child_elements(header))
    replaced, appended = arrange([child.tag for child in children], blocks, types)
    # All are made before the tree is changed.
    replacements = {index: made(successors) for index, successors in replaced.items()}
    last = made(appended)
    if header is None:
        if not blocks:
            return
        header = envelope.makeelement(f"{{{soap.namespace}}}Header", {})
        envelope.insert(list(envelope).index(_trees.child_named(envelope, "Body")), header)
    for index, successors in replacements.items():
        _trees.exchange(header, children[index], successors)
    _trees.append(header, last)


def _read(element: Tree, reading: Reading) -> Envelope:
    limits = _for_a_tree(reading.limits)
    # No variable holds the bytes, which a traceback may show.
    message = read(_trees.serialize(element), encoding="utf-8", limits=limits, deep=False)
    _check_prefixes(element, reading)
    judge = reading.judge(message)
    try:
        warnings = reading.settle(judge)
    except XmlaHeadersError as error:
        raise _without_position(error) from None
    data = bytes(message.source.text)
    body = Fragment._cut(data, message.body_start, message.body_end, certain(message.body).scope)
    warnings = tuple(replace(finding, line=None, column=None, offset=None) for finding in warnings)
    return Envelope(Header._of(tuple(judge.blocks)), body, judge.soap, warnings=warnings)


def _made(block: Block, soap: SoapVersion, form: MustUnderstandForm | None, around: Tree) -> Tree:
    """Return the element of a block for its place in an element. Raises EncodeError."""
    if isinstance(block, UnknownHeaderBlock) or not block.spec.has_qnames:
        return _trees.build(block_xml(block, soap, None, form), around)
    scope = _trees.prefixes_in(around)
    prefix = next((prefix for prefix, bound in scope.items() if bound == soap.namespace), None)
    if prefix is None:
        # The block may declare it for SOAP.
        scope.pop(DEFAULT_PREFIX, None)
    xml = block_xml(block, soap, prefix, form, scope)
    return _trees.build(xml, around, [split_clark(name)[0] for name in qnames_of(block)])


def _check_prefixes(element: Tree, reading: Reading) -> None:
    """Refuse types whose values a tree without prefixes cannot tell. Raises ValueError."""
    for kind in reading.types.values():
        if kind.spec.has_qnames and not hasattr(element, "nsmap"):
            name = kind.spec.local_name
            msg = (
                f"types has {name}, with qualified names, whose prefixes ElementTree does not keep: use lxml"
            )
            raise ValueError(msg)


def _for_a_tree(limits: Limits) -> Limits:
    """Return the limits without the one on the size in bytes: the bytes are written by this module."""
    return limits if limits.max_message_bytes is None else replace(limits, max_message_bytes=None)


def _without_position(error: XmlaHeadersError) -> XmlaHeadersError:
    """Return the exception without its position in bytes, which the caller has never seen."""
    if isinstance(error, EncodeError):
        return error
    return error_for(replace(error.finding, line=None, column=None, offset=None))
