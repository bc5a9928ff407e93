"""Knows how schemas refer to each other, and makes texts without references of them.

xmlschema never sees a schemaLocation, so that it has nothing to fetch.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers._checks import wrong_type
from xmla_headers._xml.escape import escape_attribute
from xmla_headers._xml.fatal import Fatal
from xmla_headers._xml.names import short
from xmla_headers._xml.prefixes import declarations
from xmla_headers._xml.raw import RawElement, certain, element_end
from xmla_headers._xml.walker import Walker
from xmla_headers.findings import Code
from xmla_headers.soap import XML_NS, XSI_NS

from ._bounds import MOST_CHARACTERS, XSD, Bounds, find_too_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._bounds import Model

__all__ = ["SchemaError", "Source", "isolated", "resolve", "unreadable"]

# The namespaces that every processor of XML schemas knows.
_BUILT_IN = frozenset({XSD, XML_NS, XSI_NS})


class SchemaError(ValueError):
    """A schema cannot be read, exceeds a bound, refers to an unknown schema, or declares no header blocks.

    The message begins with the name of the schema, if it was given one.
    """


class Source(NamedTuple):
    """A schema without references."""

    name: str
    """The name that it was given."""
    text: str
    namespace: str
    """The namespace of its components: its targetNamespace, or that of the schemas that include it."""


def _check_text(text: object) -> str:
    """Return the text of a schema, without a byte order mark.

    Raises TypeError if it is not a str, and SchemaError if it is not XML, but a path for example.
    """
    if not isinstance(text, str):
        raise wrong_type("a schema", "passed as str", text)
    text = text.removeprefix("\ufeff")
    # xmlschema would open a text that does not begin with "<" as a path or an address.
    if not text.lstrip().startswith("<"):
        raise SchemaError("this is not an XML schema (pass its text, not its path)")
    if "\0" in text:
        # As the second character it would make expat read UTF-16.
        raise SchemaError("this is not an XML schema: it contains U+0000")
    if len(text) > MOST_CHARACTERS:
        raise SchemaError(f"the schema has more than {MOST_CHARACTERS} characters")
    return text


def isolated(text: object) -> str:
    """Return a schema without its imports, for its declarations.

    Its patterns are moved to a type of their own: loading the schema checks them, and compares no default
    value with them, which may take exponential time. Raises TypeError if the text is not a str, and
    SchemaError.
    """
    document = _read("", text, patterns_apart=True)
    list(_links(document, {}))
    _check_sizes([document])
    return document.text


def resolve(schemas: Mapping[str, str]) -> list[Source]:
    """Return the schemas without references, each one once for each namespace that it belongs to.

    `schemas` maps names to texts; the schemas include and import each other by these names. Raises
    SchemaError if one cannot be parsed or refers to an unknown schema, and TypeError for another argument.
    """
    if not isinstance(schemas, Mapping):
        raise wrong_type("schemas", "a mapping of name to the text of a schema", schemas)
    for name in schemas:
        if not isinstance(name, str):
            raise wrong_type("the name of a schema", "str", name)
    if not schemas:
        raise SchemaError("no schema was given")
    documents = {name: _read(name, text) for name, text in schemas.items()}
    _check_sizes(documents.values())
    links = {name: list(_links(document, documents)) for name, document in documents.items()}
    included = {target for targets in links.values() for target in targets}
    # A schema without a namespace takes that of the schema that includes it (XML Schema Part 1 §4.2.1).
    pending = [
        (name, document.namespace)
        for name, document in documents.items()
        if document.namespace or name not in included
    ]
    seen = dict.fromkeys(pending)
    for name, namespace in pending:
        for target in links[name]:
            key = target, namespace
            if key not in seen:
                seen[key] = None
                pending.append(key)
    for name, document in documents.items():
        _check_imports(name, document, documents, {namespace for _, namespace in seen})
    sources = [Source(name, documents[name].text, namespace) for name, namespace in seen]
    # A schema without a namespace counts once for each namespace that includes it.
    if sum(len(source.text) for source in sources) > MOST_CHARACTERS:
        raise SchemaError(f"the schemas have more than {MOST_CHARACTERS} characters together")
    return sources


_REFERENCES = frozenset({"include", "import", "redefine", "override"})


class _Reference(NamedTuple):
    """An xs:include, xs:import, xs:redefine or xs:override."""

    kind: str
    location: str | None
    namespace: str


class _Document(NamedTuple):
    """A schema that has been read."""

    name: str
    # The schema without its references.
    text: str
    namespace: str
    references: list[_Reference]
    models: list[Model]


def _read(name: str, text: object, *, patterns_apart: bool = False) -> _Document:
    """Read a schema; raises SchemaError if it is not XML or exceeds a bound."""
    try:
        data = _check_text(text).encode()
    except UnicodeEncodeError:
        raise SchemaError(about(name, "a schema cannot contain half of a surrogate pair")) from None
    except SchemaError as error:
        raise SchemaError(about(name, str(error))) from None
    reader = _ReferenceReader(data, patterns_apart=patterns_apart)
    try:
        reader.run()
    except Fatal as fatal:
        message = "a schema must not contain a DOCTYPE" if fatal.code is Code.DTD_FORBIDDEN else fatal.message
        line = data.count(b"\n", 0, fatal.offset) + 1
        raise unreadable(name, f"{message} (line {line})") from fatal
    namespace = _unqualified(certain(reader.root)).get("targetNamespace", "")
    return _Document(name, reader.cleared(), namespace, reader.references, reader.bounds.models)


def about(name: str, message: str) -> str:
    """Return a message about a schema, with its name if it was given one."""
    return f"{name}: {message}" if name else message


def unreadable(name: str, reason: str) -> SchemaError:
    """Return the error for a schema that cannot be read."""
    return SchemaError(about(name, f"the schema cannot be read: {reason}"))


def _check_sizes(documents: Iterable[_Document]) -> None:
    """Raise SchemaError if a type or group of the schemas is too large."""
    message = find_too_large(model for document in documents for model in document.models)
    if message is not None:
        raise unreadable("", message)


def _links(document: _Document, documents: Mapping[str, _Document]) -> Iterator[str]:
    """Yield the names of the schemas that a schema includes."""
    for kind, location, _ in document.references:
        if kind == "import":
            continue
        if kind != "include":
            message = f"xs:{kind} is not supported; xs:include and xs:import are"
            raise SchemaError(about(document.name, message))
        if location is None:
            raise SchemaError(about(document.name, "an xs:include has no schemaLocation"))
        target = _find(document.name, location, documents)
        if target is None:
            raise _not_given(document.name, "includes", location)
        if documents[target].namespace not in ("", document.namespace):
            message = f"{document.name}: the included {short(location)} has another targetNamespace"
            raise SchemaError(message)
        yield target


def _check_imports(
    name: str, document: _Document, documents: Mapping[str, _Document], namespaces: set[str]
) -> None:
    """Raise SchemaError if a schema imports an unknown one."""
    for kind, location, namespace in document.references:
        # A schemaLocation is a hint (XML Schema Part 1 §4.2.3); the namespace decides.
        if kind != "import" or location is None or namespace in namespaces or namespace in _BUILT_IN:
            continue
        target = _find(name, location, documents)
        if target is None:
            raise _not_given(name, "imports", location)
        message = f"{name}: the imported {short(location)} has another targetNamespace"
        raise SchemaError(message)


def _not_given(name: str, verb: str, location: str) -> SchemaError:
    """Return the error for a reference to an unknown schema."""
    return SchemaError(
        f"{name or 'the schema'} {verb} {short(location)!r}, which was not given; nothing is fetched"
    )


def _find(name: str, location: str, documents: Mapping[str, _Document]) -> str | None:
    """Return the name of the schema that a schemaLocation in another schema means; None for none.

    It is the whole name, or a path relative to the other schema; otherwise the last part of a name, if only
    one schema has it.
    """
    for candidate in (location, posixpath.normpath(posixpath.join(posixpath.dirname(name), location))):
        if candidate in documents:
            return candidate
    last = posixpath.basename(location)
    found = [other for other in documents if posixpath.basename(other) == last]
    return found[0] if len(found) == 1 else None


class _ReferenceReader(Walker):
    """Finds the references of a schema to others, and measures it."""

    __slots__ = (
        "_edited",
        "_edits",
        "_patterns",
        "_patterns_apart",
        "bounds",
        "references",
        "root",
    )

    def __init__(self, data: bytes, *, patterns_apart: bool = False) -> None:
        super().__init__(data)
        self.bounds = Bounds()
        self._patterns_apart = patterns_apart
        # The values of the patterns that are moved.
        self._patterns: list[str] = []
        # The open element that is going to be edited.
        self._edited: RawElement | None = None
        # Start, end and new text of each edit.
        self._edits: list[tuple[int, int, bytes]] = []
        self.root: RawElement | None = None
        self.references: list[_Reference] = []
        # A schema may name its style sheet, which is not fetched.
        self.expat.ProcessingInstructionHandler = None

    def cleared(self) -> str:
        """Return the schema without its references. An xs:import keeps its namespace."""
        data, parts, done = bytes(self.text), [], 0
        if self._patterns and self.root is not None and self.root.close is not None:
            self._edits.append((self.root.close, self.root.close, self._type_of_patterns().encode()))
        for start, end, instead in self._edits:
            parts += [data[done:start], instead]
            done = end
        return b"".join((*parts, data[done:])).decode()

    def _type_of_patterns(self) -> str:
        """Return the declaration of a type with all patterns, without a reference to it."""
        names = {model.name for model in self.bounds.models}
        name = next(name for name in map("patterns-{}".format, count()) if name not in names)
        facets = "".join(f'<pattern value="{escape_attribute(value)}"/>' for value in self._patterns)
        restriction = f'<restriction base="xs:string" xmlns:xs="{XSD}">{facets}</restriction>'
        return f'<simpleType name="{name}" xmlns="{XSD}">{restriction}</simpleType>'

    def start_element(self, element: RawElement) -> None:
        """Handle a start tag."""
        self.bounds.enter(element)
        if len(self.open) == 1:
            self.root = element
        elif element.namespace != XSD or self._edited is not None:
            return
        elif (len(self.open) == 2 and element.local in _REFERENCES) or (
            # A pattern in an annotation is an example.
            self._patterns_apart and element.local in ("pattern", "annotation")
        ):
            self._edited = element

    def end_element(self, element: RawElement) -> None:
        """Handle an end tag."""
        self.bounds.leave()
        if element is not self._edited:
            return
        self._edited = None
        values = _unqualified(element)
        if element.local in _REFERENCES:
            instead = self._refer(element, values)
        elif element.local == "pattern":
            instead = ""
            self._patterns.append(values.get("value", ""))
        else:
            return
        self._edits.append((element.start, element_end(self.text, element), instead.encode()))

    def _refer(self, element: RawElement, values: Mapping[str, str]) -> str:
        """Keep a reference, and return the text for its place."""
        namespace = values.get("namespace", "").strip()
        location = values.get("schemaLocation")
        self.references.append(
            _Reference(element.local, None if location is None else _collapsed(location), namespace)
        )
        if element.local != "import":
            return ""
        # It may declare its own prefix.
        attribute = f' namespace="{escape_attribute(namespace)}"' if "namespace" in values else ""
        return f"<{element.name}{declarations((element.declared or {}).items())}{attribute}/>"


def _unqualified(element: RawElement) -> dict[str, str]:
    """Return the attributes in no namespace."""
    return {local: value for space, local, value, _ in element.attributes if not space}


def _collapsed(value: str) -> str:
    """Return a value with white space collapsed, as for xs:anyURI."""
    return re.sub(r"[ \t\r\n]+", " ", value).strip(" ")
