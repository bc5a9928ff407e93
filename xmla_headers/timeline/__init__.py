"""Knows how to draw the sessions of a capture: a lane for each session, with its exchanges in it."""

from ._model import Exchange, Lane, LaneKind, Mark, Outcome, Timeline, worst

__all__ = ["Exchange", "Lane", "LaneKind", "Mark", "Outcome", "Timeline", "worst"]
