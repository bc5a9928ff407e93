"""Many sessions in one capture -> records and findings."""

from ._sessions import Placement, SessionRecord, Transcript

__all__ = ["Placement", "SessionRecord", "Transcript"]
