"""The content of a Body -> its Fault, in one pass of the parser and without a tree."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from xmla_headers._immutable import ReadOnly
from xmla_headers._xml.encoding import WHITE_SPACE
from xmla_headers._xml.fatal import Fatal
from xmla_headers._xml.namespaces import Namespaces
from xmla_headers._xml.prefixes import Scope
from xmla_headers._xml.raw import SLASH, RawElement, certain, element_end, end_of_start_tag
from xmla_headers._xml.walker import Walker
from xmla_headers.fragment import Fragment
from xmla_headers.soap import NO_LIMITS, SOAP_11_NS, SOAP_12_NS, SOAP_VERSIONS, XML_NS, XMLA_NS

from . import EntryKind, Fault, FaultEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xmla_headers._xml.namespaces import Entered

__all__ = ["read_fault", "read_messages"]

_EXCEPTION_NS = f"{XMLA_NS}:exception"
# Analysis Services has the parts of a fault in the SOAP namespace, all other servers in no namespace.
_PART_NAMESPACES = frozenset({"", SOAP_11_NS})
_TEXT_PARTS = frozenset({"faultcode", "faultstring", "faultactor"})
_ERROR_NAMESPACES = frozenset({"", SOAP_11_NS, SOAP_12_NS, XMLA_NS, _EXCEPTION_NS})
# The parts of a SOAP 1.2 fault whose text is a value.
_TEXT_PARTS_1_2 = frozenset({"Node", "Role"})
# Without this in it, a Body has no inline messages, and it need not be walked.
_MESSAGES = rb"[<:]Messages[\s/>]"
# A possible prefix in XML content, in a name or a value.
_PREFIX = r"([\w.-]+):"
_MONDRIAN_NS = "http://mondrian.sourceforge.net"
# Child element of Mondrian's error -> the attribute with the same meaning in all other errors.
_MONDRIAN_PARTS = {"code": "ErrorCode", "desc": "Description"}

# The element of a message inside an answer -> its kind.
_KINDS = {"Error": EntryKind.ERROR, "Warning": EntryKind.WARNING}

# How many bytes of the Body are parsed first: mostly they show that it has no Fault.
_FIRST = 4_096
_SPACE = WHITE_SPACE.decode()


class _Done(Exception):  # noqa: N818 - a signal to stop, not an error
    """Everything that is wanted has been read."""


class _Lenient(Namespaces):
    """Tolerates violations of Namespaces in XML, since decode does not check them in a Body."""

    __slots__ = ()

    def enter(self, name: str, flat: list[str], offset: int) -> Entered:
        try:
            return super().enter(name, flat, offset)
        except Fatal:
            pairs = zip(flat[::2], flat[1::2], strict=True)
            kept = [pair for pair in pairs if ":" not in pair[0] or pair[0].startswith("xmlns:")]
        try:
            # Mostly it is an undeclared prefix, as in `xsi:type`, which does not change the element's name.
            return super().enter(name, [text for pair in kept for text in pair], offset)
        except Fatal:
            return "", "", [], None


class _Entry:
    """An Error in the detail, and the pieces of its values by attribute name."""

    __slots__ = ("element", "holds_more", "says")

    def __init__(self, element: RawElement) -> None:
        self.element = element
        # Whether it has more content than its values, so that the content is kept.
        self.holds_more = element.namespace != _MONDRIAN_NS
        self.says = {local: [value] for namespace, local, value, _ in element.attributes if not namespace}


class _FaultReader(Walker):
    """Reads the first element of a Body, and keeps its parts if it is a Fault."""

    __slots__ = (
        *("_code", "_heard", "_reason"),
        *("codes", "complete", "detail", "entries", "reasons", "scope", "soap", "texts"),
    )

    def __init__(self, body: Fragment) -> None:
        super().__init__(body.view, _Lenient(NO_LIMITS, body.namespaces), wrapper=b"<_>")
        # Without this, expat reports text line by line, and a str for each takes many times its size.
        self.expat.buffer_text = True
        # The element whose text is being collected, including the text of elements inside it.
        self._heard: RawElement | None = None
        # SOAP 1.2: the innermost Code or Subcode so far, and the Reason.
        self._code: RawElement | None = None
        self._reason: RawElement | None = None
        # The namespace of the Fault.
        self.soap = ""
        # Whether there is a Fault that was read to its end.
        self.complete = False
        # The name of a part -> the pieces of its text.
        self.texts: dict[str, list[str]] = {}
        # SOAP 1.2: the same for the Value of the Code and of each Subcode, and for each language.
        self.codes: list[dict[str, list[str]]] = []
        self.reasons: list[tuple[str, list[str]]] = []
        self.detail: RawElement | None = None
        # The prefixes in scope in the detail.
        self.scope: Mapping[str, str] = {}
        self.entries: list[_Entry] = []

    def run(self) -> None:
        try:
            self.parse(self.text[:_FIRST], final=False)
            self.parse(self.text[_FIRST:], final=False)
        except (_Done, Fatal):
            # Fatal: the content is not one that decode has accepted, and it has no Fault.
            pass
        finally:
            self.close()

    def start_element(self, element: RawElement) -> None:
        elements = self.open
        depth = len(elements)
        if depth == 1:
            if element.local != "Fault" or element.namespace not in SOAP_VERSIONS:
                raise _Done
            self.soap = element.namespace
        elif depth == 2:
            if self.soap == SOAP_12_NS:
                self._enter_part_of_1_2(element)
            else:
                self._enter_part(element)
        elif elements[-2] is self._code:
            self._enter_code_part(element)
        elif elements[-2] is self._reason:
            if element.local == "Text" and element.namespace == SOAP_12_NS:
                self.reasons.append((_language(element), []))
                self._hear(element, self.reasons[-1][1])
        elif depth == 3:
            if elements[1] is self.detail and _is_error(element):
                self.entries.append(_Entry(element))
        elif depth == 4 and self.entries and elements[2] is self.entries[-1].element:
            self._enter_entry_part(self.entries[-1], element)

    def _enter_part(self, element: RawElement) -> None:
        if element.namespace not in _PART_NAMESPACES:
            return
        local = element.local
        if local == "detail" and self.detail is None:
            self.detail = element
            self.scope = self.namespaces.scope()
        elif local in _TEXT_PARTS:
            self._listen(element, self.texts, local)

    def _enter_part_of_1_2(self, element: RawElement) -> None:
        if element.namespace != SOAP_12_NS:
            return
        local = element.local
        if local == "Code" and not self.codes:
            self._code = element
            self.codes.append({})
        elif local == "Reason" and self._reason is None:
            self._reason = element
        elif local == "Detail" and self.detail is None:
            self.detail = element
            self.scope = self.namespaces.scope()
        elif local in _TEXT_PARTS_1_2:
            self._listen(element, self.texts, local)

    def _enter_code_part(self, element: RawElement) -> None:
        """Handle a child of the innermost Code or Subcode."""
        if element.namespace != SOAP_12_NS:
            return
        if element.local == "Value":
            self._listen(element, self.codes[-1], "Value")
        elif element.local == "Subcode":
            self._code = element
            self.codes.append({})

    def _enter_entry_part(self, entry: _Entry, element: RawElement) -> None:
        if entry.element.namespace != _MONDRIAN_NS:
            return
        attribute = _MONDRIAN_PARTS.get(element.local)
        if attribute is None:
            entry.holds_more = True
        else:
            self._listen(element, entry.says, attribute)

    def _listen(self, element: RawElement, said: dict[str, list[str]], name: str) -> None:
        """Collect the text of an element, unless there was one for the same name before."""
        if name not in said:
            self._hear(element, said.setdefault(name, []))

    def _hear(self, element: RawElement, pieces: list[str]) -> None:
        """Collect the text of an element."""
        self._heard = element
        self.expat.CharacterDataHandler = pieces.append

    def end_element(self, element: RawElement) -> None:
        if element is self._heard:
            self._heard = self.expat.CharacterDataHandler = None
        if not self.open:
            self.complete = True
            raise _Done

    def text_of(self, part: str) -> str:
        return "".join(self.texts.get(part, ()))

    def part(self, name: str) -> str | None:
        return self.text_of(name) if name in self.texts else None


class _MessagesReader(Walker):
    """Reads the Errors and Warnings that stand in the Messages of a success answer."""

    __slots__ = ("_error", "_messages", "_source", "entries")

    def __init__(self, body: Fragment) -> None:
        super().__init__(body.view, _Lenient(NO_LIMITS, body.namespaces), wrapper=b"<_>")
        self._source = memoryview(body.view)
        self._messages: RawElement | None = None
        self._error: _Entry | None = None
        self.entries: list[FaultEntry] = []

    def run(self) -> None:
        try:
            self.parse(self.text, final=False)
        finally:
            self.close()

    def start_element(self, element: RawElement) -> None:
        if self._error is not None:
            return
        if len(self.open) == 1 and element.local == "Fault" and element.namespace in SOAP_VERSIONS:
            raise _Done
        if element.namespace != _EXCEPTION_NS:
            return
        if element.local == "Messages":
            self._messages = element
        elif element.local in _KINDS and self.open[-2:-1] == [self._messages]:
            self._error = _Entry(element)

    def end_element(self, element: RawElement) -> None:
        error = self._error
        if error is not None and element is error.element:
            self._error = None
            outer, kind = _Bindings(self.namespaces.bindings), _KINDS[element.local]
            self.entries.append(_entry(self._source, error, outer, kind))


class _Bindings:
    """The prefixes in scope at this moment: to copy them for each Error would be quadratic."""

    __slots__ = ("_bindings",)

    def __init__(self, bindings: Mapping[str, str]) -> None:
        self._bindings = bindings

    def missing(self, xml: bytes, declared: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return prefix and namespace of the declarations that XML content needs but does not have."""
        names = dict.fromkeys(("", *re.findall(_PREFIX, xml.decode())))
        bound = ((name, self._bindings.get(name)) for name in names if name not in declared)
        return [(name, namespace) for name, namespace in bound if namespace and name != "xml"]


def read_messages(body: Fragment) -> tuple[FaultEntry, ...]:
    """Return the Errors and Warnings in the Messages of a Body, if its first element is not a Fault."""
    if not body._has(b"Messages") or re.search(_MESSAGES, body.view) is None:
        return ()
    reader = _MessagesReader(body)
    with suppress(_Done, Fatal):
        reader.run()
    return tuple(reader.entries)


def _is_error(element: RawElement) -> bool:
    if element.local == "Error":
        return element.namespace in _ERROR_NAMESPACES
    return element.local == "error" and element.namespace == _MONDRIAN_NS


def read_fault(body: Fragment) -> Fault | None:
    """Return the Fault that is the first element of a Body, of either version of SOAP; otherwise None.

    If a part occurs twice, the first one is used.
    """
    reader = _FaultReader(body)
    reader.run()
    if not reader.complete:
        return None
    text = memoryview(body.view)
    entries: list[FaultEntry] = []
    detail = Fragment()
    if reader.detail is not None:
        entries, detail = _detail(text, reader.detail, reader)
    if reader.soap == SOAP_12_NS:
        code, *subcodes = [_local("".join(said.get("Value", ()))) for said in reader.codes] or [""]
        reasons = [(language, "".join(pieces)) for language, pieces in reader.reasons]
        string = reasons[0][1] if reasons else ""
        actor, node = reader.part("Role"), reader.part("Node")
        return Fault(code, string, actor, entries, detail, subcodes=subcodes, reasons=reasons, node=node)
    code = _local(reader.text_of("faultcode"))
    return Fault(code, reader.text_of("faultstring"), reader.part("faultactor"), entries, detail)


def _local(code: str) -> str:
    # A QName: the server may bind its prefix to anything, or not at all.
    return code.rpartition(":")[2].strip(_SPACE)


def _language(element: RawElement) -> str:
    """Return the xml:lang of an element, "" if it has none."""
    for namespace, local, value, _ in element.attributes:
        if local == "lang" and namespace == XML_NS:
            return value
    return ""


def _detail(text: memoryview, element: RawElement, reader: _FaultReader) -> tuple[list[FaultEntry], Fragment]:
    """Return the entries of the detail, and its other content."""
    position, end = _content(text, element)
    outer = Scope(reader.scope)
    entries = []
    pieces = []
    for entry in reader.entries:
        pieces.append(bytes(text[position : entry.element.start]))
        position = element_end(text, entry.element)
        entries.append(_entry(text, entry, outer))
    pieces.append(bytes(text[position:end]))
    left = _joined(pieces)
    if not left.strip(WHITE_SPACE):
        return entries, Fragment()
    return entries, Fragment._cut(left, 0, len(left), reader.scope)


def _joined(pieces: list[bytes]) -> bytes:
    """Join the content around the entries: `]]` and `>` must not become adjacent (XML 1.0 §2.4)."""
    pieces = [piece for piece in pieces if piece]
    inner = [piece + b"<!---->" if piece.endswith(b"]") else piece for piece in pieces[:-1]]
    return b"".join([*inner, *pieces[-1:]])


def _entry(
    text: memoryview, entry: _Entry, outer: Scope | _Bindings, kind: EntryKind = EntryKind.ERROR
) -> FaultEntry:
    element = entry.element
    content = Fragment()
    if entry.holds_more:
        start, end = _content(text, element)
        xml = bytes(text[start:end])
        if xml.strip(WHITE_SPACE):
            declared = element.declared or {}
            scope = {prefix: name for prefix, name in declared.items() if name and prefix != "xml"}
            scope |= outer.missing(xml, declared)
            content = Fragment._cut(xml, 0, len(xml), ReadOnly(scope))
    number = "ErrorCode" if kind is EntryKind.ERROR else "WarningCode"
    code, description, source, help_file = (
        "".join(entry.says.get(name, ())) for name in (number, "Description", "Source", "HelpFile")
    )
    return FaultEntry(code, description, source, help_file, content, kind=kind)


def _content(text: memoryview, element: RawElement) -> tuple[int, int]:
    """Return the start and end offset of an element's content."""
    start = end_of_start_tag(text, element.start)
    if text[start - 2] == SLASH:
        return start, start
    return start, certain(element.close)
