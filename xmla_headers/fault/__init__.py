"""Fault: what a SOAP 1.1 fault says, in the shapes that XMLA servers give it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from xmla_headers._checks import bad_fragment, check_text, wrong_type
from xmla_headers._record import Record, shown_half_made
from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.fragments import read_fragment
from xmla_headers._xml.prefixes import Scope, declarations, occurring_prefixes, prefixes
from xmla_headers.findings import RULES, FaultCode, XmlaHeadersError
from xmla_headers.fragment import Fragment
from xmla_headers.model import HeaderBlock, mask
from xmla_headers.soap import SOAP_11_NS
from xmla_headers.unknown_block import UnknownHeaderBlock

__all__ = ["Fault", "FaultEntry", "FaultShape", "fault_for", "session_not_found"]

_NOTHING = Fragment()

#: The HRESULT of Analysis Services for a session that is unknown or has expired.
_SESSION_LOST = 0xC10C000A
#: Mondrian's code for a bad session id.
_BAD_SESSION = "00HSHB01"
#: Codes of eMondrian for whatever goes wrong in a session header: the text decides.
_SESSION_ERRORS = frozenset({"00HSHU01", "00HSBE02"})

# Compiled by the first fault.
_HEXADECIMAL = r"0[xX][0-9a-fA-F]{1,16}"
_DECIMAL = r"0|-?[1-9][0-9]{0,18}"
_TOO_LARGE = 10**19
_WHITE_SPACE = " \t\r\n"
#: What is longer may be anything, a session id too: `0xc10c000a` is as long as codes get.
_SHORT_CODE = 10

#: The fault codes that SOAP 1.1 §4.4.1 puts into its namespace, dotted or not.
_SOAP_CODES = frozenset(FaultCode)
#: How the code of Analysis Services begins.
_XMLA_ERROR = "XMLAnalysisError"
#: What a code may begin with that is shown whole if what follows is short.
_SHOWN_CODES = _SOAP_CODES | {_XMLA_ERROR}


class FaultShape(StrEnum):
    """How a Fault is written."""

    #: As Analysis Services does: all in the SOAP namespace, the faultcode without a prefix.
    SSAS = "ssas"
    #: As SOAP 1.1 §4.4 has it: the parts in no namespace, the faultcode a qualified name.
    SOAP_1_1 = "soap-1.1"


@shown_half_made
class FaultEntry(Record):
    """One Error of a fault's detail.

    `code` is an int where it is written in decimal digits, and text where it is not (Mondrian's
    `00HSBB01`), white space around it removed; `content` is what stands inside, such as the Location
    of Analysis Services. Raises EncodeError (`unencodable-text`; `bad-fragment` for a number of more
    than 19 digits, which no server sends and which would come back as text).
    """

    __slots__ = ("code", "content", "description", "help_file", "source")
    FIELDS = ("code", "description", "source", "help_file", "content")
    __match_args__ = ("code", "description", "source", "help_file", "content")

    code: int | str
    description: str
    source: str
    help_file: str
    content: Fragment

    def __init__(
        self,
        code: int | str,
        description: str = "",
        source: str = "",
        help_file: str = "",
        content: Fragment = _NOTHING,
    ) -> None:
        if isinstance(code, bool) or not isinstance(code, int | str):
            raise wrong_type("code", "int or str", code)
        # One code is one value, however it comes.
        if isinstance(code, str):
            check_text("code", code)
            code = code.strip(_WHITE_SPACE)
            if re.fullmatch(_DECIMAL, code):
                code = int(code)
        elif not -_TOO_LARGE < code < _TOO_LARGE:
            raise bad_fragment("the code of a FaultEntry has 19 digits at most")
        check_text("description", description)
        check_text("source", source)
        check_text("help_file", help_file)
        if not isinstance(content, Fragment):
            raise wrong_type("content", "Fragment", content)
        self.put(code=code, description=description, source=source, help_file=help_file, content=content)

    def __repr__(self) -> str:
        return f"FaultEntry({_shown_code(self.code)}, <{len(self.description)} characters>)"


@shown_half_made
class Fault(Record):
    """A SOAP 1.1 fault (§4.4).

    `code` is the local part of the faultcode, its prefix removed: `Client`, `Server.00HSBB01`,
    `XMLAnalysisError.0xc10c000a`. `detail` is what the detail holds beside the entries. Parts that a
    message does not have are "", an actor is None. Raises EncodeError (`unencodable-text`;
    `bad-fragment` for a code with a colon, or white space around it).
    """

    __slots__ = ("actor", "code", "detail", "entries", "string")
    FIELDS = ("code", "string", "actor", "entries", "detail")
    __match_args__ = ("code", "string", "actor", "entries", "detail")

    code: str
    string: str
    actor: str | None
    entries: tuple[FaultEntry, ...]
    detail: Fragment

    def __init__(
        self,
        code: str,
        string: str,
        actor: str | None = None,
        entries: Iterable[FaultEntry] = (),
        detail: Fragment = _NOTHING,
    ) -> None:
        check_text("code", code)
        if ":" in code or code != code.strip(_WHITE_SPACE):
            raise bad_fragment(
                "the code of a Fault is the local part of a name: no colon, no space around it"
            )
        check_text("string", string)
        if actor is not None:
            check_text("actor", actor)
        if not isinstance(entries, Iterable):
            raise wrong_type("entries", "several FaultEntry", entries)
        entries = tuple(entries)
        for entry in entries:
            if not isinstance(entry, FaultEntry):
                raise wrong_type("an entry", "FaultEntry", entry)
        if not isinstance(detail, Fragment):
            raise wrong_type("detail", "Fragment", detail)
        self.put(code=code, string=string, actor=actor, entries=entries, detail=detail)

    @property
    def session_lost(self) -> bool:
        """Whether the server does not know the session any more, so that it is time to begin again.

        True for 0xc10c000a (Analysis Services) and 00HSHB01 (Mondrian); for 00HSHU01 and 00HSBE02
        (eMondrian) only where the text says `does not exist`; never where it says `already exists`.
        """
        text = "\n".join((self.string, *(entry.description for entry in self.entries))).lower()
        if "already exists" in text:
            return False
        codes = [_numbered(self.code.rpartition(".")[2]), *(_numbered(entry.code) for entry in self.entries)]
        if _SESSION_LOST in codes or _BAD_SESSION in codes:
            return True
        return "does not exist" in text and not _SESSION_ERRORS.isdisjoint(codes)

    def to_body(self, shape: FaultShape = FaultShape.SSAS) -> Fragment:
        """Return the content of a Body that says this.

        `Envelope.fault` reads an equal Fault out of it, with these exceptions: content of white space
        alone comes back empty; an Error in `detail` comes back as an entry; what an entry's content
        leaves unbound is bound if the detail binds it; and in the SOAP 1.1 shape elements under a
        default namespace declare it themselves.
        """
        if not isinstance(shape, FaultShape):
            raise wrong_type("shape", "FaultShape", shape)
        return _Writer(self, shape).body()

    def __repr__(self) -> str:
        # Servers quote session ids in their texts.
        parts = [_shown_code(self.code), f"<{len(self.string)} characters>"]
        if self.actor is not None:
            parts.append(f"actor=<{len(self.actor)} characters>")
        if self.entries:
            parts.append(f"entries=<{len(self.entries)}>")
        if self.detail:
            parts.append(f"detail={self.detail!r}")
        return f"Fault({', '.join(parts)})"


def _shown_code(code: int | str) -> str:
    """Return what may be shown of a code."""
    if isinstance(code, int):
        return repr(code)
    first, _, rest = code.partition(".")
    return repr(str(code)) if len(rest if first in _SHOWN_CODES else code) <= _SHORT_CODE else mask(code)


def _numbered(code: int | str) -> int | str:
    """Return a code as a number of 32 bits without a sign, if it is one; else in upper case."""
    if isinstance(code, str):
        if re.fullmatch(_HEXADECIMAL, code):
            code = int(code, 16)
        elif re.fullmatch(_DECIMAL, code):
            code = int(code)
        else:
            return code.upper()
    # An HRESULT is printed with a sign by some.
    return code + 2**32 if -(2**31) <= code < 0 else code


class _Writer:
    """Writes one Fault."""

    def __init__(self, fault: Fault, shape: FaultShape) -> None:
        self._fault = fault
        #: The parts are in the SOAP namespace, which is the default one.
        self._qualified = shape is FaultShape.SSAS
        contents = [content for content in (fault.detail, *(e.content for e in fault.entries)) if content]
        self._prefix = _free_prefix(contents)
        #: What the detail declares, the default namespace included.
        self._declared = _shared(fault.detail, contents)
        if self._declared.get(self._prefix) == SOAP_11_NS:
            del self._declared[self._prefix]
        common = self._declared.pop("", SOAP_11_NS)
        if self._qualified:
            # What stands in the detail directly has no say of its own in what namespace it is.
            self._default = fault.detail.namespaces.get("", "") if fault.detail else common
        else:
            self._default = ""

    def body(self) -> Fragment:
        fault, prefix = self._fault, self._prefix
        default = f' xmlns="{SOAP_11_NS}"' if self._qualified else ""
        parts = [f"<{prefix}:Fault{default}>".encode()]
        if fault.code:
            named = not self._qualified and fault.code.partition(".")[0] in _SOAP_CODES
            code = f"{prefix}:{fault.code}" if named else fault.code
            parts.append(_text_element("faultcode", code))
        parts.append(_text_element("faultstring", fault.string))
        if fault.actor is not None:
            parts.append(_text_element("faultactor", fault.actor))
        if fault.entries or fault.detail:
            parts += self._detail()
        parts.append(f"</{prefix}:Fault>".encode())
        xml = b"".join(parts)
        return Fragment._cut(xml, 0, len(xml), {prefix: SOAP_11_NS})

    def _detail(self) -> list[bytes]:
        # What is around a name decides how it is written.
        mark = f"{self._prefix}:" if self._qualified and self._default != SOAP_11_NS else ""
        declared = {**self._declared, **self._used(self._fault.detail)}
        if mark:
            declared = {"": self._default, **declared}
        return [
            f"<{mark}detail{declarations(declared.items())}>".encode(),
            *(self._entry(entry, mark) for entry in self._fault.entries),
            self._content(self._fault.detail),
            f"</{mark}detail>".encode(),
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
        """Return the bindings of the prefixes in content, but for what the Envelope declares."""
        used = content.used_namespaces() if content else {}
        used.pop("", None)
        if used.get(self._prefix) == SOAP_11_NS:
            del used[self._prefix]
        return used

    def _content(self, content: Fragment) -> bytes:
        default = content.namespaces.get("", "")
        if self._qualified or not default:
            return content.xml
        # What is around it is in no namespace, so that it must say where it is itself.
        return _with_default(content, default)


def _shared(detail: Fragment, contents: list[Fragment]) -> dict[str, str]:
    """Return the bindings that several of the contents use, of two for one prefix that of the detail.

    Declared for each of them, one long namespace name would be written as often as there are entries.
    """
    counts = Counter(binding for content in contents for binding in content.used_namespaces().items())
    # Of several for one prefix the most common one is the last, and stays.
    shared = dict(binding for binding, number in reversed(counts.most_common()) if number > 1)
    shared |= {prefix: name for prefix, name in detail.used_namespaces().items() if prefix in shared}
    # A prefix that means nothing in one of the contents must not come to mean something.
    scope = Scope(shared)
    unbound = {
        prefix
        for content in contents
        for prefix, _ in scope.missing(content.xml)
        if prefix and prefix not in content.namespaces
    }
    return {prefix: name for prefix, name in shared.items() if prefix not in unbound}


def _with_default(content: Fragment, default: str) -> bytes:
    """Return content whose elements declare the default namespace that they stand under."""
    xml = content.xml
    declaration = declarations([("", default)]).encode()
    parts = []
    position = 0
    # Content that breaks Namespaces in XML has no elements to speak of, and stays as it is.
    elements, fatal = read_fragment(xml, content.namespaces)
    for element in elements if fatal is None else ():
        if "" not in (element.declared or ()):
            behind_name = element.start + 1 + len(element.name.encode())
            parts += [xml[position:behind_name], declaration]
            position = behind_name
    return b"".join([*parts, xml[position:]])


def _free_prefix(fragments: list[Fragment]) -> str:
    """Return a prefix for the SOAP namespace that means nothing else in any of the fragments."""
    taken: set[str] = set()
    for fragment in fragments:
        bound = fragment.namespaces
        taken |= {prefix for prefix, namespace in bound.items() if namespace != SOAP_11_NS}
        taken |= occurring_prefixes(fragment.xml) - bound.keys()
    return next(prefix for prefix in prefixes() if prefix not in taken)


def _text_element(name: str, text: str) -> bytes:
    return f"<{name}>{escape_text(text)}</{name}>".encode()


def session_not_found(session_id: str) -> Fault:
    """Return the fault for a request whose session is unknown or has expired, as the documentation has it.

    Its text names the session, as that of Analysis Services does: it is for whoever sent the id.
    """
    check_text("session_id", session_id)
    text = f"Session '{session_id}' cannot be found: it does not exist, or it has expired."
    entry = FaultEntry(_SESSION_LOST, text)
    return Fault(f"{_XMLA_ERROR}.0x{_SESSION_LOST:08x}", text, entries=(entry,))


def fault_for(refused: XmlaHeadersError | Iterable[HeaderBlock | UnknownHeaderBlock]) -> Fault:
    """Return the fault that a server should answer with.

    To one of this library's exceptions: VersionMismatch, Client or Server by the rule catalogue. To the
    blocks of `Header.not_understood()`: MustUnderstand. Without a detail, since SOAP 1.1 §4.4 keeps
    that for the Body. Raises ValueError when there is no block.
    """
    if isinstance(refused, XmlaHeadersError):
        finding = refused.finding
        hint = "" if finding.hint is None else f" ({finding.hint})"
        return Fault(RULES[finding.code].fault_code, f"{finding}{hint}")
    if not isinstance(refused, Iterable):
        raise wrong_type("what was refused", "XmlaHeadersError or header blocks", refused)
    names = []
    for block in refused:
        if not isinstance(block, HeaderBlock | UnknownHeaderBlock):
            raise wrong_type("what was not understood", "a header block", block)
        names.append(block.qname)
    if not names:
        raise ValueError("no block was given: there is nothing to answer with a fault")
    text = f"header blocks that are not understood here, and must be: {', '.join(names)}"
    return Fault(FaultCode.MUST_UNDERSTAND, text)
