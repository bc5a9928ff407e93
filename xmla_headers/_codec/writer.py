"""Values -> XML: a header block, and everything around the content of a Body."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.names import split_clark
from xmla_headers._xml.prefixes import DEFAULT_PREFIX, declarations, occurring_prefixes, prefixes
from xmla_headers._xml.raw import NO_NAMESPACES
from xmla_headers.model import TEXT, qnames_of, written
from xmla_headers.soap import XML_NS, AnyMustUnderstandForm, MustUnderstandForm, SoapVersion
from xmla_headers.unknown_block import UnknownHeaderBlock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xmla_headers.envelope import Envelope
    from xmla_headers.fragment import Fragment
    from xmla_headers.model import HeaderBlock
    from xmla_headers.typing import Block

__all__ = [
    "block_xml",
    "envelope_parts",
    "standalone_xml",
    "without_default_namespace",
]

_START = r"\A<[^\s/>]++"
_UNPREFIXED = r"<[^\s/>:!?]++[\s/>]"

_DECLARED = rb"xmlns:(soap[0-9]*+)"


class _Prefixes(dict[str, str]):
    """Namespace -> prefix in one header block; a prefix is made for a namespace that has none."""

    __slots__ = ("_numbers", "_scope", "_undeclared")

    def __init__(self, scope: Mapping[str, str]) -> None:
        super().__init__({namespace: prefix for prefix, namespace in scope.items() if prefix})
        self._scope = scope
        self._numbers = count(1)
        self._undeclared: list[tuple[str, str]] = []

    def __missing__(self, namespace: str) -> str:
        if namespace == XML_NS:
            return "xml"
        names = (f"n{number}" for number in self._numbers)
        prefix = self[namespace] = next(name for name in names if name not in self._scope)
        self._undeclared.append((prefix, namespace))
        return prefix

    def declarations(self) -> str:
        """Return the declarations of the prefixes that were made since the last call."""
        text = declarations(self._undeclared)
        self._undeclared.clear()
        return text


# Shared by the blocks that need none.
_NO_PREFIXES = _Prefixes({})


def block_xml(
    block: Block,
    soap: SoapVersion,
    prefix: str | None,
    form: MustUnderstandForm | None = None,
    around: Mapping[str, str] = NO_NAMESPACES,
) -> str:
    """Return a header block as XML: fields in schema order, SOAP's attributes, then all others.

    `prefix` is bound to the SOAP namespace where the block will be; if it is None, the block declares a
    prefix itself. `form` overrides the block's own spelling of mustUnderstand. `around` has other prefixes
    that are bound there, and that the block uses.
    """
    if isinstance(block, UnknownHeaderBlock):
        return block.xml.decode()
    spec = block.spec
    xml, prefixes, bare = spec.opening, _NO_PREFIXES, False
    if spec.has_qnames:
        prefixes = _Prefixes(around or ({} if prefix is None else {prefix: soap.namespace}))
        # A name in no namespace would be read in the default namespace.
        bare = bool(spec.namespace) and not all(name.startswith("{") for name in qnames_of(block))
        if bare:
            xml = f'<{prefixes[spec.namespace]}:{spec.local_name} xmlns=""'
    for attribute in spec.attributes:
        value = getattr(block, attribute.field)
        if value is not None:
            text = value if attribute.type is None else attribute.type.write(value, prefixes)
            xml += f' {attribute.name}="{escape_attribute(text)}"'
    end = _content(block, prefixes, bare=bare) if spec.has_content else "/>"
    if prefixes:
        xml += prefixes.declarations()
    if not block.must_understand and block.actor is None and not block.other_attributes:
        return f"{xml}{end}"
    parts = [xml]
    if block.must_understand or block.actor is not None:
        qualified = _soap_attributes(block, soap, form or block.must_understand_form, parts)
        if qualified and prefix is None:
            prefix = DEFAULT_PREFIX
            parts.append(declarations([(prefix, soap.namespace)]))
        parts += [f' {prefix}:{name}="{value}"' for name, value in qualified]
    if block.other_attributes and not spec.has_qnames:
        prefixes = _Prefixes({} if prefix is None else {prefix: soap.namespace})
    for qname, value in block.other_attributes:
        namespace, local = split_clark(qname)
        name = f"{prefixes[namespace]}:{local}"
        parts.append(f'{prefixes.declarations()} {name}="{escape_attribute(value)}"')
    parts.append(end)
    return "".join(parts)


def _content(block: HeaderBlock, prefixes: _Prefixes, *, bare: bool) -> str:
    """Return the rest of a header block after its attributes: its text or child elements, and the end tag.

    The start tag of the block declares its namespace as the default; if it is `bare`, it has a prefix.
    """
    spec = block.spec
    default = "" if bare else spec.namespace
    content = "" if spec.text is None else escape_text(spec.text.write(getattr(block, TEXT), prefixes))
    for child in spec.children:
        tag, bound = child.name, ""
        if child.namespace != default:
            if child.namespace and spec.has_qnames:
                tag = f"{prefixes[child.namespace]}:{tag}"
            else:
                bound = declarations([("", child.namespace)])
        for value in getattr(block, child.field):
            content += f"<{tag}{bound}>{escape_text(written(child.type, value, prefixes))}</{tag}>"
    tag = f"{prefixes[spec.namespace]}:{spec.local_name}" if bare else spec.local_name
    return f">{content}</{tag}>" if content else "/>"


def without_default_namespace(xml: str) -> str:
    """Return an element with `xmlns=""` added: names without a prefix are in no namespace."""
    return re.sub(_START, r'\g<0> xmlns=""', xml, count=1)


def standalone_xml(block: Block, form: MustUnderstandForm | None) -> str:
    """Return a block for SOAP 1.1 that keeps its meaning in any Header, whatever is declared there."""
    xml = block_xml(block, SoapVersion.SOAP_1_1, None, form)
    if isinstance(block, UnknownHeaderBlock) and re.search(_UNPREFIXED, xml) and "" not in block.declared():
        return without_default_namespace(xml)
    return xml


def _soap_attributes(
    block: HeaderBlock, soap: SoapVersion, form: AnyMustUnderstandForm | None, parts: list[str]
) -> list[tuple[str, str]]:
    """Return the attributes in the SOAP namespace; an unqualified mustUnderstand is added to `parts`."""
    qualified = []
    if block.must_understand:
        if form in (MustUnderstandForm.UNQUALIFIED, MustUnderstandForm.BOTH):
            parts.append(' mustUnderstand="1"')
        if form is not MustUnderstandForm.UNQUALIFIED:
            qualified.append(("mustUnderstand", "1"))
    if block.actor is not None:
        qualified.append((soap.actor_name, escape_attribute(block.actor)))
    return qualified


def envelope_parts(
    envelope: Envelope, form: MustUnderstandForm | None, *, xml_declaration: bool
) -> tuple[bytes, bytes]:
    """Return the text before the Body's content and the text after it, in UTF-8."""
    body, soap = envelope.body, envelope.soap
    given, scope = envelope.header.blocks, body.namespaces
    # Usually the Body's content comes from a message that binds this prefix.
    settled = scope.get(DEFAULT_PREFIX) == soap.namespace
    for block in given:
        settled = settled and not isinstance(block, UnknownHeaderBlock)
    prefix = DEFAULT_PREFIX if settled else _soap_prefix(body, soap, envelope.header.unknown)
    blocks = ""
    for block in given:
        blocks += block_xml(block, soap, prefix, form)
    if blocks:
        blocks = f"<{prefix}:Header>{blocks}</{prefix}:Header>"
    # On the Body, not on the Envelope, where they would change the meaning of header blocks.
    bound = ""
    if len(scope) > (prefix in scope):
        bound = declarations(item for item in scope.items() if item[0] != prefix)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n' if xml_declaration else ""
    head = f'{declaration}<{prefix}:Envelope xmlns:{prefix}="{soap.namespace}">{blocks}<{prefix}:Body{bound}>'
    return head.encode(), f"</{prefix}:Body></{prefix}:Envelope>".encode()


def _soap_prefix(body: Fragment, soap: SoapVersion, unknown: Sequence[UnknownHeaderBlock]) -> str:
    """Return a prefix for the SOAP namespace that changes the meaning of no other name.

    It is the first of soap, soap1, ... that the Body's content binds to this namespace, or that neither
    the Body nor an unknown block binds or mentions. A mentioned prefix would be taken for ours.
    """
    bound = body.namespaces
    if not unknown and DEFAULT_PREFIX not in bound and b"soap:" not in body.xml:
        return DEFAULT_PREFIX
    # One pass for all candidates: the sender chooses the text, and a search for each would be quadratic.
    taken = occurring_prefixes(body.xml)
    # Prefixes that a block uses without a declaration: when read back, they would get our binding.
    dangling = set()
    for block in unknown:
        used = occurring_prefixes(block.xml)
        taken |= used | {name.decode() for name in re.findall(_DECLARED, block.xml)}
        dangling |= used - block.declared().keys()
    ours = {prefix for prefix in bound if bound[prefix] == soap.namespace and prefix not in dangling}
    # Only finitely many are taken, so there is always a next one.
    return next(name for name in prefixes() if name in ours or not (name in bound or name in taken))
