"""Names in XML: which texts are names, and how a message shows them."""

from __future__ import annotations

import pyexpat

__all__ = [
    "NAME_CHARACTERS",
    "NAME_START",
    "clark",
    "is_ncname",
    "short",
    "split_clark",
]

# XML 1.0 §2.3, fifth edition, without the colon, for a class of a regular expression.
NAME_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
NAME_CHARACTERS = NAME_START + ".0-9\u00b7\u0300-\u036f\u203f-\u2040-"

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


def clark(namespace: str, local: str) -> str:
    """Return an expanded name in Clark notation: only the local name if there is no namespace."""
    return f"{{{namespace}}}{local}" if namespace else local


def split_clark(name: str) -> tuple[str, str]:
    """Return namespace and local name of a name in Clark notation."""
    namespace, brace, local = name.rpartition("}")
    return (namespace[1:], local) if brace else ("", name)


def short(name: str) -> str:
    """Return a name for a message, cut to 60 characters."""
    return name if len(name) <= 60 else f"{name[:60]}…"
