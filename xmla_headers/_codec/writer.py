"""Values -> bytes: a header block as XML, and the prefixes of a message."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from xmla_headers._xml.escape import escape_attribute
from xmla_headers._xml.prefixes import DEFAULT_PREFIX, declarations, occurring_prefixes, prefixes
from xmla_headers.soap import XML_NS, MustUnderstandForm, SoapVersion
from xmla_headers.unknown_block import UnknownHeaderBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xmla_headers.envelope import Envelope
    from xmla_headers.fragment import Fragment
    from xmla_headers.model import HeaderBlock
    from xmla_headers.typing import Block

__all__ = [
    "block_xml",
    "declaring_no_default",
    "envelope_parts",
    "standalone_xml",
]

_START = r"\A<[^\s/>]++"
_UNPREFIXED = r"<[^\s/>:!?]++[\s/>]"

_DECLARED = rb"xmlns:(soap[0-9]*+)"


def block_xml(
    block: Block, soap: SoapVersion, prefix: str | None, form: MustUnderstandForm | None = None
) -> str:
    """Return a header block as XML: fields in schema order, then what SOAP knows, then the others.

    `prefix` is bound to the SOAP namespace where it is going to stand; without one the block declares
    its own. `form` overrides the spelling of mustUnderstand that the block asks for.
    """
    if isinstance(block, UnknownHeaderBlock):
        return block.xml.decode()
    spec = block.spec
    xml = spec.opening
    for attribute in spec.attributes:
        value = getattr(block, attribute.field)
        if value is not None:
            xml += f' {attribute.name}="{escape_attribute(value)}"'
    if not block.must_understand and block.actor is None and not block.other_attributes:
        return f"{xml}/>"
    parts = [xml]
    if block.must_understand or block.actor is not None:
        qualified = _soap_attributes(block, soap, form or block.must_understand_form, parts)
        if qualified and prefix is None:
            prefix = DEFAULT_PREFIX
            parts.append(declarations([(prefix, soap.namespace)]))
        parts += [f' {prefix}:{name}="{value}"' for name, value in qualified]
    if block.other_attributes:
        parts += _other_attributes(block, prefix)
    parts.append("/>")
    return "".join(parts)


def declaring_no_default(xml: str) -> str:
    """Return an element with the declaration that what has no prefix is in no namespace."""
    return re.sub(_START, r'\g<0> xmlns=""', xml, count=1)


def standalone_xml(block: Block, form: MustUnderstandForm | None) -> str:
    """Return a block of SOAP 1.1 as it can be put into any Header, whatever the namespaces there are."""
    xml = block_xml(block, SoapVersion.SOAP_1_1, None, form)
    if isinstance(block, UnknownHeaderBlock) and re.search(_UNPREFIXED, xml) and "" not in block.declared():
        return declaring_no_default(xml)
    return xml


def _soap_attributes(
    block: HeaderBlock, soap: SoapVersion, form: MustUnderstandForm | None, parts: list[str]
) -> list[tuple[str, str]]:
    """Return what stands in the SOAP namespace; an unqualified mustUnderstand is added to `parts`."""
    qualified = []
    if block.must_understand:
        if form in (MustUnderstandForm.UNQUALIFIED, MustUnderstandForm.BOTH):
            parts.append(' mustUnderstand="1"')
        if form is not MustUnderstandForm.UNQUALIFIED:
            qualified.append(("mustUnderstand", "1"))
    if block.actor is not None:
        qualified.append((soap.actor_name, escape_attribute(block.actor)))
    return qualified


def _other_attributes(block: HeaderBlock, taken: str | None) -> list[str]:
    prefixes = {XML_NS: "xml"}
    numbers = (f"n{number}" for number in count(1))
    parts = []
    for qname, value in block.other_attributes:
        namespace, _, local = qname[1:].rpartition("}")
        prefix = prefixes.get(namespace)
        if prefix is None:
            prefix = prefixes[namespace] = next(name for name in numbers if name != taken)
            parts.append(declarations([(prefix, namespace)]))
        parts.append(f' {prefix}:{local}="{escape_attribute(value)}"')
    return parts


def envelope_parts(
    envelope: Envelope, form: MustUnderstandForm | None, *, xml_declaration: bool
) -> tuple[bytes, bytes]:
    """Return what stands in front of the Body's content, and what stands behind it."""
    body, soap = envelope.body, envelope.soap
    given, scope = envelope.header.blocks, body.namespaces
    # Mostly it is the one of the message that the Body comes from.
    settled = scope.get(DEFAULT_PREFIX) == soap.namespace
    for block in given:
        settled = settled and not isinstance(block, UnknownHeaderBlock)
    prefix = DEFAULT_PREFIX if settled else _soap_prefix(body, soap, envelope.header.unknown)
    blocks = ""
    for block in given:
        blocks += block_xml(block, soap, prefix, form)
    if blocks:
        blocks = f"<{prefix}:Header>{blocks}</{prefix}:Header>"
    # On the Body, not on the Envelope, where they would change what a header block means.
    bound = ""
    if len(scope) > (prefix in scope):
        bound = declarations(item for item in scope.items() if item[0] != prefix)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n' if xml_declaration else ""
    head = f'{declaration}<{prefix}:Envelope xmlns:{prefix}="{soap.namespace}">{blocks}<{prefix}:Body{bound}>'
    return head.encode(), f"</{prefix}:Body></{prefix}:Envelope>".encode()


def _soap_prefix(body: Fragment, soap: SoapVersion, unknown: Sequence[UnknownHeaderBlock]) -> str:
    """Return a prefix for the SOAP namespace that changes the meaning of nothing else.

    The first of soap, soap1, ... that the Body's content binds to this namespace, or that is bound
    nowhere and does not occur: whoever reads the message would take it for one that is meant.
    """
    bound = body.namespaces
    if not unknown and DEFAULT_PREFIX not in bound and b"soap:" not in body.xml:
        return DEFAULT_PREFIX
    # One pass over all, since what occurs is the sender's: a search for each candidate would be quadratic.
    taken = occurring_prefixes(body.xml)
    # What a block uses without binding it: it would be given our binding when it is read back.
    dangling = set()
    for block in unknown:
        used = occurring_prefixes(block.xml)
        taken |= used | {name.decode() for name in re.findall(_DECLARED, block.xml)}
        dangling |= used - block.declared().keys()
    ours = {prefix for prefix in bound if bound[prefix] == soap.namespace and prefix not in dangling}
    # Some are taken, and there is no end of them.
    return next(name for name in prefixes() if name in ours or not (name in bound or name in taken))
