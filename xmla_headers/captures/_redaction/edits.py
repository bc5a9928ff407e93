"""Knows what an edit of a text is: a range that is secret, and what replaces it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["ChangeKind", "Edit"]


class ChangeKind(StrEnum):
    """The kinds of changes that a redaction makes."""

    SESSION_ID = "session-id"
    """A session id was replaced by a pseudonym."""
    ELEMENT = "element"
    """The content of an element that carries credentials was removed."""
    HEADER_FIELD = "header-field"
    """The value of an HTTP header field or of a cookie was removed."""
    CREDENTIAL = "credential"
    """A password or similar value was removed: from an attribute, a parameter, a string or a URL."""
    USER = "user"
    """The name of a user was replaced by a pseudonym."""
    CODING = "coding"
    """A content or transfer coding was removed, because the coded body had to be changed."""
    UNSEARCHABLE = "unsearchable"
    """Content that cannot be searched was removed: a body, a part of one, or an entry of an archive."""


class Edit(NamedTuple):
    """A range of a text that is a secret, and what replaces it."""

    start: int
    end: int
    kind: ChangeKind
    # A description that quotes nothing of the capture.
    what: str
    # The session id or user whose pseudonym replaces the range.
    identifier: str = ""
    # The folded id, if this is an occurrence whose spelling may be unknown.
    folded: str = ""

    def moved(self, distance: int) -> Edit:
        """Return the same edit for a text in which it stands further on."""
        return self._replace(start=self.start + distance, end=self.end + distance)
