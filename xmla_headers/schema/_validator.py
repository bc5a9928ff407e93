"""SchemaValidator: a second opinion on messages, that of an XML schema."""

from __future__ import annotations

from heapq import nsmallest
from types import MappingProxyType

import xmlschema

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading, buffer_of
from xmla_headers._xml.names import short
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.reader import read
from xmla_headers.findings import RULES, Code, Finding
from xmla_headers.session_headers import SESSION_BLOCKS

from ._errors import Violations
from ._files import OWN_SCHEMAS, read_schema
from ._loading import load_together
from ._located_trees import placed_elements
from ._sources import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

    from xmla_headers._xml.raw import RawMessage
    from xmla_headers.soap import Limits
    from xmla_headers.typing import Data

    from ._located_trees import PlacedElement

__all__ = ["MOST_FINDINGS", "SchemaValidator"]

#: The most that is said about one message; one more finding says that there is more.
MOST_FINDINGS = 100


class SchemaValidator:
    """Holds header blocks, and what stands in the Body, to XML schemas (1.0).

    `schemas` maps names to texts; without it, they are the two that come with the package. An xs:include
    or xs:import finds what its schemaLocation names among them, by the whole name or by its last part, an
    xs:import also by its namespace; nothing is ever fetched, whatever a schema or a message says.
    xs:redefine is not supported. A schema is code of yours: the time that a pattern in it takes, for a value
    of a message or a default value of the schema, is not bounded. All else is, as for `specs_from_schema`.
    Raises SchemaError for whatever else a text is, and TypeError for what is not a mapping of str to str.
    """

    __slots__ = ("_declared", "_schema")

    def __init__(self, schemas: Mapping[str, str] | None = None) -> None:
        if schemas is None:
            schemas = {name: read_schema(name) for name in OWN_SCHEMAS}
        self._schema, self._declared = load_together(resolve(schemas))

    @property
    def declared(self) -> Mapping[str, str]:
        """Name of each global element, in Clark notation -> the name of the schema that declares it."""
        return MappingProxyType(self._declared)

    def iter_findings(
        self, data: Data, *, encoding: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Iterator[Finding]:
        """Yield what the schemas do not allow (`schema-violation`), by offset.

        In the header blocks and the children of the Body whose names a schema declares; of the others it
        says nothing. Nor of a message that cannot be read or is no SOAP Envelope: `iter_findings` of the
        package has said why. One that is refused for another reason is looked at all the same. After 100
        findings one more says that the rest is left out. `encoding` and `limits` are those of `decode`;
        the message is held to Namespaces in XML and to the limits, those on depth, attributes and names
        included, before a tree of anything is built.
        """
        reading = Reading(SESSION_BLOCKS, None, False, (), encoding, limits)
        buffer = buffer_of(data)
        # One copy of a mutable buffer: it is looked at again while findings are asked for.
        whole = buffer if isinstance(buffer, bytes) else bytes(buffer)
        return self._findings(read(whole, encoding=reading.encoding, limits=reading.limits, deep=True))

    def _findings(self, message: RawMessage) -> Iterator[Finding]:
        if message.fatal is not None or message.opaque:
            return
        locator = Locator(message.source)
        rule = RULES[Code.SCHEMA_VIOLATION]
        count = 0
        for placed in placed_elements(message, self._declared):
            reference = f"{self._declared[placed.qname]} ({short(placed.namespace)})"
            for position, path, text in self._violations(placed):
                offset, line, column = locator.locate(position)
                count += 1
                if count > MOST_FINDINGS:
                    text = f"there are more violations than {MOST_FINDINGS}; the rest is left out"  # noqa: PLW2901
                yield Finding(rule.code, rule.severity, text, path, line, column, offset, None, reference)
                if count > MOST_FINDINGS:
                    return

    def _violations(self, placed: PlacedElement) -> Iterator[tuple[int, str, str]]:
        """Yield offset in the text, path and message of what is wrong with an element, by offset."""
        try:
            resource = _Resource(placed.tree, placed.declarations())
            words = Violations(placed)
            errors = self._schema.iter_errors(
                resource,
                namespaces=dict(placed.scope),
                use_location_hints=False,
                validation_hook=words.note,
            )
            violations = nsmallest(
                MOST_FINDINGS + 1,
                # Several errors may be about the same violation.
                dict.fromkeys(violation for error in errors for violation in words.of(error)),
                key=lambda violation: placed.offset_of(violation.element),
            )
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever it is, the element has not been found valid, and must not pass in silence.
            yield placed.offset, placed.path, _unjudged(placed, error)
            return
        for element, text, attribute in violations:
            path = placed.path_of(element)
            yield placed.offset_of(element), path if attribute is None else f"{path}/@{attribute}", text


def _unjudged(placed: PlacedElement, error: Exception) -> str:
    """Return what is said of an element about which there is no verdict, without a word of the error's."""
    name = short(placed.name)
    if isinstance(error, RecursionError):
        return f"{name} cannot be held to the schema: it, or the schema, nests too deep"
    if isinstance(error, KeyError):
        # What xmlschema raises for that inside of an element.
        return (
            f"{name} cannot be held to the schema: an xsi:type in it names no type that the schema declares"
        )
    return f"{name} cannot be held to the schema: {type(error).__name__}"


class _Resource(xmlschema.XMLResource):
    """A tree, and the namespaces that are declared in it, since values may hold prefixes.

    xmlschema is never handed a text: one that does not begin with "<" it would take for a path.
    """

    def __init__(self, tree: Element, declared: dict[Element, list[tuple[str, str]]]) -> None:
        super().__init__(tree, allow="none", defuse="always")
        self._namespaces_declared = declared

    def get_xmlns(self, elem: Element) -> list[tuple[str, str]] | None:
        """Return the namespaces that an element declares."""
        return self._namespaces_declared.get(elem)
