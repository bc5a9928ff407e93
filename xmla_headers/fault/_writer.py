"""A Fault -> the content of a Body."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.fragments import read_fragment
from xmla_headers._xml.prefixes import Scope, declarations, occurring_prefixes, prefixes
from xmla_headers.findings import FaultCode
from xmla_headers.fragment import Fragment
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS

if TYPE_CHECKING:
    from . import Fault, FaultEntry

__all__ = ["DEFAULT_LANGUAGE", "SOAP_1_1_CODES", "SOAP_1_2_CODES", "soap_1_2_codes", "written_body"]

SOAP_1_1_CODES = frozenset(FaultCode)
"""The fault codes that SOAP 1.1 §4.4.1 puts into its namespace, dotted or not."""
SOAP_1_2_CODES = frozenset({"VersionMismatch", "MustUnderstand", "DataEncodingUnknown", "Sender", "Receiver"})
"""The values that SOAP 1.2 Part 1 §5.4.6 allows in Code; everything finer is a Subcode."""
DEFAULT_LANGUAGE = "en"
"""The language of a text whose language nobody has said: SOAP 1.2 requires one."""

_SENDER, _RECEIVER = "Sender", "Receiver"
# Two names for one thing: SOAP 1.2 renamed the codes.
_TO_1_2 = {"Client": _SENDER, "Server": _RECEIVER}
_TO_1_1 = {new: old for old, new in _TO_1_2.items()}


def soap_1_2_codes(fault: Fault) -> tuple[str, ...]:
    """Return the code of a fault as SOAP 1.2 has it: one of its five codes, then the subcodes."""
    code = fault.code
    first = code.partition(".")[0]
    first = _TO_1_2.get(first, first)
    if first not in SOAP_1_2_CODES:
        first = _SENDER if fault.session_lost else _RECEIVER
    if code in ("", first) or _TO_1_2.get(code) == first:
        return (first, *fault.subcodes)
    return (first, code, *fault.subcodes)


def _soap_1_1_code(fault: Fault) -> str:
    """Return the code of a fault as SOAP 1.1 has it: the finest one, as WS-Security and WS-Addressing do."""
    code = fault.subcodes[-1] if fault.subcodes else fault.code
    return _TO_1_1.get(code, code)


def written_body(fault: Fault, namespace: str, *, qualified: bool) -> Fragment:
    """Return the content of a Body with a fault.

    `namespace` is that of the version of SOAP. With `qualified`, all parts of a SOAP 1.1 fault are in it.
    """
    return _Writer(fault, namespace, qualified=qualified).body()


class _Writer:
    """Writes one Fault."""

    def __init__(self, fault: Fault, namespace: str, *, qualified: bool) -> None:
        self._fault = fault
        self._namespace = namespace
        # The parts are in the SOAP namespace, which is the default namespace.
        self._qualified = qualified
        contents = [content for content in (fault.detail, *(e.content for e in fault.entries)) if content]
        self._prefix = _free_prefix(contents, namespace)
        # The declarations of the detail, the default namespace included.
        self._declared = _shared(fault.detail, contents)
        if self._declared.get(self._prefix) == namespace:
            del self._declared[self._prefix]
        common = self._declared.pop("", namespace)
        if self._qualified:
            # Elements directly in the detail do not declare their namespace themselves.
            self._default = fault.detail.namespaces.get("", "") if fault.detail else common
        else:
            self._default = ""

    def body(self) -> Fragment:
        parts = self._soap_1_2() if self._namespace == SOAP_12_NS else self._soap_1_1()
        xml = b"".join(parts)
        return Fragment._cut(xml, 0, len(xml), {self._prefix: self._namespace})

    def _soap_1_1(self) -> list[bytes]:
        fault, prefix = self._fault, self._prefix
        default = f' xmlns="{SOAP_11_NS}"' if self._qualified else ""
        parts = [f"<{prefix}:Fault{default}>".encode()]
        code = _soap_1_1_code(fault)
        if code:
            named = not self._qualified and code.partition(".")[0] in SOAP_1_1_CODES
            parts.append(_text_element("faultcode", f"{prefix}:{code}" if named else code))
        parts.append(_text_element("faultstring", fault.string))
        if fault.actor is not None:
            parts.append(_text_element("faultactor", fault.actor))
        return [*parts, *self._detail("detail"), f"</{prefix}:Fault>".encode()]

    def _soap_1_2(self) -> list[bytes]:
        fault, prefix = self._fault, self._prefix
        code, *subcodes = soap_1_2_codes(fault)
        value = f"{prefix}:Value"
        parts = [f"<{prefix}:Fault><{prefix}:Code>".encode(), _text_element(value, f"{prefix}:{code}")]
        for subcode in subcodes:
            parts += [f"<{prefix}:Subcode>".encode(), _text_element(value, subcode)]
        parts.append(f"</{prefix}:Subcode>".encode() * len(subcodes))
        parts.append(f"</{prefix}:Code><{prefix}:Reason>".encode())
        for language, text in fault.reasons or ((DEFAULT_LANGUAGE, fault.string),):
            parts.append(_text_element(f"{prefix}:Text", text, f' xml:lang="{escape_attribute(language)}"'))
        parts.append(f"</{prefix}:Reason>".encode())
        for name, uri in (("Node", fault.node), ("Role", fault.actor)):
            if uri is not None:
                parts.append(_text_element(f"{prefix}:{name}", uri))
        return [*parts, *self._detail(f"{prefix}:Detail"), f"</{prefix}:Fault>".encode()]

    def _detail(self, name: str) -> list[bytes]:
        if not (self._fault.entries or self._fault.detail):
            return []
        # The namespace around an element decides whether its name needs a prefix.
        mark = f"{self._prefix}:" if self._qualified and self._default != SOAP_11_NS else ""
        declared = {**self._declared, **self._used(self._fault.detail)}
        if mark:
            declared = {"": self._default, **declared}
        return [
            f"<{mark}{name}{declarations(declared.items())}>".encode(),
            *(self._entry(entry, mark) for entry in self._fault.entries),
            self._content(self._fault.detail),
            f"</{mark}{name}>".encode(),
        ]

    def _entry(self, entry: FaultEntry, mark: str) -> bytes:
        content = entry.content
        declared = {
            prefix: namespace
            for prefix, namespace in self._used(content).items()
            if self._declared.get(prefix) != namespace
        }
        default = content.namespaces.get("", "")
        if content and self._qualified and default != self._default:
            mark = f"{self._prefix}:"
            declared = {"": default, **declared}
        attributes = "".join(
            f' {attribute}="{escape_attribute(str(value))}"'
            for attribute, value in (
                ("ErrorCode", entry.code),
                ("Description", entry.description),
                ("Source", entry.source),
                ("HelpFile", entry.help_file),
            )
        )
        start = f"<{mark}Error{declarations(declared.items())}{attributes}".encode()
        return start + (b">%b</%bError>" % (self._content(content), mark.encode()) if content else b"/>")

    def _used(self, content: Fragment) -> dict[str, str]:
        """Return the bindings of the prefixes in content, except the one that the Envelope declares."""
        used = content.used_namespaces() if content else {}
        used.pop("", None)
        if used.get(self._prefix) == self._namespace:
            del used[self._prefix]
        return used

    def _content(self, content: Fragment) -> bytes:
        default = content.namespaces.get("", "")
        if self._qualified or not default:
            return content.xml
        # The elements around it are in no namespace, so it must declare its own.
        return _with_default(content, default)


def _shared(detail: Fragment, contents: list[Fragment]) -> dict[str, str]:
    """Return the bindings that several of the contents use; for a prefix with two, that of the detail.

    If each content declared them, one long namespace name would be written once for each entry.
    """
    counts = Counter(binding for content in contents for binding in content.used_namespaces().items())
    # The most common binding of a prefix comes last, and stays.
    shared = dict(binding for binding, number in reversed(counts.most_common()) if number > 1)
    shared |= {prefix: name for prefix, name in detail.used_namespaces().items() if prefix in shared}
    # A prefix that is unbound in one of the contents must stay unbound.
    scope = Scope(shared)
    unbound = {
        prefix
        for content in contents
        for prefix, _ in scope.missing(content.xml)
        if prefix and prefix not in content.namespaces
    }
    return {prefix: name for prefix, name in shared.items() if prefix not in unbound}


def _with_default(content: Fragment, default: str) -> bytes:
    """Return content whose elements declare the default namespace around them."""
    xml = content.xml
    declaration = declarations([("", default)]).encode()
    parts = []
    position = 0
    # Content that breaks Namespaces in XML stays as it is.
    elements, fatal = read_fragment(xml, content.namespaces)
    for element in elements if fatal is None else ():
        if "" not in (element.declared or ()):
            after_name = element.start + 1 + len(element.name.encode())
            parts += [xml[position:after_name], declaration]
            position = after_name
    return b"".join([*parts, xml[position:]])


def _free_prefix(fragments: list[Fragment], soap: str) -> str:
    """Return a prefix for the namespace of SOAP that has no other meaning in any of the fragments."""
    taken: set[str] = set()
    for fragment in fragments:
        bound = fragment.namespaces
        taken |= {prefix for prefix, namespace in bound.items() if namespace != soap}
        taken |= occurring_prefixes(fragment.xml) - bound.keys()
    return next(prefix for prefix in prefixes() if prefix not in taken)


def _text_element(name: str, text: str, attributes: str = "") -> bytes:
    return f"<{name}{attributes}>{escape_text(text)}</{name}>".encode()
