"""A message in pieces -> raw elements with offsets, by the reader of `_reader`, in bounded memory."""

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

__all__ = ["StreamReader"]

# Bytes that the parser is handed at a time behind the head, at least, and as many as it has not done
# with: expat before 2.6 reads an unfinished token anew with each piece.
_STEP = 65_536
# How many of the first letter of "Body" are looked at before the whole name is looked for: most windows
# hold few of them, and the search for one byte is many times as fast.
_LETTERS = 32


class StreamReader(MessageReader):
    """Reads the head of a message, which is there as a whole, and then the rest in pieces."""

    __slots__ = ("_column", "_line", "_max_token", "_pending", "_rest", "_space", "_step")

    text: bytes

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits, deep=False)
        self._max_token = limits.max_token_bytes
        self._step = _STEP if self._max_token is None else min(_STEP, self._max_token + 1)
        self._rest = Rest(source)
        # What the parser is to be handed next: one copy, for a list of small pieces takes many times
        # their size, and a caller may use a buffer again.
        self._pending = bytearray()
        # Where the text begins that is kept.
        self._line = self._column = 1
        # Where the white space behind the Body begins that the text begins with.
        self._space = 0

    @property
    def clean(self) -> bool:
        """Whether there is a Body start tag, and nothing found behind it that breaks a rule."""
        message = self.message
        root = message.root
        if root is None or message.body is None or message.fatal is not None:
            return False
        return root.children[-1] is message.body and not root.texts

    def begin(self) -> None:
        """Read as much of the head as has arrived. Raises Redeclared."""
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
            self._let_go()
            message.source.keep_head(message.body_start)
            self._pending += text[fed:]

    def feed(self, data: bytes) -> bool:
        """Read on; return whether all is clean still, as far as the parser has been handed what there is."""
        rest = self._rest
        piece = rest.text(data)
        if len(self._pending) + len(piece) < self._step and rest.failure is None:
            self._pending += piece
            return True
        try:
            self._hand_over(piece)
            if rest.failure is not None:
                self._break_off(rest.failure)
        except Fatal as fatal:
            self.stop(fatal)
        return self.clean

    def finish(self, *, complete: bool) -> None:
        """Read to the end, which is that of the message if it is complete."""
        rest = self._rest
        try:
            piece = rest.end(complete=complete)
            self._hand_over(piece, final=complete and rest.failure is None)
            if rest.failure is not None:
                self._break_off(rest.failure)
            if not complete:
                self._break_off(too_long(rest.received, 0))
        except Fatal as fatal:
            self.stop(fatal)

    def _break_off(self, fatal: Fatal) -> NoReturn:
        """Raise what ends the message behind all that has arrived of it."""
        fatal.offset = self.base + len(self.text)
        raise fatal

    def locate(self) -> None:
        """Tell the source where the text stands that is kept, for the findings in it."""
        source = self.message.source
        if not self.base:
            return
        offset = self.base
        if source.text is not source.data:
            offset = self._rest.used - encoded_size(self.text, source.codec)
        source.window = Window(self.base, self.text, (offset, self._line, self._column))

    def _hand_over(self, piece: bytes, *, final: bool = False) -> None:
        fed = len(self.text)
        text = self.text = b"".join((self.text, self._pending, piece))
        self._pending.clear()
        view = memoryview(text)
        if self._body.close is None:
            # Listen for the end of the Body where it may be only: handlers cost four times the parse.
            tag = self._find_body_tag(text)
            if tag > fed:
                self._pass_over()
            if fed < tag < len(text):
                self.parse(view[fed:tag], final=False)
                fed = tag
            if tag < len(text):
                self.count()
        self.parse(view[fed:], final=final)
        if not final and self.clean:
            self._let_go()
            self._step = max(_STEP, len(self.text))
            if self._max_token is not None:
                self._check_token(self._max_token)

    def _check_token(self, maximum: int) -> None:
        """Refuse a token that is too long and has not ended."""
        size = len(self.text)
        if size <= maximum:
            self._step = min(self._step, maximum + 1 - size)
        elif self._stack or self.text.strip(WHITE_SPACE):
            message = f"one token is longer than {maximum} bytes"
            raise limit_exceeded("max_token_bytes", message, self.base + maximum)
        # White space behind the root is no token, and is kept until more has arrived.

    def _find_body_tag(self, text: bytes) -> int:
        """Return the offset of the first tag, start or end, that may have the name of the Body."""
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

    def _let_go(self) -> None:
        """Keep of the text what the parser has not done with."""
        source, expat = self.message.source, self.expat
        text, done = self.text, expat.CurrentByteIndex - self.base
        if self._body.close is None:
            # The parser counts as we do, and anyway; a byte order mark is a column to it.
            self._line, self._column = expat.CurrentLineNumber, expat.CurrentColumnNumber + 1
            if self._line == 1 and source.mark and source.text is source.data:
                self._column -= 1
        else:
            # In white space behind the root its line is not that of its byte.
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
