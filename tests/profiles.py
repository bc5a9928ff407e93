"""Hypothesis profiles: `quick`, the default, draws few examples; `ci`, for `.ci/run`, a third; `full` all."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

__all__ = ["scaled"]

_FULL = 100

# No test depends on the time that it takes: a busy machine would fail it.
for _name, _part in (("full", 1), ("ci", 3), ("quick", 10)):
    settings.register_profile(
        _name,
        max_examples=_FULL // _part,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
# If the command line names a profile, Hypothesis loads it later, before it imports the tests.
settings.load_profile("quick")


def scaled(max_examples: int) -> int:
    """Return the part of `max_examples` that the profile draws: all of them with `full`."""
    return max(1, max_examples * settings().max_examples // _FULL)
