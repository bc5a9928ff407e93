"""Paths -> captured messages: the only code that finds, opens and reads captures."""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers import captures

from ._console import check_different, complain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xmla_headers.captures import CapturedMessage

    from ._console import Streams

__all__ = ["InputFile", "Inputs", "read_file"]

#: What is taken of a folder. A file that is named is taken whatever its name.
_CAPTURE = re.compile(r"(?is).*\.(?:xml|har|saz|http)|[0-9]+_[cs]\.txt")

#: Larger files are mapped, so that of a large capture no more is in memory than is being looked at.
_MAPPED = 4_194_304


class InputFile(NamedTuple):
    """A file to read."""

    path: str
    #: What it has in common with the file that answers it.
    exchange: str | None
    size: int


class Inputs:
    """The captures that a command was given, and which of them cannot be read."""

    def __init__(self, paths: Sequence[str], streams: Streams) -> None:
        self._streams = streams
        self._stdin: bytes | None = None
        #: Files and folders that cannot be read; each has been complained about.
        self.unreadable: list[str] = []
        self._files = [file for path in paths for file in self._list(path)]
        #: Bytes of all files.
        self.size = sum(file.size for file in self._files)

    def contents(self) -> Iterator[tuple[InputFile, bytes | memoryview]]:
        """Yield each file that can be read, and what it holds."""
        for file in self._files:
            try:
                yield file, self._load(file)
            except (OSError, ValueError) as error:
                self._complain(file.path, error)

    def check_output(self, output: str) -> None:
        """Raise OSError for an output that is one of the captures."""
        if Path(output).exists():
            for file in self._files:
                check_different(output, file.path, "this is one of the captures")

    def messages(self) -> Iterator[CapturedMessage]:
        """Yield all messages, each under a name that begins with the path of its file."""
        for file, data in self.contents():
            yield from self._messages(file, data)

    def _messages(self, file: InputFile, data: bytes | memoryview) -> Iterator[CapturedMessage]:
        empty = True
        taken = 0
        for message in captures.iter_messages(data, file.path):
            empty = False
            taken += len(message.body)
            if isinstance(data, memoryview) and taken > _MAPPED:
                _let_go(data)
                taken = 0
            if file.exchange is not None:
                # Of a file of one side the exchanges go by number.
                number = (message.exchange or "").removeprefix(file.path)
                message = replace(message, exchange=f"{file.exchange}{number}")  # noqa: PLW2901
            yield message
        if empty:
            self._complain(file.path, ValueError("there is no XMLA message in this capture"))

    def _load(self, file: InputFile) -> bytes | memoryview:
        if file.path == "-":
            # It can be read once, and may be wanted twice.
            self._stdin = self._streams.stdin.read() if self._stdin is None else self._stdin
            return self._stdin
        if file.size > _MAPPED:
            with Path(file.path).open("rb") as opened:
                return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        return _content(file.path)

    def refuse(self, file: InputFile, why: str) -> None:
        """Count a file among those that cannot be read."""
        self._complain(file.path, ValueError(why))

    def _complain(self, path: str, error: OSError | ValueError) -> None:
        self.unreadable.append(path)
        complain(self._streams, path, error)

    def _list(self, path: str) -> list[InputFile]:
        # Path.is_dir raises for a name that is too long, or behind a closed door; the reading says it better.
        if path == "-" or not os.path.isdir(path):  # noqa: PTH112
            return [InputFile(path, None, _size(path))]
        names = list(self._walk(path))
        if not names and path not in self.unreadable:
            what = "there is no *.xml, *.har, *.saz, *.http in this folder"
            self._complain(path, ValueError(what))
        return [InputFile(name, exchange, _size(name)) for name, exchange in captures.pair_names(names)]

    def _walk(self, path: str) -> Iterator[str]:
        """Yield the captures in a folder and all below it, in whatever order."""
        folders = [path]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        # A pipe of that name would be waited for.
                        elif _CAPTURE.fullmatch(entry.name) and (entry.is_file() or entry.is_symlink()):
                            yield entry.path
            except OSError as error:
                self._complain(folder, error)


def _let_go(mapped: memoryview) -> None:
    """Have what has been read of a mapped file leave memory; it is read again if need be."""
    file = mapped.obj
    if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - called for each of very many files
    except (OSError, ValueError):
        return 0


def _content(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - called for each of very many files
        return file.read()


def read_file(path: str, streams: Streams) -> bytes | None:
    """Return what a file holds, - being standard input; None, and a complaint, if it cannot be read."""
    try:
        return streams.stdin.read() if path == "-" else _content(path)
    except (OSError, ValueError) as error:
        complain(streams, path, error)
        return None
