"""Namespace prefixes: which ones a piece of XML needs, and how they are declared."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from .escape import escape_attribute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["DEFAULT_PREFIX", "Scope", "declarations", "occurring_prefixes", "prefixes"]

# Up to this number of prefixes, each is searched for on its own, at C speed.
_FEW = 16


def declarations(namespaces: Iterable[tuple[str, str]]) -> str:
    """Return namespace declarations, each after a space; the default namespace has the prefix ""."""
    return "".join(
        f' xmlns:{prefix}="{escape_attribute(namespace)}"'
        if prefix
        else f' xmlns="{escape_attribute(namespace)}"'
        for prefix, namespace in namespaces
    )


class Scope:
    """The prefixes in scope around a piece of XML, and which of them it needs.

    A prefix is needed if the bytes `prefix:` occur anywhere, since a value may use it
    (`xsi:type="xsd:int"`). The default namespace is always needed.
    """

    __slots__ = ("_endings", "_namespaces", "_places")

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        # Prefix -> its index in the scope; filled if there are many prefixes.
        self._places: dict[str, int] = {}
        self._endings: dict[int, object] = {}

    def missing(self, xml: bytes, declared: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return prefix and namespace of the declarations that an element needs but does not have."""
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
        """Return the prefixes that occur before a colon, in one pass over the XML.

        A search for each prefix would take prefixes times bytes, and the sender chooses both.
        """
        if not self._endings:
            self._places = {prefix: place for place, prefix in enumerate(self._namespaces)}
            self._endings = _tree(self._namespaces)
        occurring = set()
        colon = xml.find(b":")
        while colon >= 0:
            node: object = self._endings
            position = colon
            # No prefix holds a colon, so no byte is visited twice.
            while position and isinstance(node, dict):
                position -= 1
                node = node.get(xml[position])
                if isinstance(node, dict) and _END in node:
                    occurring.add(node[_END])
            colon = xml.find(b":", colon + 1)
        return occurring


# The key of a prefix at the node of its first byte, where the search backwards ends.
_END = -1


def _tree(prefixes: Iterable[str]) -> dict[int, Any]:
    """Return the prefixes as a tree of bytes, each from its last byte to its first."""
    root: dict[int, Any] = {}
    for prefix in prefixes:
        node = root
        for byte in reversed(prefix.encode()):
            node = node.setdefault(byte, {})
        if prefix:
            node[_END] = prefix
    return root


DEFAULT_PREFIX = "soap"


# A prefix from `prefixes` before a colon.
_OCCURRING = rb"(soap[0-9]*+):"


def prefixes() -> Iterator[str]:
    """Yield candidates for the prefix of the SOAP namespace, the best one first."""
    return (f"{DEFAULT_PREFIX}{number or ''}" for number in count())


def occurring_prefixes(xml: bytes) -> set[str]:
    """Return the candidates of `prefixes` that occur before a colon."""
    return {name.decode() for name in re.findall(_OCCURRING, xml)}
