"""The name of a value tells whether it is secret, in any spelling."""

from __future__ import annotations

import pytest

from xmla_headers.captures._redaction.names import Kind, Names, is_random

_KINDS = {
    Kind.ID: "SessionId SESSION_ID session-id ASP.NET_SessionId X-AS-SessionID",
    Kind.SECRET: (
        "Password PASSWORD password2 userPassword access_token AccessToken X-Api-Key apikey client_secret"
        " proxyPass smtp_auth connect.sid otp x-csrf-token JWT SAMLResponse SspiHandshake CustomData Kennwort"
    ),
    Kind.FIELD: "Authorization Proxy-Authorization Cookie Set-Cookie cookie2",
    Kind.CHALLENGE: "WWW-Authenticate Proxy-Authenticate",
    Kind.ITEMS: "Sec-WebSocket-Protocol",
    Kind.LOOSE: "pass pw sas pin sig",
    Kind.KEY: "PRIMARY_KEY AccountKey storage_key_1 private_keys",
    Kind.PARAMETER: "code auth state nonce key sid hash login_hint",
    Kind.ELEMENT: "Security",
}
_NOTHING = (
    "KeyPath MEMBER_KEY TokenizerName token_type PasswordPolicy passwordExpired max_tokens total_tokens"
    " minPasswordLength bypass compass oauth signal codec keyboard SecurityOf CookieConsent user login"
    " UserName Roles secretary"
)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in _KINDS for name in _KINDS[kind].split()])
def test_name_of_a_secret_is_recognised(kind: Kind, name: str) -> None:
    for spelled in (name, name.lower(), name.upper()):
        assert Names().kind(spelled) is kind


@pytest.mark.parametrize("name", _NOTHING.split())
def test_name_of_another_thing_is_not(name: str) -> None:
    assert Names().kind(name) is None


@pytest.mark.parametrize(
    "name", ["UserName", "User ID", "EffectiveUserName", "upn", "roles", "e-mail", "login_name"]
)
def test_names_of_users_are_recognised_on_demand(name: str) -> None:
    assert Names(users=True).kind(name) is Kind.USER
    assert Names().kind(name) is None


@pytest.mark.parametrize("name", ["user", "Login", "MEMBER_KEY", "usage"])
def test_names_that_only_begin_like_users_are_not(name: str) -> None:
    assert Names(users=True).kind(name) is None


def test_names_of_the_user_come_first() -> None:
    names = Names(["Colour-Code", "Roles"], ["password", "Session_ID"])
    assert names.kind("COLOUR_CODE") is names.kind("roles") is Kind.SECRET
    assert names.kind("Password") is names.kind("SessionId") is None


@pytest.mark.parametrize(
    ("kind", "value", "is_secret"),
    [
        *((Kind.SECRET, value, True) for value in ("hunter2", " x ", "12345678", "xsd", "session")),
        *(
            (Kind.SECRET, value, False)
            for value in ("", " ", "true", "NULL", "12345", "****", "xxx", "session-1", "user-2")
        ),
        *((Kind.KEY, value, True) for value in ("x1y2z3x1", "abcdefg1")),
        *((Kind.LOOSE, value, True) for value in ("hunter2", "a1b2c3")),
        *((Kind.LOOSE, value, False) for value in ("a1b2c", "passed", "123456", "of 2 tests")),
        *((Kind.KEY, value, False) for value in ("x1y2z3x", "abcdefgh", "12345678", "a b1c2d3e4", "")),
        *((Kind.PARAMETER, value, True) for value in ("Aa1Bb2Cc3Dd4Ee5Ff6Gg7",)),
        *(
            (Kind.PARAMETER, value, False)
            for value in ("hunter2", "aa1bb2cc3dd4ee5ff6gg7", "Aa1Bb2Cc3Dd4Ee5Ff6")
        ),
        (Kind.ELEMENT, "hunter2", False),
    ],
)
def test_value_of_a_kind_is_a_secret_or_not(kind: Kind, value: str, is_secret: bool) -> None:  # noqa: FBT001
    assert Names().is_secret(kind, value) is is_secret


@pytest.mark.parametrize(("kind", "value"), [(Kind.KEY, "abcdef"), (Kind.PARAMETER, "a")])
def test_parameter_is_a_secret_if_it_is_shorter(kind: Kind, value: str) -> None:
    assert Names().is_secret(kind, value, parameter=True)
    assert not Names().is_secret(kind, value)
    assert not Names().is_secret(Kind.KEY, "abcde", parameter=True)


def test_random_value_has_letters_and_digits_and_no_blank() -> None:
    assert is_random("abcdefgh12345678")
    assert not any(
        map(is_random, ("abcdefgh1234567", "abcdefghijklmnop", "1234567812345678", "abcdefgh 12345678"))
    )
