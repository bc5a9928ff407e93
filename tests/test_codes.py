"""Each code about bytes: its position, and the results of decode and validate.

Positions follow the contract, not the code. A finding about an attribute is at the start tag of its element,
one about text after the markup before it, one about a missing Body at the end tag of the Envelope, one about
a byte limit at that limit. The path of a fatal finding is that of the innermost open element outside the
content of the Body, or of the element whose start tag is wrong.
"""

from __future__ import annotations

import codecs
import gzip
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers
from tests.each import each
from xmla_headers import (
    MICROSOFT_BLOCKS,
    RULES,
    SOAP_11_NS,
    SOAP_12_NS,
    XMLA_NS,
    Code,
    DecodeError,
    Direction,
    Envelope,
    Finding,
    HeadCache,
    Limits,
    Severity,
    ValidationError,
    XmlaHeadersError,
    captures,
    decode,
    iter_findings,
    validate,
)
from xmla_headers._xml.raw import certain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SECRET = "SECRET-ID-0123456789"
XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
DSML_NS = "urn:schema-microsoft-com:activedirectory:dsmlv2"

#: Codes that are only about values, so no bytes have them.
ABOUT_VALUES = {
    "schema-violation",
    "unencodable-text",
    "bad-fragment",
    "soap-fault",
    "session-not-granted",
    "session-id-changed",
    "unknown-session",
    "session-used-after-end",
    "session-never-ended",
    "response-without-request",
    "request-without-response",
    "unexpected-session",
    "session-lost",
    "content-type-mismatch",
    "soap-action-mismatch",
    "charset-conflict",
    "session-field-mismatch",
    "not-authenticated",
    "incomplete-answer",
    "broken-capture",
    "unsupported-format",
}
#: Codes of an unreadable document: DecodeError.
FATAL = {
    "not-xml",
    "not-well-formed",
    "encoding-error",
    "dtd-forbidden",
    "processing-instruction",
    "limit-exceeded",
}
WARNINGS = {
    "unqualified-must-understand",
    "unqualified-header-block",
    "unqualified-envelope-attribute",
    "lookalike-header-block",
    "unexpected-attribute",
    "empty-session-id",
    "padded-session-id",
    "ambiguous-session-headers",
    "soap-1.2",
    "fault-without-code",
    "duplicate-fault",
    "fault-beside-content",
    "session-not-granted",
    "session-id-changed",
    "session-never-ended",
    "request-without-response",
    "unexpected-session",
    "session-lost",
    "unsupported-format",
    "content-type-mismatch",
    "soap-action-mismatch",
    "charset-conflict",
    "session-field-mismatch",
    "not-authenticated",
    "incomplete-answer",
}

#: Marks the offset of each expected finding in the texts below. It is removed before they are encoded.
MARK = "¦"


@dataclass(frozen=True)
class At:
    """An expected finding; `mark` is the 0-based index of its mark in the text."""

    code: str
    path: str
    line: int
    column: int
    mark: int = 0
    hint: str | None = None


@dataclass(frozen=True)
class Case:
    name: str
    marked: str
    expected: tuple[At, ...]
    reading: Mapping[str, Any] = field(default_factory=dict)
    #: Whether an XML declaration may be inserted before the text.
    declarable: bool = True
    #: The findings without `deep`; None if they are the same.
    shallow: tuple[At, ...] | None = None


OPEN = f'<s:Envelope xmlns:s="{SOAP_11_NS}">'
X = f'xmlns="{XMLA_NS}"'
W = 'xmlns:w="urn:w"'
ENGINE = 'xmlns="http://schemas.microsoft.com/analysisservices/2003/engine/2"'
ID = f'SessionId="{SECRET}"'
SESSION = f"<Session {X} {ID}/>"
BEGIN = f"<BeginSession {X}/>"
HEADER = "/s:Envelope/s:Header"
FAULT = "/s:Envelope/s:Body/s:Fault"
SOME_FAULT = "<s:Fault><faultcode/></s:Fault>"


def message(blocks: str, body: str = "<s:Body/>") -> str:
    """Return a message whose header blocks begin on line 3."""
    return f"{OPEN}\n<s:Header>\n{blocks}\n</s:Header>\n{body}\n</s:Envelope>"


NESTED = "".join(f"<w:n{depth} {W}>" for depth in range(3))
UNNESTED = "".join(f"</w:n{depth}>" for depth in reversed(range(3)))

CASES = [
    Case(
        "not-well-formed-after-a-lookalike-of-the-end",
        f"{OPEN}<s:Body>\n<![CDATA[</s:Body></s:Envelope>¦",
        (At("not-well-formed", "/s:Envelope/s:Body", 2, 32, hint="cut off"),),
    ),
    Case(
        "not-well-formed-after-the-end-of-an-inner-body",
        f"{OPEN}<s:Body><s:Body>\n</s:Body></¦s:Envelope>",
        (At("not-well-formed", "/s:Envelope/s:Body", 2, 12),),
    ),
    Case(
        "not-well-formed-after-the-body-with-an-inner-one",
        f"{OPEN}<s:Body><s:Body/>\n</s:Body></¦s:envelope>",
        (At("not-well-formed", "/s:Envelope", 2, 12),),
    ),
    Case(
        "not-well-formed-comment-after-the-root",
        f"{OPEN}<s:Body/></s:Envelope>\n<!-- --¦ -->",
        (At("not-well-formed", "/", 2, 8),),
    ),
    Case(
        "not-well-formed-character-in-a-comment-after-the-root",
        f"{OPEN}<s:Body/></s:Envelope>\n<!-- --><!-- ¦\1 -->",
        (At("not-well-formed", "/", 2, 14),),
    ),
    Case(
        "not-well-formed-after-the-root",
        f"{OPEN}<s:Body/></s:Envelope>\n<!-- - -->\n ¦text/",
        (At("not-well-formed", "/", 3, 2),),
    ),
    Case(
        "not-well-formed-after-a-self-closing-root",
        f"<s:Envelope xmlns:s='{SOAP_11_NS}'/>\n¦</s:Envelope",
        (At("not-well-formed", "/", 2, 1),),
    ),
    # -- faults: with `deep` only --------------------------------------------------------------------
    Case(
        "fault-without-code",
        message(
            SESSION, "<s:Body>\n ¦<s:Fault><faultstring/><detail><faultcode/></detail></s:Fault></s:Body>"
        ),
        (At("fault-without-code", f"{FAULT}", 6, 2),),
        shallow=(),
    ),
    Case(
        "fault-without-code-but-in-another-namespace",
        message(SESSION, f"<s:Body>\n¦<s:Fault {X}><faultcode/></s:Fault></s:Body>"),
        (At("fault-without-code", f"{FAULT}", 6, 1),),
        shallow=(),
    ),
    Case(
        "fault-empty",
        message(SESSION, "<s:Body>¦<s:Fault/></s:Body>"),
        (At("fault-without-code", FAULT, 5, 9),),
        shallow=(),
    ),
    Case(
        "fault-with-code",
        message(SESSION, f"<s:Body><s:Fault xmlns='{SOAP_11_NS}'><faultcode/><detail/></s:Fault></s:Body>"),
        (),
    ),
    Case("fault-with-code-in-no-namespace", message(SESSION, f"<s:Body>{SOME_FAULT}</s:Body>"), ()),
    Case("fault-in-no-namespace", message(SESSION, "<s:Body><Fault/><Fault/></s:Body>"), ()),
    Case("fault-below", message(SESSION, "<s:Body><w><s:Fault/><s:Fault/></w></s:Body>"), ()),
    Case(
        "duplicate-fault",
        message(SESSION, f"<s:Body>{SOME_FAULT}\n  ¦{SOME_FAULT}¦{SOME_FAULT}</s:Body>"),
        (
            At("duplicate-fault", f"{FAULT}[2]", 6, 3),
            At("duplicate-fault", f"{FAULT}[3]", 6, 3 + len(SOME_FAULT), 1),
        ),
        shallow=(),
    ),
    Case(
        "fault-before-other-content",
        message(SESSION, f"<s:Body>{SOME_FAULT}\n¦<w:a {W}/><b/></s:Body>"),
        (At("fault-beside-content", "/s:Envelope/s:Body/w:a", 6, 1),),
        shallow=(),
    ),
    Case(
        "fault-after-other-content",
        message(SESSION, f"<s:Body><w:a {W}/><b/>\n¦{SOME_FAULT}</s:Body>"),
        (At("fault-beside-content", FAULT, 6, 1),),
        shallow=(),
    ),
    Case(
        "fault-all-at-once",
        message(SESSION, "<s:Body><b/>¦<s:Fault/>¦<s:Fault/></s:Body>"),
        (
            At("fault-without-code", FAULT, 5, 13),
            At("fault-beside-content", FAULT, 5, 13),
            At("fault-without-code", f"{FAULT}[2]", 5, 23, 1),
            At("duplicate-fault", f"{FAULT}[2]", 5, 23, 1),
        ),
        shallow=(),
    ),
    # -- unreadable ----------------------------------------------------------------------------------
    Case("not-xml-text", f"¦Session {SECRET}", (At("not-xml", "/", 1, 1),), declarable=False),
    Case("not-xml-astral", f"¦🗝 {SECRET}", (At("not-xml", "/", 1, 1),), declarable=False),
    Case(
        "not-xml-after-white-space",
        f"\n\r\n\r \t¦{SECRET}<s/>",
        (At("not-xml", "/", 4, 3),),
        declarable=False,
    ),
    Case(
        "not-well-formed-entity",
        message(f"{SESSION}\n<w:a {W}>🗝é ¦&nope;</w:a>"),
        (At("not-well-formed", f"{HEADER}/w:a", 4, 25, hint="DTD"),),
    ),
    Case(
        "not-well-formed-in-a-second-sibling",
        message(f"{SESSION}\n<w:a {W}/>\n<w:a {W}><w:b/><w:b>¦&nope;</w:b></w:a>"),
        (At("not-well-formed", f"{HEADER}/w:a[2]/w:b[2]", 5, 33),),
    ),
    Case(
        "not-well-formed-in-a-second-sibling-further-down",
        message(f"{SESSION}\n<w:a {W}>\n<w:b><w:c/><w:c>¦&nope;</w:c></w:b></w:a>"),
        (At("not-well-formed", f"{HEADER}/w:a/w:b/w:c[2]", 5, 17),),
    ),
    Case(
        "not-well-formed-in-the-body",
        message(SESSION, "<s:Body>\n<é>🗝</é>¦&nope;</s:Body>"),
        (At("not-well-formed", "/s:Envelope/s:Body", 6, 9),),
    ),
    Case(
        "not-well-formed-cut-off",
        f"{OPEN}\n<s:Header>{SESSION}</s:Header>\r\n<s:Body>🗝¦",
        (At("not-well-formed", "/s:Envelope/s:Body", 3, 10, hint="cut off"),),
    ),
    Case(
        "not-well-formed-cut-off-in-a-tag",
        f"{OPEN}\r<s:Header>{SESSION}</s:Header>\r¦<s:Body",
        (At("not-well-formed", "/s:Envelope", 3, 1, hint="cut off"),),
    ),
    Case(
        "not-well-formed-control-character",
        message(SESSION, "<s:Body>\n🗝¦\x01</s:Body>"),
        (At("not-well-formed", "/s:Envelope/s:Body", 6, 2),),
    ),
    Case(
        "not-well-formed-nul",
        message(f"<!--🗝-->¦\0{SESSION}"),
        (At("not-well-formed", HEADER, 3, 9),),
    ),
    Case(
        "not-well-formed-noncharacter",
        message(SESSION, "<s:Body>¦\ufffe</s:Body>"),
        (At("not-well-formed", "/s:Envelope/s:Body", 5, 9),),
    ),
    Case(
        "not-well-formed-after-the-envelope",
        message(SESSION) + f"\r\n¦{SESSION}",
        (At("not-well-formed", "/", 7, 1),),
    ),
    Case(
        "not-well-formed-version",
        f'¦<?xml version="1.1"?>{message(SESSION)}',
        (At("not-well-formed", "/", 1, 1),),
        declarable=False,
    ),
    Case(
        "not-well-formed-late-declaration",
        f'\n ¦<?xml version="1.0"?>{message(SESSION)}',
        (At("not-well-formed", "/", 2, 2, hint="white space"),),
        declarable=False,
    ),
    Case(
        "not-well-formed-undeclared-prefix",
        message(f"{SESSION}\n ¦<nope:a/>"),
        (At("not-well-formed", f"{HEADER}/nope:a", 4, 2),),
    ),
    Case(
        "not-well-formed-undeclared-prefix-of-an-attribute",
        message(f"<!--🗝-->¦<Session {X} {ID} nope:a=''/>"),
        (At("not-well-formed", f"{HEADER}/Session", 3, 9),),
    ),
    Case(
        "not-well-formed-same-attribute-twice",
        message(f"<!--🗝-->¦<Session {X} {ID}\n{ID}/>"),
        (At("not-well-formed", f"{HEADER}/Session", 3, 9),),
    ),
    Case(
        "not-well-formed-same-expanded-attribute-twice",
        message(f"¦<Session {X} {ID} {W} xmlns:v='urn:w'\nw:a='' v:a=''/>"),
        (At("not-well-formed", f"{HEADER}/Session", 3, 1),),
    ),
    Case(
        "not-well-formed-undeclared-prefix-in-the-body",
        message(SESSION, "<s:Body>\n<a/>¦<nope:a/></s:Body>"),
        (At("not-well-formed", "/s:Envelope/s:Body", 6, 5),),
        shallow=(),
    ),
    Case(
        "encoding-error-declared",
        f"¦<?xml version='1.0' encoding='windows-1252'?>\n{message(SESSION)}",
        (At("encoding-error", "/", 1, 1),),
        declarable=False,
    ),
    Case(
        "encoding-error-transport",
        f"¦{message(SESSION)}",
        (At("encoding-error", "/", 1, 1),),
        {"encoding": "windows-1252"},
        declarable=False,
    ),
    Case(
        "dtd-forbidden",
        f"<!--🗝-->\r¦<!DOCTYPE Session>\n{message(SESSION)}",
        (At("dtd-forbidden", "/", 2, 1),),
    ),
    Case(
        "dtd-forbidden-entities",
        f"\r\n <!--é-->¦<!DOCTYPE a [<!ENTITY b '{SECRET}'>]>\n{message('&b;')}",
        (At("dtd-forbidden", "/", 2, 10),),
        declarable=False,
    ),
    Case(
        "dtd-forbidden-external",
        f"¦<!DOCTYPE a SYSTEM 'file:///{SECRET}'>\n{message(SESSION)}",
        (At("dtd-forbidden", "/", 1, 1),),
    ),
    Case(
        "dtd-forbidden-html",
        f"¦<!DOCTYPE html>\n<html><body>{SECRET}</body></html>",
        (At("dtd-forbidden", "/", 1, 1, hint="HTML"),),
    ),
    Case(
        "processing-instruction-before",
        f"<!--🗝-->¦<?a {SECRET}?>\n{message(SESSION)}",
        (At("processing-instruction", "/", 1, 9),),
    ),
    Case(
        "processing-instruction-in-the-envelope",
        f"{OPEN}\r\n\r ¦<?a {SECRET}?><s:Body/></s:Envelope>",
        (At("processing-instruction", "/s:Envelope", 3, 2),),
    ),
    Case(
        "processing-instruction-in-a-block",
        message(f"{SESSION}\n<w:a {W}>🗝<w:b>¦<?a {SECRET}?></w:b></w:a>"),
        (At("processing-instruction", f"{HEADER}/w:a/w:b", 4, 28),),
    ),
    Case(
        "processing-instruction-in-the-body",
        message(SESSION, f"<s:Body>\n<a>¦<?a {SECRET}?></a></s:Body>"),
        (At("processing-instruction", "/s:Envelope/s:Body", 6, 4),),
    ),
    Case(
        "processing-instruction-after",
        message(SESSION) + f"\n¦<?a {SECRET}?>",
        (At("processing-instruction", "/", 7, 1),),
    ),
    Case(
        "limit-exceeded-blocks",
        message(f"{SESSION}\n<w:a {W}/>¦<w:a {W}/>"),
        (At("limit-exceeded", f"{HEADER}/w:a[2]", 4, 23, hint="max_header_blocks"),),
        {"limits": Limits(max_header_blocks=2)},
    ),
    Case(
        "limit-exceeded-depth",
        message(f"{SESSION}{NESTED}\n ¦<w:n/>{UNNESTED}"),
        (At("limit-exceeded", f"{HEADER}/w:n0/w:n1/w:n2", 4, 2, hint="max_depth"),),
        {"limits": Limits(max_depth=5)},
    ),
    Case(
        "limit-exceeded-depth-in-the-body",
        message(SESSION, f"<s:Body>{NESTED}\n🗝¦<w:n/>{UNNESTED}</s:Body>"),
        (At("limit-exceeded", "/s:Envelope/s:Body", 6, 2, hint="max_depth"),),
        {"limits": Limits(max_depth=5)},
        shallow=(),
    ),
    Case(
        "limit-exceeded-attributes",
        message(f"{SESSION}\n ¦<w:a {W}\na='' b='' c=''/>"),
        (At("limit-exceeded", HEADER, 4, 2, hint="max_attributes"),),
        {"limits": Limits(max_attributes=3)},
    ),
    Case(
        "limit-exceeded-attributes-in-the-body",
        message(SESSION, "<s:Body>\n<a/>¦<a a='' b='' c='' d=''/></s:Body>"),
        (At("limit-exceeded", "/s:Envelope/s:Body", 6, 5, hint="max_attributes"),),
        {"limits": Limits(max_attributes=3)},
        shallow=(),
    ),
    Case(
        "limit-exceeded-element-name",
        message(f"{SESSION}\n ¦<{'é' * 51}/>"),
        (At("limit-exceeded", HEADER, 4, 2, hint="max_name_length"),),
        {"limits": Limits(max_name_length=50)},
    ),
    Case(
        "limit-exceeded-attribute-name",
        message(f"{SESSION}\n<w:b {W}/> ¦<w:a {W}\n{'a' * 51}=''/>"),
        (At("limit-exceeded", HEADER, 4, 24, hint="max_name_length"),),
        {"limits": Limits(max_name_length=50)},
    ),
    Case(
        "limit-exceeded-namespace-name",
        message(f"{SESSION}\n<!--é-->¦<w:a xmlns:w='{'a' * 51}'/>"),
        (At("limit-exceeded", HEADER, 4, 9, hint="max_name_length"),),
        {"limits": Limits(max_name_length=50)},
    ),
    # -- not a SOAP message --------------------------------------------------------------------------
    Case(
        "not-an-envelope",
        f"<!--🗝-->\n<!--é-->¦{SESSION}",
        (At("not-an-envelope", "/Session", 2, 9),),
    ),
    Case(
        "not-an-envelope-case",
        f"¦<s:envelope xmlns:s='{SOAP_11_NS}'>{SECRET}<s:Header/><s:Header/></s:envelope>",
        (At("not-an-envelope", "/s:envelope", 1, 1),),
    ),
    Case(
        "not-an-envelope-html",
        f"¦<html><body>{SECRET}</body></html>",
        (At("not-an-envelope", "/html", 1, 1, hint="HTML"),),
    ),
    Case(
        "not-an-envelope-is-read-to-its-end",
        f"¦<html>\n<br/>¦<?a {SECRET}?></html>",
        (At("not-an-envelope", "/html", 1, 1), At("processing-instruction", "/html", 2, 6, 1)),
    ),
    Case(
        "wrong-soap-namespace-unknown",
        f"¦<Envelope xmlns='urn:{SECRET}'>text<Header/></Envelope>",
        (At("wrong-soap-namespace", "/Envelope", 1, 1, hint=SOAP_11_NS),),
    ),
    Case(
        "wrong-soap-namespace-none",
        "\r\n\r\n ¦<Envelope a=''/>",
        (At("wrong-soap-namespace", "/Envelope", 3, 2),),
        declarable=False,
    ),
    Case(
        "wrong-soap-namespace-https",
        f"¦<s:Envelope xmlns:s='{SOAP_11_NS.replace('http:', 'https:')}'/>",
        (At("wrong-soap-namespace", "/s:Envelope", 1, 1, hint="http://"),),
    ),
    Case(
        "wrong-soap-namespace-slash",
        f"¦<s:Envelope xmlns:s='{SOAP_11_NS[:-1]}'/>",
        (At("wrong-soap-namespace", "/s:Envelope", 1, 1, hint="slash"),),
    ),
    Case(
        "wrong-soap-namespace-1.2-slash",
        f"¦<s:Envelope xmlns:s='{SOAP_12_NS}/'/>",
        (At("wrong-soap-namespace", "/s:Envelope", 1, 1, hint="slash"),),
    ),
    Case(
        "wrong-soap-namespace-is-read-to-its-end",
        f"¦<Envelope>\n🗝{SECRET}¦&nope;</Envelope>",
        (
            At("wrong-soap-namespace", "/Envelope", 1, 1),
            At("not-well-formed", "/Envelope", 2, 2 + len(SECRET), 1),
        ),
    ),
    # -- the skeleton --------------------------------------------------------------------------------
    Case(
        "misplaced-header",
        f"{OPEN}\r\n<s:Body>🗝</s:Body>¦<s:Header>{SESSION}</s:Header></s:Envelope>",
        (At("misplaced-header", HEADER, 2, 19),),
    ),
    Case(
        "duplicate-header",
        f"{OPEN}\n<s:Header>{SESSION}</s:Header>\n<!--é🗝-->¦<s:Header/><s:Body/></s:Envelope>",
        (At("duplicate-header", f"{HEADER}[2]", 3, 10),),
    ),
    Case(
        "duplicate-header-under-another-prefix",
        f"{OPEN}<s:Header/>\r¦<t:Header xmlns:t='{SOAP_11_NS}'/><s:Body/></s:Envelope>",
        (At("duplicate-header", "/s:Envelope/t:Header", 2, 1),),
    ),
    Case(
        "duplicate-body",
        f"{OPEN}\n<s:Body>🗝</s:Body>\n ¦<s:Body/>\n¦<s:Body>{SECRET}</s:Body></s:Envelope>",
        (
            At("duplicate-body", "/s:Envelope/s:Body[2]", 3, 2),
            At("duplicate-body", "/s:Envelope/s:Body[3]", 4, 1, 1),
        ),
    ),
    Case(
        "missing-body",
        f"{OPEN}\n<s:Header>{SESSION}</s:Header>\r\n<!--🗝-->¦</s:Envelope>",
        (At("missing-body", "/s:Envelope", 3, 9),),
    ),
    Case(
        "missing-body-of-an-empty-envelope",
        f"{OPEN}\n¦</s:Envelope>",
        (At("missing-body", "/s:Envelope", 2, 1),),
    ),
    Case(
        "missing-body-of-an-envelope-with-a-comment",
        f"{OPEN}\n<!-- <s:Body/> -->¦</s:Envelope>",
        (At("missing-body", "/s:Envelope", 2, 19),),
    ),
    Case(
        "missing-body-of-an-envelope-with-text",
        f"{OPEN}¦\n{SECRET}\n¦</s:Envelope>",
        (
            At("unexpected-text", "/s:Envelope", 1, len(OPEN) + 1),
            At("missing-body", "/s:Envelope", 3, 1, 1),
        ),
    ),
    # There is no end tag whose offset the finding could have.
    Case(
        "missing-body-of-a-self-closing-envelope",
        f"<!--é-->\n ¦<s:Envelope xmlns:s='{SOAP_11_NS}'/>",
        (At("missing-body", "/s:Envelope", 2, 2),),
    ),
    Case(
        "missing-body-inside-the-header",
        f"{OPEN}\n<s:Header>¦<s:Body/></s:Header>¦</s:Envelope>",
        (At("missing-body", "/s:Envelope", 2, 31, 1),),
    ),
    Case(
        "unexpected-element",
        f"{OPEN}\n<s:Header/>\n<!--🗝-->¦<w:a {W}/>\n¦<w:a {W}>{SECRET}</w:a><s:Body/></s:Envelope>",
        (
            At("unexpected-element", "/s:Envelope/w:a", 3, 9),
            At("unexpected-element", "/s:Envelope/w:a[2]", 4, 1, 1),
        ),
    ),
    Case(
        "unexpected-element-body-of-another-namespace",
        f"{OPEN}\r\n¦<Body/>\r\n<s:Body/></s:Envelope>",
        (At("unexpected-element", "/s:Envelope/Body", 2, 1, hint="namespace"),),
    ),
    Case(
        "unexpected-element-fault",
        f"{OPEN}\n ¦<s:Fault/>\r\n<s:Body/></s:Envelope>",
        (At("unexpected-element", "/s:Envelope/s:Fault", 2, 2, hint="Body"),),
    ),
    Case(
        "element-after-body",
        f"{OPEN}\n<s:Body>\n🗝</s:Body>\r¦<w:a {W}/>¦<w:a {W}>{SECRET}</w:a></s:Envelope>",
        (
            At("element-after-body", "/s:Envelope/w:a", 4, 1),
            At("element-after-body", "/s:Envelope/w:a[2]", 4, 23, 1),
        ),
    ),
    Case(
        "unexpected-text-in-the-envelope",
        f"{OPEN}\n<s:Header/>¦\n🗝 {SECRET}<s:Body/></s:Envelope>",
        (At("unexpected-text", "/s:Envelope", 2, 12),),
    ),
    Case(
        "unexpected-text-after-the-body",
        f"{OPEN}\r\n<s:Body>🗝</s:Body>¦  \r\n {SECRET}</s:Envelope>",
        (At("unexpected-text", "/s:Envelope", 2, 19),),
    ),
    Case(
        "unexpected-text-in-the-header",
        f"{OPEN}\n<s:Header>¦\r\n\r {SECRET}{SESSION}¦\n🗝</s:Header><s:Body/></s:Envelope>",
        (
            At("unexpected-text", HEADER, 2, 11),
            At("unexpected-text", HEADER, 4, 2 + len(SECRET + SESSION), 1),
        ),
    ),
    Case(
        "unexpected-text-after-a-comment",
        message(f"<!--🗝-->¦\n{SECRET}{SESSION}"),
        (At("unexpected-text", HEADER, 3, 9),),
    ),
    # XML 1.0 §2.4 counts the delimiters of a CDATA section and references as markup.
    Case(
        "unexpected-text-in-cdata",
        message(f"<![CDATA[¦ {SECRET}]]>{SESSION}"),
        (At("unexpected-text", HEADER, 3, 10),),
    ),
    Case(
        "unexpected-text-reference",
        f"{OPEN}<s:Header>\n{SESSION}¦ &#65;{SECRET}</s:Header><s:Body/></s:Envelope>",
        (At("unexpected-text", HEADER, 2, 1 + len(SESSION)),),
    ),
    # -- session headers -----------------------------------------------------------------------------
    Case(
        "duplicate-header-block",
        message(f"{SESSION}\n<!--🗝é-->¦{SESSION}\r\n¦{SESSION}"),
        (
            At("duplicate-header-block", f"{HEADER}/Session[2]", 4, 10),
            At("duplicate-header-block", f"{HEADER}/Session[3]", 5, 1, 1),
        ),
    ),
    Case(
        "duplicate-header-block-under-another-prefix",
        message(f"{SESSION}\n¦<x:Session xmlns:x='{XMLA_NS}' {ID}/>"),
        (At("duplicate-header-block", f"{HEADER}/x:Session", 4, 1),),
    ),
    Case(
        "missing-attribute",
        message(f"<!--🗝--> ¦<Session\r\n{X}/>"),
        (At("missing-attribute", f"{HEADER}/Session/@SessionId", 3, 10),),
    ),
    Case(
        "missing-attribute-of-end-session",
        message(f"\r¦<x:EndSession xmlns:x='{XMLA_NS}'/>"),
        (At("missing-attribute", f"{HEADER}/x:EndSession/@SessionId", 4, 1),),
    ),
    Case(
        "missing-attribute-case",
        message(f"¦<Session {X} SessionID='{SECRET}'/>"),
        (
            At("missing-attribute", f"{HEADER}/Session/@SessionId", 3, 1, hint="SessionId"),
            At("unexpected-attribute", f"{HEADER}/Session/@SessionID", 3, 1),
        ),
    ),
    Case(
        "missing-attribute-namespace",
        message(f"¦<x:Session xmlns:x='{XMLA_NS}' x:SessionId='{SECRET}'/>"),
        (
            At("missing-attribute", f"{HEADER}/x:Session/@SessionId", 3, 1, hint="namespace"),
            At("unexpected-attribute", f"{HEADER}/x:Session/@x:SessionId", 3, 1),
        ),
    ),
    Case(
        "unexpected-content-child",
        message(f"¦<Session {X}>\n¦<SessionId>{SECRET}</SessionId></Session>"),
        (
            At("missing-attribute", f"{HEADER}/Session/@SessionId", 3, 1, hint="not a child"),
            At("unexpected-content", f"{HEADER}/Session/SessionId", 4, 1, 1),
        ),
    ),
    Case(
        "unexpected-content-children",
        message(f"<Session {X} {ID}>\r¦<a/>\r\n ¦<a>{SECRET}</a></Session>"),
        (
            At("unexpected-content", f"{HEADER}/Session/a", 4, 1),
            At("unexpected-content", f"{HEADER}/Session/a[2]", 5, 2, 1),
        ),
    ),
    Case(
        "unexpected-content-text",
        message(f"<BeginSession\n{X}>¦\r\n 🗝 {SECRET}</BeginSession>"),
        (At("unexpected-content", f"{HEADER}/BeginSession", 4, 2 + len(X)),),
    ),
    Case(
        "invalid-value-attribute",
        message(f"\n ¦<Version {ENGINE} Sequence='{SECRET}'/>"),
        (At("invalid-value", f"{HEADER}/Version/@Sequence", 4, 2),),
        {"types": MICROSOFT_BLOCKS},
    ),
    Case(
        "invalid-must-understand-qualified",
        message(f"<!--é🗝-->¦<Session {X} {ID} s:mustUnderstand='{SECRET}'/>"),
        (At("invalid-must-understand", f"{HEADER}/Session/@s:mustUnderstand", 3, 10),),
    ),
    Case(
        "invalid-must-understand-on-an-unknown-block",
        message(f"{SESSION}\r\n ¦<w:a {W} s:mustUnderstand='true'/>"),
        (At("invalid-must-understand", f"{HEADER}/w:a/@s:mustUnderstand", 4, 2),),
    ),
    Case(
        "invalid-must-understand-unqualified",
        message(f"\n¦<Session {X} {ID} mustUnderstand='true'/>"),
        (
            At("invalid-must-understand", f"{HEADER}/Session/@mustUnderstand", 4, 1),
            At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 4, 1),
        ),
    ),
    Case(
        "invalid-must-understand-soap-1.2",
        f"¦<s:Envelope xmlns:s='{SOAP_12_NS}'>\n<s:Header>\n"
        f"¦<Session {X} {ID} s:mustUnderstand='True'/></s:Header><s:Body/></s:Envelope>",
        (
            At("soap-1.2", "/s:Envelope", 1, 1),
            At("invalid-must-understand", f"{HEADER}/Session/@s:mustUnderstand", 3, 1, 1),
        ),
    ),
    Case(
        "conflicting-must-understand",
        message(f" ¦<Session {X} {ID} mustUnderstand='1' s:mustUnderstand='0'/>"),
        (
            At("conflicting-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 2),
            At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 2),
        ),
    ),
    Case(
        "wrong-direction",
        message(f"¦{BEGIN}"),
        (At("wrong-direction", f"{HEADER}/BeginSession", 3, 1),),
        {"direction": Direction.RESPONSE},
    ),
    Case(
        "wrong-direction-end-session",
        message(f"<!--🗝-->¦<x:EndSession xmlns:x='{XMLA_NS}' {ID}/>"),
        (At("wrong-direction", f"{HEADER}/x:EndSession", 3, 9),),
        {"direction": Direction.RESPONSE},
    ),
    # -- warnings ------------------------------------------------------------------------------------
    Case(
        "unqualified-must-understand",
        message(f"<!--🗝é-->\r ¦<Session {X} {ID} mustUnderstand='1'/>"),
        (At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 4, 2),),
    ),
    Case(
        "unqualified-must-understand-beside-the-qualified-one",
        message(f"¦<Session {X} {ID} s:mustUnderstand='1' mustUnderstand=' +01 '/>"),
        (At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 1),),
    ),
    Case(
        "unqualified-header-block",
        message(
            f"{SESSION}\r\n<!--🗝-->¦<BeginGetSessionToken/>\n¦<BeginGetSessionToken>{SECRET}</BeginGetSessionToken>"
        ),
        (
            At("unqualified-header-block", f"{HEADER}/BeginGetSessionToken", 4, 9),
            At("unqualified-header-block", f"{HEADER}/BeginGetSessionToken[2]", 5, 1, 1),
        ),
    ),
    Case(
        "unqualified-envelope-attribute",
        f"<!--🗝-->\n ¦<s:Envelope xmlns:s='{SOAP_11_NS}'\nencodingStyle='{SECRET}' é=''>"
        f"<s:Header>{SESSION}</s:Header><s:Body/></s:Envelope>",
        (
            At("unqualified-envelope-attribute", "/s:Envelope/@encodingStyle", 2, 2),
            At("unqualified-envelope-attribute", "/s:Envelope/@é", 2, 2),
        ),
    ),
    Case(
        "lookalike-header-block-case",
        message(f"<!--é-->¦<session {X} {ID}/>"),
        (At("lookalike-header-block", f"{HEADER}/session", 3, 9, hint="Session"),),
    ),
    Case(
        "lookalike-header-block-namespace",
        message(f"\r\n¦<d:EndSession xmlns:d='{DSML_NS}' d:SessionID='{SECRET}'/>"),
        (At("lookalike-header-block", f"{HEADER}/d:EndSession", 4, 1),),
    ),
    Case(
        "lookalike-header-block-no-namespace",
        message(f"¦<Session {ID}/>"),
        (
            At("unqualified-header-block", f"{HEADER}/Session", 3, 1),
            At("lookalike-header-block", f"{HEADER}/Session", 3, 1, hint=XMLA_NS),
        ),
    ),
    Case(
        "unexpected-attribute",
        message(f"<!--🗝-->¦<Session {X}\n{ID}\nSession='{SECRET}' Id=''/>"),
        (
            At("unexpected-attribute", f"{HEADER}/Session/@Session", 3, 9),
            At("unexpected-attribute", f"{HEADER}/Session/@Id", 3, 9),
        ),
    ),
    Case(
        "unexpected-attribute-in-the-xmla-namespace",
        message(f"¦<x:BeginSession xmlns:x='{XMLA_NS}' x:SessionId='{SECRET}'/>"),
        (At("unexpected-attribute", f"{HEADER}/x:BeginSession/@x:SessionId", 3, 1),),
    ),
    Case(
        "unexpected-attribute-xsi",
        message(f"\r ¦<BeginSession {X} xmlns:xsi='{XSI_NS}' xsi:type='{SECRET}'/>"),
        (At("unexpected-attribute", f"{HEADER}/BeginSession/@xsi:type", 4, 2),),
    ),
    Case(
        "empty-session-id",
        message(f"<w:a {W}>{SECRET}</w:a>\r\n<!--é🗝--> ¦<Session {X} SessionId=''/>"),
        (At("empty-session-id", f"{HEADER}/Session/@SessionId", 4, 11),),
    ),
    *(
        Case(
            f"padded-session-id-{name}",
            message(f"<w:a {W}>{SECRET}</w:a>\r\n<!--é🗝--> ¦<{block} {X} SessionId='{value}'/>"),
            (At("padded-session-id", f"{HEADER}/{block}/@SessionId", 4, 11, hint="exactly"),),
        )
        for block, name, value in (
            ("Session", "space-before", f" {SECRET}"),
            ("EndSession", "space-after", f"{SECRET} "),
            ("Session", "tab", f"\t{SECRET}"),
            ("EndSession", "line-end", f"{SECRET}\r\n"),
            ("Session", "references", f"&#x20;{SECRET}&#10;"),
            ("EndSession", "tab-reference", f"{SECRET}&#9;"),
            ("Session", "carriage-return-reference", f"&#xD;{SECRET}"),
            ("Session", "white-space-only", " \n"),
        )
    ),
    Case(
        "padded-session-id-soap-1.2",
        f"¦<s:Envelope xmlns:s='{SOAP_12_NS}'><s:Header>\n¦<Session {X} SessionId='{SECRET}&#9;'/>"
        "</s:Header><s:Body/></s:Envelope>",
        (
            At("soap-1.2", "/s:Envelope", 1, 1),
            At("padded-session-id", f"{HEADER}/Session/@SessionId", 2, 1, 1),
        ),
    ),
    Case(
        "ambiguous-session-headers",
        message(f"{SESSION}\n<w:a {W}/>\r\n <!--🗝-->¦{BEGIN}"),
        (At("ambiguous-session-headers", f"{HEADER}/BeginSession", 5, 10),),
    ),
    Case(
        "soap-1.2",
        f"\r\n<!--🗝-->¦<s:Envelope xmlns:s='{SOAP_12_NS}'><s:Header>"
        f"<Session {X} {ID} s:mustUnderstand='true'/></s:Header><s:Body/></s:Envelope>",
        (At("soap-1.2", "/s:Envelope", 2, 9),),
        declarable=False,
    ),
    # -- several ------------------------------------------------------------------------------------
    Case(
        "by-offset-then-in-catalogue-order-fatal-last",
        f"¦<s:Envelope xmlns:s='{SOAP_12_NS}' a=''>¦{SECRET}\n<s:Header>\n"
        f"¦<Session {X} SessionID='' mustUnderstand='2'/>\n¦<Session {X} SessionId=''/>\n"
        f"¦{BEGIN}¦🗝</s:Header>\n¦<w:a {W}/><s:Body>\n¦<?a?></s:Body></s:Envelope>",
        (
            At("unqualified-envelope-attribute", "/s:Envelope/@a", 1, 1),
            At("soap-1.2", "/s:Envelope", 1, 1),
            At("unexpected-text", "/s:Envelope", 1, 68, 1),
            At("missing-attribute", f"{HEADER}/Session/@SessionId", 3, 1, 2),
            At("invalid-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 1, 2),
            At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 1, 2),
            At("unexpected-attribute", f"{HEADER}/Session/@SessionID", 3, 1, 2),
            At("duplicate-header-block", f"{HEADER}/Session[2]", 4, 1, 3),
            At("empty-session-id", f"{HEADER}/Session[2]/@SessionId", 4, 1, 3),
            At("ambiguous-session-headers", f"{HEADER}/BeginSession", 5, 1, 4),
            At("unexpected-text", HEADER, 5, len(BEGIN) + 1, 5),
            At("unexpected-element", "/s:Envelope/w:a", 6, 1, 6),
            At("processing-instruction", "/s:Envelope/s:Body", 7, 1, 7),
        ),
    ),
    Case(
        "warnings-before-an-error",
        message(f"¦<Session {X} {ID} mustUnderstand='1'/>\n¦<a/>", f"<s:Body>{SECRET}</s:Body>\n¦<w:a {W}/>"),
        (
            At("unqualified-must-understand", f"{HEADER}/Session/@mustUnderstand", 3, 1),
            At("unqualified-header-block", f"{HEADER}/a", 4, 1, 1),
            At("element-after-body", "/s:Envelope/w:a", 7, 1, 2),
        ),
    ),
]

#: Name -> byte order mark, Python's name of the encoding, XML declaration.
ENCODINGS = {
    "utf-8": (b"", "utf-8", ""),
    "utf-8-mark": (codecs.BOM_UTF8, "utf-8", ""),
    "utf-16-le": (codecs.BOM_UTF16_LE, "utf-16-le", ""),
    "utf-16-be": (codecs.BOM_UTF16_BE, "utf-16-be", ""),
    "iso-8859-1": (b"", "iso-8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?>\n"),
}


Outcome = tuple[str, str | None, int | None, int | None, int | None]


@dataclass(frozen=True)
class Sample:
    """Bytes, the reading arguments, and (code, path, line, column, offset) of each finding."""

    data: bytes
    reading: Mapping[str, Any]
    deep: tuple[Outcome, ...]
    shallow: tuple[Outcome, ...]
    #: Texts in the hints of the deep findings.
    hints: tuple[str | None, ...]

    def verdicts(self) -> Iterator[tuple[dict[str, Any], tuple[Outcome, ...]]]:
        """Yield the arguments with and without `deep`, each with the expected findings."""
        yield {**self.reading, "deep": True}, self.deep
        yield {**self.reading, "deep": False}, self.shallow

    @property
    def codes(self) -> set[str]:
        return {code for code, *_ in self.deep}


def sample(case: Case, encoding: str) -> Sample:
    mark, codec, declaration = ENCODINGS[encoding]
    pieces = (declaration + case.marked).split(MARK)
    text = "".join(pieces)
    indexes = [sum(map(len, pieces[: count + 1])) for count in range(len(pieces) - 1)]

    def outcomes(expected: tuple[At, ...]) -> tuple[Outcome, ...]:
        return tuple(
            (
                at.code,
                at.path,
                at.line + declaration.count("\n"),
                at.column,
                len(mark) + len(text[: indexes[at.mark]].encode(codec)),
            )
            for at in expected
        )

    shallow = case.expected if case.shallow is None else case.shallow
    hints = tuple(at.hint for at in case.expected)
    return Sample(mark + text.encode(codec), case.reading, outcomes(case.expected), outcomes(shallow), hints)


def samples(*encodings: str) -> list[Any]:
    """Return a parameter for each case in each encoding that has its characters."""
    found = []
    for case in CASES:
        for encoding in encodings:
            _, codec, declaration = ENCODINGS[encoding]
            if declaration and not (case.declarable and fits(case.marked.replace(MARK, ""), codec)):
                continue
            found.append(pytest.param(sample(case, encoding), id=f"{case.name}-{encoding}"))
    return found


def fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


# -- cases of one encoding -----------------------------------------------------------------------------


def raw(
    name: str,
    data: bytes,
    code: str,
    place: tuple[int, int, int],
    *,
    path: str = "/",
    hint: str | None = None,
    **reading: Any,
) -> Any:
    """Return a parameter for bytes with one finding at (line, column, offset)."""
    expected = ((code, path, *place),)
    return pytest.param(Sample(data, reading, expected, expected, (hint,)), id=name)


PLAIN = message(SESSION).encode()
IN_HEADER = OPEN.encode() + b"\n<s:Header>\n"
IN_BODY = message(SESSION, "<s:Body>").partition("\n</s:Envelope>")[0].encode()
XPRESS_BLOCK = struct.pack("<II", 4096, 300) + bytes(range(200, 256)) * 6
#: DIME: version 1, message begin and end, type given by a media type; no options, no id, 8 bytes of type.
DIME_RECORD = bytes((0x0E, 0x10)) + struct.pack(">HHHI", 0, 0, 8, len(PLAIN)) + b"text/xml" + PLAIN

SAMPLES_OF_BYTES = [
    raw("empty", b"", "not-xml", (1, 1, 0)),
    raw("utf-8-mark-only", codecs.BOM_UTF8, "not-xml", (1, 1, 3)),
    raw("utf-16-mark-only", codecs.BOM_UTF16_LE, "not-xml", (1, 1, 2)),
    raw("white-space-only", b" \r\n\t\n", "not-xml", (1, 1, 0)),
    raw("gzip", gzip.compress(PLAIN, mtime=0), "not-xml", (1, 1, 0), hint="gzip"),
    raw(
        "utf-32-le",
        codecs.BOM_UTF32_LE + PLAIN.decode().encode("utf-32-le"),
        "not-xml",
        (1, 1, 0),
        hint="UTF-32",
    ),
    raw(
        "utf-32-be",
        codecs.BOM_UTF32_BE + PLAIN.decode().encode("utf-32-be"),
        "not-xml",
        (1, 1, 0),
        hint="UTF-32",
    ),
    raw("utf-32-le-without-mark", PLAIN.decode().encode("utf-32-le"), "not-xml", (1, 1, 0)),
    raw("utf-32-be-without-mark", PLAIN.decode().encode("utf-32-be"), "not-xml", (1, 1, 0)),
    raw(
        "ms-binxml",
        b"\xdf\xff\x01\xb0\x04\xf0\x01\xb0" + SECRET.encode(),
        "not-xml",
        (1, 1, 0),
        hint="MS-BINXML",
    ),
    raw("xpress", XPRESS_BLOCK, "not-xml", (1, 1, 0), hint="XPRESS"),
    raw("dime", DIME_RECORD, "not-xml", (1, 1, 0), hint="DIME"),
    raw("nuls", bytes(64), "not-xml", (1, 1, 0), hint="binary"),
    raw("zip", b"PK\x03\x04" + bytes(26), "not-xml", (1, 1, 0)),
    raw("request-line", b"POST /xmla HTTP/1.1\r\n\r\n" + PLAIN, "not-xml", (1, 1, 0), hint="HTTP"),
    raw("status-line", b"HTTP/1.1 200 OK\r\n\r\n" + PLAIN, "not-xml", (1, 1, 0), hint="HTTP"),
    raw("json-object", f'{{"SessionId": "{SECRET}"}}'.encode(), "not-xml", (1, 1, 0), hint="JSON"),
    raw("json-array", f'["{SECRET}"]'.encode(), "not-xml", (1, 1, 0), hint="JSON"),
    raw("latin-1-text", b"\xe9\xe9", "not-xml", (1, 1, 0)),
    raw(
        "html-page",
        f"\r\n<!DOCTYPE html>\r\n<html><body>{SECRET}".encode(),
        "dtd-forbidden",
        (2, 1, 2),
        hint="HTML",
    ),
    raw(
        "html-page-without-doctype",
        f"<HTML>{SECRET}</HTML>".encode(),
        "not-an-envelope",
        (1, 1, 0),
        path="/HTML",
        hint="HTML",
    ),
    raw(
        "no-utf-8-in-the-header",
        IN_HEADER + "<!--🗝".encode() + b"\xe9-->" + SESSION.encode(),
        "encoding-error",
        (3, 6, len(IN_HEADER) + 8),
        path=HEADER,
    ),
    raw(
        "no-utf-8-in-a-value",
        IN_HEADER + f'<Session {X} SessionId="{SECRET}'.encode() + b'\xff"/>',
        "encoding-error",
        (
            3,
            len(f'<Session {X} SessionId="{SECRET}') + 1,
            len(IN_HEADER) + len(f'<Session {X} SessionId="{SECRET}'),
        ),
        path=HEADER,
    ),
    raw(
        "no-utf-8-in-the-body",
        IN_BODY + b"\r\n\xc3\xa9\xc0\x80",
        "encoding-error",
        (6, 2, len(IN_BODY) + 4),
        path="/s:Envelope/s:Body",
    ),
    raw(
        "surrogates-in-utf-8",
        IN_BODY + b"\xed\xa0\xbd",
        "encoding-error",
        (5, 9, len(IN_BODY)),
        path="/s:Envelope/s:Body",
    ),
    raw(
        "utf-16-le-without-mark",
        PLAIN.decode().encode("utf-16-le"),
        "encoding-error",
        (1, 1, 0),
        hint="byte order mark",
    ),
    raw(
        "utf-16-be-without-mark",
        PLAIN.decode().encode("utf-16-be"),
        "encoding-error",
        (1, 1, 0),
        hint="byte order mark",
    ),
    raw("utf-16-by-transport-only", PLAIN, "encoding-error", (1, 1, 0), encoding="utf-16"),
    raw(
        "utf-16-declared-only",
        b"<?xml version='1.0' encoding='UTF-16'?>" + PLAIN,
        "encoding-error",
        (1, 1, 0),
    ),
    raw(
        "transport-against-the-mark", codecs.BOM_UTF8 + PLAIN, "encoding-error", (1, 1, 3), encoding="utf-16"
    ),
    raw("no-such-transport-encoding", PLAIN, "encoding-error", (1, 1, 0), encoding="no-such-encoding"),
    raw(
        "lone-surrogate-in-utf-16",
        codecs.BOM_UTF16_BE + IN_BODY.decode().encode("utf-16-be") + b"\xd8\x3d\xdd\x11\xd8\x00\x00\x41",
        "encoding-error",
        (5, 10, 2 + 2 * len(IN_BODY) + 4),
        path="/s:Envelope/s:Body",
    ),
    raw(
        "half-a-unit-of-utf-16",
        codecs.BOM_UTF16_LE + PLAIN.decode().encode("utf-16-le") + b"\n",
        "encoding-error",
        (6, len("</s:Envelope>") + 1, 2 + 2 * len(PLAIN)),
    ),
    raw(
        "no-ascii",
        b"<?xml version='1.0' encoding='US-ASCII'?>" + IN_BODY + b"\r\xe9",
        "encoding-error",
        (6, 1, len(b"<?xml version='1.0' encoding='US-ASCII'?>" + IN_BODY) + 1),
        path="/s:Envelope/s:Body",
    ),
    # The limit is at this byte.
    raw(
        "message-bytes",
        PLAIN,
        "limit-exceeded",
        (3, 5, len(IN_HEADER) + 4),
        path=HEADER,
        hint="max_message_bytes",
        limits=Limits(max_message_bytes=len(IN_HEADER) + 4),
    ),
    raw(
        "message-bytes-utf-16",
        codecs.BOM_UTF16_LE + PLAIN.decode().encode("utf-16-le"),
        "limit-exceeded",
        (3, 5, 2 + 2 * len(IN_HEADER) + 8),
        path=HEADER,
        hint="max_message_bytes",
        limits=Limits(max_message_bytes=2 + 2 * len(IN_HEADER) + 8),
    ),
    raw(
        "header-bytes",
        PLAIN,
        "limit-exceeded",
        (3, 5, len(IN_HEADER) + 4),
        path=HEADER,
        hint="max_header_bytes",
        limits=Limits(max_header_bytes=len(IN_HEADER) + 4),
    ),
    # The limit counts UTF-8, so an é is two bytes in any encoding of the message.
    raw(
        "header-bytes-utf-16",
        codecs.BOM_UTF16_BE + message(f"<!--é-->{SESSION}").encode("utf-16-be"),
        "limit-exceeded",
        (3, 10, 2 + 2 * (len(IN_HEADER) + 9)),
        path=HEADER,
        hint="max_header_bytes",
        limits=Limits(max_header_bytes=len(IN_HEADER) + 10),
    ),
]

SAMPLES = samples(*ENCODINGS) + SAMPLES_OF_BYTES
#: One encoding that the parser reads directly, and one that is transcoded.
FEWER_SAMPLES = samples("utf-8", "utf-16-le") + SAMPLES_OF_BYTES
WARNING_SAMPLES = [param for param in FEWER_SAMPLES if param.values[0].codes & WARNINGS]


# -- expectations --------------------------------------------------------------------------------------


def outcome(finding: Finding) -> Outcome:
    return str(finding.code), finding.path, finding.line, finding.column, finding.offset


def outcomes(findings: Iterable[Finding]) -> tuple[Outcome, ...]:
    return tuple(map(outcome, findings))


def refused_by_default(expected: tuple[Outcome, ...]) -> Outcome | None:
    return next((entry for entry in expected if entry[0] not in WARNINGS), None)


def refusal(call: Callable[..., object], sample: Sample, reading: Mapping[str, Any]) -> XmlaHeadersError:
    """Return the exception of a call; check its class, and that its finding is one of all."""
    with pytest.raises(XmlaHeadersError) as caught:
        call(sample.data, **reading)
    error = caught.value
    assert type(error) is (DecodeError if error.code in FATAL else ValidationError)
    assert error.code is error.finding.code
    plain = {name: value for name, value in reading.items() if name not in ("strict", "refuse")}
    assert error.finding in list(iter_findings(sample.data, **plain))
    return error


def exposed(envelope: Envelope) -> list[str]:
    """Return everything about a decoded value that a traceback or a log could show."""
    return [
        str(envelope),
        repr(envelope),
        repr(envelope.header),
        repr(envelope.header.blocks),
        repr(envelope.body),
        repr(envelope.warnings),
        *map(repr, envelope.header),
        *map(str, envelope.warnings),
    ]


def test_codes_about_bytes_each_have_a_case() -> None:
    first = {param.values[0].deep[0][0] for param in SAMPLES if param.values[0].deep}

    assert first == {str(code) for code in RULES} - ABOUT_VALUES


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_rules_have_severity_and_exception_of_each_code(code: Code) -> None:
    rule = RULES[code]

    assert rule.code is code
    assert rule.severity is (Severity.WARNING if code in WARNINGS else Severity.ERROR)
    assert rule.fatal is (code in FATAL)
    assert rule.reference
    assert rule.meaning


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_rule_advice_is_one_or_two_sentences(code: Code) -> None:
    advice = RULES[code].advice

    sentences = re.split(r"(?<=\.) (?=[A-Z])", advice)
    assert len(sentences) in (1, 2)
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in sentences)
    for name in re.findall(r"`([a-z]+_[a-z_]+|\w*Limits)`", advice):
        assert hasattr(xmla_headers, name) or hasattr(captures, name)


@each("sample", SAMPLES)
def test_iter_findings_yields_all_in_order_with_positions(sample: Sample) -> None:
    for reading, expected in sample.verdicts():
        assert outcomes(iter_findings(sample.data, **reading)) == expected


@each("sample", FEWER_SAMPLES)
def test_findings_have_severity_and_reference_of_their_rule(sample: Sample) -> None:
    for finding in iter_findings(sample.data, **sample.reading):
        assert finding.severity is RULES[finding.code].severity
        assert finding.reference == RULES[finding.code].reference
        assert finding.message


@each("sample", [param for param in FEWER_SAMPLES if any(param.values[0].hints)])
def test_hint_names_the_usual_cause(sample: Sample) -> None:
    for finding, hint in zip(iter_findings(sample.data, **sample.reading), sample.hints, strict=True):
        assert hint is None or hint in (finding.hint or "")


@pytest.mark.parametrize(
    "sample", [param for param in FEWER_SAMPLES if "limit-exceeded" in param.values[0].codes]
)
def test_message_names_the_limit(sample: Sample) -> None:
    (finding,) = iter_findings(sample.data, **sample.reading)

    assert f"({sample.hints[0]})" in finding.message


@each("buffer", [bytearray, memoryview], ids=["bytearray", "memoryview"])
@each("sample", FEWER_SAMPLES)
def test_iter_findings_of_other_buffers_are_equal(
    sample: Sample, buffer: type[bytearray | memoryview]
) -> None:
    for reading, expected in sample.verdicts():
        data: Any = buffer(sample.data)
        assert outcomes(iter_findings(data, **reading)) == expected


@each("call", [decode, validate])
@each("sample", SAMPLES)
def test_calls_raise_the_first_refused_finding(sample: Sample, call: Callable[..., object]) -> None:
    for reading, expected in sample.verdicts():
        refused = refused_by_default(expected)
        if refused is None:
            call(sample.data, **reading)
        else:
            assert outcome(refusal(call, sample, reading).finding) == refused


@each("sample", [param for param in SAMPLES if param.values[0].codes <= WARNINGS])
def test_decode_returns_accepted_findings_as_warnings(sample: Sample) -> None:
    for reading, expected in sample.verdicts():
        warnings = decode(sample.data, **reading).warnings
        assert outcomes(warnings) == expected
        assert warnings == tuple(iter_findings(sample.data, **reading))


@each("call", [decode, validate])
@each("sample", FEWER_SAMPLES)
def test_strict_refuses_the_first_finding(sample: Sample, call: Callable[..., object]) -> None:
    for reading, expected in sample.verdicts():
        if expected:
            error = refusal(call, sample, {**reading, "strict": True})
            assert outcome(error.finding) == expected[0]
        else:
            call(sample.data, strict=True, **reading)


@each("kind", [str, Code], ids=["text", "code"])
@each("call", [decode, validate])
@each("sample", WARNING_SAMPLES)
def test_refuse_turns_a_warning_into_an_error(
    sample: Sample, call: Callable[..., object], kind: Callable[[str], str]
) -> None:
    for reading, expected in sample.verdicts():
        for code in sorted({entry[0] for entry in expected} & WARNINGS):
            wanted = next(entry for entry in expected if entry[0] == code or entry[0] not in WARNINGS)
            error = refusal(call, sample, {**reading, "refuse": (kind(code),)})
            assert outcome(error.finding) == wanted


@each("sample", WARNING_SAMPLES)
def test_refuse_of_other_warnings_changes_nothing(sample: Sample) -> None:
    others = WARNINGS - sample.codes
    for reading, expected in sample.verdicts():
        refused = refused_by_default(expected)
        if refused is None:
            assert outcomes(decode(sample.data, refuse=others, **reading).warnings) == expected
        else:
            error = refusal(decode, sample, {**reading, "refuse": others})
            assert outcome(error.finding) == refused


@each("sample", SAMPLES)
def test_findings_and_values_show_no_session_id(sample: Sample) -> None:
    shown = []
    for finding in iter_findings(sample.data, **sample.reading):
        shown += [str(finding), repr(finding), finding.hint or "", finding.path or "", str(finding.to_dict())]
    for strict in (False, True):
        try:
            shown += exposed(decode(sample.data, strict=strict, **sample.reading))
        except XmlaHeadersError as error:
            shown += [str(error), repr(error), *getattr(error, "__notes__", ())]

    assert [text for text in shown if SECRET in text] == []


# -- warnings that must not occur ----------------------------------------------------------------------

CLEAN = {
    "session": message(SESSION),
    "begin-session": message(BEGIN),
    "end-session": message(f"<EndSession {X} {ID}></EndSession>"),
    "white-space-inside-a-session-id": message(f"<Session {X} SessionId='a \n b'/>"),
    "other-spaces-around-a-session-id": message(f"<Session {X} SessionId='&#xA0;a&#x2003;&#x85;'/>"),
    "padded-id-of-another-block": message(f"<w:a {W} SessionId=' a '/>"),
    "nothing": f"{OPEN}<s:Body/></s:Envelope>",
    "empty-header": f"{OPEN}<s:Header/><s:Body/></s:Envelope>",
    "white-space": message(f"<Session {X} {ID}> \r\n\t</Session>", "<s:Body> \n</s:Body>\r\n "),
    "comments": f"<!--a-->{message(f'<!--b-->{SESSION}<!--c-->', '<!--d--><s:Body/><!--e-->')}<!--f-->",
    "comment-in-a-session-header": message(f"<Session {X} {ID}><!--a--></Session>"),
    "empty-cdata-in-the-header": message(f"{SESSION}<![CDATA[ ]]>"),
    "must-understand": message(f"<Session {X} {ID} s:mustUnderstand=' 1\t'/>"),
    "attributes-of-other-namespaces": message(f"<Session {X} {ID} {W} w:Id='a' s:actor='' xml:lang='en'/>"),
    "qualified-envelope-attribute": f"{OPEN[:-1]} s:encodingStyle=''><s:Body/></s:Envelope>",
    "unknown-blocks": message(
        f"<w:a {W} s:mustUnderstand='0'/>{SESSION}<w:a {W} mustUnderstand='x'>text</w:a>"
    ),
    "session-below-another-block": message(f"{SESSION}<w:a {W}>{SESSION}{SESSION}</w:a>"),
    "envelope-in-the-body": message(SESSION, f"<s:Body>{message(SESSION)}</s:Body>"),
    "references-to-white-space-in-the-body": message(SESSION, "<s:Body>&#32;</s:Body>"),
}


@each("encoding", ENCODINGS)
@each("text", CLEAN.values(), ids=CLEAN)
def test_iter_findings_of_a_valid_message_is_empty(text: str, encoding: str) -> None:
    mark, codec, declaration = ENCODINGS[encoding]
    data = mark + (declaration + text).encode(codec)

    for deep in (False, True):
        assert list(iter_findings(data, deep=deep, direction=Direction.REQUEST)) == []
        validate(data, deep=deep, strict=True)
        assert decode(data, deep=deep, strict=True).warnings == ()


@pytest.mark.parametrize(
    ("direction", "block", "expected"),
    [
        (None, BEGIN, []),
        (Direction.REQUEST, BEGIN, []),
        (Direction.REQUEST, SESSION, []),
        (Direction.RESPONSE, SESSION, []),
        (Direction.RESPONSE, BEGIN, ["wrong-direction"]),
        (None, f"<EndSession {X} {ID}/>", []),
        (Direction.RESPONSE, f"<EndSession {X} {ID}/>", ["wrong-direction"]),
    ],
    ids=["begin", "begin-asked", "asked", "answered", "begin-answered", "end", "end-answered"],
)
def test_direction_is_checked_only_when_given(
    direction: Direction | None, block: str, expected: list[str]
) -> None:
    findings = iter_findings(message(block).encode(), direction=direction)

    assert [str(finding.code) for finding in findings] == expected


@pytest.mark.parametrize("limit", range(-2, 3))
def test_max_header_bytes_ends_after_the_body_start_tag(limit: int) -> None:
    data = message(SESSION, "<s:Body>text</s:Body>").encode()
    head = data.index(b"<s:Body>") + len(b"<s:Body>")
    findings = list(iter_findings(data, limits=Limits(max_header_bytes=head + limit)))

    assert [(finding.code, finding.offset) for finding in findings] == (
        [(Code.LIMIT_EXCEEDED, head + limit)] if limit < 0 else []
    )


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize(
    ("name", "block", "count"),
    [
        ("max_attributes", f'<a b="" c="" {W}/>', 3),
        ("max_name_length", f"<{'a' * 80}/>", 80),
        ("max_name_length", f'<a {"a" * 80}=""/>', 80),
        ("max_name_length", f'<a xmlns:b="{"u" * 80}"/>', 80),
        ("max_depth", "<a><a/></a>", 4),
        ("max_header_blocks", "<a/><a/>", 2),
    ],
)
def test_limit_accepts_its_own_value(name: str, block: str, count: int, over: int) -> None:
    data = message(block).encode()
    found = [finding.code for finding in iter_findings(data, limits=Limits(**{name: count - over}))]

    assert (Code.LIMIT_EXCEEDED in found) == bool(over)


@pytest.mark.parametrize("block", ["<s:-a/>", "<s:.a/>", "<s:9a/>", "<a s:-a=''/>"])
def test_local_name_with_a_wrong_start_is_not_well_formed(block: str) -> None:
    findings = list(iter_findings(message(block).encode()))

    assert findings[-1].code is Code.NOT_WELL_FORMED


def test_duplicate_attribute_in_long_tag_is_reported_at_the_tag() -> None:
    data = message(SESSION, f"<s:Body><a b='{'-' * 200_000}' c='' c=''/></s:Body>").encode()
    (finding,) = iter_findings(data)

    assert (finding.code, finding.offset) == (Code.NOT_WELL_FORMED, data.index(b"<a "))


def test_bad_token_before_a_longer_character_is_not_well_formed() -> None:
    (finding,) = iter_findings(message(SESSION, "<s:Body><a b=cd漢/></s:Body>").encode())

    assert finding.code is Code.NOT_WELL_FORMED


def test_decode_undeclared_default_namespace_is_not_in_scope() -> None:
    data = PLAIN.replace(b"<s:Body", b'<s:Body xmlns=""', 1)

    assert "" not in decode(data).body.namespaces


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("over", [0, 1])
def test_max_message_bytes_counts_bytes_of_the_input(encoding: str, over: int) -> None:
    mark, codec, declaration = ENCODINGS[encoding]
    data = mark + (declaration + message(SESSION)).encode(codec)
    # One code unit less, so that no character is cut.
    limit = len(data) - over * len("a".encode(codec))
    findings = list(iter_findings(data, limits=Limits(max_message_bytes=limit)))

    assert [(finding.code, finding.offset) for finding in findings] == (
        [(Code.LIMIT_EXCEEDED, limit)] if over else []
    )


@pytest.mark.parametrize("argument", ["no-such-code", "soap-1.2"], ids=["unknown", "one-text-for-several"])
def test_refuse_with_wrong_codes_raises_type_or_value_error(argument: str) -> None:
    refuse: Any = argument if argument == "soap-1.2" else (argument,)

    with pytest.raises((TypeError, ValueError)) as caught:
        decode(PLAIN, refuse=refuse)
    assert not isinstance(caught.value, XmlaHeadersError)


@pytest.mark.parametrize("session_id", [" bcd", "abc ", "ab&#9;", "abc\n"])
def test_padded_id_is_found_after_a_plain_one(session_id: str) -> None:
    # A head is remembered only if its Body is not self-closing.
    cache, body = HeadCache(), "<s:Body></s:Body>"
    for known in ("abcd", "efgh", "abcdef"):
        data = message(f"<Session {X} SessionId='{known}'/>", body).encode()
        for strict in (False, True):
            assert decode(data, cache=cache, strict=strict).warnings == ()
    assert len(cache) == 2
    data = message(f"<Session {X} SessionId='{session_id}'/>", body).encode()
    assert [finding.code for finding in decode(data, cache=cache).warnings] == ["padded-session-id"]
    with pytest.raises(ValidationError):
        decode(data, cache=cache, strict=True)


@pytest.mark.parametrize("value", [0, "", b"", ()])
def test_certain_returns_any_value_but_none(value: object) -> None:
    assert certain(value) is value


def test_certain_of_none_refuses_the_message() -> None:
    with pytest.raises(DecodeError, match="the parser read the text differently") as caught:
        certain(None)
    assert caught.value.code is Code.NOT_WELL_FORMED
