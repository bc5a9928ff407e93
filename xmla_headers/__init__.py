"""A SOAP message codec for the session headers of XML for Analysis.

import xmla_headers

envelope = xmla_headers.decode(request)  # bytes in, an immutable value out
match envelope.header.session_header:
    case xmla_headers.Session(session_id):
        run(session_id, envelope.body)
"""

from typing import TYPE_CHECKING

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
from .envelope import Envelope, Header
from .fault import (
    EntryKind,
    Fault,
    FaultEntry,
    FaultError,
    FaultShape,
    fault_blocks,
    fault_for,
    session_not_found,
)
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
from .model import AttributeSpec, BlockSpec, ChildSpec, HeaderBlock
from .session_headers import SESSION_BLOCKS, BeginSession, EndSession, Session
from .simple_types import SimpleType
from .soap import SOAP_11_NS, SOAP_12_NS, XMLA_NS, Direction, Limits, MustUnderstandForm, SoapVersion
from .unknown_block import UnknownHeaderBlock

if TYPE_CHECKING:
    from . import captures as captures
    from . import conversation as conversation
    from . import elements as elements
    from . import fuzzing as fuzzing
    from . import http as http
    from . import microsoft_headers as microsoft_headers
    from . import schema as schema
    from . import strategies as strategies
    from . import stream as stream
    from . import timeline as timeline
    from . import transcript as transcript
    from .conversation import TRANSITIONS as TRANSITIONS
    from .conversation import Conversation as Conversation
    from .conversation import Event as Event
    from .conversation import State as State
    from .microsoft_headers import MICROSOFT_BLOCKS as MICROSOFT_BLOCKS
    from .stream import HeaderReader as HeaderReader

__version__ = "0.2.0"
"""The version of the package, as in its metadata."""

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
    "EntryKind",
    "Envelope",
    "Event",
    "Fault",
    "FaultCode",
    "FaultEntry",
    "FaultError",
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
    "fault_blocks",
    "fault_for",
    "iter_findings",
    "session_not_found",
    "validate",
    "with_blocks",
    "without_blocks",
]

if not TYPE_CHECKING:
    # Imported when they are asked for first: decode does not need them.
    _MODULES = frozenset(
        {
            *("captures", "conversation", "elements", "fuzzing", "http", "microsoft_headers"),
            *("schema", "strategies", "stream", "timeline", "transcript"),
        }
    )
    # Name -> the module that has it.
    _NAMES = {
        "MICROSOFT_BLOCKS": "microsoft_headers",
        **dict.fromkeys(("TRANSITIONS", "Conversation", "Event", "State"), "conversation"),
        "HeaderReader": "stream",
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module  # noqa: PLC0415 - an import that decode does not need

        if name in _NAMES:
            value = globals()[name] = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
            return value
        if name in _MODULES:
            try:
                return import_module(f"{__name__}.{name}")
            except ImportError as error:
                # An extra is not installed. help() and inspect accept an AttributeError alone.
                msg = f"{__name__}.{name} cannot be imported: {error}"
                raise AttributeError(msg) from error
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *_NAMES})
