"""Findings -> the lines that a person, a program or a code host reads. Pure."""

from __future__ import annotations

import re

from xmla_headers._printable import columns_of, plural, printable
from xmla_headers.conversation import State
from xmla_headers.findings import Severity
from xmla_headers.model import HeaderBlock, mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xmla_headers._printable import Piece
    from xmla_headers.envelope import Envelope
    from xmla_headers.findings import Finding
    from xmla_headers.transcript import SessionRecord
    from xmla_headers.unknown_block import UnknownHeaderBlock

__all__ = [
    "STYLES",
    "Excerpts",
    "describe",
    "github_line",
    "session_line",
    "summary",
    "text_lines",
]

#: What a piece is -> how a terminal shows it.
STYLES = {
    "place": "bold",
    "error": "bold red",
    "warning": "bold yellow",
    "caret": "bold green",
    "hint": "cyan",
    "good": "green",
}

#: Characters shown of a source line, and how many of them in front of the caret: XMLA messages are often
#: one line.
_SHOWN, _BEFORE = 100, 64

#: How much of a message is searched for session ids to mask; what is further in is looked at in windows.
_HEAD = 1 << 19
_WINDOW = 1 << 14

#: What a source line may show in full: namespaces, and values that are a word of the protocol. Everything
#: else may be a session id, or a secret of another kind, in whatever way the message is broken.
_SHOWN_VALUES = re.compile(r"xmlns(:[^\s=]*)?|([^\s=:]*:)?mustUnderstand|version|encoding|standalone")

_MASKED = re.compile(
    r"""(?x)
      (?<![^\s<>"'=/]) (?P<name>[^\s<>"'=/]++) \s*+ = \s*+
      # A quote that nothing allowed follows does not end a value: the one that should have is missing.
      (?: "(?P<double>[^"]*+(?:"(?![\s/>?]|\Z)[^"]*+)*+)"?
        | '(?P<single>[^']*+(?:'(?![\s/>?]|\Z)[^']*+)*+)'?
        | (?P<bare>[^\s"'<>]+) )
    | (?: > | \A(?=[^<]) | \]\]> | <!\[CDATA\[ ) (?P<text>[^<>]+)
    # What a quote begins that belongs to no name.
    | ["'] (?P<loose>[^<>]+)
    """
)
#: What no value has that is shown: the next attribute may be in it.
_STRANGE = re.compile(r"[=\"'\s]")
_WORD = re.compile(r"\S{5,}")
_LATIN = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?i:iso-?8859-1|iso_8859-1|latin-?1)["']""")


def text_lines(path: str, finding: Finding, excerpts: Excerpts | None) -> Iterator[list[Piece]]:
    """Yield the lines about one finding: where and what, the source line, a caret, the hint.

    One about a session, or about an entry of a capture, has no place in a message.
    """
    place = "" if finding.line is None else f"{finding.line}:{finding.column}:"
    line: list[Piece] = [
        (f"{printable(path)}:{place} ", "place"),
        (f"{finding.severity}[{finding.code}]", str(finding.severity)),
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


def github_line(path: str, finding: Finding, *, refused: bool) -> str:
    """Return the workflow command that makes a code host show one finding beside the source."""
    kind = "error" if refused else "warning"
    message = finding.message if finding.hint is None else f"{finding.message} (hint: {finding.hint})"
    place = f"file={_property(printable(path))}"
    if finding.line is not None:
        place += f",line={finding.line},col={finding.column}"
    return f"::{kind} {place},title={_property(finding.code)}::{_command(message)}"


def _command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command(text).replace(":", "%3A").replace(",", "%2C")


def summary(counts: dict[str, int]) -> list[Piece]:
    """Return the last line: how many messages there were, and what became of them."""
    messages = plural(counts["messages"], "message")
    parts = [
        (f"{counts['refused']} refused", "error" if counts["refused"] else ""),
        (plural(counts["warnings"], "warning"), "warning" if counts["warnings"] else ""),
    ]
    if counts["unreadable"]:
        parts.append((f"{counts['unreadable']} unreadable", "error"))
    line: list[Piece] = [(f"{messages} checked: ", "")]
    for index, part in enumerate(parts):
        line += [(", ", "")] * bool(index) + [part]
    return line


_STATES = {
    State.NONE: ("not granted", "warning"),
    State.BEGINNING: ("not answered", "warning"),
    State.ACTIVE: ("not ended in this capture", "warning"),
    State.ENDING: ("its end not answered", "warning"),
    State.ENDED: ("ended", "good"),
    State.LOST: ("lost", "error"),
}


def session_line(record: SessionRecord) -> list[Piece]:
    """Return the line about one session of a capture, its id masked."""
    begun = "not begun in this capture" if record.begun is None else f"begun in {printable(record.begun)}"
    counts = f"{plural(record.requests, 'request')}, {plural(record.responses, 'answer')}"
    what, style = _STATES[record.state]
    if record.lost is not None:
        what, style = f"lost in {printable(record.lost)}", "error"
    return [
        (f"session {record.number}", "place"),
        (f", {printable(record.label)}: {begun}, {counts}, ", ""),
        (what, style),
    ]


def describe(envelope: Envelope, *, show_ids: bool) -> Iterator[str]:
    """Yield lines about a decoded message: its version, its header blocks, its Body."""
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
    """Source lines of one message, with the session ids in them masked."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._codec = "utf-16-le" if data[0] == 0xFF else "utf-16-be"
        else:
            self._codec = "latin-1" if _LATIN.match(data) else "utf-8"
        self._head: str | None = None
        self._window: tuple[int, str] | None = None

    def at(self, offset: int) -> tuple[str, str]:
        """Return what to show of the source line around an offset, and the space in front of the caret."""
        before, behind = self._around(offset)
        before = re.split(r"[\r\n]", before)[-1]
        behind = re.split(r"[\r\n]", behind, maxsplit=1)[0]
        if len(before) > _BEFORE:
            before = f"…{before[-_BEFORE:]}"
        room = _SHOWN - len(before)
        if len(behind) > room:
            behind = f"{behind[:room]}…"
        before, behind = _one_line(before), _one_line(behind)
        return before + behind, " " * sum(map(columns_of, before))

    def _around(self, offset: int) -> tuple[str, str]:
        """Return the text in front of an offset and behind it, with the ids masked."""
        if offset <= _HEAD // 2:
            if self._head is None:
                self._head = _masked(self._decode(0, _HEAD))
            split = len(self._decode(0, offset))
            return self._head[:split], self._head[split:]
        # Findings come in order, and many may stand close to each other.
        start = offset - offset % _WINDOW - _WINDOW
        if self._window is None or self._window[0] != start:
            self._window = start, _masked(self._decode(start, start + 3 * _WINDOW))
        text = self._window[1]
        split = len(self._decode(start, offset))
        return text[:split], text[split:]

    def _decode(self, start: int, end: int) -> str:
        # Two bytes to a unit, and the byte order mark, which is no text, in front of the first.
        data = self._data
        if self._codec.startswith("utf-16"):
            start, end = max(2, start + start % 2), end - end % 2
        elif not start and data.startswith(b"\xef\xbb\xbf"):
            start = 3
        return data[start:end].decode(self._codec, "replace")


def _masked(text: str) -> str:
    return _MASKED.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    # The whole match, should no group have taken part.
    group = match.lastgroup or 0
    shown = match["name"] is not None and _SHOWN_VALUES.fullmatch(match["name"])
    if shown and not _STRANGE.search(match[group]):
        return match[0]
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    # Of the same length, so that the caret stays where it is.
    secret = _WORD.sub(lambda word: word[0][:4] + "*" * (len(word[0]) - 4), match[0][start:end])
    return match[0][:start] + secret + match[0][end:]


def _one_line(text: str) -> str:
    return printable(text.replace("\t", " "))


def is_refused(finding: Finding, *, strict: bool, refuse: frozenset[str]) -> bool:
    """Whether decode would refuse a message for this finding, given its `strict` and `refuse`."""
    return strict or finding.severity is Severity.ERROR or finding.code in refuse
