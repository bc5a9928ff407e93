"""How XML is written: Choices, a Style to choose from, and a Pen that writes with both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

T = TypeVar("T")

__all__ = ["PLAIN", "WILD", "Choices", "Pen", "Style"]


class Choices:
    """A source of choices: numbers decide; when they run out, the first option is taken.

    The first option is always the plainest, so fewer or smaller numbers mean a plainer message.
    """

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers: Iterator[int] = iter(numbers)

    @classmethod
    def of(cls, random: Random) -> Choices:
        """Return endless choices."""
        # A number of 32 bits is never -1. No other method of Random is promised to stay the same.
        return cls(iter(lambda: random.getrandbits(32), -1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[next(self._numbers, 0) % len(options)]

    def one_in(self, many: int) -> bool:
        """Return True once in so many times."""
        return next(self._numbers, 0) % many == many - 1


@dataclass(frozen=True, slots=True)
class Style:
    """The options where XML 1.0 leaves a choice."""

    quotes: Sequence[str] = ('"',)
    equals: Sequence[str] = ("=",)
    # Before an attribute.
    spaces: Sequence[str] = (" ",)
    # Before the end of a tag.
    ends: Sequence[str] = ("",)
    self_closing: Sequence[bool] = (True,)
    # Between elements.
    gaps: Sequence[str] = ("",)
    # The format of each character of a value that needs no reference.
    characters: Sequence[str] = ("{}",)
    backwards: Sequence[bool] = (False,)


PLAIN = Style()
WILD = Style(
    quotes="\"'",
    equals=("=", "=", "=", " = ", "\n=", "=\t"),
    spaces=(" ", " ", " ", "  ", "\n", "\r\n", "\t"),
    ends=("", "", " ", "\n"),
    self_closing=(True, False),
    gaps=("", "", " ", "\n  ", "\r\n", "\r", "\t", "<!-- a comment -->", "\n<!---->\n"),
    characters=("{}", "{}", "{}", "{}", "{}", "{}", "&#{:d};", "&#x{:x};", "&#x{:06X};"),
    backwards=(False, True),
)

# XML 1.0 §3.3.3: a literal TAB, LF or CR in a value is read as a space.
_NEEDED = {"&": "&amp;", "<": "&lt;", "\t": "&#9;", "\n": "&#10;", "\r": "&#xD;"}


class Pen:
    """Writes elements in a style."""

    def __init__(self, style: Style = PLAIN, choices: Choices | None = None) -> None:
        self.style = style
        self.choices = Choices() if choices is None else choices

    def gap(self) -> str:
        """Return what stands between two elements."""
        return self.choices.pick(self.style.gaps)

    def attribute(self, name: str, value: str) -> str:
        """Return an attribute and the white space before it."""
        pick, style = self.choices.pick, self.style
        quote = pick(style.quotes)
        form = pick(style.characters)
        text = "".join(
            f"&#{ord(quote)};"
            if character == quote
            else _NEEDED.get(character, character)
            if form == "{}"
            else form.format(ord(character))
            for character in value
        )
        return f"{pick(style.spaces)}{name}{pick(style.equals)}{quote}{text}{quote}"

    @staticmethod
    def text(value: str) -> str:
        """Return text content."""
        # XML 1.0 §2.4: "]]>" must not occur in text. §2.11: a literal CR is read as LF.
        # The ampersand comes first.
        for character in "&<>\r":
            value = value.replace(character, f"&#{ord(character)};")
        return value

    def turns(self) -> bool:
        """Return whether to reverse the attributes."""
        return self.choices.pick(self.style.backwards)

    def start(self, name: str, attributes: Sequence[tuple[str, str]]) -> str:
        """Return a start tag without its `>`."""
        written = "".join(self.attribute(*attribute) for attribute in attributes)
        return f"<{name}{written}{self.choices.pick(self.style.ends)}"

    def element(self, name: str, attributes: Sequence[tuple[str, str]], content: str = "") -> str:
        """Return a whole element."""
        start = self.start(name, attributes)
        if not content and self.choices.pick(self.style.self_closing):
            return f"{start}/>"
        return f"{start}>{content}</{name}{self.choices.pick(self.style.ends)}>"
