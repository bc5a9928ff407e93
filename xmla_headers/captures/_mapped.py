"""Knows how the memory of a mapped file is released. A later access reads the file again."""

from __future__ import annotations

import mmap

__all__ = ["release"]


def release(data: bytes | memoryview) -> None:
    """Release the memory of a mapped file; do nothing for any other data."""
    mapped = data.obj if isinstance(data, memoryview) else None
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
