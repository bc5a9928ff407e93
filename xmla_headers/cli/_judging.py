"""Knows how one captured message is checked by the rules and schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers._printable import Piece
from xmla_headers.captures import CapturedMessage, CheckedMessage, check_message, is_soap
from xmla_headers.findings import Finding, Severity
from xmla_headers.soap import Direction

from . import _lines

if TYPE_CHECKING:
    # xmlschema takes long to import.
    from xmla_headers.schema import SchemaValidator

__all__ = ["Job", "Judged", "judge", "load_schemas"]


@dataclass(frozen=True, slots=True)
class Job:
    """How each message is checked."""

    direction: Direction | None
    """The direction of messages whose capture does not contain it."""
    ignore: frozenset[str]
    """The codes of the findings to ignore."""
    width: int | None
    """The columns for the source line of each finding; None for a report without source lines."""
    schemas: tuple[tuple[str, str], ...] = ()
    """The name and text of each schema to check messages against."""
    strict: bool = False
    """Whether every warning refuses its message."""
    refuse: frozenset[str] = frozenset()
    """The codes of the warnings that refuse their message."""

    def refuses(self, finding: Finding) -> bool:
        """Return whether decode would refuse a message for this finding, with this `strict` and `refuse`."""
        return self.strict or finding.severity is Severity.ERROR or finding.code in self.refuse


@dataclass(frozen=True, slots=True)
class Judged:
    """A checked message, and the lines about its findings."""

    checked: CheckedMessage
    lines: Iterable[list[list[Piece]]] = ()
    """The lines of the text report about each finding. They are only made when the report asks for them."""


def load_schemas(paths: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the path and text of each schema; raise OSError, or ValueError if one is no schema."""
    schemas = tuple((path, Path(path).read_text(encoding="utf-8-sig")) for path in paths)
    if schemas:
        _validator(schemas)
    return schemas


@cache
def _validator(schemas: tuple[tuple[str, str], ...]) -> SchemaValidator:
    """Return the one validator of this process."""
    from xmla_headers.schema import SchemaValidator  # noqa: PLC0415 - xmlschema takes long to import

    return SchemaValidator(dict(schemas))


def judge(message: CapturedMessage, job: Job) -> Judged:
    """Check one message."""
    checked = check_message(message, direction=job.direction)
    findings = checked.findings
    if job.schemas and message.trouble is None and is_soap(message):
        found = _validator(job.schemas).iter_findings(message.body, encoding=message.charset)
        findings = (*findings, *found)
    if findings:
        findings = tuple(finding for finding in findings if finding.code not in job.ignore)
    if findings != checked.findings:
        checked = checked.without_body(findings)
    lines = () if job.width is None or not findings else _text_lines(message, findings, job, job.width)
    return Judged(checked, lines)


def _text_lines(
    message: CapturedMessage, findings: Sequence[Finding], job: Job, width: int
) -> Iterator[list[list[Piece]]]:
    excerpts = _lines.Excerpts(message.body, width)
    for finding in findings:
        yield list(_lines.text_lines(message.name, finding, excerpts, refused=job.refuses(finding)))
