"""The least of an HTTP client: reads JSON and event streams of programs on loopback.

HTTP/1.0 on purpose: the answer comes unchunked and ends with the connection.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

LOOPBACK = "127.0.0.1"
MAX_LINE_BYTES = 4 * 1024 * 1024  # one board of a large county


async def get_json(port: int, path: str) -> Any:
    """Fetch one document. Raises `OSError` while nobody answers, or answers with an error."""
    async with _requested(port, path) as reader:
        return json.loads(await reader.read())


async def events(port: int, path: str) -> AsyncIterator[Any]:
    """Yield the JSON of every server-sent event until the stream ends. Raises likewise."""
    async with _requested(port, path) as reader:
        while line := await reader.readline():
            if line.startswith(b"data:") and (data := line[5:].strip()):
                yield json.loads(data)


@asynccontextmanager
async def _requested(port: int, path: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=MAX_LINE_BYTES)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
        status = await reader.readline()
        while (await reader.readline()).strip():
            pass
        if b" 200 " not in status:
            raise ConnectionError(f"{path}: {status.decode(errors='replace').strip()}")
        yield reader
    finally:
        writer.close()
