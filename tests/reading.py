"""One message, read in every way: all results must be equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers import (
    Code,
    DecodeError,
    Envelope,
    Finding,
    HeadCache,
    Header,
    HeaderReader,
    Severity,
    ValidationError,
    XmlaHeadersError,
    decode,
    encode,
    iter_findings,
)

if TYPE_CHECKING:
    from typing import Any

    from xmla_headers.fuzzing import Case
    from xmla_headers.typing import BlockTypes

__all__ = ["agreed", "check_labels", "check_written"]


def agreed(
    data: bytes, *, alike: bytes | None = None, deep: bool = False, **reading: Any
) -> tuple[Header | None, tuple[Finding, ...]]:
    """Return the Header, None if the message is refused, and all findings.

    The result of decode is compared without a cache, with an empty one and with one that knows the head. It
    must equal that of `iter_findings` and HeaderReader on the general path. `alike` is a
    message whose head fills the cache, the message itself by default.
    """
    findings = tuple(iter_findings(data, deep=deep, cache=None, **reading))
    first = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    header = None
    if first is None:
        reader = HeaderReader(cache=None, **reading)
        reader.feed(data)
        header = reader.close()
    cache = HeadCache()
    _decoded(alike or data, deep=deep, cache=cache, **reading)
    for memory in ({"cache": None}, {"cache": HeadCache()}, {"cache": cache}, {"cache": cache}, {}):
        said = _decoded(data, deep=deep, **memory, **reading)
        assert said == (first if header is None else (header, findings)), (memory, data)
    return header, findings


def _decoded(data: bytes, **arguments: Any) -> Finding | tuple[Header, tuple[Finding, ...]]:
    """Return the Header and the warnings, or what the message is refused for."""
    try:
        envelope = decode(data, **arguments)
    except (DecodeError, ValidationError) as error:
        return error.finding
    return envelope.header, envelope.warnings


def check_written(envelope: Envelope, types: BlockTypes) -> None:
    """Assert that an Envelope is read back, unless it exceeds a limit."""
    try:
        data = encode(envelope)
    except XmlaHeadersError as error:
        assert error.code == Code.LIMIT_EXCEEDED
        return
    assert decode(data, types=types, deep=True) == envelope


def check_labels(case: Case, types: BlockTypes, *, remembered: bool) -> None:
    """Assert that a labelled message has its codes and its Header, maybe with a head that is known."""
    cache = HeadCache() if remembered else None
    assert {finding.code for finding in iter_findings(case.data, types=types)} == case.expected
    if case.header is not None:
        for _ in range(2):
            assert decode(case.data, types=types, deep=True, cache=cache).header == case.header
