"""The documentation about testing a parser: its table agrees with the harness, and its example works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.readers import READERS, broken_rules, table

from .documentation import DOCS, ROOT
from .pages import section

if TYPE_CHECKING:
    from pathlib import Path


def table_of_readers() -> str:
    text = (DOCS / "readers.md").read_text(encoding="utf-8")
    start, stop = section(text, "readers")
    return text[start:stop]


def columns(text: str) -> dict[str, set[str]]:
    """Return the rules that each reader breaks according to a table."""
    head, _, *rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()]
    return {
        reader: {row[0] for row in rows if row[column] == "yes"}
        for column, reader in enumerate(head)
        if column
    }


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_readers_table_agrees_with_the_harness(reader: str) -> None:
    # One column at a time, because some readers may not be installed.
    said, found = columns(table_of_readers()), broken_rules(READERS[reader])
    expected = "the whole of it:\n" + table({name: broken_rules(other) for name, other in READERS.items()})
    assert frozenset(said.get(reader, ())) == found, expected


def test_readers_table_has_the_most_common_mistakes() -> None:
    broken = {rule for rules in columns(table_of_readers()).values() for rule in rules}
    wanted = {"last duplicate wins", "first duplicate wins", "any depth", "any namespace"}
    assert broken >= wanted | {"hits in comments", "hits in CDATA", "hits in the Body"}


GOOD = """
from typing import NamedTuple
from xmla_headers import HeaderBlock, decode

class Block(NamedTuple):
    name: str
    id: str | None

def session_headers(data):
    header = decode(data, deep=True).header
    blocks = [block for block in header if isinstance(block, HeaderBlock)]
    return [Block(block.spec.local_name, getattr(block, "session_id", None)) for block in blocks]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD, "1 passed"),
        (GOOD.replace("in blocks]", "in blocks[:1]]"), "first session header wins: different-blocks"),
        (GOOD.replace("header = ", "data = data.replace(b'SessionID', b'SessionId'); header = "), "any case"),
    ],
    ids=["good", "first", "any-case"],
)
@pytest.mark.parametrize(
    "page", [ROOT / "README.md", DOCS / "guides" / "parsers.md"], ids=["readme", "guide"]
)
def test_example_on_a_page_tests_a_parser(page: Path, source: str, said: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(from itertools.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my_server.py").write_text(source, encoding="utf-8")
    (tmp_path / "test_my_server.py").write_text(example, encoding="utf-8")
    assert len([line for line in example.splitlines() if line]) <= 10
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_server.py"]
    # Options of this run, such as coverage, must not reach the other one.
    told = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        command, cwd=tmp_path, env=told, capture_output=True, text=True, timeout=120, check=False
    )
    assert said in done.stdout, done.stdout + done.stderr
    assert (done.returncode == 0) == (source is GOOD)
