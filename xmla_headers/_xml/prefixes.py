"""Prefixes in scope -> the declarations that let XML stand alone."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from .escape import escape_attribute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["DEFAULT_PREFIX", "Scope", "declarations", "occurring_prefixes", "prefixes"]

# Up to so many prefixes are searched for one by one, at C speed.
_FEW = 16


def declarations(namespaces: Iterable[tuple[str, str]]) -> str:
    """Return namespace declarations, each with a space in front; the default one has the prefix ""."""
    return "".join(
        f' xmlns:{prefix}="{escape_attribute(namespace)}"'
        if prefix
        else f' xmlns="{escape_attribute(namespace)}"'
        for prefix, namespace in namespaces
    )


class Scope:
    """The prefixes around some XML, and which of them it needs.

    A prefix counts when the bytes `prefix:` stand anywhere, since it may be used inside a value only
    (`xsi:type="xsd:int"`); the default namespace always counts.
    """

    __slots__ = ("_endings", "_namespaces", "_places")

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        # Prefix -> its place among the others, when there are many.
        self._places: dict[str, int] = {}
        self._endings: dict[int, object] = {}

    def missing(self, xml: bytes, declared: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return prefix and namespace of what an element must declare that declares some itself."""
        namespaces = self._namespaces
        if len(namespaces) <= _FEW:
            return [
                (prefix, namespace)
                for prefix, namespace in namespaces.items()
                if prefix not in declared and (not prefix or prefix.encode() + b":" in xml)
            ]
        occurring = self._occurring(xml)
        if "" in namespaces:
            occurring.add("")
        needed = sorted((self._places[prefix], prefix) for prefix in occurring if prefix not in declared)
        return [(prefix, namespaces[prefix]) for _, prefix in needed]

    def _occurring(self, xml: bytes) -> set[str]:
        """Return the prefixes in front of colons, however many there are of both, in one walk over the XML.

        Searching for each would cost prefixes times bytes, and both are the sender's.
        """
        if not self._endings:
            self._places = {prefix: place for place, prefix in enumerate(self._namespaces)}
            self._endings = _tree(self._namespaces)
        occurring = set()
        colon = xml.find(b":")
        while colon >= 0:
            node: object = self._endings
            position = colon
            # No prefix holds a colon, so that no byte is walked over twice.
            while position and isinstance(node, dict):
                position -= 1
                node = node.get(xml[position])
                if isinstance(node, dict) and _END in node:
                    occurring.add(node[_END])
            colon = xml.find(b":", colon + 1)
        return occurring


# The key of the prefix that ends, or rather begins, at a node.
_END = -1


def _tree(prefixes: Iterable[str]) -> dict[int, Any]:
    """Return the prefixes as a tree of bytes, from their last to their first."""
    root: dict[int, Any] = {}
    for prefix in prefixes:
        node = root
        for byte in reversed(prefix.encode()):
            node = node.setdefault(byte, {})
        if prefix:
            node[_END] = prefix
    return root


DEFAULT_PREFIX = "soap"


# Where a candidate occurs, or is declared.
_OCCURRING = rb"(soap[0-9]*+):"


def prefixes() -> Iterator[str]:
    """Yield what may be a prefix for the SOAP namespace, the best one first."""
    return (f"{DEFAULT_PREFIX}{number or ''}" for number in count())


def occurring_prefixes(xml: bytes) -> set[str]:
    """Return those of `prefixes` that stand in front of a colon anywhere."""
    return {name.decode() for name in re.findall(_OCCURRING, xml)}
