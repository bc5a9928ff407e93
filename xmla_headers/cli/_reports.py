"""The report of `check`, as text, as one JSON document or as annotations for a code host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from . import _lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xmla_headers.findings import Finding
    from xmla_headers.transcript import Placement, SessionRecord

    from ._console import Printer
    from ._judging import Judged

__all__ = ["FORMATS", "Ending", "Report"]


class Ending(NamedTuple):
    """What there is to say once all messages have been read, or as many as there was time for."""

    #: Findings that only the end shows: name of the message, finding, whether it is refused for it.
    left: Sequence[tuple[str, Finding, bool]]
    sessions: Sequence[SessionRecord]
    unreadable: Sequence[str]
    counts: dict[str, int]
    interrupted: bool


class Report:
    """Says nothing: the exit status tells."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer

    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        """Report on a message: the findings about itself, then those of the transcript."""

    def end(self, ending: Ending) -> None:
        """Report on what there is to say at the end."""


class _Text(Report):
    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        for line in judged.lines:
            self.printer.line(line)
        for finding, _ in said[len(said) - len(placement.findings) :]:
            self._about(judged.checked.message.name, finding)

    def _about(self, name: str, finding: Finding) -> None:
        for line in _lines.text_lines(name, finding, None):
            self.printer.line(line)

    def end(self, ending: Ending) -> None:
        for name, finding, _ in ending.left:
            self._about(name, finding)
        for record in ending.sessions:
            # A message that stands alone has said all about itself.
            if record.responses:
                self.printer.line(_lines.session_line(record))
        if ending.interrupted:
            self.printer.line(
                [("interrupted: ", "error"), ("what follows is about the part that was read", "")]
            )
        self.printer.line(_lines.summary(ending.counts))


class _Json(Report):
    """Writes the document piece by piece: it may be about a million messages."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        #: What has been written down last; whether a comma follows it the next message tells.
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
        self._write(self._last if self._last.endswith("[") else f"{self._last},")
        self._last = f"    {text}"

    def _write(self, text: str) -> None:
        self.printer.line([(text, "")])

    def end(self, ending: Ending) -> None:
        rest = {
            "left": [
                {**_as_dict(finding, refused=refused), "path": name} for name, finding, refused in ending.left
            ],
            "sessions": [_session(record) for record in ending.sessions],
            "unreadable": ending.unreadable,
            "interrupted": ending.interrupted,
            "summary": ending.counts,
        }
        self._write(self._last)
        # Without its first brace: it goes on where the messages end.
        self._write(f"  ],{json.dumps(rest, indent=2)[1:]}")


def _as_dict(finding: Finding, *, refused: bool) -> dict[str, object]:
    return {**finding.to_dict(), "refused": refused}


def _session(record: SessionRecord) -> dict[str, object]:
    return {
        "number": record.number,
        "id": record.label,
        "begun": record.begun,
        "state": record.state,
        "lost": record.lost,
        "requests": record.requests,
        "responses": record.responses,
        "findings": record.findings,
    }


class _Github(Report):
    def message(self, judged: Judged, placement: Placement, said: Sequence[tuple[Finding, bool]]) -> None:
        del placement
        for finding, refused in said:
            self._about(judged.checked.message.name, finding, refused=refused)

    def _about(self, name: str, finding: Finding, *, refused: bool) -> None:
        self.printer.line([(_lines.github_line(name, finding, refused=refused), "")])

    def end(self, ending: Ending) -> None:
        for name, finding, refused in ending.left:
            self._about(name, finding, refused=refused)
        self.printer.line(_lines.summary(ending.counts))


FORMATS = {"text": _Text, "json": _Json, "github": _Github}
