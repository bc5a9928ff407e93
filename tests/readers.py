"""Readers as people write them, and the table in the README of the rules that they break.

To add a reader, add an entry to READERS. The harness finds the rules that it breaks; a failing test prints
the new table.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING
from xml.dom import minidom
from xml.etree import ElementTree as ET

from lxml import etree

from xmla_headers import RULES, SOAP_11_NS, XMLA_NS, Session, fuzzing
from xmla_headers.fuzzing import Behaviour, Disagreement, DisagreementKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    Reader: TypeAlias = Callable[[bytes], list[tuple[str, str | None]]]

# The row for valid messages that a reader misreads.
MISREAD = "misreads what is right"

_SESSION_ID = re.compile(r'sessionid="([^"]+)"', re.IGNORECASE)


def _lxml_by_local_name(data: bytes) -> list[tuple[str, str | None]]:
    found = etree.fromstring(data).xpath("//*[local-name() = 'Session']")
    assert isinstance(found, list)
    return [("Session", element.get("SessionId")) for element in found if isinstance(element, etree._Element)]


def _element_tree_find(data: bytes) -> list[tuple[str, str | None]]:
    found = ET.fromstring(data).find(f".//{{{XMLA_NS}}}Session")
    return [] if found is None else [("Session", found.get("SessionId"))]


def _element_tree_dict(data: bytes) -> list[tuple[str, str | None]]:
    header = ET.fromstring(data).find(f"{{{SOAP_11_NS}}}Header")
    blocks = {} if header is None else {block.tag: block.get("SessionId") for block in header}
    return [("Session", sid) for tag, sid in blocks.items() if tag == f"{{{XMLA_NS}}}Session"]


def _minidom_first(data: bytes) -> list[tuple[str, str | None]]:
    found = minidom.parseString(data).getElementsByTagNameNS(XMLA_NS, "Session").item(0)
    return [] if found is None else [("Session", found.getAttribute("SessionId"))]


def _regular_expression(data: bytes) -> list[tuple[str, str | None]]:
    found = _SESSION_ID.search(data.decode("utf-8", "replace"))
    return [] if found is None else [("Session", found[1])]


READERS: Mapping[str, Reader] = {
    "lxml, by local name": _lxml_by_local_name,
    "ElementTree `find`": _element_tree_find,
    "ElementTree into a dict": _element_tree_dict,
    "minidom `item(0)`": _minidom_first,
    '`/sessionid="([^"]+)"/i`': _regular_expression,
}


@cache
def broken_rules(reader: Reader) -> frozenset[str]:
    """Return the rules that a reader breaks in the first pass, as the harness finds them."""
    types = {Session.spec.qname: Session}
    # After the first pass, the names begin with mixed/.
    cases = takewhile(lambda case: not case.name.startswith("mixed/"), fuzzing.iter_cases(types=types))
    return frozenset(_row(difference) for difference in fuzzing.compare(reader, cases, timeout=60))


def _row(difference: Disagreement) -> str:
    if difference.rule in RULES:
        broken = difference.kind is DisagreementKind.ACCEPTED_BROKEN
        return f"accepts `{difference.rule}`" if broken else f"misreads `{difference.rule}`"
    return difference.rule if difference.rule in set(Behaviour) else MISREAD


# In the order of the table.
_ROWS = (
    *Behaviour,
    MISREAD,
    *(f"misreads `{code}`" for code in RULES),
    *(f"accepts `{code}`" for code in RULES),
)


def table(broken: Mapping[str, Iterable[str]]) -> str:
    """Return a table with a row for each rule that a reader breaks."""
    lines = [f"| rule | {' | '.join(broken)} |", f"|---|{'---|' * len(broken)}"]
    for row in _ROWS:
        cells = ["yes" if row in rules else "" for rules in broken.values()]
        if any(cells):
            lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
