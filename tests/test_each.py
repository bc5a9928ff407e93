"""Many cases in one test: all of them run, and a failure names those that failed."""

from __future__ import annotations

import pytest

from tests.each import each


def test_each_case_runs_and_failures_are_named() -> None:
    seen = []

    @each(("number", "text"), [(1, "one"), pytest.param(2, "two", id="second"), (3, "three"), (4, "four")])
    def check(number: int, text: str) -> None:
        seen.append((number, text))
        if number == 4:
            pytest.fail("as pytest.raises does")
        assert number % 2

    with pytest.raises(BaseExceptionGroup) as caught:
        check()
    assert seen == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
    assert caught.value.message.startswith("2 of 4 cases failed")
    assert "second" in caught.value.message
    assert [error.__notes__ for error in caught.value.exceptions] == [["case: second"], ["case: 4, 'four'"]]


def test_each_skipped_case_is_a_failure() -> None:
    @each("number", [1, 2], ids=["one", "two"])
    def check(number: int) -> None:
        if number == 2:
            pytest.skip("where nobody hears of it")

    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases failed: 0: two"):
        check()


def test_each_decorators_combine_all_cases() -> None:
    seen = []

    @each("first", "ab")
    @each("second", [1, 2], ids=str)
    def check(first: str, second: int) -> None:
        seen.append((first, second))

    check()
    assert seen == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_each_without_cases_is_refused() -> None:
    with pytest.raises(AssertionError, match="no cases"):
        each("number", [])(lambda number: None)  # noqa: ARG005 - never called


@each("value", [1, 2])
def test_each_leaves_fixtures_to_pytest(value: int, request: pytest.FixtureRequest) -> None:
    assert value in (1, 2)
    assert request.node.name == "test_each_leaves_fixtures_to_pytest"
