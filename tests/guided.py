"""Coverage-guided fuzzing of our own code, with atheris (the extra `guided`).

    python -m tests.guided [--target NAME|all] [--seconds N] [--runs N] [--seed N] [--jobs N] [--grow] [DIR]

Fuzzes the targets of `tests.guided_targets`, each from the inputs in DIR/<its name>/ (default:
tests/data/corpus), for N seconds of elapsed time in all (default: 120). With `--runs`, each target gets N
inputs instead, which depend on the seed, the code and the folder only: the project's check has the same
result twice. `--jobs` targets run at a time (default: one for each core). `--grow` adds inputs that reached
new branches to DIR, the shortest first.

An input that breaks an invariant is shortened, printed in base64 and written to .guided/<target>-<digest>;
the exit status is then 1. Repair the code and move the file to DIR/<target>/, where tests/test_guided.py
reads it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "data" / "corpus"
FINDINGS = Path(".guided")
#: Longer inputs are slow and reach no other branches.
LONGEST = 4_096
#: The time and memory that one input may take.
_SECONDS, _MEBIBYTES = 20, 2_048
_DONE = re.compile(r"Done (\d+) runs? in")
#: Positions before a tag, and after a tag, an attribute or a line.
_JOINT = re.compile(rb"(?=<)|(?<=[> \n|])")


# -- mutations ---------------------------------------------------------------------------------------


class Mutator:
    """Changes inputs at joints: inserts pieces of the same input, of other inputs, and words."""

    def __init__(
        self, others: Sequence[bytes], words: Sequence[bytes], mutate: Callable[[bytes, int], bytes]
    ) -> None:
        self._others = others or [b""]
        self._words = words
        self._mutate = mutate

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        kind = chance.randrange(8)
        if kind < 2 or not data:
            return self._mutate(data, most)[:most]
        pieces = _pieces(data)
        other = _pieces(chance.choice(self._others))
        place = chance.randrange(len(pieces) + 1)
        if kind == 2:
            pieces[place:place] = [chance.choice(other)]
        elif kind == 3:
            start = chance.randrange(len(other))
            pieces[place : place + 1] = other[start : start + chance.randrange(1, 5)]
        elif kind == 4:
            del pieces[place : place + chance.randrange(1, 4)]
        elif kind == 5:
            start = chance.randrange(len(pieces))
            pieces[place:place] = pieces[start : start + chance.randrange(1, 5)]
        elif kind == 6:
            pieces[place:place] = [chance.choice(self._words)]
        else:
            index = min(place, len(pieces) - 1)
            cut = chance.randrange(len(pieces[index]) + 1)
            pieces[index] = pieces[index][:cut] + chance.choice(self._words) + pieces[index][cut:]
        return b"".join(pieces)[:most]


def _pieces(data: bytes) -> list[bytes]:
    return [piece for piece in _JOINT.split(data) if piece] or [b""]


def inputs(folder: Path) -> list[bytes]:
    """Return the inputs in a folder of the corpus."""
    return [path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()]


# -- findings ----------------------------------------------------------------------------------------


def _failure(target: Callable[[bytes], object], data: bytes) -> tuple[object, ...] | None:
    """Return the class of an exception and the line that raised it, which identify a failure."""
    try:
        target(data)
    except Exception as error:  # noqa: BLE001 - any exception is a finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return type(error), frame.filename, frame.lineno
    return None


def shortened(target: Callable[[bytes], object], data: bytes, tries: int = 2_000) -> bytes:
    """Return a shorter input that fails in the same way; smaller and smaller parts are removed."""
    wanted = _failure(target, data)
    size = len(data)
    until = time.monotonic() + _SECONDS
    while size and wanted is not None:
        size //= 2
        place = 0
        while size and place < len(data):
            if not tries or time.monotonic() > until:
                return data
            tries -= 1
            shorter = data[:place] + data[place + size :]
            if _failure(target, shorter) == wanted:
                data = shorter
            else:
                place += size
    return data


def _report(name: str, data: bytes) -> None:
    """Print an input and write it to a file."""
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"{name}-{sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    sys.stderr.write(
        f"\nFOUND by {name}: {path}, {len(data)} bytes, in base64:\n{b64encode(data).decode()}\n"
    )


# -- one target, in a process of its own -------------------------------------------------------------


def _fuzz(name: str, options: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["xmla_headers"]):
        from tests.guided_targets import ALPHABET, TARGETS
    target = TARGETS[name]

    def run(data: bytes) -> None:
        try:
            target(data)
        except Exception:  # noqa: BLE001 - any exception is a finding
            traceback.print_exc()
            _report(name, shortened(target, data))
            sys.stderr.flush()
            os._exit(1)

    folders = [Path(option) for option in options if not option.startswith("-")]
    others = [data for folder in folders for data in inputs(folder)]
    # The lookup is late because atheris replaces this function when it runs.
    mutator = Mutator(others, ALPHABET, lambda data, most: atheris.Mutate(data, most))  # noqa: PLW0108
    atheris.Setup([sys.argv[0], *options], run, custom_mutator=mutator)
    atheris.Fuzz()


# -- all targets -------------------------------------------------------------------------------------


def _guard(name: str, corpus: Path, bound: Sequence[str]) -> list[bytes] | None:
    """Fuzz one target. Return the inputs that reached new branches, or None if one broke an invariant."""
    kept = corpus / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder)
        # libFuzzer writes inputs here that take too long or too much memory.
        artifacts = found / "artifacts"
        artifacts.mkdir()
        new = found / "new"
        new.mkdir()
        options = [
            *bound,
            f"-max_len={LONGEST}",
            f"-timeout={_SECONDS}",
            f"-rss_limit_mb={_MEBIBYTES}",
            f"-artifact_prefix={artifacts}/",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.guided", "--run", name, str(new), str(kept), *options],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        for path in sorted(artifacts.iterdir()):
            _report(name, path.read_bytes())
        runs = _DONE.search(done.stderr)
        if done.returncode or runs is None:
            sys.stderr.write(
                f"{done.stdout[-4_000:]}{done.stderr[-8_000:]}\n{name}: failed, or did not run\n"
            )
            return None
        print(f"{name}: {runs[1]} inputs, nothing found", flush=True)  # noqa: T201
        return inputs(new)


def grown(name: str, kept: Path, found: Iterable[bytes]) -> int:
    """Add the inputs to a folder that reach new branches; return their number."""
    from tests.guided_targets import TARGETS

    target = TARGETS[name]
    known: set[tuple[str, int, int]] = set()
    for data in inputs(kept):
        known |= _branches(target, data)
    added = 0
    for data in sorted(set(found), key=len):
        reached = _branches(target, data)
        if not reached <= known:
            known |= reached
            (kept / sha256(data).hexdigest()[:12]).write_bytes(data)
            added += 1
    return added


def _branches(target: Callable[[bytes], object], data: bytes) -> set[tuple[str, int, int]]:
    """Return the pairs of consecutive lines that the library runs for an input."""
    taken: set[tuple[str, int, int]] = set()

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if f"{os.sep}xmla_headers{os.sep}" not in name or event != "call":
            return None
        before = frame.f_lineno

        def step(frame: FrameType, _event: str, _argument: Any) -> Any:
            nonlocal before
            taken.add((name, before, frame.f_lineno))
            before = frame.f_lineno
            return step

        return step

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(outer)  # of coverage, which would measure nothing from here on
    return taken


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--run"]:
        _fuzz(arguments[1], arguments[2:])
        return 0
    from tests.guided_targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.guided", description="Coverage-guided fuzzing.")
    parser.add_argument("--target", default="all", choices=["all", *TARGETS])
    parser.add_argument("--seconds", type=int, default=120, help="elapsed time for all targets together")
    parser.add_argument("--runs", type=int, default=0, help="inputs for each target, instead of seconds")
    parser.add_argument("--seed", type=int, default=1, help="which inputs, with --runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time")
    parser.add_argument("--grow", action="store_true", help="keep inputs that reach new branches")
    parser.add_argument("corpus", nargs="?", type=Path, default=CORPUS)
    chosen = parser.parse_args(arguments)
    names = list(TARGETS) if chosen.target == "all" else [chosen.target]
    jobs = min(chosen.jobs, len(names))
    # If the targets need several rounds, the rounds are equally long.
    seconds = max(1, chosen.seconds // -(-len(names) // jobs))
    bound = [f"-max_total_time={seconds}"]
    if chosen.runs:
        bound = [f"-runs={chosen.runs}", f"-seed={chosen.seed}"]
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda name: _guard(name, chosen.corpus, bound), names))
    if chosen.grow:
        for name, new in zip(names, found, strict=True):
            print(f"{name}: {grown(name, chosen.corpus / name, new or ())} kept")  # noqa: T201
    return 1 if None in found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
