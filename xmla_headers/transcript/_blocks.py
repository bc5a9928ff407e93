"""Knows the direction of a message, and the session header of a request."""

from __future__ import annotations

from xmla_headers.captures import CheckedMessage
from xmla_headers.envelope import Header
from xmla_headers.findings import ValidationError
from xmla_headers.session_headers import EndSession, Session
from xmla_headers.soap import Direction

from ._records import SessionRecord
from ._spellings import difference

__all__ = ["asked", "direction_of", "spelling_of", "with_id"]

# First elements of a Body that mean a response, by the WSDL of XMLA. They count where neither the capture nor
# the header shows the direction.
_ANSWERS = frozenset({"Fault", "DiscoverResponse", "ExecuteResponse", "AuthenticateResponse"})


def asked(checked: CheckedMessage) -> Header | None:
    """Return a Header with the session header of a request alone; None if it is refused or ambiguous."""
    if checked.header is None:
        return None
    try:
        block = checked.header.session_header
    except ValidationError:
        # ambiguous-session-headers: servers disagree about which one counts.
        return None
    return Header() if block is None else Header(block)


def direction_of(checked: CheckedMessage) -> Direction | None:
    """Return the direction of a message: from the capture, otherwise from its header and Body."""
    message, header = checked.message, checked.header
    if message.direction is None and message.continuation is not None:
        return Direction.RESPONSE
    if message.direction is not None or header is None:
        return message.direction
    if checked.method in _ANSWERS:
        return Direction.RESPONSE
    for block in header:
        spec = getattr(block, "spec", None)
        if spec is not None and Direction.RESPONSE not in spec.directions:
            return Direction.REQUEST
    return None if checked.method is None else Direction.REQUEST


def spelling_of(block: object, record: SessionRecord) -> str:
    """Return how the id in a request differs from that of its session; "" if it does not."""
    session_id = getattr(block, "session_id", None)
    if session_id is None or record.session_id is None or session_id == record.session_id:
        return ""
    return difference(session_id, record.session_id)


def with_id(block: object, session_id: str) -> EndSession | Session:
    return EndSession(session_id) if isinstance(block, EndSession) else Session(session_id)
