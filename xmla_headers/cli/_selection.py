"""Knows which messages, sessions and diagnoses a report is about: --only, --session, --since, --until."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time

from xmla_headers._printable import printable
from xmla_headers.transcript import Diagnosis, SessionRecord

__all__ = ["Selection", "moment"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of the captures that a report is about. All messages are read in any case."""

    only_lost: bool = False
    """Whether only sessions that were lost are told, without findings."""
    sessions: frozenset[int] = frozenset()
    """The numbers of the sessions; empty for all messages."""
    since: datetime | time | None = None
    """The first time; a time of the day is compared with the clock of the capture."""
    until: datetime | time | None = None
    """The last time."""

    @classmethod
    def of(cls, options: argparse.Namespace) -> Selection:
        """Return the selection of the arguments of a command."""
        return cls(options.only == "lost", frozenset(options.session), options.since, options.until)

    @property
    def is_all(self) -> bool:
        """Whether it leaves nothing out."""
        return self == Selection()

    def has_message(self, record: SessionRecord | None, passed: datetime | None) -> bool:
        """Return whether a message is told, by its session and its time."""
        if self.only_lost or (self.sessions and (record is None or record.number not in self.sessions)):
            return False
        return self._has_time(passed)

    def has_record(self, record: SessionRecord) -> bool:
        """Return whether a session is told."""
        if self.sessions and record.number not in self.sessions:
            return False
        return self._overlaps(record.first, record.last)

    def chosen(self, diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
        """Return the diagnoses that are told."""
        return [each for each in diagnoses if self._has(each)]

    def _has(self, diagnosis: Diagnosis) -> bool:
        if self.only_lost and not diagnosis.is_loss:
            return False
        if self.sessions and diagnosis.session not in self.sessions:
            return False
        times = [each.time for each in diagnosis.evidence]
        return any(map(self._has_time, times)) or not times

    def _has_time(self, passed: datetime | None) -> bool:
        return self._overlaps(passed, passed)

    def _overlaps(self, first: datetime | None, last: datetime | None) -> bool:
        if self.since is None and self.until is None:
            return True
        if first is None or last is None:
            return False
        return not _is_before(last, self.since) and not _is_after(first, self.until)


def _is_before(passed: datetime, limit: datetime | time | None) -> bool:
    if limit is None:
        return False
    return passed < limit if isinstance(limit, datetime) else passed.time() < limit


def _is_after(passed: datetime, limit: datetime | time | None) -> bool:
    if limit is None:
        return False
    return passed > limit if isinstance(limit, datetime) else passed.time() > limit


def moment(text: str) -> datetime | time:
    """Return a time of the command line: ISO 8601, or a time of the day such as 08:30.

    Raises:
        ArgumentTypeError: The text is neither.
    """
    try:
        # 8:30 is 08:30.
        return time.fromisoformat(text.zfill(len(text) + (text[1:2] == ":"))).replace(tzinfo=None)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"{printable(text)!r} is neither a time such as 08:30 nor one such as 2026-11-20T08:30:00"
        raise argparse.ArgumentTypeError(message) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
