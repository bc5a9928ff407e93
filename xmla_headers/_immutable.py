"""Values that are set once, and that have a repr before they are complete."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from functools import wraps
from typing import TypeVar

__all__ = ["Immutable", "shown_half_made"]

T = TypeVar("T")


def shown_half_made(kind: type[T]) -> type[T]:
    """Make the repr of a class name the class alone while a constructor has not finished.

    A traceback that shows local variables asks for the repr of `self`.
    """
    show = kind.__repr__

    @wraps(show)
    def __repr__(self: T) -> str:  # noqa: N807 - that is the method
        try:
            return show(self)
        except (AttributeError, TypeError):
            return f"{type(self).__name__}(<half made>)"

    kind.__repr__ = __repr__  # type: ignore[method-assign,assignment]
    return kind


class Immutable:
    """A value whose attributes its constructor sets, and nothing else."""

    __slots__ = ()

    def __setattr__(self, name: str, _value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")
