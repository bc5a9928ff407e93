"""A SOAP message codec for the session headers of XML for Analysis.

import xmla_headers

envelope = xmla_headers.decode(request)  # bytes in, an immutable value out
match envelope.header.session_header:
    case xmla_headers.Session(session_id):
        run(session_id, envelope.body)
"""

from .codec import (
    decode,
    decode_header,
    encode,
    encode_block,
    iter_findings,
    validate,
    with_blocks,
    without_blocks,
)
from .conversation import TRANSITIONS, Conversation, Event, State
from .envelope import Envelope, Header
from .fault import Fault, FaultEntry, FaultShape, fault_for, session_not_found
from .findings import (
    RULES,
    Code,
    ConversationError,
    DecodeError,
    EncodeError,
    FaultCode,
    Finding,
    Rule,
    Severity,
    ValidationError,
    XmlaHeadersError,
)
from .fragment import Fragment
from .head_cache import HeadCache
from .microsoft_headers import MICROSOFT_BLOCKS
from .model import AttributeSpec, BlockSpec, ChildSpec, HeaderBlock
from .session_headers import SESSION_BLOCKS, BeginSession, EndSession, Session
from .simple_types import SimpleType
from .soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, Direction, Limits, MustUnderstandForm, SoapVersion
from .stream import HeaderReader
from .unknown_block import UnknownHeaderBlock

__all__ = [
    "MICROSOFT_BLOCKS",
    "RULES",
    "SESSION_BLOCKS",
    "SOAP_11_NS",
    "SOAP_12_NS",
    "TRANSITIONS",
    "XMLA_NS",
    "AttributeSpec",
    "BeginSession",
    "BlockSpec",
    "ChildSpec",
    "Code",
    "Conversation",
    "ConversationError",
    "DecodeError",
    "Direction",
    "EncodeError",
    "EndSession",
    "Envelope",
    "Event",
    "Fault",
    "FaultCode",
    "FaultEntry",
    "FaultShape",
    "Finding",
    "Fragment",
    "HeadCache",
    "Header",
    "HeaderBlock",
    "HeaderReader",
    "Limits",
    "MustUnderstandForm",
    "Rule",
    "Session",
    "Severity",
    "SimpleType",
    "SoapVersion",
    "State",
    "UnknownHeaderBlock",
    "ValidationError",
    "XmlaHeadersError",
    "decode",
    "decode_header",
    "encode",
    "encode_block",
    "fault_for",
    "iter_findings",
    "session_not_found",
    "validate",
    "with_blocks",
    "without_blocks",
]
