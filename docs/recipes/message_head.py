"""The head of a message that streams through, whose session id can be changed.

`with_blocks` needs the head of a message alone: the rest follows unchanged. Most
messages that a proxy forwards need no more than this. The streaming proxy uses it.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import xmla_headers as xmla

FAULT = re.compile(rb"\s*<(?:[^\s<>/:]+:)?Fault[\s/>]")


class Head:
    """The beginning of a message, up to the chunk with the Body start tag."""

    def __init__(self, chunks: Iterator[bytes], charset: str | None) -> None:
        self.data, self.charset = b"", charset
        reader = xmla.HeaderReader(encoding=charset)
        while reader.header is None and (chunk := next(chunks, b"")):
            reader.feed(chunk)
            self.data += chunk
        header = reader.close() if reader.header is None else reader.header
        self.block, self.body = header.session_header, reader.body_offset

    def is_fault(self, chunks: Iterator[bytes]) -> bool:
        """Whether the Body begins with a fault, whose tag may be in a later chunk."""
        while b">" not in self.data[self.body :] and (chunk := next(chunks, b"")):
            self.data += chunk
        # In UTF-16 there is a zero byte beside each of these characters.
        return FAULT.match(self.data[self.body :].replace(b"\0", b"")) is not None

    def rename(self, block: xmla.Session | xmla.EndSession, session_id: str) -> int:
        """Change the session id; return the number of bytes that were added."""
        before = len(self.data)
        block = replace(block, session_id=session_id)
        self.data = xmla.with_blocks(self.data, block, encoding=self.charset)
        return len(self.data) - before


def is_lost(answer: bytes, charset: str | None) -> bool:
    try:
        fault = xmla.decode(answer, encoding=charset).fault
    except xmla.XmlaHeadersError:  # the client will refuse it as well
        return False
    return fault is not None and fault.session_lost
