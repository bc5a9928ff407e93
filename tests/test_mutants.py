"""The table of `tests.mutants` fits the code; the run itself is started on demand."""

from __future__ import annotations

import pytest

from tests.mutants import MODULES, ROOT, TABLE, Mutant, mutated, passes, table

ROWS = table(TABLE.read_text(encoding="utf-8"))


def test_mutants_table_is_large_without_duplicates() -> None:
    assert len(ROWS) == len({(row.module, row.old, row.new) for row in ROWS})
    assert len(ROWS) >= 60
    assert {row.module for row in ROWS} == set(MODULES)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_mutants_table_has_no_stale_row(module: str) -> None:
    stale = []
    for row in ROWS:
        if row.module == module:
            try:
                compile(mutated(row, ROOT / "xmla_headers")[1], str(row), "exec")
            except (LookupError, SyntaxError) as error:
                stale.append(str(error))
    assert not stale


def test_mutants_table_names_tests_that_exist() -> None:
    names = {name for _, tests in MODULES.values() for name in tests.split()}
    assert [name for name in names if not (ROOT / "tests" / f"{name}.py").exists()] == []


def test_mutated_with_a_missing_line_raises_lookup_error() -> None:
    with pytest.raises(LookupError, match="0 times"):
        mutated(Mutant("rules", "no such line", ""), ROOT / "xmla_headers")


@pytest.mark.slow
def test_passes_with_a_mutant_imports_the_changed_copy() -> None:
    (row,) = (row for row in ROWS if row.new == "if len(identifier) >= 4 else")
    assert passes("test_strategies")
    assert not passes("test_values", row)
