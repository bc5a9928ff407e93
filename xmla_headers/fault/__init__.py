"""The SOAP fault as a value, in the shapes that XMLA servers write."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from xmla_headers._checks import bad_fragment, check_text, member_of, wrong_type
from xmla_headers._immutable import MadeByConstructor, shown_half_made
from xmla_headers._xml.escape import escape_attribute
from xmla_headers.findings import RULES, Code, FaultCode, XmlaHeadersError, value_finding
from xmla_headers.fragment import Fragment
from xmla_headers.model import HeaderBlock, mask
from xmla_headers.soap import SOAP_11_NS, SOAP_12_NS, AnySoapVersion, SoapVersion
from xmla_headers.unknown_block import UnknownHeaderBlock

from ._masking import mask_in
from ._writer import DEFAULT_LANGUAGE, SOAP_1_1_CODES, SOAP_1_2_CODES, soap_1_2_codes, written_body

__all__ = [
    "EntryKind",
    "Fault",
    "FaultEntry",
    "FaultError",
    "FaultShape",
    "fault_blocks",
    "fault_for",
    "session_not_found",
]

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

# The code of Analysis Services begins with it; the documentation has the second name.
_XMLA_ERRORS = ("XMLAnalysisError", "XMLForAnalysis")
# A code that begins with one of these is shown whole if the rest is short.
_SHOWN_CODES = SOAP_1_1_CODES | SOAP_1_2_CODES | {_XMLA_ERRORS[0]}

# Codes that say nothing about the cause, so that the words decide: a relay passes the sentence of Analysis
# Services on under them. Axis adds words without digits: `Server.userException`.
_SILENT = rf"(?:(?:Client|Server|Sender|Receiver|{'|'.join(_XMLA_ERRORS)})(?:\.[A-Za-z]*)?)?"
# What Analysis Services says of a lost session: "The '...' session ID cannot be found. Either the session
# does not exist or it has already expired." The words alone decide only if both halves are there, and if
# nothing but an id stands between the session and what happened to it.
_QUOTE = r"['\"`\u2018-\u201f\u00ab\u00bb]"
_ID = (
    rf"{_QUOTE}[^'\"`\u2018-\u201f\u00ab\u00bb]{{0,200}}{_QUOTE}|[{{(]?[0-9a-f]{{8}}-[0-9a-f-]{{4,27}}[)}}]?"
)
_LOST_WORDS = (
    rf"\bsession(?: with)?(?: id)?:?(?: (?:{_ID}))?"
    r" (?:cannot|can not|can['\u2019]t|could not) be found\b.{0,200}?\bexpired\b"
)


class EntryKind(StrEnum):
    """Whether a message of the server inside an answer is an error or a warning."""

    ERROR = "error"
    """An Error: a part of the answer is missing."""
    WARNING = "warning"
    """A Warning: the answer is complete."""


class FaultShape(StrEnum):
    """The way a Fault is written."""

    SSAS = "ssas"
    """As Analysis Services does: everything in the SOAP namespace, the faultcode without a prefix."""
    SOAP_1_1 = "soap-1.1"
    """As SOAP 1.1 §4.4 defines it: the parts in no namespace, the faultcode a qualified name."""
    SOAP_1_2 = "soap-1.2"
    """As SOAP 1.2 Part 1 §5.4 defines it, for an Envelope of SOAP 1.2: Code, Reason, Node, Role, Detail."""


AnyFaultShape: TypeAlias = FaultShape | Literal["ssas", "soap-1.1", "soap-1.2"]
"""A shape of faults, or its value."""


@shown_half_made
@dataclass(frozen=True, slots=True, repr=False)
class FaultEntry:
    """One Error in the detail of a fault, or one message inside a success answer.

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
    kind: EntryKind = field(default=EntryKind.ERROR, kw_only=True)
    """Error or Warning; in a Fault always an Error."""

    @property
    def session_lost(self) -> bool:
        """Whether its number says that the server no longer knows the session.

        An Error inside a success answer says so, too: the numbers are those of `Fault.session_lost`.
        """
        if self.kind is not EntryKind.ERROR:
            return False
        return _says_lost([self.code], self.description)

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
        object.__setattr__(self, "kind", member_of(EntryKind, "kind", self.kind))

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
            "kind": str(self.kind),
        }

    def __repr__(self) -> str:
        return f"FaultEntry({_shown_code(self.code)}, <{len(self.description)} characters>)"


@shown_half_made
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Fault(MadeByConstructor):
    """A SOAP fault, of SOAP 1.1 (§4.4) or 1.2 (Part 1 §5.4).

    A part that a message does not have is "", a missing actor or node is None.

    Raises:
        EncodeError: A text is `unencodable-text`. Or `bad-fragment`: a code has a colon or white space
            around it, an entry is a Warning, or `string` is not the first of the `reasons`.
        TypeError: A value has the wrong type.

    >>> Fault("Client", "no such cube").session_lost
    False
    """

    code: str
    """The local part of the code: `Client`, `Server.00HSBB01`, `XMLAnalysisError.0xc10c000a`; of a SOAP 1.2
    fault one of its five codes, such as `Sender`."""
    string: str
    """The text for people. Servers quote session ids in it."""
    actor: str | None = None
    """The faultactor; the Role of a SOAP 1.2 fault."""
    entries: tuple[FaultEntry, ...] = ()
    """The Errors of the detail."""
    detail: Fragment = _NOTHING
    """The content of the detail without the entries."""
    subcodes: tuple[str, ...] = field(default=(), kw_only=True)
    """SOAP 1.2: the local parts of the Subcodes, from the outermost to the innermost."""
    reasons: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    """SOAP 1.2: the texts of the Reason, each with its language before it; `string` is the first."""
    node: str | None = field(default=None, kw_only=True)
    """SOAP 1.2: the Node."""

    # Written by hand, since any iterable of entries is accepted, and the field is a tuple.
    def __init__(
        self,
        code: str,
        string: str,
        actor: str | None = None,
        entries: Iterable[FaultEntry] = (),
        detail: Fragment = _NOTHING,
        *,
        subcodes: Iterable[str] = (),
        reasons: Iterable[tuple[str, str]] = (),
        node: str | None = None,
    ) -> None:
        _check_code("code", code)
        check_text("string", string)
        if actor is not None:
            check_text("actor", actor)
        entries = _several("entries", "FaultEntry", entries)
        for entry in entries:
            if not isinstance(entry, FaultEntry):
                raise wrong_type("an entry", "FaultEntry", entry)
            if entry.kind is not EntryKind.ERROR:
                raise bad_fragment("the entries of a Fault are Errors, not Warnings")
        if not isinstance(detail, Fragment):
            raise wrong_type("detail", "Fragment", detail)
        subcodes = _several("subcodes", "str", subcodes)
        for subcode in subcodes:
            _check_code("a subcode", subcode)
        reasons = _several("reasons", "pairs of language and text", reasons)
        for reason in reasons:
            if not isinstance(reason, tuple) or len(reason) != 2:
                raise wrong_type("a reason", "a pair of language and text", reason)
            check_text("the language of a reason", reason[0])
            check_text("the text of a reason", reason[1])
        if reasons and reasons[0][1] != string:
            raise bad_fragment("the string of a Fault is the text of its first reason")
        if node is not None:
            check_text("node", node)
        values = (code, string, actor, entries, detail, subcodes, reasons, node)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def session_lost(self) -> bool:
        """Whether the server no longer knows the session, so that the client must begin a new one.

        True for 0xc10c000a (Analysis Services) and 00HSHB01 (Mondrian); for 00HSHU01 and 00HSBE02
        (eMondrian) only where the text says `does not exist`; for a code that says nothing, such as `Server`
        or `Client`, only where the text is the sentence of Analysis Services, as a relay passes it on; never
        where it says `already exists`.
        """
        texts = [self.string, *(text for _, text in self.reasons[1:])]
        texts += [entry.description for entry in self.entries]
        codes: list[int | str] = [code.rpartition(".")[2] for code in (self.code, *self.subcodes)]
        codes += [entry.code for entry in self.entries]
        return _says_lost(codes, "\n".join(texts), silent=self._says_nothing())

    def _says_nothing(self) -> bool:
        """Return whether no code tells the cause. An Error without a number tells none."""
        if any(entry.code not in (0, "") for entry in self.entries):
            return False
        return all(re.fullmatch(_SILENT, code) for code in (self.code, *self.subcodes))

    def to_body(self, shape: AnyFaultShape = FaultShape.SSAS) -> Fragment:
        """Return the content of a Body with this fault.

        `Envelope.fault` reads an equal Fault from it, with these exceptions: content of white space alone
        comes back empty; an Error in `detail` comes back as an entry; a prefix that an entry's content
        leaves unbound is bound if the detail binds it; and except in the shape of Analysis Services, elements
        under a default namespace declare it themselves.

        The versions of SOAP name the codes differently, and the codes are translated. SOAP 1.2 has five
        codes: `Client` becomes `Sender`, `Server` becomes `Receiver`, and any other code becomes a Subcode of
        one of them. In SOAP 1.1 the innermost Subcode is the code; node and further reasons are left out.

        Args:
            shape: The way the fault is written: a member, or its value "ssas", "soap-1.1" or "soap-1.2". A
                fault in the last shape belongs in an Envelope of SOAP 1.2.

        Returns:
            The content of the Body, UTF-8.

        Raises:
            TypeError: `shape` is neither a FaultShape nor a str.
            ValueError: `shape` is another str.

        >>> Fault("Client", "no").to_body(FaultShape.SOAP_1_1).xml
        b'<soap:Fault><faultcode>soap:Client</faultcode><faultstring>no</faultstring></soap:Fault>'
        """
        shape = member_of(FaultShape, "shape", shape)
        namespace = SOAP_12_NS if shape is FaultShape.SOAP_1_2 else SOAP_11_NS
        return written_body(self, namespace, qualified=shape is FaultShape.SSAS)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that `json` can write.

        It is data, not a message for people: a session id in the texts is not masked.

        Returns:
            Field name -> text or None; "entries" -> a list of dicts; "detail" -> what `Fragment.to_dict`
            returns; "subcodes" -> a list of texts; "reasons" -> a list of language and text.

        >>> Fault("Client", "no such cube").to_dict()["string"]
        'no such cube'
        """
        return {
            "code": self.code,
            "string": self.string,
            "actor": self.actor,
            "entries": [entry.to_dict() for entry in self.entries],
            "detail": self.detail.to_dict(),
            "subcodes": list(self.subcodes),
            "reasons": [list(reason) for reason in self.reasons],
            "node": self.node,
        }

    def __repr__(self) -> str:
        # Servers quote session ids in their texts.
        parts = [_shown_code(self.code), f"<{len(self.string)} characters>"]
        if self.subcodes:
            parts.append(f"subcodes=<{len(self.subcodes)}>")
        if self.reasons:
            parts.append(f"reasons=<{len(self.reasons)}>")
        if self.node is not None:
            parts.append(f"node=<{len(self.node)} characters>")
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
        if fault.subcodes:
            code = f"{code} {_shown_code(fault.subcodes[-1])}"
        message = f"the answer is a fault, {code}{': ' if text else ''}{text}"
        hint = "the session is lost: begin a new one" if fault.session_lost else None
        super().__init__(value_finding(Code.SOAP_FAULT, message, hint))
        self.fault = fault

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.fault,), self.__dict__


def _several(name: str, wanted: str, values: object) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise wrong_type(name, f"several {wanted}", values)
    return tuple(values)


def _check_code(name: str, code: object) -> None:
    check_text(name, code)
    if ":" in str(code) or code != str(code).strip(_WHITE_SPACE):
        raise bad_fragment(f"{name} of a Fault is the local part of a name: no colon, no space around it")


def _says_lost(codes: Iterable[int | str], text: str, *, silent: bool = False) -> bool:
    """Return whether codes and words of a server say that a session is lost; `silent` codes say nothing."""
    text = text.lower()
    if "already exists" in text:
        return False
    numbers = [_numbered(code) for code in codes]
    if _SESSION_LOST in numbers or _BAD_SESSION in numbers:
        return True
    if "does not exist" in text and not _SESSION_ERRORS.isdisjoint(numbers):
        return True
    # A relay may break the lines of the sentence anew.
    return silent and re.search(_LOST_WORDS, " ".join(text.split())) is not None


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


def session_not_found(session_id: str, *, soap: AnySoapVersion = SoapVersion.SOAP_1_1) -> Fault:
    """Return the fault that answers a request whose session is unknown or has expired.

    Its text names the session, as that of Analysis Services does. Send it to the sender of the id only.

    Args:
        session_id: The id of the request.
        soap: The version of SOAP of the request, a member, "1.1" or "1.2". A fault for SOAP 1.2 is written
            with `to_body("soap-1.2")`.

    Returns:
        A fault with the code of Analysis Services (XMLA Session element, remarks); for SOAP 1.2 with Sender,
        and that code as its Subcode.

    Raises:
        EncodeError: The id is `unencodable-text`.
        TypeError: An argument has the wrong type.
        ValueError: `soap` is another str.

    >>> session_not_found("8f1c2b3a").session_lost
    True
    """
    check_text("session_id", session_id)
    text = f"Session '{session_id}' cannot be found: it does not exist, or it has expired."
    entry = FaultEntry(_SESSION_LOST, text)
    return _spoken(Fault(f"{_XMLA_ERRORS[0]}.0x{_SESSION_LOST:08x}", text, entries=(entry,)), soap)


def fault_for(
    refused: XmlaHeadersError | Iterable[HeaderBlock | UnknownHeaderBlock],
    *,
    soap: AnySoapVersion = SoapVersion.SOAP_1_1,
) -> Fault:
    """Return the fault that a server should answer with.

    It has no detail, since SOAP 1.1 §4.4 keeps the detail for errors of the Body. `fault_blocks` returns the
    header blocks that SOAP 1.2 wants beside it.

    Args:
        refused: An exception of this library, or the blocks of `Header.not_understood()`.
        soap: The version of SOAP of the request, a member, "1.1" or "1.2". A fault for SOAP 1.2 is written
            with `to_body("soap-1.2")`.

    Returns:
        For an exception, a fault with VersionMismatch, Client or Server, by the rule catalogue. For blocks,
        a fault with MustUnderstand. For SOAP 1.2, Sender and Receiver stand for Client and Server.

    Raises:
        TypeError: `refused` or `soap` is something else.
        ValueError: There is no block, or `soap` is another str.

    >>> print(fault_for([UnknownHeaderBlock(b"<a xmlns='urn:a'/>")]).code)
    MustUnderstand
    """
    if isinstance(refused, XmlaHeadersError):
        finding = refused.finding
        hint = "" if finding.hint is None else f" ({finding.hint})"
        return _spoken(Fault(RULES[finding.code].fault_code, f"{finding}{hint}"), soap)
    names = [block.qname for block in _refused_blocks(refused)]
    if not names:
        raise ValueError("no block was given: there is nothing to answer with a fault")
    text = f"header blocks that are not understood here, and must be: {', '.join(names)}"
    return _spoken(Fault(FaultCode.MUST_UNDERSTAND, text), soap)


def fault_blocks(
    refused: XmlaHeadersError | Iterable[HeaderBlock | UnknownHeaderBlock],
    *,
    supported: Iterable[AnySoapVersion] = (SoapVersion.SOAP_1_1,),
) -> tuple[UnknownHeaderBlock, ...]:
    """Return the header blocks that SOAP 1.2 wants beside the fault of `fault_for`.

    Args:
        refused: What `fault_for` was given.
        supported: The versions of SOAP that the server accepts, the best one first: members, "1.1" or "1.2".

    Returns:
        Beside VersionMismatch, one Upgrade that names the supported Envelopes (SOAP 1.2 Part 1 §5.4.7);
        beside MustUnderstand, a NotUnderstood for each block (§5.4.8); otherwise nothing.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A version is another str.

    >>> block, = fault_blocks([UnknownHeaderBlock(b"<v xmlns='urn:v'/>")])
    >>> print(block.xml.decode())
    <soap:NotUnderstood xmlns:soap="http://www.w3.org/2003/05/soap-envelope" qname="b:v" xmlns:b="urn:v"/>
    """
    versions = [
        member_of(SoapVersion, "a supported version", version)
        for version in _several("supported", "versions of SOAP", supported)
    ]
    if not isinstance(refused, XmlaHeadersError):
        qnames = [block.qname for block in _refused_blocks(refused)]
        return tuple(_soap_1_2_block("NotUnderstood", _named(qname)) for qname in qnames)
    if RULES[refused.finding.code].fault_code is not FaultCode.VERSION_MISMATCH:
        return ()
    envelopes = "".join(
        f"<soap:SupportedEnvelope{_named(f'{{{version.namespace}}}Envelope')}/>" for version in versions
    )
    return (_soap_1_2_block("Upgrade", "", envelopes),)


def _spoken(fault: Fault, soap: AnySoapVersion) -> Fault:
    """Return a fault with the codes of a version of SOAP."""
    if member_of(SoapVersion, "soap", soap) is SoapVersion.SOAP_1_1:
        return fault
    code, *subcodes = soap_1_2_codes(fault)
    reasons = ((DEFAULT_LANGUAGE, fault.string),)
    return Fault(code, fault.string, entries=fault.entries, subcodes=subcodes, reasons=reasons)


def _refused_blocks(refused: object) -> list[HeaderBlock | UnknownHeaderBlock]:
    if not isinstance(refused, Iterable):
        raise wrong_type("what was refused", "XmlaHeadersError or header blocks", refused)
    blocks = list(refused)
    for block in blocks:
        if not isinstance(block, HeaderBlock | UnknownHeaderBlock):
            raise wrong_type("what was not understood", "a header block", block)
    return blocks


def _named(qname: str) -> str:
    """Return the attribute that names an element, and the declaration of its prefix."""
    namespace, _, local = qname.removeprefix("{").rpartition("}")
    if not namespace:
        return f' qname="{local}"'
    return f' qname="b:{local}" xmlns:b="{escape_attribute(namespace)}"'


def _soap_1_2_block(name: str, attributes: str, content: str = "") -> UnknownHeaderBlock:
    end = f">{content}</soap:{name}>" if content else "/>"
    return UnknownHeaderBlock(f'<soap:{name} xmlns:soap="{SOAP_12_NS}"{attributes}{end}'.encode())
