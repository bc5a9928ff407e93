"""Redaction is the same if it remembers nothing and searches every word."""

from __future__ import annotations

import json
import pickle
import re
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.scenes import Scene
from xmla_headers.captures import redact
from xmla_headers.captures._redaction import names
from xmla_headers.captures._redaction.editor import Learner
from xmla_headers.captures._redaction.escapes import fold
from xmla_headers.captures._redaction.names import Names
from xmla_headers.captures._redaction.pseudonyms import Coded, Needles, Table, _runs
from xmla_headers.captures._redaction.secrets import find

if TYPE_CHECKING:
    from collections.abc import Iterator

_GUID = "4f1c77aa-90ab-4cde-8f01-23456789abcd"
_WORDS = st.sampled_from(
    (
        *(
            "password",
            "Password",
            "key",
            "PRIMARY_KEY",
            "MEMBER_KEY",
            "api-key",
            "token",
            "EmbedToken",
            "Session",
        ),
        *(
            "SessionId",
            "pass",
            "bypass",
            "auth",
            "author",
            "code",
            "sig",
            "signal",
            "state",
            "securityOf",
            "Security",
        ),
        *(
            "Shared",
            "Access",
            "Key",
            "User",
            "ID",
            "Name",
            "Bearer",
            "Basic",
            "NTLM",
            "eyJhbGci.eyJzdWIi.c2ln",
        ),
        *(
            "-----BEGIN",
            "PRIVATE",
            "ghp_0123456789abcdefghij",
            "AKIA0123456789ABCDEF",
            _GUID,
            "clé",
            "é",
            "漢字",
            "ſ",
        ),
        *(
            "dXNlcjpwYXNzd29yZA==",
            "hunter2hunter2",
            "x1y2z3x1y2z3",
            "12345",
            "a" * 90,
            "token" * 20,
            "tokené",
            "K",
            "İ",
        ),
    )
)
_SIGNS = st.sampled_from(
    (
        *(
            " ",
            "=",
            ":",
            ": ",
            " = ",
            "\n",
            "\r\n",
            ";",
            "&",
            "?",
            '"',
            "'",
            '="',
            "='",
            "<",
            "</",
            ">",
            "/>",
            "><",
        ),
        *(
            "</a><a>",
            '": "',
            '", "',
            ".",
            "-",
            "_",
            "$",
            "?a=",
            "&amp;",
            "&#61;",
            "%3D",
            "\\u003d",
            "\0",
            "<!--",
            "-->",
        ),
    )
)
# Long enough for its words to be judged one by one.
_LONG = " of the rowset" * 20
_TEXTS = st.lists(st.tuples(_WORDS, _SIGNS), max_size=24).map(lambda parts: "".join(map("".join, parts)))


class _EveryHit(Names):
    """Names that are searched for wherever a part of one stands."""

    def hits(self, lower: str) -> Iterator[re.Match[str]]:
        yield from self._pattern.finditer(lower)


@given(_TEXTS, st.booleans(), st.booleans())
@example("<PRIMARY_KEY>x1y2z3x1y2z3</PRIMARY_KEY>" * 2, False, False)
@example("password=1 <password>hunter2</password> Basic dXNlcjpwYXNz", False, False)
@example("authoréization: hunter2hunter2", False, True)
@example('<a n="Password" v="hunter2"/><Password>hunter2</Password>', True, False)
def test_words_are_judged_as_the_search_for_each_part_of_a_name(
    text: str,
    users: bool,  # noqa: FBT001 - drawn
    in_head: bool,  # noqa: FBT001 - drawn
) -> None:
    text += _LONG
    fast, slow = Names(["clé", "sig-nal"], users=users), _EveryHit(["clé", "sig-nal"], users=users)
    for _ in range(2):  # The second time the words are known.
        assert sorted(find(text, fast, (), head=in_head)) == sorted(find(text, slow, (), head=in_head))


@pytest.mark.parametrize(
    "text",
    [
        "Auth Key=x1y2z3x1y2z3;",
        "MEMBER_KEY access key = x1y2z3x1y2z3; member_key Access Signature=x1y2z3x1",
        "y\u2026code=Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8",
        f"max{'a' * 120}token=hunter2",
        "ghp_0123456789abcdefghij and <ghp_0123456789abcdefghijk/><ghp_0123456789abcdefghijk>" * 2,
        "<ghp_0123456789abcdefghijk><ghp_0123456789abcdefghijk></ghp_0123456789abcdefghijk>",
        "Basic dXNlcjpwYXNzd29yZA== and NTLM TlRMTVNTUAADAAAAGAAY",
        "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
        "session id 4f1c77aa-90ab",
        "<a:Password>hunter2</a:Password><Password>hunter3</Password>password=hunter4",
    ],
)
def test_strange_words_are_found_with_a_memory(text: str) -> None:
    expected = sorted(find(text + _LONG, _EveryHit(), ()))
    known = Names()
    for _ in range(2):
        assert sorted(find(text + _LONG, known, ())) == expected != []


def test_more_words_than_are_searched_for_are_found() -> None:
    text = " ".join(f"token{number}x=secret{number}value" for number in range(100))
    assert len(find(text, Names(), ())) == len(find(text, _EveryHit(), ())) == 100


def test_judged_words_are_forgotten_if_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_MOST", 10)
    known = Names()
    for number in range(30):
        assert [*known.hits(f"x{number} password=a{number} {_LONG}")]
    assert len(known._silent) < 20


def test_names_are_the_same_in_another_process() -> None:
    known = Names(["Color"], ["Password"], users=True)
    copy = pickle.loads(pickle.dumps(known))
    for name in ("color", "password", "UserName", "token", "Name"):
        assert copy.kind(name) is known.kind(name)


@given(st.text(alphabet="09afzAZ+/_- .é漢\0", max_size=80).map(fold))
@example("0" * 16)
@example("é" + "a/" * 8 + "漢")
def test_long_runs_are_those_of_the_letters_of_base64(folded: str) -> None:
    assert [*_runs(folded)] == [match.span() for match in re.finditer("[0-9a-z+/_-]{16,}", folded)]


@given(
    st.lists(
        st.sampled_from((_GUID, "-", "4f1c77aa", "90ab", "-4cde-", "23456789abcd", " ", "z")), max_size=12
    )
)
@example(["23456789abcd", "-", _GUID, "-", "90ab"])
def test_guids_are_found_wherever_they_stand(parts: list[str]) -> None:
    folded = "".join(parts)
    found = Needles({_GUID: _GUID}, Coded({}, {}), "session-id").find(folded + " ")
    assert [place[:2] for place in found] == [match.span() for match in re.finditer(_GUID, folded)]


@pytest.mark.parametrize("identifier", [_GUID, _GUID.upper(), _GUID.replace("-", ""), "ID_8f1c?2b>a~77ÿ"])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_coded_id_is_found_wherever_it_begins(identifier: str, before: str, encoding: str) -> None:
    needles = _needles(identifier)
    packed, size = f"{before}{identifier}xyz".encode(encoding), len(identifier.encode(encoding))
    coded = {
        b64encode(packed): size * 4 / 3,
        urlsafe_b64encode(packed): size * 4 / 3,
        packed.hex().encode(): size * 2,
    }
    for text, length in coded.items():
        found = [*needles.find(fold(f"see {text.decode()}. {text.decode()}"))]
        # The first and the last letters depend on the text around, too.
        assert len(found) == 2
        assert all(end - start > length - 3 for start, end, _ in found)


@pytest.mark.parametrize("identifier", [_GUID, _GUID.upper(), _GUID.replace("-", "")])
def test_guid_is_found_in_any_form(identifier: str) -> None:
    needles = _needles(identifier)
    for form in (_GUID, _GUID.replace("-", ""), _GUID.upper(), f"x-{_GUID}", f"{{{_GUID}}}"):
        found = [*needles.find(fold(f"see {form}. And {form}"))]
        assert len({place[:2] for place in found}) == 2, form
    assert [*needles.find(_GUID.replace("4f1c", "4f1d"))] == [*needles.find("0123456789abcdef" * 3)] == []


@pytest.mark.parametrize("cut", range(6, 40))
def test_id_that_is_cut_off_at_the_end_is_found(cut: int) -> None:
    for identifier in (_GUID, "id-" + "x1y2" * 12):
        begun = identifier[:cut]
        found = _needles(identifier).find(f"of {begun}")
        assert {place[:2] for place in found} == {(3, 3 + len(begun))}


def _needles(identifier: str) -> Needles:
    table = Table()
    table.add(identifier)
    return table.needles()


_VALUES: dict[str, Any] = {
    "plain": {"name": "Accept", "value": "*/*"},
    "secret": {"name": "Authorization", "value": "hunter2hunter2"},
    "id": {"name": "X", "value": f"<Session SessionId='{_GUID}'/>"},
    "quoted": {"name": "X", "value": f"of {_GUID.upper()}"},
    "cookies": [{"name": "a", "value": "hunter2hunter2"}],
    "same": {"name": "a", "value": "hunter2hunter2"},
    "pair": ["password", "hunter2hunter2"],
    "items": ["x", "hunter2hunter2"],
    "nested": {"plain": {"name": "Accept", "value": "*/*"}, "items": ["x"]},
}


@given(
    st.lists(
        st.tuples(st.sampled_from(("headers", "cookies", "password", "x")), st.sampled_from([*_VALUES])),
        max_size=12,
    )
)
@example([("x", "same"), ("cookies", "cookies"), ("x", "same"), ("x", "cookies")])
@example([("x", "items"), ("password", "items"), ("x", "quoted"), ("x", "id")])
def test_equal_containers_are_searched_where_their_names_differ(
    pairs: list[tuple[str, str]],
) -> None:
    entries = [{"startedDateTime": "2026-11-20", member: _VALUES[value]} for member, value in pairs]
    told = {"comment": f"of {_GUID} and password=hunter2hunter2 {'x' * 2_000}", "name": "password"}
    log = {"log": {**told, "entries": entries, "value": "hunter2hunter2"}}
    for data in (json.dumps(log), json.dumps([entries, entries], indent=1)):
        expected = _remembering_nothing(data.encode())
        assert redact(data.encode(), insist=True).data == expected
        with pytest.MonkeyPatch.context() as patch:
            # Each entry is a part.
            patch.setattr("xmla_headers.captures._formats.har._SIZE", 1)
            assert redact(data.encode(), insist=True).data == expected


def _remembering_nothing(data: bytes) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        room = "xmla_headers.captures._redaction"
        patch.setattr(f"{room}.json_strings._LONGEST_SEEN", -1)
        patch.setattr(f"{room}.editor._MOST_CLEAN", 0)
        patch.setattr(f"{room}.names._MOST_TEXTS", 0)
        patch.setattr(f"{room}.names._LONG", 1 << 60)
        return redact(data, insist=True).data


def test_redaction_is_the_same_if_it_remembers_nothing() -> None:
    scene = Scene()
    scene.healthy(1)
    scene.entries[0]["request"]["headers"].append({"name": "Authorization", "value": "Bearer abc.def1"})
    scene.entries[0]["comment"] = "password=hunter2 token=hunter3"
    found = redact(scene.har(), "a.har").data
    assert found == _remembering_nothing(scene.har())
    assert b"hunter" not in found


def test_containers_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmla_headers.captures._redaction.json_strings._MOST_SEEN", 3)
    made: list[Learner] = []

    class Watched(Learner):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr("xmla_headers.captures._redact.Learner", Watched)
    entries = [{"name": f"{number}", "value": "x" * number} for number in range(100)]
    alike = [{"a": "x" * 64, "b": number} for number in range(100)]
    data = json.dumps([*entries, {"name": "Password", "value": "hunter2"}, *entries, *alike]).encode()
    assert redact(data, insist=True).data == data.replace(b"hunter2", b"")
    assert made
    for learner in made:
        assert 0 < len(learner.seen) <= 3
        assert max(map(len, learner.seen.values())) <= 4
