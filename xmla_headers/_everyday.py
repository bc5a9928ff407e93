"""The everyday head in one regular expression: bytes -> Head, or None for the reader to judge.

Nearly all messages have a head of one shape: an Envelope, at most one header block that a schema
declares, a Body. What the expression takes breaks no rule of `_rules` by its very shape, provided
that an XML parser finds it well-formed; what it does not take, right or wrong, goes the general way. A
property test holds both ways together.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType

from .envelope import Header
from .soap import SOAP_11_NS, XML_NS, XMLNS_NS, MustUnderstandForm, SoapVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .findings import Finding
    from .model import HeaderBlock
    from .soap import Direction

__all__ = ["Head", "everyday_head"]

#: Longer heads go the general way, so that none of the default Limits can be exceeded here.
_LONGEST = 4096
_MOST_ATTRIBUTES = 256

_SPACE = rb"[ \t\r\n]*+"
_NAME = rb"[A-Za-z_][A-Za-z0-9_]*+"
# ASCII without a reference, which would be ours to resolve, or white space other than a space, which
# would be ours to normalise.
_ATTRIBUTES = rb'(?: (?:%b:)?%b="[ !#-%%\'-;=-~]*+")*+' % (_NAME, _NAME)

_HEAD = (
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?i:utf-8)[\"'])? ?\?>" + _SPACE + rb")?"
    rb"<((?:" + _NAME + rb":)?)Envelope(" + _ATTRIBUTES + rb")>" + _SPACE +
    rb"(?:<\1Header>" + _SPACE +
    rb"(?:<((?:" + _NAME + rb":)?" + _NAME + rb")(" + _ATTRIBUTES + rb") ?(?:/>|></\3>)" + _SPACE + rb")?"
    rb"</\1Header>" + _SPACE + rb")?"
    rb"<\1Body>"
)  # fmt: skip
_ATTRIBUTE = re.compile(' ([^=]+)="([^"]*)"')

#: Declarations that take a closer look than this.
_PREFIXES = frozenset({"xml", "xmlns"})
_NAMESPACES = frozenset({"", XML_NS, XMLNS_NS})

_FORMS = SoapVersion.SOAP_1_1.must_understand_forms


@cache
def _head_pattern() -> re.Pattern[bytes]:
    # Compiled when it is first needed: it takes longer than all else in an import of this module.
    return re.compile(_HEAD)


class Head:
    """What is known of a message once its head has been seen, up to the end of the Body start tag."""

    __slots__ = ("body_name", "body_start", "header", "scope", "soap", "warnings")

    def __init__(
        self,
        header: Header,
        warnings: tuple[Finding, ...],
        soap: SoapVersion,
        body_name: str,
        body_start: int,
        scope: Mapping[str, str],
    ) -> None:
        self.header = header
        self.warnings = warnings
        self.soap = soap
        self.body_name = body_name
        #: The offset behind the Body start tag.
        self.body_start = body_start
        #: Prefix -> namespace in scope inside the Body.
        self.scope = scope


def everyday_head(
    data: bytes, types: Mapping[str, type[HeaderBlock]], direction: Direction | None
) -> Head | None:
    """Return the head of a message in UTF-8 and SOAP 1.1 that has the everyday shape and breaks no rule.

    Provided that it is well-formed by XML 1.0: that is for the caller to see to.
    """
    match = _head_pattern().match(data, 0, _LONGEST)
    if match is None or data.count(b"=", 0, match.end()) > _MOST_ATTRIBUTES:
        return None
    prefix, envelope, block_name, attributes = map(bytes.decode, match.groups(b""))
    scope: dict[str, str] = {}
    if _declare(envelope, scope) != [] or scope.get(prefix[:-1]) != SOAP_11_NS:
        return None
    header = Header()
    if block_name:
        block = _bind(block_name, attributes, scope, types, direction)
        if block is None:
            return None
        header = Header.of((block,))
    return Head(header, (), SoapVersion.SOAP_1_1, f"{prefix}Body", match.end(), MappingProxyType(scope))


def _declare(attributes: str, scope: dict[str, str]) -> list[tuple[str, str]] | None:
    """Add the declarations among the attributes to `scope`, and return the other attributes.

    None when a declaration takes a closer look.
    """
    others = []
    for name, value in _ATTRIBUTE.findall(attributes):
        if name == "xmlns":
            bound = ""
        elif name.startswith("xmlns:"):
            bound = name[6:]
        else:
            others.append((name, value))
            continue
        if bound in _PREFIXES or value in _NAMESPACES:
            return None
        scope[bound] = value
    return others


def _bind(
    name: str,
    attributes: str,
    outer: Mapping[str, str],
    types: Mapping[str, type[HeaderBlock]],
    direction: Direction | None,
) -> HeaderBlock | None:
    scope = dict(outer)
    others = _declare(attributes, scope)
    bound, _, local = name.rpartition(":")
    block_type = types.get(f"{{{scope.get(bound, '')}}}{local}")
    if others is None or block_type is None:
        return None
    spec = block_type.spec
    if direction is not None and direction not in spec.directions:
        return None
    values: dict[str, Any] = {}
    must_understand = form = None
    for attribute_name, value in others:
        attribute = spec.by_name.get(attribute_name)
        if attribute is not None and value:
            values[attribute.field] = value
            continue
        bound, _, local = attribute_name.rpartition(":")
        if not bound or scope.get(bound) != SOAP_11_NS or local != "mustUnderstand":
            return None
        # The same attribute under another prefix is for the reader to refuse.
        if form is not None or value not in _FORMS:
            return None
        must_understand, form = _FORMS[value], MustUnderstandForm.QUALIFIED
    for attribute in spec.attributes:
        if attribute.required and attribute.field not in values:
            return None
    return block_type(**values, must_understand=bool(must_understand), must_understand_form=form)
