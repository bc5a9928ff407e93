"""The prose of the project is plain: phrases that a reader must translate are not in it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from .each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

#: What is avoided -> what is written instead.
PHRASES = {
    r"\b[Hh]eld to\b": "check",
    # A list may hold up to 3 items, or 2 to 3.
    r"\bhold(?:s|ing)? (?:(?:it|them|a|an|the|what|small|messages?|XML) )?(?:(?!up |\d)\w+ )?to\b": "check",
    r"\b[Ll]et(?:s|ting)? (?:it |them )?(?:pass|through)\b|\bis let pass\b": "accept",
    r"\bbut for\b": "except",
    r"\b[Aa]s far as\b": "up to, or: if",
    r"\b[Ii]n front of\b": "before",
    # A server may stand behind a proxy; bytes are after others.
    r"\b[Bb]ehind\b(?! (?:a|the) (?:proxy|firewall|gateway|balancer)\b)": "after",
    # One pass over the bytes is innocent.
    r"(?<!\b[Oo]ne )(?<!\b[Aa] )(?<!\bsingle )\bpass(?:es|ed|ing)? over\b": "ignore",
    r"\b[Pp]ut(?:s|ting)? (?:\w+ )?in(?:to)? (?:a|the|its) (?:message|Header|Body)\b": "insert",
    r"\bwhat (?:there|it|they|one) (?:is|are|has|have|says?|holds?)\b": "a noun",
    # Questions may begin with What.
    r"(?:^|[.:;] )(?:Of (?!course\b)|Nor |What (?![^.]*\?))[a-z]": "subject, verb, object",
    r"\b[Ww]hoever\b|\b[Ww]hatever (?:it|there|comes|stands)\b": "the noun: any reader, any bytes",
    r"\bno one knows\b|\bthat is none\b|\bthat are none\b": "unknown, malformed",
}

#: Sentences that quote a phrase, by file.
QUOTATIONS = {"tests/test_prose.py": "all of it"}

LONGEST_TEST_NAME = 60


def _checked(*patterns: str) -> list[Path]:
    names = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}
    return [
        ROOT / name
        for name in sorted(names)
        if not name.startswith(("tests/data/", "docs/_build/"))
        and name not in QUOTATIONS
        and (ROOT / name).is_file()
    ]


FILES = _checked(
    "xmla_headers/**/*.py",
    "benchmarks/**/*.py",
    "tests/**/*.py",
    "docs/**/*.py",
    "docs/**/*.md",
    "schemas/*",
    "*.md",
)
TEST_FILES = [*_checked("tests/**/test_*.py"), Path(__file__)]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line of comments, docstrings and messages in a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    # From Python 3.12 on, an f-string is several tokens.
    strings = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        # Strings that are data have no three words in a row.
        written = token.type in strings and re.search(r"[a-z]+ [a-z]+ [a-z]+", token.string)
        if written or token.type == tokenize.COMMENT:
            for number, line in enumerate(token.string.splitlines(), token.start[0]):
                yield number, line.strip("#: \"'f")


def to_avoid(line: str) -> list[str]:
    """Return the phrases to avoid in a line, each with the words to write instead."""
    matches = ((re.search(phrase, line), instead) for phrase, instead in PHRASES.items())
    return [f"{match[0]!r} (write: {instead})" for match, instead in matches if match]


@each("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_prose_has_no_phrase_to_avoid(path: Path) -> None:
    found = [f"{number}: {phrase}: {line}" for number, line in prose(path) for phrase in to_avoid(line)]
    assert not found, "\n".join(found)


@each(
    "line",
    [
        "The Body is held to XML 1.0.",
        "It holds a Body to the rules.",
        "What decode let pass; not compared.",
        "This lets it through.",
        "Equal, but for one.",
        "As far as the dict allows; it counts as far as it goes.",
        "The text in front of the root, or behind it.",
        "Behind Body, white space.",
        "Spaces are passed over.",
        "Put it in the Header.",
        "It yields all that there is, and what it is.",
        "Read it. Of two, the first counts.",
        "Nor does it copy.",
        "What is cut out is not kept.",
        "Whatever comes, and whoever reads it.",
        "An answer that is none.",
    ],
)
def test_to_avoid_of_the_dialect_finds_a_phrase(line: str) -> None:
    assert to_avoid(line)


@each(
    "line",
    [
        "One pass over the bytes; a pass over the blocks.",
        "It may hold up to 64 blocks, or 2 to 3.",
        "A server behind a proxy.",
        "What does decode cost?",
        "The test must hold. To begin, read it.",
        "Of course, no file is opened.",
        "It passes.",
    ],
)
def test_to_avoid_of_a_plain_sentence_finds_nothing(line: str) -> None:
    assert to_avoid(line) == []


def test_prose_of_a_module_has_comments_and_sentences(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        '"""First line.\n\nThe second sentence."""\n# A comment.\ndata = "a b"\n', encoding="utf-8"
    )
    assert [line for line in prose(path) if line[1]] == [
        (1, "First line."),
        (3, "The second sentence."),
        (4, "A comment."),
    ]


@each("path", TEST_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_of_tests_are_short(path: Path) -> None:
    names = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert [name for name in names if len(name) > LONGEST_TEST_NAME] == []
