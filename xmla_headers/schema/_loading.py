"""Knows how to load schemas in xmlschema so that it fetches nothing and raises SchemaError alone."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import xmlschema

from xmla_headers._printable import printable

from ._bounds import XSD
from ._sources import SchemaError, isolated, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ._sources import Source

__all__ = ["Loaded", "load", "load_together", "schema_errors"]

# The exceptions that a schema can cause in xmlschema and in the code that asks it: those of xmlschema; those
# of `re` and elementpath for patterns, paths and values; those for an incomplete declaration; those for an
# exhausted stack or memory.
_FAILURES = (
    xmlschema.XMLSchemaException,
    re.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_WORDS: Mapping[type[Exception], str] = {
    RecursionError: "it nests too deep, or a chain of references in it is too long",
    OverflowError: "a number in it is too large",
    MemoryError: "it takes more memory than there is",
    re.error: "a pattern in it is not a regular expression",
}
# In characters.
_LONGEST_REASON = 200


class Loaded(NamedTuple):
    """Several schemas that are loaded as one."""

    schema: xmlschema.XMLSchema10
    declared: Mapping[str, str]
    """Name of each global element, in Clark notation -> the name of the schema that declares it."""


@contextmanager
def schema_errors(name_of: Callable[[Exception], str] = lambda _: "") -> Iterator[None]:
    """Raise SchemaError in place of every exception that a schema causes in xmlschema."""
    try:
        yield
    except SchemaError:
        raise
    except _FAILURES as error:
        raise unreadable(name_of(error), _reason(error)) from error


def load(text: object) -> xmlschema.XMLSchema10:
    """Return the schema of a text, without its imports, for its declarations.

    Raises TypeError if the text is not a str, and SchemaError.
    """
    text = isolated(text)
    with schema_errors():
        return _schema(text, None, build=True)


def load_together(sources: Sequence[Source]) -> Loaded:
    """Return the schema of several texts that have no references. Raises SchemaError."""
    first, *others = sources
    names: dict[int, str] = {}
    current = first.name

    def name_of(error: Exception) -> str:
        """Return the name of the schema that an error is about."""
        validator = getattr(error, "validator", None)
        return names.get(id(getattr(validator, "schema", validator)), current)

    with schema_errors(name_of):
        main = _schema(first.text, first.namespace, build=False)
        names[id(main)] = current
        for current, text, namespace in others:
            names[id(main.add_schema(text, namespace or None, build=False))] = current
        main.build()
    declared = {
        element.name: names[id(element.schema)]
        for element in main.maps.elements.values()
        # The other elements are those of XML Schema itself.
        if id(element.schema) in names
    }
    return Loaded(main, declared)


def _reason(error: Exception) -> str:
    """Return the reason of an exception on one line."""
    # The other lines of xmlschema show a part of the schema.
    text = _shortened(str(getattr(error, "message", error)).strip().partition("\n")[0])
    place = _place(error)
    if place:
        text = f"{text} ({place})"
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return f"{words} ({text})" if text else words
    return text or type(error).__name__


def _place(error: Exception) -> str:
    """Return the place in a schema where an error is, if xmlschema knows it."""
    if not isinstance(error, xmlschema.XMLSchemaParseError) or error.elem is None:
        return ""
    if error.elem.tag == f"{{{XSD}}}pattern":
        # `load` may have moved the pattern, so that the path would be wrong.
        return f"the pattern {_shortened(error.elem.get('value', ''))}"
    return f"at {_shortened(error.path or '')}"


def _shortened(text: str) -> str:
    """Return printable text of bounded length."""
    text = printable(text)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def _schema(text: str, namespace: str | None, *, build: bool) -> xmlschema.XMLSchema10:
    """Return the schema of one text; xmlschema may not fetch anything for it."""
    return xmlschema.XMLSchema10(
        text,
        namespace or None,
        allow="none",
        defuse="always",
        use_fallback=False,
        build=build,
    )
