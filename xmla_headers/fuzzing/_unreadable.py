"""Ways to make a document unreadable: the codes that end a message."""

from __future__ import annotations

import codecs
import gzip
from typing import NamedTuple

from xmla_headers.findings import Code
from xmla_headers.soap import Limits

from ._case import Behaviour
from ._draft import Block, Place
from ._ways import ANYWHERE, Way, ways_to_break

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._draft import Draft
    from ._ways import Change, Given

__all__ = ["UNREADABLE"]

_W = 'xmlns:w="urn:example:w"'

#: What the ways of this module are about, in catalogue order.
UNREADABLE = (
    Code.NOT_XML,
    Code.NOT_WELL_FORMED,
    Code.ENCODING_ERROR,
    Code.DTD_FORBIDDEN,
    Code.PROCESSING_INSTRUCTION,
    Code.LIMIT_EXCEEDED,
)


def _bytes_changed(code: Code, change: Callable[[bytes], bytes]) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.codes.add(code)
        draft.hidden = True
        draft.changes.append(change)

    return apply


def _gzipped(data: bytes) -> bytes:
    # Stored, not deflated: what deflate writes is up to the zlib at hand.
    packed = bytearray(gzip.compress(data, compresslevel=0, mtime=0))
    # The platform is a constant as well: the same bytes everywhere.
    packed[9] = 255
    return bytes(packed)


_NOT_XML: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("empty", "no byte at all", lambda _: b""),
    ("white-space", "white space only", lambda _: b" \t\r\n"),
    ("mark-only", "a byte order mark and nothing else", lambda _: codecs.BOM_UTF8),
    ("text-in-front", "text in front of the first tag", b"SOAP: ".__add__),
    ("no-break-space", "U+00A0, which is no white space, in front of the first tag", b"\xc2\xa0".__add__),
    ("two-marks", "a second byte order mark", (codecs.BOM_UTF8 * 2).__add__),
    ("http-headers", "the HTTP headers are still there", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n".__add__),
    ("json", "JSON", lambda _: b'{"SessionId": "5E55"}'),
    ("gzip", "compressed, and not yet decompressed", _gzipped),
    ("utf-32", "UTF-32", lambda data: data.decode().encode("utf-32-le")),
    ("binary-xml", "the first bytes of MS-BINXML", lambda data: b"\xdf\xff\x01\xb0\x04" + data[:20]),
    ("nul-in-front", "a NUL in front of the first tag", b"\0\0".__add__),
)


@ways_to_break(Code.NOT_XML)
def _not_xml(_given: Given) -> Iterator[Way]:
    for name, note, change in _NOT_XML:
        yield Way(name, note, _bytes_changed(Code.NOT_XML, change))


class _Text(NamedTuple):
    """Text that ends a message wherever it stands."""

    name: str
    note: str
    text: str


#: Each is wrong by itself, in front of the Envelope and behind it too.
_ILL_FORMED = (
    _Text("undefined-entity", "a reference to an entity that nobody defines", "&nope;"),
    _Text("nul-reference", "a reference to U+0000", "&#0;"),
    _Text("surrogate-reference", "a reference to half a character", "&#xD800;"),
    _Text("bare-ampersand", "an ampersand that is no reference", "& "),
    _Text("no-quotes", "an attribute value without quotes", "<a b=c/>"),
    _Text("no-value", "an attribute without a value", "<a b/>"),
    _Text("same-attribute-twice", "an attribute that is there twice", "<a b='' b=''/>"),
    _Text("less-in-a-value", "< in an attribute value", "<a b='<'/>"),
    _Text("no-space", "no white space between two attributes", "<a b=''c=''/>"),
    _Text("dashes-in-a-comment", "two hyphens in a comment", "<!-- -- -->"),
    _Text("stray-end-tag", "an end tag that nothing has opened", "</a>"),
    _Text("control-character", "a character that XML 1.0 leaves out", "<!--\x01-->"),
    _Text("noncharacter", "U+FFFE, which XML 1.0 leaves out", "<!--\ufffe-->"),
    _Text("digit-first", "a name that begins with a digit", "<1/>"),
    _Text("late-declaration", "an XML declaration that is not the first thing", "<?xml version='1.0'?>"),
    _Text("undeclared-prefix", "a prefix that is not declared", "<nope:a/>"),
    _Text("undeclared-attribute-prefix", "a prefix of an attribute that is not declared", "<a nope:b=''/>"),
    _Text("two-colons", "a name with two colons", f"<w:a:b {_W}/>"),
    _Text("empty-prefix", "a name that begins with a colon", "<:a/>"),
    _Text("prefix-undeclared-again", "a prefix declared as nothing", "<a xmlns:w=''/>"),
    _Text("prefix-xmlns", "the prefix xmlns declared", "<a xmlns:xmlns='urn:example:w'/>"),
    _Text("prefix-xml", "the prefix xml declared as something else", "<a xmlns:xml='urn:example:w'/>"),
    _Text(
        "same-expanded-name-twice",
        "one attribute under two prefixes of one namespace",
        "<a xmlns:v='urn:example:w' xmlns:w='urn:example:w' v:b='' w:b=''/>",
    ),
)


def _text_put(code: Code, text: str) -> Change:
    return lambda draft, place: draft.put(text, place, code)


def _in_body(code: Code, content: str) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.body = (draft.body or "") + content
        draft.codes.add(code)

    return apply


def _cut_off(behind: bytes) -> Change:
    return _cut(lambda data: data[: data.rindex(behind) + len(behind)])


def _cut(change: Callable[[bytes], bytes]) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.codes.add(Code.NOT_WELL_FORMED)
        draft.changes.append(change)

    return apply


def _declared(code: Code, declaration: str) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.declaration = declaration
        draft.codes.add(code)
        draft.hidden = True

    return apply


@ways_to_break(Code.NOT_WELL_FORMED)
def _not_well_formed(_given: Given) -> Iterator[Way]:
    code = Code.NOT_WELL_FORMED
    for name, note, text in _ILL_FORMED:
        # An encoding may lack what is not ASCII, and a reference to it is fine in a comment.
        yield Way(name, note, _text_put(code, text), ANYWHERE, mixes=text.isascii())
    for name, note, text in _ILL_FORMED:
        yield Way(f"{name}-in-the-body", f"{note}, in the Body", _in_body(code, text), (Place.LAST,))
    yield Way("cdata-end", "]]> in text", _in_body(code, "]]>"), (Place.LAST,))
    yield Way("element-left-open", "an element that is not closed", _in_body(code, "<a>"), (Place.LAST,))
    yield Way("crossed-tags", "two elements that overlap", _in_body(code, "<a><b></a></b>"), (Place.LAST,))
    yield Way("cut-off-in-the-header", "cut off behind a header block", _cut_off(b"/>"), (Place.MIDDLE,))
    yield Way("cut-off-in-a-tag", "cut off inside a tag", _cut_off(b"</"), (Place.LAST,))
    yield Way(
        "cut-off-at-the-end", "the last character is missing", _cut(lambda data: data[:-1]), (Place.LAST,)
    )
    yield Way("two-messages", "a second message behind it", _cut(lambda data: data + data), (Place.LAST,))
    version = _declared(code, "<?xml version='1.1'?>")
    yield Way("version-1.1", "XML 1.1", version, ours=True)
    yield Way(
        "version-missing", "an XML declaration without a version", _declared(code, "<?xml encoding='utf-8'?>")
    )


#: Stands for bytes that no encoder writes; its own do not occur elsewhere.
_HOLE = "\ue000"
_UNDECODABLE = (
    ("stray-continuation", "a continuation byte by itself", b"\x80"),
    ("byte-ff", "a byte that UTF-8 never has", b"\xff"),
    ("overlong", "an overlong form of a slash", b"\xc0\xaf"),
    ("surrogate", "half a character, as CESU-8 has it", b"\xed\xa0\x80"),
    ("beyond-unicode", "a code point above U+10FFFF", b"\xf4\x90\x80\x80"),
    ("cut-character", "a character that is cut off", b"\xc3"),
)


def _hole(code: Code, into: bytes, encoded: bytes = _HOLE.encode()) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.put(f"<!--{_HOLE}-->", place, code)
        draft.changes.append(lambda data: data.replace(encoded, into))

    return apply


def _encoded(codec: str, mark: str, label: str) -> Change:
    def apply(draft: Draft, _place: Place) -> None:
        draft.codec, draft.mark = codec, mark
        draft.declaration = f'<?xml version="1.0" encoding="{label}"?>'
        draft.codes.add(Code.ENCODING_ERROR)
        draft.hidden = True

    return apply


def _wide_hole(draft: Draft, place: Place) -> None:
    draft.codec, draft.mark = "utf-16-le", "\ufeff"
    _hole(Code.ENCODING_ERROR, b"\x00\xd8", _HOLE.encode("utf-16-le"))(draft, place)


def _ascii_hole(draft: Draft, place: Place) -> None:
    draft.declaration = '<?xml version="1.0" encoding="us-ascii"?>'
    _hole(Code.ENCODING_ERROR, b"\xe9")(draft, place)


def _odd_byte(draft: Draft, _place: Place) -> None:
    draft.codec, draft.mark = "utf-16-le", "\ufeff"
    draft.codes.add(Code.ENCODING_ERROR)
    draft.changes.append(lambda data: data + b"\n")


_CONTRADICTIONS = (
    ("utf-16-without-a-mark", "UTF-16 without a byte order mark", "utf-16-le", "", "UTF-16"),
    ("utf-16-big-endian-without-a-mark", "UTF-16 without a byte order mark", "utf-16-be", "", "UTF-16"),
    ("label-utf-16", "UTF-8 that says it is UTF-16", "utf-8", "", "UTF-16"),
    (
        "mark-against-label",
        "a byte order mark of UTF-8, and a label that differs",
        "utf-8",
        "\ufeff",
        "iso-8859-1",
    ),
    ("byte-orders", "a byte order mark, and a label of the other order", "utf-16-be", "\ufeff", "UTF-16LE"),
    ("label-of-nothing", "a label that names no encoding", "utf-8", "", "x-nope"),
    (
        "label-of-a-transformation",
        "a label that a codec registry may know, and XML does not",
        "utf-8",
        "",
        "hex",
    ),
)
_NOT_READ = ("windows-1252", "shift_jis", "utf-7", "ibm037", "iso-8859-15")


@ways_to_break(Code.ENCODING_ERROR)
def _encoding_error(_given: Given) -> Iterator[Way]:
    code = Code.ENCODING_ERROR
    for name, note, into in _UNDECODABLE:
        yield Way(name, f"{note}, in a comment", _hole(code, into), ANYWHERE)
    yield Way("lone-surrogate", "half a character in UTF-16", _wide_hole, ANYWHERE)
    yield Way("not-ascii", "a byte above 127 in US-ASCII", _ascii_hole, ANYWHERE)
    yield Way("odd-byte", "UTF-16 with half a unit at its end", _odd_byte, (Place.LAST,))
    for name, note, codec, mark, label in _CONTRADICTIONS:
        yield Way(name, note, _encoded(codec, mark, label))
    for label in _NOT_READ:
        yield Way(f"label-{label}", f"the encoding {label}", _encoded("utf-8", "", label), ours=True)


_DOCTYPES = (
    _Text("bare", "a document type and no more", "<!DOCTYPE Envelope>"),
    _Text("entity", "an internal entity", "<!DOCTYPE a [<!ENTITY b 'c'>]>"),
    _Text("external", "a document type to be fetched", "<!DOCTYPE a SYSTEM 'http://example.invalid/a.dtd'>"),
    _Text("file", "an entity that is a file", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]>"),
    _Text(
        "public", "a public identifier", "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'a.dtd'>"
    ),
    _Text("parameter-entity", "a parameter entity", "<!DOCTYPE a [<!ENTITY % b ''> %b;]>"),
    _Text(
        "entities-in-entities",
        "entities that multiply",
        "<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;'>]>",
    ),
    _Text("notation", "a notation", "<!DOCTYPE a [<!NOTATION b SYSTEM 'c'>]>"),
)


def _doctype(text: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.prolog += {Place.FIRST: text, Place.MIDDLE: f"<!-- first -->{text}\n<!-- last -->"}.get(
            place, f"\n<!-- first -->\n{text}"
        )
        if place is Place.LAST and not draft.declaration:
            draft.declaration = '<?xml version="1.0"?>'
        draft.codes.add(Code.DTD_FORBIDDEN)
        draft.hidden = True

    return apply


@ways_to_break(Code.DTD_FORBIDDEN)
def _dtd_forbidden(given: Given) -> Iterator[Way]:
    for name, note, text in _DOCTYPES:
        yield Way(name, note, _doctype(text), ANYWHERE, mixes=True)
    for kind in given.kinds:
        for attribute in kind.spec.attributes:
            yield Way(
                f"default-{kind.spec.local_name}-{attribute.name}",
                "a document type that gives a value to an attribute nobody sent",
                _defaulted(kind.spec.namespace, kind.spec.local_name, attribute.name),
            )


def _defaulted(namespace: str, local: str, attribute: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        sid = draft.sid()
        _doctype(f"<!DOCTYPE a [<!ATTLIST {local} {attribute} CDATA '{sid}'>]>")(draft, place)
        draft.header = [Block(namespace, local)]
        draft.trap(Behaviour.DTD, {sid})

    return apply


_INSTRUCTIONS = (
    _Text("bare", "a target and no more", "<?a?>"),
    _Text("data", "a target and data", "<?target some data?>"),
    _Text("stylesheet", "a style sheet", '<?xml-stylesheet type="text/xsl" href="a.xsl"?>'),
    _Text("php", "a script", "<?php echo 1 ?>"),
    _Text("office", "what an office suite writes", '<?mso-application progid="Excel.Sheet"?>'),
    _Text("tags", "tags in the data", "<?a </s:Body><s:Body> ?>"),
)


@ways_to_break(Code.PROCESSING_INSTRUCTION)
def _processing_instruction(_given: Given) -> Iterator[Way]:
    code = Code.PROCESSING_INSTRUCTION
    for name, note, text in _INSTRUCTIONS:
        yield Way(name, note, _text_put(code, text), ANYWHERE, mixes=True)
        yield Way(f"{name}-in-the-body", f"{note}, in the Body", _in_body(code, text), (Place.LAST,))


def _nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


@ways_to_break(Code.LIMIT_EXCEEDED)
def _limit_exceeded(_given: Given) -> Iterator[Way]:
    code, limits = Code.LIMIT_EXCEEDED, Limits()
    blocks, attributes = limits.max_header_blocks, limits.max_attributes
    depth, name, size = limits.max_depth, limits.max_name_length, limits.max_header_bytes
    assert blocks is not None
    assert attributes is not None
    assert depth is not None
    assert name is not None
    assert size is not None
    many = " ".join(f"a{number}=''" for number in range(attributes + 1))
    long = "a" * (name + 1)
    # Envelope, Header and Body count for the depth as well.
    for way, note, text in (
        ("blocks", f"more than {blocks} header blocks", f"<w:a {_W}/>" * (blocks + 1)),
        ("depth", f"more than {depth} levels", f"<w:a {_W}>{_nested(depth)}</w:a>"),
        ("attributes", f"more than {attributes} attributes", f"<w:a {_W} {many}/>"),
        ("element-name", f"an element name of {name + 1} characters", f"<w:{long} {_W}/>"),
        ("attribute-name", f"an attribute name of {name + 1} characters", f"<w:a {_W} {long}=''/>"),
        ("namespace-name", f"a namespace name of {name + 1} characters", f"<w:a xmlns:w='{long}'/>"),
        ("header-bytes", f"more than {size} bytes in front of the Body", f"<!--{'a' * size}-->"),
    ):
        yield Way(way, note, _inserted(code, text), ANYWHERE)
    for way, note, text in (
        ("depth", f"more than {depth} levels", _nested(depth)),
        ("attributes", f"more than {attributes} attributes", f"<a {many}/>"),
        ("element-name", f"an element name of {name + 1} characters", f"<{long}/>"),
        ("namespace-name", f"a namespace name of {name + 1} characters", f"<a xmlns='{long}'/>"),
    ):
        yield Way(f"{way}-in-the-body", f"{note}, in the Body", _in_body(code, text), (Place.LAST,))


def _inserted(code: Code, text: str) -> Change:
    def apply(draft: Draft, place: Place) -> None:
        draft.insert(place, text)
        draft.codes.add(code)

    return apply
