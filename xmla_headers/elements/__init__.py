"""Element trees: the header blocks and the fault of a message that ElementTree or lxml has parsed.

For code that stands beside a SOAP stack. The elements are taken as they come, and made with the tree's
own `makeelement`; lxml is not imported. The rules and findings are those of bytes, but for what a tree
does not have: line, column and offset, what stands outside the root, and for ElementTree the prefixes:
they are ours, one for each namespace, all declared on the root, and count as such into `Limits`.
Of the Body a Fault is looked at, if it comes first, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading
from xmla_headers._codec.splice import arranged
from xmla_headers._codec.writer import block_xml
from xmla_headers._xml.raw import certain
from xmla_headers._xml.reader import read
from xmla_headers.codec import with_blocks
from xmla_headers.envelope import Envelope, Header
from xmla_headers.findings import EncodeError, XmlaHeadersError, error_for
from xmla_headers.fragment import Fragment
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import SOAP_VERSIONS

from . import _trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xmla_headers.fault import Fault
    from xmla_headers.soap import Direction, Limits, MustUnderstandForm
    from xmla_headers.typing import Block, BlockTypes

    from ._trees import Tree

__all__ = ["fault_of", "header_of", "set_blocks"]


def header_of(
    element: Tree,
    *,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Header:
    """Return the Header of an Envelope element, or of a Header element.

    The arguments are those of `decode_header`, and so is what it raises: DecodeError, ValidationError.
    """
    return _read(element, Reading(types, direction, strict, refuse, None, limits)).header


def fault_of(envelope: Tree, *, limits: Limits = DEFAULT_LIMITS) -> Fault | None:
    """Return the SOAP 1.1 fault that is the first element of the Body, None if that is something else.

    Raises what `header_of` raises.
    """
    return _read(envelope, Reading(SESSION_BLOCKS, None, False, (), None, limits)).fault


def set_blocks(
    envelope: Tree,
    *blocks: Block,
    types: BlockTypes = SESSION_BLOCKS,
    direction: Direction | None = None,
    strict: bool = False,
    refuse: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    must_understand_form: MustUnderstandForm | None = None,
) -> None:
    """Put header blocks into an Envelope element, where `with_blocks` puts them into bytes.

    All other elements stay the objects that they are. Raises what `with_blocks` raises, and then nothing
    has been changed.
    """
    reading = Reading(types, direction, strict, refuse, None, limits)
    # What can go wrong goes wrong here, in the bytes.
    data = _trees.serialize(envelope)
    if _trees.split_tag(envelope.tag)[1] == "Header":
        raise ValueError("set_blocks takes the Envelope element: the Header may have to be made")
    try:
        with_blocks(
            data,
            *blocks,
            types=types,
            direction=direction,
            strict=strict,
            refuse=reading.refuse,
            encoding="utf-8",
            limits=_of_a_tree(limits),
            must_understand_form=must_understand_form,
        )
    except XmlaHeadersError as error:
        raise _without_position(error) from None

    soap = SOAP_VERSIONS[_trees.split_tag(envelope.tag)[0]]
    header = _trees.child_named(envelope, "Header")
    if header is None:
        if not blocks:
            return
        header = envelope.makeelement(f"{{{soap.namespace}}}Header", {})
        envelope.insert(list(envelope).index(_trees.child_named(envelope, "Body")), header)

    def made(given: Sequence[Block]) -> list[Tree]:
        return [_trees.build(block_xml(block, soap, None, must_understand_form), header) for block in given]

    children = list(_trees.child_elements(header))
    qnames = [child.tag for child in children]
    replaced, appended = arranged(qnames, blocks, types)
    for index, successors in replaced.items():
        _trees.exchange(header, children[index], made(successors))
    _trees.append(header, made(appended))


def _read(element: Tree, reading: Reading) -> Envelope:
    limits = _of_a_tree(reading.limits)
    message = read(_trees.serialize(element), encoding="utf-8", limits=limits, deep=False)
    judge = reading.judge(message)
    try:
        warnings = reading.settle(judge)
    except XmlaHeadersError as error:
        raise _without_position(error) from None
    data = bytes(message.source.text)
    body = Fragment._cut(data, message.body_start, message.body_end, certain(message.body).scope)
    warnings = tuple(replace(finding, line=None, column=None, offset=None) for finding in warnings)
    return Envelope(Header._of(tuple(judge.blocks)), body, judge.soap, warnings=warnings)


def _of_a_tree(limits: Limits) -> Limits:
    """Return limits without the one that is about bytes: a tree has as many as are written for it."""
    return limits if limits.max_message_bytes is None else replace(limits, max_message_bytes=None)


def _without_position(error: XmlaHeadersError) -> XmlaHeadersError:
    """Return the same exception about a tree: the bytes were ours."""
    if isinstance(error, EncodeError):
        return error
    return error_for(replace(error.finding, line=None, column=None, offset=None))
