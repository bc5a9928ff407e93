"""Ways to make a document unreadable: the codes that end a message."""

from __future__ import annotations

import codecs
import gzip
from typing import TYPE_CHECKING

from xmla_headers.findings import Code
from xmla_headers.soap import Limits

from ._case import Behaviour
from ._draft import Block, Draft, Edit, Place, edit
from ._ways import ANYWHERE, Table, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._ways import Given

__all__ = ["UNREADABLE"]

UNREADABLE = Table()

_W = 'xmlns:w="urn:example:w"'


def _gzipped(data: bytes) -> bytes:
    # Stored, not deflated, because the output of deflate depends on the version of zlib.
    packed = bytearray(gzip.compress(data, compresslevel=0, mtime=0))
    # The platform is a constant as well: the same bytes everywhere.
    packed[9] = 255
    return bytes(packed)


@UNREADABLE.breaks(Code.NOT_XML)
def _not_xml(_given: Given) -> Iterator[Way]:
    for name, note, rewrite in (
        ("empty", "no bytes", lambda _: b""),
        ("white-space", "white space only", lambda _: b" \t\r\n"),
        ("mark-only", "a byte order mark only", lambda _: codecs.BOM_UTF8),
        ("text-in-front", "text before the first tag", b"SOAP: ".__add__),
        (
            "no-break-space",
            "U+00A0, which is not white space in XML, before the first tag",
            b"\xc2\xa0".__add__,
        ),
        ("two-marks", "a second byte order mark", (codecs.BOM_UTF8 * 2).__add__),
        ("http-headers", "HTTP headers before it", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n".__add__),
        ("json", "JSON", lambda _: b'{"SessionId": "5E55"}'),
        ("gzip", "compressed with gzip", _gzipped),
        ("utf-32", "UTF-32", lambda data: data.decode().encode("utf-32-le")),
        ("binary-xml", "the first bytes of MS-BINXML", lambda data: b"\xdf\xff\x01\xb0\x04" + data[:20]),
        ("nul-in-front", "a NUL before the first tag", b"\0\0".__add__),
    ):
        yield Way(name, note, edit(rewrite=rewrite, hidden=True))


# Name, note and text. Each is wrong by itself, also before and after the Envelope.
_ILL_FORMED = (
    ("undefined-entity", "a reference to an undefined entity", "&nope;"),
    ("nul-reference", "a reference to U+0000", "&#0;"),
    ("surrogate-reference", "a reference to a surrogate", "&#xD800;"),
    ("bare-ampersand", "an ampersand outside a reference", "& "),
    ("no-quotes", "an attribute value without quotes", "<a b=c/>"),
    ("no-value", "an attribute without a value", "<a b/>"),
    ("same-attribute-twice", "one attribute twice", "<a b='' b=''/>"),
    ("less-in-a-value", "< in an attribute value", "<a b='<'/>"),
    ("no-space", "no white space between two attributes", "<a b=''c=''/>"),
    ("dashes-in-a-comment", "two hyphens in a comment", "<!-- -- -->"),
    ("stray-end-tag", "an end tag without a start tag", "</a>"),
    ("control-character", "a control character that XML 1.0 forbids", "<!--\x01-->"),
    ("noncharacter", "U+FFFE, which XML 1.0 forbids", "<!--\ufffe-->"),
    ("digit-first", "a name that begins with a digit", "<1/>"),
    ("late-declaration", "an XML declaration that is not at the start", "<?xml version='1.0'?>"),
    ("undeclared-prefix", "a prefix that is not declared", "<nope:a/>"),
    ("undeclared-attribute-prefix", "a prefix of an attribute that is not declared", "<a nope:b=''/>"),
    ("two-colons", "a name with two colons", f"<w:a:b {_W}/>"),
    ("empty-prefix", "a name that begins with a colon", "<:a/>"),
    ("prefix-undeclared-again", "a prefix declared as nothing", "<a xmlns:w=''/>"),
    ("prefix-xmlns", "the prefix xmlns declared", "<a xmlns:xmlns='urn:example:w'/>"),
    ("prefix-xml", "the prefix xml declared as something else", "<a xmlns:xml='urn:example:w'/>"),
    (
        "same-expanded-name-twice",
        "one attribute under two prefixes of one namespace",
        "<a xmlns:v='urn:example:w' xmlns:w='urn:example:w' v:b='' w:b=''/>",
    ),
)


def _anywhere(text: str) -> Edit[Place]:
    return lambda draft, place: draft.insert_anywhere(text, place)


def _cut_after(last: bytes) -> Edit[object]:
    return edit(rewrite=lambda data: data[: data.rindex(last) + len(last)])


@UNREADABLE.breaks(Code.NOT_WELL_FORMED)
def _not_well_formed(_given: Given) -> Iterator[Way]:
    for name, note, text in _ILL_FORMED:
        # An encoding may lack a character outside ASCII, and a reference to it is harmless in a comment.
        yield Way(name, note, _anywhere(text), ANYWHERE, mixes=text.isascii())
    for name, note, text in _ILL_FORMED:
        yield Way(f"{name}-in-the-body", f"{note}, in the Body", edit(body=text), (Place.LAST,))
    for name, note, change, place in (
        ("cdata-end", "]]> in text", edit(body="]]>"), Place.LAST),
        ("element-left-open", "an element that is not closed", edit(body="<a>"), Place.LAST),
        ("crossed-tags", "two elements that overlap", edit(body="<a><b></a></b>"), Place.LAST),
        ("cut-off-in-the-header", "cut off after a header block", _cut_after(b"/>"), Place.MIDDLE),
        ("cut-off-in-a-tag", "cut off inside a tag", _cut_after(b"</"), Place.LAST),
        (
            "cut-off-at-the-end",
            "the last character is missing",
            edit(rewrite=lambda data: data[:-1]),
            Place.LAST,
        ),
        ("two-messages", "a second message after it", edit(rewrite=lambda data: data + data), Place.LAST),
    ):
        yield Way(name, note, change, (place,))
    version = edit(declaration="<?xml version='1.1'?>", hidden=True)
    yield Way("version-1.1", "XML 1.1", version, ours=True)
    missing = edit(declaration="<?xml encoding='utf-8'?>", hidden=True)
    yield Way("version-missing", "an XML declaration without a version", missing)


# Replaced in the encoded message by bytes that no encoder writes; its own bytes occur nowhere else.
_HOLE = "\ue000"


def _hole(into: bytes, codec: str = "utf-8", mark: str = "", declaration: str = "") -> Edit[Place]:
    """Return the edit that inserts a comment with bytes that do not decode."""
    encoded = _HOLE.encode(codec)
    rewriting = edit(rewrite=lambda data: data.replace(encoded, into))

    def apply(draft: Draft, place: Place) -> None:
        draft.codec, draft.mark = codec, mark
        draft.declaration = declaration or draft.declaration
        draft.insert_anywhere(f"<!--{_HOLE}-->", place)
        rewriting(draft, place)

    return apply


def _labelled(codec: str, mark: str, label: str) -> Edit[object]:
    declaration = f'<?xml version="1.0" encoding="{label}"?>'
    return edit(codec=codec, mark=mark, declaration=declaration, hidden=True)


@UNREADABLE.breaks(Code.ENCODING_ERROR)
def _encoding_error(_given: Given) -> Iterator[Way]:
    for name, note, into in (
        ("stray-continuation", "a lone continuation byte", b"\x80"),
        ("byte-ff", "a byte that UTF-8 never has", b"\xff"),
        ("overlong", "an overlong form of a slash", b"\xc0\xaf"),
        ("surrogate", "a surrogate, as in CESU-8", b"\xed\xa0\x80"),
        ("beyond-unicode", "a code point above U+10FFFF", b"\xf4\x90\x80\x80"),
        ("cut-character", "an incomplete character", b"\xc3"),
    ):
        yield Way(name, f"{note}, in a comment", _hole(into), ANYWHERE)
    lone = _hole(b"\x00\xd8", "utf-16-le", "\ufeff")
    yield Way("lone-surrogate", "a lone surrogate in UTF-16", lone, ANYWHERE)
    ascii_only = _hole(b"\xe9", declaration='<?xml version="1.0" encoding="us-ascii"?>')
    yield Way("not-ascii", "a byte above 127 in US-ASCII", ascii_only, ANYWHERE)
    odd = edit(codec="utf-16-le", mark="\ufeff", rewrite=lambda data: data + b"\n")
    yield Way("odd-byte", "UTF-16 with half a unit at its end", odd, (Place.LAST,))
    for name, note, codec, mark, label in (
        ("utf-16-without-a-mark", "UTF-16 without a byte order mark", "utf-16-le", "", "UTF-16"),
        ("utf-16-big-endian-without-a-mark", "UTF-16 without a byte order mark", "utf-16-be", "", "UTF-16"),
        ("label-utf-16", "UTF-8 labelled as UTF-16", "utf-8", "", "UTF-16"),
        (
            "mark-against-label",
            "a byte order mark of UTF-8 and another label",
            "utf-8",
            "\ufeff",
            "iso-8859-1",
        ),
        (
            "byte-orders",
            "a byte order mark and a label of the other order",
            "utf-16-be",
            "\ufeff",
            "UTF-16LE",
        ),
        ("label-of-nothing", "a label that names no encoding", "utf-8", "", "x-nope"),
        (
            "label-of-a-transformation",
            "a label that a codec registry may know, but XML does not",
            "utf-8",
            "",
            "hex",
        ),
    ):
        yield Way(name, note, _labelled(codec, mark, label))
    for label in ("windows-1252", "shift_jis", "utf-7", "ibm037", "iso-8859-15"):
        yield Way(f"label-{label}", f"the encoding {label}", _labelled("utf-8", "", label), ours=True)


def _doctype(text: str) -> Edit[Place]:
    def apply(draft: Draft, place: Place) -> None:
        draft.prolog += {
            Place.FIRST: text,
            Place.MIDDLE: f"<!-- first -->{text}\n<!-- last -->",
            Place.LAST: f"\n<!-- first -->\n{text}",
        }[place]
        if place is Place.LAST and not draft.declaration:
            draft.declaration = '<?xml version="1.0"?>'
        draft.hidden = True

    return apply


def _defaulted(namespace: str, local: str, attribute: str) -> Edit[Place]:
    """Return the edit that lets a DTD give an id to a header block without one."""

    def apply(draft: Draft, place: Place) -> None:
        sid = draft.sid()
        _doctype(f"<!DOCTYPE a [<!ATTLIST {local} {attribute} CDATA '{sid}'>]>")(draft, place)
        draft.header = [Block(namespace, local)]
        draft.trap_id(Behaviour.DTD, sid)

    return apply


@UNREADABLE.breaks(Code.DTD_FORBIDDEN)
def _dtd_forbidden(given: Given) -> Iterator[Way]:
    for name, note, text in (
        ("bare", "only a document type name", "<!DOCTYPE Envelope>"),
        ("entity", "an internal entity", "<!DOCTYPE a [<!ENTITY b 'c'>]>"),
        (
            "external",
            "a document type to be downloaded",
            "<!DOCTYPE a SYSTEM 'http://example.invalid/a.dtd'>",
        ),
        ("file", "an entity that is a file", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]>"),
        (
            "public",
            "a public identifier",
            "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'a.dtd'>",
        ),
        ("parameter-entity", "a parameter entity", "<!DOCTYPE a [<!ENTITY % b ''> %b;]>"),
        (
            "entities-in-entities",
            "entities that multiply",
            "<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;'>]>",
        ),
        ("notation", "a notation", "<!DOCTYPE a [<!NOTATION b SYSTEM 'c'>]>"),
    ):
        yield Way(name, note, _doctype(text), ANYWHERE, mixes=True)
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            yield Way(
                f"default-{kind.spec.local_name}-{attribute.name}",
                "a document type with a default value for an attribute that was not sent",
                _defaulted(kind.spec.namespace, kind.spec.local_name, attribute.name),
            )


@UNREADABLE.breaks(Code.PROCESSING_INSTRUCTION)
def _processing_instruction(_given: Given) -> Iterator[Way]:
    for name, note, text in (
        ("bare", "a target without data", "<?a?>"),
        ("data", "a target and data", "<?target some data?>"),
        ("stylesheet", "a style sheet", '<?xml-stylesheet type="text/xsl" href="a.xsl"?>'),
        ("php", "a script", "<?php echo 1 ?>"),
        ("office", "as an office suite writes it", '<?mso-application progid="Excel.Sheet"?>'),
        ("tags", "tags in the data", "<?a </s:Body><s:Body> ?>"),
    ):
        yield Way(name, note, _anywhere(text), ANYWHERE, mixes=True)
        yield Way(f"{name}-in-the-body", f"{note}, in the Body", edit(body=text), (Place.LAST,))


def _inserted(text: str) -> Edit[Place]:
    return lambda draft, place: draft.insert(place, text)


@UNREADABLE.breaks(Code.LIMIT_EXCEEDED)
def _limit_exceeded(_given: Given) -> Iterator[Way]:
    limits = Limits()
    blocks, attributes = limits.max_header_blocks, limits.max_attributes
    depth, name, size = limits.max_depth, limits.max_name_length, limits.max_header_bytes
    assert blocks is not None
    assert attributes is not None
    assert depth is not None
    assert name is not None
    assert size is not None
    many = " ".join(f"a{number}=''" for number in range(attributes + 1))
    long = "a" * (name + 1)
    # Envelope, Header and Body count as levels, so this is more than the limit.
    nested = "<a>" * depth + "</a>" * depth
    for way, note, text in (
        ("blocks", f"more than {blocks} header blocks", f"<w:a {_W}/>" * (blocks + 1)),
        ("depth", f"more than {depth} levels", f"<w:a {_W}>{nested}</w:a>"),
        ("attributes", f"more than {attributes} attributes", f"<w:a {_W} {many}/>"),
        ("element-name", f"an element name of {name + 1} characters", f"<w:{long} {_W}/>"),
        ("attribute-name", f"an attribute name of {name + 1} characters", f"<w:a {_W} {long}=''/>"),
        ("namespace-name", f"a namespace name of {name + 1} characters", f"<w:a xmlns:w='{long}'/>"),
        ("header-bytes", f"more than {size} bytes before the Body", f"<!--{'a' * size}-->"),
    ):
        yield Way(way, note, _inserted(text), ANYWHERE)
    for way, note, text in (
        ("depth", f"more than {depth} levels", nested),
        ("attributes", f"more than {attributes} attributes", f"<a {many}/>"),
        ("element-name", f"an element name of {name + 1} characters", f"<{long}/>"),
        ("namespace-name", f"a namespace name of {name + 1} characters", f"<a xmlns='{long}'/>"),
    ):
        yield Way(f"{way}-in-the-body", f"{note}, in the Body", edit(body=text), (Place.LAST,))
