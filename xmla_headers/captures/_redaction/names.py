"""Knows which names tell a secret: names of header fields, elements, attributes, parameters and members."""

from __future__ import annotations

import re
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from xmla_headers.session_headers import SESSION_BLOCKS

from .shapes import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .edits import Edit

__all__ = ["IDENTIFIER", "Kind", "Names", "any_of", "is_random"]


class Kind(Enum):
    """The kinds of names, by their values."""

    ID = "id"
    """The value is a session id."""
    SECRET = "secret"  # noqa: S105 - a kind
    """The value is a credential."""
    FIELD = "field"
    """The whole value of the header field is a credential."""
    CHALLENGE = "challenge"
    """The value may have a token of a handshake in it (RFC 9110 section 11.6.1)."""
    ITEMS = "items"
    """The value is a list, and an item that looks like a key is a credential."""
    LOOSE = "loose"
    """The value is a credential if it has letters and digits: words of prose have such names, too."""
    KEY = "key"
    """The value is a credential if it looks like one: attributes of cubes have such names, too."""
    PARAMETER = "parameter"
    """The value is a credential in the query of a URL and in a form."""
    ELEMENT = "element"
    """The content of an element of this name is a credential."""
    USER = "user"
    """The value names a user."""


# Names are compared in lower case and without separators.
_PARTS = re.compile(r"[^a-z0-9]+")

# The attributes that are ids by the schema: SESSION_ID, session-id and ASP.NET_SessionId match as well.
_PARTS_OF = sorted(
    {
        tuple(re.findall("[A-Z]?[a-z]+", attribute.name))
        for block in SESSION_BLOCKS.values()
        for attribute in block.spec.attributes
        if attribute.identifier
    }
)
IDENTIFIER = "|".join("[-_.]?".join(parts) for parts in _PARTS_OF)
"""A pattern of the names of ids, which ignores letter case."""
_IDENTIFIERS = tuple("".join(parts).lower() for parts in _PARTS_OF)
_FIELDS = frozenset(("authorization", "proxyauthorization", "cookie", "cookie2", "setcookie", "setcookie2"))
_CHALLENGES = frozenset({"wwwauthenticate", "proxyauthenticate"})
# Where browsers may set no other field, tokens are names of protocols.
_LISTS = frozenset({"secwebsocketprotocol"})

# A name with one of these in it is that of a secret ...
_ROOTS = (
    *("token", "secret", "password", "passwd", "passwrd", "pwd", "passphrase", "passcode", "credential"),
    *("authorization", "authenticationinfo", "authinfo", "extauth", "authdata", "cookie", "csrf", "xsrf"),
    *("assertion", "samlresponse", "samlrequest", "samlart", "jwt", "sspihandshake", "clientprincipal"),
    *("signaturevalue", "ciphervalue", "onetimepass", "customdata", "clientcert", "contrasena", "kennwort"),
    *("xamzsignature", "oauthsignature", "hubsignature", "sessionkey", "phpsessid", "aspsession", "estsauth"),
    *("apikey", "devicecode", "authcode", "authorizationcode", "codeverifier", "iplanetdirectory"),
    *(
        "passwort",
        "senha",
        "wachtwoord",
        "contrasea",
        "campassport",
        "mysapsso",
        "sapsessionid",
        "sapcontextid",
    ),
    *("qliksession", "dwsession", "smsession", "castgc", "viewstate"),
    *("antiforgery", "spoidcrl", "aisession", "accesssignature", "bindpw", "userpw", "usercert"),
)
# ... unless this follows, in the plural or not.
_HARMLESS = re.compile(
    r"s?(?:i[sz]|type|kind|name|ur[il]|endpoint|polic|expir|len|count|size|life|format|provider|requir|enabl|hint"
    r"|age|alg|limit|max|min|mode|version|status|error|date|time|path|field|issue[rd]|aud|scope|loca|usage|index"
    r"|ar(?:y|ies|ial)|sale|strength|method|missing|change|last|domain|class|label|consent|audience|column"
    r"|dimension|group|rules?\Z)"
)
# Names of numbers begin like this.
_COUNTS = ("max", "min", "num", "total", "count")
# Names that end like this.
_ENDS = (
    "auth",
    "creds",
    "pass",
    "apikey",
    "connectsid",
    "rtfa",
    "sessid",
    "requestverification",
    "otp",
    "passw",
)
# Keys, by the word before "key".
_KEY = re.compile(
    r"(?:api|access|account|shared|secret|private|master|functions?|resource|subscription|signing|encryption"
    r"|storage|host|auth|service|client|license|app|deploy|admin|priv|db|database|sas|primary|secondary|webhook)"
    r"keys?\d?\Z|\A(?:x|ocp)\w*key\Z|(?:ticket|signature|authentication|appcheck)\Z"
)
_PARAMETERS = frozenset(
    (
        "code bearer sig sign signature state sessionstate nonce ticket hmac key sid auth assertion pass "
        "pw hash sso saml mfacode idtokenhint wresult relaystate wctx codeverifier devicecode "
        "usercode sessiondatakey clientinfo loginhint"
    ).split()
)
# Names of passwords and of other things.
_LOOSE = frozenset({"pass", "pw", "sas", "sig", "pin", "passkey"})
_USERS = re.compile(
    r"(?:.*(?:user|username|userid|usernames|upn|login|loginname|loginid|accountname|useremail|userprincipalname)"
    r"|uid|account|customdata|roles?|e?mail|uniquename|nameid|clientprincipalname|xmsclientprincipalname)\Z"
)
_NO_USERS = frozenset({"user", "login"})
# The parts of names by which a name is found in a text, in lower case.
_WORDS = (
    "token secret passw pwd pass credential auth cookie csrf xsrf assertion saml jwt handshake principal "
    "signature cipher customdata custom-data session sessid key sig code state nonce ticket hmac sid hash "
    "security kennwort contrasena rtfa sign requestverification otp clientcert client-cert pw wresult wctx "
    "clientinfo client_info login_hint extauth bearer iplanet antiforgery spoidcrl sas pin websocket sso "
    "appcheck creds contrase senha wachtwoord passport mysapsso sapsession sap-context castgc viewstate"
).split()
_OF_USERS = ("user", "uid", "upn", "login", "account", "role", "mail", "unique", "nameid", "nameidentifier")

# Values that are no secrets, whatever their names are.
_PLAIN = re.compile(
    r"(?i)(?:true|false|null|none|nil|undefined|yes|no|on|off|\d{1,5}|\*+|x{3,}|-+|xsd?:\w+|\[redacted\]|redacted"
    r"|session-[\d.]+|user-[\d.]+|string|bearer|basic|ntlm|negotiate)\Z"
)
_RANDOM = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[^\s<>\[\]{}()]+\Z")


# A code or key in JSON: nobody reads or writes such a value.
_MIXED = re.compile(r"(?=\D*\d)(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[\w+/~.-]{20,}={0,2}\Z", re.ASCII)


def is_random(value: str, least: int = 16) -> bool:
    """Return whether a value looks like a key: long enough, with letters and digits, without a blank."""
    return len(value) >= least and _RANDOM.match(value) is not None


class Names:
    """The names that tell secrets, with those that a user adds and takes out.

    Args:
        also: Names whose values are secrets, too, in any spelling of case and separators.
        keep: Names whose values are no secrets.
        users: Whether names of users are secrets.
    """

    def __init__(self, also: Iterable[str] = (), keep: Iterable[str] = (), *, users: bool = False) -> None:
        self._also, self._keep = {_plain(name) for name in also}, {_plain(name) for name in keep}
        self.users = users
        self._kinds: dict[str, Kind | None] = {}
        words = {*_WORDS, *FIRST, *(_OF_USERS if users else ())}
        # The first letters of the names of the user, with separators anywhere.
        own = ["[-_.]?".join(map(re.escape, each[:_LEAST])) for each in sorted(self._also) if each]
        # It finds parts of names and the beginnings of shapes in lower case: to ignore the case takes ten
        # times as long.
        self._pattern = re.compile(f"(?:{'|'.join([any_of(words), *own])})" + r"[\w.$-]{0,80}+")
        # The words that tell nothing, and the other ones.
        self._silent: set[str] = set()
        self._telling: set[str] = set()
        self.told: dict[int, tuple[Edit, ...]] = {}
        """The secrets that names and shapes have told, by the hash of the text: the pass that hides asks the
        same as the one that learns."""
        self._remembered = 0

    def __reduce__(self) -> tuple[object, ...]:
        # Another process learns by itself.
        return partial(Names, self._also, self._keep, users=self.users), ()

    def remember(self, key: int, found: tuple[Edit, ...]) -> None:
        """Note what was found in a text, if there is room: the first texts of a capture occur most often."""
        if len(self.told) < _MOST_TEXTS and (not found or self._remembered < _MOST_WITH_SECRETS):
            self.told[key] = found
            self._remembered += bool(found)

    def hits(self, lower: str) -> Iterator[re.Match[str]]:
        """Yield the parts of names that may tell a secret, and the beginnings of shapes, in a folded text.

        The words of a long text, such as the names of columns, occur very often and tell nothing. Each is
        judged once, and only those that tell something are searched for.
        """
        words = set[str]()
        if len(lower) >= _LONG and SECOND_WORD.search(lower) is None:
            words = _words(lower)
            self._judge(words)
            words &= self._telling
            if not words:
                return
        if not 0 < len(words) <= _MOST_TELLING or any(_FOREIGN in word for word in words):
            yield from self._pattern.finditer(lower)
            return
        done = 0
        for start, end in sorted(place for word in words for place in _places(lower, word)):
            done = max(start, done)
            while done < end and (hit := self._pattern.search(lower, done, end + _LONGEST)) is not None:
                if hit.start() >= end:
                    break
                yield hit
                done = hit.end()

    def _judge(self, words: set[str]) -> None:
        """Note which words may tell a secret."""
        if len(self._silent) + len(self._telling) > _MOST:
            self._silent.clear()
            self._telling.clear()
        words = words - self._silent - self._telling
        # A shape may begin with a word and a blank.
        line = "\n" + " \n".join(words) + " \n"
        for hit in self._pattern.finditer(line):
            word = line[line.rindex("\n", 0, hit.start() + 1) + 1 : line.index("\n", hit.start() + 1) - 1]
            always = len(word) > _LONGEST_WORD or _FOREIGN in word or line.startswith(_ALWAYS, hit.start())
            if always or self._kind(_plain(word)) is not None:
                self._telling.add(word)
        self._silent |= words - self._telling

    def kind(self, name: str) -> Kind | None:
        """Return what a name says about its value; None if it says nothing."""
        if name in self._kinds:
            return self._kinds[name]
        found = self._kind(_plain(name)) if len(name) <= _LONGEST else None
        if len(self._kinds) < _MOST:
            self._kinds[name] = found
        return found

    def _kind(self, plain: str) -> Kind | None:
        if plain in self._keep:
            return None
        if plain in self._also:
            return Kind.SECRET
        if plain.endswith(_IDENTIFIERS):
            return Kind.ID
        if plain in _FIELDS:
            return Kind.FIELD
        if plain in _CHALLENGES:
            return Kind.CHALLENGE
        if plain in _LISTS:
            return Kind.ITEMS
        if plain == "security":
            return Kind.ELEMENT
        if self.users and _USERS.match(plain) and plain not in _NO_USERS:
            return Kind.USER
        for root in () if plain.startswith(_COUNTS) else _ROOTS:
            at = plain.find(root)
            if at >= 0 and not _HARMLESS.match(plain, at + len(root)):
                return Kind.SECRET
        if plain in _LOOSE:
            return Kind.LOOSE
        if _KEY.search(plain):
            return Kind.KEY
        if plain in _PARAMETERS:
            return Kind.PARAMETER
        return Kind.SECRET if plain.endswith(_ENDS) and plain not in _BUT else None

    def is_secret(self, kind: Kind, value: str, *, parameter: bool = False) -> bool:
        """Return whether a value is a secret. `parameter`: it stands in the query of a URL, or in a form."""
        value = value.strip()
        if not value or _PLAIN.match(value):
            return False
        if kind in _LEAST_RANDOM:
            return is_random(value, _LEAST_RANDOM[kind]) or (parameter and len(value) > 5)
        if kind is Kind.PARAMETER:
            return parameter or _MIXED.match(value) is not None
        return kind is not Kind.ELEMENT


_LONGEST, _MOST, _LEAST = 128, 10_000, 4
# How long a value is that looks like a key.
_LEAST_RANDOM = {Kind.KEY: 8, Kind.LOOSE: 6}
_MOST_TEXTS, _MOST_WITH_SECRETS = 100_000, 20_000
SECOND_WORD = re.compile(r" (?:id|name|key|access key|access signature|token)(?= *=)")
"""The second word of a name in a connection string, such as Auth Key, before its "=", in a folded text."""
# The length of a text whose words are judged, and of a judged word, and how many of these are searched for.
_LONG, _LONGEST_WORD, _MOST_TELLING = 256, 80, 32
_ALWAYS = (*FIRST, "session")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_.$-"
# This stands for any character that is not ASCII, which may be a letter.
_FOREIGN = "?"
_ONLY_WORDS = bytes(code if chr(code) in _LETTERS + _FOREIGN else ord(" ") for code in range(256))
_BUT = frozenset({"auth", "bypass", "compass", "oauth"})


def _words(lower: str) -> set[str]:
    """Return the different words of a folded text."""
    ascii_only = lower.replace(_FOREIGN, " ").encode("ascii", "replace")
    return set(ascii_only.translate(_ONLY_WORDS).decode("ascii").split())


def _places(text: str, word: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each occurrence of a whole word in a text.

    If it only occurs as the name of tags, its first start tag and its first end tag are enough.
    """
    tags = f"<{word}>", f"</{word}>"
    if text.count(word) == sum(map(text.count, tags)) and not any(first in word for first in FIRST):
        for tag in tags:
            end = text.find(tag) + len(tag) - 1
            if end >= len(tag) - 1:
                yield end - len(word), end
        return
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (text[start - 1 : start] in _IN_WORDS or text[end : end + 1] in _IN_WORDS):
            yield start, end
        start = text.find(word, end)


_IN_WORDS = frozenset(_LETTERS)


def _plain(name: str) -> str:
    return _PARTS.sub("", name.lower())


def any_of(words: Iterable[str]) -> str:
    """Return a pattern for any of the words, grouped by their first letters, which is faster."""
    groups: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        groups.setdefault(word[:1], []).append(re.escape(word[1:]))
    return "(?:" + "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items()) + ")"
