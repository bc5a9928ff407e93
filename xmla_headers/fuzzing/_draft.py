"""Draft: a message that is being written, and the codes that its parts make a reader find.

The labels follow from how a message is made and from the specs; nothing here reads a message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from xmla_headers.envelope import Header
from xmla_headers.findings import RULES, Code, Severity
from xmla_headers.model import TEXT, HeaderBlock
from xmla_headers.soap import XML_NS, MustUnderstandForm, SoapVersion
from xmla_headers.typing import BlockTypes
from xmla_headers.unknown_block import UnknownHeaderBlock

from ._case import Behaviour, Case, Trap, Verdict, identifier_of
from ._ids import ID_RULES
from ._simple_values import text_of
from ._writing import Pen

if TYPE_CHECKING:
    from xmla_headers.simple_types import SimpleType, SimpleValue
    from xmla_headers.soap import Direction

__all__ = ["SOAP", "Block", "Draft", "Edit", "Place", "block_of", "clark", "edit", "unknown_block"]

# Stands for the namespace of the Envelope in the attributes of a Block.
SOAP = "(soap)"

# A limit of this library forbids it, not a specification.
_OURS = frozenset({Code.LIMIT_EXCEEDED})


class Place(StrEnum):
    """The place in a message where something stands."""

    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"

    def among(self, size: int) -> int:
        """Return where to insert into a sequence of this length."""
        return {Place.FIRST: 0, Place.MIDDLE: (size + 1) // 2, Place.LAST: size}[self]


@dataclass(slots=True)
class Block:
    """A header block to be written. It declares its own namespace unless `inherits` is set."""

    namespace: str
    local: str
    # Namespace, local name and value of each.
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    # XML after the text or child elements of the value.
    content: str = ""
    prefix: str = ""
    inherits: bool = False
    # Further declarations on it, prefix -> namespace.
    declares: dict[str, str] = field(default_factory=dict)
    # The class that it is bound to; None for a block that no schema declares.
    kind: type[HeaderBlock] | None = None
    # The value that is read if nothing is wrong; None for a block that no schema declares.
    value: HeaderBlock | None = None
    # Text, and namespace, local name and text of each child element.
    text: str = ""
    children: list[tuple[str, str, str]] = field(default_factory=list)
    # A value is a name in no namespace, so there must be no default namespace.
    bare: bool = False
    # Codes that this block alone brings about.
    codes: set[Code] = field(default_factory=set)

    @property
    def session_id(self) -> str | None:
        """The session id in the value, if there is one."""
        return None if self.value is None else identifier_of(self.value)

    def written(self, pen: Pen, draft: Draft) -> str:
        """Return the element as XML."""
        declared = dict(self.declares)
        # A name in no namespace has no prefix.
        prefix_of_block = self.prefix if self.namespace else ""
        if self.bare:
            declared[""] = ""
            prefix_of_block = prefix_of_block or ("v0" if self.namespace else "")
        if not self.inherits or prefix_of_block != self.prefix:
            declared[prefix_of_block] = self.namespace
        # A block that no schema declares is kept as bytes, so it has to be able to stand alone.
        standing_alone = self.kind is None
        pairs = []
        for namespace, local, value in self.attributes:
            prefix = ""
            if namespace:
                prefix = draft.prefix_for(namespace, declared, own=standing_alone) + ":"
            pairs.append((prefix + draft.local_name(namespace, local), value))
        name = f"{prefix_of_block}:{self.local}" if prefix_of_block else self.local
        content = pen.text(self.text)
        for namespace, local, value in self.children:
            bound = []
            if namespace == self.namespace:
                local = f"{prefix_of_block}:{local}" if prefix_of_block else local  # noqa: PLW2901
            elif namespace:
                bound.append(("xmlns:v", namespace))
                local = f"v:{local}"  # noqa: PLW2901
            else:
                bound.append(("xmlns", ""))
            content += pen.element(local, bound, pen.text(value))
        content += self.content
        turned = pen.turns()
        if turned and self.value is not None:
            # The order of these attributes is part of the value.
            self.value = replace(self.value, other_attributes=self.value.other_attributes[::-1])
        while True:
            attributes = [*_declarations(declared), *pairs]
            text = pen.element(name, attributes[::-1] if turned else attributes, content)
            missing = {
                prefix: namespace
                for prefix, namespace in draft.scope_of_blocks().items()
                if prefix not in declared and (not prefix or f"{prefix}:" in text)
            }
            if not standing_alone or not missing:
                return text
            declared.update(missing)


def block_of(value: HeaderBlock, *, prefix: str = "", inherits: bool = False) -> Block:
    """Return the block that a value is written as, with the codes that the value implies."""
    spec = value.spec
    block = Block(spec.namespace, spec.local_name, prefix=prefix, inherits=inherits)
    block.kind, block.value = type(value), value
    for attribute in spec.attributes:
        text = _text_in(block, attribute.type, getattr(value, attribute.field))
        if text is not None:
            block.attributes.append(("", attribute.name, text))
            if attribute.identifier:
                block.codes |= {rule.code for rule in ID_RULES if rule.is_broken_by(text)}
    if spec.text is not None:
        block.text = _text_in(block, spec.text, getattr(value, TEXT)) or ""
    for child in spec.children:
        for each in getattr(value, child.field):
            text = _text_in(block, child.type, each) or ""
            block.children.append((child.namespace, child.name, text))
    if not spec.namespace:
        block.codes.add(Code.UNQUALIFIED_HEADER_BLOCK)
    form, mark = value.must_understand_form, str(int(value.must_understand))
    if form is None and value.must_understand:
        form = MustUnderstandForm.QUALIFIED
    if form in (MustUnderstandForm.QUALIFIED, MustUnderstandForm.BOTH):
        block.attributes.append((SOAP, "mustUnderstand", mark))
    if form in (MustUnderstandForm.UNQUALIFIED, MustUnderstandForm.BOTH):
        block.attributes.append(("", "mustUnderstand", mark))
        block.codes.add(Code.UNQUALIFIED_MUST_UNDERSTAND)
    if value.actor is not None:
        block.attributes.append((SOAP, "actor", value.actor))
    for qname, text in value.other_attributes:
        namespace, _, local = qname[1:].rpartition("}")
        block.attributes.append((namespace, local, text))
    return block


def _text_in(block: Block, kind: SimpleType | None, value: SimpleValue | None) -> str | None:
    """Return the text of a value in a block, which declares the prefix of a qualified name."""
    if kind is None or not kind.is_qname or not isinstance(value, str):
        return text_of(kind, value)
    namespace, _, local = value.rpartition("}")
    namespace = namespace[1:]
    if not namespace:
        block.bare = True
        return local
    prefixes = {XML_NS: "xml"} | {bound: prefix for prefix, bound in block.declares.items()}
    if namespace not in prefixes:
        prefixes[namespace] = f"v{len(prefixes)}"
        block.declares[prefixes[namespace]] = namespace
    return f"{prefixes[namespace]}:{local}"


def clark(namespace: str, local: str) -> str:
    """Return a name in Clark notation, as the keys of `types` have it."""
    return f"{{{namespace}}}{local}" if namespace else local


def unknown_block(
    types: BlockTypes,
    namespace: str,
    local: str,
    *,
    prefix: str = "",
    content: str = "",
    attributes: Sequence[tuple[str, str, str]] = (),
) -> Block:
    """Return a block that is not in `types`, with the codes that its name implies."""
    block = Block(namespace, local, list(attributes), content, prefix)
    if not namespace:
        block.codes.add(Code.UNQUALIFIED_HEADER_BLOCK)
    if local.lower() in {kind.spec.local_name.lower() for kind in types.values()}:
        block.codes.add(Code.LOOKALIKE_HEADER_BLOCK)
    return block


@dataclass(slots=True)
class Draft:
    """A message in the making; the defaults make a plain one with a Discover in its Body."""

    types: BlockTypes
    direction: Direction | None = None
    pen: Pen = field(default_factory=Pen)
    soap: SoapVersion = SoapVersion.SOAP_1_1
    prefix: str = "s"
    # Replaces the namespace of `soap`.
    namespace: str | None = None
    root_name: str = "Envelope"
    # Further declarations on the Envelope, prefix -> namespace.
    declares: dict[str, str] = field(default_factory=dict)
    envelope_attributes: list[tuple[str, str]] = field(default_factory=list)

    declaration: str = ""
    prolog: str = ""
    # Parts between the start of the Envelope and the Header, the Header and the Body, the Body and the end.
    front: list[str] = field(default_factory=list)
    between: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    epilog: str = ""
    # Header blocks, and text between them; None for no Header.
    header: list[Block | str] | None = field(default_factory=list)
    header_attributes: list[tuple[str, str]] = field(default_factory=list)
    # Content; None for no Body.
    body: str | None = '<Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/>'
    body_attributes: list[tuple[str, str]] = field(default_factory=list)
    # The byte order mark.
    mark: str = ""
    codec: str = "utf-8"
    # Applied to the bytes at the end, in turn.
    changes: list[Callable[[bytes], bytes]] = field(default_factory=list)

    # Codes, apart from those that the header blocks bring about.
    codes: set[Code] = field(default_factory=set)
    # A fatal finding comes before all others, so that they are never found.
    hidden: bool = False
    # The Header is not the one that is judged.
    unjudged: bool = False
    # Only this library refuses the message; others may read it.
    ours: bool = False
    traps: list[Trap] = field(default_factory=list)
    ids: int = 0

    # -- writing -------------------------------------------------------------------------------------

    def sid(self) -> str:
        """Return a session id that no other has in this message."""
        self.ids += 1
        return f"5E55-10{self.ids:02}"

    def qualified(self, local: str) -> str:
        """Return a name in the namespace of the Envelope, with its prefix."""
        return f"{self.prefix}:{local}" if self.prefix else local

    def local_name(self, namespace: str, local: str) -> str:
        """Return the local name of an attribute in the version of SOAP at hand."""
        return self.soap.actor_name if namespace == SOAP and local == "actor" else local

    def prefix_for(self, namespace: str, declared: dict[str, str], *, own: bool) -> str:
        """Return a prefix for the namespace of an attribute; declare it on the block if necessary."""
        if namespace == SOAP:
            if self.prefix and not own and self.prefix not in declared:
                return self.prefix
            namespace = self.soap.namespace
        if namespace == XML_NS:
            return "xml"
        for prefix, bound in declared.items():
            if prefix and bound == namespace:
                return prefix
        prefix = f"q{len(declared)}"
        declared[prefix] = namespace
        return prefix

    def scope_of_blocks(self) -> dict[str, str]:
        """Return the declarations in scope of the header blocks, prefix -> namespace."""
        scope = {self.prefix: self.soap.namespace, **self.declares}
        for name, value in self.header_attributes:
            if name == "xmlns" or name.startswith("xmlns:"):
                scope[name[6:]] = value
        return {prefix: namespace for prefix, namespace in scope.items() if namespace}

    def blocks(self) -> list[Block]:
        """Return the header blocks."""
        return [part for part in self.header or () if isinstance(part, Block)]

    def insert_anywhere(self, text: str, place: Place) -> None:
        """Insert text that ends the reading: before the Envelope, in the Header or after the Envelope."""
        if place is Place.FIRST:
            # The comment comes first: a document cannot begin with any text.
            self.prolog += "<!-- first -->" + text
            self.hidden = True
        elif place is Place.MIDDLE:
            self.insert(place, text)
        else:
            self.epilog += text

    def insert(self, place: Place, *parts: Block | str) -> None:
        """Insert something among the header blocks."""
        if self.header is None:
            self.header = []
        index = place.among(len(self.header))
        self.header[index:index] = parts

    def trap(self, behaviour: Behaviour, found: Collection[str], missed: Collection[str] = ()) -> None:
        """Add a trap: a parser with this behaviour returns some ids, and does not return others."""
        self.traps.append(Trap(behaviour, frozenset(found), frozenset(missed)))

    def trap_id(self, behaviour: Behaviour, sid: str | None) -> None:
        """Add a trap: only a parser with this behaviour returns this id, if there is one."""
        if sid is not None:
            self.trap(behaviour, {sid})

    def trap_trimming(self, sid: str) -> None:
        """Add a trap for parsers that remove white space around an id."""
        if sid.strip() != sid:
            self.trap(Behaviour.TRIMMED, {sid.strip()}, {sid})

    def text(self) -> tuple[str, list[str]]:
        """Return the message, and each of its header blocks."""
        pen, blocks = self.pen, []
        namespace = self.soap.namespace if self.namespace is None else self.namespace
        declared = {**({self.prefix: namespace} if namespace or not self.prefix else {}), **self.declares}
        if declared.get("") == "" and "" not in self.declares:
            declared.pop("", None)
        root = self.qualified(self.root_name)
        parts = [self.declaration, self.prolog]
        attributes = [*_declarations(declared), *self.envelope_attributes]
        parts.append(pen.start(root, attributes[::-1] if pen.turns() else attributes) + ">")
        parts += [part + pen.gap() for part in ("", *self.front)]
        if self.header is not None:
            content = []
            for part in self.header:
                written = part if isinstance(part, str) else part.written(pen, self)
                if not isinstance(part, str):
                    blocks.append(written)
                content.append(written)
            inside = "".join(pen.gap() + part for part in content) + pen.gap()
            parts += [pen.element(self.qualified("Header"), self.header_attributes, inside), pen.gap()]
        parts += [part + pen.gap() for part in self.between]
        if self.body is not None:
            parts += [pen.element(self.qualified("Body"), self.body_attributes, self.body), pen.gap()]
        parts += [part + pen.gap() for part in self.behind]
        parts.append(f"</{root}{pen.choices.pick(pen.style.ends)}>")
        parts.append(self.epilog)
        return "".join(parts), blocks

    # -- labels --------------------------------------------------------------------------------------

    def expected(self) -> set[Code]:
        """Return every code that is found."""
        fatal = {code for code in self.codes if RULES[code].fatal}
        if self.hidden:
            return fatal
        # After one of these two, nothing else is judged, but reading continues.
        for code in (Code.NOT_AN_ENVELOPE, Code.WRONG_SOAP_NAMESPACE):
            if code in self.codes:
                return {code} | fatal
        found = set(self.codes)
        if self.soap is SoapVersion.SOAP_1_2:
            found.add(Code.SOAP_1_2)
        if not self.unjudged:
            found |= self._about_blocks()
        return found

    def _about_blocks(self) -> set[Code]:
        """Return the codes that the header blocks imply."""
        found = set()
        counts: dict[type[HeaderBlock], int] = {}
        alternatives: dict[str, set[str]] = {}
        for block in self.blocks():
            found |= block.codes
            if block.kind is None:
                continue
            spec = block.kind.spec
            count = counts[block.kind] = counts.get(block.kind, 0) + 1
            if spec.max_occurs is not None and count > spec.max_occurs:
                found.add(Code.DUPLICATE_HEADER_BLOCK)
            if self.direction is not None and self.direction not in spec.directions:
                found.add(Code.WRONG_DIRECTION)
            if spec.alternatives is not None:
                names = alternatives.setdefault(spec.alternatives, set())
                names.add(spec.qname)
                if len(names) > 1:
                    found.add(Code.AMBIGUOUS_SESSION_HEADERS)
        return found

    def finish(self, name: str, rule: str, note: str, reference: str) -> Case:
        """Write the message and label it; a `{}` in the name becomes a hash of the bytes."""
        text, blocks = self.text()
        data = (self.mark + text).encode(self.codec, "xmlcharrefreplace")
        for change in self.changes:
            data = change(data)
        expected = frozenset(self.expected())
        refused = any(RULES[code].severity is Severity.ERROR for code in expected)
        header = None if refused else self._header(blocks)
        forbidden = any(RULES[code].severity is Severity.ERROR for code in expected - _OURS)
        if self.ours or (expected and not forbidden):
            verdict = Verdict.EITHER
        else:
            verdict = Verdict.REJECT if refused else Verdict.ACCEPT
        name = name.format(hashlib.sha256(data).hexdigest()[:16])
        return Case(
            name, data, expected, header, note, reference, rule, verdict, tuple(self.traps), self.direction
        )

    def _header(self, written: list[str]) -> Header:
        """Return the Header that is read; an unknown block is made from its text."""
        values: list[HeaderBlock | UnknownHeaderBlock] = []
        for block, text in zip(self.blocks(), written, strict=True):
            if block.value is None:
                # A character that the encoding lacks was written as a reference.
                kept = text.encode(self.codec, "xmlcharrefreplace").decode(self.codec)
                values.append(UnknownHeaderBlock(kept.encode()))
            else:
                values.append(block.value)
        return Header(*values)


def _declarations(declared: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return declarations as attributes."""
    return [(f"xmlns:{prefix}" if prefix else "xmlns", namespace) for prefix, namespace in declared.items()]


T = TypeVar("T")
# Changes a draft. The second argument is a place, a header block, or a class of header blocks.
Edit: TypeAlias = Callable[[Draft, T], object]


def edit(*, body: str = "", rewrite: Callable[[bytes], bytes] | None = None, **parts: object) -> Edit[object]:
    """Return the edit that sets parts of a draft, adds to its Body, and rewrites its bytes at the end."""

    def apply(draft: Draft, _: object) -> None:
        for name, value in parts.items():
            setattr(draft, name, value)
        if body:
            draft.body = (draft.body or "") + body
        if rewrite is not None:
            draft.changes.append(rewrite)

    return apply
