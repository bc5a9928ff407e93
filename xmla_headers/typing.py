"""The aliases that the signatures of the public functions use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from .model import HeaderBlock
from .unknown_block import UnknownHeaderBlock

__all__ = ["Block", "BlockTypes", "Data"]

Data: TypeAlias = bytes | bytearray | memoryview
"""A message, or a part of one: bytes, or a C-contiguous buffer."""

Block: TypeAlias = HeaderBlock | UnknownHeaderBlock
"""A header block."""

BlockTypes: TypeAlias = Mapping[str, type[HeaderBlock]]
"""Expanded name in Clark notation, `{namespace}name` -> the class of the header blocks of that name."""
