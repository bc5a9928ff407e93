"""Simple types: the texts and values that they accept, what they write, and patterns in linear time."""

from __future__ import annotations

import pickle
import re
from decimal import Decimal

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from xmla_headers import Code, EncodeError, SimpleType
from xmla_headers._patterns import Pattern, PatternError
from xmla_headers.simple_types import BUILT_IN

#: Type, text, value, text that is written.
ACCEPTED = [
    ("string", " a\tb ", " a\tb ", " a\tb "),
    ("string", "", "", ""),
    ("normalizedString", "a\tb\nc", "a b c", "a b c"),
    ("token", "  a \n b ", "a b", "a b"),
    ("token", "a\xa0 b\xa0", "a\xa0 b\xa0", "a\xa0 b\xa0"),
    ("language", "zh-Hant-TW", "zh-Hant-TW", "zh-Hant-TW"),
    ("Name", " a:b ", "a:b", "a:b"),
    ("NCName", "_é.1", "_é.1", "_é.1"),
    ("NMTOKEN", "1-a:b", "1-a:b", "1-a:b"),
    ("QName", " _é.1 ", "_é.1", "_é.1"),
    ("anyURI", "http://e.org/a b?c#d%20", "http://e.org/a b?c#d%20", "http://e.org/a b?c#d%20"),
    ("anyURI", "", "", ""),
    ("boolean", " 1 ", True, "true"),
    ("boolean", "0", False, "false"),
    ("boolean", "true", True, "true"),
    ("integer", "+007", 7, "7"),
    ("integer", "-0", 0, "0"),
    ("integer", "9" * 1_000, 10**1_000 - 1, "9" * 1_000),
    ("decimal", "9" * 1_000, Decimal("9" * 1_000), "9" * 1_000),
    ("integer", "0" * 5_000 + "1", 1, "1"),
    ("unsignedInt", "4294967295", 4294967295, "4294967295"),
    ("byte", "-128", -128, "-128"),
    ("long", "9223372036854775807", 2**63 - 1, "9223372036854775807"),
    ("negativeInteger", "-1", -1, "-1"),
    ("decimal", "1.50", Decimal("1.5"), "1.5"),
    ("decimal", "-.5", Decimal("-0.5"), "-0.5"),
    ("decimal", "100.", Decimal(100), "100"),
    ("decimal", "-0.0", Decimal(0), "0"),
    ("decimal", "0." + "3" * 500, Decimal("0." + "3" * 500), "0." + "3" * 500),
    ("dateTime", "2024-02-29T23:59:59.25+14:00", "2024-02-29T23:59:59.25+14:00", None),
    ("dateTime", " 12345-01-01T24:00:00Z ", "12345-01-01T24:00:00Z", None),
    ("dateTime", "-0044-03-15T12:00:00", "-0044-03-15T12:00:00", None),
]

REJECTED = [
    *(("language", text) for text in ("", "en_US", "a" * 9)),
    *(("Name", text) for text in ("", "1a", "a b", "-a")),
    *(("NCName", text) for text in ("", "a:b", "1")),
    *(("NMTOKEN", text) for text in ("", "a b", "a@b")),
    *(("QName", text) for text in ("", "a:b", ":a", "a:", "a:b:c", "1", "a b", "{urn:a}b")),
    *(("anyURI", text) for text in ("%", "%4x", "a#b#c")),
    *(("boolean", text) for text in ("", "TRUE", "yes", "2", "01", "\u0661")),
    *(
        ("integer", text)
        for text in ("", "1.0", "1e3", "0x1", "\u0661", "1_000", "+-1", "9" * 1_001, "9" * 5_000, "1 2")
    ),
    *(("int", text) for text in ("2147483648", "-2147483649")),
    *(("unsignedInt", text) for text in ("-1", "4294967296")),
    *(("byte", text) for text in ("128", "-129")),
    *(("positiveInteger", text) for text in ("0", "-1")),
    *(("nonNegativeInteger", text) for text in ("-1",)),
    *(("negativeInteger", text) for text in ("0", "1")),
    *(("nonPositiveInteger", text) for text in ("1",)),
    *(("decimal", text) for text in ("", ".", "1e5", "NaN", "INF", "1,5", "0." + "3" * 2_000)),
    *(("dateTime", text) for text in ("", "2026-11-28", "2026-13-01T00:00:00", "2025-02-29T00:00:00")),
    *(("dateTime", text) for text in ("2026-11-28T24:00:01", "2026-11-28T25:00:00", "0000-01-01T00:00:00")),
    *(("dateTime", text) for text in ("2026-11-28T00:00:00+15:00", "02026-11-28T00:00:00")),
]

#: Type, accepted texts, rejected texts, words for what is allowed.
FACETS = [
    (SimpleType("token", enumeration=("sx", "a b")), ("sx", " a  b "), ("SX", "", "ab"), "one of sx, a b"),
    (SimpleType(min_length=2, max_length=3), ("ab", "abc"), ("a", "abcd"), "text of 2 to 3 characters"),
    (SimpleType(max_length=0), ("",), ("a",), "text of exactly 0 characters"),
    (SimpleType("int", minimum=1, maximum=5), ("1", "5"), ("0", "6"), "a whole number from 1 to 5"),
    (
        SimpleType("decimal", above=Decimal(0), below=Decimal(1)),
        ("0.1", "0.9"),
        ("0", "1.0"),
        "a decimal number above 0 below 1",
    ),
    (
        SimpleType("integer", total_digits=3),
        ("999", "-0999"),
        ("1000",),
        "a whole number of at most 3 digits",
    ),
    (SimpleType("decimal", fraction_digits=2), ("1.250",), ("1.255",), "2 digits after the point"),
    (SimpleType("integer", enumeration=(1, 2)), ("01", "+2"), ("3",), "one of 1, 2"),
    (SimpleType(patterns=("[A-Z]+|\\d{2}", ".{2}")), ("AB", "12"), ("A", "123"), "that matches .{2}"),
    (SimpleType(white_space="collapse", patterns=("a b",)), (" a  b ",), ("ab",), "that matches a b"),
]


@pytest.mark.parametrize(("name", "text", "value", "written"), ACCEPTED)
def test_simple_type_reads_a_text_it_allows(name: str, text: str, value: object, written: str | None) -> None:
    kind = SimpleType(name)
    found = kind.read(text)
    assert (found, type(found)) == (value, kind.python)
    kind.check("value", found)
    assert kind.write(found) == (value if written is None else written)
    assert kind.read(kind.write(found)) == found


@pytest.mark.parametrize(("name", "text"), REJECTED)
def test_simple_type_refuses_a_text_outside_it(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(SimpleType(name).allowed)):
        SimpleType(name).read(text)


def test_simple_types_each_have_a_row() -> None:
    assert {name for name, *_ in (*ACCEPTED, *REJECTED)} | {"short", "unsignedLong"} >= {
        name for name in BUILT_IN if name not in ("unsignedShort", "unsignedByte")
    }


@pytest.mark.parametrize(("kind", "accepted", "rejected", "words"), FACETS)
def test_simple_type_applies_its_facets(
    kind: SimpleType, accepted: tuple[str, ...], rejected: tuple[str, ...], words: str
) -> None:
    assert words in kind.allowed
    assert [kind.read(text) for text in accepted]
    for text in rejected:
        with pytest.raises(ValueError, match=re.escape(kind.allowed)):
            kind.read(text)
    assert pickle.loads(pickle.dumps(kind)) == kind


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (SimpleType("int"), True, TypeError),
        (SimpleType("int"), "1", TypeError),
        (SimpleType("int"), None, TypeError),
        (SimpleType("int"), 2**31, EncodeError),
        (SimpleType("integer"), 10**1_000, EncodeError),
        (SimpleType("boolean"), 1, TypeError),
        (SimpleType("decimal"), 1, TypeError),
        (SimpleType("decimal"), Decimal("NaN"), EncodeError),
        (SimpleType("decimal"), Decimal("1E+999999"), EncodeError),
        (SimpleType("token"), " a", EncodeError),
        (SimpleType("token"), b"a", TypeError),
        (SimpleType("normalizedString"), "a\tb", EncodeError),
        (SimpleType("dateTime"), "2026-02-30T00:00:00", EncodeError),
        (SimpleType("token"), "\x00", EncodeError),
    ],
)
def test_simple_type_check_refuses_a_wrong_value(
    kind: SimpleType, value: object, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        kind.check("field", value)
    if isinstance(caught.value, EncodeError):
        assert caught.value.code in (Code.INVALID_VALUE, Code.UNENCODABLE_TEXT)


@given(st.sampled_from(sorted(BUILT_IN)), st.text(max_size=20) | st.from_regex(r"\A[ +-]?\d*\.?\d*\Z"))
def test_simple_type_writes_what_it_reads(name: str, text: str) -> None:
    kind = SimpleType(name)
    try:
        value = kind.read(text)
    except ValueError:
        return
    if re.search("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", text) is None:
        kind.check("value", value)
    assert kind.read(kind.write(value)) == value
    assert kind.write(kind.read(kind.write(value))) == kind.write(value)


_XMLSCHEMA = xmlschema.XMLSchema10(
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>'
).maps.types


# xmlschema accepts any percent sign in a URI, and what Python's int and Decimal accept.
@given(
    st.sampled_from(sorted(set(BUILT_IN) - {"anyURI"})),
    st.sampled_from([text for _, text in REJECTED] + [text for _, text, *_ in ACCEPTED])
    | st.text("0123456789+-.:TZ eaxé\t", max_size=6),
)
def test_simple_type_agrees_with_xmlschema(name: str, text: str) -> None:
    if re.search(r"[^\x00-\x7f]|_|\d\s|\s\.", text.strip(" \t")) and name not in ("string", "token", "Name"):
        return
    # XML Schema Part 2 asks for 18 digits; here are at most 1,000.
    if len(text) > 1_000:
        return
    # xmlschema 4.3 refuses a decimal that is too large for a float; ACCEPTED has one.
    if name == "decimal" and len(text) > 308:
        return
    try:
        SimpleType(name).read(text)
        accepted = True
    except ValueError:
        accepted = False
    assert accepted == _XMLSCHEMA[f"{{http://www.w3.org/2001/XMLSchema}}{name}"].is_valid(text)


#: Pattern, texts that match, texts that do not.
PATTERNS = [
    ("", ("",), ("a",)),
    ("a{2,3}", ("aa", "aaa"), ("a", "aaaa", "")),
    ("a{2,}b", ("aab", "aaaab"), ("ab", "aa")),
    ("a{0}b", ("b",), ("ab",)),
    ("(ab|c)*", ("", "abc", "cab"), ("a", "abb")),
    ("(a?){3}", ("", "aaa"), ("aaaa",)),
    (r"\d{4}-\d\d", ("2020-01", "\u0662\u0660\u0662\u0660-01"), ("2020-1",)),
    ("[a-z-[aeiou]]+", ("xyz",), ("xay", "")),
    (r"[^\s]+", ("x",), ("a b",)),
    (r"\i\c*", ("a1", "_x:y", "\U00010000"), ("1a",)),
    (r"\w+\W", ("a!",), ("ab",)),
    (r"\p{Lu}\P{L}", ("A1",), ("a1", "AB")),
    (r"[\-a\]]+", ("-a]",), ("b",)),
    ("[a-]+", ("-a",), ("b",)),
    (".", ("x", "\t"), ("\n", "\r", "xx")),
    (r"\.\n", (".\n",), ("a\n",)),
    ("^a$", ("^a$",), ("a",)),
]


@pytest.mark.parametrize(("pattern", "matching", "others"), PATTERNS)
def test_pattern_matches_whole_texts(
    pattern: str, matching: tuple[str, ...], others: tuple[str, ...]
) -> None:
    compiled = Pattern(pattern)
    assert [text for text in (*matching, *others) if compiled.matches(text)] == list(matching)
    walked = compiled.walk(lambda ways: ways[0])
    assert walked is not None
    assert compiled.matches(walked)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "ends too early"),
        ("a)", "no meaning"),
        ("[", "ends too early"),
        ("[]", "empty"),
        ("]", "no meaning"),
        ("a**", "no meaning"),
        ("a{3,2}", "more often"),
        ("[b-a]", "no valid end"),
        ("[a[b]", "needs an escape"),
        (r"\q", "no escape"),
        (r"\p{IsGreek}", "not of a block"),
        ("(a]", "no meaning"),
        ("(a", "ends too early"),
        ("[a-z-[b]c]", "goes on after what is subtracted"),
        ("a{257}", "more than 256 times"),
        ("((a{9}){9}){9}", "more than 256 positions"),
        ("(" * 40 + ")" * 40, "nests deeper"),
    ],
)
def test_pattern_refuses_what_it_does_not_support(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        Pattern(pattern)


def test_pattern_equals_one_of_the_same_text() -> None:
    assert Pattern("a+") == Pattern("a+")
    assert hash(Pattern("a+")) == hash(Pattern("a+"))
    assert Pattern("a+") != Pattern("aa*")
    assert Pattern("a+") != "a+"


def test_simple_type_of_an_unknown_name_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="the type float is not supported"):
        SimpleType("float")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("2026-11-28T24:00:00Z", True),
        ("2026-11-28T24:00:00.0", True),
        ("2026-11-28T24:00:01", False),
        ("2026-11-28T25:00:00", False),
        ("2026-02-30T00:00:00", False),
        ("2026-11-28", False),
        ("", False),
    ],
)
def test_simple_type_date_time_must_exist(text: str, valid: bool) -> None:  # noqa: FBT001 - a row of the table
    if valid:
        assert SimpleType("dateTime").read(text) == text
    else:
        with pytest.raises(ValueError):  # noqa: PT011 - the type says what is allowed
            SimpleType("dateTime").read(text)


def test_pattern_of_nothing_is_not_repeated() -> None:
    # Each level would multiply the steps by 200.
    assert Pattern("(((((){200}){200}){200}){200}){200}").matches("")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "((a*a*)*a*)*b", "(a|b)*a(a|b){20}"])
def test_pattern_follows_each_set_of_positions_once(pattern: str) -> None:
    steps = 0

    class Counting(Pattern):
        __slots__ = ()

        def _after(self, active: int) -> int:
            nonlocal steps
            steps += 1
            return super()._after(active)

    assert not Counting(pattern).matches("a" * 3_000 + "c")
    # The set of positions repeats after some characters, and is remembered.
    assert steps <= 100


_COUNTS = st.sampled_from(["?", "*", "+", "{2}", "{0,2}", "{1,}"])
_PART = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]"]),
    lambda parts: st.one_of(
        st.tuples(parts, parts).map("".join),
        st.tuples(parts, parts).map("({0[0]}|{0[1]})".format),
        st.tuples(parts, _COUNTS).map("({0[0]}){0[1]}".format),
    ),
    max_leaves=4,
)


@given(_PART, st.text("ab", max_size=4))
def test_pattern_agrees_with_python(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) == (re.fullmatch(pattern, text) is not None)


@given(_PART, st.lists(st.integers(0, 9), max_size=10))
def test_pattern_walk_gives_a_match(pattern: str, numbers: list[int]) -> None:
    choices = iter(numbers)
    walked = Pattern(pattern).walk(lambda ways: ways[next(choices, 0) % len(ways)])
    assert walked is not None
    assert Pattern(pattern).matches(walked)
