"""The kept vectors: `python -m tests.vectors` adds new ones and labels all of them again.

A vector is part of a release: it keeps its name and its bytes. Its labels follow the rules, so that a new
warning adds its code.
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
# The first cases of the corpus become vectors.
COUNT = 500
# All vectors ever added are among the first cases of the corpus.
MADE = 4_000


def released() -> list[dict[str, Any]]:
    """Return the entry of each vector in the manifest."""
    path = FOLDER / _corpus.MANIFEST
    vectors: list[dict[str, Any]] = json.loads(path.read_bytes())["vectors"] if path.exists() else []
    return vectors


def grow() -> int:
    """Write missing vectors and the manifest; return the number of new vectors."""
    cases = {case.name: case for case in islice(_corpus.vectors(), MADE)}
    kept = [vector["name"] for vector in released()]
    new = [name for name in islice(cases, COUNT) if name not in kept]
    for name in new:
        (FOLDER / _corpus.file_name(cases[name])).write_bytes(cases[name].data)
    manifest = _corpus.manifest([cases[name] for name in (*kept, *new)])
    (FOLDER / _corpus.MANIFEST).write_bytes(_corpus.as_json(manifest))
    (FOLDER / _corpus.SCHEMA).write_bytes(_corpus.as_json(_corpus.manifest_schema()))
    return len(new)


if __name__ == "__main__":
    print(grow(), "vectors added")  # noqa: T201 - this is a command
