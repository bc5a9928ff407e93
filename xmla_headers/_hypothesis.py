"""What Hypothesis runs when it is imported: it registers the strategies of this library by type."""

# The entry point cannot be `strategies` itself. Hypothesis loads entry points while it is being imported;
# `strategies` needs all of Hypothesis, and imports `fuzzing`, which most users of Hypothesis never need.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hypothesis.strategies import SearchStrategy

__all__ = ["register"]


def register() -> None:
    """Register the strategies, so that `st.from_type` knows the values of this library."""
    # Inside the function: this module is imported whenever Hypothesis is, and only `register` needs these.
    from hypothesis.strategies import register_type_strategy  # noqa: PLC0415

    from .envelope import Envelope, Header  # noqa: PLC0415 - see above
    from .fault import Fault, FaultEntry  # noqa: PLC0415 - see above
    from .fragment import Fragment  # noqa: PLC0415 - see above
    from .model import HeaderBlock  # noqa: PLC0415 - see above
    from .session_headers import SESSION_BLOCKS  # noqa: PLC0415 - see above
    from .unknown_block import UnknownHeaderBlock  # noqa: PLC0415 - see above

    values = (HeaderBlock, UnknownHeaderBlock, Header, Fragment, Envelope, Fault, FaultEntry)
    for kind in (*values, *SESSION_BLOCKS.values()):
        # Hypothesis passes the type that was asked for, which may be a base class of the registered one.
        register_type_strategy(kind, partial(_strategy_for, kind))


def _strategy_for(kind: type[Any], _asked_for: object) -> SearchStrategy[Any]:
    """Return the strategy for a registered type."""
    # Inside the function: Hypothesis may still be in the middle of its import when it calls `register`.
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
