r"""What in a text is to be hidden, and where: text, not structure, because a broken message must not leak.

A pattern here looks at each character a bounded number of times, whatever the text is: repetitions are
possessive, and what they begin with is a literal.
"""

from __future__ import annotations

import re
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.session_headers import SESSION_BLOCKS

from .escapes import characters, expand, fold, is_escaped, pieces, resolved, unescaped, whole, without_nuls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .escapes import Expanded
    from .pseudonyms import Needles

__all__ = ["ChangeKind", "Edit", "find", "merged", "named_edits"]


class ChangeKind(StrEnum):
    """What has been changed in a capture."""

    #: A session id is a pseudonym now.
    SESSION_ID = "session-id"
    #: The content of an element that carries credentials is gone.
    ELEMENT = "element"
    #: The value of an HTTP header field, or of a cookie, is gone.
    HEADER_FIELD = "header-field"
    #: A password, or the like, is gone from an attribute, a connection string or a URL.
    CREDENTIAL = "credential"
    #: A content or transfer coding has been taken off, because something behind it had to be changed.
    CODING = "coding"
    #: A body, or an entry of an archive, is gone that cannot be searched.
    UNSEARCHABLE = "unsearchable"


class Edit(NamedTuple):
    """A stretch of a text that is to go, and what takes its place."""

    start: int
    end: int
    kind: ChangeKind
    #: What it was, in our words: nothing that the capture says.
    what: str
    #: The session id whose pseudonym takes its place.
    identifier: str = ""
    #: The folded id, where it is an occurrence whose spelling may not have been met as an id.
    folded: str = ""


# -- names -------------------------------------------------------------------------------------------

#: The attributes that hold an id, by the schema; SESSION_ID, session-id and ASP.NET_SessionId as well.
_IDENTIFIERS = sorted(
    {
        tuple(re.findall("[A-Z]?[a-z]+", attribute.name))
        for block in SESSION_BLOCKS.values()
        for attribute in block.spec.attributes
        if attribute.identifier
    }
)
_IDENTIFIER = "|".join("[-_.]?".join(parts) for parts in _IDENTIFIERS)
_IDENTIFIER_END = re.compile(rf"(?i)(?:{_IDENTIFIER})\Z")

#: Header blocks, elements of Authenticate (MS-SSAS §3.1.4.3) and of property lists that hold credentials.
_ELEMENTS = ("Security", "SspiHandshake", "SessionToken", "Password")

#: Attributes, and parts of connection strings, of query strings and of JSON.
_CREDENTIALS = ("Password", "Pwd", "access_token", "refresh_token", "client_secret", "id_token")

#: HTTP header fields -> what of their values is secret.
_ALL = re.compile(r"\S(?:.*\S)?", re.DOTALL)
#: RFC 9110 §11.6.1 with a token: the answer of a server within a handshake.
_TOKENS = re.compile(r"(?i)(?:negotiate|ntlm|kerberos)\s+([^\s,<]+)")
_FIELDS = {
    "Authorization": _ALL,
    "Proxy-Authorization": _ALL,
    "Authentication-Info": _ALL,
    "Proxy-Authentication-Info": _ALL,
    "WWW-Authenticate": _TOKENS,
    "Proxy-Authenticate": _TOKENS,
    "Cookie": _ALL,
    "Cookie2": _ALL,
    "Set-Cookie": _ALL,
    "Set-Cookie2": _ALL,
    "X-AS-SessionToken": _ALL,
}
_FIELD_NAMES = {name.lower(): name for name in _FIELDS}
_CREDENTIAL_NAMES = {name.lower(): name for name in _CREDENTIALS}


# -- patterns ----------------------------------------------------------------------------------------

_SPACE = r"[ \t\r\n]*+"
_QUOTED = r"\"(?P<double>[^\"]*+)|'(?P<single>[^']*+)"
#: In JSON, and in what is written like it.
_ESCAPED = r"\"(?P<json>(?:[^\"\\]++|\\.)*+)|'(?P<script>(?:[^'\\]++|\\.)*+)"
_BARE = r"(?P<bare>(?:[^\s\"'<>&;,)\\/\0]|/(?!>))++)"

_ASSIGNED = re.compile(
    rf"(?is)(?:{_IDENTIFIER})[\"']?+{_SPACE}(?:={_SPACE}(?:{_QUOTED}|{_BARE})|:{_SPACE}(?:{_ESCAPED}))"
)
#: The value of a name in a connection string may be quoted, and ends with a semicolon otherwise.
_CREDENTIAL = re.compile(
    rf"(?is)(?P<name>{'|'.join(_CREDENTIALS)})[\"']?+{_SPACE}"
    rf"(?:={_SPACE}(?:{_QUOTED}|(?P<bare>[^\s\"'<>&;\\\0][^\"'<>&;\r\n\\\0]*+))|:{_SPACE}(?:{_ESCAPED}))"
)
_ATTRIBUTES = r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+"
_IDENTIFIER_TAG = re.compile(
    rf"(?i)<(?:[^\s<>/\"'=!?]{{0,100}}?)(?:{_IDENTIFIER})(?=[\s>]){_ATTRIBUTES}(?<!/)>"
)
_MARKUP = re.compile(
    rf"(?i)<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)"
    rf"|(?P<slash>/?)(?P<name>(?:[^\s<>/\"'=!?:]{{1,100}}:)?(?:{'|'.join(_ELEMENTS)}))"
    rf"(?=[\s/>]|\Z)(?P<rest>{_ATTRIBUTES})>?)"
)
_FIELD_LINE = re.compile(
    rf"(?im)^\ufeff?+(?:[<>*] )?[ \t]*+"
    rf"(?P<name>{'|'.join(map(re.escape, _FIELDS))}|[a-z0-9-]{{0,40}}?(?:{_IDENTIFIER}))"
    r"[ \t]*+:(?P<value>[^\r\n<]*+(?:\r?\n[ \t]++[^\r\n<]*+)*+)"
)
#: The same in the head of an HTTP message, where "<" is a character like any other.
_HEAD_LINE = re.compile(_FIELD_LINE.pattern.replace(r"[^\r\n<]", r"[^\r\n]"))
#: RFC 3986 §3.2.1
_USER_INFORMATION = re.compile(r"://([^/\s\"'<>@?#\\]{1,256})@")


def _words(*names: str) -> tuple[str, ...]:
    """Return what stands in each of the names, in lower case."""
    return tuple({name.lower() for name in names})


#: What the patterns cannot do without: to look for words is faster by an order of magnitude.
_IDENTIFIER_WORDS = _words(*(parts[0] for parts in _IDENTIFIERS))
_ELEMENT_WORDS = _words(*_ELEMENTS)
_FIELD_WORDS = _words(*_FIELDS)
_CREDENTIAL_WORDS = _words(*_CREDENTIALS)


def find(text: str, needles: Needles | None, *, head: bool = False, depth: int = 3) -> list[Edit]:
    """Return what is to be hidden in a text, in order and without overlaps.

    Secrets show by where they stand; the `needles` are ids that are looked for everywhere. Without them ids
    are learnt: then all edits are returned, since an id within a password counts as well. What stands
    between tags is looked at again with its references and escapes replaced, as often as `depth` says.
    `head`: the text is the head of an HTTP message.
    """
    found: list[Edit] = []
    lower = text.lower()
    identifiers = _any(_IDENTIFIER_WORDS, lower)
    if _any(_ELEMENT_WORDS, lower):
        found += _elements(text)
    if identifiers or _any(_FIELD_WORDS, lower):
        found += _fields(text, _HEAD_LINE if head else _FIELD_LINE)
    if identifiers:
        found += _identifiers(text)
    if _any(_CREDENTIAL_WORDS, lower):
        found += _credentials(text)
    if "@" in text:
        found += _user_information(text)
    if needles is not None:
        found += _occurrences(text, needles)
    if depth:
        views = [without_nuls(text)] if "\0" in text else []
        for expanded in (*views, *_escaped(text, needles)):
            for edit in find(expanded.text, needles, head=head, depth=depth - 1):
                first, last = expanded.span(edit.start, edit.end)
                found.append(edit._replace(start=first, end=last))
    return found if needles is None else merged(found)


def _any(words: tuple[str, ...], lower: str) -> bool:
    return any(word in lower for word in words)


def _escaped(text: str, needles: Needles | None) -> Iterator[Expanded]:
    """Yield the stretches between tags in which something is escaped that may have to be hidden."""
    found = pieces(text)
    # Most of them, "a &amp; b" in a rowset, have nothing of the kind: many are judged at a time.
    for first in range(0, len(found), _BATCH):
        batch = found[first : first + _BATCH]
        plain = unescaped("\n".join(text[start:end] for start, end in batch))
        lower = plain.lower()
        if (
            _any(_WORDS, lower)
            or is_escaped(plain)
            or (needles is not None and needles.may_occur(fold(plain)))
        ):
            for start, end in batch:
                yield expand(text, start, end)


_BATCH = 64
_WORDS = (*_IDENTIFIER_WORDS, *_ELEMENT_WORDS, *_FIELD_WORDS, *_CREDENTIAL_WORDS, "@")


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits in order; of what overlaps the one that begins first, or is longer, or came first."""
    # As a sort is stable.
    ordered = sorted(sorted(edits, key=itemgetter(1), reverse=True), key=itemgetter(0))
    kept: list[Edit] = []
    done = 0
    for edit in ordered:
        if edit.start >= done:
            kept.append(edit)
        elif edit.end > done:
            # The rest of it goes as well, and has been counted.
            kept.append(Edit(done, edit.end, edit.kind, ""))
        done = max(done, edit.end)
    return kept


def named_edits(name: str, value: str) -> list[Edit] | None:
    """Return what is to be hidden in a value, where its name says so; None where any value may stand.

    The name is that of a header field, a cookie, a parameter or a member; the places are those in the value.
    """
    name = name.strip()
    field = _FIELD_NAMES.get(name.lower())
    if field is not None:
        return [
            Edit(*match.span(match.lastindex or 0), ChangeKind.HEADER_FIELD, field)
            for match in _FIELDS[field].finditer(value)
        ]
    if _IDENTIFIER_END.search(name):
        return list(_identifier(value, 0, len(value), whole(value)))
    credential = _CREDENTIAL_NAMES.get(name.lower())
    if credential is not None:
        return [Edit(0, len(value), ChangeKind.CREDENTIAL, credential)] if value else []
    return None


# -- elements ----------------------------------------------------------------------------------------


def _elements(text: str) -> Iterator[Edit]:
    """Yield the contents of elements that carry credentials; of one that is not closed, to the end."""
    place, size = 0, len(text)
    while place < size:
        match = _MARKUP.search(text, place)
        if match is None:
            return
        place = match.end()
        if match["name"] is None:
            end, after = _end_of(match, text)
            # An element that is commented out is one; what is not closed there ends there.
            yield from _commented(text, place, end)
            place = after
        elif not match["slash"] and not match["rest"].endswith("/"):
            end, after = _closed(text, match, size, nested=True)
            if end > place:
                yield Edit(place, end, ChangeKind.ELEMENT, _local(match["name"]))
            place = after


def _commented(text: str, start: int, end: int) -> Iterator[Edit]:
    while True:
        match = _MARKUP.search(text, start, end)
        if match is None:
            return
        start = match.end()
        if match["name"] is not None and not match["slash"] and not match["rest"].endswith("/"):
            stop, after = _closed(text, match, end, nested=False)
            if stop > start:
                yield Edit(start, stop, ChangeKind.ELEMENT, _local(match["name"]))
            start = after


def _end_of(match: re.Match[str], text: str) -> tuple[int, int]:
    """Return where the content of a comment or a CDATA section ends, and where it does itself."""
    closing = "-->" if match["comment"] else "]]>"
    end = text.find(closing, match.end())
    return (len(text), len(text)) if end < 0 else (end, end + len(closing))


def _closed(text: str, opening: re.Match[str], limit: int, *, nested: bool) -> tuple[int, int]:
    """Return where the content of an element ends, and where its end tag does."""
    # The same name, prefix and case included: in a broken message, what closes another closes nothing.
    depth, place = 1, opening.end()
    while True:
        match = _MARKUP.search(text, place, limit)
        if match is None:
            return limit, limit
        place = match.end()
        if match["name"] is None:
            place = _end_of(match, text)[1] if nested else place
        elif match["name"] == opening["name"] and not (not match["slash"] and match["rest"].endswith("/")):
            depth += -1 if match["slash"] else 1
            if not depth:
                return match.start(), match.end()


def _local(name: str) -> str:
    local = name.rpartition(":")[2].lower()
    return next(element for element in _ELEMENTS if element.lower() == local)


# -- ids ---------------------------------------------------------------------------------------------


def _identifiers(text: str) -> Iterator[Edit]:
    for match in _assignments(_ASSIGNED, text):
        # The whole match, should no group have taken part.
        group = match.lastgroup or 0
        start, end = match.span(group)
        value = match[group]
        if group in ("double", "single"):
            yield from _identifier(text, start, end, resolved(value))
        else:
            yield from _identifier(text, start, end, whole(value))
    place = 0
    while (tag := _IDENTIFIER_TAG.search(text, place)) is not None:
        runs, place = _content(text, tag.end())
        filled = [run for run in runs if run[2].strip(_AROUND)]
        if filled:
            (start, end, _), *others = filled
            yield from _identifier(text, start, end, "".join(value for _, _, value in filled))
            for start, end, _ in others:
                yield Edit(start, end, ChangeKind.SESSION_ID, "")


def _assignments(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the places where a name has a value, those within a value included.

    A value that lacks its end goes on to the quote at which the next one begins.
    """
    place = 0
    while (match := pattern.search(text, place)) is not None:
        yield match
        start, place = match.span(match.lastgroup or 0)
        if match.lastgroup == "bare":
            # Only at its end another value can begin; to look through all of it again would cost a square.
            start = max(start, place - _LONGEST_NAME)
        value = text[start:place]
        if "=" in value or ":" in value:
            place = start


#: Characters of a name and what stands between it and its value.
_LONGEST_NAME = 256


def _identifier(text: str, start: int, end: int, value: str) -> Iterator[Edit]:
    """Yield the edit for a value that is an id, without white space and braces around it."""
    while start < end and text[start] in _AROUND:
        start += 1
    while start < end and text[end - 1] in _AROUND:
        end -= 1
    value = value.strip(_AROUND)
    if start < end and value:
        yield Edit(start, end, ChangeKind.SESSION_ID, "", value)


#: GUIDs are written with braces, or without, and are the same.
_AROUND = " \t\r\n{}"


def _content(text: str, start: int) -> tuple[list[tuple[int, int, str]], int]:
    """Return the pieces of an element's text, from where to where and what they mean, and its end."""
    runs: list[tuple[int, int, str]] = []
    place = start
    while True:
        end = text.find("<", place)
        end = len(text) if end < 0 else end
        if end > place:
            runs.append((place, end, resolved(text[place:end])))
        kind = next((kind for kind in _CLOSED_BY if text.startswith(kind, end)), None)
        # What is not closed is no more than a "<": to look for the end of each would cost a square.
        close = -1 if kind is None else text.find(_CLOSED_BY[kind], end, end + _MOST_COMMENT)
        if kind is None or close < 0:
            return runs, max(end, start)
        if kind == "<![CDATA[":
            runs.append((end + 9, close, characters(text[end + 9 : close])))
        place = close + 3


_CLOSED_BY = {"<!--": "-->", "<![CDATA[": "]]>"}
#: Characters of a comment, or a section, within the text of an id.
_MOST_COMMENT = 1024


def _occurrences(text: str, needles: Needles) -> Iterator[Edit]:
    folded = fold(text)
    for start, end, needle in (*needles.find(folded), *needles.find_quoted(folded)):
        yield Edit(start, end, ChangeKind.SESSION_ID, "", characters(text[start:end]), needle)


# -- header fields and credentials -------------------------------------------------------------------


def _fields(text: str, pattern: re.Pattern[str]) -> Iterator[Edit]:
    for match in pattern.finditer(text):
        start, value = match.start("value"), match["value"]
        for edit in named_edits(match["name"], value) or ():
            yield edit._replace(start=start + edit.start, end=start + edit.end)


def _credentials(text: str) -> Iterator[Edit]:
    for match in _assignments(_CREDENTIAL, text):
        start, end = match.span(match.lastgroup or 0)
        if start < end:
            yield Edit(start, end, ChangeKind.CREDENTIAL, _CREDENTIAL_NAMES[match["name"].lower()])


def _user_information(text: str) -> Iterator[Edit]:
    for match in _USER_INFORMATION.finditer(text):
        yield Edit(*match.span(1), ChangeKind.CREDENTIAL, "the user information of a URL")
