"""Single rules of the redaction: spellings, known ids, names that tell a secret, and parts that overlap."""

from __future__ import annotations

import re
import zipfile

import pytest

from tests.capturing import archive
from tests.each import each
from tests.redacting import redact
from xmla_headers.captures import ChangeKind, Pseudonyms
from xmla_headers.captures._redaction.edits import Edit
from xmla_headers.captures._redaction.escapes import fold, resolved, unescaped, whole
from xmla_headers.captures._redaction.json_strings import _outside

# -- spellings ---------------------------------------------------------------------------------------


@each(
    ("text", "meaning"),
    {
        "&#X41;&#x41;&#65;": "AAA",
        "&#1114111;": "\U0010ffff",
        # These are no characters.
        "&#1114112;": "&#1114112;",
        "&#x110000;": "&#x110000;",
        "&lt;&gt;&amp;&quot;&apos;": "<>&\"'",
        r"\u0041\n\"\ud83d\udd11": 'A\n"\U0001f511',
        "%41%c3%a4": "A\u00e4",
        "&nbsp;%4g%8a": "&nbsp;%4g%8a",
    }.items(),
)
def test_unescaped_replaces_escapes_once(text: str, meaning: str) -> None:
    assert unescaped(text) == meaning


def test_whole_replaces_escapes_of_escapes_six_deep() -> None:
    assert whole(f"&{'amp;' * 5}#52;") == "4"
    assert whole(f"&{'amp;' * 6}#52;") == "&#52;"


def test_resolved_reads_white_space_as_spaces() -> None:
    assert resolved("a\tb\nc\rd") == "a b c d"


@each("texts", [("A\tb", "a B"), ("\u00c4\rb", "\u00e4 B"), ("\u039f\u03a3", "\u03bf\u03c2", "\u03bf\u03c3")])
def test_fold_of_equal_texts_is_equal_and_as_long(texts: tuple[str, ...]) -> None:
    assert len({fold(text) for text in texts}) == 1
    assert {len(fold(text)) for text in texts} == {len(texts[0])}


# -- known ids ---------------------------------------------------------------------------------------


def test_redact_finds_the_longest_of_ids_that_begin_alike() -> None:
    ids = "<Session SessionId='abcdef-1'/><Session SessionId='abcdef-12'/>"
    redacted = redact(f"{ids}no abcdef-12 and no abcdef-1".encode()).data
    assert redacted.endswith(b"no session-2 and no session-1")


def test_redact_hides_a_short_id_only_near_the_word_session() -> None:
    far = "." * 100
    text = f"<Session SessionId='abc'/>{far}a cell 'abc'{far}the session 'abc'"
    assert redact(text.encode()).data.decode() == (
        f"<Session SessionId='session-1'/>{far}a cell 'abc'{far}the session 'session-1'"
    )


def test_redact_keeps_digits_that_end_an_id_by_chance() -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.learn(b"<Session SessionId='abcdefgh-123456'/>")
    assert redact(b"123456 rows<a/>", pseudonyms=pseudonyms).data == b"123456 rows<a/>"
    assert redact(b"h-123456 rows<a/>", pseudonyms=pseudonyms).data == b"session-1 rows<a/>"


def test_redact_of_one_id_in_two_spellings_has_one_pseudonym() -> None:
    text = rb"""{SessionId: "4711\u002dabcdef"} <a SessionId='4711-abcdef'/>"""
    assert redact(text).data == b"""{SessionId: "session-1"} <a SessionId='session-1'/>"""


@each("around", ["SessionId=\"x, SessionId: '{}'\"", "Password=\"x, SessionId='{}'\""])
def test_redact_learns_an_id_within_another_value(around: str) -> None:
    redacted = redact(f"{around.format('4711-abcdef')} and no 4711-abcdef".encode()).data
    assert re.search(rb" and no session-[12]$", redacted)


# -- names that tell a secret ------------------------------------------------------------------------


@each("name", ["PASSWORD", "pwd", "access_token", "refresh_token", "client_secret", "ID_token"])
@pytest.mark.parametrize("text", ['{{"{}": "hG5tuWq"}}', "a {}=hG5tuWq; b", '<a {}="hG5tuWq"/>'])
def test_redact_empties_values_of_credentials_in_any_letter_case(text: str, name: str) -> None:
    assert redact(text.format(name).encode()).data == text.format(name).replace("hG5tuWq", "").encode()


@each("name", ["cookies", "Cookies"])
def test_redact_empties_the_cookies_of_a_har(name: str) -> None:
    assert redact(f'{{"{name}": ["SID=4711"]}}'.encode()).data == f'{{"{name}": [""]}}'.encode()


def test_redact_finds_user_information_in_escapes() -> None:
    assert redact(b"<a>http:&#47;&#47;user:hG5tuWq@h/</a>").data == b"<a>http:&#47;&#47;@h/</a>"


def test_redact_keeps_a_comment_after_an_empty_element() -> None:
    text = b"<a><!-- <Password/> is read from a file --></a>"
    assert redact(text).data == text


@each("side", ["c", "s", "m", "C", "S", "M"])
def test_redact_of_an_archive_knows_its_files_in_any_letter_case(side: str) -> None:
    extension = "xml" if side in "mM" else "txt"
    data = archive([(f"raw/1_{side}.{extension}", b"<a SessionId='4711-abcdef'/>")])
    assert b"4711-abcdef" not in redact(data).data


@each("side", ["m", "M"])
def test_redact_of_an_archive_reads_no_http_in_metadata(side: str) -> None:
    text = "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n<a SessionId='{}'/>"
    data = archive([(f"raw/1_{side}.xml", text.format("4711-abcdef").encode())], zipfile.ZIP_STORED)
    assert text.format("session-1").encode() in redact(data).data


# -- overlaps ----------------------------------------------------------------------------------------


@each(
    ("hidden", "left"),
    [
        ([], [(10, 20)]),
        ([(11, 13)], [(10, 11), (13, 20)]),
        ([(10, 14)], [(14, 20)]),
        ([(5, 14)], [(14, 20)]),
        ([(14, 20)], [(10, 14)]),
        ([(14, 25)], [(10, 14)]),
        ([(5, 25)], []),
        ([(0, 10), (20, 30)], [(10, 20)]),
        ([(11, 12), (18, 19)], [(10, 11), (12, 18), (19, 20)]),
    ],
)
def test_parts_of_an_edit_outside_are_those_not_hidden(
    hidden: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    edit = Edit(10, 20, ChangeKind.SESSION_ID, "")
    assert _outside(edit, [(start, end, "") for start, end in hidden]) == left
