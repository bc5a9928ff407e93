"""What XML 1.0 can carry, and how it is escaped."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["declarations", "escape_attribute", "missing_declarations", "unencodable"]

#: What XML 1.0 §2.2, production [2] Char, leaves out.
_NOT_CHAR = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

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


def unencodable(text: str) -> int | None:
    """Return the index of the first character that XML 1.0 cannot carry."""
    if text.isascii() and text.isprintable():
        return None
    found = _NOT_CHAR.search(text)
    return None if found is None else found.start()


def escape_attribute(value: str) -> str:
    """Return a value as it stands between double quotes."""
    return value.translate(_ATTRIBUTE_ESCAPES)


def declarations(namespaces: Iterable[tuple[str, str]]) -> str:
    """Return namespace declarations, each with a space in front; the default one has the prefix ""."""
    return "".join(
        f' xmlns:{prefix}="{escape_attribute(namespace)}"'
        if prefix
        else f' xmlns="{escape_attribute(namespace)}"'
        for prefix, namespace in namespaces
    )


def missing_declarations(
    xml: bytes, scope: Mapping[str, str], declared: Mapping[str, str] | None
) -> list[tuple[str, str]]:
    """Return what of `scope` an element must declare itself in order to stand alone.

    A prefix counts when the bytes `prefix:` stand anywhere in it, since it may be used inside a value
    only (`xsi:type="xsd:int"`); the default namespace always counts.
    """
    return [
        (prefix, namespace)
        for prefix, namespace in scope.items()
        if (declared is None or prefix not in declared) and (not prefix or b"%b:" % prefix.encode() in xml)
    ]
