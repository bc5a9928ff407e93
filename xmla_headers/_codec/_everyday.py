"""The everyday head in one regular expression: bytes -> Head, or None for the reader to judge.

Nearly all messages have a head of one shape: an Envelope, a few header blocks with attributes and no
elements in them, a Body. What the expression takes is well-formed and breaks no rule of `_rules` by its
very shape; what it does not take, right or wrong, goes the general way. A property test holds both ways
together.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType

from xmla_headers._xml.prefixes import Scope
from xmla_headers._xml.raw import NO_NAMESPACES
from xmla_headers.envelope import Header
from xmla_headers.model import SOAP_VERSIONS, UnknownHeaderBlock
from xmla_headers.soap import SOAP_11_NS, XML_NS, XMLNS_NS, MustUnderstandForm, SoapVersion

from .rules import names_in_lower_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from xmla_headers.envelope import Block
    from xmla_headers.findings import Finding
    from xmla_headers.model import HeaderBlock
    from xmla_headers.soap import Direction

    #: The whole of it, its name, its attributes, its text.
    Element: TypeAlias = tuple[str | Any, ...]
    #: The declarations; name -> value of what is in no namespace; namespace, name and value of the one
    #: that is in one.
    Attributes: TypeAlias = tuple[dict[str, str], dict[str, str], tuple[str, str, str] | None]

__all__ = ["Head", "everyday_head"]

#: Longer heads, and such as have more of something, go the general way, so that none of the default
#: Limits can be exceeded here.
_LONGEST = 4096
_MOST_ATTRIBUTES = 256
_MOST_BLOCKS = 64

_SPACE = r"[ \t\r\n]*+"
# ASCII only, for the parser does not see the head again.
_COMMENT = r"<!--[ !-,./-;=?-~\t\r\n]*+(?:-[ !-,./-;=?-~\t\r\n]++)*+-->"
_GAP = rf"{_SPACE}(?:{_COMMENT}{_SPACE})*+"
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*+"
# Without a reference, which would be ours to resolve, or white space other than a space, which would be
# ours to normalise.
_VALUE = r"""(?:"[ !#-%(-;=-~]*+"|'[ !#-%(-;=-~]*+')"""
_ATTRIBUTES = rf"((?:[ \t\r\n]++(?:{_NAME}:)?{_NAME}={_VALUE})*+){_SPACE}"
_TEXT = r"[ !-%'-;=?-\\^-~\t\r\n]*+"

_DECLARATION = (
    r"""<\?xml version=(?:"1\.0"|'1\.0')"""
    r"""(?: encoding=(?:"(?i:utf-8)"|'(?i:utf-8)'))?"""
    r"""(?: standalone=(?:"(?:yes|no)"|'(?:yes|no)'))? ?\?>"""
)
#: The prefix, the attributes of Envelope, all blocks; the last block, its name, its attributes, its text;
#: the attributes of Body.
_HEAD = (
    rf"(?:\xef\xbb\xbf)?(?:{_DECLARATION})?{_GAP}"
    rf"<((?:{_NAME}:)?)Envelope{_ATTRIBUTES}>{_GAP}"
    rf"(?:<\1Header{_SPACE}"
    rf"(?:/>|>((?:{_GAP}(<((?:{_NAME}:)?{_NAME}){_ATTRIBUTES}(?:/>|>({_TEXT})</\5{_SPACE}>)))*+){_GAP}"
    rf"</\1Header{_SPACE}>){_GAP})?"
    rf"<\1Body{_ATTRIBUTES}>"
)
#: In what the expression has taken: a block, its name, its attributes, its text.
_BLOCK = (
    r"""(<([A-Za-z_][^ \t\r\n/>]*+)((?:[^"'/>]*+(?:"[^"]*+"|'[^']*+'))*+)[^>]*+>(?:([^<]*+)</[^>]*+>)?)"""
)
#: Declarations that take a closer look than this.
_PREFIXES = frozenset({"xml", "xmlns"})
_NAMESPACES = frozenset({"", XML_NS, XMLNS_NS})

_FORMS = SoapVersion.SOAP_1_1.must_understand_forms
_NO_HEADER = Header()


class Head:
    """What is known of a message once its head has been seen, up to the end of the Body start tag."""

    __slots__ = ("body_start", "header", "names", "scope", "soap", "warnings")

    def __init__(
        self,
        header: Header,
        warnings: tuple[Finding, ...],
        soap: SoapVersion,
        names: tuple[bytes, bytes],
        body_start: int,
        scope: Mapping[str, str],
    ) -> None:
        self.header = header
        self.warnings = warnings
        self.soap = soap
        #: Envelope and Body as written, with their prefix.
        self.names = names
        #: The offset behind the Body start tag.
        self.body_start = body_start
        #: Prefix -> namespace in scope inside the Body.
        self.scope = scope


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Compiled when they are first needed: it takes longer than all else in an import of this module.
    return re.compile(_HEAD, re.ASCII), re.compile(_BLOCK)


def everyday_head(
    data: bytes, types: Mapping[str, type[HeaderBlock]], direction: Direction | None
) -> Head | None:
    """Return the head of a message in UTF-8 and SOAP 1.1 that has the everyday shape and breaks no rule."""
    # As ISO-8859-1 every byte is one character, so that offsets are the same.
    match = _patterns()[0].match(data[:_LONGEST].decode("latin-1"))
    if match is None:
        return None
    prefix, envelope, blocks, _, _, _, _, body = match.groups()
    attributes = _read(envelope, NO_NAMESPACES)
    if attributes is None:
        return None
    scope, plain, _ = attributes
    if plain or scope.get(prefix[:-1]) != SOAP_11_NS:
        return None
    header = _NO_HEADER
    if blocks:
        # Mostly there is one, the last.
        one = match.string.find("<", match.start(3)) == match.start(4)
        elements = [match.group(4, 5, 6, 7)] if one else _patterns()[1].findall(blocks)
        bound = _bound(elements, scope, types, direction)
        if bound is None:
            return None
        header = Header.of(tuple(bound))
    if body:
        attributes = _read(body, scope)
        if attributes is None:
            return None
        scope = {**scope, **attributes[0]}
        if scope[prefix[:-1]] != SOAP_11_NS:
            return None
    written = prefix.encode()
    names = written + b"Envelope", written + b"Body"
    return Head(header, (), SoapVersion.SOAP_1_1, names, match.end(), MappingProxyType(scope))


def _read(written: str, outer: Mapping[str, str]) -> Attributes | None:
    """Return the attributes of a start tag; None when one takes a closer look."""
    # Neither quote stands in a value.
    parts = written.replace("'", '"').split('"')
    declared: dict[str, str] = {}
    plain: dict[str, str] = {}
    qualified: tuple[str, str, str] | None = None
    for before, value in zip(parts[:-1:2], parts[1::2], strict=True):
        name = before.strip(" \t\r\n=")
        if ":" not in name:
            if name != "xmlns":
                plain[name] = value
                continue
            prefix = ""
        elif name.startswith("xmlns:"):
            prefix = name[6:]
        else:
            qualified = name, "", value
            continue
        if value in _NAMESPACES or prefix in _PREFIXES:
            return None
        declared[prefix] = value
    # One name twice is not well-formed, and neither are two that one namespace makes the same: the reader
    # is to see to both.
    count = len(declared) + len(plain) + (qualified is not None)
    if count != len(parts) // 2 or count > _MOST_ATTRIBUTES:
        return None
    if qualified is not None:
        prefix, _, local = qualified[0].partition(":")
        namespace = declared.get(prefix) or outer.get(prefix)
        if namespace is None:
            return None
        qualified = namespace, local, qualified[2]
    return declared, plain, qualified


def _bound(
    elements: list[Element],
    outer: Mapping[str, str],
    types: Mapping[str, type[HeaderBlock]],
    direction: Direction | None,
) -> list[Block] | None:
    """Return the values of header blocks; None when one takes a closer look."""
    if len(elements) > _MOST_BLOCKS:
        return None
    blocks: list[Block] = []
    #: What there is to be no second of.
    seen: set[str] = set()
    scope, names = Scope(outer), names_in_lower_case(types)
    for xml, name, written, content in elements:
        attributes = _read(written, outer)
        if attributes is None:
            return None
        prefix, _, local = name.rpartition(":")
        namespace = attributes[0].get(prefix) or outer.get(prefix)
        if namespace is None:
            return None
        qname = f"{{{namespace}}}{local}"
        block_type = types.get(qname)
        block: Block | None
        if block_type is None:
            if local.lower() in names:
                return None
            block = _kept(xml.encode(), name, qname, attributes, scope)
        else:
            spec = block_type.spec
            if qname in seen or spec.alternatives in seen or spec.max_occurs == 0:
                return None
            if (direction and direction not in spec.directions) or (content and not content.isspace()):
                return None
            seen.add(qname)
            seen.add(qname if spec.alternatives is None else spec.alternatives)
            block = _value(block_type, attributes)
        if block is None:
            return None
        blocks.append(block)
    return blocks


def _value(block_type: type[HeaderBlock], attributes: Attributes) -> HeaderBlock | None:
    """Return what an element says that its schema declares."""
    spec = block_type.spec
    _, plain, qualified = attributes
    values: dict[str, Any] = {}
    for name, value in plain.items():
        attribute = spec.by_name.get(name)
        if attribute is None or not value:
            return None
        values[attribute.field] = value
    for attribute in spec.attributes:
        if attribute.required and attribute.field not in values:
            return None
    if qualified is None:
        return block_type(**values)
    namespace, local, value = qualified
    if namespace != SOAP_11_NS or local != "mustUnderstand" or value not in _FORMS:
        return None
    form = MustUnderstandForm.QUALIFIED
    return block_type(**values, must_understand=_FORMS[value], must_understand_form=form)


def _kept(
    xml: bytes, name: str, qname: str, attributes: Attributes, scope: Scope
) -> UnknownHeaderBlock | None:
    """Return an element that no schema declares."""
    declared, _, qualified = attributes
    must_understand = False
    if qualified is not None:
        namespace, local, value = qualified
        if namespace in SOAP_VERSIONS:
            if namespace != SOAP_11_NS or local != "mustUnderstand" or value not in _FORMS:
                return None
            must_understand = _FORMS[value]
    return UnknownHeaderBlock.cut(xml, name, qname, scope.missing(xml, declared), must_understand, None)
