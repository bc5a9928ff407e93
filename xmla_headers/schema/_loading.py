"""Texts -> schema objects of xmlschema: the one place that says what it may do, which is to fetch nothing."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import xmlschema

from ._sources import SchemaError, check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._sources import Source

__all__ = ["Loaded", "load", "load_together"]


class Loaded(NamedTuple):
    """Schemas that have become one."""

    schema: xmlschema.XMLSchema10
    #: Name of each global element, in Clark notation -> the schema that declares it, by name.
    declared: Mapping[str, str]


def load(text: str) -> xmlschema.XMLSchema10:
    """Return the schema that a text is; what it refers to is left out. Raises SchemaError."""
    text = check_text(text)
    try:
        return _schema(text, None, build=True)
    except (xmlschema.XMLSchemaException, SyntaxError, ValueError) as error:
        msg = f"the schema cannot be read: {error}"
        raise SchemaError(msg) from error


def load_together(sources: Sequence[Source]) -> Loaded:
    """Return the schema that several texts are, which refer to nothing. Raises SchemaError."""
    first, *others = sources
    names: dict[int, str] = {}
    current = first.name
    try:
        main = _schema(first.text, first.namespace, build=False)
        names[id(main)] = current
        for current, text, namespace in others:
            names[id(main.add_schema(text, namespace or None, build=False))] = current
        main.build()
    except Exception as error:
        # Not its own exceptions alone: a schema can run it out of stack, or into an error of `re`.
        validator = getattr(error, "validator", None)
        name = names.get(id(getattr(validator, "schema", validator)), current)
        raise SchemaError(f"{name}: the schema cannot be read: {_reason(error)}") from error
    declared = {
        element.name: names[id(element.schema)]
        for element in main.maps.elements.values()
        # The others are those of XML Schema itself.
        if id(element.schema) in names
    }
    return Loaded(main, declared)


def _reason(error: Exception) -> str:
    """Return the first line of what xmlschema says, of which the others show a part of the schema."""
    said = str(getattr(error, "message", error)).strip().partition("\n")[0]
    return said or type(error).__name__


def _schema(text: str, namespace: str | None, *, build: bool) -> xmlschema.XMLSchema10:
    with warnings.catch_warnings():
        # What an import would have brought is missed where it is used, if it is.
        warnings.simplefilter("ignore", xmlschema.XMLSchemaImportWarning)
        return xmlschema.XMLSchema10(
            text,
            namespace or None,
            allow="none",
            defuse="always",
            use_fallback=False,
            build=build,
        )
