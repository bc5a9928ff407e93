"""What XML 1.0 can carry, and how it is escaped."""

from __future__ import annotations

import re

__all__ = ["escape_attribute", "escape_text", "unencodable"]

# What XML 1.0 §2.2, production [2] Char, leaves out. Compiled by the first text that is not plain.
_NOT_CHAR = "[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"

# XML 1.0 §3.3.3: a literal TAB, LF or CR in an attribute value comes back as a space.
_ATTRIBUTE_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\t"): "&#9;",
    ord("\n"): "&#10;",
    ord("\r"): "&#13;",
}

_special = re.compile('[&<>"\t\n\r]').search


def unencodable(text: str) -> int | None:
    """Return the index of the first character that XML 1.0 cannot carry."""
    if text.isascii() and text.isprintable():
        return None
    found = re.search(_NOT_CHAR, text)
    return None if found is None else found.start()


def escape_attribute(value: str) -> str:
    """Return a value as it stands between double quotes."""
    # Most values need nothing, and a search costs a quarter of a translation.
    return value if _special(value) is None else value.translate(_ATTRIBUTE_ESCAPES)


def escape_text(value: str) -> str:
    """Return a value as it stands between tags."""
    # XML 1.0 §2.11: a literal CR comes back as LF. "]]>" must not stand in text.
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\r", "&#13;")
