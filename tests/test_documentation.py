"""The documentation: its examples run, and its commands print the output next to them."""

from __future__ import annotations

import doctest
import io
import re
import shlex
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

import xmla_headers
from xmla_headers import cli

from .documentation import DOCS, PAGES, REQUEST, ROOT, Block, blocks, given_names, write_files

if TYPE_CHECKING:
    from pathlib import Path

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def run_command(line: str) -> str:
    out = io.StringIO()
    name, *arguments = shlex.split(line)
    assert name == "xmla-headers"
    assert cli.run(arguments, cli.Streams(io.BytesIO(), out, out)) in (0, 1), out.getvalue()
    return out.getvalue()


def run_python(block: Block, names: dict[str, object], runner: doctest.DocTestRunner, page: str) -> None:
    if ">>> " not in block.text:
        # The lines before the block keep the line numbers of a traceback.
        exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, {}, page, page, block.line - 1)
    test.globs = names
    report: list[str] = []
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)


def run_page(page: Path) -> None:
    names, runner = given_names(), doctest.DocTestRunner(verbose=False)
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            run_python(block, names, runner, page.name)
        elif block.language == "console":
            for shown in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, expected = shown.partition("\n")
                said = run_command(line)
                assert said.startswith(expected), f"{line} prints\n{said}"
        elif block.language == "sh":
            for line in block.text.splitlines():
                if line.startswith("xmla-headers "):
                    run_command(line)


@pages
def test_page_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    theirs = ModuleType("my_server")
    vars(theirs)["session_headers"] = lambda _: []
    monkeypatch.setitem(sys.modules, "my_server", theirs)
    run_page(page)


def test_pages_have_many_examples() -> None:
    found = [block.language for page in PAGES for block in blocks(page.read_text(encoding="utf-8"))]
    assert found.count("python") > 30
    assert found.count("console") > 2


def test_getting_started_shows_the_file_that_it_reads() -> None:
    shown = [block.text for block in blocks((DOCS / "getting-started.md").read_text(encoding="utf-8"))]
    assert REQUEST.decode() in shown


def test_reference_has_each_public_name_once() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    named = re.findall(r"^\.\. auto\w+:: xmla_headers\.(\w+)$", text, re.MULTILINE)
    public = [name for name in xmla_headers.__all__ if not name.startswith("__")]
    modules = {path.stem for path in (DOCS / "reference" / "modules").glob("*.md")}
    assert sorted(named) == sorted(set(public) - modules)


@pages
def test_page_blocks_have_a_known_language(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {"python", "console", "sh", "text", "xml", "yaml", "{toctree}", "{eval-rst}"}
    fences = re.findall(r"^```(.+)$", text, re.MULTILINE)
    assert {fence.split()[0] for fence in fences} <= known | {"{code-block}", "{command-help}"}
    # A fence without a language opens no block, so each block has an end.
    assert len(re.findall(r"^```$", text, re.MULTILINE)) == len(fences)
