"""The encoding of a message: byte order mark, declaration, transport, and transcoding to UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING

from xmla_headers.findings import Code

from .fatal import Fatal
from .positions import Place, Window, encoded_size

if TYPE_CHECKING:
    from collections.abc import Callable

    Decoder = Callable[[bytes | memoryview, str, bool], tuple[str, int]]

__all__ = [
    "WHITE_SPACE",
    "Redeclared",
    "Rest",
    "Source",
    "null_character",
    "whole_characters",
]

WHITE_SPACE = b" \t\r\n"

# How many bytes are transcoded at a time, so that a long message is copied only once.
_PIECE = 1 << 20
# How many bytes of white space are skipped in search of the first character; after them the parser decides.
_FIRST = 1 << 16

# A label in lower case -> the encoding that it names. XML 1.0 §4.3.3 requires the first two; XMLA
# software has been seen to send the others. Python's codec registry is never asked.
_LABELS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "us-ascii": "us-ascii",
    "ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "iso8859-1": "iso-8859-1",
    "iso_8859-1": "iso-8859-1",
}
# A StringWriter of .NET writes this label, and the text is encoded afterwards.
_UTF_16_HINT = 'if the label is wrong, as that of a StringWriter of .NET, pass encoding="utf-8"'
_ASCII_HINT = 'if the label is wrong, pass the right one, such as encoding="iso-8859-1"'
_KNOWN = "UTF-8, UTF-16, US-ASCII and ISO-8859-1 are read"
# The characters that the registered names of charsets have.
_CHARSET = r"[A-Za-z0-9._:-]+"
_CHARSET_HINT = (
    "the argument is the charset alone, such as utf-8, or None:"
    " http.charset_of takes it from a whole Content-Type, with quotes or without"
)


def _ascii_decode(data: bytes | memoryview, errors: str, _final: bool) -> tuple[str, int]:  # noqa: FBT001 - the signature of the codecs module
    return codecs.ascii_decode(data, errors)


def _latin_1_decode(data: bytes | memoryview, errors: str, _final: bool) -> tuple[str, int]:  # noqa: FBT001 - the signature of the codecs module
    return codecs.latin_1_decode(data, errors)


_DECODERS: dict[str, Decoder] = {
    "us-ascii": _ascii_decode,
    "iso-8859-1": _latin_1_decode,
    "utf-16-le": codecs.utf_16_le_decode,
    "utf-16-be": codecs.utf_16_be_decode,
}

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_TWICE_HINT = "this looks like UTF-16 that was encoded a second time: send it as it was, or as UTF-8"
# How UTF-16 begins after its bytes were taken for characters: with its mark, or in big-endian order.
_TWICE = ("\xff\xfe".encode(), "\xfe\xff".encode(), b"\0<")

_GZIP_HINT = "this is gzip: undo the Content-Encoding first"
_BINXML_HINT = (
    "this is MS-BINXML (application/sx): request text with the connection property"
    " Protocol Format=XML, or decode it first"
)
_XPRESS_HINT = (
    "this looks like XPRESS compression (application/xml+xpress): request plain text with the"
    " connection property Transport Compression=None, or decompress it first"
)
_DIME_HINT = "this looks like a DIME record, as used over TCP: pass only its payload"

# "<" in UTF-32.
_UTF_32 = (b"<\0\0\0", b"\0\0\0<")

# A request line, a status line or a header.
_HTTP = rb"[A-Z]{3,8} \S+ HTTP/|HTTP/[0-9]|[A-Za-z][A-Za-z0-9-]*: "
# Warnings of PHP as text. A Warning field of HTTP begins with three digits.
_PHP = (
    rb"(?:\xef\xbb\xbf)?\s*(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards"
    rb"|(?:Fatal|Parse|Recoverable fatal|Catchable fatal) error): (?! *[0-9]{3} )"
)
_PHP_HINT = "this looks like a warning of PHP before the message: set display_errors to Off"
_HTTP_HINT = "these are HTTP headers: pass only the body"

# First bytes -> the format that they most likely are.
_FIRST_BYTES = (
    (b"\x1f\x8b", _GZIP_HINT),
    (b"\xdf\xff", _BINXML_HINT),
    (b"\xff\xfe\x00\x00", "this is UTF-32, which is not read; send UTF-8"),
    (b"\x00\x00\xfe\xff", "this is UTF-32, which is not read; send UTF-8"),
    (b"PK\x03\x04", "this is a zip archive: extract the message first"),
    (b"{", "this looks like JSON"),
    (b"[", "this looks like JSON"),
)


class Source:
    """A message as UTF-8, and how it was encoded."""

    __slots__ = (
        "codec",
        "complete",
        "data",
        "failure",
        "given",
        "mark",
        "places",
        "text",
        "unreadable",
        "used",
        "window",
    )

    def __init__(
        self,
        data: bytes | memoryview,
        encoding: str | None = None,
        codec: str = "utf-8",
        *,
        complete: bool = True,
        wanted: int | None = None,
    ) -> None:
        # The caller's bytes, up to max_message_bytes.
        self.data = data
        # The encoding that the transport named.
        self.given = encoding
        # Whether `data` is the whole message.
        self.complete = complete
        # Length of the byte order mark in bytes.
        self.mark = 0
        # The finding that ends the message at the first bytes that cannot be decoded.
        self.failure: Fatal | None = None
        # The finding that prevents reading the message at all.
        self.unreadable: Fatal | None = None
        # How many bytes of `data` have been transcoded to `text`.
        self.used = len(data)
        # `text` of a stream is only the head; this is the part of the rest that is still in memory.
        self.window: Window | None = None
        # Offsets before the window that may be located -> the result of `Locator.locate` for them.
        self.places: dict[int, Place] = {}
        # UTF-8: the caller's own bytes, byte order mark included, if they are UTF-8 already.
        self.text: bytes | memoryview = data
        self.codec = codec
        if encoding is None and codec == "utf-8" and data[:1] == b"<" and data[1:2] != b"\0":
            return
        try:
            if codec == "utf-8":
                self.codec = self._sniff()
            if self.codec != "utf-8":
                self.text = self._transcode(wanted)
            self._check_first_bytes()
        except Fatal as fatal:
            # Without a traceback, which would keep the caller's buffer alive in a reference cycle.
            self.unreadable = fatal.with_traceback(None)

    def redeclared(self, codec: str, wanted: int | None) -> Source:
        """Return the same message, to be read in the encoding that its declaration names."""
        return Source(self.data, self.given, codec, complete=self.complete, wanted=wanted)

    def _sniff(self) -> str:
        """Return the encoding by byte order mark and transport, before the declaration is known."""
        first = bytes(self.data[:4])
        marked = None
        # UTF-32 begins with the mark of UTF-16, so it is recognised by its first four bytes.
        if first not in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
            for mark, codec in _MARKS:
                if first.startswith(mark):
                    marked, self.mark = codec, len(mark)
        given = None
        if self.given is not None:
            given = _LABELS.get(self.given.lower())
            if given is None:
                message = "the transport names an encoding that is not supported"
                hint = _KNOWN if re.fullmatch(_CHARSET, self.given) else _CHARSET_HINT
                raise Fatal(Code.ENCODING_ERROR, message, 0, hint)
        if marked is not None:
            if given is not None and not _agree(given, marked):
                message = f"the transport says {self.given}, the byte order mark says {marked}"
                raise Fatal(Code.ENCODING_ERROR, message, 0)
            return marked
        if first in _UTF_32:
            raise Fatal(Code.NOT_XML, "not XML: this is UTF-32", 0, "UTF-32 is not read; send UTF-8")
        if (given or "").startswith("utf-16") or first[:2] in (b"<\0", b"\0<"):
            said = "" if given is None else ", as the transport says"
            raise Fatal(
                Code.ENCODING_ERROR,
                f"UTF-16{said}, without a byte order mark",
                0,
                "XML 1.0 §4.3.3: entities encoded in UTF-16 must begin with the byte order mark",
            )
        return given or "utf-8"

    def _transcode(self, wanted: int | None) -> bytes:
        """Return the message as UTF-8, or a little more than the first `wanted` bytes of it."""
        end = len(self.data)
        view = memoryview(self.data)
        # One byte of UTF-8 comes from two bytes at most, in every encoding here.
        step = _PIECE if wanted is None else min(_PIECE, 2 * wanted + 4)
        copy = io.BytesIO()
        position = self.mark
        while position < end:
            if wanted is not None and copy.tell() > wanted:
                self.complete = False
                break
            stop = min(position + step, end)
            final = stop == end and self.complete
            text, used, self.failure = _transcoded(self.codec, view[position:stop], copy.tell(), final=final)
            copy.write(text)
            position += used
            if not used or self.failure is not None:
                break
        self.used = position
        return copy.getvalue()

    def keep_head(self, end: int) -> None:
        """Drop everything after the head, which ends at an offset in the text."""
        untouched = self.text is self.data
        self.text = bytes(self.text[:end])
        self.data = self.text if untouched else b""

    def _check_first_bytes(self) -> None:
        """Reject bytes that cannot begin a document, with a hint at their likely format."""
        start = self._document_start()
        piece = bytes(self.text[start : start + _FIRST])
        rest = piece.lstrip(WHITE_SPACE)
        if rest:
            if not rest.startswith(b"<"):
                raise Fatal(
                    Code.NOT_XML,
                    "not XML: the first character is not '<'",
                    start + len(piece) - len(rest),
                    _TWICE_HINT
                    if rest.startswith(_TWICE)
                    else _name_first_bytes(bytes(self.data[:128]), len(self.data)),
                )
        elif len(self.text) - start > len(piece):
            # The parser checks the rest.
            return
        elif self.failure is not None:
            raise self.failure
        elif self.complete:
            what = "white space only" if piece else "empty"
            hint = "nothing was received, or it has been read already"
            raise Fatal(Code.NOT_XML, f"not XML: the message is {what}", start, hint)

    def declare(self, declared: str | None, version: str) -> None:
        """Check the XML declaration. Raises Redeclared if it names another encoding."""
        if version != "1.0":
            message = f"XML version {version[:20]!r}, but only 1.0 is supported"
            raise Fatal(Code.NOT_WELL_FORMED, message, self._document_start())
        if declared is None:
            return
        codec = _LABELS.get(declared.lower())
        if self.mark:
            if codec is None or not _agree(codec, self.codec):
                message = f"the byte order mark says {self.codec}, but the XML declaration differs"
                raise Fatal(Code.ENCODING_ERROR, message, self._document_start())
            return
        if self.given is not None:
            # RFC 7303 §3: the transport's charset takes precedence over the declaration.
            return
        if codec is None:
            message = "the XML declaration names an encoding that is not supported"
            raise Fatal(Code.ENCODING_ERROR, message, self._document_start(), _KNOWN)
        if codec.startswith("utf-16"):
            message = "the XML declaration says UTF-16, but the bytes are not UTF-16"
            raise Fatal(Code.ENCODING_ERROR, message, self._document_start(), _UTF_16_HINT)
        if codec != self.codec:
            raise Redeclared(codec)

    def _document_start(self) -> int:
        return self.mark if self.text is self.data else 0


class Rest:
    """The bytes of a stream after those of a Source, as UTF-8."""

    __slots__ = ("_codec", "_left", "failure", "used")

    def __init__(self, source: Source) -> None:
        self._codec = source.codec
        # How many bytes have been transcoded, counted from the start of the message.
        self.used = source.used
        # The first bytes of a character that is not complete yet.
        self._left = bytes(source.data[source.used :])
        # The finding that ends the message at the first undecodable bytes; its offset is not known here.
        self.failure = source.failure

    @property
    def received(self) -> int:
        """How many bytes of the message have arrived, transcoded or not."""
        return self.used + len(self._left)

    def text(self, data: bytes) -> bytes:
        """Return the next bytes as UTF-8, without an incomplete character at the end."""
        if self._codec != "utf-8":
            return self._transcode(data, final=False)
        if self._left:
            data = self._left + data
        end = whole_characters(data)
        self._left = data[end:]
        self.used += end
        return data if end == len(data) else data[:end]

    def end(self, *, complete: bool) -> bytes:
        """Return the remaining bytes as UTF-8, after the last bytes have arrived."""
        if self._codec != "utf-8":
            return self._transcode(b"", final=complete)
        left, self._left = self._left, b""
        self.used += len(left)
        return left

    def _transcode(self, data: bytes, *, final: bool) -> bytes:
        if self.failure is not None:
            return b""
        piece = self._left + data
        text, used, self.failure = _transcoded(self._codec, piece, self.used, final=final)
        self._left = piece[used:]
        self.used += used
        return text


def whole_characters(data: bytes | memoryview) -> int:
    """Return where to cut UTF-8 so that the last character is not cut in two.

    The parser needs a whole character to decide whether it is valid.
    """
    size = len(data)
    for back in range(1, min(4, size + 1)):
        byte = data[size - back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return size if back >= length else size - back
    return size


def _transcoded(
    codec: str, data: bytes | memoryview, start: int, *, final: bool
) -> tuple[bytes, int, Fatal | None]:
    """Return bytes as UTF-8, how many of them were used, and the finding that ends the message there.

    `start` is the offset of the result in the whole text. The result never holds U+0000: expat takes any
    text for UTF-16 if one of its first two bytes is zero.
    """
    decode = _DECODERS[codec]
    failure: Fatal | None = None
    try:
        text, used = decode(data, "strict", final)
    except UnicodeDecodeError as error:
        text, used = decode(data[: error.start], "strict", True)
        hint = _ASCII_HINT if codec == "us-ascii" else None
        failure = Fatal(Code.ENCODING_ERROR, f"bytes that are not {codec} ({error.reason})", start, hint)
    before, found, _ = text.partition("\0")
    result = before.encode()
    if found:
        used = encoded_size(result, codec)
        failure = null_character(start + len(result), 0)
    elif failure is not None:
        failure.offset += len(result)
    return result, used, failure


def null_character(offset: int, start: int) -> Fatal:
    """Return the fatal finding about U+0000 at an offset in a document that begins at `start`."""
    # Such a beginning suggests UTF-16. The hint must not depend on how much of a stream has arrived.
    hint = _TWICE_HINT if offset <= start + 1 else None
    return Fatal(Code.NOT_WELL_FORMED, "not well-formed: U+0000, which XML does not allow", offset, hint)


class Redeclared(Exception):  # noqa: N818 - a signal to start again, not an error
    """The XML declaration names an encoding other than the one assumed so far."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.codec = codec


def _agree(named: str, marked: str) -> bool:
    return named == marked or (named == "utf-16" and marked.startswith("utf-16"))


def same_encoding(first: str, second: str) -> bool:
    """Return whether two labels name one encoding; UTF-16 is that of either byte order."""
    named, other = (_LABELS.get(label.lower(), label.lower()) for label in (first, second))
    return _agree(named, other) or _agree(other, named)


def _name_first_bytes(first: bytes, size: int) -> str | None:
    for start, hint in _FIRST_BYTES:
        if first.startswith(start):
            return hint
    # DIME: five bits of version (1), then "message begin"; the second byte ends in four reserved bits.
    if len(first) >= 12 and first[0] & 0xFC == 0x0C and first[1] & 0x0F == 0:
        return _DIME_HINT
    # XPRESS: each block begins with its original and its compressed size, 32 bits each, little-endian.
    original = int.from_bytes(first[:4], "little")
    compressed = int.from_bytes(first[4:8], "little")
    if 0 < compressed <= original <= 0xFFFF and compressed + 8 <= size:
        return _XPRESS_HINT
    if re.match(_PHP, first):
        return _PHP_HINT
    if re.match(_HTTP, first):
        return _HTTP_HINT
    if 0 in first[:16]:
        return "this looks like binary data"
    return None
