r"""Knows what is secret in a text: it is found by patterns, because a broken message must not leak.

Each pattern reads each character a bounded number of times, whatever the text is: its repetitions are
possessive, and it begins with a literal.
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

__all__ = ["FIELD_NAMES", "ChangeKind", "Edit", "find", "merged", "named_edits"]


class ChangeKind(StrEnum):
    """The kinds of changes that a redaction makes."""

    SESSION_ID = "session-id"
    """A session id was replaced by a pseudonym."""
    ELEMENT = "element"
    """The content of an element that carries credentials was removed."""
    HEADER_FIELD = "header-field"
    """The value of an HTTP header field or of a cookie was removed."""
    CREDENTIAL = "credential"
    """A password or similar value was removed from an attribute, a connection string or a URL."""
    CODING = "coding"
    """A content or transfer coding was removed, because the coded body had to be changed."""
    UNSEARCHABLE = "unsearchable"
    """Content that cannot be searched was removed: a body, a part of one, or an entry of an archive."""


class Edit(NamedTuple):
    """A range of a text that is a secret, and what replaces it."""

    start: int
    end: int
    kind: ChangeKind
    # A description that quotes nothing of the capture.
    what: str
    # The session id whose pseudonym replaces the range.
    identifier: str = ""
    # The folded id, if this is an occurrence whose spelling may be unknown.
    folded: str = ""

    def moved(self, distance: int) -> Edit:
        """Return the same edit for a text in which it stands further on."""
        return self._replace(start=self.start + distance, end=self.end + distance)


# -- names -------------------------------------------------------------------------------------------

# The attributes that are ids by the schema; SESSION_ID, session-id and ASP.NET_SessionId match as well.
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

# Header blocks, elements of Authenticate (MS-SSAS §3.1.4.3) and of property lists that carry credentials.
_ELEMENTS = ("Security", "SspiHandshake", "SessionToken", "Password")

# Names in attributes, connection strings, query strings and JSON.
_CREDENTIALS = ("Password", "Pwd", "access_token", "refresh_token", "client_secret", "id_token")

# The whole value of a header field.
_ALL = re.compile(r"\S(?:.*\S)?", re.DOTALL)
# RFC 9110 §11.6.1 with a token: the answer of a server within a handshake.
_TOKENS = re.compile(r"(?i)(?:negotiate|ntlm|kerberos)\s+([^\s,<]+)")
# HTTP header fields -> the secret part of their values.
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
FIELD_NAMES = {name.lower(): name for name in _FIELDS}
"""The header fields with secrets: the name in lower case -> the name."""
_CREDENTIAL_NAMES = {name.lower(): name for name in _CREDENTIALS}


# -- patterns ----------------------------------------------------------------------------------------

_SPACE = r"[ \t\r\n]*+"
_QUOTED = r"\"(?P<double>[^\"]*+)|'(?P<single>[^']*+)"
# In JSON and JavaScript.
_ESCAPED = r"\"(?P<json>(?:[^\"\\]++|\\.)*+)|'(?P<script>(?:[^'\\]++|\\.)*+)"
_BARE = r"(?P<bare>(?:[^\s\"'<>&;,)\\/\0]|/(?!>))++)"

_ASSIGNED = re.compile(
    rf"(?is)(?:{_IDENTIFIER})[\"']?+{_SPACE}(?:={_SPACE}(?:{_QUOTED}|{_BARE})|:{_SPACE}(?:{_ESCAPED}))"
)
# A value in a connection string may be quoted; otherwise it ends with a semicolon.
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
# In the head of an HTTP message "<" is an ordinary character.
_HEAD_LINE = re.compile(_FIELD_LINE.pattern.replace(r"[^\r\n<]", r"[^\r\n]"))
# RFC 3986 §3.2.1
_USER_INFORMATION = re.compile(r"://([^/\s\"'<>@?#\\]{1,256})@")

# A message that begins in the middle: its first "<" or ">" ends a tag after a quoted value, or the content
# of an element, a comment or a CDATA section.
_REST_OF_TAG = re.compile(
    r"[^<>\"']*+(?:[\"'](?![\s/>?])[^<>\"']*+)*+"
    r"(?=[\"'](?:\s++[^\s<>\"'=]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+\s*+[/?]?>)"
)
_REST_OF_SECTION = re.compile(r"[^<>]*?(?=(?:\]\]|--)>)")
_REST_OF_START_TAG = re.compile(r"(?:[^<>]*+(?<!/)>)?+")
# The beginning of a whole document, before which nothing is missing.
_DOCUMENT = re.compile(r"\ufeff?\s*+<(?:\?xml\s|(?:[^\s<>/\"'=!?:]{1,100}:)?Envelope\b)")


def _words(*names: str) -> tuple[str, ...]:
    """Return names in lower case, each once."""
    return tuple({name.lower() for name in names})


# Words without which the patterns cannot match: searching for words is ten times as fast.
_IDENTIFIER_WORDS = _words(*(parts[0] for parts in _IDENTIFIERS))
_ELEMENT_WORDS = _words(*_ELEMENTS)
_FIELD_WORDS = _words(*_FIELDS)
_CREDENTIAL_WORDS = _words(*_CREDENTIALS)


def find(
    text: str, needles: Needles | None, *, head: bool = False, begins: bool = False, depth: int = 3
) -> list[Edit]:
    """Return the secrets in a text: in any order, and they may overlap.

    Secrets are found by what stands around them, and ids also by the `needles`. The text between tags is
    searched again with its escapes replaced, up to `depth` times. `head`: it is the head of an HTTP
    message. `begins`: a message begins with it, maybe in the middle of a secret.
    """
    found: list[Edit] = []
    lower = text.lower()
    identifiers = _any(_IDENTIFIER_WORDS, lower)
    if begins and needles is not None:
        found += _found(text, needles.find_rest(fold(text[:_LONGEST_REST])))
    if _any(_ELEMENT_WORDS, lower):
        found += _elements(text, begins=begins and _DOCUMENT.match(text) is None)
    if identifiers or _any(_FIELD_WORDS, lower):
        found += _fields(text, _HEAD_LINE if head else _FIELD_LINE)
    if identifiers:
        found += _identifiers(text)
    if _any(_CREDENTIAL_WORDS, lower):
        found += _credentials(text)
    if "@" in text:
        found += _user_information(text)
    if needles is not None:
        folded = fold(text)
        found += _found(text, (*needles.find(folded), *needles.find_quoted(folded)))
    if begins:
        found += _rest(text)
    if depth:
        views = [(0, without_nuls(text))] if "\0" in text else []
        for start, expanded in (*views, *_escaped(text, needles)):
            first = begins and not start
            for edit in find(expanded.text, needles, head=head, begins=first, depth=depth - 1):
                place, end = expanded.span(edit.start, edit.end)
                found.append(edit._replace(start=place, end=end))
    return found


def _any(words: tuple[str, ...], lower: str) -> bool:
    return any(word in lower for word in words)


def _escaped(text: str, needles: Needles | None) -> Iterator[tuple[int, Expanded]]:
    """Yield the texts between tags with escapes that may hide secrets, and where each begins."""
    found = pieces(text)
    # Most of them, such as "a &amp; b" in a rowset, contain no secret: many are tested at a time.
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
                yield start, expand(text, start, end)


_BATCH = 64
_WORDS = (*_IDENTIFIER_WORDS, *_ELEMENT_WORDS, *_FIELD_WORDS, *_CREDENTIAL_WORDS, "@")


def merged(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits in order. Where some overlap, the one that begins first, is longer or came first wins."""
    # Sorting is stable.
    ordered = sorted(sorted(edits, key=itemgetter(1), reverse=True), key=itemgetter(0))
    kept: list[Edit] = []
    done = 0
    for edit in ordered:
        if edit.start >= done:
            kept.append(edit)
        elif edit.end > done:
            # The rest of it is removed too; it has been counted.
            kept.append(Edit(done, edit.end, edit.kind, ""))
        done = max(done, edit.end)
    return kept


def named_edits(name: str, value: str) -> list[Edit] | None:
    """Return the secrets in a value if its name says what is secret; None if any value may follow the name.

    The name is the name of a header field, a cookie, a parameter or a member.
    """
    name = name.strip()
    field = FIELD_NAMES.get(name.lower())
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


def _elements(text: str, *, begins: bool) -> Iterator[Edit]:
    """Yield the contents of elements that carry credentials. One without an end tag ends with the text.

    If the text `begins` in the middle, an end tag without a start tag closes what stands before it.
    """
    place, size = 0, len(text)
    while place < size:
        match = _MARKUP.search(text, place)
        if match is None:
            return
        place = match.end()
        if match["name"] is None:
            end, after = _end_of(match, text)
            # An element in a comment is an element; without an end tag it ends with the comment.
            yield from _commented(text, place, end)
            place = after
        elif match["slash"]:
            if begins and match.start():
                yield Edit(0, match.start(), ChangeKind.ELEMENT, _local(match["name"]))
        elif not match["rest"].endswith("/"):
            end, after = _closed(text, match, size, nested=True)
            if end > place:
                yield Edit(place, end, ChangeKind.ELEMENT, _local(match["name"]))
            place = after


def _commented(text: str, start: int, end: int) -> Iterator[Edit]:
    """Yield the contents of elements in a comment or a CDATA section."""
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
    """Return where the content of a comment or a CDATA section ends, and where its end mark does."""
    closing = "-->" if match["comment"] else "]]>"
    end = text.find(closing, match.end())
    return (len(text), len(text)) if end < 0 else (end, end + len(closing))


def _closed(text: str, opening: re.Match[str], limit: int, *, nested: bool) -> tuple[int, int]:
    """Return where the content of an element ends, and where its end tag does."""
    # Prefix and letter case count: in a broken message, the end tag of another element closes nothing.
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
    """Return the local name of an element as we spell it."""
    local = name.rpartition(":")[2].lower()
    return next(element for element in _ELEMENTS if element.lower() == local)


def _rest(text: str) -> Iterator[Edit]:
    """Yield the first part of a message that begins in the middle, in an unknown element."""
    spans = [match.span() for pattern in _RESTS if (match := pattern.match(text)) is not None]
    tag = _REST_OF_START_TAG.match(text)
    runs, end = _content(text, tag.end() if tag is not None else 0)
    if text.startswith("</", end):
        spans += [(start, end) for start, end, value in runs if value.strip()]
    for start, end in spans:
        if start < end:
            yield Edit(start, end, ChangeKind.UNSEARCHABLE, "the rest of a tag or an element")


_RESTS = (_REST_OF_TAG, _REST_OF_SECTION)


# -- ids ---------------------------------------------------------------------------------------------


def _identifiers(text: str) -> Iterator[Edit]:
    """Yield the values of attributes and parameters, and the contents of elements, that are ids."""
    for match in _assignments(_ASSIGNED, text):
        # The whole match if no group took part.
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
    """Yield the names with a value, including those within a value.

    A value without its closing quote ends at the opening quote of the next value.
    """
    place = 0
    while (match := pattern.search(text, place)) is not None:
        yield match
        start, place = match.span(match.lastgroup or 0)
        if match.lastgroup == "bare":
            # Another value can begin at its end only. Searching all of it again would take quadratic time.
            start = max(start, place - _LONGEST_NAME)
        value = text[start:place]
        if "=" in value or ":" in value:
            place = start


# Characters of a name and of the separator before its value.
_LONGEST_NAME = 256


def _identifier(text: str, start: int, end: int, value: str) -> Iterator[Edit]:
    """Yield the edit for an id, without the white space and braces around it."""
    while start < end and text[start] in _AROUND:
        start += 1
    while start < end and text[end - 1] in _AROUND:
        end -= 1
    value = value.strip(_AROUND)
    if start < end and value:
        yield Edit(start, end, ChangeKind.SESSION_ID, "", value)


# A GUID with braces is the same as one without.
_AROUND = " \t\r\n{}"


def _content(text: str, start: int) -> tuple[list[tuple[int, int, str]], int]:
    """Return the runs of text in an element (start, end and meaning), and where the last one ends."""
    runs: list[tuple[int, int, str]] = []
    place = start
    while True:
        end = text.find("<", place)
        end = len(text) if end < 0 else end
        if end > place:
            runs.append((place, end, resolved(text[place:end])))
        kind = next((kind for kind in _CLOSED_BY if text.startswith(kind, end)), None)
        # An unclosed section is an ordinary "<". Its end is searched for within bounds, to take linear time.
        close = -1 if kind is None else text.find(_CLOSED_BY[kind], end, end + _MOST_COMMENT)
        if kind is None or close < 0:
            return runs, max(end, start)
        if kind == "<![CDATA[":
            runs.append((end + 9, close, characters(text[end + 9 : close])))
        place = close + 3


_CLOSED_BY = {"<!--": "-->", "<![CDATA[": "]]>"}
# Characters of a comment or a section within the text of an id.
_MOST_COMMENT = 1024


def _found(text: str, places: Iterable[tuple[int, int, str]]) -> Iterator[Edit]:
    """Yield the edits for known ids in a text."""
    for start, end, needle in places:
        yield Edit(start, end, ChangeKind.SESSION_ID, "", characters(text[start:end]), needle)


# Characters at the beginning of a text that may be the rest of an id.
_LONGEST_REST = 8_192


# -- header fields and credentials -------------------------------------------------------------------


def _fields(text: str, pattern: re.Pattern[str]) -> Iterator[Edit]:
    """Yield the secrets in HTTP header fields."""
    for match in pattern.finditer(text):
        start, value = match.start("value"), match["value"]
        for edit in named_edits(match["name"], value) or ():
            yield edit.moved(start)


def _credentials(text: str) -> Iterator[Edit]:
    """Yield the passwords in attributes, connection strings and JSON."""
    for match in _assignments(_CREDENTIAL, text):
        start, end = match.span(match.lastgroup or 0)
        if start < end:
            yield Edit(start, end, ChangeKind.CREDENTIAL, _CREDENTIAL_NAMES[match["name"].lower()])


def _user_information(text: str) -> Iterator[Edit]:
    """Yield the user information of URLs."""
    for match in _USER_INFORMATION.finditer(text):
        yield Edit(*match.span(1), ChangeKind.CREDENTIAL, "the user information of a URL")
