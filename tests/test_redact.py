"""Redaction hides the secrets of a message in every spelling, and every other byte stays."""

from __future__ import annotations

import json
import pickle
import re
import string
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.each import each
from tests.profiles import scaled
from tests.redacting import redact
from xmla_headers.captures import CaptureLimits, Change, ChangeKind, Pseudonyms, _redact
from xmla_headers.captures._redaction.edits import Edit
from xmla_headers.captures._redaction.secrets import merged
from xmla_headers.session_headers import SESSION_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

GUID = "5DFD4D06-12AB-4C3D-9E8F-0011223344AA"
ATTRIBUTES = sorted(
    {
        attribute.name
        for block in SESSION_BLOCKS.values()
        for attribute in block.spec.attributes
        if attribute.identifier
    }
)

# Places of an id, which is {}.
IDENTIFIERS = {
    "attribute": '<Session SessionId="{}"/>',
    "single quotes": "<Session SessionId='{}'/>",
    "white space around =": '<Session SessionId \r\n=\t"{}"/>',
    "letter case": '<Session sessionid="{}"/>',
    "Virtuoso": '<Session SessionID="{}"/>',
    "prefix": '<x:Session x:SessionId="{}"/>',
    "braces": '<Session SessionId="{{{}}}"/>',
    "white space within": '<Session SessionId=" {} "/>',
    "in a comment": '<!-- <Session SessionId="{}"/> -->',
    "in CDATA": '<![CDATA[<Session SessionId="{}"/>]]>',
    "escaped": "&lt;Session SessionId=&quot;{}&quot;/&gt;",
    "escaped by numbers": "&#60;Session SessionId=&#x22;{}&#34;/>",
    "escaped twice": "&amp;lt;Session SessionId=&amp;quot;{}&amp;quot;/&amp;gt;",
    "in JSON": '{{"SessionId": "{}"}}',
    "in JSON in a string": r'"{{\"SessionId\": \"{}\"}}"',
    "cut off": '<Session SessionId="{}',
    "unquoted": "<Session SessionId={}/>",
    "Cancel": "<Cancel><SessionID>{}</SessionID></Cancel>",
    "Cancel in CDATA": "<Cancel><SessionID><![CDATA[{}]]></SessionID></Cancel>",
    "Cancel cut off": "<Cancel><SessionID>{}",
    "with attributes": '<SessionID a=">">{}</SessionID>',
    "rowset": "<row><SESSION_ID>{}</SESSION_ID></row>",
    "query": "<a>SELECT * FROM $SYSTEM.DISCOVER_SESSIONS WHERE SESSION_ID='{}'</a>",
    "address": "<a href='http://host/xmla?SessionId={}&amp;x=1'/>",
    "session field": "X-AS-SessionID: {}\r\n",
    "session field of curl": "> x-as-sessionid: {}\r\n",
}


@each("spelling", IDENTIFIERS.values(), ids=IDENTIFIERS.keys())
@each("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_redact_hides_an_id_in_every_spelling_of_its_place(spelling: str, encoding: str) -> None:
    redacted = redact(spelling.format(GUID).encode(encoding))
    assert redacted.data == spelling.format("session-1").encode(encoding)
    assert redacted.changes == (Change("", ChangeKind.SESSION_ID, "session-1", 1),)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_redact_hides_every_identifier_of_the_schema(name: str) -> None:
    redacted = redact(f"<a {name}='{GUID}'/>".encode())
    assert redacted.data == f"<a {name}='session-1'/>".encode()


OCCURRENCES = {
    "fault": "The '{}' session ID cannot be found.",
    "lower case": "{lower}",
    "within a word": "x{}x",
    "with references": "{references}",
    "percent-encoded": "%7B{percent}%7D",
    "in JSON": '{{"x": "{json}"}}',
    "in an attribute": '<a b="{}"/>',
    "in a comment": "<!--{}-->",
    "cut off": "The '{cut}",
}


@pytest.mark.parametrize("spelling", OCCURRENCES.values(), ids=OCCURRENCES.keys())
def test_redact_hides_a_known_id_wherever_it_occurs(spelling: str) -> None:
    spellings = {
        "lower": GUID.lower(),
        "references": "".join(f"&#{ord(character)};" for character in GUID),
        "percent": GUID.replace("-", "%2D"),
        "json": "".join(f"\\u{ord(character):04x}" for character in GUID),
        "cut": GUID[:20],
    }
    text = f'<Session SessionId="{GUID}"/>{spelling}'
    redacted = redact(text.format(GUID, **spellings).encode())
    assert (
        redacted.data
        == text.replace(GUID, "session-1")
        .format("session-1", **dict.fromkeys(spellings, "session-1"))
        .encode()
    )
    assert redacted.changes == (Change("", ChangeKind.SESSION_ID, "session-1", 2),)


SAME = {
    "references": ('"a&lt;b-12345"', '"a&#60;b-12345"', "'a&#x3C;b-12345'", '"&#97;&lt;b-12345"'),
    "quotes": ("'a\"b-12345'", '"a&quot;b-12345"', '"a&#34;b-12345"'),
    "white space": ('"a b-12345"', '"a\nb-12345"', '"a&#32;b-12345"'),
    "encodings": ('"é-12345"', '"&#233;-12345"', '"&#xE9;-12345"'),
}


@pytest.mark.parametrize("spellings", SAME.values(), ids=SAME.keys())
def test_redact_gives_spellings_of_one_id_one_pseudonym(spellings: tuple[str, ...]) -> None:
    for encoding in ("utf-8", "iso-8859-1", "utf-16"):
        text = "".join(f"<Session SessionId={spelling}/>" for spelling in spellings)
        expected = text
        for spelling in spellings:
            expected = expected.replace(spelling, f"{spelling[0]}session-1{spelling[0]}")
        assert redact(text.encode(encoding)).data == expected.encode(encoding)


def test_redact_numbers_ids_in_order_of_appearance() -> None:
    text = "".join(f"<Session SessionId='{name}'/>" for name in ("bbbbbb", "aaaaaa", "bbbbbb", "7"))
    expected = "".join(f"<Session SessionId='session-{number}'/>" for number in (1, 2, 1, 3))
    assert redact(text.encode()).data == expected.encode()


def test_redact_distinguishes_ids_by_letter_case() -> None:
    text = "<Session SessionId='abc-def'/><Session SessionId='ABC-def'/>abc-DEF ABC-def abc-def"
    expected = "<Session SessionId='session-1'/><Session SessionId='Session-1'/>session-1 Session-1 session-1"
    assert redact(text.encode()).data == expected.encode()


def test_redact_keeps_a_pseudonym_and_does_not_reuse_it() -> None:
    text = "<Session SessionId='secret'/><Session SessionId='session-1'/><Session SessionId='session-3'/>"
    redacted = redact(text.encode())
    assert redacted.data == text.replace("secret", "session-2").encode()


def test_redact_keeps_an_empty_id() -> None:
    data = b"<Session SessionId=''/><EndSession SessionId='  '/><SessionID/><SessionID></SessionID>"
    data += b"\r\nX-AS-SessionID:\r\n"
    assert redact(data).data == data


def test_redact_hides_a_short_id_in_its_place_and_in_faults_only() -> None:
    text = (
        '<Session SessionId="{0}"/><SessionID>{0}</SessionID><td colspan="581">581</td>'
        "<f>The '{0}' session ID cannot be found</f><f>session &quot;{0}&quot;</f>"
    )
    assert redact(text.format("581").encode()).data == text.format("session-1").encode()


@pytest.mark.parametrize("word", ["Envelope", "schemas", "urn:schemas-microsoft-com:xml-analysis", "session"])
def test_redact_keeps_words_of_the_protocol_elsewhere(word: str) -> None:
    text = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        '<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="{}"/></s:Header></s:Envelope>'
    )
    assert redact(text.format(word).encode()).data == text.format("session-1").encode()


# Text with a credential, and the redacted text.
EMPTIED = {
    "wsse": (
        "<w:Security u:Id='1'><w:Token>secret</w:Token></w:Security>x",
        "<w:Security u:Id='1'></w:Security>x",
    ),
    "any namespace": ("<Security xmlns='urn:x'>secret</Security>", "<Security xmlns='urn:x'></Security>"),
    "sspi": ("<a:SspiHandshake>secret</a:SspiHandshake>", "<a:SspiHandshake></a:SspiHandshake>"),
    "token": ("<SessionToken >secret</SessionToken >", "<SessionToken ></SessionToken >"),
    "property": ("<Password>secret</Password>", "<Password></Password>"),
    "nested": (
        "<Security>a<Security>secret</Security>secret</Security>b",
        "<Security></Security>b",
    ),
    "another prefix within": (
        "<a:Security><b:Security></b:Security>secret</a:Security>b",
        "<a:Security></a:Security>b",
    ),
    "the end tag of another": (
        "<a:Security>secret</b:Security>secret</a:Security>b",
        "<a:Security></a:Security>b",
    ),
    "end tag in a comment": (
        "<Security><!-- </Security> -->secret</Security>b",
        "<Security></Security>b",
    ),
    "end tag in CDATA": (
        "<Security><![CDATA[</Security>]]>secret</Security>b",
        "<Security></Security>b",
    ),
    "> in an attribute": ("<Security a='>'>secret</Security>", "<Security a='>'></Security>"),
    "not closed": ("<Security>secret<b/>secret", "<Security>"),
    "cut off in the end tag": ("<Security>secret</Secur", "<Security>"),
    "self-closing": ("<Security/>a<Security b='c' />d", "<Security/>a<Security b='c' />d"),
    "empty": ("<Security></Security>a", "<Security></Security>a"),
    "in a comment": ("<!-- <Security>secret</Security> -->a", "<!-- <Security></Security> -->a"),
    "not closed in a comment": ("<!-- <Security>secret -->a", "<!-- <Security> -->a"),
    "escaped": ("<a>&lt;Security&gt;secret&lt;/Security&gt;</a>", "<a>&lt;Security&gt;&lt;/Security&gt;</a>"),
    "escaped, not closed": ("<a>&lt;Security&gt;secret</a><b/>", "<a>&lt;Security&gt;</a><b/>"),
    "another name": ("<SecurityMode>x</SecurityMode>", "<SecurityMode>x</SecurityMode>"),
    "attribute": ("<a Password='secret' b='c'/>", "<a Password='' b='c'/>"),
    "connection string": (
        "<a>Data Source=x;User ID=me;Password=secret word;Catalog=y;Pwd='secret'</a>",
        "<a>Data Source=x;User ID=me;Password=;Catalog=y;Pwd=''</a>",
    ),
    "JSON": ('{"password": "se\\"cret", "a": 1}', '{"password": "", "a": 1}'),
    "query string": ("http://h/?access_token=secret&b=c", "http://h/?access_token=&b=c"),
    "user information": ("<a>http://me:secret@host/x</a>", "<a>http://@host/x</a>"),
    "Authorization": ("Authorization: Basic secret\r\nA: b\r\n", "Authorization: \r\nA: b\r\n"),
    "Proxy-Authorization": ("proxy-authorization:secret\r\n", "proxy-authorization:\r\n"),
    "Cookie": ("Host: a\nCookie: a=secret; b=secret\n", "Host: a\nCookie: \n"),
    "Set-Cookie": ("Set-Cookie: a=secret\r\n\tsecret\r\nB: c\r\n", "Set-Cookie: \r\n\t\r\nB: c\r\n"),
    "Negotiate": (
        'WWW-Authenticate: Negotiate secret==, Basic realm="x"\r\n',
        'WWW-Authenticate: Negotiate , Basic realm="x"\r\n',
    ),
}


@pytest.mark.parametrize(("text", "expected"), EMPTIED.values(), ids=EMPTIED.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_redact_empties_credentials(text: str, expected: str, encoding: str) -> None:
    redacted = redact(text.encode(encoding))
    assert redacted.data == expected.encode(encoding)
    assert bool(redacted.changes) == (text != expected)
    assert "secret" not in str(redacted.changes)


def test_redact_counts_a_token_within_security_once() -> None:
    data = b"<Security><SessionToken>a</SessionToken></Security>"
    assert redact(data).changes == (Change("", ChangeKind.ELEMENT, "Security", 1),)


# Text without secrets, to stand around a secret.
_FILLER = st.text(
    st.one_of(st.sampled_from("<>&;\"'=:/\\%{}[]!-x0 \r\n"), st.characters(exclude_categories=["Cs"])),
    max_size=30,
)


@given(filler=_FILLER, spelling=st.sampled_from(["<b>{0}</b>", '<b a="{0}"/>', "&apos;{0}&apos;", " {0} "]))
def test_redact_changes_nothing_around_an_id(filler: str, spelling: str) -> None:
    text = f'<Session SessionId="{{0}}"/>{spelling}|{filler.replace("{", "{{").replace("}", "}}")}|{{0}}'
    for encoding in ("utf-8", "utf-16"):
        data = text.format(GUID).encode(encoding)
        assert redact(data).data == text.format("session-1").encode(encoding)


@given(st.binary(max_size=60))
def test_redact_keeps_invalid_bytes_around_an_id(noise: bytes) -> None:
    # Without letters, which could name a credential.
    noise = noise.translate(None, string.ascii_letters.encode())
    text = b'<Session SessionId="%b"/>%b<x>'
    assert redact(text % (GUID.encode(), noise)).data == text % (b"session-1", noise)


# Pieces of messages, of broken markup, of HTTP and of JSON.
_PIECES = st.lists(
    st.sampled_from(
        [
            *(
                '<Session SessionId="',
                "<s:EndSession sessionid='",
                '"',
                "'",
                "/>",
                ">",
                "<",
                "=",
                ":",
                " ",
                "\n",
            ),
            *(
                "abcdef-123",
                "ABCDEF-123",
                "42",
                "&quot;",
                "&#60;",
                "&lt;",
                "&amp;",
                "%7B",
                "\\u0041",
                '\\"',
                "\\",
            ),
            *("<Security>", '<w:Security x="1">', "</w:Security>", "</Security>", "<SessionToken>", "<!--"),
            *(
                "-->",
                "<![CDATA[",
                "]]>",
                "Cookie: ",
                "Password=",
                "pwd='",
                ";",
                "\0",
                '{"name":"Cookie","value":"',
            ),
            *(
                '"}',
                "session-1",
                "session-2",
                "POST / HTTP/1.1\r\nHost: a\r\n",
                "HTTP/1.1 200 OK\r\n",
                "x",
                "é",
            ),
            *("Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n", "5\r\nabcde\r\n"),
            *("0\r\n\r\n", "Content-Type: application/sx\r\n", "SessionID", "<SESSION_ID>", "</SESSION_ID>"),
            *("{", "}", "[", "]", ",", '"SessionId":"', "http://u:p@h/", "\ufeff", "The '", "session "),
            *(
                "X-AS-SessionID: ",
                '{"log":{"entries":[{"request":{"headers":[',
                "WWW-Authenticate: NTLM abc==",
            ),
        ]
    ),
    max_size=16,
).map("".join)
_ANY_BYTES = st.one_of(
    st.binary(max_size=80),
    st.builds(str.encode, _PIECES, st.sampled_from(["utf-8", "utf-16", "utf-16-le"])),
    st.builds(lambda text, noise: text.encode() + noise, _PIECES, st.binary(max_size=3)),
)


@settings(max_examples=scaled(500))
@given(_ANY_BYTES)
@example(b"<Security>\0\r\1")
def test_redact_of_any_bytes_is_idempotent(data: bytes) -> None:
    redacted = redact(data)
    assert (redacted.data == data) == (redacted.changes == ())
    again = redact(redacted.data)
    assert again.changes == ()
    assert again.data == redacted.data


def test_learn_makes_redact_hide_ids_of_all_files() -> None:
    first, second = f"<a>{GUID}</a>".encode(), f"<Session SessionId='{GUID}'/>".encode()
    assert redact(first).data == first
    pseudonyms = Pseudonyms()
    for data in (first, second):
        pseudonyms.learn(data)
    assert len(pseudonyms) == 1
    assert redact(first, pseudonyms=pseudonyms).data == b"<a>session-1</a>"
    assert redact(second, pseudonyms=pseudonyms).data == b"<Session SessionId='session-1'/>"


def test_redact_gives_new_ids_new_pseudonyms() -> None:
    pseudonyms = Pseudonyms()
    for number, name in enumerate(("first-id", "second-id", "first-id"), 1):
        data = redact(f"<Session SessionId='{name}'/>".encode(), pseudonyms=pseudonyms).data
        assert data == f"<Session SessionId='session-{1 if number == 3 else number}'/>".encode()


@pytest.mark.parametrize(("name", "other"), [("123456789", "123456789"), ("1234567890", "session-1")])
def test_redact_hides_a_number_if_it_is_long_enough(name: str, other: str) -> None:
    data = f"<Session SessionId='{name}'/><cell>{name}</cell>".encode()
    assert redact(data).data == f"<Session SessionId='session-1'/><cell>{other}</cell>".encode()


def test_redact_lists_an_id_that_begins_like_its_pseudonym() -> None:
    redacted = redact(b"<SessionID>session-1<![CDATA[ abc]]></SessionID>")
    assert redacted.data == b"<SessionID>session-1<![CDATA[]]></SessionID>"
    assert redacted.changes == (Change("", ChangeKind.SESSION_ID, "session-1", 1),)


def test_redact_counts_an_id_in_pieces_once() -> None:
    data = b"<SessionID> abc<!-- -->def<![CDATA[ghi]]></SessionID> abcdefghi"
    redacted = redact(data)
    assert redacted.data == b"<SessionID> session-1<!-- --><![CDATA[]]></SessionID> session-1"
    assert redacted.changes == (Change("", ChangeKind.SESSION_ID, "session-1", 2),)


def test_redact_hides_an_id_without_its_closing_quote() -> None:
    data = f"<Session SessionId='{GUID}/><Body a='b'/>{GUID}</Body>".encode()
    assert GUID.encode() not in redact(data).data


@pytest.mark.parametrize("opened", ["{}='", "{}: '", "{}=a{}=", "{}=\"{}='", "{}='</a>\n<b c:{}="])
@pytest.mark.parametrize("name", ["SessionId", "Password", "pwd"])
def test_redact_value_without_its_quote_hides_the_next_one(opened: str, name: str) -> None:
    text = f"<{opened.replace('{}', name)} <c {name}='the-next-value'/> <d>"
    assert b"the-next-value" not in redact(text.encode()).data


@pytest.mark.parametrize(
    "text",
    [
        "<Security><a SessionId='{}'/></Security> <b>{}</b>",
        "<a pwd=\"<Session SessionId='{}'/>\"> <b>{}</b>",
        "Cookie: a=1; SessionId={}\n<b>{}</b>",
        '{{"password": "SessionId={}", "text": "<b>{}</b>"}}',
        '{{"password": "SessionId={}", "text": "<b>{}</b>"',
    ],
)
def test_redact_id_within_a_secret_hides_it_elsewhere(text: str) -> None:
    assert GUID.encode() not in redact(text.format(GUID, GUID).encode()).data


def test_redact_hides_an_id_in_unrecognised_utf_16() -> None:
    data = b"x" + f"<Session SessionId='{GUID}'/>é<b>{GUID}</b>".encode("utf-16-le")
    redacted = redact(data).data
    assert GUID.encode() not in redacted.replace(b"\0", b"")
    assert redacted.endswith("</b>".encode("utf-16-le")[1:])


def test_merged_removes_all_that_overlaps() -> None:
    first, second = Edit(0, 5, ChangeKind.ELEMENT, "a"), Edit(3, 8, ChangeKind.CREDENTIAL, "b")
    covered = {place for edit in merged([second, first]) for place in range(edit.start, edit.end)}
    assert covered == set(range(8))
    assert [edit.what for edit in merged([second, first])] == ["a", ""]
    assert merged([first, first._replace(end=4), first._replace(start=4)]) == [first]


def test_redact_reads_invalid_utf_32_as_bytes() -> None:
    data = b"\xff\xfe\0\0\xff\xff\xff\xff<Session SessionId='abc'/>"
    assert redact(data).data == data.replace(b"abc", b"session-1")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-be"])
def test_redact_keeps_an_incomplete_last_character(encoding: str) -> None:
    data = "<Session SessionId='abc'/>".encode(encoding)
    assert (
        redact(data + b"x").data == data.decode(encoding).replace("abc", "session-1").encode(encoding) + b"x"
    )


def test_redact_gives_each_spelling_its_own_pseudonym() -> None:
    ids = ("Session-1", "session-1", "other-id", "OTHER-ID", "Other-Id", "another")
    text = "".join(f"<Session SessionId='{name}'/>" for name in ids)
    redacted = redact(text.encode()).data.decode()
    # Pseudonyms of an earlier redaction stay, and those of one id differ in letter case as its spellings do.
    assert re.findall("'([^']*)'", redacted) == [
        *("Session-1", "session-1", "session-2", "Session-2", "sEssion-2", "session-3"),
    ]


def test_redact_numbers_spellings_beyond_those_of_its_word() -> None:
    ids = [format(number, "08b").replace("0", "a").replace("1", "A") for number in range(200)]
    text = "".join(f"<Session SessionId='{name}'/>" for name in ids)
    pseudonyms = re.findall("'([^']*)'", redact(text.encode()).data.decode())
    assert len(set(pseudonyms)) == len(ids)
    assert pseudonyms[127:129] == ["SESSION-1", "session-1.128"]


def test_redact_hides_as_much_of_a_long_id_as_matches() -> None:
    ids = [f"{'a' * 300}{rest}" for rest in ("bb", "cc", "ccdd")]
    text = "".join(f"<Session SessionId='{name}'/>" for name in ids) + f"<b>{ids[2]}-{ids[0]}-{ids[1]}x</b>"
    expected = "".join(f"<Session SessionId='session-{number}'/>" for number in (1, 2, 3))
    assert redact(text.encode()).data.decode() == f"{expected}<b>session-3-session-1-session-2x</b>"


def test_repr_shows_no_secret() -> None:
    data = f"<Session SessionId='{GUID}'/><Security>secret</Security>".encode()
    pseudonyms = Pseudonyms()
    redacted = redact(data, "a.xml", pseudonyms=pseudonyms)
    shown = [repr(redacted), str(redacted), repr(pseudonyms), *map(str, redacted.changes)]
    assert not any(GUID in text or "secret" in text for text in shown)
    assert repr(pseudonyms) == "Pseudonyms(<1 session id>)"
    assert repr(Pseudonyms()) == "Pseudonyms(<0 session ids>)"


def test_changes_say_what_was_changed() -> None:
    data = f"<Session SessionId='{GUID}'/><Security>secret</Security><a>{GUID}</a>".encode()
    changes = redact(data, "folder/a.xml").changes
    assert changes == (
        Change("folder/a.xml", ChangeKind.SESSION_ID, "session-1", 2),
        Change("folder/a.xml", ChangeKind.ELEMENT, "Security", 1),
    )
    assert [str(change) for change in changes] == [
        "folder/a.xml: a session id is session-1 now (2 times)",
        "folder/a.xml: Security is emptied",
    ]
    assert pickle.loads(pickle.dumps(changes)) == changes


@pytest.mark.parametrize("first", [b"\x1f\x8b", b"\xdf\xff"])
def test_redact_empties_an_unsearchable_message(first: bytes) -> None:
    redacted = redact(first + b"\x01\x02")
    assert redacted.data == b""
    assert [change.kind for change in redacted.changes] == [ChangeKind.UNSEARCHABLE]


def test_redact_empties_a_message_beyond_the_limit() -> None:
    limits = CaptureLimits(max_entry_bytes=10)
    assert redact(b"<a>12345</a>", limits=limits).data == b""
    assert redact(b"<a>123</a>", limits=limits).data == b"<a>123</a>"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_redact_takes_any_buffer(kind: Callable[[bytes], bytes]) -> None:
    assert redact(kind(b"<Session SessionId='abc'/>")).data == b"<Session SessionId='session-1'/>"


def test_redact_with_wrong_arguments_raises_type_error() -> None:
    with pytest.raises(TypeError, match="data must be bytes"):
        redact("<a/>")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="limits must be CaptureLimits"):
        redact(b"<a/>", limits=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pseudonyms must be Pseudonyms"):
        redact(b"<a/>", pseudonyms={})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be bytes"):
        Pseudonyms().learn("<a/>")  # type: ignore[arg-type]


def test_redact_finds_an_id_whose_small_letter_is_longer() -> None:
    # The small letter of U+0130 is two characters.
    redacted = redact("<a SessionId='\u0130d-4711-ab'/><b>no \u0130D-4711-AB</b>".encode())
    assert redacted.data == b"<a SessionId='session-1'/><b>no session-1</b>"


def test_redact_undoes_references_three_deep() -> None:
    redacted = redact(b"SessionId=x-&amp;amp;#52;711-ab; no x-4711-ab")
    assert b"4711" not in redacted.data


def test_redact_that_finds_no_end_returns_nothing() -> None:
    with mock.patch.object(_redact, "_ROUNDS", 1):
        redacted = redact(b"<Session SessionId='4f1c-77aa'/>", "a.xml")
    assert redacted.data == b""
    assert [str(change) for change in redacted.changes] == [
        "a.xml: content that cannot be searched is removed: markup within markup"
    ]


def test_redact_empties_cookies_in_an_array() -> None:
    assert json.loads(redact(b'{"cookies": ["SID=4711-secret", {"name": "a"}]}').data) == {
        "cookies": ["", {"name": "a"}]
    }
