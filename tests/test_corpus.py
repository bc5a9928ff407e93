"""The corpus: its files, the command that writes them, and the vectors that are kept."""

from __future__ import annotations

import hashlib
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests import vectors
from tests.each import each
from tests.reading import agreed
from xmla_headers import (
    RULES,
    SESSION_BLOCKS,
    Direction,
    HeaderBlock,
    Severity,
    cli,
    fuzzing,
    iter_findings,
    schema,
)
from xmla_headers.fuzzing import _corpus
from xmla_headers.fuzzing._cases import first_pass
from xmla_headers.fuzzing._ways import NOT_ABOUT_BYTES, Given

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RELEASED = vectors.released()
# The first release never changes; later vectors are added to it.
FIRST, DIGEST = 500, "75b12751aca1"


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = cli.run([str(argument) for argument in arguments], cli.Streams(io.BytesIO(), out, err))
    return status, out.getvalue(), err.getvalue()


def described(data: bytes, direction: Direction | None) -> list[dict[str, Any]] | None:
    """Return the blocks that our decoder finds, as the manifest describes them."""
    header, _ = agreed(data, deep=True, direction=direction)
    if header is None:
        return None
    blocks = []
    for block in header:
        namespace, _, name = block.qname.rpartition("}")
        entry: dict[str, Any] = {
            "namespace": namespace[1:],
            "name": name,
            "must_understand": block.must_understand,
            "actor": block.actor,
        }
        if isinstance(block, HeaderBlock):
            values = {spec.name: getattr(block, spec.field) for spec in block.spec.attributes}
            entry["attributes"] = {name: value for name, value in values.items() if value is not None}
        blocks.append(entry)
    return blocks


# -- the kept vectors ----------------------------------------------------------------------------------


@each("vector", RELEASED, ids=lambda vector: vector["name"])
def test_kept_vector_agrees_with_our_decoder(vector: Mapping[str, Any]) -> None:
    data = (vectors.FOLDER / vector["file"]).read_bytes()
    direction = Direction(vector["direction"]) if vector["direction"] else None
    assert hashlib.sha256(data).hexdigest() == vector["sha256"]
    codes = {finding.code for finding in iter_findings(data, direction=direction)}
    assert [code for code in RULES if code in codes] == vector["codes"]
    assert described(data, direction) == vector["blocks"]
    refused = any(RULES[code].severity is Severity.ERROR for code in codes)
    assert vector["verdict"] in {"reject" if refused else "accept", "either"}


def test_kept_manifest_names_all_files_and_fits_its_schema() -> None:
    manifest = json.loads((vectors.FOLDER / _corpus.MANIFEST).read_bytes())
    text = json.loads((vectors.FOLDER / _corpus.SCHEMA).read_bytes())
    jsonschema.Draft202012Validator.check_schema(text)
    jsonschema.Draft202012Validator(text).validate(manifest)
    assert text == _corpus.manifest_schema()
    names = {path.name for path in vectors.FOLDER.iterdir()} - {_corpus.MANIFEST, _corpus.SCHEMA}
    assert names == {vector["file"] for vector in RELEASED}
    assert len({vector["name"] for vector in RELEASED}) == len(RELEASED) >= FIRST


def test_first_release_keeps_names_and_bytes() -> None:
    lines = "".join(f"{vector['name']} {vector['sha256']}\n" for vector in RELEASED[:FIRST])
    assert hashlib.sha256(lines.encode()).hexdigest().startswith(DIGEST)


@pytest.mark.slow
def test_same_seed_makes_the_kept_vectors_again() -> None:
    kept = {vector["name"]: vector for vector in RELEASED}
    made = json.loads(dict(_corpus.corpus(0, vectors.MADE))[_corpus.MANIFEST])["vectors"]
    again = {vector["name"]: vector for vector in made if vector["name"] in kept}
    assert again == kept


def test_repeated_message_has_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = islice(fuzzing.iter_cases(), 2)
    monkeypatch.setattr(_corpus, "iter_cases", lambda *_, **__: iter([first, first, second]))
    assert [case for case in _corpus.vectors() if case.direction is None] == [first, second]


@pytest.mark.slow
def test_growing_adds_only_new_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "FOLDER", tmp_path)
    monkeypatch.setattr(vectors, "COUNT", 20)
    assert vectors.grow() == 20
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.xml")}
    before = vectors.released()
    assert vectors.grow() == 0
    monkeypatch.setattr(vectors, "COUNT", 30)
    assert vectors.grow() == 10
    assert vectors.released()[:20] == before
    assert {name: (tmp_path / name).read_bytes() for name in first} == first


def test_kept_vectors_have_every_code_and_verdict() -> None:
    size = sum(path.stat().st_size for path in vectors.FOLDER.iterdir())
    assert size < 1_500_000
    codes = {code for vector in RELEASED for code in vector["codes"]}
    assert codes == set(RULES) - NOT_ABOUT_BYTES
    assert {vector["verdict"] for vector in RELEASED} == {"accept", "reject", "either"}


# -- writing one ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_corpus_command_writes_the_same_as_the_library(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "corpus"
    status, out, err = run("corpus", folder, "--seed", 5, "--count", 30)
    assert (status, out, err) == (0, "30 messages, a manifest and its schema written\n", "")
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written == dict(fuzzing.corpus(5, 30))
    assert len(written) == 32


@pytest.mark.slow
def test_corpus_command_has_defaults_for_count_and_seed(tmp_path: Path) -> None:
    assert run("corpus", tmp_path)[0] == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict(fuzzing.corpus(0, 500))


@pytest.mark.slow
def test_other_seed_makes_other_combinations() -> None:
    count = 100 + sum(1 for _ in first_pass(Given(SESSION_BLOCKS, None)))
    first, second = (dict(fuzzing.corpus(seed, count)) for seed in (0, 1))
    assert {name for name in first if name.startswith("mixed--")}
    common = set(first) & set(second)
    assert not {name for name in common if name.startswith("mixed--")}
    assert all(first[name] == second[name] for name in common - {_corpus.MANIFEST})


def test_manifest_of_other_types_fits_the_schema() -> None:
    types = schema.types_from_schema(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:example:audit">'
        '<xs:element name="Audit"><xs:complexType><xs:attribute name="User" type="xs:string"/>'
        "</xs:complexType></xs:element></xs:schema>"
    )
    files = dict(fuzzing.corpus(2, 300, types=types))
    manifest = json.loads(files[_corpus.MANIFEST])
    jsonschema.Draft202012Validator(json.loads(files[_corpus.SCHEMA])).validate(manifest)
    names = {block["name"] for vector in manifest["vectors"] for block in vector["blocks"] or ()}
    assert "Audit" in names


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seed", "one"),
        ("--seed", "1.5"),
        ("--count", "0"),
        ("--count", "-3"),
        ("--count", "many"),
        ("--count", ""),
    ],
)
def test_corpus_command_refuses_invalid_numbers(
    arguments: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("corpus", tmp_path, *arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_corpus_command_refuses_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    status, out, err = run("corpus", tmp_path)
    assert (status, out) == (2, "")
    assert "not empty" in err
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 5_000, "nul\0"])
def test_corpus_command_reports_an_unwritable_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, out, err = run("corpus", tmp_path / name)
    assert (status, out, len(err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"count": 0}, ValueError),
        ({"count": -1}, ValueError),
        ({"count": "1"}, TypeError),
        ({"seed": "1"}, TypeError),
    ],
)
def test_corpus_refuses_invalid_numbers(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        list(fuzzing.corpus(**arguments))
