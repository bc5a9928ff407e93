"""The rules of SOAP and XMLA: checks raw elements against the schemas' specs, and makes the values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers._printable import printable
from xmla_headers._xml.names import short
from xmla_headers._xml.parser import HTML_HINT
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.prefixes import Scope
from xmla_headers._xml.raw import SLASH, certain, element_end, end_of_start_tag
from xmla_headers.findings import RULES, Code, Finding
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import (
    SOAP_11_NS,
    SOAP_12_NS,
    SOAP_VERSIONS,
    XMLA_NS,
    XSI_NS,
    MustUnderstandForm,
    SoapVersion,
)
from xmla_headers.unknown_block import UnknownHeaderBlock, actor_of, must_understand_value

from .values import ValueReader, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xmla_headers._xml.raw import RawElement, RawMessage
    from xmla_headers.model import AttributeSpec, BlockSpec, HeaderBlock
    from xmla_headers.soap import Direction

    # Offset, rank in the catalogue, code, message, the elements from the root inwards, the attribute
    # at the end of the path, hint.
    Mark = tuple[int, int, Code, str, tuple[RawElement, ...], str, str | None]

__all__ = ["PLAIN_IDENTIFIER", "Judge", "identifiers_of"]

_RANK = {code: rank for rank, code in enumerate(RULES)}

# An xs:int of value 0 or 1, the type of the unqualified mustUnderstand in Microsoft's XSD.
_UNQUALIFIED = r"[ \t\r\n]*(?:\+?0*(?P<value>[01])|-0+)[ \t\r\n]*"

_ARRAY_HINT = (
    "PHP writes an array as elements: give SoapHeader a SoapVar of the type XSD_ANYXML with the whole element"
)
# xs:boolean, which some stacks write in both versions of SOAP.
_BOOLEANS = frozenset({"true", "false"})
_BOOLEAN_HINT = "write 1 for true and 0 for false: SOAP 1.2 accepts the words, SOAP 1.1 does not"

# Elements of HTML that begin the output of a program before its message, such as a warning of PHP.
_HTML_NAMES = frozenset(
    {"b", "body", "br", "center", "div", "font", "h1", "head", "hr", "p", "pre", "script", "span", "table"}
)
_HTML_BEFORE_HINT = (
    "this looks like HTML before the message, such as a warning of PHP: set display_errors to Off there"
)

_PADDED_HINT = "ids are compared exactly, but some peers remove white space around them"

# Bytes of an identifier that every rule treats like any other of its length: printable ASCII without quotes
# and markup, which XML neither resolves nor normalises; not empty, without white space at the ends.
PLAIN_IDENTIFIER = rb"[!#-%(-;=?-~]++(?: ++[!#-%(-;=?-~]++)*+"


def identifiers_of(types: Mapping[str, type[HeaderBlock]]) -> set[str]:
    """Return the names of the attributes that hold a plain identifier."""
    return {
        attribute.name
        for block_type in types.values()
        for attribute in block_type.spec.attributes
        if attribute.is_plain_identifier
    }


def _names_in_lower_case(types: Mapping[str, type[HeaderBlock]]) -> Mapping[str, BlockSpec]:
    """Return the specs by local name in lower case, to find lookalikes of them."""
    names: dict[str, BlockSpec] = {}
    for block_type in types.values():
        # If two namespaces have the same name, the first one is used.
        names.setdefault(block_type.spec.local_name.lower(), block_type.spec)
    return names


_SESSION_NAMES = _names_in_lower_case(SESSION_BLOCKS)


# More findings are made one by one, as the caller asks for them.
_FEW = 16


class Judge:
    """Checks one message by the rules; then has its header blocks and the findings, as marks."""

    __slots__ = ("_after", "_direction", "_marks", "_message", "_types", "blocks", "soap")

    def __init__(
        self, message: RawMessage, types: Mapping[str, type[HeaderBlock]], direction: Direction | None
    ) -> None:
        self._message = message
        self._types = types
        self._direction = direction
        self._marks: list[Mark] = []
        # The header blocks without errors, in document order.
        self.blocks: list[HeaderBlock | UnknownHeaderBlock] = []
        self.soap = SoapVersion.SOAP_1_1
        if message.root is not None:
            self._judge_root(message.root)
        self._marks.sort(key=_place)

    @property
    def clean(self) -> bool:
        """Whether there are no findings."""
        return not self._marks and self._message.fatal is None

    @property
    def has_few_findings(self) -> bool:
        """Whether the findings may be made all at once."""
        return len(self._marks) <= _FEW

    def findings(self) -> Iterator[Finding]:
        """Yield the findings by offset, then by catalogue order; the fatal one comes last."""
        message = self._message
        locator = Locator(message.source)
        paths = _Paths()
        for position, _, code, text, elements, attribute, hint in self._marks:
            offset, line, column = locator.locate(position)
            rule = RULES[code]
            path = paths.of(elements) + attribute
            yield Finding(code, rule.severity, text, path, line, column, offset, hint, rule.reference)
        fatal = message.fatal
        if fatal is not None:
            offset, line, column = Locator(message.source).locate(fatal.offset)
            rule = RULES[fatal.code]
            yield Finding(
                fatal.code,
                rule.severity,
                fatal.message,
                message.fatal_path,
                line,
                column,
                offset,
                fatal.hint,
                rule.reference,
            )

    def _mark(
        self,
        code: Code,
        offset: int,
        text: str,
        elements: tuple[RawElement, ...],
        attribute: str = "",
        hint: str | None = None,
    ) -> None:
        self._marks.append((offset, _RANK[code], code, text, elements, attribute, hint))

    # -- SOAP --------------------------------------------------------------------------------------

    def _judge_root(self, root: RawElement) -> None:
        version = SOAP_VERSIONS.get(root.namespace)
        if root.local != "Envelope":
            hint = _page_hint(root)
            text = f"the root element is {short(root.name)}, not Envelope"
            self._mark(Code.NOT_AN_ENVELOPE, root.start, text, (root,), hint=hint)
            return
        if version is None:
            text = (
                "Envelope is in no namespace" if not root.namespace else "Envelope is in an unknown namespace"
            )
            self._mark(
                Code.WRONG_SOAP_NAMESPACE, root.start, text, (root,), hint=_namespace_hint(root.namespace)
            )
            return
        self.soap = version
        if version is SoapVersion.SOAP_1_2:
            text = "a SOAP 1.2 envelope: no XMLA server is known to accept it"
            self._mark(Code.SOAP_1_2, root.start, text, (root,))
        for namespace, local, _, _ in root.attributes:
            if not namespace:
                text = f"the attribute {short(local)} of Envelope is in no namespace"
                self._mark(Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE, root.start, text, (root,), f"/@{local}")
        self._judge_texts(root, (root,))
        self._judge_children(root)

    def _judge_children(self, root: RawElement) -> None:
        message = self._message
        body_seen = header_seen = False
        for child in root.children:
            own = child.namespace == root.namespace
            here = (root, child)
            if own and child.local == "Header":
                if header_seen:
                    self._mark(Code.DUPLICATE_HEADER, child.start, "a second Header", here)
                elif body_seen:
                    self._mark(Code.MISPLACED_HEADER, child.start, "Header comes after Body", here)
                else:
                    self._judge_texts(child, here)
                    self._judge_blocks(root, child)
                header_seen = True
            elif own and child.local == "Body":
                if body_seen:
                    self._mark(Code.DUPLICATE_BODY, child.start, "a second Body", here)
                else:
                    self._judge_faults(here)
                body_seen = True
            elif body_seen:
                text = f"{short(child.name)} comes after Body"
                self._mark(Code.ELEMENT_AFTER_BODY, child.start, text, here)
            else:
                text = f"{short(child.name)} is in Envelope, where only Header and Body may be"
                hint = _misnamed(child, root)
                self._mark(Code.UNEXPECTED_ELEMENT, child.start, text, here, hint=hint)
        if not body_seen and message.fatal is None:
            self._mark(Code.MISSING_BODY, _end_tag(message, root), "Envelope has no Body", (root,))

    def _judge_texts(self, element: RawElement, here: tuple[RawElement, ...]) -> None:
        for offset in element.texts:
            text = f"text directly in {element.local}, where only elements may be"
            self._mark(Code.UNEXPECTED_TEXT, offset, text, here)

    def _judge_faults(self, here: tuple[RawElement, ...]) -> None:
        """Check the Faults in the Body by SOAP 1.1 §4.4, SOAP 1.2 §5.4; only a deep reading knows them."""
        message = self._message
        for fault in message.faults:
            if fault is not message.faults[0]:
                self._mark(Code.DUPLICATE_FAULT, fault.start, "a second Fault in the Body", (*here, fault))
            wanted = "Code" if fault.namespace == SOAP_12_NS else "faultcode"
            if not any(_is_fault_code(child, wanted) for child in fault.children):
                text = f"a Fault without a {wanted}"
                self._mark(Code.FAULT_WITHOUT_CODE, fault.start, text, (*here, fault))
        other = message.beside_fault
        if message.faults and other is not None:
            later = max(message.faults[0], other, key=lambda element: element.start)
            text = f"a Fault and {short(other.name)} in one Body"
            self._mark(Code.FAULT_BESIDE_CONTENT, later.start, text, (*here, later))

    # -- header blocks -----------------------------------------------------------------------------

    def _judge_blocks(self, root: RawElement, header: RawElement) -> None:
        counts: dict[type[HeaderBlock], int] = {}
        alternatives: dict[str, BlockSpec] = {}
        types, scope = self._types, Scope(header.scope)
        lookalikes = _SESSION_NAMES if types is SESSION_BLOCKS else _names_in_lower_case(types)
        for element in header.children:
            here = (root, header, element)
            namespace = element.namespace
            if not namespace:
                text = f"the header block {short(element.local)} is in no namespace"
                self._mark(Code.UNQUALIFIED_HEADER_BLOCK, element.start, text, here)
            block_type = types.get(f"{{{namespace}}}{element.local}" if namespace else element.local)
            if block_type is None:
                self._judge_unknown(element, lookalikes.get(element.local.lower()), scope, here)
                continue
            spec = block_type.spec
            count = counts[block_type] = counts.get(block_type, 0) + 1
            if spec.max_occurs is not None and count > spec.max_occurs:
                text = f"{spec.local_name} occurs more than {times(spec.max_occurs)}"
                self._mark(Code.DUPLICATE_HEADER_BLOCK, element.start, text, here)
            if spec.alternatives is not None:
                first = alternatives.setdefault(spec.alternatives, spec)
                if first is not spec and count == 1:
                    names = f"{first.local_name} and {spec.local_name}"
                    text = f"{names} both occur: servers disagree on which one wins"
                    self._mark(Code.AMBIGUOUS_SESSION_HEADERS, element.start, text, here)
            if self._direction is not None and self._direction not in spec.directions:
                text = f"{spec.local_name} does not belong in a {self._direction}"
                self._mark(Code.WRONG_DIRECTION, element.start, text, here)
            self._bind(block_type, element, here)

    def _judge_unknown(
        self, element: RawElement, spec: BlockSpec | None, scope: Scope, here: tuple[RawElement, ...]
    ) -> None:
        """Check an element that no schema declares, compare it with the spec of that name, and keep it."""
        if spec is not None:
            # In quotes, since white space at an end makes another namespace.
            inside = f' of "{printable(short(element.namespace))}"' if element.namespace else ""
            declared = f"the {spec.local_name} of {spec.namespace or 'no namespace'}"
            text = f"{short(element.name)}{inside} is not {declared}"
            hint = _lookalike_hint(element, spec)
            self._mark(Code.LOOKALIKE_HEADER_BLOCK, element.start, text, here, hint=hint)
        must_understand, refused = must_understand_value(element)
        if refused is not None:
            self._mark_must_understand(*refused, element, here)
        elif element.close is not None:
            source = self._message.source.text
            xml = bytes(source[element.start : element_end(source, element)])
            missing = scope.missing(xml, element.declared or ())
            self.blocks.append(
                UnknownHeaderBlock._cut(
                    xml, element.name, element.qname, missing, bool(must_understand), actor_of(element)
                )
            )

    def _mark_must_understand(
        self, code: Code, attribute: str, element: RawElement, here: tuple[RawElement, ...]
    ) -> None:
        name = short(element.local)
        text = (
            f"mustUnderstand on {name} is neither 0 nor 1"
            if code is Code.INVALID_MUST_UNDERSTAND
            else f"two mustUnderstand attributes on {name} contradict each other"
        )
        values = [value.strip() for _, _, value, written in element.attributes if written == attribute]
        hint = _BOOLEAN_HINT if not _BOOLEANS.isdisjoint(values) else None
        self._mark(code, element.start, text, here, f"/@{attribute}", hint)

    def _bind(self, block_type: type[HeaderBlock], element: RawElement, here: tuple[RawElement, ...]) -> None:
        """Check one element by its spec, and make the value if it has no errors."""
        spec = block_type.spec
        marks = len(self._marks)
        reader = ValueReader(self._mark, spec, here)
        values = reader.content(self._message.source.text)
        other: list[tuple[str, str]] = []
        unqualified: str | None = None
        qualified = False
        by_name = spec.by_name
        for namespace, local, value, name in element.attributes:
            if not namespace:
                attribute = by_name.get(local)
                if attribute is not None:
                    values[attribute.field] = (
                        value
                        if attribute.type is None and attribute.fixed is None
                        else reader.attribute(attribute, value)
                    )
                    if attribute.identifier and not value:
                        text = f"{local} of {spec.local_name} is empty: some peers read that as no session"
                        self._mark(Code.EMPTY_SESSION_ID, element.start, text, here, f"/@{local}")
                    elif attribute.identifier and value != value.strip(" \t\r\n"):
                        text = f"{local} of {spec.local_name} begins or ends with white space"
                        self._mark(
                            Code.PADDED_SESSION_ID, element.start, text, here, f"/@{local}", _PADDED_HINT
                        )
                elif local == "mustUnderstand":
                    unqualified = value
                else:
                    self._mark_unexpected(element, spec, here, name)
            elif namespace in SOAP_VERSIONS:
                qualified = qualified or local == "mustUnderstand"
            elif namespace in (spec.namespace, XMLA_NS, XSI_NS):
                self._mark_unexpected(element, spec, here, name)
            else:
                other.append((f"{{{namespace}}}{local}", value))
        for attribute in spec.attributes:
            if attribute.required and attribute.field not in values:
                text = f"{spec.local_name} has no {attribute.name}"
                hint = _missing_hint(element, attribute)
                self._mark(Code.MISSING_ATTRIBUTE, element.start, text, here, f"/@{attribute.name}", hint)
        must_understand, form = False, None
        if qualified or unqualified is not None:
            must_understand, form = self._must_understand(element, here, unqualified)
        if element.close is None or _refused(self._marks, marks):
            return
        self.blocks.append(
            block_type(
                **values,
                must_understand=must_understand,
                must_understand_form=form,
                actor=actor_of(element),
                other_attributes=tuple(other),
            )
        )

    def _mark_unexpected(
        self, element: RawElement, spec: BlockSpec, here: tuple[RawElement, ...], name: str
    ) -> None:
        text = f"the schema declares no attribute {short(name)} for {spec.local_name}"
        self._mark(Code.UNEXPECTED_ATTRIBUTE, element.start, text, here, f"/@{name}")

    def _must_understand(
        self, element: RawElement, here: tuple[RawElement, ...], unqualified: str | None
    ) -> tuple[bool, MustUnderstandForm | None]:
        """Check both spellings; return the value and the spellings that occur."""
        qualified, refused = must_understand_value(element)
        if refused is not None:
            self._mark_must_understand(*refused, element, here)
        if unqualified is None:
            return bool(qualified), MustUnderstandForm.QUALIFIED
        text = f"mustUnderstand on {element.local} is in no namespace: SOAP 1.1 defines soap:mustUnderstand"
        self._mark(Code.UNQUALIFIED_MUST_UNDERSTAND, element.start, text, here, "/@mustUnderstand")
        match = re.fullmatch(_UNQUALIFIED, unqualified)
        if match is None:
            self._mark_must_understand(Code.INVALID_MUST_UNDERSTAND, "mustUnderstand", element, here)
            return False, None
        value = match["value"] == "1"
        if qualified is None:
            return value, MustUnderstandForm.UNQUALIFIED
        if qualified != value:
            self._mark_must_understand(Code.CONFLICTING_MUST_UNDERSTAND, "mustUnderstand", element, here)
        return value, MustUnderstandForm.BOTH


def _end_tag(message: RawMessage, root: RawElement) -> int:
    """Return the offset of the Envelope's end tag, or of its only tag if that is self-closing."""
    text = message.source.text
    return root.start if text[end_of_start_tag(text, root.start) - 2] == SLASH else certain(root.close)


def _place(mark: Mark) -> tuple[int, int]:
    return mark[:2]


def _refused(marks: list[Mark], start: int) -> bool:
    return any(RULES[mark[2]].severity == "error" for mark in marks[start:])


def _is_fault_code(element: RawElement, wanted: str) -> bool:
    if wanted == "Code":
        return element.local == wanted and element.namespace == SOAP_12_NS
    # Analysis Services has it in the SOAP namespace, all other servers in no namespace.
    return element.local == wanted and element.namespace in ("", SOAP_11_NS)


def _namespace_hint(namespace: str) -> str:
    folded = namespace.strip().lower().rstrip("/")
    if folded == "https" + SOAP_11_NS[4:-1]:
        return "the SOAP 1.1 namespace begins with http://"
    if namespace == SOAP_11_NS[:-1]:
        return "the SOAP 1.1 namespace ends with a slash"
    if folded.partition(":")[2] == SOAP_12_NS.partition(":")[2]:
        return f"the SOAP 1.2 namespace is {SOAP_12_NS}, without a slash at the end"
    if folded + "/" == SOAP_11_NS:
        return "namespace names are compared character by character"
    return f"the SOAP 1.1 namespace is {SOAP_11_NS}"


def _page_hint(root: RawElement) -> str | None:
    """Return the hint for a root element of HTML."""
    local = root.local.lower()
    if local == "html":
        return HTML_HINT
    return _HTML_BEFORE_HINT if local in _HTML_NAMES else None


def _misnamed(child: RawElement, root: RawElement) -> str | None:
    if child.local in ("Header", "Body"):
        return f"{child.local} must be in the namespace of Envelope, {root.namespace}"
    if child.local == "Fault":
        return "a Fault belongs in the Body (SOAP 1.1 §4.4)"
    return None


def _lookalike_hint(element: RawElement, spec: BlockSpec) -> str:
    if element.namespace == spec.namespace:
        return f"names are case-sensitive; did you mean {spec.local_name}?"
    if not element.namespace:
        return f'declare it: xmlns="{spec.namespace}"'
    if not spec.namespace:
        return f"the schema has {spec.local_name} in no namespace"
    return "it is kept as an unknown header block"


def _missing_hint(element: RawElement, attribute: AttributeSpec) -> str | None:
    for _, local, _, _ in element.attributes:
        if local == attribute.name:
            return f"{attribute.name} must be in no namespace: write it without a prefix"
        if local.lower() == attribute.name.lower():
            return f"attribute names are case-sensitive; did you mean {attribute.name}?"
    if any(child.local.lower() == attribute.name.lower() for child in element.children):
        return f"{attribute.name} is an attribute, not a child element"
    if any(part.local == "key" for child in element.children for part in child.children):
        return _ARRAY_HINT
    return None


class _Paths:
    """Paths of raw elements; the second sibling of a name is numbered [2], and so on."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        # Keyed by the parent's id: all children are numbered at once, which keeps this linear.
        self._numbers: dict[int, dict[int, int]] = {}

    def of(self, elements: tuple[RawElement, ...]) -> str:
        path = ""
        parent: RawElement | None = None
        for element in elements:
            path += f"/{element.name}"
            if parent is not None:
                number = self._number(parent, element)
                if number > 1:
                    path += f"[{number}]"
            parent = element
        return path

    def _number(self, parent: RawElement, element: RawElement) -> int:
        numbers = self._numbers.get(id(parent))
        if numbers is None:
            numbers = self._numbers[id(parent)] = {}
            counts: dict[str, int] = {}
            for child in parent.children:
                counts[child.name] = numbers[id(child)] = counts.get(child.name, 0) + 1
        return numbers[id(element)]
