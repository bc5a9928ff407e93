"""HeaderReader: the Header of a message that arrives in pieces."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from mmap import mmap
from typing import TYPE_CHECKING

from ._codec.options import DEFAULT_LIMITS, buffer_of, reading_of
from ._codec.reading import check_cache, known, settled
from ._immutable import shown_half_made
from ._xml.body_end import BODY_TRIES, is_body_name
from ._xml.encoding import Redeclared, Source, whole_characters
from ._xml.positions import Locator
from ._xml.raw import certain
from ._xml.reader import read
from ._xml.stream_reader import StreamReader, least_step
from .envelope import Header
from .findings import Finding, XmlaHeadersError
from .head_cache import SHARED_HEADS, HeadCache
from .session_headers import SESSION_BLOCKS
from .soap import AnyDirection, Limits, SoapVersion
from .typing import BlockTypes, Data

if TYPE_CHECKING:
    from ._xml.encoding import Decoder
    from ._xml.raw import RawElement, RawMessage

__all__ = ["HeaderReader"]

# Bytes that are taken at a time: a piece is copied.
_PIECE = 65_536
# Bytes. Data that is not XML is named by its first bytes, and by no more than these.
_NAMED_BY = 65_536 + 8


@shown_half_made
class HeaderReader:
    """Reads a message in pieces, and has its Header as soon as the Body start tag has arrived.

    The verdict is that of `decode`, however the message is cut; only `Limits.max_token_bytes` is about
    pieces. The memory is that of the head and of the longest token after it, whatever the size of the
    message. A HeaderReader must not be shared between threads.

    Args:
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

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has an unknown value or code, or `types` maps a name to a class of another
            name.

    >>> message = encode(Envelope(Header(Session("8f1c2b3a"))))
    >>> reader = HeaderReader()
    >>> reader.feed(message[:-10])
    >>> reader.header.session.session_id
    '8f1c2b3a'
    >>> reader.feed(message[-10:])
    >>> len(reader.close())
    1
    """

    __slots__ = (
        "_body_offset",
        "_cache",
        "_closed",
        "_error",
        "_gathered",
        "_header",
        "_most",
        "_reader",
        "_reading",
        "_size",
        "_soap",
        "_trigger",
        "_warnings",
    )

    def __init__(
        self,
        *,
        types: BlockTypes = SESSION_BLOCKS,
        direction: AnyDirection | None = None,
        strict: bool = False,
        refuse: Iterable[str] = (),
        encoding: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        cache: HeadCache | None = SHARED_HEADS,
    ) -> None:
        check_cache(cache)
        self._cache = cache
        self._reading = reading_of(types, direction, strict, refuse, encoding, limits)
        # The number of bytes taken so far.
        self._size = 0
        # The bytes so far, until they are read.
        self._gathered = bytearray()
        # Until the Body has begun; None before the first bytes.
        self._trigger: _Trigger | None = None
        # Reads the rest of the message after the head. A message that is not longer than this, and whose
        # head is known, is read as a whole at the end.
        self._reader: StreamReader | None = None
        self._most = least_step(limits)
        self._header: Header | None = None
        self._soap: SoapVersion | None = None
        self._body_offset: int | None = None
        self._warnings: tuple[Finding, ...] = ()
        self._error: XmlaHeadersError | None = None
        self._closed = False

    @property
    def header(self) -> Header | None:
        """The Header; None until the Body start tag has arrived. Nothing after the tag is checked by then.

        If more than four tags in the head look like that one, it may come as late as `close`.

        Compare it with None: a Header without blocks is false.
        """
        return self._header

    @property
    def soap(self) -> SoapVersion | None:
        """The version of SOAP, for the answer; None until the Body start tag has arrived."""
        return self._soap

    @property
    def body_offset(self) -> int | None:
        """The offset in bytes of the content of the Body; None until the Body start tag has arrived.

        For a Body without an end tag it is the offset after the tag.
        """
        return self._body_offset

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The warnings about the head; empty until the Body start tag has arrived."""
        return self._warnings

    def feed(self, chunk: Data) -> None:
        """Take the next bytes of the message.

        Args:
            chunk: Any number of bytes. The buffer may be used again, a map closed, afterwards.

        Raises:
            DecodeError: The bytes are not a readable document: a code that ends a message. It is raised here
                or by `close`, since up to 64 KiB after the head are gathered before they are parsed, and
                again by every later call.
            ValidationError: The document breaks a rule of SOAP or XMLA; raised as DecodeError is.
            TypeError: `chunk` is not a buffer of bytes.
            ValueError: `close` has been called.

        >>> reader = HeaderReader()
        >>> reader.feed(b"<s:Envelope ")
        >>> reader.header is None
        True
        """
        self._check()
        if self._closed:
            raise ValueError("the message has been closed: a HeaderReader reads one message")
        # Pieces of a map are copied one by one, without a view that keeps it open.
        data = chunk if isinstance(chunk, mmap) else buffer_of(chunk)
        maximum = self._reading.limits.max_message_bytes
        room = len(data) if maximum is None else min(len(data), maximum - self._size)
        try:
            self._take(data, room)
            if room < len(data):
                self._finish(complete=False)
        except XmlaHeadersError as error:
            self._refuse(error)
            raise
        finally:
            # The error is kept, and would keep the buffer of the caller locked.
            if isinstance(data, memoryview):
                data.release()

    def close(self) -> Header:
        """Return the Header of the whole message, after its last byte.

        It raises if no Body start tag has arrived. A reader of which only the `header` is wanted may be
        dropped without it: then nothing is known about the bytes after the head.

        Returns:
            The header blocks.

        Raises:
            DecodeError: As decode raises it for the whole message.
            ValidationError: As decode raises it for the whole message.

        >>> reader = HeaderReader()
        >>> reader.feed(encode(Envelope(Header(BeginSession()))))
        >>> reader.close().begin_session
        BeginSession()
        """
        self._check()
        if not self._closed:
            try:
                self._finish(complete=True)
            except XmlaHeadersError as error:
                self._refuse(error)
                raise
            self._closed = True
        return certain(self._header)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error.with_traceback(None)

    def _refuse(self, error: XmlaHeadersError) -> None:
        self._error = error
        self._let_go()

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = self._trigger = None
        self._gathered = bytearray()

    def _take(self, data: bytes | memoryview | mmap, end: int) -> None:
        for start in range(0, end, _PIECE):
            # The caller may use the buffer again.
            piece = bytes(data[start : min(start + _PIECE, end)])
            self._size += len(piece)
            if self._reader is not None:
                self._read_on(self._reader, piece)
            else:
                self._gathered += piece
                if self._header is None:
                    self._take_head(piece)
                elif len(self._gathered) >= self._most:
                    self._start()

    def _read_on(self, reader: StreamReader, piece: bytes) -> None:
        if not reader.feed(piece):
            self._judge(reader)

    def _take_head(self, piece: bytes) -> None:
        if self._trigger is None:
            self._trigger = _Trigger()
            # Most messages arrive with their whole head at once.
            if self._find_head():
                return
        self._trigger.add(piece)
        while self._trigger.pulled():
            if self._find_head() or self._start():
                return

    def _find_head(self) -> bool:
        """Return whether a known head has arrived."""
        found = None if self._cache is None else self._cache._find(bytes(self._gathered), self._reading)
        if found is None or len(self._gathered) >= self._most:
            return False
        shape, self._body_offset, identifier = found
        self._header, self._soap = shape.header(identifier), shape.soap
        self._warnings = shape.warnings(identifier)
        return True

    def _start(self) -> bool:
        """Read the bytes so far from their beginning; return whether the Body has begun in them."""
        reading = self._reading
        data = bytes(self._gathered)
        end = whole_characters(data)
        source = Source(data[:end], reading.encoding, complete=False)
        if source.unreadable is not None and len(self._gathered) < _NAMED_BY:
            return False
        reader = StreamReader(source, reading.limits)
        try:
            reader.begin()
        except Redeclared as change:
            reader.close()
            reader = StreamReader(source.redeclared(change.codec, None), reading.limits)
            reader.begin()
        message = reader.message
        if message.body is None and message.fatal is None and not message.opaque:
            reader.close()
            return False
        self._reader = reader
        self._gathered.clear()
        if message.body is not None:
            if self._header is None:
                self._accept_head(message, message.body)
            if reader.clean:
                reader.feed(data[end:])
        if not reader.clean:
            self._judge(reader)
        return True

    def _accept_head(self, message: RawMessage, body: RawElement) -> None:
        """Judge the head alone: the reader may have met a problem after it already."""
        root, fatal = certain(message.root), message.fatal
        children, texts = root.children, root.texts
        root.children = children[: children.index(body) + 1]
        root.texts = [text for text in texts if text < body.start]
        message.fatal = None
        self._accept(message)
        root.children, root.texts, message.fatal = children, texts, fatal

    def _accept(self, message: RawMessage) -> None:
        judge = self._reading.judge(message)
        self._warnings = settled(message, judge, self._reading, self._cache)
        self._header, self._soap = Header._of(tuple(judge.blocks)), judge.soap
        self._body_offset, _, _ = Locator(message.source).locate(message.body_start)

    def _judge(self, reader: StreamReader) -> None:
        """Raise the first finding that refuses the message."""
        reader.locate()
        self._reading.settle(self._reading.judge(reader.message))

    def _finish(self, *, complete: bool) -> None:
        reading, data = self._reading, bytes(self._gathered)
        if self._header is not None and self._reader is None:
            if complete and known(data, reading, self._cache, False)[1] is not None:
                self._let_go()
                return
            self._start()
        reader = self._reader
        if reader is None:
            # The trigger did not find the Body start tag.
            self._accept(
                read(data, encoding=reading.encoding, limits=reading.limits, deep=False, complete=complete)
            )
        else:
            reader.finish(complete=complete)
            if not reader.clean:
                self._judge(reader)
        self._let_go()

    def __repr__(self) -> str:
        state = "refused" if self._error is not None else "closed" if self._closed else "open"
        return f"HeaderReader(<{state}, {self._size} bytes>)"


# Compiled by the first stream.
# Bytes that are certainly in a start tag: complete attributes, and everything between quotes.
_IN_TAG = rb"""[^<>"']*+(?:"[^"<]*+"[^<>"']*+|'[^'<]*+'[^<>"']*+)*+"""
_QUOTE_ENDS = {b'"': b'["<]', b"'": b"['<]"}
_DECODERS: dict[bytes, Decoder] = {
    codecs.BOM_UTF16_LE: codecs.utf_16_le_decode,
    codecs.BOM_UTF16_BE: codecs.utf_16_be_decode,
}


class _Trigger:
    """Says when to read the head again from its beginning.

    That is when one of the first few tags that look like the Body start tag has arrived, and when the number
    of bytes has doubled: so often, and the cost stays linear.
    """

    __slots__ = ("_decode", "_due", "_in_tag", "_left", "_next", "_quote", "_text", "_tries")

    def __init__(self) -> None:
        # The bytes to search; UTF-16 as ASCII, with a question mark for any other character.
        self._text = bytearray()
        self._decode: Decoder | None = None
        # Half a character of UTF-16.
        self._left = b""
        self._tries = BODY_TRIES
        self._due = 4_096
        # The offset up to which the text has been searched.
        self._next = 0
        # Whether the name of a start tag has been found, but not its end.
        self._in_tag = False
        # The quote that is open in the tag, or nothing.
        self._quote = b""

    def add(self, piece: bytes) -> None:
        if self._decode is None:
            undecided = len(self._text) < 2
            self._text += piece
            if undecided:
                self._decode = _DECODERS.get(bytes(self._text[:2]))
            if self._decode is None:
                return
            piece = bytes(self._text)
            self._text.clear()
        piece = self._left + piece
        text, used = self._decode(piece, "replace", False)
        self._left = piece[used:]
        self._text += text.encode("ascii", "replace")

    def pulled(self) -> bool:
        if len(self._text) >= self._due:
            self._due = 2 * len(self._text)
            return True
        while self._tries and (self._in_tag or self._find_name()):
            if self._find_end():
                self._tries -= 1
                return True
            if self._in_tag:
                # The end has not arrived.
                return False
        return False

    def _find_name(self) -> bool:
        """Search for the name of a tag that may be the Body start tag."""
        text = self._text
        name = text.find(b"Body", self._next)
        while 0 <= name < len(text) - 4:
            self._next = name + 4
            if is_body_name(text, name):
                self._in_tag = True
                return True
            name = text.find(b"Body", self._next)
        # The name may be cut off.
        self._next = max(self._next, len(text) - 4)
        return False

    def _find_end(self) -> bool:
        """Search for the end of the tag; a "<" shows that it is no tag."""
        text = self._text
        while True:
            if self._quote:
                end = re.compile(_QUOTE_ENDS[self._quote]).search(text, self._next)
                self._next = len(text) if end is None else end.start()
            else:
                self._next = re.compile(_IN_TAG).match(text, self._next).end()  # type: ignore[union-attr]
            mark = bytes(text[self._next : self._next + 1])
            if mark in _QUOTE_ENDS:
                self._next += 1
                self._quote = b"" if self._quote else mark
                continue
            if mark:
                self._in_tag, self._quote = False, b""
            return mark == b">"
