"""More captures than one machine checks, with Dask.

`xmla-headers check --jobs` uses all cores of one machine. Here the workers of a
cluster read the files where they are, and each message comes back without its bytes.
The sessions are followed at the end, over all files in their order. Give it many
files rather than a large one.

    client = dask.distributed.Client("scheduler:8786")
    client.upload_file("dask_captures.py")  # the workers import it
    findings, sessions = check_all(sorted(glob.glob("/captures/*.har")))
"""

from collections.abc import Iterable
from pathlib import Path

import dask.bag

from xmla_headers import Finding, captures, transcript

Report = tuple[list[tuple[str, Finding]], list[transcript.SessionRecord]]


def check_file(path: str) -> list[captures.CheckedMessage]:
    messages = captures.iter_messages(Path(path).read_bytes(), path)
    return [captures.check_message(message).without_body() for message in messages]


def check_all(paths: Iterable[str]) -> Report:
    return follow(dask.bag.from_sequence(paths).map(check_file).flatten().compute())


def follow(messages: Iterable[captures.CheckedMessage]) -> Report:
    """Return findings with the names of their messages, and the sessions."""
    sessions, found = transcript.Transcript(), list[tuple[str, Finding]]()
    for checked in messages:
        findings = (*checked.findings, *sessions.add(checked).findings)
        found += [(checked.message.name, finding) for finding in findings]
    return found + sessions.close(), sessions.sessions
