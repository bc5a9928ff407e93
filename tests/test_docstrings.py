"""The examples in docstrings run, and the type hints of public names resolve at run time."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import typing
from typing import TYPE_CHECKING, Any

import pytest

import xmla_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = [
    importlib.import_module(info.name)
    for info in pkgutil.walk_packages(xmla_headers.__path__, "xmla_headers.")
    if not info.name.endswith("__main__")
]
PUBLIC = [module for module in MODULES if "._" not in module.__name__]

#: Examples need no import of the names that `xmla_headers` exports.
NAMES = {name: getattr(xmla_headers, name) for name in xmla_headers.__all__}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_run(module: Any) -> None:
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=NAMES)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    report: list[str] = []
    for test in tests:
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_examples_in_docstrings_are_found() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [test for module in MODULES for test in finder.find(module) if test.examples]
    assert len(examples) >= 25


def public_callables() -> Iterator[tuple[str, Any]]:
    for module in PUBLIC:
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            # An alias of typing can be called, too.
            if inspect.isclass(value) or inspect.isroutine(value):
                yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for attribute, member in vars(value).items():
                    inner = getattr(member, "fget", getattr(member, "__func__", member))
                    if not attribute.startswith("_") and inspect.isfunction(inner):
                        yield f"{module.__name__}.{name}.{attribute}", inner


def test_type_hints_resolve_at_run_time() -> None:
    unresolved = []
    for name, value in public_callables():
        try:
            typing.get_type_hints(value)
            if not (inspect.isclass(value) and issubclass(value, str | BaseException)):
                inspect.signature(value, eval_str=True)
        except NameError as error:
            unresolved.append(f"{name}: {error}")
        except (TypeError, ValueError) as error:
            # Some callables have no signature; unresolved names are the question.
            assert "signature" in str(error), name
    assert unresolved == []


#: Functions that other public modules share, without a page of their own.
SHARED = {
    "xmla_headers.model.has_generated_constructor",
    "xmla_headers.unknown_block.actor_of",
    "xmla_headers.unknown_block.must_understand_value",
    "xmla_headers.schema.SchemaError",
}
#: Commands, whose examples are in the README.
COMMANDS = {"xmla_headers.cli.main", "xmla_headers.cli.run"}


def properties() -> set[object]:
    """Return the functions of all public properties."""
    return {
        member.fget
        for module in PUBLIC
        for name in getattr(module, "__all__", ())
        if inspect.isclass(getattr(module, name))
        for member in vars(getattr(module, name)).values()
        if isinstance(member, property)
    }


PROPERTIES = properties()
DOCUMENTED = {name: value for name, value in public_callables() if name not in SHARED}


def lacks(name: str, value: Any) -> list[str]:
    """Return the parts that the docstring of a public class or function lacks."""
    text = value.__doc__ or ""
    if not text.strip() or not text.splitlines()[0].rstrip().endswith((".", ":", "?")):
        return ["a summary"]
    if inspect.isclass(value) or value in PROPERTIES:
        return []
    signature = inspect.signature(value)
    found = [
        f"the argument {argument}"
        for argument in signature.parameters
        if argument not in ("self", "cls") and not re.search(rf"^ +\**{argument}: ", text, re.MULTILINE)
    ]
    if signature.return_annotation not in ("None", None) and not re.search("(?m)^ *(Returns|Yields):", text):
        found.append("the result")
    if ">>> " not in text and name not in COMMANDS:
        found.append("an example")
    return found


def test_docstrings_of_public_names_are_complete() -> None:
    incomplete = {name: lacks(name, value) for name, value in DOCUMENTED.items()}
    assert {name: parts for name, parts in incomplete.items() if parts} == {}
    assert len(DOCUMENTED) > 150


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ["a summary"]),
        ("no sentence", ["a summary"]),
        ("Return it.", ["the argument data", "the argument more", "the result", "an example"]),
        ("Return it.\n\n    Args:\n        data: A.\n", ["the argument more", "the result", "an example"]),
        ("Return it.\n\n    data: A.\n    *more: B.\n    Returns:\n    >>> 1", []),
    ],
)
def test_docstring_without_a_part_is_found(text: str | None, expected: list[str]) -> None:
    def function(data: bytes, *more: bytes) -> bytes:
        return data + b"".join(more)

    function.__doc__ = text
    assert lacks("function", function) == expected
