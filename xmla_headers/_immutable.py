"""Values that nobody changes, and that have a repr before they are complete."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from functools import wraps
from typing import Any, Self, TypeVar

__all__ = ["MadeByConstructor", "ReadOnly", "shown_half_made"]

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


class MadeByConstructor:
    """A dataclass that pydantic must not make field by field, which would skip its checks.

    A field of a model takes the instances, and is written to JSON as `to_dict`.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        # Only pydantic calls this, and has imported it.
        from pydantic_core import core_schema  # noqa: PLC0415

        to_dict = core_schema.plain_serializer_function_ser_schema(_to_dict, when_used="json")
        return core_schema.is_instance_schema(cls, serialization=to_dict)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, object]:
        return {"type": "object", "title": cls.__name__}


def _to_dict(value: Any) -> object:
    return value.to_dict()


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

    # At the speed of a dict, without the views of Mapping.
    def keys(self) -> KeysView[K]:
        return self._items.keys()

    def items(self) -> ItemsView[K, V]:
        return self._items.items()

    def values(self) -> ValuesView[V]:
        return self._items.values()

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

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
