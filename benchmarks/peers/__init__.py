"""The peers: what decode and encode do, done with one library in each file, as its documentation has it.

They are imported late, since any of them may be missing; what cannot be measured has a reason.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DISTRIBUTIONS", "NAMES", "SOAP", "XMLA", "Block", "Message", "Peer", "installed", "peer"]

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XMLA = "urn:schemas-microsoft-com:xml-analysis"

#: Module in this package -> the distribution that it needs, and what is said where that is missing.
_NEEDED = {
    "lxml": ("lxml", "lxml is not installed"),
    "elementtree": ("defusedxml", "defusedxml is not installed"),
    "xmltodict": ("xmltodict", "xmltodict is not installed"),
    "xsdata": ("xsdata", "xsdata is not installed"),
    "zeep": ("zeep", "zeep is not installed"),
    "spyne": ("spyne", "spyne is not installed; it runs on CPython 3.11 and older"),
}
NAMES = tuple(_NEEDED)
DISTRIBUTIONS = tuple(distribution for distribution, _ in _NEEDED.values())


class Block(NamedTuple):
    """A header block, as far as a peer tells it."""

    #: In Clark notation.
    name: str
    session_id: str | None = None
    must_understand: bool = False


class Message(NamedTuple):
    """What `read` returns."""

    blocks: list[Block]
    #: Whatever the library makes of it.
    body: Any


class Peer(NamedTuple):
    """What one library can do; a reason where it cannot."""

    name: str
    #: bytes -> Message; raises for what it refuses.
    read: Callable[[bytes], Message]
    #: (session id, the Body's one element as bytes) -> a request with a Session header.
    write: Callable[[str, bytes], bytes] | str
    #: Chunks -> the root of the tree that they make.
    stream: Callable[[list[bytes]], object] | str
    #: Why `read` is not asked to read an answer; empty if it is.
    no_answers: str
    #: What `read` lets pass of the things that decode refuses, by their names in tests/test_peers.py.
    lets_pass: frozenset[str]
    #: `read` tells of the blocks that it has been told of, no others.
    passes_over_unknown_blocks: bool
    #: `read` does not tell whether a block must be understood.
    passes_over_must_understand: bool


def peer(name: str) -> Peer | str:
    """Return a peer, or why it is not there."""
    _, missing = _NEEDED[name]
    try:
        module: Any = import_module(f"{__name__}.{name}")
    except ImportError:
        return missing
    return Peer(
        name,
        module.read,
        module.write,
        getattr(module, "stream", f"{name}: reads no message in pieces"),
        getattr(module, "NO_ANSWERS", ""),
        module.LETS_PASS,
        getattr(module, "PASSES_OVER_UNKNOWN_BLOCKS", False),
        getattr(module, "PASSES_OVER_MUST_UNDERSTAND", False),
    )


def installed() -> tuple[dict[str, Peer], list[str]]:
    """Return the peers that are there, and why the others are not."""
    found = {name: peer(name) for name in NAMES}
    there = {name: one for name, one in found.items() if isinstance(one, Peer)}
    return there, [one for one in found.values() if isinstance(one, str)]
