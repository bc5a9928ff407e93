"""Valid ways to write a message: XML allows many, and readers of plain text know few of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from xmla_headers.soap import SOAP_11_NS, Limits, MustUnderstandForm

from ._case import Behaviour
from ._draft import SOAP, Block, Draft, Edit, Place, block_of, clark, edit, unknown_block
from ._ids import SESSION_IDS
from ._writing import PLAIN, Pen, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._ways import Given

__all__ = ["MIXED", "SPELLINGS", "Spelling", "neighbours"]


class Spelling(NamedTuple):
    """One way to write a message without changing its meaning."""

    name: str
    note: str
    reference: str
    # Takes the draft and the header block in it.
    change: Edit[Block]
    # It cannot be combined with every other one.
    alone: bool = False


def neighbours(given: Given) -> list[Block]:
    """Return header blocks of real messages that are not in the given types."""
    engine = "http://schemas.microsoft.com/analysisservices/2003/engine/2"
    security = "http://schemas.xmlsoap.org/ws/2002/04/secext"
    compatibility = "http://schemas.microsoft.com/analysisservices/2003/xmla"
    login = "<wsse:UsernameToken><wsse:Username>nobody</wsse:Username></wsse:UsernameToken>"
    capability = "<Capability>sx</Capability><Capability>xpress</Capability>"
    blocks = (
        unknown_block(given.types, engine, "Version", attributes=[("", "Sequence", "400")]),
        unknown_block(
            given.types, compatibility, "NamespaceCompatibility", attributes=[("", "mustUnderstand", "0")]
        ),
        unknown_block(given.types, security, "Security", prefix="wsse", content=login),
        unknown_block(given.types, engine[:-2], "ProtocolCapabilities", content=capability),
        unknown_block(
            given.types, "urn:example:w", "Marked", prefix="w", attributes=[(SOAP, "mustUnderstand", "1")]
        ),
    )
    return [block for block in blocks if clark(block.namespace, block.local) not in given.types]


# -- how tags and values are written -------------------------------------------------------------------


def _style(style: Style) -> Edit[Block]:
    def apply(draft: Draft, _: Block) -> None:
        draft.pen = Pen(style, draft.pen.choices)

    return apply


def _trapped(
    change: Edit[Block], behaviour: Behaviour, returned: Callable[[str], set[str]] = lambda _: set()
) -> Edit[Block]:
    """Return the edit with a trap for parsers that then miss the id, and return something else."""

    def apply(draft: Draft, block: Block) -> None:
        change(draft, block)
        sid = block.session_id
        if sid is not None:
            draft.trap(behaviour, returned(sid), {sid})

    return apply


def _writing(_given: Given) -> Iterator[Spelling]:
    single = _trapped(_style(replace(PLAIN, quotes=("'",))), Behaviour.DOUBLE_QUOTES_ONLY)
    yield Spelling("plain", "nothing special", "SOAP 1.1 §4", edit())
    yield Spelling("single-quotes", "values in single quotes", "XML 1.0 §2.3", single)
    for name, note, style in (
        ("space-around-equals", "white space around the equals signs", replace(PLAIN, equals=(" = ",))),
        ("lines", "each attribute on a line of its own", replace(PLAIN, spaces=("\n  ",), ends=("\n",))),
        ("tabs", "tabs between attributes", replace(PLAIN, spaces=("\t",))),
        ("space-at-the-end", "white space at the end of each tag", replace(PLAIN, ends=(" ",))),
        ("end-tags", "an end tag for each empty element", replace(PLAIN, self_closing=(False,))),
        ("backwards", "attributes in the other order", replace(PLAIN, backwards=(True,))),
        ("indented", "white space between elements", replace(PLAIN, gaps=("\n  ",))),
        ("carriage-returns", "CR as line ends", replace(PLAIN, gaps=("\r", "\r\n"))),
        ("comments", "a comment between all elements", replace(PLAIN, gaps=("<!-- a comment -->",))),
        (
            "tags-in-comments",
            "end tags in comments between elements",
            replace(PLAIN, gaps=("<!--</s:Header></s:Body></s:Envelope>-->",)),
        ),
    ):
        yield Spelling(name, note, "XML 1.0 §3.1", _style(style))
    for name, form in (("decimal", "&#{:d};"), ("hexadecimal", "&#x{:x};"), ("zeros", "&#x{:06X};")):
        note = f"all values as character references, {name}"
        change = _trapped(
            _style(replace(PLAIN, characters=(form,))),
            Behaviour.RAW_REFERENCES,
            partial(_in_references, form),
        )
        yield Spelling(f"references-{name}", note, "XML 1.0 §4.1", change)


def _in_references(form: str, sid: str) -> set[str]:
    return {"".join(form.format(ord(character)) for character in sid)}


# -- prefixes ------------------------------------------------------------------------------------------


def _own_prefix(_draft: Draft, block: Block) -> None:
    block.prefix = "XA"


def _from_envelope(prefix: str) -> Edit[Block]:
    def apply(draft: Draft, block: Block) -> None:
        if not block.namespace:
            # It cannot have a prefix.
            return
        draft.declares[prefix] = block.namespace
        block.prefix, block.inherits = prefix, True

    return apply


def _from_header(prefix: str) -> Edit[Block]:
    def apply(draft: Draft, block: Block) -> None:
        if not block.namespace:
            # It cannot have a prefix.
            return
        draft.header_attributes.append((f"xmlns:{prefix}" if prefix else "xmlns", block.namespace))
        block.prefix, block.inherits = prefix, True

    return apply


def _redeclared(draft: Draft, block: Block) -> None:
    draft.declares["x"] = "urn:example:outer"
    block.prefix = "x"


def _redeclared_twice(draft: Draft, block: Block) -> None:
    draft.declares["x"] = "urn:example:outer"
    _from_header("x")(draft, block)


def _shadowing(draft: Draft, block: Block) -> None:
    # The qualified attributes get another prefix, because this one means something else on the block.
    block.prefix = draft.prefix


def _many_declared(draft: Draft, block: Block) -> None:
    draft.declares |= {f"p{number}": "urn:example:unused" for number in range(20)}
    if block.namespace:
        draft.declares["xa"] = block.namespace


def _unused_declared(_draft: Draft, block: Block) -> None:
    block.declares |= {"unused": "urn:example:unused", "same": block.namespace or "urn:example:unused"}


def _names_from_envelope(draft: Draft, block: Block) -> None:
    draft.declares |= block.declares
    block.declares = {}


def _names_redeclared(draft: Draft, block: Block) -> None:
    draft.declares |= dict.fromkeys(block.declares, "urn:example:outer")


def _body_declares(draft: Draft, block: Block) -> None:
    draft.body_attributes += [("xmlns", block.namespace), ("xmlns:s2", SOAP_11_NS)]
    draft.body = "<a/>"


def _prefixes(given: Given) -> Iterator[Spelling]:
    clause = "Namespaces in XML 1.0 §6"
    for prefix in ("soap", "SOAP-ENV", "_", "a.b-c", "Body", "Session", "xa"):
        yield Spelling(f"soap-prefix-{prefix}", f"the prefix {prefix} for SOAP", clause, edit(prefix=prefix))
    note = "a prefix that is not ASCII"
    yield Spelling("soap-prefix-not-ascii", note, clause, edit(prefix="\u00e9"), alone=True)
    yield Spelling("soap-no-prefix", "the namespace of SOAP as the default", clause, edit(prefix=""))
    prefixed = _trapped(_own_prefix, Behaviour.PREFIX_LITERAL)
    yield Spelling("prefix", "a header block with a prefix", clause, prefixed)
    for name, note, change in (
        ("prefix-from-envelope", "a prefix that the Envelope declares", _from_envelope("XA")),
        ("prefix-from-header", "a prefix that the Header declares", _from_header("XA")),
        ("prefix-redeclared", "a prefix that means something else around the block", _redeclared),
        ("prefix-redeclared-by-header", "a prefix that the Header redeclares", _redeclared_twice),
        ("prefix-shadowing", "the prefix of SOAP, which means XMLA on the block", _shadowing),
    ):
        yield Spelling(name, note, clause, _trapped(change, Behaviour.PREFIX_LITERAL))
    alike = _from_envelope("SessionId")
    yield Spelling("prefix-like-an-attribute", "a prefix that looks like an attribute", clause, alike)
    missed = Behaviour.DEFAULT_NAMESPACE_MISSED
    for name, note, change in (
        ("default-from-envelope", "the default namespace of the Envelope", _from_envelope("")),
        ("default-from-header", "the default namespace of the Header", _from_header("")),
        ("declared-and-not-used", "unused prefixes", _many_declared),
        ("declared-on-the-block", "unused declarations on the block", _unused_declared),
        ("declared-on-the-body", "the namespace of the block on the Body", _body_declares),
    ):
        yield Spelling(name, note, clause, _trapped(change, missed))
    if any(kind.spec.has_qnames for kind in given.kinds):
        for name, note, change in (
            ("from-envelope", "that the Envelope declares", _names_from_envelope),
            ("redeclared", "that mean something else around the block", _names_redeclared),
        ):
            yield Spelling(f"names-{name}", f"prefixes of qualified names {note}", clause, change)


# -- around the Envelope, and the bytes ----------------------------------------------------------------


def _around(declaration: str, prolog: str = "", epilog: str = "") -> Edit[object]:
    return edit(declaration=declaration, prolog=prolog, epilog=epilog)


def _encoded(codec: str, mark: str, label: str) -> Edit[Block]:
    def apply(draft: Draft, block: Block) -> None:
        draft.codec, draft.mark = codec, mark
        if label:
            draft.declaration = f'<?xml version="1.0" encoding="{label}"?>'
        # The name is not registered, although it is unambiguous.
        draft.ours = label == "utf8"
        _identified("sesi\u00f3n-\u6f22\U0001f511")(draft, block)

    return apply


def _bytes(_given: Given) -> Iterator[Spelling]:
    for name, note, change in (
        ("declaration", "an XML declaration", _around('<?xml version="1.0"?>')),
        (
            "declaration-quotes",
            "an XML declaration in single quotes",
            _around("<?xml version='1.0' encoding='utf-8'?>"),
        ),
        (
            "declaration-spaces",
            "an XML declaration with white space",
            _around("<?xml\n version = '1.0'\tencoding =\r\n'UTF-8' ?>\n"),
        ),
        (
            "declaration-standalone",
            "an XML declaration with standalone",
            _around('<?xml version="1.0" standalone="yes"?>'),
        ),
        ("white-space-in-front", "white space before the Envelope", _around("", " \r\n\t")),
        ("comment-in-front", "a comment before the Envelope", _around("", "<!-- <s:Envelope> -->")),
        ("white-space-behind", "white space after the Envelope", _around("", "", "\r\n \t")),
        ("comment-behind", "a comment after the Envelope", _around("", "", "<!-- <?a?> <!DOCTYPE> -->")),
    ):
        yield Spelling(name, note, "XML 1.0 §2.8", change)
    for name, codec, mark, label in (
        ("utf-8", "utf-8", "", ""),
        ("utf-8-label", "utf-8", "", "UTF-8"),
        ("utf-8-other-label", "utf-8", "", "utf8"),
        ("utf-8-mark", "utf-8", "\ufeff", ""),
        ("utf-8-mark-and-label", "utf-8", "\ufeff", "utf-8"),
        ("utf-16-little-endian", "utf-16-le", "\ufeff", ""),
        ("utf-16-big-endian", "utf-16-be", "\ufeff", ""),
        ("utf-16-label", "utf-16-le", "\ufeff", "UTF-16"),
        ("utf-16-little-endian-label", "utf-16-le", "\ufeff", "utf-16le"),
        ("utf-16-big-endian-label", "utf-16-be", "\ufeff", "UTF-16BE"),
        ("iso-8859-1", "iso-8859-1", "", "ISO-8859-1"),
        ("us-ascii", "us-ascii", "", "US-ASCII"),
    ):
        note = f"{codec.upper()}, {'with' if mark else 'without'} a byte order mark, label {label or 'none'}"
        yield Spelling(f"encoding-{name}", note, "XML 1.0 §4.3.3", _encoded(codec, mark, label))


# -- the parts -----------------------------------------------------------------------------------------


def _content(content: str, *attributes: tuple[str, str]) -> Edit[Block]:
    """Return the edit that writes the Body; `s:` stands for the prefix of SOAP."""

    def apply(draft: Draft, _: Block) -> None:
        name = draft.qualified("Body")
        draft.body = content.replace("s:Body", name).replace("s:Envelope", draft.qualified("Envelope"))
        draft.body_attributes += attributes

    return apply


def _deep(draft: Draft, _: Block) -> None:
    depth = Limits().max_depth
    assert depth is not None
    # Envelope and Body are two of the levels.
    draft.body = "<a>" * (depth - 2) + "</a>" * (depth - 2)


def _fault(draft: Draft, _: Block) -> None:
    fault = draft.qualified("Fault")
    draft.body = (
        f'<{fault}><faultcode xmlns="">{draft.qualified("Client")}</faultcode>'
        f'<faultstring xmlns="">no such session</faultstring></{fault}>'
    )


def _bodies(_given: Given) -> Iterator[Spelling]:
    rows = "<row><Value>12345.678</Value><Caption>a &amp; b</Caption></row>"
    for name, note, change in (
        ("empty", "an empty Body", _content("")),
        ("white-space", "white space only", _content(" \n\t")),
        ("text", "text", _content("text &lt; &#65;")),
        ("elements", "several elements", _content("<a/>text<b c='d'/><!-- e -->")),
        ("cdata", "a CDATA section", _content("<![CDATA[<a> & ]]]]><![CDATA[>]]>")),
        ("end-tags-in-cdata", "end tags in CDATA", _content("<![CDATA[</s:Body></s:Envelope>]]>")),
        ("end-tags-in-a-comment", "end tags in a comment", _content("<!-- </s:Body></s:Envelope> -->")),
        ("end-tag-in-a-value", "an end tag in a value", _content("<a b='&lt;/s:Body>'/>")),
        ("body-in-body", "a Body inside the Body", _content("<s:Body><s:Body/></s:Body>")),
        ("names-alike", "elements with similar names", _content("<Body/><Header/><Bodyx/>")),
        ("attributes", "attributes of the Body", _content("<a/>", ("id", "b>"), ("xml:lang", "en"))),
        ("fault", "a Fault", _fault),
    ):
        yield Spelling(f"body-{name}", f"Body: {note}", "SOAP 1.1 §4.3", change)
    names = _content("<\u00e9>\u6f22\U0001f511</\u00e9>")
    yield Spelling("body-names", "Body: names that are not ASCII", "SOAP 1.1 §4.3", names, alone=True)
    yield Spelling("body-deep", "Body: as many levels as allowed", "SOAP 1.1 §4.3", _deep)
    large = _content(f"<root>{rows * 2_000}</root>")
    yield Spelling("body-large", "Body: 120 KB", "SOAP 1.1 §4.3", large, alone=True)


def _filled(content: str) -> Edit[Block]:
    def apply(_: Draft, block: Block) -> None:
        # White space would be a part of the text.
        if block.kind is None or block.kind.spec.text is None or content.startswith("<!--"):
            block.content = content

    return apply


def _empty_header(draft: Draft, _: Block) -> None:
    # Not `edit(header=[])`, whose list all drafts would share.
    draft.header = []


def _header_attributes(draft: Draft, _: Block) -> None:
    draft.header_attributes += [("xml:lang", "en"), ("id", "h"), ("xmlns:unused", "urn:example:unused")]


def _envelope_attributes(draft: Draft, _: Block) -> None:
    encoding = "http://schemas.xmlsoap.org/soap/encoding/"
    draft.declares["w"] = "urn:example:w"
    draft.envelope_attributes += [("w:encodingStyle", encoding), ("w:a", ""), ("xml:lang", "en")]


def _with_neighbours(given: Given, count: int) -> Edit[Block]:
    def apply(draft: Draft, block: Block) -> None:
        others = [neighbour for _ in range(count) for neighbour in neighbours(given)][: count - 1]
        draft.header = [*others[: count // 2], block, *others[count // 2 :]]

    return apply


def _long_name(draft: Draft, _: Block) -> None:
    length = Limits().max_name_length
    assert length is not None
    name = "a" * length
    draft.insert(Place.LAST, Block("urn:example:w", name[2:], [("", name, "")], prefix="w"))


def _headers(given: Given) -> Iterator[Spelling]:
    yield Spelling("no-header", "no Header", "SOAP 1.1 §4.2", edit(header=None))
    yield Spelling("empty-header", "an empty Header", "SOAP 1.1 §4.2", _empty_header)
    for name, note, change in (
        ("header-attributes", "attributes of the Header", _header_attributes),
        ("envelope-attributes", "qualified attributes of the Envelope", _envelope_attributes),
        ("neighbours", "between other header blocks", _with_neighbours(given, 5)),
        ("white-space-inside", "white space inside the block", _filled(" \r\n\t")),
        ("comment-inside", "a comment inside the block", _filled("<!-- <SessionId>5E55</SessionId> -->")),
        ("space-reference-inside", "white space as a reference inside the block", _filled("&#32;&#x9;")),
    ):
        yield Spelling(name, note, "SOAP 1.1 §4.2", change)
    most = Limits().max_header_blocks
    assert most is not None
    note = "as many header blocks as allowed"
    yield Spelling("many-neighbours", note, "SOAP 1.1 §4.2", _with_neighbours(given, most), alone=True)
    yield Spelling("long-names", "names as long as allowed", "SOAP 1.1 §4.2", _long_name, alone=True)


# -- the header block ----------------------------------------------------------------------------------


def _revalued(**fields: Any) -> Edit[Block]:
    """Return the edit that changes the value of the header block."""

    def apply(_draft: Draft, block: Block) -> None:
        assert block.value is not None
        other = block_of(replace(block.value, **fields))
        block.value, block.attributes, block.codes = other.value, other.attributes, other.codes

    return apply


def _mark(text: str) -> Edit[Block]:
    """Return the edit that writes a mustUnderstand of value 1 as this text."""
    change = _revalued(must_understand=True)

    def apply(draft: Draft, block: Block) -> None:
        change(draft, block)
        block.attributes = [
            (namespace, name, text if name == "mustUnderstand" else value)
            for namespace, name, value in block.attributes
        ]

    return apply


def _identified(sid: str) -> Edit[Block]:
    """Return the edit that changes the session id, if there is one."""

    def apply(draft: Draft, block: Block) -> None:
        assert block.value is not None
        fields = {
            attribute.field: sid for attribute in block.value.spec.attributes if attribute.is_plain_identifier
        }
        _revalued(**fields)(draft, block)
        if fields:
            draft.trap_trimming(sid)

    return apply


def _blocks(_given: Given) -> Iterator[Spelling]:
    qualified = MustUnderstandForm.QUALIFIED
    other = (("{urn:example:w}Id", "a"), ("{http://www.w3.org/XML/1998/namespace}lang", "en"))
    actor = "http://schemas.xmlsoap.org/soap/actor/next"
    for name, note, change in (
        ("must-understand", "mustUnderstand 1", _revalued(must_understand=True)),
        ("must-understand-0", "mustUnderstand 0", _revalued(must_understand_form=qualified)),
        ("must-understand-spaces", "mustUnderstand with white space around it", _mark(" 1\t")),
        ("actor", "an actor", _revalued(actor=actor)),
        ("empty-actor", "an empty actor", _revalued(actor="")),
        ("foreign-attributes", "attributes of other namespaces", _revalued(other_attributes=other)),
        (
            "everything",
            "mustUnderstand, an actor and attributes of other namespaces",
            _revalued(must_understand=True, actor=actor, other_attributes=other),
        ),
    ):
        yield Spelling(name, note, "SOAP 1.1 §4.2.2", change)


def _ids(_given: Given) -> Iterator[Spelling]:
    for name, sid in SESSION_IDS.items():
        note = f"an unusual session id: {name}"
        yield Spelling(f"id-{name}", note, "XMLA Session element, SessionId", _identified(sid))


# Chosen independently for one message, at most one of each.
MIXED: tuple[Callable[[Given], Iterator[Spelling]], ...] = (
    _blocks,
    _ids,
    _prefixes,
    _bytes,
    _bodies,
    _headers,
)
SPELLINGS = (_writing, *MIXED)
