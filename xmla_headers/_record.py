"""Immutable values that are cheaper to define than a dataclass: an import pays for each."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

__all__ = ["Immutable", "Record"]


class Immutable:
    """A value whose attributes are set once, by whoever makes it."""

    __slots__ = ()

    def __setattr__(self, name: str, _value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


class Record(Immutable):
    """A value with named fields that compares, hashes, shows and pickles as a frozen dataclass does."""

    __slots__ = ()

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

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), {name: getattr(self, name) for name in self.FIELDS})


def _restored(kind: type, fields: dict[str, object]) -> object:
    return kind(**fields)
