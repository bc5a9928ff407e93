"""The XML parser with the restrictions of SOAP; the only user of pyexpat apart from `names`."""

from __future__ import annotations

import codecs
import pyexpat
import re

from xmla_headers.findings import Code

from .encoding import null_character
from .fatal import Fatal
from .names import short

__all__ = ["HTML_HINT", "Parser", "completes"]

HTML_HINT = "this looks like an HTML page, perhaps an error page of a proxy or a web server"

_ERRORS = pyexpat.errors.codes
_DUPLICATE_ATTRIBUTE = _ERRORS[pyexpat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]
_UNCLOSED_TOKEN = _ERRORS[pyexpat.errors.XML_ERROR_UNCLOSED_TOKEN]
_NO_ELEMENTS = _ERRORS[pyexpat.errors.XML_ERROR_NO_ELEMENTS]
# expat's error code -> the usual cause.
_HINTS = {
    _NO_ELEMENTS: "the message is cut off",
    _UNCLOSED_TOKEN: "the message is cut off",
    _ERRORS[pyexpat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]: "the message is cut off",
    _ERRORS[pyexpat.errors.XML_ERROR_UNDEFINED_ENTITY]: (
        "without a DTD there are only &lt; &gt; &amp; &quot; &apos; and character references"
    ),
    _ERRORS[pyexpat.errors.XML_ERROR_MISPLACED_XML_PI]: (
        "nothing may come before the XML declaration, not even white space"
    ),
}

# They are legal in text, so a complaint about one is about a tag. Word processors and web pages make them.
_TYPOGRAPHIC_QUOTES = tuple(
    quote.encode() for quote in "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00ab\u00bb"
)
_TYPOGRAPHIC_HINT = "this is a typographic quote: the value of an attribute stands between \" or '"

# expat 2.6 and later delays a token at the end of a piece, unless it is told not to.
_DEFERS = hasattr(pyexpat.ParserCreate(), "SetReparseDeferralEnabled")

# Only bad messages need these patterns, so they are compiled when used.
_HTML = rb"(?i)\s*<!doctype html|\s*<html[\s>]"

# The text that may come before a DOCTYPE; processing instructions have been rejected by then.
_PROLOG = rb"(?s)(?:\xef\xbb\xbf)?(?:<\?xml[^>]*+>)?(?:[ \t\r\n]++|<!--.*?-->)*+"
_NAME = rb"<([^ \t\r\n/>]++)"


class Parser:
    """An expat parser that rejects what SOAP 1.1 §3 forbids, and turns its errors into Fatal."""

    __slots__ = ("base", "expat", "text")

    def __init__(self, text: bytes | memoryview) -> None:
        # The parsed text, to inspect the place of an error; for a stream only the end of it.
        self.text = text
        # The offset of `text` in everything that is parsed.
        self.base = 0
        # No namespace separator: expat would copy the namespace name into every expanded name, and a 208 KB
        # message would take 1.4 GB. The encoding is always UTF-8: any other declared one would reach Python's
        # codec registry. Names are not interned: a Body with half a million different names would fill a
        # table that nobody reads.
        expat = self.expat = pyexpat.ParserCreate("utf-8", None, intern=None)
        expat.ordered_attributes = True
        expat.StartDoctypeDeclHandler = self._doctype
        expat.ProcessingInstructionHandler = self._processing_instruction
        if _DEFERS:
            expat.SetReparseDeferralEnabled(False)

    def parse(self, piece: bytes | memoryview, *, final: bool) -> None:
        """Parse the next piece of the text. Raises Fatal, and any exception of a handler."""
        try:
            self.expat.Parse(piece, final)
        except pyexpat.ExpatError as error:
            raise self._explain(error) from None

    def close(self) -> None:
        """Drop the parser: its handlers are methods of this object, which makes a reference cycle."""
        del self.expat

    def _explain(self, error: pyexpat.ExpatError) -> Fatal:
        offset = self.expat.ErrorByteIndex
        place = offset - self.base
        around = bytes(self.text[place : place + 4])
        try:
            around.decode()
        except UnicodeDecodeError as undecodable:
            # An error after the first character may be an incomplete character.
            if not undecodable.start:
                return Fatal(
                    Code.ENCODING_ERROR,
                    # No reason, since it depends on how much of a stream has arrived.
                    "bytes that are not UTF-8",
                    offset,
                    self.undecodable_hint(),
                )
        if error.code == _UNCLOSED_TOKEN:
            # expat checks the beginning of a CDATA section only after the whole section has arrived.
            null = bytes(self.text[place:]).find(b"\0")
            if null >= 0:
                offset, around = offset + null, b"\0"
        if around.startswith(b"\0"):
            marked = bytes(self.text[:3]) == codecs.BOM_UTF8
            return null_character(offset, len(codecs.BOM_UTF8) if marked else 0)
        reason = pyexpat.ErrorString(error.code)
        message = reason if reason.startswith("not well-formed") else f"not well-formed: {reason}"
        element = None
        if error.code == _DUPLICATE_ATTRIBUTE:
            # Like every finding about an attribute: at the start tag, the last "<" before the error.
            place = _last_less(self.text, place)
            offset = self.base + place
            element = re.compile(_NAME).match(self.text, place)[1].decode()  # type: ignore[index]
        hint = self.page_hint() or _HINTS.get(error.code)
        if around.startswith(_TYPOGRAPHIC_QUOTES):
            hint = _TYPOGRAPHIC_HINT
        return Fatal(Code.NOT_WELL_FORMED, message, offset, hint, element)

    def undecodable_hint(self) -> str | None:
        """Return the hint for bytes that are not UTF-8. It must not depend on the bytes that have arrived."""
        return None

    def page_hint(self) -> str | None:
        """Return the hint for an HTML page, if the text looks like one."""
        return HTML_HINT if not self.base and re.match(_HTML, self.text) else None

    def _doctype(self, name: str, *_: object) -> None:
        hint = HTML_HINT if name.lower() == "html" else None
        # The parser is already inside the declaration.
        prolog = re.match(_PROLOG, self.text)
        offset = 0 if prolog is None else prolog.end()
        raise Fatal(Code.DTD_FORBIDDEN, "a message must not hold a DOCTYPE", offset, hint)

    def _processing_instruction(self, target: str, _data: str) -> None:
        message = f"a message must not hold a processing instruction ({short(target)})"
        raise Fatal(Code.PROCESSING_INSTRUCTION, message, self.expat.CurrentByteIndex)


def _last_less(text: bytes | memoryview, end: int) -> int:
    """Return the offset of the last "<" before `end`."""
    while True:
        start = max(0, end - 65_536)
        found = bytes(text[start:end]).rfind(b"<")
        if found >= 0 or not start:
            return start + found
        end = start


def completes(start_tag: bytes, rest: bytes | memoryview, *, namespaces: bool = False) -> bool:
    """Whether a start tag and the text after it are one well-formed element without a PI.

    With `namespaces`, expat also checks Namespaces in XML: only for a text that `bounds.expands_little`. A
    False may be expat's own, stricter reading.
    """
    # A bare parser, since nearly all texts pass; a DOCTYPE after a start tag is not well-formed anyway.
    expat = pyexpat.ParserCreate("utf-8", "\n" if namespaces else None, intern=None)
    expat.ProcessingInstructionHandler = _refuse
    try:
        expat.Parse(start_tag, False)
        # All the rest at once: expat counts lines after every piece except the last, which takes time.
        expat.Parse(rest, True)
    except (pyexpat.ExpatError, _Refused):
        return False
    return True


class _Refused(Exception):  # noqa: N818 - it is caught as soon as it is raised
    """There is a processing instruction."""


def _refuse(_target: str, _data: str) -> None:
    raise _Refused
