"""Read the labelled inputs: for test in labelled("decode"): name, bytes (recipes expanded), labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HERE = Path(__file__).resolve().parent


def expand(recipe: list[dict[str, Any]]) -> bytes:
    parts = []
    for step in recipe:
        text = step["text"]
        if "count" in step:
            count = range(step["count"])
            parts.append("".join(text.replace("{i}", str(i)).replace("{j}", str(i + 1)) for i in count))
        else:
            parts.append(text * step["repeat"])
    return "".join(parts).encode()


def read(test: dict[str, Any]) -> bytes:
    return expand(test["recipe"]) if "recipe" in test else (HERE / test["file"]).read_bytes()


def manifest(op: str) -> list[dict[str, Any]]:
    tests = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["tests"]
    return [test for test in tests if test["op"] == op]


def labelled(op: str) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for test in manifest(op):
        yield test["name"], read(test), test
