"""Values that are set once, and that have a repr before they are complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError
from functools import wraps
from typing import Any, Self, TypeVar

__all__ = ["Immutable", "ReadOnly", "shown_half_made"]

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


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


class ReadOnly(Mapping[K, V]):
    """A mapping that nobody changes. Unlike a MappingProxyType it pickles and copies: `asdict` copies it."""

    __slots__ = ("_items",)

    _items: Mapping[K, V]

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items = items

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def get(self, key: K, default: Any = None) -> Any:
        # Without the exception that Mapping catches.
        return self._items.get(key, default)

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        return {**self, **other}

    def __ror__(self, other: Mapping[K, V]) -> dict[K, V]:
        return {**other, **self}

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self._items),)

    def __repr__(self) -> str:
        return repr(dict(self._items))
