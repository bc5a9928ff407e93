"""Edits of the bytes of a message: header blocks are inserted or removed, everything else is kept."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from xmla_headers._xml.encoding import WHITE_SPACE
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.raw import certain, element_end, end_of_start_tag
from xmla_headers.findings import Code, EncodeError, value_finding
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import SOAP_VERSIONS
from xmla_headers.unknown_block import UnknownHeaderBlock

from .writer import block_xml, without_default_namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from xmla_headers._xml.encoding import Source
    from xmla_headers._xml.raw import RawElement, RawMessage
    from xmla_headers.model import BlockSpec, HeaderBlock
    from xmla_headers.soap import MustUnderstandForm
    from xmla_headers.typing import Block

    # Start and end offset in the UTF-8 text, and the text to insert between them.
    Edit: TypeAlias = tuple[int, int, str]
    # The key that blocks share if one replaces the other: their group of alternatives, or their qname.
    Like: TypeAlias = tuple[str, str]

__all__ = ["apply", "arrange", "insertions", "removals"]

_ENCODERS: Mapping[str, Callable[[str, str], tuple[bytes, int]]] = {
    "utf-8": codecs.utf_8_encode,
    "us-ascii": codecs.ascii_encode,
    "iso-8859-1": codecs.latin_1_encode,
    "utf-16-le": codecs.utf_16_le_encode,
    "utf-16-be": codecs.utf_16_be_encode,
}

# A comment, a CDATA section or a tag: everything except text, in XML that is known to be well-formed.
_MARKUP = r"""(?s)(<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(?:[^"'>]|"[^"]*"|'[^']*')*>)"""
_QUOTED = r"""("[^"]*"|'[^']*')"""


class _Layout:
    """The offsets of the parts of a message's head, and its indentation."""

    def __init__(self, message: RawMessage) -> None:
        self.text = message.source.text
        self.root = certain(message.root)
        self.body = certain(message.body)
        self.header = next((child for child in self.root.children if child is not self.body), None)

    @property
    def blocks(self) -> list[RawElement]:
        return [] if self.header is None else self.header.children

    @property
    def scope(self) -> Mapping[str, str]:
        """The prefixes in scope around the header blocks, or where they would be."""
        return self.header.scope if self.header is not None else self.root.declared or {}

    def space_before(self, offset: int) -> str:
        """Return the white space before an offset if it has a line end, otherwise an empty string."""
        piece = bytes(self.text[max(0, offset - _LONGEST_INDENT) : offset])
        space = piece[len(piece.rstrip(WHITE_SPACE)) :].decode()
        return space if "\n" in space or "\r" in space else ""

    def inside(self, space: str) -> str:
        """Return the white space to insert before an element one level further in."""
        if not space:
            return ""
        outer, inner = (
            re.split(r"[\r\n]", self.space_before(element.start))[-1] for element in (self.root, self.body)
        )
        return space + inner.removeprefix(outer)


# How many bytes of white space before an element are read; it only serves readability.
_LONGEST_INDENT = 256


def insertions(
    message: RawMessage,
    blocks: Sequence[Block],
    types: Mapping[str, type[HeaderBlock]],
    form: MustUnderstandForm | None,
) -> list[Edit]:
    """Return the edits that insert blocks: in place of blocks they replace, or after the last one."""
    layout = _Layout(message)
    soap = SOAP_VERSIONS[layout.root.namespace]
    scope = layout.scope
    prefix = next((name for name, bound in scope.items() if name and bound == soap.namespace), None)

    def xml_of(block: Block) -> str:
        xml = block_xml(block, soap, prefix, form)
        if isinstance(block, UnknownHeaderBlock) and scope.get("") and "" not in block.declared():
            # A name without a prefix must stay in no namespace.
            return without_default_namespace(xml)
        return xml

    elements = layout.blocks
    replaced, appended = arrange([element.qname for element in elements], blocks, types)
    edits: list[Edit] = []
    for index, successors in replaced.items():
        element = elements[index]
        space = layout.space_before(element.start)
        xml = space.join(map(xml_of, successors))
        edits.append((element.start, element_end(layout.text, element), xml))
    if appended:
        edits.append(_append(layout, [xml_of(block) for block in appended]))
    return edits


def arrange(
    qnames: Sequence[str], blocks: Sequence[Block], types: Mapping[str, type[HeaderBlock]]
) -> tuple[dict[int, list[Block]], list[Block]]:
    """Return where to insert header blocks among others, whose qnames are given.

    The result is the indexes of the blocks to replace, each with its replacements, and the blocks to append.
    """
    specs = {qname: kind.spec for qname, kind in {**SESSION_BLOCKS, **types}.items()}
    specs |= {block.qname: block.spec for block in blocks if not isinstance(block, UnknownHeaderBlock)}
    groups: dict[Like, list[Block]] = {}
    for block in blocks:
        groups.setdefault(_like(block.qname, specs), []).append(block)
    replaced: dict[int, list[Block]] = {}
    placed: set[Like] = set()
    for index, qname in enumerate(qnames):
        like = _like(qname, specs)
        if like in groups:
            replaced[index] = [] if like in placed else groups[like]
            placed.add(like)
    return replaced, [block for block in blocks if _like(block.qname, specs) not in placed]


def _like(qname: str, specs: Mapping[str, BlockSpec]) -> Like:
    """Return the key that blocks share if one replaces the other: alternatives, or the qname."""
    spec = specs.get(qname)
    # A pair, since a qname without namespace may be the same word as a group of alternatives.
    return ("", qname) if spec is None or spec.alternatives is None else (spec.alternatives, "")


def _append(layout: _Layout, blocks: Sequence[str]) -> Edit:
    """Return the edit that appends blocks, and adds a Header if there is none."""
    header, text = layout.header, layout.text
    if header is None:
        name = layout.root.name.removesuffix("Envelope") + "Header"
        space = layout.space_before(layout.body.start)
        inside = layout.inside(space)
        content = "".join(inside + block for block in blocks)
        return layout.body.start, layout.body.start, f"<{name}>{content}{space}</{name}>{space}"
    space = layout.space_before(header.start)
    if header.children:
        last = header.children[-1]
        end, inside = element_end(text, last), layout.space_before(last.start)
        return end, end, "".join(inside + block for block in blocks)
    content = "".join(layout.inside(space) + block for block in blocks)
    end = end_of_start_tag(text, header.start)
    if text[end - 2] == ord("/"):
        return end - 2, end, f">{content}{space}</{header.name}>"
    close = certain(header.close)
    trailing = layout.space_before(close)
    if not trailing:
        content = "".join(blocks)
    place = close - len(trailing)
    return place, place, content


def removals(message: RawMessage, names: Collection[str], *, known: Collection[str] | None) -> list[Edit]:
    """Return the edits that remove header blocks, and the Header too if nothing is left in it.

    `names` are the qnames to remove. If `known` is not None, all qnames that are not in it are removed too.
    """
    layout = _Layout(message)
    edits: list[Edit] = []
    for element in layout.blocks:
        qname = element.qname
        if qname in names or (known is not None and qname not in known):
            edits.append((element.start, element_end(layout.text, element), ""))
    header = layout.header
    if edits and header is not None:
        start = end_of_start_tag(layout.text, header.start)
        left = b""
        for edit in edits:
            left += bytes(layout.text[start : edit[0]])
            start = edit[1]
        left += bytes(layout.text[start : certain(header.close)])
        if not left.strip(WHITE_SPACE):
            return [(header.start, element_end(layout.text, header), "")]
    return edits


def apply(source: Source, data: bytes | memoryview, edits: Iterable[Edit]) -> bytes:
    """Return the caller's bytes after the edits, in their own encoding."""
    locator = Locator(source)
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    position = 0
    for start, end, xml in sorted(edits):
        offset = start if source.text is source.data else locator.locate(start)[0]
        pieces += [view[position:offset], _encoded(xml, source.codec)]
        position = end if source.text is source.data else locator.locate(end)[0]
    pieces.append(view[position:])
    return b"".join(pieces)


def _encoded(xml: str, codec: str) -> bytes:
    encode = _ENCODERS[codec]
    try:
        return encode(xml, "strict")[0]
    except UnicodeEncodeError:
        pass
    try:
        # re.split with a group alternates text and markup.
        return b"".join(
            _encoded_tag(part, encode) if index % 2 else encode(part, "xmlcharrefreplace")[0]
            for index, part in enumerate(re.split(_MARKUP, xml))
        )
    except UnicodeEncodeError as error:
        character = f"U+{ord(error.object[error.start]):04X}"
        message = f"a header block holds {character}, which {codec} cannot represent"
        raise EncodeError(value_finding(Code.UNENCODABLE_TEXT, message)) from None


def _encoded_tag(tag: str, encode: Callable[[str, str], tuple[bytes, int]]) -> bytes:
    if tag.startswith("<!"):
        return encode(tag, "strict")[0]
    return b"".join(
        encode(part, "xmlcharrefreplace" if index % 2 else "strict")[0]
        for index, part in enumerate(re.split(_QUOTED, tag))
    )
