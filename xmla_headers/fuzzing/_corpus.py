"""The cases as files: the messages, a manifest, and the JSON Schema of the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from xmla_headers.findings import RULES, Code
from xmla_headers.model import TEXT, HeaderBlock
from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import Direction
from xmla_headers.typing import BlockTypes
from xmla_headers.unknown_block import UnknownHeaderBlock

from ._case import Case, Verdict
from ._cases import broken, iter_cases
from ._simple_values import text_of
from ._ways import Given

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["MANIFEST", "SCHEMA", "as_json", "corpus", "file_name", "manifest", "manifest_schema", "vectors"]

MANIFEST = "manifest.json"
SCHEMA = "manifest.schema.json"

# Larger messages would take too much space in a collection that is kept.
_MOST_BYTES = 16_384


def corpus(
    seed: int = 0, count: int = 500, *, types: BlockTypes = SESSION_BLOCKS
) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of files: `count` messages, then a manifest and its schema.

    In the manifest the verdict is `reject` where a rule refuses the message. It is `either` where there are
    only warnings, because deployed software disagrees, or where another parser may read the message (a
    limit, an encoding that is not read here). It is `accept` otherwise.

    Args:
        seed: Any int; it determines the combinations.
        count: The number of messages, at least 1.
        types: Expanded name in Clark notation -> class of the header block.

    Returns:
        An iterator of pairs (file name, content).

    Raises:
        TypeError: `seed` or `count` is not an int, or `types` is of another type.
        ValueError: `count` is below 1, or a key of `types` is not the name of its class.

    >>> names = [name for name, _ in corpus(count=2)]
    >>> names[2:]
    ['manifest.json', 'manifest.schema.json']
    """
    if type(count) is not int:
        msg = f"count must be an int, not {type(count).__name__}"
        raise TypeError(msg)
    if count < 1:
        msg = "count must be above 0"
        raise ValueError(msg)
    # It checks the arguments now, not when the first file is asked for.
    iter_cases(seed, types=types)
    return _files(list(islice(vectors(seed, types=types), count)))


def _files(cases: list[Case]) -> Iterator[tuple[str, bytes]]:
    """Yield the messages, the manifest and its schema."""
    for case in cases:
        yield file_name(case), case.data
    yield MANIFEST, as_json(manifest(cases))
    yield SCHEMA, as_json(manifest_schema())


def vectors(seed: int = 0, *, types: BlockTypes = SESSION_BLOCKS) -> Iterator[Case]:
    """Yield the cases that become files, without end."""
    for direction in Direction:
        for case, turn in broken(Given(types, direction), (Code.WRONG_DIRECTION,)):
            if turn == 0:
                yield case
    names = set()
    for case in iter_cases(seed, types=types):
        # A combination may come again.
        if len(case.data) <= _MOST_BYTES and case.name not in names:
            names.add(case.name)
            yield case


def file_name(case: Case) -> str:
    """Return the file name of a message, which follows from the name of its case."""
    return case.name.replace("/", "--") + ".xml"


def manifest(cases: Iterable[Case]) -> dict[str, Any]:
    """Return the labels of some messages, as `json` can write them."""
    return {
        "$schema": SCHEMA,
        "version": 1,
        "vectors": [
            {
                "name": case.name,
                "file": file_name(case),
                "sha256": hashlib.sha256(case.data).hexdigest(),
                "verdict": case.verdict,
                "rule": case.rule,
                "codes": [code for code in RULES if code in case.expected],
                "blocks": None if case.header is None else [_block(block) for block in case.header],
                "direction": case.direction,
                "clause": case.reference,
                "note": case.note,
            }
            for case in cases
        ],
    }


def _block(block: HeaderBlock | UnknownHeaderBlock) -> dict[str, Any]:
    """Return a header block as `json` can write it."""
    namespace, _, local = block.qname.rpartition("}")
    entry: dict[str, Any] = {
        "namespace": namespace[1:],
        "name": local,
        "must_understand": block.must_understand,
        "actor": block.actor,
    }
    if isinstance(block, UnknownHeaderBlock):
        return entry
    entry["attributes"] = {
        attribute.name: text_of(attribute.type, getattr(block, attribute.field))
        for attribute in block.spec.attributes
        if getattr(block, attribute.field) is not None
    }
    spec = block.spec
    if spec.text is not None:
        entry["text"] = text_of(spec.text, getattr(block, TEXT))
    if spec.children:
        entry["children"] = [
            {"namespace": child.namespace, "name": child.name, "text": text_of(child.type, value)}
            for child in spec.children
            for value in getattr(block, child.field)
        ]
    return entry


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of a manifest."""
    text, texts = {"type": "string"}, {"type": ["string", "null"]}
    block = {
        "namespace": {**text, "description": "the namespace name; empty for none"},
        "name": {**text, "description": "the local name"},
        "must_understand": {"type": "boolean"},
        "actor": texts,
        "attributes": {
            "type": "object",
            "additionalProperties": text,
            "description": "only of a block that a schema declares",
        },
        "text": {**text, "description": "only of a block whose schema declares text content"},
        "children": {
            "type": "array",
            "items": _object({"namespace": text, "name": text, "text": text}),
            "description": "only of a block whose schema declares child elements",
        },
    }
    vector = {
        "name": {**text, "description": "unique; it never names another message"},
        "file": {**text, "pattern": "^[^/]+\\.xml$", "description": "in the folder of this manifest"},
        "sha256": {**text, "pattern": "^[0-9a-f]{64}$"},
        "verdict": {
            "enum": list(Verdict),
            "description": "either: deployed software disagrees, or may read what this library does not read",
        },
        "rule": {**text, "description": "what the message is about in a word"},
        "codes": {
            "type": "array",
            "items": {"enum": list(RULES)},
            "uniqueItems": True,
            "description": "every finding of xmla_headers, warnings included",
        },
        "blocks": {
            "type": ["array", "null"],
            "items": _object(block, optional=("attributes", "text", "children")),
            "description": "the header blocks in document order; null where the message is refused",
        },
        "direction": {
            "enum": [*Direction, None],
            "description": "the direction in which the message is read; null if it does not matter",
        },
        "clause": {**text, "description": "the clause that the message is about"},
        "note": {**text, "description": "what is special about the message"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Labelled messages for parsers of the XMLA session headers",
        **_object(
            {
                "$schema": text,
                "version": {"const": 1},
                "vectors": {"type": "array", "minItems": 1, "items": _object(vector)},
            }
        ),
    }


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def as_json(value: object) -> bytes:
    """Return a value as JSON."""
    # ASCII, so that no tool on the way changes an unusual id.
    return (json.dumps(value, indent=1) + "\n").encode()
