"""A message in pieces -> raw elements with offsets, by the reader of `_reader`, in bounded memory."""

from __future__ import annotations

from ._encoding import WHITE_SPACE, Fatal, Locator, Rest, Window, encoded_size
from ._namespaces import limit_exceeded
from ._reader import MessageReader, too_long

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._encoding import Source
    from ._raw import RawElement
    from .soap import Limits

__all__ = ["StreamReader"]

#: Bytes that the parser is handed at a time behind the head, at least: expat before 2.6 reads an
#: unfinished token anew with each piece.
_STEP = 65_536
#: And at most, or what has been gathered: a piece is copied.
_MOST = 1_048_576


class StreamReader(MessageReader):
    """Reads the head of a message, which is there as a whole, and then the rest in pieces."""

    __slots__ = ("_column", "_least", "_line", "_max_token", "_pieces", "_rest", "_size", "_space", "_step")

    text: bytes

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits, deep=False)
        maximum = self._max_token = limits.max_token_bytes
        self._least = self._step = _STEP if maximum is None else min(_STEP, max(1, maximum))
        self._rest = Rest(source)
        #: What the parser is to be handed next.
        self._pieces: list[bytes | memoryview] = []
        self._size = 0
        #: Where the text begins that is kept.
        self._line = self._column = 1
        #: Where the white space behind the Body begins that the text begins with.
        self._space = 0

    @property
    def clean(self) -> bool:
        """Whether nothing has been found behind the Body start tag that breaks a rule."""
        message = self.message
        root = message.root
        assert root is not None
        return message.fatal is None and root.children[-1] is message.body and not root.texts

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
        if message.body is not None and self.clean:
            text = memoryview(self.text)
            self.text = bytes(text[:fed])
            self._let_go()
            message.source.keep_head(message.body_start)
            self._gather(text[fed:])

    def feed(self, data: bytes | memoryview) -> None:
        """Read on."""
        try:
            for start in range(0, len(data), _MOST):
                self._gather(self._rest.text(data[start : start + _MOST]))
                if self._size >= self._step:
                    self._hand_over()
                    if not self.clean:
                        return
        except Fatal as fatal:
            self.stop(fatal)

    def finish(self, *, complete: bool) -> None:
        """Read to the end, which is that of the message if it is complete."""
        rest = self._rest
        try:
            self._gather(rest.end(complete=complete))
            failure = rest.failure
            self._hand_over(final=complete and failure is None)
            end = self.base + len(self.text)
            if failure is not None:
                failure.offset = end
                raise failure
            if not complete:
                raise too_long(rest.used, end)
        except Fatal as fatal:
            self.stop(fatal)

    def locate(self) -> None:
        """Tell the source where the text stands that is kept, for the findings in it."""
        source = self.message.source
        if not self.base:
            return
        offset = self.base
        if source.text is not source.data:
            offset = self._rest.used - encoded_size(self.text, source.codec)
        source.window = Window(self.base, self.text, (offset, self._line, self._column))

    def _gather(self, piece: bytes | memoryview) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)

    def _hand_over(self, *, final: bool = False) -> None:
        pieces, fed = self._pieces, len(self.text)
        self.text = b"".join([self.text, *pieces])
        self._pieces, self._size = [], 0
        if self._body.close is None:
            self._listen_in(self.text)
        if pieces or final:
            self.parse(memoryview(self.text)[fed:], final=final)
        if not final and self.clean:
            base = self.base
            self._let_go()
            self._step = self._least if self.base > base else 2 * self._step
            if self._max_token is not None and len(self.text) > self._max_token and self._stack:
                message = f"one token is longer than {self._max_token} bytes"
                raise limit_exceeded("max_token_bytes", message, self.base + self._max_token)

    def _listen_in(self, text: bytes) -> None:
        """Look for the end of the Body where it may be only: handlers cost four times the parse."""
        name = self._body.name.encode()
        if name in text and (b"</" + name in text or b"<" + name in text):
            self.count()
        else:
            self._pass_over()

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
        body = self.message.body
        assert body is not None
        return body
