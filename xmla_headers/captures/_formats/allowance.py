"""How much may still be unpacked from a capture, by zip or by a content coding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmla_headers.findings import Code, value_finding

if TYPE_CHECKING:
    from xmla_headers.captures._message import CaptureLimits
    from xmla_headers.findings import Finding

__all__ = ["Allowance"]


class Allowance:
    """The bytes that may still be unpacked from one capture: whatever unpacks something pays from it."""

    def __init__(self, limits: CaptureLimits) -> None:
        self._limits = limits
        #: Bytes that are left for the capture; None without a limit.
        self.left = limits.max_unpacked_bytes

    @property
    def most(self) -> int | None:
        """Bytes that the next content may have; None without a limit."""
        limits = [limit for limit in (self._limits.max_entry_bytes, self.left) if limit is not None]
        return min(limits, default=None)

    @property
    def is_short(self) -> bool:
        """Whether less is left for the capture than one content may have."""
        return self.most != self._limits.max_entry_bytes

    def pay(self, size: int) -> None:
        """Take bytes off what is left."""
        if self.left is not None:
            self.left = max(0, self.left - size)

    def exceeded(self, what: str, *, is_short: bool) -> Finding:
        """Return the finding about a content that is larger than `most` was; `is_short` as it was then."""
        limits = self._limits
        if is_short:
            text = f"the capture unpacks to more than {limits.max_unpacked_bytes} bytes (max_unpacked_bytes)"
        else:
            text = f"{what} unpacks to more than {limits.max_entry_bytes} bytes (max_entry_bytes)"
        return value_finding(Code.LIMIT_EXCEEDED, text)
