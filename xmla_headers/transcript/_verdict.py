"""Knows the lines of the verdict: diagnoses, faults by code, and the sessions without trouble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from xmla_headers._printable import Piece, plural, printable
from xmla_headers.conversation import State
from xmla_headers.transcript import Cause, Diagnosis, FaultCount, SessionRecord

__all__ = ["by_cause", "diagnosis_lines", "fault_lines", "healthy_lines", "more_of", "verdict_line"]

# Diagnoses of one cause that are told in full, and numbers of sessions that are listed.
_MOST_TOLD, _MOST_LISTED = 3, 20
_INDENT = "    "

# How the verdict counts the sessions and requests of each cause: the words for one, and for several.
_COUNTED = {
    Cause.NEVER_GRANTED: "{} never granted",
    Cause.NOT_AUTHENTICATED: "{} not authenticated",
    Cause.GRANTED_TWICE: "{} granted twice",
}
_STATES = {
    State.NONE: "never granted",
    State.BEGINNING: "not answered",
    State.ACTIVE: "not ended in this capture",
    State.ENDING: "its end not answered",
    State.ENDED: "ended",
    State.LOST: "lost",
}


def verdict_line(diagnoses: Sequence[Diagnosis], sessions: Sequence[SessionRecord]) -> list[Piece]:
    """Return the first line of a report: how many sessions were lost, and what else went wrong.

    Args:
        diagnoses: The diagnoses.
        sessions: The sessions that they are about, and those without trouble.

    Returns:
        The line; nothing if there is neither a session nor a diagnosis.
    """
    if not diagnoses and not sessions:
        return []
    count = len(sessions)
    lost = sum(each.is_loss for each in diagnoses)
    of = f"of {plural(count, 'session')}"
    parts: list[Piece] = []
    if lost:
        parts.append((f"{lost:,} {of} {'was' if lost == 1 else 'were'} lost", "error"))
    elif sessions:
        parts.append((f"none {of} was lost", "warning" if diagnoses else "good"))
    for cause, words in _COUNTED.items():
        found = [each for each in diagnoses if each.cause is cause]
        if found:
            parts.append((words.format(plural(len(found), "session")), "warning"))
    requests = sum(each.requests for each in diagnoses if each.cause is Cause.NO_SOAP_ANSWER)
    if requests:
        parts.append((f"{plural(requests, 'request')} met no SOAP server", "warning"))
    return [piece for part in parts for piece in (("; ", ""), part)][1:]


def by_cause(
    diagnoses: Iterable[Diagnosis], *, full: bool = False
) -> Iterator[tuple[Diagnosis, Sequence[Diagnosis]]]:
    """Yield the diagnoses that are told in full, the worst first: at most three of one cause.

    Args:
        diagnoses: The diagnoses.
        full: Whether all of one cause are told.

    Returns:
        Each diagnosis, and with the third one of a cause the others of that cause.
    """
    found: dict[Cause, list[Diagnosis]] = {}
    told: Counter[Cause] = Counter()
    listed = list(diagnoses)
    for each in listed:
        found.setdefault(each.cause, []).append(each)
    for each in listed:
        told[each.cause] += 1
        if full or told[each.cause] <= _MOST_TOLD:
            last = not full and told[each.cause] == _MOST_TOLD
            yield each, found[each.cause][_MOST_TOLD:] if last else ()


def diagnosis_lines(
    diagnoses: Iterable[Diagnosis],
    sessions: Sequence[SessionRecord],
    *,
    full: bool = False,
    named: Callable[[str], str] = printable,
) -> Iterator[list[Piece]]:
    """Yield the lines about the diagnoses, the worst first: at most three of one cause.

    Args:
        diagnoses: The diagnoses.
        sessions: The sessions that they are about.
        full: Whether all of one cause are told.
        named: Returns the name of a message for people.
    """
    records = {record.number: record for record in sessions}
    for each, left in by_cause(diagnoses, full=full):
        yield from _block(each, records.get(each.session or 0), named)
        if left:
            yield [(f"{_INDENT}{more_of(left)}", "")]


def _block(
    diagnosis: Diagnosis, record: SessionRecord | None, named: Callable[[str], str]
) -> Iterator[list[Piece]]:
    name = "requests" if record is None else f"session {record.number}"
    label = "" if record is None else f", {printable(record.label)}"
    also = f" (or {', '.join(diagnosis.also)})" if diagnosis.also else ""
    yield [(f"{name}{label}: ", "place"), (str(diagnosis.cause), "error"), (also, "")]
    yield [(f"{_INDENT}{diagnosis.sentence}", "")]
    if diagnosis.fault:
        yield [(f"{_INDENT}the server: {diagnosis.fault}", "")]
    for sentence in diagnosis.against:
        yield [(f"{_INDENT}against it: {sentence}", "")]
    yield [(f"{_INDENT}{diagnosis.advice}", "hint")]
    for each in diagnosis.shown_evidence:
        at = "" if each.time is None else f" {clock(each.time)}"
        yield [(f"{_INDENT}{each.fact}{at} in {named(each.message) or 'the message'}", "")]


def more_of(left: Sequence[Diagnosis]) -> str:
    """Return how many diagnoses of one cause are not told in full, and their sessions."""
    numbers = [str(each.session) for each in left if each.session is not None]
    noun = "session" if len(numbers) == 1 else "sessions"
    listed = f": {noun} {', '.join(numbers[:_MOST_LISTED])}" if numbers else ""
    rest = f" and {len(numbers) - _MOST_LISTED:,} more" if len(numbers) > _MOST_LISTED else ""
    return f"and {len(left):,} more of {left[0].cause}{listed}{rest}"


def clock(time: datetime) -> str:
    """Return a time for people, in the zone of the capture: `2026-11-20 09:35:02`."""
    return time.replace(tzinfo=None).isoformat(" ", "seconds")


def fault_lines(faults: Iterable[FaultCount]) -> Iterator[list[Piece]]:
    """Yield a line for each code of a fault, with counts, first and last time, and words."""
    for fault in faults:
        kind = "Error in an answer" if fault.is_inline else "fault"
        when = ""
        if fault.first is not None and fault.last is not None:
            when = f", {clock(fault.first)}"
            when += "" if fault.first == fault.last else f" to {clock(fault.last)}"
        words = f": {fault.text}" if fault.text else ""
        times = "once" if fault.count == 1 else f"{fault.count:,} times"
        yield [(f"{kind} {fault.code or 'without a code'}", "warning"), (f" {times}{when}{words}", "")]


def healthy_lines(diagnoses: Iterable[Diagnosis], sessions: Iterable[SessionRecord]) -> Iterator[list[Piece]]:
    """Yield the line about the sessions without a diagnosis; none if there are no such sessions."""
    ill = {each.session for each in diagnoses}
    states = Counter(record.state for record in sessions if record.number not in ill)
    if states:
        said = ", ".join(f"{states[state]:,} {_STATES[state]}" for state in State if states[state])
        yield [(f"{plural(states.total(), 'session')} without trouble: {said}", "")]
