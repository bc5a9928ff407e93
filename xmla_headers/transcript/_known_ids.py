"""Knows the session ids of a capture, and masks them in any of its texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xmla_headers.model import mask

__all__ = ["KnownIds"]

# Session ids are found in other texts by this many first characters. Shorter ids are not searched for: they
# may be ordinary words, and `mask` shows four characters anyway.
_KEY = 5


class KnownIds:
    """The session ids of a capture, by their first characters: a text is searched for all of them at once."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[str, set[str]] = {}

    def add(self, session_id: str) -> None:
        """Remember an id."""
        if len(session_id) >= _KEY:
            self._ids.setdefault(session_id[:_KEY], set()).add(session_id)

    def masked(self, text: str) -> str:
        """Return a text in which each id shows its first four characters and its length."""
        return self.replaced(text, mask)

    def replaced(self, text: str, shown: Callable[[str], str]) -> str:
        """Return a text in which each id is replaced."""
        parts, start = [], 0
        for at, session_id in self.found(text):
            parts += [text[start:at], shown(session_id)]
            start = at + len(session_id)
        return "".join([*parts, text[start:]]) if parts else text

    def found(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the place of each id in a text, and the id; the longest one at a place."""
        # Most texts contain no id.
        if self._ids.keys().isdisjoint(text[at : at + _KEY] for at in range(len(text) - _KEY + 1)):
            return
        at = 0
        while at <= len(text) - _KEY:
            known = self._ids.get(text[at : at + _KEY], ())
            found = max((each for each in known if text.startswith(each, at)), key=len, default="")
            if found:
                yield at, found
            at += len(found) or 1
