"""The aliases that the signatures of the public functions use."""

from __future__ import annotations

from collections.abc import Mapping
from mmap import mmap
from typing import TypeAlias

from .model import HeaderBlock
from .soap import AnyDirection, AnyMustUnderstandForm, AnySoapVersion
from .unknown_block import UnknownHeaderBlock

__all__ = ["AnyDirection", "AnyMustUnderstandForm", "AnySoapVersion", "Block", "BlockTypes", "Data"]

Data: TypeAlias = bytes | bytearray | memoryview | mmap
"""A message, or a part of one: bytes, a C-contiguous buffer, or a mapped file.

A map is copied, by `decode_header` and `HeaderReader` in parts. No result and no exception holds it open,
except the iterator of `captures.iter_messages`, until it has ended.
"""

Block: TypeAlias = HeaderBlock | UnknownHeaderBlock
"""A header block."""

BlockTypes: TypeAlias = Mapping[str, type[HeaderBlock]]
"""Expanded name in Clark notation, `{namespace}name` -> the class of the header blocks of that name."""
