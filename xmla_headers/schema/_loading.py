"""Texts -> schema objects of xmlschema: the one place that says what it may do, which is to fetch nothing."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import NamedTuple

import xmlschema

from xmla_headers._printable import printable

from ._bounds import XSD
from ._sources import SchemaError, isolated, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ._sources import Source

__all__ = ["Loaded", "load", "load_together", "schema_errors"]

# What a schema makes xmlschema and the code that asks it raise: its own exceptions; those of `re` and of
# elementpath for patterns, paths and values; those that it raises where a declaration lacks something; those
# of an exhausted stack or memory.
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
    """Schemas that have become one."""

    schema: xmlschema.XMLSchema10
    #: Name of each global element, in Clark notation -> the schema that declares it, by name.
    declared: Mapping[str, str]


@contextmanager
def schema_errors(name_of: Callable[[Exception], str] = lambda _: "") -> Iterator[None]:
    """Raise SchemaError for whatever a schema makes xmlschema raise."""
    try:
        yield
    except SchemaError:
        raise
    except _FAILURES as error:
        raise unreadable(name_of(error), _reason(error)) from error


def load(text: object) -> xmlschema.XMLSchema10:
    """Return the schema that a text is, for what it declares; its imports are left out.

    Raises TypeError for what is no str, and SchemaError.
    """
    text = isolated(text)
    with schema_errors():
        return _schema(text, None, build=True)


def load_together(sources: Sequence[Source]) -> Loaded:
    """Return the schema that several texts are, which refer to nothing. Raises SchemaError."""
    first, *others = sources
    names: dict[int, str] = {}
    current = first.name

    def name_of(error: Exception) -> str:
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
        # The others are those of XML Schema itself.
        if id(element.schema) in names
    }
    return Loaded(main, declared)


def _reason(error: Exception) -> str:
    """Return in one line what a schema has made xmlschema raise."""
    # What xmlschema says goes on with lines that show a part of the schema.
    said = _shortened(str(getattr(error, "message", error)).strip().partition("\n")[0])
    place = _place(error)
    if place:
        said = f"{said} ({place})"
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return f"{words} ({said})" if said else words
    return said or type(error).__name__


def _place(error: Exception) -> str:
    """Return where in a schema something is wrong, where xmlschema knows."""
    if not isinstance(error, xmlschema.XMLSchemaParseError) or error.elem is None:
        return ""
    if error.elem.tag == f"{{{XSD}}}pattern":
        # It may have been moved.
        return f"the pattern {_shortened(error.elem.get('value', ''))}"
    return f"at {_shortened(error.path or '')}"


def _shortened(said: str) -> str:
    said = printable(said)
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def _schema(text: str, namespace: str | None, *, build: bool) -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(
        text,
        namespace or None,
        allow="none",
        defuse="always",
        use_fallback=False,
        build=build,
    )
