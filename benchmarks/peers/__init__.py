"""The peers: one library in each file does the job of decode and encode, as its documentation shows.

Each is imported when it is needed, because any of them may be missing. A text says why a job cannot be
measured.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DISTRIBUTIONS", "NAMES", "SOAP", "XMLA", "Block", "Message", "Peer", "installed", "peer"]

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = "urn:schemas-microsoft-com:xml-analysis"

# Module in this package -> the distribution that it needs (None for none), and the text if that is missing.
_NEEDED: dict[str, tuple[str | None, str]] = {
    "lxml": ("lxml", "lxml is not installed"),
    "lxml_thorough": ("lxml", "lxml is not installed"),
    "elementtree": ("defusedxml", "defusedxml is not installed"),
    "xmltodict": ("xmltodict", "xmltodict is not installed"),
    "xsdata": ("xsdata", "xsdata is not installed"),
    "zeep": ("zeep", "zeep is not installed"),
    "spyne": ("spyne", "spyne is not installed; it runs on CPython 3.11 and older"),
    "pygixml": ("pygixml", "pygixml is not installed"),
    "soapbar": ("soapbar", "soapbar is not installed"),
    "suds": ("suds", "suds is not installed"),
    "pydantic_xml": ("pydantic-xml", "pydantic-xml is not installed"),
    "regex": (None, ""),
}
NAMES = tuple(_NEEDED)
DISTRIBUTIONS = tuple(dict.fromkeys(each for each, _ in _NEEDED.values() if each is not None))


class Block(NamedTuple):
    """A header block as a peer returns it."""

    # The expanded name in Clark notation.
    name: str
    session_id: str | None = None
    must_understand: bool = False


class Message(NamedTuple):
    """A message as `read` returns it."""

    blocks: list[Block]
    # An object of the library.
    body: Any


class Peer(NamedTuple):
    """The jobs of one library; a text in place of a job says why it cannot do that."""

    name: str
    # Takes bytes; raises if it refuses them.
    read: Callable[[bytes], Message]
    # Takes a session id and the one element of the Body as bytes; returns a request with a Session header.
    write: Callable[[str, bytes], bytes] | str
    # Takes chunks; returns the root of the tree.
    stream: Callable[[list[bytes]], object] | str
    # Why `read` cannot read answers; empty if it can.
    no_answers: str
    # The messages that `read` accepts and decode refuses, by their names in tests/test_peers.py.
    accepts: frozenset[str]
    # `read` returns only blocks that are declared to it.
    ignores_unknown_blocks: bool
    # `read` does not return whether a block must be understood.
    ignores_must_understand: bool


def peer(name: str) -> Peer | str:
    """Return a peer, or the reason why it is missing."""
    _, missing = _NEEDED[name]
    try:
        module: Any = import_module(f"{__name__}.{name}")
    except ImportError:
        return missing
    return Peer(
        name,
        module.read,
        module.write,
        getattr(module, "stream", f"{name}: cannot read a message in pieces"),
        getattr(module, "NO_ANSWERS", ""),
        module.ACCEPTS,
        getattr(module, "IGNORES_UNKNOWN_BLOCKS", False),
        getattr(module, "IGNORES_MUST_UNDERSTAND", False),
    )


def installed() -> tuple[dict[str, Peer], list[str]]:
    """Return the installed peers, and the reasons why others are missing."""
    found = {name: peer(name) for name in NAMES}
    there = {name: one for name, one in found.items() if isinstance(one, Peer)}
    return there, [one for one in found.values() if isinstance(one, str)]
