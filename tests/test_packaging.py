"""The installed package: the wheel in a fresh environment, and the editable checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from xmla_headers import schema

ROOT = Path(__file__).resolve().parent.parent

JOB = """
import pathlib, xmla_headers
from xmla_headers import schema
assert "site-packages" in xmla_headers.__file__, xmla_headers.__file__
captured = pathlib.Path({captured!r})
envelopes = [xmla_headers.decode(path.read_bytes()) for path in sorted(captured.glob("*.xml"))]
print(sum(envelope.header.session is not None for envelope in envelopes), "with a session")
text = schema.read_schema("xmla-session-headers.xsd")
assert schema.specs_from_schema(text) == tuple(kind.spec for kind in xmla_headers.SESSION_BLOCKS.values())
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheel_works_from_another_folder(tmp_path: Path) -> None:
    run(
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--wheel",
        "--no-isolation",
        "--outdir",
        tmp_path,
        ROOT,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "py.typed",
        "schemas/xmla-session-headers.xsd",
        "schemas/soap-envelope-1.1.xsd",
        "schemas/README.md",
    ):
        assert f"xmla_headers/{name}" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)
    # The recipes are documentation: the sources have them, the package does not.
    (source,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"docs/recipes/index.md", "docs/recipes/asgi_endpoint.py", "tests/test_recipes.py"} <= names

    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    scripts = tmp_path / "venv" / "bin"
    run(scripts / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    captured = ROOT / "tests" / "data" / "captured"
    assert (
        run(scripts / "xmla-headers", "check", captured, cwd=tmp_path)
        .splitlines()[-1]
        .startswith("42 messages")
    )
    # Only the dependencies are installed: neither rich nor hypothesis.
    assert "with a session" in run(scripts / "python", "-c", JOB.format(captured=str(captured)), cwd=tmp_path)


@pytest.mark.parametrize("name", ["xmla-session-headers.xsd", "soap-envelope-1.1.xsd"])
def test_read_schema_finds_the_schemas_of_a_checkout(name: str) -> None:
    assert schema.read_schema(name) == (ROOT / "schemas" / name).read_text(encoding="utf-8")


def test_read_schema_of_another_name_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        schema.read_schema("other.xsd")
