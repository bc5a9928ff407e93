"""Strategies for values: the public ones, with additions for the tests of this library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from xmla_headers import Envelope, Fragment, SoapVersion, encode_block, strategies

if TYPE_CHECKING:
    from xmla_headers import HeaderBlock, UnknownHeaderBlock

__all__ = ["blocks", "envelopes", "fragments", "header_blocks", "headers", "text", "unknown_blocks"]

# Any text that XML 1.0 can carry, often of an unusual kind, sometimes long.
text = st.one_of(strategies.session_ids(), st.just("x" * 5_000))

header_blocks = strategies.header_blocks()
unknown_blocks = strategies.unknown_header_blocks()
blocks: st.SearchStrategy[HeaderBlock | UnknownHeaderBlock] = st.one_of(header_blocks, unknown_blocks)
headers = strategies.headers()

fragments = st.one_of(
    strategies.fragments(),
    # A Body may contain elements that look like header blocks.
    header_blocks.map(lambda block: Fragment(encode_block(block))),
)

envelopes = st.builds(Envelope, headers, fragments, st.sampled_from(SoapVersion))
