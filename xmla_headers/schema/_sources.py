"""XML schemas that refer to each other -> texts that refer to nothing, each with its namespace.

What loads them never sees a schemaLocation, so that there is nothing it could fetch.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._bounds import Model

__all__ = ["SchemaError", "Source", "isolated", "resolve", "unreadable"]

#: What every processor of XML schemas knows by itself.
_BUILT_IN = frozenset({XSD, XML_NS, XSI_NS})


class SchemaError(ValueError):
    """The schema cannot be read, refers to what was not given, or says what no header block here can be."""


class Source(NamedTuple):
    """A schema that refers to nothing, under the name that it was given."""

    name: str
    text: str
    #: What its components belong to: its targetNamespace, or that of the schemas that include it.
    namespace: str


def _check_text(text: object) -> str:
    """Return the text of a schema, without a byte order mark.

    Raises TypeError for what is no str, SchemaError for what is no XML, a path or an address for example.
    """
    if not isinstance(text, str):
        raise wrong_type("a schema", "passed as str", text)
    text = text.removeprefix("\ufeff")
    # Text that does not begin with "<" would be taken for a path or an address, and opened.
    if not text.lstrip().startswith("<"):
        raise SchemaError("this is no XML schema (what is wanted is its text, not its path)")
    if "\0" in text:
        # Behind the first character it would make expat read UTF-16.
        raise SchemaError("this is no XML schema: it holds U+0000")
    if len(text) > MOST_CHARACTERS:
        raise SchemaError(f"the schema has more than {MOST_CHARACTERS} characters")
    return text


def isolated(text: object) -> str:
    """Return a schema that stands alone, without its imports, for the sake of what it declares.

    Its patterns apply to nothing any more: they are checked when the schema is loaded, but a default value
    that one of them takes exponential time for is not compared with it. Raises TypeError for what is no
    str, and SchemaError.
    """
    document = _read("", text, patterns_apart=True)
    for _ in _links(document, {}):
        pass
    _check_sizes([document])
    return document.text


def resolve(schemas: Mapping[str, str]) -> list[Source]:
    """Return the schemas, each as often as there are namespaces that it stands in.

    `schemas` maps names, by which they include and import each other, to texts. Raises SchemaError for
    one that cannot be parsed, and for a reference to what is not among them.
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
    # A schema that has no namespace takes that of what includes it (XML Schema Part 1 §4.2.1).
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
    # A schema without a namespace counts once for each that it is included in.
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
    name: str
    #: The schema without its references.
    text: str
    namespace: str
    references: list[_Reference]
    models: list[Model]


def _read(name: str, text: object, *, patterns_apart: bool = False) -> _Document:
    try:
        data = _check_text(text).encode()
    except UnicodeEncodeError:
        raise SchemaError(about(name, "a schema cannot hold half of a surrogate pair")) from None
    except SchemaError as error:
        raise SchemaError(about(name, str(error))) from None
    reader = _ReferenceReader(data, patterns_apart=patterns_apart)
    try:
        reader.run()
    except Fatal as fatal:
        message = "a schema must not hold a DOCTYPE" if fatal.code is Code.DTD_FORBIDDEN else fatal.message
        line = data.count(b"\n", 0, fatal.offset) + 1
        raise unreadable(name, f"{message} (line {line})") from fatal
    namespace = _unqualified(certain(reader.root)).get("targetNamespace", "")
    return _Document(name, reader.cleared(), namespace, reader.references, reader.bounds.models)


def about(name: str, message: str) -> str:
    """Return what is said about one schema, under the name that it was given if it was given one."""
    return f"{name}: {message}" if name else message


def unreadable(name: str, reason: str) -> SchemaError:
    """Return the error for a schema that cannot be read."""
    return SchemaError(about(name, f"the schema cannot be read: {reason}"))


def _check_sizes(documents: Iterable[_Document]) -> None:
    message = find_too_large(model for document in documents for model in document.models)
    if message is not None:
        raise unreadable("", message)


def _links(document: _Document, documents: Mapping[str, _Document]) -> Iterator[str]:
    """Yield the names of what a schema includes."""
    for kind, location, _ in document.references:
        if kind == "import":
            continue
        if kind != "include":
            message = f"xs:{kind} is not supported; xs:include and xs:import are"
            raise SchemaError(about(document.name, message))
        if location is None:
            raise SchemaError(about(document.name, "an xs:include without a schemaLocation"))
        target = _find(document.name, location, documents)
        if target is None:
            raise _not_given(document.name, "includes", location)
        if documents[target].namespace not in ("", document.namespace):
            message = f"{document.name}: what is included from {short(location)} has another targetNamespace"
            raise SchemaError(message)
        yield target


def _check_imports(
    name: str, document: _Document, documents: Mapping[str, _Document], namespaces: set[str]
) -> None:
    for kind, location, namespace in document.references:
        # A schemaLocation is a hint (XML Schema Part 1 §4.2.3): it is the namespace that decides.
        if kind != "import" or location is None or namespace in namespaces or namespace in _BUILT_IN:
            continue
        target = _find(name, location, documents)
        if target is None:
            raise _not_given(name, "imports", location)
        message = f"{name}: what is imported from {short(location)} has another targetNamespace"
        raise SchemaError(message)


def _not_given(name: str, verb: str, location: str) -> SchemaError:
    return SchemaError(
        f"{name or 'the schema'} {verb} {short(location)!r}, which was not given; nothing is fetched"
    )


def _find(name: str, location: str, documents: Mapping[str, _Document]) -> str | None:
    """Return the name of the schema that a schemaLocation in another one means.

    As it stands, or seen from there; else by its last part, if that leaves one only.
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
        #: The values of those that are cut out.
        self._patterns: list[str] = []
        # The open element that is going to be edited.
        self._edited: RawElement | None = None
        #: From where to where, and what is to stand there.
        self._edits: list[tuple[int, int, bytes]] = []
        self.root: RawElement | None = None
        self.references: list[_Reference] = []
        # A schema may name its style sheet; nobody follows that.
        self.expat.ProcessingInstructionHandler = None

    def cleared(self) -> str:
        """Return the schema without its references: of an import, its namespace stays."""
        data, parts, done = bytes(self.text), [], 0
        if self._patterns and self.root is not None and self.root.close is not None:
            self._edits.append((self.root.close, self.root.close, self._type_of_patterns().encode()))
        for start, end, instead in self._edits:
            parts += [data[done:start], instead]
            done = end
        return b"".join((*parts, data[done:])).decode()

    def _type_of_patterns(self) -> str:
        """Return the declaration of a type that has all patterns and that nothing refers to."""
        names = {model.name for model in self.bounds.models}
        name = next(name for name in map("patterns-{}".format, count()) if name not in names)
        facets = "".join(f'<pattern value="{escape_attribute(value)}"/>' for value in self._patterns)
        restriction = f'<restriction base="xs:string" xmlns:xs="{XSD}">{facets}</restriction>'
        return f'<simpleType name="{name}" xmlns="{XSD}">{restriction}</simpleType>'

    def start_element(self, element: RawElement) -> None:
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
        """Take note of a reference, and return what stands in its place."""
        namespace = values.get("namespace", "").strip()
        location = values.get("schemaLocation")
        self.references.append(
            _Reference(element.local, None if location is None else _collapsed(location), namespace)
        )
        if element.local != "import":
            return ""
        # With the namespaces that it declares, its own prefix perhaps.
        said = f' namespace="{escape_attribute(namespace)}"' if "namespace" in values else ""
        return f"<{element.name}{declarations((element.declared or {}).items())}{said}/>"


def _unqualified(element: RawElement) -> dict[str, str]:
    """Return the attributes in no namespace."""
    return {local: value for space, local, value, _ in element.attributes if not space}


def _collapsed(value: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", value).strip(" ")
