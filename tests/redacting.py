"""Redaction of anything: of captures, and of pieces of text that are none."""

from __future__ import annotations

from functools import partial

from xmla_headers import captures

redact = partial(captures.redact, insist=True)
