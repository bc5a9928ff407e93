"""Names in XML: which texts are names, and how a message shows them."""

from __future__ import annotations

import pyexpat

__all__ = [
    "is_ncname",
    "short",
]

# Characters that no name holds and that would make the parser read more than a name.
_NAME_ENDS = frozenset(":/>< \t\r\n=\"'&!?\0")


def is_ncname(name: str) -> bool:
    """Whether expat accepts a text as a name, and it has no colon (Namespaces in XML 1.0 §3)."""
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
    """Return a name for a message, cut to 60 characters."""
    return name if len(name) <= 60 else f"{name[:60]}…"
