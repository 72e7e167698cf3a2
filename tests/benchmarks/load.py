"""A small load generator: a few connections, one request after the other on each, on one thread."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.benchmarks.report import percentile


@dataclass(frozen=True)
class Load:
    """What came out: requests a second, and the 95th percentile of one in milliseconds."""

    rate: float
    p95: float


def hammer(port: int, path: str, cookie: str, *, connections: int, seconds: float) -> Load:
    """GET `path` on `connections` for `seconds`, after a short warm-up. Raises RuntimeError for any status but 200."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\nAccept: text/html\r\n\r\n"
    ).encode()
    asyncio.run(_run(port, request, connections, min(1.0, seconds / 3)))
    return asyncio.run(_run(port, request, connections, seconds))


async def _run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    begin = time.perf_counter()
    talks = [_talk(port, request, begin + seconds) for _ in range(connections)]
    times = [one for batch in await asyncio.gather(*talks) for one in batch]
    return Load(len(times) / (time.perf_counter() - begin), percentile(times, 0.95) * 1000)


async def _talk(port: int, request: bytes, end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    try:
        while (begin := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"Unexpected answer: {head[:200]!r}")
            await body_of(reader, head.lower())
            times.append(time.perf_counter() - begin)
    finally:
        writer.close()
    return times


async def body_of(reader: asyncio.StreamReader, head: bytes) -> None:
    """Read the body that follows `head` (in lower case)."""
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)
