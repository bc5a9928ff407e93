"""Knows how files are written: whole or not at all, with errors that name them."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = [
    "check_different",
    "check_empty",
    "check_outside",
    "file_output",
    "folder_output",
    "text_output",
    "write_file",
]


def check_empty(folder: Path) -> None:
    """Raise OSError for a folder that is not empty: its files would mix with those to be written."""
    if any(folder.iterdir()):
        raise OSError(0, "this folder is not empty", str(folder))


def check_different(output: str, source: str, message: str) -> None:
    """Raise OSError for an output that is the input file."""
    if source != "-" and Path(output).exists() and Path(output).samefile(source):
        raise OSError(0, message, output)


def check_outside(output: str, folder: str) -> None:
    """Raise OSError for an output inside a folder of captures, or the folder itself."""
    target, source = Path(os.path.realpath(output)), Path(os.path.realpath(folder))
    if target.is_relative_to(source):
        raise OSError(0, "the output is inside the folder of captures, where it would be read as one", output)


class _File(io.FileIO):
    """A file that is being written. Its errors name the path that the user gave."""

    def __init__(self, path: Path, mode: str, shown: Path) -> None:
        self._shown = shown
        super().__init__(path, mode)

    def write(self, data: ReadableBuffer, /) -> int:
        with _named(self._shown):
            return super().write(data)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name a path, in place of the temporary file or of nothing."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
    except ValueError:
        if "\0" in str(path):
            raise OSError(0, "the path has a null character", str(path)) from None
        raise


@contextmanager
def file_output(path: Path) -> Iterator[io.BufferedWriter[_File]]:
    """Open a file that takes the place of `path` if the block succeeds, and disappears if it fails."""
    # A link stays: the file that it points to is replaced. A device or pipe cannot be replaced.
    with _named(path):
        target = Path(os.path.realpath(path))
        is_file = target.is_file() or not target.exists()
        temporary = target.with_name(f".xmla-headers-{secrets.token_hex(8)}") if is_file else target
    try:
        # A signal may come as soon as the file is there.
        with _named(path):
            raw = _File(temporary, "x" if is_file else "w", path)
        with io.BufferedWriter(raw) as file:
            yield file
        if is_file:
            with _named(path):
                if target.exists():
                    shutil.copymode(target, temporary)
                temporary.replace(target)
    except BaseException:
        if is_file:
            temporary.unlink(missing_ok=True)
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write a file. If that fails, raise OSError, and leave the file that was there before."""
    with file_output(path) as file:
        file.write(data)


@contextmanager
def text_output(path: Path) -> Iterator[TextIO]:
    """Open a file for text in UTF-8, as `write_file` writes it: it appears when the block has succeeded."""
    with file_output(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
        yield text


@contextmanager
def folder_output(path: Path) -> Iterator[None]:
    """Make a folder for files, which must be new or empty. If the block fails, the files disappear again."""
    with _named(path):
        is_new = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
        check_empty(path)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for entry in path.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            if is_new:
                path.rmdir()
        raise
