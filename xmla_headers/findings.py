"""Codes, findings, the exceptions that carry them, and the rule catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from ._immutable import shown_half_made

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
    """Whether a finding refuses a message."""

    ERROR = "error"
    """`decode` and `validate` refuse the message."""
    WARNING = "warning"
    """The message is accepted unless the caller asks otherwise; deployed software disagrees about it."""


class FaultCode(StrEnum):
    """The fault codes of SOAP 1.1 §4.4.1."""

    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"
    CLIENT = "Client"
    SERVER = "Server"


class Code(StrEnum):
    """Why a message or a value was refused, or earned a warning.

    Codes are API and never renamed. Their order is the order of the catalogue.
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
    INVALID_VALUE = "invalid-value"
    INVALID_MUST_UNDERSTAND = "invalid-must-understand"
    CONFLICTING_MUST_UNDERSTAND = "conflicting-must-understand"
    WRONG_DIRECTION = "wrong-direction"
    UNQUALIFIED_MUST_UNDERSTAND = "unqualified-must-understand"
    UNQUALIFIED_HEADER_BLOCK = "unqualified-header-block"
    UNQUALIFIED_ENVELOPE_ATTRIBUTE = "unqualified-envelope-attribute"
    LOOKALIKE_HEADER_BLOCK = "lookalike-header-block"
    UNEXPECTED_ATTRIBUTE = "unexpected-attribute"
    EMPTY_SESSION_ID = "empty-session-id"
    PADDED_SESSION_ID = "padded-session-id"
    AMBIGUOUS_SESSION_HEADERS = "ambiguous-session-headers"
    SOAP_1_2 = "soap-1.2"
    FAULT_WITHOUT_CODE = "fault-without-code"
    DUPLICATE_FAULT = "duplicate-fault"
    FAULT_BESIDE_CONTENT = "fault-beside-content"
    SCHEMA_VIOLATION = "schema-violation"
    UNENCODABLE_TEXT = "unencodable-text"
    BAD_FRAGMENT = "bad-fragment"
    SESSION_NOT_GRANTED = "session-not-granted"
    SESSION_ID_CHANGED = "session-id-changed"
    UNKNOWN_SESSION = "unknown-session"
    SESSION_USED_AFTER_END = "session-used-after-end"
    SESSION_NEVER_ENDED = "session-never-ended"
    RESPONSE_WITHOUT_REQUEST = "response-without-request"
    REQUEST_WITHOUT_RESPONSE = "request-without-response"
    UNEXPECTED_SESSION = "unexpected-session"
    SESSION_LOST = "session-lost"
    BROKEN_CAPTURE = "broken-capture"


@shown_half_made
@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rule catalogue.

    >>> RULES[Code.DTD_FORBIDDEN].reference
    'SOAP 1.1 §3'
    """

    code: Code
    """The code of the findings."""
    severity: Severity
    """Whether a finding refuses the message."""
    reference: str
    """The clause that the rule comes from."""
    fault_code: FaultCode
    """The code of the fault that a server should answer with."""
    meaning: str
    """One sentence for people."""
    fatal: bool = field(default=False, kw_only=True)
    """Whether a finding makes the document unreadable, so that it ends the message."""


_FATAL, _ERROR, _WARNING = (Severity.ERROR, True), (Severity.ERROR, False), (Severity.WARNING, False)

# One row a code, in catalogue order.
# fmt: off
_ROWS = (
    (Code.NOT_XML, _FATAL, "XML 1.0 §2.1", FaultCode.CLIENT,
     "Empty, binary, compressed, UTF-32, or anything whose first bytes cannot start a document."),
    (Code.NOT_WELL_FORMED, _FATAL, "XML 1.0 §2.1", FaultCode.CLIENT,
     "Not well-formed by XML 1.0, or (in the Body with `deep` only) by Namespaces in XML."),
    (Code.ENCODING_ERROR, _FATAL, "XML 1.0 §4.3.3", FaultCode.CLIENT,
     "An unsupported encoding, bytes that do not decode, or labels that contradict each other."),
    (Code.DTD_FORBIDDEN, _FATAL, "SOAP 1.1 §3", FaultCode.CLIENT,
     "A DOCTYPE, whatever its content."),
    (Code.PROCESSING_INSTRUCTION, _FATAL, "SOAP 1.1 §3", FaultCode.CLIENT,
     "A processing instruction, anywhere."),
    (Code.LIMIT_EXCEEDED, _FATAL, "Limits", FaultCode.CLIENT,
     "One of the `Limits`; the message names which."),
    (Code.NOT_AN_ENVELOPE, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "The root element is not an Envelope."),
    (Code.WRONG_SOAP_NAMESPACE, _ERROR, "SOAP 1.1 §4.1.2", FaultCode.VERSION_MISMATCH,
     "An Envelope in an unknown namespace or in none."),
    (Code.MISPLACED_HEADER, _ERROR, "SOAP 1.1 §4.2", FaultCode.CLIENT,
     "The Header comes after the Body."),
    (Code.DUPLICATE_HEADER, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "A second Header."),
    (Code.DUPLICATE_BODY, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "A second Body."),
    (Code.MISSING_BODY, _ERROR, "SOAP 1.1 §4.3", FaultCode.CLIENT,
     "No Body."),
    (Code.UNEXPECTED_ELEMENT, _ERROR, "SOAP 1.1 §4.3", FaultCode.CLIENT,
     "Another child of Envelope before the Body."),
    (Code.ELEMENT_AFTER_BODY, _ERROR, "WS-I BP 1.1 R1011", FaultCode.CLIENT,
     "Another child of Envelope after the Body."),
    (Code.UNEXPECTED_TEXT, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "Text other than white space directly in Envelope or Header."),
    (Code.DUPLICATE_HEADER_BLOCK, _ERROR, "XMLA Session element, cardinality 0-1", FaultCode.CLIENT,
     "A second session header of the same name; reported at the second."),
    (Code.MISSING_ATTRIBUTE, _ERROR, "XMLA Session element, attributes", FaultCode.CLIENT,
     "A session header without a required attribute."),
    (Code.UNEXPECTED_CONTENT, _ERROR, "XMLA Session element, child elements: none", FaultCode.CLIENT,
     "A header block with child elements or text that its schema does not allow, or without required ones."),
    (Code.INVALID_VALUE, _ERROR, "XML Schema Part 2 §2.3", FaultCode.CLIENT,
     "An attribute, text or child element whose value is outside the type that its schema declares."),
    (Code.INVALID_MUST_UNDERSTAND, _ERROR, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "A mustUnderstand that is neither 0 nor 1 (SOAP 1.2: nor true or false)."),
    (Code.CONFLICTING_MUST_UNDERSTAND, _ERROR, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "Two mustUnderstand attributes on one header block that contradict each other."),
    (Code.WRONG_DIRECTION, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "A session header in the wrong direction: BeginSession or EndSession in a response."),
    (Code.UNQUALIFIED_MUST_UNDERSTAND, _WARNING, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "A session header with a mustUnderstand in no namespace, which SOAP 1.1 does not define."),
    (Code.UNQUALIFIED_HEADER_BLOCK, _WARNING, "SOAP 1.1 §4.2", FaultCode.CLIENT,
     "A header block in no namespace."),
    (Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE, _WARNING, "SOAP 1.1 §4", FaultCode.CLIENT,
     "An attribute of Envelope in no namespace."),
    (Code.LOOKALIKE_HEADER_BLOCK, _WARNING, "Namespaces in XML 1.0 §6", FaultCode.CLIENT,
     "A header block with the name of a session header, but in another namespace or letter case."),
    (Code.UNEXPECTED_ATTRIBUTE, _WARNING, "XMLA Session element, attributes", FaultCode.CLIENT,
     "A session header with an attribute that the schema does not declare, or an xsi one."),
    (Code.EMPTY_SESSION_ID, _WARNING, "XMLA Session element, SessionId", FaultCode.CLIENT,
     "A session id without a character."),
    (Code.PADDED_SESSION_ID, _WARNING, "XML 1.0 §3.3.3", FaultCode.CLIENT,
     "A session id with white space at its start or end, which some peers remove."),
    (Code.AMBIGUOUS_SESSION_HEADERS, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "More than one of the three session headers: servers disagree on which one wins."),
    (Code.SOAP_1_2, _WARNING, "SOAP 1.2 Part 1 §5.1", FaultCode.VERSION_MISMATCH,
     "A SOAP 1.2 envelope, which no XMLA server is known to accept."),
    (Code.FAULT_WITHOUT_CODE, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a Fault without a faultcode."),
    (Code.DUPLICATE_FAULT, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a second Fault in the Body."),
    (Code.FAULT_BESIDE_CONTENT, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a Fault and another element in one Body."),
    (Code.SCHEMA_VIOLATION, _ERROR, "XML Schema Part 1 §5.2", FaultCode.CLIENT,
     "Schemas: the message breaks an XML schema. Only `schema.SchemaValidator` finds this."),
    (Code.UNENCODABLE_TEXT, _ERROR, "XML 1.0 §2.2", FaultCode.SERVER,
     "Values: a character that XML 1.0 cannot carry."),
    (Code.BAD_FRAGMENT, _ERROR, "XML 1.0 §2.1", FaultCode.SERVER,
     "Values: XML content or an attribute name that no message can contain."),
    (Code.SESSION_NOT_GRANTED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.SERVER,
     "Conversations: BeginSession is answered without a session id."),
    (Code.SESSION_ID_CHANGED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session id other than the one that was granted."),
    (Code.UNKNOWN_SESSION, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is used or ended that was not granted."),
    (Code.SESSION_USED_AFTER_END, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is used or ended after its EndSession."),
    (Code.SESSION_NEVER_ENDED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is abandoned: another one begins, or no more messages come."),
    (Code.RESPONSE_WITHOUT_REQUEST, _ERROR, "SOAP 1.1 §6.2", FaultCode.SERVER,
     "Conversations: an answer to a request that nobody made."),
    (Code.REQUEST_WITHOUT_RESPONSE, _WARNING, "SOAP 1.1 §6.2", FaultCode.CLIENT,
     "Conversations: a request without an answer, where the answer is needed first."),
    (Code.UNEXPECTED_SESSION, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.SERVER,
     "Captures: a Session in the answer to a request that named none."),
    (Code.SESSION_LOST, _WARNING, "XMLA Session element, remarks", FaultCode.CLIENT,
     "Captures: the server no longer knows a session that it had granted or accepted."),
    (Code.BROKEN_CAPTURE, _ERROR, "RFC 9112, HAR 1.2", FaultCode.CLIENT,
     "Captures: an entry, or the whole file, cannot be read."),
)
# fmt: on

RULES: Mapping[Code, Rule] = MappingProxyType(
    {
        code: Rule(code, severity, reference, fault_code, meaning, fatal=fatal)
        for code, (severity, fatal), reference, fault_code, meaning in _ROWS
    }
)
"""The rule catalogue, in catalogue order: the one source of severities, references and fault codes."""


@shown_half_made
@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that a rule found in a message or a value.

    A finding about a value has no position: `path`, `line`, `column` and `offset` are None. No session id
    stands in any field.
    """

    code: Code
    """Why; never renamed."""
    severity: Severity
    """Whether the finding refuses the message."""
    message: str
    """One sentence for people; its words may change."""
    path: str | None
    """The place in the document, in the document's own prefixes: `/soap:Envelope/soap:Header/Session[2]`."""
    line: int | None
    """The line, from 1."""
    column: int | None
    """The column, in characters, from 1."""
    offset: int | None
    """The place in the bytes of the caller, from 0."""
    hint: str | None
    """The usual cause, or the way out, if one is known."""
    reference: str
    """The clause that the rule comes from."""

    def __str__(self) -> str:
        where = "" if self.line is None else f"{self.line}:{self.column}: "
        at = "" if self.path is None else f" - at {self.path}"
        return f"{where}{self.severity}[{self.code}]: {self.message}{at}"

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the fields as a dict that `json` can write.

        Returns:
            Field name -> text, number or None.
        """
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
    """Return a finding about a value, which has no position.

    Args:
        code: The code; the catalogue has the rest.
        message: One sentence for people.
        hint: The usual cause, or the way out.

    Returns:
        The finding.

    >>> value_finding(Code.BAD_FRAGMENT, "two elements").severity
    <Severity.ERROR: 'error'>
    """
    rule = RULES[code]
    return Finding(code, rule.severity, message, None, None, None, None, hint, rule.reference)


class XmlaHeadersError(ValueError):
    """A message or value was refused; `finding` says why.

    Args:
        finding: The finding that refuses it.
    """

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
    """The bytes are not a readable document: one of the codes that end a message."""


class ValidationError(XmlaHeadersError):
    """The document is readable, and breaks a rule of SOAP or XMLA."""


class EncodeError(XmlaHeadersError):
    """No message can carry the value, so it cannot be made or written."""


class ConversationError(XmlaHeadersError):
    """The message does not fit the state of the session."""


def error_for(finding: Finding) -> XmlaHeadersError:
    """Return the exception for a finding about bytes that refuses them.

    Args:
        finding: The finding.

    Returns:
        A DecodeError for a code that ends a message, a ValidationError for any other.
    """
    return (DecodeError if RULES[finding.code].fatal else ValidationError)(finding)
