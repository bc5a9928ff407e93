"""Edits of the bytes of a message: header blocks are inserted or removed, everything else is kept."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers._xml.encoding import WHITE_SPACE
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.raw import SLASH, certain, element_end, end_of_start_tag
from xmla_headers.findings import Code, EncodeError, value_finding
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import SOAP_VERSIONS, SoapVersion
from xmla_headers.unknown_block import UnknownHeaderBlock

from .writer import block_xml, without_default_namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from xmla_headers._xml.encoding import Source
    from xmla_headers._xml.raw import RawElement, RawMessage
    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import MustUnderstandForm
    from xmla_headers.typing import Block

    # Start and end offset in the UTF-8 text, and the text to insert between them.
    Edit: TypeAlias = tuple[int, int, str]
    # The key that blocks share if one replaces the other: their group of alternatives, or their qname.
    Like: TypeAlias = tuple[str, str]

__all__ = ["Layout", "apply", "arrange", "insertions", "removals"]

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


class Part(NamedTuple):
    """An element of a head: its name as written, its qname, and the parser's offsets of its tags."""

    name: str
    qname: str
    start: int
    close: int

    def end(self, text: bytes | memoryview) -> int:
        """Return the offset after the element."""
        return element_end(text, self)

    def moved(self, first: int, shift: int) -> Part:
        """Return the part after the text has become longer by `shift` at `first`."""
        start, close = (place + shift if place >= first else place for place in self[2:])
        return Part(self.name, self.qname, start, close)


class Layout(NamedTuple):
    """The parts of the head of a message, without its text."""

    soap: SoapVersion
    # The name of the Envelope as written, and the offsets of its start tag and of that of the Body.
    root: str
    start: int
    body: int
    header: Part | None
    blocks: tuple[Part, ...]
    # The prefixes in scope around the header blocks, or where they would be.
    scope: Mapping[str, str]

    @classmethod
    def of(cls, message: RawMessage) -> Layout:
        """Return the layout of a message whose head was accepted."""
        root, body = certain(message.root), certain(message.body)
        first = root.children[0]
        header = None if first is body else first
        return cls(
            SOAP_VERSIONS[root.namespace],
            root.name,
            root.start,
            body.start,
            None if header is None else _part(header),
            () if header is None else tuple([_part(child) for child in header.children]),
            (root.declared or {}) if header is None else header.scope,
        )

    def moved(self, first: int, shift: int) -> Layout:
        """Return the layout after the text has become longer by `shift` at `first`, inside a block.

        The Body is left: its offset is for messages without a block.
        """
        return self._replace(
            header=None if self.header is None else self.header.moved(first, shift),
            blocks=tuple(part.moved(first, shift) for part in self.blocks),
        )


def _part(element: RawElement) -> Part:
    return Part(element.name, element.qname, element.start, element.close or 0)


def _space_before(text: bytes | memoryview, offset: int) -> str:
    """Return the white space before an offset if it has a line end, otherwise an empty string."""
    piece = bytes(text[max(0, offset - _LONGEST_INDENT) : offset])
    space = piece[len(piece.rstrip(WHITE_SPACE)) :].decode()
    return space if "\n" in space or "\r" in space else ""


def _inside(text: bytes | memoryview, layout: Layout, space: str) -> str:
    """Return the white space to insert before an element one level further in."""
    if not space:
        return ""
    outer, inner = (
        re.split(r"[\r\n]", _space_before(text, start))[-1] for start in (layout.start, layout.body)
    )
    return space + inner.removeprefix(outer)


# How many bytes of white space before an element are read; it only serves readability.
_LONGEST_INDENT = 256


def insertions(
    text: bytes | memoryview,
    layout: Layout,
    blocks: Sequence[Block],
    types: Mapping[str, type[HeaderBlock]],
    form: MustUnderstandForm | None,
) -> list[Edit]:
    """Return the edits that insert blocks: in place of blocks they replace, or after the last one."""
    soap, scope = layout.soap, layout.scope
    prefix = next((name for name, bound in scope.items() if name and bound == soap.namespace), None)

    def xml_of(block: Block) -> str:
        xml = block_xml(block, soap, prefix, form)
        if isinstance(block, UnknownHeaderBlock) and scope.get("") and "" not in block.declared():
            # A name without a prefix must stay in no namespace.
            return without_default_namespace(xml)
        return xml

    parts = layout.blocks
    replaced, appended = arrange([part.qname for part in parts], blocks, types)
    edits: list[Edit] = []
    for index, successors in replaced.items():
        part = parts[index]
        space = _space_before(text, part.start)
        xml = space.join(map(xml_of, successors))
        edits.append((part.start, part.end(text), xml))
    if appended:
        edits.append(_append(text, layout, [xml_of(block) for block in appended]))
    return edits


def arrange(
    qnames: Sequence[str], blocks: Sequence[Block], types: Mapping[str, type[HeaderBlock]]
) -> tuple[dict[int, list[Block]], list[Block]]:
    """Return where to insert header blocks among others, whose qnames are given.

    The result is the indexes of the blocks to replace, each with its replacements, and the blocks to append.
    """
    given = {block.qname: block.spec for block in blocks if not isinstance(block, UnknownHeaderBlock)}

    def like(qname: str) -> Like:
        """Return the key that blocks share if one replaces the other: alternatives, or the qname."""
        spec = given.get(qname)
        if spec is None:
            kind = types.get(qname) or SESSION_BLOCKS.get(qname)
            spec = None if kind is None else kind.spec
        # A pair, since a qname without namespace may be the same word as a group of alternatives.
        return ("", qname) if spec is None or spec.alternatives is None else (spec.alternatives, "")

    groups: dict[Like, list[Block]] = {}
    for block in blocks:
        groups.setdefault(like(block.qname), []).append(block)
    replaced: dict[int, list[Block]] = {}
    placed: set[Like] = set()
    for index, qname in enumerate(qnames):
        found = like(qname)
        if found in groups:
            replaced[index] = [] if found in placed else groups[found]
            placed.add(found)
    return replaced, [block for block in blocks if like(block.qname) not in placed]


def _append(text: bytes | memoryview, layout: Layout, blocks: Sequence[str]) -> Edit:
    """Return the edit that appends blocks, and adds a Header if there is none."""
    header = layout.header
    if header is None:
        name, place = layout.root.removesuffix("Envelope") + "Header", layout.body
        space = _space_before(text, place)
        inside = _inside(text, layout, space)
        content = "".join(inside + block for block in blocks)
        return place, place, f"<{name}>{content}{space}</{name}>{space}"
    space = _space_before(text, header.start)
    if layout.blocks:
        last = layout.blocks[-1]
        end, inside = last.end(text), _space_before(text, last.start)
        return end, end, "".join(inside + block for block in blocks)
    content = "".join(_inside(text, layout, space) + block for block in blocks)
    end = end_of_start_tag(text, header.start)
    if text[end - 2] == SLASH:
        return end - 2, end, f">{content}{space}</{header.name}>"
    trailing = _space_before(text, header.close)
    if not trailing:
        content = "".join(blocks)
    place = header.close - len(trailing)
    return place, place, content


def removals(
    text: bytes | memoryview, layout: Layout, names: Collection[str], *, known: Collection[str] | None
) -> list[Edit]:
    """Return the edits that remove header blocks, and the Header too if nothing is left in it.

    `names` are the qnames to remove. If `known` is not None, all qnames that are not in it are removed too.
    """
    edits: list[Edit] = [
        (part.start, part.end(text), "")
        for part in layout.blocks
        if part.qname in names or (known is not None and part.qname not in known)
    ]
    header = layout.header
    if edits and header is not None:
        start = end_of_start_tag(text, header.start)
        left = b""
        for edit in edits:
            left += bytes(text[start : edit[0]])
            start = edit[1]
        left += bytes(text[start : header.close])
        if not left.strip(WHITE_SPACE):
            return [(header.start, header.end(text), "")]
    return edits


def apply(data: bytes | memoryview, edits: Iterable[Edit], source: Source | None = None) -> bytes:
    """Return the caller's bytes after the edits, in their own encoding; without a source it is UTF-8."""
    if source is not None and source.text is source.data:
        source = None
    locator = None if source is None else Locator(source)
    codec = "utf-8" if source is None else source.codec
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    position = 0
    for start, end, xml in sorted(edits):
        offset = start if locator is None else locator.locate(start)[0]
        pieces += [view[position:offset], _encoded(xml, codec)]
        position = end if locator is None else locator.locate(end)[0]
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
