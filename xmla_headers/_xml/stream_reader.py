"""A message that arrives in pieces -> its raw elements with offsets, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .encoding import WHITE_SPACE, Rest
from .fatal import Fatal, limit_exceeded, too_long
from .positions import Locator, Window, encoded_size
from .raw import certain
from .reader import MessageReader

if TYPE_CHECKING:
    from typing import NoReturn

    from xmla_headers.soap import Limits

    from .encoding import Source
    from .raw import RawElement

__all__ = ["StreamReader", "least_step"]

# The least number of bytes that is parsed at a time after the head. It grows with the unfinished token:
# expat before 2.6 reads such a token again with each piece.
_STEP = 65_536
# How many times "B" is searched for before the whole name is: most windows hold few of them, and the
# search for one byte is many times faster.
_LETTERS = 32


def least_step(limits: Limits) -> int:
    """Return how many bytes are gathered before they are parsed: no token in fewer bytes is too long."""
    return _STEP if limits.max_token_bytes is None else min(_STEP, limits.max_token_bytes + 1)


class StreamReader(MessageReader):
    """Reads the head of a message as a whole, and the rest in pieces."""

    __slots__ = ("_column", "_line", "_max_token", "_pending", "_rest", "_space", "_step")

    text: bytes

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits, deep=False)
        self._max_token = limits.max_token_bytes
        self._step = least_step(limits)
        self._rest = Rest(source)
        # The bytes to be parsed next, in one buffer: a list of small pieces takes many times their size,
        # and the caller may reuse a buffer.
        self._pending = bytearray()
        # The position of the kept text.
        self._line = self._column = 1
        # The offset of the white space after the Body, if the kept text begins with it.
        self._space = 0

    @property
    def clean(self) -> bool:
        """Whether the Body start tag was read, and nothing after it breaks a rule so far."""
        message = self.message
        root = message.root
        if root is None or message.body is None or message.fatal is not None:
            return False
        return root.children[-1] is message.body and not root.texts

    def begin(self) -> None:
        """Read the part of the head that has arrived. Raises Redeclared."""
        message = self.message
        try:
            fed = self.read_head()
            if message.source.failure is not None and message.body is None:
                raise message.source.failure
        except Fatal as fatal:
            self.stop(fatal)
            return
        if self.clean:
            text = memoryview(self.text)
            self.text = bytes(text[:fed])
            self._drop_parsed()
            message.source.keep_head(message.body_start)
            self._pending += text[fed:]

    def feed(self, data: bytes) -> bool:
        """Read the next bytes. Return False once the bytes parsed so far have a problem."""
        rest = self._rest
        piece = rest.text(data)
        if len(self._pending) + len(piece) < self._step and rest.failure is None:
            self._pending += piece
            return True
        try:
            self._parse_next(piece)
            if rest.failure is not None:
                self._fail_at_end(rest.failure)
        except Fatal as fatal:
            self.stop(fatal)
        return self.clean

    def finish(self, *, complete: bool) -> None:
        """Read to the end; with `complete`, the end of the message."""
        rest = self._rest
        try:
            piece = rest.end(complete=complete)
            self._parse_next(piece, final=complete and rest.failure is None)
            if rest.failure is not None:
                self._fail_at_end(rest.failure)
            if not complete:
                self._fail_at_end(too_long(rest.received, 0))
        except Fatal as fatal:
            self.stop(fatal)

    def _fail_at_end(self, fatal: Fatal) -> NoReturn:
        """Raise a fatal finding whose offset is the end of the bytes that have arrived."""
        fatal.offset = self.base + len(self.text)
        raise fatal

    def locate(self) -> None:
        """Give the source the position of the kept text, for the findings in it."""
        source = self.message.source
        if not self.base:
            return
        offset = self.base
        if source.text is not source.data:
            offset = self._rest.used - encoded_size(self.text, source.codec)
        source.window = Window(self.base, self.text, (offset, self._line, self._column))

    def _parse_next(self, piece: bytes, *, final: bool = False) -> None:
        fed = len(self.text)
        text = self.text = b"".join((self.text, self._pending, piece))
        self._pending.clear()
        view = memoryview(text)
        if self._body.close is None:
            # Listen for the end of the Body only where it may be: handlers quadruple the time.
            tag = self._find_body_tag(text)
            if tag > fed:
                self._skip_elements()
            if fed < tag < len(text):
                self.parse(view[fed:tag], final=False)
                fed = tag
            if tag < len(text):
                self.count()
        self.parse(view[fed:], final=final)
        if not final and self.clean:
            self._drop_parsed()
            self._step = max(_STEP, len(self.text))
            if self._max_token is not None:
                self._check_token(self._max_token)

    def _check_token(self, maximum: int) -> None:
        """Reject an unfinished token that is too long."""
        size = len(self.text)
        if size <= maximum:
            self._step = min(self._step, maximum + 1 - size)
        elif self._stack or self.text.strip(WHITE_SPACE):
            message = f"one token is longer than {maximum} bytes"
            raise limit_exceeded("max_token_bytes", message, self.base + maximum)
        # White space after the root is not a token; it is kept until more has arrived.

    def _find_body_tag(self, text: bytes) -> int:
        """Return the offset of the first start or end tag that may have the name of the Body."""
        name = self._body.name.encode()
        place = text.find(b"B")
        for _ in range(_LETTERS):
            if place < 0:
                return len(text)
            if text.startswith(b"Body", place):
                break
            place = text.find(b"B", place + 1)
        first = max(0, place - len(name))
        if text.find(name, first) < 0:
            return len(text)
        places = (text.find(start + name, first) for start in (b"<", b"</"))
        return min((place for place in places if place >= 0), default=len(text))

    def _drop_parsed(self) -> None:
        """Drop the text that the parser has finished with."""
        source, expat = self.message.source, self.expat
        text, done = self.text, expat.CurrentByteIndex - self.base
        if self._body.close is None:
            # The parser counts lines anyway, but takes the byte order mark for a column.
            self._line, self._column = expat.CurrentLineNumber, expat.CurrentColumnNumber + 1
            if self._line == 1 and source.mark and source.text is source.data:
                self._column -= 1
        else:
            # In white space after the root the parser's line does not belong to its byte offset.
            self.locate()
            locator = Locator(source)
            markup = len(text[:done].rstrip(WHITE_SPACE))
            if markup:
                self._space = self.base + markup
                source.places = {self._space: locator.locate(self._space)}
            _, self._line, self._column = locator.locate(self.base + done)
        self.base += done
        self.text = text[done:]

    def _behind_markup(self, offset: int) -> int:
        found = super()._behind_markup(offset)
        return self._space if found == self.base else found

    @property
    def _body(self) -> RawElement:
        return certain(self.message.body)
