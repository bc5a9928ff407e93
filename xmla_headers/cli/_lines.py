"""Knows the lines about findings, sessions and messages, and the source excerpts without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xmla_headers._printable import (
    Piece,
    columns_of,
    first_columns,
    joined,
    last_columns,
    plural,
    printable,
)
from xmla_headers.envelope import Envelope
from xmla_headers.findings import Finding, Severity
from xmla_headers.model import HeaderBlock, mask
from xmla_headers.soap import Direction
from xmla_headers.unknown_block import UnknownHeaderBlock

__all__ = [
    "EXCERPT_WIDTH",
    "STYLES",
    "Excerpts",
    "describe",
    "github_line",
    "summary",
    "text_lines",
]

STYLES = {
    "place": "bold",
    "error": "bold red",
    "warning": "bold yellow",
    "caret": "bold green",
    "hint": "cyan",
    "good": "green",
}
"""The style of a piece -> the style of rich."""

EXCERPT_WIDTH = 105
"""The most columns of an excerpt. XMLA messages are often one long line."""

# The columns of an excerpt for its indent and for the ellipsis at its end.
_MARGIN = 5

# The least number of columns that an excerpt shows, on any terminal.
_NARROWEST = 16

# Bytes at the start of a message that are searched for session ids to mask at once. Further in, a window and
# its neighbours are searched.
_HEAD = 1 << 19
_WINDOW = 1 << 14

# Attributes that a source line shows in full: namespaces, and values that are words of the protocol. Other
# text may be a session id or another secret, as the message may be broken in any way.
_SHOWN_VALUES = re.compile(r"xmlns(:[^\s=]*)?|([^\s=:]*:)?mustUnderstand|version|encoding|standalone")

_MASKED = re.compile(
    r"""(?x)
      (?<![^\s<>"'=/]) (?P<name>[^\s<>"'=/]++) \s*+ = \s*+
      # A quote ends a value only before a character that may follow it: the real end quote may be missing.
      (?: "(?P<double>[^"]*+(?:"(?![\s/>?]|\Z)[^"]*+)*+)"?
        | '(?P<single>[^']*+(?:'(?![\s/>?]|\Z)[^']*+)*+)'?
        | (?P<bare>[^\s"'<>]+) )
    | (?: > | \A(?=[^<]) | \]\]> | <!\[CDATA\[ ) (?P<text>[^<>]+)
    # A quoted text without a name.
    | ["'] (?P<loose>[^<>]+)
    """
)
# A value with one of these is masked: it may contain the next attribute.
_STRANGE = re.compile(r"[=\"'\s]")
_WORD = re.compile(r"\S{5,}")
_LATIN = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?i:iso-?8859-1|iso_8859-1|latin-?1)["']""")


def text_lines(
    path: str, finding: Finding, excerpts: Excerpts | None, *, refused: bool = False
) -> Iterator[list[Piece]]:
    """Yield the lines about one finding: place and message, source line, caret, hint.

    A finding about a session or about an entry of a capture has no place in a message.

    Args:
        path: The name of the message.
        finding: The finding.
        excerpts: The source lines of the message; None to leave them out.
        refused: Whether the finding refuses the message. A warning that does so is marked.
    """
    place = "" if finding.line is None else f"{finding.line}:{finding.column}:"
    warned = finding.severity is Severity.WARNING
    line: list[Piece] = [
        (f"{printable(path)}:{place} ", "place"),
        (f"{finding.severity}[{finding.code}]", str(Severity.ERROR if refused else finding.severity)),
        (" (refused)" if refused and warned else "", "error"),
        (f": {printable(finding.message)}", ""),
    ]
    if finding.path is not None:
        line.append((f" - at {printable(finding.path)}", ""))
    yield line
    if finding.offset is not None and excerpts is not None:
        source, caret = excerpts.at(finding.offset)
        if source.strip():
            yield [(f"    {source}", "")]
            yield [(f"    {caret}", ""), ("^", "caret")]
    if finding.hint is not None:
        yield [("    hint: ", "hint"), (printable(finding.hint), "")]


def github_line(file: str, inside: str, finding: Finding, *, refused: bool) -> str:
    """Return the workflow command with which GitHub shows a finding beside the source line.

    Args:
        file: The path of the capture.
        inside: The position of the message in the capture; "" if the capture is the message itself.
        finding: The finding. Its line is a line of the file only if the capture is the message itself.
        refused: Whether the finding refuses the message.
    """
    kind = "error" if refused else "warning"
    message = finding.message if finding.hint is None else f"{finding.message} (hint: {finding.hint})"
    place = f"file={_property(printable(file))}"
    line = None if finding.line is None else (finding.line, finding.column)
    if inside:
        within = printable(inside) if line is None else f"{printable(inside)}:{line[0]}:{line[1]}"
        message = f"{within}: {message}"
    elif line is not None:
        place += f",line={line[0]},col={line[1]}"
    return f"::{kind} {place},title={_property(finding.code)}::{_command(message)}"


def _command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command(text).replace(":", "%3A").replace(",", "%2C")


def summary(counts: dict[str, int]) -> list[Piece]:
    """Return the last line of a report: how many messages were checked, and how many files were not read."""
    messages = plural(counts["messages"], "message")
    parts = [
        (f"{counts['refused']} refused", "error" if counts["refused"] else ""),
        (plural(counts["warnings"], "warning"), "warning" if counts["warnings"] else ""),
    ]
    if counts["unreadable"]:
        parts.append((f"{counts['unreadable']} unreadable", "error"))
    if counts["skipped"]:
        parts.append((f"{counts['skipped']} without SOAP skipped", ""))
    if counts["not_taken"]:
        parts.append((f"{plural(counts['not_taken'], 'other file')} not read", ""))
    if counts["parts"]:
        parts.append((f"{plural(counts['parts'], 'part')} of multipart bodies not read", ""))
    return [(f"{messages} checked: ", ""), *joined(parts, ", ")]


def one_side_line(direction: Direction) -> list[Piece]:
    """Return the line about a capture that has one direction of its connections only."""
    other = "response" if direction is Direction.REQUEST else "request"
    return [("one side: ", "warning"), (f"the capture has {direction}s, and no {other}", "")]


def describe(envelope: Envelope, *, show_ids: bool) -> Iterator[str]:
    """Yield the lines about a decoded message: version, header blocks, size of the Body."""
    blocks = plural(len(envelope.header), "header block")
    version = envelope.soap.name.replace("_", " ", 1).replace("_", ".")
    yield f"{version}, {blocks}, a Body of {plural(len(envelope.body), 'byte')}"
    for block in envelope.header:
        yield f"  {printable(_block_line(block, show_ids=show_ids))}"


def _block_line(block: HeaderBlock | UnknownHeaderBlock, *, show_ids: bool) -> str:
    marks = []
    if isinstance(block, HeaderBlock):
        name = block.spec.local_name
        for attribute in block.spec.attributes:
            value = getattr(block, attribute.field)
            if value is not None:
                shown = mask(value) if attribute.identifier and not show_ids else repr(value)
                marks.append(f"{attribute.name}={shown}")
        form = block.must_understand_form
        if form is not None:
            marks.append(f"mustUnderstand={int(block.must_understand)} ({form})")
        marks += [f"{qname} kept" for qname, _ in block.other_attributes]
    else:
        name = block.qname
        marks.append(f"not declared by a schema, {plural(len(block.xml), 'byte')}")
        if block.must_understand:
            marks.append("mustUnderstand=1")
    if block.actor is not None:
        marks.append(f"actor={block.actor!r}")
    return "  ".join([name, *marks])


class Excerpts:
    """The source lines of one message, with the session ids in them masked.

    Args:
        data: The message.
        width: The columns of the terminal.
    """

    def __init__(self, data: bytes, width: int = EXCERPT_WIDTH) -> None:
        self._data = data
        # Columns for a line, and for its part before the caret.
        self._shown = max(min(width, EXCERPT_WIDTH) - _MARGIN, _NARROWEST)
        self._before = self._shown * 16 // 25
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._codec = "utf-16-le" if data[0] == 0xFF else "utf-16-be"
        else:
            self._codec = "latin-1" if _LATIN.match(data) else "utf-8"
        # The window of the message that was searched last: its offset and its text.
        self._start, self._text = -1, ""
        # An offset in it, and the number of characters of the window before it.
        self._last = 0, 0

    def at(self, offset: int) -> tuple[str, str]:
        """Return the part of a source line to show around an offset, and the space before the caret."""
        text, place = self._around(offset)
        # A message may be one long line: a slice of it is enough, as most characters take a column or more.
        start = max(0, place - self._before - 1)
        *others, line = re.split(r"[\r\n]", text[start:place])
        line = _one_line(line)
        before = last_columns(line, self._before - 1)
        if before != line or (start and not others):
            before = f"…{before}"
        room = self._shown - columns_of(before)
        line, *others = re.split(r"[\r\n]", text[place : place + room + 1], maxsplit=1)
        line = _one_line(line)
        after = first_columns(line, room)
        if after != line or (place + room + 1 < len(text) and not others):
            after = f"{after}…"
        return before + after, " " * columns_of(before)

    def _around(self, offset: int) -> tuple[str, int]:
        """Return the text of a window around an offset, with the ids masked, and the index of the offset."""
        if offset <= _HEAD // 2:
            start, end = 0, _HEAD
        else:
            start = offset - offset % _WINDOW - _WINDOW
            end = start + 3 * _WINDOW
        if self._start != start:
            self._start, self._text = start, _masked(self._decode(start, end))
            self._last = start, 0
        # Findings come in order, so only the characters since the last one are counted.
        last, count = self._last if self._last[0] <= offset else (start, 0)
        count += len(self._decode(last, offset))
        self._last = offset, count
        return self._text, count

    def _decode(self, start: int, end: int) -> str:
        """Decode a part of the message: without a byte order mark, and in whole units for UTF-16."""
        data = self._data
        if self._codec.startswith("utf-16"):
            start, end = max(2, start + start % 2), end - end % 2
        elif not start and data.startswith(b"\xef\xbb\xbf"):
            start = 3
        return data[start:end].decode(self._codec, "replace")


def _masked(text: str) -> str:
    return _MASKED.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    # The whole match, if no group has taken part.
    group = match.lastgroup or 0
    shown = match["name"] is not None and _SHOWN_VALUES.fullmatch(match["name"])
    if shown and not _STRANGE.search(match[group]):
        return match[0]
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    # The mask has the length of the secret, so that the caret does not move.
    secret = _WORD.sub(lambda word: word[0][:4] + "*" * (len(word[0]) - 4), match[0][start:end])
    return match[0][:start] + secret + match[0][end:]


def _one_line(text: str) -> str:
    return printable(text.replace("\t", " "))
