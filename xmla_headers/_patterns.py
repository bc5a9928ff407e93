"""Regular expressions of XML Schema (Part 2, appendix F), matched in a time linear in the text.

A pattern becomes the automaton of its positions (Glushkov). Its states are followed all at once, as the bits
of an int, so that nothing is ever tried twice: Python's `re` would need exponential time for some patterns.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ._xml.names import NAME_CHARACTERS, NAME_START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Pattern", "PatternError"]

# The most positions, with repetitions written out: the time for one character is proportional to them.
_MOST_POSITIONS = 256
# The deepest nesting of groups and classes, since the parser is recursive.
_DEEPEST = 32

_SINGLE = {"n": "\n", "r": "\r", "t": "\t", **{each: each for each in "\\|.?*+(){}-[]^"}}
_MULTIPLE = frozenset("sicdw")
_QUANTIFIER = re.compile(r"[?*+]|\{([0-9]{1,9})(?:(,)([0-9]{1,9})?)?\}")
_CATEGORY = re.compile(r"\{(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|Z[slp]?|S[mcko]?|C[cfon]?)\}")
_SPECIAL = frozenset(".\\?*+()|[]{}")
# Where an example of a class is looked for.
_USUAL = (*range(0x30, 0x7F), *range(0x20, 0x30), 0x9, 0xA, 0xD, *range(0xA0, 0x3000))

# Compiled when first needed: that takes milliseconds.
_FIRST_OF_A_NAME, _OF_A_NAME = f"[{NAME_START}:]", f"[{NAME_CHARACTERS}:]"


class PatternError(ValueError):
    """A text is no pattern, or one that is not supported; the message has the reason."""


class _Characters(NamedTuple):
    """A set of characters."""

    ranges: tuple[tuple[str, str], ...] = ()
    # Letter of an escape such as \d, or a category; and whether it stands for all other characters.
    classes: tuple[tuple[str, bool], ...] = ()
    negated: bool = False
    without: _Characters | None = None

    def has(self, character: str) -> bool:
        found = any(first <= character <= last for first, last in self.ranges) or any(
            _is_in(character, name) != others for name, others in self.classes
        )
        return found != self.negated and (self.without is None or not self.without.has(character))

    def example(self) -> str | None:
        """Return one of the characters, if one is found among the usual ones."""
        starts = (first for first, _ in self.ranges)
        return next((each for each in (*starts, *map(chr, _USUAL)) if self.has(each)), None)


def _is_in(character: str, name: str) -> bool:
    """Whether a character belongs to the class of an escape or to a Unicode category."""
    if name == "s":
        return character in " \t\n\r"
    if name == "i":
        return re.match(_FIRST_OF_A_NAME, character) is not None
    if name == "c":
        return re.match(_OF_A_NAME, character) is not None
    category = unicodedata.category(character)
    if name == "d":
        return category == "Nd"
    if name == "w":
        return category[0] not in "PZC"
    return category.startswith(name)


class _Several(NamedTuple):
    """Parts one after the other, or alternatives to each other."""

    parts: list[_Node]
    alternatives: bool = False


class _Repeated(NamedTuple):
    """A part that is repeated; `most` is None for any number of times."""

    part: _Node
    least: int
    most: int | None


_Node: TypeAlias = _Characters | _Several | _Repeated


class _Part(NamedTuple):
    """A part of the automaton: whether it matches nothing, and its first and last positions, as bits."""

    empty: bool
    first: int
    last: int


_NOTHING = _Part(empty=True, first=0, last=0)


class Pattern:
    """A compiled pattern.

    Args:
        text: The pattern. It matches a whole value, never a part of it.

    Raises:
        PatternError: `text` is no pattern, has more than 256 positions, or names a Unicode block.
    """

    __slots__ = ("_follow", "_positions", "_whole", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._positions: list[_Characters] = []
        # For each position the positions that may come after it.
        self._follow: list[int] = []
        self._whole = self._build(_Parser(text).parse())

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Pattern) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text,)

    def matches(self, text: str) -> bool:
        """Whether the pattern matches a whole text."""
        if not text:
            return self._whole.empty
        masks: dict[str, int] = {}
        steps: dict[tuple[int, str], int] = {}
        active = 0
        for index, character in enumerate(text):
            key = active, character
            found = steps.get(key) if index else None
            if found is None:
                mask = masks.get(character)
                if mask is None:
                    mask = masks[character] = self._mask(character)
                found = mask & (self._after(active) if index else self._whole.first)
                if index:
                    steps[key] = found
            if not found:
                return False
            active = found
        return bool(active & self._whole.last)

    def walk(self, pick: Callable[[Sequence[int]], int], least: int = 0) -> str | None:
        """Return a text that the pattern matches, or None if no text is found.

        `pick` chooses among positions; the first of them leads to the end fastest. The text ends as soon as
        it may if it has at least `least` characters and `pick` chooses -1.
        """
        examples = [characters.example() for characters in self._positions]
        distances = self._distances(examples)
        text = ""
        choices = self._whole.first
        ends = self._whole.empty
        while True:
            ways = sorted(
                (place for place in _bits(choices) if distances[place] is not None),
                key=lambda place: distances[place] or 0,
            )
            options = [-1, *ways] if ends and (len(text) >= least or not ways) else ways
            if not options:
                return None
            place = pick(options)
            if place < 0:
                return text
            text += examples[place] or ""
            choices, ends = self._follow[place], bool(self._whole.last >> place & 1)

    def _distances(self, examples: Sequence[str | None]) -> list[int | None]:
        """Return how far each position is from the end of a text; None for one that leads nowhere."""
        found: list[int | None] = [None] * len(examples)
        reached = [
            place
            for place in _bits(self._whole.last)
            if place < len(examples) and examples[place] is not None
        ]
        distance = 0
        while reached:
            for place in reached:
                found[place] = distance
            distance += 1
            ends = sum(1 << place for place in reached)
            reached = [
                place
                for place, follow in enumerate(self._follow)
                if found[place] is None and examples[place] is not None and follow & ends
            ]
        return found

    def _mask(self, character: str) -> int:
        """Return the positions that a character can be at."""
        known: dict[int, bool] = {}
        mask = 0
        for place, characters in enumerate(self._positions):
            # Repetitions share their characters.
            key = id(characters)
            if key not in known:
                known[key] = characters.has(character)
            if known[key]:
                mask |= 1 << place
        return mask

    def _after(self, active: int) -> int:
        """Return the positions that may come after one of some positions."""
        found = 0
        for place in _bits(active):
            found |= self._follow[place]
        return found

    # -- the automaton ----------------------------------------------------------------------------------

    def _build(self, node: _Node) -> _Part:
        if isinstance(node, _Characters):
            place = len(self._positions)
            if place == _MOST_POSITIONS:
                raise PatternError(f"it has more than {_MOST_POSITIONS} positions, repetitions written out")
            self._positions.append(node)
            self._follow.append(0)
            return _Part(empty=False, first=1 << place, last=1 << place)
        if isinstance(node, _Repeated):
            return self._repeat(node)
        if not node.alternatives:
            whole = _NOTHING
            for part in node.parts:
                whole = self._join(whole, self._build(part))
            return whole
        built = [self._build(part) for part in node.parts]
        first = last = 0
        for each in built:
            first, last = first | each.first, last | each.last
        return _Part(any(each.empty for each in built), first, last)

    def _join(self, one: _Part, other: _Part) -> _Part:
        for place in _bits(one.last):
            self._follow[place] |= other.first
        first = one.first | (other.first if one.empty else 0)
        last = other.last | (one.last if other.empty else 0)
        return _Part(one.empty and other.empty, first, last)

    def _repeat(self, node: _Repeated) -> _Part:
        least, most = node.least, node.most
        if max(least, most or 0) > _MOST_POSITIONS:
            raise PatternError(f"it repeats a part more than {_MOST_POSITIONS} times")
        whole = _NOTHING
        for number in range(max(least, 1) if most is None else most):
            before = len(self._positions)
            part = self._build(node.part)
            if len(self._positions) == before:
                # Without this, nested repetitions of nothing would take exponential time.
                return part
            if most is None and number >= least - 1:
                self._join(part, part)
            if number >= least:
                part = part._replace(empty=True)
            whole = self._join(whole, part)
        return whole


def _bits(mask: int) -> Iterator[int]:
    """Yield the positions of the bits of a number that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class _Parser:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def parse(self) -> _Node:
        node = self._alternatives()
        if self._at < len(self._text):
            raise PatternError(f"{self._next!r} at character {self._at + 1} has no meaning there")
        return node

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next
        if not character:
            raise PatternError("it ends too early")
        self._at += 1
        return character

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError(f"it nests deeper than {_DEEPEST} levels")

    def _alternatives(self) -> _Node:
        self._enter()
        branches: list[_Node] = [self._branch()]
        while self._next == "|":
            self._at += 1
            branches.append(self._branch())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else _Several(branches, alternatives=True)

    def _branch(self) -> _Node:
        parts: list[_Node] = []
        while self._next not in ("", "|", ")"):
            part = self._atom()
            match = _QUANTIFIER.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                part = _Repeated(part, *_counts(match))
            parts.append(part)
        return _Several(parts)

    def _atom(self) -> _Node:
        character = self._take()
        if character == "(":
            node = self._alternatives()
            if self._take() != ")":
                raise PatternError("a parenthesis is not closed")
            return node
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character == ".":
            return _Characters((("\n", "\n"), ("\r", "\r")), negated=True)
        if character in _SPECIAL:
            raise PatternError(f"{character!r} at character {self._at} has no meaning there")
        return _Characters(((character, character),))

    def _escape(self) -> _Characters:
        letter = self._take()
        if letter in _SINGLE:
            return _Characters(((_SINGLE[letter], _SINGLE[letter]),))
        if letter.lower() in _MULTIPLE:
            return _Characters(classes=((letter.lower(), letter.isupper()),))
        if letter in "pP":
            match = _CATEGORY.match(self._text, self._at)
            if match is None:
                raise PatternError(f"\\{letter} is supported with the name of a category, not of a block")
            self._at = match.end()
            return _Characters(classes=((match[1], letter == "P"),))
        raise PatternError(f"\\{letter} is no escape")

    def _class(self) -> _Characters:
        self._enter()
        negated = self._next == "^"
        self._at += negated
        ranges: list[tuple[str, str]] = []
        classes: list[tuple[str, bool]] = []
        without = None
        while self._next != "]":
            if self._text.startswith("-[", self._at):
                self._at += 2
                without = self._class()
                if self._next != "]":
                    raise PatternError("a class goes on after what is subtracted from it")
                break
            first = self._of_class()
            if first.classes:
                classes += first.classes
                continue
            low = high = first.ranges[0][0]
            if self._next == "-" and not self._text.startswith(("-[", "-]"), self._at):
                self._at += 1
                last = self._of_class()
                if last.classes or last.ranges[0][0] < low:
                    raise PatternError("a range of characters has no valid end")
                high = last.ranges[0][0]
            ranges.append((low, high))
        self._take()
        if not ranges and not classes:
            raise PatternError("a class is empty")
        self._depth -= 1
        return _Characters(tuple(ranges), tuple(classes), negated, without)

    def _of_class(self) -> _Characters:
        """Read one character or escape in a class."""
        character = self._take()
        if character == "\\":
            return self._escape()
        if character == "[":
            raise PatternError("an opening bracket in a class needs an escape")
        return _Characters(((character, character),))


def _counts(match: re.Match[str]) -> tuple[int, int | None]:
    """Return the least and the most repetitions of a quantifier."""
    if match[1] is None:
        return {"?": (0, 1), "*": (0, None), "+": (1, None)}[match[0]]
    least = int(match[1])
    most = int(match[3]) if match[3] else None if match[2] else least
    if most is not None and most < least:
        raise PatternError("a part is to be repeated more often than it may be")
    return least, most
