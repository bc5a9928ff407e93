"""One message, read in every way: all results must be equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers import (
    DecodeError,
    Finding,
    HeadCache,
    Header,
    HeaderReader,
    Severity,
    ValidationError,
    decode,
    iter_findings,
)

if TYPE_CHECKING:
    from typing import Any

__all__ = ["agreed"]


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
