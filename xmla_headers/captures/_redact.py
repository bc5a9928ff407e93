"""Knows how a whole capture is redacted: learn its ids, hide its secrets, repeat until nothing changes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from xmla_headers.typing import Data

from ._formats import format_of
from ._message import DEFAULT_LIMITS, CaptureLimits
from ._redaction.editor import Hider, Learner
from ._redaction.names import Names
from ._redaction.pseudonyms import Table
from ._redaction.secrets import ChangeKind

__all__ = ["Change", "Pseudonyms", "Redacted", "checked", "redact"]

# A removed secret in a broken message may join two texts to another secret, so what was changed is searched
# again. More than two rounds are rare.
_ROUNDS = 8

_SENTENCES = {
    ChangeKind.SESSION_ID: "a session id is {} now",
    ChangeKind.ELEMENT: "{} is emptied",
    ChangeKind.HEADER_FIELD: "{} is emptied",
    ChangeKind.CREDENTIAL: "{} is emptied",
    ChangeKind.USER: "the name of a user is {} now",
    ChangeKind.CODING: "{} is removed",
    ChangeKind.UNSEARCHABLE: "content that cannot be searched is removed: {}",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change at one place of a capture. It contains no secret.

    >>> str(Change("request/0", ChangeKind.SESSION_ID, "session-1", 2))
    'request/0: a session id is session-1 now (2 times)'
    """

    place: str
    """The name of the message, as `CapturedMessage.name`, or of an entry of an archive; the name of the file
    for anything else."""
    kind: ChangeKind
    """The kind of the change."""
    what: str
    """The pseudonym, the name of the element or header field, or the reason for a removal."""
    count: int
    """Number of equal changes at this place."""

    def __str__(self) -> str:
        times = "" if self.count == 1 else f" ({self.count} times)"
        place = f"{self.place}: " if self.place else ""
        return f"{place}{_SENTENCES[self.kind].format(self.what)}{times}"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A capture without its secrets, and the changes that were made."""

    data: bytes = field(repr=False)
    """The capture, in the format of the original."""
    changes: tuple[Change, ...]
    """The changes; empty if, and only if, the capture is unchanged."""


class Pseudonyms:
    """The session ids of captures that belong together, each with its pseudonym.

    An id has the same pseudonym in all captures. An id that a capture only quotes is hidden if it was
    learned from another capture before: learn all captures first, then redact them. The object keeps the ids
    in memory, and its `repr` does not show them.

    >>> pseudonyms = Pseudonyms()
    >>> pseudonyms.learn(b"<Session SessionId='4f1c-77aa'/>")
    >>> pseudonyms
    Pseudonyms(<1 session id>)
    >>> redact(b"no session 4F1C-77aa", pseudonyms=pseudonyms).data
    b'no session session-1'
    """

    __slots__ = ("_table", "_tables", "_users")

    def __init__(self) -> None:
        self._table = Table()
        self._users = Table("user", ChangeKind.USER)
        self._tables = {ChangeKind.SESSION_ID: self._table, ChangeKind.USER: self._users}

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"Pseudonyms(<{len(self)} session id{'' if len(self) == 1 else 's'}>)"

    def learn(self, data: Data, name: str = "", *, limits: CaptureLimits = DEFAULT_LIMITS) -> None:
        """Learn the session ids of a capture.

        Args:
            data: The capture, in any format of `iter_messages`.
            name: The name of its file. Nothing depends on it.
            limits: How much of the capture is read. Ids in the rest are not learned.

        Raises:
            TypeError: An argument has the wrong type.

        >>> pseudonyms = Pseudonyms()
        >>> pseudonyms.learn(b"<Session SessionId='4f1c-77aa'/>")
        >>> len(pseudonyms)
        1
        """
        self._learn(bytes(checked(data, limits)), Names(), name, limits)

    def _learn(self, view: bytes, names: Names, name: str, limits: CaptureLimits) -> None:
        format_of(view).value.redact(view, Learner(self._tables, names, limits, name))


def redact(
    data: Data,
    name: str = "",
    *,
    also: Iterable[str] = (),
    keep: Iterable[str] = (),
    users: bool = False,
    pseudonyms: Pseudonyms | None = None,
    limits: CaptureLimits = DEFAULT_LIMITS,
) -> Redacted:
    """Return a capture of any format without session ids and credentials, and a list of the changes.

    * Each id becomes `session-1`, `session-2` and so on, the same one everywhere: in attributes, elements,
      header fields and parameters called SessionId or similar, and then wherever the id occurs, in any
      letter case, with references, in JSON, in base64 within JSON, or percent-encoded. An id of less than
      six characters, of less than ten digits, or that is a word of the protocol, would occur everywhere by
      chance: it is hidden where it stands as an id, and between quotes near the word session.
    * The contents of Security, SspiHandshake, SessionToken and Password elements, the values of
      Authorization, Cookie, Set-Cookie and similar fields, passwords in connection strings and user
      information in URLs are removed.
    * Content that cannot be searched is removed: a binary or damaged body, an encrypted entry, content
      beyond the limits, and the rest of a tag or an element with which a message begins.

    Every other byte stays. A coded body that has to be changed is written without its coding, and
    Content-Length is corrected. Redacting the result again changes nothing. Names of users, servers and
    cubes, queries and results are not removed: review them before you publish.

    Args:
        data: The capture, in any format of `iter_messages`. Any bytes are accepted.
        name: The place of changes that have no other, for example in a bare message.
        pseudonyms: The ids of captures that belong together. New ids are added.
        limits: How much of the capture is read. The rest is removed.

    Returns:
        The redacted capture and its changes.

    Raises:
        TypeError: An argument has the wrong type.

    >>> redact(b"<Session SessionId='4f1c-77aa'/>").data
    b"<Session SessionId='session-1'/>"
    """
    view = bytes(checked(data, limits))
    if pseudonyms is None:
        pseudonyms = Pseudonyms()
    elif not isinstance(pseudonyms, Pseudonyms):
        raise TypeError(f"pseudonyms must be Pseudonyms or None, not {type(pseudonyms).__name__}")
    names = Names(also, keep, users=users)
    changes: Counter[tuple[str, ChangeKind, str]] = Counter()
    for _ in range(_ROUNDS):
        pseudonyms._learn(view, names, name, limits)
        hider = Hider(pseudonyms._tables, names, limits, name)
        view = format_of(view).value.redact(view, hider)
        if not hider.changes:
            break
        changes += hider.changes
    else:
        view, changes = b"", Counter({(name, ChangeKind.UNSEARCHABLE, "markup within markup"): 1})
    return Redacted(view, tuple(Change(*what, count) for what, count in changes.items()))


def checked(data: object, limits: object) -> bytes | memoryview:
    """Return a capture as a view of its bytes; raise TypeError for arguments of the wrong type."""
    if not isinstance(data, Data):
        raise TypeError(f"data must be bytes, bytearray or memoryview, or mmap, not {type(data).__name__}")
    if not isinstance(limits, CaptureLimits):
        raise TypeError(f"limits must be CaptureLimits, not {type(limits).__name__}")
    return data if isinstance(data, bytes) else memoryview(data).cast("B")
