"""Hypothesis profiles: `quick`, the default, draws few examples; `ci`, for `.ci/run`, half; `full` all."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["scaled"]

_FULL = 100

settings.register_profile("full", max_examples=_FULL)
settings.register_profile("ci", max_examples=_FULL // 2)
settings.register_profile("quick", max_examples=_FULL // 10)
# If the command line names a profile, Hypothesis loads it later, before it imports the tests.
settings.load_profile("quick")


def scaled(max_examples: int) -> int:
    """Return the part of `max_examples` that the profile draws: all of them with `full`."""
    return max(1, max_examples * settings().max_examples // _FULL)
