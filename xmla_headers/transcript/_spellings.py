"""Knows when two texts are one session id in different spellings."""

from __future__ import annotations

__all__ = ["canonical", "difference"]

_BRACES = "{}()"


def canonical(session_id: str) -> str:
    """Return an id without letter case, and without the braces and white space around it.

    >>> from xmla_headers.transcript._spellings import canonical
    >>> canonical(" {9F2C-41D0} ")
    '9f2c-41d0'
    """
    return session_id.strip().strip(_BRACES).strip().casefold()


def difference(one: str, other: str) -> str:
    """Return what differs in two spellings of one id: letter case, braces, white space.

    >>> from xmla_headers.transcript._spellings import difference
    >>> difference("{9f2c}", "9F2C")
    'letter case and braces'
    """
    bare = [text.strip() for text in (one, other)]
    inner = [text.strip(_BRACES).strip() for text in bare]
    found = []
    if inner[0] != inner[1]:
        found.append("letter case")
    if (bare[0] != inner[0]) != (bare[1] != inner[1]) or (bare[0][:1] in _BRACES) != (bare[1][:1] in _BRACES):
        found.append("braces")
    if [len(one) - len(bare[0])] != [len(other) - len(bare[1])]:
        found.append("white space")
    return " and ".join(found)
