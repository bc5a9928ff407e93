"""The vectors that are kept: `python -m tests.vectors` adds new ones, and leaves all others as they are.

What is written becomes part of the release: a vector keeps its name, its bytes and what is said about it.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from xmla_headers.fuzzing import _corpus

if TYPE_CHECKING:
    from typing import Any

FOLDER = Path(__file__).resolve().parent / "data" / "vectors"
#: How many of the corpus are kept.
COUNT = 500


def released() -> list[dict[str, Any]]:
    """Return what the manifest says about each vector."""
    path = FOLDER / _corpus.MANIFEST
    vectors: list[dict[str, Any]] = json.loads(path.read_bytes())["vectors"] if path.exists() else []
    return vectors


def grow() -> int:
    """Write the vectors that are not there yet, and return how many."""
    kept = released()
    names = {vector["name"] for vector in kept}
    new = [case for case in islice(_corpus.vectors(), COUNT) if case.name not in names]
    for case in new:
        (FOLDER / _corpus.file_name(case)).write_bytes(case.data)
    manifest = _corpus.manifest(new)
    manifest["vectors"] = [*kept, *manifest["vectors"]]
    (FOLDER / _corpus.MANIFEST).write_bytes(_corpus.as_json(manifest))
    (FOLDER / _corpus.SCHEMA).write_bytes(_corpus.as_json(_corpus.manifest_schema()))
    return len(new)


if __name__ == "__main__":
    print(grow(), "vectors added")  # noqa: T201 - this is a command
