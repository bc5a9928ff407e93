"""The files that the command writes: whole or not at all, and named in the errors."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from xmla_headers import cli
from xmla_headers.cli import _outputs

from .capture_files import Exchange, har, message, session
from .each import each
from .test_cli import ROOT, WARNED, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")

XSD = ROOT / "schemas" / "xmla-session-headers.xsd"
CAPTURE = har([Exchange(message(session(f"ID-{n}-{n:08} ")), message()) for n in range(40)])
#: The commands that write a file; each {} is an input or the output.
FILE_COMMANDS = {
    "check": "check --all -o {target} {source}",
    "check json": "check --format json -o {target} {source}",
    "timeline": "timeline -o {target} {source}",
    "redact": "redact -o {target} {source}",
    "generate": f"generate -o {{target}} {XSD}",
}
#: The commands that write a folder.
FOLDER_COMMANDS = {
    "redact": "redact -o {target} {source.parent}",
    "corpus": "corpus --count 20 {target}",
}


def run_line(line: str, source: Path, target: Path | str) -> tuple[int, str, str]:
    return run(*(word.format(source=source, target=target) for word in line.split()))


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let writes to a file fail after a number of bytes, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A capture whose report, picture and redacted copy are longer than 1,000 bytes."""
    path = tmp_path / "in" / "a.har"
    path.parent.mkdir()
    path.write_bytes(CAPTURE)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder for outputs."""
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", FILE_COMMANDS)
@pytest.mark.parametrize("before", [None, b"kept"])
def test_failed_write_leaves_no_half_file(source: Path, out: Path, name: str, before: bytes | None) -> None:
    target = out / "target"
    if before is not None:
        target.write_bytes(before)
    with full_disk(1_000):
        status, said, err = run_line(FILE_COMMANDS[name], source, target)
    assert (status, said) == (2, "")
    assert err == f"xmla-headers: {target}: {os.strerror(errno.EFBIG)}\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == ({"target": before} if before else {})


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDER_COMMANDS)
@pytest.mark.parametrize("exists", [False, True])
def test_failed_write_leaves_no_half_folder(source: Path, out: Path, name: str, *, exists: bool) -> None:
    target = out / "target"
    if exists:
        target.mkdir()
    (source.parent / "0.xml").write_text(WARNED, encoding="utf-8")
    (source.parent / "0").mkdir()
    (source.parent / "0" / "1.xml").write_text(WARNED, encoding="utf-8")
    with full_disk(1_000):
        status, said, err = run_line(FOLDER_COMMANDS[name], source, target)
    assert (status, said) == (2, "")
    # The error names the file that did not fit.
    path, reason = err.removeprefix("xmla-headers: ").rstrip("\n").rsplit(": ", 1)
    assert reason == os.strerror(errno.EFBIG)
    assert path.startswith(f"{target}/")
    assert path.rpartition("/")[2] in ("a.har", "manifest.json", "manifest.schema.json") or name == "corpus"
    assert list(out.rglob("*")) == ([target] if exists else [])
    assert run_line(FOLDER_COMMANDS[name], source, target)[0] == 0
    assert len(list(target.rglob("*.xml"))) >= 2


@pytest.mark.parametrize("name", FILE_COMMANDS)
def test_written_file_keeps_mode_and_link(source: Path, out: Path, name: str) -> None:
    target, link = out / "target", out / "link"
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to(target)
    assert run_line(FILE_COMMANDS[name], source, link)[0] == 0
    assert link.is_symlink()
    assert target.read_bytes() != b"before"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert {path.name for path in out.iterdir()} == {"target", "link"}


def test_new_file_has_mode_of_the_umask(source: Path, out: Path) -> None:
    mask = os.umask(0o027)
    try:
        assert run("timeline", "-o", out / "a.html", source)[0] == 0
    finally:
        os.umask(mask)
    assert stat.S_IMODE((out / "a.html").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", FILE_COMMANDS)
def test_output_device_is_written_in_place(
    source: Path, out: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: object) -> None:
        raise AssertionError("a device must not be replaced")

    monkeypatch.setattr("pathlib.Path.replace", replace)
    assert run_line(FILE_COMMANDS[name], source, "/dev/null")[0] == 0
    status, said, err = run_line(FILE_COMMANDS[name], source, "/dev/full")
    assert (status, said, err) == (2, "", "xmla-headers: /dev/full: No space left on device\n")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", FILE_COMMANDS)
def test_unwritable_output_is_named(source: Path, out: Path, name: str) -> None:
    for target, reason in ((out / "no" / "a", errno.ENOENT), (out, errno.EISDIR)):
        if name == "redact" and reason == errno.ENOENT:
            # It makes the folders.
            continue
        status, said, err = run_line(FILE_COMMANDS[name], source, target)
        assert (status, said, err) == (2, "", f"xmla-headers: {target}: {os.strerror(reason)}\n")
    status, said, err = run_line(FILE_COMMANDS[name], source, f"{out}/\0")
    assert (status, said, err) == (2, "", f"xmla-headers: {out}/\\x00: the path has a null character\n")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", FOLDER_COMMANDS)
def test_unwritable_folder_is_named(source: Path, out: Path, name: str) -> None:
    (out / "file").write_bytes(b"kept")
    for target, reason in ((out / "file", os.strerror(errno.EEXIST)), (out, "this folder is not empty")):
        status, said, err = run_line(FOLDER_COMMANDS[name], source, target)
        assert (status, said, err) == (2, "", f"xmla-headers: {target}: {reason}\n")
    assert [path.read_bytes() for path in out.iterdir()] == [b"kept"]


def test_interrupted_redaction_leaves_no_folder(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source.parent / "b.xml").write_text(WARNED, encoding="utf-8")
    output = _outputs.file_output

    @contextmanager
    def interrupted(path: Path) -> Iterator[object]:
        with output(path) as opened:
            yield opened
        raise KeyboardInterrupt

    monkeypatch.setattr("xmla_headers.cli._redact.file_output", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("redact", "-o", out / "target", source.parent)
    assert list(out.iterdir()) == []


# -- standard output ------------------------------------------------------------------------------------

PRINTING = {
    "check": ("check", "{}"),
    "check to a file": ("check", "-o", "{}.txt", "{}", "--color", "never"),
    "timeline": ("timeline", "{}"),
    "redact": ("redact", "{}", "-o", "{}.out"),
    "show": ("show", "{}"),
    "codes": ("codes",),
    "generate": ("generate", str(XSD)),
    "completion": ("completion", "bash"),
}


class Failing(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "pipe"), OSError(errno.ENOSPC, "full")], ids=repr
)
@pytest.mark.parametrize("name", PRINTING)
def test_failed_standard_output_is_no_error_of_a_file(source: Path, name: str, error: OSError) -> None:
    arguments = [argument.format(source) for argument in PRINTING[name]]
    streams = cli.Streams(io.BytesIO(), Failing(error), io.StringIO())
    if name == "check to a file":
        assert cli.run(arguments, streams) == 0
        return
    # `main` handles it: quietly for a pipe, otherwise in the name of standard output.
    with pytest.raises(OSError, match=r"pipe|full") as caught:
        cli.run(arguments, streams)
    assert caught.value is error
    assert streams.stderr.getvalue() == ""  # type: ignore[attr-defined]


@each(
    ("error", "status", "complaint"),
    [
        (BrokenPipeError(errno.EPIPE, "pipe"), 141, ""),
        (OSError(errno.ENOSPC, "full"), 2, "xmla-headers: standard output: full\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_main_maps_failures_to_statuses(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    complaint: str,
) -> None:
    def fails(*_: object) -> int:
        raise error

    reader, writer = os.pipe()
    with (
        os.fdopen(reader),
        open(writer, "w", encoding="utf-8") as stdout,  # noqa: PTH123 - of a file descriptor
        monkeypatch.context() as patch,
    ):
        patch.setattr(cli, "run", fails)
        patch.setattr("sys.stdout", stdout)
        patch.setattr("sys.stdin", None)
        with pytest.raises(SystemExit) as stop:
            cli.main()
    assert stop.value.code == status
    assert capsys.readouterr().err == complaint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_redact_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    entry = {"startedDateTime": "2026-11-20", "request": {"postData": {"text": "password=lantern " * 500}}}
    (tmp_path / "a.har").write_text(json.dumps({"log": {"entries": [entry] * 1_000}}), encoding="utf-8")
    folder = tmp_path / "out"
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "xmla_headers",
        "redact",
        str(tmp_path / "a.har"),
        "-o",
        str(folder / "o.har"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            while not list(folder.iterdir()):
                assert process.poll() is None
                time.sleep(0.001)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (128 + number, b"")
    assert list(folder.iterdir()) == []
