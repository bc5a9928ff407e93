"""The SOAP fault as a value, in the shapes that XMLA servers write."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from xmla_headers._checks import bad_fragment, check_text, member_of, wrong_type
from xmla_headers._immutable import MadeByConstructor, shown_half_made
from xmla_headers._xml.escape import escape_attribute, escape_text
from xmla_headers._xml.fragments import read_fragment
from xmla_headers._xml.prefixes import Scope, declarations, occurring_prefixes, prefixes
from xmla_headers.findings import RULES, Code, FaultCode, XmlaHeadersError, value_finding
from xmla_headers.fragment import Fragment
from xmla_headers.model import HeaderBlock, mask
from xmla_headers.soap import SOAP_11_NS
from xmla_headers.unknown_block import UnknownHeaderBlock

from ._masking import mask_in

__all__ = ["Fault", "FaultEntry", "FaultError", "FaultShape", "fault_for", "session_not_found"]

_NOTHING = Fragment()

# The HRESULT of Analysis Services for a session that is unknown or has expired.
_SESSION_LOST = 0xC10C000A
# Mondrian's code for a bad session id.
_BAD_SESSION = "00HSHB01"
# Codes of eMondrian for any error in a session header: the text decides.
_SESSION_ERRORS = frozenset({"00HSHU01", "00HSBE02"})

# Compiled by the first fault.
_HEXADECIMAL = r"0[xX][0-9a-fA-F]{1,16}"
_DECIMAL = r"0|-?[1-9][0-9]{0,18}"
_TOO_LARGE = 10**19
_WHITE_SPACE = " \t\r\n"
# A longer code may be anything, even a session id: no code of a server is longer than `0xc10c000a`.
_SHORT_CODE = 10

# The fault codes that SOAP 1.1 §4.4.1 puts into its namespace, dotted or not.
_SOAP_CODES = frozenset(FaultCode)
# The code of Analysis Services begins with it.
_XMLA_ERROR = "XMLAnalysisError"
# A code that begins with one of these is shown whole if the rest is short.
_SHOWN_CODES = _SOAP_CODES | {_XMLA_ERROR}


class FaultShape(StrEnum):
    """The way a Fault is written."""

    SSAS = "ssas"
    """As Analysis Services does: everything in the SOAP namespace, the faultcode without a prefix."""
    SOAP_1_1 = "soap-1.1"
    """As SOAP 1.1 §4.4 defines it: the parts in no namespace, the faultcode a qualified name."""


AnyFaultShape: TypeAlias = FaultShape | Literal["ssas", "soap-1.1"]
"""A shape of faults, or its value."""


@shown_half_made
@dataclass(frozen=True, slots=True, repr=False)
class FaultEntry:
    """One Error in the detail of a fault.

    Raises:
        EncodeError: A text is `unencodable-text`, or the code is a number of more than 19 digits
            (`bad-fragment`), which no server sends and which would come back as text.
        TypeError: A value has the wrong type.

    >>> FaultEntry("3238789130", "the session has expired").code
    3238789130
    """

    code: int | str
    """The ErrorCode: an int if it is written in decimal digits, otherwise text (Mondrian: `00HSBB01`)."""
    description: str = ""
    """The text for people. Servers quote session ids in it."""
    source: str = ""
    """The name of the server."""
    help_file: str = ""
    """The HelpFile of Analysis Services."""
    content: Fragment = _NOTHING
    """The content of the element, such as the Location of Analysis Services."""

    def __post_init__(self) -> None:
        code = self.code
        if isinstance(code, bool) or not isinstance(code, int | str):
            raise wrong_type("code", "int or str", code)
        # One code is one value, as text and as a number.
        if isinstance(code, str):
            check_text("code", code)
            code = code.strip(_WHITE_SPACE)
            object.__setattr__(self, "code", int(code) if re.fullmatch(_DECIMAL, code) else code)
        elif not -_TOO_LARGE < code < _TOO_LARGE:
            raise bad_fragment("the code of a FaultEntry has 19 digits at most")
        check_text("description", self.description)
        check_text("source", self.source)
        check_text("help_file", self.help_file)
        if not isinstance(self.content, Fragment):
            raise wrong_type("content", "Fragment", self.content)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write.

        It is data, not a message for people: a session id in the texts is not masked.

        Returns:
            Field name -> number or text; "content" -> what `Fragment.to_dict` returns.

        >>> FaultEntry("00HSBB01", "no such cube").to_dict()["code"]
        '00HSBB01'
        """
        return {
            "code": self.code,
            "description": self.description,
            "source": self.source,
            "help_file": self.help_file,
            "content": self.content.to_dict(),
        }

    def __repr__(self) -> str:
        return f"FaultEntry({_shown_code(self.code)}, <{len(self.description)} characters>)"


@shown_half_made
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Fault(MadeByConstructor):
    """A SOAP 1.1 fault (§4.4).

    A part that a message does not have is "", a missing actor is None.

    Raises:
        EncodeError: A text is `unencodable-text`, or the code has a colon or white space around it
            (`bad-fragment`).
        TypeError: A value has the wrong type.

    >>> Fault("Client", "no such cube").session_lost
    False
    """

    code: str
    """The local part of the faultcode: `Client`, `Server.00HSBB01`, `XMLAnalysisError.0xc10c000a`."""
    string: str
    """The text for people. Servers quote session ids in it."""
    actor: str | None = None
    """The faultactor."""
    entries: tuple[FaultEntry, ...] = ()
    """The Errors of the detail."""
    detail: Fragment = _NOTHING
    """The content of the detail without the entries."""

    # Written by hand, since any iterable of entries is accepted, and the field is a tuple.
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
        for name, value in zip(self.__slots__, (code, string, actor, entries, detail), strict=True):
            object.__setattr__(self, name, value)

    @property
    def session_lost(self) -> bool:
        """Whether the server no longer knows the session, so that the client must begin a new one.

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

    def to_body(self, shape: AnyFaultShape = FaultShape.SSAS) -> Fragment:
        """Return the content of a Body with this fault.

        `Envelope.fault` reads an equal Fault from it, with these exceptions: content of white space alone
        comes back empty; an Error in `detail` comes back as an entry; a prefix that an entry's content
        leaves unbound is bound if the detail binds it; and in the SOAP 1.1 shape, elements under a default
        namespace declare it themselves.

        Args:
            shape: The way the fault is written: a member, or its value "ssas" or "soap-1.1".

        Returns:
            The content of the Body, UTF-8.

        Raises:
            TypeError: `shape` is neither a FaultShape nor a str.
            ValueError: `shape` is another str.

        >>> Fault("Client", "no").to_body(FaultShape.SOAP_1_1).xml
        b'<soap:Fault><faultcode>soap:Client</faultcode><faultstring>no</faultstring></soap:Fault>'
        """
        return _Writer(self, member_of(FaultShape, "shape", shape)).body()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write.

        It is data, not a message for people: a session id in the texts is not masked.

        Returns:
            Field name -> text or None; "entries" -> a list of dicts; "detail" -> what `Fragment.to_dict`
            returns.

        >>> Fault("Client", "no such cube").to_dict()["string"]
        'no such cube'
        """
        return {
            "code": self.code,
            "string": self.string,
            "actor": self.actor,
            "entries": [entry.to_dict() for entry in self.entries],
            "detail": self.detail.to_dict(),
        }

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


class FaultError(XmlaHeadersError):
    """An answer is a fault: `Envelope.raise_for_fault` has met it.

    Its text has the code of the fault and its words, with everything masked that may be a session id. The
    words as they are stand in `fault.string`.

    Args:
        fault: The fault.

    Raises:
        TypeError: `fault` is not a Fault.

    >>> try:
    ...     Envelope(body=session_not_found("8f1c2b3a-0d4e").to_body()).raise_for_fault()
    ... except FaultError as error:
    ...     error.code, error.fault.session_lost
    (<Code.SOAP_FAULT: 'soap-fault'>, True)
    """

    fault: Fault
    """The fault in the Body of the answer."""

    def __init__(self, fault: Fault) -> None:
        if not isinstance(fault, Fault):
            raise wrong_type("fault", "Fault", fault)
        texts = (fault.string, *(entry.description for entry in fault.entries))
        text = mask_in(next((text for text in texts if text.strip()), ""))
        code = _shown_code(fault.code) if fault.code else "without a code"
        message = f"the answer is a fault, {code}{': ' if text else ''}{text}"
        hint = "the session is lost: begin a new one" if fault.session_lost else None
        super().__init__(value_finding(Code.SOAP_FAULT, message, hint))
        self.fault = fault

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.fault,), self.__dict__


def _shown_code(code: int | str) -> str:
    """Return the part of a code that may be shown."""
    if isinstance(code, int):
        return repr(code)
    first, _, rest = code.partition(".")
    return repr(str(code)) if len(rest if first in _SHOWN_CODES else code) <= _SHORT_CODE else mask(code)


def _numbered(code: int | str) -> int | str:
    """Return a code as an unsigned number of 32 bits if it is one, otherwise in upper case."""
    if isinstance(code, str):
        if re.fullmatch(_HEXADECIMAL, code):
            code = int(code, 16)
        elif re.fullmatch(_DECIMAL, code):
            code = int(code)
        else:
            return code.upper()
    # Some software prints an HRESULT with a sign.
    return code + 2**32 if -(2**31) <= code < 0 else code


class _Writer:
    """Writes one Fault."""

    def __init__(self, fault: Fault, shape: FaultShape) -> None:
        self._fault = fault
        # The parts are in the SOAP namespace, which is the default namespace.
        self._qualified = shape is FaultShape.SSAS
        contents = [content for content in (fault.detail, *(e.content for e in fault.entries)) if content]
        self._prefix = _free_prefix(contents)
        # The declarations of the detail, the default namespace included.
        self._declared = _shared(fault.detail, contents)
        if self._declared.get(self._prefix) == SOAP_11_NS:
            del self._declared[self._prefix]
        common = self._declared.pop("", SOAP_11_NS)
        if self._qualified:
            # Elements directly in the detail do not declare their namespace themselves.
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
        # The namespace around an element decides whether its name needs a prefix.
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
        """Return the bindings of the prefixes in content, except the one that the Envelope declares."""
        used = content.used_namespaces() if content else {}
        used.pop("", None)
        if used.get(self._prefix) == SOAP_11_NS:
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


def _free_prefix(fragments: list[Fragment]) -> str:
    """Return a prefix for the SOAP namespace that has no other meaning in any of the fragments."""
    taken: set[str] = set()
    for fragment in fragments:
        bound = fragment.namespaces
        taken |= {prefix for prefix, namespace in bound.items() if namespace != SOAP_11_NS}
        taken |= occurring_prefixes(fragment.xml) - bound.keys()
    return next(prefix for prefix in prefixes() if prefix not in taken)


def _text_element(name: str, text: str) -> bytes:
    return f"<{name}>{escape_text(text)}</{name}>".encode()


def session_not_found(session_id: str) -> Fault:
    """Return the fault that answers a request whose session is unknown or has expired.

    Its text names the session, as that of Analysis Services does. Send it to the sender of the id only.

    Args:
        session_id: The id of the request.

    Returns:
        A fault with the code of Analysis Services (XMLA Session element, remarks).

    Raises:
        EncodeError: The id is `unencodable-text`.
        TypeError: The id is not a str.

    >>> session_not_found("8f1c2b3a").session_lost
    True
    """
    check_text("session_id", session_id)
    text = f"Session '{session_id}' cannot be found: it does not exist, or it has expired."
    entry = FaultEntry(_SESSION_LOST, text)
    return Fault(f"{_XMLA_ERROR}.0x{_SESSION_LOST:08x}", text, entries=(entry,))


def fault_for(refused: XmlaHeadersError | Iterable[HeaderBlock | UnknownHeaderBlock]) -> Fault:
    """Return the fault that a server should answer with.

    It has no detail, since SOAP 1.1 §4.4 keeps the detail for errors of the Body.

    Args:
        refused: An exception of this library, or the blocks of `Header.not_understood()`.

    Returns:
        For an exception, a fault with VersionMismatch, Client or Server, by the rule catalogue. For blocks,
        a fault with MustUnderstand.

    Raises:
        TypeError: `refused` is something else.
        ValueError: There is no block.

    >>> print(fault_for([UnknownHeaderBlock(b"<a xmlns='urn:a'/>")]).code)
    MustUnderstand
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
