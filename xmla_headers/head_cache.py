"""HeadCache: the heads of messages, remembered."""

from __future__ import annotations

from _thread import allocate_lock

from ._checks import wrong_type
from ._xml.reader import cuts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

    from ._codec._everyday import Head
    from ._codec.options import Reading

__all__ = ["HeadCache"]


class HeadCache:
    """Remembers what the heads of messages say, so that the same head is judged once.

    The head, all bytes up to the end of the Body start tag, and the reading arguments fully determine
    the Header, and within one session every request has the same head. Holds up to `maxsize` heads,
    the oldest leaving first, and with them session ids: whoever makes one owns it and drops it. Safe
    to share between threads.
    """

    __slots__ = ("_heads", "_lock", "_maxsize")

    def __init__(self, maxsize: int = 128) -> None:
        if type(maxsize) is not int:
            raise wrong_type("maxsize", "int", maxsize)
        if maxsize < 1:
            msg = "maxsize must be at least 1"
            raise ValueError(msg)
        self._maxsize = maxsize
        self._heads: dict[tuple[bytes, Hashable], Head] = {}
        self._lock = allocate_lock()

    def __len__(self) -> int:
        """Return how many heads are remembered."""
        return len(self._heads)

    def __repr__(self) -> str:
        return f"HeadCache(<{len(self)} of {self._maxsize}>)"

    def clear(self) -> None:
        """Forget all heads."""
        with self._lock:
            self._heads.clear()

    def find(self, data: bytes, reading: Reading) -> Head | None:
        """Return the head that `data` begins with, if it has been seen. For decode."""
        if not self._heads:
            return None
        key = reading.key
        maximum = reading.limits.max_message_bytes
        if maximum is not None and len(data) > maximum:
            return None
        for cut in cuts(data, reading.limits.max_header_bytes):
            head = self._heads.get((data[:cut], key))
            if head is not None:
                return head
        return None

    def keep(self, data: bytes, reading: Reading, head: Head) -> None:
        """Remember a head that was read and let pass. For decode."""
        key = (data[: head.body_start], reading.key)
        with self._lock:
            if key in self._heads:
                return
            while len(self._heads) >= self._maxsize:
                del self._heads[next(iter(self._heads))]
            self._heads[key] = head
