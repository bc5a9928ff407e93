"""The files for code hosts and other projects: the hook of pre-commit, and the workflow."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from .each import each
from .test_cli import CLEAN, REFUSED, WARNED, run
from .test_cli_folders import FOREIGN

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


# -- the hook -------------------------------------------------------------------------------------------


@pytest.fixture
def hook() -> dict[str, Any]:
    (hook,) = read(".pre-commit-hooks.yaml")
    assert hook["id"] == "xmla-headers-check"
    return dict(hook)


@each(
    ("files", "status"),
    [
        ({"clean.xml": CLEAN}, 0),
        ({"clean.xml": CLEAN, "warned.xml": WARNED}, 0),
        ({"clean.xml": CLEAN, "refused.xml": REFUSED}, 1),
        ({f"{name}.xml": text for name, text in FOREIGN.items()}, 0),
        ({"foreign.xml": "<project/>", "refused.xml": REFUSED}, 1),
        ({"broken.har": '{"log": {"entries": ['}, 1),
    ],
)
def test_hook_entry_refuses_messages_only(
    tmp_path: Path, hook: dict[str, Any], files: dict[str, str], status: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command, *arguments = shlex.split(hook["entry"])
    assert command in PROJECT["scripts"]
    assert run(*arguments, *(tmp_path / name for name in files))[0] == status


@each(
    ("name", "wanted"),
    [
        ("a.xml", True),
        ("sub/A.XML", True),
        ("a.har", True),
        ("a.saz", True),
        ("a.http", True),
        ("a.xml.py", False),
        ("axml", False),
        ("a.xsd", False),
    ],
)
def test_hook_takes_captures_by_name(hook: dict[str, Any], name: str, *, wanted: bool) -> None:
    # As pre-commit does.
    assert bool(re.search(hook["files"], name)) == wanted


# -- the workflow ---------------------------------------------------------------------------------------


def test_workflow_runs_each_system_and_python() -> None:
    matrix = read(".github/workflows/check.yml")["jobs"]["test"]["strategy"]["matrix"]
    classified = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert PROJECT["requires-python"] == f">={classified[0]}"
    # 3.14 is run before it is promised.
    assert matrix["python-version"] == [*classified, *({"3.14"} - set(classified))]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]


def test_workflow_runs_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python3 -m venv .venv && (.*pytest)$", readme, re.MULTILINE)
    steps = read(".github/workflows/check.yml")["jobs"]["test"]["steps"]
    here = " && ".join(step["run"] for step in steps if "run" in step)
    assert here == command.replace(".venv/bin/pip", "python -m pip").replace(".venv/bin/python", "python")
