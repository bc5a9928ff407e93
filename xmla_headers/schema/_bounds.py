"""Knows the parts of a schema that cost xmlschema more time or memory than their length, and limits them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from xmla_headers._xml.fatal import Fatal
from xmla_headers._xml.names import NAME_CHARACTERS, NAME_START, short
from xmla_headers.findings import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xmla_headers._xml.raw import RawElement

__all__ = ["MOST_CHARACTERS", "XSD", "Bounds", "Model", "find_too_large"]

# "group" or "type", and the local name: two namespaces are not distinguished.
_Key: TypeAlias = tuple[str, str]

XSD = "http://www.w3.org/2001/XMLSchema"

# xmlschema needs about 4 seconds for a million characters.
MOST_CHARACTERS = 4_194_304
# xmlschema recurses: at 200 levels it runs out of stack.
_DEEPEST = 100
# In characters, for all patterns of a schema together.
_LONGEST_PATTERNS = 65_536
# An escape such as \p{L} becomes hundreds of ranges, which take 3 ms and 160 KB.
_MOST_CLASSES = 256
# The largest number of repetitions, in digits: `re` counts to 2**32 - 1.
_LONGEST_NUMBER = 9
# xmlschema compares the particles of a content model by pairs: 1,500 take 150 MB.
_MOST_PARTICLES = 1_000

_CLASS = re.compile(r"\\[pPiIcCwWdD]")
_NUMBER = re.compile(rf"\{{[0-9,]*[0-9]{{{_LONGEST_NUMBER + 1}}}")

_NAME = rf"[{NAME_START}][{NAME_CHARACTERS}]*+"
_TEST = rf"(?:{_NAME}:)?+(?:{_NAME}|\*)"
_STEP = rf"(?:\.|(?:child::)?+{_TEST})"
_PATH = rf"(?:\.//)?+(?:{_STEP}/)*+(?:{_STEP}|(?:@|attribute::){_TEST})"
# XML Schema Part 1 §3.11.6. The schema for schemas has an equivalent pattern; without a match it takes a
# time exponential in the number of steps.
_XPATH = re.compile(rf"{_PATH}(?:\|{_PATH})*+")


class Model:
    """A type or a group, and the types and groups that its content refers to."""

    __slots__ = ("local", "name", "particles", "references")

    def __init__(self, local: str, name: str) -> None:
        self.local = local
        self.name = name
        # The number of elements and wildcards in it.
        self.particles = 0
        # Types and groups, once for each reference.
        self.references: list[_Key] = []

    @property
    def key(self) -> _Key:
        """The name for references to the model."""
        return "group" if self.local == "group" else "type", self.name


class Bounds:
    """Measures one schema while it is parsed; raises Fatal where it exceeds a bound."""

    __slots__ = ("_classes", "_open", "_patterns", "models")

    def __init__(self) -> None:
        self._patterns = self._classes = 0
        # One for each open element; None for an element that is not a type or group.
        self._open: list[Model | None] = []
        # All types and groups of the schema.
        self.models: list[Model] = []

    def enter(self, element: RawElement) -> None:
        """Measure an element at its start tag."""
        if len(self._open) == _DEEPEST:
            raise _too_large(f"its elements nest deeper than {_DEEPEST} levels", element.start)
        model = None
        if element.namespace == XSD:
            values = {local: value for space, local, value, _ in element.attributes if not space}
            local = element.local
            if local == "pattern":
                self._measure_pattern(values.get("value", ""), element.start)
            elif local in ("selector", "field"):
                _check_path(values.get("xpath", ""), element.start)
            elif local in ("complexType", "simpleType") or (local == "group" and "name" in values):
                model = Model(local, values.get("name", ""))
                self.models.append(model)
            else:
                self._count(local, values)
        self._open.append(model)

    def leave(self) -> None:
        """Measure an element at its end tag."""
        self._open.pop()

    def _count(self, local: str, values: Mapping[str, str]) -> None:
        """Count an element as a particle or a reference of the innermost type or group."""
        model = next((model for model in reversed(self._open) if model is not None), None)
        if model is None:
            return
        names: list[str] = []
        if local in ("element", "any"):
            model.particles += 1
        elif local == "group":
            model.references.append(("group", _local(values.get("ref", ""))))
        elif local == "union":
            names = values.get("memberTypes", "").split()
        # A complex type that restricts another one repeats all of its content.
        elif local == "extension" or (local == "restriction" and model.local == "simpleType"):
            names = [values.get("base", "")]
        elif local == "list":
            names = [values.get("itemType", "")]
        model.references += [("type", _local(name)) for name in names]

    def _measure_pattern(self, pattern: str, offset: int) -> None:
        """Add a pattern to the sums."""
        self._patterns += len(pattern)
        self._classes += len(_CLASS.findall(pattern))
        if self._patterns > _LONGEST_PATTERNS:
            raise _too_large(f"its patterns have more than {_LONGEST_PATTERNS} characters", offset)
        if self._classes > _MOST_CLASSES:
            raise _too_large(f"its patterns have more than {_MOST_CLASSES} escapes for a class", offset)
        if _NUMBER.search(pattern):
            raise _too_large("a number of repetitions in a pattern is too large", offset)


def find_too_large(models: Iterable[Model]) -> str | None:
    """Return the reason why a type or group is too large together with its references; None if none is."""
    models = list(models)
    named: dict[_Key, Model] = {}
    for model in models:
        if model.name:
            # Models of one name in several namespaces are added, which is never too little.
            both = named.setdefault(model.key, Model(model.local, model.name))
            both.particles += model.particles
            both.references += model.references
    sizes: dict[Model, int] = {}
    seen: set[Model] = set()
    for first in models:
        # Without recursion: a chain of references may be as long as the schema.
        pending = [first]
        while pending:
            model = pending[-1]
            if model in sizes:
                pending.pop()
                continue
            referred = [named[key] for key in model.references if key in named]
            if model not in seen:
                seen.add(model)
                pending += referred
                continue
            pending.pop()
            # A model in a circle has no size yet; xmlschema refuses the circle.
            sizes[model] = model.particles + sum(max(1, sizes.get(other, 0)) for other in referred)
        if sizes[first] > _MOST_PARTICLES:
            name = f"the {first.local} {short(first.name)}" if first.name else f"a {first.local}"
            return f"{name}, references followed, has more than {_MOST_PARTICLES} particles"
    return None


def _check_path(path: str, offset: int) -> None:
    """Raise Fatal if an xpath may take too much time."""
    if not _XPATH.fullmatch(path.strip(" \t\r\n")):
        raise _too_large("an xpath in it does not have the form of XML Schema Part 1 §3.11.6", offset)


def _local(name: str) -> str:
    """Return a qualified name without its prefix."""
    return name.rpartition(":")[2]


def _too_large(message: str, offset: int) -> Fatal:
    """Return the exception for a schema that exceeds a bound."""
    return Fatal(Code.LIMIT_EXCEEDED, message, offset)
