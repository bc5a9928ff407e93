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
    SOAP_FAULT = "soap-fault"
    SESSION_NOT_GRANTED = "session-not-granted"
    SESSION_ID_CHANGED = "session-id-changed"
    UNKNOWN_SESSION = "unknown-session"
    SESSION_USED_AFTER_END = "session-used-after-end"
    SESSION_NEVER_ENDED = "session-never-ended"
    RESPONSE_WITHOUT_REQUEST = "response-without-request"
    REQUEST_WITHOUT_RESPONSE = "request-without-response"
    UNEXPECTED_SESSION = "unexpected-session"
    SESSION_LOST = "session-lost"
    CONTENT_TYPE_MISMATCH = "content-type-mismatch"
    SOAP_ACTION_MISMATCH = "soap-action-mismatch"
    CHARSET_CONFLICT = "charset-conflict"
    SESSION_FIELD_MISMATCH = "session-field-mismatch"
    NOT_AUTHENTICATED = "not-authenticated"
    INCOMPLETE_ANSWER = "incomplete-answer"
    BROKEN_CAPTURE = "broken-capture"
    UNSUPPORTED_FORMAT = "unsupported-format"


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
    advice: str
    """One or two sentences: what to do about such a finding."""
    fatal: bool = field(default=False, kw_only=True)
    """Whether a finding makes the document unreadable, so that it ends the message."""


_FATAL, _ERROR, _WARNING = (Severity.ERROR, True), (Severity.ERROR, False), (Severity.WARNING, False)

# One row a code, in catalogue order.
# fmt: off
_ROWS = (
    (Code.NOT_XML, _FATAL, "XML 1.0 §2.1", FaultCode.CLIENT,
     "Empty, binary, compressed, UTF-32, or anything whose first bytes cannot start a document.",
     ("Check that the bytes are the message alone: remove the HTTP head, and unpack gzip. Switch binary "
      "formats off with the connection properties Protocol Format=XML and Transport Compression=None.")),
    (Code.NOT_WELL_FORMED, _FATAL, "XML 1.0 §2.1", FaultCode.CLIENT,
     "Not well-formed by XML 1.0, or (in the Body with `deep` only) by Namespaces in XML.",
     ("Write messages with an XML library instead of joining strings. If the message is cut off, compare "
      "it with its Content-Length.")),
    (Code.ENCODING_ERROR, _FATAL, "XML 1.0 §4.3.3", FaultCode.CLIENT,
     "An unsupported encoding, bytes that do not decode, or labels that contradict each other.",
     ("Send UTF-8, and let Content-Type and XML declaration say so or say nothing. Mondrian can label a "
      'fault in ISO-8859-1 as UTF-8: read such an answer once more with `encoding="iso-8859-1"`.')),
    (Code.DTD_FORBIDDEN, _FATAL, "SOAP 1.1 §3", FaultCode.CLIENT,
     "A DOCTYPE, whatever its content.",
     "Remove the DOCTYPE, and write the characters that its entities stand for."),
    (Code.PROCESSING_INSTRUCTION, _FATAL, "SOAP 1.1 §3", FaultCode.CLIENT,
     "A processing instruction, anywhere.",
     "Remove the processing instruction, such as `<?xml-stylesheet?>`. The XML declaration may stay."),
    (Code.LIMIT_EXCEEDED, _FATAL, "Limits", FaultCode.CLIENT,
     "One of the `Limits`; the message names which.",
     ("Make the message smaller. If you trust its sender, raise the limit that the message names, in "
      "`Limits` or `CaptureLimits`.")),
    (Code.NOT_AN_ENVELOPE, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "The root element is not an Envelope.",
     ("Check the source of the message: a login page, an error page, or content saved without its Envelope "
      "is not a message.")),
    (Code.WRONG_SOAP_NAMESPACE, _ERROR, "SOAP 1.1 §4.1.2", FaultCode.VERSION_MISMATCH,
     "An Envelope in an unknown namespace or in none.",
     ("Write `http://schemas.xmlsoap.org/soap/envelope/` exactly: with `http`, and with the slash at the "
      "end.")),
    (Code.MISPLACED_HEADER, _ERROR, "SOAP 1.1 §4.2", FaultCode.CLIENT,
     "The Header comes after the Body.",
     "Write the Header before the Body."),
    (Code.DUPLICATE_HEADER, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "A second Header.",
     "Write all header blocks into one Header. A proxy adds its block to the Header that is there."),
    (Code.DUPLICATE_BODY, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "A second Body.",
     "Write one Body. Send each request as a message of its own."),
    (Code.MISSING_BODY, _ERROR, "SOAP 1.1 §4.3", FaultCode.CLIENT,
     "No Body.",
     "Write a Body, even if it is empty: `<soap:Body/>`."),
    (Code.UNEXPECTED_ELEMENT, _ERROR, "SOAP 1.1 §4.3", FaultCode.CLIENT,
     "Another child of Envelope before the Body.",
     ("Move the element into the Header or the Body. If it is meant to be one of them, correct its name or "
      "namespace.")),
    (Code.ELEMENT_AFTER_BODY, _ERROR, "WS-I BP 1.1 R1011", FaultCode.CLIENT,
     "Another child of Envelope after the Body.",
     "Move the element into the Header or the Body: some readers see it where it is, and some do not."),
    (Code.UNEXPECTED_TEXT, _ERROR, "SOAP 1.1 §4", FaultCode.CLIENT,
     "Text other than white space directly in Envelope or Header.",
     "Remove the text. It is often left over from a template."),
    (Code.DUPLICATE_HEADER_BLOCK, _ERROR, "XMLA Session element, cardinality 0-1", FaultCode.CLIENT,
     "A second session header of the same name; reported at the second.",
     ("Send each session header once. `with_blocks` replaces the block that is there instead of adding "
      "another.")),
    (Code.MISSING_ATTRIBUTE, _ERROR, "XMLA Session element, attributes", FaultCode.CLIENT,
     "A session header without a required attribute.",
     ("Write the attribute that the finding names, in the same letter case and without a prefix: "
      "`SessionId`, not `SessionID`.")),
    (Code.UNEXPECTED_CONTENT, _ERROR, "XMLA Session element, child elements: none", FaultCode.CLIENT,
     "A header block with child elements or text that its schema does not allow, or without required ones.",
     ("Write a session header as an empty element: the session id belongs in its attribute SessionId. Write "
      "any other block as its schema declares it.")),
    (Code.INVALID_VALUE, _ERROR, "XML Schema Part 2 §2.3", FaultCode.CLIENT,
     "An attribute, text or child element whose value is outside the type that its schema declares.",
     "Send a value that the message of the finding names, or correct the type in the schema."),
    (Code.INVALID_MUST_UNDERSTAND, _ERROR, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "A mustUnderstand that is neither 0 nor 1 (SOAP 1.2: nor true or false).",
     'Write `soap:mustUnderstand="1"` or `"0"`, or omit the attribute.'),
    (Code.CONFLICTING_MUST_UNDERSTAND, _ERROR, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "Two mustUnderstand attributes on one header block that contradict each other.",
     ("Give both attributes the same value, or send one of them. SOAP 1.1 knows the one in its namespace "
      "only.")),
    (Code.WRONG_DIRECTION, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "A session header in the wrong direction: BeginSession or EndSession in a response.",
     ("Send BeginSession and EndSession in requests only; a server grants a session with the block "
      "Session. If the message is a request, correct the direction that was given with it.")),
    (Code.UNQUALIFIED_MUST_UNDERSTAND, _WARNING, "SOAP 1.1 §4.2.3", FaultCode.CLIENT,
     "A session header with a mustUnderstand in no namespace, which SOAP 1.1 does not define.",
     ("Write `soap:mustUnderstand`, which Analysis Services accepts. Keep the attribute without a prefix "
      "only for servers that read no other form, such as Mondrian.")),
    (Code.UNQUALIFIED_HEADER_BLOCK, _WARNING, "SOAP 1.1 §4.2", FaultCode.CLIENT,
     "A header block in no namespace.",
     ("Give the block a namespace. A server should accept BeginGetSessionToken without one: Excel sends it "
      "so.")),
    (Code.UNQUALIFIED_ENVELOPE_ATTRIBUTE, _WARNING, "SOAP 1.1 §4", FaultCode.CLIENT,
     "An attribute of Envelope in no namespace.",
     "Remove the attribute, or give it a prefix that is bound to a namespace."),
    (Code.LOOKALIKE_HEADER_BLOCK, _WARNING, "Namespaces in XML 1.0 §6", FaultCode.CLIENT,
     "A header block with the name of a session header, but in another namespace or letter case.",
     ("Write the name of the block exactly, in the namespace `urn:schemas-microsoft-com:xml-analysis`. "
      "Until then it is an unknown block, and the message has no session header.")),
    (Code.UNEXPECTED_ATTRIBUTE, _WARNING, "XMLA Session element, attributes", FaultCode.CLIENT,
     "A session header with an attribute that the schema does not declare, or an xsi one.",
     ("Remove the attribute, or correct its name. If your server defines it, declare it in a schema of "
      "your own (`xmla-headers generate`).")),
    (Code.EMPTY_SESSION_ID, _WARNING, "XMLA Session element, SessionId", FaultCode.CLIENT,
     "A session id without a character.",
     "Send the id that the server granted. Without a session, omit the Session block."),
    (Code.PADDED_SESSION_ID, _WARNING, "XML 1.0 §3.3.3", FaultCode.CLIENT,
     "A session id with white space at its start or end, which some peers remove.",
     ("Send the id exactly as it was granted. Look for white space in the code or template that inserts "
      "it.")),
    (Code.AMBIGUOUS_SESSION_HEADERS, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "More than one of the three session headers: servers disagree on which one wins.",
     "Send one session header in each message: BeginSession first, then Session, and EndSession last."),
    (Code.SOAP_1_2, _WARNING, "SOAP 1.2 Part 1 §5.1", FaultCode.VERSION_MISMATCH,
     "A SOAP 1.2 envelope, which no XMLA server is known to accept.",
     "Configure the peer for SOAP 1.1: the Content-Type text/xml, and a SOAPAction."),
    (Code.FAULT_WITHOUT_CODE, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a Fault without a faultcode.",
     "Write a faultcode into each Fault, as `fault_for` does. Clients decide by it."),
    (Code.DUPLICATE_FAULT, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a second Fault in the Body.",
     "Answer with one Fault. Further reasons belong in its detail."),
    (Code.FAULT_BESIDE_CONTENT, _WARNING, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "With `deep`: a Fault and another element in one Body.",
     "Answer with the Fault alone: a client that reads the first element only may not see it."),
    (Code.SCHEMA_VIOLATION, _ERROR, "XML Schema Part 1 §5.2", FaultCode.CLIENT,
     "Schemas: the message breaks an XML schema. Only `schema.SchemaValidator` finds this.",
     ("Correct the message at the place of the finding. If the peer sends this on purpose, extend the "
      "schema.")),
    (Code.UNENCODABLE_TEXT, _ERROR, "XML 1.0 §2.2", FaultCode.SERVER,
     "Values: a character that XML 1.0 cannot carry.",
     "Remove the character. Send binary data as base64."),
    (Code.BAD_FRAGMENT, _ERROR, "XML 1.0 §2.1", FaultCode.SERVER,
     "Values: XML content or an attribute name that no message can contain.",
     "Pass well-formed XML in which every prefix is declared, and escape plain text first."),
    (Code.SOAP_FAULT, _ERROR, "SOAP 1.1 §4.4", FaultCode.SERVER,
     "Values: the answer is a fault. Only `Envelope.raise_for_fault` raises this.",
     ("Read the fault of the `FaultError`: its code and entries name the cause. If it says that the session "
      "is lost, begin another one.")),
    (Code.SESSION_NOT_GRANTED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.SERVER,
     "Conversations: BeginSession is answered without a session id.",
     ("Look for a fault in the answer. If there is none, go on without a session; Mondrian, for example, "
      'grants one only for an unqualified `mustUnderstand="1"`.')),
    (Code.SESSION_ID_CHANGED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session id other than the one that was granted.",
     "Send the granted id back unchanged: letter case, braces and white space count."),
    (Code.UNKNOWN_SESSION, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is used or ended that was not granted.",
     ("Begin a session first, and send its requests to the server that granted it. A server answers with "
      "the fault of `session_not_found`.")),
    (Code.SESSION_USED_AFTER_END, _ERROR, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is used or ended after its EndSession.",
     "Begin a new session after EndSession. Look for two users of one session, such as threads or a pool."),
    (Code.SESSION_NEVER_ENDED, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Conversations: a session is abandoned: another one begins, or no more messages come.",
     ("Send EndSession when the work is done: an open session uses the server's memory until it expires. "
      "In a capture that was stopped early, ignore this.")),
    (Code.RESPONSE_WITHOUT_REQUEST, _ERROR, "SOAP 1.1 §6.2", FaultCode.SERVER,
     "Conversations: an answer to a request that nobody made.",
     ("Report each request before its answer. In a capture, check that it begins early enough, and that "
      "requests and answers are paired correctly.")),
    (Code.REQUEST_WITHOUT_RESPONSE, _WARNING, "SOAP 1.1 §6.2", FaultCode.CLIENT,
     "Conversations: a request without an answer, where the answer is needed first.",
     ("Wait for the answer before the next request of the session. In a capture, check that answers were "
      "recorded.")),
    (Code.UNEXPECTED_SESSION, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.SERVER,
     "Captures: a Session in the answer to a request that named none.",
     ("Check that the capture pairs the right messages, and that no proxy removes header blocks of "
      "requests.")),
    (Code.SESSION_LOST, _WARNING, "XMLA Session element, remarks", FaultCode.CLIENT,
     "Captures: the server no longer knows a session that it had granted or accepted.",
     ("Begin a new session, and repeat the request. Then look for the cause: a time limit for idle "
      "sessions, a restart, or a load balancer that sends requests to another server.")),
    (Code.CONTENT_TYPE_MISMATCH, _WARNING, "SOAP 1.1 §6", FaultCode.CLIENT,
     "Captures: the Content-Type of HTTP does not fit the message.",
     ("Send SOAP 1.1 as `text/xml`, and `application/soap+xml` with SOAP 1.2 only: servers answer another "
      "type with 415 or a page. A multipart body needs its boundary and its root part.")),
    (Code.SOAP_ACTION_MISMATCH, _WARNING, "SOAP 1.1 §6.1.1", FaultCode.CLIENT,
     "Captures: SOAPAction names another method than the first element of the Body.",
     ("Set SOAPAction for each request, as `http.request_headers` does. Some servers and proxies go by it, "
      "others by the Body.")),
    (Code.CHARSET_CONFLICT, _WARNING, "RFC 7303 §3", FaultCode.CLIENT,
     "Captures: Content-Type and XML declaration give different encodings.",
     ("Write the encoding that the bytes have into both, or leave out one of them. Content-Type counts, but "
      "many readers go by the declaration.")),
    (Code.SESSION_FIELD_MISMATCH, _WARNING, "MS-SSAS §3.1.3.1", FaultCode.CLIENT,
     "Captures: a header field of HTTP gives another session id than the session header.",
     ("Send one session id in X-AS-SessionID or x-ms-xmlasession-id and in the Session header. Look for a "
      "client, or a pool, that mixes two sessions.")),
    (Code.NOT_AUTHENTICATED, _WARNING, "RFC 9110 §15.5.2", FaultCode.CLIENT,
     "Captures: every try ended in a demand for credentials: 401, 407, or a login page.",
     ("Send credentials in a scheme that the server names in WWW-Authenticate. Look for a proxy that removes "
      "them, or for a login that only a browser can fill in.")),
    (Code.INCOMPLETE_ANSWER, _WARNING, "Power BI XMLA endpoint", FaultCode.SERVER,
     "Captures: an answer announces a continuation (0x01), and none came.",
     ("Record the whole exchange. If the capture is complete, the server or the connection broke the answer "
      "off: treat its data as incomplete.")),
    (Code.BROKEN_CAPTURE, _ERROR, "RFC 9112, HAR 1.2", FaultCode.CLIENT,
     "Captures: an entry, or the whole file, cannot be read.",
     ("Record or export this part again, in a format that the message suggests. Everything else was "
      "checked.")),
    (Code.UNSUPPORTED_FORMAT, _WARNING, "docs/guides/captures.md", FaultCode.CLIENT,
     "Captures: a format that is recognised but not read, or a connection in TLS.",
     ("Convert the file as the hint says, and read the result. The command counts a file of which nothing "
      "can be read as unreadable.")),
)
# fmt: on

RULES: Mapping[Code, Rule] = MappingProxyType(
    {
        code: Rule(code, severity, reference, fault_code, meaning, advice, fatal=fatal)
        for code, (severity, fatal), reference, fault_code, meaning, advice in _ROWS
    }
)
"""The rule catalogue, in catalogue order: the one source of severities, references, fault codes and
advice."""


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

        >>> value_finding(Code.BAD_FRAGMENT, "two elements").to_dict()["code"]
        'bad-fragment'
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

    >>> finding = next(iter_findings(b"no XML"))
    >>> type(error_for(finding)).__name__
    'DecodeError'
    """
    return (DecodeError if RULES[finding.code].fatal else ValidationError)(finding)
