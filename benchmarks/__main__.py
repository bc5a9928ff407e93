"""The command `python -m benchmarks`: it asks the questions and prints the answers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import (
    captures,
    decode,
    encode,
    findings,
    goals,
    growth,
    header,
    instructions,
    lenience,
    memory,
    redaction,
    startup,
    stream,
    with_blocks,
)
from ._measure import about, differences

QUESTIONS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(goals, decode, header, encode, with_blocks, findings, lenience, instructions),
        *(stream, startup, memory, growth, captures, redaction),
    )
}
# The figures of the documentation.
FIGURES = Path(__file__).with_name("charts") / "figures.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure xmla_headers.")
    parser.add_argument(
        "question", nargs="*", help=f"one of {', '.join(QUESTIONS)}; the default is all of them"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and smaller messages")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.question if name not in QUESTIONS]
    if unknown:
        parser.error(f"no such question: {', '.join(unknown)}")

    environment = about()
    print("; ".join(f"{name}: {value}" for name, value in environment.items()))
    for line in differences(_committed(), environment):
        print(line, flush=True)
    answers = {}
    for name in arguments.question or QUESTIONS:
        module = QUESTIONS[name]
        print(f"\n{name}: {module.__doc__}\n", flush=True)
        tables = []
        for table in module.run(quick=arguments.quick):
            print(table, flush=True)
            tables.append(table.as_dict())
        answers[name] = {"question": module.__doc__, "tables": tables}
    if arguments.json is not None:
        text = json.dumps({"about": environment, "answers": answers}, indent=2, ensure_ascii=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _committed() -> dict[str, str]:
    """Return the versions and the machine of the committed figures."""
    environment: dict[str, str] = json.loads(FIGURES.read_text(encoding="utf-8"))["about"]
    return environment


if __name__ == "__main__":
    main()
