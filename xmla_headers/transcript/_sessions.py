"""Knows the sessions of a capture: one Conversation each, and findings for messages that do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from xmla_headers._checks import wrong_type
from xmla_headers.captures import CheckedMessage
from xmla_headers.captures._transport import TRY_AGAIN
from xmla_headers.conversation import Conversation, State
from xmla_headers.envelope import Header
from xmla_headers.findings import Code, ConversationError, Finding, value_finding
from xmla_headers.session_headers import BeginSession, Session
from xmla_headers.soap import Direction

from ._blocks import asked, direction_of, spelling_of, with_id
from ._causes import Facts, diagnoses
from ._diagnosis import Diagnosis, FaultCount
from ._history import Denial, Failure, FailureKind, Moment, Place, aware
from ._known_ids import KnownIds
from ._log import Log, Retries, failure_kind, fault_words, page_words, words_of
from ._losses import denied_session, loss_finding, may_deny, not_authenticated, says_lost
from ._pending import Loose, Pending
from ._records import Placement, SessionRecord
from ._spellings import canonical

__all__ = ["Transcript"]

# RFC 9110 §15.4.
_REDIRECTS = frozenset(range(300, 400))
_SERVER_ERRORS = frozenset(range(500, 600))

# A shorter idle time explains no loss.
_NOTABLE = timedelta(seconds=2)

# Sessions that a Cancel names before any other message does.
_MOST_UNKNOWN = 1_000


class Transcript:
    """Follows the interleaved sessions of one capture.

    It is given the messages of the capture in their order, as `captures.check_message` returns them, and
    reports those that do not fit: `session-not-granted`, `unexpected-session`, `session-id-changed`,
    `unknown-session`, `session-lost`, `session-used-after-end`, `session-never-ended`,
    `response-without-request`, `request-without-response`, `incomplete-answer`. A capture may begin while
    sessions are under way: an id that nobody granted counts as one from before the capture, until a server
    denies it. Where a message has no session header, the session id in its fields of HTTP counts. A response
    whose request is not in the capture, or lacks its body, still shows a session that it grants or denies.
    An id that differs from a granted one in letter case, braces or white space only belongs to that session
    (`session-id-changed`). A session that is accepted after it was denied goes on. A BeginSession that is
    sent again with credentials belongs to the same try; `not-authenticated` says that none succeeded.

    `diagnosis` says why sessions were lost, and `faults` which faults were met. Both may be asked for at any
    time. The transcript keeps one record for each session and for each open request, and no message.

    >>> from xmla_headers import captures
    >>> transcript = Transcript()
    >>> data = b'''<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>
    ... <Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="9F2C41D0"/>
    ... </e:Header><e:Body><Discover xmlns="urn:schemas-microsoft-com:xml-analysis"/></e:Body></e:Envelope>'''
    >>> for message in captures.iter_messages(data, "request.xml"):
    ...     placement = transcript.add(captures.check_message(message))
    >>> placement.session.label, placement.session.requests
    ("'9F2C'… (8 characters)", 1)
    """

    __slots__ = (
        "_answered",
        "_cancelled",
        "_continued",
        "_ids",
        "_is_timed",
        "_known_ids",
        "_log",
        "_loose",
        "_now",
        "_older",
        "_order",
        "_paired",
        "_pending",
        "_requested",
        "_retries",
        "_spellings",
        "sessions",
    )

    sessions: list[SessionRecord]
    """All sessions, in the order of their first messages."""

    def __init__(self) -> None:
        self.sessions = []
        # The latest session with each id: a server may grant the same id again.
        self._ids: dict[str, SessionRecord] = {}
        self._spellings: dict[str, SessionRecord] = {}
        # The open session with the same id as another one, by the number of that one.
        self._older: dict[int, SessionRecord] = {}
        # Cancels of sessions that are not known yet, by the spelling.
        self._cancelled: dict[str, tuple[Moment, int | None]] = {}
        self._known_ids, self._log, self._retries = KnownIds(), Log(), Retries()
        self._order, self._is_timed = 0, True
        # The message that is being added.
        self._now = Moment("", None, 0)
        # Open requests, by their exchange.
        self._pending: dict[str, Pending] = {}
        # The requests that no exchange pairs with their responses.
        self._loose: Loose = Loose()
        self._requested = self._answered = False
        # Whether the capture pairs requests with responses.
        self._paired = False
        # The last response that announces a continuation, by the number of its session.
        self._continued: dict[int | None, tuple[str, SessionRecord | None]] = {}

    @property
    def one_side(self) -> Direction | None:
        """The direction of all messages so far, if the capture should have both; otherwise None.

        Captures of HTTP have both directions; a folder of messages need not.

        >>> Transcript().one_side is None
        True
        """
        if not self._paired or self._requested == self._answered:
            return None
        return Direction.REQUEST if self._requested else Direction.RESPONSE

    def add(self, checked: CheckedMessage) -> Placement:
        """Note the next message of the capture.

        Args:
            checked: The message, as `captures.check_message` returns it.

        Returns:
            The session of the message, its direction, and the findings about its place.

        Raises:
            TypeError: `checked` is not a CheckedMessage.

        >>> from xmla_headers import captures
        >>> data = encode(Envelope(Header(Session("8f1c2b3a"))))
        >>> message = captures.CapturedMessage("", data, Direction.REQUEST)
        >>> Transcript().add(captures.check_message(message)).session.requests
        1
        """
        if not isinstance(checked, CheckedMessage):
            raise wrong_type("checked", "CheckedMessage", checked)
        self._paired = self._paired or checked.message.exchange is not None
        self._order += 1
        self._now = Moment(checked.message.name, aware(checked.message.time), self._order)
        match direction_of(checked):
            case Direction.REQUEST:
                placement = self._request(checked)
            case Direction.RESPONSE:
                placement = self._response(checked)
                self._note_continuation(checked, placement.session)
            case _:
                return Placement(None, None)
        record, time = placement.session, self._now.time
        # Some captures have the times of answers only.
        self._is_timed = self._is_timed and (time is not None or placement.direction is Direction.REQUEST)
        if record is not None:
            record.state = record.conversation.state
            record.findings += len(placement.findings)
            if time is not None:
                record.first = time if record.first is None else min(record.first, time)
                record.last = time if record.last is None else max(record.last, time)
                if record.history.login is None:
                    record.history.used = record.last
        return placement

    def close(self) -> list[tuple[str, Finding]]:
        """Return the findings that only the end of the capture shows.

        Returns:
            The name of a message and a finding about it, for each request without an answer and each
            session that is not ended.

        >>> Transcript().close()
        []
        """
        found = []
        # A capture without any response, such as a folder of requests, was not meant to have them.
        if self._answered:
            for waiting in self._pending.values():
                finding = value_finding(
                    Code.REQUEST_WITHOUT_RESPONSE, "the capture has no answer to this request"
                )
                found.append((waiting.name, finding))
                if waiting.session is not None:
                    waiting.session.findings += 1
        for name, record in self._continued.values():
            text = "the answer announces a continuation (0x01), and the capture has none"
            found.append((name, value_finding(Code.INCOMPLETE_ANSWER, text)))
            if record is not None:
                record.findings += 1
        for record in self.sessions:
            if record.begun is not None and record.state in (State.ACTIVE, State.ENDING):
                message = "the session that begins here does not end in this capture"
                found.append((record.begun, value_finding(Code.SESSION_NEVER_ENDED, message)))
                record.findings += 1
            if record.history.login is not None:
                found.append(not_authenticated(record.history.login))
                record.findings += 1
        return found + [not_authenticated(failure) for failure in self._log.logins.values()]

    def diagnosis(self) -> list[Diagnosis]:
        """Return why sessions were lost, refused or never came to be, and the failures outside sessions.

        Returns:
            One Diagnosis for each such session, and for each kind of failure that no session explains; the
            worst first. Nothing for a capture in which everything went well.

        >>> Transcript().diagnosis()
        []
        """
        log = self._log
        open_requests = (waiting.moment for waiting in self._pending.values())
        if self._is_timed:
            open_requests = (moment for moment in open_requests if moment.time is not None)
        facts = Facts(
            self.sessions,
            [*log.failures.values(), *log.logins.values()],
            log.cancels,
            [*log.outages, *open_requests],
            log.lost_alone,
            self._is_timed,
            log.speaks,
        )
        masked = self._known_ids.masked
        return [
            replace(each, sentence=masked(each.sentence), fault=masked(each.fault))
            for each in diagnoses(facts)
        ]

    @property
    def faults(self) -> list[FaultCount]:
        """The faults and the Errors inside success answers, by code, in the order of the first of each.

        >>> Transcript().faults
        []
        """
        masked = self._known_ids.masked
        return [
            replace(fault, code=masked(fault.code), text=masked(fault.text))
            for fault in self._log.faults.values()
        ]

    # -- requests ------------------------------------------------------------------------------------

    def _request(self, checked: CheckedMessage) -> Placement:
        self._requested = True
        message, header, moment = checked.message, asked(checked), self._now
        address, client = checked.transport.address, checked.transport.client
        record, counted, findings, idle, used, spelling = None, False, [], None, None, ""
        if header is not None and not header and checked.session_field is not None:
            header = Header(Session(checked.session_field))
        if header:
            (block,) = header
            record = self._session_of(block, moment, client)
            record.requests += 1
            idle, used = record.history.idle_until(moment.time), record.history.used
            spelling = spelling_of(block, record)
            if spelling:
                header = Header(with_id(block, str(record.session_id)))
                text = f"the session id differs from the granted one: {spelling}"
                findings.append(value_finding(Code.SESSION_ID_CHANGED, text))
            try:
                record.conversation.request(header)
                counted = True
            except ConversationError as error:
                findings.append(error.finding)
        waiting = Pending(
            moment, record, counted, header, idle, used, address, client, spelling, message.omitted
        )
        if record is not None and waiting.ends:
            record.history.ending = moment
        if checked.cancels:
            self._cancels(checked.cancels, waiting)
        if message.exchange is None:
            self._loose.add(waiting)
        else:
            self._pending[message.exchange] = waiting
        return Placement(record, Direction.REQUEST, tuple(findings))

    def _session_of(self, block: object, moment: Moment, client: str | None) -> SessionRecord:
        """Return the session that a request names; make a record if there is none."""
        session_id = getattr(block, "session_id", None)
        if isinstance(block, BeginSession):
            number = self._retries.take(client, moment.time)
            if number is not None:
                return self.sessions[number - 1]
            record = self._new(None)
            record.begun = moment.name
            record.conversation = Conversation(block)
            return record
        known = None if session_id is None else self._known(session_id)
        if known is not None:
            return known
        record = self._new(session_id)
        if session_id:
            record.adopt(session_id)
            self._note_id(record, session_id)
        return record

    def _known(self, session_id: str) -> SessionRecord | None:
        """Return the session with an id, or one whose id differs in its spelling only."""
        record = self._ids.get(session_id)
        if record is None:
            record = self._spellings.get(canonical(session_id))
            if record is not None and record.history.known is None:
                return None
        return record

    def _note_id(self, record: SessionRecord, session_id: str) -> None:
        self._ids[session_id] = record
        self._known_ids.add(session_id)
        spelling = canonical(session_id)
        self._spellings[spelling] = record
        cancelled = self._cancelled.pop(spelling, None)
        if cancelled is not None:
            record.history.cancelled = cancelled

    def _cancels(self, session_ids: Iterable[str], waiting: Pending) -> None:
        """Note the sessions that a request cancels. They are not cancelled if a fault is the answer."""
        by = waiting.moment, None if waiting.session is None else waiting.session.number
        for session_id in session_ids:
            record = self._known(session_id) if session_id else None
            if record is not None:
                record.history.cancel(*by)
                waiting.cancelled += (record,)
            elif session_id and len(self._cancelled) < _MOST_UNKNOWN:
                self._cancelled[canonical(session_id)] = by
            elif not session_id:
                waiting.cancels_another = True

    # -- responses -----------------------------------------------------------------------------------

    def _response(self, checked: CheckedMessage) -> Placement:
        self._answered = True
        message = checked.message
        if message.exchange is None:
            waiting = self._loose.answered(checked)
        else:
            waiting = self._pending.pop(message.exchange, None)
        # A request that cannot be read may have named the session that is denied.
        is_unknown = waiting is not None and (
            waiting.omitted or (waiting.header is None and says_lost(checked))
        )
        if waiting is None or is_unknown:
            record, findings = self._alone(checked)
            # Before the first request of a capture, the request may simply be older than the capture.
            if waiting is None and message.exchange is not None and self._requested:
                text = "the capture has no request that this response could answer"
                findings.insert(0, value_finding(Code.RESPONSE_WITHOUT_REQUEST, text))
            self._note_faults(checked, record, None if waiting is None else waiting.client)
            return Placement(
                record, Direction.RESPONSE, tuple(findings), None if waiting is None else waiting.name
            )
        record = waiting.session
        header = checked.header
        if header is None:
            findings = list(self._unusable(checked, waiting))
        elif record is None:
            findings = list(self._outside(header, waiting))
        else:
            findings = list(self._answer(checked, header, waiting, record))
        if record is not None and checked.header is not None:
            record.responses += 1
        self._note_faults(checked, record, waiting.client)
        if checked.fault is not None:
            for cancelled in waiting.cancelled:
                cancelled.history.uncancel(waiting.moment)
        elif waiting.cancels_another:
            self._log.keep(self._log.cancels, self._now)
        return Placement(record, Direction.RESPONSE, tuple(findings), waiting.name)

    def _note_faults(self, checked: CheckedMessage, record: SessionRecord | None, client: str | None) -> None:
        if checked.header is not None:
            self._log.success(client)
            self._log.fault(checked, None if record is None else record.session_id)

    def _note_continuation(self, checked: CheckedMessage, record: SessionRecord | None) -> None:
        """Note whether a response announces a continuation. The next response of the session continues it."""
        if checked.message.continuation is not None:
            key = None if record is None else record.number
            self._continued.pop(key, None)
            if checked.message.continuation:
                self._continued[key] = checked.message.name, record

    def _alone(self, checked: CheckedMessage) -> tuple[SessionRecord | None, list[Finding]]:
        """Note a response whose request is unknown: it may grant a session, or say that one is lost."""
        moment, place = self._now, Place(None, checked.transport.node)
        if checked.header is None:
            kind = failure_kind(checked)
            if kind is not None:
                self._log.failure(kind, page_words(checked), moment, None)
            return None, []
        if says_lost(checked):
            record = denied_session(checked, self.sessions, self._known_ids, self._ids)
            said, text = words_of(checked, None if record is None else record.session_id)
            idle = None if record is None else record.history.idle_until(moment.time)
            denial = Denial(moment, None, idle, place, said, text)
            if record is None:
                self._log.lost(denial)
                text = "the server does not know a session; the request that names it is not in the capture"
                return None, [value_finding(Code.SESSION_LOST, text)]
            record.history.deny(denial)
            if record.state is State.LOST:
                return record, []
            record.conversation.session_lost()
            record.responses += 1
            record.lost = record.lost or moment.name
            return record, [loss_finding(record, denial)]
        session = checked.header.session
        session_id = checked.session_field if session is None else session.session_id
        if not session_id:
            return None, []
        record = self._ids.get(session_id)
        if record is None or record.state in (State.ENDED, State.LOST):
            record = self._new(session_id)
            record.adopt(session_id)
            self._note_id(record, session_id)
        record.responses += 1
        record.accepted = True
        record.history.accept(moment, None, place, None)
        return record, []

    def _new(self, session_id: str | None) -> SessionRecord:
        """Return a new record."""
        record = SessionRecord(len(self.sessions) + 1, session_id)
        self.sessions.append(record)
        return record

    def _unusable(self, checked: CheckedMessage, waiting: Pending) -> list[Finding]:
        """Note a response that is no answer: an HTTP error page, or a message that the rules refuse."""
        if waiting.counted and waiting.session is not None:
            waiting.session.conversation.unanswered(request=waiting.header)
        self._note_failure(checked, waiting)
        status = checked.message.status
        # A message that the rules refuse has a finding already.
        if checked.findings or status is None or status in TRY_AGAIN:
            return []
        text = f"the request is answered by HTTP {status}, without a SOAP message"
        return [value_finding(Code.REQUEST_WITHOUT_RESPONSE, text)]

    def _note_failure(self, checked: CheckedMessage, waiting: Pending) -> None:
        """Note how a request failed without a SOAP message."""
        kind, record, moment = failure_kind(checked), waiting.session, self._now
        if kind is None:
            if waiting.begins and record is not None and checked.findings:
                words = str(checked.findings[0].code)
                record.history.begun = Failure(FailureKind.REFUSED, words, moment, moment)
            return
        words, status = page_words(checked), checked.message.status
        if status in _SERVER_ERRORS or kind is FailureKind.EMPTY:
            self._log.keep(self._log.outages, moment)
        # A client follows a redirect as it sends credentials: by another request.
        again = kind is FailureKind.LOGIN or status in _REDIRECTS
        if record is None:
            if again:
                self._log.login(waiting.client, kind, words, moment)
            else:
                self._log.failure(kind, words, moment, None)
        elif again:
            record.history.refuse(kind, words, moment)
            record.history.used = waiting.used
            if waiting.begins:
                self._retries.add(waiting.client, moment, record.number)
        elif waiting.begins:
            record.history.begun = Failure(kind, words, moment, moment)
        else:
            self._log.failure(kind, words, moment, record.number)

    def _outside(self, header: Header, waiting: Pending) -> list[Finding]:
        """Note a response to a request that belongs to no session."""
        if waiting.header is None or header.session is None:
            return []
        # olapy always answers like this.
        text = "a Session in the answer to a request without a session header"
        return [value_finding(Code.UNEXPECTED_SESSION, text)]

    def _answer(
        self, checked: CheckedMessage, header: Header, waiting: Pending, record: SessionRecord
    ) -> list[Finding]:
        """Note a response to a request that belongs to a session."""
        fault, conversation = checked.fault, record.conversation
        lost = says_lost(checked)
        if checked.session_field is not None and header.session is None and fault is None and not lost:
            header = Header(Session(checked.session_field))
        before = conversation.state
        findings: list[Finding] = []
        respelled = waiting.spelling and waiting.spelling not in record.history.spellings
        if waiting.counted and lost and respelled:
            # The server denies the id as it was written; it may know the session.
            conversation.unanswered(request=waiting.header)
        elif waiting.counted:
            try:
                findings += conversation.response(
                    header, fault, errors=checked.errors, request=waiting.header
                )
            except ConversationError as error:
                findings.append(error.finding)
                # The request is closed in any case.
                conversation.unanswered(request=waiting.header)
        after = conversation.state
        if waiting.begins:
            self._begun(checked, waiting, record, before)
        elif lost or may_deny(checked, ended=before is State.ENDED, respelled=bool(waiting.spelling)):
            denial = self._denial(checked, waiting, record)
            record.history.deny(denial, is_sure=lost)
            is_news = after is State.LOST and before is not State.LOST
            if is_news or (lost and respelled and record.lost is None):
                record.lost = record.lost or checked.message.name
                findings.append(loss_finding(record, denial))
        else:
            self._accepted(checked, waiting, record)
        record.accepted = record.accepted or (not lost and fault is None and not findings)
        return findings

    def _begun(self, checked: CheckedMessage, waiting: Pending, record: SessionRecord, before: State) -> None:
        """Note the answer to a BeginSession."""
        history, moment, conversation = record.history, self._now, record.conversation
        session_id = conversation.session_id
        history.login = None
        if before is State.BEGINNING and conversation.state is State.ACTIVE and session_id is not None:
            other = self._ids.get(session_id)
            if other is not None and other is not record and _is_shared(other, moment):
                other.history.shared = moment, record.number
                history.shared = other.history.granted or moment, other.number
                self._older[record.number] = other
            record.session_id = session_id
            self._note_id(record, session_id)
            history.granted = moment
            history.accept(moment, waiting.moment, self._place(checked, waiting), None)
        elif checked.fault is not None:
            words = ": ".join(filter(None, fault_words(checked.fault, None)))
            history.begun = Failure(FailureKind.FAULT, words, moment, moment)
        else:
            history.begun = Failure(FailureKind.NO_SESSION, "", moment, moment)

    def _denial(self, checked: CheckedMessage, waiting: Pending, record: SessionRecord) -> Denial:
        said, text = words_of(checked, record.session_id)
        place = self._place(checked, waiting)
        moment = self._now
        # A spelling that the server has accepted before is not the cause.
        spelling = "" if waiting.spelling in record.history.spellings else waiting.spelling
        idle = record.history.idle_until(moment.time) if waiting.moment.time is None else waiting.idle
        return Denial(moment, waiting.moment, idle, place, said, text, spelling)

    def _accepted(self, checked: CheckedMessage, waiting: Pending, record: SessionRecord) -> None:
        """Note an answer that shows that the server knows the session."""
        history, conversation = record.history, record.conversation
        history.accept(self._now, waiting.moment, self._place(checked, waiting), waiting.idle)
        if waiting.spelling and waiting.spelling not in history.spellings:
            history.spellings += (waiting.spelling,)
        ends = waiting.ends
        if ends and checked.fault is not None:
            history.ending = None
        if (
            conversation.state is State.LOST
            and history.revived is not None
            and record.session_id
            and not ends
        ):
            record.adopt(record.session_id)
        if ends and checked.fault is None and conversation.state is State.ENDED:
            history.ended = history.ended or waiting.moment
            older = self._older.pop(record.number, None)
            if older is not None and record.session_id:
                self._note_id(older, record.session_id)

    def _place(self, checked: CheckedMessage, waiting: Pending) -> Place:
        return Place(waiting.address, checked.transport.node)


def _is_shared(other: SessionRecord, moment: Moment) -> bool:
    """Return whether an id that is granted is that of another session that is open."""
    granted = other.history.granted
    # The same answer stands in two captures.
    is_copy = granted is not None and granted.time is not None and granted.time == moment.time
    return other.state in (State.ACTIVE, State.ENDING) and not is_copy
