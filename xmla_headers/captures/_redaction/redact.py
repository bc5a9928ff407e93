"""A capture -> the same capture, fit to be published."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from xmla_headers.captures._formats.detect import Format, format_of
from xmla_headers.captures._message import DEFAULT_LIMITS, CaptureLimits

from .editor import Editor
from .har import redact_har
from .http import like_http, redact_http
from .pseudonyms import Table
from .saz import redact_saz
from .secrets import ChangeKind

__all__ = ["Change", "Pseudonyms", "Redacted", "redact"]


@dataclass(frozen=True, slots=True)
class Change:
    """What has been changed at one place of a capture. It holds no secret."""

    #: The name of the message, as `CapturedMessage.name`, or of an entry of an archive; the file's name
    #: for anything else.
    place: str
    kind: ChangeKind
    #: The pseudonym, the element, the header field, or why something could not be searched.
    what: str
    #: How often.
    count: int

    def __str__(self) -> str:
        times = "" if self.count == 1 else f" ({self.count} times)"
        place = f"{self.place}: " if self.place else ""
        return f"{place}{_SENTENCES[self.kind].format(self.what)}{times}"


_SENTENCES = {
    ChangeKind.SESSION_ID: "a session id is {} now",
    ChangeKind.ELEMENT: "{} is emptied",
    ChangeKind.HEADER_FIELD: "{} is emptied",
    ChangeKind.CREDENTIAL: "{} is emptied",
    ChangeKind.CODING: "{} is taken off",
    ChangeKind.UNSEARCHABLE: "content is left out that cannot be searched: {}",
}


@dataclass(frozen=True, slots=True)
class Redacted:
    """A capture without its secrets, and what was changed."""

    data: bytes = field(repr=False)
    #: Empty if, and only if, the data are what they were.
    changes: tuple[Change, ...]


class Pseudonyms:
    """The session ids of captures that belong together, each with its pseudonym.

    One id has one pseudonym in all of them, and an id is hidden in a file that quotes it only if it has
    been learnt from the file that shows it: learn all files first, then redact them. It holds the ids in
    memory, and shows none.
    """

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table = Table()

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"Pseudonyms(<{len(self)} session id{'' if len(self) == 1 else 's'}>)"

    def learn(
        self,
        data: bytes | bytearray | memoryview,
        name: str = "",
        *,
        limits: CaptureLimits = DEFAULT_LIMITS,
    ) -> None:
        """Take note of the session ids of a capture."""
        _rewritten(_checked(data, limits), Editor(self._table, limits, name, learns=True))


def redact(
    data: bytes | bytearray | memoryview,
    name: str = "",
    *,
    pseudonyms: Pseudonyms | None = None,
    limits: CaptureLimits = DEFAULT_LIMITS,
) -> Redacted:
    """Return a capture of any format without session ids and credentials, and a list of what was changed.

    Each id becomes `session-1`, `session-2` and so on, the same one everywhere: where an attribute, an
    element, a header field or a parameter is called SessionId or the like, and then wherever that id
    occurs, in any letter case, with references, in JSON or percent-encoded. An id of less than six
    characters, or ten digits, or a word of the protocol, would be found everywhere by chance: it is hidden
    where it stands as an id, and between quotes near the word session, as faults write it. Emptied are
    Security, SspiHandshake, SessionToken and Password elements, the values of Authorization, Cookie,
    Set-Cookie and their like, passwords in connection strings and user information in URLs. What cannot
    be searched is left out: a binary or a damaged body, an encrypted entry, anything beyond the limits.

    Every other byte stays. A body whose coding is in the way is written without it, and Content-Length is
    made right. What is redacted does not change again. Names of users, servers and cubes, queries and
    their results are no secrets here: look through them before you publish. Whatever the bytes are, only
    wrong arguments raise.

    `pseudonyms` are those of captures that belong together, to which the new ones are added. `name` is the
    place of changes that have no other, as in a bare message.
    """
    view = _checked(data, limits)
    if pseudonyms is None:
        pseudonyms = Pseudonyms()
    elif not isinstance(pseudonyms, Pseudonyms):
        raise TypeError(f"pseudonyms must be Pseudonyms or None, not {type(pseudonyms).__name__}")
    table = pseudonyms._table
    changes: Counter[tuple[str, ChangeKind, str]] = Counter()
    for _ in range(_ROUNDS):
        pseudonyms.learn(view, name, limits=limits)
        editor = Editor(table, limits, name, learns=False)
        view = _rewritten(view, editor)
        if not editor.changes:
            break
        changes += editor.changes
    else:
        view, changes = b"", Counter({(name, ChangeKind.UNSEARCHABLE, "markup within markup"): 1})
    return Redacted(view, tuple(Change(*what, count) for what, count in changes.items()))


#: In a broken message, what is taken out may leave something behind that looks like a secret again: what
#: has been changed is looked through again, most often once.
_ROUNDS = 8


def _checked(data: object, limits: object) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
    if not isinstance(limits, CaptureLimits):
        raise TypeError(f"limits must be CaptureLimits, not {type(limits).__name__}")
    return bytes(data)


def _rewritten(data: bytes, editor: Editor) -> bytes:
    match format_of(data):
        case Format.SAZ:
            return redact_saz(data, editor)
        case Format.HTTP:
            return redact_http(data, editor)
    if _OBJECT.match(data):
        return redact_har(data, editor)
    # What is left of a capture whose beginning is missing, or damaged.
    if editor.searchable(data):
        if like_http(data):
            return redact_http(data, editor)
        if not _MARKUP.match(data) and _LIKE_JSON.search(data):
            return redact_har(data, editor)
    return editor.message(data, "")


_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+\{[ \t\r\n]*+(?:[\"}]|\Z)")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+<[^\x00-\x20{\"'<>]")
_LIKE_JSON = re.compile(rb"\"[^\"<>]{1,100}\"\s*+:")
