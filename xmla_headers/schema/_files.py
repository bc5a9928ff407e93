"""Knows the schemas that come with the package."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["OWN_SCHEMAS", "read_schema"]

OWN_SCHEMAS = ("xmla-session-headers.xsd", "soap-envelope-1.1.xsd")
"""The names of the schemas that describe a message with session headers."""
_NAMES = (*OWN_SCHEMAS, "microsoft-headers.xsd")


def read_schema(name: str) -> str:
    """Return the text of a schema that comes with the package.

    Args:
        name: `xmla-session-headers.xsd`, `microsoft-headers.xsd` or `soap-envelope-1.1.xsd`.

    Returns:
        The text of the schema.

    Raises:
        FileNotFoundError: `name` is another name.

    >>> from xmla_headers.schema import read_schema
    >>> read_schema("soap-envelope-1.1.xsd").startswith("<?xml")
    True
    """
    package = files("xmla_headers")
    # A wheel has the schemas in the package, a checkout beside it.
    for folder in (package / "schemas", package / ".." / "schemas"):
        schema = folder / name
        if name in _NAMES and schema.is_file():
            return schema.read_text(encoding="utf-8")
    raise FileNotFoundError(f"no schema {name!r} comes with xmla_headers")
