"""Knows how the messages of a capture belong to sessions, and which of them do not fit."""

from ._sessions import Placement, SessionRecord, Transcript

__all__ = ["Placement", "SessionRecord", "Transcript"]
