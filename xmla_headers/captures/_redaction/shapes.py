"""Knows the secrets that show by their shape alone."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AUTHORIZATION", "FIRST", "TOKEN", "is_text", "shape_at", "shaped"]

_BASE64 = r"[A-Za-z0-9+/_-]"
# Letters of both cases and digits: no word has them.
_CODED = "".join(rf"(?=[^\s\"'<>{each}]{{0,200}}[{each}])" for each in ("0-9", "A-Z", "a-z"))
AUTHORIZATION = re.compile(
    r"[A-Za-z][\w-]{1,40}+[ \t]++(?:\w{1,40}+=\"[^\"\r\n<>]*+\"|[^\s\"'<>\\]++)"
    r"(?:,[ \t]*\w+=\"?[^\s\"'<>\\]++\"?)*+|[^\s\"'<>\\]++"
)
"""A value of Authorization within a line: a scheme and a token, or a token."""

TOKEN = re.compile(r" +(?P<secret>(?=[A-Za-z]{0,200}\d)[\w.~+/=-]{12,}+)")
"""A token after the name of a scheme such as EmbedToken."""

# The first letters of a shape in lower case, the pattern in the text from there on, and its description. The
# group `secret` is the secret, if it is not the whole.
_TABLE = (
    ("eyj", r"eyJ[\w-]{2,}={0,2}\.[\w-]{2,}={0,2}\.[\w-]*+={0,2}(?:\.[\w-]*+){0,2}", "a JSON Web Token"),
    (
        "bearer ",
        r"(?i:bearer) +(?P<secret>(?=[^\s\"'<>,;]{0,200}\d)[\w.~+/=%-]{6,}+)",
        "a bearer token",
    ),
    (
        "basic ",
        r"(?i:basic) +(?P<secret>(?=[^\s\"'<>]{0,200}[A-Z\d=])[A-Za-z0-9+/]{6,}={0,2}(?![\w-]))",
        "user and password in base64",
    ),
    (
        "negotiate ",
        rf"(?i:negotiate) +(?P<secret>(?=[^\s\"'<>]{0, 200}[A-Z\d=]){_BASE64}{{12,}}={{0,2}})",
        "a token of a handshake",
    ),
    ("sharedkey ", r"(?i:sharedkey) +\w+:(?P<secret>[\w+/=-]{12,}+)", "a signature"),
    ("ntlm ", rf"(?i:ntlm) +(?P<secret>{_CODED}{_BASE64}{{12,}}={{0,2}})", "a token of a handshake"),
    ("kerberos ", rf"(?i:kerberos) +(?P<secret>{_CODED}{_BASE64}{{16,}}={{0,2}})", "a token of a handshake"),
    ("tlrmtvntu", rf"TlRMTVNTU{_BASE64}{{8,}}={{0,2}}", "a token of a handshake"),
    ("yii", rf"YII{_BASE64}{{60,}}={{0,2}}", "a token of a handshake"),
    (
        "-----begin",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.{0,10000}?(?:-----END [A-Z ]{0,40}-----|\Z)",
        "a private key",
    ),
    ("akia", r"AKIA[0-9A-Z]{16}\b", "a key of AWS"),
    ("asia", r"ASIA[0-9A-Z]{16}\b", "a key of AWS"),
    ("ghp_", r"ghp_\w{20,}", "a token of GitHub"),
    ("gho_", r"gho_\w{20,}", "a token of GitHub"),
    ("ghs_", r"ghs_\w{20,}", "a token of GitHub"),
    ("github_pat_", r"github_pat_\w{20,}", "a token of GitHub"),
    ("glpat-", r"glpat-[\w-]{16,}", "a token of GitLab"),
    ("xox", r"xox[abeoprs]-[\w-]{10,}", "a token of Slack"),
    ("aiza", r"AIza[\w-]{30,}", "a key of Google"),
    ("ya29.", r"ya29\.[\w-]{16,}", "a token of Google"),
    ("sk_live_", r"sk_live_\w{16,}", "a key of Stripe"),
    ("npm_", r"npm_\w{30,}", "a token of npm"),
    ("hvs.", r"hvs\.[\w-]{20,}", "a token of Vault"),
    ("glsa_", r"glsa_\w{20,}", "a token of Grafana"),
    ("sg.", r"SG\.[\w-]{16,}\.[\w-]{16,}", "a key of SendGrid"),
    ("sk-", rf"sk-{_CODED}[\w-]{{20,}}", "a key of an interface"),
    ("dapi", r"dapi[0-9a-f]{32}", "a token of Databricks"),
)
_SHAPES = {first: (re.compile(pattern, re.DOTALL), what) for first, pattern, what in _TABLE}
FIRST = frozenset(_SHAPES)
"""The first letters of shapes, in lower case."""
_BEGUN: dict[str, list[str]] = {}
for _first in _SHAPES:
    _BEGUN.setdefault(_first[:3], []).append(_first)

# RFC 3986 section 3.2.1.
_USER_INFORMATION = re.compile(r"://([^/\s\"'<>@?#\\]{1,256})@")
# The key of a storage account: 64 bytes in base64.
_STORAGE = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![=\w])")
# The value of an option. One space only: where a value is emptied, two are left, and the next word is none.
_ARGUMENT = r"(?:'(?P<single>[^'\r\n]++)|\"(?P<double>[^\"\r\n]++)|(?P<bare>[^\s\"'<>|;&-][^\s\"'<>|;&]*+))"
# Words of command lines, and the options of the programs with credentials: curl, sqlcmd, ascmd and mysql.
_OPTIONS = {
    "curl": re.compile(
        r"(?<=\s)(?:-[uUb]|--(?:proxy-)?user|--cookie|--oauth2-bearer|--(?:proxy-)?pass"
        rf"|--tls(?:user|password))(?: |=|(?=[^\s:\"']{{1,60}}:)){_ARGUMENT}"
    ),
    "cmd ": re.compile(rf"(?<=\s)-P ?{_ARGUMENT}"),
    "mysql": re.compile(rf"(?<=\s)-p ?{_ARGUMENT}"),
}


def is_text(data: bytes) -> bool:
    """Return whether bytes are text in UTF-8."""
    try:
        data.decode()
    except ValueError:
        return False
    return True


def _is_basic(value: str) -> bool:
    """Return whether a value is the base64 of a user and a password (RFC 7617)."""
    value = value.rstrip("=")
    return b":" in b64decode(value[: len(value) - (len(value) % 4 == 1)] + "==")


def shape_at(text: str, lower: str, start: int) -> tuple[int, int, str] | None:
    """Return the start and end of the secret whose shape begins at an offset, and its description."""
    for first in _BEGUN.get(lower[start : start + 3], ()):
        if lower.startswith(first, start) and not (start and text[start - 1].isalnum()):
            pattern, what = _SHAPES[first]
            match = pattern.match(text, start)
            if match is not None and (first != "basic " or _is_basic(match["secret"])):
                return *match.span("secret" if "secret" in pattern.groupindex else 0), what
    return None


def shaped(text: str, lower: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start and end of each secret whose shape begins with a sign, and its description."""
    if "@" in text:
        for match in _USER_INFORMATION.finditer(text):
            yield *match.span(1), "the user information of a URL"
    if "==" in text:
        for match in _STORAGE.finditer(text):
            # Text in base64 is searched where it is decoded.
            if not is_text(b64decode(match[0])) and not match[0].startswith("H4sI"):
                yield *match.span(), "a key of 64 bytes"
    for word, options in _OPTIONS.items():
        if word in lower:
            for match in options.finditer(text):
                yield *match.span(match.lastgroup or 0), "an option with a password"
