"""The recipes of the README, as modules."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

__all__ = ["RECIPES", "recipe"]

_README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
_SECTION = _README[_README.index("\n## Recipes\n") : _README.index("\n## The codes\n")]

#: Heading -> code.
RECIPES: dict[str, str] = dict(re.findall(r"\n### ([^\n]+)\n[^#]*?```python\n(.+?)```", _SECTION, re.DOTALL))


def recipe(heading: str) -> ModuleType:
    """Run the code under a heading, and return its names."""
    module = ModuleType(heading)
    exec(compile(RECIPES[heading], f"README.md, {heading}", "exec"), vars(module))  # the test runs the recipe
    return module
