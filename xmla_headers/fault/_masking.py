"""Knows what may be a session id in a text of a server, and masks it."""

from __future__ import annotations

import re

from xmla_headers.model import mask

__all__ = ["mask_code", "mask_in"]

# How much of a text of a server is shown, in characters.
_MOST_TEXT = 500
# The patterns are compiled by the first text: an import of the package does not need them.
_QUOTED = r"""'.*'|".*"|`.*`|\u2018.*\u2019|\u201c.*\u201d|\{.*\}|\(.*\)|['"`\u2018\u201c{(].*"""
_WORD = r"[^\s'\"`,;:=()<>\[\]{}\u2018-\u201d\u2026]+"
# A value with the name of a credential, and user information in an address (RFC 3986 §3.2.1).
_CREDENTIAL = (
    r"(?i)(\b(?:[a-z_-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)|pw|pwd|sig|jsessionid)"
    r"[\"']? ?[=:] ?[\"']?)([^\s\"'&;,]+)"
)
_USER_INFO = r"([^\s/:@]+:[^\s/@]+)@"
# A masked word has quotes of its own.
_MASKED_IN_QUOTES = r"(['\"`])('[^']{0,8}'\u2026 \([0-9,]+ characters?\))\1"
_AFTER_SESSION = rf"(?i)(\bsession(?:[ _-]?id)?(?: ?[:=#])? ?)({_WORD})"
# Codes of servers (3238789130, 0xc10c000a, 00HSBB01), versions and dates: no session id is so short.
_SHORT = r"[^\s]{1,5}|[0-9.]{1,12}|0x[0-9a-fA-F]{1,8}|00HS[A-Z]{2}[0-9]{2}"
_SHOWN = rf"{_SHORT}|[^0-9]{{1,31}}"
_SHOWN_NEAR_SESSION = rf"{_SHORT}|[A-Za-z]?[a-z]{{1,30}}[.!?]?"


def mask_code(code: str) -> str:
    """Return a code of a server, masked if a part of it may be a session id.

    Args:
        code: The code of a fault or of one of its entries.

    >>> from xmla_headers.fault._masking import mask_code
    >>> mask_code("XMLAnalysisError.0xc10c000a"), mask_code("8f1c2b3a-0d4e")
    ('XMLAnalysisError.0xc10c000a', "'8f1c'… (13 characters)")
    """
    parts = code.removeprefix("-").split(".")
    return code if all(re.fullmatch(_SHOWN, part) for part in parts) else mask(code)


def mask_in(text: str) -> str:
    """Return a text of a server with everything masked that may be a session id.

    Servers quote ids in their faults. In a text about sessions, everything in quotes or brackets is
    masked, and the word after "session" unless it is a plain word; in any text, words that look like ids.

    Args:
        text: The text of a fault, or of one of its entries.

    Returns:
        Text for people, on one line.

    >>> from xmla_headers.fault._masking import mask_in
    >>> mask_in("Session '8f1c2b3a-0d4e' was not found")
    "Session '8f1c'… (13 characters) was not found"
    >>> mask_in("The cube 'Sales' has no 2026 data")
    "The cube 'Sales' has no 2026 data"
    """
    text = " ".join(text[: 4 * _MOST_TEXT].split())
    text = re.sub(_CREDENTIAL, lambda match: f"{match[1]}{mask(match[2])}", text)
    text = re.sub(_USER_INFO, lambda match: f"{mask(match[1])}@", text)
    shown = _SHOWN
    if "session" in text.lower():
        shown = _SHOWN_NEAR_SESSION
        # From the first quote to the last, since an id may contain quotes.
        text = re.sub(_QUOTED, lambda match: mask(match[0].strip("'\"`\u2018\u2019\u201c\u201d{}()")), text)
        text = re.sub(_AFTER_SESSION, _masked_after_session, text)
    text = re.sub(_WORD, lambda match: match[0] if re.fullmatch(shown, match[0]) else mask(match[0]), text)
    text = re.sub(_MASKED_IN_QUOTES, r"\2", text)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\u2026"


def _masked_after_session(match: re.Match[str]) -> str:
    before, word = match.groups()
    plain = word.isalpha() and (word.islower() or word.lower() in ("id", "ids"))
    return f"{before}{word if plain else mask(word)}"
