"""Bytes of a message -> its raw elements with offsets, and the problem that ended the reading.

Reading never raises for a bad document: it returns everything read so far, with at most one fatal finding.
The rules of SOAP and XMLA are checked elsewhere.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from xmla_headers.findings import Code
from xmla_headers.soap import NO_LIMITS, SOAP_11_NS, SOAP_12_NS, Limits

from .body_end import BodyTags, cuts, last_end_tag
from .encoding import WHITE_SPACE, Redeclared, Source
from .fatal import Fatal, limit_exceeded, too_long
from .namespaces import Namespaces
from .parser import Parser
from .raw import GREATER, NO_NAMESPACES, SLASH, RawElement, RawMessage, certain, end_of_start_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MessageReader",
    "read",
]


_SOAP_NAMESPACES = frozenset({SOAP_11_NS, SOAP_12_NS})


# White space, literal or as a character reference.
_WHITE = rb"(?:[ \t\r\n]|&#(?:0*(?:9|10|13|32)|x0*(?:9|[aAdD]|20));)*+"

# Text that may follow the root element, and the beginnings of such markup.
_EPILOG = rb"(?s)(?:[ \t\r\n]++|<!--.*?-->)*+"
_MARKUPS = (b"<!--", b"<?")
_JUNK = "junk after document element"


# The byte with which Power BI ends an answer -> the way out.
_CONTINUATION_HINT = "after the Envelope says that the answer {}: http.split_continuation takes it off"
# The beginning of a second document, its XML declaration aside.
_ELEMENT = rb"<[A-Za-z_]"
_SECOND_HINT = "a second document follows: pass one message at a time"
_MISLABELLED_HINT = (
    "a message in another encoding must say so in its XML declaration; if the label is wrong, as on the"
    ' faults of Mondrian, which are ISO-8859-1 and labelled UTF-8, pass encoding="iso-8859-1"'
)
_MARKED_HINT = "the message begins with the byte order mark of UTF-8, which decides"

_CONTINUATIONS = {
    b"\0": "the byte 0x00 " + _CONTINUATION_HINT.format("is complete"),
    b"\1": "the byte 0x01 " + _CONTINUATION_HINT.format("continues in another message"),
}


# How deep elements are kept in the Body with `deep`: its children and their children.
_FAULT_DEPTH = 2
# How deep elements are whose text is noted: Envelope, Header and header blocks.
_KEPT_DEPTH = 3


class _Enough(Exception):  # noqa: N818 - a signal to stop, not an error
    """The Body start tag has been read, and the rest is known already or not wanted."""


class MessageReader(Parser):
    """Reads one message, with handlers in the Header, and in the Body only if an argument needs them."""

    __slots__ = (
        "_body_name",
        "_declares",
        "_deep",
        "_depth",
        "_fault_open",
        "_head_only",
        "_limits",
        "_max_blocks",
        "_max_depth",
        "_max_header",
        "_namespaces",
        "_stack",
        "_text_seen",
        "message",
    )

    def __init__(
        self,
        source: Source,
        limits: Limits,
        *,
        deep: bool,
        head_only: bool = False,
        namespaces: Mapping[str, str] = NO_NAMESPACES,
    ) -> None:
        super().__init__(source.text)
        self.message = RawMessage(source)
        self._deep = deep
        self._head_only = head_only
        self._limits = limits
        self._max_header = limits.max_header_bytes
        self._max_blocks = sys.maxsize if limits.max_header_blocks is None else limits.max_header_blocks
        self._max_depth = sys.maxsize if limits.max_depth is None else limits.max_depth
        self._namespaces = Namespaces(limits, namespaces)
        # The open elements outside the Body's content.
        self._stack: list[RawElement] = []
        # With `deep`: for each open element inside the Body, whether it has namespace declarations.
        self._declares: list[bool] = []
        # Without `deep`: the name of the Body, and how many elements of that name are open.
        self._depth = 0
        self._body_name = ""
        # Whether the last child of the Body is a Fault.
        self._fault_open = False
        # Whether text has been noted since the last tag.
        self._text_seen = False
        self.expat.XmlDeclHandler = self._declaration
        self._listen()

    def run(self) -> None:
        """Read the message and keep the fatal finding, if any, in it. Raises only Redeclared."""
        try:
            self._run(self.message.source)
        except _Enough:
            pass
        except Fatal as fatal:
            self.stop(fatal)
        finally:
            self.close()

    def _run(self, source: Source) -> None:
        fed = self.read_head()
        if self.expat.StartElementHandler is None:
            # If set to None inside a callback, pyexpat installs a C function instead, which takes time.
            self.expat.CharacterDataHandler = None
        self.parse(memoryview(self.text)[fed:], final=source.complete and source.failure is None)
        if source.failure is not None:
            raise source.failure
        if not source.complete:
            raise too_long(len(source.data), len(self.text))

    def read_head(self) -> int:
        """Parse up to the Body start tag, and return the offset after the parsed bytes. Raises Fatal."""
        message, text = self.message, self.text
        if message.source.unreadable is not None:
            raise message.source.unreadable
        fed = 0
        for cut in cuts(text, self._max_header):
            self.parse(memoryview(text)[fed:cut], final=False)
            fed = cut
            if message.body is not None or message.opaque:
                return fed
        if fed < len(text):
            raise limit_exceeded("max_header_bytes", f"there is no Body within {fed} bytes", fed)
        return fed

    def stop(self, fatal: Fatal) -> None:
        """Record the fatal finding in the message."""
        message = self.message
        if not self._stack:
            if fatal.code in (Code.NOT_WELL_FORMED, Code.ENCODING_ERROR):
                self._locate_junk(fatal)
        elif fatal.code is Code.NOT_WELL_FORMED and self.expat.CharacterDataHandler is not None:
            self._note_text_before(fatal)
        # Without traceback and context, which would keep the message alive in a reference cycle.
        message.fatal = fatal.with_traceback(None)
        fatal.__context__ = None
        message.fatal_path = self._path(fatal.element)

    def _note_text_before(self, fatal: Fatal) -> None:
        """Note text that ends in "]]>": expat reports it only if the message was cut inside it."""
        if self._text_seen or len(self._stack) > _KEPT_DEPTH:
            return
        place = fatal.offset - self.base
        text = bytes(self.text[: place + 1])
        if not text.endswith(b"]]>"):
            return
        end = len(text) - 3
        start = _end_of_markup(text, place)
        # An earlier "]]>" ends a CDATA section.
        section = text.rfind(b"]]>", start, end)
        start = start if section < 0 else section + 3
        # A CDATA section that ends here is markup, and expat has reported it.
        white = certain(re.compile(_WHITE).match(text, min(start, end), end)).end()
        if white < end:
            self._stack[-1].add_text(self._behind_markup(self.base + white))

    def _locate_junk(self, fatal: Fatal) -> None:
        """Report text after the root in the same way for any cut: expat reads as long as it can."""
        root, head = self.message.root, self.message.source.text
        if root is None or root.close is None:
            return
        place = max(0, root.close - self.base)
        if root.close >= self.base and head[end_of_start_tag(head, root.start) - 2] != SLASH:
            place = certain(GREATER.search(self.text, place)).end()
        # Only comments that the parser has finished.
        end = fatal.offset - self.base
        junk = certain(re.compile(_EPILOG).match(self.text, place, max(place, end))).end()
        begun = bytes(self.text[junk:end])
        if fatal.code is Code.ENCODING_ERROR:
            # An error of its own where text or a comment may begin.
            if _MARKUPS[0].startswith(begun):
                return
        elif begun and self.text[end : end + 1] in (b"", b"\0") and _MARKUPS[0].startswith(begun):
            # So is U+0000, but not where text may begin.
            return
        if not bytes(self.text[junk : junk + 4]).startswith(_MARKUPS):
            second = re.match(_ELEMENT, bytes(self.text[junk : junk + 2])) is not None
            fatal.code = Code.NOT_WELL_FORMED
            fatal.message = f"not well-formed: {_JUNK}"
            fatal.offset = self.base + junk
            hint = _SECOND_HINT if second else _CONTINUATIONS.get(bytes(self.text[junk : junk + 1]))
            fatal.hint = self.page_hint() or hint
        elif fatal.message.endswith(_JUNK) and bytes(self.text[junk : junk + 5]) == b"<?xml":
            # expat has read the whole declaration.
            fatal.hint = _SECOND_HINT

    # -- outside the Body's content ------------------------------------------------------------------

    def _listen(self) -> None:
        expat = self.expat
        expat.StartElementHandler = self._start
        expat.EndElementHandler = self._end
        expat.CharacterDataHandler = self._text

    def undecodable_hint(self) -> str | None:
        return _MARKED_HINT if self.message.source.mark else _MISLABELLED_HINT

    def _declaration(self, version: str, encoding: str | None, _standalone: int) -> None:
        self.message.source.declare(encoding, version)

    def _start(self, name: str, flat: list[str]) -> None:
        offset = self.expat.CurrentByteIndex
        stack = self._stack
        depth = len(stack)
        if depth >= self._max_depth:
            raise self._too_deep(offset)
        element = RawElement(name, offset, self._namespaces.enter(name, flat, offset))
        stack.append(element)
        self._text_seen = False
        message = self.message
        if not depth:
            self._check_agreement(element)
            message.root = element
            if element.local != "Envelope" or element.namespace not in _SOAP_NAMESPACES:
                self._enter_opaque()
            return
        # After the Body only its siblings are kept.
        if depth == 1 or message.body is None:
            parent = stack[-2]
            parent.add_child(element)
            if depth == 1:
                self._enter_child(element)
            elif len(parent.children) > self._max_blocks and depth == 2 and parent.local == "Header":
                text = f"there are more than {self._max_blocks} header blocks"
                raise limit_exceeded("max_header_blocks", text, element.start)

    def _check_agreement(self, root: RawElement) -> None:
        """Reject a text that the parser reads in another encoding: every offset would be wrong."""
        written = b"<" + root.name.encode()
        if self.text[root.start : root.start + len(written)] != written:
            message = "not well-formed: the parser found the root element at another offset"
            raise Fatal(Code.NOT_WELL_FORMED, message, 0)

    def _enter_child(self, element: RawElement) -> None:
        """Handle the start tag of a child of Envelope."""
        if self.message.body is None and element.namespace == self._stack[0].namespace:
            if element.local == "Body":
                self._enter_body(element)
            elif element.local == "Header":
                element.scope = self._namespaces.scope()

    def _end(self, _name: str) -> None:
        element = self._stack.pop()
        element.close = self.expat.CurrentByteIndex
        if element.declared is not None:
            self._namespaces.leave()
        self._text_seen = False

    def _text(self, data: str) -> None:
        if not data.strip(" \t\r\n") or self._text_seen:
            return
        if len(self._stack) <= _KEPT_DEPTH:
            # expat reports text in pieces; one finding for all of them up to the next tag is enough.
            self._text_seen = True
            self._stack[-1].add_text(self._behind_markup(self.expat.CurrentByteIndex))

    def _behind_markup(self, offset: int) -> int:
        """Return the offset after the markup that precedes the white space that ends at `offset`."""
        kept = 0
        place = offset - self.base
        while place and not kept:
            piece = bytes(self.text[max(0, place - 4096) : place])
            kept = len(piece.rstrip(WHITE_SPACE))
            place -= len(piece) - kept
        return self.base + place

    def _too_deep(self, offset: int) -> Fatal:
        return limit_exceeded("max_depth", f"elements nest more than {self._max_depth} deep", offset)

    def _path(self, entering: str | None) -> str:
        """Return the path of the innermost open element, or of `entering` in it; stops at the Body."""
        path = ""
        siblings: list[RawElement] = []
        for element in self._stack:
            # The open element is the last of the siblings that were kept.
            path += _step(element.name, siblings[:-1])
            siblings = element.children
        body = self.message.body
        if entering is not None and not self.message.opaque and (body is None or body.close is not None):
            path += _step(entering, siblings)
        return path or "/"

    # -- the Body's content ------------------------------------------------------------------------

    def _enter_opaque(self) -> None:
        """Continue without looking at elements: the root is not a SOAP Envelope."""
        self.message.opaque = True
        if self._head_only:
            raise _Enough
        self._skip_elements()

    def _enter_body(self, body: RawElement) -> None:
        message, text = self.message, self.text
        message.body = body
        body.scope = self._namespaces.scope()
        start = message.body_start = end_of_start_tag(text, body.start)
        if self._head_only:
            raise _Enough
        source = message.source
        if source.complete and source.failure is None and isinstance(text, bytes):
            tags = BodyTags(self._stack[0].name, body.name, body.scope)
            end = last_end_tag(text, tags, start, self._limits, deep=self._deep)
            if end is not None:
                message.body_end = end
                raise _Enough
        if self._deep:
            self._skip_elements()
            return
        self._depth = 1
        self._body_name = body.name
        self.count()

    def _skip_elements(self) -> None:
        """Parse without handlers, or only with those of `deep`."""
        expat = self.expat
        expat.StartElementHandler = self._deep_start if self._deep else None
        expat.EndElementHandler = self._deep_end if self._deep else None
        expat.CharacterDataHandler = None

    def count(self) -> None:
        """Parse with the handlers that find the end of the Body."""
        expat = self.expat
        expat.StartElementHandler = self._count_start
        expat.EndElementHandler = self._count_end
        expat.CharacterDataHandler = None

    def _count_start(self, name: str, _flat: list[str]) -> None:
        if name == self._body_name:
            self._depth += 1

    def _count_end(self, name: str) -> None:
        if name == self._body_name:
            self._depth -= 1
            if not self._depth:
                self._leave_body(name)

    def _deep_start(self, name: str, flat: list[str]) -> None:
        offset = self.expat.CurrentByteIndex
        declares = self._declares
        if len(self._stack) + len(declares) >= self._max_depth:
            raise self._too_deep(offset)
        entered = self._namespaces.enter(name, flat, offset)
        if len(declares) < _FAULT_DEPTH and not self.message.opaque:
            self._note(RawElement(name, offset, entered))
        declares.append(entered[3] is not None)

    def _note(self, element: RawElement) -> None:
        """Keep the elements that the rules on Faults need."""
        message = self.message
        if self._declares:
            if self._fault_open:
                message.faults[-1].add_child(element)
            return
        self._fault_open = element.local == "Fault" and element.namespace in self._fault_namespaces()
        if self._fault_open:
            message.faults.append(element)
        elif message.beside_fault is None:
            message.beside_fault = element
        else:
            return
        certain(message.body).add_child(element)

    def _fault_namespaces(self) -> tuple[str, str]:
        """Return the namespaces of a Fault: that of the Envelope, and SOAP 1.1 in both versions."""
        return SOAP_11_NS, self._stack[0].namespace

    def _deep_end(self, name: str) -> None:
        if self._declares:
            if self._declares.pop():
                self._namespaces.leave()
        elif self.message.opaque:
            self._end(name)
        else:
            self._leave_body(name)

    def _leave_body(self, name: str) -> None:
        message = self.message
        closed_at_once = message.source.text[message.body_start - 2] == SLASH
        message.body_end = message.body_start if closed_at_once else self.expat.CurrentByteIndex
        self._listen()
        self._end(name)


def _end_of_markup(text: bytes, place: int) -> int:
    """Return the offset after the last markup before `place`.

    The kept text of a stream may begin with text, without markup before it.
    """
    start = text.rfind(b"<", 0, place)
    if start < 0:
        return 0
    comment = text.rfind(b"<!--", 0, start + 4)
    if comment >= 0 and text.find(b"-->", comment + 4, start) < 0:
        return text.find(b"-->", comment + 4) + 3
    return end_of_start_tag(text, start)


def _step(name: str, siblings: list[RawElement]) -> str:
    """Return one step of a path, given the preceding siblings."""
    same = sum(sibling.name == name for sibling in siblings)
    return f"/{name}[{same + 1}]" if same else f"/{name}"


def read(
    data: bytes | memoryview,
    *,
    encoding: str | None = None,
    limits: Limits = NO_LIMITS,
    deep: bool = True,
    head_only: bool = False,
    complete: bool = True,
) -> RawMessage:
    """Read a message.

    With `head_only` only up to the Body start tag. `complete` is False if bytes after `data` were dropped
    because the message is too long. Raises nothing: the fatal finding is in the result.
    """
    maximum = limits.max_message_bytes
    wanted = limits.max_header_bytes if head_only else None
    if complete and (maximum is None or len(data) <= maximum):
        source = Source(data, encoding, wanted=wanted)
    else:
        source = Source(memoryview(data)[:maximum], encoding, complete=False, wanted=wanted)
    while True:
        reader = MessageReader(source, limits, deep=deep, head_only=head_only)
        try:
            reader.run()
        except Redeclared as change:
            source = source.redeclared(change.codec, wanted)
        else:
            return reader.message
