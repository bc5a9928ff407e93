"""Session ids of every awkward kind, and the codes that an id alone brings about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xmla_headers.findings import Code

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ID_RULES", "SESSION_IDS", "IdRule"]


class IdRule(NamedTuple):
    """A rule about session ids: whether an id breaks it, and examples."""

    code: Code
    # Completes the sentence "SessionId ...".
    note: str
    is_broken_by: Callable[[str], bool]
    # Name, what is special, id. All of them break the rule; the first is the plainest.
    examples: tuple[tuple[str, str, str], ...]


# To add a code about session ids, add a row.
ID_RULES = (
    IdRule(Code.EMPTY_SESSION_ID, "is empty", lambda sid: not sid, (("plain", "", ""),)),
    IdRule(
        Code.PADDED_SESSION_ID,
        "begins or ends with white space",
        lambda sid: sid != sid.strip(" \t\r\n"),
        (
            ("plain", ": a space on both sides", " 5E55-96 "),
            ("space-before", ": a space before it", " 5E55-96"),
            ("space-after", ": a space after it", "5E55-96 "),
            ("tab-before", ": a TAB before it", "\t5E55-96"),
            ("line-feed-after", ": LF after it", "5E55-96\n"),
            ("carriage-return-after", ": CR after it", "5E55-96\r"),
            ("white-space-only", " and has nothing else", " \t\n"),
        ),
    ),
)

# Nothing limits the form of a session id.
SESSION_IDS = {
    "guid": "9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E",
    "braces": "{9F2C1B7E-3D54-4A0B-8C1E-5A6F7B8C9D0E}",
    "lower-case": "9f2c1b7e-3d54-4a0b-8c1e-5a6f7b8c9d0e",
    "number": "581",
    "leading-zeros": "0000581",
    "one-character": "x",
    "markup": "a<b>&c",
    "quotes": "a\"b'c",
    "reference-like": "A&amp;B&#65;",
    "space-inside": "a b",
    "space-around": "  padded  ",
    "space-only": " ",
    "line-ends": "a\tb\nc\r\nd\re",
    "cdata-end": "]]>",
    "comment-end": "-->",
    "end-tag": "</s:Body></s:Envelope>",
    "format": "%s {0} ${x} \\n",
    "sql": "'; DROP TABLE sessions; --",
    "path": "../../etc/hostname",
    "latin": "sesi\u00f3n-\u00fc",
    "not-latin": "\u6f22\u5b57",
    "beyond-16-bits": "\U0001f511",
    "combining": "e\u0301",
    "composed": "\u00e9",
    "right-to-left": "abc\u202edef",
    "zero-width": "a\u200bb",
    "mark-inside": "a\ufeffb",
    "delete": "\x7f\x85",
    "line-separator": "a\u2028b",
    "noncharacter": "\ufdd0",
    "long": "0123456789ABCDEF" * 64,
}
