"""Many cases in one test, for checks that take less time than pytest takes to collect and report a test."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

__all__ = ["each"]

#: Tracebacks shown; the message names the other cases.
_SHOWN = 5


def each(
    names: str | tuple[str, ...],
    cases: Iterable[Any],
    *,
    ids: Iterable[object] | Callable[[Any], object] = repr,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with every case, as `pytest.mark.parametrize` does, but in one test.

    The other cases run even if one fails, and the failure names those that failed. All of them share the
    fixtures.

    Args:
        names: The name of the argument, or a tuple of names.
        cases: Each case is a value, a tuple of values if there are several names, or a `pytest.param` without
        marks.
        ids: The names of the cases, or a function that names a value.
    """
    wanted = (names,) if isinstance(names, str) else names
    listed = [_case(case, ids if callable(ids) else repr, single=isinstance(names, str)) for case in cases]
    if not callable(ids):
        listed = [(str(name), values) for name, (_, values) in zip(ids, listed, strict=True)]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            failed: dict[str, BaseException] = {}
            for name, values in listed:
                try:
                    test(**fixtures, **dict(zip(wanted, values, strict=True)))
                # A skipped case would not appear in the report.
                except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # noqa: BLE001 - raised below
                    error.add_note(f"case: {name}")
                    failed[f"{len(failed)}: {name}"] = error
            if failed:
                message = f"{len(failed)} of {len(listed)} cases failed: {', '.join(failed)}"
                raise BaseExceptionGroup(message, list(failed.values())[:_SHOWN])

        signature = inspect.signature(test)
        left = [value for name, value in signature.parameters.items() if name not in wanted]
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    assert listed, f"no cases for {names}"
    return decorate


def _case(case: Any, name: Callable[[Any], object], *, single: bool) -> tuple[str, tuple[Any, ...]]:
    identity = None
    if isinstance(case, type(pytest.param())):
        assert not case.marks, "a case must not have marks"
        identity, values = case.id, tuple(case.values)
    else:
        values = (case,) if single else tuple(case)
    return str(identity or ", ".join(str(name(value)) for value in values)), values
