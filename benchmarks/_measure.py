"""How it is measured: candidates take turns, ratios are medians, answers are tables."""

from __future__ import annotations

import gc
import os
import platform
import pyexpat
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from .peers import DISTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Cell: TypeAlias = float | str | None
RoundT = TypeVar("RoundT")

# The keys of `about` that name no package.
_PLACE = {"python", "expat", "machine"}


class Times:
    """CPU seconds of each candidate in each round."""

    def __init__(self, names: Iterable[str]) -> None:
        self.rounds: dict[str, list[float]] = {name: [] for name in names}
        # The candidates that ran in rounds of their own.
        self.apart: set[str] = set()

    def median(self, name: str) -> float | None:
        """Return the median in seconds; None for a candidate that did not run."""
        return median(self.rounds[name]) if name in self.rounds else None

    def ratio(self, name: str, base: str) -> float | None:
        """Return the median of the ratios within one round, because other load slows both equally.

        For candidates that never ran in one round, return the ratio of the medians.
        """
        if name not in self.rounds or base not in self.rounds:
            return None
        mine, others = self.rounds[name], self.rounds[base]
        if (name in self.apart) != (base in self.apart):
            return median(mine) / median(others)
        return median(mine_once / other for mine_once, other in zip(mine, others, strict=True))

    def add(self, other: Times) -> None:
        """Add candidates that ran in rounds of their own."""
        self.rounds |= other.rounds
        self.apart |= set(other.rounds)


def interleave(
    candidates: Mapping[str, Callable[[RoundT], object]],
    rounds: Iterable[RoundT],
    *,
    loops: int = 1,
) -> Times:
    """Run each candidate `loops` times per round, in another order each time.

    Each round is the argument that its candidates are called with. The first round is a warm-up and does
    not count.
    """
    # In a fixed order, one candidate would always pay for the caches that another one leaves cold.
    chance = Random(len(candidates))
    times = Times(candidates)
    for number, material in enumerate(rounds):
        gc.collect()
        for name in chance.sample(list(candidates), len(candidates)):
            candidate = candidates[name]
            start = time.process_time()
            for _ in range(loops):
                candidate(material)
            spent = time.process_time() - start
            if number:
                times.rounds[name].append(spent)
    return times


@dataclass
class Table:
    """One answer, which is printed and written as JSON."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    notes: list[str] = field(default_factory=list)
    # For the charts: name -> pairs of a size in bytes and a cost in seconds or MB.
    lines: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        # Without rows, the title says why.
        lines = [self.columns, *(tuple(map(_shown, row)) for row in self.rows)] if self.rows else []
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = [self.title]
        for first, *others in lines:
            cells = [first.ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            text.append("  " + "  ".join(cells))
        text += [f"  ({note})" for note in self.notes]
        return "\n".join(text)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    digits = 0 if cell == int(cell) or abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2
    return f"{cell:,.{digits}f}"


def scaled(value: float | None, factor: float) -> float | None:
    """Return a measured value in another unit; None stays None."""
    return None if value is None else value * factor


def size_name(size: int) -> str:
    for factor, unit in ((1_000_000, "MB"), (1_000, "KB")):
        if size >= factor:
            return f"{size / factor:g} {unit}"
    return f"{size} B"


def about() -> dict[str, str]:
    """Return the versions and the machine that were measured."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
        **{name: _version(name) for name in DISTRIBUTIONS},
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
    }


def differences(committed: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """Yield what makes the figures of this run differ from committed ones, whatever the library does."""
    for names, what in (
        (_PLACE, "the committed figures come from another machine or interpreter"),
        (set(here) - _PLACE, "the committed figures come from other versions of the peers"),
    ):
        changed = [
            f"{name} {committed.get(name, 'not measured')}, here {value}"
            for name, value in here.items()
            if name in names and committed.get(name) != value
        ]
        if changed:
            yield f"{what}: {'; '.join(changed)}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
