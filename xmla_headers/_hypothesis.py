"""What Hypothesis runs when it is imported, so that `st.from_type` knows the values of this library."""

from __future__ import annotations

from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hypothesis.strategies import SearchStrategy

__all__ = ["MISSING", "register"]

MISSING = "xmla_headers.strategies needs Hypothesis: pip install 'xmla_headers[fuzz]'"


def register() -> None:
    """Register the strategies by type; for the entry point `hypothesis`."""
    # Hypothesis has come as far as this, and whoever does not draw a value pays for no more.
    from hypothesis.strategies import register_type_strategy  # noqa: PLC0415

    from .envelope import Envelope, Header  # noqa: PLC0415 - see above
    from .fault import Fault, FaultEntry  # noqa: PLC0415 - see above
    from .fragment import Fragment  # noqa: PLC0415 - see above
    from .model import HeaderBlock  # noqa: PLC0415 - see above
    from .session_headers import SESSION_BLOCKS  # noqa: PLC0415 - see above
    from .unknown_block import UnknownHeaderBlock  # noqa: PLC0415 - see above

    values = (HeaderBlock, UnknownHeaderBlock, Header, Fragment, Envelope, Fault, FaultEntry)
    for kind in (*values, *SESSION_BLOCKS.values()):
        # Hypothesis calls it with the type that was asked for, which may be one that this one is a kind of.
        register_type_strategy(kind, partial(_drawn_for, kind))


def _drawn_for(kind: type[Any], _asked_for: object) -> SearchStrategy[Any]:
    # It imports Hypothesis, which may be in the middle of its own import when `register` is called.
    from . import strategies  # noqa: PLC0415

    by_name: dict[str, Callable[[], SearchStrategy[Any]]] = {
        "HeaderBlock": strategies.header_blocks,
        "UnknownHeaderBlock": strategies.unknown_header_blocks,
        "Header": strategies.headers,
        "Fragment": strategies.fragments,
        "Envelope": strategies.envelopes,
        "Fault": strategies.faults,
        "FaultEntry": strategies.fault_entries,
    }
    found = by_name.get(kind.__name__)
    return strategies.header_blocks({kind.spec.qname: kind}) if found is None else found()
