"""Where the value of a secret ends: nothing after it changes, and nothing of it stays."""

from __future__ import annotations

import html
import json

import pytest

from xmla_headers import captures

from .capture_files import Exchange, har, message
from .each import each

PLAIN = "lantern-tulip"
RANDOM = "Zq7Wx9Kp3LmTulip4711Rt"
REFERENCES = html.escape


def redacted(text: str) -> str:
    return (
        captures.redact(message(body=text)).data.decode().partition("<s:Body>")[2].partition("</s:Body>")[0]
    )


@each(
    ("text", "expected"),
    [
        # A second round reads what the first one has left: no quote may seem to open a value.
        ('<a>Extended Properties="Password=lantern-tulip";x</a>', '<a>Extended Properties="Password=";x</a>'),
        ('<a>{"c": "a=1;Password=lantern-tulip"}</a>', '<a>{"c": "a=1;Password="}</a>'),
        ("<a b=\"x;Password=lantern-tulip\" c='d'/>", "<a b=\"x;Password=\" c='d'/>"),
        ('<a b="1" password="lantern-tulip"/>', '<a b="1" password=""/>'),
        # An object has members with names of their own.
        (
            '<a>{"credential":{"AuthenticationKind":"Key","n":"x"}}</a>',
            '<a>{"credential":{"AuthenticationKind":"Key","n":"x"}}</a>',
        ),
        (
            '<a>{"credential":{"AuthenticationKind":"Key","Key":"Zq7Wx9Kp3LmTulip4711Rt"}}</a>',
            '<a>{"credential":{"AuthenticationKind":"Key","Key":""}}</a>',
        ),
        # The ends of lines stay.
        (
            "<a>-----BEGIN RSA PRIVATE KEY-----\r\nMIIEow\n-----END RSA PRIVATE KEY-----</a>",
            "<a>\r\n\n</a>",
        ),
        ("<Security>\n <b>x</b>\r\n</Security>", "<Security>\n \r\n</Security>"),
        ("<meta name='csrf-token' content='lantern-tulip'/>", "<meta name='csrf-token' content=''/>"),
        # A value without its closing quote ends where its tag or its line does.
        ('<x Password="lantern-tulip/><y a="b"/>', '<x Password="/><y a="b"/>'),
        ('<x Password="lantern\ntulip" a="b"/>', '<x Password="\n" a="b"/>'),
        ('<a>Password="lantern-tulip\nnext line</a>', '<a>Password="\nnext line</a>'),
        ("<a>Data Source=x;Password= lantern-tulip;b=c</a>", "<a>Data Source=x;Password= ;b=c</a>"),
        # Prose.
        ("<a>the secret 'abcdefg1'</a>", "<a>the secret ''</a>"),
        ("<a>the secret is abcdefg1</a>", "<a>the secret is </a>"),
        ("<a>the secret abcdefghijk1 x</a>", "<a>the secret abcdefghijk1 x</a>"),
        ("<a>session id 'abcd-1234' x</a>", "<a>session id 'session-1' x</a>"),
        ("<a>--password lantern x</a>", "<a>--password  x</a>"),
        # Lines of a log.
        ("<a>\nX-Token: lantern-tulip<b/>\n</a>", "<a>\nX-Token: <b/>\n</a>"),
        ("<a>\nX-Password: lantern tulip, user: ann\n</a>", "<a>\nX-Password: , user: ann\n</a>"),
        ("<a>\nX-Password: lantern tulip user=ann\n</a>", "<a>\nX-Password:  user=ann\n</a>"),
        ("<a>CURL -u ann:lantern http://h/</a>", "<a>CURL -u  http://h/</a>"),
        ("<a>xghp_0123456789abcdefghij</a>", "<a>xghp_0123456789abcdefghij</a>"),
    ],
)
def test_redact_ends_a_value_at_its_border(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@each(
    "text",
    [
        "<a>Data Source=x;Pwd=%s</a>",
        "<a>Data Source=x;PASSWORD = '%s';x=1</a>",
        '<a>Extended Properties="Password=%s";x</a>',
        "<a>Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=%s</a>",
    ],
)
def test_redact_ends_a_value_at_escaped_markup(text: str) -> None:
    # A log holds the message with references: the semicolon of one is no separator.
    around = "<Event><TextData>%s</TextData></Event>"
    data = around % REFERENCES(message(body=text % RANDOM).decode())
    expected = around % REFERENCES(message(body=text % "").decode())
    assert captures.redact(data.encode()).data.decode() == expected


@pytest.mark.parametrize("folded", ["Cookie: a=b\r\n\tc=d\r\n", "X-Token: lantern\r\n tulip\r\n"])
def test_redact_keeps_the_lines_of_a_folded_field(folded: str) -> None:
    data = f"POST / HTTP/1.1\r\n{folded}Content-Length: 4\r\n\r\n<a/>"
    made = captures.redact(data.encode()).data.decode()
    blank = folded.partition("\r\n")[2][0]
    assert (
        made == f"POST / HTTP/1.1\r\n{folded.partition(':')[0]}: \r\n{blank}\r\nContent-Length: 4\r\n\r\n<a/>"
    )


FIELDS = {
    "X-Api-Key": PLAIN,
    "Api-Key": PLAIN,
    "apikey": PLAIN,
    "X-PowerBI-ResourceKey": "6f0c1c5e-1d0e-4c11-9a0d-0123456789ab",
    "Ocp-Apim-Subscription-Key": RANDOM,
    "x-functions-key": RANDOM,
    "Authentication-Info": f'nextnonce="{RANDOM}"',
    "X-Hub-Signature-256": f"sha256={RANDOM}",
    "Authorization": 'Digest username="a", realm="r", nonce="n", response="6629fae49393a05397450978507c4ef1"',
}


@each("name", FIELDS)
def test_redact_empties_a_field_wherever_it_is_logged(name: str) -> None:
    field, secret = f"{name}: {FIELDS[name]}", FIELDS[name].rpartition("=")[2].strip('"')
    envelope = message().decode()
    for text in (
        f"POST / HTTP/1.1\r\n{field}\r\nContent-Length: {len(envelope)}\r\n\r\n{envelope}",
        f"2026-01-01 10:00:00 INFO sending\n{field}\n{envelope}\n",
        f"2026-01-01 10:00:00 DEBUG header {field}\n{envelope}\n",
        f"> POST / HTTP/1.1\n> {field}\n>\n{envelope}\n",
    ):
        made = captures.redact(text.encode()).data.decode()
        assert secret not in made
        assert made.count("\n") == text.count("\n")


@each(
    ("name", "value"),
    [
        *((name, PLAIN) for name in ("apiKey", "api_key", "x-api-key", "user[password]")),
        *(
            (name, RANDOM)
            for name in ("device_code", "authCode", "code_verifier", "signature", "sig", "code")
        ),
        *((name, RANDOM) for name in ("session_state", "ticket", "nonce", "wresult", "RelayState", "bearer")),
    ],
)
def test_redact_empties_a_member_wherever_the_json_is(name: str, value: str) -> None:
    written = json.dumps({"a": 1, name: value})
    exchange = Exchange(message(), message())
    for data in (
        har([exchange], lambda log: log["log"]["entries"][0].update(_meta={name: value})),
        har([exchange], lambda log: log["log"]["entries"][0].update(_webSocketMessages=[{"data": written}])),
        message(body=f"<a>{REFERENCES(written)}</a>"),
        written.encode() + b"\n" + message(),
    ):
        assert value.encode() not in captures.redact(data).data


@each("text", ["SecretaryName", "SecretarialPool", "CookieSales", "CODE", "State", "Key"])
def test_redact_keeps_an_element_that_only_looks_secret(text: str) -> None:
    body = f"<{text}>Ann-1234567</{text}>"
    assert redacted(body) == body


@each(
    "text",
    [
        '<a>Password=\n"lantern"</a>',
        "<a>token: wrong or missing</a>",
        "<a>the token 'missing' and the secret abcdefghij1, the code abcdefghijk1</a>",
        "<a>the session id 12345678 and the session id unknown-one</a>",
        "<a>a program -P lantern, a command -p lantern</a>",
    ],
)
def test_redact_takes_no_prose_for_secrets(text: str) -> None:
    assert redacted(text) == text


def test_redact_keeps_what_stands_for_no_user() -> None:
    for text in ('{"userName": "<none>"}', '{"userName": " "}', '<a UserName="&lt;none&gt;"/>'):
        assert captures.redact(text.encode(), insist=True, users=True).changes == ()


def test_secret_that_another_one_kept_apart_is_found() -> None:
    # A name and its value are read if they are near, and they are after a secret between them has gone.
    text = (
        f"<Name>Password</Name>{'<a>x</a>' * 80}<Token>{'a1' * 200}</Token>{'<a>x</a>' * 70}"
        "<Value>lantern-tulip</Value>"
    )
    data = har([Exchange(message(body=text), message())])
    found = captures.redact(data)
    assert b"lantern" not in found.data
    assert captures.redact(found.data).changes == ()


def test_whole_value_of_a_header_field_is_hidden() -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nX-Token: %b\r\nContent-Length: 4\r\n\r\n<a/>"
    assert captures.redact(head % b"lan<tern> b: c, d=e").data == head % b""


_ENVELOPE = message().decode()


@each(
    ("text", "expected"),
    [
        # The element of an id without its end.
        (
            "got <SessionId>abc123-77\n2026 INFO one\n2026 INFO two\n",
            "got <SessionId>session-1\n2026 INFO one\n2026 INFO two\n",
        ),
        ("got <SessionId>\n abc123-77\n</SessionId> x\n", "got <SessionId>\n session-1\n</SessionId> x\n"),
    ],
)
def test_id_without_an_end_tag_has_one_line(text: str, expected: str) -> None:
    data = (text + _ENVELOPE + "\n").encode()
    assert captures.redact(data).data == (expected + _ENVELOPE + "\n").encode()


def _json(value: object) -> str:
    data = json.dumps({"log": {"entries": [{"x": value}, {"x": value}]}}).encode()
    found = captures.redact(data).data
    assert captures.redact(found).data == found
    first, second = (entry["x"] for entry in json.loads(found)["log"]["entries"])
    assert first == second
    return json.dumps(first)


@each(
    ("value", "expected"),
    [
        ({"name": "Authorization", "values": ["lantern"]}, {"name": "Authorization", "values": [""]}),
        ({"name": "Cookie", "value": ["lantern"]}, {"name": "Cookie", "value": [""]}),
        ({"name": "Cookie", "value": {"raw": "lantern"}}, {"name": "Cookie", "value": {"raw": ""}}),
        ({"password": {"value": "lantern", "x": "y"}}, {"password": {"value": "", "x": "y"}}),
        ({"password": [["lantern"], [{"value": "lantern"}]]}, {"password": [[""], [{"value": ""}]]}),
        ({"password": "", "y": {"value": "lantern"}}, {"password": "", "y": {"value": "lantern"}}),
        (["Authorization: Bearer abc1", "Accept: text/xml"], ["Authorization: ", "Accept: text/xml"]),
        (["Authorization:", "Accept: text/xml"], ["Authorization:", "Accept: text/xml"]),
        (["token=abc123456789", "path"], ["token=", "path"]),
        ({"value": "Sales", "name": "X-Auth: abc12345678"}, {"value": "Sales", "name": "X-Auth: "}),
        ({"cookies": [{"name": "a", "data": "lantern"}]}, {"cookies": [{"name": "a", "data": ""}]}),
        ({"Cookies": {"x": "lantern"}}, {"Cookies": {"x": ""}}),
        (["x:password", "lantern"], ["x:password", ""]),
        (["Shared Access Key", "lantern1"], ["Shared Access Key", ""]),
    ],
)
def test_redact_ends_a_value_of_json_at_its_border(value: object, expected: object) -> None:
    assert _json(value) == json.dumps(expected)


@each(
    "text",
    [
        "<a>server allows Basic Authentication only, use Bearer auth_token</a>",
        "<a>Basic Calculation1 = x</a>",
        "<a>Bearer authentication-scheme required, ntlm authenticationfailed1</a>",
    ],
)
def test_redact_keeps_the_names_of_schemes(text: str) -> None:
    assert redacted(text) == text


@each(
    "name",
    [
        *(
            "Passwort",
            "contraseña",
            "senha",
            "wachtwoord",
            "cam_passport",
            "CAMPassport",
            "MYSAPSSO2",
            "CASTGC",
        ),
        *(
            "SAP_SESSIONID_ABC_100",
            "sap-contextid",
            "X-Qlik-Session",
            "DWSession",
            "SMSESSION",
            "__VIEWSTATE",
        ),
    ],
)
def test_names_of_the_field_tell_secrets(name: str) -> None:
    for text in (
        f'{{"{name}": "lantern"}}',
        f"x?{name}=lantern&a=b",
        f"<a {name}='lantern'/>",
        f"<{name}>lantern</{name}>",
    ):
        if not text.startswith("<") or text.isascii():
            assert "lantern" not in redacted(f"<a>{text}</a>"), text


@each(
    "secret",
    [
        f"npm_{'a1B2' * 9}",
        f"hvs.{'a1B2' * 9}",
        f"glsa_{'a1B2' * 9}",
        f"SG.{'a1B2' * 5}.{'a1B2' * 9}",
        f"sk-proj-{'a1B2' * 9}",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
)
def test_shapes_of_keys_are_secrets(secret: str) -> None:
    assert redacted(f"<a>of {secret} x</a>").replace("\n", "") == "<a>of  x</a>"


def test_escaped_name_of_a_member_tells_a_secret() -> None:
    data = b'{"log": {"entries": [{"pass\\u0077ord": "lantern", "plain": "lantern"}]}}'
    expected = data.replace(b'"lantern", ', b'"", ')
    assert captures.redact(data).data == expected


_GUID = "4f1cab77-9d3e-4a11-8e00-c0ffee123456"


@each(
    ("text", "expected"),
    [
        # The end of a comment, a section or an instruction is no part of a value.
        ("<!--token=abcdefg12345--><a/>", "<!--token=--><a/>"),
        (f"<!--SessionId={_GUID}--><a/>", "<!--SessionId=session-1--><a/>"),
        (f"<!--session id {_GUID}--><a/>", "<!--session id session-1--><a/>"),
        ("<!--Bearer abcdefg12345--><a/>", "<!--Bearer --><a/>"),
        ("<!--Authorization: Bearer abcdefg12345--><a/>", "<!--Authorization: --><a/>"),
        ("<!--\nX-Token: abcdefg12345--><a/>", "<!--\nX-Token: --><a/>"),
        ("<!--Server=h;Password=lantern--><a/>", "<!--Server=h;Password=--><a/>"),
        ("<!--curl -u ann:lantern--><a/>", "<!--curl -u --><a/>"),
        ("<!--the password is abcdefg12345--><a/>", "<!--the password is --><a/>"),
        ("<![CDATA[Server=h;Password=lantern]]><a/>", "<![CDATA[Server=h;Password=]]><a/>"),
        ("<![CDATA[\nCookie: a=lantern]]><a/>", "<![CDATA[\nCookie: ]]><a/>"),
        ("<Security><!-- x --><b/></Security>", "<Security></Security>"),
        # An id that a fault names has its pseudonym.
        (f"<a>Session '{_GUID}' cannot be found</a>", "<a>Session 'session-1' cannot be found</a>"),
        (f'<a>The session "{_GUID}" is gone</a>', '<a>The session "session-1" is gone</a>'),
        (f"<a>session {_GUID} is gone</a>", "<a>session session-1 is gone</a>"),
    ],
)
def test_redact_keeps_the_ends_of_markup(text: str, expected: str) -> None:
    known = f"<Session SessionId='{_GUID}'/>"
    assert redacted(known + text) == known.replace(_GUID, "session-1") + expected


def test_redact_ends_a_value_at_the_end_of_an_instruction() -> None:
    assert captures.redact(b"<?pi token=abcdefg12345?><a/>").data == b"<?pi token=?><a/>"


@each(
    "line",
    [
        "* Server auth using Basic with user 'ann'\n> POST / HTTP/1.1\n> Host: h\n",
        '2026-11-20 10:00:00 name="ann" > sent\n',
        'INFO the name "ann"> sent\n',
    ],
)
def test_redact_keeps_the_first_lines_of_a_log(line: str) -> None:
    data = (line + _ENVELOPE + "\n").encode()
    assert captures.redact(data).changes == ()


def test_redact_looks_as_deep_as_a_capture_is_read() -> None:
    text = f'<x SessionId="{_GUID}" Password="lantern"/>' + _ENVELOPE
    for _ in range(4):
        text = html.escape(text, quote=False).replace('"', "&quot;")
        found = captures.redact(f"2026-11-20T10:00:00Z sent {text}\n".encode()).data
        assert _GUID.encode() not in found
        assert b"lantern" not in found


def test_entries_within_an_entry_end_no_part() -> None:
    inner = {"name": "Password", "k": [{"name": 1}, {"name": 2}], "value": "lantern"}
    first = {"name": "a", "request": {}, "pad": "x" * 300_000, "q": inner}
    data = json.dumps({"log": {"entries": [first, {"name": "b"}]}}).encode()
    assert captures.redact(data).data == data.replace(b"lantern", b"")
