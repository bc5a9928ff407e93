"""Knows which files of a folder are captures: by their names, and XML by whether it can be SOAP."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator, Sequence

from xmla_headers.captures import Format, format_of

__all__ = ["NAMES", "files_in", "is_capture", "is_foreign", "is_log"]

NAMES = "*.xml, *.har, *.saz, *.http, *.pcap, *.pcapng, *.log, *.jsonl, *.gz or *.zip"
"""The names of the files that are read in a folder, in words."""

# A path on the command line may have any name.
_CAPTURE = re.compile(
    r"(?is).*\.(?:xml|har|saz|http|pcap|pcapng|cap|log|jsonl|chlsj|gz|zip)|[0-9]+_[cs]\.txt|"
    r"[0-9a-f.:]{7,45}\.[0-9]{1,5}-[0-9a-f.:]{7,45}\.[0-9]{1,5}(?:(?:--|c)[0-9]+)*"
)

# Most of these have nothing to do with XMLA.
_LOG = re.compile(r"(?is).*\.(?:log|jsonl|chlsj|gz|zip)")

# Bytes at the start of a file that are searched for its root element.
_HEAD = 1 << 18
_PROLOG = rb"(?:\s++|<\?.*?\?>|<!--.*?-->|<!(?i:DOCTYPE)[^\[>]*+(?:\[.*?\]\s*+)?>)*+"
_ROOT = re.compile(
    rb"(?s)(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?"
    + _PROLOG
    + rb"<(?![!?])(?:[^\s<>/:]++:)?+([^\s<>/:]++)(?=[\s/>])"
)
# The part that is common to the namespaces of SOAP and to their usual misspellings. In UTF-16, a zero byte
# stands beside each letter.
_SOAP = re.compile(
    rb"(?i)"
    + rb"|".join(
        rb"\0?".join(re.escape(name[at : at + 1]) for at in range(len(name)))
        for name in (b"schemas.xmlsoap.org/soap/envelope", b"w3.org/2003/05/soap-envelope")
    )
)


def is_capture(name: str) -> bool:
    """Return whether a file of this name is read in a folder."""
    return _CAPTURE.fullmatch(name) is not None


def is_log(name: str) -> bool:
    """Return whether a file of this name, which has no message, is skipped in a folder."""
    return _LOG.fullmatch(name) is not None


def files_in(
    folder: str, exclude: Sequence[str], complain: Callable[[str, OSError], None]
) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file in a folder and its subfolders, in any order, and whether it is read.

    Args:
        folder: The path of the folder. Hidden files and folders in it are skipped, except captures.
        exclude: Patterns of `fnmatch` for the files and folders to skip: of a name, or with a "/" of the path
            below the folder.
        complain: Called with each folder that cannot be read.
    """
    is_excluded = _matcher(exclude)
    folders = [folder]
    while folders:
        path = folders.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if is_excluded(entry.name, os.path.relpath(entry.path, folder) if exclude else ""):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            folders.append(entry.path)
                        continue
                    is_taken = is_capture(entry.name)
                    # Not a pipe: opening it would block.
                    if (is_taken or not entry.name.startswith(".")) and (
                        entry.is_file() or entry.is_symlink()
                    ):
                        yield entry.path, is_taken
        except OSError as error:
            complain(path, error)


def _matcher(globs: Sequence[str]) -> Callable[[str, str], bool]:
    """Return a function that tells whether a name, or a path below the folder, is excluded."""
    # On Windows, normcase ignores the letter case and the kind of the slashes.
    wanted = [os.path.normcase(glob.rstrip("/")) for glob in globs]
    names = [re.compile(fnmatch.translate(glob)) for glob in wanted if os.sep not in glob]
    paths = [re.compile(fnmatch.translate(glob)) for glob in wanted if os.sep in glob]

    def is_excluded(name: str, path: str) -> bool:
        name, path = os.path.normcase(name), os.path.normcase(path)
        return any(glob.match(name) for glob in names) or any(glob.match(path) for glob in paths)

    return is_excluded


def is_foreign(data: bytes | memoryview) -> bool:
    """Return whether a file is XML that has nothing to do with SOAP.

    Its root is no Envelope, in any letter case, and no namespace of SOAP occurs in it. Anything that may be a
    message is not foreign, so that a broken message is never skipped, even if it is cut off in the name of
    its root.
    """
    # An HTML page is XML or close to it.
    if format_of(data) not in (Format.BARE, Format.FOREIGN):
        return False
    root = _ROOT.match(bytes(data[:_HEAD]).replace(b"\0", b""))
    return root is not None and root[1].lower() != b"envelope" and _SOAP.search(data) is None
