r"""Knows what is secret in a text: it is found by patterns, because a broken message must not leak.

A secret ends where its line, its attribute, its string or its parameter ends. Each pattern reads each
character a bounded number of times, whatever the text is: its repetitions are possessive or bounded.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

from .edits import ChangeKind, Edit
from .escapes import (
    DEPTH,
    characters,
    expand,
    fold,
    is_escaped,
    pieces,
    resolved,
    unescaped,
    whole,
    without_nuls,
)
from .markup import DOCUMENT, KNOWN, elements, id_elements, identifier, rest_of_markup, shown, user
from .names import SECOND_WORD, Kind, is_random
from .shapes import AUTHORIZATION, TOKEN, shape_at, shaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .escapes import Expanded
    from .names import Names
    from .pseudonyms import Needles

__all__ = ["find", "merged", "named_edits"]


# -- names with values ---------------------------------------------------------------------------------

_BEFORE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$-"
# The text between a name and its value: the closing quote of the name, and a separator.
_SEPARATOR = re.compile(
    r"(?P<closed>\]?\\{0,3}[\"'`]|\])?+"
    r"(?:[ \t\r\n]*+(?P<mark>[=:])>?[ \t\r\n]*+(?:\[[ \t\r\n]*+|\{[ \t\r\n]*+\"value\"[ \t]*+:[ \t]*+)?"
    r"(?P<quote>[\"'])"
    r"|[ \t]*+(?P<sign>[=:])>?[ \t]*+)"
)
_JSON_REST = {
    '"': re.compile(r'(?:[^"\\\r\n]++|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\r\n]++|\\.)*+", re.DOTALL),
}
# A value without quotes. One of a connection string ends at its semicolon, others at white space. A comma or
# bracket may be a part of it.
# A reference is the end of markup, or a character of the value that the text without escapes shows.
_OF_CONNECTION = re.compile(r"(?:[^\"'<>;&\r\n\0]++|&(?!(?:[a-z]{2,4}|#\d{1,7}|#[xX][\da-fA-F]{1,6});))*+")
_BARE = re.compile(
    r"(?:[^\s\"'<>&;#,)\]}\\\0/]|[,)\]}](?![\s,;)\]}\"'<]|[\w.-]{1,60}=|\Z)|/(?!>)|\\(?=[\w])(?![rntu]))++"
)
_BLANKS = re.compile(r"[ \t]*+")
_OF_LINE = re.compile(r"[^\r\n]*+")
_OF_FIELD = re.compile(r"[^\r\n]*+(?:\r?\n[ \t]++[^\r\n]*+)*+")
_OF_FIELD_IN_MARKUP = re.compile(r"[^\r\n<]*+(?:\r?\n[ \t]++[^\r\n<]*+)*+")
_OF_ITEM = re.compile(r"\[?[\"']?(?P<value>[^\r\n,}\]\"']*+)")
# The text before a name at the beginning of a line, as curl and logs of it write it.
_LINE_BEGUN = re.compile(r"(?:\A\ufeff?|(?<=[\r\n]))(?:[<>*] )?[ \t]*\Z")
_ATTRIBUTE_BEGUN = re.compile(r"(?i)\b(?:n|name|key|id|type|property|field)\s*=\s*[\"']?\Z")
_VALUE_IN_TAG = re.compile(r"(?i)\b(?:v|value|content)\s*=\s*(?:\"([^\"<]*+)|'([^'<]*+)|([^\s\"'<>]++))")
_VALUE_AFTER_TAG = re.compile(
    r"[^<>]{0,300}>\s*+(?:<(?:\w{1,30}:)?value(?:\s[^<>]{0,100})?>)?([^<]++)</", re.IGNORECASE
)
_VALUE_OF_PAIR = re.compile(
    r"</(?:(?!</?(?:\w{1,30}:)?(?:row|property|parameter)[\s>]).){0,1500}?<(?:\w{1,30}:)?(?:property|default)?value(?:\s[^<>]{0,100})?>([^<]*+)<",
    re.IGNORECASE | re.DOTALL,
)
_PAIR_AFTER = re.compile(
    r"[\"'],[ \t\r\n]*+(?:[\"'][vV]alue[\"'][ \t\r\n]*+:[ \t\r\n]*+)?"
    r"(?:\"((?:[^\"\\\r\n]++|\\.)*+)\"|'([^'\r\n]*+)')(?=[ \t\r\n]*+[,)\]}])"
)
_PAIR_BEFORE = re.compile(
    r"value[\"'][ \t\r\n]*+:[ \t\r\n]*+[\"']([^\"'\r\n\\]*+)[\"'],[ \t\r\n]*+"
    r"[\"'](?:name|key)[\"'][ \t\r\n]*+:[ \t\r\n]*+[\"']"
)
_VALUE_BEFORE_PAIR = re.compile(
    r"<(?:\w{1,30}:)?(?:property|default)?value(?:\s[^<>]{0,100})?>([^<]++)</[^<>]{1,60}>\s*+<[^<>]{1,100}>\Z",
    re.IGNORECASE,
)
# A value after a name and one blank: where a value was removed two are left, and the next word is none.
_SAID = re.compile(
    r"[ \t](?P<verb>is[ \t])?+(?:\"(?P<double>[^\"<>\r\n]++)\"|'(?P<single>[^'<>\r\n]++)'"
    r"|(?P<bare>[^\s\"'<>&;,.)=-](?:[^\s\"'<>&;,.)]|[,.)](?=[^\s\"'<>&;]))*+))"
)
# An id that prose names, after the word session or before it.
_ID_AFTER = re.compile(
    r"session[ _-]?id[ \t]*+[:=]?[ \t]*+[\"']?(?P<id>(?=[^\s\"'<>]{0,64}\d)[\w{}.-]{8,256}+)", re.IGNORECASE
)
_ID_BEFORE = re.compile(r".*[\"'](?P<id>(?=[^\"'<>]*\d)[\w{}.-]{8,64})[\"'] \Z", re.DOTALL)
# Characters around a name that are read.
_NEAR_TAG = 1_000
_LONGEST_NAME = 100


def find(
    text: str,
    names: Names | None,
    needles: tuple[Needles, ...],
    *,
    head: bool = False,
    begins: bool = False,
    depth: int = DEPTH,
) -> list[Edit]:
    """Return the secrets in a text: in any order, and they may overlap.

    Secrets are found by what stands around them and by their shapes, and known ids by the `needles`. The
    text between tags is searched again with its escapes replaced, up to `depth` times. `head`: it is the
    head of an HTTP message. `begins`: a message begins with it, maybe in the middle of a secret.
    """
    found: list[Edit] = []
    lower = fold(text)
    if begins:
        for each in needles:
            found += _found(text, each, each.find_rest(lower[:_LONGEST_REST]))
    if names is not None:
        found += _Named(text, lower, names, head=head, begins=begins).edits()
        found += [
            Edit(start, _in_markup(text, start, end), ChangeKind.CREDENTIAL, what)
            for start, end, what in shaped(text, lower)
        ]
    for each in needles:
        found += _found(text, each, each.find(lower))
        found += _found(text, each, each.find_quoted(lower))
    if begins:
        found += rest_of_markup(text)
    if depth:
        views = [(0, without_nuls(text))] if "\0" in text else []
        for start, expanded in (*views, *_escaped(text, names, needles)):
            first = begins and not start
            for edit in find(expanded.text, names, needles, head=head, begins=first, depth=depth - 1):
                place, end = expanded.span(edit.start, edit.end)
                found.append(edit._replace(start=place, end=end))
    return found


def _escaped(text: str, names: Names | None, needles: tuple[Needles, ...]) -> Iterator[tuple[int, Expanded]]:
    """Yield the texts between tags with escapes that may hide secrets, and where each begins."""
    found = pieces(text)
    # Most of them, such as "a &amp; b" in a rowset, contain no secret: many are tested at a time.
    for first in range(0, len(found), _BATCH):
        batch = found[first : first + _BATCH]
        plain = unescaped("\n".join(text[start:end] for start, end in batch))
        lower = fold(plain)
        if (
            is_escaped(plain)
            or (names is not None and (next(names.hits(lower), None) or next(shaped(plain, lower), None)))
            or any(each.may_occur(lower) for each in needles)
        ):
            for start, end in batch:
                yield start, expand(text, start, end)


_BATCH = 64


class _Named:
    """The search of one text for names, and for the values after them."""

    def __init__(self, text: str, lower: str, names: Names, *, head: bool, begins: bool) -> None:
        self._text, self._lower, self._names, self._head = text, lower, names, head
        self._begins = begins
        # The names of elements with secrets, in lower case.
        self._elements: set[str] = set()
        self._has_ids = False
        # Where the last values end: another name within one of them is not searched to the same end again,
        # which would take quadratic time.
        self._field_end = self._bare_end = self._connection_end = self._hidden_end = 0

    def edits(self) -> Iterator[Edit]:
        """Yield the secrets that names tell."""
        text, done = self._text, 0
        for hit in self._names.hits(self._lower):
            shape = shape_at(text, self._lower, hit.start())
            if shape is not None:
                yield Edit(shape[0], _in_markup(text, *shape[:2]), ChangeKind.CREDENTIAL, shape[2])
            if self._lower.startswith("session", hit.start()):
                yield from self._in_prose(hit.start())
            if hit.start() < done:
                continue
            start, end = self._whole(*hit.span())
            done = max(end, done)
            kind = self._names.kind(text[start:end])
            if kind is not None:
                yield from self._values(kind, start, end)
        if self._elements:
            yield from elements(
                text,
                frozenset(self._elements),
                self._names,
                begins=self._begins and DOCUMENT.match(text) is None,
            )
        if self._has_ids:
            yield from id_elements(text)

    def _in_prose(self, start: int) -> Iterator[Edit]:
        """Yield the id that stands beside the word session."""
        text = self._text
        match = _ID_AFTER.match(text, start)
        if match is None and start > 1 and text[start - 2 : start] in ("' ", '" '):
            match = _ID_BEFORE.match(text, max(0, start - _LONGEST_NAME), start)
        if match is not None and is_random(match["id"].strip("{}"), 8):
            place, end = match.start("id"), _in_markup(text, *match.span("id"))
            yield from identifier(text, place, end, text[place:end])

    def _whole(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end of the name around a part of it."""
        text = self._text
        before = text[max(0, start - _LONGEST_NAME) : start]
        start -= len(before) - len(before.rstrip(_BEFORE))
        # "User ID" and "Shared Access Key" are names in connection strings.
        if text[end : end + 1] == " " and (more := SECOND_WORD.match(self._lower, end)) is not None:
            end = more.end()
        while end > start and text[end - 1] in ".$-":
            end -= 1
        return start, end

    def _values(self, kind: Kind, start: int, end: int) -> Iterator[Edit]:
        """Yield the secrets after a name."""
        text = self._text
        before = text[start - 1] if start else ""
        if before in "</:" and before and self._is_tag(start):
            if kind is Kind.ID:
                self._has_ids = True
            else:
                self._elements.add(text[start:end].lower())
            return
        if kind is Kind.ELEMENT:
            return
        if before == ">" and text.startswith("</", end):
            beside = _VALUE_OF_PAIR.match(text, end)
            if beside is None:
                beside = _VALUE_BEFORE_PAIR.search(text, max(0, start - _NEAR_TAG), start)
            yield from self._of_match(kind, start, end, beside)
            return
        scheme = TOKEN.match(text, end) if text[end - 5 : end].lower() == "token" else None
        if scheme is not None:
            place, last = scheme.span("secret")
            yield Edit(place, _in_markup(text, place, last), ChangeKind.CREDENTIAL, "a token")
        match = _SEPARATOR.match(text, end)
        if match is not None:
            yield from self._assigned(kind, start, end, match)
        elif before and before in "\"'" and text.startswith(before, end):
            yield from self._in_tag(kind, start, end)
            yield from self._in_pair(kind, start, end)
        elif before == "=":
            yield from self._in_tag(kind, start, end)
        elif (said := _SAID.match(text, end)) is not None:
            option = text.startswith("--", start)
            value = said[said.lastindex or 0]
            told = said.lastgroup != "bare" or said["verb"]
            looks_secret = told and kind in _IN_PROSE and is_random(value, 8)
            if option or looks_secret:
                yield from self._of_match(kind, start, end, said)

    def _is_tag(self, start: int) -> bool:
        """Return whether a name is that of a tag."""
        text = self._text
        opened = text[max(0, start - _LONGEST_NAME) : start].rstrip(_BEFORE + ":").rstrip("/")
        return opened.endswith("<")

    def _in_tag(self, kind: Kind, start: int, end: int) -> Iterator[Edit]:
        """Yield the value beside an attribute that has the name: name="Password" value="x"."""
        text = self._text
        first = max(0, start - _NEAR_TAG)
        if not _ATTRIBUTE_BEGUN.search(text, max(first, start - 20), start):
            return
        opened, closed = text.rfind("<", first, start), text.find(">", end, end + _NEAR_TAG)
        if opened < 0 or closed < 0:
            return
        match = _VALUE_IN_TAG.search(text, opened, closed)
        yield from self._of_match(kind, start, end, match or _VALUE_AFTER_TAG.match(text, end))

    def _in_pair(self, kind: Kind, start: int, end: int) -> Iterator[Edit]:
        """Yield the value beside a name: "Password", "x"; "name": "Password", "value": "x"."""
        text = self._text
        after = _PAIR_AFTER.match(text, end)
        if after is None:
            first = max(0, start - _NEAR_TAG)
            last = text.rfind("value", first, start)
            after = None if last < 0 else _PAIR_BEFORE.match(text, last, start)
            after = after if after is not None and after.end() == start else None
        yield from self._of_match(kind, start, end, after)

    def _of_match(self, kind: Kind, start: int, end: int, match: re.Match[str] | None) -> Iterator[Edit]:
        if match is not None:
            place, last = match.span(match.lastindex or 0)
            last = _in_markup(self._text, place, last) if match.lastgroup == "bare" else last
            yield from self._edit(kind, self._text[start:end], place, last, parameter=True)

    def _assigned(self, kind: Kind, start: int, end: int, match: re.Match[str]) -> Iterator[Edit]:
        """Yield the value after a separator."""
        text, place = self._text, match.end()
        name = text[start:end]
        mark = match["mark"] or match["sign"]
        line = not match["closed"] and mark == ":" and self._begins_line(start)
        is_field = kind in _OF_FIELDS
        if line and (is_field or self._head or match["quote"] is None):
            if start < self._field_end:
                return
            pattern = _OF_FIELD if self._head else _OF_FIELD_IN_MARKUP
            first = text.index(":", end) + 1
            found = pattern.match(text, first)
            last = first if found is None else found.end()
            self._field_end = last
            first = _BLANKS.match(text, first, last).end()  # type: ignore[union-attr]
            if not self._head and not is_field:
                other = _NEXT_FIELD.match(text, first, last) or _OTHER_FIELD.search(text, first, last)
                last = last if other is None else other.start()
            yield from self._field(name, first, last if self._head else _in_markup(text, first, last))
            return
        opening = text[start - 1] if start else ""
        if not match["closed"] and mark == ":" and opening and opening in "\"'":
            # A field in quotes, as in -H 'Authorization: x'.
            place = _BLANKS.match(text, text.index(":", end) + 1).end()  # type: ignore[union-attr]
            last = _OF_LINE.match(text, place).end()  # type: ignore[union-attr]
            closed = text.find(opening, place, last)
            yield from self._field(name, place, last if closed < 0 else closed)
            return
        if match["closed"] and text[place : place + 1] in ("{", "["):
            # An object or array of JSON: its members have names of their own.
            return
        if match["quote"]:
            if self._is_closing(start, place, match["quote"]):
                return
            multi = not self._head and (
                mark == ":"
                or text.rfind("<", max(0, start - _NEAR_TAG), start)
                > text.rfind(">", max(0, start - _NEAR_TAG), start)
            )
            if "\n" in match[0] and not (multi or match["closed"]):
                return
            stop = self._quoted(place, match["quote"], is_json=mark == ":", lines=multi)
            is_attribute = mark == "="
            yield from self._edit(
                kind, name, place, stop, parameter=self._is_parameter(start), quoted=is_attribute
            )
            return
        if is_field:
            yield from self._field_in_line(name, place, mark)
            return
        if mark == ":" and not (kind in _IN_PROSE and _LIKE_SECRET.match(text, place)):
            # Prose has colons, too.
            return
        blanks = (text[match.start("sign") - 1] in " \t", text[place - 1] in " \t")
        of_connection = text[max(0, start - 40) : start].rstrip(" \t").endswith(";")
        if mark == "=" and blanks == (False, True) and not of_connection:
            # The value is empty, and a request line or another word goes on.
            return
        yield from self._bare(kind, name, start, place)

    def _is_closing(self, start: int, place: int, quote: str) -> bool:
        """Return whether the quote before a value closes the string with the name: "Password="; x."""
        text = self._text
        if text[place : place + 1] not in _AFTER_QUOTE:
            return False
        first = max(text.rfind(mark, max(0, start - _NEAR_TAG), start) for mark in "<>\n") + 1
        return text.count(quote, max(first, start - _NEAR_TAG), start) % 2 == 1

    def _bare(self, kind: Kind, name: str, start: int, place: int) -> Iterator[Edit]:
        """Yield a value without quotes."""
        text = self._text
        if place < self._hidden_end - _LONGEST_NAME:
            return
        if place >= self._bare_end:
            stop = _BARE.match(text, place)
            self._bare_end = place if stop is None else stop.end()
        end = self._bare_end
        if kind is not Kind.ID:
            around = text[max(0, start - 40) : start].rstrip(" \t")
            if place >= self._connection_end:
                stop = _OF_CONNECTION.match(text, place)
                self._connection_end = place if stop is None else stop.end()
            last = self._connection_end
            is_last = around.endswith(";")
            if (text.startswith(";", last) and not around.endswith(("?", "&"))) or is_last:
                value = text[place:last]
                other = _OTHER.search(value)
                last = last if other is None else place + other.start()
                end = max(end, place + len(text[place:last].rstrip(" \t")))
        end = _in_markup(text, place, end)
        for edit in self._edit(kind, name, place, end, parameter=self._is_parameter(start)):
            self._hidden_end = max(self._hidden_end, edit.end)
            yield edit

    def _is_parameter(self, start: int) -> bool:
        """Return whether a name is that of a parameter of a URL, or of a form."""
        return not start or self._text[start - 1] in "?&#;"

    def _begins_line(self, start: int) -> bool:
        return _LINE_BEGUN.search(self._text, max(0, start - 40), start) is not None

    def _quoted(self, start: int, quote: str, *, is_json: bool, lines: bool) -> int:
        """Return where a value ends: at its quote, or where a line or a tag ends if that has none."""
        text = self._text
        if is_json:
            match = _JSON_REST[quote].match(text, start)
            return start if match is None else match.end()
        end = text.find(quote, start)
        while (
            end > start and text[end + 1 : end + 2] == quote and text[end + 2 : end + 3] not in _AFTER_VALUE
        ):
            # A doubled quote stands for one.
            end = text.find(quote, end + 2)
        end = len(text) if end < 0 else end
        tag = _TAG.search(text, start, end)
        if tag is not None:
            end = tag.start()
        if not lines or (tag is None and "<" in text[start:end]):
            match = _OF_LINE.match(text, start, end)
            end = end if match is None else match.end()
        return end

    def _field(self, name: str, start: int, end: int) -> Iterator[Edit]:
        """Yield the secrets in the value of a header field."""
        for edit in named_edits(name, self._text[start:end], self._names) or ():
            yield edit.moved(start)

    def _field_in_line(self, name: str, start: int, mark: str) -> Iterator[Edit]:
        """Yield the secrets in a header field within a line of a log."""
        text = self._text
        pattern = _OF_ITEM if mark == "=" else AUTHORIZATION if "auth" in name.lower() else _OF_COOKIES
        match = pattern.match(text, start)
        if match is not None:
            first, last = match.span("value" if mark == "=" else 0)
            yield from self._field(name, first, _in_markup(text, first, last))

    def _edit(
        self, kind: Kind, name: str, start: int, end: int, *, parameter: bool, quoted: bool = False
    ) -> Iterator[Edit]:
        """Yield the edit for a value."""
        text = self._text
        if kind is Kind.ID:
            value = text[start:end]
            yield from identifier(text, start, end, resolved(value) if quoted else whole(value))
        elif kind is Kind.USER:
            yield from user(text, start, end)
        elif self._names.is_secret(kind, text[start:end], parameter=parameter):
            yield Edit(start, end, ChangeKind.CREDENTIAL, shown(name))


def _in_markup(text: str, start: int, end: int) -> int:
    """Return where a value without quotes ends if a comment, a section or an instruction ends before."""
    match = _ENDS.search(text, start, end + 1)
    return end if match is None else min(end, match.start())


_ENDS = re.compile(r"(?:--|\]\]|\?)>")
# The text that may follow a closing quote in a connection string, JSON or markup.
_AFTER_QUOTE = frozenset(["", " ", "\t", "\r", "\n", ";", ",", "}", "]", ")", ">", "<", "/"])
# A value after a colon that is no word of prose.
_LIKE_SECRET = re.compile(r"(?=[^\s,;<>\"']*[^A-Za-z\s,;.<>\"'])[^\s,;<>\"']{4}")
# Another key of a connection string, or the version in a request line, within what looks like a value.
_OTHER = re.compile(r" [\w.]+ ?=| HTTP/\d")
# Another name in a line of a log; and one at once, where the value has been removed.
_NEXT_FIELD = re.compile(r"(?:[,;][ \t]|(?<=[ \t]{2}))[\w.-]{1,60}[=:]")
_OTHER_FIELD = re.compile(r"(?<=[^\s:])[,;]?[ \t][\w.-]{1,60}[=:]")
# The end of a tag, and the next one: a value does not contain it.
_TAG = re.compile(r"[\s/]*>(?=[^<>\"']*<)")
_AFTER_VALUE = frozenset(["", " ", "\t", "\r", "\n", "/", ">", "?", ",", ";", ")", "]", "}"])
_OF_COOKIES = re.compile(r"[^\r\n\"'<>]*+")


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


_OF_FIELDS = (Kind.FIELD, Kind.CHALLENGE, Kind.ITEMS)
# Kinds of names whose values may follow a colon in prose.
_IN_PROSE = (Kind.SECRET, Kind.KEY, Kind.LOOSE)
_PARTS = {
    # RFC 9110 section 11.6.1 with a token: the answer of a server within a handshake.
    Kind.CHALLENGE: re.compile(r"(?i)(?:negotiate|ntlm|kerberos)\s+([^\s,<]+)"),
    Kind.ITEMS: re.compile(r"([^\s,<]+)"),
}
# The whole value of a header field.
_ALL = re.compile(r"\S(?:.*\S)?", re.DOTALL)


def named_edits(name: str, value: str, names: Names, *, parameter: bool = False) -> list[Edit] | None:
    """Return the secrets in a value if its name says what is secret; None if any value may follow the name.

    The name is the name of a header field, a cookie, a parameter or a member.
    """
    name = name.strip()
    kind = names.kind(name)
    if kind is None or kind is Kind.ELEMENT:
        return None
    if kind is Kind.ID:
        return list(identifier(value, 0, len(value), whole(value)))
    if kind is Kind.USER:
        return list(user(value, 0, len(value)))
    if kind in _PARTS:
        parts = (match.span(1) for match in _PARTS[kind].finditer(value))
        return [
            Edit(*part, ChangeKind.HEADER_FIELD, shown(name))
            for part in parts
            if kind is Kind.CHALLENGE or is_random(value[slice(*part)])
        ]
    match = _ALL.search(value)
    if match is None:
        return []
    if kind is Kind.FIELD or (name.lower() in KNOWN and "-" in name):
        return [Edit(*match.span(), ChangeKind.HEADER_FIELD, shown(name))]
    is_secret = names.is_secret(kind, match[0], parameter=parameter)
    return [Edit(*match.span(), ChangeKind.CREDENTIAL, shown(name))] if is_secret else None


def _found(text: str, needles: Needles, places: Iterable[tuple[int, int, str]]) -> Iterator[Edit]:
    """Yield the edits for known ids in a text."""
    for start, end, needle in places:
        yield Edit(start, end, ChangeKind(needles.kind), "", characters(text[start:end]), needle)


# Characters at the beginning of a text that may be the rest of an id.
_LONGEST_REST = 8_192
