"""`import xmla_headers`: its version, and its modules without an import of their own."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import io
import pydoc
import subprocess
import sys
from typing import Any

import pytest

import xmla_headers

MODULES = ["captures", "elements", "fuzzing", "http", "schema", "strategies", "timeline", "transcript"]


def fresh(code: str) -> str:
    """Return the output of code in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_version_is_that_of_the_metadata() -> None:
    assert xmla_headers.__version__ == importlib.metadata.version("xmla_headers")


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_module_is_imported_when_it_is_asked_for(name: str) -> None:
    code = f"""
import sys, xmla_headers
assert "xmla_headers.{name}" not in sys.modules
print(xmla_headers.{name}.__name__, "xmla_headers.{name}" in sys.modules)
"""
    assert fresh(code) == f"xmla_headers.{name} True"
    assert name in dir(xmla_headers)
    assert getattr(xmla_headers, name) is importlib.import_module(f"xmla_headers.{name}")


def test_import_loads_none_of_the_modules() -> None:
    code = f"""
import sys, xmla_headers
print([name for name in {MODULES} if f"xmla_headers.{{name}}" in sys.modules], "importlib" in sys.modules)
"""
    assert fresh(code).startswith("[] ")


@pytest.mark.parametrize("name", ["cli", "nothing", "_MODULE", "captures_"])
def test_other_name_is_attribute_error(name: str) -> None:
    code = f"import xmla_headers; print(hasattr(xmla_headers, {name!r}))"
    assert fresh(code) == "False"
    with pytest.raises(AttributeError, match="'xmla_headers' has no attribute 'nothing'"):
        xmla_headers.nothing  # type: ignore[attr-defined]  # noqa: B018 - the access is under test


def test_module_without_its_extra_is_attribute_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # In this order: to look for the attribute imports the module.
    monkeypatch.delattr(xmla_headers, "strategies", raising=False)
    monkeypatch.delitem(sys.modules, "xmla_headers.strategies", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(AttributeError, match=r"strategies cannot be imported: .*Hypothesis"):
        xmla_headers.strategies  # noqa: B018 - the access is under test
    assert dict(inspect.getmembers(xmla_headers))["decode"] is xmla_headers.decode
    with pytest.raises(ImportError, match="Hypothesis"):
        importlib.import_module("xmla_headers.strategies")


def test_star_import_has_the_public_names_alone() -> None:
    names: dict[str, Any] = {}
    exec("from xmla_headers import *", names)
    assert names.keys() - {"__builtins__"} == set(xmla_headers.__all__)


def test_help_of_the_package_names_its_version() -> None:
    output = io.StringIO()
    pydoc.Helper(output=output).help(xmla_headers)
    assert xmla_headers.__version__ in output.getvalue()


def test_lazy_name_is_looked_up_once() -> None:
    vars(xmla_headers).pop("HeaderReader", None)
    reader = xmla_headers.HeaderReader
    assert vars(xmla_headers)["HeaderReader"] is reader
