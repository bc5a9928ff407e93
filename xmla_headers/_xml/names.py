"""Names in XML: which texts are names, and how a name is shown."""

from __future__ import annotations

import pyexpat

__all__ = [
    "is_ncname",
    "short",
]

# What cannot stand in a name, and would let the parser read something else.
_NAME_ENDS = frozenset(":/>< \t\r\n=\"'&!?\0")


def is_ncname(name: str) -> bool:
    """Whether expat takes it for a name, and it holds no colon (Namespaces in XML 1.0 §3)."""
    if name.isascii() and name.isidentifier():
        return True
    if not _NAME_ENDS.isdisjoint(name):
        return False
    try:
        pyexpat.ParserCreate("utf-8").Parse(f"<{name}/>".encode(), True)
    except (pyexpat.ExpatError, UnicodeEncodeError):
        return False
    return True


def short(name: str) -> str:
    """Return a name for a message, cut to a length that a person reads."""
    return name if len(name) <= 60 else f"{name[:60]}…"
