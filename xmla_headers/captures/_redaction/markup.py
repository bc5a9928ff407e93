"""Knows the secrets in markup: contents of elements, ids, users, and what is left of a damaged start."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from .edits import ChangeKind, Edit
from .escapes import characters, resolved, whole
from .names import IDENTIFIER, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import Names

__all__ = ["DOCUMENT", "KNOWN", "elements", "id_elements", "identifier", "rest_of_markup", "shown", "user"]


def shown(name: str) -> str:
    """Return a name for the list of changes; one that may be a secret itself is not quoted."""
    name = name.strip()
    known = KNOWN.get(name.lower())
    return known or (name if _PLAIN_NAME.match(name) else "a credential")


KNOWN = {
    name.lower(): name
    for name in (
        "Security SspiHandshake SessionToken Password Pwd access_token refresh_token client_secret id_token "
        "Authorization Proxy-Authorization Cookie Cookie2 Set-Cookie Authentication-Info "
        "Proxy-Authentication-Info WWW-Authenticate Proxy-Authenticate Set-Cookie2 X-AS-SessionToken"
    ).split()
}
_PLAIN_NAME = re.compile(r"(?!.*\d.*\d.*\d)[A-Za-z_.][\w. -]{0,47}\Z")


def user(text: str, start: int, end: int) -> Iterator[Edit]:
    """Yield the edit for the name of a user."""
    value = text[start:end].strip()
    start += len(text[start:end]) - len(text[start:end].lstrip())
    name = whole(value)
    if name and not name.startswith("<"):
        yield Edit(start, start + len(value), ChangeKind.USER, "", name)


# -- elements ----------------------------------------------------------------------------------------


def elements(text: str, wanted: frozenset[str], names: Names, *, begins: bool) -> Iterator[Edit]:
    """Yield the contents of elements that carry credentials. One without an end tag ends with its message.

    If the text `begins` in the middle, an end tag without a start tag closes what stands before it.
    """
    markup = _markup(wanted)
    place, size = 0, len(text)
    while place < size:
        match = markup.search(text, place)
        if match is None:
            return
        place = match.end()
        if match["name"] is None:
            end, after = _end_of(match, text)
            # An element in a comment is an element; without an end tag it ends with the comment.
            yield from _commented(text, place, end, markup, names)
            place = after
        elif match["slash"]:
            if begins and match.start():
                yield from _element(text, 0, match.start(), match["name"], names)
        elif not match["rest"].endswith("/"):
            end, after = _closed(text, match, size, markup, nested=True)
            yield from _element(text, place, end, match["name"], names)
            place = after


def _element(text: str, start: int, end: int, name: str, names: Names) -> Iterator[Edit]:
    """Yield the edit for the content of an element."""
    name = name.rpartition(":")[2]
    kind, content = names.kind(name), text[start:end]
    if kind is Kind.USER:
        if "<" not in content:
            yield from user(text, start, end)
    elif kind is Kind.ELEMENT or (kind is not None and names.is_secret(kind, content)):
        content = content.rstrip()
        start, end = start + len(content) - len(content.lstrip()), start + len(content)
        if end > start:
            yield Edit(start, end, ChangeKind.ELEMENT, shown(name))


@lru_cache(32)
def _markup(wanted: frozenset[str]) -> re.Pattern[str]:
    """Return the pattern of the tags of elements, of comments and of sections."""
    # A hostile text has very many names.
    alternatives = (
        "|".join(map(re.escape, sorted(wanted))) if len(wanted) <= _MOST_NAMES else r"[\w.-]{1,100}"
    )
    return re.compile(
        rf"(?i)<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)"
        rf"|(?P<slash>/?)(?P<name>(?:[^\s<>/\"'=!?:]{{1,100}}:)?(?:{alternatives}))"
        rf"(?=[\s/>]|\Z)(?P<rest>{_ATTRIBUTES})>?)"
    )


_MOST_NAMES = 32
_ATTRIBUTES = r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+"
# The end of an element without an end tag: another part of the message, or another record of a log.
_BOUND = re.compile(
    r"(?i)</?(?:[^\s<>/\"'=!?:]{1,100}:)?(?:Envelope|Header|Body)[\s/>]|<\?xml\s"
    r"|\r?\n(?=[\[\d]|INFO|DEBUG|WARN|ERROR|HTTP/|POST )"
)


def _commented(text: str, start: int, end: int, markup: re.Pattern[str], names: Names) -> Iterator[Edit]:
    """Yield the contents of elements in a comment or a CDATA section."""
    while True:
        match = markup.search(text, start, end)
        if match is None:
            return
        start = match.end()
        if match["name"] is not None and not match["slash"] and not match["rest"].endswith("/"):
            stop, after = _closed(text, match, end, markup, nested=False)
            yield from _element(text, start, stop, match["name"], names)
            start = after


def _end_of(match: re.Match[str], text: str) -> tuple[int, int]:
    """Return where the content of a comment or a CDATA section ends, and where its end mark does."""
    closing = "-->" if match["comment"] else "]]>"
    end = text.find(closing, match.end())
    return (len(text), len(text)) if end < 0 else (end, end + len(closing))


def _closed(
    text: str, opening: re.Match[str], limit: int, markup: re.Pattern[str], *, nested: bool
) -> tuple[int, int]:
    """Return where the content of an element ends, and where its end tag does."""
    # Prefix and letter case count: in a broken message, the end tag of another element closes nothing.
    depth, place = 1, opening.end()
    while True:
        match = markup.search(text, place, limit)
        if match is None:
            bound = _BOUND.search(text, opening.end(), limit)
            limit = limit if bound is None else bound.start()
            return limit, limit
        place = match.end()
        if match["name"] is None:
            place = _end_of(match, text)[1] if nested else place
        elif match["name"] == opening["name"] and not (not match["slash"] and match["rest"].endswith("/")):
            depth += -1 if match["slash"] else 1
            if not depth:
                return match.start(), match.end()


# A message that begins in the middle: its first "<" or ">" ends a tag after a quoted value, or the content
# of an element, a comment or a CDATA section.
_REST_OF_TAG = re.compile(
    r"[^<>\"']*+(?:[\"'](?![\s/>?])[^<>\"']*+)*+"
    r"(?=[\"'](?:\s++[^\s<>\"'=]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+\s*+[/?]?>)"
)
_REST_OF_SECTION = re.compile(r"[^<>]*?(?=(?:\]\]|--)>)")
_REST_OF_START_TAG = re.compile(r"(?:[^<>]*+(?<!/)>)?+")
# The beginning of a whole document, before which nothing is missing.
DOCUMENT = re.compile(r"\ufeff?\s*+<(?:\?xml\s|(?:[^\s<>/\"'=!?:]{1,100}:)?Envelope\b)")


def rest_of_markup(text: str) -> Iterator[Edit]:
    """Yield the first part of a message that begins in the middle, in an unknown element."""
    if _LOG.match(text) is not None:
        return
    spans = [match.span() for pattern in _RESTS if (match := pattern.match(text)) is not None]
    tag = _REST_OF_START_TAG.match(text)
    runs, end = _content(text, tag.end() if tag is not None else 0)
    if text.startswith("</", end):
        spans += [(start, end) for start, end, value in runs if value.strip()]
    for start, end in spans:
        if start < end:
            yield Edit(start, end, ChangeKind.UNSEARCHABLE, "the rest of a tag or an element")


# The beginning of a line of a log, or of curl.
_LOG = re.compile(r"[<>*{}] |\[?\d{4}[-/.]\d\d|\[?\d\d:\d\d|\[?(?:TRACE|DEBUG|INFO|WARN|ERROR)\b")
_RESTS = (_REST_OF_TAG, _REST_OF_SECTION)


# -- ids ---------------------------------------------------------------------------------------------


def id_elements(text: str) -> Iterator[Edit]:
    """Yield the contents of elements that are ids."""
    place = 0
    while (tag := _IDENTIFIER_TAG.search(text, place)) is not None:
        runs, place = _content(text, tag.end())
        filled = [run for run in runs if run[2].strip(_AROUND)]
        if filled and not text.startswith("</", place):
            # The element has no end: the id has one line.
            start, end, _ = filled[0]
            line = _FIRST_LINE.match(text, start, end)
            end = end if line is None else line.end()
            yield from identifier(text, start, end, resolved(text[start:end]))
        elif filled:
            (start, end, _), *others = filled
            yield from identifier(text, start, end, "".join(value for _, _, value in filled))
            for start, end, _ in others:
                yield Edit(start, end, ChangeKind.SESSION_ID, "")


# White space, and the line after it.
_FIRST_LINE = re.compile(r"\s*+[^\r\n]++")
_IDENTIFIER_TAG = re.compile(
    rf"(?i)<(?:[^\s<>/\"'=!?]{{0,100}}?)(?:{IDENTIFIER})(?=[\s>]){_ATTRIBUTES}(?<!/)>"
)


def identifier(text: str, start: int, end: int, value: str) -> Iterator[Edit]:
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
