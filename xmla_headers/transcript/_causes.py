"""Knows why sessions were lost: the facts of all sessions of a capture -> diagnoses, the worst first."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from xmla_headers._printable import plural

from ._diagnosis import Cause, Diagnosis, Evidence, others
from ._history import Denial, Failure, FailureKind, History, Moment, Place
from ._records import SessionRecord

__all__ = ["Facts", "diagnoses", "spoken"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# From this idle time on, a time-out is the likeliest cause; below the other one, it is none.
_LONG_IDLE, _SHORT_IDLE = timedelta(minutes=3), timedelta(minutes=1)
# Denials of several sessions within this time belong to one event.
_AT_ONCE = timedelta(seconds=60)

# Words of servers, in lower case. "expired" stands in the usual sentence about any lost session.
_ENDED = (
    r"(?:kill|terminat|cancell?ed|clos|ended|stopp|disconnect|beendet|getrennt|abgebrochen|cerr|annul|ferm)"
    r"[a-zé]*"
)
_SAYS = {
    Cause.KILLED: re.compile(
        rf"\b{_ENDED}\b.{{0,80}}\badmin|\badmin[a-z]*\b.{{0,80}}\b{_ENDED}\b"
        r"|\bsession\b.{0,40}\b(?:was|has been) (?:killed|terminated|cancell?ed by)\b",
        re.DOTALL,
    ),
    Cause.IDLE_TIMEOUT: re.compile(
        r"\bidle\b|\binactiv|\btimed[ -]?out\b|\btime-?out\b|zeit[uü]berschreitung"
    ),
    Cause.SERVER_RESTART: re.compile(
        r"\b(?:server|service|instance|engine|system)\b.{0,40}\b(?:restart|reboot|shut(?:ting)?[ -]?down)"
        r"|\bneu gestartet\b"
    ),
}

# Diagnoses are in this order, and in the order of the capture inside each group.
_LOST = frozenset(Cause) - {
    Cause.BEFORE_CAPTURE,
    Cause.NOT_AUTHENTICATED,
    Cause.NEVER_GRANTED,
    Cause.NO_SOAP_ANSWER,
}
_GROUPS = (
    _LOST,
    {Cause.BEFORE_CAPTURE},
    {Cause.NOT_AUTHENTICATED, Cause.NEVER_GRANTED},
    {Cause.NO_SOAP_ANSWER},
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a capture."""

    sessions: Sequence[SessionRecord]
    failures: Sequence[Failure]
    """The failures that are not those of a BeginSession."""
    cancels: Sequence[Moment]
    """Answers to requests that cancel a session without its id."""
    outages: Sequence[Moment]
    """Answers that are an HTTP error of the server or empty, and requests without an answer."""
    lost_alone: Sequence[Denial]
    """Denials that belong to no session of the capture."""
    is_timed: bool
    """Whether every answer has a time."""
    speaks: bool
    """Whether any answer was SOAP."""


def diagnoses(facts: Facts) -> list[Diagnosis]:
    """Return the diagnoses of a capture, the worst first."""
    rules = _Rules(facts)
    found = [each for record in facts.sessions for each in rules.of_session(record)]
    found += [rules.alone(denial) for denial in facts.lost_alone]
    found += [_of_failure(failure) for failure in facts.failures]
    ranks = {cause: rank for rank, group in enumerate(_GROUPS) for cause in group}
    return sorted(found, key=lambda each: ranks[each.cause])


def spoken(time: timedelta) -> str:
    """Return a length of time in whole units, at least two of them: `35 minutes`."""
    seconds = round(time.total_seconds())
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


class _Rules:
    """Weighs the facts of one session against those of the others."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        # A restart ends the sessions of one server.
        by_server: dict[str | None, list[SessionRecord]] = {}
        for record in facts.sessions:
            by_server.setdefault(_server_of(record.history), []).append(record)
        self._by_server = {server: _Restarts(records, self._at) for server, records in by_server.items()}
        # A server that accepts a session after this time does not end sessions sooner.
        self._accepted_idle = max(
            (record.history.longest_idle for record in facts.sessions), default=timedelta()
        )
        self._cancels = sorted(map(self._at, facts.cancels))
        self._outages = sorted(map(self._at, facts.outages))
        grants = (record.history.granted for record in facts.sessions)
        self._last_grant = max((self._at(moment) for moment in grants if moment is not None), default=0.0)

    def _at(self, moment: Moment) -> float:
        """Return the place of a message in the order of the capture: by time if every answer has one."""
        if self._facts.is_timed and moment.time is not None:
            return (moment.time - _EPOCH).total_seconds()
        return float(moment.order)

    def _restarts_of(self, record: SessionRecord) -> _Restarts:
        return self._by_server[_server_of(record.history)]

    def of_session(self, record: SessionRecord) -> Iterable[Diagnosis]:
        """Yield the diagnoses of a session: at most one."""
        history = record.history
        if history.shared is not None:
            yield self._shared(record, history.shared)
        elif history.denial is not None:
            yield self._lost(record, history.denial)
        elif history.login is not None:
            yield _refused(history.login, record.number, history.accepted)
        elif history.begun is not None and history.granted is None:
            speaks = self._facts.speaks or not self._facts.failures
            yield _never_granted(record, history.begun, speaks_soap=speaks)

    # -- one id for two ------------------------------------------------------------------------------

    def _shared(self, record: SessionRecord, shared: tuple[Moment, int]) -> Diagnosis:
        history = record.history
        again, number = shared
        facts = [(history.granted, "granted"), (again, "granted again")]
        also: list[Cause] = []
        text = f"sessions {record.number} and {number} have the same id: the server granted it twice"
        # The uses of both are counted for the later one.
        both = [each for each in (record, self._facts.sessions[number - 1]) if each.history.denial]
        denial = both[0].history.denial if both else None
        if denial is not None:
            facts.append((denial.answer, "denied"))
            text += ", and denied it later"
            also = [cause for cause in self._judge(both[0], denial)[:1] if cause is not Cause.USED_AFTER_END]
        return _diagnosis(
            Cause.GRANTED_TWICE, also, record.number, text, facts, fault=denial.words if denial else ""
        )

    # -- lost ----------------------------------------------------------------------------------------

    def _lost(self, record: SessionRecord, denial: Denial) -> Diagnosis:
        cause, *also = self._judge(record, denial)
        history = record.history
        accepted = None if history.accepted == history.granted else history.accepted
        facts = [
            (history.granted, "granted"),
            (accepted if history.revived is None else None, "accepted last"),
            (history.ended or history.ending if cause is Cause.USED_AFTER_END else None, "EndSession"),
            (history.cancelled[0] if history.cancelled else None, "cancelled"),
            (denial.request, "asked"),
            (denial.answer, "denied"),
            (history.revived, "accepted again"),
        ]
        against = self._against(record, denial, cause)
        text = self._sentence(record, denial, cause)
        return _diagnosis(cause, also, record.number, text, facts, against, denial.words)

    def _judge(self, record: SessionRecord, denial: Denial) -> list[Cause]:
        """Return the causes of a loss that the facts do not exclude, the likeliest first."""
        history = record.history
        changed = [Cause.ID_CHANGED_BY_CLIENT] if denial.spelling else []
        if history.ended is not None and history.ended.order < denial.answer.order:
            return [Cause.USED_AFTER_END, *changed]
        if changed:
            return changed
        if history.revived is not None:
            return [Cause.OTHER_SERVER]
        if history.cancelled is not None:
            return [Cause.KILLED] if history.known is not None else [Cause.KILLED, Cause.BEFORE_CAPTURE]
        said = [cause for cause, words in _SAYS.items() if words.search(denial.text)]
        if history.known is None:
            return self._unknown(record, said)
        weighed = self._weighed(record, denial)
        if history.ending is not None and history.ending != denial.request:
            return [Cause.USED_AFTER_END, *weighed]
        if said:
            return [*said, *(cause for cause in weighed if cause in (Cause.OTHER_SERVER, Cause.IDLE_TIMEOUT))]
        if _elsewhere(history, denial.place):
            return [Cause.OTHER_SERVER, *(cause for cause in weighed if cause is Cause.IDLE_TIMEOUT)]
        return weighed

    def _unknown(self, record: SessionRecord, said: list[Cause]) -> list[Cause]:
        """Return the causes for a session that nobody granted here, and that the server never accepted."""
        causes = [Cause.BEFORE_CAPTURE, Cause.SERVER_RESTART, Cause.IDLE_TIMEOUT, Cause.OTHER_SERVER]
        restart = self._restarts_of(record).of(record)
        if restart is not None and restart.granted_here:
            causes[:2] = Cause.SERVER_RESTART, Cause.BEFORE_CAPTURE
        return [*said, *others(causes, said[0])] if said else causes

    def _weighed(self, record: SessionRecord, denial: Denial) -> list[Cause]:
        """Return the causes of a loss that the idle times and the other sessions allow."""
        idle, restart = denial.idle, self._restarts_of(record).of(record)
        cancels = [Cause.KILLED] if self._between(record, denial, self._cancels) else []
        outage = restart is not None and self._between(record, denial, self._outages, restart)
        is_long = idle is not None and idle >= _LONG_IDLE and idle > self._accepted_idle
        can_be_idle = idle is None or idle >= _SHORT_IDLE
        if cancels:
            rest = [Cause.IDLE_TIMEOUT] if is_long else []
            return [*cancels, *rest, Cause.OTHER_SERVER, *([Cause.SERVER_RESTART] if restart else [])]
        if restart is not None and (restart.is_sudden or (outage and not is_long)):
            alone = [] if restart.is_sudden else [Cause.OTHER_SERVER, Cause.KILLED]
            return [Cause.SERVER_RESTART, *([Cause.IDLE_TIMEOUT] if can_be_idle else []), *alone]
        if is_long or idle is None:
            rest = [Cause.SERVER_RESTART] if restart else []
            return [Cause.IDLE_TIMEOUT, *rest, *([] if is_long else [Cause.OTHER_SERVER, Cause.KILLED])]
        maybe_idle = [Cause.IDLE_TIMEOUT] if can_be_idle else []
        if restart is None:
            return [Cause.OTHER_SERVER, Cause.KILLED, *maybe_idle]
        if self._restarts_of(record).short_losses > 1:
            return [Cause.OTHER_SERVER, Cause.SERVER_RESTART, Cause.KILLED, *maybe_idle]
        return [Cause.SERVER_RESTART, *maybe_idle, Cause.OTHER_SERVER, Cause.KILLED]

    def _between(
        self,
        record: SessionRecord,
        denial: Denial,
        moments: Sequence[float],
        restart: _Restart | None = None,
    ) -> bool:
        """Return whether one of some moments is between the last use of a session and its loss.

        With a restart, it must also be where no session goes on.
        """
        known = _last_known(record.history) or denial.answer
        start, end = self._at(known), self._at(denial.answer)
        if restart is not None:
            start, end = max(start, restart.start), min(end, restart.end)
        return bisect_left(moments, start) < bisect_right(moments, end)

    def _against(self, record: SessionRecord, denial: Denial, cause: Cause) -> list[str]:
        found = []
        restart = self._restarts_of(record).of(record)
        if cause is Cause.IDLE_TIMEOUT and denial.idle is None:
            found.append("the capture has no times, so that no pause is known")
        if cause is Cause.IDLE_TIMEOUT and denial.idle is not None and denial.idle <= self._accepted_idle:
            found.append(f"another use after {spoken(self._accepted_idle)} was accepted")
        if cause is Cause.SERVER_RESTART:
            if restart is None or restart.victims < 2:
                found.append("no other session was lost at the same time")
            if self._last_grant <= self._at(denial.answer):
                found.append("no new session was granted afterwards")
        if cause is Cause.OTHER_SERVER and record.history.revived is None:
            nodes = {place.node for place in record.history.places}
            if denial.place.node is not None and denial.place.node in nodes:
                found.append("the same server had known the session before")
        if (
            cause is Cause.KILLED
            and record.history.cancelled is None
            and not _SAYS[cause].search(denial.text)
        ):
            found.append("no message names the session that was cancelled")
        return found

    def _sentence(self, record: SessionRecord, denial: Denial, cause: Cause) -> str:
        name, history = f"session {record.number}", record.history
        after = "" if denial.idle is None else f" {spoken(denial.idle)} after its last use"
        match cause:
            case Cause.ID_CHANGED_BY_CLIENT:
                return f"{name} was denied because the client changed the {denial.spelling} of its id"
            case Cause.USED_AFTER_END if history.ended is None:
                return f"{name} was used after an EndSession that was not answered well"
            case Cause.USED_AFTER_END:
                return f"{name} was used after the client had ended it"
            case Cause.OTHER_SERVER if history.revived is not None:
                return f"{name} was denied{after} and accepted again later: another server had answered"
            case Cause.OTHER_SERVER if _elsewhere(history, denial.place):
                return f"{name} was denied{after} by another server than the one that knows it"
            case Cause.OTHER_SERVER:
                return (
                    f"{name} was denied{after}, while nothing else was lost: another server may have answered"
                )
            case Cause.KILLED if history.cancelled is not None:
                number = history.cancelled[1]
                by = "a request outside any session" if number is None else f"session {number}"
                by = "itself" if number == record.number else by
                return f"{name} was cancelled by {by}, and denied{after}"
            case Cause.KILLED:
                return f"{name} was denied{after}: somebody cancelled it"
            case Cause.SERVER_RESTART:
                restart = self._restarts_of(record).of(record)
                others_lost = (
                    "" if restart is None or restart.victims < 2 else f", with {restart.victims - 1} more"
                )
                return f"{name} was denied{after}{others_lost}: the server was restarted"
            case Cause.BEFORE_CAPTURE:
                return f"{name} was denied, and nobody granted it in this capture: its id is from before"
            case _ if denial.idle is None:
                return f"{name} was denied, and nothing says how long it had not been used"
            case _:
                return f"{name} was denied{after}: it had not been used for too long"

    def alone(self, denial: Denial) -> Diagnosis:
        """Return the diagnosis for a denial that belongs to no session of the capture."""
        text = "an answer says that a session is lost, and the request that names it is not in the capture"
        also = (Cause.IDLE_TIMEOUT, Cause.SERVER_RESTART, Cause.OTHER_SERVER)
        return _diagnosis(
            Cause.BEFORE_CAPTURE, also, None, text, [(denial.answer, "denied")], fault=denial.words
        )


def _server_of(history: History) -> str | None:
    """Return the server that knew a session first, or that denied it: its name, otherwise its host."""
    place = history.places[0] if history.places else None
    if place is None and history.denial is not None:
        place = history.denial.place
    if place is None:
        return None
    return place.node or (place.address or "").partition("/")[0] or None


def _last_known(history: History) -> Moment | None:
    return history.accepted or history.granted


def _elsewhere(history: History, place: Place) -> bool:
    """Return whether a place is named, and is another than those where the session was known."""
    for part in range(2):
        known = {each[part] for each in history.places} - {None}
        if known and place[part] is not None and place[part] not in known:
            return True
    return False


# -- restarts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Restart:
    """A stretch in which no session went on, so that the server may have been restarted then."""

    start: float
    """When it begins."""
    end: float
    """When it ends."""
    victims: int
    """The sessions that are denied afterwards."""
    granted_here: bool
    """Whether the server had known one of them."""
    is_sudden: bool
    """Whether several were lost, at once or after different idle times."""


class _Restarts:
    """Finds the moments at which the server may have been restarted.

    A session that the server knew before a moment and after it excludes a restart there. The moments that are
    left are gaps between the lives of sessions. Sessions that are lost over the same gap may have been lost
    by one restart.
    """

    def __init__(self, sessions: Sequence[SessionRecord], at: Callable[[Moment], float]) -> None:
        self._at = at
        lives = sorted(
            (at(history.known), at(history.accepted))
            for history in (record.history for record in sessions)
            if history.known is not None and history.accepted is not None
        )
        self._starts, self._ends = _gaps(lives)
        lost = [record for record in sessions if _may_restart(record.history)]
        self._spans = {
            record.number: self._span(record.history.accepted, record.history.denial.answer)
            for record in lost
            if record.history.denial is not None
        }
        changes = [0] * (len(self._starts) + 1)
        for start, end in self._spans.values():
            changes[start] += 1
            changes[end] -= 1
        self._highest = _Highest(list(accumulate(changes)))
        self._found = self._grouped(lost)
        self.short_losses = sum(
            record.history.denial is not None
            and record.history.known is not None
            and record.history.denial.idle is not None
            and record.history.denial.idle < _SHORT_IDLE
            and self.of(record) is not None
            for record in lost
        )
        """Sessions that were lost soon after a use, each by a restart of its own if it was one."""

    def _span(self, accepted: Moment | None, denied: Moment) -> tuple[int, int]:
        """Return the range of the gaps in which a session may have been lost."""
        before = float("-inf") if accepted is None else self._at(accepted)
        return bisect_right(self._ends, before), bisect_left(self._starts, self._at(denied))

    def _grouped(self, lost: Sequence[SessionRecord]) -> dict[int, _Restart]:
        by_gap: dict[int, list[SessionRecord]] = {}
        for record in lost:
            start, end = self._spans[record.number]
            if start < end:
                by_gap.setdefault(self._highest.between(start, end), []).append(record)
        found = {}
        for gap, group in by_gap.items():
            restart = _restart(group, self._starts[gap], self._ends[gap])
            found.update(dict.fromkeys((record.number for record in group), restart))
        return found

    def of(self, record: SessionRecord) -> _Restart | None:
        """Return the restart that may have ended a session; None if the other sessions exclude one."""
        return self._found.get(record.number)


class _Highest:
    """Finds the highest of some numbers between two places, in the same time for any two places."""

    def __init__(self, numbers: Sequence[int]) -> None:
        # The place of the highest of each 1, 2, 4, ... numbers.
        self._numbers, self._levels = numbers, [list(range(len(numbers)))]
        while (size := 1 << len(self._levels)) <= len(numbers):
            last = self._levels[-1]
            half = size // 2
            self._levels.append(
                [self._higher(last[at], last[at + half]) for at in range(len(numbers) - size + 1)]
            )

    def between(self, start: int, end: int) -> int:
        """Return the place of the highest number from a start up to an end, which is not included."""
        level = (end - start).bit_length() - 1
        places = self._levels[level]
        return self._higher(places[start], places[end - (1 << level)])

    def _higher(self, one: int, other: int) -> int:
        return one if self._numbers[one] >= self._numbers[other] else other


def _may_restart(history: History) -> bool:
    denial = history.denial
    if denial is None or denial.spelling or history.revived is not None or history.shared is not None:
        return False
    return history.ended is None


def _gaps(lives: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the starts and the ends of the stretches in which no life goes on."""
    starts, ends = [float("-inf")], []
    for begun, ended in lives:
        if begun >= starts[-1]:
            ends.append(begun)
            starts.append(ended)
        else:
            starts[-1] = max(starts[-1], ended)
    return starts, [*ends, float("inf")]


def _restart(group: Sequence[SessionRecord], start: float, end: float) -> _Restart:
    denials = [record.history.denial for record in group if record.history.denial is not None]
    here = [record for record in group if record.history.known is not None]
    times = [denial.answer.time for denial in denials]
    known = [time for time in times if time is not None]
    # Without times, denials are at once: no session that the server knew before is accepted between them.
    at_once = len(known) < len(times) or max(known) - min(known) <= _AT_ONCE
    is_short = any(
        record.history.known is not None and denial.idle is not None and denial.idle < _LONG_IDLE
        for record, denial in zip(group, denials, strict=True)
    )
    return _Restart(start, end, len(group), bool(here), len(group) > 1 and (at_once or is_short))


# -- sessions that never came to be, and failures outside sessions ------------------------------------


def _refused(failure: Failure, number: int | None, accepted: Moment | None = None) -> Diagnosis:
    """Return the diagnosis for tries that all ended in a demand for credentials, or in a redirect.

    Args:
        failure: The tries.
        number: The number of their session.
        accepted: The last answer before them that showed that the server knew the session.
    """
    if failure.kind is not FailureKind.LOGIN:
        text = f"{plural(failure.count, 'request')} met no SOAP server, but a redirect ({failure.words})"
        facts = _first_and_last(failure)
        return _diagnosis(Cause.NO_SOAP_ANSWER, (), number, text, facts, requests=failure.count)
    name = "requests outside any session" if number is None else f"session {number}"
    verb = "were" if number is None else "was"
    tries = "once" if failure.count == 1 else f"{failure.count:,} times"
    text = f"{name} {verb} refused {tries} for want of credentials, and no try succeeded"
    facts = [(accepted, "accepted last"), *_first_and_last(failure)]
    also = [Cause.NO_SOAP_ANSWER] if number is None else [Cause.NEVER_GRANTED, Cause.NO_SOAP_ANSWER]
    if accepted is not None:
        also = [Cause.NO_SOAP_ANSWER]
        text = f"{name} was accepted first, and then refused {tries} for want of credentials"
    return _diagnosis(Cause.NOT_AUTHENTICATED, also, number, text, facts, fault=failure.words)


def _never_granted(record: SessionRecord, failure: Failure, *, speaks_soap: bool) -> Diagnosis:
    """Return the diagnosis for a BeginSession that was answered without a Session.

    Args:
        record: The session.
        failure: The answer.
        speaks_soap: False if other requests met pages, too, and no answer at all was SOAP.
    """
    told = {
        FailureKind.FAULT: "by a fault",
        FailureKind.NO_SESSION: "without a Session",
        FailureKind.PAGE: f"by a page ({failure.words})",
        FailureKind.EMPTY: f"without a body ({failure.words})",
        FailureKind.REFUSED: f"by a message that is refused ({failure.words})",
    }[failure.kind]
    text = f"session {record.number} was never granted: BeginSession was answered {told}"
    causes = [Cause.NEVER_GRANTED]
    if failure.kind in (FailureKind.PAGE, FailureKind.EMPTY):
        causes.append(Cause.NO_SOAP_ANSWER)
        if failure.kind is FailureKind.EMPTY or not speaks_soap:
            causes.reverse()
    fault = failure.words if failure.kind is FailureKind.FAULT else ""
    return _diagnosis(causes[0], causes, record.number, text, _first_and_last(failure), fault=fault)


def _of_failure(failure: Failure) -> Diagnosis:
    (number,) = failure.sessions if len(failure.sessions) == 1 else (0,)
    session = number or None
    if failure.kind is FailureKind.LOGIN:
        return _refused(failure, session)
    told = "an empty answer" if failure.kind is FailureKind.EMPTY else "a page"
    text = f"{plural(failure.count, 'request')} met no SOAP server, but {told} ({failure.words})"
    return _diagnosis(
        Cause.NO_SOAP_ANSWER, (), session, text, _first_and_last(failure), requests=failure.count
    )


def _first_and_last(failure: Failure) -> list[tuple[Moment | None, str]]:
    last = failure.last if failure.count > 1 else None
    return [(failure.first, "first" if last else "answered"), (last, "last")]


def _diagnosis(
    cause: Cause,
    also: Iterable[Cause],
    session: int | None,
    sentence: str,
    facts: Iterable[tuple[Moment | None, str]],
    against: Iterable[str] = (),
    fault: str = "",
    requests: int = 1,
) -> Diagnosis:
    moments = sorted(
        ((moment, fact) for moment, fact in facts if moment is not None), key=lambda pair: pair[0].order
    )
    evidence = tuple(Evidence(moment.name, moment.time, fact) for moment, fact in moments)
    return Diagnosis(cause, others(also, cause), session, sentence, evidence, tuple(against), fault, requests)
