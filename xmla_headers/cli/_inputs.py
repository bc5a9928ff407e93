"""Knows how captures are found, opened and read. No other module does that."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from xmla_headers import captures
from xmla_headers.captures import CapturedMessage
from xmla_headers.captures._formats import har
from xmla_headers.captures._mapped import release
from xmla_headers.captures._message import DEFAULT_LIMITS
from xmla_headers.findings import Code

from ._console import Streams, complain
from ._folders import NAMES, files_in, is_capture, is_foreign, is_log
from ._outputs import check_different, check_outside

__all__ = [
    "ForeignError",
    "InputFile",
    "Inputs",
    "check_relevant",
    "has_files",
    "load",
    "messages_of",
    "no_message",
    "of_file",
    "read_file",
    "side_by_side",
    "unsupported",
]

_FILE = re.compile(rb"\"_file\"\s*:\s*\"([^\"\\]*)")
# The most bytes of that.
_MOST_FILE = 1_024
# Playwright names a content by its SHA-1.
_CONTENT = re.compile(r"[0-9a-f]{40}\..*", re.DOTALL)
_WITHOUT = (captures.Format.BARE, captures.Format.HAR)

# Larger files are mapped: only the part that is being read is then in memory.
_MAPPED = 4_194_304


class InputFile(NamedTuple):
    """A file to read."""

    path: str
    exchange: str | None
    """The key that a request and its response in two files share."""
    size: int
    """The size in bytes."""
    identity: object
    """Equal for two paths of one file."""
    is_named: bool
    """Whether the command line names the file itself, and not only its folder."""


class Inputs:
    """The captures on the command line, and those of them that cannot be read.

    Args:
        paths: The files and folders on the command line.
        streams: The standard streams.
        exclude: Patterns for the files and folders to skip in folders.
        skip_foreign: Skip XML without SOAP even if the command line names it.
    """

    files: Sequence[InputFile]
    """The files to read, in their order."""
    unreadable: list[str]
    """The files and folders that cannot be read. A complaint about each has been written."""
    skipped: int
    """The number of files without SOAP that have been skipped so far."""
    not_taken: list[str]
    """The files in folders whose names are not those of captures."""
    size: int
    """The size of all files in bytes."""
    skip_foreign: bool
    """Whether XML without SOAP is skipped even if the command line names it."""

    def __init__(
        self,
        paths: Sequence[str],
        streams: Streams,
        *,
        exclude: Sequence[str] = (),
        skip_foreign: bool = False,
    ) -> None:
        self._streams = streams
        self._stdin: bytes | None = None
        self._exclude, self.skip_foreign = exclude, skip_foreign
        self.unreadable = []
        self.not_taken = []
        self.skipped = 0
        self._folders: list[str] = []
        self.files = _once(file for path in paths for file in self._list(path))
        self._paths = {file.path for file in self.files}
        self.size = sum(file.size for file in self.files)

    def contents(self) -> Iterator[tuple[InputFile, bytes | memoryview]]:
        """Yield each file that can be read, with its bytes."""
        for file in self.files:
            try:
                yield file, self.load(file)
            except (OSError, ValueError) as error:
                self._complain(file.path, error)

    def check_output(self, output: str) -> None:
        """Raise OSError for an output that is one of the captures, or that the next run would read."""
        if Path(output).exists():
            for file in self.files:
                check_different(output, file.path, "this is one of the captures")
        if is_capture(Path(output).name):
            for folder in self._folders:
                check_outside(output, folder)

    def file_of(self, name: str) -> str:
        """Return the path of the file that contains a message, by the name of the message."""
        path = name
        while path not in self._paths and "/" in path:
            path = path.rpartition("/")[0]
        return path if path in self._paths else name

    def messages(self) -> Iterator[CapturedMessage]:
        """Yield all messages. The name of each begins with the path of its file."""
        for group in groups(self.files):
            yield from side_by_side([self.messages_of(file) for file in group])
        self.end()

    def messages_of(self, file: InputFile) -> Iterator[CapturedMessage]:
        """Yield the messages of a file, and note why it was not read to its end."""
        try:
            yield from messages_of(file, self.load(file), skip_foreign=self.skip_foreign)
        except (OSError, ValueError) as error:
            self.note(file, error)

    def load(self, file: InputFile) -> bytes | memoryview:
        """Return the bytes of a file. A large one is mapped. Raises OSError and ValueError."""
        if file.path != "-":
            return load(file)
        # Standard input can be read once only, and `redact` needs it twice.
        self._stdin = self._streams.stdin.read() if self._stdin is None else self._stdin
        return self._stdin

    def note(self, file: InputFile, error: OSError | ValueError) -> None:
        """Count a file that was not read to its end, by the reason."""
        if isinstance(error, ForeignError):
            self.skipped += 1
        else:
            self._complain(file.path, error)

    def end(self) -> None:
        """Complain about folders if there was no message in any file."""
        if self.skipped == len(self.files) and self.skipped and not self.skip_foreign:
            # A check of nothing would look like a success.
            for folder in self._folders:
                self._complain(
                    folder, ValueError("there is no message in this folder, only XML without SOAP")
                )

    def refuse(self, file: InputFile, why: str) -> None:
        """Count a file among those that cannot be read."""
        self._complain(file.path, ValueError(why))

    def _complain(self, path: str, error: OSError | ValueError) -> None:
        self.unreadable.append(path)
        complain(self._streams, path, error)

    def _list(self, path: str) -> list[InputFile]:
        # Path.is_dir raises for a name that is too long or not accessible. Reading it gives a better message.
        if path == "-" or not os.path.isdir(path):  # noqa: PTH112
            return [InputFile(path, None, *_status(path), is_named=True)]
        self._folders.append(path)
        names = []
        for name, is_taken in files_in(path, self._exclude, self._complain):
            if is_taken:
                names.append(name)
            else:
                self.not_taken.append(name)
        names = _without_contents(names)
        if not names and path not in self.unreadable:
            self._complain(path, ValueError(f"this folder has no {NAMES}"))
        return [
            InputFile(name, exchange, *_status(name), is_named=False)
            for name, exchange in captures.pair_names(names)
        ]


def _once(files: Iterable[InputFile]) -> list[InputFile]:
    """Return each file once, whatever its paths are; one that the command line names stays named."""
    found: dict[object, InputFile] = {}
    for file in files:
        first = found.setdefault(file.identity, file)
        if file.is_named and not first.is_named:
            found[file.identity] = first._replace(is_named=True)
    return list(found.values())


def groups(files: Iterable[InputFile]) -> Iterator[tuple[InputFile, ...]]:
    """Yield each file alone, and the two files of a connection together."""
    waiting: list[InputFile] = []
    for file in files:
        if waiting and (file.exchange is None or file.exchange != waiting[0].exchange):
            yield tuple(waiting)
            waiting = []
        waiting.append(file)
    if waiting:
        yield tuple(waiting)


def side_by_side(sources: Sequence[Iterator[CapturedMessage]]) -> Iterator[CapturedMessage]:
    """Yield the messages of a file; if there is a second file, each of its responses after its request."""
    first, *others = sources
    responses = chain(*others)
    response = next(responses, None)
    for request in first:
        yield request
        while response is not None and response.exchange == request.exchange:
            yield response
            response = next(responses, None)
    if response is not None:
        yield response
    yield from responses


class ForeignError(ValueError):
    """A file is XML without SOAP, and is skipped."""


def load(file: InputFile) -> bytes | memoryview:
    """Return the bytes of a file other than standard input. Raises OSError and ValueError."""
    if file.size > _MAPPED:
        with Path(file.path).open("rb") as opened:
            return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    return _content(file.path)


def messages_of(
    file: InputFile, data: bytes | memoryview, *, skip_foreign: bool
) -> Iterator[CapturedMessage]:
    """Yield the messages of a file; raise ForeignError to skip it, or ValueError if nothing can be read."""
    check_relevant(file, data, skip_foreign=skip_foreign)
    unread: list[CapturedMessage] = []
    empty = True
    for message in of_file(file, data, _messages(file, data)):
        if empty and unsupported(message) is not None:
            unread.append(message)
            continue
        yield from unread
        yield message
        unread, empty = [], False
    if unread and not file.is_named and is_log(file.path):
        raise ForeignError
    if unread:
        raise ValueError(unsupported(unread[0]))
    if empty:
        raise no_message()


def _messages(file: InputFile, data: bytes | memoryview) -> Iterator[CapturedMessage]:
    """Yield the messages of a file as its format has them."""
    if has_files(data):
        return har.read(data, file.path, DEFAULT_LIMITS, partial(_file_beside, file.path))
    return captures.iter_messages(data, file.path)


def has_files(data: bytes | memoryview) -> bool:
    """Return whether a file is a HAR with contents in files beside it, as Playwright writes them."""
    return next(_contents(data), None) is not None


def _contents(data: bytes | memoryview) -> Iterator[str]:
    """Yield the names of the files that a HAR refers to. Only a piece of a mapped file is in memory."""
    if captures.format_of(data) is captures.Format.HAR:
        for start in range(0, len(data), _MAPPED):
            for found in _FILE.finditer(data, start, start + _MAPPED + _MOST_FILE):
                yield found[1].decode("utf-8", "replace")
            release(data)


def _without_contents(names: list[str]) -> list[str]:
    """Return the names without the files that a HAR beside them refers to: the HAR has their messages."""
    beside = {os.path.dirname(name) for name in names if _CONTENT.fullmatch(os.path.basename(name))}  # noqa: PTH119, PTH120 - strings, since there may be very many names
    referred: set[str] = set()
    for name in names:
        folder, file = os.path.split(name)
        if folder in beside and file.lower().endswith(".har"):
            with suppress(OSError, ValueError):
                data = load(InputFile(name, None, *_status(name), is_named=False))
                referred |= {os.path.join(folder, content) for content in _contents(data)}  # noqa: PTH118 - as above
    return [name for name in names if name not in referred] if referred else names


def _file_beside(path: str, name: str) -> bytes | None:
    """Return the content of a file beside a HAR; None if it is missing, too large or somewhere else."""
    try:
        folder = Path(path).resolve().parent
        found = (folder / name).resolve()
        most = DEFAULT_LIMITS.max_entry_bytes or 0
        if not found.is_relative_to(folder) or not found.is_file() or found.stat().st_size > most:
            return None
        return found.read_bytes()
    except (OSError, ValueError):
        return None


def unsupported(message: CapturedMessage) -> str | None:
    """Return what is not read, and how to convert it, if a message says that; None otherwise."""
    trouble = message.trouble
    if trouble is None or trouble.code is not Code.UNSUPPORTED_FORMAT:
        return None
    return trouble.message if trouble.hint is None else f"{trouble.message}; {trouble.hint}"


def check_relevant(file: InputFile, data: bytes | memoryview, *, skip_foreign: bool) -> None:
    """Raise ForeignError for XML without SOAP or a log without messages, unless the file is named."""
    if (skip_foreign or not file.is_named) and is_foreign(data):
        raise ForeignError
    # JSON without messages is recognised as a HAR.
    if not file.is_named and is_log(file.path) and captures.format_of(data) in _WITHOUT:
        raise ForeignError


def no_message() -> ValueError:
    """Return the reason to complain about a capture without a message."""
    return ValueError("there is no XMLA message in this capture")


def of_file(
    file: InputFile, data: bytes | memoryview, messages: Iterable[CapturedMessage]
) -> Iterator[CapturedMessage]:
    """Yield the messages of a file with its exchange, and release the memory of the bytes that were read."""
    taken = 0
    for message in messages:
        taken += len(message.body)
        if isinstance(data, memoryview) and taken > _MAPPED:
            release(data)
            taken = 0
        # In a file with one side of a connection, exchanges are numbered.
        yield (
            message
            if file.exchange is None
            else message.paired(f"{file.exchange}{(message.exchange or '').removeprefix(file.path)}")
        )


def _status(path: str) -> tuple[int, object]:
    """Return the size of a file, and a value that is equal for two paths of it."""
    try:
        status = os.stat(path)  # noqa: PTH116 - called for each of very many files
    except (OSError, ValueError):
        return 0, path
    # Some file systems do not number their files.
    return status.st_size, (status.st_dev, status.st_ino) if status.st_ino else path


def _content(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - called for each of very many files
        return file.read()


def read_file(path: str, streams: Streams) -> bytes | None:
    """Return the bytes of a file, or of standard input for `-`; complain and return None if that fails."""
    try:
        return streams.stdin.read() if path == "-" else _content(path)
    except (OSError, ValueError) as error:
        complain(streams, path, error)
        return None
