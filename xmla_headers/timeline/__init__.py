"""The messages of a capture as a picture has them: a lane for each session, exchanges in it."""

from ._model import Exchange, Lane, LaneKind, Mark, Outcome, Timeline, worst

__all__ = ["Exchange", "Lane", "LaneKind", "Mark", "Outcome", "Timeline", "worst"]
