"""Changes to the code that a test must notice: `python -m tests.mutants [--only WORD] [--jobs N]`.

Each row of tests/mutants.txt is applied to a copy of the project, where the tests of its module run up to the
first failure. If all tests pass, the change survives: add the missing test, or say in the row why no test can
notice the change (a line `= reason`). A row whose line does not occur exactly once is an error.

Rows follow the name of their module, which MODULES maps to its files and its tests:

    == rules
    - if count > spec.max_occurs:
    + if count >= spec.max_occurs:

The argument of `--only` is a module, or words of the old or new line. The exit status is 1 if a change
survives or is stale. The last result is in CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "mutants.txt"

#: A name in the table -> its files in xmla_headers/, and the tests that guard them, the fastest first.
MODULES = {
    "rules": ("_codec/rules.py", "test_rules test_hints test_codes test_corpus test_fuzzing"),
    "encoding": (
        "_xml/encoding.py _xml/positions.py",
        "test_null_characters test_encodings test_codes test_corpus",
    ),
    "reader": (
        "_xml/reader.py _xml/body_end.py _xml/fragments.py",
        "test_codes test_head_bounds test_corpus test_encodings test_bounds",
    ),
    "bounds": ("_xml/bounds.py", "test_bounds"),
    "heads": ("_codec/heads.py", "test_heads"),
    "namespaces": ("_xml/namespaces.py", "test_codes test_corpus test_values"),
    "walker": ("_xml/walker.py", "test_fault test_elements test_schema_validator"),
    "prefixes": ("_xml/prefixes.py", "test_prefixes test_values test_write"),
    "parser": (
        "_xml/parser.py _xml/names.py",
        "test_names test_codes test_values test_corpus test_encodings",
    ),
    "escape": ("_xml/escape.py", "test_write test_values test_fault"),
    "writer": ("_codec/writer.py", "test_write test_values test_splice"),
    "qnames": (
        (
            "_codec/values.py _codec/writer.py simple_types.py elements/__init__.py elements/_trees.py"
            " schema/_content.py schema/_specs.py schema/_located_trees.py schema/_errors.py"
        ),
        "test_qualified_names test_schema_content test_schema_agreement test_schema_validator",
    ),
    "splice": ("_codec/splice.py", "test_splice"),
    "stream": ("stream.py", "test_stream"),
    "stream_reader": ("_xml/stream_reader.py", "test_stream"),
    "conversation": ("conversation.py", "test_conversation test_transcript"),
    "transcript": (
        "transcript/_sessions.py transcript/_losses.py transcript/_blocks.py transcript/_pending.py",
        "test_transcript test_transcript_sides test_cli_captures test_diagnosis",
    ),
    "transport": (
        "captures/_transport.py",
        "test_diagnosis_weights test_transcript test_transcript_sides test_timeline test_capture_streams",
    ),
    "diagnosis": (
        "transcript/_causes.py transcript/_history.py transcript/_spellings.py",
        "test_diagnosis_weights test_diagnosis",
    ),
    "fault_reader": ("fault/_reader.py", "test_fault test_soap_1_2_faults test_codes"),
    "fault": ("fault/__init__.py", "test_fault test_soap_1_2_faults"),
    "fault_writer": ("fault/_writer.py", "test_fault test_soap_1_2_faults"),
    "envelope": ("envelope.py", "test_values test_codes"),
    "model": ("model.py unknown_block.py", "test_values test_half_made test_codes test_write"),
    "fragment": ("fragment.py", "test_values test_write test_elements"),
    "codec": ("codec.py", "test_write test_arguments test_splice"),
    "secrets": (
        (
            "captures/_redaction/secrets.py captures/_redaction/editor.py captures/_redaction/markup.py"
            " captures/_redaction/names.py captures/_redaction/shapes.py captures/_redaction/edits.py"
        ),
        (
            "test_redact test_redact_rules test_redact_borders test_redact_planted test_redact_options"
            " test_redact_memory test_redact_names test_redact_captures test_redact_cuts test_capture_costs"
        ),
    ),
    "pseudonyms": (
        "captures/_redaction/pseudonyms.py",
        "test_redact_memory test_redact test_redact_rules test_redact_planted test_redact_captures",
    ),
    "escapes": ("captures/_redaction/escapes.py", "test_redact test_redact_rules test_redact_captures"),
    "redact_har": (
        "captures/_redaction/json_strings.py",
        (
            "test_redact_memory test_redact_borders test_capture_exporters test_redact_captures test_redact"
            " test_redact_rules"
        ),
    ),
    "captures": (
        (
            "captures/_formats/http_stream.py captures/_formats/http.py captures/_formats/har.py"
            " captures/_formats/saz.py captures/_unpacking.py"
        ),
        (
            "test_capture_streams test_capture_exporters test_capture_http_facts test_transcript_sides"
            " test_cli_captures"
        ),
    ),
    "http_facts": (
        ("captures/_http_facts.py captures/_checked.py captures/_multipart.py captures/_message.py"),
        "test_capture_http_facts test_capture_exporters test_transcript_sides",
    ),
    "packets": (
        (
            "captures/_formats/packets.py captures/_formats/tcp.py captures/_formats/pcap.py"
            " captures/_formats/packet_writer.py"
        ),
        "test_capture_packets",
    ),
    "texts": (
        ("captures/_formats/text.py captures/_formats/unescaping.py captures/_formats/times.py"),
        "test_capture_text",
    ),
    "archives": (
        ("captures/_formats/gz.py captures/_formats/zipped.py captures/_pairing.py"),
        "test_capture_archives",
    ),
    "tools": (
        ("captures/_formats/curl.py captures/_formats/burp.py captures/_formats/foreign.py"),
        "test_capture_tools test_capture_foreign",
    ),
    "redact_saz": ("captures/_formats/saz.py", "test_redact_captures test_redact test_redact_rules"),
}

#: Files that are not copied.
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "docs", "browser", "interop")
#: A time-out, because a change may make a loop endless.
_SECONDS = 900


class Mutant(NamedTuple):
    """A line of a module, and its replacement."""

    module: str
    old: str
    new: str
    #: The reason why no test can notice the change; empty if one must.
    equivalent: str = ""

    def __str__(self) -> str:
        return f"{self.module}: {self.old} -> {self.new}"


def table(text: str) -> list[Mutant]:
    """Return the rows of a table."""
    rows: list[Mutant] = []
    module = old = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark, _, said = line.partition(" ")
        match mark:
            case "" | "#":
                pass
            case "==":
                module = said
            case "-":
                old = said
            case "+":
                rows.append(Mutant(module, old, said))
            case "=":
                rows[-1] = rows[-1]._replace(equivalent=said)
            case _:
                raise ValueError(f"line {number} of the table begins with {mark!r}")
    return rows


def mutated(mutant: Mutant, package: Path) -> tuple[Path, str]:
    """Return the file of a mutant, and its changed text.

    Raises LookupError for a stale row.
    """
    files, _ = MODULES[mutant.module]
    texts = {package / file: (package / file).read_text(encoding="utf-8") for file in files.split()}
    counts = {path: text.count(mutant.old) for path, text in texts.items()}
    if sum(counts.values()) != 1:
        raise LookupError(f"{mutant}: {sum(counts.values())} times in {files}")
    path = max(counts, key=lambda path: counts[path])
    return path, texts[path].replace(mutant.old, mutant.new)


def passes(tests: str, mutant: Mutant | None = None) -> bool:
    """Return whether the tests pass in a copy of the project with a mutant.

    Raises RuntimeError if none ran.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        # The tests are copied too, because they find the package next to their folder.
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT, symlinks=True)
        if mutant is not None:
            path, text = mutated(mutant, copy / "xmla_headers")
            path.write_text(text, encoding="utf-8")
        # The files run one by one, because collecting all takes longer than a failure in the first.
        return all(_passes(copy, f"tests/{name}.py", mutant) for name in tests.split())


def _passes(copy: Path, file: str, mutant: Mutant | None) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=0", file]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    # A mutant may break what a test module does when it is imported: that is red as well.
    if done.returncode not in ((0, 1) if mutant is None else (0, 1, 2)):
        raise RuntimeError(f"{mutant}: pytest ended with {done.returncode}\n{done.stdout[-2_000:]}")
    return done.returncode == 0


def _survives(mutant: Mutant) -> bool:
    _, tests = MODULES[mutant.module]
    try:
        survives = passes(tests, mutant)
    except (LookupError, RuntimeError) as error:
        print(f"ERROR {error}", flush=True)  # noqa: T201
        return True
    if survives:
        print(f"SURVIVES {mutant}", flush=True)  # noqa: T201
    return survives


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Check that tests notice changes."
    )
    parser.add_argument("--only", default="", help="a module, or words of a row")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    chosen = parser.parse_args(arguments)
    rows = table(TABLE.read_text(encoding="utf-8"))
    if chosen.only in MODULES:
        rows = [row for row in rows if row.module == chosen.only]
    elif chosen.only:
        rows = [row for row in rows if chosen.only in f"{row.old} {row.new}"]
    tried = [row for row in rows if not row.equivalent]
    for row in rows:
        if row.equivalent:
            print(f"EQUIVALENT {row}: {row.equivalent}")  # noqa: T201
    # The tests must pass without a mutant.
    names = sorted({name for row in tried for name in MODULES[row.module][1].split()})
    with ThreadPoolExecutor(chosen.jobs) as pool:
        green = list(pool.map(passes, names))
        for name, passed in zip(names, green, strict=True):
            if not passed:
                print(f"ERROR {name} fails without a mutant")  # noqa: T201
        survivors = sum(pool.map(_survives, tried)) if all(green) else len(tried)
    print(f"{len(tried)} mutants, {survivors} survive; {len(rows) - len(tried)} change nothing")  # noqa: T201
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
