"""Immutable values that are cheaper to define than a dataclass: an import pays for each."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, make_dataclass, replace
from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import Field
    from typing import Any, ClassVar, Self, TypeVar

    T = TypeVar("T")

__all__ = ["Immutable", "Record", "shown_half_made"]


def shown_half_made(kind: type[T]) -> type[T]:
    """Let the repr of a class name the class alone where a constructor has not finished.

    A traceback that shows local variables asks for it: `self` is one of them.
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
    """A value whose attributes are set once, by whoever makes it."""

    __slots__ = ()

    def __setattr__(self, name: str, _value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


class _OfDataclass:
    """What `dataclasses` and `pprint` look for in the class of a dataclass, made when they do."""

    def __init__(self, *, frozen: bool) -> None:
        self._frozen = frozen

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, _value: object, kind: type[Record]) -> object:
        # With a docstring, and without methods, there is nothing to compile but what freezes it.
        likeness = make_dataclass(
            kind.__name__,
            kind.FIELDS,
            namespace={"__doc__": kind.__doc__},
            init=False,
            repr=False,
            eq=False,
            frozen=self._frozen,
        )
        return getattr(likeness, self._name)


@shown_half_made
class Record(Immutable):
    """A value with named fields that is to its users what a frozen dataclass is."""

    __slots__ = ()

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _OfDataclass(frozen=False)
        __dataclass_params__ = _OfDataclass(frozen=True)

    #: What is compared, hashed, shown and pickled, by name.
    FIELDS: tuple[str, ...] = ()

    def put(self, **values: object) -> None:
        """Set all attributes, from the constructor."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.FIELDS))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.FIELDS)
        return f"{type(self).__name__}({fields})"

    def __replace__(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), {name: getattr(self, name) for name in self.FIELDS})


def _restored(kind: type, fields: dict[str, object]) -> object:
    return kind(**fields)
