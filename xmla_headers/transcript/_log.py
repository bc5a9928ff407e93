"""Knows the failures and faults of a capture that are told beside its sessions, each kind once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from xmla_headers._printable import printable
from xmla_headers.captures import CheckedMessage
from xmla_headers.captures._transport import WITHOUT_BODY
from xmla_headers.fault import Fault, FaultEntry
from xmla_headers.fault._masking import mask_code, mask_in
from xmla_headers.model import mask

from ._diagnosis import FaultCount
from ._history import Denial, Failure, FailureKind, Moment, aware

__all__ = ["Log", "Retries", "failure_kind", "fault_words", "page_words", "words_of"]

# Kinds of failures, faults and clients that are told apart, and moments that are kept. A capture that has
# more is an attack, and its diagnosis is only less exact.
_MOST = 1_000

# A client sends a request again with credentials at once; a person types a password.
_RETRY = timedelta(minutes=5)

# The part of a server's words that rules are applied to, in characters.
_MOST_TEXT = 2_000


class Log:
    """The failures that no session explains, and the faults."""

    def __init__(self) -> None:
        self.faults: dict[tuple[bool, str], FaultCount] = {}
        self.failures: dict[tuple[FailureKind, str], Failure] = {}
        # The demands for credentials that no success followed, by the client.
        self.logins: dict[str | None, Failure] = {}
        self.cancels: list[Moment] = []
        self.outages: list[Moment] = []
        self.lost_alone: list[Denial] = []
        # Whether any answer was SOAP.
        self.speaks = False

    def fault(self, checked: CheckedMessage, session_id: str | None) -> None:
        """Count the fault or the inline Errors of an answer."""
        time = aware(checked.message.time)
        if checked.fault is not None:
            code, words = fault_words(checked.fault, session_id)
            self._count(code, words, time, is_inline=False)
        for entry in checked.errors:
            self._count(
                _shown(str(entry.code), session_id),
                _masked(entry.description, session_id),
                time,
                is_inline=True,
            )

    def _count(self, code: str, words: str, time: datetime | None, *, is_inline: bool) -> None:
        known = self.faults.get((is_inline, code))
        if known is not None:
            known.again(time)
        elif len(self.faults) < _MOST:
            self.faults[is_inline, code] = FaultCount(code, words, is_inline, 1, time, time)

    def failure(self, kind: FailureKind, words: str, moment: Moment, session: int | None) -> None:
        """Count a failure."""
        known = self.failures.get((kind, words))
        if known is not None:
            known.again(moment, session)
        elif len(self.failures) < _MOST:
            self.failures[kind, words] = failure = Failure(kind, words, moment, moment)
            failure.met_by(session)

    def login(self, client: str | None, kind: FailureKind, words: str, moment: Moment) -> None:
        """Count a demand for credentials, or a redirect, that a request outside any session met."""
        known = self.logins.get(client)
        if known is not None:
            known.again(moment, None)
        elif len(self.logins) < _MOST:
            self.logins[client] = Failure(kind, words, moment, moment)

    def success(self, client: str | None) -> None:
        """Note that a request of a client was answered: its tries to log in have succeeded."""
        self.speaks = True
        self.logins.pop(client, None)

    def keep(self, moments: list[Moment], moment: Moment) -> None:
        """Keep a moment, unless there are too many."""
        if len(moments) < _MOST:
            moments.append(moment)

    def lost(self, denial: Denial) -> None:
        """Keep a denial that belongs to no session."""
        if len(self.lost_alone) < _MOST:
            self.lost_alone.append(denial)


class Retries:
    """The sessions whose BeginSession met a demand for credentials, until it is sent again."""

    def __init__(self) -> None:
        self._waiting: dict[str | None, deque[tuple[Moment, int]]] = {}

    def add(self, client: str | None, moment: Moment, number: int) -> None:
        """Note that the BeginSession of a session was refused."""
        if len(self._waiting) < _MOST or client in self._waiting:
            self._waiting.setdefault(client, deque()).append((moment, number))

    def take(self, client: str | None, time: datetime | None) -> int | None:
        """Return the number of the session whose BeginSession is sent again; None for a new session."""
        waiting = self._waiting.get(client)
        while waiting:
            moment, number = waiting.popleft()
            if moment.time is None or time is None or time - moment.time <= _RETRY:
                return number
        self._waiting.pop(client, None)
        return None


def failure_kind(checked: CheckedMessage) -> FailureKind | None:
    """Return how a response without a usable message fails; None if it may have been one."""
    message, transport = checked.message, checked.transport
    if message.trouble is not None or message.omitted:
        return None
    if transport.is_login:
        return FailureKind.LOGIN
    if not checked.size:
        return None if message.status in WITHOUT_BODY else FailureKind.EMPTY
    return None if transport.page is None else FailureKind.PAGE


def page_words(checked: CheckedMessage) -> str:
    """Return the status and the title of a page."""
    status, page = checked.message.status, checked.transport.page
    parts = ["" if status is None else f"HTTP {status}", page or ""]
    return ": ".join(filter(None, parts)) or "no Envelope"


def fault_words(fault: Fault, session_id: str | None) -> tuple[str, str]:
    """Return the code and the words of a fault, with everything masked that may be a session id."""
    code = fault.subcodes[-1] if fault.subcodes else fault.code
    text = next((text for text in _texts(fault, ()) if text.strip()), "")
    return _shown(code, session_id), _masked(text, session_id)


def words_of(checked: CheckedMessage, session_id: str | None) -> tuple[str, str]:
    """Return the code and words of an answer that denies a session, masked; and its words for the rules."""
    texts = "\n".join(_texts(checked.fault, checked.errors))[:_MOST_TEXT]
    if checked.fault is not None:
        said = ": ".join(filter(None, fault_words(checked.fault, session_id)))
    else:
        lost = next((entry for entry in checked.errors if entry.session_lost), None)
        parts = (
            ()
            if lost is None
            else (_shown(str(lost.code), session_id), _masked(lost.description, session_id))
        )
        said = ": ".join(filter(None, parts))
    return said, texts.lower()


def _texts(fault: Fault | None, errors: tuple[FaultEntry, ...]) -> Iterator[str]:
    if fault is not None:
        yield fault.string
        yield from (text for _, text in fault.reasons[1:])
        errors = fault.entries + errors
    yield from (entry.description for entry in errors)


def _masked(text: str, session_id: str | None) -> str:
    masked = mask_in(text)
    # An id may be a plain word.
    if session_id and session_id in text and session_id[:8] in masked:
        masked = mask_in(text.replace(session_id, "\u2026"))
    return printable(masked)


def _shown(code: str, session_id: str | None) -> str:
    if session_id and session_id in code:
        return mask(code)
    return printable(mask_code(code))
