"""Knows how the messages of a capture belong to sessions, which do not fit, and why sessions were lost."""

from ._diagnosis import Cause, Diagnosis, Evidence, FaultCount
from ._records import Placement, SessionRecord
from ._sessions import Transcript

__all__ = [
    "Cause",
    "Diagnosis",
    "Evidence",
    "FaultCount",
    "Placement",
    "SessionRecord",
    "Transcript",
]
