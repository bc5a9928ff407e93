"""Knows the session ids of captures, their pseudonyms, and how to find the ids in a text."""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.session_headers import SESSION_BLOCKS
from xmla_headers.soap import XMLNS_NS, XSI_NS, SoapVersion

from .escapes import fold, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Coded", "Needles", "Table"]

# Ids of this many characters are searched for everywhere; shorter ones occur by chance.
_LEAST = 6
# The same for ids of digits only, because Content-Length and the cells of a rowset are numbers.
_LEAST_DIGITS = 10
# This many characters of an id are searched for, and the following ones compared. The sender chooses the
# lengths of the id and of the text, and a longer search would take the product of both.
_MOST = 256

_PSEUDONYM = r"(?i:{})-[1-9][0-9]{{0,17}}(?:\.[1-9][0-9]{{0,17}})?"

# Words that messages contain anyway: an id that is a part of them cannot be distinguished from them.
_VOCABULARY = fold(
    " ".join(
        [
            *(version.namespace for version in SoapVersion),
            *(version.actor_name for version in SoapVersion),
            *(block.spec.namespace for block in SESSION_BLOCKS.values()),
            *(block.spec.local_name for block in SESSION_BLOCKS.values()),
            *(name for block in SESSION_BLOCKS.values() for name in block.spec.by_name),
            XMLNS_NS,
            XSI_NS,
            "Envelope Header Body Fault faultcode faultstring faultactor detail mustUnderstand encodingStyle",
            "Security SspiHandshake SessionToken Password session- X-AS-SessionID SOAPAction HTTP/1.1",
            "Content-Length Content-Type Content-Encoding Transfer-Encoding text/xml charset=utf-8 POST Host",
            "Authorization Proxy-Authorization Cookie Set-Cookie identity chunked gzip deflate",
            "request response headers cookies content postData base64 encoding mimeType entries",
            "xsd:string xsd:boolean xsd:unsignedInt xsd:dateTime xsd:integer xsd:double uuid undefined",
            "Discover Execute DiscoverResponse ExecuteResponse version standalone",
        ]
    )
)


class Table:
    """Session ids with their pseudonyms: `session-1`, `session-2` and so on, in the order of appearance.

    Ids are compared exactly, as servers compare them. Ids that differ in letter case alone become
    `session-1` and `Session-1`, because that difference may be the bug that is reported. An id that looks
    like a pseudonym is one, from an earlier redaction, and stays.
    """

    __slots__ = (
        "_groups",
        "_needles",
        "_number",
        "_pseudonym",
        "_pseudonyms",
        "_taken",
        "_waiting",
        "kind",
        "known",
        "word",
    )

    def __init__(self, word: str = "session", kind: str = "session-id") -> None:
        self.word, self.kind = word, kind
        self._pseudonym = re.compile(_PSEUDONYM.format(word))
        self._pseudonyms: dict[str, str] = {}
        # Ids without a pseudonym, in the order of appearance.
        self._waiting: dict[str, None] = {}
        # Folded id -> the pseudonym of its first spelling, and the number of its spellings.
        self._groups: dict[str, tuple[str, int]] = {}
        self._taken: set[str] = set()
        self._number = 0
        self.known = 0
        self._needles: Needles | None = None

    def __len__(self) -> int:
        """Return the number of ids that are hidden."""
        self._settle()
        return sum(identifier != pseudonym for identifier, pseudonym in self._pseudonyms.items())

    def __iter__(self) -> Iterator[str]:
        """Yield the ids in the order of their appearance."""
        yield from (*self._pseudonyms, *self._waiting)

    def add(self, identifier: str) -> None:
        """Note an id."""
        if identifier not in self._pseudonyms and identifier not in self._waiting:
            self._waiting[identifier] = None
            # A pseudonym of an earlier redaction is no news.
            self.known += self._pseudonym.fullmatch(identifier) is None

    def pseudonym(self, identifier: str) -> str:
        """Return the pseudonym of an id, and note the id."""
        self.add(identifier)
        self._settle()
        return self._pseudonyms[identifier]

    def spelled(self, text: str, folded: str) -> str:
        """Return the pseudonym for an occurrence of a folded id, by its spelling if that is known."""
        known = self._pseudonyms.get(text)
        return self._groups[folded][0] if known is None else known

    def needles(self) -> Needles:
        """Return the ids to search for."""
        self._settle()
        if self._needles is None:
            needles: dict[str, str] = {}
            coded: dict[int, str] = {}
            begun: dict[str, tuple[int, ...]] = {}
            # Nearly all spellings have one of a few lengths: each tuple is kept once.
            known: dict[tuple[int, ...], tuple[int, ...]] = {}
            for identifier in self._pseudonyms:
                folded = fold(identifier)
                # A pseudonym from an earlier redaction is not a secret.
                if folded and self._groups[folded] != (identifier, 1):
                    needles[folded] = folded
                    needles.setdefault(fold(whole(identifier)), folded)
                    for each in map(fold, _coded(identifier)):
                        coded[hash(each)] = folded
                        lengths = begun.get(each[:_LEAST], ())
                        if len(each) not in lengths:
                            lengths = (*lengths, len(each))
                            begun[each[:_LEAST]] = known.setdefault(lengths, lengths)
            self._needles = Needles(needles, Coded(coded, begun), self.kind)
        return self._needles

    def _settle(self) -> None:
        """Give a pseudonym to each id without one."""
        if not self._waiting:
            return
        self._needles = None
        # Ids that are pseudonyms come first, so that no other id gets one of these.
        for identifier in [each for each in self._waiting if self._pseudonym.fullmatch(each)]:
            del self._waiting[identifier]
            self._enter(identifier, identifier)
        for identifier in self._waiting:
            first, spellings = self._groups.get(fold(identifier), ("", 0))
            if spellings:
                while _variant(first, spellings) in self._taken:
                    spellings += 1
                self._enter(identifier, _variant(first, spellings), spellings)
                continue
            self._number += 1
            while f"{self.word}-{self._number}" in self._taken:
                self._number += 1
            self._enter(identifier, f"{self.word}-{self._number}")
        self._waiting.clear()

    def _enter(self, identifier: str, pseudonym: str, spellings: int = 0) -> None:
        """Store an id with its pseudonym."""
        folded = fold(identifier)
        first = self._groups[folded][0] if folded in self._groups else pseudonym
        self._groups[folded] = (first, max(spellings, self._groups.get(folded, ("", 0))[1]) + 1)
        self._pseudonyms[identifier] = pseudonym
        self._taken.add(pseudonym)


def _variant(pseudonym: str, number: int) -> str:
    """Return a spelling of a pseudonym that differs in letter case alone, as the id does; the first is 0."""
    word, dash, digits = pseudonym.partition("-")
    if number >> len(word):
        return f"{pseudonym}.{number}"
    return "".join(c.upper() if number >> at & 1 else c for at, c in enumerate(word)) + dash + digits


_GUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def _coded(identifier: str) -> Iterator[str]:
    """Yield an id in base64 and hexadecimal; a GUID also without dashes, and as its 16 bytes."""
    texts = [identifier]
    if _GUID.fullmatch(identifier):
        plain = identifier.replace("-", "")
        dashed = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
        # Dashed or not, in small or capital letters.
        texts = [each for form in (plain, dashed) for each in (form.lower(), form.upper())]
        yield from texts
        data = bytes.fromhex(plain)
        # Windows writes the first three numbers with their lowest byte first.
        for packed in (data, data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:]):
            yield packed.hex()
            yield from _base64(packed)
    for text in texts:
        if len(text) >= _LEAST_CODED:
            for encoding in ("utf-8", "utf-16-le"):
                packed = text.encode(encoding, "surrogatepass")[:_MOST]
                yield packed.hex()
                yield from _base64(packed)


# A GUID from its first dash on, which is found much faster than a digit.
_FORM = re.compile(r"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BEFORE_FORM, _LONGEST_FORM = 8, 36
_HEX = re.compile(r"(?=[0-9a-f]{6})")
# Characters of an id that is searched for in base64, and of the runs in which that is done.
_LEAST_CODED = 8
_MOST_RUNS = 10_000
_OF_RUNS = b"0123456789abcdefghijklmnopqrstuvwxyz+/-_"
_MARKED = bytes(ord("a") if code in _OF_RUNS else ord(" ") for code in range(256))
_LONG_RUN = b"a" * 16


def _runs(folded: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each long run of letters of base64."""
    # A search for a long string skips most of a text.
    marked = folded.encode("ascii", "replace").translate(_MARKED)
    start = marked.find(_LONG_RUN)
    while start >= 0:
        end = marked.find(b" ", start)
        end = len(marked) if end < 0 else end
        yield start, end
        start = marked.find(_LONG_RUN, end)


def _base64(packed: bytes) -> Iterator[str]:
    """Yield the letters that base64 has for bytes alone, wherever they begin in the coded text."""
    for before in range(3):
        coded = b64encode(b"\0" * before + packed).decode("ascii")
        # The first and last letters depend on the bytes around.
        coded = coded[(0, 2, 3)[before] :].rstrip("=")
        coded = coded if (before + len(packed)) % 3 == 0 else coded[:-1]
        yield coded
        yield coded.translate(_FOR_URLS)


_FOR_URLS = str.maketrans("+/", "-_")


class Coded(NamedTuple):
    """Folded ids in hexadecimal and base64. An id has about forty spellings, so these are not kept."""

    ids: Mapping[int, str]
    """The hash of a spelling -> the folded id."""
    lengths: Mapping[str, Sequence[int]]
    """The first characters of a spelling -> the lengths of those that begin so."""


class Needles:
    """Folded ids to find in folded texts: one search finds all of them."""

    def __init__(self, needles: Mapping[str, str], coded: Coded, kind: str) -> None:
        """Take the texts to search for, each with the folded id that it is a spelling of.

        `coded` are those that stand in long runs of letters and digits only.
        """
        self._needles, self._coded, self.kind = needles, coded, kind
        self._plain_runs: set[str] = set()
        self._short = {needle for needle in needles if _is_common(needle)}
        long = sorted(needle for needle in needles if needle not in self._short)
        self._sorted = long
        # No folded text contains a line break.
        self._lines = "\n".join(["", *long, ""])
        # The first characters of needles -> the lengths of these needles, longest first.
        self._lengths: dict[str, list[int]] = {}
        # The first `_MOST` characters of longer needles -> these needles.
        self._cut: dict[str, list[str]] = {}
        self._whole = set(long)
        # GUIDs are found by their form: their first characters are those of many words.
        self._guids = {needle for needle in long if _GUID.fullmatch(needle) and "-" in needle}
        for needle in long:
            if needle in self._guids:
                continue
            length = min(len(needle), _MOST)
            lengths = self._lengths.setdefault(needle[:_LEAST], [])
            if length not in lengths:
                lengths.append(length)
            if len(needle) > _MOST:
                self._cut.setdefault(needle[:_MOST], []).append(needle)
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)
        self._start = _any_of(self._lengths)

    def find(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Yield start and end of each long id in a text, and the folded id."""
        if self._guids:
            for match in _FORM.finditer(folded):
                start = max(0, match.start() - _BEFORE_FORM)
                needle = folded[start : match.end()]
                if needle in self._guids:
                    yield start, match.end(), self._needles[needle]
            yield from self._cut_off(_HEX, folded, 0)
        done = 0
        if self._start is not None:
            for match in self._start.finditer(folded):
                start = match.start()
                if start < done:
                    continue
                for length in self._lengths.get(folded[start : start + _LEAST], ()):
                    piece = folded[start : start + length]
                    needle, end = piece, start + len(piece)
                    if piece in self._cut:
                        needle, end = self._longest(folded, start, piece)
                    elif piece not in self._whole:
                        continue
                    yield start, end, self._needles[needle]
                    done = end
                    break
            yield from self._cut_off(self._start, folded, done)
        if self._coded.ids:
            for start, end in _runs(folded):
                run = folded[start:end]
                if end - start == _LONGEST_FORM and _FORM.match(run, _BEFORE_FORM):
                    # Nothing is coded in a GUID, of which a rowset may have very many.
                    if hash(run) in self._coded.ids:
                        yield start, end, self._coded.ids[hash(run)]
                elif run not in self._plain_runs:
                    found = list(self._coded_in(folded, start, end))
                    yield from found
                    # Long words, such as the names of columns, occur very often.
                    if not found and len(self._plain_runs) < _MOST_RUNS:
                        self._plain_runs.add(run)

    def _coded_in(self, folded: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield the coded ids in a run."""
        ids, lengths = self._coded
        while start < end - _LEAST:
            for length in lengths.get(folded[start : start + _LEAST], ()):
                spelling = folded[start : start + length]
                identifier = ids.get(hash(spelling))
                if identifier is not None:
                    yield start, start + len(spelling), identifier
                    start += len(spelling) - 1
                    break
            start += 1

    def may_occur(self, folded: str) -> bool:
        """Return whether a long id may occur in a text, or begin in it."""
        plain = self._start is not None and self._start.search(folded) is not None
        plain = plain or (bool(self._short) and "session" in folded)
        plain = plain or (bool(self._guids) and _HEX.search(folded) is not None)
        return plain or (bool(self._coded.ids) and next(_runs(folded), None) is not None)

    def _longest(self, folded: str, start: int, piece: str) -> tuple[str, int]:
        """Return the id that begins with a piece and matches most of the text after it, and its end."""
        best, end = "", start + len(piece)
        for needle in self._cut[piece][:8]:
            stop = start + len(piece)
            limit = min(len(folded), start + len(needle))
            # The compared text is replaced, so this takes linear time.
            while stop < limit and folded[stop] == needle[stop - start]:
                stop += 1
            if not best or stop > end:
                best, end = needle, stop
        return best, end

    def _cut_off(self, begins: re.Pattern[str], folded: str, done: int) -> Iterator[tuple[int, int, str]]:
        """Yield the beginning of an id at the end of a text that is cut off."""
        size = len(folded)
        for match in begins.finditer(folded, max(done, size - _MOST)):
            start = match.start()
            rest = folded[start:]
            if rest[:_LEAST] in self._lengths or begins is _HEX:
                place = bisect_left(self._sorted, rest)
                if place < len(self._sorted) and self._sorted[place].startswith(rest):
                    yield start, size, self._needles[self._sorted[place]]
                    return

    def find_rest(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Yield the rest of a long id with which a text begins, if it is as long as a long id has to be."""
        best, start = "", self._lines.find(folded[:_LEAST]) if len(folded) >= _LEAST else -1
        for _ in range(_MOST_TRIES):
            if start < 0:
                break
            rest = self._lines[start : self._lines.index("\n", start)]
            if len(rest) > len(best) and folded.startswith(rest) and not _is_common(rest):
                best, place = rest, start
            start = self._lines.find(folded[:_LEAST], start + 1)
        if best:
            needle = self._lines[self._lines.rindex("\n", 0, place + 1) + 1 : place + len(best)]
            yield 0, len(best), self._needles[needle]

    def find_quoted(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Yield the short ids between quotes near the word session, as faults write them."""
        if not self._short:
            return
        for match in _QUOTED.finditer(folded):
            if match[0] in self._short:
                start, end = match.span()
                around = folded[max(0, start - _NEAR) : end + _NEAR]
                if folded[start - 2 : start - 1] != "=" and "session" in around:
                    yield start, end, self._needles[match[0]]


def _is_common(needle: str) -> bool:
    """Return whether an id would be found by chance."""
    least = _LEAST_DIGITS if needle.isdecimal() else _LEAST
    return len(needle) < least or needle in _VOCABULARY


# Occurrences of the first characters of a text in ids that are compared with it.
_MOST_TRIES = 64
_QUOTED = re.compile(r"""(?<=['"])[^'"<>]{1,64}(?=['"])""")
_NEAR = 60


def _any_of(prefixes: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that matches where a prefix may begin: one class of characters for each index."""
    columns = [sorted(set(column)) for column in zip(*prefixes, strict=True)]
    if not columns:
        return None
    classes = ["".join(map(re.escape, column)) for column in columns]
    return re.compile("(?=" + "".join(f"[{characters}]" for characters in classes) + ")", re.DOTALL)
