"""Knows which sessions a request asks the server to cancel (MS-SSAS, Cancel command)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xmla_headers.findings import XmlaHeadersError

if TYPE_CHECKING:
    from xmla_headers.fragment import Fragment

__all__ = ["cancelled_by"]

_CANCEL = re.compile(rb"<(?:[\w.-]{1,100}:)?Cancel[\s/>]")
# The command stands first in the Body, and it is small.
_MOST_BEFORE, _MOST_BODY = 4_096, 65_536
_SESSION = "SessionID"
# A Cancel without any of them cancels the command of its own session.
_OTHERS = frozenset({"ConnectionID", "SPID"})


def cancelled_by(body: Fragment) -> tuple[str, ...]:
    """Return the ids of the sessions that the Cancel commands in a Body name.

    Args:
        body: The content of the Body of a request.

    Returns:
        An id for each command, which is a secret; "" for one that names its session by an SPID or a
        connection. A Cancel that names nothing cancels the command of its own session, and does not count.
    """
    if len(body) > _MOST_BODY:
        return ()
    start = bytes(body.view[:_MOST_BEFORE])
    # Few commands have the word, and it is found faster than the tag.
    if b"Cancel" not in start or _CANCEL.search(start) is None:
        return ()
    try:
        elements = body.elements()
    except XmlaHeadersError:
        # decode accepts more in a Body than a tree can hold.
        return ()
    found = []
    for element in elements:
        for command in element.iter():
            if _local(command.tag) == "Cancel":
                parts = {_local(part.tag): (part.text or "").strip() for part in command}
                if parts.get(_SESSION) or not _OTHERS.isdisjoint(parts):
                    found.append(parts.get(_SESSION, ""))
    return tuple(found)


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
