"""Knows how a whole capture is redacted: learn its ids, hide its secrets, repeat until nothing changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xmla_headers.findings import Code, XmlaHeadersError, value_finding
from xmla_headers.typing import Data

from ._formats import CaptureFormat, Format, bare, format_of
from ._message import DEFAULT_LIMITS, CaptureLimits
from ._redaction.editor import Hider, Learner, Work
from ._redaction.edits import ChangeKind
from ._redaction.names import Names
from ._redaction.pseudonyms import Table

__all__ = ["CaptureError", "Change", "Pseudonyms", "Redacted", "Redaction", "checked", "redact", "why_not"]

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
    >>> redact(b"<a>no session 4F1C-77aa</a>", pseudonyms=pseudonyms).data
    b'<a>no session session-1</a>'
    """

    __slots__ = ("_table", "_tables")

    def __init__(self) -> None:
        self._table = Table()
        self._tables = {ChangeKind.SESSION_ID: self._table, ChangeKind.USER: Table("user", ChangeKind.USER)}

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"Pseudonyms(<{len(self)} session id{'' if len(self) == 1 else 's'}>)"

    def update(self, others: Pseudonyms) -> None:
        """Add the session ids that other pseudonyms know.

        Args:
            others: The other pseudonyms. Their ids get new pseudonyms, in the order of their appearance.

        >>> first, second = Pseudonyms(), Pseudonyms()
        >>> second.learn(b"<Session SessionId='4f1c-77aa'/>")
        >>> first.update(second)
        >>> len(first)
        1
        """
        for kind, table in others._tables.items():
            for identifier in table:
                self._tables[kind].add(identifier)

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
        Redaction(self, Names(), limits).learn(checked(data, limits), name)


class CaptureError(XmlaHeadersError):
    """The format of a capture is unknown, or not read, so that secrets would stay in it."""


class Redaction:
    """The redaction of captures that belong together, with one set of names.

    Args:
        pseudonyms: The ids of the captures. New ids are added.
        names: The names that tell secrets.
        limits: How much of a capture is read.
        insist: Whether what has no known format is searched as text.
        places: Whether the changes have their places; those of very large captures take much memory.
    """

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        names: Names,
        limits: CaptureLimits,
        *,
        insist: bool = False,
        places: bool = True,
    ) -> None:
        self._work, self._limits, self._insist = Work(pseudonyms._tables, names, places), limits, insist
        self._hider: Hider | None = None
        # (place, kind, what) -> how often.
        self._changes: Counter[tuple[str, ChangeKind, str]] = Counter()

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of the last capture that `first` and `rest` have redacted."""
        return tuple(Change(*what, count) for what, count in self._changes.items())

    def learn(self, view: bytes | memoryview, name: str) -> None:
        """Learn the ids of a capture."""
        learner = Learner(self._work, self._limits, name)
        row = self._row(view)
        if row.redact_parts is not None:
            for _ in row.redact_parts(view, learner):
                pass
        else:
            row.redact(bytes(view), learner)

    def first(self, view: bytes | memoryview, name: str) -> Iterator[bytes]:
        """Yield the pieces of a capture, whose ids have been learned, without their secrets."""
        known = self._known
        self._hider = hider = Hider(self._work, self._limits, name)
        row = self._row(view)
        if row.redact_parts is not None:
            yield from row.redact_parts(view, hider)
            hider.is_settled = not hider.changes or (hider.is_settled and known == self._known)
        else:
            yield row.redact(bytes(view), hider)
            hider.is_settled = not hider.changes
        self._changes = hider.changes

    @property
    def is_settled(self) -> bool:
        """Whether the pieces are the result: another round would change nothing."""
        return self._hider is None or self._hider.is_settled

    def rest(self, view: bytes, name: str) -> bytes:
        """Return a capture that the first round has not settled."""
        for _ in range(_ROUNDS - 1):
            self.learn(view, name)
            changes = self._changes
            view = b"".join(self.first(view, name))
            self._changes += changes
            if self.is_settled:
                return view
        self._changes = Counter({(name, ChangeKind.UNSEARCHABLE, "markup within markup"): 1})
        return b""

    def whole(self, view: bytes | memoryview, name: str) -> Redacted:
        """Return a capture without its secrets."""
        self.learn(view, name)
        data = b"".join(self.first(view, name))
        data = data if self.is_settled else self.rest(data, name)
        return Redacted(data, self.changes)

    @property
    def _known(self) -> int:
        return sum(table.known for table in self._work.tables.values())

    def _row(self, view: bytes | memoryview) -> CaptureFormat:
        found = format_of(view)
        return (Format.BARE if self._insist and found is Format.FOREIGN else found).value


def why_not(data: bytes | memoryview, limits: CaptureLimits) -> tuple[str, str | None] | None:
    """Return why a capture cannot be redacted, and a hint, or None: its format is unknown or not read."""
    found = format_of(data)
    first = next(iter(found.value.read(data, "", limits)), None) if found in _MAY_BE_UNREAD else None
    if first is not None and first.trouble is not None and first.trouble.code is Code.UNSUPPORTED_FORMAT:
        return first.trouble.message, first.trouble.hint
    if found is Format.BARE and not bare.is_message(data):
        beginning = bytes(data[:4_096])
        if b"\0" in beginning:
            return "binary data, which cannot be searched for secrets", None
        return "not a capture of a known format: secrets may stay in it", _INSIST
    return None


_MAY_BE_UNREAD = (Format.FOREIGN, Format.PCAP, Format.GZIP, Format.HAR)
_INSIST = "to search any data as text: --as text, or insist=True"


def redact(
    data: Data,
    name: str = "",
    *,
    also: Iterable[str] = (),
    keep: Iterable[str] = (),
    users: bool = False,
    insist: bool = False,
    pseudonyms: Pseudonyms | None = None,
    limits: CaptureLimits = DEFAULT_LIMITS,
) -> Redacted:
    """Return a capture of any format without session ids and credentials, and a list of the changes.

    * Each id becomes `session-1`, `session-2` and so on, the same one everywhere: in attributes, elements,
      header fields and parameters called SessionId or similar, and then wherever the id occurs, in any
      letter case, with references, in JSON, percent-encoded, in base64 or hexadecimal, and without dashes.
      An id of less than six characters, of less than ten digits, or that is a word of the protocol, would
      occur everywhere by chance: it is hidden where it stands as an id, and between quotes near the word
      session.
    * Credentials are removed: values whose names tell it, such as those with token, secret, password, cookie,
      authorization, assertion or api-key in them, in header fields, URLs, forms, JSON, XML, HTML and
      connection strings; and values with the shape of one, such as JSON Web Tokens, wherever they stand.
    * Content that cannot be searched is removed: a binary or damaged body, an encrypted entry, content
      beyond the limits, and the rest of a tag or an element with which a message begins.

    Every other byte stays. A coded body that has to be changed is written without its coding, and
    Content-Length is corrected. Redacting the result again changes nothing. Names of users, servers and
    cubes, queries and results are not removed: review them before you publish.

    Args:
        data: The capture, in any format of `iter_messages`.
        name: The place of changes that have no other, for example in a bare message.
        also: Names of fields, elements, attributes and parameters whose values are removed, too. Letter case
            and separators do not matter.
        keep: Names whose values stay, though they look like those of credentials. Session ids never stay.
        users: Whether names of users become `user-1`, `user-2` and so on.
        insist: Whether to search data of an unknown format as text. Secrets may stay in it.
        pseudonyms: The ids of captures that belong together. New ids are added.
        limits: How much of the capture is read. The rest is removed.

    Returns:
        The redacted capture and its changes.

    Raises:
        TypeError: An argument has the wrong type.
        CaptureError: The format is unknown or not read (`broken-capture`).

    >>> redact(b"<Session SessionId='4f1c-77aa'/>").data
    b"<Session SessionId='session-1'/>"
    """
    view = checked(data, limits)
    if pseudonyms is None:
        pseudonyms = Pseudonyms()
    elif not isinstance(pseudonyms, Pseudonyms):
        raise TypeError(f"pseudonyms must be Pseudonyms or None, not {type(pseudonyms).__name__}")
    names = Names(_texts("also", also), _texts("keep", keep), users=users)
    why = None if insist else why_not(view, limits)
    if why is not None:
        raise CaptureError(value_finding(Code.BROKEN_CAPTURE, *why))
    return Redaction(pseudonyms, names, limits, insist=insist).whole(view, name)


def _texts(argument: str, names: Iterable[str]) -> list[str]:
    """Return names as a list; raise TypeError for anything else."""
    found = [names] if isinstance(names, str) else list(names)
    if not all(isinstance(each, str) for each in found) or isinstance(names, str):
        raise TypeError(f"{argument} must be names, such as a list of str")
    return found


def checked(data: object, limits: object) -> bytes | memoryview:
    """Return a capture as a view of its bytes; raise TypeError for arguments of the wrong type."""
    if not isinstance(data, Data):
        raise TypeError(f"data must be bytes, bytearray or memoryview, or mmap, not {type(data).__name__}")
    if not isinstance(limits, CaptureLimits):
        raise TypeError(f"limits must be CaptureLimits, not {type(limits).__name__}")
    return data if isinstance(data, bytes) else memoryview(data).cast("B")
