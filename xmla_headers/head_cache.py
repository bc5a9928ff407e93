"""HeadCache, and the one that the functions share: the heads of messages, remembered by shape."""

from ._codec.heads import SHARED_HEADS, HeadCache

__all__ = ["SHARED_HEADS", "HeadCache"]
