"""Knows the report of `check` as text, as one JSON document, and as annotations for GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xmla_headers._printable import Piece
from xmla_headers.findings import Finding
from xmla_headers.soap import Direction
from xmla_headers.transcript import Diagnosis, FaultCount, Placement, SessionRecord, _verdict

from . import _lines
from ._console import Printer
from ._judging import Judged

__all__ = ["FORMATS", "Ending", "Report"]

# Findings of one code that are told.
_MOST_PLACES = 3


class Ending(NamedTuple):
    """The results that are known at the end of the captures, or at an interrupt."""

    left: Sequence[tuple[str, Finding, bool]]
    """The findings that only the end shows: name of the message, finding, whether it refuses the message."""
    sessions: Sequence[SessionRecord]
    """All sessions."""
    unreadable: Sequence[str]
    """The paths that cannot be read."""
    counts: dict[str, int]
    """The numbers of messages, refused messages, warnings, unreadable paths, files skipped as no SOAP, and
    files in folders whose names are not those of captures."""
    interrupted: bool
    """Whether the run was interrupted."""
    one_side: Direction | None = None
    """The direction of all messages, if the other one is missing."""
    diagnosis: Sequence[Diagnosis] = ()
    """Why sessions were lost, refused or never came to be."""
    faults: Sequence[FaultCount] = ()
    """The faults of the captures."""
    tells_healthy: bool = True
    """Whether sessions without trouble are told."""
    verdict: Sequence[Piece] = ()
    """The first line."""


class Report:
    """A report that prints nothing, for `--quiet`, and the base of the others.

    Args:
        printer: The printer of the report.
        file_of: Returns the path of the file that contains a message, by the name of the message.
        full: Whether to tell each finding and each diagnosis, instead of the first ones of each kind.
    """

    def __init__(self, printer: Printer, file_of: Callable[[str], str], *, full: bool = False) -> None:
        self.printer = printer
        self.file_of = file_of
        self.full = full

    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        """Report on a message: the findings of the rules, then those of the transcript.

        Args:
            judged: The message, and its lines of text.
            placement: Its session, and the findings of the transcript.
            said: All its findings that are not ignored, and whether each refuses the message.
        """

    def end(self, ending: Ending) -> None:
        """Report on the end of the captures."""


@dataclass(slots=True)
class _Group:
    """The findings of one code."""

    count: int = 0
    shown: list[list[list[Piece]]] = field(default_factory=list)
    """The lines about the first of them."""


class _Text(Report):
    """Lines for people: the verdict first, then the findings by code.

    With `--all`, each finding is written as it is found, before the verdict, since there may be a million.
    """

    def __init__(self, printer: Printer, file_of: Callable[[str], str], *, full: bool = False) -> None:
        super().__init__(printer, file_of, full=full)
        self._groups: dict[tuple[bool, str], _Group] = {}

    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        del placement
        name, checked = judged.checked.message.name, judged.checked
        lines = iter(judged.lines)
        for index, (finding, refused) in enumerate(said):
            of_rules = next(lines, None) if index < len(checked.findings) else None
            self._about(name, finding, of_rules, refused=refused)

    def _about(
        self, name: str, finding: Finding, lines: list[list[Piece]] | None = None, *, refused: bool
    ) -> None:
        group = self._groups.setdefault((not refused, finding.code), _Group())
        group.count += 1
        if not self.full and len(group.shown) >= _MOST_PLACES:
            return
        if lines is None:
            lines = list(_lines.text_lines(name, finding, None, refused=refused))
        if self.full:
            for line in lines:
                self.printer.line(line)
        else:
            group.shown.append(lines)

    def end(self, ending: Ending) -> None:
        for name, finding, refused in ending.left:
            self._about(name, finding, refused=refused)
        if ending.verdict:
            self.printer.line(ending.verdict)
        for line in _verdict.diagnosis_lines(ending.diagnosis, ending.sessions, full=self.full):
            self.printer.line(line)
        for line in _verdict.fault_lines(ending.faults):
            self.printer.line(line)
        for (_, code), group in sorted(self._groups.items(), key=lambda item: item[0][0]):
            for shown in group.shown:
                for line in shown:
                    self.printer.line(line)
            if not self.full and group.count > len(group.shown):
                more = f"    and {group.count - len(group.shown):,} more [{code}] (--all prints each)"
                self.printer.line([(more, "")])
        for line in _verdict.healthy_lines(ending.diagnosis, ending.sessions) if ending.tells_healthy else ():
            self.printer.line(line)
        if ending.interrupted:
            self.printer.line(
                [("interrupted: ", "error"), ("the summary counts the messages checked so far", "")]
            )
        if ending.one_side is not None:
            self.printer.line(_lines.one_side_line(ending.one_side))
        self.printer.line(_lines.summary(ending.counts))


class _Json(Report):
    """One JSON document, written message by message: there may be a million of them."""

    def __init__(self, printer: Printer, file_of: Callable[[str], str], *, full: bool = False) -> None:
        super().__init__(printer, file_of, full=full)
        # The text to write next. A comma follows only if there is another message.
        self._last = '{\n  "messages": ['

    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        message = judged.checked.message
        document = {
            "path": message.name,
            "direction": message.direction,
            "status": message.status,
            "session": None if placement.session is None else placement.session.number,
            "findings": [_as_dict(finding, refused=refused) for finding, refused in said],
        }
        self._item(document)

    def _item(self, document: object) -> None:
        text = json.dumps(document, indent=2).replace("\n", "\n    ")
        self.printer.verbatim(self._last if self._last.endswith("[") else f"{self._last},")
        self._last = f"    {text}"

    def end(self, ending: Ending) -> None:
        rest = {
            "left": [
                {**_as_dict(finding, refused=refused), "path": name} for name, finding, refused in ending.left
            ],
            "sessions": [_session(record) for record in ending.sessions],
            "diagnosis": [each.to_dict() for each in ending.diagnosis],
            "faults": [fault.to_dict() for fault in ending.faults],
            "unreadable": ending.unreadable,
            "interrupted": ending.interrupted,
            "one_side": ending.one_side,
            "summary": ending.counts,
        }
        self.printer.verbatim(self._last)
        # The first brace is dropped: the object has been open since before the messages.
        self.printer.verbatim(f"  ],{json.dumps(rest, indent=2)[1:]}")


def _as_dict(finding: Finding, *, refused: bool) -> dict[str, object]:
    return {**finding.to_dict(), "refused": refused}


def _session(record: SessionRecord) -> dict[str, object]:
    return {
        "number": record.number,
        "id": record.label,
        "begun": record.begun,
        "state": record.state,
        "lost": record.lost,
        "revived": record.revived,
        "requests": record.requests,
        "responses": record.responses,
        "findings": record.findings,
    }


class _Github(Report):
    """Workflow commands, which GitHub shows as annotations."""

    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        del placement
        for finding, refused in said:
            self._about(judged.checked.message.name, finding, refused=refused)

    def _about(self, name: str, finding: Finding, *, refused: bool) -> None:
        file = self.file_of(name)
        inside = name.removeprefix(file).removeprefix("/")
        self.printer.verbatim(_lines.github_line(file, inside, finding, refused=refused))

    def end(self, ending: Ending) -> None:
        for name, finding, refused in ending.left:
            self._about(name, finding, refused=refused)
        if ending.one_side is not None:
            self.printer.line(_lines.one_side_line(ending.one_side))
        self.printer.line(_lines.summary(ending.counts))


FORMATS = {"text": _Text, "json": _Json, "github": _Github}
"""The reports by the value of `--format`."""
