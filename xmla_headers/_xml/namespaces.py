"""Namespaces in XML 1.0, and the limits on names and attributes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from xmla_headers._immutable import ReadOnly
from xmla_headers.findings import Code
from xmla_headers.soap import XML_NS, XMLNS_NS, Limits

from .fatal import Fatal, limit_exceeded
from .names import is_ncname, short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    # Namespace, local name and value of an attribute, and its name as written.
    Attribute: TypeAlias = tuple[str, str, str, str]
    # Namespace, local name, attributes and declarations (prefix -> namespace) of an element.
    Entered: TypeAlias = tuple[str, str, list[Attribute], dict[str, str] | None]

__all__ = ["NamespaceError", "Namespaces", "check_declaration"]

# Declarations of these prefixes, or of these namespaces, need a check.
_PREFIXES = frozenset({"xml", "xmlns"})
_NAMESPACES = frozenset({"", XML_NS, XMLNS_NS})


# Shared by all elements without attributes, and never changed.
_NO_ATTRIBUTES: list[Attribute] = []


class NamespaceError(Exception):
    """A start tag breaks Namespaces in XML 1.0."""


class Namespaces:
    """The prefixes in scope while a parser opens and closes elements.

    All elements share one dict. To copy the scope for each element would take quadratic time in a message
    that declares many prefixes.
    """

    __slots__ = ("_max_attributes", "_max_name", "_undo", "bindings")

    def __init__(self, limits: Limits, outer: Mapping[str, str]) -> None:
        # Prefix -> namespace; the default namespace has the prefix "".
        self.bindings = {"xml": XML_NS, **outer}
        # For each open element with declarations: the outer binding of each prefix that it declares.
        self._undo: list[dict[str, str | None]] = []
        maximum = limits.max_attributes
        self._max_attributes = sys.maxsize if maximum is None else 2 * maximum
        maximum = limits.max_name_length
        self._max_name = sys.maxsize if maximum is None else maximum

    def scope(self) -> Mapping[str, str]:
        """Return a copy of the prefixes in scope, without those that need no declaration."""
        bindings = self.bindings.items()
        return ReadOnly({name: bound for name, bound in bindings if bound and name != "xml"})

    def enter(self, name: str, flat: list[str], offset: int) -> Entered:
        """Open an element; `flat` alternates attribute names and values. Raises Fatal."""
        bindings = self.bindings
        attributes = _NO_ATTRIBUTES
        declared: dict[str, str] | None = None
        if len(name) > self._max_name:
            raise self._too_long("an element name", offset)
        try:
            if flat:
                attributes, declared, qualified = self._read(flat, offset)
                if declared is not None:
                    self._undo.append({prefix: bindings.get(prefix) for prefix in declared})
                    bindings.update(declared)
                if qualified:
                    self._resolve(attributes, qualified)
            if ":" not in name:
                return bindings.get("", ""), name, attributes, declared
            namespace, local = self._expand(name)
        except NamespaceError as error:
            if declared is not None:
                self.leave()
            message = f"not well-formed by Namespaces in XML: {error}"
            raise Fatal(Code.NOT_WELL_FORMED, message, offset, element=name) from None
        return namespace, local, attributes, declared

    def leave(self) -> None:
        """Close the innermost open element that has declarations. Call it for no other element."""
        bindings = self.bindings
        for prefix, namespace in self._undo.pop().items():
            if namespace is None:
                del bindings[prefix]
            else:
                bindings[prefix] = namespace

    def _read(self, flat: list[str], offset: int) -> tuple[list[Attribute], dict[str, str] | None, list[int]]:
        """Return the attributes, the declarations, and the indexes of the attributes with a prefix.

        The prefixes are not resolved yet, but all limits are checked.
        """
        if len(flat) > self._max_attributes:
            message = f"an element has more than {self._max_attributes // 2} attributes"
            raise limit_exceeded("max_attributes", message, offset)
        attributes: list[Attribute] = []
        declared: dict[str, str] | None = None
        qualified: list[int] = []
        maximum = self._max_name
        pairs = iter(flat)
        for name, value in zip(pairs, pairs, strict=True):
            if len(name) > maximum:
                raise self._too_long("an attribute name", offset)
            if name == "xmlns":
                prefix = ""
            elif ":" not in name:
                attributes.append(("", name, value, name))
                continue
            elif name.startswith("xmlns:"):
                prefix = split(name)[1]
            else:
                qualified.append(len(attributes))
                attributes.append(("", "", value, name))
                continue
            if len(value) > maximum:
                raise self._too_long("a namespace name", offset)
            if value in _NAMESPACES or prefix in _PREFIXES:
                check_declaration(prefix, value)
            if declared is None:
                declared = {}
            declared[prefix] = value
        return attributes, declared, qualified

    def _too_long(self, what: str, offset: int) -> Fatal:
        message = f"{what} is longer than {self._max_name} characters"
        return limit_exceeded("max_name_length", message, offset)

    def _resolve(self, attributes: list[Attribute], qualified: list[int]) -> None:
        """Resolve the prefixes of attributes, given the indexes of those that have one."""
        expanded = set()
        for place in qualified:
            _, _, value, name = attributes[place]
            qname = self._expand(name)
            # expat compares names as written; two prefixes of one namespace must be found here.
            if qname in expanded:
                msg = f"the attribute {short(name)} occurs twice, with two prefixes"
                raise NamespaceError(msg)
            expanded.add(qname)
            attributes[place] = (*qname, value, name)

    def _expand(self, name: str) -> tuple[str, str]:
        """Return the namespace and the local part of a name with a colon."""
        prefix, _, local = name.partition(":")
        namespace = self.bindings.get(prefix)
        if not (namespace and prefix and local.isascii() and local.isidentifier()):
            prefix, local = split(name)
            if namespace is None:
                msg = f"the prefix {short(prefix)} is not declared"
                raise NamespaceError(msg)
        return namespace, local


def split(name: str) -> tuple[str, str]:
    """Return the prefix and the local part of a name with a colon."""
    prefix, _, local = name.partition(":")
    if prefix and local.isascii() and local.isidentifier():
        return prefix, local
    if not prefix or not local or ":" in local:
        msg = f"{short(name)} is not a qualified name: only one colon is allowed, and not at an end"
        raise NamespaceError(msg)
    # expat has checked the whole name; the part after the colon must be a name as well.
    if not is_ncname(local):
        msg = f"{short(name)} is not a qualified name: the part after the colon is not a name"
        raise NamespaceError(msg)
    return prefix, local


def check_declaration(prefix: str, namespace: str) -> None:
    """Check a namespace declaration by Namespaces in XML 1.0 §2.2 and §3. Raises NamespaceError."""
    if prefix == "xmlns":
        msg = "the prefix xmlns must not be declared"
    elif (prefix == "xml") != (namespace == XML_NS):
        msg = "the prefix xml and its namespace may only be bound to each other"
    elif namespace == XMLNS_NS:
        msg = "the namespace of xmlns must not be declared"
    elif prefix and not namespace:
        msg = f"the prefix {short(prefix)} cannot be undeclared"
    else:
        return
    raise NamespaceError(msg)
