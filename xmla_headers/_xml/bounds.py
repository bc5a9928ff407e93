"""Bounds that the bytes of XML content show: on the copies of namespace names in expat, and on depth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_ATTRIBUTES", "TAG_BYTES", "expands_little", "nests_at_most"]

# The longest start tag with which expat may copy namespace names. Management Studio declares thirteen
# namespaces in one tag, which take 1,150 bytes.
TAG_BYTES = 1_280
# The most attributes of such a tag: each takes five bytes, as in ` a=""`.
MOST_ATTRIBUTES = TAG_BYTES // 5
# The longest namespace name. With longer ones, expat could take more time than the exact check.
_NAMESPACE_BYTES = 512

# A tag within its bytes: ">" may occur in quotes, "<" in no tag.
_TAG = re.compile(rb"""<[^"'<>]*+(?:"[^"<]*+"[^"'<>]*+|'[^'<]*+'[^"'<>]*+)*+>""")
# The bytes after the "<" of markup that is not a start tag.
_OTHER_MARKUP = b"/!?"
# A declaration of a longer namespace name.
_LONG_NAMESPACE = rb"""(?x) xmlns (?: : [^ \t\r\n:=<>"']*+ )? [ \t\r\n]*+ = [ \t\r\n]*+
    (?: "[^"<]{%d} | '[^'<]{%d} )""" % (_NAMESPACE_BYTES, _NAMESPACE_BYTES)

_EMPTY_ELEMENT = re.compile(rb"/>")
# All bytes except those that delimit tags and values.
_NO_MARKS = bytes(range(256)).translate(None, b"</>\"'")
# Bytes. The tags of a slice may nest in each other, so slices are short where there are many tags.
_SLICES = (4_096, 256)


def expands_little(text: bytes, start: int, end: int) -> bool:
    """Whether the bytes of content bound what expat copies in namespace mode.

    It copies the namespace name into the name of each attribute with a prefix, one start tag at a time. So
    no start tag and no namespace name may be long. False may also mean that this quick check cannot tell.
    """
    place = text.find(b"<", start, end)
    while place >= 0 and end - place > _NAMESPACE_BYTES:
        following = text.rfind(b"<", place + 1, place + _NAMESPACE_BYTES)
        if following < 0:
            # Either a long tag, or a long text after a tag.
            if text[place + 1] not in _OTHER_MARKUP and not _is_small(text, place):
                return False
            following = text.find(b"<", place + _NAMESPACE_BYTES, end)
        place = following
    return True


def _is_small(text: bytes, start: int) -> bool:
    """Whether the start tag at an offset is not too long and declares no long namespace name."""
    tag = _TAG.match(text, start, start + TAG_BYTES)
    return tag is not None and (len(tag[0]) <= _NAMESPACE_BYTES or re.search(_LONG_NAMESPACE, tag[0]) is None)


def nests_at_most(depth: int, text: bytes, start: int, end: int) -> bool:
    """Whether the elements in well-formed content without PIs nest at most `depth` deep.

    False may also mean that this quick check cannot tell.
    """
    # Elements that nest deeper have more tags than this, since all but the innermost have two. A sample shows
    # whether the tags are worth counting.
    most = 2 * depth
    sample = text.count(b"<", start, start + TAG_BYTES)
    if sample * (end - start) <= 2 * most * TAG_BYTES and text.count(b"<", start, end) <= most:
        return True
    # Most texts have no "!", which is found faster than two bytes.
    sections = text.count(b"<!", start, end) if text.find(b"!", start, end) >= 0 else 0
    if sections > (end - start) // _SLICES[1]:
        # To skip many of them would cost more than the exact check.
        return False
    opened = 0
    for piece in _pieces(text, start, end, sections):
        for first, last in _slices(text, *piece, _SLICES[0]):
            after, deepest = _nesting(text, first, last, opened)
            if deepest > depth:
                after = opened
                for inner in _slices(text, first, last, _SLICES[1]):
                    after, deepest = _nesting(text, *inner, after)
                    if deepest > depth:
                        return False
            opened = after
    # Well-formed content closes what it opens, so a "/>" that ends no tag leaves the count below zero.
    return not opened


def _pieces(text: bytes, start: int, end: int, sections: int) -> Iterator[tuple[int, int]]:
    """Yield the pieces between comments and CDATA sections, which may hold what looks like a tag."""
    for _ in range(sections):
        found = text.find(b"<!", start, end)
        if found < 0:
            break
        yield start, found
        closing = b"-->" if text.startswith(b"--", found + 2) else b"]]>"
        start = text.find(closing, found + 4, end) + len(closing)
        if start < found:
            # It has no end, so the content is not well-formed.
            return
    yield start, end


def _nesting(text: bytes, start: int, end: int, opened: int) -> tuple[int, int]:
    """Return how many elements are open after a slice, and the most that may be open in it."""
    # Every "<" begins a tag, and every "</" an end tag.
    if _EMPTY_ELEMENT.search(text, start, end) is None:
        # Then a "/" in a start tag is in quotes, and a text with its marks alone has the same "</".
        marks = text[start:end].translate(None, _NO_MARKS)
        ends = marks.count(b"</")
        starts = marks.count(b"<") - ends
        return opened + starts - ends, opened + starts
    # A "/>" may also occur in text or in a value.
    ends, empty = text.count(b"</", start, end), text.count(b"/>", start, end)
    starts = text.count(b"<", start, end) - ends - empty
    return opened + starts - ends, opened + starts + 1


def _slices(text: bytes, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield a text in slices of about a size, each cut before a "<", so that no end of a tag is cut."""
    while end - start > size:
        following = text.rfind(b"<", start + 1, start + size)
        if following < 0:
            following = text.find(b"<", start + size, end)
            if following < 0:
                break
        yield start, following
        start = following
    yield start, end
