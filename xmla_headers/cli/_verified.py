"""Knows whether a redacted capture tells the same as the original: the same messages, heads and findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from xmla_headers import captures
from xmla_headers.captures import CapturedMessage, Change, ChangeKind
from xmla_headers.captures._mapped import release
from xmla_headers.transcript import Transcript

__all__ = ["difference"]

# Bytes of a mapped capture that are in memory.
_MOST_TAKEN = 4_194_304
# Redaction rewrites these if a coded body has a secret in it.
_FRAMING = frozenset({"content-length", "transfer-encoding", "content-encoding"})


def difference(
    before: bytes | memoryview, after: bytes | memoryview, changes: Iterable[Change]
) -> str | None:
    """Return in words what a redaction has changed besides the secrets, or None.

    Args:
        before: The capture.
        after: The redacted capture.
        changes: The changes. Messages of which a part has been removed unsearched are not compared.
    """
    changed = list(changes)
    if not changed:
        return None
    removed = {change.place for change in changed if change.kind is ChangeKind.UNSEARCHABLE}
    if "" in removed:
        return None
    transcripts = Transcript(), Transcript()
    told = (_told(data, removed, into) for data, into in zip((before, after), transcripts, strict=True))
    pairs = zip_longest(*told)
    for number, (old, new) in enumerate(pairs, 1):
        if old is None or new is None:
            return f"the number of messages would change, at message {number}"
        for what, first, second in zip(_PARTS, old, new, strict=True):
            if first != second:
                return f"{what} of message {number} would change"
    first, second = map(_ending, transcripts)
    return None if first == second else "what check finds at the end would change"


_PARTS = ("the place", "the HTTP head", "the lines", "the findings", "the header", "the session")
# All bytes but the ends of lines.
_IN_LINES = bytes(byte for byte in range(256) if byte not in b"\r\n")


def _told(
    data: bytes | memoryview, removed: set[str], transcript: Transcript
) -> Iterator[tuple[object, ...]]:
    """Yield what the rules and the transcript say about each message, without its texts."""
    taken = 0
    for message in captures.iter_messages(data):
        taken += len(message.body)
        if taken > _MOST_TAKEN:
            release(data)
            taken = 0
        if message.name in removed or (message.exchange or "") in removed:
            continue
        checked = captures.check_message(message)
        placement = transcript.add(checked)
        number = placement.session and placement.session.number
        yield (
            (message.direction, message.status, message.omitted, message.continuation, message.charset),
            _head(message),
            message.body.translate(None, _IN_LINES),
            [finding.code for finding in checked.findings],
            [type(block) for block in checked.header or ()],
            (number, [finding.code for finding in placement.findings]),
        )


def _ending(transcript: Transcript) -> list[tuple[object, ...]]:
    """Return what a transcript says when there are no more messages."""
    found = [(name, finding.code) for name, finding in transcript.close()]
    return [*found, *((each.cause, each.session) for each in transcript.diagnosis())]


def _head(message: CapturedMessage) -> list[str]:
    """Return the names of the header fields."""
    return [name for name, _ in message.headers if name.lower() not in _FRAMING]
