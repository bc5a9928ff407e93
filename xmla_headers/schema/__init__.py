"""Knows XML schemas: the header blocks that they declare, and the messages that violate them."""

from ._files import read_schema
from ._sources import SchemaError
from ._specs import APPINFO_NS, generate, specs_from_schema, types_from_schema
from ._validator import SchemaValidator

__all__ = [
    "APPINFO_NS",
    "SchemaError",
    "SchemaValidator",
    "generate",
    "read_schema",
    "specs_from_schema",
    "types_from_schema",
]
