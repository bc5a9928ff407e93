"""Redaction of captures, and of any other text."""

from __future__ import annotations

from functools import partial

from xmla_headers import captures

redact = partial(captures.redact, insist=True)
