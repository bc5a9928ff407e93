"""The generated pages and tables of the documentation match the code."""

from __future__ import annotations

from xmla_headers import RULES

from .each import each
from .pages import DOCS, MESSAGES, PAGES, PROGRAMS, SECTIONS, section

COMMAND = "stale: run `python -m tests.pages`"


@each("name", PAGES)
def test_generated_page_matches_the_code(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), COMMAND


@each("where", SECTIONS, ids="-".join)
def test_generated_table_matches_the_code(where: tuple[str, str]) -> None:
    name, part = where
    text = (DOCS / name).read_text(encoding="utf-8")
    start, stop = section(text, part)
    assert text[start:stop].strip() == SECTIONS[where]().strip(), COMMAND


def test_each_code_has_one_example() -> None:
    assert sorted([*MESSAGES, *PROGRAMS]) == sorted(RULES)
