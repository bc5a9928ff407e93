"""The README: it is short, its links have targets, and it agrees with `pyproject.toml`.

Its examples run in `tests/test_documentation.py`.
"""

from __future__ import annotations

import re
import shlex
import tomllib

from .documentation import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST_LINES = 250


def test_readme_is_short() -> None:
    assert README.count("\n") <= MOST_LINES


def test_readme_commands_have_lines_of_their_own() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    check, tests = commands
    assert shlex.split(check)[-3:] == [".venv/bin/xmla-headers", "check", "tests/data/captured"]
    assert shlex.split(tests)[-3:] == [".venv/bin/python", "-m", "pytest"]


def test_readme_links_are_absolute() -> None:
    # The page of the package index shows the README without the repository.
    assert re.findall(r"\]\(", README) == []
    targets = re.findall(r"^\[.+\]: (\S+)$", README, re.MULTILINE)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_readme_links_have_targets() -> None:
    source = PROJECT["urls"]["Source"]
    for label, kind, path in re.findall(rf"^\[(.+)\]: {source}/(\w+)/main/(\S+)$", README, re.MULTILINE):
        assert kind in ("blob", "raw")
        assert (ROOT / path).is_file(), label
    assert {url.removeprefix(source)[:1] for url in re.findall(r"https://[^\s)]+", README)} <= {"/", ""}


def test_readme_references_have_definitions() -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", README, flags=re.DOTALL)
    defined = set(re.findall(r"^\[(.+)\]: ", text, re.MULTILINE))
    used = re.findall(r"\[([^\]]+)\](?:\[([^\]]+)\])?(?!:)", text)
    assert {target or label for label, target in used} == defined


def test_readme_names_the_pythons_of_the_classifiers() -> None:
    classifiers = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    (line,) = re.findall(r"^It runs on CPython .+$", README, re.MULTILINE)
    assert re.findall(r"3\.\d+", line) == classifiers


def test_readme_names_extras_that_exist() -> None:
    extras = re.findall(r"xmla_headers\[(\w+)\]", README)
    assert extras
    assert set(extras) <= set(PROJECT["optional-dependencies"])
