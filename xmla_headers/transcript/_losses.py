"""Knows how a server tells that a session is lost, and the findings about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from xmla_headers.captures import CheckedMessage
from xmla_headers.conversation import State
from xmla_headers.fault import FaultEntry
from xmla_headers.findings import Code, Finding, value_finding

from ._causes import spoken
from ._history import Denial, Failure
from ._known_ids import KnownIds
from ._log import words_of
from ._records import SessionRecord

__all__ = ["denied_session", "loss_finding", "may_deny", "not_authenticated", "says_lost"]

# A shorter idle time explains no loss.
_NOTABLE = timedelta(seconds=2)

# The sentence of Analysis Services about a lost session, with the id.
_QUOTED_ID = re.compile(r"'([^']{1,1000})' session", re.IGNORECASE)

# Characters of a text, and the latest sessions, that are searched for the session of an answer alone.
_MOST_TEXT, _MOST_SESSIONS = 2_000, 1_000

# Words of a server that may deny a session under any code, in lower case. They count only if the server does
# not accept the session afterwards.
_DENIES = re.compile(
    r"\b(?:session|sitzung|sesi[oó]n|sess[aã]o|sessione)\b.{0,120}?"
    r"\b(?:not found|unknown|invalid|expired|not exist|no longer|terminated|killed|closed|timed out"
    r"|cancell?ed|not be found|abgelaufen|nicht gefunden|ung[uü]ltig|beendet|expir|introuvable|caducad"
    r"|no se encuentra|scadut|non valid|no v[aá]lid)"
    r"|\b(?:invalid|unknown|expired|no such|ung[uü]ltige)\b.{0,40}?\b(?:session|sitzung)",
    re.DOTALL,
)


def says_lost(checked: CheckedMessage) -> bool:
    """Return whether a response says that the server does not know the session."""
    lost = checked.fault is not None and checked.fault.session_lost
    return lost or any(entry.session_lost for entry in checked.errors)


def _descriptions(entries: Iterable[FaultEntry]) -> list[str]:
    return [entry.description for entry in entries if entry.description]


def may_deny(checked: CheckedMessage, *, ended: bool, respelled: bool) -> bool:
    """Return whether a fault under any code may deny the session of its request.

    Args:
        checked: The answer.
        ended: Whether the session had ended.
        respelled: Whether the request writes the id in another way than it was granted.
    """
    if checked.fault is None:
        return False
    if ended or respelled:
        return True
    _, text = words_of(checked, None)
    return _DENIES.search(text) is not None and "already exists" not in text


def denied_session(
    checked: CheckedMessage,
    sessions: Sequence[SessionRecord],
    ids: KnownIds,
    records: Mapping[str, SessionRecord],
) -> SessionRecord | None:
    """Return the session that a response denies: the one that it names, or the only one that there is.

    Args:
        checked: The response.
        sessions: All sessions.
        ids: Their ids.
        records: The latest session of each id.
    """
    texts = [] if checked.fault is None else [checked.fault.string, *_descriptions(checked.fault.entries)]
    texts += _descriptions(checked.errors)
    quoted = [match[1] for text in texts for match in _QUOTED_ID.finditer(text[:_MOST_TEXT])]
    named = [session_id for text in texts for _, session_id in ids.found(text[:_MOST_TEXT])]
    found = [records[each] for each in dict.fromkeys([*named, *quoted]) if each in records]
    if not named and not quoted:
        latest = islice(reversed(sessions), _MOST_SESSIONS)
        found = [record for record in latest if record.session_id and record.state is State.ACTIVE]
    return found[-1] if len(found) == 1 else None


def loss_finding(record: SessionRecord, denial: Denial) -> Finding:
    """Return the finding for a session that the server denies."""
    if denial.spelling:
        text = (
            f"the server does not know the session id, which differs from the granted one: {denial.spelling}"
        )
        return value_finding(Code.SESSION_LOST, text, "send the id back exactly as it was granted")
    if record.begun is None and not record.accepted:
        text = "the server does not know the session, which was not granted in this capture"
        hint = "the id may be from before a restart of the server, or from another server"
        return value_finding(Code.UNKNOWN_SESSION, text, hint)
    text = "the server does not know the session any more"
    if denial.request is not None and denial.idle is not None and denial.idle >= _NOTABLE:
        text = f"{text}, {spoken(denial.idle)} after its last use"
    return value_finding(Code.SESSION_LOST, text, "begin a new session, and repeat the request")


def not_authenticated(failure: Failure) -> tuple[str, Finding]:
    times = "once" if failure.count == 1 else f"{failure.count} times"
    text = f"the server asked for credentials {times}, and no try succeeded"
    return failure.last.name, value_finding(Code.NOT_AUTHENTICATED, text)
