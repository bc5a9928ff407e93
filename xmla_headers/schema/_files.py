"""The schemas that come with the package."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["OWN_SCHEMAS", "read_schema"]

#: Their names.
OWN_SCHEMAS = ("xmla-session-headers.xsd", "soap-envelope-1.1.xsd")


def read_schema(name: str) -> str:
    """Return the text of a schema that comes with the package.

    `xmla-session-headers.xsd` or `soap-envelope-1.1.xsd`; raises FileNotFoundError for anything else.
    """
    package = files("xmla_headers")
    # In a wheel the schemas stand in the package, in a checkout beside it.
    for folder in (package / "schemas", package / ".." / "schemas"):
        schema = folder / name
        if name in OWN_SCHEMAS and schema.is_file():
            return schema.read_text(encoding="utf-8")
    raise FileNotFoundError(f"no schema {name!r} comes with xmla_headers")
