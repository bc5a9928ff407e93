"""Knows how to draw the sessions of a capture: a lane for each session, with its exchanges in it."""

from ._exchange import Exchange, Mark, Outcome, worst
from ._model import Lane, LaneKind, Timeline

__all__ = ["Exchange", "Lane", "LaneKind", "Mark", "Outcome", "Timeline", "worst"]
