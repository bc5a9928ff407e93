"""Codes, findings, the exceptions that carry them, and the rule catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "RULES",
    "Code",
    "ConversationError",
    "DecodeError",
    "EncodeError",
    "FaultCode",
    "Finding",
    "Rule",
    "Severity",
    "ValidationError",
    "XmlaHeadersError",
    "error_for",
    "value_finding",
]


class Severity(StrEnum):
    """What a finding does to a message."""

    #: Refused by `decode` and `validate`.
    ERROR = "error"
    #: Accepted unless the caller asks otherwise; deployed software disagrees about it.
    WARNING = "warning"


class FaultCode(StrEnum):
    """The fault codes of SOAP 1.1 §4.4.1."""

    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"
    CLIENT = "Client"
    SERVER = "Server"


class Code(StrEnum):
    """Why a message, or a value, was refused or remarked upon.

    Codes are API and never renamed; their order is the order of the catalogue.
    """

    NOT_XML = "not-xml"
    NOT_WELL_FORMED = "not-well-formed"
    ENCODING_ERROR = "encoding-error"
    DTD_FORBIDDEN = "dtd-forbidden"
    PROCESSING_INSTRUCTION = "processing-instruction"
    LIMIT_EXCEEDED = "limit-exceeded"
    NOT_AN_ENVELOPE = "not-an-envelope"
    WRONG_SOAP_NAMESPACE = "wrong-soap-namespace"
    MISPLACED_HEADER = "misplaced-header"
    DUPLICATE_HEADER = "duplicate-header"
    DUPLICATE_BODY = "duplicate-body"
    MISSING_BODY = "missing-body"
    UNEXPECTED_ELEMENT = "unexpected-element"
    ELEMENT_AFTER_BODY = "element-after-body"
    UNEXPECTED_TEXT = "unexpected-text"
    DUPLICATE_HEADER_BLOCK = "duplicate-header-block"
    MISSING_ATTRIBUTE = "missing-attribute"
    UNEXPECTED_CONTENT = "unexpected-content"
    INVALID_MUST_UNDERSTAND = "invalid-must-understand"
    CONFLICTING_MUST_UNDERSTAND = "conflicting-must-understand"
    WRONG_DIRECTION = "wrong-direction"
    UNQUALIFIED_MUST_UNDERSTAND = "unqualified-must-understand"
    UNQUALIFIED_HEADER_BLOCK = "unqualified-header-block"
    UNQUALIFIED_ENVELOPE_ATTRIBUTE = "unqualified-envelope-attribute"
    LOOKALIKE_HEADER_BLOCK = "lookalike-header-block"
    UNEXPECTED_ATTRIBUTE = "unexpected-attribute"
    EMPTY_SESSION_ID = "empty-session-id"
    AMBIGUOUS_SESSION_HEADERS = "ambiguous-session-headers"
    SOAP_1_2 = "soap-1.2"
    UNENCODABLE_TEXT = "unencodable-text"
    BAD_FRAGMENT = "bad-fragment"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row of the catalogue."""

    code: Code
    severity: Severity
    #: The clause that the rule comes from.
    reference: str
    #: The fault that a server should answer with.
    fault_code: FaultCode
    #: One sentence for people.
    meaning: str
    #: It makes the document unreadable, so that it ends the message.
    fatal: bool = False


def _catalogue() -> Mapping[Code, Rule]:
    error, warning = Severity.ERROR, Severity.WARNING
    client, server = FaultCode.CLIENT, FaultCode.SERVER
    version = FaultCode.VERSION_MISMATCH
    rows = (
        Rule(
            Code.NOT_XML,
            error,
            "XML 1.0 §2.1",
            client,
            "Empty, binary, compressed, UTF-32, or anything whose first bytes cannot start a document.",
            fatal=True,
        ),
        Rule(
            Code.NOT_WELL_FORMED,
            error,
            "XML 1.0 §2.1",
            client,
            "Not well-formed by XML 1.0, or (in the Body with `deep` only) by Namespaces in XML.",
            fatal=True,
        ),
        Rule(
            Code.ENCODING_ERROR,
            error,
            "XML 1.0 §4.3.3",
            client,
            "An encoding that is not read here, bytes that do not decode, labels that contradict.",
            fatal=True,
        ),
        Rule(
            Code.DTD_FORBIDDEN,
            error,
            "SOAP 1.1 §3",
            client,
            "A DOCTYPE, whatever it holds.",
            fatal=True,
        ),
        Rule(
            Code.PROCESSING_INSTRUCTION,
            error,
            "SOAP 1.1 §3",
            client,
            "A processing instruction, anywhere.",
            fatal=True,
        ),
        Rule(
            Code.LIMIT_EXCEEDED,
            error,
            "Limits",
            client,
            "One of the `Limits`; the message names which.",
            fatal=True,
        ),
        Rule(
            Code.NOT_AN_ENVELOPE,
            error,
            "SOAP 1.1 §4",
            client,
            "The root element is not an Envelope.",
        ),
        Rule(
            Code.WRONG_SOAP_NAMESPACE,
            error,
            "SOAP 1.1 §4.1.2",
            version,
            "An Envelope in an unknown namespace or in none.",
        ),
        Rule(
            Code.MISPLACED_HEADER,
            error,
            "SOAP 1.1 §4.2",
            client,
            "The Header comes after the Body.",
        ),
        Rule(Code.DUPLICATE_HEADER, error, "SOAP 1.1 §4", client, "A second Header."),
        Rule(Code.DUPLICATE_BODY, error, "SOAP 1.1 §4", client, "A second Body."),
        Rule(Code.MISSING_BODY, error, "SOAP 1.1 §4.3", client, "No Body."),
        Rule(
            Code.UNEXPECTED_ELEMENT,
            error,
            "SOAP 1.1 §4.3",
            client,
            "Another child of Envelope in front of the Body.",
        ),
        Rule(
            Code.ELEMENT_AFTER_BODY,
            error,
            "WS-I BP 1.1 R1011",
            client,
            "Another child of Envelope behind the Body.",
        ),
        Rule(
            Code.UNEXPECTED_TEXT,
            error,
            "SOAP 1.1 §4",
            client,
            "Text other than white space directly in Envelope or Header.",
        ),
        Rule(
            Code.DUPLICATE_HEADER_BLOCK,
            error,
            "XMLA Session element, cardinality 0-1",
            client,
            "A session header that is there twice; reported at the second.",
        ),
        Rule(
            Code.MISSING_ATTRIBUTE,
            error,
            "XMLA Session element, attributes",
            client,
            "A session header without a required attribute.",
        ),
        Rule(
            Code.UNEXPECTED_CONTENT,
            error,
            "XMLA Session element, child elements: none",
            client,
            "A session header with child elements, or text other than white space.",
        ),
        Rule(
            Code.INVALID_MUST_UNDERSTAND,
            error,
            "SOAP 1.1 §4.2.3",
            client,
            "A mustUnderstand that is neither 0 nor 1 (SOAP 1.2: nor true or false).",
        ),
        Rule(
            Code.CONFLICTING_MUST_UNDERSTAND,
            error,
            "SOAP 1.1 §4.2.3",
            client,
            "Two mustUnderstand attributes on one header block that contradict each other.",
        ),
        Rule(
            Code.WRONG_DIRECTION,
            error,
            "MS-SSAS §3.1.3.1",
            client,
            "A session header against the direction given: BeginSession or EndSession in a response.",
        ),
        Rule(
            Code.UNQUALIFIED_MUST_UNDERSTAND,
            warning,
            "SOAP 1.1 §4.2.3",
            client,
            "A session header with a mustUnderstand in no namespace, which SOAP 1.1 does not define.",
        ),
        Rule(
            Code.UNQUALIFIED_HEADER_BLOCK,
            warning,
            "SOAP 1.1 §4.2",
            client,
            "A header block in no namespace.",
        ),
        Rule(
            Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE,
            warning,
            "SOAP 1.1 §4",
            client,
            "An attribute of Envelope in no namespace.",
        ),
        Rule(
            Code.LOOKALIKE_HEADER_BLOCK,
            warning,
            "Namespaces in XML 1.0 §6",
            client,
            "A header block that is named like a session header, but is none.",
        ),
        Rule(
            Code.UNEXPECTED_ATTRIBUTE,
            warning,
            "XMLA Session element, attributes",
            client,
            "A session header with an attribute that the schema does not declare, or an xsi one.",
        ),
        Rule(
            Code.EMPTY_SESSION_ID,
            warning,
            "XMLA Session element, SessionId",
            client,
            "A session id without a character.",
        ),
        Rule(
            Code.AMBIGUOUS_SESSION_HEADERS,
            warning,
            "MS-SSAS §3.1.3.1",
            client,
            "More than one of the three session headers: servers disagree on which one wins.",
        ),
        Rule(
            Code.SOAP_1_2,
            warning,
            "SOAP 1.2 Part 1 §5.1",
            version,
            "A SOAP 1.2 envelope, which no XMLA server is known to accept.",
        ),
        Rule(
            Code.UNENCODABLE_TEXT,
            error,
            "XML 1.0 §2.2",
            server,
            "Values: a character that XML 1.0 cannot carry.",
        ),
        Rule(
            Code.BAD_FRAGMENT,
            error,
            "XML 1.0 §2.1",
            server,
            "Values: XML content or an attribute name that could not stand in a message.",
        ),
    )
    return MappingProxyType({rule.code: rule for rule in rows})


#: The rule catalogue, in catalogue order: the single source of severities, references and fault codes.
RULES = _catalogue()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule says about a message or a value.

    `line` and `column` are 1-based, the column counts characters; `offset` counts bytes of the
    caller's input from 0; `path` uses the document's own prefixes. All four are None for a value.
    No session id stands in any of them.
    """

    code: Code
    severity: Severity
    message: str
    path: str | None
    line: int | None
    column: int | None
    offset: int | None
    hint: str | None
    reference: str

    def __str__(self) -> str:
        where = "" if self.line is None else f"{self.line}:{self.column}: "
        at = "" if self.path is None else f" - at {self.path}"
        return f"{where}{self.severity}[{self.code}]: {self.message}{at}"

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the fields as a dict that `json` can write."""
        return {
            "code": str(self.code),
            "severity": str(self.severity),
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "offset": self.offset,
            "hint": self.hint,
            "reference": self.reference,
        }


def value_finding(code: Code, message: str, hint: str | None = None) -> Finding:
    """Return the finding about a value, which has no position."""
    rule = RULES[code]
    return Finding(code, rule.severity, message, None, None, None, None, hint, rule.reference)


class XmlaHeadersError(ValueError):
    """A message or value was refused; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        # The finding is the only argument, so that the exception pickles and copies.
        super().__init__(finding)
        self.finding = finding
        if finding.hint is not None:
            self.add_note(f"hint: {finding.hint}")

    @property
    def code(self) -> Code:
        """The code of the finding."""
        return self.finding.code


class DecodeError(XmlaHeadersError):
    """The bytes cannot be read as a document: one of the codes that end a message."""


class ValidationError(XmlaHeadersError):
    """The document can be read, and breaks a rule of SOAP or XMLA."""


class EncodeError(XmlaHeadersError):
    """The value cannot be written, and therefore cannot be made."""


class ConversationError(XmlaHeadersError):
    """The message does not fit the state of the session."""


def error_for(finding: Finding) -> XmlaHeadersError:
    """Return the exception for a refused finding about bytes."""
    return (DecodeError if RULES[finding.code].fatal else ValidationError)(finding)
