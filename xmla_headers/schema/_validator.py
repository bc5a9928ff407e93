"""Knows how to check a message against XML schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import nsmallest
from types import MappingProxyType
from typing import TYPE_CHECKING

import xmlschema

from xmla_headers._codec.options import DEFAULT_LIMITS, Reading, buffer_of
from xmla_headers._xml.names import short
from xmla_headers._xml.positions import Locator
from xmla_headers._xml.reader import read
from xmla_headers.findings import RULES, Code, Finding
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import Limits
from xmla_headers.typing import Data

from ._errors import Violations
from ._files import OWN_SCHEMAS, read_schema
from ._loading import load_together
from ._located_trees import placed_elements
from ._sources import resolve

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmla_headers._xml.raw import RawMessage

    from ._located_trees import PlacedElement

__all__ = ["MOST_FINDINGS", "SchemaValidator"]

MOST_FINDINGS = 100
"""The most violations of one message that are reported; one more finding reports that there are more."""


class SchemaValidator:
    """Checks header blocks and the content of the Body against XML schemas (1.0).

    Nothing is ever fetched, whatever a schema or a message says. Treat a schema as code: the time that its
    patterns take for values of a message, or for its own default values, has no bound. Other costs are
    bounded as for `specs_from_schema`.

    Args:
        schemas: Name -> text of each schema; None for the two schemas that come with the package. An
            xs:include or xs:import finds the schema that its schemaLocation names, by the whole name or by
            its last part; an xs:import finds it by its namespace too. xs:redefine is not supported.

    Raises:
        SchemaError: A text is not a schema, exceeds a bound, or refers to an unknown schema.
        TypeError: `schemas` is not a mapping of str to str.

    >>> from xmla_headers.schema import SchemaValidator
    >>> session = b'<Session xmlns="urn:schemas-microsoft-com:xml-analysis"/>'
    >>> envelope = b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">'
    >>> message = envelope + b"<e:Header>" + session + b"</e:Header><e:Body/></e:Envelope>"
    >>> [finding.message for finding in SchemaValidator().iter_findings(message)]
    ['Session has no SessionId']
    """

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
        """Yield the violations of the schemas, by offset: header blocks and children of the Body.

        A header block or child of the Body is checked if a schema declares its name, even if `decode`
        refuses the message. A message that is not a readable SOAP Envelope has no findings here; the
        function `iter_findings` of the package reports the reason.

        Args:
            data: The message.
            encoding: The charset of the transport, as for `decode`; None for none.
            limits: The limits, as for `decode`. Nothing is checked in a message that exceeds them.

        Returns:
            At most 101 findings `schema-violation`. The last of 101 reports that the rest is left out.

        Raises:
            TypeError: An argument has the wrong type.

        >>> list(SchemaValidator().iter_findings(encode(Envelope(Header(BeginSession())))))
        []
        """
        reading = Reading(SESSION_BLOCKS, None, False, (), encoding, limits)
        buffer = buffer_of(data)
        # The buffer is read again while the caller takes findings, and may have changed by then.
        whole = buffer if isinstance(buffer, bytes) else bytes(buffer)
        return self._findings(read(whole, encoding=reading.encoding, limits=reading.limits, deep=True))

    def _findings(self, message: RawMessage) -> Iterator[Finding]:
        """Yield the findings of a message that has been read."""
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
        """Yield offset in the text, path and message of each violation in an element, by offset."""
        try:
            resource = _Resource(placed.tree, placed.declarations())
            words = Violations(placed)
            errors = self._schema.iter_errors(
                resource,
                namespaces=placed.bindings,
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
            # An element that has not been found valid must have a finding.
            yield placed.offset, placed.path, _unjudged(placed, error)
            return
        for element, text, attribute in violations:
            path = placed.path_of(element)
            yield placed.offset_of(element), path if attribute is None else f"{path}/@{attribute}", text


def _unjudged(placed: PlacedElement, error: Exception) -> str:
    """Return the message about an element without a verdict; it quotes nothing of the exception."""
    name = short(placed.name)
    if isinstance(error, RecursionError):
        reason = "it, or the schema, nests too deep"
    elif isinstance(error, KeyError):
        # xmlschema raises this inside of the element.
        reason = "an xsi:type in it names no type that the schema declares"
    else:
        reason = type(error).__name__
    return f"{name} cannot be checked against the schema: {reason}"


class _Resource(xmlschema.XMLResource):
    """A tree, and the namespaces that are declared in it: values may contain prefixes.

    xmlschema never gets the text, since it opens a text that does not begin with "<" as a path.
    """

    def __init__(self, tree: Element, declared: dict[Element, list[tuple[str, str]]]) -> None:
        super().__init__(tree, allow="none", defuse="always")
        self._namespaces_declared = declared

    def get_xmlns(self, elem: Element) -> list[tuple[str, str]] | None:
        """Return the namespaces that an element declares."""
        return self._namespaces_declared.get(elem)
