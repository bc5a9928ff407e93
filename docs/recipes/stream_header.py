"""The header of a streamed message, as soon as it is there.

`chunks` is `response.iter_bytes()` of httpx, `response.aiter_bytes()` for the async
function, or `response.iter_content(65_536)` of requests. The message that comes back
is the whole one. It raises where decode would: it is not checked before its last chunk.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

import xmla_headers as xmla


def header_first(
    chunks: Iterable[bytes], charset: str | None = None
) -> tuple[xmla.Header, Iterator[bytes]]:
    reader, seen, chunks = (
        xmla.HeaderReader(encoding=charset),
        list[bytes](),
        iter(chunks),
    )
    for chunk in chunks:
        reader.feed(chunk)
        seen.append(chunk)
        if reader.header is not None:  # a Header without blocks is false
            break
    header = reader.close() if reader.header is None else reader.header

    def message() -> Iterator[bytes]:
        yield from seen
        for chunk in chunks:
            reader.feed(chunk)
            yield chunk
        reader.close()

    return header, message()


async def header_first_async(
    chunks: AsyncIterable[bytes], charset: str | None = None
) -> tuple[xmla.Header, AsyncIterator[bytes]]:
    reader, seen, chunks = (
        xmla.HeaderReader(encoding=charset),
        list[bytes](),
        aiter(chunks),
    )
    async for chunk in chunks:
        reader.feed(chunk)
        seen.append(chunk)
        if reader.header is not None:
            break
    header = reader.close() if reader.header is None else reader.header

    async def message() -> AsyncIterator[bytes]:
        for chunk in seen:
            yield chunk
        async for chunk in chunks:
            reader.feed(chunk)
            yield chunk
        reader.close()

    return header, message()
