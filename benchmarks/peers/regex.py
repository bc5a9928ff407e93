"""A regular expression, as people write it: the first start tag that looks like a session header.

It checks nothing, and finds the words wherever they stand.
"""

from __future__ import annotations

import re

from . import XMLA, Block, Message

ACCEPTS = frozenset(
    {
        "unbound prefix",
        "DOCTYPE",
        "DOCTYPE with an entity",
        "processing instruction",
        "processing instruction after it",
        "another root",
        "another SOAP namespace",
        "Header after the Body",
        "two Headers",
        "two Bodies",
        "element after the Body",
        "text in Envelope",
        "text in Header",
        "two Sessions",
        "no SessionId",
        "content of Session",
        "text of Session",
        "mustUnderstand of 2",
        "mustUnderstand of true",
        "two that contradict",
    }
)
IGNORES_UNKNOWN_BLOCKS = True
IGNORES_MUST_UNDERSTAND = True

_SESSION = re.compile(rb'<(?:\w+:)?(BeginSession|Session|EndSession)\b(?:[^>]*?\bSessionId="([^"]*)")?')
_BODY = re.compile(rb"<(?:\w+:)?Body>(.*)</(?:\w+:)?Body>", re.DOTALL)


def read(data: bytes) -> Message:
    """Return the session header and the Body."""
    found, body = _SESSION.search(data), _BODY.search(data)
    if body is None:
        raise ValueError("there is no Body")
    if found is None:
        return Message([], body[1])
    session_id = None if found[2] is None else found[2].decode()
    return Message([Block(f"{{{XMLA}}}{found[1].decode()}", session_id)], body[1])


write = "regex: cannot write a message"
